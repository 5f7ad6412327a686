//! The digest as an object for other programs: English keys, nothing cut, nothing cleaned, schema 1.

use serde_json::{Value, json};

use super::facts::{
    Answered, Counts, Facts, File, Held, Joined, Misfit, NewEntry, OpenCase, Pickup, Scope, SourceCounts,
    Unanswered, Undelivered, Unreached,
};
use super::{conexe, words};
use crate::registry::Delivery;

/// It changes when a member changes its meaning or goes.
const SCHEMA: u32 = 1;

/// The object.
pub(super) fn json(facts: &Facts) -> Value {
    let office = match &facts.scope {
        Scope::All => None,
        Scope::Office(name) => Some(name),
    };
    let gap = facts
        .gap
        .map(|gap| json!({"missed": gap.missed, "down_since": gap.down_since.to_string()}));
    let case = |case: &OpenCase| open_case(case, facts);
    json!({
        "schema": SCHEMA,
        "kind": "digest",
        "agency": facts.agency,
        "office": office,
        "from": facts.period.from.to_string(),
        "to": facts.period.to.to_string(),
        "today": facts.today.to_string(),
        "next_working_day": facts.next_working_day.to_string(),
        "gap": gap,
        "unreached": each(&facts.unreached, unreached),
        "late": each(&facts.late, case),
        "due_today": each(&facts.due_today, case),
        "due_this_week": each(&facts.due_this_week, case),
        "pickups_today": each(&facts.pickups_today, pickup),
        "pickups_next_working_day": each(&facts.pickups_next, pickup),
        "held": each(&facts.held, held),
        "undelivered": each(&facts.undelivered, undelivered),
        "clarifications_unanswered": each(&facts.unanswered, unanswered),
        "clarifications_answered": each(&facts.answered, answered),
        "joined": each(&facts.joined, joined),
        "entries": each(&facts.entries, entry),
        "links_proposed": conexe::links_json(&facts.conexe),
        "copies": conexe::copies_json(&facts.conexe),
        "messages": {
            "balanced": facts.balanced(),
            "total": counts(&facts.total()),
            "sources": each(&facts.sources, source),
            "misfits": each(&facts.misfits, misfit),
            "misfits_total": facts.misfits_total,
        },
    })
}

fn unreached(one: &Unreached) -> Value {
    json!({
        "source": one.source,
        "address": one.address,
        "last_contact": one.contact_at.map(|at| at.to_string()),
        "failing_since": one.failing_since.to_string(),
        "why": one.why,
    })
}

fn each<T>(items: &[T], object: impl Fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(object).collect()
}

fn open_case(case: &OpenCase, facts: &Facts) -> Value {
    json!({
        "number": case.number,
        "applicant": case.applicant,
        "request_type": case.request_type,
        "office": case.office,
        "due_on": case.due_on.to_string(),
        "days_late": case.days_late(facts.today),
        "awaited": case.awaited.as_str(),
    })
}

fn pickup(pickup: &Pickup) -> Value {
    json!({
        "at": pickup.at.to_string(),
        "number": pickup.number,
        "applicant": pickup.applicant,
        "request_type": pickup.request_type,
        "office": pickup.office,
    })
}

fn held(mail: &Held) -> Value {
    json!({
        "mail_id": mail.mail_id,
        "received_at": mail.received_at.to_string(),
        "source": mail.source,
        "reason": mail.reason.as_str(),
        "reason_ro": mail.reason.clerk_ro(),
        "from": mail.sender,
        "subject": mail.subject,
        "commands": words::held_commands(mail).map(|(_, command)| command),
    })
}

fn undelivered(letter: &Undelivered) -> Value {
    let (_, command) = words::remedy(letter);
    json!({
        "number": letter.number,
        "applicant": letter.applicant,
        "office": letter.office,
        "letter": letter.letter.as_str(),
        "to": letter.to,
        "trouble": letter.trouble.as_str(),
        "last_answer": letter.last_answer,
        "report_of_another": letter.of_another,
        "mail_id": letter.mail.as_ref().map(|mail| mail.mail_id),
        "from": letter.mail.as_ref().and_then(|mail| mail.sender.as_ref()),
        "subject": letter.mail.as_ref().map(|mail| &mail.subject),
        "commands": command.into_iter().collect::<Vec<_>>(),
    })
}

fn unanswered(asked: &Unanswered) -> Value {
    json!({
        "number": asked.number,
        "applicant": asked.applicant,
        "office": asked.office,
        "clarification": asked.ordinal,
        "asked_on": asked.asked_on.to_string(),
        "until": asked.until.to_string(),
        "reminded_on": asked.reminded_on.map(|on| on.to_string()),
        "what": asked.what,
    })
}

fn answered(reply: &Answered) -> Value {
    json!({
        "number": reply.number,
        "applicant": reply.applicant,
        "office": reply.office,
        "clarification": reply.ordinal,
        "received_at": reply.at.to_string(),
        "files": each(&reply.files, file),
    })
}

fn joined(joined: &Joined) -> Value {
    json!({
        "number": joined.number,
        "applicant": joined.applicant,
        "office": joined.office,
        "submission": joined.ordinal,
        "received_at": joined.received_at.to_string(),
        "files": each(&joined.files, file),
    })
}

fn entry(entry: &NewEntry) -> Value {
    json!({
        "number": entry.number,
        "received_at": entry.received_at.to_string(),
        "applicant": entry.applicant,
        "request_type": entry.request_type,
        "office": entry.office,
        "consent": entry.consent.as_str(),
        "receipt": entry.receipt.map(Delivery::as_str),
        "files": each(&entry.files, file),
    })
}

fn file(file: &File) -> Value {
    json!({"name": file.name, "verdict": file.verdict.code()})
}

fn source(source: &SourceCounts) -> Value {
    let mut object = counts(&source.counts);
    object["source"] = source.source.as_str().into();
    object
}

fn misfit(misfit: &Misfit) -> Value {
    json!({"source": misfit.source, "key": misfit.key, "fault": misfit.fault.as_str()})
}

/// `difference` is what was shown less what is accounted for; the equation holds where it is 0.
fn counts(counts: &Counts) -> Value {
    let difference = counts.difference();
    let difference = i64::try_from(difference).unwrap_or(if difference > 0 { i64::MAX } else { i64::MIN });
    json!({
        "shown": counts.shown,
        "registered": counts.registered,
        "joined": counts.joined,
        "answered": counts.answered,
        "filed": counts.filed,
        "ignored": counts.ignored,
        "held": counts.held,
        "undecided": counts.undecided,
        "awaited": counts.awaited,
        "difference": difference,
    })
}
