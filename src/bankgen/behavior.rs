//! The behavior of one bank account: a cash-flow plan, with everything that is sampled once for the
//! account. `ledger` generates the transactions from it.

use std::borrow::Cow;

use chrono::NaiveDate;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::bankgen::loan::{Instalment, build_schedule};
use crate::bankgen::names::{FIRST_NAMES, LAST_NAMES, pool_entries};
use crate::bankgen::narration::Counterparty;
use crate::bankgen::people::{Branch, pick_random};
use crate::bankgen::random_stream;
use crate::domain::calendar::{Month, working_day_on_or_after};
use crate::domain::customer_address::customer_identifier;
use crate::domain::money::Paise;
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::persona::{
    AmountRule, CashFlowPlan, Channel, CounterpartyChoice, Flow, Loan, MinMax, NamePool,
    NameSource, Period,
};
use crate::domain::random_stream::{StreamKey, StreamKind};

/// The financial year that the amounts of persona files refer to.
const BASE_YEAR: i32 = 2024;

/// The behavior of an account: its cash-flow plan and what is sampled once from the seed.
#[derive(Debug)]
pub(crate) struct AccountBehavior<'a> {
    pub cash_flow_plan: &'a CashFlowPlan,
    pub branch: Branch,
    pub opened_on: NaiveDate,
    pub narration: NarrationLayout,
    /// The holder, as the counterparty of transfers between own accounts.
    pub holder: &'a str,
    pub earns_interest: bool,
    pub is_firm: bool,
    seed: u64,
    /// The identifier of the customer.
    customer: Cow<'a, str>,
    /// The owner of the account's random streams.
    stream_owner: String,
    flows: Vec<SampledFlow<'a>>,
    target_balance: i64,
}

/// A flow, and what is sampled once for it.
#[derive(Debug)]
pub(crate) struct SampledFlow<'a> {
    pub flow: &'a Flow,
    /// Paise, or hundredths of a percent for a share; 0 where each occurrence is sampled.
    base_value: i64,
    /// The counterparty, if it is always the same.
    pub fixed_counterparty: Option<PricedCounterparty<'a>>,
    /// The counterparty of the follow-up, if it is always the same.
    pub follow_up_counterparty: Option<PricedCounterparty<'a>>,
    /// The regular customers of a flow with people every day, the most frequent first.
    regulars: Vec<PricedCounterparty<'a>>,
}

/// The number of regular customers of a shop.
const REGULAR_COUNT: usize = 180;

/// The percentage of a shop's receipts that regular customers pay.
const REGULAR_PERCENT: u32 = 60;

impl<'a> SampledFlow<'a> {
    /// Picks the counterparty of one occurrence.
    pub(crate) fn pick_counterparty(
        &self,
        holder: &'a str,
        rng: &mut impl Rng,
    ) -> PricedCounterparty<'a> {
        if let Some(fixed) = self.fixed_counterparty {
            return fixed;
        }
        if !self.regulars.is_empty() && rng.random_range(0..100) < REGULAR_PERCENT {
            // The smaller of two indexes: some regulars come more often than others.
            let count = self.regulars.len();
            let index = rng.random_range(0..count).min(rng.random_range(0..count));
            return self.regulars[index];
        }
        match &self.flow.counterparty {
            CounterpartyChoice::Fixed(list) | CounterpartyChoice::Varying(list) => {
                pick_from_list(list, holder, rng)
            }
            CounterpartyChoice::Unnamed => NO_COUNTERPARTY,
        }
    }
}

/// A counterparty with its usual amounts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PricedCounterparty<'a> {
    pub counterparty: Counterparty<'a>,
    pub usual_rupees: MinMax<i64>,
}

/// The inputs that determine the behavior of an account.
pub(crate) struct BehaviorInputs<'a> {
    pub seed: u64,
    pub customer: &'a str,
    /// The number of the account among those of the customer.
    pub account_ordinal: u64,
    /// The layout of the FIP's narrations. That of the plan comes before it.
    pub fip_narration: NarrationLayout,
    pub opened_on: Option<NaiveDate>,
    pub opened_in: MinMax<i32>,
    pub holder: &'a str,
    pub earns_interest: bool,
    pub is_firm: bool,
}

impl<'a> AccountBehavior<'a> {
    pub(crate) fn sample(cash_flow_plan: &'a CashFlowPlan, inputs: &BehaviorInputs<'a>) -> Self {
        let BehaviorInputs {
            seed,
            customer,
            account_ordinal,
            fip_narration,
            opened_on,
            opened_in,
            holder,
            earns_interest,
            is_firm,
        } = *inputs;
        let customer = customer_identifier(customer);
        let stream_owner = format!("{customer}#{account_ordinal}");
        let mut rng = random_stream(StreamKey {
            seed,
            owner: &stream_owner,
            kind: StreamKind::Behavior,
            ordinal: 0,
        });
        let branch = Branch::sample(&mut rng);
        let (year, month) = (
            rng.random_range(opened_in.0..=opened_in.1),
            rng.random_range(1..=12),
        );
        let opened_on = opened_on
            .unwrap_or_else(|| working_day_on_or_after(Month { year, month }.clamped_date(8)));
        let mut employer = None;
        let flows = (REGULARS_ORDINAL..)
            .zip(&cash_flow_plan.flows)
            .map(|(ordinal, flow)| SampledFlow {
                regulars: sample_regulars(
                    flow,
                    holder,
                    StreamKey {
                        seed,
                        owner: &stream_owner,
                        kind: StreamKind::Behavior,
                        ordinal,
                    },
                ),
                ..sample_flow(flow, holder, &mut employer, &mut rng)
            })
            .collect();
        let target_balance = cash_flow_plan
            .target_balance
            .as_ref()
            .map_or(0, |amount| sample_base(amount, &mut rng));
        Self {
            cash_flow_plan,
            branch,
            opened_on,
            narration: cash_flow_plan.narration.unwrap_or(fip_narration),
            holder,
            earns_interest,
            is_firm,
            seed,
            customer,
            stream_owner,
            flows,
            target_balance,
        }
    }

    pub(crate) fn flows(&self) -> &[SampledFlow<'a>] {
        &self.flows
    }

    pub(crate) fn account_stream(&self, kind: StreamKind, ordinal: i64) -> ChaCha8Rng {
        self.stream_for_owner(&self.stream_owner, kind, ordinal)
    }

    /// Returns the stream of a transfer in a month. The two accounts of the transfer share it, so
    /// that their rows agree.
    pub(crate) fn shared_stream(&self, name: &str, month: Month) -> ChaCha8Rng {
        self.stream_for_owner(
            &format!("{}/{name}", self.customer),
            StreamKind::Month,
            month.ordinal(),
        )
    }

    fn stream_for_owner(&self, owner: &str, kind: StreamKind, ordinal: i64) -> ChaCha8Rng {
        let ordinal = u64::try_from(ordinal).expect("years are positive");
        random_stream(StreamKey {
            seed: self.seed,
            owner,
            kind,
            ordinal,
        })
    }

    /// Returns the month in which the account was opened.
    pub(crate) fn first_month(&self) -> Month {
        Month::from_date(self.opened_on)
    }

    /// Returns the income of a month, of which shares are taken.
    fn monthly_income(&self, month: Month) -> Paise {
        let Some(SampledFlow {
            flow, base_value, ..
        }) = self
            .flows
            .iter()
            .find(|sampled_flow| sampled_flow.flow.counts_as_income)
        else {
            return Paise(0);
        };
        let amount = match flow.amount {
            AmountRule::PerOccurrence((low, high)) => low.0 + (high.0 - low.0) / 2,
            _ => *base_value,
        };
        round_to_step(
            apply_growth(amount, flow.annual_growth_percent, month),
            flow.rounding_step,
        )
    }

    /// Samples the amount of one occurrence of a flow. It is 0 for a share of the balance, which
    /// the ledger computes when the transaction is due, and for a loan.
    pub(crate) fn sample_amount(
        &self,
        sampled_flow: &SampledFlow<'_>,
        usual_rupees: MinMax<i64>,
        month: Month,
        rng: &mut impl Rng,
    ) -> Paise {
        let Flow {
            amount,
            annual_growth_percent: growth,
            variation_percent: variation,
            rounding_step: step,
            ..
        } = sampled_flow.flow;
        let paise = match amount {
            AmountRule::PerOccurrence((low, high)) => {
                apply_growth(rng.random_range(low.0..=high.0), *growth, month)
            }
            AmountRule::PerAccount(_) => apply_growth(sampled_flow.base_value, *growth, month),
            AmountRule::IncomePercent(_) => {
                self.monthly_income(month).0 * sampled_flow.base_value / 10_000
            }
            AmountRule::Typical => {
                Paise::from_rupees(rng.random_range(usual_rupees.0..=usual_rupees.1)).0
            }
            AmountRule::BalancePercent(_) | AmountRule::Loan(_) => return Paise(0),
        };
        let paise = if *variation == 0 {
            paise
        } else {
            paise + paise * rng.random_range(-variation * 100..=variation * 100) / 10_000
        };
        if is_typed_amount(sampled_flow.flow) && rng.random_range(0..100) < ROUND_PERCENT {
            return Paise(round_to_step(paise, ROUND_STEP).0.max(ROUND_STEP.0));
        }
        if step.0 > 1 {
            return Paise(round_to_step(paise, *step).0.max(step.0));
        }
        if *variation == 0
            && matches!(amount, AmountRule::PerOccurrence((low, high)) | AmountRule::PerAccount((low, high)) if low == high)
        {
            return Paise(paise);
        }
        // Most prices are in whole rupees.
        let whole_rupees = paise / 100 * 100;
        let paise = if rng.random_bool(0.3) {
            whole_rupees + rng.random_range(0..100)
        } else {
            whole_rupees
        };
        Paise(paise.max(100))
    }

    /// Samples the balance at the end of a quarter whose last month this is; `None` if the plan has
    /// no target balance.
    pub(crate) fn sample_closing_balance(&self, month: Month) -> Option<Paise> {
        let amount = self.cash_flow_plan.target_balance.as_ref()?;
        let mut rng = self.account_stream(StreamKind::MonthClose, month.ordinal());
        Some(match amount {
            AmountRule::PerOccurrence((low, high)) => Paise(rng.random_range(low.0..=high.0)),
            AmountRule::IncomePercent((low, high)) => {
                let share = rng.random_range(low * 100..=high * 100);
                Paise(self.monthly_income(month).0 * share / 10_000 + rng.random_range(0..100))
            }
            _ => Paise(self.target_balance),
        })
    }

    /// Returns the first month that is generated for a statement that begins in this one: its quarter
    /// begins with a sampled balance, if the plan has a target balance.
    pub(crate) fn first_generated_month(&self, month: Month) -> Month {
        let quarter = month.quarter_start();
        if quarter > self.first_month() && self.cash_flow_plan.target_balance.is_some() {
            quarter
        } else {
            self.first_month()
        }
    }

    /// Samples the opening deposit.
    pub(crate) fn sample_opening_deposit(&self) -> Paise {
        let (low, high) = self.cash_flow_plan.opening_balance;
        let mut rng = self.account_stream(StreamKind::Behavior, 1);
        Paise(rng.random_range(low.0 / 100..=high.0 / 100) * 100)
    }

    /// Returns the event of a loan in this month: the disbursement or an instalment. `schedule`
    /// keeps the schedule of the current loan from month to month; it is replaced when the next
    /// loan begins.
    pub(crate) fn resolve_loan_event(
        &self,
        flow_index: usize,
        loan: &Loan,
        month: Month,
        schedule: &mut LoanSchedule,
    ) -> LoanEvent {
        let months_since_opening =
            u64::try_from(month.ordinal() - self.first_month().ordinal()).unwrap_or(0);
        // The month of the disbursement has no instalment.
        let cycle_length = u64::from(loan.instalments) + 1;
        let (cycle, month_of_cycle) = (
            months_since_opening / cycle_length,
            months_since_opening % cycle_length,
        );
        if schedule.cycle != Some(cycle) {
            let ordinal =
                i64::try_from(cycle).unwrap_or(0) * 100 + i64::try_from(flow_index).unwrap_or(0);
            let mut rng = self.account_stream(StreamKind::Loan, ordinal);
            let (low, high) = loan.principal;
            // Loans are of whole thousands.
            let principal =
                Paise::from_rupees((rng.random_range(low.0..=high.0) / 100 / 1000).max(1) * 1000);
            *schedule = LoanSchedule {
                cycle: Some(cycle),
                principal,
                instalments: build_schedule(principal, loan.instalments, loan.rate_bps),
            };
        }
        match usize::try_from(month_of_cycle).expect("months are few") {
            0 => LoanEvent::Disbursement(schedule.principal),
            month_of_cycle => LoanEvent::Instalment(schedule.instalments[month_of_cycle - 1]),
        }
    }
}

/// The current one of consecutive loans, and its instalments.
#[derive(Debug, Default)]
pub(crate) struct LoanSchedule {
    cycle: Option<u64>,
    principal: Paise,
    instalments: Vec<Instalment>,
}

/// The event of a loan in a month.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LoanEvent {
    Disbursement(Paise),
    Instalment(Instalment),
}

/// The ordinal of the random stream of the first flow's regular customers.
const REGULARS_ORDINAL: u64 = 16;

/// Samples the regular customers of a flow with people every day; empty for other flows.
fn sample_regulars<'a>(
    flow: &Flow,
    holder: &'a str,
    key: StreamKey<'_>,
) -> Vec<PricedCounterparty<'a>> {
    let people = CounterpartyChoice::Varying(NameSource::Pool(NamePool::People));
    if flow.period != Period::Day || flow.counterparty != people {
        return Vec::new();
    }
    let mut rng = random_stream(key);
    (0..REGULAR_COUNT)
        .map(|_| pick_from_pool(NamePool::People, holder, &mut rng))
        .collect()
}

/// Samples what is the same for all occurrences of a flow. `employer` is that of the account.
fn sample_flow<'a>(
    flow: &'a Flow,
    holder: &'a str,
    employer: &mut Option<PricedCounterparty<'a>>,
    rng: &mut impl Rng,
) -> SampledFlow<'a> {
    let base_value = sample_base(&flow.amount, rng);
    let fixed_counterparty = pick_fixed(&flow.counterparty, holder, employer, rng);
    let follow_up_counterparty = flow
        .follow_up
        .as_ref()
        .and_then(|follow_up| follow_up.counterparty.as_ref())
        .and_then(|choice| pick_fixed(choice, holder, employer, rng));
    SampledFlow {
        flow,
        base_value,
        fixed_counterparty,
        follow_up_counterparty,
        regulars: Vec::new(),
    }
}

/// Picks the counterparty of a choice that is made once; `None` if each occurrence has its own. All
/// flows of an account from the list of employers have the same one, so that a bonus comes from the
/// employer who pays the salary.
fn pick_fixed<'a>(
    choice: &'a CounterpartyChoice,
    holder: &'a str,
    employer: &mut Option<PricedCounterparty<'a>>,
    rng: &mut impl Rng,
) -> Option<PricedCounterparty<'a>> {
    match choice {
        CounterpartyChoice::Fixed(NameSource::Pool(NamePool::Employers)) => {
            Some(*employer.get_or_insert_with(|| pick_from_pool(NamePool::Employers, holder, rng)))
        }
        CounterpartyChoice::Fixed(list) => Some(pick_from_list(list, holder, rng)),
        CounterpartyChoice::Unnamed => Some(NO_COUNTERPARTY),
        CounterpartyChoice::Varying(_) => None,
    }
}

const NO_COUNTERPARTY: PricedCounterparty<'static> = PricedCounterparty {
    counterparty: Counterparty::NONE,
    usual_rupees: (0, 0),
};

fn sample_base(amount: &AmountRule, rng: &mut impl Rng) -> i64 {
    match amount {
        AmountRule::PerAccount((low, high)) => rng.random_range(low.0..=high.0),
        AmountRule::IncomePercent((low, high)) => rng.random_range(low * 100..=high * 100),
        AmountRule::PerOccurrence(_)
        | AmountRule::BalancePercent(_)
        | AmountRule::Typical
        | AmountRule::Loan(_) => 0,
    }
}

/// Picks a counterparty from a list. It is not the holder, unless the list has no other name.
pub(crate) fn pick_from_list<'a>(
    list: &'a NameSource,
    holder: &'a str,
    rng: &mut impl Rng,
) -> PricedCounterparty<'a> {
    match list {
        NameSource::Pool(pool) => pick_from_pool(*pool, holder, rng),
        NameSource::Custom(names) => {
            let index = pick_index(names.len(), |index| names[index] == holder, rng);
            PricedCounterparty {
                counterparty: Counterparty::with_own_address(&names[index]),
                usual_rupees: (0, 0),
            }
        }
    }
}

/// Picks a counterparty from a shipped list. It is not the holder, except in
/// [`NamePool::Myself`].
pub(crate) fn pick_from_pool<'a>(
    pool: NamePool,
    holder: &'a str,
    rng: &mut impl Rng,
) -> PricedCounterparty<'a> {
    match pool {
        NamePool::Myself => PricedCounterparty {
            counterparty: Counterparty::with_own_address(holder),
            usual_rupees: (0, 0),
        },
        NamePool::People => {
            let address_number = rng.random_range(0..1000);
            let name = pick_random(rng, FIRST_NAMES);
            let is_holder = |index: usize| {
                holder
                    .split_once(' ')
                    .is_some_and(|parts| parts == (name, LAST_NAMES[index]))
            };
            let surname = LAST_NAMES[pick_index(LAST_NAMES.len(), is_holder, rng)];
            PricedCounterparty {
                counterparty: Counterparty {
                    name,
                    surname,
                    address_number,
                },
                usual_rupees: (0, 0),
            }
        }
        pool => {
            let entries = pool_entries(pool);
            let index = pick_index(entries.len(), |index| entries[index].0 == holder, rng);
            let (name, low, high) = entries[index];
            PricedCounterparty {
                counterparty: Counterparty::with_own_address(name),
                usual_rupees: (low, high),
            }
        }
    }
}

/// Picks an index below `count`, each with the same probability, without the first excluded one.
/// If there is no other index, the excluded one is picked.
fn pick_index(count: usize, is_excluded: impl Fn(usize) -> bool, rng: &mut impl Rng) -> usize {
    match (0..count).find(|index| is_excluded(*index)) {
        Some(excluded) if count > 1 => {
            let index = rng.random_range(0..count - 1);
            index + usize::from(index >= excluded)
        }
        _ => rng.random_range(0..count),
    }
}

/// The step of the amounts that people type into a UPI app.
const ROUND_STEP: Paise = Paise::from_rupees(10);

/// The percentage of typed amounts that are multiples of [`ROUND_STEP`].
const ROUND_PERCENT: u32 = 72;

/// Returns whether people type the amounts of this flow into a UPI app, after scanning a QR code:
/// payments at shops, and those of the many people who pay a shop, a driver or a friend.
fn is_typed_amount(flow: &Flow) -> bool {
    let is_varying = matches!(
        flow.counterparty,
        CounterpartyChoice::Varying(NameSource::Pool(NamePool::Shops | NamePool::People))
    );
    let is_sampled = matches!(
        flow.amount,
        AmountRule::PerOccurrence(_) | AmountRule::Typical
    );
    is_varying && is_sampled && flow.channel == Channel::Upi && flow.rounding_step < ROUND_STEP
}

/// Converts an amount of the base year to this month. Years before 2000 count as 2000, and years
/// after 2060 as 2060, so that amounts stay bounded.
fn apply_growth(mut amount: i64, percent: i64, month: Month) -> i64 {
    if percent == 0 {
        return amount;
    }
    let year = month.financial_year_start().clamp(2000, 2060);
    for _ in BASE_YEAR..year {
        amount += amount * percent / 100;
    }
    for _ in year..BASE_YEAR {
        amount -= amount * percent / (100 + percent);
    }
    amount
}

fn round_to_step(paise: i64, step: Paise) -> Paise {
    Paise((paise + step.0 / 2) / step.0 * step.0)
}
