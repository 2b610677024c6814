//! Pages of scenarios, and the forms that choose one.

use std::sync::Arc;

use super::typed::complete_known_customer;
use super::{PageCall, server_url};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::listing::{ConsentFilter, Cursor, ListPart};
use crate::http::call::{Call, parse_off_worker};
use crate::http::control::scenarios::{find_scenario_text, lint_text};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::console::scenarios::{ScenarioPage, ScenarioRow, ScenariosPage};
use crate::ui::console::{Section, describe_problem};
use crate::wire::api_error::ApiError;
use crate::wire::fields::parse_customer_address;

/// The largest number of driven consents on the page of a scenario.
const CONSENTS_MAX: usize = 20;

/// Shows the scenarios by name.
pub(crate) fn show_scenarios(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let params = Params::parse(call.query())?;
    let text = params.first_value("q").unwrap_or_default();
    let default = page.world.scenarios().default_name();
    Ok(page.show(&ScenariosPage::new(
        page.frame(Section::Scenarios),
        list_rows(&page),
        text,
        default.as_deref(),
        call.app_state().scenarios.load_error(),
    )))
}

/// Returns all scenarios by name; a local one hides that of all worlds.
fn list_rows(page: &PageCall<'_>) -> Vec<ScenarioRow> {
    let world = &page.world;
    let local = world.scenarios().local_plans();
    let shared = world.config().scenarios.current();
    let shared = shared.scenarios().values();
    let shared = shared
        .map(|it| (it.plan.get(), &it.source))
        .filter(|(plan, _)| !local.iter().any(|other| other.name == plan.name))
        .map(|(plan, source)| ScenarioRow {
            name: plan.name.clone(),
            source: source.clone(),
            description: plan.description.clone().unwrap_or_default(),
        });
    let local = local.iter().map(|plan| ScenarioRow {
        name: plan.name.clone(),
        source: "this world".to_owned(),
        description: plan.description.clone().unwrap_or_default(),
    });
    let mut rows: Vec<_> = shared.chain(local).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

/// Shows one scenario with its text, what is wrong with it, and the consents that it drives.
pub(crate) async fn show_scenario(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, name) = (PageCall::open(call)?, call.path_segment("name"));
    let checked = check_scenario(&page, name).await?;
    Ok(render_scenario(&page, name, checked, None))
}

/// A text, and what is wrong with it, each with `true` for an error.
type CheckedText = (Arc<str>, Vec<(Diagnostic, bool)>);

async fn check_scenario(page: &PageCall<'_>, name: &str) -> Result<CheckedText, ApiError> {
    let text = find_scenario_text(&page.world, name)?;
    let world = page.world.clone();
    let diagnostics = parse_off_worker(&text, move |text| lint_text(&world, text)).await;
    Ok((text, diagnostics))
}

/// `refused` is the customer to whom the scenario could not be pinned, and the reason.
fn render_scenario(
    page: &PageCall<'_>,
    name: &str,
    (text, diagnostics): CheckedText,
    refused: Option<(&str, String)>,
) -> ApiResponse {
    let (call, world) = (page.call, &page.world);
    let row = list_rows(page).into_iter().find(|row| row.name == name);
    let row = row.expect("a scenario with a text is listed");
    let filter = ConsentFilter {
        scenario: Some(name.to_owned()),
        ..ConsentFilter::default()
    };
    let part = ListPart {
        cursor: Cursor::NEWEST,
        limit: CONSENTS_MAX,
    };
    let consents = world.catch_up().list_consents(&filter, part);
    let consent_count = consents.counts.iter().map(|(_, count)| count).sum();
    let base_path = call.page_frame().base_path;
    let consents = consents.items.iter().map(|(_, consent)| {
        let handle = consent.handle;
        let name = consent.metadata.as_ref();
        let name = name.map_or_else(|| handle.to_string(), |it| it.tracking_id.to_string());
        (format!("{base_path}/ui/consents/{handle}"), name)
    });
    let diagnostics = diagnostics.into_iter();
    page.show(&ScenarioPage {
        console: page.frame(Section::Scenarios),
        server_url: server_url(call, world),
        lines: text.lines().map(str::to_owned).collect(),
        pinned: world.scenarios().list_pinned(name),
        is_default: world.scenarios().default_name().as_deref() == Some(name),
        diagnostics: diagnostics
            .map(|(problem, is_error)| (describe_problem(&problem), is_error))
            .collect(),
        consents: consents.collect(),
        consent_count,
        refused_customer: refused.as_ref().map_or("", |(text, _)| text).to_owned(),
        problem: refused.map(|(_, problem)| problem),
        row,
    })
}

/// Sets the scenario of consents that nothing else selects one for.
pub(crate) fn set_default(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &["name"])?;
    let name = form.first_value("name").map(str::to_owned);
    let world = &page.world;
    world.scenarios().set_default(Some(world.cause()), name)?;
    Ok(page.lead_back("/ui/scenarios"))
}

/// Lets a scenario drive the later consents of a customer.
pub(crate) async fn pin_scenario(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &["customer"])?;
    let customer = form.first_value("customer").unwrap_or_default();
    let (world, name) = (&page.world, call.path_segment("name"));
    let address = complete_known_customer(world, customer);
    let pinned = parse_customer_address("customer", &address).and_then(|address| {
        let scenarios = world.scenarios();
        Ok(scenarios.pin_customer(Some(world.cause()), &address, name)?)
    });
    match pinned {
        Ok(()) => Ok(page.lead_back(&format!("/ui/scenarios/{name}"))),
        Err(error) => {
            let checked = check_scenario(&page, name).await?;
            page.refuse(error, |error| {
                let refused = Some((customer, error.message()));
                Ok(render_scenario(&page, name, checked, refused))
            })
        }
    }
}
