//! The answers of a visit: approving with chosen accounts, refusing with a reason, leaving.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{OpenVisit, VisitOrigin, show_other_visit};
use crate::domain::action::ConsentAction;
use crate::domain::command::Command;
use crate::domain::command_arguments::AccountChoice;
use crate::domain::consent::{Consent, Input, Status};
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::rejection::Rejection;
use crate::domain::text::quote_value;
use crate::domain::visit_progress::{VisitEnd, VisitStep};
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::http::visit::parse_answer;
use crate::http::webview::build_return_url;
use crate::ui::journey::{Choice, FormError, JourneyStep, QuestionPage};
use crate::wire::api_error::ApiError;

/// The reasons for refusing, as the form sends them.
const REASONS: [&str; 5] = ["unclear", "later", "private", "missing", "other"];

impl OpenVisit {
    /// Returns what the page of a consent begins with.
    ///
    /// Behind a sign-in no account is chosen, unless there is one only. Without a sign-in the page is
    /// for tests and scripts, and all accounts are chosen, so that one click approves.
    pub(super) fn initial_choice(&self, call: &Call, consent: &Consent) -> Choice {
        let mut accounts = self.world.catch_up().consent_accounts(consent);
        if call.app_state().customer_login && accounts.len() > 1 {
            accounts.clear();
        }
        Choice {
            is_approved: None,
            accounts: accounts
                .iter()
                .map(|account| account.link_ref.to_string())
                .collect(),
        }
    }

    /// Leads to the page that goes back to the FIU if the visit has ended, else to that of the visit.
    fn redirect_to_end(&self, call: &Call) -> ApiResponse {
        let has_ended = self.visit.return_url.is_some();
        self.redirect_to(call, if has_ended { "/result" } else { "" })
    }

    /// Ends the visit: remembers the address at the FIU to which the result page leads.
    async fn end(
        &self,
        call: &Call,
        context: &mut CallContext,
        code: RedirectionCode,
        has_left: bool,
    ) -> ApiResponse {
        let return_url = self.find_return_url(context, code).await;
        self.remember(call, |visit| {
            visit.return_url = return_url;
            visit.has_left = has_left;
        });
        self.redirect_to(call, "/result")
    }

    /// Returns the address at the FIU to which a visit leads that ends with this code.
    async fn find_return_url(
        &self,
        context: &mut CallContext,
        code: RedirectionCode,
    ) -> Option<String> {
        let approved: Vec<String> = self
            .consents()
            .iter()
            .filter(|consent| consent.grant.is_some())
            .map(|consent| consent.handle.to_string())
            .collect();
        match &self.visit.origin {
            VisitOrigin::Redirection(origin) => {
                let (fiu, request) = &**origin;
                let handles = if code.is_success() {
                    &approved
                } else {
                    &request.handles
                };
                let aa = &self.visit.aa;
                let url = build_return_url(&self.world, context, fiu, request, aa, code, handles);
                Some(url.await)
            }
            VisitOrigin::Link | VisitOrigin::Sdk(_) => self.find_redirect_url(),
        }
    }

    /// Returns the code of a visit that ends without an answer.
    fn unanswered_code(&self, end: VisitEnd) -> RedirectionCode {
        let unanswered = match &self.visit.origin {
            VisitOrigin::Redirection(origin) => origin.0.unanswered_errorcode,
            VisitOrigin::Link | VisitOrigin::Sdk(_) => RedirectionCode::UNKNOWN,
        };
        self.step().end_code(end, unanswered)
    }

    /// Returns the code of a visit whose consents are answered, here or elsewhere: a success if one is
    /// approved (aa-redirection-standards 1.5.0, `status`).
    fn answered_code(&self) -> RedirectionCode {
        let consents = self.consents();
        if consents.iter().any(|consent| consent.grant.is_some()) {
            RedirectionCode::SUCCESS
        } else if !consents.is_empty() && consents.iter().all(|it| it.status == Status::Rejected) {
            RedirectionCode::REJECTED
        } else {
            RedirectionCode::CONSENT_NOT_AVAILABLE
        }
    }

    /// Submits the answers together, and ends the visit.
    async fn submit(
        &self,
        call: &Call,
        context: &mut CallContext,
        answers: Vec<(Arc<Consent>, ConsentAction)>,
    ) -> Result<ApiResponse, ApiError> {
        let commands = answers.into_iter().map(|(consent, action)| {
            let handle = consent.handle;
            Command::TransitionConsent { handle, action }
        });
        match self.world.submit_all(commands.collect()) {
            Ok(receipt) => {
                ApiResponse::try_from_receipt(receipt, async |_| {
                    let code = self.answered_code();
                    Ok(self.end(call, context, code, false).await)
                })
                .await
            }
            // The consent changed meanwhile: the page shows what it is now.
            Err(Rejection::IllegalTransition { .. } | Rejection::UnknownHandle(_)) => {
                Ok(self.redirect_to(call, ""))
            }
            Err(rejection) => Err(rejection.into()),
        }
    }
}

/// Answers the consents of a visit: each is approved with the accounts that are chosen, or refused.
pub(crate) async fn submit_answers(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_recorded(call, context)? else {
        return show_other_visit(call);
    };
    let handles = open.visit.handles.iter();
    let names: Vec<String> = handles
        .flat_map(|handle| [format!("answer.{handle}"), format!("account.{handle}")])
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let form = open.read_form(call, &names)?;
    let pending = open.pending_consents();
    if pending.is_empty() || !open.visit.sign_in.is_complete() {
        return Ok(open.redirect_to_end(call));
    }
    let choices = pending
        .iter()
        .map(|consent| read_choice(&form, consent))
        .collect::<Result<Vec<_>, _>>()?;
    let mut answers = Vec::new();
    for ((consent, choice), number) in pending.iter().zip(&choices).zip(1..) {
        match open.check_choice(call, consent, choice, number) {
            Ok(action) => answers.push((Arc::clone(consent), action)),
            Err(error) => {
                let page = open.review(call, &pending, &choices, Some(error));
                return Ok(page.with_status_code(400));
            }
        }
    }
    open.submit(call, context, answers).await
}

/// Reads the fields of one consent.
fn read_choice(form: &Params, consent: &Consent) -> Result<Choice, ApiError> {
    let answer = parse_answer(form, format!("answer.{}", consent.handle))?;
    let name = format!("account.{}", consent.handle);
    Ok(Choice {
        is_approved: answer.map(|input| input == Input::Approve),
        accounts: form.values_of(&name).map(str::to_owned).collect(),
    })
}

impl OpenVisit {
    /// Returns the action for a choice, or the error that the customer reads.
    fn check_choice(
        &self,
        call: &Call,
        consent: &Consent,
        choice: &Choice,
        number: usize,
    ) -> Result<ConsentAction, FormError> {
        let frame = self.frame(call, "");
        let error = |key, target: &str| FormError {
            text: frame.fill(key, &[]),
            target: format!("{target}-{number}"),
        };
        match choice.is_approved {
            None => return Err(error("err.answer", "answer")),
            Some(false) => return Ok(ConsentAction::with_defaults(Input::Reject)),
            Some(true) => {}
        }
        let accounts = self.world.catch_up().consent_accounts(consent);
        let linked: BTreeSet<&str> = accounts.iter().map(|account| &*account.link_ref).collect();
        if choice.accounts.is_empty() {
            return Err(error("err.pick", "accounts"));
        }
        if !choice.accounts.iter().all(|it| linked.contains(&**it)) {
            return Err(error("err.account", "accounts"));
        }
        let chosen = choice.accounts.iter().map(|it| it.as_str().into());
        Ok(ConsentAction::Approve {
            hold: false,
            accounts: AccountChoice::ByLinkRef(chosen.collect()),
        })
    }
}

/// Asks whether the customer refuses, and why.
pub(crate) fn show_refuse(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_signed_in(call)? else {
        return show_other_visit(call);
    };
    if open.pending_consents().is_empty() {
        return Ok(open.redirect_to(call, ""));
    }
    let frame = open.frame_at(call, "/refuse", JourneyStep::Review);
    let language = frame.language;
    let page = QuestionPage {
        heading: frame.fill("reject.ask", &[]),
        lines: vec![frame.fill("reject.text", &[])],
        action: format!("{}/refuse", open.path),
        reasons: REASONS
            .into_iter()
            .map(|reason| (reason, language.text(&format!("reason.{reason}"))))
            .collect(),
        button: frame.text("reject.go"),
        is_harmless: false,
        back: open.path.clone(),
        back_text: frame.text("btn.back"),
        frame,
    };
    Ok(ApiResponse::page(&page))
}

/// Refuses all consents of a visit. The reason goes into the journal.
pub(crate) async fn submit_refuse(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find_recorded(call, context)? else {
        return show_other_visit(call);
    };
    let form = open.read_form(call, &["reason"])?;
    let reason = form.first_value("reason");
    if let Some(unknown) = reason.filter(|reason| !REASONS.contains(reason)) {
        let (value, known) = (quote_value(unknown), REASONS.join(", "));
        let message = format!("{value} is not one of {known}");
        return Err(ApiError::invalid_field("reason", message));
    }
    let pending = open.pending_consents();
    if pending.is_empty() || !open.visit.sign_in.is_complete() {
        return Ok(open.redirect_to_end(call));
    }
    let refuse = |consent| (consent, ConsentAction::with_defaults(Input::Reject));
    let handles: Vec<_> = pending.iter().map(|consent| consent.handle).collect();
    let answers = pending.into_iter().map(refuse).collect();
    let response = open.submit(call, context, answers).await?;
    if let Some(reason) = reason {
        for handle in handles {
            let consent = open.world.catch_up().consent(handle);
            if consent.is_some_and(|consent| consent.status == Status::Rejected) {
                let note = format!("the customer gave a reason for refusing {handle}: {reason}");
                open.world.write_note(note);
            }
        }
    }
    Ok(response)
}

/// Asks whether the customer leaves without an answer.
pub(crate) fn show_leave(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find(call)? else {
        return show_other_visit(call);
    };
    let pending = open.pending_consents();
    if pending.is_empty() {
        return Ok(open.redirect_to(call, ""));
    }
    let step = match open.step() {
        VisitStep::SignIn | VisitStep::Locked => JourneyStep::SignIn,
        VisitStep::Review => JourneyStep::Review,
        _ => JourneyStep::Accounts,
    };
    let frame = open.frame_at(call, "/leave", step);
    // Only a link of the AA can be used again.
    let text = match open.visit.origin {
        VisitOrigin::Link => "leave.text",
        VisitOrigin::Redirection(_) | VisitOrigin::Sdk(_) => "leave.text.sent",
    };
    let ends = pending.iter().map(|consent| consent.terms.expiry).min();
    let date = frame.language.format_time(ends.expect("one is pending"));
    let page = QuestionPage {
        heading: frame.fill("leave.title", &[]),
        lines: vec![frame.fill(text, &[("date", &date)])],
        action: format!("{}/leave", open.path),
        reasons: Vec::new(),
        button: frame.text("leave.go"),
        is_harmless: true,
        back: open.path.clone(),
        back_text: frame.text("leave.stay"),
        frame,
    };
    Ok(ApiResponse::page(&page))
}

/// Ends a visit without an answer. The consents stay PENDING. If others have answered them, the FIU
/// reads their answers.
pub(crate) async fn submit_leave(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find(call)? else {
        return submit_time_out(call, context).await;
    };
    OpenVisit::plan_faults(Some(&open), call, context)?;
    open.read_form(call, &[])?;
    // A visit ends once.
    if open.visit.return_url.is_some() {
        return Ok(open.redirect_to_end(call));
    }
    if !open.visit.handles.is_empty() && open.pending_consents().is_empty() {
        // Others have answered: the FIU reads what they did.
        let code = open.answered_code();
        return Ok(open.end(call, context, code, false).await);
    }
    let code = open.unanswered_code(VisitEnd::Left);
    Ok(open.end(call, context, code, true).await)
}

/// Leads a browser back to the FIU whose visit has ended because it was idle too long.
async fn submit_time_out(call: &Call, context: &mut CallContext) -> Result<ApiResponse, ApiError> {
    let over = OpenVisit::find_over(call, |_| ())?;
    OpenVisit::plan_faults(over.as_ref(), call, context)?;
    let Some(over) = over else {
        return show_other_visit(call);
    };
    over.read_form(call, &[])?;
    if over.visit.return_url.is_some() {
        return Ok(over.redirect_to_end(call));
    }
    let code = if !over.visit.handles.is_empty() && over.pending_consents().is_empty() {
        over.answered_code()
    } else {
        over.unanswered_code(VisitEnd::TimedOut)
    };
    let Some(address) = over.find_return_url(context, code).await else {
        return Ok(over.redirect_to(call, ""));
    };
    OpenVisit::find_over(call, |visit| visit.return_url = Some(address))?;
    Ok(over.redirect_to(call, "/result"))
}
