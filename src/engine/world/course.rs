//! The course of a world: what falls due, what scripts do, what an event leads to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::account::LinkableAccount;
use crate::domain::command::{AccountStatuses, Command};
use crate::domain::consent::{Api, Consent, Status};
use crate::domain::delivery::Delivery;
use crate::domain::event::Event;
use crate::domain::ids::{ConsentHandle, MessageId, SessionId};
use crate::domain::journal_entry::{JournalRecord, WebhookRecord};
use crate::domain::notification::{Notification, NotificationContent};
use crate::domain::participants::Participants;
use crate::domain::persona::Persona;
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::rejection::Rejection;
use crate::domain::session::{DataTiming, FiStatus, Session};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::RECORDED_FIP_DELAY;
use crate::domain::webhook_fault::{WebhookFault, WebhookFaultName};
use crate::engine::clock::wall;
use crate::engine::decide::{
    Circumstances, decide, expiry_of, planned_run, run_of, session_expiry_of,
};
use crate::engine::entropy::id_bytes;
use crate::engine::notices::contents;
use crate::engine::outbox::Post;
use crate::engine::ports::{Later, Script};
use crate::engine::state::State;
use crate::engine::timers::{Scripted, Work};
use crate::engine::world::{Inner, World};

/// Reactions without any delay that one consent may have at one instant: rules that answer each other for ever end
/// here, and rules that multiply do too.
const IMMEDIATE_MAX: u32 = 100;

/// Data notifications kept of one Unaport consent.
const STORED_MAX: usize = 100;

impl World {
    /// Runs what is due by `now`, each at its own due time, in order. `held`: a caller waits for an answer, and the
    /// webhooks of this work wait until that is handed over.
    pub(in crate::engine) fn catch_up(
        &self,
        inner: &mut Inner,
        now: Timestamp,
        held: bool,
    ) -> usize {
        let mut ran = 0;
        let mut immediate = HashMap::new();
        while let Some((due, work)) = inner.timers.pop_due(now) {
            match work {
                work @ (Work::Expire(_) | Work::ExpireSession(_) | Work::Run(_)) => {
                    // What has ended otherwise leaves its timer behind; it is nothing to do.
                    let Some(command) = Self::lapse(&inner.state, &work, due) else {
                        continue;
                    };
                    let outcome = self.carry_out(inner, command, None, due, held);
                    debug_assert!(outcome.is_ok(), "what lapses legally does happen");
                }
                Work::Scripted(scripted) => {
                    self.play_scripted(inner, *scripted, due, held, &mut immediate);
                }
                Work::Retry(delivery) => inner.outbox.retry(delivery, due),
            }
            ran += 1;
        }
        ran
    }

    /// What the passing of time does, if it still does something.
    fn lapse(state: &State, work: &Work, due: Timestamp) -> Option<Command> {
        match work {
            Work::Expire(handle) => expiry_of(state, *handle),
            Work::ExpireSession(id) => session_expiry_of(state, *id),
            Work::Run(handle) => run_of(state, *handle, due),
            Work::Scripted(_) | Work::Retry(_) => None,
        }
    }

    /// When the next work is due that does something.
    pub(in crate::engine) fn next_due(inner: &mut Inner) -> Option<Timestamp> {
        while let Some((due, work)) = inner.timers.peek() {
            match work {
                Work::Expire(_) | Work::ExpireSession(_)
                    if Self::lapse(&inner.state, work, due).is_none() =>
                {
                    inner.timers.skip();
                }
                // In a pause it does nothing yet, and will again.
                Work::Run(handle) if planned_run(&inner.state, *handle) != Some(due) => {
                    inner.timers.skip();
                }
                _ => return Some(due),
            }
        }
        None
    }

    fn play_scripted(
        &self,
        inner: &mut Inner,
        scripted: Scripted,
        due: Timestamp,
        held: bool,
        immediate: &mut HashMap<ConsentHandle, u32>,
    ) {
        let handle = scripted.handle;
        let count = immediate.entry(handle).or_default();
        *count += u32::from(scripted.immediate);
        let outcome = if scripted.immediate && *count > IMMEDIATE_MAX {
            Err(format!(
                "{IMMEDIATE_MAX} reactions at one instant; rules answer each other, give one an `after`"
            ))
        } else {
            let answers = Self::answers_a_request(inner, &scripted.command);
            match self.carry_out(inner, scripted.command.clone(), None, due, held) {
                // Somebody else has answered before, or the script names FIPs that this customer has nothing at.
                Err(Rejection::NoPendingAccount(_)) => return,
                Err(Rejection::NotActive {
                    status: Status::Paused,
                }) if answers => {
                    inner.put_off.entry(handle).or_default().push(scripted);
                    return;
                }
                Err(Rejection::NotStarted { start, .. }) if answers => {
                    inner.timers.add(start, Work::Scripted(Box::new(scripted)));
                    return;
                }
                outcome => outcome.map_err(|refusal| refusal.to_string()),
            }
        };
        if let Err(reason) = outcome {
            let handle = Some(handle);
            inner.journal.write(
                due,
                JournalRecord::StepRejected {
                    handle,
                    origin: scripted.origin,
                    reason,
                },
            );
        }
    }

    /// Whether it is FIPs' answer to a request: to one that was made, or on the Unaport face to one that is made without
    /// the script's doing.
    fn answers_a_request(inner: &Inner, command: &Command) -> bool {
        let Command::DeliverData {
            handle, session, ..
        } = command
        else {
            return false;
        };
        let by_itself = || {
            inner
                .state
                .consent(*handle)
                .is_some_and(|consent| consent.api == Api::Unaport)
        };
        session.is_some() || by_itself()
    }

    /// Decides, and makes the decision true: the one place where a world changes.
    pub(super) fn carry_out(
        &self,
        inner: &mut Inner,
        command: Command,
        script: Option<Arc<dyn Script>>,
        now: Timestamp,
        held: bool,
    ) -> Result<Event, Rejection> {
        let command = match command {
            Command::RaiseConsent(mut raise) => {
                raise.terms = inner.state.share(raise.terms);
                let scripted = script.as_ref().and_then(|script| script.persona());
                raise.persona = scripted
                    .and_then(|name| self.setting.personas.get(name))
                    .cloned()
                    .or(raise.persona);
                Command::RaiseConsent(raise)
            }
            other => other,
        };
        let events = self.decide(inner, command, now)?;
        let last = events.last().expect("a decision has events").clone();
        if let (Some(script), Some(handle)) = (script, last.consent_handle()) {
            inner.scripts.insert(handle, script);
        }
        for event in events {
            self.record(inner, event, now, held);
        }
        Ok(last)
    }

    /// The events that a command would be.
    pub(super) fn decide(
        &self,
        inner: &Inner,
        command: Command,
        now: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let participants = self.participants();
        let accounts = |customer: &str, persona: &Persona| self.accounts(customer, persona);
        let progression = |consent: &Consent| self.progression(inner, consent);
        decide(
            &inner.state,
            command,
            &self.circumstances(now, &participants, &accounts, &progression),
        )
    }

    /// The accounts at the simulated FIPs of a customer who lives this persona.
    pub(super) fn accounts(&self, customer: &str, persona: &Persona) -> Vec<LinkableAccount> {
        (self.setting.bank.accounts)(&self.setting.participants, persona, self.seed, customer)
    }

    /// When FIPs answer a request for this consent's data that is made now.
    fn progression(&self, inner: &Inner, consent: &Consent) -> DataTiming {
        let first = consent.api == Api::Unaport
            && consent
                .grant
                .as_ref()
                .is_none_or(|grant| grant.run_count == 0);
        let scripted = || {
            inner
                .scripts
                .get(&consent.handle)
                .and_then(|script| script.progression(first))
        };
        inner
            .state
            .pace(consent.handle)
            .data
            .or_else(scripted)
            .unwrap_or(self.setting.progression)
    }

    /// What a decision depends on beside the state.
    pub(super) fn circumstances<'a>(
        &'a self,
        now: Timestamp,
        participants: &'a Participants,
        accounts: &'a dyn Fn(&str, &Persona) -> Vec<LinkableAccount>,
        progression: &'a dyn Fn(&Consent) -> DataTiming,
    ) -> Circumstances<'a> {
        let simulated = self.setting.bank.tells;
        let persona = &self.setting.persona;
        Circumstances {
            now,
            seed: self.seed,
            participants,
            accounts,
            simulated,
            persona,
            progression,
        }
    }

    fn record(&self, inner: &mut Inner, event: Event, now: Timestamp, held: bool) {
        // Asked before the event counts as a use.
        let before = event
            .session()
            .and_then(|session| inner.state.consent(session.handle));
        let timed =
            before.is_some_and(|consent| self.progression(inner, consent) == DataTiming::Timed);
        inner.state.apply(&event, now);
        let Some(handle) = event.consent_handle() else {
            inner.journal.write(now, JournalRecord::Event(event));
            return;
        };
        let consent = Arc::clone(
            inner
                .state
                .consent(handle)
                .expect("the event was applied to it"),
        );
        match &event {
            Event::ConsentRaised { .. } => {
                inner.timers.add(consent.terms.expiry, Work::Expire(handle));
            }
            Event::ConsentActivated { .. } => plan_run(inner, &consent),
            Event::ConsentResumed { .. } => {
                for scripted in inner.put_off.remove(&handle).unwrap_or_default() {
                    inner.timers.add(now, Work::Scripted(Box::new(scripted)));
                }
                make_good(inner, &consent, now);
            }
            Event::DataRequested { session, .. } => {
                if let Some(expires_at) = session.expires_at {
                    inner
                        .timers
                        .add(expires_at, Work::ExpireSession(session.id));
                }
                if session.peer_key.is_none() {
                    plan_run(inner, &consent);
                }
                if timed {
                    answer_in_rhythm(inner, session, now);
                }
            }
            _ => {}
        }
        let script = inner.scripts.get(&consent.handle).cloned();
        let pushes = || {
            let scripted = script.as_deref().and_then(Script::push_data);
            scripted
                .or(self.setting.push_data)
                .unwrap_or(consent.api == Api::Seed)
        };
        for content in contents(&event, consent.api, pushes) {
            self.tell(inner, &consent, content, now, held);
        }
        if event
            .resulting_status()
            .is_some_and(|status| status.legal_inputs().next().is_none())
        {
            inner.put_off.remove(&handle);
        }
        match script {
            Some(script) => plan(inner, script.react(&event, &consent), handle, now),
            None if matches!(event, Event::ConsentRaised { .. }) => {
                plan(inner, self.setting.approval.later(handle), handle, now);
            }
            None => {}
        }
        inner.journal.write(now, JournalRecord::Event(event));
    }

    fn tell(
        &self,
        inner: &mut Inner,
        consent: &Arc<Consent>,
        said: NotificationContent,
        now: Timestamp,
        held: bool,
    ) {
        let notice = Notification {
            message_id: self.message_id(inner, &consent.terms.customer),
            fiu: Arc::clone(&consent.fiu),
            consent: Arc::clone(consent),
            at: now,
            content: said,
        };
        if let NotificationContent::FiStatus(session) = &notice.content
            && consent.api == Api::Unaport
            && session.peer_key.is_none()
        {
            let stored = inner.stored.entry(consent.handle).or_default();
            if stored.len() == STORED_MAX {
                stored.pop_front();
            }
            stored.push_back(notice.clone());
        }
        let script = inner.scripts.get(&consent.handle).cloned();
        let scripted = script.as_deref().map(Script::faults);
        let faults = inner.faults.of_notice(&notice, scripted, wall());
        let doubled = faults
            .iter()
            .any(|befallen| befallen.fault.name() == WebhookFaultName::NearDuplicate);
        let second = doubled.then(|| self.message_id(inner, &consent.terms.customer));
        let dropped = faults
            .iter()
            .any(|befallen| befallen.fault == WebhookFault::Drop);
        let posted = inner.outbox.add(
            Post {
                notice,
                held,
                faults,
                second,
            },
            now,
        );
        for (at, delivery) in posted {
            inner.timers.add(at, Work::Retry(delivery));
        }
        if dropped {
            let delivery = inner
                .outbox
                .delivery(inner.outbox.given())
                .expect("it has just been put on record");
            inner.journal.write(
                now,
                webhook_record(&delivery, "never sent, on purpose".to_owned()),
            );
        }
    }

    /// The id of one more message about a customer's consents.
    fn message_id(&self, inner: &mut Inner, customer: &Arc<str>) -> MessageId {
        let ordinal = inner.told.entry(Arc::clone(customer)).or_default();
        let key = StreamKey {
            seed: self.seed,
            owner: customer,
            kind: StreamKind::Message,
            ordinal: *ordinal,
        };
        *ordinal += 1;
        MessageId::from_random(id_bytes(key))
    }

    /// An FIU comes for the data of a session: where the FIPs wait for it to have come often enough, they may answer now.
    pub(super) fn count_poll(&self, inner: &mut Inner, id: SessionId, now: Timestamp) {
        let Some(session) = inner
            .state
            .session(id)
            .filter(|session| session.has_pending_accounts())
            .cloned()
        else {
            return;
        };
        let Some(consent) = inner.state.consent(session.handle).cloned() else {
            return;
        };
        let DataTiming::AfterPolls(in_vain) = self.progression(inner, &consent) else {
            return;
        };
        let polls = inner.polls.entry(id).or_default();
        *polls += 1;
        if *polls <= in_vain {
            return;
        }
        let outcome = AccountStatuses::uniform_status(FiStatus::Ready);
        let command = Command::DeliverData {
            handle: session.handle,
            session: Some(id),
            statuses: outcome,
        };
        // A consent that is paused or gone has no data to be answered with; the fetch is told so.
        let _ = self.carry_out(inner, command, None, now, true);
    }

    /// From now on this script drives the consent; its steps begin now.
    pub(super) fn recast(
        &self,
        inner: &mut Inner,
        consent: &Arc<Consent>,
        script: &Arc<dyn Script>,
        now: Timestamp,
    ) {
        let handle = consent.handle;
        inner.scripts.insert(handle, Arc::clone(script));
        let begins = Event::ConsentRaised {
            consent: Arc::clone(consent),
        };
        plan(inner, script.react(&begins, consent), handle, now);
        self.catch_up(inner, now, true);
    }
}

/// What is to follow, each in its time.
fn plan(inner: &mut Inner, reactions: Vec<Later>, handle: ConsentHandle, now: Timestamp) {
    for Later {
        after,
        command,
        origin,
    } in reactions
    {
        let due = now.saturating_add(after);
        let scripted = Scripted {
            handle,
            command,
            origin,
            immediate: due <= now,
        };
        inner.timers.add(due, Work::Scripted(Box::new(scripted)));
    }
}

/// The end of an attempt, or of a delivery without one, for the journal.
pub(super) fn webhook_record(delivery: &Delivery, outcome: String) -> JournalRecord {
    let Delivery {
        id,
        notification: notice,
        attempts,
        copy_of,
        ..
    } = delivery;
    let number = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
    let last = attempts.last();
    JournalRecord::Webhook(Arc::new(WebhookRecord {
        delivery: *id,
        webhook_id: notice.webhook_id(),
        event: notice.kind(),
        status: notice.status(),
        handle: notice.consent.handle,
        customer: Arc::clone(&notice.consent.terms.customer),
        fiu: Arc::clone(&notice.fiu),
        attempt: number,
        system_time: last.map_or_else(wall, |attempt| attempt.system_time),
        duration: last.map_or(Millis::ZERO, |attempt| {
            Millis(i64::try_from(attempt.duration_ms).unwrap_or(i64::MAX))
        }),
        response_status: last.and_then(|attempt| attempt.outcome.status()),
        outcome,
        faults: last.map_or_else(
            || delivery.fault_names(number),
            |attempt| attempt.faults.clone(),
        ),
        copy_of: *copy_of,
    }))
}

/// Unaport will ask for data by itself, if it has to.
fn plan_run(inner: &mut Inner, consent: &Consent) {
    if let Some(run_at) = consent.grant.as_ref().and_then(|grant| grant.next_run_at) {
        inner.timers.add(run_at, Work::Run(consent.handle));
    }
}

/// A run that fell into a pause is made good at its end; one that is still ahead has its timer.
fn make_good(inner: &mut Inner, consent: &Consent, now: Timestamp) {
    if planned_run(&inner.state, consent.handle).is_some_and(|run_at| run_at <= now) {
        inner.timers.add(now, Work::Run(consent.handle));
    }
}

/// The FIPs will answer when those of the recorded journey did.
fn answer_in_rhythm(inner: &mut Inner, session: &Session, now: Timestamp) {
    let outcome = AccountStatuses::uniform_status(FiStatus::Ready);
    let command = Command::DeliverData {
        handle: session.handle,
        session: Some(session.id),
        statuses: outcome,
    };
    let origin = "the recorded rhythm".to_owned();
    let scripted = Scripted {
        handle: session.handle,
        command,
        origin,
        immediate: false,
    };
    inner.timers.add(
        now.saturating_add(RECORDED_FIP_DELAY),
        Work::Scripted(Box::new(scripted)),
    );
}
