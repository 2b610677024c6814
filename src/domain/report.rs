//! What the contract report tells of an FIU.

use crate::domain::naming::named;

named! {
    /// What an FIU is graded by.
    Rule {
        RefusesBadSignatures = "refuses-bad-signatures",
        RefusesStaleMessages = "refuses-stale-messages",
        ActsOnceOnDuplicates = "acts-once-on-duplicates",
        TakesUnusualMessages = "takes-unusual-messages",
        AcknowledgesWebhooks = "acknowledges-webhooks",
        AcknowledgesInTime = "acknowledges-in-time",
        AsksNoMoreAfterTheEnd = "asks-no-more-after-the-end",
        AsksNotInAPause = "asks-not-in-a-pause",
        HonoursRetryAfter = "honours-retry-after",
        RetriesNoRefusal = "retries-no-refusal",
        FindsOutByPolling = "finds-out-by-polling",
        CallsWhatThereIs = "calls-what-there-is",
    }
}

impl Rule {
    /// What the rule asks.
    pub const fn asks(self) -> &'static str {
        match self {
            Self::RefusesBadSignatures => {
                "a webhook whose signature does not match its bytes is not answered with 2xx"
            }
            Self::RefusesStaleMessages => {
                "a webhook that is more than 15 minutes off is not answered with 2xx"
            }
            Self::ActsOnceOnDuplicates => {
                "a webhook that comes twice makes the FIU ask for data once"
            }
            Self::TakesUnusualMessages => {
                "a webhook that is unusual and right is answered with 2xx"
            }
            Self::AcknowledgesWebhooks => "a webhook as it should be is answered with 2xx",
            Self::AcknowledgesInTime => "a webhook is answered within 5 s",
            Self::AsksNoMoreAfterTheEnd => {
                "no data is asked for when the FIU was told that the consent has ended"
            }
            Self::AsksNotInAPause => {
                "no data is asked for while the FIU was told that the consent is paused"
            }
            Self::HonoursRetryAfter => "a call that was told to come later does not come earlier",
            Self::RetriesNoRefusal => {
                "a call that was refused with 4xx is not made again word for word"
            }
            Self::FindsOutByPolling => {
                "what a dropped webhook would have told is found out by asking"
            }
            Self::CallsWhatThereIs => "every path that is called exists",
        }
    }
}

/// How a rule fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grade {
    pub rule: Rule,
    pub mark: Mark,
    /// What was seen, each with the number of the journal's entry that shows it.
    pub evidence: Vec<(u64, String)>,
    /// How many cases there were.
    pub cases: usize,
}

named! {
    Mark {
        Pass = "pass",
        Fail = "fail",
        /// Nothing has put it to the test.
        NotTested = "not-tested",
        /// The journal has forgotten entries that could show otherwise.
        Evicted = "evicted",
    }
}
