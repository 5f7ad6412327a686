//! What a report about a letter says: delivery reports (RFC 3464) and the common forms that are none, read reports
//! (RFC 8098), complaints (RFC 5965). Reports are easily forged: they are evidence and change no case.

use mail_parser::Message;

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    Delivery,
    Read,
    Complaint,
}

/// What became of a letter on its way to one recipient (RFC 3464 §2.3.3, RFC 8098 §3.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Failed,
    Delayed,
    Delivered,
    /// Handed to a server that gives no reports.
    Relayed,
    Expanded,
    /// Shown to its reader.
    Displayed,
    /// Taken up without being shown.
    Processed,
    /// Thrown away, perhaps unread.
    Deleted,
}

/// What a report says of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Final-Recipient, else Original-Recipient, without its type.
    pub address: Option<String>,
    pub action: Action,
    /// Enhanced status code `d.d.d` (RFC 3463).
    pub status: Option<String>,
    /// The server's words, in one line.
    pub diagnostic: Option<String>,
}

/// A report, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub kind: ReportKind,
    /// Original-Envelope-Id (RFC 3464 §2.2.1), decoded.
    pub envelope_id: Option<String>,
    /// The Message-ID of the letter it speaks of, without angle brackets: from Original-Message-ID or from the
    /// returned header.
    pub original_message_id: Option<String>,
    /// Never empty for a delivery report that could be read.
    pub recipients: Vec<Recipient>,
}

/// The report that a parsed message is.
pub(super) fn of(_parsed: &Message<'_>) -> Option<Report> {
    None
}
