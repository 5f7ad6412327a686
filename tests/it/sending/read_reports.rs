//! Read reports that citizens ask for: owed where a program may answer by itself, written from the mail, sent with the
//! null reverse-path.

use recipisa::daemon::{self, House};
use recipisa::edge::clock::Clock;
use recipisa::message::{Message, Origin};

use crate::support::citizens::now;
use crate::support::dovecot::User;
use crate::support::scene::Scene;
use crate::support::sink::Kept;

/// A mail whose envelope came from `path` and that asks for a report to `asked`.
fn write(scene: &Scene, number: usize, path: &str, asked: &str, more: &str) {
    let mail = format!(
        "Return-Path: <{path}>\r\nFrom: <c{number}@citizen.test>\r\nTo: <amt@amt.test>\r\nSubject: Cerere {number}\r\n\
         Message-ID: <c{number}@citizen.test>\r\nDisposition-Notification-To: {asked}\r\n{more}\r\nCerere {number}.\r\n"
    );
    scene.dovecot.deliver(User::Amt, mail.as_bytes(), now());
}

/// The mails for which a report was owed, and what became of it.
fn settled(scene: &Scene) -> Vec<(i64, String)> {
    let database = rusqlite::Connection::open(scene.agency.storage().join("recipisa.db")).unwrap();
    let mut statement = database
        .prepare("SELECT mail_seq, state FROM answer WHERE kind = 'read-report' ORDER BY 1")
        .unwrap();
    let found = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
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
    assert_eq!(settled(&scene), [(1, "done".to_owned())]);
    let is_report = |mail: &&Kept| mail.from.is_empty();
    let kept = scene.sink.kept();
    let reports: Vec<_> = kept.iter().filter(is_report).collect();
    assert_eq!(reports.len(), 1);
    let sent = reports[0];
    assert_eq!(
        (sent.from.as_str(), sent.to[0].0.as_str()),
        ("", "c1@CITIZEN.test")
    );
    assert_eq!(sent.to[0].1, "NOTIFY=NEVER");
    let read = Message::read(&sent.bytes);
    assert_eq!(read.origin, Origin::ReadReport);
    let report = read.report.unwrap();
    assert_eq!(report.original_message_id.as_deref(), Some("c1@citizen.test"));
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
    assert!(settled(&scene).is_empty());
    let letter = String::from_utf8(scene.sink.wait_for(1).remove(0).bytes).unwrap();
    assert!(!letter.contains("Disposition-Notification-To"), "{letter}");
}

/// Whoever asks for reports gets no more of them than letters, and they take no letter's place.
#[test]
fn reports_take_no_receipts_place() {
    let scene = Scene::new();
    let config = scene.agency.config();
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(!text.contains("[limits]"));
    std::fs::write(&config, text + "\n[limits]\nletters_a_day = 2\n").unwrap();
    for number in 1..=4 {
        let mail = format!(
            "Return-Path: <ana@citizen.test>\r\nFrom: <ana@citizen.test>\r\nTo: <amt@amt.test>\r\n\
             Subject: Cerere {number}\r\nMessage-ID: <a{number}@citizen.test>\r\n\
             Disposition-Notification-To: <ana@citizen.test>\r\n\r\nCerere {number}.\r\n"
        );
        scene.dovecot.deliver(User::Amt, mail.as_bytes(), now());
    }
    assert!(scene.agency.command(&["once"]).status.success());
    let states: Vec<String> = settled(&scene).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["done", "done", "void", "void"]);
    let kept = scene.sink.wait_for(4);
    let reports = kept.iter().filter(|kept| kept.from.is_empty()).count();
    assert_eq!(
        (kept.len(), reports),
        (4, 2),
        "two receipts, and a report with each"
    );
}
