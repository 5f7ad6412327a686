//! The agency with real servers: its configuration, key and passwords, and the commands that a person would type.
//!
//! Two offices with a register each, CJ for the mailbox of [`User::Amt`] and DJ for that of [`User::Dej`]. Left
//! out: the demonstration's configuration, which needs no server.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use recipisa::config::Settings;
use recipisa::edge::clock::Clock;
use recipisa::edge::signing::throwaway::{self, ThrowawayKey};
use serde_json::Value;

use super::ca::TestCa;
use super::dovecot::{Dovecot, User};
use super::hearing::assert_nothing_personal;
use super::process::Process;
use super::tools::{PATIENCE, make_dir, wait_until};

/// The password of the key.
pub(crate) const KEY_PASSWORD: &str = "parola-de-proba";
/// Where kept mail goes.
pub(crate) const KEPT_FOLDER: &str = "Inregistrate";

/// A mailbox that the agency reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inbox {
    pub(crate) user: User,
    pub(crate) port: u16,
    /// `tls` or `starttls`.
    pub(crate) security: &'static str,
    /// What is written into the password file.
    pub(crate) password: &'static str,
}

impl Inbox {
    /// The usual two: one in TLS, one by STARTTLS.
    pub(crate) fn both(dovecot: &Dovecot) -> [Self; 2] {
        [
            Self::over_tls(User::Amt, dovecot.ports.imaps),
            Self {
                user: User::Dej,
                port: dovecot.ports.imap,
                security: "starttls",
                password: User::Dej.password(),
            },
        ]
    }

    /// A mailbox inside TLS, with the right password.
    pub(crate) fn over_tls(user: User, port: u16) -> Self {
        Self {
            user,
            port,
            security: "tls",
            password: user.password(),
        }
    }
}

/// The server that takes the agency's letters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Submission {
    pub(crate) port: u16,
    /// `tls` or `starttls`.
    pub(crate) security: &'static str,
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
}

impl Submission {
    /// With the first office's user, right password and STARTTLS.
    pub(crate) fn starttls(port: u16) -> Self {
        Self {
            port,
            security: "starttls",
            user: User::Amt.name(),
            password: User::Amt.password(),
        }
    }
}

/// A configuration in a folder of its own.
pub(crate) struct Agency {
    pub(crate) dir: PathBuf,
}

impl Agency {
    /// Writes all files into the folder.
    pub(crate) fn found(dir: &Path, ca: &TestCa, inboxes: &[Inbox], submission: Submission) -> Self {
        make_dir(dir);
        private(&dir.join("seal.p12"), key());
        private(&dir.join("seal.password"), KEY_PASSWORD.as_bytes());
        let agency = Self { dir: dir.to_owned() };
        agency.configure(ca, inboxes, submission);
        agency
    }

    /// Writes the configuration again, as when somebody has mended it.
    pub(crate) fn configure(&self, ca: &TestCa, inboxes: &[Inbox], submission: Submission) {
        let root = ca.root.display();
        let mut text = AGENCY.to_owned();
        for inbox in inboxes {
            let (name, address) = (inbox.user.name(), inbox.user.address());
            let Inbox { port, security, .. } = inbox;
            private(
                &self.dir.join(format!("{name}.password")),
                inbox.password.as_bytes(),
            );
            text.push_str(&format!(
                "[[source]]\nname = \"{name}\"\nkind = \"imap\"\naddress = \"{address}\"\noffice = \"{name}\"\n\
                 host = \"localhost\"\nport = {port}\nsecurity = \"{security}\"\nuser = \"{name}\"\n\
                 password = {{ file = \"{name}.password\" }}\nca_file = \"{root}\"\npoll_seconds = 1\n\
                 move_to = \"{KEPT_FOLDER}\"\n\n"
            ));
        }
        private(&self.dir.join("smtp.password"), submission.password.as_bytes());
        let Submission {
            port, security, user, ..
        } = submission;
        text.push_str(&format!(
            "[transport]\nkind = \"smtp\"\nhost = \"localhost\"\nport = {port}\nsecurity = \"{security}\"\n\
             user = \"{user}\"\npassword = {{ file = \"smtp.password\" }}\nca_file = \"{root}\"\n"
        ));
        fs::write(self.config(), text).unwrap();
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("recipisa.toml")
    }

    /// The settings, for a house inside the test.
    pub(crate) fn settings(&self) -> Settings {
        Settings::load(&self.config(), None).unwrap_or_else(|problems| {
            let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
            panic!("{}", said.join("\n"))
        })
    }

    /// The storage folder.
    pub(crate) fn storage(&self) -> PathBuf {
        self.dir.join("registry")
    }

    /// `recipisa run`; its output goes into files with this name.
    pub(crate) fn run(&self, name: &str, env: &[(&str, &str)]) -> Process {
        let config = self.config();
        Process::recipisa(
            &self.dir,
            name,
            &["--config".as_ref(), config.as_os_str(), "run".as_ref()],
            env,
        )
    }

    /// `recipisa run`, at work.
    #[track_caller]
    pub(crate) fn run_at_work(&self, name: &str) -> Process {
        let mut process = self.run(name, &[]);
        wait_until("recipisa to be at work", PATIENCE, || {
            if let Some(status) = process.ended() {
                panic!("recipisa ended with {status}:\n{}", process.stderr());
            }
            process.stderr().contains("recipisa works").then_some(())
        });
        process
    }

    /// Any command, to its end.
    #[track_caller]
    pub(crate) fn command(&self, args: &[&str]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_recipisa"))
            .arg("--config")
            .arg(self.config())
            .args(args)
            .current_dir(&self.dir)
            .output()
            .unwrap();
        assert_nothing_personal(&format!("{args:?}"), &String::from_utf8_lossy(&output.stderr));
        output
    }

    /// What a command prints as JSON, an object a line.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        let output = self.command(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Asks the process to end, and wants it to end well.
#[track_caller]
pub(crate) fn end(mut process: Process) {
    process.terminate();
    let status = process.wait(PATIENCE);
    assert_eq!(status.code(), Some(0), "{}", process.stderr());
}

/// One key for all tests of a run: what differs from test to test is elsewhere.
fn key() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(|| throwaway::make(ThrowawayKey::P256, KEY_PASSWORD, Clock::System.now()).unwrap())
}

/// Writes a file that others may not read.
fn private(path: &Path, bytes: &[u8]) {
    let mut file = fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
}

const AGENCY: &str = r#"
[agency]
name = "Agenția Județeană de Probă"
cui = "00000000"
address = "Str. Probei nr. 1, Cluj-Exemplu"
phone = "0264 000 000"
email = "contact@amt.test"

[storage]
dir = "registry"

[signing]
pkcs12 = "seal.p12"
password = { file = "seal.password" }
accept_unqualified = true

[[register]]
code = "CJ"
name = "Registrul general"

[[register]]
code = "DJ"
name = "Registrul din Dej"

[[office]]
id = "amt"
name = "Punctul de lucru Cluj-Exemplu"
address = "Str. Probei nr. 1, Cluj-Exemplu"
contact = "Registratura, tel. 0264 000 001"
register = "CJ"

[[office]]
id = "dej"
name = "Punctul de lucru Dej-Exemplu"
address = "Piața Probei nr. 2, Dej-Exemplu"
contact = "Registratura Dej, tel. 0264 000 002"
register = "DJ"

"#;
