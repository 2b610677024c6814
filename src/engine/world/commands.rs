//! Commands on behalf of callers. Each runs under the world's lock, after the work due before it.

use std::sync::Arc;

use crate::domain::cause::Cause;
use crate::domain::command::{Command, FetchData, RaiseConsent};
use crate::domain::delivery::Delivery;
use crate::domain::event::Event;
use crate::domain::ids::ConsentHandle;
use crate::domain::rejection::Rejection;
use crate::domain::scenario_plan::ScenarioPlan;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::decide::find_consent;
use crate::engine::faults::CallSubject;
use crate::engine::outbox::{Dispatch, OPEN_DELIVERIES_MAX};
use crate::engine::timers::{ScheduledCommand, Work};
use crate::engine::world::execution::Execution;
use crate::engine::world::{CallFaults, CommandOutcome, DeliveryHold, Receipt, World};

impl World {
    /// Executes a command on behalf of a caller. What it brings about has this cause.
    ///
    /// # Errors
    /// A [`Rejection`]; nothing has changed then.
    pub fn submit(
        self: &Arc<Self>,
        cause: Option<Arc<Cause>>,
        command: Command,
    ) -> Result<Receipt, Rejection> {
        self.execute(cause, |execution, now| {
            let plan = match &command {
                Command::RaiseConsent(raise) => self.select_scenario(execution.inner, raise)?,
                _ => None,
            };
            if let Command::FetchData(FetchData { session, .. }) | Command::FetchStored(session) =
                &command
            {
                execution.count_poll(*session, now);
            }
            execution.apply_command(command, plan, now)
        })
    }

    /// Raises a consent on behalf of a call. The scenario is selected once; it gives the faults of
    /// the call and drives the consent. `accept_faults` receives the faults and may reject the call
    /// before anything happens. All of it runs under one lock, so `accept_faults` must not call the
    /// world, and a change of the scenario selection acts on the whole call or not at all.
    ///
    /// # Errors
    /// A [`Rejection`], or the error of `accept_faults`; no consent was raised then.
    pub fn raise_consent<E: From<Rejection>>(
        self: &Arc<Self>,
        cause: Option<Arc<Cause>>,
        raise: RaiseConsent,
        call: CallSubject<'_>,
        accept_faults: impl FnOnce(CallFaults) -> Result<(), E>,
    ) -> Result<Receipt, E> {
        self.execute(cause, |execution, now| {
            let plan = self.select_scenario(execution.inner, &raise)?;
            let scripted = plan.as_ref().map(|selected| &*selected.plan);
            accept_faults(self.plan_faults(execution.inner, call, None, scripted))?;
            let command = Command::RaiseConsent(raise);
            Ok(execution.apply_command(command, plan, now)?)
        })
    }

    /// Runs a plan's steps for a consent once, whatever scenario drives it. Immediate steps are
    /// rejected like any command; delayed steps that are rejected later are recorded in the
    /// journal.
    ///
    /// # Errors
    /// A [`Rejection`]; the steps before the rejected one have taken effect.
    pub fn run_steps(
        self: &Arc<Self>,
        cause: Option<Arc<Cause>>,
        handle: ConsentHandle,
        plan: &ScenarioPlan,
    ) -> Result<Receipt, Rejection> {
        self.execute(cause, |execution, now| {
            let consent = Arc::clone(find_consent(&execution.inner.state, handle)?);
            let start_event = Event::ConsentRaised {
                consent: Arc::clone(&consent),
            };
            let mut last_event = start_event.clone();
            for delayed in plan.plan_reactions(&start_event, &consent) {
                if delayed.delay > Millis::ZERO {
                    let scheduled = ScheduledCommand {
                        handle,
                        command: delayed.command,
                        origin: delayed.origin,
                        parent: execution.inner.cause_number(),
                        is_immediate: false,
                    };
                    execution.inner.timers.schedule_work(
                        now.saturating_add(delayed.delay),
                        Work::RunCommand(Box::new(scheduled)),
                    );
                } else {
                    last_event = execution.apply_command(delayed.command, None, now)?;
                }
            }
            Ok(if last_event.consent_handle() == Some(handle) {
                last_event
            } else {
                Event::ConsentRaised { consent }
            })
        })
    }

    /// Assigns a scenario to a consent; its steps start now.
    ///
    /// # Errors
    /// [`Rejection::UnknownHandle`] or [`Rejection::UnknownScenario`].
    pub fn assign_scenario(
        self: &Arc<Self>,
        cause: Option<Arc<Cause>>,
        handle: ConsentHandle,
        scenario: &str,
    ) -> Result<Receipt, Rejection> {
        self.execute(cause, |execution, now| {
            let plan = self.find_scenario(execution.inner, scenario)?;
            let consent = Arc::clone(find_consent(&execution.inner.state, handle)?);
            let cause = execution.inner.cause.clone();
            let note = format!("{} drives {handle} from now on", plan.name);
            execution.inner.append_note(cause, note);
            execution.reassign_scenario(&consent, &plan, now);
            Ok(Event::ConsentRaised { consent })
        })
    }

    /// Executes several commands on behalf of a caller, all of them or none. They must concern
    /// different consents, so that one cannot make another illegal.
    ///
    /// # Errors
    /// The first [`Rejection`]; nothing has changed then.
    ///
    /// # Panics
    /// When there is no command, or two commands concern the same consent.
    pub fn submit_all(
        self: &Arc<Self>,
        cause: Option<Arc<Cause>>,
        commands: Vec<Command>,
    ) -> Result<Receipt, Rejection> {
        self.execute(cause, |execution, now| {
            for command in &commands {
                self.decide(execution.inner, command.clone(), now)?;
            }
            let mut last_event = None;
            for command in commands {
                let event = execution.apply_command(command, None, now);
                last_event = Some(event.expect("each command was checked"));
            }
            Ok(last_event.expect("there is a command"))
        })
    }

    /// Queues a webhook to be sent again and returns it as it is then, before it is sent; `None` if
    /// the id is unknown. The attempt has this cause.
    ///
    /// # Errors
    /// [`Rejection::NotResendable`] while it is held, queued or in flight.
    pub fn resend_delivery(
        &self,
        cause: Option<Arc<Cause>>,
        id: u64,
    ) -> Result<Option<Delivery>, Rejection> {
        let mut inner = self.lock_caught_up();
        let result = inner.outbox.resend_delivery(cause, id);
        let delivery = inner.outbox.delivery(id);
        drop(inner);
        self.wake.notify_one();
        result.map_err(|progress| Rejection::NotResendable(progress.as_str()))?;
        Ok(delivery)
    }

    /// Runs an operation under the lock, between the work due before it and after it; holds the
    /// webhooks that it causes.
    fn execute<E: From<Rejection>>(
        self: &Arc<Self>,
        cause: Option<Arc<Cause>>,
        operation: impl FnOnce(&mut Execution<'_>, Timestamp) -> Result<Event, E>,
    ) -> Result<Receipt, E> {
        let mut inner = self.lock_caught_up();
        let clocks = inner.read_clocks();
        let now = clocks.world;
        if inner.outbox.open_len() >= OPEN_DELIVERIES_MAX {
            return Err(Rejection::OutboxFull(OPEN_DELIVERIES_MAX).into());
        }
        let first_delivery = inner.outbox.last_id() + 1;
        let previous_due = inner.timers.peek().map(|(due, _)| due);
        inner.cause = cause;
        let mut execution = Execution::new(self, &mut inner, Dispatch::AfterResponse);
        let outcome = operation(&mut execution, now);
        execution.run_due_work(now);
        inner.cause = None;
        let deliveries: Vec<u64> = (first_delivery..=inner.outbox.last_id()).collect();
        let before_response = inner.outbox.filter_before_response(&deliveries);
        let event = match outcome {
            Ok(event) => event,
            Err(error) => {
                // Webhooks of due work and of earlier steps are sent in spite of the rejection.
                drop(inner);
                drop(DeliveryHold {
                    world: Arc::clone(self),
                    deliveries,
                    before_response,
                });
                return Err(error);
            }
        };
        let consent = event
            .consent_handle()
            .and_then(|handle| inner.state.consent(handle))
            .cloned();
        // Waking the driver costs more than the command, so it happens only for new work. Dropping
        // the hold wakes it later.
        let due = inner.timers.peek().map(|(due, _)| due);
        let is_sooner = due.is_some_and(|due| previous_due.is_none_or(|before| due < before));
        let should_wake = inner.outbox.has_ready() || (is_sooner && !inner.clock.is_frozen());
        drop(inner);
        if should_wake {
            self.wake.notify_one();
        }
        self.journal_appended.notify_waiters();
        let hold = DeliveryHold {
            world: Arc::clone(self),
            deliveries,
            before_response,
        };
        let outcome = CommandOutcome {
            last_event: event,
            consent,
            clocks,
        };
        Ok(Receipt::new(outcome, hold))
    }
}
