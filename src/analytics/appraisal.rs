//! The credit appraisal of a report: income with its evidence, obligations, what is left for another
//! instalment, the score with its reasons.
//!
//! `Assumption:` the Unaport page names "CAM sheets" (credit appraisal memo) and no content. These are
//! the lines that lenders' memos have in common.

use std::collections::BTreeMap;

use super::book::{Entry, TransactionBook, format_month, median, sum_amounts};
use super::capacity::{Capacity, INSTALMENT_SHARE};
use super::flows::{FlowScope, month_total};
use super::groups::group_by_counterparty;
use super::irregularities::Incidences;
use super::loans::LoanPayments;
use super::months::mean;
use super::score::{Score, is_bounce};
use crate::domain::appraisal::{
    Appraisal, AppraisalFact, AppraisalFigures, ReportPart, ReportValue,
};
use crate::domain::money::{Paise, group_count};
use crate::domain::statement::Holder;
use crate::domain::terms::TransactionType::{Credit, Debit};

/// The largest number of counterparties that the printed report lists in each direction.
const PARTIES_MAX: usize = 15;

/// The largest number of sources of income that the printed report lists.
const SOURCES_MAX: usize = 10;

/// Builds the appraisal of a book from the capacity of its customer, the checks of its report and its
/// score.
pub(super) fn build_appraisal(
    book: &TransactionBook<'_>,
    capacity: &Capacity<'_>,
    incidences: &[Incidences],
    score: &Score,
) -> Appraisal {
    let figures = AppraisalFigures {
        average_balance: Paise(book.average_balance(book.months.len())),
        income: Paise(capacity.income),
        obligation: Paise(capacity.obligation),
        eligible_instalment: Paise(capacity.eligible_instalment()),
        score: score.value,
    };
    Appraisal {
        figures,
        sentence: format!(
            "The verified income is {} a month, {} of it are due for loans, and the score is {} of 900.",
            format_amount(capacity.income),
            format_amount(capacity.obligation),
            score.value
        ),
        facts: list_facts(book, capacity, score, &figures),
        parts: vec![
            describe_income(capacity),
            describe_obligations(book, capacity),
            describe_cash_flow(book),
            describe_counterparties(book),
            describe_findings(incidences, score),
        ],
    }
}

fn describe_evidence(book: &TransactionBook<'_>, capacity: &Capacity<'_>) -> String {
    let days = usize::try_from(book.day_count()).expect("days are few");
    let days = count_of(days, ("day", "days"), usize::MAX);
    let nouns = if capacity.is_pay {
        (
            "payment of salary or pension",
            "payments of salary or pension",
        )
    } else {
        ("receipt other than pay", "receipts other than pay")
    };
    let receipts = count_of(capacity.evidence.len(), nouns, usize::MAX);
    let amounts = capacity.evidence.iter().map(|entry| entry.amount).collect();
    format!(
        "{receipts} in {days}, median {}; mean of the months{}",
        format_amount(median(amounts)),
        describe_unverified(capacity)
    )
}

/// Describes the credits that are no income because of signs of fraud; empty without any.
fn describe_unverified(capacity: &Capacity<'_>) -> String {
    let unverified = &capacity.unverified;
    if unverified.is_empty() {
        return String::new();
    }
    format!(
        "; without {} of {}, for signs of fraud",
        count_of(unverified.len(), ("receipt", "receipts"), usize::MAX),
        format_amount(sum_amounts(unverified.iter().copied()))
    )
}

/// Formats rupees with Indian grouping.
fn format_amount(paise: i64) -> String {
    format!("Rs {}", Paise(paise).group_rupees())
}

fn list_facts(
    book: &TransactionBook<'_>,
    capacity: &Capacity<'_>,
    score: &Score,
    figures: &AppraisalFigures,
) -> Vec<AppraisalFact> {
    let holders = book.list_holders();
    let mut facts = Vec::new();
    let mut add = |item, value: String, evidence: String| {
        facts.push(AppraisalFact {
            item,
            value,
            evidence,
        });
    };
    add(
        "Applicant",
        join(&holders, " and ", |holder| holder.name.clone()),
        join(&holders, "; ", |holder| {
            format!("PAN {}, mobile {}", holder.pan, holder.mobile)
        }),
    );
    for account in &book.accounts {
        add(
            "Bank account",
            format!(
                "{}, {}",
                account.bank_name(),
                account.statement.account.masked_number
            ),
            account.full_type_name().to_owned(),
        );
    }
    let (first, last) = (&book.entries[0], &book.entries[book.entries.len() - 1]);
    add(
        "Period",
        format!("{} to {}", first.date, last.date),
        format!("{} transactions", group_count(book.entries.len())),
    );
    add(
        "Average balance",
        format_amount(figures.average_balance.0),
        "mean of the closing balances of all days".to_owned(),
    );
    add(
        "Verified income a month",
        format_amount(capacity.income),
        describe_evidence(book, capacity),
    );
    let (income, obligation) = (capacity.income, capacity.obligation);
    let lenders: Vec<String> = capacity.due_loans().map(LoanPayments::label).collect();
    add(
        "Obligations a month",
        format_amount(obligation),
        match &*lenders {
            [] => "no instalment is due".to_owned(),
            lenders => format!(
                "{}: {}",
                count_of(lenders.len(), ("loan", "loans"), usize::MAX),
                lenders.join(", ")
            ),
        },
    );
    add(
        "FOIR",
        if income > 0 {
            let ratio = obligation * 1000 / income;
            format!("{}.{} %", ratio / 10, ratio % 10)
        } else {
            "not defined".to_owned()
        },
        "obligations / verified income (fixed obligations to income ratio)".to_owned(),
    );
    let bounces = book.debits().filter(|entry| is_bounce(entry)).count();
    add(
        "Returned payments",
        bounces.to_string(),
        "charges of the bank for mandates and cheques".to_owned(),
    );
    add(
        "Score",
        score.value.to_string(),
        match &*score.reasons {
            [] => "nothing lowers it; 300 to 900".to_owned(),
            reasons => {
                let texts = reasons
                    .iter()
                    .map(|reason| format!("-{}: {}", reason.points, reason.text));
                texts.collect::<Vec<_>>().join("; ")
            }
        },
    );
    add(
        "Eligible instalment a month",
        format_amount(figures.eligible_instalment.0),
        format!("{INSTALMENT_SHARE} % of the verified income, less the obligations; not below 0"),
    );
    facts
}

fn join(holders: &[&Holder], separator: &str, describe: impl Fn(&Holder) -> String) -> String {
    let texts: Vec<String> = holders.iter().map(|holder| describe(holder)).collect();
    texts.join(separator)
}

fn text(value: impl Into<String>) -> ReportValue {
    ReportValue::Text(value.into())
}

fn money(paise: i64) -> ReportValue {
    ReportValue::Money(Paise(paise))
}

fn describe_income(capacity: &Capacity<'_>) -> ReportPart {
    let sources = group_by_counterparty(&capacity.evidence);
    let rows = sources.iter().take(SOURCES_MAX).map(|(party, group)| {
        vec![
            text(*party),
            ReportValue::Count(group.len()),
            money(median(group.iter().map(|entry| entry.amount).collect())),
            money(sum_amounts(group.iter().copied())),
            text(group[0].date.to_string()),
            text(group[group.len() - 1].date.to_string()),
        ]
    });
    let kind = if capacity.is_pay {
        "salaries and pensions"
    } else {
        "receipts other than pay"
    };
    ReportPart {
        title: "Income",
        sentence: format!(
            "The {kind} come to {} a month, from {}{}.",
            format_amount(capacity.income),
            count_of(sources.len(), ("source", "sources"), SOURCES_MAX),
            describe_unverified(capacity)
        ),
        columns: vec!["source", "payments", "median", "sum", "first", "last"],
        rows: rows.collect(),
        bars: None,
    }
}

/// Counts things, and says how many of them are listed if not all are.
fn count_of(count: usize, (one, many): (&str, &str), listed_max: usize) -> String {
    let noun = if count == 1 { one } else { many };
    let text = format!("{} {noun}", group_count(count));
    if count > listed_max {
        format!("{text}, of which the {listed_max} largest are listed")
    } else {
        text
    }
}

fn describe_obligations(book: &TransactionBook<'_>, capacity: &Capacity<'_>) -> ReportPart {
    let rows = capacity.loans.iter().map(|loan| {
        let last = loan.last_paid();
        let bounces = book.debits().filter(|entry| {
            is_bounce(entry) && entry.bounced_payee.as_deref() == Some(loan.lender)
        });
        vec![
            text(loan.label()),
            money(loan.obligation()),
            ReportValue::Count(loan.paid.len()),
            money(sum_amounts(loan.paid.iter().copied())),
            text(last.date.to_string()),
            ReportValue::Count(bounces.count()),
        ]
    });
    ReportPart {
        title: "Obligations",
        sentence: match capacity.due_loans().count() {
            0 => format!(
                "No instalment is due; {} a month are left for one.",
                format_amount(capacity.eligible_instalment())
            ),
            loans => format!(
                "{} a month are due for {}; {} a month are left for another instalment.",
                format_amount(capacity.obligation),
                count_of(loans, ("loan", "loans"), usize::MAX),
                format_amount(capacity.eligible_instalment())
            ),
        },
        columns: vec![
            "lender",
            "due a month",
            "paid",
            "sum",
            "last paid",
            "returned by lender",
        ],
        rows: rows.collect(),
        bars: None,
    }
}

fn describe_cash_flow(book: &TransactionBook<'_>) -> ReportPart {
    let rows: Vec<Vec<ReportValue>> = book
        .months
        .iter()
        .map(|month| {
            let inflow = month_total(book, *month, Credit, FlowScope::All);
            let outflow = month_total(book, *month, Debit, FlowScope::All);
            let days = book.closing_balances(*month);
            vec![
                text(format_month(*month)),
                money(inflow),
                money(outflow),
                money(inflow - outflow),
                money(mean(days)),
                money(days.iter().copied().min().unwrap_or(0)),
            ]
        })
        .collect();
    ReportPart {
        title: "Cash flow",
        sentence: format!(
            "{} came in and {} went out in {} months.",
            format_amount(book.total(Credit)),
            format_amount(book.total(Debit)),
            book.months.len()
        ),
        columns: vec![
            "month",
            "inflow",
            "outflow",
            "net",
            "average balance",
            "lowest balance",
        ],
        rows,
        bars: Some((1, 2)),
    }
}

fn describe_counterparties(book: &TransactionBook<'_>) -> ReportPart {
    let mut rows = Vec::new();
    let mut counts = Vec::new();
    for (direction, name) in [(Credit, "from"), (Debit, "to")] {
        let entries: Vec<&Entry> = book.entries_by_direction(direction).collect();
        let parties = group_by_counterparty(&entries);
        counts.push(parties.len());
        rows.extend(parties.iter().take(PARTIES_MAX).map(|(party, group)| {
            vec![
                text(name),
                text(*party),
                ReportValue::Count(group.len()),
                money(sum_amounts(group.iter().copied())),
                text(name_main_category(group)),
            ]
        }));
    }
    ReportPart {
        title: "Counterparties",
        sentence: format!(
            "Money came from {}, and went to {}.",
            count_of(counts[0], ("counterparty", "counterparties"), PARTIES_MAX),
            count_of(counts[1], ("counterparty", "counterparties"), PARTIES_MAX),
        ),
        columns: vec!["", "counterparty", "payments", "sum", "category"],
        rows,
        bars: None,
    }
}

/// Returns the category, with its subcategory, that most of the money is of; the first one in order of the
/// names, if several are.
fn name_main_category(group: &[&Entry]) -> String {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for entry in group {
        *sums.entry(entry.category_path()).or_default() += entry.amount;
    }
    let largest = sums.into_iter().rev().max_by_key(|(_, sum)| *sum);
    largest.map(|(category, _)| category).unwrap_or_default()
}

fn describe_findings(incidences: &[Incidences], score: &Score) -> ReportPart {
    let reasons = score.reasons.iter().map(|reason| {
        let points = format!("-{}", reason.points);
        vec![text(reason.text.clone()), text(points), text("")]
    });
    let mut rows: Vec<_> = reasons.collect();
    let lowered_by = match rows.len() {
        0 => "nothing lowers".to_owned(),
        count => count_of(count, ("reason lowers", "reasons lower"), usize::MAX),
    };
    let reason_count = rows.len();
    let checks = incidences.iter().filter(|check| check.count > 0);
    rows.extend(checks.map(|check| {
        let count = ReportValue::Count(check.count);
        vec![text(check.activity.clone()), text(""), count]
    }));
    ReportPart {
        title: "Findings",
        sentence: format!(
            "The score is {} of 900; {lowered_by} it, and {} found something.",
            score.value,
            count_of(rows.len() - reason_count, ("check", "checks"), usize::MAX)
        ),
        columns: vec!["finding", "points", "found"],
        rows,
        bars: None,
    }
}
