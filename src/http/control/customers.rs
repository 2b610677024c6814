//! Customers and their accounts: discovery, linking, leaving.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::{operator, part};
use crate::domain::account::FiType;
use crate::domain::command::Command;
use crate::domain::ids::LinkId;
use crate::domain::naming::suggest_name;
use crate::domain::rejection::Rejection;
use crate::engine::world::{Receipt, World};
use crate::http::call::Call;
use crate::http::pairs::Pairs;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::control::customers::{
    CustomerView, DelinkRequest, LinkRequest, LinkRequestView, PersonaRequest, VerifyRequest,
};
use crate::wire::fields::{is_customer_address, quote_value};

pub async fn list(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let part = part(
            &call,
            |skip, limit| world.customers(skip, limit),
            ToString::to_string,
        )?;
        Ok(Answer::json(&part))
    }))
}

/// Discovery: the customer's accounts at all FIPs, linked or not; with `fipId` and `fiType` (which may be repeated) those
/// that a FIP would find, or what it would say instead (ReBIT FIP API 2.0.0, `/Accounts/discover`).
pub async fn list_accounts(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let pairs = Pairs::parse(call.query())?;
        let fips: Vec<_> = pairs.all("fipId").collect();
        if let Some(unknown) = fips
            .iter()
            .find(|fip| world.participants().find_fip(fip).is_none())
        {
            return Err(Rejection::UnknownFip((*unknown).to_owned()).into());
        }
        let kinds = pairs.all("fiType").map(|kind| {
            let unknown = || {
                format!(
                    "UnsupportedFIType: {} is not one of {}",
                    quote_value(kind),
                    FiType::accepted_names()
                )
            };
            FiType::parse(kind).ok_or_else(|| ApiError::invalid_field("fiType", unknown()))
        });
        let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
        let address = call.segment("customer");
        let (said, mut accounts) = world.customer(address);
        accounts.retain(|(account, _)| {
            (fips.is_empty() || fips.contains(&&*account.fip))
                && (kinds.is_empty() || kinds.contains(&account.fi_type))
        });
        if accounts.is_empty() {
            return Err(ApiError::NotFound(format!(
                "NoAccountsFound: {address} has no such account there"
            )));
        }
        Ok(Answer::json(&CustomerView::new(
            address,
            &world.persona_of(address),
            said.as_ref(),
            &accounts,
        )))
    }))
}

pub async fn act(call: Call) -> HttpResponse {
    let outcome = operator(&call).and_then(|world| {
        let customer: Arc<str> = call.segment("customer").into();
        let command = command(&call, &world, &customer)?;
        let Receipt { event, hold, .. } = world.submit(command)?;
        let answer = if let Some(link) = LinkRequestView::from_event(&event) {
            Answer::json(&link)
        } else {
            let (said, accounts) = world.customer(&customer);
            Answer::json(&CustomerView::new(
                &customer,
                &world.persona_of(&customer),
                said.as_ref(),
                &accounts,
            ))
        };
        Ok(answer.holding(hold))
    });
    call.reply_control(outcome)
}

fn command(call: &Call, world: &World, customer: &Arc<str>) -> Result<Command, ApiError> {
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
    Ok(match call.segment("verb") {
        "register" => Command::RegisterCustomer { customer },
        "deregister" => Command::DeregisterCustomer { customer },
        "link" => {
            let (fip, accounts) = call.json::<LinkRequest>()?.into_validated()?;
            Command::LinkAccounts {
                customer,
                fip,
                accounts,
            }
        }
        "verify" => {
            let (reference, token) = call.json::<VerifyRequest>()?.into_validated()?;
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
            link_ref: call.json::<DelinkRequest>()?.into_validated()?,
        },
        "persona" => {
            let name = call.json::<PersonaRequest>()?.into_validated()?;
            let personas = &world.config().personas;
            let unknown = || {
                format!(
                    "{} is not known; {}",
                    quote_value(&name),
                    suggest_name(&name, personas.names())
                )
            };
            let persona = personas
                .get(&name)
                .ok_or_else(|| ApiError::invalid_field("persona", unknown()))?;
            Command::AssignPersona {
                customer,
                persona: Arc::clone(persona),
            }
        }
        verb => {
            let known = "register, deregister, link, verify, delink, persona";
            return Err(ApiError::invalid_field(
                "verb",
                format!("{} is not one of {known}", quote_value(verb)),
            ));
        }
    })
}
