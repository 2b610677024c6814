//! How a webhook can go wrong on its way to an FIU, on request (DESIGN §5; `reference/mock-servers.md` §3.4). A fault is
//! applied at one of three points: when the message is put on its way, when its bytes are made, when they are sent.

use crate::domain::naming::named;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::time::Span;

/// One thing that goes wrong. Lengths of time are wall time, but for those of `Late` and `Reorder`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookFault {
    /// The same message several times, one after the other.
    Duplicate {
        /// In all.
        copies: u32,
        spacing: Span,
    },
    /// The same news a second time, under another message id.
    NearDuplicate {
        spacing: Span,
    },
    /// After the next message of the same consent; without one, after this time of the world.
    Reorder {
        within: Span,
    },
    /// Never sent.
    Drop,
    /// Sent so much later, in world time; others overtake it.
    Late {
        by: Span,
    },
    /// The same message so many times at once.
    Burst {
        copies: u32,
    },
    /// Before the response of the call that caused it.
    Overtake,
    /// As if it had been sent so long ago; signed like that.
    StaleTimestamp {
        by: Span,
    },
    /// As if it were sent that much later; signed like that.
    FutureTimestamp {
        by: Span,
    },
    /// Signed with somebody else's key, under the AA's `kid`.
    WrongKey,
    /// Changed after it was signed.
    TamperedBody,
    CorruptSignature(Corruption),
    MissingSignature,
    /// Signed rightly, under a `kid` that nobody has published.
    UnknownKid,
    /// The header names another algorithm.
    SwapAlg(Algorithm),
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
    SlowDrip {
        over: Span,
    },
    /// The connection is reset in the middle of the body.
    Reset,
    /// Another way of HTTP that every server has to take.
    Transport(Transport),
    /// Counts as an attempt that has failed, and is not made.
    Fail,
}

named! {
    /// What becomes of a signature.
    Corruption {
        /// One bit of it is another one.
        FlipBit = "flip_bit",
        /// Its last part is cut off.
        Cut = "cut",
    }
}

named! {
    /// The algorithms of the classic attacks on verifiers.
    Algorithm {
        None = "none",
        /// An HMAC whose secret is the public key: who takes the algorithm from the header lets everybody in.
        Hs256 = "HS256",
    }
}

named! {
    /// Forms of a request that are unusual and right (RFC 9110, RFC 9112).
    Transport {
        Chunked = "chunked",
        Http10 = "http_1_0",
        ExpectContinue = "expect_continue",
        FreshConnection = "fresh_connection",
    }
}

named! {
    /// The faults by name, as scenario files, the journal and reports have them.
    WebhookFaultName {
        Duplicate = "duplicate",
        NearDuplicate = "near_duplicate",
        Reorder = "reorder",
        Drop = "drop",
        Late = "late",
        Burst = "burst",
        Overtake = "overtake",
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
        SlowDrip = "slow_drip",
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
            Self::Overtake => WebhookFaultName::Overtake,
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
            Self::SlowDrip { .. } => WebhookFaultName::SlowDrip,
            Self::Reset => WebhookFaultName::Reset,
            Self::Transport(_) => WebhookFaultName::Transport,
            Self::Fail => WebhookFaultName::Fail,
        }
    }
}

impl WebhookFaultName {
    /// Whether it says when and how often the message goes out, not what is sent: it is applied once, to the message, and
    /// not to its attempts.
    pub const fn is_of_the_way(self) -> bool {
        matches!(
            self,
            Self::Duplicate
                | Self::NearDuplicate
                | Self::Reorder
                | Self::Drop
                | Self::Late
                | Self::Burst
                | Self::Overtake
        )
    }

    /// Whether an FIU that checks signatures and times has to refuse it.
    pub const fn is_to_be_refused(self) -> bool {
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
    pub const fn is_to_be_taken(self) -> bool {
        matches!(
            self,
            Self::Duplicate
                | Self::NearDuplicate
                | Self::Reorder
                | Self::Late
                | Self::Burst
                | Self::Overtake
                | Self::RotatedKey
                | Self::ExtraFields
                | Self::MissingOptional
                | Self::SlowDrip
                | Self::Transport
        )
    }
}

/// From the first to the last of something that is counted from 1, both included; without a last, all that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub first: u32,
    pub last: Option<u32>,
}

impl Counted {
    pub const ALL: Self = Self {
        first: 1,
        last: None,
    };

    pub fn has(self, number: u32) -> bool {
        number >= self.first && self.last.is_none_or(|last| number <= last)
    }
}

/// Which webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookPlace {
    pub event: Option<NoticeKind>,
    /// The status that it tells, of a consent, a session or analytics.
    pub status: Option<Box<str>>,
    /// Which of them, in the order in which they come about; of one consent where a scenario says so.
    pub nth: Counted,
    /// Which attempts to send it.
    pub attempts: Counted,
}

impl WebhookPlace {
    pub fn has(&self, notice: &Notice) -> bool {
        self.event.is_none_or(|event| event == notice.kind())
            && self
                .status
                .as_deref()
                .is_none_or(|status| notice.status() == Some(status))
    }
}

/// Where something goes wrong, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRule {
    pub place: WebhookPlace,
    pub fault: WebhookFault,
}

/// A fault of one message, and the attempts that it befalls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Befallen {
    pub fault: WebhookFault,
    pub attempts: Counted,
}
