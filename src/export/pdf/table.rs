//! Tables of a document: they may span pages, and share their columns among several tables if the page is too narrow.

use std::borrow::Cow;

use pdf_writer::Rect;

use super::document::{Document, MARGIN, PRINTED_WIDTH, WIDTH};
use super::font::Weight;
use crate::domain::money::Paise;
use crate::export::{Cell, PART_COLUMN, Sheet};

const FONT_SIZE: f32 = 7.0;
pub(super) const LINE_HEIGHT: f32 = 10.0;

/// The width of the widest column, unless a table has only one.
const WIDTH_MAX: f32 = 240.0;

/// The space between a column and the next one.
const GAP: f32 = 8.0;

/// The name of the column by which the rows of tables belong together that share the columns of a sheet.
const ROW_NUMBER_COLUMN: &str = "No.";
const ROW_NUMBER_WIDTH: f32 = 36.0;

/// The height of a chart of bars, with its labels.
const CHART_HEIGHT: f32 = 142.0;

/// The height of a table's name, and of its introduction.
const NAME_HEIGHT: f32 = 25.0;
const INTRO_HEIGHT: f32 = 15.0;

/// The height of the names of the columns, with the line below them.
const HEADER_HEIGHT: f32 = LINE_HEIGHT + 2.0;

/// Draws a sheet as one table, or as several that together have all columns.
pub(super) fn draw_sheet(document: &mut Document, sheet: &Sheet) {
    if sheet.rows.is_empty() && sheet.intro.is_empty() {
        return;
    }
    if sheet.columns[0] != PART_COLUMN {
        draw_columns(document, sheet);
        return;
    }
    for part in split_by_part(sheet) {
        draw_columns(document, &part);
    }
}

fn draw_columns(document: &mut Document, sheet: &Sheet) {
    for table in split_columns(document, sheet) {
        draw_table(document, &table);
    }
}

fn draw_table(document: &mut Document, sheet: &Sheet) {
    let widths = column_widths(document, sheet);
    // Name, chart and names of the columns stay on the page of the first row.
    if document.y < MARGIN + height_to_first_row(document, sheet, &widths) && !document.is_at_top()
    {
        document.next_page();
    }
    document.y -= 10.0;
    document.draw_text(MARGIN, 11.0, Weight::Bold, &sheet.name);
    document.y -= NAME_HEIGHT - 10.0;
    if !sheet.intro.is_empty() {
        document.draw_text(MARGIN, 9.0, Weight::Regular, &sheet.intro);
        document.y -= INTRO_HEIGHT;
    }
    if sheet.rows.is_empty() {
        return;
    }
    if let Some(columns) = sheet.bars {
        draw_bars(document, sheet, columns);
    }
    draw_header(document, sheet, &widths);
    let mut is_below_header = true;
    for row in &sheet.rows {
        let texts: Vec<String> = row.iter().map(Cell::print).collect();
        let cells = wrap_cells(document, &texts, &widths);
        if document.y < MARGIN + row_height(&cells) && !is_below_header {
            document.next_page();
            draw_header(document, sheet, &widths);
        }
        is_below_header = false;
        for line in 0..count_lines(&cells) {
            // A row may be longer than a page.
            if document.y < MARGIN {
                document.next_page();
                draw_header(document, sheet, &widths);
            }
            let mut x = MARGIN;
            for ((cell, lines), width) in row.iter().zip(&cells).zip(&widths) {
                if let Some(text) = lines.get(line) {
                    draw_cell(
                        document,
                        (x, *width),
                        cell.is_numeric(),
                        Weight::Regular,
                        text,
                    );
                }
                x += width;
            }
            document.y -= LINE_HEIGHT;
        }
    }
}

/// Draws a text in a column, which has a left edge and a width.
fn draw_cell(
    document: &mut Document,
    (x, width): (f32, f32),
    is_numeric: bool,
    weight: Weight,
    text: &str,
) {
    if is_numeric {
        document.draw_text_right(x + width - GAP, FONT_SIZE, weight, text);
    } else {
        document.draw_text(x, FONT_SIZE, weight, text);
    }
}

fn draw_header(document: &mut Document, sheet: &Sheet, widths: &[f32]) {
    let mut x = MARGIN;
    for (index, width) in widths.iter().enumerate() {
        let mut cells = sheet.rows.iter().filter_map(|row| row.get(index));
        let is_numeric = cells.any(Cell::is_numeric);
        let name = &sheet.columns[index];
        let lines = document
            .fonts()
            .wrap_text(name, Weight::Bold, FONT_SIZE, width - GAP);
        draw_cell(document, (x, *width), is_numeric, Weight::Bold, lines[0]);
        x += width;
    }
    document.y -= 4.0;
    document.draw_rule((MARGIN, document.y), (WIDTH - MARGIN, document.y));
    document.y -= HEADER_HEIGHT - 4.0;
}

/// Draws two bars for each row, with the first column as their label.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a chart is coarse"
)]
fn draw_bars(document: &mut Document, sheet: &Sheet, (first, second): (usize, usize)) {
    let amount = |row: &[Cell], column: usize| match row[column] {
        Cell::Money(amount) => amount.0.max(0) as f32,
        _ => 0.0,
    };
    let amounts = sheet
        .rows
        .iter()
        .map(|row| (amount(row, first), amount(row, second)));
    let amounts: Vec<(f32, f32)> = amounts.collect();
    let largest = amounts
        .iter()
        .fold(1.0_f32, |max, (a, b)| max.max(*a).max(*b));
    let slot = (PRINTED_WIDTH / sheet.rows.len().max(1) as f32).min(60.0);
    let (base, top) = (document.y - CHART_HEIGHT + 36.0, document.y - 4.0);
    for (index, (row, (left, right))) in sheet.rows.iter().zip(amounts).enumerate() {
        let x = MARGIN + slot * index as f32;
        for (offset, value, gray) in [(0.1, left, 0.25), (0.5, right, 0.7)] {
            let height = (top - base) * value / largest;
            let left = x + slot * offset;
            document.fill_gray(
                gray,
                Rect::new(left, base, left + slot * 0.35, base + height),
            );
        }
        document.y = base - 9.0;
        document.draw_text(x, 6.5, Weight::Regular, &row[0].print());
    }
    document.y = base - 22.0;
    let legend = format!(
        "dark: {}, light: {}; the highest bar is Rs {}",
        sheet.columns[first],
        sheet.columns[second],
        Paise(largest as i64).group_rupees()
    );
    document.draw_text(MARGIN, 7.0, Weight::Regular, &legend);
    document.y -= 14.0;
}

/// Returns the height from a table's name to the end of its first row.
fn height_to_first_row(document: &mut Document, sheet: &Sheet, widths: &[f32]) -> f32 {
    let mut height = NAME_HEIGHT;
    if !sheet.intro.is_empty() {
        height += INTRO_HEIGHT;
    }
    let Some(first) = sheet.rows.first() else {
        return height;
    };
    if sheet.bars.is_some() {
        height += CHART_HEIGHT;
    }
    let texts: Vec<String> = first.iter().map(Cell::print).collect();
    height + HEADER_HEIGHT + row_height(&wrap_cells(document, &texts, widths))
}

/// Wraps the texts of a row's cells.
fn wrap_cells<'t>(
    document: &mut Document,
    texts: &'t [String],
    widths: &[f32],
) -> Vec<Vec<&'t str>> {
    let cells = texts.iter().zip(widths);
    let wrap = |(text, width): (&'t String, &f32)| {
        document
            .fonts()
            .wrap_text(text, Weight::Regular, FONT_SIZE, width - GAP)
    };
    cells.map(wrap).collect()
}

/// Returns the number of lines of a row.
fn count_lines(cells: &[Vec<&str>]) -> usize {
    cells.iter().map(Vec::len).max().unwrap_or(1)
}

#[expect(clippy::cast_precision_loss, reason = "a row has a few lines")]
fn row_height(cells: &[Vec<&str>]) -> f32 {
    LINE_HEIGHT * count_lines(cells) as f32
}

/// Returns a table for each part of a sheet, without the columns that are empty there, to save
/// width.
fn split_by_part(sheet: &Sheet) -> Vec<Sheet> {
    sheet
        .rows
        .chunk_by(|left, right| left[0] == right[0])
        .map(|rows| part_table(sheet, rows))
        .filter(|table| !table.columns.is_empty())
        .collect()
}

/// Returns tables that together have all columns of a sheet. If these are too wide for the page, each table begins
/// with the number of the row.
fn split_columns<'s>(document: &mut Document, sheet: &'s Sheet) -> Vec<Cow<'s, Sheet>> {
    let widths: Vec<f32> = (0..sheet.columns.len())
        .map(|index| preferred_width(document, sheet, index))
        .collect();
    if widths.iter().sum::<f32>() <= PRINTED_WIDTH {
        return vec![Cow::Borrowed(sheet)];
    }
    let mut parts: Vec<Vec<usize>> = vec![Vec::new()];
    let mut used = ROW_NUMBER_WIDTH;
    for (index, width) in widths.iter().enumerate() {
        if used + width > PRINTED_WIDTH && used > ROW_NUMBER_WIDTH {
            parts.push(Vec::new());
            used = ROW_NUMBER_WIDTH;
        }
        used += width;
        parts.last_mut().expect("there is a part").push(index);
    }
    let count = parts.len();
    let tables = parts.iter().zip(1..).map(|(columns, number)| {
        let names = columns.iter().map(|index| sheet.columns[*index].clone());
        let rows = sheet.rows.iter().zip(1..);
        let rows = rows.map(|(row, number)| {
            let cells = columns
                .iter()
                .map(|index| row.get(*index).cloned().unwrap_or(Cell::Empty));
            std::iter::once(Cell::Count(number)).chain(cells).collect()
        });
        let is_first = number == 1;
        Cow::Owned(Sheet {
            name: format!("{}, columns {number} of {count}", sheet.name),
            columns: std::iter::once(ROW_NUMBER_COLUMN.to_owned())
                .chain(names)
                .collect(),
            rows: rows.collect(),
            intro: if is_first {
                sheet.intro.clone()
            } else {
                String::new()
            },
            ..Sheet::default()
        })
    });
    tables.collect()
}

fn part_table(sheet: &Sheet, rows: &[Vec<Cell>]) -> Sheet {
    let part = rows[0][0].to_text();
    let name = if part.is_empty() {
        sheet.name.clone()
    } else {
        format!("{}: {part}", sheet.name)
    };
    let used_columns: Vec<usize> = (1..sheet.columns.len())
        .filter(|index| rows.iter().any(|row| row[*index] != Cell::Empty))
        .collect();
    Sheet {
        name,
        columns: used_columns
            .iter()
            .map(|index| sheet.columns[*index].clone())
            .collect(),
        rows: rows
            .iter()
            .map(|row| {
                used_columns
                    .iter()
                    .map(|index| row[*index].clone())
                    .collect()
            })
            .collect(),
        ..Sheet::default()
    }
}

/// Returns the widths of the columns in points.
///
/// If the page is too narrow, columns wider than half of the widest one shrink (narrations, in
/// practice) and their texts wrap.
fn column_widths(document: &mut Document, sheet: &Sheet) -> Vec<f32> {
    let mut widths: Vec<f32> = (0..sheet.columns.len())
        .map(|index| preferred_width(document, sheet, index))
        .collect();
    let sum: f32 = widths.iter().sum();
    if sum > PRINTED_WIDTH {
        let excess = sum - PRINTED_WIDTH;
        let widest = widths.iter().copied().fold(0.0, f32::max);
        let wide_columns_sum: f32 = widths.iter().filter(|width| **width * 2.0 > widest).sum();
        for width in widths.iter_mut().filter(|width| **width * 2.0 > widest) {
            *width = (*width - excess * *width / wide_columns_sum).max(24.0);
        }
    }
    widths
}

/// Returns the width of a column's longest text. Texts count in the first 200 rows only, numbers in
/// all rows, because they should not wrap.
fn preferred_width(document: &mut Document, sheet: &Sheet, index: usize) -> f32 {
    let cells = sheet
        .rows
        .iter()
        .enumerate()
        .filter_map(|(number, row)| Some((number, row.get(index)?)))
        .filter(|(number, cell)| *number < 200 || cell.is_numeric());
    let fonts = document.fonts();
    let name = fonts.text_width(&sheet.columns[index], Weight::Bold, FONT_SIZE);
    let widest = cells.fold(name, |widest, (_, cell)| {
        widest.max(fonts.text_width(&cell.print(), Weight::Regular, FONT_SIZE))
    });
    // Sums of fractions differ in their last digit.
    widest.clamp(16.0, WIDTH_MAX) + GAP + 0.1
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::{column_widths, draw_sheet, height_to_first_row};
    use crate::domain::money::Paise;
    use crate::export::{Cell, Sheet};

    fn new_sheet(name: &str, rows: Vec<Vec<Cell>>) -> Sheet {
        Sheet {
            name: name.to_owned(),
            columns: vec![format!("{name}-column"), "sum".to_owned()],
            rows,
            intro: "A sentence.".to_owned(),
            ..Sheet::default()
        }
    }

    #[test]
    fn the_columns_names_are_on_the_page_of_the_first_row() {
        let row = |text: &str| vec![Cell::Text(text.to_owned()), Cell::Money(Paise(100))];
        let long_text = "a word and more ".repeat(20);
        for count in 1..60 {
            let first = new_sheet("before", vec![row("filler"); count]);
            for (text, bars) in [("first-row", None), (&*long_text, Some((1, 1)))] {
                let second = Sheet {
                    bars,
                    ..new_sheet("after", vec![row(text)])
                };
                let mut document = Document::new("Report", "");
                let top = document.y;
                draw_sheet(&mut document, &first);
                let (pages, start) = (document.page_count(), document.y);
                draw_sheet(&mut document, &second);
                let begin = if document.page_count() == pages {
                    start
                } else {
                    top
                };
                let widths = column_widths(&mut document, &second);
                let expected = begin - height_to_first_row(&mut document, &second, &widths);
                assert!(
                    (document.y - expected).abs() < 0.01,
                    "{count} rows before: the table is on one page"
                );
            }
        }
    }
}
