//! The National Pension System: two tiers, three schemes, contributions of the subscriber and the employer.

use chrono::NaiveDate;

use super::trades::price;
use super::{Ask, Entry, Told, Transactions, at, id};
use crate::bankgen::market::Paper;
use crate::domain::calendar::{Month, trading_day_on_or_after};
use crate::domain::consent::TransactionType;
use crate::domain::document::Element;
use crate::domain::money::Paise;

/// Schemes, the share of each in percent, their price in rupees in 2020, growth, swing.
type Scheme = (&'static str, &'static str, i64, (i64, i64, i64));

const SCHEMES: [Scheme; 3] = [
    ("MOCKPF SCHEME E TIER", "SM999001", 50, (24, 1200, 1800)),
    ("MOCKPF SCHEME C TIER", "SM999002", 30, (28, 850, 300)),
    ("MOCKPF SCHEME G TIER", "SM999003", 20, (25, 800, 400)),
];

/// One tier's account.
struct Tier {
    number: usize,
    holdings: [Held; SCHEMES.len()],
    contributed: Paise,
    schemes: Vec<Entry>,
    contributions: Vec<Entry>,
}

#[derive(Clone, Copy, Default)]
struct Held {
    units: i64,
    cost: Paise,
    /// Contributed, and not enough for another unit yet.
    waiting: Paise,
}

fn paper(scheme: usize, tier: usize) -> Paper {
    let (rupees, growth, swing) = SCHEMES[scheme].3;
    let salt = (u64::try_from(scheme * 2 + tier).expect("they are few") + 1)
        .wrapping_mul(0xd1b5_4a32_d192_ed03);
    Paper {
        base: rupees * 10_000,
        growth,
        swing,
        salt,
        tick: 1,
    }
}

impl Tier {
    fn told(ask: &Ask<'_>, number: usize) -> Self {
        let mut tier = Self {
            number,
            holdings: [Held::default(); SCHEMES.len()],
            contributed: Paise(0),
            schemes: Vec::new(),
            contributions: Vec::new(),
        };
        // The second tier is for savings that can be withdrawn: less, and without the employer.
        let (own, every) = if number == 1 {
            (ask.amount, 1)
        } else {
            (Paise(ask.amount.0 / 2), 6)
        };
        let employer = if number == 1 { own } else { Paise(0) };
        let mut month = Month::from_date(ask.opened_on);
        let mut since = 0;
        while month.clamped_date(1) <= ask.today() {
            let day = trading_day_on_or_after(month.clamped_date(15).max(ask.opened_on));
            if since % every == 0 && at(day, 12, 0, 0) <= ask.now() {
                tier.contribute(day, own, employer);
            }
            since += 1;
            month = month.next();
        }
        tier
    }

    fn name(&self, what: &str) -> String {
        format!("{what} {}", self.number)
    }

    fn contribute(&mut self, day: NaiveDate, own: Paise, employer: Paise) {
        let total = own + employer;
        self.contributed += total;
        let at = at(day, 12, 0, 0);
        let number = self.contributions.len();
        let text = if employer.0 > 0 {
            "REGULAR CONTRIBUTION, OWN AND EMPLOYER"
        } else {
            "VOLUNTARY CONTRIBUTION"
        };
        let element = |name| {
            Element::new_repeatable(name)
                .with_attribute(
                    "txnId",
                    id(if self.number == 1 { "N1" } else { "N2" }, day, number),
                )
                .with_attribute("txnDate", day.to_string())
                .with_attribute("type", "CONTRIBUTION")
                .with_attribute("narration", text)
                .with_attribute("subscriberContribution", own.to_string())
                .with_attribute("employerContribution", employer.to_string())
                .with_attribute("totalContribution", total.to_string())
        };
        let element = element(if self.number == 1 {
            "Tier1InvestmentTransaction"
        } else {
            "Tier2InvestmentTransaction"
        });
        self.contributions.push(Entry {
            at,
            amount: total,
            direction: TransactionType::Credit,
            element,
        });
        for (scheme, (name, scheme_id, percent, _)) in SCHEMES.into_iter().enumerate() {
            let nav = paper(scheme, self.number).price(day);
            let held = &mut self.holdings[scheme];
            let share = Paise(total.0 * percent / 100) + held.waiting;
            // Quirk: the schema knows whole units only; what is left waits for the next contribution.
            let units = share.0 * 100 / nav;
            let amount = Paise(units * nav / 100);
            held.waiting = share - amount;
            if units == 0 {
                continue;
            }
            held.units += units;
            held.cost += amount;
            let cumulative = held.units;
            let name_of = if self.number == 1 {
                "Tier1SchemeTransaction"
            } else {
                "Tier2SchemeTransaction"
            };
            let element = Element::new_repeatable(name_of)
                .with_attribute(
                    "txnId",
                    id(
                        if self.number == 1 { "P1" } else { "P2" },
                        day,
                        self.schemes.len(),
                    ),
                )
                .with_attribute("txnDate", day.to_string())
                .with_attribute("type", "CONTRIBUTION")
                .with_attribute("schemeName", self.name(name))
                .with_attribute("schemeId", scheme_id)
                .with_attribute("narration", format!("BY CONTRIBUTION {units} UNITS"))
                .with_attribute("allocationPercent", percent.to_string())
                .with_attribute("amount", amount.to_string())
                .with_attribute("nav", price(nav))
                .with_attribute("units", units.to_string())
                .with_attribute("cumulativeUnits", cumulative.to_string());
            self.schemes.push(Entry {
                at,
                amount,
                direction: TransactionType::Credit,
                element,
            });
        }
    }

    /// What a scheme is worth on a day.
    fn worth(&self, scheme: usize, day: NaiveDate) -> Paise {
        Paise(self.holdings[scheme].units * paper(scheme, self.number).price(day) / 100)
    }

    fn total(&self, day: NaiveDate) -> Paise {
        (0..SCHEMES.len())
            .map(|scheme| self.worth(scheme, day))
            .sum()
    }

    fn element(&self, ask: &Ask<'_>) -> Element {
        let today = ask.today();
        let (group, one) = if self.number == 1 {
            ("Tier1Holdings", "Tier1Holding")
        } else {
            ("Tier2Holdings", "Tier2Holding")
        };
        let units: i64 = self.holdings.iter().map(|held| held.units).sum();
        let cost: Paise = self.holdings.iter().map(|held| held.cost).sum();
        let held = SCHEMES
            .into_iter()
            .enumerate()
            .filter(|(scheme, _)| self.holdings[*scheme].units > 0);
        let held = held.map(|(scheme, (name, id, _, _))| {
            let Held {
                units,
                cost,
                waiting,
            } = self.holdings[scheme];
            Element::new_repeatable(one)
                .with_attribute("amount", cost.to_string())
                .with_attribute("amountInTransition", waiting.to_string())
                // Quirk: the schema wants a positive number here too.
                .with_attribute("blockedUnits", "1")
                .with_attribute("freeUnits", units.to_string())
                .with_attribute("nav", price(paper(scheme, self.number).price(today)))
                .with_attribute("schemeName", self.name(name))
                .with_attribute("schemeId", id)
                .with_attribute("totalUnits", units.to_string())
                .with_attribute("totalValueOfScheme", self.worth(scheme, today).to_string())
        });
        Element::new(group)
            .with_attribute("schemePreferenceType", "AUTO")
            .with_attribute("freeUnits", units.max(1).to_string())
            .with_attribute("investmentCost", cost.to_string())
            .with_attribute("investmentValue", self.total(today).to_string())
            .with_children(held)
    }
}

pub fn nps(ask: &Ask<'_>) -> Told {
    let today = ask.today();
    let (one, two) = (Tier::told(ask, 1), Tier::told(ask, 2));
    let value = |scheme| one.worth(scheme, today) + two.worth(scheme, today);
    // The schema has room for one choice: a life cycle fund, which spreads over the three schemes.
    let choice = Element::new_repeatable("SchemeChoice")
        .with_attribute("allocationPercent", "100")
        .with_attribute("pfmId", "PFM999")
        .with_attribute("pfmName", "MOCK PENSION FUND MANAGEMENT")
        .with_attribute("schemeId", "SM999000")
        .with_attribute("schemeName", "MOCKPF LIFE CYCLE 50");
    let summary = Element::new("Summary")
        .with_attribute("openingDate", ask.opened_on.to_string())
        .with_attribute(
            "currentValue",
            (one.total(today) + two.total(today)).to_string(),
        )
        .with_attribute("status", "ACTIVE")
        .with_attribute("tier1Status", "ACTIVE")
        .with_attribute("tier2NAVDate", today.to_string())
        .with_attribute("tier2Status", "ACTIVE")
        .with_attribute("tier1NAVDate", today.to_string())
        .with_attribute("debtAssetValue", value(1).to_string())
        .with_attribute("equityAssetValue", value(0).to_string())
        .with_attribute("otherAssetValue", value(2).to_string())
        .with_children([
            Element::new("SchemeChoices").with_children([choice]),
            Element::new("Holdings").with_children([one.element(ask), two.element(ask)]),
        ]);
    let transactions = Transactions::Grouped(vec![
        ("Tier1SchemeTransactions", one.schemes),
        ("Tier2SchemeTransactions", two.schemes),
        ("Tier1InvestmentTransactions", one.contributions),
        ("Tier2InvestmentTransactions", two.contributions),
    ]);
    // Twelve digits; the series from 9999 on is nobody's.
    let holder = vec![("pranId", format!("9999{}", ask.number))];
    Told {
        holder,
        profile: Vec::new(),
        summary: Some(summary),
        transactions,
    }
}
