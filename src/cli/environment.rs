//! The environment variables of the options: an empty one counts as unset, as compose files pass
//! them, and an unknown one is refused.

use clap::Command;
use clap::builder::Resettable;

use crate::domain::naming::suggest_name;
use crate::domain::text::escape_controls;

/// Prefix of the names of all variables.
const PREFIX: &str = "MOCKAA_";

/// Variables that `mockaa run` sets for the command that it starts.
pub(crate) const SET_BY_RUN: [&str; 5] = [
    "MOCKAA_BASE_URL",
    "MOCKAA_DURATION",
    "MOCKAA_SCENARIO",
    "MOCKAA_URL",
    "MOCKAA_WORLD",
];

/// Variable of the packages and kits: the program that they start.
const BINARY: &str = "MOCKAA_BINARY";

/// Removes the empty variables from the options of a command and its subcommands.
pub(crate) fn ignore_empty_variables(command: Command) -> Command {
    let is_empty =
        |name: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|option| {
            if option.get_env().is_some_and(is_empty) {
                option.env(Resettable::Reset)
            } else {
                option
            }
        })
        .mut_subcommands(ignore_empty_variables)
}

/// Checks the names of the variables that are set.
///
/// # Errors
/// The first unknown name, with the known one that is closest.
pub(crate) fn check_names(command: &Command) -> Result<(), String> {
    let mut known: Vec<String> = SET_BY_RUN.map(str::to_owned).to_vec();
    known.push(BINARY.to_owned());
    collect_names(command, &mut known);
    known.sort_unstable();
    known.dedup();
    let mut names: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && !known.contains(name))
        .collect();
    names.sort_unstable();
    match names.first() {
        None => Ok(()),
        Some(name) => Err(format!(
            "unknown environment variable {}; {}, or unset it",
            escape_controls(name),
            suggest_name(name, known.iter().map(String::as_str))
        )),
    }
}

fn collect_names(command: &Command, names: &mut Vec<String>) {
    let own = command
        .get_arguments()
        .filter_map(|option| option.get_env());
    names.extend(own.filter_map(|name| name.to_str()).map(str::to_owned));
    for subcommand in command.get_subcommands() {
        collect_names(subcommand, names);
    }
}
