//! Faults that can be injected into a webhook (`docs/architecture.md#scenarios-and-faults`,
//! `docs/sources.md#webhook-faults`). The table below is their only definition: name, parameters,
//! defaults, schema and the class, which is the point at which a fault acts.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::json_path::TextAlteration;
use crate::domain::naming::{tagged_family, wire_enum};
use crate::domain::notification::{Notification, NotificationKind};
use crate::domain::time::Millis;

tagged_family! {
    /// Exactly one webhook fault. Durations are system time, except those of `late` and `reorder`.
    WebhookFault,
    /// Names of the webhook faults in scenario files, the journal and reports.
    WebhookFaultName {
        /// A fault that changes when and how often a notification is sent, and not its bytes.
        /// Applied once, when the delivery enters the outbox.
        Scheduling(SchedulingFault) {
            /// Sends the same message several times, one after the other.
            Duplicate = "duplicate" {
                /// The total number of messages.
                #[serde(default = "default_copies")]
                #[schemars(range(min = 2, max = 1000))]
                copies: u32,
                /// The pause between two messages.
                #[serde(default)]
                spacing: Millis,
            }
            /// Sends the same content a second time, under another `webhook-id`.
            NearDuplicate = "near_duplicate" {
                /// The pause between the two messages.
                #[serde(default)]
                spacing: Millis,
            }
            /// Sends the webhook after the next one of the same consent.
            Reorder = "reorder" {
                /// The longest wait for another webhook before this one is sent.
                #[serde(default = "default_reorder_wait")]
                within: Millis,
            }
            /// Never sends the webhook: the FIU has to poll.
            Drop = "drop" {}
            /// Sends the webhook later, in world time; other messages overtake it.
            Late = "late" {
                /// The delay.
                #[serde(default = "default_delay")]
                by: Millis,
            }
            /// Sends the same message many times at once.
            Burst = "burst" {
                /// The total number of messages.
                #[serde(default = "default_burst_copies")]
                #[schemars(range(min = 2, max = 1000))]
                copies: u32,
            }
            /// Sends the webhook before the response of the call that caused it.
            BeforeResponse = "before_response" {}
        }

        /// A fault of the body, which is signed afterwards: the signature is valid.
        Body(BodyFault) {
            /// Sets the timestamp into the past; the signature is valid.
            StaleTimestamp = "stale_timestamp" {
                /// The offset.
                #[serde(default = "default_timestamp_offset")]
                by: Millis,
            }
            /// Sets the timestamp into the future; the signature is valid.
            FutureTimestamp = "future_timestamp" {
                /// The offset.
                #[serde(default = "default_timestamp_offset")]
                by: Millis,
            }
            /// Adds fields that no specification has; the signature is valid.
            ExtraFields = "extra_fields" {}
            /// Sends a status that no specification has; the signature is valid.
            UnknownEnum = "unknown_enum" {}
            /// Omits a field, such as `Notifier.id`; the signature is valid.
            MissingField = "missing_field" (#[schemars(length(min = 1))] Box<str>)
            /// Sets a field to another value; the signature is valid.
            SetField = "set_field" {
                /// A dotted path, such as `Notifier.type`.
                #[schemars(length(min = 1))]
                field: Box<str>,
                value: Value,
            }
            /// Alters the text of a field, such as an id; the signature is valid.
            AlterField = "alter_field" {
                /// A dotted path, such as `ConsentStatusNotification.consentId`.
                #[schemars(length(min = 1))]
                field: Box<str>,
                /// The alteration.
                change: TextAlteration,
            }
            /// Omits all optional fields; the signature is valid.
            MissingOptional = "missing_optional" {}
            /// Sends the body in UTF-16, as `content-type` declares; the signature is valid.
            WrongCharset = "wrong_charset" {}
            /// Pads the body; the signature is valid.
            Huge = "huge" {
                /// The size of the whole body.
                #[serde(default = "default_huge_bytes")]
                #[schemars(range(min = 1, max = 100_000_000))]
                bytes: u32,
            }
        }

        /// A fault of the key or of the header with which the message is signed.
        Signing(SigningFault) {
            /// Signs with a key that is not the AA's, under the AA's `kid`.
            WrongKey = "wrong_key" {}
            /// Signs under a `kid` that is not published; the signature is valid.
            UnknownKid = "unknown_kid" {}
            /// Names this algorithm in the JWS header instead of RS256.
            SwapAlg = "swap_alg" (ForgedAlgorithm)
            /// Sets `b64: false` without `crit`; the signature is valid.
            MissingCrit = "missing_crit" {}
            /// Signs with the AA's next key, which its JWKS contains from then on; the signature is valid.
            RotatedKey = "rotated_key" {}
            /// Signs with the next webhook secret and with the current one, both in one
            /// `webhook-signature`, as during a rotation; the signature is valid.
            RotatedSecret = "rotated_secret" {}
        }

        /// A fault of `aa_api_key`, by which the AA identifies itself. The signature is valid, unless
        /// another AA makes it.
        Credential(CredentialFault) {
            /// Omits `aa_api_key`.
            MissingApiKey = "missing_api_key" {}
            /// Sends `aa_api_key` with a character more or less, or with nothing or `0` in place of it.
            AlteredApiKey = "altered_api_key" {
                /// The part of the token that is altered.
                #[serde(default)]
                part: TokenPart,
                /// The alteration.
                #[serde(default)]
                change: KeyAlteration,
            }
            /// Sends the `aa_api_key` of another AA.
            ForeignApiKey = "foreign_api_key" {}
            /// Sends the message as another AA does: with its `aa_api_key`, signed with its key. `Notifier` stays as it is.
            ForeignAa = "foreign_aa" {}
        }

        /// A fault of the signed message: the signature does not match, or is missing.
        Tampering(TamperingFault) {
            /// Changes the body after it was signed.
            TamperedBody = "tampered_body" {}
            /// Corrupts the signature.
            CorruptSignature = "corrupt_signature" (SignatureCorruption)
            /// Omits the signature.
            MissingSignature = "missing_signature" {}
            /// Sends the same JSON in another serialisation than the signed one.
            Reserialised = "reserialised" {}
            /// Omits the second half of the body.
            Truncated = "truncated" {}
        }

        /// A fault of the connection on which the message is sent.
        Sending(SendingFault) {
            /// Sends the body in chunks with pauses.
            SlowBody = "slow_body" {
                /// The duration of the transfer.
                #[serde(default = "default_transfer_time")]
                over: Millis,
            }
            /// Resets the connection in the middle of the body.
            Reset = "reset" {}
            /// Uses a valid but unusual form of HTTP.
            Transport = "transport" (TransportVariant)
            /// Counts the attempt as failed without making it.
            Fail = "fail" {}
        }
    }
}

const fn default_copies() -> u32 {
    2
}

const fn default_burst_copies() -> u32 {
    20
}

const fn default_huge_bytes() -> u32 {
    5_000_000
}

const fn default_reorder_wait() -> Millis {
    Millis::from_secs(10)
}

const fn default_delay() -> Millis {
    Millis::from_secs(10 * 60)
}

/// Returns the default offset of a stale or future timestamp: one minute more than the 15 minutes
/// that the Sahamati certification framework allows (general guidelines, rule 4;
/// `docs/sources.md#certification-cases`).
pub(crate) const fn default_timestamp_offset() -> Millis {
    Millis::from_secs(16 * 60)
}

/// Returns the default duration of a slow transfer.
pub(crate) const fn default_transfer_time() -> Millis {
    Millis::from_secs(5)
}

/// The reaction of a correct FIU to a faulty webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CorrectReaction {
    /// An FIU that checks signatures and timestamps rejects the message.
    Reject,
    /// The message is unusual but valid.
    Accept,
    /// Both are correct, or the FIU receives nothing that it could judge.
    Either,
}

impl WebhookFault {
    /// Returns whether the fault is applied once to the notification and not to attempts.
    pub const fn affects_scheduling(&self) -> bool {
        matches!(self, Self::Scheduling(_))
    }
}

impl WebhookFaultName {
    const fn correct_reaction(self) -> CorrectReaction {
        match self {
            Self::StaleTimestamp
            | Self::FutureTimestamp
            | Self::WrongKey
            | Self::UnknownKid
            | Self::SwapAlg
            | Self::TamperedBody
            | Self::CorruptSignature
            | Self::MissingSignature
            | Self::Reserialised
            | Self::Truncated
            | Self::MissingApiKey
            | Self::AlteredApiKey
            | Self::ForeignApiKey
            | Self::ForeignAa => CorrectReaction::Reject,
            Self::Duplicate
            | Self::NearDuplicate
            | Self::Reorder
            | Self::Late
            | Self::Burst
            | Self::BeforeResponse
            | Self::ExtraFields
            | Self::MissingOptional
            | Self::RotatedKey
            | Self::RotatedSecret
            | Self::SlowBody
            | Self::Transport => CorrectReaction::Accept,
            Self::Drop
            | Self::UnknownEnum
            | Self::WrongCharset
            | Self::MissingField
            | Self::SetField
            | Self::AlterField
            | Self::Huge
            | Self::MissingCrit
            | Self::Reset
            | Self::Fail => CorrectReaction::Either,
        }
    }

    /// Returns whether the fault is in `aa_api_key`, which ReBIT defines and Unaport does not.
    pub const fn is_in_credential(self) -> bool {
        matches!(
            self,
            Self::MissingApiKey | Self::AlteredApiKey | Self::ForeignApiKey | Self::ForeignAa
        )
    }

    /// Returns whether an FIU that checks signatures and timestamps must reject the message.
    pub const fn must_be_rejected(self) -> bool {
        matches!(self.correct_reaction(), CorrectReaction::Reject)
    }

    /// Returns whether the message is unusual but valid, so that an FIU must accept it.
    pub const fn must_be_accepted(self) -> bool {
        matches!(self.correct_reaction(), CorrectReaction::Accept)
    }
}

wire_enum! {
    /// Corruption of a signature.
    SignatureCorruption {
        /// One bit is flipped.
        FlipBit = "flip_bit",
        /// The last part is cut off.
        Truncate = "truncate",
    }
}

wire_enum! {
    /// Part of a token (RFC 7519); an API key that is no token is one part.
    #[derive(Default)]
    TokenPart {
        /// The token as one text.
        Whole = "whole",
        Header = "header",
        Payload = "payload",
        #[default]
        Signature = "signature",
    }
}

wire_enum! {
    /// Alteration of an API key.
    #[derive(Default)]
    KeyAlteration {
        /// One character more.
        Longer = "longer",
        /// One character less.
        #[default]
        Shorter = "shorter",
        /// No character at all.
        Empty = "empty",
        /// Nothing but the digit 0.
        Zero = "zero",
    }
}

wire_enum! {
    /// Algorithm of a known attack on signature verifiers.
    ForgedAlgorithm {
        None = "none",
        /// HMAC with the public key as secret: a verifier that takes the algorithm from the header
        /// accepts it.
        Hs256 = "HS256",
    }
}

wire_enum! {
    /// Form of an HTTP request that is unusual but valid (RFC 9110, RFC 9112).
    TransportVariant {
        Chunked = "chunked",
        Http10 = "http_1_0",
        /// With `Expect: 100-continue`. Without TLS the body waits for the 100, for 1 s at most; over
        /// TLS it follows at once.
        ExpectContinue = "expect_continue",
        FreshConnection = "fresh_connection",
    }
}

/// A range of positions counted from 1, both ends included; without `last`, it has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrences {
    pub first: u32,
    pub last: Option<u32>,
}

impl Occurrences {
    pub const ALL: Self = Self {
        first: 1,
        last: None,
    };

    pub fn contains(self, number: u32) -> bool {
        number >= self.first && self.last.is_none_or(|last| number <= last)
    }
}

/// The webhooks to which a fault applies. A condition that is `None` matches every webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSelector {
    pub event: Option<NotificationKind>,
    /// Status of the consent, session or analytics that the webhook carries.
    pub status: Option<Box<str>>,
    /// Positions of the matching webhooks, in the order of their events; a rule of a scenario
    /// counts per consent.
    pub occurrences: Occurrences,
    /// Attempts to which the fault applies.
    pub attempts: Occurrences,
}

impl WebhookFault {
    /// Returns the time by which the fault delays a message or moves its date; `None` for other
    /// faults.
    pub(crate) const fn duration(&self) -> Option<Millis> {
        match self {
            Self::Scheduling(
                SchedulingFault::Late { by } | SchedulingFault::Reorder { within: by },
            )
            | Self::Body(BodyFault::StaleTimestamp { by } | BodyFault::FutureTimestamp { by })
            | Self::Sending(SendingFault::SlowBody { over: by }) => Some(*by),
            _ => None,
        }
    }
}

impl WebhookSelector {
    pub fn matches_notification(&self, notification: &Notification) -> bool {
        self.event.is_none_or(|event| event == notification.kind())
            && self
                .status
                .as_deref()
                .is_none_or(|status| notification.status() == Some(status))
    }
}

/// A webhook fault with the webhooks to which it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookFaultRule {
    pub selector: WebhookSelector,
    pub fault: WebhookFault,
}

/// A fault that applies to one delivery, with the attempts that it affects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedFault {
    pub fault: WebhookFault,
    pub attempts: Occurrences,
    /// `None` for a fault set of the world.
    pub rule: Option<FaultRuleId>,
}

/// A fault rule of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FaultRuleId {
    pub scenario: Arc<str>,
    /// Index among the faults of the scenario: webhook faults first, then API faults.
    pub index: usize,
}
