//! The tables `series`, `entry`, `submission` and `receipt` at the moment of registration: the next number, the entry or
//! submission, the receipt it owes, and the guard against a clock that went back.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::json;

use super::journal_rows::{append, append_event};
use super::{cases, links, rows, unavailable};
use crate::casework::Opening;
use crate::journal::{Event, Kind};
use crate::registry::{Decided, Draft, Entry, Number};
use crate::store::{StoreError, Stored};

/// The legal time zone, compiled in.
const BUCHAREST: TimeZone = jiff::tz::get!("Europe/Bucharest");

/// Takes the next number of the register and year, and writes the entry with the receipt it owes.
pub(super) fn register(
    transaction: &Transaction<'_>,
    mail_seq: i64,
    decided: &Decided,
    draft: &Draft,
    opening: &Opening,
) -> Stored<Entry> {
    refuse_a_clock_that_went_back(transaction, draft.registered_at)?;
    let number =
        insert_entry(transaction, mail_seq, draft).map_err(|error| unavailable("registering", error))?;
    let entry = entry_of(transaction, mail_seq, decided, draft, number, 0)?;
    cases::open(transaction, &entry, opening)?;
    let body = json!({
        "mail": mail_seq, "mail_sha256": entry.mail_sha256, "office": draft.office,
        "applicant": draft.applicant, "sender": entry.summary.sender_address,
        "received_at": draft.received_at.as_microsecond(), "processing_day": draft.processing_day.to_string(),
        "request_type": draft.request_type, "files": files(&entry), "due_on": opening.due_on.to_string(),
        "consent_file": opening.consent_file,
    });
    let subject = format!("entry/{}", entry.number.key());
    append(
        transaction,
        draft.registered_at,
        Kind::EntryRegistered,
        subject,
        body,
    )?;
    links::propose(transaction, &entry, &decided.links)?;
    Ok(entry)
}

/// Whether the case takes no more mail.
pub(super) fn is_closed(connection: &Connection, number: &Number) -> Stored<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM case_file WHERE register = ?1 AND year = ?2 AND number = ?3 AND closed_at IS NOT NULL",
        )
        .and_then(|mut statement| {
            statement.exists(params![number.register, number.date.year(), number.number as i64])
        })
        .map_err(|error| unavailable("looking for a case", error))
}

/// Writes a later mail to a case, with the receipt it owes; what it answers and brings is written into the case.
pub(super) fn join(
    transaction: &Transaction<'_>,
    mail_seq: i64,
    decided: &Decided,
    draft: &Draft,
    opening: &Opening,
    number: &Number,
) -> Stored<Entry> {
    refuse_a_clock_that_went_back(transaction, draft.registered_at)?;
    let submission = insert_submission(transaction, mail_seq, draft, number)
        .map_err(|error| unavailable("joining a mail to its case", error))?;
    let entry = entry_of(transaction, mail_seq, decided, draft, number.clone(), submission)?;
    let body = json!({
        "submission": submission, "mail": mail_seq, "mail_sha256": entry.mail_sha256,
        "applicant": draft.applicant, "sender": entry.summary.sender_address,
        "received_at": draft.received_at.as_microsecond(), "processing_day": draft.processing_day.to_string(),
        "files": files(&entry),
    });
    let subject = format!("entry/{}", number.key());
    append(
        transaction,
        draft.registered_at,
        Kind::SubmissionJoined,
        subject,
        body,
    )?;
    cases::receive(transaction, &entry, opening)?;
    Ok(entry)
}

fn entry_of(
    transaction: &Transaction<'_>,
    mail_seq: i64,
    decided: &Decided,
    draft: &Draft,
    number: Number,
    submission: u32,
) -> Stored<Entry> {
    let (sha256, size_bytes, source) = transaction
        .prepare_cached("SELECT sha256, size_bytes, source FROM mail WHERE seq = ?1")
        .and_then(|mut statement| {
            statement.query_row([mail_seq], |row| {
                Ok((row.get(0)?, rows::size(row, 1)?, row.get(2)?))
            })
        })
        .map_err(|error| unavailable("registering", error))?;
    Ok(Entry {
        number,
        submission,
        mail_seq,
        mail_sha256: sha256,
        mail_size_bytes: size_bytes,
        source,
        replies: decided.replies,
        sender: decided.sender,
        summary: decided.summary.clone(),
        draft: draft.clone(),
        files: decided.files.clone(),
    })
}

fn files(entry: &Entry) -> Vec<serde_json::Value> {
    entry
        .files
        .iter()
        .map(|file| json!({"name": file.name, "sha256": file.sha256, "accepted": file.accepted}))
        .collect()
}

fn insert_submission(
    transaction: &Transaction<'_>,
    mail_seq: i64,
    draft: &Draft,
    number: &Number,
) -> rusqlite::Result<u32> {
    let key = params![number.register, number.date.year(), number.number as i64];
    let ordinal: u32 = transaction
        .prepare_cached(
            "SELECT coalesce(max(ordinal), 0) + 1 FROM submission
             WHERE register = ?1 AND year = ?2 AND number = ?3",
        )?
        .query_row(key, |row| row.get(0))?;
    transaction
        .prepare_cached(
            "INSERT INTO submission (register, year, number, ordinal, mail_seq, applicant, received_at, registered_at,
                                     processing_day, processing_reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            number.register,
            number.date.year(),
            number.number as i64,
            ordinal,
            mail_seq,
            draft.applicant,
            draft.received_at.as_microsecond(),
            draft.registered_at.as_microsecond(),
            draft.processing_day.to_string(),
            draft.processing_reason,
        ])?;
    owe_receipt(transaction, number, ordinal)?;
    Ok(ordinal)
}

fn owe_receipt(transaction: &Transaction<'_>, number: &Number, submission: u32) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO receipt (register, year, number, ordinal, state) VALUES (?1, ?2, ?3, ?4, 'owed')",
        )?
        .execute(params![
            number.register,
            number.date.year(),
            number.number as i64,
            submission
        ])?;
    Ok(())
}

/// Dates of numbers must follow their order; small corrections of the clock are let through, and what a person has
/// declared right.
pub(super) fn refuse_a_clock_that_went_back(connection: &Connection, now: Timestamp) -> Stored<()> {
    const TOLERANCE_US: i64 = 5 * 60 * 1_000_000;
    let error = |error| unavailable("registering", error);
    let Some(last) = last_registration(connection).map_err(error)? else {
        return Ok(());
    };
    if now.as_microsecond() >= last - TOLERANCE_US {
        return Ok(());
    }
    let accepted: Option<String> = connection
        .query_row(
            "SELECT value FROM instance WHERE key = 'clock-accepted'",
            [],
            |row| row.get(0),
        )
        .optional()
        .map_err(error)?;
    if accepted
        .and_then(|text| text.parse::<i64>().ok())
        .is_some_and(|accepted| accepted >= last)
    {
        return Ok(());
    }
    let last = Timestamp::from_microsecond(last).unwrap_or(Timestamp::UNIX_EPOCH);
    Err(StoreError::Unavailable {
        doing: "registering",
        hint: "the clock of this machine stands before the last entry; set it right, or, if it is right now and was \
               wrong then, run `recipisa once --clock-is-right` one time",
        source: format!("the clock says {now}, and the last entry was made at {last}").into(),
    })
}

fn last_registration(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT registered_at FROM entry ORDER BY rowid DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// A person says that the clock is right, although the last entry bears a later time.
pub(super) fn accept_clock(transaction: &Transaction<'_>, actor: &str, at: Timestamp) -> Stored<()> {
    let error = |error| unavailable("accepting the clock", error);
    let Some(last) = last_registration(transaction).map_err(error)? else {
        return Ok(());
    };
    transaction
        .execute(
            "INSERT INTO instance (key, value) VALUES ('clock-accepted', ?1)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [last.to_string()],
        )
        .map_err(error)?;
    let body = json!({"last_registered_at": last});
    let subject = "clock".to_owned();
    append_event(
        transaction,
        &Event {
            at,
            actor: actor.to_owned(),
            kind: Kind::ClockAccepted,
            subject,
            body,
        },
    )
}

fn insert_entry(transaction: &Transaction<'_>, mail_seq: i64, draft: &Draft) -> rusqlite::Result<Number> {
    let date = draft.registered_at.to_zoned(BUCHAREST).date();
    let number: i64 = transaction
        .prepare_cached(
            "INSERT INTO series (register, year, last) VALUES (?1, ?2, 1)
             ON CONFLICT (register, year) DO UPDATE SET last = last + 1 RETURNING last",
        )?
        .query_row(params![draft.register, date.year()], |row| row.get(0))?;
    transaction
        .prepare_cached(
            "INSERT INTO entry (register, year, number, registered_on, mail_seq, office, applicant, request_type,
                                received_at, registered_at, processing_day, processing_reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            draft.register,
            date.year(),
            number,
            date.to_string(),
            mail_seq,
            draft.office,
            draft.applicant,
            draft.request_type,
            draft.received_at.as_microsecond(),
            draft.registered_at.as_microsecond(),
            draft.processing_day.to_string(),
            draft.processing_reason,
        ])?;
    let number = Number {
        register: draft.register.clone(),
        number: number.unsigned_abs(),
        date,
    };
    owe_receipt(transaction, &number, 0)?;
    Ok(number)
}
