//! The overview of a world, and the list of worlds.

use askama::Template;

use super::{Chip, ConsoleFrame};
use crate::domain::money::group_count;
use crate::domain::overview::Overview;
use crate::ui::front::{ShownMagicCustomer, ShownParticipant};
use crate::ui::icons;
use crate::ui::messages::Language;

/// The overview of a world.
#[derive(Debug, Template)]
#[template(path = "console_overview.html")]
pub(crate) struct OverviewPage {
    pub console: ConsoleFrame,
    pub version: &'static str,
    pub chips: Vec<Chip>,
    /// Base URLs by the names of the APIs.
    pub addresses: Vec<(&'static str, String)>,
    pub participants: Vec<ShownParticipant>,
    /// `true` if their keys are shown.
    pub reveals: bool,
    pub magic_customers: Vec<ShownMagicCustomer>,
    pub worlds: Vec<WorldRow>,
    pub server_url: String,
    pub one_time_passwords: String,
    pub load_error: Option<String>,
}

impl OverviewPage {
    /// Returns a chip for each state that some consents are in.
    pub(crate) fn list_chips(base_path: &str, overview: &Overview) -> Vec<Chip> {
        let counts = overview
            .status_counts
            .iter()
            .filter(|(_, count)| *count > 0);
        let chips = counts.map(|(status, count)| Chip {
            icon: icons::of_status(*status),
            label: status.as_str(),
            count: group_count(*count),
            address: format!("{base_path}/ui/consents?state={}", status.as_str()),
            is_current: false,
        });
        chips.collect()
    }
}

/// A world.
#[derive(Debug)]
pub(crate) struct WorldRow {
    pub name: String,
    pub address: String,
    pub now: String,
    pub mode: &'static str,
    pub consents: String,
    pub webhooks_open: String,
    pub is_current: bool,
}

impl WorldRow {
    pub(crate) fn new(name: &str, base_path: &str, overview: &Overview, is_current: bool) -> Self {
        Self {
            name: name.to_owned(),
            address: format!("{base_path}/ui"),
            now: Language::English.format_time(overview.now),
            mode: if overview.frozen { "frozen" } else { "running" },
            consents: group_count(overview.consents),
            webhooks_open: group_count(overview.webhooks_open),
            is_current,
        }
    }
}

/// The page with the worlds of the sandbox.
#[derive(Debug, Template)]
#[template(path = "console_worlds.html")]
pub(crate) struct WorldsPage {
    pub console: ConsoleFrame,
    pub worlds: Vec<WorldRow>,
    pub problem: Option<String>,
}
