//! The read report that a sender asked for (RFC 8098): when one may go out by itself, and its bytes.
//!
//! It says only that the message was taken up ("processed"): nobody claims that a person has read it. The signed receipt
//! says more and is another letter.

use jiff::Timestamp;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use super::letter::{ComposeError, Composed, Whose, header, is_plain_id, mailbox};
use crate::receipt::wording::visible;

/// Longer subjects are cut: a header line of ours never carries a citizen's whole letter.
const SUBJECT_CHARS_MAX: usize = 150;

/// What the report says.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The agency's name.
    pub agency: &'a str,
    /// The dedicated address, to which the message came.
    pub from: &'a str,
    /// Who asked for the report.
    pub to: &'a str,
    /// Of the message reported on, without angle brackets.
    pub original_message_id: Option<&'a str>,
    /// Of the message reported on; may be empty.
    pub subject: &'a str,
    /// The number that the message was given, as people write it.
    pub number: Option<&'a str>,
    /// Of this report, without angle brackets.
    pub message_id: &'a str,
    pub date: Timestamp,
}

/// Writes the report. It goes out with the null reverse-path (RFC 8098 §3).
///
/// # Errors
/// An address that no mail server would take.
pub fn compose(facts: &Facts<'_>) -> Result<Composed, ComposeError> {
    let from: Mailbox = mailbox(Some(facts.agency), facts.from, Whose::Mailbox)?;
    let to = mailbox(None, facts.to, Whose::Sender)?;
    let boundary = facts.message_id.split('@').next().unwrap_or_default();
    let report = format!("multipart/report; report-type=disposition-notification; boundary=\"r.{boundary}\"");
    let body = MultiPart::builder()
        .header(ContentType::parse(&report).expect("a boundary of base32"))
        .singlepart(SinglePart::plain(words(facts)))
        .singlepart(disposition(facts));
    let mut builder = lettre::Message::builder()
        .from(from)
        .to(to)
        .date(facts.date.into())
        .message_id(Some(format!("<{}>", facts.message_id)))
        .subject(subject(facts))
        .raw_header(header("Auto-Submitted", "auto-replied"))
        .raw_header(header("Content-Language", "ro"));
    if let Some(id) = facts.original_message_id.filter(|id| is_plain_id(id)) {
        builder = builder
            .in_reply_to(format!("<{id}>"))
            .references(format!("<{id}>"));
    }
    let message = builder.multipart(body).map_err(ComposeError::Assembly)?;
    Ok(Composed {
        message_id: facts.message_id.to_owned(),
        bytes: message.formatted(),
    })
}

fn subject(facts: &Facts<'_>) -> String {
    let subject: String = visible(facts.subject).chars().take(SUBJECT_CHARS_MAX).collect();
    if subject.is_empty() {
        "Mesaj primit".to_owned()
    } else {
        format!("Mesaj primit: {subject}")
    }
}

fn words(facts: &Facts<'_>) -> String {
    let mut text = format!(
        "Mesajul dumneavoastră către {} a ajuns și a fost preluat automat de registratura instituției: {}.\r\n",
        facts.from,
        visible(facts.agency)
    );
    if let Some(number) = facts.number {
        text.push_str(&format!("Numărul de înregistrare este {number}.\r\n"));
    }
    text.push_str(
        "\r\nAceastă confirmare, cerută de programul dumneavoastră de e-mail, nu arată că mesajul a fost citit de \
         o persoană și nu ține loc de recipisă.\r\n",
    );
    text
}

/// The fields for programs (RFC 8098 §3.1 and §3.2).
fn disposition(facts: &Facts<'_>) -> SinglePart {
    let mut fields = format!("Reporting-UA: recipisa {}\r\n", env!("CARGO_PKG_VERSION"));
    let kind = if facts.from.is_ascii() { "rfc822" } else { "utf-8" };
    fields.push_str(&format!("Final-Recipient: {kind};{}\r\n", facts.from));
    if let Some(id) = facts.original_message_id.filter(|id| is_plain_id(id)) {
        fields.push_str(&format!("Original-Message-ID: <{id}>\r\n"));
    }
    fields.push_str("Disposition: automatic-action/MDN-sent-automatically; processed\r\n");
    let media_type = ContentType::parse("message/disposition-notification").expect("a constant media type");
    SinglePart::builder()
        .header(media_type)
        .header(ContentTransferEncoding::SevenBit)
        .body(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Message, Origin};

    fn facts<'a>(subject: &'a str, original: Option<&'a str>) -> Facts<'a> {
        Facts {
            agency: "Agenția Exemplu",
            from: "somaj@exemplu.test",
            to: "ana@citizen.test",
            original_message_id: original,
            subject,
            number: Some("12/20.11.2026"),
            message_id: "abcdefghijklmnopqrstuvwxyz@exemplu.test",
            date: "2026-11-20T10:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn it_is_a_read_report_and_asks_for_none() {
        let letter = compose(&facts("Cerere de șomaj", Some("m1@citizen.test"))).unwrap();
        let text = String::from_utf8(letter.bytes.clone()).unwrap();
        for wanted in [
            "report-type=disposition-notification",
            "Content-Type: message/disposition-notification\r\n",
            "Disposition: automatic-action/MDN-sent-automatically; processed\r\n",
            "Final-Recipient: rfc822;somaj@exemplu.test\r\n",
            "Original-Message-ID: <m1@citizen.test>\r\n",
            "In-Reply-To: <m1@citizen.test>\r\n",
            "Auto-Submitted: auto-replied\r\n",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        let read = Message::read(&letter.bytes).text;
        assert!(
            read.contains("de registratura instituției: Agenția Exemplu."),
            "{read}"
        );
        assert!(
            !text.to_lowercase().contains("disposition-notification-to"),
            "{text}"
        );
        assert_eq!(Message::read(&letter.bytes).origin, Origin::ReadReport);
        assert_eq!(
            letter.bytes,
            compose(&facts("Cerere de șomaj", Some("m1@citizen.test")))
                .unwrap()
                .bytes
        );
    }

    #[test]
    fn hostile_words_stay_words() {
        let hostile = "x\r\nBcc: toti@exemplu.test\r\n\r\n\u{202e}corp".repeat(20);
        let letter = compose(&facts(&hostile, Some("id\r\nX: y"))).unwrap();
        let text = String::from_utf8(letter.bytes).unwrap();
        assert!(
            text.is_ascii() && text.lines().all(|line| line.len() <= 998),
            "{text}"
        );
        assert!(!text.contains("\r\nBcc:") && !text.contains("\r\nX: y"), "{text}");
        assert!(!text.contains("Original-Message-ID"), "{text}");
    }
}
