//! Domain types and rules: consents, sessions, statements, deliveries, and their legal transitions.
//!
//! The module is pure: it uses no clock, socket or random number. `now`, ids and seeds are
//! arguments, so that a thirty-day consent is tested in microseconds. Names and scalars that people
//! write in files have their serde and JSON Schema here, beside their definition. Wire formats are
//! in [`crate::wire`].

pub mod account;
pub mod action;
pub mod api_fault;
pub mod calendar;
pub mod command;
pub mod command_arguments;
pub mod consent;
pub mod consent_matcher;
pub mod contract_report;
pub mod customer;
pub mod delivery;
pub mod diagnostic;
pub mod digits;
pub mod document;
pub mod duration;
pub mod error_code;
pub mod event;
pub mod expectation;
pub mod glob;
pub mod ids;
pub mod journal_entry;
pub mod key_exchange;
pub mod money;
pub mod naming;
pub mod notification;
pub mod operation;
pub mod participants;
pub mod persona;
pub mod random_stream;
pub mod rejection;
pub mod scenario_plan;
pub mod scenario_set;
pub mod session;
pub mod statement;
pub mod terms;
pub mod text;
pub mod time;
pub mod unaport;
pub mod version;
pub mod webhook_fault;
