//! The table `answer`: letters owed to senders of mails that have no entry, and read reports, which go only where the
//! letter with the receipt goes.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};
use serde_json::json;

use super::journal_rows::append;
use super::{letters, mails, rows, unavailable};
use crate::journal::Kind;
use crate::mailbox::SourceId;
use crate::outbox::Outgoing;
use crate::store::{AnswerKind, AnswerOwed, StoreError, Stored};

/// Notes the letter that a decision owes. One that went out for an earlier decision about the same mail is not written
/// again, and one that is still owed for it and no longer fits is void.
pub(super) fn owe(
    transaction: &Transaction<'_>,
    mail_seq: i64,
    kind: Option<AnswerKind>,
    at: Timestamp,
) -> Stored<()> {
    let error = |error| unavailable("noting a letter that is owed", error);
    for other in [AnswerKind::TooLarge, AnswerKind::Encrypted] {
        if Some(other) != kind && settle(transaction, mail_seq, other, "void", "", at).map_err(error)? {
            void_event(transaction, mail_seq, other, at)?;
        }
    }
    let Some(kind) = kind else { return Ok(()) };
    transaction
        .prepare_cached(
            "INSERT INTO answer (mail_seq, kind, state) VALUES (?1, ?2, 'owed')
             ON CONFLICT (mail_seq, kind) DO UPDATE SET state = 'owed', settled_at = NULL, attempts = 0, next_at = 0,
                                                        why = '' WHERE state = 'void'",
        )
        .and_then(|mut statement| statement.execute(params![mail_seq, kind.as_str()]))
        .map_err(error)?;
    Ok(())
}

pub(super) fn owed(connection: &Connection, now: Timestamp, limit: usize) -> Stored<Vec<AnswerOwed>> {
    let read = || -> rusqlite::Result<Vec<AnswerOwed>> {
        let mut statement = connection.prepare_cached(
            "SELECT a.mail_seq, a.kind, m.source, m.sha256, m.received_at, a.attempts, m.sender_name, m.sender,
                    m.subject, m.header_date, m.message_id, m.reference_ids
             FROM answer a JOIN mail m ON m.seq = a.mail_seq
             WHERE a.state = 'owed' AND a.next_at <= ?1 AND (a.kind <> 'read-report' OR EXISTS (
               SELECT 1 FROM receipt r WHERE r.state = 'issued' AND r.letterless = 0
                  AND (r.register, r.year, r.number, r.ordinal) IN (
                    SELECT register, year, number, 0 FROM entry WHERE mail_seq = a.mail_seq
                    UNION ALL
                    SELECT register, year, number, ordinal FROM submission WHERE mail_seq = a.mail_seq)))
             ORDER BY a.attempts, a.mail_seq LIMIT ?2",
        )?;
        let found = statement.query_map(params![now.as_microsecond(), limit as i64], |row| {
            Ok(AnswerOwed {
                mail_seq: row.get(0)?,
                kind: rows::one_of(row, 1, &AnswerKind::ALL, AnswerKind::as_str)?,
                source: SourceId(row.get(2)?),
                mail_sha256: row.get(3)?,
                received_at: rows::instant(row, 4)?,
                attempts: row.get(5)?,
                summary: mails::summary(row, 6)?,
            })
        })?;
        found.collect()
    };
    read().map_err(|error| unavailable("looking for letters owed", error))
}

pub(super) fn done(transaction: &Transaction<'_>, answer: &AnswerOwed, letter: &Outgoing) -> Stored<bool> {
    let error = |error| unavailable("recording a letter as written", error);
    let (seq, kind) = (answer.mail_seq, answer.kind);
    if !settle(transaction, seq, kind, "done", "", letter.queued_at).map_err(error)? {
        return Ok(false);
    }
    letters::queue(transaction, letter)?;
    transaction
        .execute(
            "UPDATE letter SET mail_seq = ?2 WHERE message_id = ?1",
            params![letter.message_id, seq],
        )
        .map_err(error)?;
    Ok(true)
}

pub(super) fn failed(
    transaction: &Transaction<'_>,
    answer: &AnswerOwed,
    why: &str,
    retry_at: Timestamp,
) -> Stored<()> {
    let changed = transaction
        .execute(
            "UPDATE answer SET attempts = attempts + 1, next_at = ?3, why = ?4
             WHERE mail_seq = ?1 AND kind = ?2 AND state = 'owed'",
            params![
                answer.mail_seq,
                answer.kind.as_str(),
                retry_at.as_microsecond(),
                why
            ],
        )
        .map_err(|error| unavailable("counting a letter that could not be written", error))?;
    if changed == 0 {
        return Err(StoreError::Refused(format!(
            "mail {} is owed no letter",
            answer.mail_seq
        )));
    }
    Ok(())
}

pub(super) fn void(
    transaction: &Transaction<'_>,
    answer: &AnswerOwed,
    why: &str,
    at: Timestamp,
) -> Stored<()> {
    let (seq, kind) = (answer.mail_seq, answer.kind);
    let voided = settle(transaction, seq, kind, "void", why, at)
        .map_err(|error| unavailable("making a letter void", error))?;
    if voided {
        void_event(transaction, seq, kind, at)?;
    }
    Ok(())
}

fn settle(
    transaction: &Transaction<'_>,
    mail_seq: i64,
    kind: AnswerKind,
    state: &str,
    why: &str,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let changed = transaction
        .prepare_cached(
            "UPDATE answer SET state = ?3, settled_at = ?4, why = ?5
             WHERE mail_seq = ?1 AND kind = ?2 AND state = 'owed'",
        )?
        .execute(params![mail_seq, kind.as_str(), state, at.as_microsecond(), why])?;
    Ok(changed > 0)
}

fn void_event(transaction: &Transaction<'_>, mail_seq: i64, kind: AnswerKind, at: Timestamp) -> Stored<()> {
    let body = json!({"kind": kind.as_str()});
    append(
        transaction,
        at,
        Kind::AnswerVoid,
        format!("mail/{mail_seq}"),
        body,
    )
}

/// No letter carries the receipt of this mail, so no report goes either: a report tells the address no less than a letter.
pub(super) fn without_letter(transaction: &Transaction<'_>, mail_seq: i64, at: Timestamp) -> Stored<()> {
    let kind = AnswerKind::ReadReport;
    let why = "no letter goes to this address";
    let voided = settle(transaction, mail_seq, kind, "void", why, at)
        .map_err(|error| unavailable("making a read report void", error))?;
    if voided {
        void_event(transaction, mail_seq, kind, at)?;
    }
    Ok(())
}

/// How many letters that answer a mail were queued since an instant, or are owed. Read reports are bounded by the letters
/// that they go with.
pub(super) fn since(connection: &Connection, since: Timestamp) -> Stored<u64> {
    connection
        .prepare_cached(
            "SELECT (SELECT count(*) FROM letter WHERE queued_at >= ?1
                        AND kind IN ('receipt', 'notice', 'too-large', 'encrypted'))
                  + (SELECT count(*) FROM answer WHERE state = 'owed' AND kind <> 'read-report')",
        )
        .and_then(|mut statement| statement.query_row([since.as_microsecond()], |row| rows::size(row, 0)))
        .map_err(|error| unavailable("counting letters of the day", error))
}
