//! The search for the bytes that a signature covers. A candidate combines a text, an encoding of the
//! payload, a frame and a header; the plain combinations come first. Each costs one hash.

use serde_json::Value;

use crate::crypto::base64;
use crate::crypto::jws::recovery::{DigestForm, Evidence, HashFunction, encode_hex};
use crate::crypto::jws::signed_content::SignedContent;
use crate::domain::json_text::{
    Escapes, JsonNode, JsonStyle, KeyOrder, Layout, NullMembers, Numbers, edit_json_text,
};

/// A text that may have been signed, with its description.
#[derive(Clone, Debug)]
pub(super) struct CandidateText {
    pub bytes: Vec<u8>,
    pub description: String,
    /// `true` for the bytes that the signature has to cover.
    pub is_expected: bool,
}

impl CandidateText {
    fn new(description: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            description: description.into(),
            is_expected: false,
        }
    }

    /// Returns the text after a change.
    fn with_change(&self, change: &str, bytes: Vec<u8>) -> Self {
        Self::new(format!("{}, {change}", self.description), bytes)
    }
}

/// Encoding of the payload in the signing input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PayloadForm {
    Raw,
    Base64Url,
    Base64UrlPadded,
    Base64,
    Base64Unpadded,
    /// Standard base64 in lines of 76 characters that end in this text.
    Base64Lines(&'static str),
    /// Base64url of base64url, and standard base64 of standard base64.
    Base64UrlTwice,
    Base64Twice,
    Base64UrlOfBase64,
    Base64OfBase64Url,
    Hex,
    UpperHex,
    Sha256,
    Sha256Hex,
    Sha256UpperHex,
    Sha256Base64,
    Sha256Base64Url,
}

impl PayloadForm {
    const ALL: [Self; 18] = [
        Self::Raw,
        Self::Base64Url,
        Self::Base64,
        Self::Base64UrlPadded,
        Self::Base64Unpadded,
        Self::Base64UrlTwice,
        Self::Base64Twice,
        Self::Base64UrlOfBase64,
        Self::Base64OfBase64Url,
        Self::Base64Lines("\r\n"),
        Self::Base64Lines("\n"),
        Self::Hex,
        Self::UpperHex,
        Self::Sha256,
        Self::Sha256Hex,
        Self::Sha256UpperHex,
        Self::Sha256Base64,
        Self::Sha256Base64Url,
    ];

    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Base64Url => "in base64url",
            Self::Base64UrlPadded => "in base64url with padding",
            Self::Base64 => "in standard base64",
            Self::Base64Unpadded => "in standard base64 without padding",
            Self::Base64Lines(_) => "in standard base64 with line breaks",
            Self::Base64UrlTwice => "in base64url twice",
            Self::Base64Twice => "in standard base64 twice",
            Self::Base64UrlOfBase64 => "in standard base64 and that in base64url (base64 twice)",
            Self::Base64OfBase64Url => "in base64url and that in standard base64 (base64 twice)",
            Self::Hex => "in hexadecimal",
            Self::UpperHex => "in hexadecimal in upper case",
            Self::Sha256 => "as its SHA-256 digest",
            Self::Sha256Hex => "as its SHA-256 digest in hexadecimal",
            Self::Sha256UpperHex => "as its SHA-256 digest in hexadecimal in upper case",
            Self::Sha256Base64 => "as its SHA-256 digest in standard base64",
            Self::Sha256Base64Url => "as its SHA-256 digest in base64url",
        }
    }

    fn encode(self, bytes: &[u8]) -> Vec<u8> {
        let digest = || HashFunction::Sha256.hash(&[bytes]);
        let text = match self {
            Self::Raw => return bytes.to_vec(),
            Self::Sha256 => return digest().as_ref().to_vec(),
            Self::Base64Url => base64::url_encode(bytes),
            Self::Base64UrlPadded => base64::url_encode_padded(bytes),
            Self::Base64 => base64::encode(bytes),
            Self::Base64Unpadded => base64::encode(bytes).trim_end_matches('=').to_owned(),
            Self::Base64Lines(end) => {
                let text = base64::encode(bytes);
                let lines: Vec<_> = text
                    .as_bytes()
                    .chunks(76)
                    .map(String::from_utf8_lossy)
                    .collect();
                let last = if end == "\n" { end } else { "" };
                lines.join(end) + last
            }
            Self::Base64UrlTwice => base64::url_encode(base64::url_encode(bytes).as_bytes()),
            Self::Base64Twice => base64::encode(base64::encode(bytes).as_bytes()),
            Self::Base64UrlOfBase64 => base64::url_encode(base64::encode(bytes).as_bytes()),
            Self::Base64OfBase64Url => base64::encode(base64::url_encode(bytes).as_bytes()),
            Self::Hex => encode_hex(bytes),
            Self::UpperHex => encode_hex(bytes).to_uppercase(),
            Self::Sha256Hex => encode_hex(digest().as_ref()),
            Self::Sha256UpperHex => encode_hex(digest().as_ref()).to_uppercase(),
            Self::Sha256Base64 => base64::encode(digest().as_ref()),
            Self::Sha256Base64Url => base64::url_encode(digest().as_ref()),
        };
        text.into_bytes()
    }
}

/// Arrangement of header and payload in the signing input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// `header.payload`, as RFC 7515 demands.
    Standard,
    PayloadAlone,
    NoDot,
    TwoDots,
    DotAtEnd,
    PayloadFirst,
    HeaderAlone,
}

impl Frame {
    const ALL: [Self; 7] = [
        Self::Standard,
        Self::PayloadAlone,
        Self::NoDot,
        Self::TwoDots,
        Self::DotAtEnd,
        Self::PayloadFirst,
        Self::HeaderAlone,
    ];

    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::Standard => "after the header and a dot",
            Self::PayloadAlone => "alone, without the header",
            Self::NoDot => "after the header without a dot between them",
            Self::TwoDots => "after the header and two dots",
            Self::DotAtEnd => "after the header and a dot, with another dot at the end",
            Self::PayloadFirst => "before the header, with a dot between them",
            Self::HeaderAlone => "not at all: the header alone was signed",
        }
    }

    fn arrange<'a>(self, header: &'a [u8], payload: &'a [u8]) -> [&'a [u8]; 4] {
        match self {
            Self::Standard => [header, b".", payload, b""],
            Self::PayloadAlone => [payload, b"", b"", b""],
            Self::NoDot => [header, payload, b"", b""],
            Self::TwoDots => [header, b"..", payload, b""],
            Self::DotAtEnd => [header, b".", payload, b"."],
            Self::PayloadFirst => [payload, b".", header, b""],
            Self::HeaderAlone => [header, b"", b"", b""],
        }
    }
}

/// Header in the signing input, with the description of its difference from the one that was sent.
#[derive(Clone, Debug)]
pub(super) struct HeaderForm {
    text: String,
    pub difference: Option<String>,
}

impl HeaderForm {
    fn other(difference: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            difference: Some(difference.into()),
        }
    }
}

/// Bytes that a signature covers, as the search has found them.
#[derive(Clone, Debug)]
pub(super) struct SignedBytes {
    /// Index of the evidence that matched.
    pub evidence: usize,
    pub text: CandidateText,
    pub payload: PayloadForm,
    pub frame: Frame,
    pub header_difference: Option<String>,
    pub digest: DigestForm,
}

/// Header of the signature to be explained.
#[derive(Debug, Default)]
pub(super) struct SearchedHeader {
    /// Text as it was sent; `None` if the signature came without one.
    pub text: Option<String>,
    pub decoded: Vec<u8>,
    pub fields: Option<Value>,
    /// Key ids with which the sender may have built another header.
    pub kids: Vec<String>,
    /// Payload that is still in the value.
    pub payload: Option<String>,
}

/// The search: evidence on one side, hashed bytes on the other.
pub(super) struct Search<'a> {
    evidence: &'a [Evidence],
    header: HeaderForm,
    has_header: bool,
    /// Number of bytes that may still be hashed.
    budget: usize,
    /// `true` if the budget did not suffice for every candidate.
    pub is_cut: bool,
    pub candidate_count: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(evidence: &'a [Evidence], header: &SearchedHeader, budget: usize) -> Self {
        Self {
            evidence,
            header: HeaderForm {
                text: header.text.clone().unwrap_or_default(),
                difference: None,
            },
            has_header: header.text.is_some(),
            budget,
            is_cut: false,
            candidate_count: 0,
        }
    }

    /// Searches all candidates, the plain ones first.
    pub(super) fn find_signed_bytes(
        &mut self,
        content: &SignedContent<'_>,
        header: &SearchedHeader,
    ) -> Option<SignedBytes> {
        const PLAIN_FORMS: [PayloadForm; 2] = [PayloadForm::Raw, PayloadForm::Base64Url];
        const COMMON_FORMS: [PayloadForm; 3] = [
            PayloadForm::Raw,
            PayloadForm::Base64Url,
            PayloadForm::Base64,
        ];
        const PLAIN_FRAMES: [Frame; 2] = [Frame::Standard, Frame::PayloadAlone];
        const COMMON_FRAMES: [Frame; 3] = [Frame::Standard, Frame::PayloadAlone, Frame::NoDot];
        let texts = CandidateTexts::new(content, self.budget / TEXTS_MIN);
        self.is_cut |= texts.is_cut;
        let expected = &texts.expected;
        let plain = &texts.plain;
        let with_edges = expected.iter().flat_map(list_edges);
        let own = self.header.clone();
        let headers = list_headers(header);
        let right = expected.iter().cloned();
        self.try_texts(right, &own, &PLAIN_FORMS, &[Frame::Standard])
            .or_else(|| {
                self.try_texts(
                    expected.iter().cloned(),
                    &own,
                    &PayloadForm::ALL,
                    &Frame::ALL,
                )
            })
            .or_else(|| self.try_texts(with_edges, &own, &COMMON_FORMS, &COMMON_FRAMES))
            .or_else(|| self.try_texts(texts.list_styles(), &own, &PLAIN_FORMS, &PLAIN_FRAMES))
            .or_else(|| self.try_texts(texts.list_targets(), &own, &COMMON_FORMS, &COMMON_FRAMES))
            .or_else(|| {
                let edges = plain.iter().flat_map(list_edges);
                self.try_texts(edges, &own, &PLAIN_FORMS, &PLAIN_FRAMES)
            })
            .or_else(|| {
                let charsets = expected.iter().chain(plain).flat_map(list_charsets);
                self.try_texts(charsets, &own, &PLAIN_FORMS, &PLAIN_FRAMES)
            })
            .or_else(|| self.try_texts(texts.list_odd_texts(), &own, &COMMON_FORMS, &COMMON_FRAMES))
            .or_else(|| {
                headers.iter().find_map(|header| {
                    let texts = expected.iter().chain(plain).cloned();
                    self.try_texts(
                        texts,
                        header,
                        &COMMON_FORMS,
                        &[Frame::Standard, Frame::NoDot],
                    )
                })
            })
            .or_else(|| {
                let texts = plain.iter().cloned();
                self.try_texts(texts, &own, &PayloadForm::ALL, &Frame::ALL)
            })
            .or_else(|| {
                let targets = texts.list_targets();
                let edges = targets.iter().flat_map(list_edges);
                self.try_texts(edges, &own, &PLAIN_FORMS, &PLAIN_FRAMES)
            })
            .or_else(|| self.try_attached_payload(header))
    }

    fn try_texts(
        &mut self,
        texts: impl IntoIterator<Item = CandidateText>,
        header: &HeaderForm,
        forms: &[PayloadForm],
        frames: &[Frame],
    ) -> Option<SignedBytes> {
        for text in texts {
            for form in forms {
                if self.budget == 0 {
                    self.is_cut = true;
                    return None;
                }
                let payload = form.encode(&text.bytes);
                for frame in frames {
                    // Without a header, all frames but one are the same.
                    if !self.has_header
                        && header.difference.is_none()
                        && *frame != Frame::PayloadAlone
                    {
                        continue;
                    }
                    let parts = frame.arrange(header.text.as_bytes(), &payload);
                    if let Some((evidence, digest)) = self.match_parts(&parts) {
                        return Some(SignedBytes {
                            evidence,
                            text,
                            payload: *form,
                            frame: *frame,
                            header_difference: header.difference.clone(),
                            digest,
                        });
                    }
                }
            }
        }
        None
    }

    fn match_parts(&mut self, parts: &[&[u8]]) -> Option<(usize, DigestForm)> {
        let length = parts.iter().map(|part| part.len()).sum();
        self.candidate_count += 1;
        for (index, evidence) in self.evidence.iter().enumerate() {
            self.budget = self.budget.saturating_sub(evidence.cost(length));
            if let Some(digest) = evidence.match_message(parts) {
                return Some((index, digest));
            }
        }
        None
    }

    /// Tries the payload that was left in the value.
    fn try_attached_payload(&mut self, header: &SearchedHeader) -> Option<SignedBytes> {
        let payload = header.payload.as_ref()?;
        let description = "the payload inside the value, which is not this content";
        let parts = Frame::Standard.arrange(self.header.text.as_bytes(), payload.as_bytes());
        let parts = parts.map(<[u8]>::to_vec);
        let (evidence, digest) = self.match_parts(&parts.each_ref().map(Vec::as_slice))?;
        Some(SignedBytes {
            evidence,
            text: CandidateText::new(description, base64::decode_any(payload).unwrap_or_default()),
            payload: PayloadForm::Base64Url,
            frame: Frame::Standard,
            header_difference: None,
            digest,
        })
    }
}

/// Texts that may have been signed.
struct CandidateTexts<'a> {
    /// Texts that the signature has to cover.
    expected: Vec<CandidateText>,
    /// The content in the usual layouts.
    plain: Vec<CandidateText>,
    content: &'a SignedContent<'a>,
    node: Option<JsonNode<'a>>,
    /// `true` if the content is too large to be printed in other layouts.
    is_cut: bool,
}

/// Number of layouts for which the budget must suffice, so that any are tried.
const TEXTS_MIN: usize = 32;

impl<'a> CandidateTexts<'a> {
    fn new(content: &'a SignedContent<'a>, bytes_max: usize) -> Self {
        let (expected, body) = match content {
            SignedContent::Body(body, _) => (
                vec![CandidateText::new("the body as received", *body)],
                *body,
            ),
            SignedContent::Target(target) => {
                let names = target.all_forms();
                let describe = |text: &str| {
                    let name = names.iter().find(|form| form.1 == text);
                    name.map_or("the path", |form| &form.0).to_owned()
                };
                let forms = target.accepted_forms();
                let texts = forms.into_iter().map(|text| {
                    CandidateText::new(format!("{} (`{text}`)", describe(&text)), text)
                });
                (texts.collect(), &[][..])
            }
        };
        let expected = expected.into_iter().map(|text| CandidateText {
            is_expected: true,
            ..text
        });
        let is_cut = body.len() > bytes_max;
        let node = std::str::from_utf8(body)
            .ok()
            .filter(|_| !is_cut)
            .and_then(|text| JsonNode::parse(text.trim_start_matches('\u{feff}')));
        let mut texts = Self {
            expected: expected.collect(),
            plain: Vec::new(),
            content,
            node,
            is_cut,
        };
        texts.plain = texts.list_plain_texts();
        texts
    }

    fn list_plain_texts(&self) -> Vec<CandidateText> {
        let Some(node) = &self.node else {
            return Vec::new();
        };
        let layouts = [
            (Layout::COMPACT, KeyOrder::Received),
            (Layout::PYTHON, KeyOrder::Received),
            (Layout::COMPACT, KeyOrder::Sorted),
            (Layout::PYTHON, KeyOrder::Sorted),
            (Layout::Indented("  "), KeyOrder::Received),
            (Layout::Indented("    "), KeyOrder::Received),
            (Layout::Indented("\t"), KeyOrder::Received),
            (Layout::Jackson, KeyOrder::Received),
            (Layout::Indented("  "), KeyOrder::Sorted),
            (Layout::Indented("    "), KeyOrder::Sorted),
        ];
        let texts =
            layouts.map(|(layout, order)| print_style(node, &JsonStyle::new(layout, order)));
        self.remove_repeats(texts)
    }

    /// Removes texts that are expected or repeat an earlier one.
    fn remove_repeats(&self, texts: impl IntoIterator<Item = CandidateText>) -> Vec<CandidateText> {
        let mut unique: Vec<CandidateText> = Vec::new();
        for text in texts {
            let mut known = self.expected.iter().chain(&unique);
            if known.all(|known| known.bytes != text.bytes) {
                unique.push(text);
            }
        }
        unique
    }

    /// Returns the content in every layout, order and spelling.
    fn list_styles(&self) -> Box<dyn Iterator<Item = CandidateText> + '_> {
        let Some(node) = &self.node else {
            return Box::new(std::iter::empty());
        };
        let compact = JsonStyle::new(Layout::COMPACT, KeyOrder::Received);
        // A choice that changes nothing in this content is left out.
        let mut spellings: Vec<(JsonStyle, String)> = Vec::new();
        for nulls in [NullMembers::Keep, NullMembers::Omit] {
            for numbers in Numbers::ALL {
                for escapes in Escapes::ALL {
                    let style = JsonStyle {
                        escapes,
                        numbers,
                        nulls,
                        ..compact
                    };
                    let text = node.print(&style);
                    if spellings.iter().all(|(_, known)| *known != text) {
                        spellings.push((style, text));
                    }
                }
            }
        }
        let mut orders: Vec<(KeyOrder, String)> = Vec::new();
        for order in KeyOrder::ALL {
            let text = node.print(&JsonStyle { order, ..compact });
            if orders.iter().all(|(_, known)| *known != text) {
                orders.push((order, text));
            }
        }
        Box::new(spellings.into_iter().flat_map(move |(spelling, _)| {
            let orders: Vec<_> = orders.iter().map(|(order, _)| *order).collect();
            orders.into_iter().flat_map(move |order| {
                Layout::ALL.into_iter().map(move |layout| {
                    print_style(
                        node,
                        &JsonStyle {
                            layout,
                            order,
                            ..spelling
                        },
                    )
                })
            })
        }))
    }

    /// Returns the forms of path and URL, if they are known.
    fn list_targets(&self) -> Vec<CandidateText> {
        let target = match self.content {
            SignedContent::Target(target) | SignedContent::Body(_, Some(target)) => target,
            SignedContent::Body(_, None) => return Vec::new(),
        };
        let forms = target.all_forms();
        self.remove_repeats(
            forms
                .into_iter()
                .map(|(name, text)| CandidateText::new(format!("{name} (`{text}`)"), text)),
        )
    }

    /// Returns texts that come of mistakes in the sender's code.
    fn list_odd_texts(&self) -> Vec<CandidateText> {
        let mut texts = vec![CandidateText::new("no content at all (an empty text)", "")];
        for constant in ["{}", "null", "[object Object]", "undefined"] {
            texts.push(CandidateText::new(
                format!("the text `{constant}`"),
                constant,
            ));
        }
        let SignedContent::Body(body, _) = self.content else {
            return self.remove_repeats(texts);
        };
        let own_texts: Vec<_> = self.expected.iter().chain(&self.plain).cloned().collect();
        for text in &own_texts {
            let Ok(characters) = std::str::from_utf8(&text.bytes) else {
                continue;
            };
            let quoted = serde_json::to_string(characters).unwrap_or_default();
            texts.push(text.with_change("as a JSON string in quotes", quoted.into_bytes()));
            let bytes = format!("b'{characters}'").into_bytes();
            texts.push(text.with_change("as Python shows bytes (b'…')", bytes));
        }
        if let Ok(text) = serde_json::from_slice::<String>(body) {
            texts.push(CandidateText::new(
                "the content of the JSON string that is the body",
                text,
            ));
        }
        let bare: Vec<u8> = body
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        texts.push(CandidateText::new(
            "the body with all white space removed, also inside strings",
            bare,
        ));
        if let Some(node) = &self.node {
            texts.push(CandidateText::new(
                "the body as Python's str() shows a dictionary",
                node.print_as_python(),
            ));
            texts.push(CandidateText::new(
                "the body as Java's Map.toString() shows it",
                node.print_as_java(),
            ));
            let compact = JsonStyle::new(Layout::COMPACT, KeyOrder::Received);
            // Only the first members are tried, since their number is the caller's.
            for member in node.members().iter().take(32) {
                let name = format!("the value of `{}` alone", member.key.content());
                texts.push(CandidateText::new(name, member.value.print(&compact)));
            }
        }
        self.remove_repeats(texts)
    }
}

fn print_style(node: &JsonNode<'_>, style: &JsonStyle) -> CandidateText {
    CandidateText::new(
        format!("the body printed again {}", style.describe()),
        node.print(style),
    )
}

const BOM: &[u8] = "\u{feff}".as_bytes();

/// Returns a text with the changes at its ends and line breaks that editors and tools make.
fn list_edges(text: &CandidateText) -> Vec<CandidateText> {
    let bytes = &text.bytes[..];
    let without_bom = bytes.strip_prefix(BOM);
    let with_crlf = || replace_bytes(&replace_bytes(bytes, b"\r\n", b"\n"), b"\n", b"\r\n");
    let with_lf = || replace_bytes(bytes, b"\r\n", b"\n");
    let changes: [(&str, Vec<u8>); 14] = [
        ("with a line feed (\\n) at its end", [bytes, b"\n"].concat()),
        ("with CR LF (\\r\\n) at its end", [bytes, b"\r\n"].concat()),
        (
            "without the white space at its end",
            bytes.trim_ascii_end().to_vec(),
        ),
        (
            "without the white space around it",
            bytes.trim_ascii().to_vec(),
        ),
        ("with CR LF for each line break", with_crlf()),
        ("with LF for each line break", with_lf()),
        (
            "with CR LF for each line break and at its end",
            [&with_crlf(), &b"\r\n"[..]].concat(),
        ),
        (
            "with a byte order mark (BOM) before it",
            [BOM, bytes].concat(),
        ),
        (
            "without the byte order mark (BOM)",
            without_bom.unwrap_or(bytes).to_vec(),
        ),
        ("with a line feed (\\n) before it", [b"\n", bytes].concat()),
        ("with a space at its end", [bytes, b" "].concat()),
        ("with a zero byte at its end", [bytes, b"\0"].concat()),
        ("with two line feeds at its end", [bytes, b"\n\n"].concat()),
        (
            "without line breaks",
            replace_bytes(&replace_bytes(bytes, b"\r", b""), b"\n", b""),
        ),
    ];
    let changes = changes.into_iter().filter(|(_, changed)| changed != bytes);
    changes
        .map(|(change, changed)| text.with_change(change, changed))
        .collect()
}

fn replace_bytes(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        if let Some(tail) = rest.strip_prefix(from) {
            replaced.extend_from_slice(to);
            rest = tail;
        } else {
            replaced.push(*first);
            rest = &rest[1..];
        }
    }
    replaced
}

/// Returns a text in other character encodings.
fn list_charsets(text: &CandidateText) -> Vec<CandidateText> {
    let Ok(characters) = std::str::from_utf8(&text.bytes) else {
        return Vec::new();
    };
    let units = |to_bytes: fn(u16) -> [u8; 2], mark: Option<u16>| -> Vec<u8> {
        let units = mark.into_iter().chain(characters.encode_utf16());
        units.flat_map(to_bytes).collect()
    };
    let latin_1 = characters
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect();
    let ascii = characters
        .chars()
        .map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?'))
        .collect();
    let double: String = text.bytes.iter().map(|byte| char::from(*byte)).collect();
    let changes: [(&str, Vec<u8>); 8] = [
        ("in UTF-16LE", units(u16::to_le_bytes, None)),
        ("in UTF-16BE", units(u16::to_be_bytes, None)),
        (
            "in UTF-16LE with a byte order mark",
            units(u16::to_le_bytes, Some(0xfeff)),
        ),
        (
            "in UTF-16BE with a byte order mark",
            units(u16::to_be_bytes, Some(0xfeff)),
        ),
        ("in Latin-1", latin_1),
        ("in ASCII with ? for other characters", ascii),
        (
            "in UTF-8 twice (read as Latin-1 between)",
            double.into_bytes(),
        ),
        (
            "in UTF-32BE",
            characters
                .chars()
                .flat_map(|c| u32::from(c).to_be_bytes())
                .collect(),
        ),
    ];
    let changes = changes
        .into_iter()
        .filter(|(_, changed)| *changed != text.bytes);
    changes
        .map(|(change, changed)| text.with_change(change, changed))
        .collect()
}

/// Largest number of members of a header whose subsets are tried.
const HEADER_MEMBERS_MAX: usize = 6;

/// Returns the headers that may have been signed instead of the one that was sent.
fn list_headers(header: &SearchedHeader) -> Vec<HeaderForm> {
    let mut forms = Vec::new();
    if header.text.is_some() && !header.decoded.is_empty() {
        let decoded = &header.decoded;
        forms.push(HeaderForm::other(
            "the header as plain JSON, not in base64url",
            String::from_utf8_lossy(decoded),
        ));
        for (name, text) in [
            (
                "the header in base64url without padding",
                base64::url_encode(decoded),
            ),
            (
                "the header in base64url with padding",
                base64::url_encode_padded(decoded),
            ),
            ("the header in standard base64", base64::encode(decoded)),
            (
                "the header in standard base64 without padding",
                base64::encode(decoded).trim_end_matches('=').to_owned(),
            ),
        ] {
            forms.push(HeaderForm::other(name, text));
        }
        forms.extend(list_reprinted_headers(decoded));
    }
    let kids = header
        .fields
        .iter()
        .filter_map(|fields| fields["kid"].as_str());
    let mut kids: Vec<&str> = kids.chain(header.kids.iter().map(String::as_str)).collect();
    kids.dedup();
    let alg = header
        .fields
        .as_ref()
        .and_then(|fields| fields["alg"].as_str());
    for alg in [alg, Some("RS256")].into_iter().flatten() {
        let mut texts = vec![
            format!(r#"{{"alg":"{alg}"}}"#),
            format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#),
            format!(r#"{{"typ":"JWT","alg":"{alg}"}}"#),
            format!(r#"{{"alg":"{alg}","b64":false,"crit":["b64"]}}"#),
        ];
        for kid in &kids {
            texts.extend([
                format!(r#"{{"alg":"{alg}","kid":"{kid}"}}"#),
                format!(r#"{{"kid":"{kid}","alg":"{alg}"}}"#),
                format!(r#"{{"alg":"{alg}","kid":"{kid}","b64":false,"crit":["b64"]}}"#),
                format!(r#"{{"alg":"{alg}","b64":false,"kid":"{kid}","crit":["b64"]}}"#),
                format!(r#"{{"alg":"{alg}","kid":"{kid}","b64":false}}"#),
                format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{kid}"}}"#),
                format!(r#"{{"typ":"JWT","alg":"{alg}","kid":"{kid}"}}"#),
            ]);
        }
        for text in texts {
            let name = format!("another header than the one that was sent: `{text}`");
            forms.push(HeaderForm::other(name, base64::url_encode(text.as_bytes())));
        }
    }
    let own = header.text.as_deref();
    let mut unique: Vec<HeaderForm> = Vec::new();
    for form in forms {
        if Some(form.text.as_str()) != own && unique.iter().all(|known| known.text != form.text) {
            unique.push(form);
        }
    }
    unique
}

/// Returns the header printed again, and with members left out.
fn list_reprinted_headers(decoded: &[u8]) -> Vec<HeaderForm> {
    let Some(text) = std::str::from_utf8(decoded).ok() else {
        return Vec::new();
    };
    let count = JsonNode::parse(text).map_or(0, |node| node.members().len());
    let mut texts = vec![text.to_owned()];
    if (2..=HEADER_MEMBERS_MAX).contains(&count) {
        // Each bit of the number stands for a member that is left out.
        texts.extend((1..(1_u32 << count) - 1).filter_map(|omitted| omit_members(text, omitted)));
    }
    let mut forms = Vec::new();
    for text in &texts {
        let Some(node) = JsonNode::parse(text) else {
            continue;
        };
        for (layout, order) in [
            (Layout::COMPACT, KeyOrder::Received),
            (Layout::PYTHON, KeyOrder::Received),
            (Layout::COMPACT, KeyOrder::Sorted),
            (Layout::PYTHON, KeyOrder::Sorted),
        ] {
            let printed = node.print(&JsonStyle::new(layout, order));
            forms.push(HeaderForm::other(
                format!("another header than the one that was sent: `{printed}`"),
                base64::url_encode(printed.as_bytes()),
            ));
        }
    }
    forms
}

/// Returns an object without the members whose bits are set.
fn omit_members(text: &str, omitted: u32) -> Option<String> {
    edit_json_text(text, |value| {
        if let Value::Object(fields) = value {
            let mut bit = 0;
            fields.retain(|_, _| {
                bit += 1;
                omitted >> (bit - 1) & 1 == 0
            });
        }
    })
}
