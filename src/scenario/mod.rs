//! Scenarios, which drive consents without a person. Files are parsed and validated into
//! [`plan::Plan`]s. The [`library::Library`] selects a plan for each new consent, and the plan
//! turns events into delayed commands.

pub mod format;
pub mod library;
pub mod lint;
pub mod magic;
pub mod plan;
pub mod shipped;
