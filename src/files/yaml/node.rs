//! A YAML or JSON text as a tree with the position of each value. Knows no schema.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, Options};
use serde_saphyr::{Location, Spanned};

use super::diagnostic_at;
use crate::domain::diagnostic::Diagnostic;

/// A value with its position.
pub(crate) type SpannedNode = Spanned<Node>;

/// A value of a YAML or JSON text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<SpannedNode>),
    /// Entries in the order of the text; a key may occur twice.
    Map(Vec<(Spanned<String>, SpannedNode)>),
}

impl Node {
    /// Returns the kind of the value, as diagnostics name it.
    pub(crate) fn describe_kind(&self) -> &'static str {
        match self {
            Self::Null => "an empty value",
            Self::Bool(_) => "true or false",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// Parses a text.
///
/// # Errors
/// The first syntax error, with its position.
pub(crate) fn parse_tree(text: &str) -> Result<SpannedNode, Diagnostic> {
    // `validate` reports duplicate keys, with both positions.
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::PassThrough };
    parse_with_options(text, options)
}

/// Parses a text of data, which may have as many values as it has bytes.
///
/// # Errors
/// The first syntax error, with its position.
pub(crate) fn parse_data_tree(text: &str) -> Result<SpannedNode, Diagnostic> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        budget: serde_saphyr::budget! {
            max_nodes: text.len() + 1,
            max_events: 2 * text.len() + 8,
            max_total_scalar_bytes: text.len() + 1,
        },
    };
    parse_with_options(text, options)
}

fn parse_with_options(text: &str, options: Options) -> Result<SpannedNode, Diagnostic> {
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        let message = error.without_snippet().to_string();
        let position_suffix = format!(" at line {}, column {}", location.line(), location.column());
        diagnostic_at(
            location,
            message
                .strip_suffix(&position_suffix)
                .unwrap_or(&message)
                .to_owned(),
        )
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(i64::try_from(value).map_or_else(|_| Node::Text(value.to_string()), Node::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}
