//! A receiver of webhooks that accepts and counts them.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::rt::System;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};

/// The answer of an FIU of ReBIT to a notification.
const ANSWER: &str = r#"{"ver":"2.0.0","timestamp":"2020-07-04T06:00:00.000Z","txnid":"4a4adbbe-29ae-11e8-a8d7-0289437bf331","response":"OK"}"#;

/// Serves on a free port of loopback with one worker, and prints the port. `GET /count` answers with
/// the number of webhooks.
pub fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    let count = Data::new(AtomicU64::new(0));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(count.clone())
            .route("/count", web::get().to(read_count))
            .default_service(web::post().to(accept))
    })
    .workers(1)
    .listen(listener)?
    .run();
    System::new().block_on(server)
}

async fn read_count(count: Data<AtomicU64>) -> HttpResponse {
    HttpResponse::Ok().body(count.load(Ordering::Relaxed).to_string())
}

async fn accept(count: Data<AtomicU64>, _: Bytes) -> HttpResponse {
    count.fetch_add(1, Ordering::Relaxed);
    HttpResponse::Ok()
        .content_type("application/json")
        .body(ANSWER)
}
