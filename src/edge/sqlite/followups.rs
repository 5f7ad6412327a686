//! The table `followup`: letters planned in cases, done or made void.

use jiff::Timestamp;
use rusqlite::{Connection, Row, Transaction, params};
use serde_json::json;

use super::journal_rows::append;
use super::{letters, rows, unavailable};
use crate::followup::{Kind, Planned};
use crate::journal;
use crate::outbox::Outgoing;
use crate::registry::Number;
use crate::store::{FollowupDue, FollowupRecord, FollowupState, FollowupTrouble, Stored};

/// Writes what an act has planned.
pub(super) fn plan(transaction: &Transaction<'_>, number: &Number, planned: &[Planned]) -> Stored<()> {
    let write = || -> rusqlite::Result<()> {
        let mut statement = transaction.prepare_cached(
            "INSERT INTO followup (register, year, number, kind, ordinal, due_at, next_at, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 'planned')",
        )?;
        for one in planned {
            statement.execute(params![
                number.register,
                number.date.year(),
                number.number as i64,
                one.kind.as_str(),
                one.ordinal,
                one.due_at.as_microsecond()
            ])?;
        }
        Ok(())
    };
    write().map_err(|error| unavailable("planning letters", error))
}

/// Makes void what is planned of these kinds, and the letters that are written already and have not gone out.
pub(super) fn void(
    transaction: &Transaction<'_>,
    number: &Number,
    kinds: &[Kind],
    at: Timestamp,
) -> Stored<()> {
    for kind in kinds {
        let ordinals = transaction
            .prepare_cached(
                "UPDATE followup SET state = 'void', settled_at = ?5
                 WHERE register = ?1 AND year = ?2 AND number = ?3 AND kind = ?4 AND state = 'planned'
                 RETURNING ordinal",
            )
            .and_then(|mut statement| {
                let key = params![
                    number.register,
                    number.date.year(),
                    number.number as i64,
                    kind.as_str(),
                    at.as_microsecond()
                ];
                let found = statement.query_map(key, |row| row.get::<_, u32>(0))?;
                found.collect::<rusqlite::Result<Vec<_>>>()
            })
            .map_err(|error| unavailable("making planned letters void", error))?;
        for ordinal in ordinals {
            tell_void(transaction, number, *kind, ordinal, at)?;
        }
    }
    letters::void(transaction, number, kinds, at)
}

pub(super) fn due(connection: &Connection, now: Timestamp, limit: usize) -> Stored<Vec<FollowupDue>> {
    let read = || -> rusqlite::Result<Vec<FollowupDue>> {
        let mut statement = connection.prepare_cached(
            "SELECT f.register, f.number, e.registered_on, f.kind, f.ordinal, f.due_at, f.attempts
             FROM followup f JOIN entry e ON e.register = f.register AND e.year = f.year AND e.number = f.number
             WHERE f.state = 'planned' AND f.next_at <= ?1 ORDER BY f.next_at LIMIT ?2",
        )?;
        let found = statement.query_map(params![now.as_microsecond(), limit as i64], |row| {
            Ok(FollowupDue {
                number: rows::number(row, 0)?,
                planned: planned_at(row, 3)?,
                attempts: row.get(6)?,
            })
        })?;
        found.collect()
    };
    read().map_err(|error| unavailable("looking for letters to write", error))
}

/// Kind, ordinal and time in three columns from `first` on.
fn planned_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Planned> {
    Ok(Planned {
        kind: rows::one_of(row, first, &Kind::ALL, Kind::as_str)?,
        ordinal: row.get(first + 1)?,
        due_at: rows::instant(row, first + 2)?,
    })
}

/// Changes a letter that is still planned; `?6` and `?7` are `values`. Returns whether there was one.
fn change(
    transaction: &Transaction<'_>,
    due: &FollowupDue,
    doing: &'static str,
    set: &str,
    values: (Option<i64>, Option<&str>),
) -> Stored<bool> {
    let number = &due.number;
    let changed = transaction
        .execute(
            &format!(
                "UPDATE followup SET {set}
                 WHERE register = ?1 AND year = ?2 AND number = ?3 AND kind = ?4 AND ordinal = ?5
                   AND state = 'planned' AND ?6 IS ?6 AND ?7 IS ?7"
            ),
            params![
                number.register,
                number.date.year(),
                number.number as i64,
                due.planned.kind.as_str(),
                due.planned.ordinal,
                values.0,
                values.1
            ],
        )
        .map_err(|error| unavailable(doing, error))?;
    Ok(changed > 0)
}

pub(super) fn done(
    transaction: &Transaction<'_>,
    due: &FollowupDue,
    letter: &Outgoing,
    at: Timestamp,
) -> Stored<bool> {
    let (doing, at) = ("recording a letter as written", at.as_microsecond());
    let set = "state = 'done', settled_at = ?6, last_error = NULL";
    if !change(transaction, due, doing, set, (Some(at), None))? {
        return Ok(false);
    }
    letters::queue(transaction, letter)?;
    Ok(true)
}

pub(super) fn put_off(transaction: &Transaction<'_>, due: &FollowupDue, until: Timestamp) -> Stored<()> {
    let (doing, until) = ("putting a planned letter off", until.as_microsecond());
    change(transaction, due, doing, "next_at = ?6", (Some(until), None)).map(|_| ())
}

fn tell_void(
    transaction: &Transaction<'_>,
    number: &Number,
    kind: Kind,
    ordinal: u32,
    at: Timestamp,
) -> Stored<()> {
    let body = json!({"kind": kind.as_str(), "ordinal": ordinal});
    let subject = format!("entry/{}", number.key());
    append(transaction, at, journal::Kind::FollowupVoid, subject, body)
}

/// Makes one planned letter void.
pub(super) fn void_one(transaction: &Transaction<'_>, due: &FollowupDue, at: Timestamp) -> Stored<()> {
    let doing = "making a planned letter void";
    let set = "state = 'void', settled_at = ?6";
    if !change(transaction, due, doing, set, (Some(at.as_microsecond()), None))? {
        return Ok(());
    }
    tell_void(
        transaction,
        &due.number,
        due.planned.kind,
        due.planned.ordinal,
        at,
    )
}

pub(super) fn failed(
    transaction: &Transaction<'_>,
    due: &FollowupDue,
    why: &str,
    retry_at: Timestamp,
) -> Stored<()> {
    let doing = "counting a letter that could not be written";
    let set = "attempts = attempts + 1, last_error = ?7, next_at = ?6";
    change(
        transaction,
        due,
        doing,
        set,
        (Some(retry_at.as_microsecond()), Some(why)),
    )
    .map(|_| ())
}

/// Planned letters that could not be written so far.
pub(super) fn troubled(connection: &Connection) -> Stored<Vec<FollowupTrouble>> {
    let read = || -> rusqlite::Result<Vec<FollowupTrouble>> {
        let mut statement = connection.prepare_cached(
            "SELECT f.register, f.number, e.registered_on, f.kind, f.ordinal, f.due_at, f.last_error, e.office,
                    e.applicant, m.sender
             FROM followup f JOIN entry e ON e.register = f.register AND e.year = f.year AND e.number = f.number
             JOIN mail m ON m.seq = e.mail_seq
             WHERE f.state = 'planned' AND f.attempts > 0 ORDER BY f.due_at",
        )?;
        let found = statement.query_map([], |row| {
            Ok(FollowupTrouble {
                number: rows::number(row, 0)?,
                planned: planned_at(row, 3)?,
                last_error: row.get(6)?,
                office: row.get(7)?,
                applicant: row.get(8)?,
                to: row.get(9)?,
            })
        })?;
        found.collect()
    };
    read().map_err(|error| unavailable("looking for letters that could not be written", error))
}

/// All follow-ups of a case, by their time.
pub(super) fn of_case(connection: &Connection, number: &Number) -> rusqlite::Result<Vec<FollowupRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, ordinal, due_at, state, settled_at, attempts, last_error FROM followup
         WHERE register = ?1 AND year = ?2 AND number = ?3 ORDER BY due_at, kind",
    )?;
    let found = statement.query_map(
        params![number.register, number.date.year(), number.number as i64],
        |row| {
            Ok(FollowupRecord {
                planned: planned_at(row, 0)?,
                state: rows::one_of(row, 3, &FollowupState::ALL, FollowupState::as_str)?,
                settled_at: rows::instant_opt(row, 4)?,
                attempts: row.get(5)?,
                last_error: row.get(6)?,
            })
        },
    )?;
    found.collect()
}

/// What is planned in a case and not settled.
pub(super) fn planned(connection: &Connection, number: &Number) -> rusqlite::Result<Vec<Planned>> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, ordinal, due_at FROM followup
         WHERE register = ?1 AND year = ?2 AND number = ?3 AND state = 'planned' ORDER BY due_at, kind",
    )?;
    let found = statement.query_map(
        params![number.register, number.date.year(), number.number as i64],
        |row| planned_at(row, 0),
    )?;
    found.collect()
}
