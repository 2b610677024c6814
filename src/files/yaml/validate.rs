//! Validates a tree against the JSON Schema of its type. Reports all errors, each with its position
//! and the accepted values. Supports only the part of JSON Schema that our own types generate.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value};
use serde_saphyr::{Location, Spanned};

use super::diagnostic_at;
use super::node::{Node, SpannedNode};
use super::scalars::{
    HEADER_NAME_FORMAT, INTEGER_RANGE_FORMAT, IntegerRange, NAME_FORMAT, OCCURRENCES_FORMAT,
    OccurrenceRange, POINTER_FORMAT, REGEX_FORMAT, RUPEE_RANGE_FORMAT, RupeeRange, STATUS_FORMAT,
};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::duration::{DURATION_FORMAT, DURATION_FORMS, parse_duration};
use crate::domain::expectation::StatusClass;
use crate::domain::message_filter::{JsonPointer, Pattern};
use crate::domain::naming::closest_name;
use crate::domain::text::quote_value;

/// The number of diagnostics after which the rest of a text is not looked at.
const DIAGNOSTICS_MAX: usize = 20;

/// The length of the longest text, in bytes, where a schema names no other one.
const TEXT_BYTES_MAX: u64 = 4_096;

/// Returns the diagnostics of a tree in the order of their places; `name` names the root in them. If
/// there are more than 20, the last one says so.
pub(crate) fn validate_tree(tree: &SpannedNode, schema: &Value, name: &str) -> Vec<Diagnostic> {
    let mut validator = Validator {
        root: schema,
        diagnostics: Vec::new(),
    };
    validator.check_node(tree, schema, name);
    let mut diagnostics = validator.diagnostics;
    diagnostics.sort();
    if diagnostics.len() > DIAGNOSTICS_MAX {
        diagnostics.truncate(DIAGNOSTICS_MAX);
        diagnostics.push(Diagnostic {
            line: 0,
            column: 0,
            message: format!(
                "{name} has more than {DIAGNOSTICS_MAX} errors; correct these, then check it again"
            ),
        });
    }
    diagnostics
}

struct Validator<'a> {
    root: &'a Value,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Validator<'a> {
    fn add_diagnostic(&mut self, location: Location, message: String) {
        self.diagnostics.push(diagnostic_at(location, message));
    }

    /// Returns whether enough has been found.
    fn is_full(&self) -> bool {
        self.diagnostics.len() > DIAGNOSTICS_MAX
    }

    /// Returns the target of a schema that is a `$ref`; other schemas unchanged.
    fn resolve_ref(&self, schema: &'a Value) -> &'a Value {
        let reference = schema["$ref"]
            .as_str()
            .and_then(|reference| reference.strip_prefix('#'));
        reference.map_or(schema, |pointer| {
            self.root
                .pointer(pointer)
                .expect("our schemas have no dangling references")
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
                        format!("{name} is an empty list; give at least one item, or remove it"),
                    );
                }
                if let Some(most) = schema["maxItems"].as_u64()
                    && items.len() as u64 > most
                {
                    let message = format!("{name} has {} items; the limit is {most}", items.len());
                    self.add_diagnostic(tree.referenced, message);
                }
                for item in items {
                    if self.is_full() {
                        return;
                    }
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
            Node::Integer(_) | Node::Float(_) if expected.contains("duration") => {
                "; it needs a unit"
            }
            Node::Integer(_) | Node::Float(_) | Node::Bool(_) if expected.contains("text") => {
                "; write it in quotes"
            }
            Node::Null if expected.contains("mapping") => "; write {} for an empty mapping",
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
        let mut first_lines = HashMap::new();
        for (key, value) in entries {
            if self.is_full() {
                return;
            }
            let line = key.referenced.line();
            match first_lines.entry(key.value.as_str()) {
                Entry::Vacant(entry) => {
                    entry.insert(line);
                }
                Entry::Occupied(first_line) => {
                    let (key_text, line) = (quote_value(&key.value), first_line.get());
                    let message = format!("duplicate key {key_text}; first on line {line}");
                    self.add_diagnostic(key.referenced, message);
                    continue;
                }
            }
            self.check_text(
                key.referenced,
                &key.value,
                &schema["propertyNames"],
                &key.value,
            );
            match properties.and_then(|properties| properties.get(&key.value)) {
                Some(schema) => self.check_node(value, schema, &key.value),
                None if additional.is_object() => self.check_node(value, additional, &key.value),
                None if additional == &Value::Bool(false) => {
                    let message = unknown_key(&key.value, &property_names(schema), name);
                    self.add_diagnostic(key.referenced, message);
                    has_unknown_keys = true;
                }
                None => {}
            }
        }
        for required in required_keys(schema) {
            if !has_key(entries, required) && !has_unknown_keys {
                self.add_diagnostic(location, format!("{name} needs the key {required}"));
            }
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            // Each choice is a key, or keys that belong together.
            let choices: Vec<Vec<&str>> = choices.iter().map(required_keys).collect();
            let present: Vec<_> = choices
                .iter()
                .filter(|keys| keys.iter().any(|key| has_key(entries, key)))
                .collect();
            match present.as_slice() {
                // The unknown key is most likely a misspelt required one.
                [] if has_unknown_keys => {}
                [] => {
                    let keys: Vec<_> = choices.iter().map(|keys| keys.join(" with ")).collect();
                    self.add_diagnostic(
                        location,
                        format!("{name} needs one of the keys {}", keys.join(", ")),
                    );
                }
                [keys] => {
                    let missing = keys.iter().filter(|key| !has_key(entries, key));
                    for key in missing.filter(|_| !has_unknown_keys) {
                        self.add_diagnostic(location, format!("{name} needs the key {key}"));
                    }
                    self.check_dependencies(location, entries, schema);
                }
                _ => {
                    let keys: Vec<_> = present.iter().map(|keys| keys.join(" with ")).collect();
                    self.add_diagnostic(
                        location,
                        format!("{name} takes only one of {}", keys.join(", ")),
                    );
                }
            }
        }
        let size = entries.len() as u64;
        if schema["minProperties"]
            .as_u64()
            .is_some_and(|least| size < least)
        {
            let names = property_names(schema);
            let remedy = if names.is_empty() {
                "give at least one entry, or remove it".to_owned()
            } else {
                format!("give at least one of {}", names.join(", "))
            };
            self.add_diagnostic(location, format!("{name} is empty; {remedy}"));
        }
        if schema["maxProperties"]
            .as_u64()
            .is_some_and(|most| size > most)
        {
            self.add_diagnostic(location, format!("{name} takes only one of its keys"));
        }
    }

    /// Reports keys that are only valid beside another key.
    fn check_dependencies(
        &mut self,
        location: Location,
        entries: &[(Spanned<String>, SpannedNode)],
        schema: &Value,
    ) {
        let dependencies = schema["dependentRequired"].as_object();
        for (key, needed) in dependencies.into_iter().flatten() {
            let needed = needed.as_array().into_iter().flatten();
            let missing = needed
                .filter_map(Value::as_str)
                .filter(|needed| has_key(entries, key) && !has_key(entries, needed));
            for needed in missing {
                self.add_diagnostic(location, format!("{key} needs the key {needed}"));
            }
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
        let bytes_max = schema["maxLength"].as_u64().unwrap_or(TEXT_BYTES_MAX);
        if text.len() as u64 > bytes_max {
            let message = format!("{quoted_text} is longer than {bytes_max} bytes");
            self.add_diagnostic(location, message);
            return;
        }
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
            Some(POINTER_FORMAT) => match JsonPointer::parse(text) {
                Ok(_) => return,
                Err(problem) => format!("{quoted_text} is not a JSON Pointer: {problem}"),
            },
            Some(REGEX_FORMAT) => match Pattern::parse(text) {
                Ok(_) => return,
                Err(problem) => format!("{quoted_text} is not a regular expression: {problem}"),
            },
            Some(HEADER_NAME_FORMAT) if !is_header_name(text) => {
                format!("{quoted_text} is not the name of a header, such as x-jws-signature")
            }
            Some(NAME_FORMAT) if !is_valid_name(text) => {
                format!(
                    "{name} {quoted_text} must be 1 to 100 lower-case letters, digits and dashes"
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
                        "unsupported {name} {number}; this mockaa supports {}",
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
                format!("{name} must be {}, not {number}", bounds.join(" and ")),
            );
        }
    }
}

/// Returns whether a text is a valid name of a scenario or a persona.
fn is_valid_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Returns whether a text is a token of RFC 9110, as names of headers are.
fn is_header_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn has_key(entries: &[(Spanned<String>, SpannedNode)], key: &str) -> bool {
    entries.iter().any(|(known, _)| known.value == key)
}

fn required_keys(schema: &Value) -> Vec<&str> {
    schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Returns the names of a schema's properties in alphabetical order, for messages.
fn property_names(schema: &Value) -> Vec<&str> {
    let properties = schema["properties"].as_object();
    let mut names: Vec<_> = properties
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

/// Returns whether a value has the JSON type of a schema. Checks nothing else.
fn matches_type(schema: &Value, node: &Node) -> bool {
    match &schema["type"] {
        Value::String(name) => is_of_type(node, name),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .any(|name| is_of_type(node, name)),
        _ => true,
    }
}

fn is_of_type(node: &Node, name: &str) -> bool {
    match node {
        // A key without a value is most likely a mistake.
        Node::Null => false,
        Node::Bool(_) => name == "boolean",
        Node::Integer(_) => name == "integer" || name == "number",
        Node::Float(_) => name == "number",
        Node::Text(_) => name == "string",
        Node::List(_) => name == "array",
        Node::Map(_) => name == "object",
    }
}

/// Returns the type that a schema requires, as diagnostics name it.
fn describe_type(schema: &Value) -> String {
    match &schema["type"] {
        Value::String(name) => describe_type_name(name, schema).to_owned(),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .map(|name| describe_type_name(name, schema))
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "a value".to_owned(),
    }
}

fn describe_type_name(name: &str, schema: &Value) -> &'static str {
    match name {
        "boolean" => "true or false",
        "integer" | "number" => "a number",
        "string" if schema["format"] == DURATION_FORMAT => "a duration as a text, such as 2s",
        "string"
            if schema["format"] == OCCURRENCES_FORMAT
                || schema["format"] == INTEGER_RANGE_FORMAT =>
        {
            "a text such as 1..2"
        }
        "string" => "a text",
        "array" => "a list",
        _ => "a mapping",
    }
}

fn unknown_key(key: &str, known: &[&str], name: &str) -> String {
    let message = format!("unknown key {} in {name}", quote_value(key));
    let known_keys = known.join(", ");
    match closest_name(key, known.iter().copied()) {
        Some(suggestion) => format!("{message}; did you mean {suggestion}? known: {known_keys}"),
        None if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{message}; write a number without commas: 500000, not 5,00,000")
        }
        None if known.is_empty() => format!("{message}; it has no keys, write {{}}"),
        None => format!("{message}; known: {known_keys}"),
    }
}
