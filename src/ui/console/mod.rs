//! The operator's pages: the frame and the parts of lists that they share. The structs hold finished
//! words.

pub(crate) mod clock;
pub(crate) mod comparison;
pub(crate) mod consent;
pub(crate) mod consents;
pub(crate) mod customers;
pub(crate) mod entry;
pub(crate) mod error;
pub(crate) mod faults;
mod highlight;
pub(crate) mod inspector;
pub(crate) mod journal;
pub(crate) mod overview;
pub(crate) mod raise;
pub(crate) mod report;
pub(crate) mod scenarios;
pub(crate) mod sign_in;
mod state_machine;
pub(crate) mod timeline;
pub(crate) mod webhook;
pub(crate) mod webhooks;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::consent::Status;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::listing::Listing;
use crate::domain::money::group_count;
use crate::domain::naming::WireEnum;
use crate::domain::overview::Overview;
use crate::domain::participants::Participants;
use crate::domain::time::Timestamp;
use crate::ui::icons;
use crate::ui::messages::Language;

/// A part of the console, which the navigation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Consents,
    Webhooks,
    Journal,
    Clock,
    Faults,
    Scenarios,
    Customers,
    Report,
}

impl Section {
    const ALL: [Self; 9] = [
        Self::Overview,
        Self::Consents,
        Self::Webhooks,
        Self::Journal,
        Self::Clock,
        Self::Faults,
        Self::Scenarios,
        Self::Customers,
        Self::Report,
    ];

    /// Returns the name, the icon and the path of the part.
    const fn describe(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Overview => ("Overview", icons::HOME, "/ui"),
            Self::Consents => ("Consents", icons::CONSENT, "/ui/consents"),
            Self::Webhooks => ("Webhooks", icons::WEBHOOK, "/ui/webhooks"),
            Self::Journal => ("Journal", icons::JOURNAL, "/ui/journal"),
            Self::Clock => ("Clock", icons::CLOCK, "/ui/clock"),
            Self::Faults => ("Faults", icons::FAULT, "/ui/faults"),
            Self::Scenarios => ("Scenarios", icons::CODE, "/ui/scenarios"),
            Self::Customers => ("Customers", icons::PERSON, "/ui/customers"),
            Self::Report => ("Contract report", icons::REPORT, "/ui/report"),
        }
    }
}

/// A link of the navigation.
#[derive(Clone, Debug)]
struct SectionLink {
    icon: &'static str,
    label: &'static str,
    address: String,
    /// A figure of the part, in words; empty if it has none.
    figure: String,
    is_current: bool,
}

/// The data that all pages of the operator have in common.
#[derive(Clone, Debug)]
pub(crate) struct ConsoleFrame {
    /// The path of the world, without a slash at its end; empty for the default one.
    base_path: String,
    world: String,
    now: String,
    is_frozen: bool,
    has_consents: bool,
    sections: Vec<SectionLink>,
    /// The token of the forms of the page.
    token: String,
    /// The place in the stream of events after which the page is out of date.
    place: String,
    /// `true` if the browser has a session that can be ended.
    has_session: bool,
    /// The address at which the page is fetched again.
    address: String,
    view: PageView,
}

/// The part of a page that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageView {
    Whole,
    /// For a page that shows this one in a frame: there is nothing to operate, and no way to other pages.
    Embedded,
}

impl ConsoleFrame {
    pub(crate) fn new(
        base_path: &str,
        world: &str,
        overview: &Overview,
        current: Option<Section>,
        token: String,
        place: String,
    ) -> Self {
        let sections = Section::ALL.into_iter().map(|section| {
            let (label, icon, path) = section.describe();
            SectionLink {
                icon,
                label,
                address: format!("{base_path}{path}"),
                figure: describe_figure(section, overview),
                is_current: Some(section) == current,
            }
        });
        Self {
            base_path: base_path.to_owned(),
            world: world.to_owned(),
            now: Language::English.format_time(overview.now),
            is_frozen: overview.frozen,
            has_consents: overview.consents > 0,
            sections: sections.collect(),
            token,
            place,
            has_session: false,
            address: String::new(),
            view: PageView::Whole,
        }
    }

    /// Returns the option that names the world on the command line, after a space; empty for the default world.
    fn world_option(&self) -> String {
        match &*self.base_path {
            "" => String::new(),
            _ => format!(" --world {}", self.world),
        }
    }

    pub(crate) fn with_address(self, address: String) -> Self {
        Self { address, ..self }
    }

    pub(crate) fn with_view(self, view: PageView) -> Self {
        Self { view, ..self }
    }

    fn is_embedded(&self) -> bool {
        self.view == PageView::Embedded
    }

    /// Says whether the browser has a session that can be ended.
    pub(crate) fn with_session(self, has_session: bool) -> Self {
        Self {
            has_session,
            ..self
        }
    }
}

/// Returns the figure that the navigation shows for a part.
fn describe_figure(section: Section, overview: &Overview) -> String {
    match section {
        Section::Consents => group_count(overview.consents),
        Section::Webhooks if overview.webhooks_open > 0 => {
            format!("{} open", group_count(overview.webhooks_open))
        }
        _ => String::new(),
    }
}

/// Returns the class of the colors of a state.
fn class_of(status: Status) -> String {
    status.as_str().to_ascii_lowercase()
}

/// Returns the words of a problem in a document, with its place.
pub(crate) fn describe_problem(problem: &Diagnostic) -> String {
    match (problem.line, problem.column) {
        (0, _) => problem.message.clone(),
        (line, column) => format!("line {line}, column {column}: {}", problem.message),
    }
}

/// Formats the time of day in India to a millisecond.
fn format_clock(at: Timestamp) -> String {
    let ms = at.as_millis().rem_euclid(1000);
    format!("{}.{ms:03}", at.ist_time().format("%H:%M:%S"))
}

/// Formats an instant in India to a millisecond.
fn format_precise_time(at: Timestamp) -> String {
    format!("{} {}", at.ist_date().format("%-d %b %Y"), format_clock(at))
}

/// A part of a list, the newest item first, and where the list goes on.
#[derive(Debug)]
pub(crate) struct ListWindow<T, S> {
    pub listing: Listing<T, S>,
    /// The number after which newer items match.
    pub newer: Option<u64>,
    /// The number before which older items match.
    pub older: Option<u64>,
}

impl<T, S: Copy + PartialEq> ListWindow<T, S> {
    /// Counts the items in a state, or in all of them.
    fn count_in(&self, state: Option<S>) -> usize {
        let counts = self.listing.counts.iter();
        let wanted = counts.filter(|(it, _)| state.is_none_or(|state| *it == state));
        wanted.map(|(_, count)| count).sum()
    }

    /// Returns the numbers of shown items, and of those in the state, in words.
    fn describe_size(&self, state: Option<S>) -> String {
        let shown = group_count(self.listing.items.len());
        format!("{shown} of {}", group_count(self.count_in(state)))
    }
}

/// A choice of a list in a form.
#[derive(Debug)]
struct SelectOption {
    value: String,
    label: String,
    is_selected: bool,
}

/// Returns the choices of a filter, of which the first lets all pass.
fn list_options(
    choices: impl Iterator<Item = (String, String)>,
    selected: Option<&str>,
) -> Vec<SelectOption> {
    let all = SelectOption {
        value: String::new(),
        label: "All".to_owned(),
        is_selected: selected.is_none(),
    };
    let choices = choices.map(|(value, label)| SelectOption {
        is_selected: selected == Some(&*value),
        value,
        label,
    });
    std::iter::once(all).chain(choices).collect()
}

/// Returns the names of an enumeration as choices.
fn list_names<S: WireEnum + 'static>(selected: Option<S>) -> Vec<SelectOption> {
    let names = S::all_variants().iter().map(|it| it.wire_name());
    let choices = names.map(|name| (name.to_owned(), name.to_owned()));
    list_options(choices, selected.map(S::wire_name))
}

fn list_fius(participants: &Participants, selected: Option<&str>) -> Vec<SelectOption> {
    let fius = participants.fius.iter();
    let choices = fius.map(|fiu| (fiu.entity.id.to_string(), fiu.entity.name.to_string()));
    list_options(choices, selected)
}

/// A link to the items in one state, or in all.
#[derive(Debug)]
pub(crate) struct Chip {
    icon: &'static str,
    label: &'static str,
    count: String,
    address: String,
    is_current: bool,
}

/// Returns a chip for all items, for each state that has some, and for the selected one.
fn list_chips<T, S: WireEnum + PartialEq + 'static>(
    window: &ListWindow<T, S>,
    selected: Option<S>,
    list: &ListAddress,
    draw: fn(S) -> &'static str,
) -> Vec<Chip> {
    let states = std::iter::once(None).chain(S::all_variants().iter().copied().map(Some));
    let shown =
        states.filter(|state| state.is_none() || *state == selected || window.count_in(*state) > 0);
    let chips = shown.map(|state| Chip {
        icon: state.map_or("", draw),
        label: state.map_or("All", S::wire_name),
        count: group_count(window.count_in(state)),
        address: list.with_state(state.map(S::wire_name)),
        is_current: selected == state,
    });
    chips.collect()
}

/// The address of a list with a filter.
struct ListAddress {
    path: String,
    /// The parameters of the filter, apart from the state.
    parameters: Vec<(&'static str, String)>,
    state: Option<&'static str>,
}

impl ListAddress {
    fn new(
        path: String,
        parameters: impl IntoIterator<Item = (&'static str, Option<String>)>,
        state: Option<&'static str>,
    ) -> Self {
        let given = parameters.into_iter();
        Self {
            path,
            parameters: given
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
            state,
        }
    }

    fn with_state(&self, state: Option<&'static str>) -> String {
        self.format(state, None)
    }

    fn at(&self, cursor: &'static str, number: u64) -> String {
        self.format(self.state, Some((cursor, number.to_string())))
    }

    fn format(
        &self,
        state: Option<&'static str>,
        cursor: Option<(&'static str, String)>,
    ) -> String {
        let state = state.map(|state| ("state", state.to_owned()));
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

/// Says in words which items a filter lets pass.
fn describe_filter(parts: impl IntoIterator<Item = Option<String>>) -> String {
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return "this part of the list".to_owned();
    }
    parts.join(" and ")
}
