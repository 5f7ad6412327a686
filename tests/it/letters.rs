//! The letters as a citizen reads them: composed by the library, read by Python's email and icalendar packages, and
//! compared with `fixtures/letters`, one `.txt` (header and text) and one `.html` for each.
//!
//! To write them anew after a change of words: `RECIPISA_REWRITE=1 cargo test --test it letters`; then look at the
//! difference, and at the HTML in a browser 360 pixels wide. Left out: sending them, and what no letter may do, which
//! `src/outbox/tests.rs` tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use jiff::civil::date;
use recipisa::outbox::clarification::{self, Clarification};
use recipisa::outbox::encrypted;
use recipisa::outbox::letter::{Composed, Correspondence, ReadReport, Thread, Wave};
use recipisa::outbox::notice::{self, Notice};
use recipisa::outbox::pickup::{self, Pickup};
use recipisa::outbox::receipt_letter::{self, Addressing, Consent};
use recipisa::outbox::too_large;
use recipisa::outbox::untaken::Untaken;
use recipisa::receipt::content::{
    Agency, File, Link, Marking, Office, Reason, Receipt, RegisterPlace, Severity, Verdict,
};
use serde_json::{Value, json};

use crate::support::command::project;
use crate::support::paper::python_with_pyhanko;
use crate::support::tools::{TempDir, run};

const FROM: &str = "somaj@ajofm-exemplu.test";
const WHAT: &str = "Lipsește adeverința de vechime în muncă, pe ultimele 12 luni.\r\n\
                    În copia actului de identitate nu se poate citi seria: vă rugăm să o fotografiați din nou.\r\n\r\n\
                    Cererea nu este semnată.";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn agency() -> Agency {
    Agency {
        name: "Agenția Județeană pentru Ocuparea Forței de Muncă Exemplu".into(),
        cui: "00000000".into(),
        address: "Str. Exemplului nr. 1, 400000 Cluj-Exemplu".into(),
        phone: "0264 000 000".into(),
        email: "contact@ajofm-exemplu.test".into(),
        website: None,
    }
}

fn office() -> Office {
    Office {
        name: "Punctul de lucru Țăndărei-Exemplu".into(),
        address: "Piața Exemplului nr. 2, Țăndărei-Exemplu".into(),
        contact: "Registratura, tel. 0264 000 001".into(),
        hours: "luni–joi 08:00–16:30, vineri 08:00–14:00".into(),
    }
}

fn receipt(submission: u32, marking: Marking) -> Receipt {
    let file = |ordinal: u32, name: &str, verdict, reasons| File {
        ordinal,
        name: name.into(),
        container: None,
        declared: "application/pdf".into(),
        detected: "pdf".into(),
        kind_ro: "document PDF".into(),
        size_bytes: 245_349,
        sha256: format!("{ordinal:064x}"),
        verdict,
        reasons,
    };
    let heic = Reason {
        code: "format.heic".into(),
        severity: Severity::Refusal,
        text_ro:
            "Fotografia este în formatul HEIC, pe care nu îl putem primi. Vă rugăm să o trimiteți ca JPEG."
                .into(),
    };
    let mut files = vec![file(1, "adeverință.pdf", Verdict::Accepted, Vec::new())];
    if submission == 0 {
        files.push(file(2, "IMG_2041.HEIC", Verdict::Refused, vec![heic]));
    }
    Receipt {
        id: "r-mfrggzdfmztwq2lk".into(),
        agency: agency(),
        office: office(),
        number: "12/20.11.2026".into(),
        submission,
        links: Vec::new(),
        register: RegisterPlace {
            code: "CJ".into(),
            name: "Registrul general de intrare-ieșire".into(),
            number: 12,
            year: 2026,
            date: date(2026, 11, 20),
        },
        received_at: at("2026-11-20T07:00:05Z"),
        registered_at: at("2026-11-20T07:00:20Z"),
        issued_at: at("2026-11-20T07:00:21Z"),
        processing_day: date(2026, 11, 20),
        processing_reason: "mesajul a sosit în timpul programului de lucru".into(),
        applicant: Some("Ana Pop-Șerbănescu".into()),
        sender_address: "ana.pop@exemplu.test".into(),
        subject: "Cerere de indemnizație de șomaj".into(),
        message_id: Some("cerere-1@posta.exemplu.test".into()),
        in_reply_to: None,
        message_date: None,
        mail_size_bytes: 1_482_331,
        mail_sha256: "5d41402abc4b2a76b9719d911017c592ae2f3b1c0d9e8f7a6b5c4d3e2f1a0b9c".into(),
        request_type: "Indemnizație de șomaj".into(),
        files,
        system_version: "0.1.0".into(),
        marking,
    }
}

fn by_receipt(receipt: &Receipt, consent: &Consent<'_>) -> Composed {
    let addressing = Addressing {
        from: FROM,
        references: &[],
        read_report: ReadReport::NotAsked,
    };
    let id = "aaaaaaaaaaaaaaaaaaaaaaaaaa@ajofm-exemplu.test";
    receipt_letter::compose(receipt, b"%PDF-1.7 recipisa".to_vec(), id, &addressing, consent).unwrap()
}

/// Calls `write` with what a letter on the usual case shares.
fn on_case(
    to_name: Option<&str>,
    marking: Marking,
    write: impl Fn(&Correspondence<'_>) -> Composed,
) -> Composed {
    let thread = Thread {
        ids: vec![
            "cerere-1@posta.exemplu.test".into(),
            "recipisa-12@ajofm-exemplu.test".into(),
        ],
    };
    write(&Correspondence {
        agency: &agency(),
        office: &office(),
        number: "12/20.11.2026",
        registered_on: date(2026, 11, 20),
        request_type: "Indemnizație de șomaj",
        from: FROM,
        to: "ana.pop@exemplu.test",
        to_name,
        subject: "Cerere de indemnizație de șomaj",
        thread: &thread,
        message_id: "bbbbbbbbbbbbbbbbbbbbbbbbbb@ajofm-exemplu.test",
        date: at("2026-11-27T09:30:00Z"),
        marking,
        read_report: ReadReport::NotAsked,
    })
}

const NAME: Option<&str> = Some("Ana Pop-Șerbănescu");

fn clarification(wave: Wave) -> Composed {
    let asked = Clarification {
        what: WHAT,
        until: date(2026, 12, 7),
        asked_on: date(2026, 11, 24),
    };
    on_case(NAME, Marking::None, |on| {
        clarification::compose(on, &asked, wave).unwrap()
    })
}

fn pickup(sequence: u32, wave: Wave, to_name: Option<&str>, marking: Marking) -> Composed {
    let pickup = Pickup {
        starts_at: at("2026-12-08T08:00:00Z"),
        minutes: 15,
        place: "Piața Exemplului nr. 2, Țăndărei-Exemplu; ghișeul 3, etajul 1",
        decided_on: date(2026, 11, 27),
        uid: "programare-12@ajofm-exemplu.test",
        sequence,
        made_at: at("2026-11-27T09:29:59Z"),
    };
    on_case(to_name, marking, |on| pickup::compose(on, &pickup, wave).unwrap())
}

/// The letter that has no HTML.
const PLAIN: &str = "instiintare";

fn linked() -> Receipt {
    Receipt {
        links: vec![Link {
            number: "11/19.11.2026".into(),
            why: "files".into(),
            text_ro: "aceleași fișiere au fost primite și cu nr. 11/19.11.2026".into(),
        }],
        ..receipt(0, Marking::None)
    }
}

/// Calls `write` with what a letter about a mail that could not be taken is about.
fn on_mail(subject: &str, to_name: Option<&str>, write: impl Fn(&Untaken<'_>) -> Composed) -> Composed {
    write(&Untaken {
        agency: &agency(),
        office: &office(),
        from: FROM,
        to: "ana.pop@exemplu.test",
        to_name,
        subject,
        received_at: at("2026-11-20T07:00:05Z"),
        mail_message_id: Some("cerere-1@posta.exemplu.test"),
        references: &[],
        message_id: "cccccccccccccccccccccccccc@ajofm-exemplu.test",
        date: at("2026-11-20T07:00:21Z"),
        marking: Marking::None,
    })
}

fn by_notice() -> Composed {
    notice::compose(&Notice {
        agency: &agency(),
        office: &office(),
        number: "12/20.11.2026",
        submission: 0,
        received_at: at("2026-11-20T07:00:05Z"),
        from: FROM,
        to: "ana.pop@exemplu.test",
        mail_message_id: Some("cerere-1@posta.exemplu.test"),
        message_id: "dddddddddddddddddddddddddd@ajofm-exemplu.test",
        date: at("2026-11-20T07:00:21Z"),
        marking: Marking::None,
    })
    .unwrap()
}

fn every_letter() -> Vec<(&'static str, Composed)> {
    let missing = Consent::Missing {
        form: b"%PDF-1.7 acord",
        form_name: "acord.pdf",
    };
    let earlier = Consent::FoundEarlier {
        on: date(2026, 11, 23),
    };
    let found = Consent::Found {
        name: "acordul meu.pdf",
    };
    let (none, demonstration) = (Marking::None, Marking::Demonstration);
    vec![
        ("recipisa", by_receipt(&receipt(0, none), &Consent::NotAsked)),
        (
            "recipisa-acord-gasit",
            by_receipt(&receipt(0, demonstration), &found),
        ),
        ("recipisa-acord-lipsa", by_receipt(&receipt(0, none), &missing)),
        ("completarea-1", by_receipt(&receipt(1, none), &earlier)),
        (
            "completarea-2-acord-lipsa",
            by_receipt(&receipt(2, none), &missing),
        ),
        ("recipisa-legata", by_receipt(&linked(), &Consent::NotAsked)),
        (PLAIN, by_notice()),
        (
            "prea-mare",
            on_mail("Cerere de indemnizație de șomaj", NAME, |mail| {
                too_large::compose(mail, 50_000_000).unwrap()
            }),
        ),
        (
            "criptat",
            on_mail("", None, |mail| encrypted::compose(mail).unwrap()),
        ),
        ("clarificare", clarification(Wave::First)),
        ("clarificare-reamintire", clarification(Wave::Reminder)),
        ("ridicare", pickup(0, Wave::First, NAME, none)),
        ("ridicare-mutata", pickup(1, Wave::First, None, demonstration)),
        ("ridicare-reamintire", pickup(1, Wave::Reminder, NAME, none)),
    ]
}

/// What Python makes of them, in their order.
fn read(letters: &[(&str, Composed)]) -> Vec<Value> {
    let dir = TempDir::new();
    let paths: Vec<PathBuf> = letters
        .iter()
        .map(|(name, letter)| {
            let path = dir.path().join(format!("{name}.eml"));
            fs::write(&path, &letter.bytes).unwrap();
            path
        })
        .collect();
    let said = run(Command::new(python_with_pyhanko())
        .arg(project().join("tests/it/letters/read.py"))
        .args(paths));
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The header, what is attached, and the text.
fn shown(said: &Value) -> String {
    let mut out = String::new();
    for field in said["headers"].as_array().unwrap() {
        out += &format!("{}: {}\n", field[0].as_str().unwrap(), field[1].as_str().unwrap());
    }
    for file in said["files"].as_array().unwrap() {
        out += &format!("[{} {}]\n", file[0].as_str().unwrap(), file[1].as_str().unwrap());
    }
    out + "\n" + said["text"].as_str().unwrap()
}

fn is_golden(path: &Path, text: &str) -> Result<(), String> {
    let text = text.replace("\r\n", "\n");
    if std::env::var_os("RECIPISA_REWRITE").is_some() {
        fs::write(path, &text).unwrap();
    }
    let golden = fs::read_to_string(path).unwrap_or_default();
    if golden == text {
        return Ok(());
    }
    Err(format!("{} has other words than\n{text}", path.display()))
}

#[test]
fn every_letter_reads_as_it_did() {
    let letters = every_letter();
    let folder = project().join("fixtures/letters");
    let mut wrong = Vec::new();
    for ((name, _), said) in letters.iter().zip(read(&letters)) {
        assert_eq!(said["defects"], json!([]), "{name}");
        let mut texts = vec![(format!("{name}.txt"), shown(&said))];
        let html = said["html"].as_str();
        assert_eq!(html.is_none(), *name == PLAIN, "{name}");
        texts.extend(html.map(|html| (format!("{name}.html"), html.to_owned())));
        for (file, text) in texts {
            assert!(!text.contains(['ş', 'ţ', 'Ş', 'Ţ']), "{file}: cedilla");
            wrong.extend(is_golden(&folder.join(file), &text).err());
        }
    }
    let files = fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, 2 * letters.len() - 1, "a golden file that no letter has");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_appointment_is_what_a_calendar_reads() {
    let letters = every_letter();
    for ((name, _), said) in letters.iter().zip(read(&letters)) {
        let Some(sequence) = ["ridicare", "ridicare-mutata", "ridicare-reamintire"]
            .iter()
            .position(|pickup| pickup == name)
            .map(|index| index.min(1))
        else {
            assert_eq!(said["appointments"], json!([]), "{name}");
            continue;
        };
        assert_eq!(
            said["tree"],
            json!([
                "multipart/mixed",
                [
                    "multipart/alternative",
                    "text/plain",
                    "text/html",
                    "text/calendar"
                ],
                "application/ics"
            ])
        );
        let [alternative, file] = &said["appointments"].as_array().unwrap()[..] else {
            panic!("{name}: {}", said["appointments"]);
        };
        assert!(file["longest_line"].as_u64() <= Some(75));
        let kind = alternative["type"].as_str().unwrap().to_lowercase();
        assert!(
            kind.contains("method=\"publish\"") || kind.contains("method=publish"),
            "{kind}"
        );
        for appointment in [alternative, file] {
            let mut appointment = appointment.clone();
            let fields = appointment.as_object_mut().unwrap();
            fields.remove("type");
            fields.remove("longest_line");
            assert_eq!(appointment, expected(sequence), "{name}");
        }
        assert_eq!(
            said["files"],
            json!([["programare-12-20.11.2026.ics", "application/ics"]])
        );
    }
}

fn expected(sequence: usize) -> Value {
    json!({
        "method": "PUBLISH",
        "uid": "programare-12@ajofm-exemplu.test",
        "sequence": sequence,
        "status": "CONFIRMED",
        "class": "PRIVATE",
        "stamp": "2026-11-27T09:29:59Z",
        "start": "2026-12-08T08:00:00Z",
        "end": "2026-12-08T08:15:00Z",
        "summary": "Programare – Agenția Județeană pentru Ocuparea Forței de Muncă Exemplu",
        "location": "Piața Exemplului nr. 2, Țăndărei-Exemplu; ghișeul 3, etajul 1",
        "description": "Ridicarea deciziei asupra cererii nr. 12/20.11.2026.\nAduceți actul de identitate și \
                        originalele documentelor care v-au fost cerute.\nPunctul de lucru Țăndărei-Exemplu: \
                        Registratura, tel. 0264 000 001",
        "organizer": [
            "Agenția Județeană pentru Ocuparea Forței de Muncă Exemplu",
            "mailto:somaj@ajofm-exemplu.test"
        ],
        "errors": [],
        "names": [
            "CLASS", "DESCRIPTION", "DTEND", "DTSTAMP", "DTSTART", "LOCATION", "ORGANIZER", "SEQUENCE", "STATUS",
            "SUMMARY", "UID"
        ],
    })
}
