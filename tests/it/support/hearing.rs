//! What our program writes to standard error is a log, and is read by many: no process of the whole suite may put
//! anything there that belongs to a citizen of the fixtures.
//!
//! Whoever ends a process calls [`assert_nothing_personal`] on what it said. Left out: standard output, which shows a
//! clerk what the clerk has asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use recipisa::message::Message;

use super::command::project;

/// The agencies' own domains; their dedicated addresses are no secret.
const OWN_DOMAINS: [&str; 2] = ["@ajofm-exemplu.test", "@amt.test"];
/// The citizens whom [`super::citizens`] makes up, and others that single tests do.
const CITIZENS_DOMAINS: [&str; 2] = ["@citizen.test", "@exemplu.test"];

/// Addresses, names of two words and more, subjects of two words and more, and personal codes, of all mails in
/// `fixtures/mails`, and of all documents as far as they are text.
fn personal() -> &'static BTreeSet<String> {
    static WORDS: OnceLock<BTreeSet<String>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut words: BTreeSet<String> = CITIZENS_DOMAINS.map(str::to_owned).into();
        let mails = fs::read_dir(project().join("fixtures/mails")).unwrap();
        for mail in mails.map(|entry| entry.unwrap().path().join("mail.eml")) {
            let Ok(bytes) = fs::read(&mail) else { continue };
            gather(&bytes, &mut words);
        }
        gather_codes(&project().join("fixtures/documents"), &mut words);
        assert!(words.len() > 50, "{words:?}");
        words
    })
}

fn gather(bytes: &[u8], words: &mut BTreeSet<String>) {
    let message = Message::read(bytes);
    let is_own = |address: &str| OWN_DOMAINS.iter().any(|own| address.ends_with(own));
    if let Some(from) = &message.from
        && !is_own(&from.address)
    {
        words.insert(from.address.clone());
        words.extend(
            from.name
                .clone()
                .filter(|name| name.split_whitespace().count() >= 2),
        );
    }
    if message.subject.split_whitespace().count() >= 2 {
        words.insert(message.subject.clone());
    }
    codes(&message.text, words);
    for file in &message.files {
        codes(&String::from_utf8_lossy(&file.bytes), words);
    }
}

fn gather_codes(dir: &Path, words: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            gather_codes(&entry, words);
        } else {
            codes(&String::from_utf8_lossy(&fs::read(&entry).unwrap()), words);
        }
    }
}

/// Personal codes (CNP): thirteen digits that stand alone, of which the last one fits (HG 1375/2006).
fn codes(text: &str, words: &mut BTreeSet<String>) {
    const WEIGHTS: &[u8; 12] = b"279146358279";
    for word in text.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let digits = word.as_bytes();
        if digits.len() != 13 || !digits.iter().all(u8::is_ascii_digit) || digits[0] == b'0' {
            continue;
        }
        let sum: u32 = digits
            .iter()
            .zip(WEIGHTS)
            .map(|(digit, weight)| u32::from(digit - b'0') * u32::from(weight - b'0'))
            .sum();
        let last = if sum % 11 == 10 { 1 } else { sum % 11 };
        if last == u32::from(digits[12] - b'0') {
            words.insert(word.to_owned());
        }
    }
}

/// The first personal thing in a log.
fn told(log: &str) -> Option<&'static str> {
    personal()
        .iter()
        .map(String::as_str)
        .find(|word| log.contains(*word))
}

/// Fails the test when what a process of ours said to standard error is anybody's business but the agency's.
#[track_caller]
pub(crate) fn assert_nothing_personal(process: &str, log: &str) {
    // A test that fails already has its own story to tell.
    if std::thread::panicking() {
        return;
    }
    if let Some(word) = told(log) {
        panic!("{process} says {word:?} on standard error:\n{log}");
    }
}

#[test]
fn every_kind_of_personal_word_is_found() {
    for log in [
        "sent to <ioana.pastravanu@exemplu.test>",
        "from citizen+7@citizen.test",
        "Ioana Păstrăvanu wrote",
        "about Cerere indemnizație de șomaj",
    ] {
        assert!(told(log).is_some(), "{log}");
    }
    assert_eq!(
        told("mail decided mail.id=1 outcome=\"registered\" entry.number=\"1/20.11.2026\""),
        None
    );
    assert_eq!(told("config: somaj@ajofm-exemplu.test is no address"), None);
    let mut words = BTreeSet::new();
    codes(
        "CNP 1900101410011, telefon 0264000001, cod 1900101410012",
        &mut words,
    );
    assert_eq!(words.into_iter().collect::<Vec<_>>(), ["1900101410011"]);
}

#[test]
#[should_panic(expected = "a process says")]
fn a_log_with_a_name_fails_the_test() {
    assert_nothing_personal("a process", "letter to ruxandra.salcie@exemplu.test put off");
}
