//! Letters as people meant them: header fields and bodies that are not what they declare.

use std::borrow::Cow;

use mail_parser::{Encoding, Header, HeaderName, Message, MessagePart, MimeHeaders};

use super::letters::{self, base64_as_far_as_possible};
use super::words;

/// Of bytes declared as base64, one in so many may be none of it; with more they were never encoded.
const SPOILED_MAX: usize = 6;
/// So far into an HTML body its own word on its charset is looked for, in bytes.
const META_WITHIN_BYTES: usize = 2_048;

/// A header field's text, decoded (RFC 2047); raw eight-bit bytes without a charset are read as windows-1250.
pub(super) fn header_text(parsed: &Message<'_>, name: HeaderName<'static>) -> Option<String> {
    let header = parsed.headers().iter().rev().find(|header| header.name == name)?;
    let raw = raw(parsed, header)?;
    if raw.is_ascii() && memchr::memchr(b'?', raw).is_none() {
        return Some(header.value.as_text().unwrap_or_default().to_owned());
    }
    Some(words::decoded(&letters::guessed(raw)))
}

/// A field of addresses as text again, where the parser cannot have read it as it was meant: with raw eight-bit bytes,
/// with encoded words that it did not decode, or with the whole field in one. `None` where it can.
pub(super) fn addresses_mended(parsed: &Message<'_>, header: &Header<'_>) -> Option<Vec<u8>> {
    let raw = raw(parsed, header)?;
    let is_utf8 = std::str::from_utf8(raw).is_ok();
    if is_utf8 && !(raw.windows(2).any(|pair| pair == b"=?") && is_badly_read(header)) {
        return None;
    }
    let text = letters::guessed(raw);
    let text = match text.contains('@') {
        true => words::quoted_in_addresses(text.trim()),
        false => words::decoded(text.trim()),
    };
    let line = one_line(&text);
    Some(format!("From: {line}\r\n\r\n").into_bytes())
}

fn is_badly_read(header: &Header<'_>) -> bool {
    let Some(addresses) = header.value.as_address() else {
        return true;
    };
    let mut has_address = false;
    for one in addresses.iter() {
        has_address |= one.address().is_some_and(|address| address.contains('@'));
        if one
            .name()
            .is_some_and(|name| name.contains('\u{FFFD}') || name.contains("=?"))
        {
            return true;
        }
    }
    !has_address
}

fn raw<'a>(parsed: &'a Message<'_>, header: &Header<'_>) -> Option<&'a [u8]> {
    parsed
        .raw_message
        .get(header.offset_start as usize..header.offset_end as usize)
}

/// A text part's letters, by its declared charset, else by what its bytes look like.
pub(super) fn part_text<'a>(parsed: &Message<'_>, part: &'a MessagePart<'_>) -> Cow<'a, str> {
    let shown = part.text_contents().unwrap_or_default();
    let label = part
        .content_type()
        .and_then(|declared| declared.attribute("charset"))
        .unwrap_or_default()
        .trim();
    let is_sound = !part.is_encoding_problem && !shown.contains(['\u{FFFD}', '\0']);
    let is_believed = match letters::claims_ascii(label) {
        true => shown.is_ascii(),
        false => label.is_empty() || letters::is_plainly_known(label),
    };
    if is_sound && is_believed && !letters::is_utf7(label) && transfer_encoding(part) == part.encoding {
        return Cow::Borrowed(shown.strip_prefix('\u{FEFF}').unwrap_or(shown));
    }
    let bytes = part_bytes(parsed, part);
    let own_word = match label.is_empty() && part.is_text_html() {
        true => meta_charset(&bytes),
        false => None,
    };
    Cow::Owned(letters::by_label(&bytes, own_word.as_deref().unwrap_or(label)))
}

/// The charset that an HTML body names itself, where its mail names none.
fn meta_charset(bytes: &[u8]) -> Option<String> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(META_WITHIN_BYTES)]).to_ascii_lowercase();
    let (_, after) = start.split_once("charset=")?;
    let label = after.trim_start_matches(['"', '\'', ' ']);
    let end = label.find(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')))?;
    Some(label[..end].to_owned())
}

/// A part's bytes with only the transfer encoding taken off, so that a text file keeps its own bytes.
pub(super) fn part_bytes(parsed: &Message<'_>, part: &MessagePart<'_>) -> Vec<u8> {
    let encoding = transfer_encoding(part);
    if !part.is_text() && !part.is_encoding_problem && encoding == part.encoding {
        return part.contents().to_vec();
    }
    let body = parsed
        .raw_message
        .get(part.offset_body as usize..part.offset_end as usize)
        .unwrap_or_default();
    match encoding {
        Encoding::Base64 if was_encoded(body) => base64_as_far_as_possible(body),
        Encoding::QuotedPrintable => quoted_printable_as_far_as_possible(body),
        Encoding::Base64 | Encoding::None => body.to_vec(),
    }
}

/// The transfer encoding that is declared, also where it is declared with a semicolon or a comment behind it.
fn transfer_encoding(part: &MessagePart<'_>) -> Encoding {
    let declared = part.content_transfer_encoding().unwrap_or_default();
    let word = declared.split([';', '(', ',']).next().unwrap_or_default().trim();
    match word {
        word if word.eq_ignore_ascii_case("base64") || word.eq_ignore_ascii_case("base-64") => {
            Encoding::Base64
        }
        word if word.eq_ignore_ascii_case("quoted-printable") => Encoding::QuotedPrintable,
        _ => Encoding::None,
    }
}

/// Whether bytes that are declared as base64 can be some.
fn was_encoded(body: &[u8]) -> bool {
    let foreign = body.iter().filter(|byte| {
        !matches!(byte, b'+' | b'/' | b'=' | b'\r' | b'\n' | b'\t') && !byte.is_ascii_alphanumeric()
    });
    foreign.count() * SPOILED_MAX <= body.len()
}

/// Decodes quoted-printable (RFC 2045 §6.7); an equals sign that begins no number stands for itself.
pub(super) fn quoted_printable_as_far_as_possible(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let content = line.trim_ascii_end();
        let is_soft = content.last() == Some(&b'=');
        let content = content.strip_suffix(b"=").unwrap_or(content);
        let mut rest = content;
        while let Some(at) = memchr::memchr(b'=', rest) {
            out.extend_from_slice(&rest[..at]);
            let hex = |place: usize| {
                rest.get(at + place)
                    .and_then(|byte| char::from(*byte).to_digit(16))
            };
            match (hex(1), hex(2)) {
                (Some(high), Some(low)) => {
                    out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                    rest = &rest[at + 3..];
                }
                _ => {
                    out.push(b'=');
                    rest = &rest[at + 1..];
                }
            }
        }
        out.extend_from_slice(rest);
        if !is_soft {
            let end = if line.ends_with(b"\r\n") {
                2
            } else {
                usize::from(line.ends_with(b"\n"))
            };
            out.extend_from_slice(&line[line.len() - end..]);
        }
    }
    out
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
        let cases: [(&[u8], &str); 9] = [
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
            (
                b"Content-Type: image/png\r\nContent-ID: <image001.png@01DC5A3B.7F2E1D00>",
                "image001.png",
            ),
            (
                b"Content-Type: application/pdf\r\nContent-Location: http://exemplu.test/acte/cerere.pdf",
                "cerere.pdf",
            ),
            (
                b"Content-Type: application/pdf\r\nContent-Disposition: attachment\r\nContent-ID: <9f2c@exemplu.test>",
                "atasament-01.pdf",
            ),
        ];
        for (header, meant) in cases {
            assert_eq!(name_of(header), meant, "{}", String::from_utf8_lossy(header));
        }
    }
}
