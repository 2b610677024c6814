//! Who calls, and whether that is believed: the table of DESIGN §4.7 in code.

use std::sync::Arc;

use crate::crypto::jws::{Flaw, verify_detached};
use crate::domain::account::named;
use crate::domain::consent::Consent;
use crate::domain::participants::Fiu;
use crate::domain::time::{Span, Timestamp};
use crate::engine::clock::wall;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::wire::fields::quoted;
use crate::wire::problem::Problem;

named! {
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
const TIMESTAMP_WINDOW: Span = Span::seconds(15 * 60);

/// A caller who was let in, and the world that the call is for.
#[derive(Debug)]
pub struct Caller {
    pub world: Arc<World>,
    security: Security,
    /// The registered FIU whose key was presented.
    owner: Option<Arc<Fiu>>,
}

/// Checks the API key, from the first of these headers that is there. A caller who is refused makes no world.
pub fn admit(call: &Call, key_headers: &[&str]) -> Result<Caller, Problem> {
    let key = call.api_key(key_headers);
    let security = call.shared().security;
    let owner = key.and_then(|key| call.worlds().setting().participants.fiu_by_key(key)).cloned();
    let objection = || {
        let what = if key.is_some() { "is not a registered API key" } else { "is missing" };
        Problem::Unauthorized(format!("{} {what}; FIUs are listed by `mockaa serve` at start", key_headers[0]))
    };
    if owner.is_none() && security == Security::Strict {
        return Err(objection());
    }
    let caller = Caller { world: call.world()?, security, owner };
    if caller.owner.is_none() {
        caller.object(objection)?;
    }
    Ok(caller)
}

impl Caller {
    /// Refuses in strict; in lenient puts on record what strict would have said.
    fn object(&self, problem: impl FnOnce() -> Problem) -> Result<(), Problem> {
        match self.security {
            Security::Open => Ok(()),
            Security::Lenient => {
                self.world.note(&format!("strict would refuse: {}", problem()));
                Ok(())
            }
            Security::Strict => Err(problem()),
        }
    }

    /// Checks `x-jws-signature` on the bytes that arrived. The keys known so far are shipped ones, so in lenient a
    /// mismatch is advice.
    pub fn check_signature(&self, call: &Call) -> Result<(), Problem> {
        if self.security == Security::Open {
            return Ok(());
        }
        let flaw = match call.header("x-jws-signature") {
            None => "x-jws-signature is missing; sign the body with a detached JWS, RS256".to_owned(),
            Some(signature) => match self.verify(signature, call.body()?) {
                Ok(()) => return Ok(()),
                Err(flaw) => flaw.to_string(),
            },
        };
        self.object(|| Problem::Signature(flaw))
    }

    fn verify(&self, signature: &str, body: &[u8]) -> Result<(), Flaw> {
        let fius = &self.world.setting().participants.fius;
        let keys: Vec<_> = match &self.owner {
            Some(fiu) => fiu.public_key.iter().collect(),
            None => fius.iter().filter_map(|fiu| fiu.public_key.as_ref()).collect(),
        };
        verify_detached(signature, body, &keys).map(|_| ())
    }

    /// Checks a message's `timestamp` against the wall's clock or the world's; in strict the world's alone.
    pub fn check_timestamp(&self, timestamp: Timestamp) -> Result<(), Problem> {
        let near = |now: Timestamp| timestamp.since(now).0.abs() <= TIMESTAMP_WINDOW.0;
        let now = self.world.now();
        let fine = match self.security {
            Security::Open => true,
            Security::Lenient => near(now) || near(wall()),
            Security::Strict => near(now),
        };
        if fine {
            return Ok(());
        }
        let problem = format!("{timestamp} is more than 15 minutes away from the sandbox's clock, {now}");
        Err(Problem::field("timestamp", problem))
    }

    /// The participant to whom a new consent belongs, whose `DataConsumer.id` is `named`.
    pub fn owner_of_new(&self, named: &str) -> Result<Arc<str>, Problem> {
        let participants = &self.world.setting().participants;
        let registered = participants.fiu(named);
        match (registered, &self.owner) {
            (Some(fiu), Some(owner)) if fiu.id != owner.id => Err(Problem::NotYours(format!(
                "ConsentDetail.DataConsumer.id is {}, the API key is that of {}",
                quoted(named),
                owner.id
            ))),
            (Some(fiu), _) => Ok(Arc::clone(&fiu.id)),
            (None, owner) => {
                self.object(|| {
                    Problem::field(
                        "ConsentDetail.DataConsumer.id",
                        format!("{} is not a registered FIU", quoted(named)),
                    )
                })?;
                Ok(Arc::clone(&owner.as_ref().unwrap_or(participants.default_fiu()).id))
            }
        }
    }

    /// Whether the caller may see the consent. A registered key opens its owner's consents only, in every mode; an
    /// unknown caller sees the whole world.
    pub fn may_see(&self, consent: &Consent) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner.id == consent.fiu)
    }
}
