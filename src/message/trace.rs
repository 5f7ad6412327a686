//! The traces of the envelope in the header (RFC 5321 §4.4, RFC 8098 §2.1): from where the mail came, to whom it was
//! brought, and who wishes to be told that it was read. Left out: what it means; that is for `origin` and for policy.

use std::borrow::Cow;

use mail_parser::Message;

use super::is_address;

/// More addresses than anybody needs are not kept.
const ADDRESSES_MAX: usize = 32;

/// A field of a header.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// As written.
    pub(super) name: &'a str,
    raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// Names are written in any case (RFC 5322 §2.2).
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value, trimmed and still folded.
    pub(super) fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.raw.trim_ascii())
    }
}

/// The fields of the message's own header in their order.
pub(super) fn fields<'a>(parsed: &'a Message<'_>) -> impl Iterator<Item = Field<'a>> {
    parsed.headers().iter().map(|field| {
        let range = field.offset_start as usize..field.offset_end as usize;
        Field {
            name: field.name.as_str(),
            raw: parsed.raw_message.get(range).unwrap_or_default(),
        }
    })
}

/// The reverse-path that the last server noted (RFC 5321 §4.4): the topmost Return-Path, empty for `<>`.
pub(super) fn return_path(parsed: &Message<'_>) -> Option<String> {
    let field = fields(parsed).find(|field| field.is("return-path"))?;
    Some(within_brackets(&field.text()).to_owned())
}

/// To whom the envelope brought it, the topmost first, each once.
pub(super) fn delivered_to(parsed: &Message<'_>) -> Vec<String> {
    const NAMES: [&str; 4] = ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to"];
    addresses(parsed, &NAMES)
}

/// Disposition-Notification-To (RFC 8098 §2.1).
pub(super) fn read_report_to(parsed: &Message<'_>) -> Vec<String> {
    addresses(parsed, &["disposition-notification-to"])
}

/// List-Id (RFC 2919 §2) and the address of List-Post (RFC 2369 §3.4), in lower case.
pub(super) fn lists(parsed: &Message<'_>) -> Vec<String> {
    fields(parsed)
        .filter(|field| field.is("list-id") || field.is("list-post"))
        .take(ADDRESSES_MAX)
        .map(|field| {
            let name = within_brackets(&field.text()).to_lowercase();
            let address = name.strip_prefix("mailto:").unwrap_or(&name);
            address.split('?').next().unwrap_or_default().to_owned()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

fn addresses(parsed: &Message<'_>, names: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for field in fields(parsed).filter(|field| names.iter().any(|name| field.is(name))) {
        for one in list(&field.text()) {
            let address = within_brackets(one);
            if found.len() < ADDRESSES_MAX
                && is_address(address)
                && !found.iter().any(|known| known == address)
            {
                found.push(address.to_owned());
            }
        }
    }
    found
}

/// The entries of an address list: cut at commas that stand in no quoted name.
fn list(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    value.split(move |letter| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    })
}

/// The address of `Name <address>`, or the whole where there are no brackets; without a source route (RFC 5321 §4.1.2).
pub(super) fn within_brackets(value: &str) -> &str {
    let address = match (value.rfind('<'), value.rfind('>')) {
        (Some(from), Some(to)) if from < to => &value[from + 1..to],
        _ => value,
    };
    let address = address.trim();
    match address.split_once(':') {
        Some((route, rest)) if route.starts_with('@') => rest,
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use crate::message::Message;

    #[test]
    fn the_topmost_return_path_counts() {
        let cases = [
            ("Return-Path: <Ion@exemplu.test>\r\n", Some("Ion@exemplu.test")),
            ("Return-Path: <>\r\nReturn-Path: <a@exemplu.test>\r\n", Some("")),
            ("Return-Path:\r\n", Some("")),
            ("return-path: a@exemplu.test\r\n", Some("a@exemplu.test")),
            (
                "Return-Path: <@relay.test:a@exemplu.test>\r\n",
                Some("a@exemplu.test"),
            ),
            ("", None),
        ];
        for (header, expected) in cases {
            let mail = format!("{header}From: a@exemplu.test\r\n\r\ntext\r\n");
            assert_eq!(
                Message::read(mail.as_bytes()).return_path.as_deref(),
                expected,
                "{header}"
            );
        }
    }

    #[test]
    fn where_it_was_brought_is_told_once_and_only_as_an_address() {
        let mail = "Delivered-To: somaj@ajofm.test\r\nX-Original-To: somaj@ajofm.test\r\nEnvelope-To: <a@ajofm.test>, \
                    b@ajofm.test\r\nDelivered-To: mailing list x@y.test\r\nX-Envelope-To: c@ajofm.test\r\nTo: z@z.test\r\n\r\nx\r\n";
        let read = Message::read(mail.as_bytes());
        assert_eq!(
            read.delivered_to,
            ["somaj@ajofm.test", "a@ajofm.test", "b@ajofm.test", "c@ajofm.test"]
        );
    }

    #[test]
    fn a_read_report_is_asked_for_by_mail_that_is_no_report() {
        let wish =
            "Disposition-Notification-To: \"Popescu, Ion\" <ion@exemplu.test>,\r\n ana@exemplu.test\r\n";
        let mail = |rest: &str| {
            Message::read(format!("{wish}From: a@b.test\r\n{rest}\r\ntext\r\n").as_bytes()).read_report_to
        };
        assert_eq!(mail(""), ["ion@exemplu.test", "ana@exemplu.test"]);
        assert!(mail("Return-Path: <>\r\n").is_empty());
        assert!(mail("Auto-Submitted: auto-replied\r\n").is_empty());
        assert!(
            mail("Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n")
                .is_empty()
        );
    }
}
