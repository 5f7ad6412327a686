//! The refresh token that a server hands out in the place of the last one: a file in the storage folder for its owner
//! alone, durable before the old one is forgotten.
//!
//! It knows by a hash from which configured token it descends, so that a new consent in the configuration wins over it.
//! It is a secret, and therefore in no backup.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::OAuthError;

const SCHEMA: u64 = 1;
/// Another process asks for half a minute at most.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
const LOCK_TRIES: u32 = if cfg!(test) { 4 } else { 600 };

/// Where the refresh token of one `[[oauth]]` is kept.
pub(super) struct Keeping {
    name: String,
    folder: PathBuf,
}

/// The right to use and to replace the refresh token, which no other process has meanwhile.
pub(super) struct Place<'a> {
    keeping: &'a Keeping,
    _lock: File,
}

impl Keeping {
    pub(super) fn new(name: String, folder: PathBuf) -> Self {
        Self { name, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.name))
    }

    fn error(&self, doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OAuthError {
        let (name, path) = (self.name.clone(), path.to_owned());
        move |source| OAuthError::File {
            name,
            doing,
            path,
            source,
        }
    }

    /// Waits for another process that is just asking, a bounded time.
    pub(super) fn lock(&self) -> Result<Place<'_>, OAuthError> {
        let path = self.folder.join(format!("{}.lock", self.name));
        let take = || -> io::Result<File> {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.folder)?;
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)?;
            for _ in 0..LOCK_TRIES {
                match file.try_lock() {
                    Ok(()) => return Ok(file),
                    Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "another process does not let go of it",
            ))
        };
        Ok(Place {
            keeping: self,
            _lock: take().map_err(self.error("locking", &path))?,
        })
    }

    /// What the file says; `None` where there is none, or where it descends from another consent.
    fn read(&self, configured: &str) -> Result<Option<(String, Option<Timestamp>)>, OAuthError> {
        let path = self.path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.error("reading", &path)(error)),
        };
        let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let text = |member: &str| value[member].as_str();
        let (Some(SCHEMA), Some(from), Some(token)) = (
            value["schema"].as_u64(),
            text("descends_from"),
            text("refresh_token"),
        ) else {
            let words = "this is no file of recipisa's; remove it to begin with the configured refresh token";
            return Err(self.error("reading", &path)(io::Error::other(words)));
        };
        let replaced_at = text("replaced_at").and_then(|at| at.parse().ok());
        Ok((from == digest(configured)).then(|| (token.to_owned(), replaced_at)))
    }

    /// When the configured token was last replaced.
    pub(super) fn replaced_at(&self, configured: &str) -> Result<Option<Timestamp>, OAuthError> {
        Ok(self.read(configured)?.and_then(|(_, at)| at))
    }
}

impl Place<'_> {
    /// The refresh token to be used now.
    pub(super) fn current(&self, configured: &str) -> Result<String, OAuthError> {
        let kept = self.keeping.read(configured)?;
        Ok(kept.map_or_else(|| configured.to_owned(), |(token, _)| token))
    }

    /// Puts a new one in its place; a power cut leaves the old file or the new one.
    pub(super) fn replace(&self, configured: &str, next: &str, at: Timestamp) -> Result<(), OAuthError> {
        let path = self.keeping.path();
        let draft = path.with_extension("json.new");
        let text = json!({
            "schema": SCHEMA, "descends_from": digest(configured), "refresh_token": next,
            "replaced_at": at.to_string(),
        });
        let write = || -> io::Result<()> {
            let mut file = File::options()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&draft)?;
            writeln!(file, "{text}")?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(&self.keeping.folder)?.sync_all()
        };
        write().map_err(self.keeping.error("keeping the new refresh token in", &path))
    }
}

fn digest(token: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(token))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_lock_that_is_never_let_go_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let keeping = Keeping::new("google".into(), dir.path().to_owned());
        let place = keeping.lock().unwrap();
        assert!(keeping.lock().is_err());
        drop(place);
        assert!(keeping.lock().is_ok());
    }

    #[test]
    fn a_replaced_token_is_found_again_until_there_is_a_new_consent() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("oauth");
        let keeping = Keeping::new("google".into(), folder.clone());
        assert_eq!(keeping.replaced_at("first").unwrap(), None);
        assert!(!folder.exists(), "looking makes nothing");
        let at = Timestamp::from_second(1_795_000_000).unwrap();
        {
            let place = keeping.lock().unwrap();
            assert_eq!(place.current("first").unwrap(), "first");
            place.replace("first", "second", at).unwrap();
            assert_eq!(place.current("first").unwrap(), "second");
            assert_eq!(place.current("consent given anew").unwrap(), "consent given anew");
        }
        assert_eq!(keeping.replaced_at("first").unwrap(), Some(at));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for entry in fs::read_dir(&folder).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
        fs::write(keeping.path(), "{}").unwrap();
        let said = keeping.lock().unwrap().current("first").unwrap_err();
        assert!(said.to_string().contains("google.json"), "{said}");
    }
}
