//! The whole way with real servers: a citizen's mail lies in Dovecot, the real process registers it, Postfix carries
//! the receipt to the citizen's mailbox, and programs that are not ours judge it there.
//!
//! The mails are those of `fixtures/mails`, with addresses of the test's world. Left out: the decisions themselves,
//! which the fixtures' own test checks in full.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::Value;

use crate::support::MailWorld;
use crate::support::agency::consents;
use crate::support::books::{self, wait_until_quiet};
use crate::support::ca::TestCa;
use crate::support::citizens::{Citizens, now, sha256};
use crate::support::dovecot::{Dovecot, Offer, Stored, User};
use crate::support::online::{Agency, Inbox, KEPT_FOLDER, Submission, end};
use crate::support::sink::{Security, Sink};
use crate::support::tools::{PATIENCE, TempDir, make_dir, run, tool, wait_until};

mod papers;
mod untaken;

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/journey/read_letter.py");
const MAILS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/mails");

/// A fixture, with addresses of this world.
struct Posted {
    name: String,
    to: User,
    bytes: Vec<u8>,
    expected: Value,
    /// The address that a reply would go to.
    from: String,
}

/// All fixtures that have a sender who could be answered.
fn fixtures() -> Vec<Posted> {
    let mut names: Vec<String> = fs::read_dir(MAILS)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(MAILS).join(name).join("mail.eml").is_file())
        .collect();
    names.sort();
    // Dovecot shows another byte in the place of a NUL, so that one would not come back as it was.
    names.retain(|name| !name.contains("nul"));
    names.iter().filter_map(|name| posted(name)).collect()
}

fn posted(name: &str) -> Option<Posted> {
    let folder = Path::new(MAILS).join(name);
    let bytes = fs::read(folder.join("mail.eml")).unwrap();
    let expected: Value = serde_json::from_slice(&fs::read(folder.join("expect.json")).unwrap()).unwrap();
    let sender = expected["from"].as_str()?;
    // The same mail a second time must stay the same.
    let number = if name.starts_with("10-") { "01" } else { &name[..2] };
    let own = sender.ends_with("@ajofm-exemplu.test");
    let from = if own {
        User::Amt.address().to_owned()
    } else {
        format!("citizen+{number}@citizen.test")
    };
    let head = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("mails have CRLF");
    let header = String::from_utf8_lossy(&bytes[..head]);
    let to = if header.contains("\r\nTo: dej@") {
        User::Dej
    } else {
        User::Amt
    };
    let header = header
        .replace(sender, &from)
        .replace("dej@ajofm-exemplu.test", User::Dej.address())
        .replace("somaj@ajofm-exemplu.test", User::Amt.address());
    let mail = [header.as_bytes(), &bytes[head..]].concat();
    Some(Posted {
        name: name.to_owned(),
        to,
        bytes: mail,
        expected,
        from,
    })
}

#[test]
fn a_mail_comes_back_as_a_receipt_that_others_call_valid() {
    let world = MailWorld::start();
    let agency = Agency::found(
        &world.dir.path().join("a"),
        &world.ca,
        &Inbox::both(&world.dovecot),
        Submission::starttls(world.postfix.ports.submission),
    );
    let posts = fixtures();
    assert!(posts.len() >= 20, "{}", posts.len());
    for post in &posts {
        world.dovecot.deliver(post.to, &post.bytes, now());
    }
    let mut process = agency.run_at_work("starttls");
    wait_until_quiet(&agency, &world.dovecot, &mut process);
    end(process);
    let entries = decisions_are_as_expected(&agency, &posts);
    originals_are_kept(&world.dovecot, &posts);
    let letters = letters(&world, &posts, entries.len());
    let authority = papers::authority(&agency);
    // The checkers take their time to start.
    thread::scope(|scope| {
        for some in letters.chunks(letters.len().div_ceil(2)) {
            let (agency, posts, entries, authority) = (&agency, &posts, &entries, &authority);
            scope.spawn(move || {
                for letter in some {
                    is_in_order(agency, posts, &entries[&letter.message_id], letter, authority);
                }
            });
        }
    });
}

/// The letter's words, and the receipt in the hands of all the checkers.
#[track_caller]
fn is_in_order(agency: &Agency, posts: &[Posted], entry: &Value, letter: &Letter, authority: &Path) {
    let post = posts
        .iter()
        .find(|post| entry["mail_sha256"] == sha256(&post.bytes))
        .unwrap();
    let pdf = letter.is_a_good_answer(post, entry);
    let printed = papers::judged(&pdf, authority);
    says_what_was_registered(&printed, entry, &post.name);
    papers::verified(agency, &pdf, authority, &own_files(post, &letter.folder));
}

#[test]
fn letters_leave_inside_tls_too() {
    let world = MailWorld::start();
    let agency = Agency::found(
        &world.dir.path().join("a"),
        &world.ca,
        &Inbox::both(&world.dovecot),
        Submission {
            security: "tls",
            ..Submission::starttls(world.postfix.ports.smtps)
        },
    );
    let mut citizens = Citizens::default();
    citizens.write_to_both(&world.dovecot, 4);
    let mut process = agency.run_at_work("smtps");
    wait_until_quiet(&agency, &world.dovecot, &mut process);
    end(process);
    let mails = world.dovecot.wait_for_mails(User::Citizen, "INBOX", 4);
    assert_eq!(mails.len(), 4);
    for mail in &mails {
        let letter = Letter::read(&world.dir.path().join("smtps"), &mail.bytes);
        assert!(
            letter.text().starts_with("Număr de înregistrare: "),
            "{}",
            letter.text()
        );
    }
}

#[test]
fn a_server_without_move_loses_and_doubles_nothing() {
    for (offer, moved) in [
        ("IMAP4rev1 NAMESPACE UIDPLUS", true),
        ("IMAP4rev1 NAMESPACE", false),
    ] {
        let dir = TempDir::new();
        let ca = TestCa::make(&dir.path().join("ca"));
        let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Only(offer));
        let sink = Sink::start(Security::Implicit, &ca.server, None);
        let submission = Submission {
            security: "tls",
            ..Submission::starttls(sink.port)
        };
        let inbox = [Inbox::over_tls(User::Amt, dovecot.ports.imaps)];
        let agency = Agency::found(&dir.path().join("a"), &ca, &inbox, submission);
        let mut citizens = Citizens::default();
        for round in 1..=3 {
            citizens.write(&dovecot, User::Amt);
            citizens.write(&dovecot, User::Amt);
            let said = agency.command(&["once"]);
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
            assert_eq!(
                books::check(&agency, &dovecot, &citizens, &sink.kept()),
                0,
                "round {round}"
            );
            let kept = dovecot.mails(User::Amt, KEPT_FOLDER).len();
            assert_eq!(kept, if moved { citizens.sent.len() } else { 0 }, "{offer}");
        }
    }
}

/// Message-ID of the letter → entry.
fn decisions_are_as_expected(agency: &Agency, posts: &[Posted]) -> BTreeMap<String, Value> {
    let facts = |outcome: &Value, reason: &Value| format!("{} {}", text(outcome), text(reason));
    let mut wanted: Vec<(String, String)> = posts
        .iter()
        .map(|post| {
            (
                sha256(&post.bytes),
                facts(&post.expected["outcome"], &post.expected["reason"]),
            )
        })
        .collect();
    let found: Vec<(String, String)> = agency
        .json(&["mails", "--json"])
        .iter()
        .map(|mail| (text(&mail["sha256"]), facts(&mail["outcome"], &mail["reason"])))
        .collect();
    // The reports of delivery that Postfix sends back come on top.
    let (mut found, reports): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|(sum, _)| wanted.iter().any(|(other, _)| other == sum));
    assert!(
        reports.iter().all(|(_, facts)| facts == "filed delivery-report"),
        "{reports:?}"
    );
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
    let entries = agency.json(&["entries", "--json"]);
    let mut by_letter = BTreeMap::new();
    for entry in entries {
        assert_eq!(entry["receipt"]["state"], "issued", "{entry}");
        let letters = entry["letters"].as_array().unwrap();
        assert_eq!(letters.len(), 1, "{entry}");
        assert!(text(&letters[0]["last_answer"]).starts_with("250 "), "{entry}");
        by_letter.insert(text(&letters[0]["message_id"]), entry);
    }
    by_letter
}

#[track_caller]
fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// What Postfix says of our letters.
fn is_delivery_report(mail: &Stored) -> bool {
    let text = String::from_utf8_lossy(&mail.bytes);
    text.contains("\nSubject: Successful Mail Delivery Report")
}

/// Every mail lies in the folder for kept mail, byte for byte, unread; none is left or gone.
fn originals_are_kept(dovecot: &Dovecot, posts: &[Posted]) {
    for user in [User::Amt, User::Dej] {
        // One may have come behind the end.
        assert!(dovecot.mails(user, "INBOX").iter().all(is_delivery_report));
        let sums = |mails: Vec<&[u8]>| {
            let mut sums: Vec<String> = mails.into_iter().map(sha256).collect();
            sums.sort();
            sums
        };
        let mut kept: Vec<Stored> = dovecot.mails(user, KEPT_FOLDER);
        kept.retain(|mail| !is_delivery_report(mail));
        let sent = posts
            .iter()
            .filter(|post| post.to == user)
            .map(|post| post.bytes.as_slice());
        assert_eq!(
            sums(kept.iter().map(|mail| mail.bytes.as_slice()).collect()),
            sums(sent.collect())
        );
        assert!(kept.iter().all(|mail| mail.flags.is_empty()), "a flag was set");
    }
}

/// A letter as the citizen's program reads it.
struct Letter {
    folder: PathBuf,
    message_id: String,
    said: Value,
}

impl Letter {
    fn read(folder: &Path, bytes: &[u8]) -> Self {
        let said = read_mail(folder, bytes);
        let id = text(&said["headers"]["message-id"]);
        Self {
            folder: folder.to_owned(),
            message_id: id.trim_matches(['<', '>']).to_owned(),
            said,
        }
    }

    fn header(&self, name: &str) -> &str {
        self.said["headers"][name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in {}", self.said))
    }

    fn text(&self) -> String {
        text(&self.said["text"])
    }

    /// Checks headers and words; returns the receipt's file.
    #[track_caller]
    fn is_a_good_answer(&self, post: &Posted, entry: &Value) -> PathBuf {
        let number = text(&entry["number"]);
        assert_eq!(self.said["defects"].as_array().unwrap().len(), 0, "{}", self.said);
        assert_eq!(self.header("auto-submitted"), "auto-replied");
        assert!(
            self.header("from").ends_with(&format!("<{}>", post.to.address())),
            "{}",
            self.header("from")
        );
        assert!(self.header("to").contains(&post.from), "{}", self.header("to"));
        assert_eq!(self.header("return-path"), format!("<{}>", post.to.address()));
        if let Some(id) = entry["message_id"].as_str() {
            assert_eq!(self.header("in-reply-to"), format!("<{id}>"));
            assert!(
                self.header("references").ends_with(&format!("<{id}>")),
                "{}",
                self.header("references")
            );
        }
        let first = self.text().lines().next().unwrap_or_default().to_owned();
        assert!(first.contains(&number), "{first}");
        let (plain, html) = (self.text(), text(&self.said["html"]));
        assert!(html.contains(&number), "{html}");
        for words in [&plain, &html] {
            assert!(words.contains('ț') && words.contains('ș'), "{words}");
            assert!(!has_cedilla(&without_citizens_words(words, entry)), "{words}");
        }
        let name = format!("recipisa-{}.pdf", number.replace('/', "-"));
        let mut attached = vec![serde_json::json!({"name": name, "type": "application/pdf"})];
        // The blank consent comes along unless the citizen has sent it.
        if !consents(entry) {
            attached.push(serde_json::json!({"name": "acord.pdf", "type": "application/pdf"}));
        }
        assert_eq!(self.said["attachments"], Value::from(attached));
        self.folder.join(name)
    }
}

/// Reads a mail by Python's library, with its attachments into the folder.
fn read_mail(folder: &Path, bytes: &[u8]) -> Value {
    make_dir(folder);
    let file = folder.join("mail.eml");
    fs::write(&file, bytes).unwrap();
    let said = run(Command::new(tool("python3", "python3"))
        .arg(READER)
        .arg(&file)
        .arg(folder));
    serde_json::from_str(&said).unwrap()
}

/// Waits for the citizen's letters, and wants no more than are owed.
fn letters(world: &MailWorld, posts: &[Posted], count: usize) -> Vec<Letter> {
    let mails = world.dovecot.wait_for_mails(User::Citizen, "INBOX", count);
    // What Postfix still has would be one too many.
    wait_until("Postfix to have delivered all", PATIENCE, || {
        let log = world.postfix.log();
        (log.matches(": removed").count() >= count).then_some(())
    });
    assert_eq!(world.dovecot.mails(User::Citizen, "INBOX").len(), count);
    let letters: Vec<Letter> = (0..)
        .zip(&mails)
        .map(|(number, mail)| Letter::read(&world.dir.path().join(format!("letter-{number}")), &mail.bytes))
        .collect();
    // Machines, lists and ourselves get no automatic answer; nor does anyone get two.
    let mut answered: Vec<&str> = letters.iter().map(|letter| letter.header("to")).collect();
    answered.sort_unstable();
    for silent in ["09", "13", "15"] {
        let address = format!("citizen+{silent}@citizen.test");
        assert!(posts.iter().any(|post| post.from == address));
        assert!(
            !answered.iter().any(|to| to.contains(&address)),
            "{address} was answered"
        );
    }
    assert!(!answered.iter().any(|to| to.contains("amt.test")), "{answered:?}");
    letters
}

fn has_cedilla(text: &str) -> bool {
    text.contains(['ş', 'ţ', 'Ş', 'Ţ'])
}

fn without_citizens_words(words: &str, entry: &Value) -> String {
    let names = entry["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["name"]);
    names
        .chain([&entry["subject"], &entry["applicant"]])
        .filter_map(Value::as_str)
        .filter(|word| !word.is_empty())
        .fold(words.to_owned(), |words, word| words.replace(word, ""))
}

/// The receipt's text names the number and every file, with its whole hash.
#[track_caller]
fn says_what_was_registered(printed: &str, entry: &Value, name: &str) {
    let dense: String = printed.split_whitespace().collect();
    for wanted in ["RECIPISĂ", "Agenția", "Județeană", &text(&entry["number"])] {
        assert!(dense.contains(wanted), "{name}: no {wanted} in {printed}");
    }
    let files = entry["documents"].as_array().unwrap();
    for file in files {
        let sum = text(&file["sha256"]);
        assert!(dense.contains(&sum), "{name}: no {sum} in {printed}");
    }
    if !has_cedilla(&entry.to_string()) {
        assert!(!has_cedilla(printed), "{name}: {printed}");
    }
    // A name in words that a line can hold, without marks that printing makes visible.
    for file in files {
        let word = text(&file["name"]);
        if word.chars().all(|c| c.is_alphanumeric() || " ._-".contains(c)) && word.chars().count() < 25 {
            let word: String = word.split_whitespace().collect();
            assert!(dense.contains(&word), "{name}: no {word} in {printed}");
        }
    }
}

/// The citizen's own files, taken out of the mail by another program than ours.
fn own_files(post: &Posted, folder: &Path) -> Vec<PathBuf> {
    let folder = folder.join("own");
    let said = read_mail(&folder, &post.bytes);
    let plain = post.expected["documents"].as_array().unwrap().iter();
    let plain = plain
        .filter(|file| file["container"].is_null() && file["verdict"] == "accepted")
        .count();
    let mut files = vec![folder.join("mail.eml")];
    // Where something was refused or lay in a container, the mail itself is enough.
    if plain == post.expected["documents"].as_array().unwrap().len() {
        // A detached signature is no file, and the receipt does not name it.
        let is_file = |file: &&Value| !file["type"].as_str().unwrap().ends_with("-signature");
        for file in said["attachments"].as_array().unwrap().iter().filter(is_file) {
            files.push(folder.join(file["name"].as_str().unwrap().replace("../", "")));
        }
    }
    files.reverse();
    files
}
