//! Points at which the fault tests stop the process and kill it from outside.
//!
//! Only with the cargo feature `failpoints`; otherwise [`reach`] is nothing. `RECIPISA_FAILPOINT=NAME:N` makes the
//! N-th arrival at NAME write a line to standard error and wait for ever, so that the test can send SIGKILL, or see
//! that the watchdog notices; `RECIPISA_BOUND_MS` shortens what a worker may take before it does.

/// Marks a point between two durable acts.
#[cfg(not(feature = "failpoints"))]
pub fn reach(_name: &'static str) {}

/// Marks a point between two durable acts.
#[cfg(feature = "failpoints")]
#[expect(clippy::print_stderr, reason = "the test waits for this line")]
pub fn reach(name: &'static str) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static ARRIVALS: AtomicU32 = AtomicU32::new(0);
    let Ok(wanted) = std::env::var("RECIPISA_FAILPOINT") else {
        return;
    };
    let Some((wanted, nth)) = wanted.rsplit_once(':') else {
        return;
    };
    if wanted != name || nth.parse() != Ok(ARRIVALS.fetch_add(1, Ordering::SeqCst) + 1) {
        return;
    }
    eprintln!("failpoint reached: {name}");
    loop {
        std::thread::park();
    }
}

/// How long a worker may be silent.
#[cfg(not(feature = "failpoints"))]
pub fn bound(usual: std::time::Duration) -> std::time::Duration {
    usual
}

/// How long a worker may be silent.
#[cfg(feature = "failpoints")]
pub fn bound(usual: std::time::Duration) -> std::time::Duration {
    let shorter = std::env::var("RECIPISA_BOUND_MS").ok();
    let shorter = shorter.and_then(|milliseconds| milliseconds.parse().ok());
    shorter.map_or(usual, std::time::Duration::from_millis)
}

/// The names on a mail's way, in its order, for the tests that visit every one.
pub const MAIL: [&str; 15] = [
    "fetch.noted",
    "fetch.fetched",
    "fetch.archived",
    "fetch.committed",
    "fetch.acknowledged",
    "admit.decided",
    "admit.committed",
    "issue.sealed",
    "issue.receipt-archived",
    "issue.letter-archived",
    "issue.committed",
    "deliver.claimed",
    "deliver.sent",
    "deliver.finished",
    "deliver.round-done",
];

/// The names on the way of letters that are owed beside receipts.
pub const ANSWERS: [&str; 3] = ["answer.archived", "answer.committed", "answer.carrier-archived"];

/// The names on the way of letters that cases have planned, and of digests.
pub const CASES: [&str; 4] = [
    "remind.archived",
    "remind.committed",
    "report.archived",
    "report.committed",
];

/// The points of a backup and a restore, which are commands of their own.
pub const SAFEKEEPING: [&str; 7] = [
    "backup.begun",
    "backup.database-copied",
    "backup.file-copied",
    "backup.files-copied",
    "backup.published",
    "restore.file-copied",
    "restore.files-copied",
];
