//! The page of one consent: its state, what happened to it, and what can be done with it.

use askama::Template;

use super::customers::{customer_path, data_path, statement_address};
use super::entry::EntryPanel;
use super::inspector::{Exchange, InspectorPlace};
use super::state_machine::StateMachine;
use super::timeline::{DescribedEntry, Row, Timeline, TimelineOrder};
use super::{ConsoleFrame, ListAddress, class_of, format_precise_time};
use crate::domain::account::{Account, FiType};
use crate::domain::consent::{Consent, Input, Status};
use crate::domain::participants::Participants;
use crate::domain::scenario_set::SelectionReason;
use crate::domain::session::Session;
use crate::domain::terms::{FetchType, Terms};
use crate::domain::time::Timestamp;
use crate::domain::timer::{Timer, TimerKind};
use crate::ui::icons;
use crate::ui::journey::Party;
use crate::ui::messages::Language;
use crate::ui::qr_code::QrImage;

/// The content of the page of a consent.
#[derive(Debug)]
pub(crate) struct ConsentDetails<'a> {
    pub consent: &'a Consent,
    pub participants: &'a Participants,
    /// The scenario that drives it.
    pub scenario: Option<String>,
    /// The reason for which it does.
    pub selection_reason: Option<SelectionReason>,
    pub accounts: &'a [Account],
    /// The newest data sessions.
    pub sessions: &'a [std::sync::Arc<Session>],
    /// The number of earlier ones.
    pub earlier_sessions: usize,
    pub timers: &'a [Timer],
    /// `true` if more becomes due later.
    pub has_later_timers: bool,
    /// The last entries of the journal about it, the oldest first.
    pub entries: &'a [DescribedEntry],
    /// `true` if there are earlier entries about it.
    pub has_earlier: bool,
    /// The number of the last entry that the browser has, if it asks for what is new.
    pub last_shown_seq: Option<u64>,
    /// The number of entries that the journal has evicted.
    pub evicted: u64,
    pub order: TimelineOrder,
    /// The number of the entry that is open, with its message.
    pub open: Option<(u64, Option<Exchange>)>,
    pub place: InspectorPlace,
    pub customer_url: String,
    /// `true` if only this machine reaches the sandbox.
    pub is_local: bool,
    /// The reason for which the last action was refused.
    pub notice: Option<String>,
    /// The steps that were refused, with what is wrong about them.
    pub refused_steps: Option<(String, Vec<String>)>,
}

/// The page of one consent.
#[derive(Debug, Template)]
#[template(path = "console_consent.html")]
pub(crate) struct ConsentPage {
    console: ConsoleFrame,
    name: String,
    handle: String,
    status: &'static str,
    class: String,
    icon: &'static str,
    since: String,
    notice: Option<String>,
    aa: Party,
    fiu: Party,
    subtitles: Vec<String>,
    /// The name of the scenario that drives it, and the reason for it.
    scenario: Option<(String, &'static str)>,
    actions: Vec<ActionButton>,
    machine: StateMachine,
    timeline: Timeline,
    is_by_time: bool,
    order_address: String,
    earlier: Option<String>,
    opened: Option<(u64, EntryPanel)>,
    /// The address of the page, to which the number of an entry is appended.
    open_address: String,
    close_address: String,
    customer_url: String,
    qr_code: Option<QrImage>,
    is_local: bool,
    facts: Vec<(&'static str, String)>,
    accounts: Vec<AccountRow>,
    sessions: Vec<SessionRow>,
    earlier_sessions: usize,
    timers: Vec<TimerRow>,
    has_later_timers: bool,
    steps: String,
    step_problems: Vec<String>,
    /// The address of the form that raises such a consent again.
    again: String,
}

/// The steps with which the form begins.
const EXAMPLE_STEPS: &str = "- deliver: {}\n";

/// A form with one button that changes the state.
#[derive(Debug)]
struct ActionButton {
    input: &'static str,
    label: &'static str,
    class: &'static str,
    icon: &'static str,
    /// The consequence of an action that cannot be undone.
    consequence: Option<&'static str>,
}

/// An account of a consent.
#[derive(Debug)]
struct AccountRow {
    name: String,
    /// The address of its data.
    address: String,
    /// The address of a picture of its balance; `None` if it has no balance from day to day.
    chart: Option<String>,
}

#[derive(Debug)]
struct SessionRow {
    id: String,
    status: &'static str,
    opened: String,
    accounts: Vec<String>,
}

/// Work that becomes due.
#[derive(Debug)]
pub(super) struct TimerRow {
    pub what: String,
    pub due: String,
    pub instant: String,
    pub handle: String,
}

impl ActionButton {
    fn new(input: Input) -> Self {
        const FINAL: &str = "This is final: no action leads out of the state that follows.";
        let (label, class, icon, consequence) = match input {
            Input::Approve => ("Approve", "btn go", icons::TICK, None),
            Input::Activate => ("Activate", "btn go", icons::PLAY, None),
            Input::Pause => ("Pause", "btn", icons::PAUSE, None),
            Input::Resume => ("Resume", "btn go", icons::PLAY, None),
            Input::Reject => ("Reject", "btn no", icons::CROSS, None),
            Input::Revoke => (
                "Revoke",
                "btn no",
                icons::of_status(Status::Revoked),
                Some(FINAL),
            ),
            Input::Expire => (
                "Expire",
                "btn",
                icons::of_status(Status::Expired),
                Some(FINAL),
            ),
            Input::Fail => ("Fail", "btn", icons::ALERT, Some(FINAL)),
        };
        Self {
            input: input.as_str(),
            label,
            class,
            icon,
            consequence,
        }
    }
}

impl ConsentPage {
    /// Returns the actions, which an embedded page does not have.
    fn shown_actions(&self) -> &[ActionButton] {
        if self.console.is_embedded() {
            &[]
        } else {
            &self.actions
        }
    }

    /// Returns whether a row is the one that is open.
    fn is_open(&self, row: &Row) -> bool {
        let open = self.opened.as_ref().map(|(seq, _)| *seq);
        open.is_some() && row.seq == open
    }

    pub(crate) fn new(console: ConsoleFrame, details: ConsentDetails<'_>) -> Self {
        let ConsentDetails {
            consent,
            participants,
            scenario,
            selection_reason,
            accounts,
            sessions,
            earlier_sessions,
            timers,
            has_later_timers,
            entries,
            has_earlier,
            last_shown_seq,
            evicted,
            order,
            open,
            place,
            customer_url,
            is_local,
            notice,
            refused_steps,
        } = details;
        let (steps, step_problems) =
            refused_steps.unwrap_or_else(|| (EXAMPLE_STEPS.to_owned(), Vec::new()));
        let handle = consent.handle.to_string();
        let tracking_id = consent.metadata.as_ref();
        let changed_at = consent
            .history
            .last()
            .map_or(consent.created_at, |it| it.at);
        let address = format!("{}/ui/consents/{handle}", console.base_path);
        let is_by_time = order == TimelineOrder::ByTime;
        let only = console.is_embedded().then_some("only=timeline");
        let at = |parameters: &[Option<&str>]| {
            let parameters: Vec<_> = parameters.iter().copied().flatten().collect();
            match parameters.join("&") {
                query if query.is_empty() => address.clone(),
                query => format!("{address}?{query}"),
            }
        };
        let by_time = is_by_time.then_some("by=time");
        let opened = open.and_then(|(seq, exchange)| {
            let described = entries.iter().find(|it| it.entry.seq == seq)?;
            let panel =
                EntryPanel::new(described, participants, exchange.as_ref(), &place, &console);
            let panel = if console.is_embedded() {
                panel.without_operation()
            } else {
                panel
            };
            Some((seq, panel))
        });
        let is_requested = selection_reason == Some(SelectionReason::Requested);
        let scenario_by_name = scenario.clone().filter(|_| is_requested);
        let mut timeline = Timeline::new(entries, participants, order);
        if let Some(seq) = last_shown_seq {
            let open = opened.as_ref().map(|(seq, _)| *seq);
            timeline.leave_out_shown(seq, open);
        }
        Self {
            name: tracking_id.map_or_else(|| handle.clone(), |it| it.tracking_id.to_string()),
            status: consent.status.as_str(),
            class: class_of(consent.status),
            icon: icons::of_status(consent.status),
            since: Language::English.format_time(changed_at),
            notice,
            aa: Party::of_aa(
                participants,
                &console.base_path,
                &participants.aa_for_consent(consent).id,
            ),
            fiu: Party::of_fiu(participants, &console.base_path, &consent.fiu),
            subtitles: list_subtitles(consent),
            scenario: scenario
                .map(|name| (name, selection_reason.map_or("", SelectionReason::describe))),
            actions: consent
                .status
                .legal_inputs()
                .map(ActionButton::new)
                .collect(),
            machine: StateMachine::new(consent),
            timeline,
            is_by_time,
            order_address: at(&[only, (!is_by_time).then_some("by=time")]),
            earlier: describe_earlier(has_earlier, evicted),
            opened,
            open_address: at(&[only, by_time, Some("open=")]),
            close_address: at(&[only, by_time]),
            qr_code: QrImage::new(&customer_url),
            customer_url,
            is_local,
            facts: list_facts(consent),
            accounts: list_accounts(accounts, participants, &console.base_path, &consent.terms),
            sessions: sessions
                .iter()
                .map(|session| SessionRow::new(session, participants))
                .collect(),
            earlier_sessions,
            timers: timers.iter().map(TimerRow::from).collect(),
            has_later_timers,
            steps,
            step_problems,
            again: describe_again(consent, scenario_by_name.as_deref(), &console.base_path),
            handle,
            console,
        }
    }
}

/// Returns the address of the form that raises such a consent again. A scenario is chosen in it if the call
/// that raised the consent named one; other reasons hold for the next consent, too.
fn describe_again(consent: &Consent, scenario: Option<&str>, base_path: &str) -> String {
    let terms = &consent.terms;
    let days = terms.range.to.duration_since(terms.range.from).0 / 86_400_000;
    let months = (days * 100 + 1_522) / 3_044;
    let months = months.max(1).to_string();
    let types = terms.fi_types.iter();
    let types = types.map(|it| ("fiType", it.as_str().to_owned()));
    let fields = [
        ("customer", terms.customer.to_string()),
        ("fiuId", consent.fiu.to_string()),
        ("fetchType", terms.fetch_type.as_str().to_owned()),
        ("months", months),
    ];
    let scenario = scenario.map(|name| ("scenario", name.to_owned()));
    let parameters = types.chain(fields).chain(scenario);
    let parameters = parameters.map(|(name, value)| (name, Some(value)));
    let path = format!("{base_path}/ui/consents/new");
    ListAddress::new(path, parameters, None).with_state(None)
}

fn describe_earlier(has_earlier: bool, evicted: u64) -> Option<String> {
    if has_earlier {
        return Some("Earlier entries are in the journal.".to_owned());
    }
    (evicted > 0).then(|| {
        format!("The journal has forgotten {evicted} entries of this world; some may have been about this consent.")
    })
}

fn list_subtitles(consent: &Consent) -> Vec<String> {
    let mut subtitles = vec![
        consent.terms.customer.to_string(),
        format!("API {}", consent.api.as_str()),
    ];
    if consent.hidden {
        subtitles.push("hidden from FIUs, since its customer has left the AA".to_owned());
    }
    subtitles
}

fn format_minute(at: Timestamp) -> String {
    Language::English.format_time(at)
}

/// Returns the ids and the terms of a consent, each with its name.
fn list_facts(consent: &Consent) -> Vec<(&'static str, String)> {
    let terms = &consent.terms;
    let mut facts = vec![("Handle", consent.handle.to_string())];
    if let Some(metadata) = &consent.metadata {
        facts.push(("Tracking id", metadata.tracking_id.to_string()));
    }
    if let Some(id) = consent.consent_id() {
        facts.push(("Consent id", id.to_string()));
    }
    let purpose = terms.purpose.text.as_deref().unwrap_or("no text");
    facts.extend([
        ("Purpose", format!("{}: {purpose}", terms.purpose.code)),
        ("Data", describe_data(terms)),
        (
            "Data from",
            format!(
                "{} to {}",
                format_minute(terms.range.from),
                format_minute(terms.range.to)
            ),
        ),
        ("Fetched", describe_fetches(consent)),
        (
            "Data life",
            format!(
                "{} {}, {}",
                terms.data_life.1, terms.data_life.0, terms.mode
            ),
        ),
        (
            "Valid",
            format!(
                "{} to {}",
                format_minute(terms.start),
                format_minute(terms.expiry)
            ),
        ),
        ("Persona", consent.persona.definition.name.to_string()),
    ]);
    facts
}

fn describe_data(terms: &Terms) -> String {
    let kinds: Vec<_> = terms.consent_types.iter().map(|it| it.as_str()).collect();
    let types: Vec<_> = terms.fi_types.iter().map(|it| it.as_str()).collect();
    format!("{} of {}", kinds.join(", "), types.join(", "))
}

fn describe_fetches(consent: &Consent) -> String {
    let terms = &consent.terms;
    let allowed = match terms.fetch_type {
        FetchType::OneTime => "once".to_owned(),
        FetchType::Periodic => format!("at most {} per {}", terms.frequency.1, terms.frequency.0),
    };
    let requests = consent.grant.as_ref().map(|grant| grant.data_requests().0);
    match requests {
        Some(count) if count > 0 => format!("{allowed}; requested {count} times so far"),
        _ => allowed,
    }
}

fn list_accounts(
    accounts: &[Account],
    participants: &Participants,
    base_path: &str,
    terms: &Terms,
) -> Vec<AccountRow> {
    let customer_path = customer_path(base_path, &terms.customer);
    let accounts = accounts.iter().map(|account| {
        let fip = participants.fip_name(&account.fip);
        AccountRow {
            name: format!("{} {} at {fip}", account.fi_type, account.masked_number),
            address: data_path(&customer_path, account),
            chart: (account.fi_type == FiType::Deposit).then(|| {
                statement_address(base_path, &terms.customer, account, terms.range, "svg")
            }),
        }
    });
    accounts.collect()
}

impl SessionRow {
    fn new(session: &Session, participants: &Participants) -> Self {
        let accounts = session.accounts.iter().map(|it| {
            let fip = participants.fip_name(&it.fip);
            format!("{fip}: {}", it.status.as_str())
        });
        Self {
            id: session.id.to_string(),
            status: session.status.as_str(),
            opened: Language::English.format_time(session.opened_at),
            accounts: accounts.collect(),
        }
    }
}

impl From<&Timer> for TimerRow {
    fn from(timer: &Timer) -> Self {
        let what = match timer.kind {
            TimerKind::ConsentExpiry => "The consent expires".to_owned(),
            TimerKind::SessionExpiry => "The data of a session expires".to_owned(),
            TimerKind::ScheduledFetch => "Unaport fetches data".to_owned(),
            TimerKind::Step => timer.origin.to_string(),
            TimerKind::WebhookRetry => match timer.delivery {
                Some(id) => format!("Webhook {id} is sent again"),
                None => "A webhook is sent again".to_owned(),
            },
        };
        Self {
            what,
            due: format!("{} IST", format_precise_time(timer.due)),
            instant: timer.due.to_string(),
            handle: timer.handle.to_string(),
        }
    }
}
