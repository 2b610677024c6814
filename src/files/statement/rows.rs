//! The rows of a supplied statement: each by itself, and what they make together.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};

use super::parts::{SummaryDraft, parse_amount};
use super::relations::{Finding, Relations};
use super::{StatementCheck, line_diagnostic};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ledger_changes::{TXN_ID_BYTES_MAX, parse_generated_id};
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

/// The columns that a statement needs. A narration may be empty.
pub(super) const REQUIRED_COLUMNS: [&str; 5] = [
    "type",
    "amount",
    BALANCE_COLUMN,
    "transactionTimestamp",
    "narration",
];

/// The maximum number of rows of a supplied statement.
const ROWS_MAX: usize = 1_000_000;

/// The maximum length of a narration or a reference, in characters.
const TEXT_CHARS_MAX: usize = 4_096;

/// The largest sum of all amounts.
const TURNOVER_MAX: Paise = Paise::from_rupees(100_000_000_000_000);

/// The years that every format can write.
const WRITABLE_YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;

/// The maximum number of rows of a day, together with the ids of the file that have the form of generated ones.
const DAY_ROWS_MAX: usize = 99_999;

/// The factor of the day in the id of a row.
const ID_DAY_FACTOR: u64 = 100_000;

/// The maximum number of diagnostics; a last one says that there are more.
pub(super) const DIAGNOSTICS_MAX: usize = 50;

/// The maximum number of findings; a last one says that there are more.
const FINDINGS_MAX: usize = 1_000;

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
    rows: Vec<ParsedRow>,
    /// The sum of the amounts, until it is too large.
    turnover: Paise,
    /// `false` if rows are checked and not kept.
    pub(super) keeps_rows: bool,
    /// The number of rows, with those that cannot be read.
    pub(super) row_count: usize,
    relations: Relations,
    findings: Vec<Finding>,
    /// The number of findings that did not fit into `findings`.
    omitted_findings: usize,
    diagnostics: Vec<Diagnostic>,
    /// The number of errors that did not fit into `diagnostics`.
    omitted: usize,
    pub(super) row_errors: RowErrors,
    pub holders: Vec<Holder>,
    pub(super) summary: Option<SummaryDraft>,
    /// The last day of the rows, as the document states it.
    pub end: Option<NaiveDate>,
    pub notes: Vec<Diagnostic>,
    /// The fields of rows that are not kept, each with the first line that has it and the number of rows.
    dropped: BTreeMap<String, (u64, usize)>,
}

pub(super) struct ParsedRow {
    pub line: u64,
    pub txn_id: Option<String>,
    pub at: Timestamp,
    pub value_date: Option<NaiveDate>,
    pub direction: TransactionType,
    mode: TransactionMode,
    amount: Paise,
    pub balance: Paise,
    /// The name that the file has for the balance.
    pub balance_column: &'static str,
    narration: String,
    pub reference: String,
}

impl ParsedRow {
    /// Returns the change of the balance: positive for a credit.
    pub(super) fn signed_amount(&self) -> Paise {
        self.direction.sign(self.amount)
    }

    /// Returns the row's `txnId` and a space; nothing if it has none.
    pub(super) fn label(&self) -> String {
        let id = self.txn_id.as_ref().map(|id| format!("{id} "));
        id.unwrap_or_default()
    }
}

impl StatementBuilder {
    pub(in crate::files) fn new(check: StatementCheck) -> Self {
        Self {
            check,
            rows: Vec::new(),
            keeps_rows: true,
            row_count: 0,
            turnover: Paise(0),
            relations: Relations::default(),
            findings: Vec::new(),
            omitted_findings: 0,
            diagnostics: Vec::new(),
            omitted: 0,
            row_errors: RowErrors::Report,
            holders: Vec::new(),
            summary: None,
            end: None,
            notes: Vec::new(),
            dropped: BTreeMap::new(),
        }
    }

    /// Checks that one more row may be read. Returns `false`, with an error, if there are too many.
    pub(super) fn check_row_limit(&mut self, line: u64) -> bool {
        if self.row_count < ROWS_MAX || !self.keeps_rows {
            return true;
        }
        let message = format!("a statement has {ROWS_MAX} rows at most; split the file");
        self.add_error(line, message);
        false
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
            if value.is_none() && name != "narration" {
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
        for name in ["txnId", "narration", "reference"] {
            if let Err(message) = check_text(&field(name).unwrap_or_default()) {
                messages.push(format!("{name} {message}"));
            }
        }
        if let Some(day) = at
            .map(Timestamp::ist_date)
            .filter(|day| !WRITABLE_YEARS.contains(&day.year()))
        {
            messages.push(format!(
                "transactionTimestamp {day} is outside the years {} to {}",
                WRITABLE_YEARS.start(),
                WRITABLE_YEARS.end()
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
            self.skip_row();
            return;
        };
        let reference = field("reference").unwrap_or_default();
        let row = ParsedRow {
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
        };
        self.row_count += 1;
        if self.turnover.0 <= TURNOVER_MAX.0 {
            self.turnover += row.amount;
            if self.turnover.0 > TURNOVER_MAX.0 {
                let message =
                    format!("the amounts until here are more than {TURNOVER_MAX} together");
                self.add_error(line, message);
            }
        }
        self.relations.add(&row, &mut self.findings);
        let surplus = self.findings.len().saturating_sub(FINDINGS_MAX);
        self.findings.truncate(FINDINGS_MAX);
        self.omitted_findings += surplus;
        if self.keeps_rows {
            self.rows.push(row);
        }
    }

    /// Adds a row that cannot be read.
    pub(super) fn skip_row(&mut self) {
        self.row_count += 1;
        self.relations.skip();
    }

    /// Adds what the rows and the summary make together.
    fn check_relations(&mut self) {
        let mut findings = std::mem::take(&mut self.findings);
        let summary = self.summary.as_ref();
        let limit = summary.map(|summary| summary.overdraft_limit);
        findings
            .extend(summary.and_then(|summary| self.relations.check_summary(summary, self.end)));
        if let Some((line, message)) = self.relations.find_overdrawn(limit.unwrap_or(Paise(0))) {
            if limit.is_some() {
                findings.push((line, format!("{message}, the limit of the overdraft")));
            } else if self.check != StatementCheck::Off {
                let message =
                    format!("{message}; a file of this kind has no limit of an overdraft");
                self.notes.push(line_diagnostic(line, message));
            }
        }
        if let Some((line, message)) = self.relations.find_shared_references()
            && self.check != StatementCheck::Off
        {
            self.notes.push(line_diagnostic(line, message));
        }
        findings.sort_by_key(|(line, _)| *line);
        for (line, message) in findings {
            self.add_finding(line, message);
        }
        if self.omitted_findings > 0 {
            let message = format!("{} findings more are not listed", self.omitted_findings);
            self.add_finding(0, message);
        }
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

    /// Checks the parts together and returns the notes.
    pub(super) fn into_notes(mut self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        self.check_relations();
        if self.diagnostics.is_empty() {
            self.note_dropped();
            Ok(self.notes)
        } else {
            Err(self.finish_errors())
        }
    }

    /// Notes the fields of rows that are not kept.
    fn note_dropped(&mut self) {
        for (name, (line, count)) in std::mem::take(&mut self.dropped) {
            let rows = if count == 1 {
                String::new()
            } else {
                format!(", in {count} rows")
            };
            let message = format!("{name} of a transaction is not kept{rows}");
            self.notes.push(line_diagnostic(line, message));
        }
    }

    /// Checks the parts together and returns the ledger.
    pub(in crate::files) fn into_ledger(mut self) -> Result<Ledger, Vec<Diagnostic>> {
        self.check_relations();
        if self.row_count == 0 && self.diagnostics.is_empty() {
            self.add_error(0, "the file has no rows".to_owned());
        }
        if !self.diagnostics.is_empty() {
            return Err(self.finish_errors());
        }
        self.note_dropped();
        let mut rows = self.rows;
        if !rows.is_sorted_by_key(|row| row.at) {
            // The rows of one time keep their order, which is the other way round if the newest come first.
            if rows.first().map(|row| row.at) > rows.last().map(|row| row.at) {
                rows.reverse();
            }
            rows.sort_by_key(|row| row.at);
            let message = "the rows are sorted by time, oldest first".to_owned();
            self.notes.push(line_diagnostic(0, message));
        }
        let supplied_ids = rows.iter().filter_map(|row| row.txn_id.as_deref());
        let taken: BTreeSet<u64> = supplied_ids.filter_map(parse_generated_id).collect();
        let mut days = rows.chunk_by(|one, two| one.at.ist_date() == two.at.ist_date());
        let full = days.find(|day| {
            let start = day_id(day[0].at.ist_date());
            let taken = taken.range(start..start + ID_DAY_FACTOR);
            day.len() + taken.count() > DAY_ROWS_MAX
        });
        if let Some(day) = full {
            let message = format!("a day has {DAY_ROWS_MAX} rows at most");
            return Err(vec![line_diagnostic(day[0].line, message)]);
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
            transactions: collect_rows(&rows, &taken),
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

/// Checks that a text can be kept, and written in every format.
///
/// # Errors
/// A message that continues a sentence which begins with the field's name.
pub(super) fn check_text(text: &str) -> Result<(), String> {
    let length = text.chars().count();
    if length > TEXT_CHARS_MAX {
        return Err(format!(
            "has {length} characters; {TEXT_CHARS_MAX} are kept at most"
        ));
    }
    // Extensible Markup Language (XML) 1.0, section 2.2.
    let mut chars = text.chars();
    let refused = chars.find(|c| {
        matches!(c, '\u{fffe}' | '\u{ffff}') || (*c < ' ' && !matches!(c, '\t' | '\n' | '\r'))
    });
    match refused {
        None => Ok(()),
        Some(c) => Err(format!(
            "has the character U+{:04X}, which XML cannot have; remove it",
            u32::from(c)
        )),
    }
}

/// Returns the id before the first one of a day.
fn day_id(day: NaiveDate) -> u64 {
    let day: u64 = day.format("%Y%m%d").to_string().parse().unwrap_or(0);
    day * ID_DAY_FACTOR
}

/// Returns the rows of a ledger, in their order. Their numbers follow the day in India, without those that are `taken`
/// by an id of the file.
fn collect_rows(parsed: &[ParsedRow], taken: &BTreeSet<u64>) -> Transactions {
    let (first, last) = (parsed.first(), parsed.last());
    let (first, last) = first.zip(last).expect("there is a row");
    let mut rows = Transactions::new(TimeRange {
        from: first.at,
        to: last.at,
    });
    let (mut day, mut id) = (None, 0);
    for row in parsed {
        let date = row.at.ist_date();
        if day != Some(date) {
            (day, id) = (Some(date), day_id(date));
        }
        id += 1;
        while row.txn_id.is_none() && taken.contains(&id) {
            id += 1;
        }
        rows.push(NewRow {
            at: row.at,
            transaction_type: row.direction,
            mode: row.mode,
            amount: row.amount,
            balance: row.balance,
            id,
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
