//! The HTTP server: accepts connections, and answers their requests by the routes.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive};
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web::{Data, to};
use socket2::SockRef;
use tokio_rustls::TlsAcceptor;

use crate::http::connection::Connection;
use crate::http::{AppState, answer_call, log_call};

/// Time in which a stopping server completes its responses, in seconds.
const SHUTDOWN_TIMEOUT_S: u64 = 5;

/// Time for which an idle connection is kept open. It is longer than clients keep one, so the server
/// never closes a connection that a client is about to reuse.
const KEEP_ALIVE: Duration = Duration::from_secs(120);

/// The same where few connections are possible: idle ones would lock out new callers.
const KEEP_ALIVE_IF_SCARCE: Duration = Duration::from_secs(5);

/// Number of connections below which they are scarce.
const CONNECTIONS_PLENTY: usize = 1_000;

/// Time in which a connection with `--tls` must show what it speaks.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Number of connections that wait until a worker accepts them.
const BACKLOG: i32 = 2048;

/// Threads of a server, and the connections that each has at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workers {
    pub count: usize,
    pub connections_max: usize,
}

/// Listens on an address.
///
/// # Errors
/// The error of the operating system.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // The second call only sets the length of the queue.
    SockRef::from(&listener).listen(BACKLOG)?;
    Ok(listener)
}

/// Starts the server on this listener.
///
/// # Errors
/// The error of the operating system.
pub(crate) fn start_server(
    listener: TcpListener,
    workers: Workers,
    acceptor: Option<TlsAcceptor>,
    shared: Data<AppState>,
) -> io::Result<Server> {
    let address = listener.local_addr()?;
    let connections = workers.count.saturating_mul(workers.connections_max);
    let keep_alive = if connections < CONNECTIONS_PLENTY {
        tracing::warn!(
            connections,
            "few files may be open, so that idle connections are closed soon; raise the limit with \
             ulimit -n"
        );
        KEEP_ALIVE_IF_SCARCE
    } else {
        KEEP_ALIVE
    };
    let builder = Server::build()
        .workers(workers.count)
        .max_concurrent_connections(workers.connections_max)
        .shutdown_timeout(SHUTDOWN_TIMEOUT_S)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let accept = move || {
        let stopping = stopping.clone();
        let app = App::new()
            .wrap(from_fn(log_call))
            .app_data(shared.clone())
            .default_service(to(answer_call))
            .into_factory()
            .map_err(|error: actix_web::Error| error.error_response());
        let answer = HttpService::build()
            .keep_alive(KeepAlive::Timeout(keep_alive))
            .local_addr(address)
            // Idle connections are closed when the server stops, not when their time has passed.
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.client_socket());
                data.insert(connection.is_tls());
            })
            .h1(map_config(app, |()| AppConfig::default()));
        let acceptor = acceptor.clone();
        fn_service(move |stream: TcpStream| {
            let acceptor = acceptor.clone();
            async move {
                let peer = stream.peer_addr().ok();
                let begin = Connection::begin(stream, acceptor.as_ref());
                let connection = tokio::time::timeout(HANDSHAKE_TIMEOUT, begin).await;
                let connection = connection.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
                connection
                    .map(|connection| (connection, peer))
                    .map_err(|error| {
                        tracing::debug!(%error, "a connection ended before its first call");
                        DispatchError::Io(error)
                    })
            }
        })
        .and_then(answer)
    };
    Ok(builder.listen("mockaa", listener, accept)?.run())
}
