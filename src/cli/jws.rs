//! `mockaa jws`: signs, verifies and explains `x-jws-signature` values. The cryptography belongs to
//! `crypto::jws`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::cli::{UsageError, read_input};
use crate::config::{ParticipantSetup, load_participants, shipped_key};
use crate::crypto::jws::{explain_signature, sign_detached, verify_detached};
use crate::crypto::keys::SigningKey;
use crate::domain::participants::{PublicKey, SignatureProfile};
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

        /// The body, byte for byte as it is sent; default: stdin. For a GET, its path:
        /// `printf %s /Consent/… | mockaa jws sign`.
        file: Option<PathBuf>,
    },
    /// Verify a signature; exit code 1 if it is invalid.
    #[command(
        after_help = "Examples:\n  mockaa jws verify --signature \"$SIG\" --jwks aa-jwks.json body.json"
    )]
    Verify(CheckArguments),
    /// Explain what a signature covers, and what else the sender may have signed.
    #[command(after_help = "Examples:\n  mockaa jws explain --signature \"$SIG\" body.json")]
    Explain(CheckArguments),
}

const SIGN_EXAMPLES: &str = "Examples:
  mockaa jws sign --as FIU-1 body.json
  curl -H \"x-jws-signature: $(mockaa jws sign body.json)\" --data-binary @body.json …
  mockaa jws sign --key fiu.pem --kid my-key-1 body.json";

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

    /// The body, byte for byte as it was received; default: stdin.
    file: Option<PathBuf>,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Sign {
            signer,
            key,
            kid,
            profile,
            file,
        } => {
            let key = match (key, kid) {
                (Some(file), Some(kid)) => {
                    let pem = std::fs::read_to_string(file)
                        .with_context(|| format!("cannot read {}", file.display()))?;
                    SigningKey::from_pem(kid, &pem)
                        .map_err(|error| UsageError(format!("{}: {error}", file.display())))?
                }
                _ => shipped_key(signer).ok_or_else(|| {
                    UsageError(format!(
                        "no shipped key for '{signer}'; `mockaa config show` lists the participants, \
                         or give --key and --kid"
                    ))
                })?,
            };
            let profile = SignatureProfile::parse(profile).context("the two profiles are known")?;
            let signature = sign_detached(&key, &read_input(file.as_deref())?, profile);
            println!("{}", signature.context("both profiles sign")?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Verify(check) => {
            let (keys, body) = (check.load_keys()?, check.read_body()?);
            let public: Vec<&PublicKey> = keys.iter().map(|(_, key)| key).collect();
            match verify_detached(check.signature.trim(), &body, &public) {
                Ok(form) => {
                    println!("verifies ({form:?})");
                    Ok(ExitCode::SUCCESS)
                }
                Err(error) => {
                    println!("does not verify: {error}");
                    Ok(ExitCode::from(1))
                }
            }
        }
        Command::Explain(check) => {
            let (keys, body) = (check.load_keys()?, check.read_body()?);
            let public: Vec<&PublicKey> = keys.iter().map(|(_, key)| key).collect();
            let owned_keys: Vec<_> = keys
                .iter()
                .map(|(owner, key)| (owner.clone(), key))
                .collect();
            let explanation =
                explain_signature(check.signature.trim(), &body, &public, &owned_keys);
            print!("{explanation}");
            Ok(ExitCode::from(u8::from(!explanation.is_valid())))
        }
    }
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
            let name = file.display();
            let text = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
            let set: JwkSet = serde_json::from_slice(&text)
                .map_err(|error| UsageError(format!("{name}: {error}")))?;
            let mut keys = Vec::new();
            for jwk in &set.keys {
                let key = PublicKey::try_from(jwk)
                    .map_err(|error| UsageError(format!("{name}: {error}")))?;
                keys.push((name.to_string(), key));
            }
            return Ok(keys);
        }
        let ParticipantSetup {
            participants, keys, ..
        } = load_participants(self.config.as_deref(), None)?;
        let mut keys: Vec<_> = keys
            .all_keys()
            .iter()
            .map(|key| (key.aa.to_string(), key.public.clone()))
            .collect();
        for member in participants.all_members() {
            let entity = member.entity();
            keys.extend(
                entity
                    .public_keys
                    .iter()
                    .map(|key| (entity.id.to_string(), key.clone())),
            );
        }
        Ok(keys)
    }
}
