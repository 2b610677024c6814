//! The operator's pages.

use super::BodySchema::Component;
use super::control::{
    ACTIONS, CONSENTS_PAGE, JOURNAL_ENTRY, JOURNAL_PAGE, OLDEST, REVEAL, TRANSACTIONS_PAGE,
    WEBHOOK_ID, WEBHOOKS_PAGE,
};
use super::{Handler, Parameter, RequestBody, ResponseBody, Route, RouteMethod, Section, waiting};
use crate::http::console;
use crate::http::openapi::schema;

const fn page(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Console, RouteMethod::Get, path, id, handler)
        .with_response(ResponseBody::Text("text/html"))
}

/// A form of a page, which leads back to a page.
const fn form(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Console, RouteMethod::Post, path, id, handler)
        .with_response(ResponseBody::Redirect(303))
}

const PART: Parameter = Parameter::in_query(
    "part",
    schema::inspector_part,
    "The part of the message that is shown",
);

const OFFSET: Parameter = Parameter::in_query(
    "offset",
    schema::count,
    "The first byte that the view of bytes shows",
);

/// The values that the form for raising a consent begins with.
const RAISE: &[Parameter] = &[
    Parameter::in_query("customer", schema::text, "A mobile number or an address"),
    Parameter::in_query("fiuId", schema::text, "The id of an FIU"),
    Parameter::in_query("fiType", schema::text, "An FI type; may be repeated"),
    Parameter::in_query("fetchType", schema::text, "ONETIME or PERIODIC"),
    Parameter::in_query("months", schema::text, "The number of months of data"),
    Parameter::in_query("scenario", schema::text, "The name of a scenario"),
    Parameter::in_query("persona", schema::text, "The name of a persona"),
];

const CONSENT: &[Parameter] = &[
    Parameter::in_query("by", schema::timeline_order, "The order of the timeline"),
    Parameter::in_query(
        "open",
        schema::count,
        "The number of the entry that is open",
    ),
    Parameter::in_query(
        "only",
        schema::page_part,
        "The part of the page that is shown, for a page that shows it in a frame",
    ),
    PART,
    OFFSET,
    REVEAL,
];

const WEBHOOK: &[Parameter] = &[
    WEBHOOK_ID[0],
    Parameter::in_query(
        "attempt",
        schema::count,
        "The number of the attempt whose message is shown; default: the last",
    ),
    PART,
    OFFSET,
    REVEAL,
];

const ENTRY: &[Parameter] = &[JOURNAL_ENTRY[0], PART, OFFSET, REVEAL];

pub(crate) static ROUTES: &[Route] = &[
    page(
        "/ui/session",
        "showSignIn",
        Handler::Immediate(console::show_sign_in),
    )
    .with_summary("Ask an operator beyond loopback for the control token")
    .with_response(ResponseBody::Redirect(303)),
    form(
        "/ui/session",
        "signIn",
        Handler::Immediate(console::sign_in),
    )
    .with_summary("Begin a session of an operator beyond loopback")
    .with_request(RequestBody::Form(Component("SignInForm")))
    .with_refusals(&[401, 403, 503]),
    form(
        "/ui/session/end",
        "endSession",
        Handler::Immediate(console::end_session),
    )
    .with_summary("End the session of an operator")
    .with_request(RequestBody::Form(Component("PageForm")))
    .with_refusals(&[403]),
    page(
        "/ui",
        "showOverview",
        Handler::Immediate(console::show_overview),
    )
    .with_summary("Show what is in the world, and how to begin")
    .with_parameters(&[REVEAL])
    .with_refusals(&[401, 403]),
    page("/ui/find", "findPage", Handler::Immediate(console::find))
        .with_summary("Lead to what a text names: a consent, a data session, a webhook, or a list that has it")
        .with_parameters(&[Parameter::in_query(
            "q",
            schema::text,
            "An id, or a part of what is sought",
        )])
        .with_refusals(&[401]),
    page(
        "/ui/worlds",
        "showWorlds",
        Handler::Immediate(console::show_worlds),
    )
    .with_summary("Show the worlds")
    .with_refusals(&[401]),
    form(
        "/ui/worlds",
        "submitWorld",
        Handler::Immediate(console::open_world),
    )
    .with_summary("Open a world, which is created if it does not exist")
    .with_request(RequestBody::Form(Component("NameForm")))
    .with_refusals(&[401, 403, 404, 503]),
    form(
        "/ui/worlds/reset",
        "submitReset",
        Handler::Immediate(console::reset_world),
    )
    .with_summary("Begin a world anew")
    .with_request(RequestBody::Form(Component("NameForm")))
    .with_refusals(&[401, 403]),
    page(
        "/ui/consents/new",
        "showRaiseForm",
        Handler::Immediate(console::show_raise_form),
    )
    .with_summary("Show the form that raises a consent")
    .with_parameters(RAISE)
    .with_refusals(&[401, 404]),
    form(
        "/ui/consents",
        "submitConsent",
        Handler::Immediate(console::raise_consent),
    )
    .with_summary("Raise a consent in place of an FIU")
    .with_request(RequestBody::Form(Component("RaiseForm")))
    .with_refusals(&[401, 403, 404, 409, 503]),
    page(
        "/ui/consents",
        "showConsents",
        Handler::Immediate(console::show_consents),
    )
    .with_summary("Show the consents, the newest first")
    .with_parameters(CONSENTS_PAGE)
    .with_refusals(&[401, 403]),
    page(
        "/ui/consents/{consentHandle}",
        "showConsentPage",
        Handler::Immediate(console::show_consent),
    )
    .with_summary("Show a consent, and what has happened to it")
    .with_parameters(CONSENT)
    .with_refusals(&[401, 404]),
    form(
        "/ui/consents/{consentHandle}/play",
        "submitSteps",
        waiting!(console::play_steps),
    )
    .with_summary("Play steps of a scenario on a consent")
    .with_request(RequestBody::Form(Component("StepsForm")))
    .with_refusals(&[401, 403, 404, 409]),
    form(
        "/ui/consents/{consentHandle}/{action}",
        "submitAction",
        Handler::Immediate(console::apply_action),
    )
    .with_summary("Change the state of a consent")
    .with_parameters(ACTIONS)
    .with_request(RequestBody::Form(Component("PageForm")))
    .with_refusals(&[401, 403, 404, 409]),
    page(
        "/ui/webhooks",
        "showWebhooks",
        Handler::Immediate(console::show_webhooks),
    )
    .with_summary("Show the webhooks, the newest first")
    .with_parameters(WEBHOOKS_PAGE)
    .with_refusals(&[401, 403]),
    page(
        "/ui/webhooks/{id}",
        "showWebhookPage",
        Handler::Immediate(console::show_webhook),
    )
    .with_summary("Show a webhook with its attempts and the message of one of them")
    .with_parameters(WEBHOOK)
    .with_refusals(&[401, 404]),
    form(
        "/ui/webhooks/{id}/resend",
        "submitResend",
        Handler::Immediate(console::resend_webhook),
    )
    .with_summary("Send a webhook again")
    .with_parameters(WEBHOOK_ID)
    .with_request(RequestBody::Form(Component("PageForm")))
    .with_refusals(&[401, 403, 404, 409]),
    page(
        "/ui/journal",
        "showJournal",
        Handler::Immediate(console::show_journal),
    )
    .with_summary("Show the entries of the journal, the newest first")
    .with_parameters(JOURNAL_PAGE)
    .with_refusals(&[401, 403]),
    page(
        "/ui/journal/{seq}",
        "showEntry",
        Handler::Immediate(console::show_entry),
    )
    .with_summary("Show an entry of the journal, with its message")
    .with_parameters(ENTRY)
    .with_refusals(&[401, 404]),
    page(
        "/ui/clock",
        "showClock",
        Handler::Immediate(console::show_clock),
    )
    .with_summary("Show the clock, what becomes due, and what the last advance has brought about")
    .with_parameters(&[Parameter::in_query(
        "since",
        schema::count,
        "The number of the entry before those of the last advance",
    )])
    .with_refusals(&[401, 403]),
    form(
        "/ui/clock/{change}",
        "submitClockChange",
        waiting!(console::change_clock),
    )
    .with_summary("Freeze, run, set or advance the clock")
    .with_parameters(&[Parameter::in_path(
        "change",
        schema::clock_change,
        "What happens to the clock",
    )])
    .with_request(RequestBody::Form(Component("ClockForm")))
    .with_refusals(&[401, 403, 404, 409]),
    page(
        "/ui/faults",
        "showFaults",
        Handler::Immediate(console::show_faults),
    )
    .with_summary("Show the fault sets that are in force")
    .with_refusals(&[401]),
    form(
        "/ui/faults",
        "submitFaults",
        waiting!(console::add_faults),
    )
    .with_summary("Add a fault set, or replace the one of its name")
    .with_request(RequestBody::Form(Component("FaultsForm")))
    .with_refusals(&[401, 403, 409]),
    form(
        "/ui/faults/remove",
        "submitFaultsRemoval",
        Handler::Immediate(console::remove_faults),
    )
    .with_summary("Remove a fault set")
    .with_request(RequestBody::Form(Component("NameForm")))
    .with_refusals(&[401, 403, 404]),
    page(
        "/ui/scenarios",
        "showScenarios",
        Handler::Immediate(console::show_scenarios),
    )
    .with_summary("Show the scenarios, and the default of the world")
    .with_parameters(&[Parameter::in_query(
        "q",
        schema::text,
        "Only scenarios with this text in their name or description",
    )])
    .with_refusals(&[401, 403]),
    form(
        "/ui/scenarios/default",
        "submitDefaultScenario",
        Handler::Immediate(console::set_default),
    )
    .with_summary("Set the scenario of consents that nothing else selects one for")
    .with_request(RequestBody::Form(Component("NameForm")))
    .with_refusals(&[401, 403]),
    page(
        "/ui/scenarios/{name}",
        "showScenario",
        waiting!(console::show_scenario),
    )
    .with_summary("Show a scenario with its text and what is wrong with it")
    .with_refusals(&[401, 404]),
    form(
        "/ui/scenarios/{name}/pin",
        "submitPin",
        waiting!(console::pin_scenario),
    )
    .with_summary("Let a scenario drive the later consents of a customer")
    .with_request(RequestBody::Form(Component("PinForm")))
    .with_refusals(&[401, 403, 404]),
    page(
        "/ui/customers",
        "showCustomers",
        Handler::Immediate(console::show_customers),
    )
    .with_summary("Show the customers, or lead to one of them")
    .with_parameters(&[
        OLDEST,
        Parameter::in_query(
            "customer",
            schema::text,
            "The address of a customer to open",
        ),
    ])
    .with_refusals(&[401, 403]),
    page(
        "/ui/customers/{customer}",
        "showCustomer",
        Handler::Immediate(console::show_customer),
    )
    .with_summary("Show the accounts of a customer at all banks")
    .with_refusals(&[401, 403]),
    form(
        "/ui/customers/{customer}/persona",
        "submitPersona",
        Handler::Immediate(console::assign_persona),
    )
    .with_summary("Assign another persona to a customer")
    .with_request(RequestBody::Form(Component("PersonaForm")))
    .with_refusals(&[401, 403]),
    form(
        "/ui/customers/{customer}/statement",
        "submitStatement",
        waiting!(console::submit_statement),
    )
    .with_summary("Supply the statement of a bank account of a customer as a file")
    .with_request(RequestBody::Upload(Component("StatementForm")))
    .with_refusals(&[401, 403, 404, 409]),
    page(
        "/ui/customers/{customer}/data",
        "showStatement",
        waiting!(console::show_statement),
    )
    .with_summary("Show what a bank has of an account, with a chart of the balance")
    .with_parameters(TRANSACTIONS_PAGE)
    .with_refusals(&[401, 403, 404]),
    page(
        "/ui/report",
        "showReport",
        Handler::Immediate(console::show_report),
    )
    .with_summary("Show the contract report of the FIUs")
    .with_refusals(&[401]),
];
