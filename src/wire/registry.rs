//! Owns the bodies of the Central Registry: the participants with their URLs and keys (Sahamati
//! Central Registry; `docs/sources.md#central-registry`).

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::account::FiType;
use crate::domain::naming::wire_enum;
use crate::domain::participants::{Participants, PublicKey};
use crate::domain::time::Timestamp;
use crate::wire::jwk::Jwk;

wire_enum! {
    /// The kinds of participants.
    EntityType { Aa = "AA", Fip = "FIP", Fiu = "FIU" }
}

/// An entity's `entityinfo` with its envelope.
#[derive(Debug, Serialize)]
pub(crate) struct EntityInfo {
    ver: &'static str,
    timestamp: String,
    txnid: String,
    requester: Value,
    entityinfo: Value,
}

/// The facts that entries depend on beside the participants. `aa_key` returns an AA's public key by
/// the AA's id.
#[derive(Clone, Copy)]
pub(crate) struct RegistryContext<'a> {
    pub base_url: &'a str,
    pub aa_key: &'a dyn Fn(&str) -> &'a PublicKey,
    pub txnid: &'a str,
    pub now: Timestamp,
}

/// The facts of one participant that its `entityinfo` shows.
struct EntityFacts<'a> {
    id: &'a str,
    name: &'a str,
    /// The handle of an AA; other participants have none.
    handle: Option<&'a str>,
    base_url: &'a str,
    fi_types: Vec<&'static str>,
    key: Option<&'a PublicKey>,
}

/// Returns all participants of a kind, with their ids.
pub(crate) fn build_entity_list(
    kind: EntityType,
    participants: &Participants,
    context: RegistryContext<'_>,
) -> Vec<(String, EntityInfo)> {
    // The AA API has one URL for 1.1.x and one for 2.x (`docs/architecture.md#apis`).
    let aa_base_url = format!("v1:{0}, v2:{0}/V2", context.base_url);
    let entities: Vec<EntityFacts<'_>> = match kind {
        EntityType::Aa => participants
            .aas
            .iter()
            .map(|aa| EntityFacts {
                id: &aa.id,
                name: &aa.name,
                handle: Some(&aa.handle),
                base_url: &aa_base_url,
                fi_types: Vec::new(),
                key: Some((context.aa_key)(&aa.id)),
            })
            .collect(),
        EntityType::Fiu => participants
            .fius
            .iter()
            .map(|fiu| EntityFacts {
                id: &fiu.entity.id,
                name: &fiu.entity.name,
                handle: None,
                base_url: fiu.webhooks.base.as_deref().unwrap_or_default(),
                fi_types: Vec::new(),
                key: fiu.entity.public_keys.first(),
            })
            .collect(),
        EntityType::Fip => participants
            .fips
            .iter()
            .map(|fip| EntityFacts {
                id: &fip.entity.id,
                name: &fip.entity.name,
                handle: None,
                base_url: context.base_url,
                fi_types: FiType::ALL.iter().map(|fi_type| fi_type.as_str()).collect(),
                key: fip.entity.public_keys.first(),
            })
            .collect(),
    };
    let requester = &*participants.default_aa().id;
    entities
        .into_iter()
        .map(|entity| {
            let id = entity.id.to_owned();
            (id, build_entity_info(entity, requester, context))
        })
        .collect()
}

fn build_entity_info(
    entity: EntityFacts<'_>,
    requester: &str,
    context: RegistryContext<'_>,
) -> EntityInfo {
    let EntityFacts {
        id,
        name,
        handle,
        base_url,
        fi_types,
        key,
    } = entity;
    let entityinfo = json!({
        "name": name,
        "id": id,
        "code": id,
        "entityhandle": handle.unwrap_or_default(),
        "Identifiers": [{ "category": "STRONG", "type": "MOBILE" }],
        "baseurl": base_url,
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
    EntityInfo {
        ver: "1.0",
        timestamp: context.now.to_string(),
        txnid: context.txnid.to_owned(),
        requester: json!({ "name": requester, "id": requester }),
        entityinfo,
    }
}

/// Returns the error body of the registry.
pub(crate) fn build_error(status: u16, text: &str) -> Value {
    json!({ "responseCode": status, "responseText": text })
}
