//! Opening the file, bringing its tables forward, and the secret that identifiers are made with.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior};

use super::unavailable;
use crate::registry::InstanceSecret;
use crate::store::{StoreError, Stored};

/// Marks the file as ours (`PRAGMA application_id`): the letters `rcps`.
const APPLICATION_ID: i32 = 0x7263_7073;
/// The CLI may hold the database for a moment; nobody holds it for long.
const BUSY: Duration = Duration::from_secs(10);
const MIGRATIONS: [&str; 3] = [
    include_str!("001_first.sql"),
    include_str!("002_cases.sql"),
    include_str!("003_mail_craft.sql"),
];

/// The connection that writes; the file is made where there is none.
pub(super) fn open_for_writing(path: &Path) -> Stored<Connection> {
    let doing = "opening the database";
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        Ok(connection)
    };
    let connection = open().map_err(|error| unavailable(doing, error))?;
    // Before anything is written: another program's file must stay as it is.
    refuse_foreign(&connection)?;
    let prepare = || -> rusqlite::Result<()> {
        use_wal(&connection)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        keep_plans(&connection)?;
        connection.pragma_update(None, "trusted_schema", false)
    };
    prepare().map_err(|error| unavailable(doing, error))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Refuses a database that another program made: with another mark, or with tables and no mark.
fn refuse_foreign(connection: &Connection) -> Stored<()> {
    let read = || -> rusqlite::Result<(i32, bool)> {
        // In this order: tables that another of us is just making come together with the mark.
        let has_tables = connection.prepare("SELECT 1 FROM sqlite_schema")?.exists([])?;
        let mark = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        Ok((mark, has_tables))
    };
    let (mark, has_tables) = read().map_err(|error| unavailable("opening the database", error))?;
    if mark == APPLICATION_ID || (mark == 0 && !has_tables) {
        return Ok(());
    }
    Err(StoreError::Refused(
        "the file is a database of another program; choose another `dir`".into(),
    ))
}

/// Switches the file to WAL, once in its life. Two programs that do it at the same instant get "busy" at once, without
/// the time-out, so it is tried again here.
fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    let mode = |connection: &Connection| {
        connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))
    };
    let mut tries = 0;
    loop {
        let switched = match mode(connection) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => connection.pragma_update(None, "journal_mode", "WAL"),
            Err(error) => Err(error),
        };
        match switched {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && tries < 500 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

/// Lets a connection keep sixteen megabytes of pages: the upper levels of all trees of a million entries.
pub(super) fn remember_more(connection: &Connection) -> Stored<()> {
    connection
        .pragma_update(None, "cache_size", -16_000)
        .map_err(|error| unavailable("opening the database", error))
}

/// A statement keeps its plan whatever values it is given; planning anew for each costs a fifth of a short query.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(|_| ())
}

/// The connection that only reads.
pub(super) fn open_for_reading(path: &Path) -> Stored<Connection> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        keep_plans(&connection)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(|error| unavailable("opening the database", error))
}

/// A connection for a look beside which no file is made. Where nobody has the database open there is no write-ahead log,
/// and the file is read as one that does not change; otherwise the log is there and is read as well.
pub(super) fn open_to_look(path: &Path) -> Stored<Connection> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if Path::new(&log).exists() {
        return understood_to_look(open_for_reading(path)?);
    }
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => uri.push((*byte).into()),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(&uri, flags)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        Ok(connection)
    };
    let connection = open().map_err(|error| unavailable("opening the database", error))?;
    understood_to_look(connection)
}

/// Refuses tables that this program would have to change first.
fn understood_to_look(connection: Connection) -> Stored<Connection> {
    refuse_foreign(&connection)?;
    if version_understood(&connection)? < VERSION {
        return Err(StoreError::Refused(
            "the database was made by an older recipisa; start the new one first, which brings it forward"
                .into(),
        ));
    }
    Ok(connection)
}

/// The connection that shows one instant, and the version of the tables that it shows. Nothing is written, and the file
/// is not brought forward: a daemon of the older program may be at work on it.
pub(super) fn open_at_an_instant(path: &Path) -> Stored<(Connection, u32)> {
    let connection = open_for_reading(path)?;
    // The instant is that of the first read behind BEGIN.
    connection
        .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")
        .map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged {
                place: "its file",
                what: error.to_string(),
            },
            _ => unavailable("opening the database", error),
        })?;
    refuse_foreign(&connection)?;
    let version = version_understood(&connection)?;
    Ok((connection, version))
}

/// The version of the tables that this program makes.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Whether there is a database whose tables an older program made.
pub(super) fn is_outdated(path: &Path) -> Stored<bool> {
    if !path.exists() {
        return Ok(false);
    }
    let connection = open_for_reading(path)?;
    let version = version_understood(&connection)?;
    Ok((1..VERSION).contains(&version))
}

/// Brings an older database forward; refuses one that a newer program wrote.
pub(super) fn migrate(connection: &mut Connection) -> Stored<()> {
    let doing = "bringing the database forward";
    let version = version_understood(connection)?;
    if version < VERSION {
        // A migration may make a table anew that others refer to; whether all fits is looked at before its commit.
        connection
            .pragma_update(None, "foreign_keys", false)
            .map_err(|error| unavailable(doing, error))?;
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(version as usize) {
        let step = |connection: &mut Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let now: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
            if now == index as i32 {
                transaction.execute_batch(migration)?;
                if transaction.prepare("PRAGMA foreign_key_check")?.exists([])? {
                    // Dropped, the transaction is rolled back: the database stays as it was.
                    return Err(rusqlite::Error::SqliteFailure(
                        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                        Some("rows refer to others that are not there".into()),
                    ));
                }
                transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
                transaction.pragma_update(None, "user_version", index as i32 + 1)?;
            }
            transaction.commit()
        };
        step(connection).map_err(|error| unavailable(doing, error))?;
    }
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(|error| unavailable(doing, error))
}

/// The version of the tables; refuses one that a newer program made.
fn version_understood(connection: &Connection) -> Stored<u32> {
    let version: i32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| unavailable("reading the database's version", error))?;
    let version = u32::try_from(version).unwrap_or_default();
    if version > VERSION {
        return Err(StoreError::Refused(format!(
            "the database has version {version} and this program knows {VERSION}; run the newer program"
        )));
    }
    Ok(version)
}

/// Reads the instance secret; makes it at the first start.
pub(super) fn secret(connection: &mut Connection) -> Stored<InstanceSecret> {
    let doing = "reading the instance secret";
    let mut stored = read_secret(connection).map_err(|error| unavailable(doing, error))?;
    if stored.is_none() {
        let mut fresh = [0_u8; 32];
        openssl::rand::rand_bytes(&mut fresh).map_err(|error| StoreError::Unavailable {
            doing,
            hint: "the machine gives no random bytes",
            source: Box::new(error),
        })?;
        connection
            .execute(
                "INSERT OR IGNORE INTO instance (key, value) VALUES ('secret', ?1)",
                [data_encoding::HEXLOWER.encode(&fresh)],
            )
            .map_err(|error| unavailable(doing, error))?;
        stored = read_secret(connection).map_err(|error| unavailable(doing, error))?;
    }
    secret_from(stored)
}

/// The instance secret of a database that is only looked at.
pub(super) fn secret_of(connection: &Connection) -> Stored<InstanceSecret> {
    let stored =
        read_secret(connection).map_err(|error| unavailable("reading the instance secret", error))?;
    secret_from(stored)
}

fn read_secret(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection
        .query_row("SELECT value FROM instance WHERE key = 'secret'", [], |row| {
            row.get(0)
        })
        .optional()
}

fn secret_from(stored: Option<String>) -> Stored<InstanceSecret> {
    stored
        .and_then(|text| data_encoding::HEXLOWER.decode(text.as_bytes()).ok())
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .map(InstanceSecret::new)
        .ok_or(StoreError::Damaged {
            place: "instance",
            what: "the secret is not 32 bytes".into(),
        })
}
