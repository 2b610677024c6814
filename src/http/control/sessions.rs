//! Data sessions: listing, showing, letting FIPs answer.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::{operator, part};
use crate::domain::command::{AccountStatuses, Command};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::rejection::Rejection;
use crate::domain::session::{Session, SessionAccount};
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::control::sessions::{
    AnalyticsRequest, AnalyticsView, DeliverRequest, SessionView,
};
use crate::wire::fields::quote_value;

pub async fn list(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let part = part(
            &call,
            |skip, limit| world.sessions(skip, limit),
            |session| SessionView::new(session),
        )?;
        Ok(Answer::json(&part))
    }))
}

pub async fn show(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let session = session(&call, &world)?;
        Ok(Answer::json(&SessionView::new(&session)))
    }))
}

/// Lets the FIPs of a session answer.
pub async fn deliver(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let session = session(&call, &world)?;
        let outcome: AccountStatuses = call.json_or_default::<DeliverRequest>()?.try_into()?;
        let has = |is: &dyn Fn(&SessionAccount) -> bool| session.accounts.iter().any(is);
        if let Some((fip, _)) = outcome
            .by_fip
            .iter()
            .find(|(fip, _)| !has(&|account| *account.fip == **fip))
        {
            return Err(Rejection::FipNotInSession(fip.to_string()).into());
        }
        if let Some((link, _)) = outcome
            .by_account
            .iter()
            .find(|(link, _)| !has(&|account| account.link_ref == *link))
        {
            return Err(Rejection::AccountNotInSession(link.to_string()).into());
        }
        let receipt = world.submit(Command::DeliverData {
            handle: session.handle,
            session: Some(session.id),
            statuses: outcome,
        })?;
        Ok(Answer::json(&SessionView::new(receipt.session())).holding(receipt.hold))
    }))
}

/// Tells the FIU how the analytics of a session went.
pub async fn report_analytics(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let status = call.json_or_default::<AnalyticsRequest>()?.try_into()?;
        let receipt = world.submit(Command::ReportAnalytics {
            session: session_id(&call)?,
            status,
        })?;
        let Event::AnalyticsReported { analytics, .. } = &receipt.event else {
            unreachable!("that is what the command does")
        };
        Ok(Answer::json(&AnalyticsView::from(&**analytics)).holding(receipt.hold))
    }))
}

/// The session in the path.
fn session(call: &Call, world: &World) -> Result<Arc<Session>, ApiError> {
    let id = session_id(call)?;
    Ok(world
        .session(id)
        .ok_or_else(|| Rejection::UnknownSession(id.to_string()))?)
}

fn session_id(call: &Call) -> Result<SessionId, ApiError> {
    let text = call.segment("id");
    Ok(SessionId::parse(text).ok_or_else(|| Rejection::UnknownSession(quote_value(text)))?)
}
