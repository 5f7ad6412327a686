//! Letters as people meant them: header fields and bodies that are not what they declare.
//!
//! Bytes that are not UTF-8 and carry no charset are read as windows-1250. Of the charsets that Romanian programs
//! have used (windows-1250, ISO-8859-2, ISO-8859-16) the lower-case Romanian letters lie at the same places, and
//! cedilla ş ţ stays what was sent: nothing here turns it into comma-below.

use std::borrow::Cow;

use mail_parser::{Encoding, Header, HeaderName, Message, MessageParser, MessagePart, MimeHeaders};

/// A header field's text, decoded (RFC 2047); raw eight-bit bytes without a charset are read as windows-1250.
pub(super) fn header_text(parsed: &Message<'_>, name: HeaderName<'static>) -> Option<String> {
    let header = parsed.headers().iter().rev().find(|header| header.name == name)?;
    let text = header.value.as_text().unwrap_or_default();
    if !text.contains('\u{FFFD}') {
        return Some(text.to_owned());
    }
    let raw = parsed
        .raw_message
        .get(header.offset_start as usize..header.offset_end as usize)?;
    if std::str::from_utf8(raw).is_ok() {
        return Some(text.to_owned());
    }
    let again = reread("Subject", raw);
    let reparsed = MessageParser::default().parse_headers(&again)?;
    reparsed.subject().map(str::to_owned)
}

/// A field of addresses as text again, its raw eight-bit bytes read as windows-1250; `None` where it has none.
pub(super) fn addresses_in_legacy_bytes(parsed: &Message<'_>, header: &Header<'_>) -> Option<Vec<u8>> {
    let raw = parsed
        .raw_message
        .get(header.offset_start as usize..header.offset_end as usize)?;
    if std::str::from_utf8(raw).is_ok() {
        None
    } else {
        Some(reread("From", raw))
    }
}

/// The file name of a part: Content-Disposition `filename`, else Content-Type `name` (RFC 2183, 2231, 2047).
pub(super) fn file_name(parsed: &Message<'_>, part: &MessagePart<'_>) -> Option<String> {
    let name = part.attachment_name()?;
    if let Some(mended) = mended_file_name(parsed, part) {
        return Some(decoded_words(&mended));
    }
    Some(decoded_words(name))
}

/// The name as it was meant, where the header field that has it must be mended before it is parsed: legacy bytes
/// without a charset, or encoded words that would not join.
fn mended_file_name(parsed: &Message<'_>, part: &MessagePart<'_>) -> Option<String> {
    for (name, spelled) in [
        (HeaderName::ContentDisposition, "Content-Disposition"),
        (HeaderName::ContentType, "Content-Type"),
    ] {
        let Some(header) = part.headers.iter().rev().find(|header| header.name == name) else {
            continue;
        };
        let raw = parsed
            .raw_message
            .get(header.offset_start as usize..header.offset_end as usize)?;
        let (text, is_utf8) = match std::str::from_utf8(raw) {
            Ok(text) => (Cow::Borrowed(text), true),
            Err(_) => (
                encoding_rs::WINDOWS_1250.decode_without_bom_handling(raw).0,
                false,
            ),
        };
        let joined = words_joined(text.trim());
        let again = format!("{spelled}: {joined}\r\n\r\n");
        let reparsed = MessageParser::default().parse_headers(again.as_bytes())?;
        if let Some(name) = reparsed.root_part().attachment_name() {
            let changed = !is_utf8 || joined != text.trim();
            return changed.then(|| name.to_owned());
        }
    }
    None
}

/// Takes out the white space between two encoded words, which belongs to neither (RFC 2047 §6.2).
fn words_joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("?=") {
        let (word, after) = rest.split_at(at + 2);
        joined.push_str(word);
        let next = after.trim_start();
        rest = if next.starts_with("=?") { next } else { after };
    }
    joined.push_str(rest);
    joined
}

/// Encoded words that stayed in a parameter, where RFC 2047 §5 forbids them and everybody puts them.
fn decoded_words(name: &str) -> String {
    if !name.contains("=?") {
        return name.to_owned();
    }
    let again = format!("Subject: {name}\r\n\r\n");
    MessageParser::default()
        .parse_headers(again.as_bytes())
        .and_then(|reparsed| reparsed.subject().map(str::to_owned))
        .unwrap_or_else(|| name.to_owned())
}

fn reread(name: &str, raw: &[u8]) -> Vec<u8> {
    let (text, _) = encoding_rs::WINDOWS_1250.decode_without_bom_handling(raw);
    format!("{name}: {}\r\n\r\n", text.trim()).into_bytes()
}

/// A text part's letters, by its declared charset, else UTF-8, else windows-1250.
pub(super) fn part_text(parsed: &Message<'_>, part: &MessagePart<'_>) -> String {
    let shown = part.text_contents().unwrap_or_default();
    let charset = part
        .content_type()
        .and_then(|declared| declared.attribute("charset"))
        .unwrap_or_default()
        .trim();
    let ascii = ["us-ascii", "ascii", "ansi_x3.4-1968"]
        .iter()
        .any(|name| charset.eq_ignore_ascii_case(name));
    let known = !ascii && encoding_rs::Encoding::for_label(charset.as_bytes()).is_some();
    // A part that claims ASCII and has other letters as well was labelled by a program that did not look.
    if known || !shown.contains('\u{FFFD}') && (!ascii || shown.is_ascii()) {
        return shown.to_owned();
    }
    let bytes = part_bytes(parsed, part);
    if let Ok(text) = std::str::from_utf8(&bytes) {
        return text.to_owned();
    }
    encoding_rs::WINDOWS_1250
        .decode_without_bom_handling(&bytes)
        .0
        .into_owned()
}

/// A part's bytes with only the transfer encoding taken off, so that a text file keeps its own bytes.
pub(super) fn part_bytes(parsed: &Message<'_>, part: &MessagePart<'_>) -> Vec<u8> {
    if !part.is_text() && !part.is_encoding_problem {
        return part.contents().to_vec();
    }
    let body = parsed
        .raw_message
        .get(part.offset_body as usize..part.offset_end as usize)
        .unwrap_or_default();
    let declared = part
        .content_transfer_encoding()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match (part.encoding, declared.as_str()) {
        (Encoding::Base64, _) | (_, "base64") => base64_as_far_as_possible(body),
        (Encoding::QuotedPrintable, _) | (_, "quoted-printable") => {
            mail_parser::decoders::quoted_printable::quoted_printable_decode(body)
                .unwrap_or_else(|| body.to_vec())
        }
        _ => body.to_vec(),
    }
}

/// Decodes what is base64 and passes over what is not, so that one bad character costs one group and not the file.
fn base64_as_far_as_possible(body: &[u8]) -> Vec<u8> {
    let mut letters: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'+' || *byte == b'/')
        .collect();
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    let mut encoding = data_encoding::BASE64_NOPAD.specification();
    encoding.check_trailing_bits = false;
    match encoding.encoding() {
        Ok(lenient) => lenient.decode(&letters).unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

/// Folded white space and control characters become one space, for what is shown on one line.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use crate::message::Message;

    fn name_of(header: &[u8]) -> String {
        let head = b"From: a@exemplu.test\r\nMIME-Version: 1.0\r\n";
        let raw = [head, header, b"\r\n\r\nceva\r\n"].concat();
        Message::read(&raw).files[0].name.clone()
    }

    #[test]
    fn file_names_are_what_people_meant() {
        let cases: [(&[u8], &str); 6] = [
            (
                b"Content-Disposition: attachment; filename=\"=?UTF-8?Q?o_cerere_?= =?UTF-8?Q?=C8=99i_altele.pdf?=\"",
                "o cerere și altele.pdf",
            ),
            (
                b"Content-Type: application/pdf;\r\n name=\"=?UTF-8?B?YWRldmVyaW4=?=\r\n =?UTF-8?B?yJvEgy5wZGY=?=\"",
                "adeverință.pdf",
            ),
            (
                b"Content-Disposition: attachment; filename=\"indemniza\xFEie \xBAomaj.pdf\"",
                "indemnizaţie şomaj.pdf",
            ),
            (
                "Content-Disposition: attachment; filename=\"șomaj.pdf\"".as_bytes(),
                "șomaj.pdf",
            ),
            (
                b"Content-Disposition: attachment; filename=\"unde?= aici.pdf\"",
                "unde?= aici.pdf",
            ),
            (
                b"Content-Type: image/png; name=\"=?UTF-8?Q?a_?= =?UTF-8?Q?b?=\"\r\nContent-Disposition: attachment; filename=c.png",
                "c.png",
            ),
        ];
        for (header, meant) in cases {
            assert_eq!(name_of(header), meant, "{}", String::from_utf8_lossy(header));
        }
    }
}
