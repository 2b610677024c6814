//! Consents: raising one, looking one up, revoking one, and the short link that the customer follows.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde_json::{Map, Value};

use super::{APPLICATION, Filed, Visitor, enter, enter_organisation};
use crate::domain::command::{Command, ConsentAction, Party, RaiseConsent};
use crate::domain::consent::{Api, Terms};
use crate::domain::ids::ConsentId;
use crate::domain::participants::Aa;
use crate::domain::rejection::Rejection;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::http::seals::signed_consent;
use crate::wire::api_error::ApiError;
use crate::wire::fields::quote_value;
use crate::wire::unaport::consent::{
    ConsentRequest, ConsentRequestHeader, CreateConsentResponse, RevokeConsentResponse,
    TemplateConsentRequest, build_status_response, decode_short_code, encode_short_code,
};

pub async fn create(call: Call) -> HttpResponse {
    call.reply_unaport(raise_plain(&call)).await
}

fn raise_plain(call: &Call) -> Result<Answer, ApiError> {
    let visitor = enter_organisation(call)?;
    let body: Map<String, Value> = call.json()?;
    let request = ConsentRequest::validate_body(&body)?;
    let heading = request.read_header();
    let aa = visitor.aa(&heading)?;
    let terms = request.build_terms(&aa)?;
    visitor.check_fiu(
        "ConsentsRequest.ConsentDetail.DataConsumer.id",
        &terms.consumer,
    )?;
    raise(call, &visitor, &aa, heading, terms)
}

pub async fn create_by_template(call: Call) -> HttpResponse {
    call.reply_unaport(raise_by_template(&call)).await
}

fn raise_by_template(call: &Call) -> Result<Answer, ApiError> {
    let visitor = enter_organisation(call)?;
    let world = &visitor.world;
    let body: Map<String, Value> = call.json()?;
    let request = TemplateConsentRequest::validate_body(&body)?;
    let now = world.now();
    let heading = request.read_header(now);
    let aa = visitor.aa(&heading)?;
    let templates = world.templates(&visitor.fiu.entity.id);
    let template = request
        .parse_product_id()
        .and_then(|id| templates.into_iter().find(|template| template.id == id));
    let template = template.ok_or_else(|| {
        let problem = format!(
            "{} is no consent template of this organisation; list them with GET {APPLICATION}/FIU/ProductList/{}",
            quote_value(request.product_id_text()),
            visitor.fiu.org_id
        );
        ApiError::invalid_field("productId", problem)
    })?;
    visitor.check_fiu("productId", &template.terms.consumer)?;
    let terms = request.build_terms(&template, &aa, now)?;
    raise(call, &visitor, &aa, heading, terms)
}

impl Visitor {
    /// The AA that the request chooses.
    fn aa(&self, heading: &ConsentRequestHeader) -> Result<Arc<Aa>, ApiError> {
        let aa = self.participants.find_aa(&heading.aa_id).cloned();
        aa.ok_or_else(|| {
            let known: Vec<_> = self.participants.aas.iter().map(|aa| &*aa.id).collect();
            let (named, known) = (quote_value(&heading.aa_id), known.join(", "));
            ApiError::invalid_field(
                "aaId",
                format!("{named} is not an AA of this sandbox; one of {known}"),
            )
        })
    }
}

fn raise(
    call: &Call,
    visitor: &Visitor,
    aa: &Aa,
    heading: ConsentRequestHeader,
    terms: Terms,
) -> Result<Answer, ApiError> {
    visitor.check_fiu("fiuId", &heading.fiu_id)?;
    visitor
        .security
        .check_customer(&visitor.world, &terms.customer, aa)?;
    // Who has no token is who they say (DESIGN §4.7).
    let named = visitor
        .participants
        .find_fiu(&heading.fiu_id)
        .filter(|_| visitor.anonymous);
    let raise = RaiseConsent {
        terms,
        api: Api::Unaport,
        aa: Arc::clone(&aa.id),
        fiu: Arc::clone(&named.unwrap_or(&visitor.fiu).entity.id),
        metadata: Some(heading.metadata),
        scenario: call.scenario()?,
        persona: None,
    };
    call.would_raise(&visitor.world, &raise)?;
    let receipt = visitor.world.submit(Command::RaiseConsent(raise))?;
    let consent = receipt.consent();
    call.has_raised(consent);
    let link = encode_short_code(consent.number);
    let link = format!(
        "{}{APPLICATION}/public/shorten/{link}",
        call.base_url(&visitor.world)
    );
    Ok(Answer::json(&CreateConsentResponse::new(
        consent,
        link,
        receipt.message_time,
    ))
    .holding(receipt.hold))
}

pub async fn show(call: Call) -> HttpResponse {
    let outcome = get(&call).await;
    call.reply_unaport(outcome).await
}

async fn get(call: &Call) -> Result<Answer, ApiError> {
    let visitor = enter(call)?;
    let handle = call.handle()?;
    let unknown = Rejection::UnknownHandle(handle.to_string());
    let Filed {
        consent,
        filing,
        fiu,
    } = visitor.filed(call, visitor.world.consent(handle), unknown)?;
    let signed = match consent.consent_id() {
        Some(_) => signed_consent(call.shared(), &visitor.participants, &consent).await,
        None => None,
    };
    Ok(Answer::json(&build_status_response(
        &consent,
        &filing,
        &fiu.org_id,
        signed,
    )))
}

/// Revoke Consent.
///
/// `Assumption:` the page gives the path parameters `org_id` and `consentId`, and neither path nor method; three spellings
/// are served.
pub async fn revoke(call: Call) -> HttpResponse {
    call.reply_unaport(take_back(&call)).await
}

fn take_back(call: &Call) -> Result<Answer, ApiError> {
    let visitor = enter_organisation(call)?;
    let text = call.segment("consent");
    let consent = ConsentId::parse(text).and_then(|id| visitor.world.consent_by_id(id));
    let Filed { consent, .. } = visitor.filed(
        call,
        consent,
        Rejection::UnknownConsentId(quote_value(text)),
    )?;
    let verb = ConsentAction::Revoke { by: Party::Fiu };
    let receipt = visitor.world.submit(Command::TransitionConsent {
        handle: consent.handle,
        action: verb,
    })?;
    Ok(Answer::json(&RevokeConsentResponse::new(
        receipt.consent(),
        receipt.message_time,
    ))
    .holding(receipt.hold))
}

/// The short link: leads the customer's browser to the consent's page.
pub async fn follow_link(call: Call) -> HttpResponse {
    call.reply_unaport(call.world().and_then(|world| {
        let code = call.segment("code");
        let consent = decode_short_code(code).and_then(|number| world.consent_by_number(number));
        let consent = consent.filter(|consent| consent.metadata.is_some() && !consent.hidden);
        let unknown = || {
            ApiError::NotFound(format!(
                "no consent has the short link {}",
                quote_value(code)
            ))
        };
        let consent = consent.ok_or_else(unknown)?;
        Ok(Answer::found(format!(
            "{}/ui/consents/{}",
            call.base_url(&world),
            consent.handle
        )))
    }))
    .await
}
