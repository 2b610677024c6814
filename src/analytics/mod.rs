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
mod fraud;
mod groups;
mod irregularities;
mod listing;
mod loans;
mod months;
mod overview;
mod report;
mod score;
mod upi;

use serde_json::json;

pub(crate) use self::book::TransactionBook;
pub(crate) use self::report::Report;

use self::book::build_object;
use self::capacity::Capacity;
use self::fraud::FraudSigns;
use self::report::Sections;
use crate::domain::statement::Statement;
use crate::domain::terms::TransactionType::{Credit, Debit};

/// Returns the analytics of one account, or of several accounts taken together, each given with
/// its analytics id; `None` if none of them is a bank account with transactions.
pub fn build_report(accounts: &[(u32, &Statement)]) -> Option<Report> {
    let book = TransactionBook::from_statements(accounts)?;
    let pairs = irregularities::find_circular_pairs(&book);
    let mut sections = Sections::default();
    sections.add("emi", json!({ "emi": loans::build_emis(&book) }));
    sections.add("summary", months::build_summary(&book));
    let analysis = flows::build_cashflow_analysis(&book);
    sections.add("cashflowAnalysis", json!({ "cashflowAnalysis": analysis }));
    let checks = irregularities::build_irregularities(&book);
    let incidences = irregularities::count_incidences(&checks);
    sections.add("irregularities", checks);
    sections.add(
        "bouncedCheque",
        irregularities::build_bounced_cheques(&book),
    );
    for (name, direction) in [("recurringDeposits", Credit), ("recurringPayments", Debit)] {
        let rows = groups::build_recurring(&book, direction);
        sections.add(name, build_object([(name, rows.into())]));
    }
    sections.add("loans", json!({ "loans": loans::build_loans(&book) }));
    let salaries = groups::build_salaries(&book);
    sections.add("salary", build_object([("salary", salaries.into())]));
    let utilization = months::build_utilization(&book);
    sections.add("utilization", json!({ "utilization": utilization }));
    let returns_and_charges = irregularities::build_returns_and_charges(&book);
    sections.add("returnsAndCharges", returns_and_charges);
    let loan_analysis = loans::build_loan_analysis(&book);
    sections.add("loanAnalysis", json!({ "loanAnalysis": loan_analysis }));
    sections.add_limited("monthlyCounterparty", |parties| {
        groups::build_monthly_counterparties(&book, parties)
    });
    let circular = irregularities::build_circular_transactions(&book, &pairs);
    sections.add("circularTransactions", circular);
    sections.add("customAnalysis", overview::build_custom_analysis(&book));
    sections.add("cashflow", flows::build_cashflow(&book));
    sections.add("bizCashFlow", flows::build_business_cashflow(&book));
    sections.add("dailyBalance", months::build_daily_balance(&book));
    sections.add("UPIAnalysis", upi::build_upi_analysis(&book));
    sections.add("categories", groups::build_categories(&book));
    sections.add_limited("counterparties", |parties| {
        groups::build_counterparties(&book, parties)
    });
    // The overview counts rows of the other sections, so it comes last.
    let fraud = FraudSigns::of_book(&book);
    let capacity = Capacity::of_book(&book, &fraud);
    let score = score::compute_score(&book, &capacity, &fraud);
    let overview = overview::build_overview(&book, &sections, &incidences, &score);
    sections.add("overview", overview);
    let appraisal = appraisal::build_appraisal(&book, &capacity, &incidences, &score);
    Some(Report::new(book.entries, sections, appraisal))
}
