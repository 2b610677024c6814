//! `mockaa data`: generates statements into a file or a pipe, and checks existing statements. The
//! generation belongs to `bankgen`, the formats to `statement_files`.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use chrono::{Days, Months, NaiveDate, NaiveTime};
use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::bankgen::{StatementRequest, generate_accounts, is_supported};
use crate::cli::common_args::PersonaArgs;
use crate::cli::{UsageError, open_input, read_input};
use crate::config::personas::{find_persona, shipped_text};
use crate::config::{find_config_file, load_participants};
use crate::domain::account::{Account, FiType};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::money::Paise;
use crate::domain::naming::{WireEnum, suggest_name};
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::participants::{FiSchema, Participants, RequestedForm};
use crate::domain::persona::{DEFAULT_PERSONA, Persona, PersonaInstance, Personas};
use crate::domain::quirk::{Quirk, Quirks};
use crate::domain::terms::{ConsentType, TimeRange};
use crate::domain::text::display_path;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::entropy::derive_world_seed;
use crate::engine::world::DEFAULT_WORLD;
use crate::files::import::{ColumnMap, Import, ImportGuide, import};
use crate::files::statement::{CheckedStatement, StatementCheck, check_file};
use crate::statement_files::{StatementFile, StatementFormat};
use crate::wire::fi::csv::{CsvAmounts, CsvOptions, CsvWriter};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Generate a statement. The same arguments give the same bytes on every machine.
    #[command(after_help = EXAMPLES)]
    Generate(Box<GenerateArguments>),
    /// List the personas with the FI types of their accounts.
    #[command(
        after_help = "Examples:\n  mockaa data personas\n  mockaa data personas --json\n  mockaa data personas --personas my-personas/\n  mockaa data personas --show \
                      salaried > mine.yaml"
    )]
    Personas {
        /// Print the file of this shipped persona instead, as a template for your own.
        #[arg(long, value_name = "NAME", conflicts_with_all = ["personas", "json"])]
        show: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        personas: PersonaArgs,
    },
    /// Turn a bank's export, a CSV or a workbook, into a statement in CSV.
    ///
    /// The header is found by the names that banks use, or by those of --like or --map. Stderr tells how the first rows were understood.
    /// A row that was not understood is an error with its line, and so is a balance that does not follow from the one before it; nothing is written then.
    #[command(
        after_help = "Examples:\n  mockaa data import bank.csv --output mine.csv\n  mockaa data import bank.xls --like layout-c --output mine.csv\n  mockaa data import bank.csv --map columns.yaml --check warn > mine.csv"
    )]
    Import(ImportArguments),
    /// Check a statement: the schema if it is XML, and the balances. Exit code 2 if it is invalid.
    #[command(
        after_help = "Examples:\n  mockaa data check statement.csv\n  mockaa data generate | mockaa data check -"
    )]
    Check {
        /// Statement in XML (FI schemas of both generations), CSV or JSON; - is stdin.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// Export of a bank: CSV, a text with tabs, XLSX or XLS; - is stdin.
    file: PathBuf,

    /// Bank that the export is of, by the layout of its narrations: layout-a to layout-e. Default: any known names of
    /// columns.
    #[arg(long, value_name = "LAYOUT", value_parser = parse_variant::<NarrationLayout>)]
    like: Option<NarrationLayout>,

    /// File with the names of the columns, in YAML: columns, dates, decimal, header_row.
    #[arg(long, value_name = "FILE", conflicts_with = "like")]
    map: Option<PathBuf>,

    /// Balance before the first row, for an export without balances.
    #[arg(long, value_name = "RUPEES", value_parser = parse_rupees, allow_negative_numbers = true)]
    opening_balance: Option<Paise>,

    /// Treatment of rows that were not understood, and of what does not add up: strict, warn or off.
    #[arg(long, value_name = "CHECK", default_value = "strict", value_parser = parse_variant::<StatementCheck>)]
    check: StatementCheck,

    /// Output file; default: stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  mockaa data generate                                              a year of the default persona's account, in XML
  mockaa data generate --persona over-indebted --format csv
  mockaa data generate --fi-type MUTUAL_FUNDS --from 2022-01-01 --to 2023-12-31 --format json
  mockaa data generate --persona huge-statement --from 2014-01-01 --to 2023-12-31 --output huge.xml
  mockaa data generate --personas mine.yaml --persona mine --seed 7 --format xlsx --output mine.xlsx";

#[derive(Debug, Args)]
pub(crate) struct GenerateArguments {
    /// Persona that the account is generated from; `mockaa data personas` lists them.
    #[arg(long, default_value = DEFAULT_PERSONA, value_name = "NAME")]
    persona: String,

    #[command(flatten)]
    personas: PersonaArgs,

    /// File with participants of your own, whose FIPs have the accounts; default: `mockaa.toml` if
    /// it exists, else the shipped participants.
    #[arg(long, env = "MOCKAA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// FI type of the account.
    #[arg(long, default_value = "DEPOSIT", value_name = "TYPE")]
    fi_type: String,

    /// Number of the account among the persona's accounts of that FI type, counted from 1.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    account: usize,

    /// First day, such as 2023-04-01; default: one year before the last day.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    from: Option<NaiveDate>,

    /// Last day, such as 2024-03-31; default: the day of --as-of.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    to: Option<NaiveDate>,

    /// Reference day of relative dates such as `2 months ago`.
    #[arg(long, default_value = "2024-07-01", value_name = "DATE", value_parser = parse_date)]
    as_of: NaiveDate,

    /// Seed of the sandbox whose data are generated, as in `mockaa serve --seed`.
    #[arg(
        long,
        env = "MOCKAA_SEED",
        default_value_t = 42,
        allow_negative_numbers = true
    )]
    seed: u64,

    /// World whose data are generated; each world beside the default one has a seed of its own.
    #[arg(long, env = "MOCKAA_WORLD", default_value = DEFAULT_WORLD, value_name = "NAME")]
    world: String,

    /// Address of the customer; it determines the name, the amounts and the counterparties.
    #[arg(long, default_value = "9999999999@mockaa", value_name = "ADDRESS")]
    customer: String,

    /// Output format.
    #[arg(long, value_enum, default_value_t = StatementFormat::Xml)]
    format: StatementFormat,

    /// Further columns of a CSV of a bank account: signed adds signedAmount, which is negative for a debit;
    /// split adds debit and credit.
    #[arg(long, value_name = "COLUMNS", value_parser = parse_variant::<CsvAmounts>)]
    csv_amounts: Option<CsvAmounts>,

    /// Write an apostrophe before texts of a CSV that a spreadsheet would take for a formula.
    #[arg(long)]
    csv_safe: bool,

    /// Generation of the FI schemas: current or retired. Default: the one in force on the later of
    /// --as-of and --to, current after 12 July 2025.
    #[arg(long, value_name = "GENERATION", value_parser = parse_schema)]
    schema: Option<FiSchema>,

    /// Irregularities of the document, beside those of the FIP and the persona; several are separated
    /// by commas.
    #[arg(long = "quirk", value_name = "NAME", value_delimiter = ',', value_parser = parse_quirk)]
    quirks: Vec<Quirk>,

    /// Output file; default: stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ValueEnum for StatementFormat {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()).help(self.describe()))
    }
}

pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Generate(arguments) => run_generate(&arguments)?,
        Command::Personas {
            show: Some(name), ..
        } => print!("{}", shipped_text(&name)?),
        Command::Personas {
            show: None,
            json,
            personas: persona_args,
        } => {
            let personas = persona_args.load_personas()?;
            if json {
                println!("{}", describe_personas(&personas));
                return Ok(ExitCode::SUCCESS);
            }
            for persona in personas.iter() {
                println!(
                    "{}\n    {}\n    {}\n",
                    persona.name,
                    persona.description,
                    list_fi_types(persona)
                );
            }
        }
        Command::Import(arguments) => run_import(&arguments)?,
        Command::Check { file, json } => {
            let checked = check_file(open_input(&file)?).map_err(|error| {
                UsageError(format!("cannot read {}: {error}", display_path(&file)))
            })?;
            let summary = checked.map_err(|diagnostics| {
                let lines = format_diagnostics(&diagnostics, &display_path(&file));
                UsageError(lines.join("\n"))
            })?;
            let CheckedStatement {
                format,
                schema,
                rows,
                notes,
            } = summary;
            let file = display_path(&file);
            if json {
                let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
                println!(
                    "{}",
                    json!({ "file": file, "format": format, "schema": schema, "transactions": rows, "notes": notes })
                );
            } else {
                for note in format_diagnostics(&notes, &file) {
                    eprintln!("{note}");
                }
                let schema = schema
                    .map(|schema| format!(" of {schema}"))
                    .unwrap_or_default();
                let rows = rows
                    .map(|rows| format!(" with {rows} transactions"))
                    .unwrap_or_default();
                println!("{file}: {format}{schema}{rows}, valid");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The number of transactions that are shown as they were understood.
const SHOWN_ROWS: usize = 5;

/// Runs `mockaa data import`.
fn run_import(arguments: &ImportArguments) -> anyhow::Result<()> {
    let guide = match (&arguments.map, arguments.like) {
        (Some(file), _) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                UsageError(format!("{}: cannot be read: {error}", display_path(file)))
            })?;
            let map = ColumnMap::parse(&text)
                .map_err(|error| UsageError(format!("{}: {error}", display_path(file))))?;
            ImportGuide::Map(Box::new(map))
        }
        (None, Some(layout)) => ImportGuide::Like(layout),
        (None, None) => ImportGuide::KnownNames,
    };
    let bytes = read_input(Some(&arguments.file))?;
    let file = display_path(&arguments.file);
    let imported = import(&bytes, &guide, arguments.opening_balance, arguments.check);
    let imported = imported.map_err(|error| {
        let mut lines = format_diagnostics(&error.diagnostics, &file);
        if error.is_of_rows {
            lines.push("nothing is written; --check warn writes what was understood".to_owned());
        }
        UsageError(lines.join("\n"))
    })?;
    describe_import(&file, &imported);
    let rows = &imported.ledger.transactions;
    let mut csv = Vec::new();
    let mut writer = CsvWriter::new(FiSchema::Current, CsvOptions::default());
    writer.write_rows(rows, &mut csv);
    match &arguments.output {
        None => Ok(std::io::stdout().lock().write_all(&csv)?),
        Some(output) => replace_file(output, |out| Ok(out.write_all(&csv)?))
            .with_context(|| format!("cannot write {}", display_path(output))),
    }
}

/// Returns diagnostics of a file, each with its place.
fn format_diagnostics(diagnostics: &[Diagnostic], file: &str) -> Vec<String> {
    let lines = diagnostics.iter().map(|it| it.format_in_file(file));
    lines.collect()
}

/// Prints on stderr how an export was understood.
fn describe_import(file: &str, imported: &Import) {
    let Import {
        kind,
        header_line,
        columns,
        ledger,
    } = imported;
    let columns: Vec<String> = columns
        .iter()
        .map(|(role, name)| format!("{role} = {name}"))
        .collect();
    eprintln!(
        "{file}: {kind}, header in line {header_line}: {}",
        columns.join(", ")
    );
    let rows = &ledger.transactions;
    for row in rows.iter().take(SHOWN_ROWS) {
        let narration: String = row.narration.chars().take(40).collect();
        eprintln!(
            "  {}  {:<6}  {:>15}  balance {:>15}  {:<8}  {narration}",
            row.at.ist_date(),
            row.transaction_type.as_str(),
            row.amount.group(),
            row.balance.group(),
            row.mode.as_str(),
        );
    }
    for note in format_diagnostics(&ledger.notes, file) {
        eprintln!("{note}");
    }
    let (range, count) = (rows.range, rows.rows.len());
    let closing = rows
        .rows
        .last()
        .map_or(ledger.opening_balance, |row| row.balance);
    eprintln!(
        "{file}: {count} transaction{} from {} to {}, opening balance {}, closing balance {}",
        if count == 1 { "" } else { "s" },
        range.from.ist_date(),
        range.to.ist_date(),
        ledger.opening_balance.group(),
        closing.group()
    );
}

/// Runs `mockaa data generate`. Validates all arguments before the first byte is written. An output
/// file is complete or absent: it is written under a temporary name and renamed.
fn run_generate(arguments: &GenerateArguments) -> anyhow::Result<()> {
    let personas = arguments.personas.load_personas()?;
    let persona = PersonaInstance {
        definition: find_persona(&personas, &arguments.persona)?,
        as_of: arguments.as_of,
    };
    let seed = derive_world_seed(arguments.seed, &arguments.world);
    let config = find_config_file(arguments.config.clone());
    let participants = load_participants(config.as_deref(), None)?.participants;
    let account = select_account(arguments, seed, &participants, &persona)?;
    let range = resolve_range(arguments)?;
    check_quirks(arguments, &account)?;
    let requested = RequestedForm {
        schema: arguments.schema,
        quirks: arguments
            .quirks
            .iter()
            .copied()
            .collect::<Quirks>()
            .union(persona.definition.quirks),
        requested_on: arguments.as_of.max(range.to.ist_date()),
    };
    let form = participants
        .data_forms(None, requested)
        .of_fip(&account.fip)
        .statement;
    let request = StatementRequest {
        seed,
        participants: &participants,
        customer: &arguments.customer,
        persona: &persona,
        account: &account,
        consent_types: ConsentType::ALL,
        range,
        filters: &[],
        now: range.to,
        changes: None,
    };
    let file = StatementFile {
        request,
        form,
        format: arguments.format,
        csv_options: csv_options(arguments)?,
        title: format!("{}: {}", persona.definition.name, account.masked_number),
    };
    if let Some(refusal) = file.find_refusal() {
        return Err(UsageError(format!("--format {refusal}")).into());
    }
    let Some(output) = &arguments.output else {
        if arguments.format.is_binary() && std::io::stdout().is_terminal() {
            return Err(UsageError(
                "a terminal cannot show this format; give a file with --output, or a pipe"
                    .to_owned(),
            )
            .into());
        }
        let mut out = BufWriter::new(std::io::stdout().lock());
        let result = write_statement(&file, &mut out).and_then(|()| Ok(out.flush()?));
        return match result {
            // A reader may close the pipe early, as `| head` does.
            Err(error) if is_broken_pipe(&error) => Ok(()),
            result => result.context("cannot write to stdout"),
        };
    };
    replace_file(output, |out| write_statement(&file, out))
        .with_context(|| format!("cannot write {}", display_path(output)))
}

/// Returns the options of a CSV, which other formats do not have.
fn csv_options(arguments: &GenerateArguments) -> Result<CsvOptions, UsageError> {
    let is_used = arguments.csv_amounts.is_some() || arguments.csv_safe;
    if is_used && arguments.format != StatementFormat::Csv {
        return Err(UsageError(
            "--csv-amounts and --csv-safe change a CSV alone; add --format csv, or leave them out"
                .to_owned(),
        ));
    }
    Ok(CsvOptions {
        amounts: arguments.csv_amounts.unwrap_or_default(),
        is_safe: arguments.csv_safe,
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Writes a file completely or not at all.
fn replace_file(
    output: &Path,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let write = |file: File| -> anyhow::Result<()> {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        Ok(out.flush()?)
    };
    // A link stays, and a device or a pipe gets the bytes.
    let target = std::fs::canonicalize(output);
    let output = target.as_deref().unwrap_or(output);
    if output.exists() && !output.is_file() {
        return write(File::options().write(true).open(output)?);
    }
    let partial = output.with_extension(format!("partial-{}", std::process::id()));
    let result = File::create(&partial)
        .map_err(anyhow::Error::from)
        .and_then(write);
    if result.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    result?;
    Ok(std::fs::rename(&partial, output)?)
}

fn select_account(
    arguments: &GenerateArguments,
    seed: u64,
    participants: &Participants,
    persona: &PersonaInstance,
) -> anyhow::Result<Account> {
    let name = arguments.fi_type.to_uppercase();
    let fi_type = FiType::parse_any_name(&name).ok_or_else(|| {
        let suggestion = suggest_name(&name, FiType::ALL.iter().map(|fi_type| fi_type.as_str()));
        UsageError(format!("unknown --fi-type {name}; {suggestion}"))
    })?;
    let linkable = generate_accounts(participants, &persona.definition, seed, &arguments.customer);
    let candidates: Vec<Account> = linkable
        .into_iter()
        .map(|linkable| linkable.account)
        .filter(|account| account.fi_type == fi_type)
        .collect();
    let count = candidates.len();
    let selected = arguments
        .account
        .checked_sub(1)
        .and_then(|index| candidates.into_iter().nth(index));
    let account = selected.ok_or_else(|| {
        let name = &persona.definition.name;
        UsageError(if count == 0 {
            format!(
                "{name} has no {fi_type}; it has {}, and {DEFAULT_PERSONA} has every FI type",
                list_fi_types(&persona.definition)
            )
        } else {
            format!(
                "--account {}: {name} has {count} of {fi_type}, counted from 1",
                arguments.account
            )
        })
    })?;
    if !is_supported(seed, &arguments.customer, persona, &account) {
        return Err(UsageError(format!(
            "{fi_type} is not simulated: its accounts answer DENIED"
        ))
        .into());
    }
    Ok(account)
}

/// Returns the personas in the form of a list of the control API.
fn describe_personas(personas: &Personas) -> Value {
    let items: Vec<Value> = personas
        .iter()
        .map(|persona| {
            let accounts = persona.accounts.iter();
            let fi_types: Vec<&str> = accounts.map(|account| account.fi_type.as_str()).collect();
            json!({
                "name": &*persona.name,
                "description": &*persona.description,
                "fiTypes": fi_types,
            })
        })
        .collect();
    json!({ "items": items, "next": null })
}

/// Lists the FI types of a persona's accounts, in its order. Only adjacent repetitions are removed.
fn list_fi_types(persona: &Persona) -> String {
    let mut fi_types: Vec<&str> = persona
        .accounts
        .iter()
        .map(|account| account.fi_type.as_str())
        .collect();
    fi_types.dedup();
    fi_types.join(", ")
}

fn parse_quirk(text: &str) -> Result<Quirk, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a name is missing beside a comma".to_owned());
    }
    Quirk::parse(text)
        .ok_or_else(|| suggest_name(text, Quirk::ALL.iter().map(|quirk| quirk.as_str())))
}

/// Refuses a quirk that changes nothing in documents of the account's FI type, or beside another one.
fn check_quirks(arguments: &GenerateArguments, account: &Account) -> Result<(), UsageError> {
    let all: Quirks = arguments.quirks.iter().copied().collect();
    let overridden = all
        .iter()
        .find_map(|quirk| Some((quirk, quirk.overridden_by(all)?)));
    if let Some((quirk, stronger)) = overridden {
        return Err(UsageError(format!(
            "--quirk {quirk} changes nothing beside {stronger}; give one of them"
        )));
    }
    let mut quirks = arguments.quirks.iter();
    match quirks.find(|quirk| !quirk.applies_to(account.fi_type)) {
        None => Ok(()),
        Some(quirk) => Err(UsageError(format!(
            "--quirk {quirk} meets no data: it changes nothing in a document of {}",
            account.fi_type
        ))),
    }
}

/// Parses the name of a variant.
fn parse_variant<T: WireEnum>(text: &str) -> Result<T, String> {
    let variants = T::all_variants();
    let found = variants.iter().find(|variant| variant.wire_name() == text);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = variants.iter().map(|variant| variant.wire_name()).collect();
        format!("give one of {}", names.join(", "))
    })
}

fn parse_rupees(text: &str) -> Result<Paise, String> {
    Paise::parse(text)
        .ok_or_else(|| "give rupees with at most two decimals, such as 1250.50".to_owned())
}

fn parse_schema(text: &str) -> Result<FiSchema, String> {
    FiSchema::parse_name_or_version(text)
        .ok_or_else(|| format!("give one of {}", FiSchema::accepted_names_and_versions()))
}

fn parse_date(text: &str) -> Result<NaiveDate, String> {
    text.parse()
        .map_err(|_| "give year, month and day, such as 2024-03-31".to_owned())
}

/// Returns the range of whole days in Indian Standard Time.
fn resolve_range(arguments: &GenerateArguments) -> Result<TimeRange, UsageError> {
    let to = arguments.to.unwrap_or(arguments.as_of);
    let from = arguments
        .from
        .unwrap_or_else(|| to - Months::new(12) + Days::new(1));
    for (name, day) in [("--to", to), ("--from", from)] {
        if !(1950..=2099).contains(&chrono::Datelike::year(&day)) {
            return Err(UsageError(format!(
                "{name} {day} is outside the years 1950 to 2099"
            )));
        }
    }
    if from > to {
        return Err(UsageError(format!(
            "--from {from} is after --to {to}; give the earlier day first"
        )));
    }
    Ok(TimeRange {
        from: ist_midnight(from),
        to: ist_midnight(to + Days::new(1)).saturating_add(Millis(-1)),
    })
}

fn ist_midnight(day: NaiveDate) -> Timestamp {
    Timestamp::from_ist(day.and_time(NaiveTime::MIN))
}

fn write_statement(file: &StatementFile<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    let range = file.request.range;
    let bar = ProgressBar::new(elapsed_days(range, range.to));
    let bar = start_progress(range, bar, "{bar:40} {percent}% of {len} days, {eta} left");
    let mut counted = CountedOutput { out, bytes: 0 };
    let mut last_day = None;
    let written = file.write(&mut counted, &mut |at| {
        let day = elapsed_days(range, at);
        if last_day.replace(day) != Some(day) {
            bar.set_position(day);
        }
    });
    bar.finish_and_clear();
    written?;
    if counted.bytes == 0 {
        let fi_type = file.request.account.fi_type;
        eprintln!(
            "mockaa: the CSV is empty: it has the transactions alone, and this statement of {fi_type} has none; --format xml and json have the rest"
        );
    }
    Ok(())
}

/// An output that counts the bytes that it got.
struct CountedOutput<'o> {
    out: &'o mut dyn Write,
    bytes: usize,
}

impl Write for CountedOutput<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.bytes += count;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Shows progress for ranges of a year and more, if stderr is a terminal.
fn start_progress(range: TimeRange, bar: ProgressBar, template: &str) -> ProgressBar {
    let is_hidden = !std::io::stderr().is_terminal() || elapsed_days(range, range.to) < 366;
    bar.set_draw_target(if is_hidden {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    });
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_style(ProgressStyle::with_template(template).expect("a template"))
}

/// Returns the number of days of the range that have passed at an instant.
fn elapsed_days(range: TimeRange, at: Timestamp) -> u64 {
    u64::try_from((at.as_millis() - range.from.as_millis()) / 86_400_000 + 1).unwrap_or(0)
}
