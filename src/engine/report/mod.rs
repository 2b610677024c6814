//! The contract report: grades of an FIU by rules, each with its evidence in the journal. Each rule
//! is a pure function of the run's history. A rule without a case in the run, and one that cannot
//! be broken through the API in use, is reported as not tested.

mod answers;
mod data;
mod history;
mod reactions;
mod requests;
mod webhooks;

use self::history::RunHistory;
use crate::domain::call_facts::{AnswerDefect, ApiFamily};
use crate::domain::contract_report::{ContractRule, RuleOutcome, RuleResult};
use crate::domain::journal_entry::JournalEntry;
use crate::domain::operation::Operation;

/// Maximum number of pieces of evidence per rule in a report.
pub(crate) const EVIDENCE_MAX: usize = 10;

/// Tells whether an API has a call of an operation.
pub(crate) type OperationLookup = fn(ApiFamily, Operation) -> bool;

/// The cases of a rule, and the evidence against the FIU.
#[derive(Debug, Default)]
struct Findings {
    cases: usize,
    /// Journal numbers with descriptions.
    evidence: Vec<(u64, String)>,
}

impl Findings {
    fn add_evidence(&mut self, seq: u64, text: String) {
        self.evidence.push((seq, text));
    }
}

/// Grades a run; `evicted` is the number of calls and webhooks that the journal has evicted.
pub(crate) fn grade_run<'a>(
    entries: impl Iterator<Item = &'a JournalEntry>,
    evicted: u64,
    has_operation: OperationLookup,
) -> Vec<RuleResult> {
    let run = RunHistory::new(entries, has_operation);
    ContractRule::ALL
        .iter()
        .map(|rule| grade_rule(&run, *rule, evicted))
        .collect()
}

fn grade_rule(run: &RunHistory<'_>, rule: ContractRule, evicted: u64) -> RuleResult {
    let Findings { cases, evidence } = match rule {
        ContractRule::RejectsInvalidSignatures => webhooks::check_invalid_signatures(run),
        ContractRule::RejectsStaleMessages => webhooks::check_stale_messages(run),
        ContractRule::RejectsWrongApiKeys => webhooks::check_api_keys(run),
        ContractRule::AcceptsUnusualMessages => webhooks::check_unusual_messages(run),
        ContractRule::AcknowledgesWebhooks => webhooks::check_regular_messages(run),
        ContractRule::AcknowledgesInTime => webhooks::check_latency(run),
        ContractRule::AcknowledgesInFormat => webhooks::check_format(run),
        ContractRule::DeduplicatesWebhooks => reactions::check_duplicates(run),
        ContractRule::IgnoresInvalidWebhooks => reactions::check_invalid_webhooks(run),
        ContractRule::PollsAfterMissedWebhook => reactions::check_missed_webhooks(run),
        ContractRule::HonoursRetryAfter => requests::check_retry_after(run),
        ContractRule::NoRetryAfter4xx => requests::check_rejected_calls(run),
        ContractRule::CallsKnownPaths => requests::check_known_paths(run),
        ContractRule::SignsRequests => requests::check_signatures(run),
        ContractRule::DatesRequests => requests::check_dates(run),
        ContractRule::RaisesRequestsOnce => requests::check_repeated_requests(run),
        ContractRule::LimitsPolling => requests::check_polling(run),
        ContractRule::RejectsBadlySignedAnswers => {
            answers::check_continuation(run, AnswerDefect::InvalidSignature)
        }
        ContractRule::RejectsTamperedArtefacts => {
            answers::check_continuation(run, AnswerDefect::TamperedArtefact)
        }
        ContractRule::RejectsStaleAnswers => {
            answers::check_continuation(run, AnswerDefect::Misdated)
        }
        ContractRule::RejectsForeignAnswers => answers::check_foreign_answers(run),
        ContractRule::RejectsMalformedAnswers => {
            answers::check_continuation(run, AnswerDefect::Malformed)
        }
        ContractRule::RepeatsBrokenReads => answers::check_broken_reads(run),
        ContractRule::NoRequestsAfterEnd => {
            data::check_no_requests_in(run, &["REVOKED", "EXPIRED", "REJECTED", "FAILED"])
        }
        ContractRule::NoRequestsWhilePaused => data::check_no_requests_in(run, &["PAUSED"]),
        ContractRule::LimitsFetches => data::check_fetch_counts(run),
        ContractRule::RenewsKeyMaterial => data::check_key_material(run),
        ContractRule::RequestsWithinRange => data::check_ranges(run),
    };
    let outcome = match (cases, evidence.is_empty()) {
        (_, false) => RuleOutcome::Fail,
        (_, true) if evicted > 0 => RuleOutcome::Evicted,
        (0, true) => RuleOutcome::NotTested,
        (_, true) => RuleOutcome::Pass,
    };
    RuleResult {
        rule,
        outcome,
        evidence,
        cases,
    }
}
