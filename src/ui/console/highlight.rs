//! Colors for the parts of a text that looks like JSON. The text itself does not change.

/// A piece of a line with the class of its color; empty for plain text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub class: &'static str,
    pub text: String,
}

/// A line of a text.
pub(super) type Line = Vec<Span>;

/// Returns the lines of a text in colors, if it looks like JSON. A string that is no value is a name.
pub(super) fn highlight_lines(text: &str) -> Vec<Line> {
    let looks_like_json = text.trim_start().starts_with(['{', '[']);
    let lines = text.split('\n');
    if looks_like_json {
        lines.map(highlight_line).collect()
    } else {
        let plain = lines.map(|line| vec![plain_span(line)]);
        plain.collect()
    }
}

fn plain_span(text: &str) -> Span {
    Span {
        class: "",
        text: text.to_owned(),
    }
}

fn highlight_line(line: &str) -> Line {
    let mut spans = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let end = match rest.as_bytes()[0] {
            b'"' => find_string_end(rest),
            b'-' | b'0'..=b'9' => find_end(rest, |it| {
                it.is_ascii_alphanumeric() || matches!(it, '+' | '-' | '.')
            }),
            b'a'..=b'z' => find_end(rest, |it| it.is_ascii_alphabetic()),
            _ => {
                let begins = |it: char| it == '"' || it == '-' || it.is_ascii_alphanumeric();
                let mut later = rest.char_indices().skip(1);
                later
                    .find(|(_, it)| begins(*it))
                    .map_or(rest.len(), |(at, _)| at)
            }
        };
        let (text, after) = rest.split_at(end);
        let class = match text.as_bytes()[0] {
            b'"' if after.trim_start().starts_with(':') => "ck",
            b'"' => "cs",
            b'-' | b'0'..=b'9' => "cn",
            b'a'..=b'z' => "ct",
            _ => "",
        };
        spans.push(Span {
            class,
            text: text.to_owned(),
        });
        rest = after;
    }
    spans
}

fn find_end(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|it| !belongs(it)).unwrap_or(text.len())
}

/// Returns the end of a string that begins with a quote.
fn find_string_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, it) in text.char_indices().skip(1) {
        match it {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

    use super::highlight_lines;

    #[test]
    fn names_strings_numbers_and_words_have_colors() {
        let lines = highlight_lines(r#"{"a\"b": "c", "n":-1.5e+3, "t": true}"#);
        let shown: Vec<_> = lines[0]
            .iter()
            .filter(|span| !span.class.is_empty())
            .map(|span| (span.class, &*span.text))
            .collect();
        assert_eq!(
            shown,
            [
                ("ck", r#""a\"b""#),
                ("cs", "\"c\""),
                ("ck", "\"n\""),
                ("cn", "-1.5e+3"),
                ("ck", "\"t\""),
                ("ct", "true"),
            ]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_text_changes(text in any::<String>(), begin in "[{\\[]?") {
            let text = begin + &text;
            let lines = highlight_lines(&text);
            let lines: Vec<String> = lines
                .into_iter()
                .map(|line| line.into_iter().map(|span| span.text).collect())
                .collect();
            prop_assert_eq!(lines.join("\n"), text);
        }
    }
}
