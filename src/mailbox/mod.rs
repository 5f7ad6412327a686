//! The dedicated mailbox as the daemon sees it: what a source shows, the bytes it gives, and the proof that
//! bytes are kept. No server is named here; `edge/` has IMAP and folders.
//!
//! The order is fixed by types: only a [`Kept`] can be acknowledged, and only the flow's fetch step, after the
//! archive's fsync and the store's commit, makes one.

mod call;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use call::Call;

/// The name that the configuration gives to a source; letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub String);

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What identifies one message in one source for ever; opaque outside the source's own edge.
///
/// IMAP: folder, UIDVALIDITY and UID (RFC 9051 §2.3.1.1). Folder: file name and SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceKey(pub String);

/// One message that a source shows, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub source: SourceId,
    pub key: SourceKey,
    /// When it reached the agency's server: IMAP INTERNALDATE; for a folder the top `Received`, else the file's
    /// time. The edge may leave it to be read from the bytes.
    pub received_at: Option<Timestamp>,
    pub size_bytes: u64,
    /// `$MDNSent` stands on it (RFC 3503): another program has already answered its wish for a read report.
    pub mdn_sent: bool,
}

/// How much of the message was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// Only its header was asked for: the message is over the configured size, or older than the start. It stays where
    /// it is.
    HeaderOnly,
    /// The server showed it and never gave its bytes.
    Nothing,
}

/// One message to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub sighting: Sighting,
    /// Whole, or its header only.
    pub extent: Extent,
}

/// What a source gave of the messages that were asked for. One that is in no list has vanished: the next listing tells.
#[derive(Debug, Default)]
pub struct Yield {
    pub mails: Vec<RawMail>,
    /// Messages that the server still shows and gives no bytes for, with its words.
    pub refused: Vec<(SourceKey, String)>,
    /// Messages whose turn did not come before the line broke; nothing is known against them.
    pub unasked: BTreeSet<SourceKey>,
}

/// A message's bytes, exactly as the server gave them.
#[derive(Debug, Clone)]
pub struct RawMail {
    pub sighting: Sighting,
    pub extent: Extent,
    pub bytes: Vec<u8>,
}

/// Proof that a message is durable: its bytes are fsynced in the archive and its row is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    sighting: Sighting,
    settles_read_report: bool,
}

impl Kept {
    /// For the one who has just fsynced and committed, and for nobody else.
    pub(crate) fn after_commit(sighting: Sighting) -> Self {
        Self {
            sighting,
            settles_read_report: false,
        }
    }

    /// The wish for a read report has been decided here: the source marks the message with `$MDNSent` where it can,
    /// so that no other program answers it as well (RFC 3503 §3.1).
    #[must_use]
    pub(crate) fn settling_read_report(mut self) -> Self {
        self.settles_read_report = true;
        self
    }

    /// Whether `$MDNSent` is to be set.
    pub fn settles_read_report(&self) -> bool {
        self.settles_read_report
    }

    /// What was kept.
    pub fn sighting(&self) -> &Sighting {
        &self.sighting
    }
}

/// What to do after an error of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It may be well later: wait and try again.
    Retry,
    /// This item will never work: a person must look.
    GiveUp,
    /// Nothing of this kind can work until somebody mends the configuration or the machine.
    Stop,
}

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// A connection that broke, or a time-out, in the middle of the work.
    #[error("talking to {server} while {doing}")]
    Unreachable {
        server: String,
        doing: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no way to the server now: no connection, no TLS, no greeting.
    #[error("talking to {server} while {doing}")]
    Away {
        server: String,
        doing: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server answered, and the answer was NO or BAD.
    #[error("{server} refused {doing}: {answer}")]
    Refused {
        server: String,
        doing: &'static str,
        answer: String,
    },
    /// Too many connections, by the server's count.
    #[error(
        "{server} lets in no further connection of this user: {answer}; other programs read the same mailbox, or old connections are still counted"
    )]
    Limit { server: String, answer: String },
    /// Wrong user or password.
    #[error(
        "{server} does not accept the user and password; check `user` and `password` of this source ({answer})"
    )]
    Login { server: String, answer: String },
    /// The server does not want the token, not even a fresh one.
    #[error(
        "{server} does not accept the token of [[oauth]] \"{oauth}\"; check `user` of this source, and that what the token \
         was given for includes this mailbox and IMAP ({answer})"
    )]
    TokenRefused {
        server: String,
        oauth: String,
        answer: String,
    },
    /// No token could be had, so the server was not asked.
    #[error("there is no token to log in to {server} with")]
    NoToken {
        server: String,
        /// Whether a person has to mend it.
        disposition: Disposition,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection would not be protected.
    #[error(
        "{server} offers no STARTTLS, so the password is not sent; use `security = \"tls\"` or mend the server"
    )]
    Unprotected { server: String },
    /// A file or folder of the machine.
    #[error("{doing} {path}")]
    Folder {
        doing: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
}

impl MailboxError {
    /// Whether nothing at all can be had from the server now, so that asking for the next message is of no use.
    pub fn is_away(&self) -> bool {
        matches!(
            self,
            Self::Away { .. }
                | Self::Limit { .. }
                | Self::Login { .. }
                | Self::TokenRefused { .. }
                | Self::NoToken { .. }
                | Self::Unprotected { .. }
        )
    }

    /// The same error, known to have come while connecting.
    #[must_use]
    pub fn while_connecting(self) -> Self {
        if let Self::Unreachable {
            server,
            doing,
            source,
        } = self
        {
            return Self::Away {
                server,
                doing,
                source,
            };
        }
        self
    }

    /// Sources are polled for ever; only the message to the operator differs.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Unreachable { .. }
            | Self::Away { .. }
            | Self::Refused { .. }
            | Self::Limit { .. }
            | Self::Folder { .. } => Disposition::Retry,
            Self::NoToken { disposition, .. } => *disposition,
            Self::Login { .. } | Self::TokenRefused { .. } | Self::Unprotected { .. } => Disposition::Stop,
        }
    }
}

/// What ended a wait at a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The source shows something new.
    Arrived,
    /// The call has rung.
    Called,
    /// The time is over; the source was heard meanwhile, and had nothing new.
    Quiet,
    /// The time is over, and the source tells nothing by itself.
    TimeOver,
}

/// A source of mail. Two homes: IMAP and a folder.
pub trait Mailbox: Send {
    /// Everything the mailbox shows now, in the order of arrival, without bytes and without changing a flag.
    ///
    /// # Errors
    /// The source could not be read; nothing was lost, ask again later.
    fn list(&mut self) -> Result<Vec<Sighting>, MailboxError>;

    /// The bytes of some of the messages just listed, each as far as it is wanted.
    ///
    /// # Errors
    /// As [`Mailbox::list`]; messages already returned by an earlier call are not affected.
    fn fetch(&mut self, wanted: &[Wanted]) -> Result<Yield, MailboxError>;

    /// Moves kept messages out of the inbox, or notes that they are done. Never deletes. Safe to repeat.
    ///
    /// # Errors
    /// As [`Mailbox::list`]; the messages will be listed again and acknowledged again.
    fn acknowledge(&mut self, kept: &[Kept]) -> Result<(), MailboxError>;

    /// What the source wants its operator to be told, once, since this was last asked.
    fn remark(&mut self) -> Option<String> {
        None
    }

    /// Waits until something new is there, as far as the source tells of it by itself; not longer than `limit`, and no
    /// longer than until the call rings. To look again now and then stays the caller's business.
    ///
    /// # Errors
    /// The source can tell no more: look at once. Nothing was lost.
    fn wait(&mut self, limit: Duration, call: &Call) -> Result<Woken, MailboxError> {
        Ok(match call.wait(limit) {
            true => Woken::Called,
            false => Woken::TimeOver,
        })
    }
}
