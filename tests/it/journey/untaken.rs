//! With real servers: what cannot be taken is told to its sender, and one message in two mailboxes is one registration.

use std::fs;

use crate::support::MailWorld;
use crate::support::citizens::now;
use crate::support::dovecot::{Stored, User};
use crate::support::online::{Agency, Inbox, Submission, end};
use crate::support::tools::{PATIENCE, wait_until};

use super::{Letter, text};

/// A mail with this sender, Message-ID and words.
fn mail(way: &str, from: &str, id: &str, words: &str) -> Vec<u8> {
    format!(
        "Return-Path: <{from}>\r\nReceived: from {way}.citizen.test by mx.amt.test; Fri, 20 Nov 2026 10:00:00 +0200\r\n\
         From: Ana Pop <{from}>\r\nTo: <{}>, <{}>\r\nSubject: Acte pentru =?UTF-8?Q?=C8=99omaj?=\r\n\
         Message-ID: <{id}@citizen.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         {words}\r\n",
        User::Amt.address(),
        User::Dej.address()
    )
    .into_bytes()
}

/// Mails in the inbox, without the reports that Postfix sends back at any time.
fn left_of_people(world: &MailWorld) -> usize {
    let left = world.dovecot.mails(User::Amt, "INBOX");
    let of_a_person = |mail: &&Stored| !String::from_utf8_lossy(&mail.bytes).contains("MAILER-DAEMON");
    left.iter().filter(of_a_person).count()
}

#[test]
fn the_oversized_is_told_and_the_twice_sent_is_registered_once() {
    let world = MailWorld::start();
    let agency = Agency::found(
        &world.dir.path().join("a"),
        &world.ca,
        &Inbox::both(&world.dovecot),
        Submission::starttls(world.postfix.ports.submission),
    );
    let config = fs::read_to_string(agency.config()).unwrap();
    fs::write(agency.config(), config + "[limits]\nmail_bytes_max = 100000\n").unwrap();
    let large = mail(
        "a",
        "citizen+large@citizen.test",
        "large",
        &"Un rand lung. \r\n".repeat(20_000),
    );
    world.dovecot.deliver(User::Amt, &large, now());
    for (way, user) in [("a", User::Amt), ("b", User::Dej)] {
        let same = mail(way, "citizen+both@citizen.test", "both", "Va trimit actele.");
        world.dovecot.deliver(user, &same, now());
    }
    let process = agency.run_at_work("untaken");
    let arrived = world.dovecot.wait_for_mails(User::Citizen, "INBOX", 2);
    let store = crate::support::books::store(&agency);
    wait_until("every mail to have its outcome", PATIENCE, || {
        let mut undecided = 3;
        recipisa::store::Store::mails_each(&store, &mut |mail| {
            let of_a_person =
                |one: &recipisa::store::MailDecision| one.outcome != recipisa::screening::Outcome::Filed;
            undecided -= usize::from(mail.decision.as_ref().is_some_and(of_a_person));
        })
        .unwrap();
        (undecided == 0).then_some(())
    });
    wait_until("the mail that was taken to be moved", PATIENCE, || {
        (left_of_people(&world) == 1).then_some(())
    });
    end(process);
    let mails = agency.json(&["mails", "--json"]);
    // What Postfix reports of our letters comes back as well.
    let people = mails.iter().filter(|mail| mail["outcome"] != "filed");
    let mut reasons: Vec<String> = people.map(|mail| text(&mail["reason"])).collect();
    reasons.sort();
    assert_eq!(reasons, ["request", "same-message", "too-large"]);
    assert_eq!(agency.json(&["entries", "--json"]).len(), 1);
    assert_eq!(
        left_of_people(&world),
        1,
        "the whole of the large one is only there"
    );
    let letters: Vec<Letter> = (0..)
        .zip(&arrived)
        .map(|(number, mail)| Letter::read(&world.dir.path().join(format!("l{number}")), &mail.bytes))
        .collect();
    assert_eq!(letters.len(), 2, "one receipt and one answer");
    let told = letters
        .iter()
        .find(|letter| letter.header("to").contains("citizen+large@"))
        .unwrap();
    assert_eq!(told.header("auto-submitted"), "auto-replied");
    assert_eq!(told.header("in-reply-to"), "<large@citizen.test>");
    assert!(
        told.header("subject").contains("Acte pentru șomaj"),
        "{}",
        told.header("subject")
    );
    assert!(
        told.text().contains("0,1 MB") && told.text().contains("nu are număr"),
        "{}",
        told.text()
    );
    assert_eq!(told.said["attachments"], serde_json::json!([]));
}
