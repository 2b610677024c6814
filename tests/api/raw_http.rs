//! A receiver and a client on plain sockets without an HTTP library, which see the exact bytes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// One request as it arrived on the socket.
#[derive(Clone, Debug)]
pub struct RawRequest {
    /// Request line and headers.
    pub head: String,
    /// Received part of the body, as sent, including chunk headers.
    pub body: Vec<u8>,
    /// Reason why the body ended before its announced length.
    pub body_error: Option<String>,
    /// Number of reads in which the request arrived.
    pub reads: usize,
    /// `true` if the body began before the 100 for which the request asks.
    pub is_hasty: bool,
}

impl RawRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut matching = headers.filter(|(header, _)| header.eq_ignore_ascii_case(name));
        matching.next().map(|(_, value)| value.trim())
    }
}

/// An FIU on a plain socket.
pub struct RawFiu {
    pub url: String,
    requests: UnboundedReceiver<RawRequest>,
    answers: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

/// Response of a server that accepts the request.
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

impl RawFiu {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (sender, requests) = unbounded_channel();
        let answers = Arc::new(Mutex::new(Vec::new()));
        let shared_answers = Arc::clone(&answers);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve_connection(
                    stream,
                    sender.clone(),
                    Arc::clone(&shared_answers),
                ));
            }
        });
        Self {
            url,
            requests,
            answers,
            server,
        }
    }

    /// Sets the responses to the next requests, in order; after them, 200 again.
    pub fn enqueue_answers(&self, answers: &[&str]) {
        let mut queue = self.answers.lock().expect("not poisoned");
        queue.extend(answers.iter().map(|answer| (*answer).to_owned()));
    }

    pub async fn next_request(&mut self) -> RawRequest {
        let next = tokio::time::timeout(Duration::from_secs(20), self.requests.recv()).await;
        next.expect("a request arrives")
            .expect("the receiver listens")
    }

    /// Takes the requests that have arrived so far.
    pub fn drain_requests(&mut self) -> Vec<RawRequest> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

impl Drop for RawFiu {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve_connection(
    mut stream: TcpStream,
    requests: UnboundedSender<RawRequest>,
    answers: Arc<Mutex<Vec<String>>>,
) {
    loop {
        let Some(request) = read_request(&mut stream).await else {
            return;
        };
        let is_broken = request.body_error.is_some();
        // After the end of a test nothing receives the request, so an error is ignored.
        let _ = requests.send(request);
        if is_broken {
            return;
        }
        let answer = {
            let mut queue = answers.lock().expect("not poisoned");
            if queue.is_empty() {
                OK.to_owned()
            } else {
                queue.remove(0)
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Reads one request; returns `None` if the connection ends before one begins.
async fn read_request(stream: &mut TcpStream) -> Option<RawRequest> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let end = loop {
        if let Some(end) = find_bytes(&bytes, b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut request = RawRequest {
        head,
        body: bytes[end + 4..].to_vec(),
        body_error: None,
        reads: 1,
        is_hasty: false,
    };
    if request.header("expect") == Some("100-continue") {
        // The sender waits for 1 s; a body in this time is one that did not wait.
        let early = tokio::time::timeout(Duration::from_millis(200), stream.readable()).await;
        request.is_hasty = early.is_ok() || !request.body.is_empty();
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
        stream.write_all(interim).await.ok()?;
    }
    let length = request
        .header("content-length")
        .map(|length| length.parse::<usize>().expect("a length"));
    while !is_whole_body(&request.body, length) {
        match stream.read(&mut buffer).await {
            Ok(0) => {
                request.body_error = Some("closed".to_owned());
                break;
            }
            Err(error) => {
                request.body_error = Some(error.kind().to_string());
                break;
            }
            Ok(read) => {
                request.reads += 1;
                request.body.extend_from_slice(&buffer[..read]);
            }
        }
    }
    Some(request)
}

/// Returns whether a body has this length; without a length, whether it has its last chunk.
fn is_whole_body(body: &[u8], length: Option<usize>) -> bool {
    match length {
        Some(length) => body.len() >= length,
        None => body.ends_with(b"0\r\n\r\n"),
    }
}

fn find_bytes(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}

/// A response read from a plain socket, and the way in which the connection ended.
#[derive(Debug)]
pub struct RawResponse {
    pub bytes: Vec<u8>,
    /// Error with which the connection ended; `None` after a regular close.
    pub error: Option<std::io::ErrorKind>,
    pub reads: usize,
}

impl RawResponse {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Returns the bytes after the head.
    pub fn body(&self) -> &[u8] {
        find_bytes(&self.bytes, b"\r\n\r\n").map_or(&[], |end| &self.bytes[end + 4..])
    }
}

/// Sends a request, and reads until the connection closes.
pub async fn send_raw_request(address: &str, request: &str) -> RawResponse {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://"))
        .await
        .expect("the server accepts connections");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the request is sent");
    let mut response = RawResponse {
        bytes: Vec::new(),
        error: None,
        reads: 0,
    };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut buffer)).await;
        match read.expect("a response in time") {
            Ok(0) => return response,
            Err(error) => {
                response.error = Some(error.kind());
                return response;
            }
            Ok(read) => {
                response.reads += 1;
                response.bytes.extend_from_slice(&buffer[..read]);
            }
        }
    }
}

/// Builds a GET request that closes the connection after the response.
pub fn build_get_request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: mockaa\r\nconnection: close\r\n\r\n")
}
