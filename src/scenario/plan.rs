//! A checked scenario, and how it reacts. Pure: an event gives the commands that are to follow it.

use std::sync::Arc;

use crate::domain::api_fault::Faults;
use crate::domain::command::{AccountStatuses, Command, ConsentAction, TimingOverride};
use crate::domain::consent::{Api, Consent};
use crate::domain::consent_matcher::ConsentMatcher;
use crate::domain::event::{Event, EventName};
use crate::domain::expectation::Expectation;
use crate::domain::notification::NotificationContent;
use crate::domain::session::{ApprovalMode, DataTiming, FiStatus};
use crate::domain::time::Millis;
use crate::domain::unaport::FetchQuirks;
use crate::engine::ports::{DelayedCommand, RequestKind, ScenarioPlan};

/// A scenario that can be played.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub name: String,
    /// Where its name stands.
    pub location: SourceLocation,
    pub description: Option<String>,
    /// Which consents it is for without being asked for, and where that stands.
    pub matcher: Option<(ConsentMatcher, SourceLocation)>,
    pub persona: Option<(SourceLocation, String)>,
    /// Who approves, beside the steps.
    pub approval: Option<ApprovalMode>,
    pub push_data: Option<bool>,
    /// When FIPs answer, where no rule says so.
    pub data: Option<DataTiming>,
    pub fetch_quirks: FetchQuirks,
    /// Played once, in order.
    pub steps: Vec<Step>,
    /// Played whenever their event happens.
    pub rules: Vec<Rule>,
    pub faults: Faults,
    /// Where the faults stand: those of webhooks, then those of answers.
    pub fault_locations: Vec<SourceLocation>,
    pub expectations: Vec<Expectation>,
    /// FIPs answer after activation what they would answer to a request, on the face that has no data call.
    pub delivers_after_activation: bool,
}

/// A place in a file; 0 where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceLocation {
    pub line: u64,
    pub column: u64,
}

/// A step at its time.
#[derive(Clone, Debug)]
pub struct Step {
    /// Since the consent was raised: the sum of its own `after` and those of the steps before it.
    pub due_after: Millis,
    pub action: Action,
    /// How the journal names it.
    pub origin: String,
    pub location: SourceLocation,
}

/// A reaction.
#[derive(Clone, Debug)]
pub struct Rule {
    pub event: EventName,
    pub after: Millis,
    pub action: Action,
    pub origin: String,
    pub location: SourceLocation,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Action {
    Transition(ConsentAction),
    /// FIPs answer a request for data, each after its own while; where none waits, the AA asks by itself.
    Deliver(Vec<(Millis, AccountStatuses)>),
    Link {
        fip: Option<Arc<str>>,
    },
    DelinkAccount {
        link_ref: Box<str>,
    },
    DelinkAll {
        fip: Option<Arc<str>>,
    },
    Deregister,
    Notify(NotificationContent),
    SetTiming(TimingOverride),
}

impl Action {
    /// The commands that it is, each after its own while.
    fn to_commands(&self, event: &Event, consent: &Consent) -> Vec<(Millis, Command)> {
        let handle = consent.handle;
        let customer = || Arc::clone(&consent.terms.customer);
        let command = match self.clone() {
            Self::Deliver(outcomes) => {
                // Who reacts to a request answers that one, however many others there are by then.
                let session = match event {
                    Event::DataRequested { session, .. } => Some(session.id),
                    _ => None,
                };
                let to_command = |(after, outcome)| {
                    (
                        after,
                        Command::DeliverData {
                            handle,
                            session,
                            statuses: outcome,
                        },
                    )
                };
                return outcomes.into_iter().map(to_command).collect();
            }
            Self::Transition(verb) => Command::TransitionConsent {
                handle,
                action: verb,
            },
            Self::Link { fip } => Command::LinkAllAccounts {
                customer: customer(),
                fip,
            },
            Self::DelinkAccount { link_ref } => Command::DelinkAccount {
                customer: customer(),
                link_ref,
            },
            Self::DelinkAll { fip } => Command::DelinkAllAccounts {
                customer: customer(),
                fip,
            },
            Self::Deregister => Command::DeregisterCustomer {
                customer: customer(),
            },
            Self::Notify(content) => Command::SendScriptedNotification { handle, content },
            Self::SetTiming(pace) => Command::SetTiming {
                handle,
                timing: pace,
            },
        };
        vec![(Millis::ZERO, command)]
    }

    const fn is_delivery(&self) -> bool {
        matches!(self, Self::Deliver(_))
    }
}

impl Plan {
    /// The rules that say when FIPs answer requests for data.
    fn delivery_rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules
            .iter()
            .filter(|rule| rule.event == EventName::FiRequested && rule.action.is_delivery())
    }
}

impl ScenarioPlan for Plan {
    fn name(&self) -> &str {
        &self.name
    }

    fn should_push_data(&self) -> Option<bool> {
        self.push_data
    }

    fn data_timing(&self, request: RequestKind) -> Option<DataTiming> {
        let actions = self
            .rules
            .iter()
            .map(|rule| &rule.action)
            .chain(self.steps.iter().map(|step| &step.action));
        let has_delivery = self.delivery_rules().next().is_some()
            || (request == RequestKind::FirstScheduledFetch
                && actions.into_iter().any(Action::is_delivery));
        if has_delivery {
            Some(DataTiming::Manual)
        } else {
            self.data
        }
    }

    fn fetch_quirks(&self) -> FetchQuirks {
        self.fetch_quirks
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn persona(&self) -> Option<&str> {
        self.persona.as_ref().map(|(_, name)| name.as_str())
    }

    fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    fn matcher(&self) -> Option<&ConsentMatcher> {
        self.matcher.as_ref().map(|(matcher, _)| matcher)
    }

    fn plan_reactions(&self, event: &Event, consent: &Consent) -> Vec<DelayedCommand> {
        let schedule = |wait: Millis, action: &Action, origin: &str| {
            let origin = format!("{}, {origin}", self.name);
            let commands = action.to_commands(event, consent).into_iter();
            let to_scheduled = move |(after, command): (Millis, Command)| DelayedCommand {
                delay: Millis(wait.0.saturating_add(after.0)),
                command,
                origin: origin.clone(),
            };
            commands.map(to_scheduled).collect::<Vec<_>>()
        };
        let mut reactions = Vec::new();
        if matches!(event, Event::ConsentRaised { .. }) {
            reactions.extend(
                self.approval
                    .into_iter()
                    .flat_map(|approval| approval.plan_approval(consent.handle)),
            );
            reactions.extend(
                self.steps
                    .iter()
                    .flat_map(|step| schedule(step.due_after, &step.action, &step.origin)),
            );
        }
        let rules = self.rules.iter().filter(|rule| rule.event == event.name());
        reactions.extend(rules.flat_map(|rule| schedule(rule.after, &rule.action, &rule.origin)));
        if self.delivers_after_activation
            && consent.api == Api::Seed
            && matches!(event, Event::ConsentActivated { .. })
        {
            let deliveries = self.delivery_rules().map(|rule| (rule.after, &rule.action));
            let ready = Action::Deliver(vec![(
                Millis::ZERO,
                AccountStatuses::uniform_status(FiStatus::Ready),
            )]);
            let mut scheduled: Vec<_> = deliveries
                .flat_map(|(after, action)| schedule(after, action, "data after activation"))
                .collect();
            if scheduled.is_empty() {
                scheduled = schedule(Millis::ZERO, &ready, "data after activation");
            }
            reactions.extend(scheduled);
        }
        reactions
    }
}
