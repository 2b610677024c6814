//! Work that takes much memory: statements and reports of long histories.

use std::thread;

use tokio::sync::{Semaphore, oneshot};

/// The number of works that are done at a time. A history may have 100,000 rows a year, and its report takes
/// 100 MB.
const SLOTS_MAX: usize = 2;

static SLOTS: Semaphore = Semaphore::const_new(SLOTS_MAX);

/// Does a work as soon as there is a slot for it. The slot is free again when the work is done, even if its
/// caller has left.
///
/// Each work has a thread of its own. The allocator of glibc keeps what a thread has freed, and another
/// thread gets it only when that one has ended; the threads of a pool would each keep the memory of a work.
///
/// # Panics
/// When the work panics, or the machine has no thread for it.
pub(crate) async fn do_large_work<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let slot = SLOTS.acquire().await.expect("it is never closed");
    let (sender, receiver) = oneshot::channel();
    let thread = thread::Builder::new().name("large-work".to_owned());
    let started = thread.spawn(move || {
        let _slot = slot;
        // The caller may have left.
        drop(sender.send(work()));
    });
    started.expect("the machine has a thread");
    receiver.await.expect("the work does not panic")
}
