package mockaa.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The receiver of webhooks, against a running mockaa. */
@ExtendWith(MockaaExtension.class)
class InboxTest {
    private static void assertContains(String part, String text) {
        assertTrue(text.contains(part), text);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "webhook-chunked", "webhook-rotated-key", "webhook-late", "webhook-huge", "webhook-burst", "webhook-slow-body",
        "webhook-utf-16", "webhook-new-fields", "webhook-without-crit", "webhook-missing-optional",
    })
    void unusualWebhooksAreAccepted(String scenario, AaWorld world, AaInbox inbox, Fiu fiu, AaReport report) {
        world.useScenario(scenario);
        fiu.raiseConsent("9876543210");
        world.advance("2h");
        assertEquals("ACTIVE", inbox.await("ACTIVE").status());
        assertTrue(inbox.received().stream().allMatch(Webhook::isValid), inbox.received().toString());
    }

    @ParameterizedTest
    @CsvSource({
        "webhook-altered-api-key, aa_api_key is no valid token",
        "webhook-foreign-api-key, aa_api_key is a token of",
        "webhook-without-api-key, aa_api_key is missing",
        "webhook-stale, not within 15 minutes",
        "webhook-future-timestamp, not within 15 minutes",
        "webhook-unknown-kid, no key has the kid",
        "webhook-alg-none, not RS256",
        "webhook-alg-confusion, not RS256",
        "webhook-unsigned, x-jws-signature is missing",
        "webhook-forged, does not match",
        "webhook-tampered, does not match",
    })
    void invalidWebhooksAreRefused(
            String scenario, String reason, AaWorld world, AaInbox inbox, Fiu fiu, AaReport report) {
        world.useScenario(scenario);
        fiu.raiseConsent("9876543210");
        world.advance("1m");
        Webhook refused = inbox.await(webhook -> !webhook.isValid());
        assertContains(reason, refused.problem());
        JsonNode sent = readSent(world);
        assertTrue(sent.findValuesAsText("status").contains("401"), sent.toString());
    }

    private static JsonNode readSent(AaWorld world) {
        return world.control("GET", "webhooks?after=0").get("items");
    }

    @Test
    void allWhoAskForANewKeyAtOnceGetIt(AaWorld world) throws Exception {
        JsonNode keys = Http.call("GET", world.baseUrl() + "/.well-known/jwks.json", null, Map.of()).get("keys");
        Callable<Object> question = () -> world.findKey(keys.at("/0/kid").asText());
        ExecutorService threads = Executors.newFixedThreadPool(20);
        for (Future<Object> answer : threads.invokeAll(Collections.nCopies(20, question))) {
            assertNotNull(answer.get());
        }
        threads.shutdown();
        assertNull(world.findKey("unknown"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"yesterday\"", "\"2026-01-31\"", "\"\"", "5", "null", "{}"})
    void aTimestampThatIsNoDateIsAProblemAndIsAnswered(String timestamp, AaWorld world, AaInbox inbox, Fiu fiu) {
        String handle = fiu.raiseConsent("9999999001");
        ObjectNode body = (ObjectNode) inbox.await("ACTIVE").json();
        body.set("timestamp", Json.read(timestamp.getBytes()));
        world.control("POST", "consents/" + handle + "/play", Map.of("notify", Map.of("body", body)));
        world.advance("1s");
        Webhook refused = inbox.await(webhook -> !webhook.isValid());
        assertContains("the message is of " + timestamp + ", not within", refused.problem());
        assertEquals(body, refused.json());
        assertContains("\"status\":401", readSent(world).toString());
    }

    @ParameterizedTest
    @CsvSource({"timestamp, 'is of , not within'", "Notifier, Notifier has no id", "Notifier.id, Notifier has no id"})
    void aNotificationWithoutSenderOrTimeIsAProblem(String field, String reason, AaWorld world, AaInbox inbox, Fiu fiu) {
        world.putFaults("webhooks: [{ where: { attempts: 1 }, fault: { missing_field: " + field + " } }]");
        fiu.raiseConsent("9999999001");
        assertContains(reason, inbox.await(webhook -> !webhook.isValid()).problem());
    }

    @Test
    void whatIsNotOfReBitIsAsOldAsItsSignature(AaWorld world, AaInbox inbox, Fiu fiu) {
        String handle = fiu.raiseConsent("9999999001");
        Map<String, String> body = Map.of("any", "thing");
        world.control("POST", "consents/" + handle + "/play", Map.of("notify", Map.of("body", body)));
        world.advance("1s");
        Webhook accepted = inbox.await(webhook -> webhook.json().has("any"));
        assertEquals("", accepted.problem());
        assertEquals("", accepted.status());
        assertEquals("", accepted.consentHandle());
    }

    /** A choice that fails is answered with 500. */
    @ParameterizedTest
    @CsvSource({"204, 204", "503, 503", "none, 500"})
    void theTestChoosesTheAnswer(String choice, int status, AaWorld world, AaInbox inbox, Fiu fiu) {
        inbox.answerWith(webhook -> Integer.parseInt(choice));
        fiu.raiseConsent("9999999001");
        world.advance("0s");
        JsonNode attempt = readSent(world).at("/0/attempts/0");
        assertEquals(status, attempt.get("status").asInt(), attempt.toString());
    }

    @Test
    void aWaitEndsWhenTheWebhookArrives(AaWorld world, AaInbox inbox, Fiu fiu) {
        String handle = fiu.raiseConsent("9876543210");
        Executor later = CompletableFuture.delayedExecutor(200, TimeUnit.MILLISECONDS);
        CompletableFuture<Void> approval = CompletableFuture.runAsync(() -> world.approve(handle), later);
        long begin = System.nanoTime();
        Duration timeout = Duration.ofSeconds(60);
        assertEquals(handle, inbox.await(Webhook::isValid, 1, timeout).consentHandle());
        assertTrue(System.nanoTime() - begin < timeout.dividedBy(2).toNanos());
        approval.join();
    }

    @Test
    void aWaitSaysWhatHasArrived(AaWorld world, AaInbox inbox, Fiu fiu) {
        Duration timeout = Duration.ofMillis(10);
        AssertionError nothing = assertThrows(AssertionError.class, () -> inbox.await(it -> true, 1, timeout));
        assertContains("no such webhook within 10 ms; received: nothing", nothing.getMessage());
        fiu.raiseConsent("9999999001");
        inbox.await("ACTIVE");
        world.putFaults("webhooks: [fault: { wrong_key: {} }]");
        fiu.raiseConsent("9999999001");
        inbox.await(webhook -> !webhook.isValid());
        AssertionError error = assertThrows(AssertionError.class, () -> inbox.await(it -> false, 1, timeout));
        assertContains("\n  /Consent/Notification ACTIVE\n", error.getMessage());
        assertContains("\n  /Consent/Notification ACTIVE (invalid: the signature does not", error.getMessage());
    }

    @Test
    void aClosedInboxDoesNotAnswer(AaWorld world, AaInbox inbox) {
        inbox.close();
        assertThrows(UncheckedIOException.class, () -> Http.call("GET", inbox.url(), null, Map.of()));
        assertEquals(List.of(), inbox.received());
    }
}
