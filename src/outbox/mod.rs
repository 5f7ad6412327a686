//! Letters: what leaves the house, complete to the last byte before the first attempt, and the port that carries it.
//!
//! One file per kind of letter; so far there is one, the letter that brings the receipt. A retry sends the archived
//! bytes again, so a repeat always carries the same Message-ID.

pub mod receipt_letter;
pub mod retry;

use jiff::Timestamp;

use crate::mailbox::Disposition;
use crate::registry::Number;

/// The kinds of letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Receipt,
}

impl Kind {
    /// The stable spelling in JSON, in the store and in Message-IDs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
        }
    }
}

/// A letter whose bytes are in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Without angle brackets; unique.
    pub message_id: String,
    pub kind: Kind,
    pub number: Number,
    /// Envelope sender (RFC 5321 reverse-path): the dedicated address, so that reports come back.
    pub from: String,
    /// Envelope recipient.
    pub to: String,
    /// Of the letter's bytes in the archive, lower-case hexadecimal.
    pub sha256: String,
    pub queued_at: Timestamp,
}

/// What a transport needs to carry a letter.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    pub message_id: &'a str,
    pub from: &'a str,
    pub to: &'a str,
}

/// Why a letter was not carried.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection, a broken one, or a time-out: nobody's letter can go now.
    #[error("talking to {server} while {doing}")]
    Unreachable {
        server: String,
        doing: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server did not accept the user and password.
    #[error(
        "{server} does not accept the user and password; check `user` and `password` under [transport] ({answer})"
    )]
    Login { server: String, answer: String },
    /// The connection would not be protected.
    #[error("{server} offers no STARTTLS, so nothing is sent; use `security = \"tls\"` or mend the server")]
    Unprotected { server: String },
    /// 5xx before any recipient was named: it is about the server or about us, not about this letter.
    #[error("{server} refuses to take letters from us while {doing}; check [transport] ({answer})")]
    NotForUs {
        server: String,
        doing: &'static str,
        answer: String,
    },
    /// The connection broke, or nothing came for too long, while the letter was handed over: it is not known whether
    /// the server took it.
    #[error("{server} ended or held up the handing over")]
    Broken {
        server: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// 4xx: not now.
    #[error("{server} put the letter off: {answer}")]
    PutOff { server: String, answer: String },
    /// 5xx: never.
    #[error("{server} refused the letter: {answer}")]
    Refused { server: String, answer: String },
    /// A folder of the machine.
    #[error("writing {path}")]
    Folder {
        path: String,
        #[source]
        source: std::io::Error,
    },
}

impl TransportError {
    /// Only a 5xx about this letter ends it; what is about the server or about us waits for a person or for better
    /// times, and costs no letter one of its attempts.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Refused { .. } => Disposition::GiveUp,
            Self::PutOff { .. } | Self::Broken { .. } => Disposition::Retry,
            Self::Unreachable { .. }
            | Self::Login { .. }
            | Self::Unprotected { .. }
            | Self::NotForUs { .. }
            | Self::Folder { .. } => Disposition::Stop,
        }
    }
}

/// Carries letters. Two homes: SMTP and a folder.
pub trait Transport: Send {
    /// Hands over one letter; `Ok` is the receiver's answer and means that it took responsibility.
    ///
    /// # Errors
    /// The letter was not taken, or it is not known whether it was; sending it again is right.
    fn send(&mut self, envelope: Envelope<'_>, bytes: &[u8]) -> Result<String, TransportError>;

    /// Ends what connections there are; called when there is nothing left to send.
    fn rest(&mut self) {}
}
