//! Trades of securities, month by month from the opening of the account on, and the resulting
//! portfolio. The modules of the FI types turn them into documents.

use chrono::NaiveDate;
use rand::{Rng, RngExt};

use super::{HoldingContext, format_isin, months_after, to_ist_timestamp};
use crate::bankgen::market::PriceModel;
use crate::domain::calendar::{Month, trading_day_on_or_after};
use crate::domain::money::Paise;
use crate::domain::terms::TransactionType;
use crate::domain::time::Timestamp;

/// A security that can be held. The security and its issuer are invented.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Security {
    pub issuer: &'static str,
    pub name: &'static str,
    pub symbol: &'static str,
    /// The price on 1 January 2020 in rupees, the growth in basis points a year, the swing in basis
    /// points.
    pub price: (i64, i64, i64),
}

/// The rules by which a kind of security is bought and sold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TradingPlan {
    pub securities: &'static [Security],
    /// The number of securities that the customer holds.
    pub holding_count: usize,
    /// The months from one purchase to the next.
    pub interval_months: u32,
    /// The day of the month on which all securities are bought; `None` for one of them, on a random
    /// day.
    pub day_of_month: Option<u32>,
    /// `true` for funds, which sell thousandths of a unit.
    pub allows_fractions: bool,
    /// One in this many trades sells part of the holding; 0 for no sales.
    pub sale_one_in: u32,
    /// The beginning of the ISINs, and their series.
    pub isin_prefix: (&'static str, &'static str),
    /// The symbols of the securities whose units are locked in for [`LOCK_IN_MONTHS`].
    pub locked_symbols: &'static [&'static str],
}

/// The months from the purchase of a locked unit to the day on which it can be sold.
const LOCK_IN_MONTHS: u32 = 36;

/// A purchase or sale of units of one security.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trade {
    pub at: Timestamp,
    pub day: NaiveDate,
    pub holding: usize,
    pub side: Side,
    /// Thousandths of a unit.
    pub units: i64,
    /// The price of one unit, in ten-thousandths of a rupee.
    pub price: i64,
    /// The amount paid or received, without charges.
    pub value: Paise,
    /// The units of this security that are held afterwards, in thousandths.
    pub closing_units: i64,
    /// Counted from 1 over all trades of the account.
    pub number: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Buy,
    Sell,
}

impl Side {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }

    pub(crate) fn direction(self) -> TransactionType {
        match self {
            Self::Buy => TransactionType::Credit,
            Self::Sell => TransactionType::Debit,
        }
    }
}

/// The units of one security that are held.
#[derive(Clone, Debug)]
pub(crate) struct Holding {
    pub security: Security,
    pub price_model: PriceModel,
    pub isin: String,
    /// Thousandths of a unit.
    pub units: i64,
    /// The purchase cost of the units that are held.
    pub cost: Paise,
    pub first_bought: Option<Timestamp>,
    pub salt: u64,
}

impl Holding {
    /// Returns the value of the units on a day.
    pub(crate) fn value_on(&self, day: NaiveDate) -> Paise {
        trade_value(self.units, self.price_model.price_on(day))
    }

    /// Returns the average purchase price of a unit, in ten-thousandths of a rupee; 0 if none is
    /// held.
    pub(crate) fn average_price(&self) -> i64 {
        if self.units == 0 {
            0
        } else {
            i64::try_from(i128::from(self.cost.0) * 100_000 / i128::from(self.units)).unwrap_or(0)
        }
    }
}

/// All trades of an account up to now, the oldest first, and the resulting holdings.
pub(crate) struct Portfolio {
    pub trades: Vec<Trade>,
    pub holdings: Vec<Holding>,
}

impl Portfolio {
    /// Returns the purchase cost of all units that are held.
    pub(crate) fn total_cost(&self) -> Paise {
        self.holdings.iter().map(|holding| holding.cost).sum()
    }

    pub(crate) fn value_on(&self, day: NaiveDate) -> Paise {
        self.holdings
            .iter()
            .map(|holding| holding.value_on(day))
            .sum()
    }

    /// Returns the holdings that have units.
    pub(crate) fn current_holdings(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.iter().filter(|holding| holding.units > 0)
    }

    /// Returns the units of a security that were bought so recently that they are locked in, in
    /// thousandths. The oldest units are sold first.
    pub(crate) fn locked_units(&self, holding: usize, day: NaiveDate) -> i64 {
        let purchases = self.trades.iter().filter(|trade| {
            trade.holding == holding
                && trade.side == Side::Buy
                && months_after(trade.day, LOCK_IN_MONTHS) > day
        });
        purchases.map(|trade| trade.units).sum()
    }

    pub(crate) fn simulate_trades(context: &HoldingContext<'_>, plan: &TradingPlan) -> Self {
        let mut rng = context.random_stream(0);
        let mut portfolio = Self {
            trades: Vec::new(),
            holdings: sample_holdings(plan, &mut rng),
        };
        let mut unspent = Paise(0);
        let mut month = Month::from_date(context.opened_on);
        let mut number = 0;
        while month.clamped_date(1) <= context.today() {
            let month_index =
                u32::try_from(month.ordinal() - Month::from_date(context.opened_on).ordinal())
                    .expect("it is later");
            if month_index % plan.interval_months == 0 {
                let mut rng = context.random_stream(1000 + u64::from(month_index));
                let trade_count = if plan.day_of_month.is_some() {
                    portfolio.holdings.len()
                } else {
                    1
                };
                for _ in 0..trade_count {
                    number += 1;
                    let trade = portfolio.sample_trade(
                        context,
                        plan,
                        &mut unspent,
                        month,
                        number,
                        &mut rng,
                    );
                    if trade.at > context.now() {
                        break;
                    }
                    if trade.units > 0 {
                        let holding = &mut portfolio.holdings[trade.holding];
                        apply_trade(holding, &trade);
                        let closing_units = holding.units;
                        portfolio.trades.push(Trade {
                            closing_units,
                            ..trade
                        });
                    }
                }
            }
            month = month.next();
        }
        portfolio
    }

    /// Samples a trade of no units or more. `unspent` is the money of earlier purchases that did not
    /// suffice for another unit.
    fn sample_trade(
        &self,
        context: &HoldingContext<'_>,
        plan: &TradingPlan,
        unspent: &mut Paise,
        month: Month,
        number: usize,
        rng: &mut impl Rng,
    ) -> Trade {
        let index = if plan.day_of_month.is_some() {
            (number - 1) % self.holdings.len()
        } else {
            rng.random_range(0..self.holdings.len())
        };
        let wanted_day = plan
            .day_of_month
            .unwrap_or_else(|| rng.random_range(1..=25));
        let earliest = if month == Month::from_date(context.opened_on) {
            context.opened_on
        } else {
            month.clamped_date(1)
        };
        let day = trading_day_on_or_after(month.clamped_date(wanted_day).max(earliest));
        let (hour, minute, second) = (
            rng.random_range(9..15),
            rng.random_range(16..60),
            rng.random_range(0..60),
        );
        let holding = &self.holdings[index];
        let price = holding.price_model.price_on(day);
        let free_units = if plan.locked_symbols.contains(&holding.security.symbol) {
            holding.units - self.locked_units(index, day)
        } else {
            holding.units
        };
        let is_sale = plan.sale_one_in > 0
            && free_units > 2_000
            && rng.random_range(0..plan.sale_one_in) == 0;
        let sold_percent = rng.random_range(20..=60);
        let amount_percent = rng.random_range(60..=140);
        let (side, units, value) = if is_sale {
            let units = free_units * sold_percent / 100;
            let units = if plan.allows_fractions {
                units
            } else {
                units / 1000 * 1000
            };
            (Side::Sell, units, trade_value(units, price))
        } else if plan.allows_fractions {
            // An instalment of a fund is a fixed amount, which buys fractions of units.
            let amount = context.amount_on(day);
            (Side::Buy, amount.0 * 100_000 / price, amount)
        } else {
            let available = Paise(context.amount_on(day).0 * amount_percent / 100) + *unspent;
            let units = available.0 * 100 / price * 1000;
            let value = trade_value(units, price);
            *unspent = available - value;
            (Side::Buy, units, value)
        };
        let at = to_ist_timestamp(day, hour, minute, second);
        Trade {
            at,
            day,
            holding: index,
            side,
            units,
            price,
            value,
            closing_units: 0,
            number,
        }
    }
}

fn apply_trade(holding: &mut Holding, trade: &Trade) {
    match trade.side {
        Side::Buy => {
            holding.units += trade.units;
            holding.cost += trade.value;
            holding.first_bought.get_or_insert(trade.at);
        }
        Side::Sell => {
            let sold_cost =
                i128::from(holding.cost.0) * i128::from(trade.units) / i128::from(holding.units);
            holding.cost =
                holding.cost - Paise(i64::try_from(sold_cost).expect("a part of the cost"));
            holding.units -= trade.units;
        }
    }
}

fn sample_holdings(plan: &TradingPlan, rng: &mut impl Rng) -> Vec<Holding> {
    let mut remaining: Vec<usize> = (0..plan.securities.len()).collect();
    let count = plan.holding_count.min(remaining.len());
    let mut holdings = Vec::new();
    for _ in 0..count {
        let index = remaining.swap_remove(rng.random_range(0..remaining.len()));
        let security = plan.securities[index];
        let (rupees, growth, swing) = security.price;
        // The salt depends on the security only, so that its price is the same for all customers.
        let salt = (u64::try_from(index).expect("tables are short") + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Prices on exchanges have steps of five paise.
        let tick = if plan.allows_fractions { 1 } else { 500 };
        let price_model = PriceModel {
            base: rupees * 10_000,
            growth_bps: growth,
            swing_bps: swing,
            salt,
            tick,
        };
        let (kind, series) = plan.isin_prefix;
        let isin = format_isin(
            kind,
            series,
            u64::try_from(index).expect("tables are short") + 101,
        );
        holdings.push(Holding {
            security,
            price_model,
            isin,
            units: 0,
            cost: Paise(0),
            first_bought: None,
            salt,
        });
    }
    holdings
}

/// Returns units times price, rounded to the paisa.
pub(crate) fn trade_value(units: i64, price: i64) -> Paise {
    let value = (i128::from(units) * i128::from(price) + 50_000) / 100_000;
    Paise(i64::try_from(value).expect("the value of a holding fits"))
}

/// Formats thousandths of units with three decimals.
pub(crate) fn format_units(units: i64) -> String {
    format!("{}.{:03}", units / 1000, units % 1000)
}

/// Formats ten-thousandths of a rupee with four decimals.
pub(crate) fn format_price(price: i64) -> String {
    format!("{}.{:04}", price / 10_000, price % 10_000)
}
