//! Owns the rule for URLs to which a customer's browser is sent back.

use reqwest::Url;

/// Description of an accepted URL in error messages.
pub(crate) const EXPECTED_REDIRECT_URL: &str =
    "an http or https URL, or one with the scheme of an app, such as https://lender.example/back";

/// Pattern of an accepted URL in JSON Schema. It is wider than the rule, which also refuses
/// [`REFUSED_SCHEMES`].
pub(crate) const REDIRECT_URL_PATTERN: &str = "^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$";

/// Schemes that let a browser execute or open what the URL itself contains, or a local file, or that
/// start a program of the system. Those that begin with `ms-` are refused too.
const REFUSED_SCHEMES: [&str; 14] = [
    "shell",
    "search-ms",
    "jar",
    "mk",
    "res",
    "ldap",
    "javascript",
    "data",
    "vbscript",
    "file",
    "blob",
    "view-source",
    "filesystem",
    "about",
];

/// Parses a URL that is safe to redirect to: http or https with a host, or the scheme of an app (a
/// letter, then letters, digits, `+`, `.` and `-`), in any case. The text is printable ASCII
/// without white space, because it is sent in a `Location` header unchanged.
pub(crate) fn parse_redirect_url(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once(':')?;
    let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'));
    let scheme = scheme.to_ascii_lowercase();
    if !is_printable || !is_scheme || rest.is_empty() || is_refused(&scheme) {
        return None;
    }
    // A browser reads `http:x` as a path of the page's own host.
    let is_web = matches!(&*scheme, "http" | "https");
    if is_web && !rest.starts_with("//") {
        return None;
    }
    Url::parse(text)
        .ok()
        .filter(|url| !is_web || url.has_host())
}

fn is_refused(scheme: &str) -> bool {
    REFUSED_SCHEMES.contains(&scheme) || scheme.starts_with("ms-")
}

#[cfg(test)]
mod tests {
    use super::parse_redirect_url;

    #[test]
    fn web_addresses_and_app_schemes_are_accepted() {
        for text in [
            "https://lender.example/back?a=1#b",
            "HTTP://127.0.0.1:9000",
            "lender://consent/done",
            "com.lender.app:/back",
            "web+lender:done",
            "intent://scan/#Intent;scheme=lender;end",
        ] {
            assert!(parse_redirect_url(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_a_browser_would_execute_or_open_is_refused() {
        for text in [
            "javascript:alert(1)",
            "JavaScript://lender.example/%0aalert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://lender.example/x",
            "view-source:https://lender.example",
            "FileSystem:https://lender.example/x",
            "about:blank",
            "ms-msdt:/id",
            "MS-Word:ofe|u|https://lender.example/x",
            "search-ms:query=x",
            "shell:startup",
            "//lender.example",
            "/back",
            "lender",
            "lender:",
            "https:lender.example",
            "https://",
            "1ender://x",
            "len_der://x",
            "https://lender.example/a b",
            "https://lender.example/\r\nset-cookie:a=b",
            "https://lender.example/é",
            "",
        ] {
            assert!(parse_redirect_url(text).is_none(), "{text:?}");
        }
    }
}
