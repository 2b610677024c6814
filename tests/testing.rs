//! The world of a test in Rust.

use mockaa::{Sandbox, TestError};
use serde_json::{Value, json};

const CLOCK: &str = "2026-01-31T06:00:00Z,frozen";

async fn start() -> Sandbox {
    let builder = Sandbox::builder().seed(42).clock(CLOCK);
    builder.start().await.expect("it starts")
}

#[tokio::test]
async fn worlds_are_apart_and_can_be_deleted() {
    let sandbox = start().await;
    let (first, second) = (sandbox.world("first"), sandbox.world("second"));
    let handle = first.raise("9876543210").await.expect("a handle");
    assert_eq!(first.state(&handle).await.expect("a state"), "PENDING");
    let unknown = second.state(&handle).await.expect_err("it is the first's");
    assert!(
        matches!(unknown, TestError::Refused { status: 404, .. }),
        "{unknown}"
    );
    first.clone().delete().await.expect("it exists");
    let gone = first.state(&handle).await.expect_err("it is empty again");
    assert!(gone.to_string().contains("was answered with 404"), "{gone}");
}

#[tokio::test]
async fn what_is_not_possible_is_refused_with_the_text_of_the_sandbox() {
    let sandbox = start().await;
    let world = sandbox.world("refused");
    let handle = world.raise("9876543210@mockaa").await.expect("a handle");
    let refused = world.act(&handle, "resume").await.expect_err("no pause");
    assert!(
        matches!(&refused, TestError::Refused { status: 409, message, .. } if message.contains("approve")),
        "{refused}"
    );
    for (by, status) in [("yesterday", 400), ("-1s", 400)] {
        let refused = world.advance(by).await.expect_err(by);
        assert!(
            matches!(refused, TestError::Refused { status: found, .. } if found == status),
            "{refused}"
        );
    }
    let odd = sandbox.world("a/b").raise("9876543210").await;
    let odd = odd.expect_err("a slash is no part of a name");
    assert!(odd.to_string().contains("world name"), "{odd}");
    let method = world.control("NOT A METHOD", "clock", Value::Null).await;
    assert!(matches!(
        method,
        Err(TestError::Refused { status: 405, .. })
    ));
}

#[tokio::test]
async fn an_inbox_verifies_and_says_what_has_arrived() {
    let sandbox = start().await;
    let world = sandbox.world("inbox");
    let faults = json!({ "webhooks": [
        { "where": { "status": "PAUSED", "attempts": 1 }, "fault": { "wrong_key": {} } },
    ] });
    let put = world.control("PUT", "faults/test", faults).await;
    put.expect("the faults are in effect");
    let mut inbox = world.inbox().await.expect("a free port");
    let handle = world.raise("9876543210").await.expect("a handle");
    world.approve(&handle).await.expect("it is pending");
    world.act(&handle, "pause").await.expect("it is active");
    world.advance("1m").await.expect("the clock moves");
    let forged = inbox.wait_for("forged", |webhook| webhook.error.is_some());
    let forged = forged.await.expect("it has arrived");
    assert_eq!((forged.status(), forged.answered), (Some("PAUSED"), 400));
    // It was sent again.
    let paused = inbox.wait("PAUSED").await.expect("it has arrived");
    assert_eq!(paused.error, None);
    assert_eq!(inbox.list_received().len(), 3);
    let report = world.report().await.expect("a report");
    report
        .check(&["rejects-invalid-signatures"])
        .expect("it passes");
    assert_eq!(report.outcome("no-such-rule"), None);
    let untested = report.check(&["deduplicates-webhooks", "no-such-rule"]);
    let untested = untested.expect_err("nothing tested it").to_string();
    for text in [
        "contract report of world inbox",
        "deduplicates-webhooks: not-tested",
        "no-such-rule: no rule has this name",
    ] {
        assert!(untested.contains(text), "{untested}");
    }
}

#[tokio::test]
async fn a_sandbox_with_https_and_a_token_is_called_too() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("testing-tls");
    let builder = Sandbox::builder().seed(42).clock(CLOCK);
    let builder = builder.bind([0, 0, 0, 0].into()).tls_folder(folder);
    let sandbox = builder.start().await.expect("it starts");
    assert!(sandbox.control_token().is_some());
    let world = sandbox.world("secured");
    assert!(world.base_url().starts_with("https://"));
    let handle = world.raise("9999999001").await.expect("a handle");
    assert_eq!(world.state(&handle).await.expect("a state"), "ACTIVE");
}
