//! The library of a sandbox: loads the shipped scenario files and those of a folder into the set
//! that worlds share. A reload replaces the whole set or nothing. The choice of a scenario for a new
//! consent belongs to the engine's scenario selection.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use thiserror::Error;

use crate::domain::naming::suggest_name;
use crate::domain::persona::Personas;
use crate::domain::scenario_plan::{ScenarioPlan, SourceLocation};
use crate::domain::scenario_set::{LazyPlan, Scenario, ScenarioSet};
use crate::domain::text::display_path;
use crate::engine::scenario_selection::SandboxScenarios;
use crate::scenario::format::{Diagnostic, parse, parse_shipped};
use crate::scenario::magic;
use crate::scenario::shipped::SHIPPED;

/// The diagnostics of a failed load, one per line: `file:line:column: message`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ScenarioLoadError(String);

/// The scenarios of a sandbox. A reload replaces the whole set or nothing; consents keep the plan
/// that they started with.
#[derive(Debug)]
pub(crate) struct Library {
    folder: Option<PathBuf>,
    required: RequiredScenarios,
    personas: Arc<Personas>,
    scenarios: Arc<SandboxScenarios>,
    /// The diagnostics of the last reload, if it failed.
    load_error: RwLock<Option<String>>,
}

/// Scenarios that the configuration refers to and that have to exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequiredScenarios {
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

impl Library {
    /// Loads the shipped scenarios and those of the folder.
    ///
    /// # Errors
    /// All diagnostics of the files, or the settings that require a scenario that does not exist.
    pub(crate) fn load(
        folder: Option<PathBuf>,
        required: RequiredScenarios,
        personas: Arc<Personas>,
    ) -> Result<Self, ScenarioLoadError> {
        let loaded = load_scenarios(folder.as_deref(), &required, &personas)?;
        let magic_plans = magic::MAGIC_CUSTOMERS
            .iter()
            .map(|entry| (entry.number, LazyPlan::new(|| entry.to_plan())))
            .collect();
        let set = ScenarioSet::new(loaded, Arc::new(magic_plans), required.default.clone());
        Ok(Self {
            folder,
            required,
            personas,
            scenarios: Arc::new(SandboxScenarios::new(set)),
            load_error: RwLock::default(),
        })
    }

    /// Returns the folder whose scenarios are added to the shipped ones.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Returns the loaded scenarios, which worlds share.
    pub(crate) fn scenarios(&self) -> &Arc<SandboxScenarios> {
        &self.scenarios
    }

    /// Returns the error of the last reload, if it failed; the previous scenarios stay active.
    pub(crate) fn load_error(&self) -> Option<String> {
        self.load_error
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the scenario files again and returns the number of scenarios. Running consents keep
    /// the plan that they started with. An error is kept until a later reload succeeds.
    ///
    /// # Errors
    /// All diagnostics; the previous scenarios stay active.
    pub(crate) fn reload_scenarios(&self) -> Result<usize, ScenarioLoadError> {
        let loaded = load_scenarios(self.folder.as_deref(), &self.required, &self.personas);
        *self
            .load_error
            .write()
            .unwrap_or_else(PoisonError::into_inner) =
            loaded.as_ref().err().map(ToString::to_string);
        let scenarios = loaded?;
        let count = scenarios.len();
        let set = self.scenarios.current().with_scenarios(scenarios);
        self.scenarios.replace_set(set);
        Ok(count)
    }

    /// Parses a scenario and checks that its persona is one of these.
    ///
    /// # Errors
    /// All diagnostics of the text.
    pub(crate) fn parse_scenario(
        text: &str,
        personas: &Personas,
    ) -> Result<ScenarioPlan, Vec<Diagnostic>> {
        let plan = parse(text)?;
        match find_unknown_persona(&plan, personas) {
            Some(diagnostic) => Err(vec![diagnostic]),
            None => Ok(plan),
        }
    }
}

/// Loads the shipped scenarios and those of the folder, and checks that the required ones are among
/// them.
fn load_scenarios(
    folder: Option<&Path>,
    required: &RequiredScenarios,
    personas: &Personas,
) -> Result<BTreeMap<String, Scenario>, ScenarioLoadError> {
    let mut loader = ScenarioLoader {
        personas,
        scenarios: BTreeMap::new(),
        folder_names: BTreeSet::new(),
        errors: String::new(),
    };
    for (file, text) in SHIPPED {
        loader.add_shipped(file, text);
    }
    if let Some(folder) = folder {
        loader.add_folder(folder);
    }
    if loader.errors.is_empty() {
        loader.check_required(required);
    }
    if loader.errors.is_empty() {
        Ok(loader.scenarios)
    } else {
        Err(ScenarioLoadError(loader.errors.trim_end().to_owned()))
    }
}

/// The scenarios loaded so far, with the diagnostics of all files.
struct ScenarioLoader<'a> {
    personas: &'a Personas,
    scenarios: BTreeMap<String, Scenario>,
    /// The names of the scenarios from the folder.
    folder_names: BTreeSet<String>,
    /// One diagnostic per line.
    errors: String,
}

impl ScenarioLoader<'_> {
    fn add_folder(&mut self, folder: &Path) {
        let files = match list_scenario_files(folder) {
            Ok(files) => files,
            Err(error) => {
                self.append_error(format_args!(
                    "{}: cannot be read as a folder of scenarios: {error}",
                    display_path(folder)
                ));
                return;
            }
        };
        for file in files {
            let path_text = display_path(&file);
            match std::fs::read_to_string(&file) {
                Ok(text) => self.add_file(path_text, &text),
                Err(error) => {
                    self.append_error(format_args!("{path_text}: cannot be read: {error}"));
                }
            }
        }
    }

    /// Adds a shipped scenario, whose file has its name.
    fn add_shipped(&mut self, file: &'static str, text: &'static str) {
        let plan = LazyPlan::new(move || ScenarioPlan {
            file: Some(format!("{file} (shipped)")),
            ..parse_shipped(text).expect("the shipped scenarios are valid")
        });
        let name = file.trim_end_matches(".yaml").to_owned();
        let scenario = Scenario {
            plan,
            has_matcher: false,
            source: format!("scenarios/{file} (shipped)"),
            text: text.into(),
        };
        self.scenarios.insert(name, scenario);
    }

    /// Adds a file of the folder, or its diagnostics. It replaces the shipped scenario of the same name,
    /// so that a shipped scenario can be copied and changed.
    fn add_file(&mut self, file: String, text: &str) {
        let mut plan = match parse(text) {
            Ok(plan) => plan,
            Err(diagnostics) => {
                for diagnostic in diagnostics {
                    self.append_error(format_args!("{}", diagnostic.format_in_file(&file)));
                }
                return;
            }
        };
        let others = self
            .scenarios
            .iter()
            .filter(|(name, _)| self.folder_names.contains(*name))
            .map(|(_, other)| plan_and_file(other));
        if let Some(conflict) = find_name_conflict(&plan, others) {
            self.append_error(format_args!("{file}:{conflict}"));
            return;
        }
        if let Some(diagnostic) = find_unknown_persona(&plan, self.personas) {
            self.append_error(format_args!("{}", diagnostic.format_in_file(&file)));
        }
        let matching = self.scenarios.values().filter(|other| other.has_matcher);
        for conflict in find_match_conflicts(&plan, matching.map(plan_and_file)) {
            self.append_error(format_args!("{file}:{conflict}"));
        }
        self.folder_names.insert(plan.name.clone());
        plan.file = Path::new(&file)
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        self.scenarios.insert(
            plan.name.clone(),
            Scenario {
                has_matcher: plan.matcher().is_some(),
                plan: LazyPlan::new(|| plan),
                source: file,
                text: text.into(),
            },
        );
    }

    /// Adds a diagnostic for each setting that requires a scenario that does not exist.
    fn check_required(&mut self, required: &RequiredScenarios) {
        for (name, required_by) in required.names_with_sources() {
            if !self.scenarios.contains_key(name) {
                let suggestion = suggest_name(name, self.scenarios.keys().map(String::as_str));
                self.append_error(format_args!(
                    "{required_by}: unknown scenario; {suggestion}"
                ));
            }
        }
    }

    fn append_error(&mut self, error: std::fmt::Arguments<'_>) {
        writeln!(self.errors, "{error}").expect("writing to a string cannot fail");
    }
}

fn plan_and_file(scenario: &Scenario) -> (&ScenarioPlan, &str) {
    (scenario.plan.get(), &scenario.source)
}

/// Returns the scenario files of a folder, sorted by name: `.yaml`, `.yml` and `.json`, without the
/// `.schema.json` files that editors use.
///
/// # Errors
/// The folder cannot be read.
pub(crate) fn list_scenario_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
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

/// Returns a diagnostic if the scenario refers to a persona that does not exist.
pub(crate) fn find_unknown_persona(plan: &ScenarioPlan, personas: &Personas) -> Option<Diagnostic> {
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
pub(crate) fn find_name_conflict<'a>(
    plan: &ScenarioPlan,
    mut others: impl Iterator<Item = (&'a ScenarioPlan, &'a str)>,
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
pub(crate) fn find_match_conflicts<'a>(
    plan: &ScenarioPlan,
    others: impl Iterator<Item = (&'a ScenarioPlan, &'a str)>,
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
