//! The tables `mail`, `document`, `series` and `entry` from the side of the mails.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;

use super::journal_rows::{append, append_event};
use super::{registering, rows, unavailable};
use crate::journal::{Event, Kind};
use crate::mailbox::{Extent, SourceId, SourceKey};
use crate::registry::{Decided, Entry, FileRecord, Summary};
use crate::screening::{Outcome, Reason};
use crate::store::{
    Arrival, Desk, HeldAct, MailDecision, MailRecord, MailVerdict, OutcomeCount, StoreError, Stored,
    Undecided,
};

/// Which mails are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    All,
    One(i64),
    Held,
}

pub(super) fn known(
    connection: &Connection,
    source: &SourceId,
    keys: &[SourceKey],
) -> Stored<Vec<(SourceKey, Extent)>> {
    let read = || -> rusqlite::Result<Vec<(SourceKey, Extent)>> {
        let mut statement = connection.prepare_cached(
            "SELECT CASE WHEN outcome IS NULL OR outcome = 'held' THEN extent ELSE 'whole' END
             FROM mail WHERE source = ?1 AND source_key = ?2",
        )?;
        let mut found = Vec::new();
        for key in keys {
            let extent = statement
                .query_row(params![source.0, key.0], |row| rows::extent(row, 0))
                .optional()?;
            found.extend(extent.map(|extent| (key.clone(), extent)));
        }
        Ok(found)
    };
    read().map_err(|error| unavailable("looking up messages", error))
}

pub(super) fn keep(transaction: &Transaction<'_>, arrivals: &[Arrival], at: Timestamp) -> Stored<()> {
    for arrival in arrivals {
        let seq = insert(transaction, arrival, at).map_err(|error| unavailable("keeping a mail", error))?;
        let Some((seq, duplicate_of, sight)) = seq else {
            continue;
        };
        let mut body = json!({
            "source": arrival.sighting.source.0, "key": arrival.sighting.key.0, "sha256": arrival.sha256,
            "size": arrival.size_bytes, "received_at": arrival.received_at.as_microsecond(),
        });
        if sight == Sight::Again {
            body["again"] = true.into();
        }
        append(transaction, at, Kind::MailKept, format!("mail/{seq}"), body)?;
        if let Some(first) = duplicate_of {
            let body = json!({"outcome": "ignored", "reason": "duplicate", "duplicate_of": first});
            append(transaction, at, Kind::MailDecided, format!("mail/{seq}"), body)?;
        }
    }
    Ok(())
}

/// Whether a message is counted as shown: the rest of one of which only the header was kept is not shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    First,
    Again,
}

/// The new row's place, and the first mail with the same bytes; `None` where the key is known already.
fn insert(
    transaction: &Transaction<'_>,
    arrival: &Arrival,
    at: Timestamp,
) -> rusqlite::Result<Option<(i64, Option<i64>, Sight)>> {
    let key = params![arrival.sighting.source.0, arrival.sighting.key.0];
    let known: Option<(i64, Extent)> = transaction
        .prepare_cached("SELECT seq, extent FROM mail WHERE source = ?1 AND source_key = ?2")?
        .query_row(key, |row| Ok((row.get(0)?, rows::extent(row, 1)?)))
        .optional()?;
    match (known, arrival.extent) {
        (None, _) => {}
        (Some((seq, Extent::HeaderOnly | Extent::Nothing)), Extent::Whole) => {
            return complete(transaction, seq, arrival);
        }
        (Some(_), Extent::Whole | Extent::HeaderOnly | Extent::Nothing) => return Ok(None),
    }
    let first: Option<i64> = transaction
        .prepare_cached("SELECT seq FROM mail WHERE sha256 = ?1 AND duplicate_of IS NULL")?
        .query_row([&arrival.sha256], |row| row.get(0))
        .optional()?;
    let decided = first.map(|_| (Outcome::Ignored.as_str(), Reason::Duplicate.as_str()));
    transaction
        .prepare_cached(
            "INSERT INTO mail (source, source_key, sha256, size_bytes, extent, received_at, kept_at, duplicate_of,
                               outcome, reason, detail, decided_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
        ])?;
    Ok(Some((transaction.last_insert_rowid(), first, Sight::First)))
}

/// The rest of an oversized mail has come: it is decided again, whole.
fn complete(
    transaction: &Transaction<'_>,
    seq: i64,
    arrival: &Arrival,
) -> rusqlite::Result<Option<(i64, Option<i64>, Sight)>> {
    let changed = transaction.execute(
        "UPDATE mail SET extent = 'whole', sha256 = ?2, size_bytes = ?3, outcome = NULL, reason = NULL, detail = '',
                decided_at = NULL
         WHERE seq = ?1 AND outcome = 'held' AND NOT EXISTS (SELECT 1 FROM mail WHERE sha256 = ?2 AND duplicate_of IS NULL)",
        params![seq, arrival.sha256, arrival.size_bytes as i64],
    )?;
    Ok((changed > 0).then_some((seq, None, Sight::Again)))
}

pub(super) fn undecided(connection: &Connection, limit: usize) -> Stored<Vec<Undecided>> {
    let read = || -> rusqlite::Result<Vec<Undecided>> {
        let mut statement = connection.prepare_cached(
            "SELECT seq, source, sha256, size_bytes, received_at, extent, standing, attempts
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
        let (Some(draft), Some(opening)) = (&decided.draft, &verdict.opening) else {
            continue;
        };
        let seq = verdict.mail_seq;
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
        summary,
        files,
        draft: _,
        joins: _,
    } = &verdict.decided;
    let changed = transaction
        .prepare_cached(
            "UPDATE mail SET outcome = ?2, reason = ?3, detail = '', replies = ?4, decided_at = ?5, sender_name = ?6, sender = ?7,
                    subject = ?8, header_date = ?9, message_id = ?10, reference_ids = ?11
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

pub(super) fn held_act(transaction: &Transaction<'_>, act: &HeldAct) -> Stored<()> {
    let error = |error| unavailable("recording a clerk's act", error);
    let found: Option<(Option<String>, Extent)> = transaction
        .query_row(
            "SELECT outcome, extent FROM mail WHERE seq = ?1",
            [act.mail_seq],
            |row| Ok((row.get(0)?, rows::extent(row, 1)?)),
        )
        .optional()
        .map_err(error)?;
    let refused = |why: &str| Err(StoreError::Refused(format!("mail {} {why}", act.mail_seq)));
    match found {
        None => return refused("is not there; see `recipisa held`"),
        Some((None, _)) => return refused("is not held: it still waits for its decision"),
        Some((Some(outcome), _)) if outcome != Outcome::Held.as_str() => {
            return refused(&format!("is not held: it is {outcome}"));
        }
        Some((Some(_), Extent::HeaderOnly | Extent::Nothing)) if act.desk == Desk::Release => {
            return refused(
                "is larger than mail_bytes_max, and only its header is here; raise the limit, and it comes whole \
                 at the next poll, or ask the citizen to send it in parts and discard it",
            );
        }
        Some((Some(_), Extent::HeaderOnly | Extent::Nothing | Extent::Whole)) => {}
    }
    let (kind, body) = match &act.desk {
        Desk::Release => {
            transaction
                .execute(
                    "UPDATE mail SET outcome = NULL, reason = NULL, decided_at = NULL, attempts = 0, detail = '',
                            standing = 'released' WHERE seq = ?1",
                    [act.mail_seq],
                )
                .map_err(error)?;
            (Kind::MailReleased, json!({}))
        }
        Desk::Discard { reason } => {
            transaction
                .execute(
                    "UPDATE mail SET outcome = 'ignored', reason = ?2, detail = ?3, decided_at = ?4, replies = 0
                     WHERE seq = ?1",
                    params![act.mail_seq, Reason::Discarded.as_str(), reason, act.at.as_microsecond()],
                )
                .map_err(error)?;
            (Kind::MailDiscarded, json!({"reason": reason}))
        }
    };
    let subject = format!("mail/{}", act.mail_seq);
    append_event(
        transaction,
        &Event {
            at: act.at,
            actor: act.actor.clone(),
            kind,
            subject,
            body,
        },
    )
}

/// How many mails kept in a period came to which outcome.
pub(super) fn outcomes(connection: &Connection, from: Timestamp, to: Timestamp) -> Stored<Vec<OutcomeCount>> {
    let read = || -> rusqlite::Result<Vec<OutcomeCount>> {
        let mut statement = connection.prepare_cached(
            "SELECT source, outcome, count(*) FROM mail WHERE kept_at >= ?1 AND kept_at < ?2
             GROUP BY source, outcome ORDER BY source, outcome",
        )?;
        let found = statement.query_map([from.as_microsecond(), to.as_microsecond()], |row| {
            Ok(OutcomeCount {
                source: SourceId(row.get(0)?),
                outcome: match row.get::<_, Option<String>>(1)? {
                    None => None,
                    Some(text) => Some(rows::outcome(&text, 1)?),
                },
                mails: rows::size(row, 2)?,
            })
        })?;
        found.collect()
    };
    read().map_err(|error| unavailable("counting outcomes", error))
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
                    e.register, e.number, e.registered_on, s.ordinal
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
