package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;

/** An answer with an error status. The message has the status and what the answer says. */
public final class ApiError extends AssertionError {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String text;

    ApiError(int status, String request, String text) {
        super(request + " was answered with " + status + ": " + text);
        this.status = status;
        this.text = text;
    }

    /** Returns the HTTP status. */
    public int status() {
        return status;
    }

    /** Returns the answer as it came. */
    public String text() {
        return text;
    }

    /** Returns the answer as JSON. Throws an {@link IllegalArgumentException} if it is none. */
    public JsonNode json() {
        return Json.read(text.getBytes(StandardCharsets.UTF_8));
    }
}
