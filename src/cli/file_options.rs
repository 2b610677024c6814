//! Options in `mockaa.toml`: the table of a command, such as `[serve]`, has values for the options
//! that neither the command line nor an environment variable sets.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use toml::{Table, Value};

use crate::cli::UsageError;
use crate::config::{OPTION_TABLES, find_config_file};
use crate::domain::naming::suggest_name;
use crate::domain::text::display_path;

/// The option that names the file, which therefore cannot stand in it.
const CONFIG_OPTION: &str = "config";

/// The options of the file in effect.
#[derive(Debug, Default)]
pub(crate) struct FileOptions {
    file: PathBuf,
    tables: Table,
}

/// Origin of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    CommandLine,
    Environment,
    File,
    Default,
}

impl FileOptions {
    /// Reads the file that these arguments select. A file that cannot be read or parsed has no
    /// options; the command that uses it reports the error.
    pub(crate) fn read(command: &Command, arguments: &[OsString]) -> Self {
        let matches = command.clone().ignore_errors(true);
        let matches = matches.try_get_matches_from(arguments).ok();
        let selected = matches.as_ref().and_then(ArgMatches::subcommand);
        let Some((name, options)) = selected.filter(|(name, _)| OPTION_TABLES.contains(name))
        else {
            return Self::default();
        };
        let has_config = command
            .find_subcommand(name)
            .is_some_and(|command| find_option(command, CONFIG_OPTION).is_some());
        let explicit = options.try_get_one::<PathBuf>(CONFIG_OPTION).ok().flatten();
        let explicit = explicit.filter(|_| has_config).cloned();
        let Some(file) = find_config_file(explicit) else {
            return Self::default();
        };
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let mut tables: Table = text.parse().unwrap_or_default();
        tables.retain(|name, _| OPTION_TABLES.contains(&name));
        Self { file, tables }
    }

    /// Gives the options of the commands the values of the file as their defaults.
    ///
    /// # Errors
    /// The first key or value that does not fit, with its remedy.
    pub(crate) fn apply(&self, mut command: Command) -> Result<Command, UsageError> {
        for (table, values) in &self.tables {
            let Some(values) = values.as_table() else {
                return Err(self.refuse(table, "it is no table; give it options"));
            };
            for (key, value) in values {
                let place = format!("{table}.{key}");
                let subcommand = command.find_subcommand(table);
                let option =
                    subcommand.and_then(|command| find_option(command, &to_long_name(key)));
                let Some(option) = option.filter(|_| key != CONFIG_OPTION) else {
                    let known: Vec<_> = subcommand.map(list_keys).unwrap_or_default();
                    let suggestion = suggest_name(key, known.iter().map(String::as_str));
                    let problem = format!("no option of `mockaa {table}`; {suggestion}");
                    return Err(self.refuse(&place, &problem));
                };
                let text = to_text(value).ok_or_else(|| {
                    self.refuse(
                        &place,
                        "give a text, a number, true, false or a list of them",
                    )
                })?;
                check_value(option, &text).map_err(|problem| self.refuse(&place, &problem))?;
                let id = option.get_id().clone();
                command = command.mut_subcommand(table, |command| {
                    command.mut_arg(id, |option| option.default_value(text))
                });
            }
        }
        Ok(command)
    }

    /// Returns the file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Returns where the value of a command's option comes from.
    pub(crate) fn find_origin(&self, table: &str, option: &Arg, matches: &ArgMatches) -> Origin {
        match matches.value_source(option.get_id().as_str()) {
            Some(ValueSource::CommandLine) => Origin::CommandLine,
            Some(ValueSource::EnvVariable) => Origin::Environment,
            _ => {
                let values = self.tables.get(table).and_then(Value::as_table);
                let is_there = values.is_some_and(|values| values.contains_key(&to_key(option)));
                if is_there {
                    Origin::File
                } else {
                    Origin::Default
                }
            }
        }
    }

    fn refuse(&self, place: &str, problem: &str) -> UsageError {
        UsageError(format!("{}: {place}: {problem}", display_path(&self.file)))
    }
}

/// Returns the key of an option in the file.
pub(crate) fn to_key(option: &Arg) -> String {
    option.get_long().unwrap_or_default().replace('-', "_")
}

fn to_long_name(key: &str) -> String {
    key.replace('_', "-")
}

fn find_option<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    let mut options = command.get_arguments();
    options.find(|option| option.get_long() == Some(long))
}

fn list_keys(command: &Command) -> Vec<String> {
    let options = command.get_arguments().map(to_key);
    options
        .filter(|key| !key.is_empty() && key != CONFIG_OPTION)
        .collect()
}

/// Returns a value as the command line has it; a list has commas between its items.
fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Array(items) => {
            let items = items.iter().map(to_text).collect::<Option<Vec<_>>>()?;
            Some(items.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

/// Checks a value as the command line does.
fn check_value(option: &Arg, text: &str) -> Result<(), String> {
    if !option.get_action().takes_values() {
        return match text {
            "true" | "false" => Ok(()),
            _ => Err("give true or false".to_owned()),
        };
    }
    let argument = format!("--{}={text}", option.get_long().unwrap_or_default());
    let command = Command::new("check").arg(option.clone());
    let outcome = command.try_get_matches_from(["check".to_owned(), argument]);
    outcome.map(|_| ()).map_err(|error| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        line.trim_start_matches("error: ").to_owned()
    })
}
