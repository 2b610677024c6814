//! Content that a message's signature has to cover: the body, or for a GET its path or URL
//! (`docs/sources.md#rebit-headers`).

/// Content of a message, as a signature may cover it.
#[derive(Debug)]
pub(crate) enum SignedContent<'a> {
    /// The body, with the target of the request if it is known.
    Body(&'a [u8], Option<&'a RequestTarget>),
    /// Path or URL of a GET.
    Target(&'a RequestTarget),
}

/// Path and URL of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestTarget {
    pub method: String,
    /// Scheme and host, such as `http://127.0.0.1:8080`.
    pub origin: Option<String>,
    /// Path and query as they were sent.
    pub path_and_query: String,
    /// World and base path, with which `path_and_query` begins.
    pub mount: String,
    /// Other prefixes under which the same call is served.
    pub other_mounts: Vec<String>,
}

/// A form of a request target, with its description.
pub(super) type TargetForm = (String, String);

impl RequestTarget {
    /// Returns the texts whose signature is accepted: path and URL as sent, and the path without the
    /// mount, each with the query or without.
    pub(crate) fn accepted_forms(&self) -> Vec<String> {
        let bare_path = self.bare_path();
        let mut forms = vec![self.path_and_query.clone(), bare_path.to_owned()];
        if let Some(origin) = &self.origin {
            forms.push(format!("{origin}{}", self.path_and_query));
        }
        forms.push(cut_query(&self.path_and_query).to_owned());
        forms.push(cut_query(bare_path).to_owned());
        let mut unique: Vec<String> = Vec::new();
        for form in forms {
            if !unique.contains(&form) {
                unique.push(form);
            }
        }
        unique
    }

    fn bare_path(&self) -> &str {
        self.path_and_query
            .strip_prefix(&self.mount)
            .unwrap_or(&self.path_and_query)
    }

    /// Returns every text that may have been signed instead, the plain ones first.
    pub(super) fn all_forms(&self) -> Vec<TargetForm> {
        let mut forms: Vec<TargetForm> = Vec::new();
        let mut mounts = vec![self.mount.as_str()];
        mounts.extend(
            std::iter::once("")
                .chain(self.other_mounts.iter().map(String::as_str))
                .filter(|mount| *mount != self.mount),
        );
        for (index, mount) in mounts.iter().enumerate() {
            let path = format!("{mount}{}", self.bare_path());
            let name = match (index, *mount) {
                (0, _) => "as sent".to_owned(),
                (_, "") => "without world and base path".to_owned(),
                (_, mount) => format!("below {mount}"),
            };
            for (query_name, path) in [
                ("", path.as_str()),
                (", without the query", cut_query(&path)),
            ] {
                self.push_spellings(&format!("{name}{query_name}"), path, &mut forms);
            }
        }
        let (path, query) = self
            .path_and_query
            .split_once('?')
            .unwrap_or((&self.path_and_query, ""));
        forms.push(("the query alone".to_owned(), query.to_owned()));
        let last = path.rsplit('/').next().unwrap_or_default();
        forms.push((
            "the last part of the path alone".to_owned(),
            last.to_owned(),
        ));
        let mut unique: Vec<TargetForm> = Vec::new();
        for form in forms {
            if !form.1.is_empty() && unique.iter().all(|known| known.1 != form.1) {
                unique.push(form);
            }
        }
        unique
    }

    /// Adds a path and its URL in the spellings that occur.
    fn push_spellings(&self, name: &str, path: &str, forms: &mut Vec<TargetForm>) {
        let mut add = |kind: &str, text: String| forms.push((format!("{kind} {name}"), text));
        add("the path", path.to_owned());
        if let Some(origin) = &self.origin {
            add("the full URL", format!("{origin}{path}"));
            let (scheme, host) = origin.split_once("://").unwrap_or(("http", origin));
            let other_scheme = if scheme == "https" { "http" } else { "https" };
            add(
                "the full URL with the other scheme",
                format!("{other_scheme}://{host}{path}"),
            );
            let name_of_host = host.rsplit_once(':').map_or(host, |(name, _)| name);
            add(
                "the full URL without the port",
                format!("{scheme}://{name_of_host}{path}"),
            );
            add("the URL without the scheme", format!("{host}{path}"));
        }
        add("the path in lower case", path.to_lowercase());
        add("the path in upper case", path.to_uppercase());
        if let Some(origin) = &self.origin {
            add(
                "the full URL in lower case",
                format!("{origin}{path}").to_lowercase(),
            );
        }
        add(
            "the path without its first slash",
            path.trim_start_matches('/').to_owned(),
        );
        add("the path with a slash at its end", format!("{path}/"));
        add(
            "the path without the slash at its end",
            path.trim_end_matches('/').to_owned(),
        );
        let method = &self.method;
        add("the method and the path", format!("{method} {path}"));
        add(
            "the method and the path without a space",
            format!("{method}{path}"),
        );
        add("the request line", format!("{method} {path} HTTP/1.1"));
        add("the percent-encoded path", encode_percent(path));
        add("the percent-decoded path", decode_percent(path));
        let (parent, _) = path.rsplit_once('/').unwrap_or_default();
        add("the parent of the path", parent.to_owned());
        for variable in ["{consentHandle}", "{id}", "{sessionId}"] {
            add("the template of the path", format!("{parent}/{variable}"));
        }
    }
}

fn cut_query(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

/// Encodes all but unreserved characters and slashes.
fn encode_percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

fn decode_percent(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
