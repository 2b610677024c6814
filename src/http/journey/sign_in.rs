//! The sign-in of a customer: the mobile number, and the one-time password of the AA.

use std::sync::Arc;

use super::{OpenVisit, begin_own_visit, show_other_visit};
use crate::domain::command::Command;
use crate::domain::customer_address::normalize_address;
use crate::domain::rejection::Rejection;
use crate::domain::sign_in::{SignIn, SignInError, SignInTime, normalize_digits};
use crate::domain::text::quote_value;
use crate::domain::time::Millis;
use crate::engine::clock::system_now;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::journey::{Countdown, FormError, JourneyStep, describe_purpose, mask_customer};
use crate::ui::sign_in::{Arrival, MobilePage, OtpPage};
use crate::wire::api_error::ApiError;

/// The id of the field that the errors of these pages are about.
pub(super) const FIELD: &str = "field";

impl OpenVisit {
    fn sign_in_time(&self) -> SignInTime {
        SignInTime {
            world: self.world.now(),
            system: system_now(),
        }
    }

    /// Returns whether the sign-in is locked now.
    pub(super) fn is_locked(&self) -> bool {
        self.visit.sign_in.is_locked(self.sign_in_time())
    }

    /// Returns the step of the sign-in at which the visit is.
    pub(super) fn show_sign_in(&self, call: &Call, error: Option<SignInError>) -> ApiResponse {
        let error = error.map(|error| self.describe_error(error));
        if self.visit.sign_in.is_password_sent() {
            self.show_otp(call, error, false)
        } else {
            self.show_mobile(call, error, "")
        }
    }

    fn show_mobile(&self, call: &Call, error: Option<FormError>, typed: &str) -> ApiResponse {
        let frame = self.frame_at(call, "", JourneyStep::SignIn);
        let customer = &self.visit.customer;
        let mobile = (!customer.is_empty()).then(|| mask_customer(customer));
        let page = MobilePage {
            heading: frame.fill("signin.title", &[]),
            arrival: (!self.visit.handles.is_empty()).then(|| Arrival {
                why: frame.fill("signin.why", &[]),
                purposes: self
                    .consents()
                    .iter()
                    .map(|consent| describe_purpose(frame.language, &consent.terms))
                    .collect(),
                lines: ["arrive.sign_in", "arrive.read", "arrive.answer"]
                    .map(|key| frame.fill(key, &[])),
            }),
            fixed: mobile.map(|mobile| frame.fill("signin.fixed", &[("mobile", &mobile)])),
            terms: frame.fill("signin.terms", &[]),
            typed: typed.to_owned(),
            error,
            frame,
        };
        ApiResponse::page(&page)
    }

    fn show_otp(&self, call: &Call, error: Option<FormError>, is_new: bool) -> ApiResponse {
        let frame = self.frame_at(call, "", JourneyStep::SignIn);
        let mobile = mask_customer(&self.visit.customer);
        let wait = self.visit.sign_in.resend_wait(self.sign_in_time());
        let page = OtpPage {
            heading: frame.fill("otp.title", &[]),
            sent: if is_new {
                frame.fill("otp.resent", &[])
            } else {
                frame.fill("otp.sent.aa", &[("mobile", &mobile)])
            },
            action: format!("{}/otp", self.path),
            link: None,
            resend: Some(format!("{}/sign-in", self.path)),
            skip: None,
            leave: if self.visit.handles.is_empty() {
                format!("{}/aa", self.world.base_path())
            } else {
                format!("{}/leave", self.path)
            },
            wait: wait.map(|wait| Countdown::new(&frame, "otp.wait", seconds_of(wait))),
            error,
            frame,
        };
        ApiResponse::page(&page)
    }

    pub(super) fn describe_error(&self, error: SignInError) -> FormError {
        let fill = |key, values: &[(&str, &str)]| self.visit.language.fill(key, values);
        let text = match error {
            SignInError::TooSoon { wait } => {
                fill("otp.wait", &[("s", &seconds_of(wait).to_string())])
            }
            SignInError::Empty => fill("err.otp.empty", &[]),
            SignInError::Format => fill("err.otp.format", &[]),
            SignInError::Wrong { tries_left } => {
                fill("err.otp.wrong", &[("n", &tries_left.to_string())])
            }
            SignInError::Expired => fill("err.otp.expired", &[]),
            SignInError::NoTriesLeft => fill("err.otp.tries", &[]),
            SignInError::Locked { wait } => {
                let minutes = (wait.0.div_euclid(60_000) + 1).min(10).to_string();
                fill("err.otp.locked", &[("n", &minutes)])
            }
        };
        let target = match error {
            SignInError::TooSoon { .. } => "resend",
            _ => FIELD,
        };
        FormError {
            text,
            target: target.to_owned(),
        }
    }

    /// Changes the sign-in in the store, and renews this copy; `None` if the visit has ended.
    fn change_sign_in<T>(
        &mut self,
        call: &Call,
        change: impl FnOnce(&mut SignIn) -> T,
    ) -> Option<T> {
        let mut result = None;
        let changed = self.remember(call, |visit| result = Some(change(&mut visit.sign_in)));
        self.visit = changed?;
        result
    }
}

impl OpenVisit {
    /// Locks the sign-in if it is locked in another visit of the customer.
    fn take_over_lock(&mut self, call: &Call, now: SignInTime) {
        let lock = call.app_state().visits.find_lock(&self.visit, now);
        if let Some(locked) = lock {
            self.change_sign_in(call, |sign_in| *sign_in = locked);
        }
    }
}

/// Begins a visit of a customer who comes for the own consents, without a request, at the first AA or
/// at the one that the query names.
pub(crate) fn open_app(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    let participants = world.participants();
    let params = Params::parse(call.query())?.reject_unknown(&["aa"])?;
    let aa = match params.first_value("aa") {
        None => participants.default_aa(),
        Some(id) => participants.find_aa(id).ok_or_else(|| {
            let known: Vec<_> = participants.aas.iter().map(|aa| &*aa.id).collect();
            let message = format!("{} is not one of {}", quote_value(id), known.join(", "));
            ApiError::invalid_field("aa", message)
        })?,
    };
    Ok(begin_own_visit(call, &world, &aa.id))
}

/// Sends a one-time password to the number that the consent names, or that the form has.
pub(crate) fn send_password(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(mut open) = OpenVisit::find(call)? else {
        return show_other_visit(call);
    };
    let form = open.read_form(call, &["mobile"])?;
    if open.visit.sign_in.is_complete() {
        return Ok(open.redirect_to(call, ""));
    }
    let typed = form.first_value("mobile").unwrap_or_default();
    // Without a request, the customer may correct the number.
    let is_typed = open.visit.handles.is_empty() && form.first_value("mobile").is_some();
    if open.visit.customer.is_empty() || is_typed {
        let Some(number) = parse_mobile(typed) else {
            let text = open.visit.language.text("err.mobile").to_owned();
            let target = FIELD.to_owned();
            let page = open.show_mobile(call, Some(FormError { text, target }), typed);
            return Ok(page.with_status_code(400));
        };
        let participants = &open.participants;
        let aa = participants.find_aa(&open.visit.aa);
        let handle = &aa.unwrap_or_else(|| participants.default_aa()).handle;
        let customer: Arc<str> = normalize_address(&format!("{number}@{handle}")).into();
        open.visit.customer = Arc::clone(&customer);
        open.remember(call, |visit| visit.customer = customer);
    }
    let is_new = open.visit.sign_in.is_password_sent();
    let now = open.sign_in_time();
    open.take_over_lock(call, now);
    match open.change_sign_in(call, |sign_in| sign_in.send(now)) {
        None => show_other_visit(call),
        Some(Ok(())) if is_new => Ok(open.show_otp(call, None, true)),
        Some(Ok(())) => Ok(open.redirect_to(call, "")),
        Some(Err(error)) => {
            let page = open.show_sign_in(call, Some(error));
            Ok(page.with_status_code(400))
        }
    }
}

/// Compares the one-time password, and goes on to what the visit is about.
pub(crate) fn verify_password(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(mut open) = OpenVisit::find(call)? else {
        return show_other_visit(call);
    };
    let form = open.read_form(call, &["otp"])?;
    if open.visit.sign_in.is_complete() {
        return Ok(open.redirect_to(call, ""));
    }
    let now = open.sign_in_time();
    open.take_over_lock(call, now);
    let text = form.first_value("otp").unwrap_or_default();
    match open.change_sign_in(call, |sign_in| sign_in.verify(text, now)) {
        None => show_other_visit(call),
        Some(Ok(())) => open.complete_sign_in(call),
        Some(Err(error)) => {
            let page = open.show_sign_in(call, Some(error));
            Ok(page.with_status_code(400))
        }
    }
}

impl OpenVisit {
    /// Goes on to what the visit is about. A customer who had left the AA is registered again:
    /// registration and sign-in are one step.
    fn complete_sign_in(&self, call: &Call) -> Result<ApiResponse, ApiError> {
        let next = self.redirect_to(call, "");
        let customer = Arc::clone(&self.visit.customer);
        let (record, _) = self.world.catch_up().customer(&customer);
        if record.is_none_or(|record| record.registered) {
            return Ok(next);
        }
        match self.world.submit(Command::RegisterCustomer { customer }) {
            Ok(receipt) => Ok(ApiResponse::from_receipt(receipt, |_| next)),
            // Another tab was faster.
            Err(Rejection::AlreadyRegistered(_)) => Ok(next),
            Err(rejection) => Err(rejection.into()),
        }
    }
}

/// Returns the seconds after which a wait is over.
fn seconds_of(wait: Millis) -> i64 {
    wait.0.div_euclid(1000) + 1
}

/// Parses a mobile number of 10 digits, which may begin with 0 or 91.
fn parse_mobile(text: &str) -> Option<String> {
    let digits: String = normalize_digits(text)
        .chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '+' | '-'))
        .collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = match digits.len() {
        12 => digits.strip_prefix("91")?,
        11 => digits.strip_prefix('0')?,
        _ => &digits,
    };
    (number.len() == 10).then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse_mobile;

    #[test]
    fn a_mobile_number_has_ten_digits_however_it_is_written() {
        for text in [
            "9876543210",
            "98765 43210",
            "+91 98765-43210",
            "09876543210",
            "९८७६५ ४३२१०",
        ] {
            assert_eq!(parse_mobile(text).as_deref(), Some("9876543210"), "{text}");
        }
        for text in ["", "987654321", "98765432101", "987654321x", "929876543210"] {
            assert_eq!(parse_mobile(text), None, "{text}");
        }
    }
}
