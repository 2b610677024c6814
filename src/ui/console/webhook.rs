//! The page of one webhook: its attempts, and the message of one of them.

use askama::Template;

use super::inspector::{Exchange, Inspector, InspectorPlace};
use super::timeline::{Tag, Tone};
use super::{ConsoleFrame, format_precise_time};
use crate::domain::delivery::{Attempt, AttemptOutcome, Delivery};
use crate::domain::participants::Participants;
use crate::domain::webhook_fault::{AppliedFault, WebhookFaultName};
use crate::ui::messages::Language;

/// The page of one webhook.
#[derive(Debug, Template)]
#[template(path = "console_webhook.html")]
pub(crate) struct WebhookPage {
    console: ConsoleFrame,
    id: u64,
    event: &'static str,
    status: &'static str,
    state: &'static str,
    subtitles: Vec<String>,
    consent_address: String,
    consent: String,
    /// A sentence about its next step.
    next: String,
    /// The faults that apply to it, each with where it comes from.
    faults: Vec<String>,
    attempts: Vec<AttemptRow>,
    inspector: Option<Inspector>,
    can_resend: bool,
}

#[derive(Debug)]
struct AttemptRow {
    number: usize,
    address: String,
    at: String,
    instant: String,
    tag: Tag,
    faults: Vec<&'static str>,
    outcome: String,
    took: String,
    is_current: bool,
}

impl WebhookPage {
    /// Returns the page. `outcomes` has the results of the attempts in words, without secrets; `current` is
    /// the place of the one whose message is shown.
    pub(crate) fn new(
        console: ConsoleFrame,
        participants: &Participants,
        delivery: &Delivery,
        outcomes: &[String],
        (current, exchange): (Option<usize>, Option<&Exchange>),
        place: &InspectorPlace,
        can_resend: bool,
    ) -> Self {
        let notification = &delivery.notification;
        let consent = &notification.consent;
        let handle = consent.handle.to_string();
        let tracking_id = consent.metadata.as_ref();
        let fiu = participants.find_fiu(&notification.fiu);
        let fiu = fiu.map_or(&*notification.fiu, |fiu| &fiu.entity.name);
        let path = format!("{}/ui/webhooks/{}", console.base_path, delivery.id);
        let mut subtitles = vec![
            format!("to {fiu}"),
            notification.webhook_id(),
            Language::English.format_time(notification.at),
        ];
        if let Some(id) = delivery.copy_of {
            subtitles.push(format!("a copy of webhook {id}"));
        }
        let attempts = delivery.attempts.iter().zip(outcomes).enumerate();
        Self {
            id: delivery.id,
            event: notification.kind().as_str(),
            status: notification.status().unwrap_or_default(),
            state: delivery.state.as_str(),
            subtitles,
            consent_address: format!("{}/ui/consents/{handle}", console.base_path),
            consent: tracking_id.map_or(handle, |it| it.tracking_id.to_string()),
            next: describe_next(delivery),
            faults: delivery.faults.iter().map(describe_fault).collect(),
            attempts: attempts
                .map(|(index, (attempt, outcome))| {
                    AttemptRow::new(&path, index, attempt, outcome.clone(), current)
                })
                .collect(),
            inspector: exchange.map(|exchange| Inspector::new(exchange, place)),
            can_resend,
            console,
        }
    }
}

impl AttemptRow {
    fn new(
        path: &str,
        index: usize,
        attempt: &Attempt,
        outcome: String,
        current: Option<usize>,
    ) -> Self {
        let number = index + 1;
        Self {
            number,
            address: format!("{path}?attempt={number}#inspector"),
            at: format_precise_time(attempt.at),
            instant: attempt.at.to_string(),
            tag: tag_of_attempt(attempt),
            faults: attempt.faults.iter().map(|fault| fault.as_str()).collect(),
            outcome,
            took: format!("{} ms", attempt.duration_ms),
            is_current: current == Some(index),
        }
    }
}

/// Returns the result of an attempt.
pub(super) fn tag_of_attempt(attempt: &Attempt) -> Tag {
    let outcome = &attempt.outcome;
    let text = outcome
        .status()
        .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let tone = match outcome {
        AttemptOutcome::Accepted { remark: None, .. } => Tone::Good,
        AttemptOutcome::Accepted { .. } => Tone::Warning,
        AttemptOutcome::Rejected { .. } | AttemptOutcome::Failed { .. } => Tone::Bad,
    };
    Tag { text, tone }.of_rejectable(attempt.must_be_rejected)
}

fn describe_fault(applied: &AppliedFault) -> String {
    let name = applied.fault.name().as_str();
    match &applied.rule {
        Some(rule) => format!("{name}, by the scenario {}", rule.scenario),
        None => format!("{name}, by a fault set of this world"),
    }
}

/// Says what an accepted delivery has gone through.
fn describe_acceptance(delivery: &Delivery) -> String {
    let is_dropped = |applied: &AppliedFault| applied.fault.name() == WebhookFaultName::Drop;
    let last = delivery.attempts.last();
    let before = match delivery.is_manual_resend {
        true if delivery.faults.iter().any(is_dropped) => {
            "A fault had dropped it on purpose, until a person sent it. "
        }
        true => "A person has sent it again. ",
        false => "",
    };
    let must_reject = last.is_some_and(|attempt| attempt.must_be_rejected);
    let result = if must_reject {
        "The FIU has accepted it, but must reject such a message."
    } else {
        "The FIU has accepted it."
    };
    format!("{before}{result}")
}

/// Says what the state of a delivery means.
fn describe_next(delivery: &Delivery) -> String {
    use crate::domain::delivery::DeliveryState as State;
    match delivery.state {
        State::Held => "It waits until the call that caused it has been answered.".to_owned(),
        State::Queued => {
            "It waits for its turn: webhooks of a consent keep their order.".to_owned()
        }
        State::Sending => "It is being sent.".to_owned(),
        State::Waiting => match delivery.next_attempt_at {
            Some(at) => format!(
                "The next attempt is on {} IST, by the clock of the world.",
                format_precise_time(at)
            ),
            None => "It waits for the next attempt.".to_owned(),
        },
        State::Delivered => describe_acceptance(delivery),
        State::Exhausted => {
            "The FIU has not accepted it, and no further attempt is made by itself.".to_owned()
        }
        State::Unaddressed => {
            "It was not sent: the FIU has no address for webhooks of this kind.".to_owned()
        }
        State::Disabled => {
            "It was not sent: the FIU has answered 410 at this address before. Change the FIU's address, or send it again.".to_owned()
        }
        State::Dropped if delivery.faults.is_empty() => {
            "It was not sent: too many webhooks were waiting.".to_owned()
        }
        State::Dropped => "It was not sent: a fault has dropped it on purpose.".to_owned(),
    }
}
