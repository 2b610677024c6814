//! The fields of the answers, read from the schemas and examples of the document, for lint.

use std::sync::OnceLock;

use serde_json::Value;

use super::{EXAMPLES, build_document};
use crate::domain::answer_fields::{AnswerFields, FieldSet, Outcome};
use crate::http::routes::{Route, Section, all_routes};

/// Largest depth of a field; a schema that contains itself ends there.
const DEPTH_MAX: usize = 12;

/// Returns the fields of the answers to all calls that concern consents, errors included.
pub(crate) fn list_answer_fields() -> &'static AnswerFields {
    static FIELDS: OnceLock<AnswerFields> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let document = build_document("");
        let examples: Value = serde_json::from_str(EXAMPLES).expect("the examples are JSON");
        let mut fields = AnswerFields::default();
        for route in all_routes() {
            let Some(op) = route.operation else { continue };
            let method = route.method.as_str().to_lowercase();
            let responses = &document["paths"][route.path][&method]["responses"];
            for api in list_apis(route) {
                let set = fields.entry(op, api, Outcome::Success);
                add_example_fields(set, &examples[route.id]["answer"], "");
                for (status, response) in responses.as_object().into_iter().flatten() {
                    let outcome = if status.starts_with('2') {
                        Outcome::Success
                    } else {
                        Outcome::Error
                    };
                    let schema = &response["content"]["application/json"]["schema"];
                    if !schema.is_null() {
                        let set = fields.entry(op, api, outcome);
                        add_fields(set, schema, "", &document, 0);
                    }
                }
            }
        }
        fields
    })
}

/// Returns the names of the APIs that a route belongs to.
fn list_apis(route: &Route) -> &'static [&'static str] {
    match route.section {
        Section::Seed => &["seed"],
        Section::Rebit if route.is_v1_only => &["rebit-1"],
        Section::Rebit => &["rebit-1", "rebit-2"],
        Section::Unaport => &["unaport"],
        Section::Registry
        | Section::Redirection
        | Section::Page
        | Section::Console
        | Section::Service
        | Section::Control => &[],
    }
}

/// Adds the fields of a schema below a path.
fn add_fields(set: &mut FieldSet, schema: &Value, path: &str, document: &Value, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        let target = target.expect("the document has no dangling references");
        return add_fields(set, target, path, document, depth + 1);
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        for choice in schema[keyword].as_array().into_iter().flatten() {
            add_fields(set, choice, path, document, depth + 1);
        }
    }
    if schema["items"].is_object() {
        add_fields(set, &schema["items"], path, document, depth + 1);
    }
    let properties = schema["properties"].as_object();
    for (name, property) in properties.into_iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        set.add_path(&path);
        add_fields(set, property, &path, document, depth + 1);
    }
    let is_free = schema.as_object().is_some_and(serde_json::Map::is_empty)
        || (schema["type"] == "object" && properties.is_none())
        || schema["additionalProperties"].is_object();
    if is_free {
        set.add_open_path(path);
    }
}

/// Adds the fields of an example: some schemas list only the fields that an FIU needs.
fn add_example_fields(set: &mut FieldSet, value: &Value, path: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                set.add_path(&path);
                add_example_fields(set, member, &path);
            }
        }
        Value::Array(items) => {
            for item in items {
                add_example_fields(set, item, path);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::list_answer_fields;
    use crate::domain::answer_fields::Outcome;
    use crate::domain::operation::Operation;

    #[test]
    fn fields_come_from_schemas_errors_and_examples() {
        for (op, api, path, is_known) in [
            (
                Operation::ConsentStatus,
                "rebit-2",
                "ConsentStatus.status",
                true,
            ),
            (Operation::ConsentStatus, "rebit-2", "errorCode", true),
            (Operation::ConsentStatus, "rebit-2", "status", false),
            (Operation::ConsentFetch, "rebit-1", "ConsentUse.count", true),
            (
                Operation::ConsentFetch,
                "seed",
                "ConsentDetail.anything",
                true,
            ),
            (Operation::AccountDetails, "unaport", "account_type", true),
            (
                Operation::FiFetch,
                "rebit-2",
                "FI.0.data.linkRefNumber",
                true,
            ),
            (Operation::FiFetch, "rebit-2", "FI.data.link", false),
        ] {
            let fields = list_answer_fields().fields_of(
                Some(op),
                &[api],
                &[Outcome::Success, Outcome::Error],
            );
            assert_eq!(fields.contains(path), is_known, "{op} {api} {path}");
        }
        let dated = list_answer_fields().fields_of(
            Some(Operation::ConsentFetch),
            &["rebit-1", "rebit-2"],
            &[Outcome::Success],
        );
        assert!(!dated.contains("timestamp"));
        let seed = list_answer_fields().operations(&["seed"]);
        assert_eq!(
            seed.into_iter().collect::<Vec<_>>(),
            [Operation::ConsentCreate, Operation::ConsentFetch]
        );
    }
}
