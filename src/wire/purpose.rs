//! Owns the purpose codes that ReBIT defines (ReBIT purpose registry;
//! `docs/sources.md#rebit-messages`).

/// A purpose with ReBIT's own text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StandardPurpose {
    pub code: &'static str,
    pub text: &'static str,
    pub category: &'static str,
    /// The only `refUri` that a request may give for this code.
    pub ref_uri: &'static str,
}

impl StandardPurpose {
    pub(crate) const ALL: [Self; 5] = [
        Self {
            code: "101",
            text: "Wealth management service",
            category: "Personal Finance",
            ref_uri: "https://api.rebit.org.in/aa/purpose/101.xml",
        },
        Self {
            code: "102",
            text: "Customer spending patterns, budget or other reportings",
            category: "Personal Finance",
            ref_uri: "https://api.rebit.org.in/aa/purpose/102.xml",
        },
        Self {
            code: "103",
            text: "Aggregated statement",
            category: "Financial Reporting",
            ref_uri: "https://api.rebit.org.in/aa/purpose/103.xml",
        },
        Self {
            code: "104",
            text: "Explicit consent for monitoring of the accounts",
            category: "Account Query and Monitoring",
            ref_uri: "https://api.rebit.org.in/aa/purpose/104.xml",
        },
        Self {
            code: "105",
            text: "Explicit one-time consent for the accounts",
            category: "Account Query and Monitoring",
            ref_uri: "https://api.rebit.org.in/aa/purpose/105.xml",
        },
    ];

    /// Returns the purpose with this code, 101 to 105.
    pub(crate) fn find_by_code(code: &str) -> Option<&'static Self> {
        const ALL: &[StandardPurpose] = &StandardPurpose::ALL;
        ALL.iter().find(|purpose| purpose.code == code)
    }
}
