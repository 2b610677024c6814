//! The commands as data, and what is made of them: scripts for shells and manual pages.
//! `docs/commands.md` is made of them too.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::stdout::print_bytes;
use crate::cli::{Arguments, numbers};
use crate::domain::text::display_path;

/// Name of the program.
const PROGRAM: &str = "mockaa";

/// Returns the program with all commands and options.
pub fn build_command() -> Command {
    let command = numbers::explain_numbers(Arguments::command());
    command.mut_subcommands(add_examples_of_subcommands)
}

/// Gives a command the first example of each subcommand.
fn add_examples_of_subcommands(command: Command) -> Command {
    if !command.has_subcommands() {
        return command;
    }
    let examples: Vec<String> = command
        .get_subcommands()
        .filter_map(|subcommand| {
            let help = subcommand.get_after_help()?.to_string();
            let mut lines = help.lines();
            lines.find(|line| line.starts_with("  ")).map(str::to_owned)
        })
        .collect();
    command.after_help(format!("Examples:\n{}", examples.join("\n")))
}

/// Prints the script that completes commands in a shell.
pub(crate) fn print_completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut build_command(), PROGRAM, &mut script);
    print_bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page of the program, or writes the pages of all commands to a folder.
pub(crate) fn print_manual(folder: Option<&Path>) -> anyhow::Result<ExitCode> {
    match folder {
        None => {
            let mut page = Vec::new();
            Man::new(build_command()).render(&mut page)?;
            print_bytes(&page)?;
        }
        Some(folder) => {
            let written = fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(build_command(), folder));
            written
                .with_context(|| format!("cannot write to the folder {}", display_path(folder)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
