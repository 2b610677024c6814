//! `mockaa jws`: signs, verifies and explains `x-jws-signature` values. The cryptography belongs to
//! `crypto::jws`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::cli::remote::Remote;
use crate::cli::{UsageError, read_input};
use crate::config::{ParticipantSetup, load_participants, shipped_key};
use crate::crypto::jws::{
    RequestTarget, SearchEffort, SignatureQuestion, SignedContent, explain_signature,
    sign_detached, verify_detached,
};
use crate::crypto::keys::SigningKey;
use crate::domain::participants::{PublicKey, SignatureProfile};
use crate::domain::text::{display_path, escape_controls};
use crate::http::describe_target;
use crate::wire::jwk::Jwk;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign a body and print the value of x-jws-signature.
    #[command(after_help = SIGN_EXAMPLES)]
    Sign {
        /// Participant whose shipped development key signs.
        #[arg(
            long = "as",
            default_value = "FIU-1",
            value_name = "ID",
            conflicts_with = "key"
        )]
        signer: String,

        /// Private RSA key of your own, PKCS#8 in PEM.
        #[arg(long, requires = "kid", value_name = "FILE")]
        key: Option<PathBuf>,

        /// Key id (kid) of that key.
        #[arg(long, requires = "key")]
        kid: Option<String>,

        /// Signature profile: detached (over the raw body, b64:false) or encoded (over its
        /// base64url form).
        #[arg(long, default_value = "detached", value_parser = ["detached", "encoded"])]
        profile: String,

        /// Sign a GET: its path, or the path of this URL.
        #[arg(long, value_name = "URL", conflicts_with = "file", value_parser = parse_target)]
        get: Option<RequestTarget>,

        /// The body, byte for byte as it is sent; default: stdin.
        file: Option<PathBuf>,
    },
    /// Verify a signature; exit code 1 if it is invalid.
    #[command(
        after_help = "Examples:\n  mockaa jws verify --signature \"$SIG\" --jwks aa-jwks.json body.json"
    )]
    Verify(CheckArguments),
    /// Explain what a signature covers, and what else the sender may have signed.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(CheckArguments),
    /// Print the public keys of the AAs of a running sandbox as a JWK set, for `--jwks`.
    #[command(after_help = "Example:\n  mockaa jws keys > aa-jwks.json")]
    Keys {
        #[command(flatten)]
        remote: Remote,
    },
}

const SIGN_EXAMPLES: &str = "Examples:
  mockaa jws sign --as FIU-1 body.json
  curl -H \"x-jws-signature: $(mockaa jws sign body.json)\" --data-binary @body.json …
  mockaa jws sign --key fiu.pem --kid my-key-1 body.json
  mockaa jws sign --get /Consent/handle/01234567-89ab-cdef-0123-456789abcdef";

const EXPLAIN_EXAMPLES: &str = "Examples:
  mockaa jws explain --signature \"$SIG\" body.json
  mockaa jws explain --signature \"$SIG\" --get http://127.0.0.1:8080/v2/Heartbeat
  mockaa webhook show 1 --body | mockaa jws explain --signature \"$SIG\"";

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The value of x-jws-signature.
    #[arg(long)]
    signature: String,

    /// Public keys as a JWK set, such as /.well-known/jwks.json; default: those of the AA and of
    /// all participants.
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,

    /// Participants of your own.
    #[arg(long, env = "MOCKAA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// The message is a GET of this URL or path. Its signature covers the path or the URL.
    #[arg(long, value_name = "URL", conflicts_with = "file", value_parser = parse_target)]
    get: Option<RequestTarget>,

    /// The body, byte for byte as it was received; default: stdin.
    file: Option<PathBuf>,
}

/// Parses the URL or path of a GET.
fn parse_target(text: &str) -> Result<RequestTarget, String> {
    let (origin, path) = match text.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.find('/').unwrap_or(rest.len());
            let (host, path) = rest.split_at(host);
            (Some(format!("{scheme}://{host}")), path)
        }
        None => (None, text),
    };
    if path.starts_with('/') {
        Ok(describe_target("GET", origin, path))
    } else {
        Err(
            "it has no path; give a URL, such as http://127.0.0.1:8080/Heartbeat, or a path"
                .to_owned(),
        )
    }
}

pub(crate) async fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Keys { remote } => {
            let keys = remote.get("keys").await?;
            remote.print(&keys);
            Ok(ExitCode::SUCCESS)
        }
        Command::Sign {
            signer,
            key,
            kid,
            profile,
            get,
            file,
        } => {
            let key = match (key, kid) {
                (Some(file), Some(kid)) => {
                    let pem = std::fs::read_to_string(file)
                        .with_context(|| format!("cannot read {}", display_path(file)))?;
                    SigningKey::from_pem(kid, &pem)
                        .map_err(|error| UsageError(format!("{}: {error}", display_path(file))))?
                }
                _ => shipped_key(signer).ok_or_else(|| {
                    UsageError(format!(
                        "no shipped key for '{signer}'; `mockaa config show` lists the participants, \
                         or give --key and --kid"
                    ))
                })?,
            };
            let profile = SignatureProfile::parse(profile).context("the two profiles are known")?;
            let content = match get {
                Some(target) => target.path_and_query.clone().into_bytes(),
                None => read_input(file.as_deref())?,
            };
            let signature = sign_detached(&key, &content, profile);
            println!("{}", signature.context("both profiles sign")?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Verify(check) => {
            let keys = check.load_keys()?;
            let public: Vec<&PublicKey> = keys.iter().map(|(_, key)| key).collect();
            let contents = match &check.get {
                Some(target) => {
                    let forms = target.accepted_forms().into_iter();
                    forms.map(String::into_bytes).collect()
                }
                None => vec![check.read_body()?],
            };
            let mut results = contents
                .iter()
                .map(|content| verify_detached(check.signature.trim(), content, &public));
            let first = results.next().context("there is a content")?;
            match first.or_else(|error| results.find_map(Result::ok).ok_or(error)) {
                Ok(form) => {
                    println!("verifies ({form:?})");
                    Ok(ExitCode::SUCCESS)
                }
                Err(error) => {
                    let error = error.to_string();
                    let error = escape_controls(&error);
                    println!("does not verify: {error}; `mockaa jws explain` finds out why");
                    Ok(ExitCode::from(1))
                }
            }
        }
        Command::Explain(check) => {
            let keys = check.load_keys()?;
            let caller_keys: Vec<&PublicKey> = keys.iter().map(|(_, key)| key).collect();
            let shipped = load_participants(None, None)?;
            let secrets = check.list_secrets()?;
            let mut known_keys = borrow_keys(&keys);
            let shipped_keys = list_keys(&shipped);
            // A key that ships with mockaa is recognised even where it is not registered.
            let is_new = |(_, key): &(String, &PublicKey)| {
                caller_keys.iter().all(|own| own.modulus != key.modulus)
            };
            known_keys.extend(borrow_keys(&shipped_keys).into_iter().filter(is_new));
            let body = match check.get {
                Some(_) => Vec::new(),
                None => check.read_body()?,
            };
            let content = match &check.get {
                Some(target) => SignedContent::Target(target),
                None => SignedContent::Body(&body, None),
            };
            let explanation = explain_signature(&SignatureQuestion {
                // A shell adds line breaks, a client does not.
                signature: check.signature.trim_end_matches(['\r', '\n']),
                content: &content,
                caller_keys: &caller_keys,
                known_keys: &known_keys,
                secrets: &secrets,
                effort: SearchEffort::Thorough,
            });
            print!("{explanation}");
            Ok(ExitCode::from(u8::from(!explanation.is_valid())))
        }
    }
}

fn borrow_keys(keys: &[(String, PublicKey)]) -> Vec<(String, &PublicKey)> {
    keys.iter()
        .map(|(owner, key)| (owner.clone(), key))
        .collect()
}

/// Returns the public keys of the AAs and of all participants, each with its owner.
fn list_keys(setup: &ParticipantSetup) -> Vec<(String, PublicKey)> {
    let aa_keys = setup.keys.all_keys().iter();
    let mut keys: Vec<_> = aa_keys
        .map(|key| (key.aa.to_string(), key.public.clone()))
        .collect();
    for member in setup.participants.all_members() {
        let entity = member.entity();
        keys.extend(
            entity
                .public_keys
                .iter()
                .map(|key| (entity.id.to_string(), key.clone())),
        );
    }
    keys
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

impl CheckArguments {
    fn read_body(&self) -> anyhow::Result<Vec<u8>> {
        read_input(self.file.as_deref())
    }

    /// Returns the public keys, each with its owner.
    fn load_keys(&self) -> anyhow::Result<Vec<(String, PublicKey)>> {
        if let Some(file) = &self.jwks {
            let name = display_path(file);
            let text = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
            let set: JwkSet = serde_json::from_slice(&text)
                .map_err(|error| UsageError(format!("{name}: {error}")))?;
            let mut keys = Vec::new();
            for jwk in &set.keys {
                let key = PublicKey::try_from(jwk)
                    .map_err(|error| UsageError(format!("{name}: {error}")))?;
                keys.push((name.clone(), key));
            }
            return Ok(keys);
        }
        Ok(list_keys(&load_participants(self.config.as_deref(), None)?))
    }

    /// Returns the API keys and webhook secrets with which a sender may have signed by mistake.
    fn list_secrets(&self) -> anyhow::Result<Vec<(String, String)>> {
        let setup = load_participants(self.config.as_deref(), None)?;
        let mut secrets = Vec::new();
        for member in setup.participants.all_members() {
            secrets.extend(member.list_secrets());
        }
        Ok(secrets)
    }
}
