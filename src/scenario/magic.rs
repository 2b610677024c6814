//! The magic customers: mobile numbers whose consents play a known story, at any `@handle`, without any file. This
//! one table feeds behaviour, `mockaa magic`, the control API and the documentation.

use crate::scenario::format::parse;
use crate::scenario::plan::Plan;

/// A number and its story.
#[derive(Clone, Copy, Debug)]
pub struct Magic {
    /// The part of the customer's address before the `@`.
    pub number: &'static str,
    /// What happens, for people.
    pub story: &'static str,
    /// The same as a scenario file has it, without version and name.
    script: &'static str,
}

/// `reference/mock-servers.md` §5.3; times by DESIGN §5, counted from the consent's ACTIVE, which comes at once.
pub const MAGIC: &[Magic] = &[
    Magic {
        number: "9999999001",
        story: "approved at once, all data READY",
        script: "steps: [approve: {}]",
    },
    Magic {
        number: "9999999002",
        story: "rejected at once",
        script: "steps: [reject: {}]",
    },
    Magic {
        number: "9999999003",
        story: "never answered: PENDING until consentExpiry",
        script: "consent: manual",
    },
    Magic {
        number: "9999999004",
        story: "approved, revoked by the customer 5 s later",
        script: "steps: [approve: {}, { after: 5s, revoke: { by: customer } }]",
    },
    Magic {
        number: "9999999005",
        story: "approved, paused 5 s later, resumed 10 s after approval",
        script: "steps: [approve: {}, { after: 5s, pause: {} }, { after: 5s, resume: {} }]",
    },
    Magic {
        number: "9999999006",
        story: "unanswered, the request expires 10 s after it was raised",
        script: "steps: [{ after: 10s, expire: {} }]",
    },
    Magic {
        number: "9999999007",
        story: "approved at once, expires at its consentExpiry",
        script: "steps: [approve: {}]",
    },
    Magic {
        number: "9999999008",
        story: "approved for accounts at two FIPs: one READY, one TIMEOUT, the session FAILED",
        script: "steps: [link: {}, approve: { accounts: { first: 3 } }]\n\
                 rules: [{ on: fi.requested, deliver: { default: READY, last_fip: TIMEOUT } }]",
    },
    Magic {
        number: "9999999009",
        story: "approved, every FIP DENIES: the session is COMPLETED without data",
        script: "steps: [approve: {}]\nrules: [{ on: fi.requested, deny: {} }]",
    },
    Magic {
        number: "9999999010",
        story: "approved, data is PENDING until your FIU has come for it three times in vain",
        script: "data: { polls: 3 }\nsteps: [approve: {}]",
    },
    Magic {
        number: "9999999011",
        story: "approved, every consent and FI webhook comes twice",
        script: "steps: [approve: {}]\nwebhooks: [{ fault: { duplicate: { copies: 2 } } }]",
    },
    Magic {
        number: "9999999012",
        story: "approved, the FI webhook comes before the consent's",
        script: "steps: [approve: {}]\n\
                 webhooks: [{ where: { event: consent.status, status: ACTIVE }, fault: { reorder: {} } }]",
    },
    Magic {
        number: "9999999013",
        story: "approved, the first webhook has a bad signature, its retry a good one",
        script: "steps: [approve: {}]\n\
                 webhooks: [{ where: { event: consent.status, nth: 1, attempts: 1 }, fault: { corrupt_signature: flip_bit } \
                 }]",
    },
    Magic {
        number: "9999999014",
        story: "approved, no webhook ever comes; only polling finds out",
        script: "steps: [approve: {}]\nwebhooks: [{ fault: { drop: {} } }]",
    },
    Magic {
        number: "9999999015",
        story: "approved, the first webhook comes 10 min late, with a timestamp of 16 min ago",
        script: "steps: [approve: {}]\n\
                 webhooks: [{ where: { event: consent.status, nth: 1 }, fault: { late: { by: 10m } } }, { where: { event: \
                 consent.status, nth: 1 }, fault: { stale_timestamp: { by: 16m } } }]",
    },
    Magic {
        number: "9999999016",
        story: "two calls are answered with 503 and Retry-After, the next with what is asked",
        script: "steps: [approve: {}]\napi_faults: [{ where: { calls: 1..2 }, fault: { status: 503, retry_after: 1s } }]",
    },
    Magic {
        number: "9999999017",
        story: "approved, every answer is slow: half take 1 s, one in a hundred more than 8 s",
        script: "steps: [approve: {}]\napi_faults: [{ fault: { latency: { p50: 1s, p99: 8s } } }]",
    },
    Magic {
        number: "9999999018",
        story: "approved, the first fetch of data ends in a connection reset",
        script: "steps: [approve: {}]\napi_faults: [{ where: { op: fi.fetch, calls: 1 }, fault: { reset: {} } }]",
    },
    Magic {
        number: "9999999019",
        story: "approved, a huge statement: some 100,000 rows for each year",
        script: "persona: huge-statement\nsteps: [approve: {}]",
    },
    Magic {
        number: "9999999020",
        story: "approved, webhooks have fields, and the FI webhook a status, that no specification has",
        script: "steps: [approve: {}]\n\
                 webhooks: [{ fault: { extra_fields: {} } }, { where: { event: fi.status }, fault: { unknown_enum: {} } }]",
    },
];

/// The magic customer behind an address.
pub fn find(customer: &str) -> Option<&'static Magic> {
    let (number, _) = customer.split_once('@')?;
    MAGIC.iter().find(|magic| magic.number == number)
}

impl Magic {
    pub fn plan(&self) -> Plan {
        // Where the sandbox lets FIPs wait, theirs do not.
        let pace = if self.script.contains("data:") {
            ""
        } else {
            "data: immediate\n"
        };
        let text = format!("version: 1\nname: magic\n{pace}{}\n", self.script);
        let plan = parse(&text).expect("the table holds scenarios");
        Plan {
            name: format!("magic {}", self.number),
            delivers_on_seed: true,
            ..plan
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAGIC, find};

    #[test]
    fn a_number_is_magic_at_any_handle_and_only_whole() {
        assert_eq!(
            find("9999999002@onemoney").map(|magic| magic.number),
            Some("9999999002")
        );
        for customer in [
            "9999999002",
            "99999990021@x",
            "09999999002@x",
            "9999999021@x",
            "@x",
        ] {
            assert!(find(customer).is_none(), "{customer}");
        }
    }

    #[test]
    fn there_are_twenty_in_order_and_each_is_a_scenario() {
        let numbers: Vec<_> = MAGIC.iter().map(|magic| magic.number.to_owned()).collect();
        let expected: Vec<_> = (9_999_999_001_u64..=9_999_999_020)
            .map(|number| number.to_string())
            .collect();
        assert_eq!(numbers, expected);
        for magic in MAGIC {
            magic.plan();
        }
    }
}
