//! What the sources showed and what became of it: sightings, what is to be done about messages that give no bytes, and
//! the equation of a period.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::digest::MisfitFault;
use crate::mailbox::{Extent, SourceId, SourceKey};
use crate::screening::{Outcome, Reason};
use crate::store::Arrival;

/// What is known of the messages that a source lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// One for each key, in their order.
    pub known: Vec<Known>,
    /// How many of them are shown for the first time.
    pub new: usize,
    /// Messages whose bytes are still wanted and that the source does not list any more.
    pub gone: Vec<Gone>,
}

/// What is known of one message that a source lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub key: SourceKey,
    /// When it was first listed.
    pub shown_at: Timestamp,
    /// Failed attempts to get its bytes, since it was shown or a clerk asked for it.
    pub attempts: u32,
    /// It is not asked for before this.
    pub next_at: Timestamp,
    pub footing: Footing,
}

/// Where a message that was shown stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Footing {
    /// Its bytes have not come yet.
    Awaited,
    /// It is a mail.
    Kept {
        extent: Extent,
        /// A clerk wants the rest of it.
        is_recalled: bool,
        /// `None` while it waits for its decision.
        reason: Option<Reason>,
    },
    /// It was kept once, and there is no mail of it: somebody has changed the tables.
    Lost,
}

/// A message that is wanted and no longer listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    pub key: SourceKey,
    pub shown_at: Timestamp,
    /// How many listings in a row have missed it, with this one.
    pub absent: u32,
    /// There is a mail of it, and a clerk wants the rest.
    pub is_recalled: bool,
}

/// A message whose bytes did not come this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub key: SourceKey,
    /// The source's words.
    pub why: String,
    pub next_at: Timestamp,
}

/// A message that comes to its outcome without bytes: `unfetchable` or `vanished`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bodiless {
    /// With the extent `nothing`.
    pub arrival: Arrival,
    pub reason: Reason,
    pub detail: String,
}

/// The equation of a period: what was shown in it, counted among the sightings, beside what became of that, counted
/// among the mails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// By their names.
    pub sources: BTreeMap<SourceId, Account>,
    /// Each message for which the two sides do not agree; at most [`MISFITS_MAX`] of them.
    pub misfits: Vec<Misfit>,
    /// How many there are.
    pub misfits_total: u64,
}

/// More are counted and not named.
pub const MISFITS_MAX: usize = 100;

/// One source's side of the equation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Messages first listed in the period.
    pub shown: u64,
    /// Of these, how many have given no bytes yet.
    pub awaited: u64,
    /// Mails by their outcome; `None` is not yet decided.
    pub mails: BTreeMap<Option<Outcome>, u64>,
}

/// A message that only one side of the equation has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    pub source: SourceId,
    pub key: SourceKey,
    pub fault: MisfitFault,
}
