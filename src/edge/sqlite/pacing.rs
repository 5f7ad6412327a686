//! The pace of letters: those that are due and over a bound become due later, before any is claimed.
//!
//! Without bounds nothing here is read. What counts are the attempts of the last minute and the letters that are just
//! being sent.

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::{rows, unavailable};
use crate::outbox::pace::{Pace, Tried, Turn, WINDOW, domain_of};
use crate::store::Stored;

/// Gives every letter that is due its turn; those whose turn is not now become due then.
pub(super) fn put_off(transaction: &Transaction<'_>, now: Timestamp, pace: &Pace) -> Stored<()> {
    if pace.is_free() {
        return Ok(());
    }
    let work = || -> rusqlite::Result<()> {
        let due = due(transaction, now)?;
        if due.is_empty() {
            return Ok(());
        }
        let domains: Vec<String> = due.iter().map(|(_, domain)| domain.clone()).collect();
        let turns = pace.turns(now, &tried(transaction, now)?, &domains);
        let mut later = transaction.prepare_cached("UPDATE letter SET next_at = ?2 WHERE message_id = ?1")?;
        for ((id, _), turn) in due.iter().zip(turns) {
            match turn {
                Turn::Now => {}
                Turn::At(at) => {
                    later.execute(params![id, at.as_microsecond()])?;
                }
            }
        }
        Ok(())
    };
    work().map_err(|error| unavailable("pacing letters", error))
}

/// Message-ID and domain of what is due, in the order of claims.
fn due(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = transaction.prepare_cached(
        "SELECT message_id, rcpt_to FROM letter
         WHERE state = 'queued' AND next_at <= ?1 AND lease_until <= ?1 ORDER BY attempts > 0, next_at",
    )?;
    let found = statement.query_map([now.as_microsecond()], |row| {
        Ok((row.get(0)?, domain_of(&row.get::<_, String>(1)?)))
    })?;
    found.collect()
}

fn tried(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<Vec<Tried>> {
    let mut statement = transaction.prepare_cached(
        "SELECT a.finished_at, l.rcpt_to FROM attempt a JOIN letter l USING (message_id) WHERE a.finished_at > ?2
         UNION ALL
         SELECT ?1, rcpt_to FROM letter WHERE state = 'queued' AND lease_until > ?1",
    )?;
    let from = now - WINDOW;
    let found = statement.query_map([now.as_microsecond(), from.as_microsecond()], |row| {
        Ok(Tried {
            at: rows::instant(row, 0)?,
            domain: domain_of(&row.get::<_, String>(1)?),
        })
    })?;
    found.collect()
}

/// No letter to the domain goes before that.
pub(super) fn hold_back(transaction: &Transaction<'_>, domain: &str, until: Timestamp) -> Stored<()> {
    transaction
        .execute(
            "UPDATE letter SET next_at = ?2
             WHERE state = 'queued' AND next_at < ?2 AND lower(substr(rcpt_to, -length(?1) - 1)) = '@' || ?1",
            params![domain, until.as_microsecond()],
        )
        .map_err(|error| unavailable("holding letters back", error))?;
    Ok(())
}
