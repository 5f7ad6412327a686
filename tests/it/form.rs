//! The blank consent that citizens get, config/forms/acord.pdf, as programs read it that are not ours.
//!
//! Left out: the letter that carries it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::command::{project, recipisa, said};
use crate::support::paper::{
    assert_fonts_embedded, assert_qpdf_clean, dense, dense_text, python_with_pyhanko,
};
use crate::support::tools::{TempDir, run, tool};

/// Names and kinds, in the order of the tabulator key.
const FIELDS: [(&str, &str); 12] = [
    ("institutia", "/Tx"),
    ("nume", "/Tx"),
    ("adresa", "/Tx"),
    ("email", "/Tx"),
    ("telefon", "/Tx"),
    ("cererea", "/Tx"),
    ("numar", "/Tx"),
    ("acord_email", "/Btn"),
    ("acord_prezenta", "/Btn"),
    ("acord_contact", "/Btn"),
    ("data", "/Tx"),
    ("semnatura", "/Sig"),
];

fn form() -> PathBuf {
    project().join("config/forms/acord.pdf")
}

/// What pypdf reads in the form; `filled` becomes the form with these texts in it.
fn pypdf_says(filled: &Path, texts: &[&str]) -> Value {
    let said = run(Command::new(python_with_pyhanko())
        .arg(project().join("tests/it/support/form_says.py"))
        .args([&form(), filled])
        .args(texts));
    serde_json::from_str(&said).unwrap()
}

#[test]
fn it_is_one_sound_page_that_says_what_a_consent_must() {
    let form = form();
    assert_qpdf_clean(&form);
    assert_fonts_embedded(&form);
    let info = run(Command::new(tool("pdfinfo", "poppler-utils")).arg(&form));
    let flat = info.split_whitespace().collect::<Vec<_>>().join(" ");
    for fact in [
        "Title: Acord pentru comunicarea prin e-mail",
        "Tagged: yes",
        "Form: AcroForm",
        "JavaScript: no",
        "Pages: 1",
        "(A4)",
    ] {
        assert!(flat.contains(fact), "no {fact} in {info}");
    }
    assert!(
        fs::metadata(&form).unwrap().len() < 150_000,
        "it goes out with many letters"
    );
    let text = dense_text(&form);
    for words in [
        "în întregime prin e-mail",
        "vin o dată la sediu, cu programare, pentru a fi identificat(ă)",
        "Îmi pot retrage acordul oricând",
        "Operatorul datelor este instituția numită mai sus",
        "Regulamentului (UE) 2016/679",
        "tipăriți formularul, semnați-l",
        "semnătura dumneavoastră electronică calificată",
    ] {
        assert!(text.contains(&dense(words)), "no {words} in {text}");
    }
    for cedilla in ['ş', 'ţ', 'Ş', 'Ţ'] {
        assert!(!text.contains(cedilla), "{cedilla} is not Romanian");
    }
}

#[test]
fn its_fields_can_be_found_named_and_filled_in() {
    let dir = TempDir::new();
    let filled = dir.path().join("plin.pdf");
    let texts = [
        "nume=Ștefăniță Țurcanu-Őry",
        "adresa=Str. Înfrățirii nr. 12, Cluj-Exemplu",
    ];
    let facts = pypdf_says(&filled, &texts);
    let fields = facts["fields"].as_array().unwrap();
    let found: Vec<(&str, &str)> = fields
        .iter()
        .map(|field| (field["name"].as_str().unwrap(), field["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(found, FIELDS);
    assert_eq!(facts["known_fields"].as_array().unwrap().len(), FIELDS.len());
    for field in fields {
        assert!(field["tooltip"].as_str().unwrap().chars().count() > 10, "{field}");
        assert_eq!(field["in_structure"], true, "{field}");
    }
    // Downwards, and from left to right in a row.
    let edge = |field: &Value, at: usize| field["rect"][at].as_f64().unwrap();
    for (one, next) in fields.iter().zip(&fields[1..]) {
        let is_below = edge(next, 3) < edge(one, 1) + 1.0;
        let is_beside = edge(next, 0) > edge(one, 2);
        assert!(is_below || is_beside, "{one} comes before {next}");
    }
    assert_eq!((&facts["lang"], &facts["tabs"]), (&"ro-RO".into(), &"/S".into()));
    assert_eq!(facts["title_shown"], true);
    assert_eq!(facts["says_pdf_ua_1"], true);
    assert_eq!(facts["unmarked_texts"], 0);

    assert_fonts_embedded(&filled);
    let text = dense_text(&filled);
    for typed in texts {
        let typed = typed.split_once('=').unwrap().1;
        assert!(text.contains(&dense(typed)), "{typed} cannot be read: {text}");
    }
}

#[test]
fn a_screen_reader_hears_label_and_field_together() {
    let tree = run(Command::new(tool("pdfinfo", "poppler-utils"))
        .arg("-struct-text")
        .arg(form()));
    let lines: Vec<&str> = tree.lines().map(str::trim).collect();
    let forms: Vec<usize> = (0..lines.len()).filter(|at| lines[*at] == "Form").collect();
    assert_eq!(forms.len(), FIELDS.len(), "{tree}");
    for at in forms {
        // A label before its field, a tick before its words; both in one paragraph.
        let is_labelled = lines[at - 1].starts_with('"') || lines[at + 2].starts_with('"');
        assert!(
            is_labelled && lines[at + 1].starts_with("Object"),
            "{}",
            lines[at - 1]
        );
    }
    let headings = lines.iter().filter(|line| line.starts_with("H2")).count();
    assert_eq!(
        (
            lines.iter().filter(|line| line.starts_with("H1")).count(),
            headings
        ),
        (1, 6)
    );
}

#[test]
fn it_is_accepted_as_a_document() {
    let form = form();
    let said = said(&mut recipisa(&["inspect", "--json", form.to_str().unwrap()])).ended_with(0);
    let line = said.json().remove(0);
    assert_eq!(line["verdict"], "accepted", "{line}");
    assert_eq!(line["documents"][0]["detected"], "pdf", "{line}");
}

/// Compared as qpdf unfolds them, because another zlib may pack the same content in other bytes.
#[test]
fn its_script_makes_it() {
    let dir = TempDir::new();
    let made = dir.path().join("acord.pdf");
    run(Command::new(python_with_pyhanko())
        .arg(project().join("config/forms/make.py"))
        .arg(&made));
    let unfolded = |pdf: &Path, name: &str| {
        let target = dir.path().join(name);
        run(Command::new(tool("qpdf", "qpdf"))
            .args(["--qdf", "--static-id", "--object-streams=disable"])
            .args([pdf, &target]));
        fs::read(target).unwrap()
    };
    let same = unfolded(&made, "made.qdf") == unfolded(&form(), "kept.qdf");
    assert!(same, "run config/forms/make.py and keep what it makes");
}
