//! The customer's answers, as the forms of the AA's page send them.

use crate::domain::action::ConsentAction;
use crate::domain::command::Command;
use crate::domain::consent::{Consent, Input};
use crate::domain::text::quote_value;
use crate::http::params::Params;
use crate::wire::api_error::ApiError;

/// Returns the command by which a customer answers a consent.
pub(crate) fn answer_command(consent: &Consent, input: Input) -> Command {
    Command::TransitionConsent {
        handle: consent.handle,
        action: ConsentAction::with_defaults(input),
    }
}

/// Parses the answer in a form field: `approve`, `reject`, or none.
///
/// # Errors
/// [`ApiError::InvalidField`] when the field has another value.
pub(crate) fn parse_answer(form: &Params, field: String) -> Result<Option<Input>, ApiError> {
    match form.first_value(&field) {
        None => Ok(None),
        Some("approve") => Ok(Some(Input::Approve)),
        Some("reject") => Ok(Some(Input::Reject)),
        Some(other) => {
            let message = format!("{} is not one of approve, reject", quote_value(other));
            Err(ApiError::invalid_field(field, message))
        }
    }
}

/// Parses the answer to one consent, in the field that has the consent's handle as its name.
///
/// # Errors
/// [`ApiError::InvalidField`] when the form does not answer the consent.
pub(crate) fn require_answer(form: &Params, consent: &Consent) -> Result<Input, ApiError> {
    let handle = consent.handle.to_string();
    parse_answer(form, handle.clone())?.ok_or_else(|| {
        ApiError::invalid_field(
            handle,
            "is missing; answer each consent with approve or reject",
        )
    })
}
