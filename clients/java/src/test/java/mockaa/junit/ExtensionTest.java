package mockaa.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs of tests that fail, and runs in parallel. */
@ResourceLock(Resources.SYSTEM_ERR)
class ExtensionTest {
    /** What a run has printed on standard error, and the results of its tests by their names. */
    private record Run(String errors, Map<String, TestExecutionResult> results) {
        String failure(String test) {
            return results.get(test).getThrowable().orElseThrow().getMessage();
        }

        boolean hasJournal(String test) {
            return errors.contains("of the test " + test);
        }
    }

    private static Run play(Class<?> tests, Map<String, String> parameters) {
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(tests))
                .configurationParameters(parameters)
                .build();
        Map<String, TestExecutionResult> results = new ConcurrentHashMap<>();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        PrintStream before = System.err;
        System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
        try {
            LauncherFactory.create().execute(request, new TestExecutionListener() {
                @Override
                public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                    results.put(test.getDisplayName().replaceAll("\\(.*", ""), result);
                }
            });
        } finally {
            System.setErr(before);
        }
        return new Run(errors.toString(StandardCharsets.UTF_8), results);
    }

    private static void assertContains(String part, String text) {
        assertTrue(text.contains(part), text);
    }

    @ExtendWith(MockaaExtension.class)
    static class Failing {
        private static final List<String> NAMES = new CopyOnWriteArrayList<>();
        private static String worldsAfterwards;
        private static Sandbox sandboxOfRun;

        @AfterAll
        static void readWorlds(Sandbox sandbox) {
            sandboxOfRun = sandbox;
            worldsAfterwards = sandbox.control("GET", "worlds").toString();
        }

        @Test
        void fails(AaWorld world, Fiu fiu) {
            NAMES.add(world.name());
            fiu.raiseConsent("9876543210");
            fail("as expected");
        }

        @Test
        void breaksARule(AaWorld world, AaInbox inbox, Fiu fiu, AaReport report) {
            NAMES.add(world.name());
            inbox.answerWith(webhook -> 500);
            fiu.raiseConsent("9999999001");
            world.advance("1h");
        }

        @Test
        void failsAndBreaksARule(AaWorld world, AaInbox inbox, Fiu fiu, AaReport report) {
            breaksARule(world, inbox, fiu, report);
            fail("as expected");
        }

        @Test
        void passesWithoutReport(AaWorld world, AaInbox inbox, Fiu fiu) {
            breaksARule(world, inbox, fiu, null);
        }

        @Test
        @Scenario("no-such-scenario")
        void hasAnUnknownScenario(AaWorld world) {}

        @Test
        void isAborted(AaWorld world) {
            Assumptions.abort();
        }

        @TestFactory
        Stream<DynamicTest> factory(AaWorld world, Fiu fiu) {
            NAMES.add(world.name());
            return Stream.of(
                    dynamicTest("dynamic and good", () -> fiu.raiseConsent("9876543210")),
                    dynamicTest("dynamic and bad", () -> fail("as expected")));
        }
    }

    @Test
    void aFailureShowsTheJournalOfItsWorld() {
        Run run = play(Failing.class, Map.of());

        assertEquals("as expected", run.failure("fails"));
        assertTrue(run.hasJournal("fails("), run.errors());
        assertContains("journal of the mockaa world Failing.fails-", run.errors());
        assertContains("consent.raised  by fiu: consent.create", run.errors());

        assertContains("contract report of world Failing.breaksARule-", run.failure("breaksARule"));
        assertContains("acknowledges-webhooks: ", run.failure("breaksARule"));
        assertTrue(run.hasJournal("breaksARule("), run.errors());
        assertContains("consent.status ACTIVE → ", run.errors());

        assertEquals("as expected", run.failure("failsAndBreaksARule"));
        Throwable[] suppressed = run.results().get("failsAndBreaksARule").getThrowable().orElseThrow().getSuppressed();
        assertContains("contract report of world", suppressed[0].getMessage());

        assertEquals(TestExecutionResult.Status.SUCCESSFUL, run.results().get("passesWithoutReport").getStatus());
        assertFalse(run.hasJournal("passesWithoutReport("), run.errors());

        assertContains("was answered with 400: ", run.failure("hasAnUnknownScenario"));
        assertContains("no-such-scenario", run.failure("hasAnUnknownScenario"));

        assertEquals(TestExecutionResult.Status.ABORTED, run.results().get("isAborted").getStatus());
        assertFalse(run.hasJournal("isAborted("), run.errors());

        assertTrue(run.hasJournal("dynamic and bad"), run.errors());
        assertFalse(run.hasJournal("dynamic and good"), run.errors());
        assertEquals(5, Failing.NAMES.size());
        assertFalse(Failing.worldsAfterwards.contains("Failing."), Failing.worldsAfterwards);
        // The sandbox ends with the run.
        assertThrows(UncheckedIOException.class, () -> Failing.sandboxOfRun.control("GET", "worlds"));
    }

    @ExtendWith(MockaaExtension.class)
    static class Meeting {
        private static final CyclicBarrier BARRIER = new CyclicBarrier(2);
        private static final Set<String> URLS = ConcurrentHashMap.newKeySet();
        private static final Set<String> HANDLES = ConcurrentHashMap.newKeySet();

        private static void meet(AaWorld world, AaInbox inbox, Fiu fiu, AaReport report, Sandbox sandbox)
                throws Exception {
            URLS.add(sandbox.url());
            BARRIER.await(20, TimeUnit.SECONDS);
            String handle = fiu.raiseConsent("9999999001");
            HANDLES.add(handle);
            BARRIER.await(20, TimeUnit.SECONDS);
            assertEquals(handle, inbox.await("ACTIVE").consentHandle());
            assertFalse(fiu.fetchData(handle).isEmpty());
            world.advance("1h");
            assertTrue(inbox.received().stream().allMatch(it -> it.isValid()), inbox.received().toString());
            assertEquals(1, world.control("GET", "consents").get("items").size());
        }

        @Test
        void one(AaWorld world, AaInbox inbox, Fiu fiu, AaReport report, Sandbox sandbox) throws Exception {
            meet(world, inbox, fiu, report, sandbox);
        }

        @Test
        void other(AaWorld world, AaInbox inbox, Fiu fiu, AaReport report, Sandbox sandbox) throws Exception {
            meet(world, inbox, fiu, report, sandbox);
        }
    }

    @Test
    void testsInParallelHaveOneSandboxAndWorldsOfTheirOwn() {
        Run run = play(Meeting.class, Map.of(
                "junit.jupiter.execution.parallel.enabled", "true",
                "junit.jupiter.execution.parallel.mode.default", "concurrent",
                "junit.jupiter.execution.parallel.config.strategy", "fixed",
                "junit.jupiter.execution.parallel.config.fixed.parallelism", "2"));
        assertEquals(TestExecutionResult.successful(), run.results().get("one"), run.errors());
        assertEquals(TestExecutionResult.successful(), run.results().get("other"), run.errors());
        assertEquals(1, Meeting.URLS.size());
        assertEquals(2, Meeting.HANDLES.size());
    }

    @ExtendWith(MockaaExtension.class)
    static class Seeded {
        private static final List<String> HANDLES = new CopyOnWriteArrayList<>();

        @Test
        @Clock("2026-01-31T06:00:00Z")
        void raisesAConsent(Fiu fiu) {
            HANDLES.add(fiu.raiseConsent("9876543210"));
        }
    }

    @Test
    void theIdsOfATestFollowFromTheSeed() {
        play(Seeded.class, Map.of());
        play(Seeded.class, Map.of());
        play(Seeded.class, Map.of("mockaa.arguments", "--seed 43"));
        assertEquals(3, Seeded.HANDLES.size());
        assertEquals(Seeded.HANDLES.get(0), Seeded.HANDLES.get(1));
        assertFalse(Seeded.HANDLES.get(0).equals(Seeded.HANDLES.get(2)));
    }

    @ExtendWith(MockaaExtension.class)
    static class Misplaced {
        Misplaced(AaWorld world) {}

        @Test
        void isNotPlayed() {}
    }

    @Test
    void aParameterOfAConstructorIsRefused() {
        String problem = play(Misplaced.class, Map.of()).failure("isNotPlayed");
        assertContains("AaWorld belongs to one test; take it as a parameter of @Test", problem);
    }

    @Test
    void aProgramThatDoesNotStartSaysWhy() {
        String refused = play(Seeded.class, Map.of("mockaa.arguments", "--no-such-option")).failure("raisesAConsent");
        assertContains("mockaa does not start:\n", refused);
        assertContains("--no-such-option", refused);
        IllegalStateException missing = assertThrows(
                IllegalStateException.class, () -> Sandbox.start("/no/such/mockaa", List.of()));
        assertContains(
                "cannot run /no/such/mockaa; put mockaa on the PATH, or name the program in MOCKAA_BINARY",
                missing.getMessage());
    }
}
