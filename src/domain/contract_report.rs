//! What the contract report tells of an FIU.

use crate::domain::naming::wire_enum;

wire_enum! {
    /// What an FIU is graded by.
    ContractRule {
        RejectsInvalidSignatures = "rejects-invalid-signatures",
        RejectsStaleMessages = "rejects-stale-messages",
        DeduplicatesWebhooks = "deduplicates-webhooks",
        AcceptsUnusualMessages = "accepts-unusual-messages",
        AcknowledgesWebhooks = "acknowledges-webhooks",
        AcknowledgesInTime = "acknowledges-in-time",
        NoRequestsAfterEnd = "no-requests-after-end",
        NoRequestsWhilePaused = "no-requests-while-paused",
        HonoursRetryAfter = "honours-retry-after",
        NoRetryAfter4xx = "no-retry-after-4xx",
        PollsAfterMissedWebhook = "polls-after-missed-webhook",
        CallsKnownPaths = "calls-known-paths",
    }
}

impl ContractRule {
    /// What the rule asks.
    pub const fn requirement(self) -> &'static str {
        match self {
            Self::RejectsInvalidSignatures => {
                "a webhook whose signature does not match its bytes is not answered with 2xx"
            }
            Self::RejectsStaleMessages => {
                "a webhook that is more than 15 minutes off is not answered with 2xx"
            }
            Self::DeduplicatesWebhooks => {
                "a webhook that comes twice makes the FIU ask for data once"
            }
            Self::AcceptsUnusualMessages => {
                "a webhook that is unusual and right is answered with 2xx"
            }
            Self::AcknowledgesWebhooks => "a webhook as it should be is answered with 2xx",
            Self::AcknowledgesInTime => "a webhook is answered within 5 s",
            Self::NoRequestsAfterEnd => {
                "no data is asked for when the FIU was told that the consent has ended"
            }
            Self::NoRequestsWhilePaused => {
                "no data is asked for while the FIU was told that the consent is paused"
            }
            Self::HonoursRetryAfter => "a call that was told to come later does not come earlier",
            Self::NoRetryAfter4xx => {
                "a call that was refused with 4xx is not made again word for word"
            }
            Self::PollsAfterMissedWebhook => {
                "what a dropped webhook would have told is found out by asking"
            }
            Self::CallsKnownPaths => "every path that is called exists",
        }
    }
}

/// How a rule fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleResult {
    pub rule: ContractRule,
    pub outcome: RuleOutcome,
    /// What was seen, each with the number of the journal's entry that shows it.
    pub evidence: Vec<(u64, String)>,
    /// How many cases there were.
    pub cases: usize,
}

wire_enum! {
    RuleOutcome {
        Pass = "pass",
        Fail = "fail",
        /// Nothing has put it to the test.
        NotTested = "not-tested",
        /// The journal has forgotten entries that could show otherwise.
        Evicted = "evicted",
    }
}
