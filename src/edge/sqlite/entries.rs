//! The tables `entry` and `receipt`: reading entries, and the receipts they owe.

use jiff::Timestamp;
use rusqlite::{Connection, Row, Transaction, params};
use serde_json::json;

use super::journal_rows::append;
use super::{letters, mails, rows, unavailable};
use crate::journal::Kind;
use crate::registry::{Draft, Entry, Number};
use crate::store::{EntryRecord, Issued, Owing, ReceiptState, StoreError, Stored};

const COLUMNS: &str =
    "e.register, e.number, e.registered_on, e.mail_seq, m.sha256, m.size_bytes, m.source, m.replies,
    m.sender_name, m.sender, m.subject, m.header_date, m.message_id, m.reference_ids, e.office, e.applicant,
    e.request_type, e.received_at, e.registered_at, e.processing_day, e.processing_reason,
    r.state, r.sha256, r.issued_at, r.attempts, r.last_error";
const TABLES: &str = "entry e JOIN mail m ON m.seq = e.mail_seq
    JOIN receipt r ON r.register = e.register AND r.year = e.year AND r.number = e.number";

pub(super) fn each(
    connection: &Connection,
    only: Option<&Number>,
    each: &mut dyn FnMut(EntryRecord),
) -> Stored<()> {
    let read = |each: &mut dyn FnMut(EntryRecord)| -> rusqlite::Result<()> {
        let filter = match only {
            None => "",
            Some(_) => "WHERE e.register = ?1 AND e.year = ?2 AND e.number = ?3 AND e.registered_on = ?4",
        };
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {TABLES} {filter} ORDER BY e.rowid"
        ))?;
        let mut found = match only {
            None => statement.query([])?,
            Some(number) => statement.query(params![
                number.register,
                number.date.year(),
                number.number as i64,
                number.date.to_string()
            ])?,
        };
        while let Some(row) = found.next()? {
            let entry = entry(connection, row)?;
            let receipt = receipt(row)?;
            let letters = letters::of_entry(connection, &entry.number)?;
            each(EntryRecord {
                entry,
                receipt,
                letters,
            });
        }
        Ok(())
    };
    read(each).map_err(|error| unavailable("reading entries", error))
}

fn entry(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Entry> {
    let mail_seq = row.get(3)?;
    let number = Number {
        register: row.get(0)?,
        number: rows::size(row, 1)?,
        date: rows::day(row, 2)?,
    };
    Ok(Entry {
        mail_seq,
        mail_sha256: row.get(4)?,
        mail_size_bytes: rows::size(row, 5)?,
        source: row.get(6)?,
        replies: row.get(7)?,
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
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE r.state = 'owed' AND r.next_at <= ?1
             ORDER BY r.attempts, e.rowid LIMIT ?2"
        ))?;
        let found = statement.query_map(params![now.as_microsecond(), limit as i64], |row| {
            Ok(Owing {
                entry: entry(connection, row)?,
                attempts: row.get(24)?,
            })
        })?;
        found.collect()
    };
    read().map_err(|error| unavailable("looking for receipts owed", error))
}

pub(super) fn issue(transaction: &Transaction<'_>, issued: &[Issued]) -> Stored<()> {
    for one in issued {
        let number = &one.number;
        let changed = transaction
            .prepare_cached(
                "UPDATE receipt SET state = 'issued', sha256 = ?4, issued_at = ?5, last_error = NULL
                 WHERE register = ?1 AND year = ?2 AND number = ?3 AND state = 'owed'",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    number.register,
                    number.date.year(),
                    number.number as i64,
                    one.receipt_sha256,
                    one.at.as_microsecond()
                ])
            })
            .map_err(|error| unavailable("recording a receipt", error))?;
        if changed == 0 {
            continue;
        }
        let body = json!({"sha256": one.receipt_sha256});
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
    }
    Ok(())
}

pub(super) fn failed(
    transaction: &Transaction<'_>,
    number: &Number,
    why: &str,
    retry_at: Timestamp,
) -> Stored<()> {
    let changed = transaction
        .execute(
            "UPDATE receipt SET attempts = attempts + 1, last_error = ?4, next_at = ?5
             WHERE register = ?1 AND year = ?2 AND number = ?3 AND state = 'owed'",
            params![
                number.register,
                number.date.year(),
                number.number as i64,
                why,
                retry_at.as_microsecond()
            ],
        )
        .map_err(|error| unavailable("counting a failed receipt", error))?;
    if changed == 0 {
        return Err(StoreError::Refused(format!("{number} owes no receipt")));
    }
    Ok(())
}
