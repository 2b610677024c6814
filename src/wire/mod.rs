//! Owns the outside formats and their conversions, one module per protocol or file format. Leaves
//! decisions to `engine`.
//!
//! Requests are validated, with errors that name the field. Responses destructure the domain types
//! completely, so that a new field cannot be forgotten. Odd spellings of the real services are kept
//! here, under `Quirk:`.

pub(crate) mod api_error;
pub(crate) mod artefact;
pub(crate) mod consent_detail;
pub(crate) mod control;
pub(crate) mod fi;
pub(crate) mod fields;
pub(crate) mod jwk;
pub(crate) mod mask;
pub(crate) mod notification;
pub(crate) mod purpose;
pub(crate) mod rebit;
pub(crate) mod redirect_url;
pub(crate) mod redirection;
pub(crate) mod registry;
pub(crate) mod seed;
pub(crate) mod token;
pub(crate) mod unaport;
pub(crate) mod web_authority;
pub(crate) mod web_origin;
pub(crate) mod web_sdk;
