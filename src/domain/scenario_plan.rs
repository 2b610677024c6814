//! A validated scenario and its reactions. A plan is plain data, and its reactions are a pure
//! function of it: an event gives the commands that follow, with their delays. Reading plans from
//! text belongs to `scenario`, scheduling and executing the commands to the engine.

use std::sync::Arc;

use crate::domain::action::{
    Action, AnswerAction, BankAction, ConsentAction, CustomerAction, DelinkedAccounts, FipAnswers,
    SandboxAction,
};
use crate::domain::api_fault::Faults;
use crate::domain::bank_answer::BankAnswers;
use crate::domain::command::Command;
use crate::domain::consent::{Api, Consent, Input};
use crate::domain::consent_matcher::ConsentMatcher;
use crate::domain::event::{Event, EventName};
use crate::domain::expectation::Expectation;
use crate::domain::ids::ConsentHandle;
use crate::domain::ledger_changes::ChangeTransaction;
use crate::domain::participants::FiSchema;
use crate::domain::quirk::{Quirk, Quirks};
use crate::domain::session::{ApprovalMode, DataTiming};
use crate::domain::time::Millis;
use crate::domain::unaport::{FetchQuirk, FetchQuirks, RECORDED_APPROVAL_DELAY};

/// A scenario after validation, ready to run. It may drive many consents.
#[derive(Clone, Debug, Default)]
pub struct ScenarioPlan {
    pub name: String,
    /// The name of the file that it was read from, if it was.
    pub file: Option<String>,
    /// The position of `name` in the file.
    pub location: SourceLocation,
    pub description: Option<String>,
    /// The consents that the scenario applies to without being named, with the position of `match`.
    pub matcher: Option<(ConsentMatcher, SourceLocation)>,
    pub persona: Option<(SourceLocation, String)>,
    /// The approval mode, which applies beside the steps.
    pub approval: Option<ApprovalMode>,
    /// The push of statements by webhook; `None` leaves it to the sandbox's configuration.
    pub push_data: Option<bool>,
    /// The data timing where no rule delivers.
    pub data: Option<DataTiming>,
    /// The generation of the FI schemas of the consent's data; it precedes the participants'.
    pub fi_schema: Option<FiSchema>,
    /// The irregularities of the consent's data, with the position of each.
    pub quirks: Vec<(Quirk, SourceLocation)>,
    pub fetch_quirks: FetchQuirks,
    /// The position of `fetch_quirks`, if the scenario has it.
    pub fetch_quirks_location: Option<SourceLocation>,
    /// The answers of banks while the customer looks for accounts and links them.
    pub bank_answers: BankAnswers,
    /// The position of the first of these answers, if the scenario has some.
    pub bank_answers_location: Option<SourceLocation>,
    /// The actions at fixed times, executed once and in order.
    pub steps: Vec<Step>,
    /// The actions that follow an event, executed each time that it happens.
    pub rules: Vec<Rule>,
    pub faults: Faults,
    /// The positions of the faults: webhook faults first, then API faults.
    pub fault_locations: Vec<SourceLocation>,
    pub expectations: Vec<Expectation>,
    /// On the seed API, which has no data call: FIPs answer after activation as they would answer a
    /// data request.
    pub delivers_after_activation: bool,
}

/// A position in a file, counted from 1; 0 where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceLocation {
    pub line: u64,
    pub column: u64,
}

/// An action at a fixed time after the consent is raised.
#[derive(Clone, Debug)]
pub struct Step {
    /// The delay since the consent was raised: the sum of this step's `after` and those before it.
    pub due_after: Millis,
    pub action: Action,
    /// The name of the step in the journal.
    pub origin: String,
    pub location: SourceLocation,
}

/// An action that follows an event.
#[derive(Clone, Debug)]
pub struct Rule {
    pub event: EventName,
    pub after: Millis,
    pub action: Action,
    pub origin: String,
    pub location: SourceLocation,
}

/// A request for data, as far as its kind decides when FIPs answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataRequestKind {
    /// The first fetch that Unaport schedules; any `deliver` step or rule of the plan answers it.
    FirstScheduledFetch,
    Other,
}

/// A command that becomes due after `delay` of world time.
#[derive(Clone, Debug)]
pub struct DelayedCommand {
    pub delay: Millis,
    pub command: Command,
    /// The name of the step or rule that issues the command, for the journal.
    pub origin: String,
}

impl ApprovalMode {
    /// Returns the time from the request to the approval; `None` if a person approves.
    pub const fn approval_delay(self) -> Option<Millis> {
        match self {
            Self::Manual => None,
            Self::Immediate => Some(Millis::ZERO),
            Self::Timed => Some(RECORDED_APPROVAL_DELAY),
        }
    }

    /// Returns the commands that follow a consent request that no scenario drives.
    pub fn plan_approval(self, handle: ConsentHandle) -> Vec<DelayedCommand> {
        let Some(delay) = self.approval_delay() else {
            return Vec::new();
        };
        let command = Command::TransitionConsent {
            handle,
            action: ConsentAction::with_defaults(Input::Approve),
        };
        vec![DelayedCommand {
            delay,
            command,
            origin: format!("consent: {self}"),
        }]
    }
}

impl Action {
    /// Returns the commands of the action, each with its delay. `event` is the cause.
    fn to_commands(&self, event: &Event, consent: &Consent) -> Vec<(Millis, Command)> {
        let handle = consent.handle;
        let customer = Arc::clone(&consent.terms.customer);
        let command = match self {
            Self::Transition(action) => Some(Command::TransitionConsent {
                handle,
                action: action.clone(),
            }),
            Self::Answer(action) => {
                // A reaction to a request answers that request, even if others were made meanwhile.
                let session = match event {
                    Event::DataRequested { session, .. } => Some(session.id),
                    _ => None,
                };
                return action
                    .answers()
                    .group_by_delay()
                    .into_iter()
                    .map(|(delay, statuses)| {
                        let command = Command::DeliverData {
                            handle,
                            session,
                            statuses,
                        };
                        (delay, command)
                    })
                    .collect();
            }
            Self::Customer(action) => Some(action.to_command(customer)),
            Self::Bank(action) => Some(action.to_command(customer, handle)),
            Self::Sandbox(SandboxAction::Notify(notification)) => notification.to_command(handle),
            Self::Sandbox(SandboxAction::Redirect { errorcode }) => {
                Some(Command::ScriptRedirection {
                    handle,
                    code: *errorcode,
                })
            }
            Self::Sandbox(SandboxAction::Set(timing)) => Some(Command::SetTiming {
                handle,
                timing: *timing,
            }),
        };
        command
            .into_iter()
            .map(|command| (Millis::ZERO, command))
            .collect()
    }
}

impl CustomerAction {
    fn to_command(&self, customer: Arc<str>) -> Command {
        match self {
            Self::Link { fip } => Command::LinkAllAccounts {
                customer,
                fip: fip.as_deref().map(Arc::from),
            },
            Self::Delink(DelinkedAccounts {
                account: Some(link_ref),
                ..
            }) => Command::DelinkAccount {
                customer,
                link_ref: link_ref.clone(),
            },
            Self::Delink(DelinkedAccounts { fip, .. }) => Command::DelinkAllAccounts {
                customer,
                fip: fip.as_deref().map(Arc::from),
            },
            Self::Deregister {} => Command::DeregisterCustomer { customer },
        }
    }
}

impl BankAction {
    fn to_command(&self, customer: Arc<str>, handle: ConsentHandle) -> Command {
        let (account, change) = match self {
            Self::Add(new) => (&new.account, new.to_change()),
            Self::Change(edited) => (&edited.account, edited.to_change()),
            Self::Remove(removed) => (&removed.account, removed.to_change()),
        };
        Command::ChangeTransaction(ChangeTransaction {
            customer,
            account: account.clone(),
            consent: Some(handle),
            change,
        })
    }
}

impl ScenarioPlan {
    /// Returns the irregularities of the consent's data.
    ///
    /// Two quirks of Fetch Data change the document too: a service shows what the FIP sent.
    pub fn all_quirks(&self) -> Quirks {
        let own = self
            .quirks
            .iter()
            .map(|(quirk, _)| *quirk)
            .collect::<Quirks>();
        let of_fetch = [
            (FetchQuirk::NoSeconds, Quirk::NoSeconds),
            (FetchQuirk::JavaNumbers, Quirk::JavaNumbers),
        ];
        let of_fetch = of_fetch
            .into_iter()
            .filter(|(fetch_quirk, _)| self.fetch_quirks.contains(*fetch_quirk));
        own.union(of_fetch.map(|(_, quirk)| quirk).collect())
    }

    /// Returns whether a step or the approval mode answers the consent in place of the customer.
    pub fn answers_consent(&self) -> bool {
        let is_answer = |action: &Action| {
            let Action::Transition(action) = action else {
                return false;
            };
            matches!(action.input(), Input::Approve | Input::Reject | Input::Fail)
        };
        let is_automatic = self
            .approval
            .and_then(ApprovalMode::approval_delay)
            .is_some();
        is_automatic || self.steps.iter().any(|step| is_answer(&step.action))
    }

    /// Returns the rules that answer data requests.
    fn delivery_rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules
            .iter()
            .filter(|rule| rule.event == EventName::DataRequested && rule.action.is_answer())
    }

    /// Returns the commands of an action that is due after `wait`.
    fn schedule_action(
        &self,
        wait: Millis,
        action: &Action,
        origin: &str,
        (event, consent): (&Event, &Consent),
    ) -> Vec<DelayedCommand> {
        action
            .to_commands(event, consent)
            .into_iter()
            .map(|(delay, command)| DelayedCommand {
                delay: Millis(wait.0.saturating_add(delay.0)),
                command,
                origin: match &self.file {
                    Some(file) => format!("{}, {origin} of {file}", self.name),
                    None => format!("{}, {origin}", self.name),
                },
            })
            .collect()
    }

    /// Returns the matcher of the consents that the scenario applies to without being named, if it
    /// has one.
    pub fn matcher(&self) -> Option<&ConsentMatcher> {
        self.matcher.as_ref().map(|(matcher, _)| matcher)
    }

    /// Returns the name of the persona of its consents' customers.
    pub fn persona_name(&self) -> Option<&str> {
        self.persona.as_ref().map(|(_, name)| name.as_str())
    }

    /// Returns when FIPs answer a request for data; `None` leaves it to the sandbox's
    /// configuration.
    pub fn data_timing(&self, request: DataRequestKind) -> Option<DataTiming> {
        let actions = self
            .rules
            .iter()
            .map(|rule| &rule.action)
            .chain(self.steps.iter().map(|step| &step.action));
        let has_delivery = self.delivery_rules().next().is_some()
            || (request == DataRequestKind::FirstScheduledFetch
                && actions.into_iter().any(Action::is_answer));
        if has_delivery {
            Some(DataTiming::Manual)
        } else {
            self.data
        }
    }

    /// Returns the commands that follow this event, each with its delay. Called inside the world's
    /// lock after each event of a consent, so it must be fast.
    pub fn plan_reactions(&self, event: &Event, consent: &Consent) -> Vec<DelayedCommand> {
        const AFTER_ACTIVATION: &str = "data after activation";
        let cause = (event, consent);
        let mut reactions = Vec::new();
        if matches!(event, Event::ConsentRaised { .. }) {
            if let Some(approval) = self.approval {
                reactions.extend(approval.plan_approval(consent.handle));
            }
            for step in &self.steps {
                let Step {
                    due_after,
                    action,
                    origin,
                    ..
                } = step;
                reactions.extend(self.schedule_action(*due_after, action, origin, cause));
            }
        }
        for rule in self.rules.iter().filter(|rule| rule.event == event.name()) {
            reactions.extend(self.schedule_action(rule.after, &rule.action, &rule.origin, cause));
        }
        if self.delivers_after_activation
            && consent.api == Api::Seed
            && matches!(event, Event::ConsentActivated { .. })
        {
            let mut scheduled = Vec::new();
            for Rule { after, action, .. } in self.delivery_rules() {
                scheduled.extend(self.schedule_action(*after, action, AFTER_ACTIVATION, cause));
            }
            if scheduled.is_empty() {
                let ready = AnswerAction::Deliver(FipAnswers::default()).into();
                scheduled = self.schedule_action(Millis::ZERO, &ready, AFTER_ACTIVATION, cause);
            }
            reactions.extend(scheduled);
        }
        reactions
    }
}
