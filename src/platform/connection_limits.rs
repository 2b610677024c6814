//! The connections that the limit of open files leaves room for. Without such a plan, slow receivers
//! of webhooks would use up all files, and the server could accept no connection.

/// Files of the process itself: standard streams, listeners, scenario files, random numbers.
const OWN_FILES: u64 = 40;

/// Files of one worker thread: its event queue and wakers.
const FILES_PER_WORKER: u64 = 4;

/// Idle connections that are kept for the next webhook to the same host, where files are plenty. The
/// answers to a burst of webhooks arrive together, and then wait for the next burst.
const IDLE_PER_HOST_MAX: u64 = 64;

/// Webhooks that are sent at the same time where files are plenty.
const DELIVERIES_MAX: u64 = 512;

/// Connections of one worker where files are plenty.
const CONNECTIONS_PER_WORKER_MAX: u64 = 20_000;

/// Open files without a limit of the system.
const PLENTY: u64 = 65_536;

/// Largest numbers of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionLimits {
    /// Connections of callers, for each worker thread.
    pub connections_per_worker: usize,
    /// Webhooks of all worlds that are sent at the same time.
    pub deliveries: usize,
    /// Webhooks of one world that are sent at the same time.
    pub deliveries_per_world: usize,
    /// Idle connections that are kept for the next webhook to the same host.
    pub idle_per_host: usize,
}

impl ConnectionLimits {
    /// Divides a number of open files; `None` is a system without a limit.
    pub(crate) fn for_open_files(limit: Option<u64>, workers: usize) -> Self {
        let workers = workers.max(1) as u64;
        let own = OWN_FILES + workers * FILES_PER_WORKER;
        let free = limit.unwrap_or(PLENTY).saturating_sub(own);
        // A delivery has a socket, and for a moment a file of the name look-up.
        let deliveries = (free / 4).clamp(2, DELIVERIES_MAX);
        let idle = deliveries.min(IDLE_PER_HOST_MAX);
        let connections = free.saturating_sub(2 * deliveries + idle) / workers;
        let to_usize = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        Self {
            connections_per_worker: to_usize(connections.clamp(4, CONNECTIONS_PER_WORKER_MAX)),
            deliveries: to_usize(deliveries),
            // Slow receivers of one world leave a part to the others.
            deliveries_per_world: to_usize((deliveries * 3 / 4).max(1)),
            idle_per_host: to_usize(idle),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_connections_fit_below_the_limit() {
        for limit in [128, 256, 1_024, 4_096, 65_536, 1_048_576] {
            for workers in [1, 2, 8] {
                let limits = ConnectionLimits::for_open_files(Some(limit), workers);
                let connections = limits.connections_per_worker * workers;
                let used = connections + 2 * limits.deliveries + limits.idle_per_host;
                assert!(
                    used as u64 + OWN_FILES <= limit,
                    "{limit} {workers} {limits:?}"
                );
                assert!(limits.deliveries_per_world >= 1);
            }
        }
    }
}
