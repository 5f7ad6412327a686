//! What a clerk does with links, and what digests ask about mails that came twice.

use jiff::Timestamp;

use crate::mailbox::SourceId;
use crate::registry::{LinkRecord, Number};

/// A link that waits for a clerk, with the office of its later entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkProposal {
    pub link: LinkRecord,
    pub office: String,
    pub applicant: Option<String>,
}

/// What the clerk says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkVerdict {
    /// They belong together; the link is made where none was proposed.
    Confirm,
    /// They do not.
    Reject,
}

/// A clerk's act on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAct {
    pub later: Number,
    pub earlier: Number,
    pub verdict: LinkVerdict,
    pub actor: String,
    pub at: Timestamp,
}

/// A mail that another source had brought before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    pub mail_seq: i64,
    pub source: SourceId,
    pub received_at: Timestamp,
    /// The source of the first one.
    pub first_source: SourceId,
    /// What the first one has become.
    pub number: Number,
    pub applicant: Option<String>,
}
