//! All personas of a sandbox: those in the binary, and files of one's own.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::domain::diagnostic::Diagnostic;
use crate::domain::naming::suggest_name;
use crate::domain::persona::{Persona, Personas};
use crate::domain::statement::Ledger;
use crate::scenario::library::list_scenario_files;
use crate::wire::persona::parse;
use crate::wire::statement;

macro_rules! shipped_personas {
    ($($file:literal),+ $(,)?) => {
        /// File name and text of each.
        const SHIPPED: &[(&str, &str)] = &[$(($file, include_str!(concat!("../../", $file)))),+];
    };
}

shipped_personas!(
    "fixtures/personas/circular-transactions.yaml",
    "fixtures/personas/dormant-account.yaml",
    "fixtures/personas/gig-worker.yaml",
    "fixtures/personas/huge-statement.yaml",
    "fixtures/personas/investor.yaml",
    "fixtures/personas/joint-account.yaml",
    "fixtures/personas/kirana-merchant.yaml",
    "fixtures/personas/new-account.yaml",
    "fixtures/personas/nri.yaml",
    "fixtures/personas/over-indebted.yaml",
    "fixtures/personas/pensioner.yaml",
    "fixtures/personas/salaried.yaml",
    "fixtures/personas/salary-inflation.yaml",
    "fixtures/personas/small-business.yaml",
    "fixtures/personas/student.yaml",
    "fixtures/personas/two-banks.yaml",
);

/// Why personas could not be loaded. One line for each fault: `file:line:column: what is wrong`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PersonaLoadError(String);

/// The file of a shipped persona, to begin one's own from.
///
/// # Errors
/// What there is instead.
pub fn shipped_text(name: &str) -> Result<&'static str, PersonaLoadError> {
    let has_name =
        |(file, _): &&(&str, &str)| Path::new(file).file_stem().is_some_and(|stem| stem == name);
    SHIPPED
        .iter()
        .find(has_name)
        .map(|(_, text)| *text)
        .ok_or_else(|| {
            let all = SHIPPED
                .iter()
                .filter_map(|(file, _)| Path::new(file).file_stem()?.to_str());
            PersonaLoadError(format!(
                "no persona {name} is shipped; {}",
                suggest_name(name, all)
            ))
        })
}

/// The persona of this name.
///
/// # Errors
/// What there is instead.
pub fn find_persona(personas: &Personas, name: &str) -> Result<Arc<Persona>, PersonaLoadError> {
    let persona = personas.get(name).map(Arc::clone);
    persona.ok_or_else(|| {
        PersonaLoadError(format!(
            "there is no persona {name}; {}",
            suggest_name(name, personas.names())
        ))
    })
}

/// The shipped personas, and those of a folder or a file; one of one's own takes the place of a shipped one of its name.
///
/// # Errors
/// All that is wrong with the files.
pub fn load_personas(path: Option<&Path>) -> Result<Personas, PersonaLoadError> {
    let mut personas = Personas::default();
    let mut diagnostics = String::new();
    for (file, text) in SHIPPED {
        let no_statements = |_: &str| Err("shipped personas have no statements".to_owned());
        add_parsed(
            &mut personas,
            &mut diagnostics,
            file,
            parse(text, &no_statements),
        );
    }
    let files = match path {
        None => Vec::new(),
        Some(file) if file.is_file() => vec![file.to_owned()],
        Some(folder) => list_scenario_files(folder).map_err(|error| {
            PersonaLoadError(format!(
                "{}: cannot be read as a folder of personas: {error}",
                folder.display()
            ))
        })?,
    };
    // Statements in JSON may lie beside those that name them.
    let is_persona = |file: &&PathBuf| {
        path.is_some_and(Path::is_file)
            || file.extension().is_none_or(|extension| extension != "json")
    };
    let mut loaded_names: Vec<(String, String)> = Vec::new();
    for file in files.iter().filter(is_persona) {
        let file_name = file.display().to_string();
        let folder = file.parent().unwrap_or(Path::new("."));
        let text = std::fs::read_to_string(file).map_err(|error| {
            vec![Diagnostic {
                line: 0,
                column: 0,
                message: format!("cannot be read: {error}"),
            }]
        });
        let parsed = text.and_then(|text| parse(&text, &|name| read_ledger(&folder.join(name))));
        if let Ok(persona) = &parsed {
            if let Some((_, other_file)) = loaded_names
                .iter()
                .find(|(name, _)| **name == *persona.name)
            {
                writeln!(
                    diagnostics,
                    "{file_name}: the name '{}' is taken by {other_file}",
                    persona.name
                )
                .expect("writing to a string");
            }
            loaded_names.push((persona.name.to_string(), file_name.clone()));
        }
        add_parsed(&mut personas, &mut diagnostics, &file_name, parsed);
    }
    if diagnostics.is_empty() {
        Ok(personas)
    } else {
        Err(PersonaLoadError(diagnostics.trim_end().to_owned()))
    }
}

fn add_parsed(
    personas: &mut Personas,
    diagnostics: &mut String,
    file: &str,
    parsed: Result<Persona, Vec<Diagnostic>>,
) {
    match parsed {
        Ok(persona) => personas.insert(persona),
        Err(file_diagnostics) => {
            for diagnostic in file_diagnostics {
                writeln!(diagnostics, "{}", diagnostic.format_in_file(file))
                    .expect("writing to a string");
            }
        }
    }
}

/// A statement of somebody's own, in one of the forms that `mockaa data check` reads.
fn read_ledger(file: &Path) -> Result<Ledger, String> {
    let bytes = std::fs::read(file)
        .map_err(|error| format!("{}: cannot be read: {error}", file.display()))?;
    statement::parse(&bytes).map_err(|diagnostics| {
        diagnostics
            .iter()
            .map(|diagnostic| diagnostic.format_in_file(file.display()))
            .collect::<Vec<_>>()
            .join("\n")
    })
}
