//! Bytes in, [`Message`] out; never fails. What the MIME crate cannot make sense of becomes a defect, and the
//! caller decides what a defect means.
//!
//! This is the only place that names the MIME crate. The received bytes are never changed or written again.
//!
//! Which parts are files (the stated rule):
//! - every leaf part with a file name, or with `Content-Disposition: attachment`, or that is no text, is a file,
//!   whatever its disposition says: phones send photographs as `inline`;
//! - the text and HTML parts that make the body are not files;
//! - an image inside `multipart/related` that the HTML shows by its Content-ID, and that is not declared an
//!   attachment, belongs to the letter's decoration and is not a file;
//! - the detached signature of `multipart/signed` and the machine parts of `multipart/report` are not files;
//! - a `message/rfc822` is opened, and its files are listed with the message as their container; if it holds no
//!   file, or lies deeper than the limit, the message itself is listed;
//! - a signed S/MIME envelope (`application/pkcs7-mime`, or `smime.p7m` by name) is opened the same way; its text is the
//!   letter's own, so that an envelope with nothing but text is no file. A signed document (`cerere.pdf.p7m`) is a file;
//! - an encrypted letter is not opened: [`Defect::Encrypted`], and its envelope is listed as the file that it is.
//!
//! What it costs (`cost`): time in proportion to the bytes, for no shape of a mail more than the parser takes to look
//! through [`SEARCH_BYTES_MAX`] bytes, with all that is opened inside it; memory at most three times the mail. What is
//! built more intricately is not given to the parser: [`Defect::NestedTooDeep`].

mod authentication;
mod charset;
mod cost;
pub(crate) mod envelope;
mod files;
mod fingerprint;
mod flowed;
mod letters;
mod machines;
mod names;
mod opening;
mod origin;
mod parameters;
mod remainder;
mod report;
mod sealed;
mod trace;
mod wishes;
mod words;

use std::borrow::Cow;

use jiff::Timestamp;
use mail_parser::{HeaderName, MessageParser, MimeHeaders};

pub use authentication::{AuthResult, AuthenticationResults, trusted_dmarc};
pub use cost::SEARCH_BYTES_MAX;
pub use files::{Attachment, Container};
pub use opening::begins_like_mail;
pub use origin::Origin;
pub use report::{Action, Recipient, Report, ReportKind};
pub(crate) use sealed::begins_like_pgp_message;
pub use wishes::asks_for_read_report;

/// How deep forwarded messages are opened.
pub const NESTING_MAX: usize = 8;

/// One mailbox of a header field (RFC 5322 §3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name as shown, decoded.
    pub name: Option<String>,
    /// `local@domain` as received.
    pub address: String,
}

/// What could not be read as the standards say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// The bytes do not even begin with a header.
    NoHeader,
    /// No usable address in `From`.
    NoSender,
    /// `From` names several people (RFC 5322 §3.6.2 allows it), so there is no single address to answer.
    SeveralSenders,
    /// A transfer encoding was broken; what could be read of the part was taken.
    BrokenEncoding,
    /// Messages or parts lie inside each other deeper than anybody sends.
    NestedTooDeep,
    /// The letter is encrypted, and nothing else is there to go by.
    Encrypted,
}

impl Defect {
    /// Stable code for records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoHeader => "no-header",
            Self::NoSender => "no-sender",
            Self::SeveralSenders => "several-senders",
            Self::BrokenEncoding => "broken-encoding",
            Self::NestedTooDeep => "nested-too-deep",
            Self::Encrypted => "encrypted",
        }
    }
}

/// What a mail says, in our own words.
#[derive(Debug, Clone)]
pub struct Message {
    pub from: Option<Mailbox>,
    pub to: Vec<Mailbox>,
    /// To whom an answer is wished.
    pub reply_to: Vec<Mailbox>,
    /// The mailing lists it came through, as List-Id and List-Post name them: `somaj.ajofm.test`, `somaj@ajofm.test`.
    pub lists: Vec<String>,
    /// Decoded, white space folded, as the sender wrote it otherwise. Empty when there is none.
    pub subject: String,
    /// The sender's own `Date`; evidence only, never a legal time.
    pub date: Option<Timestamp>,
    /// Without angle brackets.
    pub message_id: Option<String>,
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    /// The letter's text; taken out of the HTML where there is no plain text.
    pub text: String,
    pub files: Vec<Attachment>,
    pub origin: Origin,
    /// What a delivery report, read report or complaint says.
    pub report: Option<Report>,
    /// The reverse-path as the last server noted it (RFC 5321 §4.4); empty for `<>`, `None` where none was noted.
    pub return_path: Option<String>,
    /// To whom the envelope brought it: Delivered-To, X-Original-To, Envelope-To.
    pub delivered_to: Vec<String>,
    /// Authentication-Results (RFC 8601), the topmost first; whom to believe is a matter of policy.
    pub authentication: Vec<AuthenticationResults>,
    /// Who wishes to be told that it was read: Disposition-Notification-To (RFC 8098 §2.1).
    pub read_report_to: Vec<String>,
    pub defects: Vec<Defect>,
}

/// Whom a message names as its senders, and where it wants to be answered (RFC 5322 §3.6.2), for a person to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Senders {
    pub from: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
}

impl Senders {
    /// Reads them from a whole message. Total: where nothing can be read there is nobody.
    pub fn read(bytes: &[u8]) -> Self {
        let bytes = &*with_line_ends(from_first_line(bytes));
        if !cost::Budget::of_mail(bytes.len()).suffices(bytes) {
            return Self::default();
        }
        let parsed = MessageParser::default().parse_headers(bytes);
        parsed.map_or_else(Self::default, |parsed| Self {
            from: mailboxes(&parsed, HeaderName::From),
            reply_to: mailboxes(&parsed, HeaderName::ReplyTo),
        })
    }
}

impl Message {
    /// Reads a message. Total: any bytes give a `Message`.
    pub fn read(bytes: &[u8]) -> Self {
        let bytes = &*with_line_ends(from_first_line(bytes));
        let mut budget = cost::Budget::of_mail(bytes.len());
        if !budget.suffices(bytes) {
            return Self::unreadable(Defect::NestedTooDeep);
        }
        let Some(parsed) = MessageParser::default().parse(bytes) else {
            return Self::unreadable(Defect::NoHeader);
        };
        if parsed.headers().is_empty() {
            return Self::unreadable(Defect::NoHeader);
        }
        let mut defects = Vec::new();
        let senders = mailboxes(&parsed, HeaderName::From);
        match senders.len() {
            0 => defects.push(Defect::NoSender),
            1 => {}
            _ => defects.push(Defect::SeveralSenders),
        }
        let origin = origin::of(&parsed);
        let found = files::collect(&parsed, &mut budget);
        defects.extend(&found.defects);
        let text = match body_text(&parsed) {
            text if text.is_empty() => found.text.clone(),
            text => text,
        };
        if is_encrypted(&text, &found) {
            defects.push(Defect::Encrypted);
        }
        Self {
            from: senders.into_iter().next(),
            to: mailboxes(&parsed, HeaderName::To),
            reply_to: mailboxes(&parsed, HeaderName::ReplyTo),
            lists: trace::lists(&parsed),
            subject: charset::one_line(
                &charset::header_text(&parsed, HeaderName::Subject).unwrap_or_default(),
            ),
            date: parsed
                .date()
                .and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()),
            message_id: ids(&parsed, HeaderName::MessageId).into_iter().next(),
            in_reply_to: ids(&parsed, HeaderName::InReplyTo),
            references: ids(&parsed, HeaderName::References),
            text,
            files: found.files,
            origin,
            report: report::of(&parsed, origin),
            return_path: trace::return_path(&parsed),
            delivered_to: trace::delivered_to(&parsed),
            authentication: authentication::of(&parsed),
            read_report_to: if origin.is_report()
                || trace::return_path(&parsed).is_some_and(|path| path.is_empty())
            {
                Vec::new()
            } else {
                trace::read_report_to(&parsed)
            },
            defects,
        }
    }

    /// A number for what the letter says, the same when it is sent again: SHA-256 in hexadecimal of its text without
    /// quoted lines, in lower case and with single spaces. `None` for a text of fewer than 80 letters.
    pub fn text_fingerprint(&self) -> Option<String> {
        fingerprint::of(&self.text)
    }

    fn unreadable(defect: Defect) -> Self {
        Self {
            from: None,
            to: Vec::new(),
            reply_to: Vec::new(),
            lists: Vec::new(),
            subject: String::new(),
            date: None,
            message_id: None,
            in_reply_to: Vec::new(),
            references: Vec::new(),
            text: String::new(),
            files: Vec::new(),
            origin: Origin::Person,
            report: None,
            return_path: None,
            delivered_to: Vec::new(),
            authentication: Vec::new(),
            read_report_to: Vec::new(),
            defects: vec![defect],
        }
    }
}

/// When the top `Received` field says the agency's server took the message (RFC 5321 §4.4).
pub fn received_at(bytes: &[u8]) -> Option<Timestamp> {
    let parsed = MessageParser::default().parse_headers(from_first_line(bytes))?;
    let date = parsed.received()?.date()?;
    Timestamp::from_second(date.to_timestamp()).ok()
}

/// The message without what some programs put before the header: white space, a byte order mark.
fn from_first_line(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii_start();
    bytes
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(bytes)
        .trim_ascii_start()
}

/// The message with line feeds where all its lines end with a bare carriage return, as very old programs wrote them.
fn with_line_ends(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', bytes).is_some() || memchr::memchr(b'\r', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let ended = bytes
        .iter()
        .map(|byte| if *byte == b'\r' { b'\n' } else { *byte });
    Cow::Owned(ended.collect())
}

/// Whether nothing can be read because the letter is encrypted: a file or words beside it would be a request.
fn is_encrypted(text: &str, found: &files::Found) -> bool {
    match found.encrypted {
        0 => found.files.is_empty() && sealed::is_pgp_message(text),
        encrypted => encrypted == found.files.len() && text.is_empty(),
    }
}

fn mailboxes(parsed: &mail_parser::Message<'_>, header: HeaderName<'static>) -> Vec<Mailbox> {
    let mut found = Vec::new();
    for field in parsed.headers().iter().filter(|field| field.name == header) {
        match charset::addresses_mended(parsed, field) {
            Some(again) => {
                let reparsed = MessageParser::default().parse_headers(&again);
                found.extend(
                    reparsed
                        .as_ref()
                        .and_then(|again| again.from())
                        .into_iter()
                        .flat_map(plain_mailboxes),
                );
            }
            None => found.extend(field.value.as_address().into_iter().flat_map(plain_mailboxes)),
        }
    }
    found
}

fn plain_mailboxes(addresses: &mail_parser::Address<'_>) -> Vec<Mailbox> {
    addresses
        .iter()
        .filter_map(|one| {
            let address = one
                .address()
                .map(str::trim)
                .filter(|address| is_address(address))?;
            let name = one.name().map(charset::one_line).filter(|name| !name.is_empty());
            Some(Mailbox {
                name,
                address: address.to_owned(),
            })
        })
        .collect()
}

/// `local@domain` without white space, controls or angle brackets, within RFC 5321 §4.5.3.1 lengths.
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let clean =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    clean(local)
        && clean(domain)
        && local.len() <= 64
        && domain.len() <= 255
        && !text.contains(['<', '>', ','])
        && !domain.starts_with(['.', '-'])
        && !domain.ends_with(['.', '-'])
}

fn ids(parsed: &mail_parser::Message<'_>, header: HeaderName<'static>) -> Vec<String> {
    let Some(value) = parsed.header(header) else {
        return Vec::new();
    };
    let texts: Vec<&str> = match value.as_text_list() {
        Some(list) => list.iter().map(AsRef::as_ref).collect(),
        None => value.as_text().into_iter().collect(),
    };
    texts
        .into_iter()
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
        .collect()
}

fn body_text(parsed: &mail_parser::Message<'_>) -> String {
    let mut text = String::new();
    for &id in &parsed.text_body {
        let Some(part) = parsed.part(id) else { continue };
        if !files::is_body(part) {
            continue;
        }
        let decoded = charset::part_text(parsed, part);
        if part.is_text_html() {
            text.push_str(&mail_parser::decoders::html::html_to_text(&decoded));
        } else {
            match soft_ends(part) {
                Some(delete_space) => text.push_str(&flowed::joined(&decoded, delete_space)),
                None => text.push_str(&decoded),
            }
        }
        text.push('\n');
    }
    text.replace('\0', "\u{FFFD}").trim().to_owned()
}

/// Whether the lines of a text part wrap by themselves, and how.
fn soft_ends(part: &mail_parser::MessagePart<'_>) -> Option<flowed::DeleteSpace> {
    let declared = part.content_type()?;
    let says = |name, word: &str| {
        declared
            .attribute(name)
            .is_some_and(|value: &str| value.trim().eq_ignore_ascii_case(word))
    };
    says("format", "flowed").then(|| match says("delsp", "yes") {
        true => flowed::DeleteSpace::Yes,
        false => flowed::DeleteSpace::No,
    })
}

/// The media type of a part as declared, lower case; `text/plain` where nothing is said (RFC 2045 §5.2).
fn declared_type(part: &mail_parser::MessagePart<'_>) -> String {
    part.content_type().map_or_else(
        || "text/plain".to_owned(),
        |declared| match declared.subtype() {
            Some(subtype) => format!("{}/{}", declared.ctype(), subtype).to_ascii_lowercase(),
            None => declared.ctype().to_ascii_lowercase(),
        },
    )
}

#[cfg(test)]
mod tests;
