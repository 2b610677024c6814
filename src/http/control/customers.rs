//! Customers and their accounts: registration, discovery, linking, personas.

use std::sync::Arc;

use super::{authenticate_operator, read_page};
use crate::domain::account::{CustomerAccount, FiType};
use crate::domain::command::{Command, OnPendingLink};
use crate::domain::ids::LinkId;
use crate::domain::naming::suggest_name;
use crate::domain::persona::Persona;
use crate::domain::rejection::Rejection;
use crate::domain::text::quote_value;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::control::customers::{
    CustomerView, DelinkRequest, LinkRequest, LinkRequestView, PersonaRequest, VerifyRequest,
};
use crate::wire::fields::parse_customer_address;

pub(crate) fn list_customers(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let page = read_page(
        call,
        |skip, limit| world.catch_up().customer_addresses(skip, limit),
        ToString::to_string,
    )?;
    Ok(ApiResponse::json(&page))
}

/// Lists the customer's accounts at all FIPs, linked or not. `fipId` and `fiType` (both repeatable)
/// filter the list as account discovery at a FIP does, with its errors (ReBIT FIP API 2.0.0,
/// `/Accounts/discover`).
pub(crate) fn list_accounts(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let params = Params::parse(call.query())?;
    let fips: Vec<_> = params.values_of("fipId").collect();
    if let Some(unknown) = fips
        .iter()
        .find(|fip| world.participants().find_fip(fip).is_none())
    {
        return Err(Rejection::UnknownFip((*unknown).to_owned()).into());
    }
    let fi_types = params.values_of("fiType").map(|fi_type| {
        FiType::parse_any_name(fi_type).ok_or_else(|| {
            let message = format!(
                "UnsupportedFIType: {} is not one of {}",
                quote_value(fi_type),
                FiType::accepted_names()
            );
            ApiError::invalid_field("fiType", message)
        })
    });
    let fi_types = fi_types.collect::<Result<Vec<_>, _>>()?;
    let address = &*parse_customer_address("customer", call.path_segment("customer"))?;
    let (record, mut accounts) = world.catch_up().customer(address);
    accounts.retain(|CustomerAccount { account, .. }| {
        (fips.is_empty() || fips.contains(&&*account.fip))
            && (fi_types.is_empty() || fi_types.contains(&account.fi_type))
    });
    if accounts.is_empty() {
        return Err(ApiError::NotFound(format!(
            "NoAccountsFound: {address} has no matching account"
        )));
    }
    Ok(ApiResponse::json(&CustomerView::new(
        address,
        &world.catch_up().persona_of(address),
        record.as_ref(),
        &accounts,
    )))
}

/// Registers a customer without linked accounts.
pub(crate) fn register_customer(call: &Call) -> Result<ApiResponse, ApiError> {
    change_customer(call, |_, customer| {
        Ok(Command::RegisterCustomer { customer })
    })
}

/// Deregisters a customer and hides the consents.
pub(crate) fn deregister_customer(call: &Call) -> Result<ApiResponse, ApiError> {
    change_customer(call, |_, customer| {
        Ok(Command::DeregisterCustomer { customer })
    })
}

/// Requests the linking of accounts.
pub(crate) fn link_accounts(call: &Call) -> Result<ApiResponse, ApiError> {
    change_customer(call, |_, customer| {
        let (fip, accounts) = call.parse_json::<LinkRequest>()?.into_validated()?;
        Ok(Command::LinkAccounts {
            customer,
            fip,
            accounts,
            on_pending_link: OnPendingLink::Refuse,
        })
    })
}

/// Confirms a link request with its token.
pub(crate) fn verify_link(call: &Call) -> Result<ApiResponse, ApiError> {
    change_customer(call, |_, customer| {
        let (reference, token) = call.parse_json::<VerifyRequest>()?.into_validated()?;
        let link = LinkId::parse(&reference)
            .ok_or_else(|| Rejection::UnknownLink(quote_value(&reference)))?;
        Ok(Command::VerifyLink {
            customer,
            link,
            token,
            refused: Vec::new(),
        })
    })
}

/// Delinks an account and revokes the consents that contain it.
pub(crate) fn delink_account(call: &Call) -> Result<ApiResponse, ApiError> {
    change_customer(call, |_, customer| {
        Ok(Command::DelinkAccount {
            customer,
            link_ref: call.parse_json::<DelinkRequest>()?.into_validated()?,
        })
    })
}

/// Assigns another persona to a customer.
pub(crate) fn assign_persona(call: &Call) -> Result<ApiResponse, ApiError> {
    change_customer(call, |world, customer| {
        let name = call.parse_json::<PersonaRequest>()?.into_validated()?;
        Ok(Command::AssignPersona {
            customer,
            persona: find_persona(world, &name)?,
        })
    })
}

/// Finds a persona of the world.
pub(crate) fn find_persona(world: &World, name: &str) -> Result<Arc<Persona>, ApiError> {
    let personas = world.personas();
    let persona = personas.get(name).ok_or_else(|| {
        let message = format!(
            "{} is unknown; {}",
            quote_value(name),
            suggest_name(name, personas.names())
        );
        ApiError::invalid_field("persona", message)
    })?;
    Ok(Arc::clone(persona))
}

/// Submits the command that `build_command` makes of the call, and answers with the customer, or
/// with the link request that the command has made.
fn change_customer(
    call: &Call,
    build_command: impl Fn(&World, Arc<str>) -> Result<Command, ApiError>,
) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let customer = parse_customer_address("customer", call.path_segment("customer"))?;
    let receipt = world.submit(build_command(&world, Arc::clone(&customer))?)?;
    Ok(ApiResponse::from_receipt(receipt, |outcome| {
        if let Some(link) = LinkRequestView::from_event(&outcome.last_event) {
            return ApiResponse::json(&link);
        }
        let (record, accounts) = world.catch_up().customer(&customer);
        ApiResponse::json(&CustomerView::new(
            &customer,
            &world.catch_up().persona_of(&customer),
            record.as_ref(),
            &accounts,
        ))
    }))
}
