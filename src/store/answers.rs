//! What the store remembers of letters that are owed to the sender of a mail that has no entry.

use jiff::Timestamp;

use crate::mailbox::SourceId;
use crate::registry::Summary;
use crate::screening::Reason;

/// What the letter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// The mail was not taken: it is over the limit.
    TooLarge,
    /// The mail was not taken: nothing of it can be read.
    Encrypted,
    /// The sender wishes to know that it was read (RFC 8098).
    ReadReport,
}

impl AnswerKind {
    /// All of them, for tables.
    pub const ALL: [Self; 3] = [Self::TooLarge, Self::Encrypted, Self::ReadReport];

    /// The stable spelling in the store and in Message-IDs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Encrypted => "encrypted",
            Self::ReadReport => "read-report",
        }
    }

    /// The letter that a decision with this reason owes.
    pub fn of(reason: Reason) -> Option<Self> {
        match reason {
            Reason::TooLarge => Some(Self::TooLarge),
            Reason::Encrypted => Some(Self::Encrypted),
            Reason::Request
            | Reason::Reply
            | Reason::Released
            | Reason::AutoReply
            | Reason::Bounce
            | Reason::ReadReport
            | Reason::DeliveryReport
            | Reason::Complaint
            | Reason::Duplicate
            | Reason::SameMessage
            | Reason::BeforeStart
            | Reason::List
            | Reason::Bulk
            | Reason::OwnMail
            | Reason::OwnAddress
            | Reason::Discarded
            | Reason::NoHeader
            | Reason::NoSender
            | Reason::SeveralSenders
            | Reason::NestedTooDeep
            | Reason::Oversized
            | Reason::EncryptedUnanswerable
            | Reason::JoinedByClerk
            | Reason::Vanished
            | Reason::Unfetchable
            | Reason::CaseClosed
            | Reason::Failing => None,
        }
    }
}

/// A letter that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerOwed {
    pub mail_seq: i64,
    pub kind: AnswerKind,
    pub source: SourceId,
    /// Of the bytes in the archive.
    pub mail_sha256: String,
    pub received_at: Timestamp,
    pub summary: Summary,
    pub attempts: u32,
}
