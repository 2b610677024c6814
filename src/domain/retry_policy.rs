//! The delays after which a webhook that failed is sent again.

use std::str::FromStr;
use std::sync::Arc;

use crate::domain::duration::{DURATION_FORMS, parse_duration};
use crate::domain::text::quote_value;
use crate::domain::time::Millis;

/// Longest delay that `Retry-After` can ask for.
const RETRY_AFTER_MAX: Millis = Millis::from_secs(60 * 60);

/// Longest delay before an attempt.
const DELAY_MAX: Millis = Millis::from_secs(366 * 86_400);

/// Largest number of attempts after the first.
const RETRIES_MAX: usize = 50;

/// The attempts of a webhook after the first, in world time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The delay before each of them.
    delays: Arc<[Millis]>,
    /// `true` if an FIU's `Retry-After` can lengthen a delay.
    honours_retry_after: bool,
}

impl RetryPolicy {
    /// The default delays.
    ///
    /// `Assumption:` no AA documents its retries; the delays give a receiver time to recover, and are
    /// short enough for a test.
    pub const DEFAULT_DELAYS: &'static str = "1s,5s,30s,2m,10m";

    /// Lets no `Retry-After` lengthen a delay.
    #[must_use]
    pub fn without_retry_after(self) -> Self {
        Self {
            honours_retry_after: false,
            ..self
        }
    }

    /// Returns the largest number of attempts, the first included.
    pub fn attempts_max(&self) -> usize {
        1 + self.delays.len()
    }

    /// Returns the delay after this many failed attempts; `None` after the last.
    pub fn delay_after(&self, attempts: usize, retry_after: Option<Millis>) -> Option<Millis> {
        let delay = *self.delays.get(attempts.checked_sub(1)?)?;
        let requested = retry_after.filter(|_| self.honours_retry_after);
        Some(delay.max(requested.unwrap_or_default().min(RETRY_AFTER_MAX)))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::DEFAULT_DELAYS
            .parse()
            .expect("the default delays are valid")
    }
}

impl FromStr for RetryPolicy {
    type Err = String;

    /// Parses the delays, such as `1s,5s`, or `none`.
    fn from_str(text: &str) -> Result<Self, String> {
        let texts: Vec<_> = text.split(',').filter(|_| text != "none").collect();
        if texts.len() > RETRIES_MAX {
            return Err(format!("give at most {RETRIES_MAX} delays"));
        }
        let delays = texts.into_iter().map(|text| {
            let delay = parse_duration(text.trim()).filter(|delay| *delay <= DELAY_MAX);
            delay.ok_or_else(|| {
                let text = quote_value(text);
                format!(
                    "{text} is no delay; give {DURATION_FORMS}, at most 366d, for each, or none"
                )
            })
        });
        Ok(Self {
            delays: delays.collect::<Result<_, _>>()?,
            honours_retry_after: true,
        })
    }
}
