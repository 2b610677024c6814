//! The personas of a sandbox: the shipped ones, and those of the user's files.

use std::cell::RefCell;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use crate::domain::diagnostic::Diagnostic;
use crate::domain::naming::suggest_name;
use crate::domain::persona::{Persona, Personas};
use crate::domain::statement::Ledger;
use crate::domain::text::display_path;
use crate::files::persona::{parse, parse_shipped};
use crate::files::statement::{self, StatementCheck};
use crate::scenario::library::list_scenario_files;

macro_rules! shipped_personas {
    ($($file:literal),+ $(,)?) => {
        /// File name and text of each shipped persona.
        const SHIPPED: &[(&str, &str)] = &[$(($file, include_str!(concat!("../../", $file)))),+];
    };
}

shipped_personas!(
    "fixtures/personas/chit-fund-saver.yaml",
    "fixtures/personas/circular-transactions.yaml",
    "fixtures/personas/daily-wage-driver.yaml",
    "fixtures/personas/doctor.yaml",
    "fixtures/personas/dormant-account.yaml",
    "fixtures/personas/education-loan.yaml",
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
    "fixtures/personas/senior-annuity.yaml",
    "fixtures/personas/small-business.yaml",
    "fixtures/personas/student.yaml",
    "fixtures/personas/two-banks.yaml",
);

/// Errors in persona files, one line each: `file:line:column: message`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PersonaLoadError(String);

/// Returns the text of a shipped persona, as a template for a new one.
///
/// # Errors
/// [`PersonaLoadError`] with the closest name, or all names.
pub(crate) fn shipped_text(name: &str) -> Result<&'static str, PersonaLoadError> {
    SHIPPED
        .iter()
        .find(|(file, _)| persona_name(file) == Some(name))
        .map(|(_, text)| *text)
        .ok_or_else(|| {
            let names = SHIPPED.iter().filter_map(|(file, _)| persona_name(file));
            PersonaLoadError(format!(
                "unknown shipped persona {name}; {}",
                suggest_name(name, names)
            ))
        })
}

fn persona_name(file: &'static str) -> Option<&'static str> {
    Path::new(file).file_stem()?.to_str()
}

/// Returns the persona with this name.
///
/// # Errors
/// [`PersonaLoadError`] with the closest name, or all names.
pub(crate) fn find_persona(
    personas: &Personas,
    name: &str,
) -> Result<Arc<Persona>, PersonaLoadError> {
    let persona = personas.get(name).map(Arc::clone);
    persona.ok_or_else(|| {
        PersonaLoadError(format!(
            "unknown persona {name}; {}",
            suggest_name(name, personas.names())
        ))
    })
}

/// Loads the shipped personas and those of a folder or file, which replace shipped ones of the same
/// name.
///
/// # Errors
/// [`PersonaLoadError`] with all errors in the files.
pub fn load_personas(path: Option<&Path>) -> Result<Personas, PersonaLoadError> {
    let mut personas = Personas::default();
    let mut diagnostics = String::new();
    for (file, text) in SHIPPED {
        add_parsed(&mut personas, &mut diagnostics, file, parse_shipped(text));
    }
    let files = match path {
        None => Vec::new(),
        Some(file) if file.is_file() => vec![file.to_owned()],
        Some(folder) => list_scenario_files(folder).map_err(|error| {
            PersonaLoadError(format!(
                "{}: cannot be read as a folder of personas: {error}",
                display_path(folder)
            ))
        })?,
    };
    let is_single_file = path.is_some_and(Path::is_file);
    let mut loaded_names: Vec<(String, String)> = Vec::new();
    for file in &files {
        // A JSON file in a folder of personas is a statement that a persona names.
        if !is_single_file
            && file
                .extension()
                .is_some_and(|extension| extension == "json")
        {
            continue;
        }
        let file_name = display_path(file);
        let folder = file.parent().unwrap_or(Path::new("."));
        let text = std::fs::read_to_string(file).map_err(|error| {
            vec![Diagnostic {
                line: 0,
                column: 0,
                message: format!("cannot be read: {error}"),
            }]
        });
        let notes = RefCell::new(Vec::new());
        let parsed = text.and_then(|text| {
            parse(&text, &|name, check| {
                let file = folder.join(name);
                let ledger = read_ledger(&file, check)?;
                notes.borrow_mut().extend(list_notes(&file, &ledger));
                Ok(ledger)
            })
        });
        for note in notes.into_inner() {
            personas.add_note(note);
        }
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

/// Reads a user's statement, in one of the forms that `mockaa data check` reads.
fn read_ledger(file: &Path, check: StatementCheck) -> Result<Ledger, String> {
    let bytes = std::fs::read(file)
        .map_err(|error| format!("{}: cannot be read: {error}", display_path(file)))?;
    statement::parse(&bytes, check).map_err(|diagnostics| {
        diagnostics
            .iter()
            .map(|diagnostic| diagnostic.format_in_file(display_path(file)))
            .collect::<Vec<_>>()
            .join("\n")
    })
}

/// The maximum number of notes about a statement that are listed.
const NOTES_MAX: usize = 20;

/// Returns the notes about a statement, each with its place.
fn list_notes(file: &Path, ledger: &Ledger) -> Vec<String> {
    let (file, notes) = (display_path(file), &ledger.notes);
    let listed = notes.iter().take(NOTES_MAX);
    let mut lines: Vec<String> = listed.map(|note| note.format_in_file(&file)).collect();
    if notes.len() > NOTES_MAX {
        let rest = notes.len() - NOTES_MAX;
        lines.push(format!(
            "{file}: {rest} notes more; mockaa data check lists them"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::SHIPPED;
    use crate::domain::persona::Persona;
    use crate::files::persona::{parse_shipped, parse_without_files};

    /// A start does not compare the shipped personas with their schema.
    #[test]
    fn every_shipped_persona_fits_the_schema() {
        for (file, text) in SHIPPED {
            let compared =
                parse_without_files(text).unwrap_or_else(|errors| panic!("{file}: {errors:?}"));
            assert_eq!(Ok(compared), parse_shipped(text), "{file}");
        }
    }

    #[test]
    fn the_written_form_of_a_persona_reads_back() {
        for (file, text) in SHIPPED {
            let persona = parse_shipped(text).expect("a shipped persona");
            let written = serde_json::to_string(&persona).expect("a persona can be written");
            let read: Persona = serde_json::from_str(&written).expect("a written persona");
            assert_eq!(read, persona, "{file}");
        }
    }
}
