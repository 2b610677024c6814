//! Identifiers that the sandbox generates. Each kind of UUID has its own type, so that a consent
//! handle cannot be used as a consent id.

use std::fmt;

use uuid::Uuid;

use crate::domain::text::quote_value;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(unreachable_pub, dead_code, reason = "not every use needs all of it outside")]
        pub struct $name(Uuid);

        #[allow(unreachable_pub, dead_code, reason = "not every use needs all of it outside")]
        impl $name {
            /// Creates a version 4 UUID from 16 random bytes; the version and variant bits are set.
            pub fn from_random(bytes: [u8; 16]) -> Self {
                Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }

            /// Returns the 16 bytes of the UUID.
            pub fn bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// Parses 36 characters with four hyphens, in either case; `None` for any other text.
            pub fn parse(text: &str) -> Option<Self> {
                (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten().map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| {
                    serde::de::Error::custom(format_args!("{} is no id", quote_value(&text)))
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

uuid_id! {
    /// Identifies a consent request for its whole lifecycle; the response to the request carries it
    /// (ReBIT AA API 2.0.0, `ConsentHandle`).
    ConsentHandle
}
uuid_id! {
    /// Identifies a consent artefact; exists from approval on (ReBIT AA API 2.0.0, `consentId`).
    ConsentId
}
uuid_id! {
    /// Identifies a data session (ReBIT AA API 2.0.0, `sessionId`).
    SessionId
}
uuid_id! {
    /// Identifies a consent template (Unaport FIU API v2.0.0, `productId`).
    ProductId
}
uuid_id! {
    /// Identifies a link request (ReBIT FIP API 2.0.0, `RefNumber`).
    LinkId
}
uuid_id! {
    /// Correlates a message of the sandbox with its acknowledgement (ReBIT `txnid`). With the
    /// prefix `msg_` it is the idempotency key of a webhook (Standard Webhooks 1.0, `webhook-id`).
    MessageId
}

/// Returns whether a text is a UUID of 36 characters with four hyphens.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// Returns an id derived from names, a UUID of version 5 (RFC 9562 §5.5).
pub(crate) fn derive_id(names: &[&str]) -> String {
    Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("urn:mockaa:{}", names.join(":")).as_bytes(),
    )
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::ConsentHandle;

    #[test]
    fn an_id_reads_back_as_it_prints() {
        let handle = ConsentHandle::from_random([7; 16]);
        assert_eq!(ConsentHandle::parse(&handle.to_string()), Some(handle));
    }

    #[test]
    fn only_the_hyphenated_spelling_is_an_id() {
        for text in [
            "",
            "07070707070747078707070707070707",
            "{07070707-0707-4707-8707-070707070707}",
            "x",
        ] {
            assert_eq!(ConsentHandle::parse(text), None, "{text}");
        }
    }
}
