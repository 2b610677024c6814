package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtensionContext.Store.CloseableResource;

/** A running {@code mockaa serve}. It has as many worlds as there are tests. */
public final class Sandbox implements CloseableResource {
    private static final long STOP_TIMEOUT_S = 20;

    private final String url;
    /** The program; {@code null} if the sandbox runs on its own. */
    private final Process process;

    private Sandbox(String url, Process process) {
        this.url = url;
        this.process = process;
    }

    /**
     * Returns the running sandbox that {@code MOCKAA_URL} names, or else starts one: the program of
     * {@code MOCKAA_BINARY}, or that on the PATH, with these further arguments of {@code serve}.
     */
    static Sandbox obtain(List<String> arguments) {
        Map<String, String> environment = System.getenv();
        String running = environment.getOrDefault("MOCKAA_URL", "");
        if (!running.isEmpty()) {
            return new Sandbox(running.replaceAll("/+$", ""), null);
        }
        String program = environment.getOrDefault("MOCKAA_BINARY", "");
        return start(program.isEmpty() ? "mockaa" : program, arguments);
    }

    /** Starts a program on a free port. Throws an {@link IllegalStateException} that has what the program prints. */
    static Sandbox start(String program, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(program, "serve", "--port", "0", "--stop-on-eof"));
        command.addAll(arguments);
        try {
            Path log = Files.createTempFile("mockaa", ".log");
            log.toFile().deleteOnExit();
            ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
            // What this process has set for another sandbox does not concern this one.
            builder.environment().keySet().removeIf(name -> name.startsWith("MOCKAA_"));
            // The end of its input ends it, however this process ends.
            Process process = builder.start();
            String line = process.inputReader().readLine();
            if (line == null) {
                throw new IllegalStateException("mockaa does not start:\n" + Files.readString(log));
            }
            return new Sandbox(Json.read(line.getBytes(StandardCharsets.UTF_8)).get("base_url").asText(), process);
        } catch (IOException error) {
            String remedy = "put mockaa on the PATH, or name the program in MOCKAA_BINARY";
            throw new IllegalStateException("cannot run " + program + "; " + remedy, error);
        }
    }

    /** Returns the address of the sandbox. */
    public String url() {
        return url;
    }

    /** Returns whether other runs may use the sandbox too. */
    boolean isShared() {
        return process == null;
    }

    /** Calls the control API, {@code /_mockaa/v1/…}, of the default world. */
    public JsonNode control(String method, String path) {
        return Http.call(method, url + "/_mockaa/v1/" + path, null, Map.of());
    }

    /** Stops the program, after it has sent the webhooks that are due. The sandbox of {@code MOCKAA_URL} goes on. */
    @Override
    public void close() throws IOException, InterruptedException {
        if (process == null) {
            return;
        }
        process.getOutputStream().close();
        if (!process.waitFor(STOP_TIMEOUT_S, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
    }
}
