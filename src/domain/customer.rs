//! A customer of the AA, and the accounts that are linked or about to be.

use std::sync::Arc;

use crate::domain::account::Account;
use crate::domain::ids::LinkId;
use crate::domain::participants::Linking;
use crate::domain::time::{Span, Timestamp};

/// The one-time passwords that simulated FIPs send (Sahamati's own simulator takes them too,
/// `reference/rebit.md` §4.5).
pub const TOKENS: [&str; 2] = ["123456", "1234"];

/// How long a one-time password is good for, in world time.
///
/// `Assumption:` no source has a number.
pub const TOKEN_LIFE: Span = Span::seconds(10 * 60);

/// A customer about whom something has been said. Whoever has not been mentioned is registered and has one account of
/// every kind linked, so that a consent can be approved without ceremony.
#[derive(Clone, Debug, Default)]
pub struct Customer {
    pub registered: bool,
    pub accounts: Vec<Account>,
    /// Links that wait for a password or for the FIP's word.
    pub pending: Vec<Arc<Link>>,
}

/// A wish to link accounts of one FIP (ReBIT FIP API 2.0.0, `AccLinkRequest` and `AccLinkResponse`).
#[derive(Clone, Debug)]
pub struct Link {
    /// `RefNumber` of the answer.
    pub id: LinkId,
    pub customer: Arc<str>,
    pub fip: Arc<str>,
    pub linking: Linking,
    pub accounts: Arc<[Account]>,
    /// The password is good until then, in world time.
    pub expires_at: Timestamp,
}

impl Link {
    /// Whether it can still be completed. A FIP that authenticates by itself takes its time.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.linking == Linking::Direct || now < self.expires_at
    }

    /// The wish without these accounts; `None` when nothing is left of it.
    pub fn without(self: &Arc<Self>, done: &[Account]) -> Option<Arc<Self>> {
        let same = |one: &Account| {
            done.iter()
                .any(|other| other.is(&one.fip, &one.account_ref))
        };
        if !self.accounts.iter().any(same) {
            return Some(Arc::clone(self));
        }
        let accounts: Arc<[Account]> = self
            .accounts
            .iter()
            .filter(|account| !same(account))
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
