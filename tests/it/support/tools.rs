//! What every test needs: folders, ports, waiting with a deadline, running a program to its end.
//!
//! Left out: programs that stay running, which are in [`super::process`].

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::park_timeout;
use std::time::{Duration, Instant};

/// How long a test waits for a thing that should happen at once, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A program by its name, looked for where PATH and system services have it.
///
/// Panics with the command that installs it where it is missing.
#[track_caller]
pub(crate) fn tool(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/lib/postfix/sbin", "/usr/lib/dovecot"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("{name} is missing; install it: apt-get install -y --no-install-recommends {package}")
        })
}

/// Runs a program to its end and returns what it printed; panics with its errors where it fails.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} did not start: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        panic!("{command:?} ended with {}:\n{said}{complaint}", output.status);
    }
    said
}

/// Waits until `look` has something, and returns it; panics with `what` after `limit`.
#[track_caller]
pub(crate) fn wait_until<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    poll(limit, look).unwrap_or_else(|| panic!("waited {limit:?} in vain for {what}"))
}

/// Looks again and again until there is something or the time is over. The only wait in the tests.
pub(crate) fn poll<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        park_timeout(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// A port of 127.0.0.1 that nobody listens on.
///
/// Below the range that the system gives to outgoing connections, so that a server which goes down
/// finds its port free when it comes back; each port is given once per run.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..COUNT {
        // Runs at the same time begin at places far apart.
        let offset = std::process::id()
            .wrapping_mul(97)
            .wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + offset % COUNT).expect("the range ends below 65536");
        if port_is_free(port) {
            return port;
        }
    }
    panic!("no port between {FIRST} and {} is free", FIRST + COUNT)
}

/// Whether a server could listen on this port of 127.0.0.1 now.
pub(crate) fn port_is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// A folder with a short path that daemons of other users may enter; removed at the end, except after
/// a failure.
pub(crate) struct TempDir {
    path: PathBuf,
}

impl TempDir {
    /// `/tmp/rcpXXXX`, mode 0755. Short, because Dovecot's socket names have 82 bytes for the folder.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = PathBuf::from(format!("/tmp/rcp{:x}x{number:x}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    open_to_all(&path);
                    return Self { path };
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The test has its own message; where this one cannot be written nothing is lost.
            let _ = writeln!(
                std::io::stderr(),
                "left for you to look at: {}",
                self.path.display()
            );
            return;
        }
        // A server that was just killed may still have been writing: once more then.
        poll(PATIENCE, || match fs::remove_dir_all(&self.path) {
            Ok(()) => Some(()),
            Err(error) => (error.kind() == ErrorKind::NotFound).then_some(()),
        });
    }
}

/// A folder that other users may enter, whatever the umask; made where it is missing.
pub(crate) fn make_dir(path: &Path) {
    fs::create_dir_all(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    open_to_all(path);
}

/// Writes a text file that other users may read.
pub(crate) fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    set_mode(path, 0o644);
}

/// Sets the permission bits.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn open_to_all(path: &Path) {
    set_mode(path, 0o755);
}
