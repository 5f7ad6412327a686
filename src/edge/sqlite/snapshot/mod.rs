//! A registry that is only read, at one instant: what it holds, which files it names, and its copy for a backup.
//!
//! One read transaction lasts as long as the value: in WAL it holds up no writer, and no write shows in it. The checks
//! are in [`structure`] (the database against itself) and [`agreement`] (the tables against the journal).

mod agreement;
mod structure;

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OptionalExtension};

use super::{connection, rows, unavailable};
use crate::journal::{GENESIS, Kind};
use crate::registry::{InstanceSecret, Number};
use crate::store::{Depth, Facts, Finding, NamedFile, Snapshot, StoreError, Stored};

/// A column that names files of the archive.
struct FileColumn {
    table: &'static str,
    column: &'static str,
    /// SQL for the key of the row.
    named_by: &'static str,
    /// A column that came with a later version of the tables, and that is a part of the key where it is not 0.
    ordinal: Option<&'static str>,
    /// SQL for the file's size in bytes, or NULL.
    size: &'static str,
}

/// Every column that names files of the archive; a test finds one that is forgotten here. `document.sha256` is of the
/// part of a mail, which is no file of its own.
const FILE_COLUMNS: [FileColumn; 4] = [
    FileColumn {
        table: "mail",
        column: "sha256",
        named_by: "'mail/' || seq",
        ordinal: None,
        size: "size_bytes",
    },
    FileColumn {
        table: "receipt",
        column: "sha256",
        named_by: "'receipt/' || register || '/' || year || '/' || number",
        ordinal: Some("ordinal"),
        size: "NULL",
    },
    FileColumn {
        table: "letter",
        column: "sha256",
        named_by: "'letter/' || message_id",
        ordinal: None,
        size: "NULL",
    },
    FileColumn {
        table: "case_file",
        column: "decision_sha256",
        named_by: "'decision/' || register || '/' || year || '/' || number",
        ordinal: None,
        size: "NULL",
    },
];

/// Journal rows whose body names a file. The header of an oversized mail is named by the journal alone once the whole
/// mail has come, and stays evidence.
const FILE_EVENTS: [Kind; 4] = [
    Kind::MailKept,
    Kind::ReceiptIssued,
    Kind::LetterQueued,
    Kind::DecisionRecorded,
];

/// Pages copied at a time.
const COPY_PAGES: i32 = 4096;

/// The database at one instant.
pub struct SqliteSnapshot {
    connection: Connection,
    version: u32,
}

impl SqliteSnapshot {
    /// Opens the database to read; nothing is made or brought forward.
    ///
    /// # Errors
    /// The file is not there, is no database of ours, or was written by a newer program.
    pub fn open(path: &Path) -> Stored<Self> {
        let (connection, version) = connection::open_at_an_instant(path)?;
        Ok(Self { connection, version })
    }
}

/// Brings a database that nobody else has open forward to this program's tables, and leaves it as one single file.
///
/// # Errors
/// As for opening the store.
pub fn bring_forward(path: &Path) -> Stored<()> {
    let mut connection = connection::open_for_writing(path)?;
    connection::migrate(&mut connection)?;
    make_single_file(&connection).map_err(|error| unavailable("bringing the database forward", error))
}

/// Out of WAL, so that nothing stands beside the file and it can be read from a read-only disk.
fn make_single_file(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
}

impl Snapshot for SqliteSnapshot {
    fn facts(&self) -> Stored<Facts> {
        let secret = secret(&self.connection)?;
        let read = || -> rusqlite::Result<Facts> {
            let (journal_rows, journal_hash) = self
                .connection
                .query_row(
                    "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1",
                    [],
                    |row| Ok((rows::size(row, 0)?, row.get(1)?)),
                )
                .optional()?
                .unwrap_or_else(|| (0, GENESIS.to_owned()));
            self.connection.query_row(
                "SELECT (SELECT count(*) FROM mail), (SELECT count(*) FROM entry), (SELECT count(*) FROM letter),
                        (SELECT kept_at FROM mail ORDER BY seq DESC LIMIT 1)",
                [],
                |row| {
                    Ok(Facts {
                        registry: secret.id("backup", "registry"),
                        version: self.version,
                        mails: rows::size(row, 0)?,
                        entries: rows::size(row, 1)?,
                        letters: rows::size(row, 2)?,
                        journal_rows,
                        journal_hash,
                        last_kept_at: rows::instant_opt(row, 3)?,
                        last_numbers: last_numbers(&self.connection)?,
                    })
                },
            )
        };
        read().map_err(|error| unavailable("counting what the registry holds", error))
    }

    fn files_each(&self, each: &mut dyn FnMut(NamedFile)) -> Stored<()> {
        let read = |each: &mut dyn FnMut(NamedFile)| -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(&files_sql(&self.connection)?)?;
            let mut found = statement.query([])?;
            let mut last = String::new();
            while let Some(row) = found.next()? {
                let sha256: String = row.get(0)?;
                if sha256 == last {
                    continue;
                }
                last.clone_from(&sha256);
                let size: Option<i64> = row.get(2)?;
                each(NamedFile {
                    sha256,
                    named_by: row.get(1)?,
                    size_bytes: size.and_then(|size| u64::try_from(size).ok()),
                });
            }
            Ok(())
        };
        read(each).map_err(|error| unavailable("listing the files of the registry", error))
    }

    fn audit(&self, depth: Depth, each: &mut dyn FnMut(Finding)) -> Stored<()> {
        if self.version != connection::VERSION {
            return Err(StoreError::Refused(format!(
                "the database has version {} and this program checks {}; any start of the program brings the registry \
                 forward, and `recipisa restore` brings a backup forward and checks it",
                self.version,
                connection::VERSION
            )));
        }
        structure::check(&self.connection, depth, each)?;
        agreement::check(&self.connection, each)
    }

    fn copy_to(&self, file: &Path) -> Stored<()> {
        let failed = |source: io::Error| StoreError::Unavailable {
            doing: "writing the copy of the database",
            hint: "check the folder's disk, its space and its owner",
            source: Box::new(source),
        };
        let made = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)
            .map_err(failed)?;
        let first_problem =
            copy(&self.connection, file).map_err(|error| unavailable("copying the database", error))?;
        if let Some(problem) = first_problem {
            return Err(StoreError::Damaged {
                place: "the copy of the database",
                what: problem,
            });
        }
        made.sync_all().map_err(failed)
    }
}

/// Copies, and returns the first thing that is wrong with the copy.
fn copy(from: &Connection, file: &Path) -> rusqlite::Result<Option<String>> {
    let mut to = Connection::open(file)?;
    // The whole file is synced once at its end; until then it is of no use anyway.
    to.pragma_update(None, "synchronous", "OFF")?;
    {
        let backup = Backup::new(from, &mut to)?;
        // The snapshot's own transaction keeps the source as it is, so the copy is never begun again.
        while backup.step(COPY_PAGES)? != StepResult::Done {}
    }
    make_single_file(&to)?;
    let said: String = to.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    Ok((said != "ok").then_some(said))
}

/// One row for each place that names a file, in the order of the files' names. SQLite sorts in a temporary file, so
/// that a million entries need no more memory than ten. Tables that an older database has not yet are left out.
fn files_sql(connection: &Connection) -> rusqlite::Result<String> {
    let mut parts = Vec::new();
    for (rank, one) in (1..).zip(&FILE_COLUMNS) {
        if connection.column_exists(None, one.table, one.column)? {
            let FileColumn {
                table,
                column,
                named_by,
                ordinal,
                size,
            } = one;
            let within = match ordinal {
                Some(ordinal) if connection.column_exists(None, *table, *ordinal)? => {
                    format!(" || iif({ordinal} > 0, '/' || {ordinal}, '')")
                }
                Some(_) | None => String::new(),
            };
            parts.push(format!(
                "SELECT {column} AS sha256, {named_by}{within}, {size}, {rank} AS rank FROM {table} WHERE {column} IS NOT NULL"
            ));
        }
    }
    let kinds: Vec<String> = FILE_EVENTS
        .iter()
        .map(|kind| format!("'{}'", kind.as_str()))
        .collect();
    parts.push(format!(
        "SELECT json_extract(body, '$.sha256'), 'journal/' || seq, NULL, 99 FROM journal
         WHERE kind IN ({}) AND json_valid(body) AND json_type(body, '$.sha256') = 'text'",
        kinds.join(", ")
    ));
    Ok(format!("{} ORDER BY sha256, rank", parts.join("\nUNION ALL ")))
}

fn secret(connection: &Connection) -> Stored<InstanceSecret> {
    let text: Option<String> = connection
        .query_row("SELECT value FROM instance WHERE key = 'secret'", [], |row| {
            row.get(0)
        })
        .optional()
        .map_err(|error| unavailable("reading the instance secret", error))?;
    text.and_then(|text| data_encoding::HEXLOWER.decode(text.as_bytes()).ok())
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .map(InstanceSecret::new)
        .ok_or(StoreError::Damaged {
            place: "instance",
            what: "the secret is not 32 bytes".into(),
        })
}

fn last_numbers(connection: &Connection) -> rusqlite::Result<Vec<Number>> {
    let mut statement = connection.prepare(
        "SELECT e.register, e.number, e.registered_on FROM entry e
         JOIN (SELECT register, year, max(number) AS number FROM entry GROUP BY register, year) USING (register, year, number)
         ORDER BY e.register, e.year",
    )?;
    let found = statement.query_map([], |row| {
        Ok(Number {
            register: row.get(0)?,
            number: rows::size(row, 1)?,
            date: rows::day(row, 2)?,
        })
    })?;
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::sqlite::SqliteStore;

    #[test]
    fn every_column_that_names_files_of_the_archive_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipisa.db");
        drop(SqliteStore::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        let mut statement = connection
            .prepare(
                "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
                 WHERE t.type = 'table' AND c.name LIKE '%sha256%' ORDER BY 1, 2",
            )
            .unwrap();
        let found: Vec<(String, String)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .filter(|(table, _)| table != "document")
            .collect();
        assert!(found.len() >= 3);
        let mut known: Vec<(String, String)> = FILE_COLUMNS
            .iter()
            .map(|one| (one.table.to_owned(), one.column.to_owned()))
            .collect();
        known.sort();
        assert_eq!(
            found, known,
            "a column of hashes is missing in FILE_COLUMNS, or is there no more"
        );
    }

    #[test]
    fn a_database_of_the_first_version_lists_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipisa.db");
        drop(SqliteStore::open(&path).unwrap());
        // A backup must not wait for the new program's first start.
        let old = folder.path().join("old.db");
        let connection = Connection::open(&old).unwrap();
        connection
            .execute_batch(&format!(
                "{}; PRAGMA foreign_keys = OFF; ATTACH '{}' AS new;
                 INSERT INTO instance SELECT * FROM new.instance;
                 INSERT INTO receipt (register, year, number, state, sha256, issued_at)
                 VALUES ('CJ', 2026, 7, 'issued', '{:064}', 1)",
                include_str!("../001_first.sql"),
                path.display(),
                0
            ))
            .unwrap();
        let id: i32 = Connection::open(&path)
            .unwrap()
            .pragma_query_value(None, "application_id", |row| row.get(0))
            .unwrap();
        connection.pragma_update(None, "application_id", id).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        let snapshot = SqliteSnapshot::open(&old).unwrap();
        let mut names = Vec::new();
        snapshot
            .files_each(&mut |file| names.push(file.named_by))
            .unwrap();
        assert_eq!(names, ["receipt/CJ/2026/7"]);
        assert_eq!(snapshot.facts().unwrap().version, 1);
    }

    #[test]
    fn a_snapshot_shows_its_instant_and_its_copy_is_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipisa.db");
        drop(SqliteStore::open(&path).unwrap());
        let writer = Connection::open(&path).unwrap();
        let snapshot = SqliteSnapshot::open(&path).unwrap();
        let series = |connection: &Connection| -> i64 {
            connection
                .query_row("SELECT count(*) FROM series", [], |row| row.get(0))
                .unwrap()
        };
        writer
            .execute("INSERT INTO series VALUES ('CJ', 2026, 7)", [])
            .unwrap();
        let copy = folder.path().join("copy.db");
        snapshot.copy_to(&copy).unwrap();
        assert_eq!(series(&Connection::open(&copy).unwrap()), 0);
        assert!(!folder.path().join("copy.db-wal").exists());
        let facts = snapshot.facts().unwrap();
        assert_eq!((facts.entries, facts.version), (0, connection::VERSION));
        assert_eq!(SqliteSnapshot::open(&copy).unwrap().facts().unwrap(), facts);
        let later = SqliteSnapshot::open(&path).unwrap();
        assert_eq!(series(&later.connection), 1);
        assert!(later.copy_to(&copy).is_err(), "a copy is never written over");
    }
}
