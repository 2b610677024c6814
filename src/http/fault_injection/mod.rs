//! What is made to go wrong with an answer: decided once per call, when it is known whom the call is about and before
//! anything is done; carried out when the answer leaves.

mod content;
mod transport;

use std::cell::RefCell;
use std::sync::Arc;

use crate::domain::api_fault::{ApiFault, ApiFaultName};
use crate::domain::command::RaiseConsent;
use crate::domain::consent::Consent;
use crate::domain::ids::ConsentHandle;
use crate::domain::participants::Member;
use crate::domain::time::Millis;
use crate::engine::faults::{CallFault, CallSubject};
use crate::engine::ports::ScenarioPlan;
use crate::engine::world::{CallFaults, World};
use crate::http::call::Call;
use crate::wire::api_error::ApiError;
use crate::wire::rebit::error::ErrorCode;

pub use self::content::{InjectionContext, inject_content_faults};
pub use self::transport::{ClientSocket, FaultyBody, TransportFault};

/// What is known of a call, as far as the journal and faults care.
#[derive(Debug, Default)]
pub struct CallContext(RefCell<ContextState>);

#[derive(Debug, Default)]
struct ContextState {
    fiu: Option<Arc<str>>,
    customer: Option<Arc<str>>,
    handle: Option<ConsentHandle>,
    /// What goes wrong has been decided.
    faults_planned: bool,
    faults: CallFaults,
}

/// Of whom a call was, and about whom.
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

    /// Everything that is to go wrong.
    pub fn planned_faults(&self) -> Vec<CallFault> {
        self.0.borrow().faults.faults.clone()
    }

    /// Whether a later answer may be this one's again.
    pub fn is_replayable(&self) -> bool {
        self.0.borrow().faults.is_repeatable
    }
}

impl Call {
    /// Whose key or token it was.
    pub fn bind_member(&self, member: &Member) {
        self.bind_fiu(&member.entity().id);
    }

    pub fn bind_fiu(&self, id: &Arc<str>) {
        self.context().0.borrow_mut().fiu = Some(Arc::clone(id));
    }

    /// The call is about this consent. What goes wrong with it is decided now.
    ///
    /// # Errors
    /// [`Problem::Scripted`] when the call is to be refused.
    pub fn bind_consent(&self, world: &World, consent: &Consent) -> Result<(), ApiError> {
        {
            let mut state = self.context().0.borrow_mut();
            state.customer = Some(Arc::clone(&consent.terms.customer));
            state.handle = Some(consent.handle);
            state.fiu.get_or_insert_with(|| Arc::clone(&consent.fiu));
        }
        self.plan_faults(world, None)
    }

    /// The call would raise this consent. What goes wrong with it is decided now.
    ///
    /// # Errors
    /// [`Problem::Scripted`] when the call is to be refused, or that the scenario asked for is not known.
    pub fn plan_faults_for(&self, world: &World, raise: &RaiseConsent) -> Result<(), ApiError> {
        {
            let mut state = self.context().0.borrow_mut();
            state.customer = Some(Arc::clone(&raise.terms.customer));
            state.fiu.get_or_insert_with(|| Arc::clone(&raise.fiu));
        }
        let plan = world.select_scenario(raise)?;
        self.plan_faults(world, plan.as_deref())
    }

    /// The call has raised this consent.
    pub fn record_handle(&self, consent: &Consent) {
        self.context().0.borrow_mut().handle = Some(consent.handle);
    }

    /// The call is about a customer, or about nobody. What goes wrong with it is decided now, if that has not been done.
    ///
    /// # Errors
    /// [`Problem::Scripted`] when the call is to be refused.
    pub fn bind_customer(
        &self,
        world: &World,
        customer: Option<&Arc<str>>,
    ) -> Result<(), ApiError> {
        if let Some(customer) = customer {
            self.context().0.borrow_mut().customer = Some(Arc::clone(customer));
        }
        self.plan_faults(world, None)
    }

    fn plan_faults(&self, world: &World, plan: Option<&dyn ScenarioPlan>) -> Result<(), ApiError> {
        let mut state = self.context().0.borrow_mut();
        if state.faults_planned {
            return Ok(());
        }
        state.faults_planned = true;
        let (customer, fiu, handle) = (state.customer.clone(), state.fiu.clone(), state.handle);
        let Some(op) = self.op() else { return Ok(()) };
        let target = CallSubject {
            op,
            customer: customer.as_deref(),
            fiu: fiu.as_deref(),
        };
        let requested = std::mem::take(&mut state.faults.faults);
        state.faults = world.plan_call_faults(target, handle, plan);
        state.faults.faults.extend(requested);
        scripted_error(&state.faults.faults).map_or(Ok(()), Err)
    }

    /// The caller asks for this to go wrong.
    pub fn request_fault(&self, fault: ApiFault, delay: Millis) {
        self.context()
            .0
            .borrow_mut()
            .faults
            .faults
            .push(CallFault { fault, delay });
    }
}

/// The refusal that is asked for, if one is.
fn scripted_error(faults: &[CallFault]) -> Option<ApiError> {
    faults
        .iter()
        .find_map(|CallFault { fault, .. }| match fault {
            ApiFault::Status {
                status,
                retry_after,
                code,
            } => Some(ApiError::InjectedStatus {
                status: *status,
                code: code.as_deref().and_then(ErrorCode::parse),
                // A header has whole seconds; less than one is one.
                retry_after_s: retry_after.map(|after| (after.0 + 999) / 1000),
            }),
            _ => None,
        })
}

/// The names of what goes wrong.
pub fn fault_names(faults: &[CallFault]) -> Vec<ApiFaultName> {
    faults.iter().map(|fault| fault.fault.name()).collect()
}
