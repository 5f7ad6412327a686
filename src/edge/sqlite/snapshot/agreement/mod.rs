//! The tables against the journal: every mail, entry, letter and what belongs to a case is told of there, every one that
//! is told of is here, and what both say is the same. What belongs to an entry is in [`filings`].
//!
//! Both sides are read in the order of the journal's subjects and merged, so that the memory of one subject is enough.
//! A member that only one side has is passed over: journals of earlier versions told less. What somebody did to the
//! journal itself is seen by its chain.

mod filings;
mod reports;
mod links;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rusqlite::{Connection, Row, Rows, Statement};
use serde_json::{Value, json};

use super::structure::{Each, guarded};
use crate::journal::Kind;
use crate::store::{Fault, Finding, Stored};

/// One row of the journal on a subject.
#[derive(Clone)]
struct Told {
    at: i64,
    actor: String,
    kind: String,
    body: Value,
}

/// What the tables say on a subject, by member.
type Facts = BTreeMap<&'static str, Value>;

/// A kind of subject: what the tables have of it, and how both sides are compared.
struct Subject {
    /// `mail/`, with its slash.
    prefix: &'static str,
    /// The kinds of event that are read; other events on the subject are other people's.
    kinds: &'static [Kind],
    /// Gives the subject in its first column, in the order of subjects.
    sql: &'static str,
    compare: fn(&Met<'_>, Each<'_>) -> rusqlite::Result<()>,
    /// What to call it.
    noun: &'static str,
}

/// A row of the tables that the journal tells of.
struct Met<'a> {
    connection: &'a Connection,
    row: &'a Row<'a>,
    place: &'a str,
    told: &'a [Told],
}

const MAIL: Subject = Subject {
    prefix: "mail/",
    kinds: &[
        Kind::MailKept,
        Kind::MailDecided,
        Kind::MailReleased,
        Kind::MailRetried,
        Kind::MailDiscarded,
    ],
    sql: "SELECT 'mail/' || seq AS subject, source, source_key, sha256, size_bytes, received_at, kept_at, outcome,
                 reason FROM mail ORDER BY subject",
    compare: mail,
    noun: "mail",
};

const LETTER: Subject = Subject {
    prefix: "letter/",
    kinds: &[
        Kind::LetterQueued,
        Kind::LetterSent,
        Kind::LetterGivenUp,
        Kind::LetterVoid,
        Kind::LetterReported,
    ],
    // A digest has no case, and its key is NULL.
    sql: "SELECT 'letter/' || message_id AS subject, kind, rcpt_to, sha256,
                 register || '/' || year || '/' || number, ordinal, queued_at, state, delivery, message_id
          FROM letter ORDER BY subject",
    compare: letter,
    noun: "letter",
};

/// Compares all.
pub(super) fn check(connection: &Connection, each: Each<'_>) -> Stored<()> {
    guarded("mail", each, |each| merge(connection, &MAIL, each))?;
    guarded("entry", each, |each| merge(connection, &filings::ENTRY, each))?;
    guarded("letter", each, |each| merge(connection, &LETTER, each))
}

fn merge(connection: &Connection, subject: &Subject, each: Each<'_>) -> rusqlite::Result<()> {
    let mut told_keys = connection.prepare(&told_sql(subject))?;
    let mut told = Journal::begin(connection, &mut told_keys)?;
    let mut statement = connection.prepare(subject.sql)?;
    let mut rows = statement.query([])?;
    let mut here = rows.next()?;
    loop {
        let key: Option<String> = here.map(|row| row.get(0)).transpose()?;
        let order = match (&key, &told.subject) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(key), Some(subject)) => key.cmp(subject),
        };
        match (order, key, here) {
            (Ordering::Less, Some(key), _) => {
                let what = format!("the journal does not tell of this {}", subject.noun);
                each(Finding::new(Fault::JournalSilent, key, what));
                here = rows.next()?;
            }
            (Ordering::Equal, Some(key), Some(row)) => {
                let met = Met {
                    connection,
                    row,
                    place: &key,
                    told: &told.take()?,
                };
                (subject.compare)(&met, each)?;
                here = rows.next()?;
            }
            (Ordering::Less | Ordering::Equal | Ordering::Greater, _, _) => {
                let key = told.subject.clone().unwrap_or_default();
                told.take()?;
                let what = format!("the journal tells of this {}, and it is not there", subject.noun);
                each(Finding::new(Fault::RowMissing, key, what));
            }
        }
    }
}

/// Sorted are only the keys: the bodies would make SQLite's temporary file ten times as large.
fn told_sql(subject: &Subject) -> String {
    let kinds: Vec<String> = subject
        .kinds
        .iter()
        .map(|kind| format!("'{}'", kind.as_str()))
        .collect();
    format!(
        "SELECT subject, seq FROM journal WHERE substr(subject, 1, {}) = '{}' AND kind IN ({}) ORDER BY subject, seq",
        subject.prefix.len(),
        subject.prefix,
        kinds.join(", ")
    )
}

/// The journal's rows, subject by subject.
struct Journal<'c, 's> {
    keys: Rows<'s>,
    body: Statement<'c>,
    /// Of the next rows; `None` behind the last.
    subject: Option<String>,
    seq: i64,
}

impl<'c, 's> Journal<'c, 's> {
    fn begin(connection: &'c Connection, keys: &'s mut Statement<'_>) -> rusqlite::Result<Self> {
        let mut journal = Self {
            keys: keys.query([])?,
            body: connection.prepare("SELECT at, actor, kind, body FROM journal WHERE seq = ?1")?,
            subject: None,
            seq: 0,
        };
        journal.step()?;
        Ok(journal)
    }

    fn step(&mut self) -> rusqlite::Result<()> {
        let Some(row) = self.keys.next()? else {
            self.subject = None;
            return Ok(());
        };
        self.subject = Some(row.get(0)?);
        self.seq = row.get(1)?;
        Ok(())
    }

    /// The rows on the present subject, in their order; goes on to the next subject.
    fn take(&mut self) -> rusqlite::Result<Vec<Told>> {
        let subject = self.subject.clone();
        let mut told = Vec::new();
        while subject.is_some() && self.subject == subject {
            told.push(self.body.query_row([self.seq], |row| {
                let body: String = row.get(3)?;
                Ok(Told {
                    at: row.get(0)?,
                    actor: row.get(1)?,
                    kind: row.get(2)?,
                    // What is no JSON breaks the chain, and is told there.
                    body: serde_json::from_str(&body).unwrap_or_default(),
                })
            })?);
            self.step()?;
        }
        Ok(told)
    }
}

/// The columns from `first` on, under these names.
fn facts(row: &Row<'_>, names: &[&'static str], first: usize) -> rusqlite::Result<Facts> {
    let value = |column| -> rusqlite::Result<Value> {
        Ok(match row.get::<_, rusqlite::types::Value>(column)? {
            rusqlite::types::Value::Null => Value::Null,
            rusqlite::types::Value::Integer(number) => number.into(),
            rusqlite::types::Value::Text(text) => text.into(),
            // Nothing of ours has such a type, so nothing told is equal to it.
            rusqlite::types::Value::Real(_) | rusqlite::types::Value::Blob(_) => json!({}),
        })
    };
    (first..)
        .zip(names)
        .map(|(column, name)| Ok((*name, value(column)?)))
        .collect()
}

/// Holds members of the tables against the same members of a body.
fn hold(place: &str, facts: &Facts, body: &Value, members: &[&str], each: Each<'_>) {
    for member in members {
        if let (Some(here), Some(told)) = (facts.get(member), body.get(member))
            && here != told
        {
            each(changed(place, member));
        }
    }
}

/// Holds one member against a value of the journal.
fn hold_one(place: &str, facts: &Facts, member: &str, told: &Value, each: Each<'_>) {
    if facts.get(member).is_some_and(|here| here != told) {
        each(changed(place, member));
    }
}

/// The values themselves may be somebody's personal data.
fn changed(place: &str, member: &str) -> Finding {
    Finding::new(
        Fault::RowChanged,
        place,
        format!("its `{member}` is not what the journal tells"),
    )
}

fn silent(place: &str, what: &str) -> Finding {
    Finding::new(Fault::JournalSilent, place, what)
}

fn of_kind(told: &[Told], kind: Kind) -> Vec<&Told> {
    told.iter().filter(|one| one.kind == kind.as_str()).collect()
}

fn mail(met: &Met<'_>, each: Each<'_>) -> rusqlite::Result<()> {
    let names = [
        "source",
        "key",
        "sha256",
        "size",
        "received_at",
        "kept_at",
        "outcome",
        "reason",
    ];
    let facts = &facts(met.row, &names, 1)?;
    let (place, told) = (met.place, met.told);
    let kept = of_kind(told, Kind::MailKept);
    let (Some(first), Some(last)) = (kept.first(), kept.last()) else {
        each(silent(place, "the journal does not tell of its arrival"));
        return Ok(());
    };
    // The header of an oversized mail comes first, the whole of it later: its bytes are then those of the last, and so is
    // the time of arrival, which is only supposed of a message that has given nothing.
    hold(
        place,
        facts,
        &last.body,
        &["source", "key", "sha256", "size", "received_at"],
        each,
    );
    hold_one(place, facts, "kept_at", &first.at.into(), each);
    let undecided = (Value::Null, Value::Null);
    let (outcome, reason) = told.iter().fold(undecided.clone(), |before, one| {
        let word = |member: &str| one.body.get(member).cloned().unwrap_or_default();
        match one.kind.as_str() {
            // It is fetched first, and stays what it was until then.
            "mail.released" | "mail.retried" if one.body["recalled"] == true => before,
            "mail.kept" | "mail.released" | "mail.retried" => undecided.clone(),
            "mail.decided" => (word("outcome"), word("reason")),
            "mail.discarded" => ("ignored".into(), "discarded".into()),
            _ => before,
        }
    });
    hold_one(place, facts, "outcome", &outcome, each);
    hold_one(place, facts, "reason", &reason, each);
    Ok(())
}

fn letter(met: &Met<'_>, each: Each<'_>) -> rusqlite::Result<()> {
    let names = [
        "kind",
        "to",
        "sha256",
        "entry",
        "ordinal",
        "queued_at",
        "state",
        "delivery",
    ];
    let facts = &facts(met.row, &names, 1)?;
    let (place, told) = (met.place, met.told);
    let queued = of_kind(told, Kind::LetterQueued);
    let (Some(first), Some(last)) = (queued.first(), queued.last()) else {
        each(silent(place, "the journal does not tell that it was queued"));
        return Ok(());
    };
    hold(
        place,
        facts,
        &first.body,
        &["kind", "to", "sha256", "entry", "ordinal"],
        each,
    );
    hold_one(place, facts, "queued_at", &last.at.into(), each);
    let state = told
        .iter()
        .fold("queued", |before, one| match (one.kind.as_str(), before) {
            ("letter.queued", _) => "queued",
            ("letter.void", _) => "void",
            // It was on its way when it became void, and the server took it.
            ("letter.sent", _) => "sent",
            // It was on its way when it became void, and stays so.
            ("letter.given-up", "void") => "void",
            ("letter.given-up", _) => "given-up",
            _ => before,
        });
    hold_one(place, facts, "state", &state.into(), each);
    reports::compare(met, facts, each)
}
