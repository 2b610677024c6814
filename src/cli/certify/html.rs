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
    error: Option<&'a str>,
    summary: String,
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
    let families = results.families().into_iter().map(|(name, counts)| {
        let counts = Outcome::ALL
            .iter()
            .map(|outcome| counts.get(outcome).copied());
        let cases = results.cases.iter().filter(|case| case.family == name);
        FamilySection {
            name,
            counts: counts.map(Option::unwrap_or_default).collect(),
            cases: cases.collect(),
        }
    });
    let page = CertificationPage {
        tokens: TOKENS,
        title: &results.title,
        version: &results.version,
        started_at: &results.started_at,
        error,
        summary: results.summary(),
        outcomes: Outcome::ALL
            .iter()
            .map(|it| it.as_str().replace('-', " "))
            .collect(),
        families: families.collect(),
    };
    write_file(path, &page.render()?)
}

/// The colors of the page, light and dark.
const TOKENS: &str = include_str!("../../ui/assets/tokens.css");
