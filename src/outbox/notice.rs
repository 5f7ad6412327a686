//! The notice that goes out in the place of a receipt, when the sender's domain does not stand by the mail: a few plain
//! lines with the number, so that a stranger whose address was used gets neither documents nor anybody's words.
//!
//! Nothing of the mail is quoted (RFC 3834 §2: an answer to a forged address must be small and of no use to the forger).

use jiff::Timestamp;
use minijinja::{Value, context};

use super::letter::{self, Cause, ComposeError, Composed, Head, ReadReport, Template, Whose, mailbox};
use crate::receipt::content::{Agency, Marking, Office};
use crate::receipt::wording::day_and_hour;

const GIVEN: &[&str] = &[
    "agency.name",
    "date_hour",
    "demonstration",
    "number",
    "office.contact",
    "office.name",
    "submission",
];

pub(super) const TEMPLATE: Template = Template {
    name: "notice.txt",
    source: include_str!("../../config/texts/ro/notice.txt"),
    given: GIVEN,
};

/// What the notice says.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    pub agency: &'a Agency,
    pub office: &'a Office,
    /// The number as people write it.
    pub number: &'a str,
    /// 0 is the request itself.
    pub submission: u32,
    pub received_at: Timestamp,
    /// The dedicated address.
    pub from: &'a str,
    pub to: &'a str,
    /// Of the mail, where it has one.
    pub mail_message_id: Option<&'a str>,
    /// Of this letter, without angle brackets.
    pub message_id: &'a str,
    pub date: Timestamp,
    pub marking: Marking,
}

/// Writes the letter.
///
/// # Errors
/// An address that no mail server would take.
pub fn compose(notice: &Notice<'_>) -> Result<Composed, ComposeError> {
    let head = Head {
        from: mailbox(Some(&notice.agency.name), notice.from, Whose::Mailbox)?,
        to: mailbox(None, notice.to, Whose::Sender)?,
        date: notice.date,
        message_id: notice.message_id,
        subject: format!("Nr. {}: confirmați că ne-ați scris", notice.number),
        cause: Cause::Mail,
        thread: notice
            .mail_message_id
            .filter(|id| letter::is_plain_id(id))
            .into_iter()
            .collect(),
        // To an address that may be anybody's.
        read_report: ReadReport::NotAsked,
    };
    letter::assemble_plain(head, letter::plain(TEMPLATE.name, &values(notice))?)
}

pub(super) fn values(notice: &Notice<'_>) -> Value {
    context! {
        agency => context! { name => notice.agency.name },
        office => context! { name => notice.office.name, contact => notice.office.contact },
        number => notice.number,
        submission => notice.submission,
        date_hour => day_and_hour(notice.received_at),
        demonstration => notice.marking == Marking::Demonstration,
    }
}
