//! Execution: due work, the commands of plans, and the consequences of each event (timers,
//! webhooks, journal entries). The rules are in `decide`.

use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;

use crate::domain::cause::{Cause, CauseKind};
use crate::domain::command::{Command, OnRepeatedTxnid};
use crate::domain::command_arguments::AccountStatuses;
use crate::domain::consent::{Api, Consent, Status};
use crate::domain::delivery::Delivery;
use crate::domain::event::Event;
use crate::domain::ids::{ConsentHandle, MessageId, SessionId};
use crate::domain::journal_entry::{JournalRecord, WEBHOOK_BODY_BYTES_MAX, WebhookRecord};
use crate::domain::notification::{Notification, NotificationContent};
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::rejection::Rejection;
use crate::domain::scenario_plan::{DelayedCommand, ScenarioPlan};
use crate::domain::scenario_set::{SelectedScenario, SelectionReason};
use crate::domain::session::{DataTiming, FiStatus, Session};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::timer::{Timer, TimerKind};
use crate::domain::unaport::RECORDED_FIP_DELAY;
use crate::domain::webhook_fault::{SchedulingFault, WebhookFaultName};
use crate::engine::decide::{
    expiry_command, next_run_at, scheduled_fetch_command, session_expiry_command,
};
use crate::engine::entropy::random_id_bytes;
use crate::engine::notifications::notifications_for;
use crate::engine::outbox::{Dispatch, NewDelivery, OPEN_DELIVERIES_MAX};
use crate::engine::state::State;
use crate::engine::timers::{ScheduledCommand, Work};
use crate::engine::world::{Inner, World};

/// Maximum number of reactions without a delay for one consent in one call of
/// [`Execution::run_due_work`]. It ends rules that trigger or multiply each other without limit.
const IMMEDIATE_REACTIONS_MAX: u32 = 100;

/// Maximum number of commands of a plan that wait for one consent, beside its steps and its rules.
/// It ends rules that multiply each other with a delay.
const WAITING_REACTIONS_MAX: usize = 1_000;

/// Maximum number of data notifications stored per Unaport consent.
const STORED_NOTIFICATIONS_MAX: usize = 100;

/// The largest number of timers that are looked at to count them.
const COUNTED_WORK_MAX: usize = 10_000;

/// One execution under a world's lock: due work, or a command with its consequences.
pub(in crate::engine) struct Execution<'a> {
    world: &'a World,
    pub(super) inner: &'a mut Inner,
    /// [`Dispatch::AfterResponse`] holds the webhooks of the execution until the caller's response
    /// has been handed over.
    dispatch: Dispatch,
}

impl<'a> Execution<'a> {
    pub(in crate::engine) fn new(
        world: &'a World,
        inner: &'a mut Inner,
        dispatch: Dispatch,
    ) -> Self {
        Self {
            world,
            inner,
            dispatch,
        }
    }

    /// Runs the work due by `now`, each at its own due time, in order; returns the number of items
    /// run. The rest waits while the outbox is full of webhooks that are being sent: the driver goes
    /// on with it as they end.
    pub(in crate::engine) fn run_due_work(&mut self, now: Timestamp) -> usize {
        let mut run_count = 0;
        let mut immediate_counts = HashMap::new();
        let cause = self.inner.cause.take();
        while !self.inner.outbox.holds_timers()
            && let Some((due, work)) = self.inner.timers.pop_due(now)
        {
            self.inner.cause = self.number_work(&work);
            match work {
                work @ (Work::Expire(_) | Work::ExpireSession(_) | Work::RunScheduledFetch(_)) => {
                    // A consent or session that ended in another way leaves an obsolete timer
                    // behind.
                    let Some(command) = due_command(&self.inner.state, &work, due) else {
                        continue;
                    };
                    let outcome = self.apply_command(command, None, due);
                    debug_assert!(outcome.is_ok(), "the command of due work is legal");
                }
                Work::RunCommand(scheduled) => {
                    self.run_scheduled(*scheduled, due, &mut immediate_counts);
                }
                Work::Retry(delivery) => self.inner.outbox.retry_if_due(delivery, due),
            }
            run_count += 1;
        }
        self.inner.work_count += run_count;
        self.inner.cause = cause;
        run_count
    }

    /// Writes a record with the cause of what happens now.
    fn append_record(&mut self, at: Timestamp, record: JournalRecord) {
        let cause = self.inner.cause.clone();
        self.inner.append_record(at, cause, record);
    }

    /// Numbers the cause of due work; `None` for a retry, whose attempt has the cause of its webhook.
    fn number_work(&mut self, work: &Work) -> Option<Arc<Cause>> {
        let (kind, parent) = match work {
            Work::Expire(_) | Work::ExpireSession(_) | Work::RunScheduledFetch(_) => {
                (CauseKind::Timer, None)
            }
            Work::RunCommand(scheduled) => (CauseKind::Scenario, scheduled.parent),
            Work::Retry(_) => return None,
        };
        Some(self.inner.number_cause(kind, work.origin(), parent))
    }

    fn run_scheduled(
        &mut self,
        scheduled: ScheduledCommand,
        due: Timestamp,
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
            let is_answer = self.inner.is_fip_answer(&scheduled.command);
            match self.apply_command(scheduled.command.clone(), None, due) {
                // The request was answered before, or the plan names FIPs at which the customer has
                // no account.
                Err(Rejection::NoPendingAccount(_)) => return,
                Err(Rejection::NotActive {
                    status: Status::Paused,
                }) if is_answer => {
                    self.inner
                        .deferred
                        .entry(handle)
                        .or_default()
                        .push(scheduled);
                    return;
                }
                Err(Rejection::NotStarted { start, .. }) if is_answer => {
                    self.inner
                        .timers
                        .schedule_work(start, Work::RunCommand(Box::new(scheduled)));
                    return;
                }
                outcome => outcome.map_err(|rejection| rejection.to_string()),
            }
        };
        if let Err(reason) = outcome {
            let handle = Some(handle);
            self.append_record(
                due,
                JournalRecord::StepRejected {
                    handle,
                    origin: scheduled.origin,
                    reason,
                },
            );
        }
    }

    /// Decides a command and applies its events. All changes of a world's state pass through this
    /// function.
    pub(super) fn apply_command(
        &mut self,
        command: Command,
        selected: Option<SelectedScenario>,
        now: Timestamp,
    ) -> Result<Event, Rejection> {
        let command = match command {
            Command::RaiseConsent(mut raise) => {
                raise.terms = self.inner.state.intern_terms(raise.terms);
                let persona_name = selected.as_ref().and_then(|it| it.plan.persona_name());
                raise.persona = persona_name
                    .and_then(|name| self.inner.personas.get(name))
                    .cloned()
                    .or(raise.persona);
                Command::RaiseConsent(raise)
            }
            other => other,
        };
        let repetition = self.check_txnid(&command, now)?;
        let events = self.world.decide(self.inner, command, now)?;
        if let Some(repetition) = repetition {
            let cause = self.inner.cause.clone();
            self.inner
                .append_note_once(cause, &format!("strict mode would reject: {repetition}"));
        }
        // A notification of FIUs is not the outcome of the command.
        let is_outcome = |event: &&Event| !matches!(event, Event::DataOutdated { .. });
        let last_event = events.iter().rfind(is_outcome);
        let last_event = last_event.expect("a decision has events").clone();
        if let (Some(selected), Some(handle)) = (selected, last_event.consent_handle()) {
            self.inner.selected_scenarios.insert(handle, selected);
        }
        for event in events {
            self.apply_event(event, now);
        }
        Ok(last_event)
    }

    /// Returns what is to be noted about a message whose `txnid` its sender has used up.
    ///
    /// # Errors
    /// The same, if such messages are refused.
    fn check_txnid(
        &self,
        command: &Command,
        now: Timestamp,
    ) -> Result<Option<Rejection>, Rejection> {
        let on_repeated = match command {
            Command::RaiseConsent(raise) => raise.on_repeated_txnid,
            Command::RequestData(request) => request.on_repeated_txnid,
            _ => return Ok(None),
        };
        let repetition = self.inner.state.find_repeated_txnid(command, now);
        match (repetition, on_repeated) {
            (Some(rejection), OnRepeatedTxnid::Refuse) => Err(rejection),
            (repetition, _) => Ok(repetition),
        }
    }

    /// Applies an event: changes the state, schedules timers, queues webhooks, lets the plan react,
    /// and writes the journal entry.
    fn apply_event(&mut self, event: Event, now: Timestamp) {
        // Determined before the event counts as a use of the consent.
        let consent_before = event
            .session()
            .and_then(|session| self.inner.state.consent(session.handle));
        let is_timed = consent_before.is_some_and(|consent| {
            self.world.data_timing_of(self.inner, consent) == DataTiming::Timed
        });
        let removed_count = self.inner.state.removed_count();
        self.inner.state.apply(&event, now);
        if self.inner.state.removed_count() > removed_count {
            self.forget_removed();
        }
        let Some(handle) = event.consent_handle() else {
            self.append_record(now, JournalRecord::Event(event));
            return;
        };
        let consent = Arc::clone(
            self.inner
                .state
                .consent(handle)
                .expect("the event was applied to it"),
        );
        match &event {
            Event::ConsentRaised { .. } => {
                self.inner
                    .timers
                    .schedule_work(consent.terms.expiry, Work::Expire(handle));
            }
            Event::ConsentActivated { .. } => schedule_fetch(self.inner, &consent),
            Event::ConsentResumed { .. } => {
                for scheduled in self.inner.deferred.remove(&handle).unwrap_or_default() {
                    self.inner
                        .timers
                        .schedule_work(now, Work::RunCommand(Box::new(scheduled)));
                }
                run_missed(self.inner, &consent, now);
            }
            Event::DataRequested { session, .. } => {
                if let Some(expires_at) = session.expires_at {
                    self.inner
                        .timers
                        .schedule_work(expires_at, Work::ExpireSession(session.id));
                }
                if session.peer_key.is_none() {
                    schedule_fetch(self.inner, &consent);
                }
                if is_timed {
                    schedule_recorded_answer(self.inner, session, now);
                }
            }
            _ => {}
        }
        let plan = self.inner.plan_of(consent.handle).cloned();
        let contents = notifications_for(&event, consent.api, || {
            plan.as_deref()
                .and_then(|plan| plan.push_data)
                .or(self.world.config.push_data)
                .unwrap_or(consent.api == Api::Seed)
        });
        for content in contents {
            self.enqueue_notification(&consent, content, now);
        }
        if event.resulting_status().is_some_and(Status::is_final) {
            self.inner.deferred.remove(&handle);
        }
        match plan {
            Some(plan) => {
                let reactions = plan.plan_reactions(&event, &consent);
                let limit = WAITING_REACTIONS_MAX + plan.steps.len() + plan.rules.len();
                let waiting = self.inner.timers.count_commands(handle);
                if !reactions.is_empty() && waiting + reactions.len() > limit {
                    stop_rules(self.inner, &plan, handle, now);
                } else {
                    schedule_commands(self.inner, reactions, handle, now);
                }
            }
            None if matches!(event, Event::ConsentRaised { .. }) => {
                schedule_commands(
                    self.inner,
                    self.world.config.approval_mode.plan_approval(handle),
                    handle,
                    now,
                );
            }
            None => {}
        }
        self.append_record(now, JournalRecord::Event(event));
    }

    /// Forgets what belongs to consents that were removed from the state, and says so once.
    fn forget_removed(&mut self) {
        let Inner {
            state,
            selected_scenarios,
            deferred,
            stored_notifications,
            poll_counts,
            timers,
            ..
        } = &mut *self.inner;
        timers.retain(|work| match work {
            Work::Expire(handle) | Work::RunScheduledFetch(handle) => {
                state.consent(*handle).is_some()
            }
            Work::ExpireSession(id) => state.session(*id).is_some(),
            Work::RunCommand(_) | Work::Retry(_) => true,
        });
        selected_scenarios.retain(|handle, _| state.consent(*handle).is_some());
        deferred.retain(|handle, _| state.consent(*handle).is_some());
        stored_notifications.retain(|handle, _| state.consent(*handle).is_some());
        poll_counts.retain(|id, _| state.session(*id).is_some());
        let kept = self.world.config.ended_consents_max;
        let note = format!(
            "more than {kept} consents have ended; those that ended first are removed, with their \
             sessions (serve --ended-consents)"
        );
        let cause = self.inner.cause.clone();
        self.inner.append_note_once(cause, &note);
    }

    fn enqueue_notification(
        &mut self,
        consent: &Arc<Consent>,
        content: NotificationContent,
        now: Timestamp,
    ) {
        let rules = self.world.find_time_rules(self.inner, Some(&consent.fiu));
        let mut clocks = self.inner.read_clocks();
        // Work that is late still happens at its due time.
        clocks.world = now;
        let notification = Notification {
            cause: self.inner.cause.clone(),
            message_id: self.next_message_id(&consent.terms.customer),
            fiu: Arc::clone(&consent.fiu),
            consent: Arc::clone(consent),
            at: now,
            message_time: rules.message_time(clocks),
            content,
        };
        if let NotificationContent::FiStatus(session) = &notification.content
            && consent.api == Api::Unaport
            && session.peer_key.is_none()
        {
            let stored = self
                .inner
                .stored_notifications
                .entry(consent.handle)
                .or_default();
            if stored.len() == STORED_NOTIFICATIONS_MAX {
                stored.pop_front();
            }
            stored.push_back(notification.clone());
        }
        let plan = self.inner.plan_of(consent.handle).cloned();
        let plan_faults = plan
            .as_deref()
            .map(|plan| (plan.name.as_str(), &plan.faults));
        let faults = self.inner.faults.plan_webhook_faults(
            &notification,
            plan_faults,
            self.inner.system_time,
        );
        let is_overfull = self.inner.outbox.is_overfull();
        let is_dropped = faults
            .iter()
            .any(|applied| applied.fault == SchedulingFault::Drop {}.into());
        for applied in &faults {
            // Without a call there is no response to precede, and a drop hides all other faults.
            let is_possible = if is_dropped {
                applied.fault == SchedulingFault::Drop {}.into()
            } else {
                applied.fault != SchedulingFault::BeforeResponse {}.into()
                    || self.dispatch == Dispatch::AfterResponse
            };
            if let Some(rule) = &applied.rule
                && applied.fault.affects_scheduling()
                && is_possible
            {
                self.inner.faults.mark_applied(rule);
            }
        }
        let has_near_duplicate = faults
            .iter()
            .any(|applied| applied.fault.name() == WebhookFaultName::NearDuplicate);
        let near_duplicate_id =
            has_near_duplicate.then(|| self.next_message_id(&consent.terms.customer));
        let wake_times = self.inner.outbox.enqueue_delivery(
            NewDelivery {
                notification,
                dispatch: self.dispatch,
                faults,
                near_duplicate_id,
            },
            now,
        );
        for (at, delivery) in wake_times {
            self.inner.timers.schedule_work(at, Work::Retry(delivery));
        }
        if is_dropped || is_overfull {
            let delivery = self
                .inner
                .outbox
                .delivery(self.inner.outbox.last_id())
                .expect("it has just been recorded");
            let outcome = if is_dropped {
                "not sent: dropped by a fault".to_owned()
            } else {
                format!("not sent: {OPEN_DELIVERIES_MAX} webhooks wait already, the maximum")
            };
            self.inner.append_delivery(now, &delivery, outcome);
        }
    }

    /// Generates the id of the next message about a customer's consents.
    fn next_message_id(&mut self, customer: &Arc<str>) -> MessageId {
        let ordinal = self
            .inner
            .message_counts
            .entry(Arc::clone(customer))
            .or_default();
        let key = StreamKey {
            seed: self.world.seed,
            owner: customer,
            kind: StreamKind::Message,
            ordinal: *ordinal,
        };
        *ordinal += 1;
        MessageId::from_random(random_id_bytes(key))
    }

    /// Counts a poll for the data of a session. After enough polls the FIPs answer.
    pub(super) fn count_poll(&mut self, id: SessionId, now: Timestamp) {
        let Some(session) = self
            .inner
            .state
            .session(id)
            .filter(|session| session.has_pending_accounts())
            .cloned()
        else {
            return;
        };
        let Some(consent) = self.inner.state.consent(session.handle).cloned() else {
            return;
        };
        let DataTiming::AfterPolls(empty_polls) = self.world.data_timing_of(self.inner, &consent)
        else {
            return;
        };
        let polls = self.inner.poll_counts.entry(id).or_default();
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
        let _ = self.apply_command(command, None, now);
    }

    /// Lets a plan drive the consent from now on; its steps start now.
    pub(super) fn reassign_scenario(
        &mut self,
        consent: &Arc<Consent>,
        plan: &Arc<ScenarioPlan>,
        now: Timestamp,
    ) {
        let handle = consent.handle;
        let selected = SelectedScenario {
            plan: Arc::clone(plan),
            reason: SelectionReason::Assigned,
        };
        self.inner.selected_scenarios.insert(handle, selected);
        self.inner.faults.forget_webhooks_of(handle);
        let start_event = Event::ConsentRaised {
            consent: Arc::clone(consent),
        };
        schedule_commands(
            self.inner,
            plan.plan_reactions(&start_event, consent),
            handle,
            now,
        );
        self.run_due_work(now);
    }
}

impl Inner {
    /// Discards obsolete timers and returns the instant at which the next work is due.
    pub(in crate::engine) fn discard_stale_and_peek(&mut self) -> Option<Timestamp> {
        while let Some((due, work)) = self.timers.peek() {
            if !self.is_obsolete(due, work) {
                return Some(due);
            }
            self.timers.discard_next();
        }
        None
    }

    /// Returns whether work has nothing left to do, since its consent, session or webhook has ended in
    /// another way.
    fn is_obsolete(&self, due: Timestamp, work: &Work) -> bool {
        match work {
            Work::Expire(_) | Work::ExpireSession(_) => {
                due_command(&self.state, work, due).is_none()
            }
            // During a pause the fetch does nothing but stays scheduled.
            Work::RunScheduledFetch(handle) => next_run_at(&self.state, *handle) != Some(due),
            Work::RunCommand(_) | Work::Retry(_) => false,
        }
    }

    /// Counts the work that becomes due, without obsolete work. The whole heap counts if it has more than
    /// [`COUNTED_WORK_MAX`] entries, since the world is locked meanwhile.
    pub(in crate::engine) fn count_timers(&self) -> usize {
        if self.timers.len() > COUNTED_WORK_MAX {
            return self.timers.len();
        }
        self.timers
            .count_work(|due, work| self.is_live(due, work, None))
    }

    /// Returns whether work has something left to do, for a consent if one is given.
    fn is_live(&self, due: Timestamp, work: &Work, handle: Option<ConsentHandle>) -> bool {
        self.find_handle(due, work).is_some_and(|found| {
            handle.is_none_or(|handle| handle == found) && !self.is_obsolete(due, work)
        })
    }

    /// Lists the work that becomes due, the next one first, without obsolete work; that of one consent if
    /// one is given.
    pub(in crate::engine) fn list_timers(
        &self,
        handle: Option<ConsentHandle>,
        skip: usize,
        limit: usize,
    ) -> Vec<Timer> {
        let is_wanted = |due, work: &Work| self.is_live(due, work, handle);
        let page = self.timers.list_work(is_wanted, skip, limit);
        page.filter_map(|(due, work)| self.describe_timer(due, work))
            .collect()
    }

    /// Returns the consent that work concerns; `None` for a retry that is no longer due at this time.
    fn find_handle(&self, due: Timestamp, work: &Work) -> Option<ConsentHandle> {
        match work {
            Work::Expire(handle) | Work::RunScheduledFetch(handle) => Some(*handle),
            Work::RunCommand(scheduled) => Some(scheduled.handle),
            Work::ExpireSession(id) => Some(self.state.session(*id)?.handle),
            Work::Retry(id) => {
                let notification = self.outbox.find_waiting(*id, due)?;
                Some(notification.consent.handle)
            }
        }
    }

    fn describe_timer(&self, due: Timestamp, work: &Work) -> Option<Timer> {
        let (kind, session, delivery) = match work {
            Work::Expire(_) => (TimerKind::ConsentExpiry, None, None),
            Work::RunScheduledFetch(_) => (TimerKind::ScheduledFetch, None, None),
            Work::RunCommand(_) => (TimerKind::Step, None, None),
            Work::ExpireSession(id) => (TimerKind::SessionExpiry, Some(*id), None),
            Work::Retry(id) => (TimerKind::WebhookRetry, None, Some(*id)),
        };
        Some(Timer {
            due,
            kind,
            handle: self.find_handle(due, work)?,
            session,
            delivery,
            origin: work.origin(),
        })
    }

    /// Returns whether a command is the FIPs' answer to a request: one of a given session, or with
    /// the Unaport API one that Unaport makes by schedule.
    fn is_fip_answer(&self, command: &Command) -> bool {
        let Command::DeliverData {
            handle, session, ..
        } = command
        else {
            return false;
        };
        session.is_some()
            || self
                .state
                .consent(*handle)
                .is_some_and(|consent| consent.api == Api::Unaport)
    }
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

/// Schedules a plan's commands, each after its delay.
fn schedule_commands(
    inner: &mut Inner,
    reactions: Vec<DelayedCommand>,
    handle: ConsentHandle,
    now: Timestamp,
) {
    let parent = inner.cause_number();
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
            parent,
            is_immediate: due <= now,
        };
        inner
            .timers
            .schedule_work(due, Work::RunCommand(Box::new(scheduled)));
    }
}

/// Lets the plan of a consent answer no event from now on, and says so in the journal.
fn stop_rules(inner: &mut Inner, plan: &ScenarioPlan, handle: ConsentHandle, now: Timestamp) {
    let stopped = ScenarioPlan {
        rules: Vec::new(),
        ..plan.clone()
    };
    if let Some(selected) = inner.selected_scenarios.get_mut(&handle) {
        selected.plan = Arc::new(stopped);
    }
    let cause = inner.cause.clone();
    inner.append_record(
        now,
        cause,
        JournalRecord::StepRejected {
            handle: Some(handle),
            origin: format!("the rules of {}", plan.name),
            reason: format!(
                "more than {WAITING_REACTIONS_MAX} reactions wait; rules multiply each other and are stopped for this consent"
            ),
        },
    );
}

/// Builds the journal record of the end of an attempt, or of a delivery without one.
pub(super) fn build_webhook_record(
    delivery: &Delivery,
    outcome: String,
    system_time: Timestamp,
) -> JournalRecord {
    let Delivery {
        id,
        notification,
        attempts,
        copy_of,
        ..
    } = delivery;
    let attempt_number = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
    let last = attempts.last();
    let body = delivery.last_sent_body();
    JournalRecord::Webhook(Arc::new(WebhookRecord {
        delivery: *id,
        webhook_id: notification.webhook_id(),
        event: notification.kind(),
        status: notification.status(),
        handle: notification.consent.handle,
        customer: Arc::clone(&notification.consent.terms.customer),
        fiu: Arc::clone(&notification.fiu),
        attempt: attempt_number,
        system_time: last.map_or(system_time, |attempt| attempt.system_time),
        duration: last.map_or(Millis::ZERO, |attempt| {
            Millis(i64::try_from(attempt.duration_ms).unwrap_or(i64::MAX))
        }),
        response_status: last.and_then(|attempt| attempt.outcome.status()),
        outcome,
        faults: last.map_or_else(
            || delivery.fault_names(attempt_number),
            |attempt| attempt.faults.clone(),
        ),
        must_be_rejected: last.is_some_and(|attempt| attempt.must_be_rejected),
        url: last.map_or_else(String::new, |attempt| attempt.url.clone()),
        headers: last.map_or_else(Vec::new, |attempt| attempt.headers.clone()),
        body: Bytes::copy_from_slice(&body[..body.len().min(WEBHOOK_BODY_BYTES_MAX)]),
        body_length: body.len(),
        response_body: last
            .map(|attempt| Bytes::copy_from_slice(attempt.outcome.body().as_bytes()))
            .unwrap_or_default(),
        copy_of: *copy_of,
        api: notification.consent.api.into(),
        message_time: notification.message_time,
        session: notification.session_id(),
        acknowledgement: last
            .map(|attempt| attempt.acknowledgement.clone())
            .unwrap_or_default(),
        facts: last
            .map(|attempt| attempt.facts.clone())
            .unwrap_or_default(),
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
        parent: inner.cause_number(),
        is_immediate: false,
    };
    inner.timers.schedule_work(
        now.saturating_add(RECORDED_FIP_DELAY),
        Work::RunCommand(Box::new(scheduled)),
    );
}
