//! The table `sighting`: what sources list, noted before its bytes are asked for; what gives no bytes; and the equation
//! of a period between this table and `mail`.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;

use super::journal_rows::append;
use super::{mails, rows, unavailable};
use crate::digest::MisfitFault;
use crate::journal::Kind;
use crate::mailbox::{Extent, SourceId, SourceKey};
use crate::store::{
    Account, Bodiless, Footing, Gone, Known, Ledger, Listing, MISFITS_MAX, Misfit, Stored, Unread,
};

/// Which of these messages are mails.
pub(super) fn mails_known(
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

/// What is to be written when a source has been listed.
#[derive(Debug, Default)]
pub(super) struct News {
    new: Vec<SourceKey>,
    /// Wanted messages, with how often in a row they were not listed.
    absent: Vec<(SourceKey, u32)>,
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.absent.is_empty()
    }
}

/// What is known of the keys, and what is to be written about them. Only reads.
pub(super) fn look(
    connection: &Connection,
    source: &SourceId,
    keys: &[SourceKey],
    at: Timestamp,
) -> Stored<(Listing, News)> {
    let read = || -> rusqlite::Result<(Listing, News)> {
        let mut statement = connection.prepare_cached(
            "SELECT s.shown_at, s.attempts, s.next_at, s.kept, m.extent, m.recalled, m.reason
             FROM sighting s LEFT JOIN mail m ON m.source = s.source AND m.source_key = s.source_key
             WHERE s.source = ?1 AND s.source_key = ?2",
        )?;
        let (mut listing, mut news) = (Listing::default(), News::default());
        for key in keys {
            let found = statement
                .query_row(params![source.0, key.0], |row| known(row, key))
                .optional()?;
            listing.known.push(found.unwrap_or_else(|| {
                news.new.push(key.clone());
                Known {
                    key: key.clone(),
                    shown_at: at,
                    attempts: 0,
                    next_at: Timestamp::UNIX_EPOCH,
                    footing: Footing::Awaited,
                }
            }));
        }
        listing.new = news.new.len();
        let listed: HashSet<&SourceKey> = keys.iter().collect();
        for (key, shown_at, absent, is_recalled) in wanted(connection, source)? {
            let now = if listed.contains(&key) { 0 } else { absent + 1 };
            if now != absent {
                news.absent.push((key.clone(), now));
            }
            if now > 0 {
                listing.gone.push(Gone {
                    key,
                    shown_at,
                    absent: now,
                    is_recalled,
                });
            }
        }
        Ok((listing, news))
    };
    read().map_err(|error| unavailable("looking up messages", error))
}

fn known(row: &Row<'_>, key: &SourceKey) -> rusqlite::Result<Known> {
    let is_kept: bool = row.get(3)?;
    let footing = match row.get::<_, Option<String>>(4)? {
        Some(_) => Footing::Kept {
            extent: rows::extent(row, 4)?,
            is_recalled: row.get(5)?,
            reason: match row.get::<_, Option<String>>(6)? {
                None => None,
                Some(text) => Some(rows::reason(&text, 6)?),
            },
        },
        None if is_kept => Footing::Lost,
        None => Footing::Awaited,
    };
    Ok(Known {
        key: key.clone(),
        shown_at: rows::instant(row, 0)?,
        attempts: row.get(1)?,
        next_at: rows::instant(row, 2)?,
        footing,
    })
}

/// The messages of a source whose bytes are still wanted; there are few at any time.
fn wanted(
    connection: &Connection,
    source: &SourceId,
) -> rusqlite::Result<Vec<(SourceKey, Timestamp, u32, bool)>> {
    let mut statement = connection.prepare_cached(
        "SELECT source_key, shown_at, absent, 0 FROM sighting INDEXED BY sighting_awaited
         WHERE kept = 0 AND source = ?1
         UNION ALL
         SELECT s.source_key, s.shown_at, s.absent, 1
         FROM mail m INDEXED BY mail_recalled JOIN sighting s ON s.source = m.source AND s.source_key = m.source_key
         WHERE m.recalled = 1 AND m.source = ?1",
    )?;
    let found = statement.query_map([&source.0], |row| {
        Ok((
            SourceKey(row.get(0)?),
            rows::instant(row, 1)?,
            row.get(2)?,
            row.get(3)?,
        ))
    })?;
    found.collect()
}

/// Those that were not noted, or were kept and are no mail.
pub(super) fn lost(connection: &Connection, source: &SourceId, keys: &[SourceKey]) -> Stored<Vec<SourceKey>> {
    let (listing, news) = look(connection, source, keys, Timestamp::UNIX_EPOCH)?;
    let lost = listing
        .known
        .into_iter()
        .filter(|one| one.footing == Footing::Lost);
    Ok(news.new.into_iter().chain(lost.map(|one| one.key)).collect())
}

/// Writes what [`look`] has found to be new.
pub(super) fn note(
    transaction: &Transaction<'_>,
    source: &SourceId,
    news: &News,
    at: Timestamp,
) -> Stored<()> {
    let write = || -> rusqlite::Result<()> {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO sighting (source, source_key, shown_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (source, source_key) DO NOTHING",
        )?;
        for key in &news.new {
            insert.execute(params![source.0, key.0, at.as_microsecond()])?;
        }
        let mut count = transaction
            .prepare_cached("UPDATE sighting SET absent = ?3 WHERE source = ?1 AND source_key = ?2")?;
        for (key, absent) in &news.absent {
            count.execute(params![source.0, key.0, absent])?;
        }
        Ok(())
    };
    write().map_err(|error| unavailable("noting what a source shows", error))
}

/// A row of `mail` has been made of it. One that nobody had noted is noted now.
pub(super) fn mark_kept(
    transaction: &Transaction<'_>,
    source: &SourceId,
    key: &SourceKey,
    at: Timestamp,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO sighting (source, source_key, shown_at, kept) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT (source, source_key) DO UPDATE SET kept = 1, attempts = 0, next_at = 0, absent = 0, why = ''",
        )?
        .execute(params![source.0, key.0, at.as_microsecond()])?;
    Ok(())
}

/// It is asked for again at the next pass, and counted from the beginning.
pub(super) fn ask_again(transaction: &Transaction<'_>, mail_seq: i64) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE sighting SET attempts = 0, next_at = 0, absent = 0
         WHERE (source, source_key) = (SELECT source, source_key FROM mail WHERE seq = ?1)",
        [mail_seq],
    )?;
    Ok(())
}

/// Counts attempts that brought no bytes.
pub(super) fn unread(transaction: &Transaction<'_>, source: &SourceId, unread: &[Unread]) -> Stored<()> {
    let write = || -> rusqlite::Result<()> {
        let mut statement = transaction.prepare_cached(
            "UPDATE sighting SET attempts = attempts + 1, why = ?3, next_at = ?4
             WHERE source = ?1 AND source_key = ?2",
        )?;
        for one in unread {
            statement.execute(params![
                source.0,
                one.key.0,
                one.why,
                one.next_at.as_microsecond()
            ])?;
        }
        Ok(())
    };
    write().map_err(|error| unavailable("counting failed attempts to fetch", error))
}

/// Messages come to their outcome without bytes. One that has bytes meanwhile is passed over.
pub(super) fn bodiless(
    transaction: &Transaction<'_>,
    given_up: &[Bodiless],
    at: Timestamp,
) -> Stored<Vec<i64>> {
    let error = |error| unavailable("recording a message without bytes", error);
    let mut made = Vec::new();
    for one in given_up {
        let (seq, is_new) = match mails::place_of(transaction, &one.arrival).map_err(error)? {
            mails::Place::None => (
                mails::insert_bare(transaction, &one.arrival, at).map_err(error)?,
                true,
            ),
            mails::Place::Incomplete(seq) => (seq, false),
            mails::Place::Done => continue,
        };
        let detail = told_of(transaction, seq, one).map_err(error)?;
        transaction
            .execute(
                "UPDATE mail SET outcome = ?2, reason = ?3, detail = ?4, decided_at = ?5, replies = 0, recalled = 0
                 WHERE seq = ?1",
                params![
                    seq,
                    one.reason.outcome().as_str(),
                    one.reason.as_str(),
                    detail,
                    at.as_microsecond()
                ],
            )
            .map_err(error)?;
        let subject = || format!("mail/{seq}");
        if is_new {
            append(
                transaction,
                at,
                Kind::MailKept,
                subject(),
                mails::kept_body(&one.arrival),
            )?;
        }
        let body = json!({"outcome": one.reason.outcome().as_str(), "reason": one.reason.as_str()});
        append(transaction, at, Kind::MailDecided, subject(), body)?;
        made.push(seq);
    }
    Ok(made)
}

/// The detail of a message without bytes; where its header is here again under another key, the mail that has it.
fn told_of(transaction: &Transaction<'_>, seq: i64, one: &Bodiless) -> rusqlite::Result<String> {
    let again: Option<i64> = transaction
        .prepare_cached("SELECT max(seq) FROM mail WHERE duplicate_of = ?1 AND extent = 'header-only'")?
        .query_row([seq], |row| row.get(0))?;
    Ok(match again {
        Some(again) => format!("{}; același antet are mesajul {again}", one.detail),
        None => one.detail.clone(),
    })
}

/// The equation of a period; both sides are read at one instant.
pub(super) fn ledger(connection: &Connection, from: Timestamp, to: Timestamp) -> Stored<Ledger> {
    let read = || -> rusqlite::Result<Ledger> {
        let instant = connection.unchecked_transaction()?;
        let period = [from.as_microsecond(), to.as_microsecond()];
        let mut ledger = Ledger::default();
        shown(&instant, period, &mut ledger.sources)?;
        became(&instant, period, &mut ledger.sources)?;
        misfits(&instant, period, &mut ledger)?;
        Ok(ledger)
    };
    read().map_err(|error| unavailable("balancing the messages shown", error))
}

fn shown(
    connection: &Connection,
    period: [i64; 2],
    sources: &mut BTreeMap<SourceId, Account>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT source, count(*), sum(kept = 0) FROM sighting WHERE shown_at >= ?1 AND shown_at < ?2 GROUP BY source",
    )?;
    let mut found = statement.query(period)?;
    while let Some(row) = found.next()? {
        let account = sources.entry(SourceId(row.get(0)?)).or_default();
        (account.shown, account.awaited) = (rows::size(row, 1)?, rows::size(row, 2)?);
    }
    Ok(())
}

/// A mail belongs to the period in which its message was first listed; where nobody noted that, to the one in which it was
/// kept.
const MAILS_OF_PERIOD: &str = "SELECT m.source, m.source_key, m.outcome, 1 AS noted, s.kept FROM sighting s
     JOIN mail m ON m.source = s.source AND m.source_key = s.source_key
     WHERE s.shown_at >= ?1 AND s.shown_at < ?2
     UNION ALL
     SELECT m.source, m.source_key, m.outcome, 0, 1 FROM mail m WHERE m.kept_at >= ?1 AND m.kept_at < ?2
       AND NOT EXISTS (SELECT 1 FROM sighting s WHERE s.source = m.source AND s.source_key = m.source_key)";

fn became(
    connection: &Connection,
    period: [i64; 2],
    sources: &mut BTreeMap<SourceId, Account>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT source, outcome, count(*) FROM ({MAILS_OF_PERIOD}) GROUP BY source, outcome"
    ))?;
    let mut found = statement.query(period)?;
    while let Some(row) = found.next()? {
        let outcome = match row.get::<_, Option<String>>(1)? {
            None => None,
            Some(text) => Some(rows::outcome(&text, 1)?),
        };
        let account = sources.entry(SourceId(row.get(0)?)).or_default();
        account.mails.insert(outcome, rows::size(row, 2)?);
    }
    Ok(())
}

fn misfits(connection: &Connection, period: [i64; 2], ledger: &mut Ledger) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT source, source_key, 'mail' FROM sighting s WHERE s.shown_at >= ?1 AND s.shown_at < ?2 AND s.kept = 1
           AND NOT EXISTS (SELECT 1 FROM mail m WHERE m.source = s.source AND m.source_key = s.source_key)
         UNION ALL
         SELECT source, source_key, iif(noted, 'awaited', 'sighting') FROM ({MAILS_OF_PERIOD})
           WHERE noted = 0 OR kept = 0
         ORDER BY 1, 2"
    ))?;
    let mut found = statement.query(period)?;
    while let Some(row) = found.next()? {
        ledger.misfits_total += 1;
        if ledger.misfits.len() < MISFITS_MAX {
            ledger.misfits.push(Misfit {
                source: SourceId(row.get(0)?),
                key: SourceKey(row.get(1)?),
                fault: match row.get::<_, String>(2)?.as_str() {
                    "mail" => MisfitFault::MailMissing,
                    "sighting" => MisfitFault::SightingMissing,
                    _ => MisfitFault::StillAwaited,
                },
            });
        }
    }
    Ok(())
}
