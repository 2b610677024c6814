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

/// Parses the answer to one consent: a form field with the consent's handle as its name, and
/// `approve` or `reject` as its value.
///
/// # Errors
/// [`ApiError::InvalidField`] when the form does not answer the consent.
pub(crate) fn parse_answer(form: &Params, consent: &Consent) -> Result<Input, ApiError> {
    let handle = consent.handle.to_string();
    let answer = form.first_value(&handle).map(str::to_owned);
    match answer.as_deref() {
        Some("approve") => Ok(Input::Approve),
        Some("reject") => Ok(Input::Reject),
        Some(other) => Err(ApiError::invalid_field(
            handle,
            format!("{} is not one of approve, reject", quote_value(other)),
        )),
        None => Err(ApiError::invalid_field(
            handle,
            "is missing; answer each consent with approve or reject",
        )),
    }
}
