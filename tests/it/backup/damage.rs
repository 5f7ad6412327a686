//! Every kind of damage under its own name, in the registry and in a backup, and none in a sound one. What belongs to
//! cases is in [`super::cases`].

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{back_up, copies, elsewhere, entries, files, post_and_register, run_with, text};
use crate::support::agency::Agency;

/// A registry to be hurt, one copy for each damage.
pub(super) struct Patient {
    agency: Agency,
    hurt: usize,
}

/// A copy of the registry.
pub(super) struct Hurt {
    config: PathBuf,
    pub(super) dir: PathBuf,
}

impl Patient {
    pub(super) fn new() -> Self {
        let agency = Agency::new();
        agency.deliver("somaj", "02-mai-multe-fisiere");
        agency.deliver("somaj", "21-fara-expeditor");
        post_and_register(&agency, 1..=4);
        let database = Connection::open(agency.path().join("registry/recipisa.db")).unwrap();
        database
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        Self { agency, hurt: 0 }
    }

    /// The demonstration after six weeks: cases with replies, questions, decisions and appointments, and digests.
    pub(super) fn lived() -> Self {
        let agency = Agency::new();
        agency.key_valid_at("2026-11-20T00:00:00Z".parse().unwrap());
        agency
            .run(&["demo", "--dir", text(agency.path()), "--weeks", "6"])
            .ended_with(0);
        Self { agency, hurt: 0 }
    }

    pub(super) fn copy(&mut self) -> Hurt {
        self.hurt += 1;
        let name = format!("hurt{}", self.hurt);
        let (from, dir) = (
            self.agency.path().join("registry"),
            self.agency.path().join(&name),
        );
        for path in files(&from) {
            let to = dir.join(path.strip_prefix(&from).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(&path, &to).unwrap();
        }
        let config = elsewhere(&self.agency, &name);
        Hurt { config, dir }
    }

    /// What `fsck` calls the damage that these statements do.
    #[track_caller]
    pub(super) fn faults_of_sql(&mut self, statements: &str) -> (Vec<&'static str>, Vec<Value>) {
        let hurt = self.copy();
        hurt.sql(statements);
        hurt.faults(&[], 1)
    }
}

impl Hurt {
    pub(super) fn sql(&self, statements: &str) {
        let database = Connection::open(self.dir.join("recipisa.db")).unwrap();
        database
            .execute_batch(
                "PRAGMA foreign_keys = OFF;
                 DROP TRIGGER entry_is_never_changed; DROP TRIGGER entry_is_never_deleted;
                 DROP TRIGGER submission_is_never_changed; DROP TRIGGER submission_is_never_deleted;
                 DROP TRIGGER journal_is_never_changed; DROP TRIGGER journal_is_never_deleted;",
            )
            .unwrap();
        database.execute_batch(statements).unwrap();
    }

    /// Where the file stands that this query names.
    fn file(&self, query: &str) -> PathBuf {
        let database = Connection::open(self.dir.join("recipisa.db")).unwrap();
        let sha256: String = database.query_row(query, [], |row| row.get(0)).unwrap();
        self.place_of(&sha256)
    }

    fn place_of(&self, sha256: &str) -> PathBuf {
        let folder = self.dir.join("archive").join(&sha256[..2]).join(&sha256[2..4]);
        fs::create_dir_all(&folder).unwrap();
        folder.join(sha256)
    }

    /// The kinds of finding, sorted, and the findings.
    #[track_caller]
    pub(super) fn faults(&self, options: &[&str], code: i32) -> (Vec<&'static str>, Vec<Value>) {
        let mut args = vec!["fsck", "--json"];
        args.extend(options);
        findings(run_with(&self.config, &args).ended_with(code).json())
    }
}

#[track_caller]
fn findings(mut lines: Vec<Value>) -> (Vec<&'static str>, Vec<Value>) {
    let summary = lines.pop().unwrap();
    assert_eq!(summary["kind"], "summary");
    let errors = lines.iter().filter(|line| line["severity"] == "error").count();
    assert_eq!(summary["errors"], errors);
    for line in &lines {
        let said = line.to_string();
        assert!(!said.contains("@exemplu.test"), "personal data: {said}");
        assert!(line["remedy"].as_str().unwrap().len() > 20);
    }
    let kinds: BTreeSet<&'static str> = recipisa::store::Fault::ALL
        .into_iter()
        .map(recipisa::store::Fault::as_str)
        .filter(|kind| lines.iter().any(|line| line["fault"] == **kind))
        .collect();
    (kinds.into_iter().collect(), lines)
}

/// Changes one byte, and leaves the size.
fn change_a_byte(path: &Path, at: u64) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn a_sound_registry_has_no_findings() {
    let mut patient = Patient::new();
    let sound = patient.copy();
    for options in [&[][..], &["--quick"], &["--seals"]] {
        let (kinds, lines) = sound.faults(options, 0);
        assert!(kinds.is_empty() && lines.is_empty(), "{lines:?}");
    }
    let said = run_with(&sound.config, &["fsck"]).ended_with(0).out;
    assert!(said.contains("6 mails, 5 entries, 5 letters"), "{said}");
    assert!(said.contains("the last one of CJ is CJ-5/"), "{said}");
}

/// What somebody does to the rows, what that is called, and where it is found.
const ROWS: [(&str, &[&str], &str); 22] = [
        (
            "UPDATE entry SET applicant = 'altul' WHERE number = 2",
            &["row-changed"],
            "entry/CJ/",
        ),
        (
            "UPDATE entry SET processing_day = '2030-01-01' WHERE number = 2",
            &["row-changed"],
            "entry/CJ/",
        ),
        (
            "UPDATE entry SET registered_at = registered_at + 1 WHERE number = 5",
            &["row-changed"],
            "entry/CJ/",
        ),
        (
            "UPDATE document SET accepted = 1 - accepted WHERE ordinal = 1",
            &["row-changed"],
            "entry/CJ/",
        ),
        (
            "DELETE FROM document WHERE ordinal = 1",
            &["row-changed"],
            "entry/CJ/",
        ),
        (
            "UPDATE mail SET sender = 'alta@exemplu.test' WHERE outcome = 'registered'",
            &["row-changed"],
            "entry/CJ/",
        ),
        ("UPDATE mail SET received_at = 0", &["row-changed"], "mail/1"),
        (
            "UPDATE mail SET outcome = 'ignored', reason = 'discarded' WHERE outcome = 'held'",
            &["row-changed"],
            "mail/",
        ),
        (
            "UPDATE letter SET rcpt_to = 'altul@exemplu.test' WHERE number = 3",
            &["row-changed"],
            "letter/",
        ),
        (
            "UPDATE letter SET state = 'queued' WHERE number = 3",
            &["row-changed"],
            "letter/",
        ),
        (
            "UPDATE receipt SET issued_at = issued_at + 1 WHERE number = 3",
            &["row-changed"],
            "entry/CJ/",
        ),
        (
            "UPDATE receipt SET state = 'owed', sha256 = NULL, issued_at = NULL WHERE number = 3",
            &["row-missing"],
            "entry/CJ/",
        ),
        (
            "DELETE FROM receipt WHERE number = 3",
            &["receipt-missing", "row-missing"],
            "entry/CJ/",
        ),
        (
            "UPDATE journal SET actor = 'altul' WHERE seq = 7",
            &["journal-broken"],
            "journal/7",
        ),
        (
            "DELETE FROM journal WHERE seq = 7",
            &["journal-broken"],
            "journal/8",
        ),
        ("UPDATE series SET last = 9", &["series-wrong"], "series/CJ/"),
        ("DELETE FROM series", &["series-wrong"], "series/CJ/"),
        (
            "DELETE FROM attempt; DELETE FROM letter WHERE number = 3",
            &["row-missing"],
            "letter/",
        ),
        (
            "DELETE FROM letter WHERE number = 3",
            &["reference-broken", "row-missing"],
            "attempt",
        ),
        (
            "DELETE FROM entry WHERE number = 3",
            &["entry-missing", "number-gap", "reference-broken", "row-missing"],
            "series/CJ/",
        ),
        (
            "DELETE FROM entry WHERE number = 5; DELETE FROM case_file WHERE number = 5; DELETE FROM receipt WHERE number = 5; DELETE FROM attempt WHERE message_id IN
            (SELECT message_id FROM letter WHERE number = 5); DELETE FROM letter WHERE number = 5;
            UPDATE series SET last = 4",
            &["entry-missing", "row-missing"],
            "mail/",
        ),
        (
            "UPDATE mail SET outcome = NULL, reason = NULL WHERE outcome = 'registered'",
            &["entry-missing", "row-changed"],
            "mail/",
        ),
];

#[test]
fn a_changed_or_lost_row_is_named() {
    let mut patient = Patient::new();
    for (statements, wanted, place) in ROWS {
        let (kinds, lines) = patient.faults_of_sql(statements);
        // A row taken out of the journal is missed on both sides.
        let journal = statements.starts_with("DELETE FROM journal");
        let as_wanted = if journal {
            kinds.contains(&wanted[0])
        } else {
            kinds == wanted
        };
        assert!(as_wanted, "{statements}: {lines:#?}");
        let found = lines
            .iter()
            .any(|line| line["place"].as_str().unwrap().starts_with(place));
        assert!(found, "{statements}: no {place} in {lines:#?}");
    }
}

#[test]
fn what_the_journal_does_not_tell_is_named() {
    let mut patient = Patient::new();
    // The chain itself holds when its end is cut off.
    let (kinds, lines) = patient.faults_of_sql(
        "DELETE FROM journal WHERE seq >= (SELECT min(seq) FROM journal WHERE kind = 'receipt.issued')",
    );
    assert_eq!(kinds, ["journal-silent"], "{lines:#?}");
    let (kinds, lines) = patient.faults_of_sql("DELETE FROM journal WHERE seq > 3");
    assert!(
        kinds.contains(&"journal-silent") && !kinds.contains(&"journal-broken"),
        "{lines:#?}"
    );
    let of_entries = lines
        .iter()
        .filter(|line| line["what"] == "the journal does not tell of this entry");
    assert_eq!(of_entries.count(), 5);
    let said = {
        let hurt = patient.copy();
        hurt.sql("DELETE FROM journal");
        run_with(&hurt.config, &["fsck"]).ended_with(1).out
    };
    assert!(
        said.contains("ERROR    journal-silent") && said.contains("change nothing;"),
        "{said}"
    );
}

#[test]
fn a_lost_changed_or_strange_file_is_named() {
    let mut patient = Patient::new();
    let mail = "SELECT sha256 FROM mail WHERE seq = 1";
    let receipt = "SELECT sha256 FROM receipt WHERE number = 3";

    let hurt = patient.copy();
    fs::remove_file(hurt.file(mail)).unwrap();
    for options in [&[][..], &["--quick"]] {
        let (kinds, lines) = hurt.faults(options, 1);
        assert_eq!(kinds, ["file-missing"], "{lines:#?}");
        assert_eq!(lines[0]["place"], "mail/1");
    }

    let hurt = patient.copy();
    change_a_byte(&hurt.file(receipt), 100);
    hurt.faults(&["--quick"], 0);
    for options in [&[][..], &["--seals"]] {
        let (kinds, lines) = hurt.faults(options, 1);
        assert_eq!(kinds, ["file-changed"], "{lines:#?}");
        assert!(lines[0]["place"].as_str().unwrap().starts_with("receipt/CJ/"));
    }

    let hurt = patient.copy();
    let path = hurt.file(mail);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(10)
        .unwrap();
    assert_eq!(hurt.faults(&["--quick"], 1).0, ["file-changed"]);

    let hurt = patient.copy();
    fs::remove_dir_all(hurt.dir.join("archive")).unwrap();
    let (kinds, lines) = hurt.faults(&[], 1);
    assert_eq!(
        (kinds, lines.len()),
        (vec!["file-missing"], 1),
        "one finding, not one for each file"
    );

    let hurt = patient.copy();
    let unsealed = b"%PDF-1.7\n%%EOF\n";
    let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(unsealed));
    fs::write(hurt.place_of(&sha256), unsealed).unwrap();
    let (kinds, lines) = hurt.faults(&[], 0);
    assert_eq!(kinds, ["file-unnamed"], "{lines:#?}");
    hurt.sql(&format!(
        "UPDATE receipt SET sha256 = '{sha256}' WHERE number = 3"
    ));
    assert_eq!(hurt.faults(&[], 1).0, ["row-changed"]);
    assert_eq!(hurt.faults(&["--seals"], 1).0, ["row-changed", "seal-broken"]);

    let hurt = patient.copy();
    fs::create_dir_all(hurt.dir.join("archive/tmp")).unwrap();
    fs::write(hurt.dir.join("archive/tmp/4194999-0"), "half").unwrap();
    fs::write(hurt.dir.join("archive/note.txt"), "notă").unwrap();
    assert_eq!(hurt.faults(&[], 0).0, ["file-foreign", "file-temporary"]);
    assert!(hurt.dir.join("archive/note.txt").exists(), "nothing is removed");
}

#[test]
fn a_damaged_database_is_named() {
    let mut patient = Patient::new();
    let hurt = patient.copy();
    let path = hurt.dir.join("recipisa.db");
    let page: u32 = Connection::open(&path)
        .unwrap()
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'letter'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[0xA5; 4096], u64::from(page - 1) * 4096)
        .unwrap();
    let (kinds, lines) = hurt.faults(&[], 1);
    assert!(kinds.contains(&"database-damaged"), "{lines:#?}");
    let refused = run_with(&hurt.config, &["backup", text(&hurt.dir.with_extension("copie"))]).ended_with(1);
    assert!(
        refused.err.contains("the copy of the database") || refused.err.contains("backup"),
        "{}",
        refused.err
    );
    assert!(
        copies(&hurt.dir.with_extension("copie")).is_empty(),
        "no damaged copy is published"
    );
    fs::write(&path, "acesta nu este un registru\n".repeat(400)).unwrap();
    let (kinds, lines) = hurt.faults(&[], 1);
    assert_eq!((kinds, lines.len()), (vec!["database-damaged"], 1), "{lines:#?}");
}

#[test]
fn a_damaged_backup_is_named_refused_and_healed() {
    let agency = Agency::new();
    post_and_register(&agency, 1..=3);
    let backup = agency.path().join("copie");
    back_up(&agency, &backup);
    post_and_register(&agency, 4..=4);
    back_up(&agency, &backup);
    let check = |code| {
        findings(
            agency
                .run(&["fsck", text(&backup), "--json"])
                .ended_with(code)
                .json(),
        )
    };
    assert!(check(0).1.is_empty());
    let names = copies(&backup);
    let file_of = |name: &str, ending: &str| backup.join(format!("databases/{name}.{ending}"));

    let lost = files(&backup.join("archive")).remove(4);
    fs::remove_file(&lost).unwrap();
    assert_eq!(check(1).0, ["file-missing"]);
    let config = elsewhere(&agency, "back");
    let refused = run_with(&config, &["restore", text(&backup)]).ended_with(1);
    assert!(
        refused.out.contains("file-missing") && refused.err.contains("nothing is restored"),
        "{refused:?}"
    );
    let left: Vec<PathBuf> = files(&agency.path().join("back"));
    assert!(
        left.iter().all(|path| path.ends_with("recipisa.lock")),
        "{left:?}"
    );
    let accepted = run_with(&config, &["restore", text(&backup), "--accept-findings"]).ended_with(0);
    assert!(accepted.out.contains("accepted   1 findings"), "{}", accepted.out);
    assert_eq!(entries(&config).len(), 4);
    run_with(&config, &["fsck"]).ended_with(1);
    assert!(back_up(&agency, &backup).out.contains("11 were there, 1 copied"));
    assert!(check(0).1.is_empty());

    change_a_byte(&lost, 3);
    assert_eq!(check(1).0, ["file-changed"]);
    fs::remove_file(&lost).unwrap();
    back_up(&agency, &backup);
    assert!(check(0).1.is_empty());

    change_a_byte(&file_of(&names[0], "db"), 5000);
    let (kinds, lines) = check(1);
    assert_eq!(kinds, ["copy-changed"]);
    assert!(lines[0]["place"].as_str().unwrap().contains(&names[0]));
    run_with(&elsewhere(&agency, "back2"), &["restore", text(&backup)]).ended_with(0);
    fs::write(file_of(&copies(&backup)[3], "json"), "{").unwrap();
    assert_eq!(check(1).0, ["copy-changed"]);
    let newest = run_with(&elsewhere(&agency, "back3"), &["restore", text(&backup)]).ended_with(1);
    assert!(
        newest.err.contains("name another copy with --copy"),
        "{}",
        newest.err
    );
    let earlier = ["restore", text(&backup), "--copy", &names[1]];
    run_with(&elsewhere(&agency, "back3"), &earlier).ended_with(0);
}

#[test]
fn what_the_registry_lost_is_told_by_the_backup_and_kept_by_an_earlier_one() {
    let mut patient = Patient::new();
    let hurt = patient.copy();
    let backup = patient.agency.path().join("copie");
    run_with(&hurt.config, &["backup", text(&backup)]).ended_with(0);
    fs::remove_file(hurt.file("SELECT sha256 FROM mail WHERE seq = 1")).unwrap();
    change_a_byte(&hurt.file("SELECT sha256 FROM receipt WHERE number = 3"), 100);
    run_with(&hurt.config, &["backup", text(&backup)]).ended_with(0);
    run_with(&hurt.config, &["fsck", text(&backup)]).ended_with(0);
    let fresh = patient.agency.path().join("alta");
    let lacking = run_with(&hurt.config, &["backup", text(&fresh)]).ended_with(1);
    assert!(
        lacking
            .err
            .contains("2 files of the registry are lost or damaged"),
        "{}",
        lacking.err
    );
    assert!(
        lacking.out.contains("file-missing") && lacking.out.contains("file-changed"),
        "{}",
        lacking.out
    );
    assert_eq!(copies(&fresh).len(), 1, "the rest is all the more worth keeping");
}
