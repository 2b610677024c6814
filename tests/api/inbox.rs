//! The FIU of the tests: a real server that records what it receives, and whose responses a test
//! can change while it runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::specification;
use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, PayloadConfig, to};
use actix_web::{App, FromRequest, Handler, HttpRequest, HttpResponse, HttpServer, Responder};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The response of the FIU to webhooks.
#[derive(Clone, Debug, PartialEq)]
pub enum ReceiverBehavior {
    /// 200 with ReBIT's `NotificationResponse`.
    Accept,
    /// The same with this status, as plain text.
    AcceptAsText(u16),
    /// This status with this body.
    Respond(u16, String),
    /// 307 to this address.
    Redirect(String),
    /// No response at all.
    Hang,
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
        let entry = self.headers.iter().find(|(header, _)| header == name);
        &entry
            .unwrap_or_else(|| panic!("no header {name} in {:?}", self.headers))
            .1
    }
}

pub struct Inbox {
    pub url: String,
    messages: UnboundedReceiver<Message>,
    state: Arc<InboxState>,
    server: ServerHandle,
}

struct InboxState {
    behavior: Mutex<ReceiverBehavior>,
    sender: UnboundedSender<Message>,
}

impl Inbox {
    pub fn start() -> Self {
        let (sender, messages) = unbounded_channel();
        let state = Arc::new(InboxState {
            behavior: Mutex::new(ReceiverBehavior::Accept),
            sender,
        });
        let data = Data::from(Arc::clone(&state));
        let (url, handle) = start_receiver(data, receive);
        Self {
            url,
            messages,
            state,
            server: handle,
        }
    }

    pub fn set_behavior(&self, behavior: ReceiverBehavior) {
        *self.state.behavior.lock().expect("not poisoned") = behavior;
    }

    /// Returns the next message; panics if none arrives.
    pub async fn next_message(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(20), self.messages.recv()).await;
        let message = next.expect("a webhook arrives").expect("the inbox is open");
        specification::check_webhook(&message.path, &message.body);
        message
    }

    /// Takes the messages that have arrived so far.
    pub fn drain_messages(&mut self) -> Vec<Message> {
        let messages: Vec<_> = std::iter::from_fn(|| self.messages.try_recv().ok()).collect();
        for message in &messages {
            specification::check_webhook(&message.path, &message.body);
        }
        messages
    }

    /// Takes the messages that have arrived so far and returns their paths.
    pub fn drain_paths(&mut self) -> Vec<String> {
        self.drain_messages()
            .into_iter()
            .map(|message| message.path)
            .collect()
    }
}

/// Starts a server on a free port that answers every request with this handler; returns its URL.
pub fn start_receiver<T, H, A>(data: Data<T>, handler: H) -> (String, ServerHandle)
where
    T: Send + Sync + 'static,
    H: Handler<A, Output: Responder + 'static> + Send,
    A: FromRequest + 'static,
{
    let app = move || {
        App::new()
            .app_data(PayloadConfig::new(64 * 1024 * 1024))
            .app_data(data.clone())
            .default_service(to(handler.clone()))
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
    (url, handle)
}

impl Drop for Inbox {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn receive(request: HttpRequest, body: Bytes, state: Data<InboxState>) -> HttpResponse {
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
    let behavior = state.behavior.lock().expect("not poisoned").clone();
    // After the end of a test nothing receives the message, so an error is ignored.
    let _ = state.sender.send(message);
    match behavior {
        ReceiverBehavior::Accept => HttpResponse::Ok().json(acknowledge(&body)),
        ReceiverBehavior::AcceptAsText(status) => {
            HttpResponse::build(status.try_into().expect("a status"))
                .content_type("text/plain")
                .body(acknowledge(&body).to_string())
        }
        ReceiverBehavior::Respond(status, text) => {
            HttpResponse::build(status.try_into().expect("a status")).body(text)
        }
        ReceiverBehavior::Redirect(location) => HttpResponse::TemporaryRedirect()
            .insert_header(("location", location))
            .finish(),
        ReceiverBehavior::Hang => std::future::pending().await,
    }
}

/// Returns the acknowledgement of a webhook (ReBIT FIU API 2.0.0, `NotificationResponse`).
pub fn acknowledge(body: &[u8]) -> Value {
    let message: Value = serde_json::from_slice(body).unwrap_or_default();
    json!({
        "ver": "2.0.0", "timestamp": message["timestamp"], "txnid": message["txnid"], "response": "OK",
    })
}
