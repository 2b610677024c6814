//! `mockaa config`: the participants that are shipped, as a file to begin from.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::config::{Parties, SHIPPED, participants};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a mockaa.toml: the shipped participants, to be changed.
    #[command(after_help = "Examples:\n  mockaa config sample > mockaa.toml")]
    Sample,
    /// Check a mockaa.toml and list who takes part.
    #[command(after_help = "Examples:\n  mockaa config show\n  mockaa config show --config mockaa.toml")]
    Show {
        /// The file; without it the shipped participants.
        #[arg(long, env = "MOCKAA_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Sample => print!("{SHIPPED}"),
        Command::Show { config } => {
            let Parties { participants, keys, .. } = participants(config.as_deref(), None)?;
            for (aa, key) in participants.aas.iter().zip(keys.all()) {
                println!("AA   {:<22} handle @{}   aa_api_key {}   kid {}", aa.id, aa.handle, aa.api_key, key.kid());
            }
            for member in participants.members() {
                let entity = member.entity();
                let kids: Vec<_> = entity.public_keys.iter().map(|key| key.kid.as_str()).collect();
                let kids =
                    if kids.is_empty() { "no public key".to_owned() } else { format!("kid {}", kids.join(", ")) };
                println!("{}  {:<22} api key {}   {kids}", member.kind(), entity.id, entity.api_key);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
