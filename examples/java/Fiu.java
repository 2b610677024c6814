import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.type.LogicalType;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.*;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * A small Financial Information User (FIU) for ReBIT's AA API 2.0.0, to copy and to extend.
 *
 * <p>It raises consents, receives webhooks, and requests, fetches and decrypts the data of the accounts. A webhook about a consent is
 * only a hint: what is true is what the AA answers. One about data says when to fetch. {@code ../README.md} explains the parts and the
 * settings, and says what a real FIU needs besides.
 */
public final class Fiu {
    private static final String AA_URL = setting("AA_URL", "http://127.0.0.1:8080");
    private static final String AA_ID = setting("AA_ID", "mockaa");
    private static final String FIU_ID = setting("FIU_ID", "FIU-1");
    private static final String API_KEY = setting("API_KEY", "mockaa-dev-fiu-1-api-key");
    private static final String KEY_FILE = setting("KEY_FILE", "fixtures/keys/fiu-1.pem");
    private static final String KEY_ID = setting("KEY_ID", "fiu-1-dev-1");
    private static final String HOST = setting("HOST", "127.0.0.1");
    private static final int PORT = Integer.parseInt(setting("PORT", "9000"));
    private static final double CHECK_SECONDS = Double.parseDouble(setting("CHECK_SECONDS", "60"));

    private static final Duration TOLERANCE = Duration.ofMinutes(15);
    private static final int WEBHOOK_BYTES_MAX = 1_000_000;
    private static final int ATTEMPTS = 4;
    private static final long WAIT_MAX_MS = 10_000;
    private static final long RETRY_AFTER_MAX_S = 3600;
    private static final long CALL_TIMEOUT_S = 30;
    private static final long KEY_READ_INTERVAL_MS = 60_000;
    private static final int SESSIONS_MAX = 3;
    private static final Set<String> ENDED = Set.of("REJECTED", "FAILED", "REVOKED", "EXPIRED");
    private static final Set<String> SESSION_ENDED = Set.of("COMPLETED", "FAILED", "EXPIRED");
    /** Calls that make something: they are repeated only if the AA says that it has failed. */
    private static final Set<String> MAKING = Set.of("/Consent", "/FI/request");

    // The fields of each message on which this FIU relies. A message in which one is missing, null or of another type is invalid;
    // further fields are allowed.

    /** A message of the AA. */
    interface Message {
        String ver();
        String txnid();
    }

    /** A message that says when it was sent. */
    interface Timed extends Message {
        String timestamp();
    }

    record Created(String ver, String timestamp, String txnid, @JsonProperty("ConsentHandle") String consentHandle)
            implements Timed {}

    record ConsentStatus(String ver, String timestamp, String txnid, @JsonProperty("ConsentHandle") String consentHandle,
            @JsonProperty("ConsentStatus") State state) implements Timed {
        /** The state of a consent. No record, since only an approved consent has an id. */
        static final class State {
            final String status;
            @JsonProperty
            String id;

            @JsonCreator
            State(@JsonProperty("status") String status) {
                this.status = status;
            }
        }
    }

    record Artefact(String ver, String txnid, String consentId, String createTimestamp, String signedConsent, String status,
            @JsonProperty("ConsentUse") ConsentUse consentUse) implements Message {
        record ConsentUse(String logUri, int count, String lastUseDateTime) {}
    }

    record Session(String ver, String timestamp, String txnid, String consentId, String sessionId) implements Timed {}

    record KeyMaterial(@JsonProperty("DHPublicKey") DhPublicKey dhPublicKey, @JsonProperty("Nonce") byte[] nonce) {
        record DhPublicKey(@JsonProperty("KeyValue") String keyValue) {}
    }

    record Fetched(String ver, String timestamp, String txnid, @JsonProperty("FI") List<Entry> entries) implements Timed {
        record Entry(String fipID, @JsonProperty("KeyMaterial") KeyMaterial keyMaterial, List<Item> data) {}

        record Item(String linkRefNumber, String maskedAccNumber, byte[] encryptedFI) {}
    }

    /** A webhook. */
    interface Notification extends Timed {
        Notifier notifier();

        record Notifier(String type, String id) {}
    }

    record ConsentNotification(String ver, String timestamp, String txnid, @JsonProperty("Notifier") Notifier notifier,
            @JsonProperty("ConsentStatusNotification") News news) implements Notification {
        record News(String consentHandle, String consentStatus) {}
    }

    record FiNotification(String ver, String timestamp, String txnid, @JsonProperty("Notifier") Notifier notifier,
            @JsonProperty("FIStatusNotification") News news) implements Notification {
        record News(String sessionId, String sessionStatus) {}
    }

    private static final Map<String, Class<? extends Notification>> NOTIFICATIONS = Map.of(
            "POST /Consent/Notification", ConsentNotification.class,
            "POST /FI/Notification", FiNotification.class,
            "POST /FI/Data", FiNotification.class); // mockaa's extension, which pushes the data; this FIU fetches it instead

    record KeySet(List<JsonNode> keys) {}

    /** The content of {@code aa_api_key}. */
    record Token(String azp, long exp) {}

    /** The content of {@code signedConsent}. */
    record SignedConsent(@JsonProperty("Customer") Party customer, @JsonProperty("DataConsumer") Party dataConsumer,
            @JsonProperty("FIDataRange") JsonNode fiDataRange) {
        record Party(String id) {}
    }

    /** What the lender sends for a new application. */
    record NewApplication(String customer) {}

    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES, DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .defaultSetterInfo(JsonSetter.Value.forValueNulls(Nulls.FAIL, Nulls.FAIL)) // also in lists
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .withCoercionConfig(LogicalType.Textual, text -> text
                    .setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                    .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                    .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail))
            .build();

    private static final HttpClient HTTP = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(CALL_TIMEOUT_S)).build();
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final DateTimeFormatter MILLISECONDS = new DateTimeFormatterBuilder().appendInstant(3).toFormatter();
    private static final long STARTED_NS = System.nanoTime();

    /** Signals a message that must not be believed; the text says why. */
    static final class Invalid extends RuntimeException {
        Invalid(String text) {
            super(text);
        }
    }

    /** Signals the AA's refusal of a call, a status of 3xx or 4xx. The same call would be refused again. */
    static final class Refused extends RuntimeException {
        final int status;

        Refused(int status, String text) {
            super("the AA answers " + status + ": " + text);
            this.status = status;
        }
    }

    /** Signals that the AA gave no answer, or none that arrived whole. */
    static final class Unavailable extends RuntimeException {
        /** Whether the AA says so; else it may have done what it was asked. */
        final boolean hasFailed;

        Unavailable(String text) {
            this(text, false);
        }

        Unavailable(String text, boolean hasFailed) {
            super(text);
            this.hasFailed = hasFailed;
        }
    }

    private Fiu() {}

    private static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    static byte[] decodeBase64Url(String text) {
        return Base64.getUrlDecoder().decode(text);
    }

    static String encodeBase64Url(byte[] octets) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(octets);
    }

    /** Decodes PEM, which has its base64 between two labels, or base64 alone. */
    static byte[] decodePem(String text) {
        return Base64.getMimeDecoder().decode(text.replaceAll("(?s).*-----BEGIN [A-Z ]+-----|-----END .*", ""));
    }

    static String formatTime(Instant at) {
        return MILLISECONDS.format(at);
    }

    /** Returns the time since the start, by a clock that nobody sets. */
    static long elapsedMs() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - STARTED_NS);
    }

    /** Refuses a timestamp that is more than 15 minutes off. */
    static void checkTime(String text) {
        try {
            Instant at = OffsetDateTime.parse(text).toInstant();
            if (Duration.between(at, Instant.now()).abs().compareTo(TOLERANCE) > 0) {
                throw new Invalid(text + " is more than 15 minutes off");
            }
        } catch (DateTimeParseException error) {
            throw new Invalid(text + " is no timestamp with an offset");
        }
    }

    /** Parses a message, and refuses one that lacks a field, or has one of another type. */
    static <T> T parseJson(byte[] octets, Class<T> type) {
        try {
            T value = JSON.readValue(octets, type);
            if (value == null) {
                throw new Invalid("it is no JSON object");
            }
            return value;
        } catch (MismatchedInputException error) {
            String field = error.getPath().stream().map(JsonMappingException.Reference::getFieldName)
                    .filter(Objects::nonNull).collect(Collectors.joining("."));
            throw new Invalid(field.isEmpty() ? "it is no JSON object" : field + " is missing, or of another type");
        } catch (JsonProcessingException error) {
            throw new Invalid("it is no JSON: " + error.getOriginalMessage());
        } catch (IOException error) {
            throw new UncheckedIOException(error); // never: the bytes are in memory
        }
    }

    /** Sends a request, and waits until all of the answer has come: the time-out of an HttpRequest ends with the headers. */
    static HttpResponse<byte[]> exchange(HttpRequest request) throws IOException {
        CompletableFuture<HttpResponse<byte[]>> answer = HTTP.sendAsync(request, HttpResponse.BodyHandlers.ofByteArray());
        try {
            return answer.get(CALL_TIMEOUT_S, TimeUnit.SECONDS);
        } catch (ExecutionException error) {
            throw new IOException(error.getCause());
        } catch (TimeoutException error) {
            throw new IOException("it took more than " + CALL_TIMEOUT_S + " s");
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException();
        } finally {
            answer.cancel(true);
        }
    }

    /** The AA's public keys. A key that is not known is looked up again, once a minute at most: the AA may have a new one. */
    static final class AaKeys {
        private static final JsonNode KNOWN_EXTENSIONS = JSON.createArrayNode().add("b64");
        private Map<String, PublicKey> keys = Map.of();
        private long readAgainAtMs = -KEY_READ_INTERVAL_MS;

        private synchronized PublicKey find(String kid) {
            if (!keys.containsKey(kid) && elapsedMs() - readAgainAtMs >= KEY_READ_INTERVAL_MS) {
                if (!keys.isEmpty()) {
                    readAgainAtMs = elapsedMs();
                }
                keys = read();
            }
            PublicKey key = keys.get(kid);
            if (key == null) {
                throw new Invalid("the AA has no key " + JSON.getNodeFactory().textNode(kid));
            }
            return key;
        }

        /** Reads the keys if there are none yet, so that an answer can be verified. */
        synchronized void load() {
            if (keys.isEmpty()) {
                keys = read();
            }
        }

        private static Map<String, PublicKey> read() {
            try {
                URI address = URI.create(AA_URL + "/.well-known/jwks.json");
                HttpResponse<byte[]> answer = exchange(HttpRequest.newBuilder(address).build());
                KeyFactory factory = KeyFactory.getInstance("RSA");
                Map<String, PublicKey> keys = new HashMap<>();
                for (JsonNode key : parseJson(answer.body(), KeySet.class).keys()) {
                    if (key.path("kty").asText().equals("RSA")) {
                        BigInteger modulus = new BigInteger(1, decodeBase64Url(key.required("n").asText()));
                        BigInteger exponent = new BigInteger(1, decodeBase64Url(key.required("e").asText()));
                        keys.put(key.required("kid").asText(), factory.generatePublic(new RSAPublicKeySpec(modulus, exponent)));
                    }
                }
                return keys;
            } catch (IOException | Invalid | IllegalArgumentException | GeneralSecurityException error) {
                throw new Unavailable("the AA's keys cannot be read: " + error.getMessage());
            }
        }

        /** Refuses a detached JWS, {@code header..signature}, that is not the AA's over these bytes. */
        void verify(String jws, byte[] message) {
            try {
                String[] parts = split(jws);
                JsonNode header = parseJson(decodeBase64Url(parts[0]), JsonNode.class);
                // The sender chooses neither the algorithm nor extensions of JWS.
                boolean hasUnknownExtension = header.has("crit") && !header.get("crit").equals(KNOWN_EXTENSIONS);
                if (!parts[1].isEmpty() || !header.path("alg").asText().equals("RS256") || hasUnknownExtension) {
                    throw new Invalid("it is no detached JWS with RS256");
                }
                Signature verifier = Signature.getInstance("SHA256withRSA");
                verifier.initVerify(find(header.path("kid").asText()));
                verifier.update((parts[0] + ".").getBytes(UTF_8));
                boolean isPlain = header.path("b64").equals(BooleanNode.FALSE);
                verifier.update(isPlain ? message : encodeBase64Url(message).getBytes(UTF_8));
                if (!verifier.verify(decodeBase64Url(parts[2]))) {
                    throw new Invalid("it is of another message or key");
                }
            } catch (Invalid | IllegalArgumentException | GeneralSecurityException error) {
                throw new Invalid("the signature is not valid: " + error.getMessage());
            }
        }

        /** Returns the content of a compact JWS, {@code header.payload.signature}, of the AA. */
        <T> T open(String jws, Class<T> type) {
            String[] parts = split(jws);
            byte[] content;
            try {
                content = decodeBase64Url(parts[1]);
                if (parseJson(decodeBase64Url(parts[0]), JsonNode.class).has("b64")) {
                    throw new Invalid("a compact JWS has its payload in base64url");
                }
            } catch (IllegalArgumentException error) {
                throw new Invalid("it is no compact JWS");
            }
            verify(parts[0] + ".." + parts[2], content);
            return parseJson(content, type);
        }

        private static String[] split(String jws) {
            String[] parts = jws == null ? new String[0] : jws.split("\\.", -1);
            if (parts.length != 3) {
                throw new Invalid("it is no JWS");
            }
            return parts;
        }
    }

    /** A key pair and a nonce. Each data session has its own. */
    static final class SessionKey {
        private final KeyPair pair;
        private final byte[] nonce = new byte[32];

        SessionKey() throws GeneralSecurityException {
            pair = KeyPairGenerator.getInstance("X25519").generateKeyPair();
            RANDOM.nextBytes(nonce);
        }

        ObjectNode keyMaterial() {
            Base64.Encoder base64 = Base64.getEncoder();
            ObjectNode material = JSON.createObjectNode().put("cryptoAlg", "ECDH").put("curve", "Curve25519").put("params", "");
            material.putObject("DHPublicKey")
                    .put("expiry", formatTime(Instant.now().plus(1, ChronoUnit.DAYS))).put("Parameters", "")
                    .put("KeyValue", base64.encodeToString(pair.getPublic().getEncoded()));
            return material.put("Nonce", base64.encodeToString(nonce));
        }

        /** Decrypts the document of an account with the key material of its FIP. */
        byte[] decrypt(KeyMaterial material, byte[] encrypted) {
            try {
                byte[] mixed = material.nonce().clone();
                if (mixed.length != nonce.length) {
                    throw new Invalid("the nonce has " + mixed.length + " bytes");
                }
                for (int i = 0; i < mixed.length; i++) {
                    mixed[i] ^= nonce[i];
                }
                byte[] der = decodePem(material.dhPublicKey().keyValue());
                KeyAgreement agreement = KeyAgreement.getInstance("X25519");
                agreement.init(pair.getPrivate());
                agreement.doPhase(KeyFactory.getInstance("X25519").generatePublic(new X509EncodedKeySpec(der)), true);
                byte[] key = deriveKey(agreement.generateSecret(), Arrays.copyOf(mixed, 20));
                Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
                cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, mixed, 20, 12));
                return cipher.doFinal(encrypted);
            } catch (IllegalArgumentException | GeneralSecurityException error) {
                throw new Invalid("the data does not decrypt: " + error.getMessage());
            }
        }

        /** Derives 32 bytes by HKDF with SHA-256 and no info, of which they are the first block. */
        private static byte[] deriveKey(byte[] secret, byte[] salt) throws GeneralSecurityException {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(salt, "HmacSHA256"));
            mac.init(new SecretKeySpec(mac.doFinal(secret), "HmacSHA256"));
            return mac.doFinal(new byte[] {1});
        }
    }

    /** The AA, as this FIU calls it: signed requests, verified answers, and repetition of what broke. */
    static final class Aggregator {
        final AaKeys keys = new AaKeys();
        private final PrivateKey key;
        private final AtomicLong freeAtMs = new AtomicLong();

        Aggregator() throws IOException, GeneralSecurityException {
            byte[] der = decodePem(Files.readString(Path.of(KEY_FILE)));
            key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(der));
        }

        private String sign(byte[] message) throws GeneralSecurityException {
            ObjectNode fields = JSON.createObjectNode().put("alg", "RS256").put("kid", KEY_ID).put("b64", false);
            fields.putArray("crit").add("b64");
            String header = encodeBase64Url(fields.toString().getBytes(UTF_8));
            Signature signer = Signature.getInstance("SHA256withRSA");
            signer.initSign(key);
            signer.update((header + ".").getBytes(UTF_8));
            signer.update(message);
            return header + ".." + encodeBase64Url(signer.sign());
        }

        /** Sends a message, and again if the AA fails. Returns an answer that may be believed. */
        <T extends Message> T call(String path, ObjectNode content, Class<T> type)
                throws GeneralSecurityException, InterruptedException {
            keys.load();
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                long waitMs = freeAtMs.get() - elapsedMs();
                if (waitMs > WAIT_MAX_MS) {
                    throw new Unavailable("the AA asked to wait for " + waitMs / 1000 + " s more");
                }
                Thread.sleep(Math.max(0, waitMs));
                try {
                    return send(path, content, type);
                } catch (Unavailable error) {
                    System.out.println(path + ": " + error.getMessage());
                    waitFor(100L << attempt);
                    if (MAKING.contains(path) && !error.hasFailed) {
                        throw error;
                    }
                }
            }
            throw new Unavailable(path + " has failed " + ATTEMPTS + " times");
        }

        private void waitFor(long waitMs) {
            freeAtMs.accumulateAndGet(elapsedMs() + waitMs, Math::max);
        }

        private <T extends Message> T send(String path, ObjectNode content, Class<T> type) throws GeneralSecurityException {
            String txnid = UUID.randomUUID().toString();
            ObjectNode message = JSON.createObjectNode()
                    .put("ver", "2.0.0").put("timestamp", formatTime(Instant.now())).put("txnid", txnid).setAll(content);
            byte[] body = message.toString().getBytes(UTF_8);
            HttpRequest request = HttpRequest.newBuilder(URI.create(AA_URL + path))
                    .header("content-type", "application/json").header("client_api_key", API_KEY)
                    .header("x-jws-signature", sign(body)).POST(HttpRequest.BodyPublishers.ofByteArray(body)).build();
            HttpResponse<byte[]> answer;
            try {
                answer = exchange(request);
            } catch (IOException error) {
                throw new Unavailable("no whole answer: " + error.getMessage());
            }
            int status = answer.statusCode();
            if (status == 429 || status >= 500) {
                String seconds = answer.headers().firstValue("retry-after").orElse("0");
                boolean isNumber = seconds.matches("\\d{1,9}");
                waitFor(isNumber ? Math.min(Long.parseLong(seconds), RETRY_AFTER_MAX_S) * 1000 : WAIT_MAX_MS);
                throw new Unavailable("the AA answers " + status, true);
            }
            if (status >= 300) {
                throw new Refused(status, new String(answer.body(), UTF_8));
            }
            try {
                keys.verify(answer.headers().firstValue("x-jws-signature").orElse(null), answer.body());
            } catch (Unavailable error) {
                throw new Invalid(error.getMessage());
            }
            T result = parseJson(answer.body(), type);
            if (!result.ver().equals("2.0.0") || !result.txnid().equals(txnid)) {
                throw new Invalid("it answers another message, or in another version");
            }
            if (result instanceof Timed timed) {
                checkTime(timed.timestamp());
            }
            return result;
        }
    }

    /** A customer's application, and what this FIU has learned from the AA about it. */
    static final class Application {
        final String customer;
        final String handle;
        final Map<String, Document> documents = new ConcurrentHashMap<>(); // by the reference of the account
        volatile String status = "PENDING";
        volatile String sessionId;
        volatile String sessionStatus;
        volatile boolean hasNewData;
        // Only the worker has use for these.
        SessionKey sessionKey;
        int sessions;

        Application(String customer, String handle) {
            this.customer = customer;
            this.handle = handle;
        }
    }

    /** The data of an account. */
    record Document(byte[] xml, int transactions) {
        static Document parse(byte[] xml) {
            XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
            factory.setProperty(XMLInputFactory.SUPPORT_DTD, false); // a document could name files of this machine
            int transactions = 0;
            try {
                XMLStreamReader reader = factory.createXMLStreamReader(new ByteArrayInputStream(xml));
                while (reader.hasNext()) {
                    if (reader.next() == XMLStreamConstants.START_ELEMENT && reader.getLocalName().equals("Transaction")) {
                        transactions++;
                    }
                }
            } catch (XMLStreamException error) {
                throw new Invalid("the document is no XML: " + error.getMessage());
            }
            return new Document(xml, transactions);
        }
    }

    /** What the lender is told of an application. */
    record Summary(String handle, String customer, String status, int accounts, int transactions) {
        static Summary of(Application application) {
            List<Document> documents = List.copyOf(application.documents.values());
            int transactions = documents.stream().mapToInt(Document::transactions).sum();
            return new Summary(application.handle, application.customer, application.status, documents.size(), transactions);
        }
    }

    /** All applications. One thread works on them, so that no two calls about one application run at a time. */
    static final class Applications {
        final Aggregator aggregator = new Aggregator();
        private final Map<String, Application> byHandle = new LinkedHashMap<>();
        private final Set<String> seenTxnids = new HashSet<>();
        private final Set<String> earlyHandles = new HashSet<>();
        private final ExecutorService worker = Executors.newSingleThreadExecutor();
        private volatile CompletableFuture<Void> lastJob = CompletableFuture.completedFuture(null);

        Applications() throws IOException, GeneralSecurityException {
            long checkMs = Math.round(CHECK_SECONDS * 1000);
            Executors.newSingleThreadScheduledExecutor()
                    .scheduleWithFixedDelay(this::checkAll, checkMs, checkMs, TimeUnit.MILLISECONDS);
        }

        /** Raises a consent for the deposits of a customer: once, for the data of a year. */
        Application apply(String customer) throws GeneralSecurityException, InterruptedException {
            Instant at = Instant.now();
            ObjectNode content = JSON.createObjectNode();
            ObjectNode detail = content.putObject("ConsentDetail")
                    .put("consentStart", formatTime(at)).put("consentExpiry", formatTime(at.plus(364, ChronoUnit.DAYS)))
                    .put("consentMode", "STORE").put("fetchType", "PERIODIC");
            detail.putArray("consentTypes").add("PROFILE").add("SUMMARY").add("TRANSACTIONS");
            detail.putArray("fiTypes").add("DEPOSIT");
            detail.putObject("DataConsumer").put("id", FIU_ID).put("type", "FIU");
            detail.putObject("Customer").put("id", customer);
            detail.putObject("Purpose")
                    .put("code", "101").put("refUri", "https://api.rebit.org.in/aa/purpose/101.xml")
                    .put("text", "Wealth management service").putObject("Category").put("type", "Personal Finance");
            detail.putObject("FIDataRange").put("from", formatTime(at.minus(365, ChronoUnit.DAYS))).put("to", formatTime(at));
            detail.putObject("DataLife").put("unit", "MONTH").put("value", 1);
            detail.putObject("Frequency").put("unit", "DAY").put("value", 1);
            String handle;
            try {
                handle = aggregator.call("/Consent", content, Created.class).consentHandle();
            } catch (Invalid error) {
                throw new Unavailable("the AA's answer is not valid: " + error.getMessage());
            }
            Application application = new Application(customer, handle);
            synchronized (this) {
                byHandle.put(handle, application);
                if (earlyHandles.remove(handle)) {
                    enqueue(application);
                }
            }
            return application;
        }

        /** Verifies a webhook, and notes what is to be checked. Returns the message. */
        Notification receive(Class<? extends Notification> type, Headers headers, byte[] body) {
            aggregator.keys.verify(headers.getFirst("x-jws-signature"), body);
            Notification message = parseJson(body, type);
            Token token = aggregator.keys.open(headers.getFirst("aa_api_key"), Token.class);
            boolean isFromAa = token.azp().equals(AA_ID) && message.notifier().id().equals(AA_ID);
            if (!isFromAa || token.exp() < System.currentTimeMillis() / 1000.0) {
                throw new Invalid("it is not from " + AA_ID);
            }
            checkTime(message.timestamp());
            synchronized (this) {
                // A repetition has the txnid of the first, whatever the id of its delivery.
                if (seenTxnids.add(message.txnid())) {
                    note(message);
                }
            }
            return message;
        }

        private void note(Notification message) {
            Application application = null;
            if (message instanceof FiNotification notification) {
                FiNotification.News news = notification.news();
                application = byHandle.values().stream()
                        .filter(it -> news.sessionId().equals(it.sessionId)).findFirst().orElse(null);
                if (application != null) {
                    application.hasNewData = true;
                    if (SESSION_ENDED.contains(news.sessionStatus())) {
                        application.sessionStatus = news.sessionStatus();
                    }
                }
            } else if (message instanceof ConsentNotification notification) {
                String handle = notification.news().consentHandle();
                application = byHandle.get(handle);
                if (application == null) {
                    // It can come before the answer that names the handle.
                    earlyHandles.add(handle);
                }
            }
            if (application != null) {
                enqueue(application);
            }
        }

        private synchronized void enqueue(Application application) {
            lastJob = CompletableFuture.runAsync(() -> work(application), worker);
        }

        private void work(Application application) {
            try {
                check(application);
            } catch (Throwable error) { // whatever it is, the next application has its turn
                System.out.println("application " + application.handle + ": " + error + "; it will be checked again");
            }
        }

        /** Checks all applications that have not ended, as a lost webhook would have said, and waits until all is done. */
        void checkAll() {
            synchronized (this) {
                byHandle.values().stream().filter(it -> !ENDED.contains(it.status)).forEach(this::enqueue);
            }
            CompletableFuture<Void> job;
            do {
                job = lastJob;
                job.join();
            } while (job != lastJob);
        }

        /** Asks the AA for the state of a consent, and takes the steps that it allows. */
        private void check(Application application) throws GeneralSecurityException, InterruptedException {
            ObjectNode question = JSON.createObjectNode().put("ConsentHandle", application.handle);
            ConsentStatus current = aggregator.call("/Consent/handle", question, ConsentStatus.class);
            if (!current.consentHandle().equals(application.handle)) {
                throw new Invalid("it is the status of another consent");
            }
            ConsentStatus.State state = current.state();
            application.status = state.status;
            if (ENDED.contains(application.status) || state.id == null) {
                return;
            }
            ObjectNode reference = JSON.createObjectNode().put("consentId", state.id);
            Artefact artefact = aggregator.call("/Consent/fetch", reference, Artefact.class);
            if (!artefact.consentId().equals(state.id)) {
                throw new Invalid("it is the artefact of another consent");
            }
            application.status = artefact.status();
            // What the customer has signed counts, not what surrounds it.
            SignedConsent consent = aggregator.keys.open(artefact.signedConsent(), SignedConsent.class);
            if (!consent.customer().id().equals(application.customer) || !consent.dataConsumer().id().equals(FIU_ID)) {
                throw new Invalid("it is signed for another customer or FIU");
            }
            if (!application.status.equals("ACTIVE")) {
                return;
            }
            if (application.sessionId == null && application.sessions < SESSIONS_MAX) {
                SessionKey key = new SessionKey();
                ObjectNode content = JSON.createObjectNode();
                content.set("FIDataRange", consent.fiDataRange());
                content.set("KeyMaterial", key.keyMaterial());
                content.putObject("Consent")
                        .put("id", state.id).put("digitalSignature", artefact.signedConsent().split("\\.")[2]);
                Session session = aggregator.call("/FI/request", content, Session.class);
                if (!session.consentId().equals(state.id)) {
                    throw new Invalid("it is the session of another consent");
                }
                application.sessionKey = key;
                application.sessionStatus = "ACTIVE";
                application.sessionId = session.sessionId();
                application.sessions++;
            } else if (application.sessionId != null && (application.hasNewData
                    || application.sessionStatus.equals("ACTIVE") && application.documents.isEmpty())) {
                fetch(application);
                if (application.sessionStatus.equals("FAILED") && application.documents.isEmpty()) {
                    // The banks get another chance at the next check.
                    application.sessionId = null;
                }
            }
        }

        /** Fetches the data that is there, and decrypts it. */
        private void fetch(Application application) throws GeneralSecurityException, InterruptedException {
            application.hasNewData = false;
            Map<String, Document> documents = new HashMap<>();
            try {
                ObjectNode reference = JSON.createObjectNode().put("sessionId", application.sessionId);
                for (Fetched.Entry entry : aggregator.call("/FI/fetch", reference, Fetched.class).entries()) {
                    for (Fetched.Item item : entry.data()) {
                        byte[] xml = application.sessionKey.decrypt(entry.keyMaterial(), item.encryptedFI());
                        documents.put(item.linkRefNumber(), Document.parse(xml));
                    }
                }
            } catch (Invalid | Unavailable error) {
                application.hasNewData = true;
                throw error;
            } catch (Refused error) {
                // 404: there is no data yet, or the banks gave none.
                if (error.status != 404) {
                    throw error;
                }
            }
            application.documents.putAll(documents);
        }

        /** Returns what is known of each application. */
        List<Summary> summarize() {
            List<Application> applications;
            synchronized (this) {
                applications = List.copyOf(byHandle.values());
            }
            return applications.stream().map(Summary::of).toList();
        }
    }

    /**
     * Answers {@code /Consent/Notification} and {@code /FI/Notification} to the AA, and {@code /applications} to the lender: a real one
     * has a log-in, and is not reachable from where the webhooks come.
     */
    static final class Handler implements HttpHandler {
        private final Applications applications;

        Handler(Applications applications) {
            this.applications = applications;
        }

        private record Reply(int status, Object content) {}

        private record Acknowledgement(String ver, String timestamp, String txnid, String response) {}

        /** Answers a request. An IOException means that the sender has gone; the server then closes the connection. */
        @Override
        public void handle(HttpExchange exchange) throws IOException {
            try (exchange) {
                Reply reply = reply(exchange);
                byte[] body = JSON.writeValueAsBytes(reply.content());
                exchange.getResponseHeaders().set("content-type", "application/json");
                exchange.sendResponseHeaders(reply.status(), body.length);
                exchange.getResponseBody().write(body);
            }
        }

        private Reply reply(HttpExchange exchange) {
            String path = exchange.getRequestURI().toString();
            String route = exchange.getRequestMethod() + " " + path;
            Class<? extends Notification> notification = NOTIFICATIONS.get(route);
            try {
                byte[] body = exchange.getRequestBody().readNBytes(WEBHOOK_BYTES_MAX + 1);
                if (body.length > WEBHOOK_BYTES_MAX) {
                    return fail(413, "more than " + WEBHOOK_BYTES_MAX + " bytes");
                }
                if (notification != null) {
                    Notification message = applications.receive(notification, exchange.getRequestHeaders(), body);
                    return new Reply(200, new Acknowledgement(message.ver(), message.timestamp(), message.txnid(), "OK"));
                }
                switch (route) {
                    case "POST /applications":
                        String customer = parseJson(body, NewApplication.class).customer();
                        return new Reply(201, Summary.of(applications.apply(customer)));
                    case "POST /applications/check":
                        applications.checkAll();
                        return new Reply(200, applications.summarize());
                    case "GET /applications":
                        return new Reply(200, applications.summarize());
                    default:
                        return fail(404, path + " is not known");
                }
            } catch (Invalid error) {
                System.out.println(path + " is refused: " + error.getMessage());
                return fail(notification == null ? 400 : 401, error.getMessage());
            } catch (IOException error) {
                return fail(notification == null ? 400 : 401, "the body has not arrived whole");
            } catch (Refused | Unavailable error) {
                return fail(502, error.getMessage());
            } catch (GeneralSecurityException | InterruptedException | RuntimeException error) {
                error.printStackTrace();
                return fail(500, "this FIU has failed");
            }
        }

        private static Reply fail(int status, String text) {
            return new Reply(status, Map.of("error", text));
        }
    }

    public static void main(String[] arguments) throws IOException, GeneralSecurityException {
        // Settings of the JDK's server, which it reads once: the time for a request to arrive; how much of a body that is too big
        // it reads after the answer, since a sender that is cut off can miss the answer; and that small packets leave at once.
        System.setProperty("sun.net.httpserver.maxReqTime", String.valueOf(CALL_TIMEOUT_S));
        System.setProperty("sun.net.httpserver.drainAmount", String.valueOf(10 * WEBHOOK_BYTES_MAX));
        System.setProperty("sun.net.httpserver.nodelay", "true");
        HttpServer server = HttpServer.create(new InetSocketAddress(HOST, PORT), 256); // webhooks can come in bursts
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", new Handler(new Applications()));
        server.start();
        System.out.println("listening on " + HOST + ":" + server.getAddress().getPort());
    }
}
