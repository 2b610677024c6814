//! Web redirection: an FIU sends the customer's browser here and gets it back with the outcome
//! (Sahamati aa-redirection-standards 1.5.0; `docs/sources.md#web-redirection`). Encryption is
//! `crypto::redirection`, the request's format is `wire::redirection`.

use std::sync::Arc;

use crate::crypto::redirection::{MessageKey, deobfuscate_id, obfuscate_id};
use crate::domain::action::ConsentAction;
use crate::domain::command::Command;
use crate::domain::consent::{Consent, Input, Status};
use crate::domain::customer_address::normalize_address;
use crate::domain::ids::ConsentHandle;
use crate::domain::participants::Fiu;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::control::reject_cross_site;
use crate::http::pages::JOURNEY_POLICY;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::ConsentPage;
use crate::wire::api_error::ApiError;
use crate::wire::redirection::{Outcome, Request, format_date, parse_date};

/// Allowed distance between `reqdate` and the clock.
const DATE_WINDOW: Millis = Millis::from_secs(180);

/// Time that a customer has to answer before the session times out.
///
/// `Assumption:` no source gives a number.
const SESSION_TTL: Millis = Millis::from_secs(15 * 60);

pub(crate) async fn show_webview(call: &Call) -> Result<ApiResponse, ApiError> {
    let session = WebviewSession::from_call(call, DATE_WINDOW).await?;
    match session.pending_consents() {
        Err(outcome) => session.redirect_to_fiu(outcome).await,
        Ok(consents) => {
            let base = call.base_url(&session.world);
            let query = call.query();
            let page = ConsentPage::for_consents(
                &consents,
                &format!("{base}/aa/webview/approve?{query}"),
                &format!("{base}/aa/webview/reject?{query}"),
                session.world.now(),
            );
            let page = ApiResponse::html(page.to_html());
            Ok(page.with_content_security_policy(JOURNEY_POLICY))
        }
    }
}

/// Approves or rejects all consents of the request, and sends the browser back to the FIU.
pub(crate) async fn submit_decision(call: &Call) -> Result<ApiResponse, ApiError> {
    reject_cross_site(call)?;
    let input = match call.path_segment("action") {
        "approve" => Input::Approve,
        "reject" => Input::Reject,
        _ => return Err(call.unknown_route_error()),
    };
    // The age is checked below: an expired session is still read, since its request has the FIU's
    // URL.
    let session = WebviewSession::from_call(call, Millis(i64::MAX)).await?;
    if !is_within_window(&session.world, session.requested_at, SESSION_TTL) {
        return session.redirect_to_fiu(Outcome::SessionTimeout).await;
    }
    let consents = match session.pending_consents() {
        Ok(consents) => consents,
        Err(outcome) => return session.redirect_to_fiu(outcome).await,
    };
    let commands = consents
        .iter()
        .map(|consent| Command::TransitionConsent {
            handle: consent.handle,
            action: ConsentAction::with_defaults(input),
        })
        .collect();
    match session.world.submit_all(commands) {
        Ok(receipt) => {
            let outcome = if input == Input::Approve {
                Outcome::Success
            } else {
                Outcome::Rejected
            };
            ApiResponse::try_from_receipt(receipt, async |_| session.redirect_to_fiu(outcome).await)
                .await
        }
        Err(Rejection::NoGrantableAccount { .. }) => {
            session.redirect_to_fiu(Outcome::AccountNotLinked).await
        }
        Err(_) => session.redirect_to_fiu(Outcome::ConsentNotAvailable).await,
    }
}

/// Returns whether an instant is at most `window` in the past and at most [`DATE_WINDOW`] in the
/// future, by a clock that the mode accepts in requests.
fn is_within_window(world: &World, at: Timestamp, window: Millis) -> bool {
    world.request_times().any(|now| {
        now.duration_since(at).0 <= window.0 && at.duration_since(now).0 <= DATE_WINDOW.0
    })
}

/// Visit of one customer, sent by one FIU.
struct WebviewSession {
    world: Arc<World>,
    fiu: Arc<Fiu>,
    /// `reqdate` of the request.
    requested_at: Timestamp,
    request: Request,
}

impl WebviewSession {
    /// Reads and decrypts the request in the URL. The date is checked first, because deriving the
    /// key takes about 20 ms.
    async fn from_call(call: &Call, window: Millis) -> Result<Self, ApiError> {
        let params = Params::parse(call.query())?;
        let fi = require_param(&params, "fi")?;
        let date = require_param(&params, "reqdate")?;
        let message = require_param(&params, "ecreq")?;
        let requested_at = parse_date(&date)?;
        let world = call.get_or_create_world()?;
        if !is_within_window(&world, requested_at, window) {
            let message = format!(
                "{requested_at} is more than {} s away from the clock, {}",
                window.0 / 1000,
                world.now()
            );
            return Err(ApiError::invalid_field("reqdate", message));
        }
        let participants = world.participants();
        let id = deobfuscate_id(&fi, &date).unwrap_or_default();
        let fiu = participants.find_fiu(&id).cloned().ok_or_else(|| {
            ApiError::invalid_field(
                "fi",
                "does not name a registered FIU; it is Base64 of the FIU's id XOR reqdate",
            )
        })?;
        let passphrase = Arc::clone(&fiu.redirect_passphrase);
        let decrypted = tokio::task::spawn_blocking(move || {
            MessageKey::derive(&passphrase, &date).decrypt(&message)
        });
        let text = decrypted.await.expect("decrypting does not panic").ok_or_else(|| {
            let message =
                format!("does not decrypt with the passphrase of {id}: AES-256-CBC, key by PBKDF2 from reqdate");
            ApiError::invalid_field("ecreq", message)
        })?;
        Ok(Self {
            world,
            fiu,
            requested_at,
            request: Request::parse(&text)?,
        })
    }

    /// Returns the consents of the request if all of them are pending consents of this customer,
    /// else the outcome that the FIU gets.
    fn pending_consents(&self) -> Result<Vec<Arc<Consent>>, Outcome> {
        let mut consents = Vec::<Arc<Consent>>::new();
        for handle in &self.request.handles {
            let consent = self
                .find_pending(handle)
                .ok_or(Outcome::ConsentNotAvailable)?;
            if !consents.iter().any(|seen| seen.handle == consent.handle) {
                consents.push(consent);
            }
        }
        let customer = normalize_address(&self.request.user);
        let all_of_customer = consents
            .iter()
            .all(|consent| *consent.terms.customer == *customer);
        if consents.is_empty() || !all_of_customer {
            Err(Outcome::InvalidRequest)
        } else {
            Ok(consents)
        }
    }

    fn find_pending(&self, handle: &str) -> Option<Arc<Consent>> {
        let consent = self
            .world
            .catch_up()
            .consent(ConsentHandle::parse(handle)?)?;
        let is_visible = !consent.hidden && consent.fiu == self.fiu.entity.id;
        (is_visible && consent.status == Status::Pending).then_some(consent)
    }

    /// Sends the browser back to the FIU.
    async fn redirect_to_fiu(&self, outcome: Outcome) -> Result<ApiResponse, ApiError> {
        let date = format_date(self.world.message_time(Some(&self.fiu.entity.id)));
        let aa = Arc::clone(&self.world.participants().default_aa().id);
        let (passphrase, salt) = (Arc::clone(&self.fiu.redirect_passphrase), date.clone());
        let text = self.request.encode_response(outcome);
        let encrypted = tokio::task::spawn_blocking(move || {
            MessageKey::derive(&passphrase, &salt).encrypt(&text)
        });
        let encrypted = encrypted.await.expect("encrypting does not panic");
        Ok(ApiResponse::redirect_see_other(
            self.request
                .build_return_url(&obfuscate_id(&aa, &date), &date, &encrypted),
        ))
    }
}

fn require_param(params: &Params, name: &'static str) -> Result<String, ApiError> {
    params
        .first_value(name)
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| ApiError::invalid_field(name, "is missing"))
}
