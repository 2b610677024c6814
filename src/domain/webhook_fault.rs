//! Faults that can be injected into a webhook (`docs/architecture.md#scenarios-and-faults`,
//! `docs/sources.md#webhook-faults`). A fault is applied at one of three points: when the delivery
//! is scheduled, when its message is built, or when the message is sent.

use crate::domain::naming::wire_enum;
use crate::domain::notification::{Notification, NotificationKind};
use crate::domain::time::Millis;

/// A fault of one webhook. Delays are system time, except those of `Late` and `Reorder`, which are
/// world time; `StaleTimestamp` and `FutureTimestamp` shift the timestamp of the message by an
/// offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookFault {
    /// The message is sent several times, one after another.
    Duplicate {
        /// Total number of messages.
        copies: u32,
        spacing: Millis,
    },
    /// The content is sent a second time, under another message id.
    NearDuplicate {
        spacing: Millis,
    },
    /// Sent after the next message of the same consent; without one, after this world time.
    Reorder {
        within: Millis,
    },
    /// Never sent.
    Drop,
    /// Sent this much later, in world time; other messages overtake it.
    Late {
        by: Millis,
    },
    /// The message is sent this many times at once.
    Burst {
        copies: u32,
    },
    /// Sent before the response of the call that caused it.
    BeforeResponse,
    /// The timestamp is this far in the past; validly signed.
    StaleTimestamp {
        by: Millis,
    },
    /// The timestamp is this far in the future; validly signed.
    FutureTimestamp {
        by: Millis,
    },
    /// Signed with the key of another party, under the AA's `kid`.
    WrongKey,
    /// Changed after it was signed.
    TamperedBody,
    CorruptSignature(SignatureCorruption),
    MissingSignature,
    /// Validly signed, under a `kid` that is not published.
    UnknownKid,
    /// The signature's header has another algorithm.
    SwapAlg(ForgedAlgorithm),
    /// `b64: false` without `crit`; the signature is valid.
    MissingCrit,
    /// Signed with the AA's next key, which is published from then on; the signature is valid.
    RotatedKey,
    /// The same JSON in another serialisation than the signed one.
    Reserialised,
    /// The second half of the body is missing.
    Truncated,
    /// Has fields that no specification defines; validly signed.
    ExtraFields,
    /// Has a status that no specification defines; validly signed.
    UnknownEnum,
    /// Lacks the optional fields; validly signed.
    MissingOptional,
    /// Encoded in UTF-16, as `content-type` declares; validly signed.
    WrongCharset,
    /// Padded to this number of bytes; validly signed.
    Huge {
        bytes: u32,
    },
    /// The body is sent in small chunks over this time.
    SlowBody {
        over: Millis,
    },
    /// The connection is reset in the middle of the body.
    Reset,
    /// An unusual form of HTTP that every server must accept.
    Transport(TransportVariant),
    /// Counts as a failed attempt without being sent.
    Fail,
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
        ExpectContinue = "expect_continue",
        FreshConnection = "fresh_connection",
    }
}

wire_enum! {
    /// Names of the webhook faults in scenario files, the journal and reports.
    WebhookFaultName {
        Duplicate = "duplicate",
        NearDuplicate = "near_duplicate",
        Reorder = "reorder",
        Drop = "drop",
        Late = "late",
        Burst = "burst",
        BeforeResponse = "before_response",
        StaleTimestamp = "stale_timestamp",
        FutureTimestamp = "future_timestamp",
        WrongKey = "wrong_key",
        TamperedBody = "tampered_body",
        CorruptSignature = "corrupt_signature",
        MissingSignature = "missing_signature",
        UnknownKid = "unknown_kid",
        SwapAlg = "swap_alg",
        MissingCrit = "missing_crit",
        RotatedKey = "rotated_key",
        Reserialised = "reserialised",
        Truncated = "truncated",
        ExtraFields = "extra_fields",
        UnknownEnum = "unknown_enum",
        MissingOptional = "missing_optional",
        WrongCharset = "wrong_charset",
        Huge = "huge",
        SlowBody = "slow_body",
        Reset = "reset",
        Transport = "transport",
        Fail = "fail",
    }
}

impl WebhookFault {
    pub const fn name(&self) -> WebhookFaultName {
        match self {
            Self::Duplicate { .. } => WebhookFaultName::Duplicate,
            Self::NearDuplicate { .. } => WebhookFaultName::NearDuplicate,
            Self::Reorder { .. } => WebhookFaultName::Reorder,
            Self::Drop => WebhookFaultName::Drop,
            Self::Late { .. } => WebhookFaultName::Late,
            Self::Burst { .. } => WebhookFaultName::Burst,
            Self::BeforeResponse => WebhookFaultName::BeforeResponse,
            Self::StaleTimestamp { .. } => WebhookFaultName::StaleTimestamp,
            Self::FutureTimestamp { .. } => WebhookFaultName::FutureTimestamp,
            Self::WrongKey => WebhookFaultName::WrongKey,
            Self::TamperedBody => WebhookFaultName::TamperedBody,
            Self::CorruptSignature(_) => WebhookFaultName::CorruptSignature,
            Self::MissingSignature => WebhookFaultName::MissingSignature,
            Self::UnknownKid => WebhookFaultName::UnknownKid,
            Self::SwapAlg(_) => WebhookFaultName::SwapAlg,
            Self::MissingCrit => WebhookFaultName::MissingCrit,
            Self::RotatedKey => WebhookFaultName::RotatedKey,
            Self::Reserialised => WebhookFaultName::Reserialised,
            Self::Truncated => WebhookFaultName::Truncated,
            Self::ExtraFields => WebhookFaultName::ExtraFields,
            Self::UnknownEnum => WebhookFaultName::UnknownEnum,
            Self::MissingOptional => WebhookFaultName::MissingOptional,
            Self::WrongCharset => WebhookFaultName::WrongCharset,
            Self::Huge { .. } => WebhookFaultName::Huge,
            Self::SlowBody { .. } => WebhookFaultName::SlowBody,
            Self::Reset => WebhookFaultName::Reset,
            Self::Transport(_) => WebhookFaultName::Transport,
            Self::Fail => WebhookFaultName::Fail,
        }
    }
}

impl WebhookFaultName {
    /// Returns whether the fault changes the time or number of deliveries and not their bytes. It
    /// is then applied once to the notification and not to attempts.
    pub const fn affects_scheduling(self) -> bool {
        matches!(
            self,
            Self::Duplicate
                | Self::NearDuplicate
                | Self::Reorder
                | Self::Drop
                | Self::Late
                | Self::Burst
                | Self::BeforeResponse
        )
    }

    /// Returns whether an FIU that checks signatures and timestamps must reject the message.
    pub const fn must_be_rejected(self) -> bool {
        matches!(
            self,
            Self::StaleTimestamp
                | Self::FutureTimestamp
                | Self::WrongKey
                | Self::TamperedBody
                | Self::CorruptSignature
                | Self::MissingSignature
                | Self::UnknownKid
                | Self::SwapAlg
                | Self::Reserialised
                | Self::Truncated
        )
    }

    /// Returns whether the message is unusual but valid, so that an FIU must accept it.
    pub const fn must_be_accepted(self) -> bool {
        matches!(
            self,
            Self::Duplicate
                | Self::NearDuplicate
                | Self::Reorder
                | Self::Late
                | Self::Burst
                | Self::BeforeResponse
                | Self::RotatedKey
                | Self::ExtraFields
                | Self::MissingOptional
                | Self::SlowBody
                | Self::Transport
        )
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
}
