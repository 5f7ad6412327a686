//! The tables `entry`, `submission` and `receipt`: reading entries and submissions, and the receipts they owe.

use jiff::Timestamp;
use rusqlite::{Connection, Row, Transaction, params};
use serde_json::json;

use super::journal_rows::append;
use super::{answers, cases, letters, links, mails, rows, unavailable};
use crate::journal::Kind;
use crate::outbox::Letterless;
use crate::registry::{Draft, Entry, Number};
use crate::store::{EntryRecord, Issued, Owing, ReceiptState, StoreError, Stored};

const COLUMNS: &str =
    "e.register, e.number, e.registered_on, e.mail_seq, m.sha256, m.size_bytes, m.source, m.replies,
    m.sender_name, m.sender, m.subject, m.header_date, m.message_id, m.reference_ids, e.office, e.applicant,
    e.request_type, e.received_at, e.registered_at, e.processing_day, e.processing_reason,
    r.state, r.sha256, r.issued_at, r.attempts, r.last_error, r.ordinal, r.letterless_why, m.disowned";
const TABLES: &str = "entry e JOIN mail m ON m.seq = e.mail_seq
    JOIN receipt r ON r.register = e.register AND r.year = e.year AND r.number = e.number AND r.ordinal = 0";
/// The same columns for submissions, which share number, office and type with their case.
const SUBMISSION_COLUMNS: &str =
    "s.register, s.number, e.registered_on, s.mail_seq, m.sha256, m.size_bytes, m.source, m.replies,
    m.sender_name, m.sender, m.subject, m.header_date, m.message_id, m.reference_ids, e.office, s.applicant,
    e.request_type, s.received_at, s.registered_at, s.processing_day, s.processing_reason,
    r.state, r.sha256, r.issued_at, r.attempts, r.last_error, r.ordinal, r.letterless_why, m.disowned";
const SUBMISSION_TABLES: &str = "submission s JOIN mail m ON m.seq = s.mail_seq
    JOIN entry e ON e.register = s.register AND e.year = s.year AND e.number = s.number
    JOIN receipt r ON r.register = s.register AND r.year = s.year AND r.number = s.number AND r.ordinal = s.ordinal";

/// Which entries are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which<'a> {
    All,
    One(&'a Number),
    /// Registered from the first instant on and before the second.
    Between(Timestamp, Timestamp),
}

pub(super) fn each(
    connection: &Connection,
    which: Which<'_>,
    each: &mut dyn FnMut(EntryRecord),
) -> Stored<()> {
    let read = |each: &mut dyn FnMut(EntryRecord)| -> rusqlite::Result<()> {
        let query = |filter: &str| format!("SELECT {COLUMNS} FROM {TABLES} {filter} ORDER BY e.rowid");
        match which {
            Which::All => records(connection, &query(""), [], each),
            Which::One(number) => records(
                connection,
                &query("WHERE e.register = ?1 AND e.year = ?2 AND e.number = ?3 AND e.registered_on = ?4"),
                params![
                    number.register,
                    number.date.year(),
                    number.number as i64,
                    number.date.to_string()
                ],
                each,
            ),
            Which::Between(from, to) => records(
                connection,
                &query("WHERE e.registered_at >= ?1 AND e.registered_at < ?2"),
                [from.as_microsecond(), to.as_microsecond()],
                each,
            ),
        }
    };
    read(each).map_err(|error| unavailable("reading entries", error))
}

/// Submissions in the order of their registration.
pub(super) fn submissions_each(
    connection: &Connection,
    which: Which<'_>,
    each: &mut dyn FnMut(EntryRecord),
) -> Stored<()> {
    let read = |each: &mut dyn FnMut(EntryRecord)| -> rusqlite::Result<()> {
        let query = |filter: &str| {
            format!("SELECT {SUBMISSION_COLUMNS} FROM {SUBMISSION_TABLES} {filter} ORDER BY s.mail_seq")
        };
        match which {
            Which::All => records(connection, &query(""), [], each),
            Which::One(number) => records(
                connection,
                &query("WHERE s.register = ?1 AND s.year = ?2 AND s.number = ?3"),
                params![number.register, number.date.year(), number.number as i64],
                each,
            ),
            Which::Between(from, to) => records(
                connection,
                &query("WHERE s.registered_at >= ?1 AND s.registered_at < ?2"),
                [from.as_microsecond(), to.as_microsecond()],
                each,
            ),
        }
    };
    read(each).map_err(|error| unavailable("reading submissions", error))
}

fn records(
    connection: &Connection,
    query: &str,
    arguments: impl rusqlite::Params,
    each: &mut dyn FnMut(EntryRecord),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(query)?;
    let mut found = statement.query(arguments)?;
    while let Some(row) = found.next()? {
        let entry = entry(connection, row)?;
        let receipt = receipt(row)?;
        let letters = letters::of_receipt(connection, &entry.number, entry.submission)?;
        let links = match entry.submission {
            0 => links::of_entry(connection, &entry.number)?,
            _ => Vec::new(),
        };
        each(EntryRecord {
            entry,
            receipt,
            letterless: letterless(row)?,
            letters,
            links,
        });
    }
    Ok(())
}

fn entry(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Entry> {
    let mail_seq = row.get(3)?;
    let number = rows::number(row, 0)?;
    Ok(Entry {
        submission: row.get(26)?,
        mail_seq,
        mail_sha256: row.get(4)?,
        mail_size_bytes: rows::size(row, 5)?,
        source: row.get(6)?,
        replies: row.get(7)?,
        sender: rows::sender(row, 28)?,
        summary: mails::summary(row, 8)?,
        draft: Draft {
            office: row.get(14)?,
            register: number.register.clone(),
            applicant: row.get(15)?,
            request_type: row.get(16)?,
            received_at: rows::instant(row, 17)?,
            registered_at: rows::instant(row, 18)?,
            processing_day: rows::day(row, 19)?,
            processing_reason: row.get(20)?,
        },
        number,
        files: rows::files(connection, mail_seq)?,
    })
}

fn letterless(row: &Row<'_>) -> rusqlite::Result<Option<Letterless>> {
    if row.get::<_, Option<String>>(27)?.is_none() {
        return Ok(None);
    }
    rows::one_of(row, 27, &Letterless::ALL, Letterless::as_str).map(Some)
}

fn receipt(row: &Row<'_>) -> rusqlite::Result<ReceiptState> {
    let state: String = row.get(21)?;
    if state == "issued" {
        return Ok(ReceiptState::Issued {
            sha256: row.get(22)?,
            at: rows::instant(row, 23)?,
        });
    }
    Ok(ReceiptState::Owed {
        attempts: row.get(24)?,
        last_error: row.get(25)?,
    })
}

pub(super) fn owing(connection: &Connection, now: Timestamp, limit: usize) -> Stored<Vec<Owing>> {
    let read = || -> rusqlite::Result<Vec<Owing>> {
        // The keys first, by the index of what is owed; then each by its own key.
        let mut statement = connection.prepare_cached(
            "SELECT r.register, r.number, e.registered_on, r.ordinal, r.attempts
             FROM receipt r JOIN entry e ON e.register = r.register AND e.year = r.year AND e.number = r.number
             LEFT JOIN submission s ON s.register = r.register AND s.year = r.year AND s.number = r.number
                                   AND s.ordinal = r.ordinal
             WHERE r.state = 'owed' AND r.next_at <= ?1
             ORDER BY r.attempts, coalesce(s.mail_seq, e.mail_seq) LIMIT ?2",
        )?;
        let keys = statement
            .query_map(params![now.as_microsecond(), limit as i64], |row| {
                Ok((rows::number(row, 0)?, row.get(3)?, row.get(4)?))
            })?
            .collect::<rusqlite::Result<Vec<(Number, u32, u32)>>>()?;
        keys.into_iter()
            .map(|(number, submission, attempts)| owing_of(connection, &number, submission, attempts))
            .collect()
    };
    read().map_err(|error| unavailable("looking for receipts owed", error))
}

/// What a receipt is made from.
pub(super) fn owing_of(
    connection: &Connection,
    number: &Number,
    submission: u32,
    attempts: u32,
) -> rusqlite::Result<Owing> {
    Ok(Owing {
        consent: cases::consent(connection, number)?,
        entry: filing(connection, number, submission)?,
        links: match submission {
            0 => links::told(connection, number)?,
            _ => Vec::new(),
        },
        attempts,
    })
}

/// The entry, or the submission to it.
fn filing(connection: &Connection, number: &Number, submission: u32) -> rusqlite::Result<Entry> {
    let query = if submission == 0 {
        format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE e.register = ?1 AND e.year = ?2 AND e.number = ?3 AND ?4 = 0"
        )
    } else {
        format!(
            "SELECT {SUBMISSION_COLUMNS} FROM {SUBMISSION_TABLES}
             WHERE s.register = ?1 AND s.year = ?2 AND s.number = ?3 AND s.ordinal = ?4"
        )
    };
    connection.prepare_cached(&query)?.query_row(
        params![
            number.register,
            number.date.year(),
            number.number as i64,
            submission
        ],
        |row| entry(connection, row),
    )
}

pub(super) fn issue(transaction: &Transaction<'_>, issued: &[Issued]) -> Stored<()> {
    for one in issued {
        let number = &one.number;
        let changed = transaction
            .prepare_cached(
                "UPDATE receipt SET state = 'issued', sha256 = ?4, issued_at = ?5, last_error = NULL, letterless = ?7,
                        letterless_why = ?8
                 WHERE register = ?1 AND year = ?2 AND number = ?3 AND ordinal = ?6 AND state = 'owed'",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    number.register,
                    number.date.year(),
                    number.number as i64,
                    one.receipt_sha256,
                    one.at.as_microsecond(),
                    one.submission,
                    one.letterless.is_some(),
                    one.letterless.map(Letterless::as_str),
                ])
            })
            .map_err(|error| unavailable("recording a receipt", error))?;
        if changed == 0 {
            continue;
        }
        let mut body = json!({"sha256": one.receipt_sha256});
        if one.submission > 0 {
            body["submission"] = one.submission.into();
        }
        append(
            transaction,
            one.at,
            Kind::ReceiptIssued,
            format!("entry/{}", number.key()),
            body,
        )?;
        if let Some(letter) = &one.letter {
            letters::queue(transaction, letter)?;
        }
        if one.letterless.is_some() {
            let mail_seq = mail_of(transaction, number, one.submission)
                .map_err(|error| unavailable("recording a receipt", error))?;
            answers::without_letter(transaction, mail_seq, one.at)?;
        }
    }
    Ok(())
}

/// The mail that an entry or a submission was made from.
fn mail_of(connection: &Connection, number: &Number, submission: u32) -> rusqlite::Result<i64> {
    let query = match submission {
        0 => "SELECT mail_seq FROM entry WHERE register = ?1 AND year = ?2 AND number = ?3 AND ?4 = 0",
        _ => {
            "SELECT mail_seq FROM submission WHERE register = ?1 AND year = ?2 AND number = ?3 AND ordinal = ?4"
        }
    };
    let key = params![
        number.register,
        number.date.year(),
        number.number as i64,
        submission
    ];
    connection.prepare_cached(query)?.query_row(key, |row| row.get(0))
}

pub(super) fn failed(
    transaction: &Transaction<'_>,
    number: &Number,
    submission: u32,
    why: &str,
    retry_at: Timestamp,
) -> Stored<()> {
    let changed = transaction
        .execute(
            "UPDATE receipt SET attempts = attempts + 1, last_error = ?4, next_at = ?5
             WHERE register = ?1 AND year = ?2 AND number = ?3 AND ordinal = ?6 AND state = 'owed'",
            params![
                number.register,
                number.date.year(),
                number.number as i64,
                why,
                retry_at.as_microsecond(),
                submission
            ],
        )
        .map_err(|error| unavailable("counting a failed receipt", error))?;
    if changed == 0 {
        return Err(StoreError::Refused(format!("{number} owes no receipt")));
    }
    Ok(())
}
