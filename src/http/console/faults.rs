//! The page of the fault sets, and the forms that add and remove one.

use super::{PageCall, list_problems};
use crate::domain::api_fault::ApiFaultName;
use crate::domain::webhook_fault::WebhookFaultName;
use crate::http::call::{Call, parse_off_worker};
use crate::http::control::faults::{activate_faults, unknown_faults_error};
use crate::http::response::ApiResponse;
use crate::ui::console::Section;
use crate::ui::console::faults::{FaultDraft, FaultsPage};
use crate::wire::api_error::ApiError;

/// The text with which the form begins.
const EXAMPLE: &str = "ttl: 10m\nwebhooks:\n  - where: { event: consent.status }\n    fault: { duplicate: { copies: 3 } }\n";

/// Shows the fault sets that are in force.
pub(crate) fn show_faults(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let sets = page.world.faults().list_sets();
    let mut names = (1..).map(|number| match number {
        1 => "mine".to_owned(),
        _ => format!("mine-{number}"),
    });
    let name = names.find(|name| sets.iter().all(|set| set.name != *name));
    let name = name.expect("not every name is taken");
    Ok(render_faults(&page, &name, EXAMPLE, Vec::new()))
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
pub(crate) async fn add_faults(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &["name", "text"])?;
    let [name, text] = ["name", "text"].map(|field| form.first_value(field).unwrap_or_default());
    // A browser sends line ends as CR LF.
    let text = text.replace("\r\n", "\n");
    let (world, set) = (page.world.clone(), name.to_owned());
    let activated = parse_off_worker(&text, move |text| activate_faults(&world, &set, text));
    match activated.await {
        Ok(_) => Ok(ApiResponse::redirect_see_other(page.address("/ui/faults"))),
        Err(error) => page.refuse(error, |error| {
            Ok(render_faults(&page, name, &text, list_problems(error)))
        }),
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
