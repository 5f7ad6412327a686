//! What the benchmarks have in common: the program under test, its configuration, and how its processor time and
//! memory are read. Servers come from the tests' support.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::SystemTime;

use recipisa::edge::signing::throwaway::{self, ThrowawayKey};

use super::support::ca::TestCa;
use super::support::dovecot::User;
use super::support::sink::Sink;
use super::support::tools::set_mode;

/// The program under test; another build of it can be named, to compare two side by side.
pub(crate) fn program() -> String {
    std::env::var("RECIPISA_BENCH_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_recipisa").to_owned())
}

/// Processor time of all ended children, from /proc/self/stat (fields 16 and 17, in hundredths of a second).
pub(crate) fn children_cpu_ms() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[13..15]
        .iter()
        .map(|ticks| ticks.parse::<u64>().unwrap() * 10)
        .sum()
}

/// `once --timings` says it in its last line.
pub(crate) fn highest_memory_kb(said: &str) -> u64 {
    said.lines()
        .find_map(|line| line.strip_prefix("highest resident memory "))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// Writes the configuration of an agency with one IMAP mailbox that is read every second, its keys and passwords;
/// returns its path.
pub(crate) fn configuration(dir: &Path, ca: &TestCa, imaps: u16, sink: &Sink) -> String {
    let write_private = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        fs::write(&path, bytes).unwrap();
        set_mode(&path, 0o600);
    };
    let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap();
    write_private(
        "seal.p12",
        &throwaway::make(ThrowawayKey::Rsa2048, "seal", now).unwrap(),
    );
    write_private("seal.password", b"seal");
    write_private("imap.password", User::Amt.password().as_bytes());
    write_private("smtp.password", b"secret");
    let path = dir.join("recipisa.toml");
    let text = format!(
        r#"
[agency]
name = "Agenția Exemplu"
cui = "00000000"
address = "Str. Exemplului nr. 1"
phone = "0264 000 000"
email = "contact@amt.test"
[storage]
dir = "registry"
[[register]]
code = "CJ"
name = "Registrul general"
[[office]]
id = "cluj"
name = "Cluj-Exemplu"
address = "Str. Exemplului nr. 1"
contact = "Registratura, tel. 0264 000 001"
register = "CJ"
[[source]]
name = "somaj"
kind = "imap"
address = "amt@amt.test"
office = "cluj"
host = "localhost"
port = {imaps}
user = "{user}"
password = {{ file = "imap.password" }}
ca_file = "{root}"
poll_seconds = 1
[transport]
kind = "smtp"
host = "localhost"
port = {smtp}
user = "amt"
password = {{ file = "smtp.password" }}
ca_file = "{root}"
[signing]
pkcs12 = "seal.p12"
password = {{ file = "seal.password" }}
"#,
        user = User::Amt.name(),
        root = ca.root.display(),
        smtp = sink.port,
    );
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// The program at work as a daemon; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
}

impl Daemon {
    pub(crate) fn start(config: &str) -> Self {
        let mut command = Command::new(program());
        command
            .args(["--config", config, "run"])
            .env("RECIPISA_LOG", "warn");
        Self {
            child: command.spawn().unwrap(),
        }
    }

    /// Resident memory now, in megabytes.
    pub(crate) fn resident_mb(&self) -> f64 {
        self.status("VmRSS:")
    }

    /// The highest resident memory so far, in megabytes.
    pub(crate) fn highest_mb(&self) -> f64 {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let kilobytes: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
        kilobytes / 1024.0
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself, which the measurement has noticed.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
