//! The difference of two messages: of their headers, and of their bodies, in JSON by path, else by line.

use std::collections::BTreeSet;

use serde_json::Value;

use super::inspector::find_difference;

/// The largest body whose JSON is compared, in bytes.
const BYTES_MAX: usize = 1024 * 1024;

/// The largest number of differences that are listed.
const CHANGES_MAX: usize = 500;

/// The largest number of characters of a value that is shown.
const VALUE_CHARS_MAX: usize = 4_000;

/// The number of characters from which on a reader is told where two values part.
const LONG_CHARS: usize = 40;

/// Returns a value, or the beginning of a long one with its length.
fn shorten(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARS_MAX) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes in all)", &value[..end], value.len()),
    }
}

/// The difference of two bodies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    /// A sentence that says what differs.
    pub summary: String,
    pub changes: Vec<Change>,
    /// The number of differences that are not listed.
    pub hidden: usize,
}

/// A value that differs. What is absent is missing in the one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The path of the value, such as `Notifier.id`, or the name of a header.
    pub path: String,
    pub was: Option<String>,
    pub is: Option<String>,
}

impl Change {
    /// Returns the sign of the change and its name.
    pub(super) fn sign(&self) -> (&'static str, &'static str) {
        match (&self.was, &self.is) {
            (None, _) => ("+", "added"),
            (_, None) => ("−", "removed"),
            _ => ("~", "changed"),
        }
    }

    /// Returns the values, each in three parts: what both begin with, what differs, and what both end
    /// with.
    pub(super) fn split(&self) -> [Option<[&str; 3]>; 2] {
        let (was, is) = (self.was.as_deref(), self.is.as_deref());
        let (one, other) = (was.unwrap_or_default(), is.unwrap_or_default());
        let common = one.chars().zip(other.chars());
        let begin: usize = common
            .take_while(|(a, b)| a == b)
            .map(|(a, _)| a.len_utf8())
            .sum();
        let common = one[begin..].chars().rev().zip(other[begin..].chars().rev());
        let end: usize = common
            .take_while(|(a, b)| a == b)
            .map(|(a, _)| a.len_utf8())
            .sum();
        [was, is].map(|value| {
            let (value, end) = (value?, value?.len() - end);
            Some([&value[..begin], &value[begin..end], &value[end..]])
        })
    }

    /// Returns the number of characters with which both values begin, if they are long.
    pub(super) fn common_length(&self) -> Option<usize> {
        let [Some([begin, ..]), Some(_)] = self.split() else {
            return None;
        };
        let length = begin.chars().count();
        (length >= LONG_CHARS).then_some(length)
    }
}

/// Returns the headers that differ. `show` makes what may be shown of a header's value.
pub(crate) fn compare_headers(
    was: &[(String, String)],
    is: &[(String, String)],
    show: impl Fn(&str, &str) -> String,
) -> Vec<Change> {
    let names: BTreeSet<_> = was.iter().chain(is).map(|(name, _)| name).collect();
    let changes = names.into_iter().filter_map(|name| {
        let (was, is) = (list_values(was, name), list_values(is, name));
        (was != is).then(|| Change {
            path: name.clone(),
            was: join_values(&was, |value| show(name, value)),
            is: join_values(&is, |value| show(name, value)),
        })
    });
    changes.collect()
}

/// Returns the values of a header that a message may have several times.
fn list_values<'h>(headers: &'h [(String, String)], name: &str) -> Vec<&'h str> {
    let values = headers.iter().filter(|(it, _)| it == name);
    values.map(|(_, value)| value.as_str()).collect()
}

fn join_values(values: &[&str], show: impl Fn(&str) -> String) -> Option<String> {
    let shown: Vec<_> = values.iter().map(|value| show(value)).collect();
    (!shown.is_empty()).then(|| shown.join(", "))
}

/// Compares a body with an earlier or better one.
pub(super) fn compare_bodies(was: &[u8], is: &[u8]) -> Comparison {
    let Some(at) = find_difference(was, is) else {
        return Comparison {
            summary: "Both bodies have the same bytes.".to_owned(),
            changes: Vec::new(),
            hidden: 0,
        };
    };
    let read = |bytes: &[u8]| {
        let is_short = bytes.len() <= BYTES_MAX;
        is_short
            .then(|| serde_json::from_slice::<Value>(bytes).ok())
            .flatten()
    };
    let (Some(was_value), Some(is_value)) = (read(was), read(is)) else {
        return Comparison {
            summary: format!(
                "They part at byte {at}. Not both are JSON, so their lines are compared."
            ),
            changes: compare_lines(was, is),
            hidden: 0,
        }
        .limit();
    };
    let mut changes = Vec::new();
    compare_values(&mut changes, "", Some(&was_value), Some(&is_value));
    let summary = if changes.is_empty() {
        format!(
            "As JSON they are equal, but not as bytes: they part at byte {at}. A signature covers the bytes."
        )
    } else {
        format!("They part at byte {at}.")
    };
    Comparison {
        summary,
        changes,
        hidden: 0,
    }
    .limit()
}

impl Comparison {
    fn limit(mut self) -> Self {
        self.hidden = self.changes.len().saturating_sub(CHANGES_MAX);
        self.changes.truncate(CHANGES_MAX);
        self
    }
}

/// Adds the values below a path that differ.
fn compare_values(changes: &mut Vec<Change>, path: &str, was: Option<&Value>, is: Option<&Value>) {
    match (was, is) {
        (Some(was), Some(is)) if was == is => {}
        (Some(Value::Object(was)), Some(Value::Object(is))) => {
            let names: BTreeSet<_> = was.keys().chain(is.keys()).collect();
            for name in names {
                let path = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                compare_values(changes, &path, was.get(name), is.get(name));
            }
        }
        (Some(Value::Array(was)), Some(Value::Array(is))) => {
            for index in 0..was.len().max(is.len()) {
                let path = format!("{path}[{index}]");
                compare_values(changes, &path, was.get(index), is.get(index));
            }
        }
        (was, is) => changes.push(Change {
            path: match path {
                "" => "the whole body".to_owned(),
                path => path.to_owned(),
            },
            was: was.map(|value| shorten(&value.to_string())),
            is: is.map(|value| shorten(&value.to_string())),
        }),
    }
}

/// Returns the lines that differ, between those that both begin and end with.
fn compare_lines(was: &[u8], is: &[u8]) -> Vec<Change> {
    let [was, is] = [was, is].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let [was, is] = [&was, &is].map(|text| text.split('\n').collect::<Vec<_>>());
    let same =
        |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| pairs.take_while(|(a, b)| a == b).count();
    let begin = same(&mut was.iter().zip(&is));
    let rest = was.len().min(is.len()) - begin;
    let end = same(&mut was.iter().rev().zip(is.iter().rev())).min(rest);
    let [was, is] = [&was, &is].map(|lines| &lines[begin..lines.len() - end]);
    let lines = (0..was.len().max(is.len())).map(|index| Change {
        path: format!("line {}", begin + index + 1),
        was: was.get(index).map(|line| shorten(line)),
        is: is.get(index).map(|line| shorten(line)),
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::{compare_bodies, compare_headers};

    #[test]
    fn headers_are_compared_by_name_and_secrets_stay_hidden() {
        let headers = |pairs: &[(&str, &str)]| {
            let owned = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            owned.collect::<Vec<_>>()
        };
        let was = headers(&[
            ("a", "1"),
            ("key", "s1"),
            ("sig", &"x".repeat(60)),
            ("old", ""),
        ]);
        let is = headers(&[
            ("a", "1"),
            ("key", "s2"),
            ("sig", &format!("{}y{}", "x".repeat(50), "x".repeat(9))),
        ]);
        let changes = compare_headers(&was, &is, |name, value| match name {
            "key" => "hidden".to_owned(),
            _ => value.to_owned(),
        });
        let names: Vec<_> = changes.iter().map(|it| (it.sign().0, &*it.path)).collect();
        assert_eq!(names, [("~", "key"), ("−", "old"), ("~", "sig")]);
        assert_eq!(changes[0].was, changes[0].is);
        assert_eq!(changes[0].is.as_deref(), Some("hidden"));
        let [Some([_, "x", _]), Some([begin, "y", end])] = changes[2].split() else {
            panic!("one character differs: {changes:?}");
        };
        assert_eq!((begin.len(), end.len()), (50, 9));
        assert_eq!(changes[2].common_length(), Some(50));
        assert_eq!(changes[0].common_length(), None);
    }

    fn list(was: &str, is: &str) -> (String, Vec<String>) {
        let comparison = compare_bodies(was.as_bytes(), is.as_bytes());
        let changes = comparison.changes.iter().map(|change| {
            let none = "nothing".to_owned();
            let (was, is) = (change.was.as_ref(), change.is.as_ref());
            format!(
                "{} {}: {} → {}",
                change.sign().0,
                change.path,
                was.unwrap_or(&none),
                is.unwrap_or(&none)
            )
        });
        (comparison.summary.clone(), changes.collect())
    }

    #[test]
    fn json_is_compared_by_path() {
        let (summary, changes) = list(
            r#"{"a":{"b":1,"c":[1,2]},"d":"x"}"#,
            r#"{"a":{"b":"1","c":[1]},"e":null}"#,
        );
        assert_eq!(summary, "They part at byte 10.");
        assert_eq!(
            changes,
            [
                "~ a.b: 1 → \"1\"",
                "− a.c[1]: 2 → nothing",
                "− d: \"x\" → nothing",
                "+ e: nothing → null",
            ]
        );
    }

    #[test]
    fn equal_json_with_other_bytes_is_said() {
        let (summary, changes) = list(r#"{"a":1}"#, r#"{ "a":1}"#);
        assert!(
            summary.contains("equal, but not as bytes") && changes.is_empty(),
            "{summary}"
        );
        assert!(list("{}", "{}").0.contains("same bytes"));
    }

    #[test]
    fn other_texts_are_compared_by_line() {
        let (summary, changes) = list("one\ntwo\nthree", "one\nzwei\ntwo\nthree");
        assert!(
            summary.contains("byte 4") && summary.contains("lines"),
            "{summary}"
        );
        assert_eq!(changes, ["+ line 2: nothing → zwei"]);
        assert_eq!(list("a\nb", "a\nc").1, ["~ line 2: b → c"]);
        assert_eq!(list("a\na\na", "a\na").1, ["− line 3: a → nothing"]);
    }

    #[test]
    fn a_long_list_is_cut_with_its_number() {
        let was: Vec<_> = (0..600).collect();
        let is: Vec<_> = (1..601).collect();
        let comparison = compare_bodies(
            serde_json::to_string(&was).expect("JSON").as_bytes(),
            serde_json::to_string(&is).expect("JSON").as_bytes(),
        );
        assert_eq!((comparison.changes.len(), comparison.hidden), (500, 100));
    }

    #[test]
    fn a_long_value_is_cut_with_its_length() {
        let body = |letter: &str| format!(r#"{{"data": "{}"}}"#, letter.repeat(5_000));
        let comparison = compare_bodies(body("ä").as_bytes(), body("b").as_bytes());
        let [change] = &*comparison.changes else {
            panic!("one change: {comparison:?}");
        };
        let [was, is] = [&change.was, &change.is].map(|it| it.as_deref().expect("a value"));
        assert!(was.ends_with("… (10002 bytes in all)") && is.ends_with("… (5002 bytes in all)"));
        assert!(was.chars().count() < 4_100 && is.chars().count() < 4_100);
    }
}
