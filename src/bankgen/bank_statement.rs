//! The statement of a bank account: a range of its ledger, and how it stands.

use crate::bankgen::StatementRequest;
use crate::bankgen::behavior::AccountBehavior;
use crate::bankgen::ledger::{LAST_MONTH, LedgerGenerator, RowSink};
use crate::bankgen::people::Branch;
use crate::domain::calendar::Month;
use crate::domain::money::Paise;
use crate::domain::statement::{BankStatement, Ledger, NewRow, Summary, Transactions};
use crate::domain::time::Timestamp;

/// Where the rows of an account come from.
pub enum LedgerSource<'a> {
    /// From its habits.
    Generated(AccountBehavior<'a>),
    /// They are taken as they are.
    Fixed { ledger: &'a Ledger, branch: Branch },
}

impl LedgerSource<'_> {
    /// The parts of the statement that are asked for.
    pub fn build_body(
        &self,
        request: &StatementRequest<'_>,
        include_summary: bool,
        include_transactions: bool,
        limit: Paise,
        is_active: bool,
    ) -> BankStatement {
        let now = request.now;
        let mut balance = None;
        let transactions = include_transactions.then(|| {
            let mut rows = Transactions::new(request.range);
            balance = self.write_rows(request, &mut |row| rows.push(row));
            rows
        });
        let summary = include_summary.then(|| Summary {
            balance: balance.unwrap_or_else(|| self.balance_at(now)),
            balance_at: now,
            branch: self.branch().city.to_owned(),
            ifsc: self.branch().ifsc(),
            micr: self.branch().micr(),
            opened_on: match self {
                Self::Generated(behavior) => behavior.opened_on,
                Self::Fixed { ledger, .. } => ledger
                    .transactions
                    .rows
                    .first()
                    .map_or(request.range.from, |row| row.at)
                    .ist_date(),
            },
            overdraft_limit: limit,
            active: is_active,
        });
        BankStatement {
            summary,
            transactions,
        }
    }

    fn branch(&self) -> Branch {
        match self {
            Self::Generated(behavior) => behavior.branch,
            Self::Fixed { branch, .. } => *branch,
        }
    }

    /// Tells the rows of the request's range, cut at its now, filtered; the balance at its now, if it has come by it.
    pub fn write_rows(&self, request: &StatementRequest<'_>, sink: RowSink<'_>) -> Option<Paise> {
        let StatementRequest {
            range,
            filters,
            now,
            ..
        } = *request;
        let end = range.to.min(now);
        let is_selected = |row: &NewRow<'_>| {
            let is_in_range = range.from <= row.at && row.at <= end;
            is_in_range
                && filters
                    .iter()
                    .all(|filter| filter.matches_transaction(row.amount, row.transaction_type))
        };
        match self {
            Self::Fixed { ledger, .. } => {
                for row in ledger.transactions.iter().filter(is_selected) {
                    sink(row);
                }
                None
            }
            Self::Generated(behavior) => {
                let last = Month::from_date(end.ist_date()).min(LAST_MONTH);
                let first = Month::from_date(range.from.ist_date()).max(behavior.first_month());
                if range.from > end || first > last {
                    return None;
                }
                let mut generator = LedgerGenerator::starting_at(behavior, first);
                let mut balance = generator.balance();
                while generator.next_month() <= last {
                    generator.generate_month(&mut |row| {
                        if row.at <= now {
                            balance = row.balance;
                        }
                        if is_selected(&row) {
                            sink(row);
                        }
                    });
                }
                (last == Month::from_date(now.ist_date()).min(LAST_MONTH)).then_some(balance)
            }
        }
    }

    fn balance_at(&self, now: Timestamp) -> Paise {
        match self {
            Self::Fixed { ledger, .. } => {
                let last = ledger
                    .transactions
                    .rows
                    .iter()
                    .rev()
                    .find(|row| row.at <= now);
                last.map_or(ledger.opening_balance, |row| row.balance)
            }
            Self::Generated(behavior) => {
                let month = Month::from_date(now.ist_date()).min(LAST_MONTH);
                if month < behavior.first_month() {
                    return Paise(0);
                }
                let mut generator = LedgerGenerator::starting_at(behavior, month);
                let mut balance = generator.balance();
                generator.generate_month(&mut |row| {
                    if row.at <= now {
                        balance = row.balance;
                    }
                });
                balance
            }
        }
    }
}
