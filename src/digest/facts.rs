//! What a digest says, as plain data; the caller has looked everything up and put each list into the order in which
//! it is to be read.
//!
//! Numbers are as people write them (`12/20.11.2026`). Names, subjects and file names are as they were received:
//! cleaning them is the business of whoever shows them.

use jiff::Timestamp;
use jiff::civil::Date;

use super::conexe::Conexe;
use crate::outbox::{Kind, Letterless};
use crate::receipt::content::Verdict;
use crate::registry::Delivery;
use crate::screening::Reason;

/// Everything that one digest says. The same value always gives the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub period: Period,
    /// The day whose terms and pickups are listed, in Europe/Bucharest: the day on which a mailed digest is read,
    /// or the last day of the period that somebody asked for.
    pub today: Date,
    /// The first working day after [`today`](Self::today).
    pub next_working_day: Date,
    /// The agency's name, for the heading.
    pub agency: String,
    pub scope: Scope,
    /// Present when scheduled digests could not be made, and this one stands for them too.
    pub gap: Option<Gap>,

    /// Mailboxes that could not be read for longer than the agency bears.
    pub unreached: Vec<Unreached>,

    /// Cases whose term was before today, the latest first.
    pub late: Vec<OpenCase>,
    /// Cases whose term ends today.
    pub due_today: Vec<OpenCase>,
    /// Cases whose term ends within the seven days after today, earliest first.
    pub due_this_week: Vec<OpenCase>,
    /// Today's appointments, by the hour.
    pub pickups_today: Vec<Pickup>,
    /// The appointments of [`next_working_day`](Self::next_working_day), by the hour.
    pub pickups_next: Vec<Pickup>,
    /// All mails held now, oldest first, whenever they came.
    pub held: Vec<Held>,
    /// All letters and receipts that have not reached anybody, whenever they were written.
    pub undelivered: Vec<Undelivered>,
    /// Clarifications asked for whose day has passed without an answer.
    pub unanswered: Vec<Unanswered>,

    /// What belongs together, and what came twice.
    pub conexe: Conexe,

    /// Clarifications answered in the period.
    pub answered: Vec<Answered>,
    /// Mails that joined an existing case in the period without answering a clarification.
    pub joined: Vec<Joined>,
    /// Entries made in the period, in the order of their numbers.
    pub entries: Vec<NewEntry>,
    /// What became of the messages that the sources showed in the period, per source.
    pub sources: Vec<SourceCounts>,
    /// Messages for which the two sides of the count do not agree, each by its name; there must be none.
    pub misfits: Vec<Misfit>,
    /// How many there are, also those that are not named.
    pub misfits_total: u64,
}

/// The time that a digest speaks of: from the first instant up to, but not with, the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Whose work is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The whole agency.
    All,
    /// One point of work, by its name.
    Office(String),
}

/// Scheduled digests that were not made in their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// How many this one stands for besides its own, at least one.
    pub missed: u32,
    /// The last instant at which the daemon is known to have run.
    pub down_since: Timestamp,
}

/// A mailbox without contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// The source's name.
    pub source: String,
    /// The address that citizens write to.
    pub address: String,
    /// When it was last read; `None` where it never was.
    pub contact_at: Option<Timestamp>,
    /// The first look that failed.
    pub failing_since: Timestamp,
    /// The stable code of the trouble, as in `status`.
    pub why: String,
}

/// A case with a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCase {
    pub number: String,
    pub applicant: Option<String>,
    /// The type's name for people, `nedeterminat` where nobody has said it yet.
    pub request_type: String,
    pub office: String,
    /// The last day of the term.
    pub due_on: Date,
    pub awaited: Awaited,
}

/// What a case waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// The agency must decide.
    Decision,
    /// The applicant must answer a clarification.
    Reply,
    /// The decision is there; nobody has been invited to pick it up.
    Appointment,
    /// Invited; the document has not been handed over.
    HandOver,
}

/// An appointment at which a document is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pickup {
    pub at: Timestamp,
    pub number: String,
    pub applicant: Option<String>,
    pub request_type: String,
    pub office: String,
}

/// A mail that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its place in the order of arrival, by which `recipisa held` knows it.
    pub mail_id: i64,
    pub received_at: Timestamp,
    /// The source's name.
    pub source: String,
    pub reason: Reason,
    /// The sender's address, where the mail has exactly one.
    pub sender: Option<String>,
    /// May be empty.
    pub subject: String,
}

/// A letter, or a receipt without letter, that has not reached the applicant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    pub number: String,
    pub applicant: Option<String>,
    pub office: String,
    pub letter: Kind,
    /// Of a receipt: the k of completarea nr. k, 0 for the request itself.
    pub submission: u32,
    /// The address it goes to; `None` where there is none to write to.
    pub to: Option<String>,
    pub trouble: Trouble,
    /// The other server's last words, or why the receipt could not be made.
    pub last_answer: Option<String>,
    /// The recipient that the report names, where that is not the letter's own.
    pub of_another: Option<String>,
    /// Of an answer to a mail without number: that mail.
    pub mail: Option<Unnumbered>,
}

/// A mail without number that a letter answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unnumbered {
    /// Its place in the order of arrival, by which `recipisa held` knows it.
    pub mail_id: i64,
    /// The sender's address, where the mail has one.
    pub sender: Option<String>,
    /// May be empty.
    pub subject: String,
    /// The source's name.
    pub source: String,
}

/// Why somebody has nothing in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Registered, but the receipt could not be signed yet; it is tried again.
    Unsigned,
    /// It does not go out by itself: a person must send it or hand it over. With the reason, where it was noted.
    NoLetter(Option<Letterless>),
    /// Planned, and it could not be written so far; it is tried again.
    Unwritten,
    /// Put off by the other server, or that server is away; it is tried again.
    Delayed,
    /// Refused, or tried for so long that it was given up.
    GivenUp,
    /// Taken by the next server, which reported later that it could not deliver.
    Returned,
}

/// A clarification that the applicant owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    pub number: String,
    pub applicant: Option<String>,
    pub office: String,
    /// 1, 2, 3 … within the case.
    pub ordinal: u32,
    pub asked_on: Date,
    /// The day that the letter gave.
    pub until: Date,
    /// When the reminder went out, if it did.
    pub reminded_on: Option<Date>,
    /// The clerk's words; may have several lines.
    pub what: String,
}

/// A clarification that the applicant has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub number: String,
    pub applicant: Option<String>,
    pub office: String,
    /// The clarification's, 1, 2, 3 … within the case.
    pub ordinal: u32,
    /// When the answer came.
    pub at: Timestamp,
    pub files: Vec<File>,
}

/// A mail that joined a case (completarea nr. k).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    pub number: String,
    pub applicant: Option<String>,
    pub office: String,
    /// The k of completarea nr. k.
    pub ordinal: u32,
    pub received_at: Timestamp,
    pub files: Vec<File>,
}

/// An entry of the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    pub number: String,
    pub received_at: Timestamp,
    pub applicant: Option<String>,
    /// The type's name for people, `nedeterminat` where nobody has said it yet.
    pub request_type: String,
    pub office: String,
    pub files: Vec<File>,
    pub consent: Consent,
    /// What reports say of the letter with its receipt; `None` while they say nothing.
    pub receipt: Option<Delivery>,
    /// Whether the report that says so names another recipient than the letter's.
    pub receipt_of_another: bool,
}

/// Whether the applicant's written consent to the electronic way is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// The agency asks for none.
    NotAsked,
    Found,
    Missing,
}

/// A file that came with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub verdict: Verdict,
    /// Of a refused file: what the applicant was told about it, in Romanian.
    pub told: Option<String>,
}

/// What became of one source's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCounts {
    /// The source's name.
    pub source: String,
    pub counts: Counts,
}

/// A message that only one side of the count has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The source's name.
    pub source: String,
    /// What the source calls it.
    pub key: String,
    pub fault: MisfitFault,
}

/// What is wrong with the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MisfitFault {
    /// Shown and kept, and there is no mail of it.
    MailMissing,
    /// There is a mail of it, and no note that it was shown.
    SightingMissing,
    /// There is a mail of it, and a note that it has still to come.
    StillAwaited,
}

/// Messages shown, and where they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that the server showed; the rest of the members must add up to it.
    pub shown: u64,
    pub registered: u64,
    pub joined: u64,
    pub answered: u64,
    pub filed: u64,
    pub ignored: u64,
    pub held: u64,
    /// Not decided yet.
    pub undecided: u64,
    /// Their bytes have not come yet.
    pub awaited: u64,
}

impl Counts {
    /// How many messages have come to an end, or are known to be on the way to one.
    pub fn accounted(&self) -> u64 {
        let Self {
            shown: _,
            registered,
            joined,
            answered,
            filed,
            ignored,
            held,
            undecided,
            awaited,
        } = *self;
        [
            registered, joined, answered, filed, ignored, held, undecided, awaited,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    /// Messages shown less those accounted for: zero when the equation holds, above zero when messages are missing.
    pub fn difference(&self) -> i128 {
        i128::from(self.shown) - i128::from(self.accounted())
    }

    fn plus(self, other: Self) -> Self {
        Self {
            shown: self.shown.saturating_add(other.shown),
            registered: self.registered.saturating_add(other.registered),
            joined: self.joined.saturating_add(other.joined),
            answered: self.answered.saturating_add(other.answered),
            filed: self.filed.saturating_add(other.filed),
            ignored: self.ignored.saturating_add(other.ignored),
            held: self.held.saturating_add(other.held),
            undecided: self.undecided.saturating_add(other.undecided),
            awaited: self.awaited.saturating_add(other.awaited),
        }
    }
}

impl Facts {
    /// The counts of all sources together.
    pub fn total(&self) -> Counts {
        let all = self.sources.iter().map(|source| source.counts);
        all.fold(Counts::default(), Counts::plus)
    }

    /// Whether the equation holds for every source and every message, and so for all: two faults may cancel each other in
    /// the sums.
    pub fn balanced(&self) -> bool {
        self.misfits_total == 0 && self.sources.iter().all(|source| source.counts.difference() == 0)
    }
}

impl OpenCase {
    /// How many calendar days the term has been over on this day; 0 while it runs.
    pub fn days_late(&self, today: Date) -> u64 {
        let late = today.duration_since(self.due_on).as_hours() / 24;
        u64::try_from(late).unwrap_or_default()
    }
}

impl Awaited {
    /// Stable code, for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Reply => "reply",
            Self::Appointment => "appointment",
            Self::HandOver => "hand-over",
        }
    }
}

impl MisfitFault {
    /// Stable code, for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MailMissing => "mail-missing",
            Self::SightingMissing => "sighting-missing",
            Self::StillAwaited => "still-awaited",
        }
    }

    /// For the operator, in English.
    pub fn words(self) -> &'static str {
        match self {
            Self::MailMissing => "it was shown and kept, and there is no mail of it",
            Self::SightingMissing => "there is a mail of it, and no note that it was shown",
            Self::StillAwaited => "there is a mail of it, and a note that its bytes have still to come",
        }
    }
}

impl Trouble {
    /// Stable code, for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::NoLetter(_) => "no-letter",
            Self::Unwritten => "unwritten",
            Self::Delayed => "delayed",
            Self::GivenUp => "given-up",
            Self::Returned => "returned",
        }
    }
}

impl Consent {
    /// Stable code, for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::Found => "found",
            Self::Missing => "missing",
        }
    }
}
