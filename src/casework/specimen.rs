//! A case for tests of the stages that speak of cases.

use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::{Case, Consent, Decision, instant};
use crate::registry::Number;

/// A local time.
pub(crate) fn at(local: &str) -> Timestamp {
    instant(local.parse().unwrap()).unwrap()
}

/// Registered on Friday 20 November 2026, with its term on 18 December.
pub(crate) fn case() -> Case {
    Case {
        number: Number {
            register: "CJ".into(),
            number: 7,
            date: date(2026, 11, 20),
        },
        office: "cluj".into(),
        source: "somaj".into(),
        applicant: Some("Ana Exemplu".into()),
        address: Some("ana@exemplu.test".into()),
        subject: "cerere".into(),
        request_type: "nedeterminat".into(),
        received_at: at("2026-11-20T09:00"),
        due_on: date(2026, 12, 18),
        consent: Consent::Missing,
        clarifications: Vec::new(),
        decision: None,
        appointments: Vec::new(),
        handover: None,
        set_aside: None,
        replies: true,
        version: 0,
    }
}

/// The same with a decision of that day.
pub(crate) fn decided(on: Date) -> Case {
    let mut case = case();
    case.decision = Some(Decision {
        on,
        document_name: "decizie.pdf".into(),
        document_sha256: "0".repeat(64),
        recorded_at: at("2026-11-27T09:00"),
        recorded_by: "Maria".into(),
    });
    case
}
