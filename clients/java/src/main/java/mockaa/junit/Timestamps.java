package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;

/** Timestamps of ReBIT's messages. */
final class Timestamps {
    /** The largest difference to a clock at which a message is accepted. */
    private static final Duration TOLERANCE = Duration.ofMinutes(15);

    private static final DateTimeFormatter MILLISECONDS = new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

    private Timestamps() {}

    /** Returns a timestamp in UTC with milliseconds, such as 2026-01-31T06:00:00.000Z. */
    static String format(Instant time) {
        return MILLISECONDS.format(time);
    }

    /**
     * Verifies that the timestamp of a message is a date, at most 15 minutes off the world's time or that of this
     * machine. Throws a {@link SignatureError} that names the message.
     */
    static void verify(String message, JsonNode timestamp, AaWorld world) {
        if (!isNear(timestamp, Instant.now()) && !isNear(timestamp, world.now())) {
            throw new SignatureError(message + " is of " + timestamp + ", not within 15 minutes of the clock");
        }
    }

    private static boolean isNear(JsonNode timestamp, Instant clock) {
        try {
            Instant time = OffsetDateTime.parse(timestamp.asText()).toInstant();
            return Duration.between(time, clock).abs().compareTo(TOLERANCE) <= 0;
        } catch (DateTimeException error) {
            return false;
        }
    }
}
