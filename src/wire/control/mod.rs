//! Owns the JSON of the control API: camelCase, lists as `{"items":[…],"next":null}`, errors as
//! `{"error","field","state","legal","diagnostics"}`
//! (`docs/architecture.md#control-api-and-command-line`). Leaves routes to `http::control`.

pub(crate) mod consents;
pub(crate) mod customers;
pub(crate) mod deliveries;
pub(crate) mod events;
pub(crate) mod faults;
pub(crate) mod journal;
pub(crate) mod personas;
pub(crate) mod report;
pub(crate) mod scenarios;
pub(crate) mod schema_types;
pub(crate) mod sessions;
pub(crate) mod timers;
pub(crate) mod transactions;
pub(crate) mod uploads;
pub(crate) mod world;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::account::{Account, AccountType, FiType};
use crate::domain::consent::{Input, Status};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::listing::Listing;
use crate::domain::rejection::Rejection;
use crate::wire::api_error::ApiError;
use crate::wire::mask::{SecretDetail, mask_headers};

/// A part of a list. `next` is the `after` of the next part; `null` if this is the last one.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<u64>,
}

/// A part of a list with counts: newest first, or oldest first after an `after`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub(crate) struct ListPage<T, S> {
    pub items: Vec<T>,
    /// The cursor of the next part, for the parameter that this one was asked for with: `after`, or else
    /// `before`; `null` if this is the last one.
    pub next: Option<u64>,
    /// The number of items that match all filters.
    pub total: usize,
    /// The number of items in each state that match the other filters; empty states are omitted.
    pub states: Vec<StateCountView<S>>,
}

/// The number of items in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "{S}Count")]
pub(crate) struct StateCountView<S> {
    state: S,
    count: usize,
}

impl<S> StateCountView<S> {
    /// Returns the states with at least one item.
    pub(crate) fn list_nonempty(counts: Vec<(S, usize)>) -> Vec<Self> {
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        counts.map(|(state, count)| Self { state, count }).collect()
    }
}

impl<T, S: Copy + PartialEq> ListPage<T, S> {
    /// Returns the page of a listing that was asked for with a limit, and with a state if one is given.
    pub(crate) fn new<I>(
        listing: Listing<I, S>,
        limit: usize,
        state: Option<S>,
        view: impl Fn(&I) -> T,
    ) -> Self {
        let Listing { items, counts } = listing;
        let next = items.last().map(|(number, _)| *number);
        let of_state = counts
            .iter()
            .filter(|(it, _)| state.is_none_or(|state| *it == state));
        Self {
            next: next.filter(|_| items.len() == limit),
            total: of_state.map(|(_, count)| count).sum(),
            items: items.iter().map(|(_, item)| view(item)).collect(),
            states: StateCountView::list_nonempty(counts),
        }
    }
}

/// The parts of calls and webhooks that a view has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Neither headers nor bodies.
    Light,
    /// All but the bodies of webhooks.
    Row,
    Whole,
}

/// A header of a call or webhook.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HeaderView {
    name: String,
    value: String,
}

/// Returns headers as the control API shows them.
fn list_headers(headers: &[(String, String)], secrets: SecretDetail) -> Vec<HeaderView> {
    let shown = match secrets {
        SecretDetail::Mask => mask_headers(headers),
        SecretDetail::Reveal => headers.to_vec(),
    };
    let views = shown.into_iter();
    views
        .map(|(name, value)| HeaderView { name, value })
        .collect()
}

/// An account at a FIP.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AccountView {
    #[schemars(with = "FiType")]
    fi_type: &'static str,
    fip_id: String,
    #[schemars(with = "AccountType")]
    acc_type: &'static str,
    acc_ref_number: String,
    link_ref_number: String,
    masked_acc_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    linked: Option<bool>,
}

impl AccountView {
    fn new(account: &Account, linked: Option<bool>) -> Self {
        let Account {
            fi_type,
            fip,
            account_type,
            account_ref,
            link_ref,
            masked_number,
        } = account;
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

/// An error response of the control API.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ErrorView {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Status>")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Input>>")]
    legal: Option<Vec<&'static str>>,
    /// All errors of a scenario or another document.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<DiagnosticView>,
}

impl ErrorView {
    /// Returns the field and the status of a consent that the error is about, each with its name.
    pub(crate) fn describe(self) -> impl Iterator<Item = (&'static str, String)> {
        let field = self.field.map(|field| ("Field", field));
        let state = self.state.map(|state| ("Status", state.to_owned()));
        field.into_iter().chain(state)
    }
}

/// An error in a document, with its place; lines and columns count from 1, 0 is unknown.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DiagnosticView {
    line: u64,
    column: u64,
    message: String,
}

impl From<&ApiError> for ErrorView {
    fn from(error: &ApiError) -> Self {
        let field = match error {
            ApiError::InvalidField { field, .. } => Some(field.to_string()),
            ApiError::UnknownQueryParameter { name, .. } => Some(name.clone()),
            ApiError::Rejected(rejection) => rejection.field().map(str::to_owned),
            _ => None,
        };
        let status = match error {
            ApiError::Rejected(
                Rejection::IllegalTransition { status, .. } | Rejection::NotActive { status },
            ) => Some(*status),
            _ => None,
        };
        Self {
            error: error.message(),
            field,
            state: status.map(Status::as_str),
            legal: status.map(|status| status.legal_inputs().map(Input::as_str).collect()),
            diagnostics: match error {
                ApiError::InvalidDocument(diagnostics) => {
                    diagnostics.iter().map(DiagnosticView::from).collect()
                }
                _ => Vec::new(),
            },
        }
    }
}

impl From<&Diagnostic> for DiagnosticView {
    fn from(diagnostic: &Diagnostic) -> Self {
        let Diagnostic {
            line,
            column,
            message,
        } = diagnostic.clone();
        Self {
            line,
            column,
            message,
        }
    }
}

/// Returns the HTTP status of an error of the control API.
pub(crate) fn http_status(error: &ApiError) -> u16 {
    match error {
        ApiError::InvalidJson(_)
        | ApiError::UnknownQueryParameter { .. }
        | ApiError::InvalidField { .. }
        | ApiError::InvalidFields(_)
        | ApiError::InvalidCustomerAddress(_)
        | ApiError::UnsupportedVersion { .. }
        | ApiError::UnsupportedContentType(_)
        | ApiError::BodyReadFailed(_)
        | ApiError::NotPermitted(_)
        | ApiError::InvalidPurpose(_)
        | ApiError::InvalidKey(_)
        | ApiError::InvalidNotifier(_)
        | ApiError::InvalidFiStatusNotification(_)
        | ApiError::InvalidSignature(_)
        | ApiError::InvalidDocument(_) => 400,
        ApiError::FairUse { .. } => 412,
        ApiError::Timeout(_) => 408,
        ApiError::Unauthorized(_) => 401,
        ApiError::Forbidden(_) => 403,
        ApiError::NoProxy
        | ApiError::UnknownRoute { .. }
        | ApiError::UndocumentedRoute { .. }
        | ApiError::InvalidWorldName(_)
        | ApiError::MissingHandle
        | ApiError::NotFound(_) => 404,
        ApiError::SimulatedError(code) => code.status(),
        ApiError::InjectedStatus { status, .. } => *status,
        ApiError::MethodNotAllowed { .. } => 405,
        ApiError::BodyTooLarge(_) => 413,
        ApiError::LimitReached(_) => 503,
        ApiError::Conflict(_) => 409,
        ApiError::Rejected(rejection) => match rejection {
            Rejection::UnknownHandle(_)
            | Rejection::UnknownConsentId(_)
            | Rejection::UnknownSession(_)
            | Rejection::NoDataSession
            | Rejection::UnknownLink(_)
            | Rejection::UnknownTransaction { .. }
            | Rejection::CustomerNotRegistered(_) => 404,
            Rejection::IllegalTransition { .. }
            | Rejection::NotActive { .. }
            | Rejection::NotStarted { .. }
            | Rejection::FrequencyExhausted(_)
            | Rejection::FetchNotAllowed { .. }
            | Rejection::FetchInProgress(_)
            | Rejection::NoDataFound(_)
            | Rejection::AlreadyRegistered(_)
            | Rejection::AlreadyLinked(_)
            | Rejection::AmbiguousTransaction { .. }
            | Rejection::TransactionUnchanged(_)
            | Rejection::TooManyTransactions { .. }
            | Rejection::NoBankAccount(_)
            | Rejection::LinkRefTaken(_)
            | Rejection::NoPendingAccount(_)
            | Rejection::NoKeyMaterial
            | Rejection::TxnidRepeated { .. }
            | Rejection::NoAccountToLink { .. }
            | Rejection::NoLinkedAccount { .. }
            | Rejection::NotResendable(_)
            | Rejection::AnalyticsNotSupported(_)
            | Rejection::NoGrantableAccount { .. } => 409,
            Rejection::AlreadyExpired { .. }
            | Rejection::UnknownScenario { .. }
            | Rejection::OutOfRange { .. }
            | Rejection::FipNotInSession(_)
            | Rejection::AccountNotInSession(_)
            | Rejection::UnknownAccount { .. }
            | Rejection::NotABankAccount { .. }
            | Rejection::TransactionInFuture { .. }
            | Rejection::TransactionBeforeOpening { .. }
            | Rejection::UnknownFip(_)
            | Rejection::InvalidLinkToken => 400,
            Rejection::LinkTokenExpired(_) => 401,
            Rejection::DataExpired(_) => 410,
            Rejection::OutboxFull(_) => 503,
        },
    }
}
