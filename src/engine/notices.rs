//! What an FIU is told about an event (DESIGN §2, the two notification columns): one table. Each dialect has its own
//! words for the statuses.

use std::sync::Arc;

use crate::domain::consent::{Face, Status};
use crate::domain::event::Event;
use crate::domain::notice::Content;
use crate::domain::session::FiStatus;

/// The messages that an event causes on a face; `pushes`: whether statements themselves go out.
///
/// `Assumption:` READY has no ReBIT notification: the enum of the FIU API 2.0.0 does not know the word.
pub fn contents(event: &Event, face: Face, pushes: impl FnOnce() -> bool) -> Vec<Content> {
    match event {
        Event::ConsentApproved { .. } if face == Face::Unaport => {
            vec![Content::ConsentStatus(Status::Ready)]
        }
        Event::ConsentActivated { .. } | Event::ConsentResumed { .. } => {
            vec![Content::ConsentStatus(Status::Active)]
        }
        Event::ConsentPaused { .. } => vec![Content::ConsentStatus(Status::Paused)],
        Event::ConsentRevoked { .. } => vec![Content::ConsentStatus(Status::Revoked)],
        Event::ConsentExpired { .. } => vec![Content::ConsentStatus(Status::Expired)],
        Event::ConsentRejected { .. } => vec![Content::ConsentStatus(Status::Rejected)],
        Event::ConsentFailed { .. } => vec![Content::ConsentStatus(Status::Failed)],
        Event::DataPrepared { session } => {
            let mut contents = vec![Content::FiStatus(Arc::clone(session))];
            if session
                .accounts
                .iter()
                .any(|account| account.status == FiStatus::Ready)
                && pushes()
            {
                contents.push(Content::FiData(Arc::clone(session)));
            }
            contents
        }
        Event::NoticeScripted { content, .. } => vec![content.clone()],
        Event::AnalyticsReported { analytics, .. } => {
            vec![Content::Analytics(Arc::clone(analytics))]
        }
        // Unaport has fetched what was there; that it deletes it one day is told nobody.
        Event::DataExpired { session } if face == Face::Unaport && session.has_data() => Vec::new(),
        Event::DataExpired { session } => vec![Content::FiStatus(Arc::clone(session))],
        Event::ConsentRaised { .. }
        | Event::ConsentApproved { .. }
        | Event::DataRequested { .. }
        | Event::PaceSet { .. }
        | Event::DataCollected { .. }
        | Event::TemplateSaved { .. }
        | Event::CustomerRegistered { .. }
        | Event::CustomerCast { .. }
        | Event::CustomerDeregistered { .. }
        | Event::LinkRequested { .. }
        | Event::AccountsLinked { .. }
        | Event::AccountDelinked { .. } => Vec::new(),
    }
}
