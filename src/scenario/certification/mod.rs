//! Certification suites: cases as data, and the scenario of each case (`docs/certification.md`).
//! Playing the cases against an FIU belongs to `mockaa certify`.

mod script;
mod suite;

pub(crate) use self::script::{Script, ScriptContext, ScriptError, ScriptStart, build_script};
pub(crate) use self::suite::{
    Case, Check, Display, Family, SHIPPED_SUITES, Suite, find_shipped_suite, parse_suite,
};
