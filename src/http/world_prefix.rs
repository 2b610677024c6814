//! The prefix of named worlds. It is consumed before the routes are tried, so that each route exists
//! once in the router.

use std::sync::LazyLock;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ResourceDef, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

static WORLD_PREFIX: LazyLock<ResourceDef> = LazyLock::new(|| ResourceDef::prefix("/w/{world}"));

/// Captures the world at the beginning of a path as the parameter `world`. The routes match the
/// rest of the path.
///
/// # Errors
/// Returns the error of the next service unchanged.
pub(crate) async fn consume_world_prefix(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    WORLD_PREFIX.capture_match_info(&mut request);
    next.call(request).await
}
