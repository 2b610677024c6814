//! Expectations of a test run: how many calls, events, webhooks or consents it must have.

use std::sync::Arc;

use crate::domain::consent::{Status, StatusChange};
use crate::domain::event::EventName;
use crate::domain::glob::Glob;
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::JournalEntry;
use crate::domain::message_filter::MessageFilter;
use crate::domain::naming::wire_enum;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::scenario_plan::SourceLocation;
use crate::domain::time::Millis;
use crate::domain::webhook_fault::WebhookFaultName;

/// A count that a run must satisfy.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    pub target: ExpectationTarget,
    pub count: CountRange,
    /// Counts only what follows the first event of this name; of the same consent, if the event is
    /// about one.
    pub after: Option<EventName>,
    /// Maximum time to wait for the count, in system time.
    pub within: Option<Millis>,
    /// Place of the expectation in its file, for people.
    pub origin: String,
    pub location: SourceLocation,
}

/// The things that an expectation counts.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectationTarget {
    Call {
        op: Operation,
        /// Status of the response.
        response_status: Option<StatusClass>,
        /// Conditions on the FIU's request.
        request: MessageFilter,
        /// Conditions on the body of the response.
        response: MessageFilter,
        subject: SubjectFilter,
    },
    Event {
        name: EventName,
        subject: SubjectFilter,
    },
    /// Attempts to send webhooks.
    Webhook {
        event: Option<NotificationKind>,
        /// The status that the webhook carries.
        status: Option<Box<str>>,
        /// Status of the FIU's response.
        response_status: Option<StatusClass>,
        fault: Option<WebhookFaultName>,
        /// Conditions on the bytes and headers that were sent.
        message: MessageFilter,
        /// Conditions on the body of the FIU's response.
        response: MessageFilter,
        subject: SubjectFilter,
    },
    /// Consents that are in this status now.
    State {
        status: Status,
        subject: SubjectFilter,
    },
}

impl ExpectationTarget {
    /// Returns the conditions on the consent, the customer and the FIU.
    pub const fn subject(&self) -> &SubjectFilter {
        match self {
            Self::Call { subject, .. }
            | Self::Event { subject, .. }
            | Self::Webhook { subject, .. }
            | Self::State { subject, .. } => subject,
        }
    }
}

impl std::fmt::Display for Expectation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.count.is_singular() { "" } else { "s" };
        write!(f, "{} ", self.count)?;
        let subject = match &self.target {
            ExpectationTarget::Call {
                op,
                response_status: status,
                request,
                response,
                subject,
            } => {
                write!(f, "call{plural} {op}{request}")?;
                if let Some(status) = status {
                    write!(f, " answered with {status}")?;
                }
                if !response.is_empty() {
                    write!(f, " answered{response}")?;
                }
                subject
            }
            ExpectationTarget::Event { name, subject } => {
                write!(f, "event{plural} {name}")?;
                subject
            }
            ExpectationTarget::Webhook {
                event,
                status,
                response_status,
                fault,
                message,
                response,
                subject,
            } => {
                write!(
                    f,
                    "webhook{plural} {}",
                    event.map_or("of any kind", NotificationKind::as_str)
                )?;
                if let Some(status) = status {
                    write!(f, " with status {status}")?;
                }
                write!(f, "{message}")?;
                if let Some(response_status) = response_status {
                    write!(f, " answered with {response_status}")?;
                }
                if !response.is_empty() {
                    write!(f, " answered{response}")?;
                }
                if let Some(fault) = fault {
                    write!(f, " with {fault}")?;
                }
                subject
            }
            ExpectationTarget::State { status, subject } => {
                let is_or_are = if self.count.is_singular() {
                    "is"
                } else {
                    "are"
                };
                write!(f, "consent{plural} that {is_or_are} {status}")?;
                subject
            }
        };
        let SubjectFilter {
            handle,
            customer,
            fiu,
        } = subject;
        handle.map_or(Ok(()), |handle| write!(f, " of the consent {handle}"))?;
        customer
            .as_ref()
            .map_or(Ok(()), |customer| write!(f, " of {customer}"))?;
        fiu.as_ref().map_or(Ok(()), |fiu| write!(f, " of {fiu}"))
    }
}

/// Conditions on the consent, the customer and the FIU. `None` matches all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubjectFilter {
    pub handle: Option<ConsentHandle>,
    pub customer: Option<Glob>,
    pub fiu: Option<Glob>,
}

/// An HTTP status code, or a class of 100 codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusClass {
    pub first: u16,
    pub last: u16,
}

impl std::fmt::Display for StatusClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}xx", self.first / 100)
        }
    }
}

impl StatusClass {
    /// Parses `503` or `5xx`; `None` for other texts.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix("xx") {
            Some(hundreds) if hundreds.len() == 1 => {
                let first = parse_status_code(&format!("{hundreds}00"))?;
                Some(Self {
                    first,
                    last: first + 99,
                })
            }
            _ => parse_status_code(text).map(|code| Self {
                first: code,
                last: code,
            }),
        }
    }

    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

fn parse_status_code(text: &str) -> Option<u16> {
    text.parse().ok().filter(|code| (100..600).contains(code))
}

/// A permitted range of counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountRange {
    pub at_least: u64,
    pub at_most: Option<u64>,
}

impl CountRange {
    pub const ZERO: Self = Self {
        at_least: 0,
        at_most: Some(0),
    };
    pub const AT_LEAST_ONE: Self = Self {
        at_least: 1,
        at_most: None,
    };

    pub const fn exactly(count: u64) -> Self {
        Self {
            at_least: count,
            at_most: Some(count),
        }
    }

    /// Returns whether the text of the range ends with the number 1.
    fn is_singular(self) -> bool {
        match self.at_most {
            None => self.at_least == 1,
            Some(most) => most == 1,
        }
    }

    pub fn contains(self, count: u64) -> bool {
        count >= self.at_least && self.at_most.is_none_or(|most| count <= most)
    }
}

impl std::fmt::Display for CountRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.at_least, self.at_most) {
            (least, Some(most)) if least == most => write!(f, "exactly {least}"),
            (least, None) => write!(f, "at least {least}"),
            (0, Some(most)) => write!(f, "at most {most}"),
            (least, Some(most)) => write!(f, "{least} to {most}"),
        }
    }
}

/// Result of an expectation, with what was found instead.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub status: ExpectationStatus,
    /// Number of matches.
    pub count: u64,
    /// Upper bound of further matches that the journal has evicted.
    pub evicted: u64,
    /// The first journal entries that match.
    pub matches: Vec<JournalEntry>,
    /// Journal entries that almost match; empty if there are enough matches.
    pub near_misses: Vec<NearMiss>,
    /// Of an unmet expectation of a state: the consents that it could mean.
    pub consents: Vec<ConsentTrace>,
}

/// A journal entry that does not match, with the reason.
#[derive(Clone, Debug)]
pub struct NearMiss {
    pub entry: JournalEntry,
    pub difference: String,
}

/// The statuses that a consent has had.
#[derive(Clone, Debug)]
pub struct ConsentTrace {
    pub handle: ConsentHandle,
    pub customer: Arc<str>,
    pub history: Vec<StatusChange>,
}

wire_enum! {
    /// Status of an expectation.
    ExpectationStatus {
        Met = "met",
        Unmet = "unmet",
        /// The journal has evicted too many entries for a decision.
        Evicted = "evicted",
        /// The event of `after` has not happened.
        Untested = "untested",
    }
}
