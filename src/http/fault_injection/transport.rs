//! Faults in the transport of a response. On a plain TCP connection the sandbox keeps the socket,
//! so that it can reset the connection or write bytes that the HTTP server would never write.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use tokio::time::Sleep;

use crate::domain::api_fault::TransportFault;
use crate::engine::world::DeliveryHold;
use crate::http::connection::ClientSocket;

/// Number of chunks of a slow body.
const CHUNKS: u32 = 20;

/// Pause in which the server flushes what it has buffered, before the socket is used directly.
const FLUSH_DELAY: Duration = Duration::from_millis(50);

/// Response body with a transport fault.
pub(crate) struct FaultyBody {
    rest: Bytes,
    size: usize,
    fault: TransportFault,
    socket: Option<ClientSocket>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Keeps the call's webhooks back until the body is dropped.
    hold: Option<DeliveryHold>,
}

/// Error with which a faulty body ends early.
#[derive(Debug)]
pub(crate) struct InjectedFault;

impl fmt::Display for InjectedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("response aborted by an injected fault")
    }
}

impl std::error::Error for InjectedFault {}

impl From<Infallible> for InjectedFault {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl FaultyBody {
    pub(crate) fn new(
        rest: Bytes,
        fault: TransportFault,
        socket: Option<ClientSocket>,
        hold: Option<DeliveryHold>,
    ) -> Self {
        if matches!(fault, TransportFault::EmptyResponse {})
            && let Some(socket) = &socket
        {
            socket.shut_down();
        }
        Self {
            size: rest.len(),
            rest,
            fault,
            socket,
            sleep: None,
            hold,
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a fault asks for a slow response"
    )]
    fn poll_pause(&mut self, pause: Duration, context: &mut Context<'_>) -> bool {
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        if sleep.as_mut().poll(context).is_pending() {
            return true;
        }
        self.sleep = None;
        false
    }

    /// Takes the first half once. A body without bytes has none, as that of a redirect.
    fn take_first_half(&mut self) -> Option<Bytes> {
        (self.size > 0 && self.rest.len() == self.size)
            .then(|| self.rest.split_to(self.size.div_ceil(2)))
    }
}

impl MessageBody for FaultyBody {
    type Error = InjectedFault;

    fn size(&self) -> BodySize {
        match self.fault {
            TransportFault::TruncatedChunk {} | TransportFault::MalformedChunk {} => {
                BodySize::Stream
            }
            // The server does not ask a body of known size 0 for its bytes.
            TransportFault::Reset {} if self.size == 0 => BodySize::Stream,
            TransportFault::Reset {}
            | TransportFault::EmptyResponse {}
            | TransportFault::SlowBody { .. } => BodySize::Sized(self.size as u64),
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, InjectedFault>>> {
        match self.fault {
            TransportFault::EmptyResponse {} => Poll::Ready(Some(Err(InjectedFault))),
            TransportFault::SlowBody { over } => {
                if self.rest.is_empty() {
                    return Poll::Ready(None);
                }
                if self.poll_pause(
                    Duration::from_millis(over.0.unsigned_abs()) / CHUNKS,
                    context,
                ) {
                    return Poll::Pending;
                }
                let chunk_bytes = (self.size / CHUNKS as usize).max(1).min(self.rest.len());
                Poll::Ready(Some(Ok(self.rest.split_to(chunk_bytes))))
            }
            TransportFault::Reset {}
            | TransportFault::TruncatedChunk {}
            | TransportFault::MalformedChunk {} => {
                if let Some(first_half) = self.take_first_half() {
                    return Poll::Ready(Some(Ok(first_half)));
                }
                if self.poll_pause(FLUSH_DELAY, context) {
                    return Poll::Pending;
                }
                if let Some(socket) = &self.socket {
                    if matches!(self.fault, TransportFault::MalformedChunk {}) {
                        socket.send(b"this is no chunk\r\n");
                    }
                    if matches!(self.fault, TransportFault::Reset {}) {
                        socket.reset_on_close();
                    }
                }
                Poll::Ready(Some(Err(InjectedFault)))
            }
        }
    }
}

impl Drop for FaultyBody {
    fn drop(&mut self) {
        // No more of the response will be sent, so the webhooks may go.
        drop(self.hold.take());
    }
}
