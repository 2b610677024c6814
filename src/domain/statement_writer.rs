//! Writers of statements: each writes one file format, row by row.

use crate::domain::document::Document;
use crate::domain::statement::{NewRow, Statement, StatementBody, Transactions};
use crate::domain::terms::TimeRange;

/// A streaming writer of one file format. Rows are appended one at a time, because a statement
/// may have more rows than should be in memory.
pub trait StatementWriter {
    /// Appends the part of a bank account's statement before the rows. The rows of `statement` are not used and may be
    /// missing. `range` is that of the rows; `None` if the consent does not include transactions.
    fn write_header(&mut self, statement: &Statement, range: Option<TimeRange>, out: &mut Vec<u8>);

    /// Appends a transaction.
    fn write_row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>);

    /// Appends the part after the rows.
    fn write_footer(&mut self, out: &mut Vec<u8>);

    /// Appends a statement whose body is a document: that of an account other than a bank account, or of a bank account
    /// with quirks. Such documents are in memory.
    fn write_document(&mut self, statement: &Statement, document: &Document, out: &mut Vec<u8>);

    /// Appends the end of the file, after its last statement.
    fn finish(&mut self, out: &mut Vec<u8>) {
        let _ = out;
    }
}

/// Appends a statement that is in memory. The file is not finished.
pub fn write_statement(statement: &Statement, writer: &mut dyn StatementWriter, out: &mut Vec<u8>) {
    match &statement.body {
        StatementBody::Other(document) => writer.write_document(statement, document, out),
        StatementBody::Bank(bank) => {
            let range = bank.transactions.as_ref().map(|rows| rows.range);
            writer.write_header(statement, range, out);
            for row in bank.transactions.iter().flat_map(Transactions::iter) {
                writer.write_row(&row, out);
            }
            writer.write_footer(out);
        }
    }
}
