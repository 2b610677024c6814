//! The fault sets that are in force in a world.

use askama::Template;

use super::{ConsoleFrame, format_precise_time};
use crate::domain::api_fault::NamedFaults;

/// The page of the fault sets, with a form for one more.
#[derive(Debug, Template)]
#[template(path = "console_faults.html")]
pub(crate) struct FaultsPage {
    console: ConsoleFrame,
    sets: Vec<FaultSetRow>,
    draft: FaultDraft,
}

/// The fields of the form, with what is wrong about them.
#[derive(Debug)]
pub(crate) struct FaultDraft {
    pub name: String,
    pub text: String,
    /// The names of all faults, each with its group.
    pub known: Vec<(&'static str, Vec<&'static str>)>,
    pub problems: Vec<String>,
}

#[derive(Debug)]
struct FaultSetRow {
    name: String,
    text: String,
    until: String,
    hits: Vec<HitRow>,
}

#[derive(Debug)]
struct HitRow {
    fault: &'static str,
    matched: u32,
    planned: u32,
    last: String,
}

impl FaultsPage {
    pub(crate) fn new(console: ConsoleFrame, sets: &[NamedFaults], draft: FaultDraft) -> Self {
        let sets = sets.iter().map(|set| FaultSetRow {
            name: set.name.clone(),
            text: set.active.source_text.to_string(),
            until: set.active.until.map_or_else(
                || "until it is removed".to_owned(),
                |at| format!("until {} IST, system time", format_precise_time(at)),
            ),
            hits: set
                .hits
                .iter()
                .map(|hits| HitRow {
                    fault: hits.fault,
                    matched: hits.matched,
                    planned: hits.planned,
                    last: hits.last_planned_at.map_or_else(
                        || "–".to_owned(),
                        |at| format!("{} IST", format_precise_time(at)),
                    ),
                })
                .collect(),
        });
        Self {
            sets: sets.collect(),
            draft,
            console,
        }
    }
}
