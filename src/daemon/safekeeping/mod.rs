//! Keeping the registry safe: copied while it works ([`back_up`]), brought back ([`restore`]), compared with itself
//! ([`check_registry`], [`check_backup`]).
//!
//! What a copy needs is only the database and the files that it names: a file is durable before anything names it, so
//! the database is copied first and its files after. Left out: the configuration, keys and passwords, which the
//! operator saves elsewhere than the letters they protect.

mod backup;
mod fsck;
mod restore;

use std::io;
use std::path::{Path, PathBuf};

use crate::daemon::StartError;
use crate::edge::archive::shelves::CopyError;
use crate::edge::backup_folder::{BackupFolder, BackupFolderError, DatabaseCopy};
use crate::store::StoreError;

pub use backup::{BackedUp, Progress, back_up};
pub use fsck::{Checked, check_backup, check_registry};
pub use restore::{OnFindings, Restored, restore};

/// Why a backup, a restore or a check could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SafekeepingError {
    /// What to do instead is in the words.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Folder(#[from] BackupFolderError),
    #[error("copying the archive")]
    Copy(#[from] CopyError),
    #[error("{doing} {path}")]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

fn file_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SafekeepingError {
    let path = path.to_owned();
    move |source| SafekeepingError::File { doing, path, source }
}

/// Makes everything that was written to the disk of this folder durable, names of files too.
fn sync_disk_of(folder: &Path) -> Result<(), SafekeepingError> {
    let synced =
        std::fs::File::open(folder).and_then(|folder| rustix::fs::syncfs(&folder).map_err(io::Error::from));
    synced.map_err(file_error("making durable", folder))
}

/// The copy with this name, or the newest one. A newest one that cannot be used is never passed over in silence.
fn copy_of(folder: &BackupFolder, name: Option<&str>) -> Result<DatabaseCopy, SafekeepingError> {
    let copies = folder.copies()?;
    let names: Vec<&str> = copies.whole.iter().map(|copy| copy.name.as_str()).collect();
    let names = names.join(", ");
    match name {
        Some(name) => copies
            .whole
            .into_iter()
            .find(|copy| copy.name == name)
            .ok_or_else(|| SafekeepingError::Refused(format!("there is no copy {name}; there are: {names}"))),
        None => {
            if let Some(fault) = copies.faulty.into_iter().next() {
                return Err(fault.into());
            }
            copies.whole.into_iter().next_back().ok_or_else(|| {
                SafekeepingError::Refused(format!(
                    "{} holds no complete backup; name the folder that `recipisa backup` was given",
                    folder.root().display()
                ))
            })
        }
    }
}
