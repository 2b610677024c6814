//! What a test expects of a run: so many calls, events or webhooks, or none after some event.

use crate::domain::consent::Status;
use crate::domain::event::EventName;
use crate::domain::glob::Glob;
use crate::domain::ids::ConsentHandle;
use crate::domain::notice::NoticeKind;
use crate::domain::operation::Operation;
use crate::domain::time::Span;
use crate::domain::webhook_fault::WebhookFaultName;

/// One expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    pub sought: Sought,
    pub count: Quantity,
    /// Only what came after the first event of this name; of the same consent, where it is about one.
    pub after: Option<EventName>,
    /// How long to wait for it, in wall time.
    pub within: Option<Span>,
    /// Where it stands, for people.
    pub origin: String,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq)]
pub enum Sought {
    Call {
        op: Operation,
        /// What was answered.
        status: Option<StatusClass>,
        about: About,
    },
    Event {
        name: EventName,
        about: About,
    },
    /// Attempts to send webhooks.
    Webhook {
        event: Option<NoticeKind>,
        /// The status that it tells.
        status: Option<Box<str>>,
        /// What the FIU answered.
        answered: Option<StatusClass>,
        fault: Option<WebhookFaultName>,
        about: About,
    },
    /// Consents that stand so now.
    State {
        status: Status,
        about: About,
    },
}

/// Whom it is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
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

impl StatusClass {
    /// `503`, or `5xx`.
    pub fn parse(text: &str) -> Option<Self> {
        let code = |text: &str| text.parse::<u16>().ok().filter(|code| (100..600).contains(code));
        match text.strip_suffix("xx") {
            Some(hundreds) if hundreds.len() == 1 => {
                let first = code(&format!("{hundreds}00"))?;
                Some(Self { first, last: first + 99 })
            }
            _ => code(text).map(|code| Self { first: code, last: code }),
        }
    }

    pub fn has(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    pub at_least: u64,
    pub at_most: Option<u64>,
}

impl Quantity {
    pub const NONE: Self = Self { at_least: 0, at_most: Some(0) };
    pub const SOME: Self = Self { at_least: 1, at_most: None };

    pub const fn exactly(count: u64) -> Self {
        Self { at_least: count, at_most: Some(count) }
    }

    pub fn has(self, count: u64) -> bool {
        count >= self.at_least && self.at_most.is_none_or(|most| count <= most)
    }

    /// Whether more of them cannot make it untrue.
    pub const fn is_open(self) -> bool {
        self.at_most.is_none()
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.at_least, self.at_most) {
            (least, Some(most)) if least == most => write!(f, "exactly {least}"),
            (least, None) => write!(f, "at least {least}"),
            (0, Some(most)) => write!(f, "at most {most}"),
            (least, Some(most)) => write!(f, "{least} to {most}"),
        }
    }
}
