//! Commands: the changes that a caller, a scenario or a timer can request of a world. The engine
//! decides whether a command is accepted.

use std::sync::Arc;

use crate::domain::action::ConsentAction;
use crate::domain::command_arguments::{AccountStatuses, TimingOverride};
use crate::domain::consent::Api;
use crate::domain::ids::{ConsentHandle, LinkId, SessionId};
use crate::domain::key_exchange::PeerKey;
use crate::domain::ledger_changes::ChangeTransaction;
use crate::domain::notification::NotificationContent;
use crate::domain::persona::Persona;
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::session::{FiStatus, SessionAccount};
use crate::domain::terms::{Terms, TimeRange};
use crate::domain::unaport::{AnalyticsStatus, RelativeTerms, UnaportMetadata};

/// A request to change the state of a world.
#[derive(Clone, Debug)]
pub enum Command {
    RaiseConsent(RaiseConsent),
    TransitionConsent {
        handle: ConsentHandle,
        action: ConsentAction,
    },
    /// An FIU requests data.
    RequestData(RequestData),
    /// The FIPs answer a data session.
    DeliverData {
        handle: ConsentHandle,
        /// `None`: the newest session of the consent with pending accounts; if there is none, the
        /// AA opens a session.
        session: Option<SessionId>,
        statuses: AccountStatuses,
    },
    /// A FIP reports the status of its accounts in a session.
    ReportFipStatus(FipStatusReport),
    /// Unaport requests data on its schedule.
    RunScheduledFetch(ConsentHandle),
    /// An FIU fetches the data that is ready.
    FetchData(FetchData),
    /// An FIU fetches data that Unaport has fetched and stored for it.
    FetchStored(SessionId),
    /// The data life of a session's data has ended.
    ExpireSession(SessionId),
    SaveTemplate(SaveTemplate),
    /// The FIU is notified of the result of a session's analytics.
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
    /// The customer asks a FIP to link accounts; `accounts` are their `accRefNumber`s.
    LinkAccounts {
        customer: Arc<str>,
        fip: Arc<str>,
        accounts: Vec<Box<str>>,
        on_pending_link: OnPendingLink,
    },
    /// The customer enters a one-time password.
    VerifyLink {
        customer: Arc<str>,
        link: LinkId,
        token: Box<str>,
        /// The references of the accounts that the FIP refuses to link.
        refused: Vec<Box<str>>,
    },
    /// A FIP with DIRECT linking confirms that an account is linked.
    ConfirmLink(ConfirmLink),
    DelinkAccount {
        customer: Arc<str>,
        link_ref: Box<str>,
    },
    /// Assigns the persona from which the customer's accounts are generated from now on.
    AssignPersona {
        customer: Arc<str>,
        persona: Arc<Persona>,
    },
    /// Adds, changes or withdraws a transaction of a bank account of the customer.
    ChangeTransaction(ChangeTransaction),
    /// Links all accounts of the customer at the FIP at once, without a one-time password.
    LinkAllAccounts {
        customer: Arc<str>,
        /// `None`: at every FIP.
        fip: Option<Arc<str>>,
    },
    /// Removes the links of all accounts of the customer at the FIP.
    DelinkAllAccounts {
        customer: Arc<str>,
        fip: Option<Arc<str>>,
    },
    /// Sends the FIU a notification that need not match the state.
    SendScriptedNotification {
        handle: ConsentHandle,
        content: NotificationContent,
    },
    /// Sends the FIU the notification about the newest data session of a consent again, under another
    /// id.
    RepeatDataNotification {
        handle: ConsentHandle,
    },
    /// Overrides the data timing or the response latency of one consent.
    SetTiming {
        handle: ConsentHandle,
        timing: TimingOverride,
    },
    /// Ends later visits to the AA about this consent with a code; `None` ends none.
    ScriptRedirection {
        handle: ConsentHandle,
        code: Option<RedirectionCode>,
    },
}

/// The treatment of a request to link an account that is part of a pending request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnPendingLink {
    Refuse,
    /// The new request takes the account over.
    Replace,
}

/// The treatment of a message whose `txnid` an earlier message of its sender has used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRepeatedTxnid {
    Refuse,
    /// Accepts the message, with a note in the journal.
    Note,
}

/// A validated request for data.
#[derive(Clone, Debug)]
pub struct RequestData {
    pub handle: ConsentHandle,
    pub range: TimeRange,
    /// The key material with which the data is encrypted for the FIU.
    pub key: Arc<PeerKey>,
    pub txnid: Box<str>,
    pub on_repeated_txnid: OnRepeatedTxnid,
}

/// A request for the data of some accounts of a session.
#[derive(Clone, Debug)]
pub struct FetchData {
    pub session: SessionId,
    pub fip: Option<Box<str>>,
    /// Accounts by `linkRefNumber`; empty: all.
    pub link_refs: Vec<Box<str>>,
}

impl FetchData {
    /// Returns whether the request covers the account.
    pub fn matches_account(&self, account: &SessionAccount) -> bool {
        self.fip.as_deref().is_none_or(|fip| *fip == *account.fip)
            && (self.link_refs.is_empty() || self.link_refs.contains(&account.link_ref))
    }
}

/// A FIP's report on its part of a session.
#[derive(Clone, Debug)]
pub struct FipStatusReport {
    /// The FIP's id of the session.
    pub session: SessionId,
    pub fip: Arc<str>,
    /// `true` if the FIP's own session has failed or expired; the AA's session has then failed too
    /// (Sahamati certification framework, session states).
    pub session_failed: bool,
    /// `linkRefNumber`, status and description.
    pub accounts: Vec<(Box<str>, FiStatus, Box<str>)>,
}

/// A FIP's confirmation that an account is linked (ReBIT AA API 2.0.0,
/// `AccountLinkStatusNotification`).
#[derive(Clone, Debug)]
pub struct ConfirmLink {
    pub customer: Arc<str>,
    pub fip: Arc<str>,
    pub account_ref: Box<str>,
    pub link_ref: Box<str>,
}

/// A validated consent request.
#[derive(Clone, Debug)]
pub struct RaiseConsent {
    pub terms: Terms,
    pub api: Api,
    /// Id of the AA at which the consent is raised.
    pub aa: Arc<str>,
    /// Id of the FIU that owns the consent.
    pub fiu: Arc<str>,
    /// Set for the Unaport API only.
    pub metadata: Option<UnaportMetadata>,
    /// Name of a scenario that the caller asked for; `None`: scenario selection decides.
    pub scenario: Option<Box<str>>,
    /// Persona that the scenario sets for the consent's accounts.
    pub persona: Option<Arc<Persona>>,
    pub on_repeated_txnid: OnRepeatedTxnid,
}

/// A validated consent template.
#[derive(Clone, Debug)]
pub struct SaveTemplate {
    pub name: Box<str>,
    /// The FIU whose organisation owns the template.
    pub fiu: Arc<str>,
    pub terms: RelativeTerms,
}
