//! The transactions of a report, classified, with what all sections ask of them.

use chrono::{Datelike, NaiveDate};
use serde_json::{Value, json};

use super::classify::{Classification, classify_narration};
use crate::domain::account::AccountType;
use crate::domain::calendar::Month;
use crate::domain::consent::TransactionType;
use crate::domain::statement::{Statement, TransactionMode};

/// One transaction.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: u64,
    /// Which of the book's accounts.
    pub account: usize,
    pub date: NaiveDate,
    pub direction: TransactionType,
    pub mode: TransactionMode,
    /// In paise; positive.
    pub amount: i64,
    pub balance: i64,
    /// The balance that the one before and this amount make.
    pub computed_balance: i64,
    pub narration: String,
    pub classification: Classification,
}

/// An account of the report.
#[derive(Clone, Debug)]
pub struct ReportAccount<'a> {
    pub id: u32,
    pub statement: &'a Statement,
    /// Before its first transaction, in paise.
    pub opening: i64,
}

/// All transactions of a report in the order of time.
#[derive(Clone, Debug)]
pub struct TransactionBook<'a> {
    pub accounts: Vec<ReportAccount<'a>>,
    pub entries: Vec<Entry>,
    /// The months from the first transaction to the last.
    pub months: Vec<Month>,
    /// Of each of these months the closing balance of each day, of all accounts together, up to the last day of the report.
    closing_balances: Vec<Vec<i64>>,
}

impl<'a> TransactionBook<'a> {
    /// `None` where there is no transaction.
    pub fn from_statements(accounts: &[(u32, &'a Statement)]) -> Option<Self> {
        let mut entries = Vec::new();
        let mut report_accounts = Vec::new();
        for (id, statement) in accounts {
            let Some(rows) = statement.transactions() else {
                continue;
            };
            let Some(first) = rows.rows.first() else {
                continue;
            };
            let opening = first.balance.0 - first.signed_amount().0;
            let mut previous_balance = opening;
            for (row, number) in rows.rows.iter().zip(1..) {
                let narration = rows.narration(row).to_owned();
                let classification = classify_narration(&narration, row.mode, row.transaction_type);
                // A filter may have removed what stood between: then the difference is the gap.
                let computed_balance = previous_balance + row.signed_amount().0;
                previous_balance = row.balance.0;
                entries.push(Entry {
                    id: u64::from(*id) * 1_000_000 + number,
                    account: report_accounts.len(),
                    date: row.at.ist_date(),
                    direction: row.transaction_type,
                    mode: row.mode,
                    amount: row.amount.0,
                    balance: row.balance.0,
                    computed_balance,
                    narration,
                    classification,
                });
            }
            report_accounts.push(ReportAccount {
                id: *id,
                statement,
                opening,
            });
        }
        entries.sort_by_key(|entry| entry.date);
        let (first, last) = (
            Month::from_date(entries.first()?.date),
            Month::from_date(entries.last()?.date),
        );
        let months = std::iter::successors(Some(first), |month| Some(month.next()))
            .take_while(|month| *month <= last);
        let mut book = Self {
            accounts: report_accounts,
            months: months.collect(),
            entries,
            closing_balances: Vec::new(),
        };
        book.closing_balances = book
            .months
            .iter()
            .map(|month| book.daily_balances(*month))
            .collect();
        Some(book)
    }

    fn daily_balances(&self, month: Month) -> Vec<i64> {
        let end = self.entries.last().expect("a book has entries").date;
        let days = (1..=month.num_days())
            .map(|day| month.clamped_date(day))
            .take_while(|day| *day <= end);
        days.map(|day| self.balance_on(day)).collect()
    }

    pub fn credits(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.entries.iter().filter(|entry| entry.is_credit())
    }

    pub fn debits(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.entries.iter().filter(|entry| !entry.is_credit())
    }

    pub fn entries_by_direction(&self, is_credit: bool) -> impl Iterator<Item = &Entry> + Clone {
        self.entries
            .iter()
            .filter(move |entry| entry.is_credit() == is_credit)
    }

    pub fn entries_in_month(&self, month: Month) -> impl Iterator<Item = &Entry> + Clone {
        self.entries
            .iter()
            .filter(move |entry| Month::from_date(entry.date) == month)
    }

    /// The closing balance of each day of one of the book's months.
    pub fn closing_balances(&self, month: Month) -> &[i64] {
        let index = month.ordinal() - self.months[0].ordinal();
        &self.closing_balances[usize::try_from(index).expect("it is one of the book's months")]
    }

    /// At the end of a day.
    pub fn balance_on(&self, day: NaiveDate) -> i64 {
        let account_balance = |(index, account): (usize, &ReportAccount<'_>)| {
            let until = self.entries.partition_point(|entry| entry.date <= day);
            let last = self.entries[..until]
                .iter()
                .rev()
                .find(|entry| entry.account == index);
            last.map_or(account.opening, |entry| entry.balance)
        };
        self.accounts.iter().enumerate().map(account_balance).sum()
    }

    /// "Oct 2023 - Sep 2024", of the last so many months.
    pub fn format_span(&self, count: usize) -> String {
        let last = self.months.len();
        format!(
            "{} - {}",
            format_month(self.months[last.saturating_sub(count)]),
            format_month(self.months[last - 1])
        )
    }

    /// The analytics id, as texts have it.
    pub fn account_id(&self, entry: &Entry) -> String {
        self.accounts[entry.account].id.to_string()
    }

    pub fn masked_account_number(&self, entry: &Entry) -> &str {
        &self.accounts[entry.account].statement.account.masked_number
    }
}

impl ReportAccount<'_> {
    /// The bank is known by its FIP's name.
    pub fn bank_name(&self) -> &str {
        &self.statement.account.fip
    }

    pub fn type_name(&self) -> &'static str {
        if self.is_current() {
            "Current"
        } else {
            "Savings"
        }
    }

    pub fn type_code(&self) -> &'static str {
        if self.is_current() { "CA" } else { "SA" }
    }

    fn is_current(&self) -> bool {
        self.statement.account.account_type == AccountType::Current
    }

    /// "AXISIN - X9648 - Savings".
    pub fn short_label(&self) -> String {
        let number = &self.statement.account.masked_number;
        let tail = &number[number.len().saturating_sub(4)..];
        format!("{} - X{tail} - {}", self.bank_name(), self.type_name())
    }
}

impl Entry {
    pub fn is_credit(&self) -> bool {
        self.direction == TransactionType::Credit
    }

    /// "Category / Sub".
    pub fn category_path(&self) -> String {
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

    pub fn direction_code(&self) -> &'static str {
        if self.is_credit() { "CR" } else { "DB" }
    }

    /// Who it was with; "Unknown" where the narration does not tell.
    pub fn counterparty_or_unknown(&self) -> &str {
        if self.classification.counterparty.is_empty() {
            "Unknown"
        } else {
            &self.classification.counterparty
        }
    }

    /// `Txn` of the recording.
    pub fn to_json(&self) -> Value {
        let cheque = if self.mode == TransactionMode::Cheque {
            self.narration
                .split(['/', '-', ' '])
                .find(|part| part.len() == 6 && part.bytes().all(|byte| byte.is_ascii_digit()))
        } else {
            None
        };
        json!({
            "id": self.id,
            "date": self.date.to_string(),
            "amount": rupees_to_json(self.amount),
            "particular": self.narration,
            "counterparty": self.classification.counterparty,
            "tags": self.classification.tags,
            "balance": rupees_to_json(self.balance),
            "cheque_number": cheque.unwrap_or_default(),
            "type": self.direction_code(),
            "computedBalance": rupees_to_json(self.computed_balance),
            "balanceGap": rupees_to_json(self.balance - self.computed_balance),
            "categories": self.category_path(),
            "upiApp": self.upi_app(),
        })
    }

    /// The app, by the provider in the address; ours are invented.
    pub fn upi_app(&self) -> &'static str {
        if self.mode != TransactionMode::Upi {
            ""
        } else if self.narration.contains("@mockpay") {
            "MockPay"
        } else if self.narration.contains("@mockbank") {
            "MockBank UPI"
        } else {
            ""
        }
    }
}

pub fn entries_to_json<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Vec<Value> {
    entries.into_iter().map(Entry::to_json).collect()
}

pub fn collect_ids<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Vec<u64> {
    entries.into_iter().map(|entry| entry.id).collect()
}

pub fn sum_amounts<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> i64 {
    entries.into_iter().map(|entry| entry.amount).sum()
}

/// Rupees as a JSON number: whole where they are.
pub fn rupees_to_json(paise: i64) -> Value {
    if paise % 100 == 0 {
        return json!(paise / 100);
    }
    let text = format_rupees(paise);
    serde_json::from_str(&text).expect("digits with a point are a number")
}

/// Rupees as the recording prints them: no zeros at the end.
pub fn format_rupees(paise: i64) -> String {
    let sign = if paise < 0 { "-" } else { "" };
    let (rupees, rest) = (paise.unsigned_abs() / 100, paise.unsigned_abs() % 100);
    match (rest, rest % 10) {
        (0, _) => format!("{sign}{rupees}"),
        (_, 0) => format!("{sign}{rupees}.{}", rest / 10),
        _ => format!("{sign}{rupees}.{rest:02}"),
    }
}

/// A part of a whole in percent, with two decimals.
pub fn format_percent(part: i64, whole: i64) -> String {
    let hundredths = if whole == 0 {
        0
    } else {
        (i128::from(part) * 20_000 / i128::from(whole) + 1).div_euclid(2)
    };
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The average, to the paisa.
pub fn rounded_average(sum: i64, count: usize) -> i64 {
    let count = i64::try_from(count).unwrap_or(1).max(1);
    (sum * 2 + count).div_euclid(count * 2)
}

pub fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    match values.len() {
        0 => 0,
        count if count % 2 == 1 => values[count / 2],
        count => rounded_average(values[count / 2 - 1] + values[count / 2], 2),
    }
}

/// "Oct 2023".
pub fn format_month(month: Month) -> String {
    format!("{} {}", month.short_name(), month.year)
}

/// "27/02/2024".
pub fn format_slashed_date(date: NaiveDate) -> String {
    format!("{:02}/{:02}/{}", date.day(), date.month(), date.year())
}
