package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The contract report of a world: how the FIU has behaved, rule by rule. Each method reads it anew, after the webhooks
 * that are due have been answered.
 */
public final class AaReport {
    private final AaWorld world;

    AaReport(AaWorld world) {
        this.world = world;
    }

    /** Reads the report as the sandbox answers it. */
    public JsonNode read() {
        world.settle();
        return world.control("GET", "report");
    }

    /**
     * Returns pass, fail, not-tested or evicted. Throws an {@link IllegalArgumentException} that lists the rules if
     * none has this name.
     */
    public String outcome(String rule) {
        return find(readRules(), rule).path("outcome").asText();
    }

    /** Throws an {@link AssertionError} if a rule was broken, or if nothing has tested one of these. */
    public void check(String... tested) {
        Map<String, JsonNode> rules = readRules();
        List<String> problems = new ArrayList<>();
        rules.forEach((name, rule) -> {
            if (rule.path("outcome").asText().equals("fail")) {
                problems.add(name + ": " + rule.path("requirement").asText() + describeEvidence(rule));
            }
        });
        for (String name : tested) {
            JsonNode rule = find(rules, name);
            String outcome = rule.path("outcome").asText();
            if (!outcome.equals("pass") && !outcome.equals("fail")) {
                problems.add("%s: %s; nothing in this world shows whether %s"
                        .formatted(name, outcome, rule.path("requirement").asText()));
            }
        }
        if (!problems.isEmpty()) {
            throw new AssertionError("contract report of world " + world.name() + ":\n" + String.join("\n", problems));
        }
    }

    private Map<String, JsonNode> readRules() {
        Map<String, JsonNode> rules = new LinkedHashMap<>();
        read().path("rules").forEach(rule -> rules.put(rule.path("rule").asText(), rule));
        return rules;
    }

    private static JsonNode find(Map<String, JsonNode> rules, String name) {
        JsonNode rule = rules.get(name);
        if (rule == null) {
            String names = String.join(", ", rules.keySet());
            throw new IllegalArgumentException("no rule is named " + name + "; the rules are " + names);
        }
        return rule;
    }

    private static String describeEvidence(JsonNode rule) {
        StringBuilder text = new StringBuilder();
        for (JsonNode item : rule.path("evidence")) {
            text.append("\n    entry " + item.path("seq").asText() + ": " + item.path("text").asText());
        }
        return text.toString();
    }
}
