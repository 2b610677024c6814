//! The history of a run as the rules read it: calls of FIUs, webhooks and statuses of consents.

use std::collections::HashMap;

use super::OperationLookup;
use crate::domain::call_facts::{ApiFamily, MESSAGE_TOLERANCE, Sender};
use crate::domain::consent::Status;
use crate::domain::event::Event;
use crate::domain::ids::{ConsentHandle, SessionId};
use crate::domain::journal_entry::{CallRecord, JournalEntry, JournalRecord, WebhookRecord};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::session::SessionStatus;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::WebhookFaultName;

/// World time after a webhook within which an FIU's call counts as a reaction to it.
pub(super) const REACTION_WINDOW: Millis = Millis::from_secs(30);

/// A call of an FIU with its place in the journal.
#[derive(Clone, Copy)]
pub(super) struct FiuCall<'a> {
    pub seq: u64,
    /// World time of the response.
    pub at: Timestamp,
    pub record: &'a CallRecord,
}

/// An attempt to send a webhook with its place in the journal.
#[derive(Clone, Copy)]
pub(super) struct SentWebhook<'a> {
    pub seq: u64,
    /// World time of the end of the attempt.
    pub at: Timestamp,
    pub record: &'a WebhookRecord,
}

pub(super) struct RunHistory<'a> {
    pub entries: Vec<&'a JournalEntry>,
    /// Calls in the order of their responses, without those of FIPs.
    pub calls: Vec<FiuCall<'a>>,
    pub webhooks: Vec<SentWebhook<'a>>,
    status_changes: HashMap<ConsentHandle, Vec<(u64, Status)>>,
    expiries: HashMap<ConsentHandle, Timestamp>,
    /// Data sessions that have ended without all of their data, each with its journal number.
    failed_sessions: Vec<(u64, SessionId)>,
    has_operation: OperationLookup,
}

impl<'a> RunHistory<'a> {
    pub(super) fn new(
        entries: impl Iterator<Item = &'a JournalEntry>,
        has_operation: OperationLookup,
    ) -> Self {
        let entries: Vec<_> = entries.collect();
        let (mut calls, mut webhooks) = (Vec::new(), Vec::new());
        let mut status_changes: HashMap<_, Vec<_>> = HashMap::new();
        let (mut expiries, mut failed_sessions) = (HashMap::new(), Vec::new());
        for JournalEntry {
            seq, at, record, ..
        } in entries.iter().copied()
        {
            match record {
                JournalRecord::Call(record) if is_from_fiu(record) => calls.push(FiuCall {
                    seq: *seq,
                    at: *at,
                    record,
                }),
                JournalRecord::Webhook(record) => webhooks.push(SentWebhook {
                    seq: *seq,
                    at: *at,
                    record,
                }),
                JournalRecord::Event(event) => {
                    if let Event::ConsentRaised { consent } = event {
                        expiries.insert(consent.handle, consent.terms.expiry);
                    }
                    failed_sessions.extend(
                        event
                            .session()
                            .filter(|session| has_failed(session.status))
                            .map(|session| (*seq, session.id)),
                    );
                    if let (Some(handle), Some(status)) =
                        (event.consent_handle(), event.resulting_status())
                    {
                        status_changes
                            .entry(handle)
                            .or_default()
                            .push((*seq, status));
                    }
                }
                _ => {}
            }
        }
        Self {
            entries,
            calls,
            webhooks,
            status_changes,
            expiries,
            failed_sessions,
            has_operation,
        }
    }

    pub(super) fn has_operation(&self, api: ApiFamily, operation: Operation) -> bool {
        (self.has_operation)(api, operation)
    }

    /// Returns whether the FIU rejected a message, and may have done so because of its date: the
    /// message is late, or the FIU compares it with a clock that is not the world's. An FIU that has
    /// accepted a message with such a date does not.
    pub(super) fn is_excused_rejection(&self, webhook: &SentWebhook<'_>) -> bool {
        webhook
            .record
            .response_status
            .is_some_and(|status| [400, 401, 403, 409, 412, 422].contains(&status))
            && !webhook.record.acknowledgement.objects_to_signature
            && (webhook.is_outdated()
                || (webhook.is_untimely()
                    && !self.webhooks.iter().any(|other| {
                        other.record.fiu == webhook.record.fiu
                            && other.record.is_accepted()
                            && other.is_untimely()
                    })))
    }

    pub(super) fn calls_of(&self, operation: Operation) -> impl Iterator<Item = FiuCall<'a>> {
        self.calls
            .iter()
            .copied()
            .filter(move |call| call.record.operation == operation)
    }

    /// Returns the events that have given a consent another status, with their numbers.
    pub(super) fn status_changes(
        &self,
        handle: ConsentHandle,
    ) -> impl Iterator<Item = (u64, Status)> {
        self.status_changes
            .get(&handle)
            .into_iter()
            .flatten()
            .copied()
    }

    /// Returns the status of a consent before an entry; `None` for a consent that is not known.
    pub(super) fn status_before(&self, handle: ConsentHandle, seq: u64) -> Option<Status> {
        self.status_changes(handle)
            .take_while(|(number, _)| *number < seq)
            .last()
            .map(|(_, status)| status)
    }

    /// Returns whether a consent was approved before an entry.
    pub(super) fn was_approved_before(&self, handle: ConsentHandle, seq: u64) -> bool {
        self.status_changes(handle).any(|(number, status)| {
            number < seq && matches!(status, Status::Ready | Status::Active)
        })
    }

    /// Returns whether a consent had expired at an instant by the date that its FIU knows.
    pub(super) fn is_past_expiry(&self, handle: ConsentHandle, at: Timestamp) -> bool {
        self.expiries
            .get(&handle)
            .is_some_and(|expiry| *expiry <= at)
    }

    /// Returns whether a data session has ended between two entries without all of its data.
    pub(super) fn has_failed_between(&self, session: SessionId, from: u64, to: u64) -> bool {
        self.failed_sessions
            .iter()
            .any(|(number, failed)| *failed == session && (from..to).contains(number))
    }

    /// Returns whether a consent has ended between two entries.
    pub(super) fn has_ended_between(&self, handle: ConsentHandle, from: u64, to: u64) -> bool {
        self.status_changes(handle)
            .any(|(number, status)| (from..to).contains(&number) && status.is_final())
    }
}

impl SentWebhook<'_> {
    /// Returns whether the message is dated more than [`MESSAGE_TOLERANCE`] off, by the wall's
    /// clock and by the world's.
    pub(super) fn is_outdated(&self) -> bool {
        self.record.facts.timestamp.is_some_and(|at| {
            [self.record.system_time, self.at]
                .iter()
                .all(|clock| !at.is_within(MESSAGE_TOLERANCE, *clock))
        })
    }

    /// Returns whether an FIU has to reject the message.
    pub(super) fn is_invalid(&self) -> bool {
        self.is_forged() || self.is_stale() || self.has_wrong_api_key()
    }

    /// Returns whether a fault makes the message invalid, its date and its API key apart.
    pub(super) fn is_forged(&self) -> bool {
        self.record.faults.iter().any(|fault| {
            fault.must_be_rejected() && !is_misdating(*fault) && !fault.is_in_credential()
        })
    }

    /// Returns whether the API key of the AA is not its own. Unaport defines no such key.
    pub(super) fn has_wrong_api_key(&self) -> bool {
        self.record.api != ApiFamily::Unaport
            && self
                .record
                .faults
                .iter()
                .any(|fault| fault.is_in_credential())
    }

    /// Returns whether an injected date is so far off that an FIU has to reject the message.
    pub(super) fn is_stale(&self) -> bool {
        self.record.faults.iter().any(|fault| is_misdating(*fault)) && self.is_outdated()
    }

    /// Returns whether the FIU received a message that it may believe.
    pub(super) fn is_credible(&self) -> bool {
        self.record.attempt > 0
            && self
                .record
                .faults
                .iter()
                .all(|fault| fault.must_be_accepted())
    }

    /// Returns whether the message is about the status of this consent, and has arrived before this
    /// system time.
    pub(super) fn announces(&self, handle: Option<ConsentHandle>, before: Timestamp) -> bool {
        self.record.event == NotificationKind::ConsentStatus
            && Some(self.record.handle) == handle
            && self.record.system_time <= before
    }

    /// Returns whether the message is about a consent that was approved or resumed.
    pub(super) fn claims_approval(&self) -> bool {
        matches!(self.record.status, Some("READY" | "ACTIVE"))
    }

    /// Returns whether the message is dated outside the tolerance of a receiver that compares it
    /// with its own clock: the clock of a frozen world is another one.
    fn is_untimely(&self) -> bool {
        !self.record.facts.is_timely(self.record.system_time)
    }

    /// Returns kind and status of the message, for people.
    pub(super) fn describe_status(&self) -> String {
        match self.record.status {
            Some(status) => format!("{} {status}", self.record.event),
            None => self.record.event.to_string(),
        }
    }
}

const fn has_failed(status: SessionStatus) -> bool {
    matches!(status, SessionStatus::Failed | SessionStatus::Expired)
}

/// Returns whether an FIU has made a call itself. Web redirection and the web SDK are calls of a
/// customer's browser.
fn is_from_fiu(call: &CallRecord) -> bool {
    call.facts.sender == Sender::Fiu && call.operation != Operation::Redirection
}

fn is_misdating(fault: WebhookFaultName) -> bool {
    matches!(
        fault,
        WebhookFaultName::StaleTimestamp | WebhookFaultName::FutureTimestamp
    )
}
