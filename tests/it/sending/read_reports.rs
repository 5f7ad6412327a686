//! Read reports that citizens ask for: owed where a program may answer by itself, written from the mail, sent with the
//! null reverse-path.

use recipisa::daemon::{self, House};
use recipisa::edge::clock::Clock;
use recipisa::flow::{self, read_report};
use recipisa::message::{Message, Origin};
use recipisa::outbox::{Envelope, Kind};
use recipisa::store::{Archive, Store};

use crate::support::citizens::now;
use crate::support::dovecot::User;
use crate::support::scene::Scene;

/// A mail whose envelope came from `path` and that asks for a report to `asked`.
fn write(scene: &Scene, number: usize, path: &str, asked: &str, more: &str) {
    let mail = format!(
        "Return-Path: <{path}>\r\nFrom: <c{number}@citizen.test>\r\nTo: <amt@amt.test>\r\nSubject: Cerere {number}\r\n\
         Message-ID: <c{number}@citizen.test>\r\nDisposition-Notification-To: {asked}\r\n{more}\r\nCerere {number}.\r\n"
    );
    scene.dovecot.deliver(User::Amt, mail.as_bytes(), now());
}

/// The mails for which a report is owed.
fn owed(scene: &Scene) -> Vec<i64> {
    let database = rusqlite::Connection::open(scene.agency.storage().join("recipisa.db")).unwrap();
    let mut statement = database
        .prepare("SELECT mail_seq FROM answer WHERE kind = 'read-report' AND state = 'owed' ORDER BY 1")
        .unwrap();
    let found = statement.query_map([], |row| row.get(0)).unwrap();
    found.map(Result::unwrap).collect()
}

#[test]
fn a_report_goes_where_rfc_8098_lets_it() {
    let scene = Scene::new();
    let own = |number: usize| format!("c{number}@citizen.test");
    write(&scene, 1, &own(1), "<c1@CITIZEN.test>", "");
    write(&scene, 2, &own(2), "<altul@citizen.test>", "");
    write(&scene, 3, &own(3), "<c3@citizen.test>, <altul@citizen.test>", "");
    write(
        &scene,
        4,
        &own(4),
        "<c4@citizen.test>",
        "List-Id: <stiri.citizen.test>\r\n",
    );
    write(
        &scene,
        5,
        &own(5),
        "<c5@citizen.test>",
        "Auto-Submitted: auto-generated\r\n",
    );
    write(&scene, 6, "", "<c6@citizen.test>", "");
    let house = House::open(scene.agency.settings(), Clock::System).unwrap();
    let letterhead = house.letterhead().unwrap();
    let mut transport = house.transport().unwrap();
    let pass = daemon::once(&house, &letterhead, &mut *transport, &|| false);
    assert_eq!(pass.errors, Vec::<String>::new());
    assert_eq!(owed(&scene), [1]);
    let mail = house.store.mail(1).unwrap().unwrap();
    let (time, ending) = (|| house.clock.now(), || false);
    let steps = flow::House {
        store: &house.store,
        archive: &house.archive,
        now: &time,
        ending: &ending,
    };
    let on = read_report::Mail {
        seq: 1,
        sha256: &mail.sha256,
        source: &mail.source.0,
        number: Some("CJ-1/20.11.2026"),
    };
    let written = read_report::write(steps, &letterhead, on, house.clock.now())
        .unwrap()
        .unwrap();
    let second = read_report::Mail {
        sha256: &house.store.mail(2).unwrap().unwrap().sha256,
        ..on
    };
    let none = read_report::write(steps, &letterhead, second, house.clock.now()).unwrap();
    assert_eq!(none, None, "the bytes decide");
    let bytes = house.archive.read(&written.sha256).unwrap();
    let before = scene.sink.kept().len();
    let envelope = Envelope {
        message_id: &written.message_id,
        from: "",
        to: &written.to,
        reports: Kind::ReadReport.reports(),
    };
    transport.send(envelope, &bytes).unwrap();
    let sent = scene.sink.wait_for(before + 1).pop().unwrap();
    assert_eq!(
        (sent.from.as_str(), sent.to[0].0.as_str()),
        ("", "c1@CITIZEN.test")
    );
    assert_eq!(sent.to[0].1, "NOTIFY=NEVER");
    let read = Message::read(&sent.bytes);
    assert_eq!(read.origin, Origin::ReadReport);
    let report = read.report.unwrap();
    assert_eq!(report.original_message_id.as_deref(), Some("c1@citizen.test"));
    assert!(read.text.contains("CJ-1/20.11.2026"), "{}", read.text);
    assert!(read.read_report_to.is_empty(), "no report on a report");
}

#[test]
fn an_office_may_give_no_reports() {
    let scene = Scene::new();
    let config = scene.agency.config();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        text.replace(
            "[[office]]\n",
            "[[office]]\nanswer_read_reports = false\nread_reports = false\n",
        ),
    )
    .unwrap();
    write(&scene, 1, "c1@citizen.test", "<c1@citizen.test>", "");
    assert!(scene.agency.command(&["once"]).status.success());
    assert_eq!(owed(&scene), Vec::<i64>::new());
    let letter = String::from_utf8(scene.sink.wait_for(1).remove(0).bytes).unwrap();
    assert!(!letter.contains("Disposition-Notification-To"), "{letter}");
}
