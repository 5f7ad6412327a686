//! From bytes to letters: by the declared charset where it is known and true, else by what the bytes look like.
//!
//! Bytes that are not UTF-8 and carry no charset are read as windows-1250. Of the charsets that Romanian programs
//! have used (windows-1250, ISO-8859-2, ISO-8859-16) the lower-case Romanian letters lie at the same places, and
//! cedilla ş ţ stays what was sent: nothing here turns it into comma-below.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1250};
use mail_parser::decoders::charsets::map::charset_decoder;

/// So many bytes tell whether every second one is zero.
const SAMPLE_BYTES: usize = 1_024;

/// In fewer pairs of bytes a zero proves nothing.
const PAIRS_MIN: usize = 4;

/// How a charset's name says that there is nothing but ASCII; what says so and has other letters did not look.
const ASCII: [&str; 4] = ["us-ascii", "ascii", "ansi_x3.4-1968", "7bit"];

/// The letters of bytes that are declared to be in the charset `label`, which may be empty, unknown or untrue.
pub(super) fn by_label(bytes: &[u8], label: &str) -> String {
    let label = label.trim().trim_matches(['"', '\'']);
    if label.is_empty() || claims_ascii(label) {
        return guessed(bytes);
    }
    if is_utf7(label) {
        return utf7(bytes);
    }
    if label.eq_ignore_ascii_case("utf-16") || label.eq_ignore_ascii_case("utf16") {
        return wide(bytes).unwrap_or_else(|| UTF_16BE.decode(bytes).0.into_owned());
    }
    match known(label) {
        Some(encoding) if encoding == UTF_8 => guessed(bytes),
        Some(encoding) => encoding.decode(bytes).0.into_owned(),
        None => match charset_decoder(label.as_bytes()) {
            Some(decode) => decode(bytes),
            None => guessed(bytes),
        },
    }
}

/// Whether a declared charset is one that the MIME crate reads as it was meant.
pub(super) fn is_plainly_known(label: &str) -> bool {
    known(label).is_some_and(|encoding| encoding != UTF_16BE && encoding != UTF_16LE)
}

/// Whether bytes of this charset mean something else after others, so that pieces are read one by one.
pub(super) fn has_state(label: &str) -> bool {
    label
        .get(..8)
        .is_some_and(|start| start.eq_ignore_ascii_case("iso-2022"))
        || is_utf7(label)
}

pub(super) fn claims_ascii(label: &str) -> bool {
    ASCII.iter().any(|name| label.eq_ignore_ascii_case(name))
}

pub(super) fn is_utf7(label: &str) -> bool {
    ["utf-7", "utf7", "unicode-1-1-utf-7"]
        .iter()
        .any(|name| label.eq_ignore_ascii_case(name))
}

/// The encoding of a name as it is spelled in the registry, or as people spell it (`iso_8859_2`, `cp-1250`).
fn known(label: &str) -> Option<&'static Encoding> {
    if let Some(encoding) = Encoding::for_label_no_replacement(label.as_bytes()) {
        return Some(encoding);
    }
    let respelled = label.to_ascii_lowercase().replace('_', "-").replace("cp-", "cp");
    Encoding::for_label_no_replacement(respelled.as_bytes())
}

/// The letters of bytes about which nothing is known, or nothing true.
pub(super) fn guessed(bytes: &[u8]) -> String {
    if let Some(text) = wide(bytes) {
        return text;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{FEFF}').unwrap_or(text).to_owned(),
        Err(_) => spoiled_utf8(bytes)
            .unwrap_or_else(|| WINDOWS_1250.decode_without_bom_handling(bytes).0.into_owned()),
    }
}

/// UTF-8 that was cut or spoiled here and there: far more letters than errors.
fn spoiled_utf8(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (mut letters, mut errors) = (0_usize, 0_usize);
    for letter in text.chars().filter(|letter| !letter.is_ascii()) {
        match letter {
            '\u{FFFD}' => errors += 1,
            _ => letters += 1,
        }
    }
    (letters > 2 * errors).then(|| text.into_owned())
}

/// UTF-16 by its byte order mark, or because every second byte is zero as in no other text.
fn wide(bytes: &[u8]) -> Option<String> {
    let order = match bytes {
        [0xFE, 0xFF, ..] => UTF_16BE,
        [0xFF, 0xFE, ..] => UTF_16LE,
        _ => order_by_zeros(bytes)?,
    };
    Some(order.decode(bytes).0.into_owned())
}

fn order_by_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    memchr::memchr(0, sample)?;
    let (mut even, mut odd) = (0_usize, 0_usize);
    for (at, _) in sample.iter().enumerate().filter(|(_, byte)| **byte == 0) {
        match at % 2 {
            0 => even += 1,
            _ => odd += 1,
        }
    }
    let pairs = sample.len() / 2;
    if pairs < PAIRS_MIN {
        return None;
    }
    match (even * 10 > pairs * 6, odd * 10 > pairs * 6) {
        (true, false) => Some(UTF_16BE),
        (false, true) => Some(UTF_16LE),
        (true, true) | (false, false) => None,
    }
}

/// UTF-7 (RFC 2152 §2), with a shifted part that is not closed read to its end.
fn utf7(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(plus) = memchr::memchr(b'+', rest) {
        text.push_str(&guessed(&rest[..plus]));
        rest = &rest[plus + 1..];
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
            .count();
        let (shifted, after) = rest.split_at(length);
        rest = after.strip_prefix(b"-").unwrap_or(after);
        if shifted.is_empty() {
            text.push('+');
            continue;
        }
        let units = base64_as_far_as_possible(shifted);
        text.push_str(
            &UTF_16BE
                .decode_without_bom_handling(&units[..units.len() / 2 * 2])
                .0,
        );
    }
    text.push_str(&guessed(rest));
    text
}

/// Decodes what is base64 and passes over what is not, so that one bad character costs one group and not the file.
pub(super) fn base64_as_far_as_possible(body: &[u8]) -> Vec<u8> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_charsets_are_believed_while_they_are_true() {
        let utf16: Vec<u8> = "Cerere de șomaj"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        let utf16le: Vec<u8> = "Cerere de șomaj"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let cases: &[(&[u8], &str, &str)] = &[
            (b"\xBAomaj \xFEar\xE3", "ISO-8859-2", "şomaj ţară"),
            (b"\xBAomaj \xFEar\xE3", "iso_8859_16", "șomaj țară"),
            (b"\xBAomaj \xFEar\xE3", "cp-1250", "şomaj ţară"),
            (b"\xD1\xC9", "KOI8-R", "яи"),
            (b"\x84", "cp850", "ä"),
            ("șomaj".as_bytes(), "x-nimic", "șomaj"),
            ("șomaj".as_bytes(), "us-ascii", "șomaj"),
            (b"\xBAomaj", "utf-8", "şomaj"),
            (
                "cerere de șomaj și ăță \u{20AC}".as_bytes().split_at(30).0,
                "utf-8",
                "cerere de șomaj și ăță \u{FFFD}",
            ),
            (&utf16, "utf-16", "Cerere de șomaj"),
            (&utf16le, "utf-16", "Cerere de șomaj"),
            (&utf16le, "", "Cerere de șomaj"),
            (&utf16, "utf-16be", "Cerere de șomaj"),
            (b"Cerere +Ahk-omaj +- 1 +AOM", "utf-7", "Cerere șomaj + 1 ã"),
            (b"a\0b", "", "a\0b"),
        ];
        for (bytes, label, expected) in cases {
            assert_eq!(
                by_label(bytes, label),
                *expected,
                "{label}: {}",
                bytes.escape_ascii()
            );
        }
    }
}
