//! Parts that differ between operating systems: stop signals, process groups, private files, and the
//! limit of open files.
//! No other module has a `cfg(unix)` or `cfg(windows)`.

pub(crate) mod connection_limits;

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::process::{ChildStdout, Command};

#[cfg(unix)]
use self::unix as system;
#[cfg(windows)]
use self::windows as system;

/// The signals that ask the program to stop: SIGTERM, SIGINT and SIGHUP on Unix; Ctrl-C, Ctrl-Break and
/// the closing of the console on Windows.
#[derive(Debug)]
pub(crate) struct StopSignals(system::StopSignals);

impl StopSignals {
    /// Starts to listen. From then on, the signals do not end the process by themselves.
    ///
    /// # Errors
    /// The error of the operating system.
    pub(crate) fn listen() -> io::Result<Self> {
        system::StopSignals::listen().map(Self)
    }

    /// Waits for the next signal.
    pub(crate) async fn recv(&mut self) {
        self.0.recv().await;
    }
}

/// Opens an address in the browser that `BROWSER` names, or else in that of the desktop.
///
/// # Errors
/// The error of the operating system.
pub(crate) fn open_browser(address: &str) -> io::Result<()> {
    let chosen = std::env::var_os("BROWSER").filter(|name| !name.is_empty());
    let (program, arguments) = match &chosen {
        Some(name) => (name.as_os_str(), &[][..]),
        None => (system::DESKTOP_OPENER.0.as_ref(), system::DESKTOP_OPENER.1),
    };
    let mut command = std::process::Command::new(program);
    command.args(arguments).arg(address);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null()).spawn().map(|_| ())
}

/// `true` where a read of less than was asked for shows that a socket is empty, and what arrives later is
/// reported: with epoll and kqueue.
pub(crate) const SHORT_READ_EMPTIES_SOCKET: bool = cfg!(unix);

/// Returns the number of threads that can run at the same time.
pub(crate) fn count_cores() -> usize {
    std::thread::available_parallelism().map_or(2, Into::into)
}

/// Gives memory that the program has freed back to the operating system. It takes some milliseconds.
/// Only the allocator of glibc needs to be told.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "no crate has a safe function for it")]
pub(crate) fn return_freed_memory() {
    // SAFETY: malloc_trim has no precondition, and any thread may call it (malloc_trim(3)).
    unsafe { libc::malloc_trim(0) };
}

/// Gives memory that the program has freed back to the operating system, which the allocator does by
/// itself.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn return_freed_memory() {}

/// Returns an address by which other machines of the network reach this one; `None` without a network. Nothing is
/// sent: the operating system says from where it would send to an address of documentation (RFC 5737).
pub(crate) fn find_local_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// A child process together with the processes that it starts: a process group on Unix, a job on
/// Windows. Dropping it kills all that still run.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    child: Box<dyn ChildWrapper>,
}

impl ProcessGroup {
    /// Starts a command as the first process of a new group.
    ///
    /// # Errors
    /// The error of the operating system.
    pub(crate) fn spawn(command: Command) -> io::Result<Self> {
        let mut command = CommandWrap::from(command);
        command.wrap(system::process_group());
        Ok(Self {
            child: command.spawn()?,
        })
    }

    /// Returns the standard output, if it is a pipe and was not taken.
    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout().take()
    }

    /// Waits until the command has ended. What it has left running is killed when this is dropped.
    ///
    /// # Errors
    /// The error of the operating system.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // It fails if all have ended.
        let _ = self.child.start_kill();
    }
}

/// Creates or empties a file that only its owner may read. Devices and pipes, such as
/// `/dev/stdout`, keep their permissions. On Windows the file has the permissions of its folder.
///
/// # Errors
/// The error of the operating system.
pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
    system::create_private_file(path)
}

/// Raises the number of files and connections that the process may have open, and returns it;
/// `None` where the system has no such limit.
pub(crate) fn raise_open_files_limit() -> Option<u64> {
    system::raise_open_files_limit()
}

/// Returns whether an operation failed because this machine has no more files, ports or memory for
/// it.
pub(crate) fn is_out_of_resources(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    error.kind() == io::ErrorKind::OutOfMemory
        || error.kind() == io::ErrorKind::AddrNotAvailable
        || code.is_some_and(|code| system::RESOURCE_ERRORS.contains(&code))
}

#[cfg(unix)]
mod unix {
    use std::fs::{File, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    use std::path::Path;
    /// The program that opens an address, with its arguments.
    #[cfg(target_os = "macos")]
    pub(super) const DESKTOP_OPENER: (&str, &[&str]) = ("open", &[]);
    #[cfg(not(target_os = "macos"))]
    pub(super) const DESKTOP_OPENER: (&str, &[&str]) = ("xdg-open", &[]);

    use process_wrap::tokio::ProcessGroup;
    use rlimit::{Resource, increase_nofile_limit};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Codes of errors for which this process or machine has no file or buffer left.
    pub(crate) const RESOURCE_ERRORS: &[i32] = &[libc::EMFILE, libc::ENFILE, libc::ENOBUFS];

    /// Number of open files that is always enough.
    const OPEN_FILES_WANTED: u64 = 65_536;

    /// Read and write for the owner, nothing for others.
    const OWNER_ONLY: u32 = 0o600;

    #[derive(Debug)]
    pub(crate) struct StopSignals {
        terminate: Signal,
        interrupt: Signal,
        hangup: Signal,
    }

    impl StopSignals {
        pub(crate) fn listen() -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hangup: signal(SignalKind::hangup())?,
            })
        }

        pub(crate) async fn recv(&mut self) {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
                _ = self.hangup.recv() => {}
            }
        }
    }

    pub(crate) fn process_group() -> ProcessGroup {
        ProcessGroup::leader()
    }

    pub(crate) fn raise_open_files_limit() -> Option<u64> {
        // It may stay as it is; then fewer connections are used.
        let raised = increase_nofile_limit(OPEN_FILES_WANTED);
        raised.or_else(|_| Resource::NOFILE.get_soft()).ok()
    }

    pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(OWNER_ONLY)
            .open(path)?;
        // An existing file keeps its mode when it is opened.
        if file.metadata()?.is_file() {
            file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
        }
        Ok(file)
    }
}

#[cfg(windows)]
mod windows {
    use std::fs::File;
    use std::io;
    use std::path::Path;
    /// The program that opens an address, with its arguments. The empty one is the title of a window.
    pub(super) const DESKTOP_OPENER: (&str, &[&str]) = ("cmd", &["/c", "start", ""]);

    use process_wrap::tokio::JobObject;
    use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, ctrl_break, ctrl_c, ctrl_close};

    #[derive(Debug)]
    pub(crate) struct StopSignals {
        interrupt: CtrlC,
        break_key: CtrlBreak,
        close: CtrlClose,
    }

    impl StopSignals {
        pub(crate) fn listen() -> io::Result<Self> {
            Ok(Self {
                interrupt: ctrl_c()?,
                break_key: ctrl_break()?,
                close: ctrl_close()?,
            })
        }

        pub(crate) async fn recv(&mut self) {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.break_key.recv() => {}
                _ = self.close.recv() => {}
            }
        }
    }

    /// Codes of errors for which this process or machine has no socket or buffer left: WSAEMFILE and
    /// WSAENOBUFS.
    pub(crate) const RESOURCE_ERRORS: &[i32] = &[10_024, 10_055];

    pub(crate) fn process_group() -> JobObject {
        JobObject
    }

    pub(crate) fn raise_open_files_limit() -> Option<u64> {
        None
    }

    pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
        File::create(path)
    }
}
