//! Workbooks: typed cells, headers that stay in sight, a chart of the balance.

use std::collections::HashSet;

use chrono::Datelike;
use rust_xlsxwriter::{
    Chart, ChartType, ExcelDateTime, Format, Workbook as File, Worksheet, XlsxError,
};

use super::{Cell, Sheet, Workbook};

/// The media type of a workbook (ECMA-376).
pub const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Excel has no longer names of sheets.
const SHEET_NAME_CHARS_MAX: usize = 31;

/// Excel has no more rows in a sheet, the header among them.
const DATA_ROWS_MAX: usize = 1_048_575;

/// The workbook as the bytes of a file; the same bytes each time.
pub fn write_workbook(workbook: &Workbook) -> Vec<u8> {
    try_write_workbook(workbook)
        .expect("our names are unique, and sheets are no longer than Excel's")
}

fn try_write_workbook(workbook: &Workbook) -> Result<Vec<u8>, XlsxError> {
    let mut file = File::new();
    // The time of making is no part of what is told.
    let created_at = ExcelDateTime::from_ymd(2020, 1, 1)?;
    file.set_properties(
        &rust_xlsxwriter::DocProperties::new()
            .set_title(&workbook.title)
            .set_creation_datetime(&created_at),
    );
    let styles = Styles::new();
    let mut used_names = HashSet::new();
    let about_sheet = file.add_worksheet().set_name("About")?;
    used_names.insert("about".to_owned());
    about_sheet.write_string_with_format(0, 0, &workbook.title, &styles.title)?;
    for ((name, value), row) in workbook.header_fields.iter().zip(2..) {
        about_sheet.write_string_with_format(row, 0, name, &styles.header)?;
        about_sheet.write_string(row, 1, value)?;
    }
    about_sheet
        .set_column_width(0, 24)?
        .set_column_width(1, 60)?;
    for sheet in &workbook.sheets {
        let name = unique_sheet_name(&sheet.name, &mut used_names);
        let worksheet = file.add_worksheet().set_name(&name)?;
        fill_worksheet(worksheet, sheet, &name, &styles)?;
    }
    file.save_to_buffer()
}

struct Styles {
    title: Format,
    header: Format,
    money: Format,
    date: Format,
}

impl Styles {
    fn new() -> Self {
        Self {
            title: Format::new().set_bold().set_font_size(16),
            header: Format::new().set_bold(),
            money: Format::new().set_num_format("#,##0.00"),
            date: Format::new().set_num_format("yyyy-mm-dd"),
        }
    }
}

fn fill_worksheet(
    worksheet: &mut Worksheet,
    sheet: &Sheet,
    name: &str,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let column_number = |index: usize| u16::try_from(index).expect("tables have few columns");
    for (index, title) in sheet.columns.iter().enumerate() {
        worksheet.write_string_with_format(0, column_number(index), title, &styles.header)?;
        worksheet.set_column_width(column_number(index), column_width(sheet, index))?;
    }
    worksheet.set_freeze_panes(1, 0)?;
    let rows = &sheet.rows[..sheet.rows.len().min(DATA_ROWS_MAX)];
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
                    &styles.money,
                )?,
                Cell::Number(number) => worksheet.write_number(row, column, *number)?,
                Cell::Date(date) => {
                    let to_u8 = |number: u32| u8::try_from(number).expect("a month or a day");
                    let year = u16::try_from(date.year()).expect("a year of our era");
                    let day =
                        ExcelDateTime::from_ymd(year, to_u8(date.month()), to_u8(date.day()))?;
                    worksheet.write_datetime_with_format(row, column, &day, &styles.date)?
                }
            };
        }
    }
    if let Some((date_column, balance_column)) = sheet.balance_chart.filter(|_| rows.len() > 1) {
        let last = u32::try_from(rows.len()).expect("no more than Excel's rows");
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

/// As a cell has it; exact up to ninety thousand crore.
#[expect(
    clippy::cast_precision_loss,
    reason = "amounts are far below 2^53 paise"
)]
fn paise_to_rupees(paise: i64) -> f64 {
    paise as f64 / 100.0
}

/// Wide enough for the first rows.
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

/// A name as Excel allows it, that no other sheet has.
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
