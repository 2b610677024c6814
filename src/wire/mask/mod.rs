//! Owns the rule for secrets: which names carry one, and how a record is shown without it. Records
//! keep the exact bytes; the views, exports and logs that are made from them are masked.
//!
//! A name carries a secret if one of its words does. Words end at a change of case, at a digit and
//! at every other character. A masked body has the length of the original, so that offsets and
//! sizes stay true, and masked JSON stays JSON.

mod json;
mod multipart;
mod text;

use std::ops::Range;

use memchr::memmem;
use serde::de::IgnoredAny;

use self::json::find_in_json;
use self::text::{TextForm, find_in_text};
use crate::domain::journal_entry::CallRecord;
use crate::domain::operation::Operation;
use crate::domain::secret_names::{is_public_name, is_secret_header, is_secret_name};

/// Text in place of the value of a secret header.
pub(crate) const MASKED_HEADER: &str = "(masked)";

/// Byte in place of each byte of a secret.
const MASK: u8 = b'*';

/// The choice of a view with or without the secrets of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretDetail {
    Mask,
    Reveal,
}

/// Returns the headers with the values of secret ones replaced, and secrets in the others masked.
pub(crate) fn mask_headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    let masked = headers.iter().map(|(name, value)| {
        let value = if is_secret_header(name) {
            MASKED_HEADER.to_owned()
        } else if is_public_name(name) {
            value.clone()
        } else {
            mask_message(value)
        };
        (name.clone(), value)
    });
    masked.collect()
}

/// Returns a path with its query, or a URL, with the values of secret parameters masked at equal
/// length.
pub(crate) fn mask_target(target: &str) -> String {
    blank_text(target, &find_in_target(target, 0))
}

/// Returns a body with its secrets masked at equal length: JSON at any depth, forms, XML, multipart
/// forms, and text of no format, where more is masked than is needed.
pub(crate) fn mask_body(body: &[u8]) -> Vec<u8> {
    blank_bytes(body, &find_in_body(body, 0))
}

/// Returns a text of several formats with its secrets masked, as a body.
pub(crate) fn mask_text(text: &str) -> String {
    blank_text(text, &find_in_body(text.as_bytes(), 0))
}

/// Returns a sentence that may quote a URL or JSON with the secrets in it masked.
pub(crate) fn mask_message(text: &str) -> String {
    blank_text(text, &find_in_text(text.as_bytes(), TextForm::Message, 0))
}

/// Returns whether a body is encoded, so that its secrets cannot be found.
fn is_encoded(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-encoding")
            && !value.trim().is_empty()
            && !value.trim().eq_ignore_ascii_case("identity")
    })
}

/// Masks the request of a call, and what the answer to it repeats.
#[derive(Debug)]
pub(crate) struct RequestMask {
    /// Values of the request's secrets, raw and decoded.
    values: Vec<Vec<u8>>,
    body: Vec<Secret>,
}

impl RequestMask {
    /// Finds the secrets of a request.
    pub(crate) fn new(headers: &[(String, String)], target: &str, body: &[u8]) -> Self {
        let body_secrets = if is_encoded(headers) && !body.is_empty() {
            vec![Secret::text(0..body.len())]
        } else {
            find_in_body(body, 0)
        };
        let mut values = Vec::new();
        let secret_headers = headers.iter().filter(|(name, _)| is_secret_header(name));
        for (_, value) in secret_headers {
            add_header_values(&mut values, value);
        }
        for secret in find_in_target(target, 0) {
            let value = &target[secret.range];
            add_values(&mut values, [value.as_bytes(), &decode_percent(value)]);
        }
        for secret in &body_secrets {
            let value = &body[secret.range.clone()];
            add_values(&mut values, [value]);
            if let Ok(text) = std::str::from_utf8(value) {
                add_values(&mut values, [&*decode_percent(text)]);
                let decoded: Option<String> = serde_json::from_str(&format!("\"{text}\"")).ok();
                add_values(&mut values, decoded.as_deref().map(str::as_bytes));
            }
        }
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Self {
            values,
            body: body_secrets,
        }
    }

    /// Returns the mask of headers all of which are secrets.
    pub(crate) fn for_headers<'a>(headers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut values = Vec::new();
        for value in headers {
            add_header_values(&mut values, value);
        }
        Self {
            values,
            body: Vec::new(),
        }
    }

    /// Finds the secrets of a recorded call. A login without a known format is a secret as a whole.
    pub(crate) fn for_record(call: &CallRecord) -> Self {
        let mut mask = Self::new(&call.headers.to_list(), &call.path, &call.request_body);
        let is_login = matches!(
            call.operation,
            Operation::Login | Operation::LoginRefresh | Operation::Token
        );
        let length = call.request_body.len();
        let is_json = serde_json::from_slice::<IgnoredAny>(&call.request_body).is_ok();
        if is_login && mask.body.is_empty() && !is_json && length > 0 {
            mask.body.push(Secret::text(0..length));
        }
        mask
    }

    /// Returns the body of the request with its secrets masked.
    pub(crate) fn mask_request(&self, body: &[u8]) -> Vec<u8> {
        blank_bytes(body, &self.body)
    }

    /// Returns the body of the answer with its own secrets masked, and those of the request that
    /// an error repeats.
    pub(crate) fn mask_answer(&self, body: &[u8]) -> Vec<u8> {
        let masked = mask_body(body);
        blank_bytes(&masked, &self.find_repeated(&masked))
    }

    /// Returns a text with what it repeats of the request's secrets masked.
    pub(crate) fn mask_repeated(&self, text: &str) -> String {
        blank_text(text, &self.find_repeated(text.as_bytes()))
    }

    /// Returns a message about the request with its secrets masked.
    pub(crate) fn mask_message(&self, text: &str) -> String {
        let masked = mask_message(text);
        blank_text(&masked, &self.find_repeated(masked.as_bytes()))
    }

    /// Finds the values of the request in another text. Short ones and numbers count only in
    /// quotes, since they are a part of times and ids too.
    fn find_repeated(&self, text: &[u8]) -> Vec<Secret> {
        let mut found = Vec::new();
        for value in &self.values {
            let is_distinct = value.len() >= 6 && !value.iter().all(u8::is_ascii_digit);
            for start in memmem::find_iter(text, value) {
                let end = start + value.len();
                let before = start.checked_sub(1).map(|at| text[at]);
                let after = text.get(end).copied();
                let is_quote = |byte: Option<u8>| matches!(byte, Some(b'\'' | b'"' | b'`' | b'\\'));
                let is_open =
                    |byte: Option<u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
                if (is_distinct && is_open(before) && is_open(after))
                    || (is_quote(before) && is_quote(after))
                {
                    found.push(Secret::text(start..end));
                }
            }
        }
        found
    }
}

/// Most texts within texts that are read, such as a URL in a parameter of a URL. What is deeper counts
/// as a secret.
const DEPTH_MAX: usize = 32;

/// Shortest value that is looked for in an answer, in bytes.
const REPEATED_VALUE_MIN: usize = 4;

/// Adds the secrets in the value of a header. The credentials follow the scheme; a list of cookies
/// is split too.
fn add_header_values(values: &mut Vec<Vec<u8>>, value: &str) {
    for part in value.split([' ', ';', ',']) {
        let pair_value = part.split_once('=').map_or("", |(_, value)| value);
        add_values(values, [part.as_bytes(), pair_value.as_bytes()]);
    }
}

fn add_values<'a>(values: &mut Vec<Vec<u8>>, new: impl IntoIterator<Item = &'a [u8]>) {
    for value in new {
        let is_word = matches!(
            value.to_ascii_lowercase().as_slice(),
            b"bearer" | b"basic" | b"null" | b"true" | b"false"
        );
        if value.len() >= REPEATED_VALUE_MIN && !is_word && !value.iter().all(|byte| *byte == MASK)
        {
            values.push(value.to_vec());
        }
    }
}

fn find_bytes(text: &[u8], part: &[u8]) -> Option<usize> {
    memmem::find(text, part)
}

fn blank_text(text: &str, secrets: &[Secret]) -> String {
    let bytes = blank_bytes(text.as_bytes(), secrets);
    // A secret that ends within a character leaves a part of it.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A secret within a text.
#[derive(Clone, Debug)]
struct Secret {
    range: Range<usize>,
    form: SecretForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SecretForm {
    Text,
    /// A number of JSON.
    Number,
}

impl Secret {
    const fn text(range: Range<usize>) -> Self {
        Self {
            range,
            form: SecretForm::Text,
        }
    }
}

/// Replaces each byte of the secrets. A number of JSON becomes a string of the same length, so that
/// the text stays JSON.
fn blank_bytes(text: &[u8], secrets: &[Secret]) -> Vec<u8> {
    let mut masked = text.to_vec();
    for Secret { range, form } in secrets {
        let secret = &mut masked[range.clone()];
        match form {
            SecretForm::Text => secret.fill(MASK),
            SecretForm::Number => match secret {
                [first, middle @ .., last] => {
                    middle.fill(MASK);
                    (*first, *last) = (b'"', b'"');
                }
                [digit] => *digit = b'0',
                [] => {}
            },
        }
    }
    masked
}

/// The path before the id of a customer's visit.
const VISIT_PATH: &str = "/aa/visits/";

/// The path of the web SDK, whose config is Base64 and has tokens.
const SDK_PATH: &str = "/view";

/// Finds the secrets in a path with its query, or in a URL.
fn find_in_target(target: &str, depth: usize) -> Vec<Secret> {
    let mut secrets = Vec::new();
    let (path, query) = match target.find('?') {
        Some(at) => (&target[..at], Some(at + 1)),
        None => (target, None),
    };
    if let Some(start) = path.find("://").map(|at| at + 3) {
        let end = path[start..].find('/').map_or(path.len(), |at| start + at);
        if let Some(at) = path[start..end].rfind('@') {
            secrets.push(Secret::text(start..start + at));
        }
    }
    // The id of a customer's visit is all that its pages need.
    if let Some(start) = path.find(VISIT_PATH).map(|at| at + VISIT_PATH.len()) {
        let end = path[start..].find('/').map_or(path.len(), |at| start + at);
        secrets.push(Secret::text(start..end));
    }
    // Parameters of a path, as in `/a;token=x/b`.
    find_parameters(target, 0..path.len(), &['/', ';', '&'], depth, &mut secrets);
    if let Some(start) = query {
        find_parameters(target, start..target.len(), &['&'], depth, &mut secrets);
        if path.ends_with(SDK_PATH) {
            find_configs(target, start, &mut secrets);
        }
    }
    secrets
}

/// Finds the values of the parameters `config`.
fn find_configs(target: &str, query: usize, secrets: &mut Vec<Secret>) {
    let mut start = query;
    for part in target[query..].split('&') {
        if let Some((name, value)) = part.split_once('=')
            && decode_percent(name) == b"config"
        {
            let value_start = start + name.len() + 1;
            secrets.push(Secret::text(value_start..value_start + value.len()));
        }
        start += part.len() + 1;
    }
}

fn find_parameters(
    text: &str,
    range: Range<usize>,
    separators: &[char],
    depth: usize,
    secrets: &mut Vec<Secret>,
) {
    let mut start = range.start;
    for part in text[range].split(separators) {
        if let Some((name, value)) = part.split_once('=') {
            let value_start = start + name.len() + 1;
            // The padding of Base64 is no value.
            let is_padding = value.bytes().all(|byte| byte == b'=');
            if !is_padding && is_secret_parameter(name, value, depth) {
                secrets.push(Secret::text(value_start..value_start + value.len()));
            }
        }
        start += part.len() + 1;
    }
}

/// Returns whether a parameter carries a secret: by its name, or within its value.
fn is_secret_parameter(name: &str, value: &str, depth: usize) -> bool {
    let name = decode_percent(name);
    let name = String::from_utf8_lossy(&name);
    !is_public_name(&name)
        && (is_secret_name(&name) || contains_secret(&decode_percent(value), depth))
}

/// Returns whether a text that is the value of something else has secrets of its own, such as JSON
/// in a string or a URL with a query. `depth` counts the texts around that value.
fn contains_secret(text: &[u8], depth: usize) -> bool {
    let depth = depth + 1;
    if depth > DEPTH_MAX {
        return true;
    }
    let text = text.trim_ascii();
    if matches!(text.first(), Some(b'{' | b'[')) {
        return !find_in_body(text, depth).is_empty();
    }
    if text.iter().any(|byte| matches!(byte, b' ' | b'\n' | b'<')) {
        // A sentence or XML. It is read in one way only, or the time would double with each depth.
        return !find_in_text(text, TextForm::Message, depth).is_empty();
    }
    let form = std::str::from_utf8(text).ok();
    form.is_some_and(|form| !find_in_target(form, depth).is_empty())
}

/// Decodes a value of a query or form (`application/x-www-form-urlencoded`).
fn decode_percent(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = hex
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let plain = if bytes[at] == b'+' { b' ' } else { bytes[at] };
        decoded.push(byte.unwrap_or(plain));
        at += if byte.is_some() { 3 } else { 1 };
    }
    decoded
}

/// Finds the secrets in a body.
fn find_in_body(body: &[u8], depth: usize) -> Vec<Secret> {
    if body.contains(&0) {
        // UTF-16 and UTF-32 have zeros between the letters.
        let letters: Vec<u8> = body.iter().copied().filter(|byte| *byte != 0).collect();
        return if find_in_body(&letters, depth).is_empty() {
            Vec::new()
        } else {
            vec![Secret::text(0..body.len())]
        };
    }
    if serde_json::from_slice::<IgnoredAny>(body).is_ok() {
        find_in_json(body, depth)
    } else {
        find_in_text(body, TextForm::Body, depth)
    }
}

#[cfg(test)]
mod tests {
    use super::{MASKED_HEADER, RequestMask, mask_body, mask_headers, mask_message, mask_target};

    #[test]
    fn json_is_masked_in_place_at_any_depth() {
        for (body, expected) in [
            (
                r#"{"b":"x", "password" : "hunter2","a":[{"OTP":"12\n"}]}"#,
                r#"{"b":"x", "password" : "*******","a":[{"OTP":"****"}]}"#,
            ),
            (
                r#"{"otp":123456,"pass":1,"x":1}"#,
                r#"{"otp":"****","pass":0,"x":1}"#,
            ),
            (
                r#"{"credentials":{"user":"u","list":["a",null,true,-1.5]}}"#,
                r#"{"credentials":{"user":"*","list":["*",null,true,"**"]}}"#,
            ),
            (r#"{"pass\u0077ord":"x"}"#, r#"{"pass\u0077ord":"*"}"#),
            (
                r#"{"text":"{\"password\":\"x\"}","url":"http://h/?token=x"}"#,
                r#"{"text":"********************","url":"*****************"}"#,
            ),
            (
                r#"{"KeyMaterial":{"token":"public"},"publicKeys":[{"kid":"a","secret":"b"}]}"#,
                r#"{"KeyMaterial":{"token":"public"},"publicKeys":[{"kid":"a","secret":"b"}]}"#,
            ),
            (
                r#"{"signature":"bm9Otp==","token":"","note":"the token: is missing"}"#,
                r#"{"signature":"bm9Otp==","token":"","note":"the token: is missing"}"#,
            ),
            (
                r#"{"e":"GET http://h/?token=x failed","f":"Authorization: Bearer x"}"#,
                r#"{"e":"****************************","f":"***********************"}"#,
            ),
            (
                r#"{"e":"bad {\"password\":\"x\"}","f":"<a><otp>x</otp></a>"}"#,
                r#"{"e":"************************","f":"*******************"}"#,
            ),
            (
                r#"{"q":"login(password: \"x\")","s":"sid=1; token=x"}"#,
                r#"{"q":"**********************","s":"**************"}"#,
            ),
            ("\"a=b\"", "\"a=b\""),
        ] {
            let masked = String::from_utf8(mask_body(body.as_bytes())).expect("text");
            assert_eq!(masked, expected, "{body}");
            assert_eq!(masked.len(), body.len());
        }
    }

    #[test]
    fn json_is_read_to_any_depth() {
        let nest = |value: &str| format!("{}{value}{}", "[".repeat(500_000), "]".repeat(500_000));
        let masked = mask_body(nest(r#"{"otp":"1"},"x""#).as_bytes());
        assert_eq!(masked, nest(r#"{"otp":"*"},"x""#).as_bytes());
    }

    #[test]
    fn other_texts_are_masked_conservatively() {
        for (body, expected) in [
            ("id=a&secret=b%20c&x=1", "id=a&secret=*****&x=1"),
            ("client%5Fsecret=b", "client%5Fsecret=*"),
            ("user[password]=b c", "user[password]=***"),
            ("otp[]=x&password[0]=y", "otp[]=*&password[0]=*"),
            ("user[password][x]=y&a=b", "user[password][x]=*&a=b"),
            ("otp+=x", "otp+=*"),
            (r#"{"password":"hunter2","#, r#"{"password":"*******","#),
            (r#"{"password":"hunt"#, r#"{"password":"****"#),
            (r#"{"otp":123456,"x":"#, r#"{"otp":******,"x":"#),
            (
                r#"{"token":{"a":"}x"},"b":1"#,
                r#"{"token":**********,"b":1"#,
            ),
            ("x\npassword: a b, c\ny", "x\npassword: ******\ny"),
            ("Authorization: Bearer x", "Authorization: ********"),
            (
                "<a><password>x&amp;</password></a>",
                "<a><password>******</password></a>",
            ),
            (
                "<password>A<![CDATA[</password>]]>B</password>c",
                "<password>*************************</password>c",
            ),
            (
                "<otp>1<!-- </otp> -->2<otp>3</otp><x:otp/>4</otp>5",
                "<otp>**************************************</otp>5",
            ),
            ("<b:otp n='1'>1<c/></b:otp>", "<b:otp n='1'>*****</b:otp>"),
            (
                "<u password=\"x y\" id='1'/>",
                "<u password=\"***\" id='1'/>",
            ),
            (
                "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nx\r\n--b--",
                "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n**\n--b--",
            ),
            (
                r#"log: "{\"token\":\"x\"}" end"#,
                r#"log: "{\"token\":\"*\"}" end"#,
            ),
            ("p\0w\0d\0=\0x\0", "**********"),
            ("nothing=here", "nothing=here"),
        ] {
            let masked = String::from_utf8(mask_body(body.as_bytes())).expect("text");
            assert_eq!(masked, expected, "{body}");
        }
    }

    #[test]
    fn targets_headers_and_messages_are_masked() {
        for (target, expected) in [
            ("/a?access_token=x&b=1", "/a?access_token=*&b=1"),
            ("/a?access%5Ftoken=x", "/a?access%5Ftoken=*"),
            ("/a?b=1;token=x", "/a?b=*********"),
            ("/a?data=%7B%22otp%22%3A1%7D", "/a?data=*******************"),
            ("/a;token=x/b?kid=1", "/a;token=*/b?kid=1"),
            ("http://u:p@h/a?apiKey=x#f", "http://***@h/a?apiKey=***"),
            (
                "/iam/v1/entity/token/generate",
                "/iam/v1/entity/token/generate",
            ),
        ] {
            assert_eq!(mask_target(target), expected);
        }
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            mask_headers(&[
                header("X-Api-Key", "x"),
                header("referer", "http://h/?token=x y"),
                header("x-jws-signature", "a..b"),
            ]),
            [
                header("X-Api-Key", MASKED_HEADER),
                header("referer", "http://h/?token=* y"),
                header("x-jws-signature", "a..b"),
            ]
        );
        assert_eq!(
            mask_message("GET /a?data=%7B%22otp%22%3A1%7D -> 404"),
            "GET /a?data=******************* -> 404"
        );
        assert_eq!(
            mask_message("error for url (http://h/?token=x): refused; the token: gone"),
            "error for url (http://h/?token=*): refused; the token: gone"
        );
    }

    #[test]
    fn an_answer_does_not_repeat_a_secret_of_its_request() {
        let headers = [("authorization".to_owned(), "Bearer abc-def".to_owned())];
        let mask = RequestMask::new(&headers, "/a?otp=4321", br#"{"password":123456}"#);
        let answer = br#"{"error":"abc-def, '4321' and `123456` are wrong","n":4321}"#;
        assert_eq!(
            String::from_utf8(mask.mask_answer(answer)).expect("text"),
            r#"{"error":"*******, '****' and `******` are wrong","n":4321}"#
        );
        assert_eq!(mask.mask_message("got abc-def"), "got *******");
    }

    #[test]
    fn texts_within_texts_are_read_to_a_bound() {
        let nested = |levels: usize, innermost: &str| format!("{}{innermost}", "a=".repeat(levels));
        assert_eq!(mask_target(&nested(20, "b")), nested(20, "b"));
        assert_eq!(
            mask_target(&nested(20, "otp=123")),
            "a=".to_owned() + &"*".repeat(45)
        );
        // What is deeper counts as a secret; no depth ends the program.
        assert_eq!(
            mask_target(&nested(40, "b")),
            "a=".to_owned() + &"*".repeat(79)
        );
        for part in ["a=", "a?a=", "a?a=a&", "%257B%22a=", "{\\\"a\\\":\\\""] {
            let text = part.repeat(30_000);
            assert_eq!(mask_target(&text).len(), text.len());
            let body = format!("{{\"x\":\"{text}\"}}");
            assert_eq!(mask_body(body.as_bytes()).len(), body.len());
        }
    }

    /// The size of a body in the journal. With a search that begins anew at each name, this takes
    /// minutes.
    #[test]
    fn bodies_of_repeated_names_and_tags_are_masked() {
        let repeat = |part: &str| part.repeat(65_536 / part.len());
        let stars = |text: &str| "*".repeat(text.len());
        for (head, part, is_masked) in [
            ("", "otp ", false),
            ("Content-Disposition: name=", "otp ", false),
            ("<otp ", "<otp ", true),
            ("<otp>", "<", true),
            ("<otp>", "</", true),
            ("<otp>", "<otp", true),
            ("<otp>", "<!--", true),
            ("", "\\\"", false),
            ("otp=", "\\", true),
            ("\"otp\":", "[\"", true),
        ] {
            let text = repeat(part);
            let masked = mask_body(format!("{head}{text}").as_bytes());
            let masked = String::from_utf8(masked).expect("text");
            let expected = if is_masked { stars(&text) } else { text };
            assert!(
                masked == format!("{head}{expected}"),
                "{head}{part}: {}",
                &masked[..40]
            );
        }
    }
}
