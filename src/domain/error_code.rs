//! Owns the error codes of ReBIT and their HTTP statuses (`docs/sources.md#rebit-errors`).

use crate::domain::naming::wire_enum;

wire_enum! {
    /// The error codes that an AA emits, in `errorCode`.
    ErrorCode {
        InvalidRequest = "InvalidRequest",
        InvalidUri = "InvalidURI",
        InvalidSecurity = "InvalidSecurity",
        SignatureDoesNotMatch = "SignatureDoesNotMatch",
        InvalidCustomerAddress = "InvalidCustomerAddress",
        InvalidConsentPurpose = "InvalidConsentPurpose",
        InvalidConsentHandle = "InvalidConsentHandle",
        InvalidConsentId = "InvalidConsentId",
        InvalidKey = "InvalidKey",
        InvalidDateRange = "InvalidDateRange",
        InvalidConsentStatus = "InvalidConsentStatus",
        InvalidConsentDetail = "InvalidConsentDetail",
        InvalidConsentUse = "InvalidConsentUse",
        InvalidSessionId = "InvalidSessionId",
        InvalidFipId = "InvalidFIPId",
        InvalidNotifier = "InvalidNotifier",
        InvalidFiStatusNotification = "InvalidFIStatusNotification",
        Unauthorized = "Unauthorized",
        DataFetchRequestInProgress = "DataFetchRequestInProgress",
        ConsentExpired = "ConsentExpired",
        ConsentRevoked = "ConsentRevoked",
        ConsentPaused = "ConsentPaused",
        NoSuchVersion = "NoSuchVersion",
        NoDataFound = "NoDataFound",
        IdempotencyError = "IdempotencyError",
        DataGone = "DataGone",
        PreconditionFailed = "PreconditionFailed",
        InternalError = "InternalError",
        NotImplemented = "NotImplemented",
        ServiceUnavailable = "ServiceUnavailable",
    }
}

impl ErrorCode {
    /// Returns the HTTP status of the code.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest
            | Self::InvalidUri
            | Self::InvalidSecurity
            | Self::SignatureDoesNotMatch
            | Self::InvalidCustomerAddress
            | Self::InvalidConsentPurpose
            | Self::InvalidConsentHandle
            | Self::InvalidConsentId
            | Self::InvalidKey
            | Self::InvalidDateRange
            | Self::InvalidConsentStatus
            | Self::InvalidConsentDetail
            | Self::InvalidConsentUse
            | Self::InvalidSessionId
            | Self::InvalidFipId
            | Self::InvalidNotifier
            | Self::InvalidFiStatusNotification => 400,
            Self::Unauthorized => 401,
            Self::DataFetchRequestInProgress
            | Self::ConsentExpired
            | Self::ConsentRevoked
            | Self::ConsentPaused => 403,
            Self::NoSuchVersion | Self::NoDataFound => 404,
            Self::IdempotencyError => 409,
            Self::DataGone => 410,
            Self::PreconditionFailed => 412,
            Self::InternalError => 500,
            Self::NotImplemented => 501,
            Self::ServiceUnavailable => 503,
        }
    }

    /// Returns the first code with this HTTP status, else InvalidRequest below 500 and
    /// InternalError from 500 on.
    pub fn from_status(status: u16) -> Self {
        let exact = Self::ALL
            .iter()
            .copied()
            .find(|code| code.status() == status);
        exact.unwrap_or(if status < 500 {
            Self::InvalidRequest
        } else {
            Self::InternalError
        })
    }

    /// The values of `x-simulate-res` and their codes (Sahamati simulator;
    /// `docs/sources.md#sahamati-simulator`). Ok is not an error, and TimeOut sends no response.
    pub const SIMULATED_CODES: [(&str, Self); 9] = [
        ("BadRequest", Self::InvalidRequest),
        ("Unauthorized", Self::Unauthorized),
        ("NotFound", Self::NoDataFound),
        ("Conflict", Self::IdempotencyError),
        ("PreconditionFail", Self::PreconditionFailed),
        ("NotImplemented", Self::NotImplemented),
        ("ServiceUnavailable", Self::ServiceUnavailable),
        ("Forbidden", Self::DataFetchRequestInProgress),
        ("DataGone", Self::DataGone),
    ];
}
