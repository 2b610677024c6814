//! Owns turning a bank's export into a statement: finding the table in it, and understanding its rows.
//!
//! Exports differ in their columns, dates and amounts, in what is above the table and below it, and in their order. The
//! balances tell whether they were understood: each follows from the one before it.

mod cells;
mod columns;
mod grid;

use chrono::NaiveDateTime;

use self::cells::{PrintedAmount, is_blank, parse_date_time, parse_printed_amount, parse_side};
pub(crate) use self::columns::{ColumnMap, ImportGuide};
use self::columns::{Columns, Role};
use self::grid::{Grid, GridRow, read_grid};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::money::Paise;
use crate::domain::statement::{Ledger, TransactionMode};
use crate::domain::terms::TransactionType;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::files::statement::{StatementBuilder, StatementCheck, line_diagnostic};

/// The maximum number of reasons why no row was understood.
const REASONS_MAX: usize = 5;

/// A bank's export that was understood.
pub(crate) struct Import {
    /// The kind of the file, for people.
    pub kind: &'static str,
    /// The line of the header.
    pub header_line: u64,
    /// The columns that are used, each with the name of its role.
    pub columns: Vec<(&'static str, String)>,
    pub ledger: Ledger,
}

/// The reason for which an export is no statement.
pub(crate) struct ImportError {
    /// Each with its line.
    pub diagnostics: Vec<Diagnostic>,
    /// `true` if the rows are the reason: another check takes those that were understood.
    pub is_of_rows: bool,
}

impl From<Vec<Diagnostic>> for ImportError {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            diagnostics,
            is_of_rows: false,
        }
    }
}

/// Reads an export. `opening` is the balance before the first row, for an export without balances.
///
/// # Errors
/// The rows that were not understood and what does not add up, each with its line.
pub(crate) fn import(
    bytes: &[u8],
    guide: &ImportGuide,
    opening: Option<Paise>,
    check: StatementCheck,
) -> Result<Import, ImportError> {
    let Grid { kind, rows, notes } = read_grid(bytes)?;
    let columns = Columns::find(&rows, guide)?;
    let header = &rows[columns.header];
    let reader = RowReader {
        columns: &columns,
        guide,
        header,
    };
    let mut table = reader.read_table(&rows[columns.header + 1..])?;
    table.settle_order();
    table.settle_sides();
    if columns.index(Role::Balance).is_none() {
        if columns.index(Role::Amount).is_some() {
            table.note_undirected();
        }
        table.compute_balances(opening.unwrap_or(Paise(0)));
    } else if opening.is_some() {
        let message =
            "the export has balances, so that --opening-balance is of no use; leave it out";
        return Err(vec![line_diagnostic(0, message.to_owned())].into());
    }
    let used = columns.list_used(header);
    if table.extra + table.below > 0 {
        let message = format!(
            "rows left out: {} in the table (balances, totals, headers), {} below it",
            table.extra, table.below
        );
        table.notes.push(line_diagnostic(0, message));
    }
    let ledger = table.into_ledger(check);
    let mut ledger = ledger.map_err(|diagnostics| ImportError {
        diagnostics,
        is_of_rows: check == StatementCheck::Strict,
    })?;
    ledger.notes.splice(0..0, notes);
    Ok(Import {
        kind,
        header_line: header.line,
        columns: used,
        ledger,
    })
}

/// A transaction of an export.
#[derive(Clone, Debug)]
struct ReadRow {
    line: u64,
    at: NaiveDateTime,
    value_date: Option<NaiveDateTime>,
    narration: String,
    reference: String,
    txn_id: String,
    side: TransactionType,
    amount: Paise,
    balance: Option<Paise>,
}

impl ReadRow {
    /// Returns the change of the balance: positive for a credit.
    fn signed_amount(&self) -> Paise {
        self.side.sign(self.amount)
    }
}

/// A row of the table of an export.
enum RowKind {
    Transaction(ReadRow),
    /// The rest of a narration, in a row of its own.
    Continuation(String),
    /// A balance or a sum.
    Extra,
    Separator,
    /// A row that is no transaction.
    Unknown {
        reason: String,
        /// `true` if it looks like one, so that it is in the table wherever it is.
        is_similar: bool,
    },
}

struct RowReader<'a> {
    columns: &'a Columns,
    guide: &'a ImportGuide,
    header: &'a GridRow,
}

/// The words with which a row of a balance begins.
const BALANCE_WORDS: [&str; 8] = [
    "opening balance",
    "closing balance",
    "brought forward",
    "carried forward",
    "balance b/f",
    "balance c/f",
    "b/f",
    "c/f",
];

/// The words of which a row of sums consists.
const TOTAL_WORDS: [&str; 14] = [
    "total",
    "totals",
    "grand",
    "page",
    "sub",
    "transaction",
    "transactions",
    "debit",
    "debits",
    "credit",
    "credits",
    "withdrawals",
    "deposits",
    "amount",
];

/// Returns whether a row with this narration is one of a balance or of sums. With a date and an amount, it has nothing
/// else in its narration.
fn is_extra(narration: &str, has_date_and_amount: bool) -> bool {
    let text = narration.trim_matches(['*', '-', ':', ' ']).to_lowercase();
    let mut balances = BALANCE_WORDS.iter();
    let is_balance = balances.any(|start| {
        let rest = text.strip_prefix(start);
        rest.is_some_and(|rest| rest.is_empty() || !has_date_and_amount)
    });
    let mut words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let is_total = text.contains("total") && words.all(|word| TOTAL_WORDS.contains(&word));
    is_balance || is_total
}

impl RowReader<'_> {
    /// Returns whether a narration goes on in the next row within a word, as in exports with this name.
    fn cuts_words(&self) -> bool {
        let name = self.cell(self.header, Role::Narration);
        name.eq_ignore_ascii_case("Transaction Remarks")
    }

    fn cell<'r>(&self, row: &'r GridRow, role: Role) -> &'r str {
        self.columns.cell(row, role)
    }

    fn parse_date(&self, text: &str) -> Option<NaiveDateTime> {
        let order = match self.guide {
            ImportGuide::Map(map) => map.date_order(),
            _ => cells::DateOrder::default(),
        };
        parse_date_time(text, order)
    }

    fn decimal(&self) -> char {
        match self.guide {
            ImportGuide::Map(map) => map.decimal(),
            _ => '.',
        }
    }

    fn parse_amount(&self, text: &str) -> Option<PrintedAmount> {
        parse_printed_amount(text, self.decimal())
    }

    /// Parses an amount of a row.
    ///
    /// # Errors
    /// The reason for which the row is not understood.
    fn require_amount(&self, text: &str) -> Result<PrintedAmount, String> {
        self.parse_amount(text).ok_or_else(|| {
            let other = if self.decimal() == ',' { '.' } else { ',' };
            let remedy = match parse_printed_amount(text, other) {
                Some(_) => format!("; a map with `decimal: '{other}'` reads it"),
                None => String::new(),
            };
            format!("the amount {} cannot be read{remedy}", quote_value(text))
        })
    }

    /// Reads the rows below the header. The table ends with its last transaction.
    fn read_table(&self, rows: &[GridRow]) -> Result<Table, Vec<Diagnostic>> {
        let mut table = Table::default();
        // Rows that are in the table if a transaction follows, and else below it.
        let mut pending: Vec<(u64, RowKind)> = Vec::new();
        for row in rows {
            let row = self.repair(row);
            match self.read_row(&row) {
                RowKind::Transaction(read) => {
                    table.add_pending(&mut pending);
                    table.rows.push(read);
                }
                RowKind::Continuation(text) if pending.is_empty() && !table.rows.is_empty() => {
                    let last = table.rows.last_mut().expect("there is a row");
                    if !self.cuts_words() {
                        last.narration.push(' ');
                    }
                    last.narration += &text;
                }
                kind => pending.push((row.line, kind)),
            }
        }
        // A row below the last transaction that looks like one was not understood.
        let last = pending.iter().rposition(|(_, kind)| {
            matches!(
                kind,
                RowKind::Unknown {
                    is_similar: true,
                    ..
                }
            )
        });
        let below = pending.split_off(last.map_or(0, |last| last + 1));
        table.add_pending(&mut pending);
        table.below = below.len();
        if table.rows.is_empty() {
            let message = "no row below the header was understood".to_owned();
            let reasons = table.unknown.into_iter().take(REASONS_MAX);
            let header = line_diagnostic(self.header.line, message);
            return Err(std::iter::once(header).chain(reasons).collect());
        }
        Ok(table)
    }

    /// Returns a row whose narration has commas without quotes around it as one cell.
    fn repair(&self, row: &GridRow) -> GridRow {
        let mut cells = row.cells.clone();
        while cells.len() > self.header.cells.len() && cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        let surplus = cells.len().saturating_sub(self.header.cells.len());
        let narration = self.columns.index(Role::Narration);
        if let Some(start) = narration.filter(|start| surplus > 0 && start + surplus < cells.len())
        {
            let joined = cells[start..=start + surplus].join(",");
            cells.splice(start..=start + surplus, [joined]);
        }
        GridRow {
            line: row.line,
            cells,
        }
    }

    fn read_row(&self, row: &GridRow) -> RowKind {
        if row.is_separator() {
            return RowKind::Separator;
        }
        if row.cells.iter().eq(&self.header.cells) {
            return RowKind::Extra;
        }
        let (date, narration) = (self.cell(row, Role::Date), self.cell(row, Role::Narration));
        let amounts = [Role::Debit, Role::Credit, Role::Amount];
        let has_amount = amounts.iter().any(|role| !is_blank(self.cell(row, *role)));
        let has_balance = !is_blank(self.cell(row, Role::Balance));
        if is_extra(narration, !date.is_empty() && has_amount) {
            return RowKind::Extra;
        }
        let Some(at) = self.parse_date(date) else {
            if date.is_empty() && !has_amount && !has_balance && !narration.is_empty() {
                return RowKind::Continuation(narration.to_owned());
            }
            let reason = if date.is_empty() {
                "it has no date".to_owned()
            } else {
                format!("{} is no date", quote_value(date))
            };
            let balance = self.parse_amount(self.cell(row, Role::Balance));
            let is_similar =
                !narration.is_empty() && balance.is_some() && self.read_amount(row).is_ok();
            return RowKind::Unknown { reason, is_similar };
        };
        if !has_amount {
            return RowKind::Unknown {
                reason: "it has no amount".to_owned(),
                is_similar: has_balance,
            };
        }
        match self.read_transaction(row, at) {
            Ok(read) => RowKind::Transaction(read),
            Err(reason) => RowKind::Unknown {
                reason,
                is_similar: true,
            },
        }
    }

    fn read_transaction(&self, row: &GridRow, at: NaiveDateTime) -> Result<ReadRow, String> {
        let (side, amount) = self.read_amount(row)?;
        let balance = self.cell(row, Role::Balance);
        let balance = if is_blank(balance) {
            if self.columns.index(Role::Balance).is_some() {
                return Err("it has no balance".to_owned());
            }
            None
        } else {
            let parsed = self.parse_amount(balance);
            let parsed = parsed
                .ok_or_else(|| format!("the balance {} is no amount", quote_value(balance)))?;
            let side = parse_side(self.cell(row, Role::BalanceDirection)).or(parsed.side);
            Some(PrintedAmount { side, ..parsed }.as_balance())
        };
        let value_date = self.cell(row, Role::ValueDate);
        let value_date =
            if is_blank(value_date) {
                None
            } else {
                let parsed = self.parse_date(value_date);
                Some(parsed.ok_or_else(|| {
                    format!("the value date {} is no date", quote_value(value_date))
                })?)
            };
        let reference = self.cell(row, Role::Reference);
        let is_reference = reference
            .bytes()
            .any(|byte| !matches!(byte, b'0' | b'-' | b' '));
        Ok(ReadRow {
            line: row.line,
            at,
            value_date,
            narration: self.cell(row, Role::Narration).to_owned(),
            reference: if is_reference {
                reference.to_owned()
            } else {
                String::new()
            },
            txn_id: self.cell(row, Role::TxnId).to_owned(),
            side,
            amount,
            balance,
        })
    }

    /// Reads the amount of a row, which is in one of two columns, or has its side with it.
    fn read_amount(&self, row: &GridRow) -> Result<(TransactionType, Paise), String> {
        let read = |role| -> Result<Option<PrintedAmount>, String> {
            let text = self.cell(row, role);
            if is_blank(text) {
                return Ok(None);
            }
            let parsed = self.require_amount(text)?;
            Ok((parsed.amount != Paise(0)).then_some(parsed))
        };
        if let Some(printed) = read(Role::Amount)? {
            let stated = parse_side(self.cell(row, Role::Direction)).or(printed.side);
            let is_negative = printed.amount.0 < 0;
            let side = match stated {
                Some(side) => side,
                None if is_negative => TransactionType::Debit,
                None if self.columns.index(Role::Direction).is_some() => {
                    let direction = self.cell(row, Role::Direction);
                    return Err(format!("{} is neither Dr nor Cr", quote_value(direction)));
                }
                None => TransactionType::Credit,
            };
            return Ok((side, Paise(printed.amount.0.abs())));
        }
        match (read(Role::Debit)?, read(Role::Credit)?) {
            (
                Some(PrintedAmount {
                    amount,
                    side: Some(side),
                }),
                None,
            )
            | (
                None,
                Some(PrintedAmount {
                    amount,
                    side: Some(side),
                }),
            ) => Ok((side, Paise(amount.0.abs()))),
            // A negative debit takes back another one.
            (Some(debit), None) if debit.amount.0 < 0 => {
                Ok((TransactionType::Credit, -debit.amount))
            }
            (None, Some(credit)) if credit.amount.0 < 0 => {
                Ok((TransactionType::Debit, -credit.amount))
            }
            (Some(debit), None) => Ok((TransactionType::Debit, debit.amount)),
            (None, Some(credit)) => Ok((TransactionType::Credit, credit.amount)),
            (Some(_), Some(_)) => Err("it has a debit and a credit".to_owned()),
            (None, None) => Err("its amount is zero".to_owned()),
        }
    }
}

impl Columns {
    /// Returns the columns that are used, each with the name of its role.
    fn list_used(&self, header: &GridRow) -> Vec<(&'static str, String)> {
        let roles = [
            (Role::Date, "date"),
            (Role::ValueDate, "value date"),
            (Role::Narration, "narration"),
            (Role::Reference, "reference"),
            (Role::TxnId, "transaction id"),
            (Role::Debit, "debit"),
            (Role::Credit, "credit"),
            (Role::Amount, "amount"),
            (Role::Direction, "direction"),
            (Role::Balance, "balance"),
            (Role::BalanceDirection, "direction of the balance"),
        ];
        let used = roles.into_iter().filter_map(|(role, name)| {
            let index = self.index(role)?;
            Some((name, header.cell(index).to_owned()))
        });
        used.collect()
    }
}

/// The table of an export.
#[derive(Default)]
struct Table {
    rows: Vec<ReadRow>,
    /// The rows between transactions that were not understood.
    unknown: Vec<Diagnostic>,
    /// The number of rows that are no transactions: balances, totals, headers that repeat.
    extra: usize,
    /// The number of rows below the last transaction.
    below: usize,
    notes: Vec<Diagnostic>,
}

impl Table {
    /// Adds the rows before a transaction, which are in the table.
    fn add_pending(&mut self, pending: &mut Vec<(u64, RowKind)>) {
        for (line, kind) in pending.drain(..) {
            match kind {
                RowKind::Separator => {}
                RowKind::Extra => self.extra += 1,
                RowKind::Unknown { reason, .. } => {
                    let message = format!("the row was not understood: {reason}");
                    self.unknown.push(line_diagnostic(line, message));
                }
                RowKind::Continuation(text) => {
                    let message = format!(
                        "the row was not understood: {} has no transaction before it",
                        quote_value(&text)
                    );
                    self.unknown.push(line_diagnostic(line, message));
                }
                RowKind::Transaction(_) => unreachable!("a transaction is not pending"),
            }
        }
    }

    /// Counts the balances that do not follow from the one before them.
    fn count_breaks(rows: &[ReadRow], is_swapped: bool) -> usize {
        let is_break = |pair: &&[ReadRow]| {
            let (Some(before), Some(after)) = (pair[0].balance, pair[1].balance) else {
                return false;
            };
            let change = pair[1].signed_amount();
            let change = if is_swapped { -change } else { change };
            before + change != after
        };
        rows.windows(2).filter(is_break).count()
    }

    /// Puts the oldest row first: by the times and, within one time, by the balances.
    fn settle_order(&mut self) {
        let first = self.rows.first().map(|row| row.at);
        let last = self.rows.last().map(|row| row.at);
        let breaks =
            |rows: &[ReadRow]| Self::count_breaks(rows, false).min(Self::count_breaks(rows, true));
        let is_newest_first = match first.cmp(&last) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => {
                let as_listed = breaks(&self.rows);
                self.rows.reverse();
                let reversed = breaks(&self.rows);
                self.rows.reverse();
                reversed < as_listed
            }
        };
        if is_newest_first {
            self.rows.reverse();
            let message =
                "the newest row comes first; the statement has the oldest one first".to_owned();
            self.notes.push(line_diagnostic(0, message));
        }
    }

    /// Swaps debits and credits if only then the balances follow from each other.
    fn settle_sides(&mut self) {
        let as_named = Self::count_breaks(&self.rows, false);
        if as_named == 0 || Self::count_breaks(&self.rows, true) > 0 {
            return;
        }
        for row in &mut self.rows {
            row.side = match row.side {
                TransactionType::Credit => TransactionType::Debit,
                TransactionType::Debit => TransactionType::Credit,
            };
        }
        let message = "the columns of debits and credits are the other way round, as the balances show; they were swapped";
        self.notes.push(line_diagnostic(0, message.to_owned()));
    }

    /// Notes that no amount has a sign, `Cr` or `Dr`, so that all are credits.
    fn note_undirected(&mut self) {
        let mut sides = self.rows.iter().map(|row| row.side);
        if sides.all(|side| side == TransactionType::Credit) {
            let message = "every amount is a credit: none has a sign or Dr; name the column of the direction if there is one";
            self.notes.push(line_diagnostic(0, message.to_owned()));
        }
    }

    /// Gives each row its balance, in the order of their times.
    fn compute_balances(&mut self, opening: Paise) {
        if !self.rows.is_sorted_by_key(|row| row.at) {
            self.rows.sort_by_key(|row| row.at);
            let message = "the rows are sorted by time, oldest first".to_owned();
            self.notes.push(line_diagnostic(0, message));
        }
        let mut balance = opening;
        for row in &mut self.rows {
            // The check of the rows refuses sums that are too large.
            balance = Paise(balance.0.saturating_add(row.signed_amount().0));
            row.balance = Some(balance);
        }
        let message = format!("the export has no balances; they are computed from {opening}");
        self.notes.push(line_diagnostic(0, message));
    }

    /// Checks the rows as those of any supplied statement.
    fn into_ledger(self, check: StatementCheck) -> Result<Ledger, Vec<Diagnostic>> {
        let mut builder = StatementBuilder::new(check);
        builder.notes = self.notes;
        for row in &self.rows {
            builder.add_row(row.line, &|name| field_of(row, name));
            if row.reference.contains("E+") {
                let reference = quote_value(&row.reference);
                let message = format!(
                    "the reference {reference} was cut by a spreadsheet; import the bank's file instead"
                );
                builder.notes.push(line_diagnostic(row.line, message));
            }
        }
        for unknown in self.unknown {
            if check == StatementCheck::Strict {
                builder.add_diagnostic(unknown);
            } else {
                builder.notes.push(unknown);
            }
        }
        builder.into_ledger()
    }
}

/// Returns the field of a row with this name in the FI schema.
fn field_of(row: &ReadRow, name: &str) -> Option<String> {
    let to_time = |at: NaiveDateTime| Timestamp::from_ist(at).to_ist_string();
    match name {
        "txnId" => Some(row.txn_id.clone()),
        "type" => Some(row.side.as_str().to_owned()),
        "mode" => Some(infer_mode(&row.narration, row.side).as_str().to_owned()),
        "amount" => Some(row.amount.to_string()),
        "transactionalBalance" => row.balance.map(|balance| balance.to_string()),
        "transactionTimestamp" => Some(to_time(row.at)),
        "valueDate" => row.value_date.map(|day| day.date().to_string()),
        "narration" => Some(row.narration.clone()),
        "reference" => Some(row.reference.clone()),
        _ => None,
    }
}

/// The words of narrations that tell the mode of a transaction.
const MODE_WORDS: [(&str, TransactionMode); 19] = [
    ("UPI", TransactionMode::Upi),
    ("UPIAR", TransactionMode::Upi),
    ("UPIOUT", TransactionMode::Upi),
    ("IMPS", TransactionMode::Imps),
    ("NEFT", TransactionMode::Neft),
    ("RTGS", TransactionMode::Rtgs),
    ("ACH", TransactionMode::Nach),
    ("ACHDR", TransactionMode::Nach),
    ("NACH", TransactionMode::Nach),
    ("ECS", TransactionMode::Ecs),
    ("ATM", TransactionMode::Atm),
    ("ATW", TransactionMode::Atm),
    ("NWD", TransactionMode::Atm),
    ("POS", TransactionMode::Card),
    ("VPS", TransactionMode::Card),
    ("CHQ", TransactionMode::Cheque),
    ("CLG", TransactionMode::Cheque),
    ("CHEQUE", TransactionMode::Cheque),
    ("CASH", TransactionMode::Cash),
];

/// Returns the mode that the first known word of a narration tells.
///
/// `Assumption:` exports have no column for the mode, so it follows from the narration.
fn infer_mode(narration: &str, side: TransactionType) -> TransactionMode {
    let narration = narration.to_uppercase();
    let mut words = narration.split(|c: char| !c.is_alphanumeric());
    let is_interest = words
        .clone()
        .take(2)
        .any(|word| matches!(word, "INT" | "INTEREST"));
    if is_interest && side == TransactionType::Credit {
        return TransactionMode::InterestCredit;
    }
    let found = words.find_map(|word| {
        let mut modes = MODE_WORDS.iter();
        modes
            .find(|(known, _)| *known == word)
            .map(|(_, mode)| *mode)
    });
    found.unwrap_or(TransactionMode::Others)
}
