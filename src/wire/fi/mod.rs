//! Financial information in its outside formats: XML by the ReBIT FI schemas, JSON with their names, JSON in the Unaport
//! tab shape.

pub mod check;
mod digits;
pub mod json;
pub mod tree;
pub mod xml;
