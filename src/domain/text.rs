//! Owns the form in which error messages quote a value.

/// Returns the value in single quotes for an error message, cut after 80 characters.
pub(crate) fn quote_value(value: &str) -> String {
    const CHARS_MAX: usize = 80;
    match value.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("'{}…'", &value[..end]),
        None => format!("'{value}'"),
    }
}
