//! The sizes of holdings. They follow the customer's income, so that a persona owns what it can
//! have paid for.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use rand::{Rng, RngExt};

use crate::bankgen::behavior::SampledFlow;
use crate::bankgen::{StatementRequest, accounts, sample_behavior};
use crate::domain::account::FiType;
use crate::domain::calendar::Month;
use crate::domain::money::Paise;
use crate::domain::persona::{AccountPlan, ContentPlan, Flow, MinMax, Period};
use crate::domain::random_stream::StreamKind;

/// The income of a year of a customer whose persona has no flow that is income.
///
/// `Assumption:` 600,000 rupees, at the prices of the year from April 2024.
const DEFAULT_INCOME: YearlyFlow = YearlyFlow {
    amount: Paise::from_rupees(600_000),
    growth_percent: 5,
};

/// The largest part of the income that all holdings together take, in percent.
///
/// `Assumption:` a customer with a larger plan buys less of everything.
const AFFORDABLE_PERCENT: i64 = 60;

/// The first month of the year that the amounts of persona files refer to.
const BASE_MONTH: Month = Month {
    year: 2024,
    month: 4,
};

/// The financial years whose income differs: that of an earlier or a later year is the same as that of
/// the first or the last.
const INCOME_YEARS: RangeInclusive<i32> = 2000..=2060;

/// The usual size of the holdings of an FI type.
struct UsualSize {
    /// The amount of the account, in hundred-thousandths of the yearly income.
    income_share: i64,
    /// The amounts that are paid into the account in a thousand years.
    payments_per_millennium: i64,
}

/// Returns the usual size of the holdings of a type.
///
/// `Assumption:` the shares of the income are of our own choice.
fn usual_size(fi_type: FiType) -> UsualSize {
    let (income_share, payments_per_millennium) = match fi_type {
        // The principal is saved in ten years.
        FiType::TermDeposit => (60_000, 100),
        // Three funds each month.
        FiType::MutualFunds => (125, 36_000),
        // Two funds each month.
        FiType::Sip => (125, 24_000),
        FiType::RecurringDeposit | FiType::Equities => (300, 12_000),
        FiType::Etf => (125, 12_000),
        FiType::Idr => (125, 4_000),
        FiType::Cis => (150, 4_000),
        FiType::Aif => (1_200, 1_000),
        FiType::Invit | FiType::Reit => (100, 6_000),
        FiType::Bonds | FiType::GovtSecurities | FiType::Debentures => (400, 3_000),
        FiType::Cp => (200, 6_000),
        FiType::Nps => (250, 12_000),
        // The sum assured of a policy that saves; a premium is some 4 % of it.
        FiType::InsurancePolicies | FiType::LifeInsurance => (60_000, 40),
        FiType::GeneralInsurance => (50_000, 22),
        // Half of a month's income; turnover is no payment.
        FiType::Gstr1_3b => (4_000, 0),
        FiType::Deposit | FiType::Other => (0, 0),
    };
    UsualSize {
        income_share,
        payments_per_millennium,
    }
}

/// The size of a holding: the principal of a deposit, an instalment, a trade, a sum assured or the
/// turnover of a month.
pub(crate) struct HoldingSize<'a> {
    amount: SizedAmount,
    income: &'a Income,
    /// The payments of a year into all holdings whose amount the persona gives.
    planned_payments: Paise,
}

enum SizedAmount {
    /// An amount of the persona that the income need not pay for.
    Given(Paise),
    /// An amount of the persona, reduced if the income is too small for all of them.
    Affordable(Paise),
    /// Hundred-thousandths of the yearly income.
    IncomeShare(i64),
}

impl<'a> HoldingSize<'a> {
    /// Samples the size of an account.
    pub(crate) fn sample(
        request: &StatementRequest<'_>,
        plan: &AccountPlan,
        income: &'a Income,
        rng: &mut impl Rng,
    ) -> Self {
        let UsualSize {
            income_share,
            payments_per_millennium,
        } = usual_size(plan.fi_type);
        let amount = match planned_amount(plan) {
            Some((low, high)) => {
                let amount = Paise(rng.random_range(low.0 / 100..=high.0 / 100) * 100);
                if payments_per_millennium > 0 && income.is_known {
                    SizedAmount::Affordable(amount)
                } else {
                    SizedAmount::Given(amount)
                }
            }
            None => SizedAmount::IncomeShare(income_share * rng.random_range(70..=130) / 100),
        };
        Self {
            amount,
            income,
            planned_payments: plan_payments(&request.persona.definition.accounts),
        }
    }

    /// Returns whether the persona gives no amount.
    pub(crate) fn is_from_income(&self) -> bool {
        matches!(self.amount, SizedAmount::IncomeShare(_))
    }

    /// Returns the amount on a day. One that follows from the income changes each April and is a
    /// multiple of 100 rupees.
    pub(crate) fn amount_on(&self, day: NaiveDate) -> Paise {
        let year = Month::from_date(day).financial_year_start();
        let income = self.income.amount_in_year(year);
        let amount = match self.amount {
            SizedAmount::Given(amount) => return amount,
            SizedAmount::Affordable(amount) => {
                let affordable = Paise(income.0 / 100 * AFFORDABLE_PERCENT);
                if self.planned_payments <= affordable {
                    return amount;
                }
                scale(amount, affordable.0, self.planned_payments.0)
            }
            SizedAmount::IncomeShare(share) => scale(income, share, 100_000),
        };
        Paise((amount.0 / 10_000).max(1) * 10_000)
    }
}

/// Returns the amount that the persona gives for a holding.
fn planned_amount(plan: &AccountPlan) -> Option<MinMax<Paise>> {
    match plan.content {
        ContentPlan::Holding { amount } => amount,
        ContentPlan::CashFlow(_) | ContentPlan::Imported(_) => None,
    }
}

/// Returns the payments of a year into the accounts whose amount the persona gives.
fn plan_payments(plans: &[AccountPlan]) -> Paise {
    let payments = plans.iter().map(|plan| {
        let Some((low, high)) = planned_amount(plan) else {
            return Paise(0);
        };
        let middle = Paise(low.0 + (high.0 - low.0) / 2);
        scale(
            middle,
            usual_size(plan.fi_type).payments_per_millennium,
            1_000,
        )
    });
    payments.sum()
}

fn scale(amount: Paise, numerator: i64, denominator: i64) -> Paise {
    let scaled = i128::from(amount.0) * i128::from(numerator) / i128::from(denominator);
    Paise(i64::try_from(scaled).unwrap_or(i64::MAX))
}

/// The income of a customer: all flows that are income, without transfers between the customer's
/// own accounts.
pub(crate) struct Income {
    /// The income of each of [`INCOME_YEARS`].
    yearly: Vec<Paise>,
    /// `false` if the persona has no income, so that it is [`DEFAULT_INCOME`].
    is_known: bool,
}

/// The sum of a flow in the year from April 2024, and its growth.
struct YearlyFlow {
    amount: Paise,
    growth_percent: i64,
}

impl Income {
    /// Returns the income that the persona's bank accounts have. `holder` is in capitals.
    pub(crate) fn of_customer(request: &StatementRequest<'_>, holder: &str) -> Self {
        let mut flows = Vec::new();
        for (ordinal, plan) in accounts::number_plans(&request.persona.definition) {
            let ContentPlan::CashFlow(cash_flow_plan) = &plan.content else {
                continue;
            };
            if !cash_flow_plan.flows.iter().any(Flow::is_customer_income) {
                continue;
            }
            let behavior = sample_behavior(request, ordinal, plan, cash_flow_plan, holder);
            let mut rng = behavior.account_stream(StreamKind::Holding, 0);
            for sampled_flow in behavior.flows() {
                if !sampled_flow.flow.is_customer_income() {
                    continue;
                }
                let sum: Paise = (0..12)
                    .map(|months| {
                        let month = BASE_MONTH.plus_months(months);
                        behavior.sample_amount(sampled_flow, (0, 0), month, &mut rng)
                    })
                    .sum();
                flows.push(YearlyFlow {
                    amount: scale(sum, occurrences_per_millennium(sampled_flow), 12_000),
                    growth_percent: sampled_flow.flow.annual_growth_percent,
                });
            }
        }
        let is_known = flows.iter().any(|flow| flow.amount > Paise(0));
        if !is_known {
            flows = vec![DEFAULT_INCOME];
        }
        let mut yearly = vec![Paise(0); INCOME_YEARS.count()];
        for flow in flows {
            flow.add_to_years(&mut yearly);
        }
        Self { yearly, is_known }
    }

    /// Returns the income of the financial year that begins in April of `year`.
    fn amount_in_year(&self, year: i32) -> Paise {
        let year = year.clamp(*INCOME_YEARS.start(), *INCOME_YEARS.end());
        self.yearly
            [usize::try_from(year - INCOME_YEARS.start()).expect("it is not before the first")]
    }
}

impl YearlyFlow {
    /// Adds the amount of the flow to the income of each of [`INCOME_YEARS`].
    fn add_to_years(&self, yearly: &mut [Paise]) {
        let grown_percent = 100 + self.growth_percent;
        let base = usize::try_from(BASE_MONTH.year - INCOME_YEARS.start()).expect("it is later");
        let (before, since) = yearly.split_at_mut(base);
        let mut amount = self.amount;
        for income in since {
            *income += amount;
            amount = scale(amount, grown_percent, 100);
        }
        amount = self.amount;
        for income in before.iter_mut().rev() {
            amount = scale(amount, 100, grown_percent);
            *income += amount;
        }
    }
}

/// Returns how often a flow occurs in a thousand years, on average.
fn occurrences_per_millennium(sampled_flow: &SampledFlow<'_>) -> i64 {
    let flow = sampled_flow.flow;
    let named_months = i64::from(flow.month_mask.count_ones());
    let periods = match flow.period {
        Period::Day => 365,
        // Ledgers have four weeks in a month.
        Period::Week => 48,
        Period::Month => 12,
        Period::Quarter if named_months == 12 => 4,
        Period::Year if named_months == 12 => 1,
        Period::Quarter | Period::Year => named_months,
    };
    let months = if matches!(flow.period, Period::Day | Period::Week | Period::Month) {
        named_months
    } else {
        12
    };
    let (low, high) = flow.times_per_period;
    let times_in_thousandths = (i64::from(low) + i64::from(high)) * 500;
    periods * times_in_thousandths * months / 12 * i64::from(flow.chance_percent) / 100
}
