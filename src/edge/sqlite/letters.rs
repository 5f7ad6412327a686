//! The tables `letter` and `attempt`: the queue, its leases, and what came of every attempt.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;

use super::journal_rows::{append, append_event};
use super::lost::LOST;
use super::{rows, unavailable};
use crate::journal::{Event, Kind};
use crate::outbox::{self, Outgoing};
use crate::registry::{Delivery, Number};
use crate::store::{Attempt, Backlog, Due, LetterRecord, LetterState, Reported, StoreError, Stored};

pub(super) const COLUMNS: &str =
    "l.message_id, l.register, l.number, e.registered_on, l.mail_from, l.rcpt_to, l.sha256,
    l.queued_at, l.state, l.attempts, l.next_at, l.last_answer, l.kind, l.ordinal, e.office, l.not_after,
    e.applicant, l.delivery, l.delivery_at,
    (SELECT trim(coalesce(v.status, '') || ' ' || v.detail) FROM letter_event v
      WHERE v.message_id = l.message_id AND v.state = l.delivery AND v.at >= l.queued_at
      ORDER BY v.recipient IS NULL OR v.recipient = l.rcpt_to COLLATE NOCASE DESC, v.ordinal DESC LIMIT 1),
    (SELECT v.recipient FROM letter_event v
      WHERE v.message_id = l.message_id AND v.state = l.delivery AND v.at >= l.queued_at
      ORDER BY v.recipient IS NULL OR v.recipient = l.rcpt_to COLLATE NOCASE DESC, v.ordinal DESC LIMIT 1)";
pub(super) const TABLES: &str =
    "letter l LEFT JOIN entry e ON e.register = l.register AND e.year = l.year AND e.number = l.number";

pub(super) fn queue(transaction: &Transaction<'_>, letter: &Outgoing) -> Stored<()> {
    transaction
        .prepare_cached(
            "INSERT INTO letter (message_id, kind, register, year, number, mail_from, rcpt_to, sha256, state,
                                 queued_at, next_at, ordinal, not_after)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued', ?9, ?9, ?10, ?11)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                letter.message_id,
                letter.kind.as_str(),
                letter.number.as_ref().map(|number| &number.register),
                letter.number.as_ref().map(|number| number.date.year()),
                letter.number.as_ref().map(|number| number.number as i64),
                letter.from,
                letter.to,
                letter.sha256,
                letter.queued_at.as_microsecond(),
                letter.ordinal,
                letter.not_after.map(Timestamp::as_microsecond),
            ])
        })
        .map_err(|error| unavailable("queueing a letter", error))?;
    let body = json!({"kind": letter.kind.as_str(), "to": letter.to, "sha256": letter.sha256,
        "entry": letter.number.as_ref().map(Number::key), "ordinal": letter.ordinal});
    append(
        transaction,
        letter.queued_at,
        Kind::LetterQueued,
        format!("letter/{}", letter.message_id),
        body,
    )
}

pub(super) fn outgoing(row: &Row<'_>) -> rusqlite::Result<Outgoing> {
    Ok(Outgoing {
        message_id: row.get(0)?,
        kind: rows::one_of(row, 12, &outbox::Kind::ALL, outbox::Kind::as_str)?,
        number: rows::number_opt(row, 1)?,
        ordinal: row.get(13)?,
        from: row.get(4)?,
        to: row.get(5)?,
        sha256: row.get(6)?,
        queued_at: rows::instant(row, 7)?,
        not_after: rows::instant_opt(row, 15)?,
    })
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<LetterRecord> {
    Ok(LetterRecord {
        letter: outgoing(row)?,
        state: rows::one_of(row, 8, &LetterState::ALL, LetterState::as_str)?,
        attempts: row.get(9)?,
        next_at: rows::instant(row, 10)?,
        last_answer: row.get(11)?,
        reported: reported(row)?,
    })
}

/// The columns of what reports say.
fn reported(row: &Row<'_>) -> rusqlite::Result<Option<Reported>> {
    let Some(at) = rows::instant_opt(row, 18)? else {
        return Ok(None);
    };
    let letter_to: String = row.get(5)?;
    Ok(Some(Reported {
        delivery: rows::one_of(row, 17, &Delivery::ALL, Delivery::as_str)?,
        at,
        words: row.get::<_, Option<String>>(19)?.unwrap_or_default(),
        of_another: row
            .get::<_, Option<String>>(20)?
            .filter(|recipient| recipient.to_lowercase() != letter_to.to_lowercase()),
    }))
}

/// The letter that carries the receipt of an entry or submission.
pub(super) fn of_receipt(
    connection: &Connection,
    number: &Number,
    submission: u32,
) -> rusqlite::Result<Vec<LetterRecord>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM {TABLES}
         WHERE l.register = ?1 AND l.year = ?2 AND l.number = ?3 AND l.kind = 'receipt' AND l.ordinal = ?4"
    ))?;
    let found = statement.query_map(
        params![
            number.register,
            number.date.year(),
            number.number as i64,
            submission
        ],
        record,
    )?;
    found.collect()
}

/// All letters of a case, in the order in which they were queued.
pub(super) fn of_case(connection: &Connection, number: &Number) -> rusqlite::Result<Vec<LetterRecord>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM {TABLES}
         WHERE l.register = ?1 AND l.year = ?2 AND l.number = ?3 ORDER BY l.queued_at, l.rowid"
    ))?;
    let found = statement.query_map(
        params![number.register, number.date.year(), number.number as i64],
        record,
    )?;
    found.collect()
}

/// Whether a letter is still to be sent.
pub(super) fn is_queued(connection: &Connection, message_id: &str) -> Stored<bool> {
    connection
        .prepare_cached("SELECT 1 FROM letter WHERE message_id = ?1 AND state = 'queued'")
        .and_then(|mut statement| statement.exists([message_id]))
        .map_err(|error| unavailable("looking at a letter", error))
}

/// Makes queued letters void whose time has passed.
fn lapse(transaction: &Transaction<'_>, now: Timestamp) -> Stored<()> {
    let lapsed = transaction
        .prepare_cached(
            "UPDATE letter SET state = 'void', next_at = ?1
             WHERE state = 'queued' AND next_at <= ?1 AND not_after <= ?1 AND lease_until <= ?1
             RETURNING message_id, register || '/' || year || '/' || number",
        )
        .and_then(|mut statement| {
            let found = statement.query_map([now.as_microsecond()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
            })?;
            found.collect::<rusqlite::Result<Vec<_>>>()
        })
        .map_err(|error| unavailable("making letters void", error))?;
    for (id, entry) in lapsed {
        let body = json!({"entry": entry, "lapsed": true});
        append(transaction, now, Kind::LetterVoid, format!("letter/{id}"), body)?;
    }
    Ok(())
}

/// Makes the queued letters of these kinds void; one that is just being sent may still arrive.
pub(super) fn void(
    transaction: &Transaction<'_>,
    number: &Number,
    kinds: &[crate::followup::Kind],
    at: Timestamp,
) -> Stored<()> {
    for kind in kinds {
        let ids = transaction
            .prepare_cached(
                "UPDATE letter SET state = 'void', next_at = ?5
                 WHERE register = ?1 AND year = ?2 AND number = ?3 AND kind = ?4 AND state = 'queued'
                 RETURNING message_id",
            )
            .and_then(|mut statement| {
                statement
                    .query_map(
                        params![
                            number.register,
                            number.date.year(),
                            number.number as i64,
                            kind.as_str(),
                            at.as_microsecond()
                        ],
                        |row| row.get::<_, String>(0),
                    )?
                    .collect::<rusqlite::Result<Vec<_>>>()
            })
            .map_err(|error| unavailable("making letters void", error))?;
        for id in ids {
            append(
                transaction,
                at,
                Kind::LetterVoid,
                format!("letter/{id}"),
                json!({"entry": number.key()}),
            )?;
        }
    }
    Ok(())
}

pub(super) fn claim(
    transaction: &Transaction<'_>,
    now: Timestamp,
    lease_until: Timestamp,
    limit: usize,
) -> Stored<Vec<Due>> {
    lapse(transaction, now)?;
    let work = || -> rusqlite::Result<Vec<Due>> {
        // Those never tried first: a destination that puts everything off holds up no letter to another.
        let mut found = due(transaction, "l.attempts = 0", now, limit)?;
        found.extend(due(transaction, "l.attempts > 0", now, limit - found.len())?);
        let mut lease =
            transaction.prepare_cached("UPDATE letter SET lease_until = ?2 WHERE message_id = ?1")?;
        for one in &found {
            lease.execute(params![one.letter.message_id, lease_until.as_microsecond()])?;
        }
        Ok(found)
    };
    work().map_err(|error| unavailable("claiming letters", error))
}

fn due(
    transaction: &Transaction<'_>,
    which: &str,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<Due>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut statement = transaction.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM {TABLES}
         WHERE l.state = 'queued' AND l.next_at <= ?1 AND l.lease_until <= ?1 AND {which} ORDER BY l.next_at LIMIT ?2"
    ))?;
    let found = statement.query_map(params![now.as_microsecond(), limit as i64], |row| {
        Ok(Due {
            letter: outgoing(row)?,
            office: row.get(14)?,
            attempts: row.get(9)?,
        })
    })?;
    found.collect()
}

pub(super) fn release(transaction: &Transaction<'_>, message_ids: &[String]) -> Stored<()> {
    let work = || -> rusqlite::Result<()> {
        let mut one =
            transaction.prepare_cached("UPDATE letter SET lease_until = 0 WHERE message_id = ?1")?;
        for message_id in message_ids {
            one.execute([message_id])?;
        }
        Ok(())
    };
    work().map_err(|error| unavailable("giving letters back", error))
}

pub(super) fn begin(transaction: &Transaction<'_>) -> Stored<()> {
    transaction
        .execute_batch(
            "UPDATE letter SET lease_until = 0 WHERE state = 'queued' AND lease_until > 0;
             UPDATE receipt SET next_at = 0 WHERE state = 'owed' AND next_at > 0;
             UPDATE receipt SET next_at = 0 WHERE wanted = 1 AND next_at > 0;
             UPDATE answer SET next_at = 0 WHERE state = 'owed' AND next_at > 0;
             UPDATE followup SET next_at = due_at WHERE state = 'planned' AND attempts > 0;",
        )
        .map_err(|error| unavailable("beginning the work", error))
}

pub(super) fn finish(
    transaction: &Transaction<'_>,
    message_id: &str,
    attempt: &Attempt,
    at: Timestamp,
) -> Stored<()> {
    let (state, result, next_at, answer, event) = match attempt {
        Attempt::Waiting { why } => return wait(transaction, message_id, why),
        Attempt::NotNow { at: next } => return postpone(transaction, message_id, *next),
        Attempt::Sent { answer } => ("sent", "sent", at, answer, Some(Kind::LetterSent)),
        Attempt::Retry { at: next, why } => ("queued", "retry", *next, why, None),
        Attempt::GivenUp { why } => ("given-up", "given-up", at, why, Some(Kind::LetterGivenUp)),
    };
    // A letter that became void while it was on its way is sent if the server took it, and stays void otherwise.
    let changed = transaction
        .execute(
            "UPDATE letter SET state = CASE WHEN state = 'void' AND ?2 <> 'sent' THEN 'void' ELSE ?2 END,
                    next_at = ?3, lease_until = 0, attempts = attempts + 1, last_answer = ?4
             WHERE message_id = ?1 AND state IN ('queued', 'void')",
            params![message_id, state, next_at.as_microsecond(), answer],
        )
        .map_err(|error| unavailable("recording an attempt to send", error))?;
    if changed == 0 {
        return Err(StoreError::Refused(format!(
            "letter {message_id} is not waiting to be sent"
        )));
    }
    transaction
        .execute(
            "INSERT INTO attempt (message_id, ordinal, finished_at, result, answer)
             SELECT ?1, count(*) + 1, ?2, ?3, ?4 FROM attempt WHERE message_id = ?1",
            params![message_id, at.as_microsecond(), result, answer],
        )
        .map_err(|error| unavailable("recording an attempt to send", error))?;
    match event {
        Some(kind) => append(
            transaction,
            at,
            kind,
            format!("letter/{message_id}"),
            json!({"answer": answer}),
        ),
        None => Ok(()),
    }
}

/// Gives the lease back and remembers why; nothing was tried.
fn wait(transaction: &Transaction<'_>, message_id: &str, why: &str) -> Stored<()> {
    transaction
        .execute(
            "UPDATE letter SET lease_until = 0, last_answer = ?2 WHERE message_id = ?1 AND state = 'queued'",
            params![message_id, why],
        )
        .map_err(|error| unavailable("putting a letter back", error))?;
    Ok(())
}

/// Gives the lease back until it is the hour for it; nothing was tried.
fn postpone(transaction: &Transaction<'_>, message_id: &str, next: Timestamp) -> Stored<()> {
    transaction
        .execute(
            "UPDATE letter SET lease_until = 0, next_at = ?2 WHERE message_id = ?1 AND state = 'queued'",
            params![message_id, next.as_microsecond()],
        )
        .map_err(|error| unavailable("putting a letter back", error))?;
    Ok(())
}

/// A letter that was given up, or sent into the void, goes again at a person's word.
pub(super) fn requeue(
    transaction: &Transaction<'_>,
    number: &Number,
    actor: &str,
    at: Timestamp,
) -> Stored<Outgoing> {
    let error = |error| unavailable("queueing a letter again", error);
    let key = params![
        number.register,
        number.date.year(),
        number.number as i64,
        at.as_microsecond()
    ];
    let message_id: Option<String> = transaction
        .query_row(
            "UPDATE letter SET state = 'queued', next_at = ?4, lease_until = 0, attempts = 0, last_answer = NULL,
                    queued_at = ?4, delivery = NULL, delivery_at = NULL
             WHERE message_id = (SELECT message_id FROM letter
                                 WHERE register = ?1 AND year = ?2 AND number = ?3
                                   AND (state = 'given-up'
                                        OR (state = 'sent' AND (kind = 'receipt' OR delivery = 'bounced')))
                                   AND (not_after IS NULL OR not_after > ?4)
                                 ORDER BY state = 'given-up' OR delivery IS 'bounced' DESC, queued_at DESC, rowid DESC LIMIT 1)
             RETURNING message_id",
            key,
            |row| row.get(0),
        )
        .optional()
        .map_err(error)?;
    let Some(message_id) = message_id else {
        return Err(StoreError::Refused(
            "it has no letter that could go again: none was written, or it is queued already".into(),
        ));
    };
    let event = Event {
        at,
        actor: actor.to_owned(),
        kind: Kind::LetterQueued,
        subject: format!("letter/{message_id}"),
        body: json!({"again": true, "entry": number.key()}),
    };
    append_event(transaction, &event)?;
    transaction
        .prepare_cached(&format!("SELECT {COLUMNS} FROM {TABLES} WHERE l.message_id = ?1"))
        .and_then(|mut statement| statement.query_row([message_id], outgoing))
        .map_err(error)
}

/// How many letters went or will go to an address, counted from `since`; read reports go with letters and do not count.
pub(super) fn to_address(connection: &Connection, to: &str, since: Timestamp) -> Stored<u64> {
    connection
        .prepare_cached(
            "SELECT (SELECT count(*) FROM letter WHERE rcpt_to = ?1 COLLATE NOCASE AND queued_at >= ?2
                        AND kind <> 'read-report')
                  + (SELECT count(*) FROM answer a JOIN mail m ON m.seq = a.mail_seq
                     WHERE a.state = 'owed' AND a.kind <> 'read-report' AND m.sender = ?1 COLLATE NOCASE)",
        )
        .and_then(|mut statement| {
            statement.query_row(params![to, since.as_microsecond()], |row| rows::size(row, 0))
        })
        .map_err(|error| unavailable("counting letters to an address", error))
}

pub(super) fn next_due(connection: &Connection) -> Stored<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT min(max(next_at, lease_until)) FROM letter WHERE state = 'queued'")
        .and_then(|mut statement| statement.query_row([], |row| rows::instant_opt(row, 0)))
        .map_err(|error| unavailable("looking for the next letter", error))
}

pub(super) fn backlog(connection: &Connection) -> Stored<Backlog> {
    let read = || -> rusqlite::Result<Backlog> {
        connection
            .prepare_cached(&format!(
                "SELECT (SELECT count(*) FROM mail WHERE outcome IS NULL),
                        (SELECT count(*) FROM receipt WHERE state = 'owed'),
                        (SELECT count(*) FROM letter WHERE state = 'queued')
                          + (SELECT count(*) FROM answer WHERE state = 'owed')
                          + (SELECT count(*) FROM receipt WHERE wanted = 1),
                        (SELECT count(*) FROM letter l WHERE l.state = 'given-up' AND {LOST}),
                        (SELECT count(*) FROM mail WHERE outcome = 'held'),
                        (SELECT count(*) FROM receipt WHERE letterless = 1),
                        (SELECT count(*) FROM receipt WHERE state = 'owed' AND attempts > 0),
                        (SELECT count(*) FROM letter WHERE state = 'queued' AND last_answer IS NOT NULL)
                          + (SELECT count(*) FROM answer WHERE state = 'owed' AND attempts > 0),
                        (SELECT count(*) FROM letter l WHERE l.delivery = 'bounced' AND l.state = 'sent' AND {LOST})",
            ))?
            .query_row([], |row| {
                Ok(Backlog {
                    undecided: rows::size(row, 0)?,
                    receipts_owed: rows::size(row, 1)?,
                    letters_queued: rows::size(row, 2)?,
                    letters_given_up: rows::size(row, 3)?,
                    held: rows::size(row, 4)?,
                    unanswered: rows::size(row, 5)?,
                    receipts_failing: rows::size(row, 6)?,
                    letters_failing: rows::size(row, 7)?,
                    letters_bounced: rows::size(row, 8)?,
                })
            })
    };
    read().map_err(|error| unavailable("counting what waits", error))
}
