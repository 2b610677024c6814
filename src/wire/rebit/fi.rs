//! Messages about financial information: asking for it and fetching it.

use serde::{Deserialize, Serialize};

use super::key_material::{KeyMaterial, OfferedKey};
use super::{AnswerHead, Echo, Head, Request, Spoken, head};
use crate::domain::command::CollectData;
use crate::domain::consent::Range;
use crate::domain::ids::{ConsentId, SessionId};
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::wire::fields::{
    bounded_list, instant, need, object, objects, optional_text, quoted, text,
};
use crate::wire::problem::Problem;

/// Body of `POST /FI/request`.
#[derive(Debug, Deserialize)]
pub struct FiRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "FIDataRange", default, deserialize_with = "object")]
    range: Option<AskedRange>,
    #[serde(rename = "Consent", default, deserialize_with = "object")]
    consent: Option<AskedConsent>,
    #[serde(rename = "KeyMaterial", default, deserialize_with = "object")]
    key_material: Option<KeyMaterial>,
}

#[derive(Debug, Default, Deserialize)]
struct AskedRange {
    from: Option<String>,
    to: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedConsent {
    id: Option<String>,
    digital_signature: Option<String>,
}

/// A request for data whose schema is right.
#[derive(Debug)]
pub struct AskedData {
    pub range: Range,
    pub consent_id: ConsentId,
    /// The third part of the artefact's `signedConsent`.
    pub signature: String,
    pub key: OfferedKey,
}

impl Request for FiRequest {
    type Content = AskedData;

    fn head(&mut self) -> Result<Head, Problem> {
        head(
            Spoken::Both,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn content(self, head: &Head, _: &str) -> Result<AskedData, Problem> {
        let range = need("FIDataRange", self.range)?;
        let range = Range {
            from: instant("FIDataRange.from", range.from)?,
            to: instant("FIDataRange.to", range.to)?,
        };
        let consent = need("Consent", self.consent)?;
        let id = text("Consent.id", consent.id)?;
        let signature = text("Consent.digitalSignature", consent.digital_signature)?;
        let key = need("KeyMaterial", self.key_material)?.check(head.ver)?;
        let consent_id =
            ConsentId::parse(&id).ok_or_else(|| Refusal::UnknownConsentId(quoted(&id)))?;
        Ok(AskedData {
            range,
            consent_id,
            signature,
            key,
        })
    }
}

/// Answer of `POST /FI/request`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FiResponse<'a> {
    #[serde(flatten)]
    head: AnswerHead<'a>,
    consent_id: String,
    session_id: String,
}

impl<'a> FiResponse<'a> {
    pub fn new(echo: Echo<'a>, session: &Session) -> Self {
        Self {
            head: echo.head(),
            consent_id: session.consent_id.to_string(),
            session_id: session.id.to_string(),
        }
    }
}

/// Body of `POST /FI/fetch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FiFetchRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    session_id: Option<String>,
    fip_id: Option<String>,
    #[serde(default, deserialize_with = "objects")]
    link_ref_number: Option<Vec<LinkRef>>,
}

#[derive(Debug, Deserialize)]
struct LinkRef {
    id: Option<String>,
}

impl Request for FiFetchRequest {
    type Content = CollectData;

    fn head(&mut self) -> Result<Head, Problem> {
        head(
            Spoken::Two,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn content(self, _: &Head, _: &str) -> Result<CollectData, Problem> {
        const LINKS: &str = "linkRefNumber";
        let session = text("sessionId", self.session_id)?;
        let links = self.link_ref_number;
        bounded_list(LINKS, links.as_deref().unwrap_or_default())?;
        if links.as_ref().is_some_and(Vec::is_empty) {
            return Err(Problem::field(
                LINKS,
                "is empty; name at least one account, or leave it out for all",
            ));
        }
        let links = links
            .unwrap_or_default()
            .into_iter()
            .map(|link| text("linkRefNumber.id", link.id));
        let links = links.collect::<Result<Vec<_>, _>>()?;
        wanted(&session, self.fip_id, links)
    }
}

/// What an FIU wants of a session: checks what the body of 2.x and the path and query of 1.1.x have in common.
pub fn wanted(
    session: &str,
    fip: Option<String>,
    link_refs: Vec<String>,
) -> Result<CollectData, Problem> {
    if let Some(twice) = link_refs
        .iter()
        .enumerate()
        .find(|(place, link)| link_refs[..*place].contains(link))
    {
        return Err(Problem::field(
            "linkRefNumber",
            format!("names {} twice", quoted(twice.1)),
        ));
    }
    Ok(CollectData {
        session: SessionId::parse(session)
            .ok_or_else(|| Refusal::UnknownSession(quoted(session)))?,
        fip: optional_text("fipId", fip)?.map(Into::into),
        link_refs: link_refs.into_iter().map(Into::into).collect(),
    })
}

/// One account's data, encrypted.
#[derive(Debug)]
pub struct Sealed {
    pub fip: String,
    pub link_ref: String,
    pub masked_number: String,
    pub encrypted: String,
    pub key_material: KeyMaterial,
}

#[derive(Debug, Serialize)]
struct FiEntry<'a> {
    #[serde(rename = "fipID")]
    fip_id: &'a str,
    data: [FiItem<'a>; 1],
    #[serde(rename = "KeyMaterial")]
    key_material: &'a KeyMaterial,
}

#[derive(Debug, Serialize)]
struct FiItem<'a> {
    #[serde(rename = "linkRefNumber")]
    link_ref_number: &'a str,
    #[serde(rename = "maskedAccNumber")]
    masked_acc_number: &'a str,
    /// Left empty; see [`fetched`].
    #[serde(rename = "encryptedFI")]
    encrypted_fi: &'static str,
}

/// Body of the answer with data. One entry for each account, with a key pair and a nonce of its own: several accounts
/// under one would share the AES-GCM key and IV (`reference/rebit.md` §5.1).
///
/// The ciphertexts are put in by hand: they are nearly all of the answer, base64 needs no escaping, and looking for what
/// to escape would cost as much as encrypting.
pub fn fetched(echo: Echo<'_>, sealed: &[Sealed]) -> Vec<u8> {
    const EMPTY: &str = r#""encryptedFI":""#;
    let json = "our own types serialise";
    let mut body = serde_json::to_vec(&echo.head()).expect(json);
    let ciphertexts: usize = sealed.iter().map(|sealed| sealed.encrypted.len()).sum();
    body.reserve(ciphertexts + sealed.len() * 1_024);
    body.pop();
    body.extend_from_slice(br#","FI":["#);
    for (
        place,
        Sealed {
            fip,
            link_ref,
            masked_number,
            encrypted,
            key_material,
        },
    ) in sealed.iter().enumerate()
    {
        let item = FiItem {
            link_ref_number: link_ref,
            masked_acc_number: masked_number,
            encrypted_fi: "",
        };
        let entry = serde_json::to_string(&FiEntry {
            fip_id: fip,
            data: [item],
            key_material,
        })
        .expect(json);
        // Nothing else can hold it: quotes inside texts are escaped.
        let (before, after) = entry.split_once(EMPTY).expect("the entry has the field");
        if place > 0 {
            body.push(b',');
        }
        for part in [before, EMPTY, encrypted, after] {
            body.extend_from_slice(part.as_bytes());
        }
    }
    body.extend_from_slice(b"]}");
    body
}

/// An answer with data as its receiver reads it. An entry may hold several accounts under one key: nothing forbids it,
/// so a reader must take it.
#[derive(Debug, Deserialize)]
pub struct ReceivedFi {
    #[serde(rename = "FI")]
    pub fi: Vec<ReceivedEntry>,
}

#[derive(Debug, Deserialize)]
pub struct ReceivedEntry {
    #[serde(rename = "fipID")]
    pub fip_id: String,
    pub data: Vec<ReceivedItem>,
    #[serde(rename = "KeyMaterial")]
    pub key_material: KeyMaterial,
}

#[derive(Debug, Deserialize)]
pub struct ReceivedItem {
    #[serde(rename = "linkRefNumber")]
    pub link_ref_number: String,
    #[serde(rename = "maskedAccNumber")]
    pub masked_acc_number: String,
    #[serde(rename = "encryptedFI")]
    pub encrypted_fi: String,
}
