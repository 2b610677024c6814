//! Owns the outside formats and their conversions, one module per protocol or file format. Leaves
//! decisions to `engine`.
//!
//! Requests are validated, with errors that name the field. Responses destructure the domain types
//! completely, so that a new field cannot be forgotten. Odd spellings of the real services are kept
//! here, under `Quirk:`.

pub mod api_error;
pub mod artefact;
pub mod consent_detail;
pub mod control;
pub mod fi;
pub mod fields;
pub mod jwk;
pub mod notification;
pub mod purpose;
pub mod rebit;
pub mod redirection;
pub mod registry;
pub mod seed;
pub mod token;
pub mod unaport;
