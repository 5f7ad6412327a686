//! `inspect --source` on a live mailbox: it tells what would become of each mail, and nothing anywhere is changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use recipisa::calendar::hours::ZONE;
use recipisa::edge::clock::Clock;
use serde_json::Value;

use crate::inspect::assert_contract;
use crate::support::citizens::{now, sha256};
use crate::support::command::project;
use crate::support::dovecot::User;
use crate::support::scene::Scene;

/// Every file below a folder, with the hash of its bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else {
            let bytes = fs::read(&entry).unwrap();
            found.insert(entry, sha256(&bytes));
        }
    }
    found
}

/// All that a server would show of a mailbox: UIDs, flags, times and sizes.
fn on_server(scene: &Scene, user: User) -> String {
    let fields = "mailbox uid flags date.received size.physical";
    scene
        .dovecot
        .doveadm(&["fetch", "-u", user.name(), fields, "mailbox", "*"])
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(project().join("fixtures/mails").join(name).join("mail.eml")).unwrap()
}

fn rehearse(scene: &Scene, args: &[&str]) -> (Vec<Value>, Value) {
    let all: Vec<&str> = ["inspect", "--source", "amt", "--json"]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let mut lines = scene.agency.json(&all);
    let summary = lines.pop().unwrap();
    assert_eq!(
        (&summary["schema"], &summary["kind"]),
        (&1.into(), &"summary".into())
    );
    lines.iter().for_each(assert_contract);
    (lines, summary)
}

/// A mailbox on the evening before: two mails that the registry knows, one from before the start, and new ones of every
/// kind. Returns the number of the first entry.
fn evening_before(scene: &mut Scene) -> String {
    let config = scene.agency.config();
    let change = |from: &str, to: &str| {
        let text = fs::read_to_string(&config).unwrap();
        assert!(text.contains(from));
        fs::write(&config, text.replacen(from, to, 1)).unwrap();
    };
    change("move_to = \"Inregistrate\"", "move_to = \"\"");
    for _ in 0..2 {
        scene.citizens.write(&scene.dovecot, User::Amt);
    }
    assert!(scene.agency.command(&["once"]).status.success());
    let number = scene.agency.json(&["entries", "--json"])[0]["number"].clone();
    let number = number.as_str().unwrap().to_owned();
    let day = Duration::from_secs(86_400);
    let deliver = |mail: &[u8], days: u32| scene.dovecot.deliver(User::Amt, mail, now() - day * days);
    deliver(&fixture("01-cerere-buna"), 30);
    deliver(&fixture("01-cerere-buna"), 2);
    deliver(&fixture("09-raspuns-automat"), 2);
    deliver(&fixture("01-cerere-buna"), 1);
    let reply = format!(
        "From: citizen+1@citizen.test\r\nTo: amt@amt.test\r\nSubject: Re: Recipisa nr. {number}\r\n\
         Message-ID: <completare@citizen.test>\r\n\r\nCompletez.\r\n"
    );
    deliver(reply.as_bytes(), 0);
    deliver(b"Subject: fara expeditor\r\n\r\ntext\r\n", 0);
    let start = Clock::System.now() - SignedDuration::from_hours(24 * 10);
    let start = start.to_zoned(ZONE).date();
    change("move_to = \"\"", &format!("move_to = \"\"\nstart = {start}"));
    number
}

#[test]
fn nothing_changes_and_each_mail_has_its_outcome() {
    let mut scene = Scene::new();
    let number = evening_before(&mut scene);
    let registry = scene.agency.storage();
    let server = on_server(&scene, User::Amt);
    let (before, sent) = (files(&registry), scene.sink.kept().len());
    let (lines, summary) = rehearse(&scene, &[]);
    assert_eq!(
        files(&registry),
        before,
        "the registry is as it was, to the last file"
    );
    assert_eq!(
        on_server(&scene, User::Amt),
        server,
        "flags and UIDs are as they were"
    );
    assert_eq!(scene.sink.kept().len(), sent, "no letter went out");

    assert_eq!(
        (&summary["known"], &summary["before_start"]),
        (&2.into(), &1.into()),
        "{summary}"
    );
    let only = |reason: &str| -> &Value {
        let found: Vec<&Value> = lines.iter().filter(|line| line["reason"] == reason).collect();
        let [one] = found[..] else {
            panic!("not one {reason}: {lines:#?}")
        };
        one
    };
    assert_eq!(only("before-start")["outcome"], "ignored");
    let request = only("request");
    assert_eq!(request["letter"]["kind"], "receipt");
    assert_eq!(request["letter"]["to"], request["from"]);
    assert!(request["number"].is_null() && request["processing_day"].is_string());
    assert!(!request["documents"].as_array().unwrap().is_empty());
    let again = only("duplicate");
    assert!(again["letter"].is_null() && again["processing_day"].is_null());
    let joined = only("reply");
    assert_eq!(
        (&joined["outcome"], &joined["joins"]),
        (&"joined".into(), &number.into())
    );
    assert_eq!(only("auto-reply")["no_letter"], "nothing is registered");
    only("no-sender");
    assert_eq!((lines.len(), &summary["letters"]), (6, &2.into()));

    let (newest, summary) = rehearse(&scene, &["--limit", "1"]);
    let judged: Vec<&Value> = newest
        .iter()
        .filter(|line| line["reason"] != "before-start")
        .collect();
    assert_eq!(judged.len(), 1);
    assert_eq!(judged[0]["reason"], "no-sender", "the newest one");
    assert_eq!(summary["left_out"], 4, "{summary}");
}

#[test]
fn an_operator_reads_it_on_the_evening_before() {
    let mut scene = Scene::new();
    let number = evening_before(&mut scene);
    let output = scene.agency.command(&["inspect", "--source", "amt"]);
    let told = String::from_utf8(output.stdout).unwrap();
    for words in [
        "nothing is registered, sent, moved or marked",
        "2 of them are in the registry already",
        "1 came before ",
        "→ registered (request): the next number of CJ",
        "letter: a signed receipt to citizen+1@citizen.test",
        &format!("→ joined (reply): completes the case {number}"),
        "→ held (no-sender): mesajul nu are o adresă de expeditor",
        "→ ignored (duplicate)",
        "In all:",
        "2 letters would go out; ",
        "`recipisa held`",
    ] {
        assert!(told.contains(words), "no \"{words}\" in {told}");
    }
    println!("{told}");
}

#[test]
fn beside_a_working_daemon_and_without_a_registry() {
    let mut scene = Scene::new();
    scene.citizens.write(&scene.dovecot, User::Amt);
    let (lines, summary) = rehearse(&scene, &[]);
    assert_eq!((lines.len(), &summary["known"]), (1, &0.into()));
    assert!(!scene.agency.storage().exists(), "a rehearsal makes no registry");
    let daemon = scene.agency.run_at_work("run");
    crate::support::tools::wait_until("the receipt", crate::support::tools::PATIENCE, || {
        (scene.sink.kept().len() == 1).then_some(())
    });
    let entries = scene.agency.json(&["entries", "--json"]).len();
    let (lines, _) = rehearse(&scene, &[]);
    assert_eq!((lines.len(), entries), (0, 1), "it was moved away");
    crate::support::online::end(daemon);
    let output = scene.agency.command(&["inspect", "--source", "turda"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("the configuration has amt, dej"),
        "{said}"
    );
    let output = scene.agency.command(&["inspect", "--source", "amt", "a.eml"]);
    assert_eq!(output.status.code(), Some(2));
    scene.dovecot.stop();
    let output = scene.agency.command(&["inspect", "--source", "amt"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("while connecting"),
        "{said}"
    );
}
