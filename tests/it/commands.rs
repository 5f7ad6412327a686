//! The commands as an operator uses them: exit codes, help, words. The clerk's part is in [`clerk`].
//!
//! Left out: `demo` and `inspect`, which have files of their own, and the daemon with real servers.

mod calendar;
mod clerk;
mod held;
mod privacy;

use std::process::Stdio;

use jiff::SignedDuration;
use recipisa::edge::clock::Clock;

use crate::support::agency::Agency;
use crate::support::command::{project, recipisa, said};
use crate::support::process::Process;
use crate::support::tools::{PATIENCE, set_mode, wait_until, write};

/// Each command, and what its help must speak of.
const HELP: [(&[&str], &[&str]); 22] = [
    (
        &[],
        &[
            "demo",
            "run",
            "once",
            "check",
            "status",
            "inspect",
            "mails",
            "entries",
            "show",
            "verify",
            "held",
            "--config",
            "--version",
            "Exit codes: 0",
            "3 the configuration",
            "4 another recipisa",
            "RECIPISA_CONFIG",
            "/etc/recipisa/recipisa.toml",
        ],
    ),
    (&["demo"], &["--dir <DIR>", "[default: recipisa-demo]"]),
    (
        &["run"],
        &[
            "--config",
            "SIGTERM",
            "SIGHUP",
            "--log-format <FORMAT>",
            "text",
            "json",
            "journal",
        ],
    ),
    (&["once"], &["--config"]),
    (&["check"], &["--config", "--online", "--json"]),
    (&["status"], &["--json"]),
    (
        &["inspect"],
        &[
            "[PATHS]...",
            "--json",
            "--as <KIND>",
            "document, mail",
            "--source <NAME>",
            "--limit <N>",
        ],
    ),
    (&["mails"], &["--json"]),
    (&["entries"], &["--json"]),
    (
        &["show"],
        &["<NUMBER>", "--json", "--receipt <FILE>", "12/20.11.2026"],
    ),
    (
        &["verify"],
        &["<RECEIPT>", "[FILES]...", "--trust <FILE>", "--json"],
    ),
    (
        &["held"],
        &[
            "list", "show", "open", "retry", "release", "register", "join", "discard",
        ],
    ),
    (&["held", "list"], &["--json"]),
    (&["held", "show"], &["<ID>", "--raw", "--json"]),
    (&["held", "open"], &["<ID>", "--to <FILE>"]),
    (&["held", "retry"], &["<ID>", "--as <NAME>", "--json"]),
    (&["held", "release"], &["<ID>", "--as <NAME>", "--json"]),
    (
        &["held", "register"],
        &[
            "<ID>",
            "--sender <ADDRESS>",
            "--name <NAME>",
            "--type <ID>",
            "--as <NAME>",
        ],
    ),
    (
        &["held", "join"],
        &["<ID> <NUMBER>", "--as <NAME>", "12/20.11.2026"],
    ),
    (
        &["held", "discard"],
        &["<ID>", "--as <NAME>", "--reason <REASON>"],
    ),
    (&["calendar"], &["<YEAR>", "--json", "2012 to 2099"]),
    (
        &["term"],
        &[
            "--from <DATE>",
            "--working <N>",
            "--days <N>",
            "--json",
            "20.11.2026",
        ],
    ),
];

#[test]
fn help_speaks_of_every_option() {
    for (command, words) in HELP {
        let help = said(recipisa(command).arg("--help")).ended_with(0).out;
        let flat = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(
                flat.contains(word),
                "{command:?} does not speak of {word}: {help}"
            );
        }
        for line in help.lines().filter(|line| line.trim_start().starts_with("--")) {
            let described = line
                .trim()
                .split_once("  ")
                .is_some_and(|(_, words)| !words.trim().is_empty());
            assert!(described, "{command:?}: {line}");
        }
    }
}

#[test]
fn a_command_line_that_is_not_understood_ends_with_2() {
    for args in [
        &["registreaza"][..],
        &["mails", "--xml"],
        &["show"],
        &["verify"],
        &["held", "release", "primul"],
        &["held", "discard", "1"],
        &["held", "join", "1"],
        &["held", "show", "--raw", "--json", "1"],
        &[],
    ] {
        let said = said(&mut recipisa(args)).ended_with(2);
        let helps = said.err.contains("Usage:") || said.err.contains("try '--help'");
        assert!(helps, "{args:?}: {}", said.err);
    }
}

#[test]
fn a_faulty_configuration_ends_with_3_and_tells_every_problem() {
    let agency = Agency::new();
    agency.configure(|text| {
        let text = text.replace("cui = \"00000000\"", "cui = 7");
        text.replace("office = \"dej\"", "office = \"turda\"")
            .replace("kind = \"folder\"\npath = \"letters\"", "kind = \"pigeon\"")
    });
    for command in [
        &["once"][..],
        &["run"],
        &["check"],
        &["mails"],
        &["entries"],
        &["show", "1/01.01.2026"],
        &["held"],
    ] {
        let said = agency.run(command).ended_with(3);
        assert_eq!(said.out, "");
        let place = format!("{}:", agency.config().display());
        assert!(said.err.matches(&place).count() >= 3, "{}", said.err);
        for word in ["cui", "turda", "pigeon", "problems in the configuration"] {
            assert!(
                said.err.contains(word),
                "{command:?} does not tell {word}: {}",
                said.err
            );
        }
    }
    let nowhere = said(&mut recipisa(&["once", "--config", "/nowhere/recipisa.toml"])).ended_with(3);
    assert!(nowhere.err.contains("/nowhere/recipisa.toml") && nowhere.err.contains("No such file"));
    assert!(nowhere.err.contains("--config"), "{}", nowhere.err);
}

#[test]
fn only_one_works_on_a_registry() {
    let agency = Agency::new();
    agency.deliver("somaj", "01-cerere-buna");
    let config = agency.config();
    let args = ["run", "--config", config.to_str().unwrap()];
    let mut daemon = Process::recipisa(agency.path(), "run", &args, &[]);
    wait_until("the daemon's lock", PATIENCE, || {
        let checked = agency.run(&["check"]);
        checked.out.contains("held: recipisa is at work").then_some(())
    });
    for command in ["once", "run"] {
        let second = agency.run(&[command]).ended_with(4);
        assert!(second.err.contains("another recipisa works on"), "{}", second.err);
        assert!(second.err.contains("wait for it or stop it"), "{}", second.err);
    }
    for command in ["mails", "entries", "held", "check"] {
        agency.run(&[command]).ended_with(0);
    }
    daemon.terminate();
    assert_eq!(daemon.wait(PATIENCE).code(), Some(0), "{}", daemon.stderr());
    agency.run(&["once"]).ended_with(0);
}

#[test]
fn check_tells_what_is_well_and_what_is_not() {
    let agency = Agency::new();
    let good = agency.run(&["check"]).ended_with(0);
    for line in [
        "ok       configuration",
        "ok       calendar",
        "ok       database",
        "ok       archive",
        "ok       journal",
        "ok       work",
        "ok       lock",
        "ok       key",
        "ok       certificate",
        "warning  qualified",
    ] {
        assert!(good.out.contains(line), "no {line}: {}", good.out);
    }
    assert!(good.out.contains("NEVALID – DEMONSTRAȚIE") && good.out.contains("accept_unqualified"));
    agency.configure(|text| text.replace("[signing]", "[signing]\naccept_unqualified = true"));
    let accepted = agency.run(&["check"]).ended_with(0);
    assert!(
        accepted.out.contains("the configuration accepts it"),
        "{}",
        accepted.out
    );

    let now = Clock::System.now();
    agency.key_valid_at(now - SignedDuration::from_hours(24 * 355));
    let soon = agency.run(&["check"]).ended_with(0);
    assert!(
        soon.out.contains("warning  certificate") && soon.out.contains("renew it now"),
        "{}",
        soon.out
    );
    agency.key_valid_at(now - SignedDuration::from_hours(24 * 400));
    let expired = agency.run(&["check"]).ended_with(1);
    assert!(
        expired.out.contains("ERROR    certificate") && expired.out.contains("receipts wait"),
        "{}",
        expired.out
    );
    agency.key_valid_at(now);
    let password = agency.path().join("seal.password");
    write(&password, "alta");
    set_mode(&password, 0o600);
    let wrong = agency.run(&["check"]).ended_with(1);
    assert!(
        wrong.out.contains("ERROR    key") && wrong.out.contains("`password`"),
        "{}",
        wrong.out
    );
    let once = agency.run(&["once"]).ended_with(1);
    assert!(once.err.contains("seal.p12"), "{}", once.err);
    set_mode(&password, 0o644);
    let open = agency.run(&["check"]).ended_with(3);
    assert!(open.err.contains("chmod 0600"), "{}", open.err);
}

#[test]
fn check_finds_a_changed_journal() {
    let agency = Agency::new();
    agency.deliver("somaj", "01-cerere-buna");
    agency.run(&["once"]).ended_with(0);
    let database = rusqlite::Connection::open(agency.path().join("registry/recipisa.db")).unwrap();
    database
        .execute_batch(
            "DROP TRIGGER journal_is_never_changed; UPDATE journal SET actor = 'altcineva' WHERE seq = 2",
        )
        .unwrap();
    let changed = agency.run(&["check"]).ended_with(1);
    assert!(
        changed.out.contains("ERROR    journal        row 2:"),
        "{}",
        changed.out
    );
    assert!(changed.out.contains("compare it with a backup"));
}

#[test]
fn an_expired_certificate_delays_receipts_and_loses_none() {
    let agency = Agency::new();
    agency.key_valid_at(Clock::System.now() - SignedDuration::from_hours(24 * 400));
    for name in ["01-cerere-buna", "02-mai-multe-fisiere"] {
        agency.deliver("somaj", name);
    }
    let first = agency.run(&["once"]).ended_with(1);
    assert!(
        first
            .out
            .contains("2 kept, 2 decided, 0 receipts issued, 0 letters sent"),
        "{}",
        first.out
    );
    assert!(
        first.err.contains("the certificate has been invalid since 20") && first.err.contains("renew it"),
        "{}",
        first.err
    );
    let owed = agency.run(&["entries", "--json"]).ended_with(0).json();
    assert!(owed.iter().all(|entry| entry["receipt"]["state"] == "owed"));
    assert_eq!(
        agency
            .run(&["entries"])
            .ended_with(0)
            .out
            .matches("  owed")
            .count(),
        2
    );
    let number = owed[0]["number"].as_str().unwrap();
    let checked = agency.run(&["check"]).ended_with(1).out;
    assert!(
        checked.contains("2 receipts owed") && checked.contains("receipts wait"),
        "{checked}"
    );
    let early = agency
        .run(&["show", number, "--receipt", "/nowhere/r.pdf"])
        .ended_with(1);
    assert!(early.err.contains("not issued yet"), "{}", early.err);
    agency.key_valid_at(Clock::System.now());
    let second = agency.run(&["once"]).ended_with(0);
    assert!(
        second
            .out
            .contains("0 kept, 0 decided, 2 receipts issued, 2 letters sent"),
        "{}",
        second.out
    );
}

#[test]
fn an_entry_is_shown_by_every_form_of_its_number() {
    let agency = Agency::new();
    agency.deliver("somaj", "08-diacritice");
    agency.run(&["once"]).ended_with(0);
    let entry = agency.run(&["entries", "--json"]).ended_with(0).json().remove(0);
    let number = entry["number"].as_str().unwrap();
    for form in [number.to_owned(), format!(" {number} "), format!("CJ-{number}")] {
        let shown = agency.run(&["show", &form]).ended_with(0).out;
        for words in [
            number,
            "stefanita.tepes@exemplu.test",
            "Ștefăniță Țepeș",
            "împuternicire și acord.xml",
            "sent",
        ] {
            assert!(shown.contains(words), "{form}: no {words} in {shown}");
        }
    }
    let mut shown = agency.run(&["show", number, "--json"]).ended_with(0).json();
    assert_eq!(shown.len(), 1);
    let lives = shown[0].as_object_mut().unwrap().remove("lives").unwrap();
    let copies = shown[0].as_object_mut().unwrap().remove("copies");
    assert_eq!(copies, Some(serde_json::json!([])));
    assert_eq!(shown, std::slice::from_ref(&entry));
    assert_eq!(lives[0]["steps"][2]["what"], "sent", "{lives}");
    let file = agency.path().join("a.pdf");
    agency
        .run(&["show", number, "--receipt", file.to_str().unwrap()])
        .ended_with(0);
    let verified = agency.run(&["verify", file.to_str().unwrap()]).ended_with(0);
    assert!(
        verified.out.contains(&format!("number    {number}")),
        "{}",
        verified.out
    );
    let (_, day) = number.split_once('/').unwrap();
    for (form, words) in [
        (format!("99/{day}"), "there is no entry 99/"),
        ("1/01.02.2003".to_owned(), "there is no entry 1/01.02.2003"),
        (format!("DEJ-1/{day}"), "there is no entry"),
        ("unu".to_owned(), "write it as on the receipt"),
        ("1/2026".to_owned(), "write it as on the receipt"),
    ] {
        let refused = agency.run(&["show", &form]).ended_with(1);
        assert!(
            refused.err.contains(words) && refused.out.is_empty(),
            "{form}: {}",
            refused.err
        );
    }
    agency.configure(|text| format!("{text}\n[[register]]\ncode = \"DEJ\"\nname = \"Al doilea\"\n"));
    let entries = agency.run(&["entries"]).ended_with(0).out;
    assert!(entries.contains(&format!("CJ-{number}")), "{entries}");
    agency.run(&["show", &format!("CJ-{number}")]).ended_with(0);
    agency.run(&["show", number]).ended_with(1);
}

#[test]
fn a_reader_who_goes_away_ends_a_list_quietly() {
    let agency = Agency::new();
    for name in ["01-cerere-buna", "21-fara-expeditor"] {
        agency.deliver("somaj", name);
    }
    agency.run(&["once"]).ended_with(0);
    let held = agency.run(&["held", "list", "--json"]).json()[0]["mail_id"].to_string();
    let number = agency.run(&["entries", "--json"]).json()[0]["number"].clone();
    let number = number.as_str().unwrap();
    let receipt = agency.path().join("r.pdf");
    let receipt = receipt.to_str().unwrap();
    agency.run(&["show", number, "--receipt", receipt]).ended_with(0);
    let fixtures = project().join("fixtures");
    for args in [
        &["mails"][..],
        &["mails", "--json"],
        &["entries"],
        &["entries", "--json"],
        &["show", number],
        &["verify", receipt],
        &["inspect", "--json", fixtures.to_str().unwrap()],
        &["held"],
        &["held", "show", &held],
        &["held", "show", "--raw", &held],
        &["check"],
        &["--help"],
    ] {
        // Gone before the first word, so that every write meets a closed pipe.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = recipisa(args);
        command.env("RECIPISA_CONFIG", agency.config()).stdout(writer);
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        drop(command);
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{args:?}: {:?}", ended.status);
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{args:?}");
    }
}
