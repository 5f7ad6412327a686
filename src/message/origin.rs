//! Who speaks: a person, or a machine that must never get an answer (RFC 3834 §2).

use mail_parser::{Message, MimeHeaders};

/// Where a message comes from, judged by its header alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Person,
    /// `Auto-Submitted` other than `no` (RFC 3834 §5), or its older relatives.
    AutoReply,
    /// A delivery report: `multipart/report; report-type=delivery-status` (RFC 3464), or the null reverse-path
    /// (RFC 5321 §4.5.5).
    Bounce,
    /// A read report (RFC 8098).
    ReadReport,
    /// A mailing list (RFC 2919) or `Precedence: list`.
    List,
    /// `Precedence: bulk` or `junk`.
    Bulk,
}

impl Origin {
    /// Whether an automatic answer may go out at all.
    pub fn may_be_answered(self) -> bool {
        match self {
            Self::Person => true,
            Self::AutoReply | Self::Bounce | Self::ReadReport | Self::List | Self::Bulk => false,
        }
    }
}

/// Judges a parsed message.
pub(super) fn of(parsed: &Message<'_>) -> Origin {
    if let Some(report) = report_type(parsed) {
        return report;
    }
    let mut null_sender = false;
    let mut precedence = String::new();
    let mut list = false;
    for (name, value) in parsed.headers_raw() {
        let value = value.trim();
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        if is("Auto-Submitted") && !keyword(value).eq_ignore_ascii_case("no")
            || is("X-Autoreply")
            || is("X-Autorespond")
        {
            return Origin::AutoReply;
        }
        null_sender |= is("Return-Path") && value.replace(char::is_whitespace, "") == "<>";
        list |= is("List-Id") || is("List-Post");
        if is("Precedence") {
            precedence = keyword(value).to_ascii_lowercase();
        }
    }
    match precedence.as_str() {
        "auto_reply" | "auto-reply" => Origin::AutoReply,
        _ if null_sender => Origin::Bounce,
        "list" => Origin::List,
        _ if list => Origin::List,
        "bulk" | "junk" => Origin::Bulk,
        _ => Origin::Person,
    }
}

/// The first word, without parameters and comments.
fn keyword(value: &str) -> &str {
    value
        .split([';', '(', ' ', '\t'])
        .next()
        .unwrap_or_default()
        .trim()
}

fn report_type(parsed: &Message<'_>) -> Option<Origin> {
    let content_type = parsed.content_type()?;
    if !content_type.ctype().eq_ignore_ascii_case("multipart")
        || !content_type
            .subtype()
            .is_some_and(|subtype| subtype.eq_ignore_ascii_case("report"))
    {
        return None;
    }
    match content_type
        .attribute("report-type")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("disposition-notification") => Some(Origin::ReadReport),
        _ => Some(Origin::Bounce),
    }
}
