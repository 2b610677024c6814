//! What a sandbox is started with: the options of the command line and the builder, and the shipped participants.

pub mod personas;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::crypto::keys::{Keyring, SigningKey};
use crate::domain::notification::NotificationKind;
use crate::domain::participants::{Aa, Entity, Participants, WebhookUrls};
use crate::domain::session::{ApprovalMode, DataTiming};
use crate::domain::unaport::UnaportConfig;
use crate::engine::clock::ClockStart;
use crate::http::SecurityMode;
use crate::wire::api_error::ApiError;
use crate::wire::fields::parse_timestamp;
use crate::wire::participants::{
    AaEntry, FipEntry, FiuEntry, ParticipantsFile, check_distinct, check_fiu_url,
};

/// Where statements are posted below an FIU's base URL, unless another path is set.
pub const DEFAULT_PUSH_DATA_PATH: &str = NotificationKind::FiData.default_path();

/// How long an FIU may take to answer a webhook, unless another time is set (Standard Webhooks 1.0: 15 to 30 s).
pub const DEFAULT_WEBHOOK_TIMEOUT: Duration = Duration::from_secs(15);

/// What a sandbox is started with. [`Default`] is what `mockaa serve` does without flags, on a free port.
#[derive(Clone, Debug)]
pub struct Options {
    pub bind: IpAddr,
    /// 0 picks a free one.
    pub port: u16,
    /// A `mockaa.toml`.
    pub config: Option<PathBuf>,
    pub fiu_url: Option<String>,
    pub seed: Option<u64>,
    pub clock: ClockStart,
    pub scenarios: Option<PathBuf>,
    pub default_scenario: Option<String>,
    /// A folder of personas, or a file with one.
    pub personas: Option<PathBuf>,
    /// That of customers whom nothing else gives one.
    pub default_persona: Option<String>,
    pub security: SecurityMode,
    pub push_data: Option<bool>,
    pub push_data_path: String,
    /// When FIPs answer a request for data.
    pub data_timing: DataTiming,
    /// Who answers a consent request that no scenario drives.
    pub approval: ApprovalMode,
    pub control_token: Option<String>,
    /// How long an FIU may take to answer a webhook, in wall time.
    pub webhook_timeout: Duration,
    /// Worlds that nobody has used for so long, in wall time, are taken away; `None`: they stay.
    pub world_ttl: Option<Duration>,
    /// HTTP worker threads; `None`: one per core.
    pub workers: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            config: None,
            fiu_url: None,
            seed: None,
            clock: ClockStart::default(),
            scenarios: None,
            default_scenario: None,
            personas: None,
            default_persona: None,
            security: SecurityMode::Lenient,
            push_data: None,
            push_data_path: DEFAULT_PUSH_DATA_PATH.to_owned(),
            data_timing: DataTiming::Immediate,
            approval: ApprovalMode::Manual,
            control_token: None,
            webhook_timeout: DEFAULT_WEBHOOK_TIMEOUT,
            world_ttl: None,
            workers: None,
        }
    }
}

/// What is wrong with an option.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    #[error(
        "'{0}' is not a clock; give an instant such as 2020-07-04T06:00:00Z, with ',frozen' after it to make time stand"
    )]
    Clock(String),
    #[error("{0}")]
    FiuUrl(String),
    #[error("'{0}' is not a path below the FIU's base URL; begin it with /")]
    Path(String),
    #[error("{file}: {message}")]
    File { file: String, message: String },
}

impl FromStr for ClockStart {
    type Err = ConfigError;

    /// `INSTANT[,frozen]`; `now` stands for the wall's time.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let invalid = || ConfigError::Clock(text.to_owned());
        let (instant, frozen) = match text.split_once(',') {
            None => (text, false),
            Some((instant, "frozen")) => (instant, true),
            Some(_) => return Err(invalid()),
        };
        let at = if instant == "now" {
            None
        } else {
            Some(parse_timestamp(instant).ok_or_else(invalid)?)
        };
        Ok(Self { at, frozen })
    }
}

/// The private keys that ship with the program, by the participant that owns them.
const SHIPPED_KEYS: [(&str, &str); 11] = [
    ("mockaa", SHIPPED_AA_KEY),
    (
        "UNACORES-AA-UAT",
        include_str!("../../fixtures/keys/unacores-aa-uat.pem"),
    ),
    (
        "cookiejar-aa@finvu.in",
        include_str!("../../fixtures/keys/cookiejar-aa-finvu-in.pem"),
    ),
    (
        "onemoney-aa",
        include_str!("../../fixtures/keys/onemoney-aa.pem"),
    ),
    ("FIU-1", include_str!("../../fixtures/keys/fiu-1.pem")),
    ("FIU-2", include_str!("../../fixtures/keys/fiu-2.pem")),
    (
        "UNACORES-FIU-UAT",
        include_str!("../../fixtures/keys/unacores-fiu-uat.pem"),
    ),
    ("FIP-1", include_str!("../../fixtures/keys/fip-1.pem")),
    ("FIP-2", include_str!("../../fixtures/keys/fip-2.pem")),
    ("FIP-3", include_str!("../../fixtures/keys/fip-3.pem")),
    ("ACME-FIP", include_str!("../../fixtures/keys/acme-fip.pem")),
];

const SHIPPED_AA_KEY: &str = include_str!("../../fixtures/keys/mockaa-aa.pem");

/// A key that is nobody's.
const SPARE_KEY: &str = include_str!("../../fixtures/keys/spare.pem");

/// The shipped participants, which are also the sample of a `mockaa.toml`.
pub const SHIPPED_PARTICIPANTS: &str = include_str!("../../fixtures/mockaa.toml");

/// What a `mockaa.toml` makes.
#[derive(Debug)]
pub struct ParticipantSetup {
    pub participants: Participants,
    /// The AAs' signing keys.
    pub keys: Keyring,
    /// The URL of FIUs without one of their own.
    pub fiu_url: Option<Arc<str>>,
    pub unaport: UnaportConfig,
}

/// Who takes part, and the AAs' signing keys: as the file says, and for what it leaves out as shipped. `fiu_url` serves
/// every FIU that has no URL of its own.
///
/// # Errors
/// [`ConfigError`] names the option, or the file and what is wrong in it.
pub fn load_participants(
    file: Option<&Path>,
    fiu_url: Option<&str>,
) -> Result<ParticipantSetup, ConfigError> {
    let fiu_url = fiu_url
        .map(|url| check_fiu_url("--fiu-url", url))
        .transpose();
    let fiu_url: Option<Arc<str>> = fiu_url
        .map_err(|problem| ConfigError::FiuUrl(problem.to_string()))?
        .map(Into::into);
    let shipped = parse_participants("the shipped participants", SHIPPED_PARTICIPANTS)?;
    let (name, custom) = match file {
        None => ("the shipped participants".to_owned(), None),
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| ConfigError::File {
                file: name.clone(),
                message: error.to_string(),
            })?;
            let custom = parse_participants(&name, &text)?;
            (name, Some(custom))
        }
    };
    let file_error = |message: String| ConfigError::File {
        file: name.clone(),
        message,
    };
    let custom = custom.unwrap_or_default();
    let field_error = |error: ApiError| file_error(error.to_string());
    // A path in a file is relative to that file.
    let folder = file.and_then(Path::parent);
    let load_aa = |entry: AaEntry| {
        let key = load_aa_key(&entry, folder).map_err(file_error)?;
        Ok((Arc::new(entry.into_aa().map_err(field_error)?), key))
    };
    let aas = custom
        .aa
        .or(shipped.aa)
        .unwrap_or_default()
        .into_iter()
        .map(load_aa);
    let aas: Vec<(Arc<Aa>, SigningKey)> = aas.collect::<Result<_, ConfigError>>()?;
    let (aas, keys): (Vec<_>, Vec<_>) = aas
        .into_iter()
        .map(|(aa, key)| (Arc::clone(&aa), (Arc::clone(&aa.id), key)))
        .unzip();
    let load_fiu = |entry: FiuEntry| {
        let mut fiu = entry.into_fiu(None).map_err(field_error)?;
        if fiu.webhooks == WebhookUrls::default() {
            fiu.webhooks.base.clone_from(&fiu_url);
        }
        assign_shipped_key(&mut fiu.entity);
        Ok(Arc::new(fiu))
    };
    let load_fip = |entry: FipEntry| {
        let mut fip = entry.into_fip(None).map_err(field_error)?;
        assign_shipped_key(&mut fip.entity);
        Ok(Arc::new(fip))
    };
    let participants = Participants {
        aas,
        fius: custom
            .fiu
            .or(shipped.fiu)
            .unwrap_or_default()
            .into_iter()
            .map(load_fiu)
            .collect::<Result<_, ConfigError>>()?,
        fips: custom
            .fip
            .or(shipped.fip)
            .unwrap_or_default()
            .into_iter()
            .map(load_fip)
            .collect::<Result<_, ConfigError>>()?,
    };
    if participants.aas.is_empty() || participants.fius.is_empty() || participants.fips.is_empty() {
        return Err(file_error(
            "at least one [[aa]], one [[fiu]] and one [[fip]] take part; leave a list out for the shipped one".into(),
        ));
    }
    check_distinct(&participants).map_err(field_error)?;
    let unaport = custom
        .unaport
        .unwrap_or_default()
        .into_unaport(&participants)
        .map_err(field_error)?;
    let spare = SigningKey::from_pem("spare", SPARE_KEY).expect("the shipped keys are keys");
    Ok(ParticipantSetup {
        participants,
        keys: Keyring::new(keys, spare),
        fiu_url,
        unaport,
    })
}

/// The scenarios that AAs are used to, each with its AA.
pub fn aa_scenarios(participants: &Participants) -> Vec<(String, String)> {
    let aa_scenarios = participants
        .aas
        .iter()
        .filter_map(|aa| Some((aa.id.to_string(), aa.scenario.as_ref()?.to_string())));
    aa_scenarios.collect()
}

/// The `mockaa.toml` that counts: the one named, else the one where we are, if there is one.
pub fn find_config_file(explicit: Option<PathBuf>) -> Option<PathBuf> {
    explicit.or_else(|| Some(PathBuf::from("mockaa.toml")).filter(|file| file.exists()))
}

/// The private key of an AA: its own, else the one that ships for it, else the one that ships for the default AA.
fn load_aa_key(aa: &AaEntry, folder: Option<&Path>) -> Result<SigningKey, String> {
    let kid = aa.kid.clone().unwrap_or_else(|| shipped_kid(&aa.id));
    let pem = match &aa.key {
        None => shipped_pem(&aa.id).unwrap_or(SHIPPED_AA_KEY).to_owned(),
        Some(key) => {
            let path = folder.map_or_else(|| PathBuf::from(key), |folder| folder.join(key));
            std::fs::read_to_string(&path)
                .map_err(|error| format!("aa.key {}: {error}", path.display()))?
        }
    };
    SigningKey::from_pem(&kid, &pem).map_err(|error| format!("aa.key: {error}"))
}

fn parse_participants(name: &str, text: &str) -> Result<ParticipantsFile, ConfigError> {
    let to_config_error = |error: toml::de::Error| ConfigError::File {
        file: name.to_owned(),
        message: error.to_string(),
    };
    toml::from_str(text).map_err(to_config_error)
}

/// A shipped participant without a key of its own has the shipped one.
fn assign_shipped_key(entity: &mut Entity) {
    if let Some(key) = shipped_key(&entity.id).filter(|_| entity.public_keys.is_empty()) {
        entity.public_keys = vec![key.public_key()];
        entity.uses_shipped_keys = true;
    }
}

fn shipped_pem(id: &str) -> Option<&'static str> {
    SHIPPED_KEYS
        .iter()
        .find(|(owner, _)| *owner == id)
        .map(|(_, pem)| *pem)
}

/// The private key that ships for this participant.
pub fn shipped_key(id: &str) -> Option<SigningKey> {
    let pem = shipped_pem(id)?;
    Some(SigningKey::from_pem(&shipped_kid(id), pem).expect("the shipped keys are keys"))
}

fn shipped_kid(id: &str) -> String {
    format!("{}-dev-1", id.to_lowercase())
}

/// Checks a path below an FIU's base URL.
///
/// # Errors
/// [`ConfigError::Path`].
pub fn check_path(text: &str) -> Result<(), ConfigError> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\');
    if text.starts_with('/') && text.bytes().all(is_plain) {
        Ok(())
    } else {
        Err(ConfigError::Path(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{ParticipantSetup, check_path, load_participants};
    use crate::engine::clock::ClockStart;

    #[test]
    fn the_shipped_participants_are_complete() {
        let ParticipantSetup {
            participants, keys, ..
        } = load_participants(None, None).expect("they are whole");
        assert_eq!(&*participants.default_fiu().entity.id, "FIU-1");
        assert!(
            participants
                .all_members()
                .all(|member| member.entity().public_keys.len() == 1)
        );
        let kids: Vec<_> = keys
            .all_keys()
            .iter()
            .map(|key| key.private.kid())
            .collect();
        let expected = [
            "mockaa-dev-1",
            "unacores-aa-uat-dev-1",
            "cookiejar-aa@finvu.in-dev-1",
            "onemoney-aa-dev-1",
        ];
        assert_eq!(kids, expected);
    }

    #[test]
    fn the_shipped_settings_equal_the_defaults() {
        let ParticipantSetup {
            participants,
            unaport,
            ..
        } = load_participants(None, None).expect("they are whole");
        let shipped =
            super::parse_participants("the shipped participants", super::SHIPPED_PARTICIPANTS)
                .expect("it is read")
                .unaport;
        let shipped = shipped
            .expect("there are some")
            .into_unaport(&participants)
            .expect("they are right");
        assert_eq!(shipped, unaport);
    }

    #[test]
    fn a_clock_is_an_instant_and_may_be_frozen() {
        let clock: ClockStart = "2020-07-04T06:00:00Z,frozen"
            .parse()
            .expect("it is a clock");
        assert_eq!(
            (clock.at.map(|at| at.to_string()), clock.frozen),
            (Some("2020-07-04T06:00:00.000Z".to_owned()), true)
        );
        assert_eq!(
            "now,frozen".parse(),
            Ok(ClockStart {
                at: None,
                frozen: true
            })
        );
        for text in [
            "",
            "yesterday",
            "2020-07-04",
            "2020-07-04T06:00:00Z,froze",
            "2020-07-04T06:00:00Z,",
        ] {
            assert!(text.parse::<ClockStart>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_begins_with_a_slash() {
        assert!(check_path("/FI/Data").is_ok());
        for text in ["", "FI/Data", "/a b", "/a?b", "/a#b"] {
            assert!(check_path(text).is_err(), "{text}");
        }
    }
}
