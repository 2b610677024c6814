//! The contract report: the rules by which an FIU is graded, and their results.

use crate::domain::naming::wire_enum;

wire_enum! {
    /// A rule by which an FIU is graded.
    ContractRule {
        RejectsInvalidSignatures = "rejects-invalid-signatures",
        RejectsStaleMessages = "rejects-stale-messages",
        RejectsWrongApiKeys = "rejects-wrong-api-keys",
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
    /// Returns the requirement of the rule as a sentence.
    pub const fn requirement(self) -> &'static str {
        match self {
            Self::RejectsInvalidSignatures => {
                "the FIU does not answer 2xx to a webhook whose signature does not match its bytes"
            }
            Self::RejectsStaleMessages => {
                "the FIU does not answer 2xx to a webhook that is more than 15 minutes off"
            }
            Self::RejectsWrongApiKeys => {
                "the FIU does not answer 2xx to a webhook whose `aa_api_key` is missing, altered or \
                 another AA's"
            }
            Self::DeduplicatesWebhooks => {
                "the FIU requests data once after a webhook that arrives twice"
            }
            Self::AcceptsUnusualMessages => {
                "the FIU answers 2xx to a webhook that is unusual but valid"
            }
            Self::AcknowledgesWebhooks => "the FIU answers 2xx to a regular webhook",
            Self::AcknowledgesInTime => "the FIU answers a webhook within 5 s",
            Self::NoRequestsAfterEnd => {
                "the FIU requests no data after it was notified that the consent has ended"
            }
            Self::NoRequestsWhilePaused => {
                "the FIU requests no data while it knows from a webhook that the consent is paused"
            }
            Self::HonoursRetryAfter => {
                "the FIU waits for the time in `Retry-After` before it calls again"
            }
            Self::NoRetryAfter4xx => {
                "the FIU does not repeat a call unchanged after a 4xx response"
            }
            Self::PollsAfterMissedWebhook => {
                "the FIU polls for the status that a dropped webhook would have carried"
            }
            Self::CallsKnownPaths => "the FIU calls only paths that exist",
        }
    }
}

/// Result of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleResult {
    pub rule: ContractRule,
    pub outcome: RuleOutcome,
    /// Observations, each with the sequence number of the journal entry that shows it.
    pub evidence: Vec<(u64, String)>,
    /// Number of cases that were examined.
    pub cases: usize,
}

wire_enum! {
    RuleOutcome {
        Pass = "pass",
        Fail = "fail",
        /// No case occurred.
        NotTested = "not-tested",
        /// The journal has evicted entries that could prove the opposite.
        Evicted = "evicted",
    }
}
