//! The log of calls: a span for each request, and one line for each response.
//!
//! The span has the method, the path and the world from the start; [`record_subject`] adds the
//! FIU and the consent as soon as the call has named them. Every line that is logged while the
//! call is handled has these fields.

use std::sync::Arc;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use tokio::time::Instant;
use tracing::Instrument;
use tracing::field::{Empty, display};

use crate::domain::ids::ConsentHandle;
use crate::engine::world::DEFAULT_WORLD;
use crate::http::call::world_in_path;
use crate::wire::mask::mask_target;

/// Handles a request within a span of its own and logs its response at `info`.
///
/// # Errors
/// Returns the error of the next service unchanged.
pub(crate) async fn log_call(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let world = world_in_path(request.path())
        .or_else(|| request.headers().get("x-mockaa-world")?.to_str().ok())
        .unwrap_or(DEFAULT_WORLD);
    let span = tracing::info_span!(
        "call",
        method = %request.method(),
        path = mask_target(request.path()),
        world,
        fiu = Empty,
        consent = Empty,
    );
    async move {
        let started = Instant::now();
        let response = next.call(request).await?;
        let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            status = response.status().as_u16(),
            duration_us,
            "responded"
        );
        Ok(response)
    }
    .instrument(span)
    .await
}

/// Adds the FIU and the consent of a call to its span.
pub(crate) fn record_subject(fiu: Option<&Arc<str>>, consent: Option<ConsentHandle>) {
    let span = tracing::Span::current();
    if let Some(fiu) = fiu {
        span.record("fiu", display(fiu));
    }
    if let Some(consent) = consent {
        span.record("consent", display(consent));
    }
}
