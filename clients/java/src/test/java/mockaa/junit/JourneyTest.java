package mockaa.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The parameters of the kit, against a running mockaa. */
@ExtendWith(MockaaExtension.class)
class JourneyTest {
    private static void assertContains(String part, String text) {
        assertTrue(text.contains(part), text);
    }

    @Test
    void aCustomerApprovesAndTheDataIsFetched(AaWorld world, AaInbox inbox, Fiu fiu, AaReport report) {
        String handle = fiu.raiseConsent("9999999001");
        assertEquals(handle, inbox.await("ACTIVE").consentHandle());
        assertEquals("ACTIVE", world.state(handle));
        Artefact artefact = fiu.artefact(handle);
        assertEquals("ACTIVE", artefact.status());
        assertEquals("101", artefact.detail().at("/Purpose/code").asText());
        Account account = fiu.fetchData(handle).get(0);
        assertTrue(account.xml().startsWith("<"));
        assertTrue(account.transactions().get(0).get("amount").matches("\\d+\\.\\d\\d"));
        assertEquals("deposit", account.toMap().get("type"));
        assertFalse(account.toMap().containsKey("xmlns"));
        Map<?, ?> transactions = (Map<?, ?>) account.toMap().get("Transactions");
        assertEquals(account.transactions(), transactions.get("Transaction"));
        report.check("signs-requests", "acknowledges-webhooks", "acknowledges-in-format");
        assertEquals("pass", report.outcome("signs-requests"));
    }

    @Test
    void aPartOfTheDataIsFetched(AaWorld world, Fiu fiu, AaReport report) {
        Map<String, Object> tenADay = Map.of("Frequency", Map.of("unit", "DAY", "value", 10));
        String handle = fiu.raiseConsent("9876543210", tenADay);
        world.approve(handle);
        String from = Timestamps.format(world.now().minusSeconds(20 * 86_400));
        String to = Timestamps.format(world.now());
        int all = fiu.fetchData(handle).get(0).transactions().size();
        int part = fiu.fetchData(handle, from, to).get(0).transactions().size();
        assertTrue(0 < part && part < all, part + " of " + all);
    }

    @Test
    void aCustomerRejects(AaWorld world, AaInbox inbox, Fiu fiu) {
        String handle = fiu.raiseConsent("9999999002");
        world.advance("1m");
        assertEquals(handle, inbox.await("REJECTED").consentHandle());
        AssertionError error = assertThrows(AssertionError.class, () -> fiu.artefact(handle));
        assertContains("is REJECTED, and has no artefact", error.getMessage());
    }

    @Test
    void theTestPlaysTheCustomer(AaWorld world, AaInbox inbox, Fiu fiu) {
        String handle = fiu.raiseConsent("9876543210@mockaa", Map.of("fiTypes", List.of("DEPOSIT", "EQUITIES")));
        JsonNode consent = world.consent(handle);
        assertContains("EQUITIES", consent.toString());
        JsonNode approved = world.approve(handle);
        assertEquals("ACTIVE", approved.get("state").asText());
        assertEquals("PAUSED", world.pause(handle).get("state").asText());
        assertEquals("ACTIVE", world.resume(handle).get("state").asText());
        assertEquals("REVOKED", world.revoke(handle).get("state").asText());
        assertEquals("REJECTED", world.reject(fiu.raiseConsent("9876543210")).get("state").asText());
        assertEquals("FAILED", world.act(fiu.raiseConsent("9876543210"), "fail").get("state").asText());
        assertEquals(handle, inbox.await("REVOKED").consentHandle());
    }

    @Test
    void aCustomerChoosesAccounts(AaWorld world, Fiu fiu) {
        String handle = fiu.raiseConsent("9876543210");
        ApiError error = assertThrows(ApiError.class, () -> world.approve(handle, List.of("no-such-account")));
        assertContains("no-such-account", error.getMessage());
        assertEquals("PENDING", world.state(handle));
    }

    @Test
    @Scenario("webhook-duplicate")
    void aScenarioIsNamedByAnAnnotation(AaWorld world, AaInbox inbox, Fiu fiu) {
        fiu.raiseConsent("9876543210");
        world.advance("1m");
        Webhook first = inbox.await("ACTIVE");
        Webhook second = inbox.await("ACTIVE", 2);
        assertEquals(first.json(), second.json());
        assertEquals(first.headers().get("webhook-id"), second.headers().get("webhook-id"));
    }

    @Test
    @Scenario("""
            version: 1
            name: forged
            steps: [approve: {}]
            webhooks: [fault: { wrong_key: {} }]
            """)
    void aScenarioIsWrittenInTheTest(AaWorld world, AaInbox inbox, Fiu fiu, AaReport report) {
        fiu.raiseConsent("9876543210");
        world.advance("1s");
        assertContains("does not match", inbox.await(webhook -> !webhook.isValid()).problem());
        report.check("rejects-invalid-signatures");
    }

    @Test
    @Clock("2026-01-31T06:00:00Z")
    void theClockIsFrozenAtTheTimeOfAnAnnotation(AaWorld world, AaInbox inbox, Fiu fiu) {
        assertEquals(Instant.parse("2026-01-31T06:00:00Z"), world.now());
        String handle = fiu.raiseConsent("9876543210");
        world.approve(handle);
        world.advanceTo("2027-01-31T06:00:00Z");
        assertEquals("EXPIRED", world.state(handle));
        assertEquals(handle, inbox.await("EXPIRED").consentHandle());
    }

    @Test
    void faultsAreInjected(AaWorld world, AaInbox inbox, Fiu fiu) {
        world.putFaults(Map.of("webhooks", List.of(Map.of("fault", Map.of("wrong_key", Map.of())))));
        fiu.raiseConsent("9999999001");
        assertContains("does not match", inbox.await(webhook -> !webhook.isValid()).problem());
    }

    @Test
    void anErrorHasItsStatusAndText(Fiu fiu) {
        Map<String, String> unknown = Map.of("ConsentHandle", "00000000-0000-4000-8000-000000000000");
        ApiError error = assertThrows(ApiError.class, () -> fiu.post("/Consent/handle", unknown));
        assertTrue(error.status() == 404 || error.status() == 400, error.getMessage());
        assertTrue(error.json().hasNonNull("errorCode"));
        assertContains("/Consent/handle was answered with " + error.status() + ": {", error.getMessage());
    }

    @Test
    void unaportRaisesAConsentAndFetchesItsData(AaInbox inbox, UnaportFiu unaport) {
        String handle = unaport.raiseConsent("9999999001").get("ConsentHandle").asText();
        assertEquals(handle, inbox.await("ACTIVE").consentHandle());
        assertContains(handle, unaport.consent(handle).toString());
        inbox.await(webhook -> webhook.path().equals("/FI/Notification"));
        assertContains("transactions", unaport.fetchData(handle).toString());
    }

    @Test
    void unaportHasNoDataBeforeItIsAnnounced(UnaportFiu unaport) {
        String template = unaport.saveTemplate(Map.of("fiTypes", List.of("EQUITIES")));
        JsonNode raised = unaport.raiseConsent("9876543210", Map.of("productId", template));
        String handle = raised.get("ConsentHandle").asText();
        assertContains("EQUITIES", unaport.consent(handle).toString());
        AssertionError error = assertThrows(AssertionError.class, () -> unaport.fetchData(handle));
        assertContains("wait for /FI/Notification", error.getMessage());
    }

    @Test
    void expectationsAreChecked(AaWorld world, Fiu fiu) {
        fiu.raiseConsent("9876543210");
        world.expect("expect: [{ state: { is: PENDING } }]");
        AssertionError error = assertThrows(
                AssertionError.class, () -> world.expect("expect: [{ state: { is: REVOKED } }]"));
        assertContains("at least 1 consent that is REVOKED", error.getMessage());
    }

    @Test
    void theJournalHasAllPages(AaWorld world, Fiu fiu) {
        fiu.raiseConsent("9876543210");
        List<JsonNode> entries = world.journal();
        assertTrue(entries.size() > 3, entries.toString());
        assertEquals(entries, world.journal(Map.of("limit", "2")));
        List<JsonNode> calls = world.journal(Map.of("kind", "call", "op", "consent.create"));
        assertEquals(List.of("call"), calls.stream().map(entry -> entry.get("kind").asText()).toList());
    }

    @Test
    void aKeyIsNotThatOfTheSession(Fiu fiu) {
        String handle = fiu.raiseConsent("9999999001");
        String session = fiu.requestData(handle, new SessionKey());
        IllegalArgumentException error = assertThrows(
                IllegalArgumentException.class, () -> fiu.fetchSession(session, new SessionKey()));
        assertContains("does not decrypt", error.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"api-stale", "api-future", "api-other-txnid", "api-badly-signed"})
    void wrongAnswersAreRefused(String scenario, AaWorld world, Fiu fiu, AaReport report) {
        world.useScenario(scenario);
        assertThrows(SignatureError.class, () -> {
            String handle = fiu.raiseConsent("9876543210");
            world.advance("1m");
            fiu.fetchData(handle);
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"yesterday", "2026-01-31", "5"})
    void anAnswerWhoseTimestampIsNoDateIsRefused(String timestamp, AaWorld world, Fiu fiu) {
        Map<String, String> field = Map.of("field", "timestamp", "value", timestamp);
        world.putFaults(Map.of("api_faults", List.of(Map.of("fault", Map.of("set_field", field)))));
        SignatureError error = assertThrows(SignatureError.class, () -> fiu.raiseConsent("9876543210"));
        assertContains("\"" + timestamp + "\", not within 15 minutes", error.getMessage());
    }

    @Test
    @Clock("2026-01-31T06:00:00Z")
    void anAnswerMayHaveTheTimeOfThisMachine(AaWorld world, AaInbox inbox, Fiu fiu) {
        world.control("PUT", "config/fiu/FIU-1", Map.of("messageTime", "wall"));
        fiu.raiseConsent("9999999001");
        assertTrue(inbox.await("ACTIVE").isValid());
    }

    @Test
    void theKeysOfTheFiuUnderTestStayValid(AaWorld world, Fiu fiu) {
        Fiu.register(world, "FIU-1");
        JsonNode keys = world.control("GET", "config/fiu/FIU-1").get("publicKeys");
        assertEquals(List.of("fiu-1-dev-1", "mockaa-junit"), keys.findValuesAsText("kid"));
    }

    @Test
    void anotherFiuOfTheWorldRaisesAConsent(AaWorld world, AaInbox inbox) {
        String handle = Fiu.register(world, "FIU-2").raiseConsent("9999999001");
        assertContains("FIU-2", world.consent(handle).toString());
        assertEquals(handle, inbox.await("ACTIVE").consentHandle());
    }

    @ParameterizedTest
    @ValueSource(strings = {"forged", "\"forged\"", "'forged' # a note"})
    void theNameOfAScenarioIsReadAsYamlHasIt(String name, AaWorld world) {
        assertEquals("forged", world.useScenario("version: 1\nname: " + name + "\nsteps: [approve: {}]\n"));
        IllegalArgumentException error = assertThrows(
                IllegalArgumentException.class, () -> world.useScenario("version: 1\nsteps: [approve: {}]\n"));
        assertContains("has no name", error.getMessage());
    }

    @Test
    void aReportNamesWhatIsMissing(AaWorld world, AaInbox inbox, Fiu fiu) {
        fiu.raiseConsent("9999999001");
        AaReport report = world.report();
        // It waits for the webhook that is under way.
        report.check("acknowledges-webhooks");
        AssertionError untested = assertThrows(AssertionError.class, () -> report.check("deduplicates-webhooks"));
        assertContains("deduplicates-webhooks: not-tested; nothing in this world shows", untested.getMessage());
        IllegalArgumentException unknown = assertThrows(
                IllegalArgumentException.class, () -> report.check("no-such-rule"));
        assertContains("no rule is named no-such-rule; the rules are", unknown.getMessage());
        inbox.answerWith(webhook -> 500);
        fiu.raiseConsent("9999999001");
        world.advance("1h");
        AssertionError broken = assertThrows(AssertionError.class, report::check);
        assertContains("contract report of world " + world.name(), broken.getMessage());
        assertContains("acknowledges-webhooks: ", broken.getMessage());
        assertContains("\n    entry ", broken.getMessage());
        assertFalse(report.read().get("passed").asBoolean());
    }
}
