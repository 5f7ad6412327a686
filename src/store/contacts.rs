//! When each source was last read, as plain data, for those who are told only by letter.

use jiff::Timestamp;

use crate::mailbox::SourceId;

/// The contact with one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub source: SourceId,
    /// The last success; `None` where there was none yet.
    pub contact_at: Option<Timestamp>,
    /// The first failure after it, and the stable code of the last one; `None` while all is well.
    pub failing: Option<(Timestamp, String)>,
}
