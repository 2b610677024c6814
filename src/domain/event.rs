//! Events: the facts that change a world. Applying all events to an empty state rebuilds the state.
//! The table below is their only definition: name and content.

use std::sync::Arc;

use crate::domain::account::Account;
use crate::domain::command_arguments::{Party, TimingOverride};
use crate::domain::consent::{Consent, Status};
use crate::domain::customer::PendingLink;
use crate::domain::ids::{ConsentHandle, ConsentId};
use crate::domain::ledger_changes::ChangedTransaction;
use crate::domain::naming::named_enum;
use crate::domain::notification::NotificationContent;
use crate::domain::persona::PersonaInstance;
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::domain::unaport::{AnalyticsResult, ConsentTemplate};

named_enum! {
    /// One fact about a consent or a customer.
    #[derive(Clone, Debug)]
    Event,
    /// Names of the events in scenario rules, the journal and reports.
    EventName {
        ConsentRaised = "consent.raised" {
            consent: Arc<Consent>,
        }
        ConsentApproved = "consent.ready" {
            handle: ConsentHandle,
            consent_id: ConsentId,
            accounts: Arc<[Account]>,
            /// The consent id of each FIP's artefact.
            fips: Arc<[(Arc<str>, ConsentId)]>,
        }
        ConsentActivated = "consent.active" {
            handle: ConsentHandle,
            /// Time of the first scheduled fetch, if the consent has any.
            next_run_at: Option<Timestamp>,
        }
        ConsentRejected = "consent.rejected" {
            handle: ConsentHandle,
        }
        ConsentFailed = "consent.failed" {
            handle: ConsentHandle,
        }
        ConsentPaused = "consent.paused" {
            handle: ConsentHandle,
        }
        ConsentResumed = "consent.resumed" {
            handle: ConsentHandle,
        }
        ConsentRevoked = "consent.revoked" {
            handle: ConsentHandle,
            by: Party,
        }
        ConsentExpired = "consent.expired" {
            handle: ConsentHandle,
        }
        /// Data was requested; counts as one use of the consent.
        DataRequested = "fi.requested" {
            session: Arc<Session>,
            /// Time of the next scheduled fetch, if this request was one.
            next_run_at: Option<Timestamp>,
        }
        /// Accounts of the session have answered.
        DataPrepared = "fi.prepared" {
            session: Arc<Session>,
        }
        /// The FIU has fetched the data that was ready.
        DataFetched = "fi.fetched" {
            session: Arc<Session>,
        }
        /// The session's data expired before all of it was fetched.
        DataExpired = "fi.expired" {
            session: Arc<Session>,
        }
        /// Transactions of the session's accounts have changed since their FIPs answered. The
        /// session keeps its data; `session` describes the accounts for the notification.
        DataOutdated = "fi.outdated" {
            session: Arc<Session>,
        }
        /// The FIU is notified of the result of a session's analytics.
        AnalyticsReported = "analytics.reported" {
            handle: ConsentHandle,
            analytics: Arc<AnalyticsResult>,
        }
        /// A scenario sends the FIU a notification.
        NotificationScripted = "notification.scripted" {
            handle: ConsentHandle,
            content: NotificationContent,
        }
        /// The data timing or latency of the consent was overridden.
        TimingChanged = "timing.changed" {
            handle: ConsentHandle,
            timing: TimingOverride,
        }
        /// Later visits to the AA about the consent end with a code, or none does any more.
        RedirectionScripted = "redirection.scripted" {
            handle: ConsentHandle,
            code: Option<RedirectionCode>,
        }
        TemplateSaved = "template.saved" {
            template: Arc<ConsentTemplate>,
        }
        /// The world keeps a record of the customer from now on; `accounts` are already linked.
        CustomerRegistered = "customer.registered" {
            customer: Arc<str>,
            accounts: Arc<[Account]>,
        }
        /// The customer's accounts follow this persona from now on; existing consents keep theirs.
        PersonaAssigned = "customer.persona_assigned" {
            customer: Arc<str>,
            persona: Arc<PersonaInstance>,
        }
        /// A bank account of the customer has one more transaction.
        TransactionAdded = "transaction.added" {
            transaction: Arc<ChangedTransaction>,
        }
        /// A transaction of a bank account has another content.
        TransactionChanged = "transaction.changed" {
            transaction: Arc<ChangedTransaction>,
        }
        /// A transaction of a bank account is withdrawn.
        TransactionRemoved = "transaction.removed" {
            transaction: Arc<ChangedTransaction>,
        }
        /// The customer has left the AA: accounts are delinked and consents are hidden.
        CustomerDeregistered = "customer.deregistered" {
            customer: Arc<str>,
        }
        /// The FIP is asked to link the accounts, which are removed from earlier pending links.
        LinkRequested = "account.link_requested" {
            link: Arc<PendingLink>,
        }
        /// The accounts are linked and are removed from pending links.
        AccountsLinked = "account.linked" {
            customer: Arc<str>,
            accounts: Arc<[Account]>,
        }
        /// The FIP does not link the accounts, which are removed from pending links.
        LinkRefused = "account.link_refused" {
            customer: Arc<str>,
            accounts: Arc<[Account]>,
        }
        AccountDelinked = "account.delinked" {
            customer: Arc<str>,
            link_ref: Box<str>,
        }
    }
}

impl EventName {
    /// Returns whether the event is about a consent, so that a rule of its scenario can react to
    /// it.
    pub const fn is_about_consent(self) -> bool {
        match self {
            Self::TemplateSaved
            | Self::CustomerRegistered
            | Self::PersonaAssigned
            | Self::TransactionAdded
            | Self::TransactionChanged
            | Self::TransactionRemoved
            | Self::CustomerDeregistered
            | Self::LinkRequested
            | Self::AccountsLinked
            | Self::LinkRefused
            | Self::AccountDelinked => false,
            Self::ConsentRaised
            | Self::ConsentApproved
            | Self::ConsentActivated
            | Self::ConsentRejected
            | Self::ConsentFailed
            | Self::ConsentPaused
            | Self::ConsentResumed
            | Self::ConsentRevoked
            | Self::ConsentExpired
            | Self::DataRequested
            | Self::DataPrepared
            | Self::DataFetched
            | Self::DataExpired
            | Self::DataOutdated
            | Self::AnalyticsReported
            | Self::NotificationScripted
            | Self::TimingChanged
            | Self::RedirectionScripted => true,
        }
    }

    /// Returns the status of the consent after the event; `None`: the event does not change it.
    pub const fn resulting_status(self) -> Option<Status> {
        match self {
            Self::ConsentRaised => Some(Status::Pending),
            Self::ConsentApproved => Some(Status::Ready),
            Self::ConsentActivated | Self::ConsentResumed => Some(Status::Active),
            Self::ConsentRejected => Some(Status::Rejected),
            Self::ConsentFailed => Some(Status::Failed),
            Self::ConsentPaused => Some(Status::Paused),
            Self::ConsentRevoked => Some(Status::Revoked),
            Self::ConsentExpired => Some(Status::Expired),
            Self::DataRequested
            | Self::DataPrepared
            | Self::DataFetched
            | Self::DataExpired
            | Self::DataOutdated
            | Self::AnalyticsReported
            | Self::NotificationScripted
            | Self::TimingChanged
            | Self::RedirectionScripted
            | Self::TemplateSaved
            | Self::CustomerRegistered
            | Self::PersonaAssigned
            | Self::TransactionAdded
            | Self::TransactionChanged
            | Self::TransactionRemoved
            | Self::CustomerDeregistered
            | Self::LinkRequested
            | Self::AccountsLinked
            | Self::LinkRefused
            | Self::AccountDelinked => None,
        }
    }
}

impl Event {
    /// Returns the handle of the consent that the event is about.
    pub fn consent_handle(&self) -> Option<ConsentHandle> {
        match self {
            Self::ConsentRaised { consent } => Some(consent.handle),
            Self::ConsentApproved { handle, .. }
            | Self::ConsentActivated { handle, .. }
            | Self::ConsentRejected { handle }
            | Self::ConsentFailed { handle }
            | Self::ConsentPaused { handle }
            | Self::ConsentResumed { handle }
            | Self::ConsentRevoked { handle, .. }
            | Self::ConsentExpired { handle }
            | Self::AnalyticsReported { handle, .. }
            | Self::NotificationScripted { handle, .. }
            | Self::TimingChanged { handle, .. }
            | Self::RedirectionScripted { handle, .. } => Some(*handle),
            Self::DataRequested { session, .. }
            | Self::DataPrepared { session }
            | Self::DataFetched { session }
            | Self::DataExpired { session }
            | Self::DataOutdated { session } => Some(session.handle),
            Self::TemplateSaved { .. }
            | Self::CustomerRegistered { .. }
            | Self::PersonaAssigned { .. }
            | Self::TransactionAdded { .. }
            | Self::TransactionChanged { .. }
            | Self::TransactionRemoved { .. }
            | Self::CustomerDeregistered { .. }
            | Self::LinkRequested { .. }
            | Self::AccountsLinked { .. }
            | Self::LinkRefused { .. }
            | Self::AccountDelinked { .. } => None,
        }
    }

    /// Returns the customer of an event that is not about a consent.
    pub fn customer(&self) -> Option<&Arc<str>> {
        match self {
            Self::CustomerRegistered { customer, .. }
            | Self::PersonaAssigned { customer, .. }
            | Self::CustomerDeregistered { customer }
            | Self::AccountsLinked { customer, .. }
            | Self::LinkRefused { customer, .. }
            | Self::AccountDelinked { customer, .. } => Some(customer),
            Self::LinkRequested { link } => Some(&link.customer),
            Self::TransactionAdded { transaction }
            | Self::TransactionChanged { transaction }
            | Self::TransactionRemoved { transaction } => Some(&transaction.customer),
            _ => None,
        }
    }

    /// Returns the data session after the event.
    pub fn session(&self) -> Option<&Arc<Session>> {
        match self {
            Self::DataRequested { session, .. }
            | Self::DataPrepared { session }
            | Self::DataFetched { session }
            | Self::DataExpired { session }
            | Self::DataOutdated { session } => Some(session),
            _ => None,
        }
    }

    /// Returns the status of the consent after the event; `None`: the event does not change it.
    pub fn resulting_status(&self) -> Option<Status> {
        self.name().resulting_status()
    }
}
