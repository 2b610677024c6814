//! Options in `mockaa.toml`: the table of a command, such as `[serve]`, has values for the options
//! that neither the command line nor an environment variable sets.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::BoolValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use toml::{Table, Value};

use crate::cli::UsageError;
use crate::config::{OPTION_TABLES, describe_toml_error, find_config_file};
use crate::domain::naming::suggest_name;
use crate::domain::text::display_path;

/// The option that names the file, which therefore cannot stand in it.
const CONFIG_OPTION: &str = "config";

/// The options of the file in effect.
#[derive(Debug, Default)]
pub(crate) struct FileOptions {
    file: PathBuf,
    tables: Table,
    /// Options that the command line or a variable sets.
    given: Vec<clap::Id>,
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
    /// Reads the file that these arguments select.
    ///
    /// # Errors
    /// The file cannot be read, or is no TOML.
    pub(crate) fn read(command: &Command, arguments: &[OsString]) -> Result<Self, UsageError> {
        // Most commands have no table, and need not be parsed twice.
        let has_table = |argument: &OsString| OPTION_TABLES.iter().any(|table| argument == table);
        if !arguments.iter().any(has_table) {
            return Ok(Self::default());
        }
        let matches = command.clone().ignore_errors(true);
        let matches = matches.try_get_matches_from(arguments).ok();
        let selected = matches.as_ref().and_then(ArgMatches::subcommand);
        let Some((name, options)) = selected.filter(|(name, _)| OPTION_TABLES.contains(name))
        else {
            return Ok(Self::default());
        };
        let Some(file) = find_config_file(find_explicit_file(command, name, options)) else {
            return Ok(Self::default());
        };
        let shown = display_path(&file);
        let text = std::fs::read_to_string(&file)
            .map_err(|error| UsageError(format!("{shown}: {error}")))?;
        let tables: Result<Table, _> = text.parse();
        let mut tables = tables.map_err(|error: toml::de::Error| {
            UsageError(format!("{shown}: {}", describe_toml_error(&error, &text)))
        })?;
        tables.retain(|name, _| OPTION_TABLES.contains(&name));
        let is_given = |id: &&clap::Id| {
            let source = options.value_source(id.as_str());
            source.is_some_and(|source| source != ValueSource::DefaultValue)
        };
        let given = options.ids().filter(is_given).cloned().collect();
        Ok(Self {
            file,
            tables,
            given,
        })
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
                let known = list_options(&command, table);
                let option = known.iter().find(|option| to_key(option) == *key);
                let Some(option) = option else {
                    let keys: Vec<_> = known.iter().map(|option| to_key(option)).collect();
                    let suggestion = suggest_name(key, keys.iter().map(String::as_str));
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
                let option = (*option).clone();
                if !self.is_overridden(&command, table, &option) {
                    command = set_default(command, table, &option, text);
                }
            }
        }
        Ok(command)
    }

    /// Returns whether an option is given that excludes this one.
    fn is_overridden(&self, command: &Command, table: &str, option: &Arg) -> bool {
        let Some(subcommand) = command.find_subcommand(table) else {
            return false;
        };
        let is_given = |other: &&Arg| self.given.contains(other.get_id());
        subcommand.get_arguments().filter(is_given).any(|other| {
            let excludes = |one: &Arg, two: &Arg| {
                let conflicts = subcommand.get_arg_conflicts_with(one);
                conflicts.iter().any(|arg| arg.get_id() == two.get_id())
            };
            excludes(other, option) || excludes(option, other)
        })
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

/// Returns the text that a file has for an option of a command.
pub(crate) fn find_text(file: &Path, table: &str, key: &str) -> Option<String> {
    let tables: Table = std::fs::read_to_string(file).ok()?.parse().ok()?;
    tables.get(table)?.get(key)?.as_str().map(str::to_owned)
}

/// Returns the file that the command line or a variable names.
fn find_explicit_file(command: &Command, name: &str, options: &ArgMatches) -> Option<PathBuf> {
    let mut arguments = command.find_subcommand(name)?.get_arguments();
    arguments.find(|option| option.get_long() == Some(CONFIG_OPTION))?;
    options.get_one::<PathBuf>(CONFIG_OPTION).cloned()
}

/// Returns the options of a command that can stand in the file: its own, and those of all commands.
fn list_options<'a>(command: &'a Command, table: &str) -> Vec<&'a Arg> {
    let own = command.find_subcommand(table);
    let own = own.into_iter().flat_map(Command::get_arguments);
    own.chain(command.get_arguments())
        .filter(|option| option.get_long().is_some_and(|long| long != CONFIG_OPTION))
        .collect()
}

/// Sets the default of an option. That of a flag can still be turned off on the command line.
fn set_default(command: Command, table: &str, option: &Arg, text: String) -> Command {
    let is_flag = !option.get_action().takes_values();
    let id = option.get_id().clone();
    let set = |option: Arg| {
        let option = if is_flag {
            option
                .action(ArgAction::Set)
                .value_parser(BoolValueParser::new())
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
        } else {
            option
        };
        option.default_value(text)
    };
    if option.is_global_set() {
        command.mut_arg(id, set)
    } else {
        command.mut_subcommand(table, |command| command.mut_arg(id, set))
    }
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
