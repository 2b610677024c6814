//! CSV writer (RFC 4180, but lines end with a line feed): transactions only, with the names of the
//! FI schema.

use crate::domain::digits::append_number;
use crate::domain::document::{Document, Element};
use crate::domain::participants::FiSchema;
use crate::domain::statement::{NewRow, Statement};
use crate::domain::terms::TimeRange;
use crate::wire::fi::StatementWriter;
use crate::wire::fi::format::{push_amount, push_str};
use crate::wire::fi::xml::balance_attribute;

/// Returns the columns of a bank account's CSV, in order.
pub(crate) const fn list_columns(schema: FiSchema) -> [&'static str; 9] {
    [
        "txnId",
        "type",
        "mode",
        "amount",
        balance_attribute(schema),
        "transactionTimestamp",
        "valueDate",
        "narration",
        "reference",
    ]
}

/// The writer of CSV statements in one generation of the schemas.
#[derive(Clone, Copy, Debug)]
pub struct CsvWriter(pub FiSchema);

impl StatementWriter for CsvWriter {
    fn write_header(&mut self, _: &Statement, _: TimeRange, out: &mut Vec<u8>) {
        write_record(list_columns(self.0).into_iter(), out);
    }

    fn write_row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>) {
        out.push(b'M');
        append_number(out, row.id);
        out.push(b',');
        push_str(out, row.transaction_type.as_str());
        out.push(b',');
        push_str(out, row.mode.name_in(self.0));
        out.push(b',');
        push_amount(out, row.amount);
        out.push(b',');
        push_amount(out, row.balance);
        out.push(b',');
        let at = row.at.to_ist_bytes();
        out.extend_from_slice(&at);
        out.push(b',');
        out.extend_from_slice(&at[..10]);
        out.push(b',');
        write_field(row.narration, out);
        out.push(b',');
        write_field(row.reference, out);
        out.push(b'\n');
    }

    fn write_footer(&mut self, _: &mut Vec<u8>) {}

    /// Appends one block of records for each element name, below a header of its attribute names.
    fn write_document(&mut self, document: &Document, out: &mut Vec<u8>) {
        for group in group_transactions(&document.root) {
            let names = group[0].attributes.iter().map(|(name, _)| *name);
            write_record(std::iter::once("element").chain(names), out);
            for row in group {
                write_record(
                    std::iter::once(row.name)
                        .chain(row.attributes.iter().map(|(_, value)| &**value)),
                    out,
                );
            }
        }
    }
}

/// Returns the transactions of a document, grouped by element name.
fn group_transactions(root: &Element) -> Vec<&[Element]> {
    let Some(transactions) = root.find_child("Transactions") else {
        return Vec::new();
    };
    let is_nested = transactions
        .children
        .iter()
        .any(|child| child.children.iter().any(|inner| inner.repeatable));
    let groups: Vec<&[Element]> = if is_nested {
        transactions
            .children
            .iter()
            .map(|group| &group.children[..])
            .collect()
    } else {
        vec![&transactions.children[..]]
    };
    groups
        .into_iter()
        .filter(|group| !group.is_empty())
        .collect()
}

fn write_record<'t>(fields: impl Iterator<Item = &'t str>, out: &mut Vec<u8>) {
    for (index, text) in fields.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_field(text, out);
    }
    out.push(b'\n');
}

fn write_field(text: &str, out: &mut Vec<u8>) {
    if !text
        .bytes()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
    {
        push_str(out, text);
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::write_record;

    #[test]
    fn fields_come_back_as_they_were() {
        let fields = ["plain", "", "a,b", "say \"so\"", "two\nlines", "₹5 \r"];
        let mut out = Vec::new();
        write_record(fields.into_iter(), &mut out);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(&out[..]);
        let back = reader
            .records()
            .next()
            .expect("a record")
            .expect("it is read");
        assert_eq!(back.iter().collect::<Vec<_>>(), fields);
    }
}
