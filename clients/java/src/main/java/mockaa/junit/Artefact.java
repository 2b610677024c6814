package mockaa.junit;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A signed consent: what the customer has agreed to.
 *
 * @param detail {@code ConsentDetail}, from the signed bytes
 * @param signature the last part of {@code signedConsent}, which a data request repeats
 * @param status such as ACTIVE
 */
public record Artefact(String consentId, JsonNode detail, String signature, String status) {}
