//! The control API: what a test, the command line or a console may ask of a world.

pub mod clock;
pub mod consents;
pub mod customers;
pub mod faults;
pub mod journal;
pub mod participants;
pub mod scenarios;
pub mod sessions;
pub mod webhooks;
pub mod world;

use std::sync::Arc;

use crate::engine::world::World;
use crate::http::call::Call;
use crate::wire::api_error::ApiError;
use crate::wire::control::Page;

/// Items in a part of a list, unless `limit` says fewer.
const PAGE_MAX: usize = 1_000;

/// Lets in who may steer: everybody on a loopback sandbox, else who has the token. A page of another site that a
/// developer happens to visit may not.
pub fn authenticate_operator(call: &Call) -> Result<Arc<World>, ApiError> {
    reject_cross_site(call)?;
    match &call.app_state().control_token {
        Some(token) if call.bearer_token() != Some(token) => {
            let remedy = "the control API of this sandbox asks for its token; send Authorization: Bearer <token>, as \
                          printed at start";
            Err(ApiError::Unauthorized(remedy.to_owned()))
        }
        _ => call.get_or_create_world(),
    }
}

/// Refuses what a browser sends on behalf of another site.
pub fn reject_cross_site(call: &Call) -> Result<(), ApiError> {
    match call.header("sec-fetch-site") {
        Some("cross-site") => Err(ApiError::Forbidden(
            "another site's page may not steer this sandbox",
        )),
        _ => Ok(()),
    }
}

/// `after` and `limit` of the query.
pub fn parse_pagination(call: &Call) -> Result<(u64, usize), ApiError> {
    let parse_number = |name: &'static str, default: u64| {
        let pair = call
            .query()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name);
        pair.map_or(Ok(default), |(_, value)| {
            value.parse().map_err(|_| {
                ApiError::invalid_field(name, format!("'{value}' is not a whole number"))
            })
        })
    };
    let limit = parse_number("limit", PAGE_MAX as u64)?;
    let limit = usize::try_from(limit)
        .unwrap_or(PAGE_MAX)
        .clamp(1, PAGE_MAX);
    Ok((parse_number("after", 0)?, limit))
}

/// The part of a list that the query asks for; `list` gives the items after as many, and at most so many.
pub fn read_page<T, V>(
    call: &Call,
    list: impl FnOnce(usize, usize) -> Vec<T>,
    view: impl Fn(&T) -> V,
) -> Result<Page<V>, ApiError> {
    let (skip, limit) = parse_pagination(call)?;
    let items = list(usize::try_from(skip).unwrap_or(usize::MAX), limit);
    let next = (items.len() == limit).then(|| skip.saturating_add(limit as u64));
    Ok(Page {
        items: items.iter().map(view).collect(),
        next,
    })
}
