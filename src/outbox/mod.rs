//! Letters: what leaves the house, complete to the last byte before the first attempt, and the port that carries it.
//!
//! One file per kind of letter: the one that brings the receipt, or a notice in its place, those that say why a mail
//! could not be taken, the one that asks for a clarification, the one that invites to take the decision; [`letter`] has
//! what they share. A retry sends the archived bytes again, so a repeat
//! always carries the same Message-ID.

mod allowance;
mod appointment;
pub mod clarification;
pub mod digest_letter;
pub mod encrypted;
pub mod letter;
pub mod pace;
mod letterless;
pub mod notice;
pub mod pickup;
pub mod read_report;
pub mod receipt_letter;
pub mod retry;
#[cfg(test)]
mod tests;
pub mod templates;
pub mod too_large;
pub mod untaken;

use jiff::Timestamp;

use crate::mailbox::Disposition;
use crate::registry::{InstanceSecret, Number};

pub use allowance::{Allowance, Unauthenticated};
pub use letterless::Letterless;

/// Every template of every letter, with the names given to it.
pub fn templates() -> impl Iterator<Item = letter::Template> {
    let pairs = [
        receipt_letter::TEMPLATES,
        clarification::TEMPLATES,
        pickup::TEMPLATES,
        too_large::TEMPLATES,
        encrypted::TEMPLATES,
    ];
    pairs.into_iter().flatten().chain([notice::TEMPLATE])
}

/// The kinds of letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Receipt,
    /// In the place of a receipt, to an address that may not be the sender's.
    Notice,
    /// About a mail that was not taken for its size.
    TooLarge,
    /// About a mail that was not taken since nothing of it can be read.
    Encrypted,
    ClarificationRequest,
    ClarificationReminder,
    PickupInvitation,
    PickupReminder,
    /// To the clerks.
    Digest,
    /// The read report that a sender asked for (RFC 8098).
    ReadReport,
}

impl Kind {
    /// All of them, for tables.
    pub const ALL: [Self; 10] = [
        Self::Receipt,
        Self::Notice,
        Self::TooLarge,
        Self::Encrypted,
        Self::ClarificationRequest,
        Self::ClarificationReminder,
        Self::PickupInvitation,
        Self::PickupReminder,
        Self::Digest,
        Self::ReadReport,
    ];

    /// The stable spelling in JSON, in the store and in Message-IDs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Notice => "notice",
            Self::TooLarge => "too-large",
            Self::Encrypted => "encrypted",
            Self::ClarificationRequest => "clarification-request",
            Self::ClarificationReminder => "clarification-reminder",
            Self::PickupInvitation => "pickup-invitation",
            Self::PickupReminder => "pickup-reminder",
            Self::Digest => "digest",
            Self::ReadReport => "read-report",
        }
    }

    /// Which reports of its delivery are asked for: all of a letter to a citizen, since the agency must be able to
    /// prove it; of the clerks' digest only that it failed; and none of a report, which has nobody to report to
    /// (RFC 3461 §4.1, RFC 8098 §3).
    pub fn reports(self) -> Reports {
        match self {
            Self::Receipt
            | Self::ClarificationRequest
            | Self::ClarificationReminder
            | Self::PickupInvitation
            | Self::PickupReminder
            | Self::TooLarge
            | Self::Encrypted => Reports::All,
            Self::Digest => Reports::Failures,
            // A notice goes to an address that may be anybody's.
            Self::Notice | Self::ReadReport => Reports::None,
        }
    }

    /// Whether it goes out only in the office's hours on working days. What answers a mail is immediate, and the clerks chose
    /// the hour of their digest.
    pub fn keeps_office_hours(self) -> bool {
        match self {
            Self::Receipt
            | Self::Notice
            | Self::TooLarge
            | Self::Encrypted
            | Self::Digest
            | Self::ReadReport => false,
            Self::ClarificationRequest
            | Self::ClarificationReminder
            | Self::PickupInvitation
            | Self::PickupReminder => true,
        }
    }
}

/// The delivery reports that are asked for (RFC 3461 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    /// `NOTIFY=SUCCESS,FAILURE,DELAY`.
    All,
    /// `NOTIFY=FAILURE`.
    Failures,
    /// `NOTIFY=NEVER`.
    None,
}

/// A letter whose bytes are in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Without angle brackets; unique.
    pub message_id: String,
    pub kind: Kind,
    /// The case it is about; `None` for a digest and for what answers a mail without entry.
    pub number: Option<Number>,
    /// Of a receipt or notice the submission, 0 for the request itself; of a follow-up the clarification or appointment.
    pub ordinal: u32,
    /// Envelope sender (RFC 5321 reverse-path): the dedicated address, so that reports come back; empty for the null
    /// reverse-path of a report.
    pub from: String,
    /// Envelope recipient.
    pub to: String,
    /// Of the letter's bytes in the archive, lower-case hexadecimal.
    pub sha256: String,
    pub queued_at: Timestamp,
    /// From then on it would only puzzle whoever reads it: it becomes void.
    pub not_after: Option<Timestamp>,
}

/// The Message-ID of a letter, without angle brackets: the same letter has the same one after any crash. `key` names
/// it, such as `receipt/CJ/2026/12`; the domain is that of the address it goes out from.
pub fn message_id(secret: &InstanceSecret, key: &str, from: &str) -> String {
    let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    format!("{}@{domain}", secret.id("letter", key))
}

/// Whether a letter can be addressed to it.
pub fn is_usable_address(address: &str) -> bool {
    address.parse::<lettre::Address>().is_ok()
}

/// What a transport needs to carry a letter.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    pub message_id: &'a str,
    /// Empty for the null reverse-path.
    pub from: &'a str,
    pub to: &'a str,
    pub reports: Reports,
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
    /// The server does not want the token, not even a fresh one.
    #[error(
        "{server} does not accept the token of [[oauth]] \"{oauth}\"; check `user` under [transport], and that what the \
         token was given for includes sending ({answer})"
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
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
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
    /// The connection broke while the letter was handed over: it is not known whether the server took it.
    #[error("{server} ended the handing over")]
    Broken {
        server: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nothing came for too long while the letter was handed over. It is not known whether the server took it, and the
    /// next letter to the same domain may cost the same time.
    #[error("{server} said nothing for {seconds} seconds while the letter was handed over")]
    Silent { server: String, seconds: u64 },
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
            Self::PutOff { .. } | Self::Broken { .. } | Self::Silent { .. } => Disposition::Retry,
            Self::Unreachable { .. }
            | Self::Login { .. }
            | Self::TokenRefused { .. }
            | Self::NoToken { .. }
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
