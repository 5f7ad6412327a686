//! Limits and single faults: what is too large, too much or broken is told, and holds up nobody else.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use recipisa::config::Settings;
use recipisa::daemon::{self, House};
use recipisa::edge::clock::Clock;
use serde_json::Value;

use crate::support::agency::Agency;

/// A small request from this person.
fn request(person: &str, ordinal: u32) -> String {
    format!(
        "Received: by mx.ajofm-exemplu.test; Fri, 20 Nov 2026 10:{:02}:00 +0200\r\nFrom: {person}@exemplu.test\r\n\
         To: somaj@ajofm-exemplu.test\r\nSubject: cerere {ordinal}\r\nMessage-ID: <{person}.{ordinal}@exemplu.test>\r\n\
         \r\nVă rog o adeverință.\r\n",
        ordinal % 60
    )
}

fn post(agency: &Agency, name: &str, mail: &str) -> PathBuf {
    let path = agency.path().join("mailboxes/somaj").join(format!("{name}.eml"));
    fs::write(&path, mail).unwrap();
    path
}

fn mails(agency: &Agency) -> Vec<Value> {
    agency.run(&["mails", "--json"]).ended_with(0).json()
}

fn entries(agency: &Agency) -> Vec<Value> {
    agency.run(&["entries", "--json"]).ended_with(0).json()
}

#[test]
fn an_oversized_mail_stays_in_its_mailbox_and_is_never_receipted_as_empty() {
    let agency = Agency::new();
    agency.configure(|text| {
        text.replace(
            "path = \"mailboxes/somaj\"",
            "path = \"mailboxes/somaj\"\nmove_to = \"kept\"",
        ) + "[limits]\nmail_bytes_max = 100000\n"
    });
    let large = post(
        &agency,
        "mare",
        &(request("ana", 1) + &"umplutură ".repeat(20_000)),
    );
    let small = post(&agency, "mic", &request("ion", 2));
    agency.run(&["once"]).ended_with(0);
    agency.run(&["once"]).ended_with(0);
    assert!(large.exists(), "the whole of it is only there");
    assert!(!small.exists() && agency.path().join("kept/mic.eml").exists());
    let told = mails(&agency);
    let told: Vec<_> = told.iter().filter(|mail| mail["outcome"] == "answered").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["reason"], &told[0]["number"]),
        (&"too-large".into(), &Value::Null)
    );
    assert_eq!(told[0]["from"], "ana@exemplu.test");
    assert_eq!(entries(&agency).len(), 1);
    agency.configure(|text| {
        text.replace(
            "path = \"mailboxes/somaj\"",
            "path = \"mailboxes/somaj\"\nmove_to = \"kept\"",
        )
    });
    agency.run(&["once"]).ended_with(0);
    let after = entries(&agency);
    assert_eq!(after.len(), 2, "with the limit raised it comes whole");
    assert_eq!(after[1]["from"], "ana@exemplu.test");
    assert!(!large.exists() && agency.path().join("kept/mare.eml").exists());
    assert!(
        agency
            .run(&["held"])
            .ended_with(0)
            .out
            .contains("no mail is held")
    );
}

#[test]
fn an_oversized_mail_comes_whole_at_a_clerks_word() {
    let agency = Agency::new();
    agency.configure(|text| {
        text.replace(
            "path = \"mailboxes/somaj\"",
            "path = \"mailboxes/somaj\"\nmove_to = \"kept\"",
        ) + "[limits]\nmail_bytes_max = 100000\n"
    });
    let large = post(
        &agency,
        "mare",
        &(request("ana", 1) + &"umplutură ".repeat(20_000)),
    );
    agency.run(&["once"]).ended_with(0);
    let id = mails(&agency)[0]["mail_id"].to_string();
    assert_eq!(mails(&agency)[0]["extent"], "header-only");
    let said = agency.run(&["held", "release", &id]).ended_with(0).out;
    assert!(
        said.contains("when it has been fetched") && said.contains("source somaj"),
        "{said}"
    );
    assert_eq!(mails(&agency)[0]["recalled"], true);
    agency.run(&["once"]).ended_with(0);
    assert!(!large.exists() && agency.path().join("kept/mare.eml").exists());
    let entry = entries(&agency).remove(0);
    assert_eq!(
        (&entry["from"], &entry["letters"][0]["state"]),
        (&"ana@exemplu.test".into(), &"sent".into())
    );
    assert_eq!(mails(&agency)[0]["reason"], "released");
    agency.run(&["fsck"]).ended_with(0);
}

#[test]
fn mails_are_registered_while_receipts_cannot_be_sealed() {
    let agency = Agency::new();
    agency.key_valid_at(Clock::System.now() - SignedDuration::from_hours(24 * 400));
    for ordinal in 1..=80 {
        post(
            &agency,
            &format!("m{ordinal:02}"),
            &request(&format!("p{ordinal}"), ordinal),
        );
    }
    let said = agency.run(&["once"]).ended_with(1);
    assert!(said.out.contains("80 decided, 0 receipts issued"), "{}", said.out);
    agency.key_valid_at(Clock::System.now());
    let mended = agency.run(&["once"]).ended_with(0);
    assert!(
        mended.out.contains("80 receipts issued, 80 letters sent"),
        "{}",
        mended.out
    );
}

#[test]
fn a_clock_that_was_ahead_is_put_right_by_a_person() {
    let agency = Agency::new();
    post(&agency, "a", &request("ana", 1));
    let settings = Settings::load(&agency.config(), None).unwrap();
    let ahead = Clock::System.now() + SignedDuration::from_hours(24 * 18);
    agency.key_valid_at(ahead);
    let house = House::open(settings, Clock::standing_at(ahead)).unwrap();
    let letterhead = house.letterhead().unwrap();
    let pass = daemon::once(&house, &letterhead, &mut *house.transport().unwrap(), &|| false);
    assert_eq!((pass.decided, pass.errors.len()), (1, 0), "{:?}", pass.errors);
    drop(house);
    agency.key_valid_at(Clock::System.now());
    post(&agency, "b", &request("ion", 2));
    let refused = agency.run(&["once"]).ended_with(1);
    assert!(refused.err.contains("--clock-is-right"), "{}", refused.err);
    agency.run(&["once", "--clock-is-right"]).ended_with(0);
    post(&agency, "c", &request("dan", 3));
    agency.run(&["once"]).ended_with(0);
    assert_eq!(entries(&agency).len(), 3);
    assert!(
        agency
            .run(&["check"])
            .ended_with(0)
            .out
            .contains("the chain is intact")
    );
}

#[test]
fn mail_that_cannot_be_moved_is_registered_all_the_same() {
    let agency = Agency::new();
    agency.configure(|text| {
        text.replace(
            "path = \"mailboxes/somaj\"",
            "path = \"mailboxes/somaj\"\nmove_to = \"/proc/nowhere\"",
        )
    });
    post(&agency, "a", &request("ana", 1));
    let first = agency.run(&["once"]).ended_with(1);
    assert!(first.err.contains("/proc/nowhere"), "{}", first.err);
    post(&agency, "b", &request("ion", 2));
    agency.run(&["once"]).ended_with(1);
    assert_eq!(
        entries(&agency).len(),
        2,
        "the second did not wait for the first to be moved"
    );
    assert_eq!(mails(&agency).len(), 2, "and nothing is kept twice");
}

#[test]
fn a_message_that_cannot_be_read_holds_up_no_other() {
    let agency = Agency::new();
    let closed = agency.path().join("mailboxes/somaj/a.eml");
    // A file that gives an error even to root, as a mail server's bad message does.
    std::os::unix::fs::symlink("/proc/self/mem", &closed).unwrap();
    post(&agency, "b", &request("ana", 1));
    let said = agency.run(&["once"]).ended_with(1);
    assert!(said.err.contains("source somaj"), "{}", said.err);
    assert_eq!(entries(&agency).len(), 1);
    let status = agency.run(&["status"]).out;
    assert!(
        status.contains("1 messages whose bytes have not come")
            && status.contains("every one of 2 messages shown in the last 7 days is accounted for"),
        "{status}"
    );
    let day = agency
        .run(&["digest", "--format", "json"])
        .ended_with(0)
        .json()
        .remove(0);
    let count = &day["messages"]["total"];
    assert_eq!(
        (&count["shown"], &count["awaited"], &count["difference"]),
        (&2.into(), &1.into(), &0.into())
    );
}

#[test]
fn thousands_of_tiny_files_cost_little_and_are_told_in_one_line() {
    let agency = Agency::new();
    let mut mail = request("ana", 1).replace(
        "\r\n\r\n",
        "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
    );
    for ordinal in 0..20_000 {
        write!(
            mail,
            "--b\r\nContent-Disposition: attachment; filename=f{ordinal}.pdf\r\n\r\nx\r\n"
        )
        .unwrap();
    }
    mail.push_str("--b--\r\n");
    post(&agency, "multe", &mail);
    let started = std::time::Instant::now();
    agency.run(&["once"]).ended_with(0);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    let entry = entries(&agency).remove(0);
    let documents = entry["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 201);
    let last = &documents[200];
    assert_eq!(
        (&last["name"], &last["verdict"]),
        (&"alte fișiere: 19800".into(), &"refused".into())
    );
    assert_eq!(last["findings"][0]["code"], "too-many-files");
    assert_eq!(last["size"], 19_800);
    assert_eq!(entry["letters"][0]["state"], "sent");
}

#[test]
fn one_lost_letter_file_holds_up_no_other_letter() {
    let agency = Agency::new();
    agency.configure(|text| text.replace("path = \"letters\"", "path = \"/proc/nowhere\""));
    for ordinal in 1..=4 {
        post(
            &agency,
            &format!("m{ordinal}"),
            &request(&format!("p{ordinal}"), ordinal),
        );
    }
    agency.run(&["once"]).ended_with(1);
    let first = entries(&agency)[0]["letters"][0].clone();
    let sha256 = first["sha256"].as_str().unwrap();
    let file = agency
        .path()
        .join("registry/archive")
        .join(&sha256[..2])
        .join(&sha256[2..4])
        .join(sha256);
    fs::remove_file(file).unwrap();
    agency.configure(|text| text);
    let said = agency.run(&["once"]).ended_with(1);
    assert!(said.out.contains("3 letters sent"), "{}", said.out);
    assert!(said.err.contains("reading from the archive"), "{}", said.err);
    let checked = agency.run(&["check"]).ended_with(0).out;
    assert!(
        checked.contains("1 letters that could not be sent so far"),
        "{checked}"
    );
}

#[test]
fn an_address_gets_so_many_letters_a_day_and_the_rest_is_for_a_person() {
    let agency = Agency::new();
    agency.configure(|text| text + "[limits]\nletters_a_day = 2\n");
    for ordinal in 1..=5 {
        // The same person with other capitals is the same person.
        let person = if ordinal % 2 == 0 { "robot" } else { "ROBOT" };
        post(&agency, &format!("r{ordinal}"), &request(person, ordinal));
    }
    post(&agency, "z", &request("ana", 30));
    agency.run(&["once"]).ended_with(0);
    let entries = entries(&agency);
    assert_eq!(entries.len(), 6, "all are registered");
    assert!(
        entries.iter().all(|entry| entry["receipt"]["state"] == "issued"),
        "and have their receipt"
    );
    let answered: Vec<bool> = entries
        .iter()
        .map(|entry| !entry["letters"].as_array().unwrap().is_empty())
        .collect();
    assert_eq!(answered, [true, true, false, false, false, true]);
    let checked = agency.run(&["check"]).ended_with(0).out;
    assert!(checked.contains("3 receipts that no letter carries"), "{checked}");
    let list = agency.run(&["entries"]).ended_with(0).out;
    assert_eq!(list.matches("NO LETTER").count(), 3, "{list}");
}

#[test]
fn a_letter_that_was_given_up_goes_again_at_a_persons_word() {
    let agency = Agency::new();
    post(&agency, "a", &request("ana", 1));
    agency.run(&["once"]).ended_with(0);
    let number = entries(&agency)[0]["number"].as_str().unwrap().to_owned();
    agency
        .run(&["resend", &number, "--as", "Ana Registrator"])
        .ended_with(0);
    let twice = agency.run(&["resend", &number]).ended_with(1);
    assert!(twice.err.contains("queued already"), "{}", twice.err);
    let again = agency.run(&["once"]).ended_with(0);
    assert!(again.out.contains("1 letters sent"), "{}", again.out);
    let unknown = agency.run(&["resend", "77/20.11.2026"]).ended_with(1);
    assert!(
        unknown.err.contains("no letter that could go again"),
        "{}",
        unknown.err
    );
}

#[test]
fn the_demonstration_touches_no_other_configuration() {
    let agency = Agency::new();
    agency.configure(|text| text + "# mine\n");
    let dir = agency.path().display().to_string();
    let before = fs::read(agency.config()).unwrap();
    let refused = agency.run(&["demo", "--dir", &dir]).ended_with(1);
    assert!(refused.err.contains("not the demonstration's"), "{}", refused.err);
    assert_eq!(fs::read(agency.config()).unwrap(), before);
}
