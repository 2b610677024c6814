//! Tasks that take much memory: statements and reports of long histories.

use std::io::{self, BufWriter, Write};
use std::pin::Pin;
use std::thread;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::stream::{Stream, StreamExt, iter, unfold};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

use crate::domain::terms::TimeRange;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;

/// The number of days from which on a history is long.
const LONG_DAYS: i64 = 400;

/// The number of tasks about long histories that run at a time. A history may have 100,000 rows a year, and the answer
/// with one of 14 years takes a gigabyte.
const LONG_SLOTS_MAX: usize = 2;

/// The number of other tasks that run at a time.
const SHORT_SLOTS_MAX: usize = 8;

static LONG_SLOTS: Semaphore = Semaphore::const_new(LONG_SLOTS_MAX);
static SHORT_SLOTS: Semaphore = Semaphore::const_new(SHORT_SLOTS_MAX);

/// The size of a piece of a file.
const PIECE_BYTES: usize = 64 * 1024;

/// The number of pieces of a file that wait for its reader.
const PIECES_MAX: usize = 4;

/// The time after which a reader that takes nothing has lost the rest of an answer, so that others get the slot.
pub(crate) const READER_TIMEOUT: Duration = Duration::from_secs(30);

/// The size from which on an answer keeps its slot until it is sent.
pub(crate) const LARGE_BYTES: usize = 4 << 20;

/// A place among the tasks that run, and the large answers that are sent.
#[derive(Debug)]
pub(crate) struct LargeSlot(
    #[expect(dead_code, reason = "its drop matters")] SemaphorePermit<'static>,
);

/// The size of a task, which decides how many of its kind run at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskSize {
    Short,
    Long,
}

impl TaskSize {
    /// Returns the size of a task about the history of a range.
    pub(crate) fn of_range(range: TimeRange) -> Self {
        let days = (range.to.ist_date() - range.from.ist_date()).num_days();
        if days > LONG_DAYS {
            Self::Long
        } else {
            Self::Short
        }
    }

    /// Takes a slot, as soon as there is one.
    async fn take_slot(self) -> LargeSlot {
        let slots = match self {
            Self::Short => &SHORT_SLOTS,
            Self::Long => &LONG_SLOTS,
        };
        LargeSlot(slots.acquire().await.expect("it is never closed"))
    }
}

/// Runs a task that makes an answer. A large answer keeps the slot until it is sent.
///
/// # Errors
/// Those of the task.
///
/// # Panics
/// When the task panics, or the machine has no thread for it.
pub(crate) async fn answer_large(
    size: TaskSize,
    task: impl FnOnce() -> Result<ApiResponse, ApiError> + Send + 'static,
) -> Result<ApiResponse, ApiError> {
    let slot = size.take_slot().await;
    let (slot, answer) = run_with_slot(slot, task).await;
    Ok(answer?.with_slot(slot))
}

/// Runs a task, and gives the slot back with its result.
async fn run_with_slot<T: Send + 'static>(
    slot: LargeSlot,
    task: impl FnOnce() -> T + Send + 'static,
) -> (LargeSlot, T) {
    let (sender, receiver) = oneshot::channel();
    spawn_thread(move || {
        let result = task();
        // The caller may have left; the slot is free then.
        drop(sender.send((slot, result)));
    });
    receiver.await.expect("the task does not panic")
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
    size: TaskSize,
    task: impl FnOnce() -> T + Send + 'static,
) -> T {
    let slot = size.take_slot().await;
    run_with_slot(slot, task).await.1
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
    size: TaskSize,
    task: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> WrittenFile {
    let slot = size.take_slot().await;
    let (sender, mut receiver) = mpsc::channel(PIECES_MAX);
    let runtime = Handle::current();
    spawn_thread(move || {
        let _slot = slot;
        let pieces = PieceWriter { sender, runtime };
        let mut out = BufWriter::with_capacity(PIECE_BYTES, &pieces);
        let written = task(&mut out).and_then(|()| out.flush());
        // A drop would send what is left, and wait once more for a reader that takes nothing.
        let _ = BufWriter::into_parts(out);
        // To a reader that has left, or that takes nothing, the error says nothing.
        let is_reader_gone = written.as_ref().is_err_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::TimedOut
            )
        });
        if !is_reader_gone {
            let _ = pieces.send(written.map(|()| END));
        }
    });
    let mut next = async || receiver.recv().await.expect("the task does not panic");
    let first = next().await;
    let second = match &first {
        Ok(piece) if !piece.is_empty() => next().await,
        _ => Ok(END),
    };
    match (first, second) {
        (Ok(only), Ok(second)) if second.is_empty() => WrittenFile::Whole(only.to_vec()),
        (first, second) => {
            let begun = iter([first, second]);
            let rest = unfold(Some(receiver), |receiver| async {
                let mut receiver = receiver?;
                // Without its end, the file is cut.
                let piece = receiver.recv().await;
                let piece = piece.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()));
                let is_end = matches!(&piece, Ok(piece) if piece.is_empty());
                // Nothing follows an error.
                let next = piece.is_ok().then_some(receiver);
                (!is_end).then_some((piece, next))
            });
            WrittenFile::Pieces(FileStream(Box::pin(begun.chain(rest))))
        }
    }
}

/// The piece after the last one.
const END: Bytes = Bytes::new();

/// The writing end of a file.
struct PieceWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
}

impl PieceWriter {
    fn send(&self, piece: io::Result<Bytes>) -> io::Result<()> {
        // A time limit begins within the runtime.
        let sent = async { timeout(READER_TIMEOUT, self.sender.send(piece)).await };
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for &PieceWriter {
    /// Sends a piece of the bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(PIECE_BYTES)];
        self.send(Ok(Bytes::copy_from_slice(piece)))?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream::StreamExt;

    use super::{LONG_SLOTS_MAX, PIECE_BYTES, TaskSize, WrittenFile, write_large_file};

    /// Returns bytes of which no two pieces are the same.
    fn make_bytes(size: usize) -> Vec<u8> {
        (0..=250).cycle().take(size).collect()
    }

    async fn write(size: usize) -> WrittenFile {
        write_large_file(TaskSize::Long, move |out| out.write_all(&make_bytes(size))).await
    }

    #[tokio::test]
    async fn the_pieces_of_a_file_are_the_whole_file() {
        for size in [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 20 * PIECE_BYTES + 7] {
            let (bytes, is_whole) = match write(size).await {
                WrittenFile::Whole(bytes) => (bytes, true),
                WrittenFile::Pieces(stream) => {
                    let pieces: Vec<_> = stream.into_pieces().collect().await;
                    let pieces: Result<Vec<_>, _> = pieces.into_iter().collect();
                    (pieces.expect("it is complete").concat(), false)
                }
            };
            assert!(bytes == make_bytes(size), "{size}: {}", bytes.len());
            assert_eq!(is_whole, size <= PIECE_BYTES, "{size}");
        }
    }

    #[tokio::test]
    async fn a_reader_that_leaves_frees_its_slot() {
        for _ in 0..=LONG_SLOTS_MAX {
            let file = write(20 * PIECE_BYTES).await;
            assert!(matches!(file, WrittenFile::Pieces(_)));
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_no_short_one() {
        let file = write_large_file(TaskSize::Long, |out| {
            out.write_all(b"begun")?;
            Err(std::io::Error::other("the disk is full"))
        });
        let WrittenFile::Pieces(stream) = file.await else {
            panic!("it is not complete");
        };
        let pieces: Vec<_> = stream.into_pieces().collect().await;
        assert!(pieces.iter().any(Result::is_err));
    }
}
