//! The defects of the reference FIU, each with the cases that name it.

macro_rules! defects {
    ($($(#[$doc:meta])* $name:ident => [$($case:literal),+ $(,)?],)+) => {
        /// One thing that the FIU does wrongly.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Defect { $($(#[$doc])* $name),+ }

        impl Defect {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns the cases that fail, by their ids or by what these begin with.
            const fn failing_cases(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($case),+]),+ }
            }
        }
    };
}

defects! {
    AcceptsAnyNotifierId => ["FIU_1005_1", "FIU_2005_1"],
    AcceptsAnyNotifierType => ["FIU_1006_1", "FIU_2012_"],
    AcceptsAnyNotifierShape => ["FIU_1009_5", "FIU_2006_6"],
    AcceptsAnyConsentId => ["FIU_1007_"],
    /// What an invalid answer has named is unknown, too.
    AcceptsUnknownHandles => [
        "FIU_1008_", "FIU_1011_", "FIU_1015_", "FIU_1019_", "FIU_1020_", "FIU_1021_", "FIU_1022_", "FIU_1023_",
    ],
    AcceptsAnyConsentStatus => ["FIU_1009_1", "FIU_1009_2", "FIU_1009_3", "FIU_1009_4"],
    AcceptsEmptyNotifications => ["FIU_1009_6"],
    AcceptsMisdatedNotifications => ["FIU_1010_", "FIU_2008_"],
    AcceptsAnyTimestampFormat => ["FIU_1014_"],
    AcceptsAnyVersion => ["FIU_1013_", "FIU_2003_"],
    AcceptsWrongSignatures => ["FIU_1036_", "FIU_2027_"],
    IgnoresApiKeys => ["FIU_1042_", "FIU_2028_"],
    AcceptsKeysOfOtherAas => ["FIU_1043_1", "FIU_2009_1", "FIU_2029_1"],
    ForgetsFailures => ["FIU_1028_1"],
    RequestsDataAfterStop => ["FIU_1016_1", "FIU_1017_1", "FIU_1018_1", "FIU_1034_1", "FIU_1035_1"],
    AcceptsUnknownSessions => [
        "FIU_2004_1", "FIU_2004_2", "FIU_2009_2", "FIU_2016_", "FIU_2017_", "FIU_2018_", "FIU_2020_", "FIU_2021_",
    ],
    AcceptsAnySessionStatus => ["FIU_2006_1", "FIU_2006_2", "FIU_2006_3", "FIU_2006_4"],
    AcceptsEmptyAccountLists => ["FIU_2006_5"],
    AcceptsUnknownAccounts => ["FIU_2004_3", "FIU_2009_3"],
    AcceptsAnyTxnid => ["FIU_2007_"],
    FetchesFromFailedSessions => ["FIU_2011_1", "FIU_2015_1"],
    AcknowledgesWithoutOk => ["FIU_1004_1", "FIU_1029_1", "FIU_2002_1", "FIU_3000_1"],
    BelievesBadlySignedAnswers => ["FIU_1023_1", "FIU_1030_1", "FIU_1041_1", "FIU_2021_1", "FIU_2026_1"],
    BelievesAnswersOfAnyVersion => ["FIU_1019_", "FIU_1024_", "FIU_1031_", "FIU_2017_", "FIU_2022_"],
    BelievesMisdatedAnswers => ["FIU_1020_", "FIU_1025_", "FIU_2018_1", "FIU_2018_2", "FIU_2023_"],
    BelievesAnswersToOthers => ["FIU_1021_1", "FIU_2018_1#2"],
    BelievesAnotherCustomer => ["FIU_1022_1"],
    BelievesAnyStatus => ["FIU_1012_1", "FIU_1012_2", "FIU_1012_3"],
    BelievesStatusOfAnotherHandle => ["FIU_1012_4", "FIU_1026_1"],
    BelievesMisdatedArtefacts => ["FIU_1032_", "FIU_1037_"],
    BelievesAnotherArtefact => ["FIU_1033_"],
    BelievesAnyConsentField => ["FIU_1038_2", "FIU_1038_3"],
    BelievesUnsignedConsents => ["FIU_1038_1", "FIU_1040_1"],
    BelievesAnyUse => ["FIU_1039_"],
    RequestsDataForInactiveArtefacts => ["FIU_1034_1", "FIU_1035_1"],
    BelievesSessionsOfOtherConsents => ["FIU_2020_1"],
    ShowsDataOfAnyBank => ["FIU_2024_1", "FIU_2024_2", "FIU_2024_3"],
    ShowsEmptyData => ["FIU_2024_4", "FIU_2025_8"],
    IgnoresKeyLabels => ["FIU_2025_1", "FIU_2025_2"],
    IgnoresKeyExpiry => ["FIU_2025_3"],
    ShowsDataOfAnyAccount => ["FIU_2025_6"],
    ShowsDataThatDoesNotDecrypt => ["FIU_2025_4", "FIU_2025_5", "FIU_2025_7"],
    RefusesWithoutCode => [
        "FIU_1005_", "FIU_1006_", "FIU_1007_", "FIU_1008_", "FIU_1009_", "FIU_1010_", "FIU_1011_", "FIU_1013_",
        "FIU_1014_", "FIU_1015_", "FIU_1019_", "FIU_1020_", "FIU_1021_", "FIU_1022_", "FIU_1023_", "FIU_1028_",
        "FIU_1036_", "FIU_1043_", "FIU_2003_", "FIU_2004_", "FIU_2005_", "FIU_2006_", "FIU_2007_", "FIU_2008_",
        "FIU_2009_", "FIU_2012_", "FIU_2016_", "FIU_2017_", "FIU_2018_", "FIU_2020_", "FIU_2021_", "FIU_2027_",
        "FIU_2029_",
    ],
}

impl Defect {
    /// Returns whether a case names the defect.
    pub fn names(self, id: &str) -> bool {
        let mut cases = self.failing_cases().iter();
        cases.any(|case| *case == id || (case.ends_with('_') && id.starts_with(case)))
    }

    /// Returns whether a case can name both.
    pub fn meets(self, other: Self) -> bool {
        let overlap = |one: &str, another: &str| {
            one == another || (one.ends_with('_') && another.starts_with(one))
        };
        self.failing_cases().iter().any(|one| {
            let mut others = other.failing_cases().iter();
            others.any(|another| overlap(one, another) || overlap(another, one))
        })
    }
}
