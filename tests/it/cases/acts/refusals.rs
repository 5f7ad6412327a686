//! Every refusal of the desk: exit code 1, its reason and its remedy, and nothing written.

use std::fs;

use jiff::civil::{Date, Weekday};
use serde_json::json;

use super::{AS, WHAT, agency_with_two_cases, assert_untouched, document, number, one, registry};
use crate::cases::in_days;
use crate::support::agency::Agency;

fn day(days: i64) -> String {
    in_days(days).to_string()
}

fn hour(days: i64, hour: &str) -> String {
    format!("{} {hour}", in_days(days))
}

/// The act on the first case is refused in these words, also as a rehearsal, and leaves no trace.
#[track_caller]
fn refused(agency: &Agency, verb: &str, options: &[&str], words: &[&str]) {
    let number = number(1);
    let args = [&["case", verb, &number], options, &AS].concat();
    let before = registry(agency);
    let said = agency.run(&args).ended_with(1);
    for word in words {
        assert!(said.err.contains(word), "{args:?}: no {word} in {}", said.err);
    }
    assert_eq!(said.out, "", "{args:?}");
    let rehearsed = [&args[..], &["--dry-run", "--json"]].concat();
    let rehearsed = agency.run(&rehearsed).ended_with(1);
    assert_eq!((rehearsed.err, rehearsed.out), (said.err, said.out));
    assert_untouched(agency, &before, &args);
}

#[test]
fn before_the_decision() {
    let agency = agency_with_two_cases();
    let (document, sunday) = (document(&agency), sunday_far_away().to_string());
    let asks = |what: &str, until: &str, words: &[&str]| {
        refused(&agency, "clarify", &["--what", what, "--until", until], words);
    };
    asks("  ", &day(5), &["say what is missing", "the citizen reads"]);
    asks(
        WHAT,
        &day(0),
        &["too early", "the first possible day is", &day(1)],
    );
    asks(WHAT, &sunday, &["no working day", "duminică", "take"]);
    let decides = |document: &str, on: &str, words: &[&str]| {
        refused(&agency, "decide", &["--document", document, "--on", on], words);
    };
    decides(&document, &day(1), &["lies in the future"]);
    decides(
        &document,
        &day(-1),
        &["before the day of the registration", &day(0)],
    );
    let empty = agency.path().join("gol.pdf");
    fs::write(&empty, "").unwrap();
    decides(empty.to_str().unwrap(), &day(0), &["the document is empty"]);
    decides("/nowhere/decizie.pdf", &day(0), &["reading /nowhere/decizie.pdf"]);
    let undecided = ["no decision yet", "recipisa case decide"];
    refused(&agency, "pickup", &["--at", &hour(2, "10:00")], &undecided);
    refused(&agency, "handover", &[], &undecided);
}

#[test]
fn after_the_decision() {
    let agency = agency_with_two_cases();
    let (document, sunday) = (document(&agency), sunday_far_away());
    let decide = ["case", "decide", &number(1), "--document", &document];
    agency.run(&decide).ended_with(0);
    refused(
        &agency,
        "decide",
        &decide[3..],
        &["has a decision of", "a new request"],
    );
    refused(
        &agency,
        "clarify",
        &["--what", WHAT],
        &["is decided since", "nothing more"],
    );
    let invites = |at: &str, words: &[&str]| refused(&agency, "pickup", &["--at", at], words);
    invites(&hour(0, "00:00"), &["has passed"]);
    invites(&hour(0, "23:54"), &["too early", &day(1)]);
    invites(
        &hour(2, "23:55"),
        &["not within the hours", "00:00–23:59", "5 minutes"],
    );
    invites(&hour(12, "10:00"), &["later than 10 working days", &day(10)]);
    invites(&format!("{sunday} 10:00"), &["no working day", "take"]);
    refused(&agency, "handover", &["--on", &day(1)], &["lies in the future"]);
    refused(
        &agency,
        "handover",
        &["--on", &day(-1)],
        &["before the decision of", &day(0)],
    );
}

#[test]
fn after_the_end() {
    let agency = agency_with_two_cases();
    let document = document(&agency);
    let decide = ["case", "decide", &number(1), "--document", &document];
    agency.run(&decide).ended_with(0);
    agency.run(&["case", "handover", &number(1)]).ended_with(0);
    let closed = ["the case is closed", "handed over on", &day(0)];
    refused(&agency, "handover", &[], &closed);
    refused(&agency, "decide", &decide[3..], &closed);
    refused(&agency, "pickup", &["--at", &hour(2, "10:00")], &closed);
    refused(&agency, "clarify", &["--what", WHAT], &closed);
    let open = one(&agency, &["case", "list", "--json"]);
    assert_eq!(open["number"], json!(number(2)));
}

#[test]
fn numbers_that_are_none() {
    let agency = agency_with_two_cases();
    let unknown = number(77);
    let yesterday = format!("1/{}", in_days(-1).strftime("%d.%m.%Y"));
    for number in [unknown.as_str(), &yesterday] {
        for args in [&["case", "handover", number][..], &["case", "show", number]] {
            let said = agency.run(args).ended_with(1);
            let remedy = "`recipisa case list` shows the open ones";
            assert!(
                said.err.contains("there is no case") && said.err.contains(remedy),
                "{}",
                said.err
            );
            assert!(said.err.contains(number), "{}", said.err);
        }
    }
    for wrong in ["77", "1/2026", "TM-1/22.11", ""] {
        let said = agency.run(&["case", "handover", wrong]).ended_with(1);
        assert!(
            said.err.contains("12/20.11.2026"),
            "what a number looks like: {}",
            said.err
        );
    }
}

/// The first Sunday behind the days that the calendar declares worked.
fn sunday_far_away() -> Date {
    let far = in_days(40);
    far.nth_weekday(1, Weekday::Sunday).unwrap()
}

#[test]
fn without_an_address_nobody_is_written_to() {
    let agency = agency_with_two_cases();
    agency.deliver("somaj", "21-fara-expeditor");
    agency.run(&["once"]).ended_with(0);
    let held = one(&agency, &["held", "list", "--json"])["mail_id"].to_string();
    agency.run(&["held", "release", &held]).ended_with(0);
    agency.run(&["once"]).ended_with(0);
    let (third, document) = (number(3), document(&agency));
    let refused = agency
        .run(&["case", "clarify", &third, "--what", WHAT])
        .ended_with(1);
    assert!(
        refused.err.contains("no e-mail address") && refused.err.contains("phone or post"),
        "{}",
        refused.err
    );
    agency
        .run(&["case", "decide", &third, "--document", &document])
        .ended_with(0);
    let when = format!("{} 10:00", in_days(2));
    let refused = agency
        .run(&["case", "pickup", &third, "--at", &when])
        .ended_with(1);
    assert!(refused.err.contains("no e-mail address"), "{}", refused.err);
    agency
        .run(&["case", "handover", &third, "--how", "post"])
        .ended_with(0);
}
