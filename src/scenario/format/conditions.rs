//! Conditions of an expectation on the content of a message: on its body by JSON Pointer, on its
//! headers by name.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::message_filter::{JsonPointer, MessageFilter, Pattern, ValueMatcher};
use crate::files::yaml::scalars::{HEADER_NAME_FORMAT, POINTER_FORMAT, REGEX_FORMAT};

/// Conditions on the JSON body of a message, by JSON Pointer.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct BodyConditions(Map<String, Value>);

/// Conditions on the headers of a message, by name.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct HeaderConditions(Map<String, Value>);

/// Returns the schema of conditions whose names have this format.
fn conditions_schema(format: &str, description: &str) -> Schema {
    json_schema!({
        "type": "object",
        "description": description,
        "minProperties": 1,
        "propertyNames": { "format": format },
        "additionalProperties": { "anyOf": [
            { "type": "string" },
            { "type": "number" },
            { "type": "boolean" },
            { "type": "array" },
            {
                "type": "object",
                "properties": {
                    "equals": { "description": "The value is this one, of any type." },
                    "matches": {
                        "type": "string",
                        "format": REGEX_FORMAT,
                        "maxLength": 200,
                        "description": "A regular expression matches a part of the text.",
                    },
                    "exists": {
                        "type": "boolean",
                        "description": "The value is present, or absent.",
                    },
                },
                "additionalProperties": false,
                "oneOf": [
                    { "required": ["equals"] },
                    { "required": ["matches"] },
                    { "required": ["exists"] },
                ],
            },
        ] },
    })
}

macro_rules! impl_conditions_schema {
    ($name:ident, $format:expr, $description:literal) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                conditions_schema($format, $description)
            }
        }
    };
}

impl_conditions_schema!(
    BodyConditions,
    POINTER_FORMAT,
    "Conditions on values of the JSON body, by JSON Pointer."
);
impl_conditions_schema!(
    HeaderConditions,
    HEADER_NAME_FORMAT,
    "Conditions on headers, by name."
);

/// Converts conditions that the schema has accepted.
///
/// # Errors
/// A problem that the schema does not know.
pub(super) fn convert_conditions(
    body: Option<&BodyConditions>,
    headers: Option<&HeaderConditions>,
) -> Result<MessageFilter, String> {
    let mut filter = MessageFilter::default();
    for (pointer, value) in body.iter().flat_map(|conditions| &conditions.0) {
        let parsed =
            JsonPointer::parse(pointer).map_err(|problem| format!("{pointer}: {problem}"))?;
        filter.body.push((parsed, convert_matcher(value)?));
    }
    for (name, value) in headers.iter().flat_map(|conditions| &conditions.0) {
        let name = name.to_ascii_lowercase().into();
        filter.headers.push((name, convert_matcher(value)?));
    }
    Ok(filter)
}

fn convert_matcher(value: &Value) -> Result<ValueMatcher, String> {
    let Value::Object(fields) = value else {
        return Ok(ValueMatcher::Equals(value.clone()));
    };
    if let Some(Value::String(pattern)) = fields.get("matches") {
        let pattern = Pattern::parse(pattern)?;
        return Ok(ValueMatcher::Matches(pattern));
    }
    if let Some(Value::Bool(is_present)) = fields.get("exists") {
        return Ok(ValueMatcher::Exists(*is_present));
    }
    let expected = fields.get("equals").cloned().unwrap_or(json!(null));
    Ok(ValueMatcher::Equals(expected))
}
