//! Columns to values and back, in one place, so that a wrong column is named and never guessed at.

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::types::Type;
use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use crate::documents::Severity;
use crate::mailbox::Extent;
use crate::registry::{FileRecord, FindingRecord, Number};
use crate::screening::{Outcome, Reason, Sender, Standing};

/// A column that holds something the program never writes.
pub(super) fn odd(column: usize, what: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what.into().into())
}

pub(super) fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(|error| odd(column, error.to_string()))
}

pub(super) fn instant_opt(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    match row.get::<_, Option<i64>>(column)? {
        None => Ok(None),
        Some(at) => Timestamp::from_microsecond(at)
            .map(Some)
            .map_err(|error| odd(column, error.to_string())),
    }
}

pub(super) fn day(row: &Row<'_>, column: usize) -> rusqlite::Result<Date> {
    let text: String = row.get(column)?;
    text.parse()
        .map_err(|error: jiff::Error| odd(column, error.to_string()))
}

/// Register, number and the date of registration, in three columns from `first` on.
pub(super) fn number(row: &Row<'_>, first: usize) -> rusqlite::Result<Number> {
    Ok(Number {
        register: row.get(first)?,
        number: size(row, first + 1)?,
        date: day(row, first + 2)?,
    })
}

/// The same where there may be none.
pub(super) fn number_opt(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Number>> {
    match row.get::<_, Option<String>>(first)? {
        None => Ok(None),
        Some(_) => number(row, first).map(Some),
    }
}

pub(super) fn day_opt(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Date>> {
    match row.get::<_, Option<String>>(column)? {
        None => Ok(None),
        Some(_) => day(row, column).map(Some),
    }
}

/// The member of a closed list whose stable spelling stands in the column.
pub(super) fn one_of<T: Copy>(
    row: &Row<'_>,
    column: usize,
    all: &[T],
    spelling: impl Fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    all.iter()
        .copied()
        .find(|one| spelling(*one) == text)
        .ok_or_else(|| odd(column, text))
}

pub(super) fn size(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let size: i64 = row.get(column)?;
    u64::try_from(size).map_err(|_| odd(column, "a negative size"))
}

pub(super) fn extent_text(extent: Extent) -> &'static str {
    match extent {
        Extent::Whole => "whole",
        Extent::HeaderOnly => "header-only",
        Extent::Nothing => "nothing",
    }
}

pub(super) fn extent(row: &Row<'_>, column: usize) -> rusqlite::Result<Extent> {
    match row.get::<_, String>(column)?.as_str() {
        "whole" => Ok(Extent::Whole),
        "header-only" => Ok(Extent::HeaderOnly),
        "nothing" => Ok(Extent::Nothing),
        other => Err(odd(column, other)),
    }
}

pub(super) fn standing(row: &Row<'_>, column: usize) -> rusqlite::Result<Standing> {
    match row.get::<_, String>(column)?.as_str() {
        "new" => Ok(Standing::New),
        "released" => Ok(Standing::ReleasedByClerk),
        other => Err(odd(column, other)),
    }
}

/// The column `disowned`.
pub(super) fn sender(row: &Row<'_>, column: usize) -> rusqlite::Result<Sender> {
    Ok(if row.get(column)? {
        Sender::Disowned
    } else {
        Sender::Undisputed
    })
}

pub(super) fn outcome(text: &str, column: usize) -> rusqlite::Result<Outcome> {
    Outcome::ALL
        .into_iter()
        .find(|outcome| outcome.as_str() == text)
        .ok_or_else(|| odd(column, text))
}

pub(super) fn reason(text: &str, column: usize) -> rusqlite::Result<Reason> {
    Reason::ALL
        .into_iter()
        .find(|reason| reason.as_str() == text)
        .ok_or_else(|| odd(column, text))
}

fn severity_text(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Refusal => "refusal",
    }
}

pub(super) fn findings_text(findings: &[FindingRecord]) -> String {
    let list: Vec<Value> = findings
        .iter()
        .map(|one| json!([one.code, severity_text(one.severity), one.text_ro]))
        .collect();
    Value::Array(list).to_string()
}

fn findings(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<FindingRecord>> {
    let text: String = row.get(column)?;
    let list: Vec<(String, String, String)> =
        serde_json::from_str(&text).map_err(|error| odd(column, error.to_string()))?;
    list.into_iter()
        .map(|(code, severity, text_ro)| {
            let severity = [Severity::Note, Severity::Warning, Severity::Refusal]
                .into_iter()
                .find(|one| severity_text(*one) == severity)
                .ok_or_else(|| odd(column, severity))?;
            Ok(FindingRecord {
                code,
                severity,
                text_ro,
            })
        })
        .collect()
}

/// The files of one mail, in their order.
pub(super) fn files(connection: &Connection, mail_seq: i64) -> rusqlite::Result<Vec<FileRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, container, declared, detected, kind_ro, size_bytes, sha256, accepted, findings
         FROM document WHERE mail_seq = ?1 ORDER BY ordinal",
    )?;
    let rows = statement.query_map([mail_seq], |row| {
        Ok(FileRecord {
            name: row.get(0)?,
            container: row.get(1)?,
            declared: row.get(2)?,
            detected: row.get(3)?,
            kind_ro: row.get(4)?,
            size_bytes: size(row, 5)?,
            sha256: row.get(6)?,
            accepted: row.get(7)?,
            findings: findings(row, 8)?,
        })
    })?;
    rows.collect()
}
