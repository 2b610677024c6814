//! Invalid input gets an error in the format of its API that names the field, never a 5xx, and
//! changes nothing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{TestApp, rebit_request, seed_request, set_path};

/// Returns each field path with the value that it gets; `None` removes the field.
fn invalid_fields() -> Vec<(&'static str, Option<Value>)> {
    let detail_path = |name: &str| -> &'static str {
        Box::leak(format!("ConsentDetail.{name}").into_boxed_str())
    };
    let mandatory = [
        "consentStart",
        "consentExpiry",
        "consentMode",
        "fetchType",
        "DataConsumer.id",
        "Customer.id",
        "Purpose.code",
        "FIDataRange.from",
        "FIDataRange.to",
        "DataLife.unit",
        "Frequency.unit",
    ];
    let mut cases = vec![
        ("ver", None),
        ("timestamp", None),
        ("txnid", None),
        ("ConsentDetail", None),
    ];
    for name in mandatory {
        cases.push((detail_path(name), None));
        cases.push((detail_path(name), Some(Value::Null)));
        cases.push((detail_path(name), Some("  ".into())));
        cases.push((detail_path(name), Some(7.into())));
    }
    for name in [
        "DataConsumer",
        "Customer",
        "Purpose",
        "FIDataRange",
        "DataLife",
        "Frequency",
    ] {
        cases.push((detail_path(name), Some(json!({}))));
        cases.push((detail_path(name), Some(json!(["MONTH", 1]))));
        cases.push((detail_path(name), Some("x".into())));
    }
    for name in ["consentTypes", "fiTypes"] {
        cases.push((detail_path(name), None));
        cases.push((detail_path(name), Some(json!([]))));
        cases.push((detail_path(name), Some(json!(["NONSENSE"]))));
    }
    cases.extend([
        ("txnid", Some("4a4adbbe".into())),
        ("timestamp", Some("yesterday".into())),
        (
            detail_path("consentStart"),
            Some("2020-13-01T00:00:00Z".into()),
        ),
        (
            detail_path("consentExpiry"),
            Some("2020-07-04T06:00:00.000Z".into()),
        ),
        (detail_path("consentMode"), Some("LOOK".into())),
        (detail_path("fetchType"), Some("TWICE".into())),
        (
            detail_path("FIDataRange.to"),
            Some("2017-01-01T00:00:00Z".into()),
        ),
        (detail_path("DataLife.value"), None),
        (detail_path("Frequency.value"), None),
        (
            detail_path("DataFilter"),
            Some(json!([["TRANSACTIONAMOUNT", ">=", 5]])),
        ),
        (detail_path("DataLife.value"), Some(json!(1.5))),
        (detail_path("DataLife.value"), Some(json!(-1))),
        (detail_path("Frequency.value"), Some(json!("1"))),
        (detail_path("Frequency.value"), Some(json!(1e300))),
        (detail_path("DataFilter.0.operator"), Some("==".into())),
        (detail_path("DataFilter.0.type"), Some("COLOUR".into())),
        (detail_path("DataFilter.0.value"), Some("lots".into())),
    ]);
    cases
}

#[tokio::test]
async fn every_invalid_field_is_named_and_nothing_changes() {
    let app = TestApp::start().await;
    for (path, valid) in [("/consent", seed_request()), ("/Consent", rebit_request())] {
        let mut report = String::new();
        for (field, value) in invalid_fields() {
            let mut body = valid.clone();
            let value_text = value
                .as_ref()
                .map_or("(removed)".to_owned(), Value::to_string);
            set_path(&mut body, field, value);
            let reply = app.post(path, &body).await;
            assert_eq!(reply.status, 400, "{field} {value_text}: {}", reply.text);
            let message = reply.json()["errorMsg"]
                .as_str()
                .expect("a message")
                .to_owned();
            assert!(
                message.contains(field.split(".0.").next().expect("a part")),
                "{field} {value_text}: {message}"
            );
            report += &format!("{field} {value_text}\n    {message}\n");
        }
        insta::assert_snapshot!(format!("bad_input{}", path.replace('/', "_")), report);
    }
    assert_eq!(app.count_consents().await, 0);
    assert!(app.list_deliveries().await.is_empty());
}

#[tokio::test]
async fn an_unknown_version_is_no_such_version() {
    let app = TestApp::start().await;
    for (path, valid) in [("/consent", seed_request()), ("/Consent", rebit_request())] {
        for ver in ["2.0", "2.0.00", "3.0.0", "two"] {
            let mut body = valid.clone();
            body["ver"] = ver.into();
            let reply = app.post(path, &body).await;
            assert_eq!(
                (reply.status.as_u16(), reply.json()["errorCode"].as_str()),
                (404, Some("NoSuchVersion"))
            );
        }
    }
}

#[tokio::test]
async fn bodies_that_are_no_message_are_rejected() {
    let app = TestApp::start().await;
    let deep = "[".repeat(100_000);
    let in_place = format!(
        "[\"1.1.3\",\"{}\",\"4a4adbbe-29ae-11e8-a8d7-0289437bf331\",{{}}]",
        crate::helpers::NOW
    );
    let bodies = [
        in_place.as_str(),
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{\"ver\":\"2.0.0\",\"ver\":\"2.0.0\"}",
        "\u{0}",
        &deep,
    ];
    for path in ["/consent", "/Consent", "/Consent/handle", "/Consent/fetch"] {
        for body in bodies {
            let reply = app.post_text(path, body).await;
            assert_eq!(reply.status, 400, "{path} {body:.20}: {}", reply.text);
            assert_eq!(reply.json()["errorCode"], "InvalidRequest");
        }
        let invalid_utf8 = app
            .request(Method::POST, path)
            .header("content-type", "application/json");
        assert_eq!(
            app.send(invalid_utf8.body(vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}']))
                .await
                .status,
            400
        );
    }
}

#[tokio::test]
async fn a_wrong_content_type_is_rejected_and_a_missing_one_is_not() {
    let app = TestApp::start().await;
    let body = seed_request().to_string();
    for (content_type, status) in [
        ("text/plain", 400),
        ("application/json; charset=utf-8", 200),
        ("APPLICATION/JSON", 200),
    ] {
        let request = app
            .request(Method::POST, "/consent")
            .header("content-type", content_type)
            .body(body.clone());
        assert_eq!(app.send(request).await.status, status, "{content_type}");
    }
    assert_eq!(
        app.send(app.request(Method::POST, "/consent").body(body))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_rejected() {
    let app = TestApp::start().await;
    for path in ["/consent", "/Consent"] {
        let mut body = seed_request();
        body["padding"] = "x".repeat(1024 * 1024).into();
        let reply = app.post(path, &body).await;
        assert_eq!(reply.status, 413);
        assert_eq!(
            reply.json()["errorMsg"],
            "the body is larger than 1048576 bytes"
        );
    }
    let mut body = seed_request();
    body["padding"] = "x".repeat(1000 * 1000).into();
    app.post("/consent", &body).await.expect_ok();
}

#[tokio::test]
async fn unknown_paths_and_methods_name_the_known_ones() {
    let app = TestApp::start().await;
    for (path, ver) in [
        ("/consent/", "1.0"),
        ("/w/x/consent/a/b", "1.0"),
        ("/Consent/", "2.0.0"),
        ("/v2/consent", "1.0"),
    ] {
        let reply = app.get(path).await;
        assert_eq!(
            (reply.json()["ver"].as_str(), reply.signature.is_some()),
            (Some(ver), ver == "2.0.0"),
            "{path}"
        );
    }
    assert!(
        app.send(app.request(Method::HEAD, "/livez"))
            .await
            .status
            .is_success()
    );
    let unknown = app.get("/Consent/nothing/here").await;
    assert_eq!(
        (
            unknown.status.as_u16(),
            unknown.json()["errorCode"].as_str()
        ),
        (404, Some("InvalidURI"))
    );
    let wrong_method = app.send(app.request(Method::DELETE, "/Consent")).await;
    assert_eq!(wrong_method.status, 405);
    assert_eq!(
        wrong_method.json()["errorMsg"],
        "method DELETE is not allowed for /Consent; use POST"
    );
    let control_reply = app.get("/_mockaa/v1/nothing").await;
    assert_eq!(control_reply.status, 404);
    assert!(
        control_reply.json()["error"]
            .as_str()
            .expect("a text")
            .contains("/_mockaa/v1/nothing")
    );
}

#[tokio::test]
async fn an_unknown_consent_is_reported_in_the_apis_error_format() {
    let app = TestApp::start().await;
    for id in [
        "00000000-0000-4000-8000-000000000000",
        "XXXX-XXXX-XXXX-XXXX",
        "%00",
        &"x".repeat(5000),
    ] {
        let reply = app.get(&format!("/consent/{id}")).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["errorCode"].as_str()),
            (400, Some("InvalidConsentId")),
            "{id}"
        );
        assert_eq!(reply.json()["ver"], "1.0");
    }
}

#[tokio::test]
async fn an_error_does_not_send_a_huge_value_back() {
    let app = TestApp::start().await;
    let huge = "x".repeat(500_000);
    for field in [
        "ver",
        "txnid",
        "timestamp",
        "ConsentDetail.consentMode",
        "ConsentDetail.Customer.id",
        "ConsentDetail.Purpose",
    ] {
        for (path, mut body) in [("/consent", seed_request()), ("/Consent", rebit_request())] {
            set_path(&mut body, field, Some(huge.as_str().into()));
            let reply = app.post(path, &body).await;
            assert!(
                reply.status.is_client_error() && reply.text.len() < 1_000,
                "{field}: {} bytes",
                reply.text.len()
            );
        }
    }
}

#[tokio::test]
async fn empty_objects_and_odd_identifiers() {
    let app = TestApp::start().await;
    let mut body = seed_request();
    set_path(&mut body, "ConsentDetail.VDRProvider", Some(json!({})));
    app.post("/consent", &body).await.expect_ok();
    let mut body = rebit_request();
    let customer = json!({ "Identifiers": [{ "type": "MOBILE", "value": "x@y" }] });
    set_path(&mut body, "ConsentDetail.Customer", Some(customer));
    assert_eq!(
        app.post("/Consent", &body).await.json()["errorCode"],
        "InvalidCustomerAddress"
    );
}

#[tokio::test]
async fn a_mockaa_header_that_cannot_be_read_is_rejected() {
    let app = TestApp::start().await;
    for name in ["x-mockaa-world", "x-mockaa-scenario"] {
        let value = reqwest::header::HeaderValue::from_bytes(b"caf\xe9")
            .expect("a header value of these bytes");
        let request = app
            .request(Method::POST, "/consent")
            .header(name, value)
            .json(&seed_request());
        let reply = app.send(request).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert!(reply.text.contains(name));
    }
    assert_eq!(app.count_consents().await, 0);
}

#[tokio::test]
async fn a_range_to_the_end_of_time_is_a_bounded_statement() {
    let mut app = TestApp::start_with(|builder| builder.clock("9999-06-01T06:00:00Z,frozen")).await;
    app.raise_consent(|body| {
        for (field, value) in [
            ("consentStart", "9999-06-01T06:00:00Z"),
            ("consentExpiry", "9999-12-31T23:59:59.999Z"),
            ("FIDataRange.from", "0001-01-01T00:00:00Z"),
            ("FIDataRange.to", "9999-12-31T23:59:59.999Z"),
            ("Customer.id", "9999999001@mockaa"),
        ] {
            set_path(body, &format!("ConsentDetail.{field}"), Some(value.into()));
        }
    })
    .await;
    app.advance_clock("0s").await;
    let data = app
        .fiu
        .drain_messages()
        .pop()
        .expect("the statement")
        .json()["FIData"]
        .clone();
    let document = data["xml"][0]["FI"].as_str().expect("a document");
    assert!(document.contains("startDate=\"0001-01-01\" endDate=\"9999-12-31\""));
    let rows = data["statement"]["DEPOSIT"]["transactions"]
        .as_array()
        .expect("rows")
        .len();
    assert!(
        (1_000..10_000).contains(&rows),
        "{rows} rows of 20,000 and more in 90 years"
    );
}

#[tokio::test]
async fn stored_input_is_bounded() {
    let app = TestApp::start().await;
    for (path, value, expected) in [
        (
            "ConsentDetail.Purpose.text",
            Value::from("x".repeat(5_000)),
            "is longer than 4096 bytes",
        ),
        (
            "ConsentDetail.Customer.id",
            format!("{}@mockaa", "x".repeat(5_000)).into(),
            "is longer than 4096 bytes",
        ),
        (
            "ConsentDetail.Customer.id",
            "a\u{0}b@mockaa".into(),
            "is not an address",
        ),
        (
            "ConsentDetail.fiTypes",
            vec!["DEPOSIT"; 2_000].into(),
            "has 2000 entries",
        ),
        (
            "ConsentDetail.DataFilter",
            vec![serde_json::json!({}); 2_000].into(),
            "has 2000 entries",
        ),
    ] {
        let mut body = rebit_request();
        set_path(&mut body, path, Some(value));
        let reply = app.post("/Consent", &body).await;
        assert!(
            reply.status == 400 && reply.text.contains(expected),
            "{path}: {}",
            reply.text
        );
    }
    let mut body = rebit_request();
    set_path(
        &mut body,
        "ConsentDetail.fiTypes",
        Some(vec!["DEPOSIT"; 3].into()),
    );
    app.post("/Consent", &body).await.expect_ok();
}
