//! Unaport data calls: status of a fetch, the data of a session, its accounts.

use std::sync::Arc;

use super::{UnaportCaller, UnaportConsent, authenticate_caller};
use crate::bankgen::generate_session_statements;
use crate::domain::command::Command;
use crate::domain::ids::SessionId;
use crate::domain::rejection::Rejection;
use crate::domain::session::{FiStatus, Session};
use crate::domain::text::quote_value;
use crate::domain::unaport::FetchQuirk;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::large_task::{TaskSize, answer_large};
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::fi::form::form_statements;
use crate::wire::fi::tabs::Tabs;
use crate::wire::unaport::data::{FetchDataResponse, build_account_details, build_fetch_status};

pub(crate) fn get_fetch_status(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_caller(call, context)?;
    let handle = call.parse_handle()?;
    let unknown = Rejection::UnknownHandle(handle.to_string());
    let UnaportConsent { consent, .. } =
        caller.bind_unaport_consent(context, caller.world.catch_up().consent(handle), unknown)?;
    let notifications = caller.world.catch_up().unaport_data_notifications(handle);
    Ok(ApiResponse::json(&build_fetch_status(
        &notifications,
        caller.participants.aa_for_consent(&consent),
    )))
}

/// Returns the data of a session. A session without data yet has no tabs.
pub(crate) async fn fetch_data(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_caller(call, context)?;
    let (session, record) = find_session(call, context, &caller)?;
    let envelope = caller.build_envelope_if_v2();
    let command = Command::FetchStored(session.id);
    let receipt = if call.is_head() {
        // HEAD must not count as a fetch, so the command is only checked.
        caller
            .world
            .catch_up()
            .check_command(command)
            .map(|()| None)
    } else {
        caller.world.submit(command).map(Some)
    };
    let receipt = match receipt {
        Ok(Some(receipt)) => receipt,
        Ok(None) | Err(Rejection::NoDataFound(_)) => {
            let tabs = Tabs::new(&[], &session);
            return Ok(ApiResponse::json(&FetchDataResponse { envelope, tabs }));
        }
        Err(rejection) => return Err(rejection.into()),
    };
    ApiResponse::try_from_receipt(receipt, async |outcome| {
        let (session, consent) = (Arc::clone(outcome.session()), Arc::clone(outcome.consent()));
        let quirks = caller.world.fetch_quirks(consent.handle);
        let (seed, org_id) = (caller.world.seed(), Arc::clone(&record.fiu.org_id));
        let deposit_tab = caller
            .world
            .config()
            .unaport
            .deposit_tab
            .with_quirks(quirks);
        let requested = caller.world.requested_form(&session, &consent);
        let participants = caller.world.participants();
        let is_first_empty = quirks.contains(FetchQuirk::FirstEmpty) && session.fetch_count == 1;
        context.facts_mut().has_data = !is_first_empty;
        answer_large(TaskSize::of_range(session.range), move || {
            let statements = if is_first_empty {
                Vec::new()
            } else {
                generate_session_statements(
                    seed,
                    &participants,
                    &consent,
                    &session,
                    FiStatus::Ready,
                )
            };
            let forms = participants.data_forms(Some(&consent.fiu), requested);
            let statements = form_statements(statements, forms);
            let tabs = Tabs::new(&statements, &session).for_org(&org_id, deposit_tab);
            Ok(ApiResponse::json(&FetchDataResponse { envelope, tabs }))
        })
        .await
    })
    .await
}

pub(crate) fn get_account_details(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_caller(call, context)?;
    let (session, record) = find_session(call, context, &caller)?;
    Ok(ApiResponse::json(&build_account_details(
        &session,
        &record.consent,
        &record.fiu.org_id,
    )))
}

/// Returns the session in the path, if Unaport requested it for the caller's organisation.
pub(super) fn find_session(
    call: &Call,
    context: &mut CallContext,
    caller: &UnaportCaller,
) -> Result<(Arc<Session>, UnaportConsent), ApiError> {
    let text = call.path_segment("sessionId");
    let session = SessionId::parse(text).and_then(|id| caller.world.catch_up().session(id));
    // Data that an FIU requested through the ReBIT API is encrypted to its key.
    let session = session
        .filter(|session| session.peer_key.is_none())
        .ok_or_else(|| Rejection::UnknownSession(quote_value(text)))?;
    context.facts_mut().session = Some(session.id);
    let record = caller.bind_unaport_consent(
        context,
        caller.world.catch_up().consent(session.handle),
        Rejection::UnknownSession(quote_value(text)),
    )?;
    Ok((session, record))
}
