//! `backup`: a copy beside the running daemon, of which earlier copies stay whole whatever happens to this one.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{SafekeepingError, file_error, sync_disk_of};
use crate::daemon::parts::{Lock, database_path};
use crate::edge::archive::shelves::{Copied, CopyError, Copying, Shelves, hash_of};
use crate::edge::backup_folder::{BackupFolder, Manifest};
use crate::edge::sqlite::snapshot::SqliteSnapshot;
use crate::flow::failpoint;
use crate::store::{Fault, Finding, NamedFile, Snapshot};

/// Of the copies: personal data, for the owner alone.
const FILE_MODE: u32 = 0o600;
/// Files between two words about the progress.
const PROGRESS_FILES: u64 = 20_000;

/// What is told on the way.
#[derive(Debug)]
pub enum Progress {
    /// There was no backup in the folder before.
    First,
    Database {
        size_bytes: u64,
    },
    /// So many files are looked at.
    Files {
        done: u64,
    },
    /// A file that could not be copied, because the registry itself has lost it.
    Lacking(Finding),
    /// An earlier copy that cannot be used.
    FaultyCopy(String),
}

/// A backup that is complete.
#[derive(Debug)]
pub struct BackedUp {
    pub name: String,
    pub manifest: Manifest,
    pub files_new: u64,
    pub bytes_new: u64,
    /// Old database copies that were removed.
    pub removed: usize,
}

/// Copies the registry of `storage_dir` into `dir`; only what is not there yet. Keeps the last `keep` copies of the
/// database.
///
/// # Errors
/// One of the folders cannot be used, another backup into `dir` is being written, or `dir` holds another registry. What
/// was there before stays valid; the next backup clears what this one left.
pub fn back_up(
    storage_dir: &Path,
    dir: &Path,
    keep: usize,
    now: Timestamp,
    tell: &mut dyn FnMut(Progress),
) -> Result<BackedUp, SafekeepingError> {
    let database = database_path(storage_dir);
    if !database.is_file() {
        return Err(SafekeepingError::Refused(format!(
            "there is no registry in {}; check `dir` under [storage]",
            storage_dir.display()
        )));
    }
    refuse_inside(storage_dir, dir)?;
    let folder = BackupFolder::new(dir);
    folder.make()?;
    let lock_file = folder.lock_file();
    let lock = Lock::take(&lock_file).map_err(file_error("locking", &lock_file))?;
    let Some(_lock) = lock else {
        return Err(SafekeepingError::Refused(format!(
            "another backup into {} is being written; wait for it",
            dir.display()
        )));
    };
    folder.clear_unfinished()?;
    let snapshot = SqliteSnapshot::open(&database)?;
    refuse_another_registry(&folder, &snapshot, tell)?;

    let ordinal = folder.next_ordinal()?;
    let (name, copy) = folder.next_copy(ordinal, now);
    failpoint::reach("backup.begun");
    snapshot.copy_to(&copy)?;
    // The daemon's write-ahead log need not wait for the files.
    drop(snapshot);
    failpoint::reach("backup.database-copied");
    let (sha256, size_bytes) = hash_of(&copy).map_err(file_error("reading", &copy))?;
    tell(Progress::Database { size_bytes });
    let copied = SqliteSnapshot::open(&copy)?;
    let files = copy_files(
        &copied,
        &Shelves::new(&storage_dir.join("archive")),
        &folder.archive,
        tell,
    )?;
    sync_disk_of(dir)?;
    failpoint::reach("backup.files-copied");
    let manifest = Manifest {
        ordinal,
        taken_at: now,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        sha256,
        size_bytes,
        files: files.all,
        lacking: files.lacking,
        facts: copied.facts()?,
    };
    folder.publish(&name, &manifest)?;
    failpoint::reach("backup.published");
    let removed = folder.keep_last(keep)?;
    Ok(BackedUp {
        name,
        manifest,
        files_new: files.new,
        bytes_new: files.bytes_new,
        removed,
    })
}

/// A backup inside the registry dies with it, and a registry inside the backup would be mixed with it.
fn refuse_inside(storage_dir: &Path, dir: &Path) -> Result<(), SafekeepingError> {
    let real = |path: &Path| -> Result<PathBuf, SafekeepingError> {
        path.canonicalize().map_err(file_error("looking for", path))
    };
    let storage = real(storage_dir)?;
    let target = match dir.canonicalize() {
        Ok(target) => target,
        Err(_) => {
            let above = match dir.parent() {
                Some(above) if above != Path::new("") => above,
                _ => Path::new("."),
            };
            real(above)?.join(dir.file_name().unwrap_or_default())
        }
    };
    if target.starts_with(&storage) || storage.starts_with(target.join("archive")) {
        return Err(SafekeepingError::Refused(format!(
            "{} lies inside the registry {}; name a folder elsewhere, best on another disk",
            dir.display(),
            storage_dir.display()
        )));
    }
    Ok(())
}

fn refuse_another_registry(
    folder: &BackupFolder,
    snapshot: &SqliteSnapshot,
    tell: &mut dyn FnMut(Progress),
) -> Result<(), SafekeepingError> {
    let copies = folder.copies()?;
    if copies.whole.is_empty() && copies.faulty.is_empty() {
        tell(Progress::First);
    }
    for fault in &copies.faulty {
        tell(Progress::FaultyCopy(fault.to_string()));
    }
    let registry = snapshot.facts()?.registry;
    if copies
        .whole
        .iter()
        .any(|copy| copy.manifest.facts.registry != registry)
    {
        return Err(SafekeepingError::Refused(format!(
            "{} holds the backup of another registry; give each its own folder",
            folder.root().display()
        )));
    }
    Ok(())
}

#[derive(Default)]
struct Files {
    all: u64,
    new: u64,
    bytes_new: u64,
    lacking: u64,
}

/// Copies the files that the database copy names. A file that the registry has lost is told and passed over: the rest
/// is all the more worth keeping.
fn copy_files(
    copied: &SqliteSnapshot,
    from: &Shelves,
    to: &Shelves,
    tell: &mut dyn FnMut(Progress),
) -> Result<Files, SafekeepingError> {
    let mut copying = Copying::begin(from, to, FILE_MODE)?;
    let mut files = Files::default();
    let mut broken = None;
    copied.files_each(&mut |file| {
        if broken.is_some() {
            return;
        }
        files.all += 1;
        match copying.copy(&file.sha256) {
            Ok(Copied::There) => {}
            Ok(Copied::New { size_bytes }) => {
                files.new += 1;
                files.bytes_new += size_bytes;
                failpoint::reach("backup.file-copied");
            }
            Err(error @ CopyError::Target { .. }) => broken = Some(error),
            Err(error @ (CopyError::Source(_) | CopyError::Changed)) => {
                // An earlier copy may be the last good one.
                if !to
                    .content(&file.sha256)
                    .is_ok_and(|content| content.is_of_its_name)
                {
                    files.lacking += 1;
                    tell(Progress::Lacking(lacking(&file, &error)));
                }
            }
        }
        if files.all.is_multiple_of(PROGRESS_FILES) {
            tell(Progress::Files { done: files.all });
        }
    })?;
    if let Some(error) = broken {
        return Err(error.into());
    }
    copying.finish()?;
    Ok(files)
}

/// What is said of a file that cannot be copied.
fn lacking(file: &NamedFile, error: &CopyError) -> Finding {
    let fault = match error {
        CopyError::Source(source) if source.kind() == std::io::ErrorKind::NotFound => Fault::FileMissing,
        CopyError::Changed => Fault::FileChanged,
        CopyError::Source(_) | CopyError::Target { .. } => Fault::FileUnreadable,
    };
    Finding::new(
        fault,
        file.named_by.clone(),
        format!("file {}: {}", file.sha256, crate::flow::with_causes(error)),
    )
}
