//! A consent: its terms, its grant, and the transition table of its status.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::domain::account::Account;
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::naming::wire_enum;
use crate::domain::persona::PersonaInstance;
use crate::domain::short_code::ShortCode;
use crate::domain::terms::{FetchType, FrequencyUnit, Terms};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::UnaportMetadata;
use crate::domain::version::{MajorVersion, RebitVersion};

wire_enum! {
    /// Status of a consent. The spelling on the wire differs by API
    /// (`docs/architecture.md#one-lifecycle`).
    Status {
        /// Raised; the customer has not answered yet.
        Pending = "PENDING",
        /// Approved: the consent id exists, the artefact is not yet in force.
        Ready = "READY",
        Active = "ACTIVE",
        Paused = "PAUSED",
        Revoked = "REVOKED",
        Expired = "EXPIRED",
        Rejected = "REJECTED",
        /// The AA could not create the consent.
        Failed = "FAILED",
    }
}

wire_enum! {
    /// Input of the consent's state machine.
    Input {
        Approve = "approve",
        Activate = "activate",
        Reject = "reject",
        Fail = "fail",
        Pause = "pause",
        Resume = "resume",
        Revoke = "revoke",
        Expire = "expire",
    }
}

impl Status {
    /// Returns the status after the input, or `None` if the transition is illegal. The table merges
    /// the handle states and the artefact states of ReBIT AA API 2.0.0 and the certification suite
    /// into one lifecycle (`docs/sources.md#consent-handle-states`,
    /// `docs/sources.md#consent-artefact-states`). READY between approval and activation comes from
    /// Unaport and ReBIT 1.1.x.
    ///
    /// `Assumption:` no source states whether a consent that is READY can be revoked or can expire:
    /// it can.
    pub const fn transition_on(self, input: Input) -> Option<Self> {
        use Input::{Activate, Approve, Expire, Fail, Pause, Reject, Resume, Revoke};
        use Status::{Active, Expired, Failed, Paused, Pending, Ready, Rejected, Revoked};
        match (self, input) {
            (Pending, Approve) => Some(Ready),
            (Pending, Reject) => Some(Rejected),
            (Pending | Ready, Fail) => Some(Failed),
            (Ready, Activate) | (Paused, Resume) => Some(Active),
            (Active, Pause) => Some(Paused),
            (Ready | Active | Paused, Revoke) => Some(Revoked),
            (Pending | Ready | Active | Paused, Expire) => Some(Expired),
            _ => None,
        }
    }

    /// Returns the inputs that are legal in this status.
    pub fn legal_inputs(self) -> impl Iterator<Item = Input> {
        Input::ALL
            .iter()
            .copied()
            .filter(move |input| self.transition_on(*input).is_some())
    }

    /// Returns whether no input is legal any more.
    pub fn is_final(self) -> bool {
        self.legal_inputs().next().is_none()
    }
}

/// The API through which a consent was raised; its webhooks and defaults follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Api {
    /// The two seed calls.
    Seed,
    Rebit(RebitVersion),
    Unaport,
}

impl Api {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Unaport => "unaport",
            Self::Rebit(version) => match version.major_version() {
                MajorVersion::V1 => "rebit-1",
                MajorVersion::V2 => "rebit-2",
            },
        }
    }
}

/// The data that approval adds to a consent. It does not exist before, so no consent id can leak.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Grant {
    pub consent_id: ConsentId,
    pub approved_at: Timestamp,
    pub accounts: Arc<[Account]>,
    /// Number of data requests under this consent.
    pub use_count: u32,
    /// Time of the last data request.
    pub last_used_at: Option<Timestamp>,
    /// The current window of the consent's frequency; `None`: no window has begun.
    pub window: Option<FrequencyWindow>,
    /// The newest data session.
    pub session: Option<SessionId>,
    /// Number of scheduled fetches; Unaport API only, as are the next two fields.
    pub run_count: u32,
    pub last_run_at: Option<Timestamp>,
    pub next_run_at: Option<Timestamp>,
    /// Number of times that the FIU has fetched data under this consent.
    pub fetch_count: u32,
    /// One artefact for each FIP that holds a granted account.
    pub fips: Box<[FipArtefact]>,
    /// Signatures over the FIU's artefact, computed once.
    #[serde(skip)]
    pub signatures: CachedSignatures,
}

impl Grant {
    /// Returns how often data was requested under this consent, by the FIU or by the AA in its place,
    /// and when last.
    pub fn data_requests(&self) -> (u32, Option<Timestamp>) {
        let last = self.last_used_at.max(self.last_run_at);
        (self.use_count + self.run_count, last)
    }
}

/// Number of uses of a consent in the window that its first use opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrequencyWindow {
    pub started_at: Timestamp,
    pub use_count: u32,
}

/// The artefact that a FIP receives: it has its own id, its own signature, and only the accounts of
/// that FIP (`docs/sources.md#consent-artefact-states`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FipArtefact {
    pub fip: Arc<str>,
    pub consent_id: ConsentId,
    /// Signature over the payload of `signedConsent`.
    #[serde(skip)]
    pub signature: OnceLock<Box<[u8]>>,
}

/// Signatures of an artefact. They are pure functions of the artefact, computed on first use,
/// outside all locks.
#[derive(Clone, Debug, Default)]
pub struct CachedSignatures {
    /// Over `ConsentDetail` as the seed API returns it.
    pub detail: OnceLock<Box<[u8]>>,
    /// Over the payload of `signedConsent` (ReBIT).
    pub artefact: OnceLock<Box<[u8]>>,
}

/// One entry of a consent's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChange {
    pub status: Status,
    pub at: Timestamp,
}

/// A consent with its history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Consent {
    pub handle: ConsentHandle,
    /// Sequence number, from 1 in every world.
    pub number: u32,
    /// Code of its short link.
    pub short_code: ShortCode,
    pub api: Api,
    /// Id of the AA at which the consent was raised.
    pub aa: Arc<str>,
    /// Id of the participant that owns the consent: the registered FIU whose key raised it, or the
    /// default FIU.
    pub fiu: Arc<str>,
    pub terms: Arc<Terms>,
    /// Set for consents of the Unaport API only.
    pub metadata: Option<Arc<UnaportMetadata>>,
    pub status: Status,
    pub created_at: Timestamp,
    /// Set from READY on.
    pub grant: Option<Box<Grant>>,
    /// `true` once the customer has left the AA: no caller can see or use the consent any more.
    /// This is not a status.
    pub hidden: bool,
    /// Persona from which its accounts are generated.
    pub persona: PersonaInstance,
    /// Status changes, oldest first; the last [`HISTORY_MAX`] of them.
    pub history: Vec<StatusChange>,
}

/// Maximum length of a consent's history. Bounds the memory of a consent that is paused and resumed
/// many times; the journal keeps older changes until it evicts them.
pub(crate) const HISTORY_MAX: usize = 64;

impl Consent {
    /// Returns the frequency window in which a use at this instant counts; `None`: the use begins a
    /// new window.
    fn window_at(&self, grant: &Grant, now: Timestamp) -> Option<FrequencyWindow> {
        let window = grant.window?;
        let has_ended = self
            .terms
            .frequency
            .0
            .window_end(window.started_at)
            .is_none_or(|end| end <= now);
        (!has_ended).then_some(window)
    }

    /// Returns whether data may be requested again (ReBIT AA API 2.0.0, `fetchType` and
    /// `Frequency`). A ONETIME consent allows one request, whatever its frequency.
    ///
    /// `Assumption:` a window of the frequency begins with the first request in it.
    pub fn can_be_used(&self, grant: &Grant, now: Timestamp) -> bool {
        match (self.terms.fetch_type, self.terms.frequency) {
            (FetchType::OneTime, _) => grant.use_count == 0,
            (FetchType::Periodic, (FrequencyUnit::Inf, _)) => true,
            (FetchType::Periodic, (_, allowed)) => self
                .window_at(grant, now)
                .is_none_or(|window| window.use_count < allowed),
        }
    }

    /// Returns the time of the next scheduled fetch after a fetch at this instant. Only PERIODIC
    /// consents of the Unaport API have scheduled fetches: `value` times per `unit` of their
    /// frequency, until they expire.
    ///
    /// `Assumption:` Unaport documents the field `nextRuntime` without a rule; with INF, which has
    /// no interval, data is fetched once.
    pub fn next_run(&self, now: Timestamp) -> Option<Timestamp> {
        let (unit, value) = self.terms.frequency;
        if self.api != Api::Unaport || self.terms.fetch_type != FetchType::Periodic {
            return None;
        }
        let interval = unit.window_end(now)?.duration_since(now).0 / i64::from(value.max(1));
        let next = now.saturating_add(Millis(interval));
        (next < self.terms.expiry && next > now).then_some(next)
    }

    /// Returns the frequency window after one more use.
    pub fn window_after_use(&self, grant: &Grant, now: Timestamp) -> FrequencyWindow {
        match self.window_at(grant, now) {
            Some(window) => FrequencyWindow {
                use_count: window.use_count + 1,
                ..window
            },
            None => FrequencyWindow {
                started_at: now,
                use_count: 1,
            },
        }
    }

    /// Returns the consent id as callers see it: from READY on, but not for a FAILED consent.
    pub fn consent_id(&self) -> Option<ConsentId> {
        self.grant
            .as_ref()
            .filter(|_| self.status != Status::Failed)
            .map(|grant| grant.consent_id)
    }
}

#[cfg(test)]
mod tests {
    use super::{Input, Status};

    #[test]
    fn the_transition_table_is_the_documented_one() {
        let mut table = format_row("from", Input::ALL.iter().map(|input| input.as_str()));
        for status in Status::ALL {
            let cells = Input::ALL
                .iter()
                .map(|input| status.transition_on(*input).map_or("-", Status::as_str));
            table += &format_row(status.as_str(), cells);
        }
        insta::assert_snapshot!(table);
    }

    fn format_row<'a>(first: &str, cells: impl Iterator<Item = &'a str>) -> String {
        let line = cells.fold(format!("{first:9}"), |line, cell| {
            line + &format!(" {cell:9}")
        });
        line.trim_end().to_owned() + "\n"
    }

    #[test]
    fn four_states_are_terminal() {
        let terminal: Vec<_> = Status::ALL
            .iter()
            .filter(|status| status.is_final())
            .collect();
        assert_eq!(
            terminal,
            [
                &Status::Revoked,
                &Status::Expired,
                &Status::Rejected,
                &Status::Failed
            ]
        );
    }
}
