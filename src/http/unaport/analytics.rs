//! Analytics of sessions, and files of data and of analytics (`reference/unaport.md` §1.1, calls 13 to 21).
//!
//! `Assumption:` of the three aggregate calls the service's paths are not told; ours are `FI/AnalyticAggregate/{org}/{session}`,
//! `AnaliticAggregate/{session}` and `AnaliticAggregate/Export/{session}`.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde_json::Value;

use super::data::own_session;
use super::{Visitor, enter, enter_organisation};
use crate::analytics::report;
use crate::bankgen::session_statement;
use crate::domain::command::Command;
use crate::domain::consent::Consent;
use crate::domain::rejection::Rejection;
use crate::domain::session::Session;
use crate::domain::statement::Statement;
use crate::domain::unaport::AnalyticsStatus;
use crate::http::call::Call;
use crate::http::pairs::Pairs;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::export::{
    Workbook, build_analytics_workbook, build_statement_workbook, pdf, xlsx,
};
use crate::wire::fields::quote_value;
use crate::wire::unaport::data::GenerateAnalyticsResponse;

/// Generate Analytics, and its aggregate.
///
/// Quirk: a GET that does something.
/// `Assumption:` `?async=true` asks for 202 at once; without it the answer is 200 when the report is there. The webhook comes
/// either way.
pub async fn generate(call: Call) -> HttpResponse {
    let outcome = begin(&call).await;
    call.reply_unaport(outcome).await
}

/// `Assumption:` what has no transactions has no analytics: 404, and no webhook.
async fn begin(call: &Call) -> Result<Answer, ApiError> {
    let visitor = enter_organisation(call)?;
    let (session, own) = own_session(call, &visitor)?;
    let pairs = Pairs::parse(call.query())?.only(&["async"])?;
    let later = match pairs.first("async") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            return Err(ApiError::invalid_field(
                "async",
                format!("{} is neither true nor false", quote_value(other)),
            ));
        }
    };
    session.check_not_expired(visitor.world.now())?;
    let (told_of, seed) = (Arc::clone(&session), visitor.world.seed());
    let looked = tokio::task::spawn_blocking(move || {
        let statements = told(&told_of, &own.consent, seed)?;
        let mut banks = statements
            .iter()
            .filter_map(|(_, statement)| statement.transactions());
        if banks.any(|told| !told.rows.is_empty()) {
            Ok(())
        } else {
            Err(nothing_to_analyse(&told_of))
        }
    });
    looked.await.expect("telling statements does not panic")?;
    let answer = GenerateAnalyticsResponse::new(visitor.dialect(), &session, later);
    if call.is_head() {
        return Ok(Answer::json(&answer));
    }
    let command = Command::ReportAnalytics {
        session: session.id,
        status: AnalyticsStatus::Success,
    };
    let receipt = visitor.world.submit(command)?;
    Ok(Answer::json(&answer).holding(receipt.hold))
}

/// The bank accounts of a session whose data is there, each with its analytic id.
fn told(
    session: &Session,
    consent: &Consent,
    seed: u64,
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
            session_statement(seed, consent, session, part, account)?,
        ))
    });
    let statements: Vec<_> = statements.collect();
    if statements.is_empty() {
        return Err(Rejection::NoDataFound(session.status.to_string()).into());
    }
    Ok(statements)
}

/// What a report is asked of.
struct Asked {
    visitor: Visitor,
    session: Arc<Session>,
    consent: Arc<Consent>,
}

impl Asked {
    fn of_path(call: &Call) -> Result<Self, ApiError> {
        let visitor = enter(call)?;
        let (session, own) = own_session(call, &visitor)?;
        Self {
            session,
            consent: own.consent,
            visitor,
        }
        .alive()
    }

    /// By the analytic id alone.
    fn of_analytic(call: &Call, id: u32) -> Result<Self, ApiError> {
        let visitor = enter(call)?;
        let session = visitor
            .world
            .session_by_analytic_id(id)
            .filter(|session| session.peer_key.is_none());
        let session = session.ok_or_else(|| unknown_analytic(id))?;
        let consent = visitor.world.consent(session.handle);
        let own = visitor.filed(
            call,
            consent,
            Rejection::UnknownSession(session.id.to_string()),
        )?;
        Self {
            session,
            consent: own.consent,
            visitor,
        }
        .alive()
    }

    /// `Assumption:` what is made of a session's data is gone with it.
    fn alive(self) -> Result<Self, ApiError> {
        self.session.check_not_expired(self.visitor.world.now())?;
        Ok(self)
    }

    /// The report of one account, or of all together; they are made anew each time, from the session's transactions.
    async fn report(self, analytic: Option<u32>) -> Result<Value, ApiError> {
        let Self {
            visitor,
            session,
            consent,
        } = self;
        if !visitor.world.has_analytics(session.id) {
            let org = &visitor.fiu.org_id;
            return Err(ApiError::NotFound(format!(
                "no analytics of session {} have been generated; GET FIU/FI/Analytic/{org}/{0} first",
                session.id
            )));
        }
        let seed = visitor.world.seed();
        let made = tokio::task::spawn_blocking(move || {
            let statements = told(&session, &consent, seed)?;
            let wanted: Vec<(u32, &Statement)> = statements
                .iter()
                .filter(|(id, _)| analytic.is_none_or(|wanted| wanted == *id))
                .map(|(id, statement)| (*id, statement))
                .collect();
            report(&wanted).ok_or_else(|| nothing_to_analyse(&session))
        });
        made.await.expect("analysing does not panic")
    }
}

fn nothing_to_analyse(session: &Session) -> ApiError {
    let (from, to) = (session.range.from.ist_date(), session.range.to.ist_date());
    ApiError::NotFound(format!(
        "there are no transactions of DEPOSIT accounts from {from} to {to}, and analytics are made of these"
    ))
}

fn unknown_analytic(id: u32) -> ApiError {
    ApiError::NotFound(format!(
        "there is no analytic {id}; Generate Analytics and the webhook name it"
    ))
}

fn analytic_id(call: &Call) -> Result<u32, ApiError> {
    let text = call.segment("analytic");
    let problem = || {
        ApiError::invalid_field(
            "analyticId",
            format!("{} is no whole number", quote_value(text)),
        )
    };
    text.parse().map_err(|_| problem())
}

pub async fn fetch(call: Call) -> HttpResponse {
    let outcome = account_report(&call).await;
    call.reply_unaport(outcome).await
}

async fn account_report(call: &Call) -> Result<Answer, ApiError> {
    let id = analytic_id(call)?;
    let asked = Asked::of_path(call)?;
    if !asked.session.analytic_ids().any(|known| known == id) {
        return Err(unknown_analytic(id));
    }
    Ok(Answer::json(&asked.report(Some(id)).await?))
}

pub async fn fetch_aggregate(call: Call) -> HttpResponse {
    let outcome = aggregate_report(&call).await;
    call.reply_unaport(outcome).await
}

async fn aggregate_report(call: &Call) -> Result<Answer, ApiError> {
    Ok(Answer::json(&Asked::of_path(call)?.report(None).await?))
}

/// `Assumption:` a workbook; `?format=pdf` makes it a document.
pub async fn export(call: Call) -> HttpResponse {
    let outcome = account_file(&call).await;
    call.reply_unaport(outcome).await
}

async fn account_file(call: &Call) -> Result<Answer, ApiError> {
    let id = analytic_id(call)?;
    let form = Form::asked(call)?;
    let report = Asked::of_analytic(call, id)?.report(Some(id)).await?;
    Ok(form.file(
        &format!("analytics-{id}"),
        &build_analytics_workbook(&report),
    ))
}

pub async fn export_aggregate(call: Call) -> HttpResponse {
    let outcome = aggregate_file(&call).await;
    call.reply_unaport(outcome).await
}

async fn aggregate_file(call: &Call) -> Result<Answer, ApiError> {
    let form = Form::asked(call)?;
    let asked = Asked::of_path(call)?;
    let name = format!("analytics-{}", asked.session.id);
    Ok(form.file(&name, &build_analytics_workbook(&asked.report(None).await?)))
}

pub async fn export_data(call: Call) -> HttpResponse {
    let outcome = data_file(&call, Form::Xlsx).await;
    call.reply_unaport(outcome).await
}

pub async fn print_data(call: Call) -> HttpResponse {
    let outcome = data_file(&call, Form::Pdf).await;
    call.reply_unaport(outcome).await
}

/// The data of a session as a file; it takes nothing, as looking at what was fetched already.
///
/// `Assumption:` the entity in the path is the FIU's id, and has to be the visitor's.
async fn data_file(call: &Call, form: Form) -> Result<Answer, ApiError> {
    let Asked {
        visitor,
        session,
        consent,
    } = Asked::of_path(call)?;
    visitor.check_fiu("entity", call.segment("entity"))?;
    let seed = visitor.world.seed();
    let name = format!("statement-{}", session.id);
    let made = tokio::task::spawn_blocking(move || {
        let statements: Vec<Statement> = told(&session, &consent, seed)?
            .into_iter()
            .map(|(_, told)| told)
            .collect();
        Ok(form.file(&name, &build_statement_workbook(&statements)))
    });
    made.await.expect("writing a file does not panic")
}

/// The kind of a file.
#[derive(Clone, Copy, Debug)]
enum Form {
    Xlsx,
    Pdf,
}

impl Form {
    fn asked(call: &Call) -> Result<Self, ApiError> {
        match Pairs::parse(call.query())?
            .only(&["format"])?
            .first("format")
        {
            None | Some("xlsx") => Ok(Self::Xlsx),
            Some("pdf") => Ok(Self::Pdf),
            Some(other) => Err(ApiError::invalid_field(
                "format",
                format!("{} is neither xlsx nor pdf", quote_value(other)),
            )),
        }
    }

    fn file(self, name: &str, workbook: &Workbook) -> Answer {
        match self {
            Self::Xlsx => Answer::file(
                xlsx::write_workbook(workbook),
                xlsx::MEDIA_TYPE,
                format!("{name}.xlsx"),
            ),
            Self::Pdf => Answer::file(
                pdf::write_workbook(workbook),
                pdf::MEDIA_TYPE,
                format!("{name}.pdf"),
            ),
        }
    }
}
