//! What a report says, taken apart: its fields for programs with their notation of addresses, and its words for people.

use mail_parser::{Message, PartType};

use super::{RECIPIENTS_MAX, TEXT_BYTES_MAX, words};
use crate::message::trace::within_brackets;
use crate::message::{declared_type, is_address};

/// What a report says, without the letter it speaks of.
#[derive(Default)]
pub(super) struct Said {
    /// The fields for programs, a group for each recipient; names in lower case.
    pub(super) groups: Vec<Vec<(String, String)>>,
    /// The words for people.
    pub(super) text: String,
    /// What stands in the text below them.
    pub(super) quoted: String,
}

impl Said {
    pub(super) fn of(parsed: &Message<'_>) -> Self {
        let mut said = Self::default();
        let (mut text, mut html) = (String::new(), String::new());
        for part in &parsed.parts {
            let declared = declared_type(part);
            if is_for_programs(&declared) {
                said.groups
                    .extend(groups(&String::from_utf8_lossy(bounded(part.contents()))));
            } else if is_returned_header(&declared) {
                continue;
            } else if let Some(words) = words::for_people(parsed, part) {
                text.push_str(&words[..words.floor_char_boundary(TEXT_BYTES_MAX)]);
                text.push('\n');
            } else if let (PartType::Html(page), true) = (&part.body, html.is_empty()) {
                html = page[..page.floor_char_boundary(TEXT_BYTES_MAX)].to_owned();
            }
        }
        if text.trim().is_empty() {
            text = mail_parser::decoders::html::html_to_text(&html);
        }
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        let (own, quoted) = words::parted(&text);
        if said.groups.is_empty() {
            // Some programs write the fields into the text.
            said.groups = groups(own);
            said.groups.retain(|group| {
                group
                    .iter()
                    .any(|(name, _)| name == "final-recipient" || name == "original-envelope-id")
            });
        }
        (said.text, said.quoted) = (own.to_owned(), quoted.to_owned());
        said
    }

    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.groups.iter().find_map(|group| first(group, name))
    }
}

fn is_for_programs(declared: &str) -> bool {
    let name = declared.strip_prefix("message/").unwrap_or_default();
    matches!(
        name.strip_prefix("global-").unwrap_or(name),
        "delivery-status" | "disposition-notification" | "feedback-report"
    )
}

/// RFC 6522 §4, and as some programs spell it.
pub(super) fn is_returned_header(declared: &str) -> bool {
    matches!(
        declared,
        "text/rfc822-headers" | "text/rfc822-header" | "message/global-headers"
    )
}

pub(super) fn bounded(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(TEXT_BYTES_MAX)]
}

/// Groups of header fields, parted by empty lines; a second Final-Recipient begins a group as well.
fn groups(text: &str) -> Vec<Vec<(String, String)>> {
    let mut all: Vec<Vec<(String, String)>> = Vec::new();
    let mut group: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            if !group.is_empty() {
                all.push(std::mem::take(&mut group));
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = group.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            let name = name.trim().to_ascii_lowercase();
            if name == "final-recipient" && first(&group, &name).is_some() {
                all.push(std::mem::take(&mut group));
            }
            group.push((name, value.trim().to_owned()));
        }
        if all.len() > 2 * RECIPIENTS_MAX {
            break;
        }
    }
    all
}

pub(super) fn first<'a>(group: &'a [(String, String)], name: &str) -> Option<&'a str> {
    group
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

/// `rfc822; <local@domain>`, `utf-8; …` (RFC 6533 §3) and the address alone.
pub(super) fn typed_address(value: &str) -> Option<String> {
    let address = value.split_once(';').map_or(value, |(_, address)| address);
    let address = within_brackets(address).split_whitespace().next()?;
    let address = xtext(&universal(address));
    is_address(&address).then_some(address)
}

/// `\x{XXXX}` of utf-8-addr-xtext (RFC 6533 §3).
fn universal(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, after)) = rest.split_once("\\x{") {
        plain.push_str(before);
        let Some((code, after)) = after.split_once('}') else {
            break;
        };
        plain.extend(u32::from_str_radix(code, 16).ok().and_then(char::from_u32));
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// Decodes xtext (RFC 3461 §4): `+` and two capital hexadecimal digits are one character.
pub(super) fn xtext(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('+') {
        plain.push_str(before);
        let code = after.get(..2).filter(|code| {
            code.bytes()
                .all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
        });
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) if byte.is_ascii_graphic() => {
                plain.push(char::from(byte));
                rest = &after[2..];
            }
            Some(_) | None => {
                plain.push('+');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_notation() {
        let cases = [
            ("rfc822; ion@exemplu.test", Some("ion@exemplu.test")),
            ("RFC822;<ion@exemplu.test>", Some("ion@exemplu.test")),
            (
                "rfc822;ion+2Bcereri@exemplu.test",
                Some("ion+cereri@exemplu.test"),
            ),
            (
                "rfc822;ion+cereri@exemplu.test (alias)",
                Some("ion+cereri@exemplu.test"),
            ),
            ("utf-8; ștefan@exemplu.test", Some("ștefan@exemplu.test")),
            ("utf-8; \\x{219}tefan@exemplu.test", Some("ștefan@exemplu.test")),
            ("ion@exemplu.test", Some("ion@exemplu.test")),
            ("unknown; Ion Popescu", None),
            ("rfc822;", None),
            ("\\x{", None),
        ];
        for (value, expected) in cases {
            assert_eq!(typed_address(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn xtext_is_decoded_and_what_is_none_stays() {
        assert_eq!(xtext("a+2Bb+3Dc"), "a+b=c");
        for same in ["a+b", "a+2", "a+2b", "+", "a+00", "ă+ț"] {
            assert_eq!(xtext(same), same);
        }
    }

    #[test]
    fn groups_are_parted_by_empty_lines_and_by_a_second_recipient() {
        let text = "Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; a@b.test\nDiagnostic-Code: smtp;\n  550 no\n\
                    Final-Recipient: rfc822; c@d.test\n \nno field\n";
        let found = groups(text);
        assert_eq!(found.len(), 3);
        assert_eq!(first(&found[1], "diagnostic-code"), Some("smtp; 550 no"));
        assert_eq!(first(&found[2], "final-recipient"), Some("rfc822; c@d.test"));
        let many = "Final-Recipient: rfc822; a@b.test\n\n".repeat(100_000);
        assert!(groups(&many).len() <= 2 * RECIPIENTS_MAX + 1);
    }
}
