//! A connection of the server, with or without TLS. Faults reach its socket without a second file
//! descriptor.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::platform::SHORT_READ_EMPTIES_SOCKET;

/// A TCP connection, or TLS over one.
#[derive(Debug)]
pub(crate) enum Connection {
    Plain(SharedStream),
    Tls(Box<TlsStream<SharedStream>>),
}

/// The server's handle on a TCP connection.
#[derive(Debug)]
pub(crate) struct SharedStream(Rc<TcpStream>);

/// Marks the calls of a connection with TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsTls(pub bool);

/// The handle that the calls of a connection have on its socket, to reset it or to write bytes that
/// the server would never write.
#[derive(Clone, Debug)]
pub(crate) struct ClientSocket(Rc<TcpStream>);

/// First byte of a TLS connection: the type of a handshake record (RFC 8446 §5.1). No method of HTTP
/// begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

impl Connection {
    /// Begins a connection. With an acceptor, its first byte tells whether the client speaks TLS.
    ///
    /// # Errors
    /// The connection ends, or its handshake fails.
    pub(crate) async fn begin(
        stream: TcpStream,
        acceptor: Option<&TlsAcceptor>,
    ) -> io::Result<Self> {
        if let Some(acceptor) = acceptor {
            let mut first = [0];
            stream.peek(&mut first).await?;
            if first == [TLS_HANDSHAKE] {
                let stream = acceptor.accept(SharedStream(Rc::new(stream))).await?;
                return Ok(Self::Tls(Box::new(stream)));
            }
        }
        Ok(Self::Plain(SharedStream(Rc::new(stream))))
    }

    pub(crate) fn client_socket(&self) -> ClientSocket {
        let SharedStream(stream) = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        ClientSocket(Rc::clone(stream))
    }

    pub(crate) fn is_tls(&self) -> IsTls {
        IsTls(matches!(self, Self::Tls(_)))
    }
}

impl ClientSocket {
    /// Waits until the client has closed the connection. A client that sends more before it has its
    /// answer is not watched.
    pub(crate) async fn wait_until_closed(&self) {
        loop {
            let is_readable = self.0.readable().await.is_ok();
            let peeked = self.0.try_io(Interest::READABLE, || {
                SockRef::from(&*self.0).peek(&mut [MaybeUninit::uninit()])
            });
            match peeked {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && is_readable => {}
                Ok(0) | Err(_) => return,
                Ok(_) => std::future::pending().await,
            }
        }
    }

    /// Ends both directions; later writes of the server fail.
    pub(crate) fn shut_down(&self) {
        // It fails only if the client has closed the connection meanwhile.
        let _ = SockRef::from(&*self.0).shutdown(Shutdown::Both);
    }

    /// Writes bytes beside the server.
    pub(crate) fn send(&self, bytes: &[u8]) {
        let _ = SockRef::from(&*self.0).send(bytes);
    }

    /// Lets the connection end with a reset when it is closed.
    pub(crate) fn reset_on_close(&self) {
        let _ = SockRef::from(&*self.0).set_linger(Some(Duration::ZERO));
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(context))?;
            let room = buffer.remaining();
            match self.0.try_read_buf(buffer) {
                Ok(count) => {
                    if SHORT_READ_EMPTIES_SOCKET && (1..room).contains(&count) {
                        self.await_more();
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(context, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&*self.0).shutdown(Shutdown::Write))
    }
}

impl SharedStream {
    /// Lets the next read wait for more, without a system call that finds nothing. The read of tokio does
    /// the same. An end that has been seen already is kept, and what arrives meanwhile is reported when
    /// this thread waits for events.
    fn await_more(&self) {
        let nothing = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        let _ = self.0.try_io(Interest::READABLE, nothing);
    }

    fn poll_write_with(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(context))?;
            match write(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
