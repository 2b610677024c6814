//! Schemas of parameters, and the parts of which the schemas of bodies are built.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::domain::account::FiType;
use crate::domain::consent::{Input, Status};
use crate::domain::delivery::DeliveryState;
use crate::domain::error_code::ErrorCode;
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::session::SessionStatus;
use crate::domain::visit_action::VisitAction;
use crate::files::statement::StatementCheck;
use crate::http::control::PAGE_MAX;
use crate::http::control::uploads::ANY_LAYOUT;
use crate::scenario::format::FileKind;
use crate::statement_files::StatementFormat;
use crate::ui::console::inspector::InspectorPart;
use crate::ui::messages::Language;
use crate::wire::control::journal::list_kinds;
use crate::wire::control::schema_types::DURATION_PATTERN;
use crate::wire::fi::csv::CsvAmounts;
use crate::wire::fields::TEXT_BYTES_MAX;
use crate::wire::registry::EntityType;

/// Returns the schema of a Rust type.
pub(crate) fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

pub(crate) fn reference(component: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{component}") })
}

/// Returns the schema of a text in our own answers.
pub(crate) fn any_text() -> Value {
    json!({ "type": "string" })
}

/// Returns the schema of a text that a caller must give: not blank, and not longer than any text
/// may be.
pub(crate) fn text() -> Value {
    json!({ "type": "string", "pattern": "\\S", "maxLength": TEXT_BYTES_MAX })
}

pub(crate) fn text_list() -> Value {
    json!({ "type": "array", "items": text() })
}

pub(crate) fn fi_type_list() -> Value {
    json!({ "type": "array", "items": one_of(FiType::ALL.iter().map(|kind| kind.as_str())) })
}

/// Returns the schema of a UUID: 36 characters with four hyphens; the version is not checked.
pub(crate) fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

pub(crate) fn timestamp() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub(crate) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(crate) fn inspector_part() -> Value {
    one_of(InspectorPart::ALL.map(InspectorPart::as_str))
}

pub(crate) fn clock_change() -> Value {
    one_of(["freeze", "run", "set", "advance", "advance-until-idle"])
}

pub(crate) fn timeline_order() -> Value {
    one_of(["cause", "time"])
}

pub(crate) fn page_part() -> Value {
    one_of(["timeline"])
}

/// Returns the schema of a number of entries of one page.
pub(crate) fn flag() -> Value {
    json!({ "type": "boolean", "default": false })
}

pub(crate) fn entry_count() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": PAGE_MAX })
}

pub(crate) fn analytic_id() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
}

pub(crate) fn page_limit() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_MAX })
}

/// Returns the schema of a duration as `domain::duration` reads it.
pub(crate) fn duration() -> Value {
    json!({ "type": "string", "pattern": DURATION_PATTERN })
}

pub(crate) fn redirection_date() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{15}$" })
}

pub(crate) fn world_name() -> Value {
    json!({ "type": "string", "pattern": "^(?!\\.+$)[A-Za-z0-9._-]{1,64}$" })
}

pub(crate) fn customer_address() -> Value {
    json!({ "type": "string", "pattern": "^[^@\\s]+@[^@\\s]+$", "maxLength": TEXT_BYTES_MAX })
}

/// Returns the schema of a text with one of these values.
pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    let names: Vec<_> = names.into_iter().collect();
    json!({ "type": "string", "enum": names })
}

pub(crate) fn file_format() -> Value {
    one_of(["xlsx", "pdf"])
}

pub(crate) fn boolean_text() -> Value {
    one_of(["true", "false"])
}

pub(crate) fn own_action() -> Value {
    one_of([Input::Pause, Input::Resume, Input::Revoke].map(Input::as_str))
}

pub(crate) fn language() -> Value {
    one_of(Language::ALL.iter().map(|language| language.as_str()))
}

pub(crate) fn visit_action() -> Value {
    one_of(VisitAction::ALL.iter().map(|action| action.as_str()))
}

pub(crate) fn consent_action() -> Value {
    one_of(Input::ALL.iter().map(|input| input.as_str()))
}

pub(crate) fn statement_format() -> Value {
    one_of(StatementFormat::ALL.iter().map(|format| format.as_str()))
}

pub(crate) fn statement_check() -> Value {
    one_of(StatementCheck::ALL.iter().map(|check| check.as_str()))
}

pub(crate) fn export_layout() -> Value {
    let layouts = NarrationLayout::ALL.iter().map(|layout| layout.as_str());
    one_of(std::iter::once(ANY_LAYOUT).chain(layouts))
}

pub(crate) fn csv_amounts() -> Value {
    one_of(CsvAmounts::ALL.iter().map(|amounts| amounts.as_str()))
}

pub(crate) fn file_kind() -> Value {
    one_of(FileKind::ALL.iter().map(|kind| kind.as_str()))
}

pub(crate) fn consent_state() -> Value {
    one_of(Status::ALL.iter().map(|status| status.as_str()))
}

pub(crate) fn session_status() -> Value {
    one_of(SessionStatus::ALL.iter().map(|status| status.as_str()))
}

pub(crate) fn delivery_state() -> Value {
    one_of(DeliveryState::ALL.iter().map(|state| state.as_str()))
}

pub(crate) fn notification_kind() -> Value {
    one_of(NotificationKind::ALL.iter().map(|kind| kind.as_str()))
}

pub(crate) fn entity_type() -> Value {
    one_of(EntityType::ALL.iter().map(|kind| kind.as_str()))
}

pub(crate) fn operation() -> Value {
    one_of(Operation::ALL.iter().map(|operation| operation.as_str()))
}

pub(crate) fn entry_kind() -> Value {
    one_of(list_kinds())
}

pub(crate) fn error_code() -> Value {
    one_of(ErrorCode::ALL.iter().map(|code| code.as_str()))
}

/// Returns the schema of an outcome of Sahamati's simulator.
pub(crate) fn simulated_outcome() -> Value {
    let names = ErrorCode::SIMULATED_CODES.map(|(name, _)| name);
    one_of(["Ok", "TimeOut"].into_iter().chain(names))
}

pub(crate) fn integer_from(minimum: u32) -> Value {
    json!({ "type": "integer", "minimum": minimum })
}

/// Returns the schema of a list that is not empty.
pub(crate) fn list_of(items: &Value) -> Value {
    json!({ "type": "array", "minItems": 1, "items": items })
}

/// Returns the schema of a list that may be empty.
pub(crate) fn any_list_of(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// Returns the schema of a value that may be `null`.
pub(crate) fn nullable(mut schema: Value) -> Value {
    let kind = schema["type"].as_str().map(str::to_owned);
    match kind {
        Some(kind) if schema.get("enum").is_none() => {
            schema["type"] = json!([kind, "null"]);
            schema
        }
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

/// Returns the schema of an object. A field whose name ends with a question mark is optional.
pub(crate) fn object(fields: &[(&str, Value)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in fields {
        let property = name.trim_end_matches('?');
        if property == *name {
            required.push(property);
        }
        properties.insert(property.to_owned(), schema.clone());
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}
