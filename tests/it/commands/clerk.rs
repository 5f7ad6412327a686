//! What a clerk does with held mails, and that the journal keeps it.

use std::fs;

use recipisa::edge::sqlite::SqliteStore;
use recipisa::journal;
use recipisa::store::Store;
use serde_json::Value;

use crate::inspect::assert_contract;
use crate::support::agency::Agency;
use crate::support::command::project;

#[test]
fn a_clerk_decides_about_held_mails() {
    let agency = Agency::new();
    let early = agency.run(&["held"]).ended_with(1);
    assert!(early.err.contains("there is no registry in"), "{}", early.err);
    agency.run(&["once"]).ended_with(0);
    let none_held = || {
        let list = agency.run(&["held"]).ended_with(0).out;
        list.contains("no mail is held")
    };
    assert!(none_held());
    for name in ["01-cerere-buna", "21-fara-expeditor", "23-doi-expeditori"] {
        agency.deliver("somaj", name);
    }
    agency.run(&["once"]).ended_with(0);
    assert!(agency.run(&["check"]).ended_with(0).out.contains("warning  work"));
    let list = agency.run(&["held", "list", "--json"]).ended_with(0).json();
    assert_eq!(
        agency.run(&["held"]).ended_with(0).out,
        agency.run(&["held", "list"]).ended_with(0).out
    );
    let reasons: Vec<&Value> = list.iter().map(|mail| &mail["reason"]).collect();
    assert_eq!(reasons, ["no-sender", "several-senders"]);
    let ids: Vec<String> = list.iter().map(|mail| mail["mail_id"].to_string()).collect();
    let shown = agency.run(&["held", "show", &ids[0]]).ended_with(0).out;
    for words in [
        "no-sender",
        "căutați solicitantul",
        "Cerere adeverinta",
        "Vă rog o adeverință.",
    ] {
        assert!(shown.contains(words), "no {words} in {shown}");
    }
    let raw = agency.run(&["held", "show", "--raw", &ids[1]]).ended_with(0).out;
    let sent = fs::read_to_string(project().join("fixtures/mails/23-doi-expeditori/mail.eml")).unwrap();
    assert_eq!(raw, sent);

    act_and_be_refused(&agency, &ids);
    let once = agency.run(&["once"]).ended_with(0);
    assert!(
        once.out.contains("1 decided, 1 receipts issued, 0 letters sent"),
        "{}",
        once.out
    );
    assert!(none_held());
    let mails = agency.run(&["mails", "--json"]).ended_with(0).json();
    let told = |id: &Value| {
        let mail = mails.iter().find(|mail| mail["mail_id"] == *id).unwrap();
        ["outcome", "reason", "replies", "detail"].map(|member| mail[member].clone())
    };
    assert_eq!(
        told(&list[0]["mail_id"]),
        [
            "registered".into(),
            "released".into(),
            Value::Bool(false),
            "".into()
        ]
    );
    assert_eq!(
        told(&list[1]["mail_id"]),
        [
            "ignored".into(),
            "discarded".into(),
            Value::Bool(false),
            "o glumă".into()
        ]
    );
    assert_acts_are_in_the_journal(&agency, &ids);
}

/// Releases the first, discards the second, and tries what cannot be.
fn act_and_be_refused(agency: &Agency, ids: &[String]) {
    agency
        .run(&["held", "release", &ids[0], "--as", "Ana Registrator"])
        .ended_with(0);
    let released = agency.run(&["mails", "--json"]).ended_with(0).json().remove(1);
    assert_contract(&released);
    assert_eq!(released["mail_id"].to_string(), ids[0]);
    assert!(released["outcome"].is_null(), "not yet decided: {released}");
    assert!(agency.run(&["mails"]).ended_with(0).out.contains("  waits"));
    let discard = ["held", "discard", &ids[1], "--reason"];
    let blank = agency.run(&[&discard[..], &["  "]].concat()).ended_with(1);
    assert!(blank.err.contains("the auditor will read it"));
    agency
        .run(&[&discard[..], &["o glumă", "--as", "Ion Șef"]].concat())
        .ended_with(0);
    for (args, words) in [
        (["held", "retry", &ids[1]], "is not held: it is ignored"),
        (["held", "release", "1"], "is not held: it is registered"),
        (["held", "release", &ids[0]], "still waits for its decision"),
        (["held", "release", "77"], "mail 77 is not there"),
        (["held", "show", "77"], "there is no mail 77"),
    ] {
        let refused = agency.run(&args).ended_with(1);
        assert!(refused.err.contains(words), "{args:?}: {}", refused.err);
    }
}

fn assert_acts_are_in_the_journal(agency: &Agency, ids: &[String]) {
    let store = SqliteStore::open(&agency.path().join("registry/recipisa.db")).unwrap();
    let mut rows = Vec::new();
    store.journal_each(&mut |row| rows.push(row)).unwrap();
    assert_eq!(journal::first_break(&rows), None);
    let acts: Vec<[String; 4]> = rows
        .into_iter()
        .filter(|row| row.actor != "recipisa")
        .map(|row| [row.actor, row.kind, row.subject, row.body])
        .collect();
    let released = [
        "Ana Registrator",
        "mail.released",
        &format!("mail/{}", ids[0]),
        "{}",
    ]
    .map(str::to_owned);
    let reason = r#"{"reason":"o glumă"}"#;
    let discarded = ["Ion Șef", "mail.discarded", &format!("mail/{}", ids[1]), reason].map(str::to_owned);
    assert_eq!(acts, [released, discarded]);
}
