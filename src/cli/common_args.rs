//! Arguments that several commands share.

use std::path::PathBuf;

use clap::Args;

use crate::config::personas::{PersonaLoadError, load_personas};
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
