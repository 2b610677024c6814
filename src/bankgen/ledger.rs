//! The ledger of a bank account, told month by month.
//!
//! A quarter is told from its first day, with a running balance: what the account cannot pay is not paid, and what is
//! collected by mandate bounces. Where the story says what the account keeps, each quarter ends there ([`Habits::close`]), by a
//! sweep to or from a deposit; so a month needs no more of the past than its quarter. Where it does
//! not, the ledger is told from the opening on.

use std::collections::{HashMap, VecDeque};

use chrono::{Datelike, NaiveDate, NaiveTime};
use rand::{Rng, RngExt};

use crate::bankgen::habits::{Drawn, Habits, Owed, Priced, Schedule, one_of, somebody};
use crate::bankgen::loan::Instalment;
use crate::bankgen::narration::{Facts, Party, mode};
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
const BOUNCE: Paise = Paise(29_500);

/// What a bank takes where the month's average was too low: 300 rupees and GST.
const LOW_BALANCE: Paise = Paise(35_400);

/// What a lender takes for presenting an instalment again.
const PENAL: Paise = Paise::from_rupees(500);

/// A mandate that has bounced is presented again after so many days.
const AGAIN_AFTER: u32 = 5;

/// Settlements between own accounts are in multiples of this.
const SETTLEMENT: i64 = 50_000;

/// On the last day of a month nothing happens from this hour on but what the bank does.
const LAST_HOUR: u32 = 18;

/// Where rows go.
pub type Sink<'s> = &'s mut dyn FnMut(NewRow<'_>);

/// Tells the months of an account, one after the other.
pub struct Teller<'a> {
    habits: &'a Habits<'a>,
    /// The month that is told next.
    next: Month,
    balance: Paise,
    /// Since the last interest: closing balances, in paise days.
    products: Products,
    /// Charges that wait for money, the oldest first.
    arrears: VecDeque<Attempt<'a>>,
    /// Kept from month to month for its room.
    agenda: Agenda<'a>,
    /// The schedules of the loans that run, by flow.
    schedules: HashMap<usize, Schedule>,
    number: u64,
    narration: String,
    reference: String,
}

/// Sums of closing balances.
#[derive(Clone, Copy, Debug, Default)]
struct Products {
    /// Of the quarter, the day before it included and its last day not.
    quarter: i128,
    /// Of the month alone, and of what was overdrawn in it.
    month: i128,
    overdrawn: i128,
    /// Days of the month that are in them.
    days: u32,
}

/// Something that wants to happen.
#[derive(Clone, Copy, Debug)]
struct Attempt<'a> {
    day: u32,
    second: u32,
    /// The flow that it comes from; what follows comes from one too.
    drawn: Option<&'a Drawn<'a>>,
    direction: TransactionType,
    amount: Paise,
    channel: Channel,
    party: Party<'a>,
    purpose: &'a str,
    instalment: Option<Instalment>,
    salt: u64,
    role: Role,
}

impl Attempt<'_> {
    /// Day and second.
    fn at(&self) -> (u32, u32) {
        (self.day, self.second)
    }
}

/// What wants to happen in a month.
#[derive(Debug, Default)]
struct Agenda<'a> {
    attempts: Vec<Attempt<'a>>,
    /// What is still to come, the earliest last.
    due: Vec<Due>,
}

impl<'a> Agenda<'a> {
    /// Puts something among what is still to come after what has just happened.
    fn insert(&mut self, attempt: Attempt<'a>, last: (u32, u32), month: Month) {
        let second = before_the_end(month, attempt.day, attempt.second);
        let (day, second) = (attempt.day, second).max(last);
        let due = Due {
            at: (day, second),
            place: self.attempts.len(),
        };
        self.attempts.push(Attempt {
            day,
            second,
            ..attempt
        });
        self.due
            .insert(self.due.partition_point(|other| other.at > due.at), due);
    }
}

/// When an attempt is made, and where it is kept: attempts are too big to be moved about by sorting.
#[derive(Clone, Copy, Debug)]
struct Due {
    /// Day and second.
    at: (u32, u32),
    place: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Habit,
    Mandate,
    /// A mandate that has bounced once.
    Again,
    Follower,
    /// It is of the bank's own making, and always happens.
    Bank,
}

impl<'a> Teller<'a> {
    /// Begins as early as it has to so that this month comes out right, and tells up to it.
    pub fn from(habits: &'a Habits<'a>, month: Month) -> Self {
        let first = habits.first_month();
        let quarter = month.quarter_start();
        let opening = if quarter > first {
            habits.close(quarter.previous())
        } else {
            None
        };
        let begin = if opening.is_some() { quarter } else { first };
        let balance = opening.unwrap_or_default();
        let products = Products {
            quarter: i128::from(balance.0),
            ..Products::default()
        };
        let mut teller = Self {
            habits,
            next: begin,
            balance,
            products,
            arrears: VecDeque::new(),
            agenda: Agenda::default(),
            schedules: HashMap::new(),
            number: 0,
            narration: String::new(),
            reference: String::new(),
        };
        while teller.next < month {
            teller.tell(&mut |_| {});
        }
        teller
    }

    /// The month that is told next.
    pub fn month(&self) -> Month {
        self.next
    }

    pub fn balance(&self) -> Paise {
        self.balance
    }

    /// Tells one month.
    pub fn tell(&mut self, sink: Sink<'_>) {
        let month = self.next;
        self.number = 0;
        self.products = Products {
            quarter: self.products.quarter,
            ..Products::default()
        };
        let mut agenda = std::mem::take(&mut self.agenda);
        self.plan(month, &mut agenda);
        if month == self.habits.first_month() {
            let day = self.habits.opened_on.day();
            agenda.due.retain(|due| due.at.0 > day);
            self.open(day, month, sink);
        }
        while let Some(due) = agenda.due.pop() {
            let attempt = &agenda.attempts[due.place];
            if let Some(after) = self.attempt(attempt, month, sink) {
                agenda.insert(after, due.at, month);
            }
        }
        self.agenda = agenda;
        self.end(month, sink);
        self.next = month.next();
    }

    fn floor(&self) -> Paise {
        // A little is left of an overdraft, for its interest.
        Paise(-self.habits.story.overdraft_limit.0 * 98 / 100)
    }

    fn open(&mut self, day: u32, month: Month, sink: Sink<'_>) {
        let amount = self.habits.opening();
        let channel = match is_working_day(self.habits.opened_on) {
            true if amount > Paise::from_rupees(50_000) => Channel::Cheque,
            true => Channel::Cash,
            // Opened on a day off: by the bank's own app.
            false => Channel::Transfer,
        };
        let deposit = Attempt {
            purpose: "ACCOUNT OPENING DEPOSIT",
            ..self.bank(day, 11 * 3600, amount, channel)
        };
        if amount.0 > 0 {
            self.post(
                &Attempt {
                    direction: TransactionType::Credit,
                    ..deposit
                },
                month,
                sink,
            );
        }
    }

    /// What the bank does by itself.
    fn bank(&self, day: u32, second: u32, amount: Paise, channel: Channel) -> Attempt<'a> {
        Attempt {
            day,
            second,
            drawn: None,
            direction: TransactionType::Debit,
            amount,
            channel,
            party: Party::NOBODY,
            purpose: "",
            instalment: None,
            salt: self.bank_salt(),
            role: Role::Bank,
        }
    }

    /// Another one for each of the bank's own rows: their references are made of it.
    fn bank_salt(&self) -> u64 {
        let row = u64::try_from(self.next.ordinal()).expect("years are positive") << 20
            | self.number << 4;
        (row | u64::try_from(self.arrears.len()).expect("few") & 15)
            .wrapping_add(u64::from(self.habits.branch.code))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            >> 16
    }

    /// Everything that the habits have for this month.
    fn plan(&mut self, month: Month, agenda: &mut Agenda<'a>) {
        agenda.attempts.clear();
        let mut rng = self.habits.stream(StreamKind::Month, month.ordinal());
        let life =
            u32::try_from(month.ordinal() - self.habits.first_month().ordinal()).unwrap_or(0) + 1;
        for (number, drawn) in self.habits.flows().iter().enumerate() {
            let Flow {
                month_mask: months,
                account_age_months: (begins, ends),
                period: every,
                times_per_period: times,
                ..
            } = drawn.flow;
            let months = match every {
                Period::Quarter if *months == 0xfff => 0b0010_0100_1001,
                Period::Year if *months == 0xfff => 0b0000_0000_1000,
                _ => *months,
            };
            if months >> (month.month - 1) & 1 == 0 || !(*begins..=*ends).contains(&life) {
                continue;
            }
            let (low, high) = *times;
            let mut shared = drawn
                .flow
                .transfer_name
                .as_ref()
                .map(|name| self.habits.shared_stream(name, month));
            let rng = shared.as_mut().unwrap_or(&mut rng);
            match every {
                Period::Day => {
                    for day in 1..=month.num_days() {
                        for _ in 0..rng.random_range(low..=high) {
                            agenda.attempts.extend(self.propose(
                                number,
                                drawn,
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
                            agenda.attempts.extend(self.propose(
                                number,
                                drawn,
                                month,
                                Some((week * 7 + 1, last)),
                                rng,
                            ));
                        }
                    }
                }
                Period::Month | Period::Quarter | Period::Year => {
                    for _ in 0..rng.random_range(low..=high) {
                        agenda
                            .attempts
                            .extend(self.propose(number, drawn, month, None, rng));
                    }
                }
            }
        }
        let due = agenda
            .attempts
            .iter()
            .enumerate()
            .map(|(place, attempt)| Due {
                at: attempt.at(),
                place,
            });
        agenda.due.extend(due);
        agenda
            .due
            .sort_unstable_by_key(|due| (std::cmp::Reverse(due.at), due.place));
    }

    fn propose(
        &mut self,
        number: usize,
        drawn: &'a Drawn<'a>,
        month: Month,
        days: Option<(u32, u32)>,
        rng: &mut impl Rng,
    ) -> Option<Attempt<'a>> {
        let flow = drawn.flow;
        let Priced { party, usual } = drawn.party.unwrap_or_else(|| match &flow.counterparty {
            CounterpartyChoice::Fixed(list) | CounterpartyChoice::Varying(list) => {
                one_of(list, self.habits.holder, rng)
            }
            CounterpartyChoice::Unnamed => Priced {
                party: Party::NOBODY,
                usual: (0, 0),
            },
        });
        let mut amount = self.habits.amount(drawn, usual, month, rng);
        let (mut direction, mut purpose, mut instalment) =
            (flow.direction, flow.purpose.as_str(), None);
        let mut role = if flow.by_mandate {
            Role::Mandate
        } else {
            Role::Habit
        };
        if let AmountRule::Loan(loan) = &flow.amount {
            match self.habits.loan(
                number,
                loan,
                month,
                self.schedules.entry(number).or_default(),
            ) {
                Owed::PaidOut(_) if !loan.disbursed_to_account => return None,
                Owed::PaidOut(principal) => {
                    (direction, amount, purpose) =
                        (TransactionType::Credit, principal, "LOAN DISBURSEMENT");
                    role = Role::Habit;
                }
                Owed::Instalment(due) => (amount, instalment) = (due.amount(), Some(due)),
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
        let channel = within_limits(fitting(flow.channel, party, month), amount);
        let day = if flow.day_rule == DayRule::AnyWorkingDay {
            next_day(month, day, is_working_day)
        } else {
            open_day(channel, month, day)
        };
        let (low, high) = hours(channel, flow);
        let second = rng.random_range(low * 3600..high * 3600);
        let salt = rng.next_u64();
        if flow.chance_percent < 100 && rng.random_range(0..100) >= flow.chance_percent {
            return None;
        }
        let amount = if channel == Channel::Atm {
            notes(amount)
        } else {
            amount
        };
        let second = before_the_end(month, day, second);
        let drawn = Some(drawn);
        Some(Attempt {
            day,
            second,
            drawn,
            direction,
            amount,
            channel,
            party,
            purpose,
            instalment,
            salt,
            role,
        })
    }

    /// Does it, if it can be done; what follows from it is still to come.
    fn attempt(
        &mut self,
        attempt: &Attempt<'a>,
        month: Month,
        sink: Sink<'_>,
    ) -> Option<Attempt<'a>> {
        let mut of_balance = None;
        if let Some(Drawn {
            flow:
                Flow {
                    amount: AmountRule::BalanceShare((low, high)),
                    rounding_step: step,
                    ..
                },
            ..
        }) = attempt.drawn
            && attempt.role == Role::Habit
        {
            let attempt = of_balance.insert(*attempt);
            let span = u64::try_from(high - low).expect("a range's high end is last") + 1;
            let percent = low + i64::try_from(attempt.salt % span).expect("percent are small");
            let part = self.balance.0.max(0) * percent / 100;
            let step = step.0.max(100);
            attempt.amount = Paise(part / step * step);
            if attempt.channel == Channel::Atm && attempt.amount.0 > 0 {
                attempt.amount = notes(attempt.amount);
            }
            attempt.channel = within_limits(attempt.channel, attempt.amount);
        }
        let attempt = of_balance.as_ref().unwrap_or(attempt);
        if attempt.amount.0 <= 0 {
            return None;
        }
        if attempt.direction == TransactionType::Debit
            && self.balance - attempt.amount < self.floor()
        {
            let bounces = matches!(attempt.role, Role::Mandate | Role::Again);
            return if bounces {
                self.bounce(attempt, month, sink)
            } else {
                None
            };
        }
        self.post(attempt, month, sink);
        if attempt.role == Role::Follower && attempt.channel == Channel::Cheque {
            let charge = self.bank(attempt.day, attempt.second, BOUNCE, Channel::Charge);
            let charge = Attempt {
                purpose: "CHQ RTN CHGS INCL GST",
                ..charge
            };
            self.charge(charge, "CHQ RTN CHGS RECOVERED INCL GST", month, sink);
        }
        if attempt.direction == TransactionType::Credit {
            self.recover(attempt.at(), month, sink);
        }
        match attempt.drawn {
            Some(
                drawn @ Drawn {
                    flow:
                        Flow {
                            follow_up: Some(then),
                            ..
                        },
                    ..
                },
            ) if attempt.role == Role::Habit => self.follow(then, drawn, attempt, month),
            _ => None,
        }
    }

    /// A mandate that cannot be honoured leaves no row of its own, as with most banks: its charge tells it. The payee tries
    /// once more.
    fn bounce(
        &mut self,
        attempt: &Attempt<'a>,
        month: Month,
        sink: Sink<'_>,
    ) -> Option<Attempt<'a>> {
        let charge = self.bank(attempt.day, attempt.second, BOUNCE, Channel::Charge);
        let purpose = "ACH DR RTN CHGS INSUFFICIENT FUNDS INCL GST";
        let charge = Attempt {
            purpose,
            party: attempt.party,
            ..charge
        };
        self.charge(charge, "ACH RTN CHGS RECOVERED INCL GST", month, sink);
        let day = attempt.day + AGAIN_AFTER;
        (attempt.role == Role::Mandate && day < month.num_days()).then(|| {
            let day = open_day(attempt.channel, month, day);
            Attempt {
                day,
                role: Role::Again,
                amount: attempt.amount + PENAL,
                ..*attempt
            }
        })
    }

    /// Takes a charge, now, or when there is money; then it is told as `later`.
    fn charge(&mut self, charge: Attempt<'a>, later: &'static str, month: Month, sink: Sink<'_>) {
        if self.balance - charge.amount >= self.floor() {
            self.post(&charge, month, sink);
        } else {
            self.arrears.push_back(Attempt {
                purpose: later,
                ..charge
            });
        }
    }

    /// Takes what is due of charges, each by itself, as far as the money goes.
    fn recover(&mut self, (day, second): (u32, u32), month: Month, sink: Sink<'_>) {
        while let Some(due) = self
            .arrears
            .front()
            .filter(|due| self.balance >= due.amount)
            .copied()
        {
            self.arrears.pop_front();
            self.post(&Attempt { day, second, ..due }, month, sink);
        }
    }

    fn follow(
        &self,
        then: &'a FollowUp,
        drawn: &'a Drawn<'a>,
        first: &Attempt<'a>,
        month: Month,
    ) -> Option<Attempt<'a>> {
        let mut rng = self.habits.stream(
            StreamKind::Month,
            i64::try_from(first.salt >> 8).expect("56 bits"),
        );
        if rng.random_range(0..100) >= then.chance_percent {
            return None;
        }
        let percent = rng.random_range(then.percent.0..=then.percent.1);
        let after = rng.random_range(then.delay_seconds.0..=then.delay_seconds.1);
        let party = match (&then.counterparty, drawn.then) {
            (_, Some(once)) => once.party,
            (Some(CounterpartyChoice::Varying(list) | CounterpartyChoice::Fixed(list)), None) => {
                one_of(list, self.habits.holder, &mut rng).party
            }
            _ => first.party,
        };
        let amount = Paise(first.amount.0 * percent / 100);
        let amount = if percent == 100 {
            amount
        } else {
            Paise(amount.0 / 100 * 100)
        };
        let channel = within_limits(then.channel, amount);
        let amount = if channel == Channel::Atm {
            notes(amount)
        } else {
            amount
        };
        let at = i64::from(first.day) * 86_400 + i64::from(first.second) + after;
        let (day, second) = (at / 86_400, at % 86_400);
        let (day, second) = match u32::try_from(day) {
            Ok(day) if day < month.num_days() => (day, u32::try_from(second).expect("of a day")),
            _ => (
                month.num_days(),
                (LAST_HOUR - 1) * 3600 + first.second % 3600,
            ),
        };
        let moved = open_day(channel, month, day);
        let second = if moved == day {
            second
        } else {
            11 * 3600 + second % 3600
        };
        Some(Attempt {
            day: moved,
            second,
            drawn: Some(drawn),
            direction: then.direction,
            amount,
            channel,
            party,
            purpose: &then.purpose,
            instalment: None,
            salt: rng.next_u64(),
            role: Role::Follower,
        })
    }

    /// Brings the sums up to the eve of this day.
    fn sum_to(&mut self, day: u32) {
        let days = i128::from(day.saturating_sub(1).saturating_sub(self.products.days));
        self.products.days += u32::try_from(days).expect("of a month");
        let product = i128::from(self.balance.0) * days;
        self.products.month += product;
        self.products.quarter += product;
        self.products.overdrawn += product.min(0);
    }

    fn post(&mut self, attempt: &Attempt<'a>, month: Month, sink: Sink<'_>) {
        self.sum_to(attempt.day);
        let Attempt {
            day,
            second,
            direction,
            amount,
            channel,
            party,
            purpose,
            instalment,
            salt,
            ..
        } = *attempt;
        self.balance = match direction {
            TransactionType::Credit => self.balance + amount,
            TransactionType::Debit => self.balance - amount,
        };
        let date = month.clamped_date(day);
        let Habits { branch, style, .. } = *self.habits;
        let facts = Facts {
            style,
            channel,
            direction,
            party,
            purpose,
            instalment,
            date,
            branch,
            salt,
        };
        self.reference.clear();
        facts.refer(&mut self.reference);
        self.narration.clear();
        facts.narrate(&self.reference, &mut self.narration);
        self.number += 1;
        let year = u64::from(date.year().unsigned_abs());
        let id = (year * 10_000 + u64::from(month.month * 100 + day)) * 100_000 + self.number;
        sink(NewRow {
            at: instant(date, second),
            transaction_type: direction,
            mode: mode(channel, direction),
            amount,
            balance: self.balance,
            id,
            narration: &self.narration,
            reference: &self.reference,
        });
    }

    /// What the bank does at the end of a month, and of a quarter.
    fn end(&mut self, month: Month, sink: Sink<'_>) {
        let last = month.num_days();
        self.sum_to(last);
        let story = self.habits.story;
        let average = self.products.month / i128::from(last - 1).max(1);
        if average < i128::from(story.minimum_balance.0) && month != self.habits.first_month() {
            let charge = self.bank(last, 19 * 3600, LOW_BALANCE, Channel::Charge);
            let charge = Attempt {
                purpose: "MIN BAL CHGS INCL GST",
                ..charge
            };
            self.charge(charge, "MIN BAL CHGS RECOVERED INCL GST", month, sink);
        }
        let overdrawn = interest(-self.products.overdrawn, story.interest_bps);
        let earned =
            if month.is_quarter_end() && self.habits.earns_interest && story.overdraft_limit.0 == 0
            {
                interest(self.products.quarter, story.interest_bps)
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
                let row = self.bank(last, 19 * 3600 + 600, amount, Channel::Interest);
                self.post(
                    &Attempt {
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
            && let Some(close) = self.habits.close(month)
        {
            self.settle(close, month, sink);
        }
        // The day itself counts for what comes next.
        self.sum_to(last + 1);
        if month.is_quarter_end() {
            self.products.quarter = i128::from(self.balance.0);
        }
    }

    /// Moves what is over or missing to or from another account of the holder, in a round sum; a last purchase takes the
    /// rest.
    fn settle(&mut self, wanted: Paise, month: Month, sink: Sink<'_>) {
        let day = month.num_days();
        let mut rng = self
            .habits
            .stream(StreamKind::MonthClose, month.ordinal() * 16 + 1);
        let mut minute = || rng.random_range(0..3600);
        let (early, late, last) = (minute() / 2 + 1800, minute(), minute());
        let due: i64 = self.arrears.iter().map(|due| due.amount.0).sum();
        if due > self.balance.0 {
            self.transfer(
                Paise((due / SETTLEMENT + 1) * SETTLEMENT),
                (day, 19 * 3600 + early),
                month,
                sink,
            );
        }
        self.recover((day, 19 * 3600 + early), month, sink);
        let over = self.balance - wanted;
        let mut rest = over.0.rem_euclid(SETTLEMENT);
        if rest > 0 && rest < 2_000 {
            rest += SETTLEMENT;
        }
        let moved = Paise(rest - over.0);
        if moved.0 > 0 {
            self.transfer(moved, (day, 20 * 3600), month, sink);
        }
        if rest > 0 {
            let (cast, channel) = if self.habits.firm || (month.year, month.month) < UPI_SINCE {
                (NamePool::Stores, Channel::Card)
            } else {
                (NamePool::Shops, Channel::Upi)
            };
            let party = somebody(cast, self.habits.holder, &mut rng).party;
            let purchase = self.bank(day, 20 * 3600 + late, Paise(rest), channel);
            self.post(
                &Attempt {
                    party,
                    purpose: "PURCHASE",
                    salt: rng.next_u64(),
                    ..purchase
                },
                month,
                sink,
            );
        }
        if moved.0 < 0 {
            self.transfer(moved, (day, 21 * 3600 + last), month, sink);
        }
    }

    /// Positive: money comes. People's banks sweep it to and from a deposit; firms move it to and from another bank.
    fn transfer(&mut self, moved: Paise, (day, second): (u32, u32), month: Month, sink: Sink<'_>) {
        let amount = Paise(moved.0.abs());
        let direction = if moved.0 > 0 {
            TransactionType::Credit
        } else {
            TransactionType::Debit
        };
        let (channel, purpose) = match direction {
            _ if self.habits.firm => (within_limits(Channel::Imps, amount), "SELF TRANSFER"),
            TransactionType::Credit => (Channel::Transfer, "SWEEP FROM FD"),
            TransactionType::Debit => (Channel::Transfer, "SWEEP TO FD"),
        };
        let channel = if is_open(channel, month.clamped_date(day)) {
            channel
        } else {
            Channel::Transfer
        };
        let party = Party {
            name: self.habits.holder,
            surname: "",
            number: 1,
        };
        let row = self.bank(day, second, amount, channel);
        self.post(
            &Attempt {
                direction,
                party,
                purpose,
                ..row
            },
            month,
            sink,
        );
    }
}

fn before_the_end(month: Month, day: u32, second: u32) -> u32 {
    let late = day == month.num_days() && second >= LAST_HOUR * 3600;
    if late {
        (LAST_HOUR - 1) * 3600 + second % 3600
    } else {
        second
    }
}

/// Of a sum of paise days, at so many basis points a year; banks credit whole rupees.
fn interest(products: i128, basis_points: i64) -> Paise {
    let paise = products.max(0) * i128::from(basis_points) / (365 * 10_000);
    Paise(i64::try_from((paise + 50) / 100 * 100).expect("a quarter's interest fits"))
}

fn instant(date: NaiveDate, second: u32) -> Timestamp {
    Timestamp::from_ist(date.and_time(NaiveTime::MIN))
        .saturating_add(Millis::from_secs(second.min(86_399).into()))
}

/// UPI began on 11 April 2016, and was there for everybody from August on.
const UPI_SINCE: (i32, u32) = (2016, 8);

/// IMPS began on 22 November 2010.
const IMPS_SINCE: (i32, u32) = (2010, 12);

/// What people used before there was UPI, and before there was IMPS.
fn fitting(channel: Channel, party: Party<'_>, month: Month) -> Channel {
    let month = (month.year, month.month);
    match channel {
        Channel::Upi | Channel::Imps if month < IMPS_SINCE && !party.surname.is_empty() => {
            Channel::Neft
        }
        Channel::Imps if month < IMPS_SINCE => Channel::Neft,
        Channel::Upi if month < UPI_SINCE && party.surname.is_empty() => Channel::Card,
        Channel::Upi if month < UPI_SINCE => Channel::Imps,
        channel => channel,
    }
}

/// UPI carries up to one lakh, IMPS up to five, RTGS from two on (National Payments Corporation and Reserve Bank of
/// India).
fn within_limits(channel: Channel, amount: Paise) -> Channel {
    const LAKH: i64 = 10_000_000;
    match channel {
        Channel::Upi if amount.0 > LAKH => within_limits(Channel::Imps, amount),
        Channel::Imps if amount.0 > 5 * LAKH => Channel::Rtgs,
        Channel::Rtgs if amount.0 < 2 * LAKH => Channel::Neft,
        channel => channel,
    }
}

/// Cash machines give notes of a hundred, and at most ten thousand at once.
fn notes(amount: Paise) -> Paise {
    Paise((amount.0 / 10_000 * 10_000).clamp(10_000, 1_000_000))
}

/// Whether a channel works on a day: NEFT by day and night since 16 December 2019, RTGS since 14 December 2020, NACH on all
/// days since 1 August 2021; cheques, remittances and the counter when banks do.
fn is_open(channel: Channel, date: NaiveDate) -> bool {
    let since =
        |year, month, day| date >= NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    let always = match channel {
        Channel::Neft => since(2019, 12, 16),
        Channel::Rtgs => since(2020, 12, 14),
        Channel::Nach => since(2021, 8, 1),
        Channel::Cheque | Channel::Cash | Channel::Remittance => false,
        _ => true,
    };
    always || is_working_day(date)
}

/// The day on which it happens that is wished for this one: the next on which the channel works, within the month.
fn open_day(channel: Channel, month: Month, day: u32) -> u32 {
    next_day(month, day, |date| is_open(channel, date))
}

/// The next day from this one on that is such a day; where the month has none any more, the last before.
fn next_day(month: Month, day: u32, is_such: impl Fn(NaiveDate) -> bool) -> u32 {
    let such = |day: &u32| is_such(month.clamped_date(*day));
    (day..=month.num_days())
        .find(such)
        .or_else(|| (1..day).rev().find(such))
        .unwrap_or(day)
}

/// From which hour to which.
fn hours(channel: Channel, flow: &Flow) -> (u32, u32) {
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
