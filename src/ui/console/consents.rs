//! The list of consents.

use askama::Template;

use super::{
    Chip, ConsoleFrame, ListAddress, ListWindow, SelectOption, describe_filter, list_chips,
    list_fius, list_names,
};
use crate::domain::consent::{Consent, Status};
use crate::domain::listing::ConsentFilter;
use crate::domain::participants::Participants;
use crate::ui::icons;
use crate::ui::messages::Language;

/// The page with a part of the consents, the newest first.
#[derive(Debug, Template)]
#[template(path = "console_consents.html")]
pub(crate) struct ConsentsPage {
    console: ConsoleFrame,
    /// The numbers of shown and of matching consents, in words.
    shown: String,
    is_empty_world: bool,
    server_url: String,
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
    /// `true` while the customer has not answered.
    is_pending: bool,
}

impl ConsentsPage {
    /// Returns the page of a part. `scenario_of` returns the scenario that drives a consent.
    pub(crate) fn new<C: AsRef<Consent>>(
        console: ConsoleFrame,
        server_url: &str,
        participants: &Participants,
        filter: &ConsentFilter,
        window: &ListWindow<C, Status>,
        scenario_of: impl Fn(&Consent) -> Option<String>,
    ) -> Self {
        let status = filter.status.map(Status::as_str);
        let parameters = [
            ("q", filter.text.clone()),
            ("fiuId", filter.fiu.clone()),
            ("customer", filter.customer.as_deref().map(str::to_owned)),
            ("scenario", filter.scenario.clone()),
        ];
        let path = format!("{}/ui/consents", console.base_path);
        let list = ListAddress::new(path, parameters, status);
        let rows = window.listing.items.iter().map(|(_, consent)| {
            let consent = consent.as_ref();
            ConsentRow::new(
                consent,
                participants,
                &console.base_path,
                scenario_of(consent),
            )
        });
        Self {
            shown: window.describe_size(filter.status),
            is_empty_world: !console.has_consents,
            server_url: server_url.to_owned(),
            text: filter.text.clone().unwrap_or_default(),
            states: list_names(filter.status),
            fius: list_fius(participants, filter.fiu.as_deref()),
            scenario: filter.scenario.clone().unwrap_or_default(),
            customer: filter.customer.as_deref().map(str::to_owned),
            is_filtered: filter.status.is_some() || !filter.has_status_only(),
            described_filter: describe_consent_filter(filter),
            chips: list_chips(window, filter.status, &list, icons::of_status),
            newer: window.newer.map(|number| list.at("after", number)),
            older: window.older.map(|number| list.at("before", number)),
            rows: rows.collect(),
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
            is_pending: consent.status == Status::Pending,
        }
    }
}

/// Says in words which consents a filter lets pass.
fn describe_consent_filter(filter: &ConsentFilter) -> String {
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
    describe_filter(parts)
}
