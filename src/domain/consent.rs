//! A consent: what was asked, what was granted, and the one table of its moves.

use std::sync::{Arc, OnceLock};

use crate::domain::account::{Account, FiType};
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::money::Paise;
use crate::domain::naming::wire_enum;
use crate::domain::persona::PersonaInstance;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::UnaportMetadata;
use crate::domain::version::{MajorVersion, RebitVersion};

wire_enum! {
    /// Where a consent stands. Outside spellings of the same thing differ by dialect (DESIGN §2).
    Status {
        /// Raised, not yet answered by the customer.
        Pending = "PENDING",
        /// Approved: the consent id exists, the artefact is not yet in force.
        Ready = "READY",
        Active = "ACTIVE",
        Paused = "PAUSED",
        Revoked = "REVOKED",
        Expired = "EXPIRED",
        Rejected = "REJECTED",
        /// The AA could not make the consent.
        Failed = "FAILED",
    }
}

wire_enum! {
    /// What can happen to a consent.
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
    /// The transition table; `None` is a refusal. ReBIT AA API 2.0.0 and the certification suite (handles and
    /// artefacts), merged into one life; READY between approval and force is Unaport's and 1.1.x's.
    ///
    /// `Assumption:` no source says whether a consent that is READY can be revoked or can expire: it can.
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

    /// What may happen now.
    pub fn legal_inputs(self) -> impl Iterator<Item = Input> {
        Input::ALL
            .iter()
            .copied()
            .filter(move |input| self.transition_on(*input).is_some())
    }
}

wire_enum! {
    /// How the FIU may hold what it gets (ReBIT AA API 2.0.0, `consentMode`).
    ConsentMode { View = "VIEW", Store = "STORE", Query = "QUERY", Stream = "STREAM" }
}

wire_enum! {
    /// Once, or again and again (ReBIT AA API 2.0.0, `fetchType`).
    FetchType { OneTime = "ONETIME", Periodic = "PERIODIC" }
}

wire_enum! {
    /// Which parts of an account are asked for (ReBIT AA API 2.0.0, `consentTypes`).
    ConsentType { Profile = "PROFILE", Summary = "SUMMARY", Transactions = "TRANSACTIONS" }
}

wire_enum! {
    /// Who the data is for (ReBIT AA API 2.0.0, `DataConsumer.type`).
    ConsumerType { Fiu = "FIU", User = "USER", Aa = "AA" }
}

wire_enum! {
    /// Unit of how long data may be kept (ReBIT AA API 2.0.0, `DataLife.unit`).
    DataLifeUnit { Month = "MONTH", Year = "YEAR", Day = "DAY", Inf = "INF" }
}

impl DataLifeUnit {
    /// When data that was got at `from` has lived for `value` units; `None`: never.
    pub fn expiry_from(self, from: Timestamp, value: u32) -> Option<Timestamp> {
        match self {
            Self::Inf => None,
            Self::Day => Some(from.saturating_add(Millis::from_secs(i64::from(value) * 86_400))),
            Self::Month => Some(from.saturating_add_months(value)),
            Self::Year => Some(from.saturating_add_months(value.saturating_mul(12))),
        }
    }
}

wire_enum! {
    /// Unit of how often data may be fetched (ReBIT AA API 2.0.0, `Frequency.unit`).
    FrequencyUnit { Hour = "HOUR", Day = "DAY", Month = "MONTH", Year = "YEAR", Inf = "INF" }
}

impl FrequencyUnit {
    /// When a window of one unit that began at `from` is over; `None`: there are no windows.
    pub fn window_end(self, from: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Inf => None,
            Self::Hour => Some(from.saturating_add(Millis::from_secs(3_600))),
            Self::Day => Some(from.saturating_add(Millis::from_secs(86_400))),
            Self::Month => Some(from.saturating_add_months(1)),
            Self::Year => Some(from.saturating_add_months(12)),
        }
    }
}

wire_enum! {
    /// Comparison of a data filter (ReBIT AA API 2.0.0, `DataFilter.operator`).
    FilterOperator { Equal = "=", NotEqual = "!=", Greater = ">", Less = "<", GreaterOrEqual = ">=", LessOrEqual = "<=" }
}

impl FilterOperator {
    pub fn is_satisfied_by<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Greater => left > right,
            Self::Less => left < right,
            Self::GreaterOrEqual => left >= right,
            Self::LessOrEqual => left <= right,
        }
    }
}

wire_enum! {
    /// Money in or money out.
    TransactionType { Credit = "CREDIT", Debit = "DEBIT" }
}

/// Which transactions the customer agrees to share; a filter removes rows, balances stay those of the whole ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFilter {
    pub operator: FilterOperator,
    pub criterion: FilterCriterion,
    /// The value as the FIU wrote it, echoed to the letter.
    pub value: Box<str>,
    /// Whether it was a JSON string; the seed's sample has a number.
    pub is_json_string: bool,
}

/// What a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterCriterion {
    Amount(Paise),
    Type(TransactionType),
}

impl DataFilter {
    pub fn matches_transaction(&self, amount: Paise, transaction_type: TransactionType) -> bool {
        match self.criterion {
            FilterCriterion::Amount(limit) => self.operator.is_satisfied_by(&amount, &limit),
            FilterCriterion::Type(wanted) => {
                self.operator.is_satisfied_by(&transaction_type, &wanted)
            }
        }
    }
}

/// Why the FIU asks (ReBIT AA API 2.0.0, `Purpose`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Purpose {
    pub code: Box<str>,
    pub ref_uri: Option<Box<str>>,
    pub text: Option<Box<str>>,
    pub category: Option<Box<str>>,
}

/// The verifiable data registry that an AA client names; the seed documents' addition to ReBIT.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VdrProvider {
    pub vdrp_id: Box<str>,
    pub fiu_id: Box<str>,
}

/// A span of instants, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// What the FIU asked the customer to agree to; never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub start: Timestamp,
    pub expiry: Timestamp,
    pub mode: ConsentMode,
    pub fetch_type: FetchType,
    pub consent_types: Box<[ConsentType]>,
    pub fi_types: Box<[FiType]>,
    /// The FIU's id as the request names it.
    pub consumer: Arc<str>,
    pub consumer_type: ConsumerType,
    /// The customer's address at the AA, `name@handle`.
    pub customer: Arc<str>,
    pub purpose: Arc<Purpose>,
    pub range: TimeRange,
    pub data_life: (DataLifeUnit, u32),
    pub frequency: (FrequencyUnit, u32),
    /// `None`: the request had no `DataFilter`; an empty one is kept as it came.
    pub filters: Option<Box<[DataFilter]>>,
    pub vdr_provider: Option<Arc<VdrProvider>>,
    /// The creating request's `txnid`; empty in a wish whose call has none: one is then drawn.
    pub txnid: Box<str>,
}

/// The dialect in which a consent was raised; its webhooks and defaults follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// What approval added. It does not exist before, so there is no consent id to leak.
#[derive(Clone, Debug)]
pub struct Grant {
    pub consent_id: ConsentId,
    pub approved_at: Timestamp,
    pub accounts: Arc<[Account]>,
    /// How often data was asked for under this consent, and when last.
    pub use_count: u32,
    pub last_used_at: Option<Timestamp>,
    /// Uses since the current window of the consent's frequency began.
    pub window: Option<FrequencyWindow>,
    /// The newest data session.
    pub session: Option<SessionId>,
    /// How often Unaport has asked for data by itself, when last, and when it will next; on its face only.
    pub run_count: u32,
    pub last_run_at: Option<Timestamp>,
    pub next_run_at: Option<Timestamp>,
    /// How often the FIU has come for data that was got under this consent.
    pub fetch_count: u32,
    /// One artefact for each FIP that holds a granted account.
    pub fips: Box<[FipArtefact]>,
    /// Signatures over the FIU's artefact, kept once made.
    pub signatures: CachedSignatures,
}

/// How often a consent was used in the window that its first use opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrequencyWindow {
    pub started_at: Timestamp,
    pub use_count: u32,
}

/// The artefact that a FIP gets: its own id, its own signature, its own accounts only
/// (`reference/rebit.md` §3.2).
#[derive(Clone, Debug)]
pub struct FipArtefact {
    pub fip: Arc<str>,
    pub consent_id: ConsentId,
    /// Over the payload of its `signedConsent`.
    pub signature: OnceLock<Box<[u8]>>,
}

/// An artefact's signatures are pure functions of the artefact, made on first need, outside every lock.
#[derive(Clone, Debug, Default)]
pub struct CachedSignatures {
    /// Over `ConsentDetail` as the seed face answers it.
    pub detail: OnceLock<Box<[u8]>>,
    /// Over the payload of ReBIT's `signedConsent`.
    pub artefact: OnceLock<Box<[u8]>>,
}

/// One step of a consent's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusChange {
    pub status: Status,
    pub at: Timestamp,
}

/// A consent and all that happened to it.
#[derive(Clone, Debug)]
pub struct Consent {
    pub handle: ConsentHandle,
    /// Counts from 1 in every world.
    pub number: u32,
    pub api: Api,
    /// The AA that keeps it.
    pub aa: Arc<str>,
    /// The participant that the consent belongs to: the registered FIU whose key raised it, or the default one.
    pub fiu: Arc<str>,
    pub terms: Arc<Terms>,
    /// Present on the Unaport face.
    pub metadata: Option<Arc<UnaportMetadata>>,
    pub status: Status,
    pub created_at: Timestamp,
    /// Present from READY on.
    pub grant: Option<Box<Grant>>,
    /// The customer has left the AA: the consent can no longer be seen or used by anybody outside, which is no state.
    pub hidden: bool,
    /// Whose life its accounts tell.
    pub persona: PersonaInstance,
    /// Oldest first, the last [`HISTORY_MAX`] moves.
    pub history: Vec<StatusChange>,
}

/// A consent that is paused and resumed for ever keeps only this many moves; the journal has them all while it
/// lasts.
pub const HISTORY_MAX: usize = 64;

impl Consent {
    /// The window of the frequency in which a use at this instant counts; `None`: it begins a new one.
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

    /// Whether data may be asked for once more (ReBIT AA API 2.0.0, `fetchType` and `Frequency`). A ONETIME consent
    /// is good for one request, whatever its frequency.
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

    /// When data is to be fetched again by itself after a fetch at this instant: PERIODIC consents of the Unaport face,
    /// `value` times per `unit` of their frequency, while they last.
    ///
    /// `Assumption:` the page has the field `nextRuntime` and no rule; with INF, which names no interval, data is fetched
    /// once.
    pub fn next_run(&self, now: Timestamp) -> Option<Timestamp> {
        let (unit, value) = self.terms.frequency;
        if self.api != Api::Unaport || self.terms.fetch_type != FetchType::Periodic {
            return None;
        }
        let interval = unit.window_end(now)?.duration_since(now).0 / i64::from(value.max(1));
        let next = now.saturating_add(Millis(interval));
        (next < self.terms.expiry && next > now).then_some(next)
    }

    /// The window after one more use.
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

    /// The consent's id as it is told: from READY on, but not for a consent that the AA could not make in the end.
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
        let format_row = |first: &str, cells: Vec<&str>| {
            let line = cells.iter().fold(format!("{first:9}"), |line, cell| {
                line + &format!(" {cell:9}")
            });
            line.trim_end().to_owned() + "\n"
        };
        let mut table = format_row(
            "from",
            Input::ALL.iter().map(|input| input.as_str()).collect(),
        );
        for status in Status::ALL {
            let format_next =
                |input: &Input| status.transition_on(*input).map_or("-", Status::as_str);
            table += &format_row(
                status.as_str(),
                Input::ALL.iter().map(format_next).collect(),
            );
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn four_states_are_terminal() {
        let terminal: Vec<_> = Status::ALL
            .iter()
            .filter(|status| status.legal_inputs().next().is_none())
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
