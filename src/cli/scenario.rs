//! `mockaa scenario`: lists, shows and checks scenario files, and prints their schema.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::cli::common_args::PersonaArgs;
use crate::cli::remote::{Remote, encode_segment, print_fields, print_list};
use crate::cli::{UsageError, read_input};
use crate::domain::naming::suggest_name;
use crate::domain::persona::Personas;
use crate::scenario::format::{Fault, SchemaDraft, generate_schema, parse};
use crate::scenario::library::{
    find_match_conflicts, find_name_conflict, find_unknown_persona, list_scenario_files,
};
use crate::scenario::lint::{LintDiagnostic, Severity, lint_plan};
use crate::scenario::plan::Plan;
use crate::scenario::shipped::SHIPPED;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the scenarios of a sandbox; without one, the shipped ones.
    #[command(
        after_help = "Examples:\n  mockaa scenario list\n  mockaa scenario list --server http://127.0.0.1:8080"
    )]
    List {
        /// Those of this sandbox.
        #[arg(long, env = "MOCKAA_URL", value_name = "URL")]
        server: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Print the text of a shipped scenario, to begin from.
    Show {
        /// Its name, as `list` has it.
        name: String,
    },
    /// Check scenario files: what is wrong with them, and what they say in vain.
    #[command(
        after_help = "Examples:\n  mockaa scenario lint scenarios/*.yaml\n  mockaa scenario lint --format github \
                            scenarios/\n\nExit codes: 0 nothing found but warnings, 2 errors (with --strict, warnings too)."
    )]
    Lint {
        /// Files, or folders of them.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// A warning is an error.
        #[arg(long)]
        strict: bool,
        #[command(flatten)]
        personas: PersonaArgs,
    },
    /// Print the JSON Schema of scenario files, for editors.
    #[command(
        after_help = "Examples:\n  mockaa scenario schema > scenario.schema.json\n  Put this line on top of a file, and an \
                            editor with a YAML language server helps to write it:\n  # yaml-language-server: $schema=./scenario.schema.json"
    )]
    Schema {
        /// 7 is what most editors read.
        #[arg(long, value_enum, default_value_t = DraftArg::Draft7)]
        draft: DraftArg,
    },
    /// Put a scenario into a world of a running sandbox.
    Put {
        /// A scenario file; - is stdin.
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
    /// Let a scenario drive a consent from now on, or all later consents of a customer.
    Pin {
        /// The name of the scenario.
        name: String,
        /// The consent that it is to drive.
        #[arg(
            long,
            value_name = "HANDLE",
            required_unless_present = "customer",
            conflicts_with = "customer"
        )]
        consent: Option<String>,
        /// The customer whose later consents it is to drive.
        #[arg(long, value_name = "ADDRESS")]
        customer: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// The scenario of consents that nothing else gives one: set it, or without a name show it.
    Default {
        /// The name of the scenario.
        name: Option<String>,
        /// Take the world's own away.
        #[arg(long, conflicts_with = "name")]
        none: bool,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    /// Annotations of GitHub Actions.
    Github,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DraftArg {
    #[value(name = "7")]
    Draft7,
    #[value(name = "2020-12")]
    Draft2020,
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { server, json } => list_scenarios(server, json).await?,
        Command::Show { name } => {
            let has_name = |text: &str| parse(text).is_ok_and(|plan| plan.name == name);
            let Some((_, text)) = SHIPPED.iter().find(|(_, text)| has_name(text)) else {
                let plans = shipped_plans();
                let suggestion = suggest_name(&name, plans.iter().map(|plan| plan.name.as_str()));
                return Err(
                    UsageError(format!("no scenario {name} is shipped; {suggestion}")).into(),
                );
            };
            print!("{text}");
        }
        Command::Lint {
            files,
            format,
            strict,
            personas: persona_args,
        } => {
            return lint_files(&files, format, strict, &persona_args.load_personas()?);
        }
        Command::Schema { draft } => {
            let draft = match draft {
                DraftArg::Draft7 => SchemaDraft::Draft7,
                DraftArg::Draft2020 => SchemaDraft::Draft2020,
            };
            println!("{:#}", generate_schema(draft).to_value());
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

fn shipped_plans() -> Vec<Plan> {
    SHIPPED
        .iter()
        .map(|(_, text)| parse(text).expect("what ships is right"))
        .collect()
}

async fn list_scenarios(server: Option<String>, json: bool) -> anyhow::Result<()> {
    let columns = [
        ("name", "name"),
        ("source", "source"),
        ("description", "description"),
    ];
    if let Some(server) = server {
        let remote = Remote::for_server(server, json);
        print_list(&remote, &remote.get("scenarios").await?, &columns);
        return Ok(());
    }
    let to_item = |plan: Plan| json!({ "name": plan.name, "source": "shipped", "description": plan.description });
    let items: Vec<Value> = shipped_plans().into_iter().map(to_item).collect();
    print_list(
        &Remote::for_server(String::new(), json),
        &json!({ "items": items }),
        &columns,
    );
    Ok(())
}

fn read_text(file: &Path) -> anyhow::Result<String> {
    String::from_utf8(read_input(Some(file))?)
        .with_context(|| format!("{} is not UTF-8", file.display()))
}

/// Each fault with its file, one in a line.
pub fn format_diagnostics(file: &Path, diagnostics: &[Fault]) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| diagnostic.format_in_file(file.display()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The files that are named, and those of the folders that are.
pub fn expand_paths(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        files.extend(
            list_scenario_files(path).with_context(|| format!("cannot read {}", path.display()))?,
        );
    }
    Ok(files)
}

fn pluralize(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn lint_files(
    paths: &[PathBuf],
    format: Format,
    strict: bool,
    personas: &Personas,
) -> anyhow::Result<ExitCode> {
    let mut diagnostics: Vec<(String, LintDiagnostic)> = Vec::new();
    let mut plans: Vec<(Plan, String)> = Vec::new();
    let files = expand_paths(paths)?;
    for file in &files {
        let file_name = file.display().to_string();
        let as_error = |diagnostic: Fault| {
            (
                file_name.clone(),
                LintDiagnostic {
                    diagnostic,
                    severity: Severity::Error,
                },
            )
        };
        match parse(&read_text(file)?) {
            Err(errors) => diagnostics.extend(errors.into_iter().map(as_error)),
            Ok(plan) => {
                diagnostics.extend(
                    lint_plan(&plan)
                        .into_iter()
                        .map(|diagnostic| (file_name.clone(), diagnostic)),
                );
                let others = || plans.iter().map(|(plan, file)| (plan, file.as_str()));
                let unknown = find_unknown_persona(&plan, personas);
                let conflicts = find_match_conflicts(&plan, others())
                    .into_iter()
                    .chain(find_name_conflict(&plan, others()))
                    .chain(unknown);
                diagnostics.extend(conflicts.map(as_error));
                plans.push((plan, file_name));
            }
        }
    }
    let errors = diagnostics
        .iter()
        .filter(|(_, diagnostic)| strict || diagnostic.severity == Severity::Error)
        .count();
    match format {
        Format::Text => {
            for (
                file,
                LintDiagnostic {
                    diagnostic: fault,
                    severity,
                },
            ) in &diagnostics
            {
                println!(
                    "{file}:{}:{}: {severity}: {}",
                    fault.line, fault.column, fault.message
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
            let to_item = |(
                file,
                LintDiagnostic {
                    diagnostic: fault,
                    severity,
                },
            ): &(String, LintDiagnostic)| {
                let Fault {
                    line,
                    column,
                    message,
                } = fault;
                json!({ "file": file, "line": line, "column": column, "severity": severity.as_str(), "message": message })
            };
            let items: Vec<Value> = diagnostics.iter().map(to_item).collect();
            println!(
                "{}",
                json!({ "files": files.len(), "errors": errors, "diagnostics": items })
            );
        }
        Format::Github => {
            for (
                file,
                LintDiagnostic {
                    diagnostic: fault,
                    severity,
                },
            ) in &diagnostics
            {
                // A message of several lines, or with a percent sign, has to be escaped there.
                let message = fault.message.replace('%', "%25").replace('\n', "%0A");
                println!(
                    "::{severity} file={file},line={},col={}::{message}",
                    fault.line, fault.column
                );
            }
        }
    }
    Ok(ExitCode::from(if errors > 0 { 2 } else { 0 }))
}
