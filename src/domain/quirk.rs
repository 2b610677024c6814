//! Quirks of a FIP: irregular data that real documents have, on request.

use serde::{Deserialize, Serialize};

use crate::domain::account::FiType;
use crate::domain::naming::wire_enum;

wire_enum! {
    /// An irregularity of an FI document (`docs/data.md#irregular-data`). FIPs, personas and
    /// scenarios ask for it.
    Quirk {
        /// Every row has the closing balance of its day.
        DayClosingBalance = "day-closing-balance",
        /// Transactions are at midnight in UTC: `2024-03-31T00:00:00.000Z`.
        MidnightUtc = "midnight-utc",
        /// Transactions are at midnight in India: `2024-03-31T00:00:00+05:30`.
        MidnightIst = "midnight-ist",
        /// The time in India has the offset of UTC: `2024-03-31T10:15:00+00:00`.
        IstMarkedUtc = "ist-marked-utc",
        /// Timestamps have no offset.
        NoOffset = "no-offset",
        /// Timestamps have no seconds.
        NoSeconds = "no-seconds",
        /// `valueDate` has a time.
        ValueDateWithTime = "value-date-with-time",
        /// Every `mode` of a deposit is OTHERS.
        ModeOthers = "mode-others",
        /// `reference` is empty.
        EmptyReference = "empty-reference",
        /// `micrCode` is empty.
        EmptyMicr = "empty-micr",
        /// Every `txnId` is 0.
        ZeroTxnId = "zero-txn-id",
        /// Narrations are cut after 30 characters.
        NarrationCut30 = "narration-cut-30",
        /// Narrations are cut after 50 characters.
        NarrationCut50 = "narration-cut-50",
        /// Narrations have double spaces, and a space at the end.
        NarrationSpaces = "narration-spaces",
        /// The newest row comes first.
        NewestFirst = "newest-first",
        /// Neighbouring rows are exchanged.
        OutOfOrder = "out-of-order",
        /// One row occurs twice.
        DuplicateRow = "duplicate-row",
        /// The summary of a bank account has a pending transaction.
        PendingTransaction = "pending-transaction",
        /// Amounts are as Java prints a double: `29.5`, `5.0`, `1.0E8`.
        JavaNumbers = "java-numbers",
        /// Attributes that the schema does not require are missing.
        MissingOptional = "missing-optional",
        /// Elements in XML have a prefix: `aa:Account`.
        PrefixedElements = "prefixed-elements",
    }
}

impl Quirk {
    /// Returns the quirk of a set beside which this one changes nothing.
    pub fn overridden_by(self, quirks: Quirks) -> Option<Self> {
        let stronger = match self {
            Self::MidnightIst => Self::MidnightUtc,
            Self::NoOffset => Self::IstMarkedUtc,
            Self::NarrationCut50 => Self::NarrationCut30,
            _ => return None,
        };
        quirks.contains(stronger).then_some(stronger)
    }

    /// Returns whether documents of an FI type have the data that the quirk changes.
    pub fn applies_to(self, fi_type: FiType) -> bool {
        match self {
            Self::EmptyMicr | Self::PendingTransaction => fi_type == FiType::Deposit,
            Self::DayClosingBalance
            | Self::ValueDateWithTime
            | Self::ModeOthers
            | Self::EmptyReference => fi_type.is_deposit(),
            Self::ZeroTxnId
            | Self::NarrationCut30
            | Self::NarrationCut50
            | Self::NarrationSpaces => fi_type != FiType::Gstr1_3b,
            _ => fi_type != FiType::Other,
        }
    }
}

/// A set of quirks; its written form is the list of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Quirk>", into = "Vec<Quirk>")]
pub struct Quirks(u32);

impl Quirks {
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn contains(self, quirk: Quirk) -> bool {
        self.0 & (1 << quirk as u32) != 0
    }

    /// Returns the quirks of both sets.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the quirks in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        let all = Quirk::ALL.iter().copied();
        all.filter(move |quirk| self.contains(*quirk))
    }
}

impl From<Vec<Quirk>> for Quirks {
    fn from(quirks: Vec<Quirk>) -> Self {
        quirks.into_iter().collect()
    }
}

impl From<Quirks> for Vec<Quirk> {
    fn from(quirks: Quirks) -> Self {
        quirks.iter().collect()
    }
}

impl FromIterator<Quirk> for Quirks {
    fn from_iter<I: IntoIterator<Item = Quirk>>(quirks: I) -> Self {
        Self(
            quirks
                .into_iter()
                .fold(0, |set, quirk| set | 1 << quirk as u32),
        )
    }
}
