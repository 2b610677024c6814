//! The organisation behind a token.

use actix_web::HttpResponse;

use super::{APPLICATION, enter};
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::unaport::organisation::{ClientOrganisation, build_organisation};

/// `getClientOrganisation` of v2.0.0.
pub async fn show_client(call: Call) -> HttpResponse {
    call.reply_unaport(enter(&call).map(|visitor| {
        let envelope = visitor.envelope();
        Answer::json(&ClientOrganisation::new(&visitor.fiu, envelope))
    }))
    .await
}

/// The older `getOrganisation`.
pub async fn show(call: Call) -> HttpResponse {
    call.reply_unaport(enter(&call).map(|visitor| {
        let app = format!("{}{APPLICATION}", call.base_url(&visitor.world));
        Answer::json(&build_organisation(&visitor.fiu, &app))
    }))
    .await
}
