//! The National Pension System: two tiers, three schemes, contributions of the subscriber and the
//! employer.

use chrono::NaiveDate;

use super::trades::format_price;
use super::{
    DocumentParts, DocumentTransaction, HoldingContext, HoldingPayment, TransactionList,
    format_transaction_id, to_ist_timestamp,
};
use crate::bankgen::market::PriceModel;
use crate::domain::calendar::{Month, trading_day_on_or_after};
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::persona::Channel;
use crate::domain::terms::TransactionType;

/// The schemes of one asset class: their names and ids in tier I and in tier II, their share of a
/// contribution in percent, and their price: rupees in 2020, growth and swing in basis points.
type SchemePair = ([(&'static str, &'static str); 2], i64, (i64, i64, i64));

const SCHEMES: [SchemePair; 3] = [
    (
        [
            ("MOCKPF SCHEME E TIER I", "SM999001"),
            ("MOCKPF SCHEME E TIER II", "SM999002"),
        ],
        50,
        (24, 1200, 1800),
    ),
    (
        [
            ("MOCKPF SCHEME C TIER I", "SM999003"),
            ("MOCKPF SCHEME C TIER II", "SM999004"),
        ],
        30,
        (28, 850, 300),
    ),
    (
        [
            ("MOCKPF SCHEME G TIER I", "SM999005"),
            ("MOCKPF SCHEME G TIER II", "SM999006"),
        ],
        20,
        (25, 800, 400),
    ),
];

/// The account of one tier.
struct Tier {
    number: usize,
    holdings: [SchemeHolding; SCHEMES.len()],
    contributed: Paise,
    scheme_transactions: Vec<DocumentTransaction>,
    contributions: Vec<DocumentTransaction>,
}

#[derive(Clone, Copy, Default)]
struct SchemeHolding {
    units: i64,
    cost: Paise,
    /// The contributed amount that does not suffice for another unit yet.
    uninvested: Paise,
}

fn scheme_price_model(scheme: usize, tier: usize) -> PriceModel {
    let (rupees, growth, swing) = SCHEMES[scheme].2;
    let salt = (u64::try_from(scheme * 2 + tier).expect("they are few") + 1)
        .wrapping_mul(0xd1b5_4a32_d192_ed03);
    PriceModel {
        base: rupees * 10_000,
        growth_bps: growth,
        swing_bps: swing,
        salt,
        tick: 1,
    }
}

/// A contribution to one tier.
struct Contribution {
    day: NaiveDate,
    subscriber_share: Paise,
    employer_share: Paise,
}

/// Lists the contributions to a tier up to now.
fn list_contributions(context: &HoldingContext<'_>, tier: usize) -> Vec<Contribution> {
    // Savings of the second tier can be withdrawn: it gets smaller contributions and none from the
    // employer.
    let interval_months = if tier == 1 { 1 } else { 6 };
    let mut contributions = Vec::new();
    let mut month = Month::from_date(context.opened_on);
    while month.clamped_date(1) <= context.today() {
        let day = trading_day_on_or_after(month.clamped_date(15).max(context.opened_on));
        if to_ist_timestamp(day, 12, 0, 0) <= context.now() {
            let amount = context.amount_on(day);
            let (subscriber_share, employer_share) = if tier == 1 {
                (amount, amount)
            } else {
                (Paise(amount.0 / 2), Paise(0))
            };
            contributions.push(Contribution {
                day,
                subscriber_share,
                employer_share,
            });
        }
        month = month.plus_months(interval_months);
    }
    contributions
}

/// Lists what the subscriber pays into both tiers from a day on. The employer pays its share itself.
pub(crate) fn list_payments(context: &HoldingContext<'_>, since: NaiveDate) -> Vec<HoldingPayment> {
    let contributions = [1, 2]
        .into_iter()
        .flat_map(|tier| list_contributions(context, tier))
        .filter(|contribution| contribution.day >= since);
    let payments = contributions.map(|contribution| HoldingPayment {
        day: contribution.day,
        direction: TransactionType::Debit,
        amount: contribution.subscriber_share,
        channel: Channel::Nach,
        counterparty: "MOCK PENSION TRUST".to_owned(),
        purpose: format!("NPS {}", account_number(context)),
    });
    payments.collect()
}

/// Formats the permanent retirement account number (PRAN): twelve digits; the series 9999 is not
/// assigned.
fn account_number(context: &HoldingContext<'_>) -> String {
    format!("9999{}", context.reference_number)
}

impl Tier {
    fn with_contributions(context: &HoldingContext<'_>, number: usize) -> Self {
        let mut tier = Self {
            number,
            holdings: [SchemeHolding::default(); SCHEMES.len()],
            contributed: Paise(0),
            scheme_transactions: Vec::new(),
            contributions: Vec::new(),
        };
        for contribution in list_contributions(context, number) {
            tier.add_contribution(&contribution);
        }
        tier
    }

    /// Returns the name and the id of a scheme of this tier.
    fn scheme_names(&self, scheme: usize) -> (&'static str, &'static str) {
        SCHEMES[scheme].0[self.number - 1]
    }

    fn add_contribution(&mut self, contribution: &Contribution) {
        let Contribution {
            day,
            subscriber_share,
            employer_share,
        } = *contribution;
        let total = subscriber_share + employer_share;
        self.contributed += total;
        let at = to_ist_timestamp(day, 12, 0, 0);
        let number = self.contributions.len();
        let text = if employer_share.0 > 0 {
            "REGULAR CONTRIBUTION, OWN AND EMPLOYER"
        } else {
            "VOLUNTARY CONTRIBUTION"
        };
        let (element_name, id_prefix) = if self.number == 1 {
            ("Tier1InvestmentTransaction", "N1")
        } else {
            ("Tier2InvestmentTransaction", "N2")
        };
        let element = Element::new_repeatable(element_name)
            .with_attribute("txnId", format_transaction_id(id_prefix, day, number))
            .with_attribute("txnDate", day.to_string())
            .with_attribute("type", "CONTRIBUTION")
            .with_attribute("narration", text)
            .with_attribute("subscriberContribution", subscriber_share.to_string())
            .with_attribute("employerContribution", employer_share.to_string())
            .with_attribute("totalContribution", total.to_string());
        self.contributions.push(DocumentTransaction {
            at,
            amount: total,
            direction: TransactionType::Credit,
            element,
        });
        for (scheme, (_, percent, _)) in SCHEMES.into_iter().enumerate() {
            let (name, scheme_id) = self.scheme_names(scheme);
            let nav = scheme_price_model(scheme, self.number).price_on(day);
            let holding = &mut self.holdings[scheme];
            let share = Paise(total.0 * percent / 100) + holding.uninvested;
            // Quirk: the schema allows whole units only; the rest waits for the next contribution.
            let units = share.0 * 100 / nav;
            let amount = Paise(units * nav / 100);
            holding.uninvested = share - amount;
            if units == 0 {
                continue;
            }
            holding.units += units;
            holding.cost += amount;
            let cumulative = holding.units;
            let element_name = if self.number == 1 {
                "Tier1SchemeTransaction"
            } else {
                "Tier2SchemeTransaction"
            };
            let element = Element::new_repeatable(element_name)
                .with_attribute(
                    "txnId",
                    format_transaction_id(
                        if self.number == 1 { "P1" } else { "P2" },
                        day,
                        self.scheme_transactions.len(),
                    ),
                )
                .with_attribute("txnDate", day.to_string())
                .with_attribute("type", "CONTRIBUTION")
                .with_attribute("schemeName", name)
                .with_attribute("schemeId", scheme_id)
                .with_attribute("narration", format!("BY CONTRIBUTION {units} UNITS"))
                .with_attribute("allocationPercent", percent.to_string())
                .with_attribute("amount", amount.to_string())
                .with_attribute("nav", format_price(nav))
                .with_attribute("units", units.to_string())
                .with_attribute("cumulativeUnits", cumulative.to_string());
            self.scheme_transactions.push(DocumentTransaction {
                at,
                amount,
                direction: TransactionType::Credit,
                element,
            });
        }
    }

    /// Returns the value of a scheme's units on a day.
    fn scheme_value(&self, scheme: usize, day: NaiveDate) -> Paise {
        Paise(
            self.holdings[scheme].units * scheme_price_model(scheme, self.number).price_on(day)
                / 100,
        )
    }

    fn total_value(&self, day: NaiveDate) -> Paise {
        (0..SCHEMES.len())
            .map(|scheme| self.scheme_value(scheme, day))
            .sum()
    }

    fn to_element(&self, context: &HoldingContext<'_>) -> Element {
        let traded_on = context.last_trading_day();
        let (group_name, item_name) = if self.number == 1 {
            ("Tier1Holdings", "Tier1Holding")
        } else {
            ("Tier2Holdings", "Tier2Holding")
        };
        let units: i64 = self.holdings.iter().map(|holding| holding.units).sum();
        let cost: Paise = self.holdings.iter().map(|holding| holding.cost).sum();
        let nonempty = (0..SCHEMES.len()).filter(|scheme| self.holdings[*scheme].units > 0);
        let elements = nonempty.map(|scheme| {
            let (name, id) = self.scheme_names(scheme);
            let SchemeHolding {
                units,
                cost,
                uninvested,
            } = self.holdings[scheme];
            Element::new_repeatable(item_name)
                .with_attribute("amount", cost.to_string())
                .with_attribute("amountInTransition", uninvested.to_string())
                // Quirk: the schema requires a positive number here too.
                .with_attribute("blockedUnits", "1")
                .with_attribute("freeUnits", units.to_string())
                .with_attribute(
                    "nav",
                    format_price(scheme_price_model(scheme, self.number).price_on(traded_on)),
                )
                .with_attribute("schemeName", name)
                .with_attribute("schemeId", id)
                .with_attribute("totalUnits", units.to_string())
                .with_attribute(
                    "totalValueOfScheme",
                    self.scheme_value(scheme, traded_on).to_string(),
                )
        });
        Element::new(group_name)
            .with_attribute("schemePreferenceType", "AUTO")
            .with_attribute("freeUnits", units.max(1).to_string())
            .with_attribute("investmentCost", cost.to_string())
            .with_attribute("investmentValue", self.total_value(traded_on).to_string())
            .with_children(elements)
    }
}

pub(crate) fn build_nps(context: &HoldingContext<'_>) -> DocumentParts {
    let traded_on = context.last_trading_day();
    let (tier_one, tier_two) = (
        Tier::with_contributions(context, 1),
        Tier::with_contributions(context, 2),
    );
    let [equity_value, debt_value, other_value] = [0, 1, 2].map(|scheme| {
        tier_one.scheme_value(scheme, traded_on) + tier_two.scheme_value(scheme, traded_on)
    });
    // The schema allows one choice: a life cycle fund, which distributes over the three schemes.
    let choice = Element::new_repeatable("SchemeChoice")
        .with_attribute("allocationPercent", "100")
        .with_attribute("pfmId", "PFM999")
        .with_attribute("pfmName", "MOCK PENSION FUND MANAGEMENT")
        .with_attribute("schemeId", "SM999000")
        .with_attribute("schemeName", "MOCKPF LIFE CYCLE 50");
    let summary = Element::new("Summary")
        .with_attribute("openingDate", context.opened_on.to_string())
        .with_attribute(
            "currentValue",
            (tier_one.total_value(traded_on) + tier_two.total_value(traded_on)).to_string(),
        )
        .with_attribute("status", "ACTIVE")
        .with_attribute("tier1Status", "ACTIVE")
        .with_attribute("tier2NAVDate", traded_on.to_string())
        .with_attribute("tier2Status", "ACTIVE")
        .with_attribute("tier1NAVDate", traded_on.to_string())
        .with_attribute("debtAssetValue", debt_value.to_string())
        .with_attribute("equityAssetValue", equity_value.to_string())
        .with_attribute("otherAssetValue", other_value.to_string())
        .with_children([
            Element::new("SchemeChoices").with_children([choice]),
            Element::new("Holdings")
                .with_children([tier_one.to_element(context), tier_two.to_element(context)]),
        ]);
    let transactions = TransactionList::Grouped(vec![
        ("Tier1SchemeTransactions", tier_one.scheme_transactions),
        ("Tier2SchemeTransactions", tier_two.scheme_transactions),
        ("Tier1InvestmentTransactions", tier_one.contributions),
        ("Tier2InvestmentTransactions", tier_two.contributions),
    ]);
    let holder_attributes = vec![("pranId", account_number(context))];
    DocumentParts {
        holder_attributes,
        profile: Vec::new(),
        summary: Some(summary),
        transactions,
    }
}
