//! The notifications that an event causes, as one table (`docs/architecture.md#one-lifecycle`).
//! Each protocol has its own names for the statuses.

use std::sync::Arc;

use crate::domain::consent::{Api, Status};
use crate::domain::event::Event;
use crate::domain::notification::NotificationContent;
use crate::domain::session::FiStatus;

/// Returns the notifications that an event causes with an API. `should_push_data` is evaluated only
/// if statements are available; it decides whether they are pushed.
///
/// `Assumption:` READY has no ReBIT notification: the enum of the FIU API 2.0.0 does not contain
/// it.
pub(crate) fn notifications_for(
    event: &Event,
    api: Api,
    should_push_data: impl FnOnce() -> bool,
) -> Vec<NotificationContent> {
    match event {
        Event::ConsentApproved { .. } if api == Api::Unaport => {
            vec![NotificationContent::ConsentStatus(Status::Ready)]
        }
        Event::ConsentActivated { .. } | Event::ConsentResumed { .. } => {
            vec![NotificationContent::ConsentStatus(Status::Active)]
        }
        Event::ConsentPaused { .. } => vec![NotificationContent::ConsentStatus(Status::Paused)],
        Event::ConsentRevoked { .. } => vec![NotificationContent::ConsentStatus(Status::Revoked)],
        Event::ConsentExpired { .. } => vec![NotificationContent::ConsentStatus(Status::Expired)],
        Event::ConsentRejected { .. } => vec![NotificationContent::ConsentStatus(Status::Rejected)],
        Event::ConsentFailed { .. } => vec![NotificationContent::ConsentStatus(Status::Failed)],
        Event::DataPrepared { session } => {
            let mut contents = vec![NotificationContent::FiStatus(Arc::clone(session))];
            if session
                .accounts
                .iter()
                .any(|account| account.status == FiStatus::Ready)
                && should_push_data()
            {
                contents.push(NotificationContent::FiData(Arc::clone(session)));
            }
            contents
        }
        Event::NotificationScripted { content, .. } => vec![content.clone()],
        Event::AnalyticsReported { analytics, .. } => {
            vec![NotificationContent::Analytics(Arc::clone(analytics))]
        }
        // Unaport has fetched the data already; deleting it later causes no notification.
        Event::DataExpired { session } if api == Api::Unaport && session.has_data() => Vec::new(),
        Event::DataExpired { session } | Event::DataOutdated { session } => {
            vec![NotificationContent::FiStatus(Arc::clone(session))]
        }
        Event::ConsentRaised { .. }
        | Event::ConsentApproved { .. }
        | Event::DataRequested { .. }
        | Event::TimingChanged { .. }
        | Event::RedirectionScripted { .. }
        | Event::DataFetched { .. }
        | Event::TemplateSaved { .. }
        | Event::CustomerRegistered { .. }
        | Event::PersonaAssigned { .. }
        | Event::TransactionAdded { .. }
        | Event::TransactionChanged { .. }
        | Event::TransactionRemoved { .. }
        | Event::CustomerDeregistered { .. }
        | Event::LinkRequested { .. }
        | Event::AccountsLinked { .. }
        | Event::LinkRefused { .. }
        | Event::AccountDelinked { .. } => Vec::new(),
    }
}
