//! Dovecot with and without what a server may have: prefixes, separators, diacritics, full mailboxes, other numbers.

use std::fs;

use super::{account, hasty, list, uids, whole};
use crate::support::books;
use crate::support::ca::TestCa;
use crate::support::citizens::{Citizens, now};
use crate::support::dovecot::{Dovecot, Habit, Offer, User};
use crate::support::online::{Agency, Inbox, KEPT_FOLDER, Submission};
use crate::support::scene::Scene;
use crate::support::sink::{Security, Sink};
use crate::support::tools::{TempDir, set_mode};
use recipisa::mailbox::{Mailbox, MailboxError};

/// Replaces text in the agency's configuration.
pub(super) fn rewrite(agency: &Agency, changes: &[(&str, &str)]) {
    let mut text = fs::read_to_string(agency.config()).unwrap();
    for (old, new) in changes {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    fs::write(agency.config(), text).unwrap();
}

/// One mail, taken and moved into `move_to`, with `once`; what else must be in the configuration is `folder`.
fn taken(habit: Habit, move_to: &str, lies_in: &str) {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let dovecot = Dovecot::start_as(&dir.path().join("d"), &ca, habit, None);
    let sink = Sink::start(Security::Implicit, &ca.server, None);
    let submission = Submission {
        security: "tls",
        ..Submission::starttls(sink.port)
    };
    let inbox = [Inbox::over_tls(User::Amt, dovecot.ports.imaps)];
    let agency = Agency::found(&dir.path().join("a"), &ca, &inbox, submission);
    rewrite(
        &agency,
        &[(
            &format!("move_to = \"{KEPT_FOLDER}\""),
            &format!("move_to = \"{move_to}\""),
        )],
    );
    let mut citizens = Citizens::default();
    // The second round finds the folder there; each is a process of its own.
    for round in 1..=2 {
        citizens.write(&dovecot, User::Amt);
        let said = agency.command(&["once"]);
        assert!(
            said.status.success(),
            "{habit:?} {move_to}: {}",
            String::from_utf8_lossy(&said.stderr)
        );
        assert!(
            dovecot.mails(User::Amt, "INBOX").is_empty(),
            "{habit:?} {move_to}"
        );
        assert_eq!(
            dovecot.mails(User::Amt, lies_in).len(),
            round,
            "{habit:?} {move_to}"
        );
    }
    let online = agency.command(&["check", "--online"]);
    let online = String::from_utf8_lossy(&online.stdout).into_owned();
    assert!(
        online.contains(&format!("kept mail goes to {move_to}\n")),
        "{online}"
    );
}

#[test]
fn folders_are_found_and_made_on_servers_of_all_habits() {
    let below_inbox = Habit {
        prefix: "INBOX.",
        ..Habit::default()
    };
    let without_namespace = Habit {
        offer: Offer::Only("IMAP4rev1 MOVE UIDPLUS"),
        ..below_inbox
    };
    let slashes = Habit {
        separator: '/',
        ..Habit::default()
    };
    taken(below_inbox, "Inregistrate", "Inregistrate");
    taken(below_inbox, "INBOX.Inregistrate", "Inregistrate");
    taken(without_namespace, "Inregistrate", "Inregistrate");
    taken(slashes, "Cereri.Inregistrate", "Cereri.Inregistrate");
    taken(Habit::default(), "Cereri/Inregistrate", "Cereri.Inregistrate");
    taken(Habit::default(), "Înregistrate", "&AM4-nregistrate");
    taken(
        below_inbox,
        "Cereri și altele/Înregistrate",
        "Cereri &Ahk-i altele.&AM4-nregistrate",
    );
}

#[test]
fn every_set_of_capabilities_takes_each_mail_once() {
    for offer in [
        "IMAP4rev1",
        "IMAP4rev1 IDLE",
        "IMAP4rev1 UIDPLUS LITERAL+",
        "IMAP4rev1 MOVE",
        "IMAP4rev1 MOVE UIDPLUS IDLE NAMESPACE CONDSTORE QRESYNC LITERAL+",
    ] {
        let dir = TempDir::new();
        let ca = TestCa::make(&dir.path().join("ca"));
        let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Only(offer));
        for number in 1..=3 {
            let mail = format!("From: <citizen@citizen.test>\r\nSubject: {number}\r\n\r\nBună ziua\r\n");
            dovecot.deliver(User::Amt, mail.as_bytes(), now());
        }
        let mut mailbox = hasty(account(User::Amt, dovecot.ports.imaps, &ca));
        let shown = list(&mut mailbox);
        assert_eq!(uids(shown.iter().map(|one| &one.key)), "1 2 3", "{offer}");
        let given = mailbox.fetch(&whole(&shown)).unwrap();
        assert_eq!((given.mails.len(), given.refused.len()), (3, 0), "{offer}");
        assert!(given.mails[2].bytes.ends_with("Bună ziua\r\n".as_bytes()));
    }
}

#[test]
fn after_a_change_of_uidvalidity_known_mail_is_recognised_by_its_content() {
    let mut scene = Scene::new();
    rewrite(
        &scene.agency,
        &[(&format!("move_to = \"{KEPT_FOLDER}\""), "move_to = \"\"")],
    );
    scene.write(4);
    let once = |scene: &Scene| {
        let said = scene.agency.command(&["once"]);
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    };
    once(&scene);
    for user in ["amt", "dej"] {
        let validity = [
            "mailbox",
            "update",
            "-u",
            user,
            "--uid-validity",
            "424242",
            "INBOX",
        ];
        scene.dovecot.doveadm(&validity);
    }
    scene.write(2);
    once(&scene);
    once(&scene);
    assert_eq!(scene.agency.json(&["entries", "--json"]).len(), 6);
    let mails = scene.agency.json(&["mails", "--json"]);
    let again = mails.iter().filter(|mail| mail["outcome"] == "ignored").count();
    assert_eq!((mails.len(), again), (10, 4), "{mails:#?}");
    assert_eq!(scene.sink.kept().len(), 6);
}

#[test]
fn a_change_of_uidvalidity_between_listing_and_fetch_gives_nothing_wrong() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Everything);
    dovecot.deliver(User::Amt, b"Subject: unu\r\n\r\n", now());
    let mut mailbox = hasty(account(User::Amt, dovecot.ports.imaps, &ca));
    let shown = list(&mut mailbox);
    dovecot.doveadm(&[
        "mailbox",
        "update",
        "-u",
        "amt",
        "--uid-validity",
        "424242",
        "INBOX",
    ]);
    // While its session lasts, Dovecot shows the folder as it was; a new one finds other numbers.
    dovecot.doveadm(&["kick", "amt"]);
    let given = mailbox.fetch(&whole(&shown)).unwrap();
    assert_eq!((given.mails.len(), given.refused.len()), (0, 0), "{given:?}");
    let shown = list(&mut mailbox);
    assert_eq!(shown[0].key.0, "INBOX;424242;1");
    assert_eq!(mailbox.fetch(&whole(&shown)).unwrap().mails.len(), 1);
}

#[test]
fn messages_that_vanish_or_cannot_be_read_hold_up_no_other() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Everything);
    for number in 1..=5 {
        let mail = format!("Subject: {number}\r\n\r\ntext\r\n");
        dovecot.deliver(User::Amt, mail.as_bytes(), now());
    }
    let mut mailbox = hasty(account(User::Amt, dovecot.ports.imaps, &ca));
    let shown = list(&mut mailbox);
    assert_eq!(shown.len(), 5);
    dovecot.doveadm(&["expunge", "-u", "amt", "mailbox", "INBOX", "uid", "2"]);
    // The file of the fourth is there, and the server may not read it.
    let cur = dovecot.maildir(User::Amt, "INBOX").join("cur");
    let fourth = fs::read_dir(&cur)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| fs::read_to_string(path).unwrap().contains("Subject: 4"))
        .unwrap();
    set_mode(&fourth, 0o000);
    let given = mailbox.fetch(&whole(&shown)).unwrap();
    assert_eq!(
        uids(given.mails.iter().map(|mail| &mail.sighting.key)),
        "1 3 5",
        "{:?}",
        given.refused
    );
    assert_eq!(given.refused.len(), 1, "{:?}", given.refused);
    assert!(given.refused[0].0.0.ends_with(";4"), "{:?}", given.refused);
    set_mode(&fourth, 0o600);
    let shown = list(&mut mailbox);
    let fourth = whole(&shown[2..3]);
    assert_eq!(
        mailbox.fetch(&fourth).unwrap().mails[0].bytes,
        b"Subject: 4\r\n\r\ntext\r\n"
    );
}

#[test]
fn a_wish_for_a_read_report_is_marked_as_settled_before_the_mail_is_moved() {
    for offer in [Offer::Everything, Offer::Only("IMAP4rev1 UIDPLUS")] {
        let dir = TempDir::new();
        let ca = TestCa::make(&dir.path().join("ca"));
        let dovecot = Dovecot::start(&dir.path().join("d"), &ca, offer);
        let sink = Sink::start(Security::Implicit, &ca.server, None);
        let submission = Submission {
            security: "tls",
            ..Submission::starttls(sink.port)
        };
        let inbox = [Inbox::over_tls(User::Amt, dovecot.ports.imaps)];
        let agency = Agency::found(&dir.path().join("a"), &ca, &inbox, submission);
        for (number, wish) in [
            (1, ""),
            (2, "Disposition-Notification-To: <citizen+2@citizen.test>\r\n"),
        ] {
            let mail = format!(
                "Return-Path: <citizen+{number}@citizen.test>\r\nFrom: <citizen+{number}@citizen.test>\r\n{wish}\
                 Subject: Cerere {number}\r\nMessage-ID: <{number}@citizen.test>\r\n\r\nVă rog.\r\n"
            );
            dovecot.deliver(User::Amt, mail.as_bytes(), now());
        }
        let said = agency.command(&["once"]);
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let query = [
            "fetch",
            "-u",
            "amt",
            "hdr.subject flags",
            "mailbox",
            KEPT_FOLDER,
            "all",
        ];
        let flags = dovecot.doveadm(&query);
        assert_eq!(flags.matches("$MDNSent").count(), 1, "{flags}");
        assert!(!flags.contains("Seen"), "{flags}");
        let (_, of_second) = flags.split_once("Cerere 2").unwrap();
        assert!(of_second.contains("$MDNSent"), "{flags}");
    }
}

#[test]
fn a_full_mailbox_keeps_its_mail_where_it_is_and_every_citizen_is_answered() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let habit = Habit {
        offer: Offer::Only("IMAP4rev1 UIDPLUS"),
        quota_kib: 2,
        ..Habit::default()
    };
    let dovecot = Dovecot::start_as(&dir.path().join("d"), &ca, habit, None);
    let sink = Sink::start(Security::Implicit, &ca.server, None);
    let submission = Submission {
        security: "tls",
        ..Submission::starttls(sink.port)
    };
    let inbox = [Inbox::over_tls(User::Amt, dovecot.ports.imaps)];
    let agency = Agency::found(&dir.path().join("a"), &ca, &inbox, submission);
    let mut citizens = Citizens::default();
    citizens.write(&dovecot, User::Amt);
    citizens.write(&dovecot, User::Amt);
    for _ in 1..=2 {
        let said = agency.command(&["once"]);
        let said =
            String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
        assert!(said.contains("OVERQUOTA"), "{said}");
    }
    assert_eq!(dovecot.mails(User::Amt, "INBOX").len(), 2);
    assert_eq!(books::check(&agency, &dovecot, &citizens, &sink.kept()), 0);
}

#[test]
fn a_server_that_counts_connections_is_told_from_a_wrong_password() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let habit = Habit {
        connections_max: 1,
        ..Habit::default()
    };
    let dovecot = Dovecot::start_as(&dir.path().join("d"), &ca, habit, None);
    let mut first = hasty(account(User::Amt, dovecot.ports.imaps, &ca));
    list(&mut first);
    list(&mut first);
    let mut second = hasty(account(User::Amt, dovecot.ports.imaps, &ca));
    let Err(error) = second.list() else {
        panic!("two connections are one too many");
    };
    assert!(
        matches!(error, MailboxError::Limit { .. }) && error.is_away(),
        "{error}"
    );
    assert!(
        error.to_string().contains("Maximum number of connections"),
        "{error}"
    );
    drop(first);
    crate::support::tools::wait_until("a free place", crate::support::tools::PATIENCE, || {
        second.list().ok()
    });
}
