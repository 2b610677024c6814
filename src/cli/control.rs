//! The commands that wrap the control API: consents, customers, worlds, clocks, webhooks, faults,
//! journal, expectations and contract report. HTTP and output helpers belong to
//! [`crate::cli::remote`].

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::consent_check::{CheckArguments, check_request};
use crate::cli::control_calls::name_commands;
use crate::cli::lists::{List, ListArguments, print_rows};
use crate::cli::raise::{self, RaiseArguments};
use crate::cli::remote::{
    FileResponse, Remote, encode_segment, field_text, print_fields, print_list, print_table,
    print_texts,
};
use crate::cli::terminal::Palette;
use crate::cli::{UsageError, read_input, stdout};
use crate::domain::consent::Status;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::ConsentHandle;
use crate::domain::naming::{WireEnum, suggest_name};
use crate::domain::notification::NotificationKind;
use crate::domain::text::{display_path, escape_line_controls};
use crate::wire::fields::parse_customer_address;

#[derive(Debug, Subcommand)]
pub(crate) enum ConsentCommand {
    /// List the consents of a world.
    #[command(
        after_help = "Examples:\n  mockaa consent list --state PENDING\n  mockaa consent list --last 10 --follow"
    )]
    List(ConsentListArguments),
    /// Show a consent.
    #[command(after_help = "Example:\n  mockaa consent show HANDLE")]
    Show(ConsentTarget),
    /// Check a consent request against the fair-use templates; needs no sandbox.
    #[command(
        after_help = "Example:\n  mockaa consent check request.json --template CT035\n\nExit code 1: a limit is exceeded; 2: the file cannot be read."
    )]
    Check(CheckArguments),
    /// Raise a consent as an FIU does, with the shipped development credentials; prints its handle
    /// and the page of the customer.
    #[command(
        after_help = "Examples:\n  mockaa consent raise\n  mockaa consent raise --api unaport --customer 9999999001\n  mockaa consent raise --scenario webhook-lost --persona over-indebted --fi-type DEPOSIT,MUTUAL_FUNDS"
    )]
    Raise(Box<RaiseArguments>),
    /// Approve a consent as the customer.
    #[command(
        after_help = "Examples:\n  mockaa consent approve HANDLE\n  mockaa consent approve HANDLE --hold"
    )]
    Approve {
        #[command(flatten)]
        target: ConsentTarget,
        /// Keep the consent READY until `activate`.
        #[arg(long)]
        hold: bool,
        /// Approved accounts, by linkRefNumber; default: all of the requested FI types.
        #[arg(long, value_delimiter = ',', value_name = "REF,…")]
        accounts: Option<Vec<String>>,
    },
    /// Activate the artefact of a READY consent.
    #[command(after_help = "Example:\n  mockaa consent activate HANDLE")]
    Activate(ConsentTarget),
    /// Reject a consent as the customer.
    #[command(after_help = "Example:\n  mockaa consent reject HANDLE")]
    Reject(ConsentTarget),
    /// Let the AA fail to create the consent.
    #[command(after_help = "Example:\n  mockaa consent fail HANDLE")]
    Fail(ConsentTarget),
    /// Pause a consent as the customer.
    #[command(after_help = "Example:\n  mockaa consent pause HANDLE")]
    Pause(ConsentTarget),
    /// Resume a paused consent as the customer.
    #[command(after_help = "Example:\n  mockaa consent resume HANDLE")]
    Resume(ConsentTarget),
    /// Revoke a consent as the customer.
    #[command(after_help = "Example:\n  mockaa consent revoke HANDLE")]
    Revoke(ConsentTarget),
    /// Expire a consent before its time.
    #[command(after_help = "Example:\n  mockaa consent expire HANDLE")]
    Expire(ConsentTarget),
    /// Run steps of the scenario format for one consent: any action, such as `{deny: {}}` or
    /// `{notify: {status: PAUSED}}`.
    #[command(
        after_help = "Examples:\n  mockaa consent play HANDLE '{deliver: {fips: {FIP-2: TIMEOUT}}}'\n  mockaa consent play \
                            HANDLE '{set: {latency: 2s}}'"
    )]
    Play {
        #[command(flatten)]
        target: ConsentTarget,
        /// A step, or a list of steps, in YAML or JSON.
        step: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct WorldTarget {
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, Args)]
pub(crate) struct UntilCallArgs {
    /// Stop at a call of your FIU, such as fi.request; wait for it if it has not come at the end.
    #[arg(long, value_name = "OP")]
    until_call: Option<String>,
    /// Number of calls to wait for.
    #[arg(long, requires = "until_call", value_name = "COUNT")]
    count: Option<u32>,
    /// Only calls about this customer.
    #[arg(long, requires = "until_call", value_name = "ADDRESS")]
    customer: Option<String>,
    /// Longest duration of the advance, in system time; default: 60s.
    #[arg(long, requires = "until_call", value_name = "TIME")]
    within: Option<String>,
}

impl UntilCallArgs {
    /// Returns the condition of the control API; `None` without `--until-call`.
    fn into_condition(self) -> Option<Value> {
        let op = self.until_call?;
        let mut call = collect_fields([
            ("op", Some(op)),
            ("customer", self.customer),
            ("within", self.within),
        ]);
        if let Some(count) = self.count {
            call["count"] = count.into();
        }
        Some(json!({ "call": call }))
    }
}

/// Parses a wire name, in either case.
fn parse_wire_name<T: WireEnum>(text: &str) -> Result<String, String> {
    let names = T::all_variants().iter().map(|variant| variant.wire_name());
    let mut same = names.clone().filter(|name| name.eq_ignore_ascii_case(text));
    let name = same.next().map(str::to_owned);
    name.ok_or_else(|| suggest_name(text, names))
}

fn parse_handle(text: &str) -> Result<String, String> {
    let handle = ConsentHandle::parse(text).map(|handle| handle.to_string());
    handle.ok_or_else(|| "give the UUID that `mockaa consent list` prints".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct ConsentListArguments {
    /// Only consents in this state, such as PENDING.
    #[arg(long, value_parser = parse_wire_name::<Status>)]
    state: Option<String>,
    /// Only consents of this customer.
    #[arg(long, value_name = "ADDRESS")]
    customer: Option<String>,
    /// Only consents of this FIU.
    #[arg(long, value_name = "ID")]
    fiu: Option<String>,
    #[command(flatten)]
    list: ListArguments,
    #[command(flatten)]
    remote: Remote,
}

/// Returns a customer's address in the form in which worlds keep it.
fn parse_customer(address: Option<&str>) -> Result<Option<String>, UsageError> {
    let parse = |text| parse_customer_address("--customer", text);
    let address = address.map(parse).transpose();
    address
        .map(|address| address.map(|address| address.to_string()))
        .map_err(|error| UsageError(error.to_string()))
}

#[derive(Debug, Args)]
pub(crate) struct ConsentTarget {
    /// The consent handle.
    handle: String,
    #[command(flatten)]
    remote: Remote,
}

const CONSENT_LIST: [(&str, &str); 7] = [
    ("created", "createdAt"),
    ("handle", "consentHandle"),
    ("state", "state"),
    ("customer", "customer"),
    ("fiu", "fiuId"),
    ("api", "api"),
    ("scenario", "scenario"),
];

const CONSENT_FIELDS: [(&str, &str); 8] = [
    ("handle", "consentHandle"),
    ("state", "state"),
    ("customer", "customer"),
    ("fiu", "fiuId"),
    ("api", "api"),
    ("scenario", "scenario"),
    ("consent id", "consentId"),
    ("created", "createdAt"),
];

pub(crate) async fn run_consent(command: ConsentCommand) -> anyhow::Result<ExitCode> {
    let (target, action, body) = match command {
        ConsentCommand::List(ConsentListArguments {
            state,
            customer,
            fiu,
            list,
            remote,
        }) => {
            let consents = List {
                remote: &remote,
                path: "consents".to_owned(),
                time_field: "createdAt",
                filters: vec![
                    ("state", state),
                    ("customer", parse_customer(customer.as_deref())?),
                    ("fiuId", fiu),
                ],
            };
            let print = |items: &[Value]| print_rows(items, &CONSENT_LIST);
            consents.print(&list, print).await?;
            return Ok(ExitCode::SUCCESS);
        }
        ConsentCommand::Check(arguments) => return check_request(&arguments),
        ConsentCommand::Raise(arguments) => return raise::run(*arguments).await,
        ConsentCommand::Show(ConsentTarget { handle, remote }) => {
            let response = remote
                .get(&format!("consents/{}", encode_segment(&handle)))
                .await?;
            print_fields(
                &remote,
                &response,
                &[
                    &CONSENT_FIELDS[..],
                    &[("legal now", "legal"), ("page", "pageUrl")],
                ]
                .concat(),
            );
            return Ok(ExitCode::SUCCESS);
        }
        ConsentCommand::Approve {
            target,
            hold,
            accounts,
        } => {
            let mut body = json!({ "hold": hold });
            if let Some(accounts) = accounts {
                body["accounts"] = accounts.into();
            }
            (target, "approve", body)
        }
        ConsentCommand::Activate(target) => (target, "activate", Value::Null),
        ConsentCommand::Reject(target) => (target, "reject", Value::Null),
        ConsentCommand::Fail(target) => (target, "fail", Value::Null),
        ConsentCommand::Pause(target) => (target, "pause", Value::Null),
        ConsentCommand::Resume(target) => (target, "resume", Value::Null),
        ConsentCommand::Revoke(target) => (target, "revoke", Value::Null),
        ConsentCommand::Expire(target) => (target, "expire", Value::Null),
        ConsentCommand::Play { target, step } => (target, "play", Value::String(step)),
    };
    let ConsentTarget { handle, remote } = target;
    let path = format!("consents/{}/{action}", encode_segment(&handle));
    let response = match body {
        Value::String(text) => remote.post_text(&path, text).await?,
        body => remote.post(&path, &body).await?,
    };
    print_fields(&remote, &response, &CONSENT_FIELDS[..2]);
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Subcommand)]
pub(crate) enum CustomerCommand {
    /// List the customers that calls to a world have named.
    #[command(after_help = "Example:\n  mockaa customer list")]
    List(WorldTarget),
    /// List the accounts of a customer at all FIPs.
    #[command(after_help = "Example:\n  mockaa customer accounts 9876543210@mockaa")]
    Accounts(CustomerTarget),
    /// Register a customer, without linked accounts.
    #[command(after_help = "Example:\n  mockaa customer register 9876543210@mockaa")]
    Register(CustomerTarget),
    /// Deregister a customer; hides the consents without a notification.
    #[command(after_help = "Example:\n  mockaa customer deregister 9876543210@mockaa")]
    Deregister(CustomerTarget),
    /// Ask a FIP to link accounts; the response names the next step.
    #[command(
        after_help = "Example:\n  mockaa customer link 9876543210@mockaa --fip FIP-1 --accounts ACC1,ACC2"
    )]
    Link {
        #[command(flatten)]
        target: CustomerTarget,
        /// FIP that has the accounts.
        #[arg(long, value_name = "ID")]
        fip: String,
        /// The FIP's references of the accounts (accRefNumber).
        #[arg(long, value_delimiter = ',', required = true, value_name = "REF,…")]
        accounts: Vec<String>,
    },
    /// Confirm a link request with the one-time password of the FIP.
    #[command(
        after_help = "Example:\n  mockaa customer verify 9876543210@mockaa --ref REF-NUMBER --otp 123456"
    )]
    Verify {
        #[command(flatten)]
        target: CustomerTarget,
        /// Reference of the link request (RefNumber), as `customer link` prints it.
        #[arg(long = "ref", value_name = "REF")]
        reference: String,
        /// One-time password of the link request; a FIP that authenticates the customer needs none.
        #[arg(long = "otp", value_name = "TEXT")]
        one_time_password: Option<String>,
    },
    /// Assign another persona to a customer; `mockaa data personas` lists them.
    #[command(after_help = "Example:\n  mockaa customer persona 9876543210@mockaa over-indebted")]
    Persona {
        #[command(flatten)]
        target: CustomerTarget,
        /// Name of the persona.
        name: String,
    },
    /// Delink an account, which revokes the consents with this account.
    #[command(
        after_help = "Example:\n  mockaa customer delink 9876543210@mockaa --account LINK-REF"
    )]
    Delink {
        #[command(flatten)]
        target: CustomerTarget,
        /// The linkRefNumber of the account.
        #[arg(long)]
        account: String,
    },
    /// Save the statement of an account as a file, as its FIP would send it now.
    #[command(
        after_help = "Examples:\n  mockaa customer statement 9876543210@mockaa\n  mockaa customer statement 9876543210@mockaa --format pdf --output statement.pdf"
    )]
    Statement {
        /// Address of the customer, such as 9876543210@mockaa.
        customer: String,
        #[command(flatten)]
        statement: StatementArgs,
        /// Format: xml, json, finvu, setu, unaport, csv (the transactions alone), xlsx, pdf, svg (a chart of the balance).
        #[arg(long, default_value = "xml", value_name = "FORMAT")]
        format: String,
        /// Output file; default: stdout.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Supply the statement of a bank account as a file; the customer's other accounts stay.
    #[command(
        after_help = "Examples:\n  mockaa customer supply 9876543210@mockaa mine.csv\n  mockaa customer supply 9876543210@mockaa bank.xls --like any --check warn"
    )]
    Supply {
        /// Address of the customer, such as 9876543210@mockaa.
        customer: String,
        /// Statement in CSV, JSON or XML, or with --like the export of a bank; - is stdin.
        file: PathBuf,
        /// The accRefNumber or linkRefNumber of the account; default: the first DEPOSIT account.
        #[arg(long, value_name = "REF")]
        account: Option<String>,
        /// Treatment of what looks wrong: strict, warn or off; default: strict.
        #[arg(long, value_name = "CHECK")]
        check: Option<String>,
        /// The file is the export of a bank: any, or the layout of its narrations, layout-a to layout-e.
        #[arg(long, value_name = "LAYOUT")]
        like: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// List, add, change or remove transactions of a bank account; later statements have the change.
    #[command(subcommand)]
    Transaction(TransactionCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TransactionCommand {
    /// List the transactions of a bank account, the oldest first.
    #[command(
        after_help = "Examples:\n  mockaa customer transaction list 9876543210@mockaa\n  mockaa customer transaction list 9876543210@mockaa --from 2026-01-01T00:00:00Z"
    )]
    List {
        /// Address of the customer, such as 9876543210@mockaa.
        customer: String,
        #[command(flatten)]
        statement: StatementArgs,
        #[command(flatten)]
        remote: Remote,
    },
    /// Add a transaction to a bank account; later balances follow.
    #[command(
        after_help = "Example:\n  mockaa customer transaction add 9876543210@mockaa --amount 250000 --narration \"NEFT REFUND\" --days-ago 3"
    )]
    Add {
        #[command(flatten)]
        target: CustomerTarget,
        #[command(flatten)]
        fields: TransactionArgs,
    },
    /// Change fields of a transaction; those that are not named keep their value.
    #[command(
        after_help = "Example:\n  mockaa customer transaction change 9876543210@mockaa M2026013100012 --amount 1500.50"
    )]
    Change {
        #[command(flatten)]
        target: CustomerTarget,
        /// The txnId of the transaction, as statements have it.
        txn_id: String,
        #[command(flatten)]
        fields: TransactionArgs,
    },
    /// Withdraw a transaction; later statements do not have it.
    #[command(
        after_help = "Example:\n  mockaa customer transaction remove 9876543210@mockaa M2026013100012"
    )]
    Remove {
        #[command(flatten)]
        target: CustomerTarget,
        /// The txnId of the transaction, as statements have it.
        txn_id: String,
        /// The accRefNumber or linkRefNumber of the account, if several have the txnId.
        #[arg(long, value_name = "REF")]
        account: Option<String>,
    },
}

/// The account and the range of a statement.
#[derive(Debug, Args)]
pub(crate) struct StatementArgs {
    /// The accRefNumber or linkRefNumber of the account; default: the first DEPOSIT account.
    #[arg(long, value_name = "REF")]
    account: Option<String>,
    /// First instant of the transactions; default: the start of the day 365 days before --to.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Last instant of the transactions; default: now.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

impl StatementArgs {
    /// Returns the query of the call, with a parameter for each that was given.
    fn into_query(self) -> String {
        let Self { account, from, to } = self;
        let named = [("account", account), ("from", from), ("to", to)];
        let given = named
            .into_iter()
            .filter_map(|(name, value)| Some(format!("&{name}={}", encode_segment(&value?))));
        given.collect()
    }
}

/// The fields of a transaction.
#[derive(Debug, Args)]
pub(crate) struct TransactionArgs {
    /// Rupees with at most two decimals.
    #[arg(long, value_name = "RUPEES")]
    amount: Option<String>,
    /// Narration, one line.
    #[arg(long, value_name = "TEXT")]
    narration: Option<String>,
    /// CREDIT or DEBIT; default of a new transaction: CREDIT.
    #[arg(long = "type", value_name = "TYPE")]
    transaction_type: Option<String>,
    /// Mode, such as UPI or NEFT; default of a new transaction: OTHERS.
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Reference; default of a new transaction: its number.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// Time of the transaction; default of a new transaction: now.
    #[arg(long, value_name = "TIME", conflicts_with = "days_ago")]
    at: Option<String>,
    /// Days before now, at the same time of day.
    #[arg(long, value_name = "DAYS")]
    days_ago: Option<u32>,
    /// The accRefNumber or linkRefNumber of the account; default: the first DEPOSIT account for a
    /// new transaction, the account that has the transaction for a change.
    #[arg(long, value_name = "REF")]
    account: Option<String>,
}

impl TransactionArgs {
    /// Returns the body of the call.
    fn into_body(self) -> Value {
        let Self {
            amount,
            narration,
            transaction_type,
            mode,
            reference,
            at,
            days_ago,
            account,
        } = self;
        let mut body = collect_fields([
            ("amount", amount),
            ("narration", narration),
            ("type", transaction_type),
            ("mode", mode),
            ("reference", reference),
            ("transactionTimestamp", at),
            ("account", account),
        ]);
        if let Some(days) = days_ago {
            body["daysAgo"] = days.into();
        }
        body
    }
}

async fn run_transaction(command: TransactionCommand) -> anyhow::Result<ExitCode> {
    let (target, method, rest, body) = match command {
        TransactionCommand::List {
            customer,
            statement,
            remote,
        } => {
            let customer = encode_segment(&customer);
            let list_path = |statement: StatementArgs| {
                let query = statement.into_query();
                format!("customers/{customer}/transactions?limit=1000{query}")
            };
            let account = statement.account.clone();
            let first = remote.get(&list_path(statement)).await?;
            // All parts have the range of the first one.
            let [from, to] = ["from", "to"].map(|name| first[name].as_str().map(str::to_owned));
            let path = list_path(StatementArgs { account, from, to });
            let list = remote.follow_pages(first, &path).await?;
            let columns = [
                ("txn id", "txnId"),
                ("time", "transactionTimestamp"),
                ("type", "type"),
                ("mode", "mode"),
                ("amount", "amount"),
                ("balance", "balance"),
                ("narration", "narration"),
            ];
            print_list(&remote, &list, &columns);
            return Ok(ExitCode::SUCCESS);
        }
        TransactionCommand::Add { target, fields } => {
            (target, Method::POST, String::new(), fields.into_body())
        }
        TransactionCommand::Change {
            target,
            txn_id,
            fields,
        } => {
            let rest = format!("/{}", encode_segment(&txn_id));
            (target, Method::PATCH, rest, fields.into_body())
        }
        TransactionCommand::Remove {
            target,
            txn_id,
            account,
        } => {
            let query = account.map(|account| format!("?account={}", encode_segment(&account)));
            let rest = format!("/{}{}", encode_segment(&txn_id), query.unwrap_or_default());
            (target, Method::DELETE, rest, Value::Null)
        }
    };
    let CustomerTarget { customer, remote } = target;
    let path = format!("customers/{}/transactions{rest}", encode_segment(&customer));
    let response = match method {
        Method::POST => remote.post(&path, &body).await?,
        Method::PATCH => remote.patch(&path, &body).await?,
        _ => remote.delete(&path).await?,
    };
    remote.print(&response);
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Args)]
pub(crate) struct CustomerTarget {
    /// Address of the customer, such as 9876543210@mockaa.
    customer: String,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run_customer(command: CustomerCommand) -> anyhow::Result<ExitCode> {
    let (target, action, body) = match command {
        CustomerCommand::List(WorldTarget { remote }) => {
            let list = remote.get_all("customers").await?;
            if remote.json {
                list.print();
            } else {
                print_texts(&list);
            }
            return Ok(ExitCode::SUCCESS);
        }
        CustomerCommand::Statement {
            customer,
            statement,
            format,
            output,
            remote,
        } => {
            let (customer, format) = (encode_segment(&customer), encode_segment(&format));
            let query = statement.into_query();
            let path = format!("customers/{customer}/statement?format={format}{query}");
            let bytes = remote.get_bytes(&path).await?;
            match output {
                Some(path) => std::fs::write(&path, bytes)
                    .with_context(|| format!("cannot write {}", display_path(&path)))?,
                None => stdout::print_bytes(&bytes)?,
            }
            return Ok(ExitCode::SUCCESS);
        }
        CustomerCommand::Supply {
            customer,
            file,
            account,
            check,
            like,
            remote,
        } => {
            let options = [("account", account), ("check", check), ("like", like)];
            let query: Vec<String> = options
                .into_iter()
                .filter_map(|(name, value)| Some(format!("{name}={}", encode_segment(&value?))))
                .collect();
            let customer = encode_segment(&customer);
            let path = format!("customers/{customer}/statement?{}", query.join("&"));
            let response = remote.put_bytes(&path, read_input(Some(&file))?).await?;
            let fields = [
                ("persona", "persona"),
                ("account", "accRefNumber"),
                ("transactions", "transactions"),
                ("from", "from"),
                ("to", "to"),
                ("opening balance", "openingBalance"),
                ("closing balance", "closingBalance"),
                ("notes", "notes"),
            ];
            print_fields(&remote, &response, &fields);
            return Ok(ExitCode::SUCCESS);
        }
        CustomerCommand::Accounts(CustomerTarget { customer, remote }) => {
            let response = remote
                .get(&format!("customers/{}/accounts", encode_segment(&customer)))
                .await?;
            if remote.json {
                response.print();
            } else {
                let columns = [
                    ("fip", "fipId"),
                    ("fi type", "fiType"),
                    ("account", "accRefNumber"),
                    ("link", "linkRefNumber"),
                ];
                print_list(
                    &remote,
                    &response,
                    &[&columns[..], &[("linked", "linked")]].concat(),
                );
            }
            return Ok(ExitCode::SUCCESS);
        }
        CustomerCommand::Transaction(command) => return run_transaction(command).await,
        CustomerCommand::Register(target) => (target, "register", Value::Null),
        CustomerCommand::Deregister(target) => (target, "deregister", Value::Null),
        CustomerCommand::Link {
            target,
            fip,
            accounts,
        } => (
            target,
            "link",
            json!({ "fipId": fip, "accounts": accounts }),
        ),
        CustomerCommand::Verify {
            target,
            reference,
            one_time_password,
        } => (
            target,
            "verify",
            collect_fields([("refNumber", Some(reference)), ("token", one_time_password)]),
        ),
        CustomerCommand::Persona { target, name } => {
            (target, "persona", json!({ "persona": name }))
        }
        CustomerCommand::Delink { target, account } => {
            (target, "delink", json!({ "linkRefNumber": account }))
        }
    };
    let CustomerTarget { customer, remote } = target;
    let response = remote
        .post(
            &format!("customers/{}/{action}", encode_segment(&customer)),
            &body,
        )
        .await?;
    remote.print(&response);
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorldCommand {
    /// List the worlds of a sandbox.
    #[command(after_help = "Example:\n  mockaa world list")]
    List(WorldTarget),
    /// Show a world: time, consents by state, open webhooks, timers.
    #[command(after_help = "Examples:\n  mockaa world show\n  mockaa world show --world mine")]
    Show(WorldTarget),
    /// Reset a world: no consents, no webhooks, the clock at its start.
    #[command(
        after_help = "Examples:\n  mockaa world reset\n  mockaa world reset --keep scenarios,participants"
    )]
    Reset {
        /// Parts of the world to keep: scenarios, faults, participants, clock.
        #[arg(long, value_delimiter = ',', value_name = "PART,…")]
        keep: Vec<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Delete a world. The next call to its name creates a new one.
    #[command(after_help = "Example:\n  mockaa world delete mine")]
    Delete {
        /// Name of the world.
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Prints what a sandbox is.
pub(crate) async fn print_info(arguments: WorldTarget) -> anyhow::Result<ExitCode> {
    let WorldTarget { remote } = arguments;
    let info = remote.get("info").await?;
    if remote.json {
        info.print();
        return Ok(ExitCode::SUCCESS);
    }
    let own = [
        ("version", "version"),
        ("started at", "startedAt"),
        ("world", "world"),
        ("worlds", "worlds"),
        ("scenarios", "scenarios"),
        ("error of scenario files", "scenariosError"),
    ];
    print_fields(&remote, &info, &own);
    let passwords = info["otps"].as_array().into_iter().flatten();
    let passwords: Vec<_> = passwords.filter_map(Value::as_str).collect();
    println!("one-time passwords       {}", passwords.join(", "));
    println!();
    let links = info["links"].as_object().into_iter().flatten();
    let rows: Vec<_> = links
        .map(|(name, address)| {
            vec![
                name.clone(),
                address.as_str().unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    print_table(&["part", "address"], &rows);
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn run_world(command: WorldCommand) -> anyhow::Result<ExitCode> {
    let columns = [
        ("name", "name"),
        ("now", "now"),
        ("consents", "consents"),
        ("webhooks open", "webhooksOpen"),
    ];
    match command {
        WorldCommand::List(WorldTarget { remote }) => {
            print_list(&remote, &remote.get("worlds").await?, &columns);
        }
        WorldCommand::Show(WorldTarget { remote }) => {
            let world = remote.get("world").await?;
            print_fields(
                &remote,
                &world,
                &[&columns[..], &[("seed", "seed"), ("timers", "timers")]].concat(),
            );
            if !remote.json {
                let states = world["states"].as_array().map_or(&[][..], Vec::as_slice);
                if !states.is_empty() {
                    println!();
                    print_rows(states, &[("state", "state"), ("consents", "count")]);
                }
            }
        }
        WorldCommand::Reset { keep, remote } => print_fields(
            &remote,
            &remote.post("reset", &json!({ "keep": keep })).await?,
            &columns,
        ),
        WorldCommand::Delete { name, remote } => {
            print_fields(
                &remote,
                &remote
                    .delete(&format!("worlds/{}", encode_segment(&name)))
                    .await?,
                &[("deleted", "deleted")],
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Show the time of a world, and whether its clock runs.
    #[command(after_help = "Example:\n  mockaa clock show")]
    Show(WorldTarget),
    /// List what becomes due, the next first: expiries, scheduled fetches, steps of scenarios, retries of
    /// webhooks.
    #[command(
        after_help = "Examples:\n  mockaa clock due\n  mockaa clock due --consent 7f6e4b1e-25a1-4a3c-9d0c-5b1c2f3a4d5e"
    )]
    Due {
        /// Only what concerns this consent.
        #[arg(long, value_parser = parse_handle, value_name = "HANDLE")]
        consent: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Freeze the clock.
    #[command(
        after_help = "Examples:\n  mockaa clock freeze\n  mockaa clock freeze --at 2024-01-31T18:30:00Z"
    )]
    Freeze {
        /// Instant to set the clock to; only in a world without consents.
        #[arg(long, value_name = "INSTANT")]
        at: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Let a frozen clock run.
    #[command(after_help = "Example:\n  mockaa clock run")]
    Run(WorldTarget),
    /// Set the clock, only in a world without consents; or the clocks of messages, at any time.
    #[command(
        after_help = "Examples:\n  mockaa clock set 2024-01-31T18:30:00Z\n  mockaa clock set --signing-time world"
    )]
    Set {
        /// Instant, such as 2024-01-31T18:30:00Z.
        #[arg(required_unless_present_any = ["signing_time", "message_time"])]
        to: Option<String>,
        /// Clock of webhook-timestamp and its HMAC.
        #[arg(long, value_parser = ["wall", "world"], value_name = "CLOCK")]
        signing_time: Option<String>,
        /// Clock of timestamp in answers and webhook bodies.
        #[arg(long, value_parser = ["wall", "world"], value_name = "CLOCK")]
        message_time: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Advance the clock: execute all due work in order, and return when its webhooks have been
    /// sent.
    #[command(
        after_help = "Examples:\n  mockaa clock advance --by P30D\n  mockaa clock advance --to 2026-12-31T00:00:00Z\n  mockaa \
                            clock advance --until idle\n  mockaa clock advance --by P1D --until-call fi.request"
    )]
    Advance {
        /// Duration, such as 5s or P30D.
        #[arg(long, value_name = "TIME", conflicts_with_all = ["to", "until"], allow_hyphen_values = true)]
        #[arg(required_unless_present_any = ["to", "until", "until_call"])]
        by: Option<String>,
        /// Instant, such as 2026-12-31T00:00:00Z.
        #[arg(long, value_name = "INSTANT", conflicts_with = "until")]
        to: Option<String>,
        /// Advance until no work is due.
        #[arg(long, value_parser = ["idle"], conflicts_with = "until_call")]
        until: Option<String>,
        #[command(flatten)]
        until_call: UntilCallArgs,
        /// Wait after an acknowledgement, for the call that may follow it, in system time: a
        /// duration such as 500ms, or auto, as the FIU's earlier calls suggest.
        #[arg(long, default_value = "auto", value_name = "TIME")]
        settle: String,
        #[command(flatten)]
        remote: Remote,
    },
}

pub(crate) async fn run_clock(command: ClockCommand) -> anyhow::Result<ExitCode> {
    let fields = [
        ("now", "now"),
        ("mode", "mode"),
        ("signing time", "signingTime"),
        ("message time", "messageTime"),
    ];
    match command {
        ClockCommand::Show(WorldTarget { remote }) => {
            print_fields(&remote, &remote.get("clock").await?, &fields);
        }
        ClockCommand::Due { consent, remote } => {
            let query = consent.map_or_else(String::new, |it| format!("?consentHandle={it}"));
            let columns = [
                ("due", "due"),
                ("kind", "kind"),
                ("consent", "consentHandle"),
                ("origin", "origin"),
            ];
            let timers = remote.get_all(&format!("timers{query}")).await?;
            print_list(&remote, &timers, &columns);
        }
        ClockCommand::Freeze { at, remote } => {
            let body = at.map_or(Value::Null, |at| json!({ "at": at }));
            print_fields(&remote, &remote.post("clock/freeze", &body).await?, &fields);
        }
        ClockCommand::Run(WorldTarget { remote }) => print_fields(
            &remote,
            &remote.post("clock/run", &Value::Null).await?,
            &fields,
        ),
        ClockCommand::Set {
            to,
            signing_time,
            message_time,
            remote,
        } => {
            let body = collect_fields([
                ("to", to),
                ("signingTime", signing_time),
                ("messageTime", message_time),
            ]);
            print_fields(&remote, &remote.post("clock/set", &body).await?, &fields);
        }
        ClockCommand::Advance {
            by,
            to,
            until,
            until_call,
            settle,
            remote,
        } => {
            let mut body = collect_fields([
                ("by", by),
                ("to", to),
                ("until", until),
                ("settle", Some(settle)),
            ]);
            if let Some(condition) = until_call.into_condition() {
                body["until"] = condition;
            }
            let response = remote.post("clock/advance", &body).await?;
            if remote.json {
                response.print();
            } else {
                for list in ["journal", "webhooks"] {
                    let items = response[list].as_array().map_or(&[][..], Vec::as_slice);
                    print_entries(items);
                }
                let (fired, to) = (field_text(&response, "fired"), field_text(&response, "to"));
                println!(
                    "{fired} timers fired, now {to} ({})",
                    field_text(&response, "stopped")
                );
                if response["lateCalls"] != 0 {
                    println!(
                        "calls that came after the clock had moved on: {}; give a longer --settle",
                        field_text(&response, "lateCalls")
                    );
                }
            }
            if response["stopped"] != "target" && response["stopped"] != "call" {
                return Ok(ExitCode::from(1));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a body of the fields that have a value.
fn collect_fields<const N: usize>(fields: [(&str, Option<String>); N]) -> Value {
    let fields = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    Value::Object(fields.collect())
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// List the webhooks of a world.
    #[command(
        after_help = "Examples:\n  mockaa webhook list --state dropped\n  mockaa webhook list --since 5m --follow"
    )]
    List(WebhookListArguments),
    /// Show a webhook with its attempts and its body.
    #[command(
        after_help = "Examples:\n  mockaa webhook show 1\n  mockaa webhook show 1 --body | mockaa jws verify --signature \"$SIG\""
    )]
    Show {
        #[command(flatten)]
        target: WebhookTarget,
        /// Print the exact bytes that were sent, and nothing else.
        #[arg(long, conflicts_with = "json")]
        body: bool,
        /// With --body: number of the attempt, from 1; default: the last one.
        #[arg(long, requires = "body", value_name = "N")]
        attempt: Option<u64>,
    },
    /// Send a webhook again, with the same bytes.
    #[command(after_help = "Example:\n  mockaa webhook resend 1")]
    Resend(WebhookTarget),
}

#[derive(Debug, Args)]
pub(crate) struct WebhookListArguments {
    /// Only deliveries in this state, such as delivered, waiting or dropped.
    #[arg(long, value_parser = parse_wire_name::<DeliveryState>)]
    state: Option<String>,
    /// Only webhooks of this kind, such as consent.status.
    #[arg(long, value_parser = parse_wire_name::<NotificationKind>)]
    event: Option<String>,
    /// Only webhooks about this consent.
    #[arg(long, value_parser = parse_handle, value_name = "HANDLE")]
    consent: Option<String>,
    /// Only webhooks to this FIU.
    #[arg(long, value_name = "ID")]
    fiu: Option<String>,
    #[command(flatten)]
    list: ListArguments,
    #[command(flatten)]
    remote: Remote,
}

/// Prints deliveries with their last attempts.
fn print_webhooks(deliveries: &[Value]) {
    let columns = [
        "id", "created", "event", "status", "state", "tries", "answer", "faults", "consent", "fiu",
    ];
    let rows: Vec<Vec<String>> = deliveries
        .iter()
        .map(|delivery| {
            let attempts = delivery["attempts"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            let last = attempts.last().unwrap_or(&Value::Null);
            let answer = ["status", "error"].map(|field| field_text(last, field));
            let [status, error] = answer;
            let faults = delivery["faults"].as_array().map_or(&[][..], Vec::as_slice);
            let faults: Vec<_> = faults.iter().filter_map(Value::as_str).collect();
            vec![
                field_text(delivery, "id"),
                field_text(delivery, "createdAt"),
                field_text(delivery, "event"),
                field_text(delivery, "status"),
                field_text(delivery, "state"),
                attempts.len().to_string(),
                if status == "-" { error } else { status },
                if faults.is_empty() {
                    "-".to_owned()
                } else {
                    faults.join(",")
                },
                field_text(delivery, "consentHandle"),
                field_text(delivery, "fiuId"),
            ]
        })
        .collect();
    print_table(&columns, &rows);
}

#[derive(Debug, Args)]
pub(crate) struct WebhookTarget {
    /// Number of the delivery, as `webhook list` prints it.
    id: u64,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run_webhook(command: WebhookCommand) -> anyhow::Result<ExitCode> {
    let columns = [
        ("id", "id"),
        ("event", "event"),
        ("state", "state"),
        ("consent", "consentHandle"),
        ("fiu", "fiuId"),
    ];
    match command {
        WebhookCommand::List(WebhookListArguments {
            state,
            event,
            consent,
            fiu,
            list,
            remote,
        }) => {
            let webhooks = List {
                remote: &remote,
                path: format!("webhooks?light={}", !remote.json),
                time_field: "createdAt",
                filters: vec![
                    ("state", state),
                    ("event", event),
                    ("consentHandle", consent),
                    ("fiuId", fiu),
                ],
            };
            webhooks.print(&list, print_webhooks).await?;
        }
        WebhookCommand::Show {
            target: WebhookTarget { id, remote },
            body: true,
            attempt,
        } => {
            let query = attempt.map_or_else(String::new, |number| format!("?attempt={number}"));
            let bytes = remote
                .get_bytes(&format!("webhooks/{id}/body{query}"))
                .await?;
            stdout::print_bytes(&bytes)?;
        }
        WebhookCommand::Show {
            target: WebhookTarget { id, remote },
            ..
        } => {
            let response = remote.get(&format!("webhooks/{id}")).await?;
            remote.print(&response);
        }
        WebhookCommand::Resend(WebhookTarget { id, remote }) => {
            print_fields(
                &remote,
                &remote
                    .post(&format!("webhooks/{id}/resend"), &Value::Null)
                    .await?,
                &columns,
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Subcommand)]
pub(crate) enum FaultCommand {
    /// List the active fault sets.
    #[command(after_help = "Example:\n  mockaa fault list")]
    List(WorldTarget),
    /// Show a fault set with its text.
    #[command(after_help = "Example:\n  mockaa fault show outage")]
    Show {
        /// Name of the fault set.
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Activate a fault set for a whole world.
    #[command(
        after_help = "Examples:\n  echo 'api_faults: [{where: {op: fi.fetch}, fault: {status: 503}}]' | mockaa fault put \
                            outage -\n  mockaa fault delete outage"
    )]
    Put {
        /// Name of the fault set.
        name: String,
        /// File with `webhooks:` and `api_faults:` as in scenario files, and `ttl:`; - is stdin.
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
    /// Delete a fault set; without a name, all of them.
    #[command(after_help = "Examples:\n  mockaa fault delete outage\n  mockaa fault delete")]
    Delete {
        /// Name of the fault set; default: all.
        name: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
}

pub(crate) async fn run_fault(command: FaultCommand) -> anyhow::Result<ExitCode> {
    let columns = [
        ("name", "name"),
        ("webhooks", "webhooks"),
        ("api faults", "apiFaults"),
        ("until", "until"),
    ];
    match command {
        FaultCommand::List(WorldTarget { remote }) => {
            print_list(&remote, &remote.get("faults").await?, &columns);
        }
        FaultCommand::Show { name, remote } => {
            let path = format!("faults/{}", encode_segment(&name));
            let faults = remote.get(&path).await?;
            print_fields(&remote, &faults, &columns);
            if !remote.json {
                let text = faults["text"].as_str().unwrap_or_default();
                println!("\n{}", escape_line_controls(text.trim_end()));
            }
        }
        FaultCommand::Put { name, file, remote } => {
            let text =
                String::from_utf8(read_input(Some(&file))?).context("the faults are not UTF-8")?;
            print_fields(
                &remote,
                &remote
                    .put(&format!("faults/{}", encode_segment(&name)), text)
                    .await?,
                &columns,
            );
        }
        FaultCommand::Delete { name, remote } => {
            let path = name.map_or_else(
                || "faults".to_owned(),
                |name| format!("faults/{}", encode_segment(&name)),
            );
            print_fields(
                &remote,
                &remote.delete(&path).await?,
                &[("deleted", "deleted")],
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mockaa journal\n  mockaa journal --follow --since 5m\n  mockaa journal --kind call\n  mockaa journal --status 5xx --search LOAN-4711\n  mockaa journal --wait 10s --kind \
                        consent.active\n  mockaa journal 12\n  mockaa journal 12 --answer"
)]
pub(crate) struct JournalArguments {
    /// Number of the entry to show in full; default: a line for each of the last entries.
    #[arg(conflicts_with_all = ["kind", "op", "consent", "customer", "status", "search", "after", "wait", "last", "all", "since", "follow"])]
    seq: Option<u64>,
    /// Print the recorded bytes of the request, or of the webhook as it was sent, and nothing else.
    #[arg(long, requires = "seq", conflicts_with_all = ["answer", "json"])]
    request: bool,
    /// Print the recorded bytes of the answer to a call, and nothing else.
    #[arg(long, requires = "seq", conflicts_with = "json")]
    answer: bool,
    /// Kind of the entries: call, webhook, note, or an event such as consent.revoked; default: all.
    #[arg(long)]
    kind: Option<String>,
    /// Operation of calls, such as fi.request; default: all.
    #[arg(long)]
    op: Option<String>,
    /// Consent that the entries concern; default: all.
    #[arg(long, value_name = "HANDLE")]
    consent: Option<String>,
    /// Customer whom the entries concern; default: all.
    #[arg(long, value_name = "ADDRESS")]
    customer: Option<String>,
    /// Status of the answers to calls and webhooks, such as 503 or 5xx; default: all.
    #[arg(long)]
    status: Option<String>,
    /// Text in path, headers, bodies or message, whatever its case; default: all.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Print all entries with a higher sequence number.
    #[arg(long, value_name = "SEQ", conflicts_with_all = ["last", "all"])]
    after: Option<u64>,
    /// Longest wait for the first matching entry, in system time; default: no wait.
    #[arg(long, value_name = "TIME", conflicts_with_all = ["last", "all", "since", "follow"])]
    wait: Option<String>,
    /// Show keys, tokens and passwords instead of masking them; with --json, in all parts of a
    /// call.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    list: ListArguments,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn print_journal(arguments: JournalArguments) -> anyhow::Result<ExitCode> {
    let JournalArguments {
        seq,
        request,
        answer,
        kind,
        op,
        consent,
        customer,
        status,
        search,
        after,
        wait,
        reveal,
        list,
        remote,
    } = arguments;
    if let Some(seq) = seq {
        let path = match (request, answer) {
            (true, _) => format!("journal/{seq}/request?reveal={reveal}"),
            (_, true) => format!("journal/{seq}/answer?reveal={reveal}"),
            _ => return print_entry(&remote, seq, reveal).await,
        };
        let FileResponse {
            bytes,
            whole_length,
        } = remote.get_file(&path).await?;
        stdout::print_bytes(&bytes)?;
        if let Some(length) = whole_length {
            eprintln!(
                "the body has {length} bytes, of which the first {} are recorded",
                bytes.len()
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    // The lines that people read have no headers or bodies.
    let mut query = format!("reveal={reveal}&light={}", !remote.json);
    for (name, value) in [
        ("kind", &kind),
        ("op", &op),
        ("consentHandle", &consent),
        ("customer", &customer),
        ("status", &status),
        ("q", &search),
    ] {
        if let Some(value) = value {
            query += &format!("&{name}={}", encode_segment(value));
        }
    }
    if let Some(wait) = wait {
        // The entries that are there or come, up to a page.
        let after = after.unwrap_or(0);
        let within = encode_segment(&wait);
        let path = format!("journal/wait?{query}&after={after}&within={within}");
        let page = remote.get(&path).await?;
        if remote.json {
            page.print();
        } else {
            print_entries(page["items"].as_array().map_or(&[][..], Vec::as_slice));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let journal = List {
        remote: &remote,
        path: format!("journal?{query}"),
        time_field: "at",
        filters: Vec::new(),
    };
    journal.print_after(after, &list, print_entries).await?;
    Ok(ExitCode::SUCCESS)
}

/// Prints an entry in full.
async fn print_entry(remote: &Remote, seq: u64, reveal: bool) -> anyhow::Result<ExitCode> {
    let entry = remote
        .get(&format!("journal/{seq}?reveal={reveal}"))
        .await?;
    remote.print(&entry);
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn print_entries(entries: &[Value]) {
    let palette = Palette::of_stdout();
    for entry in entries {
        println!("{}", format_entry(entry, palette));
    }
}

/// Formats a journal entry as one line.
fn format_entry(entry: &Value, palette: Palette) -> String {
    let summary = match entry["kind"].as_str() {
        Some("call") => {
            let call = &entry["call"];
            let faults = call
                .get("faults")
                .map(|faults| format!(" faults {faults}"))
                .unwrap_or_default();
            format!(
                "{} {} {} → {}{faults}",
                field_text(call, "op"),
                field_text(call, "method"),
                field_text(call, "path"),
                palette.paint_state(&field_text(call, "status"))
            )
        }
        Some("webhook") => {
            let webhook = &entry["webhook"];
            let faults = webhook
                .get("faults")
                .map(|faults| format!(" faults {faults}"))
                .unwrap_or_default();
            let (event, status, outcome) = (
                field_text(webhook, "event"),
                field_text(webhook, "status"),
                palette.paint_outcome(&field_text(webhook, "outcome")),
            );
            format!(
                "webhook {} {event} {status}: {outcome}{faults}",
                field_text(webhook, "delivery")
            )
        }
        _ => format!(
            "{} {}",
            field_text(entry, "kind"),
            // Only an entry begins at the left.
            escape_line_controls(&name_commands(entry["text"].as_str().unwrap_or_default()))
                .replace('\n', "\n        ")
        ),
    };
    let subject: Vec<_> = ["customer", "consentHandle"]
        .into_iter()
        .filter(|field| !entry[*field].is_null())
        .map(|field| field_text(entry, field))
        .collect();
    let subject = match &subject[..] {
        [] => String::new(),
        parts => format!("  [{}]", parts.join(" ")),
    };
    format!(
        "{:>6}  {}  {summary}{subject}",
        field_text(entry, "seq"),
        field_text(entry, "at")
    )
}

/// Runs `mockaa report`; exit code 1 if a rule is broken.
pub(crate) async fn print_report(arguments: WorldTarget) -> anyhow::Result<ExitCode> {
    let WorldTarget { remote } = arguments;
    let report = remote.get("report").await?;
    if remote.json {
        report.print();
    } else {
        let text = remote.get_text("report").await?;
        print!("{}", Palette::of_stdout().paint_first_words(&text));
    }
    Ok(ExitCode::from(u8::from(report["passed"] != true)))
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mockaa assert expectations.yaml\n  echo 'expect: [{call: {op: fi.request, count: 1}}]' | mockaa \
                        assert -"
)]
pub(crate) struct AssertArguments {
    /// File with `expect:` as in scenario files; - is stdin.
    file: PathBuf,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run_assertions(arguments: AssertArguments) -> anyhow::Result<ExitCode> {
    let AssertArguments { file, remote } = arguments;
    let text =
        String::from_utf8(read_input(Some(&file))?).context("the expectations are not UTF-8")?;
    let verdicts = remote.post_text("assert", text).await?;
    if remote.json {
        verdicts.print();
    } else {
        let palette = Palette::of_stdout();
        for verdict in verdicts["results"]
            .as_array()
            .map_or(&[][..], Vec::as_slice)
        {
            let (outcome, expected) = (
                field_text(verdict, "outcome"),
                field_text(verdict, "expected"),
            );
            let outcome = palette.paint_state(&format!("{outcome:<9}"));
            println!(
                "{outcome} {}: {expected}, counted {}",
                field_text(verdict, "location"),
                field_text(verdict, "count")
            );
            let explanation = verdict["explanation"].as_array();
            for line in explanation.map_or(&[][..], Vec::as_slice) {
                println!("{:<9} {}", "", line.as_str().unwrap_or_default());
            }
        }
    }
    Ok(ExitCode::from(u8::from(verdicts["passed"] != true)))
}
