//! Scenarios, which drive consents without a person. Files are parsed and validated into
//! [`crate::domain::scenario_plan::ScenarioPlan`]s, which the [`library::Library`] loads and
//! reloads. The engine selects a plan for each new consent.

pub mod format;
pub mod library;
pub mod lint;
pub mod magic;
pub mod shipped;
