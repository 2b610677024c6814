//! Analytics and exports, as a lender's backend receives them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::drain_webhooks;
use crate::helpers::TestApp;
use crate::lender::{ANALYTICS_HOOK, APP_PREFIX, FIU_ID, Lender, consent_detail_mut, expect_text};
use crate::pdf_text::read_pdf_text;
use crate::skip::report_skip;

/// Returns a lender and a session of at least twelve months for a customer with this persona.
async fn prepare_session(app: &TestApp, persona: &str) -> (Lender, String) {
    let lender = Lender::log_in_with_webhooks(app).await;
    let scenario = format!("version: 1\nname: lived\npersona: {persona}\nsteps: [approve: {{}}]\n");
    let response = app
        .send(
            app.request(Method::PUT, "/_mockaa/v1/scenarios/lived")
                .body(scenario),
        )
        .await;
    assert_eq!(response.status, 200, "{}", response.text);
    let handle = lender
        .raise_with_scenario(app, "lived", |body| {
            consent_detail_mut(body)["FIDataRange"] =
                json!({ "from": "2019-06-01T00:00:00.000Z", "to": "2020-07-01T00:00:00.000Z" });
        })
        .await;
    app.advance_clock("0s").await;
    let session = lender.fetch_newest_session(app, &handle).await;
    (lender, session)
}

async fn generate_report(app: &TestApp, lender: &Lender, session: &str) -> String {
    let answer = lender
        .get(
            app,
            &format!("{APP_PREFIX}/FIU/FI/Analytic/{}/{session}", lender.org_id),
        )
        .await
        .expect_ok();
    assert_eq!(answer["status"], "200");
    expect_text(&answer["reportId"])
}

async fn fetch_report(app: &TestApp, persona: &str) -> (Value, Value) {
    let (lender, session) = prepare_session(app, persona).await;
    let id = generate_report(app, &lender, &session).await;
    let report = lender
        .get(app, &format!("{APP_PREFIX}/FIU/Analitic/{id}/{session}"))
        .await
        .expect_ok();
    (report, lender.fetch_data(app, &session).await.expect_ok())
}

#[tokio::test]
async fn analytics_are_generated_notified_and_fetched() {
    let mut app = TestApp::start().await;
    let (lender, session) = prepare_session(&app, "salaried").await;
    drain_webhooks(&mut app);
    let path = |id: &str| format!("{APP_PREFIX}/FIU/Analitic/{id}/{session}");
    let early = lender.get(&app, &path("1")).await;
    assert_eq!(early.status, 404, "{}", early.text);
    let id = generate_report(&app, &lender, &session).await;
    app.advance_clock("0s").await;
    assert_eq!(
        drain_webhooks(&mut app),
        [(ANALYTICS_HOOK.to_owned(), "SUCCESS".to_owned())]
    );
    let report = lender.get(&app, &path(&id)).await.expect_ok();
    assert_eq!(report.as_object().expect("an object").len(), 22);
    assert_eq!(
        lender.get(&app, &path(&id)).await.expect_ok(),
        report,
        "a repeated call returns the same report"
    );
    // The later call returns the same report with another status.
    let later = lender
        .get(
            &app,
            &format!(
                "{APP_PREFIX}/FIU/FI/Analytic/{}/{session}?async=true",
                lender.org_id
            ),
        )
        .await
        .expect_ok();
    assert_eq!(
        (expect_text(&later["reportId"]), &later["status"]),
        (id.clone(), &json!("202"))
    );
    for (path, status, expected) in [
        (path("7777"), 404, "there is no analytic 7777"),
        (path("one"), 400, "analyticId"),
        (
            format!(
                "{APP_PREFIX}/FIU/FI/Analytic/{}/{session}?async=soon",
                lender.org_id
            ),
            400,
            "async",
        ),
        (
            format!("{APP_PREFIX}/FIU/FI/Analytic/{}/nothing", lender.org_id),
            404,
            "",
        ),
        (
            format!("{APP_PREFIX}/FIU/FI/Analytic/another/{session}"),
            403,
            "org_id",
        ),
        (
            format!("{APP_PREFIX}/FIU/Analitic/Export/{id}?format=doc"),
            400,
            "neither xlsx nor pdf",
        ),
        (
            format!("{APP_PREFIX}/FIU/Analitic/Export/9999999"),
            404,
            "there is no analytic",
        ),
        (
            format!("{APP_PREFIX}/FIU/Export/FIU-1/{session}"),
            403,
            "entity",
        ),
    ] {
        let rejection = lender.get(&app, &path).await;
        assert_eq!(
            rejection.status.as_u16(),
            status,
            "{path}: {}",
            rejection.text
        );
        assert!(
            rejection.text.contains(expected),
            "{path}: {}",
            rejection.text
        );
    }
}

#[tokio::test]
async fn aggregate_analytics_take_all_accounts_together() {
    let app = TestApp::start().await;
    let (lender, session) = prepare_session(&app, "two-banks").await;
    let started = lender
        .get(
            &app,
            &format!(
                "{APP_PREFIX}/FIU/FI/AnalyticAggregate/{}/{session}",
                lender.org_id
            ),
        )
        .await
        .expect_ok();
    let first: u32 = expect_text(&started["reportId"]).parse().expect("a number");
    let aggregate = lender
        .get(
            &app,
            &format!("{APP_PREFIX}/FIU/AnaliticAggregate/{session}"),
        )
        .await
        .expect_ok();
    let count = |report: &Value| {
        report["overview"]["transactionCount"]
            .as_u64()
            .expect("a count")
    };
    let mut sum = 0;
    for id in [first, first + 1] {
        sum += count(
            &lender
                .get(&app, &format!("{APP_PREFIX}/FIU/Analitic/{id}/{session}"))
                .await
                .expect_ok(),
        );
    }
    assert_eq!(count(&aggregate), sum);
    assert_eq!(
        aggregate["customAnalysis"]
            .as_array()
            .expect("rows")
            .iter()
            .filter(|row| row["section"] == 1001)
            .count(),
        3
    );
}

/// Parses a number of the report, text or not, in paise.
fn parse_paise(value: &Value) -> i64 {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    if text.is_empty() {
        return 0;
    }
    let (rupees, decimals) = text.split_once('.').unwrap_or((&text, "0"));
    let decimals: i64 = format!("{decimals:0<2}")[..2].parse().expect("digits");
    let rupees: i64 = rupees.parse().expect("digits");
    if text.starts_with('-') {
        rupees * 100 - decimals
    } else {
        rupees * 100 + decimals
    }
}

/// Recomputes sums, averages and counts from the fetched transactions, with arithmetic that is
/// independent of the code.
#[tokio::test]
async fn the_figures_are_those_of_the_sessions_own_transactions() {
    for persona in [
        "salaried",
        "over-indebted",
        "kirana-merchant",
        "circular-transactions",
        "pensioner",
    ] {
        let app = TestApp::start().await;
        let (report, data) = fetch_report(&app, persona).await;
        let rows = data["DEPOSIT"]["transactions"].as_array().expect("rows");
        let is_credit = |row: &Value| row["type"] == "CREDIT";
        let mut months: BTreeMap<String, (i64, i64, usize, usize)> = BTreeMap::new();
        for row in rows {
            let month = expect_text(&row["tranTimestamp"])[..7].to_owned();
            let totals = months.entry(month).or_default();
            let amount = parse_paise(&row["amount"]);
            if is_credit(row) {
                (totals.0, totals.2) = (totals.0 + amount, totals.2 + 1);
            } else {
                (totals.1, totals.3) = (totals.1 + amount, totals.3 + 1);
            }
        }
        assert_eq!(
            report["overview"]["transactionCount"],
            rows.len(),
            "{persona}"
        );
        let flows = report["cashflow"]["monthly"].as_array().expect("months");
        assert_eq!(flows.len(), months.len() + 4, "{persona}");
        for (flow, (name, totals)) in flows.iter().zip(&months) {
            let reported = (parse_paise(&flow["inflow"]), parse_paise(&flow["outflow"]));
            assert_eq!(reported, (totals.0, totals.1), "{persona} {name}");
            assert_eq!(
                (
                    &flow["inflowTransactionCount"],
                    &flow["outflowTransactionCount"]
                ),
                (&json!(totals.2), &json!(totals.3))
            );
            assert_eq!(parse_paise(&flow["netCashFlow"]), totals.0 - totals.1);
        }
        let total = months
            .values()
            .fold((0, 0), |sum, totals| (sum.0 + totals.0, sum.1 + totals.1));
        let row = &flows[months.len()];
        assert_eq!(
            (parse_paise(&row["inflow"]), parse_paise(&row["outflow"])),
            total
        );
        for (side, expected_total) in [("inflows", total.0), ("outflows", total.1)] {
            let parts = report["categories"][side].as_array().expect("categories");
            assert_eq!(
                parts
                    .iter()
                    .map(|part| parse_paise(&part["amount"]))
                    .sum::<i64>(),
                expected_total,
                "{persona} {side}"
            );
            let ids: Vec<u64> = parts
                .iter()
                .flat_map(|part| part["txnIds"].as_array().expect("ids"))
                .filter_map(Value::as_u64)
                .collect();
            assert_eq!(
                ids.iter().collect::<BTreeSet<_>>().len(),
                ids.len(),
                "each transaction is in one category"
            );
        }
        for (side, expected_total) in [("credit", total.0), ("debit", total.1)] {
            let parts = report["counterparties"][side].as_array().expect("parties");
            assert_eq!(
                parts
                    .iter()
                    .map(|part| parse_paise(&part["amount"]))
                    .sum::<i64>(),
                expected_total,
                "{persona} {side}"
            );
        }
        check_daily_balances(&report, rows, persona);
        let upi: i64 = rows
            .iter()
            .filter(|row| row["mode"] == "UPI" && is_credit(row))
            .map(|row| parse_paise(&row["amount"]))
            .sum();
        let sides = report["UPIAnalysis"]["summary"]
            .as_array()
            .expect("two sides");
        let reported = sides
            .iter()
            .find(|side| side["txnType"] == "INFLOW")
            .map_or(0, |side| parse_paise(&side["amount"]));
        assert_eq!(reported, upi, "{persona}");
    }
}

/// Each day's closing balance is that of its last row, and the monthly average is computed from
/// them.
fn check_daily_balances(report: &Value, rows: &[Value], persona: &str) {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for row in rows {
        last.insert(
            expect_text(&row["tranTimestamp"])[..10].to_owned(),
            parse_paise(&row["currentBalance"]),
        );
    }
    let daily = &report["dailyBalance"];
    for (index, _) in daily["month"]
        .as_array()
        .expect("months")
        .iter()
        .enumerate()
    {
        let balances: Vec<i64> = (1..=31)
            .map(|day: usize| expect_text(&daily["day"][day.to_string()][index]["amount"]))
            .filter(|amount| !amount.is_empty())
            .map(|amount| parse_paise(&json!(amount)))
            .collect();
        let (sum, count) = (
            balances.iter().sum::<i64>(),
            i64::try_from(balances.len()).expect("a month's days"),
        );
        let average = parse_paise(&daily["day"]["Average"][index]["amount"]);
        assert!(
            (average * count - sum).abs() <= count,
            "{persona} {index}: {average} of {sum}"
        );
    }
    for (date, balance) in &last {
        let (year, month, day) = (
            &date[..4],
            &date[5..7],
            date[8..].parse::<usize>().expect("a day"),
        );
        let names = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let name = format!(
            "{} {year}",
            names[month.parse::<usize>().expect("a month") - 1]
        );
        let entries = daily["day"][day.to_string()].as_array().expect("months");
        let entry = entries
            .iter()
            .find(|entry| entry["month"] == name)
            .expect("an entry of the month");
        assert_eq!(parse_paise(&entry["amount"]), *balance, "{persona} {date}");
    }
}

/// Patterns that some personas are made to contain.
#[tokio::test]
async fn patterns_are_found() {
    let app = TestApp::start().await;
    let (report, _) = fetch_report(&app, "circular-transactions").await;
    assert!(
        report["circularTransactions"]["circular"]
            .as_array()
            .expect("pairs")
            .len()
            > 5
    );
    let app = TestApp::start().await;
    let (report, _) = self::fetch_report(&app, "over-indebted").await;
    assert!(
        report["emi"]["emi"].as_array().expect("lenders").len() >= 4,
        "{}",
        report["emi"]
    );
    assert!(
        report["returnsAndCharges"]["charges"]
            .as_array()
            .expect("charges")
            .len()
            > 10
    );
    assert!(report["overview"]["bsaScore"].as_i64().expect("a score") < 700);
    let salary = report["salary"]["salary"].as_array().expect("one employer");
    assert_eq!(
        (salary.len(), &salary[0]["interval"]),
        (1, &json!("MONTHLY"))
    );
    let app = TestApp::start().await;
    let (report, _) = self::fetch_report(&app, "salary-inflation").await;
    let after = report["irregularities"]
        .as_array()
        .expect("the irregularities")
        .iter();
    let after = after
        .clone()
        .find(|irregularity| irregularity["activity"] == "Immediate big debit after Salary credit")
        .expect("the irregularity is reported");
    let months = after["monthlyTransactions"].as_array().expect("months");
    assert!(months.len() >= 6, "half of the year: {}", months.len());
}

/// Collects the path of every value with its JSON types; list items and keys that are data share
/// one path.
fn collect_value_types(
    value: &Value,
    path: &str,
    types: &mut BTreeMap<String, BTreeSet<&'static str>>,
) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            for item in items {
                collect_value_types(item, &format!("{path}[]"), types);
            }
            "list"
        }
        Value::Object(fields) => {
            let has_data_keys = ["dataDeposits", "dataWithdrawals", "day"]
                .iter()
                .any(|name| path.ends_with(name))
                || path.ends_with(".subCategories");
            for (name, value) in fields {
                let name = if has_data_keys { "*" } else { name };
                collect_value_types(value, &format!("{path}.{name}"), types);
            }
            "object"
        }
    };
    types.entry(path.to_owned()).or_default().insert(kind);
}

/// The recorded body and this one have the same keys and types. Below a list that is empty in one
/// of them nothing can be compared.
#[tokio::test]
async fn the_body_has_the_recordings_keys_and_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/unaport/collection.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        report_skip("../shared/unaport/collection.json");
        return;
    };
    let collection: Value = serde_json::from_str(&text).expect("JSON");
    let recorded = collection["item"].as_array().expect("folders").iter();
    let requests = recorded.flat_map(|folder| folder["item"].as_array().into_iter().flatten());
    let request = requests
        .clone()
        .find(|request| request["name"] == "Fetch Analytics by Analytic Id")
        .expect("the request is recorded");
    let recorded: Value =
        serde_json::from_str(request["response"][0]["body"].as_str().expect("a body"))
            .expect("JSON");
    let mut theirs = BTreeMap::new();
    collect_value_types(&recorded, "", &mut theirs);
    let mut ours = BTreeMap::new();
    for persona in [
        "salaried",
        "over-indebted",
        "circular-transactions",
        "salary-inflation",
        "pensioner",
    ] {
        let app = TestApp::start().await;
        collect_value_types(&fetch_report(&app, persona).await.0, "", &mut ours);
    }
    // Values below a list that is empty on the other side cannot be compared.
    let below_empty = |path: &str, other: &BTreeMap<String, BTreeSet<&str>>| {
        path.match_indices("[]").any(|(at, _)| {
            other.contains_key(&path[..at])
                && !other.keys().any(|known| known.starts_with(&path[..at + 2]))
        })
    };
    let mut wrong = Vec::new();
    for (path, kinds) in &theirs {
        match ours.get(path) {
            None if below_empty(path, &ours) => {}
            None => wrong.push(format!("{path}: missing")),
            Some(our_kinds) if !our_kinds.is_subset(kinds) && !kinds.is_subset(our_kinds) => {
                wrong.push(format!("{path}: {our_kinds:?}, recorded {kinds:?}"));
            }
            Some(_) => {}
        }
    }
    for path in ours
        .keys()
        .filter(|path| !theirs.contains_key(*path) && !below_empty(path, &theirs))
    {
        wrong.push(format!("{path}: not recorded"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn data_and_analytics_come_as_files() {
    let app = TestApp::start().await;
    let (lender, session) = prepare_session(&app, "salaried").await;
    let id = generate_report(&app, &lender, &session).await;
    let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    for (path, media, name, prefix) in [
        (
            format!("FIU/Export/{FIU_ID}/{session}"),
            xlsx,
            format!("statement-{session}.xlsx"),
            &b"PK"[..],
        ),
        (
            format!("FIU/ExportPdf/{FIU_ID}/{session}"),
            "application/pdf",
            format!("statement-{session}.pdf"),
            b"%PDF",
        ),
        (
            format!("FIU/Analitic/Export/{id}"),
            xlsx,
            format!("analytics-{id}.xlsx"),
            b"PK",
        ),
        (
            format!("FIU/Analitic/Export/{id}?format=pdf"),
            "application/pdf",
            format!("analytics-{id}.pdf"),
            b"%PDF",
        ),
        (
            format!("FIU/AnaliticAggregate/Export/{session}"),
            xlsx,
            format!("analytics-{session}.xlsx"),
            b"PK",
        ),
    ] {
        let url = format!("{}{APP_PREFIX}/{path}", app.sandbox.base_url());
        let get = async || {
            let client = reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client");
            client
                .get(&url)
                .bearer_auth(&lender.access_token)
                .send()
                .await
                .expect("an answer")
        };
        let answer = get().await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("content-type"), media);
        assert_eq!(
            header("content-disposition"),
            format!("attachment; filename=\"{name}\"")
        );
        let bytes = answer.bytes().await.expect("a file");
        assert!(
            bytes.starts_with(prefix) && bytes.len() > 3_000,
            "{path}: {}",
            bytes.len()
        );
        assert_eq!(
            get().await.bytes().await.expect("a file"),
            bytes,
            "a repeated export has the same bytes"
        );
    }
}

#[tokio::test]
async fn what_is_made_of_data_is_gone_with_it() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender
        .raise_consent(&app, |body| {
            consent_detail_mut(body)["DataLife"] = json!({ "unit": "DAY", "value": 1 });
        })
        .await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    let session = lender.fetch_newest_session(&app, &handle).await;
    let id = generate_report(&app, &lender, &session).await;
    let paths = [
        format!("FIU/FI/Analytic/{}/{session}", lender.org_id),
        format!("FIU/FI/AnalyticAggregate/{}/{session}", lender.org_id),
        format!("FIU/Analitic/{id}/{session}"),
        format!("FIU/AnaliticAggregate/{session}"),
        format!("FIU/Analitic/Export/{id}"),
        format!("FIU/AnaliticAggregate/Export/{session}"),
        format!("FIU/Export/{FIU_ID}/{session}"),
        format!("FIU/ExportPdf/{FIU_ID}/{session}"),
    ];
    for (later, status) in [("0s", 200), ("P1D", 404)] {
        app.advance_clock(later).await;
        let lender = Lender::log_in(&app).await;
        for path in &paths {
            let answer = lender.get(&app, &format!("{APP_PREFIX}/{path}")).await;
            assert_eq!(
                answer.status, status,
                "{path} after {later}: {}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn what_has_no_transactions_has_no_analytics() {
    let mut app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender
        .raise_consent(&app, |body| {
            consent_detail_mut(body)["FIDataRange"] =
                json!({ "from": "1999-01-01T00:00:00.000Z", "to": "2000-01-01T00:00:00.000Z" });
        })
        .await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    let session = lender.fetch_newest_session(&app, &handle).await;
    drain_webhooks(&mut app);
    let rejection = lender
        .get(
            &app,
            &format!("{APP_PREFIX}/FIU/FI/Analytic/{}/{session}", lender.org_id),
        )
        .await;
    assert_eq!(rejection.status, 404, "{}", rejection.text);
    assert!(
        rejection
            .text
            .contains("no transactions of DEPOSIT accounts from 1999-01-01 to 2000-01-01"),
        "{}",
        rejection.text
    );
    app.advance_clock("0s").await;
    assert!(
        drain_webhooks(&mut app).is_empty(),
        "no success webhook is sent"
    );
}

/// Returns the text of a PDF that a path of the FIU API answers.
async fn fetch_pdf(app: &TestApp, lender: &Lender, path: &str) -> String {
    let url = format!("{}{APP_PREFIX}/{path}", app.sandbox.base_url());
    let client = reqwest::Client::builder().no_proxy().build();
    let request = client.expect("a client").get(&url);
    let answer = request.bearer_auth(&lender.access_token).send().await;
    let bytes = answer.expect("an answer").bytes().await.expect("a file");
    read_pdf_text(&bytes)
}

/// A session has the transactions as they were when its FIP answered, in its data, report and file.
#[tokio::test]
async fn an_added_transaction_is_in_the_data_the_report_and_the_file_of_a_later_session() {
    let app = TestApp::start().await;
    let (lender, earlier) = prepare_session(&app, "salaried").await;
    let consents = app.get("/_mockaa/v1/consents").await.expect_ok();
    let customer = expect_text(&consents["items"][0]["customer"]);
    let body = json!({ "amount": "61000", "narration": "CHIT PRIZE AUTUMN", "daysAgo": 40 });
    let path = format!("/_mockaa/v1/customers/{customer}/transactions");
    let added = app.post(&path, &body).await.expect_ok();
    let (_, later) = prepare_session(&app, "salaried").await;
    for (session, is_expected) in [(&earlier, false), (&later, true)] {
        let data = lender.fetch_data(&app, session).await.expect_ok();
        let id = generate_report(&app, &lender, session).await;
        let path = format!("{APP_PREFIX}/FIU/Analitic/{id}/{session}");
        let report = lender.get(&app, &path).await.expect_ok();
        let statement = format!("FIU/ExportPdf/{FIU_ID}/{session}");
        for (place, text) in [
            ("data", data.to_string()),
            ("report", report["cashflow"].to_string()),
            ("file", fetch_pdf(&app, &lender, &statement).await),
        ] {
            let is_found = text.contains("CHIT PRIZE AUTUMN");
            assert_eq!(is_found, is_expected, "{place} of {session}");
        }
        let has_id = data.to_string().contains(&expect_text(&added["txnId"]));
        assert_eq!(has_id, is_expected);
    }
}

/// Returns the text of the printed appraisal of a session.
async fn print_appraisal(app: &TestApp, lender: &Lender, session: &str) -> String {
    let path = format!("FIU/FI/AnalyticAggregate/{}/{session}", lender.org_id);
    lender
        .get(app, &format!("{APP_PREFIX}/{path}"))
        .await
        .expect_ok();
    let path = format!("FIU/AnaliticAggregate/Export/{session}?format=pdf");
    fetch_pdf(app, lender, &path).await
}

/// The printed report is short: an appraisal, and parts that begin with a sentence each.
#[tokio::test]
async fn the_appraisal_is_printed_on_a_few_pages() {
    let app = TestApp::start().await;
    for persona in ["salaried", "kirana-merchant", "over-indebted"] {
        let (lender, session) = prepare_session(&app, persona).await;
        let text = print_appraisal(&app, &lender, &session).await;
        let pages = text.matches("/Type /Page\n").count();
        assert!((1..=8).contains(&pages), "{persona}: {pages} pages");
        for part in [
            "(Overview)",
            "(Income)",
            "(Obligations)",
            "(Cash flow)",
            "(Counterparties)",
            "(Findings)",
            "(Verified income a month)",
            "(Eligible instalment a month)",
        ] {
            assert!(text.contains(part), "{persona}: {part}");
        }
        // Amounts are grouped by lakh: 1,23,456.
        let find = |pattern: &str| regex::Regex::new(pattern).expect("a pattern").find(&text);
        assert!(find(r"\(Rs (\d{1,2},)+\d{3}\)").is_some(), "{persona}");
        assert_eq!(find(r"\(Rs (\d+,)?\d{3},\d{3}\)"), None, "{persona}");
        // A sentence stands below the name of each part, and the cash flow has a chart of bars.
        for part in [
            "Overview",
            "Income",
            "Obligations",
            "Cash flow",
            "Counterparties",
            "Findings",
        ] {
            let (_, rest) = text.split_once(&format!("({part})")).expect("the part");
            let (next, _) = rest.split_once(") Tj").expect("a text");
            assert!(
                next.contains('(') && next.ends_with('.'),
                "{persona}, {part}: {next}"
            );
        }
        let (_, cash_flow) = text.split_once("(Cash flow)").expect("the part");
        let (cash_flow, _) = cash_flow
            .split_once("(Counterparties)")
            .expect("the next part");
        let bars = cash_flow.matches(" re\n").count();
        assert!(bars >= 12, "{persona}: {bars} bars");
    }
}

/// Returns the rupees of a line of a printed appraisal.
fn find_amount(pdf: &str, item: &str) -> i64 {
    let (_, rest) = pdf.split_once(&format!("({item})")).expect("the item");
    let (_, rest) = rest.split_once("(Rs ").expect("an amount");
    let (amount, _) = rest.split_once(')').expect("its end");
    let digits: String = amount.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

/// Pays instalments to one lender from the first account of a pensioner; each has the days since it was
/// paid, rupees and text. Returns what the appraisal then calls the obligations of a month.
async fn find_obligations(payments: &[(i64, i64, String)]) -> i64 {
    let app = TestApp::start().await;
    let (lender, _) = prepare_session(&app, "pensioner").await;
    let consents = app.get("/_mockaa/v1/consents").await.expect_ok();
    let customer = expect_text(&consents["items"][0]["customer"]);
    let path = format!("/_mockaa/v1/customers/{customer}/transactions");
    for (days_ago, rupees, text) in payments {
        let body = json!({
            "type": "DEBIT", "mode": "AUTO_DEBIT", "amount": rupees.to_string(),
            "narration": format!("ACH D- MOCK HOUSING FINANCE LTD-{text}"), "daysAgo": days_ago,
        });
        app.post(&path, &body).await.expect_ok();
    }
    let (_, session) = prepare_session(&app, "pensioner").await;
    let text = print_appraisal(&app, &lender, &session).await;
    find_amount(&text, "Obligations a month")
}

/// Two loans of one lender with the same number of instalments are told apart by the numbers.
#[tokio::test]
async fn each_of_two_loans_on_the_same_terms_is_owed() {
    let mut payments = Vec::new();
    for (days_ago, number) in [(100, 10), (70, 11), (40, 12)] {
        for (later, number, rupees) in [
            (0, number, 10_592),
            (15, number, 5_296),
            (16, number + 9, 7_000),
        ] {
            let text = format!("EMI {number:03} OF 048-MOCK{days_ago}{rupees}");
            payments.push((days_ago - later, rupees, text));
        }
    }
    assert_eq!(find_obligations(&payments).await, 10_592 + 5_296 + 7_000);
}

/// An instalment that is late, with a penalty, ahead of time or presented again is of the loan of the
/// others; another loan of the lender is not.
#[tokio::test]
async fn each_loan_is_owed_once_however_it_is_paid() {
    let told = "OF 048 P8500.00 I1500.00";
    let number = |number: u32| format!("EMI {number:03} OF 048");
    // The penalty is 1,500 rupees, and the next instalment follows two days later.
    let late = vec![
        (80, 10_000, format!("EMI 014 {told}")),
        (20, 11_500, format!("EMI 015 {told}")),
        (18, 10_000, format!("EMI 016 {told}")),
    ];
    let untold = vec![
        (80, 10_000, number(14)),
        (20, 11_500, number(15)),
        (18, 10_000, number(16)),
    ];
    let late_at_first = vec![
        (50, 11_500, format!("EMI 015 {told}")),
        (48, 10_000, format!("EMI 016 {told}")),
        (18, 10_000, format!("EMI 017 {told}")),
    ];
    let ahead = vec![
        (80, 10_000, number(14)),
        (50, 10_000, number(15)),
        (49, 10_000, number(16)),
        (18, 10_000, number(17)),
    ];
    let repeated = vec![
        (48, 10_000, number(14)),
        (18, 10_000, number(15)),
        (14, 10_000, number(15)),
    ];
    // Two loans on the same terms, one number apart.
    let mut apart = Vec::new();
    for (days_ago, first) in [(80, 10), (50, 11), (20, 12)] {
        apart.push((days_ago, 10_000, number(first)));
        apart.push((days_ago - 10, 10_000, number(first + 1)));
    }
    let same_number = vec![
        (18, 10_000, format!("EMI 015 {told}")),
        (14, 9_900, "EMI 015 OF 048 P9000.00 I900.00".to_owned()),
    ];
    let stopped = vec![(80, 10_000, number(10)), (18, 4_000, number(12))];
    let ended = vec![(80, 10_000, number(47)), (18, 10_000, number(49))];
    // Two loans without numbers and with similar amounts, of which one was paid once less.
    let mut unnumbered = Vec::new();
    for days_ago in [170, 140, 110, 80, 50, 20] {
        unnumbered.push((days_ago, 10_000, "HOME LOAN INSTALMENT".to_owned()));
        if days_ago != 80 {
            unnumbered.push((days_ago - 10, 10_500, "CAR LOAN EMI".to_owned()));
        }
    }
    let twice_in_a_month = vec![
        (140, 10_000, "LOAN REPAYMENT".to_owned()),
        (80, 10_000, "LOAN REPAYMENT".to_owned()),
        (78, 10_000, "LOAN REPAYMENT".to_owned()),
        (48, 10_000, "LOAN REPAYMENT".to_owned()),
        (18, 10_000, "LOAN REPAYMENT".to_owned()),
    ];
    for (name, payments, expected) in [
        ("two without numbers", unnumbered, 20_500),
        ("late, without numbers", twice_in_a_month, 10_000),
        ("late", late, 10_000),
        ("late, untold", untold, 10_000),
        ("late at first", late_at_first, 10_000),
        ("ahead", ahead, 10_000),
        ("repeated", repeated, 10_000),
        ("apart", apart, 20_000),
        ("the same number", same_number, 19_900),
        ("stopped", stopped, 14_000),
        ("ended", ended, 0),
    ] {
        let payments: Vec<_> = (1..)
            .zip(payments)
            .map(|(place, (days, rupees, text))| (days, rupees, format!("{text}-MOCK{place}")))
            .collect();
        assert_eq!(find_obligations(&payments).await, expected, "{name}");
    }
}

/// The appraisal names who applies, with what accounts, and groups its counts as its amounts.
#[tokio::test]
async fn the_appraisal_names_all_holders_and_the_accounts_of_non_residents() {
    let app = TestApp::start().await;
    for (persona, text) in [
        (
            "joint-account",
            r"\(Applicant\).*?\([A-Z][a-z]+ [A-Z][a-z]+ and [A-Z][a-z]+ [A-Z][a-z]+\)",
        ),
        ("nri", r"\(NRE savings account\)"),
        ("nri", r"\(NRO savings account\)"),
        ("kirana-merchant", r"\([0-9]+,[0-9]{3} transactions\)"),
    ] {
        let (lender, session) = prepare_session(&app, persona).await;
        let printed = print_appraisal(&app, &lender, &session).await;
        let pattern = regex::Regex::new(&format!("(?s){text}")).expect("a pattern");
        assert!(pattern.is_match(&printed), "{persona}: {text}");
    }
}

/// Money that goes round between firms is no income, nor is a salary that never changes and is withdrawn
/// at once.
#[tokio::test]
async fn what_is_paid_for_show_is_no_verified_income() {
    let app = TestApp::start().await;
    for (persona, lowest, highest) in [
        ("salaried", 45_000, 200_000),
        // Paid for invoices; another 8 lakh a month go round.
        ("circular-transactions", 20_000, 180_000),
        // The wages; the salary for show is 80,000 or more.
        ("salary-inflation", 12_000, 19_500),
    ] {
        let (lender, session) = prepare_session(&app, persona).await;
        let text = print_appraisal(&app, &lender, &session).await;
        let income = find_amount(&text, "Verified income a month");
        assert!((lowest..=highest).contains(&income), "{persona}: {income}");
        let eligible = find_amount(&text, "Eligible instalment a month");
        assert!(eligible * 2 <= income, "{persona}: {eligible} of {income}");
    }
}
