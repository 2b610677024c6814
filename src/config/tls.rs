//! The certificates of `serve --tls`: those of a development authority, which is made on first use and
//! kept in a folder of the user.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::ConfigError;
use crate::crypto::development_ca::DevelopmentCa;
use crate::domain::text::display_path;
use crate::platform::create_private_file;

/// File of the authority in its folder: its certificate, and its private key.
const AUTHORITY_FILE: &str = "development-ca.pem";

const CERTIFICATE_END: &str = "-----END CERTIFICATE-----";

/// Keys and certificates of a sandbox that answers https.
pub(crate) struct TlsSetup {
    pub acceptor: TlsAcceptor,
    /// Certificate of the authority, in PEM, for clients to trust.
    pub authority: String,
}

/// Returns the folder of the authority: `XDG_DATA_HOME/mockaa` or `~/.local/share/mockaa`, on Windows
/// `%LOCALAPPDATA%\mockaa`.
pub(crate) fn default_folder() -> Option<PathBuf> {
    let variable = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let data = variable("XDG_DATA_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| Some(variable("HOME")?.join(".local/share")));
    data.map(|data| data.join("mockaa"))
}

/// Returns the certificate of this machine's authority, if there is one.
pub(crate) fn find_authority() -> Option<String> {
    let folder = std::env::var_os("MOCKAA_TLS_DIR").filter(|folder| !folder.is_empty());
    let folder = folder.map(PathBuf::from).or_else(default_folder)?;
    let text = std::fs::read_to_string(folder.join(AUTHORITY_FILE)).ok()?;
    split_authority(&text).map(|(certificate, _)| certificate)
}

/// Issues a certificate for these names, by the authority of the folder. Makes the authority first if
/// there is none.
///
/// # Errors
/// The file that cannot be read or written, or the name that cannot stand in a certificate.
pub(crate) fn prepare_tls(
    folder: &Path,
    names: Vec<String>,
    today: NaiveDate,
) -> Result<TlsSetup, ConfigError> {
    let authority = load_or_make_authority(folder, today)?;
    let refuse = |reason: String| ConfigError::Tls(format!("{}: {reason}", display_path(folder)));
    let certificate = authority.issue_server_certificate(names, today);
    let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(certificate.chain.as_bytes()).collect();
    let chain = chain.map_err(|error| refuse(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes());
    let key = key.map_err(|error| refuse(error.to_string()))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| refuse(error.to_string()))?;
    let config = builder.with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(|error| refuse(error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsSetup {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        authority: authority.certificate,
    })
}

/// Reads the authority. Of several processes that make one at the same time, all take the first.
fn load_or_make_authority(folder: &Path, today: NaiveDate) -> Result<DevelopmentCa, ConfigError> {
    let file = folder.join(AUTHORITY_FILE);
    let fail = |error: std::io::Error| {
        let file = display_path(&file);
        ConfigError::Tls(format!(
            "{file}: {error}; give another folder with --tls-dir"
        ))
    };
    if !file.exists() {
        std::fs::create_dir_all(folder).map_err(fail)?;
        let made = DevelopmentCa::generate(today)
            .map_err(|error| ConfigError::Tls(format!("cannot make a CA: {error}")))?;
        let draft = folder.join(format!(".ca-{}", std::process::id()));
        let written = create_private_file(&draft)
            .and_then(|mut file| file.write_all((made.certificate + &made.key).as_bytes()))
            .and_then(|()| match std::fs::hard_link(&draft, &file) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
                _ => Ok(()),
            });
        let _ = std::fs::remove_file(&draft);
        written.map_err(fail)?;
    }
    let text = std::fs::read_to_string(&file).map_err(fail)?;
    let (certificate, key) = split_authority(&text).ok_or_else(|| {
        let file = display_path(&file);
        ConfigError::Tls(format!("{file} has no certificate and key; delete it"))
    })?;
    Ok(DevelopmentCa { certificate, key })
}

/// Splits the file into certificate and key.
fn split_authority(text: &str) -> Option<(String, String)> {
    let end = text.find(CERTIFICATE_END)? + CERTIFICATE_END.len();
    let (certificate, key) = text.split_at_checked(end)?;
    key.contains("PRIVATE KEY")
        .then(|| (certificate.trim().to_owned() + "\n", key.trim().to_owned()))
}
