//! Validation of XML documents against the ReBIT FI schemas v1: elements, attributes, types.
//!
//! Leaf elements may repeat even where the published schemas allow one, because real accounts have
//! many of them (`docs/sources.md#fi-schemas`). The schemas are in `schema.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate};
use roxmltree::{Document, Node};

use crate::domain::diagnostic::Diagnostic;
use crate::domain::naming::closest_name;
use crate::domain::text::quote_value;

/// The maximum number of diagnostics for one document.
const DIAGNOSTICS_MAX: usize = 50;

/// The attributes and child elements that one element may have.
#[derive(Debug)]
struct ElementSchema {
    name: &'static str,
    required: bool,
    is_repeatable: bool,
    attributes: Vec<AttributeSchema>,
    children: Vec<ElementSchema>,
}

#[derive(Debug)]
struct AttributeSchema {
    name: &'static str,
    required: bool,
    /// The name of a type, or the allowed values as `{A|B}` with `~` for a space.
    value_type: &'static str,
}

/// The schemas of `Account`, by the last segment of the namespace.
static SCHEMAS: LazyLock<HashMap<&'static str, ElementSchema>> = LazyLock::new(|| {
    let mut schemas = HashMap::new();
    for section in include_str!("schema.txt").split("# ").skip(1) {
        let mut lines = section.lines();
        let namespace = lines.next().expect("a section begins with its namespace");
        let lines: Vec<&str> = lines.collect();
        schemas.insert(namespace.trim(), parse_element_schema(&lines));
    }
    schemas
});

/// Parses an element's line and the lines of its children, which are indented by one more space.
fn parse_element_schema(lines: &[&'static str]) -> ElementSchema {
    let (first, rest) = lines.split_first().expect("an element has a line");
    let mut words = first.split_whitespace();
    let [name, min_count, max_count] =
        std::array::from_fn(|_| words.next().expect("a line has a name and two counts"));
    let attributes = words
        .map(|word| {
            let (name, value_type) = word.split_once(':').expect("an attribute has a type");
            AttributeSchema {
                name: name.trim_end_matches('*'),
                required: name.ends_with('*'),
                value_type,
            }
        })
        .collect();
    let mut children = Vec::new();
    let mut start = 0;
    for end in 1..=rest.len() {
        if end == rest.len() || indent_width(rest[end]) == indent_width(first) + 1 {
            children.push(parse_element_schema(&rest[start..end]));
            start = end;
        }
    }
    // Leaves may repeat even if the published schema allows one.
    let is_repeatable = max_count == "many" || children.is_empty() && name != "Summary";
    ElementSchema {
        name,
        required: min_count == "1",
        is_repeatable,
        attributes,
        children,
    }
}

fn indent_width(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Validates a document; returns at most `DIAGNOSTICS_MAX` diagnostics.
pub(crate) fn validate_document(document: &Document<'_>) -> Vec<Diagnostic> {
    let mut validator = Validator {
        diagnostics: Vec::new(),
    };
    let root = document.root_element();
    let namespace = root.tag_name().namespace().unwrap_or_default();
    let tail = namespace.rsplit('/').next().unwrap_or_default();
    // The schema of GSTR1_3B was not available (`docs/sources.md#fi-schemas`).
    if tail == "gstr1_3b" {
        return validator.diagnostics;
    }
    let Some(schema) = SCHEMAS
        .get(tail)
        .filter(|_| root.tag_name().name() == "Account")
    else {
        let mut known: Vec<&str> = SCHEMAS.keys().copied().collect();
        known.sort_unstable();
        let quoted_namespace = quote_value(namespace);
        let known = known.join(", ");
        validator.push_diagnostic(
            root,
            format!("not an Account in a known namespace http://api.rebit.org.in/FISchema/{{{known}}}; the namespace is {quoted_namespace}"),
        );
        return validator.diagnostics;
    };
    validator.check_element(root, schema);
    validator.diagnostics
}

struct Validator {
    diagnostics: Vec<Diagnostic>,
}

impl Validator {
    fn push_diagnostic(&mut self, node: Node<'_, '_>, message: String) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(diagnostic_at(node, message));
        }
    }

    fn check_element(&mut self, node: Node<'_, '_>, schema: &'static ElementSchema) {
        let name = schema.name;
        for AttributeSchema {
            name: attribute,
            required,
            value_type,
        } in &schema.attributes
        {
            match node.attribute(*attribute) {
                None if *required => {
                    self.push_diagnostic(
                        node,
                        format!("{name} has no attribute {attribute}, which is required"),
                    );
                }
                Some(value) if !matches_type(value, value_type) => {
                    self.push_diagnostic(
                        node,
                        format!(
                            "{name}.{attribute} {} is not {}",
                            quote_value(value),
                            describe_type(value_type)
                        ),
                    );
                }
                _ => {}
            }
        }
        let unqualified = node
            .attributes()
            .filter(|attribute| attribute.namespace().is_none());
        for attribute in unqualified.map(|attribute| attribute.name()) {
            if !schema
                .attributes
                .iter()
                .any(|known| known.name == attribute)
            {
                let known = schema.attributes.iter().map(|known| known.name);
                let suggestion = closest_name(attribute, known)
                    .map(|name| format!("; did you mean {name}?"))
                    .unwrap_or_default();
                self.push_diagnostic(
                    node,
                    format!("{name} has no attribute {attribute}{suggestion}"),
                );
            }
        }
        let mut last_index = 0;
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for child in node.children().filter(Node::is_element) {
            let tag = child.tag_name().name();
            let Some(index) = schema.children.iter().position(|known| known.name == tag) else {
                let known: Vec<&str> = schema.children.iter().map(|child| child.name).collect();
                let known = if known.is_empty() {
                    "no elements".to_owned()
                } else {
                    known.join(", ")
                };
                self.push_diagnostic(
                    child,
                    format!("unexpected element {tag} in {name}; expected {known}"),
                );
                continue;
            };
            if index < last_index {
                self.push_diagnostic(
                    child,
                    format!(
                        "{tag} is out of order; it must come before {}",
                        schema.children[last_index].name
                    ),
                );
            }
            last_index = last_index.max(index);
            let known = &schema.children[index];
            let count = seen.entry(known.name).or_default();
            *count += 1;
            if *count == 2 && !known.is_repeatable {
                self.push_diagnostic(child, format!("{tag} occurs more than once in {name}"));
            }
            self.check_element(child, known);
        }
        for child in schema
            .children
            .iter()
            .filter(|child| child.required && !seen.contains_key(child.name))
        {
            // Repeatable elements may be missing: a range may have no transactions.
            if !child.is_repeatable {
                self.push_diagnostic(
                    node,
                    format!("{name} has no {}, which is required", child.name),
                );
            }
        }
    }
}

/// Returns a diagnostic at the start of an element.
pub(crate) fn diagnostic_at(node: Node<'_, '_>, message: String) -> Diagnostic {
    let position = node.document().text_pos_at(node.range().start);
    Diagnostic {
        line: position.row.into(),
        column: position.col.into(),
        message,
    }
}

fn matches_type(value: &str, value_type: &str) -> bool {
    match value_type {
        "integer" => is_digits(value.trim_start_matches(['-', '+'])),
        "positiveInteger" => is_digits(value) && value.bytes().any(|byte| byte != b'0'),
        "float" => value.parse::<f64>().is_ok(),
        "version" => value
            .parse::<f64>()
            .is_ok_and(|version| (0.0..=2.0).contains(&version)),
        "boolean" => matches!(value, "true" | "false" | "1" | "0"),
        "date" => value.parse::<NaiveDate>().is_ok(),
        "dateTime" => {
            DateTime::parse_from_rfc3339(value).is_ok()
                || value.parse::<chrono::NaiveDateTime>().is_ok()
        }
        "email" => value.split_once('@').is_some_and(|(name, host)| {
            let (before_dot, after_dot) = host.split_once('.').unwrap_or_default();
            !name.is_empty() && !before_dot.is_empty() && !after_dot.is_empty()
        }),
        "pan" => {
            let bytes = value.as_bytes();
            bytes.len() == 10
                && bytes[..5].iter().all(u8::is_ascii_alphabetic)
                && bytes[5..9].iter().all(u8::is_ascii_digit)
                && bytes[9].is_ascii_alphabetic()
        }
        "text" => true,
        names => names
            .trim_matches(['{', '}'])
            .split('|')
            .any(|name| name.replace('~', " ") == value),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns a phrase for a type, for messages.
fn describe_type(value_type: &str) -> String {
    match value_type {
        "integer" => "a whole number".to_owned(),
        "positiveInteger" => "a whole number above 0".to_owned(),
        "float" => "a number".to_owned(),
        "version" => "a version from 0.0 to 2.0".to_owned(),
        "boolean" => "true or false".to_owned(),
        "date" => "a date such as 2024-03-31".to_owned(),
        "dateTime" => "a timestamp such as 2024-03-31T10:15:00+05:30".to_owned(),
        "email" => "an e-mail address such as name@example.in".to_owned(),
        "pan" => "a PAN: five letters, four digits, a letter".to_owned(),
        names => format!(
            "one of {}",
            names
                .trim_matches(['{', '}'])
                .replace('|', ", ")
                .replace('~', " ")
        ),
    }
}
