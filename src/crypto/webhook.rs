//! The symmetric signature of Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`.

use aws_lc_rs::hmac;

use crate::crypto::base64;

/// Returns the `webhook-signature` header, `v1,<base64>`.
///
/// `secret` is `whsec_` followed by base64, which the configuration has checked.
pub(crate) fn sign_payload(secret: &str, id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&parse_secret(secret));
    context.update(format!("{id}.{timestamp_s}.").as_bytes());
    context.update(body);
    format!("v1,{}", base64::encode(context.sign().as_ref()))
}

/// Returns whether one of the signatures in a `webhook-signature` header, which are separated by
/// spaces, is valid. Compares in constant time.
pub(crate) fn is_valid_payload(
    secret: &str,
    id: &str,
    timestamp_s: i64,
    body: &[u8],
    signatures: &str,
) -> bool {
    let key = parse_secret(secret);
    let message = [format!("{id}.{timestamp_s}.").as_bytes(), body].concat();
    signatures
        .split(' ')
        .filter_map(|signature| base64::decode(signature.strip_prefix("v1,")?))
        .any(|tag| hmac::verify(&key, &message, &tag).is_ok())
}

fn parse_secret(secret: &str) -> hmac::Key {
    let key = secret
        .strip_prefix("whsec_")
        .and_then(base64::decode)
        .expect("the configuration checks secrets");
    hmac::Key::new(hmac::HMAC_SHA256, &key)
}

#[cfg(test)]
mod tests {
    use super::{is_valid_payload, sign_payload};

    #[test]
    fn the_published_example_signs_as_published() {
        // Test vector of the reference libraries of Standard Webhooks.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signature = sign_payload(
            secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn one_valid_signature_of_several_is_enough() {
        let (old, new) = (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
        );
        let [by_old, by_new] = [old, new].map(|secret| sign_payload(secret, "id", 1, b"{}"));
        let is_valid =
            |secret: &str, signatures: &str| is_valid_payload(secret, "id", 1, b"{}", signatures);
        for signatures in [format!("{by_new} {by_old}"), format!("{by_old} {by_new}")] {
            assert!(is_valid(old, &signatures) && is_valid(new, &signatures));
        }
        assert!(!is_valid(old, &by_new));
        for signatures in ["", "v1,", "v1", "v2,g0hM", &by_old.replace("v1,", "v1a,")] {
            assert!(!is_valid(old, signatures), "{signatures}");
        }
    }
}
