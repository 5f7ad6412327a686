//! Cases and acts as stable JSON, schema 1.

use serde_json::{Value, json};

use crate::casework::{Act, Case, Consent};
use crate::cli::json;
use crate::flow::desk::{Done, Mode};
use crate::followup::Planned;
use crate::registry::Spelling;
use crate::store::{CaseRecord, FollowupRecord};

/// A case without what lies around it.
pub(super) fn brief(case: &Case, spelling: Spelling) -> Value {
    let consent = match &case.consent {
        Consent::Found(found) => json!({
            "state": "found", "file": found.file_name, "submission": found.submission, "on": found.on.to_string(),
        }),
        Consent::Missing | Consent::NotAsked => json!({"state": case.consent.as_str()}),
    };
    let clarifications: Vec<Value> = case
        .clarifications
        .iter()
        .map(|one| {
            json!({
                "ordinal": one.ordinal, "what": one.what, "until": one.until.to_string(),
                "asked_at": one.asked_at.to_string(), "asked_by": one.asked_by,
                "answered_by_submission": one.answer.map(|answer| answer.submission),
                "answered_at": one.answer.map(|answer| answer.at.to_string()),
            })
        })
        .collect();
    let appointments: Vec<Value> = case
        .appointments
        .iter()
        .map(|one| {
            json!({
                "ordinal": one.ordinal, "starts_at": one.starts_at.to_string(), "minutes": one.minutes,
                "place": one.place, "made_by": one.made_by,
            })
        })
        .collect();
    json!({
        "schema": 1,
        "kind": "case",
        "number": case.number.spelled(spelling),
        "office": case.office,
        "state": case.state().as_str(),
        "applicant": case.applicant,
        "address": case.address,
        "subject": case.subject,
        "request_type": case.request_type,
        "received_at": case.received_at.to_string(),
        "due_on": case.due_on.to_string(),
        "consent": consent,
        "clarifications": clarifications,
        "decision": case.decision.as_ref().map(|decision| json!({
            "on": decision.on.to_string(), "document": decision.document_name,
            "sha256": decision.document_sha256, "recorded_by": decision.recorded_by,
        })),
        "appointments": appointments,
        "closed_without_decision": case.set_aside.as_ref().map(|aside| json!({
            "reason": aside.reason, "at": aside.recorded_at.to_string(), "recorded_by": aside.recorded_by,
        })),
        "handover": case.handover.as_ref().map(|handover| json!({
            "on": handover.on.to_string(), "how": handover.how.as_str(), "recorded_by": handover.recorded_by,
        })),
    })
}

/// Everything about a case.
pub(super) fn full(record: &CaseRecord, spelling: Spelling) -> Value {
    let mut object = brief(&record.case, spelling);
    object["entry"] = json::entry(&record.entry, spelling);
    object["submissions"] = record
        .submissions
        .iter()
        .map(|one| json::entry(one, spelling))
        .collect();
    object["planned"] = record.followups.iter().map(followup).collect();
    object["history"] = record
        .history
        .iter()
        .map(|row| json!({"at": json::microseconds(row.at), "actor": row.actor, "kind": row.kind}))
        .collect();
    object
}

fn followup(record: &FollowupRecord) -> Value {
    let mut object = planned(&record.planned);
    object["state"] = record.state.as_str().into();
    object["last_error"] = record.last_error.clone().into();
    object
}

fn planned(one: &Planned) -> Value {
    json!({"letter": one.kind.as_str(), "ordinal": one.ordinal, "due_at": one.due_at.to_string()})
}

/// An act and what it causes.
pub(super) fn done(done: &Done, actor: &str, mode: Mode, spelling: Spelling) -> Value {
    let act = match &done.act {
        Act::Clarify { what, until } => json!({"what": what, "until": until.to_string()}),
        Act::Decide { on, document } => json!({"on": on.to_string(), "document": document.name}),
        Act::Pickup { starts, place } => json!({"starts": starts.to_string(), "place": place}),
        Act::HandOver { on, how } => json!({"on": on.to_string(), "how": how.as_str()}),
        Act::SetAside { reason } => json!({"reason": reason}),
    };
    json!({
        "schema": 1,
        "kind": "act",
        "number": done.case.number.spelled(spelling),
        "act": done.act.verb(),
        "details": act,
        "actor": actor,
        "done": mode == Mode::Do,
        "planned": done.planned.iter().map(planned).collect::<Vec<_>>(),
        "called_off": done.voided.iter().map(planned).collect::<Vec<_>>(),
        "notes": done.notes.iter().map(|note| note.clerk_ro()).collect::<Vec<_>>(),
    })
}
