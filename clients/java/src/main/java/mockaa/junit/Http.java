package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Calls over HTTP/1.1, without proxies. */
final class Http {
    private static final HttpClient CLIENT = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .proxy(HttpClient.Builder.NO_PROXY)
            .build();
    // An advance of the clock goes on as long as its timers run.
    private static final Duration TIMEOUT = Duration.ofSeconds(330);

    private Http() {}

    /**
     * Sends a request once, and returns the answer; without a body, {@code body} is empty. Throws an {@link ApiError}
     * for a status other than 2xx, and an {@link UncheckedIOException} if there is no answer.
     */
    static HttpResponse<byte[]> send(String method, String url, byte[] body, Map<String, String> headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url)).timeout(TIMEOUT);
        request.method(method, body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body));
        headers.forEach(request::setHeader);
        HttpResponse<byte[]> answer;
        try {
            answer = CLIENT.send(request.build(), BodyHandlers.ofByteArray());
        } catch (IOException error) {
            throw new UncheckedIOException(method + " " + url + " has no answer; does mockaa run there?", error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the answer of " + url, error);
        }
        if (answer.statusCode() / 100 != 2) {
            String text = new String(answer.body(), StandardCharsets.UTF_8);
            throw new ApiError(answer.statusCode(), method + " " + url, text);
        }
        return answer;
    }

    /**
     * Sends JSON, or a text as YAML, or nothing if {@code body} is {@code null}; returns the JSON of the answer, or a
     * {@link MissingNode} if it is empty. Throws as {@link #send} does.
     */
    static JsonNode call(String method, String url, Object body, Map<String, String> headers) {
        Map<String, String> sent = new HashMap<>(headers);
        byte[] bytes = {};
        if (body instanceof String text) {
            sent.put("content-type", "application/yaml");
            bytes = text.getBytes(StandardCharsets.UTF_8);
        } else if (body != null) {
            sent.put("content-type", "application/json");
            bytes = Json.write(body);
        }
        byte[] answer = send(method, url, bytes, sent).body();
        return answer.length == 0 ? MissingNode.getInstance() : Json.read(answer);
    }
}
