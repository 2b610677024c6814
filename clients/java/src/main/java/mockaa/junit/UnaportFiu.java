package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A backend that is logged in at the Unaport FIU API v2.0.0. Unaport signs, encrypts and decrypts in its place. Each
 * method throws an {@link ApiError} for an error of Unaport.
 */
public final class UnaportFiu {
    private static final String CONSENT_DETAIL = """
            {
              "consentExpiry": "12",
              "consentMode": "STORE",
              "fetchType": "ONETIME",
              "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"],
              "fiTypes": ["DEPOSIT"],
              "DataConsumer": { "id": "UNACORES-FIU-UAT" },
              "Purpose": { "code": "101" },
              "FIDataRange": { "from": "-12", "to": "0" },
              "DataLife": { "unit": "YEAR", "value": 1 },
              "Frequency": { "unit": "MONTH", "value": 1 }
            }""";
    private static final String CONSENT = """
            {
              "vuaId": "",
              "createdBy": "dev@lender.example",
              "trackingId": "LOAN-4711",
              "aaId": "UNACORES-AA-UAT",
              "fiuId": "UNACORES-FIU-UAT",
              "fiuBaseUrl": "https://lender.example",
              "redirectUrl": "https://lender.example/back"
            }""";

    private final AaWorld world;
    private final Map<String, String> headers;
    private final String orgId;
    /** The template of consents that name none; {@code null} before the first of them. */
    private String template;

    /** Logs in; any e-mail address will do. */
    UnaportFiu(AaWorld world) {
        this.world = world;
        String base = world.baseUrl() + "/api/v1";
        Map<String, String> credentials = Map.of("emailId", "dev@lender.example", "password", "any-password");
        JsonNode login = Http.call("POST", base + "/public/user/login", credentials, Map.of());
        headers = Map.of("authorization", "Bearer " + login.path("access_token").asText());
        JsonNode organisation = Http.call("GET", base + "/FIU/getClientOrganisation", null, headers);
        orgId = organisation.path("orgId").asText();
    }

    /** Calls a path below the URL of the application, such as {@code GetConsent/…}; {@code null} is no body. */
    public JsonNode call(String method, String path, Object body) {
        return Http.call(method, world.baseUrl() + "/backend-v2/api/v2/FIU/" + path, body, headers);
    }

    /** Saves a template of consents, for twelve months of deposits; returns its id. {@code changes} replace fields. */
    public String saveTemplate(Map<String, ?> changes) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("consentStart", Timestamps.format(world.now()));
        fields.putAll(changes);
        Map<String, Object> content = Map.of(
                "product_name", "Twelve months of deposits",
                "ConsentDetail", Json.merge(CONSENT_DETAIL, fields));
        return call("POST", "InsertProduct/" + orgId, content).path("productId").asText();
    }

    /** Raises a consent for a mobile number, as {@link #raiseConsent(String, Map)} does. */
    public JsonNode raiseConsent(String mobileNumber) {
        return raiseConsent(mobileNumber, Map.of());
    }

    /**
     * Raises a consent for a mobile number; returns the answer with {@code ConsentHandle} and {@code redirectUrl}.
     * {@code changes} replace fields of the call, such as the {@code productId} of a template.
     */
    public JsonNode raiseConsent(String mobileNumber, Map<String, ?> changes) {
        if (template == null && !changes.containsKey("productId")) {
            template = saveTemplate(Map.of());
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("mobileNumber", mobileNumber);
        fields.put("productId", template);
        fields.putAll(changes);
        return call("POST", "Consents/product/" + orgId, Json.merge(CONSENT, fields));
    }

    /** Returns the consent as Unaport shows it. */
    public JsonNode consent(String handle) {
        return call("GET", "GetConsent/" + handle, null);
    }

    /**
     * Returns the data of the newest session of a consent, which Unaport has requested by itself. Throws an
     * {@link AssertionError} if no data has been announced.
     */
    public JsonNode fetchData(String handle) {
        JsonNode notifications = call("GET", "FINotification/" + handle, null).path("data");
        if (notifications.isEmpty()) {
            throw new AssertionError("no data of the consent " + handle + " is announced; wait for /FI/Notification");
        }
        JsonNode newest = notifications.get(notifications.size() - 1);
        String session = newest.path("FIStatusNotification").path("sessionId").asText();
        return call("GET", "FifetchDataBySessionId/" + session, null);
    }
}
