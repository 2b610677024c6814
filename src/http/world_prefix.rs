//! The prefix of named worlds. It is consumed before the routes are tried, so that each route exists
//! once in the router. The address of a world needs no slash at its end, as that of a host does not.

use std::sync::LazyLock;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ResourceDef, ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
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
    if WORLD_PREFIX.find_match(request.path()) == Some(request.path().len()) {
        add_slash(&mut request);
    }
    WORLD_PREFIX.capture_match_info(&mut request);
    next.call(request).await
}

/// Adds a slash to the end of the path, before the query.
fn add_slash(request: &mut ServiceRequest) {
    let uri = request.uri();
    let query = uri.query().map(|query| format!("?{query}"));
    let target = format!("{}/{}", uri.path(), query.unwrap_or_default());
    let mut changed = Uri::builder().path_and_query(target);
    if let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) {
        changed = changed.scheme(scheme.clone()).authority(authority.clone());
    }
    // A target that is as long as one can be stays as it is, which is unknown.
    let Ok(uri) = changed.build() else { return };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}
