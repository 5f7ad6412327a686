//! The journal's table: appending inside a transaction, and walking it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction};
use serde_json::Value;

use super::unavailable;
use crate::journal::{Event, GENESIS, Kind, Row};
use crate::store::Stored;

/// The daemon's own name in the chain.
pub(super) const DAEMON: &str = "recipisa";

/// Appends an event of the daemon.
pub(super) fn append(
    transaction: &Transaction<'_>,
    at: Timestamp,
    kind: Kind,
    subject: String,
    body: Value,
) -> Stored<()> {
    append_event(
        transaction,
        &Event {
            at,
            actor: DAEMON.into(),
            kind,
            subject,
            body,
        },
    )
}

/// Appends an event behind the last row.
pub(super) fn append_event(transaction: &Transaction<'_>, event: &Event) -> Stored<()> {
    let write = || -> rusqlite::Result<()> {
        let last: Option<(i64, String)> = transaction
            .prepare_cached("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (seq, prev) = last.unwrap_or_else(|| (0, GENESIS.to_owned()));
        let row = Row::chain(seq + 1, &prev, event);
        transaction
            .prepare_cached(
                "INSERT INTO journal (seq, at, actor, kind, subject, body, prev_hash, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(rusqlite::params![
                row.seq,
                row.at,
                row.actor,
                row.kind,
                row.subject,
                row.body,
                row.prev_hash,
                row.hash
            ])?;
        Ok(())
    };
    write().map_err(|error| unavailable("writing the journal", error))
}

/// The rows about one subject, oldest first.
pub(super) fn about(connection: &Connection, subject: &str) -> Stored<Vec<Row>> {
    let read = || -> rusqlite::Result<Vec<Row>> {
        let mut statement = connection.prepare_cached(
            "SELECT seq, at, actor, kind, subject, body, prev_hash, hash FROM journal WHERE subject = ?1 ORDER BY seq",
        )?;
        let found = statement.query_map([subject], row)?;
        found.collect()
    };
    read().map_err(|error| unavailable("reading the journal", error))
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        seq: row.get(0)?,
        at: row.get(1)?,
        actor: row.get(2)?,
        kind: row.get(3)?,
        subject: row.get(4)?,
        body: row.get(5)?,
        prev_hash: row.get(6)?,
        hash: row.get(7)?,
    })
}

/// Walks all rows in order.
pub(super) fn each(connection: &Connection, each: &mut dyn FnMut(Row)) -> Stored<()> {
    let read = |each: &mut dyn FnMut(Row)| -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "SELECT seq, at, actor, kind, subject, body, prev_hash, hash FROM journal ORDER BY seq",
        )?;
        let mut rows = statement.query([])?;
        while let Some(found) = rows.next()? {
            each(row(found)?);
        }
        Ok(())
    };
    read(each).map_err(|error| unavailable("reading the journal", error))
}
