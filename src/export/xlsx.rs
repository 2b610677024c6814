//! XLSX workbooks: typed cells, frozen header rows, a chart of the balance.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate};
use rust_xlsxwriter::{
    Chart, ChartType, ExcelDateTime, Format, Workbook as File, Worksheet, XlsxError,
};

use super::{Cell, Sheet, Workbook};
use crate::domain::money::Paise;

/// The media type of XLSX (ECMA-376).
pub(crate) const MEDIA_TYPE: &str =
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Excel's maximum length of a sheet name, in characters.
const SHEET_NAME_CHARS_MAX: usize = 31;

/// The maximum number of rows below the header: Excel's limit is 1,048,576 rows with it.
const DATA_ROWS_MAX: usize = 1_048_575;

/// Writes a workbook as an XLSX file; equal workbooks give equal bytes.
pub fn write_workbook(workbook: &Workbook) -> Vec<u8> {
    try_write_workbook(workbook, DATA_ROWS_MAX)
        .expect("sheet names are unique, and rows are within Excel's limit")
}

/// Writes a workbook whose sheets have this number of rows at most.
fn try_write_workbook(workbook: &Workbook, rows_max: usize) -> Result<Vec<u8>, XlsxError> {
    let mut file = File::new();
    // A constant creation time keeps the bytes reproducible.
    let created_at = ExcelDateTime::from_ymd(2020, 1, 1)?;
    file.set_properties(
        &rust_xlsxwriter::DocProperties::new()
            .set_title(&workbook.title)
            .set_creation_datetime(&created_at),
    );
    let styles = Styles::new();
    let mut used_names = HashSet::new();
    used_names.insert("about".to_owned());
    // The first sheet is the one that programs show.
    let (main, others): (Vec<_>, Vec<_>) = workbook.sheets.iter().partition(|sheet| sheet.is_main);
    for sheet in main.into_iter().chain(others) {
        // A table that is longer than a sheet goes on in the next one.
        let parts = sheet.rows.chunks(rows_max);
        let is_empty = parts.len() == 0;
        for rows in parts.chain(is_empty.then_some(&[][..])) {
            let name = unique_sheet_name(&sheet.name, &mut used_names);
            let worksheet = file.add_worksheet().set_name(&name)?;
            fill_worksheet(worksheet, sheet, rows, &name, &styles)?;
        }
    }
    let about_sheet = file.add_worksheet().set_name("About")?;
    about_sheet.write_string_with_format(0, 0, &workbook.title, &styles.title)?;
    for ((name, value), row) in workbook.header_fields.iter().zip(2..) {
        about_sheet.write_string_with_format(row, 0, name, &styles.header)?;
        about_sheet.write_string(row, 1, value)?;
    }
    about_sheet
        .set_column_width(0, 24)?
        .set_column_width(1, 60)?;
    file.save_to_buffer()
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

fn fill_worksheet(
    worksheet: &mut Worksheet,
    sheet: &Sheet,
    rows: &[Vec<Cell>],
    name: &str,
    styles: &Styles,
) -> Result<(), XlsxError> {
    for (index, title) in sheet.columns.iter().enumerate() {
        worksheet.write_string_with_format(0, column_number(index), title, &styles.header)?;
        worksheet.set_column_width(column_number(index), column_width(sheet, index))?;
    }
    worksheet.set_freeze_panes(1, 0)?;
    for (cells, row) in rows.iter().zip(1u32..) {
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
                Cell::Date(date) => {
                    let date = to_excel_date(*date)?;
                    worksheet.write_datetime_with_format(row, column, &date, &styles.date)?
                }
            };
        }
    }
    if let Some((date_column, balance_column)) = sheet.balance_chart.filter(|_| rows.len() > 1) {
        let last = u32::try_from(rows.len()).expect("rows are within Excel's limit");
        let mut chart = Chart::new(ChartType::Line);
        chart
            .add_series()
            .set_name("Balance")
            .set_categories((
                name,
                1,
                column_number(date_column),
                last,
                column_number(date_column),
            ))
            .set_values((
                name,
                1,
                column_number(balance_column),
                last,
                column_number(balance_column),
            ));
        chart.title().set_name("Balance");
        chart.legend().set_hidden();
        chart.set_width(900).set_height(360);
        worksheet.insert_chart(1, column_number(sheet.columns.len()) + 1, &chart)?;
    }
    Ok(())
}

fn column_number(index: usize) -> u16 {
    u16::try_from(index).expect("tables have few columns")
}

fn to_excel_date(date: NaiveDate) -> Result<ExcelDateTime, XlsxError> {
    ExcelDateTime::from_ymd(
        u16::try_from(date.year()).expect("a year after 0"),
        u8::try_from(date.month()).expect("a month"),
        u8::try_from(date.day()).expect("a day of a month"),
    )
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
