//! The page of the contract report.

use super::PageCall;
use crate::domain::text::escape_controls;
use crate::http::call::Call;
use crate::http::response::ApiResponse;
use crate::http::routes::has_operation;
use crate::ui::console::Section;
use crate::ui::console::report::{ReportPage, RuleRow};
use crate::wire::api_error::ApiError;
use crate::wire::mask::mask_message;

/// Shows by which rules the FIUs are judged, and what shows it.
pub(crate) fn show_report(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let results = page.world.catch_up().grade_contract(has_operation);
    let rules = results.iter().map(|result| RuleRow {
        rule: result.rule.to_string(),
        requirement: result.rule.requirement().to_owned(),
        outcome: result.outcome,
        cases: result.cases,
        evidence: result
            .evidence
            .iter()
            .map(|(seq, text)| (*seq, escape_controls(&mask_message(text)).into_owned()))
            .collect(),
    });
    Ok(page.show(&ReportPage::new(
        page.frame(Section::Report),
        rules.collect(),
    )))
}
