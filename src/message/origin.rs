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
    /// It may be a person, but the header asks that no automatic answer be sent, or a newsletter's links stand in it:
    /// registered like a person's mail, and not answered by itself.
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
            | Self::List
            | Self::Bulk
            | Self::AsksForSilence => false,
        }
    }
}

/// Judges a parsed message.
pub(super) fn of(parsed: &Message<'_>) -> Origin {
    if let Some(report) = report_type(parsed) {
        return report;
    }
    let mut signs = Signs::default();
    for (name, value) in parsed.headers_raw() {
        signs.note(&name.to_ascii_lowercase(), value.trim());
    }
    match signs.precedence.as_str() {
        _ if signs.automatic => Origin::AutoReply,
        "auto_reply" | "auto-reply" => Origin::AutoReply,
        _ if signs.bounce => Origin::Bounce,
        "list" => Origin::List,
        _ if signs.list => Origin::List,
        "bulk" | "junk" => Origin::Bulk,
        _ if signs.silence => Origin::AsksForSilence,
        _ => Origin::Person,
    }
}

/// What the header fields show.
#[derive(Default)]
struct Signs {
    automatic: bool,
    bounce: bool,
    list: bool,
    silence: bool,
    precedence: String,
}

impl Signs {
    fn note(&mut self, name: &str, value: &str) {
        match name {
            "auto-submitted" => self.automatic |= !keyword(value).eq_ignore_ascii_case("no"),
            "x-autoreply" | "x-autorespond" => self.automatic = true,
            "return-path" => self.bounce |= matches!(local_part(value).as_str(), "" | "mailer-daemon"),
            "from" => {
                self.bounce |= local_part(value) == "mailer-daemon";
                self.silence |= local_part(value) == "postmaster";
            }
            "x-failed-recipients" => self.bounce = true,
            "list-id" | "list-post" => self.list = true,
            "precedence" => self.precedence = keyword(value).to_ascii_lowercase(),
            // Exchange's wish, a program's own loop mark, and a newsletter's way out.
            "x-auto-response-suppress" => self.silence |= suppresses_replies(value),
            "x-loop" | "list-unsubscribe" => self.silence = true,
            _ => {}
        }
    }
}

/// What stands before the `@` of the address in a field, lower case; empty for `<>`.
fn local_part(value: &str) -> String {
    let address = match (value.rfind('<'), value.rfind('>')) {
        (Some(from), Some(to)) if from < to => &value[from + 1..to],
        _ => value,
    };
    address
        .trim()
        .split('@')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
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
