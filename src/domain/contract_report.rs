//! The contract report: the rules by which an FIU is graded, and their results.

use crate::domain::api_fault::ApiFaultName;
use crate::domain::naming::wire_enum;
use crate::domain::time::Millis;

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
        AcknowledgesInFormat = "acknowledges-in-format",
        IgnoresInvalidWebhooks = "ignores-invalid-webhooks",
        RejectsBadlySignedAnswers = "rejects-badly-signed-answers",
        RejectsTamperedArtefacts = "rejects-tampered-artefacts",
        RejectsStaleAnswers = "rejects-stale-answers",
        RejectsForeignAnswers = "rejects-foreign-answers",
        RejectsMalformedAnswers = "rejects-malformed-answers",
        RepeatsBrokenReads = "repeats-broken-reads",
        SignsRequests = "signs-requests",
        DatesRequests = "dates-requests",
        RaisesRequestsOnce = "raises-requests-once",
        LimitsPolling = "limits-polling",
        LimitsFetches = "limits-fetches",
        RenewsKeyMaterial = "renews-key-material",
        RequestsWithinRange = "requests-within-range",
    }
}

/// Number of polls in a row from which the FIU floods the AA.
///
/// `Assumption:` no source has a number. 100 polls with pauses below [`POLL_PAUSE`] are up to eight
/// minutes of polling, in which a webhook of the AA has long arrived.
pub(crate) const POLLS_MAX: usize = 100;

/// Pause after which a poll does not count as one in a row.
pub(crate) const POLL_PAUSE: Millis = Millis::from_secs(5);

/// Number of times that an FIU may fetch the same data of a session.
///
/// `Assumption:` no source has a number. Ten leave room for the retries of a worker.
pub(crate) const FETCHES_MAX: usize = 10;

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
                "the FIU requests or fetches data once after a webhook that arrives twice"
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
            Self::AcknowledgesInFormat => {
                "the FIU acknowledges a webhook of ReBIT with `ver`, `timestamp`, the webhook's \
                 `txnid`, and `response` OK"
            }
            Self::IgnoresInvalidWebhooks => {
                "the FIU makes no call that only an invalid webhook explains"
            }
            Self::RejectsBadlySignedAnswers => {
                "the FIU does not continue after an answer whose signature does not match"
            }
            Self::RejectsTamperedArtefacts => {
                "the FIU requests no data with an artefact that differs from the one that the AA \
                 has signed"
            }
            Self::RejectsStaleAnswers => {
                "the FIU does not continue after an answer that is more than 15 minutes off"
            }
            Self::RejectsForeignAnswers => {
                "the FIU does not continue after an answer with the `txnid` of another request"
            }
            Self::RejectsMalformedAnswers => {
                "the FIU does not continue after an answer that breaks its schema"
            }
            Self::RepeatsBrokenReads => {
                "the FIU reads an artefact or data again after a response that broke off"
            }
            Self::SignsRequests => "the FIU signs each ReBIT request with its registered key",
            Self::DatesRequests => {
                "the FIU dates each ReBIT request, at most 15 minutes off the sandbox's clock"
            }
            Self::RaisesRequestsOnce => {
                "the FIU raises a consent or a data request once, each with its own `txnid`"
            }
            Self::LimitsPolling => {
                "the FIU polls at most 100 times in a row with pauses shorter than 5 s"
            }
            Self::LimitsFetches => "the FIU fetches the same data of a session at most 10 times",
            Self::RenewsKeyMaterial => "the FIU makes a key pair and a nonce for each data session",
            Self::RequestsWithinRange => {
                "the FIU requests no data outside the range that the customer has granted"
            }
        }
    }
}

/// The grading of an FIU's reaction to an API fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultGrading {
    Rules(&'static [ContractRule]),
    /// No rule can grade the reaction, for this reason.
    Ungraded(&'static str),
}

/// Returns the rules that grade the reaction to an API fault.
pub const fn grading_of(fault: ApiFaultName) -> FaultGrading {
    match fault {
        ApiFaultName::Status => FaultGrading::Rules(&[
            ContractRule::HonoursRetryAfter,
            ContractRule::NoRetryAfter4xx,
        ]),
        ApiFaultName::Redirect => FaultGrading::Ungraded(
            "the browser carries the code; mockaa does not see what the FIU shows",
        ),
        ApiFaultName::Discovery | ApiFaultName::Linking => FaultGrading::Ungraded(
            "the customer meets the bank's answer; the FIU learns of it by the visit's code only",
        ),
        ApiFaultName::Latency => {
            FaultGrading::Ungraded("an FIU may wait for the response or give up")
        }
        ApiFaultName::SlowBody => {
            FaultGrading::Ungraded("an FIU may wait for the rest of the body or give up")
        }
        ApiFaultName::WrongSignature => {
            FaultGrading::Rules(&[ContractRule::RejectsBadlySignedAnswers])
        }
        ApiFaultName::StaleResponse | ApiFaultName::WrongTxnid => {
            FaultGrading::Rules(&[ContractRule::RejectsForeignAnswers])
        }
        ApiFaultName::MissingField
        | ApiFaultName::SetField
        | ApiFaultName::AlterField
        | ApiFaultName::WrongVersion => {
            FaultGrading::Rules(&[ContractRule::RejectsMalformedAnswers])
        }
        ApiFaultName::StaleTimestamp | ApiFaultName::FutureTimestamp => {
            FaultGrading::Rules(&[ContractRule::RejectsStaleAnswers])
        }
        ApiFaultName::TamperedConsent => {
            FaultGrading::Rules(&[ContractRule::RejectsTamperedArtefacts])
        }
        ApiFaultName::Reset
        | ApiFaultName::EmptyResponse
        | ApiFaultName::TruncatedChunk
        | ApiFaultName::MalformedChunk => FaultGrading::Rules(&[ContractRule::RepeatsBrokenReads]),
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

#[cfg(test)]
mod tests {
    use super::{ContractRule, FETCHES_MAX, POLL_PAUSE, POLLS_MAX};

    #[test]
    fn the_requirements_name_the_limits() {
        let polling = ContractRule::LimitsPolling.requirement();
        let pause_s = POLL_PAUSE.0 / 1000;
        assert!(polling.contains(&format!("at most {POLLS_MAX} times")));
        assert!(polling.contains(&format!("shorter than {pause_s} s")));
        let fetches = ContractRule::LimitsFetches.requirement();
        assert!(fetches.contains(&format!("at most {FETCHES_MAX} times")));
    }
}
