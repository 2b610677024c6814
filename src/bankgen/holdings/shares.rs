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
        let element = Element::one_of_many("Transaction")
            .with("txnId", id("E", trade.day, trade.number))
            .with("orderId", format!("{}{:05}", ask.number, trade.number))
            .with(
                "tradeId",
                format!("T{}{:05}", trade.day.format("%y%j"), trade.number),
            )
            .with("companyName", listed.issuer)
            .with("symbol", listed.symbol)
            .with("transactionDateTime", trade.at.ist_string())
            .with(
                "exchange",
                if trade.number % 3 == 0 { "BSE" } else { "NSE" },
            )
            .with("isin", portfolio.holdings[trade.holding].isin.clone())
            .with("equityCategory", "EQUITY")
            // Quirk: the schema wants an instrument of every trade, and knows derivatives alone.
            .with("instrumentType", "FUTURES")
            .with("narration", note)
            .with("rate", price(trade.price))
            .with("totalCharge", charges.total().to_string())
            .with("tradeValue", trade.value.to_string())
            .with("type", trade.side.as_str())
            .with("shareHolderEquityType", "RETAIL")
            .with("units", (trade.units / 1000).to_string())
            .with("otherCharges", charges.others.to_string());
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
        let element = Element::one_of_many("Transaction")
            .with("txnId", id("R", trade.day, trade.number))
            .with("transactionDateTime", trade.at.ist_string())
            .with("orderId", format!("{}{:05}", ask.number, trade.number))
            .with(
                "tradeId",
                format!("T{}{:05}", trade.day.format("%y%j"), trade.number),
            )
            .with("isin", portfolio.holdings[trade.holding].isin.clone())
            .with("companyName", listed.issuer)
            .with("symbol", listed.symbol)
            .with("exchange", "NSE")
            .with("rate", price(trade.price))
            .with("tradeValue", trade.value.to_string())
            // Quirk: spelled so in the schema.
            .with("shareHolerEquityType", "RETAIL")
            .with("type", trade.side.as_str())
            .with("units", units(trade.units))
            .with("otherCharges", charges.others.to_string())
            .with("totalCharge", charges.total().to_string())
            .with(
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
        Element::one_of_many("Holding")
            .with("issuerName", holding.listed.issuer)
            .with("isin", holding.isin.clone())
            .with("units", (holding.units / 1000).to_string())
            .with(
                "investmentDateTime",
                holding.first_bought.expect("it was bought").ist_string(),
            )
            .with("rate", price(holding.rate()))
            .with("lastTradedPrice", price(holding.paper.price(today)))
            .with("description", holding.listed.name)
    });
    Element::new("Summary")
        .with("investmentValue", portfolio.cost().to_string())
        .with("currentValue", portfolio.worth(today).to_string())
        .holding(
            [Element::new("Investment").holding([Element::new("Holdings")
                .with("type", "DEMAT")
                .holding(holdings)])],
        )
}
