//! The list of webhooks.

use askama::Template;

use super::timeline::Tag;
use super::webhook::tag_of_attempt;
use super::{
    Chip, ConsoleFrame, ListAddress, ListWindow, SelectOption, describe_filter, list_chips,
    list_fius, list_names,
};
use crate::domain::delivery::{Delivery, DeliveryState};
use crate::domain::listing::DeliveryFilter;
use crate::domain::participants::Participants;
use crate::ui::messages::Language;

/// The number of attempts of a webhook that are shown, the last ones.
const ATTEMPTS_MAX: usize = 5;

/// The page with a part of the webhooks, the newest first.
#[derive(Debug, Template)]
#[template(path = "console_webhooks.html")]
pub(crate) struct WebhooksPage {
    console: ConsoleFrame,
    shown: String,
    is_filtered: bool,
    described_filter: String,
    states: Vec<SelectOption>,
    events: Vec<SelectOption>,
    fius: Vec<SelectOption>,
    handle: Option<String>,
    chips: Vec<Chip>,
    rows: Vec<WebhookRow>,
    newer: Option<String>,
    older: Option<String>,
}

#[derive(Debug)]
struct WebhookRow {
    id: u64,
    address: String,
    event: &'static str,
    /// The status that it tells.
    status: &'static str,
    consent_address: String,
    consent: String,
    fiu: String,
    state: &'static str,
    /// The number of attempts before those that are shown, in words; empty if there is none.
    earlier: String,
    attempts: Vec<Tag>,
    faults: Vec<&'static str>,
    created: String,
    created_at: String,
}

impl WebhooksPage {
    pub(crate) fn new(
        console: ConsoleFrame,
        participants: &Participants,
        filter: &DeliveryFilter,
        window: &ListWindow<Delivery, DeliveryState>,
    ) -> Self {
        let DeliveryFilter {
            state,
            event,
            fiu,
            handle,
        } = filter;
        let handle = handle.map(|handle| handle.to_string());
        let event_name = event.map(|event| event.as_str().to_owned());
        let parameters = [
            ("event", event_name.clone()),
            ("fiuId", fiu.clone()),
            ("consentHandle", handle.clone()),
        ];
        let path = format!("{}/ui/webhooks", console.base_path);
        let list = ListAddress::new(path, parameters, state.map(DeliveryState::as_str));
        let rows = window
            .listing
            .items
            .iter()
            .map(|(_, delivery)| WebhookRow::new(delivery, participants, &console.base_path));
        Self {
            shown: window.describe_size(*state),
            is_filtered: state.is_some() || event.is_some() || fiu.is_some() || handle.is_some(),
            described_filter: describe_filter([
                state.map(|state| format!("the state {}", state.as_str())),
                event_name.map(|event| format!("the event {event}")),
                fiu.as_ref().map(|fiu| format!("the FIU {fiu}")),
                handle
                    .as_ref()
                    .map(|handle| format!("the consent {handle}")),
            ]),
            states: list_names(*state),
            events: list_names(*event),
            fius: list_fius(participants, fiu.as_deref()),
            handle,
            chips: list_chips(window, *state, &list, |_| ""),
            rows: rows.collect(),
            newer: window.newer.map(|number| list.at("after", number)),
            older: window.older.map(|number| list.at("before", number)),
            console,
        }
    }
}

impl WebhookRow {
    fn new(delivery: &Delivery, participants: &Participants, base_path: &str) -> Self {
        let notification = &delivery.notification;
        let consent = &notification.consent;
        let handle = consent.handle.to_string();
        let tracking_id = consent.metadata.as_ref();
        let attempts = &delivery.attempts;
        let hidden = attempts.len().saturating_sub(ATTEMPTS_MAX);
        let fiu = participants.find_fiu(&notification.fiu);
        Self {
            id: delivery.id,
            address: format!("{base_path}/ui/webhooks/{}", delivery.id),
            event: notification.kind().as_str(),
            status: notification.status().unwrap_or_default(),
            consent_address: format!("{base_path}/ui/consents/{handle}"),
            consent: tracking_id.map_or(handle, |it| it.tracking_id.to_string()),
            fiu: fiu.map_or_else(
                || notification.fiu.to_string(),
                |fiu| fiu.entity.name.to_string(),
            ),
            state: delivery.state.as_str(),
            earlier: match hidden {
                0 => String::new(),
                count => format!("{count} earlier"),
            },
            attempts: attempts[hidden..].iter().map(tag_of_attempt).collect(),
            faults: delivery
                .faults
                .iter()
                .map(|applied| applied.fault.name().as_str())
                .collect(),
            created: Language::English.format_time(notification.at),
            created_at: notification.at.to_string(),
        }
    }
}
