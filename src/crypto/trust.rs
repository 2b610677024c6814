//! The certificate authorities (CAs) that this program trusts when it calls an https address: those of
//! the system, or those of Mozilla where the system has none, and those of files.

use std::io;
use std::path::{Path, PathBuf};

use reqwest::{Certificate, Client, ClientBuilder};
use thiserror::Error;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use crate::domain::text::display_path;

/// Certificates of CAs that are trusted beside those of the system.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedCas {
    certificates: Vec<Certificate>,
}

/// A file of `--ca` that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum TrustError {
    #[error("cannot read {}: {error}", display_path(.file))]
    Unreadable { file: PathBuf, error: io::Error },
    #[error(
        "{} has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----; convert one in DER with `openssl x509 -inform der`",
        display_path(.0)
    )]
    WithoutCertificate(PathBuf),
    #[error("{} has a certificate that cannot be read: {error}", display_path(.file))]
    BadCertificate {
        file: PathBuf,
        error: reqwest::Error,
    },
}

impl TrustedCas {
    /// Reads all certificates of some files in PEM (RFC 7468).
    ///
    /// # Errors
    /// The first file that cannot be read, or that has no certificate.
    pub(crate) fn read_files(files: &[PathBuf]) -> Result<Self, TrustError> {
        let lists: Result<Vec<_>, _> = files.iter().map(|file| read_file(file)).collect();
        Ok(Self {
            certificates: lists?.into_iter().flatten().collect(),
        })
    }

    /// Trusts the CA of this certificate in PEM too.
    ///
    /// # Errors
    /// The text is no certificate.
    pub(crate) fn add_pem(&mut self, pem: &str) -> reqwest::Result<()> {
        self.certificates
            .push(Certificate::from_pem(pem.as_bytes())?);
        Ok(())
    }

    /// Builds a client that trusts these CAs. `configure` returns its other settings.
    ///
    /// # Errors
    /// Settings that do not go together, or a certificate that cannot be read.
    pub(crate) fn build_client(
        &self,
        configure: impl Fn() -> ClientBuilder,
    ) -> reqwest::Result<Client> {
        let own = self.certificates.iter().cloned();
        // Only a client without further certificates tells that the system has none.
        match configure().build() {
            Ok(client) if self.certificates.is_empty() => Ok(client),
            Ok(_) => configure().tls_certs_merge(own).build(),
            Err(_) => {
                tracing::debug!("the system has no CA certificates; those of Mozilla are used");
                let of_mozilla = TLS_SERVER_ROOT_CERTS.iter();
                let of_mozilla = of_mozilla.map(|it| Certificate::from_der(it.as_ref()));
                let of_mozilla: Vec<_> = of_mozilla.collect::<Result<_, _>>()?;
                configure()
                    .tls_certs_only(of_mozilla.into_iter().chain(own))
                    .build()
            }
        }
    }
}

fn read_file(file: &Path) -> Result<Vec<Certificate>, TrustError> {
    let bytes = std::fs::read(file).map_err(|error| TrustError::Unreadable {
        file: file.to_owned(),
        error,
    })?;
    let refuse = |error| TrustError::BadCertificate {
        file: file.to_owned(),
        error,
    };
    let certificates = Certificate::from_pem_bundle(&bytes).map_err(refuse)?;
    // A client reads them; until then, they may be any bytes.
    let client = Client::builder().tls_certs_only(certificates.clone());
    client.build().map_err(refuse)?;
    if certificates.is_empty() {
        return Err(TrustError::WithoutCertificate(file.to_owned()));
    }
    Ok(certificates)
}
