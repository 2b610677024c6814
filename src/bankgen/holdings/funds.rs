//! Funds and trusts: units, and what one is worth each day.

use chrono::Datelike;

use super::trades::{Holding, Listed, Manner, Portfolio, Side, Trade, price, units};
use super::{Ask, Entry, Told, Transactions, days_after, id, months_after};
use crate::domain::document::Element;
use crate::domain::money::Paise;

/// A scheme's fund house, registrar, kind and category stand with it in [`kind_of`].
const SCHEMES: &[Listed] = &[
    Listed {
        issuer: "Mock Mutual Fund",
        name: "Mock Large Cap Fund",
        symbol: "MLCF",
        price: (312, 1200, 1500),
    },
    Listed {
        issuer: "Mock Mutual Fund",
        name: "Mock Liquid Fund",
        symbol: "MLQF",
        price: (2840, 640, 20),
    },
    Listed {
        issuer: "Tara Asset Management",
        name: "Tara Flexi Equity Fund",
        symbol: "TFEF",
        price: (54, 1300, 1900),
    },
    Listed {
        issuer: "Tara Asset Management",
        name: "Tara Tax Saver",
        symbol: "TTAX",
        price: (88, 1250, 1700),
    },
    Listed {
        issuer: "Vriddhi Mutual Fund",
        name: "Vriddhi Corporate Bond Fund",
        symbol: "VCBF",
        price: (26, 720, 150),
    },
    Listed {
        issuer: "Vriddhi Mutual Fund",
        name: "Vriddhi Small Cap Fund",
        symbol: "VSCF",
        price: (41, 1600, 2800),
    },
];

const ETFS: &[Listed] = &[
    Listed {
        issuer: "Mock Mutual Fund",
        name: "Mock Fifty ETF",
        symbol: "MOCK50",
        price: (128, 1150, 1500),
    },
    Listed {
        issuer: "Tara Asset Management",
        name: "Tara Gold ETF",
        symbol: "TARAGOLD",
        price: (42, 900, 1200),
    },
    Listed {
        issuer: "Vriddhi Mutual Fund",
        name: "Vriddhi Bank ETF",
        symbol: "VRIDBANK",
        price: (310, 1000, 2100),
    },
];

const COLLECTIVE: &[Listed] = &[Listed {
    issuer: "Sahyog Collective Trust",
    name: "Sahyog Growth Scheme",
    symbol: "SAHYOG",
    price: (1040, 800, 400),
}];

const TRUSTS: &[Listed] = &[
    Listed {
        issuer: "Setu Infrastructure Trust",
        name: "Units of an infrastructure trust",
        symbol: "SETUINV",
        price: (112, 500, 600),
    },
    Listed {
        issuer: "Marg Highways Trust",
        name: "Units of an infrastructure trust",
        symbol: "MARGINV",
        price: (98, 450, 800),
    },
];

const ESTATES: &[Listed] = &[
    Listed {
        issuer: "Aangan Office Parks REIT",
        name: "Units of a real estate trust",
        symbol: "AANGAN",
        price: (365, 500, 900),
    },
    Listed {
        issuer: "Prangan Retail REIT",
        name: "Units of a real estate trust",
        symbol: "PRANGAN",
        price: (128, 600, 1000),
    },
];

const ALTERNATIVE: &[Listed] = &[Listed {
    issuer: "Udaan Ventures AIF",
    name: "Category II alternative fund",
    symbol: "UDAAN",
    price: (100_000, 1500, 1200),
}];

/// `fundType`, `schemeTypes`, `schemeCategory`, and whether units are locked in for three years.
fn kind_of(symbol: &str) -> (&'static str, &'static str, &'static str, bool) {
    match symbol {
        "MLQF" => ("DEBT", "DEBT_SCHEMES", "LIQUID_FUND", false),
        "VCBF" => ("DEBT", "DEBT_SCHEMES", "CORPORATE_BOND_FUND", false),
        "TTAX" => ("EQUITY", "EQUITY_SCHEMES", "ELSS", true),
        "VSCF" => ("EQUITY", "EQUITY_SCHEMES", "SMALL_CAP_FUND", false),
        "TFEF" => ("EQUITY", "EQUITY_SCHEMES", "MULTI_CAP_FUND", false),
        _ => ("EQUITY", "EQUITY_SCHEMES", "LARGE_CAP_FUND", false),
    }
}

fn scheme_code(holding: &Holding) -> String {
    format!("{}-D-G", holding.listed.symbol)
}

/// Six digits, from 990001 on: a series of which no scheme has one.
fn amfi_code(holding: &Holding) -> String {
    format!("99{:04}", holding.salt % 10_000)
}

fn folio(ask: &Ask<'_>, holding: usize) -> String {
    format!("{}/{:02}", ask.number, holding + 1)
}

fn client(ask: &Ask<'_>) -> String {
    format!("C{}", ask.number)
}

/// The day of a month on which instalments are taken.
fn instalment_day(ask: &Ask<'_>) -> u32 {
    [5, 7, 10, 15, 20][usize::try_from(ask.number % 5).expect("below 5")]
}

fn by_instalments(ask: &Ask<'_>, held: usize, sells: u32) -> Portfolio {
    let day = Some(instalment_day(ask));
    let isin = ("IN", "FZZZ01");
    Portfolio::told(
        ask,
        &Manner {
            papers: SCHEMES,
            held,
            every: 1,
            day,
            fractions: true,
            sells,
            isin,
        },
    )
}

fn entry(trade: &Trade, element: Element) -> Entry {
    Entry {
        at: trade.at,
        amount: trade.value,
        direction: trade.side.direction(),
        element,
    }
}

fn told(summary: Element, entries: Vec<Entry>) -> Told {
    Told {
        holder: Vec::new(),
        profile: Vec::new(),
        summary: Some(summary),
        transactions: Transactions::Flat(entries),
    }
}

/// What is invested and what it is worth, with the holdings in it.
fn summary(
    ask: &Ask<'_>,
    portfolio: &Portfolio,
    holdings: impl Iterator<Item = Element>,
) -> Element {
    Element::new("Summary")
        .with_attribute("investmentValue", portfolio.cost().to_string())
        .with_attribute("currentValue", portfolio.worth(ask.today()).to_string())
        .with_children([Element::new("Investment")
            .with_children([Element::new("Holdings").with_children(holdings)])])
}

pub fn mutual(ask: &Ask<'_>) -> Told {
    let portfolio = by_instalments(ask, 3, 40);
    let today = ask.today();
    let holdings = portfolio
        .holdings
        .iter()
        .enumerate()
        .filter(|(_, holding)| holding.units > 0)
        .map(|(place, holding)| {
            Element::new_repeatable("Holding")
                .with_attribute("amc", holding.listed.issuer)
                .with_attribute("registrar", "MOCK REGISTRARS")
                .with_attribute("schemeCode", scheme_code(holding))
                .with_attribute("isin", holding.isin.clone())
                .with_attribute("ucc", client(ask))
                .with_attribute("amfiCode", amfi_code(holding))
                .with_attribute("folioNo", folio(ask, place))
                .with_attribute("dividendType", "GROWTH")
                .with_attribute("FatcaStatus", "YES")
                .with_attribute("mode", "PHYSICAL")
                .with_attribute("units", units(holding.units))
                .with_attribute("closingUnits", units(holding.units))
                .with_attribute("lienUnits", "0.000")
                .with_attribute("rate", price(holding.rate()))
                .with_attribute("nav", price(holding.paper.price(today)))
                .with_attribute(
                    "lockingUnits",
                    if kind_of(holding.listed.symbol).3 {
                        units(holding.units)
                    } else {
                        units(0)
                    },
                )
        });
    let summary = summary(ask, &portfolio, holdings);
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let (fund, types, category, locked) = kind_of(holding.listed.symbol);
        let purpose = if trade.side == Side::Buy {
            "SYSTEMATIC INVESTMENT"
        } else {
            "REDEMPTION"
        };
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", id("M", trade.day, trade.number))
            .with_attribute("amc", holding.listed.issuer)
            .with_attribute("registrar", "MOCK REGISTRARS")
            .with_attribute("schemeCode", scheme_code(holding))
            .with_attribute("schemePlan", "DIRECT")
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("amfiCode", amfi_code(holding))
            .with_attribute("fundType", fund)
            .with_attribute("schemeOption", "GROWTH_TYPE")
            .with_attribute("schemeTypes", types)
            .with_attribute("schemeCategory", category)
            .with_attribute("ucc", client(ask))
            .with_attribute("amount", trade.value.to_string())
            .with_attribute("closingUnits", units(trade.closing))
            .with_attribute("lienUnits", "0.000")
            .with_attribute("nav", price(trade.price))
            .with_attribute("navDate", trade.day.to_string())
            .with_attribute("type", trade.side.as_str())
            .with_attribute("orderDate", trade.day.to_string())
            .with_attribute("executionDate", trade.day.to_string())
            .with_attribute("lock-inFlag", if locked { "YES" } else { "NO" })
            .with_attribute("lock-inDays", if locked { "1095" } else { "0" })
            .with_attribute("mode", "PHYSICAL")
            .with_attribute(
                "narration",
                format!(
                    "{purpose} {} {} UNITS",
                    holding.listed.name,
                    units(trade.units)
                )
                .to_uppercase(),
            );
        entry(trade, element)
    });
    told(summary, rows.collect())
}

pub fn sip(ask: &Ask<'_>) -> Told {
    let portfolio = by_instalments(ask, 2, 0);
    let today = ask.today();
    let holdings = portfolio
        .holdings
        .iter()
        .enumerate()
        .filter(|(_, holding)| holding.units >= 1_000)
        .map(|(place, holding)| {
            let bought = portfolio
                .trades
                .iter()
                .filter(|trade| trade.holding == place);
            let (count, last) = (
                bought.clone().count(),
                bought.clone().next_back().expect("units were bought").day,
            );
            Element::new_repeatable("Holding")
                .with_attribute("amc", holding.listed.issuer)
                .with_attribute("registrar", "MOCK REGISTRARS")
                .with_attribute("scheme", holding.listed.name)
                .with_attribute("isin", holding.isin.clone())
                .with_attribute("ucc", client(ask))
                .with_attribute("amfiCode", amfi_code(holding))
                .with_attribute("folioNo", folio(ask, place))
                .with_attribute("holdingType", "SOLE")
                .with_attribute("holder1Name", ask.holder().name.clone())
                .with_attribute("holder2Name", "")
                .with_attribute("nominee", "SOLE")
                .with_attribute("email", ask.holder().email.clone())
                // Quirk: the schema wants whole units.
                .with_attribute("units", (holding.units / 1000).to_string())
                .with_attribute("nav", price(holding.paper.price(today)))
                .with_attribute("value", holding.worth(today).to_string())
                .with_attribute("devidentType", "GROWTH")
                .with_attribute("amount", ask.amount.to_string())
                .with_attribute("frequency", "12")
                .with_attribute("instalmentDay", instalment_day(ask).to_string())
                .with_attribute("pendingInstalments", "12")
                .with_attribute("completeInstalments", count.to_string())
                .with_attribute("lastInstalmentDate", last.to_string())
                .with_attribute("nextInstalmentDate", months_after(last, 1).to_string())
                .with_attribute("creationDate", ask.opened_on.to_string())
                .with_attribute("modificationDate", ask.opened_on.to_string())
        });
    let investment = Element::new_repeatable("Investment")
        .with_attribute("type", "SIP")
        .with_attribute("startDate", ask.opened_on.to_string())
        .with_attribute("endDate", months_after(today, 12).to_string());
    let summary = Element::new("Summary")
        .with_attribute("folioNo", folio(ask, 0))
        .with_attribute("investmentValue", portfolio.cost().to_string())
        .with_attribute("currentValue", portfolio.worth(today).to_string())
        .with_children([
            Element::new("Holdings").with_children(holdings),
            Element::new("Investments")
                .with_attribute("type", "SIP")
                .with_attribute("issueDate", ask.opened_on.to_string())
                .with_attribute("maturityDate", months_after(today, 12).to_string())
                .with_children([investment]),
        ]);
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", id("S", trade.day, trade.number))
            .with_attribute("txnDate", trade.day.to_string())
            .with_attribute("amc", holding.listed.issuer)
            .with_attribute("scheme", holding.listed.name)
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("ucc", client(ask))
            .with_attribute("amfiCode", amfi_code(holding))
            .with_attribute("folioNo", folio(ask, trade.holding))
            .with_attribute("type", trade.side.as_str())
            .with_attribute("narration", format!("SIP INSTALMENT {:03}", trade.number))
            .with_attribute("units", units(trade.units))
            .with_attribute("nav", price(trade.price))
            .with_attribute("cost", trade.value.to_string())
            .with_attribute("stt", "0.00")
            .with_attribute("amount", trade.value.to_string());
        entry(trade, element)
    });
    told(summary, rows.collect())
}

pub fn etf(ask: &Ask<'_>) -> Told {
    let isin = ("IN", "FZZZ02");
    let manner = Manner {
        papers: ETFS,
        held: 2,
        every: 1,
        day: None,
        fractions: false,
        sells: 8,
        isin,
    };
    let portfolio = Portfolio::told(ask, &manner);
    let today = ask.today();
    let holdings = portfolio
        .holdings
        .iter()
        .enumerate()
        .filter(|(_, holding)| holding.units > 0)
        .map(|(place, holding)| {
            Element::new_repeatable("Holding")
                .with_attribute("folioNo", folio(ask, place))
                .with_attribute("dematId", ask.holder().demat_id.clone())
                .with_attribute("schemeName", holding.listed.name)
                .with_attribute("dpId", "IN999999")
                .with_attribute("units", (holding.units / 1000).to_string())
                .with_attribute("isin", holding.isin.clone())
                .with_attribute("mode", "DEMAT")
                .with_attribute("rate", price(holding.rate()))
                .with_attribute("nav", price(holding.paper.price(today)))
                .with_attribute("lastNavDate", today.to_string())
                .with_attribute("symbol", holding.listed.symbol)
                .with_attribute("description", holding.listed.issuer)
        });
    let summary = summary(ask, &portfolio, holdings);
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", id("X", trade.day, trade.number))
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("transactionDateTime", trade.at.to_ist_string())
            .with_attribute("units", (trade.units / 1000).to_string())
            .with_attribute("amount", trade.value.to_string())
            .with_attribute("schemeName", holding.listed.name)
            .with_attribute("dpId", "IN999999")
            .with_attribute("schemeMinLotSize", "1")
            .with_attribute("faceValueofUnits", "10.00")
            .with_attribute("nav", price(trade.price))
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
                    holding.listed.symbol
                ),
            )
            .with_attribute("brokerCode", "MOCK0001");
        entry(trade, element)
    });
    told(summary, rows.collect())
}

pub fn cis(ask: &Ask<'_>) -> Told {
    let isin = ("IN", "FZZZ03");
    let manner = Manner {
        papers: COLLECTIVE,
        held: 1,
        every: 3,
        day: Some(12),
        fractions: true,
        sells: 0,
        isin,
    };
    let portfolio = Portfolio::told(ask, &manner);
    let today = ask.today();
    let holdings = portfolio.held().map(|holding| {
        Element::new_repeatable("Holding")
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("ucc", client(ask))
            .with_attribute("folioNo", folio(ask, 0))
            .with_attribute("mode", "DEMAT")
            .with_attribute("units", units(holding.units))
            .with_attribute("closingUnits", units(holding.units))
            .with_attribute("rate", price(holding.rate()))
            .with_attribute("nav", price(holding.paper.price(today)))
    });
    let summary = summary(ask, &portfolio, holdings);
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", id("C", trade.day, trade.number))
            .with_attribute("transactionDateTime", trade.at.to_ist_string())
            .with_attribute("schemeCode", scheme_code(holding))
            .with_attribute("isin", holding.isin.clone())
            // Quirk: spelled so in the schema, which wants one of every transaction.
            .with_attribute("dividendType", "INTERIM-DIVIDENT")
            .with_attribute("ucc", client(ask))
            .with_attribute("amount", trade.value.to_string())
            .with_attribute("closingUnits", units(trade.closing))
            .with_attribute("nav", price(trade.price))
            .with_attribute("navDate", trade.day.to_string())
            .with_attribute("type", "OTHERS")
            .with_attribute("orderDate", trade.day.to_string())
            .with_attribute("executionDate", trade.day.to_string())
            .with_attribute("mode", "DEMAT")
            .with_attribute("otherTaxes", "0.00")
            .with_attribute(
                "narration",
                format!("SUBSCRIPTION {} UNITS", units(trade.units)),
            );
        entry(trade, element)
    });
    told(summary, rows.collect())
}

/// What an alternative fund pays out and keeps, each contribution for itself.
pub fn aif(ask: &Ask<'_>) -> Told {
    let isin = ("IN", "FZZZ04");
    let manner = Manner {
        papers: ALTERNATIVE,
        held: 1,
        every: 12,
        day: Some(15),
        fractions: true,
        sells: 0,
        isin,
    };
    let portfolio = Portfolio::told(ask, &manner);
    let today = ask.today();
    let first = portfolio
        .trades
        .first()
        .map_or(ask.opened_on, |trade| trade.day);
    let holdings = portfolio.holdings.iter().map(|holding| {
        let worth = holding.paper.price(today);
        Element::new_repeatable("Holding")
            .with_attribute("issuerName", holding.listed.issuer)
            .with_attribute("typeOfSecurity", "UNLISTED-EQUITY")
            .with_attribute("valuationMethodology", "FAIR VALUE")
            .with_attribute("purchaseDate", first.to_string())
            .with_attribute("purchasePrice", price(holding.rate()))
            .with_attribute("lastValuationDate", today.to_string())
            .with_attribute("mtmOnLastValuation", price(worth))
            .with_attribute(
                "holdingPeriod",
                format!("{} DAYS", (today - first).num_days()),
            )
            .with_attribute("description", holding.listed.name)
    });
    let issued = (portfolio
        .holdings
        .iter()
        .map(|holding| holding.units)
        .sum::<i64>()
        / 1000)
        .max(1);
    let inner = summary(ask, &portfolio, holdings);
    let mut summary =
        Element::new("Summary").with_attribute("totalNumUnitsIssued", issued.to_string());
    summary.attributes.extend(inner.attributes);
    summary.children = inner.children;
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let later = days_after(trade.day, 365 * 3);
        let redeemed = super::trades::value(trade.units, holding.paper.price(later));
        let part = |percent: i64| Paise(trade.value.0 * percent / 100).to_string();
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", id("A", trade.day, trade.number))
            .with_attribute("nameofAsset", holding.listed.issuer)
            .with_attribute("investmentDateTime", trade.at.to_ist_string())
            .with_attribute("investmentValue", trade.value.to_string())
            .with_attribute("redemptionDate", later.to_string())
            .with_attribute("redemptionValue", redeemed.to_string())
            .with_attribute(
                "fundFeesPaymentDate",
                months_after(trade.day, 12).to_string(),
            )
            .with_attribute("fundFeesPaymentAmount", part(2))
            .with_attribute("reInvestmentDate", later.to_string())
            .with_attribute("reInvestmentValue", "0.00")
            .with_attribute("paymentInvestorDate", later.to_string())
            .with_attribute("paymentInvestorAmount", redeemed.to_string())
            .with_attribute("taxPaidValue", "0.00")
            .with_attribute("taxPaidDate", later.to_string())
            .with_attribute("narration", format!("CONTRIBUTION {}", trade.day.year()));
        entry(trade, element)
    });
    told(summary, rows.collect())
}

pub fn invit(ask: &Ask<'_>) -> Told {
    trust(ask, TRUSTS, ("IN", "EZZZ05"))
}

pub fn reit(ask: &Ask<'_>) -> Told {
    trust(ask, ESTATES, ("IN", "EZZZ06"))
}

fn trust(ask: &Ask<'_>, papers: &'static [Listed], isin: (&'static str, &'static str)) -> Told {
    let manner = Manner {
        papers,
        held: 2,
        every: 2,
        day: None,
        fractions: false,
        sells: 9,
        isin,
    };
    let portfolio = Portfolio::told(ask, &manner);
    let is_reit = ask.fi_type == crate::domain::account::FiType::Reit;
    let today = ask.today();
    let holdings = portfolio.held().map(|holding| {
        let element = Element::new_repeatable("Holding")
            .with_attribute("issuerName", holding.listed.issuer)
            .with_attribute("isin", holding.isin.clone())
            .with_attribute(
                "investmentDateTime",
                holding.first_bought.expect("it was bought").to_ist_string(),
            )
            .with_attribute("rate", price(holding.rate()))
            .with_attribute("totalNumberUnits", (holding.units / 1000).to_string())
            .with_attribute("lastClosingRate", price(holding.paper.price(today)))
            .with_attribute("description", holding.listed.name);
        if is_reit {
            element.with_attribute("nomineeStatus", ask.holder().nominee_status())
        } else {
            element
        }
    });
    let summary = summary(ask, &portfolio, holdings);
    let rows = portfolio.trades.iter().map(|trade| {
        let holding = &portfolio.holdings[trade.holding];
        let charge = Paise((trade.value.0 / 1000).max(2_000));
        let text = format!(
            "{} {} {}",
            trade.side.as_str(),
            trade.units / 1000,
            holding.listed.symbol
        );
        let element = Element::new_repeatable("Transaction")
            .with_attribute("txnId", id("T", trade.day, trade.number))
            .with_attribute("isin", holding.isin.clone())
            .with_attribute("issuerName", holding.listed.issuer)
            .with_attribute("symbol", holding.listed.symbol)
            .with_attribute("exchange", "NSE")
            .with_attribute("transactionDescription", text.clone())
            .with_attribute("transactionDateTime", trade.at.to_ist_string())
            .with_attribute("price", price(trade.price))
            .with_attribute("unitsType", trade.side.as_str())
            .with_attribute("numUnitsTransacted", (trade.units / 1000).to_string())
            .with_attribute("tradeValue", trade.value.to_string())
            .with_attribute("totalCharge", charge.to_string())
            .with_attribute("otherCharges", Paise(charge.0 / 5).to_string());
        entry(
            trade,
            if is_reit {
                element.with_attribute("narration", text)
            } else {
                element
            },
        )
    });
    told(summary, rows.collect())
}
