//! The file format, version 1 (DESIGN §5): YAML or JSON, unknown keys refused, every error with its line and column
//! and what would have been accepted, all of them at once.
//!
//! ```text
//! text → `wire::yaml` (against the schema of types) → types (serde) → read (a Plan)
//! ```

mod read;
pub mod types;

use std::borrow::Cow;
use std::sync::OnceLock;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;
use serde_saphyr::Spanned;

use self::types::{Entry, ExpectFile, FaultsFile, File};
use crate::domain::api_fault::Faults;
use crate::domain::expectation::Expectation;
use crate::domain::time::Millis;
use crate::scenario::plan::Plan;
use crate::wire::yaml::{node, schema_of, typed, without_null};

pub use crate::domain::diagnostic::Diagnostic as Fault;

/// Reads a scenario.
///
/// # Errors
/// Everything that is wrong.
pub fn parse(text: &str) -> Result<Plan, Vec<Fault>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    read::plan(typed::<File>(
        text,
        SCHEMA.get_or_init(schema_of::<File>),
        "the file",
    )?)
}

/// Reads a step, or a list of steps, that stand by themselves.
///
/// # Errors
/// Everything that is wrong.
pub fn parse_steps(text: &str) -> Result<Plan, Vec<Fault>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let is_list = matches!(
        node::read(text).map_err(|fault| vec![fault])?.value,
        node::Node::List(_)
    );
    // One step is a list of one.
    let (listed, indent) = if is_list {
        (Cow::Borrowed(text), 0)
    } else {
        (
            Cow::Owned(format!("- {}\n", text.trim_end().replace('\n', "\n  "))),
            2,
        )
    };
    let schema = SCHEMA.get_or_init(schema_of::<Vec<Entry>>);
    let steps = typed::<Vec<Spanned<Entry>>>(&listed, schema, "steps")
        .and_then(|steps| read::steps(&steps));
    steps.map_err(|mut faults| {
        for fault in &mut faults {
            fault.column = fault.column.saturating_sub(indent);
        }
        faults
    })
}

/// Reads faults that stand by themselves, and how long they are in force, in wall time.
///
/// # Errors
/// Everything that is wrong.
pub fn parse_faults(text: &str) -> Result<(Faults, Option<Millis>), Vec<Fault>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    read::faults(typed::<FaultsFile>(
        text,
        SCHEMA.get_or_init(schema_of::<FaultsFile>),
        "the file",
    )?)
}

/// Reads expectations that stand by themselves.
///
/// # Errors
/// Everything that is wrong.
pub fn parse_expectations(text: &str) -> Result<Vec<Expectation>, Vec<Fault>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    read::expectations(typed::<ExpectFile>(
        text,
        SCHEMA.get_or_init(schema_of::<ExpectFile>),
        "the file",
    )?)
}

/// The drafts of JSON Schema that the format is published in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draft {
    /// What most editors read.
    Seven,
    Draft2020,
}

/// The schema of scenario files.
pub fn schema(draft: Draft) -> Schema {
    let settings = match draft {
        Draft::Seven => SchemaSettings::draft07(),
        Draft::Draft2020 => SchemaSettings::draft2020_12(),
    };
    settings
        .with_transform(RecursiveTransform(without_null))
        .into_generator()
        .into_root_schema_for::<File>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemars::{JsonSchema, SchemaGenerator};

    use super::{Draft, parse, schema};
    use crate::scenario::shipped::SHIPPED;
    use crate::wire::duration::parse_duration;
    use crate::wire::yaml::words::Lasting;

    fn faults(text: &str) -> String {
        parse(text)
            .expect_err("the text is wrong")
            .iter()
            .map(|fault| format!("{fault}\n"))
            .collect()
    }

    #[test]
    fn a_typo_is_told_with_its_place_and_what_was_expected() {
        insta::assert_snapshot!(faults(
            "version: 1\nname: x\nsteps:\n  - { aftr: 2s, approve: {} }\n"
        ));
        insta::assert_snapshot!(faults(
            "version: 1\nname: x\nsteps:\n  - { approve: { hold: maybe } }\n"
        ));
        insta::assert_snapshot!(faults("version: 1\nnme: x\n"));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        insta::assert_snapshot!(faults(include_str!("wrong.yaml")));
    }

    #[test]
    fn contents_that_contradict_each_other_are_told_at_once() {
        insta::assert_snapshot!(faults(
            "version: 1\nname: x\nsteps:\n  - { on: consent.active, pause: {} }\n  - { notify: { event: fi.status } }\n\
             rules:\n  - { deliver: {} }\nwebhooks:\n  - { where: { event: fi.status, status: PAUSED }, fault: { drop: {} } \
             }\napi_faults:\n  - fault: { reset: {}, retry_after: 2s }\n  - fault: { latency: { min: 2s } }\n  - fault: { \
             latency: { min: 2s, max: 1s } }\nexpect:\n  - call: { op: fi.request, count: 1, at_least: 2 }\n  - event: { \
             name: fi.requested, at_least: 3, at_most: 2 }\n"
        ));
    }

    #[test]
    fn json_is_read_too() {
        let plan = parse(
            r#"{"version":1,"name":"x","push_data":false,"steps":[{"after":"P1D","approve":{}}]}"#,
        );
        let plan = plan.expect("the text is a scenario");
        assert_eq!(
            (plan.push_data, plan.steps[0].at.0),
            (Some(false), 86_400_000)
        );
    }

    #[test]
    fn what_is_no_yaml_is_one_fault_with_its_place() {
        insta::assert_snapshot!(faults("version: 1\nname: [x\n"));
        insta::assert_snapshot!(faults("just words"));
        insta::assert_snapshot!(faults(""));
    }

    #[test]
    fn both_drafts_are_whole() {
        for draft in [Draft::Seven, Draft::Draft2020] {
            let schema = schema(draft).to_value();
            let text = schema.to_string();
            for reference in text.split("\"$ref\":\"#").skip(1) {
                let pointer = reference.split('"').next().expect("a pointer");
                assert!(schema.pointer(pointer).is_some(), "{pointer}");
            }
        }
    }

    #[test]
    fn what_the_schema_takes_for_a_length_of_time_is_one() {
        let schema = Lasting::json_schema(&mut SchemaGenerator::default()).to_value();
        let pattern = schema["pattern"].as_str().expect("a pattern");
        // Numbers of a size that does not overflow.
        let pattern = pattern
            .trim_matches(['^', '$'])
            .replace("[0-9]+", "[0-9]{1,4}");
        let lengths = proptest::string::string_regex(&pattern).expect("a regular expression");
        proptest!(|(length in lengths)| {
            prop_assert!(parse_duration(&length).is_some(), "{length}");
        });
    }

    proptest! {
        /// A scenario with some of its characters changed, moved or gone is read or refused; nothing else happens.
        #[test]
        fn a_mutated_scenario_is_read_or_refused(
            file in 0..SHIPPED.len(),
            cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0..4usize, ".{0,3}"), 1..8),
        ) {
            let mut text: Vec<char> = SHIPPED[file].1.chars().collect();
            for (place, length, instead) in cuts {
                let start = place.index(text.len().max(1)).min(text.len());
                let end = (start + length).min(text.len());
                text.splice(start..end, instead.chars());
            }
            let text: String = text.into_iter().collect();
            if let Err(faults) = parse(&text) {
                prop_assert!(!faults.is_empty());
                prop_assert!(faults.iter().all(|fault| !fault.message.is_empty()));
            }
        }
    }
}
