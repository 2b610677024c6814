//! Requests to advance a world's clock: how far, how long to wait for the FIU, and until which
//! call.

use std::sync::Arc;

use crate::domain::duration::parse_duration;
use crate::domain::journal_entry::CallRecord;
use crate::domain::operation::Operation;
use crate::domain::time::{Millis, Timestamp};

/// A request to advance a world's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdvancePlan {
    pub target: AdvanceTarget,
    pub settle: Settle,
    /// The advance stops at this call.
    pub until_call: Option<CallCondition>,
}

impl AdvancePlan {
    /// Returns a plan that settles as the FIU needs it.
    pub(crate) fn to_target(target: AdvanceTarget) -> Self {
        Self {
            target,
            settle: Settle::Auto,
            until_call: None,
        }
    }
}

/// Target of a clock advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdvanceTarget {
    By(Millis),
    To(Timestamp),
    /// Until no timer is due any more.
    UntilIdle,
}

/// The wait of an advance after an acknowledgement, for the call that may follow it, in system
/// time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Settle {
    /// As the FIU's earlier reactions in the world suggest.
    #[default]
    Auto,
    Fixed(Millis),
}

impl Settle {
    /// Longest fixed wait.
    pub(crate) const MAX: Millis = Millis::from_secs(60);

    /// The forms that [`Self::parse`] accepts, for error messages.
    pub(crate) const ACCEPTED_FORMS: &'static str =
        "auto, or a duration of at most 60s such as 500ms";

    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "auto" {
            return Some(Self::Auto);
        }
        parse_duration(text)
            .filter(|wait| *wait <= Self::MAX)
            .map(Self::Fixed)
    }
}

/// The calls at which an advance stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallCondition {
    pub operation: Operation,
    pub fiu: Option<Arc<str>>,
    pub customer: Option<Arc<str>>,
    /// The number of calls to wait for.
    pub count: usize,
    /// Longest duration of the advance, in system time; `None` is that of every advance.
    pub within: Option<Millis>,
}

impl CallCondition {
    /// Returns whether the condition counts this call.
    pub(crate) fn matches_call(&self, call: &CallRecord) -> bool {
        let matches = |wanted: &Option<Arc<str>>, actual: &Option<Arc<str>>| {
            wanted.is_none() || wanted == actual
        };
        call.operation == self.operation
            && matches(&self.fiu, &call.fiu)
            && matches(&self.customer, &call.customer)
    }
}

#[cfg(test)]
mod tests {
    use super::Settle;
    use crate::domain::time::Millis;

    #[test]
    fn settle_is_auto_or_a_duration_up_to_the_limit_of_an_advance() {
        assert_eq!(Settle::parse("auto"), Some(Settle::Auto));
        assert_eq!(Settle::parse("500ms"), Some(Settle::Fixed(Millis(500))));
        assert_eq!(Settle::parse("0s"), Some(Settle::Fixed(Millis::ZERO)));
        for text in ["", "Auto", "61s", "500", "-1s"] {
            assert_eq!(Settle::parse(text), None, "{text}");
        }
    }
}
