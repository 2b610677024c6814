//! The two calls of the seed API: rates, latencies and memory.

use std::path::PathBuf;

use crate::load::{Load, Measured, POST_FILE};
use crate::options::Options;
use crate::report::{Floor, Rounds, print_figure, print_ratio};
use crate::server::{Server, Side, Target};

/// The number of consents that are looked up in turn.
const LOOKED_UP: u32 = 1_000;

/// The number of consents that are stored to measure a full store.
const MILLION: u64 = 1_000_000;

pub fn post(target: &impl Target, first_number: u64, seconds: u32, longest_pause: u32) -> Measured {
    Load {
        method: "POST",
        file: PathBuf::from(POST_FILE),
        longest_pause,
        first_number,
        seconds,
    }
    .run(target)
}

pub fn get(target: &impl Target, file: PathBuf, seconds: u32) -> Measured {
    Load {
        method: "GET",
        file,
        longest_pause: 0,
        first_number: 0,
        seconds,
    }
    .run(target)
}

/// The figures of one side.
#[derive(Default)]
struct CallRounds {
    post_rate: Rounds,
    get_rate: Rounds,
    paced_p99: Rounds,
    get_p99_after_posts: Rounds,
}

/// Compares the rates of both calls, the latency of requests at a fixed rate, and that of look-ups
/// right after a load of requests.
pub async fn compare_calls(options: &Options) {
    let mut rounds: [CallRounds; 2] = Default::default();
    for _ in 0..options.rounds {
        for (side, rounds) in Side::BOTH.into_iter().zip(&mut rounds) {
            let server = Server::start(side, &options.program, &[]);
            let paths = server.raise_consents(LOOKED_UP).await;
            let file = crate::load::write_paths(&paths);
            // Each consent is signed once.
            get(&server, file.clone(), 1);
            rounds
                .get_rate
                .add(get(&server, file.clone(), options.seconds).rate);
            // 64 connections with 12.5 ms between calls on average are 5,000 calls a second.
            let paced = post(&server, 10_000_000, options.seconds, 25);
            rounds.paced_p99.add(paced.p99);
            let full = post(&server, 100_000_000, options.seconds, 0);
            rounds.post_rate.add(full.rate);
            rounds.get_p99_after_posts.add(get(&server, file, 2).p99);
        }
    }
    let [mockaa, raw] = &rounds;
    print_ratio(
        "`POST /consent`",
        "/s",
        [&mockaa.post_rate, &raw.post_rate],
        Floor::AtLeast(0.75),
    );
    print_ratio(
        "`GET /consent/{id}`",
        "/s",
        [&mockaa.get_rate, &raw.get_rate],
        Floor::AtLeast(0.95),
    );
    print_ratio(
        "p99 of `POST` at 5,000/s",
        "ms",
        [&mockaa.paced_p99, &raw.paced_p99],
        Floor::AtMost(2.0),
    );
    print_ratio(
        "p99 of `GET` after a load of `POST`",
        "ms",
        [&mockaa.get_p99_after_posts, &raw.get_p99_after_posts],
        Floor::AtMost(3.0),
    );
}

/// Compares the rate of requests with a million consents stored with that of an empty store.
pub fn compare_with_a_million(options: &Options) {
    let mut rounds: [Rounds; 2] = Default::default();
    let mut bytes = Rounds::default();
    // Filling the store takes half a minute.
    for _ in 0..options.rounds.min(3) {
        let server = Server::start(Side::Mockaa, &options.program, &[]);
        let idle = server.resident_bytes();
        rounds[1].add(post(&server, 10_000_000, options.seconds, 0).rate);
        let mut stored = 0;
        while stored < MILLION {
            stored += post(&server, 100_000_000 + stored, 10, 0).calls;
        }
        bytes.add(as_float(server.resident_bytes() - idle) / as_float(stored));
        rounds[0].add(post(&server, 900_000_000, options.seconds, 0).rate);
    }
    let [full, empty] = &rounds;
    print_ratio(
        "`POST` with a million consents / with none",
        "/s",
        [full, empty],
        Floor::AtLeast(0.85),
    );
    print_figure(
        "memory per pending consent, journal included",
        "bytes",
        &bytes,
        Floor::AtMost(600.0),
    );
}

/// Measures the memory of an active consent that was looked up, and so signed.
pub async fn measure_memory(options: &Options) {
    let mut rounds = Rounds::default();
    for _ in 0..options.rounds.min(3) {
        let server = Server::start(Side::Mockaa, &options.program, &[]);
        // The journal and the buffers of the connections are full then.
        let paths = server.raise_consents(11_000).await;
        get(&server, crate::load::write_paths(&paths), 4);
        let before = server.resident_bytes();
        let all = server.raise_consents(40_000).await;
        get(&server, crate::load::write_paths(&all), 12);
        rounds.add(as_float(server.resident_bytes() - before) / 40_000.0);
    }
    print_figure(
        "memory per active consent, signed",
        "bytes",
        &rounds,
        Floor::AtMost(1_200.0),
    );
}

#[expect(clippy::cast_precision_loss, reason = "the numbers are far below 2^53")]
pub fn as_float(number: u64) -> f64 {
    number as f64
}
