//! An entry and all that belongs to its case, held against the journal: submissions, receipts, the consent, questions
//! and their answers, the decision, appointments, the closing, and how many letters were planned.
//!
//! What somebody keeps beside the journal is left out: whether a planned letter is settled, and a consent that is
//! missing or was not asked for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};

use super::{Facts, Met, Subject, Told, changed, facts, hold, hold_one, links, of_kind, silent};
use crate::calendar::hours::ZONE;
use crate::edge::sqlite::snapshot::structure::Each;
use crate::journal::Kind;
use crate::store::{Fault, Finding};

pub(super) const ENTRY: Subject = Subject {
    prefix: "entry/",
    kinds: &[
        Kind::EntryRegistered,
        Kind::ReceiptIssued,
        Kind::SubmissionJoined,
        Kind::ConsentFound,
        Kind::ClarificationAsked,
        Kind::ClarificationAnswered,
        Kind::DecisionRecorded,
        Kind::PickupArranged,
        Kind::CaseClosed,
        Kind::CaseSetAside,
        Kind::LinkProposed,
        Kind::LinkConfirmed,
        Kind::LinkRejected,
    ],
    sql: "SELECT 'entry/' || e.register || '/' || e.year || '/' || e.number AS subject, e.register, e.year, e.number,
                 e.mail_seq, m.sha256, e.office, e.applicant, m.sender, e.received_at, e.processing_day,
                 e.request_type, e.registered_at, c.due_on, iif(c.consent_ordinal = 0, c.consent_file, NULL),
                 iif(c.consent_ordinal = 0, c.consent_on, NULL)
          FROM entry e LEFT JOIN mail m ON m.seq = e.mail_seq
          LEFT JOIN case_file c ON c.register = e.register AND c.year = e.year AND c.number = e.number
          ORDER BY subject",
    compare: entry,
    noun: "entry",
};

/// The columns behind the key of an entry.
const ENTRY_MEMBERS: [&str; 12] = [
    "mail",
    "mail_sha256",
    "office",
    "applicant",
    "sender",
    "received_at",
    "processing_day",
    "request_type",
    "registered_at",
    "due_on",
    "consent_file",
    "consent_on",
];

/// Rows that belong to an entry and of which the journal tells one by one.
struct Part {
    noun: &'static str,
    kind: Kind,
    /// Gives the ordinal in its first column, or 0 where there can be only one; of the entry with the key `?1` to `?3`.
    sql: &'static str,
    /// The columns behind the ordinal, as the journal calls them.
    members: &'static [&'static str],
    /// The member of the journal's rows with the ordinal; where it is missing, the ordinal is 0.
    ordinal: &'static str,
    /// The member that is the time of the journal's row.
    at: Option<&'static str>,
    /// The member that is the actor of the journal's row.
    by: Option<&'static str>,
    /// What one row of the journal tells, part by part.
    spread: fn(&Told) -> Vec<Told>,
}

const PARTS: [Part; 9] = [
    Part {
        noun: "submission",
        kind: Kind::SubmissionJoined,
        sql: "SELECT s.ordinal, s.mail_seq, m.sha256, s.applicant, m.sender, s.received_at, s.processing_day,
                     s.registered_at
              FROM submission s LEFT JOIN mail m ON m.seq = s.mail_seq
              WHERE s.register = ?1 AND s.year = ?2 AND s.number = ?3",
        members: &[
            "mail",
            "mail_sha256",
            "applicant",
            "sender",
            "received_at",
            "processing_day",
            "registered_at",
        ],
        ordinal: "submission",
        at: Some("registered_at"),
        by: None,
        spread: one,
    },
    Part {
        noun: "receipt",
        kind: Kind::ReceiptIssued,
        sql: "SELECT ordinal, sha256, issued_at FROM receipt
              WHERE register = ?1 AND year = ?2 AND number = ?3 AND state = 'issued'",
        members: &["sha256", "issued_at"],
        ordinal: "submission",
        at: Some("issued_at"),
        by: None,
        spread: one,
    },
    Part {
        noun: "consent",
        kind: Kind::ConsentFound,
        // One that came with the request itself is told of where that is registered.
        sql: "SELECT 0, consent_ordinal, consent_file, consent_on FROM case_file
              WHERE register = ?1 AND year = ?2 AND number = ?3 AND consent_ordinal > 0",
        members: &["submission", "file", "on"],
        ordinal: "",
        at: None,
        by: None,
        spread: with_day,
    },
    Part {
        noun: "clarification",
        kind: Kind::ClarificationAsked,
        sql: "SELECT ordinal, what, until, asked_at, asked_by FROM clarification
              WHERE register = ?1 AND year = ?2 AND number = ?3",
        members: &["what", "until", "asked_at", "asked_by"],
        ordinal: "ordinal",
        at: Some("asked_at"),
        by: Some("asked_by"),
        spread: one,
    },
    Part {
        noun: "answer",
        kind: Kind::ClarificationAnswered,
        sql: "SELECT ordinal, answer_ordinal, answered_at FROM clarification
              WHERE register = ?1 AND year = ?2 AND number = ?3 AND answer_ordinal IS NOT NULL",
        members: &["submission", "answered_at"],
        ordinal: "ordinal",
        at: Some("answered_at"),
        by: None,
        spread: answers,
    },
    Part {
        noun: "decision",
        kind: Kind::DecisionRecorded,
        sql: "SELECT 0, decided_on, decision_name, decision_sha256, decision_at, decision_by FROM case_file
              WHERE register = ?1 AND year = ?2 AND number = ?3 AND decided_on IS NOT NULL",
        members: &["on", "name", "sha256", "decision_at", "decision_by"],
        ordinal: "",
        at: Some("decision_at"),
        by: Some("decision_by"),
        spread: one,
    },
    Part {
        noun: "appointment",
        kind: Kind::PickupArranged,
        sql: "SELECT ordinal, starts_at, minutes, place, made_at, made_by FROM appointment
              WHERE register = ?1 AND year = ?2 AND number = ?3",
        members: &["starts_at", "minutes", "place", "made_at", "made_by"],
        ordinal: "ordinal",
        at: Some("made_at"),
        by: Some("made_by"),
        spread: one,
    },
    Part {
        noun: "closing",
        kind: Kind::CaseClosed,
        sql: "SELECT 0, handed_over_on, handed_over_how, handed_over_at, handed_over_by FROM case_file
              WHERE register = ?1 AND year = ?2 AND number = ?3 AND handed_over_on IS NOT NULL",
        members: &["on", "how", "handed_over_at", "handed_over_by"],
        ordinal: "",
        at: Some("handed_over_at"),
        by: Some("handed_over_by"),
        spread: one,
    },
    Part {
        noun: "setting-aside",
        kind: Kind::CaseSetAside,
        sql: "SELECT 0, closed_reason, closed_at, closed_by FROM case_file
              WHERE register = ?1 AND year = ?2 AND number = ?3 AND closed_reason IS NOT NULL",
        members: &["reason", "closed_at", "closed_by"],
        ordinal: "",
        at: Some("closed_at"),
        by: Some("closed_by"),
        spread: one,
    },
];

fn entry(met: &Met<'_>, each: Each<'_>) -> rusqlite::Result<()> {
    let mut facts = facts(met.row, &ENTRY_MEMBERS, 4)?;
    add_files(met.connection, &mut facts)?;
    let place = met.place;
    match of_kind(met.told, Kind::EntryRegistered).as_slice() {
        [] => each(silent(place, "the journal does not tell of its registration")),
        [one] => {
            hold(place, &facts, &one.body, &ENTRY_MEMBERS[..8], each);
            hold(place, &facts, &one.body, &["files", "due_on"], each);
            hold_one(place, &facts, "registered_at", &one.at.into(), each);
            // A journal of the first version tells of no consent, and none was looked for.
            let consent = one.body.get("consent_file").cloned().unwrap_or_default();
            let day = if consent.is_null() {
                Value::Null
            } else {
                day_of(one.at)
            };
            hold_one(place, &facts, "consent_file", &consent, each);
            hold_one(place, &facts, "consent_on", &day, each);
        }
        several => each(Finding::new(
            Fault::RowChanged,
            place,
            format!("the journal registers it {} times", several.len()),
        )),
    }
    for part in &PARTS {
        compare_part(met, part, each)?;
    }
    links::compare(met, each)?;
    planned(met, each)
}

/// The rows of a part against what the journal tells of them.
fn compare_part(met: &Met<'_>, part: &Part, each: Each<'_>) -> rusqlite::Result<()> {
    let mut told: BTreeMap<i64, Vec<Told>> = BTreeMap::new();
    for one in of_kind(met.told, part.kind).into_iter().flat_map(part.spread) {
        let ordinal = one.body.get(part.ordinal).and_then(Value::as_i64);
        told.entry(ordinal.unwrap_or_default()).or_default().push(one);
    }
    let place_of = |ordinal: i64| match ordinal {
        0 => format!("{}/{}", met.place, part.noun),
        _ => format!("{}/{}/{ordinal}", met.place, part.noun),
    };
    let mut statement = met.connection.prepare_cached(part.sql)?;
    let mut rows = statement.query(key(met.row)?)?;
    while let Some(row) = rows.next()? {
        let ordinal: i64 = row.get(0)?;
        let place = &place_of(ordinal);
        match told.remove(&ordinal).as_deref() {
            None | Some([]) => {
                let what = format!("the journal does not tell of this {}", part.noun);
                each(silent(place, &what));
            }
            Some([one]) => {
                let mut facts = facts(row, part.members, 1)?;
                add_files(met.connection, &mut facts)?;
                hold_part(place, part, &facts, one, each);
            }
            Some(several) => {
                let what = format!("the journal tells of it {} times", several.len());
                each(Finding::new(Fault::RowChanged, place.as_str(), what));
            }
        }
    }
    for ordinal in told.into_keys() {
        let what = format!("the journal tells of this {}, and it is not there", part.noun);
        each(Finding::new(Fault::RowMissing, place_of(ordinal), what));
    }
    Ok(())
}

fn hold_part(place: &str, part: &Part, facts: &Facts, told: &Told, each: Each<'_>) {
    hold(place, facts, &told.body, part.members, each);
    hold(place, facts, &told.body, &["files"], each);
    if let Some(at) = part.at {
        hold_one(place, facts, at, &told.at.into(), each);
    }
    if let Some(by) = part.by {
        hold_one(place, facts, by, &told.actor.as_str().into(), each);
    }
}

/// An act tells which letters it plans; when one is due may be put off later, so only their kinds are compared.
fn planned(met: &Met<'_>, each: Each<'_>) -> rusqlite::Result<()> {
    let lists = met
        .told
        .iter()
        .filter_map(|one| one.body.get("planned")?.as_array());
    let mut told: Vec<&str> = lists
        .flatten()
        .map(|one| one["kind"].as_str().unwrap_or_default())
        .collect();
    told.sort_unstable();
    let mut statement = met.connection.prepare_cached(
        "SELECT kind FROM followup WHERE register = ?1 AND year = ?2 AND number = ?3 ORDER BY kind",
    )?;
    let here: rusqlite::Result<Vec<String>> = statement.query_map(key(met.row)?, |row| row.get(0))?.collect();
    let here = here?;
    if here == told {
        return Ok(());
    }
    let place = format!("{}/followup", met.place);
    if here.len() == told.len() {
        each(changed(&place, "kind"));
        return Ok(());
    }
    let fault = if here.len() < told.len() {
        Fault::RowMissing
    } else {
        Fault::JournalSilent
    };
    let what = format!(
        "{} letters are planned, and the journal tells of {}",
        here.len(),
        told.len()
    );
    each(Finding::new(fault, place, what));
    Ok(())
}

/// Register, year and number behind the subject.
pub(super) fn key(row: &Row<'_>) -> rusqlite::Result<[rusqlite::types::Value; 3]> {
    Ok([row.get(1)?, row.get(2)?, row.get(3)?])
}

/// The files of the mail, where the facts name one.
fn add_files(connection: &Connection, facts: &mut Facts) -> rusqlite::Result<()> {
    let Some(mail) = facts.get("mail").and_then(Value::as_i64) else {
        return Ok(());
    };
    let mut files = connection
        .prepare_cached("SELECT name, sha256, accepted FROM document WHERE mail_seq = ?1 ORDER BY ordinal")?;
    let files: rusqlite::Result<Vec<Value>> = files
        .query_map(params![mail], |row| {
            let (name, sha256): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(json!({"name": name, "sha256": sha256, "accepted": row.get::<_, bool>(2)?}))
        })?
        .collect();
    facts.insert("files", Value::Array(files?));
    Ok(())
}

/// The legal day of an instant, as the tables have it.
fn day_of(at: i64) -> Value {
    Timestamp::from_microsecond(at)
        .map(|at| at.to_zoned(ZONE).date().to_string().into())
        .unwrap_or_default()
}

fn one(told: &Told) -> Vec<Told> {
    vec![told.clone()]
}

/// With the day on which it was told.
fn with_day(told: &Told) -> Vec<Told> {
    let mut told = told.clone();
    if let Value::Object(body) = &mut told.body {
        body.insert("on".into(), day_of(told.at));
    }
    vec![told]
}

/// One submission may answer several questions.
fn answers(told: &Told) -> Vec<Told> {
    let submission = told.body.get("submission").cloned().unwrap_or_default();
    let ordinals = told.body.get("clarifications").and_then(Value::as_array);
    ordinals
        .into_iter()
        .flatten()
        .map(|ordinal| Told {
            body: json!({"ordinal": ordinal, "submission": submission}),
            ..told.clone()
        })
        .collect()
}
