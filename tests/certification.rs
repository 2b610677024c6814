//! The certification suite for an AA, 2.0.0, played in strict mode
//! (`docs/sources.md#certification-cases`).
//!
//! The rules are in this file, so that they are tested everywhere. If the suite's own table is
//! present (beside the project, or below `MOCKAA_SPECS`), each of its rows that is one call or an
//! observed callback is played as well and compared with what the row expects; the score is
//! printed.

#[path = "api/helpers.rs"]
#[allow(dead_code, reason = "shared with the API tests, which use more of it")]
mod helpers;
#[path = "api/inbox.rs"]
#[allow(dead_code, reason = "shared with the API tests, which use more of it")]
mod inbox;
#[path = "api/participants.rs"]
#[allow(dead_code, reason = "shared with the API tests, which use more of it")]
mod participants;
mod skip;
#[path = "api/specification.rs"]
#[allow(dead_code, reason = "shared with the API tests, which use more of it")]
mod specification;

use std::path::PathBuf;

use mockaa::SecurityMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{NOW, Reply, TestApp, extract_handle, rebit_message, set_path};
use crate::participants::{Journey, Participant, consent_request};
use crate::skip::report_skip;

/// Minimum number of rows of the suite's table that pass; CI enforces it.
const MIN_PASSED: usize = 171;

/// The outcome of a case.
enum Outcome {
    /// Every call of the case, with a label.
    Calls(Vec<(String, Reply)>),
    /// Whether the observation is as expected; else what was observed.
    Observed(Result<(), String>),
    NotRunnable(SkipReason),
}

/// Reason why a row is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SkipReason {
    /// Observes a FIP that is called over HTTP; FIPs are simulated inside the sandbox.
    FipOverHttp,
    /// Needs an external FIP that answers wrongly.
    FaultyFip,
    /// A whole journey with an external FIP; the API tests play it with the simulated ones.
    WholeJourney,
}

/// The suite's cases: family, number of variants, status, codes (any of them is correct). Observed
/// cases have no status.
const RULES: &[(u32, u32, u16, &str)] = &[
    (1001, 3, 200, ""),
    (1002, 6, 400, "InvalidRequest"),
    (1003, 2, 400, "InvalidRequest"),
    (1004, 3, 404, "NoSuchVersion"),
    (1005, 2, 400, "InvalidRequest"),
    (1006, 2, 400, "InvalidRequest"),
    (1007, 2, 400, "InvalidRequest"),
    (1008, 5, 400, "InvalidRequest"),
    (1009, 1, 400, "InvalidRequest"),
    (1010, 2, 400, "InvalidConsentPurpose"),
    (1011, 1, 400, "InvalidRequest"),
    (1012, 4, 400, "InvalidRequest"),
    (1013, 4, 400, "InvalidRequest"),
    (1014, 3, 400, "InvalidRequest"),
    (1015, 2, 0, ""),
    (1016, 3, 400, "InvalidConsentHandle"),
    (1017, 2, 0, ""),
    (1018, 2, 0, ""),
    (1019, 2, 0, ""),
    (1020, 1, 0, ""),
    (1021, 1, 0, ""),
    (1022, 2, 0, ""),
    (1023, 1, 400, "InvalidConsentHandle"),
    (1024, 1, 400, "InvalidConsentHandle"),
    (1025, 1, 400, "InvalidConsentHandle"),
    (1026, 2, 0, ""),
    (1027, 4, 400, "InvalidRequest|InvalidConsentId"),
    (1028, 1, 400, "InvalidConsentId"),
    (1029, 1, 0, ""),
    (1030, 1, 0, ""),
    (1031, 1, 0, ""),
    (1032, 1, 0, ""),
    (1033, 1, 400, "InvalidConsentId"),
    (1037, 3, 0, ""),
    (1041, 4, 400, "SignatureDoesNotMatch|InvalidRequest"),
    (1042, 4, 400, "SignatureDoesNotMatch|InvalidRequest"),
    (1043, 4, 400, "SignatureDoesNotMatch|InvalidRequest"),
    (1044, 5, 401, ""),
    (1045, 1, 400, "InvalidRequest|SignatureDoesNotMatch"),
    (1046, 5, 401, ""),
    (1047, 1, 400, "InvalidRequest|SignatureDoesNotMatch"),
    (1048, 5, 401, ""),
    (1049, 1, 400, "InvalidRequest|SignatureDoesNotMatch"),
    (1050, 2, 400, "InvalidRequest"),
    (1051, 2, 400, "InvalidRequest"),
    (2001, 1, 200, ""),
    (2002, 4, 400, "InvalidRequest"),
    (2003, 2, 400, "InvalidRequest"),
    (2004, 3, 404, "NoSuchVersion"),
    (2005, 2, 400, "InvalidRequest"),
    (2006, 2, 400, "InvalidRequest"),
    (2007, 5, 400, "InvalidDateRange"),
    (2008, 3, 400, "InvalidConsentId"),
    (2009, 3, 400, "SignatureDoesNotMatch"),
    (2010, 1, 400, "InvalidRequest"),
    (2011, 3, 400, "InvalidKey|InvalidRequest"),
    (2012, 1, 400, "InvalidConsentStatus"),
    (2013, 1, 400, "InvalidConsentStatus"),
    (2014, 1, 400, "InvalidConsentStatus"),
    (2015, 4, 400, "InvalidConsentUse"),
    (2016, 1, 400, "InvalidConsentUse"),
    (2025, 1, 200, ""),
    (2026, 4, 400, "InvalidRequest|InvalidSessionId"),
    (2027, 1, 400, "InvalidSessionId"),
    (2028, 1, 404, "NoDataFound"),
    (2029, 2, 403, "ConsentPaused"),
    (2030, 2, 403, "ConsentRevoked"),
    (2031, 2, 403, "ConsentExpired"),
    (2040, 4, 400, "SignatureDoesNotMatch|InvalidRequest"),
    (2041, 4, 400, "SignatureDoesNotMatch|InvalidRequest"),
    (2042, 5, 401, ""),
    (2043, 1, 400, "InvalidRequest|SignatureDoesNotMatch"),
    (2044, 5, 401, ""),
    (2045, 1, 400, "InvalidRequest|SignatureDoesNotMatch"),
    (2046, 2, 400, "InvalidRequest"),
    (3001, 1, 200, ""),
    (3002, 4, 400, "InvalidRequest"),
    (3003, 3, 404, "NoSuchVersion"),
    (3004, 4, 400, "InvalidRequest"),
    (3005, 2, 400, "InvalidRequest"),
    (3006, 3, 400, "InvalidNotifier"),
    (3007, 3, 400, "InvalidRequest"),
    (3008, 2, 400, "InvalidRequest"),
    (3009, 1, 200, ""),
    (3010, 5, 400, "InvalidRequest"),
    (3011, 3, 404, "NoSuchVersion"),
    (3012, 4, 400, "InvalidRequest"),
    (3013, 2, 400, "InvalidRequest"),
    (3014, 3, 400, "InvalidRequest"),
    (3015, 3, 400, "InvalidRequest"),
    (3016, 3, 400, "InvalidRequest"),
    (3017, 3, 400, "InvalidRequest"),
    (3018, 4, 400, "InvalidRequest"),
    (3019, 2, 0, ""),
    (3020, 1, 200, ""),
    (3021, 3, 400, "InvalidRequest"),
    (3022, 3, 404, "NoSuchVersion"),
    (3023, 4, 400, "InvalidRequest"),
    (3024, 2, 400, "InvalidRequest"),
    (3025, 4, 400, "InvalidRequest"),
    (3026, 3, 400, "InvalidRequest"),
    (3027, 5, 400, "InvalidRequest"),
    (3028, 1, 400, "InvalidRequest"),
    (3029, 2, 400, "InvalidRequest|InvalidNotifier"),
    (3030, 4, 400, "SignatureDoesNotMatch|InvalidRequest"),
    (3031, 4, 400, "SignatureDoesNotMatch|InvalidRequest"),
    (3032, 4, 400, "SignatureDoesNotMatch|InvalidRequest"),
    (3033, 5, 401, ""),
    (3034, 1, 400, "InvalidRequest"),
    (3035, 5, 401, ""),
    (3036, 1, 400, "InvalidRequest"),
    (3037, 5, 401, ""),
    (3038, 1, 400, "SignatureDoesNotMatch"),
    (4001, 1, 200, ""),
    (4002, 1, 200, ""),
];

#[tokio::test]
async fn every_rule_of_the_suite_holds() {
    let mut runner = SuiteRunner::start().await;
    let mut wrong = Vec::new();
    for (family, variants, status, codes) in RULES {
        for variant in 1..=*variants {
            let outcome = runner.play_case(*family, variant).await;
            let expected = Expected {
                status: (*status != 0).then_some(*status),
                codes,
            };
            match expected.check_outcome(outcome) {
                Ok(left_out) => assert_eq!(left_out, None, "no rule is skipped"),
                Err(reason) => wrong.push(format!("AA_{family}_{variant}: {reason}")),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases are not as the suite expects:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn the_suites_own_table_is_passed() {
    let default_path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/certification/aa-cases-2.0.0.tsv"
    ));
    let file = std::env::var_os("MOCKAA_SPECS").map_or(default_path, |folder| {
        PathBuf::from(folder).join("../certification/aa-cases-2.0.0.tsv")
    });
    let Ok(table) = std::fs::read_to_string(&file) else {
        report_skip("../shared/certification/aa-cases-2.0.0.tsv, or the file beside MOCKAA_SPECS");
        return;
    };
    let mut runner = SuiteRunner::start().await;
    let (mut passed, mut wrong, mut left_out) = (0, Vec::new(), Vec::new());
    for row in table.lines().skip(1) {
        let cells: Vec<_> = row.split('\t').collect();
        let [id, _, _, _, _, status, codes, _, note, ..] = cells[..] else {
            panic!("a short row: {row}")
        };
        let (family, variant) = id
            .trim_start_matches("AA_")
            .split_once('_')
            .expect("family and variant");
        let (family, variant) = (
            family.parse().expect("a number"),
            variant.parse().expect("a number"),
        );
        // Quirk: the feature file of AA_2026_1 asserts 404, but its own scenario document has 400,
        // as the note records.
        let status = if note.contains("the scenario document says 400") {
            "400"
        } else {
            status
        };
        let status = status
            .rsplit('/')
            .next()
            .and_then(|status| status.parse().ok());
        match (Expected { status, codes }).check_outcome(runner.play_case(family, variant).await) {
            Ok(None) => passed += 1,
            Ok(Some(reason)) => left_out.push((reason, id)),
            Err(reason) => wrong.push(format!("{id}: {reason}")),
        }
    }
    let (runnable, all) = (passed + wrong.len(), passed + wrong.len() + left_out.len());
    println!(
        "certification suite AA 2.0.0: {passed} passed of {runnable} runnable, of {all} rows of the table"
    );
    left_out.sort_unstable();
    for rows in left_out.chunk_by(|left, right| left.0 == right.0) {
        let ids: Vec<_> = rows.iter().map(|(_, id)| *id).collect();
        println!(
            "left out, {:?} ({}): {}",
            rows[0].0,
            ids.len(),
            ids.join(" ")
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        passed >= MIN_PASSED,
        "{passed} rows passed, the minimum is {MIN_PASSED}"
    );
}

/// The expected result of a case.
struct Expected<'a> {
    status: Option<u16>,
    /// Codes separated by `|`; any code if empty.
    codes: &'a str,
}

impl Expected<'_> {
    /// Returns the reason if the case is skipped; fails with the difference from the expected
    /// result.
    fn check_outcome(&self, outcome: Outcome) -> Result<Option<SkipReason>, String> {
        match outcome {
            Outcome::NotRunnable(reason) => Ok(Some(reason)),
            Outcome::Observed(seen) => seen.map(|()| None),
            Outcome::Calls(calls) => {
                assert!(!calls.is_empty(), "a case makes a call");
                for (label, reply) in calls {
                    let answer = reply.json();
                    let code = answer["errorCode"].as_str().unwrap_or_default();
                    let right_code =
                        self.codes.is_empty() || self.codes.split('|').any(|known| known == code);
                    let right_status = self
                        .status
                        .is_none_or(|status| reply.status.as_u16() == status);
                    if !right_status || !right_code || reply.signature.is_none() {
                        return Err(format!("{label}: {} {}", reply.status.as_u16(), reply.text));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// A label and the varied message.
type Variation = (String, Value);

fn single_call(call: &str, reply: Reply) -> Outcome {
    Outcome::Calls(vec![(call.to_owned(), reply)])
}

fn check_observation(condition: bool, observed: &Value) -> Outcome {
    Outcome::Observed(if condition {
        Ok(())
    } else {
        Err(observed.to_string())
    })
}

/// A sandbox in strict mode; each case has its own world.
struct SuiteRunner {
    app: TestApp,
    case_count: usize,
}

/// Field paths of the messages by kind: required fields, objects, lists and enumerations.
const CONSENT_TEXTS: &[&str] = &[
    "ver",
    "timestamp",
    "txnid",
    "ConsentDetail.consentStart",
    "ConsentDetail.consentExpiry",
    "ConsentDetail.consentMode",
    "ConsentDetail.fetchType",
    "ConsentDetail.DataConsumer.id",
    "ConsentDetail.DataConsumer.type",
    "ConsentDetail.Purpose.code",
    "ConsentDetail.FIDataRange.from",
    "ConsentDetail.FIDataRange.to",
    "ConsentDetail.DataLife.unit",
    "ConsentDetail.Frequency.unit",
    "ConsentDetail.DataFilter.0.type",
    "ConsentDetail.DataFilter.0.operator",
    "ConsentDetail.DataFilter.0.value",
];
const CONSENT_OBJECTS: &[&str] = &[
    "ConsentDetail",
    "ConsentDetail.DataConsumer",
    "ConsentDetail.Customer",
    "ConsentDetail.Purpose",
    "ConsentDetail.FIDataRange",
    "ConsentDetail.DataLife",
    "ConsentDetail.Frequency",
];
const CONSENT_LISTS: &[&str] = &["ConsentDetail.consentTypes", "ConsentDetail.fiTypes"];
const CONSENT_NUMBERS: &[&str] = &[
    "ConsentDetail.DataLife.value",
    "ConsentDetail.Frequency.value",
];
const CONSENT_ENUMS: &[&str] = &[
    "ConsentDetail.consentMode",
    "ConsentDetail.fetchType",
    "ConsentDetail.consentTypes.0",
    "ConsentDetail.fiTypes.0",
    "ConsentDetail.DataConsumer.type",
    "ConsentDetail.DataLife.unit",
    "ConsentDetail.Frequency.unit",
    "ConsentDetail.DataFilter.0.type",
    "ConsentDetail.DataFilter.0.operator",
];
const FI_TEXTS: &[&str] = &[
    "ver",
    "timestamp",
    "txnid",
    "FIDataRange.from",
    "FIDataRange.to",
    "Consent.id",
    "Consent.digitalSignature",
    "KeyMaterial.cryptoAlg",
    "KeyMaterial.curve",
    "KeyMaterial.DHPublicKey.expiry",
    "KeyMaterial.DHPublicKey.KeyValue",
    "KeyMaterial.Nonce",
];
const FI_OBJECTS: &[&str] = &[
    "FIDataRange",
    "Consent",
    "KeyMaterial",
    "KeyMaterial.DHPublicKey",
];
const CONSENT_NOTIFICATION_TEXTS: &[&str] = &[
    "ver",
    "timestamp",
    "txnid",
    "Notifier.type",
    "Notifier.id",
    "ConsentStatusNotification.consentId",
    "ConsentStatusNotification.consentStatus",
];
const FI_NOTIFICATION_TEXTS: &[&str] = &[
    "ver",
    "timestamp",
    "txnid",
    "Notifier.type",
    "Notifier.id",
    "FIStatusNotification.sessionId",
    "FIStatusNotification.sessionStatus",
    "FIStatusNotification.FIStatusResponse.0.fipID",
    "FIStatusNotification.FIStatusResponse.0.Accounts.0.linkRefNumber",
    "FIStatusNotification.FIStatusResponse.0.Accounts.0.FIStatus",
    "FIStatusNotification.FIStatusResponse.0.Accounts.0.description",
];
const LINK_NOTIFICATION_TEXTS: &[&str] = &[
    "ver",
    "timestamp",
    "txnid",
    "Notifier.type",
    "Notifier.id",
    "AccountLinkStatusNotification.accRefNumber",
    "AccountLinkStatusNotification.customerAddress",
    "AccountLinkStatusNotification.linkRefNumber",
    "AccountLinkStatusNotification.linkStatus",
];

fn value_at<'a>(body: &'a Value, path: &str) -> &'a Value {
    path.split('.')
        .fold(body, |node, part| match part.parse::<usize>() {
            Ok(index) => &node[index],
            Err(_) => &node[part],
        })
}

/// Returns the body once for each path, with this value there.
fn vary_each(body: &Value, paths: &[&str], value: &Value) -> Vec<Variation> {
    let vary = |path: &&str| {
        let mut varied = body.clone();
        set_path(&mut varied, path, Some(value.clone()));
        (format!("{path} = {value}"), varied)
    };
    paths.iter().map(vary).collect()
}

/// Returns the body twice for each path: with its text one character longer, and one shorter.
fn vary_spelling(body: &Value, paths: &[&str]) -> Vec<Variation> {
    let vary = |path: &&str| {
        let text = value_at(body, path)
            .as_str()
            .unwrap_or_else(|| panic!("no text at {path}"))
            .to_owned();
        [format!("{text}X"), drop_last_char(&text)].map(|text| {
            let mut varied = body.clone();
            set_path(&mut varied, path, Some(text.as_str().into()));
            (format!("{path} = {text}"), varied)
        })
    };
    paths
        .iter()
        .flat_map(vary)
        .filter(|(_, varied)| *varied != *body)
        .collect()
}

fn vary_one(body: &Value, path: &str, value: impl Into<Value>) -> Vec<Variation> {
    vary_each(body, &[path], &value.into())
}

fn drop_last_char(text: &str) -> String {
    text[..text.len() - 1].to_owned()
}

/// Timestamps in standard formats that the specification does not use.
const OTHER_FORMATS: [&str; 3] = [
    "Sat, 04 Jul 2020 06:00:00 GMT",
    "1593842400000",
    "2020-07-04 06:00:00",
];

fn vary_timestamp_format(body: &Value, paths: &[&str]) -> Vec<Variation> {
    OTHER_FORMATS
        .iter()
        .flat_map(|format| vary_each(body, paths, &(*format).into()))
        .collect()
}

/// Relative to the world's time of 06:00.
const SIXTEEN_MINUTES_LATER: &str = "2020-07-04T06:16:00.000Z";
const SIXTEEN_MINUTES_EARLIER: &str = "2020-07-04T05:44:00.000Z";

/// Varies timestamps. Variants: 1 other formats, 2 an extra character, 3 and 4 sixteen minutes off.
fn vary_timestamps(body: &Value, paths: &[&str], variant: u32) -> Vec<Variation> {
    match variant {
        1 => vary_timestamp_format(body, paths),
        2 => vary_spelling(body, paths)
            .into_iter()
            .filter(|(label, _)| label.ends_with('X'))
            .collect(),
        3 => vary_one(body, "timestamp", SIXTEEN_MINUTES_LATER),
        _ => vary_one(body, "timestamp", SIXTEEN_MINUTES_EARLIER),
    }
}

fn vary_version(body: &Value, variant: u32) -> Vec<Variation> {
    vary_one(
        body,
        "ver",
        ["9.9.9", "2.0.00", "2.0."][variant as usize - 1],
    )
}

fn vary_txnid(body: &Value, variant: u32) -> Vec<Variation> {
    let txnid = body["txnid"].as_str().expect("a txnid");
    vary_one(
        body,
        "txnid",
        if variant == 1 {
            format!("{txnid}1")
        } else {
            drop_last_char(txnid)
        },
    )
}

/// Varies an id. Variants: 1 longer, 2 shorter, 3 random.
fn vary_id(body: &Value, path: &str, variant: u32) -> Vec<Variation> {
    let id = value_at(body, path).as_str().expect("an id");
    let value = match variant {
        1 => format!("{id}1"),
        2 => drop_last_char(id),
        _ => "3f0c6a1e-5b1d-4c5e-9a50-7d3c1f2b4a69".to_owned(),
    };
    vary_one(body, path, value)
}

const CUSTOMER: &str = "9876500001@mockaa";

impl SuiteRunner {
    async fn start() -> Self {
        Self {
            app: TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await,
            case_count: 0,
        }
    }

    async fn play_case(&mut self, family: u32, variant: u32) -> Outcome {
        self.case_count += 1;
        self.app.switch_world(&format!("case-{}", self.case_count));
        self.app.fiu.drain_messages();
        match family {
            1001..=1014 => self.play_consent_creation(family, variant).await,
            1015..=1025 | 1050 => self.play_handle_lookup(family, variant).await,
            1026..=1033 | 1051 => self.play_artefact_fetch(family, variant).await,
            1034..=1036 | 1038..=1040 | 2017 | 2018 => {
                Outcome::NotRunnable(SkipReason::FipOverHttp)
            }
            1037 => self.play_consent_watch(variant).await,
            1041..=1049 => self.play_forged_consent(family, variant).await,
            2001..=2016 => self.play_data_request(family, variant).await,
            2019..=2024 | 2032..=2039 => Outcome::NotRunnable(SkipReason::FaultyFip),
            2025..=2031 | 2046 => self.play_data_fetch(family, variant).await,
            2040..=2045 => self.play_forged_data(family, variant).await,
            3001..=3008 => self.play_consent_notification(family, variant).await,
            3009..=3019 => self.play_fi_notification(family, variant).await,
            3020..=3029 => self.play_link_notification(family, variant).await,
            3030..=3038 => self.play_forged_notification(family, variant).await,
            4001 | 4002 => self.play_heartbeat(family).await,
            5001..=5007 => Outcome::NotRunnable(SkipReason::WholeJourney),
            _ => panic!("no family {family}"),
        }
    }

    /// Posts each variation.
    async fn post_all(
        &self,
        actor: &Participant,
        path: &str,
        variations: Vec<Variation>,
    ) -> Outcome {
        let mut replies = Vec::new();
        for (label, mut body) in variations {
            // Each message has its own txnid, unless the case is about the txnid.
            if body["txnid"]
                .as_str()
                .is_some_and(|txnid| txnid.len() == 36)
            {
                body["txnid"] = self.app.next_txnid().into();
            }
            replies.push((label, actor.post(&self.app, path, &body).await));
        }
        Outcome::Calls(replies)
    }

    async fn play_consent_creation(&self, family: u32, variant: u32) -> Outcome {
        const TIMES: &[&str] = &[
            "timestamp",
            "ConsentDetail.consentStart",
            "ConsentDetail.consentExpiry",
            "ConsentDetail.FIDataRange.from",
            "ConsentDetail.FIDataRange.to",
        ];
        let body = consent_request();
        let detail =
            |path: &str, value: Value| vary_one(&body, &format!("ConsentDetail.{path}"), value);
        let variations = match (family, variant) {
            (1001, _) => return self.play_valid_requests(variant).await,
            (1002, 1) => {
                let fields: Vec<_> = [
                    CONSENT_TEXTS,
                    CONSENT_OBJECTS,
                    CONSENT_LISTS,
                    CONSENT_NUMBERS,
                ]
                .concat();
                vary_each(&body, &fields, &Value::Null)
            }
            (1002, 2) => vary_each(&body, CONSENT_TEXTS, &"".into()),
            (1002, 3) => vary_spelling(&body, CONSENT_ENUMS)
                .into_iter()
                .filter(|(label, _)| !label.ends_with(" = >"))
                .collect(),
            (1002, 4) => vary_each(&body, CONSENT_LISTS, &json!([])),
            (1002, 5) => vary_each(&body, CONSENT_OBJECTS, &json!({})),
            (1002, _) => vary_each(&body, CONSENT_NUMBERS, &json!(1.5)),
            (1003, variant) => vary_timestamps(&body, TIMES, variant),
            (1004, variant) => vary_version(&body, variant),
            (1005, variant) => vary_timestamps(&body, TIMES, variant + 2),
            (1006, variant) => vary_txnid(&body, variant),
            (1007, 1) => detail("consentStart", "2020-12-31T00:00:00.000Z".into()),
            (1007, _) => detail(
                "consentStart",
                body["ConsentDetail"]["consentExpiry"].clone(),
            ),
            (1008, variant) => match variant {
                1 => detail("DataConsumer.id", "some-fiu".into()),
                2 => detail("DataConsumer.id", "FIU-11".into()),
                3 => detail("DataConsumer.id", "FIU-".into()),
                4 => detail("DataConsumer.id", "FIU-2".into()),
                _ => detail("DataConsumer.type", "FIP".into()),
            },
            (1009, _) => detail(
                "Customer",
                json!({ "id": CUSTOMER, "Identifiers": [{ "type": "PAN", "value": "ABCDE1234F" }] }),
            ),
            (1010, 1) => detail("Purpose.code", "199".into()),
            (1010, _) => detail("Purpose.refUri", "http://google.com".into()),
            (1011, _) => detail("FIDataRange.from", "2020-07-03T15:00:00.000Z".into()),
            (1012, variant) => {
                let unit = ["DAY", "MONTH", "YEAR", "INF"][variant as usize - 1];
                detail(
                    "DataLife",
                    json!({ "unit": unit, "value": u32::from(unit == "INF") }),
                )
            }
            (1013, variant) => {
                let unit = ["DAY", "MONTH", "YEAR", "HOUR"][variant as usize - 1];
                detail("Frequency", json!({ "unit": unit, "value": 0 }))
            }
            (_, variant) => {
                let second = match variant {
                    1 => json!({ "type": "TRANSACTIONTYPE", "operator": "=", "value": "CREDITS" }),
                    2 => json!({ "type": "TRANSACTIONAMOUNTS", "operator": "=", "value": "1000" }),
                    _ => json!({ "type": "TRANSACTIONAMOUNT", "operator": "==", "value": "1000" }),
                };
                detail(
                    "DataFilter",
                    json!([{ "type": "TRANSACTIONAMOUNT", "operator": "=", "value": "2000" }, second]),
                )
            }
        };
        let outcome = self
            .post_all(&Participant::fiu_1(), "/Consent", variations)
            .await;
        assert_eq!(
            self.app.count_consents().await,
            0,
            "a rejected request creates no consent"
        );
        outcome
    }

    /// Posts requests with each mode, purpose, unit and type; every handle must be different.
    async fn play_valid_requests(&self, variant: u32) -> Outcome {
        let body = consent_request();
        let mut variations = Vec::new();
        match variant {
            1 => {
                for mode in ["VIEW", "QUERY", "STREAM", "STORE"] {
                    let value = i32::from(mode == "STORE");
                    let mut varied = vary_one(&body, "ConsentDetail.consentMode", mode).remove(0);
                    set_path(
                        &mut varied.1,
                        "ConsentDetail.DataLife.value",
                        Some(value.into()),
                    );
                    variations.push(varied);
                }
            }
            2 => {
                for code in ["101", "102", "103", "104", "105"] {
                    let mut varied = vary_one(&body, "ConsentDetail.Purpose.code", code).remove(0);
                    let uri = format!("https://api.rebit.org.in/aa/purpose/{code}.xml");
                    set_path(
                        &mut varied.1,
                        "ConsentDetail.Purpose.refUri",
                        Some(uri.into()),
                    );
                    variations.push(varied);
                }
            }
            _ => {
                for (mode, unit, value) in [
                    ("VIEW", "DAY", 0),
                    ("VIEW", "MONTH", 0),
                    ("VIEW", "YEAR", 0),
                    ("VIEW", "INF", 0),
                    ("STORE", "DAY", 1),
                    ("STORE", "MONTH", 2),
                    ("STORE", "YEAR", 3),
                    ("STORE", "INF", 0),
                ] {
                    let mut varied = vary_one(
                        &body,
                        "ConsentDetail.DataLife",
                        json!({ "unit": unit, "value": value }),
                    )
                    .remove(0);
                    set_path(
                        &mut varied.1,
                        "ConsentDetail.consentMode",
                        Some(mode.into()),
                    );
                    variations.push(varied);
                }
            }
        }
        let count = variations.len();
        let Outcome::Calls(replies) = self
            .post_all(&Participant::fiu_1(), "/Consent", variations)
            .await
        else {
            unreachable!()
        };
        let mut handles: Vec<_> = replies
            .iter()
            .map(|(_, reply)| extract_handle(&reply.json()))
            .collect();
        assert!(
            replies
                .iter()
                .all(|(_, reply)| reply.json()["Customer"]["id"] == CUSTOMER)
        );
        handles.sort();
        handles.dedup();
        assert_eq!(handles.len(), count, "handles are unique");
        Outcome::Calls(replies)
    }

    async fn play_handle_lookup(&self, family: u32, variant: u32) -> Outcome {
        let journey = Journey::new(&self.app);
        let fiu = Participant::fiu_1();
        let message = |handle: &str| rebit_message("ConsentHandle", handle);
        let status = |answer: &Value, expected: &str| {
            check_observation(answer["ConsentStatus"]["status"] == expected, answer)
        };
        match (family, variant) {
            (1015, 1) => {
                let handle = journey.raise_consent(|_| ()).await;
                let before = journey.fetch_handle_status(&handle).await;
                assert_eq!(before["ConsentStatus"], json!({ "status": "PENDING" }));
                self.app.apply_verb(&handle, "approve").await.expect_ok();
                status(&journey.fetch_handle_status(&handle).await, "APPROVED")
            }
            // No account of this type is linked yet: the customer links one, then approves.
            (1015, _) => {
                let handle = self.raise_before_linking(&journey).await;
                self.app.apply_verb(&handle, "approve").await.expect_ok();
                status(&journey.fetch_handle_status(&handle).await, "APPROVED")
            }
            (1017, variant) => {
                let handle = if variant == 1 {
                    journey.raise_consent(|_| ()).await
                } else {
                    self.raise_before_linking(&journey).await
                };
                self.app.apply_verb(&handle, "reject").await.expect_ok();
                status(&journey.fetch_handle_status(&handle).await, "REJECTED")
            }
            (1016, variant) => {
                let handle = journey.raise_consent(|_| ()).await;
                self.post_all(
                    &fiu,
                    "/Consent/handle",
                    vary_id(&message(&handle), "ConsentHandle", variant),
                )
                .await
            }
            (1018, _) => {
                let handle = journey.raise_consent(expire_in_five_minutes).await;
                self.app.advance_clock("5m").await;
                let message_later = with_timestamp(&message(&handle), "2020-07-04T06:05:00.000Z");
                status(
                    &fiu.post(&self.app, "/Consent/handle", &message_later)
                        .await
                        .expect_ok(),
                    "EXPIRED",
                )
            }
            (1019, variant) => {
                let handle = if variant == 1 {
                    journey.raise_consent(expire_in_five_minutes).await
                } else {
                    let handle = self.raise_before_linking(&journey).await;
                    self.app.apply_verb(&handle, "approve").await.expect_ok();
                    self.app.apply_verb(&handle, "expire").await.expect_ok();
                    return status(&journey.fetch_handle_status(&handle).await, "APPROVED");
                };
                self.app.apply_verb(&handle, "approve").await.expect_ok();
                self.app.advance_clock("5m").await;
                let message_later = with_timestamp(&message(&handle), "2020-07-04T06:05:00.000Z");
                status(
                    &fiu.post(&self.app, "/Consent/handle", &message_later)
                        .await
                        .expect_ok(),
                    "APPROVED",
                )
            }
            (1020 | 1021, _) => {
                let (handle, _) = journey.raise_and_approve(|_| ()).await;
                self.app
                    .apply_verb(&handle, if family == 1020 { "pause" } else { "revoke" })
                    .await
                    .expect_ok();
                status(&journey.fetch_handle_status(&handle).await, "APPROVED")
            }
            (1022, _) => {
                let (handle, _) = self.approve_then_delink(&journey).await;
                status(&journey.fetch_handle_status(&handle).await, "APPROVED")
            }
            (1023 | 1024, _) => {
                let handle = journey.raise_consent(|_| ()).await;
                if family == 1024 {
                    self.app.apply_verb(&handle, "approve").await.expect_ok();
                }
                journey
                    .apply_customer_verb(CUSTOMER, "deregister", &Value::Null)
                    .await
                    .expect_ok();
                single_call(
                    "after deregistration",
                    fiu.post(&self.app, "/Consent/handle", &message(&handle))
                        .await,
                )
            }
            (1025, _) => {
                let handle = journey.raise_consent(|_| ()).await;
                single_call(
                    "as FIU-2",
                    Participant::fiu_2()
                        .post(&self.app, "/Consent/handle", &message(&handle))
                        .await,
                )
            }
            (_, variant) => {
                let body = message(&journey.raise_consent(|_| ()).await);
                let value = if variant == 1 { Value::Null } else { "".into() };
                self.post_all(
                    &fiu,
                    "/Consent/handle",
                    vary_each(
                        &body,
                        &["ver", "timestamp", "txnid", "ConsentHandle"],
                        &value,
                    ),
                )
                .await
            }
        }
    }

    /// Raises a consent whose customer links the account only afterwards.
    async fn raise_before_linking(&self, journey: &Journey<'_>) -> String {
        journey
            .apply_customer_verb(CUSTOMER, "register", &Value::Null)
            .await
            .expect_ok();
        let handle = journey.raise_consent(|_| ()).await;
        assert_eq!(
            self.app.apply_verb(&handle, "approve").await.status,
            409,
            "no account can be shared yet"
        );
        let account = journey
            .list_accounts(CUSTOMER, "FIP-1", "DEPOSIT")
            .await
            .remove(0)
            .0;
        journey.link_accounts(CUSTOMER, "FIP-1", &[account]).await;
        handle
    }

    /// Approves a consent over two linked accounts, then delinks one of them.
    async fn approve_then_delink(&self, journey: &Journey<'_>) -> (String, String) {
        let list_accounts = journey.list_accounts(CUSTOMER, "FIP-1", "DEPOSIT").await;
        let refs: Vec<_> = list_accounts
            .iter()
            .map(|(account, _)| account.clone())
            .collect();
        journey.register_and_link(CUSTOMER, "FIP-1", &refs).await;
        let consent = journey.raise_and_approve(|_| ()).await;
        journey
            .apply_customer_verb(
                CUSTOMER,
                "delink",
                &json!({ "linkRefNumber": list_accounts[0].1 }),
            )
            .await
            .expect_ok();
        consent
    }

    async fn play_artefact_fetch(&self, family: u32, variant: u32) -> Outcome {
        let journey = Journey::new(&self.app);
        let fiu = Participant::fiu_1();
        let message = |id: &str| rebit_message("consentId", id);
        let status = |answer: &Value, expected: &str| {
            check_observation(answer["status"] == expected, answer)
        };
        match (family, variant) {
            (1026, variant) => {
                let list_accounts = journey.list_accounts(CUSTOMER, "FIP-1", "DEPOSIT").await;
                let refs: Vec<_> = list_accounts
                    .iter()
                    .map(|(account, _)| account.clone())
                    .collect();
                journey.register_and_link(CUSTOMER, "FIP-1", &refs).await;
                let chosen: Vec<_> = list_accounts
                    .into_iter()
                    .take(variant as usize)
                    .map(|(_, link)| link)
                    .collect();
                let (_, id) = journey.raise_and_approve_with(&chosen, |_| ()).await;
                let fetch_artefact = journey.fetch_artefact(&id).await;
                let payload = fetch_artefact["signedConsent"]
                    .as_str()
                    .and_then(|signed| signed.split('.').nth(1));
                let payload =
                    mockaa::internals::crypto::base64::url_decode(payload.expect("a payload"))
                        .expect("base64url");
                let detail: Value = serde_json::from_slice(&payload).expect("JSON");
                let named: Vec<_> = detail["Accounts"]
                    .as_array()
                    .expect("accounts")
                    .iter()
                    .collect();
                let is_expected = fetch_artefact["status"] == "ACTIVE"
                    && fetch_artefact["createTimestamp"] == NOW
                    && fetch_artefact["ConsentUse"]["count"] == 0
                    && detail["DataProvider"] == json!({ "id": "mockaa", "type": "AA" })
                    && detail["Frequency"] == consent_request()["ConsentDetail"]["Frequency"]
                    && named
                        .iter()
                        .map(|account| account["linkRefNumber"].as_str())
                        .eq(chosen.iter().map(|link| Some(link.as_str())));
                check_observation(is_expected, &fetch_artefact)
            }
            (1027, 1) => {
                self.post_all(
                    &fiu,
                    "/Consent/fetch",
                    vary_one(&message("x"), "consentId", ""),
                )
                .await
            }
            (1027, variant) => {
                let (_, id) = journey.raise_and_approve(|_| ()).await;
                let varied = vary_id(&message(&id), "consentId", [2, 1, 3][variant as usize - 2]);
                self.post_all(&fiu, "/Consent/fetch", varied).await
            }
            (1028, _) => {
                let (_, id) = journey.raise_and_approve(|_| ()).await;
                single_call(
                    "as FIU-2",
                    Participant::fiu_2()
                        .post(&self.app, "/Consent/fetch", &message(&id))
                        .await,
                )
            }
            (1029..=1031, _) => {
                let (handle, id) = journey.raise_and_approve(|_| ()).await;
                let (verb, expected) = [
                    ("expire", "EXPIRED"),
                    ("pause", "PAUSED"),
                    ("revoke", "REVOKED"),
                ][family as usize - 1029];
                self.app.apply_verb(&handle, verb).await.expect_ok();
                status(&journey.fetch_artefact(&id).await, expected)
            }
            (1032, _) => {
                let (_, id) = self.approve_then_delink(&journey).await;
                status(&journey.fetch_artefact(&id).await, "REVOKED")
            }
            (1033, _) => {
                let (_, id) = journey.raise_and_approve(|_| ()).await;
                journey
                    .apply_customer_verb(CUSTOMER, "deregister", &Value::Null)
                    .await
                    .expect_ok();
                single_call(
                    "after deregistration",
                    fiu.post(&self.app, "/Consent/fetch", &message(&id)).await,
                )
            }
            (_, variant) => {
                let (_, id) = journey.raise_and_approve(|_| ()).await;
                let value = if variant == 1 { Value::Null } else { "".into() };
                self.post_all(
                    &fiu,
                    "/Consent/fetch",
                    vary_each(
                        &message(&id),
                        &["ver", "timestamp", "txnid", "consentId"],
                        &value,
                    ),
                )
                .await
            }
        }
    }

    /// Checks the notification that the FIU receives after an action of the customer.
    async fn play_consent_watch(&mut self, variant: u32) -> Outcome {
        let (handle, id) = Journey::new(&self.app).raise_and_approve(|_| ()).await;
        let verbs: &[&str] = match variant {
            1 => &["pause"],
            2 => &["pause", "resume"],
            _ => &["revoke"],
        };
        for verb in verbs {
            self.app.apply_verb(&handle, verb).await.expect_ok();
        }
        self.app.advance_clock("0s").await;
        let webhook = self
            .app
            .fiu
            .drain_messages()
            .pop()
            .expect("a webhook")
            .json();
        let expected = ["PAUSED", "ACTIVE", "REVOKED"][variant as usize - 1];
        let is_expected = webhook["Notifier"] == json!({ "type": "AA", "id": "mockaa" })
            && webhook["txnid"]
                .as_str()
                .is_some_and(|txnid| txnid.len() == 36)
            && webhook["ConsentStatusNotification"]
                == json!({ "consentId": id, "consentHandle": handle, "consentStatus": expected });
        check_observation(is_expected, &webhook)
    }

    /// Sends the three consent calls with an invalid signature or key.
    async fn play_forged_consent(&self, family: u32, variant: u32) -> Outcome {
        let journey = Journey::new(&self.app);
        let (handle, id) = journey.raise_and_approve(|_| ()).await;
        let (path, body) = match family {
            1041 | 1044 | 1045 => ("/Consent", consent_request()),
            1042 | 1046 | 1047 => ("/Consent/handle", rebit_message("ConsentHandle", &handle)),
            _ => ("/Consent/fetch", rebit_message("consentId", &id)),
        };
        match family {
            1041..=1043 => {
                self.post_forged_signature(&Participant::fiu_1(), path, &body, variant)
                    .await
            }
            1044 | 1046 | 1048 => {
                self.post_forged_key(&Participant::fiu_1(), path, &body, variant)
                    .await
            }
            _ => {
                self.post_borrowed_key(&Participant::fiu_1(), &Participant::fiu_2(), path, &body)
                    .await
            }
        }
    }

    /// Posts with an invalid signature. Variants: 1 one character more, 2 one less, 3 another key,
    /// 4 another body.
    async fn post_forged_signature(
        &self,
        actor: &Participant,
        path: &str,
        body: &Value,
        variant: u32,
    ) -> Outcome {
        let text = body.to_string();
        let valid_signature = actor.sign(text.as_bytes());
        let (signature, sent) = match variant {
            1 => (format!("{valid_signature}A"), text),
            2 => (drop_last_char(&valid_signature), text),
            3 => {
                let other = include_str!("../fixtures/keys/mockaa-aa.pem");
                let other =
                    mockaa::internals::crypto::keys::SigningKey::from_pem(actor.key.kid(), other)
                        .expect("a key");
                (
                    Participant {
                        key: other,
                        ..clone_participant(actor)
                    }
                    .sign(text.as_bytes()),
                    text,
                )
            }
            _ => (
                valid_signature,
                text.replacen("\"txnid\":\"", "\"txnid\": \"", 1),
            ),
        };
        let request = self
            .app
            .request(Method::POST, path)
            .header(actor.header, &actor.api_key);
        let request = request
            .header("content-type", "application/json")
            .header("x-jws-signature", signature);
        single_call("forged", self.app.send(request.body(sent)).await)
    }

    /// Posts with an invalid API key. Variants: 1 no key, 2 an empty one, 3 "0", 4 one character
    /// less in a part, 5 one more. The key is a token, as real participants use it.
    async fn post_forged_key(
        &self,
        actor: &Participant,
        path: &str,
        body: &Value,
        variant: u32,
    ) -> Outcome {
        let form = format!("id={}&secret={}", actor.id, actor.api_key);
        let request = self
            .app
            .request(Method::POST, "/iam/v1/entity/token/generate");
        let token = self.app.send(request.body(form)).await.expect_ok()["accessToken"]
            .as_str()
            .expect("a token")
            .to_owned();
        let good = Participant {
            api_key: token.clone(),
            ..clone_participant(actor)
        };
        assert_ne!(
            good.post(&self.app, path, body).await.status,
            401,
            "the unchanged token is accepted"
        );
        let parts: Vec<_> = token.split('.').collect();
        let keys: Vec<Option<String>> = match variant {
            1 => vec![None],
            2 => vec![Some(String::new())],
            3 => vec![Some("0".to_owned())],
            variant => (0..3)
                .map(|index| {
                    let mut parts: Vec<_> = parts.iter().map(ToString::to_string).collect();
                    parts[index] = if variant == 4 {
                        drop_last_char(&parts[index])
                    } else {
                        format!("{}A", parts[index])
                    };
                    Some(parts.join("."))
                })
                .collect(),
        };
        let mut replies = Vec::new();
        for key in keys {
            let text = body.to_string();
            let mut request = self
                .app
                .request(Method::POST, path)
                .header("x-jws-signature", actor.sign(text.as_bytes()));
            if let Some(key) = &key {
                request = request.header(actor.header, key);
            }
            let request = request
                .header("content-type", "application/json")
                .body(text);
            replies.push((format!("key {key:?}"), self.app.send(request).await));
        }
        Outcome::Calls(replies)
    }

    /// Posts a message of one participant under the valid key of another.
    async fn post_borrowed_key(
        &self,
        actor: &Participant,
        other: &Participant,
        path: &str,
        body: &Value,
    ) -> Outcome {
        let borrowed = Participant {
            api_key: other.api_key.clone(),
            ..clone_participant(actor)
        };
        single_call("borrowed key", borrowed.post(&self.app, path, body).await)
    }

    async fn play_data_request(&self, family: u32, variant: u32) -> Outcome {
        const TIMES: &[&str] = &[
            "timestamp",
            "FIDataRange.from",
            "FIDataRange.to",
            "KeyMaterial.DHPublicKey.expiry",
        ];
        let journey = Journey::new(&self.app);
        let fiu = Participant::fiu_1();
        let (handle, id) = journey
            .raise_and_approve(|body| {
                let detail = &mut body["ConsentDetail"];
                match (family, variant) {
                    (2015, variant) => {
                        let unit = ["HOUR", "DAY", "MONTH", "YEAR"][variant as usize - 1];
                        detail["Frequency"] = json!({ "unit": unit, "value": 1 });
                    }
                    (2016, _) => detail["fetchType"] = "ONETIME".into(),
                    _ => {}
                }
            })
            .await;
        let body = journey.build_fi_request(&id).await;
        let range = |from: &str, to: &str| {
            vary_one(&body, "FIDataRange", json!({ "from": from, "to": to }))
        };
        let variations = match (family, variant) {
            (2001, _) => vec![("valid".to_owned(), body)],
            (2002, 1) => vary_each(&body, &[FI_TEXTS, FI_OBJECTS].concat(), &Value::Null),
            (2002, 2) => vary_each(&body, FI_TEXTS, &"".into()),
            (2002, 3) => vary_spelling(&body, &["KeyMaterial.curve"]),
            (2002, _) => vary_each(&body, FI_OBJECTS, &json!({})),
            (2003, variant) => vary_timestamps(&body, TIMES, variant),
            (2004, variant) => vary_version(&body, variant),
            (2005, variant) => vary_timestamps(&body, TIMES, variant + 2),
            (2006, variant) => vary_txnid(&body, variant),
            (2007, variant) => match variant {
                1 => range("2020-06-30T00:00:00.000Z", "2020-01-01T00:00:00.000Z"),
                2 => range("2017-01-01T00:00:00.000Z", "2018-01-01T00:00:00.000Z"),
                3 => range("2020-07-10T00:00:00.000Z", "2020-07-11T00:00:00.000Z"),
                4 => range("2018-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z"),
                _ => range("2020-01-01T00:00:00.000Z", "2020-08-01T00:00:00.000Z"),
            },
            (2008, 1) => vary_id(&body, "Consent.id", 3),
            (2008, variant) => vary_id(&body, "Consent.id", variant - 1),
            (2009, 3) => {
                let other = "A".repeat(
                    body["Consent"]["digitalSignature"]
                        .as_str()
                        .expect("a signature")
                        .len(),
                );
                vary_one(&body, "Consent.digitalSignature", other)
            }
            (2009, variant) => vary_id(&body, "Consent.digitalSignature", variant),
            (2010, _) => {
                return single_call(
                    "as FIU-2",
                    Participant::fiu_2()
                        .post(&self.app, "/FI/request", &body)
                        .await,
                );
            }
            (2011, 1) => ["RSA", "DH", "ECDSA"]
                .iter()
                .flat_map(|name| vary_one(&body, "KeyMaterial.cryptoAlg", *name))
                .collect(),
            (2011, 2) => ["P-256", "secp256k1"]
                .iter()
                .flat_map(|name| vary_one(&body, "KeyMaterial.curve", *name))
                .collect(),
            (2011, _) => vary_one(
                &body,
                "KeyMaterial.DHPublicKey.expiry",
                "2020-07-04T05:59:59.000Z",
            ),
            (2012..=2014, _) => {
                self.app
                    .apply_verb(
                        &handle,
                        ["pause", "revoke", "expire"][family as usize - 2012],
                    )
                    .await
                    .expect_ok();
                vec![("not ACTIVE".to_owned(), body)]
            }
            _ => {
                let session =
                    fiu.post(&self.app, "/FI/request", &body).await.expect_ok()["sessionId"]
                        .clone();
                journey
                    .fetch_data(session.as_str().expect("a session"))
                    .await
                    .expect_ok();
                vec![("the second time".to_owned(), body)]
            }
        };
        self.post_all(&fiu, "/FI/request", variations).await
    }

    async fn play_data_fetch(&self, family: u32, variant: u32) -> Outcome {
        let journey = Journey::new(&self.app);
        let fiu = Participant::fiu_1();
        let (handle, id) = journey.raise_and_approve(|_| ()).await;
        let message = |session: &str| rebit_message("sessionId", session);
        match (family, variant) {
            (2025, _) => single_call(
                "valid",
                journey.fetch_data(&journey.open_session(&id).await).await,
            ),
            (2026, 1) => {
                self.post_all(&fiu, "/FI/fetch", vary_one(&message("x"), "sessionId", ""))
                    .await
            }
            (2026, variant) => {
                let body = message(&journey.open_session(&id).await);
                self.post_all(
                    &fiu,
                    "/FI/fetch",
                    vary_id(&body, "sessionId", [3, 1, 2][variant as usize - 2]),
                )
                .await
            }
            (2027, _) => {
                let body = message(&journey.open_session(&id).await);
                single_call(
                    "as FIU-2",
                    Participant::fiu_2()
                        .post(&self.app, "/FI/fetch", &body)
                        .await,
                )
            }
            (2028, _) => {
                let handle = self.raise_with_scenario("data-later").await;
                self.app.apply_verb(&handle, "approve").await.expect_ok();
                let id = journey.fetch_handle_status(&handle).await["ConsentStatus"]["id"]
                    .as_str()
                    .expect("an id")
                    .to_owned();
                single_call(
                    "too early",
                    journey.fetch_data(&journey.open_session(&id).await).await,
                )
            }
            (2029..=2031, _) => {
                let open_session = journey.open_session(&id).await;
                self.app
                    .apply_verb(
                        &handle,
                        ["pause", "revoke", "expire"][family as usize - 2029],
                    )
                    .await
                    .expect_ok();
                single_call("not ACTIVE", journey.fetch_data(&open_session).await)
            }
            (_, variant) => {
                let body = message(&journey.open_session(&id).await);
                let value = if variant == 1 { Value::Null } else { "".into() };
                self.post_all(
                    &fiu,
                    "/FI/fetch",
                    vary_each(&body, &["ver", "timestamp", "txnid", "sessionId"], &value),
                )
                .await
            }
        }
    }

    async fn raise_with_scenario(&self, scenario: &str) -> String {
        let mut body = consent_request();
        body["txnid"] = self.app.next_txnid().into();
        let request =
            Participant::fiu_1().build_signed_request(&self.app, "/Consent", &body.to_string());
        extract_handle(
            &self
                .app
                .send(request.header("x-mockaa-scenario", scenario))
                .await
                .expect_ok(),
        )
    }

    async fn play_forged_data(&self, family: u32, variant: u32) -> Outcome {
        let journey = Journey::new(&self.app);
        let (_, id) = journey.raise_and_approve(|_| ()).await;
        let fi_request = journey.build_fi_request(&id).await;
        let fetch_message = rebit_message("sessionId", &journey.open_session(&id).await);
        let (path, body) = if matches!(family, 2040 | 2044 | 2045) {
            ("/FI/request", fi_request)
        } else {
            ("/FI/fetch", fetch_message)
        };
        match family {
            2040 | 2041 => {
                self.post_forged_signature(&Participant::fiu_1(), path, &body, variant)
                    .await
            }
            2042 | 2044 => {
                self.post_forged_key(&Participant::fiu_1(), path, &body, variant)
                    .await
            }
            _ => {
                self.post_borrowed_key(&Participant::fiu_1(), &Participant::fiu_2(), path, &body)
                    .await
            }
        }
    }

    /// Builds a notification by FIP-1 about a consent that is in force.
    async fn build_consent_notification(&self) -> Value {
        let journey = Journey::new(&self.app);
        let (handle, _) = journey.raise_and_approve(|_| ()).await;
        let id = journey.fip_consent_id(&handle, "FIP-1").await;
        let mut body = rebit_message("Notifier", "");
        body["Notifier"] = json!({ "type": "FIP", "id": "FIP-1" });
        body["ConsentStatusNotification"] = json!({ "consentId": id, "consentStatus": "PAUSED" });
        body
    }

    async fn play_consent_notification(&self, family: u32, variant: u32) -> Outcome {
        const OBJECTS: &[&str] = &["Notifier", "ConsentStatusNotification"];
        let (fip, path) = (Participant::fip_1(), "/Consent/Notification");
        let body = self.build_consent_notification().await;
        let variations = match (family, variant) {
            (3001, _) => vec![("valid".to_owned(), body)],
            (3002, 1) => vary_each(
                &body,
                &[CONSENT_NOTIFICATION_TEXTS, OBJECTS].concat(),
                &Value::Null,
            ),
            (3002, 2) => vary_each(&body, CONSENT_NOTIFICATION_TEXTS, &"".into()),
            (3002, 3) => vary_spelling(&body, &["ConsentStatusNotification.consentStatus"]),
            (3002, _) => vary_each(&body, OBJECTS, &json!({})),
            (3003, variant) => vary_version(&body, variant),
            (3004, variant) => vary_timestamps(&body, &["timestamp"], variant),
            (3005, variant) => vary_txnid(&body, variant),
            (3006, 1) => vary_one(&body, "Notifier.type", "AA"),
            (3006, variant) => vary_id(&body, "Notifier.id", variant - 1),
            (3007, 1) => vary_id(&body, "ConsentStatusNotification.consentId", 3),
            (3007, variant) => vary_id(&body, "ConsentStatusNotification.consentId", variant - 1),
            (_, 1) => {
                return self
                    .post_all(
                        &Participant::fip_2(),
                        path,
                        vec![("as FIP-2".to_owned(), body)],
                    )
                    .await;
            }
            _ => {
                return self
                    .post_all(
                        &Participant::fip_2(),
                        path,
                        vary_one(&body, "Notifier.id", "FIP-2"),
                    )
                    .await;
            }
        };
        self.post_all(&fip, path, variations).await
    }

    /// Builds a notification by FIP-1 about a session.
    async fn build_fi_notification(&self, status: &str) -> Value {
        let journey = Journey::new(&self.app);
        let (_, id) = journey.raise_and_approve(|_| ()).await;
        let open_session = journey.open_session(&id).await;
        let link = journey
            .list_accounts(CUSTOMER, "FIP-1", "DEPOSIT")
            .await
            .remove(0)
            .1;
        let mut body = rebit_message("Notifier", "");
        body["Notifier"] = json!({ "type": "FIP", "id": "FIP-1" });
        let account =
            json!({ "linkRefNumber": link, "FIStatus": status, "description": "as the FIP says" });
        body["FIStatusNotification"] = json!({
            "sessionId": journey.fip_session_id(&open_session, "FIP-1").await,
            "sessionStatus": "ACTIVE",
            "FIStatusResponse": [{ "fipID": "FIP-1", "Accounts": [account] }],
        });
        body
    }

    async fn play_fi_notification(&mut self, family: u32, variant: u32) -> Outcome {
        const OBJECTS: &[&str] = &["Notifier", "FIStatusNotification"];
        const LISTS: &[&str] = &[
            "FIStatusNotification.FIStatusResponse",
            "FIStatusNotification.FIStatusResponse.0.Accounts",
        ];
        const ENUMS: &[&str] = &[
            "FIStatusNotification.sessionStatus",
            "FIStatusNotification.FIStatusResponse.0.Accounts.0.FIStatus",
        ];
        const FIP_ID: &str = "FIStatusNotification.FIStatusResponse.0.fipID";
        const LINK: &str = "FIStatusNotification.FIStatusResponse.0.Accounts.0.linkRefNumber";
        let (fip, other, path) = (
            Participant::fip_1(),
            Participant::fip_2(),
            "/FI/Notification",
        );
        if family == 3019 {
            let status = if variant == 1 { "DENIED" } else { "TIMEOUT" };
            let body = self.build_fi_notification(status).await;
            fip.post(&self.app, path, &body).await.expect_ok();
            self.app.advance_clock("0s").await;
            let webhook = self
                .app
                .fiu
                .drain_messages()
                .pop()
                .expect("a webhook")
                .json();
            let account = &webhook["FIStatusNotification"]["FIStatusResponse"][0]["Accounts"][0];
            return check_observation(
                account["FIStatus"] == status && account["description"] == "as the FIP says",
                &webhook,
            );
        }
        let body = self.build_fi_notification("READY").await;
        let variations = match (family, variant) {
            (3009, _) => vec![("valid".to_owned(), body)],
            (3010, 1) => vary_each(
                &body,
                &[FI_NOTIFICATION_TEXTS, OBJECTS, LISTS].concat(),
                &Value::Null,
            ),
            (3010, 2) => vary_each(&body, FI_NOTIFICATION_TEXTS, &"".into()),
            (3010, 3) => vary_spelling(&body, ENUMS),
            (3010, 4) => vary_each(&body, LISTS, &json!([])),
            (3010, _) => vary_each(&body, OBJECTS, &json!({})),
            (3011, variant) => vary_version(&body, variant),
            (3012, variant) => vary_timestamps(&body, &["timestamp"], variant),
            (3013, variant) => vary_txnid(&body, variant),
            (3014, 1) => vary_one(&body, "Notifier.type", "AA"),
            (3014, variant) => vary_id(&body, "Notifier.id", variant - 1),
            (3015, 1) => vary_id(&body, "FIStatusNotification.sessionId", 3),
            (3015, variant) => vary_id(&body, "FIStatusNotification.sessionId", variant - 1),
            (3016, 1) => vary_one(&body, FIP_ID, "FIP-9"),
            (3016, variant) => vary_id(&body, FIP_ID, variant - 1),
            (3017, 1) => vary_id(&body, LINK, 3),
            (3017, variant) => vary_id(&body, LINK, variant - 1),
            (_, 1) => {
                return self
                    .post_all(&other, path, vec![("as FIP-2".to_owned(), body)])
                    .await;
            }
            (_, 2) => {
                return self
                    .post_all(&other, path, vary_one(&body, "Notifier.id", "FIP-2"))
                    .await;
            }
            (_, 3) => {
                return self
                    .post_all(&other, path, vary_one(&body, FIP_ID, "FIP-2"))
                    .await;
            }
            _ => {
                let body =
                    with_timestamp(&vary_one(&body, "Notifier.id", "FIP-2").remove(0).1, NOW);
                return self
                    .post_all(&other, path, vary_one(&body, FIP_ID, "FIP-2"))
                    .await;
            }
        };
        self.post_all(&fip, path, variations).await
    }

    /// Builds a notification by ACME-FIP about an account that the customer has asked it to link.
    async fn build_link_notification(&self) -> Value {
        let journey = Journey::new(&self.app);
        journey
            .apply_customer_verb(CUSTOMER, "register", &Value::Null)
            .await
            .expect_ok();
        let account = journey
            .list_accounts(CUSTOMER, "ACME-FIP", "DEPOSIT")
            .await
            .remove(0)
            .0;
        let link_body = json!({ "fipId": "ACME-FIP", "accounts": [account] });
        let link = journey
            .apply_customer_verb(CUSTOMER, "link", &link_body)
            .await
            .expect_ok();
        assert_eq!(link["AuthenticatorType"], "DIRECT");
        let mut body = rebit_message("Notifier", "");
        body["Notifier"] = json!({ "type": "FIP", "id": "ACME-FIP" });
        body["AccountLinkStatusNotification"] = json!({
            "accRefNumber": account,
            "customerAddress": CUSTOMER,
            "linkRefNumber": "0f5d4a58-32cb-4b0c-8c39-6b60cd5ab001",
            "linkStatus": "LINKED",
        });
        body
    }

    async fn play_link_notification(&self, family: u32, variant: u32) -> Outcome {
        const OBJECTS: &[&str] = &["Notifier", "AccountLinkStatusNotification"];
        const ACCOUNT: &str = "AccountLinkStatusNotification.accRefNumber";
        const CUSTOMER_ADDRESS: &str = "AccountLinkStatusNotification.customerAddress";
        let (fip, path) = (Participant::acme_fip(), "/Account/link/Notification");
        let body = self.build_link_notification().await;
        let variations = match (family, variant) {
            (3020, _) => vec![("valid".to_owned(), body)],
            (3021, 1) => vary_each(
                &body,
                &[LINK_NOTIFICATION_TEXTS, OBJECTS].concat(),
                &Value::Null,
            ),
            (3021, 2) => vary_each(&body, LINK_NOTIFICATION_TEXTS, &"".into()),
            (3021, _) => vary_spelling(&body, &["AccountLinkStatusNotification.linkStatus"]),
            (3022, variant) => vary_version(&body, variant),
            (3023, variant) => vary_timestamps(&body, &["timestamp"], variant),
            (3024, variant) => vary_txnid(&body, variant),
            (3025, 2) => vary_one(&body, "Notifier.type", "AA"),
            (3025, 1) => vary_one(&body, "Notifier.id", "FIP-9"),
            (3025, variant) => vary_id(&body, "Notifier.id", variant - 2),
            (3026, 3) => vary_id(&body, ACCOUNT, 3),
            (3026, variant) => vary_id(&body, ACCOUNT, variant),
            (3027, variant) => {
                let address = match variant {
                    1 => "9876500001",
                    2 => "987650000@mockaa",
                    3 => "9876500001@other",
                    4 => "9876500001@mocka",
                    _ => "@mockaa",
                };
                vary_one(&body, CUSTOMER_ADDRESS, address)
            }
            (3028, _) => {
                Journey::new(&self.app)
                    .apply_customer_verb(CUSTOMER, "deregister", &Value::Null)
                    .await
                    .expect_ok();
                vec![("after deregistration".to_owned(), body)]
            }
            (_, 1) => {
                return self
                    .post_all(
                        &Participant::fip_1(),
                        path,
                        vec![("as FIP-1".to_owned(), body)],
                    )
                    .await;
            }
            _ => {
                return self
                    .post_all(
                        &Participant::fip_1(),
                        path,
                        vary_one(&body, "Notifier.id", "FIP-1"),
                    )
                    .await;
            }
        };
        self.post_all(&fip, path, variations).await
    }

    async fn play_forged_notification(&self, family: u32, variant: u32) -> Outcome {
        let (actor, path, body) = match family {
            3030 | 3033 | 3034 => (
                Participant::fip_1(),
                "/Consent/Notification",
                self.build_consent_notification().await,
            ),
            3031 | 3035 | 3036 => (
                Participant::fip_1(),
                "/FI/Notification",
                self.build_fi_notification("READY").await,
            ),
            _ => (
                Participant::acme_fip(),
                "/Account/link/Notification",
                self.build_link_notification().await,
            ),
        };
        match family {
            3030..=3032 => {
                self.post_forged_signature(&actor, path, &body, variant)
                    .await
            }
            3033 | 3035 | 3037 => self.post_forged_key(&actor, path, &body, variant).await,
            _ => {
                self.post_borrowed_key(&actor, &Participant::fip_2(), path, &body)
                    .await
            }
        }
    }

    async fn play_heartbeat(&self, family: u32) -> Outcome {
        let actor = if family == 4001 {
            Participant::fip_1()
        } else {
            Participant::fiu_1()
        };
        let request = self
            .app
            .request(Method::GET, "/Heartbeat")
            .header(actor.header, &actor.api_key);
        let reply = self.app.send(request).await;
        assert_eq!(reply.json()["Status"], "UP");
        single_call("heartbeat", reply)
    }
}

fn clone_participant(actor: &Participant) -> Participant {
    match actor.id {
        "FIU-1" => Participant::fiu_1(),
        "FIP-1" => Participant::fip_1(),
        "ACME-FIP" => Participant::acme_fip(),
        other => panic!("no clone of {other}"),
    }
}

fn expire_in_five_minutes(body: &mut Value) {
    body["ConsentDetail"]["consentExpiry"] = "2020-07-04T06:05:00.000Z".into();
}

/// Returns the message with this timestamp, for a clock that was moved.
fn with_timestamp(body: &Value, now: &str) -> Value {
    vary_one(body, "timestamp", now).remove(0).1
}
