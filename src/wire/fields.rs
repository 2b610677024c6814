//! Owns the reading of request fields, for all protocols.
//!
//! A missing, a blank and a `{}` value are the same (certification framework, general guidelines,
//! rule 2). Every error names the field, the problem of its value and the accepted values.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use chrono::DateTime;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

use crate::domain::customer_address::normalize_address;
use crate::domain::secret_names::{is_secret_path, remove_quoted_value};
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::domain::time_source::{TimeSettings, TimeSource};
use crate::wire::api_error::ApiError;

/// A timestamp in a response, in ISO 8601.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsoTimestamp(pub Timestamp);

impl Serialize for IsoTimestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.to_iso().as_str())
    }
}

/// The maximum length of serde's own message in an error.
const REASON_BYTES_MAX: usize = 200;

/// A value that is read from a JSON object only. The code that serde derives for a struct would
/// also accept an array, its fields by position.
#[derive(Debug)]
pub(crate) struct JsonObject<T>(pub T);

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

/// Deserializes an optional object, for `#[serde(deserialize_with)]`.
pub(crate) fn deserialize_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<JsonObject<T>>::deserialize(deserializer)?.map(|JsonObject(value)| value))
}

/// Deserializes an optional list of objects, for `#[serde(deserialize_with)]`.
pub(crate) fn deserialize_object_list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let list = Option::<Vec<JsonObject<T>>>::deserialize(deserializer)?;
    Ok(list.map(|list| list.into_iter().map(|JsonObject(value)| value).collect()))
}

/// Parses a body. The path to a value of the wrong type is looked up only on error, because
/// tracking it is slow.
pub fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // The reader of bytes checks the encoding of each string, and names the place of a wrong one.
    let parsed: Result<JsonObject<T>, _> = match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    };
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
                // serde quotes the value in full, which may be long.
                let full_reason = path_error.inner().to_string();
                let reason = if is_secret_path(&field) {
                    remove_quoted_value(&full_reason)
                } else {
                    &full_reason
                };
                let end = reason
                    .char_indices()
                    .map(|(at, _)| at)
                    .find(|at| *at >= REASON_BYTES_MAX);
                let reason =
                    end.map_or_else(|| reason.to_owned(), |end| format!("{}…", &reason[..end]));
                ApiError::invalid_field(field, format!("cannot be read: {reason}"))
            }
            Ok(_) => ApiError::InvalidJson(error.to_string()),
        }
    })
}

/// Returns a required value.
pub(crate) fn require_field<T>(field: &'static str, value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::invalid_field(field, "is missing"))
}

/// The maximum length of a text. No source has a number, but a world stores the texts that it
/// receives.
pub(crate) const TEXT_BYTES_MAX: usize = 4096;

/// The maximum number of entries of a list.
const LIST_ENTRIES_MAX: usize = 1_000;

/// Returns a required text, not blank and of bounded length.
pub(crate) fn require_text(field: &'static str, value: Option<String>) -> Result<String, ApiError> {
    let value = require_field(field, value)?;
    if value.trim().is_empty() {
        return Err(ApiError::invalid_field(field, "is blank"));
    }
    check_text_length(field, value)
}

/// Returns the text, or `None` if it is blank.
pub(crate) fn discard_blank(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.trim().is_empty())
}

/// Returns an optional text of bounded length, or `None` if it is blank.
pub(crate) fn parse_optional_text(
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

/// Returns whether the text is a customer's address, `name@handle`, of bounded length.
pub(crate) fn is_customer_address(text: &str) -> bool {
    text.len() <= TEXT_BYTES_MAX
        && text
            .split_once('@')
            .is_some_and(|(name, handle)| is_address_part(name) && is_address_part(handle))
}

/// Parses a date of HTTP (RFC 9110 §5.6.7).
pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(text).ok()?;
    let since_epoch = date.duration_since(UNIX_EPOCH).ok()?;
    let millis = i64::try_from(since_epoch.as_millis()).ok()?;
    Some(Timestamp::from_millis(millis))
}

/// Parses the address of a customer that an operator names, into the form in which a world keeps it.
pub(crate) fn parse_customer_address(
    field: &'static str,
    text: &str,
) -> Result<Arc<str>, ApiError> {
    let address = normalize_address(text);
    if is_customer_address(&address) {
        return Ok(address.into());
    }
    let message = format!(
        "{} is not an address of the form name@handle, such as 9876543210@mockaa",
        quote_value(text)
    );
    Err(ApiError::invalid_field(field, message))
}

fn is_address_part(part: &str) -> bool {
    !part.is_empty() && !part.contains(|c: char| c == '@' || c.is_control() || c.is_whitespace())
}

/// Checks that a list has at most 1,000 entries.
pub(crate) fn check_list_length<T>(field: &'static str, list: &[T]) -> Result<(), ApiError> {
    if list.len() > LIST_ENTRIES_MAX {
        return Err(ApiError::invalid_field(
            field,
            format!(
                "has {} entries; the limit is {LIST_ENTRIES_MAX}",
                list.len()
            ),
        ));
    }
    Ok(())
}

/// Parses a required value of an enumeration.
pub(crate) fn require_enum<T>(
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

/// Parses an instant.
pub(crate) fn parse_timestamp_field(
    field: &'static str,
    text: &str,
) -> Result<Timestamp, ApiError> {
    parse_timestamp(text).ok_or_else(|| {
        ApiError::invalid_field(
            field,
            format!(
                "{} is not a date-time such as 2024-01-31T18:30:00Z",
                quote_value(text)
            ),
        )
    })
}

/// Parses the two settings of the clocks of messages, each a field's name and its value.
pub(crate) fn parse_time_settings(
    signing_time: (&'static str, Option<String>),
    message_time: (&'static str, Option<String>),
) -> Result<TimeSettings, ApiError> {
    let parse_source = |(field, value): (&'static str, Option<String>)| match value {
        None => Ok(None),
        value => {
            require_enum(field, value, TimeSource::parse, TimeSource::accepted_names).map(Some)
        }
    };
    Ok(TimeSettings {
        signing_time: parse_source(signing_time)?,
        message_time: parse_source(message_time)?,
    })
}

/// Parses a required list of at least one value of an enumeration. Duplicates are dropped.
pub(crate) fn require_enum_list<T: PartialEq>(
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
        if !list.contains(&value) {
            list.push(value);
        }
    }
    Ok(list.into())
}

/// Returns a required whole number from 0 to 4294967295. A fraction is an error; it is never
/// truncated.
pub(crate) fn require_count(field: &'static str, value: Option<Number>) -> Result<u32, ApiError> {
    let value = require_field(field, value)?;
    let parsed = value.as_u64().and_then(|number| u32::try_from(number).ok());
    parsed.ok_or_else(|| {
        ApiError::invalid_field(
            field,
            format!("{value} is not a whole number from 0 to {}", u32::MAX),
        )
    })
}

/// Parses a required date-time.
pub(crate) fn require_timestamp(
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

/// Parses the forms of ISO 8601 that participants send: `Z`, `+0000`, `+00:00`, `+05:30`, with or
/// without a fraction (certification framework, general guidelines, rule 4).
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let at = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()?;
    let ms = at.timestamp_millis();
    (Timestamp::MIN.as_millis()..=Timestamp::MAX.as_millis())
        .contains(&ms)
        .then(|| Timestamp::from_millis(ms))
}

/// Returns whether the text has the form of a date-time: RFC 3339, section 5.6, or the same without
/// the colon of the offset (certification framework, general guidelines, rule 4).
fn has_date_time_form(bytes: &[u8]) -> bool {
    let follows = |form: &[u8], bytes: &[u8]| {
        form.len() == bytes.len()
            && form
                .iter()
                .zip(bytes)
                .all(|(expected, byte)| match expected {
                    b'0' => byte.is_ascii_digit(),
                    expected => expected.eq_ignore_ascii_case(byte),
                })
    };
    let Some((date_time, rest)) = bytes.split_at_checked(19) else {
        return false;
    };
    let fraction_length = match rest {
        [b'.', digits @ ..] => {
            1 + digits
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        }
        _ => 0,
    };
    let (fraction, offset) = rest.split_at(fraction_length);
    follows(b"0000-00-00T00:00:00", date_time)
        && fraction.len() != 1
        && match offset {
            [b'+' | b'-', digits @ ..] => follows(b"00:00", digits) || follows(b"0000", digits),
            zulu => follows(b"Z", zulu),
        }
}

/// Returns the date-times of a body that the sandbox understands although they do not have the form
/// of one, such as those with a space instead of `T`.
///
/// `Assumption:` strict mode rejects them, the other modes note them.
pub(crate) fn list_date_time_deviations(body: &[u8]) -> Vec<ApiError> {
    let mut deviations = Vec::new();
    // Bodies without such a text are not parsed again.
    if list_dated_texts(body).any(is_date_time_deviation)
        && let Ok(document) = serde_json::from_slice(body)
    {
        collect_date_time_deviations("", &document, &mut deviations);
    }
    deviations
}

/// Returns the texts of a JSON body that have no escape and begin with a year. A date is looked for by
/// its first hyphen, since a body has few.
fn list_dated_texts(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    memchr::memchr_iter(b'-', body).filter_map(|hyphen| {
        let before = &body[..hyphen];
        let digits = before.iter().rev().take_while(|it| it.is_ascii_digit());
        let start = hyphen - digits.take(5).count();
        if start == 0 || body[start - 1] != b'"' {
            return None;
        }
        let text = &body[start..];
        let end = text.iter().position(|byte| *byte == b'"')?;
        Some(&text[..end])
    })
}

fn is_date_time_deviation(text: &[u8]) -> bool {
    begins_with_year(text)
        && !has_date_time_form(text)
        && std::str::from_utf8(text).is_ok_and(|text| parse_timestamp(text).is_some())
}

/// Returns whether a text begins with at most four digits and a hyphen.
fn begins_with_year(text: &[u8]) -> bool {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=4).contains(&digits) && text.get(digits) == Some(&b'-')
}

fn collect_date_time_deviations(path: &str, value: &Value, deviations: &mut Vec<ApiError>) {
    let join = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::String(text) if is_date_time_deviation(text.as_bytes()) => {
            let message = format!(
                "{} is not a date-time of RFC 3339; write it as 2024-01-31T18:30:00.000Z",
                quote_value(text)
            );
            deviations.push(ApiError::invalid_field(path.to_owned(), message));
        }
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| collect_date_time_deviations(&join(name), value, deviations)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, value)| {
            collect_date_time_deviations(&join(&index.to_string()), value, deviations);
        }),
        _ => {}
    }
}

/// Returns a required transaction id: 36 characters with four hyphens in the positions of a UUID.
/// The version digit is not checked, because the sample of the seed documents has version 1
/// (`docs/architecture.md#apis`).
pub(crate) fn require_uuid(field: &'static str, value: Option<String>) -> Result<String, ApiError> {
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
    use super::{has_date_time_form, list_date_time_deviations, parse_timestamp};

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

    #[test]
    fn a_date_time_has_the_form_of_rfc_3339() {
        for text in [
            "2018-12-06T11:39:57Z",
            "2018-12-06t11:39:57.1z",
            "2018-12-06T11:39:57.153+05:30",
            "2018-12-06T11:39:57.153-0000",
        ] {
            assert!(has_date_time_form(text.as_bytes()), "{text}");
            assert!(parse_timestamp(text).is_some(), "{text}");
        }
        for text in [
            "2018-12-06 11:39:57Z",
            "2018-12-06T11:39:57 +0530",
            "2018-12-06T11:39:57.Z",
            "2018-12-06T11:39:57",
            "2018-12-06",
            "",
        ] {
            assert!(!has_date_time_form(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn deviations_are_named_by_their_path() {
        let body = br#"{"a":{"b":[{"at":"2018-12-06 11:39:57Z"}]},"ok":"2018-12-06T11:39:57Z","text":"2018 12"}"#;
        let deviations = list_date_time_deviations(body);
        assert_eq!(deviations.len(), 1);
        let text = deviations[0].to_string();
        assert!(
            text.starts_with("a.b.0.at '2018-12-06 11:39:57Z' is not"),
            "{text}"
        );
    }
}
