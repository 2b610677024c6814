//! One isolated sandbox: its consents, clock, timers, journal and outbox behind one short lock.

mod course;
mod drive;
mod faults;
mod look;
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
use crate::engine::casting::Casting;
use crate::engine::clock::{Clock, wall};
use crate::engine::entropy::{id_bytes, stream, world_seed};
use crate::engine::faults::FaultBook;
use crate::engine::journal::Journal;
use crate::engine::outbox::{OPEN_MAX, Outbox};
use crate::engine::ports::{Script, Setting};
use crate::engine::state::State;
use crate::engine::timers::{Scripted, Timers, Work};
use crate::engine::worlds::DEFAULT_WORLD;

pub use self::faults::CallFaults;
pub use self::look::Overview;
pub use self::receipt::{Hold, Receipt};
pub use self::time::{ClockChange, ClockRefused};

/// One isolated sandbox.
#[derive(Debug)]
pub struct World {
    name: Arc<str>,
    seed: u64,
    setting: Arc<Setting>,
    /// Who takes part in this world: the sandbox's participants, until somebody configures them otherwise.
    participants: RwLock<Arc<Participants>>,
    /// What drives new consents of this world, beside the scenarios of all worlds.
    casting: RwLock<Casting>,
    inner: Mutex<Inner>,
    /// Something became due or ready: whoever drives this world should look.
    pub(super) stirred: Notify,
    /// A delivery has ended.
    pub(super) settled: Notify,
    /// An entry was written to the journal, or something else came about that somebody may wait for.
    pub(super) noticed: Notify,
    /// Somebody advances the clock.
    pub(super) advancing: AtomicBool,
    /// The sandbox stops: what is being sent may finish, nothing more is begun.
    draining: AtomicBool,
    closed: AtomicBool,
    /// A message was signed with the AA's next key, which everybody may see from then on.
    rotated: AtomicBool,
    /// When a call was last made to it, in milliseconds of the wall's clock.
    used_at_ms: AtomicI64,
}

pub(super) struct Inner {
    pub(super) state: State,
    pub(super) clock: Clock,
    pub(super) timers: Timers,
    pub(super) journal: Journal,
    pub(super) outbox: Outbox,
    faults: FaultBook,
    scripts: HashMap<ConsentHandle, Arc<dyn Script>>,
    /// How many messages each customer's consents have caused: the ordinals of their ids.
    told: HashMap<Arc<str>, u64>,
    /// Answers of FIPs that fell into a pause of their consent.
    put_off: HashMap<ConsentHandle, Vec<Scripted>>,
    /// Data notifications of each Unaport consent, which an FIU may also ask for; the last hundred, oldest first.
    stored: HashMap<ConsentHandle, VecDeque<Notification>>,
    /// How often an FIU has come in vain for the data of a session.
    polls: HashMap<SessionId, u32>,
    /// What was answered last to calls whose answers may be repeated by a fault.
    answers: HashMap<String, Bytes>,
    noted: HashSet<String>,
    /// How many ids were given to what is no part of the state.
    fresh: u64,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner")
            .field("clock", &self.clock)
            .field("consents", &self.state.len())
            .finish_non_exhaustive()
    }
}

impl World {
    pub fn new(name: &str, setting: Arc<Setting>) -> Self {
        Self {
            name: name.into(),
            seed: world_seed(setting.seed, name),
            inner: Mutex::new(Inner {
                state: State::default(),
                clock: Clock::starting(setting.clock, wall()),
                timers: Timers::default(),
                journal: Journal::default(),
                outbox: Outbox::default(),
                faults: FaultBook::default(),
                scripts: HashMap::new(),
                told: HashMap::new(),
                put_off: HashMap::new(),
                stored: HashMap::new(),
                polls: HashMap::new(),
                answers: HashMap::new(),
                noted: HashSet::new(),
                fresh: 0,
            }),
            participants: RwLock::new(Arc::clone(&setting.participants)),
            casting: RwLock::default(),
            setting,
            stirred: Notify::new(),
            settled: Notify::new(),
            noticed: Notify::new(),
            advancing: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            rotated: AtomicBool::new(false),
            used_at_ms: AtomicI64::new(wall().as_millis()),
        }
    }

    /// Somebody calls.
    pub fn touch(&self) {
        self.used_at_ms.store(wall().as_millis(), Ordering::Relaxed);
    }

    /// When a call was last made to it, by the wall's clock.
    pub fn used_at(&self) -> Timestamp {
        Timestamp::from_millis(self.used_at_ms.load(Ordering::Relaxed))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is below the sandbox's address: nowhere special for the default one.
    pub fn path(&self) -> String {
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
    pub fn secret(&self) -> [u8; 32] {
        let mut secret = [0; 32];
        stream(StreamKey {
            seed: self.seed,
            owner: &self.name,
            kind: StreamKind::RefreshSecret,
            ordinal: 0,
        })
        .fill_bytes(&mut secret);
        secret
    }

    pub fn setting(&self) -> &Setting {
        &self.setting
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
    pub fn configure<E>(
        &self,
        remark: &str,
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
        let now = inner.clock.now(wall());
        inner.journal.write(
            now,
            JournalRecord::Note {
                text: remark.to_owned(),
            },
        );
        Ok(changed)
    }

    /// Gives a command on behalf of a caller.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing has changed then.
    pub fn submit(self: &Arc<Self>, command: Command) -> Result<Receipt, Rejection> {
        let script = match &command {
            Command::RaiseConsent(raise) => self.cast(raise)?,
            _ => None,
        };
        self.give(|inner, now| {
            if let Command::FetchData(FetchData { session, .. }) | Command::FetchStored(session) =
                &command
            {
                self.count_poll(inner, *session, now);
            }
            self.carry_out(inner, command, script, now, true)
        })
    }

    /// What would drive a consent that is raised now.
    ///
    /// # Errors
    /// [`Refusal::UnknownScenario`] when it is asked for by a name that nobody has.
    pub fn cast(&self, raise: &RaiseConsent) -> Result<Option<Arc<dyn Script>>, Rejection> {
        let participants = self.participants();
        let usual = participants
            .find_aa(&raise.aa)
            .and_then(|aa| aa.scenario.as_deref());
        self.casting().cast(raise, usual, &*self.setting.director)
    }

    /// What drives new consents of this world, beside the scenarios of all worlds.
    pub fn casting(&self) -> RwLockReadGuard<'_, Casting> {
        self.casting.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn casting_mut(&self) -> RwLockWriteGuard<'_, Casting> {
        self.casting.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plays a script's steps for a consent once, whatever else drives it. What is to be done at once is refused like any
    /// command; what comes later is on record if it cannot happen then.
    ///
    /// # Errors
    /// A [`Refusal`]; what came before the step that was refused has happened.
    pub fn play(
        self: &Arc<Self>,
        handle: ConsentHandle,
        script: &dyn Script,
    ) -> Result<Receipt, Rejection> {
        self.give(|inner, now| {
            let find = |inner: &Inner| {
                inner
                    .state
                    .consent(handle)
                    .filter(|consent| !consent.hidden)
                    .cloned()
            };
            let consent =
                find(inner).ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
            let begins = Event::ConsentRaised {
                consent: Arc::clone(&consent),
            };
            let mut last = begins.clone();
            for later in script.react(&begins, &consent) {
                if later.after > Millis::ZERO {
                    let scripted = Scripted {
                        handle,
                        command: later.command,
                        origin: later.origin,
                        immediate: false,
                    };
                    inner.timers.add(
                        now.saturating_add(later.after),
                        Work::Scripted(Box::new(scripted)),
                    );
                } else {
                    last = self.carry_out(inner, later.command, None, now, true)?;
                }
            }
            Ok(if last.consent_handle() == Some(handle) {
                last
            } else {
                Event::ConsentRaised { consent }
            })
        })
    }

    /// Lets a scenario drive a consent from now on; its steps begin now.
    ///
    /// # Errors
    /// A [`Refusal`] when there is no such consent, or no such scenario.
    pub fn pin(
        self: &Arc<Self>,
        handle: ConsentHandle,
        scenario: &str,
    ) -> Result<Receipt, Rejection> {
        let script = self.casting().named(scenario, &*self.setting.director)?;
        self.give(|inner, now| {
            let consent = inner
                .state
                .consent(handle)
                .filter(|consent| !consent.hidden)
                .cloned();
            let consent = consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
            let text = format!("{} drives {handle} from now on", script.name());
            inner.journal.write(now, JournalRecord::Note { text });
            self.recast(inner, &consent, &script, now);
            Ok(Event::ConsentRaised { consent })
        })
    }

    /// Whether a command would be refused now. Nothing changes.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn consider(&self, command: Command) -> Result<(), Rejection> {
        let inner = self.up_to_date();
        let now = inner.clock.now(wall());
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
        self.give(|inner, now| {
            for command in &commands {
                self.decide(inner, command.clone(), now)?;
            }
            let carry_out = |command| self.carry_out(inner, command, None, now, true);
            let events: Result<Vec<_>, _> = commands.into_iter().map(carry_out).collect();
            Ok(events
                .expect("each is legal")
                .pop()
                .expect("there is a command"))
        })
    }

    /// Does what a caller wants under the lock, and what is due by then; holds the webhooks that it causes.
    fn give(
        self: &Arc<Self>,
        wanted: impl FnOnce(&mut Inner, Timestamp) -> Result<Event, Rejection>,
    ) -> Result<Receipt, Rejection> {
        let mut inner = self.up_to_date();
        let wall = wall();
        let (now, message_time) = (inner.clock.now(wall), inner.clock.message_time(wall));
        if inner.outbox.open_len() >= OPEN_MAX {
            return Err(Rejection::OutboxFull(OPEN_MAX));
        }
        let first = inner.outbox.given() + 1;
        let due_before = inner.timers.peek().map(|(due, _)| due);
        let outcome = wanted(&mut inner, now);
        self.catch_up(&mut inner, now, true);
        let deliveries: Vec<u64> = (first..=inner.outbox.given()).collect();
        let overtaking = inner.outbox.overtaking(&deliveries);
        let event = match outcome {
            Ok(event) => event,
            Err(refusal) => {
                // What came about on the way is told all the same.
                drop(inner);
                drop(Hold {
                    world: Arc::clone(self),
                    deliveries,
                    overtaking,
                });
                return Err(refusal);
            }
        };
        let consent = event
            .consent_handle()
            .and_then(|handle| inner.state.consent(handle))
            .cloned();
        // Waking the driver costs more than the command: only for what it has to see to. What is held wakes it later.
        let due = inner.timers.peek().map(|(due, _)| due);
        let sooner = due.is_some_and(|due| due_before.is_none_or(|before| due < before));
        let stirs = inner.outbox.has_ready() || (sooner && !inner.clock.is_frozen());
        drop(inner);
        if stirs {
            self.stirred.notify_one();
        }
        self.noticed.notify_waiters();
        let hold = Hold {
            world: Arc::clone(self),
            deliveries,
            overtaking,
        };
        Ok(Receipt {
            event,
            consent,
            message_time,
            hold,
        })
    }

    /// An id for something that is no part of the world's state.
    pub fn fresh_id(&self, kind: StreamKind) -> String {
        let mut inner = self.lock();
        inner.fresh += 1;
        let key = StreamKey {
            seed: self.seed,
            owner: &self.name,
            kind,
            ordinal: inner.fresh,
        };
        MessageId::from_random(id_bytes(key)).to_string()
    }

    /// From now on the AAs' next keys are published.
    pub fn rotate_keys(&self) {
        self.rotated.store(true, Ordering::Release);
    }

    /// Whether the AAs' next keys are published.
    pub fn has_rotated_keys(&self) -> bool {
        self.rotated.load(Ordering::Acquire)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock is a bug, but one bug must not make every later call of this world fail too.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state with all that is due done, so that no reader sees a consent alive after its expiry.
    pub(super) fn up_to_date(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.lock();
        let now = inner.clock.now(wall());
        if self.catch_up(&mut inner, now, false) > 0 {
            self.stirred.notify_one();
            self.noticed.notify_waiters();
        }
        inner
    }
}
