//! Pages for people. The templates are compiled in.

pub(crate) mod docs;

use std::sync::Arc;

use askama::Template;

use crate::domain::account::Account;
use crate::domain::consent::{Consent, Input, Status};
use crate::domain::participants::Participants;
use crate::domain::terms::{FetchType, FilterCriterion, FilterOperator};
use crate::domain::time::Timestamp;
use crate::domain::visit_action::VisitAction;

/// A consent, and the accounts that it shares, one line each.
pub(crate) struct ShownConsent {
    consent: Arc<Consent>,
    account_lines: Vec<String>,
}

impl ShownConsent {
    /// Describes the accounts by their numbers and the names of their FIPs.
    pub(crate) fn new(
        consent: Arc<Consent>,
        accounts: &[Account],
        participants: &Participants,
    ) -> Self {
        let account_lines = accounts
            .iter()
            .map(|account| {
                format!(
                    "Account {} at {}",
                    account.masked_number,
                    participants.fip_name(&account.fip)
                )
            })
            .collect();
        Self {
            consent,
            account_lines,
        }
    }
}

/// Page of one consent in plain words, with Approve and Reject while the consent is pending.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage {
    handle: String,
    fiu: String,
    customer: String,
    purpose: String,
    /// The terms of the request, one sentence each.
    request_lines: Vec<String>,
    status: &'static str,
    status_text: &'static str,
    can_answer: bool,
    approve_url: String,
    reject_url: String,
    /// Leads back to the FIU without an answer.
    leave_url: String,
    /// The form that answers each of several consents by itself: its URL, and the handle and the
    /// purpose of each consent.
    single_answers: Option<(String, Vec<(String, String)>)>,
    /// The FIU's URL to which the customer returns.
    return_url: Option<String>,
    now: String,
}

impl ConsentPage {
    /// Creates the page; `base` is the sandbox's address with the world's prefix.
    pub(crate) fn new(shown: &ShownConsent, base: &str, now: Timestamp) -> Self {
        let ShownConsent {
            consent,
            account_lines,
        } = shown;
        let terms = &consent.terms;
        let action_url = |action| format!("{base}/ui/consents/{}/{action}", consent.handle);
        let mut request_lines = vec![format!(
            "Accounts: {}",
            join_lowercase(
                &terms
                    .fi_types
                    .iter()
                    .map(|fi_type| fi_type.as_str())
                    .collect::<Vec<_>>()
            )
        )];
        request_lines.extend_from_slice(account_lines);
        request_lines.extend([
            format!(
                "Information: {}",
                join_lowercase(
                    &terms
                        .consent_types
                        .iter()
                        .map(|part| part.as_str())
                        .collect::<Vec<_>>()
                )
            ),
            format!(
                "From {} to {}",
                format_day(terms.range.from),
                format_day(terms.range.to)
            ),
            match terms.fetch_type {
                FetchType::OneTime => "Fetched once".to_owned(),
                FetchType::Periodic => {
                    format!(
                        "Fetched up to {} times per {}",
                        terms.frequency.1,
                        join_lowercase(&[terms.frequency.0.as_str()])
                    )
                }
            },
        ]);
        for filter in terms.filters.iter().flatten() {
            request_lines.push(match filter.criterion {
                FilterCriterion::Amount(amount) => format!(
                    "Only transactions {} ₹{amount}",
                    describe_operator(filter.operator)
                ),
                FilterCriterion::Type(kind) => {
                    format!("Only transactions of a type {} {kind}", filter.operator)
                }
            });
        }
        request_lines.push(format!(
            "Valid from {} until {}",
            format_day(terms.start),
            format_day(terms.expiry)
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
            request_lines,
            status: consent.status.as_str(),
            status_text: describe_status(consent.status),
            can_answer: consent.status.transition_on(Input::Approve).is_some(),
            approve_url: action_url(VisitAction::Approve),
            reject_url: action_url(VisitAction::Reject),
            leave_url: action_url(VisitAction::Leave),
            single_answers: None,
            return_url: consent
                .metadata
                .as_ref()
                .and_then(|metadata| metadata.redirect_url.as_deref())
                .map(Into::into),
            now: now.to_string(),
        }
    }

    /// Creates a page for the consents of a visit, with the URL of each action.
    pub(crate) fn for_consents(
        consents: &[ShownConsent],
        action_url: impl Fn(VisitAction) -> String,
        now: Timestamp,
    ) -> Self {
        let (first, others) = consents.split_first().expect("there is a consent to show");
        let mut page = Self::new(first, "", now);
        let mut subjects = vec![(page.handle.clone(), page.purpose.clone())];
        for other in others {
            let other = Self::new(other, "", now);
            page.request_lines
                .push(format!("And for: {}", other.purpose));
            subjects.push((other.handle.clone(), other.purpose));
            page.request_lines.extend(other.request_lines);
            page.handle = format!("{}, {}", page.handle, other.handle);
        }
        Self {
            approve_url: action_url(VisitAction::Approve),
            reject_url: action_url(VisitAction::Reject),
            leave_url: action_url(VisitAction::Leave),
            single_answers: (!others.is_empty())
                .then(|| (action_url(VisitAction::Answer), subjects)),
            ..page
        }
    }

    pub(crate) fn to_html(&self) -> String {
        self.render().expect("the template writes to memory")
    }
}

fn join_lowercase(words: &[&str]) -> String {
    words.join(", ").to_lowercase().replace('_', " ")
}

fn format_day(at: Timestamp) -> String {
    at.ist_date().format("%-d %B %Y").to_string()
}

fn describe_operator(operator: FilterOperator) -> &'static str {
    match operator {
        FilterOperator::Equal => "of exactly",
        FilterOperator::NotEqual => "of any amount except",
        FilterOperator::Greater => "of more than",
        FilterOperator::Less => "of less than",
        FilterOperator::GreaterOrEqual => "of at least",
        FilterOperator::LessOrEqual => "of at most",
    }
}

fn describe_status(status: Status) -> &'static str {
    match status {
        Status::Pending => "Waiting for your answer.",
        Status::Ready => "You approved. The consent becomes active shortly.",
        Status::Active => "You approved. Your data may be fetched.",
        Status::Paused => "Paused. Your data may not be fetched for now.",
        Status::Revoked => "This consent was revoked.",
        Status::Expired => "This consent has expired.",
        Status::Rejected => "You rejected the request. No data is shared.",
        Status::Failed => "The account aggregator could not create this consent.",
    }
}
