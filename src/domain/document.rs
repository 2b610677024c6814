//! A statement of an account other than a bank account: elements with attributes, as in the ReBIT
//! FI schemas.

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

    #[must_use]
    pub fn with_children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// Returns the value of an attribute.
    pub fn attribute_value(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(attribute, _)| *attribute == name)
            .map(|(_, value)| &**value)
    }

    /// Returns the first child of this name.
    pub fn find_child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}
