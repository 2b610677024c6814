//! Connections to FIUs. None leads to the metadata service of a cloud, whatever name it was reached by.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1;
use hyper::ext::on_informational;
use hyper_util::rt::TokioIo;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Body, Response, StatusCode, Url};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Notify;

use crate::domain::metadata_address::{is_metadata_address, is_metadata_host};
use crate::webhooks::throttle::ThrottledBody;

/// Time after which a body is sent although no 100 has arrived: RFC 9110 §10.1.1 forbids to wait
/// without end.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(1);

/// Text of the error for a metadata service.
const METADATA_REFUSED: &str = "this host is a cloud-metadata address, which is never called";

/// Looks up names as the operating system does, but for metadata services.
#[derive(Debug)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port of the URL replaces this one.
            let addresses = resolve(name.as_str(), 0).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses: Vec<_> = lookup_host((host, port)).await?.collect();
    if addresses
        .iter()
        .any(|address| is_metadata_address(address.ip()))
    {
        return Err(io::Error::other(METADATA_REFUSED));
    }
    Ok(addresses)
}

/// Checks the host of a URL that is an address, which no resolver sees.
///
/// # Errors
/// A metadata service.
pub(super) fn check_host(url: &Url) -> Result<(), &'static str> {
    if url.host_str().is_some_and(is_metadata_host) {
        return Err(METADATA_REFUSED);
    }
    Ok(())
}

/// Connects to the host of a URL.
///
/// # Errors
/// The error of the operating system, or a metadata service.
pub(super) async fn connect(url: &Url) -> io::Result<TcpStream> {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = resolve(host, url.port_or_known_default().unwrap_or(80)).await?;
    TcpStream::connect(&*addresses).await
}

/// Returns path and query of a URL, as a request line has them.
pub(super) fn request_path(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Posts a request whose body waits for the receiver's 100 (Continue).
///
/// # Errors
/// The error of the connection.
pub(super) async fn post_after_continue(
    url: &Url,
    headers: &[(String, String)],
    body: Vec<u8>,
) -> io::Result<Response> {
    let continued = Arc::new(Notify::new());
    let mut request = hyper::Request::post(request_path(url))
        .header("host", url.authority())
        .header("expect", "100-continue")
        .header("content-length", body.len());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let body = ThrottledBody::with_start(body, wait_for_continue(Arc::clone(&continued)));
    let mut request = request.body(body).map_err(io::Error::other)?;
    on_informational(&mut request, move |response| {
        if response.status() == StatusCode::CONTINUE {
            continued.notify_one();
        }
    });
    let stream = TokioIo::new(connect(url).await?);
    let (mut sender, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let response = sender
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    Ok(response.map(Body::wrap).into())
}

async fn wait_for_continue(continued: Arc<Notify>) {
    let _ = tokio::time::timeout(CONTINUE_TIMEOUT, continued.notified()).await;
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::{check_host, resolve};

    #[tokio::test]
    async fn a_metadata_service_is_refused_by_url_and_by_its_resolved_address() {
        for host in ["169.254.169.254", "::ffff:169.254.169.254"] {
            assert!(resolve(host, 80).await.is_err(), "{host}");
        }
        let check = |url| check_host(&Url::parse(url).expect("it is an address"));
        assert!(check("http://[64:ff9b::a9fe:a9fe]/latest").is_err());
        assert!(resolve("127.0.0.1", 80).await.is_ok());
        assert_eq!(check("http://127.0.0.1:9000/x"), Ok(()));
    }
}
