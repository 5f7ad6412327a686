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
//!   file, or lies deeper than the limit, the message itself is listed.

mod authentication;
mod charset;
mod files;
mod machines;
mod opening;
mod origin;
mod report;
mod trace;
mod wishes;

use jiff::Timestamp;
use mail_parser::{HeaderName, MessageParser, MimeHeaders};

pub use authentication::{AuthResult, AuthenticationResults, trusted};
pub use files::{Attachment, Container};
pub use opening::begins_like_mail;
pub use origin::Origin;
pub use report::{Action, Recipient, Report, ReportKind};
pub use wishes::asks_for_read_report;

/// How deep forwarded messages are opened.
pub const NESTING_MAX: usize = 8;
/// A message with more of these than a person sends is not given to the parser.
const RFC822_PARTS_MAX: usize = 200;

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
    /// Forwarded messages lie inside each other deeper than anybody sends.
    NestedTooDeep,
    /// The whole of it is encrypted, so nothing of it could be read.
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

impl Message {
    /// Reads a message. Total: any bytes give a `Message`.
    pub fn read(bytes: &[u8]) -> Self {
        let bytes = from_first_line(bytes);
        if count_rfc822(bytes) > RFC822_PARTS_MAX {
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
        let text = body_text(&parsed);
        let (files, encoding_defects) = files::collect(&parsed);
        defects.extend(encoding_defects);
        Self {
            from: senders.into_iter().next(),
            to: mailboxes(&parsed, HeaderName::To),
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
            files,
            origin,
            report: report::of(&parsed, origin),
            return_path: trace::return_path(&parsed),
            delivered_to: trace::delivered_to(&parsed),
            authentication: authentication::of(&parsed),
            read_report_to: match origin.is_report() {
                true => Vec::new(),
                false => trace::read_report_to(&parsed),
            },
            defects,
        }
    }

    fn unreadable(defect: Defect) -> Self {
        Self {
            from: None,
            to: Vec::new(),
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

/// The message without the white space that some programs put before the header.
fn from_first_line(bytes: &[u8]) -> &[u8] {
    let blank = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    &bytes[blank..]
}

/// How often a mail says `message/rfc822`. Looked for by the slash, since every byte of every mail passes here.
fn count_rfc822(bytes: &[u8]) -> usize {
    const BEFORE: &[u8] = b"essage";
    const AFTER: &[u8] = b"rfc822";
    let stands_between = |at: &usize| {
        let before = at
            .checked_sub(BEFORE.len())
            .and_then(|start| bytes.get(start..*at));
        let after = bytes.get(at + 1..at + 1 + AFTER.len());
        before.is_some_and(|word| word.eq_ignore_ascii_case(BEFORE))
            && after.is_some_and(|word| word.eq_ignore_ascii_case(AFTER))
    };
    memchr::memchr_iter(b'/', bytes).filter(stands_between).count()
}

fn mailboxes(parsed: &mail_parser::Message<'_>, header: HeaderName<'static>) -> Vec<Mailbox> {
    let mut found = Vec::new();
    for field in parsed.headers().iter().filter(|field| field.name == header) {
        match charset::addresses_in_legacy_bytes(parsed, field) {
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
            text.push_str(&decoded);
        }
        text.push('\n');
    }
    text.replace('\0', "\u{FFFD}").trim().to_owned()
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
