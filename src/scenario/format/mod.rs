//! The scenario file format, version 1 (`docs/scenarios.md`,
//! `docs/architecture.md#scenarios-and-faults`): YAML or JSON. Unknown keys are rejected. All
//! errors are reported at once, each with its line, its column and the accepted values.
//!
//! ```text
//! text → `files::yaml` (against the schema of types) → types (serde) → convert (to a ScenarioPlan)
//! ```
//!
//! Errors that the schema cannot express, such as contradicting keys, are found in `convert`;
//! actions that can never fire are left to [`crate::scenario::lint`].

mod conditions;
mod convert;
pub(crate) mod types;

use std::borrow::Cow;
use std::sync::OnceLock;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;
use serde_saphyr::Spanned;

use self::types::{ActionEntry, ExpectationsFile, FaultsFile, ScenarioFile, ScenarioSteps};
use crate::domain::api_fault::Faults;
use crate::domain::expectation::Expectation;
use crate::domain::naming::wire_enum;
use crate::domain::scenario_plan::ScenarioPlan;
use crate::domain::time::Millis;
use crate::files::persona::types::PersonaFile;
use crate::files::yaml::{self, node, parse_typed, remove_null_types, schema_for};

pub(crate) use crate::domain::diagnostic::Diagnostic;

/// Parses a scenario file.
///
/// # Errors
/// All diagnostics of the text.
pub(crate) fn parse(text: &str) -> Result<ScenarioPlan, Vec<Diagnostic>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    convert::convert_scenario(parse_typed::<ScenarioFile>(
        text,
        SCHEMA.get_or_init(schema_for::<ScenarioFile>),
        "the file",
    )?)
}

/// Parses a scenario that is part of the program.
///
/// # Errors
/// The first diagnostics of the text.
pub(crate) fn parse_shipped(text: &str) -> Result<ScenarioPlan, Vec<Diagnostic>> {
    convert::convert_scenario(yaml::parse_shipped(text)?)
}

/// Parses a step, or a list of steps, outside a scenario file.
///
/// # Errors
/// All diagnostics of the text.
pub(crate) fn parse_steps(text: &str) -> Result<ScenarioPlan, Vec<Diagnostic>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let is_list = matches!(
        node::parse_tree(text)
            .map_err(|diagnostic| vec![diagnostic])?
            .value,
        node::Node::List(_)
    );
    // A single step becomes a list with one item; the columns of diagnostics are corrected below.
    let (list_text, indent) = if is_list {
        (Cow::Borrowed(text), 0)
    } else {
        (
            Cow::Owned(format!("- {}\n", text.trim_end().replace('\n', "\n  "))),
            2,
        )
    };
    let schema = SCHEMA.get_or_init(schema_for::<Vec<ActionEntry>>);
    let steps = parse_typed::<Vec<Spanned<ActionEntry>>>(&list_text, schema, "steps")
        .and_then(|steps| convert::convert_manual_steps(&steps));
    steps.map_err(|mut diagnostics| {
        for diagnostic in &mut diagnostics {
            diagnostic.column = diagnostic.column.saturating_sub(indent);
        }
        diagnostics
    })
}

/// Parses faults outside a scenario file. Returns them with their time to live, in system time.
///
/// # Errors
/// All diagnostics of the text.
pub(crate) fn parse_faults(text: &str) -> Result<(Faults, Option<Millis>), Vec<Diagnostic>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    convert::convert_faults(parse_typed::<FaultsFile>(
        text,
        SCHEMA.get_or_init(schema_for::<FaultsFile>),
        "the file",
    )?)
}

/// Parses expectations outside a scenario file.
///
/// # Errors
/// All diagnostics of the text.
pub(crate) fn parse_expectations(text: &str) -> Result<Vec<Expectation>, Vec<Diagnostic>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    convert::convert_expectations_file(parse_typed::<ExpectationsFile>(
        text,
        SCHEMA.get_or_init(schema_for::<ExpectationsFile>),
        "the file",
    )?)
}

/// A draft of JSON Schema that the format is published in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SchemaDraft {
    /// The draft that most editors support.
    Draft7,
    Draft2020,
}

wire_enum! {
    /// A file that people write, whose format has a JSON Schema.
    FileKind {
        Scenario = "scenario",
        /// A list of actions, as `play` takes it.
        Steps = "steps",
        Faults = "faults",
        Expectations = "expectations",
        Persona = "persona",
    }
}

/// Generates the JSON Schema of files of a kind.
pub(crate) fn generate_schema(kind: FileKind, draft: SchemaDraft) -> Schema {
    let settings = match draft {
        SchemaDraft::Draft7 => SchemaSettings::draft07(),
        SchemaDraft::Draft2020 => SchemaSettings::draft2020_12(),
    };
    let generator = settings
        .with_transform(RecursiveTransform(remove_null_types))
        .into_generator();
    match kind {
        FileKind::Scenario => generator.into_root_schema_for::<ScenarioFile>(),
        FileKind::Steps => generator.into_root_schema_for::<ScenarioSteps>(),
        FileKind::Faults => generator.into_root_schema_for::<FaultsFile>(),
        FileKind::Expectations => generator.into_root_schema_for::<ExpectationsFile>(),
        FileKind::Persona => generator.into_root_schema_for::<PersonaFile>(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FileKind, SchemaDraft, generate_schema, parse};
    use crate::domain::action::{Action, AnswerAction, SandboxAction};
    use crate::domain::api_fault::ApiFault;
    use crate::domain::webhook_fault::WebhookFault;
    use crate::scenario::shipped::SHIPPED;

    fn diagnostics_for(text: &str) -> String {
        parse(text)
            .expect_err("the text is invalid")
            .iter()
            .map(|diagnostic| format!("{diagnostic}\n"))
            .collect()
    }

    #[test]
    fn a_typo_is_reported_with_its_place_and_what_was_expected() {
        insta::assert_snapshot!(diagnostics_for(
            "version: 1\nname: x\nsteps:\n  - { aftr: 2s, approve: {} }\n"
        ));
        insta::assert_snapshot!(diagnostics_for(
            "version: 1\nname: x\nsteps:\n  - { approve: { hold: maybe } }\n"
        ));
        insta::assert_snapshot!(diagnostics_for("version: 1\nnme: x\n"));
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        insta::assert_snapshot!(diagnostics_for(include_str!("wrong.yaml")));
        insta::assert_snapshot!(diagnostics_for(include_str!("wrong-faults.yaml")));
    }

    #[test]
    fn contradicting_contents_are_reported_at_once() {
        insta::assert_snapshot!(diagnostics_for(
            "version: 1\nname: x\nsteps:\n  - { when: consent.active, pause: {} }\n  - { notify: { event: fi.status, status: ACTIVE } }\n  - { notify: { body: null } }\n\
             rules:\n  - { deliver: {} }\nwebhooks:\n  - { where: { event: fi.status, status: PAUSED }, fault: { drop: {} } \
             }\napi_faults:\n  - fault: { latency: { p50: 0s, p99: 1s } }\n  - fault: { \
             latency: { min: 2s, max: 1s } }\nexpect:\n  - call: { op: fi.request, count: 1, at_least: 2 }\n  - event: { \
             name: fi.requested, at_least: 3, at_most: 2 }\n"
        ));
    }

    #[test]
    fn json_is_read_too() {
        let plan = parse(
            r#"{"version":1,"name":"x","push_data":false,"steps":[{"after":"P1D","approve":{}}]}"#,
        );
        let plan = plan.expect("the text is a valid scenario");
        assert_eq!(
            (plan.push_data, plan.steps[0].due_after.0),
            (Some(false), 86_400_000)
        );
    }

    #[test]
    fn a_key_that_looks_like_a_number_or_a_boolean_is_a_name() {
        let plan = parse(
            "version: 1\nname: x\nsteps:\n  - deliver: { accounts: { 123: READY, 1e5: DENIED, yes: TIMEOUT } }\n\
             \x20 - notify: { body: { 1.50: x } }\n",
        )
        .expect("the text is a valid scenario");
        let Action::Answer(AnswerAction::Deliver(answers)) = &plan.steps[0].action else {
            panic!("{plan:?}");
        };
        let names: Vec<_> = answers.accounts.keys().map(AsRef::as_ref).collect();
        assert_eq!(names, ["123", "1e5", "yes"]);
        let Action::Sandbox(SandboxAction::Notify(notification)) = &plan.steps[1].action else {
            panic!("{plan:?}");
        };
        assert_eq!(notification.body, Some(serde_json::json!({ "1.50": "x" })));
    }

    #[test]
    fn invalid_yaml_is_one_diagnostic_with_its_place() {
        insta::assert_snapshot!(diagnostics_for("version: 1\nname: [x\n"));
        insta::assert_snapshot!(diagnostics_for("just words"));
        insta::assert_snapshot!(diagnostics_for(""));
    }

    #[test]
    fn references_resolve_in_both_drafts() {
        for draft in [SchemaDraft::Draft7, SchemaDraft::Draft2020] {
            for kind in FileKind::ALL {
                let schema = generate_schema(*kind, draft).to_value();
                let text = schema.to_string();
                for reference in text.split("\"$ref\":\"#").skip(1) {
                    let pointer = reference.split('"').next().expect("a pointer");
                    assert!(schema.pointer(pointer).is_some(), "{kind:?}: {pointer}");
                }
            }
        }
    }

    #[test]
    fn every_fault_of_the_shipped_scenarios_reads_what_it_writes() {
        for (file, text) in SHIPPED {
            let faults = parse(text).expect("a valid scenario").faults;
            for fault in faults.webhooks.into_iter().map(|rule| rule.fault) {
                let written = serde_json::to_value(&fault).expect("JSON");
                assert!(
                    written.get(fault.name().as_str()).is_some(),
                    "{file}: {written}"
                );
                let read: WebhookFault = serde_json::from_value(written).expect("a fault");
                assert_eq!(read, fault, "{file}");
            }
            for fault in faults.api.into_iter().map(|rule| rule.fault) {
                let written = serde_json::to_value(&fault).expect("JSON");
                assert!(
                    written.get(fault.name().as_str()).is_some(),
                    "{file}: {written}"
                );
                let read: ApiFault = serde_json::from_value(written).expect("a fault");
                assert_eq!(read, fault, "{file}");
            }
        }
    }

    proptest! {
        /// A scenario with changed, moved or removed characters is parsed or rejected without a
        /// panic.
        #[test]
        fn a_mutated_scenario_is_read_or_rejected(
            file in 0..SHIPPED.len(),
            edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..4usize, ".{0,3}"), 1..8),
        ) {
            let mut text: Vec<char> = SHIPPED[file].1.chars().collect();
            for (index, length, replacement) in edits {
                let start = index.index(text.len().max(1)).min(text.len());
                let end = (start + length).min(text.len());
                text.splice(start..end, replacement.chars());
            }
            let text: String = text.into_iter().collect();
            if let Err(diagnostics) = parse(&text) {
                prop_assert!(!diagnostics.is_empty());
                prop_assert!(diagnostics.iter().all(|diagnostic| !diagnostic.message.is_empty()));
            }
        }
    }
}
