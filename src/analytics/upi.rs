//! Transactions by UPI: totals, counterparties, apps, modes and categories of each direction.

use serde_json::Value;

use super::book::{
    Entry, TransactionBook, build_object, format_percent, format_rupees, rounded_average,
    sum_amounts,
};
use super::classify::is_merchant_payment;
use super::groups::{Detail, build_category_rows, group_by_counterparty};
use super::listing::{list_entries, list_ids};
use crate::domain::statement::TransactionMode;
use crate::domain::terms::TransactionType;

/// The number of counterparties that are listed by name.
const TOP_COUNTERPARTIES: usize = 5;

/// Builds section `UPIAnalysis`.
pub(crate) fn build_upi_analysis(book: &TransactionBook<'_>) -> Value {
    let inflow = UpiSide::from_book(book, TransactionType::Credit);
    let outflow = UpiSide::from_book(book, TransactionType::Debit);
    let summary: Vec<Value> = [&inflow, &outflow]
        .into_iter()
        .filter_map(|side| side.build_summary(book))
        .collect();
    build_object([
        ("summary", summary.into()),
        (
            "inflowCounterpartyDistribution",
            inflow.build_counterparty_distribution().into(),
        ),
        (
            "outflowCounterpartyDistribution",
            outflow.build_counterparty_distribution().into(),
        ),
        (
            "inflowAppDistribution",
            inflow.build_app_distribution().into(),
        ),
        (
            "outflowAppDistribution",
            outflow.build_app_distribution().into(),
        ),
        (
            "inflowModeDistribution",
            inflow.build_mode_distribution().into(),
        ),
        (
            "outflowModeDistribution",
            outflow.build_mode_distribution().into(),
        ),
        ("inflow", inflow.build_category_distribution("inflows")),
        ("outflow", outflow.build_category_distribution("outflows")),
    ])
}

/// The UPI transactions of one direction.
struct UpiSide<'e> {
    direction: TransactionType,
    entries: Vec<&'e Entry>,
}

impl<'e> UpiSide<'e> {
    fn from_book(book: &'e TransactionBook<'_>, direction: TransactionType) -> Self {
        Self {
            direction,
            entries: book
                .entries_by_direction(direction)
                .filter(|entry| entry.mode == TransactionMode::Upi)
                .collect(),
        }
    }

    fn direction_name(&self) -> &'static str {
        match self.direction {
            TransactionType::Credit => "INFLOW",
            TransactionType::Debit => "OUTFLOW",
        }
    }

    /// Builds the row of the direction; `None` if it has no UPI transaction. Percentages are of all
    /// transactions of the direction, whatever their mode.
    fn build_summary(&self, book: &TransactionBook<'_>) -> Option<Value> {
        let (first, last) = (self.entries.first()?, self.entries.last()?);
        let all: Vec<&Entry> = book.entries_by_direction(self.direction).collect();
        let mut summary = self.build_part(&self.entries, &all);
        let amount = sum_amounts(self.entries.iter().copied());
        summary["avgAmount"] = format_rupees(rounded_average(amount, self.entries.len())).into();
        summary["startDate"] = first.date.to_string().into();
        summary["endDate"] = last.date.to_string().into();
        Some(summary)
    }

    fn build_part(&self, group: &[&Entry], total: &[&Entry]) -> Value {
        let amount = sum_amounts(group.iter().copied());
        let total_amount = sum_amounts(total.iter().copied());
        let amount_share = format_percent(amount, total_amount);
        let count_share = format_percent(count_entries(group), count_entries(total));
        build_object([
            ("amount", format_rupees(amount).into()),
            ("txnType", self.direction_name().into()),
            ("amountPt", format!("{amount_share}%").into()),
            ("transactionCount", group.len().to_string().into()),
            ("transactions", list_entries(group.iter().copied())),
            ("transactionPercentage", format!("{count_share}%").into()),
            ("txnIds", list_ids(group.iter().copied())),
        ])
    }

    fn build_named_parts(&self, key: &str, parts: Vec<(String, Vec<&Entry>)>) -> Vec<Value> {
        parts
            .into_iter()
            .map(|(name, group)| {
                let mut row = self.build_part(&group, &self.entries);
                row[key] = name.into();
                row
            })
            .collect()
    }

    /// Builds the rows of the largest counterparties, and of their total.
    fn build_counterparty_distribution(&self) -> Vec<Value> {
        let mut parts: Vec<_> = group_by_counterparty(&self.entries)
            .into_iter()
            .take(TOP_COUNTERPARTIES)
            .map(|(party, group)| (party.to_owned(), group))
            .collect();
        let total = parts
            .iter()
            .flat_map(|(_, group)| group.iter().copied())
            .collect();
        parts.push(("Total".to_owned(), total));
        self.build_named_parts("counterparty", parts)
    }

    fn build_app_distribution(&self) -> Vec<Value> {
        let mut apps: Vec<&str> = self.entries.iter().map(|entry| entry.upi_app).collect();
        apps.sort_unstable();
        apps.dedup();
        let mut parts = Vec::new();
        for app in apps {
            let name = if app.is_empty() { "Unknown" } else { app };
            let group = self
                .entries
                .iter()
                .copied()
                .filter(|entry| entry.upi_app == app)
                .collect();
            parts.push((name.to_owned(), group));
        }
        parts.push(("Total".to_owned(), self.entries.clone()));
        self.build_named_parts("upiApp", parts)
    }

    fn build_mode_distribution(&self) -> Vec<Value> {
        let (merchants, people): (Vec<&Entry>, Vec<&Entry>) = self
            .entries
            .iter()
            .partition(|entry| is_merchant_payment(&entry.narration.to_uppercase()));
        let parts = [
            ("P2P", people),
            ("P2M", merchants),
            ("Total", self.entries.clone()),
        ];
        self.build_named_parts(
            "paymentType",
            parts
                .into_iter()
                .map(|(name, group)| (name.to_owned(), group))
                .collect(),
        )
    }

    /// Builds the one row of a direction, with its categories.
    fn build_category_distribution(&self, kind: &str) -> Value {
        let total = sum_amounts(self.entries.iter().copied());
        let categories = build_category_rows(&self.entries, total, Detail::Transactions);
        let row = build_object([("type", kind.into()), ("data", categories.into())]);
        vec![row].into()
    }
}

fn count_entries(entries: &[&Entry]) -> i64 {
    i64::try_from(entries.len()).expect("transactions are few")
}
