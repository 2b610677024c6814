//! Read access to a world. [`World::catch_up`] runs due work and gives access to the queries whose
//! results change with time; the others are methods of [`World`].

use std::sync::Arc;

use crate::domain::account::{Account, CustomerAccount, LinkableAccount};
use crate::domain::bank_answer::BankAnswers;
use crate::domain::command::Command;
use crate::domain::consent::{Consent, Status};
use crate::domain::contract_report::RuleResult;
use crate::domain::customer::Customer;
use crate::domain::delivery::{Delivery, DeliveryState};
use crate::domain::expectation::{Expectation, Verdict};
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::journal_entry::{EntryKind, JournalEntry};
use crate::domain::ledger_changes::StatementSource;
use crate::domain::listing::{
    ConsentFilter, Cursor, DeliveryFilter, ListPart, Listing, SessionFilter, count_states,
};
use crate::domain::notification::Notification;
use crate::domain::overview::{Overview, OverviewMark};
use crate::domain::participants::RequestedForm;
use crate::domain::persona::Persona;
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::rejection::Rejection;
use crate::domain::scenario_set::SelectionReason;
use crate::domain::session::{DataTiming, Session, SessionStatus};
use crate::domain::short_code::ShortCode;
use crate::domain::store_use::{Store, StoreUse};
use crate::domain::timer::Timer;
use crate::domain::unaport::{ConsentTemplate, FetchQuirks};
use crate::engine::decide::{DecisionContext, find_linked_accounts, find_statement_source};
use crate::engine::faults::FAULT_SETS_MAX;
use crate::engine::journal;
use crate::engine::journal::ReadScope;
use crate::engine::outbox::{FINISHED_BYTES_MAX, FINISHED_MAX, OPEN_DELIVERIES_MAX};
use crate::engine::report::{EVIDENCE_MAX, OperationLookup, grade_run};
use crate::engine::scenario_selection::LOCAL_SCENARIOS_MAX;
use crate::engine::verify::evaluate_expectation;
use crate::engine::world::ADDED_PERSONAS_MAX;
use crate::engine::world::record::NOTES_MAX;
use crate::engine::world::{State, World};

/// A part of the journal.
#[derive(Debug)]
pub struct JournalPart {
    /// The number of entries before these that have been evicted.
    pub lost: u64,
    pub entries: Vec<JournalEntry>,
    /// The number of the last entry that was looked at.
    pub last_examined: u64,
}

/// The queries of a world that has just run its due work, so that no reader sees an expired consent
/// as active. Each query locks the world on its own: a result holds no lock.
#[derive(Clone, Copy, Debug)]
pub struct WorldQueries<'a>(&'a World);

impl World {
    /// Runs all due work and gives access to what may have changed by it.
    pub fn catch_up(&self) -> WorldQueries<'_> {
        drop(self.lock_caught_up());
        WorldQueries(self)
    }

    /// Returns the name of the scenario that drives the consent.
    pub fn scenario_of(&self, handle: ConsentHandle) -> Option<String> {
        self.lock().plan_of(handle).map(|plan| plan.name.clone())
    }

    /// Returns the reason for which a scenario drives the consent.
    pub fn selection_reason_of(&self, handle: ConsentHandle) -> Option<SelectionReason> {
        let inner = self.lock();
        inner.selected_scenarios.get(&handle).map(|it| it.reason)
    }

    /// Returns the name of the numbers in the journal, which another life of the world does not share.
    pub fn life(&self) -> u64 {
        self.life
    }

    /// Returns the number of the newest entry of the journal that a reader gets.
    pub fn last_journal_seq(&self, scope: ReadScope) -> u64 {
        self.lock().journal.last_seq_in(scope)
    }

    /// Returns up to `limit` journal entries numbered above `after` for which `is_wanted` holds, and how
    /// many before them are lost. An `after` beyond the newest entry is taken for that one.
    pub fn journal_part(
        &self,
        after: u64,
        limit: usize,
        scope: ReadScope,
        is_wanted: impl Fn(&JournalEntry) -> bool,
    ) -> JournalPart {
        let inner = self.lock();
        let lost = inner.journal.count_lost_after(after);
        let (entries, last_examined) = inner.journal.select_after(after, limit, scope, is_wanted);
        JournalPart {
            lost,
            entries,
            last_examined,
        }
    }

    /// Returns the name of the persona of customers who were given no other.
    pub fn default_persona_name(&self) -> Arc<str> {
        Arc::clone(&self.lock().default_persona.name)
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
        let predefined = self.config.unaport.templates.iter().filter(|template| {
            inner
                .participants
                .find_fiu(&template.terms.consumer)
                .is_none_or(|owner| *owner.entity.id == *fiu)
        });
        saved.chain(predefined).cloned().collect()
    }

    /// Returns what decides the form of the data that was requested in this session, beside the
    /// participants.
    pub fn requested_form(&self, session: &Session, consent: &Consent) -> RequestedForm {
        let inner = self.lock();
        let plan = inner.plan_of(session.handle);
        RequestedForm {
            schema: plan.and_then(|plan| plan.fi_schema),
            quirks: plan
                .map(|plan| plan.all_quirks())
                .unwrap_or_default()
                .union(consent.persona.definition.quirks),
            requested_on: session.opened_at.ist_date(),
        }
    }

    /// Returns whether the scenario of a consent answers it in place of the customer.
    pub fn has_scripted_answer(&self, handle: ConsentHandle) -> bool {
        let inner = self.lock();
        let plan = inner.plan_of(handle);
        plan.is_some_and(|plan| plan.answers_consent())
    }

    /// Returns the answers of banks that the scenario of a consent sets.
    pub fn bank_answers(&self, handle: ConsentHandle) -> BankAnswers {
        let inner = self.lock();
        let plan = inner.plan_of(handle);
        plan.map(|plan| plan.bank_answers.clone())
            .unwrap_or_default()
    }

    /// Returns the quirks of fetched data that the consent's scenario asks for.
    pub fn fetch_quirks(&self, handle: ConsentHandle) -> FetchQuirks {
        self.lock()
            .plan_of(handle)
            .map(|plan| plan.fetch_quirks)
            .unwrap_or_default()
    }
}

impl WorldQueries<'_> {
    pub fn consent(self, handle: ConsentHandle) -> Option<Arc<Consent>> {
        self.0.lock().state.consent(handle).cloned()
    }

    pub fn consent_by_id(self, id: ConsentId) -> Option<Arc<Consent>> {
        self.0.lock().state.consent_by_id(id).cloned()
    }

    /// Returns the consent for which a FIP holds an artefact with this id.
    pub fn consent_by_fip_artefact_id(self, id: ConsentId) -> Option<Arc<Consent>> {
        self.0.lock().state.consent_by_fip_artefact_id(id).cloned()
    }

    /// Returns the consent with this [`Consent::number`], of which Unaport's short links are made.
    pub fn consent_by_code(self, code: ShortCode) -> Option<Arc<Consent>> {
        self.0.lock().state.consent_by_code(code).cloned()
    }

    /// Returns up to `limit` consents in the order in which they were raised, after skipping `skip`.
    pub fn consents(self, skip: usize, limit: usize) -> Vec<Arc<Consent>> {
        self.0
            .lock()
            .state
            .consents(skip)
            .take(limit)
            .cloned()
            .collect()
    }

    /// Returns a part of the consents that pass a filter.
    pub fn list_consents(
        self,
        filter: &ConsentFilter,
        part: ListPart,
    ) -> Listing<Arc<Consent>, Status> {
        let inner = self.0.lock();
        let matches = |consent: &Consent| {
            let plan = inner.plan_of(consent.handle);
            filter.matches_but_for_status(consent, plan.map(|plan| &*plan.name))
        };
        let wanted = inner.state.consents_beyond(part.cursor);
        let wanted = wanted.filter(|(_, consent)| {
            let is_of_status = filter.status.is_none_or(|status| consent.status == status);
            is_of_status && matches(consent)
        });
        let items = wanted.take(part.limit);
        Listing {
            items: items
                .map(|(number, consent)| (number, Arc::clone(consent)))
                .collect(),
            counts: if filter.has_status_only() {
                inner.state.count_by_status()
            } else {
                let consents = inner.state.consents(0);
                let matching: Vec<Status> = consents
                    .filter(|consent| matches(consent))
                    .map(|consent| consent.status)
                    .collect();
                count_states(Status::ALL, &matching)
            },
        }
    }

    /// Returns a part of the data sessions that pass a filter.
    pub fn list_sessions(
        self,
        filter: &SessionFilter,
        part: ListPart,
    ) -> Listing<Arc<Session>, SessionStatus> {
        let inner = self.0.lock();
        let wanted = inner.state.sessions_beyond(part.cursor);
        let wanted = wanted.filter(|(_, session)| {
            let is_of_status = filter.status.is_none_or(|status| session.status == status);
            is_of_status && filter.matches_but_for_status(session)
        });
        let items = wanted.take(part.limit);
        let all = inner.state.sessions(0);
        let matching = all.filter(|session| filter.matches_but_for_status(session));
        let matching: Vec<SessionStatus> = matching.map(|session| session.status).collect();
        Listing {
            items: items
                .map(|(number, session)| (number, Arc::clone(session)))
                .collect(),
            counts: count_states(SessionStatus::ALL, &matching),
        }
    }

    /// Returns a part of the deliveries on record that pass a filter.
    pub fn list_deliveries(
        self,
        filter: &DeliveryFilter,
        part: ListPart,
    ) -> Listing<Delivery, DeliveryState> {
        self.0.lock().outbox.list_deliveries(filter, part)
    }

    /// Returns the consents of a customer, oldest first.
    pub fn customer_consents(self, customer: &str) -> Vec<Arc<Consent>> {
        let inner = self.0.lock();
        let consents = inner.state.consents(0);
        consents
            .filter(|consent| *consent.terms.customer == *customer)
            .cloned()
            .collect()
    }

    /// Returns the data notifications of a Unaport consent, newest first, as `FINotification` lists
    /// them.
    pub fn unaport_data_notifications(self, handle: ConsentHandle) -> Vec<Notification> {
        self.0
            .lock()
            .stored_notifications
            .get(&handle)
            .map(|notifications| notifications.iter().rev().cloned().collect())
            .unwrap_or_default()
    }

    pub fn session(self, id: SessionId) -> Option<Arc<Session>> {
        self.0.lock().state.session(id).cloned()
    }

    /// Returns the session that contains the account with this analytic id.
    pub fn session_by_analytic_id(self, id: u32) -> Option<Arc<Session>> {
        self.0
            .lock()
            .state
            .sessions(0)
            .find(|session| session.analytic_ids().any(|analytic_id| analytic_id == id))
            .cloned()
    }

    /// Returns whether the analytics of a session have been generated.
    pub fn has_analytics(self, id: SessionId) -> bool {
        self.0.lock().state.has_analytics(id)
    }

    /// Returns the session that a FIP knows by this id.
    pub fn session_by_fip_session_id(self, id: SessionId) -> Option<Arc<Session>> {
        self.0.lock().state.session_by_fip_session_id(id).cloned()
    }

    /// Returns up to `limit` sessions in the order in which they were opened, after skipping `skip`.
    pub fn sessions(self, skip: usize, limit: usize) -> Vec<Arc<Session>> {
        self.0
            .lock()
            .state
            .sessions(skip)
            .take(limit)
            .cloned()
            .collect()
    }

    /// Returns the code with which visits about this consent end at once, if any.
    pub fn scripted_redirection(self, handle: ConsentHandle) -> Option<RedirectionCode> {
        self.0.lock().state.scripted_redirection(handle)
    }

    /// Returns the name of the customer's current persona.
    pub fn persona_of(self, address: &str) -> Arc<str> {
        let inner = self.0.lock();
        let instance = inner.state.current_persona(address);
        Arc::clone(
            &instance
                .map_or(&inner.default_persona, |instance| &instance.definition)
                .name,
        )
    }

    /// Returns the addresses of all known customers, sorted, after skipping `skip`.
    pub fn customer_addresses(self, skip: usize, limit: usize) -> Vec<Arc<str>> {
        self.0
            .lock()
            .state
            .customer_addresses()
            .into_iter()
            .skip(skip)
            .take(limit)
            .collect()
    }

    /// Returns the record of a customer whom a command has registered or changed, and all accounts
    /// at the simulated FIPs.
    pub fn customer(self, address: &str) -> (Option<Customer>, Vec<CustomerAccount>) {
        self.compute_in_context(|state, context| {
            let instance = context.current_persona(state, address);
            let linked_accounts = find_linked_accounts(state, address, &instance, context);
            let accounts = self
                .0
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
            (state.customer(address).cloned(), accounts.collect())
        })
    }

    /// Returns what a statement of a customer's account is generated from now: of the account with this
    /// accRefNumber or linkRefNumber, or of the first bank account.
    ///
    /// # Errors
    /// The customer has no such account.
    pub fn statement_source(
        self,
        customer: &str,
        account: Option<&str>,
    ) -> Result<StatementSource, Rejection> {
        self.compute_in_context(|state, context| {
            find_statement_source(state, customer, account, context)
        })
    }

    /// Computes a value from the state and the inputs that a command would be decided with now.
    fn compute_in_context<T>(self, compute: impl FnOnce(&State, &DecisionContext<'_>) -> T) -> T {
        let list_accounts =
            |customer: &str, persona: &Persona| self.0.list_accounts(customer, persona);
        let inner = self.0.lock();
        let now = inner.now();
        let context = self.0.decision_context(
            (now, &inner.default_persona),
            &inner.participants,
            &list_accounts,
            &|_| DataTiming::Immediate,
        );
        compute(&inner.state, &context)
    }

    /// Returns the accounts that the consent is granted for; before the answer, those for which an
    /// approval grants it.
    pub fn consent_accounts(self, consent: &Consent) -> Vec<Account> {
        if let Some(grant) = &consent.grant {
            return grant.accounts.to_vec();
        }
        if consent.status != Status::Pending {
            return Vec::new();
        }
        let terms = &consent.terms;
        let mut accounts = self.compute_in_context(|state, context| {
            find_linked_accounts(state, &terms.customer, &consent.persona, context)
        });
        accounts.retain(|account| terms.fi_types.contains(&account.fi_type));
        accounts
    }

    /// Returns the mark of the overview: as long as it is the same, so is the overview, but for the time of
    /// a running clock.
    pub fn overview_mark(self) -> OverviewMark {
        let inner = self.0.lock();
        let is_frozen = inner.clock.is_frozen();
        OverviewMark {
            last_seq: inner.journal.last_seq(),
            webhooks_open: inner.outbox.open_len(),
            all_timers: inner.timers.len(),
            frozen_at: is_frozen.then(|| inner.now()),
        }
    }

    pub fn overview(self) -> Overview {
        let inner = self.0.lock();
        Overview {
            now: inner.now(),
            frozen: inner.clock.is_frozen(),
            consents: inner.state.consent_count(),
            status_counts: inner.state.count_by_status(),
            webhooks_open: inner.outbox.open_len(),
            timers: inner.count_timers(),
        }
    }

    /// Returns the number of ended consents that were removed.
    pub fn removed_consent_count(self) -> usize {
        self.0.lock().state.removed_count()
    }

    /// Returns the use of each store with a bound.
    pub fn store_uses(self) -> Vec<StoreUse> {
        let inner = self.0.lock();
        let (entries, journal_bytes) = inner.journal.size();
        let (finished, finished_bytes) = inner.outbox.finished_size();
        let config = &self.0.config;
        let personas = inner.personas.names().count() - config.personas.names().count();
        Store::ALL
            .iter()
            .map(|store| {
                let (used, bound) = match store {
                    Store::EndedConsents => (inner.state.ended_count(), config.ended_consents_max),
                    Store::JournalEntries => (entries, journal::ENTRIES_MAX),
                    Store::JournalBytes => (journal_bytes, journal::BODY_BYTES_MAX),
                    Store::OpenWebhooks => (inner.outbox.open_len(), OPEN_DELIVERIES_MAX),
                    Store::FinishedWebhooks => (finished, FINISHED_MAX),
                    Store::FinishedWebhookBytes => (finished_bytes, FINISHED_BYTES_MAX),
                    Store::Scenarios => (
                        inner.scenario_selection.local_plans().count(),
                        LOCAL_SCENARIOS_MAX,
                    ),
                    Store::Personas => (personas, ADDED_PERSONAS_MAX),
                    Store::FaultSets => (inner.faults.set_count(), FAULT_SETS_MAX),
                    Store::Notes => (inner.seen_notes.len(), NOTES_MAX),
                };
                StoreUse {
                    store: *store,
                    used,
                    bound,
                }
            })
            .collect()
    }

    /// Returns work that becomes due, the next one first; that of one consent if one is given.
    pub fn timers(self, handle: Option<ConsentHandle>, skip: usize, limit: usize) -> Vec<Timer> {
        self.0.lock().list_timers(handle, skip, limit)
    }

    /// Returns up to `limit` journal entries numbered above `after`, and the number of the newest
    /// one.
    pub fn journal_after(self, after: u64, limit: usize) -> (Vec<JournalEntry>, u64) {
        let inner = self.0.lock();
        (
            inner.journal.entries_after(after, limit),
            inner.journal.last_seq(),
        )
    }

    /// Returns the journal entry of a number.
    ///
    /// # Errors
    /// The number of the newest entry, if the one that is wanted has been evicted or not been
    /// written.
    pub fn journal_entry(self, seq: u64) -> Result<JournalEntry, u64> {
        let inner = self.0.lock();
        let entry = inner.journal.find(seq).cloned();
        entry.ok_or_else(|| inner.journal.last_seq())
    }

    /// Returns a part of the journal entries for which `is_wanted` holds, and the number of the last
    /// entry examined.
    pub fn journal_matching(
        self,
        part: ListPart,
        is_wanted: impl Fn(&JournalEntry) -> bool,
    ) -> (Vec<JournalEntry>, u64) {
        let journal = &self.0.lock().journal;
        match part.cursor {
            Cursor::After(after) => {
                journal.select_after(after, part.limit, ReadScope::Written, is_wanted)
            }
            Cursor::Before(before) => journal.select_before(before, part.limit, is_wanted),
        }
    }

    /// Evaluates an expectation against the current journal and state.
    pub fn evaluate_expectation(self, expectation: &Expectation) -> Verdict {
        self.evaluate_expectation_after(expectation, 0)
    }

    /// Evaluates an expectation against the journal entries numbered above `journal_after`.
    pub fn evaluate_expectation_after(
        self,
        expectation: &Expectation,
        journal_after: u64,
    ) -> Verdict {
        let inner = self.0.lock();
        evaluate_expectation(&inner.journal, journal_after, &inner.state, expectation)
    }

    /// Grades the FIUs against the contract rules, with up to [`EVIDENCE_MAX`] pieces of evidence for
    /// each.
    pub fn grade_contract(self, has_operation: OperationLookup) -> Vec<RuleResult> {
        let mut results = self.grade_contract_in_full(has_operation);
        for result in &mut results {
            result.evidence.truncate(EVIDENCE_MAX);
        }
        results
    }

    /// Grades the FIUs against the contract rules, with all evidence.
    pub fn grade_contract_in_full(self, has_operation: OperationLookup) -> Vec<RuleResult> {
        let inner = self.0.lock();
        let evicted = inner
            .journal
            .count_evicted(|kind| matches!(kind, EntryKind::Call(_) | EntryKind::Webhook(_)));
        grade_run(inner.journal.iter_after(0), evicted, has_operation)
    }

    /// Returns whether a call is in progress, or a webhook is to be sent yet.
    pub fn is_busy(self) -> bool {
        let inner = self.0.lock();
        let unsent = inner.outbox.count_unsent();
        inner.reactions.has_calls_in_progress() || unsent.in_flight + unsent.queued > 0
    }

    /// Returns the first `limit` deliveries on record with an id above `after`.
    pub fn deliveries(self, after: u64, limit: usize) -> Vec<Delivery> {
        self.0.lock().outbox.deliveries(after, limit)
    }

    pub fn delivery(self, id: u64) -> Option<Delivery> {
        self.0.lock().outbox.delivery(id)
    }

    /// Returns the first delivery of the message with this id (Standard Webhooks 1.0, `webhook-id`).
    pub fn delivery_by_webhook_id(self, webhook_id: &str) -> Option<Delivery> {
        self.0.lock().outbox.delivery_by_webhook_id(webhook_id)
    }

    /// Checks whether a command would be accepted now. Nothing changes.
    ///
    /// # Errors
    /// The [`Rejection`].
    pub fn check_command(self, command: Command) -> Result<(), Rejection> {
        let inner = self.0.lock();
        let now = inner.now();
        self.0.decide(&inner, command, now).map(drop)
    }
}
