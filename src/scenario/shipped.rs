//! The scenario files that are compiled into the binary.

macro_rules! shipped {
    ($($file:literal),+ $(,)?) => {
        /// The shipped scenarios, as pairs of file name and text.
        pub(crate) const SHIPPED: &[(&str, &str)] =
            &[$(($file, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/", $file)))),+];
    };
}

shipped!(
    "aa-fails.yaml",
    "api-badly-signed.yaml",
    "api-cut-short.yaml",
    "api-down.yaml",
    "api-empty.yaml",
    "api-field-missing.yaml",
    "api-flaky.yaml",
    "api-future.yaml",
    "api-garbled.yaml",
    "api-jitter.yaml",
    "api-other-id.yaml",
    "api-other-txnid.yaml",
    "api-other-value.yaml",
    "api-outage.yaml",
    "api-reset.yaml",
    "api-slow-body.yaml",
    "api-slow.yaml",
    "api-stale-response.yaml",
    "api-stale.yaml",
    "api-steady-delay.yaml",
    "api-tampered-consent.yaml",
    "api-wrong-version.yaml",
    "approve-deposit.yaml",
    "approve-some-accounts.yaml",
    "approve.yaml",
    "approved-at-once.yaml",
    "bank-refuses-to-link.yaml",
    "bank-slow-or-failing.yaml",
    "customer-deregisters.yaml",
    "data-after-polls.yaml",
    "data-later.yaml",
    "delinked.yaml",
    "denied.yaml",
    "expire.yaml",
    "false-notification.yaml",
    "hold-at-ready.yaml",
    "huge-statement.yaml",
    "manual-approval.yaml",
    "never-answered.yaml",
    "one-fip-later.yaml",
    "partial-data.yaml",
    "pause-resume.yaml",
    "recorded-timing.yaml",
    "redirect-code-differs.yaml",
    "redirect-sign-in-fails.yaml",
    "reject.yaml",
    "revoke.yaml",
    "revoked-by-fip.yaml",
    "revoked-by-fiu.yaml",
    "slow-after-approval.yaml",
    "timed-out.yaml",
    "transactions-corrected.yaml",
    "webhook-alg-confusion.yaml",
    "webhook-alg-none.yaml",
    "webhook-altered-api-key.yaml",
    "webhook-bad-signature.yaml",
    "webhook-before-response.yaml",
    "webhook-burst.yaml",
    "webhook-chunked.yaml",
    "webhook-duplicate.yaml",
    "webhook-field-missing.yaml",
    "webhook-foreign-api-key.yaml",
    "webhook-forged.yaml",
    "webhook-from-other-aa.yaml",
    "webhook-future-timestamp.yaml",
    "webhook-huge.yaml",
    "webhook-late.yaml",
    "webhook-lost.yaml",
    "webhook-missing-optional.yaml",
    "webhook-near-duplicate.yaml",
    "webhook-new-fields.yaml",
    "webhook-new-status.yaml",
    "webhook-other-id.yaml",
    "webhook-other-value.yaml",
    "webhook-out-of-order.yaml",
    "webhook-reserialised.yaml",
    "webhook-reset.yaml",
    "webhook-retried.yaml",
    "webhook-rotated-key.yaml",
    "webhook-rotated-secret.yaml",
    "webhook-slow-body.yaml",
    "webhook-stale.yaml",
    "webhook-tampered.yaml",
    "webhook-truncated.yaml",
    "webhook-unknown-kid.yaml",
    "webhook-unsigned.yaml",
    "webhook-utf-16.yaml",
    "webhook-without-api-key.yaml",
    "webhook-without-crit.yaml",
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::SHIPPED;
    use crate::scenario::format::{parse, parse_shipped};

    /// A start does not compare the shipped scenarios with their schema.
    #[test]
    fn every_shipped_scenario_fits_the_schema() {
        for (file, text) in SHIPPED {
            let compared = parse(text).unwrap_or_else(|errors| panic!("{file}: {errors:?}"));
            let unchecked = parse_shipped(text).expect("it can be read");
            assert_eq!(format!("{compared:?}"), format!("{unchecked:?}"), "{file}");
        }
    }

    /// A start does not read the shipped scenarios.
    #[test]
    fn every_shipped_scenario_has_the_name_of_its_file_and_a_shipped_persona() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (file, text) in SHIPPED {
            let plan = parse_shipped(text).expect("it can be read");
            assert_eq!(format!("{}.yaml", plan.name), *file);
            assert!(plan.matcher().is_none(), "{file} selects its consents");
            if let Some(persona) = plan.persona_name() {
                let persona = root.join(format!("fixtures/personas/{persona}.yaml"));
                assert!(persona.exists(), "{file}");
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_shipped() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"))
            .expect("the folder exists");
        let files: BTreeSet<_> = folder
            .map(|entry| entry.expect("a readable entry").file_name())
            .collect();
        let shipped: BTreeSet<_> = SHIPPED.iter().map(|(file, _)| (*file).into()).collect();
        assert_eq!(files, shipped);
    }
}
