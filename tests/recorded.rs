//! The recorded Postman collection of the Unaport service, replayed against a sandbox with Unaport
//! API 1.7, unchanged except for its two host prefixes. Every response must have the recorded keys
//! and types. The analytics folder and the Excel export are left out;
//! `tests/api/unaport/analytics.rs` covers them.
//!
//! The collection is read from `../shared/unaport`, or below `MOCKAA_UNAPORT`. The test needs
//! newman.

mod binary;
mod skip;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::binary::{NEWMAN_REMEDY, Server, find_newman};
use crate::skip::report_skip;

/// The two host prefixes and their replacements.
const HOST_REPLACEMENTS: [(&str, &str); 2] = [
    ("https://common.sandbox.unaport.com/api/v1", "/api/v1"),
    (
        "https://api.sandbox.unaport.com/backend-v2/api/v2",
        "/backend-v2/api/v2",
    ),
];

/// Requests without a recorded response, or with the response of another request recorded by
/// mistake (`docs/sources.md#unaport-bodies`).
const UNRECORDED: [&str; 2] = [
    "Get Consent Templates List",
    "Create GSTR Consent w/o Template Copy",
];

/// Intended differences from the recording.
const INTENDED_DIFFERENCES: [&str; 2] = [
    // The sandbox has the date of a balance and the value date of a row; the recorded bank left
    // them null.
    "Fetch Data by SessionId .DEPOSIT.summary[].balanceDate: null, not string",
    "Fetch Data by SessionId .DEPOSIT.transactions[].valueDate: null, not string",
];

/// Starts a sandbox with Unaport API 1.7, whose customers approve at once, with the template that
/// the collection names.
fn start_server(folder: &Path) -> Server {
    let config = r#"
        [unaport]
        version = "1.7"
        [[unaport.template]]
        productId = "299641fb-db12-4f0b-9548-dd739bffc616"
        product_name = "The recorded one"
        [unaport.template.ConsentDetail]
        consentStart = "2024-10-25T00:00:00.000Z"
        consentExpiry = "12"
        consentMode = "STORE"
        fetchType = "ONETIME"
        consentTypes = ["PROFILE", "SUMMARY", "TRANSACTIONS"]
        fiTypes = ["DEPOSIT"]
        DataConsumer.id = "UNACORES-FIU-UAT"
        Purpose = { code = "101", refUri = "https://api.rebit.org.in/aa/purpose/101.xml", text = "Wealth management service", Category.type = "Personal Finance" }
        FIDataRange = { from = "-12", to = "12" }
        DataLife = { unit = "YEAR", value = 1 }
        Frequency = { unit = "MONTH", value = 1 }
    "#;
    let file = folder.join("mockaa.toml");
    std::fs::write(&file, config).expect("the file is written");
    let file = file.to_str().expect("a plain path");
    Server::start(&[
        "--seed",
        "42",
        "--default-scenario",
        "approve",
        "--config",
        file,
    ])
}

/// Returns the collection without the omitted requests, with the sandbox's URLs.
fn redirect_collection(base: &str, collection: &str) -> Value {
    let text = HOST_REPLACEMENTS
        .iter()
        .fold(collection.to_owned(), |text, (host, path)| {
            text.replace(host, &format!("{base}{path}"))
        });
    let mut collection: Value = serde_json::from_str(&text).expect("a collection is JSON");
    let folders = collection["item"].as_array_mut().expect("folders");
    folders.retain(|folder| folder["name"] != "Analytics");
    for item in folders
        .iter_mut()
        .flat_map(|folder| folder["item"].as_array_mut().expect("requests"))
    {
        // A request also contains its URL in parts, which would override the text.
        item["request"]["url"] = item["request"]["url"]["raw"].clone();
    }
    for folder in folders {
        folder["item"]
            .as_array_mut()
            .expect("requests")
            .retain(|item| item["name"] != "Fetch Excel Data by SessionId");
    }
    collection
}

/// Returns the JSON type of a value.
fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Collects the differences in keys and types of two bodies; compares the first items of lists.
fn collect_differences(recorded: &Value, ours: &Value, path: &str, differences: &mut Vec<String>) {
    match (recorded, ours) {
        (Value::Object(recorded), Value::Object(ours)) => {
            for (key, value) in recorded {
                match ours.get(key) {
                    Some(our) => {
                        collect_differences(value, our, &format!("{path}.{key}"), differences);
                    }
                    None => differences.push(format!("{path}.{key}: missing")),
                }
            }
            let more = ours.keys().filter(|key| !recorded.contains_key(*key));
            differences.extend(more.map(|key| format!("{path}.{key}: not in the recording")));
        }
        (Value::Array(recorded), Value::Array(ours)) => match (recorded.first(), ours.first()) {
            (Some(recorded), Some(our)) => {
                collect_differences(recorded, our, &format!("{path}[]"), differences);
            }
            (Some(_), None) => differences.push(format!("{path}: empty")),
            (None, _) => {}
        },
        // JSON inside a string, such as `consentsDetail`.
        (Value::String(recorded_text), Value::String(our_text))
            if recorded_text.starts_with('{') =>
        {
            match (
                serde_json::from_str(recorded_text),
                serde_json::from_str(our_text),
            ) {
                (Ok(recorded), Ok(ours)) => {
                    collect_differences(&recorded, &ours, &format!("{path}(text)"), differences);
                }
                _ => differences.push(format!("{path}: not JSON in the text")),
            }
        }
        _ if json_type(recorded) == json_type(ours) => {}
        _ => differences.push(format!(
            "{path}: {}, not {}",
            json_type(recorded),
            json_type(ours)
        )),
    }
}

#[test]
fn the_recorded_collection_runs_and_is_answered_as_recorded() {
    let default_path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/unaport");
    let shared = std::env::var_os("MOCKAA_UNAPORT")
        .map_or_else(|| PathBuf::from(default_path), PathBuf::from);
    let Ok(collection) = std::fs::read_to_string(shared.join("collection.json")) else {
        report_skip("collection.json in ../shared/unaport or MOCKAA_UNAPORT");
        return;
    };
    let Some(newman) = find_newman() else {
        report_skip(NEWMAN_REMEDY);
        return;
    };
    let folder = std::env::temp_dir().join(format!("mockaa-recorded-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let server = start_server(&folder);
    let collection = redirect_collection(server.base_url(), &collection);
    let (file, report) = (folder.join("collection.json"), folder.join("report.json"));
    std::fs::write(&file, collection.to_string()).expect("the file is written");
    let mut run = Command::new(newman);
    run.args(["run".as_ref(), file.as_os_str()])
        .args(["--reporters", "json", "--reporter-json-export"])
        .arg(&report);
    // The collection's own scripts have tests without a body, which count as failed, so the exit
    // code is ignored.
    run.stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("newman runs");
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(&report).expect("a report")).expect("JSON");
    std::fs::remove_dir_all(&folder).expect("the folder is removed");

    let items = || {
        collection["item"]
            .as_array()
            .expect("folders")
            .iter()
            .flat_map(|folder| folder["item"].as_array().expect("requests"))
    };
    let executions = report["run"]["executions"].as_array().expect("executions");
    assert_eq!(executions.len(), items().count());
    let mut differences = Vec::new();
    for (item, execution) in items().zip(executions) {
        let name = item["name"].as_str().expect("a name");
        assert_eq!(execution["item"]["name"], name);
        let answer = &execution["response"];
        let bytes: Vec<u8> =
            serde_json::from_value(answer["stream"]["data"].clone()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            answer["code"]
                .as_u64()
                .is_some_and(|code| (200..300).contains(&code)),
            "{name}: {}: {text}",
            answer["code"]
        );
        let ours: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"));
        if UNRECORDED.contains(&name) {
            continue;
        }
        let recorded = item["response"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|answer| answer["body"].as_str());
        let recorded = recorded
            .filter(|body| !body.is_empty())
            .find_map(|body| serde_json::from_str(body).ok());
        let recorded: Value = recorded.unwrap_or_else(|| panic!("{name} has no recorded answer"));
        let mut item_differences = Vec::new();
        collect_differences(&recorded, &ours, "", &mut item_differences);
        differences.extend(
            item_differences
                .into_iter()
                .map(|difference| format!("{name} {difference}")),
        );
    }
    differences.sort();
    let mut intended = INTENDED_DIFFERENCES.map(str::to_owned);
    intended.sort();
    assert_eq!(
        differences, intended,
        "differences from the recorded answers, and those that are intended"
    );
    println!(
        "{} recorded requests answered as recorded",
        executions.len()
    );
}

#[test]
fn the_comparison_sees_what_it_should() {
    let recorded = json!({ "a": 1, "b": [{ "c": "x", "d": null }], "e": {}, "g": "{\"h\":1}" });
    let ours = json!({ "a": "1", "b": [{ "c": "y" }], "e": {}, "f": true, "g": "{\"h\":\"1\"}" });
    let mut differences = Vec::new();
    collect_differences(&recorded, &ours, "", &mut differences);
    let expected = [
        ".a: number, not string",
        ".b[].d: missing",
        ".g(text).h: number, not string",
        ".f: not in the recording",
    ];
    assert_eq!(differences, expected);
}
