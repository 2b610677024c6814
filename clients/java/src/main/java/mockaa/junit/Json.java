package mockaa.junit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Reading and writing of JSON. */
final class Json {
    private static final ObjectMapper MAPPER =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private Json() {}

    /** Reads JSON in UTF-8, UTF-16 or UTF-32. Throws an {@link IllegalArgumentException} for other bytes. */
    static JsonNode read(byte[] bytes) {
        try {
            JsonNode value = MAPPER.readTree(bytes);
            if (value.isMissingNode()) {
                throw new IllegalArgumentException("no JSON: it is empty");
            }
            return value;
        } catch (IOException error) {
            throw new IllegalArgumentException("no JSON: " + error.getMessage(), error);
        }
    }

    /** Reads JSON, or returns a {@link MissingNode} for other bytes: a scenario may send anything. */
    static JsonNode readOrMissing(byte[] bytes) {
        try {
            return read(bytes);
        } catch (IllegalArgumentException error) {
            return MissingNode.getInstance();
        }
    }

    /** Returns the JSON of a value: a {@link JsonNode}, or a map, list or text of Java. */
    static byte[] write(Object value) {
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (JsonProcessingException error) {
            throw new IllegalArgumentException("it cannot be written as JSON: " + error.getOriginalMessage(), error);
        }
    }

    /** Reads an object, and replaces some of its fields. */
    static ObjectNode merge(String object, Map<String, ?> changes) {
        ObjectNode merged = (ObjectNode) read(object.getBytes(StandardCharsets.UTF_8));
        changes.forEach((name, value) -> merged.set(name, MAPPER.valueToTree(value)));
        return merged;
    }
}
