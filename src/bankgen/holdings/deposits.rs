//! Term deposits and recurring deposits, with interest that is compounded each quarter. A deposit
//! that matures is paid out, and the next one begins on the same day.

use chrono::{Datelike, NaiveDate};
use rand::RngExt;

use super::{
    DocumentParts, DocumentTransaction, HoldingContext, HoldingPayment, TransactionList,
    format_transaction_id, months_after, to_ist_timestamp,
};
use crate::domain::calendar::Month;
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::persona::Channel;
use crate::domain::terms::TransactionType;

/// The interest of a financial year above which the bank deducts tax (Income-tax Act, section 194A,
/// in the version of 2024).
const TDS_ABOVE: Paise = Paise::from_rupees(40_000);

/// The tax that is deducted, in percent of the interest (same section).
const TDS_PERCENT: i64 = 10;

/// The way in which money is paid into a deposit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DepositKind {
    /// Once, at the opening.
    Term,
    /// Each month.
    Recurring,
}

/// The treatment of tax on the interest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TaxDeduction {
    Applied,
    Ignored,
}

/// The terms of a deposit.
#[derive(Clone, Copy)]
struct Terms {
    opened_on: NaiveDate,
    /// The amount paid in at the opening, and each month into a recurring deposit.
    amount: Paise,
    kind: DepositKind,
    months: u32,
    /// The interest rate in basis points a year.
    rate: i64,
}

impl Terms {
    fn matures_on(&self) -> NaiveDate {
        months_after(self.opened_on, self.months)
    }
}

/// A transaction of a deposit.
struct DepositEntry {
    day: NaiveDate,
    kind: &'static str,
    direction: TransactionType,
    amount: Paise,
    balance: Paise,
    narration: String,
}

pub(crate) fn build_term_deposit(context: &HoldingContext<'_>) -> DocumentParts {
    let (terms, entries) = simulate_deposits(context, DepositKind::Term);
    let mut rng = context.random_stream(7);
    let kind = ["FIXED", "SWEEP", "TAX-SAVING"][rng.random_range(0..3)];
    let summary = build_summary(context, &terms, &entries, kind);
    build_parts(context, summary, &entries)
}

pub(crate) fn build_recurring_deposit(context: &HoldingContext<'_>) -> DocumentParts {
    let (terms, entries) = simulate_deposits(context, DepositKind::Recurring);
    let summary = build_summary(context, &terms, &entries, "RECURRING")
        .with_attribute("recurringAmount", terms.amount.to_string())
        .with_attribute("recurringDepositDay", terms.opened_on.day().to_string());
    build_parts(context, summary, &entries)
}

/// Lists the instalments of recurring deposits, and what is paid out when one matures, from a day on.
pub(crate) fn list_recurring_payments(
    context: &HoldingContext<'_>,
    since: NaiveDate,
) -> Vec<HoldingPayment> {
    let (_, entries) = simulate_deposits(context, DepositKind::Recurring);
    let recent = entries.into_iter().filter(|entry| entry.day >= since);
    let payments = recent.filter_map(|entry| {
        let (direction, purpose) = match entry.kind {
            "OPENING" | "INSTALLMENT" => (TransactionType::Debit, "INSTALMENT"),
            "CLOSING" => (TransactionType::Credit, "MATURITY"),
            // Interest and its tax stay in the deposit.
            _ => return None,
        };
        Some(HoldingPayment {
            day: entry.day,
            direction,
            amount: entry.amount,
            channel: Channel::Transfer,
            counterparty: "RECURRING DEPOSIT".to_owned(),
            purpose: format!("{purpose} {}", context.reference_number),
        })
    });
    payments.collect()
}

/// Returns the current deposit, and all transactions of it and of those before it.
fn simulate_deposits(
    context: &HoldingContext<'_>,
    kind: DepositKind,
) -> (Terms, Vec<DepositEntry>) {
    let mut rng = context.random_stream(0);
    let months = [12, 24, 36, 60][rng.random_range(0..4)];
    let step = match kind {
        DepositKind::Term => 5_000,
        DepositKind::Recurring => 500,
    };
    let amount = context.amount_on(context.opened_on);
    let amount = Paise::from_rupees((amount.0 / 100 / step).max(1) * step);
    let mut terms = Terms {
        opened_on: context.opened_on,
        amount,
        kind,
        months,
        rate: rng.random_range(550..=750) / 5 * 5,
    };
    let mut entries = Vec::new();
    loop {
        simulate_deposit(&terms, &mut entries, TaxDeduction::Applied);
        if terms.matures_on() > context.today() {
            return (terms, entries);
        }
        terms.opened_on = terms.matures_on();
    }
}

/// A deposit whose transactions are being generated.
struct DepositAccount<'e> {
    balance: Paise,
    entries: &'e mut Vec<DepositEntry>,
}

impl DepositAccount<'_> {
    fn credit(&mut self, day: NaiveDate, kind: &'static str, amount: Paise, narration: String) {
        self.balance += amount;
        self.push_entry(day, kind, TransactionType::Credit, amount, narration);
    }

    fn debit(&mut self, day: NaiveDate, kind: &'static str, amount: Paise, narration: &str) {
        self.balance = self.balance - amount;
        self.push_entry(
            day,
            kind,
            TransactionType::Debit,
            amount,
            narration.to_owned(),
        );
    }

    fn push_entry(
        &mut self,
        day: NaiveDate,
        kind: &'static str,
        direction: TransactionType,
        amount: Paise,
        narration: String,
    ) {
        self.entries.push(DepositEntry {
            day,
            kind,
            direction,
            amount,
            balance: self.balance,
            narration,
        });
    }
}

/// Generates the transactions of one deposit from opening to closing. Returns its value at
/// maturity, before it is paid out.
fn simulate_deposit(
    terms: &Terms,
    entries: &mut Vec<DepositEntry>,
    tax_deduction: TaxDeduction,
) -> Paise {
    let mut account = DepositAccount {
        balance: Paise(0),
        entries,
    };
    let mut year_interest = Paise(0);
    let mut balance_sum = 0i128;
    for month in 0..=terms.months {
        let day = months_after(terms.opened_on, month);
        if month > 0 {
            balance_sum += i128::from(account.balance.0);
        }
        if month > 0 && (month % 3 == 0 || month == terms.months) {
            let interest = balance_sum * i128::from(terms.rate) / 120_000;
            balance_sum = 0;
            let interest = Paise(
                i64::try_from((interest + 50) / 100 * 100).expect("a quarter's interest fits"),
            );
            let narration = "INTEREST CREDITED FOR THE QUARTER".to_owned();
            account.credit(day, "INTEREST", interest, narration);
            year_interest += interest;
        }
        let next = months_after(terms.opened_on, month + 1);
        let year_ends = Month::from_date(day).financial_year_start()
            != Month::from_date(next).financial_year_start()
            || month == terms.months;
        if year_ends {
            if tax_deduction == TaxDeduction::Applied && year_interest > TDS_ABOVE {
                let tax = Paise(year_interest.0 * TDS_PERCENT / 100 / 100 * 100);
                account.debit(day, "TDS", tax, "TAX DEDUCTED AT SOURCE");
            }
            year_interest = Paise(0);
        }
        if month == terms.months {
            let maturity_value = account.balance;
            account.debit(day, "CLOSING", maturity_value, "MATURITY PROCEEDS PAID OUT");
            return maturity_value;
        }
        if month == 0 {
            account.credit(day, "OPENING", terms.amount, "DEPOSIT OPENED".to_owned());
        } else if terms.kind == DepositKind::Recurring {
            let narration = format!("INSTALMENT {:03} OF {:03}", month + 1, terms.months);
            account.credit(day, "INSTALLMENT", terms.amount, narration);
        }
    }
    account.balance
}

fn build_summary(
    context: &HoldingContext<'_>,
    terms: &Terms,
    entries: &[DepositEntry],
    kind: &'static str,
) -> Element {
    let maturity_value = simulate_deposit(terms, &mut Vec::new(), TaxDeduction::Ignored);
    let paid_in = match terms.kind {
        DepositKind::Term => terms.amount,
        DepositKind::Recurring => Paise(terms.amount.0 * i64::from(terms.months)),
    };
    let current = entries
        .iter()
        .rev()
        .find(|entry| entry.day <= context.today())
        .map_or(Paise(0), |last| last.balance);
    let (years, months) = (terms.months / 12, terms.months % 12);
    Element::new("Summary")
        .with_attribute("branch", context.branch.city)
        .with_attribute("openingDate", terms.opened_on.to_string())
        .with_attribute("ifsc", context.branch.ifsc())
        .with_attribute("accountType", kind)
        .with_attribute("maturityAmount", maturity_value.to_string())
        .with_attribute("maturityDate", terms.matures_on().to_string())
        .with_attribute(
            "description",
            format!("{kind} deposit of {} months", terms.months),
        )
        .with_attribute("interestPayout", "OnMaturity")
        .with_attribute("interestRate", Paise(terms.rate).to_string())
        .with_attribute("principalAmount", paid_in.to_string())
        .with_attribute("tenureDays", "0")
        .with_attribute("tenureMonths", months.to_string())
        .with_attribute("tenureYears", years.to_string())
        .with_attribute("interestComputation", "COMPOUND")
        .with_attribute("compoundingFrequency", "QUARTERLY")
        .with_attribute("interestPeriodicPayoutAmount", "0.00")
        .with_attribute("interestOnMaturity", (maturity_value - paid_in).to_string())
        .with_attribute("currentValue", current.to_string())
        .with_attribute("currentBalance", current.to_string())
        .with_attribute("currency", "INR")
}

fn build_parts(
    context: &HoldingContext<'_>,
    summary: Element,
    deposit_entries: &[DepositEntry],
) -> DocumentParts {
    let entries = deposit_entries.iter().enumerate().map(|(number, entry)| {
        let DepositEntry {
            day,
            kind,
            direction,
            amount,
            balance,
            narration,
        } = entry;
        let at = to_ist_timestamp(*day, 10, 15, u32::try_from(number % 60).expect("below 60"));
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", format_transaction_id("D", *day, number))
            .with_attribute("amount", amount.to_string())
            .with_attribute("narration", narration.clone())
            .with_attribute("type", *kind)
            // Money moves within the bank, for which no channel has a word.
            .with_attribute("mode", "OTHERS")
            .with_attribute("balance", balance.to_string())
            .with_attribute("transactionalBalance", balance.to_string())
            .with_attribute("transactionDateTime", at.to_ist_string())
            .with_attribute("valueDate", day.to_string())
            .with_attribute(
                "reference",
                format!("{}{number:03}", context.reference_number),
            );
        DocumentTransaction {
            at,
            amount: *amount,
            direction: *direction,
            element,
        }
    });
    let transactions = TransactionList::Flat(entries.collect());
    DocumentParts {
        holder_attributes: Vec::new(),
        profile: Vec::new(),
        summary: Some(summary),
        transactions,
    }
}
