//! Arguments that several commands share.

use std::path::PathBuf;

use clap::Args;

use crate::cli::UsageError;
use crate::config::personas::{PersonaLoadError, load_personas};
use crate::crypto::trust::TrustedCas;
use crate::domain::persona::Personas;

#[derive(Clone, Debug, Args)]
pub(crate) struct PersonaArgs {
    /// Folder of personas of your own, or a file with one, added to the shipped ones; see
    /// `docs/data.md`.
    #[arg(long = "personas", env = "MOCKAA_PERSONAS", value_name = "PATH")]
    pub personas: Option<PathBuf>,
}

impl PersonaArgs {
    /// Loads the shipped personas and those of `--personas`.
    ///
    /// # Errors
    /// All diagnostics of the files.
    pub(crate) fn load_personas(&self) -> Result<Personas, PersonaLoadError> {
        let personas = load_personas(self.personas.as_deref())?;
        for note in personas.notes() {
            eprintln!("mockaa: {note}");
        }
        Ok(personas)
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TrustArgs {
    /// File in PEM with the certificate of a CA that https addresses may have, beside those of the
    /// system; may be repeated.
    #[arg(
        long = "ca",
        env = "MOCKAA_CA",
        value_delimiter = ',',
        value_name = "FILE"
    )]
    pub ca_files: Vec<PathBuf>,
}

impl TrustArgs {
    /// Reads the certificates of `--ca`.
    ///
    /// # Errors
    /// The file that cannot be read, or that has no certificate.
    pub(crate) fn read(&self) -> anyhow::Result<TrustedCas> {
        TrustedCas::read_files(&self.ca_files)
            .map_err(|error| UsageError(format!("--ca: {error}")).into())
    }
}
