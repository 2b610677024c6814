//! A body that comes in drops, or breaks off.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// In how many drops a body comes.
const CHUNKS: u32 = 20;

/// A body in drops.
pub struct ThrottledBody {
    rest: Bytes,
    size: u64,
    chunk_bytes: usize,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whether its length is told, or it comes in chunks.
    has_known_length: bool,
    /// Breaks off when no more than so many bytes are left.
    break_at_remaining: Option<usize>,
}

impl ThrottledBody {
    /// The whole body, so slowly that it takes as long as that.
    pub fn with_duration(body: Vec<u8>, duration: Duration) -> Self {
        Self {
            pause: duration / CHUNKS,
            ..Self::new(body, true)
        }
    }

    /// The whole body at once, in chunks, its length untold.
    pub fn with_chunked_encoding(body: Vec<u8>) -> Self {
        Self::new(body, false)
    }

    /// The first half of the body, and an error.
    pub fn with_broken_end(body: Vec<u8>) -> Self {
        let break_at_remaining = Some(body.len() / 2);
        Self {
            break_at_remaining,
            ..Self::new(body, true)
        }
    }

    fn new(body: Vec<u8>, has_known_length: bool) -> Self {
        let rest = Bytes::from(body);
        let chunk_bytes = (rest.len() / CHUNKS as usize).max(1);
        Self {
            size: rest.len() as u64,
            chunk_bytes,
            rest,
            pause: Duration::ZERO,
            sleep: None,
            has_known_length,
            break_at_remaining: None,
        }
    }
}

impl Body for ThrottledBody {
    type Data = Bytes;
    type Error = io::Error;

    #[expect(
        clippy::disallowed_methods,
        reason = "a slow body is what was asked for"
    )]
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
            return Poll::Ready(Some(Err(io::Error::other("broken off on purpose"))));
        }
        if !self.pause.is_zero() {
            let pause = self.pause;
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
        }
        let bytes = self.chunk_bytes.min(self.rest.len());
        let frame = Frame::data(self.rest.split_to(bytes));
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.has_known_length {
            SizeHint::with_exact(self.size)
        } else {
            SizeHint::default()
        }
    }
}
