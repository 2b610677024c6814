//! What an FIU is told about an event (DESIGN §2, the two notification columns): one table. Each dialect has its own
//! words for the statuses.

use std::sync::Arc;

use crate::domain::consent::{Api, Status};
use crate::domain::event::Event;
use crate::domain::notification::NotificationContent;
use crate::domain::session::FiStatus;

/// The messages that an event causes on a face; `pushes`: whether statements themselves go out.
///
/// `Assumption:` READY has no ReBIT notification: the enum of the FIU API 2.0.0 does not know the word.
pub fn notifications_for(
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
        // Unaport has fetched what was there; that it deletes it one day is told nobody.
        Event::DataExpired { session } if api == Api::Unaport && session.has_data() => Vec::new(),
        Event::DataExpired { session } => vec![NotificationContent::FiStatus(Arc::clone(session))],
        Event::ConsentRaised { .. }
        | Event::ConsentApproved { .. }
        | Event::DataRequested { .. }
        | Event::TimingChanged { .. }
        | Event::DataFetched { .. }
        | Event::TemplateSaved { .. }
        | Event::CustomerRegistered { .. }
        | Event::PersonaAssigned { .. }
        | Event::CustomerDeregistered { .. }
        | Event::LinkRequested { .. }
        | Event::AccountsLinked { .. }
        | Event::AccountDelinked { .. } => Vec::new(),
    }
}
