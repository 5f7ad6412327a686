//! Mail in a folder of the machine, both ways: a Maildir or a folder of `.eml` files as a source, and a folder that
//! letters are written into instead of being sent.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::mailbox::{
    Extent, Kept, Mailbox, MailboxError, RawMail, Sighting, SourceId, SourceKey, Wanted, Yield,
};
use crate::message;
use crate::outbox::{Envelope, Transport, TransportError};

/// What a file looked like when it was last read, so that an unchanged one is not read again.
type Seen = (u64, Option<SystemTime>);

/// A Maildir (a folder with `new` and `cur`) or a folder of `.eml` files.
pub struct FolderMailbox {
    source: SourceId,
    path: PathBuf,
    /// Where kept messages go; `None` leaves them where they are.
    move_to: Option<PathBuf>,
    known: HashMap<PathBuf, (Seen, SourceKey, Option<Timestamp>)>,
    /// Where the messages of the last listing are.
    by_key: HashMap<SourceKey, PathBuf>,
}

/// Ends the key of a file that could not even be read to be identified; fetching it tells why.
const UNREADABLE: &str = ";unreadable";

impl FolderMailbox {
    /// A source that reads `path`.
    pub fn new(source: SourceId, path: PathBuf, move_to: Option<PathBuf>) -> Self {
        Self {
            source,
            path,
            move_to,
            known: HashMap::new(),
            by_key: HashMap::new(),
        }
    }

    /// How many message files lie there now; none is read.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn count(&self) -> Result<usize, MailboxError> {
        Ok(self.message_files()?.len())
    }

    fn error(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> MailboxError {
        let path = path.display().to_string();
        move |source| MailboxError::Folder { doing, path, source }
    }

    fn message_files(&self) -> Result<Vec<PathBuf>, MailboxError> {
        let is_maildir = self.path.join("new").is_dir() && self.path.join("cur").is_dir();
        let folders = if is_maildir {
            vec![self.path.join("new"), self.path.join("cur")]
        } else {
            vec![self.path.clone()]
        };
        let mut files = Vec::new();
        for folder in folders {
            for entry in fs::read_dir(&folder).map_err(Self::error(&folder, "listing"))? {
                let path = entry.map_err(Self::error(&folder, "listing"))?.path();
                let hidden = path
                    .file_name()
                    .is_none_or(|name| name.to_string_lossy().starts_with('.'));
                let wanted = is_maildir
                    || path
                        .extension()
                        .is_some_and(|ext| ext.eq_ignore_ascii_case("eml"));
                if wanted && !hidden && path.is_file() {
                    files.push(path);
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// The file's key and time of arrival; reads the file only when it has changed.
    fn identify(&mut self, path: &Path) -> io::Result<(SourceKey, Option<Timestamp>, u64)> {
        let metadata = fs::metadata(path)?;
        let seen = (metadata.len(), metadata.modified().ok());
        if let Some((before, key, received)) = self.known.get(path)
            && *before == seen
        {
            return Ok((key.clone(), *received, seen.0));
        }
        let (digest, head) = digest_of(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // A Maildir file changes its flags after the colon, and stays the same message.
        let name = name.split(":2,").next().unwrap_or_default();
        let key = SourceKey(format!("{name};{digest}"));
        let received =
            message::received_at(&head).or_else(|| seen.1.and_then(|time| Timestamp::try_from(time).ok()));
        self.known.insert(path.to_owned(), (seen, key.clone(), received));
        Ok((key, received, seen.0))
    }
}

fn sha256_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// SHA-256 of a file, and its first 64 KiB, where the header is.
fn digest_of(path: &Path) -> io::Result<(String, Vec<u8>)> {
    let mut file = fs::File::open(path)?;
    let (mut digest, mut head, mut buffer) = (Sha256::new(), Vec::new(), vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((data_encoding::HEXLOWER.encode(&digest.finalize()), head));
        }
        digest.update(&buffer[..read]);
        if head.is_empty() {
            head.extend_from_slice(&buffer[..read]);
        }
    }
}

/// The header of a message file, with the empty line after it.
fn header_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    fs::File::open(path)?.take(1 << 18).read_to_end(&mut head)?;
    let end = |needle: &[u8]| {
        head.windows(needle.len())
            .position(|window| window == needle)
            .map(|at| at + needle.len())
    };
    let end = end(b"\r\n\r\n").or_else(|| end(b"\n\n")).unwrap_or(head.len());
    head.truncate(end);
    Ok(head)
}

impl Mailbox for FolderMailbox {
    fn list(&mut self) -> Result<Vec<Sighting>, MailboxError> {
        let mut sightings = Vec::new();
        self.by_key.clear();
        for path in self.message_files()? {
            let (key, received_at, size_bytes) = match self.identify(&path) {
                Ok(identified) => identified,
                // Taken away by somebody between the listing and the look.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                // One bad file holds up no other: it is told when its turn comes.
                Err(_) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    (SourceKey(format!("{name}{UNREADABLE}")), None, 0)
                }
            };
            self.by_key.insert(key.clone(), path);
            sightings.push(Sighting {
                source: self.source.clone(),
                key,
                received_at,
                size_bytes,
                mdn_sent: false,
            });
        }
        self.known.retain(|path, _| path.exists());
        sightings.sort_by_key(|sighting| sighting.received_at);
        Ok(sightings)
    }

    fn fetch(&mut self, wanted: &[Wanted]) -> Result<Yield, MailboxError> {
        let mut given = Yield::default();
        for Wanted { sighting, extent } in wanted {
            let Some(path) = self.by_key.get(&sighting.key) else {
                continue;
            };
            let read = match extent {
                Extent::Whole => fs::read(path),
                Extent::HeaderOnly => header_of(path),
                Extent::Nothing => continue,
            };
            let bytes = match read {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    let why = format!("reading {}: {error}", path.display());
                    given.refused.push((sighting.key.clone(), why));
                    continue;
                }
            };
            // A file that has grown or changed since it was listed comes with its new key at the next listing.
            if *extent == Extent::Whole && !sighting.key.0.ends_with(&sha256_hex(&bytes)) {
                continue;
            }
            given.mails.push(RawMail {
                sighting: sighting.clone(),
                extent: *extent,
                bytes,
            });
        }
        Ok(given)
    }

    fn acknowledge(&mut self, kept: &[Kept]) -> Result<(), MailboxError> {
        let Some(target) = self.move_to.clone() else {
            return Ok(());
        };
        fs::create_dir_all(&target).map_err(Self::error(&target, "making"))?;
        for one in kept {
            let Some(path) = self.by_key.get(&one.sighting().key).cloned() else {
                continue;
            };
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let mut destination = target.join(&name);
            if destination.exists() {
                // The same name came before with other bytes: both stay.
                let key = &one.sighting().key.0;
                destination = target.join(format!("{}-{name}", &key[key.len().saturating_sub(8)..]));
            }
            fs::rename(&path, &destination).map_err(Self::error(&path, "moving"))?;
            self.known.remove(&path);
        }
        Ok(())
    }
}

/// Letters written as `.eml` files, for the demo, for trials, and for a mail server that picks up files.
pub struct FolderTransport {
    path: PathBuf,
}

impl FolderTransport {
    /// Writes into `path`, which is made when the first letter comes.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Transport for FolderTransport {
    fn send(&mut self, envelope: Envelope<'_>, bytes: &[u8]) -> Result<String, TransportError> {
        let name: String = envelope
            .message_id
            .split('@')
            .next()
            .unwrap_or_default()
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        let path = self.path.join(format!("{name}.eml"));
        let write = || -> io::Result<()> {
            fs::create_dir_all(&self.path)?;
            let temporary = self.path.join(format!(".{name}.tmp"));
            let mut file = fs::File::create(&temporary)?;
            io::Write::write_all(&mut file, bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            fs::File::open(&self.path)?.sync_all()
        };
        write().map_err(|source| TransportError::Folder {
            path: path.display().to_string(),
            source,
        })?;
        Ok(format!("written to {name}.eml"))
    }
}
