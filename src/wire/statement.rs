//! Bank statements that somebody else has made, CSV or JSON: taken as they are after everything about them has been checked.
//!
//! The columns are those of the FI schema's `Transaction` (DEPOSIT v1), which `mockaa data generate` writes too.

use chrono::{DateTime, NaiveDate, NaiveTime};

use crate::domain::consent::{Range, TransactionType};
use crate::domain::money::Paise;
use crate::domain::script::TextFault;
use crate::domain::statement::{Ledger, NewRow, TransactionMode, Transactions};
use crate::domain::time::Timestamp;
use crate::wire::fi::check as schema;
use crate::wire::fi::csv::COLUMNS;
use crate::wire::fields::quoted;
use crate::wire::yaml::fault;
use crate::wire::yaml::node::{self, Node, Placed};

/// Those that a row cannot do without.
const NEEDED: [&str; 5] = ["type", "amount", "currentBalance", "transactionTimestamp", "narration"];

/// A statement of one's own has no more rows.
const ROWS_MAX: usize = 1_000_000;

/// After so many faults nobody reads on.
const FAULTS_MAX: usize = 50;

/// Reads a statement: JSON if it begins so, else CSV with a header.
///
/// # Errors
/// Everything that is wrong, up to a bound, each with its line.
pub fn read(bytes: &[u8]) -> Result<Ledger, Vec<TextFault>> {
    let alone = |message: String| vec![TextFault { line: 0, column: 0, message }];
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
/// # Errors
/// Everything that is wrong, up to a bound, each with its line.
pub fn check(bytes: &[u8]) -> Result<Checked, Vec<TextFault>> {
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') {
        let form = if text.starts_with(['{', '[']) { "JSON" } else { "CSV" };
        return read(bytes).map(|ledger| Checked { form, rows: ledger.rows.rows.len() });
    }
    let document = roxmltree::Document::parse(text).map_err(|error| {
        let place = error.pos();
        vec![TextFault { line: place.row.into(), column: place.col.into(), message: format!("it is no XML: {error}") }]
    })?;
    let mut faults = schema::check(&document);
    let rows: Vec<_> = document.descendants().filter(|node| node.tag_name().name().ends_with("Transaction")).collect();
    if faults.is_empty() {
        faults = sums(&document, &rows);
    }
    if faults.is_empty() { Ok(Checked { form: "XML", rows: rows.len() }) } else { Err(faults) }
}

/// What does not add up in a bank account's transactions, or in a deposit's.
fn sums(document: &roxmltree::Document<'_>, rows: &[roxmltree::Node<'_, '_>]) -> Vec<TextFault> {
    let namespace = document.root_element().tag_name().namespace().unwrap_or_default();
    let place = |node: &roxmltree::Node<'_, '_>| document.text_pos_at(node.range().start).row.into();
    match namespace.rsplit('/').next() {
        Some("deposit") if !rows.is_empty() => {
            let mut book = Book::default();
            for row in rows {
                book.take(place(row), &|name| row.attribute(name).map(str::to_owned));
            }
            book.end().err().unwrap_or_default()
        }
        Some("term_deposit" | "recurring_deposit") => {
            let amount = |row: &roxmltree::Node<'_, '_>, name| row.attribute(name).and_then(Paise::parse);
            let wrong = rows.windows(2).filter_map(|pair| {
                let (before, told) = (amount(&pair[0], "balance")?, amount(&pair[1], "balance")?);
                let moved = amount(&pair[1], "amount")?;
                let leaves = matches!(pair[1].attribute("type"), Some("TDS" | "CLOSING"));
                let expected = if leaves { before - moved } else { before + moved };
                let message = format!("balance is {told}, but {before} and {moved} make {expected}");
                (told != expected).then(|| TextFault { line: place(&pair[1]), column: 0, message })
            });
            wrong.collect()
        }
        _ => Vec::new(),
    }
}

/// The rows read so far, and what is wrong with them.
#[derive(Default)]
struct Book {
    rows: Vec<Read>,
    faults: Vec<TextFault>,
}

struct Read {
    line: u64,
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

    fn say(&mut self, line: u64, column: u64, message: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(TextFault { line, column, message });
        }
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
        read("type", &direction, "CREDIT or DEBIT", direction_read.is_some());
        let amount_read = Paise::parse(amount.trim()).filter(|amount| amount.0 > 0);
        read("amount", &amount, "an amount above nothing with at most two decimals", amount_read.is_some());
        let balance_read = Paise::parse(balance.trim());
        read("currentBalance", &balance, "an amount with at most two decimals", balance_read.is_some());
        let at_read = instant(at.trim());
        let form = "a date such as 2024-03-31, or with a time such as 2024-03-31T10:15:00+05:30";
        read("transactionTimestamp", &at, form, at_read.is_some());
        let mode = field("mode").unwrap_or_default();
        let mode_read =
            if mode.is_empty() { Some(TransactionMode::Others) } else { TransactionMode::read(mode.trim()) };
        read("mode", &mode, &format!("one of FT, {}", TransactionMode::names()), mode_read.is_some());
        for message in &wrong {
            self.say(line, 0, message.clone());
        }
        let (Some(direction), Some(amount), Some(balance), Some(at), Some(mode), true) =
            (direction_read, amount_read, balance_read, at_read, mode_read, wrong.is_empty())
        else {
            return;
        };
        let reference = field("reference").unwrap_or_default();
        self.rows.push(Read { line, at, direction, mode, amount, balance, narration, reference });
    }

    /// Balances and dates, which only rows together can get wrong.
    fn end(mut self) -> Result<Ledger, Vec<TextFault>> {
        let signed = |row: &Read| if row.direction == TransactionType::Credit { row.amount } else { -row.amount };
        let mut wrong = Vec::new();
        for pair in self.rows.windows(2) {
            let (one, next) = (&pair[0], &pair[1]);
            if next.at < one.at {
                let (before, after) = (one.at.ist_date(), next.at.ist_date());
                wrong.push((
                    next.line,
                    format!("{after} comes after {before}; rows are in the order of time, oldest first"),
                ));
            }
            let expected = one.balance + signed(next);
            if expected != next.balance {
                let (before, moved) = (one.balance, signed(next));
                let told = next.balance;
                wrong.push((next.line, format!("currentBalance is {told}, but {before} and {moved} make {expected}")));
            }
        }
        for (line, message) in wrong {
            self.say(line, 0, message);
        }
        let Some(first) = self.rows.first().filter(|_| self.faults.is_empty()) else {
            if self.faults.is_empty() {
                self.say(0, 0, "it has no rows".to_owned());
            }
            return Err(self.faults);
        };
        let opening = first.balance - signed(first);
        let last = self.rows.last().map_or(first.at, |row| row.at);
        let mut rows = Transactions::new(Range { from: first.at, to: last });
        let mut day = (0, 0);
        for row in &self.rows {
            let date = row.at.ist_date().format("%Y%m%d").to_string().parse::<u64>().unwrap_or(0);
            day = if day.0 == date { (date, day.1 + 1) } else { (date, 1) };
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
    text.parse::<NaiveDate>().ok().map(|day| Timestamp::from_ist(day.and_time(NaiveTime::MIN)))
}

fn csv(text: &str, book: &mut Book) -> Result<(), Vec<TextFault>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let broken = |error: &csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        vec![TextFault { line, column: 0, message: format!("it is no CSV: {error}") }]
    };
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    let place = |name: &str| header.iter().position(|known| known == name);
    let missing: Vec<&str> = NEEDED.into_iter().filter(|name| place(name).is_none()).collect();
    if !missing.is_empty() {
        let (missing, all) = (missing.join(", "), COLUMNS.join(","));
        return Err(vec![TextFault {
            line: 1,
            column: 0,
            message: format!("the header lacks {missing}; columns are {all}"),
        }]);
    }
    let places = COLUMNS.map(place);
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
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
        let message = "it is neither a list of transactions nor an account with Transactions.Transaction".to_owned();
        vec![fault(tree.referenced, message)]
    })?;
    for row in list {
        let line = row.referenced.line();
        if matches!(row.value, Node::Map(_)) {
            book.take(line, &|name| text_of(key(row, name)?));
        } else {
            book.say(line, 0, format!("a transaction is keys with values, not {}", row.value.kind()));
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
    let Node::Map(entries) = &tree.value else { return None };
    entries.iter().find(|(key, _)| key.value == name).map(|(_, value)| value)
}

fn text_of(value: &Placed) -> Option<String> {
    match &value.value {
        Node::Text(text) => Some(text.clone()),
        Node::Whole(number) => Some(number.to_string()),
        Node::Fraction(number) => Some(number.to_string()),
        _ => None,
    }
}
