//! The whole decision: what makes a mail a new entry, a submission, or nothing, by what is known.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::*;
use crate::calendar::Calendar;
use crate::message::{AuthResult, AuthenticationResults};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn desk() -> Desk {
    Desk {
        source: "somaj".into(),
        address: "somaj@ajofm-exemplu.test".into(),
        office: "cluj".into(),
        register: "CJ".into(),
        hours: OfficeHours::default(),
        start: None,
        authserv_ids: BTreeSet::from(["mx.exemplu.test".to_owned()]),
        answers_read_reports: true,
    }
}

fn policy() -> Policy {
    Policy {
        limits: Limits::default(),
        files_max: 200,
        screening: screening::Policy::default(),
        request_types: Vec::new(),
        calendar: Calendar::without_overrides(),
    }
}

/// A reply of the owner to a letter on case 3.
fn reply() -> (Message, Known) {
    let raw =
        "From: ana@exemplu.test\r\nIn-Reply-To: <l@a.test>\r\nSubject: Re: nr. 3/20.11.2026\r\n\r\ntext\r\n";
    let known = Known {
        cases: vec![KnownCase {
            number: number(),
            by: Mention::Letter,
            owner: Some("Ana@exemplu.test".into()),
            is_closed: false,
        }],
        ..Known::default()
    };
    (Message::read(raw.as_bytes()), known)
}

fn number() -> Number {
    Number {
        register: "CJ".into(),
        number: 3,
        date: jiff::civil::date(2026, 11, 20),
    }
}

fn decided(message: &Message, known: &Known, standing: Standing, desk: &Desk) -> Decided {
    let incoming = Incoming {
        message,
        known,
        letter: None,
        extent: Extent::Whole,
        standing,
        instructions: None,
        received_at: at("2026-11-23T08:00:00Z"),
    };
    decide(incoming, desk, at("2026-11-23T08:00:05Z"), &policy())
}

fn failed(authserv_id: &str) -> AuthenticationResults {
    AuthenticationResults {
        authserv_id: authserv_id.into(),
        spf: None,
        dkim: None,
        dmarc: Some(AuthResult::Fail),
    }
}

#[test]
fn whoever_writes_in_anothers_name_writes_into_no_case() {
    let (mut message, known) = reply();
    let joined = decided(&message, &known, Standing::New, &desk());
    assert_eq!((joined.outcome, joined.joins), (Outcome::Joined, Some(number())));
    assert_eq!(joined.links, []);
    // A server that is not believed changes nothing.
    message.authentication = vec![failed("mx.altul.test")];
    let joined = decided(&message, &known, Standing::New, &desk());
    assert_eq!(
        (joined.outcome, joined.sender),
        (Outcome::Joined, Sender::Undisputed)
    );
    message.authentication = vec![failed("mx.exemplu.test")];
    let alone = decided(&message, &known, Standing::New, &desk());
    assert_eq!(
        (alone.outcome, alone.sender),
        (Outcome::Registered, Sender::Disowned)
    );
    let link = Link {
        earlier: Linked::Entry(number()),
        why: LinkWhy::Reply,
        told: false,
    };
    assert_eq!(alone.links, [link]);
}

#[test]
fn a_closed_case_takes_no_more_and_its_owner_is_told_of_it() {
    let (message, mut known) = reply();
    known.cases[0].is_closed = true;
    let new = decided(&message, &known, Standing::New, &desk());
    assert_eq!((new.outcome, new.reason), (Outcome::Registered, Reason::Request));
    assert!(new.links[0].told);
    known.cases[0].owner = Some("altul@exemplu.test".into());
    let strangers = decided(&message, &known, Standing::New, &desk());
    assert!(
        !strangers.links[0].told,
        "a receipt says nothing of a stranger's entry"
    );
}

#[test]
fn before_the_start_nothing_is_done_and_a_release_does_all() {
    let (message, known) = reply();
    let mut late = desk();
    late.start = Some(at("2026-11-23T08:00:01Z"));
    let old = decided(&message, &known, Standing::New, &late);
    assert_eq!(
        (old.reason, old.replies, old.draft),
        (Reason::BeforeStart, false, None)
    );
    let released = decided(&message, &known, Standing::ReleasedByClerk, &late);
    assert_eq!(released.outcome, Outcome::Joined);
    late.start = Some(at("2026-11-23T08:00:00Z"));
    let first = decided(&message, &known, Standing::New, &late);
    assert_eq!(first.outcome, Outcome::Joined, "the start itself belongs to it");
}

#[test]
fn the_same_message_names_its_first_and_goes_before_its_case() {
    let (message, mut known) = reply();
    known.alike = vec![Earlier {
        mail_seq: 7,
        sender: Some("ana@exemplu.test".into()),
        like: Like::Message,
        standing: Sender::Undisputed,
    }];
    let same = decided(&message, &known, Standing::New, &desk());
    assert_eq!((same.reason, same.same_as), (Reason::SameMessage, Some(7)));
    assert_eq!((same.draft, same.joins), (None, None));
    let released = decided(&message, &known, Standing::ReleasedByClerk, &desk());
    assert_eq!((released.outcome, released.same_as), (Outcome::Joined, None));
}

#[test]
fn a_copy_that_its_domain_disowns_swallows_no_real_one() {
    let (mut message, _) = reply();
    let mut known = Known::default();
    let earlier = |like| Earlier {
        mail_seq: 7,
        sender: Some("ana@exemplu.test".into()),
        like,
        standing: Sender::Disowned,
    };
    known.alike = [Like::Message, Like::Text, Like::MessageId].map(earlier).to_vec();
    let real = decided(&message, &known, Standing::New, &desk());
    assert_eq!((real.outcome, real.same_as), (Outcome::Registered, None));
    let link = Link {
        earlier: Linked::Mail(7),
        why: LinkWhy::Message,
        told: false,
    };
    assert_eq!(real.links, [link]);
    message.authentication = vec![failed("mx.exemplu.test")];
    let again = decided(&message, &known, Standing::New, &desk());
    assert_eq!((again.reason, again.same_as), (Reason::SameMessage, Some(7)));
    // And a forged copy of a real one is no second request.
    message.authentication = vec![failed("mx.exemplu.test")];
    known.alike[0].standing = Sender::Undisputed;
    let forged = decided(&message, &known, Standing::New, &desk());
    assert_eq!(forged.reason, Reason::SameMessage);
}

#[test]
fn what_is_registered_is_not_refused_as_too_large() {
    let raw = "Message-ID: <1@e.test>\r\nFrom: ana@exemplu.test\r\nSubject: Cerere\r\n\r\n";
    let message = Message::read(raw.as_bytes());
    let mut known = Known::default();
    let told = |known: &Known| {
        let incoming = Incoming {
            message: &message,
            known,
            letter: None,
            extent: Extent::HeaderOnly,
            standing: Standing::New,
            instructions: None,
            received_at: at("2026-11-23T08:00:00Z"),
        };
        decide(incoming, &desk(), at("2026-11-23T08:00:05Z"), &policy()).reason
    };
    assert_eq!(told(&known), Reason::TooLarge);
    known.alike = vec![Earlier {
        mail_seq: 7,
        sender: Some("ana@exemplu.test".into()),
        like: Like::MessageId,
        standing: Sender::Undisputed,
    }];
    assert_eq!(told(&known), Reason::Oversized);
}

/// As a clerk's word decides.
fn told(message: &Message, known: &Known, word: &Instructions) -> Decided {
    let incoming = Incoming {
        message,
        known,
        letter: None,
        extent: Extent::Whole,
        standing: Standing::ReleasedByClerk,
        instructions: Some(word),
        received_at: at("2026-11-23T08:00:00Z"),
    };
    decide(incoming, &desk(), at("2026-11-23T08:00:05Z"), &policy())
}

#[test]
fn a_case_closed_meanwhile_is_joined_by_nothing_and_makes_no_entry() {
    let (message, mut known) = reply();
    let join = Instructions::Join { number: number() };
    let joined = told(&message, &known, &join);
    assert_eq!(joined.reason, Reason::JoinedByClerk);
    known.cases[0].is_closed = true;
    let held = told(&message, &known, &join);
    assert_eq!((held.outcome, held.reason), (Outcome::Held, Reason::CaseClosed));
    assert_eq!((held.draft, held.joins, held.replies), (None, None, false));
}

#[test]
fn a_clerk_who_names_a_sender_owes_a_machine_no_read_report() {
    let raw = "Return-Path: <stiri@exemplu.test>\r\nFrom: stiri@exemplu.test\r\nSubject: x\r\n\
               Disposition-Notification-To: stiri@exemplu.test\r\n";
    let word = Instructions::Register {
        sender: Some("ana@exemplu.test".into()),
        name: None,
        request_type: None,
    };
    let owes = |more: &str| {
        let message = Message::read(format!("{raw}{more}\r\ntext\r\n").as_bytes());
        told(&message, &Known::default(), &word).owes_read_report
    };
    assert!(owes(""));
    assert!(!owes("List-Id: <stiri.exemplu.test>\r\n"));
    assert!(!owes("Auto-Submitted: auto-generated\r\n"));
}

#[test]
fn processing_never_starts_in_the_past() {
    let (hours, calendar) = (OfficeHours::default(), Calendar::without_overrides());
    let friday: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    let at_once = start_of_processing(friday, friday, &hours, &calendar);
    assert_eq!(at_once.date.to_string(), "2026-11-20");
    assert!(
        at_once.reason_ro.starts_with("primit vineri"),
        "{}",
        at_once.reason_ro
    );
    let after_outage: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    let late = start_of_processing(friday, after_outage, &hours, &calendar);
    assert_eq!(late.date.to_string(), "2026-11-23");
    assert!(
        late.reason_ro.starts_with("preluat de pe server luni"),
        "{}",
        late.reason_ro
    );
}
