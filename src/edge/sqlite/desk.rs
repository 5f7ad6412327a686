//! What a clerk does with a mail that needs a person, or that was put aside wrongly: the columns `standing`, `recalled` and
//! `instructions` of the table `mail`.

use jiff::civil::Date;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde_json::{Value, json};

use super::journal_rows::append_event;
use super::{answers, rows, sightings, unavailable};
use crate::journal::{Event, Kind};
use crate::mailbox::Extent;
use crate::registry::{Instructions, Number};
use crate::screening::{Outcome, Reason};
use crate::store::{Desk, HeldAct, StoreError, Stored};

/// Where the mail stands before the act.
struct Before {
    /// `None` while it waits for its decision.
    decided: Option<(Outcome, Reason)>,
    extent: Extent,
    detail: String,
}

/// A clerk's act.
pub(super) fn act(transaction: &Transaction<'_>, act: &HeldAct) -> Stored<()> {
    let before = before(transaction, act.mail_seq)?;
    let refused = |why: String| Err(StoreError::Refused(format!("mail {} {why}", act.mail_seq)));
    let Some(before) = before else {
        return refused("is not there; see `recipisa held`".to_owned());
    };
    let Some((outcome, reason)) = before.decided else {
        return refused("is not held: it still waits for its decision".to_owned());
    };
    if let Some(why) = refusal(&act.desk, outcome, reason, &before) {
        return refused(why);
    }
    if let Desk::Join { number } = &act.desk {
        refuse_closed(transaction, number)?;
    }
    let (kind, body) = match &act.desk {
        Desk::Discard { reason } => {
            discard(transaction, act, reason)?;
            (Kind::MailDiscarded, json!({"reason": reason}))
        }
        Desk::Retry => (Kind::MailRetried, take_up(transaction, act, before.extent, None)?),
        Desk::Release => (
            Kind::MailReleased,
            take_up(transaction, act, before.extent, None)?,
        ),
        Desk::Register { .. } | Desk::Join { .. } => {
            let told = act.desk.instructions();
            let body = take_up(transaction, act, before.extent, told.as_ref())?;
            (Kind::MailReleased, body)
        }
    };
    append_event(
        transaction,
        &Event {
            at: act.at,
            actor: act.actor.clone(),
            kind,
            subject: format!("mail/{}", act.mail_seq),
            body,
        },
    )
}

fn before(transaction: &Transaction<'_>, mail_seq: i64) -> Stored<Option<Before>> {
    transaction
        .query_row(
            "SELECT outcome, reason, extent, detail FROM mail WHERE seq = ?1",
            [mail_seq],
            |row| {
                let decided = match row.get::<_, Option<String>>(0)? {
                    None => None,
                    Some(outcome) => Some((
                        rows::outcome(&outcome, 0)?,
                        rows::reason(&row.get::<_, String>(1)?, 1)?,
                    )),
                };
                Ok(Before {
                    decided,
                    extent: rows::extent(row, 2)?,
                    detail: row.get(3)?,
                })
            },
        )
        .optional()
        .map_err(|error| unavailable("recording a clerk's act", error))
}

/// Why the act cannot be, behind "mail N".
fn refusal(desk: &Desk, outcome: Outcome, reason: Reason, before: &Before) -> Option<String> {
    // The same header is not yet the same mail, and the one with the first may be gone from its mailbox.
    let is_same_by_header = reason == Reason::Duplicate && before.extent == Extent::HeaderOnly;
    if outcome == Outcome::Held || is_same_by_header && !matches!(desk, Desk::Discard { .. }) {
        return None;
    }
    let is_entered = matches!(outcome, Outcome::Registered | Outcome::Joined);
    match desk {
        // Its sender was told, and perhaps in vain: a clerk may end what stands open.
        Desk::Discard { .. } if outcome == Outcome::Answered => None,
        Desk::Release | Desk::Register { .. } | Desk::Join { .. } if !is_entered => {
            if reason == Reason::Duplicate {
                return Some(format!(
                    "has the same bytes as {}; decide about that one",
                    before.detail
                ));
            }
            (reason == Reason::Vanished).then(|| {
                "was taken away from its mailbox before its bytes came; put it back there, and it comes by itself"
                    .to_owned()
            })
        }
        Desk::Release | Desk::Register { .. } | Desk::Join { .. } | Desk::Retry | Desk::Discard { .. } => {
            Some(format!("is not held: it is {}", outcome.as_str()))
        }
    }
}

fn refuse_closed(transaction: &Transaction<'_>, number: &Number) -> Stored<()> {
    let closed_at: Option<Option<i64>> = transaction
        .query_row(
            "SELECT c.closed_at FROM case_file c JOIN entry e USING (register, year, number)
             WHERE register = ?1 AND year = ?2 AND number = ?3 AND e.registered_on = ?4",
            params![
                number.register,
                number.date.year(),
                number.number as i64,
                number.date.to_string()
            ],
            |row| row.get(0),
        )
        .optional()
        .map_err(|error| unavailable("looking for a case", error))?;
    match closed_at {
        Some(None) => Ok(()),
        Some(Some(_)) => Err(StoreError::Refused(format!(
            "the case {number} is closed, so nothing joins it; `recipisa held register ID` gives the mail a number of its own"
        ))),
        None => Err(StoreError::Refused(format!(
            "there is no case {number}; `recipisa entries` lists the numbers"
        ))),
    }
}

/// Lets the mail be decided anew; one whose bytes are not all here is fetched first, and stays where it is until then.
/// Returns what the journal tells.
fn take_up(
    transaction: &Transaction<'_>,
    act: &HeldAct,
    extent: Extent,
    told: Option<&Instructions>,
) -> Stored<Value> {
    let error = |error| unavailable("recording a clerk's act", error);
    let is_retry = act.desk == Desk::Retry;
    let text = told.map(|told| encoded(told).to_string());
    let mut body = told.map_or_else(|| json!({}), journaled);
    transaction
        .execute(
            "UPDATE mail SET attempts = 0, standing = iif(?2, standing, 'released'),
                    instructions = iif(?2, instructions, ?3) WHERE seq = ?1",
            params![act.mail_seq, is_retry, text],
        )
        .map_err(error)?;
    let again = match extent {
        Extent::Whole => {
            "UPDATE mail SET outcome = NULL, reason = NULL, decided_at = NULL, detail = '' WHERE seq = ?1"
        }
        Extent::HeaderOnly | Extent::Nothing => {
            body["recalled"] = true.into();
            sightings::ask_again(transaction, act.mail_seq).map_err(error)?;
            "UPDATE mail SET recalled = 1 WHERE seq = ?1"
        }
    };
    transaction.execute(again, [act.mail_seq]).map_err(error)?;
    Ok(body)
}

fn discard(transaction: &Transaction<'_>, act: &HeldAct, reason: &str) -> Stored<()> {
    transaction
        .execute(
            "UPDATE mail SET outcome = 'ignored', reason = ?2, detail = ?3, decided_at = ?4, replies = 0, recalled = 0,
                    standing = 'new', instructions = NULL
             WHERE seq = ?1",
            params![
                act.mail_seq,
                Reason::Discarded.as_str(),
                reason,
                act.at.as_microsecond()
            ],
        )
        .map_err(|error| unavailable("recording a clerk's act", error))?;
    answers::owe(transaction, act.mail_seq, None, act.at)
}

/// As the column has it.
fn encoded(told: &Instructions) -> Value {
    match told {
        Instructions::Register {
            sender,
            name,
            request_type,
        } => json!({"register": {"sender": sender, "name": name, "type": request_type}}),
        Instructions::Join { number } => json!({"join": {
            "register": number.register, "number": number.number, "on": number.date.to_string(),
        }}),
    }
}

/// As the journal has it.
fn journaled(told: &Instructions) -> Value {
    match told {
        Instructions::Register { .. } => encoded(told),
        Instructions::Join { number } => json!({"join": number.key()}),
    }
}

/// What a clerk said of a mail.
pub(super) fn instructions(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Instructions>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else {
        return Ok(None);
    };
    let decoded = serde_json::from_str(&text).ok().and_then(|value| decoded(&value));
    decoded.map(Some).ok_or_else(|| rows::odd(column, text))
}

fn decoded(value: &Value) -> Option<Instructions> {
    if let Some(register) = value.get("register") {
        let text = |member: &str| register[member].as_str().map(str::to_owned);
        return Some(Instructions::Register {
            sender: text("sender"),
            name: text("name"),
            request_type: text("type"),
        });
    }
    let join = value.get("join")?;
    Some(Instructions::Join {
        number: Number {
            register: join["register"].as_str()?.to_owned(),
            number: join["number"].as_u64()?,
            date: join["on"].as_str()?.parse::<Date>().ok()?,
        },
    })
}
