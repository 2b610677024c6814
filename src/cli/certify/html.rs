//! The results of a certification run as one page, which needs no other file.

use std::path::Path;

use askama::Template;

use super::results::{CaseResult, CertificationResults, Outcome, write_file};

/// The page. Its template is beside those of the sandbox's pages.
#[derive(Template)]
#[template(path = "certification.html")]
struct CertificationPage<'a> {
    tokens: &'static str,
    title: &'a str,
    version: &'a str,
    started_at: &'a str,
    fiu_url: &'a str,
    seed: u64,
    error: Option<&'a str>,
    summary: Vec<String>,
    /// Ids of the cases that have failed.
    failed: Vec<&'a str>,
    outcomes: Vec<String>,
    families: Vec<FamilySection<'a>>,
}

/// The cases of a family.
struct FamilySection<'a> {
    name: &'a str,
    /// The number of cases with each outcome.
    counts: Vec<usize>,
    cases: Vec<&'a CaseResult>,
}

/// Writes the page. `error` is the reason why the run has not ended.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write_page(
    path: &Path,
    results: &CertificationResults,
    error: Option<&str>,
) -> anyhow::Result<()> {
    // A column that would be empty is left out.
    let outcomes = Outcome::ALL.iter().filter(|it| results.count(**it) > 0);
    let families = results.families().into_iter().map(|(name, counts)| {
        let counts = outcomes.clone().map(|it| counts.get(it).copied());
        let cases = results.cases.iter().filter(|case| case.family == name);
        FamilySection {
            name,
            counts: counts.map(Option::unwrap_or_default).collect(),
            cases: cases.collect(),
        }
    });
    let failed = results
        .cases
        .iter()
        .filter(|it| it.outcome == Outcome::Failed);
    let page = CertificationPage {
        tokens: TOKENS,
        title: &results.title,
        version: &results.version,
        started_at: &results.started_at,
        fiu_url: &results.fiu_url,
        seed: results.seed,
        error,
        summary: results.summary().lines().map(str::to_owned).collect(),
        failed: failed.map(|case| &*case.id).collect(),
        families: families.collect(),
        outcomes: outcomes.map(ToString::to_string).collect(),
    };
    write_file(path, &page.render()?)
}

/// The colors of the page, light and dark.
const TOKENS: &str = include_str!("../../ui/assets/tokens.css");
