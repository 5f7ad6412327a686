//! The steps, each with the same three beats: claim, decide, commit. They name ports and never the world.
//!
//! fetch → admit → issue → deliver, and beside them answer, which writes what is owed without a receipt, remind, which writes the letters that cases have planned, and
//! desk, which is what a clerk may do. Every step may be run again at any time and after any death: what is already
//! done is recognised, what was half done is done again with the same result.

pub mod admit;
pub mod balance;
pub mod answer;
pub mod budget;
pub mod deliver;
pub mod desk;
pub mod failpoint;
pub mod fetch;
pub mod issue;
pub mod read_report;
pub mod remind;
pub mod report;
pub mod stopwatch;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::calendar::Calendar;
use crate::calendar::hours::{OfficeHours, next_open};
use crate::mailbox::{Disposition, MailboxError};
use crate::store::{Archive, ArchiveError, Store, StoreError};

/// What every step works with.
#[derive(Clone, Copy)]
pub struct House<'a> {
    pub store: &'a dyn Store,
    pub archive: &'a dyn Archive,
    /// The time now.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// Whether the process has been asked to end; a step then finishes the item in hand and returns.
    pub ending: &'a (dyn Fn() -> bool + Sync),
}

/// When the offices are open.
#[derive(Debug, Clone)]
pub struct OfficeTimes {
    pub calendar: Calendar,
    /// By the office's identifier.
    pub by_office: BTreeMap<String, OfficeHours>,
}

impl OfficeTimes {
    /// The hours of an office; the usual ones where it is no longer in the configuration.
    pub fn of(&self, office: &str) -> OfficeHours {
        self.by_office.get(office).cloned().unwrap_or_default()
    }

    /// When the office opens next; `None` while it is open.
    pub fn closed_until(&self, office: &str, now: Timestamp) -> Option<Timestamp> {
        Some(next_open(now, &self.of(office), &self.calendar)).filter(|next| *next > now)
    }
}

/// Why a step stopped before its end. What it had committed stays.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The server showed messages and gave no bytes for them.
    #[error(
        "the server shows {messages} messages and gives no bytes for them; if this stays, look into the mailbox for {first}"
    )]
    NoBytes { messages: usize, first: String },
    /// The server shows messages that the registry has lost.
    #[error(
        "the server shows {messages} messages that were kept, and there is no mail of them, first {first}; run `recipisa fsck`, and restore what is missing from a backup"
    )]
    Unaccounted { messages: usize, first: String },
    /// The digest cannot be written, which no other step waits for.
    #[error("the digest cannot be written: {0}; check `from` and `to` under [digest]")]
    Digest(String),
    /// The key cannot seal now, so no receipt can be issued; entries stay owing.
    #[error("receipts cannot be sealed: {0}")]
    Signing(String),
}

impl StepError {
    /// Nothing here is final: the daemon waits and tries again, longer each time.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Mailbox(error) => error.disposition(),
            Self::Store(error) => error.disposition(),
            Self::Archive(_) | Self::NoBytes { .. } => Disposition::Retry,
            Self::Unaccounted { .. } => Disposition::Stop,
            Self::Signing(_) | Self::Digest(_) => Disposition::Stop,
        }
    }
}

/// What is recorded of a panic: its own text may quote a mail, so only the log says where it happened.
const FAILED_INSIDE: &str = "the program failed on this item; its log says where";

/// An error with its causes in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}
