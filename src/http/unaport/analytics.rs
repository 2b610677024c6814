//! Unaport analytics of sessions, and exports of data and analytics
//! (`docs/sources.md#unaport-hosts-and-calls`, calls 13 to 21). The report itself is made by
//! `analytics`, the files by `export`.
//!
//! `Assumption:` the service does not publish the paths of the three aggregate calls; ours are
//! `FI/AnalyticAggregate/{org}/{session}`, `AnaliticAggregate/{session}` and
//! `AnaliticAggregate/Export/{session}`.

use std::sync::Arc;

use super::data::find_session;
use super::{UnaportCaller, authenticate_caller, authenticate_for_organisation};
use crate::analytics::{Report, build_report};
use crate::bankgen::generate_session_statement;
use crate::domain::command::Command;
use crate::domain::consent::Consent;
use crate::domain::participants::Participants;
use crate::domain::rejection::Rejection;
use crate::domain::session::Session;
use crate::domain::statement::Statement;
use crate::domain::statement_writer::write_statement;
use crate::domain::text::quote_value;
use crate::domain::unaport::AnalyticsStatus;
use crate::export::{FileFormat, build_analytics_workbook, build_appraisal_document};
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::large_task::{TaskSize, answer_large, run_large_task};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::fi::form::form_statements;
use crate::wire::unaport::data::{GenerateAnalyticsResponse, ReportState};

/// Generates analytics or aggregate analytics (Unaport, Generate Analytics).
///
/// Quirk: a GET with a side effect.
/// `Assumption:` `?async=true` is answered with 202 at once; without it the answer is 200 when the
/// report is ready. The webhook is sent in both cases.
///
/// Checks that there are transactions, and reports the analytics.
///
/// `Assumption:` a session without transactions has no analytics: 404, and no webhook.
pub(crate) async fn generate_analytics(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_for_organisation(call, context)?;
    let (session, record) = find_session(call, context, &caller)?;
    let params = Params::parse(call.query())?.reject_unknown(&["async"])?;
    let state = match params.first_value("async") {
        None | Some("false") => ReportState::Ready,
        Some("true") => ReportState::Pending,
        Some(other) => {
            return Err(ApiError::invalid_field(
                "async",
                format!("{} is neither true nor false", quote_value(other)),
            ));
        }
    };
    session.check_not_expired(caller.world.now())?;
    let (analysed_session, seed) = (Arc::clone(&session), caller.world.seed());
    let participants = caller.world.participants();
    let check = run_large_task(TaskSize::of_range(session.range), move || {
        let statements =
            collect_statements(seed, &participants, &record.consent, &analysed_session)?;
        let mut transactions = statements
            .iter()
            .filter_map(|(_, statement)| statement.transactions());
        if transactions.any(|statement| !statement.rows.is_empty()) {
            Ok(())
        } else {
            Err(no_transactions_error(&analysed_session))
        }
    });
    check.await?;
    let response = GenerateAnalyticsResponse::new(caller.api_version(), &session, state);
    if call.is_head() {
        return Ok(ApiResponse::json(&response));
    }
    let command = Command::ReportAnalytics {
        session: session.id,
        status: AnalyticsStatus::Success,
    };
    let receipt = caller.world.submit(command)?;
    Ok(ApiResponse::from_receipt(receipt, |_| {
        ApiResponse::json(&response)
    }))
}

/// Returns the statements of a session's accounts whose data can be fetched, each with its analytic
/// id. Accounts of all FI types are included; callers that need transactions filter.
fn collect_statements(
    seed: u64,
    participants: &Participants,
    consent: &Consent,
    session: &Session,
) -> Result<Vec<(u32, Statement)>, ApiError> {
    let accounts: Vec<_> = consent
        .grant
        .iter()
        .flat_map(|grant| grant.accounts.iter())
        .collect();
    let parts = session
        .accounts
        .iter()
        .zip(session.analytic_ids())
        .filter(|(part, _)| part.status.is_fetchable());
    let statements = parts.filter_map(|(part, id)| {
        let account = accounts
            .iter()
            .find(|account| part.matches_account(account))?;
        Some((
            id,
            generate_session_statement(seed, participants, consent, session, part, account)?,
        ))
    });
    let statements: Vec<_> = statements.collect();
    if statements.is_empty() {
        return Err(Rejection::NoDataFound(session.status.to_string()).into());
    }
    Ok(statements)
}

/// Caller, session and consent of a report.
struct ReportContext {
    caller: UnaportCaller,
    session: Arc<Session>,
    consent: Arc<Consent>,
}

impl ReportContext {
    fn from_path(call: &Call, context: &mut CallContext) -> Result<Self, ApiError> {
        let caller = authenticate_caller(call, context)?;
        let (session, record) = find_session(call, context, &caller)?;
        Self {
            session,
            consent: record.consent,
            caller,
        }
        .reject_expired()
    }

    /// Finds the session by one of its analytic ids.
    fn from_analytic_id(call: &Call, context: &mut CallContext, id: u32) -> Result<Self, ApiError> {
        let caller = authenticate_caller(call, context)?;
        let session = caller
            .world
            .catch_up()
            .session_by_analytic_id(id)
            .filter(|session| session.peer_key.is_none());
        let session = session.ok_or_else(|| unknown_analytic_error(id))?;
        let consent = caller.world.catch_up().consent(session.handle);
        let record = caller.bind_unaport_consent(
            context,
            consent,
            Rejection::UnknownSession(session.id.to_string()),
        )?;
        Self {
            session,
            consent: record.consent,
            caller,
        }
        .reject_expired()
    }

    /// Rejects an expired session.
    ///
    /// `Assumption:` reports expire together with the session's data.
    fn reject_expired(self) -> Result<Self, ApiError> {
        self.session.check_not_expired(self.caller.world.now())?;
        Ok(self)
    }

    /// Builds the report of one account, or of all accounts together, from the session's
    /// transactions, and what is made of it. Reports are not stored.
    async fn build_report(
        self,
        analytic: Option<u32>,
        answer: impl FnOnce(Report) -> ApiResponse + Send + 'static,
    ) -> Result<ApiResponse, ApiError> {
        let Self {
            caller,
            session,
            consent,
        } = self;
        if !caller.world.catch_up().has_analytics(session.id) {
            let org = &caller.fiu.org_id;
            return Err(ApiError::NotFound(format!(
                "no analytics of session {} have been generated; GET FIU/FI/Analytic/{org}/{0} first",
                session.id
            )));
        }
        let (seed, participants) = (caller.world.seed(), caller.world.participants());
        answer_large(TaskSize::of_range(session.range), move || {
            let statements = collect_statements(seed, &participants, &consent, &session)?;
            let selected: Vec<(u32, &Statement)> = statements
                .iter()
                .filter(|(id, _)| analytic.is_none_or(|wanted| wanted == *id))
                .map(|(id, statement)| (*id, statement))
                .collect();
            let report = build_report(&selected).ok_or_else(|| no_transactions_error(&session))?;
            // A report has its own copy of what it needs; that of a long history is large.
            drop(statements);
            Ok(answer(report))
        })
        .await
    }
}

fn no_transactions_error(session: &Session) -> ApiError {
    let (from, to) = (session.range.from.ist_date(), session.range.to.ist_date());
    ApiError::NotFound(format!(
        "there are no transactions of DEPOSIT accounts from {from} to {to}, which analytics need"
    ))
}

fn unknown_analytic_error(id: u32) -> ApiError {
    ApiError::NotFound(format!(
        "there is no analytic {id}; take the id from Generate Analytics or its webhook"
    ))
}

fn parse_analytic_id(call: &Call) -> Result<u32, ApiError> {
    let text = call.path_segment("analyticId");
    text.parse().map_err(|_| {
        ApiError::invalid_field(
            "analyticId",
            format!("{} is not a whole number", quote_value(text)),
        )
    })
}

pub(crate) async fn fetch_analytics(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let id = parse_analytic_id(call)?;
    let context = ReportContext::from_path(call, context)?;
    if !context.session.analytic_ids().any(|known| known == id) {
        return Err(unknown_analytic_error(id));
    }
    let answer = |report: Report| ApiResponse::json_bytes(report.to_json());
    context.build_report(Some(id), answer).await
}

pub(crate) async fn fetch_aggregate(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let context = ReportContext::from_path(call, context)?;
    let answer = |report: Report| ApiResponse::json_bytes(report.to_json());
    context.build_report(None, answer).await
}

/// Exports the report of one account.
///
/// `Assumption:` the file is a workbook; `?format=pdf` gives a PDF.
pub(crate) async fn export_analytics(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let id = parse_analytic_id(call)?;
    let format = parse_format(call)?;
    let context = ReportContext::from_analytic_id(call, context, id)?;
    let name = format!("analytics-{id}");
    let answer = move |report: Report| send_file(format, &name, build_file(format, &report));
    context.build_report(Some(id), answer).await
}

pub(crate) async fn export_aggregate(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let format = parse_format(call)?;
    let context = ReportContext::from_path(call, context)?;
    let name = format!("analytics-{}", context.session.id);
    let answer = move |report: Report| send_file(format, &name, build_file(format, &report));
    context.build_report(None, answer).await
}

pub(crate) async fn export_data_xlsx(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    export_data(call, context, FileFormat::Xlsx).await
}

pub(crate) async fn export_data_pdf(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    export_data(call, context, FileFormat::Pdf).await
}

/// Exports the data of a session. An export does not count as a fetch.
///
/// `Assumption:` the entity in the path is the FIU's id, and must be the caller's FIU.
async fn export_data(
    call: &Call,
    context: &mut CallContext,
    format: FileFormat,
) -> Result<ApiResponse, ApiError> {
    let ReportContext {
        caller,
        session,
        consent,
    } = ReportContext::from_path(call, context)?;
    caller.check_fiu("entity", call.path_segment("fiuId"))?;
    let (seed, participants) = (caller.world.seed(), caller.world.participants());
    let name = format!("statement-{}", session.id);
    let requested = caller.world.requested_form(&session, &consent);
    answer_large(TaskSize::of_range(session.range), move || {
        let statements: Vec<Statement> =
            collect_statements(seed, &participants, &consent, &session)?
                .into_iter()
                .map(|(_, statement)| statement)
                .collect();
        let statements = form_statements(
            statements,
            participants.data_forms(Some(&consent.fiu), requested),
        );
        let (mut writer, mut file) = (format.statement_writer(), Vec::new());
        for statement in &statements {
            write_statement(statement, &mut *writer, &mut file);
        }
        writer.finish(&mut file);
        Ok(send_file(format, &name, file))
    })
    .await
}

/// Returns the format that a call asks for.
fn parse_format(call: &Call) -> Result<FileFormat, ApiError> {
    let params = Params::parse(call.query())?;
    match params.reject_unknown(&["format"])?.first_value("format") {
        None => Ok(FileFormat::Xlsx),
        Some(name) => FileFormat::parse(name).ok_or_else(|| {
            let message = format!("{} is neither xlsx nor pdf", quote_value(name));
            ApiError::invalid_field("format", message)
        }),
    }
}

/// Builds the workbook of a report, or the shorter document that is printed.
fn build_file(format: FileFormat, report: &Report) -> Vec<u8> {
    let workbook = match format {
        FileFormat::Xlsx => {
            build_analytics_workbook(report.appraisal(), report.sections(), report.transactions())
        }
        FileFormat::Pdf => build_appraisal_document(report.appraisal()),
    };
    format.write_workbook(&workbook)
}

fn send_file(format: FileFormat, name: &str, file: Vec<u8>) -> ApiResponse {
    let name = format!("{name}.{}", format.as_str());
    ApiResponse::file(file, format.media_type(), name)
}
