//! A tree held against the schema of its type: everything that is wrong, each with its place and with what would have
//! been accepted. It knows as much of JSON Schema as our own types make.

use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use super::fault;
use super::node::{Node, Placed};
use super::words::{COUNT, Count, NAME, RUPEES, Rupees, SPAN, STATUS, WHOLE, Whole};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::expectation::StatusClass;
use crate::domain::naming::closest_name;
use crate::wire::duration::{DURATION_FORMS, parse_duration};
use crate::wire::fields::quote_value;

/// Everything that is wrong with a tree, which the faults call by this name.
pub fn validate(tree: &Placed, schema: &Value, name: &str) -> Vec<Diagnostic> {
    let mut checker = Checker {
        root: schema,
        faults: Vec::new(),
    };
    checker.check(tree, schema, name);
    checker.faults
}

struct Checker<'a> {
    root: &'a Value,
    faults: Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    fn say(&mut self, place: Location, message: String) {
        self.faults.push(fault(place, message));
    }

    /// The schema that a reference leads to.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let reference = schema["$ref"]
            .as_str()
            .and_then(|reference| reference.strip_prefix('#'));
        reference.map_or(schema, |pointer| {
            self.root
                .pointer(pointer)
                .expect("our schemas refer to what they have")
        })
    }

    fn check(&mut self, tree: &Placed, schema: &'a Value, name: &str) {
        let schema = self.resolve(schema);
        if let Some(choices) = schema["anyOf"].as_array() {
            let fitting = choices
                .iter()
                .find(|choice| accepts(self.resolve(choice), &tree.value));
            if let Some(choice) = fitting {
                self.check(tree, choice, name);
            } else {
                let forms: Vec<_> = choices
                    .iter()
                    .map(|choice| form(self.resolve(choice)))
                    .collect();
                self.mismatch(tree, name, &forms.join(" or "));
            }
            return;
        }
        if !accepts(schema, &tree.value) {
            self.mismatch(tree, name, &form(schema));
            return;
        }
        match &tree.value {
            Node::Map(entries) => self.check_map(tree.referenced, entries, schema, name),
            Node::List(items) => {
                let one = format!("the {}", name.strip_suffix('s').unwrap_or(name));
                if schema["minItems"]
                    .as_u64()
                    .is_some_and(|least| (items.len() as u64) < least)
                {
                    self.say(
                        tree.referenced,
                        format!("{name} is an empty list; name one at least, or leave it out"),
                    );
                }
                for item in items {
                    self.check(item, &schema["items"], &one);
                }
            }
            Node::Text(text) => self.check_text(tree.referenced, text, schema, name),
            Node::Whole(number) => {
                #[expect(clippy::cast_precision_loss, reason = "bounds are far below 2^53")]
                let number = *number as f64;
                self.check_number(tree.referenced, number, schema, name);
            }
            Node::Fraction(number) => self.check_number(tree.referenced, *number, schema, name),
            Node::Bool(_) | Node::Nothing => {}
        }
    }

    fn mismatch(&mut self, tree: &Placed, name: &str, wanted: &str) {
        let remedy = match &tree.value {
            Node::Whole(_) | Node::Fraction(_) if wanted.contains("length of time") => {
                "; it needs a unit"
            }
            Node::Whole(_) | Node::Fraction(_) | Node::Bool(_) if wanted.contains("text") => {
                "; write it in quotes"
            }
            Node::Nothing if wanted.contains("keys") => "; write {} where there is nothing to say",
            _ => "",
        };
        self.say(
            tree.referenced,
            format!("{name} takes {wanted}, not {}{remedy}", tree.value.kind()),
        );
    }

    fn check_map(
        &mut self,
        place: Location,
        entries: &[(Spanned<String>, Placed)],
        schema: &'a Value,
        name: &str,
    ) {
        let known = schema["properties"].as_object();
        let additional = &schema["additionalProperties"];
        let mut strangers = false;
        for (number, (key, value)) in entries.iter().enumerate() {
            if let Some((first, _)) = entries[..number]
                .iter()
                .find(|(other, _)| other.value == key.value)
            {
                let line = first.referenced.line();
                self.say(
                    key.referenced,
                    format!(
                        "{} stands twice; first on line {line}",
                        quote_value(&key.value)
                    ),
                );
                continue;
            }
            match known.and_then(|known| known.get(&key.value)) {
                Some(schema) => self.check(value, schema, &key.value),
                None if additional.is_object() => self.check(value, additional, &key.value),
                None if additional == &Value::Bool(false) => {
                    let names: Vec<&str> = known
                        .into_iter()
                        .flatten()
                        .map(|(name, _)| name.as_str())
                        .collect();
                    self.say(key.referenced, unknown_key(&key.value, &names, name));
                    strangers = true;
                }
                None => {}
            }
        }
        let has = |key: &str| entries.iter().any(|(known, _)| known.value == key);
        for required in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !has(required) && !strangers {
                self.say(place, format!("{name} lacks {required}"));
            }
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let keys: Vec<_> = choices
                .iter()
                .filter_map(|choice| choice["required"][0].as_str())
                .collect();
            let given: Vec<_> = keys.iter().copied().filter(|key| has(key)).collect();
            match given.len() {
                1 => {}
                // The stranger is most likely what is lacking.
                0 if strangers => {}
                0 => self.say(place, format!("{name} lacks one of {}", keys.join(", "))),
                _ => self.say(
                    place,
                    format!("{name} takes one of {}, not several", given.join(", ")),
                ),
            }
        }
        let size = entries.len() as u64;
        if schema["minProperties"]
            .as_u64()
            .is_some_and(|least| size < least)
        {
            let names: Vec<&str> = known
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            self.say(
                place,
                format!("{name} says nothing; give some of {}", names.join(", ")),
            );
        }
        if schema["maxProperties"]
            .as_u64()
            .is_some_and(|most| size > most)
        {
            self.say(place, format!("{name} takes one of its keys, not several"));
        }
    }

    fn check_text(&mut self, place: Location, text: &str, schema: &Value, name: &str) {
        if let Some(names) = schema["enum"].as_array() {
            let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
            if !names.contains(&text) {
                let meant = closest_name(text, names.iter().copied())
                    .map(|meant| format!("; did you mean {meant}?"))
                    .unwrap_or_default();
                self.say(
                    place,
                    format!(
                        "{} is not one of {}{meant}",
                        quote_value(text),
                        names.join(", ")
                    ),
                );
            }
            return;
        }
        let told = quote_value(text);
        let problem = match schema["format"].as_str() {
            Some(SPAN) if parse_duration(text).is_none() => {
                format!("{told} is not {DURATION_FORMS}")
            }
            Some(COUNT) if Count::parse(text).is_none() => {
                format!("{told} is not a number from 1 on, or a range such as 1..2 or 2..")
            }
            Some(STATUS) if StatusClass::parse(text).is_none() => {
                format!("{told} is not a status such as 503 or 5xx")
            }
            Some(WHOLE) if Whole::parse(text).is_none() => {
                format!(
                    "{told} is not a whole number, or a range such as 1..4 with the low end first"
                )
            }
            Some(RUPEES) if Rupees::parse(text).is_none() => {
                format!(
                    "{told} is not an amount in rupees, or a range such as 20..180.50 with the low end first"
                )
            }
            Some(NAME) if !is_name(text) => {
                format!("{name} {told} has to be 1 to 100 lower-case letters, digits and dashes")
            }
            _ if schema["minLength"]
                .as_u64()
                .is_some_and(|least| (text.len() as u64) < least) =>
            {
                format!("{name} is empty")
            }
            _ => return,
        };
        self.say(place, problem);
    }

    fn check_number(&mut self, place: Location, number: f64, schema: &Value, name: &str) {
        if let Some(values) = schema["enum"].as_array() {
            if !values.iter().any(|value| value.as_f64() == Some(number)) {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                self.say(
                    place,
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
            self.say(
                place,
                format!("{name} has to be {}, not {number}", bounds.join(" and ")),
            );
        }
    }
}

/// Whether a name can name a scenario.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=100).contains(&text.len()) && text.bytes().all(plain)
}

/// Whether a value is of the type that a schema asks for, whatever else it asks.
fn accepts(schema: &Value, node: &Node) -> bool {
    let is = |name: &str| match node {
        // A key without a value is a slip of the pen.
        Node::Nothing => false,
        Node::Bool(_) => name == "boolean",
        Node::Whole(_) => name == "integer" || name == "number",
        Node::Fraction(_) => name == "number",
        Node::Text(_) => name == "string",
        Node::List(_) => name == "array",
        Node::Map(_) => name == "object",
    };
    match &schema["type"] {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}

/// What a schema asks for, in words.
fn form(schema: &Value) -> String {
    let word = |name: &str| match name {
        "boolean" => "true or false",
        "integer" | "number" => "a number",
        "string" if schema["format"] == SPAN => "a length of time as a text, such as 2s",
        "string" if schema["format"] == COUNT || schema["format"] == WHOLE => "a text such as 1..2",
        "string" => "a text",
        "array" => "a list",
        _ => "keys with values",
    };
    match &schema["type"] {
        Value::String(name) => word(name).to_owned(),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str).map(word);
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => "a value".to_owned(),
    }
}

fn unknown_key(key: &str, known: &[&str], name: &str) -> String {
    let key_told = quote_value(key);
    match closest_name(key, known.iter().copied()) {
        Some(meant) => format!(
            "{key_told} is no key of {name}; did you mean {meant}? It takes {}",
            known.join(", ")
        ),
        None if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{key_told} is no key of {name}; a number has no commas: 500000, not 5,00,000")
        }
        None if known.is_empty() => {
            format!("{key_told} is no key of {name}, which takes none: {{}}")
        }
        None => format!(
            "{key_told} is no key of {name}; it takes {}",
            known.join(", ")
        ),
    }
}
