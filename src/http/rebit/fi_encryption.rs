//! Encryption of a session's statements for the FIU, as a FIP does it.

use std::sync::Arc;

use crate::bankgen::{derive_data_key, generate_session_statement};
use crate::crypto::base64;
use crate::crypto::key_exchange::{KeyExchangeError, KeyPair, encode_public_key};
use crate::domain::account::Account;
use crate::domain::command::FetchData;
use crate::domain::consent::Consent;
use crate::domain::key_exchange::PeerKey;
use crate::domain::participants::{
    DataForm, FiEntries, Participants, PlaintextEncoding, RequestedForm,
};
use crate::domain::session::{FiStatus, Session, SessionAccount};
use crate::domain::statement::StatementForm;
use crate::domain::time::{Millis, Timestamp};
use crate::wire::fi::form::form_statement;
use crate::wire::fi::xml;
use crate::wire::rebit::fi::{EncryptedAccount, EncryptedEntry};
use crate::wire::rebit::key_material::KeyMaterial;

/// Lifetime of our key. The reference implementation (rahasya) issues keys for a day
/// (`docs/sources.md#encryption`).
const KEY_TTL: Millis = Millis::from_secs(86_400);

/// Input of [`encrypt_statements`].
pub(crate) struct EncryptionJob {
    /// Seed of the world.
    pub seed: u64,
    pub participants: Arc<Participants>,
    /// Receiver of the data.
    pub fiu: Arc<str>,
    pub consent: Arc<Consent>,
    pub session: Arc<Session>,
    pub key: Arc<PeerKey>,
    pub command: FetchData,
    pub requested_form: RequestedForm,
    pub now: Timestamp,
}

/// An account whose statement is encrypted.
struct ReadyAccount<'a> {
    part: &'a SessionAccount,
    account: &'a Account,
}

/// Returns the encrypted statements of the requested accounts that have been delivered, in entries
/// that have their own key pair and nonce ([`FiEntries`]). Generates a statement for each account and
/// agrees on a key for each entry: call it on a blocking thread.
///
/// # Errors
/// [`KeyExchangeError`] when no key can be agreed on with the FIU's key.
pub(crate) fn encrypt_statements(
    job: &EncryptionJob,
) -> Result<Vec<EncryptedEntry>, KeyExchangeError> {
    let forms = job
        .participants
        .data_forms(Some(&job.fiu), job.requested_form);
    let mut entries: Vec<(&str, DataForm, Vec<ReadyAccount<'_>>)> = Vec::new();
    for ready in list_ready_accounts(job) {
        let fip = &*ready.part.fip;
        let form = forms.of_fip(fip);
        let shared = entries
            .iter_mut()
            .find(|(known, ..)| *known == fip && form.entries == FiEntries::PerFip);
        match shared {
            Some((_, _, accounts)) => accounts.push(ready),
            None => entries.push((fip, form, vec![ready])),
        }
    }
    entries
        .into_iter()
        .map(|(fip, form, accounts)| encrypt_entry(job, fip, form, &accounts))
        .collect()
}

/// Returns the accounts of the session that were requested and delivered.
fn list_ready_accounts(job: &EncryptionJob) -> impl Iterator<Item = ReadyAccount<'_>> {
    let granted: Vec<&Account> = job
        .consent
        .grant
        .iter()
        .flat_map(|grant| grant.accounts.iter())
        .collect();
    let delivered = job
        .session
        .accounts
        .iter()
        .filter(|part| part.status == FiStatus::Delivered && job.command.matches_account(part));
    delivered.filter_map(move |part| {
        let account = granted
            .iter()
            .find(|account| part.matches_account(account))?;
        Some(ReadyAccount { part, account })
    })
}

fn encrypt_entry(
    job: &EncryptionJob,
    fip: &str,
    form: DataForm,
    accounts: &[ReadyAccount<'_>],
) -> Result<EncryptedEntry, KeyExchangeError> {
    let EncryptionJob {
        seed,
        participants,
        session,
        key,
        now,
        ..
    } = job;
    let DataForm {
        plaintext,
        statement: StatementForm { schema, quirks },
        ..
    } = form;
    let mut state = String::new();
    for ReadyAccount { part, account } in accounts {
        state += &format!("{}/{}/", account.link_ref, part.answered_at);
        if let Some(changes) = &part.changes {
            state += &format!("{}/", changes.revision());
        }
    }
    let narration = participants.narration_layout(fip);
    state += &format!("{plaintext}/{schema}/{narration}");
    for quirk in quirks.iter() {
        state += &format!("/{quirk}");
    }
    let (secret, nonce) = derive_data_key(*seed, session.id, fip, &state);
    let pair = KeyPair::from_random(key.curve, secret, nonce);
    let key_value = encode_public_key(pair.curve, &pair.public);
    let accounts = accounts
        .iter()
        .map(|ready| encrypt_account(job, form, &pair, ready))
        .collect::<Result<_, _>>()?;
    Ok(EncryptedEntry {
        fip: fip.to_owned(),
        accounts,
        key_material: KeyMaterial::new(
            pair.curve,
            key_value,
            base64::encode(&pair.nonce),
            now.saturating_add(KEY_TTL),
        )
        .with_labels(key.labels.as_ref()),
    })
}

fn encrypt_account(
    job: &EncryptionJob,
    form: DataForm,
    pair: &KeyPair,
    ReadyAccount { part, account }: &ReadyAccount<'_>,
) -> Result<EncryptedAccount, KeyExchangeError> {
    let statement = generate_session_statement(
        job.seed,
        &job.participants,
        &job.consent,
        &job.session,
        part,
        account,
    );
    let statement = statement.expect("only accounts that have a statement are READY");
    let mut document = Vec::new();
    xml::write_statement(&form_statement(statement, form.statement), &mut document);
    let document = match form.plaintext {
        PlaintextEncoding::Xml => document,
        PlaintextEncoding::Base64 => base64::encode(&document).into_bytes(),
    };
    Ok(EncryptedAccount {
        link_ref: part.link_ref.to_string(),
        masked_number: account.masked_number.to_string(),
        encrypted: pair.encrypt(&job.key, document)?,
    })
}
