//! The read report owed for a mail (RFC 8098), written from the mail's own bytes and put into the archive.
//!
//! Left out: claiming what is owed and committing that it is written, which is the step of all answers.

use jiff::Timestamp;

use crate::flow::issue::Letterhead;
use crate::flow::{House, with_causes};
use crate::message::Message;
use crate::outbox::letter::{ComposeError, Whose};
use crate::outbox::read_report::{Facts, compose};
use crate::outbox::{self, Kind};
use crate::registry;
use crate::store::ArchiveError;

/// The mail that is reported on.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    pub seq: i64,
    /// Of its bytes in the archive.
    pub sha256: &'a str,
    /// The name of the source that it came from.
    pub source: &'a str,
    /// The number that it was given, as people write it.
    pub number: Option<&'a str>,
}

/// A report whose bytes are in the archive. Its envelope sender is the null reverse-path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Without angle brackets; the same after any crash.
    pub message_id: String,
    pub to: String,
    /// Of its bytes in the archive.
    pub sha256: String,
}

/// Why a report is not written now.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The world's fault: the report has not failed by it.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// About this report, in words for the operator: it is counted and tried again later.
    #[error("{0}")]
    Report(String),
}

/// Writes the report; `None` where none may go, because the mail asks for none that may go by itself, or no server
/// would take the address.
///
/// # Errors
/// The archive, or what the configuration no longer knows; it may be tried again.
pub fn write(
    house: House<'_>,
    letterhead: &Letterhead,
    mail: Mail<'_>,
    at: Timestamp,
) -> Result<Option<Written>, WriteError> {
    let bytes = house.archive.read(mail.sha256)?;
    let message = Message::read(&bytes);
    let Some(to) = registry::read_report_asked_from(&message) else {
        return Ok(None);
    };
    let from = letterhead.addresses.get(mail.source).ok_or_else(|| {
        let why = format!("the source `{}` is no longer in the configuration", mail.source);
        WriteError::Report(why)
    })?;
    let key = format!("{}/{}", Kind::ReadReport.as_str(), mail.seq);
    let facts = Facts {
        agency: &letterhead.agency.name,
        from,
        to,
        original_message_id: message.message_id.as_deref(),
        subject: &message.subject,
        number: mail.number,
        message_id: &outbox::message_id(&house.store.instance_secret(), &key, from),
        date: at,
    };
    let composed = match compose(&facts) {
        Ok(composed) => composed,
        Err(ComposeError::Address {
            whose: Whose::Sender, ..
        }) => return Ok(None),
        Err(error) => return Err(WriteError::Report(with_causes(&error))),
    };
    let sha256 = house.archive.put(&composed.bytes)?;
    Ok(Some(Written {
        message_id: composed.message_id,
        to: to.to_owned(),
        sha256,
    }))
}
