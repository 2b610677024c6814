//! Owns the control API's view of a persona.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::account::FiType;
use crate::domain::persona::Persona;

/// A persona of this world.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonaView {
    name: String,
    description: String,
    /// The FI types of its accounts, in their order.
    fi_types: Vec<FiType>,
    /// `true`: a customer has it who was given no other.
    is_default: bool,
}

impl PersonaView {
    /// Returns the view of a persona, in a world whose default has this name.
    pub(crate) fn new(persona: &Persona, default_name: &str) -> Self {
        let Persona {
            name,
            description,
            holder: _,
            accounts,
            quirks: _,
        } = persona;
        Self {
            name: name.to_string(),
            description: description.clone(),
            fi_types: accounts.iter().map(|plan| plan.fi_type).collect(),
            is_default: **name == *default_name,
        }
    }
}
