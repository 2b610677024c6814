//! The rows of a supplied statement: each by itself, and what they make together.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};

use super::parts::{SummaryDraft, parse_amount};
use super::{StatementCheck, line_diagnostic};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ledger_changes::TXN_ID_BYTES_MAX;
use crate::domain::money::Paise;
use crate::domain::participants::FiSchema;
use crate::domain::statement::{
    Holder, Holders, Ledger, NewRow, SuppliedFields, TransactionMode, Transactions,
};
use crate::domain::terms::{TimeRange, TransactionType};
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::wire::fi::csv::list_columns;
use crate::wire::fi::xml::balance_attribute;

/// The name of the balance in the current generation of the schemas.
const BALANCE_COLUMN: &str = balance_attribute(FiSchema::Current);

/// The columns that every row needs.
pub(super) const REQUIRED_COLUMNS: [&str; 5] = [
    "type",
    "amount",
    BALANCE_COLUMN,
    "transactionTimestamp",
    "narration",
];

/// The maximum number of rows of a supplied statement.
const ROWS_MAX: usize = 1_000_000;

/// The maximum number of diagnostics; a last one says that there are more.
pub(super) const DIAGNOSTICS_MAX: usize = 50;

/// The years in which a transaction is plausible.
const PLAUSIBLE_YEARS: std::ops::RangeInclusive<i32> = 1950..=2099;

/// The longest plausible time between a transaction and its value date, in days.
const VALUE_DAYS_MAX: i64 = 31;

/// The longest plausible time between two transactions, in days.
const GAP_DAYS_MAX: i64 = 5 * 366;

/// The treatment of errors within a single row; those between rows are always reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowErrors {
    Report,
    Skip,
}

/// Returns the names that a column has in the two generations of the schemas.
pub(super) fn column_names(name: &'static str) -> impl Iterator<Item = &'static str> {
    let retired = (name == BALANCE_COLUMN).then_some(balance_attribute(FiSchema::Retired));
    std::iter::once(name).chain(retired)
}

/// Returns whether a field of a row is kept.
pub(super) fn is_kept(name: &str) -> bool {
    list_columns(FiSchema::Current).contains(&name) || name == balance_attribute(FiSchema::Retired)
}

/// The parts that were read, with their errors.
pub(in crate::files) struct StatementBuilder {
    check: StatementCheck,
    /// `None` for an invalid row: the rows before and after it cannot be compared.
    pub(super) rows: Vec<Option<ParsedRow>>,
    diagnostics: Vec<Diagnostic>,
    /// The number of errors that did not fit into `diagnostics`.
    omitted: usize,
    pub(super) row_errors: RowErrors,
    /// `false` if the schema has said whether a narration may be missing.
    pub needs_narration: bool,
    pub holders: Vec<Holder>,
    pub(super) summary: Option<SummaryDraft>,
    /// The last day of the rows, as the document states it.
    pub end: Option<NaiveDate>,
    pub notes: Vec<Diagnostic>,
    /// The fields of rows that are not kept, each with the first line that has it and the number of rows.
    dropped: BTreeMap<String, (u64, usize)>,
}

pub(super) struct ParsedRow {
    line: u64,
    txn_id: Option<String>,
    at: Timestamp,
    value_date: Option<NaiveDate>,
    direction: TransactionType,
    mode: TransactionMode,
    amount: Paise,
    balance: Paise,
    /// The name that the file has for the balance.
    balance_column: &'static str,
    narration: String,
    reference: String,
}

impl ParsedRow {
    /// Returns the change of the balance: positive for a credit.
    fn signed_amount(&self) -> Paise {
        self.direction.sign(self.amount)
    }

    /// Returns the row's `txnId` and a space; nothing if it has none.
    fn label(&self) -> String {
        let id = self.txn_id.as_ref().map(|id| format!("{id} "));
        id.unwrap_or_default()
    }
}

impl StatementBuilder {
    pub(in crate::files) fn new(check: StatementCheck) -> Self {
        Self {
            check,
            rows: Vec::new(),
            diagnostics: Vec::new(),
            omitted: 0,
            row_errors: RowErrors::Report,
            needs_narration: true,
            holders: Vec::new(),
            summary: None,
            end: None,
            notes: Vec::new(),
            dropped: BTreeMap::new(),
        }
    }

    /// Returns whether nothing more is read. Says so, if there are too many rows.
    pub(super) fn is_full(&mut self, line: u64) -> bool {
        if self.rows.len() < ROWS_MAX {
            return false;
        }
        let message = format!("a statement has {ROWS_MAX} rows at most; split the file");
        self.add_error(line, message);
        true
    }

    pub(super) fn add_error(&mut self, line: u64, message: String) {
        self.add_diagnostic(line_diagnostic(line, message));
    }

    pub(in crate::files) fn add_diagnostic(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(diagnostic);
        } else {
            self.omitted += 1;
        }
    }

    /// Adds what looks wrong although each row can be read: an error or a note, as the check says.
    fn add_finding(&mut self, line: u64, message: String) {
        match self.check {
            StatementCheck::Strict => self.add_error(line, message),
            StatementCheck::Warn => self.notes.push(line_diagnostic(line, message)),
            StatementCheck::Off => {}
        }
    }

    /// Adds the result of reading a holder.
    pub(super) fn add_holder(&mut self, holder: Result<Holder, Diagnostic>) {
        match holder {
            Ok(holder) => self.holders.push(holder),
            Err(diagnostic) => self.add_diagnostic(diagnostic),
        }
    }

    /// Adds the result of reading a summary.
    pub(super) fn add_summary(&mut self, summary: Result<SummaryDraft, Diagnostic>) {
        match summary {
            Ok(summary) => self.summary = Some(summary),
            Err(diagnostic) => self.add_diagnostic(diagnostic),
        }
    }

    /// Notes a field of a row that is not kept.
    pub(super) fn drop_field(&mut self, line: u64, name: &str) {
        match self.dropped.get_mut(name) {
            Some((_, count)) => *count += 1,
            None => {
                self.dropped.insert(name.to_owned(), (line, 1));
            }
        }
    }

    /// Adds a row, or its errors; `field` returns the text of a column.
    pub(in crate::files) fn add_row(&mut self, line: u64, field: &dyn Fn(&str) -> Option<String>) {
        let mut messages = Vec::new();
        let balance_column = column_names(BALANCE_COLUMN)
            .find(|name| field(name).is_some())
            .unwrap_or(BALANCE_COLUMN);
        let [direction, amount, balance, at, narration] = REQUIRED_COLUMNS.map(|name| {
            let name = if name == BALANCE_COLUMN {
                balance_column
            } else {
                name
            };
            let value = field(name).filter(|value| !value.trim().is_empty());
            if value.is_none() && (self.needs_narration || name != "narration") {
                messages.push(format!("{name} is missing"));
            }
            value.unwrap_or_default()
        });
        let direction = check_parsed(
            TransactionType::parse(direction.trim()),
            ("type", &direction),
            "CREDIT or DEBIT",
            &mut messages,
        );
        let amount = check_parsed(
            parse_amount(&amount).filter(|amount| amount.0 > 0),
            ("amount", &amount),
            "an amount above 0, such as 1250.50, without commas and with at most two decimals",
            &mut messages,
        );
        let balance = check_parsed(
            parse_amount(&balance),
            (balance_column, &balance),
            "an amount, such as 1250.50, without commas and with at most two decimals",
            &mut messages,
        );
        let at = check_parsed(
            parse_ist_timestamp(at.trim()),
            ("transactionTimestamp", &at),
            "a date such as 2024-03-31, or with a time such as 2024-03-31T10:15:00+05:30",
            &mut messages,
        );
        let mode = field("mode").unwrap_or_default();
        let parsed_mode = if mode.is_empty() {
            Some(TransactionMode::Others)
        } else {
            TransactionMode::parse_any_name(mode.trim())
        };
        let mode = check_parsed(
            parsed_mode,
            ("mode", &mode),
            &format!("one of FT, {}", TransactionMode::accepted_names()),
            &mut messages,
        );
        let value_date = field("valueDate").unwrap_or_default();
        let value_date = if value_date.trim().is_empty() {
            Some(None)
        } else {
            let day = parse_ist_timestamp(value_date.trim()).map(Timestamp::ist_date);
            check_parsed(
                day,
                ("valueDate", &value_date),
                "a date such as 2024-03-31",
                &mut messages,
            )
            .map(Some)
        };
        let txn_id = field("txnId").filter(|id| !id.is_empty());
        if let Some(id) = txn_id.as_ref().filter(|id| id.len() > TXN_ID_BYTES_MAX) {
            messages.push(format!(
                "txnId {} has more than {TXN_ID_BYTES_MAX} bytes",
                quote_value(id)
            ));
        }
        let is_valid = messages.is_empty();
        if self.row_errors == RowErrors::Report {
            for message in messages {
                self.add_error(line, message);
            }
        }
        let (
            Some(direction),
            Some(amount),
            Some(balance),
            Some(at),
            Some(mode),
            Some(value_date),
            true,
        ) = (direction, amount, balance, at, mode, value_date, is_valid)
        else {
            self.rows.push(None);
            return;
        };
        let reference = field("reference").unwrap_or_default();
        self.rows.push(Some(ParsedRow {
            line,
            txn_id,
            at,
            value_date,
            direction,
            mode,
            amount,
            balance,
            balance_column,
            narration,
            reference,
        }));
    }

    /// Compares what belongs together: rows with the rows before them, and the summary with the last one.
    fn check_relations(&mut self) {
        let mut findings = Vec::new();
        check_order_and_balances(&self.rows, &mut findings);
        check_duplicates(&self.rows, &mut findings);
        check_dates(&self.rows, &mut findings);
        findings.extend(self.check_summary());
        let limit = self.summary.as_ref().map(|summary| summary.overdraft_limit);
        if let Some((line, message)) = find_overdrawn(&self.rows, limit.unwrap_or(Paise(0))) {
            if limit.is_some() {
                let message = format!("{message}, the limit of the overdraft");
                findings.push((line, message));
            } else if self.check != StatementCheck::Off {
                let message =
                    format!("{message}; a file of this kind has no limit of an overdraft");
                self.notes.push(line_diagnostic(line, message));
            }
        }
        findings.sort_by_key(|(line, _)| *line);
        for (line, message) in findings {
            self.add_finding(line, message);
        }
    }

    /// Compares the summary's balance with that of the last row before the summary's time. A
    /// summary later than `end`, the last day of the rows, cannot be checked.
    fn check_summary(&self) -> Option<(u64, String)> {
        let summary = self.summary.as_ref()?;
        let (at, end) = (summary.balance_at?, self.end?);
        if at.ist_date() > end {
            return None;
        }
        let row = self.rows.iter().rev().flatten().find(|row| row.at <= at)?;
        let (stated, actual) = (summary.balance, row.balance);
        (stated != actual).then(|| {
            let label = row.label();
            let message =
                format!("Summary.currentBalance is {stated}, but the last row {label}has {actual}");
            (summary.line, message)
        })
    }

    /// Checks the parts together and returns the errors so far.
    pub(super) fn into_errors(mut self) -> Vec<Diagnostic> {
        self.check_relations();
        self.finish_errors()
    }

    fn finish_errors(mut self) -> Vec<Diagnostic> {
        if self.omitted > 0 {
            let message = format!(
                "{} errors more are not listed; correct these first",
                self.omitted
            );
            self.diagnostics.push(line_diagnostic(0, message));
        }
        self.diagnostics
    }

    /// Checks the parts together and returns the ledger.
    pub(in crate::files) fn into_ledger(mut self) -> Result<Ledger, Vec<Diagnostic>> {
        self.check_relations();
        if self.rows.is_empty() && self.diagnostics.is_empty() {
            self.add_error(0, "the file has no rows".to_owned());
        }
        if !self.diagnostics.is_empty() {
            return Err(self.finish_errors());
        }
        for (name, (line, count)) in std::mem::take(&mut self.dropped) {
            let rows = if count == 1 {
                String::new()
            } else {
                format!(", in {count} rows")
            };
            let message = format!("{name} of a transaction is not kept{rows}");
            self.notes.push(line_diagnostic(line, message));
        }
        let mut rows: Vec<ParsedRow> = self.rows.into_iter().flatten().collect();
        if !rows.is_sorted_by_key(|row| row.at) {
            // The rows of one time keep their order, which is the other way round if the newest come first.
            if rows.first().map(|row| row.at) > rows.last().map(|row| row.at) {
                rows.reverse();
            }
            rows.sort_by_key(|row| row.at);
            let message = "the rows are sorted by time, oldest first".to_owned();
            self.notes.push(line_diagnostic(0, message));
        }
        let (first, last) = (rows.first(), rows.last());
        let (first, last) = first.zip(last).expect("there is a row");
        let (opening_balance, last_at) = (first.balance - first.signed_amount(), last.at);
        let mut holders = self.holders.into_iter();
        let account_type = self
            .summary
            .as_ref()
            .and_then(|summary| summary.account_type);
        Ok(Ledger {
            opening_balance,
            transactions: collect_rows(&rows),
            holders: holders.next().map(|first| Holders {
                first,
                others: holders.collect(),
            }),
            summary: self.summary.map(|summary| summary.into_summary(last_at)),
            account_type,
            notes: self.notes,
        })
    }
}

/// Returns the rows of a ledger, in their order. Their numbers follow the day in India.
fn collect_rows(parsed: &[ParsedRow]) -> Transactions {
    let (first, last) = (parsed.first(), parsed.last());
    let (first, last) = first.zip(last).expect("there is a row");
    let mut rows = Transactions::new(TimeRange {
        from: first.at,
        to: last.at,
    });
    let (mut day, mut number) = (None, 0);
    for row in parsed {
        let date = row.at.ist_date();
        number = if day == Some(date) { number + 1 } else { 1 };
        day = Some(date);
        let date: u64 = date.format("%Y%m%d").to_string().parse().unwrap_or(0);
        rows.push(NewRow {
            at: row.at,
            transaction_type: row.direction,
            mode: row.mode,
            amount: row.amount,
            balance: row.balance,
            id: date * 100_000 + number,
            narration: &row.narration,
            reference: &row.reference,
            supplied: SuppliedFields {
                txn_id: row.txn_id.as_deref(),
                value_date: row.value_date,
            },
        });
    }
    rows
}

/// Findings, each with its line.
type Findings = Vec<(u64, String)>;

fn check_order_and_balances(rows: &[Option<ParsedRow>], findings: &mut Findings) {
    for pair in rows.windows(2) {
        let [Some(previous), Some(next)] = pair else {
            continue;
        };
        let label = next.label();
        if next.at < previous.at {
            let (before, after) = (previous.at.ist_date(), next.at.ist_date());
            let message =
                format!("{label}{after} follows {before}; sort the rows by time, oldest first");
            findings.push((next.line, message));
        }
        let (before, change) = (previous.balance, next.signed_amount());
        let (expected, actual) = (before + change, next.balance);
        if expected != actual {
            let column = next.balance_column;
            let message =
                format!("{label}{column} is {actual}, but {before} and {change} make {expected}");
            findings.push((next.line, message));
        }
    }
}

/// Finds ids that occur twice, and references that occur twice in one direction. References of zeros are none.
fn check_duplicates(rows: &[Option<ParsedRow>], findings: &mut Findings) {
    let mut ids: HashMap<&str, u64> = HashMap::new();
    let mut references: HashMap<(&str, TransactionType), u64> = HashMap::new();
    for row in rows.iter().flatten() {
        if let Some(id) = &row.txn_id
            && let Some(first) = ids.insert(id, row.line)
        {
            let message = format!("txnId {} is that of line {first} too", quote_value(id));
            findings.push((row.line, message));
        }
        let reference = row.reference.trim();
        if reference
            .bytes()
            .all(|byte| matches!(byte, b'0' | b'-' | b'.'))
        {
            continue;
        }
        if let Some(first) = references.insert((reference, row.direction), row.line) {
            let (label, reference) = (row.label(), quote_value(reference));
            let message = format!(
                "{label}reference {reference} is that of line {first} too, in the same direction"
            );
            findings.push((row.line, message));
        }
    }
}

/// Finds dates that are not plausible.
fn check_dates(rows: &[Option<ParsedRow>], findings: &mut Findings) {
    let mut previous: Option<NaiveDate> = None;
    for row in rows.iter().flatten() {
        let (day, label) = (row.at.ist_date(), row.label());
        // The day zero of many systems.
        let is_epoch = day == NaiveDate::default();
        if !PLAUSIBLE_YEARS.contains(&day.year()) || is_epoch {
            let message = format!("{label}{day} is no plausible date of a transaction");
            findings.push((row.line, message));
        } else if let Some(before) = previous
            && (day - before).num_days() > GAP_DAYS_MAX
        {
            let message = format!("{label}{day} follows {before}, more than five years before it");
            findings.push((row.line, message));
        }
        previous = Some(day);
        if let Some(value_date) = row.value_date
            && (value_date - day).num_days().abs() > VALUE_DAYS_MAX
        {
            let message = format!(
                "{label}valueDate {value_date} is more than a month from the transaction, {day}"
            );
            findings.push((row.line, message));
        }
    }
}

/// Returns what the balances below the limit of the overdraft are, if there are any: the first one, and their number.
fn find_overdrawn(rows: &[Option<ParsedRow>], limit: Paise) -> Option<(u64, String)> {
    let mut overdrawn = rows.iter().flatten().filter(|row| row.balance < -limit);
    let first = overdrawn.next()?;
    let others = match overdrawn.count() {
        0 => String::new(),
        count => format!(", as that of {count} more"),
    };
    let ParsedRow {
        line,
        balance,
        balance_column,
        ..
    } = first;
    let label = first.label();
    Some((
        *line,
        format!(
            "{label}{balance_column} {balance} is below {}{others}",
            -limit
        ),
    ))
}

/// Returns a parsed value. If it is `None` and the column is not empty, adds a message with the
/// expected format.
fn check_parsed<T>(
    parsed: Option<T>,
    (name, text): (&str, &str),
    expected: &str,
    messages: &mut Vec<String>,
) -> Option<T> {
    if parsed.is_none() && !text.is_empty() {
        messages.push(format!("{name} {} is not {expected}", quote_value(text)));
    }
    parsed
}

/// Parses a date, or a date and time. Without an offset it is Indian Standard Time.
pub(super) fn parse_ist_timestamp(text: &str) -> Option<Timestamp> {
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
