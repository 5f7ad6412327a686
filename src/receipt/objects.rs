//! Reads the objects of the PDFs that we write: classic cross-reference tables, no object streams.
//!
//! The seal needs it to add to a rendered receipt, the proof to find what was sealed. It is strict on purpose:
//! what it does not know it refuses, and it never searches a file for words. It leaves out stream filters.

use std::collections::BTreeMap;

use thiserror::Error;

/// How deep values may nest.
const DEPTH_MAX: u32 = 32;
/// How many revisions (incremental updates) a file may have.
const REVISIONS_MAX: usize = 16;

/// Why a file cannot be read as one of our PDFs; offsets are bytes from its start.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ObjectsError {
    #[error("the file does not end with startxref, an offset and %%EOF")]
    End,
    #[error("the cross-reference table at byte {0} cannot be read")]
    Table(usize),
    #[error("the value at byte {0} cannot be read")]
    Value(usize),
    #[error("object {0} is missing")]
    Missing(u32),
    #[error("the entry /{0} is missing or is not what it should be")]
    Entry(&'static str),
}

/// A file with the places of its objects, newest revision first.
#[derive(Debug)]
pub struct Objects<'a> {
    data: &'a [u8],
    offsets: BTreeMap<u32, usize>,
    trailer: Dictionary<'a>,
    table_at: usize,
}

/// A dictionary: names without the slash, and their values as they stand in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dictionary<'a> {
    entries: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Objects<'a> {
    /// Reads the cross-reference tables.
    ///
    /// # Errors
    /// [`ObjectsError`] when the file is not of our form.
    pub fn read(data: &'a [u8]) -> Result<Self, ObjectsError> {
        let table_at = table_offset(data).ok_or(ObjectsError::End)?;
        let mut offsets = BTreeMap::new();
        let mut trailer = None;
        let mut next = Some(table_at);
        for _ in 0..REVISIONS_MAX {
            let Some(at) = next else { break };
            let dictionary = read_table(data, at, &mut offsets)?;
            next = dictionary
                .value(b"Prev")
                .map(|raw| integer(raw).ok_or(ObjectsError::Table(at)))
                .transpose()?;
            trailer.get_or_insert(dictionary);
        }
        let trailer = trailer.ok_or(ObjectsError::End)?;
        if next.is_some() {
            return Err(ObjectsError::Entry("Prev"));
        }
        Ok(Self {
            data,
            offsets,
            trailer,
            table_at,
        })
    }

    /// The newest trailer.
    pub fn trailer(&self) -> &Dictionary<'a> {
        &self.trailer
    }

    /// Offset of the newest cross-reference table, in bytes.
    pub fn table_at(&self) -> usize {
        self.table_at
    }

    /// The raw value of an object.
    ///
    /// # Errors
    /// [`ObjectsError`] when there is no such object or it cannot be read.
    pub fn value(&self, number: u32) -> Result<&'a [u8], ObjectsError> {
        let (start, end) = self.value_range(number)?;
        Ok(&self.data[start..end])
    }

    /// The dictionary that an object is.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn dictionary(&self, number: u32) -> Result<Dictionary<'a>, ObjectsError> {
        let (start, _) = self.value_range(number)?;
        Ok(Dictionary::read(self.data, start, 0)?.0)
    }

    /// The dictionary that an entry holds or refers to.
    ///
    /// # Errors
    /// [`ObjectsError::Entry`] when it is neither.
    pub fn follow(
        &self,
        parent: &Dictionary<'a>,
        name: &'static str,
    ) -> Result<Dictionary<'a>, ObjectsError> {
        let raw = parent.value(name.as_bytes()).ok_or(ObjectsError::Entry(name))?;
        match reference(raw) {
            Some(number) => self.dictionary(number),
            None => Ok(Dictionary::read(raw, 0, 0)?.0),
        }
    }

    /// The bytes of a stream without filters.
    ///
    /// # Errors
    /// [`ObjectsError`] when the object is not such a stream.
    pub fn stream(&self, number: u32) -> Result<&'a [u8], ObjectsError> {
        let (start, end) = self.value_range(number)?;
        let dictionary = Dictionary::read(self.data, start, 0)?.0;
        if dictionary.value(b"Filter").is_some() {
            return Err(ObjectsError::Entry("Filter"));
        }
        let length = dictionary
            .value(b"Length")
            .and_then(integer)
            .ok_or(ObjectsError::Entry("Length"))?;
        let keyword = b"\nstream\n";
        if self.data.get(end..end + keyword.len()) != Some(keyword.as_slice()) {
            return Err(ObjectsError::Value(end));
        }
        let from = end + keyword.len();
        let to = from.checked_add(length).ok_or(ObjectsError::Value(from))?;
        self.data.get(from..to).ok_or(ObjectsError::Value(from))
    }

    /// Where an object's value begins and ends.
    fn value_range(&self, number: u32) -> Result<(usize, usize), ObjectsError> {
        let at = *self.offsets.get(&number).ok_or(ObjectsError::Missing(number))?;
        let head = format!("{number} 0 obj");
        if self.data.get(at..at + head.len()) != Some(head.as_bytes()) {
            return Err(ObjectsError::Missing(number));
        }
        let start = skip_blanks(self.data, at + head.len());
        Ok((start, skip_value(self.data, start, 0)?))
    }

    /// Where a slice of this file stands in it, in bytes.
    pub fn position(&self, part: &[u8]) -> Option<usize> {
        let at = (part.as_ptr() as usize).checked_sub(self.data.as_ptr() as usize)?;
        (at + part.len() <= self.data.len()).then_some(at)
    }
}

impl<'a> Dictionary<'a> {
    /// The value of a name, as it stands in the file.
    pub fn value(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.entries
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }

    /// The object that an entry refers to.
    ///
    /// # Errors
    /// [`ObjectsError::Entry`] when it does not refer.
    pub fn reference(&self, name: &'static str) -> Result<u32, ObjectsError> {
        self.value(name.as_bytes())
            .and_then(reference)
            .ok_or(ObjectsError::Entry(name))
    }

    /// What stands between the brackets of an array entry.
    ///
    /// # Errors
    /// [`ObjectsError::Entry`] when it is not an array.
    pub fn array(&self, name: &'static str) -> Result<&'a [u8], ObjectsError> {
        let raw = self.value(name.as_bytes()).ok_or(ObjectsError::Entry(name))?;
        raw.strip_prefix(b"[")
            .and_then(|rest| rest.strip_suffix(b"]"))
            .ok_or(ObjectsError::Entry(name))
    }

    /// The entries in file order, with some replaced or added, written as PDF.
    pub fn with(&self, changes: &[(&str, String)]) -> Vec<u8> {
        let mut out = b"<<".to_vec();
        for (name, value) in &self.entries {
            if !changes.iter().any(|(changed, _)| changed.as_bytes() == *name) {
                out.push(b'/');
                out.extend_from_slice(name);
                out.push(b' ');
                out.extend_from_slice(value);
            }
        }
        for (name, value) in changes {
            out.extend_from_slice(format!("/{name} {value}").as_bytes());
        }
        out.extend_from_slice(b">>");
        out
    }

    fn read(data: &'a [u8], at: usize, depth: u32) -> Result<(Self, usize), ObjectsError> {
        if data.get(at..at + 2) != Some(b"<<") {
            return Err(ObjectsError::Value(at));
        }
        let mut entries: Vec<(&[u8], &[u8])> = Vec::new();
        let mut next = skip_blanks(data, at + 2);
        while data.get(next) == Some(&b'/') {
            let name_end = skip_regular(data, next + 1);
            let name = &data[next + 1..name_end];
            let value_at = skip_blanks(data, name_end);
            let value_end = skip_value(data, value_at, depth + 1)?;
            if entries.iter().any(|(known, _)| *known == name) {
                return Err(ObjectsError::Value(next));
            }
            entries.push((name, &data[value_at..value_end]));
            next = skip_blanks(data, value_end);
        }
        if data.get(next..next + 2) != Some(b">>") {
            return Err(ObjectsError::Value(next));
        }
        Ok((Self { entries }, next + 2))
    }
}

/// The object number in `12 0 R`.
pub fn reference(raw: &[u8]) -> Option<u32> {
    std::str::from_utf8(raw).ok()?.strip_suffix(" 0 R")?.parse().ok()
}

/// The object numbers in `12 0 R 13 0 R`; `None` when anything else stands there.
pub fn references(raw: &[u8]) -> Option<Vec<u32>> {
    let words: Vec<&str> = std::str::from_utf8(raw).ok()?.split_ascii_whitespace().collect();
    words
        .chunks(3)
        .map(|chunk| {
            if let [n, "0", "R"] = chunk {
                n.parse().ok()
            } else {
                None
            }
        })
        .collect()
}

/// A whole number that is not negative.
pub fn integer(raw: &[u8]) -> Option<usize> {
    std::str::from_utf8(raw).ok()?.parse().ok()
}

fn table_offset(data: &[u8]) -> Option<usize> {
    let end = data
        .strip_suffix(b"\n")
        .unwrap_or(data)
        .strip_suffix(b"\n%%EOF")?;
    let digits = end.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, number) = end.split_at(end.len() - digits);
    before
        .ends_with(b"startxref\n")
        .then(|| integer(number))
        .flatten()
}

/// Reads one table and its trailer; an object that a newer table named already keeps its place.
fn read_table<'a>(
    data: &'a [u8],
    at: usize,
    offsets: &mut BTreeMap<u32, usize>,
) -> Result<Dictionary<'a>, ObjectsError> {
    let broken = || ObjectsError::Table(at);
    let mut next = at;
    if data.get(at..).is_none_or(|rest| !rest.starts_with(b"xref\n")) {
        return Err(broken());
    }
    next += 5;
    while data.get(next).is_some_and(u8::is_ascii_digit) {
        let line_end = data[next..]
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or_else(broken)?
            + next;
        let line = std::str::from_utf8(&data[next..line_end]).map_err(|_| broken())?;
        let (first, count) = line.split_once(' ').ok_or_else(broken)?;
        let (first, count): (u32, u32) = (
            first.parse().map_err(|_| broken())?,
            count.parse().map_err(|_| broken())?,
        );
        next = line_end + 1;
        for index in 0..count {
            let entry = data.get(next..next + 20).ok_or_else(broken)?;
            let offset = integer(&entry[..10]).ok_or_else(broken)?;
            match &entry[10..] {
                b" 00000 n\r\n" | b" 00000 n \n" => {
                    offsets
                        .entry(first.checked_add(index).ok_or_else(broken)?)
                        .or_insert(offset);
                }
                b" 65535 f\r\n" | b" 65535 f \n" => {}
                _ => return Err(broken()),
            }
            next += 20;
        }
    }
    if data
        .get(next..)
        .is_none_or(|rest| !rest.starts_with(b"trailer\n"))
    {
        return Err(broken());
    }
    Ok(Dictionary::read(data, next + 8, 0)?.0)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn skip_blanks(data: &[u8], mut at: usize) -> usize {
    while data.get(at).copied().is_some_and(is_blank) {
        at += 1;
    }
    at
}

fn skip_regular(data: &[u8], mut at: usize) -> usize {
    while data
        .get(at)
        .is_some_and(|&byte| !is_blank(byte) && !b"()<>[]{}/%".contains(&byte))
    {
        at += 1;
    }
    at
}

/// The end of the value that begins at `at` (ISO 32000-1 §7.3).
fn skip_value(data: &[u8], at: usize, depth: u32) -> Result<usize, ObjectsError> {
    let broken = ObjectsError::Value(at);
    if depth > DEPTH_MAX {
        return Err(broken);
    }
    match data.get(at) {
        Some(b'<') if data.get(at + 1) == Some(&b'<') => Ok(Dictionary::read(data, at, depth)?.1),
        Some(b'<') => {
            let length = data[at..].iter().position(|&byte| byte == b'>').ok_or(broken)?;
            Ok(at + length + 1)
        }
        Some(b'[') => {
            let mut next = skip_blanks(data, at + 1);
            while data.get(next) != Some(&b']') {
                next = skip_blanks(data, skip_value(data, next, depth + 1)?);
            }
            Ok(next + 1)
        }
        Some(b'(') => skip_string(data, at).ok_or(broken),
        Some(b'/') => Ok(skip_regular(data, at + 1)),
        Some(_) => skip_word(data, at).ok_or(broken),
        None => Err(broken),
    }
}

fn skip_string(data: &[u8], at: usize) -> Option<usize> {
    let (mut open, mut next) = (0usize, at);
    loop {
        match data.get(next)? {
            b'\\' => next += 1,
            b'(' => open += 1,
            b')' => open -= 1,
            _ => {}
        }
        next += 1;
        if open == 0 {
            return Some(next);
        }
    }
}

/// A number, a keyword, or a reference of three words.
fn skip_word(data: &[u8], at: usize) -> Option<usize> {
    let end = skip_regular(data, at);
    let referring = data[at..end].iter().all(u8::is_ascii_digit) && data.get(end..end + 4) == Some(b" 0 R");
    if end == at {
        None
    } else if referring {
        Some(end + 4)
    } else {
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_where_they_should() {
        let cases: [&[u8]; 8] = [
            b"<</A(x\\)(y))/B[1 2 0 R<41>]/C/D>>",
            b"[[/A 1.5 true]<<>>]",
            b"12 0 R",
            b"12",
            b"/Name",
            b"(a(b)c)",
            b"<FEFF>",
            b"null",
        ];
        for value in cases {
            let followed = [value, b" /Next"].concat();
            assert_eq!(
                skip_value(&followed, 0, 0),
                Ok(value.len()),
                "{:?}",
                String::from_utf8_lossy(value)
            );
        }
    }

    #[test]
    fn hostile_values_are_refused() {
        let deep = b"[".repeat(100_000);
        let cases: [&[u8]; 6] = [&deep, b"<</A 1/A 2>>", b"(abc", b"<41", b"[1 2", b"<</A>>"];
        for value in cases {
            assert!(
                skip_value(value, 0, 0).is_err(),
                "{:?}",
                &value[..value.len().min(12)]
            );
        }
    }

    #[test]
    fn a_loop_of_revisions_ends() {
        let file = b"xref\n0 0\ntrailer\n<</Prev 0>>\nstartxref\n0\n%%EOF";
        assert_eq!(Objects::read(file).err(), Some(ObjectsError::Entry("Prev")));
    }
}
