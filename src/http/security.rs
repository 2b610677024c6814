//! Authentication of callers: API key, signature, timestamp, and the consents that a caller may
//! see. The rules for each security mode are listed in `docs/architecture.md#security`.

use std::sync::Arc;

use crate::crypto::jws::{
    PayloadEncoding, SearchEffort, SignatureError, SignatureQuestion, SignedContent,
    explain_signature, verify_compact, verify_detached,
};
use crate::domain::call_facts::{MESSAGE_TOLERANCE, RequestSignature, Sender};
use crate::domain::client_hint::ClientHint;
use crate::domain::command::OnRepeatedTxnid;
use crate::domain::consent::Consent;
use crate::domain::participants::{
    Aa, Entity, Member, Participants, PublicKey, RegisteredEntity, SignatureProfile,
};
pub use crate::domain::security_mode::SecurityMode;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::engine::clock::ClockReading;
use crate::http::AppState;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::call_world::CallWorld;
use crate::wire::api_error::ApiError;
use crate::wire::token::Claims;

/// Participants that may make a call. They also decide in which headers the API key is looked for;
/// the first header that is present counts (`docs/sources.md#rebit-headers`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AllowedCallers {
    /// FIUs of the seed API, whose documents use `Authorization`.
    SeedClients,
    Fius,
    Fips,
    FiusAndFips,
}

impl AllowedCallers {
    const fn key_headers(self) -> &'static [&'static str] {
        match self {
            Self::SeedClients => &["authorization", "client_api_key"],
            Self::Fius => &["client_api_key", "authorization"],
            Self::Fips => &["fip_api_key", "authorization"],
            Self::FiusAndFips => &["client_api_key", "fip_api_key", "authorization"],
        }
    }

    /// Returns the name of the key header in error messages.
    const fn key_label(self) -> &'static str {
        match self {
            Self::SeedClients => "authorization",
            Self::Fius => "client_api_key",
            Self::Fips => "fip_api_key",
            Self::FiusAndFips => "client_api_key or fip_api_key",
        }
    }

    /// Returns the participant if it may make the call.
    fn admit_entity(self, entity: RegisteredEntity) -> Result<Member, RegisteredEntity> {
        match (self, entity) {
            (Self::SeedClients | Self::Fius, RegisteredEntity::Member(member @ Member::Fiu(_)))
            | (Self::Fips, RegisteredEntity::Member(member @ Member::Fip(_)))
            | (Self::FiusAndFips, RegisteredEntity::Member(member)) => Ok(member),
            (_, entity) => Err(entity),
        }
    }
}

/// An accepted caller, and the world of the call. Outside strict mode it may be anonymous.
#[derive(Debug)]
pub(crate) struct Caller {
    pub world: CallWorld,
    pub participants: Arc<Participants>,
    security: SecurityMode,
    /// The registered participant whose key was presented.
    pub member: Option<Member>,
}

/// Checks the API key. A rejected caller does not create a world, unless its key is a token that we
/// signed (see [`find_key_owner`]).
pub(crate) fn authenticate_api_key(
    call: &Call,
    context: &mut CallContext,
    allowed: AllowedCallers,
) -> Result<Caller, ApiError> {
    let key = call.api_key(allowed.key_headers());
    let security = call.app_state().security();
    let key_owner = key.and_then(|key| find_key_owner(call, key));
    let header = allowed.key_label();
    let member = key_owner.map(|owner| allowed.admit_entity(owner));
    let member = member.transpose().map_err(|owner| {
        ApiError::NotPermitted(format!(
            "{header} belongs to {} ({}), which may not make this call",
            owner.id(),
            owner.kind()
        ))
    })?;
    if member.is_none() && security == SecurityMode::Strict {
        return Err(ApiError::Unauthorized(format!(
            "{header} is missing or not valid"
        )));
    }
    let world = call.get_or_create_world()?;
    let participants = world.participants();
    let caller = Caller {
        world,
        participants,
        security,
        member,
    };
    if let Some(member) = &caller.member {
        context.set_caller(&member.entity().id);
    }
    match &caller.member {
        Some(Member::Fiu(fiu)) => context.set_signature_profile(fiu.signature),
        Some(Member::Fip(_)) => context.facts_mut().sender = Sender::Fip,
        None => {
            let reason = if key.is_some() {
                "is not a registered API key"
            } else {
                "is missing"
            };
            caller.reject_in_strict(|| ApiError::Unauthorized(format!("{header} {reason}")))?;
        }
    }
    Ok(caller)
}

/// Returns whether a key or a token of our token service belongs to a participant of new worlds.
pub(crate) fn is_registered_key(app_state: &AppState, key: &str) -> bool {
    let participants = &app_state.worlds.config().initial_participants;
    participants.entity_by_api_key(key).is_some()
        || verify_compact(key, &app_state.keys.default_key().public).is_some()
}

/// Returns the entity that an API key belongs to: a fixed key, or a token of our token service. A
/// token that verifies creates the world that the call names, since its lifetime is checked by that
/// world's clock.
pub(crate) fn find_key_owner(call: &Call, key: &str) -> Option<RegisteredEntity> {
    let existing_world = call.find_world().ok().flatten();
    let participants = existing_world.as_ref().map_or_else(
        || Arc::clone(&call.worlds().config().initial_participants),
        |world| world.participants(),
    );
    participants.entity_by_api_key(key).or_else(|| {
        let payload = verify_compact(key, &call.app_state().keys.default_key().public)?;
        let claims: Claims = serde_json::from_slice(&payload).ok()?;
        let world = call.get_or_create_world().ok()?;
        participants.find_entity(claims.valid_entity_id(&world.base_path(), world.now())?)
    })
}

impl SecurityMode {
    /// Returns the treatment of a message with a `txnid` that its sender has used up.
    pub(crate) fn on_repeated_txnid(self) -> OnRepeatedTxnid {
        match self {
            Self::Open | Self::Lenient => OnRepeatedTxnid::Note,
            Self::Strict => OnRepeatedTxnid::Refuse,
        }
    }

    /// Returns the error in strict mode; in lenient mode notes it in the journal, once.
    pub(crate) fn reject_in_strict(
        self,
        world: &CallWorld,
        make_error: impl FnOnce() -> ApiError,
    ) -> Result<(), ApiError> {
        match self {
            Self::Open => Ok(()),
            Self::Lenient => {
                world.write_note_once(&format!("strict mode would reject: {}", make_error()));
                Ok(())
            }
            Self::Strict => Err(make_error()),
        }
    }

    /// Returns the first of these errors in strict mode; in the other modes notes each in the
    /// journal, once.
    pub(crate) fn reject_deviations_in_strict(
        self,
        world: &CallWorld,
        deviations: Vec<ApiError>,
    ) -> Result<(), ApiError> {
        for deviation in deviations {
            if self == Self::Strict {
                return Err(deviation);
            }
            world.write_note_once(&format!("strict mode would reject: {deviation}"));
        }
        Ok(())
    }

    /// Rejects a customer whose address does not end in the AA's handle, in strict mode.
    pub(crate) fn check_customer_address(
        self,
        world: &CallWorld,
        customer: &str,
        aa: &Aa,
    ) -> Result<(), ApiError> {
        let belongs_to_aa = customer
            .rsplit_once('@')
            .is_some_and(|(_, handle)| *handle == *aa.handle);
        if belongs_to_aa {
            return Ok(());
        }
        self.reject_in_strict(world, || {
            let (customer, handle) = (quote_value(customer), &aa.handle);
            ApiError::InvalidCustomerAddress(format!(
                "{customer} is not a customer of this AA; its addresses end in @{handle}"
            ))
        })
    }
}

impl Caller {
    /// Calls [`SecurityMode::reject_in_strict`] in the caller's world.
    pub(crate) fn reject_in_strict(
        &self,
        make_error: impl FnOnce() -> ApiError,
    ) -> Result<(), ApiError> {
        self.security.reject_in_strict(&self.world, make_error)
    }

    /// Calls [`SecurityMode::on_repeated_txnid`].
    pub(crate) fn on_repeated_txnid(&self) -> OnRepeatedTxnid {
        self.security.on_repeated_txnid()
    }

    /// Calls [`SecurityMode::reject_deviations_in_strict`] in the caller's world.
    pub(crate) fn reject_deviations_in_strict(
        &self,
        deviations: Vec<ApiError>,
    ) -> Result<(), ApiError> {
        self.security
            .reject_deviations_in_strict(&self.world, deviations)
    }

    /// Calls [`SecurityMode::check_customer_address`] in the caller's world.
    pub(crate) fn check_customer_address(&self, customer: &str, aa: &Aa) -> Result<(), ApiError> {
        self.security
            .check_customer_address(&self.world, customer, aa)
    }

    /// Checks `x-jws-signature` over the bytes that arrived; for a GET, over its path. The result
    /// is recorded in every mode. Open mode rejects nothing, lenient mode a signature only where
    /// the caller has configured a key. The journal gets an explanation of the mismatch; the caller
    /// gets only the error of the specification.
    pub(crate) fn check_signature(
        &self,
        call: &Call,
        context: &mut CallContext,
    ) -> Result<(), ApiError> {
        let finding = &mut context.facts_mut().signature;
        let Some(signature) = call.header("x-jws-signature") else {
            *finding = Some(RequestSignature::Missing);
            return self.reject_in_strict(|| {
                ApiError::InvalidSignature("x-jws-signature is missing".to_owned())
            });
        };
        let candidates = call.signing_candidates()?;
        let members: Vec<_> = match &self.member {
            Some(member) => vec![member.clone()],
            None => self.participants.all_members().collect(),
        };
        let caller_keys: Vec<&PublicKey> = members
            .iter()
            .flat_map(|member| &member.entity().public_keys)
            .collect();
        let mut first_error = None;
        for candidate in &candidates {
            match verify_detached(signature, candidate, &caller_keys) {
                Ok(encoding) => {
                    *finding = Some(RequestSignature::Valid);
                    self.note_profile(encoding);
                    return Ok(());
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        let error = first_error.expect("there is at least one candidate");
        *finding = Some(RequestSignature::Invalid(error.to_string().into()));
        if self.security == SecurityMode::Open {
            return Ok(());
        }
        self.record_explanation(call, signature, &caller_keys)?;
        let api_error = self.signature_error(&error);
        // Shipped keys are public, so in lenient mode a mismatch with one of them is only noted.
        let has_configured_key = match &error {
            SignatureError::Invalid(_, kid) => members.iter().any(|member| {
                let entity = member.entity();
                !entity.uses_shipped_keys && entity.public_keys.iter().any(|key| key.kid == *kid)
            }),
            SignatureError::UnknownKey(_) => false,
            _ => self.member.as_ref().is_some_and(|member| {
                let entity = member.entity();
                !entity.uses_shipped_keys && !entity.public_keys.is_empty()
            }),
        };
        if has_configured_key && self.security == SecurityMode::Lenient {
            Err(api_error)
        } else {
            self.reject_in_strict(|| api_error)
        }
    }

    /// Notes an FIU that signs in another profile than the one in which it gets signatures.
    fn note_profile(&self, encoding: PayloadEncoding) {
        let Some(Member::Fiu(fiu)) = &self.member else {
            return;
        };
        let signs = match encoding {
            PayloadEncoding::Raw => SignatureProfile::Detached,
            PayloadEncoding::Encoded => SignatureProfile::Encoded,
        };
        if fiu.signature != signs && fiu.signature != SignatureProfile::Off {
            let hint = ClientHint::SignsInOtherProfile {
                fiu: &fiu.entity.id,
                signs,
                gets: fiu.signature,
            };
            self.world.write_note_once(&hint.to_string());
        }
    }

    /// Maps a signature error to an API error. A key of another participant is a different error
    /// than a signature that does not match (certification cases AA_3034 and AA_3036,
    /// `docs/sources.md#certification-cases`).
    fn signature_error(&self, error: &SignatureError) -> ApiError {
        match error {
            SignatureError::UnknownKey(kid) if self.is_registered_kid(kid) => {
                ApiError::NotPermitted(
                    "the API key and the signature belong to different participants".to_owned(),
                )
            }
            _ => {
                ApiError::InvalidSignature("x-jws-signature does not match the message".to_owned())
            }
        }
    }

    fn is_registered_kid(&self, kid: &str) -> bool {
        self.participants.all_members().any(|member| {
            let keys = &member.entity().public_keys;
            keys.iter().any(|key| key.kid == kid)
        })
    }

    /// Writes to the journal which key made an invalid signature, and over which bytes.
    fn record_explanation(
        &self,
        call: &Call,
        signature: &str,
        caller_keys: &[&PublicKey],
    ) -> Result<(), ApiError> {
        let members: Vec<_> = self.participants.all_members().collect();
        let keyring = &call.app_state().keys;
        let next_keys: Vec<_> = keyring
            .all_keys()
            .iter()
            .map(|key| (key.aa.to_string(), keyring.next_public_key(key)))
            .collect();
        let mut known_keys = Vec::new();
        // The number of keys that are tried is limited, so the caller's own come first.
        let caller = self.member.as_ref().map(Member::entity);
        let is_callers = |entity: &Entity| caller.is_some_and(|caller| caller.id == entity.id);
        let others = members.iter().map(Member::entity);
        for entity in caller
            .into_iter()
            .chain(others.filter(|entity| !is_callers(entity)))
        {
            let keys = entity.public_keys.iter();
            known_keys.extend(keys.map(|key| (entity.id.to_string(), key)));
        }
        let aa_keys = keyring.all_keys().iter();
        known_keys.extend(aa_keys.map(|key| (key.aa.to_string(), &key.public)));
        known_keys.extend(next_keys.iter().map(|(aa, key)| (aa.clone(), key)));
        let secrets: Vec<_> = members.iter().flat_map(Member::list_secrets).collect();
        let target = call.request_target();
        let content = if call.is_get() {
            SignedContent::Target(&target)
        } else {
            SignedContent::Body(call.body()?, Some(&target))
        };
        let explanation = explain_signature(&SignatureQuestion {
            signature,
            content: &content,
            caller_keys,
            known_keys: &known_keys,
            secrets: &secrets,
            effort: SearchEffort::Bounded,
        });
        let sender = self
            .member
            .as_ref()
            .map_or("an unknown caller", |member| &*member.entity().id);
        self.world
            .record_signature_error(&format!("x-jws-signature of {sender}\n{explanation}"));
        Ok(())
    }

    /// Returns the instant that an answer to this caller carries now.
    pub(crate) fn message_time(&self) -> Timestamp {
        self.message_time_at(self.world.read_clocks())
    }

    /// Returns the instant that an answer to this caller carries, from these clocks.
    pub(crate) fn message_time_at(&self, clocks: ClockReading) -> Timestamp {
        let id = self.member.as_ref().map(|member| &*member.entity().id);
        self.world.time_rules(id).message_time(clocks)
    }

    /// Checks a message's `timestamp` ([`TimeRules::request_times`]).
    ///
    /// [`TimeRules::request_times`]: crate::engine::clock::TimeRules::request_times
    pub(crate) fn check_timestamp(&self, timestamp: Timestamp) -> Result<(), ApiError> {
        if self
            .world
            .request_times()
            .any(|now| timestamp.is_within(MESSAGE_TOLERANCE, now))
        {
            return Ok(());
        }
        let now = self.world.now();
        let message =
            format!("{timestamp} is more than 15 minutes away from the sandbox's clock, {now}");
        Err(ApiError::invalid_field("timestamp", message))
    }

    /// Returns the id of the participant that owns a new consent with this `DataConsumer.id`.
    pub(crate) fn resolve_consent_owner(&self, consumer_id: &str) -> Result<Arc<str>, ApiError> {
        let registered = self.participants.find_fiu(consumer_id);
        match (registered, &self.member) {
            (Some(fiu), Some(member)) if fiu.entity.id != member.entity().id => {
                Err(ApiError::NotPermitted(format!(
                    "ConsentDetail.DataConsumer.id is {}, but the API key belongs to {}",
                    quote_value(consumer_id),
                    member.entity().id
                )))
            }
            (Some(fiu), _) => Ok(Arc::clone(&fiu.entity.id)),
            (None, member) => {
                self.reject_in_strict(|| {
                    ApiError::invalid_field(
                        "ConsentDetail.DataConsumer.id",
                        format!("{} is not a registered FIU", quote_value(consumer_id)),
                    )
                })?;
                let member_id = member.as_ref().map(|member| &member.entity().id);
                Ok(Arc::clone(
                    member_id.unwrap_or(&self.participants.default_fiu().entity.id),
                ))
            }
        }
    }

    /// Returns whether the caller may see the consent. In every mode a registered key gives access
    /// to its owner's consents only; an anonymous caller sees the whole world. Consents of a
    /// deregistered customer are hidden from all callers.
    pub(crate) fn can_see(&self, consent: &Consent) -> bool {
        !consent.hidden
            && self
                .member
                .as_ref()
                .is_none_or(|member| member.entity().id == consent.fiu)
    }
}
