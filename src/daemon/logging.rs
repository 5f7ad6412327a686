//! What the process says while it works: to standard error, one line for each mail and letter, and nothing personal.
//!
//! Errors of servers may quote addresses and names of files; [`scrubbed`] takes them out before they are logged. The
//! full words stay in the database, where `recipisa show` and `recipisa held` read them.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. `RECIPISA_LOG` sets the level (`error`, `warn`, `info`, `debug`); the default is `info`.
pub fn start() {
    let filter = EnvFilter::try_from_env("RECIPISA_LOG").unwrap_or_else(|_| EnvFilter::new("recipisa=info"));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
    // A second start in one process, as in tests, keeps the first one's settings.
    drop(started);
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

/// The text without mail addresses and without words of many digits, which may be a personal code (CNP). Times and
/// the names of files in our own archive stay.
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

/// Whether a word is a time, or a path that ends in a SHA-256.
fn is_ours(word: &str) -> bool {
    let word = word.trim_end_matches([':', ';', ',', '.']);
    let name = word.rsplit('/').next().unwrap_or_default();
    word.parse::<jiff::Timestamp>().is_ok()
        || (name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
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
    fn times_and_archive_names_stay() {
        let ours = format!(
            "since 2026-11-20T09:48:16.123456Z; reading /a/ab/{}: gone",
            "0a".repeat(32)
        );
        assert_eq!(scrubbed(&ours), ours);
    }
}
