//! A customer of the AA with its linked accounts and pending links.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::account::Account;
use crate::domain::ids::LinkId;
use crate::domain::participants::LinkingMethod;
use crate::domain::time::{Millis, Timestamp};

/// One-time passwords that the simulated FIPs accept. Sahamati's simulator accepts them too
/// (`docs/sources.md#sahamati-simulator`).
pub(crate) const LINK_TOKENS: [&str; 2] = ["123456", "1234"];

/// Validity of a one-time password, in world time.
///
/// `Assumption:` no source states a number.
pub(crate) const LINK_TOKEN_TTL: Millis = Millis::from_secs(10 * 60);

/// A customer of which the world has a record. A customer without a record counts as registered and
/// has those accounts linked that its persona links by default, so that a consent can be approved
/// without preparation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Customer {
    pub registered: bool,
    pub accounts: Vec<Account>,
    /// Link requests that wait for a one-time password or for the FIP's confirmation.
    pub pending_links: Vec<Arc<PendingLink>>,
}

impl Customer {
    /// Removes accounts from the pending links.
    pub fn remove_pending(&mut self, accounts: &[Account]) {
        let pending = self.pending_links.iter();
        self.pending_links = pending
            .filter_map(|link| link.without_accounts(accounts))
            .collect();
    }
}

/// A pending request to link accounts of one FIP (ReBIT FIP API 2.0.0, `AccLinkRequest` and
/// `AccLinkResponse`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingLink {
    /// `RefNumber` of the response.
    pub id: LinkId,
    pub customer: Arc<str>,
    pub fip: Arc<str>,
    pub linking: LinkingMethod,
    pub accounts: Arc<[Account]>,
    /// End of the password's validity, in world time.
    pub expires_at: Timestamp,
}

impl PendingLink {
    /// Returns whether the request can still be completed. A FIP with DIRECT linking has no time
    /// limit.
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.linking == LinkingMethod::Direct || now < self.expires_at
    }

    /// Returns the request without the `linked` accounts; `None` if no account is left.
    pub fn without_accounts(self: &Arc<Self>, linked: &[Account]) -> Option<Arc<Self>> {
        if !self
            .accounts
            .iter()
            .any(|account| contains_account(linked, account))
        {
            return Some(Arc::clone(self));
        }
        let accounts: Arc<[Account]> = self
            .accounts
            .iter()
            .filter(|account| !contains_account(linked, account))
            .cloned()
            .collect();
        (!accounts.is_empty()).then(|| {
            Arc::new(Self {
                accounts,
                ..(**self).clone()
            })
        })
    }
}

fn contains_account(accounts: &[Account], account: &Account) -> bool {
    accounts
        .iter()
        .any(|other| other.matches_ref(&account.fip, &account.account_ref))
}
