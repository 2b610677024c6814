//! Statements of customers' accounts, as their banks would give them now; no consent is needed.

use std::io::{self, Write};
use std::sync::Arc;

use chrono::NaiveTime;

use super::{authenticate_operator, parse_name, parse_pagination};
use crate::analytics::build_report;
use crate::bankgen::{StatementRequest, generate_statement, is_supported};
use crate::domain::account::FiType;
use crate::domain::appraisal::Appraisal;
use crate::domain::ledger_changes::StatementSource;
use crate::domain::participants::{Participants, RequestedForm};
use crate::domain::rejection::Rejection;
use crate::domain::statement::{Statement, StatementForm};
use crate::domain::terms::{ConsentType, TimeRange};
use crate::domain::time::{Millis, Timestamp};
use crate::http::call::Call;
use crate::http::call_world::CallWorld;
use crate::http::large_task::{TaskSize, run_large_task, write_large_file};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::statement_files::{StatementFile, StatementFormat};
use crate::wire::api_error::ApiError;
use crate::wire::control::transactions::TransactionPage;
use crate::wire::fi::csv::{CsvAmounts, CsvOptions};
use crate::wire::fields::{parse_customer_address, parse_timestamp_field};

/// The time before its end that a statement covers, with the day in which it begins, unless the call
/// says otherwise.
const DEFAULT_RANGE: Millis = Millis::from_secs(365 * 86_400);

/// Lists the transactions of a bank account, the oldest first.
pub(crate) async fn list_transactions(call: &Call) -> Result<ApiResponse, ApiError> {
    let draft = StatementDraft::from_call(call)?;
    let (skip, limit) = parse_pagination(call)?;
    let params = Params::parse(call.query())?;
    let has_range = ["from", "to"].map(|name| params.first_value(name).is_some());
    if skip > 0 && has_range != [true; 2] {
        let message = "counts from the first transaction of the range; give its from and to as well, as the first part has them";
        return Err(ApiError::invalid_field("after", message));
    }
    run_large_task(TaskSize::of_range(draft.range), move || {
        let statement = draft.generate()?;
        let page = TransactionPage::new(&statement, draft.range, skip, limit);
        let page = page.ok_or_else(|| Rejection::NotABankAccount {
            account: statement.account.account_ref.to_string(),
            fi_type: statement.account.fi_type.as_str(),
        })?;
        Ok(ApiResponse::json(&page))
    })
    .await
}

/// Returns the statement of an account as a file.
pub(crate) async fn get_statement(call: &Call) -> Result<ApiResponse, ApiError> {
    let draft = StatementDraft::from_call(call)?;
    let params = Params::parse(call.query())?;
    let (parse, names) = (StatementFormat::parse, StatementFormat::accepted_names);
    let format = parse_name(&params, "format", parse, names)?.unwrap_or(StatementFormat::Xml);
    let options = parse_csv_options(&params, format)?;
    let account = draft.source.account.account_ref.to_string();
    let name = format!("statement-{account}.{}", format.as_str());
    draft.check_format(format)?;
    let file = write_large_file(TaskSize::of_range(draft.range), move |out| {
        draft.write(format, options, out)
    })
    .await;
    Ok(ApiResponse::written_file(file, format.media_type(), name))
}

/// Returns the options of a CSV, which other formats do not have.
fn parse_csv_options(params: &Params, format: StatementFormat) -> Result<CsvOptions, ApiError> {
    let names = ["csvAmounts", "csvSafe"];
    if let Some(name) = names
        .into_iter()
        .find(|name| params.first_value(name).is_some())
        && format != StatementFormat::Csv
    {
        let message = "changes a CSV alone; add format=csv, or leave it out";
        return Err(ApiError::invalid_field(name, message));
    }
    let (parse, accepted) = (CsvAmounts::parse, CsvAmounts::accepted_names);
    Ok(CsvOptions {
        amounts: parse_name(params, "csvAmounts", parse, accepted)?.unwrap_or_default(),
        is_safe: params.parse_switch("csvSafe")?,
    })
}

/// A statement with its range and what is made of it.
pub(crate) struct GeneratedStatement {
    pub statement: Statement,
    /// `None` without transactions.
    pub appraisal: Option<Appraisal>,
    pub range: TimeRange,
    /// The names of the formats that it has.
    pub formats: Vec<&'static str>,
}

/// Generates the statement of the account that a call names.
pub(crate) async fn generate_statement_of(call: &Call) -> Result<GeneratedStatement, ApiError> {
    let draft = StatementDraft::from_call(call)?;
    run_large_task(TaskSize::of_range(draft.range), move || {
        let statement = draft.generate()?;
        let is_bank = statement.transactions().is_some();
        let formats = StatementFormat::ALL.iter().copied();
        let formats = formats.filter(|format| draft.check_format(*format).is_ok());
        let report = is_bank.then(|| build_report(&[(1, &statement)])).flatten();
        Ok(GeneratedStatement {
            appraisal: report.map(|report| report.appraisal().clone()),
            formats: formats.map(StatementFormat::as_str).collect(),
            range: draft.range,
            statement,
        })
    })
    .await
}

/// The inputs of a statement, apart from the lock of the world.
struct StatementDraft {
    seed: u64,
    participants: Arc<Participants>,
    customer: Arc<str>,
    source: StatementSource,
    range: TimeRange,
}

fn find_day_start(at: Timestamp) -> Timestamp {
    Timestamp::from_ist(at.ist_date().and_time(NaiveTime::MIN))
}

/// Finds what a statement is made from: of the named account, or of the first bank account.
pub(crate) fn find_statement_source(
    world: &CallWorld,
    customer: &str,
    account: Option<&str>,
) -> Result<StatementSource, ApiError> {
    let source = world.catch_up().statement_source(customer, account);
    source.map_err(|rejection| match rejection {
        Rejection::UnknownAccount { .. } => {
            ApiError::invalid_field("account", format!("is unknown: {rejection}"))
        }
        Rejection::NoBankAccount(customer) => {
            let message = format!(
                "is missing, and {customer} has no DEPOSIT account; name one of GET /_mockaa/v1/customers/{customer}/accounts"
            );
            ApiError::invalid_field("account", message)
        }
        other => other.into(),
    })
}

impl StatementDraft {
    fn from_call(call: &Call) -> Result<Self, ApiError> {
        let world = authenticate_operator(call)?;
        let params = Params::parse(call.query())?;
        let customer = parse_customer_address("customer", call.path_segment("customer"))?;
        let account = params.first_value("account");
        let source = find_statement_source(&world, &customer, account)?;
        let parse_time = |name| {
            let text = params.first_value(name);
            text.map(|text| parse_timestamp_field(name, text))
                .transpose()
        };
        let to = parse_time("to")?.unwrap_or(source.now);
        let from = match parse_time("from")? {
            Some(from) => from,
            None => find_day_start(to.saturating_add(Millis(-DEFAULT_RANGE.0))),
        };
        if from > to {
            let message = format!("{from} is after to, {to}; give the earlier time first");
            return Err(ApiError::invalid_field("from", message));
        }
        Ok(Self {
            seed: world.seed(),
            participants: world.participants(),
            customer,
            source,
            range: TimeRange { from, to },
        })
    }

    fn request(&self) -> StatementRequest<'_> {
        let StatementSource {
            account,
            persona,
            changes,
            now,
        } = &self.source;
        StatementRequest {
            seed: self.seed,
            participants: &self.participants,
            customer: &self.customer,
            persona,
            account,
            consent_types: ConsentType::ALL,
            range: self.range,
            filters: &[],
            now: *now,
            changes: changes.as_deref(),
        }
    }

    fn generate(&self) -> Result<Statement, ApiError> {
        self.check_supported()?;
        Ok(generate_statement(&self.request()).expect("the bank gives the data"))
    }

    fn check_supported(&self) -> Result<(), ApiError> {
        let StatementSource {
            account, persona, ..
        } = &self.source;
        if is_supported(self.seed, &self.customer, persona, account) {
            return Ok(());
        }
        let message = format!(
            "of FI type {} has no statement: its bank denies the data",
            account.fi_type.as_str()
        );
        Err(ApiError::invalid_field("account", message))
    }

    /// Returns the form in which the FIP sends the statement.
    fn form(&self) -> StatementForm {
        let requested = RequestedForm {
            schema: None,
            quirks: self.source.persona.definition.quirks,
            requested_on: self.source.now.ist_date(),
        };
        let forms = self.participants.data_forms(None, requested);
        forms.of_fip(&self.source.account.fip).statement
    }

    fn file(&self, format: StatementFormat, csv_options: CsvOptions) -> StatementFile<'_> {
        StatementFile {
            request: self.request(),
            form: self.form(),
            format,
            csv_options,
            title: format!("{}: {}", self.customer, self.source.account.masked_number),
        }
    }

    /// Checks that the statement exists in a format.
    fn check_format(&self, format: StatementFormat) -> Result<(), ApiError> {
        self.check_supported()?;
        let fi_type = self.source.account.fi_type;
        if fi_type == FiType::Deposit {
            return Ok(());
        }
        let file = self.file(format, CsvOptions::default());
        let refusal = file.find_refusal().or_else(|| {
            if format != StatementFormat::Csv {
                return None;
            }
            let mut csv = Vec::new();
            let written = file.write(&mut csv, &mut |_| ());
            written.expect("writing to memory");
            csv.is_empty()
                .then(|| format!("csv has the transactions alone, and there are none of {fi_type}"))
        });
        match refusal {
            None => Ok(()),
            Some(refusal) => Err(ApiError::invalid_field(
                "format",
                format!("{refusal}; ask for another format"),
            )),
        }
    }

    fn write(
        &self,
        format: StatementFormat,
        csv_options: CsvOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        self.file(format, csv_options).write(out, &mut |_| ())
    }
}
