//! Notifications from FIPs and FIUs to the AA. They run ordinary commands, so the FIU gets the same
//! webhooks as for any other change.

use std::sync::Arc;

use super::parse_message;
use crate::domain::action::ConsentAction;
use crate::domain::command::{Command, ConfirmLink, FipStatusReport};
use crate::domain::command_arguments::Party;
use crate::domain::consent::{Consent, Status};
use crate::domain::customer_address::normalize_address;
use crate::domain::participants::Member;
use crate::domain::rejection::Rejection;
use crate::domain::session::SessionStatus;
use crate::domain::text::quote_value;
use crate::engine::world::Receipt;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::response::ApiResponse;
use crate::http::security::{AllowedCallers, Caller};
use crate::wire::api_error::ApiError;
use crate::wire::rebit::notification::{
    ConsentNotification, ConsentNotificationContent, FiNotification, FiNotificationContent,
    LinkNotification, LinkNotificationContent, NotificationResponse, NotifiedStatus, Notifier,
};
use crate::wire::rebit::{Head, ResponseContext};

pub(crate) fn receive_consent_notification(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let (head, update, caller) =
        parse_message::<ConsentNotification>(call, context, AllowedCallers::FiusAndFips)?;
    let receipt = apply_consent_status(context, &caller, update)?;
    Ok(acknowledge_notification(&head, &caller, receipt))
}

pub(crate) fn receive_fi_notification(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let (head, update, caller) =
        parse_message::<FiNotification>(call, context, AllowedCallers::FiusAndFips)?;
    let receipt = apply_fi_status(context, &caller, update)?;
    Ok(acknowledge_notification(&head, &caller, Some(receipt)))
}

pub(crate) fn receive_link_notification(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let message = parse_message::<LinkNotification>(call, context, AllowedCallers::Fips);
    let (head, update, caller) = message.map_err(|error| match error {
        // Quirk: the certification suite expects this code here (AA_3038), and InvalidRequest at
        // the two other notifications (AA_3034, AA_3036; `docs/sources.md#certification-cases`).
        ApiError::NotPermitted(message) => ApiError::InvalidSignature(message),
        other => other,
    })?;
    let receipt = apply_link_status(context, &caller, update)?;
    Ok(acknowledge_notification(&head, &caller, Some(receipt)))
}

fn acknowledge_notification(head: &Head, caller: &Caller, receipt: Option<Receipt>) -> ApiResponse {
    let build_response = |timestamp| {
        ApiResponse::json(&NotificationResponse::new_ok(ResponseContext::from_head(
            head, timestamp,
        )))
    };
    match receipt {
        Some(receipt) => ApiResponse::from_receipt(receipt, |outcome| {
            build_response(caller.message_time_at(outcome.clocks))
        }),
        None => build_response(caller.message_time()),
    }
}

/// Applies a consent status. A status that the consent already has is acknowledged and changes
/// nothing.
fn apply_consent_status(
    context: &mut CallContext,
    caller: &Caller,
    update: ConsentNotificationContent,
) -> Result<Option<Receipt>, ApiError> {
    const ID: &str = "ConsentStatusNotification.consentId";
    let ConsentNotificationContent {
        notifier,
        consent_id,
        status,
    } = update;
    let notifier_member =
        authenticate_notifier(caller, &notifier).map_err(NotifierError::into_notifier_error)?;
    let world = &caller.world;
    let consent: Option<Arc<Consent>> = consent_id.and_then(|id| match &notifier_member {
        Member::Fip(fip) => world
            .catch_up()
            .consent_by_fip_artefact_id(id)
            .filter(|consent| {
                let mut artefacts = consent.grant.iter().flat_map(|grant| grant.fips.iter());
                artefacts.any(|artefact| artefact.consent_id == id && artefact.fip == fip.entity.id)
            }),
        Member::Fiu(fiu) => world
            .catch_up()
            .consent_by_id(id)
            .filter(|consent| consent.fiu == fiu.entity.id),
    });
    let consent = consent.filter(|consent| !consent.hidden);
    let consent = consent.ok_or_else(|| {
        ApiError::invalid_field(
            ID,
            format!("is not a consent of {}", notifier_member.entity().id),
        )
    })?;
    context.plan_consent_faults(world, &consent)?;
    let by = match notifier_member {
        Member::Fip(_) => Party::Fip,
        Member::Fiu(_) => Party::Fiu,
    };
    let action = match (status, consent.status) {
        (NotifiedStatus::Active, Status::Active)
        | (NotifiedStatus::Paused, Status::Paused)
        | (NotifiedStatus::Revoked, Status::Revoked)
        | (NotifiedStatus::Rejected, Status::Rejected | Status::Failed | Status::Revoked) => {
            return Ok(None);
        }
        (NotifiedStatus::Active, _) => ConsentAction::Resume {},
        (NotifiedStatus::Paused, _) => ConsentAction::Pause {},
        // Assumption: if a FIP rejects an artefact that is not in force yet, the consent fails; a
        // later rejection revokes it.
        (NotifiedStatus::Rejected, Status::Ready) => ConsentAction::Fail {},
        (NotifiedStatus::Revoked | NotifiedStatus::Rejected, _) => ConsentAction::Revoke { by },
    };
    let receipt = world.submit(Command::TransitionConsent {
        handle: consent.handle,
        action,
    });
    receipt.map(Some).map_err(map_to_field_error(
        "ConsentStatusNotification.consentStatus",
    ))
}

fn apply_fi_status(
    context: &mut CallContext,
    caller: &Caller,
    update: FiNotificationContent,
) -> Result<Receipt, ApiError> {
    const SESSION: &str = "FIStatusNotification.sessionId";
    let FiNotificationContent {
        notifier,
        session,
        status,
        fips,
        accounts,
    } = update;
    let notifier_member =
        authenticate_notifier(caller, &notifier).map_err(NotifierError::into_request_error)?;
    let id = &notifier_member.entity().id;
    if let Some(foreign_fip) = fips.iter().find(|fip| **fip != **id) {
        let message = format!("{} is not the notifier, {id}", quote_value(foreign_fip));
        return Err(ApiError::invalid_field(
            "FIStatusNotification.FIStatusResponse.fipID",
            message,
        ));
    }
    let session = session
        .ok_or_else(|| ApiError::invalid_field(SESSION, format!("is not a session of {id}")))?;
    let world = &caller.world;
    if let Some(consent) = world
        .catch_up()
        .session_by_fip_session_id(session)
        .and_then(|session| world.catch_up().consent(session.handle))
    {
        context.plan_consent_faults(world, &consent)?;
    }
    let failed = matches!(status, SessionStatus::Failed | SessionStatus::Expired);
    let command = FipStatusReport {
        session,
        fip: Arc::clone(id),
        session_failed: failed,
        accounts,
    };
    caller
        .world
        .submit(Command::ReportFipStatus(command))
        .map_err(|rejection| {
            let field = match &rejection {
                Rejection::AccountNotInSession(_) => {
                    "FIStatusNotification.FIStatusResponse.Accounts.linkRefNumber"
                }
                _ => SESSION,
            };
            map_to_field_error(field)(rejection)
        })
}

fn apply_link_status(
    context: &mut CallContext,
    caller: &Caller,
    update: LinkNotificationContent,
) -> Result<Receipt, ApiError> {
    let LinkNotificationContent {
        notifier,
        account_ref,
        customer,
        link_ref,
    } = update;
    let notifier_member =
        authenticate_notifier(caller, &notifier).map_err(NotifierError::into_request_error)?;
    let handle = customer.rsplit_once('@').map(|(_, handle)| handle);
    if !caller
        .participants
        .aas
        .iter()
        .any(|aa| handle == Some(&*aa.handle))
    {
        let handles: Vec<_> = caller
            .participants
            .aas
            .iter()
            .map(|aa| format!("@{}", aa.handle))
            .collect();
        let message = format!(
            "{} is not a customer address of this sandbox; addresses end in {}",
            quote_value(&customer),
            handles.join(", ")
        );
        caller.reject_in_strict(|| {
            ApiError::invalid_field("AccountLinkStatusNotification.customerAddress", message)
        })?;
    }
    let customer: Arc<str> = normalize_address(&customer).into();
    context.plan_customer_faults(&caller.world, &customer)?;
    let command = ConfirmLink {
        customer,
        fip: Arc::clone(&notifier_member.entity().id),
        account_ref: account_ref.into(),
        link_ref: link_ref.into(),
    };
    caller
        .world
        .submit(Command::ConfirmLink(command))
        .map_err(|rejection| {
            let field = match &rejection {
                Rejection::CustomerNotRegistered(_) => {
                    "AccountLinkStatusNotification.customerAddress"
                }
                Rejection::LinkRefTaken(_) => "AccountLinkStatusNotification.linkRefNumber",
                _ => "AccountLinkStatusNotification.accRefNumber",
            };
            map_to_field_error(field)(rejection)
        })
}

/// Maps a rejection of the engine to an error of the message field that caused it.
fn map_to_field_error(field: &'static str) -> impl FnOnce(Rejection) -> ApiError {
    move |rejection| match rejection {
        outbox_full @ Rejection::OutboxFull(_) => outbox_full.into(),
        rejection => ApiError::invalid_field(field, format!("is rejected: {rejection}")),
    }
}

/// Rejected notifier of a message.
enum NotifierError {
    /// Field and message: the participant is unknown or has another type.
    Unknown(&'static str, String),
    /// A registered participant other than the caller.
    NotCaller(String),
}

impl NotifierError {
    /// Maps to `InvalidNotifier`, a code of `POST /Consent/Notification` only.
    fn into_notifier_error(self) -> ApiError {
        match self {
            Self::Unknown(field, message) => {
                ApiError::InvalidNotifier(format!("{field} {message}"))
            }
            Self::NotCaller(message) => ApiError::NotPermitted(message),
        }
    }

    fn into_request_error(self) -> ApiError {
        match self {
            Self::Unknown(field, message) => ApiError::invalid_field(field, message),
            Self::NotCaller(message) => ApiError::invalid_field("Notifier.id", message),
        }
    }
}

/// Returns the participant that notifies. It must be the caller; an anonymous caller may name any
/// participant.
fn authenticate_notifier(caller: &Caller, notifier: &Notifier) -> Result<Member, NotifierError> {
    let Notifier { kind, id } = notifier;
    if !["FIP", "FIU"].contains(&kind.as_str()) {
        return Err(NotifierError::Unknown(
            "Notifier.type",
            format!("{} is not one of FIP, FIU", quote_value(kind)),
        ));
    }
    let member = caller.participants.find_member(id);
    let claimed = member.ok_or_else(|| {
        NotifierError::Unknown(
            "Notifier.id",
            format!("{} is not registered", quote_value(id)),
        )
    })?;
    let expected = claimed.kind();
    if kind != expected {
        return Err(NotifierError::Unknown(
            "Notifier.type",
            format!("is {}, but {id} is a {expected}", quote_value(kind)),
        ));
    }
    match &caller.member {
        Some(caller_member) if caller_member.entity().id != claimed.entity().id => {
            Err(NotifierError::NotCaller(format!(
                "Notifier.id is {}, but the API key belongs to {}",
                quote_value(id),
                caller_member.entity().id
            )))
        }
        _ => Ok(claimed),
    }
}
