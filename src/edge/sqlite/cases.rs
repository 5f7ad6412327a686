//! The tables `case_file`, `clarification` and `appointment`: opening a case, what a submission brings to it, a clerk's
//! acts, and reading cases.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;

use super::journal_rows::{self, append};
use super::{entries, followups, letters, rows, unavailable};
use crate::casework::consent::Found;
use crate::casework::{
    Answer, Appointment, Case, Clarification, Consent, Decision, Handover, HandoverWay, Opening, SetAside,
};
use crate::followup;
use crate::journal::Kind;
use crate::registry::{Entry, KnownCase, Mention, Mentions, Number};
use crate::store::{CaseRecord, OpenCase, Stored};

const COLUMNS: &str = "c.register, c.number, e.registered_on, e.office, m.source, e.applicant, m.sender, m.subject,
    e.request_type, e.received_at, c.due_on, c.consent, c.consent_ordinal, c.consent_file, c.consent_on, c.decided_on,
    c.decision_name, c.decision_sha256, c.decision_at, c.decision_by, c.handed_over_on, c.handed_over_how,
    c.handed_over_at, c.handed_over_by, c.version, c.closed_at, c.closed_by, c.closed_reason, m.replies";
const TABLES: &str =
    "case_file c JOIN entry e ON e.register = c.register AND e.year = c.year AND e.number = c.number
    JOIN mail m ON m.seq = e.mail_seq";
/// How far the mail server's clock, which tells whole seconds, may be behind ours.
const CLOCKS_APART: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);
/// Of the three columns of a case's key.
pub(super) const KEY: &str = "register = ?1 AND year = ?2 AND number = ?3";

/// The case that begins with an entry.
pub(super) fn open(transaction: &Transaction<'_>, entry: &Entry, opening: &Opening) -> Stored<()> {
    let number = &entry.number;
    let consent = match (&opening.consent_file, opening.consent_asked) {
        (Some(_), _) => "found",
        (None, true) => "missing",
        (None, false) => "not-asked",
    };
    transaction
        .prepare_cached(
            "INSERT INTO case_file (register, year, number, due_on, consent, consent_ordinal, consent_file, consent_on)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                number.register,
                number.date.year(),
                number.number as i64,
                opening.due_on.to_string(),
                consent,
                opening.consent_file.as_ref().map(|_| 0),
                opening.consent_file,
                opening.consent_file.as_ref().map(|_| number.date.to_string()),
            ])
        })
        .map_err(|error| unavailable("opening a case", error))?;
    Ok(())
}

/// What a submission brings: the consent where it was missing, an answer where one was awaited.
pub(super) fn receive(transaction: &Transaction<'_>, entry: &Entry, opening: &Opening) -> Stored<()> {
    let number = &entry.number;
    let at = entry.draft.registered_at;
    let error = |error| unavailable("writing a submission into its case", error);
    touch(transaction, number).map_err(error)?;
    let subject = || format!("entry/{}", number.key());
    if let Some(file) = &opening.consent_file {
        let found = transaction
            .execute(
                "UPDATE case_file SET consent = 'found', consent_ordinal = ?4, consent_file = ?5, consent_on = ?6
                 WHERE register = ?1 AND year = ?2 AND number = ?3 AND consent <> 'found'",
                params![
                    number.register,
                    number.date.year(),
                    number.number as i64,
                    entry.submission,
                    file,
                    at.to_zoned(crate::calendar::hours::ZONE).date().to_string(),
                ],
            )
            .map_err(error)?;
        if found > 0 {
            let body = json!({"submission": entry.submission, "file": file});
            append(transaction, at, Kind::ConsentFound, subject(), body)?;
        }
    }
    // Only a question that had been written when the mail came can be answered by it.
    let answered = transaction
        .prepare_cached(
            "UPDATE clarification SET answer_ordinal = ?4, answered_at = ?5
             WHERE register = ?1 AND year = ?2 AND number = ?3 AND answer_ordinal IS NULL
               AND EXISTS (SELECT 1 FROM followup f WHERE f.register = ?1 AND f.year = ?2 AND f.number = ?3
                             AND f.kind = ?6 AND f.ordinal = clarification.ordinal AND f.state = 'done'
                             AND f.settled_at <= ?7)
             RETURNING ordinal",
        )
        .and_then(|mut statement| {
            statement
                .query_map(
                    params![
                        number.register,
                        number.date.year(),
                        number.number as i64,
                        entry.submission,
                        at.as_microsecond(),
                        followup::Kind::ClarificationRequest.as_str(),
                        (entry.draft.received_at + CLOCKS_APART).as_microsecond(),
                    ],
                    |row| row.get::<_, u32>(0),
                )?
                .collect::<rusqlite::Result<Vec<_>>>()
        })
        .map_err(error)?;
    if answered.is_empty() {
        return Ok(());
    }
    let body = json!({"clarifications": answered, "submission": entry.submission});
    append(transaction, at, Kind::ClarificationAnswered, subject(), body)?;
    followups::void(
        transaction,
        number,
        followup::voided_by(followup::Event::Answered),
        at,
    )
}

/// Counts a change of the case; returns how many cases it is.
fn touch(transaction: &Transaction<'_>, number: &Number) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached(&format!("UPDATE case_file SET version = version + 1 WHERE {KEY}"))?
        .execute(params![number.register, number.date.year(), number.number as i64])
}

/// The consent of the case as it stands.
pub(super) fn consent(connection: &Connection, number: &Number) -> rusqlite::Result<Consent> {
    connection
        .prepare_cached(&format!(
            "SELECT consent, consent_ordinal, consent_file, consent_on FROM case_file WHERE {KEY}"
        ))?
        .query_row(
            params![number.register, number.date.year(), number.number as i64],
            |row| consent_at(row, 0),
        )
}

fn consent_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Consent> {
    Ok(match row.get::<_, String>(first)?.as_str() {
        "found" => Consent::Found(Found {
            submission: row.get(first + 1)?,
            file_name: row.get(first + 2)?,
            on: rows::day(row, first + 3)?,
        }),
        "missing" => Consent::Missing,
        _ => Consent::NotAsked,
    })
}

/// The cases that a message names, first by the letters it answers, then by the numbers in its subject.
pub(super) fn known(connection: &Connection, mentions: &Mentions) -> Stored<Vec<KnownCase>> {
    let read = || -> rusqlite::Result<Vec<KnownCase>> {
        let mut by_letter = connection.prepare_cached(
            "SELECT e.register, e.number, e.registered_on, m.sender, c.closed_at IS NOT NULL FROM letter l
             JOIN entry e ON e.register = l.register AND e.year = l.year AND e.number = l.number
             JOIN case_file c ON c.register = e.register AND c.year = e.year AND c.number = e.number
             JOIN mail m ON m.seq = e.mail_seq WHERE l.message_id = ?1",
        )?;
        let mut by_number = connection.prepare_cached(
            "SELECT e.register, e.number, e.registered_on, m.sender, c.closed_at IS NOT NULL FROM entry e
             JOIN case_file c ON c.register = e.register AND c.year = e.year AND c.number = e.number
             JOIN mail m ON m.seq = e.mail_seq WHERE e.register = ?1 AND e.year = ?2 AND e.number = ?3 AND e.registered_on = ?4",
        )?;
        let case = |row: &Row<'_>, by: Mention| {
            Ok(KnownCase {
                number: rows::number(row, 0)?,
                by,
                owner: row.get(3)?,
                is_closed: row.get(4)?,
            })
        };
        let mut found: Vec<KnownCase> = Vec::new();
        for id in &mentions.message_ids {
            found.extend(
                by_letter
                    .query_row([id], |row| case(row, Mention::Letter))
                    .optional()?,
            );
        }
        for number in &mentions.numbers {
            let key = params![
                number.register,
                number.date.year(),
                number.number as i64,
                number.date.to_string()
            ];
            found.extend(
                by_number
                    .query_row(key, |row| case(row, Mention::Subject))
                    .optional()?,
            );
        }
        Ok(found)
    };
    read().map_err(|error| unavailable("looking up cases", error))
}

/// Everything about one case.
pub(super) fn record(connection: &Connection, number: &Number) -> Stored<Option<CaseRecord>> {
    let error = |error| unavailable("reading a case", error);
    let mut entry = None;
    entries::each(connection, entries::Which::One(number), &mut |record| {
        entry = Some(record)
    })?;
    let Some(mut entry) = entry else { return Ok(None) };
    let case = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE c.register = ?1 AND c.year = ?2 AND c.number = ?3"
        ))
        .and_then(|mut statement| {
            statement.query_row(
                params![number.register, number.date.year(), number.number as i64],
                |row| case(connection, row),
            )
        })
        .map_err(error)?;
    entry.letters = letters::of_case(connection, number).map_err(error)?;
    let mut submissions = Vec::new();
    entries::submissions_each(connection, entries::Which::One(number), &mut |record| {
        submissions.push(record)
    })?;
    Ok(Some(CaseRecord {
        case,
        entry,
        submissions,
        followups: followups::of_case(connection, number).map_err(error)?,
        history: journal_rows::about(connection, &format!("entry/{}", number.key()))?,
    }))
}

/// The cases that are not closed, by their term.
pub(super) fn open_each(connection: &Connection, each: &mut dyn FnMut(OpenCase)) -> Stored<()> {
    let read = |each: &mut dyn FnMut(OpenCase)| -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE c.closed_at IS NULL ORDER BY c.due_on, e.rowid"
        ))?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let case = case(connection, row)?;
            let planned = followups::planned(connection, &case.number)?;
            each(OpenCase { case, planned });
        }
        Ok(())
    };
    read(each).map_err(|error| unavailable("reading open cases", error))
}

fn case(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Case> {
    let number = rows::number(row, 0)?;
    let decision = match rows::day_opt(row, 15)? {
        None => None,
        Some(on) => Some(Decision {
            on,
            document_name: row.get(16)?,
            document_sha256: row.get(17)?,
            recorded_at: rows::instant(row, 18)?,
            recorded_by: row.get(19)?,
        }),
    };
    let handover = match rows::day_opt(row, 20)? {
        None => None,
        Some(on) => Some(Handover {
            on,
            how: rows::one_of(row, 21, &HandoverWay::ALL, HandoverWay::as_str)?,
            recorded_at: rows::instant(row, 22)?,
            recorded_by: row.get(23)?,
        }),
    };
    let set_aside = match row.get::<_, Option<String>>(27)? {
        None => None,
        Some(reason) => Some(SetAside {
            reason,
            recorded_at: rows::instant(row, 25)?,
            recorded_by: row.get(26)?,
        }),
    };
    Ok(Case {
        set_aside,
        replies: row.get(28)?,
        clarifications: clarifications(connection, &number)?,
        appointments: appointments(connection, &number)?,
        number,
        office: row.get(3)?,
        source: row.get(4)?,
        applicant: row.get(5)?,
        address: row.get(6)?,
        subject: row.get(7)?,
        request_type: row.get(8)?,
        received_at: rows::instant(row, 9)?,
        due_on: rows::day(row, 10)?,
        consent: consent_at(row, 11)?,
        decision,
        handover,
        version: row.get(24)?,
    })
}

fn clarifications(connection: &Connection, number: &Number) -> rusqlite::Result<Vec<Clarification>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT ordinal, what, until, asked_at, asked_by, answer_ordinal, answered_at FROM clarification
         WHERE {KEY} ORDER BY ordinal"
    ))?;
    let found = statement.query_map(
        params![number.register, number.date.year(), number.number as i64],
        |row| {
            let answer = match (row.get(5)?, rows::instant_opt(row, 6)?) {
                (Some(submission), Some(at)) => Some(Answer { submission, at }),
                (_, _) => None,
            };
            Ok(Clarification {
                ordinal: row.get(0)?,
                what: row.get(1)?,
                until: rows::day(row, 2)?,
                asked_at: rows::instant(row, 3)?,
                asked_by: row.get(4)?,
                answer,
            })
        },
    )?;
    found.collect()
}

fn appointments(connection: &Connection, number: &Number) -> rusqlite::Result<Vec<Appointment>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT ordinal, starts_at, minutes, place, made_at, made_by FROM appointment WHERE {KEY} ORDER BY ordinal"
    ))?;
    let found = statement.query_map(
        params![number.register, number.date.year(), number.number as i64],
        |row| {
            Ok(Appointment {
                ordinal: row.get(0)?,
                starts_at: rows::instant(row, 1)?,
                minutes: row.get(2)?,
                place: row.get(3)?,
                made_at: rows::instant(row, 4)?,
                made_by: row.get(5)?,
            })
        },
    )?;
    found.collect()
}
