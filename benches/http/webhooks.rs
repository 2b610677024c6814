//! Signed webhooks per second, beside the signature alone. Every webhook is signed, so there is no
//! unsigned side to compare.

use std::time::{Duration, Instant};

use mockaa::internals::crypto::keys::SigningKey;

use crate::calls::as_float;
use crate::options::Options;
use crate::report::{Floor, Rounds, print_ratio};
use crate::server::{Part, Server, Side};

const KEY: &str = include_str!("../../fixtures/keys/fiu-1.pem");

/// The number of webhooks of a round: fewer than the outbox holds.
const WEBHOOKS: u32 = 9_000;

/// Compares the webhooks of consents that expire at one instant with a loop that only signs.
pub async fn compare(options: &Options) {
    let mut rounds: [Rounds; 2] = Default::default();
    for _ in 0..options.rounds {
        let sink = Part::start(&["--sink"], crate::server::LOAD_CORE);
        let server = Server::start(Side::Mockaa, &options.program, &["--fiu-url", &sink.url()]);
        server.raise(WEBHOOKS).await;
        let began = now();
        server
            .post("/_mockaa/v1/clock/advance", r#"{"by":"P300D"}"#)
            .await;
        let took = now().duration_since(began);
        let count = crate::server::get_number(&format!("{}/count", sink.url())).await;
        assert_eq!(count, u64::from(WEBHOOKS), "each consent has one webhook");
        rounds[0].add(as_float(count) / took.as_secs_f64());
        let signed = Part::start(&["--sign-loop"], crate::server::SERVER_CORE);
        rounds[1].add(signed.first_line.parse().expect("a number"));
    }
    let [mockaa, loop_rate] = &rounds;
    print_ratio(
        "signed webhooks / the signature alone",
        "/s",
        [mockaa, loop_rate],
        Floor::AtLeast(0.90),
    );
}

/// Signs for two seconds and prints the signatures per second.
pub fn sign_in_a_loop() {
    let key = SigningKey::from_pem("k", KEY).expect("a key");
    let (began, mut count) = (now(), 0);
    while now().duration_since(began) < Duration::from_secs(2) {
        std::hint::black_box(key.sign(&[b'x'; 500]));
        count += 1;
    }
    let rate = as_float(count) / now().duration_since(began).as_secs_f64();
    println!("{rate}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures elapsed time"
)]
pub fn now() -> Instant {
    Instant::now()
}
