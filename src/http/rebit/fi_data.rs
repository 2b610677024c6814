//! From a session to encrypted statements: what a FIP does when it hands over data.

use std::sync::Arc;

use crate::bankgen::{data_key, session_statement};
use crate::crypto::base64;
use crate::crypto::exchange::{ExchangeError, KeyPair, write_public};
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

/// How long our key may be used (rahasya issues keys for a day, `reference/rebit.md` §5.4).
const KEY_LIFE: Millis = Millis::from_secs(86_400);

/// What is to be handed over, and to whom.
pub struct Parcel {
    /// The world's.
    pub seed: u64,
    pub consent: Arc<Consent>,
    pub session: Arc<Session>,
    pub key: Arc<PeerKey>,
    pub plaintext: PlaintextEncoding,
    pub schema: FiSchema,
    pub wanted: FetchData,
    pub now: Timestamp,
}

/// Statements of the accounts that were asked for and are there, each under a key pair and a nonce of its own. Costs a
/// statement and a key agreement for each: call it on a blocking thread.
///
/// # Errors
/// [`ExchangeError`] when the FIU's key is of no use.
pub fn seal(parcel: &Parcel) -> Result<Vec<EncryptedAccount>, ExchangeError> {
    let handed_over = |account: &&SessionAccount| {
        account.status == FiStatus::Delivered && parcel.wanted.matches_account(account)
    };
    let granted: Vec<&Account> = parcel
        .consent
        .grant
        .iter()
        .flat_map(|grant| grant.accounts.iter())
        .collect();
    let accounts = parcel
        .session
        .accounts
        .iter()
        .filter(handed_over)
        .filter_map(|part| {
            let account = granted
                .iter()
                .find(|account| part.matches_account(account))?;
            Some((part, *account))
        });
    accounts
        .map(|(part, account)| seal_account(parcel, part, account))
        .collect()
}

fn seal_account(
    parcel: &Parcel,
    part: &SessionAccount,
    account: &Account,
) -> Result<EncryptedAccount, ExchangeError> {
    let Parcel {
        seed,
        consent,
        session,
        key,
        plaintext,
        schema,
        now,
        ..
    } = parcel;
    let statement = session_statement(*seed, consent, session, part, account);
    let mut document = Vec::new();
    xml::write_statement(
        &statement.expect("only accounts that can be told are READY"),
        *schema,
        &mut document,
    );
    let document = match plaintext {
        PlaintextEncoding::Xml => document,
        PlaintextEncoding::Base64 => base64::encode(&document).into_bytes(),
    };
    let (secret, nonce) = data_key(
        *seed,
        session.id,
        account,
        &format!("{}/{plaintext}/{schema}", part.answered_at),
    );
    let pair = KeyPair::from_random(key.curve, secret, nonce);
    let key_value = write_public(pair.curve, &pair.public);
    Ok(EncryptedAccount {
        fip: part.fip.to_string(),
        link_ref: part.link_ref.to_string(),
        masked_number: account.masked_number.to_string(),
        encrypted: pair.encrypt(key, document)?,
        key_material: KeyMaterial::new(
            pair.curve,
            key_value,
            base64::encode(&pair.nonce),
            now.saturating_add(KEY_LIFE),
        ),
    })
}
