//! Financial information in its outside formats: XML by the ReBIT FI schemas, JSON and CSV with their names, JSON in the
//! Unaport tab shape.

pub mod csv;
pub mod element_json;
mod format;
pub mod json;
pub mod tabs;
pub mod validate;
pub mod xml;

use crate::domain::consent::TimeRange;
use crate::domain::document::Document;
use crate::domain::statement::{NewRow, Statement};

/// A format that a bank account is written in piece by piece: it may have more rows than a buffer should hold.
pub trait StatementWriter {
    /// Appends what stands before the rows; the statement needs none.
    fn write_header(&mut self, statement: &Statement, range: TimeRange, out: &mut Vec<u8>);

    /// Appends a transaction.
    fn write_row(&mut self, row: &NewRow<'_>, out: &mut Vec<u8>);

    /// Appends what stands after the rows.
    fn write_footer(&mut self, out: &mut Vec<u8>);

    /// Appends the document of an account that is no bank account: it is short.
    fn write_document(&mut self, document: &Document, out: &mut Vec<u8>);
}
