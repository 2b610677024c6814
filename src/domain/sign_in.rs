//! The sign-in of a customer at the AA by a one-time password (OTP): how often it is sent, how long it
//! is valid, and how many tries it allows.
//!
//! The life of a password is in world time. The waits are in system time, since a frozen world would
//! never end them.

use crate::domain::customer::{LINK_TOKEN_TTL, LINK_TOKENS};
use crate::domain::time::{Millis, Timestamp};

/// The wrong tries that one password allows.
///
/// `Assumption:` Sahamati's guidelines for web SDKs allow at most 3; the other limits of this file
/// have no source.
pub(crate) const TRIES_MAX: u8 = 3;

/// The passwords that are sent before the sign-in is locked.
const SENDS_MAX: u8 = 3;

/// The wait between two passwords, in system time.
const RESEND_WAIT: Millis = Millis::from_secs(30);

/// The time for which a sign-in is locked, in system time.
const LOCK_TIME: Millis = Millis::from_secs(10 * 60);

/// Both clocks at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignInTime {
    pub world: Timestamp,
    pub system: Timestamp,
}

/// The progress of a sign-in.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignIn {
    sends: u8,
    tries: u8,
    sent_at: Option<SignInTime>,
    locked_at: Option<Timestamp>,
    is_complete: bool,
}

/// The reason for which no password was sent, or none was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignInError {
    /// The last password was sent too recently.
    TooSoon {
        wait: Millis,
    },
    Empty,
    /// A password has 4 to 6 digits.
    Format,
    Wrong {
        tries_left: u8,
    },
    Expired,
    /// The password allows no more tries, or none was sent.
    NoTriesLeft,
    Locked {
        wait: Millis,
    },
}

/// Replaces the digits of Devanagari, which Hindi keyboards type, by those of ASCII.
pub(crate) fn normalize_digits(text: &str) -> String {
    let letters = text.chars().map(|letter| match letter {
        '०'..='९' => char::from_digit(letter as u32 - '०' as u32, 10).unwrap_or(letter),
        _ => letter,
    });
    letters.collect()
}

/// Reads what a customer typed as a one-time password, of the AA or of a bank. Spaces do not count.
///
/// # Errors
/// [`SignInError::Empty`] and [`SignInError::Format`].
pub(crate) fn parse_password(text: &str) -> Result<String, SignInError> {
    let digits: String = normalize_digits(text).split_whitespace().collect();
    if digits.is_empty() {
        return Err(SignInError::Empty);
    }
    if !(4..=6).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SignInError::Format);
    }
    Ok(digits)
}

impl SignIn {
    /// Returns a sign-in that is not needed.
    pub(crate) fn complete() -> Self {
        Self {
            is_complete: true,
            ..Self::default()
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Returns whether a password has been sent.
    pub(crate) fn is_password_sent(&self) -> bool {
        self.sent_at.is_some()
    }

    /// Returns the number of passwords that have been sent, and of wrong tries of the last one.
    pub(crate) fn attempts(&self) -> (u8, u8) {
        (self.sends, self.tries)
    }

    pub(crate) fn is_locked(&self, now: SignInTime) -> bool {
        self.lock_wait(now).is_some()
    }

    /// Returns the rest of the time for which the sign-in is locked.
    fn lock_wait(&self, now: SignInTime) -> Option<Millis> {
        let waited = now.system.duration_since(self.locked_at?);
        (waited.0 < LOCK_TIME.0).then_some(Millis(LOCK_TIME.0 - waited.0))
    }

    /// Returns the rest of the wait before another password can be sent.
    pub(crate) fn resend_wait(&self, now: SignInTime) -> Option<Millis> {
        let waited = now.system.duration_since(self.sent_at?.system);
        (waited.0 < RESEND_WAIT.0).then_some(Millis(RESEND_WAIT.0 - waited.0))
    }

    fn check_lock(&mut self, now: SignInTime) -> Result<(), SignInError> {
        match self.lock_wait(now) {
            Some(wait) => Err(SignInError::Locked { wait }),
            None if self.locked_at.is_some() => {
                *self = Self::default();
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn lock(&mut self, now: SignInTime) -> SignInError {
        self.locked_at = Some(now.system);
        SignInError::Locked { wait: LOCK_TIME }
    }

    /// Sends a password; the one before it is no longer valid.
    ///
    /// # Errors
    /// [`SignInError::TooSoon`] and [`SignInError::Locked`].
    pub(crate) fn send(&mut self, now: SignInTime) -> Result<(), SignInError> {
        self.check_lock(now)?;
        if let Some(wait) = self.resend_wait(now) {
            return Err(SignInError::TooSoon { wait });
        }
        if self.sends == SENDS_MAX {
            return Err(self.lock(now));
        }
        self.sends += 1;
        self.tries = 0;
        self.sent_at = Some(now);
        Ok(())
    }

    /// Compares what the customer typed with the password.
    ///
    /// # Errors
    /// Each of [`SignInError`] but `TooSoon`. A text that cannot be a password is no try.
    pub(crate) fn verify(&mut self, text: &str, now: SignInTime) -> Result<(), SignInError> {
        if self.is_complete {
            return Ok(());
        }
        self.check_lock(now)?;
        let digits = parse_password(text)?;
        let sent_at = self.sent_at.ok_or(SignInError::NoTriesLeft)?;
        if self.tries == TRIES_MAX {
            return Err(SignInError::NoTriesLeft);
        }
        if now.world.duration_since(sent_at.world).0 >= LINK_TOKEN_TTL.0 {
            return Err(SignInError::Expired);
        }
        if LINK_TOKENS.contains(&&*digits) {
            self.is_complete = true;
            return Ok(());
        }
        self.tries += 1;
        match TRIES_MAX - self.tries {
            0 if self.sends == SENDS_MAX => Err(self.lock(now)),
            0 => Err(SignInError::NoTriesLeft),
            tries_left => Err(SignInError::Wrong { tries_left }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LOCK_TIME, RESEND_WAIT, SignIn, SignInError, SignInTime};
    use crate::domain::customer::LINK_TOKEN_TTL;
    use crate::domain::time::{Millis, Timestamp};

    fn at(world: Millis, system: Millis) -> SignInTime {
        SignInTime {
            world: Timestamp::from_millis(world.0),
            system: Timestamp::from_millis(system.0),
        }
    }

    #[test]
    fn spaces_do_not_count_and_a_text_that_is_no_password_is_no_try() {
        let now = at(Millis(0), Millis(0));
        let mut sign_in = SignIn::default();
        sign_in.send(now).expect("the first one is sent");
        for _ in 0..5 {
            assert_eq!(sign_in.verify("  ", now), Err(SignInError::Empty));
            assert_eq!(sign_in.verify("12345a", now), Err(SignInError::Format));
            assert_eq!(sign_in.verify("1234567", now), Err(SignInError::Format));
        }
        assert_eq!(sign_in.verify("१२३ ४५६", now), Ok(()));
        assert!(sign_in.is_complete());
    }

    #[test]
    fn a_password_expires_in_world_time_only() {
        let mut sign_in = SignIn::default();
        sign_in.send(at(Millis(0), Millis(0))).expect("it is sent");
        let late = at(LINK_TOKEN_TTL, Millis(1));
        assert_eq!(sign_in.verify("1234", late), Err(SignInError::Expired));
        let frozen = at(Millis(0), LINK_TOKEN_TTL);
        assert_eq!(sign_in.verify("1234", frozen), Ok(()));
    }

    #[test]
    fn another_password_needs_a_wait_and_the_third_one_locks() {
        let mut system = Millis(0);
        let mut sign_in = SignIn::default();
        for send in 1..=3 {
            let now = at(Millis(0), system);
            assert_eq!(sign_in.send(now), Ok(()));
            let wait = RESEND_WAIT;
            assert_eq!(sign_in.send(now), Err(SignInError::TooSoon { wait }));
            for tries_left in [2, 1] {
                let expected = Err(SignInError::Wrong { tries_left });
                assert_eq!(sign_in.verify("9999", now), expected);
            }
            let last = sign_in.verify("9999", now);
            if send < 3 {
                assert_eq!(last, Err(SignInError::NoTriesLeft));
                assert_eq!(sign_in.verify("1234", now), Err(SignInError::NoTriesLeft));
            } else {
                assert_eq!(last, Err(SignInError::Locked { wait: LOCK_TIME }));
                assert!(sign_in.is_locked(now));
            }
            system = Millis(system.0 + RESEND_WAIT.0);
        }
        let locked = at(Millis(0), system);
        let wait = Millis(LOCK_TIME.0 - RESEND_WAIT.0);
        assert_eq!(
            sign_in.verify("1234", locked),
            Err(SignInError::Locked { wait })
        );
        let later = at(Millis(0), Millis(system.0 + LOCK_TIME.0));
        assert_eq!(sign_in.send(later), Ok(()));
        assert_eq!(sign_in.verify("1234", later), Ok(()));
    }

    #[test]
    fn a_complete_sign_in_is_never_locked() {
        let now = at(Millis::ZERO, Millis::ZERO);
        let mut sign_in = SignIn::default();
        sign_in.send(now).expect("the first password");
        assert_eq!(sign_in.verify("123456", now), Ok(()));
        for _ in 0..4 {
            assert_eq!(sign_in.verify("0000", now), Ok(()));
        }
        assert!(!sign_in.is_locked(now));
    }
}
