//! `check` on this machine: each line that can go wrong goes wrong, for its own reason. The servers are asked in
//! `world/check.rs`.

use std::fs;
use std::net::TcpListener;

use jiff::SignedDuration;
use recipisa::edge::clock::Clock;
use serde_json::Value;

use crate::support::agency::Agency;
use crate::support::tools::set_mode;

/// What is said about a subject: level, words and remedy of each line.
fn lines(report: &[Value], what: &str) -> Vec<[String; 3]> {
    let text = |line: &Value, member: &str| line[member].as_str().unwrap_or_default().to_owned();
    report
        .iter()
        .filter(|line| line["what"] == what)
        .map(|line| ["level", "said", "remedy"].map(|member| text(line, member)))
        .collect()
}

#[track_caller]
fn has(report: &[Value], what: &str, level: &str, words: &str) {
    let found = lines(report, what);
    assert!(
        found
            .iter()
            .any(|[is, said, remedy]| is == level && (said.contains(words) || remedy.contains(words))),
        "{what} is not {level} with \"{words}\": {found:#?}"
    );
}

#[test]
fn a_sound_agency_has_no_errors_and_every_warning_a_remedy() {
    let agency = Agency::new();
    agency.deliver("somaj", "01-cerere-buna");
    agency.run(&["once"]).ended_with(0);
    set_mode(&agency.path().join("registry"), 0o750);
    set_mode(&agency.path().join("seal.p12"), 0o600);
    let report = agency.run(&["check", "--json"]).ended_with(0).json();
    for line in &report {
        assert_eq!(line["schema"], 1);
        let members: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(members, ["level", "remedy", "said", "schema", "what"]);
        let is_ok = line["level"] == "ok";
        assert_eq!(line["remedy"].is_null(), is_ok, "{line}");
    }
    has(&report, "database", "ok", "version 3, sound");
    has(&report, "letters", "ok", "every name in them is given and used");
    has(&report, "clock", "ok", "after the last entry");
    has(&report, "time zone", "ok", "Europe/Bucharest");
    has(&report, "chain", "ok", "2 certificates");
    assert_eq!(lines(&report, "storage"), Vec::<[String; 3]>::new());
    assert_eq!(lines(&report, "key").len(), 1, "{report:#?}");
    assert_eq!(lines(&report, "disk").len(), 1);
    let text = agency.run(&["check"]).ended_with(0).out;
    assert_eq!(
        text.lines().filter(|line| !line.starts_with(' ')).count(),
        report.len(),
        "{text}"
    );
}

#[test]
fn files_that_everybody_may_read_are_told_with_the_command_that_closes_them() {
    let agency = Agency::new();
    set_mode(&agency.path().join("seal.p12"), 0o644);
    agency.run(&["check"]).ended_with(0);
    set_mode(&agency.path().join("registry"), 0o755);
    let report = agency.run(&["check", "--json"]).ended_with(0).json();
    has(
        &report,
        "key",
        "warning",
        &format!("chmod 0600 {}", agency.path().join("seal.p12").display()),
    );
    has(
        &report,
        "storage",
        "warning",
        &format!("chmod 0750 {}", agency.path().join("registry").display()),
    );
}

#[test]
fn a_clock_before_the_last_entry_is_an_error_until_a_person_says_it_is_right() {
    let agency = Agency::new();
    agency.deliver("somaj", "01-cerere-buna");
    agency.run(&["once"]).ended_with(0);
    let tomorrow = Clock::System.now() + SignedDuration::from_hours(24);
    let database = rusqlite::Connection::open(agency.path().join("registry/recipisa.db")).unwrap();
    database
        .execute_batch("DROP TRIGGER entry_is_never_changed")
        .unwrap();
    database
        .execute("UPDATE entry SET registered_at = ?1", [tomorrow.as_microsecond()])
        .unwrap();
    let report = agency.run(&["check", "--json"]).ended_with(1).json();
    has(&report, "clock", "error", "stands before the last entry");
    has(&report, "clock", "error", "timedatectl");
    agency.run(&["once", "--clock-is-right"]).ended_with(0);
    has(
        &agency.run(&["check", "--json"]).ended_with(0).json(),
        "clock",
        "ok",
        "",
    );
}

#[test]
fn a_damaged_database_is_found() {
    let agency = Agency::new();
    for name in ["01-cerere-buna", "02-mai-multe-fisiere", "08-diacritice"] {
        agency.deliver("somaj", name);
    }
    agency.run(&["once"]).ended_with(0);
    let file = agency.path().join("registry/recipisa.db");
    // An index that no longer has what its table has: nothing that reads by the table would notice.
    let database = rusqlite::Connection::open(&file).unwrap();
    let (page, size): (u32, u32) = (
        database
            .query_row(
                "SELECT rootpage FROM sqlite_schema WHERE name = 'letter_by_address'",
                [],
                |row| row.get(0),
            )
            .unwrap(),
        database
            .pragma_query_value(None, "page_size", |row| row.get(0))
            .unwrap(),
    );
    database
        .pragma_update(None, "wal_checkpoint", "TRUNCATE")
        .unwrap();
    drop(database);
    let mut bytes = fs::read(&file).unwrap();
    bytes[(page as usize - 1) * size as usize..page as usize * size as usize].fill(0xA5);
    fs::write(&file, bytes).unwrap();
    let report = agency.run(&["check", "--json"]).ended_with(1).json();
    has(&report, "database", "error", "restore the database from a backup");
}

#[test]
fn a_port_of_somebody_else_is_told() {
    let agency = Agency::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    agency.configure(|text| format!("{text}\n[metrics]\nlisten = \"{address}\"\n"));
    let report = agency.run(&["check", "--json"]).ended_with(1).json();
    has(&report, "metrics", "error", "choose another `listen`");
    drop(other);
    let report = agency.run(&["check", "--json"]).ended_with(0).json();
    has(&report, "metrics", "ok", "is free");
}
