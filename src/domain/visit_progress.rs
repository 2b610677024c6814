//! How far a customer's visit to the AA has come, and the code with which it ends without an answer
//! (aa-redirection-standards 1.5.0, error codes; `docs/sources.md#web-redirection`).

use crate::domain::redirection_code::RedirectionCode;

/// The step of a visit that ends without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VisitStep {
    SignIn,
    /// Too many wrong one-time passwords of the AA.
    Locked,
    /// The banks that were asked have no account that can be linked.
    NothingFound(NothingFound),
    /// Accounts are found, and none was chosen for linking.
    AccountsFound,
    /// Accounts were chosen for linking, and no consent can be given with what is linked.
    Linking(LinkingTally),
    /// The customer can answer, or waits for banks.
    Review,
}

/// The reason for which no account was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NothingFound {
    /// The one bank that the FIU named has no account.
    AtNamedBank,
    /// The one bank that the FIU named failed.
    NamedBankFailed,
    AtChosenBanks,
}

/// The banks of one request to link accounts, by their outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LinkingTally {
    /// Banks that linked accounts.
    pub linked: usize,
    /// Banks that refused an account after the right password.
    pub refused: usize,
    /// Banks that got a wrong password and no right one.
    pub wrong: usize,
}

/// The way in which a visit ends without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VisitEnd {
    Left,
    TimedOut,
}

impl VisitStep {
    /// Returns the code with which a visit ends at this step. `unanswered` is the FIU's code for a
    /// customer who leaves where the standard has none.
    ///
    /// `Assumption:` a time-out counts as that of the session (6) at steps for which the standard
    /// has no code of their own.
    pub(crate) fn end_code(self, end: VisitEnd, unanswered: RedirectionCode) -> RedirectionCode {
        const TIMEOUT: u64 = 6;
        let (left, timed_out) = match self {
            Self::Locked => (4, 4),
            Self::SignIn | Self::Review => (unanswered.into(), TIMEOUT),
            Self::NothingFound(NothingFound::AtNamedBank) => (7, TIMEOUT),
            Self::NothingFound(NothingFound::NamedBankFailed) => (8, TIMEOUT),
            Self::NothingFound(NothingFound::AtChosenBanks) => (9, TIMEOUT),
            Self::AccountsFound => (11, 10),
            Self::Linking(tally) => match tally {
                LinkingTally {
                    wrong: 0,
                    refused: 0,
                    ..
                } => (12, 13),
                LinkingTally {
                    wrong: 0,
                    linked: 0,
                    ..
                } => (16, 16),
                LinkingTally { wrong: 0, .. } => (19, 19),
                LinkingTally { linked: 0, .. } => (14, 15),
                LinkingTally { .. } => (17, 18),
            },
        };
        let number = match end {
            VisitEnd::Left => left,
            VisitEnd::TimedOut => timed_out,
        };
        RedirectionCode::from_number(number).expect("the codes of the table exist")
    }
}

#[cfg(test)]
mod tests {
    use super::{LinkingTally, NothingFound, VisitEnd, VisitStep};
    use crate::domain::redirection_code::RedirectionCode;

    #[test]
    fn each_step_has_the_codes_of_the_standard() {
        let tally = |linked, refused, wrong| {
            VisitStep::Linking(LinkingTally {
                linked,
                refused,
                wrong,
            })
        };
        for (step, left, timed_out) in [
            (VisitStep::SignIn, 20, 6),
            (VisitStep::Locked, 4, 4),
            (VisitStep::NothingFound(NothingFound::AtNamedBank), 7, 6),
            (VisitStep::NothingFound(NothingFound::NamedBankFailed), 8, 6),
            (VisitStep::NothingFound(NothingFound::AtChosenBanks), 9, 6),
            (VisitStep::AccountsFound, 11, 10),
            (tally(0, 0, 0), 12, 13),
            (tally(0, 0, 2), 14, 15),
            (tally(0, 2, 0), 16, 16),
            (tally(1, 0, 1), 17, 18),
            (tally(1, 1, 0), 19, 19),
            (VisitStep::Review, 20, 6),
        ] {
            for (end, code) in [(VisitEnd::Left, left), (VisitEnd::TimedOut, timed_out)] {
                let actual = step.end_code(end, RedirectionCode::UNKNOWN);
                assert_eq!(u64::from(actual), code, "{step:?} {end:?}");
            }
        }
    }
}
