//! A document held against the ReBIT FI schemas v1: elements, attributes, types. What the published schemas allow once and
//! real accounts have many of may repeat (`reference/rebit.md` §6). The facts stand in `schema.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate};
use roxmltree::{Document, Node};

use crate::domain::naming::meant;
use crate::domain::script::TextFault;
use crate::wire::fields::quoted;

/// After so many faults nobody reads on.
const FAULTS_MAX: usize = 50;

/// What one kind of element may have.
#[derive(Debug)]
struct Shape {
    name: &'static str,
    needed: bool,
    repeats: bool,
    attributes: Vec<(&'static str, bool, &'static str)>,
    children: Vec<Shape>,
}

/// The shape of `Account`, by the tail of the namespace.
static SHAPES: LazyLock<HashMap<&'static str, Shape>> = LazyLock::new(|| {
    let mut shapes = HashMap::new();
    for part in include_str!("schema.txt").split("# ").skip(1) {
        let mut lines = part.lines();
        let namespace = lines.next().expect("a part begins with its namespace");
        let lines: Vec<&str> = lines.collect();
        shapes.insert(namespace.trim(), shape(&lines));
    }
    shapes
});

/// An element and, indented by one more, what is in it.
fn shape(lines: &[&'static str]) -> Shape {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let (first, rest) = lines.split_first().expect("an element has a line");
    let mut words = first.split_whitespace();
    let mut word = || words.next().expect("a name and two counts");
    let (name, least, most) = (word(), word(), word());
    let attributes = words.map(|word| {
        let (name, kind) = word.split_once(':').expect("an attribute has a type");
        (name.trim_end_matches('*'), name.ends_with('*'), kind)
    });
    let attributes = attributes.collect();
    let mut children = Vec::new();
    let mut begin = 0;
    for end in 1..=rest.len() {
        if end == rest.len() || indent(rest[end]) == indent(first) + 1 {
            children.push(shape(&rest[begin..end]));
            begin = end;
        }
    }
    // A leaf may repeat, whatever the published schema says.
    let repeats = most == "many" || children.is_empty() && name != "Summary";
    Shape {
        name,
        needed: least == "1",
        repeats,
        attributes,
        children,
    }
}

/// Everything that is wrong with the document, up to a bound.
pub fn check(document: &Document<'_>) -> Vec<TextFault> {
    let mut checker = Checker { faults: Vec::new() };
    let root = document.root_element();
    let namespace = root.tag_name().namespace().unwrap_or_default();
    let tail = namespace.rsplit('/').next().unwrap_or_default();
    // Its schema was not to be had (`reference/rebit.md` §6).
    if tail == "gstr1_3b" {
        return checker.faults;
    }
    let Some(shape) = SHAPES
        .get(tail)
        .filter(|_| root.tag_name().name() == "Account")
    else {
        let mut known: Vec<&str> = SHAPES.keys().copied().collect();
        known.sort_unstable();
        let told = quoted(namespace);
        let known = known.join(", ");
        checker.say(
            root,
            format!("it is no Account of http://api.rebit.org.in/FISchema/{{{known}}}; its namespace is {told}"),
        );
        return checker.faults;
    };
    checker.element(root, shape);
    checker.faults
}

struct Checker {
    faults: Vec<TextFault>,
}

impl Checker {
    fn say(&mut self, node: Node<'_, '_>, message: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault(node, message));
        }
    }

    fn element(&mut self, node: Node<'_, '_>, shape: &'static Shape) {
        let name = shape.name;
        for (attribute, needed, kind) in &shape.attributes {
            match node.attribute(*attribute) {
                None if *needed => {
                    self.say(node, format!("{name} lacks the attribute {attribute}"));
                }
                Some(value) if !fits(value, kind) => {
                    self.say(
                        node,
                        format!("{name}.{attribute} {} is not {}", quoted(value), form(kind)),
                    );
                }
                _ => {}
            }
        }
        let plain = node
            .attributes()
            .filter(|attribute| attribute.namespace().is_none());
        for attribute in plain.map(|attribute| attribute.name()) {
            if !shape
                .attributes
                .iter()
                .any(|(known, ..)| *known == attribute)
            {
                let known: Vec<&str> = shape.attributes.iter().map(|(name, ..)| *name).collect();
                let meant = meant(attribute, known.iter().copied());
                let meant = meant
                    .map(|meant| format!("; did you mean {meant}?"))
                    .unwrap_or_default();
                self.say(node, format!("{name} has no attribute {attribute}{meant}"));
            }
        }
        let mut place = 0;
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for child in node.children().filter(Node::is_element) {
            let tag = child.tag_name().name();
            let Some(found) = shape.children.iter().position(|known| known.name == tag) else {
                let known: Vec<&str> = shape.children.iter().map(|child| child.name).collect();
                let known = if known.is_empty() {
                    "nothing".to_owned()
                } else {
                    known.join(", ")
                };
                self.say(child, format!("{name} holds no {tag}; it holds {known}"));
                continue;
            };
            if found < place {
                self.say(
                    child,
                    format!(
                        "{tag} comes too late: before {}",
                        shape.children[place].name
                    ),
                );
            }
            place = place.max(found);
            let known = &shape.children[found];
            let count = seen.entry(known.name).or_default();
            *count += 1;
            if *count == 2 && !known.repeats {
                self.say(child, format!("{tag} stands twice in {name}"));
            }
            self.element(child, known);
        }
        for child in shape
            .children
            .iter()
            .filter(|child| child.needed && !seen.contains_key(child.name))
        {
            // What was not asked for may be empty: a range without transactions.
            if !child.repeats {
                self.say(node, format!("{name} lacks {}", child.name));
            }
        }
    }
}

/// What is wrong with an element, and where.
pub fn fault(node: Node<'_, '_>, message: String) -> TextFault {
    let place = node.document().text_pos_at(node.range().start);
    TextFault {
        line: place.row.into(),
        column: place.col.into(),
        message,
    }
}

fn fits(value: &str, kind: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match kind {
        "integer" => digits(value.trim_start_matches(['-', '+'])),
        "positiveInteger" => digits(value) && value.bytes().any(|byte| byte != b'0'),
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
            let (before, after) = host.split_once('.').unwrap_or_default();
            !name.is_empty() && !before.is_empty() && !after.is_empty()
        }),
        "pan" => {
            let bytes = value.as_bytes();
            let letters = |part: &[u8]| part.iter().all(u8::is_ascii_alphabetic);
            bytes.len() == 10
                && letters(&bytes[..5])
                && digits(&value[5..9])
                && letters(&bytes[9..])
        }
        "text" => true,
        names => names
            .trim_matches(['{', '}'])
            .split('|')
            .any(|name| name.replace('~', " ") == value),
    }
}

/// The words for a type.
fn form(kind: &str) -> String {
    match kind {
        "integer" => "a whole number".to_owned(),
        "positiveInteger" => "a whole number above 0".to_owned(),
        "float" => "a number".to_owned(),
        "version" => "a version from 0.0 to 2.0".to_owned(),
        "boolean" => "true or false".to_owned(),
        "date" => "a date such as 2024-03-31".to_owned(),
        "dateTime" => "an instant such as 2024-03-31T10:15:00+05:30".to_owned(),
        "email" => "an address such as name@example.in".to_owned(),
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
