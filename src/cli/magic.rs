//! `mockaa magic`: lists the magic customers.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::remote::{JsonResponse, OptionalRemote, field_text};
use crate::scenario::magic::MAGIC_CUSTOMERS;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  mockaa magic\n  mockaa magic --json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: OptionalRemote,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let prints_json = arguments.remote.json;
    let list = match arguments.remote.into_remote() {
        Some(remote) => remote.get("magic").await?,
        None => list_shipped().into(),
    };
    if prints_json {
        list.print();
    } else {
        print_customers(&list);
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the magic customers of this program in the form of the control API's list.
fn list_shipped() -> Value {
    let items: Vec<Value> = MAGIC_CUSTOMERS
        .iter()
        .map(|magic| json!({ "number": magic.number, "description": magic.description }))
        .collect();
    json!({ "items": items, "next": null })
}

fn print_customers(list: &JsonResponse) {
    println!("Customers whose consents follow a fixed scenario, at any @handle:\n");
    for magic in list["items"].as_array().into_iter().flatten() {
        let (number, description) = (
            field_text(magic, "number"),
            field_text(magic, "description"),
        );
        println!("  {number}@…  {description}");
    }
    println!("\ntimes are world time; advance the clock with `mockaa clock advance --by 5s`");
}
