//! The parameters of `Content-Type` and `Content-Disposition` (RFC 2045 §5.1, RFC 2231), as programs really write
//! them: without quotes or with one too few, pieces out of order or missing, encoded words and raw bytes inside.

use super::{letters, words};

/// So much of a header field is looked at, in bytes.
const FIELD_MAX: usize = 65_536;
/// So many parameters are read; what follows is nobody's file name.
const PIECES_MAX: usize = 1_000;
/// How far the end of a quoted value is looked for, in bytes, so that the time stays in proportion.
const VALUE_MAX: usize = 8_192;

/// One parameter as it stands: `name`, `name*`, `name*3` or `name*3*`.
struct Piece {
    name: String,
    index: Option<u32>,
    /// Whether the name ends with an asterisk: the value is percent-encoded.
    is_extended: bool,
    value: Vec<u8>,
}

/// The parameters of one header field.
pub(super) struct Parameters {
    pieces: Vec<Piece>,
}

impl Parameters {
    /// Reads a field's body, beginning with its media type or disposition.
    pub(super) fn of(field: &[u8]) -> Self {
        let mut rest = &field[..field.len().min(FIELD_MAX)];
        let mut pieces = Vec::new();
        rest = after_semicolon(rest);
        while !rest.is_empty() && pieces.len() < PIECES_MAX {
            let name_end = memchr::memchr2(b'=', b';', rest).unwrap_or(rest.len());
            let name = &rest[..name_end];
            if rest.get(name_end) != Some(&b'=') {
                rest = rest.get(name_end + 1..).unwrap_or_default();
                continue;
            }
            let (value, after) = value(rest[name_end + 1..].trim_ascii_start());
            pieces.push(piece(name, value));
            rest = after;
        }
        Self { pieces }
    }

    /// The value as it was meant. What RFC 2231 encodes comes first, unless only the plain one can be read.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let extended = self.extended(name).or_else(|| self.continued(name));
        let plain = || self.plain(name);
        match extended {
            Some(text) if text.contains('\u{FFFD}') => {
                plain().filter(|plain| !plain.contains('\u{FFFD}')).or(Some(text))
            }
            Some(text) => Some(text),
            None => plain(),
        }
        .filter(|text| !text.trim().is_empty())
    }

    fn extended(&self, name: &str) -> Option<String> {
        let whole = |piece: &&Piece| piece.name == name && piece.index.is_none() && piece.is_extended;
        self.pieces.iter().find(whole).map(|piece| {
            let (charset, bytes) = charset_and_bytes(&piece.value);
            with_words(letters::by_label(&bytes, charset))
        })
    }

    /// The pieces in the order of their numbers, each once, whatever is missing between.
    fn continued(&self, name: &str) -> Option<String> {
        let mut pieces: Vec<(u32, &Piece)> = self
            .pieces
            .iter()
            .filter(|piece| piece.name == name)
            .filter_map(|piece| Some((piece.index?, piece)))
            .collect();
        pieces.sort_by_key(|(index, _)| *index);
        pieces.dedup_by_key(|(index, _)| *index);
        let (mut charset, mut bytes) = ("", Vec::new());
        for (place, (_, piece)) in pieces.iter().enumerate() {
            if !piece.is_extended {
                bytes.extend_from_slice(&piece.value);
            } else if place == 0 {
                let (named, first) = charset_and_bytes(&piece.value);
                charset = named;
                bytes = first;
            } else {
                bytes.extend(percent_decoded(&piece.value));
            }
        }
        (!pieces.is_empty()).then(|| with_words(letters::by_label(&bytes, charset)))
    }

    fn plain(&self, name: &str) -> Option<String> {
        let plain = |piece: &&Piece| piece.name == name && piece.index.is_none() && !piece.is_extended;
        let value = &self.pieces.iter().find(plain)?.value;
        let begins_extended = value
            .get(..7)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"utf-8''"));
        if begins_extended {
            return Some(letters::guessed(&percent_decoded(&value[7..])));
        }
        Some(with_words(letters::guessed(value)))
    }
}

/// Encoded words, which RFC 2047 §5 forbids in a parameter and everybody puts there.
fn with_words(text: String) -> String {
    match text.contains("=?") {
        true => words::decoded(&text),
        false => text,
    }
}

fn after_semicolon(field: &[u8]) -> &[u8] {
    // A field that begins with a parameter has forgotten its type.
    let end = memchr::memchr2(b';', b'=', field);
    match end {
        Some(at) if field[at] == b';' => &field[at + 1..],
        Some(_) => field,
        None => &[],
    }
}

fn piece(name: &[u8], value: Vec<u8>) -> Piece {
    let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
    let (name, is_extended) = match name.strip_suffix('*') {
        Some(name) => (name.to_owned(), true),
        None => (name, false),
    };
    let numbered = name
        .rsplit_once('*')
        .and_then(|(base, digits)| Some((base.trim().to_owned(), digits.parse().ok()?)));
    match numbered {
        Some((base, index)) => Piece {
            name: base,
            index: Some(index),
            is_extended,
            value,
        },
        None => Piece {
            name,
            index: None,
            is_extended,
            value,
        },
    }
}

/// The value that begins here, and what follows behind its semicolon.
fn value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    if let Some(quoted) = text.strip_prefix(b"\"")
        && let Some(end) = closing_quote(quoted)
    {
        let after = &quoted[end + 1..];
        let next = memchr::memchr2(b';', b'=', after);
        let rest = match next {
            Some(at) if after[at] == b';' => &after[at + 1..],
            // The semicolon is forgotten, and the next parameter follows all the same.
            Some(_) => after,
            None => &[],
        };
        return (unescaped(&quoted[..end]), rest);
    }
    let end = unquoted_end(text);
    let value = unfolded(text[..end].trim_ascii());
    let value = value.strip_prefix(b"\"").map_or(value.clone(), <[u8]>::to_vec);
    (value, text.get(end + 1..).unwrap_or_default())
}

/// The quote that ends a value: the first behind which nothing, a semicolon, a comment or a parameter comes; where
/// there is none, the first at all.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut first = None;
    let mut at = 0;
    let reach = &text[..text.len().min(VALUE_MAX)];
    while let Some(&byte) = reach.get(at) {
        match byte {
            b'\\' if matches!(reach.get(at + 1), Some(b'"' | b'\\')) && !ends_value(reach.get(at + 2..)) => {
                at += 1;
            }
            b'"' => {
                first = first.or(Some(at));
                if ends_value(text.get(at + 1..)) {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    first
}

fn ends_value(after: Option<&[u8]>) -> bool {
    let after = after.unwrap_or_default().trim_ascii_start();
    match after.first() {
        None | Some(b';' | b'(') => true,
        Some(_) => {
            let word = after
                .iter()
                .take(24)
                .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'*'));
            let length = word.count();
            length > 0 && after.get(length) == Some(&b'=')
        }
    }
}

/// Where a value without quotes ends: at the semicolon, which does not count inside an encoded word.
fn unquoted_end(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b';', b'=', &text[at..]) {
        let here = at + found;
        if text[here] == b';' {
            return here;
        }
        let is_word = text.get(here + 1) == Some(&b'?');
        let reach = &text[here..text.len().min(here + 400)];
        let end = is_word
            .then(|| reach.windows(2).skip(2).position(|pair| pair == b"?="))
            .flatten();
        at = end.map_or(here + 1, |end| here + end + 4);
    }
    text.len()
}

/// Takes off the folding, and the backslash before a quote or another backslash; any other stands in a path.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\r' | b'\n', _) => {}
            (b'\\', Some(&next @ (b'"' | b'\\'))) => {
                bytes.next();
                out.push(next);
            }
            _ => out.push(byte),
        }
    }
    out
}

fn unfolded(text: &[u8]) -> Vec<u8> {
    text.iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect()
}

/// Takes `charset'language'` off the front of an extended value (RFC 2231 §4), where it is.
fn charset_and_bytes(value: &[u8]) -> (&str, Vec<u8>) {
    let mut fields = value.splitn(3, |byte| *byte == b'\'');
    match (fields.next(), fields.next(), fields.next()) {
        (Some(charset), Some(_), Some(text)) => (
            std::str::from_utf8(charset).unwrap_or_default(),
            percent_decoded(text),
        ),
        _ => ("", percent_decoded(value)),
    }
}

fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(value.len());
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        at += 1;
        match (byte, hex(value.get(at)), hex(value.get(at + 1))) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 2;
            }
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_read(cases: &[(&[u8], &str)]) {
        for (field, meant) in cases {
            let text = Parameters::of(field).text("filename");
            assert_eq!(text.as_deref(), Some(*meant), "{}", field.escape_ascii());
        }
    }

    #[test]
    fn plain_values_are_read_in_the_forms_that_people_send() {
        assert_read(&[
            (b"attachment; filename=cerere.pdf", "cerere.pdf"),
            (
                b"attachment; filename=cerere pentru \xBAomaj (1).pdf; size=3",
                "cerere pentru şomaj (1).pdf",
            ),
            (b"attachment; FileName = \"a;b.pdf\" ; x=y", "a;b.pdf"),
            (b"attachment; filename=\"neterminat.pdf", "neterminat.pdf"),
            (
                b"attachment; filename=\"cererea \"mea\".pdf\"; size=1",
                "cererea \"mea\".pdf",
            ),
            (b"attachment; filename=\"a.pdf\" name=\"b.pdf\"", "a.pdf"),
            (
                b"attachment; filename=\"a \\\"b\\\" \\\\c.pdf\"",
                "a \"b\" \\c.pdf",
            ),
            (
                b"attachment; filename=\"C:\\acte\\cerere.pdf\"",
                "C:\\acte\\cerere.pdf",
            ),
            (b"attachment; filename=\"C:\\acte\\\"; size=1", "C:\\acte\\"),
            (b"filename=fara-tip.pdf", "fara-tip.pdf"),
        ]);
    }

    #[test]
    fn extended_values_are_read_in_the_forms_that_people_send() {
        assert_read(&[
            (
                b"attachment; filename*=UTF-8'ro'%C8%99i.pdf; filename=si.pdf",
                "și.pdf",
            ),
            (
                b"attachment; filename=si.pdf; filename*=UTF-8''%C8%99i.pdf",
                "și.pdf",
            ),
            (
                b"attachment; filename=si.pdf; filename*=x-y''%FE%FF%D8%00",
                "si.pdf",
            ),
            (b"attachment; filename*=iso-8859-2''%BAi.pdf", "şi.pdf"),
            (b"attachment; filename*=%C8%99i.pdf", "și.pdf"),
            (b"attachment; filename*=\"UTF-8''%C8%99i.pdf\"", "și.pdf"),
            (b"attachment; filename=\"UTF-8''%C8%99i.pdf\"", "și.pdf"),
            (
                b"attachment; filename*1*=%99i; filename*0*=UTF-8''%C8; filename*2=.pdf",
                "și.pdf",
            ),
            (
                b"attachment; filename*0=\"a\"; filename*2=\"c\"; filename*7*=%64",
                "acd",
            ),
            (
                b"attachment; filename*0=\"a\"; filename*0=\"x\"; filename*1=\"b\"",
                "ab",
            ),
            (b"attachment; filename*1*=%99i.pdf", "\u{2122}i.pdf"),
            (
                b"attachment; filename==?utf-8?Q?a;b_=C8=99.pdf?=; x=1",
                "a;b ș.pdf",
            ),
            (b"attachment; filename*=UTF-8''=?utf-8?Q?=C8=99.pdf?=", "ș.pdf"),
            (
                b"attachment;\r\n\tfilename=\"lung\r\n nume.pdf\"",
                "lung nume.pdf",
            ),
            (b"attachment; filename=50%20%.pdf", "50%20%.pdf"),
        ]);
        for none in [
            &b""[..],
            b"attachment",
            b"attachment; filename",
            b"attachment; filename=\"\"",
            b"; = ;;",
        ] {
            assert_eq!(
                Parameters::of(none).text("filename"),
                None,
                "{}",
                none.escape_ascii()
            );
        }
    }
}
