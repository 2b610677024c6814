//! The Rust recipe of `docs/testing.md`. The text below this line is the same there, word for word.

/// The time of every world's frozen clock. With a fixed seed, the same calls return the same bytes.
const NOW: &str = "2026-01-31T06:00:00.000Z";

#[tokio::test]
async fn a_consent_expires_when_its_time_has_come() -> Result<(), Box<dyn std::error::Error>> {
    let builder = mockaa::Sandbox::builder().seed(42);
    // To test your own FIU, add its address, `.fiu_url("http://127.0.0.1:9000")`, and leave out the inbox.
    let sandbox = builder.clock(format!("{NOW},frozen")).start().await?;
    let world = sandbox.world("expires");
    let mut inbox = world.inbox().await?;

    let handle = world.raise("9876543210").await?;
    assert_eq!(world.approve(&handle).await?, "ACTIVE");
    let webhook = inbox.wait("ACTIVE").await?;
    assert_eq!(webhook.consent_handle(), Some(&*handle));

    world.advance_to("2027-01-31T06:00:00Z").await?;
    assert_eq!(world.state(&handle).await?, "EXPIRED");
    inbox.wait("EXPIRED").await?;

    let report = world.report().await?;
    report.check(&["signs-requests", "acknowledges-webhooks"])?;
    sandbox.stop().await;
    Ok(())
}
