//! The folder that a backup lives in: the archive's files once, and the database as often as copies are kept.
//!
//! ```text
//! DIR/archive/ab/cd/<sha256>                              mails, letters, receipts: as in the registry, never changed
//! DIR/databases/recipisa-000012-20261122T105741Z.db       the database at that time
//! DIR/databases/recipisa-000012-20261122T105741Z.json     its manifest, written last: without it the copy is not there
//! DIR/recipisa-backup.lock                                held while a backup is written
//! ```
//!
//! A copy and its manifest are written once and never changed; the newest is the one with the highest ordinal, whatever
//! a clock said. Left out: what goes into it and when, which `daemon::safekeeping` knows.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::edge::archive::shelves::{Shelves, make_private};
use crate::registry::Number;
use crate::store::Facts;

/// The version of the folder and its manifests.
const SCHEMA: u64 = 1;

/// Why the folder could not be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupFolderError {
    #[error("{doing} {path}")]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{path} is no manifest of a backup ({what}); name another copy with --copy, or move this file away and take a new \
         backup"
    )]
    Manifest { path: PathBuf, what: &'static str },
    #[error("{path} was written by a newer recipisa; use that program")]
    Newer { path: PathBuf },
}

/// What a manifest says about its copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// 1, 2, 3 … within the folder.
    pub ordinal: u64,
    pub taken_at: Timestamp,
    /// The program that took it.
    pub program: String,
    /// Of the database copy, lower-case hexadecimal.
    pub sha256: String,
    /// Of the database copy.
    pub size_bytes: u64,
    /// Files of the archive that the copy names.
    pub files: u64,
    /// Of these, how many could not be copied because they were lost or damaged in the registry.
    pub lacking: u64,
    pub facts: Facts,
}

/// One complete copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseCopy {
    /// Without an extension.
    pub name: String,
    pub database: PathBuf,
    pub manifest: Manifest,
}

/// All copies of a folder.
#[derive(Debug, Default)]
pub struct Copies {
    /// Oldest first.
    pub whole: Vec<DatabaseCopy>,
    /// Why the others cannot be used.
    pub faulty: Vec<BackupFolderError>,
}

/// The folder.
#[derive(Debug, Clone)]
pub struct BackupFolder {
    root: PathBuf,
    /// The files of the archive.
    pub archive: Shelves,
}

impl BackupFolder {
    /// The folder `root`, which need not be there.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            archive: Shelves::new(&root.join("archive")),
        }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file whose lock a writer holds.
    pub fn lock_file(&self) -> PathBuf {
        self.root.join("recipisa-backup.lock")
    }

    fn databases(&self) -> PathBuf {
        self.root.join("databases")
    }

    /// Makes what is missing of it, for the owner alone. The folder above must be there: a disk that is not mounted
    /// must not be filled beside its mount point.
    ///
    /// # Errors
    /// The disk is full or read-only, or the folder above is not there.
    pub fn make(&self) -> Result<(), BackupFolderError> {
        let made = || -> io::Result<()> {
            if !self.root.is_dir() {
                use std::os::unix::fs::DirBuilderExt;
                fs::DirBuilder::new().mode(0o700).create(&self.root)?;
            }
            make_private(&self.databases())?;
            make_private(&self.root.join("archive"))
        };
        made().map_err(|source| file_error("making the backup folder", &self.root, source))
    }

    /// The complete copies. A folder that is not there has none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn copies(&self) -> Result<Copies, BackupFolderError> {
        let mut copies = Copies::default();
        for name in self.names(".json")? {
            let path = self.databases().join(format!("{name}.json"));
            let manifest = fs::read(&path)
                .map_err(|source| file_error("reading the manifest", &path, source))
                .and_then(|text| read_manifest(&path, &text));
            match manifest {
                Ok(manifest) => copies.whole.push(DatabaseCopy {
                    database: self.databases().join(format!("{name}.db")),
                    manifest,
                    name,
                }),
                Err(error) => copies.faulty.push(error),
            }
        }
        copies.whole.sort_by_key(|copy| copy.manifest.ordinal);
        Ok(copies)
    }

    /// The ordinal of the next copy: behind all that are there, also behind those that cannot be read.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn next_ordinal(&self) -> Result<u64, BackupFolderError> {
        let ordinal = |name: &String| name.split('-').nth(1)?.parse::<u64>().ok();
        let last = self.names(".json")?.iter().filter_map(ordinal).max();
        Ok(last.unwrap_or_default() + 1)
    }

    /// The names of ours with this ending, without it.
    fn names(&self, ending: &str) -> Result<Vec<String>, BackupFolderError> {
        let folder = self.databases();
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&folder)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if let Some(name) = name
                    .strip_suffix(ending)
                    .filter(|name| name.starts_with("recipisa-"))
                {
                    names.push(name.to_owned());
                }
            }
            Ok(names)
        };
        match list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.map_err(|source| file_error("reading the backup folder", &folder, source)),
        }
    }

    /// Removes what interrupted backups left: copies without a manifest, half manifests. Only for who holds the lock.
    ///
    /// # Errors
    /// The disk is read-only or broken.
    pub fn clear_unfinished(&self) -> Result<(), BackupFolderError> {
        let finished = self.names(".json")?;
        let folder = self.databases();
        let clear = || -> io::Result<()> {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let stem = name.split('.').next().unwrap_or_default();
                if name.starts_with("recipisa-") && !finished.iter().any(|finished| finished == stem) {
                    fs::remove_file(entry.path())?;
                }
            }
            Ok(())
        };
        clear().map_err(|source| file_error("clearing what an interrupted backup left in", &folder, source))
    }

    /// Where the next copy goes, and its name.
    pub fn next_copy(&self, ordinal: u64, taken_at: Timestamp) -> (String, PathBuf) {
        let name = format!("recipisa-{ordinal:06}-{}", taken_at.strftime("%Y%m%dT%H%M%SZ"));
        let path = self.databases().join(format!("{name}.db"));
        (name, path)
    }

    /// Writes the manifest of a copy whose database and files are durable; from now on the copy is there.
    ///
    /// # Errors
    /// The disk is full, read-only or broken.
    pub fn publish(&self, name: &str, manifest: &Manifest) -> Result<(), BackupFolderError> {
        let folder = self.databases();
        let path = folder.join(format!("{name}.json"));
        let half = folder.join(format!("{name}.json.half"));
        let write = || -> io::Result<()> {
            let mut file = File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&half)?;
            let text = serde_json::to_string_pretty(&manifest_json(name, manifest))?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            File::open(&folder)?.sync_all()?;
            fs::rename(&half, &path)?;
            File::open(&folder)?.sync_all()
        };
        write().map_err(|source| file_error("writing the manifest", &path, source))
    }

    /// Removes the oldest copies beyond `keep`, and returns how many. The archive's files all stay.
    ///
    /// # Errors
    /// The disk is read-only or broken.
    pub fn keep_last(&self, keep: usize) -> Result<usize, BackupFolderError> {
        let copies = self.copies()?.whole;
        let old = &copies[..copies.len().saturating_sub(keep)];
        for copy in old {
            // The manifest first: a copy without one is not there.
            let manifest = copy.database.with_extension("json");
            for path in [&manifest, &copy.database] {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(file_error("removing the old copy", path, error));
                    }
                    _ => {}
                }
            }
        }
        Ok(old.len())
    }
}

fn file_error(doing: &'static str, path: &Path, source: io::Error) -> BackupFolderError {
    BackupFolderError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}

fn manifest_json(name: &str, manifest: &Manifest) -> Value {
    let facts = &manifest.facts;
    let last_numbers: Vec<Value> = facts
        .last_numbers
        .iter()
        .map(|last| {
            json!({"register": last.register, "number": last.number, "date": last.date.to_string(),
                   "spelled": last.to_string()})
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "ordinal": manifest.ordinal,
        "taken_at": manifest.taken_at.to_string(),
        "program": manifest.program,
        "registry": facts.registry,
        "database": {"file": format!("{name}.db"), "sha256": manifest.sha256, "size": manifest.size_bytes,
                     "version": facts.version},
        "files": manifest.files,
        "lacking": manifest.lacking,
        "mails": facts.mails,
        "entries": facts.entries,
        "letters": facts.letters,
        "journal_rows": facts.journal_rows,
        "journal_hash": facts.journal_hash,
        "last_kept_at": facts.last_kept_at.map(|at| at.to_string()),
        "last_numbers": last_numbers,
    })
}

fn read_manifest(path: &Path, text: &[u8]) -> Result<Manifest, BackupFolderError> {
    let wrong = |what| BackupFolderError::Manifest {
        path: path.to_owned(),
        what,
    };
    let value: Value = serde_json::from_slice(text).map_err(|_| wrong("it is no JSON"))?;
    match value["schema"].as_u64() {
        Some(SCHEMA) => {}
        Some(newer) if newer > SCHEMA => {
            return Err(BackupFolderError::Newer {
                path: path.to_owned(),
            });
        }
        _ => return Err(wrong("`schema` is not 1")),
    }
    let number = |value: &Value, what| value.as_u64().ok_or_else(|| wrong(what));
    let text = |value: &Value, what| value.as_str().map(str::to_owned).ok_or_else(|| wrong(what));
    let instant = |value: &Value, what| -> Result<Timestamp, BackupFolderError> {
        text(value, what)?.parse().map_err(|_| wrong(what))
    };
    let mut last_numbers = Vec::new();
    for last in value["last_numbers"]
        .as_array()
        .ok_or_else(|| wrong("`last_numbers`"))?
    {
        last_numbers.push(Number {
            register: text(&last["register"], "`register`")?,
            number: number(&last["number"], "`number`")?,
            date: text(&last["date"], "`date`")?
                .parse::<Date>()
                .map_err(|_| wrong("`date`"))?,
        });
    }
    let database = &value["database"];
    Ok(Manifest {
        ordinal: number(&value["ordinal"], "`ordinal`")?,
        taken_at: instant(&value["taken_at"], "`taken_at`")?,
        program: text(&value["program"], "`program`")?,
        sha256: text(&database["sha256"], "`sha256`")?,
        size_bytes: number(&database["size"], "`size`")?,
        files: number(&value["files"], "`files`")?,
        lacking: number(&value["lacking"], "`lacking`")?,
        facts: Facts {
            registry: text(&value["registry"], "`registry`")?,
            version: u32::try_from(number(&database["version"], "`version`")?)
                .map_err(|_| wrong("`version`"))?,
            mails: number(&value["mails"], "`mails`")?,
            entries: number(&value["entries"], "`entries`")?,
            letters: number(&value["letters"], "`letters`")?,
            journal_rows: number(&value["journal_rows"], "`journal_rows`")?,
            journal_hash: text(&value["journal_hash"], "`journal_hash`")?,
            last_kept_at: if value["last_kept_at"].is_null() {
                None
            } else {
                Some(instant(&value["last_kept_at"], "`last_kept_at`")?)
            },
            last_numbers,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(ordinal: u64) -> Manifest {
        Manifest {
            ordinal,
            taken_at: "2026-11-22T10:57:41Z".parse().unwrap(),
            program: "0.1.0".into(),
            sha256: "ab".repeat(32),
            size_bytes: 4096,
            files: 7,
            lacking: 0,
            facts: Facts {
                registry: "abc".into(),
                version: 1,
                mails: 3,
                entries: 2,
                letters: 2,
                journal_rows: 12,
                journal_hash: "cd".repeat(32),
                last_kept_at: Some("2026-11-22T10:57:00Z".parse().unwrap()),
                last_numbers: vec![Number {
                    register: "CJ".into(),
                    number: 2,
                    date: Date::constant(2026, 11, 22),
                }],
            },
        }
    }

    #[test]
    fn a_copy_is_there_when_its_manifest_is() {
        let folder = tempfile::tempdir().unwrap();
        let backup = BackupFolder::new(&folder.path().join("copie"));
        assert_eq!(backup.copies().unwrap().whole, []);
        assert_eq!(backup.next_ordinal().unwrap(), 1);
        backup.make().unwrap();
        for ordinal in 1..=3 {
            let (name, path) = backup.next_copy(ordinal, manifest(1).taken_at);
            fs::write(&path, "bază").unwrap();
            backup.publish(&name, &manifest(ordinal)).unwrap();
        }
        let (_, unfinished) = backup.next_copy(4, manifest(1).taken_at);
        fs::write(&unfinished, "jumătate").unwrap();
        fs::write(unfinished.with_extension("json.half"), "{").unwrap();
        let copies = backup.copies().unwrap().whole;
        assert_eq!(copies.len(), 3);
        assert_eq!(copies[2].manifest, manifest(3));
        assert!(
            copies[2]
                .database
                .ends_with("databases/recipisa-000003-20261122T105741Z.db")
        );
        backup.clear_unfinished().unwrap();
        assert_eq!(fs::read_dir(backup.databases()).unwrap().count(), 6);
        assert_eq!(backup.keep_last(2).unwrap(), 1);
        let ordinals: Vec<u64> = backup
            .copies()
            .unwrap()
            .whole
            .iter()
            .map(|one| one.manifest.ordinal)
            .collect();
        assert_eq!(ordinals, [2, 3]);
        assert_eq!(fs::read_dir(backup.databases()).unwrap().count(), 4);
    }

    #[test]
    fn a_manifest_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let backup = BackupFolder::new(folder.path());
        backup.make().unwrap();
        let path = backup.databases().join("recipisa-000001-20261122T105741Z.json");
        let whole = manifest_json("recipisa-000001-20261122T105741Z", &manifest(1)).to_string();
        for (text, words) in [
            (String::new(), "no JSON"),
            ("{}".into(), "`schema`"),
            (whole.replace("\"schema\":1", "\"schema\":2"), "a newer recipisa"),
            (whole.replace("\"entries\":2", "\"entries\":-2"), "`entries`"),
            (whole.replace("2026-11-22\"", "2026-11-52\""), "`date`"),
        ] {
            fs::write(&path, text).unwrap();
            let copies = backup.copies().unwrap();
            assert_eq!((copies.whole.len(), copies.faulty.len()), (0, 1));
            assert_eq!(backup.next_ordinal().unwrap(), 2);
            let said = copies.faulty[0].to_string();
            assert!(said.contains(words) && said.contains("recipisa-000001"), "{said}");
        }
        fs::write(&path, whole).unwrap();
        assert_eq!(backup.copies().unwrap().whole.len(), 1);
    }

    #[test]
    fn the_folder_above_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let backup = BackupFolder::new(&folder.path().join("disc/copie"));
        assert!(backup.make().is_err());
    }
}
