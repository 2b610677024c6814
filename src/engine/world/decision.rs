//! What a decision of a world depends on beside its state.

use std::sync::Arc;

use crate::domain::account::LinkableAccount;
use crate::domain::command::Command;
use crate::domain::consent::{Api, Consent};
use crate::domain::event::Event;
use crate::domain::participants::Participants;
use crate::domain::persona::Persona;
use crate::domain::rejection::Rejection;
use crate::domain::scenario_plan::DataRequestKind;
use crate::domain::session::DataTiming;
use crate::domain::time::Timestamp;
use crate::engine::decide::{DecisionContext, decide};
use crate::engine::world::{Inner, World};

impl World {
    /// Decides a command without applying its events.
    pub(super) fn decide(
        &self,
        inner: &Inner,
        command: Command,
        now: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        decide(
            &inner.state,
            command,
            &self.decision_context(
                (now, &inner.default_persona),
                &inner.participants,
                &|customer, persona| self.list_accounts(customer, persona),
                &|consent| self.data_timing_of(inner, consent),
            ),
        )
    }

    /// Returns the accounts at the simulated FIPs of a customer with this persona.
    pub(super) fn list_accounts(&self, customer: &str, persona: &Persona) -> Vec<LinkableAccount> {
        (self.config.fips.list_accounts)(
            &self.config.initial_participants,
            persona,
            self.seed,
            customer,
        )
    }

    /// Returns when FIPs answer a request for this consent's data that is made now.
    pub(super) fn data_timing_of(&self, inner: &Inner, consent: &Consent) -> DataTiming {
        if let Some(timing) = inner.state.timing_overrides(consent.handle).data {
            return timing;
        }
        let has_run = consent
            .grant
            .as_ref()
            .is_some_and(|grant| grant.run_count > 0);
        let request = if consent.api == Api::Unaport && !has_run {
            DataRequestKind::FirstScheduledFetch
        } else {
            DataRequestKind::Other
        };
        inner
            .plan_of(consent.handle)
            .and_then(|plan| plan.data_timing(request))
            .unwrap_or(self.config.data_timing)
    }

    /// Builds the context of a decision.
    pub(super) fn decision_context<'a>(
        &'a self,
        (now, default_persona): (Timestamp, &'a Arc<Persona>),
        participants: &'a Participants,
        list_accounts: &'a dyn Fn(&str, &Persona) -> Vec<LinkableAccount>,
        data_timing: &'a dyn Fn(&Consent) -> DataTiming,
    ) -> DecisionContext<'a> {
        DecisionContext {
            now,
            seed: self.seed,
            participants,
            list_accounts,
            fips: self.config.fips,
            default_persona,
            data_timing,
        }
    }
}
