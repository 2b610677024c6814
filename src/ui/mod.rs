//! What people see in a browser. Templates are compiled in.

pub mod docs;

use std::sync::Arc;

use askama::Template;

use crate::domain::consent::{Consent, FetchType, FilterOn, Input, Operator, Status};
use crate::domain::time::Timestamp;

/// One consent in plain words, with Approve and Reject while it waits for an answer.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentPage {
    handle: String,
    fiu: String,
    customer: String,
    purpose: String,
    /// What is asked for, a sentence each.
    asks: Vec<String>,
    status: &'static str,
    status_words: &'static str,
    may_answer: bool,
    approve: String,
    reject: String,
    /// Where the FIU wants the customer to go on to.
    home: Option<String>,
    now: String,
}

impl ConsentPage {
    /// `base` is the sandbox's address with the world's prefix.
    pub fn new(consent: &Consent, base: &str, now: Timestamp) -> Self {
        let terms = &consent.terms;
        let list = |words: Vec<&str>| words.join(", ").to_lowercase().replace('_', " ");
        let day = |at: Timestamp| at.ist_date().format("%-d %B %Y").to_string();
        let mut asks = vec![
            format!(
                "Accounts: {}",
                list(
                    terms
                        .fi_types
                        .iter()
                        .map(|fi_type| fi_type.as_str())
                        .collect()
                )
            ),
            format!(
                "Information: {}",
                list(
                    terms
                        .consent_types
                        .iter()
                        .map(|part| part.as_str())
                        .collect()
                )
            ),
            format!("From {} to {}", day(terms.range.from), day(terms.range.to)),
            match terms.fetch_type {
                FetchType::OneTime => "Fetched once".to_owned(),
                FetchType::Periodic => {
                    format!(
                        "Fetched up to {} times per {}",
                        terms.frequency.1,
                        list(vec![terms.frequency.0.as_str()])
                    )
                }
            },
        ];
        for filter in terms.filters.iter().flatten() {
            asks.push(match filter.on {
                FilterOn::Amount(amount) => format!(
                    "Only transactions {} ₹{amount}",
                    amount_words(filter.operator)
                ),
                FilterOn::Type(kind) => {
                    format!("Only transactions of a type {} {kind}", filter.operator)
                }
            });
        }
        asks.push(format!(
            "Valid from {} until {}",
            day(terms.start),
            day(terms.expiry)
        ));
        Self {
            handle: consent.handle.to_string(),
            fiu: terms.consumer.to_string(),
            customer: terms.customer.to_string(),
            purpose: terms
                .purpose
                .text
                .as_deref()
                .unwrap_or(&terms.purpose.code)
                .to_owned(),
            asks,
            status: consent.status.as_str(),
            status_words: words(consent.status),
            may_answer: consent.status.after(Input::Approve).is_some(),
            approve: format!("{base}/ui/consents/{}/approve", consent.handle),
            reject: format!("{base}/ui/consents/{}/reject", consent.handle),
            home: consent
                .filing
                .as_ref()
                .and_then(|filing| filing.redirect_url.as_deref())
                .map(Into::into),
            now: now.to_string(),
        }
    }

    /// Several consents of one FIU, answered together; the answers go to these addresses.
    pub fn of_many(consents: &[Arc<Consent>], approve: &str, reject: &str, now: Timestamp) -> Self {
        let (first, others) = consents.split_first().expect("there is a consent to show");
        let mut page = Self::new(first, "", now);
        for other in others {
            let other = Self::new(other, "", now);
            page.asks.push(format!("And for: {}", other.purpose));
            page.asks.extend(other.asks);
            page.handle = format!("{}, {}", page.handle, other.handle);
        }
        Self {
            approve: approve.to_owned(),
            reject: reject.to_owned(),
            ..page
        }
    }

    pub fn to_html(&self) -> String {
        self.render().expect("the template writes to memory")
    }
}

fn amount_words(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "of exactly",
        Operator::NotEqual => "of any amount but",
        Operator::Greater => "of more than",
        Operator::Less => "of less than",
        Operator::GreaterOrEqual => "of at least",
        Operator::LessOrEqual => "of at most",
    }
}

fn words(status: Status) -> &'static str {
    match status {
        Status::Pending => "Waiting for your answer.",
        Status::Ready => "You approved. The consent comes into force shortly.",
        Status::Active => "You approved. Your data may be fetched.",
        Status::Paused => "Paused. Your data may not be fetched for now.",
        Status::Revoked => "You took this consent back.",
        Status::Expired => "This consent has run out.",
        Status::Rejected => "You said no. Nothing is shared.",
        Status::Failed => "The account aggregator could not make this consent.",
    }
}
