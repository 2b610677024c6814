//! Versions of the ReBIT API, and the differences between them.

use crate::domain::account::FiType;
use crate::domain::naming::wire_enum;

wire_enum! {
    /// A version of the ReBIT AA API, as in the field `ver` of a message.
    RebitVersion {
        /// The first generation without its later digits: the examples of ReBIT AA API 1.1.2 have
        /// this value. It has the rules of 1.1.x.
        V1_0 = "1.0",
        V1_1_0 = "1.1.0",
        V1_1_1 = "1.1.1",
        V1_1_2 = "1.1.2",
        V1_1_3 = "1.1.3",
        V2_0_0 = "2.0.0",
        V2_1_0 = "2.1.0",
    }
}

/// A major version. The two differ in paths, in required fields and in the names of the handle
/// status (`docs/sources.md#rebit-versions`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MajorVersion {
    V1,
    V2,
}

impl RebitVersion {
    pub const fn major_version(self) -> MajorVersion {
        match self {
            Self::V1_0 | Self::V1_1_0 | Self::V1_1_1 | Self::V1_1_2 | Self::V1_1_3 => {
                MajorVersion::V1
            }
            Self::V2_0_0 | Self::V2_1_0 => MajorVersion::V2,
        }
    }

    /// Returns the version of the FIU API for webhooks to an FIU of this version. AA API 2.1.0
    /// keeps FIU API 2.0.0 (`docs/sources.md#rebit-versions`).
    #[must_use]
    pub const fn callback_version(self) -> Self {
        match self {
            Self::V2_1_0 => Self::V2_0_0,
            other => other,
        }
    }

    /// Returns whether the version's `FITypes` include this type: GSTR1_3B since 2.0.0, the two
    /// insurance types since 2.1.0 (`docs/sources.md#rebit-versions`).
    pub fn supports_fi_type(self, fi_type: FiType) -> bool {
        match fi_type {
            FiType::Gstr1_3b => self >= Self::V2_0_0,
            FiType::LifeInsurance | FiType::GeneralInsurance => self >= Self::V2_1_0,
            _ => true,
        }
    }

    /// Returns whether the version is so close to one with this FI type that only strict mode
    /// refuses it.
    ///
    /// `Assumption:` 2.1.0 differs from 2.0.0 in the two insurance types only, and FIUs that name
    /// them may still send 2.0.0.
    pub fn tolerates_fi_type(self, fi_type: FiType) -> bool {
        self == Self::V2_0_0 && Self::V2_1_0.supports_fi_type(fi_type)
    }
}
