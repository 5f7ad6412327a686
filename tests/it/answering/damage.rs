//! What somebody does to the rows of links and answers, and how `fsck` names it.

use std::collections::BTreeSet;
use std::fs;

use rusqlite::Connection;

use super::{Mail, once, post, text};
use crate::support::agency::Agency;

/// What is done, what it is called, and where it is found. Entry 2 has the files of entry 1, and a clerk says that they
/// do not belong together; mail 3 is too large.
const DAMAGES: [(&str, &str, &str); 8] = [
    ("UPDATE link SET why = 'text'", "row-changed", "entry/CJ/2026/2/link/CJ/2026/1"),
    ("UPDATE link SET told = 0", "row-changed", "entry/CJ/2026/2/link/CJ/2026/1"),
    ("UPDATE link SET state = 'confirmed'", "row-changed", "entry/CJ/2026/2/link/CJ/2026/1"),
    ("UPDATE link SET decided_by = 'altul'", "row-changed", "entry/CJ/2026/2/link/CJ/2026/1"),
    ("DELETE FROM link", "row-missing", "entry/CJ/2026/2/link/CJ/2026/1"),
    (
        "INSERT INTO link SELECT earlier_register, earlier_year, earlier_number, register, year, number, why, told, state,
            made_at, decided_at, decided_by FROM link",
        "journal-silent",
        "entry/CJ/2026/1/link/CJ/2026/2",
    ),
    ("DELETE FROM answer", "answer-missing", "mail/3"),
    ("UPDATE letter SET mail_seq = NULL", "answer-missing", "mail/3"),
];

#[test]
fn what_is_done_to_links_and_answers_is_named() {
    let agency = Agency::new();
    agency.configure(|text| text + "[limits]\nmail_bytes_max = 100000\n");
    let long = "umplutură ".repeat(20_000);
    for (name, id) in [("a", "1@e.test"), ("b", "2@e.test")] {
        let mail = Mail {
            id,
            file: ("act.xml", "același"),
            ..Mail::default()
        };
        post(&agency, "somaj", name, &mail);
    }
    let large = Mail {
        id: "3@e.test",
        text: &long,
        ..Mail::default()
    };
    post(&agency, "somaj", "c", &large);
    once(&agency);
    let entries = agency.run(&["entries", "--json"]).ended_with(0).json();
    let numbers: Vec<&str> = entries.iter().map(|entry| text(entry, "number")).collect();
    agency
        .run(&["link", numbers[1], numbers[0], "--reject"])
        .ended_with(0);
    agency.run(&["fsck"]).ended_with(0);
    let database = agency.path().join("registry/recipisa.db");
    // Out of WAL, so that the one file is all of it.
    let connection = Connection::open(&database).unwrap();
    let mode: String = connection
        .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "delete");
    drop(connection);
    let whole = fs::read(&database).unwrap();
    let year = numbers[0].rsplit('.').next().unwrap();
    for (statement, kind, place) in DAMAGES {
        fs::write(&database, &whole).unwrap();
        let connection = Connection::open(&database).unwrap();
        connection.execute_batch(statement).unwrap();
        drop(connection);
        let found = agency.run(&["fsck", "--json"]).ended_with(1).json();
        let found: BTreeSet<(&str, &str)> = found
            .iter()
            .filter(|line| line["severity"] == "error")
            .map(|line| (text(line, "fault"), text(line, "place")))
            .collect();
        let place = place.replace("2026", year);
        assert_eq!(found, BTreeSet::from([(kind, place.as_str())]), "{statement}");
    }
}
