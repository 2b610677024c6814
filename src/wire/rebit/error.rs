//! Owns `ErrorResponse` and the mapping from [`ApiError`] to HTTP status and `errorCode` for the
//! ReBIT API (ReBIT AA API 2.0.0, `ErrorResponse`; `docs/sources.md#rebit-errors`). Unaport and the
//! control API map errors themselves.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::consent::Status;
use crate::domain::error_code::ErrorCode;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::domain::version::RebitVersion;
use crate::wire::api_error::ApiError;
use crate::wire::fields::IsoTimestamp;

/// The body of an error response (ReBIT AA API 2.0.0, `ErrorResponse`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorResponse<'a> {
    ver: &'a str,
    txnid: &'a str,
    timestamp: IsoTimestamp,
    error_code: &'static str,
    error_msg: String,
}

impl<'a> ErrorResponse<'a> {
    /// Returns the response for an error. `ver` and `txnid` repeat those of the request.
    pub(crate) fn new(
        ver: &'a str,
        txnid: &'a str,
        timestamp: Timestamp,
        error: &ApiError,
    ) -> Self {
        let (_, code) = classify_error(error);
        Self {
            ver,
            txnid,
            timestamp: IsoTimestamp(timestamp),
            error_code: code.as_str(),
            error_msg: error.message(),
        }
    }
}

/// Returns the HTTP status and the `errorCode` of an error.
///
/// `Assumption:` ReBIT has no code for a body that is too large, a wrong method or an unknown path.
/// They are InvalidRequest and InvalidURI here, with the HTTP status that describes the error.
pub(crate) fn classify_error(error: &ApiError) -> (u16, ErrorCode) {
    use ErrorCode as Code;
    let code = match error {
        ApiError::BodyTooLarge(_) => return (413, Code::InvalidRequest),
        ApiError::Forbidden(_) => return (403, Code::InvalidRequest),
        ApiError::NoProxy
        | ApiError::UnknownRoute { .. }
        | ApiError::UndocumentedRoute { .. }
        | ApiError::InvalidWorldName(_)
        | ApiError::NotFound(_) => {
            return (404, Code::InvalidUri);
        }
        ApiError::MissingHandle => return (404, Code::InvalidConsentHandle),
        ApiError::MethodNotAllowed { .. } => return (405, Code::InvalidUri),
        ApiError::Conflict(_) => return (409, Code::InvalidRequest),
        ApiError::Timeout(_) => return (408, Code::InvalidRequest),
        ApiError::InvalidJson(_)
        | ApiError::UnknownQueryParameter { .. }
        | ApiError::InvalidField { .. }
        | ApiError::InvalidFields(_)
        | ApiError::UnsupportedContentType(_)
        | ApiError::BodyReadFailed(_)
        | ApiError::InvalidDocument(_)
        | ApiError::NotPermitted(_) => Code::InvalidRequest,
        ApiError::InvalidCustomerAddress(_) => Code::InvalidCustomerAddress,
        ApiError::InvalidPurpose(_) => Code::InvalidConsentPurpose,
        ApiError::FairUse { .. } => Code::PreconditionFailed,
        ApiError::InvalidKey(_) => Code::InvalidKey,
        ApiError::InvalidNotifier(_) => Code::InvalidNotifier,
        ApiError::InvalidFiStatusNotification(_) => Code::InvalidFiStatusNotification,
        ApiError::UnsupportedVersion { .. } => Code::NoSuchVersion,
        ApiError::Unauthorized(_) => Code::Unauthorized,
        ApiError::InvalidSignature(_) => Code::SignatureDoesNotMatch,
        ApiError::LimitReached(_) => Code::ServiceUnavailable,
        ApiError::SimulatedError(code) => *code,
        ApiError::InjectedStatus { status, code, .. } => {
            return (*status, code.unwrap_or_else(|| Code::from_status(*status)));
        }
        ApiError::Rejected(rejection) => classify_rejection(rejection),
    };
    (code.status(), code)
}

/// Returns the `errorCode` of a rejection.
///
/// `Assumption:` data that is requested before `consentStart` is InvalidConsentDetail. The error
/// table of the AA's own POST /FI/request has an empty cell for this code, and no source describes
/// another case of it.
fn classify_rejection(rejection: &Rejection) -> ErrorCode {
    use ErrorCode as Code;
    match rejection {
        Rejection::UnknownHandle(_) => Code::InvalidConsentHandle,
        Rejection::UnknownConsentId(_) => Code::InvalidConsentId,
        Rejection::IllegalTransition { .. } | Rejection::NotActive { .. } => {
            Code::InvalidConsentStatus
        }
        Rejection::NotStarted { .. } => Code::InvalidConsentDetail,
        Rejection::TxnidRepeated { .. } => Code::IdempotencyError,
        Rejection::NoKeyMaterial => Code::InvalidKey,
        Rejection::FrequencyExhausted(_) => Code::InvalidConsentUse,
        Rejection::OutOfRange { .. } => Code::InvalidDateRange,
        Rejection::UnknownSession(_) | Rejection::NoDataSession => Code::InvalidSessionId,
        Rejection::FetchNotAllowed {
            status: Status::Paused,
        } => Code::ConsentPaused,
        Rejection::FetchNotAllowed {
            status: Status::Revoked,
        } => Code::ConsentRevoked,
        Rejection::FetchNotAllowed { .. } => Code::ConsentExpired,
        Rejection::DataExpired(_) => Code::DataGone,
        Rejection::FipNotInSession(_) => Code::InvalidFipId,
        Rejection::NoDataFound(_) => Code::NoDataFound,
        Rejection::FetchInProgress(_) => Code::DataFetchRequestInProgress,
        Rejection::CustomerNotRegistered(_) => Code::InvalidCustomerAddress,
        Rejection::OutboxFull(_) => Code::ServiceUnavailable,
        Rejection::AlreadyExpired { .. }
        | Rejection::UnknownScenario { .. }
        | Rejection::AccountNotInSession(_)
        | Rejection::AlreadyRegistered(_)
        | Rejection::NoGrantableAccount { .. }
        | Rejection::UnknownAccount { .. }
        | Rejection::UnknownFip(_)
        | Rejection::TransactionInFuture { .. }
        | Rejection::TransactionBeforeOpening { .. }
        | Rejection::NotABankAccount { .. }
        | Rejection::NoBankAccount(_)
        | Rejection::UnknownTransaction { .. }
        | Rejection::AmbiguousTransaction { .. }
        | Rejection::TransactionUnchanged(_)
        | Rejection::TooManyTransactions { .. }
        | Rejection::AlreadyLinked(_)
        | Rejection::LinkRefTaken(_)
        | Rejection::NoPendingAccount(_)
        | Rejection::UnknownLink(_)
        | Rejection::AnalyticsNotSupported(_)
        | Rejection::NoAccountToLink { .. }
        | Rejection::NoLinkedAccount { .. }
        | Rejection::NotResendable(_)
        | Rejection::InvalidLinkToken
        | Rejection::LinkTokenExpired(_) => Code::InvalidRequest,
    }
}

/// The `txnid` of the response to a message that could not be read.
const NIL_TXNID: &str = "00000000-0000-0000-0000-000000000000";

/// The version and transaction id of a message whose schema may be invalid; they suffice to respond
/// in its version.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    ver: Option<String>,
    txnid: Option<String>,
}

impl Envelope {
    /// Reads the fields that are present. A body that is not a JSON object has none.
    pub(crate) fn from_body(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct LooseEnvelope {
            ver: Option<Value>,
            txnid: Option<Value>,
        }
        match serde_json::from_slice(body) {
            Ok(LooseEnvelope { ver, txnid }) => Self {
                ver: short_string(ver),
                txnid: short_string(txnid),
            },
            Err(_) => Self::default(),
        }
    }

    /// Returns the error to report: an unsupported version takes precedence over an invalid field,
    /// because the schema of that version is unknown.
    pub(crate) fn prefer_version_error(self, error: ApiError) -> ApiError {
        match (error, self.ver) {
            (ApiError::InvalidField { .. }, Some(ver))
                if RebitVersion::parse(&ver).is_none() && !ver.trim().is_empty() =>
            {
                ApiError::UnsupportedVersion {
                    ver,
                    supported: RebitVersion::accepted_names(),
                }
            }
            (error, _) => error,
        }
    }

    /// Returns the version of the response: that of the request if it is supported, else 2.0.0.
    pub(crate) fn ver(&self) -> &'static str {
        self.ver
            .as_deref()
            .and_then(RebitVersion::parse)
            .unwrap_or(RebitVersion::V2_0_0)
            .as_str()
    }

    /// Returns the request's transaction id. `Assumption:` it is all zeros if the request had none,
    /// because the field is required.
    pub(crate) fn txnid(&self) -> &str {
        self.txnid.as_deref().unwrap_or(NIL_TXNID)
    }
}

fn short_string(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) if text.len() <= 64 => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Envelope;

    #[test]
    fn a_broken_message_still_yields_its_transaction_id() {
        let envelope = Envelope::from_body(br#"{"ver":"2.1.0","txnid":"t-1","ConsentDetail":5}"#);
        assert_eq!((envelope.ver(), envelope.txnid()), ("2.1.0", "t-1"));
        for body in ["", "[]", "{", r#"{"ver":7}"#, r#"{"ver":"9.9.9"}"#] {
            let envelope = Envelope::from_body(body.as_bytes());
            assert_eq!(
                (envelope.ver(), envelope.txnid()),
                ("2.0.0", "00000000-0000-0000-0000-000000000000"),
                "{body}"
            );
        }
    }
}
