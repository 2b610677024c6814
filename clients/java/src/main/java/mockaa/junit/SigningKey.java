package mockaa.junit;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.util.Arrays;
import java.util.Map;

/** An RSA key with which an FIU signs. {@code kid} names it in the registry. */
record SigningKey(String kid, PrivateKey privateKey, RSAPublicKey publicKey) {
    /** Generates a key of 2048 bits. */
    static SigningKey generate(String kid) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(2048);
            KeyPair pair = generator.generateKeyPair();
            return new SigningKey(kid, pair.getPrivate(), (RSAPublicKey) pair.getPublic());
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException("this Java has no RSA", error);
        }
    }

    /** Returns the public key as a JWK (RFC 7517). */
    Map<String, String> publicJwk() {
        String modulus = encodeUnsigned(publicKey.getModulus());
        String exponent = encodeUnsigned(publicKey.getPublicExponent());
        return Map.of("kty", "RSA", "use", "sig", "alg", "RS256", "kid", kid, "n", modulus, "e", exponent);
    }

    private static String encodeUnsigned(BigInteger number) {
        byte[] bytes = number.toByteArray();
        // The first byte may hold the sign only.
        int start = bytes[0] == 0 ? 1 : 0;
        return Jws.encode(Arrays.copyOfRange(bytes, start, bytes.length));
    }

    /** Returns a detached JWS, {@code header..signature}, over the bytes as they are sent (RFC 7797, b64=false). */
    String sign(byte[] message) {
        String fields = "{\"alg\":\"RS256\",\"kid\":\"" + kid + "\",\"b64\":false,\"crit\":[\"b64\"]}";
        String header = Jws.encode(fields.getBytes(StandardCharsets.UTF_8));
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(privateKey);
            signature.update((header + ".").getBytes(StandardCharsets.US_ASCII));
            signature.update(message);
            return header + ".." + Jws.encode(signature.sign());
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException("the key " + kid + " cannot sign", error);
        }
    }
}
