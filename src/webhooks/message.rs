//! Body and signature of a notification. They are made once for each delivery: retries send the
//! same bytes, and a frozen world with the same seed produces them again.

use crate::bankgen::generate_session_statements;
use crate::crypto::jws;
use crate::crypto::keys::SigningKey;
use crate::domain::consent::Api;
use crate::domain::delivery::Message;
use crate::domain::notification::{Notification, NotificationContent};
use crate::domain::participants::{Aa, SignatureProfile};
use crate::domain::session::FiStatus;
use crate::engine::world::World;
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
    let sent_at = world.message_time(Some(&notification.fiu));
    let statements = match &notification.content {
        NotificationContent::FiData(session) => generate_session_statements(
            world.seed(),
            &notification.consent,
            session,
            FiStatus::Ready,
        ),
        NotificationContent::ConsentStatus(_)
        | NotificationContent::FiStatus(_)
        | NotificationContent::Analytics(_)
        | NotificationContent::Raw(_) => Vec::new(),
    };
    let participants = world.participants();
    let schema = participants
        .find_fiu(&notification.fiu)
        .map(|fiu| fiu.fi_schema)
        .unwrap_or_default();
    let body = match notification.consent.api {
        Api::Unaport => {
            let format = BodyOptions {
                unaport: &world.config().unaport,
                org_id: participants
                    .find_fiu(&notification.fiu)
                    .map_or("", |fiu| &*fiu.org_id),
                schema,
                quirks: world.fetch_quirks(notification.consent.handle),
            };
            unaport::notification::encode_body(notification, aa, sent_at, &statements, format)
        }
        Api::Seed | Api::Rebit(_) => {
            notification::encode_rebit_body(notification, aa, sent_at, &statements, schema)
        }
    };
    let signature = jws::sign_detached(key, &body, profile);
    Message { body, signature }
}
