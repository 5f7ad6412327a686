//! All letters: their templates and what is given to them, their headers, and what hostile words cannot do.
//!
//! Left out: how they read, which are the golden files of `tests/it/letters.rs`.

use std::collections::BTreeSet;

use jiff::civil::date;
use mail_parser::{HeaderValue, MessageParser};
use minijinja::value::ValueKind;
use minijinja::{Environment, Value};

use super::clarification::{self, Clarification};
use super::encrypted;
use super::letter::{Composed, Correspondence, ReadReport, Template, Thread, Wave};
use super::notice::{self, Notice};
use super::pickup::{self, Pickup};
use super::receipt_letter::{self, Addressing, Consent};
use super::too_large;
use super::untaken::{self, Untaken};
use crate::receipt::content::{Marking, Receipt};
use crate::receipt::specimen;

const OWN_ID: &str = "abcdefghijklmnopqrstuvwxyz@exemplu.test";
const FORM: &[u8] = b"%PDF-1.7 form";

fn thread(ids: &[&str]) -> Thread {
    Thread {
        ids: ids.iter().map(|&id| id.to_owned()).collect(),
    }
}

fn on<'a>(receipt: &'a Receipt, thread: &'a Thread) -> Correspondence<'a> {
    Correspondence {
        agency: &receipt.agency,
        office: &receipt.office,
        number: &receipt.number,
        registered_on: receipt.register.date,
        request_type: &receipt.request_type,
        from: "somaj@exemplu.test",
        to: &receipt.sender_address,
        to_name: receipt.applicant.as_deref(),
        subject: &receipt.subject,
        thread,
        message_id: OWN_ID,
        date: receipt.issued_at,
        marking: Marking::None,
        read_report: ReadReport::Asked,
    }
}

fn asked(what: &str) -> Clarification<'_> {
    Clarification {
        what,
        until: date(2026, 12, 7),
        asked_on: date(2026, 11, 24),
    }
}

fn pickup(place: &str, sequence: u32) -> Pickup<'_> {
    Pickup {
        starts_at: "2026-12-08T08:00:00Z".parse().unwrap(),
        minutes: 20,
        place,
        decided_on: date(2026, 11, 27),
        uid: "programare@exemplu.test",
        sequence,
        made_at: "2026-11-27T10:00:00Z".parse().unwrap(),
    }
}

fn receipt_letter(receipt: &Receipt, consent: &Consent<'_>, references: &[&str]) -> Composed {
    let references = thread(references).ids;
    let addressing = Addressing {
        from: "somaj@exemplu.test",
        references: &references,
        read_report: ReadReport::Asked,
    };
    receipt_letter::compose(receipt, b"%PDF-1.7".to_vec(), OWN_ID, &addressing, consent).unwrap()
}

fn untaken<'a>(receipt: &'a Receipt, references: &'a [String]) -> Untaken<'a> {
    Untaken {
        agency: &receipt.agency,
        office: &receipt.office,
        from: "somaj@exemplu.test",
        to: &receipt.sender_address,
        to_name: receipt.applicant.as_deref(),
        subject: &receipt.subject,
        received_at: receipt.received_at,
        mail_message_id: Some("own@x.test"),
        references,
        message_id: OWN_ID,
        date: receipt.issued_at,
        marking: Marking::None,
    }
}

fn notice(receipt: &Receipt) -> Notice<'_> {
    Notice {
        agency: &receipt.agency,
        office: &receipt.office,
        number: &receipt.number,
        submission: receipt.submission,
        received_at: receipt.received_at,
        from: "somaj@exemplu.test",
        to: &receipt.sender_address,
        mail_message_id: receipt.message_id.as_deref(),
        message_id: OWN_ID,
        date: receipt.issued_at,
        marking: Marking::None,
    }
}

/// All letters in all their forms, with these words of people in them.
fn every_letter(receipt: &Receipt, words: &str) -> Vec<Composed> {
    let mut receipt = receipt.clone();
    receipt.subject = words.to_owned();
    receipt.applicant = Some(words.to_owned());
    receipt.request_type = words.to_owned();
    let thread = thread(&["first@x.test", words, "last@x.test"]);
    let on = on(&receipt, &thread);
    let missing = Consent::Missing {
        form: FORM,
        form_name: words,
    };
    let mut letters = vec![
        receipt_letter(&receipt, &Consent::NotAsked, &[]),
        receipt_letter(&receipt, &Consent::Found { name: words }, &[words]),
        receipt_letter(&receipt, &missing, &["first@x.test"]),
        pickup::compose(&on, &pickup(words, 1), Wave::First).unwrap(),
    ];
    let references = [words.to_owned()];
    letters.push(too_large::compose(&untaken(&receipt, &references), 50_000_000).unwrap());
    letters.push(encrypted::compose(&untaken(&receipt, &references)).unwrap());
    for wave in [Wave::First, Wave::Reminder] {
        letters.push(clarification::compose(&on, &asked(words), wave).unwrap());
        letters.push(pickup::compose(&on, &pickup(words, 0), wave).unwrap());
    }
    letters
}

/// Names as templates spell them; what is in a list has none of its own.
fn names(value: &Value, before: &str, found: &mut BTreeSet<String>) {
    if value.kind() != ValueKind::Map {
        found.insert(before.to_owned());
        return;
    }
    for key in value.try_iter().unwrap() {
        let name = match before {
            "" => key.to_string(),
            _ => format!("{before}.{key}"),
        };
        names(&value.get_item(&key).unwrap(), &name, found);
    }
}

fn used(template: &Template) -> BTreeSet<String> {
    let mut environment = Environment::new();
    environment.add_template(template.name, template.source).unwrap();
    let template = environment.get_template(template.name).unwrap();
    template.undeclared_variables(true).into_iter().collect()
}

#[test]
fn templates_use_what_is_given_and_nothing_is_given_in_vain() {
    let receipt = specimen::ordinary();
    let thread = Thread::default();
    let on = on(&receipt, &thread);
    let given = [
        receipt_letter::values(&receipt, &Consent::NotAsked),
        clarification::values(&on, &asked("x"), Wave::First),
        pickup::values(&on, &pickup("x", 0), Wave::First),
        too_large::values(&untaken(&receipt, &[]), 50_000_000),
        untaken::values(&untaken(&receipt, &[])),
    ];
    let all: Vec<Template> = super::templates().collect();
    let (pairs, rest) = all.as_chunks::<2>();
    // The notice is plain text alone.
    assert!(pairs.len() == given.len() && rest.len() == 1);
    let mut real = BTreeSet::new();
    names(&notice::values(&notice(&receipt)), "", &mut real);
    let told: BTreeSet<String> = rest[0].given.iter().map(|&name| name.to_owned()).collect();
    assert_eq!((told, used(&rest[0])), (real.clone(), real));
    for ([text, html], given) in pairs.iter().zip(&given) {
        assert_eq!(text.name.strip_suffix(".txt"), html.name.strip_suffix(".html"));
        let mut real = BTreeSet::new();
        names(given, "", &mut real);
        for template in [text, html] {
            let told: BTreeSet<String> = template.given.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(
                told, real,
                "{}: what it is said to be given, and is",
                template.name
            );
            let used = used(template);
            let unknown: Vec<_> = used.difference(&real).collect();
            assert!(unknown.is_empty(), "{}: {unknown:?}", template.name);
        }
        let both = used(text).union(&used(html)).cloned().collect();
        let vain: Vec<_> = real.difference(&both).collect();
        assert!(vain.is_empty(), "{}: {vain:?}", text.name);
    }
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let receipt = specimen::ordinary();
    for (once, again) in every_letter(&receipt, "ș")
        .iter()
        .zip(every_letter(&receipt, "ș"))
    {
        assert_eq!(once.bytes, again.bytes);
    }
}

/// The names of the header's fields, in their order.
fn fields(letter: &Composed) -> Vec<String> {
    let text = String::from_utf8(letter.bytes.clone()).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    assert!(!head.replace("\r\n", "").contains(['\r', '\n']), "{head}");
    head.split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect()
}

#[test]
fn words_of_people_never_become_header_fields() {
    let receipt = specimen::ordinary();
    let hostile = [
        "x\r\nBcc: rau@exemplu.test\r\n\r\n<b>y</b>",
        "x\nBcc: rau@exemplu.test",
        "x\rBcc: rau@exemplu.test",
        "x\" <rau@exemplu.test>, \"y",
    ];
    for words in hostile {
        let tame = every_letter(&receipt, "x");
        for (letter, tame) in every_letter(&receipt, words).iter().zip(&tame) {
            assert_eq!(fields(letter), fields(tame), "{words}");
            let read = MessageParser::new().parse(&letter.bytes).unwrap();
            let to = read.to().unwrap().as_list().unwrap();
            assert_eq!(to.len(), 1, "{words}");
            assert_eq!(to[0].address.as_deref(), Some("ana.pop@exemplu.test"), "{words}");
            let tame = MessageParser::new().parse(&tame.bytes).unwrap();
            assert_eq!(read.parts.len(), tame.parts.len(), "{words}");
        }
    }
}

#[test]
fn no_line_of_a_header_is_too_long() {
    for word in ["a", "ș", "\"", "\\", "a ", "😀", "\u{202E}", "=?"] {
        let words = word.repeat(1_500);
        for letter in every_letter(&specimen::ordinary(), &words) {
            let text = String::from_utf8(letter.bytes).unwrap();
            // The headers of the parts are looked at as well.
            for line in text.split("\r\n") {
                assert!(
                    line.len() <= 998,
                    "{} bytes of {word:?}: {}",
                    line.len(),
                    &line[..40]
                );
            }
        }
    }
}

#[test]
fn words_of_people_are_words_in_html() {
    let hostile = "<script>alert(1)</script><img src=\"http://exemplu.test/x\">&amp; ' \u{202E}";
    for letter in every_letter(&specimen::ordinary(), hostile) {
        let read = MessageParser::new().parse(&letter.bytes).unwrap();
        let html = read.body_html(0).unwrap();
        assert!(html.contains("&lt;script&gt;alert(1)"), "{html}");
        assert!(html.contains("&amp;amp;") && html.contains("⟨U+202E⟩"), "{html}");
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(!read.subject().unwrap().contains('\u{202E}'));
    }
}

fn header(letter: &Composed, name: &str) -> Option<String> {
    let text = String::from_utf8(letter.bytes.clone()).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
    let line = head.split("\r\n").find_map(|line| line.strip_prefix(name))?;
    Some(line.strip_prefix(':')?.trim().to_owned())
}

#[test]
fn letters_continue_the_thread_and_say_that_a_machine_wrote_them() {
    let receipt = specimen::ordinary();
    let long: Vec<String> = (0..50).map(|index| format!("{index}@x.test")).collect();
    let long = Thread { ids: long };
    let letter = clarification::compose(&on(&receipt, &long), &asked("x"), Wave::First).unwrap();
    assert_eq!(header(&letter, "In-Reply-To").unwrap(), "<49@x.test>");
    let references = header(&letter, "References").unwrap();
    assert!(references.starts_with("<0@x.test> <30@x.test> "), "{references}");
    assert!(references.ends_with(" <48@x.test> <49@x.test>"), "{references}");
    assert_eq!(header(&letter, "Auto-Submitted").unwrap(), "auto-generated");
    assert_eq!(header(&letter, "X-Auto-Response-Suppress").unwrap(), "All");
    assert_eq!(header(&letter, "Content-Language").unwrap(), "ro");

    let alone = Thread::default();
    let letter = pickup::compose(&on(&receipt, &alone), &pickup("x", 0), Wave::First).unwrap();
    assert_eq!(
        (header(&letter, "In-Reply-To"), header(&letter, "References")),
        (None, None)
    );

    let plain = Receipt {
        message_id: Some("own@x.test".to_owned()),
        ..receipt
    };
    let letter = receipt_letter(&plain, &Consent::NotAsked, &["own@x.test", "a b", "one@x.test"]);
    assert_eq!(
        header(&letter, "References").unwrap(),
        "<one@x.test> <own@x.test>"
    );
    assert_eq!(header(&letter, "Auto-Submitted").unwrap(), "auto-replied");
    // A mail without a Message-ID that could be named is not answered in its place.
    let nameless = Receipt {
        message_id: None,
        ..plain
    };
    assert_eq!(
        header(
            &receipt_letter(&nameless, &Consent::NotAsked, &["one@x.test"]),
            "References"
        ),
        None
    );
}

#[test]
fn a_read_report_is_asked_for_where_it_is_wanted() {
    let receipt = specimen::ordinary();
    let asked: Vec<_> = every_letter(&receipt, "x")
        .iter()
        .map(|letter| header(letter, "Disposition-Notification-To"))
        .collect();
    let wanted = |one: &&Option<String>| one.as_deref() == Some("<somaj@exemplu.test>");
    // The two letters about what was not taken ask for none.
    assert_eq!(asked.iter().filter(wanted).count(), asked.len() - 2);
    assert_eq!(asked.iter().filter(|one| one.is_none()).count(), 2);
    let addressing = Addressing {
        from: "somaj@exemplu.test",
        references: &[],
        read_report: ReadReport::NotAsked,
    };
    let letter = receipt_letter::compose(
        &receipt,
        b"%PDF-1.7".to_vec(),
        OWN_ID,
        &addressing,
        &Consent::NotAsked,
    );
    assert_eq!(header(&letter.unwrap(), "Disposition-Notification-To"), None);
}

#[test]
fn the_number_stands_in_every_subject() {
    for words in ["", "x", "Re: Fwd: ceva"] {
        for letter in every_letter(&specimen::completion(), words) {
            let read = MessageParser::new().parse(&letter.bytes).unwrap();
            if read.subject().unwrap().starts_with("Mesaj ") {
                // It has none, and says so.
                assert!(read.body_text(0).unwrap().contains("nu are număr"));
                continue;
            }
            assert!(
                read.subject().unwrap().contains("nr. 1/20.11.2026")
                    || read.subject().unwrap().starts_with("Nr. 1/20.11.2026")
            );
        }
    }
}

#[test]
fn a_notice_is_small_and_of_no_use_to_a_forger() {
    let receipt = Receipt {
        subject: "Cumpărați acum".into(),
        applicant: Some("Ofertă unică".into()),
        message_id: Some("own@x.test".into()),
        ..specimen::ordinary()
    };
    let letter = notice::compose(&notice(&receipt)).unwrap();
    let read = MessageParser::new().parse(&letter.bytes).unwrap();
    let text = read.body_text(0).unwrap();
    assert!(
        text.contains("1/20.11.2026") && text.len() < 700,
        "{}: {text}",
        text.len()
    );
    assert!(!text.contains("Cumpărați") && !text.contains("Ofertă"));
    assert!(read.subject().unwrap().contains("1/20.11.2026"));
    assert_eq!((read.parts.len(), read.attachment_count()), (1, 0));
    assert_eq!(header(&letter, "Auto-Submitted").unwrap(), "auto-replied");
    assert_eq!(header(&letter, "In-Reply-To").unwrap(), "<own@x.test>");
}

#[test]
fn an_unknown_type_is_not_spoken_of() {
    let receipt = Receipt {
        request_type: crate::registry::UNDETERMINED.to_owned(),
        ..specimen::ordinary()
    };
    let thread = Thread::default();
    for (request_type, told) in [("indemnizație", true), (receipt.request_type.as_str(), false)] {
        let on = Correspondence {
            request_type,
            ..on(&receipt, &thread)
        };
        let letter = clarification::compose(&on, &asked("x"), Wave::First).unwrap();
        let read = MessageParser::new().parse(&letter.bytes).unwrap();
        assert_eq!(read.body_text(0).unwrap().contains("Tipul cererii"), told);
        assert!(matches!(
            read.header("Content-Type"),
            Some(HeaderValue::ContentType(_))
        ));
    }
}
