//! Statements in CSV (RFC 4180), with a header.

use super::line_diagnostic;
use super::lines::LineCounter;
use super::rows::{REQUIRED_COLUMNS, StatementBuilder, column_names, is_kept};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::participants::FiSchema;
use crate::domain::text::quote_value;
use crate::wire::fi::csv::list_columns;

/// The columns that `--csv-amounts` adds. They follow from the others.
const DERIVED_COLUMNS: [&str; 3] = ["signedAmount", "debit", "credit"];

pub(super) fn read_csv(text: &str, builder: &mut StatementBuilder) -> Result<(), Vec<Diagnostic>> {
    check_quotes(text, b',')?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|error| vec![csv_diagnostic(&error)])?
        .clone();
    check_header(&header)?;
    let mut lines = LineCounter::new(text);
    for record in reader.records() {
        let record = record.map_err(|error| vec![csv_diagnostic(&error)])?;
        let line = lines.advance_to_record(record.position());
        if !builder.check_row_limit(line) {
            break;
        }
        let (actual, expected) = (record.len(), header.len());
        if actual != expected {
            let message = format!(
                "the row has {actual} fields, but the header has {expected}; quote a text that contains a comma, write amounts without commas"
            );
            builder.add_error(line, message);
            builder.skip_row();
            continue;
        }
        for (name, value) in header.iter().zip(&record) {
            if !value.is_empty() && !is_kept(name) && !DERIVED_COLUMNS.contains(&name) {
                builder.drop_field(line, name);
            }
        }
        builder.add_row(line, &|name| {
            let column = header.iter().position(|known| known == name)?;
            record.get(column).map(str::to_owned)
        });
    }
    Ok(())
}

fn check_header(header: &csv::StringRecord) -> Result<(), Vec<Diagnostic>> {
    if header.get(0) == Some("element") {
        let message = "the statement is not of type DEPOSIT; CSV and JSON are checked for DEPOSIT only, use XML for other types";
        return Err(vec![line_diagnostic(1, message.to_owned())]);
    }
    let is_there = |name: &str| header.iter().any(|known| known == name);
    let missing: Vec<&str> = REQUIRED_COLUMNS
        .into_iter()
        .filter(|name| !column_names(name).any(is_there))
        .collect();
    if !missing.is_empty() {
        let (missing, all) = (
            missing.join(", "),
            list_columns(FiSchema::Current).join(","),
        );
        let message = format!(
            "the header lacks {missing}; the columns are {all}. mockaa data import reads the columns of a bank"
        );
        return Err(vec![line_diagnostic(1, message)]);
    }
    let mut names = header.iter().enumerate();
    let twice = names.find(|(index, name)| {
        let mut before = header.iter().take(*index);
        !name.is_empty() && before.any(|known| known == *name)
    });
    match twice {
        None => Ok(()),
        Some((_, name)) => {
            let message = format!("the header has {} twice; remove one", quote_value(name));
            Err(vec![line_diagnostic(1, message)])
        }
    }
}

fn csv_diagnostic(error: &csv::Error) -> Diagnostic {
    let line = error.position().map_or(0, csv::Position::line);
    line_diagnostic(line, format!("invalid CSV: {error}"))
}

/// The place of a byte in a CSV.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    FieldStart,
    /// In a field without quotes, where a quote is a letter like any other.
    Plain,
    Quoted,
    /// After a quote in a quoted field: the end of the field, or the first half of a quote.
    AfterQuote,
}

/// Checks that every quoted field ends.
pub(in crate::files) fn check_quotes(text: &str, delimiter: u8) -> Result<(), Vec<Diagnostic>> {
    let Some(line) = find_unclosed_quote(text, delimiter) else {
        return Ok(());
    };
    let message = "the quote that begins in this line is not closed; close it, or write \"\" for a quote within a text";
    Err(vec![line_diagnostic(line, message.to_owned())])
}

/// Returns the line in which a quoted field begins that the file does not end.
fn find_unclosed_quote(text: &str, delimiter: u8) -> Option<u64> {
    let (mut place, mut line, mut opened_in) = (Place::FieldStart, 1, 1);
    for byte in text.bytes() {
        place = match (place, byte) {
            (Place::FieldStart, b'"') => {
                opened_in = line;
                Place::Quoted
            }
            (Place::AfterQuote, b'"') | (Place::Quoted, _)
                if byte != b'"' || place == Place::AfterQuote =>
            {
                Place::Quoted
            }
            (Place::Quoted, _) => Place::AfterQuote,
            (_, b'\n' | b'\r') => Place::FieldStart,
            (_, byte) if byte == delimiter => Place::FieldStart,
            _ => Place::Plain,
        };
        if byte == b'\n' {
            line += 1;
        }
    }
    (place == Place::Quoted).then_some(opened_in)
}

#[cfg(test)]
mod tests {
    use super::find_unclosed_quote;

    #[test]
    fn a_quote_is_closed_by_a_quote() {
        for (text, expected) in [
            ("", None),
            ("a,b\n\"c\",d\n", None),
            ("a,\"b\"\"c\"\nd,e", None),
            ("a,\"b\nc\"\n", None),
            ("a,5\" pipe\nb,c\n", None),
            ("a,b\n\"c,d\ne,f\n", Some(2)),
            ("a,\"b\"\"\nc", Some(1)),
            ("a\n,b,\"c\"\nd,\"", Some(3)),
            ("\"a\nb\",\"c", Some(2)),
        ] {
            assert_eq!(find_unclosed_quote(text, b','), expected, "{text:?}");
        }
    }
}
