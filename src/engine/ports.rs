//! Interfaces to the layers that the engine does not import: scenarios and simulated FIPs. Their
//! implementations are injected through [`SandboxConfig`].

use std::fmt::Debug;
use std::sync::Arc;

use crate::domain::account::{Account, LinkableAccount};
use crate::domain::action::ConsentAction;
use crate::domain::api_fault::Faults;
use crate::domain::command::{Command, RaiseConsent};
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

/// The source of all scenario plans of a sandbox.
pub trait ScenarioProvider: Send + Sync {
    /// Returns the plan of this name.
    fn find_by_name(&self, name: &str) -> Option<Arc<dyn ScenarioPlan>>;

    /// Returns the most specific plan whose matcher accepts this consent request.
    fn find_matching(&self, raise: &RaiseConsent) -> Option<Arc<dyn ScenarioPlan>>;

    /// Returns the plan of a magic customer's address.
    fn find_for_magic_customer(&self, customer: &str) -> Option<Arc<dyn ScenarioPlan>>;

    /// Returns the name of the sandbox's default scenario.
    fn default_scenario_name(&self) -> Option<&str>;

    /// Returns the names that [`ScenarioProvider::find_by_name`] knows, sorted.
    fn list_names(&self) -> Vec<String>;

    /// Returns the error of the last attempt to load the scenario files, if it failed; the last
    /// valid set stays active.
    fn load_error(&self) -> Option<String>;

    /// Returns all scenarios, sorted by name, for display.
    fn list_scenarios(&self) -> Vec<ScenarioInfo>;

    /// Returns the magic customers, each with a description.
    fn list_magic_customers(&self) -> Vec<(&'static str, &'static str)>;

    /// Reads the scenario files again and returns the number of scenarios. Running consents keep
    /// the version they started with.
    ///
    /// # Errors
    /// A message with file, position and problem; the previous set stays active.
    fn reload_scenarios(&self) -> Result<usize, String>;

    /// Parses a scenario.
    ///
    /// # Errors
    /// All diagnostics of the text.
    fn parse_scenario(&self, text: &str) -> Result<Arc<dyn ScenarioPlan>, Vec<Diagnostic>>;

    /// Parses one step of a scenario, or a list of steps.
    ///
    /// # Errors
    /// All diagnostics of the text.
    fn parse_steps(&self, text: &str) -> Result<Arc<dyn ScenarioPlan>, Vec<Diagnostic>>;

    /// Parses faults and their time to live, in system time.
    ///
    /// # Errors
    /// All diagnostics of the text.
    fn parse_faults(&self, text: &str) -> Result<(Faults, Option<Millis>), Vec<Diagnostic>>;

    /// Parses expectations.
    ///
    /// # Errors
    /// All diagnostics of the text.
    fn parse_expectations(&self, text: &str) -> Result<Vec<Expectation>, Vec<Diagnostic>>;
}

/// A provider without scenarios: people and the control API drive all consents.
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

    fn default_scenario_name(&self) -> Option<&str> {
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

/// A request for data, as far as its kind decides when FIPs answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataRequestKind {
    /// The first fetch that Unaport schedules; any `deliver` step or rule of the plan answers it.
    FirstScheduledFetch,
    Other,
}

/// A scenario after validation; it may drive many consents. It is called inside the world's lock,
/// after each event of a consent, so it must be pure and fast.
pub trait ScenarioPlan: Send + Sync {
    fn name(&self) -> &str;

    /// Returns whether statements are pushed by webhook; `None` leaves it to the sandbox's
    /// configuration.
    fn should_push_data(&self) -> Option<bool>;

    /// Returns when FIPs answer a request for data; `None` leaves it to the sandbox's
    /// configuration.
    fn data_timing(&self, request: DataRequestKind) -> Option<DataTiming>;

    /// Returns the quirks of the data that is fetched under its consents.
    fn fetch_quirks(&self) -> FetchQuirks;

    /// Returns the faults that apply to its consents.
    fn faults(&self) -> &Faults;

    /// Returns the name of the persona of its consents' customers.
    fn persona(&self) -> Option<&str>;

    /// Returns the expectations that a run with this scenario must meet.
    fn expectations(&self) -> &[Expectation];

    /// Returns the description of the scenario, for display.
    fn description(&self) -> Option<&str>;

    /// Returns the matcher of the consents that the scenario applies to without being named, if it
    /// has one.
    fn matcher(&self) -> Option<&ConsentMatcher>;

    /// Returns the commands that follow this event, each with its delay.
    fn plan_reactions(&self, event: &Event, consent: &Consent) -> Vec<DelayedCommand>;
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
    /// Returns the commands that follow a consent request that no scenario drives.
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

/// The simulated FIPs. Both functions are pure: equal arguments give equal results.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedFips {
    /// The accounts of a customer at the sandbox's FIPs, regardless of linking and delinking in a
    /// world; each states whether it is linked by default.
    pub list_accounts: fn(
        participants: &Participants,
        persona: &Persona,
        seed: u64,
        customer: &str,
    ) -> Vec<LinkableAccount>,
    /// The predicate of accounts for which data of a customer with this persona can be generated;
    /// FIPs answer DENIED for the others.
    pub can_generate_data:
        fn(seed: u64, customer: &str, instance: &PersonaInstance, account: &Account) -> bool,
}

/// The configuration that all worlds of a sandbox share.
#[derive(Clone)]
pub struct SandboxConfig {
    pub seed: u64,
    pub clock: ClockStart,
    /// The participants of a world until it changes them.
    pub initial_participants: Arc<Participants>,
    /// The webhook URL of FIUs that are registered later without a URL of their own.
    pub default_webhook_url: Option<Arc<str>>,
    /// The default time at which FIPs answer a request for data.
    pub data_timing: DataTiming,
    /// The approval of consent requests that no scenario drives.
    pub approval_mode: ApprovalMode,
    pub unaport: UnaportConfig,
    /// The push of statements by webhook; `None` enables it only for APIs without a data call.
    pub push_data: Option<bool>,
    pub scenario_provider: Arc<dyn ScenarioProvider>,
    pub fips: SimulatedFips,
    pub personas: Arc<Personas>,
    /// The persona of customers without an assigned one.
    pub default_persona: Arc<Persona>,
}

impl Debug for SandboxConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxConfig")
            .field("seed", &self.seed)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
