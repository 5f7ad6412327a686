//! Reads a TOML file section by section, and gathers every problem instead of stopping at the first.
//!
//! serde would tell only the first unknown key or wrong type; an operator wants all of them at once, each with its
//! line. So the file is walked as a tree with positions, and each key is asked for by name.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use crate::calendar::hours::ZONE;

/// One thing wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// Where in the file: `source[2].host`. Empty where the file as a whole is meant.
    pub key: String,
    /// What stands there, as text; passwords never do.
    pub value: Option<String>,
    pub why: String,
    /// What to do.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file.display(), self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}", self.key)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
            write!(f, ": ")?;
        }
        write!(f, "{}\n    {}", self.why, self.hint)
    }
}

/// A file being read, with what was found wrong so far.
pub(super) struct Page<'a> {
    pub file: &'a Path,
    pub text: &'a str,
    pub problems: RefCell<Vec<Problem>>,
}

impl<'a> Page<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self {
            file,
            text,
            problems: RefCell::new(Vec::new()),
        }
    }

    /// Parses the file; syntax errors become problems, and what could be read is read on.
    pub(super) fn parse(&self) -> Spanned<DeTable<'a>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let offset = error.span().map_or(0, |span| span.start);
            self.add(
                offset,
                "",
                None,
                format!("this is no valid TOML: {}", error.message()),
                "see https://toml.io/en/v1.0.0 for the syntax",
            );
        }
        table
    }

    pub(super) fn add(
        &self,
        offset: usize,
        key: &str,
        value: Option<String>,
        why: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let line = self.text.get(..offset).unwrap_or(self.text).matches('\n').count() + 1;
        self.problems.borrow_mut().push(Problem {
            file: self.file.to_owned(),
            line,
            key: key.to_owned(),
            value,
            why: why.into(),
            hint: hint.into(),
        });
    }
}

/// One table of the file.
pub(super) struct Section<'p, 'a> {
    page: &'p Page<'a>,
    path: String,
    table: &'p DeTable<'a>,
    offset: usize,
    asked: RefCell<BTreeSet<String>>,
}

impl<'p, 'a> Section<'p, 'a> {
    pub(super) fn root(page: &'p Page<'a>, table: &'p Spanned<DeTable<'a>>) -> Self {
        Self {
            page,
            path: String::new(),
            table: table.get_ref(),
            offset: 0,
            asked: RefCell::default(),
        }
    }

    fn key_path(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn find(&self, key: &str) -> Option<&'p Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map(|(_, value)| value)
    }

    /// A problem with the value of `key`, or with its absence.
    pub(super) fn wrong(&self, key: &str, why: impl Into<String>, hint: impl Into<String>) {
        let value = self.find(key);
        let offset = value.map_or(self.offset, |value| value.span().start);
        let shown = value.map(|value| {
            self.page
                .text
                .get(value.span())
                .unwrap_or_default()
                .trim()
                .to_owned()
        });
        self.page.add(
            offset,
            &self.key_path(key),
            shown.filter(|shown| !shown.contains('\n')),
            why,
            hint,
        );
    }

    /// As [`Section::wrong`], for what must not be repeated anywhere: a password that stands in the file itself.
    pub(super) fn wrong_unshown(&self, key: &str, why: impl Into<String>, hint: impl Into<String>) {
        let offset = self.find(key).map_or(self.offset, |value| value.span().start);
        self.page.add(offset, &self.key_path(key), None, why, hint);
    }

    fn wrong_kind(&self, key: &str, wanted: &str) {
        let kind = self
            .find(key)
            .map_or("nothing", |value| value.get_ref().type_str());
        let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
        self.wrong(
            key,
            format!("this is {article} {kind}, not {wanted}"),
            format!("write {wanted}"),
        );
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// A text that must be there and not be empty.
    pub(super) fn text(&self, key: &str, hint: &str) -> Option<String> {
        match self.find(key) {
            None => {
                self.wrong(key, "this key is missing", hint);
                None
            }
            Some(_) => self.text_opt(key).filter(|text| {
                let empty = text.trim().is_empty();
                if empty {
                    self.wrong(key, "this is empty", hint);
                }
                !empty
            }),
        }
    }

    /// A text that may be left out.
    pub(super) fn text_opt(&self, key: &str) -> Option<String> {
        let found = self.find(key)?.get_ref().as_str().map(str::to_owned);
        if found.is_none() {
            self.wrong_kind(key, "a text in quotes");
        }
        found
    }

    /// A whole number within bounds; `default` where it is left out.
    pub(super) fn integer(&self, key: &str, default: u64, bounds: RangeInclusive<u64>) -> u64 {
        let Some(found) = self.find(key) else {
            return default;
        };
        let Some(integer) = found.get_ref().as_integer() else {
            self.wrong_kind(key, "a whole number");
            return default;
        };
        let value = u64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok();
        match value.filter(|value| bounds.contains(value)) {
            Some(value) => value,
            None => {
                let hint = format!("write a whole number from {} to {}", bounds.start(), bounds.end());
                self.wrong(key, "this number is out of bounds", hint);
                default
            }
        }
    }

    /// A day, or a day with its hour, without quotes; in the legal time of Romania unless it says another offset.
    pub(super) fn moment(&self, key: &str) -> Option<Timestamp> {
        const WANTED: &str =
            "a date without quotes (2026-12-01), with an hour where needed (2026-12-01T08:00:00)";
        let found = self.find(key)?;
        let DeValue::Datetime(written) = found.get_ref() else {
            self.wrong_kind(key, WANTED);
            return None;
        };
        let at = instant_of(written);
        if at.is_none() {
            self.wrong(key, "an hour alone is no date", format!("write {WANTED}"));
        }
        at
    }

    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        let Some(found) = self.find(key) else {
            return default;
        };
        found.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong_kind(key, "true or false");
            default
        })
    }

    /// A list of texts; empty where it is left out.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let Some(found) = self.find(key) else {
            return Vec::new();
        };
        let texts = found.get_ref().as_array().map(|array| {
            array
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        });
        texts.flatten().unwrap_or_else(|| {
            self.wrong_kind(key, "a list of texts, [\"…\", \"…\"]");
            Vec::new()
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, key: &str, default: Option<T>, words: &[(&str, T)]) -> Option<T> {
        let all = words
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect::<Vec<_>>()
            .join(" or ");
        if !self.has(key) {
            if default.is_none() {
                self.wrong(key, "this key is missing", format!("write {all}"));
            }
            return default;
        }
        let text = self.text_opt(key)?;
        let found = words
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, value)| *value);
        if found.is_none() {
            self.wrong(key, "this word is not known here", format!("write {all}"));
        }
        found.or(default)
    }

    /// A text that something parses.
    pub(super) fn parsed<T: FromStr>(&self, key: &str, hint: &str) -> Option<T>
    where
        T::Err: fmt::Display,
    {
        match self.text(key, hint)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(key, error.to_string(), hint);
                None
            }
        }
    }

    /// A path; relative ones start at the folder of the file itself.
    pub(super) fn path(&self, key: &str, hint: &str) -> Option<PathBuf> {
        self.text(key, hint).map(|text| self.beside_file(&text))
    }

    pub(super) fn path_opt(&self, key: &str) -> Option<PathBuf> {
        let text = self.text_opt(key)?;
        if text.trim().is_empty() {
            self.wrong(key, "this is empty", "write a path, or remove the key");
            return None;
        }
        Some(self.beside_file(&text))
    }

    fn beside_file(&self, text: &str) -> PathBuf {
        self.page.file.parent().unwrap_or(Path::new("")).join(text)
    }

    /// A table inside this one.
    pub(super) fn section(&self, key: &str) -> Option<Section<'p, 'a>> {
        let found = self.find(key)?;
        let Some(table) = found.get_ref().as_table() else {
            self.wrong_kind(key, "a table");
            return None;
        };
        Some(self.inner(self.key_path(key), table, found.span().start))
    }

    /// A table that must be there.
    pub(super) fn section_needed(&self, key: &str, hint: &str) -> Option<Section<'p, 'a>> {
        if !self.has(key) {
            self.wrong(key, "this section is missing", hint);
        }
        self.section(key)
    }

    /// The tables of `[[key]]`.
    pub(super) fn sections(&self, key: &str) -> Vec<Section<'p, 'a>> {
        let Some(found) = self.find(key) else {
            return Vec::new();
        };
        let Some(array) = found.get_ref().as_array() else {
            self.wrong_kind(key, &format!("a list of tables, each under [[{key}]]"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in array.iter().enumerate() {
            match item.get_ref().as_table() {
                Some(table) => {
                    sections.push(self.inner(format!("{key}[{}]", index + 1), table, item.span().start));
                }
                None => self.wrong_kind(key, &format!("a list of tables, each under [[{key}]]")),
            }
        }
        sections
    }

    /// Whether a value is there that is no list.
    pub(super) fn is_no_list(&self, key: &str) -> bool {
        self.find(key)
            .is_some_and(|value| value.get_ref().as_array().is_none())
    }

    /// Whether a value is there that is no table.
    pub(super) fn is_no_table(&self, key: &str) -> bool {
        self.find(key)
            .is_some_and(|value| value.get_ref().as_table().is_none())
    }

    /// The texts of `name` in all tables of `[[key]]`, also of those that have problems: what refers to them by name
    /// is then no second problem.
    pub(super) fn names(&self, key: &str, name: &str) -> BTreeSet<String> {
        let tables = self
            .find(key)
            .and_then(|found| found.get_ref().as_array())
            .into_iter()
            .flatten();
        tables
            .filter_map(|item| item.get_ref().as_table())
            .filter_map(|table| table.iter().find(|(key, _)| key.get_ref() == name))
            .filter_map(|(_, value)| value.get_ref().as_str().map(str::to_owned))
            .collect()
    }

    /// Accepts every key of this section, because the one that says which keys are known here is itself wrong.
    pub(super) fn pass_over(&self) {
        self.asked
            .borrow_mut()
            .extend(self.table.iter().map(|(name, _)| name.get_ref().to_string()));
    }

    fn inner(&self, path: String, table: &'p DeTable<'a>, offset: usize) -> Section<'p, 'a> {
        Section {
            page: self.page,
            path,
            table,
            offset,
            asked: RefCell::default(),
        }
    }

    /// Takes over the problems of another file that this one names.
    pub(super) fn adopt(&self, problems: Vec<Problem>) {
        self.page.problems.borrow_mut().extend(problems);
    }

    /// Ends the section: a key that nobody asked for is unknown.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for (name, _) in self.table.iter() {
            let key = name.get_ref().as_ref();
            if asked.contains(key) {
                continue;
            }
            let hint = match nearest(key, &asked) {
                Some(known) => format!("did you mean `{known}`? Otherwise remove it"),
                None => {
                    let known = asked.iter().cloned().collect::<Vec<_>>().join(", ");
                    format!("remove it; known here are: {known}")
                }
            };
            self.page.add(
                name.span().start,
                &self.key_path(key),
                None,
                "this key is not known",
                hint,
            );
        }
    }
}

/// The instant of a TOML date; `None` for an hour alone.
fn instant_of(written: &Datetime) -> Option<Timestamp> {
    let text = written.to_string();
    written.date?;
    if written.offset.is_some() {
        return text.parse().ok();
    }
    // A day begins at midnight.
    let local: DateTime = text.parse().ok()?;
    local.to_zoned(ZONE).ok().map(|zoned| zoned.timestamp())
}

/// The known key that differs least, if it differs by little.
fn nearest<'k>(key: &str, known: &'k BTreeSet<String>) -> Option<&'k String> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(key, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| candidate)
}
