//! What the store remembers of cases and of the letters planned in them.

use jiff::Timestamp;

use super::{EntryRecord, LetterRecord};
use crate::casework::{Act, Case};
use crate::followup::{self, Planned};
use crate::journal;
use crate::mailbox::SourceId;
use crate::outbox::Outgoing;
use crate::registry::Number;

/// Where a planned letter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowupState {
    Planned,
    /// Its letter is written and queued.
    Done,
    /// What happened meanwhile made it needless.
    Void,
}

impl FollowupState {
    /// All of them, for tables.
    pub const ALL: [Self; 3] = [Self::Planned, Self::Done, Self::Void];

    /// The stable spelling in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Void => "void",
        }
    }
}

/// A planned letter as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowupRecord {
    pub planned: Planned,
    pub state: FollowupState,
    /// When it was done or became void.
    pub settled_at: Option<Timestamp>,
    /// Failed attempts to write the letter, with the last error.
    pub attempts: u32,
    pub last_error: Option<String>,
}

/// Everything about one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseRecord {
    pub case: Case,
    /// The request itself.
    pub entry: EntryRecord,
    /// What came later, in its order; each with its receipt.
    pub submissions: Vec<EntryRecord>,
    pub followups: Vec<FollowupRecord>,
    /// What happened, oldest first.
    pub history: Vec<journal::Row>,
}

/// An open case with the letters that are planned in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCase {
    pub case: Case,
    pub planned: Vec<Planned>,
}

/// A planned letter that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowupDue {
    pub number: Number,
    pub planned: Planned,
    pub attempts: u32,
}

/// A planned letter that could not be written so far, with what a clerk needs to reach the citizen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowupTrouble {
    pub number: Number,
    pub planned: Planned,
    pub last_error: Option<String>,
    pub office: String,
    pub applicant: Option<String>,
    pub to: Option<String>,
}

/// A letter in trouble, with what a clerk needs to reach whom it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterTrouble {
    pub record: LetterRecord,
    /// Of its case; `None` for a digest, and for the answer to a mail without entry.
    pub office: Option<String>,
    pub applicant: Option<String>,
    /// The mail that it answers, where that has no entry.
    pub mail: Option<AnsweredMail>,
}

/// A mail without entry that a letter answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredMail {
    /// Its place in the order of arrival.
    pub seq: i64,
    pub source: SourceId,
    pub sender: Option<String>,
    /// May be empty.
    pub subject: String,
}

/// The letters that have to do with a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailLetters {
    /// Those that answer it without giving it a number.
    pub answers: Vec<LetterRecord>,
    /// Those that it is filed with, as a report about them.
    pub spoken_of: Vec<Outgoing>,
}

/// A clerk's act on a case, examined, with what it causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseAct {
    pub number: Number,
    /// The version of the case that the act was examined on.
    pub version: u32,
    pub act: Act,
    pub actor: String,
    pub at: Timestamp,
    pub planned: Vec<Planned>,
    /// The kinds of planned letter that it makes void.
    pub voids: &'static [followup::Kind],
    /// Of an appointment.
    pub minutes: u16,
}
