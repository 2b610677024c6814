package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.ProviderException;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.NamedParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A key pair on X25519 and a nonce, for one data session. They are never used again. {@code docs/crypto.md} of mockaa
 * explains each step with numbers.
 */
public final class SessionKey {
    private static final int NONCE_BYTES = 32;

    private final KeyPair pair;
    private final byte[] nonce = new byte[NONCE_BYTES];

    /** Generates a key pair and a nonce. */
    public SessionKey() {
        this(new SecureRandom());
    }

    /** Takes the 32 bytes of the private key and then those of the nonce from {@code random}. */
    SessionKey(SecureRandom random) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("X25519");
            generator.initialize(NamedParameterSpec.X25519, random);
            pair = generator.generateKeyPair();
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException("this Java has no X25519", error);
        }
        random.nextBytes(nonce);
    }

    /** Returns {@code KeyMaterial} of ReBIT. {@code expiry} is a timestamp. */
    public Map<String, Object> keyMaterial(String expiry) {
        Base64.Encoder encoder = Base64.getEncoder();
        String key = encoder.encodeToString(pair.getPublic().getEncoded());
        return Map.of(
                "cryptoAlg", "ECDH",
                "curve", "Curve25519",
                "params", "",
                "DHPublicKey", Map.of("expiry", expiry, "Parameters", "", "KeyValue", key),
                "Nonce", encoder.encodeToString(nonce));
    }

    /**
     * Decrypts {@code encryptedFI} with the {@code KeyMaterial} that came beside it. Throws an
     * {@link IllegalArgumentException} that says which of them is wrong.
     */
    public String decrypt(JsonNode material, String encrypted) {
        try {
            byte[] plain = initialize(Cipher.DECRYPT_MODE, material).doFinal(decode(encrypted));
            return new String(plain, StandardCharsets.UTF_8);
        } catch (AEADBadTagException | ProviderException error) {
            throw new IllegalArgumentException(
                    "the data does not decrypt: a key or a nonce is not the one of this session", error);
        } catch (GeneralSecurityException error) {
            throw new IllegalArgumentException("the key of the other side cannot be used: " + error, error);
        }
    }

    /** Returns a cipher for data between this key and that of the other side. */
    Cipher initialize(int mode, JsonNode material) throws GeneralSecurityException {
        PublicKey theirKey = readKey(material.path("DHPublicKey").path("KeyValue").asText());
        byte[] mixed = decode(material.path("Nonce").asText());
        if (mixed.length != NONCE_BYTES) {
            throw new IllegalArgumentException("the nonce has " + mixed.length + " bytes, not " + NONCE_BYTES);
        }
        for (int at = 0; at < NONCE_BYTES; at++) {
            mixed[at] ^= nonce[at];
        }
        KeyAgreement agreement = KeyAgreement.getInstance("X25519");
        agreement.init(pair.getPrivate());
        agreement.doPhase(theirKey, true);
        byte[] salt = Arrays.copyOf(mixed, 20);
        byte[] key = deriveKey(agreement.generateSecret(), salt);
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, mixed, 20, 12));
        return cipher;
    }

    /** Derives 32 bytes by HKDF with SHA-256 and empty info (RFC 5869), which is one block of its output. */
    private static byte[] deriveKey(byte[] secret, byte[] salt) throws GeneralSecurityException {
        byte[] extracted = computeHmac(salt, secret);
        return computeHmac(extracted, new byte[] {1});
    }

    private static byte[] computeHmac(byte[] key, byte[] message) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(message);
    }

    private static PublicKey readKey(String text) throws GeneralSecurityException {
        String[] parts = text.split("-----", -1);
        // PEM has its base64 between two labels; without labels all of it is base64.
        byte[] encoded = decode(parts[parts.length > 2 ? 2 : 0]);
        try {
            return KeyFactory.getInstance("X25519").generatePublic(new X509EncodedKeySpec(encoded));
        } catch (InvalidKeySpecException error) {
            throw new IllegalArgumentException(
                    "the other side's key is not on X25519; both sides use the same form of Curve25519", error);
        }
    }

    private static byte[] decode(String base64) {
        return Base64.getDecoder().decode(base64.replaceAll("\\s", ""));
    }
}
