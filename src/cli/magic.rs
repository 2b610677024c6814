//! `mockaa magic`.

use std::process::ExitCode;

use crate::scenario::magic::MAGIC;

pub fn run() -> ExitCode {
    println!("Customers whose consents play a known story, at any @handle:\n");
    for magic in MAGIC {
        println!("  {}@…  {}", magic.number, magic.story);
    }
    println!(
        "\nTimes are world time: advance them with POST /_mockaa/v1/clock/advance {{\"by\":\"5s\"}}."
    );
    ExitCode::SUCCESS
}
