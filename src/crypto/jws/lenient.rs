//! Lenient reading of an `x-jws-signature`. Each deviation from `header..signature` in base64url is a
//! finding, and what can be read behind it is read.

use serde_json::Value;

use crate::crypto::base64::decode_any;

/// Parts of a signature that was read leniently.
#[derive(Debug, Default)]
pub(super) struct LenientJws {
    /// Header as it is in the value; `None` if there is none.
    pub header_text: Option<String>,
    /// Header decoded from base64; empty if that is not possible.
    pub header: Vec<u8>,
    /// Payload that is still in the value.
    pub payload_text: Option<String>,
    /// Byte strings that may be the signature, each with the finding that it implies.
    pub signatures: Vec<(Vec<u8>, Option<&'static str>)>,
    /// Deviations from the form.
    pub findings: Vec<String>,
}

/// Longest value that is read, in bytes.
const VALUE_BYTES_MAX: usize = 64 * 1024;

impl LenientJws {
    /// Reads the value of the header.
    pub(super) fn parse(value: &str) -> Self {
        let mut jws = Self::default();
        if value.len() > VALUE_BYTES_MAX {
            let length = value.len();
            jws.findings.push(format!(
                "the value has {length} bytes, more than are read; send header..signature only"
            ));
            return jws;
        }
        let text = jws.remove_wrapping(value);
        jws.split_parts(&text);
        jws
    }

    /// Returns a member of the header.
    pub(super) fn header_fields(&self) -> Option<Value> {
        serde_json::from_slice(&self.header)
            .ok()
            .filter(Value::is_object)
    }

    /// Removes what surrounds a JWS.
    fn remove_wrapping(&mut self, value: &str) -> String {
        let mut text = value.trim();
        if text.len() < value.len() {
            self.note("there is white space around the value; trim it");
        }
        for prefix in ["x-jws-signature:", "bearer", "signature", "jws"] {
            let head = text.get(..prefix.len()).unwrap_or_default();
            let rest = &text[head.len()..];
            if head.eq_ignore_ascii_case(prefix) && rest.starts_with([' ', ':', '=']) {
                let prefix = &text[..prefix.len()];
                self.findings.push(format!(
                    "the value begins with `{prefix}`; send the JWS alone"
                ));
                text = rest.trim_start_matches([' ', ':', '=']);
            }
        }
        for quote in ['"', '\''] {
            let inner = text
                .strip_prefix(quote)
                .and_then(|rest| rest.strip_suffix(quote));
            if let Some(inner) = inner {
                self.note("the value is in quotes; remove them");
                text = inner.trim();
            }
        }
        if text.starts_with('{') {
            return text.to_owned();
        }
        let mut text = text.to_owned();
        for (code, character) in [("%3D", "="), ("%2B", "+"), ("%2F", "/"), ("%2E", ".")] {
            for code in [code.to_owned(), code.to_lowercase()] {
                if text.contains(&code) {
                    self.note("the value is percent-encoded; send it as it is");
                    text = text.replace(&code, character);
                }
            }
        }
        if text.contains(|c: char| c.is_ascii_whitespace()) {
            self.note("there is white space inside the value; send it in one line");
            text.retain(|c| !c.is_ascii_whitespace());
        }
        text
    }

    fn note(&mut self, finding: &str) {
        if self.findings.iter().all(|known| known != finding) {
            self.findings.push(finding.to_owned());
        }
    }

    fn split_parts(&mut self, text: &str) {
        if text.starts_with('{') {
            return self.read_json(text);
        }
        let parts: Vec<_> = text.split('.').collect();
        match parts[..] {
            [header, payload, signature] => {
                if !payload.is_empty() {
                    self.note(
                        "the middle part is not empty; remove the payload and keep both dots",
                    );
                    self.payload_text = Some(payload.to_owned());
                }
                self.read_header(header);
                self.read_signature(signature);
            }
            [header, signature] if !signature.is_empty() => {
                self.note(
                    "the value has one dot; a detached JWS is header..signature, with two dots",
                );
                self.read_header(header);
                self.read_signature(signature);
            }
            [signature] if !signature.is_empty() => {
                self.note(
                    "the value has no dot: it is a bare signature without a JWS header; send header..signature",
                );
                self.read_signature(signature);
            }
            _ if text.is_empty() => {
                self.note("the value is empty; send header..signature");
            }
            _ => {
                let hint = if parts.len() == 5 {
                    "; five parts are an encrypted JWE, and a signature is a JWS"
                } else {
                    ""
                };
                self.findings.push(format!(
                    "a JWS has three parts, separated by two dots; this has {} part(s){hint}",
                    text.split('.').filter(|part| !part.is_empty()).count()
                ));
            }
        }
    }

    /// Reads a JWS in JSON (RFC 7515, section 7.2), or a header that is not encoded.
    fn read_json(&mut self, text: &str) {
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            self.note("the value is a JWS in JSON; send it in the compact form header..signature");
            let signer = match &value["signatures"] {
                Value::Array(signers) if !signers.is_empty() => &signers[0],
                _ => &value,
            };
            let payload = value["payload"].as_str().filter(|text| !text.is_empty());
            self.payload_text = payload.map(str::to_owned);
            if let Some(header) = signer["protected"].as_str() {
                self.read_header(header);
            }
            self.read_signature(signer["signature"].as_str().unwrap_or_default());
            return;
        }
        let end = text.rfind('}').map_or(0, |index| index + 1);
        let (header, rest) = text.split_at(end);
        if let (Ok(Value::Object(_)), Some((_, signature))) =
            (serde_json::from_str(header), rest.rsplit_once('.'))
        {
            self.note("the header is plain JSON; encode it in base64url");
            self.header_text = Some(header.to_owned());
            self.header = header.as_bytes().to_vec();
            self.read_signature(signature);
        } else {
            self.note("the value begins with `{` but is no JSON; send header..signature");
        }
    }

    fn read_header(&mut self, text: &str) {
        self.check_alphabet("header", text);
        self.header_text = Some(text.to_owned());
        match decode_any(text) {
            Some(header) => self.header = header,
            None => self.note("the header is not base64url"),
        }
        if self.header_fields().is_none() {
            self.note("the decoded header is not a JSON object");
        }
    }

    fn check_alphabet(&mut self, part: &str, text: &str) {
        if text.contains(['+', '/']) {
            self.findings.push(format!(
                "the {part} is in standard base64; use base64url, with - and _ for + and /"
            ));
        }
        if text.ends_with('=') {
            self.findings.push(format!(
                "the {part} has the padding `=`; base64url has none"
            ));
        }
    }

    fn read_signature(&mut self, text: &str) {
        if text.is_empty() {
            return self.note("the signature part is empty");
        }
        self.check_alphabet("signature", text);
        if let Some(bytes) = decode_hex(text) {
            let finding = "the signature is in hexadecimal; encode its bytes in base64url";
            self.signatures.push((bytes, Some(finding)));
        }
        let Some(bytes) = decode_any(text) else {
            if self.signatures.is_empty() {
                self.note("the signature is not base64url");
            }
            return;
        };
        let inner_text = std::str::from_utf8(&bytes).ok().map(str::trim);
        let inner_hex = inner_text.and_then(decode_hex);
        let inner_base64 = inner_text.and_then(decode_any);
        let reversed = bytes.iter().rev().copied().collect();
        self.signatures.push((bytes, None));
        self.signatures.extend(inner_hex.map(|bytes| {
            let finding = "the signature is hexadecimal text in base64; encode the bytes instead";
            (bytes, Some(finding))
        }));
        self.signatures.extend(inner_base64.map(|bytes| {
            let finding = "the signature is encoded in base64 twice; encode it once";
            (bytes, Some(finding))
        }));
        let finding =
            "the bytes of the signature are in reverse order (Windows CryptoAPI); reverse them";
        self.signatures.push((reversed, Some(finding)));
    }
}

/// Decodes hexadecimal text of at least 20 bytes.
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let is_hex = text.len() >= 40
        && text.len().is_multiple_of(2)
        && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parse_byte = |index| u8::from_str_radix(&text[index..index + 2], 16).ok();
    is_hex.then(|| (0..text.len()).step_by(2).filter_map(parse_byte).collect())
}
