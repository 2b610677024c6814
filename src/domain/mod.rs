//! Domain types and rules: consents, sessions, statements, deliveries, and their legal transitions.
//!
//! The module is pure: it uses no clock, socket or random number. `now`, ids and seeds are
//! arguments, so that a thirty-day consent is tested in microseconds. Names and scalars that people
//! write in files have their serde and JSON Schema here, beside their definition. Wire formats are
//! in [`crate::wire`].

pub(crate) mod account;
pub(crate) mod action;
pub(crate) mod advance;
pub(crate) mod answer_fields;
pub(crate) mod api_fault;
pub(crate) mod calendar;
pub(crate) mod call_facts;
pub(crate) mod client_hint;
pub(crate) mod command;
pub(crate) mod command_arguments;
pub(crate) mod consent;
pub(crate) mod consent_matcher;
pub(crate) mod constant_time;
pub(crate) mod contract_report;
pub(crate) mod customer;
pub(crate) mod customer_address;
pub(crate) mod delivery;
pub(crate) mod diagnostic;
pub(crate) mod digits;
pub(crate) mod document;
pub(crate) mod duration;
pub(crate) mod error_code;
pub(crate) mod event;
pub(crate) mod expectation;
pub(crate) mod fair_use;
pub(crate) mod glob;
pub(crate) mod ids;
pub(crate) mod journal_entry;
pub(crate) mod json_text;
pub(crate) mod key_exchange;
pub(crate) mod message_filter;
pub(crate) mod metadata_address;
pub(crate) mod money;
pub(crate) mod naming;
pub(crate) mod narration_layout;
pub(crate) mod notification;
pub(crate) mod operation;
pub(crate) mod participants;
pub(crate) mod persona;
pub(crate) mod quirk;
pub(crate) mod random_stream;
pub(crate) mod redirection_code;
pub(crate) mod rejection;
pub(crate) mod retry_policy;
pub(crate) mod scenario_plan;
pub(crate) mod scenario_set;
pub(crate) mod secret_names;
pub(crate) mod security_mode;
pub(crate) mod session;
pub(crate) mod short_code;
pub(crate) mod sign_in;
pub(crate) mod statement;
pub(crate) mod terms;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod time_source;
pub(crate) mod unaport;
pub(crate) mod version;
pub(crate) mod visit_action;
pub(crate) mod webhook_fault;
pub(crate) mod world_part;
