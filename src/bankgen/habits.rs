//! A story as one account lives it: what is drawn once.

use chrono::NaiveDate;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::bankgen::loan::{Instalment, schedule};
use crate::bankgen::names::{FIRST, LAST, entries};
use crate::bankgen::narration::{Party, STYLES};
use crate::bankgen::people::{Branch, pick};
use crate::bankgen::stream;
use crate::domain::calendar::{Month, working_day_on_or_after};
use crate::domain::money::Paise;
use crate::domain::persona::{
    AmountRule, CashFlowPlan, CounterpartyChoice, Flow, Loan, MinMax, NamePool, NameSource,
};
use crate::domain::random_stream::{StreamKey, StreamKind};

/// The financial year whose amounts persona files give.
const BASE_YEAR: i32 = 2024;

/// What an account does, with everything drawn that is drawn once.
#[derive(Debug)]
pub struct Habits<'a> {
    pub story: &'a CashFlowPlan,
    pub branch: Branch,
    pub opened_on: NaiveDate,
    /// How its bank prints.
    pub style: usize,
    /// The holder, as the counterparty of transfers between own accounts.
    pub holder: &'a str,
    pub earns_interest: bool,
    pub firm: bool,
    seed: u64,
    customer: &'a str,
    /// Names the account's streams.
    owner: String,
    flows: Vec<Drawn<'a>>,
    keeps: i64,
}

/// A flow, and what is drawn once for it.
#[derive(Debug)]
pub struct Drawn<'a> {
    pub flow: &'a Flow,
    /// Paise, or percent of a share.
    base: i64,
    /// The other side, where it is always the same.
    pub party: Option<Priced<'a>>,
    /// The other side of what follows.
    pub then: Option<Priced<'a>>,
}

/// Who is on the other side, and what is usual there.
#[derive(Clone, Copy, Debug)]
pub struct Priced<'a> {
    pub party: Party<'a>,
    pub usual: MinMax<i64>,
}

/// What the habits of an account depend on.
pub struct Origin<'a> {
    pub seed: u64,
    pub customer: &'a str,
    /// Of the account, among the customer's.
    pub number: u64,
    pub fip: &'a str,
    pub opened_on: Option<NaiveDate>,
    pub opened_in: MinMax<i32>,
    pub holder: &'a str,
    pub earns_interest: bool,
    pub firm: bool,
}

impl<'a> Habits<'a> {
    pub fn drawn(story: &'a CashFlowPlan, origin: &Origin<'a>) -> Self {
        let Origin {
            seed,
            customer,
            number,
            fip,
            opened_on,
            opened_in,
            holder,
            earns_interest,
            firm,
        } = *origin;
        let owner = format!("{customer}#{number}");
        let mut rng = stream(StreamKey {
            seed,
            owner: &owner,
            kind: StreamKind::Behavior,
            ordinal: 0,
        });
        let branch = Branch::drawn(&mut rng);
        let (year, month) = (
            rng.random_range(opened_in.0..=opened_in.1),
            rng.random_range(1..=12),
        );
        let opened_on = opened_on
            .unwrap_or_else(|| working_day_on_or_after(Month { year, month }.clamped_date(8)));
        let flows = story
            .flows
            .iter()
            .map(|flow| draw(flow, holder, &mut rng))
            .collect();
        let keeps = story
            .target_balance
            .as_ref()
            .map_or(0, |amount| base(amount, &mut rng));
        let style = fip
            .bytes()
            .fold(0, |sum, byte| (sum * 31 + usize::from(byte)) % 9973)
            % STYLES;
        Self {
            story,
            branch,
            opened_on,
            style,
            holder,
            earns_interest,
            firm,
            seed,
            customer,
            owner,
            flows,
            keeps,
        }
    }

    pub fn flows(&self) -> &[Drawn<'a>] {
        &self.flows
    }

    pub fn stream(&self, kind: StreamKind, ordinal: i64) -> ChaCha8Rng {
        self.stream_of(&self.owner, kind, ordinal)
    }

    /// The stream of a month that the two accounts share between which money moves, so that both tell the same.
    pub fn shared_stream(&self, name: &str, month: Month) -> ChaCha8Rng {
        self.stream_of(
            &format!("{}/{name}", self.customer),
            StreamKind::Month,
            month.ordinal(),
        )
    }

    fn stream_of(&self, owner: &str, kind: StreamKind, ordinal: i64) -> ChaCha8Rng {
        let ordinal = u64::try_from(ordinal).expect("years are positive");
        stream(StreamKey {
            seed: self.seed,
            owner,
            kind,
            ordinal,
        })
    }

    /// The month in which the account was opened.
    pub fn first_month(&self) -> Month {
        Month::from_date(self.opened_on)
    }

    /// What shares of this month are of.
    fn income(&self, month: Month) -> Paise {
        let income = self.flows.iter().find(|drawn| drawn.flow.counts_as_income);
        income.map_or(Paise(0), |drawn| {
            let amount = match drawn.flow.amount {
                AmountRule::PerOccurrence((low, high)) => low.0 + (high.0 - low.0) / 2,
                _ => drawn.base,
            };
            rounded(
                grown(amount, drawn.flow.annual_growth_percent, month),
                drawn.flow.rounding_step,
            )
        })
    }

    /// How much a flow moves this time, before it is known what is there; the balance's share is as percent.
    pub fn amount(
        &self,
        drawn: &Drawn<'_>,
        usual: MinMax<i64>,
        month: Month,
        rng: &mut impl Rng,
    ) -> Paise {
        let Flow {
            amount,
            annual_growth_percent: grows,
            variation_percent: varies,
            rounding_step: step,
            ..
        } = drawn.flow;
        let paise = match amount {
            AmountRule::PerOccurrence((low, high)) => {
                grown(rng.random_range(low.0..=high.0), *grows, month)
            }
            AmountRule::PerAccount(_) => grown(drawn.base, *grows, month),
            AmountRule::IncomeShare(_) => self.income(month).0 * drawn.base / 10_000,
            AmountRule::Typical => Paise::from_rupees(rng.random_range(usual.0..=usual.1)).0,
            AmountRule::BalanceShare(_) | AmountRule::Loan(_) => return Paise(0),
        };
        let paise = if *varies == 0 {
            paise
        } else {
            paise + paise * rng.random_range(-varies * 100..=varies * 100) / 10_000
        };
        if step.0 > 1 {
            return Paise(rounded(paise, *step).0.max(step.0));
        }
        if *varies == 0
            && matches!(amount, AmountRule::PerOccurrence((low, high)) | AmountRule::PerAccount((low, high)) if low == high)
        {
            return Paise(paise);
        }
        // Most prices are in whole rupees.
        let whole = paise / 100 * 100;
        let paise = if rng.random_bool(0.3) {
            whole + rng.random_range(0..100)
        } else {
            whole
        };
        Paise(paise.max(100))
    }

    /// What is in the account when a quarter ends with this month; `None`: whatever has become of it.
    pub fn close(&self, month: Month) -> Option<Paise> {
        let amount = self.story.target_balance.as_ref()?;
        let mut rng = self.stream(StreamKind::MonthClose, month.ordinal());
        Some(match amount {
            AmountRule::PerOccurrence((low, high)) => Paise(rng.random_range(low.0..=high.0)),
            AmountRule::IncomeShare((low, high)) => {
                let share = rng.random_range(low * 100..=high * 100);
                Paise(self.income(month).0 * share / 10_000 + rng.random_range(0..100))
            }
            _ => Paise(self.keeps),
        })
    }

    /// The opening deposit.
    pub fn opening(&self) -> Paise {
        let (low, high) = self.story.opening_balance;
        let mut rng = self.stream(StreamKind::Behavior, 1);
        Paise(rng.random_range(low.0 / 100..=high.0 / 100) * 100)
    }

    /// What a loan has in this month: what the lender pays out, or the instalment. What was made of the loan's schedule for the
    /// month before is kept in `known`.
    pub fn loan(&self, flow: usize, loan: &Loan, month: Month, known: &mut Schedule) -> Owed {
        let life = u64::try_from(month.ordinal() - self.first_month().ordinal()).unwrap_or(0);
        // The month of the payout has no instalment.
        let length = u64::from(loan.instalments) + 1;
        let (cycle, place) = (life / length, life % length);
        if known.cycle != Some(cycle) {
            let ordinal =
                i64::try_from(cycle).unwrap_or(0) * 100 + i64::try_from(flow).unwrap_or(0);
            let mut rng = self.stream(StreamKind::Loan, ordinal);
            let (low, high) = loan.principal;
            // Loans are of whole thousands.
            let principal =
                Paise::from_rupees((rng.random_range(low.0..=high.0) / 100 / 1000).max(1) * 1000);
            *known = Schedule {
                cycle: Some(cycle),
                principal,
                instalments: schedule(principal, loan.instalments, loan.rate_bps),
            };
        }
        match usize::try_from(place).expect("months are few") {
            0 => Owed::PaidOut(known.principal),
            place => Owed::Instalment(known.instalments[place - 1]),
        }
    }
}

/// One loan after another: which one runs, and its instalments.
#[derive(Debug, Default)]
pub struct Schedule {
    cycle: Option<u64>,
    principal: Paise,
    instalments: Vec<Instalment>,
}

/// What a loan has in a month.
#[derive(Clone, Copy, Debug)]
pub enum Owed {
    PaidOut(Paise),
    Instalment(Instalment),
}

fn draw<'a>(flow: &'a Flow, holder: &'a str, rng: &mut impl Rng) -> Drawn<'a> {
    let base = base(&flow.amount, rng);
    let once = |with: &'a CounterpartyChoice, rng: &mut _| match with {
        CounterpartyChoice::Fixed(list) => Some(one_of(list, holder, rng)),
        CounterpartyChoice::Unnamed => Some(NOBODY),
        CounterpartyChoice::Varying(_) => None,
    };
    let party = once(&flow.counterparty, rng);
    let then = flow
        .follow_up
        .as_ref()
        .and_then(|then| then.counterparty.as_ref())
        .and_then(|with| once(with, rng));
    Drawn {
        flow,
        base,
        party,
        then,
    }
}

const NOBODY: Priced<'static> = Priced {
    party: Party::NOBODY,
    usual: (0, 0),
};

fn base(amount: &AmountRule, rng: &mut impl Rng) -> i64 {
    match amount {
        AmountRule::PerAccount((low, high)) => rng.random_range(low.0..=high.0),
        AmountRule::IncomeShare((low, high)) => rng.random_range(low * 100..=high * 100),
        AmountRule::PerOccurrence(_)
        | AmountRule::BalanceShare(_)
        | AmountRule::Typical
        | AmountRule::Loan(_) => 0,
    }
}

/// Somebody from a list.
pub fn one_of<'a>(list: &'a NameSource, holder: &'a str, rng: &mut impl Rng) -> Priced<'a> {
    match list {
        NameSource::Pool(cast) => somebody(*cast, holder, rng),
        NameSource::Custom(names) => {
            let place = rng.random_range(0..names.len());
            let number = u32::try_from(place).expect("lists are short") * 37 + 12;
            Priced {
                party: Party {
                    name: &names[place],
                    surname: "",
                    number,
                },
                usual: (0, 0),
            }
        }
    }
}

/// Somebody from a shipped list.
pub fn somebody<'a>(cast: NamePool, holder: &'a str, rng: &mut impl Rng) -> Priced<'a> {
    match cast {
        NamePool::Myself => Priced {
            party: Party {
                name: holder,
                surname: "",
                number: 1,
            },
            usual: (0, 0),
        },
        NamePool::People => {
            let number = rng.random_range(0..1000);
            let party = Party {
                name: pick(rng, FIRST),
                surname: pick(rng, LAST),
                number,
            };
            Priced {
                party,
                usual: (0, 0),
            }
        }
        cast => {
            let entries = entries(cast);
            let place = rng.random_range(0..entries.len());
            let (name, low, high) = entries[place];
            // A shop has one address, whoever pays.
            let number = u32::try_from(place).expect("lists are short") * 37 + 12;
            Priced {
                party: Party {
                    name,
                    surname: "",
                    number,
                },
                usual: (low, high),
            }
        }
    }
}

/// What an amount of the base year is in this month. Bounded: amounts of the years before 2000 and after 2060 stay what
/// they were then and will be.
fn grown(mut amount: i64, percent: i64, month: Month) -> i64 {
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

fn rounded(paise: i64, step: Paise) -> Paise {
    Paise((paise + step.0 / 2) / step.0 * step.0)
}
