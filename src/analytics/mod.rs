//! Analytics of bank accounts: the report that an underwriting engine computes from the
//! transactions of a session. Pure: statements in, JSON out; `http` stores and serves the report.
//!
//! ```text
//! statement → book (each transaction classified) → sections → one object
//! ```
//!
//! The object has the 22 sections of the body that was recorded from the Unaport service
//! (`docs/sources.md#unaport-analytics`), with its names and types: some amounts are strings,
//! others are numbers, as in the recording.
//!
//! `Assumption:` how the service computes is not documented. The function of each section
//! documents the rule that is used here.

mod appraisal;
mod book;
mod capacity;
mod classify;
mod flows;
mod groups;
mod irregularities;
mod loans;
mod months;
mod overview;
mod report;
mod score;
mod upi;

use serde_json::{Map, Value, json};

pub(crate) use self::book::TransactionBook;
pub(crate) use self::report::Report;

use self::capacity::Capacity;
use crate::domain::statement::Statement;
use crate::domain::terms::TransactionType;

/// Returns the analytics of one account, or of several accounts taken together, each given with
/// its analytics id; `None` if none of them is a bank account with transactions.
pub fn build_report(accounts: &[(u32, &Statement)]) -> Option<Report> {
    let book = TransactionBook::from_statements(accounts)?;
    let pairs = irregularities::find_circular_pairs(&book);
    let sections = [
        ("emi", json!({ "emi": loans::build_emis(&book) })),
        ("summary", months::build_summary(&book)),
        (
            "cashflowAnalysis",
            json!({ "cashflowAnalysis": flows::build_cashflow_analysis(&book) }),
        ),
        (
            "irregularities",
            irregularities::build_irregularities(&book),
        ),
        (
            "bouncedCheque",
            irregularities::build_bounced_cheques(&book),
        ),
        (
            "recurringDeposits",
            json!({ "recurringDeposits": groups::build_recurring(&book, TransactionType::Credit) }),
        ),
        (
            "recurringPayments",
            json!({ "recurringPayments": groups::build_recurring(&book, TransactionType::Debit) }),
        ),
        ("loans", json!({ "loans": loans::build_loans(&book) })),
        ("salary", json!({ "salary": groups::build_salaries(&book) })),
        (
            "utilization",
            json!({ "utilization": months::build_utilization(&book) }),
        ),
        (
            "returnsAndCharges",
            irregularities::build_returns_and_charges(&book),
        ),
        (
            "loanAnalysis",
            json!({ "loanAnalysis": loans::build_loan_analysis(&book) }),
        ),
        (
            "monthlyCounterparty",
            groups::build_monthly_counterparties(&book),
        ),
        (
            "circularTransactions",
            irregularities::build_circular_transactions(&book, &pairs),
        ),
        ("customAnalysis", overview::build_custom_analysis(&book)),
        ("cashflow", flows::build_cashflow(&book)),
        ("bizCashFlow", flows::build_business_cashflow(&book)),
        ("dailyBalance", months::build_daily_balance(&book)),
        ("UPIAnalysis", upi::build_upi_analysis(&book)),
        ("categories", groups::build_categories(&book)),
        ("counterparties", groups::build_counterparties(&book)),
    ];
    let mut sections: Map<String, Value> = sections
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    // The overview counts rows of the other sections, so it comes last.
    let capacity = Capacity::of_book(&book);
    let score = score::compute_score(&book, &capacity, &pairs);
    let overview = overview::build_overview(&book, &sections, &score);
    sections.insert("overview".to_owned(), overview);
    let appraisal =
        appraisal::build_appraisal(&book, &capacity, &sections["irregularities"], &score);
    Some(Report::new(book.entries, sections, appraisal))
}
