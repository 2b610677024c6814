//! Who takes part: the AAs that we play, the FIUs that call it and are called back, the FIPs behind it.

use std::sync::Arc;

use crate::domain::consent::Consent;
use crate::domain::naming::wire_enum;
use crate::domain::notification::NotificationKind;

/// An account aggregator that this sandbox plays.
#[derive(Clone, Debug)]
pub struct Aa {
    /// Entity id, as in `Notifier.id` and `DataProvider.id`.
    pub id: Arc<str>,
    /// What follows the `@` in the addresses that it gives out.
    pub handle: Arc<str>,
    /// What it sends as `aa_api_key`.
    pub api_key: Arc<str>,
    /// The scenario of its consents that neither the caller nor a magic customer gives one: how its customers behave.
    pub scenario: Option<Arc<str>>,
}

wire_enum! {
    /// How what we send to an FIU is signed (DESIGN §4.6).
    SignatureProfile {
        /// Detached over the raw bytes, `b64:false` with `crit` (RFC 7797).
        Detached = "detached",
        /// Detached over base64url of the bytes, as RFC 7515 alone has it.
        Encoded = "encoded",
        /// Not at all.
        Off = "off",
    }
}

wire_enum! {
    /// What is encrypted for an FIU: the XML itself, or base64 of it (DESIGN §4.8).
    #[derive(Default)]
    PlaintextEncoding { #[default] Xml = "xml", Base64 = "base64" }
}

wire_enum! {
    /// Which version of the FI schemas an FIU reads, of the kinds that have two (`reference/rebit.md` §6.1).
    #[derive(Default)]
    FiSchema { #[default] V1 = "1.1", V2 = "2.0.0" }
}

wire_enum! {
    /// How a FIP makes sure that an account is the customer's (ReBIT FIP API 2.0.0, `AuthenticatorType`).
    LinkingMethod {
        /// By a one-time password that the AA passes on.
        Token = "TOKEN",
        /// By itself; it tells the AA when it is done.
        Direct = "DIRECT",
    }
}

/// What every participant has in the registry.
#[derive(Clone, Debug)]
pub struct Entity {
    pub id: Arc<str>,
    pub name: Arc<str>,
    /// What it presents as `client_api_key`, `fip_api_key` or `Authorization`; also the secret for which the token
    /// service gives it a token.
    pub api_key: Arc<str>,
    /// For the signatures that it sends.
    pub public_keys: Vec<PublicKey>,
    /// The keys are those that ship with the program: everybody has them, so a signature that does not match is
    /// noted and not refused, below strict.
    pub uses_shipped_keys: bool,
}

impl Entity {
    /// An entity of which nothing is known but its id.
    pub fn with_id(id: &str) -> Self {
        Self {
            id: id.into(),
            name: id.into(),
            api_key: id.into(),
            public_keys: Vec::new(),
            uses_shipped_keys: false,
        }
    }
}

/// A registered FIU.
#[derive(Clone, Debug)]
pub struct Fiu {
    pub entity: Entity,
    /// Standard Webhooks secret with its `whsec_` prefix.
    pub webhook_secret: Arc<str>,
    /// The organisation that the Unaport face knows it as.
    pub org_id: Arc<str>,
    pub webhooks: WebhookUrls,
    pub signature: SignatureProfile,
    pub plaintext: PlaintextEncoding,
    pub fi_schema: FiSchema,
    /// What the FIU and the AA have agreed on for web redirection (`reference/rebit.md` §7).
    pub redirect_passphrase: Arc<str>,
}

/// Where an FIU's webhooks go. The most particular address counts; where there is none, they are recorded only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookUrls {
    /// Paths are appended to it, so it has no slash at its end.
    pub base: Option<Arc<str>>,
    /// All of them, to this very address.
    pub all: Option<Arc<str>>,
    pub consent: Option<Arc<str>>,
    pub data: Option<Arc<str>>,
    pub analytics: Option<Arc<str>>,
}

impl WebhookUrls {
    /// The address for a kind, whose path below a base URL is given.
    pub fn url_for(&self, kind: NotificationKind, path: &str) -> Option<String> {
        let specific = match kind {
            NotificationKind::ConsentStatus => &self.consent,
            NotificationKind::FiStatus => &self.data,
            NotificationKind::FiData => &None,
            NotificationKind::Analytics => &self.analytics,
        };
        let base_url = || self.base.as_ref().map(|base| format!("{base}{path}"));
        specific
            .as_ref()
            .or(self.all.as_ref())
            .map(ToString::to_string)
            .or_else(base_url)
    }
}

/// A registered FIP, simulated by the sandbox.
#[derive(Clone, Debug)]
pub struct Fip {
    pub entity: Entity,
    pub linking: LinkingMethod,
}

/// Who calls.
#[derive(Clone, Debug)]
pub enum Member {
    Fiu(Arc<Fiu>),
    Fip(Arc<Fip>),
}

impl Member {
    /// The word for what it is.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Fiu(_) => "FIU",
            Self::Fip(_) => "FIP",
        }
    }

    pub fn entity(&self) -> &Entity {
        match self {
            Self::Fiu(fiu) => &fiu.entity,
            Self::Fip(fip) => &fip.entity,
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

/// Everybody in the sandbox.
#[derive(Clone, Debug)]
pub struct Participants {
    /// The first is the default: it answers the ReBIT and seed calls. The Unaport face chooses by `aaId`.
    pub aas: Vec<Arc<Aa>>,
    /// The first is the default: it stands in for FIU ids that are not registered.
    pub fius: Vec<Arc<Fiu>>,
    /// Simulated accounts are spread over them.
    pub fips: Vec<Arc<Fip>>,
}

impl Participants {
    /// The AA that speaks where none is named.
    pub fn default_aa(&self) -> &Arc<Aa> {
        &self.aas[0]
    }

    pub fn find_aa(&self, id: &str) -> Option<&Arc<Aa>> {
        self.aas.iter().find(|aa| &*aa.id == id)
    }

    /// The AA at which the consent was raised.
    pub fn aa_for_consent(&self, consent: &Consent) -> &Arc<Aa> {
        self.find_aa(&consent.aa)
            .unwrap_or_else(|| self.default_aa())
    }

    /// The FIU that stands in for ids that are not registered.
    pub fn default_fiu(&self) -> &Arc<Fiu> {
        &self.fius[0]
    }

    pub fn find_fiu(&self, id: &str) -> Option<&Arc<Fiu>> {
        self.fius.iter().find(|fiu| &*fiu.entity.id == id)
    }

    /// The FIU of this organisation.
    pub fn fiu_by_org(&self, org_id: &str) -> Option<&Arc<Fiu>> {
        self.fius.iter().find(|fiu| &*fiu.org_id == org_id)
    }

    pub fn find_fip(&self, id: &str) -> Option<&Arc<Fip>> {
        self.fips.iter().find(|fip| &*fip.entity.id == id)
    }

    /// FIUs and FIPs.
    pub fn all_members(&self) -> impl Iterator<Item = Member> {
        let fius = self.fius.iter().cloned().map(Member::Fiu);
        fius.chain(self.fips.iter().cloned().map(Member::Fip))
    }

    /// The FIU or FIP of this id.
    pub fn find_member(&self, id: &str) -> Option<Member> {
        self.find_fiu(id)
            .cloned()
            .map(Member::Fiu)
            .or_else(|| self.find_fip(id).cloned().map(Member::Fip))
    }

    /// Whose API key this is.
    pub fn member_by_api_key(&self, api_key: &str) -> Option<Member> {
        let fiu = self.fius.iter().find(|fiu| &*fiu.entity.api_key == api_key);
        let find_fip_by_key = || {
            self.fips
                .iter()
                .find(|fip| &*fip.entity.api_key == api_key)
                .cloned()
                .map(Member::Fip)
        };
        fiu.cloned().map(Member::Fiu).or_else(find_fip_by_key)
    }
}
