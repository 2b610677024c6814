//! What a test expects of a run: so many calls, events or webhooks, or none after some event.

use crate::domain::consent::Status;
use crate::domain::event::EventName;
use crate::domain::glob::Glob;
use crate::domain::ids::ConsentHandle;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::time::Millis;
use crate::domain::webhook_fault::WebhookFaultName;

/// One expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    pub target: ExpectationTarget,
    pub count: CountRange,
    /// Only what came after the first event of this name; of the same consent, where it is about one.
    pub after: Option<EventName>,
    /// How long to wait for it, in wall time.
    pub within: Option<Millis>,
    /// Where it stands, for people.
    pub origin: String,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectationTarget {
    Call {
        op: Operation,
        /// What was answered.
        response_status: Option<StatusClass>,
        subject: SubjectFilter,
    },
    Event {
        name: EventName,
        subject: SubjectFilter,
    },
    /// Attempts to send webhooks.
    Webhook {
        event: Option<NotificationKind>,
        /// The status that it tells.
        status: Option<Box<str>>,
        /// What the FIU answered.
        response_status: Option<StatusClass>,
        fault: Option<WebhookFaultName>,
        subject: SubjectFilter,
    },
    /// Consents that stand so now.
    State {
        status: Status,
        subject: SubjectFilter,
    },
}

impl std::fmt::Display for ExpectationTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let subject = match self {
            Self::Call {
                op,
                response_status: status,
                subject: about,
            } => {
                write!(f, "calls {op}")?;
                if let Some(status) = status {
                    write!(f, " answered with {status}")?;
                }
                about
            }
            Self::Event {
                name,
                subject: about,
            } => {
                write!(f, "events {name}")?;
                about
            }
            Self::Webhook {
                event,
                status,
                response_status: answered,
                fault,
                subject: about,
            } => {
                write!(
                    f,
                    "webhooks {}",
                    event.map_or("of any kind", NotificationKind::as_str)
                )?;
                if let Some(status) = status {
                    write!(f, " that tell {status}")?;
                }
                if let Some(answered) = answered {
                    write!(f, " answered with {answered}")?;
                }
                if let Some(fault) = fault {
                    write!(f, " with {fault}")?;
                }
                about
            }
            Self::State {
                status,
                subject: about,
            } => {
                write!(f, "consents that are {status}")?;
                about
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

/// Whom it is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubjectFilter {
    pub handle: Option<ConsentHandle>,
    pub customer: Option<Glob>,
    pub fiu: Option<Glob>,
}

/// A status code, or a hundred of them.
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
    /// `503`, or `5xx`.
    pub fn parse(text: &str) -> Option<Self> {
        let parse_code = |text: &str| {
            text.parse::<u16>()
                .ok()
                .filter(|code| (100..600).contains(code))
        };
        match text.strip_suffix("xx") {
            Some(hundreds) if hundreds.len() == 1 => {
                let first = parse_code(&format!("{hundreds}00"))?;
                Some(Self {
                    first,
                    last: first + 99,
                })
            }
            _ => parse_code(text).map(|code| Self {
                first: code,
                last: code,
            }),
        }
    }

    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

/// How many.
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

/// How an expectation fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub status: ExpectationStatus,
    /// How many there were.
    pub count: u64,
    /// How many more there may have been, which the journal has forgotten.
    pub evicted: u64,
    /// Entries that count, the first of them.
    pub matches: Vec<u64>,
    /// Entries that nearly do, and what is missing.
    pub near_misses: Vec<(u64, String)>,
}

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectationStatus {
    Met,
    Unmet,
    /// The journal has forgotten too much to tell.
    Evicted,
    /// The event after which it was to be so never happened.
    Untested,
}

impl ExpectationStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Unmet => "unmet",
            Self::Evicted => "evicted",
            Self::Untested => "untested",
        }
    }
}
