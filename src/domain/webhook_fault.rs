//! How a webhook can go wrong on its way to an FIU, on request (DESIGN §5; `reference/mock-servers.md` §3.4). A fault is
//! applied at one of three points: when the message is put on its way, when its bytes are made, when they are sent.

use crate::domain::naming::wire_enum;
use crate::domain::notification::{Notification, NotificationKind};
use crate::domain::time::Millis;

/// One thing that goes wrong. Lengths of time are wall time, but for those of `Late` and `Reorder`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookFault {
    /// The same message several times, one after the other.
    Duplicate {
        /// In all.
        copies: u32,
        spacing: Millis,
    },
    /// The same news a second time, under another message id.
    NearDuplicate {
        spacing: Millis,
    },
    /// After the next message of the same consent; without one, after this time of the world.
    Reorder {
        within: Millis,
    },
    /// Never sent.
    Drop,
    /// Sent so much later, in world time; others overtake it.
    Late {
        by: Millis,
    },
    /// The same message so many times at once.
    Burst {
        copies: u32,
    },
    /// Before the response of the call that caused it.
    BeforeResponse,
    /// As if it had been sent so long ago; signed like that.
    StaleTimestamp {
        by: Millis,
    },
    /// As if it were sent that much later; signed like that.
    FutureTimestamp {
        by: Millis,
    },
    /// Signed with somebody else's key, under the AA's `kid`.
    WrongKey,
    /// Changed after it was signed.
    TamperedBody,
    CorruptSignature(SignatureCorruption),
    MissingSignature,
    /// Signed rightly, under a `kid` that nobody has published.
    UnknownKid,
    /// The header names another algorithm.
    SwapAlg(ForgedAlgorithm),
    /// `b64: false` without `crit`; the signature is right.
    MissingCrit,
    /// Signed with the AA's next key, which is published from then on; the signature is right.
    RotatedKey,
    /// The same JSON, written otherwise than what was signed.
    Reserialised,
    /// The second half of the body is missing.
    Truncated,
    /// With fields that no specification has; signed like that.
    ExtraFields,
    /// With a status that no specification has; signed like that.
    UnknownEnum,
    /// Without what the specification lets out; signed like that.
    MissingOptional,
    /// In UTF-16, as its `content-type` says; signed like that.
    WrongCharset,
    /// Padded to so many bytes; signed like that.
    Huge {
        bytes: u32,
    },
    /// The body comes in drops, for so long.
    SlowBody {
        over: Millis,
    },
    /// The connection is reset in the middle of the body.
    Reset,
    /// Another way of HTTP that every server has to take.
    Transport(TransportVariant),
    /// Counts as an attempt that has failed, and is not made.
    Fail,
}

wire_enum! {
    /// What becomes of a signature.
    SignatureCorruption {
        /// One bit of it is another one.
        FlipBit = "flip_bit",
        /// Its last part is cut off.
        Truncate = "truncate",
    }
}

wire_enum! {
    /// The algorithms of the classic attacks on verifiers.
    ForgedAlgorithm {
        None = "none",
        /// An HMAC whose secret is the public key: who takes the algorithm from the header lets everybody in.
        Hs256 = "HS256",
    }
}

wire_enum! {
    /// Forms of a request that are unusual and right (RFC 9110, RFC 9112).
    TransportVariant {
        Chunked = "chunked",
        Http10 = "http_1_0",
        ExpectContinue = "expect_continue",
        FreshConnection = "fresh_connection",
    }
}

wire_enum! {
    /// The faults by name, as scenario files, the journal and reports have them.
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
    /// Whether it says when and how often the message goes out, not what is sent: it is applied once, to the message, and
    /// not to its attempts.
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

    /// Whether an FIU that checks signatures and times has to refuse it.
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

    /// Whether it is unusual and right, so that an FIU has to take it.
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

/// From the first to the last of something that is counted from 1, both included; without a last, all that follow.
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

/// Which webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSelector {
    pub event: Option<NotificationKind>,
    /// The status that it tells, of a consent, a session or analytics.
    pub status: Option<Box<str>>,
    /// Which of them, in the order in which they come about; of one consent where a scenario says so.
    pub occurrences: Occurrences,
    /// Which attempts to send it.
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

/// Where something goes wrong, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookFaultRule {
    pub selector: WebhookSelector,
    pub fault: WebhookFault,
}

/// A fault of one message, and the attempts that it befalls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedFault {
    pub fault: WebhookFault,
    pub attempts: Occurrences,
}
