//! Whether the database file is sound: its version, and SQLite's own look at its pages.

use super::{SqliteStore, unavailable};
use crate::store::Stored;

/// What SQLite says about its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soundness {
    /// How many migrations the tables have seen.
    pub version: u32,
    /// SQLite's words about what is wrong; empty where all is well.
    pub faults: Vec<String>,
}

impl SqliteStore {
    /// Reads every page once (`PRAGMA quick_check`): about a second for each gigabyte that the disk gives.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn soundness(&self) -> Stored<Soundness> {
        let reader = self.reader();
        let read = || -> rusqlite::Result<Soundness> {
            let version = reader.pragma_query_value(None, "user_version", |row| row.get(0))?;
            let mut statement = reader.prepare("PRAGMA quick_check(10)")?;
            let said = statement.query_map([], |row| row.get::<_, String>(0))?;
            let faults = said
                .filter(|line| line.as_ref().map_or(true, |line| line != "ok"))
                .collect::<rusqlite::Result<_>>()?;
            Ok(Soundness { version, faults })
        };
        read().map_err(|error| unavailable("looking through the database", error))
    }
}
