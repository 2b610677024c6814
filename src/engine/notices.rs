//! What an FIU is told about an event (DESIGN §2, column "ReBIT notification"): one table.

use std::sync::Arc;

use crate::domain::consent::Status;
use crate::domain::event::Event;
use crate::domain::notice::Content;
use crate::domain::session::FiStatus;

/// The messages that an event causes; `pushes`: whether statements themselves go out.
///
/// `Assumption:` READY has no ReBIT notification, and FAILED is told as REJECTED: the enum of the FIU API 2.0.0 knows
/// neither word.
pub fn contents(event: &Event, pushes: impl FnOnce() -> bool) -> Vec<Content> {
    match event {
        Event::ConsentActivated { .. } | Event::ConsentResumed { .. } => vec![Content::ConsentStatus(Status::Active)],
        Event::ConsentPaused { .. } => vec![Content::ConsentStatus(Status::Paused)],
        Event::ConsentRevoked { .. } => vec![Content::ConsentStatus(Status::Revoked)],
        Event::ConsentExpired { .. } => vec![Content::ConsentStatus(Status::Expired)],
        Event::ConsentRejected { .. } | Event::ConsentFailed { .. } => vec![Content::ConsentStatus(Status::Rejected)],
        Event::DataPrepared { session } => {
            let mut contents = vec![Content::FiStatus(Arc::clone(session))];
            if session.accounts.iter().any(|account| account.status == FiStatus::Ready) && pushes() {
                contents.push(Content::FiData(Arc::clone(session)));
            }
            contents
        }
        Event::DataExpired { session } => vec![Content::FiStatus(Arc::clone(session))],
        Event::ConsentRaised { .. }
        | Event::ConsentApproved { .. }
        | Event::DataRequested { .. }
        | Event::DataCollected { .. }
        | Event::CustomerRegistered { .. }
        | Event::CustomerDeregistered { .. }
        | Event::LinkRequested { .. }
        | Event::AccountsLinked { .. }
        | Event::AccountDelinked { .. } => Vec::new(),
    }
}
