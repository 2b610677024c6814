//! The overview of a world, and the list of worlds.

use super::{PageCall, server_url};
use crate::domain::customer::LINK_TOKENS;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::http::service_info::{list_base_urls, list_magic_customers, list_participants};
use crate::ui::console::Section;
use crate::ui::console::overview::{OverviewPage, WorldRow, WorldsPage};
use crate::wire::api_error::ApiError;
use crate::wire::mask::MASKED_HEADER;

/// The largest number of worlds on the overview.
const WORLDS_MAX: usize = 10;

/// Shows what is in the world, and how to begin.
pub(crate) fn show_overview(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let world = &page.world;
    let base_path = call.page_frame().base_path;
    let reveals = Params::parse(call.query())?.parse_switch("reveal")?;
    let mut participants = list_participants(&world.participants());
    if !reveals {
        for participant in &mut participants {
            MASKED_HEADER.clone_into(&mut participant.api_key);
        }
    }
    let mut worlds = list_worlds(&page);
    worlds.truncate(WORLDS_MAX);
    Ok(page.show(&OverviewPage {
        console: page.frame(Section::Overview),
        version: env!("CARGO_PKG_VERSION"),
        chips: OverviewPage::list_chips(&base_path, &world.catch_up().overview()),
        addresses: list_base_urls(&call.base_url(world)),
        participants,
        reveals,
        magic_customers: list_magic_customers(),
        worlds,
        server_url: server_url(call, world),
        one_time_passwords: LINK_TOKENS.join(", "),
        load_error: call.app_state().scenarios.load_error(),
    }))
}

fn list_worlds(page: &PageCall<'_>) -> Vec<WorldRow> {
    let mut worlds = page.call.worlds().list_worlds();
    worlds.sort_by(|a, b| a.name().cmp(b.name()));
    let rows = worlds.iter().map(|world| {
        WorldRow::new(
            world.name(),
            &world.base_path(),
            &world.catch_up().overview(),
            world.name() == page.world.name(),
        )
    });
    rows.collect()
}

/// Shows the worlds of the sandbox.
pub(crate) fn show_worlds(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    Ok(render_worlds(&page, None))
}

fn render_worlds(page: &PageCall<'_>, problem: Option<String>) -> ApiResponse {
    page.show(&WorldsPage {
        console: page.frame(Section::Overview),
        worlds: list_worlds(page),
        problem,
    })
}

/// Creates a world, unless it exists, and shows it.
pub(crate) fn open_world(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &["name"])?;
    let name = form.first_value("name").unwrap_or_default().trim();
    let opened = call.open_world(name);
    match opened {
        Ok(world) => {
            let server = server_url(call, &page.world);
            let address = format!("{server}{}/ui", world.base_path());
            Ok(ApiResponse::redirect_see_other(address))
        }
        Err(error) => page.refuse(error, |error| {
            Ok(render_worlds(&page, Some(error.message())))
        }),
    }
}

/// Begins the world anew, if its name was typed.
pub(crate) fn reset_world(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &["name"])?;
    let expected = call.world_name()?;
    if form.first_value("name") != Some(expected) {
        let error =
            ApiError::invalid_field("name", format!("is not {expected}; nothing was reset"));
        return page.refuse(error, |error| {
            Ok(render_worlds(&page, Some(error.message())))
        });
    }
    call.worlds().reset_world(expected, &[]);
    Ok(ApiResponse::redirect_see_other(page.address("/ui")))
}
