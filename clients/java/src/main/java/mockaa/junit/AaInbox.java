package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.extension.ExtensionContext.Store.CloseableResource;

/** A server that receives the webhooks of a world, and accepts those that are valid, as ReBIT describes. */
public final class AaInbox implements CloseableResource {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    // A burst of webhooks arrives at once.
    private static final int BACKLOG = 256;

    private final AaWorld world;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    /** Guarded by itself. */
    private final List<Webhook> received = new ArrayList<>();
    private volatile ToIntFunction<Webhook> chooseStatus = webhook -> webhook.isValid() ? 200 : 401;

    /** Starts a server on a free port, and makes it the address of every FIU of the world. */
    AaInbox(AaWorld world) {
        this.world = world;
        try {
            server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), BACKLOG);
        } catch (IOException error) {
            throw new UncheckedIOException("no server for webhooks can be started", error);
        }
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        for (JsonNode fiu : world.control("GET", "config/fiu").path("items")) {
            world.control("PUT", "config/fiu/" + fiu.path("id").asText(), Map.of("baseUrl", url()));
        }
        server.start();
    }

    /** Returns the address of the server. */
    public String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Returns the webhooks that have arrived, in their order. */
    public List<Webhook> received() {
        synchronized (received) {
            return List.copyOf(received);
        }
    }

    /** Chooses the HTTP status of later answers, in place of 200 for valid webhooks and 401 for others. */
    public void answerWith(ToIntFunction<Webhook> chooseStatus) {
        this.chooseStatus = chooseStatus;
    }

    /** Waits up to 10 s for a valid webhook with a status such as ACTIVE, and returns the first. */
    public Webhook await(String status) {
        return await(status, 1);
    }

    /** Waits up to 10 s for valid webhooks with a status, and returns the last of so many. */
    public Webhook await(String status, int count) {
        return await(webhook -> webhook.isValid() && webhook.status().equals(status), count, TIMEOUT);
    }

    /** Waits up to 10 s for a webhook that meets a condition, valid or not, and returns the first. */
    public Webhook await(Predicate<Webhook> condition) {
        return await(condition, 1, TIMEOUT);
    }

    /**
     * Waits for webhooks that meet a condition, and returns the last of so many. Throws an {@link AssertionError} that
     * lists what has arrived.
     */
    public Webhook await(Predicate<Webhook> condition, int count, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        synchronized (received) {
            while (true) {
                List<Webhook> found = received.stream().filter(condition).limit(count).toList();
                if (found.size() == count) {
                    return found.get(count - 1);
                }
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    String problem = "no such webhook within " + timeout.toMillis() + " ms; received: ";
                    throw new AssertionError(problem + describe());
                }
                try {
                    TimeUnit.NANOSECONDS.timedWait(received, left);
                } catch (InterruptedException error) {
                    Thread.currentThread().interrupt();
                    throw new IllegalStateException("interrupted while waiting for a webhook", error);
                }
            }
        }
    }

    private String describe() {
        StringBuilder lines = new StringBuilder();
        for (Webhook webhook : received) {
            lines.append("\n  " + webhook.path() + " " + webhook.status());
            lines.append(webhook.isValid() ? "" : " (invalid: " + webhook.problem() + ")");
        }
        return lines.isEmpty() ? "nothing" : lines.toString();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            Map<String, String> headers = new HashMap<>();
            for (var header : exchange.getRequestHeaders().entrySet()) {
                headers.put(header.getKey().toLowerCase(Locale.ROOT), header.getValue().get(0));
            }
            String path = exchange.getRequestURI().toString();
            int status = receive(new Webhook(path, headers, body, findProblem(headers, body)));
            exchange.getResponseHeaders().set("content-type", "application/json");
            // A connection that is kept would outlast the test.
            exchange.getResponseHeaders().set("connection", "close");
            if (status == 204) {
                exchange.sendResponseHeaders(status, -1);
                return;
            }
            byte[] answer = acknowledge(body, status);
            exchange.sendResponseHeaders(status, answer.length);
            exchange.getResponseBody().write(answer);
        }
    }

    private int receive(Webhook webhook) {
        synchronized (received) {
            received.add(webhook);
            received.notifyAll();
        }
        try {
            return chooseStatus.applyAsInt(webhook);
        } catch (RuntimeException | AssertionError error) {
            error.printStackTrace();
            return 500;
        }
    }

    /** Returns why a webhook is not valid; empty if it is. */
    private String findProblem(Map<String, String> headers, byte[] body) {
        try {
            verify(headers, body);
            return "";
        } catch (SignatureError error) {
            return error.getMessage();
        } catch (RuntimeException | ApiError error) {
            return "it cannot be verified: " + error;
        }
    }

    /** Verifies the signature, the API key and the age of a message. Throws a {@link SignatureError}. */
    private void verify(Map<String, String> headers, byte[] body) {
        Jws.verify(headers.getOrDefault("x-jws-signature", ""), body, world::findKey);
        JsonNode message = Json.readOrMissing(body);
        if (!message.has("ConsentStatusNotification") && !message.has("FIStatusNotification")) {
            // What is signed is not older than its signature.
            return;
        }
        JsonNode sender = message.path("Notifier").path("id");
        if (!sender.isTextual()) {
            throw new SignatureError("Notifier has no id");
        }
        verifyToken(headers.getOrDefault("aa_api_key", ""), sender.asText());
        Timestamps.verify("the message", message.path("timestamp"), world);
    }

    private void verifyToken(String token, String sender) {
        if (token.isEmpty()) {
            throw new SignatureError("the header aa_api_key is missing");
        }
        if (token.split("\\.", -1).length != 3) {
            // An API key is agreed, and cannot be verified here; the AA's token names the AA.
            return;
        }
        String azp;
        try {
            azp = Jws.openCompact(token, world::findKey).path("azp").asText("");
        } catch (SignatureError error) {
            throw new SignatureError("aa_api_key is no valid token: " + error.getMessage());
        }
        if (!azp.equals(sender)) {
            throw new SignatureError("aa_api_key is a token of " + azp + ", and the message is from " + sender);
        }
    }

    /** Returns ReBIT's NotificationResponse where the body is a message of ReBIT, else an empty object. */
    private static byte[] acknowledge(byte[] body, int status) {
        JsonNode message = Json.readOrMissing(body);
        if (!message.has("ver") || !message.has("timestamp") || !message.has("txnid")) {
            return Json.write(Map.of());
        }
        return Json.write(Map.of(
                "ver", message.get("ver"),
                "timestamp", message.get("timestamp"),
                "txnid", message.get("txnid"),
                "response", status < 300 ? "OK" : "ERROR"));
    }

    /** Stops the server. */
    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
