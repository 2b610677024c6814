//! The field tables of the published Unaport page, row by row: what is mandatory, every length at, one below and one
//! above the limit, every enumeration. The rows stand here once more, as the page prints them, so that a slip in the
//! code's own tables is seen.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::helpers::{NOW, Reply, TestApp, set};
use crate::lender::{APP, COMMON, Lender, by_template, credentials, request, template, text};

/// What a field holds, and how a value of it is made as long as one likes.
#[derive(Clone, Copy, Debug)]
enum Sort {
    Text,
    /// Of another kind than its length tells: a text of the right length may still be refused for what it says.
    Known,
    Email,
    Phone,
    Address,
    Customer,
    Instant,
    /// Months, with or without a minus sign.
    Months(&'static str),
    Digits,
    Names(&'static [&'static str]),
    List(&'static [&'static str]),
    Object,
    Filters,
}

use Sort::{
    Address, Customer, Digits, Email, Filters, Instant, Known, List, Months, Names, Object, Phone,
    Text,
};

/// Path, the page's length, whether it is mandatory, and what it is.
type Row = (&'static str, Option<usize>, bool, Sort);

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

/// Login; the password has a least length too, which a test of its own looks at.
const LOGIN: &[Row] = &[
    ("emailId", Some(254), true, Email),
    ("password", Some(64), true, Text),
];

/// Refresh Token, without the length of 255 that no real token keeps to.
const REFRESH: &[Row] = &[("refresh_token", None, true, Known)];

/// Create Consent Template. Three rows are not as the page has them, since its own samples break them: the start's length
/// (20 there), and the two lists (String(15) there).
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

/// Create Consent without template. `vuaId` and `Customer.id` are mandatory on the page and empty in its samples.
const PLAIN: &[Row] = &[
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
const BY_TEMPLATE: &[Row] = &[
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

/// A call with its table, and a body that it takes.
struct Call {
    path: String,
    table: &'static [Row],
    body: Value,
}

/// The five calls that have a body.
async fn calls(app: &TestApp, lender: &Lender) -> [Call; 5] {
    let org = &lender.org;
    let saved = lender
        .post(app, &format!("{APP}/FIU/InsertProduct/{org}"), &template())
        .await
        .ok();
    let product = text(&saved["productId"]);
    let call = |path: String, table, body| Call { path, table, body };
    [
        call(format!("{COMMON}/public/user/login"), LOGIN, credentials()),
        call(
            format!("{COMMON}/public/user/refreshToken"),
            REFRESH,
            json!({ "refresh_token": lender.refresh }),
        ),
        call(
            format!("{APP}/FIU/InsertProduct/{org}"),
            TEMPLATE,
            template(),
        ),
        call(format!("{APP}/FIU/Consents/{org}"), PLAIN, request()),
        call(
            format!("{APP}/FIU/Consents/product/{org}"),
            BY_TEMPLATE,
            by_template(&product),
        ),
    ]
}

/// A value of this many characters.
fn of_length(sort: Sort, length: usize) -> Value {
    let x = |count: usize| "x".repeat(count);
    match sort {
        Text | Known => x(length).into(),
        Email => format!("{}@b.example", x(length - 10)).into(),
        Phone => "9".repeat(length).into(),
        Address => format!("https://b.example/{}", x(length - 18)).into(),
        Customer => format!("{}@ink", x(length - 4)).into(),
        // A fraction of a second may be as fine as one likes.
        Instant => format!("{}.{}Z", &NOW[..19], "0".repeat(length - 21)).into(),
        Months(sign) => format!("{sign}{}", "9".repeat(length - sign.len())).into(),
        Digits => "9".repeat(length).parse::<u64>().expect("digits").into(),
        Names(_) | List(_) | Object | Filters => panic!("{sort:?} is no text"),
    }
}

/// The fields that a refusal names, each with what is wrong.
fn problems(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status, 400, "{}", reply.text);
    let errors = reply.json()["errors"].as_array().expect("a list").clone();
    errors
        .iter()
        .map(|error| (text(&error["field"]), text(&error["problem"])))
        .collect()
}

/// Whether the table was kept to: the call was taken, or refused for a reason of another kind.
fn passes_the_table(reply: &Reply, path: &str, words: &[&str]) -> bool {
    if reply.status == 200 {
        return true;
    }
    !problems(reply)
        .iter()
        .any(|(field, problem)| field == path && words.iter().any(|word| problem.contains(word)))
}

#[tokio::test]
async fn every_length_holds_at_one_below_and_one_above() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let mut checked = 0;
    for Call { path, table, body } in calls(&app, &lender).await {
        let measured = table
            .iter()
            .filter(|(_, _, _, sort)| !matches!(sort, Names(_)));
        for (field, limit, sort) in
            measured.filter_map(|(field, limit, _, sort)| Some((field, (*limit)?, sort)))
        {
            let send = async |length: usize| {
                let mut body = body.clone();
                set(&mut body, field, Some(of_length(*sort, length)));
                lender.post(&app, &path, &body).await
            };
            for length in [limit - 1, limit] {
                let reply = send(length).await;
                let fits = match sort {
                    Known => passes_the_table(&reply, field, &["characters"]),
                    _ => reply.status == 200,
                };
                assert!(fits, "{path} {field} of {length}: {}", reply.text);
            }
            let told = problems(&send(limit + 1).await);
            assert_eq!(told.len(), 1, "{field}: {told:?}");
            assert_eq!(told[0].0, *field);
            let words = ["characters", "digits", "are allowed", "is not a date-time"];
            assert!(
                words.iter().any(|word| told[0].1.contains(word)),
                "{told:?}"
            );
            checked += 1;
        }
    }
    assert_eq!(
        checked,
        2 + 11 + 20 + 9,
        "every length of the page's tables"
    );
    for (length, status) in [(7, 400), (8, 200), (9, 200)] {
        let mut body = credentials();
        body["password"] = "x".repeat(length).into();
        let reply = app
            .post(&format!("{COMMON}/public/user/login"), &body)
            .await;
        assert_eq!(reply.status, status, "a password of {length}");
    }
}

#[tokio::test]
async fn what_is_mandatory_is_missed_and_what_is_optional_is_not() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    for Call { path, table, body } in calls(&app, &lender).await {
        for (field, _, mandatory, _) in table {
            let nothings = [
                None,
                Some(Value::Null),
                Some("".into()),
                Some("  ".into()),
                Some(json!({})),
                Some(json!([])),
            ];
            for nothing in nothings {
                let mut body = body.clone();
                set(&mut body, field, nothing.clone());
                let reply = lender.post(&app, &path, &body).await;
                if *mandatory {
                    assert_eq!(
                        problems(&reply),
                        [((*field).to_owned(), "is missing or empty".to_owned())],
                        "{path} {field} {nothing:?}"
                    );
                } else {
                    assert_eq!(
                        reply.status, 200,
                        "{path} {field} {nothing:?}: {}",
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
    let lender = Lender::arrive(&app).await;
    for Call { path, table, body } in calls(&app, &lender).await {
        for (field, limit, _, sort) in table {
            let (names, wrap): (_, fn(&str) -> Value) = match sort {
                Names(names) => (names, |name| name.into()),
                List(names) => (names, |name| json!([name])),
                _ => continue,
            };
            let send = async |value: Value| {
                let mut body = body.clone();
                set(&mut body, field, Some(value));
                lender.post(&app, &path, &body).await
            };
            for name in *names {
                let reply = send(wrap(name)).await;
                assert!(
                    passes_the_table(&reply, field, &["is not one of"]),
                    "{field} {name}: {}",
                    reply.text
                );
            }
            let limit = limit.unwrap_or(15);
            let strangers = [
                format!("{}x", names[0].to_lowercase()),
                format!("{} ", names[0]),
                "X".repeat(limit - 1),
                "X".repeat(limit),
                "X".repeat(limit + 1),
            ];
            for stranger in strangers {
                let told = problems(&send(wrap(&stranger)).await);
                assert_eq!((told.len(), told[0].0.as_str()), (1, *field));
                assert!(
                    told[0].1.contains(&format!("is not one of {}", names[0]))
                        || *field == "ConsentsRequest.ver",
                    "{told:?}"
                );
            }
            if matches!(sort, List(_)) {
                let all: Vec<_> = names.iter().chain(*names).collect();
                assert_eq!(send(json!(all)).await.status, 200, "{field} of any length");
                assert_eq!(problems(&send(json!([names[0], 5])).await).len(), 1);
            }
        }
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_told_as_what_it_is() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    for Call { path, table, body } in calls(&app, &lender).await {
        for (field, _, _, sort) in table {
            let wrong = match sort {
                Object | List(_) | Filters => [json!("x"), json!(5), json!(true)],
                Digits => [json!("1"), json!(1.5), json!(-1)],
                Months(_) => [json!("soon"), json!(1.5), json!({ "months": 1 })],
                _ => [json!(5), json!(["x"]), json!({ "x": 1 })],
            };
            for value in wrong {
                let mut body = body.clone();
                set(&mut body, field, Some(value.clone()));
                let told = problems(&lender.post(&app, &path, &body).await);
                assert_eq!(
                    (told.len(), told[0].0.as_str()),
                    (1, *field),
                    "{path} {field} {value}: {told:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn all_problems_are_told_at_once_and_nothing_else_is() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let calls = calls(&app, &lender).await;
    let before = app.consents().await;
    let mut runner = TestRunner::deterministic();
    for Call { path, table, body } in calls.iter().filter(|call| call.table.len() > 2) {
        // Rows that have none below them: what is wrong with an object hides what is wrong in it.
        let leaves: Vec<_> = table
            .iter()
            .filter(|(field, ..)| {
                !table
                    .iter()
                    .any(|(other, ..)| other.starts_with(&format!("{field}.")))
            })
            .collect();
        for _ in 0..40 {
            let places = proptest::collection::vec((0..leaves.len(), 0usize..3), 1..8);
            let places = places.new_tree(&mut runner).expect("a case").current();
            let mut broken = body.clone();
            let mut expected = BTreeSet::new();
            for (place, how) in places {
                let (field, limit, mandatory, sort) = *leaves[place];
                let value = match (how, limit) {
                    (0, _) if mandatory => None,
                    (1, Some(limit)) if matches!(sort, Text | Phone) => {
                        Some(of_length(sort, limit + 5))
                    }
                    _ => Some(json!(true)),
                };
                set(&mut broken, field, value);
                expected.insert(field.to_owned());
            }
            let told: BTreeSet<_> = problems(&lender.post(&app, path, &broken).await)
                .into_iter()
                .map(|(field, _)| field)
                .collect();
            assert_eq!(told, expected, "{path} {broken}");
        }
    }
    assert_eq!(app.consents().await, before, "a refusal raises nothing");
}

#[tokio::test]
async fn a_mutated_body_is_taken_or_refused_in_form() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let mut runner = TestRunner::new(Config::default());
    for Call { path, body, .. } in calls(&app, &lender).await {
        let bodies = crate::errors::mutated(&body);
        for _ in 0..60 {
            let body = bodies.new_tree(&mut runner).expect("a case").current();
            let call = app
                .request(reqwest::Method::POST, &path)
                .bearer_auth(&lender.access);
            let reply = app
                .send(
                    call.header("content-type", "application/json")
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
