//! `mockaa fiu` and `mockaa fip`: the participants of a world of a running sandbox.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use crate::cli::control::WorldTarget;
use crate::cli::remote::{Remote, encode_segment, print_list};
use crate::cli::{UsageError, read_input};
use crate::domain::text::display_path;

#[derive(Debug, Subcommand)]
pub(crate) enum FiuCommand {
    /// List the FIUs of a world.
    #[command(after_help = "Examples:\n  mockaa fiu list\n  mockaa fiu list --json")]
    List(WorldTarget),
    /// Show an FIU: credentials, addresses, settings.
    #[command(after_help = "Example:\n  mockaa fiu show FIU-1")]
    Show(ParticipantTarget),
    /// Add or change an FIU of a world. What is not given keeps its value or follows from the id.
    #[command(
        after_help = "Examples:\n  mockaa fiu put FIU-1 --set baseUrl=http://127.0.0.1:9000\n  mockaa fiu put FIU-9 fiu-9.json"
    )]
    Put(PutArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum FipCommand {
    /// List the FIPs of a world.
    #[command(after_help = "Examples:\n  mockaa fip list\n  mockaa fip list --json")]
    List(WorldTarget),
    /// Show a FIP: accounts, form of the data, settings.
    #[command(after_help = "Example:\n  mockaa fip show FIP-1")]
    Show(ParticipantTarget),
    /// Add or change a FIP of a world. What is not given keeps its value or follows from the id.
    #[command(
        after_help = "Examples:\n  mockaa fip put FIP-2 --set 'name=A Bank of Your Own'\n  mockaa fip put FIP-9 fip-9.json"
    )]
    Put(PutArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ParticipantTarget {
    /// Id of the participant.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct PutArguments {
    #[command(flatten)]
    target: ParticipantTarget,
    /// File with fields in JSON, as `show` prints them; - is stdin.
    #[arg(required_unless_present = "set")]
    file: Option<PathBuf>,
    /// Value of a field, in JSON or as text; may be repeated.
    #[arg(long, value_parser = parse_setting, value_name = "FIELD=VALUE")]
    set: Vec<(String, Value)>,
}

/// Parses a field and its value. A value that is not JSON is a text.
fn parse_setting(text: &str) -> Result<(String, Value), String> {
    let (field, value) = text
        .split_once('=')
        .filter(|(field, _)| !field.is_empty())
        .ok_or_else(|| {
            "give a field and a value, such as baseUrl=http://127.0.0.1:9000".to_owned()
        })?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    Ok((field.to_owned(), value))
}

pub(crate) async fn run_fiu(command: FiuCommand) -> anyhow::Result<ExitCode> {
    match command {
        FiuCommand::List(WorldTarget { remote }) => {
            let columns = [("id", "id"), ("name", "name"), ("base url", "baseUrl")];
            print_list(&remote, &remote.get("config/fiu").await?, &columns);
        }
        FiuCommand::Show(target) => target.show("config/fiu").await?,
        FiuCommand::Put(arguments) => arguments.put("config/fiu").await?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn run_fip(command: FipCommand) -> anyhow::Result<ExitCode> {
    match command {
        FipCommand::List(WorldTarget { remote }) => {
            let columns = [("id", "id"), ("name", "name"), ("linking", "linking")];
            print_list(&remote, &remote.get("config/fip").await?, &columns);
        }
        FipCommand::Show(target) => target.show("config/fip").await?,
        FipCommand::Put(arguments) => arguments.put("config/fip").await?,
    }
    Ok(ExitCode::SUCCESS)
}

impl ParticipantTarget {
    /// Prints the participant of this kind.
    async fn show(&self, kind: &str) -> anyhow::Result<()> {
        let response = self.remote.get(&self.path(kind)).await?;
        self.remote.print(&response);
        Ok(())
    }

    fn path(&self, kind: &str) -> String {
        format!("{kind}/{}", encode_segment(&self.id))
    }
}

impl PutArguments {
    /// Sends the entry of this kind, and prints what it has become.
    async fn put(&self, kind: &str) -> anyhow::Result<()> {
        let Self { target, file, set } = self;
        let mut entry: Map<String, Value> = match file {
            None => Map::new(),
            Some(file) => serde_json::from_slice(&read_input(Some(file))?).map_err(|error| {
                let file = display_path(file);
                UsageError(format!("{file}: give an object in JSON: {error}"))
            })?,
        };
        entry.extend(set.iter().cloned());
        let body = Value::Object(entry).to_string();
        let response = target.remote.put(&target.path(kind), body).await?;
        target.remote.print(&response);
        Ok(())
    }
}
