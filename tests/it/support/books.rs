//! What must hold whenever the house is quiet: every mail one outcome, numbers without a gap, one receipt for each
//! entry, every citizen answered, nothing acknowledged that is not kept.
//!
//! Reads the registry through the commands and the files, as an auditor would; the chain of the journal through the
//! library.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use recipisa::edge::sqlite::SqliteStore;
use recipisa::journal;
use recipisa::store::Store;
use serde_json::Value;

use super::citizens::{Citizens, sha256};
use super::dovecot::{Dovecot, User};
use super::online::{Agency, KEPT_FOLDER};
use super::process::Process;
use super::sink::Kept;
use super::tools::poll;

/// How long a heap of mails may take on a busy machine.
const SETTLING: Duration = Duration::from_secs(120);
const OFFICES: [User; 2] = [User::Amt, User::Dej];

/// Waits until the running daemon has acknowledged, decided, issued and sent everything.
#[track_caller]
pub(crate) fn wait_until_quiet(agency: &Agency, dovecot: &Dovecot, process: &mut Process) {
    let store = store(agency);
    let mut last = String::new();
    let quiet = poll(SETTLING, || {
        if let Some(status) = process.ended() {
            panic!("recipisa ended with {status}:\n{}", process.stderr());
        }
        let unread: usize = OFFICES
            .map(|user| dovecot.mails(user, "INBOX").len())
            .iter()
            .sum();
        let backlog = store.backlog().unwrap();
        last = format!("{unread} unread, {backlog:?}");
        let waiting = backlog.undecided + backlog.receipts_owed + backlog.letters_queued;
        (unread == 0 && waiting == 0).then_some(())
    });
    assert!(quiet.is_some(), "never quiet: {last}\n{}", process.stderr());
}

/// The registry's database, opened beside the daemon as the commands do.
pub(crate) fn store(agency: &Agency) -> SqliteStore {
    SqliteStore::open(&agency.storage().join("recipisa.db")).unwrap()
}

/// Checks everything; returns how many letters went out more than once.
#[track_caller]
pub(crate) fn check(agency: &Agency, dovecot: &Dovecot, citizens: &Citizens, sent: &[Kept]) -> usize {
    every_mail_has_one_outcome(agency, citizens);
    let entries = agency.json(&["entries", "--json"]);
    numbers_have_no_gap(&entries, citizens.sent.len());
    let letters = every_entry_has_one_receipt(agency, &entries);
    let repeats = every_citizen_is_answered(&letters, citizens, sent);
    the_journal_is_whole(agency, entries.len());
    acknowledged_is_kept(agency, dovecot, citizens);
    let checked = agency.command(&["check"]);
    let said = String::from_utf8_lossy(&checked.stdout);
    // Some tests put the registry on a disk that is small on purpose.
    let mut errors = said.lines().filter(|line| line.starts_with("ERROR"));
    assert!(
        errors.all(|line| line.starts_with("ERROR    disk ")) && said.contains("ok       certificate"),
        "{said}"
    );
    repeats
}

fn every_mail_has_one_outcome(agency: &Agency, citizens: &Citizens) {
    let mails = agency.json(&["mails", "--json"]);
    let mut found: Vec<&str> = mails
        .iter()
        .map(|mail| mail["sha256"].as_str().unwrap())
        .collect();
    let mut wanted: Vec<&str> = citizens.sent.iter().map(|sent| sent.sha256.as_str()).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted, "every mail once in the list, and no other");
    for mail in &mails {
        assert_eq!(
            (&mail["outcome"], &mail["reason"]),
            (&"registered".into(), &"request".into()),
            "{mail}"
        );
        assert!(mail["number"].is_string(), "{mail}");
    }
}

fn numbers_have_no_gap(entries: &[Value], count: usize) {
    assert_eq!(entries.len(), count);
    let mut registers: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for entry in entries {
        let (code, number) = (
            entry["register"].as_str().unwrap(),
            entry["number"].as_str().unwrap(),
        );
        let number = number
            .strip_prefix(code)
            .and_then(|rest| rest.strip_prefix('-'))
            .unwrap();
        let number = number.split('/').next().unwrap().parse().unwrap();
        registers.entry(code).or_default().push(number);
    }
    for (code, numbers) in registers {
        // In the order of registration, too.
        let wanted: Vec<u64> = (1..=numbers.len() as u64).collect();
        assert_eq!(numbers, wanted, "register {code}");
    }
}

/// Returns Message-ID → recipient of the letters that are owed to citizens.
fn every_entry_has_one_receipt(agency: &Agency, entries: &[Value]) -> BTreeMap<String, String> {
    let mut letters = BTreeMap::new();
    let mut receipts = BTreeSet::new();
    for entry in entries {
        assert_eq!(entry["receipt"]["state"], "issued", "{entry}");
        let receipt = entry["receipt"]["sha256"].as_str().unwrap();
        assert!(receipts.insert(receipt), "one receipt for two entries: {entry}");
        assert!(archived(agency, receipt).starts_with(b"%PDF-"), "{entry}");
        let [letter] = entry["letters"].as_array().unwrap().as_slice() else {
            panic!("not one letter: {entry}")
        };
        assert_eq!(letter["state"], "sent", "{entry}");
        archived(agency, letter["sha256"].as_str().unwrap());
        let text = |key: &str| letter[key].as_str().unwrap().to_owned();
        assert!(
            letters.insert(text("message_id"), text("to")).is_none(),
            "{entry}"
        );
    }
    letters
}

fn every_citizen_is_answered(
    letters: &BTreeMap<String, String>,
    citizens: &Citizens,
    sent: &[Kept],
) -> usize {
    let mut seen: BTreeMap<String, &Kept> = BTreeMap::new();
    for kept in sent {
        let id = message_id(&kept.bytes);
        let first = seen.entry(id.clone()).or_insert(kept);
        assert_eq!(
            (&first.bytes, &first.to),
            (&kept.bytes, &kept.to),
            "a repeat of {id} is another letter"
        );
    }
    let arrived: BTreeMap<String, String> = seen
        .iter()
        .map(|(id, kept)| (id.clone(), kept.to[0].0.clone()))
        .collect();
    assert_eq!(
        &arrived, letters,
        "what arrived is what the registry says it sent"
    );
    let answered: BTreeSet<&String> = arrived.values().collect();
    let wrote: BTreeSet<&String> = citizens.sent.iter().map(|one| &one.from).collect();
    assert_eq!(answered, wrote);
    sent.len() - seen.len()
}

/// Without brackets.
pub(crate) fn message_id(letter: &[u8]) -> String {
    let text = String::from_utf8_lossy(letter);
    let line = text.lines().find_map(|line| line.strip_prefix("Message-ID: <"));
    line.and_then(|rest| rest.strip_suffix('>')).unwrap().to_owned()
}

fn the_journal_is_whole(agency: &Agency, entries: usize) {
    let mut rows = Vec::new();
    store(agency).journal_each(&mut |row| rows.push(row)).unwrap();
    assert_eq!(journal::first_break(&rows), None);
    for kind in [
        "mail.kept",
        "entry.registered",
        "receipt.issued",
        "letter.queued",
        "letter.sent",
    ] {
        assert_eq!(
            rows.iter().filter(|row| row.kind == kind).count(),
            entries,
            "{kind}"
        );
    }
}

fn acknowledged_is_kept(agency: &Agency, dovecot: &Dovecot, citizens: &Citizens) {
    let mut there = 0;
    for user in OFFICES {
        let (moved, left) = (dovecot.mails(user, KEPT_FOLDER), dovecot.mails(user, "INBOX"));
        there += moved.len() + left.len();
        for mail in left.iter().chain(&moved) {
            assert!(
                !mail.flags.contains('T') && !mail.flags.contains('S'),
                "flags {}",
                mail.flags
            );
            let name = sha256(&mail.bytes);
            assert_eq!(archived(agency, &name), mail.bytes);
        }
    }
    assert_eq!(
        there,
        citizens.sent.len(),
        "nothing is deleted and nothing doubled on the server"
    );
    archive_is_sound(&agency.storage().join("archive"));
}

/// A file of the archive, whose content must be that of its name.
fn archived(agency: &Agency, name: &str) -> Vec<u8> {
    let path = agency
        .storage()
        .join("archive")
        .join(&name[..2])
        .join(&name[2..4])
        .join(name);
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(
        sha256(&bytes),
        name,
        "a file of the archive has the content of its name"
    );
    bytes
}

fn archive_is_sound(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            archive_is_sound(&entry.path());
        } else {
            assert_eq!(sha256(&fs::read(entry.path()).unwrap()), name);
        }
    }
}
