//! The table `digest`, and what only digests ask for.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::{entries, letters, rows, unavailable};
use crate::casework::Answer;
use crate::registry::Number;
use crate::store::{DigestDone, EntryRecord, Stored};

/// The end of the last digest of a scope.
pub(super) fn last(connection: &Connection, scope: &str) -> Stored<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT max(until) FROM digest WHERE scope = ?1")
        .and_then(|mut statement| statement.query_row([scope], |row| rows::instant_opt(row, 0)))
        .map_err(|error| unavailable("looking for the last digest", error))
}

/// Records a digest and queues its letters; `false` where it is recorded already.
pub(super) fn done(transaction: &Transaction<'_>, digest: &DigestDone) -> Stored<bool> {
    let changed = transaction
        .execute(
            "INSERT INTO digest (scope, until, since, covers, made_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (scope, until) DO NOTHING",
            params![
                digest.scope,
                digest.until.as_microsecond(),
                digest.since.as_microsecond(),
                digest.covers,
                digest.at.as_microsecond()
            ],
        )
        .map_err(|error| unavailable("recording a digest", error))?;
    if changed == 0 {
        return Ok(false);
    }
    for letter in &digest.letters {
        letters::queue(transaction, letter)?;
    }
    Ok(true)
}

/// Clarifications answered in a period.
pub(super) fn answers(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
) -> Stored<Vec<(Number, Answer, u32)>> {
    let read = || -> rusqlite::Result<Vec<(Number, Answer, u32)>> {
        // Answers come by submissions, which are found by their time.
        let mut statement = connection.prepare_cached(
            "SELECT e.register, e.number, e.registered_on, c.answer_ordinal, c.answered_at, c.ordinal
             FROM submission s
             JOIN clarification c ON c.register = s.register AND c.year = s.year AND c.number = s.number
                                 AND c.answer_ordinal = s.ordinal
             JOIN entry e ON e.register = s.register AND e.year = s.year AND e.number = s.number
             WHERE s.registered_at >= ?1 AND s.registered_at < ?2 ORDER BY c.answered_at",
        )?;
        let found = statement.query_map([from.as_microsecond(), to.as_microsecond()], |row| {
            let answer = Answer {
                submission: row.get(3)?,
                at: rows::instant(row, 4)?,
            };
            Ok((rows::number(row, 0)?, answer, row.get(5)?))
        })?;
        found.collect()
    };
    read().map_err(|error| unavailable("looking for answers", error))
}

/// Entries and submissions whose receipt failed, or in open cases is carried by no letter.
pub(super) fn receipts_troubled(connection: &Connection) -> Stored<Vec<EntryRecord>> {
    let read = || -> rusqlite::Result<Vec<(Number, u32)>> {
        let mut statement = connection.prepare_cached(
            "SELECT e.register, e.number, e.registered_on, r.ordinal FROM receipt r
             JOIN case_file c ON c.register = r.register AND c.year = r.year AND c.number = r.number
             JOIN entry e ON e.register = r.register AND e.year = r.year AND e.number = r.number
             WHERE r.letterless = 1 AND c.closed_at IS NULL
             UNION ALL
             SELECT e.register, e.number, e.registered_on, r.ordinal FROM receipt r
             JOIN entry e ON e.register = r.register AND e.year = r.year AND e.number = r.number
             WHERE r.state = 'owed' AND r.attempts > 0",
        )?;
        let found = statement.query_map([], |row| Ok((rows::number(row, 0)?, row.get(3)?)))?;
        found.collect()
    };
    let keys = read().map_err(|error| unavailable("looking for receipts without letter", error))?;
    let mut records = Vec::with_capacity(keys.len());
    for (number, submission) in keys {
        let which = entries::Which::One(&number);
        let mut take = |record: EntryRecord| {
            if record.entry.submission == submission {
                records.push(record);
            }
        };
        if submission == 0 {
            entries::each(connection, which, &mut take)?;
        } else {
            entries::submissions_each(connection, which, &mut take)?;
        }
    }
    Ok(records)
}
