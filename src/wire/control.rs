//! The control API's own JSON: camelCase, lists as `{"items":[…],"next":null}`, errors as
//! `{"error","field","state","legal"}` (DESIGN §6).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

use std::sync::Arc;

use crate::domain::account::Account;
use crate::domain::command::{AdvanceTarget, Choice, Outcome as DataOutcome, Verb};
use crate::domain::consent::{Consent, Input, Moment, Status};
use crate::domain::customer::{Customer, Link};
use crate::domain::delivery::{Attempt, Delivery, Outcome};
use crate::domain::event::Event;
use crate::domain::record::{Entry, What};
use crate::domain::refusal::Refusal;
use crate::domain::session::{FiStatus, FipSession, Session, SessionAccount};
use crate::wire::fields::{Instant, need, parse_instant, quoted, text};
use crate::wire::problem::Problem;
use crate::wire::span::{SPAN_FORMS, parse_span};

/// A part of a list, and what to pass as `after` for the next part.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<u64>,
}

/// A consent as the control API shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentView {
    consent_handle: String,
    consent_id: Option<String>,
    state: &'static str,
    customer: String,
    face: &'static str,
    fiu_id: String,
    aa_id: String,
    /// Unaport's `trackingId`; the faces of today have none.
    tracking_id: Option<String>,
    scenario: Option<String>,
    /// The accounts that it was granted for.
    accounts: Vec<AccountView>,
    /// What each FIP's own artefact is called.
    fip_artefacts: Vec<FipArtefactView>,
    /// The customer has left the AA; nobody outside sees the consent any more.
    hidden: bool,
    created_at: String,
    consent_start: String,
    consent_expiry: String,
    /// What may be done now.
    legal: Vec<&'static str>,
    /// Where a person answers it.
    page_url: String,
    history: Vec<MomentView>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FipArtefactView {
    fip_id: String,
    consent_id: String,
}

/// An account at a FIP.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountView {
    fi_type: &'static str,
    fip_id: String,
    acc_type: &'static str,
    acc_ref_number: String,
    link_ref_number: String,
    masked_acc_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    linked: Option<bool>,
}

impl AccountView {
    fn new(account: &Account, linked: Option<bool>) -> Self {
        let Account { fi_type, fip, account_type, account_ref, link_ref, masked_number } = account;
        Self {
            fi_type: fi_type.as_str(),
            fip_id: fip.to_string(),
            acc_type: account_type.as_str(),
            acc_ref_number: account_ref.to_string(),
            link_ref_number: link_ref.to_string(),
            masked_acc_number: masked_number.to_string(),
            linked,
        }
    }
}

#[derive(Debug, Serialize)]
struct MomentView {
    state: &'static str,
    at: String,
}

/// What [`ConsentView`] needs beside the consent.
#[derive(Debug)]
pub struct ConsentContext {
    pub aa_id: String,
    pub scenario: Option<String>,
    pub page_url: String,
}

impl ConsentView {
    pub fn new(consent: &Consent, context: ConsentContext) -> Self {
        let Consent { handle, face, fiu, terms, status, created_at, grant, hidden, history } = consent;
        let ConsentContext { aa_id, scenario, page_url } = context;
        Self {
            consent_handle: handle.to_string(),
            consent_id: grant.as_ref().map(|grant| grant.consent_id.to_string()),
            state: status.as_str(),
            customer: terms.customer.to_string(),
            face: face.as_str(),
            fiu_id: fiu.to_string(),
            aa_id,
            tracking_id: None,
            scenario,
            accounts: grant
                .iter()
                .flat_map(|grant| grant.accounts.iter())
                .map(|account| AccountView::new(account, None))
                .collect(),
            fip_artefacts: grant
                .iter()
                .flat_map(|grant| grant.fips.iter())
                .map(|part| FipArtefactView { fip_id: part.fip.to_string(), consent_id: part.consent_id.to_string() })
                .collect(),
            hidden: *hidden,
            created_at: created_at.to_string(),
            consent_start: terms.start.to_string(),
            consent_expiry: terms.expiry.to_string(),
            legal: status.legal().map(Input::as_str).collect(),
            page_url,
            history: history.iter().map(MomentView::from).collect(),
        }
    }
}

impl From<&Moment> for MomentView {
    fn from(moment: &Moment) -> Self {
        let Moment { status, at } = moment;
        Self { state: status.as_str(), at: at.to_string() }
    }
}

/// A webhook delivery. `body` is the very text that was sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryView {
    id: u64,
    webhook_id: String,
    event: &'static str,
    consent_handle: String,
    fiu_id: String,
    state: &'static str,
    created_at: String,
    next_attempt_at: Option<String>,
    attempts: Vec<AttemptView>,
    /// The body as JSON; only where one delivery is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptView {
    at: String,
    wall_at: String,
    duration_ms: u64,
    url: String,
    headers: Vec<(String, String)>,
    status: Option<u16>,
    answer: Option<String>,
    error: Option<String>,
    remark: Option<String>,
}

impl DeliveryView {
    pub fn new(delivery: &Delivery, with_body: bool) -> Self {
        let Delivery { id, notice, progress, next_attempt_at, message, attempts } = delivery;
        let body = message.as_ref().filter(|_| with_body).and_then(|message| {
            let text = String::from_utf8(message.body.clone()).ok()?;
            RawValue::from_string(text).ok()
        });
        Self {
            id: *id,
            webhook_id: format!("msg_{}", notice.message),
            event: notice.kind().as_str(),
            consent_handle: notice.consent.handle.to_string(),
            fiu_id: notice.fiu.to_string(),
            state: progress.as_str(),
            created_at: notice.at.to_string(),
            next_attempt_at: next_attempt_at.map(|at| at.to_string()),
            attempts: attempts.iter().map(AttemptView::from).collect(),
            body,
        }
    }
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        let Attempt { at, wall_at, duration_ms, url, headers, outcome } = attempt;
        let (status, answer, error, remark) = match outcome.clone() {
            Outcome::Accepted { status, body, remark } => (Some(status), Some(body), None, remark),
            Outcome::Refused { status, body } => (Some(status), Some(body), None, None),
            Outcome::Failed { reason } => (None, None, Some(reason), None),
        };
        Self {
            at: at.to_string(),
            wall_at: wall_at.to_string(),
            duration_ms: *duration_ms,
            url: url.clone(),
            headers: headers.clone(),
            status,
            answer,
            error,
            remark,
        }
    }
}

/// An entry of the journal.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    seq: u64,
    at: String,
    kind: &'static str,
    consent_handle: Option<String>,
    /// Whom it is about, where it is about no consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    /// What a person should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
        let Entry { seq, at, what } = entry;
        let (kind, handle, text) = match what {
            What::Event(event) => (event.name().as_str(), event.handle(), None),
            What::SignatureFlaw { text } => ("signature.flaw", None, Some(text.clone())),
            What::StepRefused { handle, origin, reason } => {
                ("scenario.refused", *handle, Some(format!("{origin}: {reason}")))
            }
            What::Note { text } => ("note", None, Some(text.clone())),
        };
        let customer = match what {
            What::Event(event) => event.customer().map(ToString::to_string),
            _ => None,
        };
        let consent_handle = handle.map(|handle| handle.to_string());
        Self { seq: *seq, at: at.to_string(), kind, consent_handle, customer, text }
    }
}

/// A world's clock.
#[derive(Debug, Serialize)]
pub struct ClockView {
    pub now: String,
    /// `running` or `frozen`.
    pub mode: &'static str,
}

/// A world seen from afar.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorldView {
    pub name: String,
    pub seed: u64,
    pub now: String,
    pub consents: usize,
    /// Consents in each state, the empty ones left out.
    pub states: Vec<(&'static str, usize)>,
    pub webhooks_open: usize,
    pub timers: usize,
}

/// States that occur.
pub fn states(tally: Vec<(Status, usize)>) -> Vec<(&'static str, usize)> {
    tally.into_iter().filter(|(_, count)| *count > 0).map(|(status, count)| (status.as_str(), count)).collect()
}

/// Answer of `clock/advance`.
#[derive(Debug, Serialize)]
pub struct AdvanceView {
    pub from: String,
    pub to: String,
    /// Due work that was done.
    pub fired: usize,
    /// `target`, `step-limit`, `time-limit` or `world-reset`.
    pub stopped: &'static str,
    /// What happened on the way, as far as the journal still has it.
    pub journal: Vec<EntryView>,
}

/// Body of `clock/advance`: exactly one of the three.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdvanceRequest {
    by: Option<String>,
    to: Option<String>,
    until: Option<String>,
}

impl TryFrom<AdvanceRequest> for AdvanceTarget {
    type Error = Problem;

    fn try_from(request: AdvanceRequest) -> Result<Self, Problem> {
        let AdvanceRequest { by, to, until } = request;
        match (by, to, until.as_deref()) {
            (Some(by), None, None) => {
                parse_span(&by).map(Self::By).ok_or_else(|| Problem::field("by", format!("'{by}' is not {SPAN_FORMS}")))
            }
            (None, Some(to), None) => parse_instant(&to)
                .map(Self::To)
                .ok_or_else(|| Problem::field("to", format!("'{to}' is not a date-time such as 2024-01-31T18:30:00Z"))),
            (None, None, Some("idle")) => Ok(Self::UntilIdle),
            (None, None, Some(other)) => Err(Problem::field("until", format!("'{other}' is not idle"))),
            _ => {
                Err(Problem::field("the body", "takes one of {\"by\":\"P30D\"}, {\"to\":\"…Z\"}, {\"until\":\"idle\"}"))
            }
        }
    }
}

/// Body of `approve`; all of it may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    /// Stay READY until `activate`.
    #[serde(default)]
    hold: bool,
    /// `linkRefNumber`s; without it, all linked accounts of the kinds that were asked for.
    accounts: Option<Vec<String>>,
}

impl From<ApproveRequest> for Verb {
    fn from(request: ApproveRequest) -> Self {
        let ApproveRequest { hold, accounts } = request;
        let accounts =
            accounts.map_or(Choice::All, |accounts| Choice::Only(accounts.into_iter().map(Into::into).collect()));
        Self::Approve { hold, accounts }
    }
}

/// A data session.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    session_id: String,
    consent_handle: String,
    consent_id: String,
    session_status: &'static str,
    opened_at: String,
    expires_at: Option<String>,
    from: Instant,
    to: Instant,
    accounts: Vec<SessionAccountView>,
    fip_sessions: Vec<FipSessionView>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionAccountView {
    fip_id: String,
    link_ref_number: String,
    #[serde(rename = "FIStatus")]
    fi_status: &'static str,
    description: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FipSessionView {
    fip_id: String,
    session_id: String,
}

impl SessionView {
    pub fn new(session: &Session) -> Self {
        let account = |account: &SessionAccount| SessionAccountView {
            fip_id: account.fip.to_string(),
            link_ref_number: account.link_ref.to_string(),
            fi_status: account.status.as_str(),
            description: account.description.to_string(),
        };
        let part = |part: &FipSession| FipSessionView { fip_id: part.fip.to_string(), session_id: part.id.to_string() };
        Self {
            session_id: session.id.to_string(),
            consent_handle: session.handle.to_string(),
            consent_id: session.consent_id.to_string(),
            session_status: session.status.as_str(),
            opened_at: session.opened_at.to_string(),
            expires_at: session.expires_at.map(|at| at.to_string()),
            from: Instant(session.range.from),
            to: Instant(session.range.to),
            accounts: session.accounts.iter().map(account).collect(),
            fip_sessions: session.fips.iter().map(part).collect(),
        }
    }
}

/// Body of `sessions/{id}/deliver`: READY, DENIED or TIMEOUT, by default, by FIP, by `linkRefNumber`. Without any, all
/// accounts are READY.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliverRequest {
    default: Option<String>,
    #[serde(default)]
    fips: BTreeMap<String, String>,
    #[serde(default)]
    accounts: BTreeMap<String, String>,
}

impl TryFrom<DeliverRequest> for DataOutcome {
    type Error = Problem;

    fn try_from(request: DeliverRequest) -> Result<Self, Problem> {
        let DeliverRequest { default, fips, accounts } = request;
        let status = |field: &'static str, text: &str| match FiStatus::parse(text) {
            Some(status @ (FiStatus::Ready | FiStatus::Denied | FiStatus::Timeout)) => Ok(status),
            _ => Err(Problem::field(field, format!("{} is not one of READY, DENIED, TIMEOUT", quoted(text)))),
        };
        let list = |field: &'static str, list: BTreeMap<String, String>| {
            let entries = list.into_iter().map(|(name, text)| Ok((name.into(), status(field, &text)?)));
            entries.collect::<Result<Vec<_>, Problem>>()
        };
        let nobody_named = default.is_none() && fips.is_empty() && accounts.is_empty();
        let default = default.map(|text| status("default", &text)).transpose()?;
        let default = default.or(nobody_named.then_some(FiStatus::Ready));
        Ok(Self { default, fips: list("fips", fips)?, accounts: list("accounts", accounts)? })
    }
}

/// A customer and all accounts at the simulated FIPs.
#[derive(Debug, Serialize)]
pub struct CustomerView {
    customer: String,
    registered: bool,
    items: Vec<AccountView>,
    pending: Vec<LinkView>,
}

impl CustomerView {
    /// `said` is what is on record; whoever has no record is registered.
    pub fn new(address: &str, said: Option<&Customer>, accounts: &[(Account, bool)]) -> Self {
        Self {
            customer: address.to_owned(),
            registered: said.is_none_or(|said| said.registered),
            items: accounts.iter().map(|(account, linked)| AccountView::new(account, Some(*linked))).collect(),
            pending: said.iter().flat_map(|said| &said.pending).map(|link| LinkView::new(link)).collect(),
        }
    }
}

/// A wish to link accounts, in the words of ReBIT's `AccLinkResponse`.
#[derive(Debug, Serialize)]
pub struct LinkView {
    #[serde(rename = "RefNumber")]
    reference: String,
    #[serde(rename = "AuthenticatorType")]
    authenticator: &'static str,
    #[serde(rename = "fipId")]
    fip: String,
    #[serde(rename = "expiresAt")]
    expires_at: String,
}

impl LinkView {
    fn new(link: &Link) -> Self {
        Self {
            reference: link.id.to_string(),
            authenticator: link.linking.as_str(),
            fip: link.fip.to_string(),
            expires_at: link.expires_at.to_string(),
        }
    }

    /// The wish that an event is about.
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            Event::LinkRequested { link } => Some(Self::new(link)),
            _ => None,
        }
    }
}

/// Body of `customers/{id}/link`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkRequest {
    fip_id: Option<String>,
    /// `accRefNumber`s.
    accounts: Option<Vec<String>>,
}

impl LinkRequest {
    pub fn check(self) -> Result<(Arc<str>, Vec<Box<str>>), Problem> {
        let fip = text("fipId", self.fip_id)?;
        let accounts = need("accounts", self.accounts)?;
        if accounts.is_empty() {
            return Err(Problem::field("accounts", "is empty; name accRefNumbers from GET …/accounts"));
        }
        Ok((fip.into(), accounts.into_iter().map(Into::into).collect()))
    }
}

/// Body of `customers/{id}/verify`. A FIP that authenticates by itself needs no token.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyRequest {
    ref_number: Option<String>,
    #[serde(default)]
    token: String,
}

impl VerifyRequest {
    pub fn check(self) -> Result<(String, Box<str>), Problem> {
        Ok((text("refNumber", self.ref_number)?, self.token.into()))
    }
}

/// Body of `customers/{id}/delink`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DelinkRequest {
    link_ref_number: Option<String>,
}

impl DelinkRequest {
    pub fn check(self) -> Result<Box<str>, Problem> {
        Ok(text("linkRefNumber", self.link_ref_number)?.into())
    }
}

/// A refusal of the control API.
#[derive(Debug, Serialize)]
pub struct ErrorView {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    legal: Option<Vec<&'static str>>,
}

impl From<&Problem> for ErrorView {
    fn from(problem: &Problem) -> Self {
        let field = match problem {
            Problem::Field { field, .. } => Some(field.to_string()),
            _ => None,
        };
        let status = match problem {
            Problem::Refused(Refusal::IllegalMove { status, .. } | Refusal::NotActive { status }) => Some(*status),
            _ => None,
        };
        Self {
            error: problem.to_string(),
            field,
            state: status.map(Status::as_str),
            legal: status.map(|status| status.legal().map(Input::as_str).collect()),
        }
    }
}

/// The HTTP status of a refusal.
pub fn status_of(problem: &Problem) -> u16 {
    match problem {
        Problem::Syntax(_)
        | Problem::Field { .. }
        | Problem::CustomerAddress(_)
        | Problem::Version { .. }
        | Problem::ContentType(_)
        | Problem::BodyLost(_)
        | Problem::NotYours(_)
        | Problem::Purpose(_)
        | Problem::Key(_)
        | Problem::Notifier(_)
        | Problem::FiStatusNotification(_)
        | Problem::Signature(_) => 400,
        Problem::Unauthorized(_) => 401,
        Problem::Forbidden(_) => 403,
        Problem::NoSuchCall { .. } | Problem::WorldName(_) | Problem::NoHandle | Problem::Unknown(_) => 404,
        Problem::Fault(code) => code.status(),
        Problem::Method { .. } => 405,
        Problem::TooLarge(_) => 413,
        Problem::TooManyWorlds(_) => 503,
        Problem::Conflict(_) => 409,
        Problem::Refused(refusal) => match refusal {
            Refusal::UnknownHandle(_)
            | Refusal::UnknownConsentId(_)
            | Refusal::UnknownSession(_)
            | Refusal::UnknownLink(_)
            | Refusal::CustomerGone(_) => 404,
            Refusal::IllegalMove { .. }
            | Refusal::NotActive { .. }
            | Refusal::NotStarted { .. }
            | Refusal::UsedUp(_)
            | Refusal::FetchBarred { .. }
            | Refusal::FetchInProgress(_)
            | Refusal::NoDataFound(_)
            | Refusal::AlreadyRegistered(_)
            | Refusal::AlreadyLinked(_)
            | Refusal::NothingToGrant { .. } => 409,
            Refusal::AlreadyExpired { .. }
            | Refusal::UnknownScenario { .. }
            | Refusal::OutOfRange { .. }
            | Refusal::FipNotInSession(_)
            | Refusal::AccountNotInSession(_)
            | Refusal::UnknownAccount { .. }
            | Refusal::UnknownFip(_)
            | Refusal::WrongToken => 400,
            Refusal::TokenExpired(_) => 401,
            Refusal::DataGone(_) => 410,
            Refusal::OutboxFull(_) => 503,
        },
    }
}
