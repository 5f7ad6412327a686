//! The operator's figures: what waits, by partial indexes, and what was done, by counting journal rows once each.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::lost::LOST;
use super::{rows, unavailable};
use crate::journal::Kind;
use crate::screening::Outcome;
use crate::store::{Queue, Stored, Tally, Waiting};

/// Every part reads an index that holds only what waits.
pub(super) fn waiting(connection: &Connection) -> Stored<Waiting> {
    let read = || -> rusqlite::Result<Waiting> {
        connection
            .prepare_cached(&format!(
                "SELECT u.*, r.*, l.*, h.*, (SELECT count(*) FROM letter l WHERE l.state = 'given-up' AND {LOST}), s.*,
                        (SELECT count(*) FROM letter l WHERE l.delivery = 'bounced' AND l.state = 'sent' AND {LOST})
                 FROM (SELECT count(*), min(kept_at) FROM mail WHERE outcome IS NULL) u,
                      (SELECT count(*), min(e.registered_at), coalesce(sum(r.attempts > 0), 0)
                         FROM receipt r JOIN entry e USING (register, year, number) WHERE r.state = 'owed') r,
                      (SELECT count(*), min(queued_at), coalesce(sum(last_answer IS NOT NULL), 0)
                                + (SELECT count(*) FROM answer WHERE state = 'owed' AND attempts > 0)
                         FROM letter WHERE state = 'queued') l,
                      (SELECT count(*), min(decided_at) FROM mail WHERE outcome = 'held') h,
                      (SELECT count(*), min(shown_at) FROM sighting WHERE kept = 0) s",
            ))?
            .query_row([], |row| {
                Ok(Waiting {
                    awaited: queue(row, 11)?,
                    undecided: queue(row, 0)?,
                    receipts: queue(row, 2)?,
                    receipts_failing: rows::size(row, 4)?,
                    letters: queue(row, 5)?,
                    letters_failing: rows::size(row, 7)?,
                    held: queue(row, 8)?,
                    letters_given_up: rows::size(row, 10)?,
                    letters_bounced: rows::size(row, 13)?,
                })
            })
    };
    read().map_err(|error| unavailable("counting what waits", error))
}

/// A count and the oldest instant beside it.
fn queue(row: &Row<'_>, column: usize) -> rusqlite::Result<Queue> {
    Ok(Queue {
        count: rows::size(row, column)?,
        oldest: rows::instant_opt(row, column + 1)?,
    })
}

/// Counts at most `rows_max` more rows than `before`; from the beginning where `before` is not of this journal.
pub(super) fn tally(connection: &Connection, before: Tally, rows_max: u64) -> Stored<Tally> {
    let failed = |error| unavailable("counting what was done", error);
    let mut tally = if belongs(connection, &before).map_err(failed)? {
        before
    } else {
        Tally::default()
    };
    let from = tally.journal_seq;
    let upto = from.saturating_add(i64::try_from(rows_max).unwrap_or(i64::MAX));
    let last: Option<(i64, String)> = connection
        .prepare_cached(
            "SELECT seq, hash FROM journal WHERE seq > ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1",
        )
        .and_then(|mut statement| {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            statement.query_row(params![from, upto], row).optional()
        })
        .map_err(failed)?;
    let Some((seq, hash)) = last else {
        tally.is_complete = true;
        return Ok(tally);
    };
    add(connection, &mut tally, from, seq)?;
    (tally.journal_seq, tally.journal_hash) = (seq, hash);
    tally.is_complete = seq < upto;
    Ok(tally)
}

/// Whether the journal still has the row at which the tally stopped.
fn belongs(connection: &Connection, tally: &Tally) -> rusqlite::Result<bool> {
    if tally.journal_seq == 0 {
        return Ok(true);
    }
    connection
        .prepare_cached("SELECT 1 FROM journal WHERE seq = ?1 AND hash = ?2")?
        .exists(params![tally.journal_seq, tally.journal_hash])
}

/// Adds the rows after `from`, up to `upto`.
fn add(connection: &Connection, tally: &mut Tally, from: i64, upto: i64) -> Stored<()> {
    let failed = |error| unavailable("counting what was done", error);
    let mut statement = connection
        .prepare_cached(
            "SELECT j.kind, m.source, json_extract(j.body, '$.outcome'), count(*), max(j.at)
             FROM journal j LEFT JOIN mail m ON j.subject GLOB 'mail/*' AND m.seq = CAST(substr(j.subject, 6) AS INTEGER)
             WHERE j.seq > ?1 AND j.seq <= ?2 AND j.kind IN (?3, ?4, ?5, ?6, ?7) GROUP BY 1, 2, 3",
        )
        .map_err(failed)?;
    let kinds = [
        Kind::MailKept,
        Kind::MailDecided,
        Kind::MailDiscarded,
        Kind::LetterSent,
        Kind::LetterGivenUp,
    ]
    .map(Kind::as_str);
    let [kept, decided, discarded, sent, given_up] = kinds;
    let mut found = statement
        .query(params![from, upto, kept, decided, discarded, sent, given_up])
        .map_err(failed)?;
    while let Some(row) = found.next().map_err(failed)? {
        let counted = Counted::read(row).map_err(failed)?;
        let Counted {
            kind,
            source,
            outcome,
            count,
            at,
        } = counted;
        if kind == sent {
            tally.letters_sent += count;
        } else if kind == given_up {
            tally.letters_given_up += count;
        } else {
            // A mail that somebody has taken out: the ledger names it, and this must not hide that.
            let Some(source) = source else { continue };
            if kind == kept {
                tally.last_mail.insert(source, at);
            } else {
                // A clerk's discarding is written without the outcome that it always has.
                let outcome = outcome.unwrap_or_else(|| Outcome::Ignored.as_str().to_owned());
                *tally.decided.entry((source, outcome)).or_default() += count;
            }
        }
    }
    Ok(())
}

/// Rows of one kind, about mails of one source, with one outcome.
struct Counted {
    kind: String,
    source: Option<String>,
    outcome: Option<String>,
    count: u64,
    at: Timestamp,
}

impl Counted {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            kind: row.get(0)?,
            source: row.get(1)?,
            outcome: row.get(2)?,
            count: rows::size(row, 3)?,
            at: rows::instant(row, 4)?,
        })
    }
}
