//! XLSX workbooks: typed cells, frozen header rows, a chart of the balance.

use std::collections::HashSet;
use std::io::Cursor;

use chrono::{Datelike, NaiveDate};
use rust_xlsxwriter::{
    Chart, ChartType, ExcelDateTime, Format, Workbook as File, Worksheet, XlsxError,
};

use super::tables::{
    TRANSACTION_COLUMNS, add_account_sheets, add_element_sheets, list_facts, transaction_cells,
};
use super::{Cell, Sheet, Workbook};
use crate::domain::document::Document;
use crate::domain::money::Paise;
use crate::domain::statement::{NewRow, Statement};
use crate::domain::statement_writer::StatementWriter;
use crate::domain::terms::TimeRange;

/// The media type of XLSX (ECMA-376).
pub(crate) const MEDIA_TYPE: &str =
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Excel's maximum length of a sheet name, in characters.
const SHEET_NAME_CHARS_MAX: usize = 31;

/// The maximum number of rows below the header: Excel's limit is 1,048,576 rows with it.
const DATA_ROWS_MAX: usize = 1_048_575;

/// Writes a workbook as an XLSX file; equal workbooks give equal bytes.
pub fn write_workbook(workbook: &Workbook) -> Vec<u8> {
    try_write_workbook(workbook, DATA_ROWS_MAX).expect(VALID)
}

/// The reason for which writing cannot fail.
const VALID: &str = "sheet names are unique, and rows and texts are within Excel's limits";

/// Writes a workbook whose sheets have this number of rows at most.
fn try_write_workbook(workbook: &Workbook, rows_max: usize) -> Result<Vec<u8>, XlsxError> {
    let mut file = WorkbookFile::new(&workbook.title, rows_max)?;
    for sheet in main_first(&workbook.sheets) {
        file.add_sheet(sheet)?;
    }
    file.add_about_sheet(&workbook.title, &workbook.header_fields)?;
    file.file.save_to_buffer()
}

/// Returns sheets in their order in a file: programs show the first one.
fn main_first(sheets: &[Sheet]) -> impl Iterator<Item = &Sheet> {
    let (main, others): (Vec<_>, Vec<_>) = sheets.iter().partition(|sheet| sheet.is_main);
    main.into_iter().chain(others)
}

/// A file that is being written. The rows of its worksheets are on disk, if the system has a directory for temporary
/// files.
struct WorkbookFile {
    file: File,
    styles: Styles,
    used_names: HashSet<String>,
    rows_max: usize,
    /// `false` without a directory for temporary files.
    has_temporary_files: bool,
}

/// A worksheet whose rows are being written.
struct OpenWorksheet {
    index: usize,
    name: String,
    /// The number of rows below the header.
    rows: usize,
}

impl WorkbookFile {
    fn new(title: &str, rows_max: usize) -> Result<Self, XlsxError> {
        let mut file = File::new();
        // A constant creation time keeps the bytes reproducible.
        let created_at = ExcelDateTime::from_ymd(2020, 1, 1)?;
        let properties = rust_xlsxwriter::DocProperties::new();
        file.set_properties(
            &properties
                .set_title(title)
                .set_creation_datetime(&created_at),
        );
        let has_temporary_files = file.set_tempdir(std::env::temp_dir()).is_ok();
        Ok(Self {
            file,
            styles: Styles::new(),
            used_names: HashSet::from(["about".to_owned()]),
            rows_max,
            has_temporary_files,
        })
    }

    fn add_worksheet(&mut self, name: &str) -> Result<OpenWorksheet, XlsxError> {
        let name = unique_sheet_name(name, &mut self.used_names);
        let worksheet = if self.has_temporary_files {
            self.file.add_worksheet_with_constant_memory()?
        } else {
            self.file.add_worksheet()
        };
        worksheet.set_name(&name)?;
        Ok(OpenWorksheet {
            index: self.file.worksheets().len() - 1,
            name,
            rows: 0,
        })
    }

    /// Adds a worksheet with a header: the names and the widths of its columns.
    fn begin_table<'c>(
        &mut self,
        name: &str,
        columns: impl Iterator<Item = (&'c str, f64)>,
    ) -> Result<OpenWorksheet, XlsxError> {
        let open = self.add_worksheet(name)?;
        let worksheet = self.file.worksheet_from_index(open.index)?;
        worksheet.set_freeze_panes(1, 0)?;
        for (index, (title, width)) in columns.enumerate() {
            worksheet.set_column_width(column_number(index), width)?;
            worksheet.write_string_with_format(
                0,
                column_number(index),
                title,
                &self.styles.header,
            )?;
        }
        Ok(open)
    }

    fn write_row(&mut self, open: &mut OpenWorksheet, cells: &[Cell]) -> Result<(), XlsxError> {
        let worksheet = self.file.worksheet_from_index(open.index)?;
        open.rows += 1;
        let row = u32::try_from(open.rows).expect(VALID);
        write_cells(worksheet, row, cells, &self.styles)
    }

    /// Adds a table. One that is longer than a worksheet goes on in the next one.
    fn add_sheet(&mut self, sheet: &Sheet) -> Result<(), XlsxError> {
        let parts = sheet.rows.chunks(self.rows_max);
        let is_empty = parts.len() == 0;
        for rows in parts.chain(is_empty.then_some(&[][..])) {
            let columns = sheet.columns.iter().enumerate();
            let columns = columns.map(|(index, name)| (name.as_str(), column_width(sheet, index)));
            let mut open = self.begin_table(&sheet.name, columns)?;
            for cells in rows {
                self.write_row(&mut open, cells)?;
            }
        }
        Ok(())
    }

    fn add_about_sheet(
        &mut self,
        title: &str,
        facts: &[(String, String)],
    ) -> Result<(), XlsxError> {
        let worksheet = self.file.add_worksheet().set_name("About")?;
        worksheet.write_string_with_format(0, 0, title, &self.styles.title)?;
        for ((name, value), row) in facts.iter().zip(2..) {
            worksheet.write_string_with_format(row, 0, name, &self.styles.header)?;
            worksheet.write_string(row, 1, value)?;
        }
        worksheet.set_column_width(0, 24)?.set_column_width(1, 60)?;
        Ok(())
    }
}

const STATEMENT_TITLE: &str = "Account statement";

/// The index of the date and of the balance among the columns of transactions.
const DATE_COLUMN: usize = 0;
const BALANCE_COLUMN: usize = 5;

/// The widths of the columns of transactions, in characters.
const TRANSACTION_WIDTHS: [f64; TRANSACTION_COLUMNS.len()] =
    [12.0, 48.0, 20.0, 16.0, 16.0, 18.0, 16.0, 16.0, 27.0, 18.0];

/// The writer of workbooks of statements; accounts of one FI type share their sheets.
pub struct StatementXlsx {
    file: WorkbookFile,
    /// The masked number of the account whose rows are being written.
    account: String,
    transactions: Option<OpenWorksheet>,
    /// The sheets that follow the transactions of bank accounts.
    sheets: Vec<Sheet>,
    facts: Vec<(String, String)>,
}

impl Default for StatementXlsx {
    fn default() -> Self {
        Self::with_rows_max(DATA_ROWS_MAX)
    }
}

impl StatementXlsx {
    fn with_rows_max(rows_max: usize) -> Self {
        Self {
            file: WorkbookFile::new(STATEMENT_TITLE, rows_max).expect(VALID),
            account: String::new(),
            transactions: None,
            sheets: Vec::new(),
            facts: Vec::new(),
        }
    }

    fn begin_transactions(&mut self) -> Result<OpenWorksheet, XlsxError> {
        let columns = TRANSACTION_COLUMNS.into_iter().zip(TRANSACTION_WIDTHS);
        self.file.begin_table("DEPOSIT transactions", columns)
    }

    /// Ends a worksheet of transactions, with a chart of the balance.
    fn end_transactions(&mut self, open: &OpenWorksheet) -> Result<(), XlsxError> {
        if open.rows < 2 {
            return Ok(());
        }
        let last = u32::try_from(open.rows).expect(VALID);
        let range = |column| {
            (
                &*open.name,
                1,
                column_number(column),
                last,
                column_number(column),
            )
        };
        let mut chart = Chart::new(ChartType::Line);
        chart
            .add_series()
            .set_name("Balance")
            .set_categories(range(DATE_COLUMN))
            .set_values(range(BALANCE_COLUMN));
        chart.title().set_name("Balance");
        chart.legend().set_hidden();
        chart.set_width(900).set_height(360);
        let worksheet = self.file.file.worksheet_from_index(open.index)?;
        worksheet.insert_chart(1, column_number(TRANSACTION_COLUMNS.len()) + 1, &chart)?;
        Ok(())
    }

    fn try_write_row(&mut self, row: &NewRow<'_>) -> Result<(), XlsxError> {
        let mut open = match self.transactions.take() {
            Some(full) if full.rows == self.file.rows_max => {
                self.end_transactions(&full)?;
                self.begin_transactions()?
            }
            Some(open) => open,
            None => self.begin_transactions()?,
        };
        self.file
            .write_row(&mut open, &transaction_cells(row, &self.account))?;
        self.transactions = Some(open);
        Ok(())
    }

    fn try_finish(&mut self, out: &mut Vec<u8>) -> Result<(), XlsxError> {
        if let Some(open) = self.transactions.take() {
            self.end_transactions(&open)?;
        }
        for sheet in main_first(&self.sheets) {
            self.file.add_sheet(sheet)?;
        }
        self.file.add_about_sheet(STATEMENT_TITLE, &self.facts)?;
        let end = out.len();
        let mut packed = Cursor::new(out);
        packed.set_position(end as u64);
        self.file.file.save_to_writer(packed)
    }
}

impl StatementWriter for StatementXlsx {
    fn write_header(&mut self, statement: &Statement, range: Option<TimeRange>, _: &mut Vec<u8>) {
        self.account = statement.account.masked_number.to_string();
        self.facts.extend(list_facts(statement, range));
        add_account_sheets(statement, &mut self.sheets);
        if range.is_some() && self.transactions.is_none() {
            self.transactions = Some(self.begin_transactions().expect(VALID));
        }
    }

    fn write_row(&mut self, row: &NewRow<'_>, _: &mut Vec<u8>) {
        self.try_write_row(row).expect(VALID);
    }

    fn write_footer(&mut self, _: &mut Vec<u8>) {}

    fn write_document(&mut self, statement: &Statement, document: &Document, _: &mut Vec<u8>) {
        self.facts.extend(list_facts(statement, None));
        add_element_sheets(statement, document, &mut self.sheets);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.try_finish(out).expect(VALID);
    }
}

struct Styles {
    title: Format,
    header: Format,
    money: Format,
    debt: Format,
    date: Format,
}

/// The format of an amount with Indian digit grouping, 1,89,578.22. A format has two conditions at most, so that
/// negative amounts have one of their own.
const MONEY_FORMAT: &str = r"[>=10000000]##\,##\,##\,##0.00;[>=100000]##\,##\,##0.00;##,##0.00";
const DEBT_FORMAT: &str = r"[<=-10000000]-##\,##\,##\,##0.00;[<=-100000]-##\,##\,##0.00;##,##0.00";

impl Styles {
    fn new() -> Self {
        Self {
            title: Format::new().set_bold().set_font_size(16),
            header: Format::new().set_bold(),
            money: Format::new().set_num_format(MONEY_FORMAT),
            debt: Format::new().set_num_format(DEBT_FORMAT),
            date: Format::new().set_num_format("dd/mm/yyyy"),
        }
    }

    fn money(&self, amount: Paise) -> &Format {
        if amount.0 < 0 {
            &self.debt
        } else {
            &self.money
        }
    }
}

fn write_cells(
    worksheet: &mut Worksheet,
    row: u32,
    cells: &[Cell],
    styles: &Styles,
) -> Result<(), XlsxError> {
    for (index, cell) in cells.iter().enumerate() {
        let column = column_number(index);
        match cell {
            Cell::Empty => continue,
            Cell::Text(text) => worksheet.write_string(row, column, text)?,
            Cell::Money(amount) => worksheet.write_number_with_format(
                row,
                column,
                paise_to_rupees(amount.0),
                styles.money(*amount),
            )?,
            Cell::Number(number) => worksheet.write_number(row, column, *number)?,
            Cell::Count(count) => worksheet.write_number(row, column, *count)?,
            Cell::Date(date) => match to_excel_date(*date) {
                Some(excel) => {
                    worksheet.write_datetime_with_format(row, column, &excel, &styles.date)?
                }
                None => worksheet.write_string(row, column, date.to_string())?,
            },
        };
    }
    Ok(())
}

fn column_number(index: usize) -> u16 {
    u16::try_from(index).expect("tables have few columns")
}

/// Returns a date of Excel, whose calendar begins in 1900.
fn to_excel_date(date: NaiveDate) -> Option<ExcelDateTime> {
    let year = u16::try_from(date.year()).ok()?;
    let (month, day) = (
        u8::try_from(date.month()).ok()?,
        u8::try_from(date.day()).ok()?,
    );
    ExcelDateTime::from_ymd(year, month, day).ok()
}

/// Converts an amount for a cell; exact up to 2^53 paise, some 90 trillion rupees.
#[expect(
    clippy::cast_precision_loss,
    reason = "amounts are far below 2^53 paise"
)]
fn paise_to_rupees(paise: i64) -> f64 {
    paise as f64 / 100.0
}

/// Returns a width in characters that fits the header and the first 50 rows, from 10 to 62.
#[expect(clippy::cast_precision_loss, reason = "cells are short")]
fn column_width(sheet: &Sheet, index: usize) -> f64 {
    let cells = sheet
        .rows
        .iter()
        .take(50)
        .filter_map(|row| row.get(index))
        .map(|cell| cell.to_text().len());
    (cells
        .chain([sheet.columns[index].len()])
        .max()
        .unwrap_or(8)
        .clamp(8, 60)
        + 2) as f64
}

/// Returns a sheet name that Excel accepts and that is not used yet, and marks it as used.
fn unique_sheet_name(name: &str, used_names: &mut HashSet<String>) -> String {
    let allowed: String = name
        .chars()
        .map(|c| if "[]:*?/\\".contains(c) { '-' } else { c })
        .collect();
    let mut number = 1;
    loop {
        let suffix = if number == 1 {
            String::new()
        } else {
            format!(" {number}")
        };
        let prefix: String = allowed
            .chars()
            .take(SHEET_NAME_CHARS_MAX - suffix.len())
            .collect();
        let name = format!("{}{suffix}", prefix.trim_matches('\''));
        if used_names.insert(name.to_lowercase()) {
            return name;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::try_write_workbook;
    use crate::export::{Cell, Sheet, Workbook};

    /// Returns the number of sheets, by the names of the files in the archive.
    fn count_sheets(rows: u32, rows_max: usize) -> usize {
        let workbook = Workbook {
            title: "Rows".to_owned(),
            header_fields: Vec::new(),
            sheets: vec![Sheet {
                name: "rows".to_owned(),
                columns: vec!["number".to_owned()],
                rows: (0..rows).map(|number| vec![Cell::Count(number)]).collect(),
                ..Sheet::default()
            }],
        };
        let bytes = try_write_workbook(&workbook, rows_max).expect("a workbook");
        let names = (1..=9).map(|number| format!("xl/worksheets/sheet{number}.xml"));
        let is_in = |name: &String| {
            bytes
                .windows(name.len())
                .any(|part| part == name.as_bytes())
        };
        names.filter(is_in).count()
    }

    #[test]
    fn a_table_that_is_longer_than_a_sheet_goes_on_in_the_next_one() {
        // One sheet is that about the file.
        for (rows, sheets) in [(0, 2), (3, 2), (4, 3), (6, 3), (7, 4)] {
            assert_eq!(count_sheets(rows, 3), sheets, "{rows} rows");
        }
    }
}
