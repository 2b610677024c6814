//! Types that stand for the schemas of texts: fields hold the text, `#[schemars(with = "…")]` names
//! the type.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// The pattern of a duration that `domain::duration` reads.
pub(crate) const DURATION_PATTERN: &str =
    "^([0-9]+(ms|s|m|h|d|w)|P(?=.)([0-9]+W)?([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+S)?)?)$";

/// Declares a type that stands for a schema.
macro_rules! schema_type {
    ($(#[$doc:meta])* $name:ident: $($schema:tt)+) => {
        $(#[$doc])*
        pub(crate) enum $name {}

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($($schema)+)
            }
        }
    };
}

schema_type! {
    /// The schema of a UUID.
    UuidText: { "type": "string", "format": "uuid" }
}

schema_type! {
    /// The schema of a date-time with a zone.
    TimestampText: { "type": "string", "format": "date-time" }
}

schema_type! {
    /// The schema of a text that is not blank.
    FilledText: { "type": "string", "pattern": "\\S" }
}

schema_type! {
    /// The schema of a customer's address.
    AddressText: { "type": "string", "pattern": "^[^@\\s]+@[^@\\s]+$" }
}

schema_type! {
    /// The schema of a positive amount in rupees.
    AmountText: { "type": ["number", "string"], "pattern": "^[0-9]{1,13}([.][0-9]{1,2})?$", "exclusiveMinimum": 0 }
}

schema_type! {
    /// The schema of the URL of a web server; empty for none.
    UrlText: { "type": "string", "pattern": "^(https?://\\S+)?$" }
}

schema_type! {
    /// The schema of a secret of Standard Webhooks: base64 of 24 to 64 bytes.
    SecretText: { "type": "string", "pattern": "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$" }
}

schema_type! {
    /// The schema of a duration, such as 5m or P30D.
    DurationText: { "type": "string", "pattern": DURATION_PATTERN }
}

schema_type! {
    /// The schema of a wait for an FIU.
    SettleText: {
        "type": "string",
        "anyOf": [{ "enum": ["auto"] }, { "pattern": DURATION_PATTERN }]
    }
}

schema_type! {
    /// The schema of the only word for an end without a time.
    IdleText: { "type": "string", "enum": ["idle"] }
}
