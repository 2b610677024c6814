package mockaa.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Documents of accounts as maps. */
class AccountTest {
    private static Account read(String xml) {
        return new Account("FIP-1", "REF0001", "XXXXXX0001", xml);
    }

    @Test
    void elementsThatMayBeRepeatedAreListsWhateverTheirNumber() {
        Account account = read("""
                <ns:Account xmlns:ns="http://api.rebit.org.in/FISchema/deposit" type="deposit">
                  <ns:Profile><ns:Holders><ns:Holder name="A &amp; B"/></ns:Holders></ns:Profile>
                  <ns:Note at="1"/><ns:Note at="2"/><ns:Note at="3"/>
                  <ns:Transactions startDate="2026-01-01">
                    <ns:Transaction amount="1.00" narration="two&#10;lines"/>
                  </ns:Transactions>
                </ns:Account>""");
        List<Map<String, String>> transactions = List.of(Map.of("amount", "1.00", "narration", "two\nlines"));
        assertEquals(transactions, account.transactions());
        assertEquals(
                Map.of(
                        "type", "deposit",
                        "Profile", Map.of("Holders", Map.of("Holder", List.of(Map.of("name", "A & B")))),
                        "Note", List.of(Map.of("at", "1"), Map.of("at", "2"), Map.of("at", "3")),
                        "Transactions", Map.of("startDate", "2026-01-01", "Transaction", transactions)),
                account.toMap());
    }

    @Test
    void anAccountWithoutTransactionsHasNone() {
        assertEquals(List.of(), read("<Account/>").transactions());
        assertEquals(Map.of(), read("<Account/>").toMap());
    }

    @Test
    void aDocumentTypeIsRefused() {
        String document = """
                <!DOCTYPE Account [<!ENTITY host SYSTEM "file:///etc/hostname">]>
                <Account>&host;</Account>""";
        assertThrows(IllegalArgumentException.class, () -> read(document).toMap());
        assertThrows(IllegalArgumentException.class, () -> read("no XML").transactions());
    }
}
