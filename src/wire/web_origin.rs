//! Owns the rule for the origins of web pages: scheme, host and port (RFC 6454).

use reqwest::Url;

/// Description of an accepted origin in error messages.
pub(crate) const EXPECTED_ORIGIN: &str =
    "scheme, host and port without a path, such as https://lender.example";

/// Parses the origin of a web page, `http` or `https`, and returns it as browsers write it: in lower
/// case, and without the default port of its scheme.
pub(crate) fn parse_web_origin(text: &str) -> Option<String> {
    let (scheme, authority) = text.split_once("://")?;
    let is_bare = scheme.bytes().all(|byte| byte.is_ascii_alphabetic())
        && authority.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        });
    if !is_bare {
        return None;
    }
    origin_of(&Url::parse(text).ok()?)
}

/// Returns the origin of a web page; `None` for the address of an app.
pub(crate) fn origin_of(url: &Url) -> Option<String> {
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    is_web.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::parse_web_origin;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, expected) in [
            ("https://lender.example", "https://lender.example"),
            ("HTTPS://Lender.Example:443", "https://lender.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://[::1]:9", "http://[::1]:9"),
        ] {
            assert_eq!(parse_web_origin(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_of_a_page_is_refused() {
        for text in [
            "",
            "*",
            "null",
            "lender.example",
            "https://",
            "https://*.lender.example",
            "https://lender.example/",
            "https://lender.example/back",
            "https://lender.example?a",
            "https://lender.example#a",
            "https://user@lender.example",
            "https://lender.example;script-src",
            "https://lender.example https://other.example",
            " https://lender.example",
            "https://lender.example\n",
            "https://lender.example:99999",
            "ftp://lender.example",
            "lender://done",
            "javascript://lender.example",
        ] {
            assert_eq!(parse_web_origin(text), None, "{text:?}");
        }
    }
}
