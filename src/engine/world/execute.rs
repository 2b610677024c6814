//! Execution: due work, the commands of plans, and the consequences of each event (timers,
//! webhooks, journal entries). The rules are in `decide`.

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
use crate::domain::scenario_plan::{DataRequestKind, DelayedCommand, ScenarioPlan};
use crate::domain::session::{DataTiming, FiStatus, Session};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::RECORDED_FIP_DELAY;
use crate::domain::webhook_fault::{WebhookFault, WebhookFaultName};
use crate::engine::clock::system_now;
use crate::engine::decide::{
    DecisionContext, decide, expiry_command, next_run_at, scheduled_fetch_command,
    session_expiry_command,
};
use crate::engine::entropy::random_id_bytes;
use crate::engine::notifications::notifications_for;
use crate::engine::outbox::{Dispatch, NewDelivery};
use crate::engine::state::State;
use crate::engine::timers::{ScheduledCommand, Work};
use crate::engine::world::{Inner, World};

/// Maximum number of reactions without a delay for one consent in one call of [`World::run_due_work`].
/// It ends rules that trigger or multiply each other without limit.
const IMMEDIATE_REACTIONS_MAX: u32 = 100;

/// Maximum number of data notifications stored per Unaport consent.
const STORED_NOTIFICATIONS_MAX: usize = 100;

impl World {
    /// Runs the work due by `now`, each at its own due time, in order; returns the number of items
    /// run. [`Dispatch::AfterResponse`] holds the webhooks of this work until the caller's response
    /// has been handed over.
    pub(in crate::engine) fn run_due_work(
        &self,
        inner: &mut Inner,
        now: Timestamp,
        dispatch: Dispatch,
    ) -> usize {
        let mut run_count = 0;
        let mut immediate_counts = HashMap::new();
        while let Some((due, work)) = inner.timers.pop_due(now) {
            match work {
                work @ (Work::Expire(_) | Work::ExpireSession(_) | Work::RunScheduledFetch(_)) => {
                    // A consent or session that ended in another way leaves an obsolete timer
                    // behind.
                    let Some(command) = Self::due_command(&inner.state, &work, due) else {
                        continue;
                    };
                    let outcome = self.apply_command(inner, command, None, due, dispatch);
                    debug_assert!(outcome.is_ok(), "the command of due work is legal");
                }
                Work::RunCommand(scheduled) => {
                    self.run_scheduled(inner, *scheduled, due, dispatch, &mut immediate_counts);
                }
                Work::Retry(delivery) => inner.outbox.retry_if_due(delivery, due),
            }
            run_count += 1;
        }
        run_count
    }

    /// Returns the command for due work, or `None` if the work is obsolete.
    fn due_command(state: &State, work: &Work, due: Timestamp) -> Option<Command> {
        match work {
            Work::Expire(handle) => expiry_command(state, *handle),
            Work::ExpireSession(id) => session_expiry_command(state, *id),
            Work::RunScheduledFetch(handle) => scheduled_fetch_command(state, *handle, due),
            Work::RunCommand(_) | Work::Retry(_) => None,
        }
    }

    /// Discards obsolete timers and returns the instant at which the next work is due.
    pub(in crate::engine) fn discard_stale_and_peek(inner: &mut Inner) -> Option<Timestamp> {
        while let Some((due, work)) = inner.timers.peek() {
            match work {
                Work::Expire(_) | Work::ExpireSession(_)
                    if Self::due_command(&inner.state, work, due).is_none() =>
                {
                    inner.timers.discard_next();
                }
                // During a pause the fetch does nothing but stays scheduled.
                Work::RunScheduledFetch(handle)
                    if next_run_at(&inner.state, *handle) != Some(due) =>
                {
                    inner.timers.discard_next();
                }
                _ => return Some(due),
            }
        }
        None
    }

    fn run_scheduled(
        &self,
        inner: &mut Inner,
        scheduled: ScheduledCommand,
        due: Timestamp,
        dispatch: Dispatch,
        immediate_counts: &mut HashMap<ConsentHandle, u32>,
    ) {
        let handle = scheduled.handle;
        let count = immediate_counts.entry(handle).or_default();
        *count += u32::from(scheduled.is_immediate);
        let outcome = if scheduled.is_immediate && *count > IMMEDIATE_REACTIONS_MAX {
            Err(format!(
                "more than {IMMEDIATE_REACTIONS_MAX} reactions without a delay; rules trigger each other, add `after` to one"
            ))
        } else {
            let is_answer = Self::is_fip_answer(inner, &scheduled.command);
            match self.apply_command(inner, scheduled.command.clone(), None, due, dispatch) {
                // The request was answered before, or the plan names FIPs at which the customer has
                // no account.
                Err(Rejection::NoPendingAccount(_)) => return,
                Err(Rejection::NotActive {
                    status: Status::Paused,
                }) if is_answer => {
                    inner.deferred.entry(handle).or_default().push(scheduled);
                    return;
                }
                Err(Rejection::NotStarted { start, .. }) if is_answer => {
                    inner
                        .timers
                        .schedule_work(start, Work::RunCommand(Box::new(scheduled)));
                    return;
                }
                outcome => outcome.map_err(|rejection| rejection.to_string()),
            }
        };
        if let Err(reason) = outcome {
            let handle = Some(handle);
            inner.journal.append_entry(
                due,
                JournalRecord::StepRejected {
                    handle,
                    origin: scheduled.origin,
                    reason,
                },
            );
        }
    }

    /// Returns whether a command is the FIPs' answer to a request: one of a given session, or with
    /// the Unaport API one that Unaport makes by schedule.
    fn is_fip_answer(inner: &Inner, command: &Command) -> bool {
        let Command::DeliverData {
            handle, session, ..
        } = command
        else {
            return false;
        };
        session.is_some()
            || inner
                .state
                .consent(*handle)
                .is_some_and(|consent| consent.api == Api::Unaport)
    }

    /// Decides a command and applies its events. All changes of a world's state pass through this
    /// function.
    pub(super) fn apply_command(
        &self,
        inner: &mut Inner,
        command: Command,
        plan: Option<Arc<ScenarioPlan>>,
        now: Timestamp,
        dispatch: Dispatch,
    ) -> Result<Event, Rejection> {
        let command = match command {
            Command::RaiseConsent(mut raise) => {
                raise.terms = inner.state.intern_terms(raise.terms);
                let persona_name = plan.as_ref().and_then(|plan| plan.persona_name());
                raise.persona = persona_name
                    .and_then(|name| self.config.personas.get(name))
                    .cloned()
                    .or(raise.persona);
                Command::RaiseConsent(raise)
            }
            other => other,
        };
        let events = self.decide(inner, command, now)?;
        let last_event = events.last().expect("a decision has events").clone();
        if let (Some(plan), Some(handle)) = (plan, last_event.consent_handle()) {
            inner.scenario_plans.insert(handle, plan);
        }
        for event in events {
            self.apply_event(inner, event, now, dispatch);
        }
        Ok(last_event)
    }

    /// Decides a command without applying its events.
    pub(super) fn decide(
        &self,
        inner: &Inner,
        command: Command,
        now: Timestamp,
    ) -> Result<Vec<Event>, Rejection> {
        let participants = self.participants();
        decide(
            &inner.state,
            command,
            &self.decision_context(
                now,
                &participants,
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
    fn data_timing_of(&self, inner: &Inner, consent: &Consent) -> DataTiming {
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
            .scenario_plans
            .get(&consent.handle)
            .and_then(|plan| plan.data_timing(request))
            .unwrap_or(self.config.data_timing)
    }

    /// Builds the context of a decision.
    pub(super) fn decision_context<'a>(
        &'a self,
        now: Timestamp,
        participants: &'a Participants,
        list_accounts: &'a dyn Fn(&str, &Persona) -> Vec<LinkableAccount>,
        data_timing: &'a dyn Fn(&Consent) -> DataTiming,
    ) -> DecisionContext<'a> {
        DecisionContext {
            now,
            seed: self.seed,
            participants,
            list_accounts,
            is_supported: self.config.fips.can_generate_data,
            default_persona: &self.config.default_persona,
            data_timing,
        }
    }

    /// Applies an event: changes the state, schedules timers, queues webhooks, lets the plan react,
    /// and writes the journal entry.
    fn apply_event(&self, inner: &mut Inner, event: Event, now: Timestamp, dispatch: Dispatch) {
        // Determined before the event counts as a use of the consent.
        let consent_before = event
            .session()
            .and_then(|session| inner.state.consent(session.handle));
        let is_timed = consent_before
            .is_some_and(|consent| self.data_timing_of(inner, consent) == DataTiming::Timed);
        inner.state.apply(&event, now);
        let Some(handle) = event.consent_handle() else {
            inner.journal.append_entry(now, JournalRecord::Event(event));
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
                inner
                    .timers
                    .schedule_work(consent.terms.expiry, Work::Expire(handle));
            }
            Event::ConsentActivated { .. } => schedule_fetch(inner, &consent),
            Event::ConsentResumed { .. } => {
                for scheduled in inner.deferred.remove(&handle).unwrap_or_default() {
                    inner
                        .timers
                        .schedule_work(now, Work::RunCommand(Box::new(scheduled)));
                }
                run_missed(inner, &consent, now);
            }
            Event::DataRequested { session, .. } => {
                if let Some(expires_at) = session.expires_at {
                    inner
                        .timers
                        .schedule_work(expires_at, Work::ExpireSession(session.id));
                }
                if session.peer_key.is_none() {
                    schedule_fetch(inner, &consent);
                }
                if is_timed {
                    schedule_recorded_answer(inner, session, now);
                }
            }
            _ => {}
        }
        let plan = inner.scenario_plans.get(&consent.handle).cloned();
        let contents = notifications_for(&event, consent.api, || {
            plan.as_deref()
                .and_then(|plan| plan.push_data)
                .or(self.config.push_data)
                .unwrap_or(consent.api == Api::Seed)
        });
        for content in contents {
            self.enqueue_notification(inner, &consent, content, now, dispatch);
        }
        if event
            .resulting_status()
            .is_some_and(|status| status.legal_inputs().next().is_none())
        {
            inner.deferred.remove(&handle);
        }
        match plan {
            Some(plan) => {
                schedule_commands(inner, plan.plan_reactions(&event, &consent), handle, now);
            }
            None if matches!(event, Event::ConsentRaised { .. }) => {
                schedule_commands(
                    inner,
                    self.config.approval_mode.plan_approval(handle),
                    handle,
                    now,
                );
            }
            None => {}
        }
        inner.journal.append_entry(now, JournalRecord::Event(event));
    }

    fn enqueue_notification(
        &self,
        inner: &mut Inner,
        consent: &Arc<Consent>,
        content: NotificationContent,
        now: Timestamp,
        dispatch: Dispatch,
    ) {
        let notification = Notification {
            message_id: self.next_message_id(inner, &consent.terms.customer),
            fiu: Arc::clone(&consent.fiu),
            consent: Arc::clone(consent),
            at: now,
            content,
        };
        if let NotificationContent::FiStatus(session) = &notification.content
            && consent.api == Api::Unaport
            && session.peer_key.is_none()
        {
            let stored = inner
                .stored_notifications
                .entry(consent.handle)
                .or_default();
            if stored.len() == STORED_NOTIFICATIONS_MAX {
                stored.pop_front();
            }
            stored.push_back(notification.clone());
        }
        let plan = inner.scenario_plans.get(&consent.handle).cloned();
        let plan_faults = plan.as_deref().map(|plan| &plan.faults);
        let faults = inner
            .faults
            .plan_webhook_faults(&notification, plan_faults, system_now());
        let has_near_duplicate = faults
            .iter()
            .any(|applied| applied.fault.name() == WebhookFaultName::NearDuplicate);
        let near_duplicate_id =
            has_near_duplicate.then(|| self.next_message_id(inner, &consent.terms.customer));
        let is_dropped = faults
            .iter()
            .any(|applied| applied.fault == WebhookFault::Drop);
        let wake_times = inner.outbox.enqueue_delivery(
            NewDelivery {
                notification,
                dispatch,
                faults,
                near_duplicate_id,
            },
            now,
        );
        for (at, delivery) in wake_times {
            inner.timers.schedule_work(at, Work::Retry(delivery));
        }
        if is_dropped {
            let delivery = inner
                .outbox
                .delivery(inner.outbox.last_id())
                .expect("it has just been recorded");
            inner.journal.append_entry(
                now,
                build_webhook_record(&delivery, "not sent: dropped by a fault".to_owned()),
            );
        }
    }

    /// Generates the id of the next message about a customer's consents.
    fn next_message_id(&self, inner: &mut Inner, customer: &Arc<str>) -> MessageId {
        let ordinal = inner
            .message_counts
            .entry(Arc::clone(customer))
            .or_default();
        let key = StreamKey {
            seed: self.seed,
            owner: customer,
            kind: StreamKind::Message,
            ordinal: *ordinal,
        };
        *ordinal += 1;
        MessageId::from_random(random_id_bytes(key))
    }

    /// Counts a poll for the data of a session. After enough polls the FIPs answer.
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
        let DataTiming::AfterPolls(empty_polls) = self.data_timing_of(inner, &consent) else {
            return;
        };
        let polls = inner.poll_counts.entry(id).or_default();
        *polls += 1;
        if *polls <= empty_polls {
            return;
        }
        let statuses = AccountStatuses::uniform_status(FiStatus::Ready);
        let command = Command::DeliverData {
            handle: session.handle,
            session: Some(id),
            statuses,
        };
        // Without an active consent the command is rejected; the fetch that follows reports the
        // reason.
        let _ = self.apply_command(inner, command, None, now, Dispatch::AfterResponse);
    }

    /// Lets a plan drive the consent from now on; its steps start now.
    pub(super) fn reassign_scenario(
        &self,
        inner: &mut Inner,
        consent: &Arc<Consent>,
        plan: &Arc<ScenarioPlan>,
        now: Timestamp,
    ) {
        let handle = consent.handle;
        inner.scenario_plans.insert(handle, Arc::clone(plan));
        let start_event = Event::ConsentRaised {
            consent: Arc::clone(consent),
        };
        schedule_commands(
            inner,
            plan.plan_reactions(&start_event, consent),
            handle,
            now,
        );
        self.run_due_work(inner, now, Dispatch::AfterResponse);
    }
}

/// Schedules a plan's commands, each after its delay.
fn schedule_commands(
    inner: &mut Inner,
    reactions: Vec<DelayedCommand>,
    handle: ConsentHandle,
    now: Timestamp,
) {
    for DelayedCommand {
        delay,
        command,
        origin,
    } in reactions
    {
        let due = now.saturating_add(delay);
        let scheduled = ScheduledCommand {
            handle,
            command,
            origin,
            is_immediate: due <= now,
        };
        inner
            .timers
            .schedule_work(due, Work::RunCommand(Box::new(scheduled)));
    }
}

/// Builds the journal record of the end of an attempt, or of a delivery without one.
pub(super) fn build_webhook_record(delivery: &Delivery, outcome: String) -> JournalRecord {
    let Delivery {
        id,
        notification,
        attempts,
        copy_of,
        ..
    } = delivery;
    let attempt_number = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
    let last = attempts.last();
    JournalRecord::Webhook(Arc::new(WebhookRecord {
        delivery: *id,
        webhook_id: notification.webhook_id(),
        event: notification.kind(),
        status: notification.status(),
        handle: notification.consent.handle,
        customer: Arc::clone(&notification.consent.terms.customer),
        fiu: Arc::clone(&notification.fiu),
        attempt: attempt_number,
        system_time: last.map_or_else(system_now, |attempt| attempt.system_time),
        duration: last.map_or(Millis::ZERO, |attempt| {
            Millis(i64::try_from(attempt.duration_ms).unwrap_or(i64::MAX))
        }),
        response_status: last.and_then(|attempt| attempt.outcome.status()),
        outcome,
        faults: last.map_or_else(
            || delivery.fault_names(attempt_number),
            |attempt| attempt.faults.clone(),
        ),
        copy_of: *copy_of,
    }))
}

/// Schedules the next fetch that Unaport makes, if there is one.
fn schedule_fetch(inner: &mut Inner, consent: &Consent) {
    if let Some(run_at) = consent.grant.as_ref().and_then(|grant| grant.next_run_at) {
        inner
            .timers
            .schedule_work(run_at, Work::RunScheduledFetch(consent.handle));
    }
}

/// Schedules for now a fetch that became due during a pause; one still ahead has its timer.
fn run_missed(inner: &mut Inner, consent: &Consent, now: Timestamp) {
    if next_run_at(&inner.state, consent.handle).is_some_and(|run_at| run_at <= now) {
        inner
            .timers
            .schedule_work(now, Work::RunScheduledFetch(consent.handle));
    }
}

/// Schedules the FIPs' answer after the delay of the recorded journey.
fn schedule_recorded_answer(inner: &mut Inner, session: &Session, now: Timestamp) {
    let statuses = AccountStatuses::uniform_status(FiStatus::Ready);
    let command = Command::DeliverData {
        handle: session.handle,
        session: Some(session.id),
        statuses,
    };
    let origin = "the recorded timing".to_owned();
    let scheduled = ScheduledCommand {
        handle: session.handle,
        command,
        origin,
        is_immediate: false,
    };
    inner.timers.schedule_work(
        now.saturating_add(RECORDED_FIP_DELAY),
        Work::RunCommand(Box::new(scheduled)),
    );
}
