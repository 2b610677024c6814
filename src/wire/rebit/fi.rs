//! Owns the messages that request and fetch financial information (ReBIT AA API 1.1.x and 2.x).
//! Leaves encryption to `crypto::key_exchange`.

use serde::{Deserialize, Serialize};

use super::key_material::{CheckedKeyMaterial, KeyMaterial};
use super::{Head, Request, ResponseContext, ResponseHead, VersionSupport, parse_head};
use crate::domain::command::FetchData;
use crate::domain::ids::{ConsentId, SessionId};
use crate::domain::rejection::Rejection;
use crate::domain::session::Session;
use crate::domain::terms::TimeRange;
use crate::domain::text::quote_value;
use crate::wire::api_error::ApiError;
use crate::wire::fields::{
    check_list_length, deserialize_object, deserialize_object_list, parse_optional_text,
    require_field, require_text, require_timestamp,
};

/// The body of `POST /FI/request`.
#[derive(Debug, Deserialize)]
pub(crate) struct FiRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(
        rename = "FIDataRange",
        default,
        deserialize_with = "deserialize_object"
    )]
    range: Option<UncheckedRange>,
    #[serde(rename = "Consent", default, deserialize_with = "deserialize_object")]
    consent: Option<UncheckedConsent>,
    #[serde(
        rename = "KeyMaterial",
        default,
        deserialize_with = "deserialize_object"
    )]
    key_material: Option<KeyMaterial>,
}

#[derive(Debug, Default, Deserialize)]
struct UncheckedRange {
    from: Option<String>,
    to: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UncheckedConsent {
    id: Option<String>,
    digital_signature: Option<String>,
}

/// A request for data with a valid schema.
#[derive(Debug)]
pub(crate) struct FiRequestContent {
    pub range: TimeRange,
    pub consent_id: ConsentId,
    /// The third part of the artefact's `signedConsent`.
    pub signature: String,
    pub key: CheckedKeyMaterial,
}

impl Request for FiRequest {
    type Content = FiRequestContent;

    fn take_head(&mut self) -> Result<Head, ApiError> {
        parse_head(
            VersionSupport::Both,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn into_content(self, head: &Head, _: &str) -> Result<FiRequestContent, ApiError> {
        let range = require_field("FIDataRange", self.range)?;
        let range = TimeRange {
            from: require_timestamp("FIDataRange.from", range.from)?,
            to: require_timestamp("FIDataRange.to", range.to)?,
        };
        let consent = require_field("Consent", self.consent)?;
        let id = require_text("Consent.id", consent.id)?;
        let signature = require_text("Consent.digitalSignature", consent.digital_signature)?;
        let key = require_field("KeyMaterial", self.key_material)?.into_checked(head.ver)?;
        let consent_id =
            ConsentId::parse(&id).ok_or_else(|| Rejection::UnknownConsentId(quote_value(&id)))?;
        Ok(FiRequestContent {
            range,
            consent_id,
            signature,
            key,
        })
    }
}

/// The response of `POST /FI/request`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FiResponse<'a> {
    #[serde(flatten)]
    head: ResponseHead<'a>,
    consent_id: String,
    session_id: String,
}

impl<'a> FiResponse<'a> {
    /// Returns the response for a new session.
    pub(crate) fn new(context: ResponseContext<'a>, session: &Session) -> Self {
        Self {
            head: context.response_head(),
            consent_id: session.consent_id.to_string(),
            session_id: session.id.to_string(),
        }
    }
}

/// The body of `POST /FI/fetch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FiFetchRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    session_id: Option<String>,
    fip_id: Option<String>,
    #[serde(default, deserialize_with = "deserialize_object_list")]
    link_ref_number: Option<Vec<LinkRef>>,
}

#[derive(Debug, Deserialize)]
struct LinkRef {
    id: Option<String>,
}

impl Request for FiFetchRequest {
    type Content = FetchData;

    fn take_head(&mut self) -> Result<Head, ApiError> {
        parse_head(
            VersionSupport::GenerationTwo,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn into_content(self, _: &Head, _: &str) -> Result<FetchData, ApiError> {
        const LINKS: &str = "linkRefNumber";
        let session = require_text("sessionId", self.session_id)?;
        let links = self.link_ref_number;
        check_list_length(LINKS, links.as_deref().unwrap_or_default())?;
        if links.as_ref().is_some_and(Vec::is_empty) {
            return Err(ApiError::invalid_field(
                LINKS,
                "is empty; name at least one account, or leave it out for all",
            ));
        }
        let links = links
            .unwrap_or_default()
            .into_iter()
            .map(|link| require_text("linkRefNumber.id", link.id));
        let links = links.collect::<Result<Vec<_>, _>>()?;
        parse_fetch_data(&session, self.fip_id, links)
    }
}

/// Validates the parameters of a fetch, from the body in 2.x and from path and query in 1.1.x.
pub(crate) fn parse_fetch_data(
    session: &str,
    fip: Option<String>,
    link_refs: Vec<String>,
) -> Result<FetchData, ApiError> {
    if let Some(duplicate) = link_refs
        .iter()
        .enumerate()
        .find(|(index, link)| link_refs[..*index].contains(link))
    {
        return Err(ApiError::invalid_field(
            "linkRefNumber",
            format!("names {} twice", quote_value(duplicate.1)),
        ));
    }
    Ok(FetchData {
        session: SessionId::parse(session)
            .ok_or_else(|| Rejection::UnknownSession(quote_value(session)))?,
        fip: parse_optional_text("fipId", fip)?.map(Into::into),
        link_refs: link_refs.into_iter().map(Into::into).collect(),
    })
}

/// The encrypted data of a FIP, or of one of its accounts, under one key.
#[derive(Debug)]
pub struct EncryptedEntry {
    pub fip: String,
    pub accounts: Vec<EncryptedAccount>,
    pub key_material: KeyMaterial,
}

/// The encrypted data of one account.
#[derive(Debug)]
pub struct EncryptedAccount {
    pub link_ref: String,
    pub masked_number: String,
    pub encrypted: String,
}

#[derive(Debug, Serialize)]
struct FiEntry<'a> {
    #[serde(rename = "fipID")]
    fip_id: &'a str,
    data: Vec<FiItem<'a>>,
    #[serde(rename = "KeyMaterial")]
    key_material: &'a KeyMaterial,
}

#[derive(Debug, Serialize)]
struct FiItem<'a> {
    #[serde(rename = "linkRefNumber")]
    link_ref_number: &'a str,
    #[serde(rename = "maskedAccNumber")]
    masked_acc_number: &'a str,
    /// Always empty; see [`encode_fetch_response`].
    #[serde(rename = "encryptedFI")]
    encrypted_fi: &'static str,
}

/// Returns the body of the response with data.
///
/// The ciphertexts bypass the serializer. They are nearly the whole response, base64 needs no
/// escaping, and a scan for characters to escape would take as long as the encryption.
pub fn encode_fetch_response(context: ResponseContext<'_>, entries: &[EncryptedEntry]) -> Vec<u8> {
    const EMPTY: &str = r#""encryptedFI":""#;
    let serialises = "texts serialise";
    let mut body = serde_json::to_vec(&context.response_head()).expect(serialises);
    let accounts = entries.iter().flat_map(|entry| &entry.accounts);
    let sizes = accounts.map(|account| account.encrypted.len() + 1_024);
    body.reserve(sizes.sum());
    body.pop();
    body.extend_from_slice(br#","FI":["#);
    for (index, entry) in entries.iter().enumerate() {
        let EncryptedEntry {
            fip,
            accounts,
            key_material,
        } = entry;
        let items = accounts.iter().map(|account| FiItem {
            link_ref_number: &account.link_ref,
            masked_acc_number: &account.masked_number,
            encrypted_fi: "",
        });
        let text = serde_json::to_string(&FiEntry {
            fip_id: fip,
            data: items.collect(),
            key_material,
        })
        .expect(serialises);
        if index > 0 {
            body.push(b',');
        }
        // The marker occurs once for each account, because quotes inside texts are escaped.
        let mut parts = text.split(EMPTY);
        let first = parts.next().expect("a text has a first part");
        body.extend_from_slice(first.as_bytes());
        for (account, part) in accounts.iter().zip(parts) {
            for part in [EMPTY, &account.encrypted, part] {
                body.extend_from_slice(part.as_bytes());
            }
        }
    }
    body.extend_from_slice(b"]}");
    body
}

/// A response with data, as its receiver reads it. An entry may contain several accounts under one
/// key: the specification allows it, so a receiver must accept it.
#[derive(Debug, Deserialize)]
pub(crate) struct ReceivedFetchResponse {
    #[serde(rename = "FI")]
    pub fi: Vec<ReceivedEntry>,
}

/// The data of a FIP in a received response.
#[derive(Debug, Deserialize)]
pub(crate) struct ReceivedEntry {
    #[serde(rename = "fipID")]
    pub fip_id: String,
    pub data: Vec<ReceivedItem>,
    #[serde(rename = "KeyMaterial")]
    pub key_material: KeyMaterial,
}

/// The encrypted data of an account in a received response.
#[derive(Debug, Deserialize)]
pub(crate) struct ReceivedItem {
    #[serde(rename = "linkRefNumber")]
    pub link_ref_number: String,
    #[serde(rename = "maskedAccNumber")]
    pub masked_acc_number: String,
    #[serde(rename = "encryptedFI")]
    pub encrypted_fi: String,
}
