//! Files for people: workbooks and printed statements, of data and of analytics.

pub mod pdf;
pub mod svg;
mod tables;
pub mod xlsx;

pub use tables::{build_analytics_workbook, build_statement_workbook};

use chrono::NaiveDate;

use crate::domain::money::Paise;

/// What a file holds: sheets of a workbook, or the tables of a printed document.
#[derive(Clone, Debug, PartialEq)]
pub struct Workbook {
    pub title: String,
    /// What stands below the title: a name and a value each.
    pub header_fields: Vec<(String, String)>,
    pub sheets: Vec<Sheet>,
}

/// The first column of a sheet whose rows are of several parts; in print each part is a table.
const PART_COLUMN: &str = "part";

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    pub name: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    /// The columns of days and of balances, from 0 on, where the balance is worth a picture.
    pub balance_chart: Option<(usize, usize)>,
}

/// A value with its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Money(Paise),
    Number(f64),
    Date(NaiveDate),
}

impl Cell {
    /// As it is printed.
    pub fn to_text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Money(amount) => amount.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Date(date) => date.to_string(),
        }
    }

    /// Whether it stands at the right of its column.
    pub fn is_numeric(&self) -> bool {
        matches!(self, Self::Money(_) | Self::Number(_))
    }
}
