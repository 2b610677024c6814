//! The customer's app of the AA: reading consents, choosing accounts, answering, and the customer's
//! own list of consents. Every answer is an ordinary command to the engine.
//!
//! The id of the visit in the address carries it. No cookie is needed.

mod accounts;
mod answer;
mod consents;
mod sdk;
mod sign_in;
mod visit_store;

use std::sync::Arc;

use crate::domain::brand::Brand;
use crate::domain::consent::{Consent, Status};
use crate::domain::participants::Participants;
use crate::domain::rejection::Rejection;
use crate::domain::sign_in::SignIn;
use crate::domain::text::quote_value;
use crate::engine::clock::system_now;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::call_world::CallWorld;
use crate::http::forms::{TOKEN_FIELD, check_token};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::journey::{
    AppFrame, Choice, ConsentCard, Countdown, FormError, JourneyStep, Party, Receipt, ResultPage,
    ReviewPage, WayBack, describe_status, mask_customer,
};
use crate::ui::messages::Language;
use crate::ui::theme::theme_path;
use crate::wire::api_error::ApiError;
use crate::wire::control::http_status;

pub(crate) use self::accounts::{
    change_search, choose_banks, link_accounts, show_bank_otp, show_banks, show_found, skip_bank,
    verify_bank_otp,
};
pub(crate) use self::answer::{
    show_leave, show_refuse, submit_answers, submit_leave, submit_refuse,
};
pub(crate) use self::consents::{confirm_action, list_consents, show_consent, submit_action};
pub(crate) use self::sdk::{SdkVisit, finish_headers, get_visit_theme};
pub(crate) use self::sign_in::{open_app, send_password, verify_password};
pub(crate) use self::visit_store::{Visit, VisitOrigin, VisitStore};

/// The time after which the last page leads back to the FIU, in seconds.
const RETURN_DELAY_S: u32 = 5;

/// Begins a visit about one consent, as a short link does, and leads to its page.
pub(crate) fn open_consent(call: &Call) -> Result<ApiResponse, ApiError> {
    let (world, consent) = match find_consent(call) {
        Ok(found) => found,
        Err(error @ ApiError::Rejected(_)) => return show_unknown_consent(call, error),
        Err(error) => return Err(error),
    };
    Ok(begin_visit(
        call,
        &world,
        &[consent],
        VisitOrigin::Link,
        Preset::default(),
    ))
}

/// Finds the consent in the path, if its customer has not deregistered.
fn find_consent(call: &Call) -> Result<(CallWorld, Arc<Consent>), ApiError> {
    let world = call.get_or_create_world()?;
    let handle = call.parse_handle()?;
    let consent = world
        .catch_up()
        .consent(handle)
        .filter(|consent| !consent.hidden);
    let consent = consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
    Ok((world, consent))
}

/// The choices with which a visit begins.
#[derive(Debug, Default)]
pub(crate) struct Preset {
    /// The tag of the language (BCP 47); `None`: that of the browser.
    pub language: Option<String>,
    /// The bank that the FIU names.
    pub fip: Option<Arc<str>>,
    pub pan: Option<String>,
    /// `YYYY-MM-DD`.
    pub birth_date: Option<String>,
}

/// Begins a visit about consents of one customer, and leads to its page.
pub(crate) fn begin_visit(
    call: &Call,
    world: &World,
    consents: &[Arc<Consent>],
    origin: VisitOrigin,
    preset: Preset,
) -> ApiResponse {
    let first = consents.first().expect("a visit is about a consent");
    let (language, unknown_language) = match preset.language {
        None => (accepted_language(call), None),
        Some(code) => match Language::from_code(&code) {
            Some(language) => (language, None),
            None => (Language::English, Some(code)),
        },
    };
    let visit = Visit {
        banks: preset.fip.iter().cloned().collect(),
        named_fip: preset.fip,
        unknown_language,
        pan: preset.pan,
        birth_date: preset.birth_date,
        fiu: Arc::clone(&first.fiu),
        customer: Arc::clone(&first.terms.customer),
        handles: consents.iter().map(|consent| consent.handle).collect(),
        origin,
        sign_in: if call.app_state().customer_login {
            SignIn::default()
        } else {
            SignIn::complete()
        },
        ..Visit::new(world.name(), &first.aa, language, system_now())
    };
    begin(call, world, visit)
}

/// Begins a visit of a customer who comes for the own consents. It always needs a sign-in, which says
/// whose they are.
fn begin_own_visit(call: &Call, world: &World, aa: &Arc<str>) -> ApiResponse {
    let language = accepted_language(call);
    begin(
        call,
        world,
        Visit::new(world.name(), aa, language, system_now()),
    )
}

fn begin(call: &Call, world: &World, visit: Visit) -> ApiResponse {
    let id = call.app_state().visits.begin(visit);
    ApiResponse::redirect_see_other(format!("{}/aa/visits/{id}", call.base_url(world)))
}

/// Returns the language that the browser prefers, or else English.
fn accepted_language(call: &Call) -> Language {
    let accepted = call.header("accept-language").unwrap_or_default();
    Language::from_accepted(accepted).unwrap_or_default()
}

/// A visit with what its pages need.
struct OpenVisit {
    id: String,
    visit: Visit,
    world: CallWorld,
    participants: Arc<Participants>,
    /// The path of the visit, without a slash at its end.
    path: String,
}

impl OpenVisit {
    /// Finds the visit in the path, if it has not ended, and keeps it from ending unless a script
    /// polls. The language in the query becomes that of the visit.
    fn find(call: &Call) -> Result<Option<Self>, ApiError> {
        let world = call.get_or_create_world()?;
        let params = Params::parse(call.query())?;
        let language = params.first_value("lang").map(|name| {
            Language::parse(name).ok_or_else(|| {
                let (value, known) = (quote_value(name), Language::accepted_names());
                ApiError::invalid_field("lang", format!("{value} is not one of {known}"))
            })
        });
        let language = language.transpose()?;
        let id = call.path_segment("visit").to_owned();
        let (store, now) = (&call.app_state().visits, system_now());
        let visit = store.update(world.name(), &id, now, |visit| {
            if !call.is_poll() {
                visit.last_seen = now;
            }
            if let Some(language) = language {
                visit.language = language;
                visit.unknown_language = None;
            }
        });
        Ok(visit.map(|visit| Self::new(world, id, visit)))
    }

    /// Finds the visit in the path, if it has ended because it was idle too long.
    fn find_over(call: &Call, change: impl FnOnce(&mut Visit)) -> Result<Option<Self>, ApiError> {
        let world = call.get_or_create_world()?;
        let id = call.path_segment("visit").to_owned();
        let store = &call.app_state().visits;
        let visit = store.update_over(world.name(), &id, system_now(), change);
        Ok(visit.map(|visit| Self::new(world, id, visit)))
    }

    fn new(world: CallWorld, id: String, visit: Visit) -> Self {
        Self {
            path: format!("{}/aa/visits/{id}", world.base_path()),
            participants: world.participants(),
            id,
            visit,
            world,
        }
    }

    /// Finds the visit in the path, if it has not ended and the customer is signed in.
    fn find_signed_in(call: &Call) -> Result<Option<Self>, ApiError> {
        let open = Self::find(call)?;
        Ok(open.filter(|open| open.visit.sign_in.is_complete()))
    }

    /// Finds the visit of a recorded call, and plans the faults of the call, which is about the
    /// consents of the visit.
    fn find_recorded(call: &Call, context: &mut CallContext) -> Result<Option<Self>, ApiError> {
        let open = Self::find(call)?;
        Self::plan_faults(open.as_ref(), call, context)?;
        Ok(open)
    }

    /// Plans the faults of a call about a visit, or about none.
    fn plan_faults(
        visit: Option<&Self>,
        call: &Call,
        context: &mut CallContext,
    ) -> Result<(), ApiError> {
        let consent = visit.and_then(|visit| visit.consents().into_iter().next());
        let world = call.get_or_create_world()?;
        match consent {
            Some(consent) => context.plan_consent_faults(&world, &consent),
            None => context.plan_faults(&world),
        }
    }

    /// Returns the frame of a page at this path below that of the visit.
    fn frame(&self, call: &Call, page: &str) -> AppFrame {
        self.frame_for(call, page, &self.visit.fiu)
    }

    /// Returns the frame of a page at this path, which is a step of the journey if that begins with a
    /// sign-in.
    fn frame_at(&self, call: &Call, page: &str, step: JourneyStep) -> AppFrame {
        let has_steps = call.app_state().customer_login && !self.visit.handles.is_empty();
        AppFrame {
            step: has_steps.then_some(step),
            ..self.frame(call, page)
        }
    }

    /// Returns the frame of a page about another FIU.
    fn frame_for(&self, call: &Call, page: &str, fiu: &str) -> AppFrame {
        AppFrame {
            language: self.visit.language,
            page_path: format!("{}{page}", self.path),
            path: self.path.clone(),
            aa: aa_party(&self.world, &self.participants, &self.visit.aa),
            fiu: fiu_party(&self.world, &self.participants, fiu),
            token: call.app_state().form_key.token(&self.id),
            theme: Some(self.theme_path()),
            step: None,
            session_s: Some(call.app_state().visits.ttl().0.div_euclid(1000)),
            notice: self.visit.unknown_language.as_ref().map(|code| {
                let language = self.visit.language;
                language.fill("app.nolanguage", &[("code", code)])
            }),
            sdk: self.list_sdk_messages(call, page),
        }
    }

    /// Checks the form of a page of this visit, and returns its fields.
    fn read_form(&self, call: &Call, names: &[&str]) -> Result<Params, ApiError> {
        let form = Params::parse(call.body_text()?)?;
        check_token(call, &form, &self.id)?;
        form.reject_unknown(&[&[TOKEN_FIELD], names].concat())
    }

    /// Returns the consents of the visit that exist.
    fn consents(&self) -> Vec<Arc<Consent>> {
        let handles = self.visit.handles.iter();
        let consents = handles.filter_map(|handle| self.world.catch_up().consent(*handle));
        consents.filter(|consent| !consent.hidden).collect()
    }

    /// Returns the consents that wait for an answer.
    fn pending_consents(&self) -> Vec<Arc<Consent>> {
        let mut consents = self.consents();
        consents.retain(|consent| consent.status == Status::Pending);
        consents
    }

    /// Changes the visit in the store, and returns it as it is now. This copy stays as it is.
    fn remember(&self, call: &Call, change: impl FnOnce(&mut Visit)) -> Option<Visit> {
        let store = &call.app_state().visits;
        store.update(self.world.name(), &self.id, system_now(), change)
    }

    fn redirect_to(&self, call: &Call, page: &str) -> ApiResponse {
        let base = call.base_url(&self.world);
        ApiResponse::redirect_see_other(format!("{base}/aa/visits/{}{page}", self.id))
    }

    /// Returns the page on which these consents are answered.
    fn review(
        &self,
        call: &Call,
        consents: &[Arc<Consent>],
        choices: &[Choice],
        error: Option<FormError>,
    ) -> ApiResponse {
        let frame = self.frame_at(call, "", JourneyStep::Review);
        let cards = consents.iter().zip(choices).zip(1..);
        let cards = cards.map(|((consent, choice), number)| {
            let accounts = self.world.catch_up().consent_accounts(consent);
            let position = (number, consents.len());
            ConsentCard::new(
                &frame,
                consent,
                &accounts,
                &self.participants,
                choice,
                position,
            )
        });
        let cards = cards.collect();
        let reader = if call.app_state().customer_login {
            "review.reads"
        } else {
            "review.for"
        };
        let mobile = mask_customer(&self.visit.customer);
        let reader = frame.fill(reader, &[("mobile", &mobile)]);
        let notices = self.describe_refusals(&frame);
        let mut handles = consents.iter().map(|consent| consent.handle);
        let follows = handles.any(|handle| self.world.has_scripted_answer(handle));
        ApiResponse::page(&ReviewPage::new(
            frame,
            cards,
            (reader, follows),
            (notices, error),
        ))
    }

    /// Returns the page with the outcome of the visit.
    fn result(&self, call: &Call, stays: bool) -> ApiResponse {
        let frame = AppFrame {
            session_s: None,
            ..self.frame_at(call, "/result", JourneyStep::Result)
        };
        let consents = self.consents();
        let return_url = self.visit.return_url.as_deref();
        let back = return_url.map(|address| WayBack {
            address: address.to_owned(),
            host: describe_host(address),
            text: frame.fill("done.back.go", &[]),
            countdown: Countdown::new(&frame, "done.back", RETURN_DELAY_S.into()),
            stay: (!stays).then(|| format!("{}/result?stay=true", self.path)),
        });
        let page = ResultPage {
            receipts: consents
                .iter()
                .filter(|_| self.visit.sign_in.is_complete())
                .map(|consent| Receipt::new(&frame, consent))
                .collect(),
            leave: (return_url.is_none() && self.has_way_back()).then(|| {
                (
                    format!("{}/leave", self.path),
                    frame.fill("done.back.go", &[]),
                )
            }),
            back,
            ..ResultPage::new(
                self.describe_outcome(&frame, &consents),
                format!("{}/consents", self.path),
                frame,
            )
        };
        let page = ApiResponse::page(&page);
        match return_url.filter(|_| !stays) {
            Some(address) => page.with_refresh(RETURN_DELAY_S, address),
            None => page,
        }
    }

    /// Returns the address at the FIU that the request of a consent names.
    fn find_redirect_url(&self) -> Option<String> {
        self.consents().iter().find_map(|consent| {
            let metadata = consent.metadata.as_ref()?;
            metadata.redirect_url.as_deref().map(str::to_owned)
        })
    }

    /// Returns whether the visit can lead back to the FIU.
    fn has_way_back(&self) -> bool {
        matches!(self.visit.origin, VisitOrigin::Redirection(_))
            || self.find_redirect_url().is_some()
    }

    fn describe_outcome(&self, frame: &AppFrame, consents: &[Arc<Consent>]) -> String {
        let approved = consents.iter().filter(|consent| consent.grant.is_some());
        let approved = approved.count();
        match consents {
            [] => frame.fill("stale.unknown", &[]),
            _ if self.visit.has_left => frame.fill("done.left", &[]),
            all if all.len() == approved => frame.fill("done.approved", &[]),
            all if all.iter().all(|it| it.status == Status::Rejected) => {
                frame.fill("done.rejected", &[])
            }
            [consent] => {
                let status = describe_status(frame.language, consent.status);
                frame.fill("stale.now", &[("status", status)])
            }
            all => {
                let (n, total) = (approved.to_string(), all.len().to_string());
                frame.fill("done.mixed", &[("n", &n), ("total", &total)])
            }
        }
    }
}

/// Shows the step at which a visit is: the consents to answer, or the outcome.
pub(crate) fn show_visit(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find(call)? else {
        return show_other_visit(call);
    };
    if !open.visit.sign_in.is_complete() {
        return Ok(open.show_sign_in(call, None));
    }
    if open.visit.handles.is_empty() {
        return Ok(open.redirect_to(call, "/consents"));
    }
    let pending = open.pending_consents();
    if pending.is_empty() {
        return Ok(open.result(call, true));
    }
    let choices: Vec<_> = pending
        .iter()
        .map(|consent| open.initial_choice(call, consent))
        .collect();
    Ok(open.review(call, &pending, &choices, None))
}

/// Shows the outcome of a visit, from which the browser goes on to the FIU.
pub(crate) fn show_result(call: &Call) -> Result<ApiResponse, ApiError> {
    let Some(open) = OpenVisit::find(call)? else {
        return show_other_visit(call);
    };
    if !open.visit.sign_in.is_complete() && !open.visit.has_left {
        return Ok(open.redirect_to(call, ""));
    }
    let stays = Params::parse(call.query())?.parse_switch("stay")?;
    Ok(open.result(call, stays))
}

impl OpenVisit {
    /// Returns the page of a visit that has ended because it was idle too long. From it the browser
    /// goes back to the FIU.
    fn show_over(&self, call: &Call) -> ApiResponse {
        if self.visit.return_url.is_some() {
            return self.result(call, true);
        }
        let frame = AppFrame {
            session_s: None,
            ..self.frame(call, "")
        };
        let page = ResultPage {
            lines: vec![frame.fill("session.ended", &[])],
            leave: self.has_way_back().then(|| {
                let text = frame.fill("done.back.go", &[]);
                (format!("{}/leave", self.path), text)
            }),
            again: self.visit.handles.first().map(|handle| {
                let address = format!("{}/aa/consents/{handle}", self.world.base_path());
                (address, frame.fill("signin.title", &[]))
            }),
            ..ResultPage::new(
                frame.fill("done.ended", &[]),
                format!("{}/aa", self.world.base_path()),
                frame,
            )
        };
        ApiResponse::page(&page).with_status_code(404)
    }
}

/// Leads to the sign-in of a visit that needs one; else returns the page that says that the visit has
/// ended, or that there is none.
fn show_other_visit(call: &Call) -> Result<ApiResponse, ApiError> {
    if let Some(open) = OpenVisit::find(call)? {
        return Ok(open.redirect_to(call, ""));
    }
    if let Some(over) = OpenVisit::find_over(call, |_| ())? {
        return Ok(over.show_over(call));
    }
    let message = Message {
        heading: "done.ended",
        line: Some("err.visit"),
        details: None,
    };
    Ok(show_message(call, &*call.get_or_create_world()?, message).with_status_code(404))
}

/// A message to a customer in place of a page of a visit.
struct Message {
    /// The keys of its texts.
    heading: &'static str,
    line: Option<&'static str>,
    details: Option<String>,
}

/// Returns a page with a message, in the name of the first AA.
fn show_message(call: &Call, world: &World, message: Message) -> ApiResponse {
    let participants = world.participants();
    let default_aa = participants.default_aa();
    let aa = aa_party(world, &participants, &default_aa.id);
    let frame = AppFrame {
        language: accepted_language(call),
        path: format!("{}/aa", world.base_path()),
        page_path: call.path().to_owned(),
        fiu: aa.clone(),
        aa,
        token: String::new(),
        theme: Some(theme_path(default_aa.brand)),
        step: None,
        session_s: None,
        notice: None,
        sdk: None,
    };
    let line = message.line.map(|key| frame.fill(key, &[]));
    let page = ResultPage {
        lines: line.into_iter().collect(),
        details: message.details,
        ..ResultPage::new(frame.fill(message.heading, &[]), frame.path.clone(), frame)
    };
    ApiResponse::page(&page)
}

/// Returns the page that says to a customer that there is no such consent, or the error to a script.
fn show_unknown_consent(call: &Call, error: ApiError) -> Result<ApiResponse, ApiError> {
    show_failure(call, error, "stale.unknown", None)
}

/// Returns the page that says to a customer that the link of an FIU cannot be used, or the error to a
/// script.
pub(crate) fn show_unusable_link(call: &Call, error: ApiError) -> Result<ApiResponse, ApiError> {
    show_failure(call, error, "err.title", Some("err.link"))
}

/// Returns an error as a page with these texts, or the error to a script.
fn show_failure(
    call: &Call,
    error: ApiError,
    heading: &'static str,
    line: Option<&'static str>,
) -> Result<ApiResponse, ApiError> {
    if !call.accepts_page() {
        return Err(error);
    }
    let world = call.get_or_create_world()?;
    let message = Message {
        heading,
        line,
        details: Some(error.message()),
    };
    Ok(show_message(call, &world, message).with_status_code(http_status(&error)))
}

fn aa_party(world: &World, participants: &Participants, id: &str) -> Party {
    Party::of_aa(participants, &world.base_path(), id)
}

fn aa_brand(participants: &Participants, id: &str) -> Brand {
    let aa = participants.find_aa(id);
    aa.map_or_else(|| Brand::from_id(id), |aa| aa.brand)
}

fn fiu_party(world: &World, participants: &Participants, id: &str) -> Party {
    Party::of_fiu(participants, &world.base_path(), id)
}

/// Returns the host of an address, or its scheme if it is that of an app.
fn describe_host(address: &str) -> String {
    let url = reqwest::Url::parse(address).ok();
    let host = url.as_ref().and_then(|url| url.host_str());
    let scheme = url.as_ref().map(|url| format!("{}:", url.scheme()));
    host.map(str::to_owned).or(scheme).unwrap_or_default()
}
