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
const NAME_MAX: usize = 31;

/// Excel has no more rows in a sheet, the header among them.
const ROWS_MAX: usize = 1_048_575;

/// The workbook as the bytes of a file; the same bytes each time.
pub fn write(workbook: &Workbook) -> Vec<u8> {
    written(workbook).expect("our names are unique, and sheets are no longer than Excel's")
}

fn written(workbook: &Workbook) -> Result<Vec<u8>, XlsxError> {
    let mut file = File::new();
    // The time of making is no part of what is told.
    let made = ExcelDateTime::from_ymd(2020, 1, 1)?;
    file.set_properties(
        &rust_xlsxwriter::DocProperties::new()
            .set_title(&workbook.title)
            .set_creation_datetime(&made),
    );
    let styles = Styles::new();
    let mut names = HashSet::new();
    let cover = file.add_worksheet().set_name("About")?;
    names.insert("about".to_owned());
    cover.write_string_with_format(0, 0, &workbook.title, &styles.title)?;
    for ((name, value), row) in workbook.heading.iter().zip(2..) {
        cover.write_string_with_format(row, 0, name, &styles.header)?;
        cover.write_string(row, 1, value)?;
    }
    cover.set_column_width(0, 24)?.set_column_width(1, 60)?;
    for sheet in &workbook.sheets {
        let name = unique(&sheet.name, &mut names);
        let page = file.add_worksheet().set_name(&name)?;
        fill(page, sheet, &name, &styles)?;
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

fn fill(page: &mut Worksheet, sheet: &Sheet, name: &str, styles: &Styles) -> Result<(), XlsxError> {
    let column = |place: usize| u16::try_from(place).expect("tables have few columns");
    for (place, title) in sheet.columns.iter().enumerate() {
        page.write_string_with_format(0, column(place), title, &styles.header)?;
        page.set_column_width(column(place), width(sheet, place))?;
    }
    page.set_freeze_panes(1, 0)?;
    let rows = &sheet.rows[..sheet.rows.len().min(ROWS_MAX)];
    for (cells, row) in rows.iter().zip(1u32..) {
        for (place, cell) in cells.iter().enumerate() {
            let column = column(place);
            match cell {
                Cell::Empty => continue,
                Cell::Text(text) => page.write_string(row, column, text)?,
                Cell::Money(amount) => {
                    page.write_number_with_format(row, column, rupees(amount.0), &styles.money)?
                }
                Cell::Number(number) => page.write_number(row, column, *number)?,
                Cell::Date(date) => {
                    let small = |number: u32| u8::try_from(number).expect("a month or a day");
                    let year = u16::try_from(date.year()).expect("a year of our era");
                    let day =
                        ExcelDateTime::from_ymd(year, small(date.month()), small(date.day()))?;
                    page.write_datetime_with_format(row, column, &day, &styles.date)?
                }
            };
        }
    }
    if let Some((days, balance)) = sheet.chart.filter(|_| rows.len() > 1) {
        let last = u32::try_from(rows.len()).expect("no more than Excel's rows");
        let mut chart = Chart::new(ChartType::Line);
        chart
            .add_series()
            .set_name("Balance")
            .set_categories((name, 1, column(days), last, column(days)))
            .set_values((name, 1, column(balance), last, column(balance)));
        chart.title().set_name("Balance");
        chart.legend().set_hidden();
        chart.set_width(900).set_height(360);
        page.insert_chart(1, column(sheet.columns.len()) + 1, &chart)?;
    }
    Ok(())
}

/// As a cell has it; exact up to ninety thousand crore.
#[expect(
    clippy::cast_precision_loss,
    reason = "amounts are far below 2^53 paise"
)]
fn rupees(paise: i64) -> f64 {
    paise as f64 / 100.0
}

/// Wide enough for the first rows.
#[expect(clippy::cast_precision_loss, reason = "cells are short")]
fn width(sheet: &Sheet, place: usize) -> f64 {
    let cells = sheet
        .rows
        .iter()
        .take(50)
        .filter_map(|row| row.get(place))
        .map(|cell| cell.text().len());
    (cells
        .chain([sheet.columns[place].len()])
        .max()
        .unwrap_or(8)
        .clamp(8, 60)
        + 2) as f64
}

/// A name as Excel allows it, that no other sheet has.
fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let plain: String = name
        .chars()
        .map(|c| if "[]:*?/\\".contains(c) { '-' } else { c })
        .collect();
    let mut number = 1;
    loop {
        let tail = if number == 1 {
            String::new()
        } else {
            format!(" {number}")
        };
        let short: String = plain.chars().take(NAME_MAX - tail.len()).collect();
        let name = format!("{}{tail}", short.trim_matches('\''));
        if taken.insert(name.to_lowercase()) {
            return name;
        }
        number += 1;
    }
}
