//! Edits of JSON values by dotted paths, such as `ConsentUse.count`, as faults make them.

use serde_json::Value;

use crate::domain::naming::wire_enum;

wire_enum! {
    /// Alteration of a text. A text without letters and digits stays as it is under `other`, and an
    /// empty one under all but `longer`.
    TextAlteration {
        /// One character more, at the end.
        Longer = "longer",
        /// Without the last character.
        Shorter = "shorter",
        /// Without the first character.
        WithoutFirst = "without_first",
        /// The last six letters and digits are others of their kind: a UUID stays one.
        Other = "other",
    }
}

impl TextAlteration {
    /// Returns the altered text.
    pub(crate) fn apply(self, text: &str) -> String {
        match self {
            Self::Longer => format!("{text}0"),
            Self::Shorter => {
                let mut chars = text.chars();
                chars.next_back();
                chars.collect()
            }
            Self::WithoutFirst => text.chars().skip(1).collect(),
            Self::Other => {
                let mut chars: Vec<char> = text.chars().collect();
                let last = chars.iter_mut().rev().filter(|c| c.is_ascii_alphanumeric());
                last.take(OTHER_CHARS).for_each(|c| *c = next_in_class(*c));
                chars.into_iter().collect()
            }
        }
    }
}

/// Number of the characters that [`TextAlteration::Other`] changes.
const OTHER_CHARS: usize = 6;

/// Returns the next hexadecimal digit of the same kind, or the next letter. `9` is followed by `0`, `f`
/// by `a` and `z` by `g`.
const fn next_in_class(c: char) -> char {
    match c {
        '9' => '0',
        'f' => 'a',
        'F' => 'A',
        'z' => 'g',
        'Z' => 'G',
        c => (c as u8 + 1) as char,
    }
}

/// Returns the value at a dotted path. A number selects an item of a list; without a number the
/// first item is meant.
pub(crate) fn value_at_mut<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').try_fold(value, |place, name| match place {
        Value::Array(items) => match name.parse::<usize>() {
            Ok(index) => items.get_mut(index),
            Err(_) => items.first_mut()?.get_mut(name),
        },
        place => place.get_mut(name),
    })
}

/// Removes the value at a dotted path, if there is one.
pub(crate) fn remove_at_path(value: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let place = if parent.is_empty() {
        Some(value)
    } else {
        value_at_mut(value, parent)
    };
    match place {
        Some(Value::Object(fields)) => {
            fields.shift_remove(name);
        }
        Some(Value::Array(items)) => match name.parse::<usize>() {
            Ok(index) if index < items.len() => {
                items.remove(index);
            }
            _ => {
                if let Some(fields) = items.first_mut().and_then(Value::as_object_mut) {
                    fields.shift_remove(name);
                }
            }
        },
        _ => {}
    }
}

/// Sets the value at a dotted path. A missing field is added if its parent exists.
pub(crate) fn set_at_path(value: &mut Value, path: &str, new: Value) {
    if let Some(place) = value_at_mut(value, path) {
        *place = new;
        return;
    }
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let place = if parent.is_empty() {
        Some(value)
    } else {
        value_at_mut(value, parent)
    };
    let place = match place {
        Some(Value::Array(items)) => items.first_mut(),
        place => place,
    };
    if let Some(fields) = place.and_then(Value::as_object_mut) {
        fields.insert(name.to_owned(), new);
    }
}

/// Alters the text at a dotted path. A value of another type stays as it is.
pub(crate) fn alter_at_path(value: &mut Value, path: &str, alteration: TextAlteration) {
    if let Some(Value::String(text)) = value_at_mut(value, path) {
        *text = alteration.apply(text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::{TextAlteration, alter_at_path, remove_at_path, set_at_path};

    #[test]
    fn a_dotted_path_leads_through_lists() {
        let mut value = json!({ "a": [{ "b": 1, "c": [5, 6] }], "d": { "e": true } });
        set_at_path(&mut value, "a.b", json!("x"));
        set_at_path(&mut value, "a.0.c.1", json!(7));
        set_at_path(&mut value, "d.f", json!("new"));
        set_at_path(&mut value, "a.g", json!("in the first item"));
        remove_at_path(&mut value, "d.e");
        remove_at_path(&mut value, "a.c.0");
        remove_at_path(&mut value, "nothing.there");
        assert_eq!(
            value,
            json!({ "a": [{ "b": "x", "c": [7], "g": "in the first item" }], "d": { "f": "new" } })
        );
    }

    #[test]
    fn only_texts_are_altered() {
        let mut value = json!({ "a": ["x1"], "n": 5 });
        alter_at_path(&mut value, "a.0", TextAlteration::Longer);
        alter_at_path(&mut value, "n", TextAlteration::Longer);
        alter_at_path(&mut value, "missing", TextAlteration::Other);
        assert_eq!(value, json!({ "a": ["x10"], "n": 5 }));
    }

    proptest! {
        #[test]
        fn an_altered_text_is_another_one(text in ".*[A-Za-z0-9].*") {
            for alteration in TextAlteration::ALL {
                prop_assert_ne!(alteration.apply(&text), text.clone());
            }
        }

        #[test]
        fn another_uuid_is_one(bytes in any::<u128>()) {
            let id = uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid();
            let other = TextAlteration::Other.apply(&id.to_string());
            let other: Uuid = other.parse().expect("a UUID");
            prop_assert_ne!(other, id);
            prop_assert_eq!(other.get_version_num(), id.get_version_num());
        }
    }
}
