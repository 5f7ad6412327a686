//! Logs hold no citizen's address, name, subject or file name, also where a server quotes them.

use std::fs;

use crate::support::agency::{Agency, expected, fixtures};
use crate::support::ca::TestCa;
use crate::support::process::Process;
use crate::support::sink::{Action, Fault, Point, Security, Sink};
use crate::support::tools::{PATIENCE, set_mode, write};

/// Everything in the fixtures that belongs to a citizen: addresses, subjects, names, names of files.
fn personal(agency: &Agency) -> Vec<String> {
    let mut words = Vec::new();
    for name in fixtures() {
        let expected = expected(&name);
        words
            .extend([&expected["from"], &expected["subject"]].map(|value| value.as_str().map(str::to_owned)));
        let documents = expected["documents"].as_array().unwrap().iter();
        words.extend(documents.map(|document| document["name"].as_str().map(str::to_owned)));
    }
    let entries = agency.run(&["entries", "--json"]).ended_with(0).json();
    assert!(entries.len() > 15);
    words.extend(
        entries
            .iter()
            .map(|entry| entry["applicant"].as_str().map(str::to_owned)),
    );
    let words: Vec<String> = words
        .into_iter()
        .flatten()
        .filter(|word| !word.is_empty())
        .collect();
    assert!(words.len() > 100);
    words
}

#[test]
fn logs_name_no_citizen() {
    let agency = Agency::new();
    for name in fixtures() {
        agency.deliver("somaj", &name);
    }
    let ca = TestCa::make(&agency.path().join("ca"));
    let login = ("registratura", "parola");
    let sink = Sink::start(Security::StartTls, &ca.server, Some(login));
    let refusal = Action::Reply(
        "550 5.1.1 <ioana.pastravanu@exemplu.test>: mailbox of ioana.pastravanu@exemplu.test unknown",
    );
    sink.script(Fault::at(Point::RcptTo, refusal, 1));
    let later = Action::Reply("451 4.3.0 <calin.turturica@exemplu.test> not now");
    sink.script(Fault::at(Point::RcptTo, later, 1));
    write(&agency.path().join("smtp.password"), login.1);
    set_mode(&agency.path().join("smtp.password"), 0o600);
    let server = format!(
        "[transport]\nkind = \"smtp\"\nhost = \"localhost\"\nport = {}\nsecurity = \"starttls\"\nuser = \"{}\"\n\
         password = {{ file = \"smtp.password\" }}\nca_file = \"ca/ca.pem\"\n",
        sink.port, login.0
    );
    agency.configure(|text| text.replace("[transport]\nkind = \"folder\"\npath = \"letters\"\n", &server));
    let once = agency.run(&["once"]).ended_with(1);
    let sent = sink.kept().len();
    assert!(
        once.err.contains("given up") && once.err.contains("tried again") && sent > 10,
        "{}",
        once.err
    );
    let config = agency.config();
    let args = ["run", "--config", config.to_str().unwrap()];
    agency.deliver("dej", "12-seara-dinaintea-sarbatorii");
    fs::write(
        agency.path().join("mailboxes/dej/nou.eml"),
        "From: Ana <ana@exemplu.test>\n\nCerere.\n",
    )
    .unwrap();
    let debug = [("RECIPISA_LOG", "debug")];
    let mut daemon = Process::recipisa(agency.path(), "run", &args, &debug);
    sink.wait_for(sent + 1);
    daemon.terminate();
    assert_eq!(daemon.wait(PATIENCE).code(), Some(0), "{}", daemon.stderr());
    let check = agency.run(&["check"]).ended_with(0);
    assert!(daemon.stderr().contains("letter sent") && once.err.contains("mail decided"));
    let logs = [
        once.out,
        once.err,
        daemon.stdout(),
        daemon.stderr(),
        check.out,
        check.err,
    ]
    .concat();
    for word in personal(&agency)
        .iter()
        .map(String::as_str)
        .chain(["ana@exemplu.test"])
    {
        assert!(!logs.contains(word), "the logs say {word}");
    }
}
