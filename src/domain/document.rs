//! A statement of whatever is no bank account: elements with attributes, as the ReBIT FI schemas have them.

use std::borrow::Cow;

/// The text of an attribute.
pub type Text = Cow<'static, str>;

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
    pub attributes: Vec<(&'static str, Text)>,
    pub children: Vec<Element>,
    /// May stand beside others of its name: JSON makes a list of it, even of one.
    pub repeats: bool,
}

impl Element {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            children: Vec::new(),
            repeats: false,
        }
    }

    /// One that may stand beside others of its name.
    pub fn one_of_many(name: &'static str) -> Self {
        Self {
            repeats: true,
            ..Self::new(name)
        }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Text>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn holding(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| &**value)
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}
