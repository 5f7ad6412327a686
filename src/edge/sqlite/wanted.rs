//! The table `receipt` where no letter carries an issued receipt, and a clerk wants one to.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};
use serde_json::json;

use super::journal_rows::append_event;
use super::{entries, letters, rows, unavailable};
use crate::journal::{Event, Kind};
use crate::outbox::Outgoing;
use crate::registry::Number;
use crate::store::{StoreError, Stored, Wanted};

/// Notes that letters are wanted; returns the submissions whose receipts they are to carry.
pub(super) fn want(
    transaction: &Transaction<'_>,
    number: &Number,
    actor: &str,
    at: Timestamp,
) -> Stored<Vec<u32>> {
    let error = |error| unavailable("noting that a letter is wanted", error);
    let key = params![number.register, number.date.year(), number.number as i64];
    let unreachable = transaction
        .prepare_cached(
            "SELECT 1 FROM receipt WHERE register = ?1 AND year = ?2 AND number = ?3 AND letterless = 1
                AND letterless_why IN ('no-address', 'unusable-address')",
        )
        .and_then(|mut statement| statement.exists(key))
        .map_err(error)?;
    let wanted: Vec<u32> = transaction
        .prepare_cached(
            "UPDATE receipt SET wanted = 1, next_at = 0
             WHERE register = ?1 AND year = ?2 AND number = ?3 AND letterless = 1 AND state = 'issued'
               AND letterless_why IS NOT 'no-address' AND letterless_why IS NOT 'unusable-address'
             RETURNING ordinal",
        )
        .and_then(|mut statement| {
            let found = statement.query_map(key, |row| row.get(0))?;
            found.collect()
        })
        .map_err(error)?;
    if wanted.is_empty() && unreachable {
        return Err(StoreError::Refused(
            "there is no address that a letter could go to; take the receipt with `recipisa show NUMBER --receipt FILE` \
             and hand it over another way"
                .into(),
        ));
    }
    for submission in &wanted {
        append_event(
            transaction,
            &Event {
                at,
                actor: actor.to_owned(),
                kind: Kind::ReceiptWanted,
                subject: format!("entry/{}", number.key()),
                body: json!({"submission": submission}),
            },
        )?;
    }
    Ok(wanted)
}

/// The receipts for which a letter is wanted, and due.
pub(super) fn due(connection: &Connection, now: Timestamp, limit: usize) -> Stored<Vec<Wanted>> {
    let read = || -> rusqlite::Result<Vec<Wanted>> {
        let mut statement = connection.prepare_cached(
            "SELECT r.register, r.number, e.registered_on, r.ordinal, r.sha256, r.issued_at
             FROM receipt r JOIN entry e ON e.register = r.register AND e.year = r.year AND e.number = r.number
             WHERE r.wanted = 1 AND r.next_at <= ?1 LIMIT ?2",
        )?;
        let keys = statement
            .query_map(params![now.as_microsecond(), limit as i64], |row| {
                Ok((
                    rows::number(row, 0)?,
                    row.get(3)?,
                    row.get(4)?,
                    rows::instant(row, 5)?,
                ))
            })?
            .collect::<rusqlite::Result<Vec<(Number, u32, String, Timestamp)>>>()?;
        keys.into_iter()
            .map(|(number, submission, receipt_sha256, issued_at)| {
                Ok(Wanted {
                    owing: entries::owing_of(connection, &number, submission, 0)?,
                    receipt_sha256,
                    issued_at,
                })
            })
            .collect()
    };
    read().map_err(|error| unavailable("looking for receipts that a letter is wanted for", error))
}

/// The letter is written.
pub(super) fn carried(transaction: &Transaction<'_>, wanted: &Wanted, letter: &Outgoing) -> Stored<bool> {
    let entry = &wanted.owing.entry;
    let changed = transaction
        .execute(
            "UPDATE receipt SET wanted = 0, letterless = 0, letterless_why = NULL
             WHERE register = ?1 AND year = ?2 AND number = ?3 AND ordinal = ?4 AND wanted = 1",
            params![
                entry.number.register,
                entry.number.date.year(),
                entry.number.number as i64,
                entry.submission
            ],
        )
        .map_err(|error| unavailable("recording a letter as written", error))?;
    if changed > 0 {
        letters::queue(transaction, letter)?;
    }
    Ok(changed > 0)
}

/// No server would take the address: no letter is wanted any more, and the next clerk who asks is told why.
pub(super) fn unreachable(transaction: &Transaction<'_>, wanted: &Wanted) -> Stored<()> {
    let entry = &wanted.owing.entry;
    transaction
        .execute(
            "UPDATE receipt SET wanted = 0, letterless_why = 'unusable-address'
             WHERE register = ?1 AND year = ?2 AND number = ?3 AND ordinal = ?4 AND wanted = 1",
            params![
                entry.number.register,
                entry.number.date.year(),
                entry.number.number as i64,
                entry.submission
            ],
        )
        .map_err(|error| unavailable("recording that no letter can go", error))?;
    Ok(())
}

/// The letter could not be written.
pub(super) fn failed(
    transaction: &Transaction<'_>,
    wanted: &Wanted,
    why: &str,
    retry_at: Timestamp,
) -> Stored<()> {
    let entry = &wanted.owing.entry;
    transaction
        .execute(
            "UPDATE receipt SET last_error = ?5, next_at = ?6
             WHERE register = ?1 AND year = ?2 AND number = ?3 AND ordinal = ?4 AND wanted = 1",
            params![
                entry.number.register,
                entry.number.date.year(),
                entry.number.number as i64,
                entry.submission,
                why,
                retry_at.as_microsecond()
            ],
        )
        .map_err(|error| unavailable("counting a letter that could not be written", error))?;
    Ok(())
}
