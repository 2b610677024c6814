//! Analytics and files, as a lender's backend gets them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::told;
use crate::helpers::TestApp;
use crate::lender::{ANALYTICS, APP, FIU, Lender, detail, text};

/// A lender with a session of twelve months and more, and how the customer lives.
async fn prepared(app: &TestApp, persona: &str) -> (Lender, String) {
    let lender = Lender::arrive(app).await;
    let scenario = format!("version: 1\nname: lived\npersona: {persona}\nsteps: [approve: {{}}]\n");
    let put = app
        .send(
            app.request(Method::PUT, "/_mockaa/v1/scenarios/lived")
                .body(scenario),
        )
        .await;
    assert_eq!(put.status, 200, "{}", put.text);
    let handle = lender
        .raise_with(app, "lived", |body| {
            detail(body)["FIDataRange"] =
                json!({ "from": "2019-06-01T00:00:00.000Z", "to": "2020-07-01T00:00:00.000Z" });
        })
        .await;
    app.advance("0s").await;
    let session = lender.session(app, &handle).await;
    (lender, session)
}

async fn generated(app: &TestApp, lender: &Lender, session: &str) -> String {
    let answer = lender
        .get(
            app,
            &format!("{APP}/FIU/FI/Analytic/{}/{session}", lender.org),
        )
        .await
        .ok();
    assert_eq!(answer["status"], "200");
    text(&answer["reportId"])
}

async fn report(app: &TestApp, persona: &str) -> (Value, Value) {
    let (lender, session) = prepared(app, persona).await;
    let id = generated(app, &lender, &session).await;
    let report = lender
        .get(app, &format!("{APP}/FIU/Analitic/{id}/{session}"))
        .await
        .ok();
    (report, lender.fetch(app, &session).await.ok())
}

#[tokio::test]
async fn analytics_are_generated_told_and_fetched() {
    let mut app = TestApp::start().await;
    let (lender, session) = prepared(&app, "salaried").await;
    told(&mut app);
    let path = |id: &str| format!("{APP}/FIU/Analitic/{id}/{session}");
    let early = lender.get(&app, &path("1")).await;
    assert_eq!(early.status, 404, "{}", early.text);
    let id = generated(&app, &lender, &session).await;
    app.advance("0s").await;
    assert_eq!(
        told(&mut app),
        [(ANALYTICS.to_owned(), "SUCCESS".to_owned())]
    );
    let report = lender.get(&app, &path(&id)).await.ok();
    assert_eq!(report.as_object().expect("an object").len(), 22);
    assert_eq!(
        lender.get(&app, &path(&id)).await.ok(),
        report,
        "the same again"
    );
    // Later is the same, by another status.
    let later = lender
        .get(
            &app,
            &format!("{APP}/FIU/FI/Analytic/{}/{session}?async=true", lender.org),
        )
        .await
        .ok();
    assert_eq!(
        (text(&later["reportId"]), &later["status"]),
        (id.clone(), &json!("202"))
    );
    for (path, status, word) in [
        (path("7777"), 404, "there is no analytic 7777"),
        (path("one"), 400, "analyticId"),
        (
            format!("{APP}/FIU/FI/Analytic/{}/{session}?async=soon", lender.org),
            400,
            "async",
        ),
        (
            format!("{APP}/FIU/FI/Analytic/{}/nothing", lender.org),
            404,
            "",
        ),
        (
            format!("{APP}/FIU/FI/Analytic/another/{session}"),
            403,
            "org_id",
        ),
        (
            format!("{APP}/FIU/Analitic/Export/{id}?format=doc"),
            400,
            "neither xlsx nor pdf",
        ),
        (
            format!("{APP}/FIU/Analitic/Export/9999999"),
            404,
            "there is no analytic",
        ),
        (format!("{APP}/FIU/Export/FIU-1/{session}"), 403, "entity"),
    ] {
        let refused = lender.get(&app, &path).await;
        assert_eq!(refused.status.as_u16(), status, "{path}: {}", refused.text);
        assert!(refused.text.contains(word), "{path}: {}", refused.text);
    }
}

#[tokio::test]
async fn aggregate_analytics_take_all_accounts_together() {
    let app = TestApp::start().await;
    let (lender, session) = prepared(&app, "two-banks").await;
    let begun = lender
        .get(
            &app,
            &format!("{APP}/FIU/FI/AnalyticAggregate/{}/{session}", lender.org),
        )
        .await
        .ok();
    let first: u32 = text(&begun["reportId"]).parse().expect("a number");
    let whole = lender
        .get(&app, &format!("{APP}/FIU/AnaliticAggregate/{session}"))
        .await
        .ok();
    let count = |report: &Value| {
        report["overview"]["transactionCount"]
            .as_u64()
            .expect("a count")
    };
    let mut sum = 0;
    for id in [first, first + 1] {
        sum += count(
            &lender
                .get(&app, &format!("{APP}/FIU/Analitic/{id}/{session}"))
                .await
                .ok(),
        );
    }
    assert_eq!(count(&whole), sum);
    assert_eq!(
        whole["customAnalysis"]
            .as_array()
            .expect("rows")
            .iter()
            .filter(|row| row["section"] == 1001)
            .count(),
        3
    );
}

/// A number of the report, text or not, in paise.
fn paise(value: &Value) -> i64 {
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

/// Sums, averages and counts from the fetched transactions alone, by arithmetic that the product does not share.
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
        let (report, data) = report(&app, persona).await;
        let rows = data["DEPOSIT"]["transactions"].as_array().expect("rows");
        let comes = |row: &Value| row["type"] == "CREDIT";
        let month = |row: &Value| text(&row["tranTimestamp"])[..7].to_owned();
        let mut months: BTreeMap<String, (i64, i64, usize, usize)> = BTreeMap::new();
        for row in rows {
            let of = months.entry(month(row)).or_default();
            let amount = paise(&row["amount"]);
            if comes(row) {
                (of.0, of.2) = (of.0 + amount, of.2 + 1);
            } else {
                (of.1, of.3) = (of.1 + amount, of.3 + 1);
            }
        }
        assert_eq!(
            report["overview"]["transactionCount"],
            rows.len(),
            "{persona}"
        );
        let flows = report["cashflow"]["monthly"].as_array().expect("months");
        assert_eq!(flows.len(), months.len() + 4, "{persona}");
        for (flow, (name, of)) in flows.iter().zip(&months) {
            let told = (paise(&flow["inflow"]), paise(&flow["outflow"]));
            assert_eq!(told, (of.0, of.1), "{persona} {name}");
            assert_eq!(
                (
                    &flow["inflowTransactionCount"],
                    &flow["outflowTransactionCount"]
                ),
                (&json!(of.2), &json!(of.3))
            );
            assert_eq!(paise(&flow["netCashFlow"]), of.0 - of.1);
        }
        let total = months
            .values()
            .fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        let row = &flows[months.len()];
        assert_eq!((paise(&row["inflow"]), paise(&row["outflow"])), total);
        for (side, whole) in [("inflows", total.0), ("outflows", total.1)] {
            let parts = report["categories"][side].as_array().expect("categories");
            assert_eq!(
                parts.iter().map(|part| paise(&part["amount"])).sum::<i64>(),
                whole,
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
                "each in one category"
            );
        }
        for (side, whole) in [("credit", total.0), ("debit", total.1)] {
            let parts = report["counterparties"][side].as_array().expect("parties");
            assert_eq!(
                parts.iter().map(|part| paise(&part["amount"])).sum::<i64>(),
                whole,
                "{persona} {side}"
            );
        }
        daily_balances(&report, rows, persona);
        let upi: i64 = rows
            .iter()
            .filter(|row| row["mode"] == "UPI" && comes(row))
            .map(|row| paise(&row["amount"]))
            .sum();
        let told = report["UPIAnalysis"]["summary"].as_array().expect("two");
        let told = told
            .iter()
            .find(|side| side["txnType"] == "INFLOW")
            .map_or(0, |side| paise(&side["amount"]));
        assert_eq!(told, upi, "{persona}");
    }
}

/// Each day's closing balance is that of its last row; the month's average is theirs.
fn daily_balances(report: &Value, rows: &[Value], persona: &str) {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for row in rows {
        last.insert(
            text(&row["tranTimestamp"])[..10].to_owned(),
            paise(&row["currentBalance"]),
        );
    }
    let daily = &report["dailyBalance"];
    for (place, _) in daily["month"]
        .as_array()
        .expect("months")
        .iter()
        .enumerate()
    {
        let of = |day: usize| text(&daily["day"][day.to_string()][place]["amount"]);
        let balances: Vec<i64> = (1..=31)
            .map(of)
            .filter(|told| !told.is_empty())
            .map(|told| paise(&json!(told)))
            .collect();
        let (sum, count) = (
            balances.iter().sum::<i64>(),
            i64::try_from(balances.len()).expect("a month's days"),
        );
        let told = paise(&daily["day"]["Average"][place]["amount"]);
        assert!(
            (told * count - sum).abs() <= count,
            "{persona} {place}: {told} of {sum}"
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
        let of = daily["day"][day.to_string()].as_array().expect("months");
        let told = of
            .iter()
            .find(|told| told["month"] == name)
            .expect("the month is told");
        assert_eq!(paise(&told["amount"]), *balance, "{persona} {date}");
    }
}

/// What is said of the lives that are made to be found.
#[tokio::test]
async fn patterns_are_found() {
    let app = TestApp::start().await;
    let (report, _) = report(&app, "circular-transactions").await;
    assert!(
        report["circularTransactions"]["circular"]
            .as_array()
            .expect("pairs")
            .len()
            > 5
    );
    let app = TestApp::start().await;
    let (report, _) = self::report(&app, "over-indebted").await;
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
    let (report, _) = self::report(&app, "salary-inflation").await;
    let after = report["irregularities"].as_array().expect("twelve").iter();
    let after = after
        .clone()
        .find(|one| one["activity"] == "Immediate big debit after Salary credit")
        .expect("it is told");
    assert!(
        after["monthlyTransactions"]
            .as_array()
            .expect("months")
            .len()
            > 10
    );
}

/// Ways to the plain values, and of which types they are; lists and names that are data are all one.
fn ways(value: &Value, way: &str, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            for item in items {
                ways(item, &format!("{way}[]"), found);
            }
            "list"
        }
        Value::Object(fields) => {
            let named = ["dataDeposits", "dataWithdrawals", "day"]
                .iter()
                .any(|name| way.ends_with(name))
                || way.ends_with(".subCategories");
            for (name, value) in fields {
                let name = if named { "*" } else { name };
                ways(value, &format!("{way}.{name}"), found);
            }
            "object"
        }
    };
    found.entry(way.to_owned()).or_default().insert(kind);
}

/// The recorded body and ours: the same keys, the same types. Where one of them has an empty list there is nothing to
/// compare below it.
#[tokio::test]
async fn the_body_has_the_recordings_keys_and_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/unaport/collection.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("SKIPPED: needs {}", file.display());
        return;
    };
    let collection: Value = serde_json::from_str(&text).expect("JSON");
    let recorded = collection["item"].as_array().expect("folders").iter();
    let requests = recorded.flat_map(|folder| folder["item"].as_array().into_iter().flatten());
    let request = requests
        .clone()
        .find(|request| request["name"] == "Fetch Analytics by Analytic Id")
        .expect("it is there");
    let recorded: Value =
        serde_json::from_str(request["response"][0]["body"].as_str().expect("a body"))
            .expect("JSON");
    let mut theirs = BTreeMap::new();
    ways(&recorded, "", &mut theirs);
    let mut ours = BTreeMap::new();
    for persona in [
        "salaried",
        "over-indebted",
        "circular-transactions",
        "salary-inflation",
        "pensioner",
    ] {
        let app = TestApp::start().await;
        ways(&report(&app, persona).await.0, "", &mut ours);
    }
    // What is below a list that the other side has empty cannot be held against anything.
    let below_empty = |way: &str, other: &BTreeMap<String, BTreeSet<&str>>| {
        way.match_indices("[]").any(|(at, _)| {
            other.contains_key(&way[..at])
                && !other.keys().any(|known| known.starts_with(&way[..at + 2]))
        })
    };
    let mut wrong = Vec::new();
    for (way, kinds) in &theirs {
        match ours.get(way) {
            None if below_empty(way, &ours) => {}
            None => wrong.push(format!("{way}: not told")),
            Some(told) if !told.is_subset(kinds) && !kinds.is_subset(told) => {
                wrong.push(format!("{way}: {told:?}, recorded {kinds:?}"));
            }
            Some(_) => {}
        }
    }
    for way in ours
        .keys()
        .filter(|way| !theirs.contains_key(*way) && !below_empty(way, &theirs))
    {
        wrong.push(format!("{way}: not recorded"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn data_and_analytics_come_as_files() {
    let app = TestApp::start().await;
    let (lender, session) = prepared(&app, "salaried").await;
    let id = generated(&app, &lender, &session).await;
    let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    for (path, media, name, begins) in [
        (
            format!("FIU/Export/{FIU}/{session}"),
            xlsx,
            format!("statement-{session}.xlsx"),
            &b"PK"[..],
        ),
        (
            format!("FIU/ExportPdf/{FIU}/{session}"),
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
        let url = format!("{}{APP}/{path}", app.sandbox.base_url());
        let get = async || {
            let client = reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client");
            client
                .get(&url)
                .bearer_auth(&lender.access)
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
            bytes.starts_with(begins) && bytes.len() > 3_000,
            "{path}: {}",
            bytes.len()
        );
        assert_eq!(
            get().await.bytes().await.expect("a file"),
            bytes,
            "the same bytes again"
        );
    }
}

#[tokio::test]
async fn what_is_made_of_data_is_gone_with_it() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let handle = lender
        .raise(&app, |body| {
            detail(body)["DataLife"] = json!({ "unit": "DAY", "value": 1 });
        })
        .await;
    app.act(&handle, "approve").await.ok();
    app.advance("0s").await;
    let session = lender.session(&app, &handle).await;
    let id = generated(&app, &lender, &session).await;
    let paths = [
        format!("FIU/FI/Analytic/{}/{session}", lender.org),
        format!("FIU/FI/AnalyticAggregate/{}/{session}", lender.org),
        format!("FIU/Analitic/{id}/{session}"),
        format!("FIU/AnaliticAggregate/{session}"),
        format!("FIU/Analitic/Export/{id}"),
        format!("FIU/AnaliticAggregate/Export/{session}"),
        format!("FIU/Export/{FIU}/{session}"),
        format!("FIU/ExportPdf/{FIU}/{session}"),
    ];
    for (later, status) in [("0s", 200), ("P1D", 404)] {
        app.advance(later).await;
        let lender = Lender::log_in(&app).await;
        for path in &paths {
            let answer = lender.get(&app, &format!("{APP}/{path}")).await;
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
    let lender = Lender::arrive(&app).await;
    let handle = lender
        .raise(&app, |body| {
            detail(body)["FIDataRange"] =
                json!({ "from": "1999-01-01T00:00:00.000Z", "to": "2000-01-01T00:00:00.000Z" });
        })
        .await;
    app.act(&handle, "approve").await.ok();
    app.advance("0s").await;
    let session = lender.session(&app, &handle).await;
    told(&mut app);
    let refused = lender
        .get(
            &app,
            &format!("{APP}/FIU/FI/Analytic/{}/{session}", lender.org),
        )
        .await;
    assert_eq!(refused.status, 404, "{}", refused.text);
    assert!(
        refused
            .text
            .contains("no transactions of DEPOSIT accounts from 1999-01-01 to 2000-01-01"),
        "{}",
        refused.text
    );
    app.advance("0s").await;
    assert!(told(&mut app).is_empty(), "nobody is told of a success");
}
