//! Owns the formats of the files that people write: YAML with its diagnostics, personas, statements
//! and the tables of `mockaa.toml`. Scenarios have a module of their own, [`crate::scenario`].

pub mod participants;
pub mod persona;
pub mod statement;
pub mod unaport;
pub mod yaml;
