//! Owns the formats of the files that people write: YAML with its diagnostics, personas, statements
//! and the tables of `mockaa.toml`. Scenarios have a module of their own, [`crate::scenario`].

pub(crate) mod import;
pub(crate) mod participants;
pub(crate) mod persona;
pub(crate) mod statement;
pub(crate) mod unaport;
pub(crate) mod yaml;
