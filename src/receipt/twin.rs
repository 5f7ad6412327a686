//! The machine-readable twin of a receipt: `recipisa.json`, embedded in the PDF and covered by its signature.
//!
//! Canonical by RFC 8785 (sorted keys, no blanks, shortest escapes), so the same receipt always gives the same
//! bytes. It holds no text of the message, no CNP, no phone number and no name of the applicant.
//!
//! | field | content |
//! | --- | --- |
//! | `schema` | `urn:recipisa:receipt:1` |
//! | `receipt_id` | id of the receipt |
//! | `event` | `registered`, or `registered_partial` when some files were refused |
//! | `outcome` | `registered` |
//! | `number` | the number as printed |
//! | `submission` | k for the completion nr. k of the request with this number; absent for the request itself |
//! | `links[]` | `number`, `why` (`files`, `text`, `reply`, `number`): earlier entries of the same sender; absent without |
//! | `marking` | `demonstration` or null |
//! | `issuer` | `name`, `cui`, `compartment` (the office), `system`, `system_version` |
//! | `register` | `code`, `name`, `number`, `year`, `date` (ISO) |
//! | `received_at`, `registered_at`, `issued_at` | RFC 3339 with the offset of Europe/Bucharest |
//! | `processing_day` | ISO date |
//! | `request_type` | as proposed |
//! | `message` | `message_id`, `in_reply_to`, `date` (as received), `from`, `subject`, `size` (bytes), `sha256` |
//! | `parts[]` | `no`, `filename`, `container`, `media_type_declared`, `detected`, `size`, `sha256`, `verdict`, `reasons[]` |
//! | `parts[].reasons[]` | `code`, `severity` (`note`, `warning`, `refusal`), `text_ro` |

use serde_json::{Value, json};

use crate::receipt::content::{File, Marking, Receipt};
use crate::receipt::wording;

/// Name of the embedded file.
pub const FILE_NAME: &str = "recipisa.json";
/// Value of the field `schema`.
pub const SCHEMA: &str = "urn:recipisa:receipt:1";

/// The twin's bytes: UTF-8, RFC 8785 canonical.
pub fn twin(receipt: &Receipt) -> Vec<u8> {
    let parts: Vec<Value> = receipt.files.iter().map(part).collect();
    let mut value = json!({
        "schema": SCHEMA,
        "receipt_id": receipt.id,
        "event": event(receipt),
        "outcome": "registered",
        "number": receipt.number,
        "marking": match receipt.marking {
            Marking::None => Value::Null,
            Marking::Demonstration => Value::from("demonstration"),
        },
        "issuer": {
            "name": receipt.agency.name,
            "cui": receipt.agency.cui,
            "compartment": receipt.office.name,
            "system": "recipisa",
            "system_version": receipt.system_version,
        },
        "register": {
            "code": receipt.register.code,
            "name": receipt.register.name,
            "number": receipt.register.number,
            "year": receipt.register.year,
            "date": receipt.register.date.to_string(),
        },
        "received_at": wording::rfc3339(receipt.received_at),
        "registered_at": wording::rfc3339(receipt.registered_at),
        "issued_at": wording::rfc3339(receipt.issued_at),
        "processing_day": receipt.processing_day.to_string(),
        "request_type": receipt.request_type,
        "message": {
            "message_id": receipt.message_id,
            "in_reply_to": receipt.in_reply_to,
            "date": receipt.message_date,
            "from": receipt.sender_address,
            "subject": receipt.subject,
            "size": receipt.mail_size_bytes,
            "sha256": receipt.mail_sha256,
        },
        "parts": parts,
    });
    if receipt.submission > 0 {
        value["submission"] = Value::from(receipt.submission);
    }
    if !receipt.links.is_empty() {
        value["links"] = receipt
            .links
            .iter()
            .map(|link| json!({"number": link.number, "why": link.why}))
            .collect();
    }
    let mut out = String::new();
    write(&value, &mut out);
    out.into_bytes()
}

fn event(receipt: &Receipt) -> &'static str {
    if receipt.refused() == 0 {
        "registered"
    } else {
        "registered_partial"
    }
}

fn part(file: &File) -> Value {
    let reasons: Vec<Value> = file
        .reasons
        .iter()
        .map(|reason| json!({"code": reason.code, "severity": reason.severity.code(), "text_ro": reason.text_ro}))
        .collect();
    json!({
        "no": file.ordinal,
        "filename": file.name,
        "container": file.container,
        "media_type_declared": file.declared,
        "detected": file.detected,
        "size": file.size_bytes,
        "sha256": file.sha256,
        "verdict": file.verdict.code(),
        "reasons": reasons,
    })
}

/// Writes the canonical form (RFC 8785 §3.2). Our keys are ASCII, so byte order is their UTF-16 order; our
/// numbers are whole, and serde_json escapes strings as §3.2.2.2 asks.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(&map[key], out);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::specimen;

    #[test]
    fn is_canonical_and_complete() {
        let text = String::from_utf8(twin(&specimen::ordinary())).unwrap();
        assert!(text.starts_with(
            r#"{"event":"registered_partial","issued_at":"2026-11-20T09:00:21+02:00","issuer":{"#
        ));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["parts"][0]["verdict"], "accepted");
        assert_eq!(value["register"]["number"], 1);
        assert_eq!(value["message"]["from"], "ana.pop@exemplu.test");
    }

    #[test]
    fn a_completion_is_told_and_nothing_else_changes() {
        let text = |receipt: Receipt| String::from_utf8(twin(&receipt)).unwrap();
        let later = text(specimen::completion());
        assert!(later.contains(r#","submission":2"#));
        assert_eq!(
            later.replace(r#","submission":2"#, ""),
            text(specimen::ordinary())
        );
    }

    #[test]
    fn links_are_told_and_nothing_else_changes() {
        let text = |receipt: Receipt| String::from_utf8(twin(&receipt)).unwrap();
        let linked = text(specimen::linked());
        let members = r#""links":[{"number":"1/19.11.2026","why":"files"}],"#;
        assert!(linked.contains(members), "{linked}");
        assert_eq!(linked.replace(members, ""), text(specimen::ordinary()));
    }

    #[test]
    fn holds_neither_applicant_nor_phone() {
        let receipt = specimen::ordinary();
        let text = String::from_utf8(twin(&receipt)).unwrap();
        assert!(!text.contains(receipt.applicant.as_deref().unwrap()));
        assert!(!text.contains(&receipt.agency.phone));
    }

    #[test]
    fn escapes_as_rfc_8785_asks() {
        let mut out = String::new();
        write(
            &json!({"b": "\u{7f}\u{1f}\n\"\\/ș", "a": [1, null, true]}),
            &mut out,
        );
        assert_eq!(out, "{\"a\":[1,null,true],\"b\":\"\u{7f}\\u001f\\n\\\"\\\\/ș\"}");
    }
}
