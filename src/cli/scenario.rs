//! `mockaa scenario`: lists, shows and lints scenario files, prints their schema, and selects
//! scenarios in a running sandbox. Parsing and lint belong to `crate::scenario`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::cli::common_args::PersonaArgs;
use crate::cli::control_calls::name_commands;
use crate::cli::github::{Level, format_annotation};
use crate::cli::lists::print_rows;
use crate::cli::remote::{OptionalRemote, Remote, encode_segment, print_fields, print_texts};
use crate::cli::{UsageError, read_input};
use crate::config::{find_config_file, load_participants};
use crate::domain::naming::suggest_name;
use crate::domain::persona::Personas;
use crate::domain::scenario_plan::{ScenarioPlan, SourceLocation};
use crate::domain::text::display_path;
use crate::http::openapi::fields::list_answer_fields;
use crate::scenario::format::{Diagnostic, FileKind, SchemaDraft, generate_schema, parse};
use crate::scenario::library::{
    find_match_conflicts, find_name_conflict, find_unknown_persona, list_scenario_files,
};
use crate::scenario::lint::{LintContext, LintDiagnostic, Severity, lint_plan};
use crate::scenario::shipped::SHIPPED;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the scenarios of a sandbox; default: the shipped ones.
    #[command(
        after_help = "Examples:\n  mockaa scenario list\n  mockaa scenario list --server http://127.0.0.1:8080"
    )]
    List {
        #[command(flatten)]
        remote: OptionalRemote,
    },
    /// Print the text of a scenario of a sandbox, as a template; default: of a shipped one.
    #[command(
        after_help = "Examples:\n  mockaa scenario show approve > mine.yaml\n  mockaa scenario show mine --server http://127.0.0.1:8080"
    )]
    Show {
        /// Name of the scenario, as `list` prints it.
        name: String,
        #[command(flatten)]
        remote: OptionalRemote,
    },
    /// Check scenario files for errors, and for steps and faults that can never have an effect.
    #[command(
        after_help = "Examples:\n  mockaa scenario lint scenarios/*.yaml\n  mockaa scenario lint --format github \
                            scenarios/\n\nExit codes: 0 no errors, 2 errors (with --strict, warnings count as errors)."
    )]
    Lint {
        /// Scenario files, or folders of them.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Output format.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Print the results in JSON, as `--format json` does.
        #[arg(long, conflicts_with = "format")]
        json: bool,
        /// Count warnings as errors.
        #[arg(long)]
        strict: bool,
        /// File with participants of your own, whose FIPs scenarios may name; default:
        /// `mockaa.toml` if it exists, else the shipped participants.
        #[arg(long, env = "MOCKAA_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(flatten)]
        personas: PersonaArgs,
    },
    /// Print the JSON Schema of scenario files, or of other files that people write, for editors.
    #[command(
        after_help = "Examples:\n  mockaa scenario schema > scenario.schema.json\n  mockaa scenario schema faults\n  Put this line on top of a file, and an \
                            editor with a YAML language server helps to write it:\n  # yaml-language-server: $schema=./scenario.schema.json"
    )]
    Schema {
        /// Kind of file: scenario, steps, faults, expectations, persona.
        #[arg(value_parser = parse_file_kind, default_value = "scenario", value_name = "KIND")]
        kind: FileKind,
        /// Draft of JSON Schema; most editors support draft 7.
        #[arg(long, value_enum, default_value_t = DraftArg::Draft7)]
        draft: DraftArg,
    },
    /// Add a scenario to a world of a running sandbox, or replace it.
    #[command(
        after_help = "Examples:\n  mockaa scenario put mine.yaml\n  mockaa scenario show approve | mockaa scenario put -"
    )]
    Put {
        /// A scenario file; - is stdin.
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
    /// Delete a scenario that was added to a world of a running sandbox.
    #[command(after_help = "Example:\n  mockaa scenario delete mine")]
    Delete {
        /// Name of the scenario.
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Reload the scenario folder of a running sandbox. An error leaves all scenarios unchanged.
    #[command(after_help = "Example:\n  mockaa scenario reload")]
    Reload {
        #[command(flatten)]
        remote: Remote,
    },
    /// Assign a scenario to a consent, or to all later consents of a customer.
    #[command(
        after_help = "Examples:\n  mockaa scenario pin revoke --consent HANDLE\n  mockaa scenario pin webhook-lost --customer 9876543210@mockaa"
    )]
    Pin {
        /// Name of the scenario.
        name: String,
        /// Handle of the consent.
        #[arg(
            long,
            value_name = "HANDLE",
            required_unless_present = "customer",
            conflicts_with = "customer"
        )]
        consent: Option<String>,
        /// Address of the customer.
        #[arg(long, value_name = "ADDRESS")]
        customer: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Set the scenario of consents for which no other rule selects one; without a name, show it.
    #[command(
        after_help = "Examples:\n  mockaa scenario default\n  mockaa scenario default approve\n  mockaa scenario default --none"
    )]
    Default {
        /// Name of the scenario.
        name: Option<String>,
        /// Remove the default scenario of the world.
        #[arg(long, conflicts_with = "name")]
        none: bool,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    /// Annotations for GitHub Actions.
    Github,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DraftArg {
    #[value(name = "7")]
    Draft7,
    #[value(name = "2020-12")]
    Draft2020,
}

fn parse_file_kind(text: &str) -> Result<FileKind, String> {
    FileKind::parse(text).ok_or_else(|| format!("is not one of {}", FileKind::accepted_names()))
}

pub(crate) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { remote } => {
            let columns = [
                ("name", "name"),
                ("source", "source"),
                ("description", "description"),
            ];
            let prints_json = remote.json;
            let list = match remote.into_remote() {
                Some(remote) => remote.get_all("scenarios").await?,
                None => list_shipped().into(),
            };
            if prints_json {
                list.print();
            } else {
                let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
                print_rows(items, &columns);
            }
        }
        Command::Show { name, remote } => {
            let prints_json = remote.json;
            let text = match remote.into_remote() {
                Some(remote) => {
                    remote
                        .get_text(&format!("scenarios/{}", encode_segment(&name)))
                        .await?
                }
                None => find_shipped_text(&name)?.to_owned(),
            };
            if prints_json {
                println!("{}", json!({ "name": name, "text": text }));
            } else {
                print!("{text}");
            }
        }
        Command::Lint {
            files,
            format,
            json,
            strict,
            config,
            personas: persona_args,
        } => {
            let config = find_config_file(config);
            let setup = load_participants(config.as_deref(), None)
                .map_err(|error| UsageError(error.to_string()))?;
            let fius = setup.participants.fiu_ids();
            let context = LintContext {
                fius: &fius,
                fips: &setup.participants.fips,
                answer_fields: list_answer_fields(),
            };
            let threshold = if strict {
                Severity::Warning
            } else {
                Severity::Error
            };
            let format = if json { Format::Json } else { format };
            let personas = persona_args.load_personas()?;
            return lint_files(&files, format, threshold, (&personas, context));
        }
        Command::Schema { kind, draft } => {
            let draft = match draft {
                DraftArg::Draft7 => SchemaDraft::Draft7,
                DraftArg::Draft2020 => SchemaDraft::Draft2020,
            };
            println!("{:#}", generate_schema(kind, draft).to_value());
        }
        Command::Put { file, remote } => {
            let text = read_text(&file)?;
            let plan = parse(&text)
                .map_err(|diagnostics| UsageError(format_diagnostics(&file, &diagnostics)))?;
            let response = remote
                .put(&format!("scenarios/{}", encode_segment(&plan.name)), text)
                .await?;
            print_fields(
                &remote,
                &response,
                &[("name", "name"), ("source", "source")],
            );
        }
        Command::Delete { name, remote } => {
            let path = format!("scenarios/{}", encode_segment(&name));
            print_fields(
                &remote,
                &remote.delete(&path).await?,
                &[("deleted", "deleted")],
            );
        }
        Command::Reload { remote } => {
            let names = remote.post("scenarios/reload", &Value::Null).await?;
            if remote.json {
                names.print();
            } else {
                print_texts(&names);
            }
        }
        Command::Pin {
            name,
            consent,
            customer,
            remote,
        } => {
            let body = match (consent, customer) {
                (Some(handle), _) => json!({ "consentHandle": handle }),
                (None, customer) => json!({ "customer": customer }),
            };
            let response = remote
                .post(&format!("scenarios/{}/pin", encode_segment(&name)), &body)
                .await?;
            let fields = [
                ("scenario", "scenario"),
                ("customer", "customer"),
                ("consent", "consentHandle"),
            ];
            print_fields(
                &remote,
                &response,
                &[&fields[..], &[("state", "state")]].concat(),
            );
        }
        Command::Default { name, none, remote } => {
            let default = if name.is_some() || none {
                remote
                    .put("scenarios/default", json!({ "name": name }).to_string())
                    .await?
            } else {
                remote.get("scenarios/default").await?
            };
            print_fields(&remote, &default, &[("default", "name")]);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn shipped_plans() -> Vec<ScenarioPlan> {
    SHIPPED
        .iter()
        .map(|(_, text)| parse(text).expect("shipped scenarios are valid"))
        .collect()
}

/// Returns the shipped scenarios in the form of the control API's list.
fn list_shipped() -> Value {
    let items: Vec<Value> = shipped_plans()
        .into_iter()
        .map(|plan| {
            json!({ "name": plan.name, "source": "shipped", "description": plan.description })
        })
        .collect();
    json!({ "items": items, "next": null })
}

fn find_shipped_text(name: &str) -> Result<&'static str, UsageError> {
    let plans = shipped_plans();
    if let Some(index) = plans.iter().position(|plan| plan.name == name) {
        return Ok(SHIPPED[index].1);
    }
    let suggestion = suggest_name(name, plans.iter().map(|plan| plan.name.as_str()));
    Err(UsageError(format!(
        "unknown shipped scenario {name}; {suggestion}"
    )))
}

fn read_text(file: &Path) -> anyhow::Result<String> {
    String::from_utf8(read_input(Some(file))?)
        .with_context(|| format!("{} is not UTF-8", display_path(file)))
}

/// Formats diagnostics with their file, one per line.
pub(crate) fn format_diagnostics(file: &Path, diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| diagnostic.format_in_file(display_path(file)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns the given files, and the scenario files of the given folders.
pub(crate) fn expand_paths(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        files.extend(
            list_scenario_files(path)
                .with_context(|| format!("cannot read {}", display_path(path)))?,
        );
    }
    Ok(files)
}

fn pluralize(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Lints files and prints the diagnostics. Diagnostics count as errors if they are at least as
/// severe as the threshold.
fn lint_files(
    paths: &[PathBuf],
    format: Format,
    threshold: Severity,
    (personas, context): (&Personas, LintContext<'_>),
) -> anyhow::Result<ExitCode> {
    let mut diagnostics: Vec<(String, LintDiagnostic)> = Vec::new();
    let mut plans: Vec<(ScenarioPlan, String)> = Vec::new();
    let files = expand_paths(paths)?;
    for file in &files {
        let file_name = display_path(file);
        match parse(&read_text(file)?) {
            Err(errors) => {
                for diagnostic in errors {
                    diagnostics.push((file_name.clone(), as_error(diagnostic)));
                }
            }
            Ok(plan) => {
                for diagnostic in lint_plan(&plan, context) {
                    diagnostics.push((file_name.clone(), diagnostic));
                }
                let others: Vec<(&ScenarioPlan, &str)> = plans
                    .iter()
                    .map(|(plan, file)| (plan, file.as_str()))
                    .collect();
                let conflicts = find_match_conflicts(&plan, others.iter().copied())
                    .into_iter()
                    .chain(find_name_conflict(&plan, others.iter().copied()))
                    .chain(find_unknown_persona(&plan, personas));
                for diagnostic in conflicts {
                    diagnostics.push((file_name.clone(), as_error(diagnostic)));
                }
                plans.push((plan, file_name));
            }
        }
    }
    // `Severity::Error` is the smallest value.
    let errors = diagnostics
        .iter()
        .filter(|(_, diagnostic)| diagnostic.severity <= threshold)
        .count();
    match format {
        Format::Text => {
            for (
                file,
                LintDiagnostic {
                    diagnostic,
                    severity,
                },
            ) in &diagnostics
            {
                println!(
                    "{file}:{}:{}: {severity}: {}",
                    diagnostic.line,
                    diagnostic.column,
                    name_commands(&diagnostic.message)
                );
            }
            let (files, diagnostics_text) = (
                pluralize(files.len(), "file"),
                pluralize(diagnostics.len(), "diagnostic"),
            );
            println!(
                "{files}, {diagnostics_text}, {}",
                pluralize(errors, "error")
            );
        }
        Format::Json => {
            let items: Vec<Value> = diagnostics
                .iter()
                .map(|(file, diagnostic)| diagnostic_json(file, diagnostic))
                .collect();
            println!(
                "{}",
                json!({ "files": files.len(), "errors": errors, "diagnostics": items })
            );
        }
        Format::Github => {
            for (
                file,
                LintDiagnostic {
                    diagnostic,
                    severity,
                },
            ) in &diagnostics
            {
                let level = match severity {
                    Severity::Error => Level::Error,
                    Severity::Warning => Level::Warning,
                };
                let location = SourceLocation {
                    line: diagnostic.line,
                    column: diagnostic.column,
                };
                let place = (file.as_str(), location);
                println!(
                    "{}",
                    format_annotation(level, place, None, &name_commands(&diagnostic.message))
                );
            }
        }
    }
    Ok(ExitCode::from(if errors > 0 { 2 } else { 0 }))
}

const fn as_error(diagnostic: Diagnostic) -> LintDiagnostic {
    LintDiagnostic {
        diagnostic,
        severity: Severity::Error,
    }
}

fn diagnostic_json(file: &str, lint: &LintDiagnostic) -> Value {
    let LintDiagnostic {
        diagnostic:
            Diagnostic {
                line,
                column,
                message,
            },
        severity,
    } = lint;
    json!({ "file": file, "line": line, "column": column, "severity": severity.as_str(), "message": message })
}
