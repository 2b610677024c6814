//! The customer's consents: the list, one in detail, and pausing, resuming and withdrawing it.

use std::sync::Arc;

use super::{OpenVisit, fiu_party, show_other_visit, show_unknown_consent};
use crate::domain::action::ConsentAction;
use crate::domain::command::Command;
use crate::domain::consent::{Consent, Input, Status};
use crate::domain::rejection::Rejection;
use crate::domain::terms::FetchType;
use crate::http::call::Call;
use crate::http::response::ApiResponse;
use crate::ui::journey::{
    AppFrame, ConsentGroup, ConsentPage, ConsentsPage, ListedConsent, QuestionPage,
    describe_account_kind, describe_number, describe_parts, describe_purpose, describe_status,
    describe_terms, describe_use, mask_customer, status_class,
};
use crate::wire::api_error::ApiError;

/// The inputs by which a customer changes a consent that is in force.
const OWN_INPUTS: [Input; 3] = [Input::Pause, Input::Resume, Input::Revoke];

/// Lists the consents of the visit's customer at this AA, the newest first.
pub(crate) fn list_consents(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    let frame = open.frame(call, "/consents");
    let mut consents = open
        .world
        .catch_up()
        .customer_consents(&open.visit.customer);
    consents.retain(|consent| open.owns_consent(consent));
    consents.reverse();
    let groups = [
        ("mine.waiting", &[Status::Pending][..]),
        (
            "mine.current",
            &[Status::Ready, Status::Active, Status::Paused],
        ),
        (
            "mine.over",
            &[
                Status::Revoked,
                Status::Expired,
                Status::Rejected,
                Status::Failed,
            ],
        ),
    ];
    let groups = groups.into_iter().map(|(title, statuses)| ConsentGroup {
        title: frame.text(title),
        consents: consents
            .iter()
            .filter(|consent| statuses.contains(&consent.status))
            .map(|consent| ListedConsent {
                handle: consent.handle.to_string(),
                party: fiu_party(&open.world, &open.participants, &consent.fiu),
                class: status_class(consent.status),
                status: describe_status(frame.language, consent.status),
                purpose: describe_purpose(frame.language, &consent.terms),
                line: describe_use(&frame, consent),
            })
            .collect(),
    });
    let page = ConsentsPage {
        customer: frame.fill(
            "review.for",
            &[("mobile", &mask_customer(&open.visit.customer))],
        ),
        groups: groups.filter(|group| !group.consents.is_empty()).collect(),
        frame,
    };
    Ok(ApiResponse::page(&page))
}

/// Shows one consent of the customer.
pub(crate) fn show_consent(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    let consent = match find_own_consent(call, &open) {
        Ok(consent) => consent,
        Err(error) => return show_unknown_consent(call, error),
    };
    let path = format!("/consents/{}", consent.handle);
    let frame = open.frame_for(call, &path, &consent.fiu);
    let language = frame.language;
    let since = consent.history.last().map(|change| {
        let date = language.format_time(change.at);
        frame.fill("stale.since", &[("date", &date)])
    });
    let accounts = consent.grant.iter().flat_map(|grant| grant.accounts.iter());
    let accounts = accounts.map(|account| {
        format!(
            "{} · {} · {}",
            open.participants.fip_name(&account.fip),
            describe_account_kind(language, account),
            describe_number(language, &account.masked_number)
        )
    });
    let page = ConsentPage {
        heading: describe_purpose(language, &consent.terms),
        class: status_class(consent.status),
        status: describe_status(language, consent.status),
        since: since.unwrap_or_default(),
        used: describe_use(&frame, &consent),
        parts: describe_parts(&frame, &consent.terms),
        terms: describe_terms(&frame, &consent.terms),
        accounts: accounts.collect(),
        history: consent
            .history
            .iter()
            .rev()
            .map(|change| {
                (
                    describe_status(language, change.status),
                    language.format_time(change.at),
                )
            })
            .collect(),
        actions: list_actions(&frame, &consent, &open.world.base_path()),
        frame,
    };
    Ok(ApiResponse::page(&page))
}

/// Lists what the customer can do now: path, text and CSS class.
fn list_actions(
    frame: &AppFrame,
    consent: &Consent,
    base_path: &str,
) -> Vec<(String, &'static str, &'static str)> {
    if consent.status == Status::Pending {
        let path = format!("{base_path}/aa/consents/{}", consent.handle);
        return vec![(path, frame.text("mine.answer"), "go")];
    }
    OWN_INPUTS
        .into_iter()
        .filter(|input| consent.status.transition_on(*input).is_some())
        .map(|input| {
            let path = format!("{}/{input}", frame.page_path);
            let class = if input == Input::Revoke { "no" } else { "" };
            (path, frame.text(&format!("mine.{input}")), class)
        })
        .collect()
}

impl OpenVisit {
    /// Returns whether a consent is one of the visit's customer at this AA.
    fn owns_consent(&self, consent: &Consent) -> bool {
        !consent.hidden
            && consent.terms.customer == self.visit.customer
            && consent.aa == self.visit.aa
    }
}

/// Finds the consent in the path, if it is the customer's.
fn find_own_consent(call: &Call, open: &OpenVisit) -> Result<Arc<Consent>, ApiError> {
    let handle = call.parse_handle()?;
    let consent = open.world.catch_up().consent(handle);
    let consent = consent.filter(|consent| open.owns_consent(consent));
    Ok(consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?)
}

/// Parses what the customer does, and finds the consent.
fn find_action(call: &Call, open: &OpenVisit) -> Result<(Arc<Consent>, Input), ApiError> {
    let consent = find_own_consent(call, open)?;
    let input = Input::parse(call.path_segment("action")).filter(|it| OWN_INPUTS.contains(it));
    let input = input.ok_or_else(|| call.unknown_route_error())?;
    Ok((consent, input))
}

/// Asks whether the customer pauses, resumes or withdraws a consent, and says what follows.
pub(crate) fn confirm_action(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    let (consent, input) = match find_action(call, &open) {
        Ok(found) => found,
        Err(error) => return show_unknown_consent(call, error),
    };
    let handle = consent.handle;
    let detail = format!("/consents/{handle}");
    if consent.status.transition_on(input).is_none() {
        return Ok(open.redirect_to(call, &detail));
    }
    let page_path = format!("{detail}/{input}");
    let frame = open.frame_for(call, &page_path, &consent.fiu);
    let date = match input {
        Input::Revoke => {
            let (unit, count) = consent.terms.data_life;
            let grant = consent.grant.as_ref();
            let used_at = grant.and_then(|grant| grant.data_requests().1);
            unit.expiry_from(used_at.unwrap_or_else(|| open.world.now()), count)
        }
        _ => Some(consent.terms.expiry),
    };
    let date = date.map(|date| frame.language.format_time(date));
    let is_used = consent
        .grant
        .as_ref()
        .is_some_and(|grant| grant.data_requests().0 > 0);
    let is_once = consent.terms.fetch_type == FetchType::OneTime;
    let text = match &date {
        _ if input == Input::Revoke && !is_used => frame.fill("mine.revoke.unused", &[]),
        Some(date) if input == Input::Resume && is_once => {
            frame.fill("mine.resume.once", &[("date", date)])
        }
        Some(date) => frame.fill(&format!("mine.{input}.text"), &[("date", date)]),
        None => frame.fill("review.INF", &[]),
    };
    let button = if input == Input::Revoke {
        "mine.revoke.yes".to_owned()
    } else {
        format!("mine.{input}")
    };
    let back_text = if input == Input::Revoke {
        "mine.keep"
    } else {
        "btn.back"
    };
    let page = QuestionPage {
        heading: frame.fill(&format!("mine.{input}.ask"), &[]),
        lines: vec![describe_purpose(frame.language, &consent.terms), text],
        action: frame.page_path.clone(),
        reasons: Vec::new(),
        button: frame.text(&button),
        is_harmless: input != Input::Revoke,
        back: format!("{}{detail}", open.path),
        back_text: frame.text(back_text),
        frame,
    };
    Ok(ApiResponse::page(&page))
}

/// Pauses, resumes or withdraws a consent of the customer. If the consent changed meanwhile, its page
/// shows what it is now.
pub(crate) fn submit_action(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    let (consent, input) = match find_action(call, &open) {
        Ok(found) => found,
        Err(error) => return show_unknown_consent(call, error),
    };
    open.read_form(call, &[])?;
    let handle = consent.handle;
    let detail = open.redirect_to(call, &format!("/consents/{handle}"));
    let action = ConsentAction::with_defaults(input);
    match open
        .world
        .submit(Command::TransitionConsent { handle, action })
    {
        Ok(receipt) => Ok(ApiResponse::from_receipt(receipt, |_| detail)),
        Err(Rejection::IllegalTransition { .. }) => Ok(detail),
        Err(rejection) => Err(rejection.into()),
    }
}
