//! One isolated sandbox: its consents, clock, timers, journal and outbox behind one short lock.

mod course;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use tokio::sync::Notify;

use crate::domain::account::Account;
use crate::domain::api_fault::{Faults, InForce};
use crate::domain::command::{CollectData, Command, RaiseConsent};
use crate::domain::consent::{Consent, Status};
use crate::domain::customer::Customer;
use crate::domain::delivery::{Attempt, Delivery};
use crate::domain::event::Event;
use crate::domain::expectation::{Expectation, Verdict, Verified};
use crate::domain::ids::{ConsentHandle, ConsentId, MessageId, SessionId};
use crate::domain::notice::Notice;
use crate::domain::participants::Participants;
use crate::domain::persona::Persona;
use crate::domain::record::{CallRecord, Entry, EntryKind, What};
use crate::domain::refusal::Refusal;
use crate::domain::report::Grade;
use crate::domain::session::{Progression, Session};
use crate::domain::stream::{Kind, StreamKey};
use crate::domain::time::{Span, Timestamp};
use crate::domain::unaport::{FetchQuirks, Template};
use crate::engine::casting::Casting;
use crate::engine::clock::{Clock, wall};
use crate::engine::decide::linked;
use crate::engine::entropy::{id_bytes, stream, world_seed};
use crate::engine::faults::{CallFault, Called, FaultBook, NAMED_MAX, fraction};
use crate::engine::journal::Journal;
use crate::engine::outbox::{Next, OPEN_MAX, Outbox};
use crate::engine::ports::{Script, Setting};
use crate::engine::report::grade;
use crate::engine::state::State;
use crate::engine::timers::{Scripted, Timers, Work};
use crate::engine::verify::judge;
use crate::engine::world::course::webhook_record;
use crate::engine::worlds::DEFAULT_WORLD;

/// Different remarks kept per world, and how long one may be: they quote what callers sent.
const NOTES_MAX: usize = 1_000;
const NOTE_CHARS_MAX: usize = 300;

/// Answers kept per world, so that later ones can be stale.
const ANSWERS_MAX: usize = 1_000;

/// How long the explanation of a bad signature may be: it quotes the sender's header and body.
const FLAW_CHARS_MAX: usize = 4_000;

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
    stored: HashMap<ConsentHandle, VecDeque<Notice>>,
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
        f.debug_struct("Inner").field("clock", &self.clock).field("consents", &self.state.len()).finish_non_exhaustive()
    }
}

/// What a caller gets for an accepted command.
#[derive(Debug)]
pub struct Receipt {
    /// What the command made true last.
    pub event: Event,
    /// The consent that it was about, as it stands now.
    consent: Option<Arc<Consent>>,
    /// The instant that the answer carries ([`Clock::message_time`]).
    pub message_time: Timestamp,
    /// Keep it until the response has been handed over; dropping it lets the webhooks go that the command caused.
    pub hold: Hold,
}

impl Receipt {
    /// The consent as it stands now. For commands that are about one.
    pub fn consent(&self) -> &Arc<Consent> {
        self.consent.as_ref().expect("the command was about a consent")
    }

    /// The data session as the command left it. For commands that are about one.
    pub fn session(&self) -> &Arc<Session> {
        self.event.session().expect("the command was about a session")
    }
}

/// Holds webhooks back. Their order against the response matters: an FIU that is told about a consent whose handle
/// it has not yet been given is a bug of the sender.
#[derive(Debug)]
pub struct Hold {
    world: Arc<World>,
    deliveries: Vec<u64>,
    /// Those that are to arrive before the response does.
    overtaking: Vec<u64>,
}

impl Hold {
    /// Waits until what is to overtake the response has been sent once.
    pub async fn overtaken(&self) {
        if self.overtaking.is_empty() {
            return;
        }
        let waits = |inner: &Inner, id: &u64| inner.outbox.awaits_its_first_attempt(*id);
        let sent = |world: &World| {
            let inner = world.lock();
            world.is_closed() || !self.overtaking.iter().any(|id| waits(&inner, id))
        };
        self.world.settled_when(sent).await;
    }

    /// Whether there is nothing to hold back.
    pub fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.deliveries.is_empty() {
            self.world.lock().outbox.release(&self.deliveries);
            self.world.stirred.notify_one();
        }
    }
}

/// What may be done to a clock at once; moving it on is [`crate::engine::advance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// Time stands, from now or from an instant on.
    Freeze { at: Option<Timestamp> },
    /// Time runs on from where it is.
    Run,
    /// It is this instant; whether time stands or runs stays as it is.
    Set { to: Timestamp },
}

impl std::fmt::Display for ClockChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Freeze { at: None } => write!(f, "frozen"),
            Self::Freeze { at: Some(at) } => write!(f, "frozen at {at}"),
            Self::Run => write!(f, "let run"),
            Self::Set { to } => write!(f, "set to {to}"),
        }
    }
}

/// Why a clock was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockRefused {
    #[error("the world has {count} consents, whose time would jump; move it with clock/advance, or reset the world")]
    HasConsents { count: usize },
    #[error("somebody advances this world's clock; wait until that is done")]
    Advancing,
}

/// What goes wrong with a call.
#[derive(Clone, Debug, Default)]
pub struct CallFaults {
    pub found: Vec<CallFault>,
    /// A later answer may be this one's again.
    pub may_be_repeated: bool,
}

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
        if self.name() == DEFAULT_WORLD { String::new() } else { format!("/w/{}", self.name) }
    }

    /// The seed that this world's ids and data are drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What the world seals tokens with.
    pub fn secret(&self) -> [u8; 32] {
        let mut secret = [0; 32];
        stream(StreamKey { seed: self.seed, owner: &self.name, kind: Kind::RefreshSecret, ordinal: 0 })
            .fill_bytes(&mut secret);
        secret
    }

    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    /// Who takes part.
    pub fn participants(&self) -> Arc<Participants> {
        Arc::clone(&self.participants.read().unwrap_or_else(PoisonError::into_inner))
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
        let mut participants = self.participants.write().unwrap_or_else(PoisonError::into_inner);
        let changed = Arc::new(change(&participants)?);
        *participants = Arc::clone(&changed);
        drop(participants);
        let mut inner = self.lock();
        let now = inner.clock.now(wall());
        inner.journal.write(now, What::Note { text: remark.to_owned() });
        Ok(changed)
    }

    /// Gives a command on behalf of a caller.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing has changed then.
    pub fn submit(self: &Arc<Self>, command: Command) -> Result<Receipt, Refusal> {
        let script = match &command {
            Command::RaiseConsent(raise) => self.cast(raise)?,
            _ => None,
        };
        self.give(|inner, now| {
            if let Command::CollectData(CollectData { session, .. }) | Command::CollectKept(session) = &command {
                self.count_poll(inner, *session, now);
            }
            self.carry_out(inner, command, script, now, true)
        })
    }

    /// What would drive a consent that is raised now.
    ///
    /// # Errors
    /// [`Refusal::UnknownScenario`] when it is asked for by a name that nobody has.
    pub fn cast(&self, raise: &RaiseConsent) -> Result<Option<Arc<dyn Script>>, Refusal> {
        let participants = self.participants();
        let usual = participants.aa(&raise.aa).and_then(|aa| aa.scenario.as_deref());
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
    pub fn play(self: &Arc<Self>, handle: ConsentHandle, script: &dyn Script) -> Result<Receipt, Refusal> {
        self.give(|inner, now| {
            let find = |inner: &Inner| inner.state.consent(handle).filter(|consent| !consent.hidden).cloned();
            let consent = find(inner).ok_or_else(|| Refusal::UnknownHandle(handle.to_string()))?;
            let begins = Event::ConsentRaised { consent: Arc::clone(&consent) };
            let mut last = begins.clone();
            for later in script.react(&begins, &consent) {
                if later.after > Span::ZERO {
                    let scripted = Scripted { handle, command: later.command, origin: later.origin, immediate: false };
                    inner.timers.add(now.plus(later.after), Work::Scripted(Box::new(scripted)));
                } else {
                    last = self.carry_out(inner, later.command, None, now, true)?;
                }
            }
            Ok(if last.handle() == Some(handle) { last } else { Event::ConsentRaised { consent } })
        })
    }

    /// Lets a scenario drive a consent from now on; its steps begin now.
    ///
    /// # Errors
    /// A [`Refusal`] when there is no such consent, or no such scenario.
    pub fn pin(self: &Arc<Self>, handle: ConsentHandle, scenario: &str) -> Result<Receipt, Refusal> {
        let script = self.casting().named(scenario, &*self.setting.director)?;
        self.give(|inner, now| {
            let consent = inner.state.consent(handle).filter(|consent| !consent.hidden).cloned();
            let consent = consent.ok_or_else(|| Refusal::UnknownHandle(handle.to_string()))?;
            let text = format!("{} drives {handle} from now on", script.name());
            inner.journal.write(now, What::Note { text });
            self.recast(inner, &consent, &script, now);
            Ok(Event::ConsentRaised { consent })
        })
    }

    /// Whether a command would be refused now. Nothing changes.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn consider(&self, command: Command) -> Result<(), Refusal> {
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
    pub fn submit_all(self: &Arc<Self>, commands: Vec<Command>) -> Result<Receipt, Refusal> {
        self.give(|inner, now| {
            for command in &commands {
                self.decide(inner, command.clone(), now)?;
            }
            let carry_out = |command| self.carry_out(inner, command, None, now, true);
            let events: Result<Vec<_>, _> = commands.into_iter().map(carry_out).collect();
            Ok(events.expect("each is legal").pop().expect("there is a command"))
        })
    }

    /// Does what a caller wants under the lock, and what is due by then; holds the webhooks that it causes.
    fn give(
        self: &Arc<Self>,
        wanted: impl FnOnce(&mut Inner, Timestamp) -> Result<Event, Refusal>,
    ) -> Result<Receipt, Refusal> {
        let mut inner = self.up_to_date();
        let wall = wall();
        let (now, message_time) = (inner.clock.now(wall), inner.clock.message_time(wall));
        if inner.outbox.open_len() >= OPEN_MAX {
            return Err(Refusal::OutboxFull(OPEN_MAX));
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
                drop(Hold { world: Arc::clone(self), deliveries, overtaking });
                return Err(refusal);
            }
        };
        let consent = event.handle().and_then(|handle| inner.state.consent(handle)).cloned();
        // Waking the driver costs more than the command: only for what it has to see to. What is held wakes it later.
        let due = inner.timers.peek().map(|(due, _)| due);
        let sooner = due.is_some_and(|due| due_before.is_none_or(|before| due < before));
        let stirs = inner.outbox.has_ready() || (sooner && !inner.clock.is_frozen());
        drop(inner);
        if stirs {
            self.stirred.notify_one();
        }
        self.noticed.notify_waiters();
        let hold = Hold { world: Arc::clone(self), deliveries, overtaking };
        Ok(Receipt { event, consent, message_time, hold })
    }

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

    /// The consent templates that the FIU's organisation has saved, newest first, and those that it has from the start.
    pub fn templates(&self, fiu: &str) -> Vec<Arc<Template>> {
        let inner = self.lock();
        let own = inner.state.templates().iter().rev().filter(|template| template.fiu.as_deref() == Some(fiu));
        let participants = self.participants();
        let theirs = |template: &&Arc<Template>| {
            participants.fiu(&template.plan.consumer).is_none_or(|owner| *owner.entity.id == *fiu)
        };
        own.chain(self.setting.unaport.templates.iter().filter(theirs)).cloned().collect()
    }

    /// The data notifications of a Unaport consent, newest first.
    pub fn stored_notices(&self, handle: ConsentHandle) -> Vec<Notice> {
        self.up_to_date().stored.get(&handle).map(|notices| notices.iter().rev().cloned().collect()).unwrap_or_default()
    }

    /// The oddities that the consent's scenario asks for.
    pub fn fetch_quirks(&self, handle: ConsentHandle) -> FetchQuirks {
        self.lock().scripts.get(&handle).map(|script| script.fetch_quirks()).unwrap_or_default()
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

    /// The name of the persona whose life this customer lives now.
    pub fn persona_of(&self, address: &str) -> Arc<str> {
        let inner = self.up_to_date();
        let life = inner.state.life(address);
        Arc::clone(&life.map_or(&self.setting.persona, |life| &life.persona).name)
    }

    /// Up to `limit` sessions in the order in which they were opened, from the `skip`th on.
    pub fn sessions(&self, skip: usize, limit: usize) -> Vec<Arc<Session>> {
        self.up_to_date().state.sessions(skip).take(limit).cloned().collect()
    }

    /// Addresses of the customers who have been mentioned, sorted, from the `skip`th on.
    pub fn customers(&self, skip: usize, limit: usize) -> Vec<Arc<str>> {
        self.up_to_date().state.customer_addresses().into_iter().skip(skip).take(limit).collect()
    }

    /// What has been said about a customer, if anything; and all accounts at the simulated FIPs, each with whether it
    /// is linked.
    pub fn customer(&self, address: &str) -> (Option<Customer>, Vec<(Account, bool)>) {
        let participants = self.participants();
        let held = |customer: &str, persona: &Persona| self.accounts(customer, persona);
        let inner = self.up_to_date();
        let now = inner.clock.now(wall());
        let given = self.circumstances(now, &participants, &held, &|_| Progression::Immediate);
        let life = given.life(&inner.state, address);
        let linked = linked(&inner.state, address, &life, &given);
        let of = |account: Account| {
            let link = linked.iter().find(|link| link.is(&account.fip, &account.account_ref));
            // A FIP may have named the link otherwise than we would.
            (link.cloned().unwrap_or(account), link.is_some())
        };
        let held = self.accounts(address, &life.persona).into_iter().map(|held| of(held.account));
        (inner.state.customer(address).cloned(), held.collect())
    }

    /// Up to `limit` consents in the order in which they were raised, from the `skip`th on.
    pub fn consents(&self, skip: usize, limit: usize) -> Vec<Arc<Consent>> {
        self.up_to_date().state.consents(skip).take(limit).cloned().collect()
    }

    /// The name of the scenario that drives the consent.
    pub fn scenario_of(&self, handle: ConsentHandle) -> Option<String> {
        self.lock().scripts.get(&handle).map(|script| script.name().to_owned())
    }

    /// World time.
    pub fn now(&self) -> Timestamp {
        self.lock().clock.now(wall())
    }

    /// The instant that messages of ours carry now ([`Clock::message_time`]).
    pub fn message_time(&self) -> Timestamp {
        self.lock().clock.message_time(wall())
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

    /// What goes wrong with a call: by the faults that are in force by name, by the consent's scenario, or by the one that
    /// would drive it, and as somebody has set for the consent.
    pub fn faults_of_call(
        &self,
        called: Called<'_>,
        consent: Option<ConsentHandle>,
        script: Option<&dyn Script>,
    ) -> CallFaults {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let wall = wall();
        let mut found =
            if inner.faults.is_empty() { Vec::new() } else { inner.faults.of_call(called, self.seed, wall) };
        let own = consent.and_then(|handle| inner.scripts.get(&handle)).cloned();
        if let Some(script) = own.as_deref().or(script) {
            found.extend(inner.faults.of_scripted_call((script.name(), script.faults()), called, self.seed, wall));
        }
        if let Some(latency) = consent.and_then(|handle| inner.state.pace(handle).latency) {
            inner.fresh += 1;
            let key = StreamKey { seed: self.seed, owner: &self.name, kind: Kind::Fault, ordinal: inner.fresh };
            let mut rng = stream(key);
            found.push(CallFault::slow(latency, (fraction(&mut rng), fraction(&mut rng))));
        }
        let scripted = || own.as_deref().or(script).is_some_and(|script| script.faults().may_repeat_answers());
        CallFaults { may_be_repeated: scripted() || inner.faults.may_repeat_answers(), found }
    }

    /// Keeps an answer, so that a later one can be stale; gives the one that was kept before.
    pub fn swap_answer(&self, call: &str, answer: Bytes) -> Option<Bytes> {
        let mut inner = self.lock();
        if inner.answers.len() >= ANSWERS_MAX && !inner.answers.contains_key(call) {
            inner.answers.clear();
        }
        inner.answers.insert(call.to_owned(), answer)
    }

    /// Puts a call and its answer on record.
    pub fn record_call(&self, call: CallRecord) {
        let mut inner = self.lock();
        let now = inner.clock.now(wall());
        inner.journal.write(now, What::Call(Arc::new(call)));
        drop(inner);
        self.noticed.notify_waiters();
    }

    /// Puts faults in force, for `ttl` of wall time; `text` is how they were given.
    ///
    /// # Errors
    /// How many there may be.
    pub fn put_faults(&self, name: &str, faults: Faults, ttl: Option<Span>, text: &str) -> Result<(), usize> {
        let set = InForce { faults: Arc::new(faults), text: text.into(), until: ttl.map(|ttl| wall().plus(ttl)) };
        let mut inner = self.lock();
        if !inner.faults.put(name, set) {
            return Err(NAMED_MAX);
        }
        let now = inner.clock.now(wall());
        inner.journal.write(now, What::Note { text: format!("the faults {name} are in force") });
        Ok(())
    }

    /// Takes faults out of force; whether there were any.
    pub fn remove_faults(&self, name: &str) -> bool {
        let mut inner = self.lock();
        let removed = inner.faults.remove(name);
        if removed {
            let now = inner.clock.now(wall());
            inner.journal.write(now, What::Note { text: format!("the faults {name} are in force no longer") });
        }
        removed
    }

    /// The faults in force, by name.
    pub fn faults(&self) -> Vec<(String, InForce)> {
        let mut inner = self.lock();
        inner.faults.forget_past(wall());
        inner.faults.named().iter().map(|(name, set)| (name.clone(), set.clone())).collect()
    }

    /// Puts on record that somebody has done something to the world.
    pub fn remark(&self, text: String) {
        let mut inner = self.lock();
        let now = inner.clock.now(wall());
        inner.journal.write(now, What::Note { text });
    }

    /// Puts a remark for people on record, once: a remark that every request earns would push all else out.
    pub fn note(&self, text: &str) {
        let text: String = text.chars().take(NOTE_CHARS_MAX).collect();
        let mut inner = self.lock();
        if inner.noted.contains(&text) || inner.noted.len() > NOTES_MAX {
            return;
        }
        let full = inner.noted.len() == NOTES_MAX;
        let text =
            if full { format!("{NOTES_MAX} different notes were written; further ones are not kept") } else { text };
        inner.noted.insert(text.clone());
        let now = inner.clock.now(wall());
        inner.journal.write(now, What::Note { text });
    }

    /// Puts on record why a signature did not verify.
    pub fn record_flaw(&self, text: &str) {
        let text = text.chars().take(FLAW_CHARS_MAX).collect();
        let mut inner = self.lock();
        let now = inner.clock.now(wall());
        inner.journal.write(now, What::SignatureFlaw { text });
    }

    /// An id for something that is no part of the world's state.
    pub fn fresh_id(&self, kind: Kind) -> String {
        let mut inner = self.lock();
        inner.fresh += 1;
        let key = StreamKey { seed: self.seed, owner: &self.name, kind, ordinal: inner.fresh };
        MessageId::from_random(id_bytes(key)).to_string()
    }

    /// Up to `limit` journal entries numbered above `after`, and the number of the newest one.
    pub fn journal(&self, after: u64, limit: usize) -> (Vec<Entry>, u64) {
        let inner = self.up_to_date();
        (inner.journal.after(after, limit), inner.journal.written())
    }

    /// Up to `limit` journal entries numbered above `after` that are wanted, and the number of the last one looked at.
    pub fn journal_where(&self, after: u64, limit: usize, wanted: impl Fn(&Entry) -> bool) -> (Vec<Entry>, u64) {
        let inner = self.up_to_date();
        let entries: Vec<_> = inner.journal.since(after).filter(|entry| wanted(entry)).take(limit).cloned().collect();
        let looked_at = entries.last().filter(|_| entries.len() == limit).map(|entry| entry.seq);
        (entries, looked_at.unwrap_or(inner.journal.written()))
    }

    /// How many entries of these kinds the journal has forgotten.
    pub fn evicted(&self, kinds: impl Fn(EntryKind) -> bool) -> u64 {
        self.lock().journal.evicted(kinds)
    }

    /// Judges an expectation by what there is now.
    pub fn judge(&self, expectation: &Expectation) -> Verdict {
        let inner = self.up_to_date();
        judge(&inner.journal, &inner.state, expectation)
    }

    /// Judges an expectation when it is met, or when there was time enough, in wall time; at once where it says no time.
    pub async fn verify(&self, expectation: &Expectation) -> Verdict {
        let met = |world: &Self| Some(world.judge(expectation)).filter(|verdict| verdict.outcome == Verified::Met);
        let within = expectation.within.unwrap_or_default();
        self.noticed_within(within, met).await.unwrap_or_else(|| self.judge(expectation))
    }

    /// Waits until something can be found, for so long of wall time.
    pub async fn noticed_within<T>(&self, within: Span, find: impl Fn(&Self) -> Option<T>) -> Option<T> {
        let looking = async {
            loop {
                let noticed = self.noticed.notified();
                tokio::pin!(noticed);
                noticed.as_mut().enable();
                if let Some(found) = find(self) {
                    return Some(found);
                }
                if self.is_closed() {
                    return None;
                }
                noticed.await;
            }
        };
        let within = Duration::from_millis(u64::try_from(within.0).unwrap_or_default());
        match tokio::time::timeout(within, looking).await {
            Ok(found) => found,
            Err(_) => find(self),
        }
    }

    /// How the FIUs have behaved.
    pub fn report(&self) -> Vec<Grade> {
        let inner = self.up_to_date();
        let traffic = |kind| matches!(kind, EntryKind::Call(_) | EntryKind::Webhook(_));
        grade(inner.journal.since(0), inner.journal.evicted(traffic))
    }

    /// Sets the clock, if the world has no consents yet whose time that would turn back.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn set_clock(&self, change: ClockChange) -> Result<(), ClockRefused> {
        if self.advancing.load(Ordering::Acquire) {
            return Err(ClockRefused::Advancing);
        }
        let mut inner = self.up_to_date();
        let wall = wall();
        let now = inner.clock.now(wall);
        let target = match change {
            ClockChange::Freeze { at: Some(at) } | ClockChange::Set { to: at } => at,
            ClockChange::Freeze { at: None } | ClockChange::Run => now,
        };
        if target != now && inner.state.len() > 0 {
            return Err(ClockRefused::HasConsents { count: inner.state.len() });
        }
        inner.clock = match change {
            ClockChange::Freeze { .. } => Clock::Frozen { at: target },
            ClockChange::Set { .. } if inner.clock.is_frozen() => Clock::Frozen { at: target },
            ClockChange::Set { .. } | ClockChange::Run => Clock::running_from(target, wall),
        };
        inner.journal.write(target, What::Note { text: format!("the clock was {change}") });
        drop(inner);
        self.stirred.notify_one();
        Ok(())
    }

    /// The first `limit` deliveries on record with an id above `after`.
    pub fn deliveries(&self, after: u64, limit: usize) -> Vec<Delivery> {
        self.up_to_date().outbox.deliveries(after, limit)
    }

    pub fn delivery(&self, id: u64) -> Option<Delivery> {
        self.up_to_date().outbox.delivery(id)
    }

    /// Runs what is due and takes the webhooks that may be sent. For whoever drives the world.
    pub fn take_ready(&self) -> Vec<Delivery> {
        let mut inner = self.up_to_date();
        // Asked under the lock: what is taken is seen by whoever waits for it to end.
        if self.wants_driving() { inner.outbox.take_ready() } else { Vec::new() }
    }

    /// Records the end of an attempt.
    pub fn attempted(&self, id: u64, attempt: Attempt) {
        let mut inner = self.lock();
        let now = inner.clock.now(wall());
        let outcome = attempt.outcome.to_string();
        if let Next::RetryAt(at) = inner.outbox.attempted(id, attempt, now) {
            inner.timers.add(at, Work::Retry(id));
        }
        if let Some(delivery) = inner.outbox.delivery(id) {
            inner.journal.write(now, webhook_record(&delivery, outcome));
        }
        drop(inner);
        self.settle();
    }

    /// Records what would have been sent to an FIU that has no base URL.
    pub fn shelve(&self, id: u64) {
        let mut inner = self.lock();
        inner.outbox.shelve(id);
        if let Some(delivery) = inner.outbox.delivery(id) {
            let now = inner.clock.now(wall());
            inner.journal.write(now, webhook_record(&delivery, "not sent: the FIU has no address".to_owned()));
        }
        drop(inner);
        self.settle();
    }

    /// Sends a webhook once more.
    ///
    /// # Errors
    /// [`Refusal::NotResendable`] while it is on its way.
    pub fn resend(&self, id: u64) -> Result<(), Refusal> {
        let resent = self.up_to_date().outbox.resend(id);
        self.stirred.notify_one();
        resent.map_err(|progress| Refusal::NotResendable(progress.as_str()))
    }

    fn settle(&self) {
        self.settled.notify_waiters();
        self.noticed.notify_waiters();
        self.stirred.notify_one();
    }

    /// How long until the next work is due; `None` while nothing is, or the clock stands.
    pub fn idle_for(&self) -> Option<Span> {
        let mut inner = self.lock();
        let wall = wall();
        match inner.clock {
            Clock::Frozen { .. } | Clock::Moving { .. } => None,
            Clock::Running { .. } => Some(Self::next_due(&mut inner)?.since(inner.clock.now(wall)).max(Span::ZERO)),
        }
    }

    /// Waits until there may be something to do.
    pub async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// Whether no webhook is on its way; those that wait for a later retry do not count. A closed world has none.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_closed() || self.lock().outbox.is_quiet()
    }

    /// Waits until no webhook is on its way.
    pub(super) async fn quiet(&self) {
        self.settled_when(Self::is_quiet).await;
    }

    /// Begins no more attempts, and waits until those under way have ended.
    pub async fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.stirred.notify_one();
        self.settled_when(|world| world.is_closed() || world.lock().outbox.is_idle()).await;
    }

    async fn settled_when(&self, condition: impl Fn(&Self) -> bool) {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if condition(self) {
                return;
            }
            settled.await;
        }
    }

    /// The world was reset or deleted: nothing is sent for it any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.stirred.notify_one();
        self.settled.notify_waiters();
        self.noticed.notify_waiters();
    }

    /// Waits until the world is reset or deleted.
    pub async fn closed(&self) {
        self.settled_when(Self::is_closed).await;
    }

    /// Whether somebody has to see to what becomes due and ready.
    pub fn wants_driving(&self) -> bool {
        !self.is_closed() && !self.draining.load(Ordering::Acquire)
    }

    /// From now on the AAs' next keys are published.
    pub fn rotate_keys(&self) {
        self.rotated.store(true, Ordering::Release);
    }

    /// Whether the AAs' next keys are published.
    pub fn has_rotated_keys(&self) -> bool {
        self.rotated.load(Ordering::Acquire)
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
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
