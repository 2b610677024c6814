//! Scenarios, which drive consents without a person. Files are parsed and validated into
//! [`crate::domain::scenario_plan::ScenarioPlan`]s, which the [`library::Library`] loads and
//! reloads. The engine selects a plan for each new consent.

pub(crate) mod certification;
pub(crate) mod format;
pub(crate) mod library;
pub(crate) mod lint;
pub(crate) mod magic;
pub(crate) mod reachability;
pub(crate) mod shipped;
