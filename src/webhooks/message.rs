//! From a notice to the bytes that are sent. Pure in the notice and the message time, so that a retry sends the same
//! bytes and a frozen world repeats them.

use crate::bankgen::{StatementRequest, statement};
use crate::crypto::jws;
use crate::crypto::keys::SigningKey;
use crate::domain::account::Account;
use crate::domain::delivery::Message;
use crate::domain::notice::{Content, Notice};
use crate::domain::participants::{Aa, SignatureProfile};
use crate::domain::session::{FiStatus, Session};
use crate::domain::statement::Statement;
use crate::domain::time::Timestamp;
use crate::wire::notification;

/// Makes the body and signs it. Costs a signature, and for FI data a statement: call it on a blocking thread.
pub fn prepare(
    notice: &Notice,
    aa: &Aa,
    key: &SigningKey,
    profile: SignatureProfile,
    world_seed: u64,
    message_time: Timestamp,
) -> Message {
    let statements = match &notice.content {
        Content::FiData(session) => statements(notice, session, world_seed),
        Content::ConsentStatus(_) | Content::FiStatus(_) => Vec::new(),
    };
    let body = notification::body(notice, aa, message_time, &statements);
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
