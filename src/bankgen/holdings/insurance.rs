//! Insurance: life policies (term, endowment and money-back plans) and health policies, with their
//! premiums, benefits and claims.

use chrono::{Datelike, NaiveDate};
use rand::RngExt;

use super::{
    DocumentParts, DocumentTransaction, HoldingContext, HoldingPayment, TransactionList,
    days_after, format_transaction_id, months_after, to_ist_timestamp,
};
use crate::bankgen::people::pick_random;
use crate::domain::account::FiType;
use crate::domain::calendar::{Month, working_day_on_or_after};
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::persona::Channel;
use crate::domain::terms::TransactionType;

/// The life insurers among the shipped names of insurers.
const LIFE_INSURERS: &[&str] = &["MOCK LIFE INSURANCE CO LTD"];

/// The general and health insurers among them, which sell health policies. Life, general and health
/// insurance are businesses of their own (Insurance Act, 1938, section 2).
const HEALTH_INSURERS: &[&str] = &["KAVACH GENERAL INSURANCE LTD", "AROGYA HEALTH ASSURANCE"];

/// The yearly premium of the rider for accidental death, in ten-thousandths of its sum assured.
const RIDER_PER_MYRIAD: i64 = 5;

/// Rounds a sum assured down to a multiple of 50,000 rupees, the least that is sold.
fn round_cover(amount: Paise) -> Paise {
    Paise::from_rupees((amount.0 / 100 / 50_000).max(1) * 50_000)
}

/// An event of a policy that its insurer books.
struct PolicyEvent {
    day: NaiveDate,
    kind: &'static str,
    amount: Paise,
    text: String,
}

/// A life policy and its events up to today, the oldest first.
struct LifePolicy {
    insurer: &'static str,
    policy_type: &'static str,
    cover_type: &'static str,
    policy_name: &'static str,
    sum_assured: Paise,
    tenure_years: u32,
    frequency: &'static str,
    periods_per_year: i64,
    premium: Paise,
    next_due: NaiveDate,
    maturity_date: NaiveDate,
    money_backs: Vec<(NaiveDate, Paise)>,
    events: Vec<PolicyEvent>,
}

/// Lists the premiums of a life policy, with late fees, and its survival benefits, from a day on.
pub(crate) fn list_life_payments(
    context: &HoldingContext<'_>,
    since: NaiveDate,
) -> Vec<HoldingPayment> {
    let policy = simulate_life_policy(context);
    let events = policy.events.iter().filter(|event| event.day >= since);
    list_payments(context, policy.insurer, "LIFE PREMIUM", events)
}

/// Lists the premiums of a health policy from a day on.
pub(crate) fn list_health_payments(
    context: &HoldingContext<'_>,
    since: NaiveDate,
) -> Vec<HoldingPayment> {
    let policy = simulate_health_policy(context);
    let events = policy.events.iter().filter(|event| event.day >= since);
    list_payments(context, policy.insurer, "HEALTH PREMIUM", events)
}

fn list_payments<'e>(
    context: &HoldingContext<'_>,
    insurer: &str,
    premium_purpose: &str,
    events: impl Iterator<Item = &'e PolicyEvent>,
) -> Vec<HoldingPayment> {
    let payments = events.filter_map(|event| {
        let (direction, channel, purpose) = match event.kind {
            "PREMIUM_PAYMENT" => (TransactionType::Debit, Channel::Nach, premium_purpose),
            "LATE_FEES" => (TransactionType::Debit, Channel::Nach, "PREMIUM LATE FEE"),
            "MONEY_BACK" => (TransactionType::Credit, Channel::Neft, "SURVIVAL BENEFIT"),
            // A bonus stays in the policy, and the hospital receives a claim.
            _ => return None,
        };
        Some(HoldingPayment {
            day: event.day,
            direction,
            amount: event.amount,
            channel,
            counterparty: insurer.to_owned(),
            purpose: format!("{purpose} {}", context.reference_number),
        })
    });
    payments.collect()
}

/// Simulates a life policy. INSURANCE_POLICIES and LIFE_INSURANCE share it; each schema selects its
/// names.
fn simulate_life_policy(context: &HoldingContext<'_>) -> LifePolicy {
    let mut rng = context.random_stream(0);
    let insurer = pick_random(&mut rng, LIFE_INSURERS);
    let (policy_type, cover_type, policy_name, per_mille) = [
        ("TERM", "TERM_ROP", "Raksha Term Plan", 4),
        ("ENDOWMENT", "OTHERS", "Nidhi Endowment Plan", 48),
        ("MONEYBACK", "OTHERS", "Varsha Money Back Plan", 62),
    ][rng.random_range(0..3)];
    let mut sum_assured = context.amount_on(context.opened_on);
    if policy_type == "TERM" && context.is_amount_from_income() {
        // A term plan saves nothing, so that the same money buys more.
        sum_assured = Paise(sum_assured.0 * 10);
    }
    let sum_assured = round_cover(sum_assured);
    let tenure_years: u32 = [15, 20, 25][rng.random_range(0..3)];
    let is_monthly = rng.random_bool(0.4);
    let (frequency, periods_per_year) = match (is_monthly, context.fi_type) {
        (true, _) => ("MONTHLY", 12),
        (false, FiType::LifeInsurance) => ("ANNUALLY", 1),
        (false, _) => ("YEARLY", 1),
    };
    let premium =
        Paise::from_rupees((sum_assured.0 / 100 * per_mille / 1000 / periods_per_year).max(50));
    let months_per_period = if is_monthly { 1 } else { 12 };
    let start_date = context.opened_on;
    let maturity_date = months_after(start_date, tenure_years * 12);

    let mut events = Vec::new();
    let mut next_due = start_date;
    let mut premium_count = 0;
    while next_due <= context.today() && next_due < maturity_date {
        premium_count += 1;
        let is_late = rng.random_range(0..25) == 0;
        let delay = if is_late { 34 } else { rng.random_range(0..3) };
        // Mandates are presented on working days.
        let day = working_day_on_or_after(days_after(next_due, delay));
        events.push(PolicyEvent {
            day,
            kind: "PREMIUM_PAYMENT",
            amount: premium,
            text: format!("PREMIUM {premium_count:03} {insurer}"),
        });
        if is_late {
            events.push(PolicyEvent {
                day,
                kind: "LATE_FEES",
                amount: Paise((premium.0 / 50 / 100).max(10) * 100),
                text: "LATE FEE".to_owned(),
            });
        }
        next_due = months_after(start_date, premium_count * months_per_period);
    }
    let money_backs: Vec<_> = (1..=4)
        .map(|part| {
            (
                months_after(start_date, tenure_years * 12 / 4 * part),
                Paise(sum_assured.0 / 5),
            )
        })
        .collect();
    if policy_type == "MONEYBACK" {
        // The bank of the insurer pays on working days.
        let payments = money_backs.iter().map(|(due, amount)| PolicyEvent {
            day: working_day_on_or_after(*due),
            kind: "MONEY_BACK",
            amount: *amount,
            text: "SURVIVAL BENEFIT".to_owned(),
        });
        events.extend(payments.filter(|event| event.day <= context.today()));
    }
    if policy_type == "ENDOWMENT" {
        for year in start_date.year() + 1..=context.today().year().min(maturity_date.year() - 1) {
            let day = Month { year, month: 3 }.clamped_date(31);
            events.push(PolicyEvent {
                day,
                kind: "BONUS",
                amount: Paise(sum_assured.0 * 4 / 100),
                text: "REVERSIONARY BONUS".to_owned(),
            });
        }
    }
    events.sort_by_key(|event| event.day);
    LifePolicy {
        insurer,
        policy_type,
        cover_type,
        policy_name,
        sum_assured,
        tenure_years,
        frequency,
        periods_per_year,
        premium,
        next_due,
        maturity_date,
        money_backs,
        events,
    }
}

/// Builds a life policy.
pub(crate) fn build_life_policy(context: &HoldingContext<'_>) -> DocumentParts {
    let policy = simulate_life_policy(context);
    let sum_assured = policy.sum_assured;
    let start_date = context.opened_on;
    let (surrender_value, current_value) = if policy.policy_type == "TERM" {
        (Paise(0), Paise(0))
    } else {
        compute_values(context, &policy.events)
    };
    let is_active = context.today() < policy.maturity_date;

    let summary = Element::new("Summary")
        .with_attribute("policyName", policy.policy_name)
        .with_attribute("policyNumber", context.reference_number.to_string())
        .with_attribute("eiaNumber", format!("9{:012}", context.reference_number))
        .with_attribute(
            "policyDescription",
            format!("{} of {}", policy.policy_name, policy.insurer),
        )
        .with_attribute("sumAssured", sum_assured.to_string())
        .with_attribute("coverAmount", sum_assured.to_string())
        .with_attribute("tenureMonths", "0")
        .with_attribute("tenureYears", policy.tenure_years.to_string())
        .with_attribute("premiumAmount", policy.premium.to_string())
        .with_attribute("policyStartDate", start_date.to_string())
        .with_attribute("policyExpiryDate", policy.maturity_date.to_string())
        .with_attribute("policyType", policy.policy_type)
        .with_attribute("coverType", policy.cover_type)
        .with_attribute("premiumFrequency", policy.frequency)
        .with_attribute("premiumPaymentYears", policy.tenure_years.to_string())
        .with_attribute(
            "premiumPaymentMonths",
            (policy.tenure_years * 12).to_string(),
        )
        .with_attribute(
            "nextPremiumDueDate",
            policy.next_due.min(policy.maturity_date).to_string(),
        )
        .with_attribute("maturityDate", policy.maturity_date.to_string())
        .with_attribute(
            "maturityBenefit",
            if policy.policy_type == "TERM" {
                "Premiums paid"
            } else {
                "Sum assured and bonuses"
            },
        )
        .with_attribute("policyStatus", if is_active { "ACTIVE" } else { "MATURED" })
        .with_attribute("policyLoanStatus", "NOT_OPTED")
        .with_attribute("currentValue", current_value.to_string())
        .with_attribute("assignment", "NO")
        .with_attribute("surrenderValue", surrender_value.to_string())
        .with_attribute("exclusions", "Suicide within 12 months of the start")
        .with_attribute("policyEndDate", policy.maturity_date.to_string())
        .with_children(build_benefits(
            context,
            policy.policy_type,
            &policy.money_backs,
            sum_assured,
        ));
    // The rider is paid with the premium of the policy, and costs at most an eighth of it.
    let rider_premium = sum_assured.0 / 100 * RIDER_PER_MYRIAD / 10_000 / policy.periods_per_year;
    let rider_premium = Paise::from_rupees(rider_premium.max(5));
    let rider = Element::new_repeatable("Rider")
        .with_attribute("riderType", "ACCIDENTAL DEATH BENEFIT")
        .with_attribute("sumAssured", sum_assured.to_string())
        .with_attribute("tenureYears", policy.tenure_years.to_string())
        .with_attribute("tenureMonths", "0")
        .with_attribute("premiumAmount", rider_premium.to_string())
        .with_attribute("policyStartDate", start_date.to_string())
        .with_attribute("policyEndDate", policy.maturity_date.to_string());
    DocumentParts {
        holder_attributes: Vec::new(),
        profile: vec![Element::new("Riders").with_children([rider])],
        summary: Some(summary),
        transactions: build_transactions(&policy.events),
    }
}

/// Builds what the retired schema has below the summary: the next money-back, a clause and the
/// benefit.
fn build_benefits(
    context: &HoldingContext<'_>,
    policy_type: &str,
    money_backs: &[(NaiveDate, Paise)],
    sum_assured: Paise,
) -> [Element; 3] {
    // The schema allows one: the next.
    let next_money_back = money_backs
        .iter()
        .find(|(day, _)| *day > context.today())
        .or(money_backs.last());
    let money_back = next_money_back.map(|(day, amount)| {
        let (amount, text) = if policy_type == "MONEYBACK" {
            (*amount, "20 percent of the sum assured")
        } else {
            (Paise(0), "none")
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
        // Quirk: the schema spells it this way.
        .with_attribute("exlcusions", "Death by suicide")
        .with_attribute("amount", "0.00")
        .with_attribute("description", "Premiums are returned, less charges");
    let benefit = Element::new_repeatable("Cover")
        .with_attribute("amount", sum_assured.to_string())
        .with_attribute("description", "Death of the life assured");
    [
        Element::new("MoneyBacks").with_children(money_back),
        Element::new("ContractClauses").with_children([clause]),
        Element::new("Covers").with_children([benefit]),
    ]
}

/// Returns the surrender value and the current value of a life policy that saves, from its
/// events up to today.
fn compute_values(context: &HoldingContext<'_>, events: &[PolicyEvent]) -> (Paise, Paise) {
    let total_of = |kind| -> Paise {
        let of_kind = events
            .iter()
            .filter(|event| event.day <= context.today() && event.kind == kind);
        of_kind.map(|event| event.amount).sum()
    };
    let paid = total_of("PREMIUM_PAYMENT");
    // Insurers have to guarantee 30 percent of the premiums after three years.
    let surrender_value = if months_after(context.opened_on, 36) <= context.today() {
        Paise(paid.0 * 30 / 100)
    } else {
        Paise(0)
    };
    (
        surrender_value,
        paid + total_of("BONUS") - total_of("MONEY_BACK"),
    )
}

/// A health policy that is renewed each year, with a premium that rises with age, and with claims.
struct HealthPolicy {
    insurer: &'static str,
    sum_insured: Paise,
    /// The premium and the first day of the current year of the policy.
    premium: Paise,
    start_date: NaiveDate,
    events: Vec<PolicyEvent>,
}

fn simulate_health_policy(context: &HoldingContext<'_>) -> HealthPolicy {
    let mut rng = context.random_stream(0);
    let insurer = pick_random(&mut rng, HEALTH_INSURERS);
    let sum_insured = round_cover(context.amount_on(context.opened_on));
    let first_premium = (sum_insured.0 / 100 * 22 / 1000).max(1_000);
    let mut events = Vec::new();
    let mut start_date = context.opened_on;
    let mut year = 0;
    let premium = loop {
        let premium = Paise::from_rupees(first_premium * (100 + 4 * year) / 100);
        events.push(PolicyEvent {
            day: working_day_on_or_after(start_date),
            kind: "PREMIUM_PAYMENT",
            amount: premium,
            text: format!("PREMIUM {:02} {insurer}", year + 1),
        });
        let (has_claim, percent, days) = (
            rng.random_range(0..5) == 0,
            rng.random_range(5..40),
            rng.random_range(20..340),
        );
        if has_claim {
            events.push(PolicyEvent {
                day: days_after(start_date, days),
                kind: "CLAIM",
                amount: Paise(sum_insured.0 * percent / 100 / 100 * 100),
                text: "CASHLESS HOSPITALISATION".to_owned(),
            });
        }
        let next = months_after(start_date, 12);
        if next > context.today() {
            break premium;
        }
        start_date = next;
        year += 1;
    };
    HealthPolicy {
        insurer,
        sum_insured,
        premium,
        start_date,
        events,
    }
}

/// Builds a health policy.
pub(crate) fn build_health_policy(context: &HoldingContext<'_>) -> DocumentParts {
    let HealthPolicy {
        insurer,
        sum_insured,
        premium,
        start_date,
        events,
    } = simulate_health_policy(context);
    let expiry_date = months_after(start_date, 12).pred_opt().expect("a date");
    let uin = format!("MOCKHLIP99{:03}V01", context.reference_number % 1_000);
    let covers = [
        (
            "HOSPITALISATION",
            "Room, treatment and surgery",
            sum_insured,
            premium,
        ),
        (
            "DAILY CASH",
            "A fixed amount for each day in hospital",
            Paise(sum_insured.0 / 20),
            Paise(0),
        ),
    ];
    let covers = covers.map(|(name, description, sum_insured, premium)| {
        Element::new_repeatable("Cover")
            .with_attribute("uinNumber", uin.clone())
            .with_attribute("coverName", name)
            .with_attribute("coverDescription", description)
            .with_attribute("sumInsured", sum_insured.to_string())
            .with_attribute("tenureYears", "1")
            .with_attribute("tenureMonths", "12")
            .with_attribute("premiumAmount", premium.to_string())
            .with_attribute("coverStartDate", start_date.to_string())
            .with_attribute("coverEndDate", expiry_date.to_string())
    });
    let policy_name = "Arogya Health Plan";
    let summary = Element::new("Summary")
        .with_attribute("policyName", policy_name)
        .with_attribute("policyNumber", context.reference_number.to_string())
        .with_attribute("uinNumber", uin)
        .with_attribute("policyDescription", format!("{policy_name} of {insurer}"))
        .with_attribute("sumAssured", sum_insured.to_string())
        .with_attribute("tenureMonths", "12")
        .with_attribute("tenureYears", "1")
        .with_attribute("premiumAmount", premium.to_string())
        .with_attribute("policyStartDate", start_date.to_string())
        .with_attribute("policyExpiryDate", expiry_date.to_string())
        .with_attribute("policyType", "INDEMNITY")
        .with_attribute("insuranceType", "HEALTH")
        .with_attribute("premiumFrequency", "ANNUALLY")
        .with_attribute("premiumPaymentYears", "1")
        .with_attribute(
            "nextPremiumDueDate",
            months_after(start_date, 12).to_string(),
        )
        .with_attribute("policyStatus", "ACTIVE")
        .with_children([Element::new("Covers").with_children(covers)]);
    DocumentParts {
        holder_attributes: Vec::new(),
        profile: Vec::new(),
        summary: Some(summary),
        transactions: build_transactions(&events),
    }
}

fn build_transactions(events: &[PolicyEvent]) -> TransactionList {
    let transactions = events.iter().enumerate();
    TransactionList::Flat(
        transactions
            .map(|(number, event)| build_transaction(number, event))
            .collect(),
    )
}

/// Builds a transaction: a payment to the policy is a credit, a payment from it a debit.
fn build_transaction(number: usize, event: &PolicyEvent) -> DocumentTransaction {
    let PolicyEvent {
        day,
        kind,
        amount,
        text,
    } = event;
    let direction = if matches!(*kind, "MONEY_BACK" | "CLAIM") {
        TransactionType::Debit
    } else {
        TransactionType::Credit
    };
    let element = Element::new_repeatable("Transaction")
        .with_attribute("txnId", format_transaction_id("I", *day, number))
        .with_attribute("txnDate", day.to_string())
        .with_attribute("narration", text.clone())
        .with_attribute("type", *kind)
        .with_attribute("amount", amount.to_string());
    DocumentTransaction {
        at: to_ist_timestamp(*day, 11, 0, 0),
        amount: *amount,
        direction,
        element,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{HEALTH_INSURERS, LIFE_INSURERS};
    use crate::bankgen::names::pool_entries;
    use crate::domain::persona::NamePool;

    #[test]
    fn every_shipped_insurer_has_a_line_of_business() {
        let shipped: BTreeSet<_> = pool_entries(NamePool::Insurers)
            .iter()
            .map(|(name, _, _)| *name)
            .collect();
        let by_line: BTreeSet<_> = LIFE_INSURERS
            .iter()
            .chain(HEALTH_INSURERS)
            .copied()
            .collect();
        assert_eq!(shipped, by_line);
        assert_eq!(by_line.len(), LIFE_INSURERS.len() + HEALTH_INSURERS.len());
    }
}
