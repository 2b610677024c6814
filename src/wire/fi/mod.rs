//! Financial information in its outside formats: XML by the ReBIT FI schemas, JSON in the Unaport tab shape.

mod digits;
pub mod json;
pub mod xml;
