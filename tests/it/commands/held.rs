//! The verbs of `held`, one by one: what they do, what they refuse, and what the journal keeps of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::agency::Agency;
use crate::support::command::project;
use crate::support::process::Process;
use crate::support::tools::{PATIENCE, wait_until};

/// A registered request, and the ids of a held mail, of one with two senders and of an automatic reply.
fn stage() -> (Agency, String, [String; 3]) {
    let agency = Agency::new();
    let names = [
        "01-cerere-buna",
        "09-raspuns-automat",
        "21-fara-expeditor",
        "23-doi-expeditori",
    ];
    for name in names {
        agency.deliver("somaj", name);
    }
    agency.run(&["once"]).ended_with(0);
    let mails = mails(&agency);
    let id = |reason: &str| {
        let mail = mails.iter().find(|mail| mail["reason"] == reason).unwrap();
        mail["mail_id"].to_string()
    };
    let ids = ["no-sender", "several-senders", "auto-reply"].map(id);
    let number = entries(&agency)[0]["number"].as_str().unwrap().to_owned();
    (agency, number, ids)
}

fn mails(agency: &Agency) -> Vec<Value> {
    agency.run(&["mails", "--json"]).ended_with(0).json()
}

fn mail(agency: &Agency, id: &str) -> Value {
    let shown = agency.run(&["held", "show", id, "--json"]).ended_with(0);
    shown.json().remove(0)
}

fn entries(agency: &Agency) -> Vec<Value> {
    agency.run(&["entries", "--json"]).ended_with(0).json()
}

#[track_caller]
fn refused(agency: &Agency, args: &[&str], words: &str) {
    let said = agency.run(args).ended_with(1);
    assert!(said.err.contains(words), "{args:?}: {}", said.err);
    assert!(said.out.is_empty(), "{args:?}: {}", said.out);
}

#[test]
fn show_says_why_since_when_and_what_to_do() {
    let (agency, number, [held, two, automatic]) = stage();
    let shown = agency.run(&["held", "show", &held]).ended_with(0).out;
    for words in [
        "no-sender",
        ", since ",
        "subject   Cerere adeverinta",
        &format!("recipisa held open {held} --to mesaj.eml"),
        &format!("recipisa held register {held} --sender ADDRESS --name NAME"),
        &format!("recipisa held join {held} NUMBER"),
        &format!("recipisa held retry {held}"),
        &format!("recipisa held discard {held}"),
    ] {
        assert!(shown.contains(words), "no {words} in {shown}");
    }
    let filed = agency.run(&["held", "show", &automatic]).ended_with(0).out;
    assert!(
        filed.contains("if it is a request all the same:")
            && filed.contains("about     no letter of ours")
            && !filed.contains("held discard"),
        "{filed}"
    );
    let several = agency.run(&["held", "show", &two]).ended_with(0).out;
    for words in [
        "Horia <horia.zapada@exemplu.test>",
        "Smaranda <smaranda.zapada@exemplu.test>",
    ] {
        assert!(
            several.contains(&format!("from      {words}")),
            "no {words} in {several}"
        );
    }
    let registered = agency.run(&["held", "show", "1"]).ended_with(0).out;
    assert!(
        registered.contains(&format!("number    {number}")) && registered.contains("it has its number"),
        "{registered}"
    );
    let object = mail(&agency, &two);
    assert_eq!(
        (&object["extent"], &object["recalled"], &object["reason"]),
        (&"whole".into(), &false.into(), &"several-senders".into())
    );
    assert!(object["decided_at"].is_string());
}

#[test]
fn open_gives_the_mail_to_its_owner_alone() {
    let (agency, _, [held, ..]) = stage();
    let sent = fs::read(project().join("fixtures/mails/21-fara-expeditor/mail.eml")).unwrap();
    let out = agency.run(&["held", "open", &held]).ended_with(0).out;
    assert_eq!(out.as_bytes(), sent);
    let file = agency.path().join("mesaj.eml");
    let to = file.to_str().unwrap();
    let said = agency.run(&["held", "open", &held, "--to", to]).ended_with(0).out;
    assert!(said.contains("open it with a mail program"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), sent);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    refused(&agency, &["held", "open", &held, "--to", to], "making");
    refused(&agency, &["held", "open", "77"], "there is no mail 77");
}

#[test]
fn register_by_hand_looks_at_the_clerks_words() {
    let (agency, _, [held, ..]) = stage();
    for (args, words) in [
        (&["held", "register", &held][..], "say what you know of it"),
        (
            &["held", "register", &held, "--sender", "ana"],
            "is no e-mail address",
        ),
        (
            &["held", "register", &held, "--sender", "Somaj@ajofm-exemplu.test"],
            "an address of the agency",
        ),
        (
            &["held", "register", &held, "--type", "nimic"],
            "there is no request type `nimic`",
        ),
    ] {
        refused(&agency, args, words);
    }
    assert_eq!(mail(&agency, &held)["outcome"], "held");
}

#[test]
fn register_by_hand_answers_the_citizen_that_the_clerk_names() {
    let (agency, _, [held, two, _]) = stage();
    let args = [
        "held",
        "register",
        &held,
        "--sender",
        "ana@exemplu.test",
        "--name",
        "Ana Țărnă",
        "--as",
        "Ion Registrator",
        "--json",
    ];
    let done = agency.run(&args).ended_with(0).json().remove(0);
    assert_eq!(
        (
            &done["kind"],
            &done["act"],
            &done["actor"],
            &done["fetched_first"]
        ),
        (
            &"held-act".into(),
            &"register".into(),
            &"Ion Registrator".into(),
            &false.into()
        )
    );
    refused(
        &agency,
        &["held", "register", &held, "--name", "X"],
        "still waits for its decision",
    );
    agency
        .run(&["held", "register", &two, "--name", "Dan Pop"])
        .ended_with(0);
    let once = agency.run(&["once"]).ended_with(0);
    assert!(
        once.out.contains("2 decided, 2 receipts issued, 1 letters sent"),
        "{}",
        once.out
    );
    let entries = entries(&agency);
    let named = |name: &str| entries.iter().find(|entry| entry["applicant"] == name).unwrap();
    let ana = named("Ana Țărnă");
    assert_eq!(
        (
            &ana["from"],
            &ana["letters"][0]["to"],
            &ana["letters"][0]["state"]
        ),
        (
            &"ana@exemplu.test".into(),
            &"ana@exemplu.test".into(),
            &"sent".into()
        )
    );
    assert!(
        named("Dan Pop")["letters"].as_array().unwrap().is_empty(),
        "nobody knows whom to answer"
    );
    let journal = agency
        .run(&["case", "show", ana["number"].as_str().unwrap(), "--json"])
        .ended_with(0);
    assert!(journal.out.contains("ana@exemplu.test"));
    agency.run(&["fsck"]).ended_with(0);
}

#[test]
fn join_adds_a_mail_to_an_open_case_and_to_no_closed_one() {
    let (agency, number, [held, two, automatic]) = stage();
    refused(
        &agency,
        &["held", "join", &held, "99/20.11.2026"],
        "there is no case",
    );
    refused(
        &agency,
        &["held", "join", &held, "unu"],
        "write it as on the receipt",
    );
    refused(
        &agency,
        &["held", "join", "1", &number],
        "is not held: it is registered",
    );
    agency.run(&["held", "join", &held, &number]).ended_with(0);
    let once = agency.run(&["once"]).ended_with(0);
    assert!(once.out.contains("1 decided, 1 receipts issued"), "{}", once.out);
    let joined = mail(&agency, &held);
    assert_eq!(
        (&joined["outcome"], &joined["reason"], &joined["number"]),
        (
            &"joined".into(),
            &"joined-by-clerk".into(),
            &number.clone().into()
        )
    );
    // A mail that was filed wrongly; the case is closed between the clerk's word and the decision.
    agency.run(&["held", "join", &automatic, &number]).ended_with(0);
    agency
        .run(&["case", "close", &number, "--reason", "probă"])
        .ended_with(0);
    refused(
        &agency,
        &["held", "join", &two, &number],
        "is closed, so nothing joins it",
    );
    agency.run(&["once"]).ended_with(0);
    let late = mail(&agency, &automatic);
    assert_eq!(
        (&late["outcome"], &late["reason"], &late["number"]),
        (&"held".into(), &"case-closed".into(), &Value::Null),
        "nobody asked for a number of its own"
    );
    agency.run(&["held", "release", &automatic]).ended_with(0);
    agency.run(&["once"]).ended_with(0);
    let released = mail(&agency, &automatic);
    assert_eq!(released["reason"], "released");
    assert_ne!(released["number"], number.as_str());
    agency.run(&["fsck"]).ended_with(0);
}

#[test]
fn retry_decides_by_the_rules_and_release_against_them() {
    let (agency, _, [held, two, automatic]) = stage();
    agency.run(&["held", "retry", &held]).ended_with(0);
    agency.run(&["held", "release", &two]).ended_with(0);
    agency.run(&["held", "release", &automatic]).ended_with(0);
    refused(&agency, &["held", "retry", "1"], "is not held: it is registered");
    agency.run(&["once"]).ended_with(0);
    let told = |id: &str| {
        let mail = mail(&agency, id);
        [
            mail["outcome"].clone(),
            mail["reason"].clone(),
            mail["replies"].clone(),
        ]
    };
    assert_eq!(
        told(&held),
        ["held".into(), "no-sender".into(), Value::Bool(false)]
    );
    assert_eq!(
        told(&two),
        ["registered".into(), "released".into(), Value::Bool(false)]
    );
    assert_eq!(
        told(&automatic),
        ["registered".into(), "released".into(), Value::Bool(false)],
        "a machine gets no answer, also at a clerk's word"
    );
    agency.run(&["fsck"]).ended_with(0);
}

#[test]
fn a_message_that_cannot_be_read_is_held_and_taken_when_it_can() {
    let agency = Agency::new();
    let place = agency.path().join("mailboxes/somaj/a.eml");
    // A file that gives an error even to root, as a mail server's bad message does.
    std::os::unix::fs::symlink("/proc/self/mem", &place).unwrap();
    agency.run(&["once"]).ended_with(1);
    let database = rusqlite::Connection::open(agency.path().join("registry/recipisa.db")).unwrap();
    // Half an hour and four more attempts.
    database
        .execute_batch("UPDATE sighting SET attempts = 4, next_at = 0, shown_at = shown_at - 1800000000")
        .unwrap();
    drop(database);
    agency.run(&["once"]).ended_with(1);
    let held = agency
        .run(&["held", "list", "--json"])
        .ended_with(0)
        .json()
        .remove(0);
    assert_eq!(
        (&held["reason"], &held["extent"]),
        (&"unfetchable".into(), &"nothing".into())
    );
    assert!(held["detail"].as_str().unwrap().contains("a.eml"), "{held}");
    let id = held["mail_id"].to_string();
    let shown = agency.run(&["held", "show", &id]).ended_with(0).out;
    assert!(
        shown.contains("its bytes are not here") && !shown.contains("held open"),
        "{shown}"
    );
    refused(&agency, &["held", "open", &id], "nothing of mail 1 is here");
    agency.run(&["once"]).ended_with(0);
    agency.run(&["fsck"]).ended_with(0);
    let day = agency.run(&["digest"]).ended_with(0).out;
    assert!(day.contains("(unfetchable)") && !day.contains("ATENȚIE"), "{day}");
    let said = agency.run(&["held", "retry", &id]).ended_with(0).out;
    assert!(
        said.contains("source somaj is asked for it at its next poll"),
        "{said}"
    );
    let list = agency.run(&["held"]).ended_with(0).out;
    assert!(list.contains("unfetchable, asked for again"), "{list}");
    agency
        .run(&["held", "discard", &id, "--reason", "o probă"])
        .ended_with(0);
    agency.run(&["once"]).ended_with(0);
    agency.run(&["fsck"]).ended_with(0);
}

#[test]
fn a_message_that_is_not_accounted_for_is_an_alarm_by_its_name() {
    let (agency, _, [held, ..]) = stage();
    let status = |code| agency.run(&["status"]).ended_with(code).out;
    assert!(status(1).contains("every one of 4 messages shown in the last 7 days is accounted for"));
    let database = rusqlite::Connection::open(agency.path().join("registry/recipisa.db")).unwrap();
    database
        .execute_batch(&format!(
            "PRAGMA foreign_keys = OFF; DELETE FROM document WHERE mail_seq = {held}; DELETE FROM mail WHERE seq = {held}"
        ))
        .unwrap();
    drop(database);
    let said = status(1);
    assert!(
        said.contains("ERROR    ledger")
            && said.contains("1 of 4 messages")
            && said.contains("21-fara-expeditor"),
        "{said}"
    );
    let object = agency.run(&["status", "--json"]).json().remove(0);
    assert_eq!(
        (
            &object["ledger"]["unaccounted"],
            &object["ledger"]["messages"][0]["fault"]
        ),
        (&1.into(), &"mail-missing".into())
    );
    let day = agency.run(&["digest"]).ended_with(0).out;
    assert!(
        day.contains("ATENȚIE! Numărătoarea nu se potrivește: la sursa somaj lipsește un mesaj.")
            && day.contains("Mesajul 21-fara-expeditor.eml;"),
        "{day}"
    );
    let once = agency.run(&["once"]).ended_with(1);
    assert!(
        once.err
            .contains("there is no mail of them, first 21-fara-expeditor.eml"),
        "{}",
        once.err
    );
    let fsck = agency.run(&["fsck"]).ended_with(1).out;
    assert!(fsck.contains("ledger-wrong"), "{fsck}");
}

/// The daemon on this agency, which looks into its mailboxes each second.
fn daemon(agency: &Agency) -> Process {
    agency.configure(|text| {
        text.replace(
            "kind = \"folder\"\npath = \"mailboxes",
            "poll_seconds = 1\nkind = \"folder\"\npath = \"mailboxes",
        )
    });
    let config = agency.config();
    let args = ["run", "--config", config.to_str().unwrap()];
    Process::recipisa(agency.path(), "run", &args, &[])
}

#[test]
fn a_clerk_works_beside_the_daemon() {
    let (agency, number, [held, two, _]) = stage();
    let mut process = daemon(&agency);
    agency
        .run(&[
            "held",
            "register",
            &held,
            "--sender",
            "ana@exemplu.test",
            "--name",
            "Ana Țărnă",
        ])
        .ended_with(0);
    agency.run(&["held", "join", &two, &number]).ended_with(0);
    for (id, outcome) in [(&held, "registered"), (&two, "joined")] {
        wait_until(outcome, PATIENCE, || {
            assert_eq!(process.ended(), None, "{}", process.stderr());
            (mail(&agency, id)["outcome"] == outcome).then_some(())
        });
    }
    process.terminate();
    process.wait(PATIENCE);
    agency.run(&["fsck"]).ended_with(0);
}

#[test]
fn the_daemon_names_a_message_that_is_not_accounted_for() {
    let (agency, ..) = stage();
    let database = rusqlite::Connection::open(agency.path().join("registry/recipisa.db")).unwrap();
    database
        .execute_batch("DELETE FROM sighting WHERE source_key LIKE '21-%'")
        .unwrap();
    drop(database);
    // What is listed again is noted again; this one has been taken away.
    fs::remove_file(agency.path().join("mailboxes/somaj/21-fara-expeditor.eml")).unwrap();
    let mut process = daemon(&agency);
    wait_until("the alarm", PATIENCE, || {
        assert_eq!(process.ended(), None, "{}", process.stderr());
        let said = process.stderr();
        let line = said.lines().find(|line| line.contains("is not accounted for"))?;
        assert!(
            line.contains("21-fara-expeditor.eml") && line.contains("no note that it was shown"),
            "{line}"
        );
        Some(())
    });
    process.terminate();
    process.wait(PATIENCE);
}

#[test]
fn what_came_to_two_offices_is_told_to_both() {
    let agency = Agency::new();
    for source in ["somaj", "dej"] {
        agency.deliver(source, "01-cerere-buna");
    }
    agency.run(&["once"]).ended_with(0);
    let entries = entries(&agency);
    assert_eq!(entries.len(), 1);
    let number = entries[0]["number"].as_str().unwrap();
    let copy = mails(&agency);
    let copy = copy.iter().find(|mail| mail["outcome"] == "ignored").unwrap();
    let shown = agency.run(&["show", number]).ended_with(0).out;
    let words = format!("also came to    {} (mail 2)", copy["source"].as_str().unwrap());
    assert!(shown.contains(&words), "no {words} in {shown}");
    let shown = agency
        .run(&["show", number, "--json"])
        .ended_with(0)
        .json()
        .remove(0);
    assert_eq!(shown["copies"][0]["mail_id"], 2);
    for office in ["cluj", "dej"] {
        let day = agency.run(&["digest", "--office", office]).ended_with(0).out;
        assert!(
            day.contains(&format!("înregistrat cu nr. {number}")),
            "{office}: {day}"
        );
    }
}
