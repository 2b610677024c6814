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
use crate::scenario::plan::{Plan, SourceLocation};
use crate::scenario::shipped::SHIPPED;

/// Why scenarios could not be loaded. One line for each fault: `file:line:column: what is wrong`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ScenarioLoadError(String);

/// The scenarios of a sandbox. Reloading swaps the whole set or nothing; consents keep the plan they started with.
#[derive(Debug)]
pub struct Library {
    folder: Option<PathBuf>,
    required: RequiredScenarios,
    personas: Arc<Personas>,
    set: RwLock<Arc<ScenarioSet>>,
    /// What is wrong with the files that were read last.
    load_error: RwLock<Option<String>>,
    magic_plans: BTreeMap<&'static str, Arc<Plan>>,
}

/// Scenarios that have to be there.
#[derive(Clone, Debug, Default)]
pub struct RequiredScenarios {
    /// That of consents which no other rule gives one.
    pub default: Option<String>,
    /// Those that AAs are used to, with the AA's id.
    pub aa_scenarios: Vec<(String, String)>,
}

impl RequiredScenarios {
    /// Each name, and who asks for it.
    fn names_with_sources(&self) -> impl Iterator<Item = (&str, String)> {
        let default = self
            .default
            .iter()
            .map(|name| (name.as_str(), format!("--default-scenario {name}")));
        let aa_scenarios = self
            .aa_scenarios
            .iter()
            .map(|(aa, name)| (name.as_str(), format!("aa.scenario of {aa}, {name}")));
        default.chain(aa_scenarios)
    }
}

#[derive(Debug)]
struct ScenarioSet(BTreeMap<String, LoadedScenario>);

#[derive(Debug)]
struct LoadedScenario {
    plan: Arc<Plan>,
    file: String,
    /// The text of its file.
    text: Arc<str>,
    /// It came with the program: a file of one's own may take its place.
    is_shipped: bool,
}

impl Library {
    /// The shipped scenarios and those of the folder.
    ///
    /// # Errors
    /// All that is wrong with the files, or who asks for one that is not there.
    pub fn load(
        folder: Option<PathBuf>,
        required: RequiredScenarios,
        personas: Arc<Personas>,
    ) -> Result<Self, ScenarioLoadError> {
        let set = ScenarioSet::load(folder.as_deref(), &required, &personas)?;
        let magic_plans = magic::MAGIC_CUSTOMERS
            .iter()
            .map(|entry| (entry.number, Arc::new(entry.to_plan())))
            .collect();
        Ok(Self {
            folder,
            required,
            personas,
            set: RwLock::new(Arc::new(set)),
            load_error: RwLock::default(),
            magic_plans,
        })
    }

    /// The folder that was added to the shipped scenarios.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    fn current_set(&self) -> Arc<ScenarioSet> {
        Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LoadedScenario {
    fn plan_and_file(&self) -> (&Plan, &str) {
        (&self.plan, &self.file)
    }

    fn to_info(&self) -> ScenarioInfo {
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
        self.current_set()
            .0
            .get(name)
            .map(|entry| Arc::clone(&entry.plan) as Arc<dyn ScenarioPlan>)
    }

    fn find_matching(&self, raise: &RaiseConsent) -> Option<Arc<dyn ScenarioPlan>> {
        let set = self.current_set();
        let matching = set.0.values().filter_map(|entry| {
            let (matcher, _) = entry.plan.matcher.as_ref()?;
            matcher
                .matches_request(raise)
                .then(|| (matcher.specificity(), &entry.plan))
        });
        matching
            .max_by_key(|(rank, _)| *rank)
            .map(|(_, plan)| Arc::clone(plan) as Arc<dyn ScenarioPlan>)
    }

    fn find_for_magic_customer(&self, customer: &str) -> Option<Arc<dyn ScenarioPlan>> {
        magic::find_by_address(customer)
            .map(|entry| Arc::clone(&self.magic_plans[entry.number]) as Arc<dyn ScenarioPlan>)
    }

    fn default_name(&self) -> Option<&str> {
        self.required.default.as_deref()
    }

    fn list_names(&self) -> Vec<String> {
        self.current_set().names()
    }

    fn load_error(&self) -> Option<String> {
        self.load_error
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn list_scenarios(&self) -> Vec<ScenarioInfo> {
        self.current_set()
            .0
            .values()
            .map(LoadedScenario::to_info)
            .collect()
    }

    fn list_magic_customers(&self) -> Vec<(&'static str, &'static str)> {
        magic::MAGIC_CUSTOMERS
            .iter()
            .map(|entry| (entry.number, entry.description))
            .collect()
    }

    /// The complaint is kept until a set is right again.
    fn reload_scenarios(&self) -> Result<usize, String> {
        let loaded = ScenarioSet::load(self.folder.as_deref(), &self.required, &self.personas)
            .map_err(|error| error.to_string());
        *self
            .load_error
            .write()
            .unwrap_or_else(PoisonError::into_inner) = loaded.as_ref().err().cloned();
        let set = loaded?;
        let count = set.0.len();
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
        Ok(count)
    }

    fn parse_scenario(&self, text: &str) -> Result<Arc<dyn ScenarioPlan>, Vec<Fault>> {
        let plan = parse(text)?;
        match find_unknown_persona(&plan, &self.personas) {
            Some(diagnostic) => Err(vec![diagnostic]),
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

impl ScenarioSet {
    /// Everything there is; what is required has to be among it.
    fn load(
        folder: Option<&Path>,
        required: &RequiredScenarios,
        personas: &Personas,
    ) -> Result<Self, ScenarioLoadError> {
        let mut set = Self(BTreeMap::new());
        let mut errors = String::new();
        for (file, text) in SHIPPED {
            set.add_file(
                format!("scenarios/{file} (shipped)"),
                text,
                true,
                personas,
                &mut errors,
            );
        }
        if let Some(folder) = folder {
            set.add_folder(folder, personas, &mut errors);
        }
        if errors.is_empty() {
            for (name, required_by) in required
                .names_with_sources()
                .filter(|(name, _)| !set.0.contains_key(*name))
            {
                let suggestion = suggest_name(name, set.0.keys().map(String::as_str));
                append_line(
                    &mut errors,
                    format_args!("{required_by}: there is no such scenario; {suggestion}"),
                );
            }
        }
        if errors.is_empty() {
            Ok(set)
        } else {
            Err(ScenarioLoadError(errors.trim_end().to_owned()))
        }
    }

    fn add_folder(&mut self, folder: &Path, personas: &Personas, errors: &mut String) {
        let files = match list_scenario_files(folder) {
            Ok(files) => files,
            Err(error) => {
                append_line(
                    errors,
                    format_args!(
                        "{}: cannot be read as a folder of scenarios: {error}",
                        folder.display()
                    ),
                );
                return;
            }
        };
        for file in files {
            let path_text = file.display().to_string();
            match std::fs::read_to_string(&file) {
                Ok(text) => self.add_file(path_text, &text, false, personas, errors),
                Err(error) => {
                    append_line(errors, format_args!("{path_text}: cannot be read: {error}"));
                }
            }
        }
    }

    /// A file of one's own takes the place of the shipped scenario that has its name: who copies one to change it means
    /// the copy.
    fn add_file(
        &mut self,
        file: String,
        text: &str,
        is_shipped: bool,
        personas: &Personas,
        errors: &mut String,
    ) {
        let plan = match parse(text) {
            Ok(plan) => plan,
            Err(diagnostics) => {
                for diagnostic in diagnostics {
                    append_line(errors, format_args!("{}", diagnostic.format_in_file(&file)));
                }
                return;
            }
        };
        let others = self
            .0
            .values()
            .filter(|other| !other.is_shipped)
            .map(LoadedScenario::plan_and_file);
        if let Some(conflict) = find_name_conflict(&plan, others) {
            append_line(errors, format_args!("{file}:{conflict}"));
            return;
        }
        if let Some(diagnostic) = find_unknown_persona(&plan, personas) {
            append_line(errors, format_args!("{}", diagnostic.format_in_file(&file)));
        }
        for conflict in
            find_match_conflicts(&plan, self.0.values().map(LoadedScenario::plan_and_file))
        {
            append_line(errors, format_args!("{file}:{conflict}"));
        }
        self.0.insert(
            plan.name.clone(),
            LoadedScenario {
                plan: Arc::new(plan),
                file,
                text: text.into(),
                is_shipped,
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
pub fn list_scenario_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
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

fn append_line(output: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(output, "{line}").expect("writing to a string cannot fail");
}

/// That a scenario asks for a persona that there is not.
pub fn find_unknown_persona(plan: &Plan, personas: &Personas) -> Option<Fault> {
    let (SourceLocation { line, column }, name) = plan.persona.as_ref()?;
    let is_unknown = personas.get(name).is_none();
    let message = || {
        format!(
            "there is no persona {name}; {}",
            suggest_name(name, personas.names())
        )
    };
    is_unknown.then(|| Fault {
        line: *line,
        column: *column,
        message: message(),
    })
}

/// That another scenario has this one's name.
pub fn find_name_conflict<'a>(
    plan: &Plan,
    mut others: impl Iterator<Item = (&'a Plan, &'a str)>,
) -> Option<Fault> {
    let SourceLocation { line, column } = plan.location;
    let (other, file) = others.find(|(other, _)| other.name == plan.name)?;
    let message = format!(
        "the name '{}' is taken by {file}:{}",
        plan.name, other.location.line
    );
    Some(Fault {
        line,
        column,
        message,
    })
}

/// Scenarios whose `match` asks just as much as this one's for the same consents: nobody could say which is meant.
pub fn find_match_conflicts<'a>(
    plan: &Plan,
    others: impl Iterator<Item = (&'a Plan, &'a str)>,
) -> Vec<Fault> {
    let Some((matcher, SourceLocation { line, column })) = &plan.matcher else {
        return Vec::new();
    };
    let to_conflict = |(other, file): (&Plan, &str)| {
        let (other_matcher, other_location) = other.matcher.as_ref()?;
        // One of the same name stands for this one, or is told by its name.
        if other.name == plan.name
            || other_matcher.specificity() != matcher.specificity()
            || !other_matcher.overlaps_with(matcher)
        {
            return None;
        }
        let message = format!(
            "match asks just as much as that of {} for the same consents ({file}:{}); ask for more in one of them",
            other.name, other_location.line
        );
        Some(Fault {
            line: *line,
            column: *column,
            message,
        })
    };
    others.filter_map(to_conflict).collect()
}
