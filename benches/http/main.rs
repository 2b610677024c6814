//! Compares mockaa over HTTP with a bare actix server, in interleaved rounds, and prints a table for
//! `docs/performance.md`. The servers run on one core, the load on another.

#[path = "../baseline/mod.rs"]
mod baseline;
mod calls;
mod journeys;
mod load;
mod options;
mod peers;
mod raw;
mod report;
mod server;
mod sink;
mod webhooks;

use std::process::ExitCode;

use self::options::{HELP, Options};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // The program is also each of the servers and loops that it measures.
    let part = match arguments.first().map(String::as_str) {
        Some("--raw-server") => Some(raw::serve()),
        Some("--sink") => Some(sink::serve()),
        Some("--sign-loop") => {
            webhooks::sign_in_a_loop();
            Some(Ok(()))
        }
        _ => None,
    };
    if let Some(outcome) = part {
        outcome.expect("a part of the bench runs");
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(arguments.into_iter()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("error: {message}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system has a runtime");
    runtime.block_on(measure(&options));
    ExitCode::SUCCESS
}

async fn measure(options: &Options) {
    println!(
        "{} rounds of {} s; {} connections\n",
        options.rounds,
        options.seconds,
        load::CONNECTIONS
    );
    report::print_head();
    if options.includes("calls") {
        calls::compare_calls(options).await;
    }
    if options.includes("million") {
        calls::compare_with_a_million(options);
    }
    if options.includes("memory") {
        calls::measure_memory(options).await;
    }
    if options.includes("webhooks") {
        webhooks::compare(options).await;
    }
    if options.includes("start") {
        journeys::measure_start(options).await;
    }
    if options.includes("advance") {
        journeys::advance_ten_years(options).await;
    }
    if options.includes("worlds") {
        journeys::measure_worlds(options).await;
    }
    if options.includes("peers") {
        peers::compare(options).await;
    }
}
