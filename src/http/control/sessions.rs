//! Data sessions: listing, showing, letting FIPs answer.

use actix_web::HttpResponse;

use super::{operator, window};
use crate::domain::command::{Command, Outcome};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::refusal::Refusal;
use crate::domain::session::SessionAccount;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::control::Page;
use crate::wire::control::sessions::{AnalyticsRequest, AnalyticsView, DeliverRequest, SessionView};
use crate::wire::fields::quoted;
use crate::wire::problem::Problem;

pub async fn list(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let (skip, limit) = window(&call)?;
        let sessions = world.sessions(usize::try_from(skip).unwrap_or(usize::MAX), limit);
        let next = (sessions.len() == limit).then(|| skip.saturating_add(limit as u64));
        let items = sessions.iter().map(|session| SessionView::new(session)).collect();
        Ok(Answer::json(&Page { items, next }))
    }))
}

pub async fn show(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let id = session_id(&call)?;
        let session = world.session(id).ok_or_else(|| Refusal::UnknownSession(id.to_string()))?;
        Ok(Answer::json(&SessionView::new(&session)))
    }))
}

/// Lets the FIPs of a session answer.
pub async fn deliver(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let id = session_id(&call)?;
        let session = world.session(id).ok_or_else(|| Refusal::UnknownSession(id.to_string()))?;
        let outcome: Outcome = call.json_or_default::<DeliverRequest>()?.try_into()?;
        let has = |is: &dyn Fn(&SessionAccount) -> bool| session.accounts.iter().any(is);
        if let Some((fip, _)) = outcome.fips.iter().find(|(fip, _)| !has(&|account| *account.fip == **fip)) {
            return Err(Refusal::FipNotInSession(fip.to_string()).into());
        }
        if let Some((link, _)) = outcome.accounts.iter().find(|(link, _)| !has(&|account| account.link_ref == *link)) {
            return Err(Refusal::AccountNotInSession(link.to_string()).into());
        }
        let receipt = world.submit(Command::Deliver { handle: session.handle, session: Some(id), outcome })?;
        Ok(Answer::json(&SessionView::new(receipt.session())).holding(receipt.hold))
    }))
}

/// Tells the FIU how the analytics of a session went.
pub async fn report_analytics(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let status = call.json_or_default::<AnalyticsRequest>()?.try_into()?;
        let receipt = world.submit(Command::ReportAnalytics { session: session_id(&call)?, status })?;
        let Event::AnalyticsReported { analytics, .. } = &receipt.event else {
            unreachable!("that is what the command does")
        };
        Ok(Answer::json(&AnalyticsView::from(&**analytics)).holding(receipt.hold))
    }))
}

fn session_id(call: &Call) -> Result<SessionId, Problem> {
    let text = call.segment("id");
    Ok(SessionId::parse(text).ok_or_else(|| Refusal::UnknownSession(quoted(text)))?)
}
