//! The program as a service: its unit, what it tells the service manager, new settings while it runs, its logs, its
//! user, and how it is installed. Left out: the work itself, which the other files are about.

mod install;
mod logs;
mod notify;
mod owner;
mod reload;
mod units;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use crate::support::agency::Agency;
use crate::support::process::Process;
use crate::support::tools::{PATIENCE, poll};

/// A service manager's socket, and all that was told to it.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    heard: Vec<String>,
}

impl Manager {
    /// Listens in this folder.
    fn listen(dir: &Path) -> Self {
        let path = dir.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            socket,
            path,
            heard: Vec::new(),
        }
    }

    /// Takes in what has come; returns all lines so far, in their order.
    fn heard(&mut self) -> &[String] {
        let mut buffer = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
            self.heard.extend(message.lines().map(str::to_owned));
        }
        &self.heard
    }

    /// Forgets what was told until now.
    fn forget(&mut self) {
        self.heard();
        self.heard.clear();
    }

    fn has_heard(&mut self, line: &str) -> bool {
        self.heard().iter().any(|heard| heard == line)
    }

    /// Waits for a line that holds these words, and returns it.
    #[track_caller]
    fn wait_for(&mut self, words: &str) -> String {
        let found = poll(PATIENCE, || {
            self.heard().iter().find(|line| line.contains(words)).cloned()
        });
        found.unwrap_or_else(|| panic!("the service manager never heard {words}: {:#?}", self.heard))
    }
}

/// A configuration whose mailboxes are looked at every second.
fn often(configuration: &str) -> String {
    configuration.replace("path = \"mailboxes/", "poll_seconds = 1\npath = \"mailboxes/")
}

/// The usual agency, with mailboxes that are looked at every second.
fn quick_agency() -> Agency {
    let agency = Agency::new();
    agency.configure(|text| often(&text));
    agency
}

/// `recipisa run` on this agency, as a service manager would start it.
fn run(agency: &Agency, manager: &Manager, env: &[(&str, &str)]) -> Process {
    let config = agency.config();
    let socket = manager.path.to_str().unwrap();
    let mut all = vec![("NOTIFY_SOCKET", socket)];
    all.extend(env);
    let args = ["run", "--config", config.to_str().unwrap()];
    Process::recipisa(agency.path(), "service", &args, &all)
}

/// How many letters have left into the agency's folder.
fn letters(agency: &Agency) -> usize {
    let names = fs::read_dir(agency.path().join("letters"));
    names.map_or(0, |names| {
        names
            .filter(|name| {
                name.as_ref()
                    .unwrap()
                    .path()
                    .extension()
                    .is_some_and(|end| end == "eml")
            })
            .count()
    })
}
