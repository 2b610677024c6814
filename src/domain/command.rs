//! What a caller, a scenario or a clock may ask of a world. The engine decides.

use std::sync::Arc;

use crate::domain::account::{Account, FiType};
use crate::domain::api_fault::Latency;
use crate::domain::consent::{Api, Input, Terms, TimeRange};
use crate::domain::ids::{ConsentHandle, LinkId, SessionId};
use crate::domain::key_exchange::PeerKey;
use crate::domain::naming::wire_enum;
use crate::domain::notification::NotificationContent;
use crate::domain::persona::Persona;
use crate::domain::session::{DataTiming, FiStatus, SessionAccount};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::{AnalyticsStatus, RelativeTerms, UnaportMetadata};

/// A wish to change something.
#[derive(Clone, Debug)]
pub enum Command {
    RaiseConsent(RaiseConsent),
    TransitionConsent {
        handle: ConsentHandle,
        action: ConsentAction,
    },
    /// An FIU asks for data.
    RequestData(RequestData),
    /// The FIPs answer a data session.
    DeliverData {
        handle: ConsentHandle,
        /// `None`: the consent's newest one that waits for answers; where none does, the AA opens one by itself.
        session: Option<SessionId>,
        statuses: AccountStatuses,
    },
    /// A FIP says how its accounts of a session fare.
    ReportFipStatus(FipStatusReport),
    /// Unaport asks for data by itself.
    RunScheduledFetch(ConsentHandle),
    /// An FIU takes what is ready.
    FetchData(FetchData),
    /// An FIU takes what Unaport has fetched for it.
    FetchStored(SessionId),
    /// A session's data has been kept for as long as it may be.
    ExpireSession(SessionId),
    SaveTemplate(SaveTemplate),
    /// The FIU is to be told how the analytics of a session went.
    ReportAnalytics {
        session: SessionId,
        status: AnalyticsStatus,
    },
    RegisterCustomer {
        customer: Arc<str>,
    },
    DeregisterCustomer {
        customer: Arc<str>,
    },
    /// The customer asks a FIP to link accounts; `accounts` are the FIP's names for them.
    LinkAccounts {
        customer: Arc<str>,
        fip: Arc<str>,
        accounts: Vec<Box<str>>,
    },
    /// The customer enters a one-time password.
    VerifyLink {
        customer: Arc<str>,
        link: LinkId,
        token: Box<str>,
    },
    /// A FIP that authenticates customers by itself says that an account is linked.
    ConfirmLink(ConfirmLink),
    DelinkAccount {
        customer: Arc<str>,
        link_ref: Box<str>,
    },
    /// All accounts that the customer holds there are linked at once, without a password.
    /// From now on the customer lives this persona.
    AssignPersona {
        customer: Arc<str>,
        persona: Arc<Persona>,
    },
    LinkAllAccounts {
        customer: Arc<str>,
        /// `None`: at every FIP.
        fip: Option<Arc<str>>,
    },
    /// All accounts that are linked there are no longer.
    DelinkAllAccounts {
        customer: Arc<str>,
        fip: Option<Arc<str>>,
    },
    /// The FIU is told something, whether it is so or not.
    SendScriptedNotification {
        handle: ConsentHandle,
        content: NotificationContent,
    },
    /// From now on the consent's data, or answers about it, take another time.
    SetTiming {
        handle: ConsentHandle,
        timing: TimingOverride,
    },
}

/// How fast things go for one consent, where somebody has set that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimingOverride {
    /// When FIPs answer.
    pub data: Option<DataTiming>,
    /// How long answers about the consent take, in wall time.
    pub latency: Option<Latency>,
}

impl TimingOverride {
    /// This one, and what it leaves open as before.
    #[must_use]
    pub fn with_fallback(self, previous: Self) -> Self {
        Self {
            data: self.data.or(previous.data),
            latency: self.latency.or(previous.latency),
        }
    }
}

/// A validated request for data.
#[derive(Clone, Debug)]
pub struct RequestData {
    pub handle: ConsentHandle,
    pub range: TimeRange,
    /// What the FIU wants the data encrypted to.
    pub key: Arc<PeerKey>,
    pub txnid: Box<str>,
}

/// Which of a session's accounts an FIU wants.
#[derive(Clone, Debug)]
pub struct FetchData {
    pub session: SessionId,
    pub fip: Option<Box<str>>,
    /// Empty: all.
    pub link_refs: Vec<Box<str>>,
}

impl FetchData {
    /// Whether the account is among them.
    pub fn matches_account(&self, account: &SessionAccount) -> bool {
        self.fip.as_deref().is_none_or(|fip| *fip == *account.fip)
            && (self.link_refs.is_empty() || self.link_refs.contains(&account.link_ref))
    }
}

/// How the accounts of a session answer: by name, else by FIP, else by default. Who is not mentioned says nothing yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountStatuses {
    pub default: Option<FiStatus>,
    pub by_fip: Vec<(Box<str>, FiStatus)>,
    /// By `linkRefNumber`.
    pub by_account: Vec<(Box<str>, FiStatus)>,
    /// Of the FIP that a session of several FIPs names last.
    pub last_fip: Option<FiStatus>,
}

impl AccountStatuses {
    /// Every account answers so.
    pub fn uniform_status(status: FiStatus) -> Self {
        Self {
            default: Some(status),
            ..Self::default()
        }
    }

    /// Who is named says this; of the others nothing is said, unless nobody is named: then all are READY.
    pub fn with_overrides(
        default: Option<FiStatus>,
        by_fip: Vec<(Box<str>, FiStatus)>,
        by_account: Vec<(Box<str>, FiStatus)>,
    ) -> Self {
        let has_no_overrides = by_fip.is_empty() && by_account.is_empty();
        let default = default.or(has_no_overrides.then_some(FiStatus::Ready));
        Self {
            default,
            by_fip,
            by_account,
            last_fip: None,
        }
    }

    /// What one of a session's accounts answers. Who is said to be PENDING says nothing yet.
    pub fn status_for(
        &self,
        account: &SessionAccount,
        session: &[SessionAccount],
    ) -> Option<FiStatus> {
        let find_status = |list: &[(Box<str>, FiStatus)], name: &str| {
            list.iter()
                .find(|(known, _)| &**known == name)
                .map(|(_, status)| *status)
        };
        let is_last = || {
            let several = session.iter().any(|other| other.fip != account.fip);
            several && session.last().is_some_and(|last| last.fip == account.fip)
        };
        let status = find_status(&self.by_account, &account.link_ref)
            .or_else(|| find_status(&self.by_fip, &account.fip))
            .or_else(|| self.last_fip.filter(|_| is_last()))
            .or(self.default);
        status.filter(|status| *status != FiStatus::Pending)
    }
}

/// A FIP's word about its part of a session.
#[derive(Clone, Debug)]
pub struct FipStatusReport {
    /// The session as the FIP knows it.
    pub session: SessionId,
    pub fip: Arc<str>,
    /// The FIP's own session has failed or has expired; then the AA's has failed
    /// (Sahamati certification framework, session states).
    pub session_failed: bool,
    /// `linkRefNumber`, status and description.
    pub accounts: Vec<(Box<str>, FiStatus, Box<str>)>,
}

/// A FIP's word that an account is linked (ReBIT AA API 2.0.0, `AccountLinkStatusNotification`).
#[derive(Clone, Debug)]
pub struct ConfirmLink {
    pub customer: Arc<str>,
    pub fip: Arc<str>,
    pub account_ref: Box<str>,
    pub link_ref: Box<str>,
}

/// Which of the linked accounts a consent is granted for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccountChoice {
    /// All of the kinds that were asked for.
    #[default]
    All,
    /// Those with these `linkRefNumber`s.
    ByLinkRef(Arc<[Box<str>]>),
    /// Those that are of all of this.
    Matching(Arc<AccountSelector>),
}

/// Which accounts, by what a scenario can know of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountSelector {
    /// Empty: at any FIP.
    pub fips: Box<[Box<str>]>,
    /// Empty: of any kind.
    pub fi_types: Box<[FiType]>,
    /// No more than that, in the order in which the customer is shown them.
    pub limit: Option<u32>,
}

impl AccountSelector {
    /// Those of the accounts that it means.
    pub fn select_from(&self, accounts: Vec<Account>) -> Vec<Account> {
        let matches_selector = |account: &Account| {
            (self.fips.is_empty() || self.fips.iter().any(|fip| **fip == *account.fip))
                && (self.fi_types.is_empty() || self.fi_types.contains(&account.fi_type))
        };
        let first = self.limit.map_or(usize::MAX, |first| {
            usize::try_from(first).unwrap_or(usize::MAX)
        });
        accounts
            .into_iter()
            .filter(matches_selector)
            .take(first)
            .collect()
    }
}

/// A validated consent request.
#[derive(Clone, Debug)]
pub struct RaiseConsent {
    pub terms: Terms,
    pub api: Api,
    /// The AA that is to keep it.
    pub aa: Arc<str>,
    /// The participant that it belongs to.
    pub fiu: Arc<str>,
    /// Of the Unaport face.
    pub metadata: Option<UnaportMetadata>,
    /// A scenario asked for by name; `None`: the usual rules choose.
    pub scenario: Option<Box<str>>,
    /// Whose life its accounts tell: the scenario's word, if it has one.
    pub persona: Option<Arc<Persona>>,
}

/// A validated consent template.
#[derive(Clone, Debug)]
pub struct SaveTemplate {
    pub name: Box<str>,
    /// The FIU whose organisation it belongs to.
    pub fiu: Arc<str>,
    pub terms: RelativeTerms,
}

/// A move, with what it needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsentAction {
    /// With `hold`, the consent stays READY until it is activated: a real race that breaks FIUs.
    Approve {
        hold: bool,
        accounts: AccountChoice,
    },
    Activate,
    Reject,
    Fail,
    Pause,
    Resume,
    Revoke {
        by: Party,
    },
    Expire,
}

wire_enum! {
    /// Who ended a consent.
    Party { Customer = "customer", Fiu = "fiu", Fip = "fip" }
}

impl ConsentAction {
    /// The column of the transition table that it stands for.
    pub const fn input(&self) -> Input {
        match self {
            Self::Approve { .. } => Input::Approve,
            Self::Activate => Input::Activate,
            Self::Reject => Input::Reject,
            Self::Fail => Input::Fail,
            Self::Pause => Input::Pause,
            Self::Resume => Input::Resume,
            Self::Revoke { .. } => Input::Revoke,
            Self::Expire => Input::Expire,
        }
    }

    /// The verb as it is used when nobody says more: approval takes force at once, the customer revokes.
    pub const fn with_defaults(input: Input) -> Self {
        match input {
            Input::Approve => Self::Approve {
                hold: false,
                accounts: AccountChoice::All,
            },
            Input::Activate => Self::Activate,
            Input::Reject => Self::Reject,
            Input::Fail => Self::Fail,
            Input::Pause => Self::Pause,
            Input::Resume => Self::Resume,
            Input::Revoke => Self::Revoke {
                by: Party::Customer,
            },
            Input::Expire => Self::Expire,
        }
    }
}

/// How far a world's clock is to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvanceTarget {
    By(Millis),
    To(Timestamp),
    /// Until nothing is due any more.
    UntilIdle,
}
