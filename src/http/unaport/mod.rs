//! The Unaport FIU API v2.0.0, over the same consents as the other faces.

pub mod auth;
pub mod consents;
pub mod data;
pub mod organisation;
pub mod templates;

use std::sync::Arc;

use crate::crypto::jws::open_compact;
use crate::domain::consent::Consent;
use crate::domain::participants::{Fiu, Participants};
use crate::domain::refusal::Refusal;
use crate::domain::stream::Kind;
use crate::domain::unaport::{Dialect, Filing, Unaport};
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::security::Security;
use crate::wire::fields::quoted;
use crate::wire::problem::Problem;
use crate::wire::unaport::Envelope;
use crate::wire::unaport::auth::AccessClaims;

/// The host of login and organisation, as a path.
pub const COMMON: &str = "/api/v1";

/// The host of everything else, as a path.
pub const APPLICATION: &str = "/backend-v2/api/v2";

/// Who has been let in, and the world that the call is for.
struct Visitor {
    world: Arc<World>,
    participants: Arc<Participants>,
    /// For whom they work; its organisation is all that they see.
    fiu: Arc<Fiu>,
}

/// Lets in who has an access token that holds now; `--security open` lets everybody in.
fn enter(call: &Call) -> Result<Visitor, Problem> {
    let world = call.world()?;
    let participants = world.participants();
    let refused = match registered(call, &world, &participants) {
        Ok(fiu) => return Ok(Visitor { world, participants, fiu }),
        Err(refused) => refused,
    };
    if call.shared().security != Security::Open {
        return Err(refused);
    }
    let named = call.segment_if_any("org").and_then(|org| participants.fiu_of_org(org));
    let fiu = Arc::clone(named.unwrap_or_else(|| default_fiu(&world.setting().unaport, &participants)));
    Ok(Visitor { world, participants, fiu })
}

/// [`enter`], for a call whose path names an organisation: it has to be the visitor's own.
fn enter_organisation(call: &Call) -> Result<Visitor, Problem> {
    let visitor = enter(call)?;
    let (named, own) = (call.segment("org"), &visitor.fiu.org_id);
    if named == &**own || call.shared().security == Security::Open {
        return Ok(visitor);
    }
    let problem = format!(
        "org_id {} is not the organisation of this token, {own}; take it from getClientOrganisation, or give the FIU {} \
         this org_id in mockaa.toml",
        quoted(named),
        visitor.fiu.entity.id
    );
    Err(Problem::NotYours(problem))
}

/// The FIU whose organisation the token opens.
fn registered(call: &Call, world: &World, participants: &Participants) -> Result<Arc<Fiu>, Problem> {
    let unauthorized =
        |problem: &str| Problem::Unauthorized(format!("{problem}; log in with POST {COMMON}/public/user/login"));
    let token = call.bearer().ok_or_else(|| unauthorized("Authorization: Bearer <access_token> is missing"))?;
    let payload = open_compact(token, call.shared().public_key())
        .ok_or_else(|| unauthorized("the access token was not issued here"))?;
    let claims: Option<AccessClaims> = serde_json::from_slice(&payload).ok();
    let person = claims.and_then(|claims| claims.holder(&world.path(), world.now()));
    let person = person.ok_or_else(|| {
        unauthorized(
            "the access token has expired by this world's clock, or is of another world, or is not an access token",
        )
    })?;
    let fiu = participants.fiu(&person.fiu).cloned();
    fiu.ok_or_else(|| unauthorized("the token's FIU is not registered any more"))
}

/// The FIU of those whom no account claims.
fn default_fiu<'a>(unaport: &Unaport, participants: &'a Participants) -> &'a Arc<Fiu> {
    participants.fiu(&unaport.fiu).unwrap_or_else(|| participants.default_fiu())
}

impl Visitor {
    fn dialect(&self) -> Dialect {
        self.world.setting().unaport.dialect
    }

    fn envelope(&self) -> Envelope {
        Envelope::new(self.world.fresh_id(Kind::Token), self.world.message_time())
    }

    /// What lists and data begin with in v2.0.0, and not in 1.7.
    fn envelope_if_spoken(&self) -> Option<Envelope> {
        (self.dialect() == Dialect::V2).then(|| self.envelope())
    }

    /// The consent, if it was raised on this face by the visitor's organisation, and under what it is filed.
    fn own(&self, consent: Option<Arc<Consent>>, unknown: Refusal) -> Result<(Arc<Consent>, Arc<Filing>), Problem> {
        let filed = consent.filter(|consent| !consent.hidden).and_then(|consent| {
            let filing = consent.filing.clone()?;
            Some((consent, filing))
        });
        let (consent, filing) = filed.ok_or(unknown)?;
        if consent.fiu != self.fiu.entity.id {
            return Err(Problem::NotYours("the consent belongs to another organisation".to_owned()));
        }
        Ok((consent, filing))
    }
}
