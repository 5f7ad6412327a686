//! What the process says while it works: one line for each mail and letter, and nothing personal; as lines on standard
//! error, or as fields to the journal (`MAIL_ID`, `ENTRY_NUMBER`, `OUTCOME`).
//!
//! Errors of servers may quote addresses and names of files; [`scrubbed`] takes them out before they are logged. The
//! full words stay in the database, where `recipisa show` and `recipisa held` read them.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// How to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
    /// journald's own protocol, with a field for each fact.
    Journal,
}

impl Format {
    /// The journal where standard error goes there anyway (`systemd.exec(5)`: `$JOURNAL_STREAM` holds device and inode
    /// of that stream); lines otherwise.
    fn usual() -> Self {
        let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
        let own = rustix::fs::fstat(io::stderr()).map(|stat| format!("{}:{}", stat.st_dev, stat.st_ino));
        if own.is_ok_and(|own| own == stream) {
            Self::Journal
        } else {
            Self::Text
        }
    }
}

/// Starts logging in this format, or in the usual one. `RECIPISA_LOG` sets the level (`error`, `warn`, `info`,
/// `debug`); the default is `info`.
pub fn start(format: Option<Format>) {
    let filter = EnvFilter::try_from_env("RECIPISA_LOG").unwrap_or_else(|_| EnvFilter::new("recipisa=info"));
    let (layer, trouble) = layer(format.unwrap_or_else(Format::usual));
    let started = tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init();
    // A second start in one process, as in tests, keeps the first one's settings.
    drop(started);
    if let Some(error) = trouble {
        tracing::warn!(%error, "the journal cannot be reached; lines go to standard error");
    }
    tell_panics();
}

/// The layer, and why it is not the one that was wanted.
fn layer<S>(format: Format) -> (Box<dyn Layer<S> + Send + Sync>, Option<io::Error>)
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    match format {
        Format::Text => (lines_for_people(), None),
        Format::Json => {
            let lines = tracing_subscriber::fmt::layer().json().flatten_event(true);
            (lines.with_writer(io::stderr).with_target(false).boxed(), None)
        }
        // Without a prefix the fields have the names that README.md gives; none of them is one of journald's own.
        Format::Journal => match tracing_journald::layer() {
            Ok(journal) => (
                journal
                    .with_field_prefix(None)
                    .with_syslog_identifier("recipisa".into())
                    .boxed(),
                None,
            ),
            Err(error) => (lines_for_people(), Some(error)),
        },
    }
}

fn lines_for_people<S>() -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .boxed()
}

fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(|at| format!("{}:{}", at.file(), at.line()))
            .unwrap_or_default();
        // The panic's own text may quote a mail; the place is enough to find the fault.
        tracing::error!(
            place,
            "a step failed inside the program; the item is held if it fails again"
        );
    }));
}

/// The text without mail addresses and without words of many digits, which may be a personal code (CNP). Times, the names
/// of files in our own archive, and the keys by which sources call their messages stay.
pub fn scrubbed(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        let digits = bare.chars().filter(char::is_ascii_digit).count();
        if bare.contains('@') || (digits >= 13 && !is_ours(bare)) {
            clean.push_str("[…]");
            clean.push_str(&word[bare.len()..]);
        } else {
            clean.push_str(word);
        }
    }
    clean
}

/// Whether a word is a time, a path that ends in a SHA-256, or a message's key.
fn is_ours(word: &str) -> bool {
    let word = word.trim_end_matches([':', ';', ',', '.']);
    let name = word.rsplit('/').next().unwrap_or_default();
    word.parse::<jiff::Timestamp>().is_ok() || is_sha256(name) || is_key(word)
}

fn is_sha256(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `FOLDER;UIDVALIDITY;UID` or `FILE;SHA-256`, of which the first part may be anything but a personal code.
fn is_key(word: &str) -> bool {
    let is_harmless = |name: &str| name.chars().filter(char::is_ascii_digit).count() < 13;
    let is_number = |text: &str| text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((before, last)) = word.rsplit_once(';') else {
        return false;
    };
    match before.rsplit_once(';') {
        Some((folder, validity)) if is_number(last) => is_number(validity) && is_harmless(folder),
        Some(_) | None => is_sha256(last) && is_harmless(before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_personal_codes_are_taken_out() {
        let said = "550 5.1.1 <ion.pop@exemplu.test>: unknown, file cerere_1760314123454.pdf port 587";
        assert_eq!(scrubbed(said), "550 5.1.1 […] unknown, file […] port 587");
        let digits = "1760314123454".repeat(5);
        assert_eq!(scrubbed(&digits[..65]), "[…]");
    }

    #[test]
    fn keys_of_messages_stay_and_codes_in_them_do_not() {
        let sha256 = "0a1".repeat(22)[..64].to_owned();
        for key in [
            "INBOX;1700000000;123456".to_owned(),
            format!("cerere.eml;{sha256}"),
        ] {
            assert_eq!(
                scrubbed(&format!("first {key}; run")),
                format!("first {key}; run")
            );
        }
        for key in [
            "1760314123454;1700000000;42".to_owned(),
            "INBOX;1760314123454;42".to_owned(),
            format!("1760314123454.eml;{sha256}"),
        ] {
            assert_eq!(scrubbed(&format!("first {key}; run")), "first […] run");
        }
    }

    #[test]
    fn times_and_archive_names_stay() {
        let ours = format!(
            "since 2026-11-20T09:48:16.123456Z; reading /a/ab/{}: gone",
            "0a".repeat(32)
        );
        assert_eq!(scrubbed(&ours), ours);
    }
}
