//! Web redirection (Sahamati aa-redirection-standards; `reference/rebit.md` §7): an FIU sends the customer's browser
//! here, and gets it back with the outcome.

use std::sync::Arc;

use actix_web::HttpResponse;

use crate::crypto::redirection::{MessageKey, deobfuscate_id, obfuscate_id};
use crate::domain::command::{Command, ConsentAction};
use crate::domain::consent::{Consent, Input, Status};
use crate::domain::ids::ConsentHandle;
use crate::domain::participants::Fiu;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::clock::system_now;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::control::reject_cross_site;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::ConsentPage;
use crate::wire::api_error::ApiError;
use crate::wire::redirection::{Outcome, Request, format_date, parse_date};

/// How far `reqdate` may lie from the clock.
const DATE_WINDOW: Millis = Millis::from_secs(180);

/// How long a customer may take to answer, after which the session has timed out.
///
/// `Assumption:` no source has a number.
const SESSION_TTL: Millis = Millis::from_secs(15 * 60);

pub async fn show_webview(call: Call) -> HttpResponse {
    let outcome = try_show_webview(&call).await;
    call.reply_control(outcome)
}

async fn try_show_webview(call: &Call) -> Result<ApiResponse, ApiError> {
    let session = WebviewSession::from_call(call, DATE_WINDOW).await?;
    match session.pending_consents() {
        Err(outcome) => session.redirect_to_fiu(outcome).await,
        Ok(consents) => {
            let base = call.base_url(&session.world);
            let action_url = |verb: &str| format!("{base}/aa/webview/{verb}?{}", call.query());
            let page = ConsentPage::for_consents(
                &consents,
                &action_url("approve"),
                &action_url("reject"),
                session.world.now(),
            );
            Ok(ApiResponse::html(page.to_html()))
        }
    }
}

pub async fn submit_decision(call: Call) -> HttpResponse {
    let outcome = try_submit_decision(&call).await;
    call.reply_control(outcome)
}

/// Acts for all consents that were named, and sends the browser back.
async fn try_submit_decision(call: &Call) -> Result<ApiResponse, ApiError> {
    reject_cross_site(call)?;
    let input = match call.path_segment("verb") {
        "approve" => Input::Approve,
        "reject" => Input::Reject,
        _ => return Err(call.unknown_route_error()),
    };
    // However long ago it began: only who can be read can be sent back.
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
            Ok(session
                .redirect_to_fiu(outcome)
                .await?
                .with_hold(receipt.hold))
        }
        Err(Rejection::NoGrantableAccount { .. }) => {
            session.redirect_to_fiu(Outcome::AccountNotLinked).await
        }
        Err(_) => session.redirect_to_fiu(Outcome::ConsentNotAvailable).await,
    }
}

/// Whether an instant is no farther back than this by the world's clock or the wall's, and not ahead by more than
/// [`WINDOW`].
fn is_within_window(world: &World, at: Timestamp, window: Millis) -> bool {
    [world.now(), system_now()].into_iter().any(|now| {
        now.duration_since(at).0 <= window.0 && at.duration_since(now).0 <= DATE_WINDOW.0
    })
}

/// One customer sent here by one FIU.
struct WebviewSession {
    world: Arc<World>,
    fiu: Arc<Fiu>,
    /// `reqdate`.
    requested_at: Timestamp,
    request: Request,
}

impl WebviewSession {
    /// Decrypts the address that the browser was sent to, if its date is no farther from the clock than this. The date
    /// comes first: deriving the key costs some twenty milliseconds.
    async fn from_call(call: &Call, window: Millis) -> Result<Self, ApiError> {
        let pairs = Params::parse(call.query())?;
        let require_param = |name: &'static str| {
            let value = pairs.first_value(name).filter(|value| !value.is_empty());
            value
                .map(str::to_owned)
                .ok_or_else(|| ApiError::invalid_field(name, "is missing"))
        };
        let (fi, date, message) = (
            require_param("fi")?,
            require_param("reqdate")?,
            require_param("ecreq")?,
        );
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

    /// The consents that were named, all waiting for this customer's answer; else what the FIU is told.
    fn pending_consents(&self) -> Result<Vec<Arc<Consent>>, Outcome> {
        let find_pending = |handle: &String| {
            let consent =
                ConsentHandle::parse(handle).and_then(|handle| self.world.consent(handle));
            let visible_consent =
                consent.filter(|consent| !consent.hidden && consent.fiu == self.fiu.entity.id);
            visible_consent
                .filter(|consent| consent.status == Status::Pending)
                .ok_or(Outcome::ConsentNotAvailable)
        };
        let mut consents = Vec::<Arc<Consent>>::new();
        for handle in &self.request.handles {
            let consent = find_pending(handle)?;
            if !consents.iter().any(|seen| seen.handle == consent.handle) {
                consents.push(consent);
            }
        }
        let all_of_customer = consents
            .iter()
            .all(|consent| *consent.terms.customer == *self.request.user);
        if consents.is_empty() || !all_of_customer {
            Err(Outcome::InvalidRequest)
        } else {
            Ok(consents)
        }
    }

    /// Sends the browser back to the FIU.
    async fn redirect_to_fiu(&self, outcome: Outcome) -> Result<ApiResponse, ApiError> {
        let date = format_date(self.world.message_time());
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
