//! What the letters about mails that could not be taken share: there is no number, and one step to do.
//!
//! Left out: which mails these are, and whether their senders may be written to, which the screening decides.

use jiff::Timestamp;
use minijinja::{Value, context};

use super::letter::{self, Cause, ComposeError, Head, ReadReport, Whose, mailbox};
use crate::receipt::content::{Agency, Marking, Office};
use crate::receipt::wording::{day_and_hour, visible};

/// The mail, and who could not take it.
#[derive(Debug, Clone)]
pub struct Untaken<'a> {
    pub agency: &'a Agency,
    pub office: &'a Office,
    /// The dedicated address, from which the letter goes out and to which the citizen is to write again.
    pub from: &'a str,
    pub to: &'a str,
    pub to_name: Option<&'a str>,
    /// As received; may be empty.
    pub subject: &'a str,
    pub received_at: Timestamp,
    /// Of the mail, where it has one.
    pub mail_message_id: Option<&'a str>,
    /// The references of the mail, oldest first, without its own Message-ID.
    pub references: &'a [String],
    /// Of this letter, without angle brackets.
    pub message_id: &'a str,
    pub date: Timestamp,
    pub marking: Marking,
}

/// The header of the letter; the mail's own subject stands behind `words`.
pub(super) fn head<'a>(mail: &Untaken<'a>, words: &str) -> Result<Head<'a>, ComposeError> {
    let mut thread = Vec::new();
    if let Some(id) = mail.mail_message_id.filter(|id| letter::is_plain_id(id)) {
        thread.extend(mail.references.iter().map(String::as_str));
        thread.push(id);
    }
    let mut subject = words.to_owned();
    if !mail.subject.is_empty() {
        subject.push_str(&format!(" – {}", visible(mail.subject)));
    }
    Ok(Head {
        from: mailbox(Some(&mail.agency.name), mail.from, Whose::Mailbox)?,
        to: mailbox(mail.to_name, mail.to, Whose::Sender)?,
        date: mail.date,
        message_id: mail.message_id,
        subject,
        cause: Cause::Mail,
        thread,
        read_report: ReadReport::NotAsked,
    })
}

/// What is given to the templates of all these letters.
pub(super) fn values(mail: &Untaken<'_>) -> Value {
    context! {
        agency => letter::agency(mail.agency),
        office => letter::office(mail.office),
        address => mail.from,
        subject => visible(mail.subject),
        to_name => mail.to_name.map(visible).unwrap_or_default(),
        date_hour => day_and_hour(mail.received_at),
        demonstration => mail.marking == Marking::Demonstration,
    }
}
