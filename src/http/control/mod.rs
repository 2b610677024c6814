//! The control API, by which tests, the command line and the console read and control a world. This
//! module has what its calls share: access and pagination.

pub(crate) mod clock;
pub(crate) mod consents;
pub(crate) mod customers;
pub(crate) mod faults;
pub(crate) mod journal;
pub(crate) mod participants;
pub(crate) mod personas;
pub(crate) mod scenarios;
pub(crate) mod sessions;
pub(crate) mod statements;
pub(crate) mod transactions;
pub(crate) mod uploads;
pub(crate) mod webhooks;
pub(crate) mod world;

use crate::domain::ids::ConsentHandle;
use crate::domain::listing::{Cursor, ListPart};
use crate::domain::text::quote_value;
use crate::http::call::Call;
use crate::http::call_world::CallWorld;
use crate::http::params::Params;
use crate::wire::api_error::ApiError;
use crate::wire::control::journal::parse_handle;
use crate::wire::control::{Detail, Page};
use crate::wire::fields::require_enum;
use crate::wire::mask::SecretDetail;

/// Largest number of items in a page, and the default of `limit`.
pub(crate) const PAGE_MAX: usize = 1_000;

/// Accepts every caller of a sandbox on loopback, else callers with the control token. Requests
/// that a page of another site sends from a developer's browser are rejected here and by
/// [`crate::http::access`]. Input that the call does not have is rejected, since it would change
/// nothing. Returns the call's world.
pub(crate) fn authenticate_operator(call: &Call) -> Result<CallWorld, ApiError> {
    check_operator(call)?;
    call.get_or_create_world()
}

/// Checks a call of the control API before it reaches a world.
fn check_operator(call: &Call) -> Result<(), ApiError> {
    reject_cross_site(call)?;
    authenticate_token(call)?;
    reject_undefined_input(call)
}

fn authenticate_token(call: &Call) -> Result<(), ApiError> {
    if call.is_operator() {
        return Ok(());
    }
    let message = "the control API of this sandbox requires its token; send Authorization: Bearer \
                   <token>, as printed at start";
    Err(ApiError::Unauthorized(message.to_owned()))
}

/// Rejects parameters that the route does not have, and a body where it has none.
fn reject_undefined_input(call: &Call) -> Result<(), ApiError> {
    let Some(route) = call.route() else {
        return Ok(());
    };
    Params::parse(call.query())?.reject_unknown(&route.query_names())?;
    if route.takes_body {
        Ok(())
    } else {
        reject_body(call)
    }
}

/// Rejects a body with content, for a call that reads none.
pub(crate) fn reject_body(call: &Call) -> Result<(), ApiError> {
    let body = call.body()?.trim_ascii();
    if body.is_empty() || body == b"{}" {
        return Ok(());
    }
    let message = "is not read by this call; send none";
    Err(ApiError::invalid_field("body", message))
}

/// Rejects a request that a browser sends on behalf of another site.
pub(crate) fn reject_cross_site(call: &Call) -> Result<(), ApiError> {
    match call.header("sec-fetch-site") {
        Some("cross-site") => Err(ApiError::Forbidden(
            "a page of another site may not control this sandbox".into(),
        )),
        _ => Ok(()),
    }
}

/// Parses `after` and `limit` of the query.
pub(crate) fn parse_pagination(call: &Call) -> Result<(u64, usize), ApiError> {
    let limit = parse_number(call, "limit", PAGE_MAX as u64)?;
    let limit = usize::try_from(limit)
        .unwrap_or(PAGE_MAX)
        .clamp(1, PAGE_MAX);
    Ok((parse_number(call, "after", 0)?, limit))
}

/// Parses the part of a list that the query selects: newest first below `before`, oldest first above
/// `after`, or else from the default cursor.
pub(crate) fn parse_list_part(call: &Call, default: Cursor) -> Result<ListPart, ApiError> {
    let (after, limit) = parse_pagination(call)?;
    let params = Params::parse(call.query())?;
    let [has_after, has_before] =
        ["after", "before"].map(|name| params.first_value(name).is_some());
    let cursor = match (has_after, has_before) {
        (true, true) => {
            let message =
                "cannot be combined with after; before lists the newest first, after the oldest";
            return Err(ApiError::invalid_field("before", message));
        }
        (true, false) => Cursor::After(after),
        (false, true) => match parse_number(call, "before", 0)? {
            0 => Cursor::NEWEST,
            before => Cursor::Before(before),
        },
        (false, false) => default,
    };
    Ok(ListPart { cursor, limit })
}

/// Parses a parameter of the query that is a name of a list.
pub(crate) fn parse_name<T>(
    params: &Params,
    parameter: &'static str,
    parse: fn(&str) -> Option<T>,
    names: fn() -> String,
) -> Result<Option<T>, ApiError> {
    let name = params.first_value(parameter).map(str::to_owned);
    name.map(|name| require_enum(parameter, Some(name), parse, names))
        .transpose()
}

/// Parses `consentHandle` of the query.
pub(crate) fn parse_handle_filter(params: &Params) -> Result<Option<ConsentHandle>, ApiError> {
    let text = params.first_value("consentHandle");
    text.map(parse_handle).transpose()
}

/// Parses `light` of the query.
pub(crate) fn parse_detail(params: &Params, default: Detail) -> Result<Detail, ApiError> {
    let is_light = params.parse_switch("light")?;
    Ok(if is_light { Detail::Light } else { default })
}

/// Parses `reveal` of the query. The operator has been authenticated before.
pub(crate) fn parse_reveal(call: &Call) -> Result<SecretDetail, ApiError> {
    let reveals = Params::parse(call.query())?.parse_switch("reveal")?;
    Ok(if reveals {
        SecretDetail::Reveal
    } else {
        SecretDetail::Mask
    })
}

/// Parses a parameter of the query that is a number.
pub(crate) fn parse_number(call: &Call, name: &'static str, default: u64) -> Result<u64, ApiError> {
    let pair = call
        .query()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name);
    pair.map_or(Ok(default), |(_, value)| {
        value.parse().map_err(|_| {
            let message = format!("{} is not a whole number", quote_value(value));
            ApiError::invalid_field(name, message)
        })
    })
}

/// Returns the page of a list that the query selects. `list` gets the number of items to skip and
/// the largest number to return.
pub(crate) fn read_page<T, V>(
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
