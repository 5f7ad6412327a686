//! The stable JSON that other programs read, schema 1. README.md describes it; a test holds it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::mailbox::Extent;
use crate::outbox::Letterless;
use crate::registry::{FileRecord, LinkRecord, Number, Spelling, Summary};
use crate::screening::{Outcome, Reason, Sender};
use crate::store::{EntryRecord, LetterRecord, LetterStory, MailRecord, ReceiptState};

/// The version of the objects; it changes when a member changes its meaning or goes.
pub(super) const SCHEMA: u32 = 1;

/// What is told about a mail, decided or rehearsed.
pub(super) struct MailFacts<'a> {
    pub outcome: Option<Outcome>,
    pub reason: Option<Reason>,
    pub replies: bool,
    pub number: Option<String>,
    pub summary: &'a Summary,
    pub files: &'a [FileRecord],
}

/// One mail; `place` is `("path", …)` or `("mail_id", …)`.
pub(super) fn mail(place: (&str, Value), facts: &MailFacts<'_>) -> Value {
    let mut object = json!({
        "schema": SCHEMA,
        "kind": "mail",
        "outcome": facts.outcome.map(Outcome::as_str),
        "reason": facts.reason.map(Reason::as_str),
        "replies": facts.replies,
        "number": facts.number,
        "from": facts.summary.sender_address,
        "subject": subject(facts.summary),
        "date": facts.summary.date.map(instant),
        "documents": facts.files.iter().map(document).collect::<Vec<_>>(),
        "error": null,
    });
    object[place.0] = place.1;
    object
}

/// One file that was inspected alone.
pub(super) fn document_alone(path: &str, files: &[FileRecord]) -> Value {
    let mut object = empty(path, "document");
    object["documents"] = files.iter().map(document).collect();
    object["verdict"] = files
        .first()
        .map_or(Value::Null, |file| verdict(file.accepted).into());
    object
}

/// A file that could not be inspected.
pub(super) fn error(path: &str, kind: &str, error: &str) -> Value {
    let mut object = empty(path, kind);
    object["error"] = error.into();
    object
}

fn empty(path: &str, kind: &str) -> Value {
    json!({
        "schema": SCHEMA, "path": path, "kind": kind, "outcome": null, "reason": null, "replies": false,
        "number": null, "from": null, "subject": null, "date": null, "documents": [], "error": null,
    })
}

fn verdict(accepted: bool) -> &'static str {
    if accepted { "accepted" } else { "refused" }
}

fn document(file: &FileRecord) -> Value {
    let findings: Vec<Value> = file
        .findings
        .iter()
        .map(|finding| json!({"code": finding.code, "severity": finding.severity.as_str()}))
        .collect();
    json!({
        "name": file.name, "container": file.container, "declared": file.declared, "detected": file.detected,
        "size": file.size_bytes, "sha256": file.sha256, "verdict": verdict(file.accepted), "findings": findings,
        "signatures": [],
    })
}

/// A mail as the store has it.
pub(super) fn stored_mail(record: &MailRecord, spelling: Spelling) -> Value {
    let nothing = Summary::default();
    let decision = record.decision.as_ref();
    let facts = MailFacts {
        outcome: decision.map(|decision| decision.outcome),
        reason: decision.map(|decision| decision.reason),
        replies: decision.is_some_and(|decision| decision.replies),
        number: decision.and_then(|decision| spelled(decision.number.as_ref(), spelling)),
        summary: decision.map_or(&nothing, |decision| &decision.summary),
        files: decision.map_or(&[], |decision| &decision.files),
    };
    let mut object = mail(("mail_id", record.seq.into()), &facts);
    object["source"] = record.source.0.as_str().into();
    object["sha256"] = record.sha256.as_str().into();
    object["received_at"] = instant(record.received_at).into();
    object["kept_at"] = instant(record.kept_at).into();
    object["decided_at"] = record.decided_at.map(instant).into();
    object["extent"] = match record.extent {
        Extent::Whole => "whole",
        Extent::HeaderOnly => "header-only",
        Extent::Nothing => "nothing",
    }
    .into();
    object["recalled"] = record.is_recalled.into();
    object["detail"] = decision.map_or("", |decision| decision.detail.as_str()).into();
    object
}

fn spelled(number: Option<&Number>, spelling: Spelling) -> Option<String> {
    number.map(|number| number.spelled(spelling))
}

/// An entry with its receipt and letters.
pub(super) fn entry(record: &EntryRecord, spelling: Spelling) -> Value {
    let entry = &record.entry;
    let receipt = match &record.receipt {
        ReceiptState::Owed { attempts, last_error } => {
            json!({"state": "owed", "attempts": attempts, "last_error": last_error})
        }
        ReceiptState::Issued { at, sha256 } => {
            let letterless = record.letterless.map(Letterless::as_str);
            json!({"state": "issued", "at": instant(*at), "sha256": sha256, "no_letter": letterless})
        }
    };
    json!({
        "schema": SCHEMA,
        "number": entry.number.spelled(spelling),
        "submission": entry.submission,
        "register": entry.number.register,
        "office": entry.draft.office,
        "mail_id": entry.mail_seq,
        "mail_sha256": entry.mail_sha256,
        "applicant": entry.draft.applicant,
        "from": entry.summary.sender_address,
        "subject": subject(&entry.summary),
        "message_id": entry.summary.message_id,
        "request_type": entry.draft.request_type,
        "received_at": instant(entry.draft.received_at),
        "registered_at": instant(entry.draft.registered_at),
        "processing_day": entry.draft.processing_day.to_string(),
        "documents": entry.files.iter().map(document).collect::<Vec<_>>(),
        "sender": sender(entry.sender),
        "links": record.links.iter().map(|one| link(one, spelling)).collect::<Vec<_>>(),
        "receipt": receipt,
        "letters": record.letters.iter().map(letter).collect::<Vec<_>>(),
    })
}

/// `undisputed`, or `disowned` where the domain does not stand by the mail.
fn sender(sender: Sender) -> &'static str {
    match sender {
        Sender::Undisputed => "undisputed",
        Sender::Disowned => "disowned",
    }
}

fn link(record: &LinkRecord, spelling: Spelling) -> Value {
    json!({
        "number": record.later.spelled(spelling),
        "earlier": record.earlier.spelled(spelling),
        "why": record.why.as_str(),
        "state": record.state.as_str(),
        "told": record.told,
        "made_at": instant(record.made_at),
        "decided_at": record.decided.as_ref().map(|(at, _)| instant(*at)),
        "decided_by": record.decided.as_ref().map(|(_, by)| by),
    })
}

fn letter(record: &LetterRecord) -> Value {
    json!({
        "message_id": record.letter.message_id, "kind": record.letter.kind.as_str(), "to": record.letter.to,
        "state": record.state.as_str(), "attempts": record.attempts, "queued_at": instant(record.letter.queued_at),
        "next_at": instant(record.next_at), "last_answer": record.last_answer, "sha256": record.letter.sha256,
        "delivery": record.reported.as_ref().map(|reported| reported.delivery.as_str()),
        "delivery_at": record.reported.as_ref().map(|reported| instant(reported.at)),
    })
}

/// A letter with all that happened to it.
pub(super) fn life(story: &LetterStory) -> Value {
    let steps: Vec<Value> = story
        .steps
        .iter()
        .map(|step| {
            json!({
                "at": instant(step.at), "what": step.kind.as_str(), "words": step.words, "mail_id": step.mail_seq,
            })
        })
        .collect();
    let mut object = letter(&story.record);
    object["ordinal"] = story.record.letter.ordinal.into();
    object["steps"] = steps.into();
    object
}

/// Null where the mail has none, or an empty one.
fn subject(summary: &Summary) -> Option<&str> {
    Some(summary.subject.as_str()).filter(|subject| !subject.is_empty())
}

/// RFC 3339 in UTC, of microseconds since 1970.
pub(super) fn microseconds(at: i64) -> Option<String> {
    Timestamp::from_microsecond(at).ok().map(instant)
}

/// RFC 3339 in UTC.
fn instant(at: Timestamp) -> String {
    at.to_string()
}
