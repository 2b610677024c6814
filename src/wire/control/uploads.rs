//! Statements that were supplied for a customer, in the control API.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::account::Account;
use crate::domain::statement::Ledger;

/// A statement that was supplied.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatementUploadView {
    /// The persona that was made of the customer's, with this statement; it is assigned to the customer.
    persona: String,
    acc_ref_number: String,
    transactions: usize,
    /// The time of the first transaction.
    from: String,
    /// The time of the last transaction.
    to: String,
    opening_balance: String,
    closing_balance: String,
    /// Notes: a field that is not kept, or a value that is worth a look; each with its line.
    pub notes: Vec<String>,
}

impl StatementUploadView {
    pub(crate) fn new(persona: &str, account: &Account, ledger: &Ledger) -> Self {
        let rows = &ledger.transactions;
        let last = rows.rows.last();
        Self {
            persona: persona.to_owned(),
            acc_ref_number: account.account_ref.to_string(),
            transactions: rows.rows.len(),
            from: rows.range.from.to_string(),
            to: rows.range.to.to_string(),
            opening_balance: ledger.opening_balance.to_string(),
            closing_balance: last
                .map_or(ledger.opening_balance, |row| row.balance)
                .to_string(),
            notes: ledger.notes.iter().map(ToString::to_string).collect(),
        }
    }
}
