//! Bonds, government securities, debentures, commercial paper. Each [`Issue`] has its coupon and its
//! dates from the table of its programme; its description and all other terms are made from these.
//! Securities are held until they mature, and the money is invested again.

use chrono::NaiveDate;
use rand::RngExt;

use super::trades::{Side, Trade, format_price, format_units, trade_value};
use super::{
    DocumentParts, DocumentTransaction, HoldingContext, TransactionList, days_after, format_isin,
    format_transaction_id, months_after, to_ist_timestamp,
};
use crate::bankgen::market::PriceModel;
use crate::domain::account::FiType;
use crate::domain::calendar::{Month, trading_day_on_or_after};
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::time::Timestamp;

/// A programme under which an issuer sells securities of one kind, one issue after the other.
#[derive(Debug)]
struct Programme {
    issuer: &'static str,
    /// The kind of the securities, as their descriptions name it.
    kind: &'static str,
    symbol: &'static str,
    face_rupees: i64,
    /// The average interest rate of the issues, in basis points a year.
    rate_bps: i64,
    term: Term,
    credit_rating: &'static str,
}

/// The interest and the life of the securities of a programme.
#[derive(Clone, Copy, Debug)]
enum Term {
    /// A coupon each year, for this many months and days; an issue each year in `issue_month`.
    Coupon {
        months: u32,
        days: u64,
        issue_month: u32,
        is_taxable: bool,
        /// `true` if the name has the year in which the security matures.
        names_year: bool,
    },
    /// No coupon and a price below the face value, for this many days; an issue each month.
    Discount { days: u64 },
}

/// The programmes of an FI type.
struct Market {
    /// The months from one purchase to the next.
    purchase_interval_months: i64,
    /// The beginning of the ISINs.
    isin_series: &'static str,
    programmes: &'static [Programme],
}

// The schemas allow no part of the tenure of a bond or a government security to be zero, so each has
// at least a month and a day beside its years.
const BONDS: Market = Market {
    purchase_interval_months: 4,
    isin_series: "EZZZ07",
    programmes: &[
        Programme {
            issuer: "Mock Power Finance Corp",
            kind: "Secured bonds",
            symbol: "MPFC",
            face_rupees: 1_000,
            rate_bps: 760,
            term: Term::Coupon {
                months: 121,
                days: 1,
                issue_month: 5,
                is_taxable: true,
                names_year: false,
            },
            credit_rating: "AAA",
        },
        Programme {
            issuer: "Rail Vikas Mock Ltd",
            kind: "Tax free bonds",
            symbol: "RVML",
            face_rupees: 1_000,
            rate_bps: 590,
            term: Term::Coupon {
                months: 181,
                days: 1,
                issue_month: 11,
                is_taxable: false,
                names_year: false,
            },
            credit_rating: "AAA",
        },
    ],
};

const GOVERNMENT_SECURITIES: Market = Market {
    purchase_interval_months: 4,
    isin_series: "0ZZZ08",
    programmes: &[
        Programme {
            issuer: "Government of Mockland",
            kind: "Government stock",
            symbol: "GS",
            face_rupees: 100,
            rate_bps: 710,
            term: Term::Coupon {
                months: 121,
                days: 1,
                issue_month: 4,
                is_taxable: true,
                names_year: true,
            },
            credit_rating: "SOVEREIGN",
        },
        Programme {
            issuer: "State of Mockpradesh",
            kind: "State development loan",
            symbol: "SDL",
            face_rupees: 100,
            rate_bps: 740,
            term: Term::Coupon {
                months: 97,
                days: 1,
                issue_month: 9,
                is_taxable: true,
                names_year: true,
            },
            credit_rating: "SOVEREIGN",
        },
    ],
};

const DEBENTURES: Market = Market {
    purchase_interval_months: 4,
    isin_series: "EZZZ09",
    programmes: &[
        Programme {
            issuer: "Dhruva Engineering Works Ltd",
            kind: "Secured debentures",
            symbol: "DEWNCD",
            face_rupees: 1_000,
            rate_bps: 840,
            term: Term::Coupon {
                months: 60,
                days: 0,
                issue_month: 7,
                is_taxable: true,
                names_year: false,
            },
            credit_rating: "AA",
        },
        Programme {
            issuer: "Mock Housing Finance Ltd",
            kind: "Subordinated debentures",
            symbol: "MHFNCD",
            face_rupees: 1_000,
            rate_bps: 890,
            term: Term::Coupon {
                months: 84,
                days: 0,
                issue_month: 2,
                is_taxable: true,
                names_year: false,
            },
            credit_rating: "AA",
        },
    ],
};

// `Assumption:` a unit is of 10,000 rupees, for 500,000 in the market (Reserve Bank of India,
// Commercial Paper Directions, 2017), so that small incomes can hold it.
const COMMERCIAL_PAPERS: Market = Market {
    purchase_interval_months: 2,
    isin_series: "EZZZ1",
    programmes: &[
        Programme {
            issuer: "Tamra Textiles Ltd",
            kind: "Commercial paper",
            symbol: "TTCP",
            face_rupees: 10_000,
            rate_bps: 740,
            term: Term::Discount { days: 182 },
            credit_rating: "A1+",
        },
        Programme {
            issuer: "Vayu Logistics Ltd",
            kind: "Commercial paper",
            symbol: "VLCP",
            face_rupees: 10_000,
            rate_bps: 710,
            term: Term::Discount { days: 91 },
            credit_rating: "A1+",
        },
    ],
};

/// The level of interest rates, in millionths of the average; the same for all issuers.
const RATE_LEVEL: PriceModel = PriceModel {
    base: 1_000_000,
    growth_bps: 0,
    swing_bps: 1_500,
    salt: 0x7ec3_91d5_0b64_28af,
    tick: 1,
};

/// The largest deviation of the price of a new coupon security from its face value, in basis points.
const PRICE_SWING_BPS: i64 = 300;

/// The first year of the numbers of issues.
const FIRST_ISSUE_YEAR: i64 = 1960;

/// The securities that a programme sold on one day.
#[derive(Clone, Copy, Debug)]
struct Issue {
    programme: &'static Programme,
    issued_on: NaiveDate,
    matures_on: NaiveDate,
    /// The number of the issue among those of its programme.
    number: i64,
}

impl Issue {
    /// Returns the latest issue of a programme on a day.
    fn latest_on(programme: &'static Programme, day: NaiveDate) -> Self {
        let (interval_months, issue_month) = match programme.term {
            Term::Coupon { issue_month, .. } => (12, issue_month),
            Term::Discount { .. } => (1, 1),
        };
        let mut month = Month::from_date(day);
        let issued_on = loop {
            let has_issue = interval_months == 1 || month.month == issue_month;
            let issue_day = trading_day_on_or_after(month.clamped_date(5));
            if has_issue && issue_day <= day {
                break issue_day;
            }
            month = month.previous();
        };
        let last_day = match programme.term {
            Term::Coupon { months, days, .. } => days_after(months_after(issued_on, months), days),
            Term::Discount { days } => days_after(issued_on, days),
        };
        Self {
            programme,
            issued_on,
            matures_on: trading_day_on_or_after(last_day),
            number: (month.ordinal() - FIRST_ISSUE_YEAR * 12) / interval_months,
        }
    }

    /// Returns the interest rate, in hundredths of a percent; `None` if there is no coupon.
    fn coupon(&self) -> Option<Paise> {
        match self.programme.term {
            Term::Coupon { .. } => Some(Paise(self.rate_bps_on(self.issued_on))),
            Term::Discount { .. } => None,
        }
    }

    /// Returns the interest rate that the issuer pays for new debt on a day, in basis points.
    fn rate_bps_on(&self, day: NaiveDate) -> i64 {
        self.programme.rate_bps * RATE_LEVEL.price_on(day) / 1_000_000 / 5 * 5
    }

    fn is_taxable(&self) -> bool {
        !matches!(
            self.programme.term,
            Term::Coupon {
                is_taxable: false,
                ..
            }
        )
    }

    fn face_value(&self) -> Paise {
        Paise::from_rupees(self.programme.face_rupees)
    }

    /// Returns the description: coupon, kind, and the days of the issue and of the maturity.
    fn description(&self) -> String {
        let Programme { kind, term, .. } = self.programme;
        let mut text = match self.coupon() {
            Some(coupon) => format!("{coupon} percent {kind}"),
            None => format!("{kind} of {} days", self.num_days()),
        };
        if let Term::Coupon {
            names_year: true, ..
        } = term
        {
            text += &self.matures_on.format(" %Y").to_string();
        }
        let (start, end) = (
            self.issued_on.format("%d %b %Y"),
            self.matures_on.format("%d %b %Y"),
        );
        format!("{text}, {start} to {end}")
    }

    fn symbol(&self) -> String {
        format!(
            "{}{}",
            self.programme.symbol,
            self.matures_on.format("%y%m")
        )
    }

    /// Returns the days from the issue to the maturity.
    fn num_days(&self) -> i64 {
        (self.matures_on - self.issued_on).num_days()
    }

    /// Returns the tenure as years, months and days.
    fn tenure(&self) -> (u32, u32, i64) {
        let mut months = 0;
        while months_after(self.issued_on, months + 1) <= self.matures_on {
            months += 1;
        }
        let days = (self.matures_on - months_after(self.issued_on, months)).num_days();
        (months / 12, months % 12, days)
    }

    /// Returns the price of a unit on a day, in ten-thousandths of a rupee. It approaches the face
    /// value, at which the security is repaid.
    fn price_on(&self, day: NaiveDate) -> i64 {
        let face_price = self.programme.face_rupees * 10_000;
        let remaining_days = (self.matures_on - day).num_days().max(0);
        let price = match self.programme.term {
            Term::Coupon { .. } => {
                let salt = self.programme.rate_bps.unsigned_abs();
                let level = PriceModel {
                    swing_bps: PRICE_SWING_BPS,
                    salt: salt.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                    ..RATE_LEVEL
                };
                let deviation = level.price_on(day) - level.base;
                face_price
                    + face_price / 10_000 * deviation / 100 * remaining_days / self.num_days()
            }
            Term::Discount { .. } => {
                let discount = self.rate_bps_on(day) * remaining_days / 365;
                face_price - face_price / 10_000 * discount
            }
        };
        // Prices have steps of five paise.
        price / 500 * 500
    }

    /// Returns the last day on or before a day, from which interest accrues, and the next day on
    /// which it is paid.
    fn coupon_dates(&self, day: NaiveDate) -> (NaiveDate, NaiveDate) {
        let mut years = 0;
        while months_after(self.issued_on, (years + 1) * 12) <= day {
            years += 1;
        }
        (
            months_after(self.issued_on, years * 12),
            months_after(self.issued_on, (years + 1) * 12).min(self.matures_on),
        )
    }
}

/// The units of one issue that are held.
struct DebtHolding {
    issue: Issue,
    isin: String,
    /// Thousandths of a unit.
    units: i64,
    cost: Paise,
}

impl DebtHolding {
    fn principal(&self) -> Paise {
        Paise(self.issue.face_value().0 * (self.units / 1000))
    }

    fn value_on(&self, day: NaiveDate) -> Paise {
        trade_value(self.units, self.issue.price_on(day))
    }
}

/// All purchases and repayments of an account up to now, the oldest first, and the resulting
/// holdings.
struct DebtPortfolio {
    trades: Vec<Trade>,
    holdings: Vec<DebtHolding>,
    /// The money that was repaid or did not suffice for another unit.
    uninvested: Paise,
}

impl DebtPortfolio {
    fn simulate(context: &HoldingContext<'_>, market: &Market) -> Self {
        let mut portfolio = Self {
            trades: Vec::new(),
            holdings: Vec::new(),
            uninvested: Paise(0),
        };
        let first_month = Month::from_date(context.opened_on);
        let mut month = first_month;
        while month.clamped_date(1) <= context.today() {
            let month_index = month.ordinal() - first_month.ordinal();
            if month_index % market.purchase_interval_months == 0 {
                portfolio.buy(context, market, month, month_index);
            }
            month = month.next();
        }
        portfolio.redeem_until(market, context.now());
        portfolio
    }

    /// Invests an amount and what was repaid before, if that is not after now.
    fn buy(
        &mut self,
        context: &HoldingContext<'_>,
        market: &Market,
        month: Month,
        month_index: i64,
    ) {
        let stream = u64::try_from(month_index).expect("it is later");
        let mut rng = context.random_stream(1000 + stream);
        let programme_index = rng.random_range(0..market.programmes.len());
        let wanted_day = month.clamped_date(rng.random_range(1..=25));
        let day = trading_day_on_or_after(wanted_day.max(context.opened_on));
        let at = to_ist_timestamp(
            day,
            rng.random_range(9..15),
            rng.random_range(16..60),
            rng.random_range(0..60),
        );
        let amount_percent = rng.random_range(60..=140);
        if at > context.now() {
            return;
        }
        self.redeem_until(market, at);
        self.uninvested += Paise(context.amount_on(day).0 * amount_percent / 100);
        let issue = Issue::latest_on(&market.programmes[programme_index], day);
        self.invest(market, issue, day, at);
    }

    /// Buys as many units of an issue as the money suffices for.
    fn invest(&mut self, market: &Market, issue: Issue, day: NaiveDate, at: Timestamp) {
        let price = issue.price_on(day);
        let units = self.uninvested.0 * 100 / price * 1000;
        if units == 0 {
            return;
        }
        let value = trade_value(units, price);
        self.uninvested = self.uninvested - value;
        let index = self.find_or_add(market, issue);
        let holding = &mut self.holdings[index];
        holding.units += units;
        holding.cost += value;
        let closing_units = holding.units;
        self.trades.push(Trade {
            at,
            day,
            holding: index,
            side: Side::Buy,
            units,
            price,
            value,
            closing_units,
            number: self.trades.len() + 1,
        });
    }

    /// Returns the index of the holding of an issue.
    fn find_or_add(&mut self, market: &Market, issue: Issue) -> usize {
        let programmes = market.programmes;
        let offset = programmes
            .iter()
            .position(|programme| programme.symbol == issue.programme.symbol)
            .expect("the market has the programme");
        let issue_number = usize::try_from(issue.number).expect("issues are later");
        let number = issue_number * programmes.len() + offset;
        let number = u64::try_from(number).expect("a number of three or four digits");
        let isin = format_isin("IN", market.isin_series, number);
        let found = self
            .holdings
            .iter()
            .position(|holding| holding.isin == isin);
        found.unwrap_or_else(|| {
            self.holdings.push(DebtHolding {
                issue,
                isin,
                units: 0,
                cost: Paise(0),
            });
            self.holdings.len() - 1
        })
    }

    /// Repays the securities that mature up to an instant, at their face value. Commercial paper,
    /// which matures often, is replaced by the next issue at once.
    fn redeem_until(&mut self, market: &Market, until: Timestamp) {
        let redemption_of =
            |holding: &DebtHolding| to_ist_timestamp(holding.issue.matures_on, 9, 15, 0);
        while let Some((at, index)) = self
            .holdings
            .iter()
            .enumerate()
            .filter(|(_, holding)| holding.units > 0 && redemption_of(holding) <= until)
            .map(|(index, holding)| (redemption_of(holding), index))
            .min()
        {
            let holding = &mut self.holdings[index];
            let issue = holding.issue;
            let (units, value) = (holding.units, holding.principal());
            holding.units = 0;
            holding.cost = Paise(0);
            self.uninvested += value;
            self.trades.push(Trade {
                at,
                day: issue.matures_on,
                holding: index,
                side: Side::Sell,
                units,
                price: issue.programme.face_rupees * 10_000,
                value,
                closing_units: 0,
                number: self.trades.len() + 1,
            });
            let rolled_over_at = to_ist_timestamp(issue.matures_on, 9, 15, 30);
            let is_last_of_day = !self
                .current_holdings()
                .any(|other| other.issue.matures_on == issue.matures_on);
            if issue.coupon().is_none() && is_last_of_day && rolled_over_at <= until {
                let next_issue = Issue::latest_on(issue.programme, issue.matures_on);
                self.invest(market, next_issue, issue.matures_on, rolled_over_at);
            }
        }
    }

    fn current_holdings(&self) -> impl Iterator<Item = &DebtHolding> {
        self.holdings.iter().filter(|holding| holding.units > 0)
    }
}

pub(crate) fn build_bonds(context: &HoldingContext<'_>) -> DocumentParts {
    let portfolio = DebtPortfolio::simulate(context, &BONDS);
    let holdings: Vec<_> = portfolio
        .current_holdings()
        .map(|holding| build_interest_bearing(context, holding, "FIXED_INTEREST_RATE"))
        .collect();
    build_parts(context, &portfolio, "B", holdings)
}

pub(crate) fn build_government_securities(context: &HoldingContext<'_>) -> DocumentParts {
    let portfolio = DebtPortfolio::simulate(context, &GOVERNMENT_SECURITIES);
    let holdings: Vec<_> = portfolio
        .current_holdings()
        .map(|holding| build_interest_bearing(context, holding, "T_BONDS"))
        .collect();
    let holder_attributes = vec![("holdingType", "SOLE".to_owned())];
    DocumentParts {
        holder_attributes,
        ..build_parts(context, &portfolio, "G", holdings)
    }
}

/// Builds a holding with the attributes that all debt securities share.
fn new_holding(holding: &DebtHolding) -> Element {
    let DebtHolding {
        issue, isin, units, ..
    } = holding;
    Element::new_repeatable("Holding")
        .with_attribute("isin", isin.clone())
        .with_attribute("units", format_units(*units))
        .with_attribute("faceValue", issue.face_value().to_string())
        .with_attribute("symbol", issue.symbol())
        .with_attribute("issuerName", issue.programme.issuer)
        .with_attribute("description", issue.description())
        .with_attribute("creditRating", issue.programme.credit_rating)
        .with_attribute("issueDate", issue.issued_on.to_string())
        .with_attribute("maturityDate", issue.matures_on.to_string())
}

/// Appends the last price.
fn with_last_price(element: Element, holding: &DebtHolding, traded_on: NaiveDate) -> Element {
    let price = format_price(holding.issue.price_on(traded_on));
    element
        .with_attribute("lastTradedRate", price)
        .with_attribute("lastTradedDate", traded_on.to_string())
}

/// Builds the holding of bonds and government securities, which have the same attributes.
///
/// Quirk: `tenureMoths`, `coupanComputation` and `autionDate` are the spellings of the schemas, and
/// no part of a tenure may be zero.
fn build_interest_bearing(
    context: &HoldingContext<'_>,
    holding: &DebtHolding,
    scheme: &'static str,
) -> Element {
    let issue = &holding.issue;
    let today = context.today();
    let traded_on = context.last_trading_day();
    let coupon = issue.coupon().unwrap_or(Paise(0));
    let (last_paid, next_paid) = issue.coupon_dates(today);
    let accrued_days = i128::from((today - last_paid).num_days());
    let accrued = i128::from(holding.principal().0) * i128::from(coupon.0) * accrued_days;
    let accrued = Paise(i64::try_from(accrued / 3_650_000).expect("a year's interest"));
    let (years, months, days) = issue.tenure();
    let element = new_holding(holding)
        .with_attribute("scheme", scheme)
        .with_attribute("creditRatingAgency", "MOCK RATINGS")
        .with_attribute("taxable", issue.is_taxable().to_string())
        .with_attribute("issueRate", issue.face_value().to_string())
        .with_attribute("principleAmount", holding.principal().to_string())
        .with_attribute("tenureYears", years.to_string())
        .with_attribute("tenureMoths", months.to_string())
        .with_attribute("tenureDays", days.to_string())
        .with_attribute("couponRate", coupon.to_string())
        .with_attribute("coupanComputation", "SIMPLE")
        .with_attribute("coupanPaymentDate", next_paid.to_string())
        .with_attribute("autionDate", issue.issued_on.to_string())
        .with_attribute("compoundingFrequency", "YEARLY")
        .with_attribute("interestPayout", "YEARLY")
        .with_attribute("accruedInterestAmount", accrued.to_string())
        .with_attribute("interestOnMaturity", "0.00");
    with_last_price(element, holding, traded_on)
}

pub(crate) fn build_debentures(context: &HoldingContext<'_>) -> DocumentParts {
    let portfolio = DebtPortfolio::simulate(context, &DEBENTURES);
    let traded_on = context.last_trading_day();
    let holdings = portfolio.current_holdings().map(|holding| {
        let issue = &holding.issue;
        let coupon = issue.coupon().unwrap_or(Paise(0));
        let (years, months, days) = issue.tenure();
        let current_yield =
            Paise(coupon.0 * issue.programme.face_rupees * 10_000 / issue.price_on(traded_on));
        let element = new_holding(holding)
            .with_attribute("coupon", coupon.to_string())
            .with_attribute("fixedIncomePortfolio", "CORPORATE")
            .with_attribute("taxable", if issue.is_taxable() { "YES" } else { "NO" })
            .with_attribute("principalAmount", holding.principal().to_string())
            .with_attribute("tenureDays", days.to_string())
            .with_attribute("tenureMonths", months.to_string())
            .with_attribute("tenureYears", years.to_string())
            .with_attribute("yield", current_yield.to_string());
        with_last_price(element, holding, traded_on)
    });
    let holdings = holdings.collect();
    build_parts(context, &portfolio, "N", holdings)
}

pub(crate) fn build_commercial_paper(context: &HoldingContext<'_>) -> DocumentParts {
    let portfolio = DebtPortfolio::simulate(context, &COMMERCIAL_PAPERS);
    let traded_on = context.last_trading_day();
    let holdings = portfolio.current_holdings().map(|holding| {
        let issue = &holding.issue;
        let (years, months, days) = issue.tenure();
        new_holding(holding)
            .with_attribute("scheme", "OTHERS")
            .with_attribute("investmentValue", holding.cost.to_string())
            .with_attribute("currentValue", holding.value_on(traded_on).to_string())
            .with_attribute("creditRatingAgency", "MOCK RATINGS")
            .with_attribute("principalAmount", holding.principal().to_string())
            // Quirk: the schema allows no part of a tenure to be zero, so a paper of six months has a year, six
            // months and a day. `maturityDate` tells the term.
            .with_attribute("tenureYears", years.max(1).to_string())
            .with_attribute("tenureMonths", months.max(1).to_string())
            .with_attribute("tenureDays", days.max(1).to_string())
            .with_attribute("auctionDate", issue.issued_on.to_string())
    });
    let investment = Element::new("Investment")
        .with_children([Element::new("Holdings").with_children(holdings)]);
    let summary = build_summary(context, &portfolio).with_children([investment]);
    DocumentParts {
        summary: Some(summary),
        ..build_parts(context, &portfolio, "P", Vec::new())
    }
}

fn build_parts(
    context: &HoldingContext<'_>,
    portfolio: &DebtPortfolio,
    prefix: &str,
    holdings: Vec<Element>,
) -> DocumentParts {
    let summary = build_summary(context, portfolio)
        .with_children([Element::new("Holdings").with_children(holdings)]);
    let rows = portfolio
        .trades
        .iter()
        .map(|trade| build_transaction(context, portfolio, prefix, trade));
    let transactions = TransactionList::Flat(rows.collect());
    DocumentParts {
        holder_attributes: Vec::new(),
        profile: Vec::new(),
        summary: Some(summary),
        transactions,
    }
}

fn build_summary(context: &HoldingContext<'_>, portfolio: &DebtPortfolio) -> Element {
    let traded_on = context.last_trading_day();
    let cost: Paise = portfolio
        .current_holdings()
        .map(|holding| holding.cost)
        .sum();
    let value: Paise = portfolio
        .current_holdings()
        .map(|holding| holding.value_on(traded_on))
        .sum();
    Element::new("Summary")
        .with_attribute("investmentValue", cost.to_string())
        .with_attribute("currentValue", value.to_string())
}

fn build_transaction(
    context: &HoldingContext<'_>,
    portfolio: &DebtPortfolio,
    prefix: &str,
    trade: &Trade,
) -> DocumentTransaction {
    let holding = &portfolio.holdings[trade.holding];
    let charge = match trade.side {
        Side::Buy => Paise((trade.value.0 / 2_000).max(2_000)),
        Side::Sell => Paise(0),
    };
    let verb = match trade.side {
        Side::Buy => "BUY",
        Side::Sell => "REDEMPTION",
    };
    // Quirk: the schema of debentures has the transaction types of deposits.
    let kind = match (context.fi_type, trade.side) {
        (FiType::Debentures, Side::Buy) => "OPENING",
        (FiType::Debentures, Side::Sell) => "CLOSING",
        (_, side) => side.as_str(),
    };
    let element = Element::new_repeatable("Transaction")
        .with_attribute(
            "txnId",
            format_transaction_id(prefix, trade.day, trade.number),
        )
        .with_attribute("isin", holding.isin.clone())
        .with_attribute(
            "narration",
            format!("{verb} {} {}", trade.units / 1000, holding.issue.symbol()),
        )
        .with_attribute("transactionDateTime", trade.at.to_ist_string())
        .with_attribute("rate", format_price(trade.price))
        .with_attribute("type", kind)
        .with_attribute("units", format_units(trade.units))
        .with_attribute("currency", "INR")
        .with_attribute("tradeValue", trade.value.to_string())
        .with_attribute("totalCharge", charge.to_string())
        .with_attribute("otherTaxes", Paise(charge.0 * 18 / 100).to_string());
    DocumentTransaction {
        at: trade.at,
        amount: trade.value,
        direction: trade.side.direction(),
        element,
    }
}
