//! Web redirection (Sahamati aa-redirection-standards; `reference/rebit.md` §7): an FIU sends the customer's browser
//! here, and gets it back with the outcome.

use std::sync::Arc;

use actix_web::HttpResponse;

use crate::crypto::redirection::{MessageKey, unveil, veil};
use crate::domain::command::{Command, ConsentAction};
use crate::domain::consent::{Consent, Input, Status};
use crate::domain::ids::ConsentHandle;
use crate::domain::participants::Fiu;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::clock::system_now;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::control::same_site;
use crate::http::pairs::Pairs;
use crate::http::reply::Answer;
use crate::ui::ConsentPage;
use crate::wire::api_error::ApiError;
use crate::wire::redirection::{Outcome, Request, format_date, parse_date};

/// How far `reqdate` may lie from the clock.
const WINDOW: Millis = Millis::from_secs(180);

/// How long a customer may take to answer, after which the session has timed out.
///
/// `Assumption:` no source has a number.
const SESSION_LIFE: Millis = Millis::from_secs(15 * 60);

pub async fn show(call: Call) -> HttpResponse {
    let outcome = page(&call).await;
    call.reply_control(outcome)
}

async fn page(call: &Call) -> Result<Answer, ApiError> {
    let visit = Visit::of(call, WINDOW).await?;
    match visit.waiting() {
        Err(outcome) => visit.back(outcome).await,
        Ok(consents) => {
            let base = call.base_url(&visit.world);
            let action = |verb: &str| format!("{base}/aa/webview/{verb}?{}", call.query());
            let page = ConsentPage::for_consents(
                &consents,
                &action("approve"),
                &action("reject"),
                visit.world.now(),
            );
            Ok(Answer::html(page.to_html()))
        }
    }
}

pub async fn answer(call: Call) -> HttpResponse {
    let outcome = decide(&call).await;
    call.reply_control(outcome)
}

/// Acts for all consents that were named, and sends the browser back.
async fn decide(call: &Call) -> Result<Answer, ApiError> {
    same_site(call)?;
    let input = match call.segment("verb") {
        "approve" => Input::Approve,
        "reject" => Input::Reject,
        _ => return Err(call.no_such_call()),
    };
    // However long ago it began: only who can be read can be sent back.
    let visit = Visit::of(call, Millis(i64::MAX)).await?;
    if !near(&visit.world, visit.at, SESSION_LIFE) {
        return visit.back(Outcome::SessionTimeout).await;
    }
    let consents = match visit.waiting() {
        Ok(consents) => consents,
        Err(outcome) => return visit.back(outcome).await,
    };
    let commands = consents
        .iter()
        .map(|consent| Command::TransitionConsent {
            handle: consent.handle,
            action: ConsentAction::with_defaults(input),
        })
        .collect();
    match visit.world.submit_all(commands) {
        Ok(receipt) => {
            let outcome = if input == Input::Approve {
                Outcome::Success
            } else {
                Outcome::Rejected
            };
            Ok(visit.back(outcome).await?.holding(receipt.hold))
        }
        Err(Rejection::NoGrantableAccount { .. }) => visit.back(Outcome::AccountNotLinked).await,
        Err(_) => visit.back(Outcome::ConsentNotAvailable).await,
    }
}

/// Whether an instant is no farther back than this by the world's clock or the wall's, and not ahead by more than
/// [`WINDOW`].
fn near(world: &World, at: Timestamp, window: Millis) -> bool {
    [world.now(), system_now()]
        .into_iter()
        .any(|now| now.duration_since(at).0 <= window.0 && at.duration_since(now).0 <= WINDOW.0)
}

/// One customer sent here by one FIU.
struct Visit {
    world: Arc<World>,
    fiu: Arc<Fiu>,
    /// `reqdate`.
    at: Timestamp,
    request: Request,
}

impl Visit {
    /// Decrypts the address that the browser was sent to, if its date is no farther from the clock than this. The date
    /// comes first: deriving the key costs some twenty milliseconds.
    async fn of(call: &Call, window: Millis) -> Result<Self, ApiError> {
        let pairs = Pairs::parse(call.query())?;
        let value = |name: &'static str| {
            let found = pairs.first(name).filter(|value| !value.is_empty());
            found
                .map(str::to_owned)
                .ok_or_else(|| ApiError::invalid_field(name, "is missing"))
        };
        let (fi, date, message) = (value("fi")?, value("reqdate")?, value("ecreq")?);
        let at = parse_date(&date)?;
        let world = call.world()?;
        if !near(&world, at, window) {
            let problem = format!(
                "{at} is more than {} s away from the clock, {}",
                window.0 / 1000,
                world.now()
            );
            return Err(ApiError::invalid_field("reqdate", problem));
        }
        let participants = world.participants();
        let id = unveil(&fi, &date).unwrap_or_default();
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
            let problem =
                format!("does not decrypt with the passphrase of {id}: AES-256-CBC, key by PBKDF2 from reqdate");
            ApiError::invalid_field("ecreq", problem)
        })?;
        Ok(Self {
            world,
            fiu,
            at,
            request: Request::parse(&text)?,
        })
    }

    /// The consents that were named, all waiting for this customer's answer; else what the FIU is told.
    fn waiting(&self) -> Result<Vec<Arc<Consent>>, Outcome> {
        let find = |handle: &String| {
            let consent =
                ConsentHandle::parse(handle).and_then(|handle| self.world.consent(handle));
            let theirs =
                consent.filter(|consent| !consent.hidden && consent.fiu == self.fiu.entity.id);
            theirs
                .filter(|consent| consent.status == Status::Pending)
                .ok_or(Outcome::ConsentNotAvailable)
        };
        let mut consents = Vec::<Arc<Consent>>::new();
        for handle in &self.request.handles {
            let consent = find(handle)?;
            if !consents.iter().any(|known| known.handle == consent.handle) {
                consents.push(consent);
            }
        }
        let all_theirs = consents
            .iter()
            .all(|consent| *consent.terms.customer == *self.request.user);
        if consents.is_empty() || !all_theirs {
            Err(Outcome::InvalidRequest)
        } else {
            Ok(consents)
        }
    }

    /// Sends the browser back to the FIU.
    async fn back(&self, outcome: Outcome) -> Result<Answer, ApiError> {
        let date = format_date(self.world.message_time());
        let aa = Arc::clone(&self.world.participants().default_aa().id);
        let (passphrase, salt) = (Arc::clone(&self.fiu.redirect_passphrase), date.clone());
        let text = self.request.encode_response(outcome);
        let encrypted = tokio::task::spawn_blocking(move || {
            MessageKey::derive(&passphrase, &salt).encrypt(&text)
        });
        let encrypted = encrypted.await.expect("encrypting does not panic");
        Ok(Answer::see_other(self.request.build_return_url(
            &veil(&aa, &date),
            &date,
            &encrypted,
        )))
    }
}
