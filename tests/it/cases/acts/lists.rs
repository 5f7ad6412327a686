//! `case list` and `agenda`: what they show, and only what is asked for.

use serde_json::Value;

use super::{WHAT, agency_with_two_cases, document, number};
use crate::cases::in_days;
use crate::support::agency::Agency;

/// These members of every object that the command prints.
#[track_caller]
fn listed<const N: usize>(agency: &Agency, args: &[&str], members: [&str; N]) -> Vec<[String; N]> {
    let objects = agency.run(&[args, &["--json"]].concat()).ended_with(0).json();
    let pick = |object: &Value| {
        assert_eq!(object["schema"], 1);
        members.map(|member| object[member].as_str().unwrap().to_owned())
    };
    objects.iter().map(pick).collect()
}

/// The cases of this state, by their numbers.
#[track_caller]
fn of_state(agency: &Agency, state: &str) -> Vec<String> {
    let found = listed(agency, &["case", "list", "--state", state], ["number", "state"]);
    assert!(found.iter().all(|[_, is]| is == state), "{found:?}");
    found.into_iter().map(|[number, _]| number).collect()
}

#[test]
fn a_list_holds_what_is_asked_for() {
    let agency = agency_with_two_cases();
    let (first, second) = (number(1), number(2));
    let of_office = |office: &str| listed(&agency, &["case", "list", "--office", office], ["number"]);
    assert_eq!(
        listed(&agency, &["case", "list"], ["number"]),
        [[first.clone()], [second.clone()]]
    );
    assert_eq!(of_office("dej"), [[second.clone()]]);
    let unknown = agency
        .run(&["case", "list", "--office", "turda"])
        .ended_with(1)
        .err;
    assert!(
        unknown.contains("no office `turda`") && unknown.contains("cluj, dej"),
        "{unknown}"
    );
    let unknown = agency
        .run(&["case", "list", "--state", "uitat"])
        .ended_with(2)
        .err;
    assert!(unknown.contains("awaiting-citizen"), "{unknown}");
    assert_eq!(of_state(&agency, "open"), [first.as_str(), &second]);
    agency
        .run(&["case", "clarify", &second, "--what", WHAT])
        .ended_with(0);
    assert_eq!(of_state(&agency, "awaiting-citizen"), [second.as_str()]);
    assert_eq!(of_state(&agency, "open"), [first.as_str()]);
    let document = document(&agency);
    agency
        .run(&["case", "decide", &first, "--document", &document])
        .ended_with(0);
    assert_eq!(of_state(&agency, "decided"), [first.as_str()]);
    let when = format!("{} 10:00", in_days(3));
    agency
        .run(&["case", "pickup", &first, "--at", &when])
        .ended_with(0);
    assert_eq!(of_state(&agency, "invited"), [first.as_str()]);
    assert_eq!(of_state(&agency, "decided"), [""; 0]);
    let table = agency.run(&["case", "list"]).ended_with(0).out;
    for told in ["MISSING", "found", "invited (programat"] {
        assert!(table.contains(told), "no {told} in {table}");
    }
}

#[test]
fn the_agenda_looks_as_far_ahead_as_it_is_told() {
    let agency = agency_with_two_cases();
    let (first, second, document) = (number(1), number(2), document(&agency));
    let agenda = |args: &[&str]| {
        let mut items = listed(&agency, &[&["agenda"], args].concat(), ["on", "what", "number"]);
        items.sort();
        items
    };
    let item =
        |days: i64, what: &str, number: &str| [in_days(days).to_string(), what.to_owned(), number.to_owned()];
    let until = in_days(3).to_string();
    agency
        .run(&["case", "clarify", &second, "--what", WHAT, "--until", &until])
        .ended_with(0);
    agency
        .run(&["case", "decide", &first, "--document", &document])
        .ended_with(0);
    assert_eq!(agenda(&["--office", "cluj"]), [item(0, "to-invite", &first)]);
    let when = format!("{} 10:00", in_days(3));
    agency
        .run(&["case", "pickup", &first, "--at", &when])
        .ended_with(0);
    agency.run(&["once"]).ended_with(0);
    let all = [
        item(2, "clarification-reminder", &second),
        item(2, "pickup-reminder", &first),
        item(3, "answer-due", &second),
        item(3, "appointment", &first),
    ];
    assert_eq!(agenda(&[]), all);
    assert_eq!(agenda(&["--days", "2"]), all[..2]);
    assert_eq!(agenda(&["--days", "0"]).len(), 0);
    assert_eq!(agenda(&["--office", "dej"]), [all[0].clone(), all[2].clone()]);
    let words = agency.run(&["agenda"]).ended_with(0).out;
    for told in ["vine solicitantul", "10:00", "reamintirea programării", &second] {
        assert!(words.contains(told), "no {told} in {words}");
    }
    let nothing = agency.run(&["agenda", "--days", "1"]).ended_with(0).out;
    assert!(nothing.contains("nothing is due"), "{nothing}");
}
