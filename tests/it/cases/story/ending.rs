//! What is left of a case when its story is told: letters with their threads, journal, digests, the appointment; and
//! what all of it must be.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use jiff::Timestamp;
use recipisa::casework::instant;
use recipisa::daemon::House;
use recipisa::digest::Period;
use recipisa::edge::clock::Clock;
use recipisa::flow::failpoint::{CASES, MAIL};
use recipisa::journal;
use recipisa::message::Message;
use recipisa::store::Store;
use serde_json::{Value, json};

use super::{CITIZEN, CLERK, Fate, STRANGER, Story, each_once};
use crate::cases::{digest_rows, header, in_days, today};
use crate::support::books::store;
use crate::support::command::project;
use crate::support::dovecot::User;
use crate::support::paper::python_with_pyhanko;
use crate::support::tools::run;

/// What came of it, in words that do not depend on the run.
#[derive(Debug, PartialEq)]
pub(super) struct End {
    /// Subject, In-Reply-To and References of each letter to the citizen, with our names for the identifiers.
    letters: Vec<(String, String, Vec<String>)>,
    strangers: Vec<String>,
    /// The kinds of the journal's rows, without those of digests.
    journal: Vec<String>,
    case: Value,
    entries: Vec<Value>,
    mails: Vec<Value>,
    appointment: Value,
}

pub(super) fn end_of(story: &mut Story) -> End {
    digests_are_whole(story);
    if story.fate == Fate::KilledEverywhere {
        every_point_was_met(story);
    }
    let letters = story.letters(CITIZEN, 6);
    for (letter, nth) in letters.iter().zip(1..) {
        let id = header(letter, "Message-ID").trim_matches(['<', '>']).to_owned();
        story.names.insert(id, format!("letter-{nth}"));
    }
    let number = story.number(1);
    let case = story.agency.json(&["case", "show", &number, "--json"]).remove(0);
    End {
        letters: letters.iter().map(|letter| threaded(story, letter)).collect(),
        strangers: story
            .letters(STRANGER, 1)
            .iter()
            .map(|letter| threaded(story, letter).0)
            .collect(),
        journal: journal_kinds(story),
        case: told_of_case(&case),
        entries: picked(
            &story.agency.json(&["entries", "--json"]),
            &["number", "from", "subject"],
        ),
        mails: picked(
            &story.agency.json(&["mails", "--json"]),
            &["mail_id", "outcome", "reason", "number"],
        ),
        appointment: appointment(story, &letters[5]),
    }
}

fn picked(objects: &[Value], members: &[&str]) -> Vec<Value> {
    let pick = |object: &Value| members.iter().map(|member| object[member].clone()).collect();
    objects.iter().map(pick).collect()
}

/// What stands in the case and does not depend on the second.
fn told_of_case(case: &Value) -> Value {
    let letters: Vec<Value> = picked(
        case["entry"]["letters"].as_array().unwrap(),
        &["kind", "ordinal", "state"],
    );
    json!({
        "state": case["state"], "consent": case["consent"], "decision": case["decision"]["document"],
        "answered": case["clarifications"][0]["answered_by_submission"], "handover": case["handover"]["how"],
        "letters": letters, "planned": picked(case["planned"].as_array().unwrap(), &["letter", "ordinal", "state"]),
        "history": picked(case["history"].as_array().unwrap(), &["kind", "actor"]),
    })
}

fn threaded(story: &Story, letter: &[u8]) -> (String, String, Vec<String>) {
    let name = |id: &str| {
        let id = id.trim_matches(['<', '>']);
        story
            .names
            .get(id)
            .cloned()
            .unwrap_or_else(|| format!("unknown {id}"))
    };
    let chain = header(letter, "References");
    let message = Message::read(letter);
    (
        message.subject,
        name(&header(letter, "In-Reply-To")),
        chain.split_whitespace().map(name).collect(),
    )
}

/// The chain is whole; returns the kinds of its rows but for digests.
fn journal_kinds(story: &Story) -> Vec<String> {
    let mut rows = Vec::new();
    store(&story.agency)
        .journal_each(&mut |row| rows.push(row))
        .unwrap();
    assert_eq!(journal::first_break(&rows), None);
    let digests: BTreeSet<String> = rows
        .iter()
        .filter(|row| row.body.contains("\"kind\":\"digest\""))
        .map(|row| row.subject.clone())
        .collect();
    rows.retain(|row| !digests.contains(&row.subject));
    rows.into_iter().map(|row| row.kind).collect()
}

/// Every digest arrived, none twice but by a death after it was sent, and each begins where the last one ended.
#[track_caller]
fn digests_are_whole(story: &Story) {
    let rows = digest_rows(&story.agency.storage().join("recipisa.db"), "");
    assert_eq!((rows[0].since, rows[0].covers), (rows[0].until, 0), "{rows:?}");
    assert!(
        rows.windows(2).all(|two| two[0].until == two[1].since),
        "{rows:?}"
    );
    assert!(
        rows[1..]
            .iter()
            .all(|row| row.covers > 0 && row.until % 60_000_000 == 0),
        "{rows:?}"
    );
    assert!(rows.len() >= 4, "{rows:?}");
    let arrived = story.world.dovecot.mails(CLERK, "INBOX");
    let digests = each_once(&arrived, CLERK.address());
    assert_eq!(digests.len(), rows.len() - 1, "a digest for each row");
    let citizens = story.world.dovecot.mails(User::Citizen, "INBOX");
    assert_eq!(
        arrived.len() + citizens.len(),
        story.sent(),
        "nothing else arrived"
    );
    let told = digests.iter().filter(|digest| {
        // The link that its subject proposes is open work, told until a clerk decides.
        let text = Message::read(digest).text;
        let came = text.find("CE A INTRAT").map_or("", |at| &text[at..]);
        came.contains(&story.number(2))
    });
    assert_eq!(told.count(), 1, "one digest tells of the stranger's entry");
    let house = House::open(story.agency.settings(), Clock::System).unwrap();
    let period = Period {
        from: story.begin,
        to: Timestamp::from_microsecond(rows[rows.len() - 1].until).unwrap(),
    };
    let facts = house.digest(None, period, today()).unwrap();
    let counts = facts
        .sources
        .iter()
        .find(|one| one.source == "amt")
        .unwrap()
        .counts;
    assert_eq!((counts.shown, counts.registered, counts.joined), (5, 2, 3));
    assert!(facts.balanced());
}

fn every_point_was_met(story: &Story) {
    println!("{} runs; killed: {:?}", story.runs, story.kills);
    // Whether a round ends with a letter behind the killed one is a matter of when the digest falls due.
    let certain = MAIL.iter().filter(|name| **name != "deliver.round-done");
    for name in certain.chain(&CASES) {
        assert!(
            story.kills.contains_key(name),
            "{name} was never reached: {:?}",
            story.kills
        );
    }
}

/// The appointment in the invitation, as Python's icalendar reads it.
fn appointment(story: &Story, letter: &[u8]) -> Value {
    let path = story.world.dir.path().join("invitation.eml");
    fs::write(&path, letter).unwrap();
    let said = run(Command::new(python_with_pyhanko())
        .arg(project().join("tests/it/letters/read.py"))
        .arg(&path));
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["defects"], json!([]));
    let [part, file] = &said["appointments"].as_array().unwrap()[..] else {
        panic!("{said}")
    };
    for key in ["uid", "start", "end", "method", "location"] {
        assert_eq!(part[key], file[key], "{key}");
    }
    let uid = part["uid"].as_str().unwrap();
    assert!(uid.len() > 20 && uid.ends_with("@amt.test"), "{uid}");
    assert!(said["text"].as_str().unwrap().contains("10:00"), "{said}");
    let members = [
        "method", "start", "end", "sequence", "location", "summary", "errors",
    ];
    picked(std::slice::from_ref(part), &members).remove(0)
}

/// What the story must come to.
#[track_caller]
pub(super) fn is_as_promised(end: &End) {
    letters_are_right(end);
    threads_are_right(&end.letters);
    case_is_right(&end.case);
    let starts = instant(in_days(2).at(10, 0, 0, 0)).unwrap();
    let starts = starts.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let said = (&end.appointment[0], &end.appointment[1], &end.appointment[6]);
    assert_eq!(said, (&json!("PUBLISH"), &json!(starts), &json!([])));
    let outcomes: Vec<&Value> = end.mails.iter().map(|mail| &mail[1]).collect();
    assert_eq!(
        outcomes,
        ["registered", "joined", "joined", "joined", "registered"]
    );
    let senders: Vec<&Value> = end.entries.iter().map(|entry| &entry[1]).collect();
    assert_eq!(senders, [CITIZEN, STRANGER]);
    for (kind, count) in [
        ("mail.kept", 5),
        ("entry.registered", 2),
        ("submission.joined", 3),
        ("receipt.issued", 5),
        ("letter.queued", 7),
        ("letter.sent", 7),
        ("letter.void", 0),
    ] {
        let rows = end.journal.iter().filter(|row| *row == kind);
        assert_eq!(rows.count(), count, "{kind}");
    }
}

#[track_caller]
fn letters_are_right(end: &End) {
    let number = format!("1/{}", today().strftime("%d.%m.%Y"));
    let begins = [
        format!("Recipisa nr. CJ-{number} – Cerere"),
        format!("Recipisa nr. CJ-{number}, completarea nr. 1"),
        format!("Nr. CJ-{number}: vă rugăm să completați cererea"),
        format!("Recipisa nr. CJ-{number}, completarea nr. 2"),
        format!("Recipisa nr. CJ-{number}, completarea nr. 3"),
        format!("Nr. CJ-{number}: decizia este gata, vă așteptăm"),
    ];
    assert_eq!(end.letters.len(), begins.len());
    for ((subject, ..), begin) in end.letters.iter().zip(&begins) {
        assert!(subject.starts_with(begin), "{subject} is not {begin}");
    }
    assert!(end.letters[5].0.ends_with("ora 10:00"), "{}", end.letters[5].0);
    let strangers = &end.strangers[0];
    assert!(strangers.starts_with("Recipisa nr. CJ-2/"), "{strangers}");
}

#[track_caller]
fn case_is_right(case: &Value) {
    for (member, wanted) in [
        ("state", json!("closed")),
        ("answered", json!(2)),
        ("handover", json!("in-person")),
        ("decision", json!("decizie.pdf")),
    ] {
        assert_eq!(case[member], wanted, "{member}");
    }
    let consent = (&case["consent"]["state"], &case["consent"]["submission"]);
    assert_eq!(consent, (&json!("found"), &json!(1)));
    let planned = json!([
        ["clarification-request", 1, "done"],
        ["pickup-invitation", 1, "done"],
        ["pickup-reminder", 1, "void"],
        ["clarification-reminder", 1, "void"]
    ]);
    assert_eq!(case["planned"], planned);
    let history = case["history"].as_array().unwrap().iter();
    let acts: Vec<&Value> = history
        .filter(|row| row[1] == "Ana Registrator")
        .map(|row| &row[0])
        .collect();
    assert_eq!(
        acts,
        [
            "clarification.asked",
            "decision.recorded",
            "pickup.arranged",
            "case.closed"
        ]
    );
}

/// A receipt answers the mail it is for; what we write by ourselves answers our last letter and names all before it.
#[track_caller]
fn threads_are_right(letters: &[(String, String, Vec<String>)]) {
    let wanted: [(&str, &[&str]); 6] = [
        ("mail-0", &["mail-0"]),
        ("mail-1", &["mail-0", "letter-1", "mail-1"]),
        ("letter-2", &["mail-0", "letter-1", "mail-1", "letter-2"]),
        (
            "mail-2",
            &["mail-0", "letter-1", "mail-1", "letter-2", "letter-3", "mail-2"],
        ),
        ("mail-3", &["mail-3"]),
        (
            "letter-5",
            &[
                "mail-0", "letter-1", "mail-1", "letter-2", "letter-3", "mail-2", "letter-4", "mail-3",
                "letter-5",
            ],
        ),
    ];
    for ((subject, answered, chain), (answers, names)) in letters.iter().zip(wanted) {
        assert_eq!(
            (answered.as_str(), chain.as_slice()),
            (answers, owned(names).as_slice()),
            "{subject}"
        );
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
