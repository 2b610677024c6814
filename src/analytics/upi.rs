//! What moves by UPI.

use serde_json::{Value, json};

use super::book::{Book, Entry, average, ids, percent, sum, text, views};
use super::classify::is_shop;
use super::groups::{by_category, by_party};
use crate::domain::statement::TransactionMode;

/// Counterparties told by name.
const TOP: usize = 5;

/// Section `UPIAnalysis`.
pub fn analysis(book: &Book<'_>) -> Value {
    let inflow = Side::of(book, true);
    let outflow = Side::of(book, false);
    let summary: Vec<Value> = [&inflow, &outflow]
        .into_iter()
        .filter_map(|side| side.summary(book))
        .collect();
    json!({
        "summary": summary,
        "inflowCounterpartyDistribution": inflow.by_counterparty(),
        "outflowCounterpartyDistribution": outflow.by_counterparty(),
        "inflowAppDistribution": inflow.by_app(),
        "outflowAppDistribution": outflow.by_app(),
        "inflowModeDistribution": inflow.by_mode(),
        "outflowModeDistribution": outflow.by_mode(),
        "inflow": [{ "type": "inflows", "data": inflow.by_category() }],
        "outflow": [{ "type": "outflows", "data": outflow.by_category() }],
    })
}

struct Side<'e> {
    comes: bool,
    entries: Vec<&'e Entry>,
}

impl<'e> Side<'e> {
    fn of(book: &'e Book<'_>, comes: bool) -> Self {
        let entries = book
            .side(comes)
            .filter(|entry| entry.mode == TransactionMode::Upi);
        Self {
            comes,
            entries: entries.collect(),
        }
    }

    fn kind(&self) -> &'static str {
        if self.comes { "INFLOW" } else { "OUTFLOW" }
    }

    /// Shares are of all that comes, or leaves, by whatever way.
    fn summary(&self, book: &Book<'_>) -> Option<Value> {
        let (first, last) = (self.entries.first()?, self.entries.last()?);
        let all: Vec<&Entry> = book.side(self.comes).collect();
        let mut told = self.part(&self.entries, &all);
        let amount = sum(self.entries.iter().copied());
        told["avgAmount"] = text(average(amount, self.entries.len())).into();
        told["startDate"] = first.date.to_string().into();
        told["endDate"] = last.date.to_string().into();
        Some(told)
    }

    fn part(&self, of: &[&Entry], whole: &[&Entry]) -> Value {
        let count =
            |entries: &[&Entry]| i64::try_from(entries.len()).expect("transactions are few");
        let amount = sum(of.iter().copied());
        json!({
            "amount": text(amount),
            "txnType": self.kind(),
            "amountPt": format!("{}%", percent(amount, sum(whole.iter().copied()))),
            "transactionCount": of.len().to_string(),
            "transactions": views(of.iter().copied()),
            "transactionPercentage": format!("{}%", percent(count(of), count(whole))),
            "txnIds": ids(of.iter().copied()),
        })
    }

    fn named(&self, key: &str, parts: Vec<(String, Vec<&Entry>)>) -> Vec<Value> {
        let told = parts.into_iter().map(|(name, of)| {
            let mut told = self.part(&of, &self.entries);
            told[key] = name.into();
            told
        });
        told.collect()
    }

    /// The largest, and their total.
    fn by_counterparty(&self) -> Vec<Value> {
        let groups = by_party(&self.entries).into_iter().take(TOP);
        let mut parts: Vec<_> = groups.map(|(party, of)| (party.to_owned(), of)).collect();
        let together = parts
            .iter()
            .flat_map(|(_, of)| of.iter().copied())
            .collect();
        parts.push(("Total".to_owned(), together));
        self.named("counterparty", parts)
    }

    fn by_app(&self) -> Vec<Value> {
        let mut apps: Vec<&str> = self.entries.iter().map(|entry| entry.upi_app()).collect();
        apps.sort_unstable();
        apps.dedup();
        let part = |app: &str| -> Vec<&Entry> {
            self.entries
                .iter()
                .copied()
                .filter(|entry| entry.upi_app() == app)
                .collect()
        };
        let name = |app: &str| {
            if app.is_empty() {
                "Unknown".to_owned()
            } else {
                app.to_owned()
            }
        };
        let mut parts: Vec<_> = apps.into_iter().map(|app| (name(app), part(app))).collect();
        parts.push(("Total".to_owned(), self.entries.clone()));
        self.named("upiApp", parts)
    }

    fn by_mode(&self) -> Vec<Value> {
        let (shops, people): (Vec<&Entry>, Vec<&Entry>) = self
            .entries
            .iter()
            .partition(|entry| is_shop(&entry.narration.to_uppercase()));
        let parts = [
            ("P2P", people),
            ("P2M", shops),
            ("Total", self.entries.clone()),
        ];
        self.named(
            "paymentType",
            parts
                .into_iter()
                .map(|(name, of)| (name.to_owned(), of))
                .collect(),
        )
    }

    fn by_category(&self) -> Vec<Value> {
        by_category(&self.entries, sum(self.entries.iter().copied()), true)
    }
}
