//! The letter that brings the clerks their digest: text and HTML, and the table for a spreadsheet attached.
//!
//! What it says is composed elsewhere (`digest`); here it becomes a message.

use jiff::Timestamp;
use lettre::message::SinglePart;

use super::letter::{Cause, ComposeError, Composed, Head, ReadReport, Whose, assemble, attached, mailbox};

/// What the letter carries.
#[derive(Debug, Clone)]
pub struct Content {
    pub subject: String,
    pub text: String,
    pub html: String,
    pub csv: Vec<u8>,
    /// The name of the table's file.
    pub csv_name: String,
}

/// Writes the letter.
///
/// # Errors
/// An address that no mail server would take.
pub fn compose(
    content: &Content,
    agency: &str,
    from: &str,
    to: &str,
    message_id: &str,
    date: Timestamp,
) -> Result<Composed, ComposeError> {
    let head = Head {
        from: mailbox(Some(agency), from, Whose::Mailbox)?,
        to: mailbox(None, to, Whose::Sender)?,
        date,
        message_id,
        subject: content.subject.clone(),
        cause: Cause::Case,
        thread: Vec::new(),
        read_report: ReadReport::NotAsked,
    };
    let alternatives = vec![
        SinglePart::plain(content.text.clone()),
        SinglePart::html(content.html.clone()),
    ];
    let table = attached(&content.csv_name, "text/csv; charset=utf-8", content.csv.clone());
    assemble(head, alternatives, vec![table])
}
