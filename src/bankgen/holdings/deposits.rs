//! Term deposits and recurring deposits: money that stays, with interest that is compounded each quarter. When one matures
//! it is paid out, and the next begins on the same day.

use chrono::{Datelike, NaiveDate};
use rand::RngExt;

use super::{
    DocumentParts, DocumentTransaction, HoldingContext, TransactionList, format_transaction_id,
    months_after, to_ist_timestamp,
};
use crate::domain::calendar::Month;
use crate::domain::consent::TransactionType;
use crate::domain::document::Element;
use crate::domain::money::Paise;

/// Interest of a financial year above which the bank deducts tax, and how much (Income-tax Act, section 194A, as it stood
/// in 2024).
const TDS_ABOVE: Paise = Paise::from_rupees(40_000);
const TDS_PERCENT: i64 = 10;

/// A deposit from its opening to its maturity.
#[derive(Clone, Copy)]
struct Terms {
    opened_on: NaiveDate,
    /// What is paid in at the opening, and then each month where it is paid in instalments.
    amount: Paise,
    is_recurring: bool,
    months: u32,
    /// Basis points a year.
    rate: i64,
}

impl Terms {
    fn matures_on(&self) -> NaiveDate {
        months_after(self.opened_on, self.months)
    }
}

/// What happens in a deposit.
struct DepositEntry {
    day: NaiveDate,
    kind: &'static str,
    direction: TransactionType,
    amount: Paise,
    balance: Paise,
    narration: String,
}

pub fn build_term_deposit(context: &HoldingContext<'_>) -> DocumentParts {
    let (terms, entries) = simulate_deposits(context, false);
    let mut rng = context.random_stream(7);
    let kind = ["FIXED", "SWEEP", "TAX-SAVING"][rng.random_range(0..3)];
    let summary = build_summary(context, &terms, &entries, kind);
    build_parts(context, summary, &entries)
}

pub fn build_recurring_deposit(context: &HoldingContext<'_>) -> DocumentParts {
    let (terms, entries) = simulate_deposits(context, true);
    let summary = build_summary(context, &terms, &entries, "RECURRING")
        .with_attribute("recurringAmount", terms.amount.to_string())
        .with_attribute("recurringDepositDay", terms.opened_on.day().to_string());
    build_parts(context, summary, &entries)
}

/// The deposit that runs now, and all that has happened in it and in those before it.
fn simulate_deposits(
    context: &HoldingContext<'_>,
    is_recurring: bool,
) -> (Terms, Vec<DepositEntry>) {
    let mut rng = context.random_stream(0);
    let months = [12, 24, 36, 60][rng.random_range(0..4)];
    let step = if is_recurring { 500 } else { 5_000 };
    let amount = Paise::from_rupees((context.amount.0 / 100 / step).max(1) * step);
    let mut terms = Terms {
        opened_on: context.opened_on,
        amount,
        is_recurring,
        months,
        rate: rng.random_range(550..=750) / 5 * 5,
    };
    let mut entries = Vec::new();
    loop {
        simulate_deposit(&terms, &mut entries, true);
        if terms.matures_on() > context.today() {
            return (terms, entries);
        }
        terms.opened_on = terms.matures_on();
    }
}

/// One deposit from opening to closing; what it is worth at maturity, before the closing.
fn simulate_deposit(terms: &Terms, entries: &mut Vec<DepositEntry>, is_taxed: bool) -> Paise {
    let mut balance = Paise(0);
    let mut year_interest = Paise(0);
    let mut balance_sum = 0i128;
    for month in 0..=terms.months {
        let day = months_after(terms.opened_on, month);
        let mut push_entry =
            |day, kind, direction, amount: Paise, narration: String, balance: &mut Paise| {
                *balance = if direction == TransactionType::Credit {
                    *balance + amount
                } else {
                    *balance - amount
                };
                entries.push(DepositEntry {
                    day,
                    kind,
                    direction,
                    amount,
                    balance: *balance,
                    narration,
                });
            };
        if month > 0 {
            balance_sum += i128::from(balance.0);
        }
        if month > 0 && (month % 3 == 0 || month == terms.months) {
            let interest = balance_sum * i128::from(terms.rate) / 120_000;
            balance_sum = 0;
            let interest = Paise(
                i64::try_from((interest + 50) / 100 * 100).expect("a quarter's interest fits"),
            );
            push_entry(
                day,
                "INTEREST",
                TransactionType::Credit,
                interest,
                "INTEREST CREDITED FOR THE QUARTER".to_owned(),
                &mut balance,
            );
            year_interest += interest;
        }
        let next = months_after(terms.opened_on, month + 1);
        let year_ends = Month::from_date(day).financial_year_start()
            != Month::from_date(next).financial_year_start()
            || month == terms.months;
        if year_ends {
            if is_taxed && year_interest > TDS_ABOVE {
                let tax = Paise(year_interest.0 * TDS_PERCENT / 100 / 100 * 100);
                push_entry(
                    day,
                    "TDS",
                    TransactionType::Debit,
                    tax,
                    "TAX DEDUCTED AT SOURCE".to_owned(),
                    &mut balance,
                );
            }
            year_interest = Paise(0);
        }
        if month == terms.months {
            let maturity_value = balance;
            push_entry(
                day,
                "CLOSING",
                TransactionType::Debit,
                maturity_value,
                "MATURITY PROCEEDS PAID OUT".to_owned(),
                &mut balance,
            );
            return maturity_value;
        }
        if month == 0 {
            let narration = "DEPOSIT OPENED".to_owned();
            push_entry(
                day,
                "OPENING",
                TransactionType::Credit,
                terms.amount,
                narration,
                &mut balance,
            );
        } else if terms.is_recurring {
            let narration = format!("INSTALMENT {:03} OF {:03}", month + 1, terms.months);
            push_entry(
                day,
                "INSTALLMENT",
                TransactionType::Credit,
                terms.amount,
                narration,
                &mut balance,
            );
        }
    }
    balance
}

fn build_summary(
    context: &HoldingContext<'_>,
    terms: &Terms,
    entries: &[DepositEntry],
    kind: &'static str,
) -> Element {
    let maturity_value = simulate_deposit(terms, &mut Vec::new(), false);
    let paid_in = if terms.is_recurring {
        Paise(terms.amount.0 * i64::from(terms.months))
    } else {
        terms.amount
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
        let mode = if matches!(*kind, "OPENING" | "INSTALLMENT" | "CLOSING") {
            "FT"
        } else {
            "OTHERS"
        };
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", format_transaction_id("D", *day, number))
            .with_attribute("amount", amount.to_string())
            .with_attribute("narration", narration.clone())
            .with_attribute("type", *kind)
            .with_attribute("mode", mode)
            .with_attribute("balance", balance.to_string())
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
