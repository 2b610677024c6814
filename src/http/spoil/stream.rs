//! Answers whose transport is wrong on purpose: on a plain connection the sandbox keeps hold of the socket, and does to it
//! what a server must not do.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use socket2::Socket;
use tokio::time::Sleep;

use crate::engine::world::DeliveryHold;

/// A connection's own socket, kept beside the one that the server writes to.
#[derive(Clone, Debug)]
pub struct Wire(pub Arc<Socket>);

/// How an answer goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The connection is reset in the middle.
    Reset,
    /// The connection is closed before anything is sent.
    Empty,
    /// The last chunk is missing.
    Truncated,
    /// What follows the first chunk is none.
    Malformed,
    /// In drops, for so long.
    Slow(Duration),
}

/// In how many drops a body comes.
const DROPS: u32 = 20;

/// How long what has been handed over may take to leave, before something is written behind its back.
const FLUSHED_WITHIN: Duration = Duration::from_millis(50);

/// A body that goes wrong.
pub struct Spoilt {
    rest: Bytes,
    size: usize,
    manner: Manner,
    wire: Option<Wire>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Webhooks wait for it, as for any answer.
    hold: Option<DeliveryHold>,
}

/// Why a body ended before its end.
#[derive(Debug)]
pub struct OnPurpose;

impl fmt::Display for OnPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken off on purpose: a fault of this sandbox says so")
    }
}

impl std::error::Error for OnPurpose {}

impl From<Infallible> for OnPurpose {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Spoilt {
    pub fn new(
        body: Vec<u8>,
        manner: Manner,
        wire: Option<Wire>,
        hold: Option<DeliveryHold>,
    ) -> Self {
        let rest = Bytes::from(body);
        if manner == Manner::Empty
            && let Some(Wire(socket)) = &wire
        {
            // What the server writes afterwards goes nowhere.
            let _ = socket.shutdown(Shutdown::Both);
        }
        Self {
            size: rest.len(),
            rest,
            manner,
            wire,
            sleep: None,
            hold,
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a slow answer is what was asked for"
    )]
    fn waits(&mut self, pause: Duration, context: &mut Context<'_>) -> bool {
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        if sleep.as_mut().poll(context).is_pending() {
            return true;
        }
        self.sleep = None;
        false
    }

    fn first_half(&mut self) -> Option<Bytes> {
        (self.rest.len() == self.size).then(|| self.rest.split_to(self.size.div_ceil(2)))
    }
}

impl MessageBody for Spoilt {
    type Error = OnPurpose;

    fn size(&self) -> BodySize {
        match self.manner {
            Manner::Truncated | Manner::Malformed => BodySize::Stream,
            Manner::Reset | Manner::Empty | Manner::Slow(_) => BodySize::Sized(self.size as u64),
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, OnPurpose>>> {
        match self.manner {
            Manner::Empty => Poll::Ready(Some(Err(OnPurpose))),
            Manner::Slow(over) => {
                if self.rest.is_empty() {
                    return Poll::Ready(None);
                }
                if self.waits(over / DROPS, context) {
                    return Poll::Pending;
                }
                let drop_bytes = (self.size / DROPS as usize).max(1).min(self.rest.len());
                Poll::Ready(Some(Ok(self.rest.split_to(drop_bytes))))
            }
            Manner::Reset | Manner::Truncated | Manner::Malformed => {
                if let Some(half) = self.first_half() {
                    return Poll::Ready(Some(Ok(half)));
                }
                if self.waits(FLUSHED_WITHIN, context) {
                    return Poll::Pending;
                }
                if let Some(Wire(socket)) = &self.wire {
                    if self.manner == Manner::Malformed {
                        let _ = socket.send(b"this is no chunk\r\n");
                    }
                    if self.manner == Manner::Reset {
                        let _ = socket.set_linger(Some(Duration::ZERO));
                    }
                }
                Poll::Ready(Some(Err(OnPurpose)))
            }
        }
    }
}

impl Drop for Spoilt {
    fn drop(&mut self) {
        // The caller has had all of the answer that it will have.
        drop(self.hold.take());
    }
}
