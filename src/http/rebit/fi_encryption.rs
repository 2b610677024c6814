//! Encryption of a session's statements for the FIU, as a FIP does it.

use std::sync::Arc;

use crate::bankgen::{derive_data_key, generate_session_statement};
use crate::crypto::base64;
use crate::crypto::key_exchange::{KeyExchangeError, KeyPair, encode_public_key};
use crate::domain::account::Account;
use crate::domain::command::FetchData;
use crate::domain::consent::Consent;
use crate::domain::key_exchange::PeerKey;
use crate::domain::participants::{FiSchema, PlaintextEncoding};
use crate::domain::session::{FiStatus, Session, SessionAccount};
use crate::domain::time::{Millis, Timestamp};
use crate::wire::fi::xml;
use crate::wire::rebit::fi::EncryptedAccount;
use crate::wire::rebit::key_material::KeyMaterial;

/// Lifetime of our key. The reference implementation (rahasya) issues keys for a day
/// (`docs/sources.md#encryption`).
const KEY_TTL: Millis = Millis::from_secs(86_400);

/// Input of [`encrypt_statements`].
pub(crate) struct EncryptionJob {
    /// Seed of the world.
    pub seed: u64,
    pub consent: Arc<Consent>,
    pub session: Arc<Session>,
    pub key: Arc<PeerKey>,
    pub plaintext: PlaintextEncoding,
    pub schema: FiSchema,
    pub command: FetchData,
    pub now: Timestamp,
}

/// Returns the encrypted statements of the requested accounts that have been delivered, each with
/// its own key pair and nonce. Generates a statement and agrees on a key for each account: call it
/// on a blocking thread.
///
/// # Errors
/// [`KeyExchangeError`] when no key can be agreed on with the FIU's key.
pub(crate) fn encrypt_statements(
    job: &EncryptionJob,
) -> Result<Vec<EncryptedAccount>, KeyExchangeError> {
    let granted: Vec<&Account> = job
        .consent
        .grant
        .iter()
        .flat_map(|grant| grant.accounts.iter())
        .collect();
    let accounts = job
        .session
        .accounts
        .iter()
        .filter(|account| {
            account.status == FiStatus::Delivered && job.command.matches_account(account)
        })
        .filter_map(|session_account| {
            let account = granted
                .iter()
                .find(|account| session_account.matches_account(account))?;
            Some((session_account, *account))
        });
    accounts
        .map(|(session_account, account)| encrypt_account(job, session_account, account))
        .collect()
}

fn encrypt_account(
    job: &EncryptionJob,
    session_account: &SessionAccount,
    account: &Account,
) -> Result<EncryptedAccount, KeyExchangeError> {
    let EncryptionJob {
        seed,
        consent,
        session,
        key,
        plaintext,
        schema,
        now,
        ..
    } = job;
    let statement = generate_session_statement(*seed, consent, session, session_account, account);
    let mut document = Vec::new();
    xml::write_statement(
        &statement.expect("only accounts that have a statement are READY"),
        *schema,
        &mut document,
    );
    let document = match plaintext {
        PlaintextEncoding::Xml => document,
        PlaintextEncoding::Base64 => base64::encode(&document).into_bytes(),
    };
    let (secret, nonce) = derive_data_key(
        *seed,
        session.id,
        account,
        &format!("{}/{plaintext}/{schema}", session_account.answered_at),
    );
    let pair = KeyPair::from_random(key.curve, secret, nonce);
    let key_value = encode_public_key(pair.curve, &pair.public);
    Ok(EncryptedAccount {
        fip: session_account.fip.to_string(),
        link_ref: session_account.link_ref.to_string(),
        masked_number: account.masked_number.to_string(),
        encrypted: pair.encrypt(key, document)?,
        key_material: KeyMaterial::new(
            pair.curve,
            key_value,
            base64::encode(&pair.nonce),
            now.saturating_add(KEY_TTL),
        ),
    })
}
