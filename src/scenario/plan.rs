//! A checked scenario, and how it reacts. Pure: an event gives the commands that are to follow it.

use crate::domain::command::{Command, Outcome, Verb};
use crate::domain::consent::{Consent, Face};
use crate::domain::event::{Event, EventName};
use crate::domain::session::{FiStatus, Progression};
use crate::domain::time::Span;
use crate::domain::unaport::FetchQuirks;
use crate::engine::ports::{Later, Script};

/// A scenario that can be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub name: String,
    pub push_data: Option<bool>,
    /// When FIPs answer, where no rule says so.
    pub data: Option<Progression>,
    pub fetch_quirks: FetchQuirks,
    /// Played once, in order.
    pub steps: Vec<Step>,
    /// Played whenever their event happens.
    pub rules: Vec<Rule>,
    /// Data is delivered by itself after activation, on the face that has no data call.
    pub delivers_on_seed: bool,
}

/// A step at its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Since the consent was raised: the sum of its own `after` and those of the steps before it.
    pub at: Span,
    pub action: Action,
    /// How the journal names it.
    pub origin: String,
}

/// A reaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub on: EventName,
    pub after: Span,
    pub action: Action,
    pub origin: String,
}

/// What is done to the consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Move(Verb),
    /// Opens a data session in which every account answers so.
    Deliver(Outcome),
}

impl Action {
    fn command(&self, event: &Event, consent: &Consent) -> Command {
        let handle = consent.handle;
        match self.clone() {
            Self::Move(verb) => Command::MoveConsent { handle, verb },
            Self::Deliver(outcome) => {
                // Who reacts to a request answers that one, however many others there are by then.
                let session = match event {
                    Event::DataRequested { session, .. } => Some(session.id),
                    _ => None,
                };
                Command::Deliver { handle, session, outcome }
            }
        }
    }
}

impl Script for Plan {
    fn name(&self) -> &str {
        &self.name
    }

    fn push_data(&self) -> Option<bool> {
        self.push_data
    }

    fn progression(&self, first: bool) -> Option<Progression> {
        let delivers = |action: &Action| matches!(action, Action::Deliver(_));
        let answers =
            self.rules.iter().any(|rule| delivers(&rule.action) && (first || rule.on == EventName::FiRequested));
        let scripted = answers || (first && self.steps.iter().any(|step| delivers(&step.action)));
        if scripted { Some(Progression::Manual) } else { self.data }
    }

    fn fetch_quirks(&self) -> FetchQuirks {
        self.fetch_quirks
    }

    fn react(&self, event: &Event, consent: &Consent) -> Vec<Later> {
        let later = |after, action: &Action, origin: &str| Later {
            after,
            command: action.command(event, consent),
            origin: format!("{}, {origin}", self.name),
        };
        let mut reactions = Vec::new();
        if matches!(event, Event::ConsentRaised { .. }) {
            reactions.extend(self.steps.iter().map(|step| later(step.at, &step.action, &step.origin)));
        }
        let rules = self.rules.iter().filter(|rule| rule.on == event.name());
        reactions.extend(rules.map(|rule| later(rule.after, &rule.action, &rule.origin)));
        if self.delivers_on_seed && consent.face == Face::Seed && matches!(event, Event::ConsentActivated { .. }) {
            reactions.push(later(Span::ZERO, &Action::Deliver(Outcome::all(FiStatus::Ready)), "data after activation"));
        }
        reactions
    }
}
