//! Who speaks: a person, or a machine that must never get an answer (RFC 3834 §2).
//!
//! What the standards say comes first: media types of reports, the null reverse-path, `Auto-Submitted`, list fields.
//! Programs that keep to none of it are known by the table in `machines`. A sign that a person could give as well is never
//! enough to take a mail for a machine's: it only keeps the automatic answer back, and the mail is registered.

use mail_parser::{HeaderName, Message, MimeHeaders};

use super::machines::{self, Means};
use super::report::{self, words};
use super::trace::{Field, fields, return_path, within_brackets};
use super::{declared_type, ids};

/// How much of a text is looked at for a server's phrases.
const TEXT_BYTES_MAX: usize = 4_096;

/// Where a message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Person,
    /// `Auto-Submitted` other than `no` (RFC 3834 §5), or its older relatives.
    AutoReply,
    /// A delivery report: `multipart/report; report-type=delivery-status` (RFC 3464), the null reverse-path
    /// (RFC 5321 §4.5.5), or a known form that keeps to neither.
    Bounce,
    /// A read report (RFC 8098).
    ReadReport,
    /// Somebody told his provider that our letter is spam: a feedback report (RFC 5965), or a known form of one.
    Complaint,
    /// A mailing list (RFC 2919) or `Precedence: list`.
    List,
    /// `Precedence: bulk` or `junk`.
    Bulk,
    /// It may be a person, but the header asks that no automatic answer be sent, or looks like a machine's, or a
    /// newsletter's links stand in it: registered like a person's mail, and not answered by itself.
    AsksForSilence,
}

impl Origin {
    /// Whether an automatic answer may go out at all.
    pub fn may_be_answered(self) -> bool {
        match self {
            Self::Person => true,
            Self::AutoReply
            | Self::Bounce
            | Self::ReadReport
            | Self::Complaint
            | Self::List
            | Self::Bulk
            | Self::AsksForSilence => false,
        }
    }

    /// Whether it speaks of another message, so that it is not asked for a read report (RFC 8098 §2.1).
    pub(super) fn is_report(self) -> bool {
        match self {
            Self::AutoReply | Self::Bounce | Self::ReadReport | Self::Complaint => true,
            Self::Person | Self::List | Self::Bulk | Self::AsksForSilence => false,
        }
    }
}

/// Judges a parsed message.
pub(super) fn of(parsed: &Message<'_>) -> Origin {
    if let Some(report) = report_type(parsed) {
        return report;
    }
    let signs = Signs::of(parsed);
    if signs.is_bounce(parsed) {
        return Origin::Bounce;
    }
    if signs.is_complaint {
        return Origin::Complaint;
    }
    if signs.is_auto_reply() {
        return Origin::AutoReply;
    }
    // Nobody may answer the null reverse-path (RFC 5321 §4.5.5); yet scanners, web forms and portals send people's
    // requests that way, so it makes no report by itself.
    if signs.from_nobody {
        return signs.without_return(parsed);
    }
    match signs.precedence.as_str() {
        "list" => Origin::List,
        _ if signs.list => Origin::List,
        "bulk" | "junk" => Origin::Bulk,
        _ if signs.is_returned_by_words(parsed) => Origin::Bounce,
        _ if signs.silence || signs.is_unmanned() || signs.suppresses_replies || signs.subject.is_some() => {
            Origin::AsksForSilence
        }
        _ => Origin::Person,
    }
}

/// What the header shows.
#[derive(Default)]
struct Signs {
    /// It says of itself that it is automatic.
    automatic: bool,
    /// A sign that only a delivery report has.
    bounce: bool,
    /// The reverse-path is null, or a server's.
    from_nobody: bool,
    /// The reverse-path is a server's.
    from_server: bool,
    /// What From is known for.
    sender: Option<Means>,
    /// What the subject is known for.
    subject: Option<Means>,
    is_complaint: bool,
    list: bool,
    silence: bool,
    /// Exchange's wish that nobody answer by himself.
    suppresses_replies: bool,
    precedence: String,
}

impl Signs {
    fn of(parsed: &Message<'_>) -> Self {
        let mut signs = Self::default();
        for field in fields(parsed) {
            signs.note(field);
        }
        let path = return_path(parsed);
        signs.from_server = path
            .as_ref()
            .is_some_and(|path| machines::sender(local_part(path)) == Some(Means::Bounce));
        signs.from_nobody = signs.from_server || path.is_some_and(|path| path.is_empty());
        let subject = parsed.subject().unwrap_or_default();
        signs.subject = machines::subject(subject);
        signs.is_complaint &= machines::plain(subject).starts_with("complaint about message from");
        signs
    }

    fn note(&mut self, field: Field<'_>) {
        let says = |start: &str| field.text().to_ascii_lowercase().starts_with(start);
        if field.is("from") {
            self.note_sender(&field.text());
        } else if field.is("auto-submitted") {
            // An empty field says nothing (RFC 3834 §5 asks for a keyword).
            let value = field.text();
            let word = keyword(&value);
            self.automatic |= !word.is_empty() && !word.eq_ignore_ascii_case("no");
        } else if field.is("precedence") {
            self.precedence = keyword(&field.text()).to_ascii_lowercase();
        } else if field.is("list-id") || field.is("list-post") {
            self.list = true;
        } else if field.is("x-auto-response-suppress") {
            self.suppresses_replies |= suppresses_replies(&field.text());
        } else if field.is("x-loop") || field.is("list-unsubscribe") {
            // A program's own loop mark, and a newsletter's way out.
            self.silence = true;
        } else if let Some((.., means)) = machines::FIELDS
            .iter()
            .find(|(known, start, _)| field.is(known) && says(start))
        {
            self.bounce |= *means == Means::Bounce;
            self.automatic |=
                *means == Means::AutoReply && !keyword(&field.text()).eq_ignore_ascii_case("no");
        }
    }

    fn note_sender(&mut self, value: &str) {
        let address = within_brackets(value);
        let local = local_part(address);
        let nameless = value.ends_with("<>").then_some(Means::Bounce);
        self.sender = machines::name(&value.to_lowercase())
            .or_else(|| machines::sender(local))
            .or(nameless);
        // Hotmail's feedback is no report by its form (JMRP).
        self.is_complaint = address.eq_ignore_ascii_case("staff@hotmail.com");
    }

    fn is_bounce(&self, parsed: &Message<'_>) -> bool {
        let by_server = match self.sender {
            Some(Means::Bounce) => return true,
            Some(Means::Postmaster | Means::Unattended) => true,
            Some(Means::PerhapsBounce | Means::AutoReply | Means::PerhapsAutoReply) | None => {
                self.from_nobody
            }
        };
        self.bounce
            || self.subject == Some(Means::PerhapsBounce)
                && (by_server || has_part(parsed, "delivery-status"))
            || by_server && has_part(parsed, "delivery-status")
    }

    fn is_auto_reply(&self) -> bool {
        self.automatic
            || matches!(self.precedence.as_str(), "auto_reply" | "auto-reply")
            || self.subject == Some(Means::PerhapsAutoReply)
                && (self.suppresses_replies
                    || self.from_nobody
                    || self.sender == Some(Means::Unattended)
                    || matches!(self.precedence.as_str(), "bulk" | "junk"))
    }

    /// What came without a return address. A server's words count where the mail also answers a letter or brings one
    /// back; an answer without them is automatic; and the rest may be a person's.
    fn without_return(&self, parsed: &Message<'_>) -> Origin {
        let answers = answers_a_letter(parsed);
        let is_tied = answers || self.sender == Some(Means::Postmaster) || report::returns_a_letter(parsed);
        if self.from_server
            || has_part(parsed, "delivery-status")
            || is_tied && report::speaks_of_failure(parsed)
        {
            Origin::Bounce
        } else if answers {
            Origin::AutoReply
        } else {
            Origin::AsksForSilence
        }
    }

    /// A server's words from an address without a person. Portals send petitions from such addresses, and people write
    /// such words: but for what no person writes, the mail must also answer a letter or bring one back, or come from the
    /// server's own address.
    fn is_returned_by_words(&self, parsed: &Message<'_>) -> bool {
        self.is_unmanned()
            && match machines::text(&beginning(parsed)) {
                Some(Means::Bounce) => true,
                Some(_) => {
                    self.sender == Some(Means::Postmaster)
                        || answers_a_letter(parsed)
                        || report::returns_a_letter(parsed)
                }
                None => false,
            }
    }

    /// Whether the sender's address is no person's.
    fn is_unmanned(&self) -> bool {
        matches!(self.sender, Some(Means::Postmaster | Means::Unattended))
    }
}

/// What stands before the `@`.
fn local_part(address: &str) -> &str {
    let address = address.split([' ', '\t', '(']).next().unwrap_or_default();
    address.split('@').next().unwrap_or_default()
}

/// Exchange's list (MS-OXCMAIL §2.1.3.1.18): only these three speak of automatic replies, the others of reports.
fn suppresses_replies(value: &str) -> bool {
    value.split(',').any(|word| {
        matches!(
            word.trim().to_ascii_lowercase().as_str(),
            "all" | "autoreply" | "oof"
        )
    })
}

/// The first word, without parameters and comments.
fn keyword(value: &str) -> &str {
    value
        .split([';', '(', ' ', '\t'])
        .next()
        .unwrap_or_default()
        .trim()
}

/// Whether it refers to a message, as what answers a letter of ours does.
fn answers_a_letter(parsed: &Message<'_>) -> bool {
    [HeaderName::InReplyTo, HeaderName::References]
        .into_iter()
        .any(|name| !ids(parsed, name).is_empty())
}

/// What the media type says (RFC 6522): the parts count before the parameter, which some programs leave out.
fn report_type(parsed: &Message<'_>) -> Option<Origin> {
    let content_type = parsed.content_type()?;
    let subtype = content_type.subtype().unwrap_or_default().to_ascii_lowercase();
    if content_type.ctype().eq_ignore_ascii_case("message") && subtype.ends_with("delivery-status") {
        return Some(Origin::Bounce);
    }
    if !content_type.ctype().eq_ignore_ascii_case("multipart") || subtype != "report" {
        return None;
    }
    let told = content_type
        .attribute("report-type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    Some(match told.as_str() {
        "disposition-notification" => Origin::ReadReport,
        "feedback-report" => Origin::Complaint,
        _ if has_part(parsed, "disposition-notification") => Origin::ReadReport,
        _ if has_part(parsed, "feedback-report") => Origin::Complaint,
        _ => Origin::Bounce,
    })
}

/// Whether the message has a part `message/NAME`, or its internationalised sister `message/global-NAME` (RFC 6533).
fn has_part(parsed: &Message<'_>, name: &str) -> bool {
    parsed.parts.iter().any(|part| {
        declared_type(part)
            .strip_prefix("message/")
            .is_some_and(|rest| rest.strip_prefix("global-").unwrap_or(rest) == name)
    })
}

/// The first words of the text.
fn beginning(parsed: &Message<'_>) -> String {
    let mut text = parsed
        .parts
        .iter()
        .find_map(|part| words::for_people(parsed, part))
        .unwrap_or_default();
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests;
