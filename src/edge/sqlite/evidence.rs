//! What the decision about a mail brings besides its entry: evidence about letters (`letter_event`, `letter.delivery`)
//! and the read report owed to its sender (`answer`). All of it is written in the transaction of the decision.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::{Value, json};

use super::journal_rows::append;
use super::unavailable;
use crate::journal::Kind;
use crate::outbox;
use crate::registry::{Decided, Delivery, Evidence, Said};
use crate::store::Stored;

/// The first of these that is a letter of ours.
pub(super) fn letter_known(connection: &Connection, message_ids: &[String]) -> Stored<Option<String>> {
    let read = || -> rusqlite::Result<Option<String>> {
        let mut statement = connection.prepare_cached("SELECT 1 FROM letter WHERE message_id = ?1")?;
        for id in message_ids {
            if statement.exists([id])? {
                return Ok(Some(id.clone()));
            }
        }
        Ok(None)
    };
    read().map_err(|error| unavailable("looking for the letter of a report", error))
}

/// Writes what a decision says of letters.
pub(super) fn record(
    transaction: &Transaction<'_>,
    mail_seq: i64,
    decided: &Decided,
    at: Timestamp,
) -> Stored<()> {
    if decided.owes_read_report {
        owe_read_report(transaction, mail_seq)
            .map_err(|error| unavailable("noting that a read report is owed", error))?;
    }
    match &decided.evidence {
        Some(evidence) => file(transaction, mail_seq, evidence, at),
        None => Ok(()),
    }
}

/// One report a message, and none where another program has given it already.
fn owe_read_report(transaction: &Transaction<'_>, mail_seq: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO answer (mail_seq, kind, state)
             SELECT seq, ?2, 'owed' FROM mail WHERE seq = ?1 AND read_reported = 0
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![mail_seq, outbox::Kind::ReadReport.as_str()])?;
    Ok(())
}

/// A letter as the evidence finds it.
struct Letter {
    to: String,
    delivery: Option<Delivery>,
    events: u32,
}

fn letter(
    transaction: &Transaction<'_>,
    evidence: &Evidence,
    mail_seq: i64,
) -> rusqlite::Result<Option<Letter>> {
    let found = transaction
        .prepare_cached(
            "SELECT rcpt_to, delivery, (SELECT count(*) FROM letter_event v WHERE v.message_id = l.message_id),
                    EXISTS (SELECT 1 FROM letter_event v WHERE v.mail_seq = ?2 AND v.message_id = l.message_id)
             FROM letter l WHERE l.message_id = ?1",
        )?
        .query_row(params![evidence.message_id, mail_seq], |row| {
            let delivery: Option<String> = row.get(1)?;
            let known = |text: &str| Delivery::ALL.into_iter().find(|one| one.as_str() == text);
            let letter = Letter {
                to: row.get(0)?,
                delivery: delivery.as_deref().and_then(known),
                events: row.get(2)?,
            };
            Ok((letter, row.get::<_, bool>(3)?))
        })
        .optional()?;
    // A mail that a clerk has decided anew is the same evidence.
    Ok(found.and_then(|(letter, is_filed)| (!is_filed).then_some(letter)))
}

/// Files a report with its letter: what it says in its order, and the strongest of all that was said so far.
fn file(transaction: &Transaction<'_>, mail_seq: i64, evidence: &Evidence, at: Timestamp) -> Stored<()> {
    let failed = |error| unavailable("filing a report with its letter", error);
    let Some(letter) = letter(transaction, evidence, mail_seq).map_err(failed)? else {
        return Ok(());
    };
    let mut events: Vec<Value> = Vec::new();
    let mut delivery = letter.delivery;
    for (ordinal, said) in (letter.events + 1..).zip(&evidence.said) {
        insert(transaction, &evidence.message_id, ordinal, mail_seq, said, at).map_err(failed)?;
        let mut event = json!({"ordinal": ordinal, "state": said.sign.as_str(), "status": said.status});
        if said.is_of_another(&letter.to) {
            event["of_another"] = true.into();
        }
        events.push(event);
        delivery = delivery.max(said.delivery_for(&letter.to));
    }
    if delivery != letter.delivery {
        transaction
            .prepare_cached("UPDATE letter SET delivery = ?2, delivery_at = ?3 WHERE message_id = ?1")
            .and_then(|mut statement| {
                let delivery = delivery.map(Delivery::as_str);
                statement.execute(params![evidence.message_id, delivery, at.as_microsecond()])
            })
            .map_err(failed)?;
    }
    let body = json!({"mail": mail_seq, "events": events, "delivery": delivery.map(Delivery::as_str)});
    let subject = format!("letter/{}", evidence.message_id);
    append(transaction, at, Kind::LetterReported, subject, body)
}

fn insert(
    transaction: &Transaction<'_>,
    message_id: &str,
    ordinal: u32,
    mail_seq: i64,
    said: &Said,
    at: Timestamp,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO letter_event (message_id, ordinal, at, state, mail_seq, recipient, status, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            message_id,
            ordinal,
            at.as_microsecond(),
            said.sign.as_str(),
            mail_seq,
            said.recipient,
            said.status,
            said.detail
        ])?;
    Ok(())
}
