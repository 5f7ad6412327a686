//! The register's part: from a kept mail to the draft of an entry, and from the draft and the next number to the
//! [`Entry`]. [`decide`] runs the stages above in their order; it is the whole of what happens to a mail, and
//! `inspect` rehearses with it.
//!
//! Numbers are given by the store, in the transaction that writes the entry; nothing here counts.

mod evidence;
mod identity;
mod instructions;
mod likeness;
mod link;
mod matter;
mod number;
mod read_report;
mod request_type;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

use crate::calendar::Calendar;
use crate::calendar::hours::{OfficeHours, ProcessingDay, ZONE, processing_day};
use crate::documents::{self, Code, Detected, Document, Limits, Severity};
use crate::mailbox::Extent;
use crate::message::{self, Attachment, AuthResult, Message};
use crate::screening::{self, Circumstances, Matter, Outcome, Reach, Reason, Screened, Sender, Standing};

pub use evidence::{Delivery, Evidence, Said, Sign, VERP_SEPARATORS, letters_spoken_of};
pub use identity::InstanceSecret;
pub use instructions::Instructions;
pub use likeness::{Earlier, Like, Likeness};
pub use link::{Link, LinkRecord, LinkState, LinkWhy, Linked};
pub use matter::{KnownCase, Mention, Mentions, mentions};
pub use number::{Number, NumberError, Spelling};
pub use read_report::asked_from as read_report_asked_from;
pub use request_type::{RequestType, UNDETERMINED, folded, propose};

use matter::own_case;

/// What a source says about everything that arrives in it.
#[derive(Debug, Clone)]
pub struct Desk {
    pub source: String,
    /// The dedicated address; letters are sent from it.
    pub address: String,
    pub office: String,
    pub register: String,
    pub hours: OfficeHours,
    /// Whether read reports that citizens ask for are given.
    pub answers_read_reports: bool,
    /// Mails that reached the server before are not registered by themselves.
    pub start: Option<Timestamp>,
    /// The names under which the mailbox's own server writes Authentication-Results (RFC 8601 §2.5), lower case. Of the
    /// source and not of the house: another server's name proves nothing in a mailbox that it does not guard.
    pub authserv_ids: BTreeSet<String>,
}

impl Desk {
    /// Whether a mail reached the server before those of this source are registered.
    pub fn is_before_start(&self, received_at: Timestamp) -> bool {
        self.start.is_some_and(|start| received_at < start)
    }
}

/// Everything but the bytes and the time that a decision depends on.
#[derive(Debug, Clone)]
pub struct Policy {
    pub limits: Limits,
    /// More files than this in one mail are refused one by one, and the mail is registered all the same.
    pub files_max: usize,
    pub screening: screening::Policy,
    pub request_types: Vec<RequestType>,
    pub calendar: Calendar,
}

/// A mail as the decision sees it.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    pub message: &'a Message,
    /// What the registry knows that the message may speak of.
    pub known: &'a Known,
    /// The letter of ours that it reports on, of those that [`letters_spoken_of`] names.
    pub letter: Option<&'a str>,
    pub extent: Extent,
    pub standing: Standing,
    /// What a clerk said of it.
    pub instructions: Option<&'a Instructions>,
    pub received_at: Timestamp,
}

/// What was looked up about a message before the decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The cases that the message may speak of, see [`mentions`].
    pub cases: Vec<KnownCase>,
    /// Earlier messages that it is like, see [`Likeness`].
    pub alike: Vec<Earlier>,
    pub reach: Reach,
}

/// What the work on the bytes gives, which costs the time of a decision and depends on nothing but the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    pub files: Vec<FileRecord>,
    pub likeness: Likeness,
}

/// One file's line in the record; a CMS and the file inside it are two lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    pub name: String,
    /// The message or envelope that the file came in.
    pub container: Option<String>,
    pub declared: String,
    /// [`documents::Detected::code`].
    pub detected: String,
    /// The same in Romanian, for the citizen.
    pub kind_ro: String,
    pub size_bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
    pub accepted: bool,
    pub findings: Vec<FindingRecord>,
}

/// A finding as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRecord {
    pub code: String,
    pub severity: Severity,
    /// What the citizen reads.
    pub text_ro: String,
}

/// What the header said, for lists and records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub sender_name: Option<String>,
    pub sender_address: Option<String>,
    pub subject: String,
    pub date: Option<Timestamp>,
    pub message_id: Option<String>,
    pub references: Vec<String>,
}

/// An entry that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub office: String,
    pub register: String,
    pub applicant: Option<String>,
    /// An identifier of [`RequestType`], or [`UNDETERMINED`]; a proposal that the clerk confirms.
    pub request_type: String,
    pub received_at: Timestamp,
    pub registered_at: Timestamp,
    pub processing_day: Date,
    /// Why that day, in a Romanian sentence.
    pub processing_reason: String,
}

/// The end of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub outcome: Outcome,
    pub reason: Reason,
    pub replies: bool,
    pub sender: Sender,
    pub summary: Summary,
    pub files: Vec<FileRecord>,
    pub likeness: Likeness,
    /// The earlier mail that it is; present exactly when the reason is `same-message`.
    pub same_as: Option<i64>,
    /// Only of what is registered.
    pub links: Vec<Link>,
    /// Present exactly when the outcome is `registered` or `joined`.
    pub draft: Option<Draft>,
    /// The case that the mail joins; present exactly when the outcome is `joined`.
    pub joins: Option<Number>,
    /// What it proves about a letter of ours; only of a filed message.
    pub evidence: Option<Evidence>,
    /// Whether a read report is owed to its sender (RFC 8098).
    pub owes_read_report: bool,
}

/// A row of a register, or a later submission to it, which bears the number of its case. Never changed after its
/// commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub number: Number,
    /// 0 is the request itself, k the case's k-th submission (completarea nr. k).
    pub submission: u32,
    /// The mail it was made from, by its place in the order of arrival.
    pub mail_seq: i64,
    pub mail_sha256: String,
    pub mail_size_bytes: u64,
    pub source: String,
    pub replies: bool,
    pub sender: Sender,
    pub summary: Summary,
    pub draft: Draft,
    pub files: Vec<FileRecord>,
}

/// Examines a mail's files.
pub fn examine(message: &Message, policy: &Policy) -> Examined {
    let files = examined(&message.files, policy);
    Examined {
        likeness: Likeness::of(message, &files),
        files,
    }
}

/// Decides about one mail. The same bytes, times, facts and policy give the same decision.
pub fn decide(incoming: Incoming<'_>, desk: &Desk, registered_at: Timestamp, policy: &Policy) -> Decided {
    let examined = examine(incoming.message, policy);
    decide_examined(incoming, examined, desk, registered_at, policy)
}

/// As [`decide`], of a mail whose files are examined; looks neither at them nor at the words.
pub fn decide_examined(
    incoming: Incoming<'_>,
    examined: Examined,
    desk: &Desk,
    registered_at: Timestamp,
    policy: &Policy,
) -> Decided {
    let (message, known, told) = (incoming.message, incoming.known, incoming.instructions);
    let sender = sender_of(message, desk);
    let own_case = match told {
        // Whoever writes in another's name writes into no case.
        None => own_case(message, &known.cases).filter(|_| sender == Sender::Undisputed),
        Some(told) => told.case(&known.cases),
    };
    let same = known.alike.iter().find(|one| one.is_same_message(sender));
    let seen = Circumstances {
        extent: incoming.extent,
        standing: incoming.standing,
        matter: matter_of(&incoming, desk, own_case, same),
        sender,
        reach: reach_of(&incoming),
    };
    let screened = screening::screen(message, seen, &policy.screening);
    let mut summary = summary_of(message);
    // What a clerk says of the sender opens no way for a program to write by itself.
    let replies_by_itself = screened.replies;
    let Screened { reason, replies } = match told {
        None => screened,
        Some(told) => told.obey(screened, own_case, &mut summary, &policy.screening),
    };
    let outcome = reason.outcome();
    let evidence = evidence::of(message, outcome, incoming.letter);
    let owes_read_report = desk.answers_read_reports
        && sender == Sender::Undisputed
        && read_report::is_owed(message, outcome, replies && replies_by_itself);
    let joins = own_case.filter(|_| outcome == Outcome::Joined).cloned();
    let believed = summary
        .sender_address
        .as_deref()
        .filter(|_| sender == Sender::Undisputed);
    let links = match outcome {
        Outcome::Registered => link::proposed(believed, &known.cases, &known.alike),
        Outcome::Joined | Outcome::Answered | Outcome::Filed | Outcome::Ignored | Outcome::Held => Vec::new(),
    };
    let draft = (outcome == Outcome::Registered || joins.is_some()).then(|| {
        let day = start_of_processing(incoming.received_at, registered_at, &desk.hours, &policy.calendar);
        Draft {
            office: desk.office.clone(),
            register: desk.register.clone(),
            applicant: summary.sender_name.clone(),
            request_type: told
                .and_then(Instructions::request_type)
                .unwrap_or_else(|| propose(&policy.request_types, &desk.source, &summary.subject)),
            received_at: incoming.received_at,
            registered_at,
            processing_day: day.date,
            processing_reason: day.reason_ro,
        }
    });
    Decided {
        outcome,
        reason,
        replies,
        sender,
        summary,
        files: examined.files,
        likeness: examined.likeness,
        same_as: same
            .filter(|_| reason == Reason::SameMessage)
            .map(|one| one.mail_seq),
        links,
        draft,
        joins,
        evidence,
        owes_read_report,
    }
}

/// What the mailbox's own server says of the sender; nobody else's word counts.
fn sender_of(message: &Message, desk: &Desk) -> Sender {
    match message::trusted_dmarc(&message.authentication, &desk.authserv_ids) {
        Some(AuthResult::Fail) => Sender::Disowned,
        Some(
            AuthResult::Pass
            | AuthResult::SoftFail
            | AuthResult::Neutral
            | AuthResult::None
            | AuthResult::TempError
            | AuthResult::PermError
            | AuthResult::Other,
        )
        | None => Sender::Undisputed,
    }
}

/// Whether its sender may be told by itself; not that a message is too large which is registered already.
fn reach_of(incoming: &Incoming<'_>) -> Reach {
    let is_registered = |one: &Earlier| matches!(one.like, Like::Message | Like::MessageId);
    if incoming.extent != Extent::Whole && incoming.known.alike.iter().any(is_registered) {
        return Reach::RegisteredAlready;
    }
    incoming.known.reach
}

fn matter_of(
    incoming: &Incoming<'_>,
    desk: &Desk,
    own_case: Option<&Number>,
    same: Option<&Earlier>,
) -> Matter {
    let is_new = incoming.standing == Standing::New;
    if is_new && desk.is_before_start(incoming.received_at) {
        Matter::BeforeStart
    } else if is_new && same.is_some() {
        Matter::SameMessage
    } else if own_case.is_some() {
        Matter::OwnCase
    } else {
        Matter::New
    }
}

/// The day that the arrival gives; after an outage, when that day is over, the one that the registration gives.
fn start_of_processing(
    received_at: Timestamp,
    registered_at: Timestamp,
    hours: &OfficeHours,
    calendar: &Calendar,
) -> ProcessingDay {
    let by_arrival = processing_day(received_at, hours, calendar);
    if registered_at.to_zoned(ZONE).date() <= by_arrival.date {
        return by_arrival;
    }
    let mut late = processing_day(registered_at, hours, calendar);
    late.reason_ro = late.reason_ro.replacen("primit", "preluat de pe server", 1);
    late
}

fn summary_of(message: &Message) -> Summary {
    let from = message.from.as_ref();
    Summary {
        sender_name: from.and_then(|from| from.name.clone()),
        sender_address: from.map(|from| from.address.clone()),
        subject: message.subject.clone(),
        date: message.date,
        message_id: message.message_id.clone(),
        references: if message.references.is_empty() {
            message.in_reply_to.clone()
        } else {
            message.references.clone()
        },
    }
}

fn examined(files: &[Attachment], policy: &Policy) -> Vec<FileRecord> {
    let (within, beyond) = files.split_at(files.len().min(policy.files_max));
    let mut records = Vec::new();
    for file in within {
        let container = file.container.as_ref().map(|container| container.name.as_str());
        let document = documents::examine(
            documents::File {
                name: &file.name,
                declared: &file.declared,
                bytes: &file.bytes,
            },
            &policy.limits,
        );
        record(&file.name, container, &file.declared, &document, &mut records);
    }
    if !beyond.is_empty() {
        records.push(too_many(beyond));
    }
    records
}

/// The one line for all files beyond the limit; its size and hash are those of their bytes in a row.
fn too_many(beyond: &[Attachment]) -> FileRecord {
    let mut digest = Sha256::new();
    for file in beyond {
        digest.update(&file.bytes);
    }
    let code = Code::TooManyFiles;
    FileRecord {
        name: format!("alte fișiere: {}", beyond.len()),
        container: None,
        declared: String::new(),
        detected: Detected::Unknown.code().to_owned(),
        kind_ro: "fișiere peste numărul admis".to_owned(),
        size_bytes: beyond.iter().map(|file| file.bytes.len() as u64).sum(),
        sha256: data_encoding::HEXLOWER.encode(&digest.finalize()),
        accepted: false,
        findings: vec![FindingRecord {
            code: code.as_str().to_owned(),
            severity: code.severity(),
            text_ro: code.citizen_ro().to_owned(),
        }],
    }
}

/// The lines of one file that stands alone, outside any mail; the first line is the file's own.
pub fn examine_alone(name: &str, bytes: &[u8], limits: &Limits) -> Vec<FileRecord> {
    let document = documents::examine(
        documents::File {
            name,
            declared: "",
            bytes,
        },
        limits,
    );
    let mut records = Vec::new();
    record(name, None, "", &document, &mut records);
    records
}

fn record(
    name: &str,
    container: Option<&str>,
    declared: &str,
    document: &Document,
    records: &mut Vec<FileRecord>,
) {
    let findings = document.findings.iter().map(|finding| FindingRecord {
        code: finding.code.as_str().to_owned(),
        severity: finding.code.severity(),
        text_ro: finding.code.citizen_ro().to_owned(),
    });
    records.push(FileRecord {
        name: name.to_owned(),
        container: container.map(str::to_owned),
        declared: declared.to_owned(),
        detected: document.detected.code().to_owned(),
        kind_ro: document.detected.name_ro().to_owned(),
        size_bytes: document.size_bytes,
        sha256: data_encoding::HEXLOWER.encode(&document.sha256),
        accepted: document.verdict() == documents::Verdict::Accepted,
        findings: findings.collect(),
    });
    let inside = match container {
        Some(outer) => format!("{outer} › {name}"),
        None => name.to_owned(),
    };
    for (inner_name, inner) in &document.contents {
        record(inner_name, Some(&inside), "", inner, records);
    }
}

#[cfg(test)]
mod tests;
