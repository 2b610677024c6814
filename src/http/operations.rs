//! The control API's rooms for what surrounds consents: data sessions, customers and their accounts, participants.

use std::sync::Arc;

use actix_web::HttpResponse;

use crate::domain::command::Command;
use crate::domain::ids::{LinkId, SessionId};
use crate::domain::refusal::Refusal;
use crate::engine::world::Receipt;
use crate::http::call::Call;
use crate::http::control::{operator, window};
use crate::http::reply::Answer;
use crate::wire::control::{
    CustomerView, DelinkRequest, DeliverRequest, LinkRequest, LinkView, Page, SessionView, VerifyRequest,
};
use crate::wire::fields::quoted;
use crate::wire::participants::{FipEntry, FiuEntry, check_distinct};
use crate::wire::problem::Problem;

pub async fn list_sessions(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let (skip, limit) = window(&call)?;
        let sessions = world.sessions(usize::try_from(skip).unwrap_or(usize::MAX), limit);
        let next = (sessions.len() == limit).then(|| skip.saturating_add(limit as u64));
        let items = sessions.iter().map(|session| SessionView::new(session)).collect();
        Ok(Answer::json(&Page { items, next }))
    }))
}

fn session_id(call: &Call) -> Result<SessionId, Problem> {
    let text = call.segment("id");
    Ok(SessionId::parse(text).ok_or_else(|| Refusal::UnknownSession(quoted(text)))?)
}

pub async fn get_session(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let id = session_id(&call)?;
        let session = world.session(id).ok_or_else(|| Refusal::UnknownSession(id.to_string()))?;
        Ok(Answer::json(&SessionView::new(&session)))
    }))
}

/// Lets the FIPs of a session answer.
pub async fn deliver_session(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let id = session_id(&call)?;
        let session = world.session(id).ok_or_else(|| Refusal::UnknownSession(id.to_string()))?;
        if !session.is_open() {
            return Err(Problem::Conflict(format!("no account of session {id} waits for an answer")));
        }
        let outcome = call.json_or_default::<DeliverRequest>()?.try_into()?;
        let receipt = world.submit(Command::Deliver { handle: session.handle, outcome })?;
        Ok(Answer::json(&SessionView::new(receipt.session())).holding(receipt.hold))
    }))
}

pub async fn list_customers(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let (skip, limit) = window(&call)?;
        let customers = world.customers(usize::try_from(skip).unwrap_or(usize::MAX), limit);
        let next = (customers.len() == limit).then(|| skip.saturating_add(limit as u64));
        let items = customers.iter().map(ToString::to_string).collect();
        Ok(Answer::json(&Page { items, next }))
    }))
}

/// Discovery: the customer's accounts at all FIPs, linked or not.
pub async fn list_accounts(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let address = call.segment("customer");
        let (said, accounts) = world.customer(address);
        Answer::json(&CustomerView::new(address, said.as_ref(), &accounts))
    }))
}

pub async fn move_customer(call: Call) -> HttpResponse {
    let outcome = operator(&call).and_then(|world| {
        let customer: Arc<str> = call.segment("customer").into();
        let command = command(&call, &customer)?;
        let Receipt { event, hold, .. } = world.submit(command)?;
        let answer = if let Some(link) = LinkView::of(&event) {
            Answer::json(&link)
        } else {
            let (said, accounts) = world.customer(&customer);
            Answer::json(&CustomerView::new(&customer, said.as_ref(), &accounts))
        };
        Ok(answer.holding(hold))
    });
    call.reply_control(outcome)
}

fn command(call: &Call, customer: &Arc<str>) -> Result<Command, Problem> {
    let customer = Arc::clone(customer);
    Ok(match call.segment("verb") {
        "register" => Command::RegisterCustomer { customer },
        "deregister" => Command::DeregisterCustomer { customer },
        "link" => {
            let (fip, accounts) = call.json::<LinkRequest>()?.check()?;
            Command::LinkAccounts { customer, fip, accounts }
        }
        "verify" => {
            let (reference, token) = call.json::<VerifyRequest>()?.check()?;
            let link = LinkId::parse(&reference).ok_or_else(|| Refusal::UnknownLink(quoted(&reference)))?;
            Command::VerifyLink { customer, link, token }
        }
        "delink" => Command::DelinkAccount { customer, link_ref: call.json::<DelinkRequest>()?.check()? },
        verb => {
            let known = "register, deregister, link, verify, delink";
            return Err(Problem::field("verb", format!("{} is not one of {known}", quoted(verb))));
        }
    })
}

pub async fn list_fius(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let items = world.participants().fius.iter().map(|fiu| FiuEntry::of(fiu)).collect();
        Answer::json(&Page { items, next: None })
    }))
}

pub async fn list_fips(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let items = world.participants().fips.iter().map(|fip| FipEntry::of(fip)).collect();
        Answer::json(&Page { items, next: None })
    }))
}

pub async fn get_fiu(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let participants = world.participants();
        let fiu = participants.fiu(call.segment("id"));
        let fiu = fiu.ok_or_else(|| Problem::Unknown(format!("no FIU has the id {}", quoted(call.segment("id")))))?;
        Ok(Answer::json(&FiuEntry::of(fiu)))
    }))
}

/// Registers an FIU in this world, or changes one: what the body leaves out stays as it is.
pub async fn put_fiu(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let id = call.segment("id");
        let mut entry: FiuEntry = call.json()?;
        if entry.id.as_deref().is_some_and(|given| given != id) {
            return Err(Problem::field("fiu.id", "is another than the path's"));
        }
        entry.id = Some(id.to_owned());
        let changed = world.configure(&format!("the FIU {id} was configured"), |participants| {
            let mut changed = participants.clone();
            let place = changed.fius.iter().position(|fiu| &*fiu.entity.id == id);
            let before = place.map(|place| Arc::clone(&changed.fius[place]));
            let fiu = Arc::new(entry.into_fiu(before.as_deref())?);
            match place {
                Some(place) => changed.fius[place] = fiu,
                None => changed.fius.push(fiu),
            }
            check_distinct(&changed)?;
            Ok::<_, Problem>(changed)
        })?;
        Ok(Answer::json(&FiuEntry::of(changed.fiu(id).expect("it has just been put"))))
    }))
}
