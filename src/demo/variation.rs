//! The variations of the demo. The customer acts in each of them; a scenario plays the rest.

use crate::domain::naming::wire_enum;

wire_enum! {
    /// A variation of the journey, which the presenter chooses.
    #[derive(Default)]
    Variation {
        #[default]
        Usual = "usual",
        /// The customer has accounts at two banks.
        TwoBanks = "two-banks",
        /// One of two banks does not answer.
        PartialData = "partial-data",
        /// No bank answers.
        BankTimesOut = "bank-times-out",
        /// No webhook arrives.
        WebhooksLost = "webhooks-lost",
        /// A webhook comes with the signature of another key.
        ForgedWebhook = "forged-webhook",
        /// The customer withdraws a second consent a month later.
        RevokedLater = "revoked-later",
    }
}

impl Variation {
    /// Returns the scenario, in YAML, that plays what the customer does not; `None` if there is nothing to play.
    /// Its name is that of the variation.
    pub(super) const fn scenario(self) -> Option<&'static str> {
        match self {
            Self::Usual | Self::RevokedLater => None,
            Self::TwoBanks => Some("version: 1\nname: two-banks\npersona: two-banks\n"),
            Self::PartialData => Some(
                "version: 1\nname: partial-data\npersona: two-banks\nrules:\n\
                 - { when: fi.requested, after: 2s, deliver: { default: READY, last_fip: { fail: TIMEOUT, after: 6s } } }\n",
            ),
            Self::BankTimesOut => Some(
                "version: 1\nname: bank-times-out\nrules:\n\
                 - { when: fi.requested, after: 8s, time_out: {} }\n",
            ),
            Self::WebhooksLost => {
                Some("version: 1\nname: webhooks-lost\nwebhooks:\n- { fault: { drop: {} } }\n")
            }
            Self::ForgedWebhook => Some(
                "version: 1\nname: forged-webhook\nwebhooks:\n\
                 - where: { event: consent.status, status: ACTIVE, attempts: 1 }\n  fault: { wrong_key: {} }\n",
            ),
        }
    }

    /// Returns the key of its name for the presenter.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Usual => "lender.vary.usual",
            Self::TwoBanks => "lender.vary.two_banks",
            Self::PartialData => "lender.vary.partial",
            Self::BankTimesOut => "lender.vary.timeout",
            Self::WebhooksLost => "lender.vary.lost",
            Self::ForgedWebhook => "lender.vary.forged",
            Self::RevokedLater => "lender.vary.revoked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Variation;
    use crate::scenario::format::parse;

    #[test]
    fn each_scenario_is_valid_and_has_the_name_of_its_variation() {
        for variation in Variation::ALL {
            let Some(text) = variation.scenario() else {
                continue;
            };
            let plan = parse(text).unwrap_or_else(|errors| panic!("{errors:?}: {text}"));
            assert_eq!(plan.name, variation.as_str());
            assert!(plan.steps.is_empty(), "the customer acts: {text}");
        }
    }
}
