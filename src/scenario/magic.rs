//! The magic customers: mobile numbers whose consents play a known story, at any `@handle`, without any file. This
//! one table feeds behaviour, `mockaa magic` and the documentation.

use crate::domain::command::{Choice, Party, Verb};
use crate::domain::session::Progression;
use crate::domain::time::Span;
use crate::domain::unaport::FetchQuirks;
use crate::scenario::plan::{Action, Plan, Step};

/// A number and its story.
#[derive(Clone, Copy, Debug)]
pub struct Magic {
    /// The part of the customer's address before the `@`.
    pub number: &'static str,
    /// What happens, for people.
    pub story: &'static str,
    /// Moves, each so long after the consent was raised.
    moves: &'static [(Span, Verb)],
}

const APPROVE: Verb = Verb::Approve { hold: false, accounts: Choice::All };
const REVOKE: Verb = Verb::Revoke { by: Party::Customer };
const AT_ONCE: Span = Span::ZERO;

/// `reference/mock-servers.md` §5.3; times by DESIGN §5, counted from the consent's ACTIVE, which comes at once.
pub const MAGIC: &[Magic] = &[
    Magic { number: "9999999001", story: "approved at once, all data READY", moves: &[(AT_ONCE, APPROVE)] },
    Magic { number: "9999999002", story: "rejected at once", moves: &[(AT_ONCE, Verb::Reject)] },
    Magic { number: "9999999003", story: "never answered: PENDING until consentExpiry", moves: &[] },
    Magic {
        number: "9999999004",
        story: "approved, revoked by the customer 5 s later",
        moves: &[(AT_ONCE, APPROVE), (Span::seconds(5), REVOKE)],
    },
    Magic {
        number: "9999999005",
        story: "approved, paused 5 s later, resumed 10 s after approval",
        moves: &[(AT_ONCE, APPROVE), (Span::seconds(5), Verb::Pause), (Span::seconds(10), Verb::Resume)],
    },
    Magic {
        number: "9999999006",
        story: "unanswered, the request expires 10 s after it was raised",
        moves: &[(Span::seconds(10), Verb::Expire)],
    },
    Magic {
        number: "9999999007",
        story: "approved at once, expires at its consentExpiry",
        moves: &[(AT_ONCE, APPROVE)],
    },
];

/// The magic customer behind an address.
pub fn find(customer: &str) -> Option<&'static Magic> {
    let (number, _) = customer.split_once('@')?;
    MAGIC.iter().find(|magic| magic.number == number)
}

impl Magic {
    pub fn plan(&self) -> Plan {
        let step = |(at, verb): &(Span, Verb)| Step {
            at: *at,
            action: Action::Move(verb.clone()),
            origin: format!("{} after {} ms", verb.input(), at.0),
        };
        Plan {
            name: format!("magic {}", self.number),
            push_data: None,
            data: Some(Progression::Immediate),
            fetch_quirks: FetchQuirks::default(),
            steps: self.moves.iter().map(step).collect(),
            rules: Vec::new(),
            delivers_on_seed: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAGIC, find};

    #[test]
    fn a_number_is_magic_at_any_handle_and_only_whole() {
        assert_eq!(find("9999999002@onemoney").map(|magic| magic.number), Some("9999999002"));
        for customer in ["9999999002", "99999990021@x", "09999999002@x", "9999999021@x", "@x"] {
            assert!(find(customer).is_none(), "{customer}");
        }
    }

    #[test]
    fn numbers_are_unique_and_in_order() {
        assert!(MAGIC.is_sorted_by(|a, b| a.number < b.number));
    }
}
