//! The public API over real HTTP, with a real FIU as receiver. Tests advance the clock and never
//! sleep.

mod access;
mod account_choices;
mod accounts;
mod api_faults;
mod bad_input;
mod bank_answers;
mod banks;
mod brands;
mod causes;
mod clocks;
mod console;
mod console_consent;
mod console_pages;
mod console_session;
mod contract;
mod contract_excuses;
mod control;
mod credentials;
mod customer_addresses;
mod customer_browser;
mod determinism;
mod deviations;
mod errors;
mod events;
mod expectations;
mod fair_use;
mod fi;
mod fi_entries;
mod fips;
mod fiu;
mod helpers;
mod inbox;
mod jws_verifier;
mod lender;
mod limits;
mod magic;
mod model;
mod openapi;
mod operator_browser;
#[allow(
    dead_code,
    reason = "shared with the certification suite, which uses more of it"
)]
mod participants;
mod pdf_text;
mod personas;
mod quirks;
mod raw_http;
mod rebit;
mod rebit_v1;
mod redirection;
mod registry;
mod repeated_txnids;
mod scenario_control;
mod scenarios;
mod secrets;
mod security;
mod seed;
mod settling;
mod signature_explanations;
#[path = "../skip/mod.rs"]
mod skip;
mod specification;
mod timers;
mod transactions;
mod unaport;
mod undefined_input;
mod verification;
mod visits;
mod web_sdk;
mod webhook_faults;
mod webhook_headers;
mod webhooks;
mod worlds;
