//! The magic customers: mobile numbers whose consents follow a fixed scenario, at any `@handle`,
//! without a scenario file. `mockaa magic`, the control API and the documentation are derived from
//! the table. Payment sandboxes have test numbers of the same kind
//! (`docs/sources.md#magic-identifiers`).

use crate::domain::scenario_plan::ScenarioPlan;
use crate::scenario::format::parse_shipped;

/// A customer number with the scenario of its consents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MagicCustomer {
    /// The part of the customer's address before the `@`.
    pub number: &'static str,
    /// The behavior in one line, for `mockaa magic` and the control API.
    pub description: &'static str,
    /// The body of a scenario file, without `version` and `name`.
    scenario_yaml: &'static str,
}

/// The magic customers, in the order of their numbers (`docs/sources.md#magic-identifiers`,
/// `docs/architecture.md#scenarios-and-faults`). Times count from the request, which an
/// approval follows at once.
pub(crate) const MAGIC_CUSTOMERS: &[MagicCustomer] = &[
    MagicCustomer {
        number: "9999999001",
        description: "approved at once, all data READY",
        scenario_yaml: "steps: [approve: {}]",
    },
    MagicCustomer {
        number: "9999999002",
        description: "rejected at once",
        scenario_yaml: "steps: [reject: {}]",
    },
    MagicCustomer {
        number: "9999999003",
        description: "never answered: PENDING until consentExpiry",
        scenario_yaml: "consent: manual",
    },
    MagicCustomer {
        number: "9999999004",
        description: "approved, revoked by the customer 5 s later",
        scenario_yaml: "steps: [approve: {}, { after: 5s, revoke: { by: customer } }]",
    },
    MagicCustomer {
        number: "9999999005",
        description: "approved, paused 5 s later, resumed 10 s after approval",
        scenario_yaml: "steps: [approve: {}, { after: 5s, pause: {} }, { after: 5s, resume: {} }]",
    },
    MagicCustomer {
        number: "9999999006",
        description: "unanswered, the request expires 10 s after it was raised",
        scenario_yaml: "steps: [{ after: 10s, expire: {} }]",
    },
    MagicCustomer {
        number: "9999999007",
        description: "approved at once, expires at its consentExpiry",
        scenario_yaml: "steps: [approve: {}]",
    },
    MagicCustomer {
        number: "9999999008",
        description: "approved for accounts at two FIPs: one READY, one TIMEOUT, the session FAILED",
        scenario_yaml: "steps: [link: {}, approve: { accounts: { first: 3 } }]\n\
                 rules: [{ when: fi.requested, deliver: { default: READY, last_fip: TIMEOUT } }]",
    },
    MagicCustomer {
        number: "9999999009",
        description: "approved, every FIP answers DENIED: the session is COMPLETED without data",
        scenario_yaml: "steps: [approve: {}]\nrules: [{ when: fi.requested, deny: {} }]",
    },
    MagicCustomer {
        number: "9999999010",
        description: "approved, data is PENDING for the first three polls of your FIU",
        scenario_yaml: "data: { polls: 3 }\nsteps: [approve: {}]",
    },
    MagicCustomer {
        number: "9999999011",
        description: "approved, every consent and FI webhook comes twice",
        scenario_yaml: "steps: [approve: {}]\nwebhooks: [{ fault: { duplicate: { copies: 2 } } }]",
    },
    MagicCustomer {
        number: "9999999012",
        description: "approved, the FI webhook comes before the consent's",
        scenario_yaml: "steps: [approve: {}]\n\
                 webhooks: [{ where: { event: consent.status, status: ACTIVE }, fault: { reorder: {} } }]",
    },
    MagicCustomer {
        number: "9999999013",
        description: "approved, the first webhook has a bad signature, its retry a good one",
        scenario_yaml: "steps: [approve: {}]\n\
                 webhooks: [{ where: { event: consent.status, nth: 1, attempts: 1 }, fault: { corrupt_signature: flip_bit } \
                 }]",
    },
    MagicCustomer {
        number: "9999999014",
        description: "approved, no webhook is ever sent; the FIU has to poll",
        scenario_yaml: "steps: [approve: {}]\nwebhooks: [{ fault: { drop: {} } }]",
    },
    MagicCustomer {
        number: "9999999015",
        description: "approved, the first webhook comes 10 min late, with a timestamp of 16 min ago",
        scenario_yaml: "steps: [approve: {}]\n\
                 webhooks: [{ where: { event: consent.status, nth: 1 }, fault: { late: { by: 10m } } }, { where: { event: \
                 consent.status, nth: 1 }, fault: { stale_timestamp: { by: 16m } } }]",
    },
    MagicCustomer {
        number: "9999999016",
        description: "the first two calls are answered with 503 and Retry-After, the next normally",
        scenario_yaml: "steps: [approve: {}]\napi_faults: [{ where: { calls: 1..2 }, fault: { status: 503, retry_after: 1s } }]",
    },
    MagicCustomer {
        number: "9999999017",
        description: "approved, every response is slow: half take up to 1 s, one in a hundred more than 8 s",
        scenario_yaml: "steps: [approve: {}]\napi_faults: [{ fault: { latency: { p50: 1s, p99: 8s } } }]",
    },
    MagicCustomer {
        number: "9999999018",
        description: "approved, the first fetch of data ends in a connection reset",
        scenario_yaml: "steps: [approve: {}]\napi_faults: [{ where: { op: fi.fetch, calls: 1 }, fault: { reset: {} } }]",
    },
    MagicCustomer {
        number: "9999999019",
        description: "approved, a huge statement: about 100,000 rows for each year",
        scenario_yaml: "persona: huge-statement\nsteps: [approve: {}]",
    },
    MagicCustomer {
        number: "9999999020",
        description: "approved, webhooks have fields, and the FI webhook a status, that the API does not define",
        scenario_yaml: "steps: [approve: {}]\n\
                 webhooks: [{ fault: { extra_fields: {} } }, { where: { event: fi.status }, fault: { unknown_enum: {} } }]",
    },
];

impl MagicCustomer {
    /// Builds the plan. FIPs answer immediately unless the entry sets `data` itself, whatever the
    /// sandbox's default data timing is.
    pub(crate) fn to_plan(self) -> ScenarioPlan {
        let text = self.to_yaml();
        let plan = parse_shipped(&text).expect("the table holds valid scenarios");
        ScenarioPlan {
            name: format!("magic {}", self.number),
            delivers_after_activation: true,
            ..plan
        }
    }

    fn to_yaml(self) -> String {
        let data_line = if self.scenario_yaml.contains("data:") {
            ""
        } else {
            "data: immediate\n"
        };
        format!(
            "version: 1\nname: magic\n{data_line}{}\n",
            self.scenario_yaml
        )
    }
}

#[cfg(test)]
mod tests {
    use super::MAGIC_CUSTOMERS;
    use crate::scenario::format::parse;

    #[test]
    fn there_are_twenty_in_order_and_each_is_a_scenario() {
        let numbers: Vec<_> = MAGIC_CUSTOMERS
            .iter()
            .map(|magic| magic.number.to_owned())
            .collect();
        let expected: Vec<_> = (9_999_999_001_u64..=9_999_999_020)
            .map(|number| number.to_string())
            .collect();
        assert_eq!(numbers, expected);
        for magic in MAGIC_CUSTOMERS {
            magic.to_plan();
            parse(&magic.to_yaml()).expect("it fits the schema");
        }
    }
}
