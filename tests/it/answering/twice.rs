//! What was sent twice or came by two ways, and what speaks of another entry.

use serde_json::Value;

use super::{Mail, letters, listed, once, post, sound, text};
use crate::support::agency::Agency;

const LONG: &str = "Subsemnata vă rog să îmi comunicați stadiul soluționării cererii mele de indemnizație de șomaj, \
                    depusă luna trecută la ghișeul dumneavoastră, împreună cu toate actele cerute de lege.";

#[test]
fn the_petition_sent_four_times_is_registered_four_times_and_says_so() {
    // All at once, and one after the other: the same.
    for at_once in [true, false] {
        let agency = Agency::new();
        for ordinal in 1..=4 {
            let id = format!("{ordinal}@exemplu.test");
            let mail = Mail {
                id: &id,
                text: LONG,
                file: ("petitie.xml", "aceeași"),
                ..Mail::default()
            };
            post(&agency, "somaj", &format!("m{ordinal}"), &mail);
            if !at_once {
                once(&agency);
            }
        }
        once(&agency);
        let entries = listed(&agency, &["entries", "--json"]);
        assert_eq!(entries.len(), 4);
        let first = text(&entries[0], "number");
        for (place, entry) in entries.iter().enumerate() {
            assert_eq!(
                entry["mail_id"],
                place as u64 + 1,
                "numbers in the order of arrival"
            );
            let mine: Vec<&Value> = entry["links"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|link| link["number"] == entry["number"])
                .collect();
            assert_eq!(mine.len(), usize::from(place > 0), "{entry}");
            for link in mine {
                assert_eq!((&link["earlier"], &link["why"]), (&first.into(), &"files".into()));
                assert_eq!(
                    (&link["told"], &link["state"]),
                    (&true.into(), &"proposed".into())
                );
            }
        }
        let said = format!("aceleași fișiere au fost primite și cu nr. {first}");
        let letters = letters(&agency);
        assert_eq!(letters.iter().filter(|letter| letter.contains(&said)).count(), 3);
        assert_eq!(letters.len(), 4);
        let digest = agency.run(&["digest"]).ended_with(0).out;
        let second = text(&entries[1], "number");
        let command = format!("recipisa link {second} {first} --confirm");
        assert!(digest.contains("conexe") && digest.contains(&command), "{digest}");
        agency
            .run(&["link", second, first, "--as", "Ana Registrator"])
            .ended_with(0);
        agency
            .run(&["link", text(&entries[2], "number"), first, "--reject"])
            .ended_with(0);
        let shown = agency.run(&["show", second]).ended_with(0).out;
        assert!(shown.contains("confirmed by Ana Registrator"), "{shown}");
        let case = agency.run(&["case", "show", second]).ended_with(0).out;
        assert!(case.contains("link.confirmed"), "{case}");
        let digest = agency.run(&["digest"]).ended_with(0).out;
        assert!(!digest.contains(&command), "{digest}");
        sound(&agency);
    }
}

#[test]
fn the_receipt_itself_names_the_earlier_entry() {
    let agency = Agency::new();
    for (name, id) in [("a", "1@exemplu.test"), ("b", "2@exemplu.test")] {
        let mail = Mail {
            id,
            file: ("act.xml", "acelaşi"),
            ..Mail::default()
        };
        post(&agency, "somaj", name, &mail);
    }
    once(&agency);
    let entries = listed(&agency, &["entries", "--json"]);
    let (first, second) = (text(&entries[0], "number"), text(&entries[1], "number"));
    let path = agency.path().join("recipisa.pdf");
    let path = path.to_str().unwrap();
    agency.run(&["show", second, "--receipt", path]).ended_with(0);
    let printed = crate::support::tools::run(
        std::process::Command::new(crate::support::tools::tool("pdftotext", "poppler-utils"))
            .args(["-layout", path, "-"]),
    );
    let dense = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = format!("Legătură aceleași fișiere au fost primite și cu nr. {first}");
    assert!(dense.contains(&wanted), "{dense}");
}

#[test]
fn the_same_message_in_two_mailboxes_is_registered_once_and_both_offices_are_told() {
    let agency = Agency::new();
    let (one, other) = (
        Mail {
            header: "Received: by mx1.exemplu.test; Fri, 20 Nov 2026 10:00:00 +0200\r\n",
            ..Mail::default()
        },
        Mail {
            header: "Received: by mx2.exemplu.test; Fri, 20 Nov 2026 10:00:01 +0200\r\n",
            ..Mail::default()
        },
    );
    post(&agency, "somaj", "a", &one);
    post(&agency, "dej", "a", &other);
    once(&agency);
    let entries = listed(&agency, &["entries", "--json"]);
    assert_eq!(entries.len(), 1);
    let number = text(&entries[0], "number");
    let mails = listed(&agency, &["mails", "--json"]);
    assert_eq!(
        (&mails[1]["outcome"], &mails[1]["reason"]),
        (&"ignored".into(), &"same-message".into())
    );
    let detail = text(&mails[1], "detail");
    assert!(detail.contains("source") && detail.contains("mail 1"), "{detail}");
    assert_eq!(letters(&agency).len(), 1);
    let office = text(&mails[1], "source").to_owned();
    let second_office = if office == "dej" { "dej" } else { "cluj" };
    let digest = agency
        .run(&["digest", "--office", second_office])
        .ended_with(0)
        .out;
    assert!(
        digest.contains(&format!("înregistrat cu nr. {number}")),
        "{digest}"
    );
    sound(&agency);
}

#[test]
fn nobody_can_swallow_anothers_mail_by_its_message_id() {
    let agency = Agency::new();
    let (header, id) = ("", "predictibil@exemplu.test");
    let thief = Mail {
        id,
        header,
        from: "hot@altundeva.test",
        text: "orice",
        ..Mail::default()
    };
    let own = Mail {
        id,
        header,
        ..Mail::default()
    };
    let changed = Mail {
        id,
        header,
        text: "Am uitat ceva.",
        ..Mail::default()
    };
    for (name, mail) in [("a", &thief), ("b", &own), ("c", &changed)] {
        post(&agency, "somaj", name, mail);
    }
    once(&agency);
    let mails = listed(&agency, &["mails", "--json"]);
    for mail in &mails {
        assert_eq!(mail["outcome"], "registered", "{mail}");
    }
    assert_eq!(letters(&agency).len(), 3);
    let entries = listed(&agency, &["entries", "--json"]);
    assert_eq!(entries[2]["links"][0]["why"], "message", "the clerk is shown it");
    assert_eq!(entries[2]["links"][0]["told"], false);
}

#[test]
fn a_strangers_reply_is_an_entry_of_its_own_with_a_proposed_link() {
    let agency = Agency::new();
    post(&agency, "somaj", "a", &Mail::default());
    once(&agency);
    let first = listed(&agency, &["entries", "--json"]).remove(0);
    let number = text(&first, "number").to_owned();
    let letter = text(&first["letters"][0], "message_id").to_owned();
    let reply = format!("In-Reply-To: <{letter}>\r\nReferences: <{letter}>\r\n");
    let subject = format!("Re: nr. {number}");
    let stranger = |id, header, subject| Mail {
        id,
        from: "altcineva@exemplu.test",
        header,
        subject,
        text: "Și eu.",
        ..Mail::default()
    };
    post(
        &agency,
        "somaj",
        "b",
        &stranger("2@exemplu.test", &reply, "Re: ceva"),
    );
    post(&agency, "somaj", "c", &stranger("3@exemplu.test", "", &subject));
    let owner = Mail {
        id: "4@exemplu.test",
        header: &reply,
        subject: "Re: ceva",
        ..Mail::default()
    };
    post(&agency, "somaj", "d", &owner);
    once(&agency);
    let entries = listed(&agency, &["entries", "--json"]);
    assert_eq!(entries.len(), 3, "the owner's reply joins, the stranger's do not");
    for (entry, why) in [(&entries[1], "reply"), (&entries[2], "number")] {
        let link = &entry["links"][0];
        assert_eq!(
            (&link["earlier"], &link["why"]),
            (&number.as_str().into(), &why.into())
        );
        assert_eq!(link["told"], false);
    }
    let case = listed(&agency, &["case", "show", &number, "--json"]).remove(0);
    assert_eq!(case["submissions"].as_array().unwrap().len(), 1);
    assert_eq!(case["submissions"][0]["from"], "ana@exemplu.test");
    // What a stranger gets says nothing of the other's case.
    for letter in letters(&agency) {
        assert!(
            !letter.starts_with("To: altcineva") || !letter.contains("are legătură"),
            "{letter}"
        );
    }
    sound(&agency);
}
