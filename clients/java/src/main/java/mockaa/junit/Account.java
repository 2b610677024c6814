package mockaa.junit;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;
import org.xml.sax.helpers.DefaultHandler;

/**
 * The data of one account, decrypted.
 *
 * @param xml the document of the account, by the FI schemas of ReBIT
 */
public record Account(String fipId, String linkNumber, String maskedNumber, String xml) {
    /** Elements that may occur several times, whatever their number in a document. */
    private static final Set<String> LISTS = Set.of("Transaction", "Holder", "Holding", "Nominee");

    /**
     * Returns the document as a map: attributes as texts, elements as maps, and {@code Transaction} and others that may
     * be repeated as lists of maps. Throws an {@link IllegalArgumentException} if it is no XML.
     */
    public Map<String, Object> toMap() {
        return toMap(parse());
    }

    /** Returns the transactions by the names of their attributes; amounts and dates are texts, as in the document. */
    public List<Map<String, String>> transactions() {
        List<Map<String, String>> transactions = new ArrayList<>();
        NodeList elements = parse().getElementsByTagNameNS("*", "Transaction");
        for (int at = 0; at < elements.getLength(); at++) {
            transactions.add(readAttributes((Element) elements.item(at)));
        }
        return transactions;
    }

    private Element parse() {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setNamespaceAware(true);
            // Neither a document type nor what it names is read.
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            DocumentBuilder builder = factory.newDocumentBuilder();
            // Throws errors, and does not print them.
            builder.setErrorHandler(new DefaultHandler());
            return builder.parse(new InputSource(new StringReader(xml))).getDocumentElement();
        } catch (ParserConfigurationException error) {
            throw new IllegalStateException("the XML parser of this Java cannot be made safe", error);
        } catch (SAXException | IOException error) {
            throw new IllegalArgumentException("the document of account " + linkNumber + " is no XML", error);
        }
    }

    private static Map<String, Object> toMap(Element element) {
        Map<String, Object> content = new LinkedHashMap<>(readAttributes(element));
        for (Node child = element.getFirstChild(); child != null; child = child.getNextSibling()) {
            if (child instanceof Element part) {
                String name = part.getLocalName();
                content.merge(name, LISTS.contains(name) ? List.of(toMap(part)) : toMap(part), Account::join);
            }
        }
        return content;
    }

    private static List<Object> join(Object first, Object second) {
        List<Object> joined = new ArrayList<>();
        for (Object part : List.of(first, second)) {
            if (part instanceof List<?> list) {
                joined.addAll(list);
            } else {
                joined.add(part);
            }
        }
        return joined;
    }

    private static Map<String, String> readAttributes(Element element) {
        Map<String, String> content = new LinkedHashMap<>();
        NamedNodeMap attributes = element.getAttributes();
        for (int at = 0; at < attributes.getLength(); at++) {
            Node attribute = attributes.item(at);
            if (!XMLConstants.XMLNS_ATTRIBUTE_NS_URI.equals(attribute.getNamespaceURI())) {
                content.put(attribute.getLocalName(), attribute.getNodeValue());
            }
        }
        return content;
    }
}
