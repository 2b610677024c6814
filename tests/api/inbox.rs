//! The FIU of the tests: a real server that records what arrives, and whose answers can be changed in mid-test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::specification;
use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, PayloadConfig, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How the FIU answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Mood {
    /// 200 with `response: "OK"`.
    Accepting,
    /// This status, and this body.
    Answering(u16, String),
    /// 307 to this address.
    Redirecting(String),
    /// Never answers.
    Hanging,
}

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub struct Message {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("webhooks are JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        &found
            .unwrap_or_else(|| panic!("no header {name} in {:?}", self.headers))
            .1
    }
}

pub struct Inbox {
    pub url: String,
    messages: UnboundedReceiver<Message>,
    desk: Arc<Desk>,
    server: ServerHandle,
}

struct Desk {
    mood: Mutex<Mood>,
    arrived: UnboundedSender<Message>,
}

impl Inbox {
    pub fn start() -> Self {
        let (arrived, messages) = unbounded_channel();
        let desk = Arc::new(Desk {
            mood: Mutex::new(Mood::Accepting),
            arrived,
        });
        let data = Data::from(Arc::clone(&desk));
        let app = move || {
            let limit = PayloadConfig::new(64 * 1024 * 1024);
            App::new()
                .app_data(limit)
                .app_data(data.clone())
                .default_service(to(receive))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .expect("a free port");
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            url,
            messages,
            desk,
            server: handle,
        }
    }

    pub fn turn(&self, mood: Mood) {
        *self.desk.mood.lock().expect("not poisoned") = mood;
    }

    /// The next message; fails the test when none comes.
    pub async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(20), self.messages.recv()).await;
        let message = next.expect("a webhook arrives").expect("the inbox is open");
        specification::check_webhook(&message.path, &message.body);
        message
    }

    /// What has arrived so far and was not taken.
    pub fn arrived(&mut self) -> Vec<Message> {
        let messages: Vec<_> = std::iter::from_fn(|| self.messages.try_recv().ok()).collect();
        for message in &messages {
            specification::check_webhook(&message.path, &message.body);
        }
        messages
    }

    /// Paths of what has arrived so far and was not taken.
    pub fn arrived_paths(&mut self) -> Vec<String> {
        self.arrived()
            .into_iter()
            .map(|message| message.path)
            .collect()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn receive(request: HttpRequest, body: Bytes, desk: Data<Desk>) -> HttpResponse {
    let header = |(name, value): (
        &actix_web::http::header::HeaderName,
        &actix_web::http::header::HeaderValue,
    )| {
        (
            name.as_str().to_owned(),
            value.to_str().expect("text").to_owned(),
        )
    };
    let headers = request.headers().iter().map(header).collect();
    let message = Message {
        path: request.path().to_owned(),
        headers,
        body: body.to_vec(),
    };
    let mood = desk.mood.lock().expect("not poisoned").clone();
    // A test that is over does not listen any more.
    let _ = desk.arrived.send(message);
    match mood {
        Mood::Accepting => HttpResponse::Ok().json(json!({ "response": "OK" })),
        Mood::Answering(status, text) => {
            HttpResponse::build(status.try_into().expect("a status")).body(text)
        }
        Mood::Redirecting(location) => HttpResponse::TemporaryRedirect()
            .insert_header(("location", location))
            .finish(),
        Mood::Hanging => std::future::pending().await,
    }
}
