//! The table `source_contact`: one row a source, written over and over.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::{rows, unavailable};
use crate::mailbox::SourceId;
use crate::store::{Contact, Stored};

pub(super) fn made(transaction: &Transaction<'_>, source: &SourceId, at: Timestamp) -> Stored<()> {
    transaction
        .prepare_cached(
            "INSERT INTO source_contact (source, contact_at) VALUES (?1, ?2)
             ON CONFLICT (source) DO UPDATE SET contact_at = excluded.contact_at, failing_since = NULL, why = ''",
        )
        .and_then(|mut statement| statement.execute(params![source.0, at.as_microsecond()]))
        .map(drop)
        .map_err(|error| unavailable("noting the contact with a source", error))
}

pub(super) fn missed(
    transaction: &Transaction<'_>,
    source: &SourceId,
    why: &str,
    at: Timestamp,
) -> Stored<()> {
    transaction
        .prepare_cached(
            "INSERT INTO source_contact (source, failing_since, why) VALUES (?1, ?2, ?3)
             ON CONFLICT (source) DO UPDATE SET failing_since = coalesce(failing_since, excluded.failing_since),
                                                why = excluded.why",
        )
        .and_then(|mut statement| statement.execute(params![source.0, at.as_microsecond(), why]))
        .map(drop)
        .map_err(|error| unavailable("noting the contact with a source", error))
}

pub(super) fn all(connection: &Connection) -> Stored<Vec<Contact>> {
    let read = || -> rusqlite::Result<Vec<Contact>> {
        let mut statement = connection.prepare_cached(
            "SELECT source, contact_at, failing_since, why FROM source_contact ORDER BY source",
        )?;
        let found = statement.query_map([], |row| {
            let why: String = row.get(3)?;
            Ok(Contact {
                source: SourceId(row.get(0)?),
                contact_at: rows::instant_opt(row, 1)?,
                failing: rows::instant_opt(row, 2)?.map(|since| (since, why)),
            })
        })?;
        found.collect()
    };
    read().map_err(|error| unavailable("looking for the contact with sources", error))
}
