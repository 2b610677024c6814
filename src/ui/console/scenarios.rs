//! Pages of scenarios.

use askama::Template;

use super::{ConsoleFrame, SelectOption, list_options};

/// A scenario of the list.
#[derive(Debug)]
pub(crate) struct ScenarioRow {
    pub name: String,
    /// `shipped`, the path of a file, or `this world`.
    pub source: String,
    pub description: String,
}

/// The page with all scenarios.
#[derive(Debug, Template)]
#[template(path = "console_scenarios.html")]
pub(crate) struct ScenariosPage {
    console: ConsoleFrame,
    rows: Vec<ScenarioRow>,
    /// The names among which the default is chosen.
    choices: Vec<SelectOption>,
    text: String,
    total: usize,
    /// The reason for which the files could not be loaded again.
    load_error: Option<String>,
}

impl ScenariosPage {
    /// Returns the page of the scenarios whose name or description has a text.
    pub(crate) fn new(
        console: ConsoleFrame,
        rows: Vec<ScenarioRow>,
        text: &str,
        default: Option<&str>,
        load_error: Option<String>,
    ) -> Self {
        let names = rows.iter().map(|row| (row.name.clone(), row.name.clone()));
        let mut choices = list_options(names, default);
        "None".clone_into(&mut choices[0].label);
        let (total, wanted) = (rows.len(), text.to_lowercase());
        let rows = rows.into_iter();
        Self {
            rows: rows
                .filter(|row| {
                    let text = format!("{}\n{}", row.name, row.description);
                    text.to_lowercase().contains(&wanted)
                })
                .collect(),
            choices,
            text: text.to_owned(),
            total,
            load_error,
            console,
        }
    }
}

/// The page of one scenario.
#[derive(Debug, Template)]
#[template(path = "console_scenario.html")]
pub(crate) struct ScenarioPage {
    pub console: ConsoleFrame,
    pub row: ScenarioRow,
    pub server_url: String,
    pub lines: Vec<String>,
    pub is_default: bool,
    /// The customers to whom it is pinned.
    pub pinned: Vec<String>,
    /// The diagnostics, each with `true` if it is an error.
    pub diagnostics: Vec<(String, bool)>,
    /// The addresses of the newest consents that it drives, each with its name.
    pub consents: Vec<(String, String)>,
    /// The number of all consents that it drives.
    pub consent_count: usize,
    /// The customer to whom it could not be pinned, and the reason.
    pub refused_customer: String,
    pub problem: Option<String>,
}
