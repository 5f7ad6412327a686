//! The life of each letter of a case: owed, queued, tried, sent, and what reports said of it, in the order in which it
//! happened.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::Value;

use super::{journal_rows, letters, rows, unavailable};
use crate::journal::Kind;
use crate::outbox;
use crate::registry::{Number, Sign};
use crate::store::{LetterRecord, LetterStory, Step, StepKind, Stored};

pub(super) fn of_case(connection: &Connection, number: &Number) -> Stored<Vec<LetterStory>> {
    let failed = |error| unavailable("reading the letters of a case", error);
    let mut stories = Vec::new();
    for record in letters::of_case(connection, number).map_err(failed)? {
        let mut steps = queued(connection, &record)?;
        let id = &record.letter.message_id;
        steps.extend(owed(connection, number, &record).map_err(failed)?);
        steps.extend(attempts(connection, id).map_err(failed)?);
        steps.extend(events(connection, id, &record.letter.to).map_err(failed)?);
        // What happened at one instant keeps the order of a letter's life.
        steps.sort_by_key(|step| (step.at, place(step.kind)));
        stories.push(LetterStory { record, steps });
    }
    Ok(stories)
}

fn place(kind: StepKind) -> u8 {
    match kind {
        StepKind::Owed => 0,
        StepKind::Queued => 1,
        StepKind::PutOff | StepKind::Sent | StepKind::GivenUp => 2,
        StepKind::Void => 3,
        StepKind::Reported(_) => 4,
    }
}

/// When the mail was registered that a receipt answers.
fn owed(connection: &Connection, number: &Number, record: &LetterRecord) -> rusqlite::Result<Option<Step>> {
    if record.letter.kind != outbox::Kind::Receipt {
        return Ok(None);
    }
    let sql = match record.letter.ordinal {
        0 => "SELECT registered_at FROM entry WHERE register = ?1 AND year = ?2 AND number = ?3 AND ?4 = 0",
        _ => {
            "SELECT registered_at FROM submission WHERE register = ?1 AND year = ?2 AND number = ?3 AND ordinal = ?4"
        }
    };
    let key = params![
        number.register,
        number.date.year(),
        number.number as i64,
        record.letter.ordinal
    ];
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query_map(key, |row| Ok(step(rows::instant(row, 0)?, StepKind::Owed, "")))?;
    found.next().transpose()
}

/// When it was queued, by whom again, and when it became void: by the journal.
fn queued(connection: &Connection, record: &LetterRecord) -> Stored<Vec<Step>> {
    let subject = format!("letter/{}", record.letter.message_id);
    let told = journal_rows::about(connection, &subject)?;
    let steps = told.into_iter().filter_map(|row| {
        let at = Timestamp::from_microsecond(row.at).ok()?;
        let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
        if row.kind == Kind::LetterVoid.as_str() {
            return Some(step(at, StepKind::Void, ""));
        }
        let is_again = body["again"] == Value::Bool(true);
        let by = if is_again {
            format!("again, by {}", row.actor)
        } else {
            String::new()
        };
        (row.kind == Kind::LetterQueued.as_str()).then(|| step(at, StepKind::Queued, &by))
    });
    Ok(steps.collect())
}

fn attempts(connection: &Connection, message_id: &str) -> rusqlite::Result<Vec<Step>> {
    const RESULTS: [StepKind; 3] = [StepKind::Sent, StepKind::PutOff, StepKind::GivenUp];
    let spelling = |kind: StepKind| {
        if kind == StepKind::PutOff {
            "retry"
        } else {
            kind.as_str()
        }
    };
    let mut statement = connection.prepare_cached(
        "SELECT finished_at, result, answer FROM attempt WHERE message_id = ?1 ORDER BY ordinal",
    )?;
    let found = statement.query_map([message_id], |row| {
        let kind = rows::one_of(row, 1, &RESULTS, spelling)?;
        Ok(step(rows::instant(row, 0)?, kind, &row.get::<_, String>(2)?))
    })?;
    found.collect()
}

fn events(connection: &Connection, message_id: &str, to: &str) -> rusqlite::Result<Vec<Step>> {
    let mut statement = connection.prepare_cached(
        "SELECT at, state, recipient, status, detail, mail_seq FROM letter_event WHERE message_id = ?1
         ORDER BY ordinal",
    )?;
    let found = statement.query_map([message_id], |row| {
        let sign = rows::one_of(row, 1, &Sign::ALL, Sign::as_str)?;
        let recipient: Option<String> = row.get(2)?;
        let other = recipient.filter(|recipient| recipient.to_lowercase() != to.to_lowercase());
        let said = [row.get::<_, Option<String>>(3)?, Some(row.get(4)?)];
        let mut words: Vec<String> = said
            .into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
            .collect();
        words.extend(other.map(|other| format!("(of another recipient: {other})")));
        Ok(Step {
            mail_seq: row.get(5)?,
            ..step(rows::instant(row, 0)?, StepKind::Reported(sign), &words.join(" "))
        })
    })?;
    found.collect()
}

fn step(at: Timestamp, kind: StepKind, words: &str) -> Step {
    Step {
        at,
        kind,
        words: words.to_owned(),
        mail_seq: None,
    }
}
