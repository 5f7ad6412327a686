//! The line between client and Dovecot while nothing is asked: new mail, a client that is kicked, silence, an end.

use std::thread;
use std::time::{Duration, Instant};

use recipisa::mailbox::{Call, Mailbox, Woken};

use super::habits::rewrite;
use super::{account, hasty, list};
use crate::support::ca::TestCa;
use crate::support::citizens::now;
use crate::support::dovecot::{Dovecot, Offer, User};
use crate::support::lmtp;
use crate::support::online::{Inbox, Submission, end};
use crate::support::proxy::{Cut, How, Proxy, Rules, Side};
use crate::support::scene::Scene;
use crate::support::tools::{PATIENCE, TempDir, wait_until};

/// An hour: within a test the server's own notice is all there is.
const HOURLY: (&str, &str) = ("poll_seconds = 1\n", "poll_seconds = 3600\n");
/// Far less than an hour, and more than a busy machine takes.
const SOON: Duration = Duration::from_secs(20);

/// The daemon at work, idling at both mailboxes.
fn idling(scene: &Scene, name: &str) -> crate::support::process::Process {
    rewrite(&scene.agency, &[HOURLY]);
    let mut process = scene.agency.run_at_work(name);
    wait_until("both mailboxes to be watched", PATIENCE, || {
        assert_eq!(process.ended(), None, "{}", process.stderr());
        let said = scene.agency.command(&["status", "--json"]);
        (String::from_utf8_lossy(&said.stdout)
            .matches("\"last_contact\":\"")
            .count()
            == 2)
            .then_some(())
    });
    process
}

#[test]
fn mail_is_answered_long_before_the_next_poll() {
    let mut scene = Scene::new();
    let process = idling(&scene, "idle");
    for count in 1..=4 {
        let begun = Instant::now();
        scene.write(1);
        scene.sink.wait_for(count);
        let took = begun.elapsed();
        println!("answered after {} ms", took.as_millis());
        assert!(took < SOON, "{took:?}");
    }
    let begun = Instant::now();
    end(process);
    assert!(begun.elapsed() < SOON, "it does not wait for the server");
    assert_eq!(scene.check(), 0);
}

#[test]
fn from_arrival_to_receipt_it_takes_about_a_second() {
    let scene = Scene::new();
    let process = idling(&scene, "told");
    let mut took = Vec::new();
    for count in 1..=9 {
        let mail = format!(
            "From: <citizen+{count}@citizen.test>\r\nTo: <amt@amt.test>\r\nSubject: Cerere {count}\r\n\
             Message-ID: <{count}@citizen.test>\r\n\r\nVă rog.\r\n"
        );
        lmtp::deliver(&scene.dovecot, User::Amt, mail.as_bytes());
        let arrived = Instant::now();
        scene.sink.wait_for(count);
        took.push(arrived.elapsed());
    }
    took.sort();
    println!("{took:?}");
    // Half a second is Dovecot's own; `benches/` measures it on a quiet machine and wants less than a second.
    assert!(took[4] < Duration::from_secs(3), "{took:?}");
    end(process);
}

#[test]
fn new_settings_are_taken_up_while_the_server_idles() {
    let scene = Scene::new();
    let mut process = idling(&scene, "reload");
    rewrite(
        &scene.agency,
        &[("poll_seconds = 3600\n", "poll_seconds = 1800\n")],
    );
    process.hang_up();
    wait_until("the new settings", SOON, || {
        (process.stderr().matches("recipisa works").count() == 2).then_some(())
    });
    end(process);
}

#[test]
fn a_kicked_client_comes_back_by_itself() {
    let mut scene = Scene::new();
    let process = idling(&scene, "kicked");
    for round in 1..=2 {
        scene.dovecot.doveadm(&["kick", "amt"]);
        scene.citizens.write(&scene.dovecot, User::Amt);
        scene.sink.wait_for(round);
    }
    let said = process.stderr();
    assert!(
        said.contains("the line to the mailbox has ended; a new one is made"),
        "{said}"
    );
    assert!(!said.contains("a step failed"), "{said}");
    end(process);
    assert_eq!(scene.check(), 0);
}

#[test]
fn without_idle_mail_waits_for_the_next_look() {
    let mut scene = Scene::new();
    rewrite(
        &scene.agency,
        &[("poll_seconds = 1\n", "poll_seconds = 1\nidle = false\n")],
    );
    let process = scene.agency.run_at_work("polling");
    scene.write(2);
    scene.sink.wait_for(2);
    let log = scene.dovecot.log();
    end(process);
    assert!(!log.contains("IDLE"), "{log}");
    assert_eq!(scene.check(), 0);
}

#[test]
fn a_line_that_dies_in_silence_is_noticed_while_nothing_is_asked() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Everything);
    let proxy = Proxy::start(dovecot.ports.imaps);
    let mut mailbox = hasty(account(User::Amt, proxy.port, &ca));
    for side in [Side::Server, Side::Client] {
        list(&mut mailbox);
        let call = Call::default();
        assert_eq!(
            mailbox.wait(Duration::from_millis(50), &call).unwrap(),
            Woken::Quiet
        );
        let after = 0;
        proxy.set(Rules {
            cut: Some(Cut {
                side,
                after,
                how: How::Hang,
            }),
            ..Rules::default()
        });
        let begun = Instant::now();
        let error = mailbox.wait(Duration::from_secs(60), &call).unwrap_err();
        assert!(begun.elapsed() < SOON, "{error}");
        proxy.set(Rules::default());
    }
    // The next listing makes a new line.
    dovecot.deliver(User::Amt, b"Subject: unu\r\n\r\n", now());
    assert_eq!(list(&mut mailbox).len(), 1);
}

#[test]
fn a_call_ends_the_wait_at_once() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Everything);
    let mut mailbox = hasty(account(User::Amt, dovecot.ports.imaps, &ca));
    list(&mut mailbox);
    let call = Call::default();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| mailbox.wait(Duration::from_secs(600), &call));
        call.ring();
        assert_eq!(waiting.join().unwrap().unwrap(), Woken::Called);
    });
}

#[test]
fn submission_and_mailbox_may_be_away_together() {
    let mut scene = Scene::new();
    let proxy = Proxy::start(scene.dovecot.ports.imaps);
    let inboxes = [Inbox::over_tls(User::Amt, proxy.port)];
    scene.configure(&inboxes, Submission::starttls(scene.sink.port));
    rewrite(&scene.agency, &[HOURLY]);
    proxy.set(Rules {
        refuse: true,
        ..Rules::default()
    });
    let process = scene.agency.run_at_work("away");
    wait_until("two tries", PATIENCE, || (proxy.accepted() >= 2).then_some(()));
    scene.citizens.write(&scene.dovecot, User::Amt);
    proxy.set(Rules::default());
    // The waits have grown only to some seconds.
    scene.sink.wait_for(1);
    end(process);
}
