//! The field tables of the published Unaport page, row by row: what is mandatory, every length at,
//! one below and one above the limit, every enumeration. The rows are repeated here, as the page
//! prints them, so that an error in the tables of the code is found.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::helpers::{NOW, Reply, TestApp, set_path};
use crate::lender::{
    APP_PREFIX, COMMON_PREFIX, Lender, consent_request, consent_template, credentials, expect_text,
    template_consent_request,
};

/// The kind of a field's value, which decides how a value of a given length is generated.
#[derive(Clone, Copy, Debug)]
enum FieldKind {
    Text,
    /// Value with its own validation: a text of a valid length may still be rejected.
    Known,
    Email,
    Phone,
    Address,
    Customer,
    Instant,
    /// Months, with this sign or none.
    Months(&'static str),
    Digits,
    Names(&'static [&'static str]),
    List(&'static [&'static str]),
    Object,
    Filters,
}

use FieldKind::{
    Address, Customer, Digits, Email, Filters, Instant, Known, List, Months, Names, Object, Phone,
    Text,
};

/// Path, length on the page, whether it is mandatory, and kind.
type Row = (&'static str, Option<usize>, bool, FieldKind);

const MODES: &[&str] = &["VIEW", "STORE", "QUERY", "STREAM"];
const FETCH_TYPES: &[&str] = &["ONETIME", "PERIODIC"];
const CONSENT_TYPES: &[&str] = &["PROFILE", "SUMMARY", "TRANSACTIONS"];
const FI_TYPES: &[&str] = &[
    "DEPOSIT",
    "TERM_DEPOSIT",
    "RECURRING_DEPOSIT",
    "MUTUAL_FUNDS",
    "ETF",
    "EQUITIES",
    "NPS",
    "INSURANCE_POLICIES",
    "GSTR1_3B",
];
const PURPOSES: &[&str] = &["101", "102", "103", "104", "105"];
const LIFE_UNITS: &[&str] = &["MONTH", "YEAR", "DAY", "INF"];
const FREQUENCY_UNITS: &[&str] = &["HOUR", "DAY", "MONTH", "YEAR", "INF"];

/// Login. The password also has a minimum length, which a separate check covers.
const LOGIN: &[Row] = &[
    ("emailId", Some(254), true, Email),
    ("password", Some(64), true, Text),
];

/// Refresh Token, without the length of 255, which every real token exceeds.
const REFRESH: &[Row] = &[("refresh_token", None, true, Known)];

/// Create Consent Template. Three rows differ from the page, because its own samples violate them:
/// the length of the start (20 there), and the two lists (String(15) there).
const TEMPLATE: &[Row] = &[
    ("product_name", Some(100), true, Text),
    ("ConsentDetail", None, true, Object),
    ("ConsentDetail.consentStart", Some(24), true, Instant),
    ("ConsentDetail.consentExpiry", Some(2), true, Months("")),
    ("ConsentDetail.consentMode", Some(10), true, Names(MODES)),
    ("ConsentDetail.fetchType", Some(8), true, Names(FETCH_TYPES)),
    (
        "ConsentDetail.consentTypes",
        None,
        true,
        List(CONSENT_TYPES),
    ),
    ("ConsentDetail.fiTypes", None, true, List(FI_TYPES)),
    ("ConsentDetail.DataConsumer.id", Some(50), true, Text),
    (
        "ConsentDetail.Purpose.code",
        Some(10),
        true,
        Names(PURPOSES),
    ),
    ("ConsentDetail.Purpose.refUri", Some(255), false, Known),
    ("ConsentDetail.Purpose.text", Some(255), false, Text),
    ("ConsentDetail.Purpose.Category.type", Some(50), false, Text),
    ("ConsentDetail.FIDataRange.from", Some(4), true, Months("-")),
    ("ConsentDetail.FIDataRange.to", Some(4), true, Months("")),
    (
        "ConsentDetail.DataLife.unit",
        Some(5),
        true,
        Names(LIFE_UNITS),
    ),
    ("ConsentDetail.DataLife.value", Some(3), true, Digits),
    (
        "ConsentDetail.Frequency.unit",
        Some(5),
        true,
        Names(FREQUENCY_UNITS),
    ),
    ("ConsentDetail.Frequency.value", Some(3), true, Digits),
    ("ConsentDetail.DataFilter", None, false, Filters),
];

/// Create Consent without template. `vuaId` and `Customer.id` are mandatory on the page and empty
/// in its samples. `vuaId` must be present.
const WITHOUT_TEMPLATE: &[Row] = &[
    ("vuaId", Some(50), false, Text),
    ("createdBy", Some(100), true, Text),
    ("trackingId", Some(50), true, Text),
    ("aaId", Some(50), true, Known),
    ("fiuId", Some(50), true, Text),
    ("redirectUrl", Some(255), false, Address),
    ("fiuBaseUrl", Some(255), true, Text),
    ("ConsentsRequest", None, true, Object),
    (
        "ConsentsRequest.ver",
        Some(5),
        true,
        Names(&["1.1.2", "2.0.0"]),
    ),
    ("ConsentsRequest.timestamp", Some(25), true, Instant),
    ("ConsentsRequest.txnid", Some(50), true, Text),
    ("ConsentsRequest.ConsentDetail", None, true, Object),
    (
        "ConsentsRequest.ConsentDetail.consentStart",
        Some(24),
        true,
        Instant,
    ),
    (
        "ConsentsRequest.ConsentDetail.consentExpiry",
        Some(24),
        true,
        Known,
    ),
    (
        "ConsentsRequest.ConsentDetail.consentMode",
        Some(10),
        true,
        Names(MODES),
    ),
    (
        "ConsentsRequest.ConsentDetail.fetchType",
        Some(8),
        true,
        Names(FETCH_TYPES),
    ),
    (
        "ConsentsRequest.ConsentDetail.consentTypes",
        None,
        true,
        List(CONSENT_TYPES),
    ),
    (
        "ConsentsRequest.ConsentDetail.fiTypes",
        None,
        true,
        List(FI_TYPES),
    ),
    (
        "ConsentsRequest.ConsentDetail.DataConsumer",
        None,
        true,
        Object,
    ),
    (
        "ConsentsRequest.ConsentDetail.DataConsumer.id",
        Some(50),
        true,
        Text,
    ),
    (
        "ConsentsRequest.ConsentDetail.DataConsumer.type",
        Some(10),
        true,
        Names(&["FIU"]),
    ),
    ("ConsentsRequest.ConsentDetail.Customer", None, true, Object),
    (
        "ConsentsRequest.ConsentDetail.Customer.id",
        Some(100),
        false,
        Customer,
    ),
    ("ConsentsRequest.ConsentDetail.Purpose", None, true, Object),
    (
        "ConsentsRequest.ConsentDetail.Purpose.code",
        Some(10),
        true,
        Names(PURPOSES),
    ),
    (
        "ConsentsRequest.ConsentDetail.Purpose.refUri",
        Some(255),
        false,
        Known,
    ),
    (
        "ConsentsRequest.ConsentDetail.Purpose.text",
        Some(255),
        false,
        Text,
    ),
    (
        "ConsentsRequest.ConsentDetail.Purpose.Category",
        None,
        false,
        Object,
    ),
    (
        "ConsentsRequest.ConsentDetail.Purpose.Category.type",
        Some(50),
        false,
        Text,
    ),
    (
        "ConsentsRequest.ConsentDetail.FIDataRange",
        None,
        true,
        Object,
    ),
    (
        "ConsentsRequest.ConsentDetail.FIDataRange.from",
        Some(24),
        true,
        Known,
    ),
    (
        "ConsentsRequest.ConsentDetail.FIDataRange.to",
        Some(24),
        true,
        Known,
    ),
    ("ConsentsRequest.ConsentDetail.DataLife", None, true, Object),
    (
        "ConsentsRequest.ConsentDetail.DataLife.unit",
        Some(5),
        true,
        Names(LIFE_UNITS),
    ),
    (
        "ConsentsRequest.ConsentDetail.DataLife.value",
        Some(3),
        true,
        Digits,
    ),
    (
        "ConsentsRequest.ConsentDetail.Frequency",
        None,
        true,
        Object,
    ),
    (
        "ConsentsRequest.ConsentDetail.Frequency.unit",
        Some(5),
        true,
        Names(FREQUENCY_UNITS),
    ),
    (
        "ConsentsRequest.ConsentDetail.Frequency.value",
        Some(3),
        true,
        Digits,
    ),
];

/// Create Consent with template.
const WITH_TEMPLATE: &[Row] = &[
    ("vuaId", Some(50), false, Text),
    ("mobileNumber", Some(15), true, Phone),
    ("createdBy", Some(100), true, Text),
    ("trackingId", Some(50), true, Text),
    ("aaId", Some(50), true, Known),
    ("fiuId", Some(50), true, Text),
    ("redirectUrl", Some(255), false, Address),
    ("fiuBaseUrl", Some(255), true, Text),
    ("productId", Some(50), true, Known),
];

/// A call with its table, and a valid body.
struct Call {
    path: String,
    table: &'static [Row],
    body: Value,
}

/// Returns the five calls that have a body.
async fn build_calls(app: &TestApp, lender: &Lender) -> [Call; 5] {
    let org = &lender.org_id;
    let saved = lender
        .post(
            app,
            &format!("{APP_PREFIX}/FIU/InsertProduct/{org}"),
            &consent_template(),
        )
        .await
        .expect_ok();
    let product = expect_text(&saved["productId"]);
    let call = |path: String, table, body| Call { path, table, body };
    [
        call(
            format!("{COMMON_PREFIX}/public/user/login"),
            LOGIN,
            credentials(),
        ),
        call(
            format!("{COMMON_PREFIX}/public/user/refreshToken"),
            REFRESH,
            json!({ "refresh_token": lender.refresh_token }),
        ),
        call(
            format!("{APP_PREFIX}/FIU/InsertProduct/{org}"),
            TEMPLATE,
            consent_template(),
        ),
        call(
            format!("{APP_PREFIX}/FIU/Consents/{org}"),
            WITHOUT_TEMPLATE,
            consent_request(),
        ),
        call(
            format!("{APP_PREFIX}/FIU/Consents/product/{org}"),
            WITH_TEMPLATE,
            template_consent_request(&product),
        ),
    ]
}

/// Returns a value of this many characters.
fn value_of_length(kind: FieldKind, length: usize) -> Value {
    let x = |count: usize| "x".repeat(count);
    match kind {
        Text | Known => x(length).into(),
        Email => format!("{}@b.example", x(length - 10)).into(),
        Phone => "9".repeat(length).into(),
        Address => format!("https://b.example/{}", x(length - 18)).into(),
        Customer => format!("{}@ink", x(length - 4)).into(),
        // A fraction of a second may have any number of digits.
        Instant => format!("{}.{}Z", &NOW[..19], "0".repeat(length - 21)).into(),
        Months(sign) => format!("{sign}{}", "9".repeat(length - sign.len())).into(),
        Digits => "9".repeat(length).parse::<u64>().expect("digits").into(),
        Names(_) | List(_) | Object | Filters => panic!("{kind:?} has no length"),
    }
}

/// Returns the fields that an error response names, each with its problem.
fn field_errors(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status, 400, "{}", reply.text);
    let errors = reply.json()["errors"].as_array().expect("a list").clone();
    errors
        .iter()
        .map(|error| (expect_text(&error["field"]), expect_text(&error["message"])))
        .collect()
}

/// Returns whether the response conforms to the table: the call was accepted, or rejected for
/// another reason.
fn matches_table(reply: &Reply, path: &str, messages: &[&str]) -> bool {
    if reply.status == 200 {
        return true;
    }
    !field_errors(reply).iter().any(|(field, problem)| {
        field == path && messages.iter().any(|message| problem.contains(message))
    })
}

#[tokio::test]
async fn every_length_holds_at_one_below_and_one_above() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let mut checked = 0;
    for Call { path, table, body } in build_calls(&app, &lender).await {
        let measured = table
            .iter()
            .filter(|(_, _, _, kind)| !matches!(kind, Names(_)));
        for (field, limit, kind) in
            measured.filter_map(|(field, limit, _, kind)| Some((field, (*limit)?, kind)))
        {
            let send = async |length: usize| {
                let mut body = body.clone();
                set_path(&mut body, field, Some(value_of_length(*kind, length)));
                lender.post(&app, &path, &body).await
            };
            for length in [limit - 1, limit] {
                let reply = send(length).await;
                let fits = match kind {
                    Known => matches_table(&reply, field, &["characters"]),
                    _ => reply.status == 200,
                };
                assert!(fits, "{path} {field} of {length}: {}", reply.text);
            }
            let errors = field_errors(&send(limit + 1).await);
            assert_eq!(errors.len(), 1, "{field}: {errors:?}");
            assert_eq!(errors[0].0, *field);
            let messages = ["characters", "digits", "are allowed", "is not a date-time"];
            assert!(
                messages.iter().any(|message| errors[0].1.contains(message)),
                "{errors:?}"
            );
            checked += 1;
        }
    }
    assert_eq!(
        checked,
        2 + 11 + 20 + 9,
        "number of lengths in the page's tables"
    );
    for (length, status) in [(7, 400), (8, 200), (9, 200)] {
        let mut body = credentials();
        body["password"] = "x".repeat(length).into();
        let reply = app
            .post(&format!("{COMMON_PREFIX}/public/user/login"), &body)
            .await;
        assert_eq!(reply.status, status, "a password of {length}");
    }
}

#[tokio::test]
async fn what_is_mandatory_is_missed_and_what_is_optional_is_not() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    for Call { path, table, body } in build_calls(&app, &lender).await {
        for (field, _, mandatory, _) in table {
            let empty_values = [
                None,
                Some(Value::Null),
                Some("".into()),
                Some("  ".into()),
                Some(json!({})),
                Some(json!([])),
            ];
            for empty_value in empty_values {
                let mut body = body.clone();
                set_path(&mut body, field, empty_value.clone());
                let reply = lender.post(&app, &path, &body).await;
                let is_absent = !matches!(&empty_value, Some(Value::String(_)));
                if *field == "vuaId" && is_absent {
                    assert_eq!(
                        field_errors(&reply),
                        [(
                            "vuaId".to_owned(),
                            "is missing; it may be an empty text".to_owned()
                        )],
                        "{path} {empty_value:?}"
                    );
                } else if *mandatory {
                    assert_eq!(
                        field_errors(&reply),
                        [((*field).to_owned(), "is missing or empty".to_owned())],
                        "{path} {field} {empty_value:?}"
                    );
                } else {
                    assert_eq!(
                        reply.status, 200,
                        "{path} {field} {empty_value:?}: {}",
                        reply.text
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn every_enumeration_takes_its_names_and_no_others() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    for Call { path, table, body } in build_calls(&app, &lender).await {
        for (field, limit, _, kind) in table {
            let (names, wrap): (_, fn(&str) -> Value) = match kind {
                Names(names) => (names, |name| name.into()),
                List(names) => (names, |name| json!([name])),
                _ => continue,
            };
            let send = async |value: Value| {
                let mut body = body.clone();
                set_path(&mut body, field, Some(value));
                lender.post(&app, &path, &body).await
            };
            for name in *names {
                let reply = send(wrap(name)).await;
                assert!(
                    matches_table(&reply, field, &["is not one of"]),
                    "{field} {name}: {}",
                    reply.text
                );
            }
            let limit = limit.unwrap_or(15);
            let unknown_names = [
                format!("{}x", names[0].to_lowercase()),
                format!("{} ", names[0]),
                "X".repeat(limit - 1),
                "X".repeat(limit),
                "X".repeat(limit + 1),
            ];
            for unknown_name in unknown_names {
                let errors = field_errors(&send(wrap(&unknown_name)).await);
                assert_eq!((errors.len(), errors[0].0.as_str()), (1, *field));
                assert!(
                    errors[0].1.contains(&format!("is not one of {}", names[0]))
                        || *field == "ConsentsRequest.ver",
                    "{errors:?}"
                );
            }
            if matches!(kind, List(_)) {
                let all: Vec<_> = names.iter().chain(*names).collect();
                assert_eq!(send(json!(all)).await.status, 200, "{field} of any length");
                assert_eq!(field_errors(&send(json!([names[0], 5])).await).len(), 1);
            }
        }
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_reported() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    for Call { path, table, body } in build_calls(&app, &lender).await {
        for (field, _, _, kind) in table {
            let wrong = match kind {
                Object | List(_) | Filters => [json!("x"), json!(5), json!(true)],
                Digits => [json!("1"), json!(1.5), json!(-1)],
                Months(_) => [json!("soon"), json!(1.5), json!({ "months": 1 })],
                _ => [json!(5), json!(["x"]), json!({ "x": 1 })],
            };
            for value in wrong {
                let mut body = body.clone();
                set_path(&mut body, field, Some(value.clone()));
                let errors = field_errors(&lender.post(&app, &path, &body).await);
                assert_eq!(
                    (errors.len(), errors[0].0.as_str()),
                    (1, *field),
                    "{path} {field} {value}: {errors:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn all_invalid_fields_are_reported_at_once() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let calls = build_calls(&app, &lender).await;
    let before = app.count_consents().await;
    let mut runner = TestRunner::deterministic();
    for Call { path, table, body } in calls.iter().filter(|call| call.table.len() > 2) {
        // Rows without child rows: an error in an object hides the errors inside it.
        let leaves: Vec<_> = table
            .iter()
            .filter(|(field, ..)| {
                !table
                    .iter()
                    .any(|(other, ..)| other.starts_with(&format!("{field}.")))
            })
            .collect();
        for _ in 0..40 {
            let mutations = proptest::collection::vec((0..leaves.len(), 0usize..3), 1..8);
            let mutations = mutations.new_tree(&mut runner).expect("a case").current();
            let mut broken = body.clone();
            let mut expected = BTreeSet::new();
            for (index, mutation) in mutations {
                let (field, limit, mandatory, kind) = *leaves[index];
                let value = match (mutation, limit) {
                    (0, _) if mandatory => None,
                    (1, Some(limit)) if matches!(kind, Text | Phone) => {
                        Some(value_of_length(kind, limit + 5))
                    }
                    _ => Some(json!(true)),
                };
                set_path(&mut broken, field, value);
                expected.insert(field.to_owned());
            }
            let reported: BTreeSet<_> = field_errors(&lender.post(&app, path, &broken).await)
                .into_iter()
                .map(|(field, _)| field)
                .collect();
            assert_eq!(reported, expected, "{path} {broken}");
        }
    }
    assert_eq!(
        app.count_consents().await,
        before,
        "a rejected request creates no consent"
    );
}

#[tokio::test]
async fn a_mutated_body_is_accepted_or_rejected_in_form() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let mut runner = TestRunner::new(Config::default());
    for Call { path, body, .. } in build_calls(&app, &lender).await {
        let bodies = crate::errors::mutate_json(&body);
        for _ in 0..60 {
            let body = bodies.new_tree(&mut runner).expect("a case").current();
            let request = app
                .request(reqwest::Method::POST, &path)
                .bearer_auth(&lender.access_token);
            let reply = app
                .send(
                    request
                        .header("content-type", "application/json")
                        .body(body.clone()),
                )
                .await;
            let status = reply.status.as_u16();
            assert!(
                [200, 400, 401, 403].contains(&status),
                "{path} {status} for {body}: {}",
                reply.text
            );
            assert!(
                status == 200 || reply.json()["status"] == status,
                "{}",
                reply.text
            );
        }
    }
}
