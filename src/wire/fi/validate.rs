//! Validation of XML documents against the FI schemas ([`super::schema`]): elements, attributes,
//! types.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use roxmltree::{Document, Node};

use crate::domain::diagnostic::Diagnostic;
use crate::domain::naming::closest_name;
use crate::domain::participants::FiSchema;
use crate::domain::text::{is_pan, quote_value};
use crate::wire::fi::schema::{AttributeSchema, DocumentSchema, ElementSchema, list_schemas};

/// The maximum number of diagnostics for one document.
const DIAGNOSTICS_MAX: usize = 50;

/// Returns the schema of a document: by its namespace, and by its version if both generations have
/// the namespace.
pub(crate) fn find_schema(root: Node<'_, '_>) -> Option<&'static DocumentSchema> {
    let candidates = list_candidates(root);
    let find = |predicate: &dyn Fn(&DocumentSchema) -> bool| {
        let found = candidates.iter().find(|schema| predicate(schema));
        found.copied()
    };
    let version = root.attribute("version").unwrap_or_default();
    find(&|schema| schema.version == version)
        .or_else(|| find(&|schema| schema.generation == FiSchema::Retired))
        .or_else(|| candidates.first().copied())
}

/// Returns the schemas that have the namespace of a document.
fn list_candidates(root: Node<'_, '_>) -> Vec<&'static DocumentSchema> {
    let namespace = root.tag_name().namespace().unwrap_or_default();
    let all = list_schemas().iter();
    all.filter(|schema| {
        schema.namespace() == namespace && root.has_tag_name((namespace, "Account"))
    })
    .collect()
}

/// Returns an error if none of the schemas allows the version of a document.
fn check_version(root: Node<'_, '_>) -> Option<Diagnostic> {
    let version = root.attribute("version")?;
    let candidates = list_candidates(root);
    let allows_version = |schema: &DocumentSchema| {
        let mut attributes = schema.root.attributes.iter();
        attributes
            .find(|attribute| attribute.name == "version")
            .is_some_and(|attribute| matches_type(version, attribute.value_type))
    };
    if candidates.iter().any(|schema| allows_version(schema)) {
        return None;
    }
    let known = candidates
        .iter()
        .map(|schema| format!("{} ({})", schema.version, schema.generation));
    Some(diagnostic_at(
        root,
        format!(
            "Account.version {} is not a version of {}; known: {}",
            quote_value(version),
            candidates[0].fi_type,
            known.collect::<Vec<_>>().join(", ")
        ),
    ))
}

/// Validates a document; returns at most `DIAGNOSTICS_MAX` diagnostics.
pub(crate) fn validate_document(document: &Document<'_>) -> Vec<Diagnostic> {
    let root = document.root_element();
    let namespace = root.tag_name().namespace().unwrap_or_default();
    let schema = find_schema(root);
    let mut validator = Validator {
        diagnostics: Vec::new(),
        allows_empty_values: schema.is_some_and(DocumentSchema::allows_empty_values),
    };
    let Some(schema) = schema else {
        let mut known: Vec<&str> = list_schemas()
            .iter()
            .map(|schema| schema.namespace_tail)
            .collect();
        known.sort_unstable();
        known.dedup();
        let quoted_namespace = quote_value(namespace);
        let known = known.join(", ");
        validator.push_diagnostic(
            root,
            format!("not an Account in a known namespace http://api.rebit.org.in/FISchema/{{{known}}}; the namespace is {quoted_namespace}"),
        );
        return validator.diagnostics;
    };
    if let Some(diagnostic) = check_version(root) {
        return vec![diagnostic];
    }
    validator.check_element(root, &schema.root);
    validator.diagnostics
}

struct Validator {
    diagnostics: Vec<Diagnostic>,
    /// `true` if a value other than a word of a list may be empty.
    allows_empty_values: bool,
}

impl Validator {
    fn push_diagnostic(&mut self, node: Node<'_, '_>, message: String) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(diagnostic_at(node, message));
        }
    }

    fn check_element(&mut self, node: Node<'_, '_>, schema: &'static ElementSchema) {
        self.check_attributes(node, schema);
        self.check_text(node, schema);
        self.check_children(node, schema);
    }

    fn check_attributes(&mut self, node: Node<'_, '_>, schema: &'static ElementSchema) {
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
                Some(value) => self.check_value(node, attribute, value, value_type),
                None => {}
            }
        }
        let unqualified = node
            .attributes()
            .filter(|attribute| attribute.namespace().is_none() && !schema.is_open);
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
    }

    /// Checks the text between the tags of an element.
    fn check_text(&mut self, node: Node<'_, '_>, schema: &'static ElementSchema) {
        let text = node.text().unwrap_or_default().trim();
        match schema.text_type {
            Some(text_type) => self.check_value(node, "text", text, text_type),
            None if text.is_empty() => {}
            None => self.push_diagnostic(
                node,
                format!(
                    "{} has the text {}; the schema has values in attributes only",
                    schema.name,
                    quote_value(text)
                ),
            ),
        }
    }

    /// Checks a value of an element: that of an attribute, or its text.
    fn check_value(&mut self, node: Node<'_, '_>, name: &str, value: &str, value_type: &str) {
        // Real documents have empty values where they have none. An empty word is still wrong.
        let is_left_empty =
            value.is_empty() && self.allows_empty_values && !value_type.starts_with('{');
        if !is_left_empty && !matches_type(value, value_type) {
            self.push_diagnostic(
                node,
                format!(
                    "{}.{name} {} is not {}",
                    node.tag_name().name(),
                    quote_value(value),
                    describe_type(value_type)
                ),
            );
        }
    }

    fn check_children(&mut self, node: Node<'_, '_>, schema: &'static ElementSchema) {
        let name = schema.name;
        let mut last_index = 0;
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for child in node.children().filter(Node::is_element) {
            let tag = child.tag_name().name();
            let Some(index) = schema
                .children
                .iter()
                .position(|known| is_element_name(tag, known.name))
            else {
                if schema.is_open {
                    continue;
                }
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
        // A range may have no transactions, or none of one group.
        let may_be_empty = node
            .ancestors()
            .any(|ancestor| ancestor.tag_name().name() == "Transactions");
        for child in schema
            .children
            .iter()
            .filter(|child| child.required && !seen.contains_key(child.name))
        {
            if !(child.is_repeatable && may_be_empty) {
                self.push_diagnostic(
                    node,
                    format!("{name} has no {}, which is required", child.name),
                );
            }
        }
    }
}

/// Returns whether a tag is the name of an element in the schema.
///
/// Quirk: JSON of a gateway has `pendingTxns`, and ReBIT's page `PendingTxns`
/// (`docs/sources.md#fi-schemas`).
fn is_element_name(tag: &str, name: &str) -> bool {
    tag == name || name == "PendingTxns" && tag == "pendingTxns"
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
        "float" | "amount" => value.parse::<f64>().is_ok_and(f64::is_finite),
        "version" => value
            .parse::<f64>()
            .is_ok_and(|version| (0.0..=2.0).contains(&version)),
        "boolean" => matches!(value, "true" | "false" | "1" | "0"),
        "date" => value.parse::<NaiveDate>().is_ok(),
        "dateTime" => is_date_time(value),
        "dateOrTime" => value.parse::<NaiveDate>().is_ok() || is_date_time(value),
        "email" => value.split_once('@').is_some_and(|(name, host)| {
            let (before_dot, after_dot) = host.split_once('.').unwrap_or_default();
            !name.is_empty() && !before_dot.is_empty() && !after_dot.is_empty()
        }),
        "pan" => is_pan(value),
        "text" => true,
        names => names
            .trim_matches(['{', '}'])
            .split('|')
            .any(|name| name.replace('~', " ") == value),
    }
}

fn is_date_time(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok() || text.parse::<NaiveDateTime>().is_ok()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns a phrase for a type, for messages.
fn describe_type(value_type: &str) -> String {
    match value_type {
        "integer" => "a whole number".to_owned(),
        "positiveInteger" => "a whole number above 0".to_owned(),
        "float" | "amount" => "a number".to_owned(),
        "version" => "a version from 0.0 to 2.0".to_owned(),
        "boolean" => "true or false".to_owned(),
        "date" => "a date such as 2024-03-31".to_owned(),
        "dateTime" => "a timestamp such as 2024-03-31T10:15:00+05:30".to_owned(),
        "dateOrTime" => "a date or a timestamp such as 2024-03-31T10:15:00+05:30".to_owned(),
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
