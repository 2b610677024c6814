//! From a notice to the bytes that are sent, made once: a retry sends the same bytes, and a frozen world repeats them.

use crate::bankgen::{StatementRequest, statement};
use crate::crypto::jws;
use crate::crypto::keys::SigningKey;
use crate::domain::account::Account;
use crate::domain::consent::Face;
use crate::domain::delivery::Message;
use crate::domain::notice::{Content, Notice};
use crate::domain::participants::{Aa, SignatureProfile};
use crate::domain::session::{FiStatus, Session};
use crate::domain::statement::Statement;
use crate::engine::world::World;
use crate::wire::{notification, unaport};

/// Makes the body and signs it. Costs a signature, and for FI data a statement: call it on a blocking thread.
pub fn prepare(notice: &Notice, aa: &Aa, key: &SigningKey, profile: SignatureProfile, world: &World) -> Message {
    let (seed, at) = (world.seed(), world.message_time());
    let body = match &notice.content {
        Content::FiData(session) => notification::body(notice, aa, at, &statements(notice, session, seed)),
        Content::Analytics(analytics) => unaport::notification::analytics(notice, analytics, at),
        Content::ConsentStatus(_) | Content::FiStatus(_) if notice.consent.face == Face::Unaport => {
            unaport::notification::body(notice, aa, at, &world.setting().unaport)
        }
        Content::ConsentStatus(_) | Content::FiStatus(_) => notification::body(notice, aa, at, &[]),
    };
    let signature = jws::sign_detached(key, &body, profile);
    Message { body, signature }
}

/// The statements of the accounts that are READY in the session, as of the notice's instant.
fn statements(notice: &Notice, session: &Session, seed: u64) -> Vec<Statement> {
    let terms = &notice.consent.terms;
    let ready = |account: &Account| {
        let part = session.accounts.iter().find(|part| part.is_of(account));
        part.is_some_and(|part| part.status == FiStatus::Ready)
    };
    let accounts = notice.consent.grant.iter().flat_map(|grant| grant.accounts.iter());
    accounts
        .filter(|account| ready(account))
        .filter_map(|account| {
            statement(&StatementRequest {
                seed,
                customer: &terms.customer,
                account,
                consent_types: &terms.consent_types,
                range: session.range,
                filters: terms.filters.as_deref().unwrap_or_default(),
                now: notice.at,
            })
        })
        .collect()
}
