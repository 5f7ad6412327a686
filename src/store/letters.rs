//! What the store remembers of letters beyond the queue: what reports say, and the life of a letter in order.

use jiff::Timestamp;

use super::LetterRecord;
use crate::registry::{Delivery, Sign};

/// The strongest thing that reports say of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    pub delivery: Delivery,
    /// When that report was filed.
    pub at: Timestamp,
    /// The other server's words with its status code; may be empty.
    pub words: String,
    /// The recipient that the report names, where that is not the letter's own.
    pub of_another: Option<String>,
}

/// A letter with all that happened to it, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterStory {
    pub record: LetterRecord,
    pub steps: Vec<Step>,
}

/// One thing that happened to a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub at: Timestamp,
    pub kind: StepKind,
    /// The server's answer, the error, who queued it again, or what a report says; may be empty.
    pub words: String,
    /// The mail that is the evidence.
    pub mail_seq: Option<i64>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// The mail was registered, and its receipt was owed from then on.
    Owed,
    Queued,
    /// An attempt that failed for now.
    PutOff,
    Sent,
    GivenUp,
    Void,
    /// A report says so.
    Reported(Sign),
}

impl StepKind {
    /// The stable spelling in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::Queued => "queued",
            Self::PutOff => "put-off",
            Self::Sent => "sent",
            Self::GivenUp => "given-up",
            Self::Void => "void",
            Self::Reported(sign) => sign.as_str(),
        }
    }
}
