//! The world of a call. What is done in it has the call as its cause.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::domain::cause::{Cause, CauseKind};
use crate::domain::command::{Command, RaiseConsent};
use crate::domain::delivery::Delivery;
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::CallRecord;
use crate::domain::rejection::Rejection;
use crate::domain::scenario_plan::ScenarioPlan;
use crate::engine::faults::CallSubject;
use crate::engine::world::{CallFaults, Receipt, World};

/// A world on behalf of a call.
#[derive(Clone, Debug)]
pub(crate) struct CallWorld {
    world: Arc<World>,
    cause: Arc<CallCause>,
}

/// A call as a cause. It gets its number when it first brings something about, so that reading calls
/// take no numbers.
#[derive(Debug)]
pub(crate) struct CallCause {
    kind: CauseKind,
    origin: Cow<'static, str>,
    /// The cause, and the world that has numbered it.
    numbered: OnceLock<(Arc<Cause>, Arc<World>)>,
}

impl CallCause {
    pub(crate) fn new(kind: CauseKind, origin: Cow<'static, str>) -> Self {
        Self {
            kind,
            origin,
            numbered: OnceLock::new(),
        }
    }
}

impl Drop for CallCause {
    fn drop(&mut self) {
        if let Some((cause, world)) = self.numbered.get() {
            world.close_call(cause);
        }
    }
}

impl Deref for CallWorld {
    type Target = Arc<World>;

    fn deref(&self) -> &Arc<World> {
        &self.world
    }
}

impl CallWorld {
    pub(crate) fn new(world: Arc<World>, cause: Arc<CallCause>) -> Self {
        Self { world, cause }
    }

    /// Returns the call as the cause of what is done in the world.
    pub(crate) fn cause(&self) -> Arc<Cause> {
        let CallCause {
            kind,
            origin,
            numbered,
        } = &*self.cause;
        let (cause, _) = numbered.get_or_init(|| {
            let cause = self.world.number_call(*kind, origin.clone());
            (cause, Arc::clone(&self.world))
        });
        Arc::clone(cause)
    }

    /// Executes a command ([`World::submit`]).
    ///
    /// # Errors
    /// A [`Rejection`]; nothing has changed then.
    pub(crate) fn submit(&self, command: Command) -> Result<Receipt, Rejection> {
        self.world.submit(Some(self.cause()), command)
    }

    /// Executes several commands, all of them or none ([`World::submit_all`]).
    ///
    /// # Errors
    /// The first [`Rejection`]; nothing has changed then.
    pub(crate) fn submit_all(&self, commands: Vec<Command>) -> Result<Receipt, Rejection> {
        self.world.submit_all(Some(self.cause()), commands)
    }

    /// Raises a consent ([`World::raise_consent`]).
    ///
    /// # Errors
    /// A [`Rejection`], or the error of `accept_faults`; no consent was raised then.
    pub(crate) fn raise_consent<E: From<Rejection>>(
        &self,
        raise: RaiseConsent,
        call: CallSubject<'_>,
        accept_faults: impl FnOnce(CallFaults) -> Result<(), E>,
    ) -> Result<Receipt, E> {
        let cause = Some(self.cause());
        self.world.raise_consent(cause, raise, call, accept_faults)
    }

    /// Runs a plan's steps for a consent once ([`World::run_steps`]).
    ///
    /// # Errors
    /// A [`Rejection`]; the steps before the rejected one have taken effect.
    pub(crate) fn run_steps(
        &self,
        handle: ConsentHandle,
        plan: &ScenarioPlan,
    ) -> Result<Receipt, Rejection> {
        self.world.run_steps(Some(self.cause()), handle, plan)
    }

    /// Assigns a scenario to a consent ([`World::assign_scenario`]).
    ///
    /// # Errors
    /// [`Rejection::UnknownHandle`] or [`Rejection::UnknownScenario`].
    pub(crate) fn assign_scenario(
        &self,
        handle: ConsentHandle,
        scenario: &str,
    ) -> Result<Receipt, Rejection> {
        self.world
            .assign_scenario(Some(self.cause()), handle, scenario)
    }

    /// Queues a webhook to be sent again ([`World::resend_delivery`]).
    ///
    /// # Errors
    /// [`Rejection::NotResendable`].
    pub(crate) fn resend_delivery(&self, id: u64) -> Result<Option<Delivery>, Rejection> {
        self.world.resend_delivery(Some(self.cause()), id)
    }

    /// Records the call with its response.
    pub(crate) fn record_call(&self, call: CallRecord) {
        self.world.record_call(self.cause(), call);
    }

    /// Records an intervention in the world.
    pub(crate) fn write_note(&self, text: String) {
        self.world.write_note(Some(self.cause()), text);
    }

    /// Writes a note once ([`World::write_note_once`]).
    pub(crate) fn write_note_once(&self, text: &str) {
        self.world.write_note_once(Some(self.cause()), text);
    }

    /// Records the reason why a signature did not verify.
    pub(crate) fn record_signature_error(&self, text: &str) {
        self.world.record_signature_error(Some(self.cause()), text);
    }
}
