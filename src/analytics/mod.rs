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
mod irregularities;
mod loans;
mod months;
mod overview;
mod upi;

use serde_json::{Map, Value, json};

pub use self::book::TransactionBook;

use crate::domain::statement::Statement;

/// The analytics of one account, or of several taken together; `None` where none of them is a bank account with
/// transactions.
pub fn build_report(accounts: &[(u32, &Statement)]) -> Option<Value> {
    let book = TransactionBook::from_statements(accounts)?;
    let mut report = Map::new();
    let mut insert_section = |name: &str, value: Value| report.insert(name.to_owned(), value);
    insert_section("emi", json!({ "emi": loans::build_emis(&book) }));
    insert_section("summary", months::build_summary(&book));
    insert_section(
        "cashflowAnalysis",
        json!({ "cashflowAnalysis": flows::build_cashflow_analysis(&book) }),
    );
    insert_section(
        "irregularities",
        irregularities::build_irregularities(&book),
    );
    insert_section(
        "bouncedCheque",
        irregularities::build_bounced_cheques(&book),
    );
    insert_section(
        "recurringDeposits",
        json!({ "recurringDeposits": groups::build_recurring(&book, true) }),
    );
    insert_section(
        "recurringPayments",
        json!({ "recurringPayments": groups::build_recurring(&book, false) }),
    );
    insert_section("loans", json!({ "loans": loans::build_loans(&book) }));
    insert_section("salary", json!({ "salary": groups::build_salaries(&book) }));
    // Assumption: nothing was recorded of an overdraft's use; the list stays empty.
    insert_section("utilization", json!({ "utilization": [] }));
    insert_section(
        "returnsAndCharges",
        irregularities::build_returns_and_charges(&book),
    );
    insert_section(
        "loanAnalysis",
        json!({ "loanAnalysis": loans::build_loan_analysis(&book) }),
    );
    insert_section(
        "monthlyCounterparty",
        groups::build_monthly_counterparties(&book),
    );
    insert_section(
        "circularTransactions",
        irregularities::build_circular_transactions(&book),
    );
    insert_section("customAnalysis", overview::build_custom_analysis(&book));
    insert_section("cashflow", flows::build_cashflow(&book));
    insert_section("bizCashFlow", flows::build_business_cashflow(&book));
    insert_section("dailyBalance", months::build_daily_balance(&book));
    insert_section("UPIAnalysis", upi::build_upi_analysis(&book));
    insert_section("categories", groups::build_categories(&book));
    insert_section("counterparties", groups::build_counterparties(&book));
    // It counts what stands in the others.
    let overview = overview::build_overview(&book, &report);
    report.insert("overview".to_owned(), overview);
    Some(report.into())
}
