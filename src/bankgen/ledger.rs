//! The ledger of a bank account, told month by month.
//!
//! A quarter is told from its first day, with a running balance: what the account cannot pay is not paid, and what is
//! collected by mandate bounces. Where the story says what the account keeps, each quarter ends there ([`Habits::close`]), by a
//! sweep to or from a deposit; so a month needs no more of the past than its quarter. Where it does
//! not, the ledger is told from the opening on.

use std::collections::{HashMap, VecDeque};

use chrono::{Datelike, NaiveDate, NaiveTime};
use rand::{Rng, RngExt};

use crate::bankgen::behavior::{
    AccountBehavior, LoanEvent, LoanSchedule, PricedCounterparty, SampledFlow, pick_from_list,
    pick_from_pool,
};
use crate::bankgen::loan::Instalment;
use crate::bankgen::narration::{Counterparty, NarrationInput, transaction_mode};
use crate::domain::calendar::{Month, is_working_day};
use crate::domain::consent::TransactionType;
use crate::domain::money::Paise;
use crate::domain::persona::{
    AmountRule, Channel, CounterpartyChoice, DayRule, Flow, FollowUp, NamePool, Period,
};
use crate::domain::random_stream::StreamKind;
use crate::domain::statement::NewRow;
use crate::domain::time::{Millis, Timestamp};

/// The story ends here, so that a range up to the year 9999 costs no more than one of a lifetime.
///
/// `Assumption:` nobody tests with statements of the next century.
pub const LAST_MONTH: Month = Month {
    year: 2099,
    month: 12,
};

/// What a bank takes for a mandate or a cheque that bounces: 250 rupees and GST.
const BOUNCE_CHARGE: Paise = Paise(29_500);

/// What a bank takes where the month's average was too low: 300 rupees and GST.
const LOW_BALANCE_CHARGE: Paise = Paise(35_400);

/// What a lender takes for presenting an instalment again.
const PENAL_CHARGE: Paise = Paise::from_rupees(500);

/// A mandate that has bounced is presented again after so many days.
const RETRY_AFTER_DAYS: u32 = 5;

/// Settlements between own accounts are in multiples of this.
const SETTLEMENT_UNIT_PAISE: i64 = 50_000;

/// On the last day of a month nothing happens from this hour on but what the bank does.
const MONTH_END_CUTOFF_HOUR: u32 = 18;

/// Where rows go.
pub type RowSink<'s> = &'s mut dyn FnMut(NewRow<'_>);

/// Tells the months of an account, one after the other.
pub struct LedgerGenerator<'a> {
    behavior: &'a AccountBehavior<'a>,
    /// The month that is told next.
    next_month: Month,
    balance: Paise,
    /// Since the last interest: closing balances, in paise days.
    balance_sums: BalanceSums,
    /// Charges that wait for money, the oldest first.
    arrears: VecDeque<PlannedTransaction<'a>>,
    /// Kept from month to month for its room.
    month_plan: MonthPlan<'a>,
    /// The schedules of the loans that run, by flow.
    schedules: HashMap<usize, LoanSchedule>,
    rows_in_month: u64,
    narration: String,
    reference: String,
}

/// Sums of closing balances.
#[derive(Clone, Copy, Debug, Default)]
struct BalanceSums {
    /// Of the quarter, the day before it included and its last day not.
    quarter: i128,
    /// Of the month alone, and of what was overdrawn in it.
    month: i128,
    overdrawn: i128,
    /// Days of the month that are in them.
    days_counted: u32,
}

/// Something that wants to happen.
#[derive(Clone, Copy, Debug)]
struct PlannedTransaction<'a> {
    day: u32,
    second: u32,
    /// The flow that it comes from; what follows comes from one too.
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
    /// Day and second.
    fn time_of_month(&self) -> (u32, u32) {
        (self.day, self.second)
    }
}

/// What wants to happen in a month.
#[derive(Debug, Default)]
struct MonthPlan<'a> {
    transactions: Vec<PlannedTransaction<'a>>,
    /// What is still to come, the earliest last.
    queue: Vec<QueueEntry>,
}

impl<'a> MonthPlan<'a> {
    /// Puts something among what is still to come after what has just happened.
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

/// When an attempt is made, and where it is kept: attempts are too big to be moved about by sorting.
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
    /// It is of the bank's own making, and always happens.
    Bank,
}

impl<'a> LedgerGenerator<'a> {
    /// Begins as early as it has to so that this month comes out right, and tells up to it.
    pub fn starting_at(behavior: &'a AccountBehavior<'a>, month: Month) -> Self {
        let opening_month = behavior.first_month();
        let quarter = month.quarter_start();
        let opening_balance = if quarter > opening_month {
            behavior.sample_closing_balance(quarter.previous())
        } else {
            None
        };
        let first_generated = if opening_balance.is_some() {
            quarter
        } else {
            opening_month
        };
        let balance = opening_balance.unwrap_or_default();
        let balance_sums = BalanceSums {
            quarter: i128::from(balance.0),
            ..BalanceSums::default()
        };
        let mut generator = Self {
            behavior,
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

    /// The month that is told next.
    pub fn next_month(&self) -> Month {
        self.next_month
    }

    pub fn balance(&self) -> Paise {
        self.balance
    }

    /// Tells one month.
    pub fn generate_month(&mut self, sink: RowSink<'_>) {
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
        // A little is left of an overdraft, for its interest.
        Paise(-self.behavior.cash_flow_plan.overdraft_limit.0 * 98 / 100)
    }

    fn post_opening_deposit(&mut self, day: u32, month: Month, sink: RowSink<'_>) {
        let amount = self.behavior.sample_opening_deposit();
        let channel = match is_working_day(self.behavior.opened_on) {
            true if amount > Paise::from_rupees(50_000) => Channel::Cheque,
            true => Channel::Cash,
            // Opened on a day off: by the bank's own app.
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

    /// What the bank does by itself.
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

    /// Another one for each of the bank's own rows: their references are made of it.
    fn bank_salt(&self) -> u64 {
        let row = u64::try_from(self.next_month.ordinal()).expect("years are positive") << 20
            | self.rows_in_month << 4;
        (row | u64::try_from(self.arrears.len()).expect("few") & 15)
            .wrapping_add(u64::from(self.behavior.branch.code))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            >> 16
    }

    /// Everything that the habits have for this month.
    fn plan_month(&mut self, month: Month, month_plan: &mut MonthPlan<'a>) {
        month_plan.transactions.clear();
        let mut rng = self
            .behavior
            .account_stream(StreamKind::Month, month.ordinal());
        let account_age_months =
            u32::try_from(month.ordinal() - self.behavior.first_month().ordinal()).unwrap_or(0) + 1;
        for (flow_index, sampled_flow) in self.behavior.flows().iter().enumerate() {
            let Flow {
                month_mask: months,
                account_age_months: (first_month, last_month),
                period: every,
                times_per_period: times,
                ..
            } = sampled_flow.flow;
            let months = match every {
                Period::Quarter if *months == 0xfff => 0b0010_0100_1001,
                Period::Year if *months == 0xfff => 0b0000_0000_1000,
                _ => *months,
            };
            if months >> (month.month - 1) & 1 == 0
                || !(*first_month..=*last_month).contains(&account_age_months)
            {
                continue;
            }
            let (low, high) = *times;
            let mut shared_rng = sampled_flow
                .flow
                .transfer_name
                .as_ref()
                .map(|name| self.behavior.shared_stream(name, month));
            let rng = shared_rng.as_mut().unwrap_or(&mut rng);
            match every {
                Period::Day => {
                    for day in 1..=month.num_days() {
                        for _ in 0..rng.random_range(low..=high) {
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
                        for _ in 0..rng.random_range(low..=high) {
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
                    for _ in 0..rng.random_range(low..=high) {
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
        } = sampled_flow
            .fixed_counterparty
            .unwrap_or_else(|| match &flow.counterparty {
                CounterpartyChoice::Fixed(list) | CounterpartyChoice::Varying(list) => {
                    pick_from_list(list, self.behavior.holder, rng)
                }
                CounterpartyChoice::Unnamed => PricedCounterparty {
                    counterparty: Counterparty::NONE,
                    usual_rupees: (0, 0),
                },
            });
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
        let (low, high) = hour_range(channel, flow);
        let second = rng.random_range(low * 3600..high * 3600);
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

    /// Does it, if it can be done; what follows from it is still to come.
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
                    amount: AmountRule::BalanceShare((low, high)),
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
            let is_mandate = matches!(
                transaction.kind,
                PlannedKind::Mandate | PlannedKind::MandateRetry
            );
            return if is_mandate {
                self.bounce_mandate(transaction, month, sink)
            } else {
                None
            };
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
                            follow_up: Some(then),
                            ..
                        },
                    ..
                },
            ) if transaction.kind == PlannedKind::Regular => {
                self.plan_follow_up(then, sampled_flow, transaction, month)
            }
            _ => None,
        }
    }

    /// A mandate that cannot be honoured leaves no row of its own, as with most banks: its charge tells it. The payee tries
    /// once more.
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
        let purpose = "ACH DR RTN CHGS INSUFFICIENT FUNDS INCL GST";
        let charge = PlannedTransaction {
            purpose,
            counterparty: transaction.counterparty,
            ..charge
        };
        self.charge_or_defer(charge, "ACH RTN CHGS RECOVERED INCL GST", month, sink);
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

    /// Takes a charge, now, or when there is money; then it is told as `later`.
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

    /// Takes what is due of charges, each by itself, as far as the money goes.
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

    /// Brings the sums up to the eve of this day.
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
        let AccountBehavior { branch, style, .. } = *self.behavior;
        let input = NarrationInput {
            style,
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
        });
    }

    /// What the bank does at the end of a month, and of a quarter.
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
        // The day itself counts for what comes next.
        self.accumulate_until(last + 1);
        if month.is_quarter_end() {
            self.balance_sums.quarter = i128::from(self.balance.0);
        }
    }

    /// Moves what is over or missing to or from another account of the holder, in a round sum; a last purchase takes the
    /// rest.
    fn settle_quarter(&mut self, target: Paise, month: Month, sink: RowSink<'_>) {
        let day = month.num_days();
        let mut rng = self
            .behavior
            .account_stream(StreamKind::MonthClose, month.ordinal() * 16 + 1);
        let mut random_second = || rng.random_range(0..3600);
        let (early, late, last) = (random_second() / 2 + 1800, random_second(), random_second());
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

    /// Positive: money comes. People's banks sweep it to and from a deposit; firms move it to and from another bank.
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
        let counterparty = Counterparty {
            name: self.behavior.holder,
            surname: "",
            address_number: 1,
        };
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

/// Of a sum of paise days, at so many basis points a year; banks credit whole rupees.
fn compute_interest(balance_sum: i128, basis_points: i64) -> Paise {
    let paise = balance_sum.max(0) * i128::from(basis_points) / (365 * 10_000);
    Paise(i64::try_from((paise + 50) / 100 * 100).expect("a quarter's interest fits"))
}

fn to_ist_timestamp(date: NaiveDate, second: u32) -> Timestamp {
    Timestamp::from_ist(date.and_time(NaiveTime::MIN))
        .saturating_add(Millis::from_secs(second.min(86_399).into()))
}

/// UPI began on 11 April 2016, and was there for everybody from August on.
const UPI_SINCE: (i32, u32) = (2016, 8);

/// IMPS began on 22 November 2010.
const IMPS_SINCE: (i32, u32) = (2010, 12);

/// What people used before there was UPI, and before there was IMPS.
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

/// UPI carries up to one lakh, IMPS up to five, RTGS from two on (National Payments Corporation and Reserve Bank of
/// India).
fn channel_for_amount(channel: Channel, amount: Paise) -> Channel {
    const LAKH: i64 = 10_000_000;
    match channel {
        Channel::Upi if amount.0 > LAKH => channel_for_amount(Channel::Imps, amount),
        Channel::Imps if amount.0 > 5 * LAKH => Channel::Rtgs,
        Channel::Rtgs if amount.0 < 2 * LAKH => Channel::Neft,
        channel => channel,
    }
}

/// Cash machines give notes of a hundred, and at most ten thousand at once.
fn round_to_banknotes(amount: Paise) -> Paise {
    Paise((amount.0 / 10_000 * 10_000).clamp(10_000, 1_000_000))
}

/// Whether a channel works on a day: NEFT by day and night since 16 December 2019, RTGS since 14 December 2020, NACH on all
/// days since 1 August 2021; cheques, remittances and the counter when banks do.
fn is_channel_open(channel: Channel, date: NaiveDate) -> bool {
    let is_since =
        |year, month, day| date >= NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    let is_continuous = match channel {
        Channel::Neft => is_since(2019, 12, 16),
        Channel::Rtgs => is_since(2020, 12, 14),
        Channel::Nach => is_since(2021, 8, 1),
        Channel::Cheque | Channel::Cash | Channel::Remittance => false,
        _ => true,
    };
    is_continuous || is_working_day(date)
}

/// The day on which it happens that is wished for this one: the next on which the channel works, within the month.
fn next_open_day(channel: Channel, month: Month, day: u32) -> u32 {
    next_matching_day(month, day, |date| is_channel_open(channel, date))
}

/// The next day from this one on that is such a day; where the month has none any more, the last before.
fn next_matching_day(month: Month, day: u32, is_match: impl Fn(NaiveDate) -> bool) -> u32 {
    let matches_day = |day: &u32| is_match(month.clamped_date(*day));
    (day..=month.num_days())
        .find(matches_day)
        .or_else(|| (1..day).rev().find(matches_day))
        .unwrap_or(day)
}

/// From which hour to which.
fn hour_range(channel: Channel, flow: &Flow) -> (u32, u32) {
    match channel {
        // Pay comes in the morning.
        _ if flow.counts_as_income && flow.day_rule == DayRule::LastWorkingDay => (9, 10),
        Channel::Nach => (5, 8),
        Channel::Cheque | Channel::Cash | Channel::Remittance => (10, 16),
        Channel::Neft | Channel::Rtgs => (8, 18),
        Channel::Tax => (10, 18),
        Channel::Upi if flow.period == Period::Day => (9, 22),
        _ => (8, 22),
    }
}
