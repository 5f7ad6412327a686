//! Turns BER, as some signing programs write it (X.690 §8: indefinite lengths, strings in pieces), into the
//! definite
//! form that the DER reader understands. Bytes that signatures cover are kept as they are, since signers
//! write those
//! in DER already; sets are not sorted anew.

/// Deepest nesting that is followed; a CMS message with chains of certificates needs about fifteen.
const DEPTH_MAX: u8 = 48;

const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;

/// Why BER could not be read; offsets are left out because pieces are read on their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error("the data end inside an element")]
    Truncated,
    #[error("an element nests deeper than {DEPTH_MAX}")]
    TooDeep,
    #[error("an element has a form that is not used in CMS")]
    Unusual,
}

/// One element's head: its tag byte and how much of the input belongs to its content.
struct Head {
    tag: u8,
    length: Option<usize>,
    size: usize,
}

/// The length in bytes of the first element with its head, when it is definite; `None` when it is not.
pub(super) fn outer_length(input: &[u8]) -> Result<Option<usize>, Error> {
    let head = head(input)?;
    Ok(head.length.map(|length| length.saturating_add(head.size)))
}

/// The first element of the input with definite lengths, and how many bytes of the input it took.
pub(super) fn definite(input: &[u8]) -> Result<(Vec<u8>, usize), Error> {
    let mut out = Vec::with_capacity(input.len());
    let taken = element(input, DEPTH_MAX, &mut out)?;
    Ok((out, taken))
}

fn head(input: &[u8]) -> Result<Head, Error> {
    let (&tag, &first) = input.first().zip(input.get(1)).ok_or(Error::Truncated)?;
    if tag & 0x1f == 0x1f {
        return Err(Error::Unusual);
    }
    match first {
        0x80 => Ok(Head {
            tag,
            length: None,
            size: 2,
        }),
        0..0x80 => Ok(Head {
            tag,
            length: Some(usize::from(first)),
            size: 2,
        }),
        _ => {
            let count = usize::from(first & 0x7f);
            let octets = input.get(2..2 + count).ok_or(Error::Truncated)?;
            let length = octets.iter().try_fold(0_usize, |length, octet| {
                length.checked_mul(256).map(|length| length | usize::from(*octet))
            });
            Ok(Head {
                tag,
                length: Some(length.ok_or(Error::Unusual)?),
                size: 2 + count,
            })
        }
    }
}

/// Appends the element to `out` and returns how many bytes of the input it took.
fn element(input: &[u8], depth: u8, out: &mut Vec<u8>) -> Result<usize, Error> {
    let depth = depth.checked_sub(1).ok_or(Error::TooDeep)?;
    let head = head(input)?;
    let rest = &input[head.size..];
    if head.tag & CONSTRUCTED == 0 {
        let length = head.length.ok_or(Error::Unusual)?;
        write(head.tag, rest.get(..length).ok_or(Error::Truncated)?, out);
        return Ok(head.size + length);
    }
    let is_string_in_pieces = head.tag == OCTET_STRING | CONSTRUCTED;
    let mut content = Vec::new();
    let mut at = 0;
    let end = loop {
        match head.length {
            Some(length) if at == length => break length,
            Some(length) if at > length => return Err(Error::Unusual),
            None if rest.get(at..).is_some_and(|rest| rest.starts_with(&[0, 0])) => break at + 2,
            Some(_) | None => {}
        }
        let within = &rest[at..head.length.map_or(rest.len(), |length| length.min(rest.len()))];
        at += match is_string_in_pieces {
            true => piece(within, depth, &mut content)?,
            false => element(within, depth, &mut content)?,
        };
    };
    write(
        if is_string_in_pieces {
            OCTET_STRING
        } else {
            head.tag
        },
        &content,
        out,
    );
    Ok(head.size + end)
}

/// Appends the content of one piece of a string, which may itself be in pieces.
fn piece(input: &[u8], depth: u8, content: &mut Vec<u8>) -> Result<usize, Error> {
    let mut whole = Vec::new();
    let taken = element(input, depth, &mut whole)?;
    let head = head(&whole)?;
    if head.tag != OCTET_STRING {
        return Err(Error::Unusual);
    }
    content.extend_from_slice(&whole[head.size..]);
    Ok(taken)
}

fn write(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    let length = content.len();
    match u8::try_from(length) {
        Ok(short @ 0..0x80) => out.push(short),
        Ok(_) | Err(_) => {
            let octets = length.to_be_bytes();
            let zeros = octets.iter().take_while(|octet| **octet == 0).count();
            let octets = &octets[zeros..];
            out.push(0x80 | u8::try_from(octets.len()).expect("a usize has at most eight octets"));
            out.extend_from_slice(octets);
        }
    }
    out.extend_from_slice(content);
}
