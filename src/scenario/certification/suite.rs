//! The format of a suite, in YAML: families of cases, each with the check that its cases share.

use std::collections::HashSet;
use std::sync::OnceLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use crate::domain::api_fault::ApiFaultName;
use crate::domain::contract_report::{ContractRule, FaultGrading, grading_of};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::naming::wire_enum;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::files::yaml::{parse_typed, schema_for};
use crate::scenario::format::types::API_NAMES;

/// The suites that are compiled into the program, by name. One that extends another follows it.
///
/// `Assumption:` where the certification suite names a kind of field only, the files have chosen one.
///
/// `Assumption:` the suite's cases 2022 to 2025 have one title; the files have chosen the faults.
///
/// `Assumption:` 16 minutes stand for the suite's 15, which a message ahead of its time no longer is
/// when it arrives.
pub(crate) const SHIPPED_SUITES: &[(&str, &str)] = &[
    (
        "fiu-2.0.0",
        include_str!("../../../fixtures/certification/fiu-2.0.0.yaml"),
    ),
    (
        "fiu-1.1.2",
        include_str!("../../../fixtures/certification/fiu-1.1.2.yaml"),
    ),
    (
        "unaport-2.0.0",
        include_str!("../../../fixtures/certification/unaport-2.0.0.yaml"),
    ),
];

/// Returns the text of a shipped suite.
pub(crate) fn find_shipped_suite(name: &str) -> Option<&'static str> {
    let found = SHIPPED_SUITES.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}

/// Parses a suite, with the cases of the one that it extends.
///
/// # Errors
/// All diagnostics of the text.
pub(crate) fn parse_suite(text: &str) -> Result<Suite, Vec<Diagnostic>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let mut suite: Suite = parse_typed(text, SCHEMA.get_or_init(schema_for::<Suite>), "the suite")?;
    let fail = |message: String| {
        vec![Diagnostic {
            line: 1,
            column: 1,
            message,
        }]
    };
    if let Some(name) = &suite.extends {
        let text = find_shipped_suite(name)
            .ok_or_else(|| fail(format!("extends: {name} is none of the shipped suites")))?;
        let mut families = parse_suite(text)?.families;
        for without in &suite.without {
            let count = count_cases(&families);
            for family in &mut families {
                family.cases.retain(|case| case.id != without.case);
            }
            if count_cases(&families) == count {
                return Err(fail(format!(
                    "without: {} is no case of {name}",
                    without.case
                )));
            }
        }
        families.retain(|family| !family.cases.is_empty());
        families.append(&mut suite.families);
        suite.families = families;
    }
    let mut ids = HashSet::new();
    if let Some((_, case)) = suite.cases().find(|(_, case)| !ids.insert(&case.id)) {
        return Err(fail(format!(
            "two cases have the id {}; give each its own",
            case.id
        )));
    }
    if ids.is_empty() {
        return Err(fail(
            "the suite has no cases; give `families` or `extends`".to_owned(),
        ));
    }
    Ok(suite)
}

fn count_cases(families: &[Family]) -> usize {
    families.iter().map(|family| family.cases.len()).sum()
}

/// A suite of cases for FIUs of one API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mockaa certification suite, version 1")]
pub(crate) struct Suite {
    /// The version of this format: 1.
    #[schemars(schema_with = "version_schema")]
    #[expect(dead_code, reason = "the schema allows one value only")]
    pub version: u64,
    pub name: String,
    /// The name of the suite for people.
    pub title: String,
    /// The API of the FIU.
    #[schemars(schema_with = "api_schema")]
    pub api: String,
    /// The shipped suite whose cases come first.
    extends: Option<String>,
    /// The cases of that suite that do not carry over.
    #[serde(default)]
    without: Vec<Omission>,
    #[serde(default)]
    pub families: Vec<Family>,
}

/// A case that a suite leaves out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Omission {
    /// The id of the case.
    case: String,
    #[expect(dead_code, reason = "it is for the readers of the file")]
    reason: String,
}

fn version_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "enum": [1] })
}

fn api_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": API_NAMES })
}

impl Suite {
    /// Returns all cases, each with its family.
    pub(crate) fn cases(&self) -> impl Iterator<Item = (&Family, &Case)> {
        self.families
            .iter()
            .flat_map(|family| family.cases.iter().map(move |case| (family, case)))
    }
}

/// Cases with the same check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    /// The duty of the FIU that the cases test.
    pub name: String,
    pub check: Check,
    /// The call that the check is about.
    pub op: Option<Operation>,
    /// The notification that the check is about.
    pub event: Option<NotificationKind>,
    /// The FIU's answer to a notification that it must refuse.
    pub answer: Option<Refusal>,
    /// The result that the FIU shows for the consent in the end.
    pub shows: Option<Display>,
    /// The question to a person, where neither the wire nor a probe shows the result.
    pub question: Option<String>,
    #[schemars(length(min = 1))]
    pub cases: Vec<Case>,
}

wire_enum! {
    /// Check of a family.
    Check {
        /// The FIU makes the call `op`.
        Call = "call",
        /// The FIU accepts a correct notification.
        Accepts = "accepts",
        /// The FIU refuses the faulty notifications, after it has accepted a correct one.
        Refuses = "refuses",
        /// The FIU refuses a correct notification of which it can only know by a faulty answer to `op`.
        RefusesAfter = "refuses_after",
        /// The FIU does not continue after a faulty answer to `op`.
        Discards = "discards",
        /// The FIU requests no data once the consent has stopped.
        Stops = "stops",
        /// The FIU fetches nothing once the session has ended without data.
        FetchesNothing = "fetches_nothing",
        /// Each step from the consent request to the data is answered with success.
        Journey = "journey",
        /// The FIU meets the expectations of the scenario that the case has.
        Plays = "plays",
    }
}

wire_enum! {
    /// State that an FIU shows for a consent, as a probe answers.
    Display {
        /// The data is there.
        Data = "data",
        /// The consent or its data has failed.
        Failure = "failure",
        /// There is no result yet.
        Waiting = "waiting",
    }
}

/// The answer with which an FIU refuses a notification.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refusal {
    #[schemars(range(min = 400, max = 499))]
    pub status: u16,
    /// The accepted values of `errorCode`; empty: any.
    #[serde(default)]
    pub codes: Vec<String>,
}

/// A case of a suite.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub id: String,
    /// The condition under which the FIU is tested.
    pub title: String,
    /// The fault of the only faulty message, as scenarios have it.
    fault: Option<Value>,
    /// The faulty messages, each with its faults.
    #[serde(default)]
    messages: Vec<Vec<Value>>,
    /// The action that stops the consent, as steps of scenarios have it.
    pub action: Option<Value>,
    /// The lists of the case's own scenario.
    #[serde(default)]
    pub plays: CasePlay,
}

/// The scenario of a case, as in a scenario file. The controls are expectations without which the
/// case shows nothing.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CasePlay {
    pub fetch_quirks: Vec<Value>,
    pub steps: Vec<Value>,
    pub rules: Vec<Value>,
    pub webhooks: Vec<Value>,
    pub api_faults: Vec<Value>,
    pub controls: Vec<Value>,
    pub expect: Vec<Value>,
}

impl Case {
    /// Returns the faulty messages, each with its faults.
    pub(super) fn faulty_messages(&self) -> Vec<Vec<Value>> {
        let only = self.fault.iter().map(|fault| vec![fault.clone()]);
        only.chain(self.messages.iter().cloned()).collect()
    }

    /// Returns the name of the scenario of the case.
    pub(crate) fn scenario_name(&self) -> String {
        let name: String = self
            .id
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        name.trim_end_matches('-').to_owned()
    }
}

impl Check {
    /// Returns whether its cases judge what the FIU has done with the first consent.
    pub(crate) const fn judges_opening(self) -> bool {
        matches!(self, Self::Call | Self::Journey | Self::Accepts)
    }
}

impl Family {
    /// Returns whether its cases need a consent that the FIU raises, or a call that it makes.
    pub(crate) fn needs_fiu(&self) -> bool {
        match self.check {
            Check::Accepts | Check::Refuses => false,
            Check::Plays => self.op.is_some(),
            _ => true,
        }
    }

    /// Returns whether only the FIU's own pages show the result of its cases.
    pub(crate) fn needs_probe(&self) -> bool {
        self.check == Check::Discards && self.op == Some(Operation::FiFetch)
    }

    /// Returns the rules of the contract report that judge what the case judges.
    pub(crate) fn contract_rules(&self, case: &Case) -> Vec<ContractRule> {
        match self.check {
            Check::Call => vec![ContractRule::SignsRequests, ContractRule::DatesRequests],
            Check::Accepts => vec![
                ContractRule::AcknowledgesWebhooks,
                ContractRule::AcknowledgesInFormat,
            ],
            Check::Refuses => vec![
                ContractRule::RejectsInvalidSignatures,
                ContractRule::RejectsStaleMessages,
                ContractRule::RejectsWrongApiKeys,
                ContractRule::IgnoresInvalidWebhooks,
            ],
            Check::RefusesAfter | Check::Discards => answer_rules(case),
            Check::Stops => vec![
                ContractRule::NoRequestsAfterEnd,
                ContractRule::NoRequestsWhilePaused,
            ],
            Check::FetchesNothing => Vec::new(),
            Check::Plays => vec![
                ContractRule::AcknowledgesWebhooks,
                ContractRule::AcceptsUnusualMessages,
                ContractRule::DeduplicatesWebhooks,
                ContractRule::LimitsPolling,
                ContractRule::LimitsFetches,
            ],
            Check::Journey => vec![
                ContractRule::SignsRequests,
                ContractRule::DatesRequests,
                ContractRule::RenewsKeyMaterial,
                ContractRule::RequestsWithinRange,
            ],
        }
    }
}

/// Returns the rules that judge the reaction to the faulty answers of a case.
fn answer_rules(case: &Case) -> Vec<ContractRule> {
    let faults = case.faulty_messages().into_iter().flatten();
    let names = faults.filter_map(|fault| {
        let name = fault.as_object()?.keys().next()?;
        ApiFaultName::parse(name)
    });
    names
        .flat_map(|name| match grading_of(name) {
            FaultGrading::Rules(rules) => rules.to_vec(),
            FaultGrading::Ungraded(_) => Vec::new(),
        })
        .collect()
}
