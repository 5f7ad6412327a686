//! What belongs to cases: that it is backed up and brought back, and each damage to it under its own name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;

use super::damage::Patient;
use super::{back_up, entries, files, post_and_register, restored, run_with, text};
use crate::support::agency::Agency;
use crate::support::command::project;

/// The same citizen writes again, about the request with this number.
pub(super) fn reply(agency: &Agency, ordinal: u32, number: &str, name: &str) {
    let mail = format!(
        "Received: by mx.ajofm-exemplu.test; Fri, 20 Nov 2026 12:00:{ordinal:02} +0200\r\nFrom: p{ordinal}@exemplu.test\r\n\
         To: somaj@ajofm-exemplu.test\r\nSubject: Re: cererea {number}\r\nMessage-ID: <r.{name}@exemplu.test>\r\n\
         \r\nRevin cu o precizare: {name}.\r\n"
    );
    let path = agency.path().join(format!("mailboxes/somaj/r-{name}.eml"));
    fs::write(path, mail).unwrap();
}

/// The number of the request that this citizen wrote, as on the receipt.
#[track_caller]
pub(super) fn number_of(config: &Path, ordinal: u32) -> String {
    let from = format!("p{ordinal}@exemplu.test");
    let entries = entries(config);
    let entry = entries.iter().find(|entry| entry["from"] == *from).unwrap();
    entry["number"].as_str().unwrap().to_owned()
}

/// Everything about a case.
#[track_caller]
fn case(config: &Path, number: &str) -> Vec<Value> {
    run_with(config, &["case", "show", number, "--json"])
        .ended_with(0)
        .json()
}

/// A clerk asks, and decides at once.
#[track_caller]
pub(super) fn act_on(agency: &Agency, number: &str) {
    let what = "Vă rugăm să trimiteți copia actului.";
    agency
        .run(&["case", "clarify", number, "--what", what, "--as", "Ana"])
        .ended_with(0);
    let decision = agency.path().join("decizie.pdf");
    fs::copy(
        project().join("fixtures/documents/pdf/accept/cerere.pdf"),
        &decision,
    )
    .unwrap();
    agency
        .run(&[
            "case",
            "decide",
            number,
            "--document",
            text(&decision),
            "--as",
            "Ana",
        ])
        .ended_with(0);
}

#[test]
fn a_case_comes_back_with_its_replies_and_its_decision() {
    let agency = Agency::new();
    post_and_register(&agency, 1..=2);
    let numbers = [1, 2].map(|ordinal| number_of(&agency.config(), ordinal));
    reply(&agency, 1, &numbers[0], "unu");
    reply(&agency, 1, &numbers[0], "doi");
    act_on(&agency, &numbers[1]);
    agency.run(&["once"]).ended_with(0);
    let before = numbers.each_ref().map(|number| case(&agency.config(), number));
    assert!(
        before[0][0].to_string().contains("submission"),
        "{}",
        before[0][0]
    );
    let backup = agency.path().join("copie");
    let first = back_up(&agency, &backup);
    // Mail, receipt and letter of four mails; and the decision.
    assert!(
        first.out.contains("13 files: 0 were there, 13 copied"),
        "{}",
        first.out
    );
    let config = restored(&agency, &backup, None, "back");
    let after = numbers.each_ref().map(|number| case(&config, number));
    assert_eq!(after, before);
    run_with(&config, &["fsck", "--seals"]).ended_with(0);
    // The decision's file is named, and missed.
    let document = fs::read(agency.path().join("decizie.pdf")).unwrap();
    let is_decision = |path: &&PathBuf| fs::read(path).unwrap() == document;
    let kept = files(&agency.path().join("back/archive"));
    fs::remove_file(kept.iter().find(is_decision).unwrap()).unwrap();
    let missed = run_with(&config, &["fsck", "--json"]).ended_with(1).json();
    assert_eq!(missed[0]["fault"], "file-missing");
    assert!(missed[0]["place"].as_str().unwrap().starts_with("decision/CJ/"));
}

/// What somebody does to the rows of cases, what that is called, and where it is found. Case 1 has two submissions, the second answers its only question, a decision, an
/// appointment and its end; case 2 an unanswered question and two appointments.
const PARTS: [(&str, &[&str], &str); 42] = [
    // Submissions and their mails.
    (
        "UPDATE submission SET applicant = 'altul' WHERE number = 1 AND ordinal = 2",
        &["row-changed"],
        "entry/CJ/2026/1/submission/2",
    ),
    (
        "UPDATE submission SET registered_at = registered_at + 1 WHERE number = 1 AND ordinal = 1",
        &["row-changed"],
        "entry/CJ/2026/1/submission/1",
    ),
    (
        "DELETE FROM document WHERE mail_seq = (SELECT mail_seq FROM submission WHERE number = 1 AND ordinal = 1)",
        &["row-changed"],
        "entry/CJ/2026/1/submission/1",
    ),
    (
        "UPDATE mail SET sender = 'alta@exemplu.test' WHERE outcome = 'joined'",
        &["row-changed"],
        "entry/CJ/2026/1/submission/1",
    ),
    (
        "DELETE FROM submission WHERE number = 1 AND ordinal = 1",
        &["row-missing", "submission-missing"],
        "entry/CJ/2026/1/submission/2",
    ),
    (
        "DELETE FROM submission WHERE number = 1 AND ordinal = 2",
        &["row-missing", "submission-missing"],
        "receipt/CJ/2026/1/2",
    ),
    (
        "DELETE FROM submission WHERE number = 1; DELETE FROM receipt WHERE number = 1 AND ordinal > 0",
        &["row-missing", "submission-missing"],
        "mail/",
    ),
    (
        "UPDATE mail SET outcome = 'registered' WHERE outcome = 'joined'",
        &["row-changed", "entry-missing", "submission-missing"],
        "entry/CJ/2026/1/submission/1",
    ),
    (
        "INSERT INTO submission SELECT register, year, 4, 1, (SELECT seq FROM mail WHERE outcome = 'filed'), applicant,
            received_at, registered_at, processing_day, processing_reason FROM submission WHERE number = 3",
        &["journal-silent", "submission-missing", "receipt-missing"],
        "entry/CJ/2026/4/submission/1",
    ),
    // Receipts of submissions.
    (
        "UPDATE receipt SET issued_at = issued_at + 1 WHERE number = 1 AND ordinal = 2",
        &["row-changed"],
        "entry/CJ/2026/1/receipt/2",
    ),
    (
        "DELETE FROM receipt WHERE number = 1 AND ordinal = 2",
        &["row-missing", "receipt-missing"],
        "entry/CJ/2026/1/submission/2",
    ),
    (
        "UPDATE receipt SET state = 'owed', sha256 = NULL, issued_at = NULL WHERE number = 1 AND ordinal = 1",
        &["row-missing"],
        "entry/CJ/2026/1/receipt/1",
    ),
    (
        "INSERT INTO receipt (register, year, number, ordinal, state) VALUES ('CJ', 2026, 4, 7, 'owed')",
        &["submission-missing"],
        "receipt/CJ/2026/4/7",
    ),
    (
        "INSERT INTO receipt (register, year, number, ordinal, state, sha256, issued_at)
            SELECT register, year, 1, 3, state, sha256, issued_at FROM receipt WHERE number = 4",
        &["journal-silent", "submission-missing"],
        "entry/CJ/2026/1/receipt/3",
    ),
    // The case itself.
    ("DELETE FROM case_file WHERE number = 4", &["row-changed", "case-missing"], "entry/CJ/2026/4"),
    ("UPDATE case_file SET due_on = '2030-01-01' WHERE number = 4", &["row-changed"], "entry/CJ/2026/4"),
    // The consent.
    (
        "UPDATE case_file SET consent_file = 'altul.pdf' WHERE number = 1",
        &["row-changed"],
        "entry/CJ/2026/1/consent",
    ),
    (
        "UPDATE case_file SET consent_on = '2026-11-22' WHERE number = 1",
        &["row-changed"],
        "entry/CJ/2026/1/consent",
    ),
    (
        "UPDATE case_file SET consent = 'missing', consent_ordinal = NULL, consent_file = NULL, consent_on = NULL
            WHERE number = 1",
        &["row-missing"],
        "entry/CJ/2026/1/consent",
    ),
    (
        "UPDATE case_file SET consent = 'found', consent_ordinal = 1, consent_file = 'acord.pdf',
            consent_on = '2026-11-30' WHERE number = 3",
        &["journal-silent"],
        "entry/CJ/2026/3/consent",
    ),
    (
        "UPDATE case_file SET consent = 'found', consent_ordinal = 0, consent_file = 'acord.pdf',
            consent_on = '2026-11-20' WHERE number = 3",
        &["row-changed"],
        "entry/CJ/2026/3",
    ),
    // Questions and answers.
    (
        "UPDATE clarification SET what = 'altceva' WHERE number = 2",
        &["row-changed"],
        "entry/CJ/2026/2/clarification/1",
    ),
    (
        "UPDATE clarification SET asked_by = 'altul' WHERE number = 2",
        &["row-changed"],
        "entry/CJ/2026/2/clarification/1",
    ),
    ("DELETE FROM clarification WHERE number = 2", &["row-missing"], "entry/CJ/2026/2/clarification/1"),
    (
        "INSERT INTO clarification SELECT register, year, 4, 1, what, until, asked_at, asked_by, NULL, NULL
            FROM clarification WHERE number = 2",
        &["journal-silent"],
        "entry/CJ/2026/4/clarification/1",
    ),
    (
        "UPDATE clarification SET answer_ordinal = 1 WHERE number = 1",
        &["row-changed"],
        "entry/CJ/2026/1/answer/1",
    ),
    (
        "UPDATE clarification SET answer_ordinal = NULL, answered_at = NULL WHERE number = 1",
        &["row-missing"],
        "entry/CJ/2026/1/answer/1",
    ),
    (
        "UPDATE clarification SET answer_ordinal = 1, answered_at = asked_at WHERE number = 2",
        &["journal-silent"],
        "entry/CJ/2026/2/answer/1",
    ),
    // The decision. The file that it named before stays named by the journal.
    (
        "UPDATE case_file SET decided_on = '2026-11-26' WHERE number = 1",
        &["row-changed"],
        "entry/CJ/2026/1/decision",
    ),
    (
        "UPDATE case_file SET decision_sha256 = (SELECT sha256 FROM mail WHERE seq = 1) WHERE number = 1",
        &["row-changed"],
        "entry/CJ/2026/1/decision",
    ),
    (
        "UPDATE case_file SET decided_on = NULL, decision_sha256 = NULL WHERE number = 1",
        &["row-missing"],
        "entry/CJ/2026/1/decision",
    ),
    (
        "UPDATE case_file SET decided_on = '2026-11-27', decision_sha256 = (SELECT decision_sha256 FROM case_file
            WHERE number = 1) WHERE number = 4",
        &["journal-silent"],
        "entry/CJ/2026/4/decision",
    ),
    // Appointments, the closing, and what was planned.
    (
        "UPDATE appointment SET starts_at = starts_at + 1 WHERE number = 2 AND ordinal = 2",
        &["row-changed"],
        "entry/CJ/2026/2/appointment/2",
    ),
    (
        "DELETE FROM appointment WHERE number = 2 AND ordinal = 1",
        &["row-missing"],
        "entry/CJ/2026/2/appointment/1",
    ),
    (
        "UPDATE case_file SET handed_over_how = 'post' WHERE number = 1",
        &["row-changed"],
        "entry/CJ/2026/1/closing",
    ),
    (
        "UPDATE case_file SET handed_over_on = NULL, handed_over_how = NULL WHERE number = 1",
        &["row-missing"],
        "entry/CJ/2026/1/closing",
    ),
    (
        "DELETE FROM followup WHERE number = 2 AND kind = 'pickup-reminder' AND ordinal = 1",
        &["row-missing"],
        "entry/CJ/2026/2/followup",
    ),
    (
        "INSERT INTO followup (register, year, number, kind, ordinal, due_at, next_at, state, settled_at)
            SELECT register, year, 4, kind, 1, due_at, due_at, 'void', 1 FROM followup LIMIT 1",
        &["journal-silent"],
        "entry/CJ/2026/4/followup",
    ),
    (
        "UPDATE case_file SET closed_at = 1, closed_by = 'altul', closed_reason = 'nimic' WHERE number = 4",
        &["journal-silent"],
        "entry/CJ/2026/4/setting-aside",
    ),
    // Letters that are not of a receipt.
    (
        "UPDATE letter SET state = 'void' WHERE kind = 'pickup-invitation' AND number = 1",
        &["row-changed"],
        "letter/",
    ),
    (
        "UPDATE letter SET ordinal = 7 WHERE kind = 'pickup-invitation' AND number = 1",
        &["row-changed"],
        "letter/",
    ),
    (
        "UPDATE letter SET register = 'CJ', year = 2026, number = 4 WHERE message_id =
            (SELECT min(message_id) FROM letter WHERE register IS NULL)",
        &["row-changed"],
        "letter/",
    ),
];

#[test]
fn what_is_done_to_a_case_is_named() {
    let mut patient = Patient::lived();
    let sound = patient.copy();
    assert!(sound.faults(&["--seals"], 0).1.is_empty());
    sound.sql("");
    for query in [
        "SELECT count(*) FROM letter WHERE register IS NULL",
        "SELECT count(*) FROM submission WHERE number = 1 AND ordinal = 2",
        "SELECT count(*) FROM clarification WHERE number = 1 AND answer_ordinal = 2",
        "SELECT count(*) FROM appointment WHERE number = 2 AND ordinal = 2",
    ] {
        let database = Connection::open(sound.dir.join("recipisa.db")).unwrap();
        let found: u32 = database.query_row(query, [], |row| row.get(0)).unwrap();
        assert!(found > 0, "{query}");
    }
    for (statements, wanted, place) in PARTS {
        let (kinds, lines) = patient.faults_of_sql(statements);
        let (kinds, wanted): (BTreeSet<_>, BTreeSet<_>) =
            (kinds.into_iter().collect(), wanted.iter().copied().collect());
        assert_eq!(kinds, wanted, "{statements}: {lines:#?}");
        assert!(
            lines
                .iter()
                .any(|line| line["place"].as_str().unwrap().starts_with(place)),
            "{statements}: no {place} in {lines:#?}"
        );
    }
}
