//! The two calls of the seed API.

use super::BodySchema::Component;
use super::{
    Handler, RequestBody, ResponseBody, Route, RouteMethod, SCENARIO_HEADERS, Section, waiting,
};
use crate::domain::error_code::ErrorCode;
use crate::domain::operation::Operation;
use crate::http::seed::{create_consent, get_consent};

pub(crate) static ROUTES: &[Route] = &[
    Route::new(
        Section::Seed,
        RouteMethod::Post,
        "/consent",
        "createSeedConsent",
        Handler::Recorded(create_consent),
    )
    .with_summary("Request a consent; unsigned, ver 1.0 in the answer")
    .with_operation(Operation::ConsentCreate)
    .with_request(RequestBody::Json(Component("SeedConsentRequest")))
    .with_response(ResponseBody::Json(Component("SeedConsentResponse")))
    .with_parameters(SCENARIO_HEADERS)
    .with_codes(super::CONSENT_CODES),
    Route::new(
        Section::Seed,
        RouteMethod::Get,
        "/consent/{id}",
        "getSeedConsent",
        waiting!(get_consent, recorded),
    )
    .with_summary("Get a consent by its id or its handle")
    .with_operation(Operation::ConsentFetch)
    .with_response(ResponseBody::Json(Component("SeedConsent")))
    .with_codes(&[ErrorCode::InvalidConsentId]),
];
