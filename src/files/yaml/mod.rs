//! Parser for hand-written files in YAML or JSON. Unknown keys are rejected. All errors are
//! reported at once, each with its line, its column and the accepted values. The types of a file
//! belong to its own module; this one needs only their JSON Schema.
//!
//! ```text
//! text → node (tree with positions) → validate (against the schema) → types (serde)
//! ```

pub(crate) mod node;
pub(crate) mod scalars;
mod validate;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::Location;

use crate::domain::diagnostic::Diagnostic;

pub(crate) fn diagnostic_at(location: Location, message: String) -> Diagnostic {
    Diagnostic {
        line: location.line(),
        column: location.column(),
        message,
    }
}

/// The largest accepted text, in bytes. Hand-written files are far smaller.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

pub(crate) fn schema_for<T: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with_transform(RecursiveTransform(remove_null_types));
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// Removes `null` from a schema. An optional key is omitted; a key without a value is rejected.
pub(crate) fn remove_null_types(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        remove_keyword(schema, "default");
    }
    if let Some(Value::Array(names)) = schema.get_mut("enum") {
        names.retain(|name| !name.is_null());
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            remove_keyword(schema, "anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
}

/// Removes a keyword and keeps the order of the others.
fn remove_keyword(schema: &mut Schema, keyword: &str) {
    if let Some(keywords) = schema.as_object_mut() {
        keywords.shift_remove(keyword);
    }
}

/// Parses a text as a type with the given schema. `name` names the whole text in diagnostics.
///
/// # Errors
/// All diagnostics of the text.
pub(crate) fn parse_typed<T: DeserializeOwned>(
    text: &str,
    schema: &Value,
    name: &str,
) -> Result<T, Vec<Diagnostic>> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!(
            "{name} has {} bytes; the limit is {TEXT_BYTES_MAX}",
            text.len()
        );
        return Err(vec![Diagnostic {
            line: 0,
            column: 0,
            message,
        }]);
    }
    let tree = node::parse_tree(text).map_err(|diagnostic| vec![diagnostic])?;
    let diagnostics = validate::validate_tree(&tree, schema, name);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    parse_shipped(text)
}

/// Parses a text that is part of the program. Tests compare it with its schema, which would take most
/// of the time of a start.
///
/// # Errors
/// The first diagnostic of the text.
pub(crate) fn parse_shipped<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Diagnostic>> {
    serde_saphyr::from_str(text).map_err(|error| {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        vec![diagnostic_at(location, error.without_snippet().to_string())]
    })
}
