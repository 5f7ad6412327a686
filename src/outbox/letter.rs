//! What all letters share: the facts of a case that each of them names, the header, the order of the parts, and the
//! templates with what is given to them.
//!
//! The same facts give the same bytes: identifiers and part boundaries come from the caller. Left out: what a letter
//! says, which is in its own file, and when it is due.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::Date;
use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use crate::receipt::content::{Agency, Marking, Office};
use crate::receipt::wording::{day, visible};
use crate::registry::UNDETERMINED;

/// RFC 5322 allows 998; long threads are cut in the middle, as RFC 5536 §3.1 advises for References.
const REFERENCES_MAX: usize = 20;

/// Of a person's or an agency's name in the header. Lines are folded at spaces alone, and a hostile name has none; even
/// with each letter escaped this stays below the 998 bytes of RFC 5322 §2.1.1.
const NAME_CHARS_MAX: usize = 150;
/// The same for a subject, with our own words in front of a citizen's.
const SUBJECT_CHARS_MAX: usize = 200;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    for template in super::templates() {
        environment
            .add_template(template.name, template.source)
            .expect("the embedded templates are tested");
    }
    environment
});

/// A template of a letter. Each letter has two, `KIND.txt` and `KIND.html`, which are given the same.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// The name of its file in `config/texts/ro/`.
    pub name: &'static str,
    pub source: &'static str,
    /// Every name that the letter gives, as `agency.name`; the fields of what is in a list are not told.
    pub given: &'static [&'static str],
}

/// The thread that a letter continues (RFC 5322 §3.6.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thread {
    /// Message-IDs without angle brackets, oldest first; the last one is of the message answered.
    pub ids: Vec<String>,
}

/// What every letter on a case shares.
#[derive(Debug, Clone)]
pub struct Correspondence<'a> {
    pub agency: &'a Agency,
    pub office: &'a Office,
    /// The number as people write it, e.g. `12/20.11.2026`.
    pub number: &'a str,
    pub registered_on: Date,
    /// Its name for people; `nedeterminat` is allowed, and then nothing is said of it.
    pub request_type: &'a str,
    /// The dedicated address, from which the letter goes out.
    pub from: &'a str,
    pub to: &'a str,
    pub to_name: Option<&'a str>,
    /// Of the citizen's request; may be empty.
    pub subject: &'a str,
    pub thread: &'a Thread,
    /// Of this letter, without angle brackets.
    pub message_id: &'a str,
    pub date: Timestamp,
    pub marking: Marking,
    pub read_report: ReadReport,
}

/// Whether the letter says a thing for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wave {
    First,
    Reminder,
}

/// The letter, complete.
#[derive(Debug, Clone)]
pub struct Composed {
    pub message_id: String,
    pub bytes: Vec<u8>,
}

/// Whether the citizen's program is asked to tell when the letter is read (RFC 8098 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadReport {
    Asked,
    NotAsked,
}

/// Whose address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The agency's own dedicated address.
    Mailbox,
    /// The citizen's.
    Sender,
}

impl Whose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Sender => "sender",
        }
    }
}

/// Why a letter cannot be written at all.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    #[error("the address of the {} cannot be used in an e-mail", whose.as_str())]
    Address {
        whose: Whose,
        #[source]
        source: lettre::address::AddressError,
    },
    #[error("filling in the template of the letter")]
    Template(#[source] minijinja::Error),
    #[error("putting the letter together")]
    Assembly(#[source] lettre::error::Error),
}

/// What makes the machine write, for `Auto-Submitted` (RFC 3834 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// A mail that has just come in.
    Mail,
    /// A clerk's act or a term.
    Case,
}

impl Cause {
    fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "auto-replied",
            Self::Case => "auto-generated",
        }
    }
}

/// What the header says.
pub(super) struct Head<'a> {
    pub(super) from: Mailbox,
    pub(super) to: Mailbox,
    pub(super) date: Timestamp,
    pub(super) message_id: &'a str,
    pub(super) subject: String,
    pub(super) cause: Cause,
    /// As in [`Thread`]; empty where no message is answered.
    pub(super) thread: Vec<&'a str>,
    pub(super) read_report: ReadReport,
}

impl<'a> Head<'a> {
    /// The header of a letter on a case.
    ///
    /// # Errors
    /// An address that no mail server would take.
    pub(super) fn of_case(on: &Correspondence<'a>, subject: String) -> Result<Self, ComposeError> {
        Ok(Self {
            from: mailbox(Some(&on.agency.name), on.from, Whose::Mailbox)?,
            to: mailbox(on.to_name, on.to, Whose::Sender)?,
            date: on.date,
            message_id: on.message_id,
            subject,
            cause: Cause::Case,
            thread: on.thread.ids.iter().map(String::as_str).collect(),
            read_report: on.read_report,
        })
    }
}

/// Puts the parts behind the header: alternatives from the plainest to the richest (RFC 2046 §5.1.4), then attachments.
///
/// # Errors
/// Only what lettre objects to; no letter is expected to cause it.
pub(super) fn assemble(
    head: Head<'_>,
    alternatives: Vec<SinglePart>,
    attachments: Vec<SinglePart>,
) -> Result<Composed, ComposeError> {
    let boundary = head.message_id.split('@').next().unwrap_or_default().to_owned();
    let alternative = MultiPart::alternative().boundary(format!("a.{boundary}")).build();
    let mut body = alternatives.into_iter().fold(alternative, MultiPart::singlepart);
    if !attachments.is_empty() {
        let mixed = MultiPart::mixed()
            .boundary(format!("m.{boundary}"))
            .multipart(body);
        body = attachments.into_iter().fold(mixed, MultiPart::singlepart);
    }
    let (message_id, builder) = header_of(head);
    let message = builder.multipart(body).map_err(ComposeError::Assembly)?;
    Ok(Composed {
        message_id,
        bytes: message.formatted(),
    })
}

/// Puts one plain text behind the header.
///
/// # Errors
/// As [`assemble`].
pub(super) fn assemble_plain(head: Head<'_>, text: SinglePart) -> Result<Composed, ComposeError> {
    let (message_id, builder) = header_of(head);
    let message = builder.singlepart(text).map_err(ComposeError::Assembly)?;
    Ok(Composed {
        message_id,
        bytes: message.formatted(),
    })
}

/// The Message-ID, and the header as it begins every letter.
fn header_of(head: Head<'_>) -> (String, lettre::message::MessageBuilder) {
    let read_report_to = match head.read_report {
        ReadReport::Asked => Some(format!("<{}>", head.from.email)),
        ReadReport::NotAsked => None,
    };
    let mut builder = lettre::Message::builder()
        .from(head.from)
        .to(head.to)
        .date(head.date.into())
        .message_id(Some(format!("<{}>", head.message_id)))
        .subject(head.subject.chars().take(SUBJECT_CHARS_MAX).collect::<String>())
        .raw_header(header("Auto-Submitted", head.cause.as_str()))
        .raw_header(header("X-Auto-Response-Suppress", "All"))
        .raw_header(header("Content-Language", "ro"));
    if let Some(to) = read_report_to {
        builder = builder.raw_header(header("Disposition-Notification-To", &to));
    }
    let chain = chain(head.thread);
    if let Some(answered) = chain.last() {
        builder = builder.in_reply_to(answered.clone()).references(chain.join(" "));
    }
    (head.message_id.to_owned(), builder)
}

/// The words of a letter, from both its templates, as alternatives.
///
/// # Errors
/// A template that names what is not given; a test looks for such.
pub(super) fn words(text: &str, html: &str, values: &Value) -> Result<Vec<SinglePart>, ComposeError> {
    Ok(vec![
        plain(text, values)?,
        SinglePart::html(filled(html, values)?),
    ])
}

/// The words of a letter that is plain text alone.
///
/// # Errors
/// As [`words`].
pub(super) fn plain(text: &str, values: &Value) -> Result<SinglePart, ComposeError> {
    Ok(SinglePart::plain(filled(text, values)?))
}

fn filled(name: &str, values: &Value) -> Result<String, ComposeError> {
    TEMPLATES
        .get_template(name)
        .and_then(|template| template.render(values))
        .map_err(ComposeError::Template)
}

/// A file of a type that is written in the source.
pub(super) fn attached(name: &str, media_type: &'static str, bytes: Vec<u8>) -> SinglePart {
    let media_type = ContentType::parse(media_type).expect("a constant media type");
    Attachment::new(visible(name)).body(bytes, media_type)
}

/// What is given to the templates of every letter on a case.
pub(super) fn of_case(on: &Correspondence<'_>) -> Value {
    let request_type = if on.request_type == UNDETERMINED {
        String::new()
    } else {
        visible(on.request_type)
    };
    context! {
        agency => agency(on.agency),
        office => office(on.office),
        number => on.number,
        registered_day => day(on.registered_on),
        request_type,
        subject => visible(on.subject),
        to_name => on.to_name.map(visible).unwrap_or_default(),
        demonstration => on.marking == Marking::Demonstration,
    }
}

pub(super) fn agency(agency: &Agency) -> Value {
    context! {
        name => agency.name, cui => agency.cui, address => agency.address,
        phone => agency.phone, email => agency.email,
    }
}

pub(super) fn office(office: &Office) -> Value {
    context! {
        name => office.name, address => office.address, contact => office.contact, hours => office.hours,
    }
}

/// A clerk's text as lines that can be shown anywhere; blank lines only between others.
pub(super) fn lines(text: &str) -> Vec<String> {
    let unified = text
        .replace("\r\n", "\n")
        .replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let line = |line: &str| visible(line.replace('\t', " ").trim_end());
    unified.trim().split('\n').map(line).collect()
}

/// A Message-ID that may stand in a header again: visible ASCII without brackets (RFC 5322 §3.6.4).
pub(super) fn is_plain_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() < 900
        && id
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>')
}

/// The ids of References in angle brackets; the last one is that of In-Reply-To.
fn chain(ids: Vec<&str>) -> Vec<String> {
    let mut ids: Vec<&str> = ids.into_iter().filter(|id| is_plain_id(id)).collect();
    let Some(answered) = ids.pop() else {
        return Vec::new();
    };
    ids.retain(|id| *id != answered);
    if ids.len() > REFERENCES_MAX {
        ids.drain(1..ids.len() - REFERENCES_MAX + 1);
    }
    ids.push(answered);
    ids.iter().map(|id| format!("<{id}>")).collect()
}

pub(super) fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

pub(super) fn mailbox(name: Option<&str>, address: &str, whose: Whose) -> Result<Mailbox, ComposeError> {
    let address: Address = address
        .parse()
        .map_err(|source| ComposeError::Address { whose, source })?;
    let name = name.map(|name| {
        let shown = name.chars().filter(|c| !c.is_control());
        shown.take(NAME_CHARS_MAX).collect::<String>()
    });
    Ok(Mailbox::new(name.filter(|name| !name.trim().is_empty()), address))
}
