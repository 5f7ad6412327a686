//! `case` on the command line: what is done and printed, and what a rehearsal leaves untouched. Refusals, lists and the
//! agenda have files of their own.

mod lists;
mod refusals;

use std::fs;
use std::path::{Path, PathBuf};

use recipisa::edge::clock::Clock;
use recipisa::store::Store;
use serde_json::{Value, json};

use super::{Mail, PAPER, always_open, every_day_worked, in_days, today, wait_for_a_long_day};
use crate::support::agency::Agency;
use crate::support::tools::write;

const WHAT: &str = "Lipsește adeverința de vechime.";
/// Of an appointment five minutes, so that one is possible late on the same day.
const MORE: &str = "\n[calendar]\noverrides = \"calendar.toml\"\n\n[cases]\nappointment_minutes = 5\n";
const AS: [&str; 2] = ["--as", "Ana Registrator"];

/// An agency whose offices are open now and on all days around, with two requests: `1/…` to the first office without
/// the consent, `2/…` to the second with it.
fn agency_with_two_cases() -> Agency {
    wait_for_a_long_day();
    let agency = Agency::new();
    agency.configure(|text| {
        let first = "[[office]]\nid = \"cluj\"\n";
        let second = "hours = { monday";
        assert!(text.contains(first) && text.contains(second));
        let begin = text.find(second).unwrap();
        let end = begin + text[begin..].find('\n').unwrap();
        let text = [&text[..begin], always_open().trim_end(), &text[end..]].concat();
        text.replace(first, &format!("{first}{}", always_open())) + MORE
    });
    write(&agency.path().join("calendar.toml"), &every_day_worked());
    deliver(&agency, "somaj", "ana@citizen.test", &[("cerere.pdf", PAPER)]);
    agency.run(&["once"]).ended_with(0);
    deliver(&agency, "dej", "ion@citizen.test", &[("Acordul meu.pdf", PAPER)]);
    agency.run(&["once"]).ended_with(0);
    agency
}

fn deliver(agency: &Agency, source: &str, from: &str, files: &[(&str, &[u8])]) {
    let mail = Mail {
        from,
        to: &format!("{source}@ajofm-exemplu.test"),
        id: &format!("cerere-{from}"),
        subject: "Cerere de adeverinta",
        thread: ("", ""),
        received_at: Clock::System.now(),
        files,
    };
    let place = agency.path().join("mailboxes").join(source);
    fs::write(place.join(format!("{from}.eml")), mail.bytes()).unwrap();
}

fn number(running: u32) -> String {
    format!("{running}/{}", today().strftime("%d.%m.%Y"))
}

/// The decision's file, beside the configuration.
fn document(agency: &Agency) -> String {
    let path = agency.path().join("decizie.pdf");
    fs::write(&path, PAPER).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Every byte of the registry: the files of archive and database, whose log is emptied into it before, with its index.
fn registry(agency: &Agency) -> Vec<(PathBuf, Vec<u8>)> {
    let database = rusqlite::Connection::open(database(agency.path())).unwrap();
    let all_there: i64 = database
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(all_there, 0);
    let mut waiting = vec![agency.path().join("registry")];
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if !["-shm", "-wal"]
                .iter()
                .any(|end| path.to_string_lossy().ends_with(end))
            {
                files.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// Says what differs without printing whole databases.
#[track_caller]
fn assert_untouched(agency: &Agency, before: &[(PathBuf, Vec<u8>)], what: &dyn std::fmt::Debug) {
    let after = registry(agency);
    let names = |files: &[(PathBuf, Vec<u8>)]| -> Vec<PathBuf> {
        files.iter().map(|(path, _)| path.clone()).collect()
    };
    assert_eq!(names(&after), names(before), "{what:?}");
    for ((path, bytes), (_, was)) in after.iter().zip(before) {
        assert!(bytes == was, "{what:?} changed {}", path.display());
    }
}

#[track_caller]
fn one(agency: &Agency, args: &[&str]) -> Value {
    let mut objects = agency.run(args).ended_with(0).json();
    assert_eq!(objects.len(), 1, "{args:?}: {objects:?}");
    objects.remove(0)
}

#[test]
fn a_rehearsal_says_the_same_and_writes_nothing() {
    let agency = agency_with_two_cases();
    let (until, day, document) = (in_days(5), in_days(2), document(&agency));
    let (until, when) = (until.to_string(), format!("{day} 10:00"));
    let asked = json!({"what": WHAT, "until": until});
    rehearsed_then_done(&agency, "clarify", &["--what", WHAT, "--until", &until], &asked);
    let decided = json!({"on": today().to_string(), "document": "decizie.pdf"});
    rehearsed_then_done(&agency, "decide", &["--document", &document], &decided);
    let invited = json!({"starts": format!("{day}T10:00:00"), "place": "Ghișeul 3"});
    rehearsed_then_done(
        &agency,
        "pickup",
        &["--at", &when, "--place", "Ghișeul 3"],
        &invited,
    );
    let closed = json!({"on": today().to_string(), "how": "post"});
    rehearsed_then_done(&agency, "handover", &["--how", "post"], &closed);
    everything_is_shown(&agency);
}

/// An act rehearsed, in words and as JSON, then done with the same answer.
#[track_caller]
fn rehearsed_then_done(agency: &Agency, verb: &str, options: &[&str], details: &Value) {
    let number = number(1);
    let args = [&["case", verb, &number], options, &AS].concat();
    let rehearsed = [&args[..], &["--dry-run"]].concat();
    let before = registry(agency);
    let words = agency.run(&rehearsed).ended_with(0).out;
    let begin = format!("{number}: {verb} is allowed; nothing was done");
    assert!(words.starts_with(&begin), "{words}");
    let mut told = one(agency, &[&rehearsed[..], &["--json"]].concat());
    assert_untouched(agency, &before, &verb);
    let said = (&told["act"], &told["details"], &told["done"]);
    assert_eq!(said, (&json!(verb), details, &json!(false)));
    let done = one(agency, &[&args[..], &["--json"]].concat());
    told["done"] = true.into();
    assert_eq!(unhurried(done), unhurried(told));
    assert!(registry(agency) != before, "{verb} was done");
}

/// Letters go out at once, and "at once" is another second a moment later.
fn unhurried(mut act: Value) -> Value {
    for planned in act["planned"].as_array_mut().unwrap() {
        planned["due_at"] = planned["due_at"].as_str().unwrap()[..10].into();
    }
    act
}

#[track_caller]
fn everything_is_shown(agency: &Agency) {
    let case = one(agency, &["case", "show", &number(1), "--json"]);
    let said = (&case["schema"], &case["kind"], &case["state"]);
    assert_eq!(said, (&json!(1), &json!("case"), &json!("closed")));
    let history = case["history"].as_array().unwrap();
    let acts = history.iter().filter(|row| row["actor"] == AS[1]);
    assert_eq!(acts.count(), 4, "{history:?}");
    let kept = case["decision"]["sha256"].as_str().unwrap();
    let archive = agency.path().join("registry/archive");
    let kept = archive.join(&kept[..2]).join(&kept[2..4]).join(kept);
    assert_eq!(fs::read(kept).unwrap(), PAPER);
    let words = agency.run(&["case", "show", &number(1)]).ended_with(0).out;
    for told in [
        "closed (încheiat)",
        "MISSING",
        WHAT,
        "decizie.pdf",
        "Ghișeul 3",
        "post on",
    ] {
        assert!(words.contains(told), "no {told} in {words}");
    }
}

#[test]
fn two_clerks_at_once_do_not_undo_each_other() {
    let agency = agency_with_two_cases();
    let store = recipisa::edge::sqlite::SqliteStore::open(&database(agency.path())).unwrap();
    let key = recipisa::registry::Number::parse(&number(1), Some("CJ")).unwrap();
    let seen = store.case(&key).unwrap().unwrap().case;
    agency
        .run(&["case", "clarify", &number(1), "--what", WHAT])
        .ended_with(0);
    // The other clerk decides on what the case was before.
    let late = recipisa::store::CaseAct {
        number: key.clone(),
        version: seen.version,
        act: recipisa::casework::Act::HandOver {
            on: today(),
            how: recipisa::casework::HandoverWay::Post,
        },
        actor: "Ion Șef".to_owned(),
        at: Clock::System.now(),
        planned: Vec::new(),
        voids: &[],
        minutes: 30,
    };
    let refused = store.case_act(&late).unwrap_err().to_string();
    assert!(
        refused.contains("has changed meanwhile") && refused.contains("recipisa case show"),
        "{refused}"
    );
    assert!(store.case(&key).unwrap().unwrap().case.handover.is_none());
}

fn database(folder: &Path) -> PathBuf {
    folder.join("registry/recipisa.db")
}
