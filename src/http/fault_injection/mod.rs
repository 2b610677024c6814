//! Faults injected into the response of a call. They are planned once per call, as soon as its
//! subject is known and before any command runs; `response` applies them when it sends the
//! response. The rules themselves, and their counters, are the engine's.

mod content;
mod transport;

use std::cell::RefCell;
use std::sync::Arc;

use crate::domain::api_fault::{ApiFault, ApiFaultName, StatusFault};
use crate::domain::command::RaiseConsent;
use crate::domain::consent::Consent;
use crate::domain::ids::ConsentHandle;
use crate::domain::participants::Member;
use crate::domain::time::Millis;
use crate::engine::faults::{CallFault, CallSubject};
use crate::engine::world::{CallFaults, Receipt, World};
use crate::http::call::Call;
use crate::wire::api_error::ApiError;

pub use self::content::{InjectionContext, inject_content_faults};
pub use self::transport::{ClientSocket, FaultyBody};

/// Facts about a call that the journal and faults need, gathered while it is handled.
#[derive(Debug, Default)]
pub struct CallContext(RefCell<ContextState>);

#[derive(Debug, Default)]
struct ContextState {
    fiu: Option<Arc<str>>,
    customer: Option<Arc<str>>,
    handle: Option<ConsentHandle>,
    /// `true` once the faults of the call have been planned; they are planned only once.
    faults_planned: bool,
    faults: CallFaults,
}

/// FIU, customer and consent of a call.
#[derive(Clone, Debug, Default)]
pub struct CallParties {
    pub fiu: Option<Arc<str>>,
    pub customer: Option<Arc<str>>,
    pub handle: Option<ConsentHandle>,
}

impl CallContext {
    pub fn subject(&self) -> CallParties {
        let state = self.0.borrow();
        CallParties {
            fiu: state.fiu.clone(),
            customer: state.customer.clone(),
            handle: state.handle,
        }
    }

    /// Returns the planned and the requested faults.
    pub fn planned_faults(&self) -> Vec<CallFault> {
        self.0.borrow().faults.faults.clone()
    }

    /// Returns whether a later call may receive this call's response again.
    pub fn is_replayable(&self) -> bool {
        self.0.borrow().faults.is_repeatable
    }
}

impl Call {
    /// Records the participant that the key or token belongs to.
    pub fn bind_member(&self, member: &Member) {
        self.bind_fiu(&member.entity().id);
    }

    pub fn bind_fiu(&self, id: &Arc<str>) {
        self.context().0.borrow_mut().fiu = Some(Arc::clone(id));
    }

    /// Records that the call is about this consent, and plans its faults.
    ///
    /// # Errors
    /// [`ApiError::InjectedStatus`] when a fault rejects the call.
    pub fn bind_consent(&self, world: &World, consent: &Consent) -> Result<(), ApiError> {
        {
            let mut state = self.context().0.borrow_mut();
            state.customer = Some(Arc::clone(&consent.terms.customer));
            state.handle = Some(consent.handle);
            state.fiu.get_or_insert_with(|| Arc::clone(&consent.fiu));
        }
        self.plan_faults(world)
    }

    /// Raises a consent whose scenario gives the faults of the call too.
    ///
    /// # Errors
    /// [`ApiError::InjectedStatus`] when a fault rejects the call; [`ApiError::Rejected`] when the
    /// engine does. No consent was raised then.
    ///
    /// # Panics
    /// When the route of the call has no operation.
    pub fn raise_with_faults(
        &self,
        world: &Arc<World>,
        raise: RaiseConsent,
    ) -> Result<Receipt, ApiError> {
        let customer = Arc::clone(&raise.terms.customer);
        let fiu = {
            let mut state = self.context().0.borrow_mut();
            state.customer = Some(Arc::clone(&customer));
            Arc::clone(state.fiu.get_or_insert_with(|| Arc::clone(&raise.fiu)))
        };
        let target = CallSubject {
            op: self.op().expect("a route that raises consents has one"),
            customer: Some(&*customer),
            fiu: Some(&*fiu),
        };
        world.raise_consent(raise, target, |faults| self.accept_faults(faults))
    }

    /// Records the handle of the consent that the call has raised.
    pub fn record_handle(&self, consent: &Consent) {
        self.context().0.borrow_mut().handle = Some(consent.handle);
    }

    /// Records the customer of the call, if it has one, and plans its faults.
    ///
    /// # Errors
    /// [`ApiError::InjectedStatus`] when a fault rejects the call.
    pub fn bind_customer(
        &self,
        world: &World,
        customer: Option<&Arc<str>>,
    ) -> Result<(), ApiError> {
        if let Some(customer) = customer {
            self.context().0.borrow_mut().customer = Some(Arc::clone(customer));
        }
        self.plan_faults(world)
    }

    /// Plans the faults of the call unless they have been planned.
    fn plan_faults(&self, world: &World) -> Result<(), ApiError> {
        let state = self.context().0.borrow();
        if state.faults_planned {
            return Ok(());
        }
        let Some(op) = self.op() else { return Ok(()) };
        let target = CallSubject {
            op,
            customer: state.customer.as_deref(),
            fiu: state.fiu.as_deref(),
        };
        let planned = world.faults().plan_call_faults(target, state.handle);
        drop(state);
        self.accept_faults(planned)
    }

    /// Stores the planned faults beside the requested ones.
    ///
    /// # Errors
    /// [`ApiError::InjectedStatus`] when one of them rejects the call.
    fn accept_faults(&self, planned: CallFaults) -> Result<(), ApiError> {
        let mut state = self.context().0.borrow_mut();
        state.faults_planned = true;
        let requested = std::mem::replace(&mut state.faults, planned).faults;
        state.faults.faults.extend(requested);
        scripted_error(&state.faults.faults).map_or(Ok(()), Err)
    }

    /// Adds a fault that the caller requested.
    pub fn request_fault(&self, fault: ApiFault, delay: Millis) {
        self.context()
            .0
            .borrow_mut()
            .faults
            .faults
            .push(CallFault { fault, delay });
    }
}

/// Returns the error status that a fault injects, if one does.
fn scripted_error(faults: &[CallFault]) -> Option<ApiError> {
    faults
        .iter()
        .find_map(|CallFault { fault, .. }| match fault {
            ApiFault::Status(StatusFault {
                status,
                retry_after,
                error_code,
            }) => Some(ApiError::InjectedStatus {
                status: *status,
                code: *error_code,
                // `Retry-After` has whole seconds: round up.
                retry_after_s: retry_after.map(|after| (after.0 + 999) / 1000),
            }),
            _ => None,
        })
}

/// Returns the names of faults.
pub fn fault_names(faults: &[CallFault]) -> Vec<ApiFaultName> {
    faults.iter().map(|fault| fault.fault.name()).collect()
}
