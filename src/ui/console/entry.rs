//! One entry of the journal.

use askama::Template;

use super::inspector::{Exchange, Inspector, InspectorPlace};
use super::timeline::{DescribedEntry, Row, build_row, name_cause};
use super::{ConsoleFrame, format_precise_time};
use crate::domain::journal_entry::{JournalEntry, JournalRecord};
use crate::domain::participants::Participants;

/// The content of an entry, as a page shows it.
#[derive(Debug)]
pub(super) struct EntryPanel {
    pub facts: Vec<(&'static str, String)>,
    /// Its message, in lines.
    pub text: Option<String>,
    pub inspector: Option<Inspector>,
    /// The address of the page of its webhook, and what is there.
    pub webhook: Option<(String, String)>,
    /// The token of its forms.
    pub token: String,
    pub base_path: String,
}

impl EntryPanel {
    pub(super) fn new(
        described: &DescribedEntry,
        participants: &Participants,
        exchange: Option<&Exchange>,
        place: &InspectorPlace,
        console: &ConsoleFrame,
    ) -> Self {
        let DescribedEntry { entry, text, .. } = described;
        let has_text = matches!(
            entry.record,
            JournalRecord::StepRejected { .. }
                | JournalRecord::InvalidSignature { .. }
                | JournalRecord::Note { .. }
        );
        Self {
            facts: list_facts(entry, participants),
            text: has_text.then(|| text.clone()),
            webhook: link_webhook(entry, &console.base_path),
            inspector: exchange.map(|exchange| Inspector::new(exchange, place)),
            token: console.token.clone(),
            base_path: console.base_path.clone(),
        }
    }
}

impl EntryPanel {
    /// Leaves out what leads to other pages or changes something.
    pub(super) fn without_operation(mut self) -> Self {
        self.webhook = None;
        self.inspector = self.inspector.map(Inspector::without_operation);
        self
    }
}

fn link_webhook(entry: &JournalEntry, base_path: &str) -> Option<(String, String)> {
    let JournalRecord::Webhook(webhook) = &entry.record else {
        return None;
    };
    let id = webhook.delivery;
    let text = if webhook.attempt == 0 {
        format!("Webhook {id}, to send it")
    } else {
        format!("Webhook {id} with all attempts")
    };
    Some((format!("{base_path}/ui/webhooks/{id}"), text))
}

fn list_facts(entry: &JournalEntry, participants: &Participants) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Entry", entry.seq.to_string()),
        (
            "World time",
            format!("{} IST", format_precise_time(entry.at)),
        ),
    ];
    if entry.system_time != entry.at {
        let system = format!("{} IST", format_precise_time(entry.system_time));
        facts.push(("System time", system));
    }
    if let Some(cause) = &entry.cause {
        let name = name_cause(cause.kind, None, participants);
        let parent = cause
            .parent
            .map(|parent| format!(", scheduled by cause {parent}"));
        facts.push((
            "Cause",
            format!(
                "{}: {name}, {}{}",
                cause.number,
                cause.origin,
                parent.unwrap_or_default()
            ),
        ));
    }
    match &entry.record {
        JournalRecord::Call(call) => {
            if !call.faults.is_empty() {
                let names: Vec<_> = call.faults.iter().map(|fault| fault.as_str()).collect();
                facts.push(("Injected faults", names.join(", ")));
            }
            if let Some(fiu) = &call.fiu {
                facts.push(("Key of", fiu.to_string()));
            }
        }
        JournalRecord::Webhook(webhook) if !webhook.faults.is_empty() => {
            let names: Vec<_> = webhook.faults.iter().map(|fault| fault.as_str()).collect();
            facts.push(("Injected faults", names.join(", ")));
        }
        _ => {}
    }
    facts
}

/// The page of an entry.
#[derive(Debug, Template)]
#[template(path = "console_entry.html")]
pub(crate) struct EntryPage {
    console: ConsoleFrame,
    seq: u64,
    row: Row,
    panel: EntryPanel,
    /// The address of the consent and its name.
    consent: Option<(String, String)>,
}

impl EntryPage {
    pub(crate) fn new(
        console: ConsoleFrame,
        participants: &Participants,
        described: &DescribedEntry,
        exchange: Option<&Exchange>,
        place: &InspectorPlace,
    ) -> Self {
        let handle = described.entry.handle.map(|handle| handle.to_string());
        Self {
            seq: described.entry.seq,
            row: build_row(described, participants),
            panel: EntryPanel::new(described, participants, exchange, place, &console),
            consent: handle.map(|handle| {
                (
                    format!("{}/ui/consents/{handle}", console.base_path),
                    handle,
                )
            }),
            console,
        }
    }
}
