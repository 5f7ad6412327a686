//! Mailboxes that break off, go away, refuse the password or are not to be trusted.

use std::fs;

use super::Scene;
use super::wiretap::{Tongue, Wiretap};
use crate::support::books::wait_until_quiet;
use crate::support::ca::TestCa;
use crate::support::citizens::now;
use crate::support::dovecot::{Dovecot, Offer, User};
use crate::support::online::{Inbox, KEPT_FOLDER, Submission, end};
use crate::support::proxy::{Cut, How, Proxy, Rules, Side};
use crate::support::tools::{PATIENCE, wait_until};

fn cut(side: Side, after: u64, how: How) -> Rules {
    Rules {
        cut: Some(Cut { side, after, how }),
        ..Rules::default()
    }
}

#[test]
fn cut_at_any_byte_nothing_is_lost_or_doubled() {
    let mut scene = Scene::new();
    let proxy = Proxy::start(scene.dovecot.ports.imaps);
    scene.configure(
        &[Inbox::over_tls(User::Amt, proxy.port)],
        Submission::starttls(scene.sink.port),
    );
    let mut house = scene.house();
    let (mut broken, mut decided_by_broken) = (0, 0);
    // Greeting, login, the list, in the middle of mails, the answer to MOVE: four mails are about nine thousand bytes.
    for step in 0..48_u64 {
        for _ in 0..2 {
            scene.citizens.write(&scene.dovecot, User::Amt);
        }
        let how = if step % 2 == 0 { How::Rst } else { How::Fin };
        let rules = if step % 4 == 3 {
            cut(Side::Client, 200 + 40 * step, how)
        } else {
            cut(Side::Server, 200 * (1 + step), how)
        };
        proxy.set(rules);
        let pass = house.once();
        if !pass.errors.is_empty() {
            broken += 1;
            decided_by_broken += pass.decided;
            let said = pass.errors.join("\n");
            let told = [
                "talking to localhost:",
                "the server shows",
                "listing the mailbox: it shows",
            ];
            assert!(said.contains("source amt: "), "{said}");
            assert!(told.iter().any(|words| said.contains(words)), "{said}");
        }
        proxy.set(Rules::default());
        house.once_well();
    }
    println!("{broken} of 48 passes broken, {decided_by_broken} mails kept in a broken one");
    assert!(broken >= 12, "only {broken} passes were cut");
    drop(house);
    assert_eq!(scene.check(), 0);
}

#[test]
fn the_running_daemon_goes_on_when_the_line_is_well() {
    let mut scene = Scene::new();
    let proxy = Proxy::start(scene.dovecot.ports.imaps);
    let inboxes = [
        Inbox::over_tls(User::Amt, proxy.port),
        Inbox::over_tls(User::Dej, scene.dovecot.ports.imaps),
    ];
    scene.configure(&inboxes, Submission::starttls(scene.sink.port));
    proxy.set(cut(Side::Server, 3_000, How::Rst));
    scene.write(6);
    let mut process = scene.agency.run_at_work("line");
    wait_until("two tries", PATIENCE, || (proxy.accepted() >= 2).then_some(()));
    let said = process.stderr();
    assert!(
        said.contains("a step failed; it is tried again") && said.contains("source=\"amt\""),
        "{said}"
    );
    // The other office is not held up.
    wait_until("the other office's letters", PATIENCE, || {
        (scene.sink.kept().len() >= 3).then_some(())
    });
    proxy.set(Rules::default());
    wait_until_quiet(&scene.agency, &scene.dovecot, &mut process);
    end(process);
    assert_eq!(scene.check(), 0);
}

#[test]
fn a_mail_that_somebody_has_read_is_taken_like_any_other() {
    let mut scene = Scene::new();
    scene.citizens.write(&scene.dovecot, User::Amt);
    let inbox = scene.dovecot.maildir(User::Amt, "INBOX");
    let file = fs::read_dir(inbox.join("new")).unwrap().next().unwrap().unwrap();
    let read = format!("{}:2,S", file.file_name().to_str().unwrap());
    fs::rename(file.path(), inbox.join("cur").join(read)).unwrap();
    scene.house().once_well();
    assert_eq!(scene.agency.json(&["entries", "--json"]).len(), 1);
    assert!(scene.dovecot.mails(User::Amt, "INBOX").is_empty());
}

#[test]
fn a_folder_that_takes_no_mail_does_not_stop_new_mail() {
    let mut scene = Scene::new();
    let [amt, _] = Inbox::both(&scene.dovecot);
    scene.configure(&[amt], Submission::starttls(scene.sink.port));
    // A file where the folder would be: the server can neither make it nor move anything into it.
    let in_the_way = scene
        .dir
        .path()
        .join("d/mail/amt/Maildir")
        .join(format!(".{KEPT_FOLDER}"));
    fs::write(&in_the_way, "").unwrap();
    for round in 1..=2 {
        scene.citizens.write(&scene.dovecot, User::Amt);
        let mut house = scene.house();
        let pass = house.once();
        assert_eq!(
            (pass.decided, pass.letters),
            (1, 1),
            "round {round}: {:?}",
            pass.errors
        );
        let said = pass.errors.join("\n");
        assert!(
            said.contains("refused moving kept mail") && !said.contains("Some("),
            "{said}"
        );
    }
    assert_eq!(scene.dovecot.mails(User::Amt, "INBOX").len(), 2);
    fs::remove_file(in_the_way).unwrap();
    scene.house().once_well();
    assert!(scene.dovecot.mails(User::Amt, "INBOX").is_empty());
    assert_eq!(scene.check(), 0);
}

#[test]
fn a_mail_that_is_too_large_is_answered_and_stays_on_the_server() {
    let mut scene = Scene::new();
    let limits = "\n[limits]\nmail_bytes_max = 100000\n";
    let config = fs::read_to_string(scene.agency.config()).unwrap();
    fs::write(scene.agency.config(), config + limits).unwrap();
    let mut large = b"From: <citizen@citizen.test>\r\nSubject: mare\r\n\r\n".to_vec();
    large.resize(150_000, b'x');
    scene.dovecot.deliver(User::Amt, &large, now());
    for _ in 0..2 {
        scene.write(2);
        scene.house().once_well();
        let left = scene.dovecot.mails(User::Amt, "INBOX");
        assert_eq!(left.len(), 1);
        assert!(
            left[0].bytes == large && left[0].flags.is_empty(),
            "it is as it was"
        );
    }
    let mails = scene.agency.json(&["mails", "--json"]);
    let large = mails.iter().find(|mail| mail["subject"] == "mare").unwrap();
    assert_eq!(
        (&large["outcome"], &large["reason"]),
        (&"answered".into(), &"too-large".into())
    );
}

#[test]
fn a_mailbox_server_that_was_away_is_read_when_it_is_back() {
    let mut scene = Scene::new();
    let mut process = scene.agency.run_at_work("away");
    scene.write(2);
    wait_until_quiet(&scene.agency, &scene.dovecot, &mut process);
    scene.dovecot.stop();
    scene.write(2);
    wait_until("the error", PATIENCE, || {
        process
            .stderr()
            .contains("a step failed; it is tried again")
            .then_some(())
    });
    scene.dovecot.start_again();
    wait_until_quiet(&scene.agency, &scene.dovecot, &mut process);
    end(process);
    assert_eq!(scene.check(), 0);
}

#[test]
fn a_wrong_password_is_told_and_other_mailboxes_are_read() {
    let mut scene = Scene::new();
    scene.write(4);
    let [amt, dej] = Inbox::both(&scene.dovecot);
    let wrong = Inbox {
        password: "gresit",
        ..amt
    };
    scene.configure(&[wrong, dej], Submission::starttls(scene.sink.port));
    let mut process = scene.agency.run_at_work("wrong");
    wait_until("the error", PATIENCE, || {
        process
            .stderr()
            .contains("does not accept the user and password")
            .then_some(())
    });
    let said = process.stderr();
    assert!(
        said.contains("needs_person=true") && said.contains("source=\"amt\""),
        "{said}"
    );
    assert!(!said.contains("gresit"), "{said}");
    scene.sink.wait_for(2);
    assert_eq!(process.ended(), None);
    end(process);
    scene.configure(&[amt, dej], Submission::starttls(scene.sink.port));
    let mut process = scene.agency.run_at_work("right");
    wait_until_quiet(&scene.agency, &scene.dovecot, &mut process);
    end(process);
    assert_eq!(scene.check(), 0);
}

#[test]
fn a_certificate_with_another_name_is_refused() {
    let mut scene = Scene::new();
    scene.write(2);
    let liars = TestCa {
        root: scene.ca.root.clone(),
        server: scene.ca.wrong_name.clone(),
        wrong_name: scene.ca.wrong_name.clone(),
    };
    let liar = Dovecot::start(&scene.dir.path().join("l"), &liars, Offer::Everything);
    for inbox in Inbox::both(&liar) {
        scene.configure(&[inbox], Submission::starttls(scene.sink.port));
        let said = scene.house().once_badly();
        assert!(said.contains("is the certificate's name right?"), "{said}");
        assert!(said.to_lowercase().contains("mismatch"), "{said}");
    }
    assert!(!liar.log().contains("Login: user="), "{}", liar.log());
    scene.configure(
        &Inbox::both(&scene.dovecot),
        Submission::starttls(scene.sink.port),
    );
    assert_eq!(scene.house().once_well().letters, 2);
    assert_eq!(scene.check(), 0);
}

#[test]
fn without_starttls_no_password_is_sent() {
    let mut scene = Scene::new();
    let tap = Wiretap::start(Tongue::Imap);
    let [amt, dej] = Inbox::both(&scene.dovecot);
    scene.write(2);
    scene.configure(
        &[
            amt,
            Inbox {
                port: tap.port,
                ..dej
            },
        ],
        Submission::starttls(scene.sink.port),
    );
    let mut house = scene.house();
    let said = house.once_badly();
    assert!(
        said.contains("source dej") && said.contains("offers no STARTTLS, so the password is not sent"),
        "{said}"
    );
    let heard = tap.heard();
    assert!(heard.contains("STARTTLS"), "{heard}");
    for secret in ["LOGIN", "AUTHENTICATE", User::Dej.password()] {
        assert!(!heard.contains(secret), "{heard}");
    }
    drop(house);
    scene.configure(&[amt, dej], Submission::starttls(scene.sink.port));
    scene.house().once_well();
    assert_eq!(scene.check(), 0);
}
