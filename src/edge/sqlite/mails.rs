//! The tables `mail`, `document`, `series` and `entry` from the side of the mails.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::{Value, json};

use super::journal_rows::append;
use super::{answers, desk, evidence, links, registering, rows, sightings, unavailable};
use crate::journal::Kind;
use crate::mailbox::{Extent, SourceId};
use crate::registry::{Decided, Entry, FileRecord, Summary};
use crate::screening::{Outcome, Reason, Sender};
use crate::store::{AnswerKind, Arrival, MailDecision, MailRecord, MailVerdict, Stored, Undecided};

/// Which mails are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    All,
    One(i64),
    Held,
}

pub(super) fn keep(transaction: &Transaction<'_>, arrivals: &[Arrival], at: Timestamp) -> Stored<()> {
    for arrival in arrivals {
        let error = |error| unavailable("keeping a mail", error);
        let taken = take_in(transaction, arrival, at).map_err(error)?;
        let sighting = &arrival.sighting;
        sightings::mark_kept(transaction, &sighting.source, &sighting.key, at).map_err(error)?;
        let Some((seq, duplicate_of, sight)) = taken else {
            continue;
        };
        let mut body = kept_body(arrival);
        if let Sight::Again { received_at } = sight {
            body["again"] = true.into();
            body["received_at"] = received_at.as_microsecond().into();
        }
        append(transaction, at, Kind::MailKept, format!("mail/{seq}"), body)?;
        if let Some(first) = duplicate_of {
            let body = json!({"outcome": "ignored", "reason": "duplicate", "duplicate_of": first});
            append(transaction, at, Kind::MailDecided, format!("mail/{seq}"), body)?;
        }
    }
    Ok(())
}

/// What the journal tells of a mail's arrival.
pub(super) fn kept_body(arrival: &Arrival) -> Value {
    json!({
        "source": arrival.sighting.source.0, "key": arrival.sighting.key.0, "sha256": arrival.sha256,
        "size": arrival.size_bytes, "received_at": arrival.received_at.as_microsecond(),
    })
}

/// Whether a message came for the first time, or more of one that was here in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    First,
    /// With the time of arrival that counts.
    Again {
        received_at: Timestamp,
    },
}

/// What there is of a message already.
pub(super) enum Place {
    None,
    /// A mail that lacks bytes and may still get them.
    Incomplete(i64),
    /// All there is, or decided for good: entered, or discarded by a clerk.
    Done,
}

/// The row that a message without bytes, or with more of them, belongs to.
pub(super) fn place_of(transaction: &Transaction<'_>, arrival: &Arrival) -> rusqlite::Result<Place> {
    let found: Option<(i64, Extent, bool)> = transaction
        .prepare_cached(
            "SELECT seq, extent, coalesce(outcome IN ('registered', 'joined') OR reason = 'discarded', 0)
             FROM mail WHERE source = ?1 AND source_key = ?2",
        )?
        .query_row(
            params![arrival.sighting.source.0, arrival.sighting.key.0],
            |row| Ok((row.get(0)?, rows::extent(row, 1)?, row.get(2)?)),
        )
        .optional()?;
    Ok(match found {
        None => Place::None,
        Some((_, Extent::Whole, _)) => Place::Done,
        // Only the header again, which is here.
        Some((_, Extent::HeaderOnly, _)) if arrival.extent == Extent::HeaderOnly => Place::Done,
        Some((_, Extent::HeaderOnly | Extent::Nothing, true)) => Place::Done,
        Some((seq, Extent::HeaderOnly | Extent::Nothing, false)) => Place::Incomplete(seq),
    })
}

/// The first mail with the same bytes.
pub(super) fn first_with(connection: &Connection, sha256: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT seq FROM mail WHERE sha256 = ?1 AND duplicate_of IS NULL AND extent <> 'nothing'",
        )?
        .query_row([sha256], |row| row.get(0))
        .optional()
}

/// The row's place, and the first mail with the same bytes; `None` where nothing new has come.
fn take_in(
    transaction: &Transaction<'_>,
    arrival: &Arrival,
    at: Timestamp,
) -> rusqlite::Result<Option<(i64, Option<i64>, Sight)>> {
    let incomplete = match place_of(transaction, arrival)? {
        Place::None => None,
        Place::Incomplete(seq) => Some(seq),
        Place::Done => return Ok(None),
    };
    let first = first_with(transaction, &arrival.sha256)?.filter(|first| Some(*first) != incomplete);
    let (seq, sight) = match incomplete {
        None => (insert(transaction, arrival, first, at)?, Sight::First),
        Some(seq) => {
            let received_at = complete(transaction, seq, arrival, first, at)?;
            (seq, Sight::Again { received_at })
        }
    };
    Ok(Some((seq, first, sight)))
}

/// A mail that the source gave no bytes of; its outcome is for the caller to write.
pub(super) fn insert_bare(
    transaction: &Transaction<'_>,
    arrival: &Arrival,
    at: Timestamp,
) -> rusqlite::Result<i64> {
    let seq = insert(transaction, arrival, None, at)?;
    let sighting = &arrival.sighting;
    sightings::mark_kept(transaction, &sighting.source, &sighting.key, at)?;
    Ok(seq)
}

fn insert(
    transaction: &Transaction<'_>,
    arrival: &Arrival,
    first: Option<i64>,
    at: Timestamp,
) -> rusqlite::Result<i64> {
    let decided = first.map(|_| (Outcome::Ignored.as_str(), Reason::Duplicate.as_str()));
    transaction
        .prepare_cached(
            "INSERT INTO mail (source, source_key, sha256, size_bytes, extent, received_at, kept_at, duplicate_of,
                               outcome, reason, detail, decided_at, read_reported)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            arrival.sighting.source.0,
            arrival.sighting.key.0,
            arrival.sha256,
            arrival.size_bytes as i64,
            rows::extent_text(arrival.extent),
            arrival.received_at.as_microsecond(),
            at.as_microsecond(),
            first,
            decided.map(|(outcome, _)| outcome),
            decided.map(|(_, reason)| reason),
            first.map(|first| format!("mail {first}")).unwrap_or_default(),
            first.map(|_| at.as_microsecond()),
            arrival.sighting.mdn_sent,
        ])?;
    Ok(transaction.last_insert_rowid())
}

/// More of a mail has come: it is decided again, unless the same bytes are here already. Where nothing was here, its time
/// of arrival was only supposed.
fn complete(
    transaction: &Transaction<'_>,
    seq: i64,
    arrival: &Arrival,
    first: Option<i64>,
    at: Timestamp,
) -> rusqlite::Result<Timestamp> {
    transaction.query_row(
        "UPDATE mail SET extent = ?2, sha256 = ?3, size_bytes = ?4, recalled = 0, duplicate_of = ?5, attempts = 0,
                outcome = iif(?5 IS NULL, NULL, 'ignored'), reason = iif(?5 IS NULL, NULL, 'duplicate'),
                detail = ?6, decided_at = iif(?5 IS NULL, NULL, ?7), read_reported = max(read_reported, ?8),
                received_at = iif(extent = 'nothing', ?9, received_at)
         WHERE seq = ?1 RETURNING received_at",
        params![
            seq,
            rows::extent_text(arrival.extent),
            arrival.sha256,
            arrival.size_bytes as i64,
            first,
            first.map(|first| format!("mail {first}")).unwrap_or_default(),
            at.as_microsecond(),
            arrival.sighting.mdn_sent,
            arrival.received_at.as_microsecond(),
        ],
        |row| rows::instant(row, 0),
    )
}

pub(super) fn undecided(connection: &Connection, limit: usize) -> Stored<Vec<Undecided>> {
    let read = || -> rusqlite::Result<Vec<Undecided>> {
        let mut statement = connection.prepare_cached(
            "SELECT seq, source, sha256, size_bytes, received_at, extent, standing, attempts, instructions
             FROM mail WHERE outcome IS NULL ORDER BY seq LIMIT ?1",
        )?;
        let found = statement.query_map([limit as i64], |row| {
            Ok(Undecided {
                seq: row.get(0)?,
                source: SourceId(row.get(1)?),
                sha256: row.get(2)?,
                size_bytes: rows::size(row, 3)?,
                received_at: rows::instant(row, 4)?,
                extent: rows::extent(row, 5)?,
                standing: rows::standing(row, 6)?,
                attempts: row.get(7)?,
                instructions: desk::instructions(row, 8)?,
            })
        })?;
        found.collect()
    };
    read().map_err(|error| unavailable("looking for undecided mails", error))
}

pub(super) fn decide(
    transaction: &Transaction<'_>,
    verdicts: &[MailVerdict],
    at: Timestamp,
) -> Stored<Vec<Entry>> {
    let mut entries = Vec::new();
    for verdict in verdicts {
        // A clerk closed the case since it was looked up: the mail is decided anew, with what is known then.
        if let Some(number) = &verdict.decided.joins
            && registering::is_closed(transaction, number)?
        {
            continue;
        }
        let written = write_decision(transaction, verdict, at)
            .map_err(|error| unavailable("writing a decision", error))?;
        if !written {
            continue;
        }
        let decided = &verdict.decided;
        let body = json!({
            "outcome": decided.outcome.as_str(), "reason": decided.reason.as_str(), "files": decided.files.len(),
        });
        append(
            transaction,
            at,
            Kind::MailDecided,
            format!("mail/{}", verdict.mail_seq),
            body,
        )?;
        evidence::record(transaction, verdict.mail_seq, decided, at)?;
        let seq = verdict.mail_seq;
        answers::owe(transaction, seq, AnswerKind::of(decided.reason), at)?;
        let (Some(draft), Some(opening)) = (&decided.draft, &verdict.opening) else {
            continue;
        };
        entries.push(match &decided.joins {
            None => registering::register(transaction, seq, decided, draft, opening)?,
            Some(number) => registering::join(transaction, seq, decided, draft, opening, number)?,
        });
    }
    Ok(entries)
}

/// Writes the mail's own columns and its files; `false` where somebody else decided it meanwhile.
fn write_decision(
    transaction: &Transaction<'_>,
    verdict: &MailVerdict,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let Decided {
        outcome,
        reason,
        replies,
        sender,
        summary,
        files,
        likeness,
        same_as,
        links: _,
        draft: _,
        joins: _,
        evidence: _,
        owes_read_report: _,
    } = &verdict.decided;
    let detail = match same_as {
        Some(first) => links::said_of_first(transaction, *first)?,
        None => String::new(),
    };
    // Only what has a number is ever compared with.
    let likeness = match outcome {
        Outcome::Registered | Outcome::Joined => Some(likeness),
        Outcome::Answered | Outcome::Filed | Outcome::Ignored | Outcome::Held => None,
    };
    let changed = transaction
        .prepare_cached(
            "UPDATE mail SET outcome = ?2, reason = ?3, detail = ?12, replies = ?4, decided_at = ?5, sender_name = ?6, sender = ?7,
                    subject = ?8, header_date = ?9, message_id = ?10, reference_ids = ?11, disowned = ?13,
                    same_as = ?14, content_print = ?15, text_print = ?16, files_print = ?17
             WHERE seq = ?1 AND outcome IS NULL",
        )?
        .execute(params![
            verdict.mail_seq,
            outcome.as_str(),
            reason.as_str(),
            replies,
            at.as_microsecond(),
            summary.sender_name,
            summary.sender_address,
            summary.subject,
            summary.date.map(Timestamp::as_microsecond),
            summary.message_id,
            summary.references.join("\n"),
            detail,
            *sender == Sender::Disowned,
            same_as,
            likeness.map(|likeness| &likeness.content),
            likeness.and_then(|likeness| likeness.text.as_ref()),
            likeness.and_then(|likeness| likeness.files.as_ref()),
        ])?;
    if changed == 0 {
        return Ok(false);
    }
    transaction
        .prepare_cached("DELETE FROM document WHERE mail_seq = ?1")?
        .execute([verdict.mail_seq])?;
    for (ordinal, file) in (1_i64..).zip(files) {
        insert_file(transaction, verdict.mail_seq, ordinal, file)?;
    }
    Ok(true)
}

fn insert_file(
    transaction: &Transaction<'_>,
    seq: i64,
    ordinal: i64,
    file: &FileRecord,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO document (mail_seq, ordinal, name, container, declared, detected, kind_ro, size_bytes,
                                   sha256, accepted, findings)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            seq,
            ordinal,
            file.name,
            file.container,
            file.declared,
            file.detected,
            file.kind_ro,
            file.size_bytes as i64,
            file.sha256,
            file.accepted,
            rows::findings_text(&file.findings),
        ])?;
    Ok(())
}

pub(super) fn failed(
    transaction: &Transaction<'_>,
    mail_seq: i64,
    why: &str,
    attempts_max: u32,
    at: Timestamp,
) -> Stored<bool> {
    let attempts: Option<u32> = transaction
        .query_row(
            "UPDATE mail SET attempts = attempts + 1, detail = ?2 WHERE seq = ?1 AND outcome IS NULL
             RETURNING attempts",
            params![mail_seq, why],
            |row| row.get(0),
        )
        .optional()
        .map_err(|error| unavailable("counting a failed decision", error))?;
    if attempts.is_none_or(|attempts| attempts < attempts_max) {
        return Ok(false);
    }
    transaction
        .execute(
            "UPDATE mail SET outcome = 'held', reason = ?2, decided_at = ?3 WHERE seq = ?1",
            params![mail_seq, Reason::Failing.as_str(), at.as_microsecond()],
        )
        .map_err(|error| unavailable("holding a mail", error))?;
    let body = json!({"outcome": "held", "reason": Reason::Failing.as_str()});
    append(
        transaction,
        at,
        Kind::MailDecided,
        format!("mail/{mail_seq}"),
        body,
    )?;
    Ok(true)
}

pub(super) fn each(connection: &Connection, which: Which, each: &mut dyn FnMut(MailRecord)) -> Stored<()> {
    let (filter, argument) = match which {
        Which::All => ("?1 IS NULL", None),
        Which::One(seq) => ("m.seq = ?1", Some(seq)),
        Which::Held => ("m.outcome = 'held' AND ?1 IS NULL", None),
    };
    let read = |each: &mut dyn FnMut(MailRecord)| -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT m.seq, m.source, m.sha256, m.size_bytes, m.received_at, m.kept_at, m.outcome, m.reason, m.detail,
                    m.replies, m.sender_name, m.sender, m.subject, m.header_date, m.message_id, m.reference_ids,
                    e.register, e.number, e.registered_on, s.ordinal, m.extent, m.recalled, m.decided_at
             FROM mail m LEFT JOIN submission s ON s.mail_seq = m.seq
                  LEFT JOIN entry e ON e.rowid = coalesce(
                    (SELECT o.rowid FROM entry o WHERE o.mail_seq = m.seq),
                    (SELECT c.rowid FROM entry c WHERE c.register = s.register AND c.year = s.year AND c.number = s.number))
             WHERE {filter} ORDER BY m.seq"
        ))?;
        let mut found = statement.query([argument])?;
        while let Some(row) = found.next()? {
            each(record(connection, row)?);
        }
        Ok(())
    };
    read(each).map_err(|error| unavailable("reading mails", error))
}

fn record(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<MailRecord> {
    let seq = row.get(0)?;
    let outcome: Option<String> = row.get(6)?;
    let decision = match outcome {
        None => None,
        Some(outcome) => Some(MailDecision {
            outcome: rows::outcome(&outcome, 6)?,
            reason: rows::reason(&row.get::<_, String>(7)?, 7)?,
            detail: row.get(8)?,
            replies: row.get(9)?,
            summary: summary(row, 10)?,
            files: rows::files(connection, seq)?,
            number: rows::number_opt(row, 16)?,
            submission: row.get(19)?,
        }),
    };
    Ok(MailRecord {
        seq,
        source: SourceId(row.get(1)?),
        sha256: row.get(2)?,
        size_bytes: rows::size(row, 3)?,
        received_at: rows::instant(row, 4)?,
        kept_at: rows::instant(row, 5)?,
        extent: rows::extent(row, 20)?,
        is_recalled: row.get(21)?,
        decided_at: rows::instant_opt(row, 22)?,
        decision,
    })
}

/// The six columns from `sender_name` on.
pub(super) fn summary(row: &Row<'_>, first: usize) -> rusqlite::Result<Summary> {
    let references: String = row.get(first + 5)?;
    Ok(Summary {
        sender_name: row.get(first)?,
        sender_address: row.get(first + 1)?,
        subject: row.get(first + 2)?,
        date: rows::instant_opt(row, first + 3)?,
        message_id: row.get(first + 4)?,
        references: references.lines().map(str::to_owned).collect(),
    })
}
