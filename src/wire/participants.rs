//! Participants as a `mockaa.toml` lists them and as the control API shows and takes them: one shape for both. What an
//! entry leaves out follows from its id, so that an id alone is enough.

use std::net::IpAddr;
use std::sync::Arc;

use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::participants::{
    Aa, Entity, FiSchema, Fip, Fiu, Linking, Member, Participants, Plaintext, PublicKey,
    SignatureProfile, WebhookUrls,
};
use crate::wire::fields::{one_of, optional, quoted};
use crate::wire::jwk::Jwk;
use crate::wire::problem::Problem;
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
    pub fn into_aa(self) -> Result<Aa, Problem> {
        let id = id_of("aa.id", Some(self.id))?;
        Ok(Aa {
            handle: self.handle.map_or_else(|| Arc::clone(&id), Into::into),
            api_key: self.api_key.map_or_else(
                || format!("{}-dev-aa-api-key", id.to_lowercase()).into(),
                Into::into,
            ),
            scenario: optional(self.scenario).map(Into::into),
            id,
        })
    }
}

impl FiuEntry {
    /// The FIU as the control API shows it.
    pub fn of(fiu: &Fiu) -> Self {
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
        let shown = |url: &Option<Arc<str>>| url.as_deref().map(Into::into);
        Self {
            id: Some(entity.id.to_string()),
            name: Some(entity.name.to_string()),
            api_key: Some(entity.api_key.to_string()),
            base_url: shown(base),
            webhook_url: shown(all),
            consent_url: shown(consent),
            data_url: shown(data),
            analytics_url: shown(analytics),
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
    pub fn says_where(&self) -> bool {
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
    pub fn into_fiu(self, before: Option<&Fiu>) -> Result<Fiu, Problem> {
        let entity = entity(
            "fiu",
            self.id,
            self.name,
            self.api_key,
            self.public_keys,
            before.map(|fiu| &fiu.entity),
        )?;
        let default_secret = || {
            let words = format!("mockaa development secret {}", entity.id);
            format!("whsec_{}", base64_simd::STANDARD.encode_to_string(words)).into()
        };
        let webhook_secret = match self.webhook_secret {
            Some(secret) => checked_secret(&secret)?,
            None => before.map_or_else(default_secret, |fiu| Arc::clone(&fiu.webhook_secret)),
        };
        let webhooks = before.map(|fiu| fiu.webhooks.clone()).unwrap_or_default();
        let webhooks = WebhookUrls {
            base: url_of(self.base_url, webhooks.base, |url| {
                check_fiu_url("fiu.baseUrl", url)
            })?,
            all: url_of(self.webhook_url, webhooks.all, |url| {
                check_webhook_url("fiu.webhookUrl", url)
            })?,
            consent: url_of(self.consent_url, webhooks.consent, |url| {
                check_webhook_url("fiu.consentUrl", url)
            })?,
            data: url_of(self.data_url, webhooks.data, |url| {
                check_webhook_url("fiu.dataUrl", url)
            })?,
            analytics: url_of(self.analytics_url, webhooks.analytics, |url| {
                check_webhook_url("fiu.analyticsUrl", url)
            })?,
        };
        let org_id = match self.org_id {
            None => before.map_or_else(|| org_of(&entity.id), |fiu| Arc::clone(&fiu.org_id)),
            given => id_of("fiu.orgId", given)?,
        };
        let signature = match self.signature_profile {
            None => before.map_or(SignatureProfile::Detached, |fiu| fiu.signature),
            given => one_of(
                "fiu.signatureProfile",
                given,
                SignatureProfile::parse,
                SignatureProfile::names,
            )?,
        };
        let plaintext = match self.plaintext {
            None => before.map_or(Plaintext::Xml, |fiu| fiu.plaintext),
            given => one_of("fiu.plaintext", given, Plaintext::parse, Plaintext::names)?,
        };
        let fi_schema = match self.fi_schema {
            None => before.map_or(FiSchema::V1, |fiu| fiu.fi_schema),
            given => one_of("fiu.fiSchema", given, FiSchema::parse, FiSchema::names)?,
        };
        let redirect_passphrase = match optional(self.redirect_passphrase) {
            Some(passphrase) => passphrase.into(),
            None => before.map_or_else(
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
    pub fn of(fip: &Fip) -> Self {
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
    pub fn into_fip(self, before: Option<&Fip>) -> Result<Fip, Problem> {
        let linking = match self.linking {
            None => before.map_or(Linking::Token, |fip| fip.linking),
            given => one_of("fip.linking", given, Linking::parse, Linking::names)?,
        };
        Ok(Fip {
            entity: entity(
                "fip",
                self.id,
                self.name,
                self.api_key,
                self.public_keys,
                before.map(|fip| &fip.entity),
            )?,
            linking,
        })
    }
}

/// The address that an entry sets, or leaves as it was.
fn url_of(
    given: Option<String>,
    before: Option<Arc<str>>,
    check: impl Fn(&str) -> Result<String, Problem>,
) -> Result<Option<Arc<str>>, Problem> {
    match given {
        None => Ok(before),
        Some(url) => Ok(optional(Some(url))
            .map(|url| check(&url))
            .transpose()?
            .map(Into::into)),
    }
}

/// The organisation of an FIU that names none: the same in every sandbox, since clients write it into their settings.
fn org_of(fiu: &str) -> Arc<str> {
    derived_id(&["organisation", fiu]).into()
}

/// An id that follows from names (RFC 9562 §5.5).
pub fn derived_id(names: &[&str]) -> String {
    Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("urn:mockaa:{}", names.join(":")).as_bytes(),
    )
    .to_string()
}

/// Refuses participants that could not be told apart.
pub fn check_distinct(participants: &Participants) -> Result<(), Problem> {
    let members: Vec<Member> = participants.members().collect();
    if let Some(taken) = members
        .iter()
        .find(|member| participants.aa(&member.entity().id).is_some())
    {
        return Err(Problem::field(
            "id",
            format!("{} is that of an AA", quoted(&taken.entity().id)),
        ));
    }
    for (place, aa) in participants.aas.iter().enumerate() {
        for other in &participants.aas[..place] {
            if other.id == aa.id {
                return Err(Problem::field(
                    "aa.id",
                    format!("{} is given to two AAs", quoted(&aa.id)),
                ));
            }
            if other.handle == aa.handle {
                let problem = format!(
                    "@{} of {} is also that of {}",
                    aa.handle,
                    quoted(&aa.id),
                    quoted(&other.id)
                );
                return Err(Problem::field("aa.handle", problem));
            }
        }
    }
    for (place, fiu) in participants.fius.iter().enumerate() {
        let clashes =
            |other: &&Arc<Fiu>| other.org_id == fiu.org_id && other.entity.id != fiu.entity.id;
        if let Some(other) = participants.fius[..place].iter().find(clashes) {
            let problem = format!(
                "of {} is also that of {}",
                quoted(&fiu.entity.id),
                quoted(&other.entity.id)
            );
            return Err(Problem::field("orgId", problem));
        }
    }
    for (place, member) in members.iter().enumerate() {
        let Entity { id, api_key, .. } = member.entity();
        for other in members[..place].iter().map(Member::entity) {
            if other.id == *id {
                return Err(Problem::field(
                    "id",
                    format!("{} is given to two participants", quoted(id)),
                ));
            }
            if other.api_key == *api_key {
                let problem = format!("of {} is also that of {}", quoted(id), quoted(&other.id));
                return Err(Problem::field("apiKey", problem));
            }
        }
    }
    Ok(())
}

fn entity(
    kind: &'static str,
    id: Option<String>,
    name: Option<String>,
    api_key: Option<String>,
    public_keys: Option<Vec<Jwk>>,
    before: Option<&Entity>,
) -> Result<Entity, Problem> {
    let id = id_of(if kind == "fiu" { "fiu.id" } else { "fip.id" }, id)?;
    let api_key = match optional(api_key) {
        Some(api_key)
            if api_key.len() > 256 || api_key.bytes().any(|byte| !byte.is_ascii_graphic()) =>
        {
            return Err(Problem::field(
                "apiKey",
                "has to be 1 to 256 ASCII characters without spaces",
            ));
        }
        Some(api_key) => api_key.into(),
        None => before.map_or_else(
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
            let same =
                before.is_some_and(|entity| entity.shipped_keys && entity.public_keys == keys);
            (keys, same)
        }
        None => before.map_or((Vec::new(), false), |entity| {
            (entity.public_keys.clone(), entity.shipped_keys)
        }),
    };
    let name = optional(name)
        .map(Into::into)
        .or_else(|| before.map(|entity| Arc::clone(&entity.name)));
    Ok(Entity {
        name: name.unwrap_or_else(|| Arc::clone(&id)),
        id,
        api_key,
        public_keys,
        shipped_keys,
    })
}

fn id_of(field: &'static str, id: Option<String>) -> Result<Arc<str>, Problem> {
    let id = id.unwrap_or_default();
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@');
    if (1..=64).contains(&id.len()) && id.bytes().all(plain) {
        Ok(id.into())
    } else {
        let problem = format!(
            "{} has to be 1 to 64 letters, digits, dots, dashes, underscores and @",
            quoted(&id)
        );
        Err(Problem::field(field, problem))
    }
}

/// A Standard Webhooks secret (Standard Webhooks 1.0): `whsec_` and base64.
fn checked_secret(secret: &str) -> Result<Arc<str>, Problem> {
    let bytes = secret
        .strip_prefix("whsec_")
        .and_then(|text| base64_simd::STANDARD.decode_to_vec(text).ok());
    match bytes {
        Some(bytes) if (24..=64).contains(&bytes.len()) => Ok(secret.into()),
        _ => Err(Problem::field(
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

fn is_metadata(host: &str) -> bool {
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
pub fn check_fiu_url(field: &'static str, text: &str) -> Result<String, Problem> {
    let url = check_webhook_url(field, text)?;
    if url.contains(['?', '#']) {
        let problem = format!(
            "{} has a query or a fragment; paths are appended to it",
            quoted(text)
        );
        return Err(Problem::field(field, problem));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// Checks an address that webhooks are to be posted to.
fn check_webhook_url(field: &'static str, text: &str) -> Result<String, Problem> {
    let wrong = |problem: &str| {
        let problem = format!(
            "{} is not an address for webhooks: {problem}; give one such as http://127.0.0.1:9000",
            quoted(text)
        );
        Problem::field(field, problem)
    };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("its scheme is not http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "a user name or password in it would stand in every record of a delivery",
        ));
    }
    if url.host_str().is_none_or(is_metadata) {
        return Err(wrong("cloud-metadata addresses are never called"));
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
            ..FiuEntry::of(&fiu)
        }
        .into_fiu(Some(&fiu));
        assert_eq!(
            again.expect("an FIU").webhooks.base.as_deref(),
            Some("http://x")
        );
    }
}
