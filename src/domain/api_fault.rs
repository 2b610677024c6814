//! Faults that can be injected into the response of a call
//! (`docs/architecture.md#scenarios-and-faults`). They reproduce what an FIU meets in production,
//! and with the mock AA of the certification suite.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::bank_answer::{DiscoveryAnswer, LinkingAnswer};
use crate::domain::error_code::ErrorCode;
use crate::domain::glob::Glob;
use crate::domain::json_path::TextAlteration;
use crate::domain::naming::{tagged_family, wire_enum};
use crate::domain::operation::Operation;
use crate::domain::redirection_code::RedirectionCode;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::{
    Occurrences, WebhookFaultRule, default_timestamp_offset, default_transfer_time,
};

tagged_family! {
    /// Exactly one API fault. Durations are system time.
    ApiFault,
    /// Names of the API faults in scenario files, the journal and reports.
    ApiFaultName {
        [Status(StatusFault) = "status"]
        [Redirect(RedirectFault) = "redirect"]
        [Discovery(DiscoveryFault) = "discovery"]
        [Linking(LinkingFault) = "linking"]

        /// A fault of the reply as a whole: its delay, its signature, its body.
        Reply(ReplyFault) {
            /// Delays the response.
            Latency = "latency" (Latency)
            /// Signs with a key that is not the AA's.
            WrongSignature = "wrong_signature" {}
            /// Repeats the previous response to the same call, signed again.
            StaleResponse = "stale_response" {}
        }

        /// A fault of the body, which is signed afterwards: the signature is valid.
        Content(ContentFault) {
            /// Removes a field, such as `ConsentStatus.status`.
            MissingField = "missing_field" (#[schemars(length(min = 1))] Box<str>)
            /// Sets a field to another value.
            SetField = "set_field" {
                /// A dotted path, such as `ConsentUse.count`.
                #[schemars(length(min = 1))]
                field: Box<str>,
                value: Value,
            }
            /// Alters the text of a field, such as an id.
            AlterField = "alter_field" {
                /// A dotted path, such as `consentId`.
                #[schemars(length(min = 1))]
                field: Box<str>,
                /// The alteration.
                change: TextAlteration,
            }
            /// Sets `ver` to another value, such as "2.0.00".
            WrongVersion = "wrong_version" (Box<str>)
            /// Sets the timestamp into the past.
            StaleTimestamp = "stale_timestamp" {
                /// The offset.
                #[serde(default = "default_timestamp_offset")]
                by: Millis,
            }
            /// Sets the timestamp into the future.
            FutureTimestamp = "future_timestamp" {
                /// The offset.
                #[serde(default = "default_timestamp_offset")]
                by: Millis,
            }
            /// Sets the transaction id to that of no call.
            WrongTxnid = "wrong_txnid" {}
            /// Tampers with `signedConsent`.
            TamperedConsent = "tampered_consent" (Tampering)
        }

        /// A fault of the connection that carries the response.
        #[derive(Copy)]
        Transport(TransportFault) {
            /// Resets the connection in the middle of the response.
            Reset = "reset" {}
            /// Closes the connection without a response.
            EmptyResponse = "empty_response" {}
            /// Ends the response before its last chunk.
            TruncatedChunk = "truncated_chunk" {}
            /// Sends malformed data after the first chunk.
            MalformedChunk = "malformed_chunk" {}
            /// Sends the body in chunks with pauses.
            SlowBody = "slow_body" {
                /// The duration of the transfer.
                #[serde(default = "default_transfer_time")]
                over: Millis,
            }
        }
    }
}

impl ApiFault {
    /// Returns whether it is a fault of customers' visits to the AA, which FIUs do not make.
    pub(crate) const fn is_of_visits(&self) -> bool {
        matches!(
            self,
            Self::Redirect(_) | Self::Discovery(_) | Self::Linking(_)
        )
    }

    /// Returns the ids of the FIPs that the fault names.
    pub(crate) fn fips(&self) -> Vec<&str> {
        match self {
            Self::Discovery(fault) => fault.discovery.keys().map(|fip| &**fip).collect(),
            Self::Linking(fault) => fault.linking.keys().map(|fip| &**fip).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the time by which the fault delays a response or moves its date; `None` for other
    /// faults, and for a random latency.
    pub(crate) const fn duration(&self) -> Option<Millis> {
        match self {
            Self::Content(
                ContentFault::StaleTimestamp { by } | ContentFault::FutureTimestamp { by },
            )
            | Self::Transport(TransportFault::SlowBody { over: by })
            | Self::Reply(ReplyFault::Latency(Latency::Fixed(by))) => Some(*by),
            _ => None,
        }
    }
}

impl ApiFaultName {
    /// Returns whether the FIU may have given up before the response arrived.
    pub const fn delays_response(self) -> bool {
        matches!(self, Self::Latency | Self::SlowBody)
    }

    /// Returns whether the fault breaks the connection before the response is complete.
    pub const fn breaks_response(self) -> bool {
        match self {
            Self::Reset | Self::EmptyResponse | Self::TruncatedChunk | Self::MalformedChunk => true,
            Self::Status
            | Self::Redirect
            | Self::Discovery
            | Self::Linking
            | Self::Latency
            | Self::WrongSignature
            | Self::StaleResponse
            | Self::MissingField
            | Self::SetField
            | Self::AlterField
            | Self::WrongVersion
            | Self::StaleTimestamp
            | Self::FutureTimestamp
            | Self::WrongTxnid
            | Self::TamperedConsent
            | Self::SlowBody => false,
        }
    }
}

/// A rejection of the call, which is then not executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct StatusFault {
    /// Rejects the call with this status, without executing it.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// The value of `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Millis>,
    /// The ReBIT error code of the response; default: the one that fits the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<ErrorCode>,
}

/// Another `errorcode` in the answer of a visit by web redirection. What the customer did takes
/// effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct RedirectFault {
    /// Sends the browser back with another `errorcode` than the visit's.
    pub redirect: RedirectedCode,
}

/// The value of a redirect fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct RedirectedCode {
    pub errorcode: RedirectionCode,
}

/// Answers of banks that are asked for a customer's accounts on the AA's pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct DiscoveryFault {
    /// Lets banks answer otherwise, or later, when a customer looks for accounts; by FIP id.
    #[schemars(extend("minProperties" = 1))]
    pub discovery: BTreeMap<Box<str>, DiscoveryAnswer>,
}

/// Answers of banks that are asked to link accounts on the AA's pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct LinkingFault {
    /// Lets banks refuse to link accounts after the right one-time password; by FIP id.
    #[schemars(extend("minProperties" = 1))]
    pub linking: BTreeMap<Box<str>, LinkingAnswer>,
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

/// Delay of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
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
pub(crate) const LATENCY_MAX: Millis = Millis::from_secs(5 * 60);

impl JsonSchema for Latency {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Latency".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let duration = generator.subschema_for::<Millis>();
        json_schema!({ "anyOf": [
            duration,
            {
                "type": "object",
                "description": "`min` and `max` (uniform), `mean` and `deviation` (normal), or \
                                `p50` and `p99` (lognormal).",
                "properties": {
                    "min": duration,
                    "max": duration,
                    "mean": duration,
                    "deviation": duration,
                    "p50": duration,
                    "p99": duration,
                },
                "additionalProperties": false,
                "oneOf": [
                    { "required": ["min", "max"] },
                    { "required": ["mean", "deviation"] },
                    { "required": ["p50", "p99"] },
                ],
            },
        ] })
    }
}

/// 99th percentile of the standard normal distribution.
const NORMAL_P99: f64 = 2.326_347_874;

impl Latency {
    /// Checks the order of the two durations, which the schema cannot express.
    ///
    /// # Errors
    /// The problem with its remedy.
    pub fn check_bounds(self) -> Result<(), &'static str> {
        match self {
            Self::Uniform { min, max } if min > max => {
                Err("min is longer than max; give the smaller first")
            }
            Self::Lognormal { p50, p99 } if p50 > p99 => {
                Err("p50 is longer than p99; give the smaller first")
            }
            Self::Lognormal { p50, .. } if p50 == Millis::ZERO => {
                Err("p50 is zero; give a longer duration")
            }
            _ => Ok(()),
        }
    }

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

/// The hits of a rule of a fault set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleHits {
    /// Name of the fault.
    pub fault: &'static str,
    /// The number of calls or webhooks that the rule selects by what they are.
    pub matched: u32,
    /// The number of those for which the fault was planned. It has no effect where another fault decides
    /// the answer, or where there is nothing to change.
    pub planned: u32,
    /// System time of the last of those.
    pub last_planned_at: Option<Timestamp>,
}

/// An active fault set with its name and the hits of its rules.
#[derive(Clone, Debug)]
pub struct NamedFaults {
    pub name: String,
    pub active: ActiveFaults,
    pub hits: Vec<RuleHits>,
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
            .any(|rule| rule.fault == ReplyFault::StaleResponse {}.into())
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
