//! `restore`: a copy of a backup becomes the registry, in a folder that holds none.
//!
//! The copy is checked before anything is taken over, and again in its new place; the database comes under its name
//! last, so a restore that was broken off is no registry, and is begun again by the same command.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::fsck::{Each, check_copy, check_files, check_records};
use super::{SafekeepingError, copy_of, file_error, sync_disk_of};
use crate::daemon::parts::{Lock, database_path, restoring_mark};
use crate::edge::archive::shelves::{CopyError, Copying, Shelves};
use crate::edge::backup_folder::{BackupFolder, DatabaseCopy, Manifest};
use crate::edge::sqlite::snapshot::{SqliteSnapshot, bring_forward};
use crate::flow::failpoint;
use crate::store::{Depth, Facts, Finding, Snapshot};

/// As the archive makes its files.
const FILE_MODE: u32 = 0o440;

/// What is done about a backup in which something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFindings {
    /// Nothing is restored.
    Refuse,
    /// A person has read them, and takes the backup as it is.
    Accept,
}

/// A registry that is back.
#[derive(Debug)]
pub struct Restored {
    pub name: String,
    pub manifest: Manifest,
    pub facts: Facts,
    /// Files brought back into the archive.
    pub files: u64,
    /// Findings that the person accepted.
    pub accepted: u64,
}

/// Brings a copy of the backup in `dir` back: the one called `copy`, or the newest.
///
/// # Errors
/// There is no such copy, `storage_dir` holds something, the backup is damaged, or a disk gave an error. Then nothing
/// is restored; after an error of a disk the same command goes on.
pub fn restore(
    dir: &Path,
    copy: Option<&str>,
    storage_dir: &Path,
    on_findings: OnFindings,
    each: Each<'_>,
) -> Result<Restored, SafekeepingError> {
    let folder = BackupFolder::new(dir);
    let copy = copy_of(&folder, copy)?;
    refuse_occupied(storage_dir)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(storage_dir)
        .map_err(file_error("making", storage_dir))?;
    let _lock = Lock::of_registry(storage_dir)?;
    // Another one may have been quicker.
    refuse_occupied(storage_dir)?;
    let mark = restoring_mark(storage_dir);
    File::create(&mark).map_err(file_error("writing", &mark))?;

    let mut known = BTreeSet::new();
    let mut tell = |finding: Finding| {
        if !finding.fault.is_note() && known.insert((finding.fault, finding.place.clone())) {
            each(finding);
        }
    };
    let part = storage_dir.join("recipisa.db.restoring");
    bring_database(&copy, &part, &mut tell)?;
    let snapshot = SqliteSnapshot::open(&part)?;
    check_records(&snapshot, Depth::Full, &mut tell)?;
    check_files(&snapshot, &folder.archive, Depth::Full, &mut tell)?;
    let accepted = known.len() as u64;
    if accepted > 0 && on_findings == OnFindings::Refuse {
        drop(snapshot);
        for left in [&part, &mark] {
            fs::remove_file(left).map_err(file_error("removing", left))?;
        }
        return Err(SafekeepingError::Refused(
            "nothing is restored: the backup is not whole. Take another one, or an earlier copy with --copy; where \
             this is the best there is, --accept-findings restores it as it is"
                .into(),
        ));
    }
    let files = bring_files(&snapshot, &folder.archive, storage_dir)?;
    failpoint::reach("restore.files-copied");
    finish(&snapshot, storage_dir, &part, &mark, on_findings, accepted)?;
    Ok(Restored {
        name: copy.name,
        manifest: copy.manifest,
        facts: snapshot.facts()?,
        files,
        accepted,
    })
}

/// Only an empty folder, or one in which an earlier restore was broken off.
fn refuse_occupied(storage_dir: &Path) -> Result<(), SafekeepingError> {
    let list = || -> io::Result<Vec<String>> {
        fs::read_dir(storage_dir)?
            .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    let names = match list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        listed => listed.map_err(file_error("reading", storage_dir))?,
    };
    let is_begun = restoring_mark(storage_dir).exists() && !database_path(storage_dir).exists();
    let is_free = |name: &String| matches!(name.as_str(), "recipisa.lock" | "lost+found");
    if is_begun || names.iter().all(is_free) {
        return Ok(());
    }
    let shown = storage_dir.display();
    // Numbers, since they are the same wherever the command is run.
    let owner = fs::metadata(storage_dir)
        .map(|metadata| format!("-o {} -g {} ", metadata.uid(), metadata.gid()))
        .unwrap_or_default();
    Err(SafekeepingError::Refused(format!(
        "{shown} is not empty, and a backup is never written over a registry. Stop recipisa, and move it away:\n  \
         mv '{shown}' '{shown}.before-restore' && install -d -m 0700 {owner}'{shown}'\nthen restore again"
    )))
}

/// The database under a passing name, brought forward to this program's tables.
fn bring_database(copy: &DatabaseCopy, part: &Path, each: Each<'_>) -> Result<(), SafekeepingError> {
    check_copy(copy, each);
    for ending in ["", "-wal", "-shm", "-journal"] {
        let left = PathBuf::from(format!("{}{ending}", part.display()));
        match fs::remove_file(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(file_error("removing", &left)(error));
            }
            _ => {}
        }
    }
    let write = || -> io::Result<()> {
        let mut from = File::open(&copy.database)?;
        let mut to = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(part)?;
        io::copy(&mut from, &mut to)?;
        to.sync_all()
    };
    write().map_err(file_error("copying the database to", part))?;
    bring_forward(part)?;
    Ok(())
}

/// The files that the copy names; those that the backup lacks were told and accepted.
fn bring_files(
    snapshot: &SqliteSnapshot,
    from: &Shelves,
    storage_dir: &Path,
) -> Result<u64, SafekeepingError> {
    let to = Shelves::new(&storage_dir.join("archive"));
    let mut copying = Copying::begin(from, &to, FILE_MODE)?;
    let (mut files, mut broken) = (0, None);
    snapshot.files_each(&mut |file| {
        if broken.is_some() {
            return;
        }
        match copying.copy(&file.sha256) {
            Ok(_) => {
                files += 1;
                failpoint::reach("restore.file-copied");
            }
            Err(error @ CopyError::Target { .. }) => broken = Some(error),
            Err(CopyError::Source(_) | CopyError::Changed) => {}
        }
    })?;
    if let Some(error) = broken {
        return Err(error.into());
    }
    copying.finish()?;
    Ok(files)
}

/// Checks what was brought, and gives the database its name.
fn finish(
    snapshot: &SqliteSnapshot,
    storage_dir: &Path,
    part: &Path,
    mark: &Path,
    on_findings: OnFindings,
    accepted: u64,
) -> Result<(), SafekeepingError> {
    sync_disk_of(storage_dir)?;
    let mut wrong = 0;
    let archive = Shelves::new(&storage_dir.join("archive"));
    check_files(snapshot, &archive, Depth::Full, &mut |finding| {
        wrong += u64::from(!finding.fault.is_note());
    })?;
    if wrong > accepted || (wrong > 0 && on_findings == OnFindings::Refuse) {
        return Err(SafekeepingError::Refused(format!(
            "{wrong} files came to {} other than they were in the backup; check its disk, and restore again",
            storage_dir.display()
        )));
    }
    let database = database_path(storage_dir);
    fs::rename(part, &database).map_err(file_error("naming", &database))?;
    fs::remove_file(mark).map_err(file_error("removing", mark))?;
    sync_disk_of(storage_dir)
}
