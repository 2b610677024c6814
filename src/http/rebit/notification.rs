//! What FIPs tell the AA. A FIP's word changes the world like anybody's, and so is passed on to the FIU.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::read;
use crate::domain::command::{
    Command, ConfirmLink, ConsentAction, FipStatusReport as FipAnswer, Party,
};
use crate::domain::consent::{Consent, Status};
use crate::domain::participants::Member;
use crate::domain::rejection::Rejection;
use crate::domain::session::SessionStatus;
use crate::engine::world::DeliveryHold;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::http::security::{Audience, Caller};
use crate::wire::api_error::ApiError;
use crate::wire::fields::quote_value;
use crate::wire::rebit::notification::{
    ConsentNotification, ConsentNotificationContent, FiNotification, FiNotificationContent,
    LinkNotification, LinkNotificationContent, NotificationResponse, NotifiedStatus, Notifier,
};
use crate::wire::rebit::{Head, ResponseContext};

pub async fn consent(call: Call) -> HttpResponse {
    let outcome =
        read::<ConsentNotification>(&call, Audience::Both).and_then(|(head, news, caller)| {
            let hold = consent_status(&call, &caller, news)?;
            Ok(acknowledged(&head, &caller, hold))
        });
    call.reply_rebit(outcome).await
}

pub async fn fi(call: Call) -> HttpResponse {
    let outcome = read::<FiNotification>(&call, Audience::Both).and_then(|(head, news, caller)| {
        let hold = fi_status(&call, &caller, news)?;
        Ok(acknowledged(&head, &caller, Some(hold)))
    });
    call.reply_rebit(outcome).await
}

pub async fn link(call: Call) -> HttpResponse {
    let outcome =
        read::<LinkNotification>(&call, Audience::Fips).map_err(|problem| match problem {
            // Quirk: the certification suite wants this code here (AA_3038), and InvalidRequest at the two other
            // notifications (AA_3034, AA_3036).
            ApiError::NotPermitted(problem) => ApiError::InvalidSignature(problem),
            other => other,
        });
    let outcome = outcome.and_then(|(head, news, caller)| {
        let hold = link_status(&call, &caller, news)?;
        Ok(acknowledged(&head, &caller, Some(hold)))
    });
    call.reply_rebit(outcome).await
}

fn acknowledged(head: &Head, caller: &Caller, hold: Option<DeliveryHold>) -> Answer {
    let answer = Answer::json(&NotificationResponse::new_ok(ResponseContext::from_head(
        head,
        caller.world.message_time(),
    )));
    match hold {
        Some(hold) => answer.holding(hold),
        None => answer,
    }
}

/// A status that the consent has already is acknowledged and changes nothing.
fn consent_status(
    call: &Call,
    caller: &Caller,
    news: ConsentNotificationContent,
) -> Result<Option<DeliveryHold>, ApiError> {
    const ID: &str = "ConsentStatusNotification.consentId";
    let ConsentNotificationContent {
        notifier,
        consent_id,
        status,
    } = news;
    let sender = sender(caller, &notifier).map_err(Mismatch::into_notifier)?;
    let world = &caller.world;
    let known: Option<Arc<Consent>> = consent_id.and_then(|id| match &sender {
        Member::Fip(fip) => {
            let theirs = |consent: &Arc<Consent>| {
                let artefacts = consent.grant.iter().flat_map(|grant| grant.fips.iter());
                artefacts
                    .into_iter()
                    .any(|artefact| artefact.consent_id == id && artefact.fip == fip.entity.id)
            };
            world.consent_by_fip_id(id).filter(theirs)
        }
        Member::Fiu(fiu) => world
            .consent_by_id(id)
            .filter(|consent| consent.fiu == fiu.entity.id),
    });
    let known = known.filter(|consent| !consent.hidden);
    let consent = known.ok_or_else(|| {
        ApiError::invalid_field(ID, format!("is no consent that {} has", sender.entity().id))
    })?;
    call.is_about(world, &consent)?;
    let by = match sender {
        Member::Fip(_) => Party::Fip,
        Member::Fiu(_) => Party::Fiu,
    };
    let verb = match (status, consent.status) {
        (NotifiedStatus::Active, Status::Active)
        | (NotifiedStatus::Paused, Status::Paused)
        | (NotifiedStatus::Revoked, Status::Revoked)
        | (NotifiedStatus::Rejected, Status::Rejected | Status::Failed | Status::Revoked) => {
            return Ok(None);
        }
        (NotifiedStatus::Active, _) => ConsentAction::Resume,
        (NotifiedStatus::Paused, _) => ConsentAction::Pause,
        // Assumption: a FIP that rejects an artefact which is not in force yet leaves the AA without a consent; one
        // that does so later ends it.
        (NotifiedStatus::Rejected, Status::Ready) => ConsentAction::Fail,
        (NotifiedStatus::Revoked | NotifiedStatus::Rejected, _) => ConsentAction::Revoke { by },
    };
    let receipt = world.submit(Command::TransitionConsent {
        handle: consent.handle,
        action: verb,
    });
    let receipt = receipt.map_err(in_field("ConsentStatusNotification.consentStatus"))?;
    Ok(Some(receipt.hold))
}

fn fi_status(
    call: &Call,
    caller: &Caller,
    news: FiNotificationContent,
) -> Result<DeliveryHold, ApiError> {
    const SESSION: &str = "FIStatusNotification.sessionId";
    let FiNotificationContent {
        notifier,
        session,
        status,
        fips,
        accounts,
    } = news;
    let sender = sender(caller, &notifier).map_err(Mismatch::into_request)?;
    let id = &sender.entity().id;
    if let Some(other) = fips.iter().find(|fip| **fip != **id) {
        let problem = format!("{} is not the notifier, {id}", quote_value(other));
        return Err(ApiError::invalid_field(
            "FIStatusNotification.FIStatusResponse.fipID",
            problem,
        ));
    }
    let session = session
        .ok_or_else(|| ApiError::invalid_field(SESSION, format!("is no session that {id} has")))?;
    let world = &caller.world;
    if let Some(consent) = world
        .session_by_fip_id(session)
        .and_then(|session| world.consent(session.handle))
    {
        call.is_about(world, &consent)?;
    }
    let failed = matches!(status, SessionStatus::Failed | SessionStatus::Expired);
    let answer = FipAnswer {
        session,
        fip: Arc::clone(id),
        session_failed: failed,
        accounts,
    };
    let receipt = caller
        .world
        .submit(Command::ReportFipStatus(answer))
        .map_err(|refusal| {
            let field = match &refusal {
                Rejection::AccountNotInSession(_) => {
                    "FIStatusNotification.FIStatusResponse.Accounts.linkRefNumber"
                }
                _ => SESSION,
            };
            in_field(field)(refusal)
        })?;
    Ok(receipt.hold)
}

fn link_status(
    call: &Call,
    caller: &Caller,
    news: LinkNotificationContent,
) -> Result<DeliveryHold, ApiError> {
    let LinkNotificationContent {
        notifier,
        account_ref,
        customer,
        link_ref,
    } = news;
    let sender = sender(caller, &notifier).map_err(Mismatch::into_request)?;
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
        let problem = format!(
            "{} is no address of an AA here; they end in {}",
            quote_value(&customer),
            handles.join(", ")
        );
        caller.object(|| {
            ApiError::invalid_field("AccountLinkStatusNotification.customerAddress", problem)
        })?;
    }
    let customer: Arc<str> = customer.into();
    call.is_about_customer(&caller.world, Some(&customer))?;
    let confirm = ConfirmLink {
        customer,
        fip: Arc::clone(&sender.entity().id),
        account_ref: account_ref.into(),
        link_ref: link_ref.into(),
    };
    let receipt = caller
        .world
        .submit(Command::ConfirmLink(confirm))
        .map_err(|refusal| {
            let field = match &refusal {
                Rejection::CustomerNotRegistered(_) => {
                    "AccountLinkStatusNotification.customerAddress"
                }
                Rejection::LinkRefTaken(_) => "AccountLinkStatusNotification.linkRefNumber",
                _ => "AccountLinkStatusNotification.accRefNumber",
            };
            in_field(field)(refusal)
        })?;
    Ok(receipt.hold)
}

/// In a notification, what the engine refuses is a value of the message.
fn in_field(field: &'static str) -> impl FnOnce(Rejection) -> ApiError {
    move |refusal| match refusal {
        full @ Rejection::OutboxFull(_) => full.into(),
        refusal => ApiError::invalid_field(field, format!("is refused: {refusal}")),
    }
}

/// Why a notifier is not believed.
enum Mismatch {
    /// No such participant, or of another type.
    Unknown(&'static str, String),
    /// A participant, but not the caller.
    Other(String),
}

impl Mismatch {
    /// `POST /Consent/Notification` has a code for it.
    fn into_notifier(self) -> ApiError {
        match self {
            Self::Unknown(field, problem) => {
                ApiError::InvalidNotifier(format!("{field} {problem}"))
            }
            Self::Other(problem) => ApiError::NotPermitted(problem),
        }
    }

    fn into_request(self) -> ApiError {
        match self {
            Self::Unknown(field, problem) => ApiError::invalid_field(field, problem),
            Self::Other(problem) => ApiError::invalid_field("Notifier.id", problem),
        }
    }
}

/// The participant who notifies: it has to be the caller; where the caller is not known, its word is taken.
fn sender(caller: &Caller, notifier: &Notifier) -> Result<Member, Mismatch> {
    let Notifier { kind, id } = notifier;
    if !["FIP", "FIU"].contains(&kind.as_str()) {
        return Err(Mismatch::Unknown(
            "Notifier.type",
            format!("{} is not one of FIP, FIU", quote_value(kind)),
        ));
    }
    let claimed = caller.participants.find_member(id);
    let claimed = claimed.ok_or_else(|| {
        Mismatch::Unknown(
            "Notifier.id",
            format!("{} is not registered", quote_value(id)),
        )
    })?;
    let expected = claimed.kind();
    if kind != expected {
        return Err(Mismatch::Unknown(
            "Notifier.type",
            format!("is {}, and {id} is a {expected}", quote_value(kind)),
        ));
    }
    match &caller.owner {
        Some(owner) if owner.entity().id != claimed.entity().id => Err(Mismatch::Other(format!(
            "Notifier.id is {}, the API key is that of {}",
            quote_value(id),
            owner.entity().id
        ))),
        _ => Ok(claimed),
    }
}
