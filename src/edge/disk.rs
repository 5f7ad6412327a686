//! The machine's disks and files as `check` and `status` ask about them: space, and who may read and write.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Access, access, statvfs};

/// The space of the file system that holds a folder, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What this user may still write.
    pub free: u64,
    pub size: u64,
}

/// How much space there is where `path` lies.
///
/// # Errors
/// The path is not there.
pub fn space(path: &Path) -> io::Result<Space> {
    let found = statvfs(path)?;
    Ok(Space {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        size: found.f_blocks.saturating_mul(found.f_frsize),
    })
}

/// Whether this user may take files out of a folder and put files in; nothing is tried.
///
/// # Errors
/// It may not, and why.
pub fn may_change_folder(path: &Path) -> io::Result<()> {
    Ok(access(
        path,
        Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK,
    )?)
}

/// Whether everybody on the machine may read or change it (the last three bits of its mode).
///
/// # Errors
/// The path is not there.
pub fn is_open_to_all(path: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o007 != 0)
}

/// The machine's own time zone by its name in the zone database; `None` where it is not told.
pub fn time_zone() -> Option<String> {
    if let Ok(name) = std::env::var("TZ")
        && !name.is_empty()
    {
        return Some(name.trim_start_matches(':').to_owned());
    }
    let link = std::fs::read_link("/etc/localtime").ok()?;
    let name = link.to_str()?.split_once("zoneinfo/")?.1;
    Some(name.to_owned())
}
