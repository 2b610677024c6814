//! What is made to go wrong with an answer: decided once per call, when it is known whom the call is about and before
//! anything is done; carried out when the answer leaves.

mod content;
mod stream;

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

pub use self::content::{Seal, edit};
pub use self::stream::{Manner, Spoilt, Wire};

/// What is known of a call, as far as the journal and faults care.
#[derive(Debug, Default)]
pub struct Dossier(RefCell<Known>);

#[derive(Debug, Default)]
struct Known {
    fiu: Option<Arc<str>>,
    customer: Option<Arc<str>>,
    handle: Option<ConsentHandle>,
    /// What goes wrong has been decided.
    decided: bool,
    faults: CallFaults,
}

/// Of whom a call was, and about whom.
#[derive(Clone, Debug, Default)]
pub struct Parties {
    pub fiu: Option<Arc<str>>,
    pub customer: Option<Arc<str>>,
    pub handle: Option<ConsentHandle>,
}

impl Dossier {
    pub fn parties(&self) -> Parties {
        let known = self.0.borrow();
        Parties {
            fiu: known.fiu.clone(),
            customer: known.customer.clone(),
            handle: known.handle,
        }
    }

    /// Everything that is to go wrong.
    pub fn faults(&self) -> Vec<CallFault> {
        self.0.borrow().faults.faults.clone()
    }

    /// Whether a later answer may be this one's again.
    pub fn may_be_repeated(&self) -> bool {
        self.0.borrow().faults.is_repeatable
    }
}

impl Call {
    /// Whose key or token it was.
    pub fn is_from(&self, member: &Member) {
        self.is_from_fiu(&member.entity().id);
    }

    pub fn is_from_fiu(&self, id: &Arc<str>) {
        self.dossier().0.borrow_mut().fiu = Some(Arc::clone(id));
    }

    /// The call is about this consent. What goes wrong with it is decided now.
    ///
    /// # Errors
    /// [`Problem::Scripted`] when the call is to be refused.
    pub fn is_about(&self, world: &World, consent: &Consent) -> Result<(), ApiError> {
        {
            let mut known = self.dossier().0.borrow_mut();
            known.customer = Some(Arc::clone(&consent.terms.customer));
            known.handle = Some(consent.handle);
            known.fiu.get_or_insert_with(|| Arc::clone(&consent.fiu));
        }
        self.decide(world, None)
    }

    /// The call would raise this consent. What goes wrong with it is decided now.
    ///
    /// # Errors
    /// [`Problem::Scripted`] when the call is to be refused, or that the scenario asked for is not known.
    pub fn would_raise(&self, world: &World, raise: &RaiseConsent) -> Result<(), ApiError> {
        {
            let mut known = self.dossier().0.borrow_mut();
            known.customer = Some(Arc::clone(&raise.terms.customer));
            known.fiu.get_or_insert_with(|| Arc::clone(&raise.fiu));
        }
        let script = world.select_scenario(raise)?;
        self.decide(world, script.as_deref())
    }

    /// The call has raised this consent.
    pub fn has_raised(&self, consent: &Consent) {
        self.dossier().0.borrow_mut().handle = Some(consent.handle);
    }

    /// The call is about a customer, or about nobody. What goes wrong with it is decided now, if that has not been done.
    ///
    /// # Errors
    /// [`Problem::Scripted`] when the call is to be refused.
    pub fn is_about_customer(
        &self,
        world: &World,
        customer: Option<&Arc<str>>,
    ) -> Result<(), ApiError> {
        if let Some(customer) = customer {
            self.dossier().0.borrow_mut().customer = Some(Arc::clone(customer));
        }
        self.decide(world, None)
    }

    fn decide(&self, world: &World, script: Option<&dyn ScenarioPlan>) -> Result<(), ApiError> {
        let mut known = self.dossier().0.borrow_mut();
        if known.decided {
            return Ok(());
        }
        known.decided = true;
        let (customer, fiu, handle) = (known.customer.clone(), known.fiu.clone(), known.handle);
        let Some(op) = self.op() else { return Ok(()) };
        let called = CallSubject {
            op,
            customer: customer.as_deref(),
            fiu: fiu.as_deref(),
        };
        let asked = std::mem::take(&mut known.faults.faults);
        known.faults = world.plan_call_faults(called, handle, script);
        known.faults.faults.extend(asked);
        refused(&known.faults.faults).map_or(Ok(()), Err)
    }

    /// The caller asks for this to go wrong.
    pub fn asks_for(&self, fault: ApiFault, delay: Millis) {
        self.dossier()
            .0
            .borrow_mut()
            .faults
            .faults
            .push(CallFault { fault, delay });
    }
}

/// The refusal that is asked for, if one is.
fn refused(faults: &[CallFault]) -> Option<ApiError> {
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
pub fn names(faults: &[CallFault]) -> Vec<ApiFaultName> {
    faults.iter().map(|fault| fault.fault.name()).collect()
}
