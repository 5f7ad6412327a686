//! What cannot be taken and is told so, and receipts that wait for a person: a sender who may be somebody else, a budget
//! that is spent.

use std::fs;

use serde_json::Value;

use super::{Mail, letters, listed, once, post, sound, text};
use crate::support::agency::Agency;

/// With the server that is believed.
fn believing(agency: &Agency, more: &str) {
    agency.configure(|text| {
        text.replace(
            "name = \"somaj\"\n",
            "name = \"somaj\"\nauthserv_ids = [\"mx.exemplu.test\"]\n",
        ) + more
    });
}

const FAILED: &str = "Authentication-Results: mx.exemplu.test; dmarc=fail header.from=exemplu.test\r\n";

#[test]
fn who_may_be_somebody_else_gets_a_notice_and_the_receipt_waits() {
    let agency = Agency::new();
    believing(&agency, "");
    let forged = "Authentication-Results: mx.altul.test; dmarc=fail header.from=exemplu.test\r\n";
    let mails = [
        ("a", FAILED, "ana@exemplu.test"),
        ("b", forged, "ion@exemplu.test"),
    ];
    for (name, header, from) in mails {
        let id = format!("{name}@exemplu.test");
        let mail = Mail {
            id: &id,
            from,
            header,
            subject: "Cumpărați",
            ..Mail::default()
        };
        post(&agency, "somaj", name, &mail);
    }
    once(&agency);
    let entries = listed(&agency, &["entries", "--json"]);
    assert_eq!(entries.len(), 2, "both are registered");
    assert_eq!(
        (&entries[0]["sender"], &entries[1]["sender"]),
        (&"disowned".into(), &"undisputed".into())
    );
    assert_eq!(entries[0]["receipt"]["no_letter"], "unauthenticated");
    let sent = letters(&agency);
    assert_eq!(sent.len(), 2);
    let notice = sent.iter().find(|letter| letter.starts_with("To: ana@")).unwrap();
    assert!(
        notice.contains("\nFiles: \n") && notice.contains(text(&entries[0], "number")),
        "{notice}"
    );
    assert!(
        !notice.contains("Cumpărați") && notice.contains("a@exemplu.test"),
        "{notice}"
    );
    assert!(notice.len() < 700, "{notice}");
    let listed_text = agency.run(&["entries"]).ended_with(0).out;
    assert!(
        listed_text.contains("NO LETTER (unauthenticated)"),
        "{listed_text}"
    );
    let number = text(&entries[0], "number");
    let digest = agency.run(&["digest"]).ended_with(0).out;
    assert!(
        digest.contains("DMARC") && digest.contains(&format!("recipisa resend {number}")),
        "{digest}"
    );
    // The clerk has telephoned.
    agency
        .run(&["resend", number, "--as", "Ana Registrator"])
        .ended_with(0);
    once(&agency);
    let sent = letters(&agency);
    assert_eq!(sent.len(), 3);
    let receipt = sent
        .iter()
        .find(|letter| letter.starts_with("To: ana@") && letter.contains("recipisa-"));
    assert!(receipt.is_some(), "{sent:?}");
    let after = listed(&agency, &["entries", "--json"]).remove(0);
    assert_eq!(after["receipt"]["no_letter"], Value::Null);
    assert_eq!(
        after["receipt"]["sha256"], entries[0]["receipt"]["sha256"],
        "the same receipt"
    );
    assert_eq!(after["letters"][0]["state"], "sent");
    sound(&agency);
}

#[test]
fn by_configuration_nothing_at_all_goes_to_who_may_be_somebody_else() {
    let agency = Agency::new();
    believing(&agency, "[answers]\nunauthenticated = \"hold\"\n");
    let mail = Mail {
        header: FAILED,
        ..Mail::default()
    };
    post(&agency, "somaj", "a", &mail);
    once(&agency);
    assert_eq!(letters(&agency), [] as [String; 0]);
    let entry = listed(&agency, &["entries", "--json"]).remove(0);
    assert_eq!(entry["receipt"]["no_letter"], "unauthenticated");
    // A disowned mail in the owner's name writes into no case, and its answer tells nothing of it.
    let number = text(&entry, "number");
    let subject = format!("Re: {number}");
    let forged = Mail {
        id: "2@exemplu.test",
        header: FAILED,
        subject: &subject,
        ..Mail::default()
    };
    post(&agency, "somaj", "b", &forged);
    once(&agency);
    let entries = listed(&agency, &["entries", "--json"]);
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1]["links"][0]["why"], "number");
    assert_eq!(entries[1]["links"][0]["told"], false);
}

#[test]
fn what_cannot_be_taken_is_told_and_has_no_number() {
    let agency = Agency::new();
    agency.configure(|text| text + "[limits]\nmail_bytes_max = 100000\nletters_a_day = 2\n");
    let long = "umplutură ".repeat(20_000);
    for ordinal in 1..=3 {
        let id = format!("{ordinal}@exemplu.test");
        let mail = Mail {
            id: &id,
            subject: "Acte pentru șomaj",
            text: &long,
            ..Mail::default()
        };
        post(&agency, "somaj", &format!("m{ordinal}"), &mail);
    }
    let silent = Mail {
        id: "s@exemplu.test",
        from: "buletin@exemplu.test",
        header: "X-Auto-Response-Suppress: All\r\n",
        text: &long,
        ..Mail::default()
    };
    post(&agency, "somaj", "s", &silent);
    once(&agency);
    assert_eq!(listed(&agency, &["entries", "--json"]), [] as [Value; 0]);
    let mails = listed(&agency, &["mails", "--json"]);
    let reasons: Vec<&str> = mails.iter().map(|mail| text(mail, "reason")).collect();
    // The third is over the budget of its address.
    assert_eq!(reasons, ["too-large", "too-large", "oversized", "oversized"]);
    assert_eq!(
        (&mails[0]["outcome"], &mails[2]["outcome"]),
        (&"answered".into(), &"held".into())
    );
    let sent = letters(&agency);
    assert_eq!(sent.len(), 2);
    for words in [
        "To: ana@exemplu.test",
        "Acte pentru șomaj",
        "0,1 MB",
        "nu are număr",
        "împărțite în mai multe mesaje",
        "In-Reply-To: ",
        "Program: ",
    ] {
        assert!(
            sent.iter().all(|letter| letter.contains(words)),
            "{words}: {}",
            sent[0]
        );
    }
    once(&agency);
    assert_eq!(letters(&agency).len(), 2, "told once");
    let status = agency.run(&["digest"]).ended_with(0).out;
    assert!(status.contains("refuzate cu explicație"), "{status}");
    sound(&agency);
}

#[test]
fn an_encrypted_mail_is_told_to_come_in_clear() {
    let agency = Agency::new();
    let mail = "From: ana@exemplu.test\r\nSubject: Secret\r\nMessage-ID: <1@exemplu.test>\r\n\
                MIME-Version: 1.0\r\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; \
                boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\n\
                Content-Type: application/octet-stream; name=encrypted.asc\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\n\
                hQEMA7VxQ==\r\n-----END PGP MESSAGE-----\r\n--b--\r\n";
    let folder = agency.path().join("mailboxes/somaj");
    fs::write(folder.join("a.eml"), mail).unwrap();
    let silent = mail.replace("Subject", "X-Auto-Response-Suppress: All\r\nSubject");
    fs::write(folder.join("b.eml"), silent.replace("<1@", "<2@")).unwrap();
    once(&agency);
    let mails = listed(&agency, &["mails", "--json"]);
    let reasons: Vec<&str> = mails.iter().map(|mail| text(mail, "reason")).collect();
    assert_eq!(reasons, ["encrypted", "encrypted-unanswerable"]);
    let sent = letters(&agency);
    assert_eq!(sent.len(), 1);
    assert!(
        sent[0].contains("este criptat") && sent[0].contains("Secret"),
        "{}",
        sent[0]
    );
    // Whoever it is for can register it all the same.
    agency.run(&["held", "release", "2"]).ended_with(0);
    once(&agency);
    assert_eq!(listed(&agency, &["entries", "--json"]).len(), 1);
    sound(&agency);
}

#[test]
fn over_the_budget_of_the_house_receipts_wait_and_are_sent_at_a_persons_word() {
    let agency = Agency::new();
    agency.configure(|text| text + "[limits]\nanswers_a_day = 2\n");
    for ordinal in 1..=4 {
        let (id, from) = (
            format!("{ordinal}@e.test"),
            format!("inventat{ordinal}@exemplu.test"),
        );
        let mail = Mail {
            id: &id,
            from: &from,
            ..Mail::default()
        };
        post(&agency, "somaj", &format!("m{ordinal}"), &mail);
    }
    once(&agency);
    let entries = listed(&agency, &["entries", "--json"]);
    assert_eq!(entries.len(), 4, "all are registered");
    let why: Vec<&Value> = entries
        .iter()
        .map(|entry| &entry["receipt"]["no_letter"])
        .collect();
    assert_eq!(
        why,
        [&Value::Null, &Value::Null, &"budget".into(), &"budget".into()]
    );
    assert_eq!(letters(&agency).len(), 2);
    let digest = agency.run(&["digest"]).ended_with(0).out;
    let number = text(&entries[2], "number");
    assert!(digest.contains(&format!("recipisa resend {number}")), "{digest}");
    let checked = agency.run(&["check"]).ended_with(0).out;
    assert!(checked.contains("2 receipts that no letter carries"), "{checked}");
    agency.run(&["resend", number]).ended_with(0);
    once(&agency);
    assert_eq!(letters(&agency).len(), 3);
    sound(&agency);
}
