//! A clerk's acts on the tables `case_file`, `clarification` and `appointment`, with what they plan and make void.

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Transaction, params};
use serde_json::{Value, json};

use super::cases::KEY;
use super::journal_rows::append_event;
use super::{followups, unavailable};
use crate::casework::{Act, Document, instant};
use crate::journal::{Event, Kind};
use crate::registry::Number;
use crate::store::{CaseAct, StoreError, Stored};

/// Writes a clerk's act with all that it causes.
pub(super) fn act(transaction: &Transaction<'_>, act: &CaseAct) -> Stored<()> {
    let error = |error| unavailable("recording an act on a case", error);
    let number = &act.number;
    let moved = transaction
        .execute(
            &format!("UPDATE case_file SET version = version + 1 WHERE {KEY} AND version = ?4"),
            params![
                number.register,
                number.date.year(),
                number.number as i64,
                act.version
            ],
        )
        .map_err(error)?;
    if moved == 0 {
        return Err(StoreError::Refused(format!(
            "case {number} has changed meanwhile; look at it with `recipisa case show` and decide again"
        )));
    }
    let (kind, mut body) = write_act(transaction, act).map_err(error)?;
    let planned: Vec<_> = act
        .planned
        .iter()
        .map(|one| json!({"kind": one.kind.as_str(), "due_at": one.due_at.as_microsecond()}))
        .collect();
    body["planned"] = planned.into();
    append_event(
        transaction,
        &Event {
            at: act.at,
            actor: act.actor.clone(),
            kind,
            subject: format!("entry/{}", number.key()),
            body,
        },
    )?;
    followups::void(transaction, number, act.voids, act.at)?;
    followups::plan(transaction, number, &act.planned)
}

/// The key of a case, and when and by whom it is changed.
struct Touch<'a> {
    number: &'a Number,
    year: i16,
    running: i64,
    at: i64,
    actor: &'a str,
}

fn write_act(transaction: &Transaction<'_>, act: &CaseAct) -> rusqlite::Result<(Kind, Value)> {
    let touch = Touch {
        number: &act.number,
        year: act.number.date.year(),
        running: act.number.number as i64,
        at: act.at.as_microsecond(),
        actor: &act.actor,
    };
    match &act.act {
        Act::Clarify { what, until } => clarify(transaction, &touch, what, *until),
        Act::Decide { on, document } => decide(transaction, &touch, *on, document),
        Act::Pickup { starts, place } => {
            let starts_at = instant(*starts).map_or(touch.at, Timestamp::as_microsecond);
            arrange(transaction, &touch, starts_at, act.minutes, place)
        }
        Act::HandOver { on, how } => {
            transaction.execute(
                "UPDATE case_file SET handed_over_on = ?4, handed_over_how = ?5, handed_over_at = ?6, handed_over_by = ?7,
                        closed_at = ?6, closed_by = ?7
                 WHERE register = ?1 AND year = ?2 AND number = ?3",
                params![
                    touch.number.register,
                    touch.year,
                    touch.running,
                    on.to_string(),
                    how.as_str(),
                    touch.at,
                    touch.actor
                ],
            )?;
            let body = json!({"on": on.to_string(), "how": how.as_str()});
            Ok((Kind::CaseClosed, body))
        }
        Act::SetAside { reason } => {
            transaction.execute(
                "UPDATE case_file SET closed_at = ?4, closed_by = ?5, closed_reason = ?6
                 WHERE register = ?1 AND year = ?2 AND number = ?3",
                params![
                    touch.number.register,
                    touch.year,
                    touch.running,
                    touch.at,
                    touch.actor,
                    reason
                ],
            )?;
            Ok((Kind::CaseSetAside, json!({"reason": reason})))
        }
    }
}

fn clarify(
    transaction: &Transaction<'_>,
    touch: &Touch<'_>,
    what: &str,
    until: Date,
) -> rusqlite::Result<(Kind, Value)> {
    let ordinal = next_ordinal(transaction, "clarification", touch.number)?;
    transaction.execute(
        "INSERT INTO clarification (register, year, number, ordinal, what, until, asked_at, asked_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            touch.number.register,
            touch.year,
            touch.running,
            ordinal,
            what,
            until.to_string(),
            touch.at,
            touch.actor
        ],
    )?;
    let body = json!({"ordinal": ordinal, "what": what, "until": until.to_string()});
    Ok((Kind::ClarificationAsked, body))
}

fn decide(
    transaction: &Transaction<'_>,
    touch: &Touch<'_>,
    on: Date,
    document: &Document,
) -> rusqlite::Result<(Kind, Value)> {
    transaction.execute(
        "UPDATE case_file SET decided_on = ?4, decision_name = ?5, decision_sha256 = ?6, decision_at = ?7,
                decision_by = ?8
         WHERE register = ?1 AND year = ?2 AND number = ?3",
        params![
            touch.number.register,
            touch.year,
            touch.running,
            on.to_string(),
            document.name,
            document.sha256,
            touch.at,
            touch.actor
        ],
    )?;
    let body = json!({"on": on.to_string(), "name": document.name, "sha256": document.sha256});
    Ok((Kind::DecisionRecorded, body))
}

fn arrange(
    transaction: &Transaction<'_>,
    touch: &Touch<'_>,
    starts_at: i64,
    minutes: u16,
    place: &str,
) -> rusqlite::Result<(Kind, Value)> {
    let ordinal = next_ordinal(transaction, "appointment", touch.number)?;
    transaction.execute(
        "INSERT INTO appointment (register, year, number, ordinal, starts_at, minutes, place, made_at, made_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            touch.number.register,
            touch.year,
            touch.running,
            ordinal,
            starts_at,
            minutes,
            place,
            touch.at,
            touch.actor
        ],
    )?;
    let body = json!({"ordinal": ordinal, "starts_at": starts_at, "minutes": minutes, "place": place});
    Ok((Kind::PickupArranged, body))
}

fn next_ordinal(transaction: &Transaction<'_>, table: &str, number: &Number) -> rusqlite::Result<u32> {
    transaction.query_row(
        &format!("SELECT coalesce(max(ordinal), 0) + 1 FROM {table} WHERE {KEY}"),
        params![number.register, number.date.year(), number.number as i64],
        |row| row.get(0),
    )
}
