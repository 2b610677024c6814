//! Papers that are bought and sold, month after month, since the account was opened.

use chrono::NaiveDate;
use rand::{Rng, RngExt};

use super::{Ask, at, isin};
use crate::bankgen::market::Paper;
use crate::domain::calendar::{Month, trading_day_on_or_after};
use crate::domain::consent::TransactionType;
use crate::domain::money::Paise;
use crate::domain::time::Timestamp;

/// A paper that can be held. Invented, like its issuer.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    pub issuer: &'static str,
    pub name: &'static str,
    pub symbol: &'static str,
    /// Rupees on 1 January 2020, growth in basis points a year, swing in basis points.
    pub price: (i64, i64, i64),
}

/// How a kind of paper is bought.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    pub papers: &'static [Listed],
    /// How many of them the customer holds.
    pub held: usize,
    /// Every so many months one is bought.
    pub every: u32,
    /// On this day of the month, or any.
    pub day: Option<u32>,
    /// Funds sell thousandths of a unit.
    pub fractions: bool,
    /// One in so many trades is a sale of part of what is held; none where it is nothing.
    pub sells: u32,
    /// What ISINs begin with, and the series.
    pub isin: (&'static str, &'static str),
}

/// A trade.
#[derive(Clone, Copy, Debug)]
pub struct Trade {
    pub at: Timestamp,
    pub day: NaiveDate,
    pub holding: usize,
    pub side: Side,
    /// Thousandths.
    pub units: i64,
    /// Ten-thousandths of a rupee for one unit.
    pub price: i64,
    /// What was paid or received, charges left out.
    pub value: Paise,
    /// Thousandths held of this paper afterwards.
    pub closing: i64,
    /// Counts from 1 over all trades of the account.
    pub number: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }

    pub fn direction(self) -> TransactionType {
        match self {
            Self::Buy => TransactionType::Credit,
            Self::Sell => TransactionType::Debit,
        }
    }
}

/// What is held of one paper.
#[derive(Clone, Debug)]
pub struct Holding {
    pub listed: Listed,
    pub paper: Paper,
    pub isin: String,
    /// Thousandths.
    pub units: i64,
    /// What the units that are held were bought for.
    pub cost: Paise,
    pub first_bought: Option<Timestamp>,
    pub salt: u64,
}

impl Holding {
    /// What the units are worth on a day.
    pub fn worth(&self, day: NaiveDate) -> Paise {
        value(self.units, self.paper.price(day))
    }

    /// What one unit cost on the average, in ten-thousandths of a rupee.
    pub fn rate(&self) -> i64 {
        if self.units == 0 {
            0
        } else {
            i64::try_from(i128::from(self.cost.0) * 100_000 / i128::from(self.units)).unwrap_or(0)
        }
    }
}

/// All trades of an account up to now, oldest first, and what is held then.
pub struct Portfolio {
    pub trades: Vec<Trade>,
    pub holdings: Vec<Holding>,
}

impl Portfolio {
    /// What the units that are held were bought for.
    pub fn cost(&self) -> Paise {
        self.holdings.iter().map(|holding| holding.cost).sum()
    }

    pub fn worth(&self, day: NaiveDate) -> Paise {
        self.holdings.iter().map(|holding| holding.worth(day)).sum()
    }

    /// Those of which something is held.
    pub fn held(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.iter().filter(|holding| holding.units > 0)
    }

    pub fn told(ask: &Ask<'_>, manner: &Manner) -> Self {
        let mut rng = ask.rng(0);
        let mut holdings = drawn(manner, &mut rng);
        let mut trades = Vec::new();
        let mut month = Month::from_date(ask.opened_on);
        let mut number = 0;
        while month.clamped_date(1) <= ask.today() {
            let since = u32::try_from(month.ordinal() - Month::from_date(ask.opened_on).ordinal())
                .expect("it is later");
            if since % manner.every == 0 {
                let mut rng = ask.rng(1000 + u64::from(since));
                for _ in 0..if manner.day.is_some() {
                    holdings.len()
                } else {
                    1
                } {
                    number += 1;
                    let trade = Self::trade(ask, manner, &mut holdings, month, number, &mut rng);
                    if trade.at > ask.now() {
                        break;
                    }
                    if trade.units > 0 {
                        book(&mut holdings[trade.holding], &trade);
                        trades.push(Trade {
                            closing: holdings[trade.holding].units,
                            ..trade
                        });
                    }
                }
            }
            month = month.next();
        }
        Self { trades, holdings }
    }

    fn trade(
        ask: &Ask<'_>,
        manner: &Manner,
        holdings: &mut [Holding],
        month: Month,
        number: usize,
        rng: &mut impl Rng,
    ) -> Trade {
        let place = if manner.day.is_some() {
            (number - 1) % holdings.len()
        } else {
            rng.random_range(0..holdings.len())
        };
        let wished = manner.day.unwrap_or_else(|| rng.random_range(1..=25));
        let first = if month == Month::from_date(ask.opened_on) {
            ask.opened_on
        } else {
            month.clamped_date(1)
        };
        let day = trading_day_on_or_after(month.clamped_date(wished).max(first));
        let (hour, minute, second) = (
            rng.random_range(9..15),
            rng.random_range(16..60),
            rng.random_range(0..60),
        );
        let holding = &holdings[place];
        let price = holding.paper.price(day);
        let sells =
            manner.sells > 0 && holding.units > 2_000 && rng.random_range(0..manner.sells) == 0;
        let share = rng.random_range(20..=60);
        let off = rng.random_range(60..=140);
        let (side, units, value) = if sells {
            let units = holding.units * share / 100;
            let units = if manner.fractions {
                units
            } else {
                units / 1000 * 1000
            };
            (Side::Sell, units, value(units, price))
        } else if manner.fractions {
            // A fund takes the instalment and gives as many units as it buys.
            (Side::Buy, ask.amount.0 * 100_000 / price, ask.amount)
        } else {
            let wanted = ask.amount.0 * off / 100;
            let units = (wanted * 100 / price).max(1) * 1000;
            (Side::Buy, units, value(units, price))
        };
        let at = at(day, hour, minute, second);
        Trade {
            at,
            day,
            holding: place,
            side,
            units,
            price,
            value,
            closing: 0,
            number,
        }
    }
}

fn book(holding: &mut Holding, trade: &Trade) {
    match trade.side {
        Side::Buy => {
            holding.units += trade.units;
            holding.cost += trade.value;
            holding.first_bought.get_or_insert(trade.at);
        }
        Side::Sell => {
            let sold =
                i128::from(holding.cost.0) * i128::from(trade.units) / i128::from(holding.units);
            holding.cost = holding.cost - Paise(i64::try_from(sold).expect("a part of the cost"));
            holding.units -= trade.units;
        }
    }
}

fn drawn(manner: &Manner, rng: &mut impl Rng) -> Vec<Holding> {
    let mut places: Vec<usize> = (0..manner.papers.len()).collect();
    let count = manner.held.min(places.len());
    let chosen = (0..count)
        .map(|_| places.swap_remove(rng.random_range(0..places.len())))
        .collect::<Vec<_>>();
    let told = chosen.into_iter().map(|place| {
        let listed = manner.papers[place];
        let (rupees, growth, swing) = listed.price;
        // A paper has one price, whoever holds it.
        let salt = (u64::try_from(place).expect("tables are short") + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Exchanges deal in steps of five paise.
        let tick = if manner.fractions { 1 } else { 500 };
        let paper = Paper {
            base: rupees * 10_000,
            growth,
            swing,
            salt,
            tick,
        };
        let (kind, series) = manner.isin;
        let isin = isin(
            kind,
            series,
            u64::try_from(place).expect("tables are short") + 101,
        );
        Holding {
            listed,
            paper,
            isin,
            units: 0,
            cost: Paise(0),
            first_bought: None,
            salt,
        }
    });
    told.collect()
}

/// Units times price, to the paisa.
pub fn value(units: i64, price: i64) -> Paise {
    let value = (i128::from(units) * i128::from(price) + 50_000) / 100_000;
    Paise(i64::try_from(value).expect("nobody holds that much"))
}

/// Thousandths of units with three decimals.
pub fn units(units: i64) -> String {
    format!("{}.{:03}", units / 1000, units % 1000)
}

/// Ten-thousandths of a rupee with four decimals.
pub fn price(price: i64) -> String {
    format!("{}.{:04}", price / 10_000, price % 10_000)
}
