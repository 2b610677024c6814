//! The folder `scenarios`: every file is played as a test in virtual time and passes strict lint,
//! and together the files show each verb and each fault.

mod binary;

use std::fs;
use std::path::Path;

use mockaa::internals::domain::action::ActionName;
use mockaa::internals::domain::api_fault::ApiFaultName;
use mockaa::internals::domain::webhook_fault::WebhookFaultName;
use serde_json::Value;

use crate::binary::mockaa_command;

fn read_scenarios() -> Vec<(String, String)> {
    let folder = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"))
        .expect("the folder exists");
    let mut texts: Vec<_> = folder
        .map(|entry| {
            let path = entry.expect("a directory entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read_to_string(path).expect("text"))
        })
        .collect();
    texts.sort();
    texts
}

#[test]
fn every_scenario_is_played_as_a_test() {
    let output = mockaa_command(&["run", "scenarios", "--json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the command runs");
    let results: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let failed: Vec<_> = results["files"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|file| file["passed"] != true)
        .collect();
    assert!(failed.is_empty() && output.status.success(), "{failed:#?}");
    assert_eq!(
        results["files"].as_array().map(Vec::len),
        Some(read_scenarios().len())
    );
}

#[test]
fn every_scenario_has_expectations_and_passes_strict_lint() {
    let output = mockaa_command(&["scenario", "lint", "--strict", "scenarios"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let output = output.expect("the command runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    for (file, text) in read_scenarios() {
        assert!(
            text.starts_with("# "),
            "{file} does not begin with a comment on its incident"
        );
        assert!(text.contains("\nexpect:\n"), "{file} has no `expect`");
        assert!(
            text.contains(&format!("\nname: {}\n", file.trim_end_matches(".yaml"))),
            "the name in {file} differs from the file name"
        );
    }
}

#[test]
fn each_verb_and_each_fault_has_a_worked_example() {
    let all: String = read_scenarios().into_iter().map(|(_, text)| text).collect();
    let missing: Vec<&str> = ActionName::ALL
        .iter()
        .map(|action| action.as_str())
        .chain(WebhookFaultName::ALL.iter().map(|fault| fault.as_str()))
        .chain(ApiFaultName::ALL.iter().map(|fault| fault.as_str()))
        .filter(|name| {
            !all.contains(&format!(" {name}: ")) && !all.contains(&format!(" {name}:\n"))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    for revoker in ["customer", "fiu", "fip"] {
        assert!(
            all.contains(&format!("by: {revoker}")),
            "no scenario revokes as {revoker}"
        );
    }
}
