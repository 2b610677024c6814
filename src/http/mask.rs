//! Masking of secrets before a call is recorded: keys, tokens and passwords never reach the
//! journal.

use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;
use serde_json::Value;

use crate::domain::operation::Operation;

/// Recorded length of a body, in bytes; the rest is cut off.
const RECORDED_BODY_BYTES_MAX: usize = 64 * 1024;

const MASK: &str = "(masked)";

/// Headers that carry a secret.
const SECRET_HEADERS: [&str; 5] = [
    "authorization",
    "client_api_key",
    "fip_api_key",
    "cookie",
    "aa_api_key",
];

/// Body fields that carry a secret.
const SECRET_FIELDS: [&str; 6] = [
    "password",
    "access_token",
    "refresh_token",
    "token",
    "accessToken",
    "secret",
];

/// Returns the headers of a call with secrets masked.
pub(crate) fn mask_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let name = name.as_str();
            let value = if SECRET_HEADERS.contains(&name) {
                MASK.to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.to_owned(), value)
        })
        .collect()
}

/// Returns a body as it is recorded: cut to 64 KiB, and for calls that carry credentials with its
/// secrets masked.
pub(crate) fn mask_body(op: Operation, body: Bytes) -> Bytes {
    let body = if body.len() > RECORDED_BODY_BYTES_MAX {
        Bytes::copy_from_slice(&body[..RECORDED_BODY_BYTES_MAX])
    } else {
        body
    };
    if !matches!(
        op,
        Operation::Login | Operation::LoginRefresh | Operation::Token
    ) || body.is_empty()
    {
        return body;
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(mut value) => {
            mask_fields(&mut value);
            Bytes::from(value.to_string())
        }
        // A form, or not parseable: nothing of it is recorded.
        Err(_) => Bytes::from_static(MASK.as_bytes()),
    }
}

fn mask_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if SECRET_FIELDS.contains(&name.as_str()) {
                    *value = MASK.into();
                } else {
                    mask_fields(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_fields),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use actix_web::web::Bytes;

    use super::mask_body;
    use crate::domain::operation::Operation;

    #[test]
    fn a_masked_body_keeps_the_order_of_its_fields() {
        let body = Bytes::from_static(br#"{"userId":"u","password":"p","client":"c"}"#);
        assert_eq!(
            mask_body(Operation::Login, body),
            r#"{"userId":"u","password":"(masked)","client":"c"}"#
        );
    }
}
