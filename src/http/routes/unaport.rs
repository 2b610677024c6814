//! The calls of the Unaport FIU API v2.0.0 (`docs/sources.md#unaport-hosts-and-calls`).

use super::BodySchema::Component;
use super::RequestBody::Json;
use super::{
    Authentication, Handler, Parameter, ResponseBody, Route, RouteMethod, SCENARIO_HEADERS,
    Section, waiting,
};
use crate::domain::operation::Operation;
use crate::export::{pdf, xlsx};
use crate::http::openapi::schema;
use crate::http::unaport::{analytics, auth, consents, data, organisation, templates};

const fn get(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Unaport, RouteMethod::Get, path, id, handler)
}

const fn post(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Unaport, RouteMethod::Post, path, id, handler)
}

const fn answer(component: &'static str) -> ResponseBody {
    ResponseBody::Json(Component(component))
}

const FILE_FORMAT: &[Parameter] = &[Parameter::in_query(
    "format",
    schema::file_format,
    "Format of the file; xlsx if it is left out",
)];

const ASYNCHRONOUS: &[Parameter] = &[Parameter::in_query(
    "async",
    schema::boolean_text,
    "true answers with status 202 in the body and leaves the analytics to the webhook",
)];

pub(crate) static ROUTES: &[Route] = &[
    post(
        "/api/v1/public/user/login",
        "logIn",
        waiting!(auth::log_in, recorded),
    )
    .with_summary("Log in")
    .with_operation(Operation::Login)
    .with_authentication(Authentication::Public)
    .with_request(Json(Component("UnaportLogin")))
    .with_response(answer("UnaportTokens"))
    .with_refusals(&[401]),
    post(
        "/api/v1/public/user/refreshToken",
        "refreshTokens",
        waiting!(auth::refresh_tokens, recorded),
    )
    .with_summary("Refresh the tokens")
    .with_operation(Operation::LoginRefresh)
    .with_authentication(Authentication::Public)
    .with_request(Json(Component("UnaportRefresh")))
    .with_response(answer("UnaportTokens"))
    .with_refusals(&[401]),
    get(
        "/api/v1/FIU/getClientOrganisation",
        "getClientOrganisation",
        Handler::Recorded(organisation::get_client_organisation),
    )
    .with_summary("Get the caller's organisation")
    .with_operation(Operation::Organisation)
    .with_response(answer("UnaportClientOrganisation")),
    get(
        "/api/v1/FIU/getOrganisation",
        "getOrganisation",
        Handler::Recorded(organisation::get_organisation),
    )
    .with_summary("Get the caller's organisation, in the older format")
    .with_operation(Operation::Organisation)
    .with_response(answer("UnaportOrganisation")),
    post(
        "/backend-v2/api/v2/FIU/InsertProduct/{org_id}",
        "saveTemplate",
        Handler::Recorded(templates::save_template),
    )
    .with_summary("Create a consent template")
    .with_operation(Operation::TemplateSave)
    .with_request(Json(Component("UnaportTemplate")))
    .with_response(answer("UnaportTemplateSaved"))
    .with_refusals(&[403]),
    get(
        "/backend-v2/api/v2/FIU/ProductList/{org_id}",
        "listTemplates",
        Handler::Recorded(templates::list_templates),
    )
    .with_summary("List the consent templates")
    .with_operation(Operation::TemplateList)
    .with_response(answer("UnaportTemplates"))
    .with_refusals(&[403]),
    post(
        "/backend-v2/api/v2/FIU/Consents/product/{org_id}",
        "createUnaportConsentFromTemplate",
        Handler::Recorded(consents::create_from_template),
    )
    .with_summary("Create a consent with a template")
    .with_operation(Operation::ConsentCreate)
    .with_parameters(SCENARIO_HEADERS)
    .with_request(Json(Component("UnaportConsentByTemplate")))
    .with_response(answer("UnaportConsentCreated"))
    .with_refusals(&[403, 404, 412]),
    post(
        "/backend-v2/api/v2/FIU/Consents/{org_id}",
        "createUnaportConsent",
        Handler::Recorded(consents::create_consent),
    )
    .with_summary("Create a consent")
    .with_operation(Operation::ConsentCreate)
    .with_parameters(SCENARIO_HEADERS)
    .with_request(Json(Component("UnaportConsent")))
    .with_response(answer("UnaportConsentCreated"))
    .with_refusals(&[403, 412]),
    post(
        "/backend-v2/api/v2/FIU/Consents/revoke/{org_id}/{consentId}",
        "revokeConsent",
        Handler::Recorded(consents::revoke_consent),
    )
    .with_summary("Revoke a consent")
    .with_operation(Operation::ConsentRevoke)
    .with_response(answer("UnaportRevoked"))
    .with_refusals(&[403, 404]),
    Route::new(
        Section::Unaport,
        RouteMethod::Put,
        "/backend-v2/api/v2/FIU/Consents/revoke/{org_id}/{consentId}",
        "revokeConsentByPut",
        Handler::Recorded(consents::revoke_consent),
    )
    .with_summary("Revoke a consent; the documents give no method")
    .with_operation(Operation::ConsentRevoke)
    .with_response(answer("UnaportRevoked"))
    .with_refusals(&[403, 404]),
    Route::new(
        Section::Unaport,
        RouteMethod::Delete,
        "/backend-v2/api/v2/FIU/Consents/{org_id}/{consentId}",
        "revokeConsentByDelete",
        Handler::Recorded(consents::revoke_consent),
    )
    .with_summary("Revoke a consent; the documents give no path")
    .with_operation(Operation::ConsentRevoke)
    .with_response(answer("UnaportRevoked"))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/GetConsent/{consentHandle}",
        "getUnaportConsent",
        waiting!(consents::get_consent, recorded),
    )
    .with_summary("Get the status of a consent")
    .with_operation(Operation::ConsentStatus)
    .with_response(answer("UnaportRecords"))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/FINotification/{consentHandle}",
        "getFetchStatus",
        Handler::Recorded(data::get_fetch_status),
    )
    .with_summary("Get the status of a consent's data")
    .with_operation(Operation::FiStatus)
    .with_response(answer("UnaportFetchStatus"))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/FifetchDataBySessionId/{sessionId}",
        "fetchUnaportData",
        waiting!(data::fetch_data, recorded),
    )
    .with_summary("Fetch the data of a session")
    .with_operation(Operation::FiFetch)
    .with_response(answer("UnaportData"))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/FI/AccountDetail/{sessionId}",
        "listSessionAccounts",
        Handler::Recorded(data::get_account_details),
    )
    .with_summary("List a session's accounts; of the older documents")
    .with_operation(Operation::AccountDetails)
    .with_response(answer("UnaportAccounts"))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/FI/Analytic/{org_id}/{sessionId}",
        "generateAnalytics",
        waiting!(analytics::generate_analytics, recorded),
    )
    .with_summary("Generate the analytics of a session's accounts")
    .with_operation(Operation::AnalyticsGenerate)
    .with_parameters(ASYNCHRONOUS)
    .with_response(answer("UnaportGenerated"))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/FI/AnalyticAggregate/{org_id}/{sessionId}",
        "generateAggregateAnalytics",
        waiting!(analytics::generate_analytics, recorded),
    )
    .with_summary("Generate the analytics of all accounts together")
    .with_operation(Operation::AnalyticsGenerate)
    .with_parameters(ASYNCHRONOUS)
    .with_response(answer("UnaportGenerated"))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/Analitic/Export/{analyticId}",
        "exportAnalytics",
        waiting!(analytics::export_analytics, recorded),
    )
    .with_summary("Export an account's analytics as a file")
    .with_operation(Operation::Export)
    .with_parameters(FILE_FORMAT)
    .with_response(ResponseBody::File(&[xlsx::MEDIA_TYPE, pdf::MEDIA_TYPE]))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/Analitic/{analyticId}/{sessionId}",
        "fetchAnalytics",
        waiting!(analytics::fetch_analytics, recorded),
    )
    .with_summary("Fetch an account's analytics")
    .with_operation(Operation::AnalyticsFetch)
    .with_response(answer("UnaportAnalytics"))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/AnaliticAggregate/Export/{sessionId}",
        "exportAggregateAnalytics",
        waiting!(analytics::export_aggregate, recorded),
    )
    .with_summary("Export the analytics of all accounts as a file")
    .with_operation(Operation::Export)
    .with_parameters(FILE_FORMAT)
    .with_response(ResponseBody::File(&[xlsx::MEDIA_TYPE, pdf::MEDIA_TYPE]))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/AnaliticAggregate/{sessionId}",
        "fetchAggregateAnalytics",
        waiting!(analytics::fetch_aggregate, recorded),
    )
    .with_summary("Fetch the analytics of all accounts together")
    .with_operation(Operation::AnalyticsFetch)
    .with_response(answer("UnaportAnalytics"))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/Export/{fiuId}/{sessionId}",
        "exportDataAsWorkbook",
        waiting!(analytics::export_data_xlsx, recorded),
    )
    .with_summary("Export a session's data as a workbook")
    .with_operation(Operation::Export)
    .with_response(ResponseBody::File(&[xlsx::MEDIA_TYPE]))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/FIU/ExportPdf/{fiuId}/{sessionId}",
        "exportDataAsPdf",
        waiting!(analytics::export_data_pdf, recorded),
    )
    .with_summary("Export a session's data as a PDF statement")
    .with_operation(Operation::Export)
    .with_response(ResponseBody::File(&[pdf::MEDIA_TYPE]))
    .with_refusals(&[403, 404]),
    get(
        "/backend-v2/api/v2/public/shorten/{code}",
        "followShortLink",
        Handler::Recorded(consents::follow_short_link),
    )
    .with_summary("Follow the customer's short link to the consent's page")
    .with_operation(Operation::Redirection)
    .with_authentication(Authentication::Public)
    .with_refusals(&[404]),
    get(
        "/backend-v2/api/v2/redirect/{code}",
        "followRedirect",
        Handler::Recorded(consents::follow_short_link),
    )
    .with_summary("Follow the customer's link, in its other spelling")
    .with_operation(Operation::Redirection)
    .with_authentication(Authentication::Public)
    .with_refusals(&[404]),
];
