//! What the journal must not tell: keys, tokens and passwords.

use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;
use serde_json::Value;

use crate::domain::operation::Operation;

/// A longer body is cut on record.
const RECORDED_BODY_BYTES_MAX: usize = 64 * 1024;

const MASK: &str = "(masked)";

/// Headers that open something.
const SECRET_HEADERS: [&str; 5] = [
    "authorization",
    "client_api_key",
    "fip_api_key",
    "cookie",
    "aa_api_key",
];

/// Fields that open something.
const SECRET_FIELDS: [&str; 6] = [
    "password",
    "access_token",
    "refresh_token",
    "token",
    "accessToken",
    "secret",
];

/// The headers of a call, as the journal has them.
pub fn mask_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mask_value = |name: &str, value: &[u8]| {
        if SECRET_HEADERS.contains(&name) {
            MASK.to_owned()
        } else {
            String::from_utf8_lossy(value).into_owned()
        }
    };
    headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                mask_value(name.as_str(), value.as_bytes()),
            )
        })
        .collect()
}

/// A body of such a call, as the journal has it.
pub fn mask_body(op: Operation, body: Bytes) -> Bytes {
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
        // A form, or something that only its sender understands.
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
