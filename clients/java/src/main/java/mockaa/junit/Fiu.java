package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * An FIU that uses ReBIT's AA API 2.0.0: it signs what it sends, verifies what it receives, and decrypts. It makes each
 * call once. Each method throws an {@link ApiError} for an error of the AA, and a {@link SignatureError} for an answer
 * that is not to be trusted.
 */
public final class Fiu {
    // A key of 2048 bits takes a tenth of a second.
    private static final SigningKey KEY = SigningKey.generate("mockaa-junit");
    private static final Duration YEAR = Duration.ofDays(365);
    // Within fair use for the purpose 101: once a day, for a year, with the data of a year.
    private static final String CONSENT_DETAIL = """
            {
              "consentMode": "STORE",
              "fetchType": "PERIODIC",
              "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"],
              "fiTypes": ["DEPOSIT"],
              "Purpose": {
                "code": "101",
                "refUri": "https://api.rebit.org.in/aa/purpose/101.xml",
                "text": "Wealth management service",
                "Category": { "type": "Personal Finance" }
              },
              "DataLife": { "unit": "MONTH", "value": 1 },
              "Frequency": { "unit": "DAY", "value": 1 }
            }""";

    private final AaWorld world;
    private final String id;
    private final String apiKey;

    private Fiu(AaWorld world, String id, String apiKey) {
        this.world = world;
        this.id = id;
        this.apiKey = apiKey;
    }

    /** Returns an FIU that the world knows, such as FIU-1, with a further signing key. */
    public static Fiu register(AaWorld world, String id) {
        String path = "config/fiu/" + id;
        JsonNode known = world.control("GET", path);
        // The keys of the FIU under test, which may be the same one, stay valid.
        List<Object> keys = new ArrayList<>();
        for (JsonNode jwk : known.path("publicKeys")) {
            if (!jwk.path("kid").asText().equals(KEY.kid())) {
                keys.add(jwk);
            }
        }
        keys.add(KEY.publicJwk());
        world.control("PUT", path, Map.of("publicKeys", keys));
        return new Fiu(world, id, known.path("apiKey").asText());
    }

    /**
     * Signs and sends a message to a path such as {@code /Consent}; adds {@code ver}, {@code timestamp} and
     * {@code txnid}. Returns the answer, whose signature, {@code txnid} and time it has verified.
     */
    public JsonNode post(String path, Map<String, ?> content) {
        String txnid = UUID.randomUUID().toString();
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("ver", "2.0.0");
        message.put("timestamp", Timestamps.format(world.now()));
        message.put("txnid", txnid);
        message.putAll(content);
        byte[] body = Json.write(message);
        Map<String, String> headers = Map.of(
                "content-type", "application/json",
                "client_api_key", apiKey,
                "x-jws-signature", KEY.sign(body));
        HttpResponse<byte[]> answer = Http.send("POST", world.baseUrl() + path, body, headers);
        Jws.verify(answer.headers().firstValue("x-jws-signature").orElse(""), answer.body(), world::findKey);
        JsonNode result = Json.read(answer.body());
        String answered = result.path("txnid").asText();
        if (!answered.equals(message.get("txnid"))) {
            throw new SignatureError("the answer to " + path + " has the txnid of another message, " + answered);
        }
        // An artefact has no timestamp of its own.
        JsonNode timestamp = result.path("timestamp");
        if (!timestamp.isMissingNode()) {
            Timestamps.verify("the answer to " + path, timestamp, world);
        }
        return result;
    }

    /** Raises a consent for twelve months of deposits, as {@link #raiseConsent(String, Map)} does. */
    public String raiseConsent(String customer) {
        return raiseConsent(customer, Map.of());
    }

    /**
     * Raises a consent for a mobile number or an address of an AA; returns its handle. {@code changes} replace fields
     * of {@code ConsentDetail}, such as {@code Map.of("fiTypes", List.of("EQUITIES"))}.
     */
    public String raiseConsent(String customer, Map<String, ?> changes) {
        Instant now = world.now();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("consentStart", Timestamps.format(now));
        fields.put("consentExpiry", Timestamps.format(now.plus(YEAR).minus(Duration.ofDays(1))));
        fields.put("DataConsumer", Map.of("id", id, "type", "FIU"));
        fields.put("Customer", Map.of("id", customer.contains("@") ? customer : customer + "@mockaa"));
        fields.put("FIDataRange", Map.of("from", Timestamps.format(now.minus(YEAR)), "to", Timestamps.format(now)));
        fields.putAll(changes);
        ObjectNode detail = Json.merge(CONSENT_DETAIL, fields);
        return post("/Consent", Map.of("ConsentDetail", detail)).path("ConsentHandle").asText();
    }

    /** Returns {@code ConsentStatus}: the {@code status}, and the {@code id} of the consent once it is approved. */
    public JsonNode consentStatus(String handle) {
        return post("/Consent/handle", Map.of("ConsentHandle", handle)).path("ConsentStatus");
    }

    /**
     * Fetches the signed consent, and verifies its signature. Throws an {@link AssertionError} if the consent is not
     * approved.
     */
    public Artefact artefact(String handle) {
        JsonNode status = consentStatus(handle);
        String consentId = status.path("id").asText("");
        if (consentId.isEmpty()) {
            String state = status.path("status").asText();
            throw new AssertionError("the consent " + handle + " is " + state + ", and has no artefact yet");
        }
        JsonNode answer = post("/Consent/fetch", Map.of("consentId", consentId));
        String signed = answer.path("signedConsent").asText();
        JsonNode detail = Jws.openCompact(signed, world::findKey);
        String signature = signed.substring(signed.lastIndexOf('.') + 1);
        return new Artefact(consentId, detail, signature, answer.path("status").asText());
    }

    /** Requests the data of a consent, of its whole range; returns the id of the session. */
    public String requestData(String handle, SessionKey key) {
        Artefact artefact = artefact(handle);
        return requestData(artefact, artefact.detail().path("FIDataRange"), key);
    }

    /** Requests the data of a consent between two timestamps; returns the id of the session. */
    public String requestData(String handle, SessionKey key, String from, String to) {
        return requestData(artefact(handle), Map.of("from", from, "to", to), key);
    }

    private String requestData(Artefact artefact, Object range, SessionKey key) {
        String expiry = Timestamps.format(world.now().plus(Duration.ofHours(1)));
        Map<String, Object> content = Map.of(
                "FIDataRange", range,
                "Consent", Map.of("id", artefact.consentId(), "digitalSignature", artefact.signature()),
                "KeyMaterial", key.keyMaterial(expiry));
        return post("/FI/request", content).path("sessionId").asText();
    }

    /**
     * Fetches the data of a session, and decrypts it. Throws an {@link IllegalArgumentException} if the key is not that
     * of the session.
     */
    public List<Account> fetchSession(String sessionId, SessionKey key) {
        List<Account> accounts = new ArrayList<>();
        for (JsonNode entry : post("/FI/fetch", Map.of("sessionId", sessionId)).path("FI")) {
            for (JsonNode item : entry.path("data")) {
                accounts.add(new Account(
                        entry.path("fipID").asText(),
                        item.path("linkRefNumber").asText(),
                        item.path("maskedAccNumber").asText(),
                        key.decrypt(entry.path("KeyMaterial"), item.path("encryptedFI").asText())));
            }
        }
        return accounts;
    }

    /** Requests and fetches all data of a consent. The banks of the sandbox have answered when they are asked. */
    public List<Account> fetchData(String handle) {
        SessionKey key = new SessionKey();
        return fetchSession(requestData(handle, key), key);
    }

    /** Requests and fetches the data of a consent between two timestamps. */
    public List<Account> fetchData(String handle, String from, String to) {
        SessionKey key = new SessionKey();
        return fetchSession(requestData(handle, key, from, to), key);
    }
}
