//! `inspect`, the rehearsal: the fixtures' verdicts, the stable JSON, and that it leaves no trace.
//!
//! Left out: the shared corpus, which is in [`super::corpus`].

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::agency::{Agency, expected, fixtures};
use crate::support::command::{Said, project, recipisa, said};
use crate::support::tools::{TempDir, set_mode, tool, write};

fn inspect(args: &[&str], paths: &[&Path]) -> Said {
    said(recipisa(&["inspect"]).args(args).args(paths))
}

/// Path to line.
fn by_path(lines: Vec<Value>) -> BTreeMap<PathBuf, Value> {
    let place = |line: &Value| PathBuf::from(line["path"].as_str().unwrap());
    lines.into_iter().map(|line| (place(&line), line)).collect()
}

/// Holds one line against the "Stable JSON".
#[track_caller]
pub(crate) fn assert_contract(line: &Value) {
    let text = |value: &Value| value.is_string();
    let text_or_null = |value: &Value| value.is_string() || value.is_null();
    let has = |object: &Value, member: &str, right: &dyn Fn(&Value) -> bool| {
        let value = object
            .get(member)
            .unwrap_or_else(|| panic!("no {member} in {object}"));
        assert!(right(value), "{member} is {value}");
    };
    let one_of = |words: &'static [&'static str]| {
        move |value: &Value| value.as_str().is_some_and(|word| words.contains(&word))
    };
    assert_eq!(line["schema"], 1, "{line}");
    assert!(line["path"].is_string() != line["mail_id"].is_i64(), "{line}");
    has(line, "kind", &one_of(&["mail", "document"]));
    let outcomes = one_of(&["registered", "joined", "answered", "filed", "ignored", "held"]);
    has(line, "outcome", &|value| value.is_null() || outcomes(value));
    has(line, "replies", &Value::is_boolean);
    for member in ["reason", "number", "from", "subject", "date", "error"] {
        has(line, member, &text_or_null);
    }
    assert_eq!(line["outcome"].is_null(), line["reason"].is_null(), "{line}");
    if let Some(date) = line["date"].as_str() {
        assert!(
            date.parse::<jiff::Timestamp>().is_ok() && date.ends_with('Z'),
            "{date}"
        );
    }
    has(line, "documents", &Value::is_array);
    let verdicts = one_of(&["accepted", "refused"]);
    for document in line["documents"].as_array().unwrap() {
        for member in ["name", "declared", "detected", "sha256"] {
            has(document, member, &text);
        }
        assert_eq!(document["sha256"].as_str().unwrap().len(), 64);
        has(document, "container", &text_or_null);
        has(document, "size", &Value::is_u64);
        has(document, "verdict", &verdicts);
        has(document, "signatures", &Value::is_array);
        for finding in document["findings"].as_array().unwrap() {
            has(finding, "code", &text);
            has(finding, "severity", &one_of(&["note", "warning", "refusal"]));
        }
    }
    if line["kind"] == "document" && line["error"].is_null() {
        assert_eq!(line["verdict"], line["documents"][0]["verdict"], "{line}");
        assert!(line["verdict"].is_string(), "{line}");
    }
}

#[test]
fn every_mail_fixture_comes_to_its_outcome() {
    let folder = project().join("fixtures/mails");
    let said = inspect(&["--json", "--as", "mail"], &[&folder]).ended_with(0);
    let lines = by_path(said.json());
    let mut wrong = Vec::new();
    for name in fixtures() {
        let line = &lines[&folder.join(&name).join("mail.eml")];
        assert_contract(line);
        assert!(line["number"].is_null() && line["error"].is_null(), "{line}");
        let mut wanted = expected(&name);
        if let Some(alone) = wanted["alone"].as_object().cloned() {
            wanted.as_object_mut().unwrap().extend(alone);
        }
        for member in ["outcome", "reason", "replies", "from", "subject"] {
            if let Some(value) = wanted.get(member)
                && line[member] != *value
            {
                wrong.push(format!("{name}: {member} is {} and not {value}", line[member]));
            }
        }
        let documents = line["documents"].as_array().unwrap();
        let wanted = wanted["documents"].as_array().unwrap();
        if documents.len() != wanted.len() {
            wrong.push(format!(
                "{name}: {} documents and not {}",
                documents.len(),
                wanted.len()
            ));
        }
        for (document, wanted) in documents.iter().zip(wanted) {
            for (member, value) in wanted.as_object().unwrap() {
                if document[member] != *value {
                    wrong.push(format!(
                        "{name}: {member} is {} and not {value}",
                        document[member]
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_document_fixture_gets_its_verdict_for_its_reasons() {
    let folder = project().join("fixtures/documents");
    let said = inspect(&["--json", "--as", "document"], &[&folder]).ended_with(0);
    let mut count = 0;
    for (path, line) in by_path(said.json()) {
        assert_contract(&line);
        let expect = PathBuf::from(format!("{}.expect", path.display()));
        let Ok(expect) = fs::read_to_string(expect) else {
            continue;
        };
        count += 1;
        let first = &line["documents"][0];
        let findings = first["findings"].as_array().unwrap();
        let codes = findings.iter().map(|finding| finding["code"].as_str().unwrap());
        let got: Vec<&str> = [
            first["detected"].as_str().unwrap(),
            line["verdict"].as_str().unwrap(),
        ]
        .into_iter()
        .chain(codes)
        .collect();
        assert_eq!(got, expect.lines().collect::<Vec<_>>(), "{}", path.display());
        let refusal = findings.iter().any(|finding| finding["severity"] == "refusal");
        assert_eq!(line["verdict"] == "refused", refusal, "{line}");
        let accepts = path.parent().unwrap().ends_with("accept");
        assert_eq!(line["verdict"] == "accepted", accepts, "{line}");
    }
    assert!(count > 60, "only {count} documents");
}

#[test]
fn mails_of_the_registry_keep_the_same_contract() {
    let agency = Agency::new();
    for name in fixtures() {
        agency.deliver("somaj", &name);
    }
    agency.run(&["once"]).ended_with(0);
    let mails = agency.run(&["mails", "--json"]).ended_with(0).json();
    assert_eq!(mails.len(), fixtures().len());
    for mail in &mails {
        assert_contract(mail);
        assert_eq!(
            mail["number"].is_string(),
            mail["outcome"] == "registered",
            "{mail}"
        );
        assert!(mail["error"].is_null());
    }
    let ids: Vec<i64> = mails
        .iter()
        .map(|mail| mail["mail_id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, (1..=mails.len() as i64).collect::<Vec<_>>());
    let table = agency.run(&["mails"]).ended_with(0).out;
    for (line, mail) in table.lines().skip(2).zip(&mails) {
        for member in ["outcome", "reason", "number", "from"] {
            let shown = mail[member].as_str().unwrap_or_default();
            assert!(line.contains(shown), "{line} lacks {shown}");
        }
    }
    assert_eq!(
        table.lines().count(),
        mails.len() + 2,
        "a head, a rule and a line for each"
    );
    let held = agency.run(&["held", "list", "--json"]).ended_with(0).json();
    held.iter().for_each(assert_contract);
    assert_eq!(held.len(), 2);
}

#[test]
fn the_kind_is_seen_or_said() {
    let mail = project().join("fixtures/mails/01-cerere-buna/mail.eml");
    let pdf = project().join("fixtures/documents/pdf/accept/cerere.pdf");
    let kinds = |args: &[&str]| -> Vec<Value> {
        let lines = by_path(inspect(args, &[&mail, &pdf]).ended_with(0).json());
        lines.values().for_each(assert_contract);
        vec![lines[&mail].clone(), lines[&pdf].clone()]
    };
    let seen = kinds(&["--json"]);
    assert_eq!(
        (&seen[0]["kind"], &seen[1]["kind"]),
        (&"mail".into(), &"document".into())
    );
    assert!(seen[0].get("verdict").is_none(), "only a document alone has one");
    assert_eq!(seen[1]["documents"][0]["name"], "cerere.pdf");
    let documents = kinds(&["--json", "--as", "document"]);
    assert_eq!(documents[0]["documents"][0]["detected"], "email");
    assert_eq!(documents[0]["verdict"], "refused");
    assert_eq!(documents[1]["verdict"], "accepted");
    let mails = kinds(&["--json", "--as", "mail"]);
    assert_eq!(mails[0]["outcome"], "registered");
    assert_eq!(
        (&mails[1]["outcome"], &mails[1]["reason"]),
        (&"held".into(), &"no-header".into())
    );
    inspect(&["--as", "letter"], &[&mail]).ended_with(2);
    let told = inspect(&[], &[&mail, &pdf]).ended_with(0).out;
    assert!(
        told.contains("registered (request), a receipt would go out"),
        "{told}"
    );
    assert!(told.contains("cerere.pdf: document PDF, accepted"), "{told}");
}

#[test]
fn folders_are_walked_and_what_cannot_be_read_is_told() {
    let dir = TempDir::new();
    let deep = dir.path().join("a/b/c");
    fs::create_dir_all(&deep).unwrap();
    write(&deep.join("nota.txt"), "ceva");
    write(&dir.path().join("a/scrisoare"), "From: a@exemplu.test\n\nceva\n");
    write(&dir.path().join("gol"), "");
    symlink("nowhere", dir.path().join("a/legatura")).unwrap();
    let lines = by_path(inspect(&["--json"], &[dir.path()]).ended_with(0).json());
    assert_eq!(lines.len(), 4);
    lines.values().for_each(assert_contract);
    assert_eq!(lines[&deep.join("nota.txt")]["documents"][0]["detected"], "text");
    assert_eq!(lines[&dir.path().join("a/scrisoare")]["kind"], "mail");
    assert_eq!(
        lines[&dir.path().join("gol")]["documents"][0]["detected"],
        "empty"
    );
    let broken = &lines[&dir.path().join("a/legatura")];
    let error = broken["error"].as_str().unwrap();
    assert!(
        error.contains("cannot be read") && error.contains("No such file"),
        "{error}"
    );
    assert!(broken["documents"].as_array().unwrap().is_empty());
    let told = inspect(&[], &[dir.path()]).ended_with(0).out;
    assert!(told.contains("a/legatura: cannot be read"), "{told}");
    let missing = inspect(
        &["--json"],
        &[Path::new("/nowhere/cerere.pdf"), &dir.path().join("gol")],
    );
    let missing = by_path(missing.ended_with(0).json());
    assert_eq!(missing.len(), 2, "one path that is not there stops nothing");
    let error = missing[Path::new("/nowhere/cerere.pdf")]["error"]
        .as_str()
        .unwrap();
    assert!(error.contains("No such file"), "{error}");
    inspect(&["--json"], &[]).ended_with(2);
}

#[test]
fn with_a_configuration_it_knows_the_agency() {
    let agency = Agency::new();
    let own = project().join("fixtures/mails/16-adresa-proprie/mail.eml");
    let args = ["inspect", "--json", own.to_str().unwrap()];
    let line = agency.run(&args).ended_with(0).json().remove(0);
    assert_eq!(
        (&line["outcome"], &line["reason"]),
        (&"ignored".into(), &"own-mail".into())
    );
    assert!(
        !agency.path().join("registry").exists(),
        "a rehearsal makes no registry"
    );
    agency.configure(|text| text.replace("[agency]", "[agencie]"));
    agency.run(&args).ended_with(3);
}

#[test]
fn a_folder_is_rehearsed_like_a_mailbox() {
    let agency = Agency::new();
    agency.deliver("somaj", "01-cerere-buna");
    agency.run(&["once"]).ended_with(0);
    agency.deliver("somaj", "03-foto-heic");
    agency.deliver("somaj", "10-acelasi-mesaj");
    let args = ["inspect", "--source", "somaj", "--json"];
    let mut lines = agency.run(&args).ended_with(0).json();
    let summary = lines.pop().unwrap();
    lines.iter().for_each(assert_contract);
    assert_eq!((lines.len(), &summary["kind"]), (2, &"summary".into()));
    let reasons: Vec<&Value> = lines.iter().map(|line| &line["reason"]).collect();
    assert!(reasons.contains(&&Value::from("request")), "{reasons:?}");
    assert!(reasons.contains(&&Value::from("duplicate")), "{reasons:?}");
    assert_eq!(
        (&summary["refused_files"], &summary["letters"]),
        (&1.into(), &1.into()),
        "{summary}"
    );
    let told = agency.run(&["inspect", "--source", "somaj"]).ended_with(0).out;
    assert!(
        told.contains(", refused\n        format-not-accepted (refusal): "),
        "{told}"
    );
    assert!(
        told.contains("1 letter would go out; 1 file of registered mails would be refused."),
        "{told}"
    );
    // Everything is still there for the first day.
    agency.run(&["once"]).ended_with(0);
    assert_eq!(agency.run(&["entries", "--json"]).ended_with(0).json().len(), 2);
}

#[test]
fn a_mailbox_whose_password_systemd_keeps_is_rehearsed_as_the_service() {
    let agency = Agency::new();
    agency.configure(|text| {
        text.replacen("kind = \"folder\"", "kind = \"imap\"\nhost = \"imap.exemplu.test\"\nuser = \"x\"\npassword = { credential = \"imap-x\" }", 1)
            .replacen("path = \"mailboxes/somaj\"\n", "", 1)
    });
    let said = agency.run(&["inspect", "--source", "somaj"]).ended_with(1).err;
    assert!(
        said.contains("LoadCredential=imap-x:/etc/recipisa/credentials/imap-x"),
        "{said}"
    );
    assert!(said.trim_end().ends_with("inspect --source somaj"), "{said}");
    agency.run(&["inspect", "--limit", "3", "a.eml"]).ended_with(2);
}

#[test]
fn it_leaves_no_trace() {
    let dir = TempDir::new();
    let folder = dir.path().join("here");
    fs::create_dir(&folder).unwrap();
    set_mode(&folder, 0o555);
    // Nothing can be written to any regular file, wherever it is; what is printed goes into a pipe.
    let mut command = Command::new(tool("sh", "dash"));
    command
        .args(["-c", "ulimit -f 0; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_recipisa"))
        .args(["inspect", "--json"])
        .args(["fixtures/mails", "fixtures/documents"].map(|path| project().join(path)))
        .current_dir(&folder)
        .env_clear()
        .env("TMPDIR", &folder);
    let said = said(&mut command).ended_with(0);
    assert_eq!(said.err, "");
    assert!(said.out.lines().count() > 150);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}
