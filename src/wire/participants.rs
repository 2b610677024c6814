//! Participants as a `mockaa.toml` lists them and as the control API shows and takes them: one shape for both. What an
//! entry leaves out follows from its id, so that an id alone is enough.

use std::net::IpAddr;
use std::sync::Arc;

use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::participants::{
    Aa, Entity, FiSchema, Fip, Fiu, LinkingMethod, Member, Participants, PlaintextEncoding,
    PublicKey, SignatureProfile, WebhookUrls,
};
use crate::wire::api_error::ApiError;
use crate::wire::fields::{discard_blank, quote_value, require_enum};
use crate::wire::jwk::Jwk;
use crate::wire::unaport::config::UnaportEntry;

/// A `mockaa.toml`. A list that is given replaces the shipped one whole.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParticipantsFile {
    pub aa: Option<Vec<AaEntry>>,
    pub fiu: Option<Vec<FiuEntry>>,
    pub fip: Option<Vec<FipEntry>>,
    pub unaport: Option<UnaportEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AaEntry {
    pub id: String,
    handle: Option<String>,
    api_key: Option<String>,
    scenario: Option<String>,
    /// The name of its key.
    pub kid: Option<String>,
    /// File of its private key, PKCS#8 in PEM; without it the shipped development key.
    pub key: Option<String>,
}

/// An FIU. Keys in a file are written `api_key`, in the control API `apiKey`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FiuEntry {
    pub id: Option<String>,
    name: Option<String>,
    #[serde(alias = "api_key")]
    api_key: Option<String>,
    #[serde(alias = "base_url")]
    base_url: Option<String>,
    /// All webhooks go there, to this very address.
    #[serde(alias = "webhook_url")]
    webhook_url: Option<String>,
    #[serde(alias = "consent_url")]
    consent_url: Option<String>,
    #[serde(alias = "data_url")]
    data_url: Option<String>,
    #[serde(alias = "analytics_url")]
    analytics_url: Option<String>,
    #[serde(alias = "org_id")]
    org_id: Option<String>,
    #[serde(alias = "webhook_secret", alias = "secret")]
    webhook_secret: Option<String>,
    #[serde(alias = "signature_profile")]
    signature_profile: Option<String>,
    plaintext: Option<String>,
    #[serde(alias = "fi_schema")]
    fi_schema: Option<String>,
    #[serde(alias = "redirect_passphrase")]
    redirect_passphrase: Option<String>,
    #[serde(alias = "public_keys")]
    #[schemars(with = "Option<Vec<serde_json::Value>>")]
    public_keys: Option<Vec<Jwk>>,
}

/// A FIP.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FipEntry {
    pub id: Option<String>,
    name: Option<String>,
    #[serde(alias = "api_key")]
    api_key: Option<String>,
    linking: Option<String>,
    #[serde(alias = "public_keys")]
    #[schemars(with = "Option<Vec<serde_json::Value>>")]
    public_keys: Option<Vec<Jwk>>,
}

impl AaEntry {
    pub fn into_aa(self) -> Result<Aa, ApiError> {
        let id = validate_id("aa.id", Some(self.id))?;
        Ok(Aa {
            handle: self.handle.map_or_else(|| Arc::clone(&id), Into::into),
            api_key: self.api_key.map_or_else(
                || format!("{}-dev-aa-api-key", id.to_lowercase()).into(),
                Into::into,
            ),
            scenario: discard_blank(self.scenario).map(Into::into),
            id,
        })
    }
}

impl FiuEntry {
    /// The FIU as the control API shows it.
    pub fn from_fiu(fiu: &Fiu) -> Self {
        let Fiu {
            entity,
            webhook_secret,
            org_id,
            webhooks,
            signature,
            plaintext,
            fi_schema,
            redirect_passphrase,
        } = fiu;
        let WebhookUrls {
            base,
            all,
            consent,
            data,
            analytics,
        } = webhooks;
        let to_owned_url = |url: &Option<Arc<str>>| url.as_deref().map(Into::into);
        Self {
            id: Some(entity.id.to_string()),
            name: Some(entity.name.to_string()),
            api_key: Some(entity.api_key.to_string()),
            base_url: to_owned_url(base),
            webhook_url: to_owned_url(all),
            consent_url: to_owned_url(consent),
            data_url: to_owned_url(data),
            analytics_url: to_owned_url(analytics),
            org_id: Some(org_id.to_string()),
            webhook_secret: Some(webhook_secret.to_string()),
            signature_profile: Some(signature.to_string()),
            plaintext: Some(plaintext.to_string()),
            fi_schema: Some(fi_schema.to_string()),
            redirect_passphrase: Some(redirect_passphrase.to_string()),
            public_keys: Some(entity.public_keys.iter().map(Jwk::from).collect()),
        }
    }

    /// Whether it says where webhooks go.
    pub fn has_webhook_url(&self) -> bool {
        let urls = [
            &self.base_url,
            &self.webhook_url,
            &self.consent_url,
            &self.data_url,
            &self.analytics_url,
        ];
        urls.into_iter().any(Option::is_some)
    }

    /// The FIU of this entry: what it leaves out stays as `before` has it, or follows from the id. An empty URL means
    /// none.
    pub fn into_fiu(self, previous: Option<&Fiu>) -> Result<Fiu, ApiError> {
        let entity = build_entity(
            "fiu",
            self.id,
            self.name,
            self.api_key,
            self.public_keys,
            previous.map(|fiu| &fiu.entity),
        )?;
        let default_secret = || {
            let seed_text = format!("mockaa development secret {}", entity.id);
            format!(
                "whsec_{}",
                base64_simd::STANDARD.encode_to_string(seed_text)
            )
            .into()
        };
        let webhook_secret = match self.webhook_secret {
            Some(secret) => validate_secret(&secret)?,
            None => previous.map_or_else(default_secret, |fiu| Arc::clone(&fiu.webhook_secret)),
        };
        let webhooks = previous.map(|fiu| fiu.webhooks.clone()).unwrap_or_default();
        let webhooks = WebhookUrls {
            base: resolve_url(self.base_url, webhooks.base, |url| {
                check_fiu_url("fiu.baseUrl", url)
            })?,
            all: resolve_url(self.webhook_url, webhooks.all, |url| {
                check_webhook_url("fiu.webhookUrl", url)
            })?,
            consent: resolve_url(self.consent_url, webhooks.consent, |url| {
                check_webhook_url("fiu.consentUrl", url)
            })?,
            data: resolve_url(self.data_url, webhooks.data, |url| {
                check_webhook_url("fiu.dataUrl", url)
            })?,
            analytics: resolve_url(self.analytics_url, webhooks.analytics, |url| {
                check_webhook_url("fiu.analyticsUrl", url)
            })?,
        };
        let org_id = match self.org_id {
            None => {
                previous.map_or_else(|| default_org_id(&entity.id), |fiu| Arc::clone(&fiu.org_id))
            }
            org_id => validate_id("fiu.orgId", org_id)?,
        };
        let signature = match self.signature_profile {
            None => previous.map_or(SignatureProfile::Detached, |fiu| fiu.signature),
            profile => require_enum(
                "fiu.signatureProfile",
                profile,
                SignatureProfile::parse,
                SignatureProfile::accepted_names,
            )?,
        };
        let plaintext = match self.plaintext {
            None => previous.map_or(PlaintextEncoding::Xml, |fiu| fiu.plaintext),
            plaintext => require_enum(
                "fiu.plaintext",
                plaintext,
                PlaintextEncoding::parse,
                PlaintextEncoding::accepted_names,
            )?,
        };
        let fi_schema = match self.fi_schema {
            None => previous.map_or(FiSchema::V1, |fiu| fiu.fi_schema),
            schema => require_enum(
                "fiu.fiSchema",
                schema,
                FiSchema::parse,
                FiSchema::accepted_names,
            )?,
        };
        let redirect_passphrase = match discard_blank(self.redirect_passphrase) {
            Some(passphrase) => passphrase.into(),
            None => previous.map_or_else(
                || format!("mockaa-dev-{}-passphrase", entity.id.to_lowercase()).into(),
                |fiu| Arc::clone(&fiu.redirect_passphrase),
            ),
        };
        Ok(Fiu {
            entity,
            webhook_secret,
            org_id,
            webhooks,
            signature,
            plaintext,
            fi_schema,
            redirect_passphrase,
        })
    }
}

impl FipEntry {
    /// The FIP as the control API shows it.
    pub fn from_fip(fip: &Fip) -> Self {
        let Fip { entity, linking } = fip;
        Self {
            id: Some(entity.id.to_string()),
            name: Some(entity.name.to_string()),
            api_key: Some(entity.api_key.to_string()),
            linking: Some(linking.to_string()),
            public_keys: Some(entity.public_keys.iter().map(Jwk::from).collect()),
        }
    }

    /// The FIP of this entry: what it leaves out stays as `before` has it, or follows from the id.
    pub fn into_fip(self, previous: Option<&Fip>) -> Result<Fip, ApiError> {
        let linking = match self.linking {
            None => previous.map_or(LinkingMethod::Token, |fip| fip.linking),
            linking => require_enum(
                "fip.linking",
                linking,
                LinkingMethod::parse,
                LinkingMethod::accepted_names,
            )?,
        };
        Ok(Fip {
            entity: build_entity(
                "fip",
                self.id,
                self.name,
                self.api_key,
                self.public_keys,
                previous.map(|fip| &fip.entity),
            )?,
            linking,
        })
    }
}

/// The address that an entry sets, or leaves as it was.
fn resolve_url(
    value: Option<String>,
    previous: Option<Arc<str>>,
    check: impl Fn(&str) -> Result<String, ApiError>,
) -> Result<Option<Arc<str>>, ApiError> {
    match value {
        None => Ok(previous),
        Some(url) => Ok(discard_blank(Some(url))
            .map(|url| check(&url))
            .transpose()?
            .map(Into::into)),
    }
}

/// The organisation of an FIU that names none: the same in every sandbox, since clients write it into their settings.
fn default_org_id(fiu: &str) -> Arc<str> {
    derive_id(&["organisation", fiu]).into()
}

/// An id that follows from names (RFC 9562 §5.5).
pub fn derive_id(names: &[&str]) -> String {
    Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("urn:mockaa:{}", names.join(":")).as_bytes(),
    )
    .to_string()
}

/// Refuses participants that could not be told apart.
pub fn check_distinct(participants: &Participants) -> Result<(), ApiError> {
    let members: Vec<Member> = participants.all_members().collect();
    if let Some(conflict) = members
        .iter()
        .find(|member| participants.find_aa(&member.entity().id).is_some())
    {
        return Err(ApiError::invalid_field(
            "id",
            format!("{} is that of an AA", quote_value(&conflict.entity().id)),
        ));
    }
    for (index, aa) in participants.aas.iter().enumerate() {
        for other in &participants.aas[..index] {
            if other.id == aa.id {
                return Err(ApiError::invalid_field(
                    "aa.id",
                    format!("{} is given to two AAs", quote_value(&aa.id)),
                ));
            }
            if other.handle == aa.handle {
                let message = format!(
                    "@{} of {} is also that of {}",
                    aa.handle,
                    quote_value(&aa.id),
                    quote_value(&other.id)
                );
                return Err(ApiError::invalid_field("aa.handle", message));
            }
        }
    }
    for (index, fiu) in participants.fius.iter().enumerate() {
        let has_same_org =
            |other: &&Arc<Fiu>| other.org_id == fiu.org_id && other.entity.id != fiu.entity.id;
        if let Some(other) = participants.fius[..index].iter().find(has_same_org) {
            let message = format!(
                "of {} is also that of {}",
                quote_value(&fiu.entity.id),
                quote_value(&other.entity.id)
            );
            return Err(ApiError::invalid_field("orgId", message));
        }
    }
    for (index, member) in members.iter().enumerate() {
        let Entity { id, api_key, .. } = member.entity();
        for other in members[..index].iter().map(Member::entity) {
            if other.id == *id {
                return Err(ApiError::invalid_field(
                    "id",
                    format!("{} is given to two participants", quote_value(id)),
                ));
            }
            if other.api_key == *api_key {
                let message = format!(
                    "of {} is also that of {}",
                    quote_value(id),
                    quote_value(&other.id)
                );
                return Err(ApiError::invalid_field("apiKey", message));
            }
        }
    }
    Ok(())
}

fn build_entity(
    kind: &'static str,
    id: Option<String>,
    name: Option<String>,
    api_key: Option<String>,
    public_keys: Option<Vec<Jwk>>,
    previous: Option<&Entity>,
) -> Result<Entity, ApiError> {
    let id = validate_id(if kind == "fiu" { "fiu.id" } else { "fip.id" }, id)?;
    let api_key = match discard_blank(api_key) {
        Some(api_key)
            if api_key.len() > 256 || api_key.bytes().any(|byte| !byte.is_ascii_graphic()) =>
        {
            return Err(ApiError::invalid_field(
                "apiKey",
                "has to be 1 to 256 ASCII characters without spaces",
            ));
        }
        Some(api_key) => api_key.into(),
        None => previous.map_or_else(
            || format!("mockaa-dev-{}-api-key", id.to_lowercase()).into(),
            |entity| Arc::clone(&entity.api_key),
        ),
    };
    let (public_keys, shipped_keys) = match public_keys {
        Some(keys) => {
            let keys: Vec<_> = keys
                .iter()
                .map(PublicKey::try_from)
                .collect::<Result<_, _>>()?;
            // What was shown may be sent back: the keys stay what they were.
            let is_shipped = previous
                .is_some_and(|entity| entity.uses_shipped_keys && entity.public_keys == keys);
            (keys, is_shipped)
        }
        None => previous.map_or((Vec::new(), false), |entity| {
            (entity.public_keys.clone(), entity.uses_shipped_keys)
        }),
    };
    let name = discard_blank(name)
        .map(Into::into)
        .or_else(|| previous.map(|entity| Arc::clone(&entity.name)));
    Ok(Entity {
        name: name.unwrap_or_else(|| Arc::clone(&id)),
        id,
        api_key,
        public_keys,
        uses_shipped_keys: shipped_keys,
    })
}

fn validate_id(field: &'static str, id: Option<String>) -> Result<Arc<str>, ApiError> {
    let id = id.unwrap_or_default();
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@');
    if (1..=64).contains(&id.len()) && id.bytes().all(is_allowed) {
        Ok(id.into())
    } else {
        let message = format!(
            "{} has to be 1 to 64 letters, digits, dots, dashes, underscores and @",
            quote_value(&id)
        );
        Err(ApiError::invalid_field(field, message))
    }
}

/// A Standard Webhooks secret (Standard Webhooks 1.0): `whsec_` and base64.
fn validate_secret(secret: &str) -> Result<Arc<str>, ApiError> {
    let bytes = secret
        .strip_prefix("whsec_")
        .and_then(|text| base64_simd::STANDARD.decode_to_vec(text).ok());
    match bytes {
        Some(bytes) if (24..=64).contains(&bytes.len()) => Ok(secret.into()),
        _ => Err(ApiError::invalid_field(
            "fiu.webhookSecret",
            "is not whsec_ followed by base64 of 24 to 64 bytes",
        )),
    }
}

/// Instance-metadata services of clouds: never called, whatever somebody configures (DESIGN §4.13). Beside them, every
/// link-local IPv4 address.
const METADATA_HOSTS: [&str; 3] = [
    "fd00:ec2::254",
    "metadata.google.internal",
    "100.100.100.200",
];

fn is_metadata_host(host: &str) -> bool {
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .trim_end_matches('.')
        .to_ascii_lowercase();
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            address.is_link_local() || METADATA_HOSTS.contains(&&*address.to_string())
        }
        Ok(IpAddr::V6(address)) => METADATA_HOSTS.contains(&&*address.to_string()),
        Err(_) => METADATA_HOSTS.contains(&&*host),
    }
}

/// Checks an address below which webhooks are to be posted, and takes the slash off its end.
pub fn check_fiu_url(field: &'static str, text: &str) -> Result<String, ApiError> {
    let url = check_webhook_url(field, text)?;
    if url.contains(['?', '#']) {
        let message = format!(
            "{} has a query or a fragment; paths are appended to it",
            quote_value(text)
        );
        return Err(ApiError::invalid_field(field, message));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// Checks an address that webhooks are to be posted to.
fn check_webhook_url(field: &'static str, text: &str) -> Result<String, ApiError> {
    let invalid_url = |message: &str| {
        let description = format!(
            "{} is not an address for webhooks: {message}; give one such as http://127.0.0.1:9000",
            quote_value(text)
        );
        ApiError::invalid_field(field, description)
    };
    let url = Url::parse(text).map_err(|error| invalid_url(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid_url("its scheme is not http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid_url(
            "a user name or password in it would stand in every record of a delivery",
        ));
    }
    if url.host_str().is_none_or(is_metadata_host) {
        return Err(invalid_url("cloud-metadata addresses are never called"));
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::{FiuEntry, check_fiu_url};

    #[test]
    fn an_fiu_url_is_http_and_no_metadata_service() {
        let check = |text| check_fiu_url("fiu.baseUrl", text);
        assert_eq!(
            check("http://localhost:9000/aa/").as_deref(),
            Ok("http://localhost:9000/aa")
        );
        for text in [
            "localhost:9000",
            "ftp://x",
            "http://169.254.169.254/",
            "http://[::ffff:169.254.169.254]/",
            "http://169.254.170.2",
            "http://2852039166/",
            "http://[fd00:ec2::254]/x",
            "http://metadata.google.internal./",
            "http://user:secret@x/",
            "http://x?y=1",
            "",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_is_enough_and_the_rest_follows() {
        let fiu = FiuEntry {
            id: Some("FIU-9".to_owned()),
            ..FiuEntry::default()
        }
        .into_fiu(None)
        .expect("an FIU");
        assert_eq!(
            (&*fiu.entity.api_key, &*fiu.entity.name),
            ("mockaa-dev-fiu-9-api-key", "FIU-9")
        );
        let again = FiuEntry {
            base_url: Some("http://x".to_owned()),
            ..FiuEntry::from_fiu(&fiu)
        }
        .into_fiu(Some(&fiu));
        assert_eq!(
            again.expect("an FIU").webhooks.base.as_deref(),
            Some("http://x")
        );
    }
}
