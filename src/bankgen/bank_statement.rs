//! The statement of a bank account: a range of its ledger, and its summary.

use chrono::NaiveTime;

use crate::bankgen::StatementRequest;
use crate::bankgen::behavior::AccountBehavior;
use crate::bankgen::changes::ChangedRows;
use crate::bankgen::holdings::HoldingPayment;
use crate::bankgen::ledger::{LAST_MONTH, LedgerGenerator, RowSink};
use crate::bankgen::people::Branch;
use crate::domain::calendar::Month;
use crate::domain::money::Paise;
use crate::domain::persona::AccountPlan;
use crate::domain::statement::{BankStatement, Ledger, NewRow, Summary, Transactions};
use crate::domain::terms::ConsentType;
use crate::domain::time::Timestamp;

/// The source of the rows of a bank account.
pub(crate) enum LedgerSource<'a> {
    /// They are generated from its behavior, with its payments into and from holdings.
    Generated {
        behavior: AccountBehavior<'a>,
        holding_payments: Vec<HoldingPayment>,
    },
    /// They are taken unchanged from an imported ledger.
    Fixed { ledger: &'a Ledger, branch: Branch },
}

impl LedgerSource<'_> {
    /// Builds the requested parts of the statement.
    pub(crate) fn build_body(
        &self,
        request: &StatementRequest<'_>,
        plan: &AccountPlan,
    ) -> BankStatement {
        let now = request.now;
        let changed_by = request
            .changes
            .map_or(Paise(0), |changes| changes.balance_effect(|at| at <= now));
        let mut balance = None;
        let transactions = request.includes(ConsentType::Transactions).then(|| {
            let mut rows = Transactions::new(request.range);
            balance = self.write_rows(request, &mut |row| rows.push(row));
            rows
        });
        let summary = request
            .includes(ConsentType::Summary)
            .then(|| self.build_summary(request, plan, balance));
        let summary = summary.map(|summary| Summary {
            balance: summary.balance + changed_by,
            ..summary
        });
        BankStatement {
            summary,
            transactions,
        }
    }

    /// Builds the summary of the unchanged ledger. `balance` is that at now, if it is known.
    fn build_summary(
        &self,
        request: &StatementRequest<'_>,
        plan: &AccountPlan,
        balance: Option<Paise>,
    ) -> Summary {
        let now = request.now;
        let (branch, opened_on, overdraft_limit) = match self {
            Self::Generated { behavior, .. } => (
                behavior.branch,
                behavior.opened_on,
                behavior.cash_flow_plan.overdraft_limit,
            ),
            Self::Fixed { ledger, branch } => {
                if let Some(supplied) = &ledger.summary {
                    return self.supplied_summary_at(supplied, now);
                }
                let first = ledger.transactions.rows.first();
                let opened_at = first.map_or(request.range.from, |row| row.at);
                (*branch, opened_at.ist_date(), Paise(0))
            }
        };
        Summary {
            balance: balance.unwrap_or_else(|| self.balance_at(now)),
            balance_at: now,
            branch: branch.city.to_owned(),
            ifsc: branch.ifsc(),
            micr: branch.micr(),
            opened_on: Some(opened_on),
            overdraft_limit,
            active: !plan.dormant,
        }
    }

    /// Returns a supplied summary. Before its time, the balance is that of the last row until now.
    fn supplied_summary_at(&self, supplied: &Summary, now: Timestamp) -> Summary {
        if now >= supplied.balance_at {
            return supplied.clone();
        }
        Summary {
            balance: self.balance_at(now),
            balance_at: now,
            ..supplied.clone()
        }
    }

    /// Writes the rows of the requested range up to now that pass the filters. Returns the balance
    /// of the unchanged ledger at now if the range reaches the current month.
    pub(crate) fn write_rows(
        &self,
        request: &StatementRequest<'_>,
        sink: RowSink<'_>,
    ) -> Option<Paise> {
        let StatementRequest {
            range,
            now,
            changes,
            ..
        } = *request;
        let end = range.to.min(now);
        let mut select = |row: NewRow<'_>| {
            if is_selected(request, &row) {
                sink(row);
            }
        };
        match self {
            Self::Fixed { ledger, .. } => {
                let opening = ledger.opening_balance;
                let mut rows = ChangedRows::starting_at(changes, Timestamp::MIN, opening);
                for row in ledger.transactions.iter() {
                    rows.push(row, &mut select);
                }
                rows.finish(&mut select);
                None
            }
            Self::Generated {
                behavior,
                holding_payments,
            } => {
                let last = Month::from_date(end.ist_date()).min(LAST_MONTH);
                let first = Month::from_date(range.from.ist_date()).max(behavior.first_month());
                if range.from > end || first > last {
                    return None;
                }
                let mut generator = LedgerGenerator::starting_at(behavior, holding_payments, first);
                let mut balance = generator.balance();
                let start = Timestamp::from_ist(first.clamped_date(1).and_time(NaiveTime::MIN));
                let mut rows = ChangedRows::starting_at(changes, start, balance);
                while generator.next_month() <= last {
                    generator.generate_month(&mut |row| {
                        if row.at <= now {
                            balance = row.balance;
                        }
                        rows.push(row, &mut select);
                    });
                }
                rows.finish(&mut select);
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
            Self::Generated {
                behavior,
                holding_payments,
            } => {
                let month = Month::from_date(now.ist_date()).min(LAST_MONTH);
                if month < behavior.first_month() {
                    return Paise(0);
                }
                let mut generator = LedgerGenerator::starting_at(behavior, holding_payments, month);
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

/// Returns whether a row is in the requested range, not later than now, and passes the filters.
fn is_selected(request: &StatementRequest<'_>, row: &NewRow<'_>) -> bool {
    let StatementRequest {
        range,
        filters,
        now,
        ..
    } = *request;
    range.from <= row.at
        && row.at <= range.to.min(now)
        && filters
            .iter()
            .all(|filter| filter.matches_transaction(row.amount, row.transaction_type))
}
