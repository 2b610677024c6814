//! Faults injected into the response of a call, which [`crate::http::call_context`] has planned.

mod content;
mod transport;

use crate::domain::api_fault::ApiFaultName;
use crate::engine::faults::CallFault;

pub(crate) use self::content::{InjectionContext, inject_content_faults};
pub(crate) use self::transport::FaultyBody;

/// Returns the names of faults.
pub(crate) fn fault_names(faults: &[CallFault]) -> Vec<ApiFaultName> {
    faults.iter().map(|fault| fault.fault.name()).collect()
}
