//! Who takes part in a world.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::operator;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::control::Page;
use crate::wire::fields::quoted;
use crate::wire::participants::{FipEntry, FiuEntry, check_distinct};
use crate::wire::problem::Problem;

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
        let says_where = entry.base_url.is_some();
        let changed = world.configure(&format!("the FIU {id} was configured"), |participants| {
            let mut changed = participants.clone();
            let place = changed.fius.iter().position(|fiu| &*fiu.entity.id == id);
            let before = place.map(|place| Arc::clone(&changed.fius[place]));
            let mut fiu = entry.into_fiu(before.as_deref())?;
            if before.is_none() && !says_where {
                fiu.base_url.clone_from(&world.setting().fiu_url);
            }
            let fiu = Arc::new(fiu);
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
