//! Scenarios: those of all worlds, those of one, and which drives what.

use actix_web::HttpResponse;

use super::operator;
use crate::domain::ids::ConsentHandle;
use crate::domain::rejection::Rejection;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::control::Page;
use crate::wire::control::scenarios::{
    DefaultRequest, MagicCustomerView, PinRequest, PinTarget, PinView, ScenarioView,
};
use crate::wire::fields::quote_value;

pub async fn list(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let shown = world.config().scenario_provider.list_scenarios();
        let casting = world.scenario_selection();
        let of_all = shown
            .iter()
            .filter(|shown| !casting.is_local(&shown.name))
            .map(ScenarioView::from);
        let own = casting
            .local_plans()
            .map(|script| ScenarioView::from_world(script.name(), script.description()));
        let mut items: Vec<_> = of_all.chain(own).collect();
        items.sort_by(|one, other| one.name().cmp(other.name()));
        Answer::json(&Page { items, next: None })
    }))
}

pub async fn show(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let name = call.segment("name");
        let own = world.scenario_selection().source_text(name);
        let text = own.or_else(|| {
            let shown = world
                .config()
                .scenario_provider
                .list_scenarios()
                .into_iter()
                .find(|shown| shown.name == name)?;
            Some(shown.text)
        });
        let text = text.ok_or_else(|| unknown(&world, name))?;
        Ok(Answer::text(text.to_string()))
    }))
}

fn unknown(world: &World, name: &str) -> ApiError {
    let known = world
        .scenario_selection()
        .list_names(&*world.config().scenario_provider);
    ApiError::NotFound(
        Rejection::UnknownScenario {
            name: name.to_owned(),
            known,
        }
        .to_string(),
    )
}

/// Adds a scenario to this world, or puts it in another's place; consents that run keep theirs.
pub async fn put(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let name = call.segment("name");
        let text = call.text()?;
        let script = world
            .config()
            .scenario_provider
            .parse_scenario(text)
            .map_err(ApiError::InvalidDocument)?;
        if script.name() != name {
            let problem = format!(
                "is {} in the text and {} in the path; give one of them",
                script.name(),
                quote_value(name)
            );
            return Err(ApiError::invalid_field("name", problem));
        }
        let view = ScenarioView::from_world(script.name(), script.description());
        let put = world.scenario_selection_mut().put_local(script, text);
        put.map_err(ApiError::Conflict)?;
        world.write_note(format!("the scenario {name} was put"));
        Ok(Answer::json(&view))
    }))
}

pub async fn delete(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let name = call.segment("name");
        if !world.scenario_selection_mut().remove_local(name) {
            let problem = format!(
                "{} is no scenario of this world's own; only those can be deleted",
                quote_value(name)
            );
            return Err(ApiError::NotFound(problem));
        }
        world.write_note(format!("the scenario {name} was deleted"));
        Ok(Answer::json(&serde_json::json!({ "deleted": name })))
    }))
}

pub async fn reload(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let director = &world.config().scenario_provider;
        let faults = |faults| {
            ApiError::invalid_field(
                "scenarios",
                format!("were not reloaded, the old set stays: {faults}"),
            )
        };
        director.reload_scenarios().map_err(faults)?;
        Ok(Answer::json(&Page {
            items: director.list_names(),
            next: None,
        }))
    }))
}

/// Lets a scenario drive a consent from now on, or all later consents of a customer.
pub async fn pin(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let name = call.segment("name");
        let request = PinTarget::try_from(call.json::<PinRequest>()?)?;
        world
            .scenario_selection()
            .find_by_name(name, &*world.config().scenario_provider)?;
        match request {
            PinTarget::Customer(customer) => {
                world
                    .scenario_selection_mut()
                    .pin_customer(&customer, Some(name.to_owned()));
                world.write_note(format!("{name} drives the later consents of {customer}"));
                Ok(Answer::json(&PinView::for_customer(name, &customer)))
            }
            PinTarget::Consent(text) => {
                let handle = ConsentHandle::parse(&text)
                    .ok_or_else(|| Rejection::UnknownHandle(quote_value(&text)))?;
                let receipt = world.assign_scenario(handle, name)?;
                Ok(Answer::json(&PinView::for_consent(name, receipt.consent()))
                    .holding(receipt.hold))
            }
        }
    }))
}

pub async fn get_default(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| Answer::json(&default_of(&world))))
}

/// The scenario of this world's consents that nothing else gives one; `null`: none but the sandbox's.
pub async fn set_default(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let DefaultRequest { name } = call.json()?;
        if let Some(name) = &name {
            world
                .scenario_selection()
                .find_by_name(name, &*world.config().scenario_provider)?;
        }
        world.write_note(match &name {
            Some(name) => format!("{name} is the default scenario"),
            None => "there is no default scenario of this world's own".to_owned(),
        });
        world.scenario_selection_mut().set_default(name);
        Ok(Answer::json(&default_of(&world)))
    }))
}

fn default_of(world: &World) -> serde_json::Value {
    let own = world.scenario_selection().default_name().map(str::to_owned);
    let name = own.or_else(|| {
        world
            .config()
            .scenario_provider
            .default_name()
            .map(str::to_owned)
    });
    serde_json::json!({ "name": name })
}

/// The magic customers.
pub async fn magic(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let stories = world.config().scenario_provider.list_magic_customers();
        let items = stories
            .into_iter()
            .map(|(number, story)| MagicCustomerView { number, story })
            .collect();
        Answer::json(&Page { items, next: None })
    }))
}
