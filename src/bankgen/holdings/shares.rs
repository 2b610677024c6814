//! Shares and depository receipts, with the charges of their contract notes.

use super::trades::{Portfolio, Security, Side, Trade, TradingPlan, format_price, format_units};
use super::{
    DocumentParts, DocumentTransaction, HoldingContext, TransactionList, format_transaction_id,
};
use crate::domain::document::Element;
use crate::domain::money::Paise;

const SHARES: &[Security] = &[
    Security {
        issuer: "Nimbus Softworks Ltd",
        name: "Equity shares",
        symbol: "NIMBUSOFT",
        price: (640, 1400, 2200),
    },
    Security {
        issuer: "Tamra Textiles Ltd",
        name: "Equity shares",
        symbol: "TAMRATEX",
        price: (145, 700, 3000),
    },
    Security {
        issuer: "Neelgiri Foods Ltd",
        name: "Equity shares",
        symbol: "NEELFOOD",
        price: (1220, 1100, 1500),
    },
    Security {
        issuer: "Vayu Logistics Ltd",
        name: "Equity shares",
        symbol: "VAYULOG",
        price: (310, 1300, 2800),
    },
    Security {
        issuer: "Mock Housing Finance Ltd",
        name: "Equity shares",
        symbol: "MOCKHFL",
        price: (890, 900, 2000),
    },
    Security {
        issuer: "Dhruva Engineering Works Ltd",
        name: "Equity shares",
        symbol: "DHRUVAENG",
        price: (75, 1600, 3500),
    },
    Security {
        issuer: "Sarita Healthcare Ltd",
        name: "Equity shares",
        symbol: "SARITAHC",
        price: (2300, 1200, 1800),
    },
];

const DEPOSITORY_RECEIPTS: &[Security] = &[
    Security {
        issuer: "Meridian Overseas Bank plc",
        name: "Depository receipts",
        symbol: "MERIDIDR",
        price: (118, 500, 2500),
    },
    Security {
        issuer: "Northsea Mining Corp",
        name: "Depository receipts",
        symbol: "NSMIDR",
        price: (64, 400, 3500),
    },
];

/// The charges of a trade: brokerage of 0.03 %, at least 20 rupees; securities transaction tax of
/// 0.1 %; fees of 0.00345 % to the exchange and 0.0001 % to the regulator; stamp duty of 0.015 % on
/// purchases; 18 % GST on brokerage and fees.
struct Charges {
    brokerage: Paise,
    other_charges: Paise,
}

impl Charges {
    fn for_trade(trade: &Trade) -> Self {
        let brokerage = share_of(trade.value, 30_000).max(2_000);
        let fees = share_of(trade.value, 3_450) + share_of(trade.value, 100);
        let stamp_duty = match trade.side {
            Side::Buy => share_of(trade.value, 15_000),
            Side::Sell => 0,
        };
        let tax = share_of(trade.value, 100_000) + stamp_duty;
        let gst = (brokerage + fees) * 18 / 100;
        Self {
            brokerage: Paise(brokerage),
            other_charges: Paise(fees + tax + gst),
        }
    }

    fn total(&self) -> Paise {
        self.brokerage + self.other_charges
    }
}

/// Returns a share of an amount, in whole paise. The share is in hundred-millionths.
fn share_of(value: Paise, share: i128) -> i64 {
    let part = i128::from(value.0) * share / 100_000_000;
    i64::try_from(part).expect("a part of the value")
}

pub(crate) fn build_equities(context: &HoldingContext<'_>) -> DocumentParts {
    let plan = TradingPlan {
        securities: SHARES,
        holding_count: 5,
        interval_months: 1,
        day_of_month: None,
        allows_fractions: false,
        sale_one_in: 4,
        isin_prefix: ("IN", "EZZZ01"),
        locked_symbols: &[],
    };
    let portfolio = Portfolio::simulate_trades(context, &plan);
    let rows = portfolio.trades.iter().map(|trade| {
        let security = portfolio.holdings[trade.holding].security;
        let charges = Charges::for_trade(trade);
        let contract_note = format!(
            "CONTRACT NOTE {}/{:06} {} {} {} @ {}",
            trade.day.format("%Y-%m"),
            trade.number,
            trade.side.as_str(),
            trade.units / 1000,
            security.symbol,
            format_price(trade.price)
        );
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", format_transaction_id("E", trade.day, trade.number))
            .with_attribute(
                "orderId",
                format!("{}{:05}", context.reference_number, trade.number),
            )
            .with_attribute(
                "tradeId",
                format!("T{}{:05}", trade.day.format("%y%j"), trade.number),
            )
            .with_attribute("companyName", security.issuer)
            .with_attribute("isinDescription", security.name)
            .with_attribute("symbol", security.symbol)
            .with_attribute("transactionDateTime", trade.at.to_ist_string())
            .with_attribute(
                "exchange",
                if trade.number % 3 == 0 { "BSE" } else { "NSE" },
            )
            .with_attribute("isin", portfolio.holdings[trade.holding].isin.clone())
            .with_attribute("equityCategory", "EQUITY")
            // Quirk: the schema requires an instrument for each trade and allows derivatives only.
            .with_attribute("instrumentType", "FUTURES")
            .with_attribute("narration", contract_note)
            .with_attribute("rate", format_price(trade.price))
            .with_attribute("totalCharge", charges.total().to_string())
            .with_attribute("tradeValue", trade.value.to_string())
            .with_attribute("type", trade.side.as_str())
            .with_attribute("shareHolderEquityType", "RETAIL")
            .with_attribute("units", (trade.units / 1000).to_string())
            .with_attribute("otherCharges", charges.other_charges.to_string());
        DocumentTransaction {
            at: trade.at,
            amount: trade.value,
            direction: trade.side.direction(),
            element,
        }
    });
    let transactions = TransactionList::Flat(rows.collect());
    DocumentParts {
        holder_attributes: Vec::new(),
        profile: Vec::new(),
        summary: Some(build_summary(context, &portfolio)),
        transactions,
    }
}

pub(crate) fn build_idr(context: &HoldingContext<'_>) -> DocumentParts {
    let plan = TradingPlan {
        securities: DEPOSITORY_RECEIPTS,
        holding_count: 2,
        interval_months: 3,
        day_of_month: None,
        allows_fractions: false,
        sale_one_in: 6,
        isin_prefix: ("IN", "EZZZ02"),
        locked_symbols: &[],
    };
    let portfolio = Portfolio::simulate_trades(context, &plan);
    let rows = portfolio.trades.iter().map(|trade| {
        let security = portfolio.holdings[trade.holding].security;
        let charges = Charges::for_trade(trade);
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", format_transaction_id("R", trade.day, trade.number))
            .with_attribute("transactionDateTime", trade.at.to_ist_string())
            .with_attribute(
                "orderId",
                format!("{}{:05}", context.reference_number, trade.number),
            )
            .with_attribute(
                "tradeId",
                format!("T{}{:05}", trade.day.format("%y%j"), trade.number),
            )
            .with_attribute("isin", portfolio.holdings[trade.holding].isin.clone())
            .with_attribute("companyName", security.issuer)
            .with_attribute("symbol", security.symbol)
            .with_attribute("exchange", "NSE")
            .with_attribute("rate", format_price(trade.price))
            .with_attribute("tradeValue", trade.value.to_string())
            // Quirk: the schema spells it this way.
            .with_attribute("shareHolerEquityType", "RETAIL")
            .with_attribute("type", trade.side.as_str())
            .with_attribute("units", format_units(trade.units))
            .with_attribute("otherCharges", charges.other_charges.to_string())
            .with_attribute("totalCharge", charges.total().to_string())
            .with_attribute(
                "narration",
                format!("{} {}", trade.side.as_str(), security.symbol),
            );
        DocumentTransaction {
            at: trade.at,
            amount: trade.value,
            direction: trade.side.direction(),
            element,
        }
    });
    let transactions = TransactionList::Flat(rows.collect());
    DocumentParts {
        holder_attributes: Vec::new(),
        profile: Vec::new(),
        summary: Some(build_summary(context, &portfolio)),
        transactions,
    }
}

/// Builds the summary, which equities and depository receipts share.
fn build_summary(context: &HoldingContext<'_>, portfolio: &Portfolio) -> Element {
    let traded_on = context.last_trading_day();
    let holdings = portfolio.current_holdings().map(|holding| {
        Element::new_repeatable("Holding")
            .with_attribute("issuerName", holding.security.issuer)
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("units", (holding.units / 1000).to_string())
            .with_attribute(
                "investmentDateTime",
                holding.first_bought.expect("it was bought").to_ist_string(),
            )
            .with_attribute("rate", format_price(holding.average_price()))
            .with_attribute(
                "lastTradedPrice",
                format_price(holding.price_model.price_on(traded_on)),
            )
            .with_attribute("description", holding.security.name)
            .with_attribute("isinDescription", holding.security.name)
    });
    Element::new("Summary")
        .with_attribute("investmentValue", portfolio.total_cost().to_string())
        .with_attribute("currentValue", portfolio.value_on(traded_on).to_string())
        .with_children([
            Element::new("Investment").with_children([Element::new("Holdings")
                .with_attribute("type", "DEMAT")
                .with_children(holdings)]),
        ])
}
