//! What a mail would cost to read, estimated before it is given to the parser, so that no shape of it costs more than
//! its size is worth.
//!
//! The parser looks for a declared boundary through all that follows, keeps forwarded messages inside each other and
//! compares a field's parameters with each other. Each of these needs a `Content-Type` or `Content-Disposition` field,
//! however it is spelled, so that their declarations bound the work. Looked for is the colon, which encoded files do not
//! have, since every byte of every mail passes here. A forwarded message that is itself encoded is decoded and looked
//! through in its turn, as the parser will.

use super::charset::quoted_printable_as_far_as_possible;
use super::letters::base64_as_far_as_possible;

/// A message with more forwarded messages (or digests of them) than a person sends is not given to the parser.
pub(super) const MESSAGES_MAX: usize = 200;
/// Bytes looked through for boundaries, at most; the parser takes about four seconds for so many.
pub const SEARCH_BYTES_MAX: usize = 4_000_000_000;
/// Pairs of parameters compared, at most.
const PAIRS_MAX: usize = 50_000_000;

/// Leaf types, which cost nothing beyond their bytes.
const LEAVES: [&[u8]; 6] = [
    b"text/",
    b"image/",
    b"application/",
    b"audio/",
    b"video/",
    b"font/",
];

/// Encoded messages are opened by the parser so deep inside each other.
const ENCODED_DEPTH_MAX: usize = 3;
/// So far around a field its own header is looked for, in bytes.
const HEADER_REACH: usize = 4_096;

/// Whether the mail is built more intricately than the bounds allow.
pub(super) fn is_beyond_reason(bytes: &[u8]) -> bool {
    let mut budget = Budget {
        searched: 0,
        pairs: 0,
    };
    !budget.suffices(bytes, ENCODED_DEPTH_MAX)
}

struct Budget {
    searched: usize,
    pairs: usize,
}

impl Budget {
    fn suffices(&mut self, bytes: &[u8], depth: usize) -> bool {
        let mut messages = 0;
        let mut encoded = Vec::new();
        for at in memchr::memchr_iter(b':', bytes) {
            let Some(field) = field_before(&bytes[..at]) else {
                continue;
            };
            let value = &bytes[at + 1..];
            match field {
                Field::Encoding => encoded.push(at),
                Field::Type | Field::Disposition => {
                    let parameters = parameters(value);
                    self.pairs = self.pairs.saturating_add(parameters.saturating_mul(parameters));
                }
            }
            if field == Field::Type && !is_leaf(value) {
                self.searched = self.searched.saturating_add(value.len());
                messages += usize::from(holds_messages(value));
            }
            if messages > MESSAGES_MAX || !self.is_left() {
                return false;
            }
        }
        messages == 0
            || depth == 0
            || encoded
                .into_iter()
                .all(|at| self.suffices_encoded(bytes, at, depth - 1))
    }

    fn is_left(&self) -> bool {
        self.searched <= SEARCH_BYTES_MAX && self.pairs <= PAIRS_MAX
    }

    /// Looks into the part whose transfer encoding is declared at `at`, unless it is plainly a file.
    fn suffices_encoded(&mut self, bytes: &[u8], at: usize, depth: usize) -> bool {
        let value = bytes[at + 1..].trim_ascii_start();
        let decode = match value {
            value if starts_with(value, b"base64") => base64_as_far_as_possible,
            value if starts_with(value, b"quoted-printable") => quoted_printable_as_far_as_possible,
            _ => return true,
        };
        let (header, body) = around(bytes, at);
        let is_file = memchr::memchr_iter(b':', header).any(|colon| {
            field_before(&header[..colon]) == Some(Field::Type) && is_leaf(&header[colon + 1..])
        });
        if is_file {
            return true;
        }
        let end = memchr::memmem::find(body, b"\n--").unwrap_or(body.len());
        self.searched = self.searched.saturating_add(end);
        self.is_left() && self.suffices(&decode(&body[..end]), depth)
    }
}

/// The header that a field stands in, as far as it is near, and what follows it.
fn around(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    let from = at.saturating_sub(HEADER_REACH);
    let before = &bytes[from..at];
    let start = [&b"\n\n"[..], b"\n\r\n"]
        .iter()
        .filter_map(|blank| memchr::memmem::rfind(before, blank).map(|found| found + blank.len()))
        .max();
    let after = &bytes[at..];
    let near = &after[..after.len().min(HEADER_REACH)];
    let end = [&b"\n\n"[..], b"\n\r\n"]
        .iter()
        .filter_map(|blank| memchr::memmem::find(near, blank).map(|found| found + blank.len()))
        .min()
        .unwrap_or(near.len());
    (&bytes[from + start.unwrap_or_default()..at + end], &after[end..])
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Type,
    Disposition,
    Encoding,
}

/// The field whose name ends here. The parser takes white space in a name for nothing, so that it is passed over.
fn field_before(bytes: &[u8]) -> Option<Field> {
    let last = bytes.trim_ascii_end().last()?;
    let (field, name) = match last.to_ascii_lowercase() {
        b'e' => (Field::Type, &b"content-type"[..]),
        b'n' => (Field::Disposition, &b"content-disposition"[..]),
        b'g' => (Field::Encoding, &b"content-transfer-encoding"[..]),
        _ => return None,
    };
    let mut letters = bytes.iter().rev().filter(|byte| !byte.is_ascii_whitespace());
    name.iter()
        .rev()
        .all(|letter| {
            letters
                .next()
                .is_some_and(|byte| byte.eq_ignore_ascii_case(letter))
        })
        .then_some(field)
}

/// Equals signs up to the end of the field.
fn parameters(value: &[u8]) -> usize {
    let ends = |at: &usize| !matches!(value.get(at + 1), Some(b' ' | b'\t'));
    let end = memchr::memchr_iter(b'\n', value)
        .find(ends)
        .unwrap_or(value.len());
    memchr::memchr_iter(b'=', &value[..end]).count()
}

fn is_leaf(value: &[u8]) -> bool {
    let value = value.trim_ascii_start();
    LEAVES.iter().any(|leaf| starts_with(value, leaf))
}

/// Anything that is not plainly a multipart of another kind may be, or hold, messages.
fn holds_messages(value: &[u8]) -> bool {
    let value = value.trim_ascii_start();
    let plain = [
        &b"multipart/mixed"[..],
        b"multipart/alternative",
        b"multipart/related",
        b"multipart/signed",
        b"multipart/report",
    ];
    !plain.iter().any(|kind| starts_with(value, kind)) && !starts_with(value, b"message/delivery-status")
}

fn starts_with(value: &[u8], start: &[u8]) -> bool {
    value
        .get(..start.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}
