//! What becomes known about a call while it is handled: its FIU, customer and consent, and the faults
//! that are injected into its response. The journal and the reply need it. The faults are planned
//! once, as soon as the subject is known and before any command runs; their rules and counters are
//! the engine's.

use std::sync::Arc;

use crate::domain::api_fault::{ApiFault, StatusFault};
use crate::domain::call_facts::CallFacts;
use crate::domain::command::RaiseConsent;
use crate::domain::consent::Consent;
use crate::domain::ids::ConsentHandle;
use crate::domain::operation::Operation;
use crate::domain::participants::SignatureProfile;
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::time::Millis;
use crate::engine::faults::{CallFault, CallStage, CallSubject};
use crate::engine::world::{CallFaults, Receipt, World};
use crate::http::call_world::CallWorld;
use crate::wire::api_error::ApiError;

/// Facts about a call that are known once it has been handled.
#[derive(Debug)]
pub(crate) struct CallContext {
    /// `None` for calls that are not recorded; they have no faults.
    operation: Option<Operation>,
    parties: CallParties,
    /// Form of the response's signature: the caller's profile, once the caller is authenticated.
    signature_profile: SignatureProfile,
    /// `true` once the faults of the call have been planned; they are planned only once.
    faults_planned: bool,
    faults: CallFaults,
    /// Facts that the contract report grades.
    facts: CallFacts,
}

/// FIU, customer and consent of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallParties {
    pub fiu: Option<Arc<str>>,
    pub customer: Option<Arc<str>>,
    pub handle: Option<ConsentHandle>,
}

impl CallContext {
    pub(crate) fn for_operation(operation: Option<Operation>) -> Self {
        Self {
            operation,
            parties: CallParties::default(),
            signature_profile: SignatureProfile::Detached,
            faults_planned: false,
            faults: CallFaults::default(),
            facts: CallFacts::default(),
        }
    }

    pub(crate) fn facts(&self) -> &CallFacts {
        &self.facts
    }

    pub(crate) fn facts_mut(&mut self) -> &mut CallFacts {
        &mut self.facts
    }

    pub(crate) fn operation(&self) -> Option<Operation> {
        self.operation
    }

    pub(crate) fn parties(&self) -> &CallParties {
        &self.parties
    }

    pub(crate) fn signature_profile(&self) -> SignatureProfile {
        self.signature_profile
    }

    /// Returns the planned and the requested faults.
    pub(crate) fn faults(&self) -> &[CallFault] {
        &self.faults.faults
    }

    /// Returns whether the faults of a call about a consent or customer have been planned; calls
    /// without such a subject need not plan any.
    pub(crate) fn has_planned_faults(&self) -> bool {
        self.faults_planned || !self.operation.is_some_and(Operation::has_subject)
    }

    /// Returns whether a later call may receive this call's response again.
    pub(crate) fn is_replayable(&self) -> bool {
        self.faults.is_repeatable
    }

    /// Records the participant that the key or token belongs to.
    pub(crate) fn set_caller(&mut self, id: &Arc<str>) {
        self.parties.fiu = Some(Arc::clone(id));
    }

    pub(crate) fn set_signature_profile(&mut self, profile: SignatureProfile) {
        self.signature_profile = profile;
    }

    /// Records the handle of the consent that the call has raised.
    pub(crate) fn set_raised_consent(&mut self, consent: &Consent) {
        self.parties.handle = Some(consent.handle);
    }

    /// Records the consent that a rejected call names, if it is one of the caller.
    pub(crate) fn set_named_consent(&mut self, consent: &Consent) {
        let CallParties {
            fiu,
            customer,
            handle,
        } = &mut self.parties;
        if fiu.as_ref() == Some(&consent.fiu) {
            *handle = Some(consent.handle);
            customer.get_or_insert_with(|| Arc::clone(&consent.terms.customer));
        }
    }

    /// Adds a fault that the caller requested.
    pub(crate) fn request_fault(&mut self, fault: ApiFault, delay: Millis) {
        self.faults.faults.push(CallFault {
            fault,
            delay,
            rule: None,
        });
    }

    /// Plans the faults of a call about this consent.
    ///
    /// # Errors
    /// [`ApiError::InjectedStatus`] when a fault rejects the call.
    pub(crate) fn plan_consent_faults(
        &mut self,
        world: &World,
        consent: &Consent,
    ) -> Result<(), ApiError> {
        self.parties.customer = Some(Arc::clone(&consent.terms.customer));
        self.parties.handle = Some(consent.handle);
        self.parties
            .fiu
            .get_or_insert_with(|| Arc::clone(&consent.fiu));
        self.plan_faults(world)
    }

    /// Plans the faults of a call about this customer.
    ///
    /// # Errors
    /// [`ApiError::InjectedStatus`] when a fault rejects the call.
    pub(crate) fn plan_customer_faults(
        &mut self,
        world: &World,
        customer: &Arc<str>,
    ) -> Result<(), ApiError> {
        self.parties.customer = Some(Arc::clone(customer));
        self.plan_faults(world)
    }

    /// Plans the faults of the call for the parties that are known, unless they have been planned.
    ///
    /// # Errors
    /// [`ApiError::InjectedStatus`] when a fault rejects the call.
    pub(crate) fn plan_faults(&mut self, world: &World) -> Result<(), ApiError> {
        let Some(op) = self.operation.filter(|_| !self.faults_planned) else {
            return Ok(());
        };
        let planned = self.plan_stage(world, op, CallStage::Arrival);
        self.accept_faults(planned)
    }

    fn plan_stage(&self, world: &World, op: Operation, stage: CallStage) -> CallFaults {
        let subject = CallSubject {
            op,
            stage,
            customer: self.parties.customer.as_deref(),
            fiu: self.parties.fiu.as_deref(),
        };
        world
            .faults()
            .plan_call_faults(subject, self.parties.handle)
    }

    /// Plans the faults of a browser's return to the FIU. Returns the code with which one of them
    /// sends the browser back, and records that it has had an effect.
    pub(crate) fn plan_return(&mut self, world: &World) -> Option<RedirectionCode> {
        let planned = self.plan_stage(world, self.operation?, CallStage::Return);
        self.faults.faults.extend(planned.faults);
        self.faults().iter().find_map(|planned| {
            let ApiFault::Redirect(fault) = &planned.fault else {
                return None;
            };
            world.faults().mark_applied(planned.rule.as_slice());
            Some(fault.redirect.errorcode)
        })
    }

    /// Raises a consent whose scenario gives the faults of the call too.
    ///
    /// # Errors
    /// [`ApiError::InjectedStatus`] when a fault rejects the call; [`ApiError::Rejected`] when the
    /// engine does. No consent was raised then.
    ///
    /// # Panics
    /// When the call has no operation.
    pub(crate) fn raise_with_faults(
        &mut self,
        world: &CallWorld,
        raise: RaiseConsent,
    ) -> Result<Receipt, ApiError> {
        let customer = Arc::clone(&raise.terms.customer);
        self.parties.customer = Some(Arc::clone(&customer));
        let fiu = self
            .parties
            .fiu
            .get_or_insert_with(|| Arc::clone(&raise.fiu));
        let fiu = Arc::clone(fiu);
        let target = CallSubject {
            op: self
                .operation
                .expect("a call that raises consents has an operation"),
            stage: CallStage::Arrival,
            customer: Some(&*customer),
            fiu: Some(&*fiu),
        };
        world.raise_consent(raise, target, |faults| self.accept_faults(faults))
    }

    /// Stores the planned faults beside the requested ones.
    ///
    /// # Errors
    /// [`ApiError::InjectedStatus`] when one of them rejects the call.
    fn accept_faults(&mut self, planned: CallFaults) -> Result<(), ApiError> {
        self.faults_planned = true;
        let requested = std::mem::replace(&mut self.faults, planned).faults;
        self.faults.faults.extend(requested);
        scripted_error(&self.faults.faults).map_or(Ok(()), Err)
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
