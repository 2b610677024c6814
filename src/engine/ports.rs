//! What a world is given from outside.

use std::fmt::Debug;
use std::sync::Arc;

use crate::domain::account::{Account, LinkableAccount};
use crate::domain::api_fault::Faults;
use crate::domain::command::{Command, ConsentAction, RaiseConsent};
use crate::domain::consent::{Consent, Input};
use crate::domain::consent_matcher::ConsentMatcher;
use crate::domain::diagnostic::{Diagnostic, ScenarioInfo};
use crate::domain::event::Event;
use crate::domain::expectation::Expectation;
use crate::domain::ids::ConsentHandle;
use crate::domain::participants::Participants;
use crate::domain::persona::{Persona, PersonaInstance, Personas};
use crate::domain::session::{ApprovalMode, DataTiming};
use crate::domain::time::Millis;
use crate::domain::unaport::{FetchQuirks, RECORDED_APPROVAL_DELAY, UnaportConfig};
use crate::engine::clock::ClockStart;

/// What can drive the consents of all worlds.
pub trait ScenarioProvider: Send + Sync {
    /// The script of this name.
    fn find_by_name(&self, name: &str) -> Option<Arc<dyn ScenarioPlan>>;

    /// The script that says by itself that it is for such a consent; of several the one that asks most.
    fn find_matching(&self, raise: &RaiseConsent) -> Option<Arc<dyn ScenarioPlan>>;

    /// A magic customer's.
    fn find_for_magic_customer(&self, customer: &str) -> Option<Arc<dyn ScenarioPlan>>;

    /// The name of the one that drives what nothing else drives.
    fn default_name(&self) -> Option<&str>;

    /// The names that [`Director::named`] knows, sorted.
    fn list_names(&self) -> Vec<String>;

    /// What is wrong with the scenario files as they are now; the set that was right before is in force.
    fn load_error(&self) -> Option<String>;

    /// All of them, sorted by name, for people.
    fn list_scenarios(&self) -> Vec<ScenarioInfo>;

    /// The magic customers and their stories.
    fn list_magic_customers(&self) -> Vec<(&'static str, &'static str)>;

    /// Reads the scenario files again; consents that run keep the version they started with.
    ///
    /// # Errors
    /// What is wrong with which file, and where; the old set stays in force.
    fn reload_scenarios(&self) -> Result<usize, String>;

    /// Reads a scenario.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    fn parse_scenario(&self, text: &str) -> Result<Arc<dyn ScenarioPlan>, Vec<Diagnostic>>;

    /// Reads one step of a scenario, or a list of steps.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    fn parse_steps(&self, text: &str) -> Result<Arc<dyn ScenarioPlan>, Vec<Diagnostic>>;

    /// Reads faults, and how long they are in force, in wall time.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    fn parse_faults(&self, text: &str) -> Result<(Faults, Option<Millis>), Vec<Diagnostic>>;

    /// Reads expectations.
    ///
    /// # Errors
    /// Everything that is wrong with the text.
    fn parse_expectations(&self, text: &str) -> Result<Vec<Expectation>, Vec<Diagnostic>>;
}

/// A sandbox that has none: people, and the control API, drive everything.
#[derive(Debug)]
pub struct NoScenarios;

impl ScenarioProvider for NoScenarios {
    fn find_by_name(&self, _: &str) -> Option<Arc<dyn ScenarioPlan>> {
        None
    }

    fn find_matching(&self, _: &RaiseConsent) -> Option<Arc<dyn ScenarioPlan>> {
        None
    }

    fn find_for_magic_customer(&self, _: &str) -> Option<Arc<dyn ScenarioPlan>> {
        None
    }

    fn default_name(&self) -> Option<&str> {
        None
    }

    fn list_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn load_error(&self) -> Option<String> {
        None
    }

    fn list_scenarios(&self) -> Vec<ScenarioInfo> {
        Vec::new()
    }

    fn list_magic_customers(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    fn reload_scenarios(&self) -> Result<usize, String> {
        Ok(0)
    }

    fn parse_scenario(&self, _: &str) -> Result<Arc<dyn ScenarioPlan>, Vec<Diagnostic>> {
        Err(Vec::new())
    }

    fn parse_steps(&self, _: &str) -> Result<Arc<dyn ScenarioPlan>, Vec<Diagnostic>> {
        Err(Vec::new())
    }

    fn parse_faults(&self, _: &str) -> Result<(Faults, Option<Millis>), Vec<Diagnostic>> {
        Err(Vec::new())
    }

    fn parse_expectations(&self, _: &str) -> Result<Vec<Expectation>, Vec<Diagnostic>> {
        Err(Vec::new())
    }
}

/// Drives one consent. Called inside the world's lock, after each event of the consent: it must be pure and quick.
pub trait ScenarioPlan: Send + Sync {
    fn name(&self) -> &str;

    /// Whether the statement itself goes out by webhook; `None` leaves it to the world's setting.
    fn should_push_data(&self) -> Option<bool>;

    /// When FIPs answer a request for data, `None`: as the sandbox is set; `first`: it is the first one, made by
    /// Unaport itself, which anything that the script delivers will answer.
    fn data_timing(&self, is_first: bool) -> Option<DataTiming>;

    /// The oddities of the data that is fetched under its consents.
    fn fetch_quirks(&self) -> FetchQuirks;

    /// What goes wrong for its consents.
    fn faults(&self) -> &Faults;

    /// The name of the persona whose life its consents' accounts tell.
    fn persona(&self) -> Option<&str>;

    /// What is expected of a run with it.
    fn expectations(&self) -> &[Expectation];

    /// What it is for, for people.
    fn description(&self) -> Option<&str>;

    /// Which consents it is for, if it says so.
    fn matcher(&self) -> Option<&ConsentMatcher>;

    /// What is to happen later because of this event.
    fn plan_reactions(&self, event: &Event, consent: &Consent) -> Vec<DelayedCommand>;
}

/// A command to be given when `after` has passed in world time.
#[derive(Clone, Debug)]
pub struct DelayedCommand {
    pub delay: Millis,
    pub command: Command,
    /// Which step or rule it comes from, for the journal.
    pub origin: String,
}

impl ApprovalMode {
    /// What is to follow a consent request that no scenario drives.
    pub fn plan_approval(self, handle: ConsentHandle) -> Vec<DelayedCommand> {
        let delay = match self {
            Self::Manual => return Vec::new(),
            Self::Immediate => Millis::ZERO,
            Self::Timed => RECORDED_APPROVAL_DELAY,
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

/// The simulated FIPs; pure in the world's seed and the customer's address.
#[derive(Clone, Copy, Debug)]
pub struct Bank {
    /// The accounts of a customer at the sandbox's FIPs, whatever a world makes of them later; each with whether it is
    /// linked from the beginning.
    pub list_accounts: fn(
        participants: &Participants,
        persona: &Persona,
        seed: u64,
        customer: &str,
    ) -> Vec<LinkableAccount>,
    /// Whether it can tell this account of somebody who lives so; others answer DENIED.
    pub is_supported:
        fn(seed: u64, customer: &str, life: &PersonaInstance, account: &Account) -> bool,
}

/// What all worlds of a sandbox have in common.
#[derive(Clone)]
pub struct SandboxConfig {
    pub seed: u64,
    pub clock: ClockStart,
    /// Those of a world that nobody has changed.
    pub participants: Arc<Participants>,
    /// Where webhooks go to FIUs that are registered later and have no URL of their own.
    pub fiu_url: Option<Arc<str>>,
    /// When FIPs answer a request for data.
    pub data_timing: DataTiming,
    /// Who answers a consent request that no scenario drives.
    pub approval_mode: ApprovalMode,
    pub unaport: UnaportConfig,
    /// Whether statements go out by webhook; `None`: only where the face has no data call.
    pub push_data: Option<bool>,
    pub scenario_provider: Arc<dyn ScenarioProvider>,
    pub bank: Bank,
    pub personas: Arc<Personas>,
    /// That of customers whom nothing else gives one.
    pub default_persona: Arc<Persona>,
}

impl Debug for SandboxConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting")
            .field("seed", &self.seed)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
