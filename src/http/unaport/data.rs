//! Data: how it fares, the data itself, its accounts.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::{Visitor, enter};
use crate::bankgen::session_statements;
use crate::domain::command::{CollectData, Command};
use crate::domain::consent::Consent;
use crate::domain::ids::SessionId;
use crate::domain::refusal::Refusal;
use crate::domain::session::{FiStatus, Session};
use crate::domain::time::Timestamp;
use crate::domain::unaport::FetchQuirk;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::fi::json::Tabs;
use crate::wire::fields::quoted;
use crate::wire::problem::Problem;
use crate::wire::unaport::data::{Fetched, account_details as details, fetch_status};

pub async fn status(call: Call) -> HttpResponse {
    call.reply_unaport(enter(&call).and_then(|visitor| {
        let handle = call.handle()?;
        let unknown = Refusal::UnknownHandle(handle.to_string());
        let (consent, _) = visitor.own(visitor.world.consent(handle), unknown)?;
        let notices = visitor.world.stored_notices(handle);
        Ok(Answer::json(&fetch_status(&notices, visitor.participants.aa_of(&consent))))
    }))
}

pub async fn fetch(call: Call) -> HttpResponse {
    let outcome = take(&call).await;
    call.reply_unaport(outcome)
}

async fn take(call: &Call) -> Result<Answer, Problem> {
    let visitor = enter(call)?;
    let id = own_session(call, &visitor)?.0.id;
    let collect = CollectData { session: id, fip: None, link_refs: Vec::new() };
    let receipt = visitor.world.submit(Command::CollectData(collect))?;
    let (session, consent) = (Arc::clone(receipt.session()), Arc::clone(receipt.consent()));
    let quirks = visitor.world.fetch_quirks(consent.handle);
    let envelope = visitor.envelope_if_spoken();
    let (seed, org_id) = (visitor.world.seed(), Arc::clone(&visitor.fiu.org_id));
    let written = tokio::task::spawn_blocking(move || {
        let empty = quirks.has(FetchQuirk::FirstEmpty) && session.taken == 1;
        let statements =
            if empty { Vec::new() } else { session_statements(seed, &consent, &session, FiStatus::Delivered) };
        let tabs = Tabs::new(&statements, &session, prepared_at(&session)).told_to(&org_id, quirks);
        serde_json::to_vec(&Fetched { envelope, tabs }).expect("our own types serialise")
    });
    let body = written.await.expect("writing a statement does not panic");
    Ok(Answer::json_bytes(body).holding(receipt.hold))
}

/// When the last of the session's accounts answered.
fn prepared_at(session: &Session) -> Timestamp {
    session.accounts.iter().map(|account| account.answered_at).max().unwrap_or(session.opened_at)
}

pub async fn account_details(call: Call) -> HttpResponse {
    call.reply_unaport(enter(&call).and_then(|visitor| {
        let (session, consent) = own_session(&call, &visitor)?;
        Ok(Answer::json(&details(&session, &consent, &visitor.fiu.org_id)))
    }))
}

/// The session in the path, if it is the visitor's organisation's.
fn own_session(call: &Call, visitor: &Visitor) -> Result<(Arc<Session>, Arc<Consent>), Problem> {
    let text = call.segment("session");
    let unknown = || Refusal::UnknownSession(quoted(text));
    let session = SessionId::parse(text).and_then(|id| visitor.world.session(id)).ok_or_else(unknown)?;
    let (consent, _) = visitor.own(visitor.world.consent(session.handle), unknown())?;
    Ok((session, consent))
}
