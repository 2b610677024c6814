//! Pure values and rules: what a consent, a session, a statement is, and which moves are legal.
//!
//! Nothing here knows JSON, a clock, a socket or a random number. `now`, ids and seeds come in as arguments,
//! so a thirty-day consent is tested in microseconds. Outside spellings live in [`crate::wire`].

pub mod account;
pub mod api_fault;
pub mod calendar;
pub mod casting;
pub mod command;
pub mod consent;
pub mod customer;
pub mod delivery;
pub mod digits;
pub mod document;
pub mod event;
pub mod exchange;
pub mod expectation;
pub mod glob;
pub mod ids;
pub mod money;
pub mod naming;
pub mod notice;
pub mod operation;
pub mod participants;
pub mod persona;
pub mod record;
pub mod refusal;
pub mod report;
pub mod script;
pub mod session;
pub mod statement;
pub mod stream;
pub mod time;
pub mod unaport;
pub mod version;
pub mod webhook_fault;
