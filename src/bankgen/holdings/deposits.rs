//! Term deposits and recurring deposits: money that stays, with interest that is compounded each quarter. When one matures
//! it is paid out, and the next begins on the same day.

use chrono::{Datelike, NaiveDate};
use rand::RngExt;

use super::{Ask, Entry, Told, Transactions, at, id, months_after};
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
    instalments: bool,
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
struct Movement {
    day: NaiveDate,
    kind: &'static str,
    direction: TransactionType,
    amount: Paise,
    balance: Paise,
    narration: String,
}

pub fn term(ask: &Ask<'_>) -> Told {
    let (terms, movements) = life(ask, false);
    let mut rng = ask.rng(7);
    let kind = ["FIXED", "SWEEP", "TAX-SAVING"][rng.random_range(0..3)];
    let summary = summary(ask, &terms, &movements, kind);
    told(ask, summary, &movements)
}

pub fn recurring(ask: &Ask<'_>) -> Told {
    let (terms, movements) = life(ask, true);
    let summary = summary(ask, &terms, &movements, "RECURRING")
        .with_attribute("recurringAmount", terms.amount.to_string())
        .with_attribute("recurringDepositDay", terms.opened_on.day().to_string());
    told(ask, summary, &movements)
}

/// The deposit that runs now, and all that has happened in it and in those before it.
fn life(ask: &Ask<'_>, instalments: bool) -> (Terms, Vec<Movement>) {
    let mut rng = ask.rng(0);
    let months = [12, 24, 36, 60][rng.random_range(0..4)];
    let step = if instalments { 500 } else { 5_000 };
    let amount = Paise::from_rupees((ask.amount.0 / 100 / step).max(1) * step);
    let mut terms = Terms {
        opened_on: ask.opened_on,
        amount,
        instalments,
        months,
        rate: rng.random_range(550..=750) / 5 * 5,
    };
    let mut movements = Vec::new();
    loop {
        run(&terms, &mut movements, true);
        if terms.matures_on() > ask.today() {
            return (terms, movements);
        }
        terms.opened_on = terms.matures_on();
    }
}

/// One deposit from opening to closing; what it is worth at maturity, before the closing.
fn run(terms: &Terms, movements: &mut Vec<Movement>, taxed: bool) -> Paise {
    let mut balance = Paise(0);
    let mut year_interest = Paise(0);
    let mut product = 0i128;
    for month in 0..=terms.months {
        let day = months_after(terms.opened_on, month);
        let mut moved =
            |day, kind, direction, amount: Paise, narration: String, balance: &mut Paise| {
                *balance = if direction == TransactionType::Credit {
                    *balance + amount
                } else {
                    *balance - amount
                };
                movements.push(Movement {
                    day,
                    kind,
                    direction,
                    amount,
                    balance: *balance,
                    narration,
                });
            };
        if month > 0 {
            product += i128::from(balance.0);
        }
        if month > 0 && (month % 3 == 0 || month == terms.months) {
            let interest = product * i128::from(terms.rate) / 120_000;
            product = 0;
            let interest = Paise(
                i64::try_from((interest + 50) / 100 * 100).expect("a quarter's interest fits"),
            );
            moved(
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
            if taxed && year_interest > TDS_ABOVE {
                let tax = Paise(year_interest.0 * TDS_PERCENT / 100 / 100 * 100);
                moved(
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
            let worth = balance;
            moved(
                day,
                "CLOSING",
                TransactionType::Debit,
                worth,
                "MATURITY PROCEEDS PAID OUT".to_owned(),
                &mut balance,
            );
            return worth;
        }
        if month == 0 {
            let narration = "DEPOSIT OPENED".to_owned();
            moved(
                day,
                "OPENING",
                TransactionType::Credit,
                terms.amount,
                narration,
                &mut balance,
            );
        } else if terms.instalments {
            let narration = format!("INSTALMENT {:03} OF {:03}", month + 1, terms.months);
            moved(
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

fn summary(ask: &Ask<'_>, terms: &Terms, movements: &[Movement], kind: &'static str) -> Element {
    let maturity = run(terms, &mut Vec::new(), false);
    let paid = if terms.instalments {
        Paise(terms.amount.0 * i64::from(terms.months))
    } else {
        terms.amount
    };
    let current = movements
        .iter()
        .rev()
        .find(|movement| movement.day <= ask.today())
        .map_or(Paise(0), |last| last.balance);
    let (years, months) = (terms.months / 12, terms.months % 12);
    Element::new("Summary")
        .with_attribute("branch", ask.branch.city)
        .with_attribute("openingDate", terms.opened_on.to_string())
        .with_attribute("ifsc", ask.branch.ifsc())
        .with_attribute("accountType", kind)
        .with_attribute("maturityAmount", maturity.to_string())
        .with_attribute("maturityDate", terms.matures_on().to_string())
        .with_attribute(
            "description",
            format!("{kind} deposit of {} months", terms.months),
        )
        .with_attribute("interestPayout", "OnMaturity")
        .with_attribute("interestRate", Paise(terms.rate).to_string())
        .with_attribute("principalAmount", paid.to_string())
        .with_attribute("tenureDays", "0")
        .with_attribute("tenureMonths", months.to_string())
        .with_attribute("tenureYears", years.to_string())
        .with_attribute("interestComputation", "COMPOUND")
        .with_attribute("compoundingFrequency", "QUARTERLY")
        .with_attribute("interestPeriodicPayoutAmount", "0.00")
        .with_attribute("interestOnMaturity", (maturity - paid).to_string())
        .with_attribute("currentValue", current.to_string())
}

fn told(ask: &Ask<'_>, summary: Element, movements: &[Movement]) -> Told {
    let entries = movements.iter().enumerate().map(|(number, movement)| {
        let Movement {
            day,
            kind,
            direction,
            amount,
            balance,
            narration,
        } = movement;
        let at = at(*day, 10, 15, u32::try_from(number % 60).expect("below 60"));
        let mode = if matches!(*kind, "OPENING" | "INSTALLMENT" | "CLOSING") {
            "FT"
        } else {
            "OTHERS"
        };
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", id("D", *day, number))
            .with_attribute("amount", amount.to_string())
            .with_attribute("narration", narration.clone())
            .with_attribute("type", *kind)
            .with_attribute("mode", mode)
            .with_attribute("balance", balance.to_string())
            .with_attribute("transactionDateTime", at.to_ist_string())
            .with_attribute("valueDate", day.to_string())
            .with_attribute("reference", format!("{}{number:03}", ask.number));
        Entry {
            at,
            amount: *amount,
            direction: *direction,
            element,
        }
    });
    let transactions = Transactions::Flat(entries.collect());
    Told {
        holder: Vec::new(),
        profile: Vec::new(),
        summary: Some(summary),
        transactions,
    }
}
