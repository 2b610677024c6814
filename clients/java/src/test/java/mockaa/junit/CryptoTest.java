package mockaa.junit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import javax.crypto.Cipher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The worked numbers of mockaa's {@code docs/crypto.md}. */
class CryptoTest {
    // Outside of the repository, the file is named.
    private static final Path FILE = Path.of(
            System.getenv().getOrDefault("KNOWN_ANSWERS", "../../tests/fixtures/known-answers.json"));

    private static JsonNode readVector(String id) throws IOException {
        for (JsonNode vector : new ObjectMapper().readTree(FILE.toFile()).get("vectors")) {
            if (vector.get("id").asText().equals(id)) {
                return vector;
            }
        }
        throw new AssertionError("no vector is named " + id);
    }

    private static byte[] utf8(JsonNode text) {
        return text.asText().getBytes(StandardCharsets.UTF_8);
    }

    private static JsonNode toMaterial(JsonNode keyValue, JsonNode nonce) {
        Map<String, JsonNode> key = Map.of("KeyValue", keyValue);
        return new ObjectMapper().valueToTree(Map.of("DHPublicKey", key, "Nonce", nonce));
    }

    /** Returns the session key of one side, `fiu` or `fip`. */
    private static SessionKey readKey(JsonNode vector, String side) {
        ByteBuffer bytes = ByteBuffer.allocate(64)
                .put(HexFormat.of().parseHex(vector.get(side + "_private_hex").asText()))
                .put(Base64.getDecoder().decode(vector.get(side + "_nonce_b64").asText()))
                .flip();
        return new SessionKey(new SecureRandom() {
            private static final long serialVersionUID = 1L;

            @Override
            public void nextBytes(byte[] target) {
                bytes.get(target);
            }
        });
    }

    @Test
    void theDataOfTheRecipeDecrypts() throws IOException {
        JsonNode vector = readVector("x25519-1");
        SessionKey key = readKey(vector, "fiu");
        JsonNode ours = new ObjectMapper().valueToTree(key.keyMaterial("2026-02-01T06:00:00.000Z"));
        assertEquals(vector.get("fiu_public_der_b64"), ours.at("/DHPublicKey/KeyValue"));
        assertEquals(vector.get("fiu_nonce_b64"), ours.get("Nonce"));
        assertEquals("2026-02-01T06:00:00.000Z", ours.at("/DHPublicKey/expiry").asText());
        JsonNode theirs = toMaterial(vector.get("fip_public_pem"), vector.get("fip_nonce_b64"));
        String encrypted = vector.get("encryptedFI_b64").asText();
        assertEquals(vector.get("plaintext_utf8").asText(), key.decrypt(theirs, encrypted));
    }

    @Test
    void theDataOfTheRecipeEncrypts() throws IOException, GeneralSecurityException {
        JsonNode vector = readVector("x25519-1");
        JsonNode theirs = toMaterial(vector.get("fiu_public_der_b64"), vector.get("fiu_nonce_b64"));
        Cipher cipher = readKey(vector, "fip").initialize(Cipher.ENCRYPT_MODE, theirs);
        byte[] encrypted = cipher.doFinal(utf8(vector.get("plaintext_utf8")));
        assertEquals(vector.get("encryptedFI_b64").asText(), Base64.getEncoder().encodeToString(encrypted));
    }

    @Test
    void whatDoesNotDecryptIsNamed() throws IOException {
        JsonNode vector = readVector("x25519-1");
        JsonNode pem = vector.get("fip_public_pem");
        JsonNode nonce = vector.get("fip_nonce_b64");
        String encrypted = vector.get("encryptedFI_b64").asText();
        JsonNode other = readVector("weierstrass-full-2").get("fip_public_pem_single_line");
        JsonNode empty = new ObjectMapper().valueToTree("-----");
        JsonNode shortNonce = new ObjectMapper().valueToTree("AAAA");
        SessionKey key = readKey(vector, "fiu");
        assertRefused("not on X25519", () -> key.decrypt(toMaterial(other, nonce), encrypted));
        assertRefused("not on X25519", () -> key.decrypt(toMaterial(empty, nonce), encrypted));
        assertRefused("3 bytes, not 32", () -> key.decrypt(toMaterial(pem, shortNonce), encrypted));
        // Less than the tag of AES-GCM.
        assertRefused("does not decrypt", () -> key.decrypt(toMaterial(pem, nonce), "AAAA"));
        assertRefused("does not decrypt", () -> new SessionKey().decrypt(toMaterial(pem, nonce), encrypted));
    }

    private static void assertRefused(String reason, Runnable decryption) {
        String problem = assertThrows(IllegalArgumentException.class, decryption::run).getMessage();
        assertTrue(problem.contains(reason), problem);
    }

    @Test
    void theSignatureOfTheRecipeIsValid() throws IOException {
        JsonNode vector = readVector("detached-fiu-1");
        Map<String, RSAPublicKey> keys = readKeys(vector);
        String signature = vector.get("x_jws_signature").asText();
        byte[] body = utf8(vector.get("body_utf8"));
        Jws.verify(signature, body, keys::get);
        byte[] longer = (vector.get("body_utf8").asText() + " ").getBytes(StandardCharsets.UTF_8);
        assertSignatureError("does not match", () -> Jws.verify(signature, longer, keys::get));
        assertSignatureError("no key has the kid \"fiu-1-dev-1\"", () -> Jws.verify(signature, body, kid -> null));
    }

    private static Map<String, RSAPublicKey> readKeys(JsonNode vector) {
        return Jws.readKeys(new ObjectMapper().valueToTree(Map.of("keys", List.of(vector.get("jwk")))));
    }

    private static void assertSignatureError(String reason, Runnable verification) {
        String problem = assertThrows(SignatureError.class, verification::run).getMessage();
        assertTrue(problem.contains(reason), problem);
    }

    @Test
    void theKeyOfTheRecipeSigns() throws IOException, GeneralSecurityException {
        JsonNode vector = readVector("detached-fiu-1");
        RSAPublicKey publicKey = readKeys(vector).get("fiu-1-dev-1");
        Path pem = FILE.resolveSibling("../..").resolve(vector.get("key_file").asText());
        SigningKey key = new SigningKey("fiu-1-dev-1", readPrivateKey(pem), publicKey);
        assertEquals(vector.get("x_jws_signature").asText(), key.sign(utf8(vector.get("body_utf8"))));
        assertEquals(vector.get("jwk"), new ObjectMapper().valueToTree(key.publicJwk()));
    }

    private static PrivateKey readPrivateKey(Path pem) throws IOException, GeneralSecurityException {
        String base64 = Files.readString(pem).split("-----")[2].replaceAll("\\s", "");
        PKCS8EncodedKeySpec encoded = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64));
        return KeyFactory.getInstance("RSA").generatePrivate(encoded);
    }

    /** A signature over the bytes, and one over base64url of them, which some AAs make. */
    @ParameterizedTest
    @CsvSource({"detached-rs256-1", "detached-rs256-encoded-input"})
    void bothFormsOfASignatureAreValid(String id) throws IOException {
        JsonNode vector = readVector(id);
        Map<String, RSAPublicKey> keys = readKeys(readVector("detached-rs256-1"));
        String signature = vector.get("x_jws_signature").asText();
        Jws.verify(signature, utf8(vector.get("body_utf8")), keys::get);
        assertSignatureError("does not match", () -> Jws.verify(signature, new byte[] {'{', '}'}, keys::get));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "''|missing",
        "a.b|detached",
        "a.b.c|detached",
        "a..b.c|detached",
        "!..c|base64url",
        "bm8..c|base64url",
        "{}|not RS256",
        "[]|not RS256",
        "null|not RS256",
        "{\"alg\":\"none\"}|not RS256",
        "{\"alg\":\"HS256\",\"kid\":\"k\"}|not RS256",
        "{\"alg\":\"RS256\",\"kid\":\"k\",\"crit\":[\"exp\"]}|critical",
        "{\"alg\":\"RS256\",\"kid\":\"k\",\"crit\":null}|critical",
        "{\"alg\":\"RS256\",\"kid\":\"k\",\"crit\":5}|critical",
        "{\"alg\":\"RS256\",\"kid\":\"k\",\"crit\":[]}|critical",
        "{\"alg\":\"RS256\",\"kid\":\"k\",\"crit\":[[\"b64\"]]}|critical",
        "{\"alg\":\"RS256\",\"kid\":[\"k\"]}|no key has the kid",
        "{\"alg\":\"RS256\"}|no key has the kid",
        "{\"alg\":\"RS256\",\"kid\":\"own\"}|does not match",
    })
    void whatIsNoSignatureIsRefused(String jws, String reason) {
        Map<String, RSAPublicKey> keys = Map.of("own", SigningKey.generate("own").publicKey());
        // A header stands for a signature of one byte with it.
        boolean isHeader = jws.matches("[{\\[n].*");
        String sent = isHeader ? Jws.encode(jws.getBytes(StandardCharsets.UTF_8)) + "..cw" : jws;
        assertSignatureError(reason, () -> Jws.verify(sent, new byte[0], keys::get));
    }

    @Test
    void whatAKeySignsItVerifies() throws IOException {
        SigningKey key = SigningKey.generate("own");
        JsonNode jwk = new ObjectMapper().valueToTree(Map.of("keys", List.of(key.publicJwk())));
        Map<String, RSAPublicKey> keys = Jws.readKeys(jwk);
        byte[] body = "{\"a\":1}".getBytes(StandardCharsets.UTF_8);
        String signed = key.sign(body);
        Jws.verify(signed, body, keys::get);
        String cut = signed.substring(0, signed.length() - 4) + "!!\n ";
        assertSignatureError("base64url", () -> Jws.verify(cut, body, keys::get));
        // With b64=false the signature is over the text itself, so that it is no compact JWS of the same text.
        String compact = signed.replace("..", "." + Jws.encode(body) + ".");
        assertSignatureError("b64", () -> Jws.openCompact(compact, keys::get));
        assertSignatureError("compact", () -> Jws.openCompact("a.b", keys::get));
        assertSignatureError("no JSON", () -> Jws.openCompact("e30.bm8.c", keys::get));
        assertArrayEquals(new byte[] {0, -1}, Base64.getUrlDecoder().decode(Jws.encode(new byte[] {0, -1})));
    }
}
