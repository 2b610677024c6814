//! The participants: the AAs that the sandbox plays, the FIUs that call it and receive its
//! webhooks, and the simulated FIPs.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::NaiveDate;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::domain::brand::Brand;
use crate::domain::consent::Consent;
use crate::domain::constant_time::equals_secret;
use crate::domain::fair_use::FairUseTemplate;
use crate::domain::logo::Logo;
use crate::domain::naming::wire_enum;
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::notification::NotificationKind;
use crate::domain::quirk::Quirks;
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::statement::StatementForm;
use crate::domain::text::quote_value;
use crate::domain::time_source::TimeSettings;

/// An account aggregator that the sandbox plays.
#[derive(Clone, Debug)]
pub struct Aa {
    /// Entity id, as in `Notifier.id` and `DataProvider.id`.
    pub id: Arc<str>,
    /// Name for people.
    pub name: Arc<str>,
    /// The part after the `@` in customer addresses.
    pub handle: Arc<str>,
    /// API key of the AA: the secret for which the token service issues its token.
    pub api_key: Arc<str>,
    /// Value that the AA sends as `aa_api_key`.
    pub credential: AaCredential,
    /// Scenario of the AA's consents that neither the caller nor a magic customer selects.
    pub scenario: Option<Arc<str>>,
    pub brand: Brand,
    /// `None`: the generated mark is shown.
    pub logo: Option<Logo>,
}

impl Aa {
    /// Creates an AA with default settings of which only the id is known.
    pub fn with_id(id: &str) -> Self {
        Self {
            id: id.into(),
            name: id.into(),
            handle: id.into(),
            api_key: id.into(),
            credential: AaCredential::default(),
            scenario: None,
            brand: Brand::from_id(id),
            logo: None,
        }
    }
}

/// Value of `aa_api_key`, by which an AA identifies itself to an FIU
/// (`docs/sources.md#tokens`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AaCredential {
    /// Token of the token service, as ReBIT's API keys are.
    #[default]
    Token,
    /// API key as it is configured.
    ApiKey,
}

wire_enum! {
    /// Form of the signatures on messages to an FIU (`docs/architecture.md#security`,
    /// `docs/sources.md#signatures`).
    SignatureProfile {
        /// Detached over the raw bytes, `b64:false` with `crit` (RFC 7797).
        Detached = "detached",
        /// Detached over base64url of the bytes (RFC 7515 without RFC 7797).
        Encoded = "encoded",
        /// No signature.
        Off = "off",
    }
}

wire_enum! {
    /// Plaintext that is encrypted for an FIU: the XML, or base64 of it
    /// (`docs/architecture.md#security`).
    #[derive(Default)]
    PlaintextEncoding { #[default] Xml = "xml", Base64 = "base64" }
}

wire_enum! {
    /// Generation of the FI schemas (`docs/sources.md#fi-schemas`).
    FiSchema {
        /// The generation in force since 13 July 2025: 2.0.0 of the deposits, 1.0.0 of securities
        /// and insurance.
        Current = "current",
        /// The generation up to 2022.
        Retired = "retired",
    }
}

wire_enum! {
    /// Entries of a FIP in a response with data (ReBIT AA API 2.0.0, `FI[]`;
    /// `docs/sources.md#encryption`).
    #[derive(Default)]
    FiEntries {
        /// One entry with one `KeyMaterial` for all accounts, which then share key and IV. So the
        /// specification reads.
        #[default]
        PerFip = "per-fip",
        /// An entry with a `KeyMaterial` for each account.
        PerAccount = "per-account",
    }
}

wire_enum! {
    /// Method by which a FIP verifies that an account belongs to the customer (ReBIT FIP API 2.0.0,
    /// `AuthenticatorType`).
    LinkingMethod {
        /// By a one-time password that the AA forwards.
        Token = "TOKEN",
        /// By the FIP itself; it notifies the AA of the result.
        Direct = "DIRECT",
    }
}

/// The registry entry that FIUs and FIPs have in common.
#[derive(Clone, Debug)]
pub struct Entity {
    pub id: Arc<str>,
    pub name: Arc<str>,
    /// API key, presented as `client_api_key`, `fip_api_key` or `Authorization`; also the secret
    /// for which the token service issues a token.
    pub api_key: Arc<str>,
    /// Keys of the signatures that the participant sends.
    pub public_keys: Vec<PublicKey>,
    /// `true` if the keys are those that ship with mockaa. Their private halves are public, so
    /// below `--security strict` an invalid signature is recorded and not rejected.
    pub uses_shipped_keys: bool,
}

impl Entity {
    /// Creates an entity of which only the id is known.
    pub fn with_id(id: &str) -> Self {
        Self {
            id: id.into(),
            name: id.into(),
            api_key: id.into(),
            public_keys: Vec::new(),
            uses_shipped_keys: false,
        }
    }

    /// Notes that the keys are the shipped ones if those of `previous` are, and did not change.
    pub fn keep_shipped_keys(&mut self, previous: &Self) {
        self.uses_shipped_keys =
            previous.uses_shipped_keys && previous.public_keys == self.public_keys;
    }
}

/// A registered FIU.
#[derive(Clone, Debug)]
pub struct Fiu {
    pub entity: Entity,
    /// Standard Webhooks secret, with its prefix `whsec_`.
    pub webhook_secret: Arc<str>,
    /// Id of the FIU's organisation in the Unaport API.
    pub org_id: Arc<str>,
    pub webhooks: WebhookUrls,
    /// Headers of the FIU's own that every webhook has: name in lower case, and value. They are
    /// secrets, such as the credentials of basic authentication.
    pub webhook_headers: WebhookHeaders,
    pub signature: SignatureProfile,
    pub plaintext: PlaintextEncoding,
    /// `None`: the generation in force at the request for the data.
    pub fi_schema: Option<FiSchema>,
    /// The clocks of messages to this FIU.
    pub time_settings: TimeSettings,
    /// Passphrase that the FIU and the AA share for web redirection
    /// (`docs/sources.md#web-redirection`).
    pub redirect_passphrase: Arc<str>,
    /// The code with which the browser comes back if the customer leaves without an answer.
    ///
    /// `Assumption:` aa-redirection-standards 1.5.0 has no code for it: 20, unknown, by default.
    pub unanswered_errorcode: RedirectionCode,
    /// The fair-use templates for which the FIU is registered.
    pub fair_use_templates: Vec<FairUseTemplate>,
    pub brand: Brand,
    /// `None`: the generated mark is shown.
    pub logo: Option<Logo>,
}

/// Names, in lower case, and values of headers.
pub(crate) type WebhookHeaders = Arc<[(Box<str>, Box<str>)]>;

/// URLs of an FIU's webhooks. The most specific one applies; without one, webhooks are only
/// recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookUrls {
    /// Base URL to which paths are appended; without a slash at the end.
    pub base: Option<Arc<str>>,
    /// Complete URL for all kinds of webhook.
    pub all: Option<Arc<str>>,
    pub consent: Option<Arc<str>>,
    pub data: Option<Arc<str>>,
    pub analytics: Option<Arc<str>>,
}

impl WebhookUrls {
    /// Returns the URL for a kind of webhook; `path` is its path below the base URL.
    pub fn url_for(&self, kind: NotificationKind, path: &str) -> Option<String> {
        let specific = match kind {
            NotificationKind::ConsentStatus => &self.consent,
            NotificationKind::FiStatus => &self.data,
            NotificationKind::FiData => &None,
            NotificationKind::Analytics => &self.analytics,
        };
        specific
            .as_ref()
            .or(self.all.as_ref())
            .map(ToString::to_string)
            .or_else(|| Some(format!("{}{path}", self.base.as_ref()?)))
    }
}

/// A registered FIP, simulated by the sandbox.
#[derive(Clone, Debug)]
pub struct Fip {
    pub entity: Entity,
    pub linking: LinkingMethod,
    pub fi_entries: FiEntries,
    /// `None`: that of the FIU.
    pub plaintext: Option<PlaintextEncoding>,
    /// `None`: that of the FIU.
    pub fi_schema: Option<FiSchema>,
    /// The irregularities of its documents.
    pub quirks: Quirks,
    /// Layout of the narrations of its bank accounts, where the persona sets none.
    pub narration: NarrationLayout,
}

impl Fip {
    /// Creates a FIP with default settings of which only the id is known.
    pub fn with_id(id: &str) -> Self {
        Self {
            entity: Entity::with_id(id),
            linking: LinkingMethod::Token,
            fi_entries: FiEntries::default(),
            plaintext: None,
            fi_schema: None,
            quirks: Quirks::default(),
            narration: NarrationLayout::from_fip_id(id),
        }
    }
}

impl FiSchema {
    /// The names, and the versions of DEPOSIT, which are other words for them.
    const NAMES_AND_VERSIONS: [(&str, Self); 4] = [
        ("current", Self::Current),
        ("retired", Self::Retired),
        ("2.0.0", Self::Current),
        ("1.1", Self::Retired),
    ];

    /// Parses a generation: its name, or the version of DEPOSIT in it.
    pub fn parse_name_or_version(text: &str) -> Option<Self> {
        let mut all = Self::NAMES_AND_VERSIONS.into_iter();
        all.find(|(name, _)| *name == text)
            .map(|(_, schema)| schema)
    }

    /// Deserializes what [`Self::parse_name_or_version`] accepts.
    pub fn deserialize_name_or_version<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Self>, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse_name_or_version(&text).map(Some).ok_or_else(|| {
            let (value, accepted) = (quote_value(&text), Self::accepted_names_and_versions());
            D::Error::custom(format!("{value} is not one of {accepted}"))
        })
    }

    /// Returns all names and versions, for error messages.
    pub fn accepted_names_and_versions() -> String {
        Self::NAMES_AND_VERSIONS.map(|(name, _)| name).join(", ")
    }

    /// Returns the JSON Schema of all names and versions.
    pub fn name_or_version_schema(_: &mut SchemaGenerator) -> Schema {
        let names = Self::NAMES_AND_VERSIONS.map(|(name, _)| name);
        json_schema!({ "type": "string", "enum": names })
    }

    /// Returns the generation in force on a day: the current one after 12 July 2025
    /// (`docs/sources.md#fi-schemas`).
    pub fn in_force_on(day: NaiveDate) -> Self {
        let last_day = NaiveDate::from_ymd_opt(2025, 7, 12).expect("a date");
        if day > last_day {
            Self::Current
        } else {
            Self::Retired
        }
    }
}

/// The facts of a request for data that decide the form of the data, beside the participants.
#[derive(Clone, Copy, Debug)]
pub struct RequestedForm {
    /// The generation that the scenario of the consent, or the command, asks for.
    pub schema: Option<FiSchema>,
    /// The quirks of the persona, and of the scenario or the command.
    pub quirks: Quirks,
    /// The day of the request in the time of the world, in India.
    pub requested_on: NaiveDate,
}

/// The form in which a FIP sends its data to an FIU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataForm {
    pub entries: FiEntries,
    pub plaintext: PlaintextEncoding,
    pub statement: StatementForm,
}

/// The forms in which the FIPs send their data to one FIU.
#[derive(Clone, Copy, Debug)]
pub struct DataForms<'a> {
    participants: &'a Participants,
    fiu: Option<&'a Fiu>,
    requested: RequestedForm,
}

impl DataForms<'_> {
    /// Returns the form of a FIP: its own settings, else those of the FIU, else the defaults. The
    /// generation of a scenario precedes both, and its default is the one in force.
    pub fn of_fip(&self, fip: &str) -> DataForm {
        let fip = self.participants.find_fip(fip);
        let own = |fip: &Arc<Fip>| (fip.fi_entries, fip.plaintext, fip.fi_schema);
        let (entries, plaintext, schema) = fip.map(own).unwrap_or_default();
        let of_fiu = self.fiu.map(|fiu| (fiu.plaintext, fiu.fi_schema));
        let (fiu_plaintext, fiu_schema) = of_fiu.unwrap_or_default();
        let RequestedForm {
            schema: requested_schema,
            quirks,
            requested_on,
        } = self.requested;
        DataForm {
            entries,
            plaintext: plaintext.unwrap_or(fiu_plaintext),
            statement: StatementForm {
                schema: requested_schema
                    .or(schema)
                    .or(fiu_schema)
                    .unwrap_or_else(|| FiSchema::in_force_on(requested_on)),
                quirks: fip.map(|fip| fip.quirks).unwrap_or_default().union(quirks),
            },
        }
    }
}

/// A participant that calls the sandbox.
#[derive(Clone, Debug)]
pub enum Member {
    Fiu(Arc<Fiu>),
    Fip(Arc<Fip>),
}

impl Member {
    /// Returns `FIU` or `FIP`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Fiu(_) => "FIU",
            Self::Fip(_) => "FIP",
        }
    }

    /// Returns the secrets that the participant shares with the sandbox, each with its description.
    pub(crate) fn list_secrets(&self) -> Vec<(String, String)> {
        let Entity { id, api_key, .. } = self.entity();
        let mut secrets = vec![(format!("the API key of {id}"), api_key.to_string())];
        if let Self::Fiu(fiu) = self {
            let secret = fiu.webhook_secret.to_string();
            secrets.push((format!("the webhook secret of {id}"), secret));
        }
        secrets
    }

    pub fn entity(&self) -> &Entity {
        match self {
            Self::Fiu(fiu) => &fiu.entity,
            Self::Fip(fip) => &fip.entity,
        }
    }
}

/// A registered entity: an AA, or a participant that calls the sandbox. Each has an API key and
/// gets tokens.
#[derive(Clone, Debug)]
pub enum RegisteredEntity {
    Aa(Arc<Aa>),
    Member(Member),
}

impl RegisteredEntity {
    /// Returns `AA`, `FIU` or `FIP`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Aa(_) => "AA",
            Self::Member(member) => member.kind(),
        }
    }

    pub fn id(&self) -> &Arc<str> {
        match self {
            Self::Aa(aa) => &aa.id,
            Self::Member(member) => &member.entity().id,
        }
    }

    pub fn api_key(&self) -> &str {
        match self {
            Self::Aa(aa) => &aa.api_key,
            Self::Member(member) => &member.entity().api_key,
        }
    }
}

/// An RSA public key as a registry publishes it (RFC 7517; numbers big-endian).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub kid: String,
    pub modulus: Vec<u8>,
    pub exponent: Vec<u8>,
}

/// All participants of a sandbox.
#[derive(Clone, Debug)]
pub struct Participants {
    /// The first is the default AA: it answers the ReBIT and seed calls. The Unaport API selects by
    /// `aaId`.
    pub aas: Vec<Arc<Aa>>,
    /// The first is the default FIU: it replaces FIU ids that are not registered.
    pub fius: Vec<Arc<Fiu>>,
    /// The simulated accounts are distributed over these FIPs.
    pub fips: Vec<Arc<Fip>>,
}

impl Participants {
    /// Returns the AA of calls that name none.
    pub fn default_aa(&self) -> &Arc<Aa> {
        &self.aas[0]
    }

    pub fn find_aa(&self, id: &str) -> Option<&Arc<Aa>> {
        self.aas.iter().find(|aa| &*aa.id == id)
    }

    /// Returns the AA at which the consent was raised.
    pub fn aa_for_consent(&self, consent: &Consent) -> &Arc<Aa> {
        self.find_aa(&consent.aa)
            .unwrap_or_else(|| self.default_aa())
    }

    /// Returns the FIU that replaces ids that are not registered.
    pub fn default_fiu(&self) -> &Arc<Fiu> {
        &self.fius[0]
    }

    pub fn find_fiu(&self, id: &str) -> Option<&Arc<Fiu>> {
        self.fius.iter().find(|fiu| &*fiu.entity.id == id)
    }

    pub fn fiu_ids(&self) -> Vec<Arc<str>> {
        let ids = self.fius.iter().map(|fiu| Arc::clone(&fiu.entity.id));
        ids.collect()
    }

    /// Returns the logo of an AA or FIU whose file has this name.
    pub fn find_logo(&self, file_name: &str) -> Option<&Logo> {
        let of_aas = self.aas.iter().filter_map(|aa| aa.logo.as_ref());
        let of_fius = self.fius.iter().filter_map(|fiu| fiu.logo.as_ref());
        of_aas
            .chain(of_fius)
            .find(|logo| logo.file_name() == file_name)
    }

    /// Returns the FIU of this organisation.
    pub fn fiu_by_org(&self, org_id: &str) -> Option<&Arc<Fiu>> {
        self.fius.iter().find(|fiu| &*fiu.org_id == org_id)
    }

    pub fn find_fip(&self, id: &str) -> Option<&Arc<Fip>> {
        self.fips.iter().find(|fip| &*fip.entity.id == id)
    }

    /// Returns the name of a FIP; its id if it is not registered.
    pub fn fip_name(&self, id: &Arc<str>) -> Arc<str> {
        Arc::clone(self.find_fip(id).map_or(id, |fip| &fip.entity.name))
    }

    /// Returns the layout of a FIP's narrations; the default one if it is not registered.
    pub fn narration_layout(&self, fip: &str) -> NarrationLayout {
        self.find_fip(fip)
            .map_or_else(|| NarrationLayout::from_fip_id(fip), |fip| fip.narration)
    }

    /// Returns the forms in which the FIPs send their data to this FIU, if any.
    pub fn data_forms<'a>(&'a self, fiu: Option<&str>, requested: RequestedForm) -> DataForms<'a> {
        DataForms {
            participants: self,
            fiu: fiu.and_then(|fiu| self.find_fiu(fiu)).map(|fiu| &**fiu),
            requested,
        }
    }

    /// Returns the FIUs, then the FIPs.
    pub fn all_members(&self) -> impl Iterator<Item = Member> {
        let fius = self.fius.iter().cloned().map(Member::Fiu);
        fius.chain(self.fips.iter().cloned().map(Member::Fip))
    }

    /// Returns the FIU or FIP with this id.
    pub fn find_member(&self, id: &str) -> Option<Member> {
        self.find_fiu(id)
            .cloned()
            .map(Member::Fiu)
            .or_else(|| self.find_fip(id).cloned().map(Member::Fip))
    }

    /// Returns the AAs, then the FIUs, then the FIPs.
    pub fn all_entities(&self) -> impl Iterator<Item = RegisteredEntity> {
        let aas = self.aas.iter().cloned().map(RegisteredEntity::Aa);
        aas.chain(self.all_members().map(RegisteredEntity::Member))
    }

    /// Returns the AA, FIU or FIP with this id.
    pub fn find_entity(&self, id: &str) -> Option<RegisteredEntity> {
        self.all_entities().find(|entity| **entity.id() == *id)
    }

    /// Returns the AA, FIU or FIP with this API key.
    pub fn entity_by_api_key(&self, api_key: &str) -> Option<RegisteredEntity> {
        self.all_entities()
            .find(|entity| equals_secret(api_key, entity.api_key()))
    }
}
