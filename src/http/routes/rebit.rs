//! The calls of the ReBIT AA API (ReBIT AA API 1.1.2, 2.0.0 and 2.1.0). Both major versions share
//! one root; the body's `ver` selects the version of a call that both have.

use super::BodySchema::Component;
use super::RequestBody::Json;
use super::{
    Authentication, Handler, Parameter, ResponseBody, Route, RouteMethod, Section, waiting,
};
use crate::domain::error_code::ErrorCode;
use crate::domain::operation::Operation;
use crate::http::openapi::schema;
use crate::http::rebit::{consent, fi, get_heartbeat, notification};

const fn get(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Rebit, RouteMethod::Get, path, id, handler)
}

const fn post(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Rebit, RouteMethod::Post, path, id, handler)
}

const fn answer(component: &'static str) -> ResponseBody {
    ResponseBody::Json(Component(component))
}

pub(crate) static ROUTES: &[Route] = &[
    post(
        "/Consent",
        "createConsent",
        Handler::Recorded(consent::create_consent),
    )
    .with_summary("Request a consent")
    .with_operation(Operation::ConsentCreate)
    .with_request(Json(Component("ConsentsRequest")))
    .with_response(answer("ConsentsResponse"))
    .with_parameters(super::SCENARIO_HEADERS)
    .with_codes(super::CONSENT_CODES),
    post(
        "/Consent/handle",
        "getConsentStatus",
        Handler::Recorded(consent::get_status),
    )
    .with_summary("Get the status of a consent handle (2.x)")
    .with_operation(Operation::ConsentStatus)
    .with_request(Json(Component("ConsentHandleRequest")))
    .with_response(answer("ConsentHandleResponse"))
    .with_codes(&[ErrorCode::InvalidConsentHandle]),
    get(
        "/Consent/handle/{consentHandle}",
        "getConsentStatusByPath",
        Handler::Recorded(consent::get_status_by_path),
    )
    .with_summary("Get the status of a consent handle (1.1.x)")
    .with_operation(Operation::ConsentStatus)
    .limited_to_v1()
    .with_response(answer("ConsentHandleResponse"))
    .with_codes(&[ErrorCode::InvalidConsentHandle]),
    post(
        "/Consent/fetch",
        "fetchConsentArtefact",
        waiting!(consent::fetch_artefact, recorded),
    )
    .with_summary("Fetch an artefact (2.x)")
    .with_operation(Operation::ConsentFetch)
    .with_authentication(Authentication::FiuOrFip)
    .with_request(Json(Component("ConsentFetchRequest")))
    .with_response(answer("ConsentArtefact"))
    .with_codes(&[ErrorCode::InvalidConsentId]),
    post(
        "/Consent/Notification",
        "notifyConsentStatus",
        Handler::Recorded(notification::receive_consent_notification),
    )
    .with_summary("Notify the AA of a consent's status")
    .with_operation(Operation::ConsentNotification)
    .with_authentication(Authentication::FiuOrFip)
    .with_request(Json(Component("ConsentStatusNotification")))
    .with_response(answer("NotificationResponse"))
    .with_codes(&[
        ErrorCode::InvalidConsentId,
        ErrorCode::InvalidConsentStatus,
        ErrorCode::InvalidNotifier,
    ]),
    get(
        "/Consent/{consentId}",
        "fetchConsentArtefactByPath",
        waiting!(consent::fetch_artefact_by_path, recorded),
    )
    .with_summary("Fetch an artefact (1.1.x)")
    .with_operation(Operation::ConsentFetch)
    .limited_to_v1()
    .with_authentication(Authentication::FiuOrFip)
    .with_response(answer("ConsentArtefact"))
    .with_codes(&[ErrorCode::InvalidConsentId]),
    post(
        "/FI/request",
        "requestData",
        waiting!(fi::request_data, recorded),
    )
    .with_summary("Request data")
    .with_operation(Operation::FiRequest)
    .with_request(Json(Component("FIRequest")))
    .with_response(answer("FIResponse"))
    .with_codes(&[
        ErrorCode::InvalidConsentId,
        ErrorCode::InvalidConsentUse,
        ErrorCode::InvalidDateRange,
        ErrorCode::InvalidKey,
        ErrorCode::ConsentExpired,
        ErrorCode::ConsentRevoked,
        ErrorCode::ConsentPaused,
        ErrorCode::IdempotencyError,
        ErrorCode::PreconditionFailed,
    ]),
    post("/FI/fetch", "fetchData", waiting!(fi::fetch_data, recorded))
        .with_summary("Fetch data (2.x)")
        .with_operation(Operation::FiFetch)
        .with_request(Json(Component("FIFetchRequest")))
        .with_response(answer("FIFetchResponse"))
        .with_codes(FETCH_CODES),
    get(
        "/FI/fetch/{sessionId}",
        "fetchDataByPath",
        waiting!(fi::fetch_data_by_path, recorded),
    )
    .with_summary("Fetch data (1.1.x)")
    .with_operation(Operation::FiFetch)
    .limited_to_v1()
    .with_parameters(&[
        Parameter::in_query("fipId", schema::text, "Only the accounts of this FIP"),
        Parameter::in_query(
            "linkRefNumber",
            schema::text,
            "Only the account with this linkRefNumber; may be repeated",
        ),
    ])
    .with_response(answer("FIFetchResponse"))
    .with_codes(FETCH_CODES),
    post(
        "/FI/Notification",
        "notifyDataStatus",
        Handler::Recorded(notification::receive_fi_notification),
    )
    .with_summary("Notify the AA of the status of a FIP's accounts")
    .with_operation(Operation::FiNotification)
    .with_authentication(Authentication::FiuOrFip)
    .with_request(Json(Component("FIStatusNotification")))
    .with_response(answer("NotificationResponse"))
    .with_codes(&[
        ErrorCode::InvalidSessionId,
        ErrorCode::InvalidFiStatusNotification,
        ErrorCode::InvalidNotifier,
    ]),
    post(
        "/Account/link/Notification",
        "notifyAccountLink",
        Handler::Recorded(notification::receive_link_notification),
    )
    .with_summary("Notify the AA of a linked account")
    .with_operation(Operation::AccountNotification)
    .with_authentication(Authentication::Fip)
    .with_request(Json(Component("AccountLinkStatusNotification")))
    .with_response(answer("NotificationResponse"))
    .with_codes(&[
        ErrorCode::InvalidCustomerAddress,
        ErrorCode::InvalidNotifier,
    ]),
    get(
        "/Heartbeat",
        "getHeartbeat",
        Handler::Recorded(get_heartbeat),
    )
    .with_summary("Get the status of the AA")
    .with_operation(Operation::Heartbeat)
    .with_authentication(Authentication::FiuOrFip)
    .with_response(answer("HeartbeatResponse"))
    .with_codes(&[]),
];

const FETCH_CODES: &[ErrorCode] = &[
    ErrorCode::InvalidSessionId,
    ErrorCode::InvalidFipId,
    ErrorCode::DataFetchRequestInProgress,
    ErrorCode::NoDataFound,
    ErrorCode::DataGone,
];
