//! Bonds, securities of the government, debentures, commercial paper.

use super::trades::{Holding, Listed, Manner, Portfolio, Side, Trade, price, units};
use super::{Ask, Entry, Told, Transactions, days_after, id, months_after};
use crate::domain::document::Element;
use crate::domain::money::Paise;

const BONDS: &[Listed] = &[
    Listed {
        issuer: "Mock Power Finance Corp",
        name: "Secured bonds",
        symbol: "MPFC28",
        price: (1012, 0, 250),
    },
    Listed {
        issuer: "Rail Vikas Mock Ltd",
        name: "Tax free bonds",
        symbol: "RVML31",
        price: (1104, 0, 200),
    },
];

const GOVERNMENT: &[Listed] = &[
    Listed {
        issuer: "Government of Mockland",
        name: "7.10 percent stock 2034",
        symbol: "GS2034",
        price: (99, 0, 300),
    },
    Listed {
        issuer: "Government of Mockland",
        name: "Treasury bills of 364 days",
        symbol: "TB364",
        price: (94, 0, 150),
    },
];

const DEBENTURES: &[Listed] = &[
    Listed {
        issuer: "Dhruva Engineering Works Ltd",
        name: "Secured debentures",
        symbol: "DEWNCD",
        price: (998, 0, 300),
    },
    Listed {
        issuer: "Mock Housing Finance Ltd",
        name: "Subordinated debentures",
        symbol: "MHFNCD",
        price: (1020, 0, 250),
    },
];

const COMMERCIAL: &[Listed] = &[
    Listed {
        issuer: "Tamra Textiles Ltd",
        name: "Commercial paper of 182 days",
        symbol: "TTCP182",
        price: (96_800, 0, 100),
    },
    Listed {
        issuer: "Vayu Logistics Ltd",
        name: "Commercial paper of 91 days",
        symbol: "VLCP91",
        price: (98_300, 0, 80),
    },
];

/// What the schemas say of each paper.
struct Terms {
    coupon: Paise,
    face: Paise,
    years: u32,
}

impl Terms {
    fn of(holding: &Holding) -> Self {
        let basis_points = 650 + i64::try_from(holding.salt % 24).expect("below 24") * 10;
        let face = if holding.listed.price.0 > 50_000 {
            100_000
        } else if holding.listed.price.0 > 500 {
            1_000
        } else {
            100
        };
        let years = 5 + u32::try_from(holding.salt % 7).expect("below 7");
        Self {
            coupon: Paise(basis_points),
            face: Paise::from_rupees(face),
            years,
        }
    }
}

fn portfolio(ask: &Ask<'_>, papers: &'static [Listed], series: &'static str) -> Portfolio {
    let manner = Manner {
        papers,
        held: 2,
        every: 4,
        day: None,
        fractions: false,
        sells: 10,
        isin: ("IN", series),
    };
    Portfolio::told(ask, &manner)
}

pub fn bonds(ask: &Ask<'_>) -> Told {
    let portfolio = portfolio(ask, BONDS, "EZZZ07");
    let holdings: Vec<_> = portfolio
        .held()
        .map(|holding| interest_bearing(ask, holding, "FIXED_INTEREST_RATE"))
        .collect();
    told(ask, &portfolio, "B", holdings)
}

pub fn government(ask: &Ask<'_>) -> Told {
    let portfolio = portfolio(ask, GOVERNMENT, "0ZZZ08");
    let holdings: Vec<_> = portfolio
        .held()
        .map(|holding| interest_bearing(ask, holding, "T_BONDS"))
        .collect();
    let holder = vec![("holdingType", "SOLE".to_owned())];
    Told {
        holder,
        ..told(ask, &portfolio, "G", holdings)
    }
}

/// Bonds and government securities have the same holding. Quirk: `tenureMoths`, `coupanComputation`, `autionDate` are the
/// schemas' spellings, and a tenure has no part of nothing.
fn interest_bearing(ask: &Ask<'_>, holding: &Holding, scheme: &'static str) -> Element {
    let Terms {
        coupon,
        face,
        years,
    } = Terms::of(holding);
    let today = ask.today();
    let issued = ask.opened_on;
    let accrued = Paise(face.0 * (holding.units / 1000) * coupon.0 / 10_000 / 4);
    Element::new_repeatable("Holding")
        .with_attribute("scheme", scheme)
        .with_attribute("isin", holding.isin.clone())
        .with_attribute("units", units(holding.units))
        .with_attribute("faceValue", face.to_string())
        .with_attribute("symbol", holding.listed.symbol)
        .with_attribute("issuerName", holding.listed.issuer)
        .with_attribute("description", holding.listed.name)
        .with_attribute("creditRating", "AAA")
        .with_attribute("creditRatingAgency", "MOCK RATINGS")
        .with_attribute("taxable", "true")
        .with_attribute("issueRate", face.to_string())
        .with_attribute("issueDate", issued.to_string())
        .with_attribute(
            "principleAmount",
            Paise(face.0 * (holding.units / 1000)).to_string(),
        )
        .with_attribute("tenureYears", years.to_string())
        .with_attribute("tenureMoths", "1")
        .with_attribute("tenureDays", "1")
        .with_attribute("couponRate", coupon.to_string())
        .with_attribute(
            "maturityDate",
            days_after(months_after(issued, years * 12 + 1), 1).to_string(),
        )
        .with_attribute("coupanComputation", "SIMPLE")
        .with_attribute("coupanPaymentDate", months_after(today, 3).to_string())
        .with_attribute("autionDate", issued.to_string())
        .with_attribute("compoundingFrequency", "YEARLY")
        .with_attribute("interestPayout", "YEARLY")
        .with_attribute("accruedInterestAmount", accrued.to_string())
        .with_attribute("interestOnMaturity", "0.00")
        .with_attribute("lastTradedRate", price(holding.paper.price(today)))
        .with_attribute("lastTradedDate", today.to_string())
}

pub fn debentures(ask: &Ask<'_>) -> Told {
    let portfolio = portfolio(ask, DEBENTURES, "EZZZ09");
    let today = ask.today();
    let holdings = portfolio.held().map(|holding| {
        let Terms {
            coupon,
            face,
            years,
        } = Terms::of(holding);
        Element::new_repeatable("Holding")
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("units", units(holding.units))
            .with_attribute("faceValue", face.to_string())
            .with_attribute("coupon", coupon.to_string())
            .with_attribute("fixedIncomePortfolio", "CORPORATE")
            .with_attribute("symbol", holding.listed.symbol)
            .with_attribute("issuerName", holding.listed.issuer)
            .with_attribute("description", holding.listed.name)
            .with_attribute("creditRating", "AA")
            .with_attribute("taxable", "YES")
            .with_attribute("issueDate", ask.opened_on.to_string())
            .with_attribute(
                "principalAmount",
                Paise(face.0 * (holding.units / 1000)).to_string(),
            )
            .with_attribute("tenureDays", "0")
            .with_attribute("tenureMonths", "0")
            .with_attribute("tenureYears", years.to_string())
            .with_attribute("yield", coupon.to_string())
            .with_attribute(
                "maturityDate",
                months_after(ask.opened_on, years * 12).to_string(),
            )
            .with_attribute("lastTradedRate", price(holding.paper.price(today)))
            .with_attribute("lastTradedDate", today.to_string())
    });
    let holdings = holdings.collect();
    told(ask, &portfolio, "N", holdings)
}

pub fn commercial_paper(ask: &Ask<'_>) -> Told {
    let portfolio = portfolio(ask, COMMERCIAL, "EZZZ10");
    let today = ask.today();
    let holdings = portfolio.held().map(|holding| {
        let Terms { face, .. } = Terms::of(holding);
        Element::new_repeatable("Holding")
            .with_attribute("scheme", "OTHERS")
            .with_attribute("investmentValue", holding.cost.to_string())
            .with_attribute("currentValue", holding.worth(today).to_string())
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("units", units(holding.units))
            .with_attribute("faceValue", face.to_string())
            .with_attribute("symbol", holding.listed.symbol)
            .with_attribute("description", holding.listed.name)
            .with_attribute("issuerName", holding.listed.issuer)
            .with_attribute("creditRating", "A1+")
            .with_attribute("creditRatingAgency", "MOCK RATINGS")
            .with_attribute("issueDate", today.to_string())
            .with_attribute(
                "principalAmount",
                Paise(face.0 * (holding.units / 1000)).to_string(),
            )
            // Quirk: the schema knows no tenure without a year, a month and a day.
            .with_attribute("tenureYears", "1")
            .with_attribute("tenureMonths", "1")
            .with_attribute("tenureDays", "1")
            .with_attribute(
                "maturityDate",
                days_after(months_after(today, 13), 1).to_string(),
            )
            .with_attribute("auctionDate", today.to_string())
    });
    let investment = Element::new("Investment")
        .with_children([Element::new("Holdings").with_children(holdings)]);
    let summary = worth(ask, &portfolio).with_children([investment]);
    Told {
        summary: Some(summary),
        ..told(ask, &portfolio, "P", Vec::new())
    }
}

fn told(ask: &Ask<'_>, portfolio: &Portfolio, prefix: &str, holdings: Vec<Element>) -> Told {
    let summary =
        worth(ask, portfolio).with_children([Element::new("Holdings").with_children(holdings)]);
    let rows = portfolio
        .trades
        .iter()
        .map(|trade| row(ask, portfolio, prefix, trade));
    let transactions = Transactions::Flat(rows.collect());
    Told {
        holder: Vec::new(),
        profile: Vec::new(),
        summary: Some(summary),
        transactions,
    }
}

fn worth(ask: &Ask<'_>, portfolio: &Portfolio) -> Element {
    Element::new("Summary")
        .with_attribute("investmentValue", portfolio.cost().to_string())
        .with_attribute("currentValue", portfolio.worth(ask.today()).to_string())
}

fn row(ask: &Ask<'_>, portfolio: &Portfolio, prefix: &str, trade: &Trade) -> Entry {
    let holding = &portfolio.holdings[trade.holding];
    let charge = Paise((trade.value.0 / 2_000).max(2_000));
    // Quirk: the schema of debentures has the types of deposits.
    let kind = match (ask.fi_type, trade.side) {
        (crate::domain::account::FiType::Debentures, Side::Buy) => "OPENING",
        (crate::domain::account::FiType::Debentures, Side::Sell) => "CLOSING",
        (_, side) => side.as_str(),
    };
    let element = Element::new_repeatable("Transaction")
        .with_attribute("txnId", id(prefix, trade.day, trade.number))
        .with_attribute("isin", holding.isin.clone())
        .with_attribute(
            "narration",
            format!(
                "{} {} {}",
                trade.side.as_str(),
                trade.units / 1000,
                holding.listed.symbol
            ),
        )
        .with_attribute("transactionDateTime", trade.at.to_ist_string())
        .with_attribute("rate", price(trade.price))
        .with_attribute("type", kind)
        .with_attribute("units", units(trade.units))
        .with_attribute("currency", "INR")
        .with_attribute("tradeValue", trade.value.to_string())
        .with_attribute("totalCharge", charge.to_string())
        .with_attribute("otherTaxes", Paise(charge.0 * 18 / 100).to_string());
    Entry {
        at: trade.at,
        amount: trade.value,
        direction: trade.side.direction(),
        element,
    }
}
