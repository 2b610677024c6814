package mockaa.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The worlds of tests, of nested classes and of repeated tests. */
@ExtendWith(MockaaExtension.class)
@Clock("2026-01-31T06:00:00Z")
class LifecycleTest {
    private static final Set<String> NAMES = ConcurrentHashMap.newKeySet();

    private AaWorld worldOfSetUp;

    @BeforeEach
    void rememberWorld(AaWorld world) {
        worldOfSetUp = world;
    }

    @AfterEach
    void compareWorlds(AaWorld world, Sandbox sandbox) {
        assertSame(worldOfSetUp, world);
        assertTrue(world.baseUrl().startsWith(sandbox.url() + "/w/"));
        assertTrue(sandbox.control("GET", "worlds").toString().contains(world.name()));
        assertTrue(NAMES.add(world.name()), "a world of two tests: " + world.name());
    }

    @AfterAll
    static void worldsAreDeleted(Sandbox sandbox) {
        String worlds = sandbox.control("GET", "worlds").toString();
        NAMES.forEach(name -> assertTrue(!worlds.contains(name), worlds));
        assertEquals(6, NAMES.size());
    }

    @Test
    void aTestHasTheClockOfItsClass(AaWorld world) {
        assertTrue(world.name().startsWith("LifecycleTest.aTestHasTheClockOfItsClass-"), world.name());
        assertEquals(Instant.parse("2026-01-31T06:00:00Z"), world.now());
    }

    @Test
    @Clock("2026-02-28T06:00:00Z")
    void theClockOfATestComesFirst(AaWorld world) {
        assertEquals(Instant.parse("2026-02-28T06:00:00Z"), world.now());
    }

    @RepeatedTest(2)
    void aRepetitionHasAWorldOfItsOwn(AaWorld world, Fiu fiu) {
        fiu.raiseConsent("9876543210");
        assertEquals(1, world.control("GET", "consents").get("items").size());
    }

    @Nested
    @Scenario("reject")
    class InAClass {
        @Test
        void aTestHasTheClockOfTheClassAroundItsOwn(AaWorld world, AaInbox inbox, Fiu fiu) {
            assertEquals(Instant.parse("2026-01-31T06:00:00Z"), world.now());
            fiu.raiseConsent("9876543210");
            world.advance("1h");
            inbox.await("REJECTED");
        }

        @Nested
        class InAnother {
            @Test
            void aTestHasTheScenarioOfTheClassAroundItsOwn(AaWorld world) {
                assertEquals("reject", world.control("GET", "scenarios/default").get("name").asText());
                assertNotEquals(Instant.now(), world.now());
            }
        }
    }
}
