//! Rules about the answers of an FIU to webhooks.

use super::Findings;
use super::history::{RunHistory, SentWebhook};
use crate::domain::call_facts::{Acknowledgement, ApiFamily};
use crate::domain::client_hint::ClientHint;
use crate::domain::notification::NotificationKind;
use crate::domain::time::Millis;
use crate::domain::webhook_fault::WebhookFaultName;

/// Maximum duration of an acknowledgement (`docs/sources.md#webhook-retries`).
const ACKNOWLEDGE_TIMEOUT: Millis = Millis::from_secs(5);

pub(super) fn check_invalid_signatures(run: &RunHistory<'_>) -> Findings {
    check_rejections(run, SentWebhook::is_forged)
}

pub(super) fn check_stale_messages(run: &RunHistory<'_>) -> Findings {
    check_rejections(run, |webhook| webhook.is_stale() && !webhook.is_forged())
}

pub(super) fn check_api_keys(run: &RunHistory<'_>) -> Findings {
    check_rejections(run, SentWebhook::has_wrong_api_key)
}

fn check_rejections<'a>(
    run: &RunHistory<'a>,
    is_invalid: impl Fn(&SentWebhook<'a>) -> bool,
) -> Findings {
    let mut findings = Findings::default();
    for webhook in run.webhooks.iter().filter(|webhook| is_invalid(webhook)) {
        let Some(status) = webhook.record.response_status else {
            continue;
        };
        findings.cases += 1;
        if webhook.record.is_accepted() {
            let faults: Vec<_> = webhook
                .record
                .faults
                .iter()
                .map(|fault| fault.as_str())
                .collect();
            let text = format!(
                "{} {} with {} was answered with {status}",
                webhook.describe_status(),
                webhook.record.webhook_id,
                faults.join(", ")
            );
            findings.add_evidence(webhook.seq, text);
        }
    }
    findings
}

pub(super) fn check_unusual_messages(run: &RunHistory<'_>) -> Findings {
    check_acceptance(run, |webhook| !webhook.record.faults.is_empty())
}

pub(super) fn check_regular_messages(run: &RunHistory<'_>) -> Findings {
    check_acceptance(run, |webhook| webhook.record.faults.is_empty())
}

fn check_acceptance(
    run: &RunHistory<'_>,
    is_relevant: impl Fn(&SentWebhook<'_>) -> bool,
) -> Findings {
    let mut findings = Findings::default();
    for webhook in run.webhooks.iter().filter(|webhook| {
        webhook.is_credible() && is_relevant(webhook) && !run.is_excused_rejection(webhook)
    }) {
        findings.cases += 1;
        if !webhook.record.is_accepted() {
            let text = format!(
                "{} {}: {}{}",
                webhook.describe_status(),
                webhook.record.webhook_id,
                webhook.record.outcome,
                suggest_profile(webhook)
            );
            findings.add_evidence(webhook.seq, text);
        }
    }
    findings
}

pub(super) fn check_latency(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for webhook in &run.webhooks {
        // The slow body is the sender's own delay.
        if webhook.record.attempt == 0
            || webhook.record.faults.contains(&WebhookFaultName::SlowBody)
        {
            continue;
        }
        findings.cases += 1;
        if webhook.record.duration > ACKNOWLEDGE_TIMEOUT {
            let status = webhook.describe_status();
            let text = format!("{status} took {} ms", webhook.record.duration.0);
            findings.add_evidence(webhook.seq, text);
        }
    }
    findings
}

/// Checks the bodies of acknowledgements (ReBIT FIU API 2.0.0, `NotificationResponse`), whatever
/// their status and media type. An answer is an acknowledgement if its status is 2xx or its body
/// has `response`. Unaport defines no body.
pub(super) fn check_format(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for webhook in &run.webhooks {
        let record = webhook.record;
        let is_of_rebit = record.api != ApiFamily::Unaport
            && matches!(
                record.event,
                NotificationKind::ConsentStatus | NotificationKind::FiStatus
            );
        if !is_of_rebit || record.response_status.is_none() || webhook.is_invalid() {
            continue;
        }
        let Acknowledgement {
            has_response,
            problems,
            ..
        } = &record.acknowledgement;
        if !record.is_accepted() && (!has_response || run.is_excused_rejection(webhook)) {
            continue;
        }
        findings.cases += 1;
        if !problems.is_empty() {
            let text = format!(
                "the answer to {} {}: {}{}",
                webhook.describe_status(),
                record.webhook_id,
                problems.join(", "),
                suggest_profile(webhook)
            );
            findings.add_evidence(webhook.seq, text);
        }
    }
    findings
}

/// Returns the advice to an FIU that objects to a correct signature.
fn suggest_profile(webhook: &SentWebhook<'_>) -> String {
    if !webhook.record.acknowledgement.objects_to_signature {
        return String::new();
    }
    let profile = webhook.record.facts.profile;
    let hint = profile.map(|gets| ClientHint::ObjectsToSignature { gets });
    hint.map(|hint| format!("; {hint}")).unwrap_or_default()
}
