//! The operator's pages: the frame that they share, and the list of consents. The structs hold finished
//! words.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::consent::{Consent, Status};
use crate::domain::listing::{ConsentFilter, Listing};
use crate::domain::money::group_count;
use crate::domain::overview::Overview;
use crate::domain::participants::Participants;
use crate::ui::icons;
use crate::ui::messages::Language;

/// The data that all pages of the operator have in common.
#[derive(Clone, Debug)]
pub(crate) struct ConsoleFrame {
    /// The path of the world, without a slash at its end; empty for the default one.
    base_path: String,
    world: String,
    now: String,
    mode: &'static str,
    /// The number of consents.
    consents: String,
}

impl ConsoleFrame {
    pub(crate) fn new(base_path: &str, world: &str, overview: &Overview) -> Self {
        Self {
            base_path: base_path.to_owned(),
            world: world.to_owned(),
            now: Language::English.format_time(overview.now),
            mode: if overview.frozen { "frozen" } else { "running" },
            consents: group_count(overview.consents),
        }
    }
}

/// The page with a part of the consents, the newest first.
#[derive(Debug, Template)]
#[template(path = "console_consents.html")]
pub(crate) struct ConsentsPage {
    console: ConsoleFrame,
    /// The numbers of shown and of matching consents, in words.
    shown: String,
    is_empty_world: bool,
    server_url: String,
    /// The option of commands that names the world; empty for the default one.
    world_option: String,
    text: String,
    states: Vec<SelectOption>,
    fius: Vec<SelectOption>,
    scenario: String,
    customer: Option<String>,
    is_filtered: bool,
    described_filter: String,
    chips: Vec<Chip>,
    rows: Vec<ConsentRow>,
    newer: Option<String>,
    older: Option<String>,
}

/// A choice of a list in a form.
#[derive(Debug)]
struct SelectOption {
    value: String,
    label: String,
    is_selected: bool,
}

/// A link to the consents in one state, or in all.
#[derive(Debug)]
struct Chip {
    icon: &'static str,
    label: &'static str,
    count: String,
    address: String,
    is_current: bool,
}

#[derive(Debug)]
struct ConsentRow {
    icon: &'static str,
    status: &'static str,
    class: String,
    address: String,
    /// The tracking id, else the handle.
    name: String,
    /// The handle, if the name is another.
    handle: Option<String>,
    customer: String,
    fiu: String,
    scenario: String,
    changed: String,
    changed_at: String,
}

/// A part of the consents, and what it was asked for with.
#[derive(Debug)]
pub(crate) struct ConsentsPart<'a, C> {
    /// The items, the newest first.
    pub listing: Listing<C, Status>,
    pub filter: &'a ConsentFilter,
    /// The number after which newer consents match.
    pub newer: Option<u64>,
    /// The number before which older consents match.
    pub older: Option<u64>,
}

impl ConsentsPage {
    /// Returns the page of a part. `scenario_of` returns the scenario that drives a consent.
    pub(crate) fn new<C: AsRef<Consent>>(
        console: ConsoleFrame,
        server_url: &str,
        participants: &Participants,
        part: &ConsentsPart<'_, C>,
        scenario_of: impl Fn(&Consent) -> Option<String>,
    ) -> Self {
        let ConsentsPart {
            listing,
            filter,
            newer,
            older,
        } = part;
        let list = ListAddress::new(&console.base_path, filter);
        let of_state = |state: Option<Status>| -> usize {
            let counts = listing.counts.iter();
            let wanted = counts.filter(|(it, _)| state.is_none_or(|state| *it == state));
            wanted.map(|(_, count)| count).sum()
        };
        let rows: Vec<_> = listing
            .items
            .iter()
            .map(|(_, consent)| {
                let consent = consent.as_ref();
                ConsentRow::new(
                    consent,
                    participants,
                    &console.base_path,
                    scenario_of(consent),
                )
            })
            .collect();
        let total = of_state(filter.status);
        let chips = std::iter::once(None)
            .chain(Status::ALL.iter().copied().map(Some))
            .filter(|state| state.is_none() || *state == filter.status || of_state(*state) > 0)
            .map(|state| Chip {
                icon: state.map_or("", icons::of_status),
                label: state.map_or("All", Status::as_str),
                count: group_count(of_state(state)),
                address: list.with_state(state),
                is_current: filter.status == state,
            });
        Self {
            shown: format!("{} of {}", group_count(rows.len()), group_count(total)),
            is_empty_world: console.consents == "0",
            server_url: server_url.to_owned(),
            world_option: match &*console.base_path {
                "" => String::new(),
                _ => format!(" --world {}", console.world),
            },
            text: filter.text.clone().unwrap_or_default(),
            states: list_states(filter.status),
            fius: list_fius(participants, filter.fiu.as_deref()),
            scenario: filter.scenario.clone().unwrap_or_default(),
            customer: filter.customer.as_deref().map(str::to_owned),
            is_filtered: filter.status.is_some() || !filter.has_status_only(),
            described_filter: describe_filter(filter),
            chips: chips.collect(),
            newer: newer.map(|number| list.at("after", number)),
            older: older.map(|number| list.at("before", number)),
            rows,
            console,
        }
    }
}

impl ConsentRow {
    fn new(
        consent: &Consent,
        participants: &Participants,
        base_path: &str,
        scenario: Option<String>,
    ) -> Self {
        let handle = consent.handle.to_string();
        let tracking_id = consent
            .metadata
            .as_ref()
            .map(|it| it.tracking_id.to_string());
        let last = consent.history.last();
        let changed_at = last.map_or(consent.created_at, |it| it.at);
        let fiu = participants.find_fiu(&consent.fiu);
        Self {
            icon: icons::of_status(consent.status),
            status: consent.status.as_str(),
            class: consent.status.as_str().to_ascii_lowercase(),
            address: format!("{base_path}/ui/consents/{handle}"),
            handle: tracking_id.as_ref().map(|_| handle.clone()),
            name: tracking_id.unwrap_or(handle),
            customer: consent.terms.customer.to_string(),
            fiu: fiu.map_or_else(
                || consent.fiu.to_string(),
                |fiu| fiu.entity.name.to_string(),
            ),
            scenario: scenario.unwrap_or_else(|| "–".to_owned()),
            changed: Language::English.format_time(changed_at),
            changed_at: changed_at.to_string(),
        }
    }
}

fn list_states(selected: Option<Status>) -> Vec<SelectOption> {
    let all = SelectOption {
        value: String::new(),
        label: "All".to_owned(),
        is_selected: selected.is_none(),
    };
    let states = Status::ALL.iter().map(|state| SelectOption {
        value: state.as_str().to_owned(),
        label: state.as_str().to_owned(),
        is_selected: selected == Some(*state),
    });
    std::iter::once(all).chain(states).collect()
}

fn list_fius(participants: &Participants, selected: Option<&str>) -> Vec<SelectOption> {
    let all = SelectOption {
        value: String::new(),
        label: "All".to_owned(),
        is_selected: selected.is_none(),
    };
    let fius = participants.fius.iter().map(|fiu| SelectOption {
        value: fiu.entity.id.to_string(),
        label: fiu.entity.name.to_string(),
        is_selected: selected == Some(&*fiu.entity.id),
    });
    std::iter::once(all).chain(fius).collect()
}

/// Says in words which consents a filter lets pass.
fn describe_filter(filter: &ConsentFilter) -> String {
    let ConsentFilter {
        status,
        fiu,
        customer,
        scenario,
        text,
    } = filter;
    let parts = [
        text.as_ref().map(|text| format!("the text “{text}”")),
        status.map(|status| format!("the state {}", status.as_str())),
        fiu.as_ref().map(|fiu| format!("the FIU {fiu}")),
        customer
            .as_ref()
            .map(|customer| format!("the customer {customer}")),
        scenario
            .as_ref()
            .map(|scenario| format!("the scenario {scenario}")),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return "this part of the list".to_owned();
    }
    parts.join(" and ")
}

/// The address of the list with a filter.
struct ListAddress {
    path: String,
    /// The parameters of the filter, apart from the state.
    parameters: Vec<(&'static str, String)>,
    state: Option<Status>,
}

impl ListAddress {
    fn new(base_path: &str, filter: &ConsentFilter) -> Self {
        let named = [
            ("q", filter.text.clone()),
            ("fiuId", filter.fiu.clone()),
            ("customer", filter.customer.as_deref().map(str::to_owned)),
            ("scenario", filter.scenario.clone()),
        ];
        let given = named.into_iter();
        Self {
            path: format!("{base_path}/ui/consents"),
            parameters: given
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
            state: filter.status,
        }
    }

    fn with_state(&self, state: Option<Status>) -> String {
        self.format(state, None)
    }

    fn at(&self, cursor: &'static str, number: u64) -> String {
        self.format(self.state, Some((cursor, number.to_string())))
    }

    fn format(&self, state: Option<Status>, cursor: Option<(&'static str, String)>) -> String {
        let state = state.map(|state| ("state", state.as_str().to_owned()));
        let parameters = self.parameters.iter().cloned().chain(state).chain(cursor);
        let query: Vec<_> = parameters
            .map(|(name, value)| {
                format!("{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC))
            })
            .collect();
        if query.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, query.join("&"))
    }
}
