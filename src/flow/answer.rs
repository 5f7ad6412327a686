//! Letters that are owed beside receipts: to senders of mails that could not be taken, and those that carry a receipt at
//! a clerk's word.
//!
//! The letter's bytes go to the archive first, then it is queued and settled in one transaction; a death in between
//! writes the same letter again, with the same Message-ID.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;

use crate::flow::failpoint::reach;
use crate::flow::issue::{self, Letterhead};
use crate::flow::read_report::{self, WriteError};
use crate::flow::{FAILED_INSIDE, House, StepError, with_causes};
use crate::outbox::letter::{ComposeError, Composed, Whose};
use crate::outbox::untaken::Untaken;
use crate::outbox::{self, Kind, Outgoing, encrypted, retry, too_large};
use crate::registry::Number;
use crate::store::{AnswerKind, AnswerOwed, ArchiveError, StoreError, Wanted};

const BATCH_MAX: usize = 32;

/// What one round did.
#[derive(Debug, Default)]
pub struct Answered {
    /// Letters written and queued, by the mail that they answer.
    pub written: Vec<(i64, AnswerKind)>,
    /// Receipts that a letter carries now, with the submission.
    pub carried: Vec<(Number, u32)>,
    /// Letters that could not be written this time, by the mail, with the error.
    pub failed: Vec<(i64, String)>,
    /// Letters that are not written at all: no server would take the address.
    pub void: usize,
}

impl Answered {
    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        let Self {
            written,
            carried,
            failed,
            void,
        } = self;
        written.is_empty() && carried.is_empty() && failed.is_empty() && *void == 0
    }
}

/// Writes the letters that are owed or wanted.
///
/// # Errors
/// The store or the archive failed; the letters stay owed and are written again.
pub fn round(house: House<'_>, letterhead: &Letterhead) -> Result<Answered, StepError> {
    let mut answered = Answered::default();
    for owed in house.store.answers_owed((house.now)(), BATCH_MAX)? {
        if (house.ending)() {
            return Ok(answered);
        }
        let at = (house.now)();
        let written = catch_unwind(AssertUnwindSafe(|| answer(house, letterhead, &owed, at)));
        match written.unwrap_or_else(|_| Err(Trouble::Letter(FAILED_INSIDE.to_owned()))) {
            Ok(Written::Queued) => answered.written.push((owed.mail_seq, owed.kind)),
            Ok(Written::Void) => answered.void += 1,
            Err(Trouble::World(error)) => return Err(error),
            Err(Trouble::Letter(why)) => {
                let next = at + retry::wait(owed.attempts + 1);
                house.store.answer_failed(&owed, &why, next)?;
                answered.failed.push((owed.mail_seq, why));
            }
        }
    }
    for wanted in house.store.receipts_wanted((house.now)(), BATCH_MAX)? {
        if (house.ending)() {
            break;
        }
        carry(house, letterhead, &wanted, &mut answered)?;
    }
    Ok(answered)
}

enum Written {
    Queued,
    Void,
}

enum Trouble {
    /// About this letter: it is counted and tried again later.
    Letter(String),
    /// The world's fault: no letter has failed by it.
    World(StepError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::World(error.into())
    }
}

impl From<ArchiveError> for Trouble {
    fn from(error: ArchiveError) -> Self {
        Self::World(error.into())
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Letter(why)
    }
}

fn answer(
    house: House<'_>,
    letterhead: &Letterhead,
    owed: &AnswerOwed,
    at: Timestamp,
) -> Result<Written, Trouble> {
    if owed.kind == AnswerKind::ReadReport {
        return report(house, letterhead, owed, at);
    }
    let to = owed.summary.sender_address.as_deref().unwrap_or_default();
    let from = letterhead.address_of(&owed.source.0)?;
    let key = format!("{}/mail/{}", owed.kind.as_str(), owed.mail_seq);
    let message_id = outbox::message_id(&house.store.instance_secret(), &key, from);
    let (kind, composed) = match compose(letterhead, owed, &message_id, at)? {
        (kind, Ok(composed)) => (kind, composed),
        (
            _,
            Err(ComposeError::Address {
                whose: Whose::Sender, ..
            }),
        ) => {
            let why = "no server would take the address";
            house.store.answer_void(owed, why, at)?;
            return Ok(Written::Void);
        }
        (_, Err(error)) => return Err(Trouble::Letter(with_causes(&error))),
    };
    let sha256 = house.archive.put(&composed.bytes)?;
    reach("answer.archived");
    let letter = Outgoing {
        message_id: composed.message_id,
        kind,
        number: None,
        ordinal: 0,
        from: from.to_owned(),
        to: to.to_owned(),
        sha256,
        queued_at: at,
        not_after: None,
    };
    let is_done = house.store.answer_done(owed, &letter)?;
    reach("answer.committed");
    Ok(if is_done { Written::Queued } else { Written::Void })
}

/// The read report that the sender asked for; it goes out with the null reverse-path (RFC 8098 §3).
fn report(
    house: House<'_>,
    letterhead: &Letterhead,
    owed: &AnswerOwed,
    at: Timestamp,
) -> Result<Written, Trouble> {
    let mail = read_report::Mail {
        seq: owed.mail_seq,
        sha256: &owed.mail_sha256,
        source: &owed.source.0,
        number: None,
    };
    let written = read_report::write(house, letterhead, mail, at).map_err(|error| match error {
        WriteError::Archive(error) => error.into(),
        WriteError::Report(why) => Trouble::Letter(why),
    })?;
    let Some(written) = written else {
        let why = "no read report may go to this address by itself";
        house.store.answer_void(owed, why, at)?;
        return Ok(Written::Void);
    };
    reach("answer.archived");
    let letter = Outgoing {
        message_id: written.message_id,
        kind: Kind::ReadReport,
        number: None,
        ordinal: 0,
        from: String::new(),
        to: written.to,
        sha256: written.sha256,
        queued_at: at,
        not_after: None,
    };
    let is_done = house.store.answer_done(owed, &letter)?;
    reach("answer.committed");
    Ok(if is_done { Written::Queued } else { Written::Void })
}

/// The letter of each kind that tells of a mail that was not taken.
fn compose(
    letterhead: &Letterhead,
    owed: &AnswerOwed,
    message_id: &str,
    at: Timestamp,
) -> Result<(Kind, Result<Composed, ComposeError>), String> {
    let mail = Untaken {
        agency: &letterhead.agency,
        office: letterhead.office_of(&owed.source.0)?,
        from: letterhead.address_of(&owed.source.0)?,
        to: owed.summary.sender_address.as_deref().unwrap_or_default(),
        to_name: owed.summary.sender_name.as_deref(),
        subject: &owed.summary.subject,
        received_at: owed.received_at,
        mail_message_id: owed.summary.message_id.as_deref(),
        references: &owed.summary.references,
        message_id,
        date: at,
        marking: letterhead.marking,
    };
    Ok(match owed.kind {
        AnswerKind::TooLarge => {
            let letter = too_large::compose(&mail, letterhead.mail_bytes_max);
            (Kind::TooLarge, letter)
        }
        AnswerKind::Encrypted => (Kind::Encrypted, encrypted::compose(&mail)),
        AnswerKind::ReadReport => return Err("a read report is composed from its mail's bytes".to_owned()),
    })
}

/// Writes the letter that carries an issued receipt.
fn carry(
    house: House<'_>,
    letterhead: &Letterhead,
    wanted: &Wanted,
    answered: &mut Answered,
) -> Result<(), StepError> {
    let at = (house.now)();
    let entry = &wanted.owing.entry;
    let pdf = house.archive.read(&wanted.receipt_sha256)?;
    let letter = catch_unwind(AssertUnwindSafe(|| {
        issue::carrying_letter(house, letterhead, wanted, pdf, at)
    }));
    let letter = letter.unwrap_or_else(|_| Err(issue::Trouble::WithThisOne(FAILED_INSIDE.to_owned())));
    reach("answer.carrier-archived");
    let why = match letter {
        Ok(Some(letter)) => {
            if house.store.receipt_carried(wanted, &letter)? {
                answered.carried.push((entry.number.clone(), entry.submission));
            }
            return Ok(());
        }
        Ok(None) => {
            house.store.receipt_unreachable(wanted)?;
            answered.void += 1;
            return Ok(());
        }
        Err(issue::Trouble::WithThisOne(why)) => why,
        Err(issue::Trouble::WithTheArchive(error)) => return Err(error.into()),
    };
    house
        .store
        .receipt_want_failed(wanted, &why, at + retry::wait(1))?;
    answered.failed.push((entry.mail_seq, why));
    Ok(())
}
