//! `mockaa data`: statements to a file or a pipe, and statements of one's own, checked.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use chrono::{Days, Months, NaiveDate, NaiveTime};
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::Value;

use super::{Usage, input};
use crate::bankgen::{StatementRequest, accounts, statement, tell_rows, tells};
use crate::config::participants;
use crate::config::personas::{named, personas};
use crate::domain::account::{Account, FiType};
use crate::domain::consent::{ConsentType, Range};
use crate::domain::document::{Document, Element};
use crate::domain::naming::alternatives;
use crate::domain::participants::FiSchema;
use crate::domain::persona::{DEFAULT_PERSONA, Life, Persona};
use crate::domain::statement::{Body, NewRow, Statement};
use crate::domain::time::{Span, Timestamp};
use crate::wire::export::svg::balance_chart;
use crate::wire::export::{of_statements, pdf, xlsx};
use crate::wire::fi::json::Tabs;
use crate::wire::fi::{tree, xml};
use crate::wire::statement::{COLUMNS, check};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a statement. The same arguments make the same bytes, on every machine.
    #[command(after_help = EXAMPLES)]
    Generate(Box<Generate>),
    /// List the personas and what each holds.
    #[command(after_help = "Examples:\n  mockaa data personas\n  mockaa data personas --personas my-personas/")]
    Personas {
        /// A folder of personas of your own, or a file with one.
        #[arg(long, env = "MOCKAA_PERSONAS", value_name = "PATH")]
        personas: Option<PathBuf>,
    },
    /// Check a statement: by the schema if it is XML, and whether its balances add up. Exit code 2 where something is wrong.
    #[command(
        after_help = "Examples:\n  mockaa data check statement.csv\n  mockaa data generate | mockaa data check -"
    )]
    Check {
        /// A statement in XML (ReBIT FI schemas v1), CSV or JSON; - is stdin.
        file: PathBuf,
    },
}

const EXAMPLES: &str = "Examples:
  mockaa data generate                                              a year of the default persona's account, in XML
  mockaa data generate --persona over-indebted --format csv
  mockaa data generate --fi-type MUTUAL_FUNDS --from 2022-01-01 --to 2023-12-31 --format json
  mockaa data generate --persona huge-statement --from 2014-01-01 --to 2023-12-31 --output huge.xml
  mockaa data generate --personas mine.yaml --persona mine --seed 7 --format xlsx --output mine.xlsx";

#[derive(Debug, Args)]
pub struct Generate {
    /// Whose life the account tells; `mockaa data personas` lists them.
    #[arg(long, default_value = DEFAULT_PERSONA, value_name = "NAME")]
    persona: String,

    /// A folder of personas of your own, or a file with one.
    #[arg(long, env = "MOCKAA_PERSONAS", value_name = "PATH")]
    personas: Option<PathBuf>,

    /// Kind of account.
    #[arg(long, default_value = "DEPOSIT", value_name = "TYPE")]
    fi_type: String,

    /// Which of the persona's accounts of that kind.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    account: usize,

    /// First day; without it a year before the last.
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,

    /// Last day; without it the day of --as-of.
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,

    /// The day from which dates such as `2 months ago` count.
    #[arg(long, default_value = "2024-07-01", value_name = "DATE")]
    as_of: NaiveDate,

    #[arg(long, env = "MOCKAA_SEED", default_value_t = 42)]
    seed: u64,

    /// The customer's address; another customer has another name, other amounts, other shops.
    #[arg(long, default_value = "9999999999@mockaa", value_name = "ADDRESS")]
    customer: String,

    #[arg(long, value_enum, default_value_t = Format::Xml)]
    format: Format,

    /// Version of the FI schema, in XML: 1.1, or 2.0.0 of the three kinds of deposit.
    #[arg(long, default_value = "1.1", value_name = "VERSION")]
    schema: String,

    /// A file; without it stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// By the ReBIT FI schema.
    Xml,
    /// With the schema's names.
    Json,
    /// The transactions alone.
    Csv,
    /// The tabs of the Unaport FIU API.
    Unaport,
    /// A workbook.
    Xlsx,
    /// A printed statement.
    Pdf,
    /// A picture of the balance.
    Svg,
}

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Generate(arguments) => generate(&arguments)?,
        Command::Personas { personas: own } => {
            for persona in personas(own.as_deref())?.iter() {
                println!("{}\n    {}\n    {}\n", persona.name, persona.description, kinds(persona));
            }
        }
        Command::Check { file } => {
            let checked = check(&input(Some(&file))?).map_err(|faults| {
                let faults: Vec<_> = faults.iter().map(|fault| format!("{}:{fault}", file.display())).collect();
                Usage(faults.join("\n"))
            })?;
            println!("{}: {} with {} transactions, nothing wrong", file.display(), checked.form, checked.rows);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything is checked before the first byte is written; a file is there when it is whole, or not at all.
fn generate(arguments: &Generate) -> anyhow::Result<()> {
    let personas = personas(arguments.personas.as_deref())?;
    let life = Life { persona: named(&personas, &arguments.persona)?, as_of: arguments.as_of };
    let account = account(arguments, &life)?;
    let schema = FiSchema::parse(&arguments.schema)
        .ok_or_else(|| Usage(format!("--schema {} is not one of {}", arguments.schema, FiSchema::names())))?;
    if schema == FiSchema::V2 && !xml::has_v2(account.fi_type) {
        return Err(
            Usage(format!("--schema 2.0.0 is of the three kinds of deposit, and not of {}", account.fi_type)).into()
        );
    }
    let range = range(arguments)?;
    let request = StatementRequest {
        seed: arguments.seed,
        customer: &arguments.customer,
        life: &life,
        account: &account,
        consent_types: ConsentType::ALL,
        range,
        filters: &[],
        now: range.to,
    };
    let Some(output) = &arguments.output else {
        let mut out = BufWriter::new(std::io::stdout().lock());
        write(&request, arguments.format, schema, &mut out)?;
        return out.flush().context("cannot write to stdout");
    };
    let context = || format!("cannot write {}", output.display());
    let partial = output.with_extension(format!("partial-{}", std::process::id()));
    let written = File::create(&partial).map_err(anyhow::Error::from).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&request, arguments.format, schema, &mut out)?;
        out.flush()?;
        Ok(())
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written.with_context(context)?;
    std::fs::rename(&partial, output).with_context(context)
}

fn account(arguments: &Generate, life: &Life) -> anyhow::Result<Account> {
    let kind = arguments.fi_type.to_uppercase();
    let fi_type = FiType::parse(&kind).ok_or_else(|| {
        let known = alternatives(&kind, FiType::ALL.iter().map(|kind| kind.as_str()));
        Usage(format!("--fi-type {kind} is no kind of account; {known}"))
    })?;
    let parties = participants(None, None)?;
    let held = accounts(&parties.participants, &life.persona, arguments.seed, &arguments.customer);
    let of_kind: Vec<Account> =
        held.into_iter().map(|held| held.account).filter(|account| account.fi_type == fi_type).collect();
    let count = of_kind.len();
    let chosen = arguments.account.checked_sub(1).and_then(|place| of_kind.into_iter().nth(place));
    let account = chosen.ok_or_else(|| {
        let name = &life.persona.name;
        Usage(if count == 0 {
            format!("{name} has no {fi_type}; it has {}. {DEFAULT_PERSONA} has every kind", kinds(&life.persona))
        } else {
            format!("--account {}: {name} has {count} of {fi_type}, counted from 1", arguments.account)
        })
    })?;
    if !tells(arguments.seed, &arguments.customer, life, &account) {
        return Err(Usage(format!("{fi_type} is not simulated: its accounts answer DENIED")).into());
    }
    Ok(account)
}

/// The kinds of account that a persona holds.
fn kinds(persona: &Persona) -> String {
    let mut kinds: Vec<&str> = persona.accounts.iter().map(|account| account.fi_type.as_str()).collect();
    kinds.dedup();
    kinds.join(", ")
}

/// Whole days in India.
fn range(arguments: &Generate) -> Result<Range, Usage> {
    let to = arguments.to.unwrap_or(arguments.as_of);
    let from = arguments.from.unwrap_or_else(|| to - Months::new(12) + Days::new(1));
    for (name, day) in [("--to", to), ("--from", from)] {
        if !(1950..=2099).contains(&chrono::Datelike::year(&day)) {
            return Err(Usage(format!("{name} {day} is outside the years 1950 to 2099")));
        }
    }
    if from > to {
        return Err(Usage(format!("--from {from} is after --to {to}; give the earlier day first")));
    }
    let midnight = |day: NaiveDate| Timestamp::from_ist(day.and_time(NaiveTime::MIN));
    Ok(Range { from: midnight(from), to: midnight(to + Days::new(1)).plus(Span(-1)) })
}

fn write(request: &StatementRequest<'_>, format: Format, schema: FiSchema, out: &mut dyn Write) -> anyhow::Result<()> {
    match format {
        Format::Xml => write_xml(request, schema, out),
        Format::Json => write_json(request, out),
        Format::Csv => write_csv(request, out),
        Format::Xlsx => Ok(out.write_all(&xlsx::write(&of_statements(&[whole(request)])))?),
        Format::Svg => {
            let statement = whole(request);
            let told = statement.bank().and_then(|bank| bank.transactions.as_ref());
            let told =
                told.ok_or_else(|| Usage("--format svg is of DEPOSIT: others have no balance to draw".to_owned()))?;
            let title = format!("{}: {}", request.life.persona.name, request.account.masked_number);
            Ok(out.write_all(balance_chart(&title, told).as_bytes())?)
        }
        Format::Pdf => Ok(out.write_all(&pdf::write(&of_statements(&[whole(request)])))?),
        Format::Unaport => {
            let statements = [whole(request)];
            serde_json::to_writer_pretty(&mut *out, &Tabs::alone(&statements, request.now))?;
            Ok(writeln!(out)?)
        }
    }
}

fn whole(request: &StatementRequest<'_>) -> Statement {
    statement(request).expect("it was asked before whether there is one")
}

/// Whether there is a ledger, whose rows are told one by one; other documents are short.
fn is_bank(request: &StatementRequest<'_>) -> bool {
    request.account.fi_type == FiType::Deposit
}

/// The statement without its transactions.
fn without_rows(request: &StatementRequest<'_>) -> Statement {
    whole(&StatementRequest { consent_types: &[ConsentType::Profile, ConsentType::Summary], ..*request })
}

/// What is no bank account.
fn document(request: &StatementRequest<'_>) -> Option<Document> {
    let told = (!is_bank(request)).then(|| whole(request).body)?;
    match told {
        Body::Other(document) => Some(document),
        Body::Bank(_) => None,
    }
}

/// Tells each row; whatever goes wrong with one is told afterwards.
fn each_row(
    request: &StatementRequest<'_>,
    mut each: impl FnMut(&NewRow<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let days = (request.range.to.as_millis() - request.range.from.as_millis()) / 86_400_000 + 1;
    let bar = progress(u64::try_from(days).unwrap_or(0));
    let mut outcome = Ok(());
    let mut count = 0u64;
    tell_rows(request, &mut |row| {
        if outcome.is_ok() {
            outcome = each(&row);
        }
        count += 1;
        if count.is_multiple_of(4096) {
            let day = (row.at.as_millis() - request.range.from.as_millis()) / 86_400_000;
            bar.set_position(u64::try_from(day).unwrap_or(0));
        }
    });
    bar.finish_and_clear();
    outcome
}

/// Long work shows how far it is, where a person looks.
fn progress(days: u64) -> ProgressBar {
    let hidden = !std::io::stderr().is_terminal() || days < 366;
    let bar = ProgressBar::new(days);
    bar.set_draw_target(if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_style(ProgressStyle::with_template("{bar:40} {percent}% of {len} days, {eta} left").expect("a template"))
}

/// How many bytes are gathered before they are written.
const CHUNK: usize = 256 * 1024;

fn write_xml(request: &StatementRequest<'_>, schema: FiSchema, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut buffer = Vec::with_capacity(CHUNK + 1024);
    if is_bank(request) {
        xml::open(&xml::head(&without_rows(request), schema), &mut buffer);
        xml::open_rows(request.range, &mut buffer);
        each_row(request, |row| {
            xml::write_row(row, schema, &mut buffer);
            if buffer.len() >= CHUNK {
                out.write_all(&buffer)?;
                buffer.clear();
            }
            Ok(())
        })?;
        xml::close_rows(&mut buffer);
        xml::close(&mut buffer);
    } else {
        xml::write(&whole(request), schema, &mut buffer);
    }
    buffer.push(b'\n');
    Ok(out.write_all(&buffer)?)
}

/// A row with the schema's names, in the order of [`COLUMNS`].
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowView<'a> {
    txn_id: String,
    r#type: &'static str,
    mode: &'static str,
    amount: String,
    current_balance: String,
    transaction_timestamp: String,
    value_date: String,
    narration: &'a str,
    reference: &'a str,
}

impl<'a> RowView<'a> {
    fn of(row: &NewRow<'a>) -> Self {
        Self {
            txn_id: format!("M{}", row.id),
            r#type: row.transaction_type.as_str(),
            mode: row.mode.v1(),
            amount: row.amount.to_string(),
            current_balance: row.balance.to_string(),
            transaction_timestamp: row.at.ist_string(),
            value_date: row.at.ist_date().to_string(),
            narration: row.narration,
            reference: row.reference,
        }
    }
}

fn write_json(request: &StatementRequest<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    if let Some(document) = document(request) {
        let object = serde_json::json!({ "Account": tree::object(&document.root) });
        serde_json::to_writer_pretty(&mut *out, &object)?;
        return Ok(writeln!(out)?);
    }
    let head = tree::object(&xml::head(&without_rows(request), FiSchema::V1));
    let Value::Object(head) = head else { unreachable!("an element is an object") };
    write!(out, "{{\n  \"Account\": {{")?;
    for (name, value) in head {
        write!(out, "\n    {}: {value},", Value::String(name))?;
    }
    let (from, to) = (request.range.from.ist_date(), request.range.to.ist_date());
    write!(out, "\n    \"Transactions\": {{\n      \"startDate\": \"{from}\",\n      \"endDate\": \"{to}\",")?;
    write!(out, "\n      \"Transaction\": [")?;
    let mut before = "\n        ";
    each_row(request, |row| {
        out.write_all(before.as_bytes())?;
        before = ",\n        ";
        Ok(serde_json::to_writer(&mut *out, &RowView::of(row))?)
    })?;
    Ok(write!(out, "\n      ]\n    }}\n  }}\n}}\n")?)
}

fn write_csv(request: &StatementRequest<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut csv = csv::WriterBuilder::new().has_headers(false).flexible(true).from_writer(out);
    if let Some(document) = document(request) {
        for group in groups(&document.root) {
            csv.write_record(std::iter::once("element").chain(group[0].attributes.iter().map(|(name, _)| *name)))?;
            for row in group {
                csv.write_record(std::iter::once(row.name).chain(row.attributes.iter().map(|(_, value)| &**value)))?;
            }
        }
        return Ok(csv.flush()?);
    }
    csv.write_record(COLUMNS)?;
    each_row(request, |row| Ok(csv.serialize(RowView::of(row))?))?;
    Ok(csv.flush()?)
}

/// The transactions of a document, those of one name together.
fn groups(root: &Element) -> Vec<&[Element]> {
    let Some(all) = root.child("Transactions") else { return Vec::new() };
    let nested = all.children.iter().any(|child| child.children.iter().any(|inner| inner.repeats));
    let groups: Vec<&[Element]> =
        if nested { all.children.iter().map(|group| &group.children[..]).collect() } else { vec![&all.children[..]] };
    groups.into_iter().filter(|group| !group.is_empty()).collect()
}
