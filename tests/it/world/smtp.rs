//! Letters when the submission server is away, refuses, breaks off or is not to be trusted.

use std::collections::BTreeMap;

use recipisa::daemon::Pass;
use serde_json::Value;

use super::wiretap::{Tongue, Wiretap};
use super::{InHouse, Scene};
use crate::support::books::{message_id, wait_until_quiet};
use crate::support::dovecot::User;
use crate::support::online::{Inbox, Submission, end};
use crate::support::sink::{Action, Fault, Point, Security, Sink};

/// Longer than the longest wait of the queue.
const FOUR_HOURS_S: i64 = 4 * 3600;

/// By recipient.
fn letters(scene: &Scene) -> BTreeMap<String, Value> {
    let entries = scene.agency.json(&["entries", "--json"]);
    entries
        .iter()
        .map(|entry| &entry["letters"][0])
        .map(|letter| (letter["to"].as_str().unwrap().to_owned(), letter.clone()))
        .collect()
}

#[track_caller]
fn all_are(scene: &Scene, state: &str) {
    for letter in letters(scene).values() {
        assert_eq!(letter["state"], state, "{letter}");
    }
}

#[test]
fn an_hour_without_a_server_only_delays_letters() {
    let mut scene = Scene::new();
    scene.sink.down();
    scene.write(5);
    let mut house = scene.house();
    let first = house.once();
    assert_eq!((first.kept, first.receipts, first.letters), (5, 5, 0));
    let said = first.errors.join("\n");
    let server = format!("localhost:{}", scene.sink.port);
    assert!(said.contains(&server) && said.contains("refused"), "{said}");
    for _ in 0..60 {
        house.later(60);
        assert_eq!(house.once().letters, 0);
    }
    all_are(&scene, "queued");
    let waiting = letters(&scene);
    assert!(
        waiting.values().all(|letter| letter["attempts"] == 0),
        "a dead server costs no letter an attempt"
    );
    let told = waiting
        .values()
        .filter_map(|letter| letter["last_answer"].as_str());
    assert!(
        told.into_iter().any(|answer| answer.contains("refused")),
        "`show` says why it waits"
    );
    let checked = String::from_utf8(scene.agency.command(&["check"]).stdout).unwrap();
    assert!(
        checked.contains("letters that could not be sent so far"),
        "{checked}"
    );
    scene.sink.up();
    house.later(1);
    assert_eq!(house.once_well().letters, 5, "at once, when the server is back");
    assert_eq!(house.once_well().letters, 0);
    drop(house);
    assert_eq!(scene.check(), 0, "each letter once");
}

#[test]
fn the_running_daemon_goes_on_when_the_server_is_back() {
    let mut scene = Scene::new();
    scene.sink.script(Fault::at(Point::Connect, Action::Drop, 1));
    scene.write(3);
    let mut process = scene.agency.run_at_work("back");
    assert_eq!(scene.sink.wait_for(3).len(), 3);
    assert!(
        process.stderr().contains("letter put off; it is tried again"),
        "{}",
        process.stderr()
    );
    process.terminate();
    assert_eq!(process.wait(crate::support::tools::PATIENCE).code(), Some(0));
    assert_eq!(scene.check(), 0);
}

#[test]
fn passing_refusals_are_waited_out_and_final_ones_are_told() {
    let mut scene = Scene::new();
    for _ in 0..3 {
        scene.sink.script(Fault::at(
            Point::Content,
            Action::Reply("451 4.3.0 mai târziu"),
            1,
        ));
    }
    scene.sink.script(Fault {
        point: Point::RcptTo,
        matching: "citizen+2@",
        action: Action::Reply("550 5.1.1 no such user"),
        times: 99,
    });
    scene.write(5);
    let mut house = scene.house();
    let said = house.once_badly();
    assert!(said.contains("451 4.3.0"), "{said}");
    assert!(
        said.contains("letter given up") && said.contains("550 5.1.1 no such user"),
        "{said}"
    );
    house.later(FOUR_HOURS_S);
    house.once_well();
    drop(house);
    let letters = letters(&scene);
    assert_eq!(letters.len(), 5);
    for (to, letter) in &letters {
        let refused = to.starts_with("citizen+2@");
        assert_eq!(
            letter["state"],
            if refused { "given-up" } else { "sent" },
            "{letter}"
        );
        let answer = letter["last_answer"].as_str().unwrap();
        assert!(answer.contains(if refused { "550" } else { "250" }), "{answer}");
    }
    let table = String::from_utf8(scene.agency.command(&["entries"]).stdout).unwrap();
    assert_eq!(table.matches("letter GIVEN UP").count(), 1, "{table}");
    let checked = String::from_utf8(scene.agency.command(&["check"]).stdout).unwrap();
    assert!(checked.contains("1 letters given up"), "{checked}");
    let kept = scene.sink.kept();
    let mut ids: Vec<String> = kept.iter().map(|mail| message_id(&mail.bytes)).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((kept.len(), ids.len()), (4, 4), "the others go once each");
}

#[test]
fn a_server_that_refuses_everybody_ends_no_letter() {
    let mut scene = Scene::new();
    scene.write(3);
    let mut house = scene.house();
    for (point, answer) in [
        (Point::Connect, "554 5.3.2 no service here"),
        (Point::Connect, "421 4.3.2 too busy"),
        (Point::Hello, "550 5.7.1 go away"),
        (Point::StartTls, "502 5.5.1 not today"),
        (Point::Auth, "535 5.7.8 bad credentials"),
        (Point::Auth, "454 4.7.0 temporary failure"),
        (Point::MailFrom, "530 5.7.0 authentication required"),
    ] {
        scene.sink.script(Fault::at(point, Action::Reply(answer), 99));
        let said = house.once_badly();
        assert!(said.contains(&answer[..3]), "{point:?} {answer}: {said}");
        all_are(&scene, "queued");
        // The next server of this test is another one, on the same port.
        scene.sink.forget();
        house.later(FOUR_HOURS_S);
    }
    assert_eq!(house.once_well().letters, 3);
    drop(house);
    assert_eq!(scene.check(), 0);
}

#[test]
fn broken_off_before_the_answer_the_same_letter_goes_again() {
    let mut scene = Scene::new();
    for action in [Action::KeepAndDrop, Action::Drop] {
        scene.sink.script(Fault::at(Point::Content, action, 1));
        scene.write(2);
        let mut house = scene.house();
        house.once_badly();
        house.later(FOUR_HOURS_S);
        house.once_well();
    }
    // The books compare repeats byte for byte.
    assert_eq!(
        scene.check(),
        1,
        "only what was kept without an answer came twice"
    );
}

#[test]
fn a_wrong_password_is_told_and_nothing_is_lost() {
    let mut scene = Scene::new();
    scene.write(3);
    let wrong = Submission {
        password: "gresit",
        ..Submission::starttls(scene.sink.port)
    };
    scene.configure(&Inbox::both(&scene.dovecot), wrong);
    let mut process = scene.agency.run("wrong", &[]);
    crate::support::tools::wait_until("the error", crate::support::tools::PATIENCE, || {
        process
            .stderr()
            .contains("does not accept the user and password")
            .then_some(())
    });
    assert_eq!(process.ended(), None, "mail is registered meanwhile");
    assert!(!process.stderr().contains("gresit"), "{}", process.stderr());
    end(process);
    all_are(&scene, "queued");
    scene.configure(
        &Inbox::both(&scene.dovecot),
        Submission::starttls(scene.sink.port),
    );
    send_later(&mut scene);
}

/// A house that begins four hours later sends everything.
#[track_caller]
fn send_later(scene: &mut Scene) -> Pass {
    let mut house: InHouse = scene.house();
    house.later(FOUR_HOURS_S);
    let pass = house.once_well();
    drop(house);
    assert_eq!(scene.check(), 0);
    pass
}

#[test]
fn a_certificate_with_another_name_is_refused() {
    let mut scene = Scene::new();
    scene.write(1);
    for (later, security, word) in [
        (0, Security::StartTls, "starttls"),
        (FOUR_HOURS_S, Security::Implicit, "tls"),
    ] {
        let liar = Sink::start(security, &scene.ca.wrong_name, None);
        let submission = Submission {
            security: word,
            ..Submission::starttls(liar.port)
        };
        scene.configure(&Inbox::both(&scene.dovecot), submission);
        let mut house = scene.house();
        house.later(later);
        let said = house.once_badly();
        assert!(said.contains("is the certificate's name right?"), "{said}");
        assert!(said.to_lowercase().contains("mismatch"), "{said}");
        assert!(liar.connections() >= 1 && liar.kept().is_empty());
    }
    scene.configure(
        &Inbox::both(&scene.dovecot),
        Submission::starttls(scene.sink.port),
    );
    let mut house = scene.house();
    house.later(3 * FOUR_HOURS_S);
    assert_eq!(house.once_well().letters, 1);
    drop(house);
    assert_eq!(scene.check(), 0);
}

#[test]
fn without_starttls_no_password_and_no_letter_is_sent() {
    let mut scene = Scene::new();
    scene.write(2);
    let tap = Wiretap::start(Tongue::Smtp);
    scene.configure(&Inbox::both(&scene.dovecot), Submission::starttls(tap.port));
    let said = scene.house().once_badly();
    assert!(said.contains("offers no STARTTLS, so nothing is sent"), "{said}");
    let heard = tap.heard();
    assert!(heard.contains("EHLO"), "{heard}");
    for secret in ["AUTH", "MAIL FROM", User::Amt.password()] {
        assert!(!heard.contains(secret), "{heard}");
    }
    scene.configure(
        &Inbox::both(&scene.dovecot),
        Submission::starttls(scene.sink.port),
    );
    assert_eq!(send_later(&mut scene).letters, 2);
    // And the daemon that starts now has nothing left to do.
    let mut process = scene.agency.run_at_work("after");
    wait_until_quiet(&scene.agency, &scene.dovecot, &mut process);
    end(process);
    assert_eq!(scene.check(), 0);
}

/// Postfix says at RCPT what it holds against the client; a person mends that, and no letter ends by it.
#[test]
fn a_refusal_for_reasons_of_policy_only_delays() {
    let mut scene = Scene::new();
    scene.sink.script(Fault::at(
        Point::RcptTo,
        Action::Reply("554 5.7.1 Relay access denied"),
        3,
    ));
    scene.write(3);
    let mut house = scene.house();
    let said = house.once_badly();
    assert!(said.contains("5.7.1") && !said.contains("given up"), "{said}");
    all_are(&scene, "queued");
    house.later(FOUR_HOURS_S);
    assert_eq!(house.once_well().letters, 3);
    drop(house);
    assert_eq!(scene.check(), 0);
}

/// A letter whose handing over breaks the connection, again and again, lets the others go first.
#[test]
fn a_letter_that_breaks_the_connection_holds_up_no_other() {
    let mut scene = Scene::new();
    scene.sink.script(Fault {
        point: Point::RcptTo,
        matching: "citizen+1@",
        action: Action::Drop,
        times: 99,
    });
    scene.write(4);
    let mut house = scene.house();
    let said = house.once_badly();
    assert!(said.contains("handing over"), "{said}");
    drop(house);
    let letters = letters(&scene);
    let sent = letters
        .values()
        .filter(|letter| letter["state"] == "sent")
        .count();
    assert_eq!(sent, 3);
    let broken = letters
        .iter()
        .find(|(to, _)| to.starts_with("citizen+1@"))
        .unwrap()
        .1;
    assert_eq!(
        (&broken["state"], &broken["attempts"]),
        (&"queued".into(), &1.into())
    );
}
