//! The symmetric signature of Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`.

use aws_lc_rs::hmac;

use crate::crypto::base64;

/// Returns the `webhook-signature` header, `v1,<base64>`.
///
/// `secret` is `whsec_` followed by base64, which the configuration has checked.
pub(crate) fn sign_payload(secret: &str, id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let key = secret
        .strip_prefix("whsec_")
        .and_then(base64::decode)
        .expect("the configuration checks secrets");
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    context.update(format!("{id}.{timestamp_s}.").as_bytes());
    context.update(body);
    format!("v1,{}", base64::encode(context.sign().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::sign_payload;

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
}
