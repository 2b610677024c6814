//! Owns the participants' shape in `mockaa.toml` and in the control API, which is the same for
//! both. Leaves storage and look-up to `domain::participants`.
//!
//! Omitted keys of an entry are derived from its id, so an id alone is a complete entry.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use schemars::{JsonSchema, schema_for};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::crypto::base64;
use crate::domain::brand::{Brand, Color};
use crate::domain::fair_use::FairUseTemplate;
use crate::domain::ids::derive_id;
use crate::domain::logo::{Logo, LogoFormat};
use crate::domain::metadata_address::is_metadata_host;
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::participants::{
    Aa, AaCredential, Entity, FiEntries, FiSchema, Fip, Fiu, LinkingMethod, Member, Participants,
    PlaintextEncoding, PublicKey, SignatureProfile, WebhookHeaders, WebhookUrls,
};
use crate::domain::quirk::{Quirk, Quirks};
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::text::quote_value;
use crate::domain::time_source::{TimeSettings, TimeSource};
use crate::files::unaport::{AccountEntry, UnaportEntry};
use crate::wire::api_error::ApiError;
use crate::wire::control::schema_types::{SecretText, UrlText};
use crate::wire::fields::{discard_blank, parse_time_settings, require_enum, require_enum_list};
use crate::wire::jwk::Jwk;

/// The content of a `mockaa.toml`. A list in the file replaces the shipped one completely.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParticipantsFile {
    pub aa: Option<Vec<AaEntry>>,
    pub fiu: Option<Vec<FiuEntry>>,
    pub fip: Option<Vec<FipEntry>>,
    pub unaport: Option<UnaportEntry>,
    pub time: Option<TimeEntry>,
    /// Options of commands, which belong to the command line.
    #[serde(rename = "serve")]
    _serve: Option<IgnoredAny>,
    #[serde(rename = "run")]
    _run: Option<IgnoredAny>,
    #[serde(rename = "demo")]
    _demo: Option<IgnoredAny>,
    #[serde(rename = "listen")]
    _listen: Option<IgnoredAny>,
}

/// Names of the tables with the options of a command.
pub(crate) const OPTION_TABLES: [&str; 4] = ["serve", "run", "demo", "listen"];

/// The `[time]` table: the clocks of messages where an FIU sets none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeEntry {
    /// Clock of `webhook-timestamp` and its HMAC, for FIUs that set none.
    #[schemars(with = "Option<TimeSource>")]
    signing_time: Option<String>,
    /// Clock of `timestamp` in answers and webhook bodies, for FIUs that set none.
    #[schemars(with = "Option<TimeSource>")]
    message_time: Option<String>,
}

impl TimeEntry {
    /// Validates the table.
    pub(crate) fn into_settings(self) -> Result<TimeSettings, ApiError> {
        parse_time_settings(
            ("time.signing_time", self.signing_time),
            ("time.message_time", self.message_time),
        )
    }
}

/// An AA. An omitted handle or API key is derived from the id. With an API key, the AA sends that
/// key as `aa_api_key`; without one, it sends a token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AaEntry {
    /// Id, 1 to 64 letters, digits, dots, dashes, underscores and `@`. The only key that is required.
    pub id: String,
    /// Name for people. Default: the id.
    name: Option<String>,
    /// Part after `@` of its customers' addresses, without an `@`. Default: the id.
    handle: Option<String>,
    /// Text that it sends as `aa_api_key`. Default: a token (JWT), and the secret
    /// `mockaa-dev-ID-api-key` for the token service.
    api_key: Option<String>,
    /// Scenario of its consents, where neither a header nor a magic customer selects one.
    scenario: Option<String>,
    /// Color of its mark and its buttons on the customer's pages: `#` and six hexadecimal digits.
    /// Default: derived from the id.
    #[schemars(regex(pattern = r"^#?[0-9A-Fa-f]{6}$"))]
    color: Option<String>,
    /// Second color of its mark. Default: derived from the id.
    #[schemars(regex(pattern = r"^#?[0-9A-Fa-f]{6}$"))]
    accent_color: Option<String>,
    /// File of the image that is shown in place of its mark, PNG or SVG of at most 64 KiB, beside
    /// this file. Default: the mark.
    pub logo: Option<String>,
    /// Id of its signing key, ASCII without spaces, quotes and backslashes.
    pub kid: Option<String>,
    /// File of its private key, PKCS#8 in PEM, beside this file. Default: the shipped development key.
    pub key: Option<String>,
}

/// An FIU. Names are written as `api_key` in a file and as `apiKey` in the control API.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FiuEntry {
    /// Id, 1 to 64 letters, digits, dots, dashes, underscores and `@`.
    pub id: Option<String>,
    /// Name for people. Default: the id.
    name: Option<String>,
    /// API key that it sends. Default: `mockaa-dev-ID-api-key`, in lower case.
    #[serde(alias = "api_key")]
    api_key: Option<String>,
    /// Base URL of its webhooks, below which each kind has its path. Default: `--fiu-url`.
    #[serde(alias = "base_url")]
    #[schemars(with = "Option<UrlText>")]
    base_url: Option<String>,
    /// Exact URL of all webhooks.
    #[serde(alias = "webhook_url")]
    #[schemars(with = "Option<UrlText>")]
    webhook_url: Option<String>,
    /// Exact URL of webhooks about consents.
    #[serde(alias = "consent_url")]
    #[schemars(with = "Option<UrlText>")]
    consent_url: Option<String>,
    /// Exact URL of webhooks about data.
    #[serde(alias = "data_url")]
    #[schemars(with = "Option<UrlText>")]
    data_url: Option<String>,
    /// Exact URL of webhooks about analytics.
    #[serde(alias = "analytics_url")]
    #[schemars(with = "Option<UrlText>")]
    analytics_url: Option<String>,
    /// Id of its organisation in the Unaport API.
    #[serde(alias = "org_id")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9._@-]{1,64}$"))]
    org_id: Option<String>,
    /// Secret of Standard Webhooks: `whsec_` and Base64 of 24 to 64 bytes.
    #[serde(alias = "webhook_secret", alias = "secret")]
    #[schemars(with = "Option<SecretText>")]
    webhook_secret: Option<String>,
    /// Headers that every webhook has beside those of the sandbox, such as `Authorization`. An
    /// empty object removes them.
    #[serde(alias = "webhook_headers")]
    webhook_headers: Option<BTreeMap<String, String>>,
    /// Form of the signatures that it gets.
    #[serde(alias = "signature_profile")]
    #[schemars(with = "Option<SignatureProfile>")]
    signature_profile: Option<String>,
    /// Form of the encrypted documents: XML, or Base64 of it.
    #[schemars(with = "Option<PlaintextEncoding>")]
    plaintext: Option<String>,
    /// Generation of the FI schemas of its documents. Default: the one in force at the request.
    #[serde(alias = "fi_schema")]
    #[schemars(with = "Option<FiSchema>")]
    fi_schema: Option<String>,
    /// Clock of `webhook-timestamp` and its HMAC.
    #[serde(alias = "signing_time")]
    #[schemars(with = "Option<TimeSource>")]
    signing_time: Option<String>,
    /// Clock of `timestamp` in answers and webhook bodies.
    #[serde(alias = "message_time")]
    #[schemars(with = "Option<TimeSource>")]
    message_time: Option<String>,
    /// Passphrase of web redirection.
    #[serde(alias = "redirect_passphrase")]
    redirect_passphrase: Option<String>,
    /// Code of web redirection for a customer who leaves without an answer: 20, or 5 as in version
    /// 1.1.0.
    #[serde(alias = "unanswered_errorcode")]
    #[schemars(range(min = 1, max = 20))]
    unanswered_errorcode: Option<RedirectionCode>,
    /// Fair-use templates that hold for this FIU beside those for every FIU.
    #[serde(alias = "fair_use_templates")]
    #[schemars(with = "Option<Vec<FairUseTemplate>>")]
    fair_use_templates: Option<Vec<String>>,
    /// Color of its mark on the customer's pages: `#` and six hexadecimal digits.
    /// Default: derived from the id.
    #[schemars(regex(pattern = r"^#?[0-9A-Fa-f]{6}$"))]
    color: Option<String>,
    /// Second color of its mark. Default: derived from the id.
    #[serde(alias = "accent_color")]
    #[schemars(regex(pattern = r"^#?[0-9A-Fa-f]{6}$"))]
    accent_color: Option<String>,
    /// Image that is shown in place of its mark, PNG or SVG of at most 64 KiB: in `mockaa.toml` a
    /// file beside it, in the control API a data URL. Default: the mark.
    #[schemars(regex(pattern = r"^data:image/(png|svg\+xml);base64,"))]
    pub logo: Option<String>,
    /// Keys with which it signs, as JWKs: `{ kty = "RSA", kid = "…", n = "…", e = "AQAB" }`.
    #[serde(alias = "public_keys")]
    public_keys: Option<Vec<Jwk>>,
}

/// A FIP.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FipEntry {
    /// Id, 1 to 64 letters, digits, dots, dashes, underscores and `@`.
    pub id: Option<String>,
    /// Name for people. Default: the id.
    name: Option<String>,
    /// API key that it sends. Default: `mockaa-dev-ID-api-key`, in lower case.
    #[serde(alias = "api_key")]
    api_key: Option<String>,
    /// Proof of the customer when accounts are linked: DIRECT, or TOKEN with a one-time password.
    #[schemars(with = "Option<LinkingMethod>")]
    linking: Option<String>,
    /// Entries of its data: one, or one for each account.
    #[serde(alias = "fi_entries")]
    #[schemars(with = "Option<FiEntries>")]
    fi_entries: Option<String>,
    /// Form of the encrypted documents. Default: that of the FIU.
    #[schemars(with = "Option<PlaintextEncoding>")]
    plaintext: Option<String>,
    /// Generation of the FI schemas of its documents. Default: that of the FIU.
    #[serde(alias = "fi_schema")]
    #[schemars(with = "Option<FiSchema>")]
    fi_schema: Option<String>,
    /// Irregularities of its documents.
    #[schemars(with = "Option<Vec<Quirk>>")]
    quirks: Option<Vec<String>>,
    /// Layout of the narrations of its bank accounts. Default: derived from the id.
    #[schemars(with = "Option<NarrationLayout>")]
    narration: Option<String>,
    /// Keys with which it signs, as JWKs.
    #[serde(alias = "public_keys")]
    public_keys: Option<Vec<Jwk>>,
}

/// A key of `mockaa.toml`, for its documentation.
#[derive(Clone, Debug)]
pub struct FileKey {
    /// Table, such as `[[fiu]]`.
    pub table: &'static str,
    pub name: String,
    /// Accepted values.
    pub form: String,
    pub description: String,
}

/// Returns the keys of all entries.
pub fn list_file_keys() -> Vec<FileKey> {
    let tables = [
        ("[[aa]]", schema_for!(AaEntry)),
        ("[[fiu]]", schema_for!(FiuEntry)),
        ("[[fip]]", schema_for!(FipEntry)),
        ("[unaport]", schema_for!(UnaportEntry)),
        ("[[unaport.account]]", schema_for!(AccountEntry)),
        ("[time]", schema_for!(TimeEntry)),
    ];
    tables
        .iter()
        .flat_map(|(table, schema)| {
            let properties = schema.get("properties").and_then(Value::as_object);
            properties
                .into_iter()
                .flatten()
                .map(|(name, property)| FileKey {
                    table,
                    name: to_snake_case(name),
                    form: describe_form(property, schema.as_value()),
                    description: property["description"]
                        .as_str()
                        .unwrap_or_default()
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" "),
                })
        })
        .collect()
}

/// Describes the values of a property of a schema.
fn describe_form(property: &Value, schema: &Value) -> String {
    let target = property["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix('#'));
    if let Some(target) = target.and_then(|path| schema.pointer(path)) {
        return describe_form(target, schema);
    }
    if let Some(choice) = property["anyOf"]
        .as_array()
        .and_then(|choices| choices.first())
    {
        return describe_form(choice, schema);
    }
    if let Some(names) = property["enum"].as_array() {
        let names = names.iter().filter_map(Value::as_str);
        return names
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let types = &property["type"];
    let name = types.as_str().or_else(|| types[0].as_str());
    match name {
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => "number".to_owned(),
        Some("array") => format!("list: {}", describe_form(&property["items"], schema)),
        Some("object") => "table".to_owned(),
        _ => "text".to_owned(),
    }
}

/// Converts a name of the control API to that of the file.
fn to_snake_case(name: &str) -> String {
    name.chars().fold(String::new(), |mut text, letter| {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
        text
    })
}

impl AaEntry {
    /// Validates the entry and returns its AA, without the logo, which is a file.
    pub(crate) fn into_aa(self) -> Result<Aa, ApiError> {
        let id = validate_id("aa.id", Some(self.id))?;
        let (api_key, credential) = match discard_blank(self.api_key) {
            Some(api_key) => (
                validate_api_key("aa.api_key", api_key)?,
                AaCredential::ApiKey,
            ),
            None => (default_api_key(&id), AaCredential::Token),
        };
        let handle = match discard_blank(self.handle) {
            Some(handle) => validate_handle(handle)?,
            None => Arc::clone(&id),
        };
        let brand = resolve_brand(
            &id,
            ("aa.color", self.color),
            ("aa.accent_color", self.accent_color),
        )?;
        Ok(Aa {
            name: discard_blank(self.name).map_or_else(|| Arc::clone(&id), Into::into),
            handle,
            api_key,
            credential,
            scenario: discard_blank(self.scenario).map(Into::into),
            brand,
            logo: None,
            id,
        })
    }
}

/// Validates the part after `@` of the addresses of an AA's customers.
fn validate_handle(handle: String) -> Result<Arc<str>, ApiError> {
    let is_valid = (1..=64).contains(&handle.len())
        && handle.bytes().all(|byte| is_id_byte(byte) && byte != b'@');
    if is_valid {
        return Ok(handle.into());
    }
    let message = format!(
        "{} must be 1 to 64 letters, digits, dots, dashes and underscores",
        quote_value(&handle)
    );
    Err(ApiError::invalid_field("aa.handle", message))
}

/// Validates the id of an AA's signing key, which stands in the header of each signature.
///
/// # Errors
/// The id and the characters that it may have.
pub(crate) fn validate_kid(kid: &str) -> Result<(), ApiError> {
    let is_valid = (1..=128).contains(&kid.len())
        && kid
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    if is_valid {
        return Ok(());
    }
    let message = format!(
        "{} must be 1 to 128 ASCII characters without spaces, quotes and backslashes",
        quote_value(kid)
    );
    Err(ApiError::invalid_field("aa.kid", message))
}

impl FiuEntry {
    /// Returns an FIU as the control API shows it.
    pub(crate) fn from_fiu(fiu: &Fiu) -> Self {
        let Fiu {
            entity,
            webhook_secret,
            org_id,
            webhooks,
            webhook_headers,
            signature,
            plaintext,
            fi_schema,
            time_settings:
                TimeSettings {
                    signing_time,
                    message_time,
                },
            redirect_passphrase,
            unanswered_errorcode,
            fair_use_templates,
            brand: Brand {
                color,
                accent_color,
            },
            logo,
        } = fiu;
        let WebhookUrls {
            base,
            all,
            consent,
            data,
            analytics,
        } = webhooks;
        Self {
            id: Some(entity.id.to_string()),
            name: Some(entity.name.to_string()),
            api_key: Some(entity.api_key.to_string()),
            base_url: base.as_deref().map(Into::into),
            webhook_url: all.as_deref().map(Into::into),
            consent_url: consent.as_deref().map(Into::into),
            data_url: data.as_deref().map(Into::into),
            analytics_url: analytics.as_deref().map(Into::into),
            org_id: Some(org_id.to_string()),
            webhook_secret: Some(webhook_secret.to_string()),
            webhook_headers: Some(
                webhook_headers
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_string()))
                    .collect(),
            ),
            signature_profile: Some(signature.to_string()),
            plaintext: Some(plaintext.to_string()),
            fi_schema: fi_schema.map(|schema| schema.to_string()),
            signing_time: signing_time.map(|source| source.to_string()),
            message_time: message_time.map(|source| source.to_string()),
            redirect_passphrase: Some(redirect_passphrase.to_string()),
            unanswered_errorcode: Some(*unanswered_errorcode),
            fair_use_templates: Some(fair_use_templates.iter().map(ToString::to_string).collect()),
            color: Some(color.to_string()),
            accent_color: Some(accent_color.to_string()),
            logo: logo.as_ref().map(write_data_url),
            public_keys: Some(entity.public_keys.iter().map(Jwk::from).collect()),
        }
    }

    /// Returns whether the entry has a URL for webhooks.
    pub(crate) fn has_webhook_url(&self) -> bool {
        let urls = [
            &self.base_url,
            &self.webhook_url,
            &self.consent_url,
            &self.data_url,
            &self.analytics_url,
        ];
        urls.into_iter().any(Option::is_some)
    }

    /// Validates the entry and returns its FIU. An omitted key has its default, and an empty URL is
    /// none. The logo is a data URL.
    pub(crate) fn into_fiu(self) -> Result<Fiu, ApiError> {
        let entity = build_entity("fiu", self.id, self.name, self.api_key, self.public_keys)?;
        let webhook_secret = match self.webhook_secret {
            Some(secret) => validate_secret(&secret)?,
            None => default_secret(&entity.id),
        };
        let webhooks = WebhookUrls {
            base: resolve_url(self.base_url, |url| check_fiu_url("fiu.baseUrl", url))?,
            all: resolve_url(self.webhook_url, |url| {
                check_webhook_url("fiu.webhookUrl", url)
            })?,
            consent: resolve_url(self.consent_url, |url| {
                check_webhook_url("fiu.consentUrl", url)
            })?,
            data: resolve_url(self.data_url, |url| check_webhook_url("fiu.dataUrl", url))?,
            analytics: resolve_url(self.analytics_url, |url| {
                check_webhook_url("fiu.analyticsUrl", url)
            })?,
        };
        let webhook_headers = match self.webhook_headers {
            Some(headers) => validate_webhook_headers(headers)?,
            None => WebhookHeaders::default(),
        };
        let org_id = match self.org_id {
            None => default_org_id(&entity.id),
            org_id => validate_id("fiu.orgId", org_id)?,
        };
        let signature = enum_or_default(
            "fiu.signatureProfile",
            self.signature_profile,
            SignatureProfile::Detached,
            SignatureProfile::parse,
            SignatureProfile::accepted_names,
        )?;
        let plaintext = enum_or_default(
            "fiu.plaintext",
            self.plaintext,
            PlaintextEncoding::Xml,
            PlaintextEncoding::parse,
            PlaintextEncoding::accepted_names,
        )?;
        let fi_schema = optional_enum(
            "fiu.fiSchema",
            self.fi_schema,
            FiSchema::parse_name_or_version,
            FiSchema::accepted_names_and_versions,
        )?;
        let time_settings = parse_time_settings(
            ("fiu.signingTime", self.signing_time),
            ("fiu.messageTime", self.message_time),
        )?;
        let redirect_passphrase = match discard_blank(self.redirect_passphrase) {
            Some(passphrase) => passphrase.into(),
            None => format!("mockaa-dev-{}-passphrase", entity.id.to_lowercase()).into(),
        };
        let unanswered_errorcode = self
            .unanswered_errorcode
            .unwrap_or(RedirectionCode::UNKNOWN);
        if unanswered_errorcode.is_success() {
            return Err(ApiError::invalid_field(
                "fiu.unansweredErrorcode",
                "is 0, which means approval; use 20, or 5 as in version 1.1.0",
            ));
        }
        let fair_use_templates = match self.fair_use_templates {
            Some(names) => names
                .into_iter()
                .map(|name| {
                    require_enum(
                        "fiu.fairUseTemplates",
                        Some(name),
                        FairUseTemplate::parse,
                        FairUseTemplate::accepted_names,
                    )
                })
                .collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        let brand = resolve_brand(
            &entity.id,
            ("fiu.color", self.color),
            ("fiu.accentColor", self.accent_color),
        )?;
        let logo = self.logo.as_deref();
        let logo = logo
            .map(|url| parse_data_url("fiu.logo", url))
            .transpose()?;
        Ok(Fiu {
            entity,
            webhook_secret,
            org_id,
            webhooks,
            webhook_headers,
            signature,
            plaintext,
            fi_schema,
            time_settings,
            redirect_passphrase,
            unanswered_errorcode,
            fair_use_templates,
            brand,
            logo,
        })
    }
}

impl FipEntry {
    /// Returns a FIP as the control API shows it.
    pub(crate) fn from_fip(fip: &Fip) -> Self {
        let Fip {
            entity,
            linking,
            fi_entries,
            plaintext,
            fi_schema,
            quirks,
            narration,
        } = fip;
        Self {
            id: Some(entity.id.to_string()),
            name: Some(entity.name.to_string()),
            api_key: Some(entity.api_key.to_string()),
            linking: Some(linking.to_string()),
            fi_entries: Some(fi_entries.to_string()),
            plaintext: plaintext.map(|plaintext| plaintext.to_string()),
            fi_schema: fi_schema.map(|schema| schema.to_string()),
            quirks: Some(quirks.iter().map(|quirk| quirk.to_string()).collect()),
            narration: Some(narration.to_string()),
            public_keys: Some(entity.public_keys.iter().map(Jwk::from).collect()),
        }
    }

    /// Validates the entry and returns its FIP. An omitted key has its default. An empty `plaintext`
    /// or `fiSchema` is that of the FIU.
    pub(crate) fn into_fip(self) -> Result<Fip, ApiError> {
        let linking = enum_or_default(
            "fip.linking",
            self.linking,
            LinkingMethod::Token,
            LinkingMethod::parse,
            LinkingMethod::accepted_names,
        )?;
        let fi_entries = enum_or_default(
            "fip.fiEntries",
            self.fi_entries,
            FiEntries::default(),
            FiEntries::parse,
            FiEntries::accepted_names,
        )?;
        let plaintext = optional_enum(
            "fip.plaintext",
            self.plaintext,
            PlaintextEncoding::parse,
            PlaintextEncoding::accepted_names,
        )?;
        let quirks = match self.quirks {
            None => Quirks::default(),
            Some(names) if names.is_empty() => Quirks::default(),
            names => require_enum_list("fip.quirks", names, Quirk::parse, Quirk::accepted_names)?
                .into_iter()
                .collect(),
        };
        let fi_schema = optional_enum(
            "fip.fiSchema",
            self.fi_schema,
            FiSchema::parse_name_or_version,
            FiSchema::accepted_names_and_versions,
        )?;
        let entity = build_entity("fip", self.id, self.name, self.api_key, self.public_keys)?;
        let default_narration = NarrationLayout::from_fip_id(&entity.id);
        let narration = enum_or_default(
            "fip.narration",
            self.narration,
            default_narration,
            NarrationLayout::parse,
            NarrationLayout::accepted_names,
        )?;
        Ok(Fip {
            entity,
            linking,
            fi_entries,
            plaintext,
            fi_schema,
            quirks,
            narration,
        })
    }
}

/// Applies a change to an entry. A key that the change omits keeps its value, and one that is null
/// has its default again.
pub(crate) fn change_entry<T: Serialize + DeserializeOwned>(
    previous: Option<&T>,
    change: &T,
    is_null: impl Fn(&str) -> bool,
) -> T {
    let list_keys = |entry: &T| match serde_json::to_value(entry) {
        Ok(Value::Object(keys)) => keys,
        _ => unreachable!("an entry is an object with texts as keys"),
    };
    let mut merged = previous.map(list_keys).unwrap_or_default();
    for (name, value) in list_keys(change) {
        if !value.is_null() {
            merged.insert(name, value);
        } else if is_null(&name) || is_null(&to_snake_case(&name)) {
            merged.remove(&name);
        }
    }
    merged.retain(|_, value| !value.is_null());
    serde_json::from_value(merged.into()).expect("both entries were read from the same keys")
}

/// Returns the URL that an entry sets.
fn resolve_url(
    value: Option<String>,
    check: impl Fn(&str) -> Result<String, ApiError>,
) -> Result<Option<Arc<str>>, ApiError> {
    let url = discard_blank(value).map(|url| check(&url)).transpose()?;
    Ok(url.map(Into::into))
}

/// Returns the colors that an entry sets, or else those that follow from the id.
fn resolve_brand(
    id: &str,
    color: (&'static str, Option<String>),
    accent_color: (&'static str, Option<String>),
) -> Result<Brand, ApiError> {
    let default = Brand::from_id(id);
    let resolve = |(field, value): (&'static str, Option<String>), default| match value {
        None => Ok(default),
        Some(text) => Color::parse(&text).ok_or_else(|| {
            let message = format!(
                "{} is not a color; write # and six hexadecimal digits, such as {default}",
                quote_value(&text)
            );
            ApiError::invalid_field(field, message)
        }),
    };
    Ok(Brand {
        color: resolve(color, default.color)?,
        accent_color: resolve(accent_color, default.accent_color)?,
    })
}

/// Returns the logo in a data URL.
fn parse_data_url(field: &'static str, url: &str) -> Result<Logo, ApiError> {
    let declared = LogoFormat::ALL.into_iter().find_map(|format| {
        let content = url.strip_prefix(&data_url_start(format))?;
        Some((format, content))
    });
    let Some((format, content)) = declared else {
        let starts = LogoFormat::ALL.map(data_url_start).join(" or ");
        let message = format!(
            "{} is no data URL of an image; begin it with {starts}, and append the image in Base64",
            quote_value(url)
        );
        return Err(ApiError::invalid_field(field, message));
    };
    let bytes = base64::decode(content).ok_or_else(|| {
        let message = "has no Base64 after its comma; encode the image in the standard alphabet \
                       with padding, without line breaks";
        ApiError::invalid_field(field, message)
    })?;
    let logo =
        Logo::parse(&bytes).map_err(|error| ApiError::invalid_field(field, error.to_string()))?;
    if logo.format() == format {
        return Ok(logo);
    }
    let message = format!(
        "says {}, but the image is {}; correct the media type",
        format.media_type(),
        logo.format().media_type()
    );
    Err(ApiError::invalid_field(field, message))
}

/// Returns the data URL of a logo.
fn write_data_url(logo: &Logo) -> String {
    data_url_start(logo.format()) + &base64::encode(logo.bytes())
}

fn data_url_start(format: LogoFormat) -> String {
    format!("data:{};base64,", format.media_type())
}

/// Returns the value of an enum field, or the default if the field is omitted.
fn enum_or_default<T>(
    field: &'static str,
    value: Option<String>,
    default: T,
    parse: fn(&str) -> Option<T>,
    accepted_names: fn() -> String,
) -> Result<T, ApiError> {
    match value {
        None => Ok(default),
        value => require_enum(field, value, parse, accepted_names),
    }
}

/// Returns the value of an optional enum field, if it is neither omitted nor empty.
fn optional_enum<T>(
    field: &'static str,
    value: Option<String>,
    parse: fn(&str) -> Option<T>,
    accepted_names: fn() -> String,
) -> Result<Option<T>, ApiError> {
    match value {
        Some(value) if !value.is_empty() => {
            require_enum(field, Some(value), parse, accepted_names).map(Some)
        }
        _ => Ok(None),
    }
}

/// Returns the webhook secret of an FIU whose entry has none.
fn default_secret(fiu: &str) -> Arc<str> {
    let seed_text = format!("mockaa development secret {fiu}");
    format!("whsec_{}", base64::encode(seed_text.as_bytes())).into()
}

/// Returns the organisation id of an FIU whose entry has none. It is the same in every sandbox,
/// because clients store it in their configuration.
fn default_org_id(fiu: &str) -> Arc<str> {
    derive_id(&["organisation", fiu]).into()
}

/// Checks that no two participants share an id, a handle, an organisation or an API key.
pub(crate) fn check_distinct(participants: &Participants) -> Result<(), ApiError> {
    let members: Vec<Member> = participants.all_members().collect();
    if let Some(conflict) = members
        .iter()
        .find(|member| participants.find_aa(&member.entity().id).is_some())
    {
        return Err(ApiError::invalid_field(
            "id",
            format!(
                "{} is already the id of an AA",
                quote_value(&conflict.entity().id)
            ),
        ));
    }
    for (index, aa) in participants.aas.iter().enumerate() {
        for other in &participants.aas[..index] {
            if other.id == aa.id {
                return Err(ApiError::invalid_field(
                    "aa.id",
                    format!("{} is used by two AAs", quote_value(&aa.id)),
                ));
            }
            if other.handle == aa.handle {
                let message = format!(
                    "@{} of {} is already used by {}",
                    aa.handle,
                    quote_value(&aa.id),
                    quote_value(&other.id)
                );
                return Err(ApiError::invalid_field("aa.handle", message));
            }
        }
    }
    for (index, fiu) in participants.fius.iter().enumerate() {
        if let Some(other) = participants.fius[..index]
            .iter()
            .find(|other| other.org_id == fiu.org_id && other.entity.id != fiu.entity.id)
        {
            let message = format!(
                "of {} is already used by {}",
                quote_value(&fiu.entity.id),
                quote_value(&other.entity.id)
            );
            return Err(ApiError::invalid_field("orgId", message));
        }
    }
    let entities: Vec<_> = participants.all_entities().collect();
    for (index, entity) in entities.iter().enumerate() {
        for other in &entities[..index] {
            if other.id() == entity.id() {
                return Err(ApiError::invalid_field(
                    "id",
                    format!("{} is used by two participants", quote_value(entity.id())),
                ));
            }
            if other.api_key() == entity.api_key() {
                let message = format!(
                    "of {} is already used by {}",
                    quote_value(entity.id()),
                    quote_value(other.id())
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
) -> Result<Entity, ApiError> {
    let id = validate_id(if kind == "fiu" { "fiu.id" } else { "fip.id" }, id)?;
    let api_key = match discard_blank(api_key) {
        Some(api_key) => validate_api_key("apiKey", api_key)?,
        None => default_api_key(&id),
    };
    let keys = public_keys.unwrap_or_default();
    let public_keys = keys.iter().map(PublicKey::try_from);
    Ok(Entity {
        name: discard_blank(name).map_or_else(|| Arc::clone(&id), Into::into),
        id,
        api_key,
        public_keys: public_keys.collect::<Result<_, _>>()?,
        uses_shipped_keys: false,
    })
}

/// Checks that an API key fits into a header.
fn validate_api_key(field: &'static str, api_key: String) -> Result<Arc<str>, ApiError> {
    if api_key.len() > 256 || api_key.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(ApiError::invalid_field(
            field,
            "must be 1 to 256 ASCII characters without spaces",
        ));
    }
    Ok(api_key.into())
}

/// Returns the API key of an entity whose entry has none.
fn default_api_key(id: &str) -> Arc<str> {
    format!("mockaa-dev-{}-api-key", id.to_lowercase()).into()
}

fn validate_id(field: &'static str, id: Option<String>) -> Result<Arc<str>, ApiError> {
    let id = id.unwrap_or_default();
    if (1..=64).contains(&id.len()) && id.bytes().all(is_id_byte) {
        Ok(id.into())
    } else {
        let message = format!(
            "{} must be 1 to 64 letters, digits, dots, dashes, underscores and @",
            quote_value(&id)
        );
        Err(ApiError::invalid_field(field, message))
    }
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@')
}

/// Names of headers that the sandbox or HTTP itself sets.
const RESERVED_HEADERS: [&str; 11] = [
    "aa_api_key",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "transfer-encoding",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-jws-signature",
];

/// Maximum number of webhook headers of an FIU's own.
const WEBHOOK_HEADERS_MAX: usize = 32;

/// Validates headers that every webhook of an FIU has.
fn validate_webhook_headers(headers: BTreeMap<String, String>) -> Result<WebhookHeaders, ApiError> {
    const FIELD: &str = "fiu.webhookHeaders";
    if headers.len() > WEBHOOK_HEADERS_MAX {
        let message = format!(
            "has {} headers; the limit is {WEBHOOK_HEADERS_MAX}",
            headers.len()
        );
        return Err(ApiError::invalid_field(FIELD, message));
    }
    let mut validated = BTreeMap::<Box<str>, Box<str>>::new();
    for (name, value) in headers {
        let problem =
            |text: &str| ApiError::invalid_field(FIELD, format!("{} {text}", quote_value(&name)));
        let header = HeaderName::try_from(&name)
            .map_err(|_| problem("is not the name of a header; write Authorization"))?;
        if RESERVED_HEADERS.contains(&header.as_str()) {
            return Err(problem("is set by the sandbox; choose another name"));
        }
        // The value is not quoted, since it is a secret.
        let is_text = HeaderValue::try_from(&value).is_ok_and(|value| value.to_str().is_ok());
        if !is_text {
            return Err(problem("has a value that is not printable ASCII text"));
        }
        if validated
            .insert(header.as_str().into(), value.into())
            .is_some()
        {
            return Err(problem("occurs twice; names of headers ignore case"));
        }
    }
    Ok(validated.into_iter().collect())
}

/// Validates a secret of Standard Webhooks 1.0: `whsec_` and base64 of 24 to 64 bytes.
fn validate_secret(secret: &str) -> Result<Arc<str>, ApiError> {
    let bytes = secret.strip_prefix("whsec_").and_then(base64::decode);
    match bytes {
        Some(bytes) if (24..=64).contains(&bytes.len()) => Ok(secret.into()),
        _ => Err(ApiError::invalid_field(
            "fiu.webhookSecret",
            "is not whsec_ followed by base64 of 24 to 64 bytes",
        )),
    }
}

/// Validates the base URL of an FIU's webhooks and returns it without trailing slashes.
pub(crate) fn check_fiu_url(field: &'static str, text: &str) -> Result<String, ApiError> {
    let url = check_webhook_url(field, text)?;
    if url.contains(['?', '#']) {
        let message = format!(
            "{} has a query or a fragment; remove it, paths are appended to the URL",
            quote_value(text)
        );
        return Err(ApiError::invalid_field(field, message));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// Validates the URL of webhooks.
fn check_webhook_url(field: &'static str, text: &str) -> Result<String, ApiError> {
    let url = parse_webhook_url(text).map_err(|reason| {
        let message = format!(
            "{} is not a webhook URL: {reason}; use one such as http://127.0.0.1:9000",
            quote_value(text)
        );
        ApiError::invalid_field(field, message)
    })?;
    Ok(url.into())
}

fn parse_webhook_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the scheme is not http or https".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        let reason = "every delivery record would contain its user name or password";
        return Err(reason.to_owned());
    }
    if url.host_str().is_none_or(is_metadata_host) {
        return Err("cloud-metadata addresses are never called".to_owned());
    }
    Ok(url)
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
        .into_fiu()
        .expect("an FIU");
        assert_eq!(
            (&*fiu.entity.api_key, &*fiu.entity.name),
            ("mockaa-dev-fiu-9-api-key", "FIU-9")
        );
        let again = FiuEntry {
            base_url: Some("http://x".to_owned()),
            ..FiuEntry::from_fiu(&fiu)
        }
        .into_fiu();
        assert_eq!(
            again.expect("an FIU").webhooks.base.as_deref(),
            Some("http://x")
        );
    }
}
