//! Personas of a world, beside those of the sandbox.

use super::{authenticate_operator, read_page};
use crate::domain::text::quote_value;
use crate::files::persona::parse_without_files;
use crate::http::call::Call;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::control::personas::PersonaView;

/// Lists the personas of the sandbox and those that were added to this world, by name.
pub(crate) fn list_personas(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let personas = world.personas();
    let default_name = world.default_persona_name();
    let page = read_page(
        call,
        |skip, limit| personas.iter().skip(skip).take(limit).collect(),
        |persona| PersonaView::new(persona, &default_name),
    )?;
    Ok(ApiResponse::json(&page))
}

/// Adds a persona to this world, or replaces the one of its name.
pub(crate) async fn put_persona(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let name = call.path_segment("name");
    let persona = call.parse_text(parse_without_files).await?;
    let persona = persona.map_err(ApiError::InvalidDocument)?;
    if *persona.name != *name {
        let message = format!(
            "is {} in the text but {} in the path; use the same name",
            persona.name,
            quote_value(name)
        );
        return Err(ApiError::invalid_field("name", message));
    }
    let view = PersonaView::new(&persona, &world.default_persona_name());
    world
        .put_persona(Some(world.cause()), persona)
        .map_err(ApiError::Conflict)?;
    Ok(ApiResponse::json(&view))
}
