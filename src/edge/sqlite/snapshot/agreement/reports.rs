//! What reports said of a letter, held against the journal: each event with its mail, state and status, and the strongest
//! of them since the letter was last queued.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Facts, Met, changed, hold_one, of_kind, silent};
use crate::edge::sqlite::snapshot::structure::Each;
use crate::journal::Kind;
use crate::store::{Fault, Finding};

/// The letter's row has its Message-ID behind the members that are compared.
const MESSAGE_ID_COLUMN: usize = 9;

pub(super) fn compare(met: &Met<'_>, facts: &Facts, each: Each<'_>) -> rusqlite::Result<()> {
    // Queued again, a letter begins its way anew.
    let delivery = met.told.iter().fold(Value::Null, |before, one| {
        if one.kind == Kind::LetterQueued.as_str() {
            Value::Null
        } else if one.kind == Kind::LetterReported.as_str() {
            one.body.get("delivery").cloned().unwrap_or_default()
        } else {
            before
        }
    });
    hold_one(met.place, facts, "delivery", &delivery, each);
    let mut told: BTreeMap<i64, Value> = BTreeMap::new();
    for row in of_kind(met.told, Kind::LetterReported) {
        let events = row.body.get("events").and_then(Value::as_array);
        for event in events.into_iter().flatten() {
            let ordinal = event.get("ordinal").and_then(Value::as_i64).unwrap_or_default();
            let mail = row.body.get("mail").cloned().unwrap_or_default();
            let said = json!([row.at, mail, event.get("state"), event.get("status")]);
            told.insert(ordinal, said);
        }
    }
    let place_of = |ordinal: i64| format!("{}/report/{ordinal}", met.place);
    let message_id: String = met.row.get(MESSAGE_ID_COLUMN)?;
    let mut statement = met.connection.prepare_cached(
        "SELECT ordinal, at, mail_seq, state, status FROM letter_event WHERE message_id = ?1",
    )?;
    let mut rows = statement.query([message_id])?;
    while let Some(row) = rows.next()? {
        let ordinal: i64 = row.get(0)?;
        let (at, mail): (i64, i64) = (row.get(1)?, row.get(2)?);
        let (state, status): (String, Option<String>) = (row.get(3)?, row.get(4)?);
        match told.remove(&ordinal) {
            None => each(silent(
                &place_of(ordinal),
                "the journal does not tell of this report",
            )),
            Some(said) if said != json!([at, mail, state, status]) => {
                each(changed(&place_of(ordinal), "state"));
            }
            Some(_) => {}
        }
    }
    for ordinal in told.into_keys() {
        let what = "the journal tells of this report, and it is not there";
        each(Finding::new(Fault::RowMissing, place_of(ordinal), what));
    }
    Ok(())
}
