//! The configuration that all worlds of a sandbox share, and the simulated FIPs, which are injected
//! because the engine does not import the layer that generates data.

use std::fmt::Debug;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::domain::account::{Account, LinkableAccount};
use crate::domain::fair_use::FairUseMode;
use crate::domain::ledger_changes::{AccountQuery, TransactionContent};
use crate::domain::participants::Participants;
use crate::domain::persona::{Persona, PersonaInstance, Personas};
use crate::domain::retry_policy::RetryPolicy;
use crate::domain::security_mode::SecurityMode;
use crate::domain::session::{ApprovalMode, DataTiming};
use crate::domain::time_source::TimeSettings;
use crate::domain::unaport::UnaportConfig;
use crate::engine::clock::ClockStart;
use crate::engine::scenario_selection::SandboxScenarios;

/// The simulated FIPs. The functions are pure: equal arguments give equal results.
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
    /// The day on which a bank account was opened; `None` if the account is not a bank account.
    pub opening_date: fn(query: &AccountQuery<'_>) -> Option<NaiveDate>,
    /// The generated transaction of a bank account with this id, up to now.
    pub find_transaction: fn(query: &AccountQuery<'_>, id: u64) -> Option<TransactionContent>,
    /// The id of the transaction of a bank account whose supplied `txnId` is this one.
    pub find_supplied_id: fn(query: &AccountQuery<'_>, txn_id: &str) -> Option<u64>,
}

/// The configuration that all worlds of a sandbox share.
#[derive(Clone)]
pub struct SandboxConfig {
    pub seed: u64,
    pub clock: ClockStart,
    pub security: SecurityMode,
    /// The treatment of requests outside fair use.
    pub fair_use: FairUseMode,
    /// The clocks of messages where neither the FIU nor the world sets one.
    pub time_settings: TimeSettings,
    /// The participants of a world until it changes them.
    pub initial_participants: Arc<Participants>,
    /// The webhook URL of FIUs that are registered later without a URL of their own.
    pub default_webhook_url: Option<Arc<str>>,
    /// The default time at which FIPs answer a request for data.
    pub data_timing: DataTiming,
    /// The approval of consent requests that no scenario drives.
    pub approval_mode: ApprovalMode,
    pub unaport: UnaportConfig,
    /// The delays after which a webhook that failed is sent again.
    pub retries: RetryPolicy,
    /// The push of statements by webhook; `None` enables it only for APIs without a data call.
    pub push_data: Option<bool>,
    /// The scenarios that all worlds share, beside their local ones.
    pub scenarios: Arc<SandboxScenarios>,
    pub fips: SimulatedFips,
    pub personas: Arc<Personas>,
    /// The persona of customers without an assigned one.
    pub default_persona: Arc<Persona>,
    /// The number of ended consents that a world keeps.
    pub ended_consents_max: usize,
}

/// The number of ended consents that a world keeps unless it is configured.
pub(crate) const ENDED_CONSENTS_MAX: usize = 100_000;

impl Debug for SandboxConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxConfig")
            .field("seed", &self.seed)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
