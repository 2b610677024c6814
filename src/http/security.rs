//! Who calls, and whether that is believed: the table of DESIGN §4.7 in code.

use std::sync::Arc;

use crate::crypto::jws::{SignatureError, explain_signature, verify_compact, verify_detached};
use crate::domain::consent::Consent;
use crate::domain::naming::wire_enum;
use crate::domain::participants::{Aa, Entity, Member, Participants, PublicKey};
use crate::domain::time::{Millis, Timestamp};
use crate::engine::clock::system_now;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::wire::api_error::ApiError;
use crate::wire::fields::quote_value;
use crate::wire::token::Claims;

wire_enum! {
    /// How much a caller has to prove.
    SecurityMode {
        /// Nothing.
        Open = "open",
        /// Nothing, but what strict would refuse is noted in the journal.
        Lenient = "lenient",
        /// What a certified AA asks for.
        Strict = "strict",
    }
}

/// How far a message's `timestamp` may lie from the clock (certification framework, general guidelines, rule 4).
const TIMESTAMP_WINDOW: Millis = Millis::from_secs(15 * 60);

/// Who may call, and in which headers the key is looked for, the first one that is there
/// (`reference/rebit.md` §1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedCallers {
    /// FIUs at the seed calls, whose documents name `Authorization`.
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

    /// How a refusal names the key.
    const fn key_label(self) -> &'static str {
        match self {
            Self::SeedClients => "authorization",
            Self::Fius => "client_api_key",
            Self::Fips => "fip_api_key",
            Self::FiusAndFips => "client_api_key or fip_api_key",
        }
    }

    const fn matches_member(self, member: &Member) -> bool {
        match self {
            Self::SeedClients | Self::Fius => matches!(member, Member::Fiu(_)),
            Self::Fips => matches!(member, Member::Fip(_)),
            Self::FiusAndFips => true,
        }
    }
}

/// A caller who was let in, and the world that the call is for.
#[derive(Debug)]
pub struct Caller {
    pub world: Arc<World>,
    pub participants: Arc<Participants>,
    security: SecurityMode,
    /// The registered participant whose key was presented.
    pub member: Option<Member>,
}

/// Checks the API key. A caller who is refused makes no world.
pub fn authenticate_api_key(call: &Call, allowed: AllowedCallers) -> Result<Caller, ApiError> {
    let key = call.api_key(allowed.key_headers());
    let security = call.app_state().security;
    let member = key.and_then(|key| find_key_owner(call, key));
    let header = allowed.key_label();
    if let Some(member) = member
        .as_ref()
        .filter(|member| !allowed.matches_member(member))
    {
        let Entity { id, .. } = member.entity();
        return Err(ApiError::NotPermitted(format!(
            "{header} is the key of {id}, a {}, to whom this call is closed",
            member.kind()
        )));
    }
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
        call.bind_member(member);
    }
    match &caller.member {
        Some(Member::Fiu(fiu)) => call.set_signature_profile(fiu.signature),
        Some(Member::Fip(_)) => {}
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

/// Whose API key this is: a fixed one, or a token of our token service.
pub fn find_key_owner(call: &Call, key: &str) -> Option<Member> {
    let existing_world = call
        .world_name()
        .ok()
        .and_then(|name| call.worlds().find_world(name));
    let participants = existing_world.as_ref().map_or_else(
        || Arc::clone(&call.worlds().config().participants),
        |world| world.participants(),
    );
    participants.member_by_api_key(key).or_else(|| {
        let payload = verify_compact(key, &call.app_state().keys.default_key().public)?;
        let claims: Claims = serde_json::from_slice(&payload).ok()?;
        let world = call.get_or_create_world().ok()?;
        participants.find_member(claims.valid_entity_id(&world.base_path(), world.now())?)
    })
}

impl SecurityMode {
    /// Refuses in strict; in lenient puts on record what strict would have said.
    pub fn reject_in_strict(
        self,
        world: &World,
        make_error: impl FnOnce() -> ApiError,
    ) -> Result<(), ApiError> {
        match self {
            Self::Open => Ok(()),
            Self::Lenient => {
                world.write_note_once(&format!("strict would refuse: {}", make_error()));
                Ok(())
            }
            Self::Strict => Err(make_error()),
        }
    }

    /// Objects to a customer whose address is not one of the AA's.
    pub fn check_customer_address(
        self,
        world: &World,
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
    /// [`Security::object`] in the caller's world.
    pub fn reject_in_strict(&self, make_error: impl FnOnce() -> ApiError) -> Result<(), ApiError> {
        self.security.reject_in_strict(&self.world, make_error)
    }

    /// [`Security::check_customer`] in the caller's world.
    pub fn check_customer_address(&self, customer: &str, aa: &Aa) -> Result<(), ApiError> {
        self.security
            .check_customer_address(&self.world, customer, aa)
    }

    /// Checks `x-jws-signature` on the bytes that arrived; of a GET, on its path. The journal gets an explanation of
    /// what did not match, the caller is told no more than the specification tells.
    pub fn check_signature(&self, call: &Call) -> Result<(), ApiError> {
        if self.security == SecurityMode::Open {
            return Ok(());
        }
        let Some(signature) = call.header("x-jws-signature") else {
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
                Ok(_) => return Ok(()),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        let error = first_error.expect("there is something that may be signed");
        self.record_explanation(signature, &candidates[0], &caller_keys);
        let api_error = self.signature_error(&error);
        // A key that ships is everybody's: what does not match it is noted only.
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

    /// A key of somebody else's is another mistake than a signature that does not match (certification cases AA_3034
    /// and AA_3036).
    fn signature_error(&self, error: &SignatureError) -> ApiError {
        let is_foreign_kid = |kid: &str| {
            let has_kid =
                |member: &Member| member.entity().public_keys.iter().any(|key| key.kid == kid);
            self.participants
                .all_members()
                .any(|member| has_kid(&member))
        };
        match error {
            SignatureError::UnknownKey(kid) if is_foreign_kid(kid) => ApiError::NotPermitted(
                "the API key and the signature are of different participants".to_owned(),
            ),
            _ => {
                ApiError::InvalidSignature("x-jws-signature does not match the message".to_owned())
            }
        }
    }

    fn record_explanation(&self, signature: &str, bytes: &[u8], caller_keys: &[&PublicKey]) {
        let members: Vec<_> = self.participants.all_members().collect();
        let keys = members.iter().flat_map(|member| {
            let entity = member.entity();
            entity
                .public_keys
                .iter()
                .map(|key| (entity.id.to_string(), key))
        });
        let keys: Vec<_> = keys.collect();
        let sender = self
            .member
            .as_ref()
            .map_or("an unknown caller", |member| &*member.entity().id);
        let explanation = explain_signature(signature, bytes, caller_keys, &keys);
        self.world
            .record_signature_error(&format!("x-jws-signature of {sender}\n{explanation}"));
    }

    /// Checks a message's `timestamp` against the wall's clock or the world's; in strict the world's alone.
    pub fn check_timestamp(&self, timestamp: Timestamp) -> Result<(), ApiError> {
        let is_near = |now: Timestamp| timestamp.duration_since(now).0.abs() <= TIMESTAMP_WINDOW.0;
        let now = self.world.now();
        let is_within_window = match self.security {
            SecurityMode::Open => true,
            SecurityMode::Lenient => is_near(now) || is_near(system_now()),
            SecurityMode::Strict => is_near(now),
        };
        if is_within_window {
            return Ok(());
        }
        let message =
            format!("{timestamp} is more than 15 minutes away from the sandbox's clock, {now}");
        Err(ApiError::invalid_field("timestamp", message))
    }

    /// The participant to whom a new consent belongs, whose `DataConsumer.id` is `named`.
    pub fn resolve_consent_owner(&self, consumer_id: &str) -> Result<Arc<str>, ApiError> {
        let registered = self.participants.find_fiu(consumer_id);
        match (registered, &self.member) {
            (Some(fiu), Some(member)) if fiu.entity.id != member.entity().id => {
                Err(ApiError::NotPermitted(format!(
                    "ConsentDetail.DataConsumer.id is {}, the API key is that of {}",
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

    /// Whether the caller may see the consent. A registered key opens its owner's consents only, in every mode; an
    /// unknown caller sees the whole world. Nobody sees those of a customer who has left.
    pub fn can_see(&self, consent: &Consent) -> bool {
        !consent.hidden
            && self
                .member
                .as_ref()
                .is_none_or(|member| member.entity().id == consent.fiu)
    }
}
