//! The user's plan of a certification run: the cases that do not apply to the FIU.

use std::path::Path;
use std::sync::OnceLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use crate::cli::UsageError;
use crate::cli::scenario::format_diagnostics;
use crate::domain::glob::Glob;
use crate::domain::text::display_path;
use crate::files::yaml::{parse_typed, schema_for};
use crate::scenario::certification::Suite;

/// A plan file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    /// The version of this format: 1.
    #[schemars(schema_with = "version_schema")]
    #[expect(dead_code, reason = "the schema allows one value only")]
    version: u64,
    /// The cases that do not apply.
    not_applicable: Vec<Exclusion>,
}

fn version_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "enum": [1] })
}

/// Cases that do not apply.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Exclusion {
    /// The ids of the cases; `*` matches any text.
    cases: String,
    #[schemars(length(min = 1))]
    reason: String,
}

impl Plan {
    /// Reads a plan file.
    ///
    /// # Errors
    /// It cannot be read, has unknown keys, or names no case of the suite.
    pub(super) fn read(path: &Path, suite: &Suite) -> Result<Self, UsageError> {
        static SCHEMA: OnceLock<Value> = OnceLock::new();
        let text = std::fs::read_to_string(path)
            .map_err(|error| UsageError(format!("{}: {error}", display_path(path))))?;
        let plan: Self = parse_typed(&text, SCHEMA.get_or_init(schema_for::<Self>), "the plan")
            .map_err(|diagnostics| UsageError(format_diagnostics(path, &diagnostics)))?;
        for exclusion in &plan.not_applicable {
            let glob = Glob::new(&exclusion.cases);
            if !suite.cases().any(|(_, case)| glob.matches(&case.id)) {
                return Err(UsageError(format!(
                    "{}: {} is no case of {}; `mockaa certify --list` prints the ids",
                    display_path(path),
                    exclusion.cases,
                    suite.name
                )));
            }
        }
        Ok(plan)
    }

    /// Returns the reason why a case does not apply, if it does not.
    pub(super) fn find_exclusion(&self, id: &str) -> Option<&str> {
        let found = self
            .not_applicable
            .iter()
            .find(|exclusion| Glob::new(&exclusion.cases).matches(id));
        found.map(|exclusion| &*exclusion.reason)
    }
}
