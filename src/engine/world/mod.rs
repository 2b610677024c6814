//! One isolated sandbox: its consents, clock, timers, journal and outbox behind one short lock.
//! Commands enter through [`World::submit`]. The rules are in `decide`; sending is left to
//! `webhooks`.

mod calls;
mod commands;
mod decision;
mod driver;
mod execution;
mod faults;
mod lifecycle;
mod queries;
mod receipt;
mod record;
mod scenarios;
mod time;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hashbrown::{HashMap, HashSet};
use rand::Rng;
use tokio::sync::Notify;

use crate::domain::cause::{Cause, CauseKind};
use crate::domain::delivery::Delivery;
use crate::domain::ids::{ConsentHandle, MessageId, SessionId};
use crate::domain::journal_entry::JournalRecord;
use crate::domain::notification::Notification;
use crate::domain::participants::Participants;
use crate::domain::persona::{Persona, Personas};
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::scenario_plan::ScenarioPlan;
use crate::domain::scenario_set::SelectedScenario;
use crate::domain::time::Timestamp;
use crate::domain::time_source::TimeSettings;
use crate::domain::world_part::WorldPart;
use crate::engine::clock::{Clock, ClockReading, system_now};
use crate::engine::entropy::{derive_world_seed, random_id_bytes, random_life, stream_rng};
use crate::engine::faults::FaultRegistry;
use crate::engine::journal::Journal;
use crate::engine::outbox::{Dispatch, Outbox};
use crate::engine::reactions::Reactions;
use crate::engine::sandbox_config::SandboxConfig;
use crate::engine::scenario_selection::ScenarioSelection;
use crate::engine::state::State;
use crate::engine::timers::{ScheduledCommand, Timers};

pub(crate) use self::calls::CallInProgress;
pub(super) use self::execution::Execution;
use self::execution::build_webhook_record;
pub(crate) use self::faults::CallFaults;
pub(crate) use self::receipt::{CommandOutcome, DeliveryHold, Receipt};
pub(crate) use self::record::{JournalSearch, WaitEnd};
pub(crate) use self::time::ClockChange;

/// The name of the world at the root path.
pub(crate) const DEFAULT_WORLD: &str = "default";

/// Maximum number of personas that one world adds to those of the sandbox.
pub(super) const ADDED_PERSONAS_MAX: usize = 1_000;

/// One isolated sandbox.
#[derive(Debug)]
pub struct World {
    name: Arc<str>,
    seed: u64,
    /// The name of the numbers in the journal: another one after a reset or a restart.
    life: u64,
    config: Arc<SandboxConfig>,
    inner: Mutex<Inner>,
    /// Wakes the task that drives this world: work became due or ready.
    pub(super) wake: Notify,
    /// Signals that an attempt has ended or that the world was closed.
    pub(super) delivery_done: Notify,
    /// Signals that the world was closed.
    closing: Notify,
    /// Signals new events, calls and webhook outcomes in the journal, and the closing of the world.
    /// Notes, invalid signatures and changes of faults, participants and the clock are written
    /// without a signal.
    pub(super) journal_appended: Notify,
    /// Signals that a call has arrived or ended, that the last attempt in flight has ended, and the closing
    /// of the world.
    pub(super) fiu_activity: Notify,
    /// Set while the clock is being advanced.
    pub(super) advancing: AtomicBool,
    /// Set while the sandbox stops: no further work runs, and what may be sent is sent.
    draining: AtomicBool,
    closed: AtomicBool,
    /// The system time of the last call, in milliseconds.
    last_used_at_ms: AtomicI64,
}

pub(super) struct Inner {
    /// System time of the lock, which is that of everything done under it.
    pub(in crate::engine) system_time: Timestamp,
    pub(super) state: State,
    /// The participants of this world: those of the sandbox until they are changed.
    participants: Arc<Participants>,
    /// Set after a message was signed with the AA's next key, which is published from then on.
    keys_rotated: bool,
    pub(super) clock: Clock,
    /// The clocks of messages where the FIU sets none.
    time_settings: TimeSettings,
    pub(super) timers: Timers,
    pub(super) journal: Journal,
    /// The number of the last cause.
    last_cause: u64,
    /// The cause of what happens now.
    cause: Option<Arc<Cause>>,
    pub(super) outbox: Outbox,
    pub(super) reactions: Reactions,
    faults: FaultRegistry,
    /// The personas of the sandbox and of this world.
    personas: Arc<Personas>,
    /// The persona of customers without an assigned one.
    default_persona: Arc<Persona>,
    /// The selection of scenarios for new consents.
    scenario_selection: ScenarioSelection,
    /// The scenario that drives each consent.
    selected_scenarios: HashMap<ConsentHandle, SelectedScenario>,
    /// The number of messages about each customer's consents: the next ordinals of their ids.
    message_counts: HashMap<Arc<str>, u64>,
    /// Answers of FIPs that became due while their consent was paused.
    deferred: HashMap<ConsentHandle, Vec<ScheduledCommand>>,
    /// Data notifications of each Unaport consent, which an FIU may also query; the last 100,
    /// oldest first.
    stored_notifications: HashMap<ConsentHandle, VecDeque<Notification>>,
    /// The number of polls for the data of each session while FIPs had not answered.
    poll_counts: HashMap<SessionId, u32>,
    /// The last response to each call whose response a fault may repeat.
    last_responses: HashMap<String, Bytes>,
    seen_notes: HashSet<String>,
    /// The number of ids generated for objects outside the state.
    id_counter: u64,
    /// The number of due work items that have run.
    pub(super) work_count: usize,
}

impl Inner {
    /// Returns the world time of the lock.
    pub(in crate::engine) fn now(&self) -> Timestamp {
        self.clock.now(self.system_time)
    }

    /// Returns both clocks at the lock.
    pub(in crate::engine) fn read_clocks(&self) -> ClockReading {
        self.clock.read(self.system_time)
    }

    /// Numbers a cause of this world.
    fn number_cause(
        &mut self,
        kind: CauseKind,
        origin: impl Into<Cow<'static, str>>,
        parent: Option<u64>,
    ) -> Arc<Cause> {
        self.last_cause += 1;
        Arc::new(Cause {
            number: self.last_cause,
            kind,
            origin: origin.into(),
            parent,
        })
    }

    /// Returns the plan that drives a consent.
    fn plan_of(&self, handle: ConsentHandle) -> Option<&Arc<ScenarioPlan>> {
        self.selected_scenarios.get(&handle).map(|it| &it.plan)
    }

    /// Writes a record of a cause to the journal, with the customer whom it concerns.
    fn append_record(&mut self, at: Timestamp, cause: Option<Arc<Cause>>, record: JournalRecord) {
        let customer = record.customer().cloned().or_else(|| {
            let consent = self.state.consent(record.consent_handle()?)?;
            Some(Arc::clone(&consent.terms.customer))
        });
        self.journal
            .append_entry((at, self.system_time), customer, cause, record);
    }

    /// Returns the number of the cause of what happens now.
    fn cause_number(&self) -> Option<u64> {
        Some(self.cause.as_ref()?.number)
    }

    /// Writes the end of an attempt, or of a delivery without one, to the journal.
    fn append_delivery(&mut self, at: Timestamp, delivery: &Delivery, outcome: String) {
        let cause = delivery.cause().cloned();
        self.append_record(
            at,
            cause,
            build_webhook_record(delivery, outcome, self.system_time),
        );
    }

    /// Writes a note to the journal.
    fn append_note(&mut self, cause: Option<Arc<Cause>>, text: String) {
        self.append_record(self.now(), cause, JournalRecord::Note { text });
    }
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
        let created_at = system_now();
        Self {
            name: name.into(),
            seed: derive_world_seed(config.seed, name),
            life: random_life(),
            inner: Mutex::new(Inner {
                system_time: created_at,
                state: State::new(config.ended_consents_max),
                participants: Arc::clone(&config.initial_participants),
                keys_rotated: false,
                clock: Clock::from_start(config.clock, created_at),
                time_settings: config.time_settings,
                timers: Timers::default(),
                journal: Journal::default(),
                last_cause: 0,
                cause: None,
                outbox: Outbox::default(),
                reactions: Reactions::default(),
                faults: FaultRegistry::default(),
                personas: Arc::clone(&config.personas),
                default_persona: Arc::clone(&config.default_persona),
                scenario_selection: ScenarioSelection::default(),
                selected_scenarios: HashMap::new(),
                message_counts: HashMap::new(),
                deferred: HashMap::new(),
                stored_notifications: HashMap::new(),
                poll_counts: HashMap::new(),
                last_responses: HashMap::new(),
                seen_notes: HashSet::new(),
                id_counter: 0,
                work_count: 0,
            }),
            config,
            wake: Notify::new(),
            delivery_done: Notify::new(),
            closing: Notify::new(),
            journal_appended: Notify::new(),
            fiu_activity: Notify::new(),
            advancing: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            last_used_at_ms: AtomicI64::new(created_at.as_millis()),
        }
    }

    /// Numbers a call as a cause, until [`World::close_call`] ends it.
    pub(crate) fn number_call(&self, kind: CauseKind, origin: Cow<'static, str>) -> Arc<Cause> {
        let mut inner = self.lock();
        let cause = inner.number_cause(kind, origin, None);
        // Those of an operator are not recorded.
        if kind != CauseKind::Operator {
            inner.journal.open_call(cause.number);
        }
        cause
    }

    /// Ends a call, whether it has been recorded or not.
    pub(crate) fn close_call(&self, cause: &Cause) {
        let has_settled_entries = self.lock().journal.close_call(cause.number);
        if has_settled_entries {
            self.journal_appended.notify_waiters();
        }
    }

    /// Records the time of a call to this world.
    pub fn mark_used(&self) {
        self.last_used_at_ms
            .store(system_now().as_millis(), Ordering::Relaxed);
    }

    /// Returns the system time of the last call.
    pub fn last_used_at(&self) -> Timestamp {
        Timestamp::from_millis(self.last_used_at_ms.load(Ordering::Relaxed))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether the world has no consents.
    pub fn is_empty(&self) -> bool {
        self.lock().state.consent_count() == 0
    }

    /// Returns the path prefix of this world; it is empty for the default world.
    pub fn base_path(&self) -> String {
        if self.name() == DEFAULT_WORLD {
            String::new()
        } else {
            format!("/w/{}", self.name)
        }
    }

    /// Returns the seed of this world's ids and data.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Derives the secret that authenticates this world's tokens.
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

    /// Returns the participants of this world.
    pub fn participants(&self) -> Arc<Participants> {
        Arc::clone(&self.lock().participants)
    }

    /// Returns the personas of the sandbox and of this world.
    pub fn personas(&self) -> Arc<Personas> {
        Arc::clone(&self.lock().personas)
    }

    /// Adds a persona to this world or replaces the one of the same name. Customers to whom that one
    /// is assigned keep it, and so do existing consents.
    ///
    /// # Errors
    /// A message when the limit is reached.
    pub fn put_persona(&self, cause: Option<Arc<Cause>>, persona: Persona) -> Result<(), String> {
        let mut inner = self.lock();
        let is_new = inner.personas.get(&persona.name).is_none();
        let added = inner.personas.names().count() - self.config.personas.names().count();
        if is_new && added >= ADDED_PERSONAS_MAX {
            return Err(format!(
                "this world has {ADDED_PERSONAS_MAX} personas of its own, the maximum; replace one, or reset the world"
            ));
        }
        let persona = Arc::new(persona);
        if persona.name == inner.default_persona.name {
            inner.default_persona = Arc::clone(&persona);
        }
        let note = format!("the persona {} was added", persona.name);
        Arc::make_mut(&mut inner.personas).insert_shared(persona);
        inner.append_note(cause, note);
        Ok(())
    }

    /// Changes the participants and records a note.
    ///
    /// # Errors
    /// The error of `change`; nothing has changed then.
    pub fn update_participants<E>(
        &self,
        cause: Option<Arc<Cause>>,
        note: &str,
        change: impl FnOnce(&Participants) -> Result<Participants, E>,
    ) -> Result<Arc<Participants>, E> {
        let mut inner = self.lock();
        let changed = Arc::new(change(&inner.participants)?);
        inner.participants = Arc::clone(&changed);
        inner.outbox.enable_urls();
        inner.append_note(cause, note.to_owned());
        Ok(changed)
    }

    /// Takes these parts of a world that this one replaces, and records a note.
    pub(super) fn take_over(&self, old: &Self, kept: &[WorldPart]) {
        if kept.is_empty() {
            return;
        }
        let old = old.lock();
        let mut inner = self.lock();
        if kept.contains(&WorldPart::Participants) {
            inner.participants = Arc::clone(&old.participants);
        }
        if kept.contains(&WorldPart::Scenarios) {
            inner.scenario_selection = old.scenario_selection.clone();
            inner.personas = Arc::clone(&old.personas);
            inner.default_persona = Arc::clone(&old.default_persona);
        }
        if kept.contains(&WorldPart::Faults) {
            inner.faults = old.faults.without_counts();
        }
        if kept.contains(&WorldPart::Clock) {
            inner.clock = old.clock;
            inner.time_settings = old.time_settings;
        }
        let names: Vec<_> = kept.iter().map(|part| part.as_str()).collect();
        let note = format!("the world was reset and kept {}", names.join(", "));
        inner.append_note(None, note);
    }

    /// Generates an id for an object outside the world's state.
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

    /// Publishes the AAs' next keys from now on.
    pub fn rotate_keys(&self) {
        self.lock().keys_rotated = true;
    }

    /// Returns whether the AAs' next keys are published.
    pub fn has_rotated_keys(&self) -> bool {
        self.lock().keys_rotated
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock is a bug, but it must not make every later call of this world
        // fail.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.system_time = system_now();
        inner
    }

    /// Locks the world and runs all due work, so that no reader sees an expired consent as active.
    pub(super) fn lock_caught_up(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.lock();
        let now = inner.now();
        if Execution::new(self, &mut inner, Dispatch::Immediately).run_due_work(now) > 0 {
            self.wake.notify_one();
            self.journal_appended.notify_waiters();
        }
        inner
    }
}
