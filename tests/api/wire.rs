//! A receiver that sees the very bytes, and a client that does: plain sockets, no HTTP library between.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// One request as it came over the wire.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Request line and headers.
    pub head: String,
    /// What there was of the body, as it was sent, chunks and all.
    pub body: Vec<u8>,
    /// How the body ended, where it did not end as its length says.
    pub broken: Option<String>,
    /// In how many pieces it came.
    pub reads: usize,
}

impl Arrived {
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut found = headers.filter(|(header, _)| header.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim())
    }
}

/// An FIU on a plain socket.
pub struct RawFiu {
    pub url: String,
    arrived: UnboundedReceiver<Arrived>,
    answers: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

/// What a server answers that is content.
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

impl RawFiu {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (sender, arrived) = unbounded_channel();
        let answers = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::clone(&answers);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone(), Arc::clone(&script)));
            }
        });
        Self {
            url,
            arrived,
            answers,
            server,
        }
    }

    /// What is answered to the next requests, in their order; afterwards 200 again.
    pub fn will_answer(&self, answers: &[&str]) {
        let mut script = self.answers.lock().expect("not poisoned");
        script.extend(answers.iter().map(|answer| (*answer).to_owned()));
    }

    pub async fn next(&mut self) -> Arrived {
        let next = tokio::time::timeout(Duration::from_secs(20), self.arrived.recv()).await;
        next.expect("a request arrives")
            .expect("the receiver listens")
    }

    /// What has arrived so far and was not taken.
    pub fn so_far(&mut self) -> Vec<Arrived> {
        std::iter::from_fn(|| self.arrived.try_recv().ok()).collect()
    }
}

impl Drop for RawFiu {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    arrived: UnboundedSender<Arrived>,
    script: Arc<Mutex<Vec<String>>>,
) {
    loop {
        let Some(request) = read(&mut stream).await else {
            return;
        };
        let broken = request.broken.is_some();
        // A test that is over does not listen any more.
        let _ = arrived.send(request);
        if broken {
            return;
        }
        let answer = {
            let mut script = script.lock().expect("not poisoned");
            if script.is_empty() {
                OK.to_owned()
            } else {
                script.remove(0)
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One request; `None` when the connection ends before one begins.
async fn read(stream: &mut TcpStream) -> Option<Arrived> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let end = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut request = Arrived {
        head,
        body: bytes[end + 4..].to_vec(),
        broken: None,
        reads: 1,
    };
    let length = request
        .header("content-length")
        .map(|length| length.parse::<usize>().expect("a length"));
    let is_whole = |body: &[u8]| match length {
        Some(length) => body.len() >= length,
        None => body.ends_with(b"0\r\n\r\n"),
    };
    while !is_whole(&request.body) {
        match stream.read(&mut buffer).await {
            Ok(0) => {
                request.broken = Some("closed".to_owned());
                break;
            }
            Err(error) => {
                request.broken = Some(error.kind().to_string());
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

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// What came back over a plain socket, and how it ended.
#[derive(Debug)]
pub struct Answered {
    pub bytes: Vec<u8>,
    /// The error with which the connection ended, if it was one.
    pub error: Option<std::io::ErrorKind>,
    pub reads: usize,
}

impl Answered {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// What follows the head.
    pub fn body(&self) -> &[u8] {
        find(&self.bytes, b"\r\n\r\n").map_or(&[], |end| &self.bytes[end + 4..])
    }
}

/// Sends a request, and reads until the connection ends or, where a length is told, the answer does.
pub async fn call(address: &str, request: &str) -> Answered {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://"))
        .await
        .expect("it listens");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answered = Answered {
        bytes: Vec::new(),
        error: None,
        reads: 0,
    };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut buffer)).await;
        match read.expect("it answers in time") {
            Ok(0) => return answered,
            Err(error) => {
                answered.error = Some(error.kind());
                return answered;
            }
            Ok(read) => {
                answered.reads += 1;
                answered.bytes.extend_from_slice(&buffer[..read]);
            }
        }
    }
}

/// A request for one answer on a connection of its own.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: mockaa\r\nconnection: close\r\n\r\n")
}
