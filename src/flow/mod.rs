//! The steps, each with the same three beats: claim, decide, commit. They name ports and never the world.
//!
//! fetch → admit → issue → deliver. Every step may be run again at any time and after any death: what is already
//! done is recognised, what was half done is done again with the same result.

pub mod admit;
pub mod deliver;
pub mod failpoint;
pub mod fetch;
pub mod issue;
pub mod stopwatch;

use std::any::Any;

use jiff::Timestamp;

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

/// Why a step stopped before its end. What it had committed stays.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl StepError {
    /// Nothing here is final: the daemon waits and tries again, longer each time.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Mailbox(error) => error.disposition(),
            Self::Store(error) => error.disposition(),
            Self::Archive(_) => Disposition::Retry,
        }
    }
}

/// What a panic said, for the record of a held item; never the item's content.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

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
