//! The tables against the journal: every mail, entry, receipt and letter is told of there, every one that is told of is
//! here, and what both say is the same.
//!
//! Both sides are read in the order of the journal's subjects and merged, so that the memory of one subject is enough.
//! A member that only one side has is passed over: journals of earlier versions told less. What somebody did to the
//! journal itself is seen by its chain.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rusqlite::{Connection, Row, Rows, Statement};
use serde_json::{Value, json};

use super::structure::{Each, guarded};
use crate::journal::Kind;
use crate::store::{Fault, Finding, Stored};

/// One row of the journal on a subject.
struct Told {
    at: i64,
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
    facts: fn(&Connection, &Row<'_>) -> rusqlite::Result<Facts>,
    compare: fn(&str, &Facts, &[Told], Each<'_>),
    /// What to call it.
    noun: &'static str,
}

const MAIL: Subject = Subject {
    prefix: "mail/",
    kinds: &[Kind::MailKept, Kind::MailDecided, Kind::MailReleased, Kind::MailDiscarded],
    sql: "SELECT 'mail/' || seq AS subject, seq, source, source_key, sha256, size_bytes, received_at, kept_at, outcome,
                 reason FROM mail ORDER BY subject",
    facts: |_, row| {
        facts(row, &["source", "key", "sha256", "size", "received_at", "kept_at", "outcome", "reason"], 2)
    },
    compare: mail,
    noun: "mail",
};

const ENTRY: Subject = Subject {
    prefix: "entry/",
    kinds: &[Kind::EntryRegistered, Kind::ReceiptIssued],
    sql:
        "SELECT 'entry/' || e.register || '/' || e.year || '/' || e.number AS subject, e.mail_seq, e.mail_seq,
                 m.sha256, e.office, e.applicant, m.sender, e.received_at, e.processing_day, e.request_type,
                 e.registered_at, r.state, r.sha256, r.issued_at
          FROM entry e LEFT JOIN mail m ON m.seq = e.mail_seq
          LEFT JOIN receipt r ON r.register = e.register AND r.year = e.year AND r.number = e.number
          ORDER BY subject",
    facts: entry_facts,
    compare: entry,
    noun: "entry",
};

const LETTER: Subject = Subject {
    prefix: "letter/",
    kinds: &[Kind::LetterQueued, Kind::LetterSent, Kind::LetterGivenUp],
    sql: "SELECT 'letter/' || message_id AS subject, 0, kind, rcpt_to, sha256,
                 register || '/' || year || '/' || number, queued_at, state
          FROM letter ORDER BY subject",
    facts: |_, row| facts(row, &["kind", "to", "sha256", "entry", "queued_at", "state"], 2),
    compare: letter,
    noun: "letter",
};

/// Compares all.
pub(super) fn check(connection: &Connection, each: Each<'_>) -> Stored<()> {
    guarded("mail", each, |each| merge(connection, &MAIL, each))?;
    guarded("entry", each, |each| merge(connection, &ENTRY, each))?;
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
                let facts = (subject.facts)(connection, row)?;
                (subject.compare)(&key, &facts, &told.take()?, each);
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
            body: connection.prepare("SELECT at, kind, body FROM journal WHERE seq = ?1")?,
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
                let body: String = row.get(2)?;
                Ok(Told {
                    at: row.get(0)?,
                    kind: row.get(1)?,
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

fn entry_facts(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Facts> {
    let names = [
        "mail",
        "mail_sha256",
        "office",
        "applicant",
        "sender",
        "received_at",
        "processing_day",
        "request_type",
        "registered_at",
        "state",
        "sha256",
        "issued_at",
    ];
    let mut facts = facts(row, &names, 2)?;
    let mut files = connection
        .prepare_cached("SELECT name, sha256, accepted FROM document WHERE mail_seq = ?1 ORDER BY ordinal")?;
    let files: rusqlite::Result<Vec<Value>> = files
        .query_map([row.get::<_, Option<i64>>(1)?], |row| {
            let (name, sha256): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(json!({"name": name, "sha256": sha256, "accepted": row.get::<_, bool>(2)?}))
        })?
        .collect();
    facts.insert("files", Value::Array(files?));
    Ok(facts)
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

fn mail(place: &str, facts: &Facts, told: &[Told], each: Each<'_>) {
    let kept = of_kind(told, Kind::MailKept);
    let (Some(first), Some(last)) = (kept.first(), kept.last()) else {
        return each(silent(place, "the journal does not tell of its arrival"));
    };
    // The header of an oversized mail comes first, the whole of it later: its bytes are then those of the last.
    hold(
        place,
        facts,
        &last.body,
        &["source", "key", "sha256", "size"],
        each,
    );
    hold(place, facts, &first.body, &["received_at"], each);
    hold_one(place, facts, "kept_at", &first.at.into(), each);
    let undecided = (Value::Null, Value::Null);
    let (outcome, reason) = told.iter().fold(undecided.clone(), |before, one| {
        let word = |member: &str| one.body.get(member).cloned().unwrap_or_default();
        match one.kind.as_str() {
            "mail.kept" | "mail.released" => undecided.clone(),
            "mail.decided" => (word("outcome"), word("reason")),
            "mail.discarded" => ("ignored".into(), "discarded".into()),
            _ => before,
        }
    });
    hold_one(place, facts, "outcome", &outcome, each);
    hold_one(place, facts, "reason", &reason, each);
}

fn entry(place: &str, facts: &Facts, told: &[Told], each: Each<'_>) {
    match of_kind(told, Kind::EntryRegistered).as_slice() {
        [] => each(silent(place, "the journal does not tell of its registration")),
        [one] => {
            let members = [
                "mail",
                "mail_sha256",
                "office",
                "applicant",
                "sender",
                "received_at",
                "processing_day",
                "request_type",
                "files",
            ];
            hold(place, facts, &one.body, &members, each);
            hold_one(place, facts, "registered_at", &one.at.into(), each);
        }
        several => each(Finding::new(
            Fault::RowChanged,
            place,
            format!("the journal registers it {} times", several.len()),
        )),
    }
    let is_issued = facts.get("state").is_some_and(|state| state == "issued");
    match (of_kind(told, Kind::ReceiptIssued).as_slice(), is_issued) {
        ([], false) => {}
        ([], true) => each(silent(place, "the journal does not tell of its receipt")),
        ([one], true) => {
            hold(place, facts, &one.body, &["sha256"], each);
            hold_one(place, facts, "issued_at", &one.at.into(), each);
        }
        ([_, ..], _) => each(Finding::new(
            Fault::RowMissing,
            place,
            "the journal tells of its receipt, which is not there, or is there only once",
        )),
    }
}

fn letter(place: &str, facts: &Facts, told: &[Told], each: Each<'_>) {
    let queued = of_kind(told, Kind::LetterQueued);
    let (Some(first), Some(last)) = (queued.first(), queued.last()) else {
        return each(silent(place, "the journal does not tell that it was queued"));
    };
    hold(
        place,
        facts,
        &first.body,
        &["kind", "to", "sha256", "entry"],
        each,
    );
    hold_one(place, facts, "queued_at", &last.at.into(), each);
    // Other states are of later kinds of letters, and told of in other words.
    let of_state = |state: &str| match state {
        "queued" => Some(Kind::LetterQueued),
        "sent" => Some(Kind::LetterSent),
        "given-up" => Some(Kind::LetterGivenUp),
        _ => None,
    };
    let here = facts.get("state").and_then(Value::as_str).and_then(of_state);
    if let (Some(here), Some(told)) = (here, told.last())
        && here.as_str() != told.kind
    {
        each(changed(place, "state"));
    }
}
