//! The statement of a bank account: a range of its ledger, and how it stands.

use crate::bankgen::StatementRequest;
use crate::bankgen::habits::Habits;
use crate::bankgen::ledger::{LAST_MONTH, Sink, Teller};
use crate::bankgen::people::Branch;
use crate::domain::calendar::Month;
use crate::domain::money::Paise;
use crate::domain::statement::{BankStatement, Ledger, NewRow, Summary, Transactions};
use crate::domain::time::Timestamp;

/// Where the rows of an account come from.
pub enum Book<'a> {
    /// From its habits.
    Habits(Habits<'a>),
    /// They are taken as they are.
    Told { ledger: &'a Ledger, branch: Branch },
}

impl Book<'_> {
    /// The parts of the statement that are asked for.
    pub fn body(
        &self,
        request: &StatementRequest<'_>,
        summary: bool,
        transactions: bool,
        limit: Paise,
        active: bool,
    ) -> BankStatement {
        let now = request.now;
        let mut balance = None;
        let transactions = transactions.then(|| {
            let mut told = Transactions::new(request.range);
            balance = self.tell(request, &mut |row| told.push(row));
            told
        });
        let summary = summary.then(|| Summary {
            balance: balance.unwrap_or_else(|| self.balance_at(now)),
            balance_at: now,
            branch: self.branch().city.to_owned(),
            ifsc: self.branch().ifsc(),
            micr: self.branch().micr(),
            opened_on: match self {
                Self::Habits(habits) => habits.opened_on,
                Self::Told { ledger, .. } => ledger
                    .transactions
                    .rows
                    .first()
                    .map_or(request.range.from, |row| row.at)
                    .ist_date(),
            },
            overdraft_limit: limit,
            active,
        });
        BankStatement {
            summary,
            transactions,
        }
    }

    fn branch(&self) -> Branch {
        match self {
            Self::Habits(habits) => habits.branch,
            Self::Told { branch, .. } => *branch,
        }
    }

    /// Tells the rows of the request's range, cut at its now, filtered; the balance at its now, if it has come by it.
    pub fn tell(&self, request: &StatementRequest<'_>, sink: Sink<'_>) -> Option<Paise> {
        let StatementRequest {
            range,
            filters,
            now,
            ..
        } = *request;
        let end = range.to.min(now);
        let keeps = |row: &NewRow<'_>| {
            let inside = range.from <= row.at && row.at <= end;
            inside
                && filters
                    .iter()
                    .all(|filter| filter.matches_transaction(row.amount, row.transaction_type))
        };
        match self {
            Self::Told { ledger, .. } => {
                for row in ledger.transactions.iter().filter(keeps) {
                    sink(row);
                }
                None
            }
            Self::Habits(habits) => {
                let last = Month::from_date(end.ist_date()).min(LAST_MONTH);
                let first = Month::from_date(range.from.ist_date()).max(habits.first_month());
                if range.from > end || first > last {
                    return None;
                }
                let mut teller = Teller::from(habits, first);
                let mut balance = teller.balance();
                while teller.month() <= last {
                    teller.tell(&mut |row| {
                        if row.at <= now {
                            balance = row.balance;
                        }
                        if keeps(&row) {
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
            Self::Told { ledger, .. } => {
                let last = ledger
                    .transactions
                    .rows
                    .iter()
                    .rev()
                    .find(|row| row.at <= now);
                last.map_or(ledger.opening_balance, |row| row.balance)
            }
            Self::Habits(habits) => {
                let month = Month::from_date(now.ist_date()).min(LAST_MONTH);
                if month < habits.first_month() {
                    return Paise(0);
                }
                let mut teller = Teller::from(habits, month);
                let mut balance = teller.balance();
                teller.tell(&mut |row| {
                    if row.at <= now {
                        balance = row.balance;
                    }
                });
                balance
            }
        }
    }
}
