//! All scenarios of a sandbox, and which one a new consent gets.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use thiserror::Error;

use crate::domain::api_fault::Faults;
use crate::domain::command::RaiseConsent;
use crate::domain::diagnostic::ScenarioInfo;
use crate::domain::expectation::Expectation;
use crate::domain::naming::suggest_name;
use crate::domain::persona::Personas;
use crate::domain::time::Millis;
use crate::engine::ports::{ScenarioPlan, ScenarioProvider};
use crate::scenario::format::{Fault, parse, parse_expectations, parse_faults, parse_steps};
use crate::scenario::magic;
use crate::scenario::plan::{Place, Plan};
use crate::scenario::shipped::SHIPPED;

/// Why scenarios could not be loaded. One line for each fault: `file:line:column: what is wrong`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct BadScenarios(String);

/// The scenarios of a sandbox. Reloading swaps the whole set or nothing; consents keep the plan they started with.
#[derive(Debug)]
pub struct Library {
    folder: Option<PathBuf>,
    required: Required,
    personas: Arc<Personas>,
    set: RwLock<Arc<Set>>,
    /// What is wrong with the files that were read last.
    complaint: RwLock<Option<String>>,
    magic: BTreeMap<&'static str, Arc<Plan>>,
}

/// Scenarios that have to be there.
#[derive(Clone, Debug, Default)]
pub struct Required {
    /// That of consents which no other rule gives one.
    pub default: Option<String>,
    /// Those that AAs are used to, with the AA's id.
    pub usual: Vec<(String, String)>,
}

impl Required {
    /// Each name, and who asks for it.
    fn names(&self) -> impl Iterator<Item = (&str, String)> {
        let default = self
            .default
            .iter()
            .map(|name| (name.as_str(), format!("--default-scenario {name}")));
        let usual = self
            .usual
            .iter()
            .map(|(aa, name)| (name.as_str(), format!("aa.scenario of {aa}, {name}")));
        default.chain(usual)
    }
}

#[derive(Debug)]
struct Set(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    plan: Arc<Plan>,
    file: String,
    /// The text of its file.
    text: Arc<str>,
    /// It came with the program: a file of one's own may take its place.
    shipped: bool,
}

impl Library {
    /// The shipped scenarios and those of the folder.
    ///
    /// # Errors
    /// All that is wrong with the files, or who asks for one that is not there.
    pub fn load(
        folder: Option<PathBuf>,
        required: Required,
        personas: Arc<Personas>,
    ) -> Result<Self, BadScenarios> {
        let set = Set::load(folder.as_deref(), &required, &personas)?;
        let magic = magic::MAGIC
            .iter()
            .map(|magic| (magic.number, Arc::new(magic.plan())))
            .collect();
        Ok(Self {
            folder,
            required,
            personas,
            set: RwLock::new(Arc::new(set)),
            complaint: RwLock::default(),
            magic,
        })
    }

    /// The folder that was added to the shipped scenarios.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    fn set(&self) -> Arc<Set> {
        Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entry {
    fn named(&self) -> (&Plan, &str) {
        (&self.plan, &self.file)
    }

    fn shown(&self) -> ScenarioInfo {
        let Self {
            plan, file, text, ..
        } = self;
        let (name, description) = (plan.name.clone(), plan.description.clone());
        ScenarioInfo {
            name,
            source: file.clone(),
            description,
            text: Arc::clone(text),
        }
    }
}

impl ScenarioProvider for Library {
    fn find_by_name(&self, name: &str) -> Option<Arc<dyn ScenarioPlan>> {
        self.set()
            .0
            .get(name)
            .map(|entry| Arc::clone(&entry.plan) as Arc<dyn ScenarioPlan>)
    }

    fn find_matching(&self, raise: &RaiseConsent) -> Option<Arc<dyn ScenarioPlan>> {
        let set = self.set();
        let matching = set.0.values().filter_map(|entry| {
            let (casting, _) = entry.plan.casting.as_ref()?;
            casting
                .matches_request(raise)
                .then(|| (casting.specificity(), &entry.plan))
        });
        matching
            .max_by_key(|(rank, _)| *rank)
            .map(|(_, plan)| Arc::clone(plan) as Arc<dyn ScenarioPlan>)
    }

    fn find_for_magic_customer(&self, customer: &str) -> Option<Arc<dyn ScenarioPlan>> {
        magic::find(customer)
            .map(|magic| Arc::clone(&self.magic[magic.number]) as Arc<dyn ScenarioPlan>)
    }

    fn default_name(&self) -> Option<&str> {
        self.required.default.as_deref()
    }

    fn list_names(&self) -> Vec<String> {
        self.set().names()
    }

    fn load_error(&self) -> Option<String> {
        self.complaint
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn list_scenarios(&self) -> Vec<ScenarioInfo> {
        self.set().0.values().map(Entry::shown).collect()
    }

    fn list_magic_customers(&self) -> Vec<(&'static str, &'static str)> {
        magic::MAGIC
            .iter()
            .map(|magic| (magic.number, magic.story))
            .collect()
    }

    /// The complaint is kept until a set is right again.
    fn reload_scenarios(&self) -> Result<usize, String> {
        let loaded = Set::load(self.folder.as_deref(), &self.required, &self.personas)
            .map_err(|bad| bad.to_string());
        *self
            .complaint
            .write()
            .unwrap_or_else(PoisonError::into_inner) = loaded.as_ref().err().cloned();
        let set = loaded?;
        let count = set.0.len();
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
        Ok(count)
    }

    fn parse_scenario(&self, text: &str) -> Result<Arc<dyn ScenarioPlan>, Vec<Fault>> {
        let plan = parse(text)?;
        match unknown_persona(&plan, &self.personas) {
            Some(fault) => Err(vec![fault]),
            None => Ok(Arc::new(plan)),
        }
    }

    fn parse_steps(&self, text: &str) -> Result<Arc<dyn ScenarioPlan>, Vec<Fault>> {
        parse_steps(text).map(|plan| Arc::new(plan) as Arc<dyn ScenarioPlan>)
    }

    fn parse_faults(&self, text: &str) -> Result<(Faults, Option<Millis>), Vec<Fault>> {
        parse_faults(text)
    }

    fn parse_expectations(&self, text: &str) -> Result<Vec<Expectation>, Vec<Fault>> {
        parse_expectations(text)
    }
}

impl Set {
    /// Everything there is; what is required has to be among it.
    fn load(
        folder: Option<&Path>,
        required: &Required,
        personas: &Personas,
    ) -> Result<Self, BadScenarios> {
        let mut set = Self(BTreeMap::new());
        let mut faults = String::new();
        for (file, text) in SHIPPED {
            set.add(
                format!("scenarios/{file} (shipped)"),
                text,
                true,
                personas,
                &mut faults,
            );
        }
        if let Some(folder) = folder {
            set.add_folder(folder, personas, &mut faults);
        }
        if faults.is_empty() {
            for (name, who) in required
                .names()
                .filter(|(name, _)| !set.0.contains_key(*name))
            {
                let others = suggest_name(name, set.0.keys().map(String::as_str));
                note(
                    &mut faults,
                    format_args!("{who}: there is no such scenario; {others}"),
                );
            }
        }
        if faults.is_empty() {
            Ok(set)
        } else {
            Err(BadScenarios(faults.trim_end().to_owned()))
        }
    }

    fn add_folder(&mut self, folder: &Path, personas: &Personas, faults: &mut String) {
        let files = match files_in(folder) {
            Ok(files) => files,
            Err(error) => {
                note(
                    faults,
                    format_args!(
                        "{}: cannot be read as a folder of scenarios: {error}",
                        folder.display()
                    ),
                );
                return;
            }
        };
        for file in files {
            let place = file.display().to_string();
            match std::fs::read_to_string(&file) {
                Ok(text) => self.add(place, &text, false, personas, faults),
                Err(error) => note(faults, format_args!("{place}: cannot be read: {error}")),
            }
        }
    }

    /// A file of one's own takes the place of the shipped scenario that has its name: who copies one to change it means
    /// the copy.
    fn add(
        &mut self,
        file: String,
        text: &str,
        shipped: bool,
        personas: &Personas,
        faults: &mut String,
    ) {
        let plan = match parse(text) {
            Ok(plan) => plan,
            Err(found) => {
                for fault in found {
                    note(faults, format_args!("{}", fault.format_in_file(&file)));
                }
                return;
            }
        };
        let others = self
            .0
            .values()
            .filter(|other| !other.shipped)
            .map(Entry::named);
        if let Some(taken) = taken(&plan, others) {
            note(faults, format_args!("{file}:{taken}"));
            return;
        }
        if let Some(fault) = unknown_persona(&plan, personas) {
            note(faults, format_args!("{}", fault.format_in_file(&file)));
        }
        for tie in ties(&plan, self.0.values().map(Entry::named)) {
            note(faults, format_args!("{file}:{tie}"));
        }
        self.0.insert(
            plan.name.clone(),
            Entry {
                plan: Arc::new(plan),
                file,
                text: text.into(),
                shipped,
            },
        );
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// The scenario files of a folder, by their names. The schema may lie beside those that name it.
///
/// # Errors
/// The folder cannot be read.
pub fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_scenario = |path: &PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        [".yaml", ".yml", ".json"]
            .iter()
            .any(|ending| name.ends_with(ending))
            && !name.ends_with(".schema.json")
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(is_scenario)
        .collect();
    files.sort();
    Ok(files)
}

fn note(faults: &mut String, fault: std::fmt::Arguments<'_>) {
    writeln!(faults, "{fault}").expect("writing to a string cannot fail");
}

/// That a scenario asks for a persona that there is not.
pub fn unknown_persona(plan: &Plan, personas: &Personas) -> Option<Fault> {
    let (Place { line, column }, name) = plan.persona.as_ref()?;
    let unknown = personas.get(name).is_none();
    let message = || {
        format!(
            "there is no persona {name}; {}",
            suggest_name(name, personas.names())
        )
    };
    unknown.then(|| Fault {
        line: *line,
        column: *column,
        message: message(),
    })
}

/// That another scenario has this one's name.
pub fn taken<'a>(
    plan: &Plan,
    mut others: impl Iterator<Item = (&'a Plan, &'a str)>,
) -> Option<Fault> {
    let Place { line, column } = plan.place;
    let (other, file) = others.find(|(other, _)| other.name == plan.name)?;
    let message = format!(
        "the name '{}' is taken by {file}:{}",
        plan.name, other.place.line
    );
    Some(Fault {
        line,
        column,
        message,
    })
}

/// Scenarios whose `match` asks just as much as this one's for the same consents: nobody could say which is meant.
pub fn ties<'a>(plan: &Plan, others: impl Iterator<Item = (&'a Plan, &'a str)>) -> Vec<Fault> {
    let Some((casting, Place { line, column })) = &plan.casting else {
        return Vec::new();
    };
    let tie = |(other, file): (&Plan, &str)| {
        let (theirs, there) = other.casting.as_ref()?;
        // One of the same name stands for this one, or is told by its name.
        if other.name == plan.name
            || theirs.specificity() != casting.specificity()
            || !theirs.overlaps_with(casting)
        {
            return None;
        }
        let message = format!(
            "match asks just as much as that of {} for the same consents ({file}:{}); ask for more in one of them",
            other.name, there.line
        );
        Some(Fault {
            line: *line,
            column: *column,
            message,
        })
    };
    others.filter_map(tie).collect()
}
