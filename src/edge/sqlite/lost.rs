//! Letters that have not reached anybody and are a clerk's task, and the letters that a mail without entry is about.
//!
//! Left out: the queue and its attempts ([`super::letters`]), and what reports said ([`super::evidence`]).

use rusqlite::{Connection, Row};

use super::letters::{COLUMNS, TABLES, outgoing, record};
use super::unavailable;
use crate::mailbox::SourceId;
use crate::store::{AnsweredMail, LetterTrouble, MailLetters, Stored};

/// Of the letter `l`, whether anybody has still to care: its case is open, the mail that it answers was not taken up
/// or discarded since, and it is no read report.
pub(super) const LOST: &str = "l.kind <> 'read-report'
    AND NOT EXISTS (SELECT 1 FROM case_file c WHERE c.register = l.register AND c.year = l.year
                       AND c.number = l.number AND c.closed_at IS NOT NULL)
    AND (l.mail_seq IS NULL OR EXISTS (SELECT 1 FROM mail a WHERE a.seq = l.mail_seq AND a.outcome = 'answered'))";

/// Letters that a clerk must care about: given up or returned and not settled otherwise, or failing.
pub(super) fn troubled(connection: &Connection) -> Stored<Vec<LetterTrouble>> {
    let read = || -> rusqlite::Result<Vec<LetterTrouble>> {
        let one = format!(
            "SELECT {COLUMNS}, m.seq, m.source, m.sender, m.subject FROM {TABLES} LEFT JOIN mail m ON m.seq = l.mail_seq
             WHERE {LOST}"
        );
        let mut statement = connection.prepare_cached(&format!(
            "{one} AND l.state = 'given-up'
             UNION ALL {one} AND l.delivery = 'bounced' AND l.state = 'sent'
             UNION ALL {one} AND l.state = 'queued' AND l.last_answer IS NOT NULL ORDER BY 8"
        ))?;
        let found = statement.query_map([], |row| {
            Ok(LetterTrouble {
                record: record(row)?,
                office: row.get(14)?,
                applicant: row.get(16)?,
                mail: answered(row)?,
            })
        })?;
        found.collect()
    };
    read().map_err(|error| unavailable("looking for letters in trouble", error))
}

/// The mail that a letter answers, from the columns behind the letter's.
fn answered(row: &Row<'_>) -> rusqlite::Result<Option<AnsweredMail>> {
    let Some(seq) = row.get(21)? else { return Ok(None) };
    Ok(Some(AnsweredMail {
        seq,
        source: SourceId(row.get(22)?),
        sender: row.get(23)?,
        subject: row.get(24)?,
    }))
}

/// The letters that answer a mail, and those that it is filed with as a report.
pub(super) fn of_mail(connection: &Connection, mail_seq: i64) -> Stored<MailLetters> {
    let read = || -> rusqlite::Result<MailLetters> {
        let mut answers = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE l.mail_seq = ?1 ORDER BY l.queued_at, l.rowid"
        ))?;
        let mut spoken_of = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {TABLES}
             WHERE l.message_id IN (SELECT v.message_id FROM letter_event v WHERE v.mail_seq = ?1) ORDER BY l.rowid"
        ))?;
        Ok(MailLetters {
            answers: answers.query_map([mail_seq], record)?.collect::<Result<_, _>>()?,
            spoken_of: spoken_of
                .query_map([mail_seq], outgoing)?
                .collect::<Result<_, _>>()?,
        })
    };
    read().map_err(|error| unavailable("looking for the letters of a mail", error))
}
