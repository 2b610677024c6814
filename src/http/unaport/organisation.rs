//! Unaport organisation calls: the organisation of a token.

use actix_web::HttpResponse;

use super::authenticate_caller;
use crate::http::call::Call;
use crate::http::response::ApiResponse;
use crate::http::routes::UNAPORT_APPLICATION_PATH;
use crate::wire::unaport::organisation::{ClientOrganisation, build_organisation};

/// Returns the organisation in the format of v2.0.0 (`getClientOrganisation`).
pub async fn get_client_organisation(call: Call) -> HttpResponse {
    call.reply_unaport(authenticate_caller(&call).map(|caller| {
        let envelope = caller.build_envelope();
        ApiResponse::json(&ClientOrganisation::new(&caller.fiu, envelope))
    }))
    .await
}

/// Returns the organisation in the format of earlier versions (`getOrganisation`).
pub async fn get_organisation(call: Call) -> HttpResponse {
    call.reply_unaport(authenticate_caller(&call).map(|caller| {
        let base_url = format!("{}{UNAPORT_APPLICATION_PATH}", call.base_url(&caller.world));
        ApiResponse::json(&build_organisation(&caller.fiu, &base_url))
    }))
    .await
}
