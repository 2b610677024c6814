//! Start, memory, worlds and long advances.

use std::time::Duration;

use serde_json::{Value, json};

use crate::calls::as_float;
use crate::options::Options;
use crate::report::{Floor, Rounds, print_figure};
use crate::server::{LOAD_CORE, NOW, Part, Server, Side};
use crate::webhooks::now;

/// Measures the time from the start of the process to its first answer, and its memory then.
pub async fn measure_start(options: &Options) {
    let (mut start, mut idle) = (Rounds::default(), Rounds::default());
    for _ in 0..options.rounds {
        let server = Server::start(Side::Mockaa, &options.program, &[]);
        server.get("/livez").await;
        start.add(now().duration_since(server.started_at).as_secs_f64() * 1e3);
        idle.add(as_float(server.resident_bytes()) / 1e6);
    }
    print_figure(
        "process start to the first answer, one worker",
        "ms",
        &start,
        Floor::AtMost(15.0),
    );
    print_figure(
        "resident memory, idle, one worker",
        "MB",
        &idle,
        Floor::AtMost(12.0),
    );
}

/// Plays ten years of hourly fetches of one Unaport consent in one advance, with a receiver.
pub async fn advance_ten_years(options: &Options) {
    let sink = Part::start(&["--sink"], LOAD_CORE);
    let arguments = ["--fiu-url", &sink.url(), "--default-scenario", "approve"];
    let server = Server::start(Side::Mockaa, &options.program, &arguments);
    let credentials = json!({ "emailId": "dev@lender.example", "password": "any-password" });
    let login = server
        .post("/api/v1/public/user/login", &credentials.to_string())
        .await;
    let token = login["access_token"].as_str().expect("a token");
    let organisation = server
        .call("GET", "/api/v1/FIU/getClientOrganisation", "", token)
        .await;
    let organisation = organisation["orgId"].as_str().expect("an organisation");
    let path = format!("/backend-v2/api/v2/FIU/Consents/{organisation}");
    server
        .call("POST", &path, &hourly_consent().to_string(), token)
        .await;
    let began = now();
    let advanced = server
        .post(
            "/_mockaa/v1/clock/advance",
            r#"{"to":"2030-07-01T00:00:00Z"}"#,
        )
        .await;
    let took = now().duration_since(began).as_secs_f64();
    assert_eq!(advanced["stopped"], "target", "{}", advanced["error"]);
    let webhooks = crate::server::get_number(&format!("{}/count", sink.url())).await;
    let mut rate = Rounds::default();
    rate.add(as_float(webhooks) / took);
    print_figure(
        &format!("ten years of hourly fetches in one advance: {webhooks} webhooks in {took:.0} s"),
        "webhooks/s",
        &rate,
        Floor::AtLeast(1_000.0),
    );
}

fn hourly_consent() -> Value {
    json!({
        "vuaId": "9", "createdBy": "developer@lender.example", "trackingId": "LOAN-4711",
        "aaId": "UNACORES-AA-UAT", "fiuId": "UNACORES-FIU-UAT",
        "redirectUrl": "https://lender.example/back", "fiuBaseUrl": "https://lender.example",
        "ConsentsRequest": {
            "ver": "2.0.0", "timestamp": NOW, "txnid": "97a219c8-42fa-49db-ba0e-b40868c32e6f",
            "ConsentDetail": {
                "consentStart": NOW, "consentExpiry": "2030-07-04T00:00:00.000Z",
                "consentMode": "STORE", "fetchType": "PERIODIC",
                "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
                "DataConsumer": { "id": "UNACORES-FIU-UAT", "type": "FIU" },
                "Customer": { "id": "", "Identifiers": [{ "type": "MOBILE", "value": "9876500001" }] },
                "Purpose": {
                    "code": "103", "refUri": "https://api.rebit.org.in/aa/purpose/103.xml",
                    "text": "Aggregated statement", "Category": { "type": "Financial Reporting" },
                },
                "FIDataRange": { "from": "2020-01-01T00:00:00.000Z", "to": "2020-07-01T00:00:00.000Z" },
                "DataLife": { "unit": "MONTH", "value": 1 }, "Frequency": { "unit": "HOUR", "value": 1 },
            },
        },
    })
}

/// The number of worlds that are measured.
const WORLDS: u32 = 200;

/// Measures the memory of a world with ten journeys after a minute of rest, and the time to create
/// and delete a world.
pub async fn measure_worlds(options: &Options) {
    let server = Server::start(Side::Mockaa, &options.program, &[]);
    let mut time = Rounds::default();
    for number in 0..1_000 {
        let began = now();
        server.get(&format!("/w/t{number}/_mockaa/v1/world")).await;
        server
            .call("DELETE", &format!("/_mockaa/v1/worlds/t{number}"), "", "")
            .await;
        time.add(now().duration_since(began).as_secs_f64() * 1e3);
    }
    let before = server.resident_bytes();
    let mut journal = 0;
    for number in 0..WORLDS {
        let base = format!("/w/m{number}");
        for paths in server.raise_consents_in(&base, 10).await {
            server.get(&paths).await;
        }
        let entries = server
            .get(&format!("{base}/_mockaa/v1/journal?limit=1000"))
            .await;
        let entries = entries["items"].as_array().expect("a list");
        journal += entries
            .iter()
            .map(|entry| {
                let size = |name: &str| entry["call"][name].as_u64().unwrap_or_default();
                size("bodyLength") + size("answerLength")
            })
            .sum::<u64>();
    }
    rest().await;
    let grown = server.resident_bytes() - before - journal;
    let mut memory = Rounds::default();
    memory.add(as_float(grown) / 1e3 / f64::from(WORLDS));
    print_figure(
        "a world after ten journeys, beside the bodies in its journal",
        "kB",
        &memory,
        Floor::AtMost(50.0),
    );
    print_figure("create and delete a world", "ms", &time, Floor::AtMost(1.0));
}

/// Lets the server rest for a minute.
#[expect(clippy::disallowed_methods, reason = "the server rests")]
async fn rest() {
    tokio::time::sleep(Duration::from_secs(60)).await;
}
