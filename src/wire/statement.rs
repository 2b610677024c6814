//! Bank statements that somebody else has made, CSV or JSON: taken as they are after everything about them has been checked.
//!
//! The columns are those of the FI schema's `Transaction` (DEPOSIT v1), which `mockaa data generate` writes too.

use chrono::{DateTime, NaiveDate, NaiveTime};
use roxmltree::{Document, Node as Xml};

use crate::domain::consent::{Range, TransactionType};
use crate::domain::money::Paise;
use crate::domain::script::TextFault;
use crate::domain::statement::{Ledger, NewRow, TransactionMode, Transactions};
use crate::domain::time::Timestamp;
use crate::wire::fi::csv::COLUMNS;
use crate::wire::fi::validate as schema;
use crate::wire::fields::quoted;
use crate::wire::yaml::fault;
use crate::wire::yaml::node::{self, Node, Placed};

/// Those that a row cannot do without.
const NEEDED: [&str; 5] = [
    "type",
    "amount",
    "currentBalance",
    "transactionTimestamp",
    "narration",
];

/// A statement of one's own has no more rows.
const ROWS_MAX: usize = 1_000_000;

/// After so many faults nobody reads on.
const FAULTS_MAX: usize = 50;

/// Reads a statement: JSON if it begins so, else CSV with a header.
///
/// # Errors
/// Everything that is wrong, up to a bound, each with its line.
pub fn read(bytes: &[u8]) -> Result<Ledger, Vec<TextFault>> {
    let alone = |message: String| {
        vec![TextFault {
            line: 0,
            column: 0,
            message,
        }]
    };
    let text = std::str::from_utf8(bytes).map_err(|_| alone("it is not UTF-8".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut book = Book::default();
    if text.trim_start().starts_with(['{', '[']) {
        json(text, &mut book)?;
    } else {
        csv(text, &mut book)?;
    }
    book.end()
}

/// What was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What kind of file it is.
    pub form: &'static str,
    pub rows: usize,
}

/// Checks a statement: a document of a ReBIT schema in XML, or what [`read`] reads.
///
/// Of schema version 2.0.0 the sums are checked alone.
///
/// # Errors
/// Everything that is wrong, up to a bound, each with its line.
pub fn check(bytes: &[u8]) -> Result<Checked, Vec<TextFault>> {
    let text = std::str::from_utf8(bytes)
        .unwrap_or_default()
        .trim_start_matches('\u{feff}')
        .trim_start();
    if !text.starts_with('<') {
        let form = if text.starts_with(['{', '[']) {
            "JSON"
        } else {
            "CSV"
        };
        return read(bytes).map(|ledger| Checked {
            form,
            rows: ledger.rows.rows.len(),
        });
    }
    let document = Document::parse(text).map_err(|error| {
        let place = error.pos();
        vec![TextFault {
            line: place.row.into(),
            column: place.col.into(),
            message: format!("it is no XML: {error}"),
        }]
    })?;
    let newer = document.root_element().attribute("version") == Some("2.0.0");
    let mut faults = if newer {
        Vec::new()
    } else {
        schema::validate_document(&document)
    };
    let rows: Vec<_> = document
        .descendants()
        .filter(|node| node.tag_name().name().ends_with("Transaction"))
        .collect();
    faults.extend(sums(&document, &rows, faults.is_empty()));
    faults.sort_by_key(|fault| (fault.line, fault.column));
    let form = if newer {
        "XML (its sums, not the schema, which is checked of version 1)"
    } else {
        "XML"
    };
    if faults.is_empty() {
        Ok(Checked {
            form,
            rows: rows.len(),
        })
    } else {
        Err(faults)
    }
}

/// Counts lines on the way through a text, so that the places of many rows cost one walk.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    /// The line of a byte that does not lie before the last one asked for.
    fn line(&mut self, byte: usize) -> u64 {
        let passed = &self.text.as_bytes()[self.at..byte];
        self.line += passed
            .iter()
            .filter(|byte| **byte == b'\n')
            .map(|_| 1)
            .sum::<u64>();
        self.at = byte;
        self.line
    }
}

/// What does not add up in a bank account's transactions, or in a deposit's. What is wrong with a single row is told where
/// the schema has not told it.
fn sums(document: &Document<'_>, rows: &[Xml<'_, '_>], tells_rows: bool) -> Vec<TextFault> {
    let namespace = document
        .root_element()
        .tag_name()
        .namespace()
        .unwrap_or_default();
    let mut lines = Lines::of(document.input_text());
    match namespace.rsplit('/').next() {
        Some("deposit") if !rows.is_empty() => {
            let mut book = Book {
                tells_rows,
                ..Book::default()
            };
            for row in rows {
                let told = |name: &str| row.attribute(name);
                // Version 2.0.0 calls it otherwise.
                let field = |name: &str| match name {
                    "currentBalance" => told(name).or_else(|| told("transactionalBalance")),
                    name => told(name),
                };
                book.take(lines.line(row.range().start), &|name| {
                    field(name).map(str::to_owned)
                });
            }
            let standing = document
                .descendants()
                .find(|node| node.has_tag_name((namespace, "Summary")));
            let end = document
                .descendants()
                .find_map(|node| node.attribute("endDate"))
                .and_then(|day| day.parse().ok());
            book.stands(standing, end);
            book.end().err().unwrap_or_default()
        }
        Some("term_deposit" | "recurring_deposit") => {
            let amount = |row: &Xml<'_, '_>, name| row.attribute(name).and_then(Paise::parse);
            let balance = |row: &Xml<'_, '_>| {
                amount(row, "balance").or_else(|| amount(row, "transactionalBalance"))
            };
            let wrong = rows.windows(2).filter_map(|pair| {
                let (before, told) = (balance(&pair[0])?, balance(&pair[1])?);
                let moved = amount(&pair[1], "amount")?;
                let leaves = matches!(pair[1].attribute("type"), Some("TDS" | "CLOSING"));
                let expected = if leaves {
                    before - moved
                } else {
                    before + moved
                };
                let id = pair[1].attribute("txnId").unwrap_or_default();
                let message =
                    format!("{id}: balance is {told}, but {before} and {moved} make {expected}");
                let line = lines.line(pair[1].range().start);
                (told != expected).then_some(TextFault {
                    line,
                    column: 0,
                    message,
                })
            });
            wrong.take(FAULTS_MAX).collect()
        }
        _ => Vec::new(),
    }
}

/// The rows read so far, and what is wrong with them.
struct Book {
    /// None where a row could not be read: what comes after it cannot be held against what came before.
    rows: Vec<Option<Read>>,
    faults: Vec<TextFault>,
    /// Whether what is wrong with a single row is told.
    tells_rows: bool,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            faults: Vec::new(),
            tells_rows: true,
        }
    }
}

struct Read {
    line: u64,
    /// The row's `txnId` and a space; nothing where it has none.
    name: String,
    at: Timestamp,
    direction: TransactionType,
    mode: TransactionMode,
    amount: Paise,
    balance: Paise,
    narration: String,
    reference: String,
}

impl Book {
    fn is_full(&self) -> bool {
        self.faults.len() >= FAULTS_MAX || self.rows.len() >= ROWS_MAX
    }

    fn say(&mut self, line: u64, message: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(TextFault {
                line,
                column: 0,
                message,
            });
        }
    }

    /// Holds a summary against the rows, where they reach up to the instant that it is of.
    fn stands(&mut self, summary: Option<Xml<'_, '_>>, end: Option<NaiveDate>) {
        let Some((summary, end)) = summary.zip(end) else {
            return;
        };
        let told = summary.attribute("currentBalance").and_then(Paise::parse);
        let at = summary.attribute("balanceDateTime").and_then(instant);
        let Some((told, at)) = told.zip(at).filter(|(_, at)| at.ist_date() <= end) else {
            return;
        };
        let last = self.rows.iter().rev().flatten().find(|row| row.at <= at);
        let Some(row) = last.filter(|row| row.balance != told) else {
            return;
        };
        let message = format!(
            "Summary.currentBalance is {told}, but {}leaves {}",
            row.name, row.balance
        );
        let place = summary.document().text_pos_at(summary.range().start);
        self.say(place.row.into(), message);
    }

    /// Takes a row; `field` gives the text of a column.
    fn take(&mut self, line: u64, field: &dyn Fn(&str) -> Option<String>) {
        let mut wrong = Vec::new();
        let mut needed = |name: &str| {
            let value = field(name).filter(|value| !value.trim().is_empty());
            if value.is_none() {
                wrong.push(format!("{name} is missing"));
            }
            value.unwrap_or_default()
        };
        let [direction, amount, balance, at, narration] = NEEDED.map(&mut needed);
        let mut read = |name: &str, text: &str, form: &str, fits: bool| {
            if !text.is_empty() && !fits {
                wrong.push(format!("{name} {} is not {form}", quoted(text)));
            }
        };
        let direction_read = TransactionType::parse(direction.trim());
        read(
            "type",
            &direction,
            "CREDIT or DEBIT",
            direction_read.is_some(),
        );
        let amount_read = Paise::parse(amount.trim()).filter(|amount| amount.0 > 0);
        read(
            "amount",
            &amount,
            "an amount above nothing, such as 1250.50: no commas, at most two decimals",
            amount_read.is_some(),
        );
        let balance_read = Paise::parse(balance.trim());
        read(
            "currentBalance",
            &balance,
            "an amount, such as 1250.50: no commas, at most two decimals",
            balance_read.is_some(),
        );
        let at_read = instant(at.trim());
        let form = "a date such as 2024-03-31, or with a time such as 2024-03-31T10:15:00+05:30";
        read("transactionTimestamp", &at, form, at_read.is_some());
        let mode = field("mode").unwrap_or_default();
        let mode_read = if mode.is_empty() {
            Some(TransactionMode::Others)
        } else {
            TransactionMode::read(mode.trim())
        };
        read(
            "mode",
            &mode,
            &format!("one of FT, {}", TransactionMode::names()),
            mode_read.is_some(),
        );
        let is_right = wrong.is_empty();
        if self.tells_rows {
            for message in wrong {
                self.say(line, message);
            }
        }
        let (Some(direction), Some(amount), Some(balance), Some(at), Some(mode), true) = (
            direction_read,
            amount_read,
            balance_read,
            at_read,
            mode_read,
            is_right,
        ) else {
            self.rows.push(None);
            return;
        };
        let reference = field("reference").unwrap_or_default();
        let name = field("txnId")
            .filter(|id| !id.is_empty())
            .map(|id| id + " ")
            .unwrap_or_default();
        self.rows.push(Some(Read {
            line,
            name,
            at,
            direction,
            mode,
            amount,
            balance,
            narration,
            reference,
        }));
    }

    /// Balances and dates, which only rows together can get wrong.
    fn end(mut self) -> Result<Ledger, Vec<TextFault>> {
        let signed = |row: &Read| {
            if row.direction == TransactionType::Credit {
                row.amount
            } else {
                -row.amount
            }
        };
        let mut wrong = Vec::new();
        for pair in self.rows.windows(2) {
            let [Some(one), Some(next)] = pair else {
                continue;
            };
            if next.at < one.at {
                let (before, after) = (one.at.ist_date(), next.at.ist_date());
                wrong.push((
                    next.line,
                    format!("{}{after} comes after {before}; rows are in the order of time, oldest first", next.name),
                ));
            }
            let expected = one.balance + signed(next);
            if expected != next.balance {
                let (before, moved) = (one.balance, signed(next));
                let Read {
                    name,
                    balance: told,
                    ..
                } = next;
                wrong.push((
                    next.line,
                    format!(
                        "{name}currentBalance is {told}, but {before} and {moved} make {expected}"
                    ),
                ));
            }
        }
        for (line, message) in wrong {
            self.say(line, message);
        }
        if self.rows.is_empty() && self.faults.is_empty() {
            self.say(0, "it has no rows".to_owned());
        }
        let read: Vec<Read> = self.rows.into_iter().flatten().collect();
        let Some(first) = read.first().filter(|_| self.faults.is_empty()) else {
            return Err(self.faults);
        };
        let opening = first.balance - signed(first);
        let last = read.last().map_or(first.at, |row| row.at);
        let mut rows = Transactions::new(Range {
            from: first.at,
            to: last,
        });
        let mut day = (0, 0);
        for row in &read {
            let date = row
                .at
                .ist_date()
                .format("%Y%m%d")
                .to_string()
                .parse::<u64>()
                .unwrap_or(0);
            day = if day.0 == date {
                (date, day.1 + 1)
            } else {
                (date, 1)
            };
            rows.push(NewRow {
                at: row.at,
                transaction_type: row.direction,
                mode: row.mode,
                amount: row.amount,
                balance: row.balance,
                id: date * 100_000 + day.1,
                narration: &row.narration,
                reference: &row.reference,
            });
        }
        Ok(Ledger { opening, rows })
    }
}

/// A day, or an instant; without an offset it is Indian time.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp::from_millis(at.timestamp_millis()));
    }
    if let Ok(local) = text.replace(' ', "T").parse::<chrono::NaiveDateTime>() {
        return Some(Timestamp::from_ist(local));
    }
    text.parse::<NaiveDate>()
        .ok()
        .map(|day| Timestamp::from_ist(day.and_time(NaiveTime::MIN)))
}

fn csv(text: &str, book: &mut Book) -> Result<(), Vec<TextFault>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .flexible(true)
        .from_reader(text.as_bytes());
    let broken = |error: &csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        vec![TextFault {
            line,
            column: 0,
            message: format!("it is no CSV: {error}"),
        }]
    };
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    if header.get(0) == Some("element") {
        let message = "it is of another kind than DEPOSIT; in CSV and JSON bank statements are checked, in XML all kinds";
        return Err(vec![TextFault {
            line: 1,
            column: 0,
            message: message.to_owned(),
        }]);
    }
    let place = |name: &str| header.iter().position(|known| known == name);
    let missing: Vec<&str> = NEEDED
        .into_iter()
        .filter(|name| place(name).is_none())
        .collect();
    if !missing.is_empty() {
        let (missing, all) = (missing.join(", "), COLUMNS.join(","));
        let message = format!("the header lacks {missing}; columns are {all}");
        return Err(vec![TextFault {
            line: 1,
            column: 0,
            message,
        }]);
    }
    let places = COLUMNS.map(place);
    let mut lines = Lines::of(text);
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        // The reader's own lines are one too low where they end as Windows ends them.
        let start = record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(text.len()).min(text.len());
        let blank = text[start..]
            .bytes()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let line = lines.line(start + blank);
        let (told, wanted) = (record.len(), header.len());
        if told != wanted {
            let message = format!(
                "it has {told} fields, and the header {wanted}; a text with a comma in it stands in quotes, an amount has none"
            );
            book.say(line, message);
            book.rows.push(None);
            continue;
        }
        let field = |name: &str| {
            let column = COLUMNS.iter().position(|known| *known == name)?;
            record.get(places[column]?).map(str::to_owned)
        };
        book.take(line, &field);
        if book.is_full() {
            break;
        }
    }
    Ok(())
}

/// A list of transactions, or an account that has one (`Transactions.Transaction`).
fn json(text: &str, book: &mut Book) -> Result<(), Vec<TextFault>> {
    let tree = node::read(text).map_err(|fault| vec![fault])?;
    let list = list(&tree).ok_or_else(|| {
        let message = "it is neither a list of transactions nor an account with Transactions.Transaction; in JSON and CSV \
                       bank statements are checked, in XML all kinds";
        vec![fault(tree.referenced, message.to_owned())]
    })?;
    if let Some(kind) = key(key(&tree, "Account").unwrap_or(&tree), "type")
        .and_then(text_of)
        .filter(|kind| kind != "deposit")
    {
        let message = format!(
            "it is a statement of {kind}; in JSON and CSV those of deposit are checked, in XML all kinds"
        );
        return Err(vec![fault(tree.referenced, message)]);
    }
    for row in list {
        let line = row.referenced.line();
        if matches!(row.value, Node::Map(_)) {
            book.take(line, &|name| text_of(key(row, name)?));
        } else {
            book.say(
                line,
                format!(
                    "a transaction is keys with values, not {}",
                    row.value.kind()
                ),
            );
        }
        if book.is_full() {
            break;
        }
    }
    Ok(())
}

fn list(tree: &Placed) -> Option<&[Placed]> {
    match &tree.value {
        Node::List(rows) => Some(rows),
        Node::Map(_) => {
            let account = key(tree, "Account").unwrap_or(tree);
            list(key(key(account, "Transactions")?, "Transaction")?)
        }
        _ => None,
    }
}

fn key<'t>(tree: &'t Placed, name: &str) -> Option<&'t Placed> {
    let Node::Map(entries) = &tree.value else {
        return None;
    };
    entries
        .iter()
        .find(|(key, _)| key.value == name)
        .map(|(_, value)| value)
}

fn text_of(value: &Placed) -> Option<String> {
    match &value.value {
        Node::Text(text) => Some(text.clone()),
        Node::Whole(number) => Some(number.to_string()),
        Node::Fraction(number) => Some(number.to_string()),
        _ => None,
    }
}
