//! Funds and trusts: mutual funds, SIPs, ETFs, collective schemes, alternative funds, InvITs,
//! REITs.

use chrono::{Datelike, NaiveDate};

use super::trades::{
    Holding, Portfolio, Security, Side, Trade, TradingPlan, format_price, format_units,
};
use super::{
    DocumentParts, DocumentTransaction, HoldingContext, HoldingPayment, TransactionList,
    days_after, format_transaction_id, months_after,
};
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::persona::Channel;
use crate::domain::terms::TransactionType;

/// The mutual fund schemes; [`classify_scheme`] has their types and categories.
const SCHEMES: &[Security] = &[
    Security {
        issuer: "Mock Mutual Fund",
        name: "Mock Large Cap Fund",
        symbol: "MLCF",
        price: (312, 1200, 1500),
    },
    Security {
        issuer: "Mock Mutual Fund",
        name: "Mock Liquid Fund",
        symbol: "MLQF",
        price: (2840, 640, 20),
    },
    Security {
        issuer: "Tara Asset Management",
        name: "Tara Flexi Equity Fund",
        symbol: "TFEF",
        price: (54, 1300, 1900),
    },
    Security {
        issuer: "Tara Asset Management",
        name: "Tara Tax Saver",
        symbol: "TTAX",
        price: (88, 1250, 1700),
    },
    Security {
        issuer: "Vriddhi Mutual Fund",
        name: "Vriddhi Corporate Bond Fund",
        symbol: "VCBF",
        price: (26, 720, 150),
    },
    Security {
        issuer: "Vriddhi Mutual Fund",
        name: "Vriddhi Small Cap Fund",
        symbol: "VSCF",
        price: (41, 1600, 2800),
    },
];

const ETFS: &[Security] = &[
    Security {
        issuer: "Mock Mutual Fund",
        name: "Mock Fifty ETF",
        symbol: "MOCK50",
        price: (128, 1150, 1500),
    },
    Security {
        issuer: "Tara Asset Management",
        name: "Tara Gold ETF",
        symbol: "TARAGOLD",
        price: (42, 900, 1200),
    },
    Security {
        issuer: "Vriddhi Mutual Fund",
        name: "Vriddhi Bank ETF",
        symbol: "VRIDBANK",
        price: (310, 1000, 2100),
    },
];

const COLLECTIVE_SCHEMES: &[Security] = &[Security {
    issuer: "Sahyog Collective Trust",
    name: "Sahyog Growth Scheme",
    symbol: "SAHYOG",
    price: (1040, 800, 400),
}];

const INFRASTRUCTURE_TRUSTS: &[Security] = &[
    Security {
        issuer: "Setu Infrastructure Trust",
        name: "Units of an infrastructure trust",
        symbol: "SETUINV",
        price: (112, 500, 600),
    },
    Security {
        issuer: "Marg Highways Trust",
        name: "Units of an infrastructure trust",
        symbol: "MARGINV",
        price: (98, 450, 800),
    },
];

const REAL_ESTATE_TRUSTS: &[Security] = &[
    Security {
        issuer: "Aangan Office Parks REIT",
        name: "Units of a real estate trust",
        symbol: "AANGAN",
        price: (365, 500, 900),
    },
    Security {
        issuer: "Prangan Retail REIT",
        name: "Units of a real estate trust",
        symbol: "PRANGAN",
        price: (128, 600, 1000),
    },
];

const ALTERNATIVE_FUNDS: &[Security] = &[Security {
    issuer: "Udaan Ventures AIF",
    name: "Category II alternative fund",
    symbol: "UDAAN",
    price: (100_000, 1500, 1200),
}];

/// The symbols of the schemes that save tax (ELSS), whose units are locked in for three years
/// (Equity Linked Savings Scheme, 2005).
const LOCKED_SYMBOLS: &[&str] = &["TTAX"];

/// The classification of a scheme in the schema.
struct SchemeClass {
    fund_type: &'static str,
    scheme_types: &'static str,
    category: &'static str,
    /// `true` if units are locked in for three years.
    is_locked: bool,
}

fn classify_scheme(symbol: &str) -> SchemeClass {
    let (fund_type, scheme_types, category) = match symbol {
        "MLQF" => ("DEBT", "DEBT_SCHEMES", "LIQUID_FUND"),
        "VCBF" => ("DEBT", "DEBT_SCHEMES", "CORPORATE_BOND_FUND"),
        "TTAX" => ("EQUITY", "EQUITY_SCHEMES", "ELSS"),
        "VSCF" => ("EQUITY", "EQUITY_SCHEMES", "SMALL_CAP_FUND"),
        "TFEF" => ("EQUITY", "EQUITY_SCHEMES", "MULTI_CAP_FUND"),
        _ => ("EQUITY", "EQUITY_SCHEMES", "LARGE_CAP_FUND"),
    };
    SchemeClass {
        fund_type,
        scheme_types,
        category,
        is_locked: LOCKED_SYMBOLS.contains(&symbol),
    }
}

fn scheme_code(holding: &Holding) -> String {
    format!("{}-D-G", holding.security.symbol)
}

/// Formats an AMFI code: six digits that begin with 99, a series that is not assigned.
fn amfi_code(holding: &Holding) -> String {
    format!("99{:04}", holding.salt % 10_000)
}

fn folio_number(context: &HoldingContext<'_>, holding: usize) -> String {
    format!("{}/{:02}", context.reference_number, holding + 1)
}

fn client_code(context: &HoldingContext<'_>) -> String {
    format!("C{}", context.reference_number)
}

/// Returns the day of the month on which instalments are paid.
fn instalment_day(context: &HoldingContext<'_>) -> u32 {
    [5, 7, 10, 15, 20][usize::try_from(context.reference_number % 5).expect("below 5")]
}

fn simulate_instalments(
    context: &HoldingContext<'_>,
    holding_count: usize,
    sale_one_in: u32,
) -> Portfolio {
    let day_of_month = Some(instalment_day(context));
    let isin_prefix = ("IN", "FZZZ01");
    Portfolio::simulate_trades(
        context,
        &TradingPlan {
            securities: SCHEMES,
            holding_count,
            interval_months: 1,
            day_of_month,
            allows_fractions: true,
            sale_one_in,
            isin_prefix,
            locked_symbols: LOCKED_SYMBOLS,
        },
    )
}

fn transaction_from_trade(trade: &Trade, element: Element) -> DocumentTransaction {
    DocumentTransaction {
        at: trade.at,
        amount: trade.value,
        direction: trade.side.direction(),
        element,
    }
}

fn build_parts(summary: Element, entries: Vec<DocumentTransaction>) -> DocumentParts {
    DocumentParts {
        holder_attributes: Vec::new(),
        profile: Vec::new(),
        summary: Some(summary),
        transactions: TransactionList::Flat(entries),
    }
}

/// Builds the summary: the cost and the value of the portfolio, with its holdings.
fn build_summary(
    context: &HoldingContext<'_>,
    portfolio: &Portfolio,
    holdings: impl Iterator<Item = Element>,
) -> Element {
    Element::new("Summary")
        .with_attribute("investmentValue", portfolio.total_cost().to_string())
        .with_attribute(
            "currentValue",
            portfolio.value_on(context.last_trading_day()).to_string(),
        )
        .with_children([Element::new("Investment")
            .with_children([Element::new("Holdings").with_children(holdings)])])
}

/// Simulates three funds that are bought each month; one in forty instalments is a redemption
/// instead.
fn simulate_mutual_funds(context: &HoldingContext<'_>) -> Portfolio {
    simulate_instalments(context, 3, 40)
}

/// Simulates two funds that are bought each month.
fn simulate_sip(context: &HoldingContext<'_>) -> Portfolio {
    simulate_instalments(context, 2, 0)
}

/// Lists the instalments and redemptions of mutual funds from a day on.
pub(crate) fn list_mutual_fund_payments(
    context: &HoldingContext<'_>,
    since: NaiveDate,
) -> Vec<HoldingPayment> {
    list_payments(context, &simulate_mutual_funds(context), since)
}

/// Lists the instalments of SIPs from a day on.
pub(crate) fn list_sip_payments(
    context: &HoldingContext<'_>,
    since: NaiveDate,
) -> Vec<HoldingPayment> {
    list_payments(context, &simulate_sip(context), since)
}

fn list_payments(
    context: &HoldingContext<'_>,
    portfolio: &Portfolio,
    since: NaiveDate,
) -> Vec<HoldingPayment> {
    let trades = portfolio.trades.iter().filter(|trade| trade.day >= since);
    let payments = trades.map(|trade| {
        let (direction, channel, purpose) = match trade.side {
            Side::Buy => (TransactionType::Debit, Channel::Nach, "SIP"),
            Side::Sell => (TransactionType::Credit, Channel::Neft, "MF REDEMPTION"),
        };
        // Narrations have slashes of their own.
        let folio = folio_number(context, trade.holding).replace('/', "");
        HoldingPayment {
            day: trade.day,
            direction,
            amount: trade.value,
            channel,
            counterparty: portfolio.holdings[trade.holding]
                .security
                .issuer
                .to_uppercase(),
            purpose: format!("{purpose} {folio}"),
        }
    });
    payments.collect()
}

pub(crate) fn build_mutual_funds(context: &HoldingContext<'_>) -> DocumentParts {
    let portfolio = simulate_mutual_funds(context);
    let today = context.today();
    let traded_on = context.last_trading_day();
    let holdings = portfolio
        .holdings
        .iter()
        .enumerate()
        .filter(|(_, holding)| holding.units > 0)
        .map(|(index, holding)| {
            let class = classify_scheme(holding.security.symbol);
            let locked_units = format_units(if class.is_locked {
                portfolio.locked_units(index, today)
            } else {
                0
            });
            Element::new_repeatable("Holding")
                .with_attribute("amc", holding.security.issuer)
                .with_attribute("registrar", "MOCK REGISTRARS")
                .with_attribute("schemeCode", scheme_code(holding))
                .with_attribute("schemeOption", "GROWTH_TYPE")
                .with_attribute("schemeTypes", class.scheme_types)
                .with_attribute("schemeCategory", class.category)
                .with_attribute("isin", holding.isin.clone())
                .with_attribute("isinDescription", holding.security.name)
                .with_attribute("ucc", client_code(context))
                .with_attribute("amfiCode", amfi_code(holding))
                .with_attribute("folioNo", folio_number(context, index))
                .with_attribute("dividendType", "GROWTH")
                .with_attribute("FatcaStatus", "YES")
                .with_attribute("mode", "PHYSICAL")
                .with_attribute("units", format_units(holding.units))
                .with_attribute("closingUnits", format_units(holding.units))
                .with_attribute("lienUnits", "0.000")
                .with_attribute("rate", format_price(holding.average_price()))
                .with_attribute("nav", format_price(holding.price_model.price_on(traded_on)))
                .with_attribute("navDate", traded_on.to_string())
                .with_attribute("lockingUnits", locked_units.clone())
                .with_attribute("lockinUnits", locked_units)
        });
    let summary = build_summary(context, &portfolio, holdings)
        .with_attribute("costValue", portfolio.total_cost().to_string());
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let class = classify_scheme(holding.security.symbol);
        let purpose = if trade.side == Side::Buy {
            "SYSTEMATIC INVESTMENT"
        } else {
            "REDEMPTION"
        };
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", format_transaction_id("M", trade.day, trade.number))
            .with_attribute("amc", holding.security.issuer)
            .with_attribute("registrar", "MOCK REGISTRARS")
            .with_attribute("schemeCode", scheme_code(holding))
            .with_attribute("schemePlan", "DIRECT")
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("isinDescription", holding.security.name)
            .with_attribute("amfiCode", amfi_code(holding))
            .with_attribute("fundType", class.fund_type)
            .with_attribute("schemeOption", "GROWTH_TYPE")
            .with_attribute("schemeTypes", class.scheme_types)
            .with_attribute("schemeCategory", class.category)
            .with_attribute("ucc", client_code(context))
            .with_attribute("amount", trade.value.to_string())
            .with_attribute("units", format_units(trade.units))
            .with_attribute("closingUnits", format_units(trade.closing_units))
            .with_attribute("lienUnits", "0.000")
            .with_attribute("nav", format_price(trade.price))
            .with_attribute("navDate", trade.day.to_string())
            .with_attribute("transactionDate", trade.at.to_ist_string())
            .with_attribute("type", trade.side.as_str())
            .with_attribute("orderDate", trade.day.to_string())
            .with_attribute("executionDate", trade.day.to_string())
            .with_attribute("lock-inFlag", if class.is_locked { "YES" } else { "NO" })
            .with_attribute("lock-inDays", if class.is_locked { "1095" } else { "0" })
            .with_attribute("mode", "PHYSICAL")
            .with_attribute(
                "narration",
                format!(
                    "{purpose} {} {} UNITS",
                    holding.security.name,
                    format_units(trade.units)
                )
                .to_uppercase(),
            );
        transaction_from_trade(trade, element)
    });
    build_parts(summary, rows.collect())
}

pub(crate) fn build_sip(context: &HoldingContext<'_>) -> DocumentParts {
    let portfolio = simulate_sip(context);
    let today = context.today();
    let traded_on = context.last_trading_day();
    let holdings = portfolio
        .holdings
        .iter()
        .enumerate()
        .filter(|(_, holding)| holding.units >= 1_000)
        .map(|(index, holding)| {
            let purchases = portfolio
                .trades
                .iter()
                .filter(|trade| trade.holding == index);
            let (count, last) = (
                purchases.clone().count(),
                purchases
                    .clone()
                    .next_back()
                    .expect("units were bought")
                    .day,
            );
            Element::new_repeatable("Holding")
                .with_attribute("amc", holding.security.issuer)
                .with_attribute("registrar", "MOCK REGISTRARS")
                .with_attribute("scheme", holding.security.name)
                .with_attribute("isin", holding.isin.clone())
                .with_attribute("ucc", client_code(context))
                .with_attribute("amfiCode", amfi_code(holding))
                .with_attribute("folioNo", folio_number(context, index))
                .with_attribute("holdingType", "SOLE")
                .with_attribute("holder1Name", context.first_holder().name.clone())
                .with_attribute("holder2Name", "")
                .with_attribute("nominee", "SOLE")
                .with_attribute("email", context.first_holder().email.clone())
                // Quirk: the schema allows whole units only.
                .with_attribute("units", (holding.units / 1000).to_string())
                .with_attribute("nav", format_price(holding.price_model.price_on(traded_on)))
                .with_attribute("value", holding.value_on(traded_on).to_string())
                .with_attribute("devidentType", "GROWTH")
                .with_attribute("amount", context.amount_on(last).to_string())
                .with_attribute("frequency", "12")
                .with_attribute("instalmentDay", instalment_day(context).to_string())
                .with_attribute("pendingInstalments", "12")
                .with_attribute("completeInstalments", count.to_string())
                .with_attribute("lastInstalmentDate", last.to_string())
                .with_attribute("nextInstalmentDate", months_after(last, 1).to_string())
                .with_attribute("creationDate", context.opened_on.to_string())
                .with_attribute("modificationDate", context.opened_on.to_string())
                .with_children([build_sip_schemes(context, holding, last)])
        });
    let investment = Element::new_repeatable("Investment")
        .with_attribute("type", "SIP")
        .with_attribute("startDate", context.opened_on.to_string())
        .with_attribute("endDate", months_after(today, 12).to_string());
    let summary = Element::new("Summary")
        .with_attribute("folioNo", folio_number(context, 0))
        .with_attribute("investmentValue", portfolio.total_cost().to_string())
        .with_attribute("currentValue", portfolio.value_on(traded_on).to_string())
        .with_children([
            Element::new("Holdings").with_children(holdings),
            Element::new("Investments")
                .with_attribute("type", "SIP")
                .with_attribute("issueDate", context.opened_on.to_string())
                .with_attribute("maturityDate", months_after(today, 12).to_string())
                .with_children([investment]),
        ]);
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", format_transaction_id("S", trade.day, trade.number))
            .with_attribute("txnDate", trade.day.to_string())
            .with_attribute("amc", holding.security.issuer)
            .with_attribute("scheme", holding.security.name)
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("ucc", client_code(context))
            .with_attribute("amfiCode", amfi_code(holding))
            .with_attribute("folioNo", folio_number(context, trade.holding))
            .with_attribute("type", trade.side.as_str())
            .with_attribute("narration", format!("SIP INSTALMENT {:03}", trade.number))
            .with_attribute("units", format_units(trade.units))
            .with_attribute("nav", format_price(trade.price))
            .with_attribute("cost", trade.value.to_string())
            .with_attribute("stt", "0.00")
            .with_attribute("amount", trade.value.to_string());
        transaction_from_trade(trade, element)
    });
    build_parts(summary, rows.collect())
}

/// Builds the elements of the current generation below a `Holding` of SIP: its scheme, and the plan
/// by which the scheme is bought.
fn build_sip_schemes(context: &HoldingContext<'_>, holding: &Holding, last: NaiveDate) -> Element {
    let plan = Element::new_repeatable("Sip")
        .with_attribute(
            "SIPRefNo",
            format!("S{}{}", context.reference_number, holding.security.symbol),
        )
        .with_attribute("amount", context.amount_on(last).to_string())
        .with_attribute("frequency", "MONTHLY")
        .with_attribute("lastInstallmentDate", last.to_string())
        .with_attribute("nextInstallmentDate", months_after(last, 1).to_string());
    let scheme = Element::new_repeatable("Scheme")
        .with_attribute("scheme", holding.security.name)
        .with_attribute("isin", holding.isin.clone())
        .with_children([Element::new("Sips").with_children([plan])]);
    Element::new("Schemes").with_children([scheme])
}

pub(crate) fn build_etf(context: &HoldingContext<'_>) -> DocumentParts {
    let isin_prefix = ("IN", "FZZZ02");
    let plan = TradingPlan {
        securities: ETFS,
        holding_count: 2,
        interval_months: 1,
        day_of_month: None,
        allows_fractions: false,
        sale_one_in: 8,
        isin_prefix,
        locked_symbols: &[],
    };
    let portfolio = Portfolio::simulate_trades(context, &plan);
    let traded_on = context.last_trading_day();
    let holdings = portfolio
        .holdings
        .iter()
        .enumerate()
        .filter(|(_, holding)| holding.units > 0)
        .map(|(index, holding)| {
            Element::new_repeatable("Holding")
                .with_attribute("folioNo", folio_number(context, index))
                .with_attribute("dematId", context.first_holder().demat_id.clone())
                .with_attribute("schemeName", holding.security.name)
                .with_attribute("dpId", "IN999999")
                .with_attribute("units", (holding.units / 1000).to_string())
                .with_attribute("isin", holding.isin.clone())
                .with_attribute("isinDescription", holding.security.name)
                .with_attribute("mode", "DEMAT")
                .with_attribute("rate", format_price(holding.average_price()))
                .with_attribute("nav", format_price(holding.price_model.price_on(traded_on)))
                .with_attribute("lastNavDate", traded_on.to_string())
                .with_attribute("symbol", holding.security.symbol)
                .with_attribute("description", holding.security.issuer)
        });
    let summary = build_summary(context, &portfolio, holdings);
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", format_transaction_id("X", trade.day, trade.number))
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("isinDescription", holding.security.name)
            .with_attribute("transactionDateTime", trade.at.to_ist_string())
            .with_attribute("units", (trade.units / 1000).to_string())
            .with_attribute("amount", trade.value.to_string())
            .with_attribute("schemeName", holding.security.name)
            .with_attribute("dpId", "IN999999")
            .with_attribute("schemeMinLotSize", "1")
            .with_attribute("faceValueofUnits", "10.00")
            .with_attribute("nav", format_price(trade.price))
            .with_attribute("type", trade.side.as_str())
            .with_attribute("orderDate", trade.day.to_string())
            .with_attribute("executionDate", trade.day.to_string())
            .with_attribute("mode", "DEMAT")
            .with_attribute(
                "narration",
                format!(
                    "{} {} {}",
                    trade.side.as_str(),
                    trade.units / 1000,
                    holding.security.symbol
                ),
            )
            .with_attribute("brokerCode", "MOCK0001");
        transaction_from_trade(trade, element)
    });
    build_parts(summary, rows.collect())
}

pub(crate) fn build_cis(context: &HoldingContext<'_>) -> DocumentParts {
    let isin_prefix = ("IN", "FZZZ03");
    let plan = TradingPlan {
        securities: COLLECTIVE_SCHEMES,
        holding_count: 1,
        interval_months: 3,
        day_of_month: Some(12),
        allows_fractions: true,
        sale_one_in: 0,
        isin_prefix,
        locked_symbols: &[],
    };
    let portfolio = Portfolio::simulate_trades(context, &plan);
    let traded_on = context.last_trading_day();
    let holdings = portfolio.current_holdings().map(|holding| {
        Element::new_repeatable("Holding")
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("ucc", client_code(context))
            .with_attribute("folioNo", folio_number(context, 0))
            .with_attribute("mode", "DEMAT")
            .with_attribute("units", format_units(holding.units))
            .with_attribute("closingUnits", format_units(holding.units))
            .with_attribute("rate", format_price(holding.average_price()))
            .with_attribute("nav", format_price(holding.price_model.price_on(traded_on)))
    });
    let summary = build_summary(context, &portfolio, holdings);
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", format_transaction_id("C", trade.day, trade.number))
            .with_attribute("transactionDateTime", trade.at.to_ist_string())
            .with_attribute("schemeCode", scheme_code(holding))
            .with_attribute("isin", holding.isin.clone())
            // Quirk: the schema spells it this way and requires it for every transaction.
            .with_attribute("dividendType", "INTERIM-DIVIDENT")
            .with_attribute("ucc", client_code(context))
            .with_attribute("amount", trade.value.to_string())
            .with_attribute("closingUnits", format_units(trade.closing_units))
            .with_attribute("nav", format_price(trade.price))
            .with_attribute("navDate", trade.day.to_string())
            .with_attribute("type", "OTHERS")
            .with_attribute("orderDate", trade.day.to_string())
            .with_attribute("executionDate", trade.day.to_string())
            .with_attribute("mode", "DEMAT")
            .with_attribute("otherTaxes", "0.00")
            .with_attribute(
                "narration",
                format!("SUBSCRIPTION {} UNITS", format_units(trade.units)),
            );
        transaction_from_trade(trade, element)
    });
    build_parts(summary, rows.collect())
}

/// Builds the document of an alternative fund, in which each contribution is invested and redeemed
/// separately.
pub(crate) fn build_aif(context: &HoldingContext<'_>) -> DocumentParts {
    let isin_prefix = ("IN", "FZZZ04");
    let plan = TradingPlan {
        securities: ALTERNATIVE_FUNDS,
        holding_count: 1,
        interval_months: 12,
        day_of_month: Some(15),
        allows_fractions: true,
        sale_one_in: 0,
        isin_prefix,
        locked_symbols: &[],
    };
    let portfolio = Portfolio::simulate_trades(context, &plan);
    let today = context.today();
    let traded_on = context.last_trading_day();
    let first = portfolio
        .trades
        .first()
        .map_or(context.opened_on, |trade| trade.day);
    let holdings = portfolio.holdings.iter().map(|holding| {
        let unit_price = holding.price_model.price_on(traded_on);
        Element::new_repeatable("Holding")
            .with_attribute("issuerName", holding.security.issuer)
            .with_attribute("typeOfSecurity", "UNLISTED-EQUITY")
            .with_attribute("valuationMethodology", "FAIR VALUE")
            .with_attribute("purchaseDate", first.to_string())
            .with_attribute("purchasePrice", format_price(holding.average_price()))
            .with_attribute("lastValuationDate", traded_on.to_string())
            .with_attribute("mtmOnLastValuation", format_price(unit_price))
            .with_attribute(
                "holdingPeriod",
                format!("{} DAYS", (today - first).num_days()),
            )
            .with_attribute("description", holding.security.name)
    });
    let units_issued = (portfolio
        .holdings
        .iter()
        .map(|holding| holding.units)
        .sum::<i64>()
        / 1000)
        .max(1);
    let inner = build_summary(context, &portfolio, holdings);
    let mut summary =
        Element::new("Summary").with_attribute("totalNumUnitsIssued", units_issued.to_string());
    summary.attributes.extend(inner.attributes);
    summary.children = inner.children;
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let redemption_date = days_after(trade.day, 365 * 3);
        let redemption_value =
            super::trades::trade_value(trade.units, holding.price_model.price_on(redemption_date));
        let fees = Paise(trade.value.0 * 2 / 100);
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", format_transaction_id("A", trade.day, trade.number))
            .with_attribute("nameofAsset", holding.security.issuer)
            .with_attribute("investmentDateTime", trade.at.to_ist_string())
            .with_attribute("investmentValue", trade.value.to_string())
            .with_attribute("redemptionDate", redemption_date.to_string())
            .with_attribute("redemptionValue", redemption_value.to_string())
            .with_attribute(
                "fundFeesPaymentDate",
                months_after(trade.day, 12).to_string(),
            )
            .with_attribute("fundFeesPaymentAmount", fees.to_string())
            .with_attribute("reInvestmentDate", redemption_date.to_string())
            .with_attribute("reInvestmentValue", "0.00")
            .with_attribute("paymentInvestorDate", redemption_date.to_string())
            .with_attribute("paymentInvestorAmount", redemption_value.to_string())
            .with_attribute("taxPaidValue", "0.00")
            .with_attribute("taxPaidDate", redemption_date.to_string())
            .with_attribute("narration", format!("CONTRIBUTION {}", trade.day.year()));
        transaction_from_trade(trade, element)
    });
    build_parts(summary, rows.collect())
}

pub(crate) fn build_invit(context: &HoldingContext<'_>) -> DocumentParts {
    build_trust(context, INFRASTRUCTURE_TRUSTS, ("IN", "EZZZ05"))
}

pub(crate) fn build_reit(context: &HoldingContext<'_>) -> DocumentParts {
    build_trust(context, REAL_ESTATE_TRUSTS, ("IN", "EZZZ06"))
}

fn build_trust(
    context: &HoldingContext<'_>,
    securities: &'static [Security],
    isin_prefix: (&'static str, &'static str),
) -> DocumentParts {
    let plan = TradingPlan {
        securities,
        holding_count: 2,
        interval_months: 2,
        day_of_month: None,
        allows_fractions: false,
        sale_one_in: 9,
        isin_prefix,
        locked_symbols: &[],
    };
    let portfolio = Portfolio::simulate_trades(context, &plan);
    let traded_on = context.last_trading_day();
    let nominee_status = context.first_holder().nominee_status();
    let holdings = portfolio.current_holdings().map(|holding| {
        Element::new_repeatable("Holding")
            .with_attribute("issuerName", holding.security.issuer)
            .with_attribute("isin", holding.isin.clone())
            .with_attribute(
                "investmentDateTime",
                holding.first_bought.expect("it was bought").to_ist_string(),
            )
            .with_attribute("rate", format_price(holding.average_price()))
            .with_attribute("totalNumberUnits", (holding.units / 1000).to_string())
            .with_attribute(
                "lastClosingRate",
                format_price(holding.price_model.price_on(traded_on)),
            )
            .with_attribute("description", holding.security.name)
            .with_attribute("isinDescription", holding.security.name)
            .with_optional_attribute("nomineeStatus", nominee_status)
            .with_optional_attribute("nominee", nominee_status)
    });
    let summary = build_summary(context, &portfolio, holdings);
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let charge = Paise((trade.value.0 / 1000).max(2_000));
        let text = format!(
            "{} {} {}",
            trade.side.as_str(),
            trade.units / 1000,
            holding.security.symbol
        );
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", format_transaction_id("T", trade.day, trade.number))
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("issuerName", holding.security.issuer)
            .with_attribute("symbol", holding.security.symbol)
            .with_attribute("exchange", "NSE")
            .with_attribute("transactionDescription", text.clone())
            .with_attribute("transactionDateTime", trade.at.to_ist_string())
            .with_attribute("price", format_price(trade.price))
            .with_attribute("unitsType", trade.side.as_str())
            .with_attribute("numUnitsTransacted", (trade.units / 1000).to_string())
            .with_attribute("tradeValue", trade.value.to_string())
            .with_attribute("totalCharge", charge.to_string())
            .with_attribute("otherCharges", Paise(charge.0 / 5).to_string())
            .with_attribute("narration", text);
        transaction_from_trade(trade, element)
    });
    build_parts(summary, rows.collect())
}
