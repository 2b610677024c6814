//! Customers and their accounts: registration, discovery, linking, personas.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::{authenticate_operator, read_page};
use crate::domain::account::{CustomerAccount, FiType};
use crate::domain::command::Command;
use crate::domain::ids::LinkId;
use crate::domain::naming::suggest_name;
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
use crate::wire::fields::is_customer_address;

pub async fn list_customers(call: Call) -> HttpResponse {
    call.reply_control(authenticate_operator(&call).and_then(|world| {
        let page = read_page(
            &call,
            |skip, limit| world.catch_up().customer_addresses(skip, limit),
            ToString::to_string,
        )?;
        Ok(ApiResponse::json(&page))
    }))
}

/// Lists the customer's accounts at all FIPs, linked or not. `fipId` and `fiType` (both repeatable)
/// filter the list as account discovery at a FIP does, with its errors (ReBIT FIP API 2.0.0,
/// `/Accounts/discover`).
pub async fn list_accounts(call: Call) -> HttpResponse {
    call.reply_control(authenticate_operator(&call).and_then(|world| {
        let params = Params::parse(call.query())?;
        let fips: Vec<_> = params.values_of("fipId").collect();
        if let Some(unknown) = fips
            .iter()
            .find(|fip| world.participants().find_fip(fip).is_none())
        {
            return Err(Rejection::UnknownFip((*unknown).to_owned()).into());
        }
        let fi_types = params.values_of("fiType").map(|fi_type| {
            FiType::parse(fi_type).ok_or_else(|| {
                let message = format!(
                    "UnsupportedFIType: {} is not one of {}",
                    quote_value(fi_type),
                    FiType::accepted_names()
                );
                ApiError::invalid_field("fiType", message)
            })
        });
        let fi_types = fi_types.collect::<Result<Vec<_>, _>>()?;
        let address = call.path_segment("customer");
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
    }))
}

pub async fn apply_customer_action(call: Call) -> HttpResponse {
    let outcome = authenticate_operator(&call).and_then(|world| {
        let customer: Arc<str> = call.path_segment("customer").into();
        let command = parse_command(&call, &world, &customer)?;
        let receipt = world.submit(command)?;
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
    });
    call.reply_control(outcome)
}

fn parse_command(call: &Call, world: &World, customer: &Arc<str>) -> Result<Command, ApiError> {
    let customer = Arc::clone(customer);
    if !is_customer_address(&customer) {
        return Err(ApiError::invalid_field(
            "customer",
            format!(
                "{} is not an address of the form name@handle",
                quote_value(&customer)
            ),
        ));
    }
    Ok(match call.path_segment("action") {
        "register" => Command::RegisterCustomer { customer },
        "deregister" => Command::DeregisterCustomer { customer },
        "link" => {
            let (fip, accounts) = call.parse_json::<LinkRequest>()?.into_validated()?;
            Command::LinkAccounts {
                customer,
                fip,
                accounts,
            }
        }
        "verify" => {
            let (reference, token) = call.parse_json::<VerifyRequest>()?.into_validated()?;
            let link = LinkId::parse(&reference)
                .ok_or_else(|| Rejection::UnknownLink(quote_value(&reference)))?;
            Command::VerifyLink {
                customer,
                link,
                token,
            }
        }
        "delink" => Command::DelinkAccount {
            customer,
            link_ref: call.parse_json::<DelinkRequest>()?.into_validated()?,
        },
        "persona" => {
            let name = call.parse_json::<PersonaRequest>()?.into_validated()?;
            let personas = &world.config().personas;
            let persona = personas.get(&name).ok_or_else(|| {
                let message = format!(
                    "{} is unknown; {}",
                    quote_value(&name),
                    suggest_name(&name, personas.names())
                );
                ApiError::invalid_field("persona", message)
            })?;
            Command::AssignPersona {
                customer,
                persona: Arc::clone(persona),
            }
        }
        action => {
            let known = "register, deregister, link, verify, delink, persona";
            return Err(ApiError::invalid_field(
                "action",
                format!("{} is unknown; known: {known}", quote_value(action)),
            ));
        }
    })
}
