//! What is never answered, what is told, and what is left alone.

use super::*;

fn judged(header: &str, standing: Standing) -> Screened {
    let raw = format!("{header}\r\nSubject: cerere\r\n\r\ntext\r\n");
    let policy = Policy {
        own_addresses: BTreeSet::from(["somaj@ajofm-exemplu.test".to_owned()]),
    };
    let seen = Circumstances {
        extent: Extent::Whole,
        standing,
        matter: Matter::New,
        sender: Sender::Undisputed,
        reach: Reach::Open,
    };
    screen(&Message::read(raw.as_bytes()), seen, &policy)
}

#[test]
fn every_reason_has_its_own_code_and_a_sentence() {
    let codes: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(codes.len(), Reason::ALL.len());
    assert!(Reason::ALL.iter().all(|reason| !reason.clerk_ro().is_empty()));
}

#[test]
fn machine_mail_is_never_answered_not_even_when_released() {
    let machines = [
        (
            "From: a@exemplu.test\r\nAuto-Submitted: auto-replied",
            Reason::AutoReply,
        ),
        (
            "From: a@exemplu.test\r\nAuto-Submitted: auto-generated (x)",
            Reason::AutoReply,
        ),
        (
            "Return-Path: <>\r\nFrom: MAILER-DAEMON@exemplu.test",
            Reason::Bounce,
        ),
        ("From: a@exemplu.test\r\nPrecedence: bulk", Reason::Bulk),
        ("From: a@exemplu.test\r\nPrecedence: junk", Reason::Bulk),
        ("From: a@exemplu.test\r\nPrecedence: list", Reason::List),
        (
            "From: a@exemplu.test\r\nList-Id: <stiri.exemplu.test>",
            Reason::List,
        ),
        ("From: Somaj <SOMAJ@ajofm-exemplu.test>", Reason::OwnMail),
        (
            "From: a@exemplu.test\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b",
            Reason::ReadReport,
        ),
    ];
    for (header, reason) in machines {
        assert_eq!(
            judged(header, Standing::New),
            Screened {
                reason,
                replies: false
            },
            "{header}"
        );
        assert!(!judged(header, Standing::ReleasedByClerk).replies, "{header}");
    }
}

#[test]
fn a_person_is_answered_and_the_rest_is_held() {
    let person = judged(
        "From: Ion <ion@exemplu.test>\r\nAuto-Submitted: no",
        Standing::New,
    );
    assert_eq!(
        person,
        Screened {
            reason: Reason::Request,
            replies: true
        }
    );
    assert_eq!(
        judged("To: x@exemplu.test", Standing::New).reason,
        Reason::NoSender
    );
    let two = "From: a@exemplu.test, b@exemplu.test";
    assert_eq!(judged(two, Standing::New).reason, Reason::SeveralSenders);
    assert_eq!(
        judged(two, Standing::ReleasedByClerk),
        Screened {
            reason: Reason::Released,
            replies: false
        }
    );
}

fn seen(extent: Extent, matter: Matter) -> Circumstances {
    Circumstances {
        extent,
        standing: Standing::New,
        matter,
        sender: Sender::Undisputed,
        reach: Reach::Open,
    }
}

fn message(header: &str) -> Message {
    Message::read(format!("{header}\r\nSubject: cerere\r\n\r\ntext\r\n").as_bytes())
}

#[test]
fn what_cannot_be_taken_is_told_only_to_whom_it_may_be_told() {
    let (policy, large) = (Policy::default(), seen(Extent::HeaderOnly, Matter::New));
    let person = message("From: ana@exemplu.test");
    let mut encrypted = message("From: ana@exemplu.test");
    encrypted.defects.push(Defect::Encrypted);
    let whole = seen(Extent::Whole, Matter::New);
    let told = |reason| Screened {
        reason,
        replies: true,
    };
    assert_eq!(screen(&person, large, &policy), told(Reason::TooLarge));
    assert_eq!(screen(&encrypted, whole, &policy), told(Reason::Encrypted));
    let closed = [
        (Sender::Disowned, Reach::Open),
        (Sender::Undisputed, Reach::BudgetSpent),
        (Sender::Undisputed, Reach::BadAddress),
        (Sender::Undisputed, Reach::RegisteredAlready),
    ];
    for (sender, reach) in closed {
        let (large, whole) = (
            Circumstances {
                sender,
                reach,
                ..large
            },
            Circumstances {
                sender,
                reach,
                ..whole
            },
        );
        assert_eq!(
            screen(&person, large, &policy),
            Screened::silently(Reason::Oversized)
        );
        let held = Screened::silently(Reason::EncryptedUnanswerable);
        assert_eq!(screen(&encrypted, whole, &policy), held);
    }
    for silent in [
        "From: ana@exemplu.test\r\nX-Auto-Response-Suppress: All",
        "From: a@exemplu.test, b@exemplu.test",
        "To: x@exemplu.test",
    ] {
        let held = Screened::silently(Reason::Oversized);
        assert_eq!(screen(&message(silent), large, &policy), held, "{silent}");
    }
    let machine = message("From: a@exemplu.test\r\nAuto-Submitted: auto-replied");
    assert_eq!(
        screen(&machine, large, &policy),
        Screened::silently(Reason::AutoReply)
    );
}

#[test]
fn what_came_before_the_start_is_left_alone_until_somebody_releases_it() {
    let policy = Policy::default();
    let old = seen(Extent::HeaderOnly, Matter::BeforeStart);
    for header in [
        "From: ana@exemplu.test",
        "From: a@exemplu.test\r\nPrecedence: list",
        "X: y",
    ] {
        assert_eq!(
            screen(&message(header), old, &policy),
            Screened::silently(Reason::BeforeStart)
        );
    }
    let released = Circumstances {
        standing: Standing::ReleasedByClerk,
        ..old
    };
    let screened = screen(&message("From: ana@exemplu.test"), released, &policy);
    assert_eq!((screened.reason, screened.replies), (Reason::Released, true));
}

#[test]
fn the_same_message_again_is_ignored_and_a_clerk_may_register_it() {
    let (policy, person) = (Policy::default(), message("From: ana@exemplu.test"));
    let again = seen(Extent::Whole, Matter::SameMessage);
    assert_eq!(
        screen(&person, again, &policy),
        Screened::silently(Reason::SameMessage)
    );
    let released = Circumstances {
        standing: Standing::ReleasedByClerk,
        ..again
    };
    assert_eq!(screen(&person, released, &policy).reason, Reason::Released);
}

#[test]
fn what_came_through_a_group_of_ours_is_registered_and_not_answered() {
    for list in [
        "List-Id: Somaj <somaj.AJOFM-exemplu.test>",
        "List-Post: <mailto:somaj@ajofm-exemplu.test>",
    ] {
        let header = format!("From: ana@exemplu.test\r\n{list}\r\nPrecedence: list");
        assert_eq!(
            judged(&header, Standing::New),
            Screened::silently(Reason::Request),
            "{list}"
        );
        let automatic = format!("{header}\r\nAuto-Submitted: auto-replied");
        assert_eq!(
            judged(&automatic, Standing::New),
            Screened::silently(Reason::AutoReply)
        );
    }
    let foreign = "From: ana@exemplu.test\r\nList-Id: <x.somaj.ajofm-exemplu.test>\r\nPrecedence: list";
    assert_eq!(judged(foreign, Standing::New), Screened::silently(Reason::List));
}

#[test]
fn our_address_with_anothers_for_the_answer_is_for_a_person_to_look_at() {
    let own = "From: Somaj <somaj@ajofm-exemplu.test>";
    for (rest, reason) in [
        ("Reply-To: Ana <ana@exemplu.test>", Reason::OwnAddress),
        (
            "Reply-To: ana@exemplu.test\r\nList-Id: <somaj.ajofm-exemplu.test>",
            Reason::OwnAddress,
        ),
        ("Reply-To: SOMAJ@ajofm-exemplu.test", Reason::OwnMail),
        (
            "Reply-To: ana@exemplu.test\r\nAuto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All",
            Reason::OwnMail,
        ),
    ] {
        let header = format!("{own}\r\n{rest}");
        assert_eq!(
            judged(&header, Standing::New),
            Screened::silently(reason),
            "{rest}"
        );
    }
}
