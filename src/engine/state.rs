//! The state of a world: consents, sessions, customers, personas, templates and timing overrides.
//! It changes only through [`State::apply`], so that replaying the events of the journal rebuilds
//! it. The rules belong to `decide`.

use std::collections::{BTreeSet, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use crate::domain::account::{Account, FiType};
use crate::domain::command::{Command, RaiseConsent, RequestData};
use crate::domain::command_arguments::TimingOverride;
use crate::domain::consent::{
    Api, CachedSignatures, Consent, FipArtefact, Grant, HISTORY_MAX, Status, StatusChange,
};
use crate::domain::customer::Customer;
use crate::domain::customer_address::customer_identifier;
use crate::domain::event::Event;
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::ledger_changes::{ChangedTransaction, LedgerChanges};
use crate::domain::listing::{Cursor, NumberedList};
use crate::domain::persona::{Persona, PersonaInstance};
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::rejection::Rejection;
use crate::domain::session::Session;
use crate::domain::short_code::ShortCode;
use crate::domain::terms::{ConsentType, DataFilter, Purpose, Terms, VdrProvider};
use crate::domain::time::Timestamp;
use crate::domain::unaport::{AnalyticsResult, AnalyticsStatus, ConsentTemplate};
use crate::engine::txnid_index::{MessageKey, TxnidIndex};

/// The number of ids drawn for one customer, by kind: the next ordinal of each random stream.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct StreamOrdinals {
    pub handles: u32,
    pub consent_ids: u32,
    pub sessions: u32,
    pub fip_consent_ids: u32,
    pub fip_sessions: u32,
    pub links: u32,
}

/// A bank account whose transactions differ from the generated ones.
#[derive(Debug)]
struct ChangedAccount {
    account_ref: Box<str>,
    /// The persona that the account is generated from. Another persona gives an account of the same
    /// reference other transactions.
    persona: Arc<Persona>,
    changes: Arc<LedgerChanges>,
}

impl ChangedAccount {
    fn is_account(&self, account: &Account, persona: &Persona) -> bool {
        self.account_ref == account.account_ref && *self.persona == *persona
    }
}

#[derive(Debug)]
pub(crate) struct State {
    consents: HashMap<ConsentHandle, Arc<Consent>>,
    by_consent_id: HashMap<ConsentId, ConsentHandle>,
    by_short_code: HashMap<ShortCode, ConsentHandle>,
    /// Consents by the id of an artefact that a FIP holds.
    by_fip_consent_id: HashMap<ConsentId, ConsentHandle>,
    sessions: HashMap<SessionId, Arc<Session>>,
    /// Sessions whose analytics have been generated.
    sessions_with_analytics: HashSet<SessionId>,
    /// Oldest first, for listings.
    session_order: NumberedList<SessionId>,
    /// Sessions that an FIU has requested, by their place in `session_order`.
    session_txnids: TxnidIndex,
    /// The number of accounts in all sessions.
    session_account_count: u32,
    /// Sessions by the id that a FIP knows them by.
    by_fip_session: HashMap<SessionId, SessionId>,
    /// Customers with an explicit record.
    customers: HashMap<Arc<str>, Customer>,
    /// The persona instances of each customer by identifier, the current one last; a customer
    /// without an entry has the default persona.
    persona_instances: HashMap<Arc<str>, Vec<PersonaInstance>>,
    /// The bank accounts whose transactions have changed, by customer identifier.
    changed_accounts: HashMap<Arc<str>, Vec<ChangedAccount>>,
    /// Consent templates, oldest first.
    templates: Vec<Arc<ConsentTemplate>>,
    /// The timing of consents for which it was overridden.
    timing_overrides: HashMap<ConsentHandle, TimingOverride>,
    /// The code with which visits about a consent end at once.
    scripted_redirections: HashMap<ConsentHandle, RedirectionCode>,
    /// Oldest first, for listings.
    consent_order: NumberedList<ConsentHandle>,
    /// Consents that have ended, the first one first.
    ended: VecDeque<ConsentHandle>,
    /// The number of ended consents that are kept.
    ended_max: usize,
    /// The number of ended consents that were removed.
    removed_count: usize,
    consent_txnids: TxnidIndex,
    stream_ordinals: HashMap<Arc<str>, StreamOrdinals>,
    texts: Interner<str>,
    purposes: Interner<Purpose>,
    registries: Interner<VdrProvider>,
    consent_types: Interner<[ConsentType]>,
    fi_types: Interner<[FiType]>,
    filters: Interner<[DataFilter]>,
}

impl State {
    /// Returns an empty state that keeps so many ended consents, at least one.
    pub(crate) fn new(ended_max: usize) -> Self {
        Self {
            consents: HashMap::new(),
            by_consent_id: HashMap::new(),
            by_short_code: HashMap::new(),
            by_fip_consent_id: HashMap::new(),
            sessions: HashMap::new(),
            sessions_with_analytics: HashSet::new(),
            session_order: NumberedList::default(),
            session_txnids: TxnidIndex::default(),
            session_account_count: 0,
            by_fip_session: HashMap::new(),
            customers: HashMap::new(),
            persona_instances: HashMap::new(),
            changed_accounts: HashMap::new(),
            templates: Vec::new(),
            timing_overrides: HashMap::new(),
            scripted_redirections: HashMap::new(),
            consent_order: NumberedList::default(),
            ended: VecDeque::new(),
            ended_max: ended_max.max(1),
            removed_count: 0,
            consent_txnids: TxnidIndex::default(),
            stream_ordinals: HashMap::new(),
            texts: Interner::default(),
            purposes: Interner::default(),
            registries: Interner::default(),
            consent_types: Interner::default(),
            fi_types: Interner::default(),
            filters: Interner::default(),
        }
    }

    pub(crate) fn consent(&self, handle: ConsentHandle) -> Option<&Arc<Consent>> {
        self.consents.get(&handle)
    }

    pub(crate) fn consent_by_id(&self, id: ConsentId) -> Option<&Arc<Consent>> {
        self.consent(*self.by_consent_id.get(&id)?)
    }

    /// Returns the consent for which a FIP holds an artefact with this id.
    pub(crate) fn consent_by_fip_artefact_id(&self, id: ConsentId) -> Option<&Arc<Consent>> {
        self.consent(*self.by_fip_consent_id.get(&id)?)
    }

    pub(crate) fn session(&self, id: SessionId) -> Option<&Arc<Session>> {
        self.sessions.get(&id)
    }

    /// Returns whether the analytics of a session have been generated.
    pub(crate) fn has_analytics(&self, id: SessionId) -> bool {
        self.sessions_with_analytics.contains(&id)
    }

    /// Returns the session that a FIP knows by this id.
    pub(crate) fn session_by_fip_session_id(&self, id: SessionId) -> Option<&Arc<Session>> {
        self.session(*self.by_fip_session.get(&id)?)
    }

    /// Returns the number of accounts in all sessions.
    pub(crate) fn session_account_count(&self) -> u32 {
        self.session_account_count
    }

    /// Returns the sessions in the order in which they were opened, from the `skip`th on.
    pub(crate) fn sessions(&self, skip: usize) -> impl Iterator<Item = &Arc<Session>> {
        self.session_order
            .iter()
            .skip(skip)
            .filter_map(|id| self.sessions.get(id))
    }

    /// Returns the consent with this short link.
    pub(crate) fn consent_by_code(&self, code: ShortCode) -> Option<&Arc<Consent>> {
        self.consents.get(self.by_short_code.get(&code)?)
    }

    /// Returns the code of the short link of a new consent.
    pub(crate) fn find_free_code(&self, handle: ConsentHandle) -> ShortCode {
        ShortCode::candidates(handle)
            .find(|code| !self.by_short_code.contains_key(code))
            .expect("a world has fewer consents than there are codes")
    }

    /// Returns the consent templates, oldest first.
    pub(crate) fn templates(&self) -> &[Arc<ConsentTemplate>] {
        &self.templates
    }

    /// Returns the refusal of a message whose `txnid` its sender has used up: the newest consent or
    /// session of that `txnid` is less than 24 h old.
    pub(crate) fn find_repeated_txnid(
        &self,
        command: &Command,
        now: Timestamp,
    ) -> Option<Rejection> {
        let (txnid, made) = match command {
            Command::RaiseConsent(RaiseConsent { terms, fiu, .. }) => {
                let key = MessageKey {
                    fiu,
                    txnid: &terms.txnid,
                };
                let position = self.consent_txnids.find(key, now, |position| {
                    message_of_consent(&self.consents[&self.handle_at(position)])
                })?;
                let handle = self.handle_at(position);
                (&terms.txnid, format!("the consent {handle}"))
            }
            Command::RequestData(RequestData { handle, txnid, .. }) => {
                let fiu = &self.consent(*handle)?.fiu;
                let key = MessageKey { fiu, txnid };
                let position = self.session_txnids.find(key, now, |position| {
                    let id = session_at(&self.session_order, position);
                    message_of_session(&self.sessions[&id], &self.consents)
                })?;
                let id = session_at(&self.session_order, position);
                (txnid, format!("the data session {id}"))
            }
            _ => return None,
        };
        Some(Rejection::TxnidRepeated {
            txnid: txnid.to_string(),
            made,
        })
    }

    /// Returns the explicit record of the customer with this address, if there is one.
    pub(crate) fn customer(&self, address: &str) -> Option<&Customer> {
        self.customers.get(address)
    }

    /// Returns the persona instances of a customer, the current one last.
    pub(crate) fn persona_instances(&self, address: &str) -> &[PersonaInstance] {
        self.persona_instances
            .get(&*customer_identifier(address))
            .map_or(&[], Vec::as_slice)
    }

    /// Returns the persona that a customer has been assigned, if any.
    pub(crate) fn current_persona(&self, address: &str) -> Option<&PersonaInstance> {
        self.persona_instances(address).last()
    }

    fn assign_persona(&mut self, address: &Arc<str>, instance: &PersonaInstance) {
        let instances = self
            .persona_instances
            .entry(customer_identifier(address).into())
            .or_default();
        instances.retain(|earlier| earlier.definition.name != instance.definition.name);
        instances.push(instance.clone());
        // Makes the address one of those that the world knows.
        self.stream_ordinals.entry(Arc::clone(address)).or_default();
    }

    /// Returns the changes of the transactions of a customer's bank account that is generated from a
    /// persona.
    pub(crate) fn ledger_changes(
        &self,
        customer: &str,
        account: &Account,
        persona: &Persona,
    ) -> Option<&Arc<LedgerChanges>> {
        if self.changed_accounts.is_empty() {
            return None;
        }
        let accounts = self.changed_accounts.get(&*customer_identifier(customer))?;
        let changed = accounts
            .iter()
            .find(|changed| changed.is_account(account, persona))?;
        Some(&changed.changes)
    }

    fn change_transaction(&mut self, transaction: &ChangedTransaction) {
        let ChangedTransaction {
            customer,
            account,
            persona,
            id,
            before,
            after,
        } = transaction;
        let accounts = self
            .changed_accounts
            .entry(customer_identifier(customer).into())
            .or_default();
        let known = accounts
            .iter()
            .position(|changed| changed.is_account(account, persona));
        let index = known.unwrap_or_else(|| {
            accounts.push(ChangedAccount {
                account_ref: account.account_ref.clone(),
                persona: Arc::clone(persona),
                changes: Arc::default(),
            });
            accounts.len() - 1
        });
        let changes = Arc::make_mut(&mut accounts[index].changes);
        changes.apply(*id, before.as_ref(), after.as_ref());
        // Makes the address one of those that the world knows.
        self.stream_ordinals
            .entry(Arc::clone(customer))
            .or_default();
    }

    /// Returns the addresses of all customers with a record, a persona or a consent, sorted.
    pub(crate) fn customer_addresses(&self) -> Vec<Arc<str>> {
        let addresses = self.stream_ordinals.keys().chain(self.customers.keys());
        addresses
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// Returns the consents beyond a cursor with their numbers.
    pub(crate) fn consents_beyond(
        &self,
        cursor: Cursor,
    ) -> impl Iterator<Item = (u64, &Arc<Consent>)> {
        let handles = cursor.beyond(&self.consent_order);
        handles.filter_map(|(number, handle)| Some((number, self.consents.get(handle)?)))
    }

    /// Returns the sessions beyond a cursor with their numbers.
    pub(crate) fn sessions_beyond(
        &self,
        cursor: Cursor,
    ) -> impl Iterator<Item = (u64, &Arc<Session>)> {
        let ids = cursor.beyond(&self.session_order);
        ids.filter_map(|(number, id)| Some((number, self.sessions.get(id)?)))
    }

    /// Returns the consents in the order in which they were raised, from the `skip`th on.
    pub(crate) fn consents(&self, skip: usize) -> impl Iterator<Item = &Arc<Consent>> {
        self.consent_order
            .iter()
            .skip(skip)
            .filter_map(|handle| self.consents.get(handle))
    }

    /// Returns the code with which visits about this consent end at once, if any.
    pub(crate) fn scripted_redirection(&self, handle: ConsentHandle) -> Option<RedirectionCode> {
        self.scripted_redirections.get(&handle).copied()
    }

    /// Returns the timing that overrides the defaults for this consent.
    pub(crate) fn timing_overrides(&self, handle: ConsentHandle) -> TimingOverride {
        self.timing_overrides
            .get(&handle)
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn consent_count(&self) -> usize {
        self.consents.len()
    }

    fn handle_at(&self, position: u32) -> ConsentHandle {
        handle_at(&self.consent_order, position)
    }

    /// Returns the number of ended consents that are kept.
    pub(crate) fn ended_count(&self) -> usize {
        self.ended.len()
    }

    /// Returns the number of consents that were raised, those that were removed included.
    pub(crate) fn raised_count(&self) -> usize {
        self.consents.len() + self.removed_count
    }

    /// Returns the number of ended consents that were removed.
    pub(crate) fn removed_count(&self) -> usize {
        self.removed_count
    }

    /// Removes the consents that have ended first, with their sessions, if there are too many. A tenth
    /// of the bound is removed at a time, since the whole state is looked through.
    fn remove_ended(&mut self) {
        let excess = self.ended.len().saturating_sub(self.ended_max);
        if excess <= self.ended_max / 10 {
            return;
        }
        let removed: HashSet<ConsentHandle> = self.ended.drain(..excess).collect();
        self.removed_count += removed.len();
        let is_kept = |handle: &ConsentHandle| !removed.contains(handle);
        let Self {
            consents,
            consent_order,
            sessions,
            session_order,
            ..
        } = self;
        self.consent_txnids
            .retain(|position| is_kept(&handle_at(consent_order, position)));
        self.session_txnids.retain(|position| {
            let session = &sessions[&session_at(session_order, position)];
            is_kept(&session.handle)
        });
        consents.retain(|handle, _| is_kept(handle));
        sessions.retain(|_, session| is_kept(&session.handle));
        consent_order.drop_first_while(|handle| !consents.contains_key(handle));
        session_order.drop_first_while(|id| !sessions.contains_key(id));
        self.by_consent_id.retain(|_, handle| is_kept(handle));
        self.by_short_code.retain(|_, handle| is_kept(handle));
        self.by_fip_consent_id.retain(|_, handle| is_kept(handle));
        self.by_fip_session
            .retain(|_, id| sessions.contains_key(id));
        self.sessions_with_analytics
            .retain(|id| sessions.contains_key(id));
        self.timing_overrides.retain(|handle, _| is_kept(handle));
        self.scripted_redirections
            .retain(|handle, _| is_kept(handle));
    }

    pub(crate) fn stream_ordinals(&self, customer: &str) -> StreamOrdinals {
        self.stream_ordinals
            .get(customer)
            .copied()
            .unwrap_or_default()
    }

    /// Replaces values that many requests share by one shared copy. A request repeats its purpose, its
    /// FIU, its lists and its filters; with interning, a million consents of one FIU take a few hundred bytes each.
    pub(crate) fn intern_terms(&mut self, mut terms: Terms) -> Terms {
        terms.consumer = self.texts.intern_value(terms.consumer);
        terms.purpose = self.purposes.intern_value(terms.purpose);
        terms.consent_types = self.consent_types.intern_value(terms.consent_types);
        terms.fi_types = self.fi_types.intern_value(terms.fi_types);
        let filters = terms.filters;
        terms.filters = filters.map(|filters| self.filters.intern_value(filters));
        terms.vdr_provider = terms
            .vdr_provider
            .map(|registry| self.registries.intern_value(registry));
        if let Some((interned, _)) = self.stream_ordinals.get_key_value(&*terms.customer) {
            terms.customer = Arc::clone(interned);
        }
        terms
    }

    /// Applies an event.
    pub(crate) fn apply(&mut self, event: &Event, at: Timestamp) {
        self.apply_change(event, at);
        let has_ended = event.resulting_status().is_some_and(Status::is_final);
        if let Some(handle) = event.consent_handle().filter(|_| has_ended) {
            self.ended.push_back(handle);
            self.remove_ended();
        }
    }

    fn apply_change(&mut self, event: &Event, at: Timestamp) {
        if let Event::ConsentRaised { consent } = event {
            self.stream_ordinals
                .entry(Arc::clone(&consent.terms.customer))
                .or_default()
                .handles += 1;
            let position = to_ordinal(self.consent_order.push(consent.handle));
            self.consents.insert(consent.handle, Arc::clone(consent));
            self.by_short_code
                .insert(consent.short_code, consent.handle);
            let (order, consents) = (&self.consent_order, &self.consents);
            self.consent_txnids.insert(position, |position| {
                message_of_consent(&consents[&handle_at(order, position)])
            });
            return;
        }
        if let Event::TemplateSaved { template } = event {
            self.templates.push(Arc::clone(template));
            return;
        }
        let Some(handle) = event.consent_handle() else {
            return self.apply_to_customer(event, at);
        };
        let consent = self
            .consents
            .get_mut(&handle)
            .expect("an event is about a consent that was raised");
        let consent = Arc::make_mut(consent);
        if let Some(status) = event.resulting_status() {
            consent.status = status;
            if consent.history.len() == HISTORY_MAX {
                consent.history.remove(0);
            }
            consent.history.push(StatusChange { status, at });
        }
        match event {
            Event::AnalyticsReported { analytics, .. } => self.apply_analytics(analytics),
            Event::ConsentApproved {
                handle,
                consent_id,
                accounts,
                fips,
            } => {
                consent.grant = Some(Box::new(Grant {
                    consent_id: *consent_id,
                    approved_at: at,
                    accounts: Arc::clone(accounts),
                    use_count: 0,
                    last_used_at: None,
                    window: None,
                    session: None,
                    run_count: 0,
                    last_run_at: None,
                    next_run_at: None,
                    fetch_count: 0,
                    fips: fips
                        .iter()
                        .map(|(fip, id)| new_artefact(fip, *id))
                        .collect(),
                    signatures: CachedSignatures::default(),
                }));
                self.by_consent_id.insert(*consent_id, *handle);
                self.by_fip_consent_id
                    .extend(fips.iter().map(|(_, id)| (*id, *handle)));
                let ordinals = self
                    .stream_ordinals
                    .entry(Arc::clone(&consent.terms.customer))
                    .or_default();
                ordinals.consent_ids += 1;
                ordinals.fip_consent_ids += to_ordinal(fips.len());
            }
            Event::ConsentActivated { next_run_at, .. } => {
                consent
                    .grant
                    .as_mut()
                    .expect("an active consent has a grant")
                    .next_run_at = *next_run_at;
            }
            Event::DataRequested {
                session,
                next_run_at,
            } => {
                let mut grant = consent
                    .grant
                    .take()
                    .expect("data is requested under a granted consent");
                if consent.api == Api::Unaport && session.peer_key.is_none() {
                    grant.run_count += 1;
                    grant.last_run_at = Some(at);
                    grant.next_run_at = *next_run_at;
                }
                // A request that the AA initiates does not use up the FIU's allowance. With the
                // seed API every request is of that kind and counts.
                if session.peer_key.is_some() || consent.api == Api::Seed {
                    grant.window = Some(consent.window_after_use(&grant, at));
                    grant.use_count += 1;
                    grant.last_used_at = Some(at);
                }
                grant.session = Some(session.id);
                consent.grant = Some(grant);
                let ordinals = self
                    .stream_ordinals
                    .entry(Arc::clone(&consent.terms.customer))
                    .or_default();
                ordinals.sessions += 1;
                ordinals.fip_sessions += to_ordinal(session.fips.len());
                self.sessions.insert(session.id, Arc::clone(session));
                let position = to_ordinal(self.session_order.push(session.id));
                // The AA's own sessions have the `txnid` of the consent.
                if session.peer_key.is_some() {
                    let Self {
                        session_order,
                        sessions,
                        consents,
                        ..
                    } = self;
                    self.session_txnids.insert(position, |position| {
                        message_of_session(
                            &sessions[&session_at(session_order, position)],
                            consents,
                        )
                    });
                }
                self.session_account_count += to_ordinal(session.accounts.len());
                self.by_fip_session
                    .extend(session.fips.iter().map(|part| (part.id, session.id)));
            }
            Event::DataFetched { session } => {
                consent
                    .grant
                    .as_mut()
                    .expect("data is fetched under a granted consent")
                    .fetch_count += 1;
                self.sessions.insert(session.id, Arc::clone(session));
            }
            Event::RedirectionScripted { handle, code } => {
                match code {
                    Some(code) => self.scripted_redirections.insert(*handle, *code),
                    None => self.scripted_redirections.remove(handle),
                };
            }
            Event::TimingChanged { handle, timing } => {
                let overrides = self.timing_overrides.entry(*handle).or_default();
                *overrides = timing.with_fallback(*overrides);
            }
            Event::DataPrepared { session } | Event::DataExpired { session } => {
                self.sessions.insert(session.id, Arc::clone(session));
            }
            Event::ConsentRaised { .. }
            | Event::ConsentRejected { .. }
            | Event::ConsentFailed { .. }
            | Event::ConsentPaused { .. }
            | Event::ConsentResumed { .. }
            | Event::ConsentRevoked { .. }
            | Event::ConsentExpired { .. }
            | Event::NotificationScripted { .. }
            | Event::TemplateSaved { .. }
            | Event::CustomerRegistered { .. }
            | Event::PersonaAssigned { .. }
            | Event::TransactionAdded { .. }
            | Event::TransactionChanged { .. }
            | Event::TransactionRemoved { .. }
            | Event::DataOutdated { .. }
            | Event::CustomerDeregistered { .. }
            | Event::LinkRequested { .. }
            | Event::AccountsLinked { .. }
            | Event::LinkRefused { .. }
            | Event::AccountDelinked { .. } => {}
        }
    }

    fn apply_analytics(&mut self, analytics: &AnalyticsResult) {
        if analytics.status == AnalyticsStatus::Success {
            self.sessions_with_analytics.insert(analytics.session);
        } else {
            self.sessions_with_analytics.remove(&analytics.session);
        }
    }

    fn apply_to_customer(&mut self, event: &Event, at: Timestamp) {
        let address = event
            .customer()
            .expect("an event about no consent is about a customer");
        if let Event::PersonaAssigned { persona, .. } = event {
            self.assign_persona(address, persona);
            return;
        }
        if let Event::TransactionAdded { transaction }
        | Event::TransactionChanged { transaction }
        | Event::TransactionRemoved { transaction } = event
        {
            self.change_transaction(transaction);
            return;
        }
        let customer = self.customers.entry(Arc::clone(address)).or_default();
        match event {
            Event::CustomerRegistered { accounts, .. } => {
                *customer = Customer {
                    registered: true,
                    accounts: accounts.to_vec(),
                    pending_links: Vec::new(),
                };
            }
            Event::CustomerDeregistered { .. } => {
                *customer = Customer::default();
                for consent in self
                    .consents
                    .values_mut()
                    .filter(|consent| consent.terms.customer == *address)
                {
                    Arc::make_mut(consent).hidden = true;
                }
            }
            Event::LinkRequested { link } => {
                customer
                    .pending_links
                    .retain(|pending| pending.is_pending(at));
                customer.remove_pending(&link.accounts);
                customer.pending_links.push(Arc::clone(link));
                self.stream_ordinals
                    .entry(Arc::clone(address))
                    .or_default()
                    .links += 1;
            }
            Event::AccountsLinked { accounts, .. } => {
                customer.remove_pending(accounts);
                customer.accounts.extend(accounts.iter().cloned());
            }
            Event::LinkRefused { accounts, .. } => {
                customer.remove_pending(accounts);
            }
            Event::AccountDelinked { link_ref, .. } => {
                customer
                    .accounts
                    .retain(|account| account.link_ref != *link_ref);
            }
            _ => unreachable!("events about consents are applied to consents"),
        }
    }

    /// Returns the number of consents in each status.
    pub(crate) fn count_by_status(&self) -> Vec<(Status, usize)> {
        let mut counts = vec![0; Status::ALL.len()];
        for consent in self.consents.values() {
            counts[consent.status as usize] += 1;
        }
        Status::ALL.iter().copied().zip(counts).collect()
    }
}

fn new_artefact(fip: &Arc<str>, consent_id: ConsentId) -> FipArtefact {
    FipArtefact {
        fip: Arc::clone(fip),
        consent_id,
        signature: OnceLock::new(),
    }
}

/// Returns the message that has raised a consent: sender, `txnid` and time.
fn message_of_consent(consent: &Consent) -> (MessageKey<'_>, Timestamp) {
    let key = MessageKey {
        fiu: &consent.fiu,
        txnid: &consent.terms.txnid,
    };
    (key, consent.created_at)
}

/// Returns the message with which an FIU has opened a session: sender, `txnid` and time.
fn message_of_session<'a>(
    session: &'a Session,
    consents: &'a HashMap<ConsentHandle, Arc<Consent>>,
) -> (MessageKey<'a>, Timestamp) {
    let fiu = &consents[&session.handle].fiu;
    let key = MessageKey {
        fiu,
        txnid: &session.txnid,
    };
    (key, session.opened_at)
}

fn handle_at(order: &NumberedList<ConsentHandle>, position: u32) -> ConsentHandle {
    *order
        .get(to_index(position))
        .expect("an index has kept consents only")
}

fn session_at(order: &NumberedList<SessionId>, position: u32) -> SessionId {
    *order
        .get(to_index(position))
        .expect("an index has kept sessions only")
}

/// Converts the length of a list to an ordinal.
fn to_ordinal(length: usize) -> u32 {
    u32::try_from(length).expect("a world has fewer objects than that")
}

/// Converts an ordinal to an index of a list.
fn to_index(ordinal: u32) -> usize {
    usize::try_from(ordinal).expect("an index has at least 32 bits")
}

/// A set that keeps one shared copy of each value.
#[derive(Debug)]
struct Interner<T: ?Sized>(HashSet<Arc<T>>);

impl<T: ?Sized> Default for Interner<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

/// Maximum number of values per interner; further values are not shared. It bounds the memory that
/// a hostile caller can occupy.
const INTERNED_MAX: usize = 10_000;

impl<T: Eq + Hash + ?Sized> Interner<T> {
    fn intern_value(&mut self, value: Arc<T>) -> Arc<T> {
        if let Some(interned) = self.0.get(&value) {
            return Arc::clone(interned);
        }
        if self.0.len() < INTERNED_MAX {
            self.0.insert(Arc::clone(&value));
        }
        value
    }
}
