//! The rows of a ledger with the changes of a world applied. Every statement passes through here,
//! before filters and balances.

use std::iter::Peekable;
use std::vec::IntoIter;

use crate::bankgen::ledger::RowSink;
use crate::domain::ledger_changes::{LedgerChanges, TransactionContent};
use crate::domain::money::Paise;
use crate::domain::statement::NewRow;
use crate::domain::time::Timestamp;

/// Applies changes to the rows of a ledger, which are pushed in their order: withdrawn rows are left
/// out, added ones are inserted by time, and all later balances follow.
pub(crate) struct ChangedRows<'a> {
    changes: Option<&'a LedgerChanges>,
    /// Rows to insert, by time.
    inserted: Peekable<IntoIter<(u64, &'a TransactionContent)>>,
    /// Balance of the unchanged ledger after the last row.
    unchanged_balance: Paise,
    /// Effect of the changes so far on the balance.
    effect: Paise,
}

impl<'a> ChangedRows<'a> {
    /// Begins at an instant before the first row that is pushed. `balance` is that of the unchanged
    /// ledger at this instant.
    pub(crate) fn starting_at(
        changes: Option<&'a LedgerChanges>,
        from: Timestamp,
        balance: Paise,
    ) -> Self {
        let mut inserted = changes.map_or_else(Vec::new, LedgerChanges::list_inserted);
        inserted.retain(|(_, content)| content.at >= from);
        Self {
            changes,
            inserted: inserted.into_iter().peekable(),
            unchanged_balance: balance,
            effect: changes.map_or(Paise(0), |changes| changes.balance_effect(|at| at < from)),
        }
    }

    /// Writes a row of the ledger to `sink`, after those that are inserted before it.
    pub(crate) fn push(&mut self, row: NewRow<'_>, sink: RowSink<'_>) {
        self.write_inserted(|at| at < row.at, sink);
        self.unchanged_balance = row.balance;
        let replacement = self.changes.and_then(|changes| changes.replacement(row.id));
        let Some(replacement) = replacement else {
            return sink(NewRow {
                balance: row.balance + self.effect,
                ..row
            });
        };
        self.effect += -replacement.original.signed_amount();
        if let Some(content) = replacement.content_in_place() {
            self.write_content(row.id, content, sink);
        }
    }

    /// Writes the rows that are inserted after the last row.
    pub(crate) fn finish(mut self, sink: RowSink<'_>) {
        self.write_inserted(|_| true, sink);
    }

    fn write_inserted(&mut self, is_due: impl Fn(Timestamp) -> bool, sink: RowSink<'_>) {
        while let Some((id, content)) = self.inserted.next_if(|(_, content)| is_due(content.at)) {
            self.write_content(id, content, sink);
        }
    }

    fn write_content(&mut self, id: u64, content: &TransactionContent, sink: RowSink<'_>) {
        self.effect += content.signed_amount();
        sink(content.to_row(id, self.unchanged_balance + self.effect));
    }
}
