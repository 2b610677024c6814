//! Workbooks and printable documents of statements and analytics.
//!
//! `tables` converts both to a [`Workbook`], which knows no file format; [`xlsx`] and [`pdf`]
//! write it. Equal workbooks give equal bytes.

pub(crate) mod pdf;
pub(crate) mod svg;
mod tables;
pub(crate) mod xlsx;

pub use tables::list_element_sheets;
pub(crate) use tables::{build_analytics_workbook, build_appraisal_document};

use chrono::NaiveDate;

use self::pdf::StatementPdf;
use self::xlsx::StatementXlsx;
use crate::domain::money::{Paise, group_count};
use crate::domain::naming::wire_enum;
use crate::domain::statement_writer::StatementWriter;

wire_enum! {
    /// A format for people.
    FileFormat {
        Xlsx = "xlsx",
        Pdf = "pdf",
    }
}

impl FileFormat {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Xlsx => xlsx::MEDIA_TYPE,
            Self::Pdf => pdf::MEDIA_TYPE,
        }
    }

    pub(crate) fn write_workbook(self, workbook: &Workbook) -> Vec<u8> {
        match self {
            Self::Xlsx => xlsx::write_workbook(workbook),
            Self::Pdf => pdf::write_workbook(workbook),
        }
    }

    pub(crate) fn statement_writer(self) -> Box<dyn StatementWriter> {
        match self {
            Self::Xlsx => Box::new(StatementXlsx::default()),
            Self::Pdf => Box::new(StatementPdf::default()),
        }
    }
}

/// The content of a file, independent of its format: sheets of a workbook, or tables of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Workbook {
    pub title: String,
    /// The lines below the title, each a name and a value.
    pub header_fields: Vec<(String, String)>,
    pub sheets: Vec<Sheet>,
}

/// The name of the first column of a sheet with several parts; in a document, each part is a table.
const PART_COLUMN: &str = "part";

/// A table with named columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    pub name: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    /// `true` for a table for which people open the file: it comes first in a workbook.
    pub is_main: bool,
    /// A sentence before the table of a document; empty: none.
    pub intro: String,
    /// The indexes, from 0, of two columns of amounts that a document compares by bars.
    pub bars: Option<(usize, usize)>,
}

/// A typed value of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Money(Paise),
    Number(f64),
    Count(u32),
    Date(NaiveDate),
}

impl Cell {
    /// Returns the value as text, for documents.
    pub fn to_text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Money(amount) => amount.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Date(date) => date.to_string(),
        }
    }

    /// Returns the value as a document prints it: amounts with Indian digit grouping, dates as dd/mm/yyyy.
    fn print(&self) -> String {
        match self {
            Self::Money(amount) => amount.group(),
            Self::Count(count) => group_count(*count as usize),
            Self::Date(date) => print_date(*date),
            cell => cell.to_text(),
        }
    }

    /// Returns whether the value is a number, which is aligned right.
    pub fn is_numeric(&self) -> bool {
        matches!(self, Self::Money(_) | Self::Number(_) | Self::Count(_))
    }
}

/// Returns a date as banks in India print it.
fn print_date(date: NaiveDate) -> String {
    date.format("%d/%m/%Y").to_string()
}
