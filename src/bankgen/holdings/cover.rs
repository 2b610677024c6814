//! Insurance policies.

use chrono::Datelike;
use rand::RngExt;

use super::{Ask, Entry, Told, Transactions, at, days_after, id, months_after};
use crate::bankgen::names::entries;
use crate::bankgen::people::pick;
use crate::domain::calendar::Month;
use crate::domain::consent::TransactionType;
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::persona::NamePool;

pub fn policies(ask: &Ask<'_>) -> Told {
    let mut rng = ask.rng(0);
    let (insurer, _, _) = pick(&mut rng, entries(NamePool::Insurers));
    let (kind, cover, name, per_mille) = [
        ("TERM", "TERM_ROP", "Raksha Term Plan", 4),
        ("ENDOWMENT", "OTHERS", "Nidhi Endowment Plan", 48),
        ("MONEYBACK", "OTHERS", "Varsha Money Back Plan", 62),
    ][rng.random_range(0..3)];
    let sum = Paise::from_rupees((ask.amount.0 / 100 / 50_000).max(1) * 50_000);
    let years: u32 = [15, 20, 25][rng.random_range(0..3)];
    let monthly = rng.random_bool(0.4);
    let (frequency, periods) = if monthly {
        ("MONTHLY", 12)
    } else {
        ("YEARLY", 1)
    };
    let premium = Paise::from_rupees((sum.0 / 100 * per_mille / 1000 / periods).max(50));
    let paid_every = if monthly { 1 } else { 12 };
    let started = ask.opened_on;
    let matures = months_after(started, years * 12);

    let mut rows = Vec::new();
    let mut next = started;
    let mut count = 0;
    while next <= ask.today() && next < matures {
        count += 1;
        let late = rng.random_range(0..25) == 0;
        let day = if late {
            days_after(next, 34)
        } else {
            days_after(next, rng.random_range(0..3))
        };
        rows.push(row(
            day,
            rows.len(),
            "PREMIUM_PAYMENT",
            premium,
            &format!("PREMIUM {count:03} {insurer}"),
        ));
        if late {
            let fee = Paise((premium.0 / 50 / 100).max(10) * 100);
            rows.push(row(day, rows.len(), "LATE_FEES", fee, "LATE FEE"));
        }
        next = months_after(started, count * paid_every);
    }
    let backs: Vec<_> = (1..=4)
        .map(|part| {
            (
                months_after(started, years * 12 / 4 * part),
                Paise(sum.0 / 5),
            )
        })
        .collect();
    if kind == "MONEYBACK" {
        for (day, amount) in backs.iter().filter(|(day, _)| *day <= ask.today()) {
            rows.push(row(
                *day,
                rows.len(),
                "MONEY_BACK",
                *amount,
                "SURVIVAL BENEFIT",
            ));
        }
    }
    if kind == "ENDOWMENT" {
        for year in started.year() + 1..=ask.today().year().min(matures.year() - 1) {
            let day = Month { year, month: 3 }.clamped_date(31);
            rows.push(row(
                day,
                rows.len(),
                "BONUS",
                Paise(sum.0 * 4 / 100),
                "REVERSIONARY BONUS",
            ));
        }
    }
    rows.sort_by_key(|row| row.at);

    // The schema has room for one: the next.
    let next_back = backs
        .iter()
        .find(|(day, _)| *day > ask.today())
        .or(backs.last());
    let money_back = next_back.map(|(day, amount)| {
        let amount = if kind == "MONEYBACK" {
            *amount
        } else {
            Paise(0)
        };
        let text = if kind == "MONEYBACK" {
            "20 percent of the sum assured"
        } else {
            "none"
        };
        Element::new_repeatable("MoneyBack")
            .with_attribute("date", day.to_string())
            .with_attribute("amount", amount.to_string())
            .with_attribute("description", text)
    });
    let clause = Element::new_repeatable("ContractClause")
        .with_attribute("title", "Suicide clause")
        .with_attribute("subLimit", "0.00")
        .with_attribute("conditions", "Within 12 months of the start")
        // Quirk: spelled so in the schema.
        .with_attribute("exlcusions", "Death by suicide")
        .with_attribute("amount", "0.00")
        .with_attribute("description", "Premiums are returned, less charges");
    let benefit = Element::new_repeatable("Cover")
        .with_attribute("amount", sum.to_string())
        .with_attribute("description", "Death of the life assured");
    let summary = Element::new("Summary")
        .with_attribute("policyName", name)
        .with_attribute("policyNumber", ask.number.to_string())
        .with_attribute("eiaNumber", format!("9{:012}", ask.number))
        .with_attribute("policyDescription", format!("{name} of {insurer}"))
        .with_attribute("sumAssured", sum.to_string())
        .with_attribute("coverAmount", sum.to_string())
        .with_attribute("tenureMonths", "0")
        .with_attribute("tenureYears", years.to_string())
        .with_attribute("premiumAmount", premium.to_string())
        .with_attribute("policyStartDate", started.to_string())
        .with_attribute("policyExpiryDate", matures.to_string())
        .with_attribute("policyType", kind)
        .with_attribute("coverType", cover)
        .with_attribute("premiumFrequency", frequency)
        .with_attribute("premiumPaymentYears", years.to_string())
        .with_attribute("premiumPaymentMonths", (years * 12).to_string())
        .with_attribute("nextPremiumDueDate", next.min(matures).to_string())
        .with_attribute("maturityDate", matures.to_string())
        .with_attribute(
            "maturityBenefit",
            if kind == "TERM" {
                "Premiums paid"
            } else {
                "Sum assured and bonuses"
            },
        )
        .with_children([
            Element::new("MoneyBacks").with_children(money_back),
            Element::new("ContractClauses").with_children([clause]),
            Element::new("Covers").with_children([benefit]),
        ]);
    let rider = Element::new_repeatable("Rider")
        .with_attribute("riderType", "ACCIDENTAL DEATH BENEFIT")
        .with_attribute("sumAssured", sum.to_string())
        .with_attribute("tenureYears", years.to_string())
        .with_attribute("tenureMonths", "0")
        .with_attribute(
            "premiumAmount",
            Paise::from_rupees((sum.0 / 100 / 2000).max(10)).to_string(),
        )
        .with_attribute("policyStartDate", started.to_string())
        .with_attribute("policyEndDate", matures.to_string());
    Told {
        holder: Vec::new(),
        profile: vec![Element::new("Riders").with_children([rider])],
        summary: Some(summary),
        transactions: Transactions::Flat(rows),
    }
}

/// What is paid in is a credit to the policy, what is paid out a debit.
fn row(
    day: chrono::NaiveDate,
    number: usize,
    kind: &'static str,
    amount: Paise,
    text: &str,
) -> Entry {
    let direction = if kind == "MONEY_BACK" {
        TransactionType::Debit
    } else {
        TransactionType::Credit
    };
    let element = Element::new_repeatable("Transaction")
        .with_attribute("txnId", id("I", day, number))
        .with_attribute("txnDate", day.to_string())
        .with_attribute("narration", text.to_owned())
        .with_attribute("type", kind)
        .with_attribute("amount", amount.to_string());
    Entry {
        at: at(day, 11, 0, 0),
        amount,
        direction,
        element,
    }
}
