//! The cells of a bank's export. The kind of the file follows from its content, because names such as `.xls` are
//! given to texts, too.

use std::io::Cursor;

use calamine::{Data, ExcelDateTime, Reader, Xls, Xlsx};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use thiserror::Error;

use crate::domain::diagnostic::Diagnostic;
use crate::files::statement::lines::LineCounter;
use crate::files::statement::{WORKBOOK_START, check_quotes, line_diagnostic};

/// The maximum number of rows of an export.
const ROWS_MAX: usize = 1_000_000;

/// The maximum number of columns of a sheet.
const COLUMNS_MAX: usize = 256;

/// The maximum size of a workbook when it is unpacked, in bytes.
const UNPACKED_BYTES_MAX: u64 = 200 << 20;

/// The first bytes of a compound file: a workbook of Excel 97, or an encrypted one of today.
const COMPOUND_FILE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// The name of a stream that an encrypted workbook has, in UTF-16.
const ENCRYPTED_STREAM: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";

/// Characters around the narrations of texts that are not UTF-8.
const LEGACY_PADDING: [char; 3] = ['\u{c8}', '\u{c9}', '\u{ca}'];

/// The bytes of a text that decide which character separates its cells.
const SAMPLE_BYTES: usize = 64 * 1024;

/// A row of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GridRow {
    /// The line in a text, or the number of the row in a sheet; from 1.
    pub line: u64,
    /// The cells as people see them, without white space around them. Cells at the end may be missing.
    pub cells: Vec<String>,
}

impl GridRow {
    /// Returns a cell; empty if it is missing.
    pub(super) fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    /// Returns whether the row is empty or a line that is drawn with characters.
    pub(super) fn is_separator(&self) -> bool {
        let mut bytes = self.cells.iter().flat_map(|cell| cell.bytes());
        bytes.all(|byte| matches!(byte, b'*' | b'-' | b'=' | b'_' | b' '))
    }
}

/// The cells of an export.
pub(super) struct Grid {
    /// The kind of the file, for people.
    pub kind: &'static str,
    pub rows: Vec<GridRow>,
    pub notes: Vec<Diagnostic>,
}

/// Reads the cells of a file.
///
/// # Errors
/// The reason for which the file has no cells, with its remedy.
pub(super) fn read_grid(bytes: &[u8]) -> Result<Grid, Vec<Diagnostic>> {
    if bytes.starts_with(COMPOUND_FILE) || bytes.starts_with(WORKBOOK_START) {
        return read_workbook(bytes).map_err(|message| vec![line_diagnostic(0, message)]);
    }
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None => (UTF_8, bytes),
    };
    let mut notes = Vec::new();
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    let text = text.unwrap_or_else(|| {
        let message = format!(
            "the file is not {}; it is read as windows-1252",
            encoding.name()
        );
        notes.push(line_diagnostic(0, message));
        WINDOWS_1252.decode_without_bom_handling(bytes).0
    });
    let start = text.trim_start();
    if start.starts_with('<') {
        let message = "the file is HTML or XML with another name; open it in a spreadsheet and save it as CSV or XLSX";
        return Err(vec![line_diagnostic(1, message.to_owned())]);
    }
    if start.is_empty() {
        return Err(vec![line_diagnostic(0, "the file is empty".to_owned())]);
    }
    let delimiter = find_delimiter(&text);
    let kind = match (delimiter, encoding) {
        (_, encoding) if encoding == UTF_16LE || encoding == UTF_16BE => "text in UTF-16",
        (b'\t', _) => "text with tabs",
        (b';', _) => "CSV with semicolons",
        (b'|', _) => "text with bars",
        _ => "CSV",
    };
    // In the bank's own encoding they are spaces.
    let padding: &[char] = if notes.is_empty() {
        &[]
    } else {
        &LEGACY_PADDING
    };
    let rows = read_text(&text, delimiter, padding)?;
    Ok(Grid { kind, rows, notes })
}

/// Returns the character that separates cells: the one that most lines have twice at least; of two, the comma.
fn find_delimiter(text: &str) -> u8 {
    let sample = &text.as_bytes()[..text.len().min(SAMPLE_BYTES)];
    let count_lines = |delimiter: u8| {
        let lines = sample.split(|byte| *byte == b'\n');
        let has_cells = |line: &&[u8]| memchr::memchr_iter(delimiter, line).nth(1).is_some();
        lines.filter(has_cells).count()
    };
    let delimiters = *b"|;\t,";
    let best = delimiters
        .into_iter()
        .max_by_key(|delimiter| count_lines(*delimiter));
    best.unwrap_or(b',')
}

fn read_text(text: &str, delimiter: u8, padding: &[char]) -> Result<Vec<GridRow>, Vec<Diagnostic>> {
    let has_quotes = delimiter != b'\t';
    if has_quotes {
        check_quotes(text, delimiter)?;
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quoting(has_quotes)
        .from_reader(text.as_bytes());
    let (mut rows, mut lines) = (Vec::new(), LineCounter::new(text));
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            vec![line_diagnostic(line, format!("invalid CSV: {error}"))]
        })?;
        let line = lines.advance_to_record(record.position());
        let cells = record.iter().map(|cell| {
            let cell = clean_cell(cell);
            cell.trim_matches(padding).trim().to_owned()
        });
        let cells = cells.collect();
        push_row(&mut rows, GridRow { line, cells })?;
    }
    Ok(rows)
}

fn push_row(rows: &mut Vec<GridRow>, row: GridRow) -> Result<(), Vec<Diagnostic>> {
    if rows.len() == ROWS_MAX {
        let message = format!("an export has {ROWS_MAX} rows at most; split the file");
        return Err(vec![line_diagnostic(row.line, message)]);
    }
    rows.push(row);
    Ok(())
}

/// Returns the text of a cell: without white space around it, the formula that keeps zeros (`="0042"`), and the breaks
/// of long texts.
fn clean_cell(cell: &str) -> String {
    let cell = cell.trim();
    let cell = cell
        .strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(cell)
        .trim();
    if !cell.contains('\n') {
        return cell.to_owned();
    }
    // A break with a space cuts a word.
    let joined = cell
        .replace("\r\n", "\n")
        .replace("\n ", "")
        .replace('\n', " ");
    joined.trim().to_owned()
}

fn read_workbook(bytes: &[u8]) -> Result<Grid, String> {
    if memchr::memmem::find(bytes, ENCRYPTED_STREAM).is_some() {
        return Err(
            "the workbook has a password; open it in a spreadsheet and save it without one"
                .to_owned(),
        );
    }
    let unreadable = "the file is no workbook that can be read; save it as XLSX or CSV";
    // A damaged file is no reason to end: the library trusts some of its numbers.
    let read = std::panic::catch_unwind(|| {
        if bytes.starts_with(WORKBOOK_START) {
            Some(("XLSX", read_xlsx(bytes)?))
        } else {
            Some(("workbook of Excel 97", read_xls(bytes)?))
        }
    });
    let (kind, sheets) = read.ok().flatten().ok_or_else(|| unreadable.to_owned())?;
    let sheets: Vec<(String, Vec<GridRow>)> = sheets.map_err(|limit| limit.to_string())?;
    // The table of a statement is the longest sheet.
    let longest = sheets
        .iter()
        .enumerate()
        .max_by_key(|(index, (_, rows))| (rows.len(), std::cmp::Reverse(*index)));
    let longest = longest
        .map(|(index, _)| index)
        .ok_or("the workbook has no sheet")?;
    let others = sheets
        .iter()
        .enumerate()
        .filter(|(index, (_, rows))| *index != longest && !rows.is_empty());
    let notes =
        others.map(|(_, (name, _))| line_diagnostic(0, format!("the sheet {name} is not read")));
    let notes = notes.collect();
    let (_, rows) = sheets.into_iter().nth(longest).expect("it is one of them");
    Ok(Grid { kind, rows, notes })
}

/// The sheets of a workbook with their names, or the limit that it exceeds.
type ReadSheets = Result<Vec<(String, Vec<GridRow>)>, TooLarge>;

/// A workbook is larger than what is read.
#[derive(Debug, Error)]
enum TooLarge {
    #[error("a workbook has {} MiB at most when it is unpacked; save the statement alone, as CSV", UNPACKED_BYTES_MAX >> 20)]
    Unpacked,
    #[error(
        "a sheet has {ROWS_MAX} rows and {COLUMNS_MAX} columns at most; save the statement alone, as CSV"
    )]
    Sheet,
}

/// Reads the cells of an XLSX one by one: the size that it states may be any. `None` for one that cannot be read.
fn read_xlsx(bytes: &[u8]) -> Option<ReadSheets> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    // No part has more bytes than it states: its reader refuses them.
    let sizes = (0..archive.len()).map(|index| Some(archive.by_index_raw(index).ok()?.size()));
    let unpacked = sizes.sum::<Option<u64>>()?;
    if unpacked > UNPACKED_BYTES_MAX {
        return Some(Err(TooLarge::Unpacked));
    }
    let mut workbook = Xlsx::new(Cursor::new(bytes)).ok()?;
    let mut sheets = Vec::new();
    for name in workbook.sheet_names() {
        let mut reader = workbook.worksheet_cells_reader(&name).ok()?;
        let mut rows: Vec<GridRow> = Vec::new();
        while let Some(cell) = reader.next_cell().ok()? {
            let (row, column) = cell.get_position();
            let (row, column) = (row as usize, column as usize);
            let text = cell_text(&Data::from(cell.get_value().clone()));
            if text.is_empty() {
                continue;
            }
            if row >= ROWS_MAX || column >= COLUMNS_MAX {
                return Some(Err(TooLarge::Sheet));
            }
            add_cell(&mut rows, row, column, text);
        }
        sheets.push((name, rows));
    }
    Some(Ok(sheets))
}

/// Reads a workbook of Excel 97, which has 65,536 rows and 256 columns at most.
fn read_xls(bytes: &[u8]) -> Option<ReadSheets> {
    let mut workbook: Xls<_> = Xls::new(Cursor::new(bytes)).ok()?;
    let mut sheets = Vec::new();
    for (name, range) in workbook.worksheets() {
        let (first_row, first_column) = range.start().unwrap_or_default();
        let mut rows = Vec::new();
        for (row, column, cell) in range.used_cells() {
            let (row, column) = (first_row as usize + row, first_column as usize + column);
            let text = cell_text(cell);
            if !text.is_empty() && column < COLUMNS_MAX {
                add_cell(&mut rows, row, column, text);
            }
        }
        sheets.push((name, rows));
    }
    Some(Ok(sheets))
}

/// Adds a cell of a sheet, whose rows and columns count from 0. Rows without cells are left out.
fn add_cell(rows: &mut Vec<GridRow>, row: usize, column: usize, text: String) {
    let line = row as u64 + 1;
    if rows.last().is_none_or(|last| last.line != line) {
        let cells = Vec::new();
        rows.push(GridRow { line, cells });
    }
    let cells = &mut rows.last_mut().expect("there is a row").cells;
    if cells.len() <= column {
        cells.resize(column + 1, String::new());
    }
    cells[column] = text;
}

/// Returns a cell of a workbook as a text: dates as in ISO 8601, amounts with two decimals at most.
fn cell_text(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => clean_cell(text),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number_text(*number),
        Data::Bool(value) => value.to_string(),
        Data::DateTime(time) => date_text(time),
    }
}

/// Returns a number without the traces of binary fractions: 17.7, not 17.699999999999999. A number with more decimals
/// keeps them.
fn number_text(number: f64) -> String {
    let paise = number * 100.0;
    if (paise - paise.round()).abs() > 1e-4 {
        return number.to_string();
    }
    let text = format!("{number:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

fn date_text(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) {
        date
    } else {
        format!("{date} {hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::{clean_cell, find_delimiter, number_text, read_grid};

    #[test]
    fn a_cell_is_what_people_see() {
        for (cell, expected) in [
            ("  a b ", "a b"),
            ("=\"0042   \"", "0042"),
            ("=\" \"", ""),
            (
                " WDL TFR   UPI/CHAI STA/chai\n stall/PAY",
                "WDL TFR   UPI/CHAI STA/chaistall/PAY",
            ),
            ("one\ntwo", "one two"),
        ] {
            assert_eq!(clean_cell(cell), expected);
        }
        assert_eq!(number_text(0.1 + 0.2), "0.3");
        assert_eq!(number_text(125_000.0), "125000");
        assert_eq!(number_text(12.345), "12.345");
        assert_eq!(number_text(-0.0), "0");
    }

    #[test]
    fn the_delimiter_is_what_most_lines_have() {
        for (text, delimiter) in [
            ("a,b,c,d,e\n1,2,3,4,5\n", b','),
            ("Name\t:\tx\na\tb\tc\td\te\n1\t2, 3\t4\t5\t6\n", b'\t'),
            ("a;b;c;d;e\n1,5;2,5;3;4;5\n", b';'),
            ("no table", b','),
        ] {
            assert_eq!(find_delimiter(text), delimiter, "{text}");
        }
    }

    #[test]
    fn what_is_no_table_says_what_to_do() {
        for (bytes, expected) in [
            (&b"<html><table>"[..], "save it as CSV or XLSX"),
            (b"  \n", "the file is empty"),
            (b"PK\x03\x04 cut", "no workbook that can be read"),
            (
                b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0",
                "has a password",
            ),
        ] {
            let Err(errors) = read_grid(bytes) else {
                panic!("{expected}: it was read")
            };
            assert!(errors[0].message.contains(expected), "{errors:?}");
        }
    }
}
