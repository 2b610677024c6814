//! Data: how it fares, the data itself, its accounts.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::{Filed, Visitor, enter};
use crate::bankgen::session_statements;
use crate::domain::command::Command;
use crate::domain::ids::SessionId;
use crate::domain::rejection::Rejection;
use crate::domain::session::{FiStatus, Session};
use crate::domain::unaport::FetchQuirk;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::fi::tabs::Tabs;
use crate::wire::fields::quote_value;
use crate::wire::unaport::data::{
    FetchDataResponse, build_account_details as details, build_fetch_status,
};

pub async fn status(call: Call) -> HttpResponse {
    call.reply_unaport(enter(&call).and_then(|visitor| {
        let handle = call.handle()?;
        let unknown = Rejection::UnknownHandle(handle.to_string());
        let Filed { consent, .. } = visitor.filed(&call, visitor.world.consent(handle), unknown)?;
        let notices = visitor.world.stored_notifications(handle);
        Ok(Answer::json(&build_fetch_status(
            &notices,
            visitor.participants.aa_for_consent(&consent),
        )))
    }))
    .await
}

pub async fn fetch(call: Call) -> HttpResponse {
    let outcome = take(&call).await;
    call.reply_unaport(outcome).await
}

/// A session that has nothing yet has no tabs.
async fn take(call: &Call) -> Result<Answer, ApiError> {
    let visitor = enter(call)?;
    let (session, own) = own_session(call, &visitor)?;
    let envelope = visitor.envelope_if_spoken();
    let empty = |envelope| {
        Ok(Answer::json(&FetchDataResponse {
            envelope,
            tabs: Tabs::new(&[], &session),
        }))
    };
    let collect = Command::FetchStored(session.id);
    let receipt = if call.is_head() {
        // Asking what an answer would look like takes nothing.
        visitor.world.check_command(collect).map(|()| None)
    } else {
        visitor.world.submit(collect).map(Some)
    };
    let receipt = match receipt {
        Ok(Some(receipt)) => receipt,
        Ok(None) | Err(Rejection::NoDataFound(_)) => return empty(envelope),
        Err(refusal) => return Err(refusal.into()),
    };
    let (session, consent) = (Arc::clone(receipt.session()), Arc::clone(receipt.consent()));
    let quirks = visitor.world.fetch_quirks(consent.handle);
    let (seed, org_id) = (visitor.world.seed(), Arc::clone(&own.fiu.org_id));
    let written = tokio::task::spawn_blocking(move || {
        let empty = quirks.contains(FetchQuirk::FirstEmpty) && session.fetch_count == 1;
        let statements = if empty {
            Vec::new()
        } else {
            session_statements(seed, &consent, &session, FiStatus::Ready)
        };
        let tabs = Tabs::new(&statements, &session).for_org(&org_id, quirks);
        serde_json::to_vec(&FetchDataResponse { envelope, tabs }).expect("our own types serialise")
    });
    let body = written.await.expect("writing a statement does not panic");
    Ok(Answer::json_bytes(body).holding(receipt.hold))
}

pub async fn account_details(call: Call) -> HttpResponse {
    call.reply_unaport(enter(&call).and_then(|visitor| {
        let (session, own) = own_session(&call, &visitor)?;
        Ok(Answer::json(&details(
            &session,
            &own.consent,
            &own.fiu.org_id,
        )))
    }))
    .await
}

/// The session in the path, if Unaport has made it for the visitor's organisation.
pub(super) fn own_session(
    call: &Call,
    visitor: &Visitor,
) -> Result<(Arc<Session>, Filed), ApiError> {
    let text = call.segment("session");
    let unknown = || Rejection::UnknownSession(quote_value(text));
    let session = SessionId::parse(text).and_then(|id| visitor.world.session(id));
    // What an FIU has asked for by the ReBIT calls is encrypted to its key.
    let session = session
        .filter(|session| session.peer_key.is_none())
        .ok_or_else(unknown)?;
    let own = visitor.filed(call, visitor.world.consent(session.handle), unknown())?;
    Ok((session, own))
}
