//! All scenarios of a sandbox, and which one a new consent gets.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use thiserror::Error;

use crate::domain::consent::Terms;
use crate::domain::refusal::Refusal;
use crate::engine::ports::{Director, Script};
use crate::scenario::format::{Fault, parse};
use crate::scenario::magic;
use crate::scenario::plan::Plan;
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
    set: RwLock<Arc<Set>>,
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
        let default = self.default.iter().map(|name| (name.as_str(), format!("--default-scenario {name}")));
        let usual = self.usual.iter().map(|(aa, name)| (name.as_str(), format!("aa.scenario of {aa}, {name}")));
        default.chain(usual)
    }
}

#[derive(Debug)]
struct Set(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    plan: Arc<Plan>,
    place: String,
}

impl Library {
    /// The shipped scenarios and those of the folder.
    ///
    /// # Errors
    /// All that is wrong with the files, or who asks for one that is not there.
    pub fn load(folder: Option<PathBuf>, required: Required) -> Result<Self, BadScenarios> {
        let set = Set::load(folder.as_deref(), &required)?;
        let magic = magic::MAGIC.iter().map(|magic| (magic.number, Arc::new(magic.plan()))).collect();
        Ok(Self { folder, required, set: RwLock::new(Arc::new(set)), magic })
    }

    fn set(&self) -> Arc<Set> {
        Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Director for Library {
    /// Asked for by name, then the magic customers, then the AA's, then the default (DESIGN §5).
    fn cast(
        &self,
        terms: &Terms,
        wanted: Option<&str>,
        usual: Option<&str>,
    ) -> Result<Option<Arc<dyn Script>>, Refusal> {
        let named = |name: &str| {
            let set = self.set();
            let entry = set.0.get(name);
            let entry = entry.ok_or_else(|| Refusal::UnknownScenario { name: name.to_owned(), known: set.names() })?;
            Ok(Some(Arc::clone(&entry.plan) as Arc<dyn Script>))
        };
        if let Some(name) = wanted {
            return named(name);
        }
        if let Some(magic) = magic::find(&terms.customer) {
            return Ok(Some(Arc::clone(&self.magic[magic.number]) as Arc<dyn Script>));
        }
        usual.or(self.required.default.as_deref()).map_or(Ok(None), named)
    }

    fn names(&self) -> Vec<String> {
        self.set().names()
    }

    fn reload(&self) -> Result<usize, String> {
        let set = Set::load(self.folder.as_deref(), &self.required).map_err(|bad| bad.to_string())?;
        let count = set.0.len();
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
        Ok(count)
    }
}

impl Set {
    /// Everything there is; what is required has to be among it.
    fn load(folder: Option<&Path>, required: &Required) -> Result<Self, BadScenarios> {
        let mut set = Self(BTreeMap::new());
        let mut faults = String::new();
        for (file, text) in SHIPPED {
            set.add(format!("scenarios/{file} (shipped)"), text, &mut faults);
        }
        if let Some(folder) = folder {
            set.add_folder(folder, &mut faults);
        }
        if faults.is_empty() {
            for (_, who) in required.names().filter(|(name, _)| !set.0.contains_key(*name)) {
                let known = set.names().join(", ");
                note(&mut faults, format_args!("{who}: there is no such scenario; known: {known}"));
            }
        }
        if faults.is_empty() { Ok(set) } else { Err(BadScenarios(faults.trim_end().to_owned())) }
    }

    fn add_folder(&mut self, folder: &Path, faults: &mut String) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                note(faults, format_args!("{}: cannot be read as a folder of scenarios: {error}", folder.display()));
                return;
            }
        };
        let is_scenario = |path: &PathBuf| {
            matches!(path.extension().and_then(|ending| ending.to_str()), Some("yaml" | "yml" | "json"))
        };
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_scenario).collect();
        files.sort();
        for file in files {
            let place = file.display().to_string();
            match std::fs::read_to_string(&file) {
                Ok(text) => self.add(place, &text, faults),
                Err(error) => note(faults, format_args!("{place}: cannot be read: {error}")),
            }
        }
    }

    fn add(&mut self, place: String, text: &str, faults: &mut String) {
        let plan = match parse(text) {
            Ok(plan) => plan,
            Err(found) => {
                for Fault { line, column, message } in found {
                    note(faults, format_args!("{place}:{line}:{column}: {message}"));
                }
                return;
            }
        };
        if let Some(other) = self.0.get(&plan.name) {
            note(faults, format_args!("{place}: the name '{}' is taken by {}", plan.name, other.place));
            return;
        }
        self.0.insert(plan.name.clone(), Entry { plan: Arc::new(plan), place });
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

fn note(faults: &mut String, fault: std::fmt::Arguments<'_>) {
    writeln!(faults, "{fault}").expect("writing to a string cannot fail");
}
