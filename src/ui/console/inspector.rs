//! A message with its answer: headers, bytes, signature, and the command that sends it again.

use super::ListAddress;
use super::comparison::{Change, Comparison, compare_bodies};
use super::highlight::{Line, highlight_lines};
use crate::domain::money::group_count;

/// The largest body that is shown as text, in bytes. Of a longer one, its beginning is shown.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// The part of a longer body that is shown as text, in bytes.
const TEXT_BYTES_CUT: usize = 64 * 1024;

/// The number of bytes of a page of the byte view.
pub(crate) const BYTES_PER_PAGE: usize = 4 * 1024;

const BYTES_PER_ROW: usize = 16;

/// A part of the inspector, which the address names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum InspectorPart {
    /// The message as it was sent.
    #[default]
    Sent,
    /// The message with its JSON laid out.
    Formatted,
    Answer,
    Bytes,
    /// The difference to another message.
    Difference,
    Curl,
}

impl InspectorPart {
    pub(crate) const ALL: [Self; 6] = [
        Self::Sent,
        Self::Formatted,
        Self::Answer,
        Self::Bytes,
        Self::Difference,
        Self::Curl,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Formatted => "formatted",
            Self::Answer => "answer",
            Self::Bytes => "bytes",
            Self::Difference => "difference",
            Self::Curl => "curl",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.as_str() == text)
    }

    pub(crate) fn accepted_names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Sent => "As sent",
            Self::Formatted => "Formatted",
            Self::Answer => "Answer",
            Self::Bytes => "Bytes",
            Self::Difference => "Difference",
            Self::Curl => "curl",
        }
    }
}

/// A body as far as it is recorded.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShownBody {
    pub bytes: Vec<u8>,
    /// The length of the whole body, in bytes.
    pub length: usize,
    /// The address of the recorded bytes.
    pub address: String,
}

/// An answer to a message.
#[derive(Clone, Debug)]
pub(crate) struct ShownAnswer {
    /// Its status, or the reason for which there is no answer.
    pub line: String,
    pub has_come: bool,
    pub headers: Vec<(String, String)>,
    pub body: ShownBody,
}

/// A message with what is known of it. Secrets in it are masked, unless the reader asks for them.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// The method, and the path or the URL.
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: ShownBody,
    pub answer: Option<ShownAnswer>,
    pub verdict: Option<Verdict>,
    /// The message that this one is compared with.
    pub other: Option<OtherMessage>,
    pub curl: String,
    /// `true` if secrets are masked.
    pub is_masked: bool,
    /// The id of a webhook that can be sent again.
    pub resend: Option<u64>,
}

/// A message that another one is compared with.
#[derive(Clone, Debug)]
pub(crate) struct OtherMessage {
    pub name: String,
    /// The headers that differ.
    pub header_changes: Vec<Change>,
    pub body: Vec<u8>,
}

/// The result of checking a signature.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub is_valid: bool,
    pub title: String,
    pub findings: Vec<Finding>,
    /// The explanation in several lines; empty if there is nothing to explain.
    pub explanation: String,
}

/// A check with its result.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub is_good: bool,
    pub label: &'static str,
    pub text: String,
}

/// The place of an inspector: the page that shows it, and what the page shows.
#[derive(Clone, Debug)]
pub(crate) struct InspectorPlace {
    /// The address of the page with its parameters, apart from those of the inspector.
    pub path: String,
    pub parameters: Vec<(&'static str, String)>,
    pub part: InspectorPart,
    /// The first byte that the byte view shows.
    pub offset: usize,
    /// `true` if the reader asks for secrets.
    pub reveals: bool,
}

impl InspectorPlace {
    fn at(&self, part: InspectorPart, offset: usize, reveals: bool) -> String {
        let part = (part != InspectorPart::default()).then(|| ("part", part.as_str().to_owned()));
        let offset = (offset > 0).then(|| ("offset", offset.to_string()));
        let reveal = reveals.then(|| ("reveal", "true".to_owned()));
        let parameters = self.parameters.iter().cloned();
        let parameters = parameters.chain(part).chain(offset).chain(reveal);
        let parameters = parameters.map(|(name, value)| (name, Some(value)));
        let address = ListAddress::new(self.path.clone(), parameters, None).with_state(None);
        format!("{address}#inspector")
    }
}

impl Inspector {
    /// Leaves out what leads to other pages, changes something or shows secrets.
    pub(super) fn without_operation(self) -> Self {
        Self {
            toggle: None,
            resend: None,
            download: None,
            ..self
        }
    }
}

/// A tab of the inspector.
#[derive(Debug)]
pub(super) struct Tab {
    pub label: String,
    pub address: String,
    pub is_current: bool,
}

/// The inspector.
#[derive(Debug)]
pub(super) struct Inspector {
    pub line: String,
    pub tabs: Vec<Tab>,
    pub content: Content,
    /// Sentences about the content.
    pub remarks: Vec<String>,
    pub headers: Vec<(String, String)>,
    pub verdict: Option<Verdict>,
    /// The address that shows or hides secrets, if there are some.
    pub toggle: Option<String>,
    pub is_masked: bool,
    pub resend: Option<u64>,
    /// The address of the bytes as a file.
    pub download: Option<String>,
}

/// The content of a tab.
#[derive(Debug)]
pub(super) enum Content {
    Text(Vec<Line>),
    Bytes(BytePage),
    /// The headers that differ, and the difference of the bodies.
    Difference(Vec<Change>, Comparison),
    /// A command.
    Command(String),
    Empty(String),
}

/// A part of the bytes of a body.
#[derive(Debug)]
pub(super) struct BytePage {
    pub rows: Vec<ByteRow>,
    pub earlier: Option<String>,
    pub later: Option<String>,
}

/// A row of bytes: the place of the first, all of them in hexadecimal, and as ASCII.
#[derive(Debug)]
pub(super) struct ByteRow {
    pub offset: String,
    pub hex: String,
    pub ascii: String,
    /// `true` for the row in which the body parts from the one it is compared with.
    pub is_marked: bool,
}

impl Inspector {
    /// Returns whether the content takes the whole width.
    pub(super) fn is_wide(&self) -> bool {
        matches!(self.content, Content::Difference(..))
    }

    pub(super) fn new(exchange: &Exchange, place: &InspectorPlace) -> Self {
        let part = match place.part {
            InspectorPart::Answer if exchange.answer.is_none() => InspectorPart::default(),
            InspectorPart::Difference if exchange.other.is_none() => InspectorPart::default(),
            part => part,
        };
        let tabs = InspectorPart::ALL.into_iter().filter(|it| match it {
            InspectorPart::Answer => exchange.answer.is_some(),
            InspectorPart::Difference => exchange.other.is_some(),
            InspectorPart::Formatted => !exchange.body.bytes.is_empty(),
            _ => true,
        });
        let tabs = tabs.map(|it| Tab {
            label: match (it, &exchange.other) {
                (InspectorPart::Difference, Some(other)) => {
                    format!("Difference to {}", other.name)
                }
                _ => it.label().to_owned(),
            },
            address: place.at(it, 0, place.reveals),
            is_current: it == part,
        });
        let (headers, body) = match (part, &exchange.answer) {
            (InspectorPart::Answer, Some(answer)) => (&answer.headers, &answer.body),
            _ => (&exchange.headers, &exchange.body),
        };
        let mut remarks = describe_recording(body);
        let content = build_content(exchange, body, place, part, &mut remarks);
        let can_toggle = exchange.is_masked || place.reveals;
        Self {
            line: match (part, &exchange.answer) {
                (InspectorPart::Answer, Some(answer)) => answer.line.clone(),
                _ => exchange.line.clone(),
            },
            tabs: tabs.collect(),
            content,
            remarks,
            headers: headers.clone(),
            verdict: exchange.verdict.clone(),
            toggle: can_toggle.then(|| place.at(part, place.offset, !place.reveals)),
            is_masked: exchange.is_masked,
            resend: exchange.resend,
            download: Some(body.address.clone()).filter(|it| !it.is_empty() && body.length > 0),
        }
    }
}

/// Says that a body is recorded in part only.
fn describe_recording(body: &ShownBody) -> Vec<String> {
    let recorded = body.bytes.len();
    let is_cut = body.length > recorded;
    let cut = is_cut.then(|| {
        format!(
            "The body has {} bytes; its first {} are recorded.",
            group_count(body.length),
            group_count(recorded)
        )
    });
    cut.into_iter().collect()
}

fn build_content(
    exchange: &Exchange,
    body: &ShownBody,
    place: &InspectorPlace,
    part: InspectorPart,
    remarks: &mut Vec<String>,
) -> Content {
    match part {
        InspectorPart::Curl => return Content::Command(exchange.curl.clone()),
        InspectorPart::Difference => {
            if let Some(other) = &exchange.other {
                let comparison = compare_bodies(&other.body, &body.bytes);
                remarks.push(match other.header_changes.len() {
                    0 => "No header differs.".to_owned(),
                    1 => "One header differs.".to_owned(),
                    count => format!("{count} headers differ."),
                });
                remarks.push(comparison.summary.clone());
                return Content::Difference(other.header_changes.clone(), comparison);
            }
        }
        _ => {}
    }
    if body.bytes.is_empty() {
        let text = match (part, &exchange.answer) {
            (InspectorPart::Answer, Some(answer)) if answer.has_come => "The answer has no body.",
            (InspectorPart::Answer, _) => "No answer has come.",
            _ => "The message has no body.",
        };
        return Content::Empty(text.to_owned());
    }
    match part {
        InspectorPart::Bytes => {
            remarks.extend(describe_bytes(&body.bytes));
            let other = exchange.other.as_ref();
            let parted = other.and_then(|other| find_difference(&other.body, &body.bytes));
            if let (Some(at), Some(OtherMessage { name, .. })) = (parted, other) {
                remarks.push(format!(
                    "It parts from {name} at byte {at}, in the marked row."
                ));
            }
            Content::Bytes(list_bytes(&body.bytes, place, parted))
        }
        InspectorPart::Formatted => {
            match serde_json::from_slice::<serde_json::Value>(&body.bytes) {
                Ok(value) => {
                    remarks.push(
                        "Laid out for reading; the signature covers the body as sent.".to_owned(),
                    );
                    let text = serde_json::to_string_pretty(&value).expect("JSON can be written");
                    show_text(text.as_bytes(), remarks)
                }
                Err(error) => {
                    remarks.push(format!(
                        "It cannot be laid out, since it is no JSON: {error}."
                    ));
                    show_text(&body.bytes, remarks)
                }
            }
        }
        _ => show_text(&body.bytes, remarks),
    }
}

fn show_text(bytes: &[u8], remarks: &mut Vec<String>) -> Content {
    let shown = if bytes.len() > TEXT_BYTES_MAX {
        remarks.push(format!(
            "Its first {} of {} bytes are shown.",
            group_count(TEXT_BYTES_CUT),
            group_count(bytes.len())
        ));
        &bytes[..TEXT_BYTES_CUT]
    } else {
        bytes
    };
    if let Err(error) = std::str::from_utf8(shown)
        && error.error_len().is_some()
    {
        remarks.push(format!(
            "It is not UTF-8 from byte {} on; the tab Bytes shows what was sent.",
            error.valid_up_to()
        ));
    }
    Content::Text(highlight_lines(&String::from_utf8_lossy(shown)))
}

/// Returns what cannot be seen in the text of a body.
fn describe_bytes(bytes: &[u8]) -> Vec<String> {
    let mut remarks = Vec::new();
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        remarks.push("It begins with a byte order mark.".to_owned());
    }
    let line_ends = bytes.windows(2).filter(|pair| pair == b"\r\n").count();
    if line_ends > 0 {
        remarks.push(format!("It has {line_ends} line ends of CR LF."));
    }
    if let Err(error) = std::str::from_utf8(bytes)
        && error.error_len().is_some()
    {
        remarks.push(format!(
            "It is not UTF-8 from byte {} on.",
            error.valid_up_to()
        ));
    }
    remarks
}

/// Returns the place at which two bodies part.
pub(super) fn find_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    if one == other {
        return None;
    }
    let common = one.iter().zip(other).take_while(|(a, b)| a == b);
    Some(common.count())
}

fn list_bytes(bytes: &[u8], place: &InspectorPlace, parted: Option<usize>) -> BytePage {
    let first = place.offset.min(bytes.len().saturating_sub(1)) / BYTES_PER_PAGE * BYTES_PER_PAGE;
    let end = (first + BYTES_PER_PAGE).min(bytes.len());
    let rows = bytes[first..end].chunks(BYTES_PER_ROW).enumerate();
    let rows = rows.map(|(index, chunk)| {
        let offset = first + index * BYTES_PER_ROW;
        ByteRow {
            offset: format!("{offset:08x}"),
            hex: chunk
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>()
                .join(" "),
            ascii: chunk.iter().copied().map(show_ascii).collect(),
            is_marked: parted.is_some_and(|at| (offset..offset + BYTES_PER_ROW).contains(&at)),
        }
    });
    let earlier = (first > 0).then(|| first - BYTES_PER_PAGE);
    let later = (end < bytes.len()).then_some(end);
    let [earlier, later] =
        [earlier, later].map(|offset| Some(place.at(InspectorPart::Bytes, offset?, place.reveals)));
    BytePage {
        rows: rows.collect(),
        earlier,
        later,
    }
}

const fn show_ascii(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' {
        byte as char
    } else {
        '·'
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Content, Exchange, Inspector, InspectorPart, InspectorPlace, OtherMessage, ShownBody,
    };

    fn inspect(body: &[u8], other: Option<&[u8]>, part: InspectorPart, offset: usize) -> Inspector {
        let exchange = Exchange {
            line: "POST /a".to_owned(),
            headers: Vec::new(),
            body: ShownBody {
                bytes: body.to_vec(),
                length: body.len(),
                address: "/body".to_owned(),
            },
            answer: None,
            verdict: None,
            other: other.map(|other| OtherMessage {
                name: "the other".to_owned(),
                header_changes: Vec::new(),
                body: other.to_vec(),
            }),
            curl: "curl /a".to_owned(),
            is_masked: false,
            resend: None,
        };
        let place = InspectorPlace {
            path: "/ui/x".to_owned(),
            parameters: vec![("open", "7".to_owned())],
            part,
            offset,
            reveals: false,
        };
        Inspector::new(&exchange, &place)
    }

    #[test]
    fn bytes_are_paged_and_the_first_other_one_is_marked() {
        let mut body = vec![b'a'; 5000];
        let other = body.clone();
        body[4500] = 0xff;
        let inspector = inspect(&body, Some(&other), InspectorPart::Bytes, 4200);
        let Content::Bytes(page) = inspector.content else {
            panic!("no bytes");
        };
        assert_eq!(page.rows.len(), (5000usize - 4096).div_ceil(16));
        assert_eq!(
            page.earlier.as_deref(),
            Some("/ui/x?open=7&part=bytes#inspector")
        );
        assert_eq!(page.later, None);
        let marked: Vec<_> = page.rows.iter().filter(|row| row.is_marked).collect();
        assert_eq!((marked.len(), &*marked[0].offset), (1, "00001190"));
        assert!(marked[0].hex.contains("ff") && marked[0].ascii.contains('·'));
        let remarks = inspector.remarks.join(" ");
        assert!(remarks.contains("not UTF-8 from byte 4500") && remarks.contains("at byte 4500"));
    }

    #[test]
    fn a_long_body_is_cut_with_a_word() {
        let inspector = inspect(&vec![b'a'; 300_000], None, InspectorPart::Sent, 0);
        assert!(
            inspector.remarks[0].contains("65,536 of 3,00,000 bytes"),
            "{:?}",
            inspector.remarks
        );
        assert_eq!(inspector.download.as_deref(), Some("/body"));
        let inspector = inspect(b"", None, InspectorPart::Sent, 0);
        assert!(matches!(inspector.content, Content::Empty(_)) && inspector.download.is_none());
    }
}
