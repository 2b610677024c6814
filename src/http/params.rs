//! Parameters of a query string or a form.

use actix_web::web::Query;

use crate::domain::naming::suggest_name;
use crate::domain::text::quote_value;
use crate::wire::api_error::ApiError;

/// Decoded name and value pairs in their order; a name may occur more than once.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Adds a pair.
    pub(crate) fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let pairs = Query::from_query(text).map(|Query(pairs)| Self(pairs));
        pairs.map_err(|error| ApiError::invalid_field("query", format!("cannot be read: {error}")))
    }

    /// Rejects a parameter whose name is not listed. A misspelled filter would otherwise be ignored
    /// and give too many results.
    pub(crate) fn reject_unknown(self, names: &[&str]) -> Result<Self, ApiError> {
        match self
            .0
            .iter()
            .find(|(name, _)| !names.contains(&name.as_str()))
        {
            None => Ok(self),
            Some((name, _)) if names.is_empty() => {
                let message = format!("has {}; this call has no parameters", quote_value(name));
                Err(ApiError::invalid_field("query", message))
            }
            Some((name, _)) if name.is_empty() => Err(ApiError::invalid_field(
                "query",
                format!(
                    "has a parameter without a name; known: {}",
                    names.join(", ")
                ),
            )),
            Some((name, _)) => {
                let hint = suggest_name(name, names.iter().copied());
                Err(ApiError::UnknownQueryParameter {
                    name: name.clone(),
                    hint,
                })
            }
        }
    }

    /// Returns the parameters that have a value.
    pub(crate) fn without_empty(mut self) -> Self {
        self.0.retain(|(_, value)| !value.is_empty());
        self
    }

    /// Replaces values; `replace` is given each name and value, and returns the new value if there is one.
    pub(crate) fn replace_values(mut self, replace: impl Fn(&str, &str) -> Option<String>) -> Self {
        for (name, value) in &mut self.0 {
            if let Some(new) = replace(name, value) {
                *value = new;
            }
        }
        self
    }

    pub(crate) fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns whether a parameter is `true`; it is `false` if it is missing.
    pub(crate) fn parse_switch(&self, name: &'static str) -> Result<bool, ApiError> {
        match self.first_value(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => {
                let message = format!("{} is not true or false", quote_value(other));
                Err(ApiError::invalid_field(name, message))
            }
        }
    }

    pub(crate) fn first_value(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }
}
