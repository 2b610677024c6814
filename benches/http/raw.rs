//! The bare actix server: the ceiling for the two seed calls over HTTP.

use std::cell::RefCell;
use std::net::{Ipv4Addr, TcpListener};

use actix_web::rt::System;
use actix_web::web::{self, Bytes, Data, Path};
use actix_web::{App, HttpResponse, HttpServer};
use rand::rngs::Xoshiro256PlusPlus;
use uuid::Uuid;

use crate::baseline::{ConsentRequest, Store, id_rng};

thread_local! {
    static IDS: RefCell<Xoshiro256PlusPlus> = RefCell::new(id_rng());
}

/// Serves the calls on a free port of loopback with one worker, and prints the port.
pub fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    let store = Data::new(Store::default());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(store.clone())
            .route("/consent", web::post().to(create_consent))
            .route("/consent/{id}", web::get().to(get_consent))
            .route("/ids", web::get().to(list_ids))
    })
    .workers(1)
    .listen(listener)?
    .run();
    System::new().block_on(server)
}

async fn create_consent(store: Data<Store>, body: Bytes) -> HttpResponse {
    match ConsentRequest::parse(&body) {
        Ok(request) => {
            let answer = IDS.with_borrow_mut(|ids| store.create(request, ids));
            HttpResponse::Ok()
                .content_type("application/json")
                .body(answer)
        }
        Err(message) => HttpResponse::BadRequest().body(message),
    }
}

async fn get_consent(store: Data<Store>, id: Path<String>) -> HttpResponse {
    match Uuid::parse_str(&id).ok().and_then(|id| store.get(id)) {
        Some(answer) => HttpResponse::Ok()
            .content_type("application/json")
            .body(answer),
        None => HttpResponse::NotFound().finish(),
    }
}

/// Lists the ids of all consents, one in each line.
async fn list_ids(store: Data<Store>) -> HttpResponse {
    let lines: Vec<_> = store.ids().iter().map(Uuid::to_string).collect();
    HttpResponse::Ok().body(lines.join("\n"))
}
