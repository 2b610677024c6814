//! The calls of browsers and tools: web redirection, the customer's page, health, keys and the
//! documentation.

use super::BodySchema::Component;
use super::{Handler, Parameter, ResponseBody, Route, RouteMethod, Section, waiting};
use crate::domain::operation::Operation;
use crate::http::openapi::schema;
use crate::http::{pages, service_info, webview};

const HTML: &str = "text/html";

const fn get(section: Section, path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(section, RouteMethod::Get, path, id, handler)
}

const fn post(section: Section, path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(section, RouteMethod::Post, path, id, handler)
}

const DECISION: Parameter =
    Parameter::in_path("action", schema::decision, "The customer's decision");

const REDIRECTION_REQUEST: [Parameter; 3] = [
    Parameter::in_query("fi", schema::text, "Base64 of the FIU's id XOR reqdate").into_required(),
    Parameter::in_query(
        "reqdate",
        schema::redirection_date,
        "Time of the request in UTC, ddMMyyyyHHmmss and tenths of a second",
    )
    .into_required(),
    Parameter::in_query(
        "ecreq",
        schema::text,
        "The encrypted request (aa-redirection-standards 1.5.0)",
    )
    .into_required(),
];

pub(crate) static ROUTES: &[Route] = &[
    get(
        Section::Redirection,
        "/aa/webview",
        "showWebview",
        waiting!(webview::show_webview, recorded),
    )
    .with_summary("Show the AA's page to a customer whom an FIU sends")
    .with_operation(Operation::Redirection)
    .with_parameters(&REDIRECTION_REQUEST)
    .with_response(ResponseBody::PageOrRedirect(303))
    .with_refusals(&[400]),
    post(
        Section::Redirection,
        "/aa/webview/{action}",
        "submitWebviewDecision",
        waiting!(webview::submit_decision, recorded),
    )
    .with_summary("Answer the consents, or leave, and return to the FIU")
    .with_operation(Operation::Redirection)
    .with_parameters(&[
        Parameter::in_path(
            "action",
            schema::visit_action,
            "The end of the visit; `answer` has a form with `approve` or `reject` for each handle",
        ),
        REDIRECTION_REQUEST[0],
        REDIRECTION_REQUEST[1],
        REDIRECTION_REQUEST[2],
    ])
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 403, 404]),
    get(
        Section::Page,
        "/ui/consents/{consentHandle}",
        "showConsentPage",
        Handler::Immediate(pages::show_consent),
    )
    .with_summary("Show a consent to its customer")
    .with_response(ResponseBody::Text(HTML))
    .with_refusals(&[404]),
    post(
        Section::Page,
        "/ui/consents/{consentHandle}/{action}",
        "submitDecision",
        Handler::Immediate(pages::submit_decision),
    )
    .with_summary("Approve or reject a consent as its customer")
    .with_parameters(&[DECISION])
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[403, 404, 409]),
    get(
        Section::Service,
        "/livez",
        "checkLiveness",
        Handler::Infallible(service_info::check_liveness),
    )
    .open_to_any_host()
    .with_summary("Check that the process answers")
    .with_response(ResponseBody::Json(Component("Liveness"))),
    get(
        Section::Service,
        "/readyz",
        "checkReadiness",
        Handler::Infallible(service_info::check_readiness),
    )
    .open_to_any_host()
    .with_summary("Check that scenarios and keys are loaded")
    .with_response(ResponseBody::Json(Component("Readiness"))),
    get(
        Section::Service,
        "/.well-known/mockaa-ca.pem",
        "getAuthority",
        Handler::Immediate(service_info::get_authority),
    )
    .open_to_any_host()
    .with_summary("Get the certificate of the development CA, for clients to trust")
    .with_response(ResponseBody::File(&["application/x-pem-file"]))
    .with_refusals(&[404]),
    get(
        Section::Service,
        "/docs",
        "showDocs",
        Handler::Immediate(service_info::show_docs),
    )
    .with_summary("Show the description of all calls")
    .with_response(ResponseBody::Text(HTML))
    .with_refusals(&[400, 404, 503]),
    get(
        Section::Service,
        "/docs/script.js",
        "getDocsScript",
        Handler::Infallible(service_info::get_docs_script),
    )
    .with_summary("Get the script of the description")
    .with_response(ResponseBody::Text("text/javascript")),
    get(
        Section::Service,
        "/docs/style.css",
        "getDocsStyle",
        Handler::Infallible(service_info::get_docs_style),
    )
    .with_summary("Get the style sheet of the description")
    .with_response(ResponseBody::Text("text/css")),
    get(
        Section::Service,
        "/openapi.json",
        "getOpenApi",
        Handler::Immediate(service_info::get_openapi),
    )
    .with_summary("Get the description of all calls, in OpenAPI 3.1")
    .with_response(ResponseBody::Json(Component("OpenApiDocument")))
    .with_refusals(&[400, 404, 503]),
    get(
        Section::Service,
        "/.well-known/jwks.json",
        "getJwks",
        Handler::Infallible(service_info::get_jwks),
    )
    .open_to_any_host()
    .with_summary("Get the public keys of the AAs as a JWK set")
    .with_response(ResponseBody::Json(Component("JwkSet"))),
];
