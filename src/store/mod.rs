//! The port to what is remembered: one method is one transaction, the noun comes first.
//!
//! Nothing here names rows, connections or SQL; a second store is one more folder in `edge/` that passes the same
//! contract. Times come in as arguments, numbers are given inside [`Store::mails_decide`], and every method that
//! changes something appends its own journal rows in the same transaction.

mod answers;
mod archive;
mod cases;
mod contacts;
mod letters;
mod links;
mod port;
mod receipts;
mod snapshot;
mod figures;
mod ledger;

use jiff::Timestamp;

use crate::casework::{Answer, Consent, Opening};
use crate::journal;
use crate::mailbox::{Disposition, Extent, Sighting, SourceId, SourceKey};
use crate::outbox::pace::Pace;
use crate::outbox::{Letterless, Outgoing};
use crate::registry::{
    Decided, Earlier, Entry, FileRecord, InstanceSecret, Instructions, KnownCase, Likeness, LinkRecord,
    Mentions, Number, Summary,
};
use crate::screening::{Outcome, Reason, Standing};

pub use answers::{AnswerKind, AnswerOwed};
pub use archive::{Archive, ArchiveError};
pub use cases::{
    AnsweredMail, CaseAct, CaseRecord, FollowupDue, FollowupRecord, FollowupState, FollowupTrouble,
    LetterTrouble, MailLetters, OpenCase,
};
pub use contacts::Contact;
pub use figures::{Queue, Tally, Waiting};
pub use ledger::{Account, Bodiless, Footing, Gone, Known, Ledger, Listing, MISFITS_MAX, Misfit, Unread};
pub use letters::{LetterStory, Reported, Step, StepKind};
pub use links::{Copy, LinkAct, LinkProposal, LinkVerdict};
pub use port::Store;
pub use receipts::Wanted;
pub use snapshot::{Depth, Facts, Fault, Finding, NamedFile, Snapshot};

/// A message whose bytes lie in the archive, about to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub sighting: Sighting,
    pub received_at: Timestamp,
    pub extent: Extent,
    /// Of the bytes in the archive, lower-case hexadecimal.
    pub sha256: String,
    /// Of the bytes in the archive.
    pub size_bytes: u64,
}

/// A kept mail that waits for its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// Its place in the order of arrival.
    pub seq: i64,
    pub source: SourceId,
    pub sha256: String,
    pub size_bytes: u64,
    pub received_at: Timestamp,
    pub extent: Extent,
    pub standing: Standing,
    /// How often the decision was tried and failed.
    pub attempts: u32,
    /// What a clerk said of it.
    pub instructions: Option<Instructions>,
}

/// A mail as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRecord {
    pub seq: i64,
    pub source: SourceId,
    pub sha256: String,
    pub size_bytes: u64,
    pub received_at: Timestamp,
    pub kept_at: Timestamp,
    /// How much of it is here.
    pub extent: Extent,
    /// A clerk wants the rest of it, which the next passes ask for.
    pub is_recalled: bool,
    /// When it came to the outcome that it has now.
    pub decided_at: Option<Timestamp>,
    /// `None` while it waits for its decision.
    pub decision: Option<MailDecision>,
}

/// What was decided about a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailDecision {
    pub outcome: Outcome,
    pub reason: Reason,
    /// More about the reason: the earlier mail of a duplicate, the words of a clerk, the error of a failing one.
    pub detail: String,
    pub replies: bool,
    pub summary: Summary,
    pub files: Vec<FileRecord>,
    pub number: Option<Number>,
    /// Of a mail that joined a case.
    pub submission: Option<u32>,
}

/// Where an entry's receipt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptState {
    /// Owed; with the last error, if issuing it failed.
    Owed {
        attempts: u32,
        last_error: Option<String>,
    },
    Issued {
        at: Timestamp,
        sha256: String,
    },
}

/// An entry or submission that owes its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owing {
    pub entry: Entry,
    /// As the case has it now.
    pub consent: Consent,
    /// The links that the receipt speaks of.
    pub links: Vec<LinkRecord>,
    pub attempts: u32,
}

/// Where a letter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterState {
    Queued,
    /// Accepted by the next server, or written into the folder.
    Sent,
    /// It will not be tried again; a person must find another way to the citizen.
    GivenUp,
    /// What happened meanwhile made it needless before it went out.
    Void,
}

impl LetterState {
    /// All of them, for tables.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::GivenUp, Self::Void];

    /// The stable spelling in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::GivenUp => "given-up",
            Self::Void => "void",
        }
    }
}

/// A letter claimed for sending: nobody else gets it before the lease runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub letter: Outgoing,
    /// The office of its case.
    pub office: Option<String>,
    /// How often it was tried before.
    pub attempts: u32,
}

/// How an attempt to send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The server's final answer.
    Sent {
        answer: String,
    },
    Retry {
        at: Timestamp,
        why: String,
    },
    /// The transport does not work at all: no attempt is counted, the letter stays due.
    Waiting {
        why: String,
    },
    /// It is not the hour for it: no attempt is counted, it is due again then.
    NotNow {
        at: Timestamp,
    },
    GivenUp {
        why: String,
    },
}

/// A letter as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterRecord {
    pub letter: Outgoing,
    pub state: LetterState,
    pub attempts: u32,
    pub next_at: Timestamp,
    /// The server's answer or the last error.
    pub last_answer: Option<String>,
    /// What reports say of it, since it was last queued.
    pub reported: Option<Reported>,
}

/// Everything about one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRecord {
    pub entry: Entry,
    pub receipt: ReceiptState,
    /// Why no letter carries the issued receipt.
    pub letterless: Option<Letterless>,
    pub letters: Vec<LetterRecord>,
    /// In both directions; of a submission none, since its case has them.
    pub links: Vec<LinkRecord>,
}

/// What a clerk does with a held mail, or with one that was answered, filed or ignored wrongly. One whose bytes are not all
/// here is fetched first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desk {
    /// Decide again by the rules. Only of a held mail.
    Retry,
    /// Decide again, and register it whatever held it.
    Release,
    /// Register it as a request of its own, with what the clerk knows of it.
    Register {
        sender: Option<String>,
        name: Option<String>,
        request_type: Option<String>,
    },
    /// It belongs to this case, which must be open.
    Join { number: Number },
    /// It is no request; the reason is kept. Only of a held mail, or of one that was answered.
    Discard { reason: String },
}

impl Desk {
    /// What the decision must obey.
    pub fn instructions(&self) -> Option<Instructions> {
        match self {
            Self::Retry | Self::Release | Self::Discard { .. } => None,
            Self::Register {
                sender,
                name,
                request_type,
            } => Some(Instructions::Register {
                sender: sender.clone(),
                name: name.clone(),
                request_type: request_type.clone(),
            }),
            Self::Join { number } => Some(Instructions::Join {
                number: number.clone(),
            }),
        }
    }
}

/// A clerk's act on a held mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAct {
    pub mail_seq: i64,
    pub desk: Desk,
    pub actor: String,
    pub at: Timestamp,
}

/// A mail with the decision about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailVerdict {
    pub mail_seq: i64,
    pub decided: Decided,
    /// Present exactly when the decision has a draft.
    pub opening: Option<Opening>,
}

/// A receipt whose bytes are in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub number: Number,
    /// 0 is the request itself.
    pub submission: u32,
    pub receipt_sha256: String,
    pub at: Timestamp,
    /// The letter that carries it, or the one that goes in its place.
    pub letter: Option<Outgoing>,
    /// Why no letter carries it.
    pub letterless: Option<Letterless>,
}

/// How much is waiting, for the operator; counted over the whole registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    pub undecided: u64,
    pub receipts_owed: u64,
    pub letters_queued: u64,
    pub letters_given_up: u64,
    /// Letters that came back, as reports tell.
    pub letters_bounced: u64,
    pub held: u64,
    /// Entries whose receipt is issued and whom no letter carries: a person must hand it over.
    pub unanswered: u64,
    /// Receipts owed that have failed at least once.
    pub receipts_failing: u64,
    /// Letters queued that have failed at least once.
    pub letters_failing: u64,
}

/// A digest whose letters are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestDone {
    /// An office, or empty for all.
    pub scope: String,
    pub since: Timestamp,
    pub until: Timestamp,
    /// How many scheduled digests it stands for.
    pub covers: u32,
    pub letters: Vec<Outgoing>,
    pub at: Timestamp,
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Busy, out of space, read-only, gone: the world's fault, and nothing was changed.
    #[error("{doing}: {hint}")]
    Unavailable {
        doing: &'static str,
        hint: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What was asked for is not there, or not in a state that allows it.
    #[error("{0}")]
    Refused(String),
    /// The store holds something that the program never writes.
    #[error(
        "the database holds something unexpected in {place}: {what}; restore it from a backup, or ask for help"
    )]
    Damaged { place: &'static str, what: String },
}

impl StoreError {
    /// What the flow does about it.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Unavailable { .. } => Disposition::Retry,
            Self::Refused(_) => Disposition::GiveUp,
            Self::Damaged { .. } => Disposition::Stop,
        }
    }
}

/// The result of every method.
pub type Stored<T> = Result<T, StoreError>;
