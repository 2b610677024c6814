//! Outside formats and conversions, nothing else. A module per dialect; in by validation that names the field it
//! refuses, out by destructuring everything. The services' odd spellings live here, under `Quirk:`.

pub mod api_error;
pub mod artefact;
pub mod consent_detail;
pub mod control;
pub mod duration;
pub mod export;
pub mod fi;
pub mod fields;
pub mod jwk;
pub mod notification;
pub mod openapi;
pub mod participants;
pub mod persona;
pub mod purpose;
pub mod rebit;
pub mod redirection;
pub mod registry;
pub mod seed;
pub mod statement;
pub mod token;
pub mod unaport;
pub mod yaml;
