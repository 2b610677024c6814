//! The classified transactions of a report, with the queries and number formats that all sections
//! share. Amounts are paise.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::classify::{
    BOUNCE_CHARGES, Classification, INWARD_TRANSFER, OUTWARD_TRANSFER, classify_narration,
    extract_bounced_payee, extract_counterparty,
};
use crate::domain::account::AccountType;
use crate::domain::calendar::Month;
use crate::domain::statement::{Holder, Holders, SharedText, Statement, TransactionMode};
use crate::domain::terms::TransactionType;
use crate::domain::time::Millis;

/// A classified transaction.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub id: u64,
    /// The place among the entries of the book.
    pub place: usize,
    /// The index of its account in the book.
    pub account: usize,
    pub date: NaiveDate,
    pub month: Month,
    pub direction: TransactionType,
    pub mode: TransactionMode,
    /// Positive, in paise.
    pub amount: i64,
    pub balance: i64,
    /// The previous row's balance, with this amount added or subtracted.
    pub computed_balance: i64,
    /// Empty if unknown.
    pub upi_app: &'static str,
    pub narration: SharedText,
    pub classification: Classification,
    pub counterparty: Counterparty,
    /// The payee of a mandate that bounced, if this is the charge for it and names one.
    pub bounced_payee: Option<Arc<str>>,
}

/// The counterparty of a transaction. Those of a long history share their names.
#[derive(Clone, Debug)]
pub(crate) struct Counterparty {
    /// The place among the counterparties of the book.
    pub place: usize,
    /// In capitals; empty if the narration names none.
    pub name: Arc<str>,
}

/// The counterparties of a book by name.
#[derive(Debug, Default)]
struct CounterpartyNames(HashMap<Arc<str>, usize>);

impl CounterpartyNames {
    /// Returns the counterparty of a name, the same one for the same name.
    fn intern(&mut self, name: &str) -> Counterparty {
        if let Some((name, place)) = self.0.get_key_value(name) {
            return Counterparty {
                place: *place,
                name: Arc::clone(name),
            };
        }
        let (place, name) = (self.0.len(), Arc::<str>::from(name));
        self.0.insert(Arc::clone(&name), place);
        Counterparty { place, name }
    }
}

/// A transaction as most sections list it (`docs/sources.md#unaport-analytics`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransactionRow<'e> {
    id: u64,
    date: String,
    amount: Rupees,
    particular: &'e str,
    counterparty: &'e str,
    tags: &'e str,
    balance: Rupees,
    #[serde(rename = "cheque_number")]
    cheque_number: &'e str,
    #[serde(rename = "type")]
    direction: &'e str,
    computed_balance: Rupees,
    balance_gap: Rupees,
    categories: String,
    upi_app: &'e str,
}

/// Paise that are written as rupees: an integer where there are no paise.
#[derive(Clone, Copy, Debug)]
struct Rupees(i64);

impl Serialize for Rupees {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 100 == 0 {
            return serializer.serialize_i64(self.0 / 100);
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "balances are far below 2^52 paise"
        )]
        serializer.serialize_f64(self.0 as f64 / 100.0)
    }
}

/// The endings of UPI addresses, and the apps that give them.
const UPI_APPS: [(&str, &str); 5] = [
    ("@mockpay", "MockPay"),
    ("@mockbank", "MockBank UPI"),
    ("@mockupi", "MockUPI"),
    ("@mockwallet", "MockWallet"),
    ("@mockapp", "MockApp"),
];

/// An account of the report.
#[derive(Clone, Debug)]
pub(crate) struct ReportAccount<'a> {
    pub id: u32,
    pub statement: &'a Statement,
    /// The balance before the first transaction, in paise.
    pub opening: i64,
}

/// All transactions of a report, by day; those of one day by account.
#[derive(Clone, Debug)]
pub(crate) struct TransactionBook<'a> {
    pub accounts: Vec<ReportAccount<'a>>,
    pub entries: Vec<Entry>,
    /// The months from the first transaction to the last.
    pub months: Vec<Month>,
    /// The first and the last day of the period that rates are of.
    period: (NaiveDate, NaiveDate),
    /// For each of these months, the closing balance of each day, all accounts added up, until the
    /// day of the last transaction. The days of the first month before the first transaction have
    /// the opening balance.
    closing_balances: Vec<Vec<i64>>,
    /// The names of the holders of the accounts, in capitals.
    holder_names: Vec<String>,
    /// The number of different counterparties, with the unknown one.
    pub counterparty_count: usize,
    credit_total: i64,
    debit_total: i64,
}

impl<'a> TransactionBook<'a> {
    /// Creates the book of these accounts; `None` if they have no transaction.
    pub(crate) fn from_statements(accounts: &[(u32, &'a Statement)]) -> Option<Self> {
        let row_counts = accounts
            .iter()
            .filter_map(|(_, statement)| Some(statement.transactions()?.rows.len()));
        let mut entries = Vec::with_capacity(row_counts.sum());
        let mut report_accounts = Vec::new();
        let mut names = CounterpartyNames::default();
        for (id, statement) in accounts {
            let Some(rows) = statement.transactions() else {
                continue;
            };
            let Some(first) = rows.rows.first() else {
                continue;
            };
            let opening = first.balance.0 - first.signed_amount().0;
            let mut previous_balance = opening;
            let summary = statement.as_bank().and_then(|bank| bank.summary.as_ref());
            let city = summary.map_or_else(String::new, |summary| summary.branch.to_uppercase());
            for (row, number) in rows.rows.iter().zip(1..) {
                let narration = rows.share_narration(row);
                let text = narration.to_uppercase();
                let classification = classify_narration(&text, row.mode, row.transaction_type);
                let payee = match classification.subcategory {
                    Some(BOUNCE_CHARGES) => extract_bounced_payee(&text),
                    _ => None,
                };
                // The difference is reported as a gap where a filter has removed rows in between.
                let computed_balance = previous_balance + row.signed_amount().0;
                previous_balance = row.balance.0;
                let date = row.at.ist_date();
                entries.push(Entry {
                    id: u64::from(*id) * 1_000_000 + number,
                    place: 0,
                    account: report_accounts.len(),
                    date,
                    month: Month::from_date(date),
                    direction: row.transaction_type,
                    mode: row.mode,
                    amount: row.amount.0,
                    balance: row.balance.0,
                    computed_balance,
                    upi_app: find_upi_app(&narration, row.mode),
                    narration,
                    classification,
                    counterparty: names.intern(&extract_counterparty(&text, &city)),
                    bounced_payee: payee.filter(|payee| !payee.is_empty()).map(Arc::from),
                });
            }
            report_accounts.push(ReportAccount {
                id: *id,
                statement,
                opening,
            });
        }
        entries.sort_by_key(|entry| entry.date);
        for (place, entry) in entries.iter_mut().enumerate() {
            entry.place = place;
        }
        let (first, last) = (entries.first()?.month, entries.last()?.month);
        let months = std::iter::successors(Some(first), |month| Some(month.next()))
            .take_while(|month| *month <= last)
            .collect();
        let holders = report_accounts.iter();
        let holders = holders.filter_map(|account| account.statement.holders.as_ref());
        let mut book = Self {
            holder_names: holders
                .flat_map(Holders::iter)
                .map(|holder| holder.name.to_uppercase())
                .collect(),
            counterparty_count: names.0.len(),
            period: find_period(&report_accounts, &entries),
            accounts: report_accounts,
            months,
            entries,
            closing_balances: Vec::new(),
            credit_total: 0,
            debit_total: 0,
        };
        book.credit_total = sum_amounts(book.credits());
        book.debit_total = sum_amounts(book.debits());
        book.closing_balances = book
            .months
            .iter()
            .map(|month| book.daily_balances(*month))
            .collect();
        Some(book)
    }

    fn daily_balances(&self, month: Month) -> Vec<i64> {
        let end = self.entries.last().expect("a book has entries").date;
        (1..=month.num_days())
            .map(|day| month.clamped_date(day))
            .take_while(|day| *day <= end)
            .map(|day| self.balance_on(day))
            .collect()
    }

    pub(crate) fn credits(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.entries.iter().filter(|entry| entry.is_credit())
    }

    pub(crate) fn debits(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.entries.iter().filter(|entry| !entry.is_credit())
    }

    pub(crate) fn entries_by_direction(
        &self,
        direction: TransactionType,
    ) -> impl Iterator<Item = &Entry> + Clone {
        self.entries
            .iter()
            .filter(move |entry| entry.direction == direction)
    }

    /// Returns the transactions of a month, which are next to each other.
    pub(crate) fn entries_in_month(&self, month: Month) -> std::slice::Iter<'_, Entry> {
        let start = self.entries.partition_point(|entry| entry.month < month);
        let end = self.entries.partition_point(|entry| entry.month <= month);
        self.entries[start..end].iter()
    }

    /// Returns the closing balance of each day of one of the book's months.
    pub(crate) fn closing_balances(&self, month: Month) -> &[i64] {
        &self.closing_balances[self.month_index(month)]
    }

    /// Returns the index of one of the book's months.
    fn month_index(&self, month: Month) -> usize {
        let index = month.ordinal() - self.months[0].ordinal();
        usize::try_from(index).expect("it is one of the book's months")
    }

    /// Returns the mean of the daily closing balances of the last `count` months.
    pub(crate) fn average_balance(&self, count: usize) -> i64 {
        let last = &self.closing_balances[self.months.len().saturating_sub(count)..];
        let days: Vec<i64> = last.iter().flatten().copied().collect();
        rounded_average(days.iter().sum(), days.len())
    }

    /// Returns the number of days of the period.
    pub(crate) fn day_count(&self) -> i64 {
        (self.period.1 - self.period.0).num_days() + 1
    }

    /// Returns the number of whole months of the calendar in the period.
    pub(crate) fn month_count(&self) -> u32 {
        let (first, last) = self.period;
        let mut count = 0;
        while first + Months::new(count + 1) <= last + Days::new(1) {
            count += 1;
        }
        count
    }

    /// Returns whether the counterparty is a holder of the accounts.
    pub(crate) fn is_own_transfer(&self, entry: &Entry) -> bool {
        let name = &*entry.counterparty.name;
        self.holder_names.iter().any(|holder| holder == name)
    }

    /// Returns the sum of all amounts of a direction.
    pub(crate) fn total(&self, direction: TransactionType) -> i64 {
        match direction {
            TransactionType::Credit => self.credit_total,
            TransactionType::Debit => self.debit_total,
        }
    }

    /// Returns the overdraft limit of all accounts together.
    pub(crate) fn overdraft_limit(&self) -> i64 {
        let limits = self.accounts.iter().map(ReportAccount::overdraft_limit);
        limits.sum()
    }

    /// Returns the balance of all accounts at the end of a day.
    pub(crate) fn balance_on(&self, day: NaiveDate) -> i64 {
        let until = self.entries.partition_point(|entry| entry.date <= day);
        let mut total = 0;
        for (index, account) in self.accounts.iter().enumerate() {
            let last = self.entries[..until]
                .iter()
                .rev()
                .find(|entry| entry.account == index);
            total += last.map_or(account.opening, |entry| entry.balance);
        }
        total
    }

    /// Formats the last `count` months: "Oct 2023 - Sep 2024".
    pub(crate) fn format_span(&self, count: usize) -> String {
        let last = self.months.len();
        format!(
            "{} - {}",
            format_month(self.months[last.saturating_sub(count)]),
            format_month(self.months[last - 1])
        )
    }

    /// Returns the analytics id of the entry's account as a string.
    pub(crate) fn account_id(&self, entry: &Entry) -> String {
        self.accounts[entry.account].id.to_string()
    }

    /// Returns the holders of the accounts, each once.
    pub(crate) fn list_holders(&self) -> Vec<&Holder> {
        let holders = self.accounts.iter();
        let holders = holders.filter_map(|account| account.statement.holders.as_ref());
        let mut seen = BTreeSet::new();
        let all = holders.flat_map(Holders::iter);
        all.filter(|holder| seen.insert(&holder.pan)).collect()
    }

    pub(crate) fn masked_account_number(&self, entry: &Entry) -> &str {
        &self.accounts[entry.account].statement.account.masked_number
    }
}

/// Returns the period of some accounts: the range that was requested, as far as transactions show that
/// there is anything in it.
///
/// `Assumption:` five days without a transaction at the edges of a range belong to it.
fn find_period(accounts: &[ReportAccount<'_>], entries: &[Entry]) -> (NaiveDate, NaiveDate) {
    let ranges = accounts.iter().filter_map(|account| {
        let range = account.statement.transactions()?.range;
        let last = range.to.saturating_add(Millis(-1));
        Some((range.from.ist_date(), last.ist_date()))
    });
    let (first, last) = (entries[0].date, entries[entries.len() - 1].date);
    ranges.fold((first, last), |(start, end), (from, to)| {
        (
            start.min(from.max(first - Days::new(5))),
            end.max(to.min(last + Days::new(5))),
        )
    })
}

impl ReportAccount<'_> {
    /// Returns the name of the FIP.
    pub(crate) fn bank_name(&self) -> &str {
        &self.statement.fip_name
    }

    /// Returns the limit of the overdraft in paise; 0 without one.
    pub(crate) fn overdraft_limit(&self) -> i64 {
        let summary = self
            .statement
            .as_bank()
            .and_then(|bank| bank.summary.as_ref());
        summary.map_or(0, |summary| summary.overdraft_limit.0)
    }

    /// Returns the abbreviation of the bank.
    ///
    /// `Assumption:` the recorded AXISIN is a code of the service. Ours is the first six letters
    /// and digits of the name.
    pub(crate) fn bank_abbreviation(&self) -> String {
        let letters = self.bank_name().chars();
        let alphanumerics = letters.filter(|letter| letter.is_alphanumeric());
        alphanumerics.take(6).collect::<String>().to_uppercase()
    }

    pub(crate) fn type_name(&self) -> &'static str {
        if self.is_current() {
            "Current"
        } else {
            "Savings"
        }
    }

    /// Returns the type in words for an underwriter, which has those of non-residents.
    pub(crate) fn full_type_name(&self) -> &'static str {
        match self.statement.account.account_type {
            AccountType::Current => "Current account",
            AccountType::Nre => "NRE savings account",
            AccountType::Nro => "NRO savings account",
            AccountType::Savings | AccountType::Default => "Savings account",
        }
    }

    pub(crate) fn type_code(&self) -> &'static str {
        if self.is_current() { "CA" } else { "SA" }
    }

    fn is_current(&self) -> bool {
        self.statement.account.account_type == AccountType::Current
    }

    /// Formats abbreviation, last digits and type: "AXISIN - X9648 - Savings".
    pub(crate) fn short_label(&self) -> String {
        let number = &self.statement.account.masked_number;
        let tail = &number[number.len().saturating_sub(4)..];
        format!(
            "{} - X{tail} - {}",
            self.bank_abbreviation(),
            self.type_name()
        )
    }
}

impl Entry {
    pub(crate) fn is_credit(&self) -> bool {
        self.direction == TransactionType::Credit
    }

    /// Returns whether it is a regular pay, which a bonus is not.
    pub(crate) fn is_pay(&self) -> bool {
        self.classification.category == "Salary" && self.classification.subcategory.is_none()
    }

    /// Returns whether the narration tells no purpose but the transfer itself.
    pub(crate) fn is_transfer(&self) -> bool {
        matches!(
            self.classification.category,
            INWARD_TRANSFER | OUTWARD_TRANSFER
        )
    }

    /// Formats category and subcategory: "Loan / EMI".
    pub(crate) fn category_path(&self) -> String {
        let Classification {
            category,
            subcategory,
            ..
        } = &self.classification;
        subcategory.map_or_else(
            || (*category).to_owned(),
            |subcategory| format!("{category} / {subcategory}"),
        )
    }

    pub(crate) fn direction_code(&self) -> &'static str {
        if self.is_credit() { "CR" } else { "DB" }
    }

    /// Returns whether the narration names a counterparty.
    pub(crate) fn has_counterparty(&self) -> bool {
        !self.counterparty.name.is_empty()
    }

    /// Returns the counterparty, or "Unknown" if the narration names none.
    pub(crate) fn counterparty_or_unknown(&self) -> &str {
        if self.has_counterparty() {
            &self.counterparty.name
        } else {
            "Unknown"
        }
    }

    /// Returns the transaction as most sections list it.
    pub(crate) fn to_row(&self) -> TransactionRow<'_> {
        let cheque = if self.mode == TransactionMode::Cheque {
            self.narration
                .split(['/', '-', ' '])
                .find(|part| part.len() == 6 && part.bytes().all(|byte| byte.is_ascii_digit()))
        } else {
            None
        };
        TransactionRow {
            id: self.id,
            date: self.date.to_string(),
            amount: Rupees(self.amount),
            particular: &self.narration,
            counterparty: &self.counterparty.name,
            tags: self.classification.tags,
            balance: Rupees(self.balance),
            cheque_number: cheque.unwrap_or_default(),
            direction: self.direction_code(),
            computed_balance: Rupees(self.computed_balance),
            balance_gap: Rupees(self.balance - self.computed_balance),
            categories: self.category_path(),
            upi_app: self.upi_app,
        }
    }
}

/// Returns the UPI app, by the provider in the UPI address; empty if unknown. The names are invented,
/// as the generated addresses are.
fn find_upi_app(narration: &str, mode: TransactionMode) -> &'static str {
    if mode != TransactionMode::Upi {
        return "";
    }
    let ends = narration.match_indices('@');
    let mut apps = ends.filter_map(|(start, _)| {
        let mut apps = UPI_APPS.iter();
        let app = apps.find(|(ending, _)| narration[start..].starts_with(ending));
        app.map(|(_, name)| *name)
    });
    apps.next().unwrap_or_default()
}

/// Builds an object of these fields. `json!` copies the values that it is given, which is slow for
/// long lists.
pub(crate) fn build_object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.into_iter();
    fields
        .map(|(key, value)| (key.to_owned(), value))
        .collect::<Map<_, _>>()
        .into()
}

pub(crate) fn sum_amounts<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> i64 {
    entries.into_iter().map(|entry| entry.amount).sum()
}

/// Returns rupees as a JSON number, an integer where there are no paise.
pub(crate) fn rupees_to_json(paise: i64) -> Value {
    json!(Rupees(paise))
}

/// Formats rupees as the recording does, without trailing zeros.
pub(crate) fn format_rupees(paise: i64) -> String {
    let sign = if paise < 0 { "-" } else { "" };
    let (rupees, rest) = (paise.unsigned_abs() / 100, paise.unsigned_abs() % 100);
    match (rest, rest % 10) {
        (0, _) => format!("{sign}{rupees}"),
        (_, 0) => format!("{sign}{rupees}.{}", rest / 10),
        _ => format!("{sign}{rupees}.{rest:02}"),
    }
}

/// Formats a part of a whole in percent, with two decimals.
pub(crate) fn format_percent(part: i64, whole: i64) -> String {
    let hundredths = if whole == 0 {
        0
    } else {
        (i128::from(part) * 20_000 / i128::from(whole) + 1).div_euclid(2)
    };
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Returns a part of a whole in percent, at most 1000; 0 without a whole.
pub(crate) fn to_whole_percent(part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let percent = i128::from(part) * 100 / i128::from(whole);
    i64::try_from(percent.clamp(-1000, 1000)).expect("it is in range")
}

/// The days of a hundred months.
///
/// `Assumption:` a month is 30.44 days.
const DAYS_OF_100_MONTHS: i64 = 3_044;

/// Returns what comes in a month, if a sum comes in some days; at least those of a month.
pub(crate) fn to_monthly_rate(sum: i64, day_count: i64) -> i64 {
    let days = (day_count * 100).max(DAYS_OF_100_MONTHS);
    let rate = i128::from(sum) * i128::from(DAYS_OF_100_MONTHS) / i128::from(days);
    i64::try_from(rate).expect("it is not larger than the sum")
}

/// Returns the number of months that some days come nearest to.
pub(crate) fn to_nearest_month(day_count: i64) -> i64 {
    (day_count * 200 + DAYS_OF_100_MONTHS) / (2 * DAYS_OF_100_MONTHS)
}

/// Returns the average, rounded to the paisa.
pub(crate) fn rounded_average(sum: i64, count: usize) -> i64 {
    let count = i64::try_from(count).unwrap_or(1).max(1);
    (sum * 2 + count).div_euclid(count * 2)
}

pub(crate) fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    match values.len() {
        0 => 0,
        count if count % 2 == 1 => values[count / 2],
        count => rounded_average(values[count / 2 - 1] + values[count / 2], 2),
    }
}

/// Formats a month as "Oct 2023".
pub(crate) fn format_month(month: Month) -> String {
    format!("{} {}", month.short_name(), month.year)
}

/// Formats a date as "27/02/2024".
pub(crate) fn format_slashed_date(date: NaiveDate) -> String {
    format!("{:02}/{:02}/{}", date.day(), date.month(), date.year())
}
