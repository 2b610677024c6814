//! Data: how it fares, the data itself, its accounts.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::{UnaportCaller, UnaportConsent, authenticate_caller};
use crate::bankgen::generate_session_statements;
use crate::domain::command::Command;
use crate::domain::ids::SessionId;
use crate::domain::rejection::Rejection;
use crate::domain::session::{FiStatus, Session};
use crate::domain::unaport::FetchQuirk;
use crate::http::call::Call;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::fi::tabs::Tabs;
use crate::wire::fields::quote_value;
use crate::wire::unaport::data::{
    FetchDataResponse, build_account_details as details, build_fetch_status,
};

pub async fn get_fetch_status(call: Call) -> HttpResponse {
    call.reply_unaport(authenticate_caller(&call).and_then(|caller| {
        let handle = call.parse_handle()?;
        let unknown = Rejection::UnknownHandle(handle.to_string());
        let UnaportConsent { consent, .. } =
            caller.bind_unaport_consent(&call, caller.world.consent(handle), unknown)?;
        let notifications = caller.world.stored_notifications(handle);
        Ok(ApiResponse::json(&build_fetch_status(
            &notifications,
            caller.participants.aa_for_consent(&consent),
        )))
    }))
    .await
}

pub async fn fetch_data(call: Call) -> HttpResponse {
    let outcome = try_fetch_data(&call).await;
    call.reply_unaport(outcome).await
}

/// A session that has nothing yet has no tabs.
async fn try_fetch_data(call: &Call) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_caller(call)?;
    let (session, record) = find_session(call, &caller)?;
    let envelope = caller.build_envelope_if_v2();
    let empty_response = |envelope| {
        Ok(ApiResponse::json(&FetchDataResponse {
            envelope,
            tabs: Tabs::new(&[], &session),
        }))
    };
    let command = Command::FetchStored(session.id);
    let receipt = if call.is_head() {
        // Asking what an answer would look like takes nothing.
        caller.world.check_command(command).map(|()| None)
    } else {
        caller.world.submit(command).map(Some)
    };
    let receipt = match receipt {
        Ok(Some(receipt)) => receipt,
        Ok(None) | Err(Rejection::NoDataFound(_)) => return empty_response(envelope),
        Err(refusal) => return Err(refusal.into()),
    };
    let (session, consent) = (Arc::clone(receipt.session()), Arc::clone(receipt.consent()));
    let quirks = caller.world.fetch_quirks(consent.handle);
    let (seed, org_id) = (caller.world.seed(), Arc::clone(&record.fiu.org_id));
    let task = tokio::task::spawn_blocking(move || {
        let is_first_empty = quirks.contains(FetchQuirk::FirstEmpty) && session.fetch_count == 1;
        let statements = if is_first_empty {
            Vec::new()
        } else {
            generate_session_statements(seed, &consent, &session, FiStatus::Ready)
        };
        let tabs = Tabs::new(&statements, &session).for_org(&org_id, quirks);
        serde_json::to_vec(&FetchDataResponse { envelope, tabs }).expect("our own types serialise")
    });
    let body = task.await.expect("writing a statement does not panic");
    Ok(ApiResponse::json_bytes(body).with_hold(receipt.hold))
}

pub async fn get_account_details(call: Call) -> HttpResponse {
    call.reply_unaport(authenticate_caller(&call).and_then(|caller| {
        let (session, record) = find_session(&call, &caller)?;
        Ok(ApiResponse::json(&details(
            &session,
            &record.consent,
            &record.fiu.org_id,
        )))
    }))
    .await
}

/// The session in the path, if Unaport has made it for the visitor's organisation.
pub(super) fn find_session(
    call: &Call,
    caller: &UnaportCaller,
) -> Result<(Arc<Session>, UnaportConsent), ApiError> {
    let text = call.path_segment("session");
    let unknown_session = || Rejection::UnknownSession(quote_value(text));
    let session = SessionId::parse(text).and_then(|id| caller.world.session(id));
    // What an FIU has asked for by the ReBIT calls is encrypted to its key.
    let session = session
        .filter(|session| session.peer_key.is_none())
        .ok_or_else(unknown_session)?;
    let record = caller.bind_unaport_consent(
        call,
        caller.world.consent(session.handle),
        unknown_session(),
    )?;
    Ok((session, record))
}
