//! Tasks that take much memory: statements and reports of long histories.

use std::thread;

use tokio::sync::{Semaphore, oneshot};

/// The number of tasks that run at a time. A history may have 100,000 rows a year, and its report takes
/// 100 MB.
const SLOTS_MAX: usize = 2;

static SLOTS: Semaphore = Semaphore::const_new(SLOTS_MAX);

/// Runs a task as soon as there is a slot for it. The slot is free again when the task has ended, even if its
/// caller has left.
///
/// Each task has a thread of its own. The allocator of glibc keeps what a thread has freed, and another
/// thread gets it only when that one has ended; the threads of a pool would each keep the memory of a task.
///
/// # Panics
/// When the task panics, or the machine has no thread for it.
pub(crate) async fn run_large_task<T: Send + 'static>(
    task: impl FnOnce() -> T + Send + 'static,
) -> T {
    let slot = SLOTS.acquire().await.expect("it is never closed");
    let (sender, receiver) = oneshot::channel();
    let thread = thread::Builder::new().name("large-task".to_owned());
    let started = thread.spawn(move || {
        let _slot = slot;
        // The caller may have left.
        drop(sender.send(task()));
    });
    started.expect("the machine has a thread");
    receiver.await.expect("the task does not panic")
}
