//! How the answer of a call can go wrong, on request (DESIGN §5): what production, and the mock AA of the certification
//! suite, do to an FIU.

use std::sync::Arc;

use crate::domain::glob::Glob;
use crate::domain::naming::wire_enum;
use crate::domain::operation::Operation;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::{Occurrences, WebhookFaultRule};

/// One thing that goes wrong. Lengths of time are wall time.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiFault {
    /// Refused; nothing has happened.
    Status {
        status: u16,
        /// Told as `Retry-After`.
        retry_after: Option<Millis>,
        /// An `errorCode` of ReBIT's; without one, what fits the status.
        code: Option<Box<str>>,
    },
    Latency(Latency),
    /// The connection is reset in the middle of the answer.
    Reset,
    /// The connection is closed without an answer.
    EmptyResponse,
    /// The answer ends before its last chunk.
    TruncatedChunk,
    /// What follows the first chunk is no chunk.
    MalformedChunk,
    /// The body comes in drops, for so long.
    SlowBody {
        over: Millis,
    },
    WrongSignature,
    /// A field is not there, which a dotted path names.
    MissingField(Box<str>),
    /// A field has another value; JSON.
    SetField {
        field: Box<str>,
        value: Box<str>,
    },
    /// `ver` is another one.
    WrongVersion(Box<str>),
    StaleTimestamp {
        by: Millis,
    },
    FutureTimestamp {
        by: Millis,
    },
    WrongTxnid,
    TamperedConsent(Tampering),
    /// What was answered to the same call the time before, signed anew.
    StaleResponse,
}

wire_enum! {
    /// What is wrong with `signedConsent`.
    Tampering {
        /// Changed after it was signed.
        Payload = "payload",
        /// Not signed.
        Unsigned = "unsigned",
        /// Signed by somebody else.
        WrongKey = "wrong_key",
        /// With a field that no specification has, signed rightly.
        ExtraField = "extra_field",
        /// Without a field that it has to have, signed rightly.
        MissingField = "missing_field",
    }
}

wire_enum! {
    /// The faults by name, as scenario files, the journal and reports have them.
    ApiFaultName {
        Status = "status",
        Latency = "latency",
        Reset = "reset",
        EmptyResponse = "empty_response",
        TruncatedChunk = "truncated_chunk",
        MalformedChunk = "malformed_chunk",
        SlowBody = "slow_body",
        WrongSignature = "wrong_signature",
        MissingField = "missing_field",
        SetField = "set_field",
        WrongVersion = "wrong_version",
        StaleTimestamp = "stale_timestamp",
        FutureTimestamp = "future_timestamp",
        WrongTxnid = "wrong_txnid",
        TamperedConsent = "tampered_consent",
        StaleResponse = "stale_response",
    }
}

impl ApiFault {
    pub const fn name(&self) -> ApiFaultName {
        match self {
            Self::Status { .. } => ApiFaultName::Status,
            Self::Latency(_) => ApiFaultName::Latency,
            Self::Reset => ApiFaultName::Reset,
            Self::EmptyResponse => ApiFaultName::EmptyResponse,
            Self::TruncatedChunk => ApiFaultName::TruncatedChunk,
            Self::MalformedChunk => ApiFaultName::MalformedChunk,
            Self::SlowBody { .. } => ApiFaultName::SlowBody,
            Self::WrongSignature => ApiFaultName::WrongSignature,
            Self::MissingField(_) => ApiFaultName::MissingField,
            Self::SetField { .. } => ApiFaultName::SetField,
            Self::WrongVersion(_) => ApiFaultName::WrongVersion,
            Self::StaleTimestamp { .. } => ApiFaultName::StaleTimestamp,
            Self::FutureTimestamp { .. } => ApiFaultName::FutureTimestamp,
            Self::WrongTxnid => ApiFaultName::WrongTxnid,
            Self::TamperedConsent(_) => ApiFaultName::TamperedConsent,
            Self::StaleResponse => ApiFaultName::StaleResponse,
        }
    }
}

/// How long an answer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    Fixed(Millis),
    Uniform {
        min: Millis,
        max: Millis,
    },
    Normal {
        mean: Millis,
        deviation: Millis,
    },
    /// Lognormal with this median, and with this value that one in a hundred exceeds.
    Lognormal {
        p50: Millis,
        p99: Millis,
    },
}

/// No answer takes longer than that.
pub const LATENCY_MAX: Millis = Millis::from_secs(5 * 60);

/// The value that one of a hundred normal numbers exceeds.
const NORMAL_P99: f64 = 2.326_347_874;

impl Latency {
    /// A length by two numbers of [0, 1).
    pub fn sample(self, (u1, u2): (f64, f64)) -> Millis {
        // Box and Muller's; 1 - x keeps the logarithm finite.
        let standard_normal =
            || (-2.0 * (1.0 - u1).ln()).sqrt() * (std::f64::consts::TAU * u2).cos();
        #[expect(clippy::cast_precision_loss, reason = "lengths are minutes at most")]
        let ms = |span: Millis| span.0 as f64;
        let sample_ms = match self {
            Self::Fixed(span) => ms(span),
            Self::Uniform { min, max } => ms(min) + (ms(max) - ms(min)) * u1,
            Self::Normal { mean, deviation } => ms(mean) + ms(deviation) * standard_normal(),
            Self::Lognormal { p50, p99 } => {
                let spread = (ms(p99) / ms(p50).max(1.0)).ln() / NORMAL_P99;
                ms(p50) * (spread * standard_normal()).exp()
            }
        };
        #[expect(clippy::cast_possible_truncation, reason = "it has just been clamped")]
        Millis(sample_ms.clamp(0.0, ms(LATENCY_MAX)).round() as i64)
    }
}

/// Which calls.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCallSelector {
    pub op: Option<Operation>,
    /// Which of them, in the order in which they come; of one customer where a scenario says so.
    pub calls: Occurrences,
    /// How many of a thousand, drawn from the world's seed.
    pub per_mille: u16,
    /// For how long, in wall time, from the first of them on.
    pub duration: Option<Millis>,
    pub customer: Option<Glob>,
    pub fiu: Option<Glob>,
}

/// Where something goes wrong, and what.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiFaultRule {
    pub selector: ApiCallSelector,
    pub fault: ApiFault,
}

/// Everything that is to go wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    pub webhooks: Vec<WebhookFaultRule>,
    pub api: Vec<ApiFaultRule>,
}

/// Faults that somebody has put in force.
#[derive(Clone, Debug)]
pub struct ActiveFaults {
    pub faults: Arc<Faults>,
    /// As they were given.
    pub source_text: Arc<str>,
    /// Until then, by the wall's clock.
    pub until: Option<Timestamp>,
}

impl Faults {
    /// Whether an answer may be given again.
    pub fn can_repeat_responses(&self) -> bool {
        self.api
            .iter()
            .any(|rule| rule.fault == ApiFault::StaleResponse)
    }
}

#[cfg(test)]
mod tests {
    use super::{LATENCY_MAX, Latency};
    use crate::domain::time::Millis;

    /// Pairs that cover the square evenly.
    fn uniform_pairs() -> impl Iterator<Item = (f64, f64)> {
        (0..100).flat_map(|i| {
            (0..100).map(move |j| ((f64::from(i) + 0.5) / 100.0, (f64::from(j) + 0.5) / 100.0))
        })
    }

    fn latency_quantile(latency: Latency, per_cent: usize) -> i64 {
        let mut samples: Vec<_> = uniform_pairs().map(|pair| latency.sample(pair).0).collect();
        samples.sort_unstable();
        samples[samples.len() * per_cent / 100]
    }

    #[test]
    fn a_lognormal_latency_has_the_median_and_the_tail_that_it_names() {
        let latency = Latency::Lognormal {
            p50: Millis::from_secs(1),
            p99: Millis::from_secs(8),
        };
        assert!(
            (950..=1050).contains(&latency_quantile(latency, 50)),
            "{}",
            latency_quantile(latency, 50)
        );
        assert!(
            (7_000..=9_000).contains(&latency_quantile(latency, 99)),
            "{}",
            latency_quantile(latency, 99)
        );
    }

    #[test]
    fn every_latency_lies_between_nothing_and_the_longest() {
        let all = [
            Latency::Fixed(Millis::from_secs(100_000)),
            Latency::Uniform {
                min: Millis(10),
                max: Millis(20),
            },
            Latency::Normal {
                mean: Millis(0),
                deviation: Millis::from_secs(10_000),
            },
            Latency::Lognormal {
                p50: Millis(0),
                p99: Millis::from_secs(9_999),
            },
        ];
        for latency in all {
            assert!(
                uniform_pairs()
                    .all(|pair| (Millis::ZERO..=LATENCY_MAX).contains(&latency.sample(pair))),
                "{latency:?}"
            );
        }
        let uniform = Latency::Uniform {
            min: Millis(10),
            max: Millis(20),
        };
        assert!(uniform_pairs().all(|pair| (10..=20).contains(&uniform.sample(pair).0)));
    }
}
