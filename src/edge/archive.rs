//! The archive: every mail, letter and receipt is one file `archive/ab/cd/<sha256>`, written once and never changed.
//!
//! A file is written under a temporary name, fsynced, renamed, and its folder fsynced, before anything else may name
//! it. Nothing is ever deleted here except temporary files of a run that died.

pub mod shelves;

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use sha2::{Digest, Sha256};

use crate::store::{Archive, ArchiveError};

/// So many files are on their way to the disk at the same time.
const AT_ONCE: usize = 16;

/// Files in one folder of the machine.
pub struct FolderArchive {
    root: PathBuf,
    /// Makes temporary names differ within this process; the process id makes them differ between processes.
    next: AtomicU64,
    /// Folders whose names are known to last.
    synced: Mutex<HashSet<PathBuf>>,
}

impl FolderArchive {
    /// Opens the archive in `root`, making the folder where there is none, and clears what a dead run left half
    /// written.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(root: &Path) -> Result<Self, ArchiveError> {
        let temporary = root.join("tmp");
        let error = |doing| {
            move |source| ArchiveError {
                doing,
                what: root.display().to_string(),
                source,
            }
        };
        fs::create_dir_all(&temporary).map_err(error("making the archive folder"))?;
        for left in fs::read_dir(&temporary)
            .map_err(error("reading the archive folder"))?
            .flatten()
        {
            // Another process may be writing its own file just now; only files of dead processes go.
            if !belongs_to_living(&left.file_name().to_string_lossy()) {
                fs::remove_file(left.path()).map_err(error("clearing the archive folder"))?;
            }
        }
        Ok(Self {
            root: root.to_owned(),
            next: AtomicU64::new(0),
            synced: Mutex::default(),
        })
    }

    /// Writes and removes a temporary file, to see whether the archive can be written.
    ///
    /// # Errors
    /// It cannot.
    pub fn probe(&self) -> Result<(), ArchiveError> {
        let path = self
            .root
            .join("tmp")
            .join(format!("{}-probe", std::process::id()));
        let probed = write_and_sync(&path, b"probe").and_then(|()| fs::remove_file(&path));
        probed.map_err(|source| ArchiveError {
            doing: "writing to the archive",
            what: path.display().to_string(),
            source,
        })
    }

    fn path_of(&self, sha256: &str) -> PathBuf {
        self.root.join(&sha256[0..2]).join(&sha256[2..4]).join(sha256)
    }

    fn write_durably(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        if !path.exists() {
            fs::create_dir_all(folder)?;
            let name = format!(
                "{}-{}",
                std::process::id(),
                self.next.fetch_add(1, Ordering::Relaxed)
            );
            let temporary = self.root.join("tmp").join(name);
            let written = write_and_sync(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
            if let Err(error) = written {
                // Half a file is of no use to anybody, and the disk may be full.
                fs::remove_file(&temporary).ok();
                return Err(error);
            }
        }
        File::open(folder)?.sync_all()?;
        self.sync_above(folder)
    }

    /// The folder's own name, and those above it, must last too. Once for each folder and process is enough; a thread
    /// that finds the folder made by another one syncs as well, since the other may not have come so far.
    fn sync_above(&self, folder: &Path) -> io::Result<()> {
        let names: Vec<&Path> = folder.ancestors().take(3).collect();
        // Whatever stands above a folder that lasts lasts too.
        let known = {
            let synced = self.synced();
            names.iter().position(|name| synced.contains(*name))
        };
        let new = &names[..known.unwrap_or(names.len())];
        for above in new.iter().filter_map(|name| name.parent()) {
            File::open(above)?.sync_all()?;
        }
        self.synced().extend(new.iter().map(|name| name.to_path_buf()));
        Ok(())
    }

    fn synced(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o440)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn belongs_to_living(name: &str) -> bool {
    name.split('-')
        .next()
        .is_some_and(|pid| Path::new("/proc").join(pid).exists())
}

impl Archive for FolderArchive {
    fn put(&self, bytes: &[u8]) -> Result<String, ArchiveError> {
        let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(bytes));
        let path = self.path_of(&sha256);
        match self.write_durably(&path, bytes) {
            Ok(()) => Ok(sha256),
            Err(source) => Err(ArchiveError {
                doing: "writing to the archive",
                what: path.display().to_string(),
                source,
            }),
        }
    }

    /// Files are written and fsynced side by side: the disk takes what waits for it together, in one flush.
    fn put_all(&self, contents: &[&[u8]]) -> Result<Vec<String>, ArchiveError> {
        let each = contents.len().div_ceil(AT_ONCE).max(1);
        thread::scope(|scope| {
            let writers: Vec<_> = contents
                .chunks(each)
                .map(|some| scope.spawn(move || some.iter().map(|bytes| self.put(bytes)).collect::<Vec<_>>()))
                .collect();
            writers
                .into_iter()
                .flat_map(|writer| {
                    writer
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        })
    }

    fn read(&self, sha256: &str) -> Result<Vec<u8>, ArchiveError> {
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let source = io::Error::from(io::ErrorKind::InvalidInput);
            return Err(ArchiveError {
                doing: "reading from the archive",
                what: sha256.to_owned(),
                source,
            });
        }
        let path = self.path_of(sha256);
        let error = |source| ArchiveError {
            doing: "reading from the archive",
            what: path.display().to_string(),
            source,
        };
        let bytes = fs::read(&path).map_err(|source| {
            // With the whole archive away, no single file is missing.
            let is_away = source.kind() == io::ErrorKind::NotFound && !self.root.join("tmp").exists();
            error(if is_away {
                io::Error::other("the archive is not there; is its disk mounted?")
            } else {
                source
            })
        })?;
        if data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes)) != sha256 {
            let source = io::Error::new(
                io::ErrorKind::InvalidData,
                "the file no longer has the content of its name",
            );
            return Err(error(source));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_and_a_changed_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let archive = FolderArchive::open(folder.path()).unwrap();
        let sha256 = archive.put("cerere".as_bytes()).unwrap();
        assert_eq!(archive.put("cerere".as_bytes()).unwrap(), sha256);
        assert_eq!(archive.read(&sha256).unwrap(), "cerere".as_bytes());
        let path = archive.path_of(&sha256);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "altceva").unwrap();
        assert_eq!(
            archive.read(&sha256).unwrap_err().source.kind(),
            io::ErrorKind::InvalidData
        );
        assert!(archive.read("../../etc/passwd").is_err());
    }

    #[test]
    fn many_put_at_once_are_told_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let archive = FolderArchive::open(folder.path()).unwrap();
        let mut texts: Vec<String> = (0..100).map(|number| format!("cerere {number}")).collect();
        // The same bytes twice, perhaps by two threads at the same time.
        texts.extend_from_within(..50);
        let contents: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let sums = archive.put_all(&contents).unwrap();
        assert_eq!(sums.len(), contents.len());
        for (sum, bytes) in sums.iter().zip(&contents) {
            assert_eq!(archive.read(sum).unwrap(), *bytes);
        }
        assert!(archive.put_all(&[]).unwrap().is_empty());
        // A folder that cannot be made is told, and not passed over.
        let wrong = FolderArchive {
            root: folder.path().join("no").join("such"),
            next: AtomicU64::new(0),
            synced: Mutex::default(),
        };
        assert!(wrong.put_all(&contents).is_err());
    }

    #[test]
    fn half_files_of_dead_runs_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("tmp")).unwrap();
        fs::write(folder.path().join("tmp/4194999-0"), "half").unwrap();
        FolderArchive::open(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    }
}
