//! The check of an answer against its schema in the OpenAPI document, for the keywords that the
//! schemas of answers use.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::components::build_schemas;
use crate::domain::ids::SessionId;
use crate::wire::fields::parse_timestamp;

/// Returns whether a body meets the hand-written schema of this name. Fields that the schema does
/// not have are allowed.
pub(crate) fn matches_component(component: &str, body: &Value) -> bool {
    static SCHEMAS: OnceLock<Map<String, Value>> = OnceLock::new();
    let schemas = SCHEMAS.get_or_init(build_schemas);
    schemas
        .get(component)
        .is_some_and(|schema| matches_schema(schema, body, schemas))
}

fn matches_schema(schema: &Value, value: &Value, schemas: &Map<String, Value>) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return schemas
            .get(name)
            .is_some_and(|schema| matches_schema(schema, value, schemas));
    }
    let has_type = match &schema["type"] {
        Value::String(name) => is_of_type(name, value),
        _ => true,
    };
    let is_listed = schema["enum"]
        .as_array()
        .is_none_or(|values| values.contains(value));
    let has_format = match (schema["format"].as_str(), value.as_str()) {
        (Some("uuid"), Some(text)) => SessionId::parse(text).is_some(),
        (Some("date-time"), Some(text)) => parse_timestamp(text).is_some(),
        _ => true,
    };
    let has_fields = schema["required"].as_array().is_none_or(|names| {
        names
            .iter()
            .filter_map(Value::as_str)
            .all(|name| value.get(name).is_some())
    });
    let has_valid_fields = schema["properties"].as_object().is_none_or(|fields| {
        fields.iter().all(|(name, schema)| {
            value
                .get(name)
                .is_none_or(|field| matches_schema(schema, field, schemas))
        })
    });
    let has_valid_items = match (schema.get("items"), value.as_array()) {
        (Some(schema), Some(items)) => items
            .iter()
            .all(|item| matches_schema(schema, item, schemas)),
        _ => true,
    };
    has_type && is_listed && has_format && has_fields && has_valid_fields && has_valid_items
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::matches_component;

    #[test]
    fn an_answer_that_lacks_a_field_or_has_a_wrong_value_breaks_its_schema() {
        let answer = json!({
            "ver": "2.0.0", "timestamp": "2020-07-04T06:00:00.000Z", "txnid": "0b811819-9044-4856-b0ee-8c88035f8858",
            "ConsentHandle": "0b811819-9044-4856-b0ee-8c88035f8858", "ConsentStatus": { "status": "PENDING" },
            "later": 1,
        });
        assert!(matches_component("ConsentHandleResponse", &answer));
        for (pointer, value) in [
            ("/ConsentStatus", json!({})),
            ("/ConsentStatus", json!("PENDING")),
            ("/ConsentStatus/status", json!("DONE")),
            ("/ConsentHandle", json!("none")),
            ("/timestamp", json!("yesterday")),
            ("/ver", json!("2.0.00")),
        ] {
            let mut broken = answer.clone();
            *broken.pointer_mut(pointer).expect("the field") = value;
            assert!(
                !matches_component("ConsentHandleResponse", &broken),
                "{broken}"
            );
        }
        assert!(!matches_component("ConsentHandleResponse", &Value::Null));
        assert!(!matches_component("NoSuchComponent", &answer));
    }
}
