//! All personas of a sandbox: those in the binary, and files of one's own.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::domain::naming::alternatives;
use crate::domain::persona::{Persona, Personas};
use crate::domain::script::TextFault;
use crate::domain::statement::Ledger;
use crate::scenario::library::files_in;
use crate::wire::persona::parse;
use crate::wire::statement;

macro_rules! shipped {
    ($($file:literal),+ $(,)?) => {
        /// File name and text of each.
        const SHIPPED: &[(&str, &str)] = &[$(($file, include_str!(concat!("../../", $file)))),+];
    };
}

shipped!(
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
pub struct BadPersonas(String);

/// The file of a shipped persona, to begin one's own from.
///
/// # Errors
/// What there is instead.
pub fn shipped_text(name: &str) -> Result<&'static str, BadPersonas> {
    let named =
        |(file, _): &&(&str, &str)| Path::new(file).file_stem().is_some_and(|stem| stem == name);
    SHIPPED
        .iter()
        .find(named)
        .map(|(_, text)| *text)
        .ok_or_else(|| {
            let all = SHIPPED
                .iter()
                .filter_map(|(file, _)| Path::new(file).file_stem()?.to_str());
            BadPersonas(format!(
                "no persona {name} is shipped; {}",
                alternatives(name, all)
            ))
        })
}

/// The persona of this name.
///
/// # Errors
/// What there is instead.
pub fn named(personas: &Personas, name: &str) -> Result<Arc<Persona>, BadPersonas> {
    let known = personas.get(name).map(Arc::clone);
    known.ok_or_else(|| {
        BadPersonas(format!(
            "there is no persona {name}; {}",
            alternatives(name, personas.names())
        ))
    })
}

/// The shipped personas, and those of a folder or a file; one of one's own takes the place of a shipped one of its name.
///
/// # Errors
/// All that is wrong with the files.
pub fn personas(own: Option<&Path>) -> Result<Personas, BadPersonas> {
    let mut personas = Personas::default();
    let mut faults = String::new();
    for (file, text) in SHIPPED {
        let none = |_: &str| Err("shipped personas have no statements".to_owned());
        note(&mut personas, &mut faults, file, parse(text, &none));
    }
    let files = match own {
        None => Vec::new(),
        Some(file) if file.is_file() => vec![file.to_owned()],
        Some(folder) => files_in(folder).map_err(|error| {
            BadPersonas(format!(
                "{}: cannot be read as a folder of personas: {error}",
                folder.display()
            ))
        })?,
    };
    // Statements in JSON may lie beside those that name them.
    let is_persona = |file: &&PathBuf| {
        own.is_some_and(Path::is_file) || file.extension().is_none_or(|end| end != "json")
    };
    let mut taken: Vec<(String, String)> = Vec::new();
    for file in files.iter().filter(is_persona) {
        let place = file.display().to_string();
        let beside = file.parent().unwrap_or(Path::new("."));
        let read = std::fs::read_to_string(file).map_err(|error| {
            vec![TextFault {
                line: 0,
                column: 0,
                message: format!("cannot be read: {error}"),
            }]
        });
        let parsed = read.and_then(|text| parse(&text, &|name| ledger(&beside.join(name))));
        if let Ok(persona) = &parsed {
            if let Some((_, other)) = taken.iter().find(|(name, _)| **name == *persona.name) {
                writeln!(
                    faults,
                    "{place}: the name '{}' is taken by {other}",
                    persona.name
                )
                .expect("writing to a string");
            }
            taken.push((persona.name.to_string(), place.clone()));
        }
        note(&mut personas, &mut faults, &place, parsed);
    }
    if faults.is_empty() {
        Ok(personas)
    } else {
        Err(BadPersonas(faults.trim_end().to_owned()))
    }
}

fn note(
    personas: &mut Personas,
    faults: &mut String,
    file: &str,
    parsed: Result<Persona, Vec<TextFault>>,
) {
    match parsed {
        Ok(persona) => personas.add(persona),
        Err(found) => {
            for fault in found {
                writeln!(faults, "{}", fault.of(file)).expect("writing to a string");
            }
        }
    }
}

/// A statement of somebody's own, in one of the forms that `mockaa data check` reads.
fn ledger(file: &Path) -> Result<Ledger, String> {
    let bytes = std::fs::read(file)
        .map_err(|error| format!("{}: cannot be read: {error}", file.display()))?;
    statement::parse(&bytes).map_err(|faults| {
        faults
            .iter()
            .map(|fault| fault.of(file.display()))
            .collect::<Vec<_>>()
            .join("\n")
    })
}
