//! The answers of banks (FIPs) while a customer looks for accounts and links them on the AA's pages.
//! A scenario or a fault sets them by the id of the FIP; without one, a bank answers at once.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::account::Account;
use crate::domain::naming::wire_enum;
use crate::domain::time::Millis;

/// The time that a bank with the outcome `slow` takes, in system time. It is longer than the wait
/// after which the page says that a bank does not answer.
const SLOW_DELAY: Millis = Millis::from_secs(15);

/// The system time after which the page says that a bank does not answer.
///
/// `Assumption:` no source gives a number.
const UNANSWERED_AFTER: Millis = Millis::from_secs(8);

wire_enum! {
    /// An outcome of the search for a customer's accounts at a bank.
    DiscoveryResult {
        /// The bank has no account of the customer (ReBIT, `NoAccountsFound`).
        None = "none",
        /// The bank answers as usual, after 15 s.
        Slow = "slow",
        /// The bank answers with an error.
        Error = "error",
        /// The bank does not recognise the customer (ReBIT, `CannotIdentifyCustomer`).
        UnknownCustomer = "unknown_customer",
    }
}

/// The answer of a bank that is asked for a customer's accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[schemars(inline)]
pub enum DiscoveryAnswer {
    Result(DiscoveryResult),
    /// The usual answer after a delay.
    Delayed {
        /// The delay, in system time.
        after: Millis,
    },
}

/// The state of the search at a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SearchState {
    /// The bank has not answered yet.
    Busy,
    /// The bank has not answered for so long that the page says so. It may still answer.
    Unanswered,
    /// The bank has told which accounts the customer has.
    Answered,
    Failed(DiscoveryResult),
}

impl SearchState {
    /// Returns whether the bank may still answer.
    pub(crate) fn is_waiting(self) -> bool {
        matches!(self, Self::Busy | Self::Unanswered)
    }
}

impl DiscoveryAnswer {
    /// Returns the state of a search after this system time.
    pub(crate) fn state_after(self, waited: Millis) -> SearchState {
        let delay = match self {
            Self::Result(DiscoveryResult::Slow) => SLOW_DELAY,
            Self::Delayed { after } => after,
            Self::Result(result) => return SearchState::Failed(result),
        };
        if waited >= delay {
            SearchState::Answered
        } else if waited >= UNANSWERED_AFTER {
            SearchState::Unanswered
        } else {
            SearchState::Busy
        }
    }
}

impl Default for DiscoveryAnswer {
    /// The usual answer, at once.
    fn default() -> Self {
        Self::Delayed {
            after: Millis::ZERO,
        }
    }
}

impl fmt::Display for DiscoveryAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Result(result) => result.fmt(f),
            Self::Delayed { after } => write!(f, "a delay of {} ms", after.0),
        }
    }
}

wire_enum! {
    /// An answer of a bank that is asked to link accounts, after the right one-time password.
    LinkingAnswer {
        /// The bank links none of the accounts.
        Refused = "refused",
        /// The bank links the first of the accounts only.
        Partial = "partial",
    }
}

impl LinkingAnswer {
    /// Returns the accounts that the bank does not link.
    pub fn refused_accounts(self, accounts: &[Account]) -> &[Account] {
        match self {
            Self::Refused => accounts,
            Self::Partial => accounts.get(1..).unwrap_or_default(),
        }
    }
}

/// The answers of banks, by FIP id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BankAnswers {
    pub discovery: BTreeMap<Box<str>, DiscoveryAnswer>,
    pub linking: BTreeMap<Box<str>, LinkingAnswer>,
}

impl BankAnswers {
    /// Adds answers, which replace earlier ones of the same banks.
    pub(crate) fn extend(&mut self, other: Self) {
        self.discovery.extend(other.discovery);
        self.linking.extend(other.linking);
    }

    /// Returns the ids of all FIPs that have an answer.
    pub fn fips(&self) -> impl Iterator<Item = &str> {
        self.discovery
            .keys()
            .chain(self.linking.keys())
            .map(|fip| &**fip)
    }
}

#[cfg(test)]
mod tests {
    use super::{DiscoveryAnswer, DiscoveryResult, SearchState};
    use crate::domain::time::Millis;

    #[test]
    fn a_slow_bank_is_said_not_to_answer_until_it_does() {
        let slow = DiscoveryAnswer::Result(DiscoveryResult::Slow);
        for (waited, state) in [
            (0, SearchState::Busy),
            (7_999, SearchState::Busy),
            (8_000, SearchState::Unanswered),
            (14_999, SearchState::Unanswered),
            (15_000, SearchState::Answered),
        ] {
            assert_eq!(slow.state_after(Millis(waited)), state, "{waited}");
        }
        let short = DiscoveryAnswer::Delayed { after: Millis(300) };
        assert_eq!(short.state_after(Millis(299)), SearchState::Busy);
        assert_eq!(short.state_after(Millis(300)), SearchState::Answered);
        let failure = DiscoveryAnswer::Result(DiscoveryResult::Error);
        let failed = SearchState::Failed(DiscoveryResult::Error);
        assert_eq!(failure.state_after(Millis(0)), failed);
    }
}
