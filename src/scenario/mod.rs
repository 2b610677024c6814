//! Scenarios: what drives a consent when no person does. Files are read and checked into [`plan::Plan`]s; the
//! [`library::Library`] chooses one for each new consent; its plan turns events into later commands.

pub mod format;
pub mod library;
pub mod lint;
pub mod magic;
pub mod plan;
pub mod shipped;
