//! Who calls, and whether that is believed: the table of DESIGN §4.7 in code.

use std::sync::Arc;

use crate::crypto::jws::{Flaw, explain, open_compact, verify_detached};
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
    Security {
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
pub enum Audience {
    /// FIUs at the seed calls, whose documents name `Authorization`.
    SeedClients,
    Fius,
    Fips,
    Both,
}

impl Audience {
    const fn headers(self) -> &'static [&'static str] {
        match self {
            Self::SeedClients => &["authorization", "client_api_key"],
            Self::Fius => &["client_api_key", "authorization"],
            Self::Fips => &["fip_api_key", "authorization"],
            Self::Both => &["client_api_key", "fip_api_key", "authorization"],
        }
    }

    /// How a refusal names the key.
    const fn name(self) -> &'static str {
        match self {
            Self::SeedClients => "authorization",
            Self::Fius => "client_api_key",
            Self::Fips => "fip_api_key",
            Self::Both => "client_api_key or fip_api_key",
        }
    }

    const fn admits(self, member: &Member) -> bool {
        match self {
            Self::SeedClients | Self::Fius => matches!(member, Member::Fiu(_)),
            Self::Fips => matches!(member, Member::Fip(_)),
            Self::Both => true,
        }
    }
}

/// A caller who was let in, and the world that the call is for.
#[derive(Debug)]
pub struct Caller {
    pub world: Arc<World>,
    pub participants: Arc<Participants>,
    security: Security,
    /// The registered participant whose key was presented.
    pub owner: Option<Member>,
}

/// Checks the API key. A caller who is refused makes no world.
pub fn admit(call: &Call, audience: Audience) -> Result<Caller, ApiError> {
    let key = call.api_key(audience.headers());
    let security = call.shared().security;
    let owner = key.and_then(|key| holder(call, key));
    let header = audience.name();
    if let Some(owner) = owner.as_ref().filter(|owner| !audience.admits(owner)) {
        let Entity { id, .. } = owner.entity();
        return Err(ApiError::NotPermitted(format!(
            "{header} is the key of {id}, a {}, to whom this call is closed",
            owner.kind()
        )));
    }
    if owner.is_none() && security == Security::Strict {
        return Err(ApiError::Unauthorized(format!(
            "{header} is missing or not valid"
        )));
    }
    let world = call.world()?;
    let participants = world.participants();
    let caller = Caller {
        world,
        participants,
        security,
        owner,
    };
    if let Some(owner) = &caller.owner {
        call.is_from(owner);
    }
    match &caller.owner {
        Some(Member::Fiu(fiu)) => call.answer_with(fiu.signature),
        Some(Member::Fip(_)) => {}
        None => {
            let what = if key.is_some() {
                "is not a registered API key"
            } else {
                "is missing"
            };
            caller.object(|| ApiError::Unauthorized(format!("{header} {what}")))?;
        }
    }
    Ok(caller)
}

/// Whose API key this is: a fixed one, or a token of our token service.
pub fn holder(call: &Call, key: &str) -> Option<Member> {
    let known = call
        .world_name()
        .ok()
        .and_then(|name| call.worlds().find_world(name));
    let participants = known.as_ref().map_or_else(
        || Arc::clone(&call.worlds().config().participants),
        |world| world.participants(),
    );
    participants.member_by_api_key(key).or_else(|| {
        let payload = open_compact(key, &call.shared().keys.default_key().public)?;
        let claims: Claims = serde_json::from_slice(&payload).ok()?;
        let world = call.world().ok()?;
        participants.find_member(claims.valid_entity_id(&world.base_path(), world.now())?)
    })
}

impl Security {
    /// Refuses in strict; in lenient puts on record what strict would have said.
    pub fn object(self, world: &World, problem: impl FnOnce() -> ApiError) -> Result<(), ApiError> {
        match self {
            Self::Open => Ok(()),
            Self::Lenient => {
                world.write_note_once(&format!("strict would refuse: {}", problem()));
                Ok(())
            }
            Self::Strict => Err(problem()),
        }
    }

    /// Objects to a customer whose address is not one of the AA's.
    pub fn check_customer(self, world: &World, customer: &str, aa: &Aa) -> Result<(), ApiError> {
        let theirs = customer
            .rsplit_once('@')
            .is_some_and(|(_, handle)| *handle == *aa.handle);
        if theirs {
            return Ok(());
        }
        self.object(world, || {
            let (customer, handle) = (quote_value(customer), &aa.handle);
            ApiError::InvalidCustomerAddress(format!(
                "{customer} is not a customer of this AA; its addresses end in @{handle}"
            ))
        })
    }
}

impl Caller {
    /// [`Security::object`] in the caller's world.
    pub fn object(&self, problem: impl FnOnce() -> ApiError) -> Result<(), ApiError> {
        self.security.object(&self.world, problem)
    }

    /// [`Security::check_customer`] in the caller's world.
    pub fn check_customer(&self, customer: &str, aa: &Aa) -> Result<(), ApiError> {
        self.security.check_customer(&self.world, customer, aa)
    }

    /// Checks `x-jws-signature` on the bytes that arrived; of a GET, on its path. The journal gets an explanation of
    /// what did not match, the caller is told no more than the specification tells.
    pub fn check_signature(&self, call: &Call) -> Result<(), ApiError> {
        if self.security == Security::Open {
            return Ok(());
        }
        let Some(signature) = call.header("x-jws-signature") else {
            return self
                .object(|| ApiError::InvalidSignature("x-jws-signature is missing".to_owned()));
        };
        let candidates = call.signed_bytes()?;
        let members: Vec<_> = match &self.owner {
            Some(owner) => vec![owner.clone()],
            None => self.participants.all_members().collect(),
        };
        let own: Vec<&PublicKey> = members
            .iter()
            .flat_map(|member| &member.entity().public_keys)
            .collect();
        let mut flaw = None;
        for candidate in &candidates {
            match verify_detached(signature, candidate, &own) {
                Ok(_) => return Ok(()),
                Err(found) => flaw = flaw.or(Some(found)),
            }
        }
        let flaw = flaw.expect("there is something that may be signed");
        self.explain(signature, &candidates[0], &own);
        let problem = self.signature_problem(&flaw);
        // A key that ships is everybody's: what does not match it is noted only.
        let configured = match &flaw {
            Flaw::Mismatch(_, kid) => members.iter().any(|member| {
                let entity = member.entity();
                !entity.uses_shipped_keys && entity.public_keys.iter().any(|key| key.kid == *kid)
            }),
            Flaw::UnknownKey(_) => false,
            _ => self.owner.as_ref().is_some_and(|owner| {
                let entity = owner.entity();
                !entity.uses_shipped_keys && !entity.public_keys.is_empty()
            }),
        };
        if configured && self.security == Security::Lenient {
            Err(problem)
        } else {
            self.object(|| problem)
        }
    }

    /// A key of somebody else's is another mistake than a signature that does not match (certification cases AA_3034
    /// and AA_3036).
    fn signature_problem(&self, flaw: &Flaw) -> ApiError {
        let strangers = |kid: &str| {
            let owns =
                |member: &Member| member.entity().public_keys.iter().any(|key| key.kid == kid);
            self.participants.all_members().any(|member| owns(&member))
        };
        match flaw {
            Flaw::UnknownKey(kid) if strangers(kid) => ApiError::NotPermitted(
                "the API key and the signature are of different participants".to_owned(),
            ),
            _ => {
                ApiError::InvalidSignature("x-jws-signature does not match the message".to_owned())
            }
        }
    }

    fn explain(&self, signature: &str, bytes: &[u8], own: &[&PublicKey]) {
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
            .owner
            .as_ref()
            .map_or("an unknown caller", |owner| &*owner.entity().id);
        let told = explain(signature, bytes, own, &keys);
        self.world
            .record_signature_error(&format!("x-jws-signature of {sender}\n{told}"));
    }

    /// Checks a message's `timestamp` against the wall's clock or the world's; in strict the world's alone.
    pub fn check_timestamp(&self, timestamp: Timestamp) -> Result<(), ApiError> {
        let near = |now: Timestamp| timestamp.duration_since(now).0.abs() <= TIMESTAMP_WINDOW.0;
        let now = self.world.now();
        let fine = match self.security {
            Security::Open => true,
            Security::Lenient => near(now) || near(system_now()),
            Security::Strict => near(now),
        };
        if fine {
            return Ok(());
        }
        let problem =
            format!("{timestamp} is more than 15 minutes away from the sandbox's clock, {now}");
        Err(ApiError::invalid_field("timestamp", problem))
    }

    /// The participant to whom a new consent belongs, whose `DataConsumer.id` is `named`.
    pub fn owner_of_new(&self, named: &str) -> Result<Arc<str>, ApiError> {
        let registered = self.participants.find_fiu(named);
        match (registered, &self.owner) {
            (Some(fiu), Some(owner)) if fiu.entity.id != owner.entity().id => {
                Err(ApiError::NotPermitted(format!(
                    "ConsentDetail.DataConsumer.id is {}, the API key is that of {}",
                    quote_value(named),
                    owner.entity().id
                )))
            }
            (Some(fiu), _) => Ok(Arc::clone(&fiu.entity.id)),
            (None, owner) => {
                self.object(|| {
                    ApiError::invalid_field(
                        "ConsentDetail.DataConsumer.id",
                        format!("{} is not a registered FIU", quote_value(named)),
                    )
                })?;
                let owner = owner.as_ref().map(|owner| &owner.entity().id);
                Ok(Arc::clone(
                    owner.unwrap_or(&self.participants.default_fiu().entity.id),
                ))
            }
        }
    }

    /// Whether the caller may see the consent. A registered key opens its owner's consents only, in every mode; an
    /// unknown caller sees the whole world. Nobody sees those of a customer who has left.
    pub fn may_see(&self, consent: &Consent) -> bool {
        !consent.hidden
            && self
                .owner
                .as_ref()
                .is_none_or(|owner| owner.entity().id == consent.fiu)
    }
}
