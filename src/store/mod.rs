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
    CaseAct, CaseRecord, FollowupDue, FollowupRecord, FollowupState, FollowupTrouble, LetterTrouble, OpenCase,
};
pub use contacts::Contact;
pub use figures::{Queue, Tally, Waiting};
pub use ledger::{Account, Bodiless, Footing, Gone, Known, Ledger, Listing, MISFITS_MAX, Misfit, Unread};
pub use letters::{LetterStory, Reported, Step, StepKind};
pub use links::{Copy, LinkAct, LinkProposal, LinkVerdict};
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
    /// It is no request; the reason is kept. Only of a held mail.
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

/// What the flow needs to remember. All methods may be called from several threads.
///
/// # Errors
/// Every method gives [`StoreError`]; after an error nothing of the call was done.
pub trait Store: Send + Sync {
    /// The secret that identifiers are made with; the same for the life of the registry.
    fn instance_secret(&self) -> InstanceSecret;

    /// Which of these messages are kept already, and how much of each; whole counts what is decided for good. For those who
    /// only look.
    fn mails_known(&self, source: &SourceId, keys: &[SourceKey]) -> Stored<Vec<(SourceKey, Extent)>>;
    /// Notes that a source lists these messages, each once and for ever, and says what is known of them; and which wanted
    /// ones it does not list, counting how often in a row.
    fn sightings_note(&self, source: &SourceId, keys: &[SourceKey], at: Timestamp) -> Stored<Listing>;
    /// Those of these messages that were not noted, or were kept and are no mail: there must be none.
    fn sightings_lost(&self, source: &SourceId, keys: &[SourceKey]) -> Stored<Vec<SourceKey>>;
    /// Counts attempts to get a message that brought no bytes.
    fn sightings_unread(&self, source: &SourceId, unread: &[Unread]) -> Stored<()>;
    /// Messages come to their outcome without bytes; one that is whole or entered meanwhile is passed over. Returns the
    /// places of the mails.
    fn mails_bodiless(&self, given_up: &[Bodiless], at: Timestamp) -> Stored<Vec<i64>>;
    /// The equation of the messages first shown from `from` on and before `to`, at one instant.
    fn ledger_between(&self, from: Timestamp, to: Timestamp) -> Stored<Ledger>;
    /// Remembers arrivals in their order. A key that is known already is passed over, unless more of it comes than was
    /// here; bytes that are known already become `ignored: duplicate`. A message that nobody noted is noted now.
    fn mail_keep(&self, arrivals: &[Arrival], at: Timestamp) -> Stored<()>;
    /// The oldest undecided mails.
    fn mails_undecided(&self, limit: usize) -> Stored<Vec<Undecided>>;
    /// Writes decisions, in the given order: numbers, entries, submissions, cases, receipts owed, journal. A mail that
    /// was decided meanwhile is passed over. Returns the entries and submissions made.
    fn mails_decide(&self, verdicts: &[MailVerdict], at: Timestamp) -> Stored<Vec<Entry>>;
    /// Counts a failed decision; at `attempts_max` the mail is held. Returns whether it is.
    fn mail_failed(&self, mail_seq: i64, why: &str, attempts_max: u32, at: Timestamp) -> Stored<bool>;
    /// The cases that a message names: those of its letters first, in the order of the names.
    fn cases_known(&self, mentions: &Mentions) -> Stored<Vec<KnownCase>>;
    /// Earlier mails, registered or joined, that a message is like: of each likeness the first ones.
    fn mails_alike(&self, likeness: &Likeness) -> Stored<Vec<Earlier>>;
    /// A person declares the clock right, although the last entry bears a later time: entries go on with it.
    fn clock_accept(&self, actor: &str, at: Timestamp) -> Stored<()>;
    /// All mails in the order of arrival, given to `each` one by one.
    fn mails_each(&self, each: &mut dyn FnMut(MailRecord)) -> Stored<()>;
    /// One mail.
    fn mail(&self, mail_seq: i64) -> Stored<Option<MailRecord>>;
    /// The held mails, oldest first.
    fn mails_held(&self) -> Stored<Vec<MailRecord>>;
    /// A clerk's act on a mail.
    fn mail_held_act(&self, act: &HeldAct) -> Stored<()>;

    /// All entries in the order of registration, given to `each` one by one.
    fn entries_each(&self, each: &mut dyn FnMut(EntryRecord)) -> Stored<()>;
    /// The links that no clerk has decided about, oldest first.
    fn links_proposed(&self) -> Stored<Vec<LinkProposal>>;
    /// A clerk confirms or rejects a link, or makes one.
    fn link_act(&self, act: &LinkAct) -> Stored<()>;
    /// Mails ignored from `from` on and before `to`, since another source had brought them before.
    fn copies_between(&self, from: Timestamp, to: Timestamp) -> Stored<Vec<Copy>>;

    /// Letters owed to senders of mails without entry, and due: those that failed least first, then in the order of
    /// arrival.
    fn answers_owed(&self, now: Timestamp, limit: usize) -> Stored<Vec<AnswerOwed>>;
    /// The letter is written: it is queued. One that is settled already is passed over; returns whether it was done.
    fn answer_done(&self, answer: &AnswerOwed, letter: &Outgoing) -> Stored<bool>;
    /// Counts a failed attempt to write the letter; it is due again at `retry_at`.
    fn answer_failed(&self, answer: &AnswerOwed, why: &str, retry_at: Timestamp) -> Stored<()>;
    /// The letter is not written at all.
    fn answer_void(&self, answer: &AnswerOwed, why: &str, at: Timestamp) -> Stored<()>;

    /// One entry.
    fn entry(&self, number: &Number) -> Stored<Option<EntryRecord>>;

    /// Everything about a case, by the number of its first entry.
    fn case(&self, number: &Number) -> Stored<Option<CaseRecord>>;
    /// The cases that are not closed, by their term, given to `each` one by one.
    fn cases_open_each(&self, each: &mut dyn FnMut(OpenCase)) -> Stored<()>;
    /// A clerk's act: refused when the case has changed since it was examined.
    fn case_act(&self, act: &CaseAct) -> Stored<()>;

    /// Planned letters that are due, oldest first.
    fn followups_due(&self, now: Timestamp, limit: usize) -> Stored<Vec<FollowupDue>>;
    /// The letter is written: it is queued, and the follow-up done. One that became void meanwhile is passed over;
    /// returns whether it was done.
    fn followup_done(&self, due: &FollowupDue, letter: &Outgoing, at: Timestamp) -> Stored<bool>;
    /// The letter is not written before `until`; nothing was tried.
    fn followup_put_off(&self, due: &FollowupDue, until: Timestamp) -> Stored<()>;
    /// The letter has become needless by the lapse of time.
    fn followup_void(&self, due: &FollowupDue, at: Timestamp) -> Stored<()>;
    /// Counts a failed attempt to write the letter; it is due again at `retry_at`.
    fn followup_failed(&self, due: &FollowupDue, why: &str, retry_at: Timestamp) -> Stored<()>;

    /// Entries and submissions that owe a receipt and are due: those that failed least first, then in the order of arrival.
    fn receipts_owed(&self, now: Timestamp, limit: usize) -> Stored<Vec<Owing>>;
    /// Records receipts and queues their letters. An entry that has its receipt already is passed over.
    fn receipts_issue(&self, issued: &[Issued]) -> Stored<()>;
    /// Counts a failed issue; it is due again at `retry_at`.
    fn receipt_failed(&self, number: &Number, submission: u32, why: &str, retry_at: Timestamp) -> Stored<()>;

    /// A clerk wants a letter to carry the receipts of an entry and its submissions that waited for a person; returns
    /// the submissions, 0 being the request itself. Refused where there is no address.
    fn receipts_want(&self, number: &Number, actor: &str, at: Timestamp) -> Stored<Vec<u32>>;
    /// Issued receipts for which a letter is wanted, and due.
    fn receipts_wanted(&self, now: Timestamp, limit: usize) -> Stored<Vec<Wanted>>;
    /// The letter is written: it is queued. Returns whether it was wanted still.
    fn receipt_carried(&self, wanted: &Wanted, letter: &Outgoing) -> Stored<bool>;
    /// The letter could not be written; it is due again at `retry_at`.
    fn receipt_want_failed(&self, wanted: &Wanted, why: &str, retry_at: Timestamp) -> Stored<()>;

    /// Claims letters that are due until `lease_until`, as many as the pace lets go now: those never tried first. The
    /// others that are due are put off to their turn.
    fn letters_claim_due(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
        pace: &Pace,
    ) -> Stored<Vec<Due>>;
    /// No letter to this domain goes before `until`; what is claimed already stays so.
    fn letters_hold_back(&self, domain: &str, until: Timestamp) -> Stored<()>;
    /// The first of these Message-IDs that is a letter of ours.
    fn letter_known(&self, message_ids: &[String]) -> Stored<Option<String>>;
    /// The letters of a case with all that happened to each, in the order in which they were queued.
    fn letter_stories(&self, number: &Number) -> Stored<Vec<LetterStory>>;
    /// Gives claimed letters back untried.
    fn letters_release(&self, message_ids: &[String]) -> Stored<()>;
    /// For the one process that holds the registry's lock and has just started: takes back the leases of a dead one,
    /// and makes receipts due again whose fault may have been mended meanwhile.
    fn work_begin(&self) -> Stored<()>;
    /// Queues a letter of a case again, at a person's word: one that was given up or came back, else the receipt.
    /// Returns it.
    fn letter_requeue(&self, number: &Number, actor: &str, at: Timestamp) -> Stored<Outgoing>;
    /// How many letters were queued to an address since an instant or are owed to it, without regard to case.
    fn letters_to(&self, address: &str, since: Timestamp) -> Stored<u64>;
    /// How many letters that answer a mail by themselves were queued since an instant or are owed, to anybody.
    fn answers_since(&self, since: Timestamp) -> Stored<u64>;
    /// When the next queued letter is due, counting leases.
    fn letter_next_due(&self) -> Stored<Option<Timestamp>>;
    /// Ends an attempt.
    fn letter_attempt_finish(&self, message_id: &str, attempt: &Attempt, at: Timestamp) -> Stored<()>;

    /// Letters given up and letters that came back, of cases that are not closed and of digests, and queued ones that
    /// could not go so far, oldest first. Read reports are nobody's task.
    fn letters_troubled(&self) -> Stored<Vec<LetterTrouble>>;
    /// Planned letters that could not be written so far.
    fn followups_troubled(&self) -> Stored<Vec<FollowupTrouble>>;
    /// Whether a claimed letter is still to be sent: an event may have made it void meanwhile.
    fn letter_is_queued(&self, message_id: &str) -> Stored<bool>;
    /// Entries and submissions whose receipt could not be made so far, and in cases that are not closed those whose
    /// issued receipt no letter carries.
    fn receipts_troubled(&self) -> Stored<Vec<EntryRecord>>;

    /// Entries and submissions registered from `from` on and before `to`, given to `each` one by one.
    fn filings_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        each: &mut dyn FnMut(EntryRecord),
    ) -> Stored<()>;
    /// Clarifications answered from `from` on and before `to`, with their ordinal.
    fn answers_between(&self, from: Timestamp, to: Timestamp) -> Stored<Vec<(Number, Answer, u32)>>;
    /// The end of the last digest of a scope.
    fn digest_last(&self, scope: &str) -> Stored<Option<Timestamp>>;
    /// A digest is written: its letters are queued. One whose end is recorded already is passed over; returns whether
    /// it was recorded now.
    fn digest_done(&self, digest: &DigestDone) -> Stored<bool>;

    /// A source was read at this time.
    fn contact_made(&self, source: &SourceId, at: Timestamp) -> Stored<()>;
    /// A source could not be read, for a reason with this stable code.
    fn contact_missed(&self, source: &SourceId, why: &str, at: Timestamp) -> Stored<()>;
    /// The contact with all sources that were ever tried, by name.
    fn contacts(&self) -> Stored<Vec<Contact>>;

    /// What waits.
    fn backlog(&self) -> Stored<Backlog>;
    /// What waits, for those who ask every few seconds.
    fn waiting(&self) -> Stored<Waiting>;
    /// What was done, counted from an earlier tally on, at most so many journal rows further.
    fn tally(&self, before: Tally, rows_max: u64) -> Stored<Tally>;
    /// Refuses a clock that stands before the last entry, as registering would.
    fn clock_check(&self, now: Timestamp) -> Stored<()>;
    /// All journal rows in order, given to `each` one by one.
    fn journal_each(&self, each: &mut dyn FnMut(journal::Row)) -> Stored<()>;
}
