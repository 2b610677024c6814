//! Fields of messages. Reading those of a request: missing, blank and `{}` are the same (certification framework,
//! general guidelines, rule 2), and every refusal names the field, the value's problem and what would have been
//! accepted.

use std::fmt;
use std::marker::PhantomData;

use chrono::DateTime;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

use crate::domain::time::Timestamp;
use crate::wire::api_error::ApiError;

/// An instant in an answer.
#[derive(Clone, Copy, Debug)]
pub struct IsoTimestamp(pub Timestamp);

impl Serialize for IsoTimestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.to_iso().as_str())
    }
}

/// How much of serde's own words is passed on.
const REASON_BYTES_MAX: usize = 200;

/// A value that is read from a JSON object only. What serde derives for a struct would take an array too, its fields
/// by position, and so make sense of what makes none.
#[derive(Debug)]
pub struct JsonObject<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for JsonObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields))
            }
        }

        deserializer
            .deserialize_map(ObjectVisitor(PhantomData))
            .map(Self)
    }
}

/// An object that may be missing, for `#[serde(deserialize_with)]`.
pub fn deserialize_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<JsonObject<T>>::deserialize(deserializer)?.map(|JsonObject(value)| value))
}

/// A list of objects that may be missing, for `#[serde(deserialize_with)]`.
pub fn deserialize_object_list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let list = Option::<Vec<JsonObject<T>>>::deserialize(deserializer)?;
    Ok(list.map(|list| list.into_iter().map(|JsonObject(value)| value).collect()))
}

/// Reads a body. The path to a value of the wrong type is looked up only when there is one.
pub fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let parsed: Result<JsonObject<T>, _> = serde_json::from_slice(body);
    parsed.map(|JsonObject(value)| value).map_err(|error| {
        if error.is_syntax() || error.is_eof() {
            return ApiError::InvalidJson(error.to_string());
        }
        let mut reader = serde_json::Deserializer::from_slice(body);
        match serde_path_to_error::deserialize::<_, JsonObject<T>>(&mut reader) {
            Err(path_error) => {
                let path = path_error.path().to_string();
                let field = if path == "." {
                    "the body".to_owned()
                } else {
                    path
                };
                // serde quotes the value in full; the place at the end is what helps.
                let reason = path_error.inner().to_string();
                let end = reason
                    .char_indices()
                    .map(|(at, _)| at)
                    .find(|at| *at >= REASON_BYTES_MAX);
                let reason =
                    end.map_or_else(|| reason.clone(), |end| format!("{}…", &reason[..end]));
                ApiError::invalid_field(field, format!("cannot be read: {reason}"))
            }
            Ok(_) => ApiError::InvalidJson(error.to_string()),
        }
    })
}

/// A value as an error quotes it: its beginning is enough to find it.
pub fn quote_value(value: &str) -> String {
    const CHARS_MAX: usize = 80;
    match value.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("'{}…'", &value[..end]),
        None => format!("'{value}'"),
    }
}

/// A value that must be there.
pub fn require_field<T>(field: &'static str, value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::invalid_field(field, "is missing"))
}

/// How long a text may be. No source has a number; a world keeps what it is sent, so there has to be one.
const TEXT_BYTES_MAX: usize = 4096;

/// How many entries a list may have.
const LIST_ENTRIES_MAX: usize = 1_000;

/// A text that must be there, not be blank, and be of bounded length.
pub fn require_text(field: &'static str, value: Option<String>) -> Result<String, ApiError> {
    let value = require_field(field, value)?;
    if value.trim().is_empty() {
        return Err(ApiError::invalid_field(field, "is blank"));
    }
    check_text_length(field, value)
}

/// A text that may be missing or blank.
pub fn discard_blank(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.trim().is_empty())
}

/// A text that may be missing or blank, of bounded length.
pub fn parse_optional_text(
    field: &'static str,
    value: Option<String>,
) -> Result<Option<String>, ApiError> {
    discard_blank(value)
        .map(|value| check_text_length(field, value))
        .transpose()
}

fn check_text_length(field: &'static str, value: String) -> Result<String, ApiError> {
    if value.len() > TEXT_BYTES_MAX {
        return Err(ApiError::invalid_field(
            field,
            format!("is longer than {TEXT_BYTES_MAX} bytes"),
        ));
    }
    Ok(value)
}

/// Whether it is a customer's address, `name@handle`, of bounded length.
pub fn is_customer_address(text: &str) -> bool {
    let is_valid_part = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c == '@' || c.is_control() || c.is_whitespace())
    };
    text.len() <= TEXT_BYTES_MAX
        && text
            .split_once('@')
            .is_some_and(|(name, handle)| is_valid_part(name) && is_valid_part(handle))
}

/// Refuses a list that is longer than anybody needs.
pub fn check_list_length<T>(field: &'static str, list: &[T]) -> Result<(), ApiError> {
    if list.len() > LIST_ENTRIES_MAX {
        return Err(ApiError::invalid_field(
            field,
            format!("has {} entries; {LIST_ENTRIES_MAX} are enough", list.len()),
        ));
    }
    Ok(())
}

/// A text of an enumeration.
pub fn require_enum<T>(
    field: &'static str,
    value: Option<String>,
    parse: fn(&str) -> Option<T>,
    names: fn() -> String,
) -> Result<T, ApiError> {
    let value = require_text(field, value)?;
    parse(&value).ok_or_else(|| {
        ApiError::invalid_field(
            field,
            format!("{} is not one of {}", quote_value(&value), names()),
        )
    })
}

/// A list of at least one text of an enumeration.
pub fn require_enum_list<T: PartialEq>(
    field: &'static str,
    values: Option<Vec<String>>,
    parse: fn(&str) -> Option<T>,
    names: fn() -> String,
) -> Result<Box<[T]>, ApiError> {
    let values = require_field(field, values)?;
    if values.is_empty() {
        return Err(ApiError::invalid_field(
            field,
            format!("is empty; give at least one of {}", names()),
        ));
    }
    check_list_length(field, &values)?;
    let mut list = Vec::new();
    for value in values {
        let value = require_enum(field, Some(value), parse, names)?;
        // What is said twice is said once.
        if !list.contains(&value) {
            list.push(value);
        }
    }
    Ok(list.into())
}

/// A whole number from 0 to 4294967295. A fraction is refused, never cut off.
pub fn require_count(field: &'static str, value: Option<Number>) -> Result<u32, ApiError> {
    let value = require_field(field, value)?;
    let parsed = value.as_u64().and_then(|number| u32::try_from(number).ok());
    parsed.ok_or_else(|| {
        ApiError::invalid_field(
            field,
            format!("{value} is not a whole number from 0 to {}", u32::MAX),
        )
    })
}

/// A date-time.
pub fn require_timestamp(
    field: &'static str,
    value: Option<String>,
) -> Result<Timestamp, ApiError> {
    let value = require_text(field, value)?;
    parse_timestamp(&value).ok_or_else(|| {
        ApiError::invalid_field(
            field,
            format!(
                "{} is not a date-time; write it as 2024-01-31T18:30:00.000Z",
                quote_value(&value)
            ),
        )
    })
}

/// Reads the spellings of ISO 8601 that participants send: `Z`, `+0000`, `+00:00`, `+05:30`, with or without a
/// fraction (certification framework, general guidelines, rule 4).
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let at = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()?;
    let ms = at.timestamp_millis();
    (Timestamp::MIN.as_millis()..=Timestamp::MAX.as_millis())
        .contains(&ms)
        .then(|| Timestamp::from_millis(ms))
}

/// A transaction id: 36 characters with four hyphens in their places. The version nibble is not looked at, since the
/// seed's own sample is of version 1 (DESIGN §1).
pub fn require_uuid(field: &'static str, value: Option<String>) -> Result<String, ApiError> {
    let value = require_text(field, value)?;
    let bytes = value.as_bytes();
    let is_well_formed = bytes.len() == 36
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_alphanumeric(),
        });
    if is_well_formed {
        Ok(value)
    } else {
        Err(ApiError::invalid_field(
            field,
            format!(
                "{} is not a UUID of 36 characters with hyphens",
                quote_value(&value)
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::parse_timestamp;

    #[test]
    fn all_spellings_of_one_timestamp_are_read() {
        let spellings = [
            "2018-12-06T11:39:57.153Z",
            "2018-12-06T11:39:57.153+0000",
            "2018-12-06T11:39:57.153+00:00",
            "2018-12-06T17:09:57.153+05:30",
            "2018-12-06T17:09:57.153+0530",
        ];
        for text in spellings {
            assert_eq!(
                parse_timestamp(text).map(crate::domain::time::Timestamp::as_millis),
                Some(1_544_096_397_153),
                "{text}"
            );
        }
        assert!(parse_timestamp("2018-12-06T11:39:57Z").is_some());
    }

    #[test]
    fn other_texts_are_not_timestamps() {
        for text in [
            "",
            "2018-12-06",
            "2018-13-06T11:39:57Z",
            "06/12/2018",
            "2018-12-06T11:39:57",
            "+10000-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }
}
