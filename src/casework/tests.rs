//! Legal moves and refusals of a case, on the calendar of November and December 2026.

use jiff::civil::date;

use super::specimen::{at, case, decided};
use super::*;
use crate::registry::FileRecord;

/// The verdict at a local time, with the usual hours and the calendar of the law.
fn judged(case: &Case, act: &Act, now: &str) -> Result<(), Refusal> {
    let (hours, calendar, policy) = (
        OfficeHours::default(),
        Calendar::without_overrides(),
        Policy::default(),
    );
    case.examine(
        act,
        Circumstances {
            now: at(now),
            hours: &hours,
            calendar: &calendar,
            policy: &policy,
        },
    )
}

fn clarify(until: Date) -> Act {
    Act::Clarify {
        what: "Vă rugăm să trimiteți copia cărții de identitate.".into(),
        until,
    }
}

fn pickup(starts: &str) -> Act {
    Act::Pickup {
        starts: starts.parse().unwrap(),
        place: "ghișeul 2".into(),
    }
}

#[test]
fn a_question_needs_words_time_and_a_working_day() {
    let friday = "2026-11-27T10:00";
    assert_eq!(judged(&case(), &clarify(date(2026, 12, 9)), friday), Ok(()));
    let silent = Act::Clarify {
        what: " \n".into(),
        until: date(2026, 12, 9),
    };
    assert_eq!(judged(&case(), &silent, friday), Err(Refusal::NothingAsked));
    // 30 November and 1 December are free, so the first working day after Friday is Wednesday.
    assert_eq!(
        judged(&case(), &clarify(date(2026, 12, 1)), friday),
        Err(Refusal::TooEarly {
            asked: date(2026, 12, 1),
            first: date(2026, 12, 2)
        })
    );
    assert!(matches!(
        judged(&case(), &clarify(date(2026, 12, 5)), friday),
        Err(Refusal::NotWorked { next, .. }) if next == date(2026, 12, 7)
    ));
    let mut nobody = case();
    nobody.address = None;
    assert_eq!(
        judged(&nobody, &clarify(date(2026, 12, 9)), friday),
        Err(Refusal::NoAddress)
    );
    // Asked on Friday after closing the letter goes out on Wednesday; the citizen has until Thursday at least.
    assert_eq!(
        judged(&case(), &clarify(date(2026, 12, 2)), "2026-11-27T15:00"),
        Err(Refusal::TooEarly {
            asked: date(2026, 12, 2),
            first: date(2026, 12, 3)
        })
    );
}

#[test]
fn a_decision_is_made_once_and_not_ahead_of_time() {
    let decide = |on| Act::Decide {
        on,
        document: Document {
            name: "decizie.pdf".into(),
            sha256: String::new(),
        },
    };
    let now = "2026-11-27T10:00";
    assert_eq!(judged(&case(), &decide(date(2026, 11, 27)), now), Ok(()));
    assert_eq!(
        judged(&case(), &decide(date(2026, 11, 28)), now),
        Err(Refusal::InTheFuture {
            day: date(2026, 11, 28)
        })
    );
    assert!(matches!(
        judged(&case(), &decide(date(2026, 11, 19)), now),
        Err(Refusal::BeforeRegistration { .. })
    ));
    let case = decided(date(2026, 11, 26));
    assert_eq!(
        judged(&case, &decide(date(2026, 11, 27)), now),
        Err(Refusal::DecidedTwice(date(2026, 11, 26)))
    );
    assert_eq!(
        judged(&case, &clarify(date(2026, 12, 9)), now),
        Err(Refusal::Decided(date(2026, 11, 26)))
    );
}

#[test]
fn the_pickup_lies_within_ten_working_days_and_the_hours() {
    let now = "2026-11-27T09:00";
    assert_eq!(
        judged(&case(), &pickup("2026-12-03T10:00"), now),
        Err(Refusal::NotDecided)
    );
    let case = decided(date(2026, 11, 27));
    assert_eq!(judged(&case, &pickup("2026-12-03T10:00"), now), Ok(()));
    // From Friday 27 November, with 30 November and 1 December free, the tenth working day is 15 December.
    assert_eq!(judged(&case, &pickup("2026-12-15T10:00"), now), Ok(()));
    assert_eq!(
        judged(&case, &pickup("2026-12-16T10:00"), now),
        Err(Refusal::PickupTooLate {
            day: date(2026, 12, 16),
            days: 10,
            decided: date(2026, 11, 27),
            last: date(2026, 12, 15)
        })
    );
    for (starts, why) in [
        ("2026-12-03T07:30", "before the opening"),
        ("2026-12-03T16:15", "it would end after closing"),
        ("2026-12-04T13:45", "Friday closes at 14:00"),
    ] {
        assert!(
            matches!(
                judged(&case, &pickup(starts), now),
                Err(Refusal::OutsideHours { .. })
            ),
            "{starts}: {why}"
        );
    }
    assert_eq!(judged(&case, &pickup("2026-12-03T16:00"), now), Ok(()));
    assert!(matches!(
        judged(&case, &pickup("2026-11-30T10:00"), now),
        Err(Refusal::NotWorked { ref why, .. }) if why.contains("Andrei")
    ));
    assert!(matches!(
        judged(&case, &pickup("2026-11-27T11:00"), now),
        Err(Refusal::TooEarly { .. })
    ));
}

#[test]
fn who_did_not_come_may_come_later() {
    let mut case = decided(date(2026, 11, 27));
    case.appointments.push(Appointment {
        ordinal: 1,
        starts_at: at("2026-12-03T10:00"),
        minutes: 30,
        place: "ghișeul 2".into(),
        made_at: at("2026-11-27T09:00"),
        made_by: "Maria".into(),
    });
    assert_eq!(case.state(), State::Invited);
    let later = pickup("2026-12-21T10:00");
    assert!(judged(&case, &later, "2026-12-02T09:00").is_err());
    assert_eq!(judged(&case, &later, "2026-12-07T09:00"), Ok(()));
}

#[test]
fn a_decision_that_was_recorded_late_can_still_be_picked_up() {
    let case = decided(date(2026, 11, 27));
    // The last day was 15 December.
    assert_eq!(
        judged(&case, &pickup("2026-12-22T10:00"), "2026-12-17T09:00"),
        Ok(())
    );
    assert!(matches!(
        judged(&case, &pickup("2028-12-21T10:00"), "2026-12-17T09:00"),
        Err(Refusal::TooFar { .. })
    ));
}

#[test]
fn a_case_with_nothing_to_decide_is_set_aside_with_a_reason() {
    let aside = |reason: &str| Act::SetAside {
        reason: reason.into(),
    };
    let now = "2026-11-27T10:00";
    assert_eq!(judged(&case(), &aside(" "), now), Err(Refusal::NoReason));
    assert_eq!(judged(&case(), &aside("a mulțumit"), now), Ok(()));
    assert!(matches!(
        judged(&decided(date(2026, 11, 26)), &aside("retras"), now),
        Err(Refusal::HasDecision(_))
    ));
    let mut case = case();
    case.set_aside = Some(SetAside {
        reason: "a mulțumit".into(),
        recorded_at: at(now),
        recorded_by: "Maria".into(),
    });
    assert_eq!(case.state(), State::Closed);
    assert!(matches!(
        judged(&case, &clarify(date(2026, 12, 9)), now),
        Err(Refusal::SetAside(_))
    ));
}

#[test]
fn a_closed_case_is_closed() {
    let hand_over = |on| Act::HandOver {
        on,
        how: HandoverWay::InPerson,
    };
    assert_eq!(
        judged(&case(), &hand_over(date(2026, 11, 27)), "2026-11-27T10:00"),
        Err(Refusal::NotDecided)
    );
    let mut case = decided(date(2026, 11, 27));
    assert!(matches!(
        judged(&case, &hand_over(date(2026, 11, 26)), "2026-11-27T10:00"),
        Err(Refusal::BeforeDecision { .. })
    ));
    assert_eq!(
        judged(&case, &hand_over(date(2026, 11, 27)), "2026-11-27T10:00"),
        Ok(())
    );
    case.handover = Some(Handover {
        on: date(2026, 12, 3),
        how: HandoverWay::InPerson,
        recorded_at: at("2026-12-03T10:10"),
        recorded_by: "Maria".into(),
    });
    assert_eq!(case.state(), State::Closed);
    assert_eq!(
        judged(&case, &pickup("2026-12-07T10:00"), "2026-12-04T09:00"),
        Err(Refusal::Closed(date(2026, 12, 3)))
    );
}

#[test]
fn a_decision_is_awaited_near_its_term_only() {
    let (policy, calendar) = (Policy::default(), Calendar::without_overrides());
    let case = case();
    // Due on Friday 18 December: five working days before is Friday 11 December.
    assert!(!case.is_awaited(date(2026, 12, 10), &policy, &calendar));
    assert!(case.is_awaited(date(2026, 12, 11), &policy, &calendar));
    assert!(case.is_awaited(date(2026, 12, 28), &policy, &calendar));
    assert!(!decided(date(2026, 12, 10)).is_awaited(date(2026, 12, 18), &policy, &calendar));
}

#[test]
fn the_consent_is_an_accepted_file_of_that_name() {
    let file = |name: &str, accepted| FileRecord {
        name: name.into(),
        container: None,
        declared: "application/pdf".into(),
        detected: "pdf".into(),
        kind_ro: "document PDF".into(),
        size_bytes: 1,
        sha256: "0".repeat(64),
        accepted,
        findings: Vec::new(),
    };
    let policy = consent::Policy::default();
    let found = |files: &[FileRecord]| consent::find(files, &policy).map(|file| file.name.clone());
    assert_eq!(found(&[file("cerere.pdf", true)]), None);
    assert_eq!(found(&[file("ACORD semnat.PDF", false)]), None, "refused");
    for other in ["Cerere acordare indemnizație.pdf", "dezacord.pdf", "acorduri.pdf"] {
        assert_eq!(found(&[file(other, true)]), None, "{other}");
    }
    assert_eq!(
        found(&[file("cerere.pdf", true), file("Acord_semnat.pdf", true)]).as_deref(),
        Some("Acord_semnat.pdf")
    );
    assert!(found(&[file("consimțământ.jpg", true)]).is_some());
    let silent = consent::Policy {
        asked: false,
        ..policy.clone()
    };
    assert!(consent::find(&[file("acord.pdf", true)], &silent).is_none());
}
