//! Unaport consents: raising one, reading its status, revoking it, and the short link for the
//! customer.

use std::sync::Arc;

use super::{UnaportCaller, UnaportConsent, authenticate_caller, authenticate_for_organisation};
use crate::domain::action::ConsentAction;
use crate::domain::command::{Command, RaiseConsent};
use crate::domain::command_arguments::Party;
use crate::domain::consent::Api;
use crate::domain::ids::{ConsentId, ProductId};
use crate::domain::participants::Aa;
use crate::domain::rejection::Rejection;
use crate::domain::short_code::ShortCode;
use crate::domain::terms::Terms;
use crate::domain::text::quote_value;
use crate::domain::unaport::ConsentTemplate;
use crate::engine::world::CommandOutcome;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::fair_use::check_consent_fair_use;
use crate::http::raise::raise_consent;
use crate::http::response::ApiResponse;
use crate::http::route_info::UNAPORT_APPLICATION_PATH;
use crate::http::signature_cache::sign_consent;
use crate::wire::api_error::ApiError;
use crate::wire::unaport::consent::{
    ConsentRequest, ConsentRequestHeader, CreateConsentResponse, RevokeConsentResponse,
    TemplateConsentRequest, build_status_response, list_term_deviations,
};

pub(crate) fn create_consent(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_for_organisation(call, context)?;
    let body = caller.parse_body(call)?;
    let request = ConsentRequest::validate_body(&body)?;
    let header = request.read_header();
    let aa = caller.resolve_aa(&header)?;
    let terms = request.build_terms(&aa)?;
    caller.check_fiu(
        "ConsentsRequest.ConsentDetail.DataConsumer.id",
        &terms.consumer,
    )?;
    submit_consent(call, context, &caller, &aa, header, terms, |outcome| {
        describe_created(call, &caller, outcome)
    })
}

pub(crate) fn create_from_template(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_for_organisation(call, context)?;
    let world = &caller.world;
    let body = caller.parse_body(call)?;
    let request = TemplateConsentRequest::validate_body(&body)?;
    let now = world.now();
    let header = request.read_header(now);
    let aa = caller.resolve_aa(&header)?;
    let template = caller.find_template("productId", request.product_id_text())?;
    let terms = request.build_terms(&template, &aa, now)?;
    submit_consent(call, context, &caller, &aa, header, terms, |outcome| {
        describe_created(call, &caller, outcome)
    })
}

impl UnaportCaller {
    /// Returns the consent template with the id in this field, if the caller may use it.
    pub(super) fn find_template(
        &self,
        field: &'static str,
        id: &str,
    ) -> Result<Arc<ConsentTemplate>, ApiError> {
        let templates = self.world.templates(&self.fiu.entity.id);
        let template = ProductId::parse(id)
            .and_then(|id| templates.into_iter().find(|template| template.id == id));
        let template = template.ok_or_else(|| {
            let message = format!(
                "{} is not a consent template of this organisation; list them with GET \
                 {UNAPORT_APPLICATION_PATH}/FIU/ProductList/{}",
                quote_value(id),
                self.fiu.org_id
            );
            ApiError::invalid_field(field, message)
        })?;
        self.check_fiu(field, &template.terms.consumer)?;
        Ok(template)
    }

    /// Returns the AA that the request names.
    fn resolve_aa(&self, header: &ConsentRequestHeader) -> Result<Arc<Aa>, ApiError> {
        let aa = self.participants.find_aa(&header.aa_id).cloned();
        aa.ok_or_else(|| {
            let known: Vec<_> = self.participants.aas.iter().map(|aa| &*aa.id).collect();
            let (requested, known) = (quote_value(&header.aa_id), known.join(", "));
            ApiError::invalid_field(
                "aaId",
                format!("{requested} is not an AA of this sandbox; use one of {known}"),
            )
        })
    }
}

/// Checks a consent request by the rules that all of them share, and raises the consent.
pub(super) fn submit_consent(
    call: &Call,
    context: &mut CallContext,
    caller: &UnaportCaller,
    aa: &Aa,
    header: ConsentRequestHeader,
    terms: Terms,
    respond: impl FnOnce(&CommandOutcome) -> ApiResponse,
) -> Result<ApiResponse, ApiError> {
    caller.check_fiu("fiuId", &header.fiu_id)?;
    caller
        .security
        .check_customer_address(&caller.world, &terms.customer, aa)?;
    caller
        .security
        .reject_deviations_in_strict(&caller.world, list_term_deviations(&terms))?;
    caller
        .security
        .reject_deviations_in_strict(&caller.world, header.list_vua_deviations(&terms, aa))?;
    // Without a token the caller acts as the FIU that the request names
    // (`docs/architecture.md#security`).
    let claimed_fiu = caller
        .participants
        .find_fiu(&header.fiu_id)
        .filter(|_| caller.is_anonymous);
    let fiu = Arc::clone(&claimed_fiu.unwrap_or(&caller.fiu).entity.id);
    check_consent_fair_use(&caller.world, &caller.participants, &fiu, &terms)?;
    let command = RaiseConsent {
        terms,
        api: Api::Unaport,
        aa: Arc::clone(&aa.id),
        fiu,
        metadata: Some(header.metadata),
        scenario: call.requested_scenario()?,
        persona: None,
        on_repeated_txnid: caller.security.on_repeated_txnid(),
    };
    raise_consent(context, &caller.world, command, respond)
}

/// Returns the answer of both calls that create a consent.
fn describe_created(call: &Call, caller: &UnaportCaller, outcome: &CommandOutcome) -> ApiResponse {
    let consent = outcome.consent();
    let code = consent.short_code;
    let link = format!(
        "{}{UNAPORT_APPLICATION_PATH}/public/shorten/{code}",
        call.base_url(&caller.world)
    );
    ApiResponse::json(&CreateConsentResponse::new(
        consent,
        link,
        caller.message_time_at(outcome.clocks),
    ))
}

pub(crate) async fn get_consent(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_caller(call, context)?;
    let handle = call.parse_handle()?;
    let unknown = Rejection::UnknownHandle(handle.to_string());
    let UnaportConsent {
        consent,
        metadata,
        fiu,
    } = caller.bind_unaport_consent(context, caller.world.catch_up().consent(handle), unknown)?;
    let signed_consent = match consent.consent_id() {
        Some(_) => sign_consent(call.app_state(), &caller.participants, &consent).await,
        None => None,
    };
    Ok(ApiResponse::json(&build_status_response(
        &consent,
        &metadata,
        &fiu.org_id,
        signed_consent,
    )))
}

/// Revokes a consent (Unaport, Revoke Consent).
///
/// `Assumption:` the page gives the path parameters `org_id` and `consentId`, and neither path nor
/// method; three spellings are served.
pub(crate) fn revoke_consent(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_for_organisation(call, context)?;
    let text = call.path_segment("consentId");
    let consent = ConsentId::parse(text).and_then(|id| caller.world.catch_up().consent_by_id(id));
    let UnaportConsent { consent, .. } = caller.bind_unaport_consent(
        context,
        consent,
        Rejection::UnknownConsentId(quote_value(text)),
    )?;
    let receipt = caller.world.submit(Command::TransitionConsent {
        handle: consent.handle,
        action: ConsentAction::Revoke { by: Party::Fiu },
    })?;
    Ok(ApiResponse::from_receipt(receipt, |outcome| {
        ApiResponse::json(&RevokeConsentResponse::new(
            outcome.consent(),
            caller.message_time_at(outcome.clocks),
        ))
    }))
}

/// Redirects the customer's browser from the short link to the consent's page.
pub(crate) fn follow_short_link(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    let code = call.path_segment("code");
    let consent = ShortCode::parse(code).and_then(|code| world.catch_up().consent_by_code(code));
    let consent = consent.filter(|consent| consent.metadata.is_some() && !consent.hidden);
    let consent = consent.ok_or_else(|| {
        ApiError::NotFound(format!(
            "no consent has the short link {}",
            quote_value(code)
        ))
    })?;
    context.plan_consent_faults(&world, &consent)?;
    Ok(ApiResponse::redirect_found(format!(
        "{}/aa/consents/{}",
        call.base_url(&world),
        consent.handle
    )))
}
