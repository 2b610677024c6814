//! CSV writer (RFC 4180, but lines end with a line feed): transactions only, with the names of the
//! FI schema.

use crate::domain::digits::append_number;
use crate::domain::document::{Document, Element, TableRow};
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

    /// Appends one block of records for each element name, below a header of its columns.
    ///
    /// A bank account whose document has quirks keeps the columns of a bank account.
    fn write_document(&mut self, document: &Document, out: &mut Vec<u8>) {
        if document.root.attribute_value("type") == Some("deposit") {
            let columns = list_columns(self.0);
            write_record(columns.into_iter(), out);
            let transactions = document.root.find_child("Transactions");
            for row in transactions.iter().flat_map(|list| &list.children) {
                let values = columns.map(|name| row.attribute_value(name).unwrap_or_default());
                write_record(values.into_iter(), out);
            }
            return;
        }
        for rows in group_transactions(&document.root) {
            let columns = union_of_columns(&rows);
            write_record(
                std::iter::once("element").chain(columns.iter().copied()),
                out,
            );
            for row in &rows {
                let values = columns.iter().map(|column| {
                    let cell = row.cells.iter().find(|(name, _)| name == column);
                    cell.map_or("", |(_, value)| *value)
                });
                write_record(std::iter::once(row.element).chain(values), out);
            }
        }
    }
}

/// Returns the rows of a document's transactions, grouped by element name in the order of first
/// occurrence.
fn group_transactions(root: &Element) -> Vec<Vec<TableRow<'_>>> {
    let transactions = root.find_child("Transactions");
    let children = transactions.into_iter().flat_map(|list| &list.children);
    let mut groups: Vec<Vec<TableRow<'_>>> = Vec::new();
    for row in children.flat_map(Element::table_rows) {
        match groups
            .iter_mut()
            .find(|group| group[0].element == row.element)
        {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

/// Returns the columns that occur in any of the rows, in the order of first occurrence.
fn union_of_columns<'e>(rows: &[TableRow<'e>]) -> Vec<&'e str> {
    let mut columns = Vec::new();
    for (name, _) in rows.iter().flat_map(|row| &row.cells) {
        if !columns.contains(name) {
            columns.push(*name);
        }
    }
    columns
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
