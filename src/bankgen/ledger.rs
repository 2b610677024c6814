//! The ledger of a bank account, generated month by month.
//!
//! A quarter is generated from its first day, with a running balance. A payment that the account
//! cannot afford is left out; a mandate bounces; for a payment into a holding, money is swept in from
//! a deposit. With a target balance, each quarter ends at a
//! sampled balance ([`AccountBehavior::sample_closing_balance`]), by a sweep to or from a deposit,
//! so that a month depends on its own quarter only. Without one, the ledger is generated from the
//! opening on.

use std::collections::{HashMap, VecDeque};

use chrono::{Datelike, NaiveDate, NaiveTime};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::bankgen::behavior::{
    AccountBehavior, LoanEvent, LoanSchedule, PricedCounterparty, SampledFlow, pick_from_list,
    pick_from_pool,
};
use crate::bankgen::holdings::HoldingPayment;
use crate::bankgen::loan::Instalment;
use crate::bankgen::narration::{Counterparty, NarrationInput, transaction_mode};
use crate::domain::calendar::{Month, is_working_day};
use crate::domain::money::Paise;
use crate::domain::persona::{
    AmountRule, Channel, CounterpartyChoice, DayRule, Flow, FollowUp, NamePool, NameSource, Period,
};
use crate::domain::random_stream::StreamKind;
use crate::domain::statement::{NewRow, SuppliedFields};
use crate::domain::terms::TransactionType;
use crate::domain::time::{Millis, Timestamp};

/// The last month that is generated. It bounds the cost of a range up to the year 9999.
///
/// `Assumption:` statements of the next century are not tested.
pub(crate) const LAST_MONTH: Month = Month {
    year: 2099,
    month: 12,
};

/// The bank's charge for a mandate or cheque that bounces: 250 rupees and GST.
const BOUNCE_CHARGE: Paise = Paise(29_500);

/// The bank's charge for a monthly average balance below the minimum: 300 rupees and GST.
const LOW_BALANCE_CHARGE: Paise = Paise(35_400);

/// The lender's charge for presenting an instalment again.
const PENAL_CHARGE: Paise = Paise::from_rupees(500);

/// The days after which a bounced mandate is presented again.
const RETRY_AFTER_DAYS: u32 = 5;

/// The unit of transfers between the holder's own accounts.
const SETTLEMENT_UNIT_PAISE: i64 = 50_000;

/// The hour of the last day of a month from which on only the bank posts transactions.
const MONTH_END_CUTOFF_HOUR: u32 = 18;

/// The receiver of generated rows.
pub(crate) type RowSink<'s> = &'s mut dyn FnMut(NewRow<'_>);

/// A generator of the months of an account, in their order.
pub(crate) struct LedgerGenerator<'a> {
    behavior: &'a AccountBehavior<'a>,
    /// The payments between this account and the holdings, the earliest first.
    holding_payments: &'a [HoldingPayment],
    next_month: Month,
    balance: Paise,
    /// Sums of the closing balances since the last interest, in paise-days.
    balance_sums: BalanceSums,
    /// Charges that could not be paid yet, the oldest first.
    arrears: VecDeque<PlannedTransaction<'a>>,
    /// Reused from month to month for its allocations.
    month_plan: MonthPlan<'a>,
    /// The schedules of the current loans, by the index of their flow.
    schedules: HashMap<usize, LoanSchedule>,
    rows_in_month: u64,
    narration: String,
    reference: String,
}

/// Sums of closing balances, in paise-days.
#[derive(Clone, Copy, Debug, Default)]
struct BalanceSums {
    /// The sum over the quarter, including the day before it and without its last day.
    quarter: i128,
    /// The sum over the month.
    month: i128,
    /// The sum of the negative balances of the month.
    overdrawn: i128,
    /// The number of days of the month that are included.
    days_counted: u32,
}

/// A transaction that is tried in a month, if the balance allows it.
#[derive(Clone, Copy, Debug)]
struct PlannedTransaction<'a> {
    day: u32,
    second: u32,
    /// The flow that it, or the transaction that it follows, comes from.
    sampled_flow: Option<&'a SampledFlow<'a>>,
    direction: TransactionType,
    amount: Paise,
    channel: Channel,
    counterparty: Counterparty<'a>,
    purpose: &'a str,
    instalment: Option<Instalment>,
    salt: u64,
    kind: PlannedKind,
}

impl PlannedTransaction<'_> {
    /// Returns day and second.
    fn time_of_month(&self) -> (u32, u32) {
        (self.day, self.second)
    }
}

/// The planned transactions of a month.
#[derive(Debug, Default)]
struct MonthPlan<'a> {
    transactions: Vec<PlannedTransaction<'a>>,
    /// The transactions that have not been tried yet, the earliest last.
    queue: Vec<QueueEntry>,
}

impl<'a> MonthPlan<'a> {
    /// Inserts a follow-up into the queue, at `earliest` or later: the time of the transaction that
    /// it follows.
    fn insert_follow_up(
        &mut self,
        transaction: PlannedTransaction<'a>,
        earliest: (u32, u32),
        month: Month,
    ) {
        let second = clamp_before_month_end(month, transaction.day, transaction.second);
        let (day, second) = (transaction.day, second).max(earliest);
        let entry = QueueEntry {
            time_of_month: (day, second),
            index: self.transactions.len(),
        };
        self.transactions.push(PlannedTransaction {
            day,
            second,
            ..transaction
        });
        self.queue.insert(
            self.queue
                .partition_point(|other| other.time_of_month > entry.time_of_month),
            entry,
        );
    }
}

/// The time of a planned transaction, and its index. Sorting moves these small entries and not the
/// transactions.
#[derive(Clone, Copy, Debug)]
struct QueueEntry {
    /// Day and second.
    time_of_month: (u32, u32),
    index: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlannedKind {
    Regular,
    Mandate,
    /// A mandate that has bounced once.
    MandateRetry,
    PendingFollowUp,
    /// A payment into or from a holding, which is always posted.
    Holding,
    /// A transaction by the bank itself, which is always posted.
    Bank,
}

impl<'a> LedgerGenerator<'a> {
    /// Creates a generator whose next month is this one. It first generates the months that this
    /// one depends on.
    pub(crate) fn starting_at(
        behavior: &'a AccountBehavior<'a>,
        holding_payments: &'a [HoldingPayment],
        month: Month,
    ) -> Self {
        let first_generated = behavior.first_generated_month(month);
        let opening_balance = if first_generated > behavior.first_month() {
            behavior.sample_closing_balance(first_generated.previous())
        } else {
            None
        };
        let balance = opening_balance.unwrap_or_default();
        let balance_sums = BalanceSums {
            quarter: i128::from(balance.0),
            ..BalanceSums::default()
        };
        let mut generator = Self {
            behavior,
            holding_payments,
            next_month: first_generated,
            balance,
            balance_sums,
            arrears: VecDeque::new(),
            month_plan: MonthPlan::default(),
            schedules: HashMap::new(),
            rows_in_month: 0,
            narration: String::new(),
            reference: String::new(),
        };
        while generator.next_month < month {
            generator.generate_month(&mut |_| {});
        }
        generator
    }

    /// Returns the month that is generated next.
    pub(crate) fn next_month(&self) -> Month {
        self.next_month
    }

    pub(crate) fn balance(&self) -> Paise {
        self.balance
    }

    /// Generates the next month.
    pub(crate) fn generate_month(&mut self, sink: RowSink<'_>) {
        let month = self.next_month;
        self.rows_in_month = 0;
        self.balance_sums = BalanceSums {
            quarter: self.balance_sums.quarter,
            ..BalanceSums::default()
        };
        let mut month_plan = std::mem::take(&mut self.month_plan);
        self.plan_month(month, &mut month_plan);
        if month == self.behavior.first_month() {
            let day = self.behavior.opened_on.day();
            month_plan.queue.retain(|entry| entry.time_of_month.0 > day);
            self.post_opening_deposit(day, month, sink);
        }
        while let Some(entry) = month_plan.queue.pop() {
            let transaction = &month_plan.transactions[entry.index];
            if let Some(follow_up) = self.execute_transaction(transaction, month, sink) {
                month_plan.insert_follow_up(follow_up, entry.time_of_month, month);
            }
        }
        self.month_plan = month_plan;
        self.close_month(month, sink);
        self.next_month = month.next();
    }

    fn balance_floor(&self) -> Paise {
        // Two percent of the overdraft limit are reserved for its interest.
        Paise(-self.behavior.cash_flow_plan.overdraft_limit.0 * 98 / 100)
    }

    fn post_opening_deposit(&mut self, day: u32, month: Month, sink: RowSink<'_>) {
        let amount = self.behavior.sample_opening_deposit();
        let channel = match is_working_day(self.behavior.opened_on) {
            true if amount > Paise::from_rupees(50_000) => Channel::Cheque,
            true => Channel::Cash,
            // An account opened on a holiday is opened in the bank's app.
            false => Channel::Transfer,
        };
        let deposit = PlannedTransaction {
            purpose: "ACCOUNT OPENING DEPOSIT",
            ..self.build_bank_transaction(day, 11 * 3600, amount, channel)
        };
        if amount.0 > 0 {
            self.post_transaction(
                &PlannedTransaction {
                    direction: TransactionType::Credit,
                    ..deposit
                },
                month,
                sink,
            );
        }
    }

    /// Builds a debit by the bank itself, without counterparty and purpose.
    fn build_bank_transaction(
        &self,
        day: u32,
        second: u32,
        amount: Paise,
        channel: Channel,
    ) -> PlannedTransaction<'a> {
        PlannedTransaction {
            day,
            second,
            sampled_flow: None,
            direction: TransactionType::Debit,
            amount,
            channel,
            counterparty: Counterparty::NONE,
            purpose: "",
            instalment: None,
            salt: self.bank_salt(),
            kind: PlannedKind::Bank,
        }
    }

    /// Returns a different salt for each of the bank's own rows; their references are derived from
    /// it.
    fn bank_salt(&self) -> u64 {
        let row = u64::try_from(self.next_month.ordinal()).expect("years are positive") << 20
            | self.rows_in_month << 4;
        (row | u64::try_from(self.arrears.len()).expect("few") & 15)
            .wrapping_add(u64::from(self.behavior.branch.code))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            >> 16
    }

    /// Plans all transactions of the month that come from flows and holdings.
    fn plan_month(&mut self, month: Month, month_plan: &mut MonthPlan<'a>) {
        month_plan.transactions.clear();
        let mut rng = self
            .behavior
            .account_stream(StreamKind::Month, month.ordinal());
        let account_age_months =
            u32::try_from(month.ordinal() - self.behavior.first_month().ordinal()).unwrap_or(0) + 1;
        for (flow_index, sampled_flow) in self.behavior.flows().iter().enumerate() {
            let Flow {
                month_mask,
                account_age_months: (first_month, last_month),
                period,
                times_per_period,
                ..
            } = sampled_flow.flow;
            let month_mask = match period {
                Period::Quarter if *month_mask == 0xfff => 0b0010_0100_1001,
                Period::Year if *month_mask == 0xfff => 0b0000_0000_1000,
                _ => *month_mask,
            };
            if month_mask >> (month.month - 1) & 1 == 0
                || !(*first_month..=*last_month).contains(&account_age_months)
            {
                continue;
            }
            let (low, high) = *times_per_period;
            let mut shared_rng = sampled_flow
                .flow
                .transfer_name
                .as_ref()
                .map(|name| self.behavior.shared_stream(name, month));
            let rng = shared_rng.as_mut().unwrap_or(&mut rng);
            let sample_count = |rng: &mut ChaCha8Rng| {
                seasonal_count(sampled_flow.flow, month, rng.random_range(low..=high))
            };
            match period {
                Period::Day => {
                    for day in 1..=month.num_days() {
                        for _ in 0..sample_count(rng) {
                            month_plan.transactions.extend(self.plan_transaction(
                                flow_index,
                                sampled_flow,
                                month,
                                Some((day, day)),
                                rng,
                            ));
                        }
                    }
                }
                Period::Week => {
                    for week in 0..4 {
                        let last = if week == 3 {
                            month.num_days()
                        } else {
                            week * 7 + 7
                        };
                        for _ in 0..sample_count(rng) {
                            month_plan.transactions.extend(self.plan_transaction(
                                flow_index,
                                sampled_flow,
                                month,
                                Some((week * 7 + 1, last)),
                                rng,
                            ));
                        }
                    }
                }
                Period::Month | Period::Quarter | Period::Year => {
                    for _ in 0..sample_count(rng) {
                        month_plan.transactions.extend(self.plan_transaction(
                            flow_index,
                            sampled_flow,
                            month,
                            None,
                            rng,
                        ));
                    }
                }
            }
        }
        self.plan_holding_payments(month, month_plan);
        let entries = month_plan
            .transactions
            .iter()
            .enumerate()
            .map(|(index, transaction)| QueueEntry {
                time_of_month: transaction.time_of_month(),
                index,
            });
        month_plan.queue.extend(entries);
        month_plan
            .queue
            .sort_unstable_by_key(|entry| (std::cmp::Reverse(entry.time_of_month), entry.index));
    }

    /// Plans the payments of the month into and from holdings.
    fn plan_holding_payments(&self, month: Month, month_plan: &mut MonthPlan<'a>) {
        let mut rng = self
            .behavior
            .account_stream(StreamKind::Holding, month.ordinal());
        let all = self.holding_payments;
        let start = all.partition_point(|payment| Month::from_date(payment.day) < month);
        let end = all.partition_point(|payment| Month::from_date(payment.day) <= month);
        let payments = all[start..end].iter();
        month_plan
            .transactions
            .extend(payments.map(|payment| PlannedTransaction {
                day: payment.day.day(),
                second: rng.random_range(holding_payment_seconds(payment)),
                sampled_flow: None,
                direction: payment.direction,
                amount: payment.amount,
                channel: payment.channel,
                counterparty: Counterparty::with_own_address(&payment.counterparty),
                purpose: &payment.purpose,
                instalment: None,
                salt: rng.next_u64(),
                kind: PlannedKind::Holding,
            }));
    }

    fn plan_transaction(
        &mut self,
        flow_index: usize,
        sampled_flow: &'a SampledFlow<'a>,
        month: Month,
        days: Option<(u32, u32)>,
        rng: &mut impl Rng,
    ) -> Option<PlannedTransaction<'a>> {
        let flow = sampled_flow.flow;
        let PricedCounterparty {
            counterparty,
            usual_rupees,
        } = sampled_flow.pick_counterparty(self.behavior.holder, rng);
        let mut amount = self
            .behavior
            .sample_amount(sampled_flow, usual_rupees, month, rng);
        let (mut direction, mut purpose, mut instalment) =
            (flow.direction, flow.purpose.as_str(), None);
        let mut kind = if flow.by_mandate {
            PlannedKind::Mandate
        } else {
            PlannedKind::Regular
        };
        if let AmountRule::Loan(loan) = &flow.amount {
            match self.behavior.resolve_loan_event(
                flow_index,
                loan,
                month,
                self.schedules.entry(flow_index).or_default(),
            ) {
                LoanEvent::Disbursement(_) if !loan.disbursed_to_account => return None,
                LoanEvent::Disbursement(principal) => {
                    (direction, amount, purpose) =
                        (TransactionType::Credit, principal, "LOAN DISBURSEMENT");
                    kind = PlannedKind::Regular;
                }
                LoanEvent::Instalment(instalment_due) => {
                    (amount, instalment) = (instalment_due.amount(), Some(instalment_due));
                }
            }
        }
        let day = match flow.day_rule {
            DayRule::Any | DayRule::AnyWorkingDay => {
                let (low, high) = days.unwrap_or((1, month.num_days()));
                rng.random_range(low..=high)
            }
            DayRule::DayOfMonth((low, high)) => rng.random_range(low..=high).min(month.num_days()),
            DayRule::LastWorkingDay => month.last_working_day(),
        };
        let channel =
            channel_for_amount(channel_for_month(flow.channel, counterparty, month), amount);
        let day = if flow.day_rule == DayRule::AnyWorkingDay {
            next_matching_day(month, day, is_working_day)
        } else {
            next_open_day(channel, month, day)
        };
        let second = sample_second(channel, flow, rng);
        let salt = rng.next_u64();
        if flow.chance_percent < 100 && rng.random_range(0..100) >= flow.chance_percent {
            return None;
        }
        let amount = if channel == Channel::Atm {
            round_to_banknotes(amount)
        } else {
            amount
        };
        let second = clamp_before_month_end(month, day, second);
        let sampled_flow = Some(sampled_flow);
        Some(PlannedTransaction {
            day,
            second,
            sampled_flow,
            direction,
            amount,
            channel,
            counterparty,
            purpose,
            instalment,
            salt,
            kind,
        })
    }

    /// Posts a transaction if the balance allows it. Returns its follow-up or, for a bounced
    /// mandate, its retry.
    fn execute_transaction(
        &mut self,
        transaction: &PlannedTransaction<'a>,
        month: Month,
        sink: RowSink<'_>,
    ) -> Option<PlannedTransaction<'a>> {
        let mut repriced = None;
        if let Some(SampledFlow {
            flow:
                Flow {
                    amount: AmountRule::BalancePercent((low, high)),
                    rounding_step: step,
                    ..
                },
            ..
        }) = transaction.sampled_flow
            && transaction.kind == PlannedKind::Regular
        {
            let transaction = repriced.insert(*transaction);
            let span = u64::try_from(high - low).expect("a range's high end is last") + 1;
            let percent = low + i64::try_from(transaction.salt % span).expect("percent are small");
            let part = self.balance.0.max(0) * percent / 100;
            let step = step.0.max(100);
            transaction.amount = Paise(part / step * step);
            if transaction.channel == Channel::Atm && transaction.amount.0 > 0 {
                transaction.amount = round_to_banknotes(transaction.amount);
            }
            transaction.channel = channel_for_amount(transaction.channel, transaction.amount);
        }
        let transaction = repriced.as_ref().unwrap_or(transaction);
        if transaction.amount.0 <= 0 {
            return None;
        }
        if transaction.direction == TransactionType::Debit
            && self.balance - transaction.amount < self.balance_floor()
        {
            match transaction.kind {
                PlannedKind::Mandate | PlannedKind::MandateRetry => {
                    return self.bounce_mandate(transaction, month, sink);
                }
                PlannedKind::Holding => self.sweep_in(transaction, month, sink),
                _ => return None,
            }
        }
        self.post_transaction(transaction, month, sink);
        if transaction.kind == PlannedKind::PendingFollowUp
            && transaction.channel == Channel::Cheque
        {
            let charge = self.build_bank_transaction(
                transaction.day,
                transaction.second,
                BOUNCE_CHARGE,
                Channel::Charge,
            );
            let charge = PlannedTransaction {
                purpose: "CHQ RTN CHGS INCL GST",
                ..charge
            };
            self.charge_or_defer(charge, "CHQ RTN CHGS RECOVERED INCL GST", month, sink);
        }
        if transaction.direction == TransactionType::Credit {
            self.collect_arrears(transaction.time_of_month(), month, sink);
        }
        match transaction.sampled_flow {
            Some(
                sampled_flow @ SampledFlow {
                    flow:
                        Flow {
                            follow_up: Some(follow_up),
                            ..
                        },
                    ..
                },
            ) if transaction.kind == PlannedKind::Regular => {
                self.plan_follow_up(follow_up, sampled_flow, transaction, month)
            }
            _ => None,
        }
    }

    /// Transfers from a deposit what the account lacks for a payment into a holding.
    ///
    /// `Assumption:` such a payment never bounces, since the holding has its transaction.
    fn sweep_in(&mut self, transaction: &PlannedTransaction<'a>, month: Month, sink: RowSink<'_>) {
        let missing = transaction.amount + self.balance_floor() - self.balance;
        let amount = Paise((missing.0 / SETTLEMENT_UNIT_PAISE + 1) * SETTLEMENT_UNIT_PAISE);
        self.post_self_transfer(amount, transaction.time_of_month(), month, sink);
    }

    /// Charges for a mandate that bounces and plans its retry, if it has not been retried yet and
    /// the month has enough days left. As with most banks, the bounce has no row of its own, only
    /// the charge, which names the payee.
    fn bounce_mandate(
        &mut self,
        transaction: &PlannedTransaction<'a>,
        month: Month,
        sink: RowSink<'_>,
    ) -> Option<PlannedTransaction<'a>> {
        let charge = self.build_bank_transaction(
            transaction.day,
            transaction.second,
            BOUNCE_CHARGE,
            Channel::Charge,
        );
        let charge = PlannedTransaction {
            purpose: "ACH DR RTN CHGS {payee} INSUFFICIENT FUNDS INCL GST",
            counterparty: transaction.counterparty,
            ..charge
        };
        let deferred_purpose = "ACH DR RTN CHGS {payee} RECOVERED INCL GST";
        self.charge_or_defer(charge, deferred_purpose, month, sink);
        let day = transaction.day + RETRY_AFTER_DAYS;
        (transaction.kind == PlannedKind::Mandate && day < month.num_days()).then(|| {
            let day = next_open_day(transaction.channel, month, day);
            PlannedTransaction {
                day,
                kind: PlannedKind::MandateRetry,
                amount: transaction.amount + PENAL_CHARGE,
                ..*transaction
            }
        })
    }

    /// Posts a charge if the balance allows it, otherwise adds it to the arrears with
    /// `deferred_purpose`.
    fn charge_or_defer(
        &mut self,
        charge: PlannedTransaction<'a>,
        deferred_purpose: &'static str,
        month: Month,
        sink: RowSink<'_>,
    ) {
        if self.balance - charge.amount >= self.balance_floor() {
            self.post_transaction(&charge, month, sink);
        } else {
            self.arrears.push_back(PlannedTransaction {
                purpose: deferred_purpose,
                ..charge
            });
        }
    }

    /// Posts the charges in arrears, the oldest first, as long as the balance allows it.
    fn collect_arrears(&mut self, (day, second): (u32, u32), month: Month, sink: RowSink<'_>) {
        while let Some(charge) = self
            .arrears
            .front()
            .filter(|charge| self.balance >= charge.amount)
            .copied()
        {
            self.arrears.pop_front();
            self.post_transaction(
                &PlannedTransaction {
                    day,
                    second,
                    ..charge
                },
                month,
                sink,
            );
        }
    }

    fn plan_follow_up(
        &self,
        follow_up: &'a FollowUp,
        sampled_flow: &'a SampledFlow<'a>,
        trigger: &PlannedTransaction<'a>,
        month: Month,
    ) -> Option<PlannedTransaction<'a>> {
        let mut rng = self.behavior.account_stream(
            StreamKind::Month,
            i64::try_from(trigger.salt >> 8).expect("56 bits"),
        );
        if rng.random_range(0..100) >= follow_up.chance_percent {
            return None;
        }
        let percent = rng.random_range(follow_up.percent.0..=follow_up.percent.1);
        let delay_seconds = rng.random_range(follow_up.delay_seconds.0..=follow_up.delay_seconds.1);
        let counterparty = match (&follow_up.counterparty, sampled_flow.follow_up_counterparty) {
            (_, Some(fixed)) => fixed.counterparty,
            (Some(CounterpartyChoice::Varying(list) | CounterpartyChoice::Fixed(list)), None) => {
                pick_from_list(list, self.behavior.holder, &mut rng).counterparty
            }
            _ => trigger.counterparty,
        };
        let amount = Paise(trigger.amount.0 * percent / 100);
        let amount = if percent == 100 {
            amount
        } else {
            Paise(amount.0 / 100 * 100)
        };
        let channel = channel_for_amount(follow_up.channel, amount);
        let amount = if channel == Channel::Atm {
            round_to_banknotes(amount)
        } else {
            amount
        };
        let at = i64::from(trigger.day) * 86_400 + i64::from(trigger.second) + delay_seconds;
        let (day, second) = (at / 86_400, at % 86_400);
        let (day, second) = match u32::try_from(day) {
            Ok(day) if day < month.num_days() => (day, u32::try_from(second).expect("of a day")),
            _ => (
                month.num_days(),
                (MONTH_END_CUTOFF_HOUR - 1) * 3600 + trigger.second % 3600,
            ),
        };
        let bank_day = next_open_day(channel, month, day);
        let second = if bank_day == day {
            second
        } else {
            11 * 3600 + second % 3600
        };
        Some(PlannedTransaction {
            day: bank_day,
            second,
            sampled_flow: Some(sampled_flow),
            direction: follow_up.direction,
            amount,
            channel,
            counterparty,
            purpose: &follow_up.purpose,
            instalment: None,
            salt: rng.next_u64(),
            kind: PlannedKind::PendingFollowUp,
        })
    }

    /// Adds the closing balances of the days before this one to the sums.
    fn accumulate_until(&mut self, day: u32) {
        let days = i128::from(
            day.saturating_sub(1)
                .saturating_sub(self.balance_sums.days_counted),
        );
        self.balance_sums.days_counted += u32::try_from(days).expect("of a month");
        let product = i128::from(self.balance.0) * days;
        self.balance_sums.month += product;
        self.balance_sums.quarter += product;
        self.balance_sums.overdrawn += product.min(0);
    }

    fn post_transaction(
        &mut self,
        transaction: &PlannedTransaction<'a>,
        month: Month,
        sink: RowSink<'_>,
    ) {
        self.accumulate_until(transaction.day);
        let PlannedTransaction {
            day,
            second,
            direction,
            amount,
            channel,
            counterparty,
            purpose,
            instalment,
            salt,
            ..
        } = *transaction;
        self.balance = match direction {
            TransactionType::Credit => self.balance + amount,
            TransactionType::Debit => self.balance - amount,
        };
        let date = month.clamped_date(day);
        let AccountBehavior {
            branch, narration, ..
        } = *self.behavior;
        let input = NarrationInput {
            layout: narration,
            channel,
            direction,
            counterparty,
            purpose,
            instalment,
            date,
            branch,
            salt,
        };
        self.reference.clear();
        input.write_reference(&mut self.reference);
        self.narration.clear();
        input.write_narration(&self.reference, &mut self.narration);
        self.rows_in_month += 1;
        let year = u64::from(date.year().unsigned_abs());
        let id =
            (year * 10_000 + u64::from(month.month * 100 + day)) * 100_000 + self.rows_in_month;
        sink(NewRow {
            at: to_ist_timestamp(date, second),
            transaction_type: direction,
            mode: transaction_mode(channel, direction),
            amount,
            balance: self.balance,
            id,
            narration: &self.narration,
            reference: &self.reference,
            supplied: SuppliedFields::default(),
        });
    }

    /// Posts the bank's transactions at the end of a month and of a quarter: charges, interest,
    /// sweep.
    fn close_month(&mut self, month: Month, sink: RowSink<'_>) {
        let last = month.num_days();
        self.accumulate_until(last);
        let plan = self.behavior.cash_flow_plan;
        let average = self.balance_sums.month / i128::from(last - 1).max(1);
        if average < i128::from(plan.minimum_balance.0) && month != self.behavior.first_month() {
            let charge =
                self.build_bank_transaction(last, 19 * 3600, LOW_BALANCE_CHARGE, Channel::Charge);
            let charge = PlannedTransaction {
                purpose: "MIN BAL CHGS INCL GST",
                ..charge
            };
            self.charge_or_defer(charge, "MIN BAL CHGS RECOVERED INCL GST", month, sink);
        }
        let overdrawn = compute_interest(-self.balance_sums.overdrawn, plan.interest_bps);
        let earned = if month.is_quarter_end()
            && self.behavior.earns_interest
            && plan.overdraft_limit.0 == 0
        {
            compute_interest(self.balance_sums.quarter, plan.interest_bps)
        } else {
            Paise(0)
        };
        for (amount, direction, purpose) in [
            (
                overdrawn,
                TransactionType::Debit,
                "OD INTEREST {month} {year}",
            ),
            (
                earned,
                TransactionType::Credit,
                "SAVINGS INTEREST QTR TO {month} {year}",
            ),
        ] {
            if amount.0 > 0 {
                let row =
                    self.build_bank_transaction(last, 19 * 3600 + 600, amount, Channel::Interest);
                self.post_transaction(
                    &PlannedTransaction {
                        direction,
                        purpose,
                        ..row
                    },
                    month,
                    sink,
                );
            }
        }
        if month.is_quarter_end()
            && let Some(close) = self.behavior.sample_closing_balance(month)
        {
            self.settle_quarter(close, month, sink);
        }
        // The last day counts for the next month and quarter.
        self.accumulate_until(last + 1);
        if month.is_quarter_end() {
            self.balance_sums.quarter = i128::from(self.balance.0);
        }
    }

    /// Brings the balance to the target of the quarter: by a transfer of a round amount to or from
    /// another account of the holder, and a purchase for the rest.
    fn settle_quarter(&mut self, target: Paise, month: Month, sink: RowSink<'_>) {
        let day = month.num_days();
        let mut rng = self
            .behavior
            .account_stream(StreamKind::MonthClose, month.ordinal() * 16 + 1);
        let early = rng.random_range(0..3600u32) / 2 + 1800;
        let late = rng.random_range(0..3600u32);
        let last = rng.random_range(0..3600u32);
        let arrears_total: i64 = self.arrears.iter().map(|charge| charge.amount.0).sum();
        if arrears_total > self.balance.0 {
            self.post_self_transfer(
                Paise((arrears_total / SETTLEMENT_UNIT_PAISE + 1) * SETTLEMENT_UNIT_PAISE),
                (day, 19 * 3600 + early),
                month,
                sink,
            );
        }
        self.collect_arrears((day, 19 * 3600 + early), month, sink);
        let excess = self.balance - target;
        let mut rest = excess.0.rem_euclid(SETTLEMENT_UNIT_PAISE);
        if rest > 0 && rest < 2_000 {
            rest += SETTLEMENT_UNIT_PAISE;
        }
        let transfer_amount = Paise(rest - excess.0);
        if transfer_amount.0 > 0 {
            self.post_self_transfer(transfer_amount, (day, 20 * 3600), month, sink);
        }
        if rest > 0 {
            let (pool, channel) = if self.behavior.is_firm || (month.year, month.month) < UPI_SINCE
            {
                (NamePool::Stores, Channel::Card)
            } else {
                (NamePool::Shops, Channel::Upi)
            };
            let counterparty = pick_from_pool(pool, self.behavior.holder, &mut rng).counterparty;
            let purchase = self.build_bank_transaction(day, 20 * 3600 + late, Paise(rest), channel);
            self.post_transaction(
                &PlannedTransaction {
                    counterparty,
                    purpose: "PURCHASE",
                    salt: rng.next_u64(),
                    ..purchase
                },
                month,
                sink,
            );
        }
        if transfer_amount.0 < 0 {
            self.post_self_transfer(transfer_amount, (day, 21 * 3600 + last), month, sink);
        }
    }

    /// Posts a transfer between accounts of the holder; a positive amount is a credit. Persons have
    /// a sweep to or from a deposit, firms a transfer to or from another bank.
    fn post_self_transfer(
        &mut self,
        signed_amount: Paise,
        (day, second): (u32, u32),
        month: Month,
        sink: RowSink<'_>,
    ) {
        let amount = Paise(signed_amount.0.abs());
        let direction = if signed_amount.0 > 0 {
            TransactionType::Credit
        } else {
            TransactionType::Debit
        };
        let (channel, purpose) = match direction {
            _ if self.behavior.is_firm => {
                (channel_for_amount(Channel::Imps, amount), "SELF TRANSFER")
            }
            TransactionType::Credit => (Channel::Transfer, "SWEEP FROM FD"),
            TransactionType::Debit => (Channel::Transfer, "SWEEP TO FD"),
        };
        let channel = if is_channel_open(channel, month.clamped_date(day)) {
            channel
        } else {
            Channel::Transfer
        };
        let counterparty = Counterparty::with_own_address(self.behavior.holder);
        let row = self.build_bank_transaction(day, second, amount, channel);
        self.post_transaction(
            &PlannedTransaction {
                direction,
                counterparty,
                purpose,
                ..row
            },
            month,
            sink,
        );
    }
}

fn clamp_before_month_end(month: Month, day: u32, second: u32) -> u32 {
    let is_after_cutoff = day == month.num_days() && second >= MONTH_END_CUTOFF_HOUR * 3600;
    if is_after_cutoff {
        (MONTH_END_CUTOFF_HOUR - 1) * 3600 + second % 3600
    } else {
        second
    }
}

/// Computes the interest on a sum of paise-days at a rate in basis points a year, in whole rupees
/// as banks post it.
fn compute_interest(balance_sum: i128, basis_points: i64) -> Paise {
    let paise = balance_sum.max(0) * i128::from(basis_points) / (365 * 10_000);
    Paise(i64::try_from((paise + 50) / 100 * 100).expect("a quarter's interest fits"))
}

fn to_ist_timestamp(date: NaiveDate, second: u32) -> Timestamp {
    Timestamp::from_ist(date.and_time(NaiveTime::MIN))
        .saturating_add(Millis::from_secs(second.min(86_399).into()))
}

/// The first month with UPI. It started on 11 April 2016 and was generally available from August
/// on.
const UPI_SINCE: (i32, u32) = (2016, 8);

/// The first month with IMPS, which started on 22 November 2010.
const IMPS_SINCE: (i32, u32) = (2010, 12);

/// Replaces UPI and IMPS by the channels that were used before they existed.
fn channel_for_month(channel: Channel, counterparty: Counterparty<'_>, month: Month) -> Channel {
    let month = (month.year, month.month);
    match channel {
        Channel::Upi | Channel::Imps if month < IMPS_SINCE && !counterparty.surname.is_empty() => {
            Channel::Neft
        }
        Channel::Imps if month < IMPS_SINCE => Channel::Neft,
        Channel::Upi if month < UPI_SINCE && counterparty.surname.is_empty() => Channel::Card,
        Channel::Upi if month < UPI_SINCE => Channel::Imps,
        channel => channel,
    }
}

/// Replaces a channel that does not carry the amount: UPI carries up to 1 lakh, IMPS up to 5 lakh,
/// RTGS from 2 lakh on (limits of the National Payments Corporation and the Reserve Bank of India).
fn channel_for_amount(channel: Channel, amount: Paise) -> Channel {
    const LAKH: i64 = 10_000_000;
    match channel {
        Channel::Upi if amount.0 > LAKH => channel_for_amount(Channel::Imps, amount),
        Channel::Imps if amount.0 > 5 * LAKH => Channel::Rtgs,
        Channel::Rtgs if amount.0 < 2 * LAKH => Channel::Neft,
        channel => channel,
    }
}

/// Rounds to what a cash machine pays out: notes of 100 rupees, at most 10,000 rupees.
fn round_to_banknotes(amount: Paise) -> Paise {
    Paise((amount.0 / 10_000 * 10_000).clamp(10_000, 1_000_000))
}

/// Returns whether a channel is open on a day. NEFT works around the clock since 16 December 2019,
/// RTGS since 14 December 2020, NACH on all days since 1 August 2021; cheques, remittances and cash
/// need a working day.
fn is_channel_open(channel: Channel, date: NaiveDate) -> bool {
    let ymd = (date.year(), date.month(), date.day());
    let is_continuous = match channel {
        Channel::Neft => ymd >= (2019, 12, 16),
        Channel::Rtgs => ymd >= (2020, 12, 14),
        Channel::Nach => ymd >= (2021, 8, 1),
        Channel::Cheque | Channel::Cash | Channel::Remittance => false,
        _ => true,
    };
    is_continuous || is_working_day(date)
}

/// Returns the first day from this one on, within the month, on which the channel is open.
fn next_open_day(channel: Channel, month: Month, day: u32) -> u32 {
    next_matching_day(month, day, |date| is_channel_open(channel, date))
}

/// Returns the first matching day from this one on; if the rest of the month has none, the last
/// matching day before.
fn next_matching_day(month: Month, day: u32, is_match: impl Fn(NaiveDate) -> bool) -> u32 {
    (day..=month.num_days())
        .chain((1..day).rev())
        .find(|day| is_match(month.clamped_date(*day)))
        .unwrap_or(day)
}

/// The share of UPI transactions in each hour of the day, in parts of [`UPI_HOURS_TOTAL`]. People
/// pay on the way to work, at lunch and in the evening.
const UPI_HOURS: [u32; 24] = [
    0, 0, 0, 0, 0, 0, 1, 3, 6, 11, 8, 6, 7, 11, 7, 5, 5, 7, 9, 11, 15, 8, 4, 1,
];

/// The sum of [`UPI_HOURS`].
const UPI_HOURS_TOTAL: u32 = {
    let (mut total, mut hour) = (0, 0);
    while hour < UPI_HOURS.len() {
        total += UPI_HOURS[hour];
        hour += 1;
    }
    total
};

/// Samples the second of the day at which a transaction is posted.
fn sample_second(channel: Channel, flow: &Flow, rng: &mut impl Rng) -> u32 {
    if channel != Channel::Upi {
        let (low, high) = hour_range(channel, flow);
        return rng.random_range(low * 3600..high * 3600);
    }
    let mut rest = rng.random_range(0..UPI_HOURS_TOTAL * 3600);
    for (hour, share) in (0..).zip(UPI_HOURS) {
        if rest < share * 3600 {
            return hour * 3600 + rest / share;
        }
        rest -= share * 3600;
    }
    unreachable!("the shares add up to the total")
}

/// Returns how often a flow occurs in a period of this month, given how often it does in other
/// months. Before Diwali, in October and November, people buy 1.8 times as much in shops, and a festive
/// flow occurs as much more often.
fn seasonal_count(flow: &Flow, month: Month, count: u32) -> u32 {
    let is_shopping = flow.direction == TransactionType::Debit
        && matches!(
            flow.counterparty,
            CounterpartyChoice::Varying(NameSource::Pool(NamePool::Shops | NamePool::Stores))
        );
    if (is_shopping || flow.is_festive) && matches!(month.month, 10 | 11) {
        (count * 9 + 2) / 5
    } else {
        count
    }
}

/// Returns the seconds of the day between which a payment is posted. A mandate is presented before
/// the fund allots its units; the proceeds of a sale arrive in the evening.
fn holding_payment_seconds(payment: &HoldingPayment) -> std::ops::Range<u32> {
    let hours = match (payment.channel, payment.direction) {
        (Channel::Nach, _) => 5..8,
        (Channel::Transfer, TransactionType::Credit) => 9..10,
        (Channel::Transfer, TransactionType::Debit) => 10..11,
        _ => 16..18,
    };
    hours.start * 3600..hours.end * 3600
}

/// Returns the hours between which a transaction is posted.
fn hour_range(channel: Channel, flow: &Flow) -> (u32, u32) {
    match channel {
        // Salaries are paid in the morning.
        _ if flow.counts_as_income && flow.day_rule == DayRule::LastWorkingDay => (9, 10),
        Channel::Nach => (5, 8),
        Channel::Cheque | Channel::Cash | Channel::Remittance => (10, 16),
        Channel::Neft | Channel::Rtgs => (8, 18),
        Channel::Tax => (10, 18),
        _ => (8, 22),
    }
}
