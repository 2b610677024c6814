//! A statement of whatever is no bank account: elements with attributes, as the ReBIT FI schemas have them.

use std::borrow::Cow;

/// The text of an attribute.
pub type AttributeValue = Cow<'static, str>;

/// A whole statement: the element `Account`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub root: Element,
}

/// An element. Data stands in attributes, never in text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    pub name: &'static str,
    /// In the order of the document.
    pub attributes: Vec<(&'static str, AttributeValue)>,
    pub children: Vec<Element>,
    /// May stand beside others of its name: JSON makes a list of it, even of one.
    pub repeatable: bool,
}

impl Element {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            children: Vec::new(),
            repeatable: false,
        }
    }

    /// One that may stand beside others of its name.
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

    #[must_use]
    pub fn with_children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The value of an attribute.
    pub fn attribute_value(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(attribute, _)| *attribute == name)
            .map(|(_, value)| &**value)
    }

    /// The first child of this name.
    pub fn find_child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}
