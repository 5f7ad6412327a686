//! The port to the archive: bytes by their SHA-256.

use std::io;

/// Why the archive could not do it.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {what}")]
pub struct ArchiveError {
    pub doing: &'static str,
    pub what: String,
    #[source]
    pub source: io::Error,
}

impl ArchiveError {
    /// Whether this one file is missing or damaged, and not the archive as a whole.
    pub fn is_of_this_file(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
        )
    }
}

/// Bytes that are written once, named by their content, and never changed.
pub trait Archive: Send + Sync {
    /// Keeps bytes; when it returns they are durable (file and folder fsynced). Returns their SHA-256 in lower-case
    /// hexadecimal. Bytes that are there already cost no second copy.
    ///
    /// # Errors
    /// The disk is full, read-only or broken; nothing that was there is harmed.
    fn put(&self, bytes: &[u8]) -> Result<String, ArchiveError>;

    /// Keeps many at once, each as [`Archive::put`] does; the answers are in the order of what was given. Waiting for
    /// the disk is most of the work, so an archive may have several on the way.
    ///
    /// # Errors
    /// As for [`Archive::put`], the first of them; what was kept before stays, and nothing names it.
    fn put_all(&self, contents: &[&[u8]]) -> Result<Vec<String>, ArchiveError> {
        contents.iter().map(|bytes| self.put(bytes)).collect()
    }

    /// The bytes with this SHA-256, checked against it.
    ///
    /// # Errors
    /// They are not there, cannot be read, or are no longer what their name says.
    fn read(&self, sha256: &str) -> Result<Vec<u8>, ArchiveError>;
}
