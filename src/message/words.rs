//! Encoded words (RFC 2047), also where they stand and as they look against the rules: in parameters and in quotes,
//! a letter split between two of them, spaces inside, the end missing, encoded twice, in no known charset.

use super::letters;

/// The longest name of a charset that is looked for, in bytes; no registered one is longer.
const CHARSET_MAX: usize = 45;

/// The text with its encoded words decoded; white space between two of them belongs to neither (§6.2).
pub(super) fn decoded(text: &str) -> String {
    let once = one_pass(text);
    // Some programs encode what is encoded already.
    if once.contains("=?") && once != text {
        return one_pass(&once);
    }
    once
}

fn one_pass(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run: Option<Run> = None;
    let mut rest = text;
    while let Some(at) = rest.find("=?") {
        let (before, from) = rest.split_at(at);
        let Some(word) = Word::at(from) else {
            flush(run.take(), &mut out);
            out.push_str(before);
            out.push_str("=?");
            rest = &from[2..];
            continue;
        };
        let goes_on = before.trim().is_empty()
            && run
                .as_ref()
                .is_some_and(|run| run.charset.eq_ignore_ascii_case(word.charset))
            && !letters::has_state(word.charset);
        if !goes_on {
            let follows_word = run.is_some();
            flush(run.take(), &mut out);
            if !(follows_word && before.trim().is_empty()) {
                out.push_str(before);
            }
        }
        run.get_or_insert_with(|| Run::new(word.charset)).add(&word);
        rest = &from[word.length..];
    }
    flush(run, &mut out);
    out.push_str(rest);
    out
}

fn flush(run: Option<Run>, out: &mut String) {
    if let Some(run) = run {
        out.push_str(&run.text());
    }
}

/// A field of addresses with its encoded words as quoted strings, so that no letter in them can pass for a mark of the
/// field.
pub(super) fn quoted_in_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_quoted = false;
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\\', '=']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (length, is_closed) = run_length(from);
        if length > 0 && !is_closed {
            // Without its end a word would swallow the addresses behind it.
            out.push_str(&from[..length]);
            rest = &from[length..];
            continue;
        }
        if length > 0 {
            let escaped = decoded(&from[..length])
                .replace('\\', "\\\\")
                .replace('"', "\\\"");
            match is_quoted {
                true => out.push_str(&escaped),
                false => out.push_str(&format!("\"{escaped}\"")),
            }
            rest = &from[length..];
            continue;
        }
        let mut letters = from.chars();
        let mark = letters.next().unwrap_or_default();
        out.push(mark);
        is_quoted ^= mark == '"';
        if mark == '\\' {
            out.extend(letters.next());
        }
        rest = letters.as_str();
    }
    out.push_str(rest);
    out
}

/// The length of the encoded words that stand one after the other from here, and whether the last of them has an end.
fn run_length(text: &str) -> (usize, bool) {
    let (mut length, mut is_closed) = (0, true);
    let mut rest = text;
    while let Some(word) = Word::at(rest).filter(|word| word.is_closed || length == 0) {
        length = text.len() - rest.len() + word.length;
        is_closed = word.is_closed;
        if !is_closed {
            break;
        }
        rest = text[length..].trim_start();
    }
    (length, is_closed)
}

/// One encoded word as it stands.
struct Word<'a> {
    charset: &'a str,
    is_base64: bool,
    data: &'a str,
    is_closed: bool,
    /// Of the whole word with its marks, in bytes.
    length: usize,
}

impl<'a> Word<'a> {
    /// The word that begins here; a word without an end is read up to the next one or to the end of the text.
    fn at(text: &'a str) -> Option<Self> {
        let inner = text.strip_prefix("=?")?;
        let charset_end = inner.bytes().take(CHARSET_MAX).position(|byte| byte == b'?')?;
        let charset = inner[..charset_end].split('*').next().unwrap_or_default();
        let proper = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'=' | b'<' | b'>' | b'"');
        if charset.is_empty() || !charset.bytes().all(proper) {
            return None;
        }
        let is_base64 = match inner.as_bytes().get(charset_end + 1..charset_end + 3)? {
            b"B?" | b"b?" => true,
            b"Q?" | b"q?" => false,
            _ => return None,
        };
        let start = charset_end + 3;
        let data = inner.get(start..)?;
        let (end, mark) = end_of(data.as_bytes());
        Some(Self {
            charset,
            is_base64,
            data: data.get(..end)?,
            is_closed: mark > 0,
            length: 2 + start + end + mark,
        })
    }
}

/// Where the data of a word end, and how long the mark is that ends them. All ends are ASCII, so no letter is split.
fn end_of(data: &[u8]) -> (usize, usize) {
    for at in memchr::memchr2_iter(b'?', b'=', data) {
        let next = data.get(at + 1);
        match data[at] {
            b'?' if next == Some(&b'=') => return (at, 2),
            b'=' if next == Some(&b'?') && at > 0 && data[at - 1].is_ascii_whitespace() => {
                return (at - 1, 0);
            }
            _ => {}
        }
    }
    let blank = data
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    (data.len() - blank, 0)
}

/// Neighbouring words of one charset, whose bytes are joined before they become letters.
struct Run {
    charset: String,
    /// What is letters already.
    text: String,
    bytes: Vec<u8>,
    /// Base64 of which no whole groups were given yet: some programs cut it where the line was full.
    group: Vec<u8>,
}

impl Run {
    fn new(charset: &str) -> Self {
        Self {
            charset: charset.to_owned(),
            text: String::new(),
            bytes: Vec::new(),
            group: Vec::new(),
        }
    }

    fn add(&mut self, word: &Word<'_>) {
        if !word.is_base64 {
            self.close_group();
            self.quoted(word.data);
            return;
        }
        let letters = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        self.group.extend(word.data.bytes().filter(letters));
        if word.data.contains('=') || self.group.len().is_multiple_of(4) {
            self.close_group();
        }
    }

    fn close_group(&mut self) {
        if !self.group.is_empty() {
            self.bytes.extend(letters::base64_as_far_as_possible(&self.group));
            self.group.clear();
        }
    }

    /// What was left unencoded though it is no ASCII was read as letters before, and stays as it is.
    fn quoted(&mut self, data: &str) {
        let mut rest = data;
        while let Some(at) = rest.find(|letter: char| !letter.is_ascii()) {
            quoted(&rest.as_bytes()[..at], &mut self.bytes);
            self.close_bytes();
            let end = rest[at..]
                .find(|letter: char| letter.is_ascii())
                .map_or(rest.len(), |end| at + end);
            self.text.push_str(&rest[at..end]);
            rest = &rest[end..];
        }
        quoted(rest.as_bytes(), &mut self.bytes);
    }

    fn close_bytes(&mut self) {
        self.text.push_str(&letters::by_label(&self.bytes, &self.charset));
        self.bytes.clear();
    }

    fn text(mut self) -> String {
        self.close_group();
        self.close_bytes();
        self.text
    }
}

/// The Q encoding (§4.2); an equals sign that begins no number stands for itself, a line end for nothing.
fn quoted(data: &[u8], out: &mut Vec<u8>) {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut at = 0;
    while let Some(&byte) = data.get(at) {
        at += 1;
        match byte {
            b'_' => out.push(b' '),
            b'\r' | b'\n' => {}
            b'=' => match (hex(data.get(at)), hex(data.get(at + 1))) {
                (Some(high), Some(low)) => {
                    out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                    at += 2;
                }
                _ => out.push(byte),
            },
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_among_addresses_cannot_pass_for_marks() {
        let cases = [
            (
                "=?utf-8?Q?=22A=22_<x@y>,?= <a@b.test>",
                "\"\\\"A\\\" <x@y>,\" <a@b.test>",
            ),
            (
                "\"=?utf-8?Q?=C8?= =?utf-8?Q?=99?=\" <a@b.test>",
                "\"ș\" <a@b.test>",
            ),
            ("\"a\\\"=?utf-8?Q?b?=\" <a@b.test>", "\"a\\\"b\" <a@b.test>"),
            ("=?utf-8?Q?Ana <a@b.test>", "=?utf-8?Q?Ana <a@b.test>"),
            ("x=y <a@b.test>", "x=y <a@b.test>"),
        ];
        for (raw, mended) in cases {
            assert_eq!(quoted_in_addresses(raw), mended, "{raw}");
        }
    }

    #[test]
    fn words_are_read_in_the_forms_that_people_send() {
        let cases = [
            ("Adeverin=?utf-8?Q?=C8=9B=C4=83?= nou", "Adeverință nou"),
            ("=?utf-8?Q?=C8?= =?utf-8?Q?=9Bar=C4=83?=", "țară"),
            ("=?UTF-8?B?yA==?=\r\n =?utf-8?b?mQ==?=", "ș"),
            ("=?UTF-8?B?YWRldmVya?= =?UTF-8?B?W7Im8SD?=", "adeverință"),
            ("=?utf-8?B?YQ=?= =?iso-8859-2?Q?=BA?=", "aş"),
            ("=?utf-8*ro?Q?a_b?=", "a b"),
            ("=?x-nimic?Q?=BAomaj?= =?x-nimic?Q?=C8=99?=", "şomajČ™"),
            ("=?us-ascii?Q?=C8=99?=", "ș"),
            ("=?utf-8?Q?o cerere cu spa=C8=9Bii?=", "o cerere cu spații"),
            ("=?utf-8?Q?neterminat=C4=83", "neterminată"),
            ("=?utf-8?Q?una =?utf-8?Q?alta?=", "unaalta"),
            ("=?utf-8?Q?=3D=3Futf-8=3FQ=3F=C8=99=3F=3D?=", "ș"),
            ("a =?b c?= d ?= =?", "a =?b c?= d ?= =?"),
            ("=?utf-8?Z?abc?=", "=?utf-8?Z?abc?="),
            ("=?utf-8?Q?1=2?= 3", "1=2 3"),
            ("=?utf-7?Q?+Ahk-omaj?=", "șomaj"),
            ("=?iso-8859-2?Q?Frösche_=BA?=", "Frösche ş"),
            (
                "=?ISO-2022-JP?B?GyRCJUYbKEI=?= =?ISO-2022-JP?B?GyRCJTkbKEI=?=",
                "テス",
            ),
            ("=?utf-8?B?w4PDrg==?=", "Ãî"),
            ("=?utf-16?B?/v8BAg==?=", "Ă"),
        ];
        for (raw, meant) in cases {
            assert_eq!(decoded(raw), meant, "{raw}");
        }
    }
}
