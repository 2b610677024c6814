//! Configuration of a sandbox: the options of the command line and of the builder, and the shipped
//! participants.

pub(crate) mod personas;
mod shipped_keys;
pub(crate) mod tls;

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

pub(crate) use self::shipped_keys::shipped_key;
use self::shipped_keys::{DEFAULT_AA, ShippedPublicKeys, shipped_kid, spare_key};
use crate::crypto::keys::{AaKey, Keyring, SigningKey};
use crate::domain::fair_use::FairUseMode;
use crate::domain::logo::{LOGO_BYTES_MAX, Logo};
use crate::domain::notification::NotificationKind;
use crate::domain::participants::{Aa, Entity, Fiu, Participants, PublicKey, WebhookUrls};
use crate::domain::retry_policy::RetryPolicy;
use crate::domain::secret_names::remove_quoted_value;
use crate::domain::security_mode::SecurityMode;
use crate::domain::session::{ApprovalMode, DataTiming};
use crate::domain::text::display_path;
use crate::domain::time_source::{TimeSettings, WallTimeInStrict};
use crate::domain::unaport::UnaportConfig;
use crate::engine::clock::ClockStart;
use crate::engine::sandbox_config::ENDED_CONSENTS_MAX;
pub(crate) use crate::files::participants::OPTION_TABLES;
use crate::files::participants::{
    AaEntry, ParticipantsFile, check_distinct, check_fiu_url, validate_kid,
};
use crate::wire::fields::parse_timestamp;

/// Default path below an FIU's base URL to which statements are posted.
pub(crate) const DEFAULT_PUSH_DATA_PATH: &str = NotificationKind::FiData.default_path();

/// Default idle time after which a customer's visit to the AA ends.
///
/// `Assumption:` no source gives a number.
const DEFAULT_CUSTOMER_SESSION: Duration = Duration::from_secs(15 * 60);

/// Default time in which an FIU must answer a webhook (Standard Webhooks 1.0: 15 to 30 s).
pub(crate) const DEFAULT_WEBHOOK_TIMEOUT: Duration = Duration::from_secs(15);

/// Default time in which stopping completes responses and webhooks. Docker kills after 10 s.
pub(crate) const DEFAULT_DRAIN_TIMEOUT: Duration = Duration::from_secs(8);

/// Options of a sandbox. [`Default`] has those of `mockaa serve` without flags, on a free port.
#[derive(Clone, Debug)]
pub struct Options {
    pub bind: IpAddr,
    /// 0 picks a free port.
    pub port: u16,
    /// Path of a `mockaa.toml`. Its tables of command-line options have no effect here.
    pub config: Option<PathBuf>,
    /// The content of a `mockaa.toml`, in place of the file.
    pub config_text: Option<&'static str>,
    pub fiu_url: Option<String>,
    pub seed: Option<u64>,
    pub clock: ClockStart,
    /// The clocks of messages; they come before the `[time]` table of the file.
    pub time_settings: TimeSettings,
    pub scenarios: Option<PathBuf>,
    pub default_scenario: Option<String>,
    /// A folder of personas, or a file with one.
    pub personas: Option<PathBuf>,
    /// Persona of customers that no persona was assigned to.
    pub default_persona: Option<String>,
    pub security: SecurityMode,
    /// Treatment of consent and data requests outside fair use.
    pub fair_use: FairUseMode,
    pub push_data: Option<bool>,
    pub push_data_path: String,
    /// Time at which FIPs answer a data request.
    pub data_timing: DataTiming,
    /// Approval of consents that no scenario drives.
    pub approval: ApprovalMode,
    pub control_token: Option<String>,
    /// Host names under which browsers and operators reach the sandbox, beside local ones.
    pub allow_host: Vec<String>,
    /// Origins of the web pages whose scripts may call the ReBIT and seed APIs; `*`: all.
    pub allow_origin: Vec<String>,
    /// Origins of the web pages that may show the pages of the web SDK in a frame.
    pub frame_origin: Vec<String>,
    /// Scheme, host and port under which browsers reach the sandbox; links in answers begin with
    /// it. `None`: the address that the caller used.
    pub public_url: Option<String>,
    /// `true` if the customer's pages of a consent begin with a sign-in.
    pub customer_login: bool,
    /// Idle time after which a customer's visit ends, in system time.
    pub customer_session: Duration,
    /// Folder of the development CA with which the sandbox answers https, beside http on the same
    /// port; `None`: http only.
    pub tls_folder: Option<PathBuf>,
    /// Files in PEM with CAs that are trusted beside those of the system, when a webhook goes to an https
    /// address.
    pub ca_files: Vec<PathBuf>,
    /// Time in which an FIU must answer a webhook, in system time.
    pub webhook_timeout: Duration,
    /// The delays after which a webhook that failed is sent again.
    pub webhook_retries: RetryPolicy,
    /// Longest time in which stopping completes responses and webhooks.
    pub drain_timeout: Duration,
    /// Idle time after which a world is removed, in system time; `None`: never.
    pub world_ttl: Option<Duration>,
    /// The number of ended consents that a world keeps.
    pub ended_consents_max: usize,
    /// Number of HTTP worker threads; `None`: one per core.
    pub workers: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            config: None,
            config_text: None,
            fiu_url: None,
            seed: None,
            clock: ClockStart::default(),
            time_settings: TimeSettings::default(),
            scenarios: None,
            default_scenario: None,
            personas: None,
            default_persona: None,
            security: SecurityMode::Lenient,
            fair_use: FairUseMode::Note,
            push_data: None,
            push_data_path: DEFAULT_PUSH_DATA_PATH.to_owned(),
            data_timing: DataTiming::Immediate,
            approval: ApprovalMode::Manual,
            control_token: None,
            allow_host: Vec::new(),
            allow_origin: Vec::new(),
            frame_origin: Vec::new(),
            public_url: None,
            customer_login: false,
            customer_session: DEFAULT_CUSTOMER_SESSION,
            tls_folder: None,
            ca_files: Vec::new(),
            webhook_timeout: DEFAULT_WEBHOOK_TIMEOUT,
            webhook_retries: RetryPolicy::default(),
            drain_timeout: DEFAULT_DRAIN_TIMEOUT,
            world_ttl: None,
            ended_consents_max: ENDED_CONSENTS_MAX,
            workers: None,
        }
    }
}

/// An invalid option or configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    #[error(
        "invalid clock '{0}'; give an instant such as 2020-07-04T06:00:00Z, followed by ',frozen' for a clock that does not advance"
    )]
    Clock(String),
    #[error("{0}")]
    FiuUrl(String),
    /// An invalid `--allow-host`, `--allow-origin`, `--frame-origin` or `--public-url`.
    #[error("{0}")]
    Access(String),
    /// A certificate that cannot be made or read.
    #[error("--tls: {0}")]
    Tls(String),
    /// A file of CAs that cannot be used.
    #[error("--ca: {0}")]
    Ca(String),
    #[error("invalid path '{0}' below the FIU's base URL; begin it with /")]
    Path(String),
    #[error("{setting}: {reason}")]
    Time {
        setting: String,
        reason: WallTimeInStrict,
    },
    #[error("{file}: {message}")]
    File { file: String, message: String },
}

impl FromStr for ClockStart {
    type Err = ConfigError;

    /// Parses `INSTANT[,frozen]`; the instant `now` is the system time.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let (instant, frozen) = match text.split_once(',') {
            None => (text, false),
            Some((instant, "frozen")) => (instant, true),
            Some(_) => return Err(ConfigError::Clock(text.to_owned())),
        };
        let at = if instant == "now" {
            None
        } else {
            let at = parse_timestamp(instant).ok_or_else(|| ConfigError::Clock(text.to_owned()))?;
            Some(at)
        };
        Ok(Self { at, frozen })
    }
}

/// The shipped participants; also the sample of a `mockaa.toml`.
pub(crate) const SHIPPED_PARTICIPANTS: &str = include_str!("../../fixtures/mockaa.toml");

/// Result of reading a `mockaa.toml`.
#[derive(Debug)]
pub(crate) struct ParticipantSetup {
    pub participants: Participants,
    /// The AAs' signing keys.
    pub keys: Keyring,
    /// URL for FIUs without webhook URLs.
    pub fiu_url: Option<Arc<str>>,
    pub unaport: UnaportConfig,
    /// The clocks of messages where an FIU sets none.
    pub time_settings: TimeSettings,
}

impl ParticipantSetup {
    /// Checks that the mode allows the clocks of the FIUs and these of the sandbox.
    ///
    /// # Errors
    /// [`ConfigError::Time`] with the setting.
    pub(crate) fn check_times(
        &self,
        security: SecurityMode,
        sandbox: TimeSettings,
    ) -> Result<(), ConfigError> {
        let fius = self.participants.fius.iter().map(|fiu| {
            let setting = format!("message_time of {}", fiu.entity.id);
            (setting, fiu.time_settings)
        });
        let scopes = std::iter::once(("message_time".to_owned(), sandbox)).chain(fius);
        for (setting, settings) in scopes {
            settings
                .check_allowed(security)
                .map_err(|reason| ConfigError::Time { setting, reason })?;
        }
        Ok(())
    }
}

/// Returns the participants that ship with the program.
///
/// # Panics
/// If they are invalid, which a test rules out.
pub fn shipped_participants() -> Participants {
    let setup = load_participants(None, None);
    setup
        .expect("the shipped participants are valid")
        .participants
}

/// Loads the participants and the AAs' signing keys from the file; lists that the file leaves out
/// are the shipped ones. `fiu_url` applies to every FIU without webhook URLs.
///
/// # Errors
/// [`ConfigError`] with the invalid option, or with the file and the error in it.
pub(crate) fn load_participants(
    file: Option<&Path>,
    fiu_url: Option<&str>,
) -> Result<ParticipantSetup, ConfigError> {
    let Some(path) = file else {
        return complete_setup("the shipped participants", "", None, fiu_url);
    };
    let name = display_path(path);
    let text = std::fs::read_to_string(path).map_err(|error| file_error(&name, error))?;
    complete_setup(&name, &text, path.parent(), fiu_url)
}

/// Completes the participants of a `mockaa.toml` with the shipped ones. `name` is that of the text in errors,
/// `folder` has the files that it names, and `fiu_url` applies to every FIU without webhook URLs.
///
/// # Errors
/// [`ConfigError`] with the invalid option, or with the name and the error in the text.
pub(crate) fn complete_setup(
    name: &str,
    text: &str,
    folder: Option<&Path>,
    fiu_url: Option<&str>,
) -> Result<ParticipantSetup, ConfigError> {
    let fiu_url = fiu_url
        .map(|url| check_fiu_url("--fiu-url", url))
        .transpose();
    let fiu_url: Option<Arc<str>> = fiu_url
        .map_err(|error| ConfigError::FiuUrl(error.to_string()))?
        .map(Into::into);
    let shipped = parse_participants("the shipped participants", SHIPPED_PARTICIPANTS)?;
    let custom = parse_participants(name, text)?;
    let shipped_keys = ShippedPublicKeys::read();
    let mut aas = Vec::new();
    let mut keys = Vec::new();
    for entry in custom.aa.or(shipped.aa).unwrap_or_default() {
        let key = load_aa_key(&entry, folder, &shipped_keys);
        let (private, public) = key.map_err(|error| file_error(name, error))?;
        let logo = load_logo("aa.logo", entry.logo.as_deref(), folder)
            .map_err(|error| file_error(name, error))?;
        let aa = entry.into_aa().map_err(|error| file_error(name, error))?;
        let aa = Aa { logo, ..aa };
        keys.push(AaKey {
            aa: Arc::clone(&aa.id),
            private: Arc::new(private),
            public,
        });
        aas.push(Arc::new(aa));
    }
    let mut fius = Vec::new();
    for mut entry in custom.fiu.or(shipped.fiu).unwrap_or_default() {
        let logo = load_logo("fiu.logo", entry.logo.take().as_deref(), folder)
            .map_err(|error| file_error(name, error))?;
        let fiu = entry.into_fiu().map_err(|error| file_error(name, error))?;
        let mut fiu = Fiu { logo, ..fiu };
        if fiu.webhooks == WebhookUrls::default() {
            fiu.webhooks.base.clone_from(&fiu_url);
        }
        assign_shipped_key(&mut fiu.entity, &shipped_keys);
        fius.push(Arc::new(fiu));
    }
    let mut fips = Vec::new();
    for entry in custom.fip.or(shipped.fip).unwrap_or_default() {
        let mut fip = entry.into_fip().map_err(|error| file_error(name, error))?;
        assign_shipped_key(&mut fip.entity, &shipped_keys);
        fips.push(Arc::new(fip));
    }
    let participants = Participants { aas, fius, fips };
    if participants.aas.is_empty() || participants.fius.is_empty() || participants.fips.is_empty() {
        return Err(file_error(
            name,
            "at least one [[aa]], one [[fiu]] and one [[fip]] are required; leave a list out for the shipped one",
        ));
    }
    check_distinct(&participants).map_err(|error| file_error(name, error))?;
    let unaport = custom
        .unaport
        .unwrap_or_default()
        .into_unaport(&participants)
        .map_err(|error| file_error(name, error))?;
    let time_settings = custom
        .time
        .unwrap_or_default()
        .into_settings()
        .map_err(|error| file_error(name, error))?;
    Ok(ParticipantSetup {
        participants,
        keys: Keyring::new(keys, spare_key()),
        fiu_url,
        unaport,
        time_settings,
    })
}

/// Returns the scenarios that AAs select for their consents, each with its AA.
pub(crate) fn aa_scenarios(participants: &Participants) -> Vec<(String, String)> {
    let aa_scenarios = participants
        .aas
        .iter()
        .filter_map(|aa| Some((aa.id.to_string(), aa.scenario.as_ref()?.to_string())));
    aa_scenarios.collect()
}

/// Returns the `mockaa.toml` in effect: the given one, else the one in the working directory, if it
/// exists.
pub(crate) fn find_config_file(explicit: Option<PathBuf>) -> Option<PathBuf> {
    // A link that leads nowhere is no missing file.
    let is_there = |file: &PathBuf| file.symlink_metadata().is_ok();
    explicit.or_else(|| Some(PathBuf::from("mockaa.toml")).filter(is_there))
}

/// Returns the private key of an AA: its own, else the one that ships for it, else that of the
/// default AA.
fn load_aa_key(
    aa: &AaEntry,
    folder: Option<&Path>,
    shipped: &ShippedPublicKeys,
) -> Result<(SigningKey, PublicKey), String> {
    let kid = aa.kid.clone().filter(|kid| !kid.is_empty());
    let kid = kid.unwrap_or_else(|| shipped_kid(&aa.id));
    validate_kid(&kid).map_err(|error| error.to_string())?;
    let Some(key) = &aa.key else {
        let owner = [&*aa.id, DEFAULT_AA].into_iter();
        let public = owner.clone().find_map(|id| shipped.find(id));
        let private = owner.clone().find_map(shipped_key);
        let (private, public) = private.zip(public).expect("the default AA has a key");
        let public = PublicKey {
            kid: kid.clone(),
            ..public
        };
        return Ok((private.with_kid(kid), public));
    };
    let path = resolve_path(key, folder);
    let pem = std::fs::read_to_string(&path)
        .map_err(|error| format!("aa.key {}: {error}", display_path(&path)))?;
    let private = SigningKey::from_pem(&kid, &pem).map_err(|error| format!("aa.key: {error}"))?;
    let public = private.public_key();
    Ok((private, public))
}

/// Returns the logo in the file that an entry names.
fn load_logo(
    field: &str,
    path: Option<&str>,
    folder: Option<&Path>,
) -> Result<Option<Logo>, String> {
    let Some(path) = path else {
        return Ok(None);
    };
    if path.starts_with("data:") {
        let remedy = "name a PNG or SVG file";
        return Err(format!(
            "{field} is a data URL, which only the control API takes; {remedy}"
        ));
    }
    let path = resolve_path(path, folder);
    let place = format!("{field} {}", display_path(&path));
    let mut bytes = Vec::new();
    // One byte more shows that the file is too large.
    let limit = u64::try_from(LOGO_BYTES_MAX + 1).expect("the limit fits into 64 bits");
    File::open(&path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| {
            format!(
                "{place}: {error}; name a PNG or SVG file, absolute or relative to the folder of \
                 this file"
            )
        })?;
    let logo = Logo::parse(&bytes).map_err(|error| format!("{place} {error}"))?;
    Ok(Some(logo))
}

/// Returns a path in a file, which is relative to the folder of that file.
fn resolve_path(path: &str, folder: Option<&Path>) -> PathBuf {
    folder.map_or_else(|| PathBuf::from(path), |folder| folder.join(path))
}

fn parse_participants(name: &str, text: &str) -> Result<ParticipantsFile, ConfigError> {
    toml::from_str(text).map_err(|error| file_error(name, describe_toml_error(&error, text)))
}

/// Returns the place and the problem, without the source: it may have a secret.
pub(crate) fn describe_toml_error(error: &toml::de::Error, text: &str) -> String {
    let problem = remove_quoted_value(error.message());
    let Some(span) = error.span() else {
        return problem.to_owned();
    };
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column}: {problem}")
}

fn file_error(file: &str, message: impl std::fmt::Display) -> ConfigError {
    ConfigError::File {
        file: file.to_owned(),
        message: message.to_string(),
    }
}

/// Gives a shipped participant without configured keys its shipped key.
fn assign_shipped_key(entity: &mut Entity, shipped: &ShippedPublicKeys) {
    if let Some(key) = shipped
        .find(&entity.id)
        .filter(|_| entity.public_keys.is_empty())
    {
        entity.public_keys = vec![key];
        entity.uses_shipped_keys = true;
    }
}

/// Checks a path below an FIU's base URL.
///
/// # Errors
/// [`ConfigError::Path`] if the path does not begin with `/` or has a space, a query, a fragment or
/// a backslash.
pub(crate) fn check_path(text: &str) -> Result<(), ConfigError> {
    if text.starts_with('/')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\'))
    {
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
        } = load_participants(None, None).expect("they are complete");
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
        } = load_participants(None, None).expect("they are complete");
        let shipped =
            super::parse_participants("the shipped participants", super::SHIPPED_PARTICIPANTS)
                .expect("they can be parsed")
                .unaport;
        let shipped = shipped
            .expect("the section exists")
            .into_unaport(&participants)
            .expect("they are valid");
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
