//! Read access to a world. Queries whose result changes with time run due work first.

use std::sync::Arc;

use crate::domain::account::{CustomerAccount, LinkableAccount};
use crate::domain::consent::{Consent, Status};
use crate::domain::customer::Customer;
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::notification::Notification;
use crate::domain::persona::Persona;
use crate::domain::session::{DataTiming, Session};
use crate::domain::time::Timestamp;
use crate::domain::unaport::{ConsentTemplate, FetchQuirks};
use crate::engine::clock::system_now;
use crate::engine::decide::find_linked_accounts;
use crate::engine::world::World;

/// A summary of a world.
#[derive(Clone, Debug)]
pub struct Overview {
    /// World time.
    pub now: Timestamp,
    /// `true` if the clock is frozen.
    pub frozen: bool,
    /// The number of consents.
    pub consents: usize,
    /// The number of consents in each status.
    pub status_counts: Vec<(Status, usize)>,
    /// The number of webhooks that are held, queued, waiting for a retry or in flight.
    pub webhooks_open: usize,
    /// The number of timers that are not due yet.
    pub timers: usize,
}

impl World {
    pub fn consent(&self, handle: ConsentHandle) -> Option<Arc<Consent>> {
        self.lock_caught_up().state.consent(handle).cloned()
    }

    pub fn consent_by_id(&self, id: ConsentId) -> Option<Arc<Consent>> {
        self.lock_caught_up().state.consent_by_id(id).cloned()
    }

    /// Returns the consent for which a FIP holds an artefact with this id.
    pub fn consent_by_fip_artefact_id(&self, id: ConsentId) -> Option<Arc<Consent>> {
        self.lock_caught_up()
            .state
            .consent_by_fip_artefact_id(id)
            .cloned()
    }

    /// Returns the consent with this [`Consent::number`], of which Unaport's short links are made.
    pub fn consent_by_number(&self, number: u32) -> Option<Arc<Consent>> {
        self.lock_caught_up()
            .state
            .consent_by_number(number)
            .cloned()
    }

    /// Returns up to `limit` consents in the order in which they were raised, after skipping `skip`.
    pub fn consents(&self, skip: usize, limit: usize) -> Vec<Arc<Consent>> {
        self.lock_caught_up()
            .state
            .consents(skip)
            .take(limit)
            .cloned()
            .collect()
    }

    /// Returns the name of the scenario that drives the consent.
    pub fn scenario_of(&self, handle: ConsentHandle) -> Option<String> {
        self.lock()
            .scenario_plans
            .get(&handle)
            .map(|plan| plan.name.clone())
    }

    /// Returns the consent templates that the FIU's organisation has saved, newest first, followed
    /// by the predefined ones, without those whose consumer is another FIU.
    pub fn templates(&self, fiu: &str) -> Vec<Arc<ConsentTemplate>> {
        let inner = self.lock();
        let saved = inner
            .state
            .templates()
            .iter()
            .rev()
            .filter(|template| template.fiu.as_deref() == Some(fiu));
        let participants = self.participants();
        let predefined = self.config.unaport.templates.iter().filter(|template| {
            participants
                .find_fiu(&template.terms.consumer)
                .is_none_or(|owner| *owner.entity.id == *fiu)
        });
        saved.chain(predefined).cloned().collect()
    }

    /// Returns the data notifications of a Unaport consent, newest first, as `FINotification` lists
    /// them.
    pub fn unaport_data_notifications(&self, handle: ConsentHandle) -> Vec<Notification> {
        self.lock_caught_up()
            .stored_notifications
            .get(&handle)
            .map(|notifications| notifications.iter().rev().cloned().collect())
            .unwrap_or_default()
    }

    /// Returns the quirks of fetched data that the consent's scenario asks for.
    pub fn fetch_quirks(&self, handle: ConsentHandle) -> FetchQuirks {
        self.lock()
            .scenario_plans
            .get(&handle)
            .map(|plan| plan.fetch_quirks)
            .unwrap_or_default()
    }

    pub fn session(&self, id: SessionId) -> Option<Arc<Session>> {
        self.lock_caught_up().state.session(id).cloned()
    }

    /// Returns the session that contains the account with this analytic id.
    pub fn session_by_analytic_id(&self, id: u32) -> Option<Arc<Session>> {
        self.lock_caught_up()
            .state
            .sessions(0)
            .find(|session| session.analytic_ids().any(|analytic_id| analytic_id == id))
            .cloned()
    }

    /// Returns whether the analytics of a session have been generated.
    pub fn has_analytics(&self, id: SessionId) -> bool {
        self.lock_caught_up().state.has_analytics(id)
    }

    /// Returns the session that a FIP knows by this id.
    pub fn session_by_fip_session_id(&self, id: SessionId) -> Option<Arc<Session>> {
        self.lock_caught_up()
            .state
            .session_by_fip_session_id(id)
            .cloned()
    }

    /// Returns up to `limit` sessions in the order in which they were opened, after skipping `skip`.
    pub fn sessions(&self, skip: usize, limit: usize) -> Vec<Arc<Session>> {
        self.lock_caught_up()
            .state
            .sessions(skip)
            .take(limit)
            .cloned()
            .collect()
    }

    /// Returns the name of the customer's current persona.
    pub fn persona_of(&self, address: &str) -> Arc<str> {
        let inner = self.lock_caught_up();
        let instance = inner.state.current_persona(address);
        Arc::clone(
            &instance
                .map_or(&self.config.default_persona, |instance| {
                    &instance.definition
                })
                .name,
        )
    }

    /// Returns the addresses of all known customers, sorted, after skipping `skip`.
    pub fn customer_addresses(&self, skip: usize, limit: usize) -> Vec<Arc<str>> {
        self.lock_caught_up()
            .state
            .customer_addresses()
            .into_iter()
            .skip(skip)
            .take(limit)
            .collect()
    }

    /// Returns the record of a customer whom a command has registered or changed, and all accounts
    /// at the simulated FIPs.
    pub fn customer(&self, address: &str) -> (Option<Customer>, Vec<CustomerAccount>) {
        let participants = self.participants();
        let list_accounts =
            |customer: &str, persona: &Persona| self.list_accounts(customer, persona);
        let inner = self.lock_caught_up();
        let now = inner.clock.now(system_now());
        let context = self.decision_context(now, &participants, &list_accounts, &|_| {
            DataTiming::Immediate
        });
        let instance = context.current_persona(&inner.state, address);
        let linked_accounts = find_linked_accounts(&inner.state, address, &instance, &context);
        let accounts = self
            .list_accounts(address, &instance.definition)
            .into_iter()
            .map(|LinkableAccount { account, .. }| {
                let linked = linked_accounts
                    .iter()
                    .find(|linked| linked.matches_ref(&account.fip, &account.account_ref));
                // A FIP may have chosen another linkRefNumber than the default one.
                CustomerAccount {
                    is_linked: linked.is_some(),
                    account: linked.cloned().unwrap_or(account),
                }
            });
        (inner.state.customer(address).cloned(), accounts.collect())
    }

    pub fn overview(&self) -> Overview {
        let inner = self.lock_caught_up();
        Overview {
            now: inner.clock.now(system_now()),
            frozen: inner.clock.is_frozen(),
            consents: inner.state.consent_count(),
            status_counts: inner.state.count_by_status(),
            webhooks_open: inner.outbox.open_len(),
            timers: inner.timers.len(),
        }
    }
}
