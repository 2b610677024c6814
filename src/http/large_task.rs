//! Tasks that take much memory: statements and reports of long histories.

use std::io::{self, Write};
use std::pin::Pin;
use std::thread;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::stream::{Stream, StreamExt, iter, unfold};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

/// The number of tasks that run at a time. A history may have 100,000 rows a year, and its report takes
/// 100 MB.
const SLOTS_MAX: usize = 2;

static SLOTS: Semaphore = Semaphore::const_new(SLOTS_MAX);

/// The number of pieces of a file that wait for its reader.
const PIECES_MAX: usize = 2;

/// The time after which a reader that takes nothing has lost the rest of a file, so that others get the slot.
const READER_TIMEOUT: Duration = Duration::from_secs(30);

async fn take_slot() -> SemaphorePermit<'static> {
    SLOTS.acquire().await.expect("it is never closed")
}

/// Runs a task on a thread of its own.
///
/// The allocator of glibc keeps what a thread has freed, and another thread gets it only when that one has ended;
/// the threads of a pool would each keep the memory of a task.
fn spawn_thread(task: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name("large-task".to_owned());
    thread.spawn(task).expect("the machine has a thread");
}

/// Runs a task as soon as there is a slot for it. The slot is free again when the task has ended, even if its
/// caller has left.
///
/// # Panics
/// When the task panics, or the machine has no thread for it.
pub(crate) async fn run_large_task<T: Send + 'static>(
    task: impl FnOnce() -> T + Send + 'static,
) -> T {
    let slot = take_slot().await;
    let (sender, receiver) = oneshot::channel();
    spawn_thread(move || {
        let _slot = slot;
        // The caller may have left.
        drop(sender.send(task()));
    });
    receiver.await.expect("the task does not panic")
}

/// A file that a task writes while it is sent.
pub(crate) enum WrittenFile {
    /// All of it: it is short.
    Whole(Vec<u8>),
    Pieces(FileStream),
}

/// The pieces of a file, as they are written.
pub(crate) struct FileStream(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>);

impl FileStream {
    pub(crate) fn into_pieces(self) -> impl Stream<Item = io::Result<Bytes>> + 'static {
        self.0
    }
}

impl std::fmt::Debug for FileStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileStream")
    }
}

/// Runs a task that writes a file as soon as there is a slot for it. The task waits for its reader; it ends with an
/// error when the reader leaves, or takes nothing for 30 seconds.
///
/// # Panics
/// When the task panics, or the machine has no thread for it.
pub(crate) async fn write_large_file(
    task: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> WrittenFile {
    let slot = take_slot().await;
    let (sender, mut receiver) = mpsc::channel(PIECES_MAX);
    let runtime = Handle::current();
    spawn_thread(move || {
        let _slot = slot;
        let mut out = PieceWriter { sender, runtime };
        if let Err(error) = task(&mut out) {
            // A reader that has left learns nothing.
            drop(out.send(Err(error)));
        }
    });
    let Some(first) = receiver.recv().await else {
        return WrittenFile::Whole(Vec::new());
    };
    match (first, receiver.recv().await) {
        (Ok(only), None) => WrittenFile::Whole(only.to_vec()),
        (first, second) => {
            let begun = iter(std::iter::once(first).chain(second));
            let rest = unfold(receiver, |mut receiver| async {
                Some((receiver.recv().await?, receiver))
            });
            WrittenFile::Pieces(FileStream(Box::pin(begun.chain(rest))))
        }
    }
}

/// The writing end of a file.
struct PieceWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
}

impl PieceWriter {
    fn send(&self, piece: io::Result<Bytes>) -> io::Result<()> {
        let sent = timeout(READER_TIMEOUT, self.sender.send(piece));
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for PieceWriter {
    /// Sends the bytes as one piece; writers collect what is less.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(Ok(Bytes::copy_from_slice(bytes)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
