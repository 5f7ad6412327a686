//! When letters are planned and what makes them void, on the calendar of November and December 2026.

use jiff::civil::date;

use super::*;
use crate::casework::Policy;
use crate::casework::specimen::{at, case, decided};

/// Kinds and local times of what is planned.
fn planned(act: &Act, now: &str) -> Vec<(Kind, String)> {
    let (hours, calendar, policy) = (
        OfficeHours::default(),
        Calendar::without_overrides(),
        Policy::default(),
    );
    let seen = Circumstances {
        now: at(now),
        hours: &hours,
        calendar: &calendar,
        policy: &policy,
    };
    plan(act, &case(), seen)
        .into_iter()
        .map(|one| {
            assert_eq!(one.ordinal, 1);
            (
                one.kind,
                one.due_at.to_zoned(ZONE).strftime("%m-%d %H:%M").to_string(),
            )
        })
        .collect()
}

fn expected(list: &[(Kind, &str)]) -> Vec<(Kind, String)> {
    list.iter().map(|(kind, at)| (*kind, (*at).to_owned())).collect()
}

#[test]
fn a_question_goes_out_in_the_hours_and_is_recalled_once() {
    let ask = |until| Act::Clarify {
        what: "copia".into(),
        until,
    };
    assert_eq!(
        planned(&ask(date(2026, 12, 9)), "2026-11-24T10:17"),
        expected(&[
            (Kind::ClarificationRequest, "11-24 10:17"),
            (Kind::ClarificationReminder, "12-08 08:00"),
        ])
    );
    // Friday evening; Saint Andrew's and the National Day behind the weekend. The reminder would come on the same day
    // as the question and is left out.
    assert_eq!(
        planned(&ask(date(2026, 12, 3)), "2026-11-27T19:00"),
        expected(&[(Kind::ClarificationRequest, "12-02 08:00")])
    );
}

#[test]
fn the_pickup_is_recalled_one_working_day_before() {
    let come = |starts: &str| Act::Pickup {
        starts: starts.parse().unwrap(),
        place: "ghișeul 2".into(),
    };
    // The working day before Wednesday 2 December is Friday 27 November.
    assert_eq!(
        planned(&come("2026-12-02T11:00"), "2026-11-25T09:00"),
        expected(&[
            (Kind::PickupInvitation, "11-25 09:00"),
            (Kind::PickupReminder, "11-27 08:00"),
        ])
    );
    // The working day before Monday 28 December is Thursday 24 December.
    assert_eq!(
        planned(&come("2026-12-28T11:00"), "2026-12-21T18:00")[1],
        (Kind::PickupReminder, "12-24 08:00".to_owned())
    );
    assert_eq!(planned(&come("2026-12-03T11:00"), "2026-12-02T09:00").len(), 1);
}

#[test]
fn what_happens_meanwhile_makes_letters_void() {
    let hand_over = Act::HandOver {
        on: date(2026, 12, 3),
        how: crate::casework::HandoverWay::Post,
    };
    assert_eq!(voided_by(Event::Act(&hand_over)), Kind::ALL);
    assert_eq!(voided_by(Event::Answered), [Kind::ClarificationReminder]);
    let decide = Act::Decide {
        on: date(2026, 12, 3),
        document: crate::casework::Document {
            name: String::new(),
            sha256: String::new(),
        },
    };
    assert!(!voided_by(Event::Act(&decide)).contains(&Kind::PickupReminder));
}

#[test]
fn every_kind_has_a_letter_of_its_own() {
    let mut letters: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    letters.dedup();
    assert_eq!(letters.len(), Kind::ALL.len());
}

/// What stands on the agenda, from a day on for a week, as codes with their days.
fn on_agenda(case: &Case, letters: &[Planned], today: Date) -> Vec<(String, &'static str)> {
    let (policy, calendar) = (Policy::default(), Calendar::without_overrides());
    agenda::items(case, letters, today, 7, &policy, &calendar)
        .into_iter()
        .map(|item| (item.on.strftime("%m-%d").to_string(), item.what.as_str()))
        .collect()
}

fn days(list: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    list.iter().map(|(on, what)| ((*on).to_owned(), *what)).collect()
}

#[test]
fn the_agenda_tells_of_terms_before_at_and_after_them() {
    let case = case();
    assert_eq!(on_agenda(&case, &[], date(2026, 12, 1)), days(&[]));
    assert_eq!(
        on_agenda(&case, &[], date(2026, 12, 11)),
        days(&[("12-11", "decision-awaited"), ("12-18", "decision-due")])
    );
    assert_eq!(
        on_agenda(&case, &[], date(2026, 12, 18)),
        days(&[("12-18", "decision-due")])
    );
    assert_eq!(
        on_agenda(&case, &[], date(2026, 12, 21)),
        days(&[("12-21", "late")])
    );
}

#[test]
fn the_agenda_tells_of_questions_appointments_and_letters() {
    let mut asked = case();
    asked.clarifications.push(crate::casework::Clarification {
        ordinal: 1,
        what: "copia".into(),
        until: date(2026, 12, 9),
        asked_at: at("2026-11-24T10:17"),
        asked_by: "Maria".into(),
        answer: None,
    });
    let reminder = Planned {
        kind: Kind::ClarificationReminder,
        ordinal: 1,
        due_at: at("2026-12-08T08:00"),
    };
    assert_eq!(
        on_agenda(&asked, &[reminder], date(2026, 12, 4)),
        days(&[("12-08", "clarification-reminder"), ("12-09", "answer-due")])
    );
    assert_eq!(
        on_agenda(&asked, &[], date(2026, 12, 10)),
        days(&[("12-10", "unanswered")])
    );
    let mut decided = decided(date(2026, 11, 27));
    assert_eq!(
        on_agenda(&decided, &[], date(2026, 11, 27)),
        days(&[("11-27", "to-invite")])
    );
    decided.appointments.push(crate::casework::Appointment {
        ordinal: 1,
        starts_at: at("2026-12-03T10:00"),
        minutes: 30,
        place: "ghișeul 2".into(),
        made_at: at("2026-11-27T09:00"),
        made_by: "Maria".into(),
    });
    assert_eq!(
        on_agenda(&decided, &[], date(2026, 12, 2)),
        days(&[("12-03", "appointment")])
    );
    assert_eq!(
        on_agenda(&decided, &[], date(2026, 12, 4)),
        days(&[("12-04", "not-picked-up")])
    );
}
