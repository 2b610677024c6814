package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/**
 * A webhook as it was received.
 *
 * @param path such as {@code /Consent/Notification}
 * @param headers by their names in lower case
 * @param body its bytes
 * @param problem why it is not valid: its signature, its {@code aa_api_key} or its age; empty if it is valid
 */
public record Webhook(String path, Map<String, String> headers, byte[] body, String problem) {
    /** Returns whether an FIU accepts it: it is signed over these bytes by a key of this AA, and not too old. */
    public boolean isValid() {
        return problem.isEmpty();
    }

    /** Returns the body as JSON. Throws an {@link IllegalArgumentException} if it is none. */
    public JsonNode json() {
        return Json.read(body);
    }

    /** Returns the status of the consent or session that it reports, such as ACTIVE; empty if it reports none. */
    public String status() {
        JsonNode message = Json.readOrMissing(body);
        String ofConsent = message.path("ConsentStatusNotification").path("consentStatus").asText("");
        return ofConsent.isEmpty() ? message.path("FIStatusNotification").path("sessionStatus").asText("") : ofConsent;
    }

    /** Returns the handle of its consent; empty if it names none. */
    public String consentHandle() {
        JsonNode message = Json.readOrMissing(body);
        String ofConsent = message.path("ConsentStatusNotification").path("consentHandle").asText("");
        return ofConsent.isEmpty() ? message.path("consentHandle").asText("") : ofConsent;
    }
}
