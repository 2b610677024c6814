//! Faults that can be injected into the response of a call
//! (`docs/architecture.md#scenarios-and-faults`). They reproduce what an FIU meets in production,
//! and with the mock AA of the certification suite.

use std::sync::Arc;

use crate::domain::glob::Glob;
use crate::domain::naming::wire_enum;
use crate::domain::operation::Operation;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::{Occurrences, WebhookFaultRule};

/// A fault in the response of one call. Durations are system time.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiFault {
    /// The call is rejected and has no effect.
    Status {
        status: u16,
        /// Value of the `Retry-After` header.
        retry_after: Option<Millis>,
        /// A ReBIT `errorCode`; `None`: the code that fits the status.
        code: Option<Box<str>>,
    },
    Latency(Latency),
    /// The connection is reset in the middle of the response.
    Reset,
    /// The connection is closed without a response.
    EmptyResponse,
    /// The response ends before its last chunk.
    TruncatedChunk,
    /// The bytes after the first chunk are not a valid chunk.
    MalformedChunk,
    /// The body is sent in small chunks over this time.
    SlowBody {
        over: Millis,
    },
    WrongSignature,
    /// The field at this dotted path is removed.
    MissingField(Box<str>),
    /// The field at this dotted path has this JSON value.
    SetField {
        field: Box<str>,
        value: Box<str>,
    },
    /// `ver` has this value.
    WrongVersion(Box<str>),
    StaleTimestamp {
        by: Millis,
    },
    FutureTimestamp {
        by: Millis,
    },
    WrongTxnid,
    TamperedConsent(Tampering),
    /// The response that the previous identical call received, signed again.
    StaleResponse,
}

wire_enum! {
    /// The defect in `signedConsent`.
    Tampering {
        /// Changed after it was signed.
        Payload = "payload",
        /// Not signed.
        Unsigned = "unsigned",
        /// Signed with the key of another party.
        WrongKey = "wrong_key",
        /// Has a field that no specification defines; validly signed.
        ExtraField = "extra_field",
        /// Lacks a required field; validly signed.
        MissingField = "missing_field",
    }
}

wire_enum! {
    /// Names of the API faults in scenario files, the journal and reports.
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

/// Delay of a response.
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
    /// Lognormal with this median and this 99th percentile.
    Lognormal {
        p50: Millis,
        p99: Millis,
    },
}

/// Upper bound of every latency.
pub const LATENCY_MAX: Millis = Millis::from_secs(5 * 60);

/// 99th percentile of the standard normal distribution.
const NORMAL_P99: f64 = 2.326_347_874;

impl Latency {
    /// Returns a latency for two uniform random numbers in [0, 1).
    pub fn sample(self, (u1, u2): (f64, f64)) -> Millis {
        let sample_ms = match self {
            Self::Fixed(latency) => millis_as_f64(latency),
            Self::Uniform { min, max } => {
                millis_as_f64(min) + (millis_as_f64(max) - millis_as_f64(min)) * u1
            }
            Self::Normal { mean, deviation } => {
                millis_as_f64(mean) + millis_as_f64(deviation) * standard_normal(u1, u2)
            }
            Self::Lognormal { p50, p99 } => {
                let spread = (millis_as_f64(p99) / millis_as_f64(p50).max(1.0)).ln() / NORMAL_P99;
                millis_as_f64(p50) * (spread * standard_normal(u1, u2)).exp()
            }
        };
        #[expect(clippy::cast_possible_truncation, reason = "it has just been clamped")]
        Millis(sample_ms.clamp(0.0, millis_as_f64(LATENCY_MAX)).round() as i64)
    }
}

#[expect(clippy::cast_precision_loss, reason = "latencies are minutes at most")]
fn millis_as_f64(length: Millis) -> f64 {
    length.0 as f64
}

/// Returns a standard normal number by the Box-Muller transform; `1 - u1` keeps the logarithm
/// finite.
fn standard_normal(u1: f64, u2: f64) -> f64 {
    (-2.0 * (1.0 - u1).ln()).sqrt() * (std::f64::consts::TAU * u2).cos()
}

/// The calls to which an API fault applies. A condition that is `None` matches every call.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCallSelector {
    pub op: Option<Operation>,
    /// Positions of the matching calls, counted from 1; a rule of a scenario counts per customer.
    pub calls: Occurrences,
    /// Probability in thousandths, drawn from the world's seed.
    pub per_mille: u16,
    /// Time from the first match during which the fault applies, in system time.
    pub duration: Option<Millis>,
    pub customer: Option<Glob>,
    pub fiu: Option<Glob>,
}

/// An API fault with the calls to which it applies.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiFaultRule {
    pub selector: ApiCallSelector,
    pub fault: ApiFault,
}

/// All faults of one scenario or fault set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    pub webhooks: Vec<WebhookFaultRule>,
    pub api: Vec<ApiFaultRule>,
}

/// An active fault set.
#[derive(Clone, Debug)]
pub struct ActiveFaults {
    pub faults: Arc<Faults>,
    /// The text from which the faults were read.
    pub source_text: Arc<str>,
    /// End of the fault set, in system time; `None`: no end.
    pub until: Option<Timestamp>,
}

impl Faults {
    /// Returns whether a rule can send an earlier response again.
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
