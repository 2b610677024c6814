//! Data sessions: listing them, reading one, and triggering the answers of FIPs.

use std::sync::Arc;

use super::{authenticate_operator, parse_handle_filter, parse_list_part, parse_name};
use crate::domain::command::Command;
use crate::domain::command_arguments::AccountStatuses;
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::listing::{Cursor, SessionFilter};
use crate::domain::rejection::Rejection;
use crate::domain::session::{Session, SessionStatus};
use crate::domain::text::quote_value;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::control::ListPage;
use crate::wire::control::sessions::{
    AnalyticsRequest, AnalyticsView, DeliverRequest, SessionView,
};

pub(crate) fn list_sessions(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let part = parse_list_part(call, Cursor::NEWEST)?;
    let params = Params::parse(call.query())?;
    let (parse, names) = (SessionStatus::parse, SessionStatus::accepted_names);
    let filter = SessionFilter {
        status: parse_name(&params, "state", parse, names)?,
        handle: parse_handle_filter(&params)?,
    };
    let listing = world.catch_up().list_sessions(&filter, part);
    let page = ListPage::new(listing, part.limit, filter.status, |session| {
        SessionView::new(session)
    });
    Ok(ApiResponse::json(&page))
}

pub(crate) fn get_session(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let session = find_session(call, &world)?;
    Ok(ApiResponse::json(&SessionView::new(&session)))
}

/// Makes the FIPs of a session answer READY, or with the statuses in the body.
pub(crate) fn deliver_data(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let session = find_session(call, &world)?;
    let statuses: AccountStatuses = call.parse_json_or_default::<DeliverRequest>()?.try_into()?;
    let accounts = &session.accounts;
    if let Some((fip, _)) = statuses
        .by_fip
        .iter()
        .find(|(fip, _)| !accounts.iter().any(|account| *account.fip == **fip))
    {
        return Err(Rejection::FipNotInSession(fip.to_string()).into());
    }
    if let Some((link, _)) = statuses
        .by_account
        .iter()
        .find(|(link, _)| !accounts.iter().any(|account| account.link_ref == *link))
    {
        return Err(Rejection::AccountNotInSession(link.to_string()).into());
    }
    let receipt = world.submit(Command::DeliverData {
        handle: session.handle,
        session: Some(session.id),
        statuses,
    })?;
    Ok(ApiResponse::from_receipt(receipt, |outcome| {
        ApiResponse::json(&SessionView::new(outcome.session()))
    }))
}

/// Reports the outcome of a session's analytics to the FIU.
pub(crate) fn notify_analytics(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let status = call
        .parse_json_or_default::<AnalyticsRequest>()?
        .try_into()?;
    let receipt = world.submit(Command::ReportAnalytics {
        session: find_session(call, &world)?.id,
        status,
    })?;
    Ok(ApiResponse::from_receipt(receipt, |outcome| {
        let Event::AnalyticsReported { analytics, .. } = &outcome.last_event else {
            unreachable!("ReportAnalytics ends with AnalyticsReported")
        };
        ApiResponse::json(&AnalyticsView::from(&**analytics))
    }))
}

/// Returns the session in the path.
fn find_session(call: &Call, world: &World) -> Result<Arc<Session>, ApiError> {
    let id = parse_session_id(call)?;
    world
        .catch_up()
        .session(id)
        .ok_or_else(|| unknown_session_error(&id.to_string()))
}

fn parse_session_id(call: &Call) -> Result<SessionId, ApiError> {
    let text = call.path_segment("sessionId");
    SessionId::parse(text).ok_or_else(|| unknown_session_error(&quote_value(text)))
}

fn unknown_session_error(id: &str) -> ApiError {
    let rejection = Rejection::UnknownSession(id.to_owned());
    ApiError::NotFound(format!(
        "{rejection}; list them with GET /_mockaa/v1/sessions"
    ))
}
