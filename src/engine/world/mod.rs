//! One isolated sandbox: its consents, clock, timers, journal and outbox behind one short lock.

mod driver;
mod execute;
mod faults;
mod queries;
mod receipt;
mod record;
mod time;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use rand::Rng;
use tokio::sync::Notify;

use crate::domain::command::{Command, FetchData, RaiseConsent};
use crate::domain::event::Event;
use crate::domain::ids::{ConsentHandle, MessageId, SessionId};
use crate::domain::journal_entry::JournalRecord;
use crate::domain::notification::Notification;
use crate::domain::participants::Participants;
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::rejection::Rejection;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::clock::{Clock, system_now};
use crate::engine::entropy::{derive_world_seed, random_id_bytes, stream_rng};
use crate::engine::faults::FaultRegistry;
use crate::engine::journal::Journal;
use crate::engine::outbox::{OPEN_DELIVERIES_MAX, Outbox};
use crate::engine::ports::{SandboxConfig, ScenarioPlan};
use crate::engine::scenario_selection::ScenarioSelection;
use crate::engine::state::State;
use crate::engine::timers::{ScheduledCommand, Timers, Work};
use crate::engine::worlds::DEFAULT_WORLD;

pub use self::faults::CallFaults;
pub use self::queries::Overview;
pub use self::receipt::{DeliveryHold, Receipt};
pub use self::time::{ClockChange, ClockRejection};

/// One isolated sandbox.
#[derive(Debug)]
pub struct World {
    name: Arc<str>,
    seed: u64,
    config: Arc<SandboxConfig>,
    /// Who takes part in this world: the sandbox's participants, until somebody configures them otherwise.
    participants: RwLock<Arc<Participants>>,
    /// What drives new consents of this world, beside the scenarios of all worlds.
    scenario_selection: RwLock<ScenarioSelection>,
    inner: Mutex<Inner>,
    /// Something became due or ready: whoever drives this world should look.
    pub(super) wake: Notify,
    /// A delivery has ended.
    pub(super) delivery_done: Notify,
    /// An entry was written to the journal, or something else came about that somebody may wait for.
    pub(super) journal_appended: Notify,
    /// Somebody advances the clock.
    pub(super) advancing: AtomicBool,
    /// The sandbox stops: what is being sent may finish, nothing more is begun.
    draining: AtomicBool,
    closed: AtomicBool,
    /// A message was signed with the AA's next key, which everybody may see from then on.
    keys_rotated: AtomicBool,
    /// When a call was last made to it, in milliseconds of the wall's clock.
    last_used_at_ms: AtomicI64,
}

pub(super) struct Inner {
    pub(super) state: State,
    pub(super) clock: Clock,
    pub(super) timers: Timers,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    faults: FaultRegistry,
    scenario_plans: HashMap<ConsentHandle, Arc<dyn ScenarioPlan>>,
    /// How many messages each customer's consents have caused: the ordinals of their ids.
    message_counts: HashMap<Arc<str>, u64>,
    /// Answers of FIPs that fell into a pause of their consent.
    deferred: HashMap<ConsentHandle, Vec<ScheduledCommand>>,
    /// Data notifications of each Unaport consent, which an FIU may also ask for; the last hundred, oldest first.
    stored_notifications: HashMap<ConsentHandle, VecDeque<Notification>>,
    /// How often an FIU has come in vain for the data of a session.
    poll_counts: HashMap<SessionId, u32>,
    /// What was answered last to calls whose answers may be repeated by a fault.
    last_responses: HashMap<String, Bytes>,
    seen_notes: HashSet<String>,
    /// How many ids were given to what is no part of the state.
    id_counter: u64,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("clock", &self.clock)
            .field("consents", &self.state.consent_count())
            .finish_non_exhaustive()
    }
}

impl World {
    pub fn new(name: &str, config: Arc<SandboxConfig>) -> Self {
        Self {
            name: name.into(),
            seed: derive_world_seed(config.seed, name),
            inner: Mutex::new(Inner {
                state: State::default(),
                clock: Clock::from_start(config.clock, system_now()),
                timers: Timers::default(),
                journal: Journal::default(),
                outbox: Outbox::default(),
                faults: FaultRegistry::default(),
                scenario_plans: HashMap::new(),
                message_counts: HashMap::new(),
                deferred: HashMap::new(),
                stored_notifications: HashMap::new(),
                poll_counts: HashMap::new(),
                last_responses: HashMap::new(),
                seen_notes: HashSet::new(),
                id_counter: 0,
            }),
            participants: RwLock::new(Arc::clone(&config.participants)),
            scenario_selection: RwLock::default(),
            config,
            wake: Notify::new(),
            delivery_done: Notify::new(),
            journal_appended: Notify::new(),
            advancing: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            keys_rotated: AtomicBool::new(false),
            last_used_at_ms: AtomicI64::new(system_now().as_millis()),
        }
    }

    /// Somebody calls.
    pub fn mark_used(&self) {
        self.last_used_at_ms
            .store(system_now().as_millis(), Ordering::Relaxed);
    }

    /// When a call was last made to it, by the wall's clock.
    pub fn last_used_at(&self) -> Timestamp {
        Timestamp::from_millis(self.last_used_at_ms.load(Ordering::Relaxed))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is below the sandbox's address: nowhere special for the default one.
    pub fn base_path(&self) -> String {
        if self.name() == DEFAULT_WORLD {
            String::new()
        } else {
            format!("/w/{}", self.name)
        }
    }

    /// The seed that this world's ids and data are drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What the world seals tokens with.
    pub fn token_secret(&self) -> [u8; 32] {
        let mut secret = [0; 32];
        stream_rng(StreamKey {
            seed: self.seed,
            owner: &self.name,
            kind: StreamKind::RefreshSecret,
            ordinal: 0,
        })
        .fill_bytes(&mut secret);
        secret
    }

    pub fn config(&self) -> &SandboxConfig {
        &self.config
    }

    /// Who takes part.
    pub fn participants(&self) -> Arc<Participants> {
        Arc::clone(
            &self
                .participants
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Changes who takes part, and puts it on record.
    ///
    /// # Errors
    /// Those of `change`; nothing has changed then.
    pub fn update_participants<E>(
        &self,
        note: &str,
        change: impl FnOnce(&Participants) -> Result<Participants, E>,
    ) -> Result<Arc<Participants>, E> {
        let mut participants = self
            .participants
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let changed = Arc::new(change(&participants)?);
        *participants = Arc::clone(&changed);
        drop(participants);
        let mut inner = self.lock();
        let now = inner.clock.now(system_now());
        inner.journal.append_entry(
            now,
            JournalRecord::Note {
                text: note.to_owned(),
            },
        );
        Ok(changed)
    }

    /// Gives a command on behalf of a caller.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing has changed then.
    pub fn submit(self: &Arc<Self>, command: Command) -> Result<Receipt, Rejection> {
        let plan = match &command {
            Command::RaiseConsent(raise) => self.select_scenario(raise)?,
            _ => None,
        };
        self.execute(|inner, now| {
            if let Command::FetchData(FetchData { session, .. }) | Command::FetchStored(session) =
                &command
            {
                self.count_poll(inner, *session, now);
            }
            self.apply_command(inner, command, plan, now, true)
        })
    }

    /// What would drive a consent that is raised now.
    ///
    /// # Errors
    /// [`Refusal::UnknownScenario`] when it is asked for by a name that nobody has.
    pub fn select_scenario(
        &self,
        raise: &RaiseConsent,
    ) -> Result<Option<Arc<dyn ScenarioPlan>>, Rejection> {
        let participants = self.participants();
        let aa_default = participants
            .find_aa(&raise.aa)
            .and_then(|aa| aa.scenario.as_deref());
        self.scenario_selection().select_scenario(
            raise,
            aa_default,
            &*self.config.scenario_provider,
        )
    }

    /// What drives new consents of this world, beside the scenarios of all worlds.
    pub fn scenario_selection(&self) -> RwLockReadGuard<'_, ScenarioSelection> {
        self.scenario_selection
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub fn scenario_selection_mut(&self) -> RwLockWriteGuard<'_, ScenarioSelection> {
        self.scenario_selection
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Plays a script's steps for a consent once, whatever else drives it. What is to be done at once is refused like any
    /// command; what comes later is on record if it cannot happen then.
    ///
    /// # Errors
    /// A [`Refusal`]; what came before the step that was refused has happened.
    pub fn run_steps(
        self: &Arc<Self>,
        handle: ConsentHandle,
        plan: &dyn ScenarioPlan,
    ) -> Result<Receipt, Rejection> {
        self.execute(|inner, now| {
            let find_visible = |inner: &Inner| {
                inner
                    .state
                    .consent(handle)
                    .filter(|consent| !consent.hidden)
                    .cloned()
            };
            let consent =
                find_visible(inner).ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
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
                        is_immediate: false,
                    };
                    inner.timers.schedule_work(
                        now.saturating_add(delayed.delay),
                        Work::RunCommand(Box::new(scheduled)),
                    );
                } else {
                    last_event = self.apply_command(inner, delayed.command, None, now, true)?;
                }
            }
            Ok(if last_event.consent_handle() == Some(handle) {
                last_event
            } else {
                Event::ConsentRaised { consent }
            })
        })
    }

    /// Lets a scenario drive a consent from now on; its steps begin now.
    ///
    /// # Errors
    /// A [`Refusal`] when there is no such consent, or no such scenario.
    pub fn assign_scenario(
        self: &Arc<Self>,
        handle: ConsentHandle,
        scenario: &str,
    ) -> Result<Receipt, Rejection> {
        let plan = self
            .scenario_selection()
            .find_by_name(scenario, &*self.config.scenario_provider)?;
        self.execute(|inner, now| {
            let consent = inner
                .state
                .consent(handle)
                .filter(|consent| !consent.hidden)
                .cloned();
            let consent = consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
            let text = format!("{} drives {handle} from now on", plan.name());
            inner
                .journal
                .append_entry(now, JournalRecord::Note { text });
            self.reassign_scenario(inner, &consent, &plan, now);
            Ok(Event::ConsentRaised { consent })
        })
    }

    /// Whether a command would be refused now. Nothing changes.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn check_command(&self, command: Command) -> Result<(), Rejection> {
        let inner = self.lock_caught_up();
        let now = inner.clock.now(system_now());
        self.decide(&inner, command, now).map(drop)
    }

    /// Gives several commands on behalf of a caller, all of them or none. They have to be about different consents, so
    /// that what is legal for each is legal for all.
    ///
    /// # Errors
    /// The first [`Refusal`]; nothing has changed then.
    ///
    /// # Panics
    /// When there is no command, or two are about the same consent.
    pub fn submit_all(self: &Arc<Self>, commands: Vec<Command>) -> Result<Receipt, Rejection> {
        self.execute(|inner, now| {
            for command in &commands {
                self.decide(inner, command.clone(), now)?;
            }
            let apply = |command| self.apply_command(inner, command, None, now, true);
            let events: Result<Vec<_>, _> = commands.into_iter().map(apply).collect();
            Ok(events
                .expect("each is legal")
                .pop()
                .expect("there is a command"))
        })
    }

    /// Does what a caller wants under the lock, and what is due by then; holds the webhooks that it causes.
    fn execute(
        self: &Arc<Self>,
        operation: impl FnOnce(&mut Inner, Timestamp) -> Result<Event, Rejection>,
    ) -> Result<Receipt, Rejection> {
        let mut inner = self.lock_caught_up();
        let system_time = system_now();
        let (now, message_time) = (
            inner.clock.now(system_time),
            inner.clock.message_time(system_time),
        );
        if inner.outbox.open_len() >= OPEN_DELIVERIES_MAX {
            return Err(Rejection::OutboxFull(OPEN_DELIVERIES_MAX));
        }
        let first_delivery = inner.outbox.last_id() + 1;
        let previous_due = inner.timers.peek().map(|(due, _)| due);
        let outcome = operation(&mut inner, now);
        self.catch_up(&mut inner, now, true);
        let deliveries: Vec<u64> = (first_delivery..=inner.outbox.last_id()).collect();
        let before_response = inner.outbox.filter_overtaking(&deliveries);
        let event = match outcome {
            Ok(event) => event,
            Err(rejection) => {
                // What came about on the way is told all the same.
                drop(inner);
                drop(DeliveryHold {
                    world: Arc::clone(self),
                    deliveries,
                    before_response,
                });
                return Err(rejection);
            }
        };
        let consent = event
            .consent_handle()
            .and_then(|handle| inner.state.consent(handle))
            .cloned();
        // Waking the driver costs more than the command: only for what it has to see to. What is held wakes it later.
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
        Ok(Receipt {
            event,
            consent,
            message_time,
            hold,
        })
    }

    /// An id for something that is no part of the world's state.
    pub fn generate_id(&self, kind: StreamKind) -> String {
        let mut inner = self.lock();
        inner.id_counter += 1;
        let key = StreamKey {
            seed: self.seed,
            owner: &self.name,
            kind,
            ordinal: inner.id_counter,
        };
        MessageId::from_random(random_id_bytes(key)).to_string()
    }

    /// From now on the AAs' next keys are published.
    pub fn rotate_keys(&self) {
        self.keys_rotated.store(true, Ordering::Release);
    }

    /// Whether the AAs' next keys are published.
    pub fn has_rotated_keys(&self) -> bool {
        self.keys_rotated.load(Ordering::Acquire)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock is a bug, but one bug must not make every later call of this world fail too.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state with all that is due done, so that no reader sees a consent alive after its expiry.
    pub(super) fn lock_caught_up(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.lock();
        let now = inner.clock.now(system_now());
        if self.catch_up(&mut inner, now, false) > 0 {
            self.wake.notify_one();
            self.journal_appended.notify_waiters();
        }
        inner
    }
}
