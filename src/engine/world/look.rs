//! What there is to see of a world.

use std::sync::Arc;

use crate::domain::account::Account;
use crate::domain::consent::{Consent, Status};
use crate::domain::customer::Customer;
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::notification::Notification;
use crate::domain::persona::Persona;
use crate::domain::session::{DataTiming, Session};
use crate::domain::time::Timestamp;
use crate::domain::unaport::{ConsentTemplate, FetchQuirks};
use crate::engine::clock::wall;
use crate::engine::decide::linked;
use crate::engine::world::World;

/// What a world looks like from afar.
#[derive(Clone, Debug)]
pub struct Overview {
    pub now: Timestamp,
    pub frozen: bool,
    pub consents: usize,
    pub tally: Vec<(Status, usize)>,
    pub webhooks_open: usize,
    pub timers: usize,
}

impl World {
    pub fn consent(&self, handle: ConsentHandle) -> Option<Arc<Consent>> {
        self.up_to_date().state.consent(handle).cloned()
    }

    pub fn consent_by_id(&self, id: ConsentId) -> Option<Arc<Consent>> {
        self.up_to_date().state.by_consent_id(id).cloned()
    }

    /// The consent of which a FIP has an artefact with this id.
    pub fn consent_by_fip_id(&self, id: ConsentId) -> Option<Arc<Consent>> {
        self.up_to_date().state.by_fip_consent_id(id).cloned()
    }

    /// The consent with this [`Consent::number`].
    pub fn consent_by_number(&self, number: u32) -> Option<Arc<Consent>> {
        self.up_to_date().state.by_number(number).cloned()
    }

    /// Up to `limit` consents in the order in which they were raised, from the `skip`th on.
    pub fn consents(&self, skip: usize, limit: usize) -> Vec<Arc<Consent>> {
        self.up_to_date()
            .state
            .consents(skip)
            .take(limit)
            .cloned()
            .collect()
    }

    /// The name of the scenario that drives the consent.
    pub fn scenario_of(&self, handle: ConsentHandle) -> Option<String> {
        self.lock()
            .scripts
            .get(&handle)
            .map(|script| script.name().to_owned())
    }

    /// The consent templates that the FIU's organisation has saved, newest first, and those that it has from the start.
    pub fn templates(&self, fiu: &str) -> Vec<Arc<ConsentTemplate>> {
        let inner = self.lock();
        let own = inner
            .state
            .templates()
            .iter()
            .rev()
            .filter(|template| template.fiu.as_deref() == Some(fiu));
        let participants = self.participants();
        let theirs = |template: &&Arc<ConsentTemplate>| {
            participants
                .find_fiu(&template.terms.consumer)
                .is_none_or(|owner| *owner.entity.id == *fiu)
        };
        own.chain(self.setting.unaport.templates.iter().filter(theirs))
            .cloned()
            .collect()
    }

    /// The data notifications of a Unaport consent, newest first.
    pub fn stored_notices(&self, handle: ConsentHandle) -> Vec<Notification> {
        self.up_to_date()
            .stored
            .get(&handle)
            .map(|notices| notices.iter().rev().cloned().collect())
            .unwrap_or_default()
    }

    /// The oddities that the consent's scenario asks for.
    pub fn fetch_quirks(&self, handle: ConsentHandle) -> FetchQuirks {
        self.lock()
            .scripts
            .get(&handle)
            .map(|script| script.fetch_quirks())
            .unwrap_or_default()
    }

    pub fn session(&self, id: SessionId) -> Option<Arc<Session>> {
        self.up_to_date().state.session(id).cloned()
    }

    /// The session of which this is one account's analytics.
    pub fn session_of_analytic(&self, id: u32) -> Option<Arc<Session>> {
        let is_of = |session: &&Arc<Session>| session.analytic_ids().any(|known| known == id);
        self.up_to_date().state.sessions(0).find(is_of).cloned()
    }

    /// Whether its analytics have been made.
    pub fn is_analysed(&self, id: SessionId) -> bool {
        self.up_to_date().state.is_analysed(id)
    }

    /// The session that a FIP knows by this id.
    pub fn session_of_fip(&self, id: SessionId) -> Option<Arc<Session>> {
        self.up_to_date().state.session_of_fip(id).cloned()
    }

    /// Up to `limit` sessions in the order in which they were opened, from the `skip`th on.
    pub fn sessions(&self, skip: usize, limit: usize) -> Vec<Arc<Session>> {
        self.up_to_date()
            .state
            .sessions(skip)
            .take(limit)
            .cloned()
            .collect()
    }

    /// The name of the persona whose life this customer lives now.
    pub fn persona_of(&self, address: &str) -> Arc<str> {
        let inner = self.up_to_date();
        let life = inner.state.life(address);
        Arc::clone(
            &life
                .map_or(&self.setting.persona, |life| &life.definition)
                .name,
        )
    }

    /// Addresses of the customers who have been mentioned, sorted, from the `skip`th on.
    pub fn customers(&self, skip: usize, limit: usize) -> Vec<Arc<str>> {
        self.up_to_date()
            .state
            .customer_addresses()
            .into_iter()
            .skip(skip)
            .take(limit)
            .collect()
    }

    /// What has been said about a customer, if anything; and all accounts at the simulated FIPs, each with whether it
    /// is linked.
    pub fn customer(&self, address: &str) -> (Option<Customer>, Vec<(Account, bool)>) {
        let participants = self.participants();
        let held = |customer: &str, persona: &Persona| self.accounts(customer, persona);
        let inner = self.up_to_date();
        let now = inner.clock.now(wall());
        let given = self.circumstances(now, &participants, &held, &|_| DataTiming::Immediate);
        let life = given.life(&inner.state, address);
        let linked = linked(&inner.state, address, &life, &given);
        let of = |account: Account| {
            let link = linked
                .iter()
                .find(|link| link.matches_ref(&account.fip, &account.account_ref));
            // A FIP may have named the link otherwise than we would.
            (link.cloned().unwrap_or(account), link.is_some())
        };
        let held = self
            .accounts(address, &life.definition)
            .into_iter()
            .map(|held| of(held.account));
        (inner.state.customer(address).cloned(), held.collect())
    }

    pub fn overview(&self) -> Overview {
        let inner = self.up_to_date();
        Overview {
            now: inner.clock.now(wall()),
            frozen: inner.clock.is_frozen(),
            consents: inner.state.len(),
            tally: inner.state.tally(),
            webhooks_open: inner.outbox.open_len(),
            timers: inner.timers.len(),
        }
    }
}
