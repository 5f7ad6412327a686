//! The ends of a PDF, read from its bytes alone: where the last cross-reference table should be, whether a
//! trailer is
//! there that names the catalog, what follows the last `%%EOF`. A forgiving parser hides these; a verdict
//! needs them.

use super::super::Code;

/// How much of a trailer dictionary is looked at, in bytes.
const TRAILER_BYTES_MAX: usize = 8 * 1024;

/// White space and a few stray bytes after `%%EOF` are nothing to tell.
const TRAILING_BYTES_MIN: usize = 16;

/// How many keywords are tried in the search for a trailer: a file with more false ones was made to waste
/// time.
const TRAILERS_TRIED_MAX: usize = 64;

/// What the ends of a PDF say.
pub(super) struct Outline {
    /// Why a viewer has to repair the file, if it has to.
    pub(super) repair: Option<String>,
    /// Number and generation of the catalog that the last trailer names, where one was read.
    pub(super) root: Option<(u32, i32)>,
    /// A trailer names an encryption dictionary.
    pub(super) is_encrypted: bool,
    /// How many bytes follow the last `%%EOF`, beyond white space.
    pub(super) trailing_bytes: usize,
}

impl Outline {
    /// Reads the ends; a file without any trailer is cut off or damaged.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, (Code, String)> {
        let end = rfind(bytes, b"%%EOF");
        let (repair, trailer) = match last_table(bytes) {
            Ok(trailer) => (None, trailer),
            Err(why) => match any_trailer(bytes) {
                Some(trailer) => (Some(why), trailer),
                None if end.is_none() => return Err((Code::PdfTruncated, format!("{why}; no trailer"))),
                None => return Err((Code::PdfDamaged, format!("{why}; no trailer"))),
            },
        };
        let behind = end.map_or(0, |end| bytes[end + 5..].trim_ascii().len());
        Ok(Self {
            repair,
            root: trailer.root,
            is_encrypted: trailer.is_encrypted,
            trailing_bytes: if behind < TRAILING_BYTES_MIN { 0 } else { behind },
        })
    }
}

struct Trailer {
    root: Option<(u32, i32)>,
    is_encrypted: bool,
}

/// The trailer of the table or stream that the last `startxref` points to (ISO 32000-1 §7.5.5).
fn last_table(bytes: &[u8]) -> Result<Trailer, String> {
    let keyword = rfind(bytes, b"startxref").ok_or("no startxref")?;
    let (offset, _) = number(&bytes[keyword + 9..]).ok_or("startxref without an offset")?;
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let table = bytes
        .get(offset..)
        .ok_or("startxref points beyond the end")?
        .trim_ascii_start();
    if table.starts_with(b"xref") {
        let trailer = find(table, b"trailer").ok_or("table without a trailer")?;
        return dictionary(&table[trailer + 7..]).ok_or_else(|| "trailer without a root".to_owned());
    }
    let object = number(table)
        .and_then(|(_, rest)| number(rest))
        .map(|(_, rest)| rest.trim_ascii_start());
    match object.and_then(|rest| rest.strip_prefix(b"obj")) {
        Some(rest) => dictionary(rest).ok_or_else(|| "cross-reference stream without a root".to_owned()),
        None => Err("no table where startxref points".to_owned()),
    }
}

/// The last trailer anywhere that names a catalog, or else the dictionary of a cross-reference stream.
fn any_trailer(bytes: &[u8]) -> Option<Trailer> {
    let mut before = bytes.len();
    for _ in 0..TRAILERS_TRIED_MAX {
        let Some(at) = rfind(&bytes[..before], b"trailer") else {
            break;
        };
        if let Some(trailer) = dictionary(&bytes[at + 7..]) {
            return Some(trailer);
        }
        before = at;
    }
    before = bytes.len();
    for _ in 0..TRAILERS_TRIED_MAX {
        let at = rfind(&bytes[..before], b"/XRef")?;
        let start = at.saturating_sub(TRAILER_BYTES_MAX);
        let object = rfind(&bytes[start..at], b"obj").map(|object| start + object + 3);
        if let Some(trailer) = object.and_then(|object| dictionary(&bytes[object..])) {
            return Some(trailer);
        }
        before = at;
    }
    None
}

/// What a trailer dictionary says, if it opens, closes and refers to a catalog.
fn dictionary(bytes: &[u8]) -> Option<Trailer> {
    let text = bytes.trim_ascii_start();
    let text = &text[..balanced(&text[..text.len().min(TRAILER_BYTES_MAX)])?];
    let (object, rest) = number(&text[find(text, b"/Root")? + 5..])?;
    let (generation, rest) = number(rest)?;
    rest.trim_ascii_start().strip_prefix(b"R")?;
    let root = u32::try_from(object).ok().zip(i32::try_from(generation).ok());
    Some(Trailer {
        root,
        is_encrypted: find(text, b"/Encrypt").is_some(),
    })
}

/// Where the dictionary that the bytes open with closes, with every bracket inside closed in its turn.
fn balanced(bytes: &[u8]) -> Option<usize> {
    let mut open = Vec::new();
    let mut at = 0;
    loop {
        let rest = bytes.get(at..)?;
        at += match rest {
            [b'<', b'<', ..] => {
                open.push(b'<');
                2
            }
            [b'>', b'>', ..] => {
                open.pop().filter(|bracket| *bracket == b'<')?;
                2
            }
            [b'[', ..] => {
                open.push(b'[');
                1
            }
            [b']', ..] => {
                open.pop().filter(|bracket| *bracket == b'[')?;
                1
            }
            [b'<', ..] => rest.iter().position(|byte| *byte == b'>')? + 1,
            [b'(', ..] => string_length(rest)?,
            [b'%', ..] => rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?,
            [_, ..] if !open.is_empty() => 1,
            [..] => return None,
        };
        if open.is_empty() {
            return Some(at);
        }
    }
}

/// Length of a string in parentheses, which may nest and be escaped (ISO 32000-1 §7.3.4.2).
fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(at),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// An unsigned number after white space, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let bytes = bytes.trim_ascii_start();
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = std::str::from_utf8(bytes.get(..digits)?).ok()?.parse().ok()?;
    Some((value, &bytes[digits..]))
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

fn rfind(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).rposition(|window| window == needle)
}
