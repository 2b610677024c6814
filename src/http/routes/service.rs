//! The calls of browsers and tools: web redirection, the customer's page, health, keys and the
//! documentation.

use super::BodySchema::Component;
use super::{Handler, Parameter, RequestBody, ResponseBody, Route, RouteMethod, Section, waiting};
use crate::domain::operation::Operation;
use crate::http::openapi::schema;
use crate::http::unaport::web_sdk;
use crate::http::{journey, service_info, webview};

const HTML: &str = "text/html";

const fn get(section: Section, path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(section, RouteMethod::Get, path, id, handler)
}

const fn post(section: Section, path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(section, RouteMethod::Post, path, id, handler)
}

const VISIT: Parameter = Parameter::in_path("visit", schema::text, "The id of the visit");

const LANGUAGE: Parameter = Parameter::in_query(
    "lang",
    schema::language,
    "The language of the pages from now on",
);

const OWN_ACTION: Parameter = Parameter::in_path(
    "action",
    schema::own_action,
    "What the customer does with the consent",
);

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
    .with_summary("Begin the visit of a customer whom an FIU sends")
    .with_operation(Operation::Redirection)
    .with_parameters(&REDIRECTION_REQUEST)
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400]),
    post(
        Section::Redirection,
        "/aa/webview/{action}",
        "submitWebviewDecision",
        waiting!(webview::submit_decision, recorded),
    )
    .with_summary("Answer the consents, or leave, and return to the FIU, without a browser")
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
        Section::Redirection,
        "/view",
        "openWebSdk",
        Handler::Recorded(web_sdk::open_view),
    )
    .opening_web_sdk()
    .with_summary(
        "Raise a consent with a template and begin its customer's visit (Unaport's web SDK)",
    )
    .with_operation(Operation::ConsentCreate)
    .with_parameters(&[Parameter::in_query(
        "config",
        schema::text,
        "Base64 of a JSON object with the fields of the SDK, percent-encoded",
    )
    .into_required()])
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 401, 403, 412]),
    get(
        Section::Page,
        "/aa/visits/{visit}/theme.css",
        "getVisitTheme",
        Handler::Immediate(journey::get_visit_theme),
    )
    .with_summary("Get the stylesheet with the colors of a visit of the web SDK")
    .with_parameters(&[VISIT])
    .with_response(ResponseBody::File(&["text/css"]))
    .with_refusals(&[404]),
    get(
        Section::Page,
        "/aa/consents/{consentHandle}",
        "openConsent",
        Handler::Immediate(journey::open_consent),
    )
    .with_summary("Begin a customer's visit about a consent")
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[404]),
    get(
        Section::Page,
        "/aa/visits/{visit}",
        "showVisit",
        Handler::Immediate(journey::show_visit),
    )
    .with_summary("Show the consents of a visit to their customer")
    .with_parameters(&[VISIT, LANGUAGE])
    .with_response(ResponseBody::Text(HTML))
    .with_refusals(&[400, 404]),
    get(
        Section::Page,
        "/aa",
        "openApp",
        Handler::Immediate(journey::open_app),
    )
    .with_summary("Begin the visit of a customer who comes for the own consents")
    .with_parameters(&[Parameter::in_query("aa", schema::text, "The id of the AA; default: the first one")])
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 404, 503]),
    post(
        Section::Page,
        "/aa/visits/{visit}/sign-in",
        "sendPassword",
        Handler::Immediate(journey::send_password),
    )
    .with_summary("Send the customer a one-time password of the AA")
    .with_parameters(&[VISIT])
    .with_request(RequestBody::Form(Component("VisitSignIn")))
    .with_response(ResponseBody::PageOrRedirect(303))
    .with_refusals(&[400, 403, 404]),
    post(
        Section::Page,
        "/aa/visits/{visit}/otp",
        "verifyPassword",
        Handler::Immediate(journey::verify_password),
    )
    .with_summary("Sign the customer in with the one-time password")
    .with_parameters(&[VISIT])
    .with_request(RequestBody::Form(Component("VisitOtp")))
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 403, 404]),
    get(
        Section::Page,
        "/aa/visits/{visit}/accounts",
        "showBanks",
        Handler::Immediate(journey::show_banks),
    )
    .with_summary("Ask for the customer's banks")
    .with_parameters(&[
        VISIT,
        LANGUAGE,
        Parameter::in_query("search", schema::text, "A part of the name of a bank"),
    ])
    .with_response(ResponseBody::Text(HTML))
    .with_refusals(&[400, 404]),
    post(
        Section::Page,
        "/aa/visits/{visit}/accounts",
        "chooseBanks",
        Handler::Immediate(journey::choose_banks),
    )
    .with_summary("Ask banks for the customer's accounts")
    .with_parameters(&[VISIT])
    .with_request(RequestBody::Form(Component("VisitBanks")))
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 403, 404]),
    get(
        Section::Page,
        "/aa/visits/{visit}/accounts/found",
        "showFoundAccounts",
        Handler::Immediate(journey::show_found),
    )
    .with_summary("Show the accounts that the banks have found")
    .with_parameters(&[VISIT, LANGUAGE])
    .with_response(ResponseBody::PageOrRedirect(303))
    .with_refusals(&[400, 404]),
    post(
        Section::Page,
        "/aa/visits/{visit}/accounts/found",
        "changeSearch",
        Handler::Immediate(journey::change_search),
    )
    .with_summary("Ask a bank again for accounts, or go on without it")
    .with_parameters(&[VISIT])
    .with_request(RequestBody::Form(Component("VisitSearch")))
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 403, 404]),
    post(
        Section::Page,
        "/aa/visits/{visit}/accounts/link",
        "linkFoundAccounts",
        Handler::Immediate(journey::link_accounts),
    )
    .with_summary("Ask the banks to link accounts")
    .with_parameters(&[VISIT])
    .with_request(RequestBody::Form(Component("VisitAccounts")))
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 403, 404]),
    get(
        Section::Page,
        "/aa/visits/{visit}/accounts/otp",
        "showBankPassword",
        Handler::Immediate(journey::show_bank_otp),
    )
    .with_summary("Ask for the one-time password of a bank")
    .with_parameters(&[VISIT, LANGUAGE])
    .with_response(ResponseBody::PageOrRedirect(303))
    .with_refusals(&[400, 404]),
    post(
        Section::Page,
        "/aa/visits/{visit}/accounts/otp",
        "verifyBankPassword",
        Handler::Immediate(journey::verify_bank_otp),
    )
    .with_summary("Link the accounts of a bank with its one-time password")
    .with_parameters(&[VISIT])
    .with_request(RequestBody::Form(Component("VisitBankOtp")))
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 403, 404]),
    post(
        Section::Page,
        "/aa/visits/{visit}/accounts/skip",
        "skipBank",
        Handler::Immediate(journey::skip_bank),
    )
    .with_summary("Go on without the accounts of a bank")
    .with_parameters(&[VISIT])
    .with_request(RequestBody::Form(Component("VisitBank")))
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 403, 404]),
    post(
        Section::Page,
        "/aa/visits/{visit}/answer",
        "submitAnswers",
        waiting!(journey::submit_answers, recorded),
    )
    .with_summary("Answer the consents of a visit, with the accounts that are chosen")
    .with_operation(Operation::Redirection)
    .with_parameters(&[VISIT])
    .with_request(RequestBody::Form(Component("VisitAnswers")))
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 403, 404]),
    get(
        Section::Page,
        "/aa/visits/{visit}/refuse",
        "showRefusal",
        Handler::Immediate(journey::show_refuse),
    )
    .with_summary("Ask whether the customer refuses, and why")
    .with_parameters(&[VISIT, LANGUAGE])
    .with_response(ResponseBody::PageOrRedirect(303))
    .with_refusals(&[400, 404]),
    post(
        Section::Page,
        "/aa/visits/{visit}/refuse",
        "submitRefusal",
        waiting!(journey::submit_refuse, recorded),
    )
    .with_summary("Refuse all consents of a visit")
    .with_operation(Operation::Redirection)
    .with_parameters(&[VISIT])
    .with_request(RequestBody::Form(Component("VisitRefusal")))
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 403, 404]),
    get(
        Section::Page,
        "/aa/visits/{visit}/leave",
        "showLeave",
        Handler::Immediate(journey::show_leave),
    )
    .with_summary("Ask whether the customer leaves without an answer")
    .with_parameters(&[VISIT, LANGUAGE])
    .with_response(ResponseBody::PageOrRedirect(303))
    .with_refusals(&[400, 404]),
    post(
        Section::Page,
        "/aa/visits/{visit}/leave",
        "submitLeave",
        waiting!(journey::submit_leave, recorded),
    )
    .with_summary("End a visit without an answer")
    .with_operation(Operation::Redirection)
    .with_parameters(&[VISIT])
    .with_request(RequestBody::Form(Component("PageForm")))
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 403, 404]),
    get(
        Section::Page,
        "/aa/visits/{visit}/result",
        "showVisitResult",
        Handler::Immediate(journey::show_result),
    )
    .with_summary("Show the outcome of a visit, and go back to the FIU after 5 s")
    .with_parameters(&[
        VISIT,
        LANGUAGE,
        Parameter::in_query("stay", schema::boolean_text, "Whether the page stays"),
    ])
    .with_response(ResponseBody::Text(HTML))
    .with_refusals(&[400, 404]),
    get(
        Section::Page,
        "/aa/visits/{visit}/consents",
        "listOwnConsents",
        Handler::Immediate(journey::list_consents),
    )
    .with_summary("Show the customer's consents")
    .with_parameters(&[VISIT, LANGUAGE])
    .with_response(ResponseBody::Text(HTML))
    .with_refusals(&[400, 404]),
    get(
        Section::Page,
        "/aa/visits/{visit}/consents/{consentHandle}",
        "showOwnConsent",
        Handler::Immediate(journey::show_consent),
    )
    .with_summary("Show one of the customer's consents")
    .with_parameters(&[VISIT, LANGUAGE])
    .with_response(ResponseBody::Text(HTML))
    .with_refusals(&[400, 404]),
    get(
        Section::Page,
        "/aa/visits/{visit}/consents/{consentHandle}/{action}",
        "confirmOwnAction",
        Handler::Immediate(journey::confirm_action),
    )
    .with_summary("Ask whether the customer pauses, resumes or withdraws a consent")
    .with_parameters(&[VISIT, OWN_ACTION, LANGUAGE])
    .with_response(ResponseBody::PageOrRedirect(303))
    .with_refusals(&[400, 404]),
    post(
        Section::Page,
        "/aa/visits/{visit}/consents/{consentHandle}/{action}",
        "submitOwnAction",
        Handler::Immediate(journey::submit_action),
    )
    .with_summary("Pause, resume or withdraw a consent as its customer")
    .with_parameters(&[VISIT, OWN_ACTION])
    .with_request(RequestBody::Form(Component("PageForm")))
    .with_response(ResponseBody::Redirect(303))
    .with_refusals(&[400, 403, 404]),
    get(
        Section::Service,
        "/",
        "showStart",
        Handler::Immediate(service_info::show_start),
    )
    .with_summary("Show what this sandbox is and where its parts are, as JSON or as a page")
    .with_response(ResponseBody::Json(Component("Start")))
    .with_refusals(&[400, 404, 503]),
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
        "/docs/",
        "redirectToDocs",
        Handler::Immediate(service_info::redirect_to_docs),
    )
    .with_summary("Go to the description of all calls")
    .with_response(ResponseBody::Redirect(302))
    .with_refusals(&[400, 404, 503]),
    get(
        Section::Service,
        "/ui/assets/{digest}/{file}",
        "getAsset",
        Handler::Immediate(service_info::get_asset),
    )
    .with_summary("Get a file that pages load")
    .with_parameters(&[
        Parameter::in_path("digest", schema::text, "The digest of all files"),
        Parameter::in_path("file", schema::text, "The name of the file"),
    ])
    .with_response(ResponseBody::File(&[
        "text/css",
        "text/javascript",
        "image/svg+xml",
    ]))
    .with_refusals(&[404]),
    get(
        Section::Service,
        "/aa/themes/{file}",
        "getTheme",
        Handler::Immediate(service_info::get_theme),
    )
    .with_summary("Get the stylesheet with the colors of an AA")
    .with_parameters(&[Parameter::in_path(
        "file",
        schema::text,
        "The name of the file: two colors, such as `3a3aa0-b9b9ff.css`",
    )])
    .with_response(ResponseBody::File(&["text/css"]))
    .with_refusals(&[404]),
    get(
        Section::Service,
        "/aa/logos/{file}",
        "getLogo",
        Handler::Immediate(service_info::get_logo),
    )
    .with_summary("Get the logo of an AA or an FIU of this world")
    .with_parameters(&[Parameter::in_path(
        "file",
        schema::text,
        "The name of the file: a digest of its content, such as `0123456789abcdef0123456789abcdef.svg`",
    )])
    .with_response(ResponseBody::File(&["image/png", "image/svg+xml"]))
    .with_refusals(&[400, 404, 503]),
    get(
        Section::Service,
        "/favicon.ico",
        "getIcon",
        Handler::Infallible(service_info::get_icon),
    )
    .with_summary("Get the icon of all pages")
    .with_response(ResponseBody::File(&["image/vnd.microsoft.icon"])),
    get(
        Section::Service,
        "/favicon.svg",
        "getVectorIcon",
        Handler::Infallible(service_info::get_icon),
    )
    .with_summary("Get the icon of all pages as SVG")
    .with_response(ResponseBody::File(&["image/svg+xml"])),
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
