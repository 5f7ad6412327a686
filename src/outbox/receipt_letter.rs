//! The letter that brings the receipt: plain text and HTML in Romanian, the signed PDF attached.
//!
//! The same facts give the same bytes: identifiers and part boundaries come from the instance secret.

use std::sync::LazyLock;

use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::receipt::content::{Marking, Receipt, Verdict};
use crate::receipt::wording::{day, day_and_hour, visible};
use crate::registry::InstanceSecret;

const TEXT: &str = include_str!("../../config/texts/ro/receipt.txt");
const HTML: &str = include_str!("../../config/texts/ro/receipt.html");
/// RFC 5322 allows 998; long threads are cut in the middle, as RFC 5536 §3.1 advises for References.
const REFERENCES_MAX: usize = 20;

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
    environment
        .add_template("receipt.txt", TEXT)
        .expect("the embedded template is tested");
    environment
        .add_template("receipt.html", HTML)
        .expect("the embedded template is tested");
    environment
});

/// What the letter needs beyond the receipt.
#[derive(Debug, Clone)]
pub struct Addressing<'a> {
    /// The dedicated address, from which the letter goes out.
    pub from: &'a str,
    /// The references of the citizen's mail, oldest first, without its own Message-ID.
    pub references: &'a [String],
}

/// The letter, complete.
#[derive(Debug, Clone)]
pub struct Composed {
    pub message_id: String,
    pub bytes: Vec<u8>,
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

/// The Message-ID of the letter that brings the receipt with this number key, without angle brackets.
pub fn message_id(secret: &InstanceSecret, number_key: &str, from: &str) -> String {
    let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    format!(
        "{}@{domain}",
        secret.id("letter", &format!("receipt/{number_key}"))
    )
}

/// The name under which the receipt is attached.
pub fn receipt_file_name(number: &str) -> String {
    format!("recipisa-{}.pdf", number.replace('/', "-"))
}

/// Writes the letter.
///
/// # Errors
/// An address that no mail server would take, which a person must solve.
pub fn compose(
    receipt: &Receipt,
    pdf: Vec<u8>,
    message_id: &str,
    addressing: &Addressing<'_>,
) -> Result<Composed, ComposeError> {
    let (text, html) = render(receipt)?;
    let from = mailbox(Some(&receipt.agency.name), addressing.from, Whose::Mailbox)?;
    let to = mailbox(
        receipt.applicant.as_deref(),
        &receipt.sender_address,
        Whose::Sender,
    )?;
    let boundary = message_id.split('@').next().unwrap_or_default();
    let attachment = Attachment::new(receipt_file_name(&receipt.number)).body(
        pdf,
        ContentType::parse("application/pdf").expect("a constant media type"),
    );
    let alternative = MultiPart::alternative()
        .boundary(format!("a.{boundary}"))
        .singlepart(SinglePart::plain(text))
        .singlepart(SinglePart::html(html));
    let mixed = MultiPart::mixed()
        .boundary(format!("m.{boundary}"))
        .multipart(alternative)
        .singlepart(attachment);
    let mut builder = lettre::Message::builder()
        .from(from)
        .to(to)
        .date(receipt.issued_at.into())
        .message_id(Some(format!("<{message_id}>")))
        .subject(subject(receipt))
        .raw_header(header("Auto-Submitted", "auto-replied"))
        .raw_header(header("X-Auto-Response-Suppress", "All"))
        .raw_header(header("Content-Language", "ro"));
    if let Some(id) = receipt.message_id.as_deref().filter(|id| is_plain_id(id)) {
        builder = builder
            .in_reply_to(format!("<{id}>"))
            .references(references(addressing.references, id));
    }
    let message = builder.multipart(mixed).map_err(ComposeError::Assembly)?;
    Ok(Composed {
        message_id: message_id.to_owned(),
        bytes: message.formatted(),
    })
}

fn subject(receipt: &Receipt) -> String {
    match receipt.subject.as_str() {
        "" => format!("Recipisa nr. {}", receipt.number),
        subject => format!("Recipisa nr. {} – {}", receipt.number, visible(subject)),
    }
}

/// A Message-ID that may stand in a header again: visible ASCII without brackets (RFC 5322 §3.6.4).
fn is_plain_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() < 900
        && id
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>')
}

fn references(earlier: &[String], own: &str) -> String {
    let mut ids: Vec<&str> = earlier
        .iter()
        .map(String::as_str)
        .filter(|id| is_plain_id(id) && *id != own)
        .collect();
    if ids.len() > REFERENCES_MAX {
        ids.drain(1..ids.len() - REFERENCES_MAX + 1);
    }
    ids.push(own);
    ids.iter()
        .map(|id| format!("<{id}>"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn mailbox(name: Option<&str>, address: &str, whose: Whose) -> Result<Mailbox, ComposeError> {
    let address: Address = address
        .parse()
        .map_err(|source| ComposeError::Address { whose, source })?;
    let name = name.map(|name| name.chars().filter(|c| !c.is_control()).collect::<String>());
    Ok(Mailbox::new(name, address))
}

fn render(receipt: &Receipt) -> Result<(String, String), ComposeError> {
    let files: Vec<_> = receipt
        .files
        .iter()
        .map(|file| {
            let name = match &file.container {
                Some(container) => format!("{} › {}", visible(container), visible(&file.name)),
                None => visible(&file.name),
            };
            let verdict = if file.verdict == Verdict::Accepted {
                "acceptat"
            } else {
                "neacceptat"
            };
            let reasons: Vec<&str> = file
                .reasons
                .iter()
                .map(|reason| reason.text_ro.as_str())
                .collect();
            context! { name, kind => file.kind_ro, verdict, reasons }
        })
        .collect();
    let refused_count = receipt
        .files
        .iter()
        .filter(|file| file.verdict == Verdict::Refused)
        .count();
    let agency = &receipt.agency;
    let values = context! {
        agency => context! {
            name => agency.name, cui => agency.cui, address => agency.address,
            phone => agency.phone, email => agency.email,
        },
        office => context! { name => receipt.office.name, contact => receipt.office.contact },
        number => receipt.number,
        date_hour => day_and_hour(receipt.received_at),
        applicant => receipt.applicant.as_deref().map(visible).unwrap_or_default(),
        subject => visible(&receipt.subject),
        accepted_count => receipt.files.len() - refused_count,
        refused_count,
        files,
        processing_day => day(receipt.processing_day),
        processing_reason => receipt.processing_reason,
        receipt_file => receipt_file_name(&receipt.number),
        demonstration => receipt.marking == Marking::Demonstration,
    };
    let fill = |name| {
        TEMPLATES
            .get_template(name)
            .and_then(|template| template.render(&values))
            .map_err(ComposeError::Template)
    };
    Ok((fill("receipt.txt")?, fill("receipt.html")?))
}
