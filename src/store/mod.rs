//! The port to what is remembered: one method is one transaction, the noun comes first.
//!
//! Nothing here names rows, connections or SQL; a second store is one more folder in `edge/` that passes the same
//! contract. Times come in as arguments, numbers are given inside [`Store::mails_decide`], and every method that
//! changes something appends its own journal rows in the same transaction.

mod archive;

use jiff::Timestamp;

use crate::journal;
use crate::mailbox::{Disposition, Extent, Sighting, SourceId, SourceKey};
use crate::outbox::Outgoing;
use crate::registry::{Decided, Entry, FileRecord, InstanceSecret, Number, Summary};
use crate::screening::{Outcome, Reason, Standing};

pub use archive::{Archive, ArchiveError};

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

/// An entry that owes its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owing {
    pub entry: Entry,
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
}

impl LetterState {
    /// The stable spelling in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::GivenUp => "given-up",
        }
    }
}

/// A letter claimed for sending: nobody else gets it before the lease runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub letter: Outgoing,
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
}

/// Everything about one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRecord {
    pub entry: Entry,
    pub receipt: ReceiptState,
    pub letters: Vec<LetterRecord>,
}

/// What a clerk does with a held mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desk {
    /// Decide again, and register it whatever held it.
    Release,
    /// It is no request; the reason is kept.
    Discard { reason: String },
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
}

/// A receipt whose bytes are in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub number: Number,
    pub receipt_sha256: String,
    pub at: Timestamp,
    /// The letter that carries it; `None` where no letter may go out by itself.
    pub letter: Option<Outgoing>,
}

/// How much is waiting, for the operator; counted over the whole registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    pub undecided: u64,
    pub receipts_owed: u64,
    pub letters_queued: u64,
    pub letters_given_up: u64,
    pub held: u64,
    /// Entries whose receipt is issued and whom no letter carries: a person must hand it over.
    pub unanswered: u64,
    /// Receipts owed that have failed at least once.
    pub receipts_failing: u64,
    /// Letters queued that have failed at least once.
    pub letters_failing: u64,
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

/// What the flow needs to remember. All methods may be called from several threads.
///
/// # Errors
/// Every method gives [`StoreError`]; after an error nothing of the call was done.
pub trait Store: Send + Sync {
    /// The secret that identifiers are made with; the same for the life of the registry.
    fn instance_secret(&self) -> InstanceSecret;

    /// Which of these messages are kept already, and how much of each.
    fn mails_known(&self, source: &SourceId, keys: &[SourceKey]) -> Stored<Vec<(SourceKey, Extent)>>;
    /// Remembers arrivals in their order. A key that is known already is passed over; bytes that are known already
    /// become `ignored: duplicate`.
    fn mail_keep(&self, arrivals: &[Arrival], at: Timestamp) -> Stored<()>;
    /// The oldest undecided mails.
    fn mails_undecided(&self, limit: usize) -> Stored<Vec<Undecided>>;
    /// Writes decisions, in the given order: numbers, entries, receipts owed, journal. A mail that was decided
    /// meanwhile is passed over. Returns the entries made.
    fn mails_decide(&self, verdicts: &[MailVerdict], at: Timestamp) -> Stored<Vec<Entry>>;
    /// Counts a failed decision; at `attempts_max` the mail is held. Returns whether it is.
    fn mail_failed(&self, mail_seq: i64, why: &str, attempts_max: u32, at: Timestamp) -> Stored<bool>;
    /// A person declares the clock right, although the last entry bears a later time: entries go on with it.
    fn clock_accept(&self, actor: &str, at: Timestamp) -> Stored<()>;
    /// All mails in the order of arrival, given to `each` one by one.
    fn mails_each(&self, each: &mut dyn FnMut(MailRecord)) -> Stored<()>;
    /// One mail.
    fn mail(&self, mail_seq: i64) -> Stored<Option<MailRecord>>;
    /// The held mails, oldest first.
    fn mails_held(&self) -> Stored<Vec<MailRecord>>;
    /// A clerk's act on a held mail.
    fn mail_held_act(&self, act: &HeldAct) -> Stored<()>;

    /// All entries in the order of registration, given to `each` one by one.
    fn entries_each(&self, each: &mut dyn FnMut(EntryRecord)) -> Stored<()>;
    /// One entry.
    fn entry(&self, number: &Number) -> Stored<Option<EntryRecord>>;

    /// Entries that owe a receipt and are due: those that failed least first, then in the order of arrival.
    fn receipts_owed(&self, now: Timestamp, limit: usize) -> Stored<Vec<Owing>>;
    /// Records receipts and queues their letters. An entry that has its receipt already is passed over.
    fn receipts_issue(&self, issued: &[Issued]) -> Stored<()>;
    /// Counts a failed issue; it is due again at `retry_at`.
    fn receipt_failed(&self, number: &Number, why: &str, retry_at: Timestamp) -> Stored<()>;

    /// Claims letters that are due until `lease_until`.
    fn letters_claim_due(&self, now: Timestamp, lease_until: Timestamp, limit: usize) -> Stored<Vec<Due>>;
    /// Gives claimed letters back untried.
    fn letters_release(&self, message_ids: &[String]) -> Stored<()>;
    /// For the one process that holds the registry's lock and has just started: takes back the leases of a dead one,
    /// and makes receipts due again whose fault may have been mended meanwhile.
    fn work_begin(&self) -> Stored<()>;
    /// Queues the letter of an entry again, at a person's word.
    fn letter_requeue(&self, number: &Number, actor: &str, at: Timestamp) -> Stored<()>;
    /// How many letters were queued to an address since an instant, without regard to case.
    fn letters_to(&self, address: &str, since: Timestamp) -> Stored<u64>;
    /// When the next queued letter is due, counting leases.
    fn letter_next_due(&self) -> Stored<Option<Timestamp>>;
    /// Ends an attempt.
    fn letter_attempt_finish(&self, message_id: &str, attempt: &Attempt, at: Timestamp) -> Stored<()>;

    /// What waits.
    fn backlog(&self) -> Stored<Backlog>;
    /// All journal rows in order, given to `each` one by one.
    fn journal_each(&self, each: &mut dyn FnMut(journal::Row)) -> Stored<()>;
}
