//! Plays every file of `fixtures/dialogues/imap`: what the server says, what the client makes of it.

use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use jiff::Timestamp;
use recipisa::edge::archive::FolderArchive;
use recipisa::edge::sqlite::SqliteStore;
use recipisa::flow::fetch::{self, Measure};
use recipisa::flow::{House, with_causes};
use recipisa::mailbox::{Call, Mailbox, MailboxError, Sighting, SourceId, Woken};

use super::{account, fixtures, hasty, uids, whole};
use crate::support::ca::TestCa;
use crate::support::dovecot::User;
use crate::support::prompter::{self, Cue, Prompter};
use crate::support::tools::TempDir;

#[test]
fn every_dialogue_ends_as_its_file_says() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let mut files: Vec<_> = fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 20, "only {} dialogues", files.len());
    // Most of them wait, for what does not come.
    thread::scope(|scope| {
        for file in &files {
            scope.spawn(|| play(file, &ca));
        }
    });
}

fn play(file: &Path, ca: &TestCa) {
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let (script, cues) = prompter::read(file);
    assert!(!cues.is_empty(), "{name} does nothing");
    let prompter = Prompter::start(&ca.server, script);
    let mut mailbox = hasty(account(User::Amt, prompter.port, ca));
    let mut shown = Vec::new();
    let registry = TempDir::new();
    for cue in cues {
        let said = match cue.act.as_str() {
            "pass" => pass(&mut mailbox, registry.path()),
            _ => act(&mut mailbox, &cue, &mut shown),
        };
        assert_eq!(said.len(), cue.outcome.len(), "{name}, {}: {said:#?}", cue.act);
        for (said, wanted) in said.iter().zip(&cue.outcome) {
            assert!(said.contains(wanted.as_str()), "{name}, {}: {said:#?}", cue.act);
        }
    }
    drop(mailbox);
    println!("{name}");
    prompter.finish();
}

/// What the client does; a line for each thing that came of it.
fn act(mailbox: &mut dyn Mailbox, cue: &Cue, shown: &mut Vec<Sighting>) -> Vec<String> {
    let failed = |error: MailboxError| vec![format!("error {}", with_causes(&error))];
    match cue.act.as_str() {
        "list" => match mailbox.list() {
            Ok(sightings) => {
                *shown = sightings;
                let marked = shown.iter().filter(|one| one.mdn_sent).map(|one| &one.key);
                let mut said = vec![format!("shown {}", uids(shown.iter().map(|one| &one.key)))];
                let marked = uids(marked);
                if !marked.is_empty() {
                    said.push(format!("marked {marked}"));
                }
                said.extend(mailbox.remark().map(|remark| format!("remark {remark}")));
                said
            }
            Err(error) => failed(error),
        },
        "fetch" => match mailbox.fetch(&whole(shown)) {
            Ok(given) => {
                let got = uids(given.mails.iter().map(|mail| &mail.sighting.key));
                let mut said = vec![format!("got {got}")];
                for (key, why) in &given.refused {
                    said.push(format!("refused {} {why}", uids([key].into_iter())));
                }
                let unasked = uids(given.unasked.iter());
                if !unasked.is_empty() {
                    said.push(format!("unasked {unasked}"));
                }
                said
            }
            Err(error) => failed(error),
        },
        "wait" => match mailbox.wait(Duration::from_secs(3), &Call::default()) {
            Ok(woken) => vec![
                match woken {
                    Woken::Arrived => "arrived",
                    Woken::Called => "called",
                    Woken::Quiet => "quiet",
                    Woken::TimeOver => "time over",
                }
                .to_owned(),
            ],
            Err(error) => failed(error),
        },
        other => panic!("\"{other}\" is nothing a client does"),
    }
}

/// Listed, fetched, kept in a registry, and acknowledged.
fn pass(mailbox: &mut dyn Mailbox, registry: &Path) -> Vec<String> {
    let store = SqliteStore::open(&registry.join("recipisa.db")).unwrap();
    let archive = FolderArchive::open(&registry.join("archive")).unwrap();
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let house = House {
        store: &store,
        archive: &archive,
        now: &|| now,
        ending: &|| false,
    };
    let measure = Measure {
        batch_bytes_max: 1_000_000,
        batch_mails_max: 50,
        mail_bytes_max: 10_000,
        start: None,
    };
    match fetch::pass(house, &SourceId("amt".to_owned()), mailbox, measure, &mut || {}) {
        Ok(fetched) => {
            let mut said = vec![format!("kept {}", fetched.kept)];
            said.extend(
                fetched
                    .trouble
                    .map(|error| format!("trouble {}", with_causes(&error))),
            );
            said
        }
        Err(error) => vec![format!("error {}", with_causes(&error))],
    }
}
