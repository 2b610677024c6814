//! Statements in XML: documents of the FI schemas, in either generation.

use std::borrow::Cow;

use roxmltree::{Document, Node as Xml};

use super::lines::LineCounter;
use super::parts::{Fields, SummaryDraft, parse_amount, read_holder};
use super::rows::{DIAGNOSTICS_MAX, RowErrors, StatementBuilder, is_kept};
use super::{StatementCheck, line_diagnostic};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::money::Paise;
use crate::domain::text::quote_value;

/// The maximum number of attributes of an element; schemas have 30 at most. An XML reader compares each attribute of an
/// element with all others.
const ATTRIBUTES_MAX: usize = 256;

/// Returns a text that XML accepts although white space comes before its declaration. All lines stay.
pub(super) fn blank_late_declaration(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim_start();
    let blank = &text[..text.len() - trimmed.len()];
    let end = trimmed.find("?>").map(|index| index + 2);
    match end.filter(|_| !blank.is_empty() && trimmed.starts_with("<?xml")) {
        None => Cow::Borrowed(text),
        Some(end) => {
            let (declaration, rest) = trimmed.split_at(end);
            let lines = "\n".repeat(declaration.matches('\n').count());
            Cow::Owned([blank, &lines, rest].concat())
        }
    }
}

pub(super) fn parse_xml(text: &str) -> Result<Document<'_>, Vec<Diagnostic>> {
    check_attribute_counts(text)?;
    Document::parse(text).map_err(|error| {
        let place = error.pos();
        vec![Diagnostic {
            line: place.row.into(),
            column: place.col.into(),
            message: format!("invalid XML: {error}"),
        }]
    })
}

/// Checks that no tag has more attributes than a document of a schema has.
fn check_attribute_counts(text: &str) -> Result<(), Vec<Diagnostic>> {
    let bytes = text.as_bytes();
    let (mut line, mut is_tag, mut count) = (1_u64, false, 0);
    // The quote around a value, and whether one may begin.
    let (mut quote, mut is_value) = (None, false);
    let mut index = 0;
    while let Some(byte) = bytes.get(index).copied() {
        let skipped = match quote {
            None => skip_opaque(&bytes[index..]),
            Some(_) => None,
        };
        if let Some(length) = skipped {
            line += memchr::memchr_iter(b'\n', &bytes[index..index + length]).count() as u64;
            index += length;
            continue;
        }
        index += 1;
        if byte == b'\n' {
            line += 1;
        }
        match (byte, quote) {
            (_, Some(open)) if byte == open => quote = None,
            (_, Some(_)) => {}
            (b'<', None) => (is_tag, count) = (true, 0),
            (b'>', None) => is_tag = false,
            (b'=', None) if is_tag => {
                is_value = true;
                count += 1;
                if count > ATTRIBUTES_MAX {
                    let message = format!("an element has more than {ATTRIBUTES_MAX} attributes");
                    return Err(vec![line_diagnostic(line, message)]);
                }
            }
            (b'"' | b'\'', None) if is_value => (quote, is_value) = (Some(byte), false),
            (byte, None) => is_value &= byte.is_ascii_whitespace(),
        }
    }
    Ok(())
}

/// Returns the length of a comment, a CDATA section or a processing instruction at the beginning of a text: what is in it
/// is no tag. One without an end is as long as the text.
fn skip_opaque(text: &[u8]) -> Option<usize> {
    const OPAQUE: [(&[u8], &[u8]); 3] = [(b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>")];
    if text[0] != b'<' {
        return None;
    }
    let (start, end) = OPAQUE.iter().find(|(start, _)| text.starts_with(start))?;
    let found = memchr::memmem::find(&text[start.len()..], end);
    Some(found.map_or(text.len(), |at| start.len() + at + end.len()))
}

/// Checks that a document is of a bank account.
pub(super) fn check_is_deposit(document: &Document<'_>) -> Result<(), Vec<Diagnostic>> {
    let root = document.root_element();
    let namespace = root.tag_name().namespace().unwrap_or_default();
    if namespace.ends_with("/deposit") {
        return Ok(());
    }
    let message = format!(
        "the document is of the schema {}; a statement is of the schema of DEPOSIT",
        quote_value(namespace)
    );
    let line = document.text_pos_at(root.range().start).row;
    Err(vec![line_diagnostic(line.into(), message)])
}

pub(super) fn transaction_elements<'d, 't>(
    document: &'d Document<'t>,
) -> impl Iterator<Item = Xml<'d, 't>> + use<'d, 't> {
    let nodes = document.descendants();
    nodes.filter(|node| node.tag_name().name().ends_with("Transaction"))
}

/// Reads a document of a bank account.
pub(super) fn read_xml(document: &Document<'_>, builder: &mut StatementBuilder) {
    let mut lines = LineCounter::new(document.input_text());
    let find = |name: &'static str| {
        let mut nodes = document.descendants();
        nodes.find(move |node| node.tag_name().name() == name)
    };
    let holders = document.descendants();
    for node in holders.filter(|node| node.tag_name().name() == "Holder") {
        let fields = collect_fields(node, lines.advance_to(node.range().start));
        let holder = read_holder(&fields, &mut builder.notes);
        builder.add_holder(holder);
    }
    if let Some(node) = find("Summary") {
        // A summary may come before the holders in a document that breaks its schema.
        let line = document.text_pos_at(node.range().start).row.into();
        let pending = node.children().filter(Xml::is_element);
        for child in pending {
            let name = child.tag_name().name();
            let message = format!("{name} of Summary is not kept");
            builder.notes.push(line_diagnostic(line, message));
        }
        let summary = SummaryDraft::read(&collect_fields(node, line), &mut builder.notes);
        builder.add_summary(summary);
    }
    let end = find("Transactions").and_then(|node| node.attribute("endDate"));
    builder.end = end.and_then(|day| day.parse().ok());
    let mut lines = LineCounter::new(document.input_text());
    for row in transaction_elements(document) {
        let line = lines.advance_to(row.range().start);
        if !builder.check_row_limit(line) {
            break;
        }
        add_row(row, line, builder);
    }
}

/// Adds a transaction of a bank account.
pub(super) fn add_row(row: Xml<'_, '_>, line: u64, builder: &mut StatementBuilder) {
    for attribute in row.attributes() {
        if !is_kept(attribute.name()) {
            builder.drop_field(line, attribute.name());
        }
    }
    builder.add_row(line, &|name| row.attribute(name).map(str::to_owned));
}

fn collect_fields(node: Xml<'_, '_>, line: u64) -> Fields {
    let attributes = node.attributes();
    let values = attributes.map(|field| (field.name().to_owned(), field.value().to_owned()));
    Fields {
        line,
        values: values.collect(),
    }
}

/// Checks what a schema cannot: the transactions of a bank account or a deposit against each other. Returns notes.
///
/// # Errors
/// The transactions that do not fit together.
pub(super) fn check_relations(
    document: &Document<'_>,
    rows: &[Xml<'_, '_>],
    row_errors: RowErrors,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let root = document.root_element();
    let namespace = root.tag_name().namespace().unwrap_or_default();
    match namespace.rsplit('/').next() {
        Some("deposit") if !rows.is_empty() => {
            let mut builder = StatementBuilder::new(StatementCheck::Strict);
            builder.keeps_rows = false;
            builder.row_errors = row_errors;
            read_xml(document, &mut builder);
            builder.into_notes()
        }
        Some("term_deposit" | "recurring_deposit") => {
            let mut lines = LineCounter::new(document.input_text());
            let mut balance = DepositBalance::default();
            let diagnostics = rows.iter().filter_map(|row| {
                let message = balance.check(*row)?;
                let line = lines.advance_to(row.range().start);
                Some(line_diagnostic(line, message))
            });
            let diagnostics: Vec<_> = diagnostics.take(DIAGNOSTICS_MAX).collect();
            if diagnostics.is_empty() {
                Ok(Vec::new())
            } else {
                Err(diagnostics)
            }
        }
        _ => Ok(Vec::new()),
    }
}

/// The balance of a term or recurring deposit after its last transaction so far; `None` if it has none.
#[derive(Default)]
pub(super) struct DepositBalance(Option<Paise>);

impl DepositBalance {
    /// Goes on to the next transaction. Returns what does not add up.
    pub(super) fn check(&mut self, row: Xml<'_, '_>) -> Option<String> {
        let actual = deposit_balance(row);
        let previous = std::mem::replace(&mut self.0, actual)?;
        let (actual, change) = (actual?, amount_attribute(row, "amount")?);
        let is_outflow = matches!(row.attribute("type"), Some("TDS" | "CLOSING"));
        let expected = if is_outflow {
            previous - change
        } else {
            previous + change
        };
        let id = row.attribute("txnId").unwrap_or_default();
        (actual != expected).then(|| {
            format!("{id}: balance is {actual}, but {previous} and {change} make {expected}")
        })
    }
}

fn amount_attribute(row: Xml<'_, '_>, name: &str) -> Option<Paise> {
    row.attribute(name).and_then(parse_amount)
}

/// Returns the balance after a transaction of a term or recurring deposit; its name depends on the
/// schema version.
fn deposit_balance(row: Xml<'_, '_>) -> Option<Paise> {
    amount_attribute(row, "balance").or_else(|| amount_attribute(row, "transactionalBalance"))
}
