//! `mockaa magic`: lists the magic customers.

use std::process::ExitCode;

use crate::scenario::magic::MAGIC_CUSTOMERS;

pub(crate) fn run() -> ExitCode {
    println!("Customers whose consents follow a fixed scenario, at any @handle:\n");
    for magic in MAGIC_CUSTOMERS {
        println!("  {}@…  {}", magic.number, magic.description);
    }
    println!("\ntimes are world time; advance the clock with `mockaa clock advance --by 5s`");
    ExitCode::SUCCESS
}
