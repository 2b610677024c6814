//! Statements of customers' accounts, as their banks would give them now; no consent is needed.

use std::sync::Arc;

use chrono::NaiveTime;

use super::{authenticate_operator, parse_pagination};
use crate::analytics::build_report;
use crate::bankgen::{StatementRequest, generate_statement};
use crate::domain::appraisal::Appraisal;
use crate::domain::ledger_changes::StatementSource;
use crate::domain::naming::wire_enum;
use crate::domain::participants::{Participants, RequestedForm};
use crate::domain::rejection::Rejection;
use crate::domain::statement::{SentStatement, Statement};
use crate::domain::terms::{ConsentType, TimeRange};
use crate::domain::time::{Millis, Timestamp};
use crate::export::svg::balance_chart;
use crate::export::{build_statement_workbook, pdf, xlsx};
use crate::http::call::Call;
use crate::http::large_task::run_large_task;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::control::transactions::TransactionPage;
use crate::wire::fi::csv::CsvWriter;
use crate::wire::fi::form::form_statement;
use crate::wire::fi::json::JsonWriter;
use crate::wire::fi::write_whole;
use crate::wire::fi::xml::write_statement;
use crate::wire::fields::{parse_customer_address, parse_timestamp_field, require_enum};

/// The time before its end that a statement covers, with the day in which it begins, unless the call
/// says otherwise.
const DEFAULT_RANGE: Millis = Millis::from_secs(365 * 86_400);

wire_enum! {
    /// A format of a statement.
    StatementFormat {
        Xml = "xml",
        Json = "json",
        /// The transactions alone.
        Csv = "csv",
        Xlsx = "xlsx",
        Pdf = "pdf",
        /// A chart of the balance.
        Svg = "svg",
    }
}

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
    run_large_task(move || {
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
    let format = params.first_value("format").unwrap_or("xml").to_owned();
    let format = require_enum("format", Some(format), parse, names)?;
    run_large_task(move || {
        let (bytes, media_type) = draft.render(draft.generate()?, format)?;
        let account = &draft.source.account.account_ref;
        let name = format!("statement-{account}.{}", format.as_str());
        Ok(ApiResponse::file(bytes, media_type, name))
    })
    .await
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
    run_large_task(move || {
        let statement = draft.generate()?;
        let is_bank = statement.transactions().is_some();
        let has_csv = is_bank
            || draft
                .render(statement.clone(), StatementFormat::Csv)
                .is_ok();
        let formats = StatementFormat::ALL.iter().filter(|format| match format {
            StatementFormat::Csv => has_csv,
            StatementFormat::Svg => is_bank,
            _ => true,
        });
        let report = is_bank.then(|| build_report(&[(1, &statement)])).flatten();
        Ok(GeneratedStatement {
            appraisal: report.map(|report| report.appraisal().clone()),
            formats: formats.map(|format| format.as_str()).collect(),
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

impl StatementDraft {
    fn from_call(call: &Call) -> Result<Self, ApiError> {
        let world = authenticate_operator(call)?;
        let params = Params::parse(call.query())?;
        let customer = parse_customer_address("customer", call.path_segment("customer"))?;
        let account = params.first_value("account");
        let source = world.catch_up().statement_source(&customer, account);
        let source = source.map_err(|rejection| match rejection {
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
        })?;
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

    fn generate(&self) -> Result<Statement, ApiError> {
        let StatementSource {
            account,
            persona,
            changes,
            now,
        } = &self.source;
        let statement = generate_statement(&StatementRequest {
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
        });
        statement.ok_or_else(|| {
            let message = format!(
                "of FI type {} has no statement: its bank denies the data",
                account.fi_type.as_str()
            );
            ApiError::invalid_field("account", message)
        })
    }

    /// Returns the statement in the form in which its FIP sends it.
    fn send(&self, statement: Statement) -> SentStatement {
        let requested = RequestedForm {
            schema: None,
            quirks: self.source.persona.definition.quirks,
            requested_on: self.source.now.ist_date(),
        };
        let forms = self.participants.data_forms(None, requested);
        let form = forms.of_fip(&statement.account.fip).statement;
        form_statement(statement, form)
    }

    fn render(
        &self,
        statement: Statement,
        format: StatementFormat,
    ) -> Result<(Vec<u8>, &'static str), ApiError> {
        let fi_type = statement.account.fi_type;
        let refuse = |reason: &str| {
            let message = format!(
                "{} {reason} {}; ask for another format",
                format.as_str(),
                fi_type.as_str()
            );
            ApiError::invalid_field("format", message)
        };
        Ok(match format {
            StatementFormat::Xml => {
                let mut xml = Vec::new();
                write_statement(&self.send(statement), &mut xml);
                (xml, "application/xml")
            }
            StatementFormat::Json => {
                let sent = self.send(statement);
                let json = write_whole(&sent, self.range, &mut JsonWriter::new(sent.schema));
                (json, "application/json")
            }
            StatementFormat::Csv => {
                let sent = self.send(statement);
                let csv = write_whole(&sent, self.range, &mut CsvWriter(sent.schema));
                if csv.is_empty() {
                    return Err(refuse(
                        "has transactions alone, and there are none of FI type",
                    ));
                }
                (csv, "text/csv")
            }
            StatementFormat::Xlsx => {
                let workbook = build_statement_workbook(&[self.send(statement)]);
                (xlsx::write_workbook(&workbook), xlsx::MEDIA_TYPE)
            }
            StatementFormat::Pdf => {
                let workbook = build_statement_workbook(&[self.send(statement)]);
                (pdf::write_workbook(&workbook), pdf::MEDIA_TYPE)
            }
            StatementFormat::Svg => {
                let rows = statement.transactions();
                let rows = rows.ok_or_else(|| {
                    refuse("has the balance of a bank account, and this one is of FI type")
                })?;
                let title = format!("{}: {}", self.customer, statement.account.masked_number);
                (balance_chart(&title, rows).into_bytes(), "image/svg+xml")
            }
        })
    }
}
