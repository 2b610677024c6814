//! The form that raises a consent in place of an FIU.

use askama::Template;

use super::{ConsoleFrame, SelectOption, list_options};
use crate::domain::account::FiType;
use crate::domain::participants::Participants;
use crate::domain::terms::FetchType;

/// The fields of the form, as they were typed and chosen.
#[derive(Debug, Default)]
pub(crate) struct RaiseDraft {
    pub customer: String,
    pub fiu: String,
    pub fi_types: Vec<String>,
    pub fetch_type: String,
    pub months: String,
    pub scenario: String,
    pub persona: String,
}

/// The page of the form.
#[derive(Debug, Template)]
#[template(path = "console_raise.html")]
pub(crate) struct RaisePage {
    console: ConsoleFrame,
    draft: RaiseDraft,
    fius: Vec<SelectOption>,
    fi_types: Vec<(&'static str, bool)>,
    fetch_types: Vec<SelectOption>,
    scenarios: Vec<SelectOption>,
    personas: Vec<SelectOption>,
    problem: Option<String>,
}

impl RaisePage {
    pub(crate) fn new(
        console: ConsoleFrame,
        participants: &Participants,
        scenarios: &[String],
        personas: &[String],
        draft: RaiseDraft,
        problem: Option<String>,
    ) -> Self {
        let fius = participants.fius.iter();
        let fius = fius.map(|fiu| (fiu.entity.id.to_string(), fiu.entity.name.to_string()));
        let fetch_types = FetchType::ALL
            .iter()
            .map(|it| (it.as_str().to_owned(), it.as_str().to_owned()));
        Self {
            fius: list_options(fius, Some(&draft.fiu)).split_off(1),
            fi_types: FiType::ALL
                .iter()
                .map(|it| {
                    let name = it.as_str();
                    (name, draft.fi_types.iter().any(|chosen| chosen == name))
                })
                .collect(),
            fetch_types: list_options(fetch_types, Some(&draft.fetch_type)).split_off(1),
            scenarios: list_named("As the world chooses", scenarios, &draft.scenario),
            personas: list_named("That of the customer", personas, &draft.persona),
            draft,
            problem,
            console,
        }
    }
}

/// Returns choices of which the first, without a value, has this label.
fn list_named(first: &str, names: &[String], selected: &str) -> Vec<SelectOption> {
    let names = names.iter().map(|name| (name.clone(), name.clone()));
    let mut options = list_options(names, Some(selected));
    first.clone_into(&mut options[0].label);
    options
}
