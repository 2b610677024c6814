//! Analytics of bank accounts: what an underwriter's engine says of the very transactions of a session. Pure.
//!
//! ```text
//! statement → book (each transaction classified) → sections → one object
//! ```
//!
//! The object has the 22 sections of the body that was recorded of the Unaport service (`reference/unaport.md` §4.4), with its
//! names and types: amounts are texts here and numbers there, as they are there.
//!
//! `Assumption:` how the service computes is not told. What each section is here stands with its function.

mod book;
mod classify;
mod flows;
mod groups;
mod loans;
mod months;
mod oddities;
mod overview;
mod upi;

use serde_json::{Map, Value, json};

pub use self::book::Book;

use crate::domain::statement::Statement;

/// The analytics of one account, or of several taken together; `None` where none of them is a bank account with
/// transactions.
pub fn report(accounts: &[(u32, &Statement)]) -> Option<Value> {
    let book = Book::of(accounts)?;
    let mut report = Map::new();
    let mut section = |name: &str, value: Value| report.insert(name.to_owned(), value);
    section("emi", json!({ "emi": loans::emis(&book) }));
    section("summary", months::summary(&book));
    section(
        "cashflowAnalysis",
        json!({ "cashflowAnalysis": flows::analysis(&book) }),
    );
    section("irregularities", oddities::irregularities(&book));
    section("bouncedCheque", oddities::bounced_cheques(&book));
    section(
        "recurringDeposits",
        json!({ "recurringDeposits": groups::recurring(&book, true) }),
    );
    section(
        "recurringPayments",
        json!({ "recurringPayments": groups::recurring(&book, false) }),
    );
    section("loans", json!({ "loans": loans::loans(&book) }));
    section("salary", json!({ "salary": groups::salaries(&book) }));
    // Assumption: nothing was recorded of an overdraft's use; the list stays empty.
    section("utilization", json!({ "utilization": [] }));
    section("returnsAndCharges", oddities::returns_and_charges(&book));
    section(
        "loanAnalysis",
        json!({ "loanAnalysis": loans::analysis(&book) }),
    );
    section("monthlyCounterparty", groups::monthly_counterparties(&book));
    section("circularTransactions", oddities::circular(&book));
    section("customAnalysis", overview::custom(&book));
    section("cashflow", flows::cashflow(&book));
    section("bizCashFlow", flows::business(&book));
    section("dailyBalance", months::daily_balance(&book));
    section("UPIAnalysis", upi::analysis(&book));
    section("categories", groups::categories(&book));
    section("counterparties", groups::counterparties(&book));
    // It counts what stands in the others.
    let overview = overview::overview(&book, &report);
    report.insert("overview".to_owned(), overview);
    Some(report.into())
}
