//! `mockaa fi`: the FIU's and the FIP's side of encrypted financial information (ReBIT AA API
//! 2.0.0, `KeyMaterial` and data encryption; `docs/sources.md#encryption`). The cryptography
//! belongs to `crypto::key_exchange`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cli::{UsageError, parse_duration_arg, read_input};
use crate::crypto::base64;
use crate::crypto::key_exchange::KeyPair;
use crate::domain::key_exchange::Curve;
use crate::domain::text::display_path;
use crate::domain::time::Millis;
use crate::engine::clock::system_now;
use crate::engine::entropy::random_key;
use crate::fiu::data::{decrypt_response, parse_peer_key, publish_key};
use crate::platform::create_private_file;
use crate::wire::rebit::fi::ReceivedFetchResponse;
use crate::wire::rebit::key_material::KeyMaterial;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Generate a key pair and a nonce, and print the KeyMaterial of POST /FI/request.
    #[command(
        after_help = "Examples:\n  mockaa fi keys --private fiu-keys.json\n  mockaa fi keys --private k.json --curve X25519 --life 1h"
    )]
    Keys {
        /// Output file for the private key and its KeyMaterial; `mockaa fi decrypt` reads it.
        #[arg(long, value_name = "FILE")]
        private: PathBuf,

        /// Curve: Curve25519 (Weierstrass form, as most of the ecosystem) or X25519 (RFC 7748).
        #[arg(long, default_value = "Curve25519", value_parser = ["Curve25519", "X25519"])]
        curve: String,

        /// Validity period of the key, such as 24h.
        #[arg(long, default_value = "24h", value_parser = parse_duration_arg, value_name = "TIME")]
        life: Duration,
    },
    /// Encrypt a document as a FIP does, for the holder of a KeyMaterial, and print a response of
    /// /FI/fetch.
    #[command(
        after_help = "Examples:\n  mockaa fi keys --private k.json > to.json\n  mockaa fi encrypt --to to.json statement.xml"
    )]
    Encrypt {
        /// File with the receiver's KeyMaterial.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,

        /// The fipID of the response.
        #[arg(long, default_value = "FIP-1", value_name = "ID")]
        fip: String,

        /// The linkRefNumber of the response.
        #[arg(long, default_value = "link-1", value_name = "REF")]
        link_ref: String,

        /// The maskedAccNumber of the response.
        #[arg(long, default_value = "XXXXXXXX0000", value_name = "NUMBER")]
        masked_number: String,

        /// The document; default: stdin.
        file: Option<PathBuf>,
    },
    /// Decrypt a response of /FI/fetch and print its documents, one after the other.
    #[command(
        after_help = "Examples:\n  mockaa fi decrypt --private fiu-keys.json fetched.json\n  curl … /FI/fetch … | mockaa fi decrypt --private fiu-keys.json"
    )]
    Decrypt {
        /// The file that `mockaa fi keys` wrote.
        #[arg(long, value_name = "FILE")]
        private: PathBuf,

        /// Print JSON: fipID, linkRefNumber, maskedAccNumber and document of each account.
        #[arg(long)]
        json: bool,

        /// The response; default: stdin.
        file: Option<PathBuf>,
    },
}

/// The content of the `--private` file.
#[derive(Deserialize, Serialize)]
struct PrivateFile {
    /// 32 bytes in base64: big-endian on Curve25519, little-endian on X25519.
    #[serde(rename = "privateKey")]
    private_key: String,
    #[serde(rename = "KeyMaterial")]
    key_material: KeyMaterial,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Keys {
            private,
            curve,
            life,
        } => generate_keys(private, curve, *life)?,
        Command::Encrypt {
            to,
            fip,
            link_ref,
            masked_number,
            file,
        } => {
            // Also accept the file of `fi keys --private`, which contains the KeyMaterial.
            let key_file: Value = read_json(to)?;
            let material_json = key_file.get("KeyMaterial").unwrap_or(&key_file);
            let key_material =
                serde_json::from_value::<KeyMaterial>(material_json.clone()).unwrap_or_default();
            if key_material.key_and_nonce().is_none() {
                return Err(UsageError(format!(
                    "{} has no KeyMaterial with KeyValue and Nonce",
                    display_path(to)
                ))
                .into());
            }
            let peer = parse_peer_key(&key_material).map_err(|error| file_error(to, error))?;
            let pair = KeyPair::from_random(peer.curve, random_key(), random_key());
            let encrypted = pair
                .encrypt(&peer, read_input(file.as_deref())?)
                .map_err(|error| UsageError(error.to_string()))?;
            let item = json!({ "linkRefNumber": link_ref, "maskedAccNumber": masked_number, "encryptedFI": encrypted });
            let entry = json!({ "fipID": fip, "data": [item], "KeyMaterial": public_key_material(&pair, Duration::from_secs(86_400)) });
            println!("{}", json!({ "FI": [entry] }));
        }
        Command::Decrypt {
            private,
            json,
            file,
        } => {
            let documents = decrypt_file(private, file.as_deref())?;
            if *json {
                println!("{}", json!({ "items": documents, "next": null }));
            } else {
                for document in &documents {
                    println!("{}", document["document"].as_str().unwrap_or_default());
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn generate_keys(private: &Path, curve: &str, life: Duration) -> anyhow::Result<()> {
    let curve = if curve == "X25519" {
        Curve::X25519
    } else {
        Curve::Weierstrass
    };
    let pair = KeyPair::from_random(curve, random_key(), random_key());
    let key_material = public_key_material(&pair, life);
    let public = serde_json::to_string(&key_material)?;
    let file = PrivateFile {
        private_key: base64::encode(pair.private()),
        key_material,
    };
    let text = serde_json::to_string_pretty(&file)?;
    // Readable by its owner only: even a sandbox key may protect real documents.
    let result =
        create_private_file(private).and_then(|mut file| file.write_all((text + "\n").as_bytes()));
    result.with_context(|| format!("cannot write {}", display_path(private)))?;
    println!("{public}");
    Ok(())
}

fn public_key_material(pair: &KeyPair, life: Duration) -> KeyMaterial {
    let life = Millis(i64::try_from(life.as_millis()).unwrap_or(i64::MAX));
    publish_key(pair, system_now().saturating_add(life))
}

fn load_key_pair(private: &Path) -> anyhow::Result<KeyPair> {
    let keys: PrivateFile = read_json(private)?;
    let own_key = parse_peer_key(&keys.key_material).map_err(|error| file_error(private, error))?;
    let secret = base64::decode(&keys.private_key)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| file_error(private, "privateKey is not base64 of 32 bytes"))?;
    let pair = KeyPair::from_private(own_key.curve, secret, own_key.nonce)
        .map_err(|error| file_error(private, error))?;
    Ok(pair)
}

fn file_error(file: &Path, error: impl std::fmt::Display) -> UsageError {
    UsageError(format!("{}: {error}", display_path(file)))
}

/// Returns the decrypted documents of a response, with their FIPs and accounts.
fn decrypt_file(private: &Path, file: Option<&Path>) -> anyhow::Result<Vec<Value>> {
    let pair = load_key_pair(private)?;
    let input = read_input(file)?;
    let response: ReceivedFetchResponse = serde_json::from_slice(&input).map_err(|error| {
        let excerpt: String = String::from_utf8_lossy(&input).chars().take(300).collect();
        UsageError(format!(
            "the input is not a response of /FI/fetch: {error}; it begins: {excerpt}"
        ))
    })?;
    let documents = decrypt_response(&pair, response);
    let documents = documents.map_err(|error| UsageError(error.to_string()))?;
    let listed = documents.into_iter().map(|it| {
        json!({
            "fipID": it.fip_id,
            "linkRefNumber": it.link_ref,
            "maskedAccNumber": it.masked_number,
            "document": it.document,
        })
    });
    Ok(listed.collect())
}

fn read_json<T: for<'de> Deserialize<'de>>(file: &Path) -> anyhow::Result<T> {
    let text =
        std::fs::read(file).with_context(|| format!("cannot read {}", display_path(file)))?;
    Ok(serde_json::from_slice(&text).map_err(|error| file_error(file, error))?)
}
