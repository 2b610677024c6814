//! Reasons for which the engine rejects a command. Each protocol maps them to its own status, code
//! and text (`docs/architecture.md#errors`).

use chrono::NaiveDate;
use thiserror::Error;

use crate::domain::consent::{Input, Status};
use crate::domain::ledger_changes::LEDGER_CHANGES_MAX;
use crate::domain::naming::suggest_name;
use crate::domain::terms::TimeRange;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;

/// The engine's rejection of a command. The state has not changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("no consent has the handle {0}; list them with GET /_mockaa/v1/consents")]
    UnknownHandle(String),
    #[error("no consent has the id {0}; an id exists from approval on")]
    UnknownConsentId(String),
    #[error("cannot {input} a consent that is {status}; legal now: {}", format_legal_inputs(*.status))]
    IllegalTransition { status: Status, input: Input },
    #[error("data can be requested only while a consent is ACTIVE; it is {status}")]
    NotActive { status: Status },
    #[error("data can be requested from {start} on; the world's clock is at {now}")]
    NotStarted { start: Timestamp, now: Timestamp },
    #[error(
        "ConsentDetail.consentExpiry {expiry} is not after the world's clock, {now}; raise the expiry, or start the world earlier with --clock"
    )]
    AlreadyExpired { expiry: Timestamp, now: Timestamp },
    #[error("the consent's use is exhausted: {0}")]
    FrequencyExhausted(String),
    #[error(
        "FIDataRange {} to {} is not within the consent's, {} to {}", .requested.from, .requested.to, .granted.from, .granted.to
    )]
    OutOfRange {
        requested: TimeRange,
        granted: TimeRange,
    },
    #[error(
        "txnid {} has been used for {made}; send each message under a new UUID", quote_value(.txnid)
    )]
    TxnidRepeated { txnid: String, made: String },
    #[error("no data session has the id {0}")]
    UnknownSession(String),
    #[error("the consent has no data session; notify of fi.status after fi.requested")]
    NoDataSession,
    #[error("data cannot be fetched while the consent is {status}")]
    FetchNotAllowed { status: Status },
    #[error("the session's data expired at {0}; request it again")]
    DataExpired(Timestamp),
    #[error("no account of the session {0} is waiting for an answer")]
    NoPendingAccount(String),
    #[error(
        "this session was opened by the AA itself, without key material; request data with POST /FI/request"
    )]
    NoKeyMaterial,
    #[error("fipId {} has no account in this session", quote_value(.0))]
    FipNotInSession(String),
    #[error("linkRefNumber {} is not an account of this session", quote_value(.0))]
    AccountNotInSession(String),
    #[error("no data is ready: {0}")]
    NoDataFound(String),
    #[error("the FIP is still preparing the data of account {0}; wait for the FI notification")]
    FetchInProgress(String),
    #[error("the customer {0} is not registered at this AA")]
    CustomerNotRegistered(String),
    #[error("the customer {0} is already registered")]
    AlreadyRegistered(String),
    #[error(
        "the customer {customer} has no linked account of the FI types {requested}; link one with POST /_mockaa/v1/customers/{customer}/link"
    )]
    NoGrantableAccount { customer: String, requested: String },
    #[error("{customer} has no account {} {place}", quote_value(.account))]
    UnknownAccount {
        customer: String,
        account: String,
        place: &'static str,
    },
    #[error(
        "analytics exist only in the Unaport API; this session's consent was raised in the API {0}"
    )]
    AnalyticsNotSupported(&'static str),
    #[error("{customer} has no account left to link{}", format_at_fip(.fip.as_ref()))]
    NoAccountToLink {
        customer: String,
        fip: Option<String>,
    },
    #[error("{customer} has no linked account{}", format_at_fip(.fip.as_ref()))]
    NoLinkedAccount {
        customer: String,
        fip: Option<String>,
    },
    #[error(
        "cannot resend a webhook that is {0}; wait until it has finished or is waiting for a retry"
    )]
    NotResendable(&'static str),
    #[error("no FIP has the id {0}")]
    UnknownFip(String),
    #[error("the account {} is already linked, or its link is pending", quote_value(.0))]
    AlreadyLinked(String),
    #[error("linkRefNumber {} belongs to another account of the customer", quote_value(.0))]
    LinkRefTaken(String),
    #[error("no pending link has the reference {0}")]
    UnknownLink(String),
    #[error("InvalidLinkToken: the token is wrong; the simulated FIPs accept 123456 and 1234")]
    InvalidLinkToken,
    #[error("LinkTokenExpired: the token expired at {0}; link the accounts again")]
    LinkTokenExpired(Timestamp),
    #[error("unknown scenario {}; {}", quote_value(.name), suggest_name(name, known.iter().map(String::as_str)))]
    UnknownScenario { name: String, known: Vec<String> },
    #[error(
        "the time of the transaction, {at}, is in the future: the world's clock is at {now}; name an earlier time, or advance the clock first"
    )]
    TransactionInFuture { at: Timestamp, now: Timestamp },
    #[error(
        "the time of the transaction, {at}, is before the account was opened on {opened_on}; name a later time"
    )]
    TransactionBeforeOpening {
        at: Timestamp,
        opened_on: NaiveDate,
        /// The time was given in days before now.
        is_relative: bool,
    },
    #[error(
        "account {} is of the FI type {fi_type}; only DEPOSIT accounts have transactions that can be listed and changed", quote_value(.account)
    )]
    NotABankAccount {
        account: String,
        fi_type: &'static str,
    },
    #[error(
        "{0} has no DEPOSIT account, whose transactions can be listed and changed; assign a persona with one"
    )]
    NoBankAccount(String),
    #[error("{customer} has no transaction {transaction}{}; the txnIds are in the statements that an FIU fetches", format_in_account(.account.as_ref()))]
    UnknownTransaction {
        customer: String,
        transaction: String,
        account: Option<String>,
    },
    #[error("the accounts {} have a transaction {transaction}; name the account", .accounts.join(" and "))]
    AmbiguousTransaction {
        transaction: String,
        accounts: Vec<String>,
    },
    #[error(
        "the transaction {0} has these values already; send at least one field with another value"
    )]
    TransactionUnchanged(Box<str>),
    #[error(
        "the account {account} has {LEDGER_CHANGES_MAX} added or changed transactions, the maximum; reset the world"
    )]
    TooManyTransactions { account: String },
    #[error("the outbox holds {0} undelivered webhooks; wait, or reset the world")]
    OutboxFull(usize),
}

impl Rejection {
    /// Returns the field of a change of transactions that is at fault.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::TransactionBeforeOpening {
                is_relative: true, ..
            } => Some("daysAgo"),
            Self::TransactionInFuture { .. } | Self::TransactionBeforeOpening { .. } => {
                Some("transactionTimestamp")
            }
            Self::NotABankAccount { .. } | Self::AmbiguousTransaction { .. } => Some("account"),
            Self::UnknownTransaction { .. } => Some("txnId"),
            _ => None,
        }
    }
}

fn format_at_fip(fip: Option<&String>) -> String {
    fip.map(|fip| format!(" at {fip}")).unwrap_or_default()
}

fn format_in_account(account: Option<&String>) -> String {
    let account = account.map(|account| format!(" in the account {}", quote_value(account)));
    account.unwrap_or_default()
}

fn format_legal_inputs(status: Status) -> String {
    let legal_inputs: Vec<_> = status.legal_inputs().map(Input::as_str).collect();
    if legal_inputs.is_empty() {
        "nothing, the state is final".to_owned()
    } else {
        legal_inputs.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::Rejection;
    use crate::domain::consent::{Input, Status};

    #[test]
    fn an_illegal_transition_lists_the_legal_inputs() {
        let rejection = Rejection::IllegalTransition {
            status: Status::Paused,
            input: Input::Approve,
        };
        assert_eq!(
            rejection.to_string(),
            "cannot approve a consent that is PAUSED; legal now: resume, revoke, expire"
        );
        let rejection = Rejection::IllegalTransition {
            status: Status::Revoked,
            input: Input::Pause,
        };
        assert_eq!(
            rejection.to_string(),
            "cannot pause a consent that is REVOKED; legal now: nothing, the state is final"
        );
    }
}
