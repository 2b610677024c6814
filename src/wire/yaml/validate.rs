//! A tree held against the schema of its type: everything that is wrong, each with its place and with what would have
//! been accepted. It knows as much of JSON Schema as our own types make.

use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use super::diagnostic_at;
use super::node::{Node, SpannedNode};
use super::scalars::{
    DURATION_FORMAT, INTEGER_RANGE_FORMAT, IntegerRange, NAME_FORMAT, OCCURRENCES_FORMAT,
    OccurrenceRange, RUPEE_RANGE_FORMAT, RupeeRange, STATUS_FORMAT,
};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::expectation::StatusClass;
use crate::domain::naming::closest_name;
use crate::wire::duration::{DURATION_FORMS, parse_duration};
use crate::wire::fields::quote_value;

/// Everything that is wrong with a tree, which the faults call by this name.
pub fn validate_tree(tree: &SpannedNode, schema: &Value, name: &str) -> Vec<Diagnostic> {
    let mut validator = Validator {
        root: schema,
        diagnostics: Vec::new(),
    };
    validator.check_node(tree, schema, name);
    validator.diagnostics
}

struct Validator<'a> {
    root: &'a Value,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Validator<'a> {
    fn add_diagnostic(&mut self, location: Location, message: String) {
        self.diagnostics.push(diagnostic_at(location, message));
    }

    /// The schema that a reference leads to.
    fn resolve_ref(&self, schema: &'a Value) -> &'a Value {
        let reference = schema["$ref"]
            .as_str()
            .and_then(|reference| reference.strip_prefix('#'));
        reference.map_or(schema, |pointer| {
            self.root
                .pointer(pointer)
                .expect("our schemas refer to what they have")
        })
    }

    fn check_node(&mut self, tree: &SpannedNode, schema: &'a Value, name: &str) {
        let schema = self.resolve_ref(schema);
        if let Some(choices) = schema["anyOf"].as_array() {
            let matching = choices
                .iter()
                .find(|choice| matches_type(self.resolve_ref(choice), &tree.value));
            if let Some(choice) = matching {
                self.check_node(tree, choice, name);
            } else {
                let expected_types: Vec<_> = choices
                    .iter()
                    .map(|choice| describe_type(self.resolve_ref(choice)))
                    .collect();
                self.report_wrong_type(tree, name, &expected_types.join(" or "));
            }
            return;
        }
        if !matches_type(schema, &tree.value) {
            self.report_wrong_type(tree, name, &describe_type(schema));
            return;
        }
        match &tree.value {
            Node::Map(entries) => self.check_map(tree.referenced, entries, schema, name),
            Node::List(items) => {
                let item_name = format!("the {}", name.strip_suffix('s').unwrap_or(name));
                if schema["minItems"]
                    .as_u64()
                    .is_some_and(|least| (items.len() as u64) < least)
                {
                    self.add_diagnostic(
                        tree.referenced,
                        format!("{name} is an empty list; name one at least, or leave it out"),
                    );
                }
                for item in items {
                    self.check_node(item, &schema["items"], &item_name);
                }
            }
            Node::Text(text) => self.check_text(tree.referenced, text, schema, name),
            Node::Integer(number) => {
                #[expect(clippy::cast_precision_loss, reason = "bounds are far below 2^53")]
                let number = *number as f64;
                self.check_number(tree.referenced, number, schema, name);
            }
            Node::Float(number) => self.check_number(tree.referenced, *number, schema, name),
            Node::Bool(_) | Node::Null => {}
        }
    }

    fn report_wrong_type(&mut self, tree: &SpannedNode, name: &str, expected: &str) {
        let remedy = match &tree.value {
            Node::Integer(_) | Node::Float(_) if expected.contains("length of time") => {
                "; it needs a unit"
            }
            Node::Integer(_) | Node::Float(_) | Node::Bool(_) if expected.contains("text") => {
                "; write it in quotes"
            }
            Node::Null if expected.contains("keys") => "; write {} where there is nothing to say",
            _ => "",
        };
        self.add_diagnostic(
            tree.referenced,
            format!(
                "{name} takes {expected}, not {}{remedy}",
                tree.value.describe_kind()
            ),
        );
    }

    fn check_map(
        &mut self,
        location: Location,
        entries: &[(Spanned<String>, SpannedNode)],
        schema: &'a Value,
        name: &str,
    ) {
        let properties = schema["properties"].as_object();
        let additional = &schema["additionalProperties"];
        let mut has_unknown_keys = false;
        for (number, (key, value)) in entries.iter().enumerate() {
            if let Some((first, _)) = entries[..number]
                .iter()
                .find(|(other, _)| other.value == key.value)
            {
                let line = first.referenced.line();
                self.add_diagnostic(
                    key.referenced,
                    format!(
                        "{} stands twice; first on line {line}",
                        quote_value(&key.value)
                    ),
                );
                continue;
            }
            match properties.and_then(|properties| properties.get(&key.value)) {
                Some(schema) => self.check_node(value, schema, &key.value),
                None if additional.is_object() => self.check_node(value, additional, &key.value),
                None if additional == &Value::Bool(false) => {
                    let names: Vec<&str> = properties
                        .into_iter()
                        .flatten()
                        .map(|(name, _)| name.as_str())
                        .collect();
                    self.add_diagnostic(key.referenced, unknown_key(&key.value, &names, name));
                    has_unknown_keys = true;
                }
                None => {}
            }
        }
        let has_key = |key: &str| entries.iter().any(|(known, _)| known.value == key);
        for required in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !has_key(required) && !has_unknown_keys {
                self.add_diagnostic(location, format!("{name} lacks {required}"));
            }
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let keys: Vec<_> = choices
                .iter()
                .filter_map(|choice| choice["required"][0].as_str())
                .collect();
            let present: Vec<_> = keys.iter().copied().filter(|key| has_key(key)).collect();
            match present.len() {
                1 => {}
                // The stranger is most likely what is lacking.
                0 if has_unknown_keys => {}
                0 => self
                    .add_diagnostic(location, format!("{name} lacks one of {}", keys.join(", "))),
                _ => self.add_diagnostic(
                    location,
                    format!("{name} takes one of {}, not several", present.join(", ")),
                ),
            }
        }
        let size = entries.len() as u64;
        if schema["minProperties"]
            .as_u64()
            .is_some_and(|least| size < least)
        {
            let names: Vec<&str> = properties
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            self.add_diagnostic(
                location,
                format!("{name} says nothing; give some of {}", names.join(", ")),
            );
        }
        if schema["maxProperties"]
            .as_u64()
            .is_some_and(|most| size > most)
        {
            self.add_diagnostic(
                location,
                format!("{name} takes one of its keys, not several"),
            );
        }
    }

    fn check_text(&mut self, location: Location, text: &str, schema: &Value, name: &str) {
        if let Some(names) = schema["enum"].as_array() {
            let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
            if !names.contains(&text) {
                let suggestion = closest_name(text, names.iter().copied())
                    .map(|name| format!("; did you mean {name}?"))
                    .unwrap_or_default();
                self.add_diagnostic(
                    location,
                    format!(
                        "{} is not one of {}{suggestion}",
                        quote_value(text),
                        names.join(", ")
                    ),
                );
            }
            return;
        }
        let quoted_text = quote_value(text);
        let message = match schema["format"].as_str() {
            Some(DURATION_FORMAT) if parse_duration(text).is_none() => {
                format!("{quoted_text} is not {DURATION_FORMS}")
            }
            Some(OCCURRENCES_FORMAT) if OccurrenceRange::parse(text).is_none() => {
                format!("{quoted_text} is not a number from 1 on, or a range such as 1..2 or 2..")
            }
            Some(STATUS_FORMAT) if StatusClass::parse(text).is_none() => {
                format!("{quoted_text} is not a status such as 503 or 5xx")
            }
            Some(INTEGER_RANGE_FORMAT) if IntegerRange::parse(text).is_none() => {
                format!(
                    "{quoted_text} is not a whole number, or a range such as 1..4 with the low end first"
                )
            }
            Some(RUPEE_RANGE_FORMAT) if RupeeRange::parse(text).is_none() => {
                format!(
                    "{quoted_text} is not an amount in rupees, or a range such as 20..180.50 with the low end first"
                )
            }
            Some(NAME_FORMAT) if !is_scenario_name(text) => {
                format!(
                    "{name} {quoted_text} has to be 1 to 100 lower-case letters, digits and dashes"
                )
            }
            _ if schema["minLength"]
                .as_u64()
                .is_some_and(|least| (text.len() as u64) < least) =>
            {
                format!("{name} is empty")
            }
            _ => return,
        };
        self.add_diagnostic(location, message);
    }

    fn check_number(&mut self, location: Location, number: f64, schema: &Value, name: &str) {
        if let Some(values) = schema["enum"].as_array() {
            if !values.iter().any(|value| value.as_f64() == Some(number)) {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                self.add_diagnostic(
                    location,
                    format!(
                        "{name} {number} is not known; this mockaa reads {}",
                        values.join(", ")
                    ),
                );
            }
            return;
        }
        let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            let least = least.map(|least| format!("at least {least}"));
            let most = most.map(|most| format!("at most {most}"));
            let bounds: Vec<_> = least.into_iter().chain(most).collect();
            self.add_diagnostic(
                location,
                format!("{name} has to be {}, not {number}", bounds.join(" and ")),
            );
        }
    }
}

/// Whether a name can name a scenario.
fn is_scenario_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=100).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Whether a value is of the type that a schema asks for, whatever else it asks.
fn matches_type(schema: &Value, node: &Node) -> bool {
    let is_type = |name: &str| match node {
        // A key without a value is a slip of the pen.
        Node::Null => false,
        Node::Bool(_) => name == "boolean",
        Node::Integer(_) => name == "integer" || name == "number",
        Node::Float(_) => name == "number",
        Node::Text(_) => name == "string",
        Node::List(_) => name == "array",
        Node::Map(_) => name == "object",
    };
    match &schema["type"] {
        Value::String(name) => is_type(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is_type),
        _ => true,
    }
}

/// What a schema asks for, in words.
fn describe_type(schema: &Value) -> String {
    let type_name = |name: &str| match name {
        "boolean" => "true or false",
        "integer" | "number" => "a number",
        "string" if schema["format"] == DURATION_FORMAT => "a length of time as a text, such as 2s",
        "string"
            if schema["format"] == OCCURRENCES_FORMAT
                || schema["format"] == INTEGER_RANGE_FORMAT =>
        {
            "a text such as 1..2"
        }
        "string" => "a text",
        "array" => "a list",
        _ => "keys with values",
    };
    match &schema["type"] {
        Value::String(name) => type_name(name).to_owned(),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str).map(type_name);
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => "a value".to_owned(),
    }
}

fn unknown_key(key: &str, known: &[&str], name: &str) -> String {
    let quoted_key = quote_value(key);
    match closest_name(key, known.iter().copied()) {
        Some(suggestion) => format!(
            "{quoted_key} is no key of {name}; did you mean {suggestion}? It takes {}",
            known.join(", ")
        ),
        None if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!(
                "{quoted_key} is no key of {name}; a number has no commas: 500000, not 5,00,000"
            )
        }
        None if known.is_empty() => {
            format!("{quoted_key} is no key of {name}, which takes none: {{}}")
        }
        None => format!(
            "{quoted_key} is no key of {name}; it takes {}",
            known.join(", ")
        ),
    }
}
