//! Encoders of financial information: XML of the ReBIT FI schemas in two generations, JSON and CSV
//! with the names of these schemas, JSON in Unaport tabs; and the validation of XML against the
//! schemas.
//!
//! Statements come from `bankgen` complete; nothing is generated here. Equal statements give equal
//! bytes.

pub(crate) mod csv;
pub(crate) mod element_json;
pub(crate) mod form;
mod format;
pub(crate) mod gateway_json;
pub(crate) mod json;
mod quirks;
pub(crate) mod schema;
pub(crate) mod tabs;
pub(crate) mod validate;
pub(crate) mod xml;
