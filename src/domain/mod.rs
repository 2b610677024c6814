//! Pure values and rules: what a consent, a session, a statement is, and which moves are legal.
//!
//! Nothing here knows JSON, a clock, a socket or a random number. `now`, ids and seeds come in as arguments,
//! so a thirty-day consent is tested in microseconds. Outside spellings live in [`crate::wire`].

pub mod account;
pub mod api_fault;
pub mod calendar;
pub mod command;
pub mod consent;
pub mod consent_matcher;
pub mod contract_report;
pub mod customer;
pub mod delivery;
pub mod diagnostic;
pub mod digits;
pub mod document;
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
pub mod session;
pub mod statement;
pub mod time;
pub mod unaport;
pub mod version;
pub mod webhook_fault;
