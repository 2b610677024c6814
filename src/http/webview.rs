//! Web redirection: an FIU sends the customer's browser here and gets it back with the outcome
//! (Sahamati aa-redirection-standards 1.5.0; `docs/sources.md#web-redirection`). Encryption is
//! `crypto::redirection`, the request's format is `wire::redirection`.

use std::sync::Arc;

use crate::crypto::redirection::{MessageKey, deobfuscate_id, obfuscate_id};
use crate::domain::consent::{Consent, Input, Status};
use crate::domain::customer_address::normalize_address;
use crate::domain::ids::ConsentHandle;
use crate::domain::participants::Fiu;
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::visit_action::VisitAction;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::call_world::CallWorld;
use crate::http::control::reject_cross_site;
use crate::http::journey::{Preset, VisitOrigin, begin_visit, show_unusable_link};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::http::visit::{answer_command, require_answer};
use crate::wire::api_error::ApiError;
use crate::wire::redirection::{Request, format_date, parse_date};

/// Allowed distance between `reqdate` and the clock.
const DATE_WINDOW: Millis = Millis::from_secs(180);

/// Time that a customer has to answer before the session times out.
///
/// `Assumption:` no source gives a number.
const SESSION_TTL: Millis = Millis::from_secs(15 * 60);

/// Begins a visit for the customer whom an FIU sends. If the consents cannot be answered, the browser
/// goes back at once.
pub(crate) async fn show_webview(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let visit = match Visit::from_call(call, context, DATE_WINDOW).await {
        Ok(visit) => visit,
        Err(error @ ApiError::InvalidField { .. }) => {
            let page = show_unusable_link(call, error)?;
            context.plan_faults(&*call.get_or_create_world()?)?;
            return Ok(page);
        }
        Err(error) => return Err(error),
    };
    match visit.pending_consents() {
        Err(code) => visit.redirect_to_fiu(context, code).await,
        Ok(consents) => {
            let world = Arc::clone(&visit.world);
            let request = &visit.request;
            let preset = Preset {
                language: request.language.clone(),
                pan: request.pan.clone(),
                birth_date: request.birth_date.clone(),
                fip: request.fip.as_deref().and_then(|id| {
                    let participants = world.participants();
                    let fip = participants.find_fip(id);
                    fip.map(|fip| Arc::clone(&fip.entity.id))
                }),
            };
            let origin = VisitOrigin::Redirection(Arc::new((visit.fiu, visit.request)));
            Ok(begin_visit(call, &world, &consents, origin, preset))
        }
    }
}

/// Answers the consents of the request, or none of them, and sends the caller back to the FIU. This
/// is for scripts without a browser; a browser follows the pages of the visit.
pub(crate) async fn submit_decision(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    reject_cross_site(call)?;
    let action = VisitAction::parse(call.path_segment("action"))
        .ok_or_else(|| call.unknown_route_error())?;
    // The age is checked below: an expired session is still read, since its request has the FIU's
    // URL.
    let visit = Visit::from_call(call, context, Millis(i64::MAX)).await?;
    if !is_within_window(&visit.world, visit.requested_at, SESSION_TTL) {
        let code = RedirectionCode::SESSION_TIMEOUT;
        return visit.redirect_to_fiu(context, code).await;
    }
    let consents = match visit.pending_consents() {
        Ok(consents) => consents,
        Err(code) => return visit.redirect_to_fiu(context, code).await,
    };
    let answers: Vec<(Arc<Consent>, Input)> = match action {
        VisitAction::Leave => {
            let code = visit.fiu.unanswered_errorcode;
            return visit.redirect_to_fiu(context, code).await;
        }
        VisitAction::Approve => answer_all(consents, Input::Approve),
        VisitAction::Reject => answer_all(consents, Input::Reject),
        VisitAction::Answer => {
            let form = Params::parse(call.body_text()?)?;
            let answer = |consent: Arc<Consent>| {
                let input = require_answer(&form, &consent)?;
                Ok((consent, input))
            };
            consents
                .into_iter()
                .map(answer)
                .collect::<Result<_, ApiError>>()?
        }
    };
    visit.submit_answers(context, &answers).await
}

fn answer_all(consents: Vec<Arc<Consent>>, input: Input) -> Vec<(Arc<Consent>, Input)> {
    consents
        .into_iter()
        .map(|consent| (consent, input))
        .collect()
}

/// Returns whether an instant is at most `window` in the past and at most [`DATE_WINDOW`] in the
/// future, by a clock that the mode accepts in requests.
fn is_within_window(world: &World, at: Timestamp, window: Millis) -> bool {
    world.request_times().any(|now| {
        now.duration_since(at).0 <= window.0 && at.duration_since(now).0 <= DATE_WINDOW.0
    })
}

/// Visit of one customer, sent by one FIU.
struct Visit {
    world: CallWorld,
    fiu: Arc<Fiu>,
    /// `reqdate` of the request.
    requested_at: Timestamp,
    request: Request,
}

impl Visit {
    /// Reads and decrypts the request in the URL, and plans the faults of the call. The date is
    /// checked first, because deriving the key takes about 20 ms.
    async fn from_call(
        call: &Call,
        context: &mut CallContext,
        window: Millis,
    ) -> Result<Self, ApiError> {
        let params = Params::parse(call.query())?;
        let fi = require_param(&params, "fi")?;
        let date = require_param(&params, "reqdate")?;
        let message = require_param(&params, "ecreq")?;
        let requested_at = parse_date(&date)?;
        let world = call.get_or_create_world()?;
        if !is_within_window(&world, requested_at, window) {
            let now = world.now();
            let (limit, side) = if requested_at > now {
                (DATE_WINDOW, "ahead of")
            } else {
                (window, "behind")
            };
            let limit_s = limit.0 / 1000;
            let message =
                format!("{requested_at} is more than {limit_s} s {side} the clock, {now}");
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
        let visit = Self {
            world,
            fiu,
            requested_at,
            request: Request::parse(&text)?,
        };
        context.set_caller(&visit.fiu.entity.id);
        let mut named = visit.request.handles.iter();
        match named.find_map(|handle| visit.find_own(handle)) {
            Some(consent) => context.plan_consent_faults(&visit.world, &consent)?,
            None => context.plan_faults(&visit.world)?,
        }
        Ok(visit)
    }

    /// Returns the consents of the request if all of them are pending consents of this customer, and
    /// no scenario ends the visit. Else returns the code that the FIU gets.
    fn pending_consents(&self) -> Result<Vec<Arc<Consent>>, RedirectionCode> {
        let mut consents = Vec::<Arc<Consent>>::new();
        for handle in &self.request.handles {
            let consent = self
                .find_own(handle)
                .filter(|consent| consent.status == Status::Pending)
                .ok_or(RedirectionCode::CONSENT_NOT_AVAILABLE)?;
            if !consents.iter().any(|seen| seen.handle == consent.handle) {
                consents.push(consent);
            }
        }
        let customer = normalize_address(&self.request.user);
        let all_of_customer = consents
            .iter()
            .all(|consent| *consent.terms.customer == *customer);
        if consents.is_empty() || !all_of_customer {
            return Err(RedirectionCode::INVALID_REQUEST);
        }
        let scripted = consents
            .iter()
            .find_map(|consent| self.world.catch_up().scripted_redirection(consent.handle));
        scripted.map_or(Ok(consents), Err)
    }

    /// Returns a consent of the FIU, in any status.
    fn find_own(&self, handle: &str) -> Option<Arc<Consent>> {
        let consent = self
            .world
            .catch_up()
            .consent(ConsentHandle::parse(handle)?)?;
        (!consent.hidden && consent.fiu == self.fiu.entity.id).then_some(consent)
    }

    /// Submits the answers together, and sends the browser back. The visit is a success if one
    /// consent is approved (aa-redirection-standards 1.5.0, `status`).
    ///
    /// `Assumption:` `srcref` names the approved consents, if there are some.
    async fn submit_answers(
        &self,
        context: &mut CallContext,
        answers: &[(Arc<Consent>, Input)],
    ) -> Result<ApiResponse, ApiError> {
        let commands = answers
            .iter()
            .map(|(consent, input)| answer_command(consent, *input))
            .collect();
        match self.world.submit_all(commands) {
            Ok(receipt) => {
                let approved = answers.iter().filter(|(_, input)| *input == Input::Approve);
                let approved: Vec<_> = approved
                    .map(|(consent, _)| consent.handle.to_string())
                    .collect();
                let (code, handles) = if approved.is_empty() {
                    (RedirectionCode::REJECTED, &self.request.handles)
                } else {
                    (RedirectionCode::SUCCESS, &approved)
                };
                ApiResponse::try_from_receipt(receipt, async |_| {
                    self.redirect_with_handles(context, code, handles).await
                })
                .await
            }
            Err(Rejection::NoGrantableAccount { .. }) => {
                let code = RedirectionCode::ACCOUNT_NOT_LINKED;
                self.redirect_to_fiu(context, code).await
            }
            Err(_) => {
                let code = RedirectionCode::CONSENT_NOT_AVAILABLE;
                self.redirect_to_fiu(context, code).await
            }
        }
    }

    /// Sends the browser back to the FIU, with the handles of the request.
    async fn redirect_to_fiu(
        &self,
        context: &mut CallContext,
        code: RedirectionCode,
    ) -> Result<ApiResponse, ApiError> {
        self.redirect_with_handles(context, code, &self.request.handles)
            .await
    }

    /// Sends the browser back to the FIU with this code, or with that of a fault.
    async fn redirect_with_handles(
        &self,
        context: &mut CallContext,
        code: RedirectionCode,
        handles: &[String],
    ) -> Result<ApiResponse, ApiError> {
        let aa = self.find_aa();
        let url = build_return_url(
            &self.world,
            context,
            &self.fiu,
            &self.request,
            &aa,
            code,
            handles,
        );
        Ok(ApiResponse::redirect_see_other(url.await))
    }

    /// Returns the id of the AA that the customer visits: that of the first consent, else that of
    /// the customer's handle, else the first AA.
    fn find_aa(&self) -> Arc<str> {
        let participants = self.world.participants();
        let mut handles = self.request.handles.iter();
        if let Some(consent) = handles.find_map(|handle| self.find_own(handle)) {
            return Arc::clone(&consent.aa);
        }
        let user_handle = self.request.user.rsplit_once('@').map(|(_, handle)| handle);
        let aa = participants
            .aas
            .iter()
            .find(|aa| user_handle == Some(&*aa.handle));
        Arc::clone(&aa.unwrap_or_else(|| participants.default_aa()).id)
    }
}

/// Returns the address at the FIU, with this code or that of a fault.
pub(crate) async fn build_return_url(
    world: &World,
    context: &mut CallContext,
    fiu: &Fiu,
    request: &Request,
    aa: &str,
    code: RedirectionCode,
    handles: &[String],
) -> String {
    let code = context.plan_return(world).unwrap_or(code);
    let date = format_date(world.message_time(Some(&fiu.entity.id)));
    let (passphrase, salt) = (Arc::clone(&fiu.redirect_passphrase), date.clone());
    let text = request.encode_response(code, handles);
    let encrypted =
        tokio::task::spawn_blocking(move || MessageKey::derive(&passphrase, &salt).encrypt(&text));
    let encrypted = encrypted.await.expect("encrypting does not panic");
    request.build_return_url(&obfuscate_id(aa, &date), &date, &encrypted)
}

fn require_param(params: &Params, name: &'static str) -> Result<String, ApiError> {
    params
        .first_value(name)
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| ApiError::invalid_field(name, "is missing"))
}
