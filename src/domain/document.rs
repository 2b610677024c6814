//! A statement of an account other than a bank account: elements with attributes, as in the ReBIT
//! FI schemas.
//!
//! A generated document has the names of all generations of its schema at once: an amount may be
//! there as `investmentValue` and as `costValue`. The encoders write those of one generation.

use std::borrow::Cow;

/// Value of an attribute.
pub(crate) type AttributeValue = Cow<'static, str>;

/// A complete statement; its root is the element `Account`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub root: Element,
}

/// An element. Data is in attributes, or in the text of an element without attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    pub name: &'static str,
    /// Attributes in document order.
    pub attributes: Vec<(&'static str, AttributeValue)>,
    pub children: Vec<Element>,
    pub text: Option<AttributeValue>,
    /// `true` if the schema allows several elements of this name. JSON then has a list, even for
    /// one.
    pub repeatable: bool,
}

impl Element {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            children: Vec::new(),
            text: None,
            repeatable: false,
        }
    }

    /// Creates an element that has a text and no attributes.
    pub fn new_text(name: &'static str, text: impl Into<AttributeValue>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::new(name)
        }
    }

    /// Creates an element that may occur several times.
    pub fn new_repeatable(name: &'static str) -> Self {
        Self {
            repeatable: true,
            ..Self::new(name)
        }
    }

    #[must_use]
    pub fn with_attribute(mut self, name: &'static str, value: impl Into<AttributeValue>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// Adds an attribute if there is a value.
    #[must_use]
    pub fn with_optional_attribute(
        self,
        name: &'static str,
        value: Option<impl Into<AttributeValue>>,
    ) -> Self {
        match value {
            Some(value) => self.with_attribute(name, value),
            None => self,
        }
    }

    #[must_use]
    pub fn with_children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// Returns the value of an attribute, as it is stored.
    pub(crate) fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes
            .iter()
            .find(|(attribute, _)| *attribute == name)
            .map(|(_, value)| value)
    }

    /// Returns the value of an attribute.
    pub fn attribute_value(&self, name: &str) -> Option<&str> {
        self.attribute(name).map(|value| &**value)
    }

    /// Returns the value of the first of these attributes that the element has.
    pub(crate) fn first_attribute_value(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.attribute_value(name))
    }

    /// Returns the first child of this name.
    pub fn find_child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}

impl Element {
    /// Returns the rows that show this element and its descendants in tables: one for each element
    /// that has data.
    pub fn table_rows(&self) -> Vec<TableRow<'_>> {
        let mut rows = Vec::new();
        self.push_table_rows(&[], &mut rows);
        rows
    }

    fn push_table_rows<'e>(
        &'e self,
        identifiers: &[(&'static str, &'e str)],
        rows: &mut Vec<TableRow<'e>>,
    ) {
        let own_cells = self
            .attributes
            .iter()
            .filter(|(name, _)| !is_of_namespace(name))
            .map(|(name, value)| (*name, &**value))
            .chain(self.text.as_deref().map(|text| (self.name, text)));
        let cells: Vec<_> = identifiers.iter().copied().chain(own_cells).collect();
        let identifier = identifying_attribute(self.name).and_then(|(name, column)| {
            let found = cells.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (column, *value))
        });
        let identifiers: Vec<_> = identifiers.iter().copied().chain(identifier).collect();
        // The rows of the children repeat the identifiers.
        if cells.len() > identifiers.len() {
            rows.push(TableRow {
                element: self.name,
                cells,
            });
        }
        for child in &self.children {
            child.push_table_rows(&identifiers, rows);
        }
    }
}

/// Returns whether an attribute belongs to the XML form: a namespace, or the location of the schema.
pub(crate) fn is_of_namespace(attribute: &str) -> bool {
    attribute.starts_with("xmlns") || attribute.contains(':')
}

/// A row of a table: the data of one element, after what identifies the elements around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow<'e> {
    /// The name of the element; rows of one name belong to one table.
    pub element: &'static str,
    /// The columns with their values, in document order.
    pub cells: Vec<(&'static str, &'e str)>,
}

/// Returns the attribute that the rows of an element's descendants begin with, if any, and the name of its column
/// there: the period of a GST return, the number of an invoice or a policy, the kind of a payment or of holdings.
fn identifying_attribute(element: &str) -> Option<(&'static str, &'static str)> {
    match element {
        "gstr1" | "gstr3b" => Some(("ret_prd", "ret_prd")),
        "b2b" => Some(("inum", "inum")),
        "tx_py" => Some(("trans_desc", "trans_desc")),
        "Summary" => Some(("policyNumber", "policyNumber")),
        "Holdings" => Some(("type", "holdingsType")),
        "Investments" => Some(("type", "investmentsType")),
        "Tier1Holdings" | "Tier2Holdings" => Some(("schemePreferenceType", "schemePreferenceType")),
        _ => None,
    }
}
