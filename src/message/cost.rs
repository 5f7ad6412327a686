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
/// Bytes looked through for boundaries, at most; the parser takes about two seconds for so many.
pub const SEARCH_BYTES_MAX: usize = 2_000_000_000;
/// Pairs of parameters compared, at most.
const PAIRS_MAX: usize = 50_000_000;
/// Encoded bytes taken for messages, at most: so many, and so many for each byte of the mail. An honest mail has each of
/// its bytes decoded once or twice at each depth.
const DECODED_BYTES_MAX: usize = 256_000_000;
const DECODED_TIMES_MAX: usize = 16;

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

/// What one mail may cost, with all messages that are opened inside it.
pub(super) struct Budget {
    /// Bytes that may still be looked through.
    search: usize,
    /// Pairs that may still be compared.
    pairs: usize,
    /// Encoded bytes that may still be decoded.
    decode: usize,
}

impl Budget {
    /// The budget of a mail of so many bytes, as it was received.
    pub(super) fn of_mail(size_bytes: usize) -> Self {
        Self {
            search: SEARCH_BYTES_MAX,
            pairs: PAIRS_MAX,
            decode: size_bytes
                .saturating_mul(DECODED_TIMES_MAX)
                .min(DECODED_BYTES_MAX),
        }
    }

    /// Whether the parser may be given these bytes, which are paid for; false where they are built more intricately
    /// than what is left allows.
    pub(super) fn suffices(&mut self, bytes: &[u8]) -> bool {
        self.suffices_at(bytes, ENCODED_DEPTH_MAX)
    }

    fn suffices_at(&mut self, bytes: &[u8], depth: usize) -> bool {
        let mut messages = 0;
        let mut fold = Fold::default();
        let mut headers = Headers::default();
        for at in memchr::memchr_iter(b':', bytes) {
            let Some(field) = field_before(&bytes[..at]) else {
                continue;
            };
            let value = &bytes[at + 1..];
            headers.note(bytes, at, field);
            if field != Field::Encoding {
                let parameters = fold.parameters(bytes, at + 1);
                if !pay(&mut self.pairs, parameters.saturating_mul(parameters)) {
                    return false;
                }
            }
            if field == Field::Type && !is_leaf(value) {
                messages += usize::from(holds_messages(value));
                // A message has no boundary of its own.
                let looked_through = if starts_with(value.trim_ascii_start(), b"message/") {
                    0
                } else {
                    value.len()
                };
                if messages > MESSAGES_MAX || !pay(&mut self.search, looked_through) {
                    return false;
                }
            }
        }
        messages == 0 || depth == 0 || self.suffices_encoded(bytes, &headers.seen, depth - 1)
    }

    /// Looks into the encoded parts that are not plainly files. What is base64 ends before the next boundary, since a
    /// boundary is none. Quoted-printable may hold lines that look like one, and is the same wherever one begins to
    /// decode it: from the first such part on all is decoded, once.
    fn suffices_encoded(&mut self, bytes: &[u8], headers: &[Header], depth: usize) -> bool {
        let opened = || headers.iter().filter(|header| !header.is_file());
        let quoted = opened().find(|header| header.is_quoted).map(|header| header.end);
        if let Some(body) = quoted.and_then(|start| bytes.get(start..))
            && !self.suffices_decoded(body, quoted_printable_as_far_as_possible, depth)
        {
            return false;
        }
        let mut boundary = 0;
        for start in opened()
            .filter(|header| header.is_base64)
            .map(|header| header.end)
        {
            let body = bytes.get(start..).unwrap_or_default();
            if boundary < start {
                boundary = memchr::memmem::find(body, b"\n--").map_or(bytes.len(), |found| start + found);
            }
            let body = &body[..boundary - start.min(boundary)];
            if !self.suffices_decoded(body, base64_as_far_as_possible, depth) {
                return false;
            }
        }
        true
    }

    fn suffices_decoded(&mut self, body: &[u8], decode: fn(&[u8]) -> Vec<u8>, depth: usize) -> bool {
        pay(&mut self.decode, body.len()) && self.suffices_at(&decode(body), depth)
    }
}

/// Takes a price off what is left; false where it is more.
fn pay(left: &mut usize, price: usize) -> bool {
    let rest = left.checked_sub(price);
    *left = rest.unwrap_or_default();
    rest.is_some()
}

/// The end of the field that was looked at last, so that no byte is looked at for it twice, however many names stand
/// in one field.
#[derive(Default)]
struct Fold {
    start: usize,
    end: usize,
    /// Equals signs between them.
    parameters: usize,
}

impl Fold {
    /// Equals signs from `start` up to the end of the field. To be asked in the order of the places.
    fn parameters(&mut self, bytes: &[u8], start: usize) -> usize {
        let equals = |range: &[u8]| memchr::memchr_iter(b'=', range).count();
        if start <= self.end {
            self.parameters -= equals(&bytes[self.start..start]);
        } else {
            let value = &bytes[start..];
            let ends = |at: &usize| !matches!(value.get(at + 1), Some(b' ' | b'\t'));
            let end = memchr::memchr_iter(b'\n', value).find(ends);
            self.end = start + end.unwrap_or(value.len());
            self.parameters = equals(&bytes[start..self.end]);
        }
        self.start = start;
        self.parameters
    }
}

/// What stands between two blank lines and declares something.
struct Header {
    /// Where the body begins.
    end: usize,
    has_leaf: bool,
    has_other: bool,
    is_base64: bool,
    is_quoted: bool,
}

impl Header {
    /// Whether all that it says is that a file follows.
    fn is_file(&self) -> bool {
        self.has_leaf && !self.has_other
    }
}

#[derive(Default)]
struct Headers {
    seen: Vec<Header>,
}

impl Headers {
    /// To be told of the fields in the order of their places.
    fn note(&mut self, bytes: &[u8], at: usize, field: Field) {
        if self.seen.last().is_none_or(|last| last.end <= at) {
            self.seen.push(Header {
                end: after_blank_line(bytes, at),
                has_leaf: false,
                has_other: false,
                is_base64: false,
                is_quoted: false,
            });
        }
        let Some(header) = self.seen.last_mut() else {
            return;
        };
        let value = bytes[at + 1..].trim_ascii_start();
        match field {
            Field::Type => {
                let is_leaf = is_leaf(value);
                header.has_leaf |= is_leaf;
                header.has_other |= !is_leaf;
            }
            Field::Disposition => {}
            Field::Encoding => {
                header.is_base64 |= starts_with(value, b"base64");
                header.is_quoted |= starts_with(value, b"quoted-printable");
            }
        }
    }
}

/// Where the body begins that belongs to the header around `at`.
fn after_blank_line(bytes: &[u8], at: usize) -> usize {
    let after = &bytes[at..];
    memchr::memchr_iter(b'\n', after)
        .find_map(|end| {
            let next = &after[end + 1..];
            let blank = next
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\x0C'))
                .count();
            (next.get(blank) == Some(&b'\n')).then(|| at + end + blank + 2)
        })
        .unwrap_or(bytes.len())
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
