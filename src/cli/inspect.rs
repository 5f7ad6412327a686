//! `inspect`: a rehearsal. Says what would become of mails and documents, and writes nothing. Files are judged without a
//! registry; the mails of a live mailbox (`--source`) are in [`super::rehearsal`].

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::calendar::Calendar;
use crate::calendar::hours::OfficeHours;
use crate::cli::json::{self as shapes, MailFacts};
use crate::cli::{Failure, open, rehearsal, text};
use crate::config::Caps;
use crate::daemon::{logging, policy};
use crate::mailbox::Extent;
use crate::message::{self, Message};
use crate::registry::{Decided, Desk, FileRecord, Incoming, Known, Policy, decide, examine_alone};
use crate::screening::{self, Outcome, Standing};

#[derive(clap::Args)]
pub(super) struct Options {
    /// Files, or folders with everything in them.
    #[arg(required_unless_present = "source", conflicts_with = "source")]
    paths: Vec<PathBuf>,
    /// Instead of files: the mails that lie in the mailbox of this source now. Nothing there, in the registry or on its
    /// way out is changed.
    #[arg(long, value_name = "NAME", conflicts_with = "kind")]
    source: Option<String>,
    /// At most so many mails of the mailbox, the newest ones.
    #[arg(long, value_name = "N", requires = "source", conflicts_with_all = ["paths", "kind"])]
    limit: Option<usize>,
    /// Print one JSON object a line, in the order in which they are known.
    #[arg(long)]
    json: bool,
    /// Take every file for this kind instead of looking at how it begins.
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Document,
    Mail,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Mail => "mail",
        }
    }
}

/// Inspects everything, in parallel; the exit code is 0 whatever the verdicts.
pub(super) fn main(config: Option<PathBuf>, options: &Options) -> Result<(), Failure> {
    logging::start(None);
    if let Some(source) = &options.source {
        return rehearsal::main(config, source, options.limit, options.json);
    }
    let (policy, mail_bytes_max) = match config {
        Some(file) => {
            let settings = open::settings_for_rehearsal(&file)?;
            (policy(&settings), settings.measure.mail_bytes_max)
        }
        None => {
            let defaults = Caps::default();
            let policy = Policy {
                limits: defaults.documents,
                files_max: defaults.files_max,
                screening: screening::Policy::default(),
                request_types: Vec::new(),
                calendar: Calendar::without_overrides(),
            };
            (policy, defaults.measure.mail_bytes_max)
        }
    };
    let mut files = Vec::new();
    for path in &options.paths {
        gather(path, &mut files);
    }
    files.par_iter().for_each(|path| {
        let seen = Seen::of(path, options.kind, &policy, mail_bytes_max);
        if options.json {
            text::line(&seen.as_json(&path.display().to_string()).to_string());
        } else {
            text::line(&seen.as_text(&path.display().to_string()));
        }
    });
    Ok(())
}

/// All files below a path, in the order of their names. What cannot be listed is kept in the list as it is, and told
/// in its own line; a folder that is a link is not entered, so that none is walked in a circle.
fn gather(path: &Path, files: &mut Vec<PathBuf>) {
    let listed = fs::read_dir(path).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let Ok(entries) = listed else {
        files.push(path.to_owned());
        return;
    };
    let mut inside: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    inside.sort();
    for path in inside {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => gather(&path, files),
            Ok(metadata) if metadata.is_symlink() && path.is_dir() => {}
            _ => files.push(path),
        }
    }
}

/// What one file turned out to be.
enum Seen {
    Mail(Box<Decided>),
    Document(Vec<FileRecord>),
    Failed(Kind, String),
}

impl Seen {
    fn of(path: &Path, wanted: Option<Kind>, policy: &Policy, mail_bytes_max: u64) -> Self {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                return Self::Failed(
                    wanted.unwrap_or(Kind::Document),
                    format!("cannot be read: {error}"),
                );
            }
        };
        let kind = wanted.unwrap_or_else(|| {
            if message::begins_like_mail(&bytes) {
                Kind::Mail
            } else {
                Kind::Document
            }
        });
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        catch_unwind(AssertUnwindSafe(|| match kind {
            Kind::Mail => Self::Mail(Box::new(rehearse(&bytes, policy, mail_bytes_max))),
            Kind::Document => Self::Document(examine_alone(&name, &bytes, &policy.limits)),
        }))
        .unwrap_or_else(|_| Self::Failed(kind, "the program failed on this file; please report it".into()))
    }

    fn as_json(&self, path: &str) -> Value {
        match self {
            Self::Mail(decided) => shapes::mail(
                ("path", json!(path)),
                &MailFacts {
                    outcome: Some(decided.outcome),
                    reason: Some(decided.reason),
                    replies: decided.replies,
                    number: None,
                    summary: &decided.summary,
                    files: &decided.files,
                },
            ),
            Self::Document(files) => shapes::document_alone(path, files),
            Self::Failed(kind, error) => shapes::error(path, kind.as_str(), error),
        }
    }

    fn as_text(&self, path: &str) -> String {
        let (head, files) = match self {
            Self::Mail(decided) => {
                let answer = match (decided.replies, decided.outcome) {
                    (true, Outcome::Answered) => "a letter would say why and what to do",
                    (true, _) => "a receipt would go out",
                    (false, _) => "nothing would go out",
                };
                let (outcome, reason) = (decided.outcome.as_str(), decided.reason.as_str());
                (
                    format!("{path}: {outcome} ({reason}), {answer}"),
                    decided.files.as_slice(),
                )
            }
            Self::Document(files) => (path.to_owned(), files.as_slice()),
            Self::Failed(_, error) => return format!("{path}: {error}"),
        };
        let mut lines = vec![head];
        lines.extend(files.iter().flat_map(lines_of));
        lines.join("\n")
    }
}

/// A file's verdict and what was found in it, indented.
pub(super) fn lines_of(file: &FileRecord) -> Vec<String> {
    let visible = crate::receipt::wording::visible;
    let name = match &file.container {
        Some(container) => format!("{} › {}", visible(container), visible(&file.name)),
        None => visible(&file.name),
    };
    let verdict = if file.accepted { "accepted" } else { "refused" };
    let mut lines = vec![format!("    {name}: {}, {verdict}", file.kind_ro)];
    for finding in &file.findings {
        lines.push(format!(
            "        {} ({}): {}",
            finding.code,
            finding.severity.as_str(),
            finding.text_ro
        ));
    }
    lines
}

/// As the registry would decide, at the time when the mail arrived.
fn rehearse(bytes: &[u8], policy: &Policy, mail_bytes_max: u64) -> Decided {
    let received_at = message::received_at(bytes).unwrap_or(Timestamp::UNIX_EPOCH);
    let desk = Desk {
        source: String::new(),
        address: String::new(),
        office: String::new(),
        register: String::new(),
        hours: OfficeHours::default(),
        answers_read_reports: false,
        start: None,
        authserv_ids: BTreeSet::new(),
    };
    let is_whole = bytes.len() as u64 <= mail_bytes_max;
    let incoming = Incoming {
        message: &Message::read(bytes),
        // Which cases there are is not looked up: a rehearsal needs no registry.
        known: &Known::default(),
        letter: None,
        extent: if is_whole {
            Extent::Whole
        } else {
            Extent::HeaderOnly
        },
        standing: Standing::New,
        instructions: None,
        received_at,
    };
    decide(incoming, &desk, received_at, policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_with_the_envelope_that_it_came_in() {
        let mut file = FileRecord {
            name: "cerere.pdf".into(),
            container: Some("smime\u{202E}.p7m".into()),
            declared: String::new(),
            detected: "pdf".into(),
            kind_ro: "document PDF".into(),
            size_bytes: 1,
            sha256: String::new(),
            accepted: true,
            findings: Vec::new(),
        };
        assert_eq!(
            lines_of(&file),
            ["    smime⟨U+202E⟩.p7m › cerere.pdf: document PDF, accepted"]
        );
        file.container = None;
        assert_eq!(lines_of(&file), ["    cerere.pdf: document PDF, accepted"]);
    }
}
