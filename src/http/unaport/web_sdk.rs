//! Unaport's web SDK: a page of the lender opens `/view` in a window, a frame or in place of itself.
//! The call raises a consent from a template and begins the customer's visit. What the visit does
//! further is in [`crate::http::journey`].

use std::sync::Arc;

use super::auth::verify_refresh_token;
use super::consents::submit_consent;
use super::{UnaportCaller, verify_access_token};
use crate::crypto::base64;
use crate::domain::call_facts::Sender;
use crate::domain::consent::Consent;
use crate::domain::participants::{Aa, Fiu};
use crate::domain::sdk_theme::ThemeColor;
use crate::domain::text::quote_value;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::journey::{Preset, SdkVisit, VisitOrigin, begin_visit};
use crate::http::params::Params;
use crate::http::requested_fault::apply_requested_fault;
use crate::http::response::ApiResponse;
use crate::http::security::SecurityMode;
use crate::ui::messages::Language;
use crate::ui::sdk_theme::ThemeSheet;
use crate::wire::api_error::ApiError;
use crate::wire::unaport::consent::{ConsentRequestHeader, build_template_terms};
use crate::wire::web_sdk::SdkConfig;

/// `createdBy` of a consent whose caller has no valid token, which only `--security open` accepts.
const ANONYMOUS: &str = "web SDK";

/// Largest number of characters of `createdBy`, as in Create Consent.
const CREATED_BY_MAX: usize = 100;

/// Raises the consent of a config, and begins the visit of its customer.
///
/// `Assumption:` a config names no AA; the consent is at the first one of the sandbox.
pub(crate) fn open_view(call: &Call, context: &mut CallContext) -> Result<ApiResponse, ApiError> {
    context.facts_mut().sender = Sender::Browser;
    apply_requested_fault(call, context)?;
    let config = read_config(call)?;
    let language = config.language.as_deref().map(|name| {
        Language::from_code(name).ok_or_else(|| {
            let (value, known) = (quote_value(name), Language::accepted_names());
            ApiError::invalid_field("language", format!("{value} is not one of {known}"))
        })
    });
    let preset = Preset {
        language: language.transpose()?.map(|language| language.to_string()),
        ..Preset::default()
    };
    let (caller, created_by) = authenticate_config(call, context, &config)?;
    let world = caller.world.clone();
    let aa = Arc::clone(caller.participants.default_aa());
    let now = world.now();
    let template = caller.find_template(config.product_field, &config.product_id)?;
    let terms = build_template_terms(&template, "phoneNumber", &config.phone_number, &aa, now)?;
    if call.is_head() {
        // It has no effect, so there is no visit to lead to.
        context.plan_customer_faults(&world, &terms.customer)?;
        return Ok(ApiResponse::text(String::new()));
    }
    let header = ConsentRequestHeader::for_web_sdk(&config, &aa.id, &created_by, now);
    submit_consent(call, context, &caller, &aa, header, terms, |outcome| {
        let consent = outcome.consent();
        let sheet = ThemeSheet::new(aa.brand, &config.theme);
        if let Some(note) = describe_theme(consent, &aa, &config, &sheet) {
            world.write_note(note);
        }
        let visit = SdkVisit::new(&config, consent.handle, sheet.css);
        let origin = VisitOrigin::Sdk(Arc::new(visit));
        begin_visit(call, &world, &[Arc::clone(consent)], origin, preset)
    })
}

/// Reads and decodes the config in the query.
fn read_config(call: &Call) -> Result<SdkConfig, ApiError> {
    let params = Params::parse(call.query())?.reject_unknown(&["config"])?;
    let mut values = params.values_of("config");
    let value = values.next().unwrap_or_default().trim();
    if values.next().is_some() {
        return Err(ApiError::invalid_field(
            "config",
            "is there twice; send it once",
        ));
    }
    if value.is_empty() {
        let message = "is missing or empty; send Base64 of a JSON object, percent-encoded";
        return Err(ApiError::invalid_field("config", message));
    }
    // A plus sign that is not percent-encoded arrives as a space. Some encoders break lines.
    let value = value.replace(' ', "+").replace(['\r', '\n'], "");
    let text = base64::decode_any(&value).ok_or_else(|| {
        let message = "is not Base64; encode the JSON object as Base64, and percent-encode that";
        ApiError::invalid_field("config", message)
    })?;
    SdkConfig::parse(&text)
}

/// Checks the tokens of a config, and that its FIU is theirs. With `--security open` a config
/// without valid tokens is accepted too. Returns the caller and `createdBy` of the consent.
fn authenticate_config(
    call: &Call,
    context: &mut CallContext,
    config: &SdkConfig,
) -> Result<(UnaportCaller, String), ApiError> {
    let security = call.app_state().security();
    let verified = match verify_tokens(call, config) {
        Ok(verified) => Some(verified),
        Err(_) if security == SecurityMode::Open => None,
        Err(error) => return Err(error),
    };
    let world = call.get_or_create_world()?;
    let participants = world.participants();
    let is_anonymous = verified.is_none();
    let named = participants.find_fiu(&config.fiu_id).cloned();
    let (created_by, own) = verified.unzip();
    let fiu = match (own, named) {
        (Some(own), _) if *own.entity.id == *config.fiu_id => own,
        (Some(own), Some(_)) => {
            let (named, own) = (quote_value(&config.fiu_id), &own.entity.id);
            let message = format!(
                "accessToken belongs to the organisation of {own}, and fiuId {named} is another \
                 one; send the token of a user of {named}, or the fiuId {own}"
            );
            return Err(ApiError::Unauthorized(message));
        }
        (None, Some(named)) => named,
        (own, None) => {
            let mut message = format!("{} is not a registered FIU", quote_value(&config.fiu_id));
            if let Some(own) = own {
                message += &format!("; send that of the tokens, {}", own.entity.id);
            }
            return Err(ApiError::invalid_field("fiuId", message));
        }
    };
    if !is_anonymous {
        context.set_caller(&fiu.entity.id);
    }
    let caller = UnaportCaller {
        world,
        participants,
        security,
        fiu,
        is_anonymous,
    };
    let created_by = created_by.unwrap_or_else(|| ANONYMOUS.to_owned());
    Ok((caller, created_by.chars().take(CREATED_BY_MAX).collect()))
}

/// Returns the address of the user whose tokens these are, and the user's FIU.
fn verify_tokens(call: &Call, config: &SdkConfig) -> Result<(String, Arc<Fiu>), ApiError> {
    let (user, fiu) = verify_access_token(call, &config.access_token).map_err(|error| {
        ApiError::Unauthorized(format!("accessToken is not accepted: {}", error.message()))
    })?;
    // The access token was issued by this world.
    let world = call.get_or_create_world()?;
    let other = verify_refresh_token(call, &world, &config.refresh_token)
        .map_err(|problem| ApiError::Unauthorized(format!("refreshToken {problem}")))?;
    if other.fiu != user.fiu {
        let message = "refreshToken belongs to another organisation than accessToken; send the \
                       pair of one login";
        return Err(ApiError::Unauthorized(message.to_owned()));
    }
    Ok((user.email, fiu))
}

/// Returns the note about what the pages do not take over from a theme; `None` if they take over all.
fn describe_theme(
    consent: &Consent,
    aa: &Aa,
    config: &SdkConfig,
    sheet: &ThemeSheet,
) -> Option<String> {
    let mut parts = Vec::new();
    if !sheet.corrections.is_empty() {
        parts.push(format!("corrected: {}", sheet.corrections.join(", ")));
    }
    let absent = config.theme.absent_colors();
    if !absent.is_empty() {
        parts.push(format!("absent, those of {}: {}", aa.id, absent.join(", ")));
    }
    if config.theme.font_name.is_some() {
        parts.push("fontName is ignored, since the pages load no font".to_owned());
    }
    if config.theme.color(ThemeColor::LoaderColor).is_some() {
        parts.push("loaderColor is ignored, since the pages have no loader".to_owned());
    }
    let handle = consent.handle;
    (!parts.is_empty()).then(|| {
        format!(
            "the theme of the web SDK for {handle}: {}",
            parts.join("; ")
        )
    })
}
