//! The page of the fault sets, and the forms that add and remove one.

use super::PageCall;
use crate::domain::api_fault::ApiFaultName;
use crate::domain::webhook_fault::WebhookFaultName;
use crate::http::call::Call;
use crate::http::control::faults::{activate_faults, unknown_faults_error};
use crate::http::response::ApiResponse;
use crate::ui::console::faults::{FaultDraft, FaultsPage};
use crate::ui::console::{Section, describe_problem};
use crate::wire::api_error::ApiError;
use crate::wire::control::http_status;

/// The text with which the form begins.
const EXAMPLE: &str = "ttl: 10m\nwebhooks:\n  - where: { event: consent.status }\n    fault: { duplicate: { copies: 3 } }\n";

/// Shows the fault sets that are in force.
pub(crate) fn show_faults(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    Ok(render_faults(&page, "mine", EXAMPLE, Vec::new()))
}

fn render_faults(
    page: &PageCall<'_>,
    name: &str,
    text: &str,
    problems: Vec<String>,
) -> ApiResponse {
    let draft = FaultDraft {
        name: name.to_owned(),
        text: text.to_owned(),
        known: vec![
            (
                "faults of webhooks",
                WebhookFaultName::ALL.iter().map(|it| it.as_str()).collect(),
            ),
            (
                "faults of answers",
                ApiFaultName::ALL.iter().map(|it| it.as_str()).collect(),
            ),
        ],
        problems,
    };
    let sets = page.world.faults().list_sets();
    page.show(&FaultsPage::new(page.frame(Section::Faults), &sets, draft))
}

/// Adds a fault set, or replaces the one of its name. A text with errors is shown again.
pub(crate) fn add_faults(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &["name", "text"])?;
    let [name, text] = ["name", "text"].map(|field| form.first_value(field).unwrap_or_default());
    // A browser sends line ends as CR LF.
    let text = text.replace("\r\n", "\n");
    match activate_faults(&page.world, name, &text) {
        Ok(_) => Ok(ApiResponse::redirect_see_other(page.address("/ui/faults"))),
        Err(error) if call.accepts_page() => {
            let problems = match &error {
                ApiError::InvalidDocument(all) => all.iter().map(describe_problem).collect(),
                other => vec![other.message()],
            };
            let answer = render_faults(&page, name, &text, problems);
            Ok(answer.with_status_code(http_status(&error)))
        }
        Err(error) => Err(error),
    }
}

/// Removes a fault set.
pub(crate) fn remove_faults(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &["name"])?;
    let name = form.first_value("name").unwrap_or_default();
    let world = &page.world;
    if !world.faults().deactivate_set(Some(world.cause()), name) {
        return Err(unknown_faults_error(name));
    }
    Ok(ApiResponse::redirect_see_other(page.address("/ui/faults")))
}
