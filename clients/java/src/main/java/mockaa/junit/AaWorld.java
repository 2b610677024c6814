package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext.Store.CloseableResource;

/**
 * The control API of a world, an isolated part of the sandbox with its own consents, clock and journal. It plays
 * everyone but the FIU: the customer, the banks, and time. Each method throws an {@link ApiError} if the sandbox
 * refuses the call.
 */
public final class AaWorld implements CloseableResource {
    private static final Pattern SCENARIO_NAME = Pattern.compile("^name:\\s*[\"']?([\\w.-]+)", Pattern.MULTILINE);

    private final Sandbox sandbox;
    private final String name;
    /** The keys of the AA by their {@code kid}, and {@code null} for those that it does not have; guarded by itself. */
    private final Map<String, RSAPublicKey> keys = new HashMap<>();

    /** {@code name} has letters, digits, dots, dashes and underscores. */
    AaWorld(Sandbox sandbox, String name) {
        this.sandbox = sandbox;
        this.name = name;
    }

    /** Returns the name of the world. */
    public String name() {
        return name;
    }

    /** Returns the address of the Account Aggregator for the FIU under test. */
    public String baseUrl() {
        return sandbox.url() + "/w/" + name;
    }

    /** Calls the control API of the world, {@code /_mockaa/v1/…}, without a body. */
    public JsonNode control(String method, String path) {
        return control(method, path, null);
    }

    /** Calls the control API of the world, {@code /_mockaa/v1/…}; a text is sent as YAML, anything else as JSON. */
    public JsonNode control(String method, String path, Object body) {
        return Http.call(method, baseUrl() + "/_mockaa/v1/" + path, body, Map.of());
    }

    /**
     * Returns the key with which the AA signs under a name, or {@code null}. The keys are read once for each name that
     * is not known yet, since the AA may have a new key.
     */
    RSAPublicKey findKey(String kid) {
        synchronized (keys) {
            if (!keys.containsKey(kid)) {
                keys.putAll(Jws.readKeys(Http.call("GET", baseUrl() + "/.well-known/jwks.json", null, Map.of())));
                keys.putIfAbsent(kid, null);
            }
            return keys.get(kid);
        }
    }

    // The customer

    /** Returns a consent: its {@code state}, terms and history. */
    public JsonNode consent(String handle) {
        return control("GET", "consents/" + handle);
    }

    /** Returns the state of a consent, such as ACTIVE. */
    public String state(String handle) {
        return consent(handle).path("state").asText();
    }

    /** Does approve, reject, pause, resume, revoke, fail, expire or activate with a consent. */
    public JsonNode act(String handle, String action) {
        return control("POST", "consents/" + handle + "/" + action);
    }

    /** Does one of these with details, such as {@code Map.of("accounts", List.of(…))} of approve. */
    public JsonNode act(String handle, String action, Map<String, ?> details) {
        return control("POST", "consents/" + handle + "/" + action, details);
    }

    /** Approves for the customer, who chooses all accounts. */
    public JsonNode approve(String handle) {
        return act(handle, "approve");
    }

    /** Approves for the customer, who chooses accounts by their link numbers. */
    public JsonNode approve(String handle, List<String> accounts) {
        return act(handle, "approve", Map.of("accounts", accounts));
    }

    /** Rejects for the customer. */
    public JsonNode reject(String handle) {
        return act(handle, "reject");
    }

    /** Pauses an active consent. */
    public JsonNode pause(String handle) {
        return act(handle, "pause");
    }

    /** Resumes a paused consent. */
    public JsonNode resume(String handle) {
        return act(handle, "resume");
    }

    /** Revokes a consent for the customer. */
    public JsonNode revoke(String handle) {
        return act(handle, "revoke");
    }

    // Time

    /** Returns the world's time. */
    public Instant now() {
        return Instant.parse(control("GET", "clock").path("now").asText());
    }

    /**
     * Advances the clock by a duration such as {@code 2s} or {@code P30D}. Everything that is due happens in order, and
     * the webhooks are answered when this returns.
     */
    public JsonNode advance(String by) {
        return control("POST", "clock/advance", Map.of("by", by));
    }

    /** Advances the clock to an instant such as {@code 2027-01-31T06:00:00Z}, as {@link #advance} does. */
    public JsonNode advanceTo(String instant) {
        return control("POST", "clock/advance", Map.of("to", instant));
    }

    // Scenarios and faults

    /**
     * Lets a scenario drive every consent: the name of a shipped one, or the text of one in YAML. Returns its name.
     * Throws an {@link IllegalArgumentException} for a text without a name.
     */
    public String useScenario(String scenario) {
        String used = scenario;
        if (scenario.contains("\n") || scenario.contains(":")) {
            Matcher found = SCENARIO_NAME.matcher(scenario);
            if (!found.find()) {
                String remedy = "begin it with `version: 1` and `name: …`";
                throw new IllegalArgumentException("the scenario has no name; " + remedy);
            }
            used = found.group(1);
            control("PUT", "scenarios/" + used, scenario);
        }
        control("PUT", "scenarios/default", Map.of("name", used));
        return used;
    }

    /** Injects faults into webhooks and answers, as YAML or a map with {@code webhooks} and {@code api_faults}. */
    public void putFaults(Object faults) {
        control("PUT", "faults/test", faults);
    }

    // Results

    /** Returns the journal: every call, event and webhook. */
    public List<JsonNode> journal() {
        return journal(Map.of());
    }

    /** Returns the entries of the journal that match filters, such as {@code Map.of("kind", "call")}. */
    public List<JsonNode> journal(Map<String, String> filters) {
        List<JsonNode> entries = new ArrayList<>();
        Map<String, String> query = new LinkedHashMap<>(filters);
        JsonNode next;
        do {
            JsonNode page = control("GET", "journal?" + encodeQuery(query));
            page.path("items").forEach(entries::add);
            next = page.path("next");
            query.put("after", next.asText());
        } while (next.isNumber());
        return entries;
    }

    private static String encodeQuery(Map<String, String> query) {
        return query.entrySet().stream()
                .map(item -> item.getKey() + "=" + URLEncoder.encode(item.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
    }

    /** Returns the contract report, which grades how the FIU has behaved in this world. */
    public AaReport report() {
        return new AaReport(this);
    }

    /** Checks expectations in the format of scenario files. Throws an {@link AssertionError} that says what differs. */
    public void expect(String expectations) {
        JsonNode answer = control("POST", "assert", expectations);
        if (answer.path("passed").asBoolean()) {
            return;
        }
        StringBuilder text = new StringBuilder("expectations of world " + name + " are not met:");
        for (JsonNode result : answer.path("results")) {
            String outcome = result.path("outcome").asText();
            if (!outcome.equals("met")) {
                String expected = result.path("expected").asText();
                text.append("\n" + result.path("location").asText() + ": " + outcome + ", expected " + expected);
                result.path("explanation").forEach(line -> text.append("\n    " + line.asText()));
            }
        }
        throw new AssertionError(text.toString());
    }

    /** Returns the journal as text, a line for each entry. */
    String describeJournal() {
        settle();
        return journal(Map.of("light", "true")).stream()
                .map(AaWorld::describeEntry)
                .collect(Collectors.joining("\n"));
    }

    private static String describeEntry(JsonNode entry) {
        return fill(entry, "%4s  %s  %s", "seq", "at", "kind")
                + fill(entry.path("call"), "  %s %s → %s (%s)", "method", "path", "status", "op")
                + fill(entry.path("webhook"), "  %s %s → %s", "event", "status", "outcome")
                + fill(entry, "  %s", "text")
                + fill(entry.path("cause"), "  by %s: %s", "kind", "origin");
    }

    /** Returns a format with fields of a node; empty if it does not have the first of them. */
    private static String fill(JsonNode node, String format, String... fields) {
        Object[] values = Stream.of(fields).map(field -> node.path(field).asText()).toArray();
        return node.hasNonNull(fields[0]) ? format.formatted(values) : "";
    }

    /** Waits until the webhooks that are due have been answered, and this is on record. */
    void settle() {
        try {
            advance("0s");
        } catch (ApiError error) {
            // Another advance is under way, which waits for them too.
            if (error.status() != 409) {
                throw error;
            }
        }
    }

    /** Deletes the world. */
    @Override
    public void close() {
        try {
            sandbox.control("DELETE", "worlds/" + name);
        } catch (ApiError error) {
            // It was never used, or has been deleted.
            if (error.status() != 404) {
                throw error;
            }
        }
    }
}
