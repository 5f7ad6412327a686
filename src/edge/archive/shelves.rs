//! The archive's folder as files: walked in the order of their names, held against their names, copied to another such
//! folder. For backups and checks; daily work goes through [`super::FolderArchive`].
//!
//! Nothing here clears or repairs; a copy comes under its name only when it is whole and has the content of its name.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Read and hashed at a time.
const CHUNK_BYTES: usize = 128 * 1024;

/// Files `ab/cd/<sha256>` below one folder.
#[derive(Debug, Clone)]
pub struct Shelves {
    root: PathBuf,
}

/// What a walk meets.
#[derive(Debug)]
pub enum Met {
    /// A file with a name of the archive's form, in its place.
    File { sha256: String, size_bytes: u64 },
    /// Half written.
    Temporary(PathBuf),
    /// Nothing that the archive makes.
    Foreign(PathBuf),
    /// A folder or file that cannot be looked at.
    Unreadable(PathBuf, io::Error),
}

/// What was read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Whether it is what the name says.
    pub is_of_its_name: bool,
    pub size_bytes: u64,
}

impl Shelves {
    /// The folder `root`, which need not be there.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Whether the folder is there at all.
    pub fn is_there(&self) -> bool {
        self.root.is_dir()
    }

    /// Where the file with this name stands; `None` for what is no SHA-256 in lower-case hexadecimal.
    pub fn path_of(&self, sha256: &str) -> Option<PathBuf> {
        let is_name = sha256.len() == 64
            && sha256
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_name.then(|| self.root.join(&sha256[0..2]).join(&sha256[2..4]).join(sha256))
    }

    fn existing(&self, sha256: &str) -> io::Result<PathBuf> {
        self.path_of(sha256).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "the name is no SHA-256 in hexadecimal",
            )
        })
    }

    /// The size of a file.
    ///
    /// # Errors
    /// It is not there, or cannot be looked at.
    pub fn size(&self, sha256: &str) -> io::Result<u64> {
        fs::metadata(self.existing(sha256)?).map(|metadata| metadata.len())
    }

    /// Reads a file to its end, a piece at a time.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn content(&self, sha256: &str) -> io::Result<Content> {
        let mut file = File::open(self.existing(sha256)?)?;
        let (hash, size_bytes) = pour(&mut file, &mut io::sink())?;
        Ok(Content {
            is_of_its_name: hash == sha256,
            size_bytes,
        })
    }

    /// The bytes of a file, unchecked.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn bytes(&self, sha256: &str) -> io::Result<Vec<u8>> {
        fs::read(self.existing(sha256)?)
    }

    /// Walks all files in the order of their names; holds the names of one folder at a time.
    pub fn walk(&self) -> Walk {
        Walk {
            waiting: vec![Place {
                path: self.root.clone(),
                depth: 0,
            }],
        }
    }
}

/// The SHA-256 of a file in lower-case hexadecimal, and its size.
///
/// # Errors
/// It is not there, or cannot be read.
pub fn hash_of(path: &Path) -> io::Result<(String, u64)> {
    pour(&mut File::open(path)?, &mut io::sink())
}

/// Pours a file into another place, and returns the hash and the number of the bytes.
fn pour(from: &mut File, to: &mut dyn Write) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let mut size_bytes = 0;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = from.read(&mut chunk)?;
        if count == 0 {
            return Ok((data_encoding::HEXLOWER.encode(&hash.finalize()), size_bytes));
        }
        hash.update(&chunk[..count]);
        to.write_all(&chunk[..count])?;
        size_bytes += count as u64;
    }
}

/// A folder or file that is still to be looked at.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// 0 is the root, 3 a file.
    depth: usize,
}

/// A walk under way.
#[derive(Debug)]
pub struct Walk {
    /// The next one last.
    waiting: Vec<Place>,
}

impl Walk {
    /// Puts what is in a folder before everything else that waits.
    fn open(&mut self, place: &Place) -> io::Result<()> {
        let mut inside: Vec<PathBuf> = fs::read_dir(&place.path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<_>>()?;
        inside.sort_unstable_by(|a, b| b.cmp(a));
        let depth = place.depth + 1;
        self.waiting
            .extend(inside.into_iter().map(|path| Place { path, depth }));
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Met;

    fn next(&mut self) -> Option<Met> {
        loop {
            let place = self.waiting.pop()?;
            let name = place
                .path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            let metadata = match fs::metadata(&place.path) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound && place.depth > 0 => continue,
                Err(error) => return Some(Met::Unreadable(place.path, error)),
            };
            let above = |levels: usize| -> String {
                let mut names: Vec<&str> = place
                    .path
                    .ancestors()
                    .skip(1)
                    .take(levels)
                    .filter_map(|path| path.file_name()?.to_str())
                    .collect();
                names.reverse();
                names.concat()
            };
            let is_folder_of_ours = match place.depth {
                0 => true,
                1 => name == "tmp" || is_hex(name, 2),
                2 => is_hex(name, 2) && above(1) != "tmp",
                _ => false,
            };
            if metadata.is_dir() && is_folder_of_ours {
                if let Err(error) = self.open(&place) {
                    return Some(Met::Unreadable(place.path, error));
                }
                continue;
            }
            if place.depth == 2 && above(1) == "tmp" {
                return Some(Met::Temporary(place.path));
            }
            let is_file =
                place.depth == 3 && metadata.is_file() && is_hex(name, 64) && name.starts_with(&above(2));
            return Some(if is_file {
                Met::File {
                    sha256: name.to_owned(),
                    size_bytes: metadata.len(),
                }
            } else {
                Met::Foreign(place.path)
            });
        }
    }
}

fn is_hex(name: &str, length: usize) -> bool {
    name.len() == length && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// How a file came to be in the other folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// It was there, from an earlier copy.
    There,
    New {
        size_bytes: u64,
    },
}

/// Why a file could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("it cannot be read")]
    Source(#[source] io::Error),
    #[error("it no longer has the content of its name")]
    Changed,
    /// The place that is copied to: its disk is full, read-only or broken.
    #[error("writing {path}")]
    Target {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Copies files from one folder to another, each once.
#[derive(Debug)]
pub struct Copying<'s> {
    from: &'s Shelves,
    to: &'s Shelves,
    /// Of the copies.
    mode: u32,
    /// Folders with new names in them, not yet synced.
    unsynced: BTreeSet<PathBuf>,
}

impl<'s> Copying<'s> {
    /// Begins, and clears what an earlier copying left half written. Whoever calls sees to it that nobody else copies
    /// into the same folder.
    ///
    /// # Errors
    /// The folder cannot be made or cleared.
    pub fn begin(from: &'s Shelves, to: &'s Shelves, mode: u32) -> Result<Self, CopyError> {
        let temporary = to.root.join("tmp");
        let clear = || -> io::Result<()> {
            make_private(&temporary)?;
            for left in fs::read_dir(&temporary)? {
                fs::remove_file(left?.path())?;
            }
            Ok(())
        };
        clear().map_err(|source| CopyError::Target {
            path: temporary.clone(),
            source,
        })?;
        Ok(Self {
            from,
            to,
            mode,
            unsynced: BTreeSet::new(),
        })
    }

    /// Copies one file. A file of the right size is taken for an earlier copy, since files never change.
    ///
    /// # Errors
    /// [`CopyError::Target`] ends the copying, the others are of this file.
    pub fn copy(&mut self, sha256: &str) -> Result<Copied, CopyError> {
        let source = self.from.existing(sha256).map_err(CopyError::Source)?;
        let target = self.to.existing(sha256).map_err(CopyError::Source)?;
        let there = self.to.size(sha256).ok();
        let mut file = File::open(&source).map_err(CopyError::Source)?;
        let wanted = file.metadata().map_err(CopyError::Source)?.len();
        if there == Some(wanted) {
            return Ok(Copied::There);
        }
        let temporary = self.to.root.join("tmp").join(sha256);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| CopyError::Target { path, source }
        };
        let mut made = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(self.mode)
            .open(&temporary)
            .map_err(failed(&temporary))?;
        let mut written = Written::new(&mut made);
        let poured = pour(&mut file, &mut written);
        let broken = written.broken.take();
        if let Some(source) = broken {
            fs::remove_file(&temporary).ok();
            return Err(failed(&temporary)(source));
        }
        let (hash, size_bytes) = poured.map_err(CopyError::Source)?;
        if hash != sha256 {
            fs::remove_file(&temporary).map_err(failed(&temporary))?;
            return Err(CopyError::Changed);
        }
        made.sync_all().map_err(failed(&temporary))?;
        self.place(&temporary, &target).map_err(failed(&target))?;
        Ok(Copied::New { size_bytes })
    }

    fn place(&mut self, temporary: &Path, target: &Path) -> io::Result<()> {
        let folder = target.parent().unwrap_or(&self.to.root);
        if !folder.is_dir() {
            make_private(folder)?;
        }
        fs::rename(temporary, target)?;
        self.unsynced.insert(folder.to_owned());
        Ok(())
    }

    /// Makes all names durable.
    ///
    /// # Errors
    /// The disk gave an error.
    pub fn finish(self) -> Result<(), CopyError> {
        let mut folders = self.unsynced.clone();
        for folder in &self.unsynced {
            folders.extend(folder.ancestors().skip(1).take(3).map(Path::to_owned));
        }
        for path in folders {
            let synced = File::open(&path).and_then(|folder| folder.sync_all());
            synced.map_err(|source| CopyError::Target { path, source })?;
        }
        Ok(())
    }
}

/// A folder, and those above it that are missing, for the owner alone.
///
/// # Errors
/// The disk is full or read-only, or the owner is another.
pub fn make_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Tells an error of writing from one of reading.
struct Written<'f> {
    file: &'f mut File,
    broken: Option<io::Error>,
}

impl<'f> Written<'f> {
    fn new(file: &'f mut File) -> Self {
        Self { file, broken: None }
    }
}

impl Write for Written<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.file.write(bytes) {
            Ok(count) => Ok(count),
            Err(error) => {
                let kind = error.kind();
                self.broken = Some(error);
                Err(kind.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::FolderArchive;
    use super::*;
    use crate::store::Archive;

    fn archive_of(contents: &[&str]) -> (tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let archive = FolderArchive::open(folder.path()).unwrap();
        let mut names: Vec<String> = contents
            .iter()
            .map(|content| archive.put(content.as_bytes()).unwrap())
            .collect();
        names.sort();
        (folder, names)
    }

    #[test]
    fn a_walk_gives_files_in_order_and_tells_what_is_not_of_the_archive() {
        let contents: Vec<String> = (0..300).map(|number| format!("cerere {number}")).collect();
        let contents: Vec<&str> = contents.iter().map(String::as_str).collect();
        let (folder, names) = archive_of(&contents);
        fs::write(folder.path().join("tmp/4194999-0"), "half").unwrap();
        fs::write(folder.path().join("ab.txt"), "").unwrap();
        fs::create_dir_all(folder.path().join("00/00/x")).unwrap();
        fs::write(folder.path().join("00").join(&names[0]), "").unwrap();
        let (mut files, mut others) = (Vec::new(), Vec::new());
        for met in Shelves::new(folder.path()).walk() {
            if let Met::File { sha256, .. } = &met {
                files.push(sha256.clone());
            } else {
                others.push(format!("{met:?}"));
            }
        }
        assert_eq!(files, names);
        others.sort();
        assert_eq!(others.len(), 4, "{others:?}");
        assert_eq!(others.iter().filter(|one| one.starts_with("Foreign")).count(), 3);
        assert!(others[3].starts_with("Temporary") && others[3].contains("4194999-0"));
        assert!(matches!(
            Shelves::new(Path::new("/nowhere/archive")).walk().next(),
            Some(Met::Unreadable(..))
        ));
    }

    #[test]
    fn a_file_is_copied_once_and_only_with_the_content_of_its_name() {
        let (folder, names) = archive_of(&["cerere", "altă cerere", "a treia"]);
        let (from, elsewhere) = (Shelves::new(folder.path()), tempfile::tempdir().unwrap());
        let to = Shelves::new(&elsewhere.path().join("archive"));
        let mut copying = Copying::begin(&from, &to, 0o600).unwrap();
        assert!(matches!(copying.copy(&names[0]).unwrap(), Copied::New { .. }));
        assert_eq!(copying.copy(&names[0]).unwrap(), Copied::There);
        let changed = from.path_of(&names[1]).unwrap();
        fs::remove_file(&changed).unwrap();
        fs::write(&changed, "schimbat").unwrap();
        assert!(matches!(copying.copy(&names[1]), Err(CopyError::Changed)));
        fs::remove_file(from.path_of(&names[2]).unwrap()).unwrap();
        assert!(matches!(copying.copy(&names[2]), Err(CopyError::Source(_))));
        assert!(matches!(
            copying.copy("../../etc/passwd"),
            Err(CopyError::Source(_))
        ));
        copying.finish().unwrap();
        let held: Vec<String> = to.walk().map(|met| format!("{met:?}")).collect();
        assert_eq!(held.len(), 1, "{held:?}");
        assert!(to.content(&names[0]).unwrap().is_of_its_name);
    }

    #[test]
    fn half_a_copy_is_made_whole() {
        let (folder, names) = archive_of(&["cerere"]);
        let (from, elsewhere) = (Shelves::new(folder.path()), tempfile::tempdir().unwrap());
        let to = Shelves::new(elsewhere.path());
        let target = to.path_of(&names[0]).unwrap();
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(&target, "cer").unwrap();
        fs::create_dir(elsewhere.path().join("tmp")).unwrap();
        fs::write(elsewhere.path().join("tmp").join(&names[0]), "c").unwrap();
        let mut copying = Copying::begin(&from, &to, 0o600).unwrap();
        assert!(matches!(
            copying.copy(&names[0]).unwrap(),
            Copied::New { size_bytes: 6 }
        ));
        assert!(to.content(&names[0]).unwrap().is_of_its_name);
    }
}
