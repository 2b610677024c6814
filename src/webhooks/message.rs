//! Body and signature of a notification. They are made once for each delivery: retries send the
//! same bytes, and a frozen world with the same seed produces them again.

use serde::Deserialize;
use serde_json::Value;

use crate::bankgen::generate_session_statements;
use crate::crypto::jws;
use crate::crypto::keys::SigningKey;
use crate::domain::call_facts::SentFacts;
use crate::domain::consent::Api;
use crate::domain::delivery::Message;
use crate::domain::notification::{Notification, NotificationContent};
use crate::domain::participants::{Aa, SignatureProfile};
use crate::domain::session::FiStatus;
use crate::domain::time::Timestamp;
use crate::engine::world::World;
use crate::webhooks::fault_injection::OutgoingRequest;
use crate::wire::fi::form::form_statements;
use crate::wire::fields::parse_timestamp;
use crate::wire::unaport::notification::BodyOptions;
use crate::wire::{notification, unaport};

/// Encodes the body and signs it. Makes an RSA signature, and for FI data a statement: call it on a
/// blocking thread.
pub(crate) fn prepare_message(
    notification: &Notification,
    aa: &Aa,
    key: &SigningKey,
    profile: SignatureProfile,
    world: &World,
) -> Message {
    let notified_at = notification.message_time;
    let participants = world.participants();
    let statements = match &notification.content {
        NotificationContent::FiData(session) => {
            let statements = generate_session_statements(
                world.seed(),
                &participants,
                &notification.consent,
                session,
                FiStatus::Ready,
            );
            let requested = world.requested_form(session, &notification.consent);
            form_statements(
                statements,
                participants.data_forms(Some(&notification.fiu), requested),
            )
        }
        NotificationContent::ConsentStatus(_)
        | NotificationContent::FiStatus(_)
        | NotificationContent::Analytics(_)
        | NotificationContent::Raw(_) => Vec::new(),
    };
    let body = match notification.consent.api {
        Api::Unaport => {
            let format = BodyOptions {
                unaport: &world.config().unaport,
                org_id: participants
                    .find_fiu(&notification.fiu)
                    .map_or("", |fiu| &*fiu.org_id),
                quirks: world.fetch_quirks(notification.consent.handle),
            };
            unaport::notification::encode_body(notification, aa, notified_at, &statements, format)
        }
        Api::Seed | Api::Rebit(_) => {
            notification::encode_rebit_body(notification, aa, notified_at, &statements)
        }
    };
    let signature = jws::sign_detached(key, &body, profile);
    Message { body, signature }
}

/// Reads the facts of a request that an FIU can read too; those that a fault has made unreadable
/// are missing.
pub(crate) fn read_sent_facts(outgoing: &OutgoingRequest, profile: SignatureProfile) -> SentFacts {
    let SentEnvelope {
        timestamp,
        txnid,
        status,
        consent,
        session,
    } = serde_json::from_slice(&outgoing.body).unwrap_or_default();
    let claimed_status = consent
        .and_then(|part| part.consent_status)
        .or_else(|| session.and_then(|part| part.session_status))
        .or(status);
    let signed_at = outgoing
        .headers
        .iter()
        .find(|(name, _)| name == "webhook-timestamp")
        .and_then(|(_, seconds)| seconds.parse::<i64>().ok())
        .map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000)));
    SentFacts {
        profile: Some(profile),
        txnid: txnid.and_then(into_text),
        timestamp: timestamp
            .and_then(into_text)
            .and_then(|text| parse_timestamp(&text)),
        signed_at,
        claimed_status: claimed_status.and_then(into_text),
    }
}

/// The fields of a notification that every receiver reads.
#[derive(Debug, Default, Deserialize)]
struct SentEnvelope {
    timestamp: Option<Value>,
    txnid: Option<Value>,
    status: Option<Value>,
    #[serde(rename = "ConsentStatusNotification")]
    consent: Option<SentStatus>,
    #[serde(rename = "FIStatusNotification")]
    session: Option<SentStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentStatus {
    consent_status: Option<Value>,
    session_status: Option<Value>,
}

fn into_text(value: Value) -> Option<Box<str>> {
    match value {
        Value::String(text) => Some(text.into()),
        _ => None,
    }
}
