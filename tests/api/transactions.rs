//! Changed transactions of a customer's bank account: the control API, and what an FIU fetches
//! and is notified of.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Reply, TestApp, set_path};
use crate::lender::expect_text;
use crate::participants::{Journey, decrypt_documents, key_material, key_pair};
use mockaa::internals::domain::key_exchange::Curve;

const CUSTOMER: &str = "9876500001@mockaa";

/// A row of a statement: id, amount with its sign and balance in paise, narration.
type FetchedRow = (String, i64, i64, String);

fn path_of(txn_id: &str) -> String {
    format!("/_mockaa/v1/customers/{CUSTOMER}/transactions{txn_id}")
}

async fn add(app: &TestApp, body: Value) -> Reply {
    app.post(&path_of(""), &body).await
}

async fn change(app: &TestApp, txn_id: &str, body: Value) -> Reply {
    let request = app.request(Method::PATCH, &path_of(&format!("/{txn_id}")));
    app.send(request.json(&body)).await
}

async fn remove(app: &TestApp, txn_id: &str) -> Reply {
    let request = app.request(Method::DELETE, &path_of(&format!("/{txn_id}")));
    app.send(request).await
}

fn attribute(row: &str, name: &str) -> String {
    let (_, rest) = row
        .split_once(&format!(" {name}=\""))
        .unwrap_or_else(|| panic!("{name} is in {row}"));
    rest.split('"').next().expect("a value").to_owned()
}

fn to_paise(text: &str) -> i64 {
    let (rupees, paise) = text.split_once('.').unwrap_or((text, "00"));
    format!("{rupees}{paise}").parse().expect("an amount")
}

fn parse_rows(document: &str) -> Vec<FetchedRow> {
    let rows = document.split("<Transaction ").skip(1);
    rows.map(|row| {
        let row = format!(" {row}");
        let amount = to_paise(&attribute(&row, "amount"));
        let is_credit = attribute(&row, "type") == "CREDIT";
        let signed = if is_credit { amount } else { -amount };
        let balance = to_paise(&attribute(&row, "currentBalance"));
        (
            attribute(&row, "txnId"),
            signed,
            balance,
            attribute(&row, "narration"),
        )
    })
    .collect()
}

async fn open_session(app: &TestApp, journey: &Journey<'_>, consent: &str) -> String {
    let mut request = journey.build_fi_request(consent).await;
    request["KeyMaterial"] = key_material(&key_pair(Curve::X25519));
    let reply = journey.fiu.post(app, "/FI/request", &request).await;
    let session = reply.expect_ok()["sessionId"].clone();
    session.as_str().expect("a session").to_owned()
}

async fn fetch_document(journey: &Journey<'_>, session: &str) -> String {
    let fetched = journey.fetch_data(session).await.expect_ok();
    let documents = decrypt_documents(&key_pair(Curve::X25519), &fetched);
    documents[0].1.clone()
}

/// Raises and approves a consent without a filter of rows; returns its handle and its id.
async fn approve_consent(journey: &Journey<'_>) -> (String, String) {
    let unfiltered = |body: &mut Value| {
        set_path(body, "ConsentDetail.DataFilter", None);
        body["ConsentDetail"]["Customer"]["id"] = CUSTOMER.into();
    };
    journey.raise_and_approve(unfiltered).await
}

async fn first_account(app: &TestApp, fi_type: &str) -> Value {
    let path = format!("/_mockaa/v1/customers/{CUSTOMER}/accounts?fiType={fi_type}");
    app.get(&path).await.expect_ok()["items"][0].clone()
}

#[tokio::test]
async fn a_later_session_has_the_changed_transactions_and_their_balances() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, consent) = approve_consent(&journey).await;
    let session = open_session(&app, &journey, &consent).await;
    let document = fetch_document(&journey, &session).await;
    let before = parse_rows(&document);
    assert!(before.len() > 10);

    let body =
        json!({ "amount": "250000.50", "narration": "NEFT REFUND", "daysAgo": 40, "mode": "NEFT" });
    let added = add(&app, body).await.expect_ok();
    let added_id = added["txnId"].as_str().expect("an id").to_owned();
    assert_eq!(added["amount"], "250000.50");
    assert_eq!(added["type"], "CREDIT");
    assert_eq!(added["transactionTimestamp"], "2020-05-25T06:00:00.000Z");
    assert_eq!(
        added["accRefNumber"],
        first_account(&app, "DEPOSIT").await["accRefNumber"]
    );
    let (changed_id, removed_id) = (&before[3].0, &before[before.len() - 2].0);
    let body = json!({ "amount": 1.25, "type": "DEBIT", "narration": "CORRECTED" });
    let changed = change(&app, changed_id, body).await.expect_ok();
    assert_eq!(changed["txnId"], changed_id.as_str());
    let removed = remove(&app, removed_id).await.expect_ok();
    assert_eq!(removed, json!({ "deleted": removed_id }));

    // The data of the session stays what it was when the FIP answered.
    assert_eq!(fetch_document(&journey, &session).await, document);
    let later = open_session(&app, &journey, &consent).await;
    let after = parse_rows(&fetch_document(&journey, &later).await);
    let mut expected: Vec<_> = before
        .iter()
        .filter(|row| row.0 != *removed_id)
        .map(|row| {
            if row.0 == *changed_id {
                (row.0.clone(), -125, "CORRECTED".to_owned())
            } else {
                (row.0.clone(), row.1, row.3.clone())
            }
        })
        .collect();
    expected.push((added_id, 25_000_050, "NEFT REFUND".to_owned()));
    expected.sort();
    let mut contents: Vec<_> = after
        .iter()
        .map(|row| (row.0.clone(), row.1, row.3.clone()))
        .collect();
    contents.sort();
    assert_eq!(contents, expected);
    assert_eq!(
        after[0].2 - after[0].1,
        before[0].2 - before[0].1,
        "the opening balance stays"
    );
    for pair in after.windows(2) {
        assert_eq!(pair[0].2 + pair[1].1, pair[1].2, "{pair:?}");
    }
}

/// Reads a part of the transactions, as rows, and where the next part begins.
async fn read_part(app: &TestApp, query: &str) -> (Vec<FetchedRow>, Value) {
    let page = app.get(&path_of(query)).await.expect_ok();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let items = page["items"].as_array().expect("a list").iter();
    let rows = items.map(|row| {
        let amount = to_paise(&text(&row["amount"]));
        let signed = if row["type"] == "CREDIT" {
            amount
        } else {
            -amount
        };
        let balance = to_paise(&text(&row["balance"]));
        (
            text(&row["txnId"]),
            signed,
            balance,
            text(&row["narration"]),
        )
    });
    (rows.collect(), page["next"].clone())
}

#[tokio::test]
async fn the_operator_reads_the_statement_that_an_fiu_fetches() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, consent) = approve_consent(&journey).await;
    let body = json!({ "amount": "2500.50", "narration": "REFUND OF A TEST", "daysAgo": 40 });
    add(&app, body).await.expect_ok();
    let range = journey.build_fi_request(&consent).await["FIDataRange"].clone();
    let session = open_session(&app, &journey, &consent).await;
    let fetched = parse_rows(&fetch_document(&journey, &session).await);
    let [from, to] = ["from", "to"].map(|end| range[end].as_str().expect("a time"));
    let range = format!("from={from}&to={to}");
    let (rows, next) = read_part(&app, &format!("?{range}")).await;
    assert_eq!(rows, fetched);
    assert_eq!(next, Value::Null);
    assert!(rows.iter().any(|row| row.3 == "REFUND OF A TEST"));
    // In two parts.
    let half = rows.len() - rows.len() / 2;
    let (mut parts, next) = read_part(&app, &format!("?{range}&limit={half}")).await;
    assert_eq!(next, half);
    let rest = format!("?{range}&limit={half}&after={half}");
    let (further, next) = read_part(&app, &rest).await;
    parts.extend(further);
    assert_eq!((parts, next), (fetched.clone(), Value::Null));
    // As files.
    let path = format!("/_mockaa/v1/customers/{CUSTOMER}/statement?{range}");
    let xml = app.get(&path).await;
    assert_eq!(parse_rows(&xml.text), fetched);
    let csv = app.get(&format!("{path}&format=csv")).await;
    assert_eq!(csv.text.lines().count(), fetched.len() + 1);
    let json = app.get(&format!("{path}&format=json")).await.expect_ok();
    assert!(json.to_string().contains("REFUND OF A TEST"));
    for (format, beginning) in [("xlsx", "PK"), ("pdf", "%PDF"), ("svg", "<svg")] {
        let request = app.request(Method::GET, &format!("{path}&format={format}"));
        let file = request.send().await.expect("an answer");
        let name = file.headers()["content-disposition"]
            .to_str()
            .expect("text");
        assert!(name.ends_with(&format!(".{format}\"")), "{name}");
        let bytes = file.bytes().await.expect("a file");
        assert!(bytes.starts_with(beginning.as_bytes()), "{format}");
    }
}

#[tokio::test]
async fn a_statement_that_does_not_exist_is_refused_with_the_parameter() {
    let app = TestApp::start().await;
    let path = |rest: &str| format!("/_mockaa/v1/customers/{CUSTOMER}/{rest}");
    for (rest, status, field) in [
        ("transactions?account=none", 400, Some("account")),
        ("transactions?from=today", 400, Some("from")),
        (
            "transactions?from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z",
            400,
            Some("from"),
        ),
        ("transactions?after=5", 400, Some("after")),
        ("statement?format=doc", 400, Some("format")),
        ("statement?form=xml", 400, Some("form")),
    ] {
        let reply = app.get(&path(rest)).await;
        let answer = (reply.status.as_u16(), reply.json()["field"].clone());
        assert_eq!(answer, (status, json!(field)), "{rest}: {}", reply.text);
    }
    // A fund has units, and no running balance.
    let persona = json!({ "persona": "investor" });
    app.post(&path("persona"), &persona).await;
    let fund = first_account(&app, "MUTUAL_FUNDS").await;
    let account = fund["accRefNumber"].as_str().expect("an account");
    let reply = app
        .get(&path(&format!("transactions?account={account}")))
        .await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    let reply = app
        .get(&path(&format!("statement?account={account}&format=svg")))
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()["field"].as_str()),
        (400, Some("format"))
    );
    let xml = app
        .get(&path(&format!("statement?account={account}")))
        .await;
    assert!(xml.text.contains("<Holding "), "{}", xml.text);
}

#[tokio::test]
async fn the_fiu_of_a_consent_in_force_is_notified_once_for_each_change() {
    let mut app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, consent) = approve_consent(&journey).await;
    let body = json!({ "amount": 5, "narration": "BEFORE ANY DATA" });
    add(&app, body.clone()).await.expect_ok();
    app.advance_clock("0s").await;
    assert!(
        app.fiu
            .drain_messages()
            .iter()
            .all(|message| message.path != "/FI/Notification")
    );
    let session = open_session(&app, &Journey::new(&app), &consent).await;
    app.advance_clock("0s").await;
    app.fiu.drain_messages();

    add(&app, body.clone()).await.expect_ok();
    app.advance_clock("0s").await;
    let messages = app.fiu.drain_messages();
    assert_eq!(messages.len(), 1);
    let notification = &messages[0].json()["FIStatusNotification"];
    assert_eq!(notification["sessionId"], session.as_str());
    assert_eq!(notification["sessionStatus"], "COMPLETED");
    let account = &notification["FIStatusResponse"][0]["Accounts"][0];
    assert_eq!(account["FIStatus"], "READY");
    assert_eq!(
        account["description"],
        "Transactions have changed since this data was prepared"
    );
    let path = format!("/_mockaa/v1/journal?kind=fi.outdated&consentHandle={handle}");
    let entries = app.get(&path).await.expect_ok();
    assert_eq!(entries["items"].as_array().map(Vec::len), Some(1));

    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("0s").await;
    app.fiu.drain_messages();
    add(&app, body).await.expect_ok();
    app.advance_clock("0s").await;
    assert_eq!(app.fiu.drain_messages().len(), 0);
}

#[tokio::test]
async fn an_impossible_change_names_the_field_and_the_remedy() {
    let app = TestApp::start().await;
    let savings = first_account(&app, "DEPOSIT").await["accRefNumber"].clone();
    let row = |field: &str, value: Value| {
        let mut body = json!({ "amount": 10, "narration": "TEST" });
        body[field] = value;
        body
    };
    for (body, status, field, message) in [
        (row("amount", json!(0)), 400, "amount", "is not more than 0"),
        (row("amount", json!(-5)), 400, "amount", "CREDIT or DEBIT"),
        (
            row("amount", json!("12.345")),
            400,
            "amount",
            "at most two decimals",
        ),
        (row("amount", json!([1])), 400, "amount", "is not an amount"),
        (json!({ "narration": "TEST" }), 400, "amount", "is missing"),
        (json!({ "amount": 10 }), 400, "narration", "is missing"),
        (row("narration", json!(" ")), 400, "narration", "is blank"),
        (
            row("narration", json!("A\nB")),
            400,
            "narration",
            "one line",
        ),
        (row("type", json!("IN")), 400, "type", "CREDIT, DEBIT"),
        (row("mode", json!("upi")), 400, "mode", "UPI"),
        (row("daysAgo", json!(1.5)), 400, "daysAgo", "whole number"),
        (
            row("daysAgo", json!(90_000)),
            400,
            "daysAgo",
            "before the account was opened",
        ),
        (
            row("transactionTimestamp", json!("2020-07-04T06:00:00.001Z")),
            400,
            "transactionTimestamp",
            "advance the clock",
        ),
        (
            row("transactionTimestamp", json!("yesterday")),
            400,
            "transactionTimestamp",
            "write it as",
        ),
        (row("when", json!("now")), 400, "", "unknown field `when`"),
        (
            row("account", json!("none")),
            400,
            "account",
            "has no account 'none'",
        ),
    ] {
        let reply = add(&app, body.clone()).await;
        let error = reply.json();
        assert_eq!(reply.status, status, "{body}: {error}");
        assert!(
            error["error"]
                .as_str()
                .is_some_and(|text| text.contains(message)),
            "{body}: {error}"
        );
        if !field.is_empty() {
            assert_eq!(error["field"], field, "{body}: {error}");
        }
    }
    let both = json!({ "amount": 10, "narration": "T", "daysAgo": 1, "transactionTimestamp": "2020-07-01T06:00:00Z" });
    assert_eq!(add(&app, both).await.json()["field"], "daysAgo");
    app.post(
        &format!("/_mockaa/v1/customers/{CUSTOMER}/persona"),
        &json!({ "persona": "investor" }),
    )
    .await
    .expect_ok();
    let fund = first_account(&app, "MUTUAL_FUNDS").await["accRefNumber"].clone();
    let reply = add(&app, row("account", fund)).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["field"]),
        (400, &json!("account"))
    );
    assert!(
        reply
            .text
            .contains("only DEPOSIT accounts have transactions"),
        "{}",
        reply.text
    );
    let entries = app.get("/_mockaa/v1/journal?kind=transaction.added").await;
    assert_eq!(entries.expect_ok()["items"], json!([]));

    let added = add(&app, row("account", savings)).await.expect_ok();
    let id = added["txnId"].as_str().expect("an id");
    let unchanged = change(&app, id, json!({ "amount": "10.00" })).await;
    assert_eq!(unchanged.status, 409, "{}", unchanged.text);
    assert!(
        unchanged.text.contains("another value"),
        "{}",
        unchanged.text
    );
    let empty = change(&app, id, json!({})).await;
    assert_eq!(
        (empty.status.as_u16(), &empty.json()["field"]),
        (400, &json!("the body"))
    );
    for unknown in ["M2020060199999", "7", "X1"] {
        let reply = remove(&app, unknown).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["field"]),
            (404, &json!("txnId")),
            "{}",
            reply.text
        );
    }
    let reply = remove(&app, "X%0A1").await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["field"]),
        (400, &json!("txnId"))
    );
    remove(&app, id).await.expect_ok();
    assert_eq!(
        remove(&app, id).await.status,
        404,
        "it is withdrawn already"
    );
}

#[tokio::test]
async fn a_scenario_adds_a_transaction() {
    let app = TestApp::start().await;
    let scenario = "version: 1\nname: refund\nsteps:\n  - approve: {}\n  - add_transaction: { amount: 250000.5, narration: NEFT REFUND, days_ago: 40 }\n";
    let request = app.request(Method::PUT, "/_mockaa/v1/scenarios/refund");
    app.send(request.body(scenario)).await.expect_ok();
    let pin = json!({ "customer": CUSTOMER });
    app.post("/_mockaa/v1/scenarios/refund/pin", &pin)
        .await
        .expect_ok();
    let journey = Journey::new(&app);
    let handle = journey
        .raise_consent(|body| {
            set_path(body, "ConsentDetail.DataFilter", None);
            body["ConsentDetail"]["Customer"]["id"] = CUSTOMER.into();
        })
        .await;
    let status = journey.fetch_handle_status(&handle).await;
    let consent = status["ConsentStatus"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let session = open_session(&app, &journey, &consent).await;
    let rows = parse_rows(&fetch_document(&journey, &session).await);
    let added: Vec<_> = rows.iter().filter(|row| row.3 == "NEFT REFUND").collect();
    assert_eq!(added.len(), 1);
    assert_eq!(added[0].1, 25_000_050);
}

#[tokio::test]
async fn an_action_that_cannot_be_read_is_refused_with_its_place() {
    let app = TestApp::start().await;
    for (action, message) in [
        (
            "add_transaction: { amount: 12.345, narration: X }",
            "at most two decimals",
        ),
        (
            "add_transaction: { amount: 0, narration: X }",
            "amount must be at least 0.01, not 0",
        ),
        ("add_transaction: { amount: 5 }", "needs the key narration"),
        (
            "add_transaction: { amount: 5, narration: X, when: now }",
            "unknown key 'when'",
        ),
        (
            "change_transaction: { id: M1, added: X, amount: 5 }",
            "only one of id, added",
        ),
        (
            "change_transaction: { amount: 5, narration: X }",
            "needs one of the keys id, added",
        ),
        (
            "change_transaction: { id: M1 }",
            "change_transaction has nothing to change",
        ),
        ("remove_transaction: { id: \"a\\tb\" }", "is not the txnId"),
    ] {
        let text = format!("version: 1\nname: wrong\nsteps:\n  - {action}\n");
        let request = app.request(Method::PUT, "/_mockaa/v1/scenarios/wrong");
        let reply = app.send(request.body(text)).await;
        let diagnostic = &reply.json()["diagnostics"][0];
        assert_eq!(reply.status, 400, "{action}");
        assert_eq!(diagnostic["line"], 4, "{action}: {}", reply.text);
        let text = diagnostic["message"].as_str().expect("a message");
        assert!(text.contains(message), "{action}: {text}");
    }
}

const SUPPLIED: &str = "txnId,transactionTimestamp,type,amount,currentBalance,narration,reference\n\
                        S/1,2020-01-05,CREDIT,1000.00,1500.00,PAY,R1\n\
                        S/2,2020-01-07T10:00:00+05:30,DEBIT,200.50,1299.50,SHOP,\n";

async fn put_statement(app: &TestApp, query: &str, body: impl Into<reqwest::Body>) -> Reply {
    let path = format!("/_mockaa/v1/customers/{CUSTOMER}/statement{query}");
    app.send(app.request(Method::PUT, &path).body(body)).await
}

#[tokio::test]
async fn a_supplied_statement_is_that_of_the_customer() {
    let app = TestApp::start().await;
    let before = first_account(&app, "DEPOSIT").await;
    let answer = put_statement(&app, "", SUPPLIED).await.expect_ok();
    assert_eq!(
        answer,
        json!({
            "persona": "statement-of-9876500001@mockaa",
            "accRefNumber": before["accRefNumber"],
            "transactions": 2,
            "from": "2020-01-04T18:30:00.000Z",
            "to": "2020-01-07T04:30:00.000Z",
            "openingBalance": "500.00",
            "closingBalance": "1299.50",
            "notes": [],
        })
    );
    let range = "?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z";
    let path = format!("/_mockaa/v1/customers/{CUSTOMER}/statement{range}");
    let rows = parse_rows(&app.get(&path).await.text);
    assert_eq!(
        rows,
        [
            ("S/1".to_owned(), 100_000, 150_000, "PAY".to_owned()),
            ("S/2".to_owned(), -20_050, 129_950, "SHOP".to_owned()),
        ]
    );
    // The accounts are those of before, and a supplied id names a transaction.
    assert_eq!(
        first_account(&app, "DEPOSIT").await["linkRefNumber"],
        before["linkRefNumber"]
    );
    let changed = change(&app, "S%2F2", json!({ "narration": "MARKET" }))
        .await
        .expect_ok();
    assert_eq!(
        (&changed["txnId"], &changed["narration"]),
        (&json!("S/2"), &json!("MARKET"))
    );
    assert_eq!(remove(&app, "S%2F3").await.status, 404);
    // Another statement takes its place.
    let answer = put_statement(&app, "", SUPPLIED.replace("SHOP", "OTHER"))
        .await
        .expect_ok();
    assert_eq!(answer["persona"], "statement-of-9876500001@mockaa");
    assert!(app.get(&path).await.text.contains("OTHER"));
}

#[tokio::test]
async fn a_supplied_statement_is_checked_like_a_file() {
    let app = TestApp::start().await;
    let wrong = SUPPLIED.replace("1299.50", "1300.50");
    let reply = put_statement(&app, "", wrong.clone()).await;
    assert_eq!(reply.status, 400);
    assert!(
        reply
            .text
            .contains("S/2 currentBalance is 1300.50, but 1500.00 and -200.50 make 1299.50"),
        "{}",
        reply.text
    );
    let answer = put_statement(&app, "?check=warn", wrong.clone())
        .await
        .expect_ok();
    assert!(
        answer["notes"][0]
            .as_str()
            .is_some_and(|note| note.starts_with("3: S/2")),
        "{answer}"
    );
    let answer = put_statement(&app, "?check=off", wrong).await.expect_ok();
    assert_eq!(answer["notes"], json!([]));
    let export =
        "Date,Narration,Debit,Credit,Balance\n05/01/24,PAY,,\"1,000.00\",\"1,500.00 Cr\"\n";
    let answer = put_statement(&app, "?like=any", export).await.expect_ok();
    assert_eq!(answer["transactions"], 1);
    let other_type = first_account(&app, "MUTUAL_FUNDS").await;
    let other_type = format!("?account={}", expect_text(&other_type["accRefNumber"]));
    for (query, body, field) in [
        ("?like=layout-a", export, None),
        ("?like=layout-f", export, Some("like")),
        ("?check=loose", SUPPLIED, Some("check")),
        ("?account=none", SUPPLIED, Some("account")),
        (&other_type, SUPPLIED, Some("account")),
        ("?checks=warn", SUPPLIED, Some("checks")),
        ("", "", None),
    ] {
        let reply = put_statement(&app, query, body).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text);
        if let Some(field) = field {
            assert_eq!(reply.json()["field"], field, "{query}: {}", reply.text);
        }
    }
    let large = format!("{SUPPLIED}{}", " ".repeat(20 << 20));
    let reply = put_statement(&app, "", large).await;
    assert_eq!(reply.status, 413, "{}", reply.text);
}

#[tokio::test]
async fn a_statement_as_csv_has_the_columns_that_are_asked_for() {
    let app = TestApp::start().await;
    put_statement(&app, "", SUPPLIED.replace("PAY", "=PAY"))
        .await
        .expect_ok();
    let range = "from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z";
    let get = async |options: &str| {
        let path = format!("/_mockaa/v1/customers/{CUSTOMER}/statement?{range}{options}");
        app.get(&path).await
    };
    let signed = get("&format=csv&csvAmounts=signed&csvSafe=true").await.text;
    assert!(
        signed.contains(",-200.50\n") && signed.contains(",'=PAY,"),
        "{signed}"
    );
    let split = get("&format=csv&csvAmounts=split").await.text;
    assert!(
        split.contains(",debit,credit\n") && split.contains(",=PAY,"),
        "{split}"
    );
    for (options, field) in [
        ("&csvAmounts=split", "csvAmounts"),
        ("&format=xlsx&csvSafe=true", "csvSafe"),
        ("&format=csv&csvAmounts=both", "csvAmounts"),
        ("&format=csv&csvSafe=maybe", "csvSafe"),
    ] {
        let reply = get(options).await;
        assert_eq!(reply.status, 400, "{options}: {}", reply.text);
        assert_eq!(reply.json()["field"], field, "{options}: {}", reply.text);
    }
}
