//! What a sandbox is started with: the options of the command line and the builder, and the shipped participants.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use thiserror::Error;

use crate::crypto::keys::{KeyError, SigningKey};
use crate::crypto::webhook::is_secret;
use crate::domain::participants::{Aa, Fiu, Participants};
use crate::engine::clock::ClockStart;
use crate::http::Security;
use crate::wire::fields::parse_instant;

/// Where statements are posted below an FIU's base URL, unless another path is set.
pub const PUSH_DATA_PATH: &str = "/FI/Data";

/// How long an FIU may take to answer a webhook, unless another time is set (Standard Webhooks 1.0: 15 to 30 s).
pub const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(15);

/// What a sandbox is started with. [`Default`] is what `mockaa serve` does without flags, on a free port.
#[derive(Clone, Debug)]
pub struct Options {
    pub bind: IpAddr,
    /// 0 picks a free one.
    pub port: u16,
    pub fiu_url: Option<String>,
    pub seed: Option<u64>,
    pub clock: ClockStart,
    pub scenarios: Option<PathBuf>,
    pub default_scenario: Option<String>,
    pub security: Security,
    pub push_data: Option<bool>,
    pub push_data_path: String,
    pub control_token: Option<String>,
    /// How long an FIU may take to answer a webhook, in wall time.
    pub webhook_timeout: Duration,
    /// HTTP worker threads; `None`: one per core.
    pub workers: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            fiu_url: None,
            seed: None,
            clock: ClockStart::default(),
            scenarios: None,
            default_scenario: None,
            security: Security::Lenient,
            push_data: None,
            push_data_path: PUSH_DATA_PATH.to_owned(),
            control_token: None,
            webhook_timeout: WEBHOOK_TIMEOUT,
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
    #[error("'{url}' is not an FIU base URL: {problem}; give one such as http://127.0.0.1:9000")]
    FiuUrl { url: String, problem: String },
    #[error("'{0}' is not a path below the FIU's base URL; begin it with /")]
    Path(String),
    #[error("the shipped participants are damaged: {0}")]
    Shipped(String),
}

impl FromStr for ClockStart {
    type Err = ConfigError;

    /// `INSTANT[,frozen]`; `now` stands for the wall's time.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::Clock(text.to_owned());
        let (instant, frozen) = match text.split_once(',') {
            None => (text, false),
            Some((instant, "frozen")) => (instant, true),
            Some(_) => return Err(wrong()),
        };
        let at = if instant == "now" { None } else { Some(parse_instant(instant).ok_or_else(wrong)?) };
        Ok(Self { at, frozen })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ParticipantsFile {
    #[serde(rename = "comment")]
    _comment: String,
    aa: AaEntry,
    fius: Vec<FiuEntry>,
    fip: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AaEntry {
    id: String,
    handle: String,
    api_key: String,
    kid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FiuEntry {
    id: String,
    api_key: String,
    webhook_secret: String,
    kid: String,
}

/// The private halves of the development keys that FIUs may sign with.
const FIU_KEYS: [(&str, &str); 2] =
    [("FIU-1", include_str!("../fixtures/keys/fiu-1.pem")), ("FIU-2", include_str!("../fixtures/keys/fiu-2.pem"))];

/// The shipped participants, and the AA's signing key. `fiu_url` serves every FIU.
///
/// # Errors
/// [`ConfigError`] names the option that is wrong.
pub fn shipped(fiu_url: Option<&str>) -> Result<(Participants, SigningKey), ConfigError> {
    let damaged = |what: String| ConfigError::Shipped(what);
    let file: ParticipantsFile = serde_json::from_str(include_str!("../fixtures/participants.json"))
        .map_err(|error| damaged(error.to_string()))?;
    let base_url: Option<Arc<str>> = fiu_url.map(check_fiu_url).transpose()?.map(Into::into);
    let bad_key = |error: KeyError| damaged(error.to_string());
    let key = SigningKey::from_pem(&file.aa.kid, include_str!("../fixtures/keys/mockaa-aa.pem")).map_err(bad_key)?;
    let fiu = |entry: FiuEntry| {
        let pem = FIU_KEYS.iter().find(|(id, _)| *id == entry.id).map(|(_, pem)| *pem);
        let public_key = pem.map(|pem| SigningKey::from_pem(&entry.kid, pem)).transpose().map_err(bad_key)?;
        if !is_secret(&entry.webhook_secret) {
            return Err(damaged(format!("webhookSecret of {}", entry.id)));
        }
        Ok(Arc::new(Fiu {
            id: entry.id.into(),
            api_key: entry.api_key.into(),
            webhook_secret: entry.webhook_secret.into(),
            base_url: base_url.clone(),
            public_key: public_key.map(|key| key.public()),
        }))
    };
    let participants = Participants {
        aa: Aa { id: file.aa.id.into(), handle: file.aa.handle.into(), api_key: file.aa.api_key.into() },
        fius: file.fius.into_iter().map(fiu).collect::<Result<_, _>>()?,
        fip: file.fip.into(),
    };
    Ok((participants, key))
}

/// Instance-metadata services of clouds: never called, whatever somebody configures (DESIGN §4.13). Beside them, every
/// link-local IPv4 address.
const METADATA_HOSTS: [&str; 3] = ["fd00:ec2::254", "metadata.google.internal", "100.100.100.200"];

fn is_metadata(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.is_link_local() || METADATA_HOSTS.contains(&&*address.to_string()),
        Ok(IpAddr::V6(address)) => METADATA_HOSTS.contains(&&*address.to_string()),
        Err(_) => METADATA_HOSTS.contains(&&*host),
    }
}

fn check_fiu_url(text: &str) -> Result<String, ConfigError> {
    let wrong = |problem: &str| ConfigError::FiuUrl { url: text.to_owned(), problem: problem.to_owned() };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("its scheme is not http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("a user name or password in it would stand in every record of a delivery"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("paths are appended to it, so it has no query and no fragment"));
    }
    if url.host_str().is_none_or(is_metadata) {
        return Err(wrong("cloud-metadata addresses are never called"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Checks a path below an FIU's base URL.
///
/// # Errors
/// [`ConfigError::Path`].
pub fn check_path(text: &str) -> Result<(), ConfigError> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\');
    if text.starts_with('/') && text.bytes().all(plain) { Ok(()) } else { Err(ConfigError::Path(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::{check_fiu_url, check_path, shipped};
    use crate::engine::clock::ClockStart;

    #[test]
    fn the_shipped_participants_are_whole() {
        let (participants, key) = shipped(None).expect("they are whole");
        assert_eq!(&*participants.default_fiu().id, "FIU-1");
        assert!(participants.fius.iter().all(|fiu| fiu.public_key.is_some()));
        assert_eq!(key.kid(), "mockaa-dev-1");
    }

    #[test]
    fn a_clock_is_an_instant_and_may_be_frozen() {
        let clock: ClockStart = "2020-07-04T06:00:00Z,frozen".parse().expect("it is a clock");
        assert_eq!(
            (clock.at.map(|at| at.to_string()), clock.frozen),
            (Some("2020-07-04T06:00:00.000Z".to_owned()), true)
        );
        assert_eq!("now,frozen".parse(), Ok(ClockStart { at: None, frozen: true }));
        for text in ["", "yesterday", "2020-07-04", "2020-07-04T06:00:00Z,froze", "2020-07-04T06:00:00Z,"] {
            assert!(text.parse::<ClockStart>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_fiu_url_is_http_and_no_metadata_service() {
        assert_eq!(check_fiu_url("http://localhost:9000/aa/").as_deref(), Ok("http://localhost:9000/aa"));
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
            assert!(check_fiu_url(text).is_err(), "{text}");
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
