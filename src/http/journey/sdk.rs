//! Visits that Unaport's web SDK has begun: their theme, the banks that they offer, the messages to
//! the page that opened or frames them, and the headers that let it do so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
};
use serde_json::{Value, json};

use super::accounts::BankSearch;
use super::{OpenVisit, Visit, VisitOrigin, aa_brand};
use crate::domain::account::FiType;
use crate::domain::bank_answer::{DiscoveryResult, SearchState};
use crate::domain::consent::{Consent, Status};
use crate::domain::ids::ConsentHandle;
use crate::domain::naming::wire_enum;
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::visit_progress::VisitEnd;
use crate::http::call::Call;
use crate::http::response::{ApiResponse, HeaderList, NO_FRAMES};
use crate::ui::journey::SdkMessages;
use crate::ui::theme::theme_path;
use crate::wire::api_error::ApiError;
use crate::wire::web_sdk::{SdkConfig, SdkFiType};

wire_enum! {
    /// A step of a visit. The names are those of a published AA SDK, so that funnels can be compared
    /// (`docs/unaport.md#web-sdk`).
    Step {
        LoginOtpGenerated = "LOGIN_OTP_GENERATED",
        LoginOtpNotVerified = "LOGIN_OTP_NOT_VERIFIED",
        LoginOtpLocked = "LOGIN_OTP_LOCKED",
        LoginOtpVerified = "LOGIN_OTP_VERIFIED",
        DiscoveryInitiated = "DISCOVERY_INITIATED",
        DiscoveryFailed = "DISCOVERY_FAILED",
        AccountsDiscovered = "ACCOUNTS_DISCOVERED",
        AccountsNotDiscovered = "ACCOUNTS_NOT_DISCOVERED",
        LinkingOtpGenerated = "LINKING_OTP_GENERATED",
        LinkingFailure = "LINKING_FAILURE",
        LinkingSuccess = "LINKING_SUCCESS",
        LinkedAccountsSummary = "LINKED_ACCOUNTS_SUMMARY",
        ConsentApproved = "CONSENT_APPROVED",
        ConsentDenied = "CONSENT_DENIED",
    }
}

/// Something that the other page is informed of, once.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fact {
    /// The visit has begun.
    Ready,
    /// A step, with what tells its repetitions apart.
    Step(Step, String),
    /// The consent has an answer.
    Complete,
    /// The customer has left without an answer.
    Exit,
}

/// The facts of a visit that the other page knows.
#[derive(Debug, Default)]
struct Announcements {
    announced: Vec<Fact>,
    /// The number of linked accounts when the visit began.
    linked_at_start: Option<usize>,
}

/// The new facts in the page that a call has rendered last; they count once it is sent.
#[derive(Debug)]
struct RenderedFacts(Vec<Fact>);

/// A visit that the web SDK has begun, as its config describes it.
#[derive(Debug)]
pub(crate) struct SdkVisit {
    tracking_id: Box<str>,
    handle: ConsentHandle,
    fi_type: Option<SdkFiType>,
    /// The origin of the page that gets messages; without one there are none.
    message_origin: Option<String>,
    stylesheet: String,
    announcements: Mutex<Announcements>,
}

impl SdkVisit {
    /// Creates the visit of a config whose consent has been raised.
    pub(crate) fn new(config: &SdkConfig, handle: ConsentHandle, stylesheet: String) -> Self {
        Self {
            tracking_id: config.tracking_id.clone(),
            handle,
            fi_type: config.fi_type,
            message_origin: config.message_origin.clone(),
            stylesheet,
            announcements: Mutex::default(),
        }
    }

    fn message(&self, kind: &str, status: &str, code: Option<RedirectionCode>) -> Value {
        json!({
            "source": "mockaa",
            "type": kind,
            "trackingId": self.tracking_id,
            "consentHandle": self.handle.to_string(),
            "status": status,
            "errorCode": code,
        })
    }
}

impl OpenVisit {
    fn sdk_visit(&self) -> Option<&Arc<SdkVisit>> {
        match &self.visit.origin {
            VisitOrigin::Sdk(sdk) => Some(sdk),
            VisitOrigin::Link | VisitOrigin::Redirection(_) => None,
        }
    }

    /// Returns the path of the stylesheet with the colors of the visit.
    pub(super) fn theme_path(&self) -> String {
        match self.sdk_visit() {
            Some(_) => format!("{}/theme.css", self.path),
            None => theme_path(aa_brand(&self.participants, &self.visit.aa)),
        }
    }

    /// Returns whether the visit is about accounts of a type.
    pub(super) fn offers_type(&self, fi_type: FiType) -> bool {
        let kind = self.sdk_visit().and_then(|sdk| sdk.fi_type);
        kind.is_none_or(|kind| kind.includes(fi_type))
    }

    /// Returns whether the visit offers a bank: one at which some persona has accounts of the kind
    /// that the SDK asks for.
    ///
    /// `Assumption:` no document connects FIPs with kinds of accounts; here the personas do.
    pub(super) fn offers_bank(&self, fip: &str) -> bool {
        let offers_all = self.sdk_visit().is_none_or(|sdk| sdk.fi_type.is_none());
        let fips = &self.participants.fips;
        let personas = self.world.personas();
        let mut plans = personas.iter().flat_map(|persona| &persona.accounts);
        offers_all
            || plans.any(|plan| {
                let holder = &fips[plan.fip_index % fips.len()].entity.id;
                self.offers_type(plan.fi_type) && **holder == *fip
            })
    }

    /// Returns the messages of a page; `None` if no page gets any, or if the browser does not show it.
    pub(super) fn list_sdk_messages(&self, call: &Call, page: &str) -> Option<SdkMessages> {
        let sdk = self.sdk_visit()?;
        let target = sdk.message_origin.clone().filter(|_| call.shows_page())?;
        // This call may have changed the visit after its copy was made.
        let visit = self.remember(call, |_| ())?;
        let consent = self.world.catch_up().consent(sdk.handle)?;
        let mut announcements = lock(sdk);
        let mut facts = self.list_facts(page, &visit, &consent, &mut announcements);
        facts.retain(|fact| !announcements.announced.contains(fact));
        let messages: Vec<_> = facts
            .iter()
            .map(|fact| self.describe_fact(sdk, &consent, fact))
            .collect();
        call.store_extension(RenderedFacts(facts));
        Some(SdkMessages {
            messages: serde_json::to_string(&messages).expect("texts and numbers serialise"),
            target,
        })
    }

    fn describe_fact(&self, sdk: &SdkVisit, consent: &Consent, fact: &Fact) -> Value {
        let status = consent.status.as_str();
        match fact {
            Fact::Ready => sdk.message("ready", status, None),
            Fact::Step(step, _) => sdk.message("step", step.as_str(), None),
            Fact::Complete => {
                let code = match consent.status {
                    _ if consent.grant.is_some() => RedirectionCode::SUCCESS,
                    Status::Rejected => RedirectionCode::REJECTED,
                    _ => RedirectionCode::CONSENT_NOT_AVAILABLE,
                };
                sdk.message("complete", status, Some(code))
            }
            Fact::Exit => {
                let step = self.step();
                let code = step.end_code(VisitEnd::Left, RedirectionCode::UNKNOWN);
                sdk.message("exit", status, Some(code))
            }
        }
    }

    /// Lists what has happened in the visit so far, as a page shows it.
    fn list_facts(
        &self,
        page: &str,
        visit: &Visit,
        consent: &Consent,
        announcements: &mut Announcements,
    ) -> Vec<Fact> {
        let mut facts = vec![Fact::Ready];
        let mut add = |step, key: String| facts.push(Fact::Step(step, key));
        let (sends, tries) = visit.sign_in.attempts();
        if visit.sign_in.is_password_sent() {
            add(Step::LoginOtpGenerated, sends.to_string());
        }
        if tries > 0 {
            add(Step::LoginOtpNotVerified, format!("{sends} {tries}"));
        }
        if self.is_locked() {
            add(Step::LoginOtpLocked, sends.to_string());
        }
        let is_signed_in = visit.sign_in.is_complete();
        if is_signed_in && sends > 0 {
            add(Step::LoginOtpVerified, String::new());
        }
        if !visit.searches.is_empty() {
            let banks: Vec<&str> = visit.searches.iter().map(|search| &*search.fip).collect();
            let banks = banks.join(" ");
            add(Step::DiscoveryInitiated, banks.clone());
            let states: Vec<_> = visit.searches.iter().map(BankSearch::state).collect();
            let failure = SearchState::Failed(DiscoveryResult::Error);
            if states.contains(&failure) {
                add(Step::DiscoveryFailed, banks.clone());
            }
            let is_waiting = states.iter().copied().any(SearchState::is_waiting);
            if !self.discover().is_empty() {
                add(Step::AccountsDiscovered, banks);
            } else if !is_waiting {
                add(Step::AccountsNotDiscovered, banks);
            }
        }
        for link in &visit.links {
            add(Step::LinkingOtpGenerated, link.id.to_string());
            if link.tries > 0 {
                add(Step::LinkingFailure, format!("{} {}", link.id, link.tries));
            }
        }
        let linked = self.count_linked_accounts();
        let at_start = *announcements.linked_at_start.get_or_insert(linked);
        if linked > at_start {
            add(Step::LinkingSuccess, linked.to_string());
        }
        let is_answered = consent.status != Status::Pending;
        if is_signed_in && page.is_empty() && !is_answered {
            add(Step::LinkedAccountsSummary, linked.to_string());
        }
        if consent.grant.is_some() {
            add(Step::ConsentApproved, String::new());
        } else if consent.status == Status::Rejected {
            add(Step::ConsentDenied, String::new());
        }
        if is_answered {
            facts.push(Fact::Complete);
        } else if visit.has_left {
            facts.push(Fact::Exit);
        }
        facts
    }

    fn count_linked_accounts(&self) -> usize {
        let (_, accounts) = self.world.catch_up().customer(&self.visit.customer);
        accounts.iter().filter(|account| account.is_linked).count()
    }
}

fn lock(sdk: &SdkVisit) -> MutexGuard<'_, Announcements> {
    let announcements = sdk.announcements.lock();
    announcements.unwrap_or_else(PoisonError::into_inner)
}

/// Returns the stylesheet of a visit that the web SDK has begun.
pub(crate) fn get_visit_theme(call: &Call) -> Result<ApiResponse, ApiError> {
    let open = OpenVisit::find(call)?;
    let sdk = open.as_ref().and_then(OpenVisit::sdk_visit);
    let sdk = sdk.ok_or_else(|| {
        let message = "this is no visit of the web SDK, or it has ended; open /view again";
        ApiError::NotFound(message.to_owned())
    })?;
    let sheet = ApiResponse::stylesheet(sdk.stylesheet.clone());
    Ok(sheet.with_header(CACHE_CONTROL, "no-store"))
}

/// Returns the visit of a call, if the web SDK has begun it. The page that says that a visit has ended
/// is a page of it.
fn find_sdk_visit(call: &Call) -> Option<Arc<SdkVisit>> {
    let id = call.optional_path_segment("visit")?;
    let store = &call.app_state().visits;
    match store.origin_of(call.world_name().ok()?, id)? {
        VisitOrigin::Sdk(sdk) => Some(sdk),
        VisitOrigin::Link | VisitOrigin::Redirection(_) => None,
    }
}

/// Completes a response to the customer's browser: the pages of the web SDK may be framed by the
/// origins of `--frame-origin`, and may post messages to the page that opened them. The facts of a
/// page that is sent are announced.
pub(crate) fn finish_headers(call: &Call, headers: &mut HeaderList) {
    let opens_sdk = call.opens_web_sdk();
    let sdk = find_sdk_visit(call);
    if !opens_sdk && sdk.is_none() {
        return;
    }
    if opens_sdk {
        // The address has the tokens.
        headers.set(REFERRER_POLICY, "no-referrer");
    }
    if let Some(ancestors) = call.app_state().frames.ancestors() {
        let policy = headers.get(&CONTENT_SECURITY_POLICY).unwrap_or(NO_FRAMES);
        let policy = policy.replace(NO_FRAMES, &format!("frame-ancestors {ancestors}"));
        headers.set(CONTENT_SECURITY_POLICY, policy);
    }
    let Some(sdk) = sdk else { return };
    let is_page = headers
        .get(&CONTENT_TYPE)
        .is_some_and(|value| value.starts_with("text/html"));
    if sdk.message_origin.is_some() && is_page {
        // Else the browser separates this page from the one that opened it.
        headers.set(
            HeaderName::from_static("cross-origin-opener-policy"),
            "unsafe-none",
        );
        if let Some(RenderedFacts(facts)) = call.take_extension() {
            lock(&sdk).announced.extend(facts);
        }
    }
}
