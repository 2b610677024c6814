//! Request bodies for transport faults: sent slowly, late, in chunked encoding, or broken off.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Number of chunks of a body.
const CHUNKS: u32 = 20;

type Wait = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Request body that is sent in chunks, with pauses if it has a duration.
pub(crate) struct ThrottledBody {
    rest: Bytes,
    size: u64,
    chunk_bytes: usize,
    pause: Duration,
    /// The condition of the next chunk.
    wait: Option<Wait>,
    length: BodyLength,
    /// Number of remaining bytes at which the body fails.
    break_at_remaining: Option<usize>,
}

/// Announcement of a body's length: `Content-Length`, or none and chunked encoding.
#[derive(Clone, Copy)]
enum BodyLength {
    Known,
    Unknown,
}

impl ThrottledBody {
    /// Returns a body that takes this long to send.
    pub(crate) fn with_duration(body: Vec<u8>, duration: Duration) -> Self {
        let mut body = Self::new(body, BodyLength::Known);
        body.pause = duration / CHUNKS;
        body.start_pause();
        body
    }

    /// Returns a body whose first byte waits until this future is ready.
    pub(crate) fn with_start(
        body: Vec<u8>,
        start: impl Future<Output = ()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            wait: Some(Box::pin(start)),
            ..Self::new(body, BodyLength::Known)
        }
    }

    /// Returns a body without `Content-Length`, which is sent in chunked encoding without pauses.
    pub(crate) fn with_chunked_encoding(body: Vec<u8>) -> Self {
        Self::new(body, BodyLength::Unknown)
    }

    /// Returns a body that fails after its first half.
    pub(crate) fn with_broken_end(body: Vec<u8>) -> Self {
        let break_at_remaining = Some(body.len() / 2);
        Self {
            break_at_remaining,
            ..Self::new(body, BodyLength::Known)
        }
    }

    fn new(body: Vec<u8>, length: BodyLength) -> Self {
        let rest = Bytes::from(body);
        let chunk_bytes = (rest.len() / CHUNKS as usize).max(1);
        Self {
            size: rest.len() as u64,
            chunk_bytes,
            rest,
            pause: Duration::ZERO,
            wait: None,
            length,
            break_at_remaining: None,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a fault asks for a slow body")]
    fn start_pause(&mut self) {
        if !self.pause.is_zero() {
            self.wait = Some(Box::pin(tokio::time::sleep(self.pause)));
        }
    }
}

impl Body for ThrottledBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if self
            .break_at_remaining
            .is_some_and(|limit| self.rest.len() <= limit)
        {
            return Poll::Ready(Some(Err(io::Error::other(
                "body broken off by an injected fault",
            ))));
        }
        if let Some(wait) = &mut self.wait {
            if wait.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.wait = None;
        }
        let bytes = self.chunk_bytes.min(self.rest.len());
        let frame = Frame::data(self.rest.split_to(bytes));
        self.start_pause();
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            BodyLength::Known => SizeHint::with_exact(self.size),
            BodyLength::Unknown => SizeHint::default(),
        }
    }
}
