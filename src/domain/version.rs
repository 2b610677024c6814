//! The versions of the ReBIT API that are spoken, and what differs between them.

use crate::domain::account::FiType;
use crate::domain::naming::wire_enum;

wire_enum! {
    /// A version of the ReBIT AA API, as a message's `ver` names it.
    RebitVersion {
        V1_1_0 = "1.1.0",
        V1_1_1 = "1.1.1",
        V1_1_2 = "1.1.2",
        V1_1_3 = "1.1.3",
        V2_0_0 = "2.0.0",
        V2_1_0 = "2.1.0",
    }
}

/// The two families of versions: they differ in paths, in required fields and in the words for a handle's status
/// (`reference/rebit.md` §1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MajorVersion {
    V1,
    V2,
}

impl RebitVersion {
    pub const fn major_version(self) -> MajorVersion {
        match self {
            Self::V1_1_0 | Self::V1_1_1 | Self::V1_1_2 | Self::V1_1_3 => MajorVersion::V1,
            Self::V2_0_0 | Self::V2_1_0 => MajorVersion::V2,
        }
    }

    /// Version of the FIU API in which an FIU of this version is called back: 2.1.0 of the AA API keeps 2.0.0
    /// (`reference/rebit.md` §0).
    #[must_use]
    pub const fn callback_version(self) -> Self {
        match self {
            Self::V2_1_0 => Self::V2_0_0,
            other => other,
        }
    }

    /// Whether the version's `FITypes` has this one: GSTR1_3B since 2.0.0, the two insurances since 2.1.0
    /// (`reference/rebit.md` §1.6).
    pub fn supports_fi_type(self, fi_type: FiType) -> bool {
        match fi_type {
            FiType::Gstr1_3b => self >= Self::V2_0_0,
            FiType::LifeInsurance | FiType::GeneralInsurance => self >= Self::V2_1_0,
            _ => true,
        }
    }
}
