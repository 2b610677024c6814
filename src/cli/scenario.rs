//! `mockaa scenario`: lists, shows and checks scenario files, and prints their schema.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::cli::own::OwnPersonas;
use crate::cli::remote::{Remote, part, print_list, print_one};
use crate::cli::{Usage, input};
use crate::domain::naming::suggest_name;
use crate::domain::persona::Personas;
use crate::scenario::format::{Draft, Fault, parse, schema};
use crate::scenario::library::{files_in, taken, ties, unknown_persona};
use crate::scenario::lint::{Finding, Severity, lint};
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
        personas: OwnPersonas,
    },
    /// Print the JSON Schema of scenario files, for editors.
    #[command(
        after_help = "Examples:\n  mockaa scenario schema > scenario.schema.json\n  Put this line on top of a file, and an \
                            editor with a YAML language server helps to write it:\n  # yaml-language-server: $schema=./scenario.schema.json"
    )]
    Schema {
        /// 7 is what most editors read.
        #[arg(long, value_enum, default_value_t = SchemaDraft::Seven)]
        draft: SchemaDraft,
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
pub enum SchemaDraft {
    #[value(name = "7")]
    Seven,
    #[value(name = "2020-12")]
    Draft2020,
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { server, json } => list(server, json).await?,
        Command::Show { name } => {
            let named = |text: &str| parse(text).is_ok_and(|plan| plan.name == name);
            let Some((_, text)) = SHIPPED.iter().find(|(_, text)| named(text)) else {
                let plans = shipped();
                let others = suggest_name(&name, plans.iter().map(|plan| plan.name.as_str()));
                return Err(Usage(format!("no scenario {name} is shipped; {others}")).into());
            };
            print!("{text}");
        }
        Command::Lint {
            files,
            format,
            strict,
            personas: own,
        } => {
            return check(&files, format, strict, &own.read()?);
        }
        Command::Schema { draft } => {
            let draft = match draft {
                SchemaDraft::Seven => Draft::Seven,
                SchemaDraft::Draft2020 => Draft::Draft2020,
            };
            println!("{:#}", schema(draft).to_value());
        }
        Command::Put { file, remote } => {
            let text = text(&file)?;
            let plan = parse(&text).map_err(|faults| Usage(told(&file, &faults)))?;
            let put = remote
                .put(&format!("scenarios/{}", part(&plan.name)), text)
                .await?;
            print_one(&remote, &put, &[("name", "name"), ("source", "source")]);
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
            let pinned = remote
                .post(&format!("scenarios/{}/pin", part(&name)), &body)
                .await?;
            let fields = [
                ("scenario", "scenario"),
                ("customer", "customer"),
                ("consent", "consentHandle"),
            ];
            print_one(
                &remote,
                &pinned,
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
            print_one(&remote, &default, &[("default", "name")]);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn shipped() -> Vec<Plan> {
    SHIPPED
        .iter()
        .map(|(_, text)| parse(text).expect("what ships is right"))
        .collect()
}

async fn list(server: Option<String>, json: bool) -> anyhow::Result<()> {
    let columns = [
        ("name", "name"),
        ("source", "source"),
        ("description", "description"),
    ];
    if let Some(server) = server {
        let remote = Remote::of(server, json);
        print_list(&remote, &remote.get("scenarios").await?, &columns);
        return Ok(());
    }
    let item = |plan: Plan| json!({ "name": plan.name, "source": "shipped", "description": plan.description });
    let items: Vec<Value> = shipped().into_iter().map(item).collect();
    print_list(
        &Remote::of(String::new(), json),
        &json!({ "items": items }),
        &columns,
    );
    Ok(())
}

fn text(file: &Path) -> anyhow::Result<String> {
    String::from_utf8(input(Some(file))?)
        .with_context(|| format!("{} is not UTF-8", file.display()))
}

/// Each fault with its file, one in a line.
pub fn told(file: &Path, faults: &[Fault]) -> String {
    faults
        .iter()
        .map(|fault| fault.format_in_file(file.display()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The files that are named, and those of the folders that are.
pub fn files_of(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        files.extend(files_in(path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    Ok(files)
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn check(
    named: &[PathBuf],
    format: Format,
    strict: bool,
    personas: &Personas,
) -> anyhow::Result<ExitCode> {
    let mut findings: Vec<(String, Finding)> = Vec::new();
    let mut plans: Vec<(Plan, String)> = Vec::new();
    let files = files_of(named)?;
    for file in &files {
        let shown = file.display().to_string();
        let bad = |fault: Fault| {
            (
                shown.clone(),
                Finding {
                    fault,
                    severity: Severity::Error,
                },
            )
        };
        match parse(&text(file)?) {
            Err(faults) => findings.extend(faults.into_iter().map(bad)),
            Ok(plan) => {
                findings.extend(
                    lint(&plan)
                        .into_iter()
                        .map(|finding| (shown.clone(), finding)),
                );
                let others = || plans.iter().map(|(plan, file)| (plan, file.as_str()));
                let unknown = unknown_persona(&plan, personas);
                let together = ties(&plan, others())
                    .into_iter()
                    .chain(taken(&plan, others()))
                    .chain(unknown);
                findings.extend(together.map(bad));
                plans.push((plan, shown));
            }
        }
    }
    let errors = findings
        .iter()
        .filter(|(_, finding)| strict || finding.severity == Severity::Error)
        .count();
    match format {
        Format::Text => {
            for (file, Finding { fault, severity }) in &findings {
                println!(
                    "{file}:{}:{}: {severity}: {}",
                    fault.line, fault.column, fault.message
                );
            }
            let (files, found) = (
                counted(files.len(), "file"),
                counted(findings.len(), "finding"),
            );
            println!("{files}, {found}, {}", counted(errors, "error"));
        }
        Format::Json => {
            let item = |(file, Finding { fault, severity }): &(String, Finding)| {
                let Fault {
                    line,
                    column,
                    message,
                } = fault;
                json!({ "file": file, "line": line, "column": column, "severity": severity.as_str(), "message": message })
            };
            let items: Vec<Value> = findings.iter().map(item).collect();
            println!(
                "{}",
                json!({ "files": files.len(), "errors": errors, "findings": items })
            );
        }
        Format::Github => {
            for (file, Finding { fault, severity }) in &findings {
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
