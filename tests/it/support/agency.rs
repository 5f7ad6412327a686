//! A small agency in a folder: two mailboxes, letters written as files, a key that is valid now.
//!
//! It is the demonstration's agency, with the machine's clock. Left out: servers, which are in
//! [`super::dovecot`] and [`super::postfix`].

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use recipisa::edge::clock::Clock;
use recipisa::edge::signing::throwaway::{self, ThrowawayKey};

use super::command::{Said, project, recipisa, said};
use super::tools::{TempDir, write};

const CONFIGURATION: &str = include_str!("../../../src/cli/demo.toml");
const PASSWORD: &str = "parolă de probă";

/// The folder with everything; removed at the end.
pub(crate) struct Agency {
    dir: TempDir,
}

impl Agency {
    /// With empty mailboxes.
    pub(crate) fn new() -> Self {
        let agency = Self { dir: TempDir::new() };
        agency.configure(|text| text);
        for source in ["somaj", "dej"] {
            fs::create_dir_all(agency.path().join("mailboxes").join(source)).unwrap();
        }
        agency.key_valid_at(Clock::System.now());
        agency
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.path().join("recipisa.toml")
    }

    /// Writes the configuration anew, changed.
    pub(crate) fn configure(&self, change: impl FnOnce(String) -> String) {
        write(&self.config(), &change(CONFIGURATION.to_owned()));
    }

    /// Makes a new key whose certificate begins a day before this time and lasts a year.
    pub(crate) fn key_valid_at(&self, at: Timestamp) {
        let key = throwaway::make(ThrowawayKey::P256, PASSWORD, at).unwrap();
        fs::write(self.path().join("seal.p12"), key).unwrap();
        let password = self.path().join("seal.password");
        write(&password, PASSWORD);
        super::tools::set_mode(&password, 0o600);
    }

    /// Puts a mail of `fixtures/mails` into a mailbox.
    pub(crate) fn deliver(&self, source: &str, fixture: &str) {
        let mail = project().join("fixtures/mails").join(fixture).join("mail.eml");
        let place = self
            .path()
            .join("mailboxes")
            .join(source)
            .join(format!("{fixture}.eml"));
        fs::copy(&mail, place).unwrap_or_else(|error| panic!("{}: {error}", mail.display()));
    }

    /// Runs a command on this agency to its end.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        said(recipisa(args).env("RECIPISA_CONFIG", self.config()))
    }
}

/// The names of all folders in `fixtures/mails`, sorted.
pub(crate) fn fixtures() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(project().join("fixtures/mails"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("mail.eml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 26, "only {} mails", names.len());
    names
}

/// What must come of a mail of `fixtures/mails`.
pub(crate) fn expected(fixture: &str) -> serde_json::Value {
    let path = project().join("fixtures/mails").join(fixture).join("expect.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Whether one of the accepted files bears the consent's name.
pub(crate) fn consents(entry: &serde_json::Value) -> bool {
    let documents = entry["documents"].as_array().unwrap();
    documents.iter().any(|file| {
        file["verdict"] == "accepted" && file["name"].as_str().unwrap().to_lowercase().contains("acord")
    })
}
