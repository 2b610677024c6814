//! The Central Registry (`reference/rebit.md` §4.3): who takes part, where to find them, and their keys.

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::account::FiType;
use crate::domain::naming::wire_enum;
use crate::domain::participants::{Participants, PublicKey};
use crate::domain::time::Timestamp;
use crate::wire::jwk::Jwk;

wire_enum! {
    /// Kind of participant.
    EntityType { Aa = "AA", Fip = "FIP", Fiu = "FIU" }
}

/// `entityinfo` with its envelope.
#[derive(Debug, Serialize)]
pub struct EntityInfo {
    ver: &'static str,
    timestamp: String,
    txnid: String,
    requester: Value,
    entityinfo: Value,
}

/// Where the sandbox is, and the AAs' own keys, by id.
#[derive(Clone, Copy)]
pub struct RegistryContext<'a> {
    pub base_url: &'a str,
    pub aa_key: &'a dyn Fn(&str) -> &'a PublicKey,
    pub txnid: &'a str,
    pub now: Timestamp,
}

/// The entities of a kind.
pub fn build_entity_list(
    kind: EntityType,
    participants: &Participants,
    context: RegistryContext<'_>,
) -> Vec<(String, EntityInfo)> {
    let info = |id: &str, name: &str, handle: Option<&str>, base: &str, key: Option<&PublicKey>| {
        let fi_types: Vec<_> = match kind {
            EntityType::Fip => FiType::ALL.iter().map(|fi_type| fi_type.as_str()).collect(),
            EntityType::Aa | EntityType::Fiu => Vec::new(),
        };
        let entityinfo = json!({
            "name": name,
            "id": id,
            "code": id,
            "entityhandle": handle.unwrap_or_default(),
            "Identifiers": [{ "category": "STRONG", "type": "MOBILE" }],
            "baseurl": base,
            "webviewurl": handle.map(|_| format!("{}/aa/webview", context.base_url)),
            "fitypes": fi_types,
            "certificate": key.map(Jwk::from),
            "tokeninfo": {
                "url": format!("{}/auth/realms/sahamati/protocol/openid-connect/token", context.base_url),
                "desc": "client credentials: the entity's id and its API key",
            },
            "inboundports": [],
            "outboundports": [],
            "ips": [],
        });
        let requester = &*participants.default_aa().id;
        let requester = json!({ "name": requester, "id": requester });
        let (timestamp, txnid) = (context.now.to_string(), context.txnid.to_owned());
        (
            id.to_owned(),
            EntityInfo {
                ver: "1.0",
                timestamp,
                txnid,
                requester,
                entityinfo,
            },
        )
    };
    match kind {
        EntityType::Aa => {
            // One address speaks both generations (DESIGN §1).
            let base = format!("v1:{0}, v2:{0}/V2", context.base_url);
            let aas = participants.aas.iter();
            aas.map(|aa| {
                info(
                    &aa.id,
                    &aa.id,
                    Some(&aa.handle),
                    &base,
                    Some((context.aa_key)(&aa.id)),
                )
            })
            .collect()
        }
        EntityType::Fiu => {
            let fius = participants.fius.iter().map(|fiu| {
                let entity = &fiu.entity;
                info(
                    &entity.id,
                    &entity.name,
                    None,
                    fiu.webhooks.base.as_deref().unwrap_or_default(),
                    entity.public_keys.first(),
                )
            });
            fius.collect()
        }
        EntityType::Fip => {
            let fips = participants.fips.iter().map(|fip| {
                let entity = &fip.entity;
                info(
                    &entity.id,
                    &entity.name,
                    None,
                    context.base_url,
                    entity.public_keys.first(),
                )
            });
            fips.collect()
        }
    }
}

/// Refusal of the registry.
pub fn build_error(status: u16, text: &str) -> Value {
    json!({ "responseCode": status, "responseText": text })
}
