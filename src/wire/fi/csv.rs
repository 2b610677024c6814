//! CSV writer (RFC 4180, but lines end with a line feed): transactions only, with the names of the
//! FI schema.

use crate::domain::digits::append_number;
use crate::domain::document::{Document, Element, TableRow};
use crate::domain::naming::wire_enum;
use crate::domain::participants::FiSchema;
use crate::domain::statement::{NewRow, Statement, Transactions};
use crate::domain::statement_writer::StatementWriter;
use crate::domain::terms::{TimeRange, TransactionType};
use crate::wire::fi::format::{push_amount, push_str, push_value_date};
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

wire_enum! {
    /// The amounts of a row in CSV.
    #[derive(Default)]
    CsvAmounts {
        /// `type` and `amount`, as in the schema.
        #[default]
        Schema = "schema",
        /// Also `signedAmount`, which is negative for a debit.
        Signed = "signed",
        /// Also `debit` and `credit`, of which one is empty.
        Split = "split",
    }
}

/// Options of the CSV of a bank account.
#[derive(Clone, Copy, Debug, Default)]
pub struct CsvOptions {
    pub amounts: CsvAmounts,
    /// `true` if no text may begin a formula in a spreadsheet.
    pub is_safe: bool,
}

impl CsvOptions {
    const fn extra_columns(self) -> &'static [&'static str] {
        match self.amounts {
            CsvAmounts::Schema => &[],
            CsvAmounts::Signed => &["signedAmount"],
            CsvAmounts::Split => &["debit", "credit"],
        }
    }
}

/// The writer of CSV statements in one generation of the schemas.
#[derive(Clone, Copy, Debug)]
pub struct CsvWriter {
    schema: FiSchema,
    options: CsvOptions,
}

impl CsvWriter {
    pub fn new(schema: FiSchema, options: CsvOptions) -> Self {
        Self { schema, options }
    }

    /// Appends the header and the transactions of a bank account.
    pub(crate) fn write_rows(&mut self, rows: &Transactions, out: &mut Vec<u8>) {
        self.write_header_record(out);
        for row in rows.iter() {
            self.write_row(&row, out);
        }
    }

    fn write_record<'t>(self, fields: impl Iterator<Item = &'t str>, out: &mut Vec<u8>) {
        self.write_fields(fields, out);
        out.push(b'\n');
    }

    fn write_fields<'t>(self, fields: impl Iterator<Item = &'t str>, out: &mut Vec<u8>) {
        for (index, text) in fields.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.write_text(text, out);
        }
    }

    /// Appends a text. A safe one that would begin a formula gets an apostrophe before it, as OWASP
    /// advises for CSV.
    fn write_text(self, text: &str, out: &mut Vec<u8>) {
        if self.options.is_safe && text.starts_with(FORMULA_STARTS) && !is_number(text) {
            write_field(&format!("'{text}"), out);
        } else {
            write_field(text, out);
        }
    }

    fn write_header_record(self, out: &mut Vec<u8>) {
        let columns = list_columns(self.schema).into_iter();
        let extra = self.options.extra_columns().iter().copied();
        self.write_record(columns.chain(extra), out);
    }

    /// Appends the further amounts of a row.
    fn write_amounts(self, direction: TransactionType, amount: &str, out: &mut Vec<u8>) {
        let is_debit = direction == TransactionType::Debit;
        match self.options.amounts {
            CsvAmounts::Schema => {}
            CsvAmounts::Signed => {
                push_str(out, if is_debit { ",-" } else { "," });
                push_str(out, amount);
            }
            CsvAmounts::Split if is_debit => {
                out.push(b',');
                push_str(out, amount);
                out.push(b',');
            }
            CsvAmounts::Split => {
                push_str(out, ",,");
                push_str(out, amount);
            }
        }
    }
}

/// The characters with which a text is a formula for a spreadsheet.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Returns whether a text is a number, which is no formula although it may begin with a sign.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

impl StatementWriter for CsvWriter {
    fn write_header(&mut self, _: &Statement, _: Option<TimeRange>, out: &mut Vec<u8>) {
        self.write_header_record(out);
    }

    fn write_row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>) {
        match row.supplied.txn_id {
            None => {
                out.push(b'M');
                append_number(out, row.id);
            }
            Some(id) => self.write_text(id, out),
        }
        out.push(b',');
        push_str(out, row.transaction_type.as_str());
        out.push(b',');
        push_str(out, row.mode.name_in(self.schema));
        out.push(b',');
        push_amount(out, row.amount);
        out.push(b',');
        push_amount(out, row.balance);
        out.push(b',');
        let at = row.at.to_ist_bytes();
        out.extend_from_slice(&at);
        out.push(b',');
        push_value_date(out, row, &at);
        out.push(b',');
        self.write_text(row.narration, out);
        out.push(b',');
        self.write_text(row.reference, out);
        if self.options.amounts != CsvAmounts::Schema {
            self.write_amounts(row.transaction_type, &row.amount.to_string(), out);
        }
        out.push(b'\n');
    }

    fn write_footer(&mut self, _: &mut Vec<u8>) {}

    /// Appends one block of records for each element name, below a header of its columns.
    ///
    /// A bank account whose document has quirks keeps the columns of a bank account.
    fn write_document(&mut self, _: &Statement, document: &Document, out: &mut Vec<u8>) {
        if document.root.attribute_value("type") == Some("deposit") {
            self.write_header_record(out);
            let transactions = document.root.find_child("Transactions");
            for row in transactions.iter().flat_map(|list| &list.children) {
                let value = |name| row.attribute_value(name).unwrap_or_default();
                let values = list_columns(self.schema).map(value);
                self.write_fields(values.into_iter(), out);
                let direction = TransactionType::parse(value("type"));
                let direction = direction.expect("a row of a bank account has a direction");
                self.write_amounts(direction, value("amount"), out);
                out.push(b'\n');
            }
            return;
        }
        for rows in group_transactions(&document.root) {
            let columns = union_of_columns(&rows);
            self.write_record(
                std::iter::once("element").chain(columns.iter().copied()),
                out,
            );
            for row in &rows {
                let values = columns.iter().map(|column| {
                    let cell = row.cells.iter().find(|(name, _)| name == column);
                    cell.map_or("", |(_, value)| *value)
                });
                self.write_record(std::iter::once(row.element).chain(values), out);
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
    use super::{CsvOptions, CsvWriter};
    use crate::domain::participants::FiSchema;

    /// Writes a record and reads it again.
    fn write_and_read(fields: &[&str], options: CsvOptions) -> Vec<String> {
        let mut out = Vec::new();
        CsvWriter::new(FiSchema::Current, options).write_record(fields.iter().copied(), &mut out);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(&out[..]);
        let record = reader.records().next().expect("a record");
        let record = record.expect("it is read");
        record.iter().map(str::to_owned).collect()
    }

    #[test]
    fn fields_come_back_as_they_were() {
        let fields = [
            "plain",
            "",
            "a,b",
            "say \"so\"",
            "two\nlines",
            "₹5 \r",
            "=1+1",
        ];
        assert_eq!(write_and_read(&fields, CsvOptions::default()), fields);
    }

    #[test]
    fn a_safe_text_begins_no_formula() {
        let options = CsvOptions {
            is_safe: true,
            ..CsvOptions::default()
        };
        let fields = [
            "=HYPERLINK(\"x\")",
            "@SUM(A1)",
            "+91 98",
            "-5.00",
            "UPI/1=2",
            "-",
            "\tTAB",
        ];
        let expected = [
            "'=HYPERLINK(\"x\")",
            "'@SUM(A1)",
            "'+91 98",
            "-5.00",
            "UPI/1=2",
            "'-",
            "'\tTAB",
        ];
        assert_eq!(write_and_read(&fields, options), expected);
    }
}
