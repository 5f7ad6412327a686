//! `recipisa demo` as a newcomer meets it: the table, the receipts, the letters, and the same again.
//!
//! Receipts and letters are read by programs that are not ours. Left out: servers; the demonstration has none.

mod weeks;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::agency::{consents, expected, fixtures};
use crate::support::command::{Said, project, recipisa, said};
use crate::support::paper::{
    assert_fonts_embedded, assert_pdfsig_valid, assert_pyhanko_intact, assert_qpdf_clean, dense, dense_text,
    mails_by_python,
};
use crate::support::tools::TempDir;

/// A build for tests, on a machine that does other things too; a release build needs less than five seconds.
const LIMIT: Duration = Duration::from_secs(20);
/// The fixtures from this one on are not the demonstration's.
const TESTS_OWN: &str = "20-";
/// A moment at which the demonstration's certificate is valid.
const MOMENT: &str = "2026-12-03T12:00:00+00:00";

struct Demo {
    dir: TempDir,
    said: Said,
}

impl Demo {
    fn run() -> Self {
        let dir = TempDir::new();
        let begun = Instant::now();
        let said = Self::again(dir.path());
        let took = begun.elapsed();
        println!("the demonstration took {took:.1?}");
        assert!(took < LIMIT, "{took:?}");
        Self { dir, said }
    }

    /// From a folder that has nothing to do with it.
    fn again(dir: &Path) -> Said {
        let mut command = recipisa(&["demo", "--dir"]);
        let said = said(command.arg(dir.join("demo")).current_dir("/")).ended_with(0);
        assert_eq!(said.err, "");
        said
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.dir.path().join("demo").join(inside)
    }

    fn ask(&self, args: &[&str]) -> Said {
        said(recipisa(args).arg("--config").arg(self.path("recipisa.toml"))).ended_with(0)
    }

    /// Number to entry.
    fn entries(&self) -> BTreeMap<String, Value> {
        let entries = self.ask(&["entries", "--json"]).json();
        entries
            .into_iter()
            .map(|entry| (entry["number"].as_str().unwrap().to_owned(), entry))
            .collect()
    }

    fn receipt(&self, number: &str) -> PathBuf {
        self.path("receipts")
            .join(format!("recipisa-{}.pdf", number.replace('/', "-")))
    }

    /// The certificate at the top of the throw-away key, as PEM.
    fn root(&self) -> PathBuf {
        let bytes = fs::read(self.path("seal.p12")).unwrap();
        let password = fs::read_to_string(self.path("seal.password")).unwrap();
        let key = openssl::pkcs12::Pkcs12::from_der(&bytes)
            .unwrap()
            .parse2(&password)
            .unwrap();
        let path = self.dir.path().join("root.pem");
        fs::write(&path, key.ca.unwrap()[0].to_pem().unwrap()).unwrap();
        path
    }
}

/// All files below a folder, sorted.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The demonstration's mails in the order of arrival, with what must come of each.
fn citizens() -> Vec<(String, Value)> {
    let own = fixtures().into_iter().filter(|name| name.as_str() < TESTS_OWN);
    let mails: Vec<_> = own.map(|name| (name.clone(), expected(&name))).collect();
    assert_eq!(mails.len(), 16);
    mails
}

#[test]
fn receipts_are_sealed_whole_and_readable() {
    let demo = Demo::run();
    let entries = demo.entries();
    assert_eq!(entries.len(), 11);
    let receipts: Vec<PathBuf> = entries.keys().map(|number| demo.receipt(number)).collect();
    assert_pyhanko_intact(&receipts, &demo.root(), MOMENT);
    for ((number, entry), receipt) in entries.iter().zip(&receipts) {
        assert_pdfsig_valid(receipt);
        assert_qpdf_clean(receipt);
        assert_fonts_embedded(receipt);
        let text = dense_text(receipt);
        for words in [
            "RECIPISĂ",
            "NEVALID – DEMONSTRAȚIE",
            "ș",
            "ț",
            "ă",
            "â",
            "î",
            number,
        ] {
            assert!(text.contains(&dense(words)), "{number} lacks {words}");
        }
        // A name that breaks over lines has other cells of its row between its words.
        let names = entry["documents"].as_array().unwrap().iter();
        for word in names.flat_map(|file| file["name"].as_str().unwrap().split_whitespace()) {
            assert!(text.contains(word), "{number} lacks {word}: {text}");
        }
    }
    let mut pdfs = files_below(&demo.path(""));
    pdfs.retain(|path| path.extension().is_some_and(|extension| extension == "pdf"));
    let mut sorted = receipts;
    sorted.sort();
    assert_eq!(pdfs, sorted, "only receipts are .pdf files");
}

#[test]
fn every_mail_comes_to_its_expected_outcome() {
    let demo = Demo::run();
    let mails = demo.ask(&["mails", "--json"]).json();
    let citizens = citizens();
    assert_eq!(mails.len(), citizens.len());
    let entries = demo.entries();
    for ((name, expected), mail) in citizens.iter().zip(&mails) {
        for member in ["outcome", "reason", "replies", "received_at"] {
            assert_eq!(mail[member], expected[member], "{name}: {member}");
        }
        let row = format!("{}  ", mail["mail_id"]);
        let shown = demo.said.out.lines().find(|line| line.starts_with(&row));
        let shown = shown.unwrap_or_else(|| panic!("{name} is not in the table: {}", demo.said.out));
        for member in ["outcome", "reason"] {
            assert!(shown.contains(expected[member].as_str().unwrap()), "{shown}");
        }
        // A repeat is recognised by its bytes and not read again.
        if expected["reason"] == "duplicate" {
            continue;
        }
        assert_eq!(mail["from"], expected["from"], "{name}");
        assert_eq!(mail["subject"], expected["subject"], "{name}");
        let documents = mail["documents"].as_array().unwrap();
        let wanted = expected["documents"].as_array().unwrap();
        assert_eq!(documents.len(), wanted.len(), "{name}");
        for (document, wanted) in documents.iter().zip(wanted) {
            for (member, value) in wanted.as_object().unwrap() {
                assert_eq!(document[member], *value, "{name}: {member}");
            }
        }
        let day = mail["number"]
            .as_str()
            .map(|number| &entries[number]["processing_day"]);
        if let Some(wanted) = expected.get("processing_day") {
            assert_eq!(day, Some(wanted), "{name}");
        }
    }
    let numbers: Vec<&str> = mails.iter().filter_map(|mail| mail["number"].as_str()).collect();
    for (ordinal, number) in (1..).zip(&numbers) {
        assert!(number.starts_with(&format!("{ordinal}/")), "{numbers:?}");
    }
    assert!(demo.said.out.contains("11 receipts, 11 letters sent now."));
}

/// The parts of an entry's letter; the blank consent comes last, where it is missing.
fn media_types(entry: &Value) -> Value {
    let mut types = vec![
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ];
    if !consents(entry) {
        types.push("application/pdf");
    }
    serde_json::json!(types)
}

#[test]
fn letters_are_what_mail_programs_expect() {
    let demo = Demo::run();
    let letters = files_below(&demo.path("letters"));
    let read = mails_by_python(&letters, &demo.dir.path().join("parts"));
    let entries = demo.entries();
    assert_eq!(read.len(), entries.len());
    let mut addressed = Vec::new();
    for letter in &read {
        let header = |name: &str| -> &str {
            let all = letter["headers"][name].as_array();
            let all = all.unwrap_or_else(|| panic!("no {name} in {}", letter["headers"]));
            assert_eq!(all.len(), 1, "{name}");
            all[0].as_str().unwrap()
        };
        let subject = header("subject");
        let number = subject.split(' ').nth(2).unwrap();
        let entry = &entries[number];
        let wanted = match entry["subject"].as_str() {
            None => format!("Recipisa nr. {number}"),
            Some(theirs) => format!("Recipisa nr. {number} – {theirs}"),
        };
        assert_eq!(subject, wanted);
        assert_eq!(letter["to"], serde_json::json!([entry["from"]]), "{number}");
        let expected_from = if entry["office"] == "dej" { "dej" } else { "somaj" };
        assert_eq!(letter["from"], format!("{expected_from}@ajofm-exemplu.test"));
        assert_eq!(header("auto-submitted"), "auto-replied");
        assert_eq!(header("x-auto-response-suppress"), "All");
        assert_eq!(header("content-language"), "ro");
        let asked = format!("<{}>", entry["message_id"].as_str().unwrap());
        assert_eq!(header("in-reply-to"), asked);
        assert!(header("references").ends_with(&asked));
        let own = entry["letters"][0]["message_id"].as_str().unwrap();
        assert_eq!(header("message-id"), format!("<{own}>"));
        assert!(!letter["date"].is_null());
        assert_eq!(letter["types"], media_types(entry), "{number}");
        assert_eq!(letter["defects"], 0);
        let parts = letter["parts"].as_array().unwrap();
        assert!(parts.iter().all(|part| part["defects"] == 0));
        let text = parts[0]["text"].as_str().unwrap();
        assert!(text.lines().next().unwrap().contains(number), "{text}");
        // Names of files are shown as received, with a cedilla where they have one.
        let names = entry["documents"].as_array().unwrap().iter();
        let ours = names.fold(text.to_owned(), |text, file| {
            text.replace(file["name"].as_str().unwrap(), "")
        });
        assert!(
            ours.contains("înregistr") && ours.contains('ș') && !ours.contains(['ş', 'ţ']),
            "{ours}"
        );
        assert!(parts[1]["text"].as_str().unwrap().contains(number));
        let name = format!("recipisa-{}.pdf", number.replace('/', "-"));
        assert_eq!(parts[2]["name"], name);
        assert_eq!(parts[2]["disposition"], "attachment");
        let attached = demo
            .dir
            .path()
            .join("parts")
            .join(parts[2]["file"].as_str().unwrap());
        assert_eq!(
            fs::read(attached).unwrap(),
            fs::read(demo.receipt(number)).unwrap()
        );
        addressed.push(letter["to"][0].as_str().unwrap().to_owned());
    }
    assert_only_people_are_answered(&addressed);
}

/// Machines, lists and we ourselves get no letter.
fn assert_only_people_are_answered(addressed: &[String]) {
    for (name, expected) in citizens() {
        let to = expected["from"].as_str().unwrap().to_owned();
        let answered = addressed.contains(&to);
        let wanted = expected["replies"] == true || expected["reason"] == "duplicate";
        assert_eq!(answered, wanted, "{name}");
    }
}

#[test]
fn a_second_run_gives_the_same_registry_and_sends_nothing() {
    let demo = Demo::run();
    let register = || {
        [
            demo.ask(&["entries", "--json"]).out,
            demo.ask(&["mails", "--json"]).out,
        ]
    };
    let papers = || -> Vec<(PathBuf, Vec<u8>)> {
        let files = files_below(&demo.path("letters"))
            .into_iter()
            .chain(files_below(&demo.path("receipts")));
        files
            .map(|path| (path.clone(), fs::read(&path).unwrap()))
            .collect()
    };
    let (before, papers_before) = (register(), papers());
    assert_eq!(papers_before.len(), 22);
    let again = Demo::again(demo.dir.path());
    assert!(
        again.out.contains("11 receipts, 0 letters sent now."),
        "{}",
        again.out
    );
    assert_eq!(register(), before);
    assert!(papers() == papers_before, "a letter or receipt changed");
    let elsewhere = Demo::run();
    let decided = |demo: &Demo| -> Vec<[Value; 4]> {
        let mails = demo.ask(&["mails", "--json"]).json();
        let told =
            |mail: &Value| ["mail_id", "outcome", "reason", "number"].map(|member| mail[member].clone());
        mails.iter().map(told).collect()
    };
    assert_eq!(
        decided(&elsewhere),
        decided(&demo),
        "another folder, the same registry"
    );
}

#[test]
fn citizens_verify_the_files_that_they_sent() {
    let demo = Demo::run();
    let mail = |name: &str| project().join("fixtures/mails").join(name).join("mail.eml");
    let sent = demo.dir.path().join("sent");
    let read = mails_by_python(&[mail("02-mai-multe-fisiere"), mail("01-cerere-buna")], &sent);
    let attached = |mail: &Value| -> Vec<PathBuf> {
        let parts = mail["parts"].as_array().unwrap().iter();
        let files = parts.filter(|part| !part["name"].is_null());
        files
            .map(|part| sent.join(part["file"].as_str().unwrap()))
            .collect()
    };
    let (own, foreign) = (attached(&read[0]), attached(&read[1]));
    assert_eq!((own.len(), foreign.len()), (6, 2));
    let receipt = demo.receipt("2/20.11.2026");
    let verify = |receipt: &Path, files: &[PathBuf], more: &[&str]| {
        said(recipisa(&["verify"]).arg(receipt).args(files).args(more))
    };
    let whole = verify(&receipt, &own, &[]).ended_with(0);
    assert!(whole.out.contains("The receipt holds."), "{}", whole.out);
    assert!(whole.out.contains("2/20.11.2026"));
    let root = demo.root();
    let trusted = ["--trust", root.to_str().unwrap(), "--json"];
    let told = verify(&receipt, &own, &trusted).ended_with(0).json();
    assert_eq!(told[0]["seal"]["anchored"], true);
    assert!(
        told[0]["files"]
            .as_array()
            .unwrap()
            .iter()
            .all(|file| file["named_as"].is_array())
    );
    let message = verify(&receipt, &[mail("02-mai-multe-fisiere")], &[]).ended_with(0);
    assert!(message.out.contains("the registered message itself"));

    let other = verify(&receipt, &foreign, &[]).ended_with(1);
    assert_eq!(other.out.matches("is NOT named by the receipt").count(), 2);
    let mut changed = fs::read(&own[0]).unwrap();
    changed[100] ^= 1;
    let changed_file = demo.dir.path().join("changed");
    fs::write(&changed_file, changed).unwrap();
    let one = verify(&receipt, &[own[1].clone(), changed_file], &[]).ended_with(1);
    assert_eq!(one.out.matches("is NOT named by the receipt").count(), 1);
    let mut bytes = fs::read(&receipt).unwrap();
    bytes[2_000] ^= 1;
    let forged = demo.dir.path().join("forged");
    fs::write(&forged, bytes).unwrap();
    let broken = verify(&forged, &own, &[]).ended_with(1);
    assert!(
        broken.out.contains("BROKEN") && broken.out.contains("does NOT hold"),
        "{}",
        broken.out
    );
    let elsewhere = Demo::run();
    let stranger = elsewhere.root();
    let distrusted = verify(&receipt, &own, &["--trust", stranger.to_str().unwrap()]).ended_with(1);
    assert!(distrusted.out.contains("NOT issued under"), "{}", distrusted.out);
}
