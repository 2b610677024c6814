//! The control API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::TestApp;

#[tokio::test]
async fn a_consent_is_listed_and_shown() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let mut consent = app.fetch_consent(&handle).await;
    assert_eq!(
        app.get("/_mockaa/v1/consents").await.expect_ok()["items"],
        json!([consent])
    );
    let page = consent["pageUrl"].take();
    assert_eq!(
        page.as_str(),
        Some(&*format!("{}/ui/consents/{handle}", app.sandbox.base_url()))
    );
    let link = consent["customerUrl"].take();
    let link = link.as_str().expect("a URL");
    assert!(link.ends_with(&format!("/aa/consents/{handle}")), "{link}");
    let page = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let page = page.get(link).header("accept", "text/html").send().await;
    assert_eq!(page.expect("a page").status(), 200);
    insta::assert_json_snapshot!(consent);
}

/// Returns the handles of a part of the consents.
async fn list_handles(app: &TestApp, query: &str) -> Vec<String> {
    let path = format!("/_mockaa/v1/consents{query}");
    let page = app.get(&path).await.expect_ok();
    let items = page["items"].as_array().expect("a list").iter();
    let handles = items.map(|item| item["consentHandle"].as_str().expect("a handle").to_owned());
    handles.collect()
}

#[tokio::test]
async fn consents_are_filtered_and_counted() {
    let app = TestApp::start().await;
    let approved = app.raise_consent(|_| {}).await;
    app.apply_verb(&approved, "approve").await.expect_ok();
    let other = app
        .raise_consent(|body| {
            body["ConsentDetail"]["Customer"] = json!({ "id": "9876500009@mockaa" });
        })
        .await;
    for (query, expected) in [
        ("?state=ACTIVE", vec![&approved]),
        ("?state=PENDING", vec![&other]),
        ("?state=REVOKED", vec![]),
        ("?customer=9876500009@mockaa", vec![&other]),
        ("?q=76500009", vec![&other]),
        (
            &format!("?q={}", approved[..8].to_uppercase()),
            vec![&approved],
        ),
        ("?fiuId=fiu-unknown", vec![]),
        ("?scenario=none-of-this-name", vec![]),
    ] {
        let found = list_handles(&app, query).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    // The counts are those of all states, so that a filter by state can be changed.
    let page = app
        .get("/_mockaa/v1/consents?state=ACTIVE")
        .await
        .expect_ok();
    assert_eq!(page["total"], 1);
    assert_eq!(
        page["states"],
        json!([{ "state": "PENDING", "count": 1 }, { "state": "ACTIVE", "count": 1 }])
    );
    for (list, query, field) in [
        ("consents", "state=NEW", "state"),
        ("consents", "customer=nobody", "customer"),
        ("sessions", "consentHandle=1", "consentHandle"),
        ("sessions", "state=OPEN", "state"),
        ("webhooks", "event=consent", "event"),
        ("webhooks", "before=x", "before"),
    ] {
        let reply = app.get(&format!("/_mockaa/v1/{list}?{query}")).await;
        assert_eq!(reply.status, 400, "{list} {query}");
        assert_eq!(reply.json()["field"], field, "{list} {query}");
    }
}

#[tokio::test]
async fn sessions_and_webhooks_are_filtered_by_consent() {
    let app = TestApp::start().await;
    let mut handles = Vec::new();
    for _ in 0..2 {
        let handle = app.raise_consent(|_| {}).await;
        app.apply_verb(&handle, "approve").await.expect_ok();
        handles.push(handle);
    }
    app.advance_clock("0s").await;
    let webhooks = app.get("/_mockaa/v1/webhooks").await.expect_ok();
    let ids: Vec<u64> = webhooks["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|webhook| webhook["id"].as_u64().expect("a number"))
        .collect();
    assert!(
        ids.len() > 1 && ids.is_sorted_by(|newer, older| newer > older),
        "{ids:?}"
    );
    let path = format!("/_mockaa/v1/webhooks?consentHandle={}", handles[1]);
    let of_second = app.get(&path).await.expect_ok();
    assert!(!of_second["items"].as_array().expect("a list").is_empty());
    for webhook in of_second["items"].as_array().expect("a list") {
        assert_eq!(webhook["consentHandle"], handles[1].as_str());
    }
    let path = format!("/_mockaa/v1/sessions?consentHandle={}", handles[0]);
    let sessions = app.get(&path).await.expect_ok();
    assert_eq!(
        (&sessions["items"], &sessions["total"]),
        (&json!([]), &json!(0))
    );
}

#[tokio::test]
async fn lists_come_in_parts() {
    let app = TestApp::start().await;
    let mut handles = Vec::new();
    for _ in 0..5 {
        handles.push(app.raise_consent(|_| {}).await);
    }
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        let page = app
            .get(&format!("/_mockaa/v1/consents?limit=2&after={after}"))
            .await
            .expect_ok();
        let items = page["items"].as_array().expect("a list");
        seen.extend(
            items
                .iter()
                .map(|item| item["consentHandle"].as_str().expect("a handle").to_owned()),
        );
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(seen, handles);
    assert_eq!(app.get("/_mockaa/v1/consents?limit=many").await.status, 400);
    // Without `after`, the newest come first.
    let newest = list_handles(&app, "?limit=2").await;
    assert_eq!(newest, [handles[4].clone(), handles[3].clone()]);
    let page = app.get("/_mockaa/v1/consents?limit=2").await.expect_ok();
    assert_eq!((&page["next"], &page["total"]), (&json!(4), &json!(5)));
    let older = list_handles(&app, "?limit=2&before=4").await;
    assert_eq!(older, [handles[2].clone(), handles[1].clone()]);
    let oldest = list_handles(&app, "?limit=2&before=2").await;
    assert_eq!(oldest, [handles[0].clone()]);
    let both = app.get("/_mockaa/v1/consents?before=2&after=1").await;
    assert_eq!(both.status, 400);
    assert_eq!(both.json()["field"], "before");
    for list in ["consents", "webhooks", "journal"] {
        let page = app
            .get(&format!(
                "/_mockaa/v1/{list}?after=18446744073709551615&limit=1"
            ))
            .await
            .expect_ok();
        assert_eq!(
            (&page["items"], &page["next"]),
            (&json!([]), &Value::Null),
            "{list}"
        );
    }
}

/// Applies every verb in every reachable state: it either succeeds or is rejected with the legal
/// verbs.
/// A long list is read without what makes it heavy; the lengths remain.
#[tokio::test]
async fn light_rows_have_neither_headers_nor_bodies() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    let [whole, light] = ["false", "true"].map(|light| format!("journal?kind=call&light={light}"));
    let [whole, light] = [
        app.get(&format!("/_mockaa/v1/{whole}")).await.expect_ok(),
        app.get(&format!("/_mockaa/v1/{light}")).await.expect_ok(),
    ];
    let (whole, light) = (&whole["items"][0], &light["items"][0]);
    let mut expected = whole.clone();
    let call = expected["call"].as_object_mut().expect("a call");
    for field in ["headers", "body", "answer", "answerHeaders"] {
        assert!(call.remove(field).is_some(), "{field}: {whole}");
    }
    call.remove("masked");
    assert_eq!(*light, expected);
    let length = light["call"]["bodyLength"].as_u64();
    assert!(length.is_some_and(|length| length > 500), "{light}");
    assert!(light.get("systemTime").is_none(), "{light}");
    let path = format!("/_mockaa/v1/journal/{}", light["seq"]);
    let single = app.get(&path).await.expect_ok();
    assert!(single["systemTime"].is_string(), "{single}");
    let webhooks = app.get("/_mockaa/v1/webhooks?light=true").await.expect_ok();
    let attempt = &webhooks["items"][0]["attempts"][0];
    assert!(attempt["durationMs"].is_number(), "{webhooks}");
    assert!(attempt.get("headers").is_none(), "{attempt}");
    let refused = app.get("/_mockaa/v1/webhooks?light=yes").await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["field"].as_str()),
        (400, Some("light"))
    );
}

#[tokio::test]
async fn a_sandbox_says_what_it_is_and_where_its_parts_are() {
    let app = TestApp::start().await;
    let info = app.get("/_mockaa/v1/info").await.expect_ok();
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&info["world"], &info["worlds"]),
        (&json!("default"), &json!(1))
    );
    assert_eq!(info["otps"], json!(["123456", "1234"]));
    assert_eq!(info["scenariosError"], Value::Null);
    let base = app.sandbox.base_url();
    assert_eq!(
        info["links"]["unaport"],
        format!("{base}/backend-v2/api/v2")
    );
    let other = app.get("/w/other/_mockaa/v1/info").await.expect_ok();
    assert_eq!(other["links"]["docs"], format!("{base}/w/other/docs"));
}

#[tokio::test]
async fn each_file_that_people_write_has_a_schema() {
    let app = TestApp::start().await;
    for (kind, field) in [
        ("scenario", "name"),
        ("faults", "webhooks"),
        ("expectations", "expect"),
        ("persona", "accounts"),
    ] {
        let schema = app
            .get(&format!("/_mockaa/v1/schemas/{kind}"))
            .await
            .expect_ok();
        assert!(
            schema["properties"].get(field).is_some(),
            "{kind}: {schema}"
        );
    }
    let steps = app.get("/_mockaa/v1/schemas/steps").await.expect_ok();
    assert!(steps["$schema"].is_string(), "{steps}");
    let refused = app.get("/_mockaa/v1/schemas/webhooks").await;
    let error =
        "no file is of kind 'webhooks'; there are scenario, steps, faults, expectations, persona";
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["error"]),
        (404, &json!(error))
    );
}

#[tokio::test]
async fn an_illegal_move_is_a_conflict_that_lists_the_legal_ones() {
    let app = TestApp::start().await;
    let paths: [(&str, &[&str]); 8] = [
        ("PENDING", &[]),
        ("ACTIVE", &["approve"]),
        ("PAUSED", &["approve", "pause"]),
        ("REVOKED", &["approve", "revoke"]),
        ("EXPIRED", &["expire"]),
        ("REJECTED", &["reject"]),
        ("FAILED", &["fail"]),
        ("EXPIRED", &["approve", "expire"]),
    ];
    let verbs = [
        "approve", "activate", "reject", "fail", "pause", "resume", "revoke", "expire",
    ];
    for (state, path) in paths {
        for verb in verbs {
            let handle = app.raise_consent(|_| {}).await;
            for step in path {
                app.apply_verb(&handle, step).await.expect_ok();
            }
            let before = app.fetch_consent(&handle).await;
            let legal = before["legal"].as_array().expect("a list").clone();
            let reply = app.apply_verb(&handle, verb).await;
            if legal.contains(&json!(verb)) {
                reply.expect_ok();
                continue;
            }
            assert_eq!(reply.status, 409, "{verb} in {state}");
            let rejection = reply.json();
            assert_eq!(
                (&rejection["state"], &rejection["legal"]),
                (&json!(state), &json!(legal))
            );
            assert_eq!(
                app.fetch_consent(&handle).await,
                before,
                "nothing has changed"
            );
        }
    }
}

#[tokio::test]
async fn calls_about_nothing_are_rejected() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    assert_eq!(
        app.apply_verb("00000000-0000-4000-8000-000000000000", "approve")
            .await
            .status,
        404
    );
    assert_eq!(app.apply_verb("nonsense", "approve").await.status, 404);
    let reply = app.apply_verb(&handle, "aprove").await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()["field"].as_str()),
        (400, Some("action"))
    );
    assert_eq!(app.consent_state(&handle).await, "PENDING");
}

#[tokio::test]
async fn the_clock_is_advanced_by_to_and_until_idle() {
    let app = TestApp::start().await;
    app.raise_with_scenario("pause-resume").await;
    let advanced = app.advance_clock("1m").await;
    insta::assert_json_snapshot!(advanced, { ".webhooks[]" => insta::dynamic_redaction(|attempt, _| {
        let attempt = format!("{attempt:?}");
        assert!(attempt.contains("accepted with 200"), "{attempt}");
        "an attempt"
    }), ".journal[].seq" => "[seq]" });
    let advance = async |body: Value| app.post("/_mockaa/v1/clock/advance", &body).await;
    assert_eq!(
        advance(json!({ "to": "2020-07-04T06:01:30Z" }))
            .await
            .expect_ok()["to"],
        "2020-07-04T06:01:30.000Z"
    );
    let idle = advance(json!({ "until": "idle" })).await.expect_ok();
    assert_eq!(
        idle["to"], "2020-12-30T11:39:57.153Z",
        "the expiry is the last due work"
    );
    let back = advance(json!({ "to": "2020-07-04T06:00:00Z" })).await;
    assert_eq!(back.status, 409);
    assert!(
        back.json()["error"]
            .as_str()
            .expect("a text")
            .contains("time only moves forward")
    );
    for body in [
        json!({}),
        json!({ "by": "soon" }),
        json!({ "to": "noon" }),
        json!({ "until": "noon" }),
        json!({ "by": "1s", "to": "2021-01-01T00:00:00Z" }),
        json!({ "for": "1s" }),
        json!([]),
    ] {
        assert_eq!(advance(body.clone()).await.status, 400, "{body}");
    }
    assert_eq!(
        app.get("/_mockaa/v1/clock").await.expect_ok(),
        json!({
            "mode": "frozen", "now": "2020-12-30T11:39:57.153Z",
            "signingTime": "wall", "messageTime": "world",
        })
    );
}

#[tokio::test]
async fn a_running_clock_runs_on_from_where_it_was_moved_to() {
    let app = TestApp::start_with(|builder| builder.clock("2020-07-04T06:00:00Z")).await;
    let handle = app.raise_with_scenario("reject").await;
    app.advance_clock("P1D").await;
    assert_eq!(app.consent_state(&handle).await, "REJECTED");
    let clock = app.get("/_mockaa/v1/clock").await.expect_ok();
    assert_eq!(clock["mode"], "running");
    assert!(
        clock["now"]
            .as_str()
            .expect("an instant")
            .starts_with("2020-07-05T06:")
    );
}

#[tokio::test]
async fn on_a_running_clock_due_work_happens_by_itself() {
    let mut app = TestApp::start_with(|builder| builder.clock("2020-07-04T06:00:00Z")).await;
    app.raise_consent(|body| {
        body["ConsentDetail"]["consentExpiry"] = "2020-07-04T06:00:00.300Z".into();
    })
    .await;
    assert_eq!(
        app.fiu.next_message().await.json()["ConsentStatusNotification"]["consentStatus"],
        "EXPIRED"
    );
}

#[tokio::test]
async fn two_advances_of_one_world_do_not_mix() {
    let app = TestApp::start_with(|builder| {
        builder.webhook_timeout(std::time::Duration::from_millis(500))
    })
    .await;
    app.fiu.set_behavior(crate::inbox::ReceiverBehavior::Hang);
    app.raise_consent_for("9999999004@mockaa").await;
    let body = json!({ "by": "1s" });
    let (first, second) = tokio::join!(
        app.post("/_mockaa/v1/clock/advance", &body),
        app.post("/_mockaa/v1/clock/advance", &body)
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn health_and_scenarios_are_reported() {
    let app = TestApp::start().await;
    assert_eq!(
        app.get("/livez").await.expect_ok(),
        json!({ "alive": true })
    );
    assert_eq!(app.get("/readyz").await.expect_ok()["ready"], true);
    let listed = app.get("/_mockaa/v1/scenarios").await.expect_ok();
    let items = listed["items"].as_array().expect("a list");
    assert_eq!(
        items.len(),
        std::fs::read_dir("scenarios")
            .expect("the folder exists")
            .count()
    );
    insta::assert_json_snapshot!(items.iter().find(|item| item["name"] == "approve"));
}

#[tokio::test]
async fn a_page_of_another_site_may_not_call_the_control_api() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    for path in [
        format!("/_mockaa/v1/consents/{handle}/approve"),
        format!("/ui/consents/{handle}/approve"),
    ] {
        let request = app
            .request(Method::POST, &path)
            .header("sec-fetch-site", "cross-site");
        assert_eq!(app.send(request).await.status, 403);
    }
    assert_eq!(app.consent_state(&handle).await, "PENDING");
}

#[tokio::test]
async fn idle_is_when_nothing_is_left_to_happen() {
    let app = TestApp::start().await;
    let handle = app.raise_with_scenario("reject").await;
    app.apply_verb(&handle, "reject").await.expect_ok();
    let idle = app
        .post("/_mockaa/v1/clock/advance", &json!({ "until": "idle" }))
        .await
        .expect_ok();
    assert_eq!(
        idle["to"], "2020-07-04T06:00:02.000Z",
        "the expiry of a rejected consent is not awaited"
    );
}
