//! Financial information in its outside formats: XML by the ReBIT FI schemas, JSON in the Unaport tab shape.

pub mod json;
pub mod xml;
