//! The store on SQLite: one file, WAL, `synchronous=FULL`, forward-only migrations.
//!
//! One connection writes and one reads, each behind its own lock; the CLI opens the same file beside the daemon, so
//! every writing transaction is `BEGIN IMMEDIATE` with a busy time-out. Numbers come from the locked row in
//! `series`, the journal's chain continues inside the same transaction.

mod acts;
mod answers;
mod cases;
mod connection;
mod desk;
mod contacts;
mod digests;
mod entries;
mod evidence;
mod figures;
mod followups;
mod journal_rows;
mod letters;
mod links;
mod lost;
mod mails;
mod pacing;
mod port;
mod registering;
mod rows;
mod sightings;
pub mod snapshot;
mod soundness;
mod stories;
mod wanted;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::registry::InstanceSecret;
use crate::store::{StoreError, Stored};

pub use soundness::Soundness;

/// The registry's database.
pub struct SqliteStore {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    secret: InstanceSecret,
}

impl SqliteStore {
    /// Opens the database, makes it where there is none, and migrates it forward.
    ///
    /// # Errors
    /// The file cannot be opened or written, is no database of ours, or was written by a newer program.
    pub fn open(path: &Path) -> Stored<Self> {
        let mut writer = connection::open_for_writing(path)?;
        connection::migrate(&mut writer)?;
        let secret = connection::secret(&mut writer)?;
        let reader = connection::open_for_reading(path)?;
        connection::remember_more(&reader)?;
        Ok(Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            secret,
        })
    }

    /// Opens the database for a look: nothing is made or brought forward, no file appears beside it, and whatever would
    /// write fails.
    ///
    /// # Errors
    /// The file cannot be read, is no database of ours or has no secret yet.
    pub fn open_to_look(path: &Path) -> Stored<Self> {
        let open = || connection::open_to_look(path);
        let reader = open()?;
        let secret = connection::secret_of(&reader)?;
        Ok(Self {
            writer: Mutex::new(open()?),
            reader: Mutex::new(reader),
            secret,
        })
    }

    /// The place of the first mail with these bytes.
    ///
    /// # Errors
    /// The database failed.
    pub fn mail_of_bytes(&self, sha256: &str) -> Stored<Option<i64>> {
        mails::first_with(&self.reader(), sha256).map_err(|error| unavailable("looking up a mail", error))
    }

    /// Whether there is a database of an older version of the tables.
    ///
    /// # Errors
    /// The file is there and cannot be read, or was made by a newer program.
    pub fn is_outdated(path: &Path) -> Stored<bool> {
        connection::is_outdated(path)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        // A panic while reading leaves a connection in order: statements are finished by their drop.
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in one immediate transaction: all of it, or nothing.
    fn transaction<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Stored<T>,
    ) -> Stored<T> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| unavailable(doing, error))?;
        let done = work(&transaction)?;
        transaction.commit().map_err(|error| unavailable(doing, error))?;
        Ok(done)
    }
}

/// Turns SQLite's error into ours, with what the operator can do about it.
fn unavailable(doing: &'static str, error: rusqlite::Error) -> StoreError {
    let hint = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => {
            "the disk is full; free some space, the work goes on by itself"
        }
        Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::PermissionDenied) => {
            "the database cannot be written; check the owner and mode of the storage folder"
        }
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            "another program holds the database; it is tried again"
        }
        Some(rusqlite::ErrorCode::CannotOpen) => {
            "the database cannot be opened; check that the storage folder exists"
        }
        Some(rusqlite::ErrorCode::SystemIoFailure) => {
            "the disk gave an error; check its space and its health, the work goes on by itself"
        }
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            "the file is no sound database; restore it from a backup"
        }
        _ => "the database gave an error",
    };
    StoreError::Unavailable {
        doing,
        hint,
        source: Box::new(error),
    }
}
