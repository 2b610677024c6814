//! Encoders of financial information: XML of the ReBIT FI schemas in two generations, JSON and CSV
//! with the names of these schemas, JSON in Unaport tabs; and the validation of XML against the
//! schemas.
//!
//! Statements come from `bankgen` complete; nothing is generated here. Equal statements give equal
//! bytes.

pub(crate) mod csv;
pub(crate) mod element_json;
pub(crate) mod form;
mod format;
pub(crate) mod gateway_json;
pub(crate) mod json;
mod quirks;
pub(crate) mod schema;
pub(crate) mod tabs;
pub(crate) mod validate;
pub(crate) mod xml;

use crate::domain::document::Document;
use crate::domain::statement::{NewRow, Statement, StatementBody, Transactions};
use crate::domain::terms::TimeRange;

/// Writes a statement that is in memory.
pub(crate) fn write_whole(
    statement: &Statement,
    range: TimeRange,
    writer: &mut dyn StatementWriter,
) -> Vec<u8> {
    let mut out = Vec::new();
    match &statement.body {
        StatementBody::Other(document) => writer.write_document(document, &mut out),
        StatementBody::Bank(bank) => {
            writer.write_header(statement, range, &mut out);
            for row in bank.transactions.iter().flat_map(Transactions::iter) {
                writer.write_row(&row, &mut out);
            }
            writer.write_footer(&mut out);
        }
    }
    out
}

/// A streaming writer of one statement format. Rows are appended one at a time, because a statement
/// may have more rows than should be in memory.
pub trait StatementWriter {
    /// Appends the part before the rows. The rows of `statement` are not used and may be missing.
    fn write_header(&mut self, statement: &Statement, range: TimeRange, out: &mut Vec<u8>);

    /// Appends a transaction.
    fn write_row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>);

    /// Appends the part after the rows.
    fn write_footer(&mut self, out: &mut Vec<u8>);

    /// Appends the complete document of an account other than a bank account. Such documents are
    /// short.
    fn write_document(&mut self, document: &Document, out: &mut Vec<u8>);
}
