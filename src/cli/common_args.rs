//! What several commands take of one's own.

use std::path::PathBuf;

use clap::Args;

use crate::config::personas::{PersonaLoadError, load_personas};
use crate::domain::persona::Personas;

#[derive(Clone, Debug, Args)]
pub struct PersonaArgs {
    /// A folder of personas of your own, or a file with one, added to the shipped ones; `docs/data.md` tells how to write
    /// them.
    #[arg(long = "personas", env = "MOCKAA_PERSONAS", value_name = "PATH")]
    pub personas: Option<PathBuf>,
}

impl PersonaArgs {
    /// They and the shipped ones.
    ///
    /// # Errors
    /// All that is wrong with the files.
    pub fn load_personas(&self) -> Result<Personas, PersonaLoadError> {
        load_personas(self.personas.as_deref())
    }
}
