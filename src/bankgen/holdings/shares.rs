//! Shares and depository receipts, with the charges of their contract notes.

use super::trades::{Listed, Manner, Portfolio, Side, Trade, price, units};
use super::{Ask, Entry, Told, Transactions, id};
use crate::domain::document::Element;
use crate::domain::money::Paise;

const SHARES: &[Listed] = &[
    Listed {
        issuer: "Nimbus Softworks Ltd",
        name: "Equity shares",
        symbol: "NIMBUSOFT",
        price: (640, 1400, 2200),
    },
    Listed {
        issuer: "Tamra Textiles Ltd",
        name: "Equity shares",
        symbol: "TAMRATEX",
        price: (145, 700, 3000),
    },
    Listed {
        issuer: "Neelgiri Foods Ltd",
        name: "Equity shares",
        symbol: "NEELFOOD",
        price: (1220, 1100, 1500),
    },
    Listed {
        issuer: "Vayu Logistics Ltd",
        name: "Equity shares",
        symbol: "VAYULOG",
        price: (310, 1300, 2800),
    },
    Listed {
        issuer: "Mock Housing Finance Ltd",
        name: "Equity shares",
        symbol: "MOCKHFL",
        price: (890, 900, 2000),
    },
    Listed {
        issuer: "Dhruva Engineering Works Ltd",
        name: "Equity shares",
        symbol: "DHRUVAENG",
        price: (75, 1600, 3500),
    },
    Listed {
        issuer: "Sarita Healthcare Ltd",
        name: "Equity shares",
        symbol: "SARITAHC",
        price: (2300, 1200, 1800),
    },
];

const RECEIPTS: &[Listed] = &[
    Listed {
        issuer: "Meridian Overseas Bank plc",
        name: "Depository receipts",
        symbol: "MERIDIDR",
        price: (118, 500, 2500),
    },
    Listed {
        issuer: "Northsea Mining Corp",
        name: "Depository receipts",
        symbol: "NSMIDR",
        price: (64, 400, 3500),
    },
];

/// What a trade costs: brokerage of 0.03 % and at least 20 rupees, securities transaction tax of 0.1 %, 0.00345 % to the
/// exchange, 0.0001 % to the regulator, stamp duty of 0.015 % on purchases, 18 % GST on brokerage and fees.
struct Charges {
    brokerage: Paise,
    others: Paise,
}

impl Charges {
    fn of(trade: &Trade) -> Self {
        // In hundred-millionths of the value, to the paisa.
        let part = |share: i128| {
            let part = i128::from(trade.value.0) * share / 100_000_000;
            i64::try_from(part).expect("a part of the value")
        };
        let brokerage = part(30_000).max(2_000);
        let fees = part(3_450) + part(100);
        let tax = part(100_000)
            + if trade.side == Side::Buy {
                part(15_000)
            } else {
                0
            };
        let gst = (brokerage + fees) * 18 / 100;
        Self {
            brokerage: Paise(brokerage),
            others: Paise(fees + tax + gst),
        }
    }

    fn total(&self) -> Paise {
        self.brokerage + self.others
    }
}

pub fn equities(ask: &Ask<'_>) -> Told {
    let manner = Manner {
        papers: SHARES,
        held: 5,
        every: 1,
        day: None,
        fractions: false,
        sells: 4,
        isin: ("IN", "EZZZ01"),
    };
    let portfolio = Portfolio::told(ask, &manner);
    let rows = portfolio.trades.iter().map(|trade| {
        let listed = portfolio.holdings[trade.holding].listed;
        let charges = Charges::of(trade);
        let note = format!(
            "CONTRACT NOTE {}/{:06} {} {} {} @ {}",
            trade.day.format("%Y-%m"),
            trade.number,
            trade.side.as_str(),
            trade.units / 1000,
            listed.symbol,
            price(trade.price)
        );
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", id("E", trade.day, trade.number))
            .with_attribute("orderId", format!("{}{:05}", ask.number, trade.number))
            .with_attribute(
                "tradeId",
                format!("T{}{:05}", trade.day.format("%y%j"), trade.number),
            )
            .with_attribute("companyName", listed.issuer)
            .with_attribute("symbol", listed.symbol)
            .with_attribute("transactionDateTime", trade.at.to_ist_string())
            .with_attribute(
                "exchange",
                if trade.number % 3 == 0 { "BSE" } else { "NSE" },
            )
            .with_attribute("isin", portfolio.holdings[trade.holding].isin.clone())
            .with_attribute("equityCategory", "EQUITY")
            // Quirk: the schema wants an instrument of every trade, and knows derivatives alone.
            .with_attribute("instrumentType", "FUTURES")
            .with_attribute("narration", note)
            .with_attribute("rate", price(trade.price))
            .with_attribute("totalCharge", charges.total().to_string())
            .with_attribute("tradeValue", trade.value.to_string())
            .with_attribute("type", trade.side.as_str())
            .with_attribute("shareHolderEquityType", "RETAIL")
            .with_attribute("units", (trade.units / 1000).to_string())
            .with_attribute("otherCharges", charges.others.to_string());
        Entry {
            at: trade.at,
            amount: trade.value,
            direction: trade.side.direction(),
            element,
        }
    });
    let transactions = Transactions::Flat(rows.collect());
    Told {
        holder: Vec::new(),
        profile: Vec::new(),
        summary: Some(summary(ask, &portfolio)),
        transactions,
    }
}

pub fn idr(ask: &Ask<'_>) -> Told {
    let manner = Manner {
        papers: RECEIPTS,
        held: 2,
        every: 3,
        day: None,
        fractions: false,
        sells: 6,
        isin: ("IN", "EZZZ02"),
    };
    let portfolio = Portfolio::told(ask, &manner);
    let rows = portfolio.trades.iter().map(|trade| {
        let listed = portfolio.holdings[trade.holding].listed;
        let charges = Charges::of(trade);
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", id("R", trade.day, trade.number))
            .with_attribute("transactionDateTime", trade.at.to_ist_string())
            .with_attribute("orderId", format!("{}{:05}", ask.number, trade.number))
            .with_attribute(
                "tradeId",
                format!("T{}{:05}", trade.day.format("%y%j"), trade.number),
            )
            .with_attribute("isin", portfolio.holdings[trade.holding].isin.clone())
            .with_attribute("companyName", listed.issuer)
            .with_attribute("symbol", listed.symbol)
            .with_attribute("exchange", "NSE")
            .with_attribute("rate", price(trade.price))
            .with_attribute("tradeValue", trade.value.to_string())
            // Quirk: spelled so in the schema.
            .with_attribute("shareHolerEquityType", "RETAIL")
            .with_attribute("type", trade.side.as_str())
            .with_attribute("units", units(trade.units))
            .with_attribute("otherCharges", charges.others.to_string())
            .with_attribute("totalCharge", charges.total().to_string())
            .with_attribute(
                "narration",
                format!("{} {}", trade.side.as_str(), listed.symbol),
            );
        Entry {
            at: trade.at,
            amount: trade.value,
            direction: trade.side.direction(),
            element,
        }
    });
    let transactions = Transactions::Flat(rows.collect());
    Told {
        holder: Vec::new(),
        profile: Vec::new(),
        summary: Some(summary(ask, &portfolio)),
        transactions,
    }
}

/// Equities and depository receipts have the same.
fn summary(ask: &Ask<'_>, portfolio: &Portfolio) -> Element {
    let today = ask.today();
    let holdings = portfolio.held().map(|holding| {
        Element::new_repeatable("Holding")
            .with_attribute("issuerName", holding.listed.issuer)
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("units", (holding.units / 1000).to_string())
            .with_attribute(
                "investmentDateTime",
                holding.first_bought.expect("it was bought").to_ist_string(),
            )
            .with_attribute("rate", price(holding.rate()))
            .with_attribute("lastTradedPrice", price(holding.paper.price(today)))
            .with_attribute("description", holding.listed.name)
    });
    Element::new("Summary")
        .with_attribute("investmentValue", portfolio.cost().to_string())
        .with_attribute("currentValue", portfolio.worth(today).to_string())
        .with_children([
            Element::new("Investment").with_children([Element::new("Holdings")
                .with_attribute("type", "DEMAT")
                .with_children(holdings)]),
        ])
}
