package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.RSAPublicKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Verification of JSON Web Signatures (JWS, RFC 7515) with RSA and SHA-256. {@code docs/crypto.md} of mockaa explains
 * each step with numbers.
 */
final class Jws {
    private Jws() {}

    /** Encodes base64url without padding (RFC 7515, section 2). */
    static String encode(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static byte[] decode(String text) {
        return Base64.getUrlDecoder().decode(text);
    }

    /** Returns the RSA keys of a JWK set (RFC 7517) by their {@code kid}. */
    static Map<String, RSAPublicKey> readKeys(JsonNode keySet) {
        Map<String, RSAPublicKey> keys = new HashMap<>();
        for (JsonNode jwk : keySet.path("keys")) {
            if (jwk.path("kty").asText().equals("RSA") && jwk.has("kid")) {
                keys.put(jwk.get("kid").asText(), readKey(jwk));
            }
        }
        return keys;
    }

    private static RSAPublicKey readKey(JsonNode jwk) {
        BigInteger modulus = new BigInteger(1, decode(jwk.path("n").asText()));
        BigInteger exponent = new BigInteger(1, decode(jwk.path("e").asText()));
        try {
            RSAPublicKeySpec numbers = new RSAPublicKeySpec(modulus, exponent);
            return (RSAPublicKey) KeyFactory.getInstance("RSA").generatePublic(numbers);
        } catch (GeneralSecurityException error) {
            throw new IllegalArgumentException("no RSA key: " + jwk, error);
        }
    }

    /**
     * Verifies a detached JWS, which is empty if it is missing, over the received bytes. {@code findKey} returns the
     * key that has a {@code kid}, or {@code null}. Throws a {@link SignatureError}.
     */
    static void verify(String jws, byte[] message, Function<String, RSAPublicKey> findKey) {
        if (jws.isEmpty()) {
            throw new SignatureError("the header x-jws-signature is missing");
        }
        String[] parts = jws.split("\\.", -1);
        if (parts.length != 3 || !parts[1].isEmpty()) {
            throw new SignatureError("x-jws-signature is not a detached JWS, which has the form header..signature");
        }
        JsonNode header;
        byte[] signature;
        try {
            header = Json.read(decode(parts[0]));
            signature = decode(parts[2]);
        } catch (IllegalArgumentException error) {
            throw new SignatureError("x-jws-signature is not base64url of JSON and a signature: " + error.getMessage());
        }
        // The sender does not choose the algorithm (RFC 8725, section 3.1).
        if (!header.path("alg").asText().equals("RS256")) {
            throw new SignatureError("the algorithm is not RS256: " + header);
        }
        if (header.has("crit") && !header.get("crit").toString().equals("[\"b64\"]")) {
            throw new SignatureError("unknown critical fields: " + header.get("crit"));
        }
        JsonNode kid = header.path("kid");
        RSAPublicKey key = kid.isTextual() ? findKey.apply(kid.textValue()) : null;
        if (key == null) {
            throw new SignatureError("no key has the kid " + kid);
        }
        boolean isPlain = BooleanNode.FALSE.equals(header.get("b64"));
        byte[] payload = isPlain ? message : encode(message).getBytes(StandardCharsets.US_ASCII);
        if (!matches(key, parts[0] + ".", payload, signature)) {
            throw new SignatureError("the signature does not match the body and the key");
        }
    }

    private static boolean matches(RSAPublicKey key, String start, byte[] payload, byte[] signature) {
        try {
            Signature verifier = Signature.getInstance("SHA256withRSA");
            verifier.initVerify(key);
            verifier.update(start.getBytes(StandardCharsets.UTF_8));
            verifier.update(payload);
            return verifier.verify(signature);
        } catch (GeneralSecurityException error) {
            // A signature of another length, for example.
            return false;
        }
    }

    /** Verifies a compact JWS, such as {@code signedConsent}, as {@link #verify} does; returns its content. */
    static JsonNode openCompact(String jws, Function<String, RSAPublicKey> findKey) {
        String[] parts = jws.split("\\.", -1);
        if (parts.length != 3) {
            throw new SignatureError("it is no compact JWS, which has the form header.payload.signature");
        }
        byte[] payload;
        JsonNode content;
        try {
            payload = decode(parts[1]);
            content = Json.read(payload);
            // What was signed without base64url is no signature over this text.
            if (Json.read(decode(parts[0])).has("b64")) {
                throw new SignatureError("a compact JWS has its payload in base64url; its header says b64");
            }
        } catch (IllegalArgumentException error) {
            throw new SignatureError("it is not base64url of JSON: " + error.getMessage());
        }
        verify(parts[0] + ".." + parts[2], payload, findKey);
        return content;
    }
}
