//! The FI schemas: the elements, attributes and types of each FI type, in two generations
//! (`docs/sources.md#fi-schemas`).
//!
//! The schemas are in `schema-current.txt`, `schema-retired.txt` and `schema-gstr1_3b.txt`. A
//! section begins with the FI type, the last segment of the namespace and the version. An element
//! has a line: its name, the least and the largest number of it, and its attributes as `NAME:TYPE`,
//! with `*` if required. Its children have one more space of indentation. `=TYPE` is the type of a
//! text, and `...` says that more attributes and elements are possible than those that are known.

use std::sync::LazyLock;

use crate::domain::account::FiType;
use crate::domain::document::{Document, Element};
use crate::domain::participants::FiSchema;

/// The schema of an FI type's document.
#[derive(Debug)]
pub(crate) struct DocumentSchema {
    pub fi_type: FiType,
    /// The generation that the schema was published for.
    pub generation: FiSchema,
    /// The last segment of the namespace.
    pub namespace_tail: &'static str,
    /// The value of `Account.version`.
    pub version: &'static str,
    pub root: ElementSchema,
}

/// The attributes and child elements that one element may have.
#[derive(Debug)]
pub(crate) struct ElementSchema {
    pub name: &'static str,
    pub required: bool,
    pub is_repeatable: bool,
    /// `true` if more attributes and elements are possible than those that are known.
    pub is_open: bool,
    /// The type of the element's text, if it has one.
    pub text_type: Option<&'static str>,
    pub attributes: Vec<AttributeSchema>,
    pub children: Vec<ElementSchema>,
}

#[derive(Debug)]
pub(crate) struct AttributeSchema {
    pub name: &'static str,
    pub required: bool,
    /// The name of a type, or the allowed values as `{A|B}` with `~` for a space.
    pub value_type: &'static str,
}

static SCHEMAS: LazyLock<Vec<DocumentSchema>> = LazyLock::new(|| {
    let sources = [
        (FiSchema::Current, include_str!("schema-current.txt")),
        (FiSchema::Current, include_str!("schema-gstr1_3b.txt")),
        (FiSchema::Retired, include_str!("schema-retired.txt")),
    ];
    let sections = sources.into_iter().flat_map(|(generation, text)| {
        let sections = text.split("# ").skip(1);
        sections.map(move |section| parse_section(section, generation))
    });
    sections.collect()
});

/// Returns all schemas.
pub(crate) fn list_schemas() -> &'static [DocumentSchema] {
    &SCHEMAS
}

/// Returns the schema of an FI type. A type that only the other generation has keeps that schema.
///
/// # Panics
/// OTHER has no schema, and no document.
pub(crate) fn schema_of(fi_type: FiType, generation: FiSchema) -> &'static DocumentSchema {
    let of_type = || SCHEMAS.iter().filter(|schema| schema.fi_type == fi_type);
    of_type()
        .find(|schema| schema.generation == generation)
        .or_else(|| of_type().next())
        .unwrap_or_else(|| panic!("{fi_type} has no schema"))
}

fn parse_section(section: &'static str, generation: FiSchema) -> DocumentSchema {
    let (header, lines) = section
        .split_once('\n')
        .expect("a section has more than one line");
    let words: Vec<&str> = header.split_whitespace().collect();
    let [fi_type, namespace_tail, version] = words[..] else {
        panic!("{header} is not an FI type, a namespace and a version");
    };
    let mut root = parse_element_schema(&lines.lines().collect::<Vec<_>>(), generation);
    // Some schemas demand `Summary`, and a consent may exclude each part of an account.
    for part in &mut root.children {
        part.required = false;
    }
    DocumentSchema {
        fi_type: FiType::parse(fi_type).expect("a section begins with an FI type"),
        generation,
        namespace_tail,
        version,
        root,
    }
}

/// Parses an element's line and the lines of its children, which are indented by one more space.
fn parse_element_schema(lines: &[&'static str], generation: FiSchema) -> ElementSchema {
    let (first, rest) = lines.split_first().expect("an element has a line");
    let mut words = first.split_whitespace();
    let [name, min_count, max_count] =
        std::array::from_fn(|_| words.next().expect("a line has a name and two counts"));
    let mut schema = ElementSchema {
        name,
        required: min_count == "1",
        is_repeatable: max_count == "many",
        is_open: false,
        text_type: None,
        attributes: Vec::new(),
        children: Vec::new(),
    };
    for word in words {
        if word == "..." {
            schema.is_open = true;
        } else if let Some(text_type) = word.strip_prefix('=') {
            schema.text_type = Some(text_type);
        } else {
            let (name, value_type) = word.split_once(':').expect("an attribute has a type");
            schema.attributes.push(AttributeSchema {
                name: name.trim_end_matches('*'),
                required: name.ends_with('*'),
                value_type,
            });
        }
    }
    let mut start = 0;
    for end in 1..=rest.len() {
        if end == rest.len() || indent_width(rest[end]) == indent_width(first) + 1 {
            schema
                .children
                .push(parse_element_schema(&rest[start..end], generation));
            start = end;
        }
    }
    // The retired schemas allow one `Transaction`, `Holding` or `Holder` of most types, and real
    // accounts have many.
    schema.is_repeatable |=
        generation == FiSchema::Retired && schema.children.is_empty() && name != "Summary";
    schema
}

fn indent_width(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

impl DocumentSchema {
    /// Returns the namespace of the document.
    pub(crate) fn namespace(&self) -> String {
        format!("http://api.rebit.org.in/FISchema/{}", self.namespace_tail)
    }

    /// Returns whether a value other than a word of a list may be empty.
    ///
    /// `Assumption:` FIPs of the current generation send `""` where they have no value. ReBIT's
    /// schema of GSTR1_3B does not allow it.
    pub(crate) fn allows_empty_values(&self) -> bool {
        self.generation == FiSchema::Current && self.fi_type != FiType::Gstr1_3b
    }

    /// Returns the one value that the schema allows for `Account.type`.
    fn account_type(&self) -> &'static str {
        let attribute = self.root.attributes.iter().find(|it| it.name == "type");
        attribute.map_or("", |it| it.value_type.trim_matches(['{', '}']))
    }

    /// Returns the location of the schema, as documents of this generation state it.
    ///
    /// `Assumption:` documents of the retired generation state it for DEPOSIT only.
    fn location(&self) -> Option<String> {
        let namespace = self.namespace();
        match (self.generation, self.fi_type) {
            (FiSchema::Retired, FiType::Deposit) => {
                Some(format!("{namespace} ../FISchema/deposit.xsd"))
            }
            (FiSchema::Retired, _) => None,
            (FiSchema::Current, _) => {
                let tail = self.namespace_tail;
                // The files of version 1.0.0 have no version in their names.
                let file = match self.version {
                    "1.0.0" => format!("{tail}.xsd"),
                    version => format!("{tail}_v{version}.xsd"),
                };
                Some(format!(
                    "{namespace} https://specifications.rebit.org.in/api_schema/account_aggregator/FISchema/{file}"
                ))
            }
        }
    }

    /// Returns the document in the shape of this schema. The document has the names of all
    /// generations; those that the schema does not have are left out, and the order is that of the
    /// schema.
    pub(crate) fn shape_document(&self, document: &Document) -> Document {
        Document {
            root: self.shape_root(&document.root),
        }
    }

    /// Returns the element `Account` in the shape of this schema.
    pub(crate) fn shape_root(&self, root: &Element) -> Element {
        let mut shaped = self.root.shape_element(root);
        let mut attributes = vec![("xmlns", self.namespace().into())];
        if let Some(location) = self.location() {
            let instance = "http://www.w3.org/2001/XMLSchema-instance";
            attributes.push(("xmlns:xsi", instance.into()));
            attributes.push(("xsi:schemaLocation", location.into()));
        }
        for attribute in &self.root.attributes {
            let value = match attribute.name {
                "version" => Some(self.version.into()),
                "type" => Some(self.account_type().into()),
                name => root.attribute(name).cloned(),
            };
            attributes.extend(value.map(|value| (attribute.name, value)));
        }
        shaped.attributes = attributes;
        shaped
    }
}

impl ElementSchema {
    fn shape_element(&self, element: &Element) -> Element {
        let attributes = self.attributes.iter().filter_map(|attribute| {
            let value = element.attribute(attribute.name)?;
            Some((attribute.name, value.clone()))
        });
        let children = self.children.iter().flat_map(|schema| {
            let of_name = element
                .children
                .iter()
                .filter(|child| child.name == schema.name);
            of_name.map(|child| schema.shape_element(child))
        });
        Element {
            name: self.name,
            attributes: attributes.collect(),
            children: children.filter(|child| !self.omits_child(child)).collect(),
            text: element.text.clone(),
            repeatable: element.repeatable,
        }
    }

    /// Returns whether a child is left out: it is optional, and has none of the rows that it needs.
    /// An account that holds nothing yet has no `Summary`, and a range without transactions has no
    /// `Transactions`.
    fn omits_child(&self, child: &Element) -> bool {
        let schemas = &mut self.children.iter();
        schemas
            .find(|schema| schema.name == child.name)
            .is_some_and(|schema| !schema.required && schema.lacks_rows(child))
    }

    /// Returns whether an element lacks rows that the schema demands, on any level. Where
    /// transactions are in groups, one group may be empty beside others.
    fn lacks_rows(&self, element: &Element) -> bool {
        let needed = || self.children.iter().filter(|schema| schema.required);
        let is_lacking = |schema: &Self| {
            let child = element.find_child(schema.name);
            child.is_none_or(|child| schema.lacks_rows(child))
        };
        let has_some = needed().any(|schema| !is_lacking(schema));
        needed().any(is_lacking) && !(self.name == "Transactions" && has_some)
    }
}

#[cfg(test)]
mod tests {
    use super::list_schemas;

    #[test]
    fn every_section_has_one_account_type_and_an_identifying_attribute() {
        for schema in list_schemas() {
            assert!(!schema.account_type().contains('|'), "{schema:?}");
            assert!(
                schema
                    .root
                    .attributes
                    .iter()
                    .any(|attribute| attribute.name.starts_with("masked")),
                "{}",
                schema.fi_type
            );
        }
    }
}
