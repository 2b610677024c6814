//! The scenarios of a sandbox: loads the shipped files and those of a folder, and finds the
//! scenario of a new consent by name, by `match` or by magic customer. A reload replaces the whole
//! set or nothing. The precedence between these lookups belongs to the engine's scenario selection.

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
use crate::scenario::format::{Diagnostic, parse, parse_expectations, parse_faults, parse_steps};
use crate::scenario::magic;
use crate::scenario::plan::{Plan, SourceLocation};
use crate::scenario::shipped::SHIPPED;

/// The diagnostics of a failed load, one per line: `file:line:column: message`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ScenarioLoadError(String);

/// The scenarios of a sandbox. A reload replaces the whole set or nothing; consents keep the plan
/// that they started with.
#[derive(Debug)]
pub struct Library {
    folder: Option<PathBuf>,
    required: RequiredScenarios,
    personas: Arc<Personas>,
    set: RwLock<Arc<ScenarioSet>>,
    /// The diagnostics of the last reload, if it failed.
    load_error: RwLock<Option<String>>,
    magic_plans: BTreeMap<&'static str, Arc<Plan>>,
}

/// Scenarios that the configuration refers to and that have to exist.
#[derive(Clone, Debug, Default)]
pub struct RequiredScenarios {
    /// The scenario of consents that no other rule selects one for.
    pub default: Option<String>,
    /// The `scenario` settings of AAs, as pairs of AA id and scenario name.
    pub aa_scenarios: Vec<(String, String)>,
}

impl RequiredScenarios {
    /// Returns each name with the setting that requires it.
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
    text: Arc<str>,
    source: Source,
}

/// The origin of a scenario file. A file of the folder may replace a shipped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Shipped,
    Folder,
}

impl Library {
    /// Loads the shipped scenarios and those of the folder.
    ///
    /// # Errors
    /// All diagnostics of the files, or the settings that require a scenario that does not exist.
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

    /// Returns the folder whose scenarios are added to the shipped ones.
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

    fn default_scenario_name(&self) -> Option<&str> {
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

    /// Keeps the error until a later reload succeeds.
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

    fn parse_scenario(&self, text: &str) -> Result<Arc<dyn ScenarioPlan>, Vec<Diagnostic>> {
        let plan = parse(text)?;
        match find_unknown_persona(&plan, &self.personas) {
            Some(diagnostic) => Err(vec![diagnostic]),
            None => Ok(Arc::new(plan)),
        }
    }

    fn parse_steps(&self, text: &str) -> Result<Arc<dyn ScenarioPlan>, Vec<Diagnostic>> {
        parse_steps(text).map(|plan| Arc::new(plan) as Arc<dyn ScenarioPlan>)
    }

    fn parse_faults(&self, text: &str) -> Result<(Faults, Option<Millis>), Vec<Diagnostic>> {
        parse_faults(text)
    }

    fn parse_expectations(&self, text: &str) -> Result<Vec<Expectation>, Vec<Diagnostic>> {
        parse_expectations(text)
    }
}

impl ScenarioSet {
    /// Loads all files and checks that the required scenarios are among them.
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
                Source::Shipped,
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
                    format_args!("{required_by}: unknown scenario; {suggestion}"),
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
                Ok(text) => self.add_file(path_text, &text, Source::Folder, personas, errors),
                Err(error) => {
                    append_line(errors, format_args!("{path_text}: cannot be read: {error}"));
                }
            }
        }
    }

    /// Adds a file, or appends its diagnostics to `errors`. A file of the folder replaces the
    /// shipped scenario of the same name, so that a shipped scenario can be copied and changed.
    fn add_file(
        &mut self,
        file: String,
        text: &str,
        source: Source,
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
            .filter(|other| other.source == Source::Folder)
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
                source,
            },
        );
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// Returns the scenario files of a folder, sorted by name: `.yaml`, `.yml` and `.json`, without the
/// `.schema.json` files that editors use.
///
/// # Errors
/// The folder cannot be read.
pub fn list_scenario_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_scenario_file(path))
        .collect();
    files.sort();
    Ok(files)
}

fn is_scenario_file(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    [".yaml", ".yml", ".json"]
        .iter()
        .any(|ending| name.ends_with(ending))
        && !name.ends_with(".schema.json")
}

fn append_line(output: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(output, "{line}").expect("writing to a string cannot fail");
}

/// Returns a diagnostic if the scenario refers to a persona that does not exist.
pub fn find_unknown_persona(plan: &Plan, personas: &Personas) -> Option<Diagnostic> {
    let (SourceLocation { line, column }, name) = plan.persona.as_ref()?;
    if personas.get(name).is_some() {
        return None;
    }
    let suggestion = suggest_name(name, personas.names());
    Some(Diagnostic {
        line: *line,
        column: *column,
        message: format!("unknown persona {name}; {suggestion}"),
    })
}

/// Returns a diagnostic if another scenario has the same name.
pub fn find_name_conflict<'a>(
    plan: &Plan,
    mut others: impl Iterator<Item = (&'a Plan, &'a str)>,
) -> Option<Diagnostic> {
    let SourceLocation { line, column } = plan.location;
    let (other, file) = others.find(|(other, _)| other.name == plan.name)?;
    let message = format!(
        "the name '{}' is taken by {file}:{}",
        plan.name, other.location.line
    );
    Some(Diagnostic {
        line,
        column,
        message,
    })
}

/// Returns a diagnostic for each scenario whose `match` accepts some of the same consents with the
/// same specificity, so that neither has precedence.
pub fn find_match_conflicts<'a>(
    plan: &Plan,
    others: impl Iterator<Item = (&'a Plan, &'a str)>,
) -> Vec<Diagnostic> {
    let Some((matcher, SourceLocation { line, column })) = &plan.matcher else {
        return Vec::new();
    };
    let mut conflicts = Vec::new();
    for (other, file) in others {
        let Some((other_matcher, other_location)) = &other.matcher else {
            continue;
        };
        // A scenario of the same name is the shipped one that this one replaces; any other is a
        // name conflict, which has its own diagnostic.
        if other.name == plan.name
            || other_matcher.specificity() != matcher.specificity()
            || !other_matcher.overlaps_with(matcher)
        {
            continue;
        }
        let message = format!(
            "match is as specific as that of {} for the same consents ({file}:{}); \
             make one of them more specific",
            other.name, other_location.line
        );
        conflicts.push(Diagnostic {
            line: *line,
            column: *column,
            message,
        });
    }
    conflicts
}
