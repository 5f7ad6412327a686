//! The three forms of the log: lines, JSON, and fields in the journal. What they must not hold is checked wherever a
//! process ends, by [`crate::support::hearing`].

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use serde_json::Value;

use crate::support::agency::Agency;
use crate::support::command::{recipisa, said};
use crate::support::process::{Group, OURS, Process};
use crate::support::tools::{PATIENCE, make_dir, poll, tool, wait_until};

use super::letters;

#[test]
fn json_lines_have_a_member_for_each_fact() {
    let agency = Agency::new();
    agency.deliver("somaj", "01-cerere-buna");
    agency.deliver("dej", "09-raspuns-automat");
    let config = agency.config();
    let args = [
        "run",
        "--log-format",
        "json",
        "--config",
        config.to_str().unwrap(),
    ];
    let mut process = Process::recipisa(agency.path(), "json", &args, &[]);
    wait_until("the letter", PATIENCE, || {
        process.stderr().contains("letter sent").then_some(())
    });
    process.terminate();
    assert_eq!(process.wait(PATIENCE).code(), Some(0), "{}", process.stderr());
    let said = process.stderr();
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = |message: &str| {
        let found = lines.iter().find(|line| line["message"] == message);
        found.unwrap_or_else(|| panic!("no {message} in {said}"))
    };
    let decided = line("mail decided");
    assert!(
        decided["mail.id"].is_i64() && decided["outcome"].is_string(),
        "{decided}"
    );
    assert_eq!(
        (&decided["level"], decided["timestamp"].is_string()),
        (&"INFO".into(), true)
    );
    assert!(
        line("receipt issued")["entry.number"]
            .as_str()
            .unwrap()
            .starts_with("1/")
    );
    assert!(line("letter sent")["letter.id"].is_string());
}

#[test]
fn lines_are_the_rule_and_an_unknown_form_is_refused() {
    let agency = Agency::new();
    agency.deliver("somaj", "01-cerere-buna");
    let config = agency.config();
    // A stream of the journal that is not ours, as under a shell that systemd has started.
    let env = [("JOURNAL_STREAM", "1:1")];
    let mut process = Process::recipisa(
        agency.path(),
        "text",
        &["run", "--config", config.to_str().unwrap()],
        &env,
    );
    wait_until("a line", PATIENCE, || {
        process
            .stderr()
            .contains(" INFO letter sent letter.id=")
            .then_some(())
    });
    process.terminate();
    assert_eq!(process.wait(PATIENCE).code(), Some(0), "{}", process.stderr());
    said(&mut recipisa(&["run", "--log-format", "xml"])).ended_with(2);
}

/// The fields of one message in the journal's own protocol: `NAME=value`, or `NAME`, a length of eight bytes, the value.
fn fields(message: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = message;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = String::from_utf8(rest[..end].to_vec()).unwrap();
        rest = &rest[end + 1..];
        if let Some((name, value)) = line.split_once('=') {
            found.push((name.to_owned(), value.to_owned()));
        } else {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let value = String::from_utf8(rest[8..8 + length].to_vec()).unwrap();
            rest = &rest[8 + length + 1..];
            found.push((line, value));
        }
    }
    found
}

/// `recipisa run` where `/run/systemd/journal` is a folder of ours; what `before` says is done first. `None` where
/// nobody may mount.
fn run_before_own_journal(agency: &Agency, before: &str, args: &[&str]) -> Option<Process> {
    let unshare = tool("unshare", "util-linux");
    let may = Command::new(&unshare).args(["--mount", "true"]).output().unwrap();
    if !may.status.success() {
        println!("mounting is not permitted here, so the journal cannot be played");
        return None;
    }
    let journal = agency.path().join("journal");
    let script = format!(
        "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && mount --bind {} /run/systemd/journal && {before} \
         exec \"$@\"",
        journal.display()
    );
    let mut command = Command::new(unshare);
    command
        .args([
            "--mount",
            tool("sh", "dash").to_str().unwrap(),
            "-c",
            &script,
            "sh",
        ])
        .arg(env!("CARGO_BIN_EXE_recipisa"))
        .args(["run", "--config"])
        .arg(agency.config())
        .args(args);
    Some(Process::start(
        command,
        Group::Ours,
        agency.path(),
        &format!("{OURS}journal"),
    ))
}

#[test]
fn the_journal_gets_fields() {
    // By its own stream, as under systemd, and by the option.
    let own_stream = "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) && export JOURNAL_STREAM &&";
    for (before, args) in [(own_stream, &[][..]), ("", &["--log-format", "journal"])] {
        let agency = Agency::new();
        make_dir(&agency.path().join("journal"));
        let socket = UnixDatagram::bind(agency.path().join("journal/socket")).unwrap();
        socket.set_nonblocking(true).unwrap();
        agency.deliver("somaj", "01-cerere-buna");
        let Some(mut process) = run_before_own_journal(&agency, before, args) else {
            return;
        };
        let mut heard: Vec<Vec<(String, String)>> = Vec::new();
        let mut buffer = vec![0; 65_536];
        let sent = poll(PATIENCE, || {
            while let Ok(length) = socket.recv(&mut buffer) {
                heard.push(fields(&buffer[..length]));
            }
            let messages = heard.iter().flatten();
            messages
                .clone()
                .any(|(name, value)| name == "MESSAGE" && value == "letter sent")
                .then_some(())
        });
        assert!(sent.is_some(), "{heard:?}\n{}", process.stderr());
        process.terminate();
        assert_eq!(process.wait(PATIENCE).code(), Some(0), "{}", process.stderr());
        assert_eq!(process.stderr(), "", "all of it went into the journal");
        let decided = heard
            .iter()
            .find(|fields| fields.contains(&("MESSAGE".into(), "mail decided".into())))
            .unwrap();
        let value = |name: &str| {
            let field = decided.iter().find(|(field, _)| field == name);
            field
                .unwrap_or_else(|| panic!("no {name} in {decided:?}"))
                .1
                .as_str()
        };
        assert_eq!(
            ["MAIL_ID", "OUTCOME", "REASON", "SYSLOG_IDENTIFIER", "PRIORITY"].map(value),
            ["1", "registered", "request", "recipisa", "5"]
        );
        assert!(value("ENTRY_NUMBER").starts_with("1/"));
    }
}

#[test]
fn without_a_journal_lines_are_written_and_say_so() {
    let agency = Agency::new();
    make_dir(&agency.path().join("journal"));
    agency.deliver("somaj", "01-cerere-buna");
    let Some(mut process) = run_before_own_journal(&agency, "", &["--log-format", "journal"]) else {
        return;
    };
    wait_until("the letter", PATIENCE, || (letters(&agency) == 1).then_some(()));
    process.terminate();
    assert_eq!(process.wait(PATIENCE).code(), Some(0), "{}", process.stderr());
    let said = process.stderr();
    assert!(
        said.contains("the journal cannot be reached") && said.contains("mail decided"),
        "{said}"
    );
}
