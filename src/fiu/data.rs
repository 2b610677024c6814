//! The FIU's side of encrypted financial information (ReBIT AA API 2.0.0, `KeyMaterial` and data encryption;
//! `docs/sources.md#encryption`).

use thiserror::Error;

use crate::crypto::base64;
use crate::crypto::key_exchange::{
    KeyExchangeError, KeyPair, encode_public_key, parse_nonce, parse_public_key,
};
use crate::domain::key_exchange::PeerKey;
use crate::domain::time::Timestamp;
use crate::wire::rebit::fi::ReceivedFetchResponse;
use crate::wire::rebit::key_material::KeyMaterial;

/// The document of an account, as a FIP has written it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedDocument {
    pub fip_id: String,
    pub link_ref: String,
    pub masked_number: String,
    pub document: String,
}

/// Data of a FIP that cannot be decrypted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum DataError {
    #[error("{fip_id}: {error}")]
    KeyMaterial {
        fip_id: String,
        error: KeyExchangeError,
    },
    #[error("account {link_ref} of {fip_id}: {error}")]
    Decryption {
        fip_id: String,
        link_ref: String,
        error: KeyExchangeError,
    },
    #[error("account {link_ref} of {fip_id}: the decrypted data is not a document")]
    NoDocument { fip_id: String, link_ref: String },
}

/// Returns the public half of a key pair as an FIU sends it.
pub(crate) fn publish_key(pair: &KeyPair, expiry: Timestamp) -> KeyMaterial {
    let key_value = encode_public_key(pair.curve, &pair.public);
    KeyMaterial::new(pair.curve, key_value, base64::encode(&pair.nonce), expiry)
}

/// Reads the public key and the nonce of the other side.
///
/// # Errors
/// [`KeyExchangeError`] if one is missing or invalid.
pub(crate) fn parse_peer_key(key_material: &KeyMaterial) -> Result<PeerKey, KeyExchangeError> {
    let (key_value, nonce) = key_material
        .key_and_nonce()
        .ok_or(KeyExchangeError::Encoding)?;
    let (curve, public) = parse_public_key(key_value)?;
    Ok(PeerKey {
        curve,
        public,
        nonce: parse_nonce(nonce)?,
        labels: None,
    })
}

/// Decrypts the documents of a response of `/FI/fetch`.
///
/// # Errors
/// The first document that cannot be read.
pub(crate) fn decrypt_response(
    pair: &KeyPair,
    response: ReceivedFetchResponse,
) -> Result<Vec<ReceivedDocument>, DataError> {
    let mut documents = Vec::new();
    for entry in response.fi {
        let fip_id = entry.fip_id;
        let peer = parse_peer_key(&entry.key_material).map_err(|error| DataError::KeyMaterial {
            fip_id: fip_id.clone(),
            error,
        })?;
        for item in entry.data {
            let link_ref = item.link_ref_number;
            let plaintext =
                pair.decrypt(&peer, &item.encrypted_fi)
                    .map_err(|error| DataError::Decryption {
                        fip_id: fip_id.clone(),
                        link_ref: link_ref.clone(),
                        error,
                    })?;
            let document = decode_document(plaintext).ok_or_else(|| DataError::NoDocument {
                fip_id: fip_id.clone(),
                link_ref: link_ref.clone(),
            })?;
            documents.push(ReceivedDocument {
                fip_id: fip_id.clone(),
                link_ref,
                masked_number: item.masked_acc_number,
                document,
            });
        }
    }
    Ok(documents)
}

/// Returns a document from what was encrypted. Some senders encrypt base64 of it.
fn decode_document(plaintext: Vec<u8>) -> Option<String> {
    let document = match plaintext.first() {
        Some(b'<') => plaintext,
        _ => base64::decode(std::str::from_utf8(&plaintext).ok()?)?,
    };
    String::from_utf8(document).ok()
}
