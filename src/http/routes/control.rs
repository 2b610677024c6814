//! The calls of the control API.

use super::BodySchema::{Component, Derived};
use super::RequestBody::{File, Json, OptionalJson, Scenario};
use super::{Handler, Parameter, ResponseBody, Route, RouteMethod, Section, waiting};
use crate::domain::consent::Status;
use crate::domain::delivery::DeliveryState;
use crate::domain::session::SessionStatus;
use crate::export::{pdf, xlsx};
use crate::files::participants::{FipEntry, FiuEntry};
use crate::files::persona::types::PersonaFile;
use crate::http::control::{
    clock, consents, customers, faults, journal, participants, personas, scenarios, sessions,
    statements, transactions, uploads, webhooks, world,
};
use crate::http::openapi::schema::{self, schema_of};
use crate::http::service_info::get_jwks;
use crate::scenario::format::types::{ExpectationsFile, FaultsFile, ScenarioFile, ScenarioSteps};
use crate::wire::control::consents::{ApproveRequest, ConsentView};
use crate::wire::control::customers::{
    CustomerView, DelinkRequest, LinkRequest, LinkRequestView, PersonaRequest, VerifyRequest,
};
use crate::wire::control::deliveries::DeliveryView;
use crate::wire::control::faults::FaultsView;
use crate::wire::control::journal::{AssertView, EntryView, JournalPage};
use crate::wire::control::personas::PersonaView;
use crate::wire::control::report::ReportView;
use crate::wire::control::scenarios::{
    DefaultRequest, LintView, MagicCustomerView, PinRequest, PinView, ScenarioView,
};
use crate::wire::control::sessions::{
    AnalyticsRequest, AnalyticsView, DeliverRequest, SessionView,
};
use crate::wire::control::timers::TimerView;
use crate::wire::control::transactions::{
    NewTransactionRequest, TransactionPage, TransactionRequest, TransactionView,
};
use crate::wire::control::uploads::StatementUploadView;
use crate::wire::control::world::{
    AdvanceRequest, AdvanceView, ClockView, FreezeRequest, InfoView, ResetRequest, SetClockRequest,
    WorldView,
};
use crate::wire::control::{ListPage, Page};

const fn get(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Control, RouteMethod::Get, path, id, handler)
}

const fn post(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Control, RouteMethod::Post, path, id, handler)
}

const fn put(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Control, RouteMethod::Put, path, id, handler)
}

const fn patch(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Control, RouteMethod::Patch, path, id, handler)
}

const fn delete(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Control, RouteMethod::Delete, path, id, handler)
}

const AFTER: Parameter = Parameter::in_query(
    "after",
    schema::count,
    "Position after which the page begins; the `next` of the page before",
);

const LIMIT: Parameter = Parameter::in_query(
    "limit",
    schema::page_limit,
    "Largest number of items in the page",
);

const PAGE: &[Parameter] = &[AFTER, LIMIT];

pub(super) const OLDEST: Parameter = Parameter::in_query(
    "after",
    schema::count,
    "Number above which the page begins, the oldest first; 0 for the oldest",
);

const NEWEST: Parameter = Parameter::in_query(
    "before",
    schema::count,
    "Number below which the page begins, the newest first; 0 and default: the newest",
);

const FIU: Parameter = Parameter::in_query("fiuId", schema::text, "Only those of this FIU");

const OF_CONSENT: Parameter =
    Parameter::in_query("consentHandle", schema::uuid, "Only those of this consent");

const IN_STATE: Parameter = Parameter::in_query(
    "state",
    schema::consent_state,
    "Only consents in this state",
);

const OF_CUSTOMER: Parameter =
    Parameter::in_query("customer", schema::text, "Only consents of this customer");

const OF_SCENARIO: Parameter = Parameter::in_query(
    "scenario",
    schema::text,
    "Only consents that this scenario drives",
);

const CONSENT_TEXT: Parameter = Parameter::in_query(
    "q",
    schema::text,
    "Only consents with this text in handle, id, tracking id or customer",
);

const CONSENTS: &[Parameter] = &[
    OLDEST,
    NEWEST,
    LIMIT,
    IN_STATE,
    FIU,
    OF_CUSTOMER,
    OF_SCENARIO,
    CONSENT_TEXT,
];

/// The parameters of the operator's page of the consents.
pub(super) const CONSENTS_PAGE: &[Parameter] = &[
    OLDEST,
    NEWEST,
    IN_STATE,
    FIU,
    OF_CUSTOMER,
    OF_SCENARIO,
    CONSENT_TEXT,
];

const SESSIONS: &[Parameter] = &[
    OLDEST,
    NEWEST,
    LIMIT,
    Parameter::in_query(
        "state",
        schema::session_status,
        "Only sessions of this status",
    ),
    OF_CONSENT,
];

const FILE_KIND: &[Parameter] = &[Parameter::in_path(
    "kind",
    schema::file_kind,
    "What the file has",
)];

pub(super) const ACTIONS: &[Parameter] = &[Parameter::in_path(
    "action",
    schema::consent_action,
    "What happens to the consent",
)];

pub(super) const WEBHOOK_ID: &[Parameter] =
    &[Parameter::in_path("id", schema::count, "Id of the webhook")];

const WEBHOOK: &[Parameter] = &[WEBHOOK_ID[0], REVEAL];
const WEBHOOK_BODY: &[Parameter] = &[
    Parameter::in_path("id", schema::count, "Id of the webhook"),
    Parameter::in_query(
        "attempt",
        schema::count,
        "Number of the attempt, from 1; default: the last one",
    ),
];

const DISCOVERY: &[Parameter] = &[
    Parameter::in_query("fipId", schema::text_list, "Only accounts at these FIPs"),
    Parameter::in_query(
        "fiType",
        schema::fi_type_list,
        "Only accounts of these FI types",
    ),
];

const ACCOUNT: &[Parameter] = &[Parameter::in_query(
    "account",
    schema::text,
    "accRefNumber or linkRefNumber of the account; default: the account that has the transaction",
)];

const OF_ACCOUNT: Parameter = Parameter::in_query(
    "account",
    schema::text,
    "accRefNumber or linkRefNumber of the account; default: the first DEPOSIT account",
);

const RANGE_START: Parameter = Parameter::in_query(
    "from",
    schema::text,
    "First instant of the transactions; default: the start of the day 365 days before `to`",
);

const RANGE_END: Parameter = Parameter::in_query(
    "to",
    schema::text,
    "Last instant of the transactions; default: now",
);

const TRANSACTIONS: &[Parameter] = &[
    Parameter::in_query(
        "after",
        schema::count,
        "Number of the transactions before the page; the `next` of the page before, with its `from` and `to`",
    ),
    LIMIT,
    OF_ACCOUNT,
    RANGE_START,
    RANGE_END,
];

/// The parameters of the page of a statement.
pub(super) const TRANSACTIONS_PAGE: &[Parameter] =
    &[TRANSACTIONS[0], OF_ACCOUNT, RANGE_START, RANGE_END];

const STATEMENT: &[Parameter] = &[
    OF_ACCOUNT,
    RANGE_START,
    RANGE_END,
    Parameter::in_query(
        "format",
        schema::statement_format,
        "Format of the file; csv has the transactions alone, svg is a chart of the balance; default: xml",
    ),
    Parameter::in_query(
        "csvAmounts",
        schema::csv_amounts,
        "Further columns of a CSV of a bank account: `signed` adds `signedAmount`, `split` adds `debit` and `credit`; default: `schema`, none",
    ),
    Parameter::in_query(
        "csvSafe",
        schema::boolean_text,
        "Whether texts of a CSV that a spreadsheet would take for a formula begin with an apostrophe",
    ),
];

const UPLOAD: &[Parameter] = &[
    OF_ACCOUNT,
    Parameter::in_query(
        "check",
        schema::statement_check,
        "Treatment of what looks wrong although each row can be read; default: `strict`",
    ),
    Parameter::in_query(
        "like",
        schema::export_layout,
        "The file is the export of a bank: of any with known names of columns, or of the one whose narrations have this layout",
    ),
];

const KIND: Parameter = Parameter::in_query(
    "kind",
    schema::entry_kind,
    "Only entries of this kind: call, webhook, note, or the name of an event",
);

const OP: Parameter = Parameter::in_query("op", schema::operation, "Only calls of this operation");

const HANDLE: Parameter = Parameter::in_query(
    "consentHandle",
    schema::uuid,
    "Only entries about this consent",
);

const CUSTOMER: Parameter =
    Parameter::in_query("customer", schema::text, "Only entries about this customer");

const EVENTS: &[Parameter] = &[
    Parameter::in_query(
        "after",
        schema::text,
        "Id of the event after which the stream begins; the header `Last-Event-ID` comes first; default: what happens from now on",
    ),
    KIND,
    OP,
    HANDLE,
    CUSTOMER,
    STATUS,
    FROM,
    TO,
    SEARCH,
];

const TIMERS: &[Parameter] = &[
    AFTER,
    LIMIT,
    Parameter::in_query(
        "consentHandle",
        schema::uuid,
        "Only what concerns this consent",
    ),
];

pub(super) const REVEAL: Parameter = Parameter::in_query(
    "reveal",
    schema::flag,
    "Show the secrets of calls and webhooks instead of masking them",
);

const LIGHT: Parameter = Parameter::in_query(
    "light",
    schema::flag,
    "Leave out headers and bodies, for long lists",
);

const IN_DELIVERY_STATE: Parameter = Parameter::in_query(
    "state",
    schema::delivery_state,
    "Only webhooks in this state",
);

const OF_EVENT: Parameter = Parameter::in_query(
    "event",
    schema::notification_kind,
    "Only webhooks of this kind",
);

const WEBHOOKS: &[Parameter] = &[
    OLDEST,
    NEWEST,
    LIMIT,
    IN_DELIVERY_STATE,
    OF_EVENT,
    FIU,
    OF_CONSENT,
    LIGHT,
    REVEAL,
];

/// The parameters of the operator's page of the webhooks.
pub(super) const WEBHOOKS_PAGE: &[Parameter] =
    &[OLDEST, NEWEST, IN_DELIVERY_STATE, OF_EVENT, FIU, OF_CONSENT];

const STATUS: Parameter = Parameter::in_query(
    "status",
    schema::text,
    "Only calls and webhooks that were answered with this status, such as 503 or 5xx",
);

const FROM: Parameter = Parameter::in_query(
    "from",
    schema::text,
    "Only entries from this instant of the world on",
);

const TO: Parameter = Parameter::in_query(
    "to",
    schema::text,
    "Only entries until this instant of the world",
);

const SEARCH: Parameter = Parameter::in_query(
    "q",
    schema::text,
    "Only entries with this text, whatever its case, in path, headers, bodies or message",
);

const JOURNAL: &[Parameter] = &[
    AFTER,
    Parameter::in_query(
        "before",
        schema::count,
        "Number below which the page begins, the newest first; 0: the newest; default: the oldest first",
    ),
    LIMIT,
    KIND,
    OP,
    HANDLE,
    CUSTOMER,
    STATUS,
    FROM,
    TO,
    SEARCH,
    LIGHT,
    REVEAL,
];

pub(super) const JOURNAL_ENTRY: &[Parameter] = &[
    Parameter::in_path("seq", schema::count, "Number of the entry"),
    REVEAL,
];

/// The parameters of the page of the journal.
pub(super) const JOURNAL_PAGE: &[Parameter] = &[
    OLDEST, NEWEST, KIND, OP, HANDLE, CUSTOMER, STATUS, FROM, TO, SEARCH,
];

const JOURNAL_WAIT: &[Parameter] = &[
    AFTER,
    LIMIT,
    KIND,
    OP,
    HANDLE,
    CUSTOMER,
    STATUS,
    FROM,
    TO,
    SEARCH,
    LIGHT,
    REVEAL,
    Parameter::in_query(
        "count",
        schema::entry_count,
        "Number of entries to wait for",
    ),
    Parameter::in_query(
        "within",
        schema::duration,
        "Longest wait in system time, such as 5s",
    ),
];

pub(crate) static ROUTES: &[Route] = &[
    get("/_mockaa/v1/consents", "listConsents", Handler::Immediate(consents::list_consents)).with_summary("List the consents, the newest first, with the number in each state").with_parameters(CONSENTS).with_response(ResponseBody::Json(Derived(schema_of::<ListPage<ConsentView, Status>>))),
    get("/_mockaa/v1/consents/{consentHandle}", "getConsent", Handler::Immediate(consents::get_consent)).with_summary("Get a consent with its history and the actions that its state allows").with_response(ResponseBody::Json(Derived(schema_of::<ConsentView>))).with_refusals(&[404]),
    post("/_mockaa/v1/consents/{consentHandle}/play", "playSteps", waiting!(consents::play_steps)).with_summary("Perform a scenario action, or a list of actions, on a consent").with_request(Scenario(Derived(schema_of::<ScenarioSteps>))).with_response(ResponseBody::Json(Derived(schema_of::<ConsentView>))).with_refusals(&[404, 409, 503]),
    post("/_mockaa/v1/consents/{consentHandle}/{action}", "applyConsentAction", Handler::Immediate(consents::apply_consent_action)).with_summary("Change the state of a consent; only approve has a body").with_parameters(ACTIONS).with_request(OptionalJson(Derived(schema_of::<ApproveRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<ConsentView>))).with_refusals(&[404, 409, 503]),
    get("/_mockaa/v1/sessions", "listSessions", Handler::Immediate(sessions::list_sessions)).with_summary("List the data sessions, the newest first, with the number of each status").with_parameters(SESSIONS).with_response(ResponseBody::Json(Derived(schema_of::<ListPage<SessionView, SessionStatus>>))),
    get("/_mockaa/v1/sessions/{sessionId}", "getSession", Handler::Immediate(sessions::get_session)).with_summary("Get a data session").with_response(ResponseBody::Json(Derived(schema_of::<SessionView>))).with_refusals(&[404]),
    post("/_mockaa/v1/sessions/{sessionId}/deliver", "deliverData", Handler::Immediate(sessions::deliver_data)).with_summary("Deliver the data of a session in place of its FIPs").with_request(OptionalJson(Derived(schema_of::<DeliverRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<SessionView>))).with_refusals(&[404, 409, 503]),
    post("/_mockaa/v1/sessions/{sessionId}/analytics", "notifyAnalytics", Handler::Immediate(sessions::notify_analytics)).with_summary("Complete Unaport's analytics of a session").with_request(OptionalJson(Derived(schema_of::<AnalyticsRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<AnalyticsView>))).with_refusals(&[404, 409, 503]),
    get("/_mockaa/v1/customers", "listCustomers", Handler::Immediate(customers::list_customers)).with_summary("List the customers that calls have named").with_parameters(PAGE).with_response(ResponseBody::Json(Derived(schema_of::<Page<String>>))),
    get("/_mockaa/v1/customers/{customer}/accounts", "listAccounts", Handler::Immediate(customers::list_accounts)).with_summary("Discover the accounts of a customer, linked or not").with_parameters(DISCOVERY).with_response(ResponseBody::Json(Derived(schema_of::<CustomerView>))).with_refusals(&[404]),
    post("/_mockaa/v1/customers/{customer}/register", "registerCustomer", Handler::Immediate(customers::register_customer)).with_summary("Register a customer without linked accounts").with_response(ResponseBody::Json(Derived(schema_of::<CustomerView>))).with_refusals(&[409]),
    post("/_mockaa/v1/customers/{customer}/deregister", "deregisterCustomer", Handler::Immediate(customers::deregister_customer)).with_summary("Deregister a customer and hide the consents").with_response(ResponseBody::Json(Derived(schema_of::<CustomerView>))).with_refusals(&[404]),
    post("/_mockaa/v1/customers/{customer}/link", "linkAccounts", Handler::Immediate(customers::link_accounts)).with_summary("Request the linking of accounts").with_request(Json(Derived(schema_of::<LinkRequest>))).with_response(ResponseBody::Either(Derived(schema_of::<LinkRequestView>), Derived(schema_of::<CustomerView>))).with_refusals(&[404, 409]),
    post("/_mockaa/v1/customers/{customer}/verify", "verifyLink", Handler::Immediate(customers::verify_link)).with_summary("Confirm a link request with its token").with_request(Json(Derived(schema_of::<VerifyRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<CustomerView>))).with_refusals(&[404, 409]),
    post("/_mockaa/v1/customers/{customer}/delink", "delinkAccount", Handler::Immediate(customers::delink_account)).with_summary("Delink an account and revoke the consents that contain it").with_request(Json(Derived(schema_of::<DelinkRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<CustomerView>))).with_refusals(&[404, 409, 503]),
    post("/_mockaa/v1/customers/{customer}/persona", "assignPersona", Handler::Immediate(customers::assign_persona)).with_summary("Assign another persona to a customer").with_request(Json(Derived(schema_of::<PersonaRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<CustomerView>))).with_refusals(&[404]),
    get("/_mockaa/v1/customers/{customer}/transactions", "listTransactions", waiting!(statements::list_transactions)).with_summary("List the transactions of a bank account of a customer, the oldest first").with_parameters(TRANSACTIONS).with_response(ResponseBody::Json(Derived(schema_of::<TransactionPage>))).with_refusals(&[404, 409]),
    put("/_mockaa/v1/customers/{customer}/statement", "putStatement", waiting!(uploads::put_statement)).with_summary("Supply the statement of a bank account of a customer as a file: CSV, JSON, XML, or the export of a bank; at most 20 MiB").with_parameters(UPLOAD).with_request(File).with_response(ResponseBody::Json(Derived(schema_of::<StatementUploadView>))).with_refusals(&[404, 409]),
    get("/_mockaa/v1/customers/{customer}/statement", "getStatement", waiting!(statements::get_statement)).with_summary("Get the statement of an account of a customer as a file").with_parameters(STATEMENT).with_response(ResponseBody::File(&["application/xml", "application/json", "text/csv", xlsx::MEDIA_TYPE, pdf::MEDIA_TYPE, "image/svg+xml"])).with_refusals(&[404, 409]),
    post("/_mockaa/v1/customers/{customer}/transactions", "addTransaction", Handler::Immediate(transactions::add_transaction)).with_summary("Add a transaction to a bank account of a customer; the FIUs with a consent in force are notified").with_request(Json(Derived(schema_of::<NewTransactionRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<TransactionView>))).with_refusals(&[404, 409, 503]),
    patch("/_mockaa/v1/customers/{customer}/transactions/{txnId}", "changeTransaction", Handler::Immediate(transactions::edit_transaction)).with_summary("Change fields of a transaction; later balances follow").with_request(Json(Derived(schema_of::<TransactionRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<TransactionView>))).with_refusals(&[404, 409, 503]),
    delete("/_mockaa/v1/customers/{customer}/transactions/{txnId}", "removeTransaction", Handler::Immediate(transactions::remove_transaction)).with_summary("Withdraw a transaction; later balances follow").with_parameters(ACCOUNT).with_response(ResponseBody::Json(Component("Deleted"))).with_refusals(&[404, 409, 503]),
    get("/_mockaa/v1/config/fiu", "listFius", Handler::Immediate(participants::list_fius)).with_summary("List the FIUs of this world").with_response(ResponseBody::Json(Derived(schema_of::<Page<FiuEntry>>))),
    get("/_mockaa/v1/config/fip", "listFips", Handler::Immediate(participants::list_fips)).with_summary("List the FIPs of this world").with_response(ResponseBody::Json(Derived(schema_of::<Page<FipEntry>>))),
    get("/_mockaa/v1/config/fiu/{id}", "getFiu", Handler::Immediate(participants::get_fiu)).with_summary("Get an FIU").with_response(ResponseBody::Json(Derived(schema_of::<FiuEntry>))).with_refusals(&[404]),
    put("/_mockaa/v1/config/fiu/{id}", "putFiu", Handler::Immediate(participants::put_fiu)).with_summary("Add or change an FIU of this world; an omitted field keeps its value, and null restores the default").with_request(Json(Derived(schema_of::<FiuEntry>))).with_response(ResponseBody::Json(Derived(schema_of::<FiuEntry>))),
    get("/_mockaa/v1/config/fip/{id}", "getFip", Handler::Immediate(participants::get_fip)).with_summary("Get a FIP").with_response(ResponseBody::Json(Derived(schema_of::<FipEntry>))).with_refusals(&[404]),
    put("/_mockaa/v1/config/fip/{id}", "putFip", Handler::Immediate(participants::put_fip)).with_summary("Add or change a FIP of this world; an omitted field keeps its value, and null restores the default").with_request(Json(Derived(schema_of::<FipEntry>))).with_response(ResponseBody::Json(Derived(schema_of::<FipEntry>))),
    get("/_mockaa/v1/webhooks", "listWebhooks", Handler::Immediate(webhooks::list_webhooks)).with_summary("List the webhooks with every attempt, the newest first, with the number in each state").with_parameters(WEBHOOKS).with_response(ResponseBody::Json(Derived(schema_of::<ListPage<DeliveryView, DeliveryState>>))),
    get("/_mockaa/v1/webhooks/{id}", "getWebhook", Handler::Immediate(webhooks::get_webhook)).with_summary("Get a webhook with its body").with_parameters(WEBHOOK).with_response(ResponseBody::Json(Derived(schema_of::<DeliveryView>))).with_refusals(&[404]),
    get("/_mockaa/v1/webhooks/{id}/body", "getWebhookBody", Handler::Immediate(webhooks::get_webhook_body)).with_summary("Get the exact bytes of a webhook").with_parameters(WEBHOOK_BODY).with_response(ResponseBody::File(&[webhooks::OCTET_STREAM])).with_refusals(&[404]),
    post("/_mockaa/v1/webhooks/{id}/resend", "resendWebhook", Handler::Immediate(webhooks::resend_webhook)).with_summary("Send a completed webhook again, with the same bytes").with_parameters(WEBHOOK_ID).with_response(ResponseBody::Json(Derived(schema_of::<DeliveryView>))).with_refusals(&[404, 409]),
    get("/_mockaa/v1/journal", "listJournal", Handler::Immediate(journal::list_entries)).with_summary("List the entries of the journal: calls, events, webhooks, notes").with_parameters(JOURNAL).with_response(ResponseBody::Json(Derived(schema_of::<JournalPage>))),
    get("/_mockaa/v1/journal/wait", "waitForJournal", waiting!(journal::wait_for_entries)).with_summary("Wait until the journal has enough matching entries").with_parameters(JOURNAL_WAIT).with_response(ResponseBody::Json(Derived(schema_of::<JournalPage>))).with_refusals(&[408, 409]),
    get("/_mockaa/v1/journal/{seq}", "getJournalEntry", Handler::Immediate(journal::get_entry)).with_summary("Get an entry of the journal").with_parameters(JOURNAL_ENTRY).with_response(ResponseBody::Json(Derived(schema_of::<EntryView>))).with_refusals(&[404]),
    get("/_mockaa/v1/journal/{seq}/request", "getJournalRequest", Handler::Immediate(journal::get_entry_request)).with_summary("Get the recorded bytes of a request, or of a webhook as it was sent").with_parameters(JOURNAL_ENTRY).with_response(ResponseBody::File(&[webhooks::OCTET_STREAM])).with_refusals(&[404]),
    get("/_mockaa/v1/journal/{seq}/answer", "getJournalAnswer", Handler::Immediate(journal::get_entry_answer)).with_summary("Get the recorded bytes of the answer to a call").with_parameters(JOURNAL_ENTRY).with_response(ResponseBody::File(&[webhooks::OCTET_STREAM])).with_refusals(&[404]),
    get("/_mockaa/v1/events", "streamEvents", Handler::Immediate(journal::stream_events)).with_summary("Stream what happens in this world as server-sent events, until the caller ends it; 204 after an event of a world that was deleted").with_parameters(EVENTS).with_response(ResponseBody::Text("text/event-stream")).with_refusals(&[503]),
    post("/_mockaa/v1/assert", "checkExpectations", waiting!(journal::check_expectations)).with_summary("Check expectations against the journal").with_request(Scenario(Derived(schema_of::<ExpectationsFile>))).with_response(ResponseBody::Json(Derived(schema_of::<AssertView>))),
    get("/_mockaa/v1/report", "getReport", Handler::Immediate(journal::get_report)).with_summary("Get the contract report of the FIU").with_response(ResponseBody::JsonOrText(Derived(schema_of::<ReportView>))),
    get("/_mockaa/v1/faults", "listFaults", Handler::Immediate(faults::list_faults)).with_summary("List the active fault sets").with_response(ResponseBody::Json(Derived(schema_of::<Page<FaultsView>>))),
    delete("/_mockaa/v1/faults", "deleteAllFaults", Handler::Immediate(faults::delete_all)).with_summary("Remove all fault sets").with_response(ResponseBody::Json(Component("DeletedNames"))),
    get("/_mockaa/v1/faults/{name}", "getFaults", Handler::Immediate(faults::get_faults)).with_summary("Get a fault set").with_response(ResponseBody::Json(Derived(schema_of::<FaultsView>))).with_refusals(&[404]),
    put("/_mockaa/v1/faults/{name}", "putFaults", waiting!(faults::put_faults)).with_summary("Activate faults under a name").with_request(Scenario(Derived(schema_of::<FaultsFile>))).with_response(ResponseBody::Json(Derived(schema_of::<FaultsView>))).with_refusals(&[409]),
    delete("/_mockaa/v1/faults/{name}", "deleteFaults", Handler::Immediate(faults::delete_faults)).with_summary("Remove a fault set").with_response(ResponseBody::Json(Component("Deleted"))).with_refusals(&[404]),
    get("/_mockaa/v1/scenarios", "listScenarios", Handler::Immediate(scenarios::list_scenarios)).with_summary("List the scenarios").with_response(ResponseBody::Json(Derived(schema_of::<Page<ScenarioView>>))),
    post("/_mockaa/v1/scenarios/reload", "reloadScenarios", Handler::Immediate(scenarios::reload_scenarios)).with_summary("Reload the scenario folder; an error leaves all scenarios unchanged").with_response(ResponseBody::Json(Derived(schema_of::<Page<String>>))),
    post("/_mockaa/v1/scenarios/lint", "lintScenario", waiting!(scenarios::lint_scenario)).with_summary("Check the text of a scenario without adding it").with_request(Scenario(Derived(schema_of::<ScenarioFile>))).with_response(ResponseBody::Json(Derived(schema_of::<LintView>))),
    get("/_mockaa/v1/scenarios/default", "getDefaultScenario", Handler::Immediate(scenarios::get_default)).with_summary("Get the default scenario of this world").with_response(ResponseBody::Json(Component("DefaultScenario"))),
    put("/_mockaa/v1/scenarios/default", "setDefaultScenario", Handler::Immediate(scenarios::set_default)).with_summary("Set the default scenario of this world; null removes it").with_request(Json(Derived(schema_of::<DefaultRequest>))).with_response(ResponseBody::Json(Component("DefaultScenario"))),
    get("/_mockaa/v1/schemas/{kind}", "getSchema", Handler::Immediate(scenarios::get_schema)).with_summary("Get the JSON Schema (draft 2020-12) of files of a kind: scenario, steps, faults, expectations, persona").with_parameters(FILE_KIND).with_response(ResponseBody::Json(Component("JsonSchema"))).with_refusals(&[404]),
    get("/_mockaa/v1/scenarios/{name}", "getScenario", Handler::Immediate(scenarios::get_scenario)).with_summary("Get the text of a scenario").with_response(ResponseBody::Text("text/plain")).with_refusals(&[404]),
    put("/_mockaa/v1/scenarios/{name}", "putScenario", waiting!(scenarios::put_scenario)).with_summary("Add a scenario to this world").with_request(Scenario(Derived(schema_of::<ScenarioFile>))).with_response(ResponseBody::Json(Derived(schema_of::<ScenarioView>))).with_refusals(&[409]),
    delete("/_mockaa/v1/scenarios/{name}", "deleteScenario", Handler::Immediate(scenarios::delete_scenario)).with_summary("Remove a scenario that was added to this world").with_response(ResponseBody::Json(Component("Deleted"))).with_refusals(&[404]),
    post("/_mockaa/v1/scenarios/{name}/pin", "pinScenario", Handler::Immediate(scenarios::pin_scenario)).with_summary("Assign a scenario to a consent, or to the later consents of a customer").with_request(Json(Derived(schema_of::<PinRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<PinView>))).with_refusals(&[404]),
    get("/_mockaa/v1/personas", "listPersonas", Handler::Immediate(personas::list_personas)).with_summary("List the personas of the sandbox and of this world").with_parameters(PAGE).with_response(ResponseBody::Json(Derived(schema_of::<Page<PersonaView>>))),
    put("/_mockaa/v1/personas/{name}", "putPersona", waiting!(personas::put_persona)).with_summary("Add a persona to this world; customers to whom one of this name is assigned keep theirs").with_request(Scenario(Derived(schema_of::<PersonaFile>))).with_response(ResponseBody::Json(Derived(schema_of::<PersonaView>))).with_refusals(&[409]),
    get("/_mockaa/v1/magic", "listMagicCustomers", Handler::Immediate(scenarios::list_magic_customers)).with_summary("List the magic customers").with_response(ResponseBody::Json(Derived(schema_of::<Page<MagicCustomerView>>))),
    get("/_mockaa/v1/keys", "getKeys", Handler::Infallible(get_jwks)).with_summary("Get the public keys of the AAs as a JWK set").with_response(ResponseBody::Json(Component("JwkSet"))),
    get("/_mockaa/v1/clock", "getClock", Handler::Immediate(clock::get_clock)).with_summary("Get the time of this world").with_response(ResponseBody::Json(Derived(schema_of::<ClockView>))),
    get("/_mockaa/v1/timers", "listTimers", Handler::Immediate(clock::list_timers)).with_summary("List what becomes due in this world, the next first: expiries, scheduled fetches, steps, retries of webhooks").with_parameters(TIMERS).with_response(ResponseBody::Json(Derived(schema_of::<Page<TimerView>>))),
    post("/_mockaa/v1/clock/freeze", "freezeClock", Handler::Immediate(clock::freeze_clock)).with_summary("Freeze the clock; at a given time only in a world without consents").with_request(OptionalJson(Derived(schema_of::<FreezeRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<ClockView>))).with_refusals(&[409]),
    post("/_mockaa/v1/clock/run", "runClock", Handler::Immediate(clock::run_clock)).with_summary("Run the clock").with_response(ResponseBody::Json(Derived(schema_of::<ClockView>))).with_refusals(&[409]),
    post("/_mockaa/v1/clock/set", "setClock", Handler::Immediate(clock::set_clock)).with_summary("Set the clock of a world without consents").with_request(Json(Derived(schema_of::<SetClockRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<ClockView>))).with_refusals(&[409]),
    post("/_mockaa/v1/clock/advance", "advanceClock", waiting!(clock::advance_world_clock)).with_summary("Advance the clock; due work runs at its time, and due webhooks are sent before the response").with_request(Json(Derived(schema_of::<AdvanceRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<AdvanceView>))).with_refusals(&[409]),
    get("/_mockaa/v1/info", "getInfo", Handler::Immediate(world::get_info)).with_summary("Get the version, the addresses and the state of the sandbox").with_response(ResponseBody::Json(Derived(schema_of::<InfoView>))),
    get("/_mockaa/v1/world", "getWorld", Handler::Immediate(world::get_world)).with_summary("Get a summary of this world").with_response(ResponseBody::Json(Derived(schema_of::<WorldView>))),
    get("/_mockaa/v1/worlds", "listWorlds", Handler::Immediate(world::list_worlds)).with_summary("List the worlds").with_response(ResponseBody::Json(Derived(schema_of::<Page<WorldView>>))),
    delete("/_mockaa/v1/worlds/{name}", "deleteWorld", Handler::Immediate(world::delete_world)).with_summary("Delete a world with its timers and webhooks").with_response(ResponseBody::Json(Component("Deleted"))).with_refusals(&[404]),
    post("/_mockaa/v1/reset", "resetWorld", Handler::Immediate(world::reset_world)).with_summary("Reset this world, but for the parts in `keep`").with_request(OptionalJson(Derived(schema_of::<ResetRequest>))).with_response(ResponseBody::Json(Derived(schema_of::<WorldView>))),
];
