//! A customer of the AA, and the accounts that are linked or about to be.

use std::sync::Arc;

use crate::domain::account::Account;
use crate::domain::ids::LinkId;
use crate::domain::participants::LinkingMethod;
use crate::domain::time::{Millis, Timestamp};

/// The one-time passwords that simulated FIPs send (Sahamati's own simulator takes them too,
/// `reference/rebit.md` §4.5).
pub const LINK_TOKENS: [&str; 2] = ["123456", "1234"];

/// How long a one-time password is good for, in world time.
///
/// `Assumption:` no source has a number.
pub const LINK_TOKEN_TTL: Millis = Millis::from_secs(10 * 60);

/// A customer about whom something has been said. Whoever has not been mentioned is registered and has one account of
/// every kind linked, so that a consent can be approved without ceremony.
#[derive(Clone, Debug, Default)]
pub struct Customer {
    pub registered: bool,
    pub accounts: Vec<Account>,
    /// Links that wait for a password or for the FIP's word.
    pub pending_links: Vec<Arc<PendingLink>>,
}

/// A wish to link accounts of one FIP (ReBIT FIP API 2.0.0, `AccLinkRequest` and `AccLinkResponse`).
#[derive(Clone, Debug)]
pub struct PendingLink {
    /// `RefNumber` of the answer.
    pub id: LinkId,
    pub customer: Arc<str>,
    pub fip: Arc<str>,
    pub linking: LinkingMethod,
    pub accounts: Arc<[Account]>,
    /// The password is good until then, in world time.
    pub expires_at: Timestamp,
}

impl PendingLink {
    /// Whether it can still be completed. A FIP that authenticates by itself takes its time.
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.linking == LinkingMethod::Direct || now < self.expires_at
    }

    /// The wish without these accounts; `None` when nothing is left of it.
    pub fn without_accounts(self: &Arc<Self>, linked: &[Account]) -> Option<Arc<Self>> {
        let is_linked = |account: &Account| {
            linked.iter().any(|linked_account| {
                linked_account.matches_ref(&account.fip, &account.account_ref)
            })
        };
        if !self.accounts.iter().any(is_linked) {
            return Some(Arc::clone(self));
        }
        let accounts: Arc<[Account]> = self
            .accounts
            .iter()
            .filter(|account| !is_linked(account))
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
