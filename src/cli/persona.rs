//! `mockaa persona`: the personas of a world of a running sandbox.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;

use crate::cli::control::WorldTarget;
use crate::cli::remote::{Remote, encode_segment, print_fields, print_list};
use crate::cli::scenario::format_diagnostics;
use crate::cli::{UsageError, read_input};
use crate::domain::text::display_path;
use crate::files::persona::parse_without_files;

#[derive(Debug, Subcommand)]
pub(crate) enum PersonaCommand {
    /// List the personas of a world of a running sandbox.
    #[command(after_help = "Example:\n  mockaa persona list")]
    List(WorldTarget),
    /// Add a persona to a world of a running sandbox, or replace it.
    #[command(
        after_help = "Examples:\n  mockaa persona put mine.yaml\n  mockaa data personas --show salaried | mockaa persona put -"
    )]
    Put {
        /// A persona file; - is stdin.
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
}

pub(crate) async fn run(command: PersonaCommand) -> anyhow::Result<ExitCode> {
    let (file, remote) = match command {
        PersonaCommand::List(WorldTarget { remote }) => {
            let columns = [
                ("name", "name"),
                ("default", "isDefault"),
                ("description", "description"),
            ];
            print_list(&remote, &remote.get_all("personas").await?, &columns);
            return Ok(ExitCode::SUCCESS);
        }
        PersonaCommand::Put { file, remote } => (file, remote),
    };
    let text = String::from_utf8(read_input(Some(&file))?)
        .with_context(|| format!("{} is not UTF-8", display_path(&file)))?;
    let persona = parse_without_files(&text)
        .map_err(|diagnostics| UsageError(format_diagnostics(&file, &diagnostics)))?;
    let path = format!("personas/{}", encode_segment(&persona.name));
    let response = remote.put(&path, text).await?;
    print_fields(
        &remote,
        &response,
        &[("name", "name"), ("description", "description")],
    );
    Ok(ExitCode::SUCCESS)
}
