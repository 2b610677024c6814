//! Bonds, government securities, debentures, commercial paper.

use super::trades::{
    Holding, Portfolio, Security, Side, Trade, TradingPlan, format_price, format_units,
};
use super::{
    DocumentParts, DocumentTransaction, HoldingContext, TransactionList, days_after,
    format_transaction_id, months_after,
};
use crate::domain::account::FiType;
use crate::domain::document::Element;
use crate::domain::money::Paise;

const BONDS: &[Security] = &[
    Security {
        issuer: "Mock Power Finance Corp",
        name: "Secured bonds",
        symbol: "MPFC28",
        price: (1012, 0, 250),
    },
    Security {
        issuer: "Rail Vikas Mock Ltd",
        name: "Tax free bonds",
        symbol: "RVML31",
        price: (1104, 0, 200),
    },
];

const GOVERNMENT_SECURITIES: &[Security] = &[
    Security {
        issuer: "Government of Mockland",
        name: "7.10 percent stock 2034",
        symbol: "GS2034",
        price: (99, 0, 300),
    },
    Security {
        issuer: "Government of Mockland",
        name: "Treasury bills of 364 days",
        symbol: "TB364",
        price: (94, 0, 150),
    },
];

const DEBENTURES: &[Security] = &[
    Security {
        issuer: "Dhruva Engineering Works Ltd",
        name: "Secured debentures",
        symbol: "DEWNCD",
        price: (998, 0, 300),
    },
    Security {
        issuer: "Mock Housing Finance Ltd",
        name: "Subordinated debentures",
        symbol: "MHFNCD",
        price: (1020, 0, 250),
    },
];

const COMMERCIAL_PAPERS: &[Security] = &[
    Security {
        issuer: "Tamra Textiles Ltd",
        name: "Commercial paper of 182 days",
        symbol: "TTCP182",
        price: (96_800, 0, 100),
    },
    Security {
        issuer: "Vayu Logistics Ltd",
        name: "Commercial paper of 91 days",
        symbol: "VLCP91",
        price: (98_300, 0, 80),
    },
];

/// The terms of a debt security, derived from its holding.
struct BondTerms {
    coupon: Paise,
    face_value: Paise,
    tenure_years: u32,
}

impl BondTerms {
    fn for_holding(holding: &Holding) -> Self {
        let basis_points = 650 + i64::try_from(holding.salt % 24).expect("below 24") * 10;
        let face_rupees = if holding.security.price.0 > 50_000 {
            100_000
        } else if holding.security.price.0 > 500 {
            1_000
        } else {
            100
        };
        let tenure_years = 5 + u32::try_from(holding.salt % 7).expect("below 7");
        Self {
            coupon: Paise(basis_points),
            face_value: Paise::from_rupees(face_rupees),
            tenure_years,
        }
    }
}

fn simulate_portfolio(
    context: &HoldingContext<'_>,
    securities: &'static [Security],
    series: &'static str,
) -> Portfolio {
    let plan = TradingPlan {
        securities,
        holding_count: 2,
        interval_months: 4,
        day_of_month: None,
        allows_fractions: false,
        sale_one_in: 10,
        isin_prefix: ("IN", series),
    };
    Portfolio::simulate_trades(context, &plan)
}

pub(crate) fn build_bonds(context: &HoldingContext<'_>) -> DocumentParts {
    let portfolio = simulate_portfolio(context, BONDS, "EZZZ07");
    let holdings: Vec<_> = portfolio
        .current_holdings()
        .map(|holding| build_interest_bearing(context, holding, "FIXED_INTEREST_RATE"))
        .collect();
    build_parts(context, &portfolio, "B", holdings)
}

pub(crate) fn build_government_securities(context: &HoldingContext<'_>) -> DocumentParts {
    let portfolio = simulate_portfolio(context, GOVERNMENT_SECURITIES, "0ZZZ08");
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

/// Builds the holding of bonds and government securities, which have the same attributes.
///
/// Quirk: `tenureMoths`, `coupanComputation` and `autionDate` are the spellings of the schemas, and
/// no part of a tenure may be zero.
fn build_interest_bearing(
    context: &HoldingContext<'_>,
    holding: &Holding,
    scheme: &'static str,
) -> Element {
    let BondTerms {
        coupon,
        face_value,
        tenure_years,
    } = BondTerms::for_holding(holding);
    let today = context.today();
    let issue_date = context.opened_on;
    let accrued = Paise(face_value.0 * (holding.units / 1000) * coupon.0 / 10_000 / 4);
    Element::new_repeatable("Holding")
        .with_attribute("scheme", scheme)
        .with_attribute("isin", holding.isin.clone())
        .with_attribute("units", format_units(holding.units))
        .with_attribute("faceValue", face_value.to_string())
        .with_attribute("symbol", holding.security.symbol)
        .with_attribute("issuerName", holding.security.issuer)
        .with_attribute("description", holding.security.name)
        .with_attribute("creditRating", "AAA")
        .with_attribute("creditRatingAgency", "MOCK RATINGS")
        .with_attribute("taxable", "true")
        .with_attribute("issueRate", face_value.to_string())
        .with_attribute("issueDate", issue_date.to_string())
        .with_attribute(
            "principleAmount",
            Paise(face_value.0 * (holding.units / 1000)).to_string(),
        )
        .with_attribute("tenureYears", tenure_years.to_string())
        .with_attribute("tenureMoths", "1")
        .with_attribute("tenureDays", "1")
        .with_attribute("couponRate", coupon.to_string())
        .with_attribute(
            "maturityDate",
            days_after(months_after(issue_date, tenure_years * 12 + 1), 1).to_string(),
        )
        .with_attribute("coupanComputation", "SIMPLE")
        .with_attribute("coupanPaymentDate", months_after(today, 3).to_string())
        .with_attribute("autionDate", issue_date.to_string())
        .with_attribute("compoundingFrequency", "YEARLY")
        .with_attribute("interestPayout", "YEARLY")
        .with_attribute("accruedInterestAmount", accrued.to_string())
        .with_attribute("interestOnMaturity", "0.00")
        .with_attribute(
            "lastTradedRate",
            format_price(holding.price_model.price_on(today)),
        )
        .with_attribute("lastTradedDate", today.to_string())
}

pub(crate) fn build_debentures(context: &HoldingContext<'_>) -> DocumentParts {
    let portfolio = simulate_portfolio(context, DEBENTURES, "EZZZ09");
    let today = context.today();
    let holdings = portfolio.current_holdings().map(|holding| {
        let BondTerms {
            coupon,
            face_value,
            tenure_years,
        } = BondTerms::for_holding(holding);
        Element::new_repeatable("Holding")
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("units", format_units(holding.units))
            .with_attribute("faceValue", face_value.to_string())
            .with_attribute("coupon", coupon.to_string())
            .with_attribute("fixedIncomePortfolio", "CORPORATE")
            .with_attribute("symbol", holding.security.symbol)
            .with_attribute("issuerName", holding.security.issuer)
            .with_attribute("description", holding.security.name)
            .with_attribute("creditRating", "AA")
            .with_attribute("taxable", "YES")
            .with_attribute("issueDate", context.opened_on.to_string())
            .with_attribute(
                "principalAmount",
                Paise(face_value.0 * (holding.units / 1000)).to_string(),
            )
            .with_attribute("tenureDays", "0")
            .with_attribute("tenureMonths", "0")
            .with_attribute("tenureYears", tenure_years.to_string())
            .with_attribute("yield", coupon.to_string())
            .with_attribute(
                "maturityDate",
                months_after(context.opened_on, tenure_years * 12).to_string(),
            )
            .with_attribute(
                "lastTradedRate",
                format_price(holding.price_model.price_on(today)),
            )
            .with_attribute("lastTradedDate", today.to_string())
    });
    let holdings = holdings.collect();
    build_parts(context, &portfolio, "N", holdings)
}

pub(crate) fn build_commercial_paper(context: &HoldingContext<'_>) -> DocumentParts {
    let portfolio = simulate_portfolio(context, COMMERCIAL_PAPERS, "EZZZ10");
    let today = context.today();
    let holdings = portfolio.current_holdings().map(|holding| {
        let BondTerms { face_value, .. } = BondTerms::for_holding(holding);
        Element::new_repeatable("Holding")
            .with_attribute("scheme", "OTHERS")
            .with_attribute("investmentValue", holding.cost.to_string())
            .with_attribute("currentValue", holding.value_on(today).to_string())
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("units", format_units(holding.units))
            .with_attribute("faceValue", face_value.to_string())
            .with_attribute("symbol", holding.security.symbol)
            .with_attribute("description", holding.security.name)
            .with_attribute("issuerName", holding.security.issuer)
            .with_attribute("creditRating", "A1+")
            .with_attribute("creditRatingAgency", "MOCK RATINGS")
            .with_attribute("issueDate", today.to_string())
            .with_attribute(
                "principalAmount",
                Paise(face_value.0 * (holding.units / 1000)).to_string(),
            )
            // Quirk: the schema requires at least one year, one month and one day.
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
    let summary = build_summary(context, &portfolio).with_children([investment]);
    DocumentParts {
        summary: Some(summary),
        ..build_parts(context, &portfolio, "P", Vec::new())
    }
}

fn build_parts(
    context: &HoldingContext<'_>,
    portfolio: &Portfolio,
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

fn build_summary(context: &HoldingContext<'_>, portfolio: &Portfolio) -> Element {
    Element::new("Summary")
        .with_attribute("investmentValue", portfolio.total_cost().to_string())
        .with_attribute(
            "currentValue",
            portfolio.value_on(context.today()).to_string(),
        )
}

fn build_transaction(
    context: &HoldingContext<'_>,
    portfolio: &Portfolio,
    prefix: &str,
    trade: &Trade,
) -> DocumentTransaction {
    let holding = &portfolio.holdings[trade.holding];
    let charge = Paise((trade.value.0 / 2_000).max(2_000));
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
            format!(
                "{} {} {}",
                trade.side.as_str(),
                trade.units / 1000,
                holding.security.symbol
            ),
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
