//! `fsck`: the database against itself, against the archive and against the journal; of the registry or of a backup.
//!
//! Both sides of the archive are walked in the order of the files' names, so that a million of them need no more memory
//! than ten. Nothing is repaired and nothing removed.

use std::collections::BTreeSet;
use std::io;
use std::iter::Peekable;
use std::path::Path;

use super::{SafekeepingError, copy_of};
use crate::daemon::parts::database_path;
use crate::edge::archive::shelves::{Met, Shelves, Walk, hash_of};
use crate::edge::backup_folder::{BackupFolder, DatabaseCopy};
use crate::edge::sqlite::snapshot::SqliteSnapshot;
use crate::flow::with_causes;
use crate::receipt::proof::prove;
use crate::store::{Depth, Facts, Fault, Finding, NamedFile, Snapshot, StoreError, Stored};

/// More unnamed files than these are only counted.
const UNNAMED_MAX: usize = 10_000;

/// What a check looked at and found.
#[derive(Debug, Default)]
pub struct Checked {
    /// `None` where the database cannot tell any more.
    pub facts: Option<Facts>,
    /// Files of the archive that are named.
    pub files: u64,
    pub errors: u64,
    pub notes: u64,
}

/// Where findings go.
pub(super) type Each<'e> = &'e mut dyn FnMut(Finding);

/// Checks the registry in a storage folder, also while recipisa works on it.
///
/// # Errors
/// There is no registry, or its database cannot be opened.
pub fn check_registry(storage_dir: &Path, depth: Depth, each: Each<'_>) -> Result<Checked, SafekeepingError> {
    let database = database_path(storage_dir);
    if !database.is_file() {
        return Err(SafekeepingError::Refused(format!(
            "there is no registry in {}; check `dir` under [storage], or bring one back with `recipisa restore`",
            storage_dir.display()
        )));
    }
    let shelves = Shelves::new(&storage_dir.join("archive"));
    let mut checked = Checked::default();
    let mut tell = |finding| checked_tell(&mut checked, finding, each);
    let Some(snapshot) = opened(&database, &mut tell)? else {
        return Ok(checked);
    };
    let facts = check_records(&snapshot, depth, &mut tell)?;
    let (files, unnamed) = check_files(&snapshot, &shelves, depth, &mut tell)?;
    drop(snapshot);
    // What was named since the snapshot is in order; the daemon goes on working.
    let since = |unnamed: &mut BTreeSet<String>| -> Stored<()> {
        SqliteSnapshot::open(&database)?.files_each(&mut |file| {
            unnamed.remove(&file.sha256);
        })
    };
    tell_unnamed(unnamed, since, &mut tell)?;
    Ok(Checked {
        facts,
        files,
        ..checked
    })
}

/// Checks a backup: its newest copy in full, of the earlier ones that they are what their manifests say.
///
/// # Errors
/// There is no complete backup, or its database cannot be opened.
pub fn check_backup(dir: &Path, depth: Depth, each: Each<'_>) -> Result<Checked, SafekeepingError> {
    let folder = BackupFolder::new(dir);
    let copies = folder.copies()?;
    let mut checked = Checked::default();
    let mut tell = |finding| checked_tell(&mut checked, finding, each);
    let is_lost = copies.whole.is_empty() && !copies.faulty.is_empty();
    for fault in copies.faulty {
        tell(Finding::new(Fault::CopyChanged, "databases", fault.to_string()));
    }
    if is_lost {
        return Ok(checked);
    }
    let newest = match copies.whole.last() {
        Some(newest) => newest.clone(),
        None => copy_of(&folder, None)?,
    };
    for copy in &copies.whole {
        check_copy(copy, &mut tell);
    }
    let Some(snapshot) = opened(&newest.database, &mut tell)? else {
        return Ok(checked);
    };
    let facts = check_records(&snapshot, depth, &mut tell)?;
    let (files, unnamed) = check_files(&snapshot, &folder.archive, depth, &mut tell)?;
    tell_unnamed(unnamed, |_| Ok(()), &mut tell)?;
    Ok(Checked {
        facts,
        files,
        ..checked
    })
}

fn checked_tell(checked: &mut Checked, finding: Finding, each: Each<'_>) {
    if finding.fault.is_note() {
        checked.notes += 1;
    } else {
        checked.errors += 1;
    }
    each(finding);
}

/// The database; one that is no database any more is a finding.
fn opened(database: &Path, each: Each<'_>) -> Result<Option<SqliteSnapshot>, SafekeepingError> {
    match SqliteSnapshot::open(database) {
        Ok(snapshot) => Ok(Some(snapshot)),
        Err(error @ StoreError::Damaged { .. }) => {
            each(Finding::new(
                Fault::DatabaseDamaged,
                "database",
                with_causes(&error),
            ));
            Ok(None)
        }
        Err(error @ (StoreError::Unavailable { .. } | StoreError::Refused(_))) => Err(error.into()),
    }
}

/// Holds a database copy against its manifest.
pub(super) fn check_copy(copy: &DatabaseCopy, each: Each<'_>) {
    let place = format!("databases/{}.db", copy.name);
    let what = match hash_of(&copy.database) {
        Ok((sha256, _)) if sha256 == copy.manifest.sha256 => return,
        Ok(_) => "it is not the file that its manifest names".to_owned(),
        Err(error) => format!("it cannot be read: {error}"),
    };
    each(Finding::new(Fault::CopyChanged, place, what));
}

/// All that is written down. A database too damaged to be counted is a finding like another.
pub(super) fn check_records(
    snapshot: &dyn Snapshot,
    depth: Depth,
    each: Each<'_>,
) -> Result<Option<Facts>, SafekeepingError> {
    snapshot.audit(depth, each)?;
    match snapshot.facts() {
        Ok(facts) => Ok(Some(facts)),
        Err(error) => {
            each(Finding::new(
                Fault::DatabaseDamaged,
                "database",
                with_causes(&error),
            ));
            Ok(None)
        }
    }
}

/// Every file that is named, and what stands beside them; returns how many are named, and those that nothing names.
pub(super) fn check_files(
    snapshot: &dyn Snapshot,
    shelves: &Shelves,
    depth: Depth,
    each: Each<'_>,
) -> Result<(u64, Unnamed), SafekeepingError> {
    let mut named = 0;
    if !shelves.is_there() {
        snapshot.files_each(&mut |_| named += 1)?;
        if named > 0 {
            let what = format!("the folder is not there, and {named} files are named; is its disk mounted?");
            each(Finding::new(Fault::FileMissing, "archive", what));
        }
        return Ok((named, Unnamed::default()));
    }
    let mut beside = Beside {
        walk: shelves.walk().peekable(),
        unnamed: Unnamed::default(),
    };
    let listed = snapshot.files_each(&mut |file| {
        named += 1;
        let size = beside.walk_to(Some(&file.sha256), each);
        check_file(shelves, &file, size, depth, each);
    });
    match listed {
        Ok(()) => {
            beside.walk_to(None, each);
        }
        Err(error) => each(Finding::new(
            Fault::DatabaseDamaged,
            "database",
            with_causes(&error),
        )),
    }
    Ok((named, beside.unnamed))
}

/// Files that nothing names.
#[derive(Debug, Default)]
pub(super) struct Unnamed {
    names: BTreeSet<String>,
    /// Beyond those kept in mind.
    more: u64,
}

/// The archive's folder, walked beside the names.
struct Beside {
    walk: Peekable<Walk>,
    unnamed: Unnamed,
}

impl Beside {
    /// Walks until this file, or to the end; returns the file's size, or `None` where it was not met.
    fn walk_to(&mut self, sha256: Option<&str>, each: Each<'_>) -> Option<u64> {
        let is_behind = |met: &Met| match met {
            Met::File { sha256: met, .. } => sha256.is_some_and(|wanted| met.as_str() > wanted),
            Met::Temporary(_) | Met::Foreign(_) | Met::Unreadable(..) => false,
        };
        while let Some(met) = self.walk.next_if(|met| !is_behind(met)) {
            let (fault, path, what) = match met {
                Met::File {
                    sha256: met,
                    size_bytes,
                } if Some(met.as_str()) == sha256 => return Some(size_bytes),
                Met::File { sha256: met, .. } => {
                    self.unnamed.add(met);
                    continue;
                }
                Met::Temporary(path) => (Fault::FileTemporary, path, "half a file".to_owned()),
                Met::Foreign(path) => (
                    Fault::FileForeign,
                    path,
                    "the archive does not make such files".to_owned(),
                ),
                Met::Unreadable(path, error) => (Fault::FileUnreadable, path, error.to_string()),
            };
            each(Finding::new(fault, path.display().to_string(), what));
        }
        None
    }
}

impl Unnamed {
    fn add(&mut self, name: String) {
        if self.names.len() < UNNAMED_MAX {
            self.names.insert(name);
        } else {
            self.more += 1;
        }
    }
}

/// Tells of the files that nothing names, after `since` has taken out what was named meanwhile.
fn tell_unnamed(
    mut unnamed: Unnamed,
    since: impl FnOnce(&mut BTreeSet<String>) -> Stored<()>,
    each: Each<'_>,
) -> Result<(), SafekeepingError> {
    if !unnamed.names.is_empty() {
        since(&mut unnamed.names)?;
    }
    for name in unnamed.names {
        each(Finding::new(
            Fault::FileUnnamed,
            format!("archive/{name}"),
            "nothing names it",
        ));
    }
    if unnamed.more > 0 {
        each(Finding::new(
            Fault::FileUnnamed,
            "archive",
            format!("and {} more", unnamed.more),
        ));
    }
    Ok(())
}

/// `size`: as the walk met it.
fn check_file(shelves: &Shelves, file: &NamedFile, size: Option<u64>, depth: Depth, each: Each<'_>) {
    let mut tell = |fault, what: String| {
        let what = format!("file {}: {what}", file.sha256);
        each(Finding::new(fault, file.named_by.clone(), what));
    };
    let unreadable = |error: &io::Error| {
        if error.kind() == io::ErrorKind::NotFound {
            (Fault::FileMissing, "it is not in the archive".to_owned())
        } else {
            (Fault::FileUnreadable, error.to_string())
        }
    };
    let looked = match (depth, size) {
        (Depth::Quick, Some(size)) => Ok((size, true)),
        (Depth::Quick, None) => shelves.size(&file.sha256).map(|size| (size, true)),
        (Depth::Full | Depth::Seals, _) => shelves
            .content(&file.sha256)
            .map(|content| (content.size_bytes, content.is_of_its_name)),
    };
    match looked {
        Err(error) => {
            let (fault, what) = unreadable(&error);
            tell(fault, what);
        }
        Ok((size, _)) if file.size_bytes.is_some_and(|known| known != size) => {
            let known = file.size_bytes.unwrap_or_default();
            tell(
                Fault::FileChanged,
                format!("it has {size} bytes, and had {known}"),
            );
        }
        Ok((_, false)) => tell(
            Fault::FileChanged,
            "it no longer has the content of its name".to_owned(),
        ),
        Ok((_, true)) if depth == Depth::Seals && file.is_receipt() => match shelves.bytes(&file.sha256) {
            Err(error) => {
                let (fault, what) = unreadable(&error);
                tell(fault, what);
            }
            Ok(pdf) => {
                if let Err(fault) = prove(&pdf, &[], &[]).seal {
                    tell(Fault::SealBroken, with_causes(&fault));
                }
            }
        },
        Ok((_, true)) => {}
    }
}
