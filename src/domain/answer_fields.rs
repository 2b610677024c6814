//! The fields of the answers to calls, by operation and API, as a table that lint is given.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::operation::Operation;

/// The fields of the answers to calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct AnswerFields(BTreeMap<(Operation, &'static str, Outcome), FieldSet>);

/// The kinds of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Success,
    Error,
}

/// The fields of a JSON object, as dotted paths without the numbers of list items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    paths: BTreeSet<String>,
    /// Paths below which any field can be.
    open_paths: BTreeSet<String>,
}

impl AnswerFields {
    /// Returns the fields of the answers to a call of an API, to add to them.
    pub(crate) fn entry(
        &mut self,
        op: Operation,
        api: &'static str,
        outcome: Outcome,
    ) -> &mut FieldSet {
        self.0.entry((op, api, outcome)).or_default()
    }

    /// Returns the operations that one of the APIs has.
    pub(crate) fn operations(&self, apis: &[&str]) -> BTreeSet<Operation> {
        let keys = self.0.keys().filter(|(_, api, _)| apis.contains(api));
        keys.map(|(op, ..)| *op).collect()
    }

    /// Returns the fields of the answers with these outcomes to one operation, or to all, of these
    /// APIs.
    pub(crate) fn fields_of(
        &self,
        op: Option<Operation>,
        apis: &[&str],
        outcomes: &[Outcome],
    ) -> FieldSet {
        let mut fields = FieldSet::default();
        for ((known, api, outcome), set) in &self.0 {
            if op.is_none_or(|op| op == *known) && apis.contains(api) && outcomes.contains(outcome)
            {
                fields.paths.extend(set.paths.iter().cloned());
                fields.open_paths.extend(set.open_paths.iter().cloned());
            }
        }
        fields
    }
}

impl FieldSet {
    /// Adds a field.
    pub(crate) fn add_path(&mut self, path: &str) {
        self.paths.insert(path.to_owned());
    }

    /// Adds a path below which any field can be; the empty path is the whole answer.
    pub(crate) fn add_open_path(&mut self, path: &str) {
        self.open_paths.insert(path.to_owned());
    }

    /// Returns whether an answer can have the field. Numbers in the path select items of lists.
    pub(crate) fn contains(&self, path: &str) -> bool {
        let path = without_numbers(path);
        let mut prefix = path.as_str();
        loop {
            if self.open_paths.contains(prefix) {
                return true;
            }
            match prefix.rsplit_once('.') {
                Some((parent, _)) => prefix = parent,
                None if prefix.is_empty() => break,
                None => prefix = "",
            }
        }
        path.is_empty() || self.paths.contains(&path)
    }

    /// Returns the fields, for suggestions.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// Returns the fields of the object at a path; the empty path is the whole answer.
    pub(crate) fn list_children(&self, parent: &str) -> Vec<&str> {
        let parent = without_numbers(parent);
        self.iter()
            .filter(|path| path.rsplit_once('.').map_or("", |(parent, _)| parent) == parent)
            .map(|path| path.rsplit('.').next().unwrap_or_default())
            .collect()
    }
}

/// Returns a path without the numbers of list items.
fn without_numbers(path: &str) -> String {
    let names: Vec<&str> = path
        .split('.')
        .filter(|name| name.parse::<usize>().is_err())
        .collect();
    names.join(".")
}

#[cfg(test)]
mod tests {
    use super::FieldSet;

    #[test]
    fn a_path_is_known_with_and_without_numbers_and_below_an_open_object() {
        let mut fields = FieldSet::default();
        for path in ["ver", "FI", "FI.data", "FI.data.linkRefNumber"] {
            fields.add_path(path);
        }
        fields.add_open_path("ConsentDetail");
        for path in ["ver", "FI.0.data.1.linkRefNumber", "ConsentDetail.a.b"] {
            assert!(fields.contains(path), "{path}");
        }
        for path in ["verr", "FI.data.ver", "data", "ConsentDetails"] {
            assert!(!fields.contains(path), "{path}");
        }
        assert_eq!(fields.list_children("FI.0"), ["data"]);
        assert_eq!(fields.list_children(""), ["FI", "ver"]);
    }
}
